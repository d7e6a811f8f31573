"""From a tree or archive of MIDI files to a prepared corpus, and the tables of what was done.

Files are read into shards (see `prism.corpora.preparation`); which pieces make the corpus is then
decided by their summaries. Notes come into memory only to be written into one file.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from prism.corpora.duplicates import duplicate_groups
from prism.corpora.files import (
    CorpusError,
    LeftOut,
    artists_wrapper,
    entries,
    expected_files,
    tidy,
)
from prism.corpora.folder import FOLDER, Layout, named_files, read_entry
from prism.corpora.lakh import LAKH
from prism.corpora.pop909 import POP909
from prism.corpora.preparation import (
    MINIMUM_PIECES,
    Report,
    check_minimum,
    made_shards,
    split_groups,
    united,
    usable,
)
from prism.corpora.prepared import SPLITS
from prism.corpora.scheduling import LOCAL, batches
from prism.corpora.sharded import Selection
from prism.corpora.shards import read_summaries
from prism.corpora.summaries import MINIMUM_NOTES, PieceSummary
from prism.music.progress import ProgressBar
from prism.music.writing import write_table

LAYOUTS = {layout.name: layout for layout in (FOLDER, LAKH, POP909)}
LEFT_OUT_FILE = "left_out.csv"
ARTISTS_FILE = "artists.csv"
DUPLICATES_FILE = "duplicates.csv"
ANOTHER_VERSION = "another version of a song already read"


@dataclasses.dataclass
class MidiReport(Report):
    """A `Report` that also knows merged artists and duplicates.

    Parameters
    ----------
    artists : dict
        Label → {spelling: files}, for labels spelled in more than one way.
    duplicates : list of (str, PieceSummary, str)
        Group, piece and split, for music that is there more than once.
    wrapper : str
        Folders around all artists, which were not taken for one.
    """

    artists: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    duplicates: list[tuple[str, PieceSummary, str]] = dataclasses.field(default_factory=list)
    wrapper: str = ""

    def lines(self) -> list[str]:
        """As `Report.lines`, small labels counted instead of listed."""
        spellings = sum(map(len, self.artists.values()))
        groups = len({group for group, _, _ in self.duplicates})
        wrapper = [f"around all artists, and so none of them: {self.wrapper}"]
        return [
            *(wrapper if self.wrapper else []),
            *self.reasons(),
            f"labels left out: {len(self.labels)}",
            f"artists merged: {spellings} spellings into {len(self.artists)}",
            f"duplicates kept in one split: {len(self.duplicates)} in {groups} groups",
        ]

    def save(self, folder: pathlib.Path) -> None:
        """Write the three tables into `folder`."""
        write_table(folder / LEFT_OUT_FILE, LeftOut._fields, sorted(self.skipped))
        artists = [
            (label, spelling, n)
            for label, counts in sorted(self.artists.items())
            for spelling, n in sorted(counts.items())
        ]
        write_table(folder / ARTISTS_FILE, ("label", "spelling", "files"), artists)
        duplicates = [(group, p.identifier, p.label, split) for group, p, split in self.duplicates]
        write_table(folder / DUPLICATES_FILE, ("group", "file", "label", "split"), duplicates)


def prepare_midi(
    root: str | os.PathLike,
    layout: Layout,
    cache: pathlib.Path,
    processes: int = 2,
    scheduler: str = LOCAL,
    minimum_pieces: int = MINIMUM_PIECES,
    top: int | None = None,
    keep_versions: bool = False,
) -> tuple[Selection, MidiReport]:
    """Read a tree or archive of MIDI files and choose the pieces of a corpus.

    `Selection.corpus` then brings the notes into memory; `Selection.save` leaves them in shards,
    for a collection of any size.

    Parameters
    ----------
    root : path
        See `prism.corpora.files`.
    layout : Layout
        One of `LAYOUTS`.
    cache : Path
        Folder for shards; a second run reads them from there.
    processes, scheduler
        See `prism.corpora.scheduling.opened_pool`.
    minimum_pieces : int
        Labels with fewer are left out.
    top : int, optional
        Only that many labels, those with most pieces.
    keep_versions : bool
        Every version of a song, all in one split, instead of the first that can be used.

    Raises
    ------
    CorpusError
        If the root cannot be read or nothing in it makes a label.
    ValueError
        If `top` is below 1 or `minimum_pieces` below 3, as a label is split in three.
    """
    check_minimum(minimum_pieces)
    if top is not None and top < 1:
        raise ValueError(f"top: expected at least 1, got {top}")
    report = MidiReport()
    pieces, shards = read_pieces(root, layout, cache, (scheduler, processes), report)
    pieces = _with_merged_artists(pieces, layout, report)
    selection = select(pieces, report, minimum_pieces, top, keep_versions)
    if not selection.pieces:
        raise CorpusError(_nothing_left(root, report, minimum_pieces))
    return dataclasses.replace(selection, shards=tuple(shards)), report


def _nothing_left(root: str | os.PathLike, report: MidiReport, minimum_pieces: int) -> str:
    """Why there is no corpus, and what to do."""
    if not report.skipped:
        return f"{root} holds no MIDI files: expected Artist/Song.mid (or .midi) in it"
    largest = sorted(report.labels, key=lambda row: (-row[1], row[0]))[:3]
    most = ", ".join(f"{label} {count}" for label, count in largest)
    reasons = "; ".join(report.reasons()[:3])
    return (
        f"{root}: no label has enough usable pieces: {minimum_pieces} are wanted, and there are "
        f"{most or 'none'} ({reasons}); add songs, or lower --minimum-pieces (at least "
        f"{len(SPLITS)})"
    )


def read_pieces(
    root: str | os.PathLike,
    layout: Layout,
    cache: pathlib.Path,
    where: tuple[str, int],
    report: MidiReport,
) -> tuple[list[PieceSummary], list[pathlib.Path]]:
    """Summaries of all usable files, in natural order of their paths, and the shards they are in.

    What cannot be used goes into `report`.
    """
    root = pathlib.Path(root)
    read = functools.partial(read_entry, refine=layout.refine)
    with ProgressBar(total=expected_files(root), desc=layout.name, unit="file") as bar:
        found = batches(entries(root, layout.companion))
        shards = made_shards(found, read, cache, where, bar.update)
    files: list[tuple[str, PieceSummary | LeftOut]] = []
    for number, shard in enumerate(shards):
        summaries, left_out = read_summaries(shard, number)
        files += [(item.identifier, item) for item in summaries]
        files += [(item.file, item) for item in left_out]
    report.wrapper = artists_wrapper(files)
    named, left_out = named_files(layout, report.wrapper, files)
    report.skipped += left_out
    folder = tidy(root.resolve().name)
    pieces = [
        dataclasses.replace(
            piece,
            identifier=path,
            title=name.title,
            label=name.artist,
            source=f"{folder}/{path}",
            terms=layout.terms,
            group=tidy(name.song),
        )
        for path, name, piece in named
    ]
    return sorted(pieces, key=lambda piece: _natural(piece.identifier)), shards


def _natural(path: str) -> tuple:
    """Sort key that puts ``Song.mid`` before ``Song.1.mid``, and that before ``Song.10.mid``."""
    stem = path.rsplit(".", 1)[0]
    base, _, number = stem.rpartition(".")
    return (base, int(number), path) if number.isdecimal() else (stem, -1, path)


def _with_merged_artists(
    pieces: list[PieceSummary], layout: Layout, report: MidiReport
) -> list[PieceSummary]:
    if layout.merge_artists is None:
        return pieces
    labels = layout.merge_artists([piece.label for piece in pieces])
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for piece in pieces:
        spellings[labels[piece.label]][piece.label] += 1
    report.artists |= {k: dict(v) for k, v in spellings.items() if len(v) > 1}
    return [dataclasses.replace(piece, label=labels[piece.label]) for piece in pieces]


def select(
    pieces: Sequence[PieceSummary],
    report: MidiReport,
    minimum_pieces: int = MINIMUM_PIECES,
    top: int | None = None,
    keep_versions: bool = False,
) -> Selection:
    """Filter, choose, group and split pieces whose `group` is their song; see `prepare_midi`."""
    linked = _linked_songs(pieces)
    kept = usable(pieces, pieces, report)
    if not keep_versions:
        kept = _one_a_song(kept, report)
    counts = Counter(piece.label for piece in kept)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    chosen = [label for label in ranked if counts[label] >= minimum_pieces][:top]
    kept = _without_labels(kept, set(ranked) - set(chosen), report)
    copies = duplicate_groups([piece.content for piece in kept], [piece.sketch for piece in kept])
    first_copy = {
        piece.identifier: kept[i].identifier for piece, i in zip(kept, united(copies), strict=True)
    }
    # Copies by content and versions by name become one group each.
    keys = [
        own | {f"song {linked.get(piece.group, piece.group)}"}
        for piece, own in zip(kept, copies, strict=True)
    ]
    groups = [kept[i].identifier for i in united(keys)]
    kept = [dataclasses.replace(p, group=group) for p, group in zip(kept, groups, strict=True)]
    selection = _split(kept, report)
    _report_duplicates(selection, first_copy, report)
    return selection


def _linked_songs(pieces: Sequence[PieceSummary]) -> dict[str, str]:
    """Song → the first song it shares a copy with, for all files, left out later or not.

    A copy that is left out would otherwise take away what ties its song's other versions to it.
    """
    long = [piece for piece in pieces if piece.notes >= MINIMUM_NOTES]
    roots = united((f"song {piece.group}", f"content {piece.content}") for piece in long)
    return {piece.group: long[i].group for piece, i in zip(long, roots, strict=True)}


def _one_a_song(pieces: list[PieceSummary], report: MidiReport) -> list[PieceSummary]:
    first: dict[str, PieceSummary] = {}
    for piece in pieces:
        if first.setdefault(piece.group, piece) is not piece:
            report.skipped.append(LeftOut(piece.identifier, ANOTHER_VERSION))
    return list(first.values())


def _without_labels(
    pieces: Sequence[PieceSummary], labels: set[str], report: MidiReport
) -> list[PieceSummary]:
    counts = Counter(piece.label for piece in pieces)
    report.labels += sorted((label, counts[label]) for label in labels)
    for piece in pieces:
        if piece.label in labels:
            reason = "its label has too few pieces or is not among the top"
            report.skipped.append(LeftOut(piece.identifier, reason))
    return [piece for piece in pieces if piece.label not in labels]


def _split(pieces: list[PieceSummary], report: MidiReport) -> Selection:
    """Split whole groups; a label that cannot be in all three goes, and the rest again."""
    while True:
        labels = sorted({piece.label for piece in pieces})
        names, groups = [p.label for p in pieces], [p.group for p in pieces]
        splits = split_groups(names, groups, labels)
        there = set(zip(names, splits, strict=True))
        unsplit = {k for k in labels if any((k, split) not in there for split in SPLITS)}
        if not unsplit:
            return Selection(tuple(pieces), tuple(splits), tuple(labels))
        pieces = _without_labels(pieces, unsplit, report)


def _report_duplicates(
    selection: Selection, first_copy: dict[str, str], report: MidiReport
) -> None:
    """List what is there twice by content, which versions by name need not be."""
    names = [first_copy[piece.identifier] for piece in selection.pieces]
    counts = Counter(names)
    rows = zip(names, selection.pieces, selection.splits, strict=True)
    report.duplicates += sorted(
        (row for row in rows if counts[row[0]] > 1), key=lambda row: (row[0], row[1].identifier)
    )
