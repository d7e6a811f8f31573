"""What a corpus is like, as tables of counts: no figures, no page.

Conventions
-----------
chart
    A table of (name, number) with a title, what it says, and the unit of its numbers.
classes
    Lengths, tempi and the like are counted between edges; the lower edge belongs to a class, the
    upper one does not.
piece
    A piece of a prepared corpus, or a file that can be read as one.
not recorded
    A prepared corpus is merged to one piano and keeps the first time signature only: which
    instruments played and how the metre changed is known from the files alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from prism.corpora.duplicates import similar_pairs
from prism.corpora.facts import PieceFacts, pretty_midi
from prism.corpora.prepared import SPLITS
from prism.music.roll import LOWEST_PITCH

LARGEST = 20
_COUNT_EDGES = (1, 2, 3, 4, 5, 10, 20, 50, 100)
_CHANGE_EDGES = (0, 1, 2, 3, 5, 10, 20)
_BEAT_EDGES = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_NOTE_EDGES = (0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_TEMPO_EDGES = (0, 40, 60, 80, 100, 120, 140, 160, 180, 200, 240)
_POLYPHONY_EDGES = (1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8)
_SPAN_EDGES = tuple(range(0, 85, 12))


@dataclasses.dataclass(frozen=True)
class Chart:
    """A table that can be drawn.

    Parameters
    ----------
    name, title, about, unit : str
        Of its file; above it; a sentence or two; what its numbers count.
    rows : tuple of (str, int)
        In the order of drawing.
    """

    name: str
    title: str
    about: str
    unit: str
    rows: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Study:
    """A corpus in numbers.

    Parameters
    ----------
    name : str
        Of the corpus.
    origin : dict
        What it was made from, for example the corpus file's digest.
    facts : tuple of (str, str)
        Single figures, ready to be read.
    charts : tuple of Chart
        See `charts_of`.
    head, labels : tuple
        The labels' table: names of its columns, and its rows.
    left_out : tuple of (str, str, str)
        File, reason, the reader's own words.
    notes : tuple of str
        What is not recorded, and other remarks.
    """

    name: str
    origin: dict[str, str]
    facts: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    head: tuple[str, ...]
    labels: tuple[tuple[str | int | float, ...], ...]
    left_out: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def study_of(
    name: str,
    pieces: Sequence[PieceFacts],
    splits: Sequence[str] | None = None,
    **others: Any,
) -> Study:
    """Count what there is to count.

    Parameters
    ----------
    name : str
        Of the corpus.
    pieces : sequence of PieceFacts
        At least one.
    splits : sequence of str, optional
        The split of each piece.
    **others
        ``origin``, ``charts`` to add, ``left_out`` and ``notes``; see `Study`.

    Raises
    ------
    ValueError
        If there are no pieces.
    """
    if not pieces:
        raise ValueError(f"{name}: no pieces to study; expected at least one file with notes")
    head, labels = _label_table(pieces, splits)
    charts = (*charts_of(pieces), *others.pop("charts", ()))
    facts = (*_sizes(pieces), *_copies(pieces, splits))
    others = {"origin": {}} | others
    return Study(name=name, facts=facts, charts=charts, head=head, labels=labels, **others)


def charts_of(pieces: Sequence[PieceFacts]) -> list[Chart]:
    """All charts; those of instruments and tempo changes only where all pieces are files."""
    from_files = all(piece.file for piece in pieces)
    return [
        *_label_charts(pieces),
        *(_file_charts(pieces) if from_files else ()),
        *_metre_charts(pieces, from_files),
        *_size_charts(pieces),
        *_pitch_charts(pieces),
        _version_chart(pieces),
    ]


def largest(counts: Counter[str], others: str, most: int = LARGEST) -> tuple[tuple[str, int], ...]:
    """The most frequent names, and the rest in one row."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = ranked[most:]
    row = [(f"{len(rest)} {others}", sum(n for _, n in rest))] if rest else []
    return tuple(ranked[:most] + row)


def classes(values: Iterable[float], edges: Sequence[float]) -> tuple[tuple[str, int], ...]:
    """Count values between edges; the last class has no upper edge. Empty ends are left out.

    Examples
    --------
    Classes of whole numbers are named by their first and last number:

    >>> classes([1, 2, 2, 3, 5, 900], (1, 2, 3, 8))
    (('1', 1), ('2', 2), ('3–7', 2), ('8 and more', 1))
    >>> classes([0.5, 2], (0, 2, 4))
    (('0–2', 1), ('2–4', 1))
    """
    values = np.asarray(list(values), float)
    counts, _ = np.histogram(values, [*edges, np.inf])
    whole = not (values % 1).any()
    names = [_class_name(*ends, whole) for ends in zip(edges, edges[1:], strict=False)]
    rows = list(zip([*names, f"{edges[-1]:g} and more"], counts.tolist(), strict=True))
    used = np.flatnonzero(counts)
    return tuple(rows[used[0] : used[-1] + 1]) if len(used) else ()


def _class_name(low: float, high: float, whole: bool) -> str:
    last = high - 1 if whole else high
    return f"{low:g}" if last == low else f"{low:g}–{last:g}"


def _label_charts(pieces: Sequence[PieceFacts]) -> list[Chart]:
    counts = Counter(piece.label for piece in pieces)
    return [
        Chart(
            "labels",
            "Composers and artists",
            "Pieces under each; those with most come first.",
            "pieces",
            largest(counts, "others"),
        ),
        Chart(
            "label_sizes",
            "How many pieces a composer or artist has",
            "A model hardly learns a label with few pieces.",
            "composers or artists",
            classes(counts.values(), _COUNT_EDGES),
        ),
    ]


def _file_charts(pieces: Sequence[PieceFacts]) -> list[Chart]:
    files = [piece.file for piece in pieces]
    heard = Counter(name for file in files for name in file.instruments)
    notes = sum((Counter(file.instruments) for file in files), Counter())
    return [
        Chart(
            "instruments",
            "Instruments",
            f"Files in which each plays at least one note; of "
            f"{len(heard)} instruments the {LARGEST} that are there most.",
            "files",
            largest(heard, "others")[:LARGEST],
        ),
        Chart(
            "instrument_notes",
            "Who plays the notes",
            "Notes of each instrument in all files.",
            "notes",
            largest(notes, "other instruments"),
        ),
        Chart(
            "tempi",
            "Tempo changes",
            "How often a file changes its tempo.",
            "files",
            classes([max(0, file.tempi - 1) for file in files], _CHANGE_EDGES),
        ),
    ]


def _metre_charts(pieces: Sequence[PieceFacts], from_files: bool) -> list[Chart]:
    metres = Counter(piece.metre for piece in pieces)
    if from_files:
        changes = [max(0, len(piece.file.metres) - 1) for piece in pieces]
        about = "How often a file changes its time signature."
    else:
        changes = [piece.bar_changes for piece in pieces]
        about = (
            "How often the bars get longer or shorter for two bars or more: the corpus keeps the "
            "bar lines, not the signatures, so a change from 4/4 to 2/2 does not show."
        )
    return [
        Chart(
            "metres",
            "Time signatures",
            "The first one of each piece.",
            "pieces",
            largest(metres, "others", 14),
        ),
        Chart(
            "metre_changes", "Changes of metre", about, "pieces", classes(changes, _CHANGE_EDGES)
        ),
    ]


def _size_charts(pieces: Sequence[PieceFacts]) -> list[Chart]:
    def chart(name: str, title: str, about: str, value: Callable, edges: Sequence) -> Chart:
        return Chart(name, title, about, "pieces", classes(map(value, pieces), edges))

    return [
        chart(
            "beats",
            "Length in beats",
            "Repeats written out; Prism draws 64 beats.",
            lambda piece: piece.beats,
            _BEAT_EDGES,
        ),
        chart(
            "notes",
            "Notes a piece",
            "Drums are not counted.",
            lambda piece: piece.notes,
            _NOTE_EDGES,
        ),
        chart(
            "tempo",
            "Tempo",
            "Quarter notes a minute at the start.",
            lambda piece: piece.tempo,
            _TEMPO_EDGES,
        ),
        chart(
            "polyphony",
            "Polyphony",
            "Mean number of keys down while any is.",
            lambda piece: piece.polyphony,
            _POLYPHONY_EDGES,
        ),
    ]


def _pitch_charts(pieces: Sequence[PieceFacts]) -> list[Chart]:
    counts = sum(piece.pitches for piece in pieces).tolist()
    pitches = range(LOWEST_PITCH, LOWEST_PITCH + len(counts))
    names = map(pretty_midi.note_number_to_name, pitches)
    return [
        Chart(
            "pitches",
            "Pitches",
            "Notes on each of the 88 keys.",
            "notes",
            tuple(zip(names, counts, strict=True)),
        ),
        Chart(
            "spans",
            "Range",
            "Semitones from a piece's lowest to its highest note.",
            "pieces",
            classes([piece.span for piece in pieces], _SPAN_EDGES),
        ),
    ]


def _version_chart(pieces: Sequence[PieceFacts]) -> Chart:
    songs = Counter(piece.song for piece in pieces)
    return Chart(
        "versions",
        "Versions of one song",
        "Songs by how many of the pieces are versions of them, told by name or opening.",
        "songs",
        classes(songs.values(), _COUNT_EDGES),
    )


def _sizes(pieces: Sequence[PieceFacts]) -> list[tuple[str, str]]:
    seconds = sum(piece.beats * 60 / piece.tempo for piece in pieces)
    return [
        ("Pieces", f"{len(pieces):,}"),
        ("Composers or artists", f"{len({piece.label for piece in pieces}):,}"),
        ("Notes", f"{sum(piece.notes for piece in pieces):,}"),
        ("Beats", f"{sum(piece.beats for piece in pieces):,.0f}"),
        ("Playing time", f"{seconds / 3600:,.1f} hours"),
        ("Longest piece", _longest(pieces)),
        ("With more than one velocity", f"{sum(p.velocities > 1 for p in pieces):,} pieces"),
    ]


def _longest(pieces: Sequence[PieceFacts]) -> str:
    piece = max(pieces, key=lambda piece: piece.beats)
    return f"{piece.identifier}: {piece.beats:,.0f} beats"


def _copies(pieces: Sequence[PieceFacts], splits: Sequence[str] | None) -> list[tuple[str, str]]:
    contents = Counter(piece.content for piece in pieces)
    songs = Counter(piece.song for piece in pieces)
    near = similar_pairs([piece.sketch for piece in pieces])
    rows = [
        ("Versions beyond the first of a song", f"{len(pieces) - len(songs):,} pieces"),
        ("Exact copies, in any key", f"{len(pieces) - len(contents):,} pieces"),
        (
            "Near copies",
            f"{len({i for pair in near for i in pair}):,} pieces in {len(near):,} "
            "pairs that share two fifths of their runs of notes or more",
        ),
    ]
    if splits is not None:
        across = sum(splits[a] != splits[b] for a, b in near)
        rows.append(("Near copies in two splits", f"{across:,} pairs"))
    return rows


def _label_table(
    pieces: Sequence[PieceFacts], splits: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[tuple, ...]]:
    """A row a label, those with most pieces first."""
    columns = SPLITS if splits else ()
    members: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        members.setdefault(piece.label, []).append(index)
    head = ("label", "pieces", *columns, "notes", "median beats", "median tempo", "polyphony")
    rows = []
    for label, indices in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        own = [pieces[i] for i in indices]
        held = Counter(splits[i] for i in indices) if splits else {}
        rows.append(
            (
                label,
                len(own),
                *(held[split] for split in columns),
                sum(p.notes for p in own),
                round(float(np.median([p.beats for p in own])), 1),
                round(float(np.median([p.tempo for p in own])), 1),
                round(float(np.mean([p.polyphony for p in own])), 2),
            )
        )
    return head, tuple(rows)
