"""Share links: settings as the query of an address, and back.

A link carries everything that decides the result, so any host with the same bundle plays the same
notes, and no server has to remember it. What a link leaves out stays as a new page has it.

Conventions
-----------
what is plain is read
    Names and words in upper or lower case, hyphens for underscores, ``&amp;`` for ``&``, composers
    and weights with commas between them or each with a name of its own.
what is not understood is told
    A name of no setting, unless a host or a site that leads here adds it, and a setting that is
    given twice with two values; nothing is generated before the visitor presses Generate.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from prism.models.setting_types import Offered, SettingError, number_text
from prism.models.settings import OTHERS, PUBLIC, SETTINGS, GenerationSettings

# Lists, for which a name may stand several times.
_LISTS = ("composers", "weights")
# What Gradio's page, Spaces and the sites that lead here add to an address.
MODE, BLIND = "mode", "blind"  # the value: see `prism.service.listening`
BUNDLE, SHIPPED = "bundle", "prism"
_OTHERS_NAMES = (MODE, "__*", "view", "deep_link", "utm_*", "*clid")


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
        A sentence for each name and value that is wrong.
    bundle : str
        The id of the bundle it was made with, which older ones do not say.
    """

    settings: GenerationSettings
    given: bool
    complete: bool
    faults: tuple[str, ...] = ()
    bundle: str = ""


def query(settings: GenerationSettings, bundle: str = "") -> str:
    """The part of a link after the question mark; `bundle` is the id of the page's.

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
    is_open = {name for name in values if getattr(settings, PUBLIC[name].name) is None}
    texts = {name: _text(value) for name, value in values.items() if name not in is_open}
    texts |= {BUNDLE: bundle} if bundle else {}
    return urllib.parse.urlencode(texts, safe=",/:", quote_via=urllib.parse.quote)


def read_query(parameters: Iterable[tuple[str, str]], offered: Offered, bundle: str = "") -> Link:
    """Read an address's parameters, decoded, in order; a fault concerns one name alone.

    A link of another bundle than `bundle`, the page's, is told apart, and one of other weights in
    it. A link that names none is of the shipped one.
    """
    parameters = list(parameters)
    texts, faults = _texts((name, text) for name, text in parameters if name != BUNDLE)
    meant = next((text for name, text in parameters if name == BUNDLE), "")
    if texts and meant != bundle and (meant or not _is_shipped(bundle)):
        faults.append(_of_another(meant, bundle))
    values: dict[str, Any] = {}
    for name in (name for name in PUBLIC if name in texts):
        try:
            values |= _read(PUBLIC[name].name, texts[name], values, offered)
        except SettingError as error:
            faults.append(f"The link's {error.called(name)}.")
    complete = "composers" in values and not faults
    settings = GenerationSettings(**{"composers": offered.composers[:1]} | values)
    return Link(settings, bool(texts or faults), complete, tuple(faults), meant)


def _is_shipped(bundle: str) -> bool:
    return not bundle or _name_of(bundle) == SHIPPED


def _name_of(bundle: str) -> str:
    return bundle.rpartition("-")[0]


def _of_another(meant: str, bundle: str) -> str:
    if meant and _name_of(meant) == _name_of(bundle):
        return "The link was made with other weights: its notes have changed."
    named, own = (
        "the shipped bundle" if _is_shipped(one) else f'the bundle "{one}"'
        for one in (meant, bundle)
    )
    return f"The link is of {named}, this page of {own}: the same choice gives other music here."


def _texts(parameters: Iterable[tuple[str, str]]) -> tuple[dict[str, list[str]], list[str]]:
    """What is given for each setting, by public name, and what is wrong with the names."""
    texts: dict[str, list[str]] = {}
    unknown, faults = [], []
    for given, text in parameters:
        name = given.removeprefix("amp;").strip().lower().replace("-", "_")
        if name in PUBLIC:
            before = texts.setdefault(name, [])
            if name in _LISTS or text not in before:
                before.append(text)
        elif not any(fnmatch.fnmatchcase(name, other) for other in _OTHERS_NAMES):
            unknown.append(given)
    if unknown:
        error = SettingError("names", f"some of {', '.join(PUBLIC)}", ", ".join(unknown))
        faults.append(f"The link's {error}.")
    for name in [name for name, found in texts.items() if name not in _LISTS and found[1:]]:
        error = SettingError(name, "one value", ", ".join(texts.pop(name)))
        faults.append(f"The link's {error}.")
    return texts, faults


def _read(
    name: str, texts: list[str], before: Mapping[str, Any], offered: Offered
) -> dict[str, Any]:
    """A setting's value, by its name; none for weights of composers that were not understood."""
    if name in OTHERS:
        return {name: SETTINGS[name].check(texts[0], offered)}
    parts = [part for text in texts for part in text.split(",")]
    if name == "composers":
        names = [_name(part, offered) for part in parts if part.strip()]
        return {name: SETTINGS[name].check(names, offered)}
    if "composers" not in before:
        return {}
    return {name: SETTINGS[name].for_composers(parts, len(before["composers"]))}


def _name(part: str, offered: Offered) -> str:
    """The known name that is meant; people write spaces after commas."""
    name = urllib.parse.unquote(part)
    return name if name in offered.composers else name.strip()


def _text(value: Any) -> str:
    """The shortest text that reads back as the same value."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else number_text(value)
