"""The kinds of settings, which the rows of `prism.models.settings.GenerationSettings` are."""

from __future__ import annotations

import dataclasses
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from prism.music.attributes import attribute_values, usual_spelling
from prism.music.metadata import signature

# The time signatures that people are offered; others can be asked for.
METRES = ("4/4", "3/4", "2/4", "2/2", "3/2", "3/8", "6/8", "9/8", "12/8")
_MOST_BEATS, _BEAT_UNITS = 32, (1, 2, 4, 8, 16, 32)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
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
    name, alias : str
        That of the field, and the public one where it is another.
    default
        None for open.
    label, help : str
        For people; `help` says what the setting does.
    decides : tuple of str
        Whose pieces depend on it: ``prism``, ``corpus``, ``amt``.
    shared : bool
        Whether it has a place in links, the HTTP API, the command line and the page.
    blank, public_type
        Its public value where it is open, and the type of its public values.
    """

    name: str = ""
    alias: str = ""
    default: Any = None
    label: str = ""
    help: str = ""
    decides: tuple[str, ...] = ("prism",)
    shared: bool = True
    blank: ClassVar[Any] = ""
    public_type: ClassVar[type] = str

    @property
    def public_name(self) -> str:
        return self.alias or self.name

    @property
    def public_default(self) -> Any:
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
        """A value as the field holds it, from any interface's; raises `SettingError`."""
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
    unit: str = ""
    blank: ClassVar[float] = 0
    public_type: ClassVar[type] = float

    @property
    def expected(self) -> str:
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
        return f"one of {', '.join(self.choices)}"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if value not in list(self.choices):
            raise self._wrong(value)
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributeSetting(Setting):
    """A value of one of `prism.music.attributes`; which ones there are, the model says."""

    @property
    def _values(self) -> tuple[str, ...]:
        """None for the collection, whose values depend on the corpus."""
        return attribute_values([self.name])[self.name]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self._values)}" if self._values else "one of the model's"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        value = usual_spelling(value)
        values = self._values
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
        return f"1 to {self.most} labels, each once"

    def check(self, value: Any, offered: Offered | None = None) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) and value else tuple(value or ())
        if not 1 <= len(names) <= self.most or len(set(names)) < len(names):
            raise self._wrong(list(names))
        unknown = [name for name in names if offered and name not in offered.composers]
        if unknown:
            raise self._wrong(", ".join(unknown), f"some of {', '.join(offered.composers)}")
        return names


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights(Number):
    """One number a composer; `default` is everybody's."""

    public_type: ClassVar[type] = list[float]

    def for_composers(self, weights: Any, count: int) -> tuple[float, ...]:
        """One a composer, as given; a single one's does not matter. Raises `SettingError`."""
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


def _quoted(got: object) -> str:
    """What was given, in a sentence; a stranger's text may be long."""
    if got is None or got == "":
        return "nothing"
    text = repr(got)
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…"
