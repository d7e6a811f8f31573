"""Share links: a choice as the query of an address, and back.

A link carries everything that decides the result, so any host with the same weights plays the same
notes, and no server has to remember it. What a link leaves out stays as a new page has it.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from prism.amt.prompt import AMT_STARTS
from prism.models.settings import METRES, USUAL_STRUCTURE
from prism.music.attributes import NAMES, usual_spelling
from prism.service.choice import (
    GUIDANCE_RANGE,
    MAXIMUM_COMPOSERS,
    MAXIMUM_SEED,
    STEPS_RANGE,
    STRUCTURE_RANGE,
    TEMPO_RANGE,
    WEIGHT_RANGE,
    Choice,
    wrong_number,
    wrong_word,
)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_LONGEST_QUOTED = 40
_MOST_NAMED = 12


@dataclasses.dataclass(frozen=True)
class Shared:
    """What a link asks for; the defaults are those of a new page.

    Parameters
    ----------
    composers : tuple of str
        Empty for those of a new page.
    weights : tuple of float
        The mixer's, 0 to 100, one a composer.
    guidance_scale, seed, num_inference_steps : float, int, int
        See `prism.service.choice.Choice`.
    tempo : float
        0 for the music's own.
    amt_start : str
        One of `prism.amt.prompt.AMT_STARTS`.
    structure_scale : float
        As of `prism.service.choice.Choice`.
    metre, key, density, register, character, repetition, collection : str
        Empty for as it comes.
    given : bool
        Whether the address holds anything of a link.
    faults : tuple of str
        A sentence for each control that the link has wrong, and that has its default here.
    """

    composers: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    guidance_scale: float = 2.0
    seed: int = 1
    num_inference_steps: int = 16
    tempo: float = 0.0
    amt_start: str = "opening"
    structure_scale: float = USUAL_STRUCTURE
    metre: str = ""
    key: str = ""
    density: str = ""
    register: str = ""
    character: str = ""
    repetition: str = ""
    collection: str = ""
    given: bool = False
    faults: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the link says what to generate, and all of it was understood."""
        return bool(self.composers) and not self.faults

    @property
    def settings(self) -> tuple[Any, ...]:
        """All but composers and weights, in the order of `prism.service.choice.read_choice`."""
        return (
            self.guidance_scale,
            self.seed,
            self.num_inference_steps,
            self.tempo,
            self.amt_start,
            self.structure_scale,
            self.metre,
            *(getattr(self, name) for name in NAMES),
        )


USUAL = Shared()
USUAL_WEIGHT = 50.0


def query(choice: Choice) -> str:
    """The part of a link after the question mark.

    Parameters
    ----------
    choice : Choice
        What was generated.

    Examples
    --------
    >>> query(Choice(("Bach", "Mozart"), (0.6, 0.4), 2.0, 7, 16, 100.0))[:35]
    'composers=Bach,Mozart&weights=60,40'
    """
    mixer = choice.mixer
    values = {"composers": ",".join(_escaped(name) for name, _ in mixer)}
    if len(mixer) > 1:
        values["weights"] = ",".join(_written(weight) for _, weight in mixer)
    values |= {
        "guidance_scale": _written(choice.guidance_scale),
        "seed": _written(choice.seed),
        "num_inference_steps": _written(choice.num_inference_steps),
        "tempo": _written(choice.tempo or 0),
        "amt_start": choice.amt_start,
        "structure_scale": _written(choice.structure_scale),
    }
    asked = {"metre": choice.metre, **dict(choice.attributes)}
    values |= {name: asked[name] for name in ("metre", *NAMES) if asked.get(name)}
    return urllib.parse.urlencode(values, safe=",/", quote_via=urllib.parse.quote)


def shared(choice: Choice) -> Shared:
    """What a link to this choice asks for.

    Examples
    --------
    >>> shared(Choice(("Bach",), (1.0,), 2.0, 7, 16, None)).tempo
    0.0
    """
    return Shared(
        tuple(name for name, _ in choice.mixer),
        tuple(weight for _, weight in choice.mixer),
        choice.guidance_scale,
        choice.seed,
        choice.num_inference_steps,
        choice.tempo or 0.0,
        choice.amt_start,
        choice.structure_scale,
        choice.metre,
        **dict(choice.attributes),
        given=True,
    )


def read_query(
    parameters: Mapping[str, str],
    known: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
) -> Shared:
    """Read a link, strictly; what is wrong concerns one control alone and is told.

    Parameters
    ----------
    parameters : mapping of str to str
        Of the address, decoded. Names that are no control's are passed over: hosts add their own.
    known : sequence of str
        The labels there are.
    attributes : mapping of str to sequence of str
        The attributes that the model knows, with their values.
    """
    readers = _readers(known, attributes)
    read, faults = {}, []
    for name in (name for name in readers if name in parameters):
        try:
            read[name] = readers[name](parameters[name], read)
        except ValueError as error:
            faults.append(str(error))
    read.setdefault("weights", (USUAL_WEIGHT,) * len(read.get("composers", ())))
    given = any(name in parameters for name in readers)
    return Shared(**read, given=given, faults=tuple(faults))


def _readers(
    known: Sequence[str], attributes: Mapping[str, Sequence[str]]
) -> dict[str, Callable[[str, Mapping[str, Any]], Any]]:
    """For each control a function of its text and of what was read before it."""
    return {
        "composers": lambda text, read: _read_composers(text, known),
        "weights": lambda text, read: _read_weights(text, read.get("composers")),
        "guidance_scale": lambda text, read: _number("guidance", text, *GUIDANCE_RANGE),
        "seed": lambda text, read: int(_number("seed", text, 0, MAXIMUM_SEED, whole=True)),
        "num_inference_steps": lambda text, read: int(
            _number("number of steps", text, *STEPS_RANGE, whole=True)
        ),
        "tempo": lambda text, read: _read_tempo(text),
        "amt_start": lambda text, read: _read_start(text),
        "structure_scale": lambda text, read: _number("structure", text, *STRUCTURE_RANGE),
        "metre": lambda text, read: _word("metre", text, METRES),
    } | {
        name: lambda text, read, name=name: _word(name, text, attributes.get(name, ()))
        for name in NAMES
    }


def _read_composers(text: str, known: Sequence[str]) -> tuple[str, ...]:
    names = tuple(_name(part, known) for part in text.split(","))
    unknown = [_quoted(name) for name in names if name not in known]
    if not text.strip():
        raise ValueError("The link names no composer, and should name one to four.")
    if unknown:
        raise ValueError(
            f"The link asks for {', '.join(unknown[:MAXIMUM_COMPOSERS])}, and Prism has learned "
            f"{_listed(known)}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"The link names a composer twice: {', '.join(map(_quoted, names))}.")
    if len(names) > MAXIMUM_COMPOSERS:
        raise ValueError(
            f"The link names {len(names)} composers, and {MAXIMUM_COMPOSERS} is the most."
        )
    return names


def _read_weights(text: str, composers: tuple[str, ...] | None) -> tuple[float, ...]:
    if composers is None:
        # Without the composers they belong to nobody, which is said of the composers or no matter.
        return ()
    parts = text.split(",")
    if len(parts) != len(composers):
        raise ValueError(
            f"The link's weights are {_quoted(text)}, and there should be {len(composers)}, "
            "one a composer."
        )
    named = zip(composers, parts, strict=True)
    weights = tuple(_number(f"weight of {name}", part, *WEIGHT_RANGE) for name, part in named)
    if len(weights) > 1 and not any(weights):
        raise ValueError("The link's weights are all 0, and at least one should be above 0.")
    return weights


def _read_tempo(text: str) -> float:
    if _NUMBER.fullmatch(text) and float(text) == 0:
        return 0.0
    return _number("tempo", text, *TEMPO_RANGE, otherwise=", or 0 for the music's own")


def _read_start(text: str) -> str:
    if text not in AMT_STARTS:
        raise ValueError(
            f"The link lets AMT start from {_quoted(text)}, and it should be one of "
            f"{', '.join(AMT_STARTS)}."
        )
    return text


def _number(
    name: str, text: str, low: float, high: float, whole: bool = False, otherwise: str = ""
) -> float:
    number = float(text) if _NUMBER.fullmatch(text) else _quoted(text)
    wrong = wrong_number(f"The link's {name}", number, low, high, whole)
    if wrong:
        raise ValueError(f"{wrong}{otherwise}.")
    return number


def _word(name: str, text: str, values: Collection[str]) -> str:
    text = usual_spelling(text)
    shown = text if text in values else _quoted(text)
    # Empty is what the control holds for as it comes.
    if text and (wrong := wrong_word(f"The link's {name}", shown, values)):
        raise ValueError(f"{wrong}.")
    return text


def _escaped(name: str) -> str:
    """A name that can stand between commas."""
    return name.replace("%", "%25").replace(",", "%2C")


def _name(part: str, known: Sequence[str]) -> str:
    """The known name that is meant; people write spaces after commas."""
    name = urllib.parse.unquote(part)
    return name if name in known else name.strip()


def _written(number: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(number)) if number == int(number) else repr(float(number))


def _quoted(text: str) -> str:
    """A stranger's text in a sentence."""
    short = text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…"
    return f"“{short}”"


def _listed(known: Sequence[str]) -> str:
    more = len(known) - _MOST_NAMED
    return ", ".join(known[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
