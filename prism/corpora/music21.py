"""music21's own corpus, read out of the pip package into `Piece` records.

Which files give which label, under which terms, and at what tempo where the score names none, is
the table ``assets/collections.json``. Collections whose own notice forbids commercial use or
reserves the rights to derived formats are marked `restricted`: they can be prepared on a user's
machine but are not part of what Prism ships.
"""

from __future__ import annotations

import dataclasses
import fractions
import json
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from prism import ASSETS
from prism.corpora.files import CorpusError
from prism.corpora.repeats import Measure, Part, Performance, performance
from prism.music.roll import DEFAULT_VELOCITY, KEYS, LOWEST_PITCH, TICKS_PER_BEAT, Piece
from prism.music.timing import change_rows

_SHORTEST_BAR, _SMALLEST_BEAT = 1.5, 16

_TERMS = "distributed with music21 by its encoders' permission; no restriction embedded"


@dataclasses.dataclass(frozen=True)
class Collection:
    """Files of one label.

    Parameters
    ----------
    label : str
        What the visitor sees.
    pattern : str
        Glob below music21's corpus folder.
    book : str
        The book, or the kind of piece, they are from; several labels may share one.
    tempo : float
        Quarter notes a minute where the score names no tempo: our choice by genre.
    terms : str
        The terms the encoding is used under.
    first, last : int or None
        Only files whose name starts with a number in this range.
    restricted : bool
        The collection's notice forbids what Prism's licence allows, so it is not shipped.
    """

    label: str
    pattern: str
    book: str
    tempo: float
    terms: str = _TERMS
    first: int | None = None
    last: int | None = None
    restricted: bool = False

    def files(self, root: pathlib.Path) -> list[pathlib.Path]:
        """The collection's files below `root`, sorted."""
        return [f for f in sorted(root.glob(self.pattern)) if self._in_range(f.name)]

    def _in_range(self, name: str) -> bool:
        if self.first is None:
            return True
        number = re.match(r"\d+", name)
        return bool(number) and self.first <= int(number.group()) <= self.last


_ROWS = json.loads((ASSETS / "collections.json").read_text(encoding="utf-8"))
COLLECTIONS = tuple(Collection(**row) for row in _ROWS)

# Embedded notices that keep a single piece out, whatever its collection says.
_FORBIDDING = re.compile(
    r"all rights reserved|non-?commercial|not be (?:re)?distributed|UT ?ORPHEUS", re.IGNORECASE
)


def corpus_root() -> pathlib.Path:
    """Folder of music21's corpus; raises CorpusError where it is not installed."""
    try:
        import music21
    except ImportError as error:
        raise CorpusError(
            "music21 is not installed; preparing the default corpus needs it: pip install music21"
        ) from error
    root = pathlib.Path(music21.__file__).parent / "corpus"
    if not (root / "bach").is_dir():
        raise CorpusError(f"music21 has no corpus at {root}; install the full package")
    return root


def read_file(path: pathlib.Path, collection: Collection) -> Iterator[Piece]:
    """Every piece of a score or book of tunes below `corpus_root`, as of `read_score_file`."""
    yield from read_score_file(path, path.relative_to(corpus_root()).as_posix(), collection)


def read_score_file(path: pathlib.Path, source: str, collection: Collection) -> Iterator[Piece]:
    """Every piece of a score anywhere, repeats written out and ties joined.

    The collection gives label, terms and default tempo; `source` is what the pieces say of where
    the file lies. Raises CorpusError if music21 cannot parse it.
    """
    from music21 import converter, stream

    try:
        parsed = converter.parseFile(path, forceSource=True, storePickle=False)
    except Exception as error:  # music21's parsers raise many unrelated types
        raise CorpusError(f"{source}: {type(error).__name__}: {error}") from error
    tunes = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
    for index, score in enumerate(tunes):
        suffix = f"#{index + 1}" if len(tunes) > 1 else ""
        yield _piece(score, source, suffix, collection)


def is_forbidden(text: str) -> bool:
    """Whether an embedded notice forbids redistribution or commercial use."""
    return bool(_FORBIDDING.search(text))


def _piece(score, source: str, suffix: str, collection: Collection) -> Piece:
    rights = str(score.metadata.copyright or "") if score.metadata else ""
    terms = f"left out: embedded notice “{rights}”" if is_forbidden(rights) else collection.terms
    played = performance(score)
    tempi = _tempi(played, collection.tempo)
    piece = Piece(
        identifier=source + suffix,
        title=_title(score, source),
        label=collection.label,
        source=source,
        terms=terms,
        notes=_notes(played),
        bars=_bars(played.parts[0].measures),
        tempo=tempi[0][1],
        time_signature=_time_signature(played.parts[0]),
        tempo_changes=change_rows(tempi),
    )
    return piece.summed_up()


def _title(score, source: str) -> str:
    metadata = score.metadata
    title = (metadata.title or metadata.movementName or "") if metadata else ""
    if not title or re.search(r"\.(mxl|xml|abc|krn)$", title):
        stem = pathlib.PurePath(source).with_suffix("").as_posix()
        title = stem.split("/", 1)[-1]
    return re.sub(r"\s+", " ", str(title)).strip()


def _ticks(offset: float | fractions.Fraction) -> int:
    return round(offset * TICKS_PER_BEAT)


def _notes(played: Performance) -> np.ndarray:
    """All parts' notes, as in `Piece`."""
    rows = [row for part in played.parts for row in _part_notes(part)]
    rows = [row for row in rows if LOWEST_PITCH <= row[2] < LOWEST_PITCH + KEYS]
    rows.sort(key=lambda row: (row[0], row[2], row[1]))
    return np.array(rows, np.int32).reshape(-1, 4)


def _part_notes(part: Part) -> list[list[int]]:
    """One part's notes, ties joined; grace notes and chord symbols are not sounding notes."""
    from music21 import harmony

    loudness = [
        # A mark counts from where it stands.
        (_ticks(offset), max(1, min(127, round(mark.volumeScalar * 127))))
        for offset, mark in part.marks("Dynamic")
    ]
    rows: list[list[int]] = []
    tied: dict[int, list[int]] = {}
    for offset, element in part.marks("NotRest"):
        if isinstance(element, harmony.Harmony) or element.duration.isGrace:
            continue
        start, length = _ticks(offset), _ticks(element.duration.quarterLength)
        for note in getattr(element, "notes", (element,)):
            if length <= 0 or not hasattr(note, "pitch"):
                continue
            pitch, tie = note.pitch.midi, (note.tie or element.tie)
            held = tied.pop(pitch, None)
            if held and tie and tie.type in ("continue", "stop") and sum(held[:2]) == start:
                held[1] += length
            else:
                held = [start, length, pitch, _velocity_at(loudness, start)]
                rows.append(held)
            if tie and tie.type in ("start", "continue"):
                tied[pitch] = held
    return rows


def _velocity_at(loudness: list[tuple[int, int]], tick: int) -> int:
    earlier = [velocity for start, velocity in loudness if start <= tick]
    return earlier[-1] if earlier else DEFAULT_VELOCITY


def _bars(measures: list[Measure]) -> np.ndarray:
    """Ticks at which the first part's full bars begin.

    A short first measure is a pick-up, and two short measures that make one bar between them (a
    bar split by a repeat sign) count as one.
    """
    starts, filled, full = [], 0, 4 * TICKS_PER_BEAT
    for index, (offset, quarters, measure) in enumerate(measures):
        length = _ticks(quarters)
        # Measure.barDuration would search the whole score anew for every measure.
        if measure.timeSignature is not None:
            full = _ticks(measure.timeSignature.barDuration.quarterLength)
        if index == 0 and len(measures) > 1 and length < full:
            continue
        if not 0 < filled + length <= full or filled == 0:
            starts.append(_ticks(offset))
            filled = 0
        filled = (filled + length) % full if filled + length <= full else 0
    return np.array(sorted(set(starts)), np.int32)


def _tempi(played: Performance, default: float) -> list[tuple[float, float]]:
    """Ticks and the tempi that hold from there on, the first at tick 0."""
    tempi = {0: float(default)}
    for offset, mark in played.marks("MetronomeMark"):
        tempo = mark.getQuarterBPM()
        if tempo and 20 <= tempo <= 400:
            tempi[_ticks(offset)] = float(tempo)
    return [*tempi.items()]


def _time_signature(part: Part) -> tuple[int, int]:
    for _, signature in part.marks("TimeSignature"):
        # The ABC reader writes pick-up bars as signatures such as 1/4 and 23/32: no metres.
        length = signature.barDuration.quarterLength
        if length >= _SHORTEST_BAR and signature.denominator <= _SMALLEST_BEAT:
            return signature.numerator, signature.denominator
    return 4, 4
