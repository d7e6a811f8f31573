"""What a corpus is like, as tables of counts: no figures, no page.

Conventions
-----------
classes
    Lengths, tempi and the like are counted between edges; the lower edge belongs to a class, the
    upper one does not.
piece
    A piece of a prepared corpus, or a file that can be read as one.
not recorded
    A prepared corpus is merged to one piano: which instruments played, and how often the tempo
    and the time signature changed, is known from the files alone.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from prism.corpora.duplicates import similar_pairs
from prism.corpora.facts import FileFacts, PieceFacts, pretty_midi
from prism.corpora.prepared import SPLITS
from prism.music.roll import KEYS, LOWEST_PITCH

LARGEST = 20
_COUNT_EDGES = (1, 2, 3, 4, 5, 10, 20, 50, 100)
_CHANGE_EDGES = (0, 1, 2, 3, 5, 10, 20)
_BEAT_EDGES = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_NOTE_EDGES = (0, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_TEMPO_EDGES = (0, 40, 60, 80, 100, 120, 140, 160, 180, 200, 240)
_POLYPHONY_EDGES = (1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8)
_SPAN_EDGES = tuple(range(0, 85, 12))
# Of each chart: its title, what it says, and what its numbers count.
_TEXTS = {
    "labels": ("Composers and artists", "Pieces under each; those with most come first.", "pieces"),
    "label_sizes": (
        "How many pieces a composer or artist has",
        "A model hardly learns a label with few pieces.",
        "composers or artists",
    ),
    "instruments": (
        "Instruments",
        "Files in which each plays at least one note; of {} instruments the {} that are there "
        "most.",
        "files",
    ),
    "instrument_notes": ("Notes by instrument", "Notes of each instrument in all files.", "notes"),
    "tempi": ("Tempo changes", "How often a file changes its tempo.", "files"),
    "metres": ("Time signatures", "Of each piece the one that most of its beats lie in.", "pieces"),
    "metre_changes": ("Changes of metre", "{}", "pieces"),
    "beats": ("Length in beats", "Repeats written out; Prism draws 64 beats.", "pieces"),
    "notes": ("Notes a piece", "Drums are not counted.", "pieces"),
    "tempo": ("Tempo", "Quarter notes a minute, each piece's mean.", "pieces"),
    "polyphony": ("Polyphony", "Mean number of keys down while any is.", "pieces"),
    "pitches": ("Pitches", "Notes on each of the 88 keys.", "notes"),
    "spans": ("Range", "Semitones from a piece's lowest to its highest note.", "pieces"),
    "versions": (
        "Versions of one song",
        "Songs by how many of the pieces are versions of them, told by name or opening.",
        "songs",
    ),
    "sources": ("Where the pieces come from", "Folders of the collection.", "pieces"),
    "kinds": ("Kinds of files", "What the pieces were read from.", "pieces"),
    "terms": ("Terms", "Under which the pieces are used.", "pieces"),
    "left_out": ("Left out", "Why files cannot be used; each is named at the end.", "files"),
}
_FILE_CHANGES = "How often a file changes its time signature."
_BAR_CHANGES = (
    "How often the bars get longer or shorter for two bars or more: the corpus keeps the bar "
    "lines, not the signatures, so a change from 4/4 to 2/2 does not show."
)

Rows = tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True)
class Chart:
    """A table of names and numbers that can be drawn; `unit` says what the numbers count."""

    name: str
    title: str
    about: str
    unit: str
    rows: Rows


def chart_of(name: str, rows: Rows, *words: object) -> Chart:
    """The chart of this name, with words for the gaps in its text."""
    title, about, unit = _TEXTS[name]
    return Chart(name, title, about.format(*words), unit, rows)


@dataclasses.dataclass(frozen=True)
class Study:
    """A corpus in numbers.

    Parameters
    ----------
    origin : dict
        What it was made from, for example the corpus file's digest.
    facts : tuple of (str, str)
        Single figures, ready to be read.
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


def study_of(
    name: str,
    pieces: Sequence[PieceFacts],
    splits: Sequence[str] | None = None,
    **others: Any,
) -> Study:
    """Count what there is to count, of each split if they are given.

    `others` are ``origin``, ``charts`` to add, ``left_out`` and ``notes`` of the `Study`. Raises
    ValueError if there are no pieces.
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
    labels = Counter(piece.label for piece in pieces)
    metres = Counter(piece.metre for piece in pieces)
    songs = Counter(piece.song for piece in pieces)
    counts = sum(piece.pitches for piece in pieces).tolist()
    keys = map(pretty_midi.note_number_to_name, range(LOWEST_PITCH, LOWEST_PITCH + KEYS))
    if all(piece.file for piece in pieces):
        file_charts = _file_charts([piece.file for piece in pieces])
        changes = [max(0, len(piece.file.metres) - 1) for piece in pieces]
    else:
        file_charts = []
        changes = [piece.bar_changes for piece in pieces]
    about = _FILE_CHANGES if file_charts else _BAR_CHANGES
    return [
        chart_of("labels", largest(labels, "others")),
        chart_of("label_sizes", classes(labels.values(), _COUNT_EDGES)),
        *file_charts,
        chart_of("metres", largest(metres, "others", 14)),
        chart_of("metre_changes", classes(changes, _CHANGE_EDGES), about),
        chart_of("beats", classes([piece.beats for piece in pieces], _BEAT_EDGES)),
        chart_of("notes", classes([piece.notes for piece in pieces], _NOTE_EDGES)),
        chart_of("tempo", classes([piece.tempo for piece in pieces], _TEMPO_EDGES)),
        chart_of("polyphony", classes([piece.polyphony for piece in pieces], _POLYPHONY_EDGES)),
        chart_of("pitches", tuple(zip(keys, counts, strict=True))),
        chart_of("spans", classes([piece.span for piece in pieces], _SPAN_EDGES)),
        chart_of("versions", classes(songs.values(), _COUNT_EDGES)),
    ]


def _file_charts(files: Sequence[FileFacts]) -> list[Chart]:
    heard = Counter(name for file in files for name in file.instruments)
    notes = sum((Counter(file.instruments) for file in files), Counter())
    changes = [max(0, file.tempi - 1) for file in files]
    return [
        chart_of("instruments", largest(heard, "others")[:LARGEST], len(heard), LARGEST),
        chart_of("instrument_notes", largest(notes, "other instruments")),
        chart_of("tempi", classes(changes, _CHANGE_EDGES)),
    ]


def largest(counts: Counter[str], others: str, most: int = LARGEST) -> Rows:
    """The most frequent names, and the rest in one row."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = ranked[most:]
    row = [(f"{len(rest)} {others}", sum(n for _, n in rest))] if rest else []
    return tuple(ranked[:most] + row)


def classes(values: Iterable[float], edges: Sequence[float]) -> Rows:
    """Count values between edges; the last class has no upper edge. Empty ends are left out.

    Classes of whole numbers are named by their first and last number, others by their edges.
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


def _sizes(pieces: Sequence[PieceFacts]) -> list[tuple[str, str]]:
    seconds = sum(piece.beats * 60 / piece.tempo for piece in pieces)
    longest = max(pieces, key=lambda piece: piece.beats)
    return [
        ("Pieces", f"{len(pieces):,}"),
        ("Composers or artists", f"{len({piece.label for piece in pieces}):,}"),
        ("Notes", f"{sum(piece.notes for piece in pieces):,}"),
        ("Beats", f"{sum(piece.beats for piece in pieces):,.0f}"),
        ("Playing time", f"{seconds / 3600:,.1f} hours"),
        ("Longest piece", f"{longest.identifier}: {longest.beats:,.0f} beats"),
        ("With more than one velocity", f"{sum(p.velocities > 1 for p in pieces):,} pieces"),
    ]


def _copies(pieces: Sequence[PieceFacts], splits: Sequence[str] | None) -> list[tuple[str, str]]:
    contents = {piece.content for piece in pieces}
    songs = {piece.song for piece in pieces}
    near = similar_pairs([piece.sketch for piece in pieces])
    copies = len({index for pair in near for index in pair})
    rows = [
        ("Versions beyond the first of a song", f"{len(pieces) - len(songs):,} pieces"),
        ("Exact copies, in any key", f"{len(pieces) - len(contents):,} pieces"),
        (
            "Near copies",
            f"{copies:,} pieces in {len(near):,} pairs that share two fifths of their runs of "
            "notes or more",
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
