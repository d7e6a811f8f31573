"""A music21 score as it is played: repeats written out.

music21 copies every note of a part for each pair of repeat signs, which takes minutes with a string
quartet. Here it is given measures that hold nothing but their signs and a rest of their length, one
for all measures between two signs; the notes are read in the order in which it plays these.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

# Every section twice and all of it again make four times; more are signs that were read wrongly,
# which would make one tune as long as a hundred others.
_MOST_REPEATS = 4

Offset = float | Fraction
Placed = tuple[Offset, Any]


class Measure(NamedTuple):
    """One of music21's, where it is played and for how long, in quarters."""

    offset: Offset
    quarters: Offset
    measure: Any


class Part(NamedTuple):
    """A part's measures, and all that stands in them and beside them, by offset in quarters."""

    measures: list[Measure]
    elements: list[Placed]

    @property
    def quarters(self) -> Offset:
        """Where its last measure ends."""
        return max((one.offset + one.quarters for one in self.measures), default=0.0)

    def marks(self, kind: str) -> list[Placed]:
        """Its elements of a class, in its order."""
        return _of_class(self.elements, kind)


class Performance(NamedTuple):
    """A score's parts, the whole score where it has none, and what stands outside of them."""

    parts: list[Part]
    others: list[Placed]

    def marks(self, kind: str) -> list[Placed]:
        """All elements of a class, by offset."""
        everything = [*self.others, *(placed for part in self.parts for placed in part.elements)]
        return _of_class(sorted(everything, key=_offset), kind)


def performance(score: Any) -> Performance:
    """What is played of a score.

    Parameters
    ----------
    score : music21.stream.Stream
        One whose repeats make no sense is taken as printed.
    """
    parts = list(getattr(score, "parts", ())) or [score]
    played = _expanded_parts(score, parts) or [_printed(part) for part in parts]
    return Performance(played, _placed(score.getElementsNotOfClass("Part")))


def _expanded_parts(score: Any, parts: list[Any]) -> list[Part]:
    """The parts with their repeats written out; none where there are no repeats that make sense."""
    if not score.recurse().getElementsByClass("RepeatMark"):
        return []
    try:
        expanded = [_expanded(part) for part in parts]
    except Exception:  # as many types as there are ways to write a repeat wrongly
        return []
    longest = max(part.quarters for part in expanded)
    return expanded if longest <= _MOST_REPEATS * score.quarterLength else []


def _printed(part: Any) -> Part:
    measures = part.getElementsByClass("Measure")
    placed = [Measure(one.offset, one.duration.quarterLength, one) for one in measures]
    return Part(placed, _placed(part.flatten()))


def _of_class(placed: Iterable[Placed], kind: str) -> list[Placed]:
    return [(at, element) for at, element in placed if kind in element.classSet]


def _placed(elements: Iterable[Any]) -> list[Placed]:
    return [(element.offset, element) for element in elements]


def _offset(placed: Placed) -> Offset:
    return placed[0]


def _expanded(part: Any) -> Part:
    measures = list(part.getElementsByClass("Measure"))
    inside = functools.cache(lambda measure: _placed(measure.flatten()))
    played = _played(part, measures)
    elements = [
        *_placed(part.getElementsNotOfClass("Measure")),
        *((start + at, one) for start, _, measure in played for at, one in inside(measure)),
    ]
    elements.sort(key=_offset)
    return Part(played, elements)


def _played(part: Any, measures: list[Any]) -> list[Measure]:
    """A part's measures in the order in which they are played."""
    places = {id(measure): index for index, measure in enumerate(measures)}
    brackets = tuple(
        (bracket.number, tuple(places[id(measure)] for measure in bracket.getSpannedElements()))
        for bracket in part.flatten().getElementsByClass("RepeatBracket")
    )
    order = _order(tuple(map(_signs, measures)), brackets)
    return [Measure(offset, quarters, measures[index]) for offset, quarters, index in order]


class _Signs(NamedTuple):
    """How long a measure is in quarters, and what of it music21 needs to find the order.

    `bars` are side, direction and times of repeat signs, `expressions` offset and class of such
    as Segno and Fine.
    """

    quarters: Offset
    bars: tuple[tuple[str, str, int | None], ...]
    expressions: tuple[tuple[Offset, type], ...]

    @property
    def is_plain(self) -> bool:
        """Whether nothing begins or ends here."""
        return not self.bars and not self.expressions


def _signs(measure: Any) -> _Signs:
    from music21 import bar

    sounding = measure.getElementsNotOfClass("RepeatExpression")
    ends = (element.offset + element.duration.quarterLength for element in sounding)
    sides = ((side, getattr(measure, side)) for side in ("leftBarline", "rightBarline"))
    bars = ((s, sign.direction, sign.times) for s, sign in sides if isinstance(sign, bar.Repeat))
    expressions = measure.getElementsByClass("RepeatExpression")
    return _Signs(
        max(ends, default=0.0), tuple(bars), tuple((one.offset, type(one)) for one in expressions)
    )


@functools.lru_cache(maxsize=1)
def _order(
    signs: tuple[_Signs, ...], brackets: tuple[tuple[str, tuple[int, ...]], ...]
) -> list[tuple[Offset, Offset, int]]:
    """Offset, quarters and index of each measure that is played; mostly the same for all parts.

    A bracket is its number, such as "1, 2", and its measures' indices.
    """
    from music21 import spanner, stream

    spanned = {place for _, places in brackets for place in places}
    alone = [None if one.is_plain and i not in spanned else i for i, one in enumerate(signs)]
    runs = [list(run) for _, run in itertools.groupby(range(len(signs)), key=alone.__getitem__)]
    measures = {run[0]: _bare([signs[index] for index in run], run[0]) for run in runs}
    part = stream.Part()
    part.append(list(measures.values()))
    for number, places in brackets:
        part.insert(0, spanner.RepeatBracket([measures[i] for i in places], number=number))
    lasting, order = {run[0]: run for run in runs}, []
    for played in part.expandRepeats().getElementsByClass("Measure"):
        run, offset = lasting[int(played.groups[0])], played.offset
        for index in run:
            quarters = signs[index].quarters if len(run) > 1 else played.duration.quarterLength
            order.append((offset, quarters, index))
            offset += quarters
    return order


def _bare(run: list[_Signs], index: int) -> Any:
    """One measure of these signs and of a rest; only one that is alone has signs."""
    from music21 import bar, note, stream

    measure = stream.Measure()
    measure.groups.append(str(index))
    if quarters := sum(one.quarters for one in run):
        measure.append(note.Rest(quarterLength=quarters))
    for side, direction, times in run[0].bars:
        setattr(measure, side, bar.Repeat(direction=direction, times=times))
    for offset, kind in run[0].expressions:
        measure.insert(offset, kind())
    return measure
