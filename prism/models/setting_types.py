"""The kinds of settings, which the rows of `prism.models.settings.GenerationSettings` are."""

from __future__ import annotations

import dataclasses
import numbers
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from prism.music.attributes import attribute_values, usual_spelling
from prism.music.metadata import signature

# The time signatures that people are offered; others can be asked for.
METRES = ("4/4", "3/4", "2/4", "2/2", "3/2", "3/8", "6/8", "9/8", "12/8")
_MOST_BEATS, _BEAT_UNITS = 32, (1, 2, 4, 8, 16, 32)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
_LONGEST_QUOTED = 40
_MOST_LISTED = 20
NOTHING = "nothing, as this model cannot be asked for that"


class SettingError(ValueError):
    """A setting out of its range: which one, what was expected, what was given."""

    def __init__(self, name: str, expected: str, got: object) -> None:
        super().__init__(f"{name}: expected {expected}, got {_quoted(got)}")
        self.name, self.expected, self.got = name, expected, got

    def called(self, name: str) -> SettingError:
        """The same fault under the name by which an interface knows the setting."""
        return SettingError(name, self.expected, self.got)


class Offered(NamedTuple):
    """What a model can be asked for: labels, attributes with all their values, maybe a form."""

    composers: Sequence[str]
    attributes: Mapping[str, Sequence[str]]
    form: bool = True


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
        Whose pieces depend on it: ``prism``, ``corpus``, ``amt``. None of them: it only changes how
        all of them sound.
    shared : bool
        Whether it has a place in links, the HTTP API, the command line and the page.
    blank, public_type
        Its public value where it is open, and the type of its public values.
    needed : bool
        Whether it has to be given.
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
    needed: ClassVar[bool] = False

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
        if self.needed:
            return "is needed"
        return "any" if self.default is None else str(self.public_default)

    @property
    def description(self) -> str:
        """What it does and its range, for a list of all."""
        return f"{self.help}: {self.expected}"

    def public(self, value: Any) -> Any:
        """A value as the page and the HTTP API have it."""
        return self.blank if value is None else value

    def check(self, value: Any, offered: Offered | None = None) -> Any:
        """A value as the field holds it, from any interface's; raises `SettingError`."""
        if self.default is None and _is_blank(value):
            return None
        return self._checked(value, offered)

    def _checked(self, value: Any, offered: Offered | None) -> Any:
        raise NotImplementedError

    def _wrong(self, got: object, expected: str = "") -> SettingError:
        return SettingError(self.name, expected or self.expected, got)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number(Setting):
    """From `low` to `high`, whole or not; `step` is that of a slider, 0 for a box to type into.

    It may come as a number or as a text that is one, and is read exactly; ``7.0`` is whole, and
    truth values are no numbers.
    """

    low: float
    high: float
    step: float = 0
    whole: bool = False
    unit: str = ""
    blank: ClassVar[float] = 0

    @property
    def public_type(self) -> type:
        return int if self.whole else float

    @property
    def span(self) -> str:
        """The range and the unit, for example ``20 to 400 quarter notes a minute``."""
        return f"{number_text(self.low)} to {number_text(self.high)} {self.unit}".rstrip()

    @property
    def expected(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {number_text(self.low)} to {number_text(self.high)}"

    @property
    def told_default(self) -> str:
        return super().told_default if self.default is None else number_text(self.default)

    def _checked(self, value: Any, offered: Offered | None) -> float | None:
        number = _number(value)
        if number == self.blank and self.default is None:
            return None
        if number is None or not self.low <= number <= self.high:
            raise self._wrong(value)
        if self.whole and number != int(number):
            raise self._wrong(value)
        return int(number) if self.whole else float(number)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Word(Setting):
    """One of `choices`, each with the words for it; upper or lower case does not matter."""

    choices: Mapping[str, str]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if (word := _meant(value, self.choices)) is None:
            raise self._wrong(value)
        return word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Text(Setting):
    """Words of up to `longest` characters."""

    longest: int
    needed: ClassVar[bool] = True

    @property
    def expected(self) -> str:
        return f"a text of up to {self.longest} characters"

    def check(self, value: Any, offered: Offered | None = None) -> str:
        if not isinstance(value, str) or len(value) > self.longest:
            raise self._wrong(value)
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributeSetting(Setting):
    """A value of one of `prism.music.attributes`; which ones there are, the model says.

    Upper or lower case does not matter, and keys can be spelt as `usual_spelling` has them.
    """

    @property
    def _values(self) -> tuple[str, ...]:
        """None for the collection, whose values depend on the corpus."""
        return attribute_values([self.name])[self.name]

    @property
    def expected(self) -> str:
        return _some_of(self._values) if self._values else "one of the model's"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        values = self._values
        if offered is not None:
            values = offered.attributes.get(self.name, ())
            if not values:
                raise self._wrong(value, NOTHING)
        if not values:
            return value
        word = _meant(value, values) or _meant(usual_spelling(value.strip().capitalize()), values)
        if word is None:
            raise self._wrong(value, _some_of(values))
        return word


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metre(Setting):
    """A time signature, as a pair of whole numbers or as text."""

    expected: ClassVar[str] = (
        f"a time signature such as {', '.join(METRES[:-1])} or {METRES[-1]} (1 to {_MOST_BEATS} "
        f"beats of a unit of {', '.join(map(str, _BEAT_UNITS))})"
    )

    def public(self, value: tuple[int, int] | None) -> str:
        return self.blank if value is None else signature(value)

    def _checked(self, value: Any, offered: Offered | None) -> tuple[int, int]:
        pair = value.split("/") if isinstance(value, str) else value
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise self._wrong(value)
        beats, unit = map(_number, pair)
        if beats not in range(1, _MOST_BEATS + 1) or unit not in _BEAT_UNITS:
            raise self._wrong(value)
        return int(beats), int(unit)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Composers(Setting):
    """Up to `most` labels of the model; upper or lower case does not matter."""

    most: int
    public_type: ClassVar[type] = list[str]
    needed: ClassVar[bool] = True

    @property
    def expected(self) -> str:
        return f"1 to {self.most} labels, each once"

    def check(self, value: Any, offered: Offered | None = None) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        given = [] if _is_blank(value) else given
        if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
            raise self._wrong(value, f"a list of {self.expected}")
        names = tuple(given)
        if offered and len(names) <= self.most:
            names = tuple(_meant(name, offered.composers) or "" for name in given)
            unknown = [was for name, was in zip(names, given, strict=True) if not name]
            if unknown:
                raise self._wrong(", ".join(unknown), f"some of {', '.join(offered.composers)}")
        if not 1 <= len(names) <= self.most or len(set(names)) < len(names):
            raise self._wrong(list(given) if given else value)
        return names


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights(Number):
    """One number a composer; `default` is everybody's."""

    public_type: ClassVar[type] = list[float]

    @property
    def told_default(self) -> str:
        return f"{super().told_default} each"

    def for_composers(self, weights: Any, count: int) -> tuple[float, ...]:
        """One a composer, as given; a single one can be left blank. Raises `SettingError`."""
        if weights is None:
            return (float(self.default),) * count
        if isinstance(weights, str) or not isinstance(weights, Sequence):
            raise self._wrong(weights, "a list of numbers, one a composer")
        if len(weights) != count:
            raise self._wrong(list(weights), f"{count}, one a composer")
        if count == 1 and _is_blank(weights[0]):
            return (0.0,)
        checked = tuple(self._checked(weight, None) for weight in weights)
        if count > 1 and not any(checked):
            raise self._wrong(list(weights), "at least one above 0")
        return checked


def number_text(number: float) -> str:
    """The shortest text that reads back as the same number.

    Examples
    --------
    >>> number_text(2.0), number_text(2**31 - 1), number_text(0.35)
    ('2', '2147483647', '0.35')
    """
    whole = isinstance(number, numbers.Integral) or float(number).is_integer()
    return str(int(number)) if whole else repr(float(number))


def _number(value: Any) -> numbers.Real | Decimal | None:
    """A number, or the one that a text is, exactly; None for anything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return value if isinstance(value, numbers.Real) and not isinstance(value, bool) else None


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _meant(value: Any, known: Collection[str]) -> str | None:
    """The very word that is known, else the only one that looks the same in lower case."""
    if not isinstance(value, str):
        return None
    alike = [word for word in known if _plain(word) == _plain(value)]
    return value if value in known else alike[0] if len(alike) == 1 else None


def _some_of(values: Sequence[str]) -> str:
    """The values that can be asked for; of many, such as the 24 keys, two."""
    if len(values) <= _MOST_LISTED:
        return f"one of {', '.join(values)}"
    return f"one like {values[0]} or {values[-1]}"


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _quoted(got: object) -> str:
    """What was given, in a sentence; a stranger's text may be long, and whole numbers are plain."""
    if _is_blank(got):
        return "nothing"
    if isinstance(got, (list, tuple)):
        text = f"[{', '.join(map(_shown, got[:_LONGEST_QUOTED]))}]"
    else:
        text = _shown(got)
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return number_text(value)
    try:
        return repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists in lists
        return "something too large to show"
