"""The settings of one generation: one table, from which every interface is derived.

The pipeline's call, share links, the HTTP API, the command line, the page's controls, cache keys,
the stored examples and the text inside MIDI files all take their names, defaults and ranges from
the rows of `GenerationSettings`. To add a setting, add a row.

Conventions
-----------
open
    A setting of None is open: the music, the composers or the chance of the seed decide. Links,
    the page and the HTTP API have its `blank` instead: 0 for a tempo, an empty text for a word.
public name
    What links, the HTTP API and the command line call a setting: its `alias` where it has one.
weights
    0 to 100, as on the page's sliders; only their proportions count. They are rounded to six
    digits, so that 1 : 2 and 50 : 100 are one choice.
"""

from __future__ import annotations

import dataclasses
import numbers
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from prism.music.attributes import ATTRIBUTES, COLLECTION, usual_spelling
from prism.music.naming import mixture, signature

# What the baseline starts from, in the words of the page.
AMT_STARTS = {
    "opening": "another piece's opening",
    "nothing": "nothing (unprompted)",
    "melody": "the Prism melody (accompaniment)",
}
# Whose settings decide the baseline's piece besides its own.
_STARTS_FROM = {"opening": "corpus", "nothing": "amt", "melody": "prism"}
# The time signatures that people are offered; others can be asked for.
METRES = ("4/4", "3/4", "2/4", "2/2", "3/2", "3/8", "6/8", "9/8", "12/8")
_MOST_BEATS, _BEAT_UNITS = 32, (1, 2, 4, 8, 16, 32)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WEIGHT_DIGITS = 6
_LONGEST_QUOTED = 40


class SettingError(ValueError):
    """A setting out of its range: which one, what was expected, what was given."""

    def __init__(self, name: str, expected: str, got: object) -> None:
        super().__init__(f"{name}: expected {expected}, got {_quoted(got)}")


class Offered(NamedTuple):
    """What a model can be asked for: labels, and attributes with all their values."""

    composers: Sequence[str]
    attributes: Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """A row of the table.

    Parameters
    ----------
    name : str
        That of the field.
    default
        None for open.
    label, help, unit : str
        For people; `help` says what the setting does.
    decides : tuple of str
        Whose pieces depend on it: ``prism``, ``corpus``, ``amt``.
    alias : str
        The public name, where it is another.
    shared : bool
        Whether it has a place in links, the HTTP API, the command line and the page.
    blank
        See Conventions.
    public_type : type
        Of its public value.
    """

    name: str = ""
    default: Any = None
    label: str = ""
    help: str = ""
    unit: str = ""
    decides: tuple[str, ...] = ("prism",)
    alias: str = ""
    shared: bool = True
    blank: ClassVar[Any] = ""
    public_type: ClassVar[type] = str

    @property
    def public_name(self) -> str:
        """See Conventions."""
        return self.alias or self.name

    @property
    def public_default(self) -> Any:
        """The default as the page and the HTTP API have it."""
        return self.public(self.default)

    @property
    def expected(self) -> str:
        """The range in words."""
        raise NotImplementedError

    @property
    def told_default(self) -> str:
        """What stands for it where it is not given, in words."""
        return "as it comes" if self.default is None else str(self.public_default)

    @property
    def description(self) -> str:
        """What it does and its range, for a list of all."""
        return f"{self.help}: {self.expected}"

    def public(self, value: Any) -> Any:
        """A value as the page and the HTTP API have it."""
        return self.blank if value is None else value

    def check(self, value: Any, offered: Offered | None = None) -> Any:
        """A value as the field holds it, from what any interface has for it.

        Raises
        ------
        SettingError
            If it is out of range.
        """
        if self.default is None and value in (None, ""):
            return None
        return self._checked(value, offered)

    def _checked(self, value: Any, offered: Offered | None) -> Any:
        raise NotImplementedError

    def _wrong(self, got: object, expected: str = "") -> SettingError:
        return SettingError(self.name, expected or self.expected, got)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number(Setting):
    """From `low` to `high`, whole or not; `step` is that of a slider, 0 for a box to type into."""

    low: float
    high: float
    step: float = 0
    whole: bool = False
    blank: ClassVar[float] = 0
    public_type: ClassVar[type] = float

    @property
    def expected(self) -> str:
        """The range in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} to {self.high:.10g}"

    def _checked(self, value: Any, offered: Offered | None) -> float | None:
        number = value
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            number = float(value)
        if number == self.blank and self.default is None:
            return None
        if isinstance(number, bool) or not isinstance(number, numbers.Real):
            raise self._wrong(value)
        if not self.low <= number <= self.high or (self.whole and number != int(number)):
            raise self._wrong(value)
        return int(number) if self.whole else float(number)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word(Setting):
    """One of `choices`, each with the words for it."""

    choices: Mapping[str, str]

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"one of {', '.join(self.choices)}"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if value not in list(self.choices):
            raise self._wrong(value)
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributeSetting(Setting):
    """A value of one of `prism.music.attributes`; which ones there are, the model says."""

    @property
    def values(self) -> tuple[str, ...]:
        """Those that do not depend on the corpus."""
        return () if self.name == COLLECTION else ATTRIBUTES[self.name].values

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"one of {', '.join(self.values)}" if self.values else "one of the model's"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        value = usual_spelling(value)
        values = self.values
        if offered is not None:
            values = offered.attributes.get(self.name, ())
            if not values:
                raise self._wrong(value, "nothing, as this model cannot be asked for that")
        if values and value not in values:
            raise self._wrong(value, f"one of {', '.join(values)}")
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metre(Setting):
    """A time signature, as a pair of numbers or as text."""

    expected: ClassVar[str] = (
        f"a time signature such as {', '.join(METRES[:-1])} or {METRES[-1]} (1 to {_MOST_BEATS} "
        f"beats of a unit of {', '.join(map(str, _BEAT_UNITS))})"
    )

    def public(self, value: tuple[int, int] | None) -> str:
        """For example ``"3/4"``."""
        return self.blank if value is None else signature(value)

    def _checked(self, value: Any, offered: Offered | None) -> tuple[int, int]:
        try:
            beats, unit = map(int, value.split("/") if isinstance(value, str) else value)
        except (TypeError, ValueError):
            raise self._wrong(value) from None
        if not 1 <= beats <= _MOST_BEATS or unit not in _BEAT_UNITS:
            raise self._wrong(value)
        return beats, unit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Composers(Setting):
    """Up to `most` labels of the model."""

    most: int
    public_type: ClassVar[type] = list[str]
    told_default: ClassVar[str] = "is needed"

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"1 to {self.most} labels, each once"

    def _checked(self, value: Any, offered: Offered | None) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) else tuple(value)
        if not 1 <= len(names) <= self.most or len(set(names)) < len(names):
            raise self._wrong(list(names))
        unknown = [name for name in names if offered and name not in offered.composers]
        if unknown:
            raise self._wrong(", ".join(unknown), f"some of {', '.join(offered.composers)}")
        return names

    def check(self, value: Any, offered: Offered | None = None) -> tuple[str, ...]:
        """See `Setting.check`."""
        return self._checked(value or (), offered)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights(Number):
    """One number a composer; `default` is everybody's."""

    public_type: ClassVar[type] = list[float]

    def for_composers(self, weights: Any, count: int) -> tuple[float, ...]:
        """One a composer, as given; a single one's does not matter.

        Raises
        ------
        SettingError
            If there are not as many as composers, one is out of range, or all are 0.
        """
        if weights is None:
            return (float(self.default),) * count
        if len(weights) != count:
            raise self._wrong(list(weights), f"{count}, one a composer")
        if count == 1:
            return (float(weights[0] or 0),)
        checked = tuple(self._checked(weight, None) for weight in weights)
        if not any(checked):
            raise self._wrong(list(weights), "at least one above 0")
        return checked


def _row(setting: Setting) -> Any:
    return dataclasses.field(default=setting.default, metadata={"setting": setting})


def _attribute(help: str) -> Any:
    return _row(AttributeSetting(help=help))


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """What to draw; checked, so that equal settings give equal pieces.

    Every parameter takes what `Setting.check` of its row does; the rows below say what each is.
    What depends on the model, `known_to` checks.

    Parameters
    ----------
    mixer : tuple of (str, float)
        The composers with their weights as given, those of 0 too, which are no composers here:
        other weights in the same proportions are the same settings. Usually left to be derived.

    Attributes
    ----------
    composer_weights : tuple of float
        One a composer, above 0, summing to 1.

    Raises
    ------
    SettingError
        If a value is out of its range; the message names the setting.

    Examples
    --------
    >>> GenerationSettings(["Bach", "Mozart"], [30, 10], seed=7).mix
    'Bach 75 % + Mozart 25 %'
    """

    composers: tuple[str, ...] = dataclasses.field(
        metadata={
            "setting": Composers(
                most=4,
                label="Composers",
                help="one to four",
                decides=("prism", "corpus", "amt"),
            )
        }
    )
    composer_weights: tuple[float, ...] | None = dataclasses.field(
        default=None,
        metadata={
            "setting": Weights(
                default=50,
                low=0,
                high=100,
                step=1,
                label="Weight",
                help="one number a composer, of which the proportions count",
                decides=("prism", "amt"),
                alias="weights",
            )
        },
    )
    guidance_scale: float = _row(
        Number(
            default=2.0,
            low=0,
            high=8,
            step=0.1,
            label="Guidance scale",
            help="0 ignores the composers",
        )
    )
    seed: int = _row(
        Number(
            default=0,
            low=0,
            high=2**31 - 1,
            whole=True,
            label="Seed",
            help="same seed, same notes",
            decides=("prism", "corpus", "amt"),
        )
    )
    num_inference_steps: int = _row(
        Number(
            default=16,
            low=1,
            high=200,
            step=1,
            whole=True,
            label="Steps",
            unit="sampler steps",
            help="how finely it is drawn",
        )
    )
    tempo: float | None = _row(
        Number(
            low=20,
            high=400,
            label="Tempo",
            unit="quarter notes a minute",
            help="0 for the music's own",
            decides=("prism", "corpus", "amt"),
        )
    )
    amt_start: str = _row(
        Word(
            default="opening",
            choices=AMT_STARTS,
            label="AMT starts from",
            help="an opening is neither played nor scored",
            decides=("amt",),
        )
    )
    structure_scale: float = _row(
        Number(
            default=0.35,
            low=0,
            high=8,
            step=0.05,
            label="Structure",
            help="how strongly bars repeat",
        )
    )
    attribute_scale: float = _row(
        Number(
            default=1.5,
            low=0,
            high=8,
            help="guidance towards each attribute on its own",
            shared=False,
        )
    )
    time_signature: tuple[int, int] | None = _row(
        Metre(label="Metre", help="time signature", alias="metre")
    )
    key: str | None = _attribute("such as A minor or B♭ major")
    density: str | None = _attribute("notes a beat")
    register: str | None = _attribute("mean pitch")
    character: str | None = _attribute("range of loudness and pitch")
    repetition: str | None = _attribute("how many bars return")
    collection: str | None = _attribute("in whose manner")
    mixer: tuple[tuple[str, float], ...] = dataclasses.field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        names = SETTINGS["composers"].check(self.composers)
        weights = SETTINGS["composer_weights"].for_composers(self.composer_weights, len(names))
        shares = _shares(weights)
        checked = {
            "composers": tuple(n for n, share in zip(names, shares, strict=True) if share),
            "composer_weights": tuple(share for share in shares if share),
            "mixer": self.mixer or tuple(zip(names, weights, strict=True)),
        }
        for name in OTHERS:
            checked[name] = SETTINGS[name].check(getattr(self, name))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def read(cls, values: Mapping[str, Any], offered: Offered) -> GenerationSettings:
        """Settings from values under their public names; see `known_to` for `offered`."""
        return cls(**{PUBLIC[name].name: value for name, value in values.items()}).known_to(offered)

    def known_to(self, offered: Offered) -> GenerationSettings:
        """These settings, checked against what a model can be asked for.

        Raises
        ------
        SettingError
            If it knows less; the message lists what it knows.
        """
        SETTINGS["composers"].check([name for name, _ in self.mixer], offered)
        for name in self.attributes:
            SETTINGS[name].check(getattr(self, name), offered)
        return self

    @property
    def attributes(self) -> dict[str, str]:
        """Those that are not open, sorted; see `prism.music.attributes`."""
        named = {name: getattr(self, name) for name in sorted(ATTRIBUTE_SETTINGS)}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def mix(self) -> str:
        """The composers with their shares, for example ``"Bach 70 % + Mozart 30 %"``."""
        return mixture(self.composers, self.composer_weights)

    def public(self) -> dict[str, Any]:
        """The values under their public names, as the page and the HTTP API have them."""
        values = {"composers": [n for n, _ in self.mixer], "weights": [w for _, w in self.mixer]}
        others = (SETTINGS[name] for name in OTHERS)
        return values | {s.public_name: s.public(getattr(self, s.name)) for s in others if s.shared}

    def record(self, source: str = "") -> dict[str, Any]:
        """What is not open, by name; with a source, what decides its piece besides the composers.

        It stands in MIDI files and in the answers of the command line.
        """
        wanted = [SETTINGS[n] for n in OTHERS if SETTINGS[n].shared]
        found = {s.name: getattr(self, s.name) for s in wanted if not source or source in s.decides}
        return {name: value for name, value in found.items() if value is not None}

    def key_for(self, source: str) -> tuple:
        """Equal for settings with which a source (``prism``, ``corpus``, ``amt``) does the same."""
        along = _STARTS_FROM[self.amt_start] if source == "amt" else source
        names = [n for n, s in SETTINGS.items() if source in s.decides or along in s.decides]
        return source, *(getattr(self, name) for name in names)


SETTINGS: dict[str, Setting] = {
    field.name: dataclasses.replace(
        setting, name=field.name, label=setting.label or field.name.capitalize()
    )
    for field in dataclasses.fields(GenerationSettings)
    if (setting := field.metadata.get("setting"))
}
PUBLIC = {setting.public_name: setting for setting in SETTINGS.values() if setting.shared}
# All but composers and weights.
OTHERS = tuple(SETTINGS)[2:]
ATTRIBUTE_SETTINGS = tuple(n for n, s in SETTINGS.items() if isinstance(s, AttributeSetting))


def checked_seeds(seed: int | Sequence[int]) -> tuple[int, ...]:
    """One or more seeds as a tuple.

    Raises
    ------
    SettingError
        If there is none, or one is out of range.
    """
    seeds = tuple(seed) if isinstance(seed, (list, tuple, range)) else (seed,)
    if not seeds:
        raise SettingError("seed", "at least one", seed)
    return tuple(SETTINGS["seed"].check(one) for one in seeds)


def _shares(weights: Collection[float]) -> list[float]:
    if len(weights) == 1:
        return [1.0]
    rounded = [round(weight / sum(weights), _WEIGHT_DIGITS) for weight in weights]
    return [share / sum(rounded) for share in rounded]


def _quoted(got: object) -> str:
    """What was given, in a sentence; a stranger's text may be long."""
    if got is None or got == "":
        return "nothing"
    text = repr(got)
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…"
