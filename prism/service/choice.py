"""What a visitor chose, checked: the one place that knows what the controls may hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from prism.amt.prompt import AMT_STARTS
from prism.models.settings import METRES, USUAL_STRUCTURE
from prism.music.attributes import usual_spelling
from prism.music.naming import mixture, signature

MAXIMUM_COMPOSERS = 4
WEIGHT_RANGE = (0.0, 100.0)
GUIDANCE_RANGE = (0.0, 8.0)
STRUCTURE_RANGE = (0.0, 4.0)
STEPS_RANGE = (4, 64)
TEMPO_RANGE = (40.0, 240.0)
MAXIMUM_SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Choice:
    """All inputs of one click; equal choices give equal results.

    Parameters
    ----------
    composers : tuple of str
        One to four labels, none with weight 0.
    weights : tuple of float
        One a composer, above 0, summing to 1.
    guidance_scale : float
        0 to 8.
    seed : int
        0 to 2³¹ − 1.
    num_inference_steps : int
        4 to 64.
    tempo : float or None
        Quarter notes a minute; None for the music's own.
    amt_start : str
        One of `AMT_STARTS`.
    structure_scale : float
        0 to 4: how much bars are led to return.
    time_signature : (int, int) or None
        One of `METRES`; None for one that the composers used.
    attributes : tuple of (str, str)
        What else is asked for (see `prism.music.attributes`), sorted; empty for nothing.
    mixer : tuple of (str, float)
        The composers with their sliders as they stood, those at 0 too: other positions in the same
        proportion are the same choice. By default the shares in percent.
    """

    composers: tuple[str, ...]
    weights: tuple[float, ...]
    guidance_scale: float
    seed: int
    num_inference_steps: int
    tempo: float | None
    amt_start: str = "opening"
    structure_scale: float = USUAL_STRUCTURE
    time_signature: tuple[int, int] | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    mixer: tuple[tuple[str, float], ...] = dataclasses.field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.mixer:
            shares = zip(self.composers, self.weights, strict=True)
            mixer = tuple((name, 100 * weight) for name, weight in shares)
            object.__setattr__(self, "mixer", mixer)

    @property
    def mix(self) -> str:
        """The composers with their shares, for example ``"Bach 70 % + Mozart 30 %"``."""
        return mixture(self.composers, self.weights)

    @property
    def metre(self) -> str:
        """The time signature as its control holds it, for example ``"3/4"``; empty for None."""
        return signature(self.time_signature) if self.time_signature else ""


def read_choice(
    composers: Sequence[str] | None,
    weights: Sequence[float | None],
    guidance_scale: float | None = 2.0,
    seed: float | None = 0,
    num_inference_steps: float | None = 16,
    tempo: float | None = None,
    amt_start: str | None = "opening",
    structure_scale: float | None = USUAL_STRUCTURE,
    metre: str | None = "",
    key: str | None = "",
    density: str | None = "",
    register: str | None = "",
    character: str | None = "",
    repetition: str | None = "",
    collection: str | None = "",
    *,
    known: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
) -> Choice:
    """Check what the controls hold.

    Parameters
    ----------
    composers : sequence of str or None
        As chosen, in order.
    weights : sequence of float
        The sliders; the first ones belong to the composers, the rest are ignored. A single
        composer's weight does not matter.
    guidance_scale, seed, num_inference_steps, structure_scale : float or None
        As entered; None stands for an empty box.
    tempo : float or None
        None or 0 for the music's own.
    amt_start : str or None
        One of `AMT_STARTS`.
    metre : str or None
        One of `METRES`; empty for as it comes.
    key, density, register, character, repetition, collection : str or None
        One of its values; empty for as it comes.
    known : sequence of str
        The labels there are.
    attributes : mapping of str to sequence of str
        The attributes that the model knows, with their values.

    Raises
    ------
    ValueError
        With a sentence for the visitor: what is wrong, what was expected, what to do.
    """
    names = _composers(composers, known)
    shares = _shares(names, weights)
    return Choice(
        tuple(name for name, share in zip(names, shares, strict=True) if share > 0),
        tuple(share for share in shares if share > 0),
        _within("Guidance", guidance_scale, *GUIDANCE_RANGE),
        int(_within("Seed", seed, 0, MAXIMUM_SEED, whole=True)),
        int(_within("Steps", num_inference_steps, *STEPS_RANGE, whole=True)),
        None if tempo in (None, 0, "") else _within("Tempo", tempo, *TEMPO_RANGE),
        _start(amt_start),
        _within("Structure", structure_scale, *STRUCTURE_RANGE),
        METRES.get(_asked("Metre", metre, METRES)),
        _attributes(
            {
                "key": key,
                "density": density,
                "register": register,
                "character": character,
                "repetition": repetition,
                "collection": collection,
            },
            attributes,
        ),
        () if len(names) == 1 else tuple(zip(names, weights, strict=False)),
    )


def _composers(composers: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    names = [composers] if isinstance(composers, str) else list(dict.fromkeys(composers or ()))
    if not names:
        raise ValueError(
            "No composer is chosen: choose one to four under Composers, then press Generate."
        )
    if len(names) > MAXIMUM_COMPOSERS:
        raise ValueError(
            f"{len(names)} composers are chosen, and {MAXIMUM_COMPOSERS} is the most: "
            "take some away under Composers."
        )
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"Prism has not learned {', '.join(unknown)}: choose from {', '.join(known)}."
        )
    return names


def _shares(names: list[str], weights: Sequence[float | None]) -> list[float]:
    if len(names) == 1:
        return [1.0]
    values = [
        _within(f"The weight of {name}", weight, *WEIGHT_RANGE)
        for name, weight in zip(names, weights, strict=False)
    ]
    if not any(values):
        raise ValueError("All weights are 0: move at least one composer's weight above 0.")
    # Rounded, so that 1 : 2 and 50 : 100 are one choice and share their result.
    return [round(value / sum(values), 6) for value in values]


def _start(amt_start: str | None) -> str:
    if amt_start not in AMT_STARTS:
        raise ValueError(
            f"AMT starts from {amt_start}, and should start from {', '.join(AMT_STARTS)}: "
            "change it, then press Generate."
        )
    return amt_start


def _attributes(
    wanted: Mapping[str, str | None], known: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, str], ...]:
    asked = {
        name: _asked(name.capitalize(), value, known.get(name, ()))
        for name, value in wanted.items()
    }
    return tuple(sorted((name, value) for name, value in asked.items() if value))


def _asked(name: str, value: str | None, values: Collection[str]) -> str:
    """What is asked for; empty for as it comes."""
    if value in (None, ""):
        return ""
    value = usual_spelling(str(value))
    if wrong := wrong_word(name, value, values):
        raise ValueError(f"{wrong}: change it or leave it empty, then press Generate.")
    return value


def wrong_word(name: str, value: object, values: Collection[str]) -> str | None:
    """What is wrong with a word and what was expected; None if nothing is.

    Parameters
    ----------
    name : str
        Begins the sentence, which has no full stop.
    value : object
        Should be one of `values`, which are none for what a model does not know.
    """
    if value in list(values):
        return None
    if not values:
        return f"{name} is {value}, and this model cannot be asked for that"
    return f"{name} is {value}, and should be one of {', '.join(values)}"


def wrong_number(
    name: str, value: object, low: float, high: float, whole: bool = False
) -> str | None:
    """What is wrong with a value and what was expected; None if nothing is.

    Parameters
    ----------
    name : str
        Begins the sentence, which has no full stop.
    value : object
        Should be a number from `low` to `high`; None and the empty text are called empty.
    low, high : float
        Both are allowed.
    whole : bool
        Whether only whole numbers are.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and low <= value <= high and not (whole and value != int(value)):
        return None
    shown = "empty" if value in (None, "") else value
    kind = "a whole number" if whole else "a number"
    return f"{name} is {shown}, and should be {kind} from {low:g} to {high:.10g}"


def _within(name: str, value: float | None, low: float, high: float, whole: bool = False) -> float:
    wrong = wrong_number(name, value, low, high, whole)
    if wrong:
        raise ValueError(f"{wrong}: change it, then press Generate.")
    return float(value)
