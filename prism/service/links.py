"""Share links: settings as the query of an address, and back.

A link carries everything that decides the result, so any host with the same weights plays the same
notes, and no server has to remember it. What a link leaves out stays as a new page has it.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Mapping
from typing import Any

from prism.models.setting_types import Offered, SettingError
from prism.models.settings import OTHERS, PUBLIC, SETTINGS, GenerationSettings


@dataclasses.dataclass(frozen=True)
class Link:
    """What a link asks for.

    Parameters
    ----------
    settings : GenerationSettings
        With the first composer where it names none, and defaults for what it has wrong.
    given, complete : bool
        Whether the address holds anything of a link; whether it says what to generate, and all of
        it was understood.
    faults : tuple of str
        A sentence for each setting that it has wrong.
    """

    settings: GenerationSettings
    given: bool
    complete: bool
    faults: tuple[str, ...] = ()


def query(settings: GenerationSettings) -> str:
    """The part of a link after the question mark.

    Examples
    --------
    >>> query(GenerationSettings(["Bach", "Mozart"], [60, 40], seed=7))[:42]
    'composers=Bach,Mozart&weights=60,40&guidanc'
    """
    values = settings.public()
    # So that a name can stand between commas.
    values["composers"] = [
        name.replace("%", "%25").replace(",", "%2C") for name in values["composers"]
    ]
    if len(values["composers"]) == 1:
        del values["weights"]
    texts = {name: _text(value) for name, value in values.items() if value != ""}
    return urllib.parse.urlencode(texts, safe=",/", quote_via=urllib.parse.quote)


def read_query(parameters: Mapping[str, str], offered: Offered) -> Link:
    """Read an address's parameters, decoded; a fault concerns one setting alone.

    Names of no setting are passed over: hosts add their own.
    """
    values: dict[str, Any] = {}
    faults = []
    given = [name for name in PUBLIC if name in parameters]
    for name in given:
        try:
            values |= _read(PUBLIC[name].name, parameters[name], values, offered)
        except SettingError as error:
            faults.append(f"The link's {error}.")
    complete = "composers" in values and not faults
    settings = GenerationSettings(**{"composers": offered.composers[:1]} | values)
    return Link(settings, bool(given), complete, tuple(faults))


def _read(name: str, text: str, before: Mapping[str, Any], offered: Offered) -> dict[str, Any]:
    """A setting's value, by its name; none for weights of composers that were not understood."""
    if name == "composers":
        parts = [_name(part, offered) for part in text.split(",")]
        return {name: SETTINGS[name].check(parts if text.strip() else (), offered)}
    if name in OTHERS:
        return {name: SETTINGS[name].check(text, offered)}
    if "composers" not in before:
        return {}
    weights = SETTINGS[name].for_composers(text.split(","), len(before["composers"]))
    return {name: weights}


def _name(part: str, offered: Offered) -> str:
    """The known name that is meant; people write spaces after commas."""
    name = urllib.parse.unquote(part)
    return name if name in offered.composers else name.strip()


def _text(value: Any) -> str:
    """The shortest text that reads back as the same value."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else repr(float(value))
