"""Settings of what is drawn around something: bars redrawn, bars kept, a form to keep to.

Conventions
-----------
by
    Who draws: ``prism``, ``amt`` (by infilling, see `prism.amt.infilling`), or ``form``: Prism
    draws first, the melody of that stays, and AMT writes the rest to it.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any, ClassVar, NamedTuple

from prism.models.setting_types import NOTHING, Offered, Setting, SettingError

BY = {"prism": "Prism", "amt": "AMT", "form": "AMT inside Prism's form"}
PRISM = "prism"
# Whose bars can be kept; those of Prism's own piece are kept by redrawing the others.
REAL, AMT, YOURS = "real", "amt", "yours"
_BARS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_EDIT = re.compile(rf"([^:]+):(\d{{1,10}})(?::({'|'.join(BY)}))?", re.ASCII)
_KEPT = re.compile(
    rf"({REAL}|{AMT}|{YOURS})(?:-([0-9a-f]{{12}}))?:([^:]+)"
    rf"(?::(\d{{1,10}})(?::({'|'.join(BY)}))?)?",
    re.ASCII,
)


class Edit(NamedTuple):
    """Bars of a roll, counted from 1, to be redrawn, and the seed of what takes their place."""

    first: int
    last: int
    seed: int
    by: str = PRISM

    def __str__(self) -> str:
        who = "" if self.by == PRISM else f":{self.by}"
        return f"{bars_text(self.first, self.last)}:{self.seed}{who}"


class Kept(NamedTuple):
    """Bars of a lane's piece that stay, `parts` of (first, last), counted from 1.

    `file` tells a visitor's own piece from others, and `seed` is that of what is drawn around them,
    the settings' own where it is None.
    """

    source: str
    parts: tuple[tuple[int, int], ...]
    seed: int | None = None
    by: str = PRISM
    file: str = ""

    def __str__(self) -> str:
        whose = f"{self.source}-{self.file}" if self.file else self.source
        drawn = [] if self.seed is None else [str(self.seed)]
        drawn += [] if self.by == PRISM else [self.by]
        return ":".join([whose, self.bars, *drawn])

    @property
    def bars(self) -> str:
        return ",".join(bars_text(*part) for part in self.parts)


def bars_text(first: int, last: int) -> str:
    """``9-12``, or ``9`` for one."""
    return f"{first}" if first == last else f"{first}-{last}"


def read_bars(text: str, setting: str, last: int, most: int = 1) -> tuple[tuple[int, int], ...]:
    """Groups of bars, counted from 1, as (first, last): ``9``, ``9-12`` or ``1-4,13-16``.

    Parameters
    ----------
    setting : str
        What a complaint is about.
    last : int
        The highest bar that there may be.
    most : int
        How many groups there may be.

    Raises
    ------
    SettingError
        If they are no such bars, or do not rise; it says what to write instead.
    """
    found = [_BARS.fullmatch(part.strip()) for part in text.split(",")]
    parts = tuple((int(one[1]), int(one[2] or one[1])) for one in found if one)
    if expected := _expected_bars(parts, len(found), last, most):
        raise SettingError(setting, expected, text)
    return parts


def _expected_bars(parts: tuple[tuple[int, int], ...], count: int, last: int, most: int) -> str:
    """What should stand instead of `count` groups of which these could be read; "" if nothing."""
    if len(parts) < count:
        return "bars such as 9 or 9-12" + (", or groups such as 1-4,13-16" if most > 1 else "")
    if count > most:
        return f"at most {most} groups of bars such as 1-4,13-16: leave out the others"
    for first, end in parts:
        if min(first, end) < 1 or max(first, end) > last:
            return f"bars from 1 to {last}, such as {bars_text(1, min(last, 8))}"
        if first > end:
            return f"the lower bar first, such as {bars_text(end, first)}"
    if any(b[0] <= a[1] for a, b in itertools.pairwise(parts)):
        return "groups of bars that rise, such as 1-4,13-16: sort them and join what overlaps"
    return ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Typed(Setting):
    """A short text in a notation of its own; `example` shows it."""

    example: ClassVar[str]

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong(value)
        return value.strip()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Bars(Typed):
    """Up to `most` edits or groups of bars; `bars` and `seeds` are the highest of each."""

    most: int
    bars: int
    seeds: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Redraw(_Bars):
    """Edits, one after another, as text; held in its shortest form."""

    example = "9-12:77"

    @property
    def expected(self) -> str:
        return (
            f"bars and a seed such as 9-12:77 or 13:5:amt (:amt or :form where Prism does not draw "
            f"them alone), up to {self.most} with commas between"
        )

    def edits(self, text: str | None) -> tuple[Edit, ...]:
        """What the text says; raises `SettingError`."""
        found = [_EDIT.fullmatch(part.strip()) for part in (text.split(",") if text else [])]
        if not all(found) or len(found) > self.most:
            raise self._wrong(text)
        edits = tuple(
            Edit(*part, int(one[2]), one[3] or PRISM)
            for one in found
            for part in read_bars(one[1], self.name, self.bars)
        )
        if any(edit.seed > self.seeds for edit in edits):
            raise self._wrong(text)
        return edits

    def _checked(self, value: Any, offered: Offered | None) -> str:
        return ",".join(map(str, self.edits(self._text(value).lower())))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Keep(_Bars):
    """Bars of another lane's piece that stay, as text; held in its shortest form."""

    example = "real:1-8"

    @property
    def expected(self) -> str:
        return (
            "whose bars (real, amt or yours) and which, such as real:1-8 or real:1-4,13-16, then "
            "perhaps a seed and who draws the rest (prism, amt or form), such as amt:1-8:77:form"
        )

    def matches(self, text: str) -> bool:
        """Whether a text is meant as bars, and not as the name of a file."""
        return text.partition(":")[0].strip().lower() in (REAL, AMT, YOURS)

    def kept(self, text: str | None) -> Kept | None:
        """What the text says; raises `SettingError`."""
        if text is None:
            return None
        found = _KEPT.fullmatch(text)
        if not found or (found[2] and found[1] != YOURS):
            raise self._wrong(text)
        parts = read_bars(found[3], self.name, self.bars, self.most)
        seed = None if found[4] is None else int(found[4])
        if (seed or 0) > self.seeds:
            raise self._wrong(text)
        return Kept(found[1], parts, seed, found[5] or PRISM, found[2] or "")

    def _checked(self, value: Any, offered: Offered | None) -> str:
        return str(self.kept(self._text(value).lower()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form(Typed):
    """Letters, one for each section; see `prism.music.form.form_letters`."""

    most: int
    letters: str
    example = "AABA"

    @property
    def expected(self) -> str:
        last = self.letters[-1]
        return f"up to {self.most} letters from {self.letters[0]} to {last} such as AABA"

    def _checked(self, value: Any, offered: Offered | None) -> str:
        text = self._text(value).upper()
        if offered is not None and not offered.form:
            raise self._wrong(value, NOTHING)
        if len(text) > self.most or not set(text) <= set(self.letters):
            raise self._wrong(value)
        return text
