"""From a tree or archive of MIDI files to a prepared corpus, and the tables of what was done.

Files are read side by side and their music kept in a cache folder by content, so that a run that
was stopped goes on where it was, also after files were renamed or moved.
"""

from __future__ import annotations

import collections
import concurrent.futures
import csv
import dataclasses
import hashlib
import os
import pathlib
import pickle
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from prism.corpora.duplicates import content_key, duplicate_groups
from prism.corpora.folder import (
    FOLDER,
    CorpusError,
    Entry,
    Layout,
    LeftOut,
    archive_wrapper,
    entries,
    load,
    named,
    read_content,
    tidy,
)
from prism.corpora.lakh import LAKH
from prism.corpora.pop909 import POP909
from prism.corpora.preparation import (
    MINIMUM_NOTES,
    MINIMUM_PIECES,
    Report,
    filtered,
    split_groups,
    united,
)
from prism.corpora.prepared import SPLITS, Corpus
from prism.music import Piece

LAYOUTS = {layout.name: layout for layout in (FOLDER, LAKH, POP909)}
LEFT_OUT_FILE = "left_out.csv"
ARTISTS_FILE = "artists.csv"
DUPLICATES_FILE = "duplicates.csv"
ANOTHER_VERSION = "another version of a song already read"
_CACHE_VERSION = "1"
# Files under way at a time, for each process: bounds what is held in memory.
_AHEAD = 16


@dataclasses.dataclass(frozen=True)
class Policy:
    """Which pieces of a collection make the corpus.

    Parameters
    ----------
    minimum_pieces : int
        Labels with fewer are left out.
    top : int or None
        Only that many labels, those with most pieces.
    keep_versions : bool
        Every version of a song, all on one side of the split, instead of the first that can be
        used.

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    minimum_pieces: int = MINIMUM_PIECES
    top: int | None = None
    keep_versions: bool = False

    def __post_init__(self) -> None:
        for name in ("minimum_pieces", "top"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")


@dataclasses.dataclass
class MidiReport(Report):
    """A `Report` that also knows details, merged artists and duplicates.

    Parameters
    ----------
    details : dict
        File → the reader's own words, where it had any.
    artists : dict
        Label → {spelling: files}, for labels spelled in more than one way.
    duplicates : list of (str, Piece, str)
        Group, piece and side of the split, for music that is there more than once.
    """

    details: dict[str, str] = dataclasses.field(default_factory=dict)
    artists: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    duplicates: list[tuple[str, Piece, str]] = dataclasses.field(default_factory=list)

    def leave_out(self, left_out: LeftOut) -> None:
        """Put a file into the table."""
        self.skipped.append((left_out.file, left_out.reason))
        if left_out.detail:
            self.details[left_out.file] = tidy(left_out.detail)

    def lines(self) -> list[str]:
        """As `Report.lines`, small labels counted instead of listed."""
        counts = Counter(reason for _, reason in self.skipped)
        lines = [f"left out {n}: {reason}" for reason, n in counts.most_common()]
        lines.append(f"labels left out: {len(self.labels)}")
        spellings = sum(map(len, self.artists.values()))
        lines.append(f"artists merged: {spellings} spellings into {len(self.artists)}")
        groups = len({group for group, _, _ in self.duplicates})
        return [*lines, f"duplicates kept on one side: {len(self.duplicates)} in {groups} groups"]

    def save(self, folder: pathlib.Path) -> None:
        """Write the three tables into `folder`."""
        _table(folder / LEFT_OUT_FILE, ("file", "reason", "detail"), (
            (file, reason, self.details.get(file, "")) for file, reason in sorted(self.skipped)
        ))  # fmt: skip
        _table(folder / ARTISTS_FILE, ("label", "spelling", "files"), (
            (label, spelling, n)
            for label, counts in sorted(self.artists.items())
            for spelling, n in sorted(counts.items())
        ))  # fmt: skip
        _table(folder / DUPLICATES_FILE, ("group", "file", "label", "split"), (
            (group, piece.identifier, piece.label, side)
            for group, piece, side in self.duplicates
        ))  # fmt: skip


def _table(path: pathlib.Path, head: Iterable[str], rows: Iterable[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def prepare_midi(
    root: str | os.PathLike,
    layout: Layout,
    cache: pathlib.Path,
    processes: int = 2,
    policy: Policy | None = None,
) -> tuple[Corpus, MidiReport]:
    """Prepare a tree or archive of MIDI files.

    Parameters
    ----------
    root : path
        A folder, .zip or .tar(.gz, .xz); see `prism.corpora.folder`.
    layout : Layout
        One of `LAYOUTS`.
    cache : Path
        Folder for files read; a second run reads them from there.
    processes : int
        How many read side by side.
    policy : Policy, optional
        Which pieces make the corpus.

    Raises
    ------
    CorpusError
        If the root cannot be read or nothing in it makes a label.
    """
    report = MidiReport()
    pieces = read_pieces(root, layout, cache, processes, report)
    pieces = _with_merged_artists(pieces, layout, report)
    corpus = assemble_midi(pieces, report, policy or Policy())
    if not corpus.pieces:
        reasons = "; ".join(report.lines()[:4])
        raise CorpusError(f"{root}: no label has enough usable pieces ({reasons})")
    return corpus, report


def read_pieces(
    root: str | os.PathLike,
    layout: Layout,
    cache: pathlib.Path,
    processes: int,
    report: MidiReport,
) -> list[Piece]:
    """Every usable file as a piece, in natural order of their paths; the rest into `report`."""
    cache.mkdir(parents=True, exist_ok=True)
    paths = [entry.path for entry in entries(root) if isinstance(entry, Entry)]
    wrapper = "" if pathlib.Path(root).is_dir() else archive_wrapper(paths)
    root_name = pathlib.Path(root).resolve().name
    pieces = []
    results = _read_side_by_side(entries(root), cache, processes)
    for path, result in tqdm(results, total=len(paths), desc=layout.name, unit="file"):
        path = path.removeprefix(wrapper)
        if isinstance(result, Piece):
            result = named(result, path, layout, root_name)
        if isinstance(result, Piece):
            pieces.append(result)
        else:
            report.leave_out(result._replace(file=tidy(path)))
    return sorted(pieces, key=lambda piece: _natural(piece.identifier))


def _natural(path: str) -> tuple:
    """Sort key that puts ``Song.mid`` before ``Song.1.mid``, and that before ``Song.10.mid``."""
    stem = path.rsplit(".", 1)[0]
    base, _, number = stem.rpartition(".")
    return (base, int(number), path) if number.isdecimal() else (stem, -1, path)


def _read_side_by_side(
    found: Iterable[Entry | LeftOut], cache: pathlib.Path, processes: int
) -> Iterator[tuple[str, Piece | LeftOut]]:
    """Results in the order of `found`, with a bounded number of files under way."""
    waiting: collections.deque = collections.deque()
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        try:
            for entry in found:
                waiting.append(_begun(entry, pool, cache))
                if len(waiting) > _AHEAD * processes:
                    yield _finished(*waiting[0])
                    waiting.popleft()
            while waiting:
                yield _finished(*waiting[0])
                waiting.popleft()
        except concurrent.futures.BrokenExecutor as error:
            raise CorpusError(
                f"a reading process ended at or soon after {waiting[0][0]!r}; what was read is "
                "cached: start again, and if it ends there again, move that file away"
            ) from error


def _begun(
    entry: Entry | LeftOut, pool: concurrent.futures.Executor, cache: pathlib.Path
) -> tuple[str, LeftOut | concurrent.futures.Future]:
    """A file's path and its result to come, or what was wrong with it at once."""
    if isinstance(entry, LeftOut):
        return entry.file, entry
    content = load(entry)
    left_out = isinstance(content, LeftOut)
    return entry.path, content if left_out else pool.submit(_read_cached, content, cache)


def _finished(
    path: str, result: LeftOut | concurrent.futures.Future
) -> tuple[str, Piece | LeftOut]:
    return path, result if isinstance(result, LeftOut) else result.result()


def _read_cached(content: bytes, cache: pathlib.Path) -> Piece | LeftOut:
    """Read one file, or take it from the cache."""
    identity = hashlib.sha256(_CACHE_VERSION.encode() + content).hexdigest()[:32]
    entry = cache / f"{identity}.midi"
    if entry.is_file():
        return pickle.loads(zlib.decompress(entry.read_bytes()))
    result = read_content(content)
    partial = entry.with_suffix(f".{os.getpid()}")
    partial.write_bytes(zlib.compress(pickle.dumps(result), 1))
    partial.replace(entry)
    return result


def _with_merged_artists(pieces: list[Piece], layout: Layout, report: MidiReport) -> list[Piece]:
    if layout.merge_artists is None:
        return pieces
    labels = layout.merge_artists([piece.label for piece in pieces])
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for piece in pieces:
        spellings[labels[piece.label]][piece.label] += 1
    report.artists |= {k: dict(v) for k, v in spellings.items() if len(v) > 1}
    return [dataclasses.replace(piece, label=labels[piece.label]) for piece in pieces]


def assemble_midi(pieces: Iterable[Piece], report: MidiReport, policy: Policy) -> Corpus:
    """Filter, choose, group and split pieces whose `group` is their song."""
    pieces = list(pieces)
    linked = _linked_songs(pieces)
    kept = filtered(pieces, report)
    if not policy.keep_versions:
        kept = _one_a_song(kept, report)
    kept = _of_large_labels(kept, report, policy)
    return _split_and_reported(kept, linked, report)


def _split_and_reported(kept: list[Piece], linked: dict[str, str], report: MidiReport) -> Corpus:
    """Copies by content and versions by name become one group each, and groups are split."""
    copies = duplicate_groups(kept)
    first_copy = {
        piece.identifier: kept[i].identifier for piece, i in zip(kept, united(copies), strict=True)
    }
    songs = [
        keys | {f"song {linked.get(piece.group, piece.group)}"}
        for piece, keys in zip(kept, copies, strict=True)
    ]
    roots = [kept[i].identifier for i in united(songs)]
    kept = [dataclasses.replace(p, group=g) for p, g in zip(kept, roots, strict=True)]
    corpus = _split(kept, report)
    _report_duplicates(corpus, first_copy, report)
    return corpus


def _linked_songs(pieces: list[Piece]) -> dict[str, str]:
    """Song → the first song it shares a copy with, for all files, left out later or not.

    A copy that is left out would otherwise take away what ties its song's other versions to it.
    """
    long = [piece for piece in pieces if len(piece.notes) >= MINIMUM_NOTES]
    roots = united((f"song {piece.group}", f"content {content_key(piece)}") for piece in long)
    return {piece.group: long[i].group for piece, i in zip(long, roots, strict=True)}


def _one_a_song(pieces: list[Piece], report: MidiReport) -> list[Piece]:
    kept, songs = [], set()
    for piece in pieces:
        if piece.group in songs:
            report.leave_out(LeftOut(piece.identifier, ANOTHER_VERSION))
            continue
        songs.add(piece.group)
        kept.append(piece)
    return kept


def _of_large_labels(pieces: list[Piece], report: MidiReport, policy: Policy) -> list[Piece]:
    counts = Counter(piece.label for piece in pieces)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    chosen = [label for label in ranked if counts[label] >= policy.minimum_pieces][: policy.top]
    return _without_labels(pieces, set(ranked) - set(chosen), report)


def _without_labels(pieces: Iterable[Piece], labels: set[str], report: MidiReport) -> list[Piece]:
    counts = Counter(piece.label for piece in pieces)
    report.labels += sorted((label, counts[label]) for label in labels)
    for piece in pieces:
        if piece.label in labels:
            reason = "its label has too few pieces or is not among the top"
            report.leave_out(LeftOut(piece.identifier, reason))
    return [piece for piece in pieces if piece.label not in labels]


def _split(pieces: list[Piece], report: MidiReport) -> Corpus:
    """Split whole groups; a label that cannot be on all three sides goes, and the rest again."""
    while True:
        labels = sorted({piece.label for piece in pieces})
        names, groups = [p.label for p in pieces], [p.group for p in pieces]
        sides = split_groups(names, groups, labels)
        there = set(zip(names, sides, strict=True))
        unsplit = {k for k in labels if any((k, side) not in there for side in SPLITS)}
        if not unsplit:
            return Corpus(tuple(pieces), tuple(sides), tuple(labels))
        pieces = _without_labels(pieces, unsplit, report)


def _report_duplicates(corpus: Corpus, first_copy: dict[str, str], report: MidiReport) -> None:
    """List what is there twice by content, which versions by name need not be."""
    names = [first_copy[piece.identifier] for piece in corpus.pieces]
    counts = Counter(names)
    rows = zip(names, corpus.pieces, corpus.splits, strict=True)
    report.duplicates += sorted(
        (row for row in rows if counts[row[0]] > 1), key=lambda row: (row[0], row[1].identifier)
    )
