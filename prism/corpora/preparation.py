"""From a collection's files to a prepared corpus: read side by side, filter, group, split.

Files are read in batches, and each batch's pieces kept in a shard in a cache folder, so that a run
that was stopped goes on where it was.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from prism.corpora import music21 as source
from prism.corpora.duplicates import content_key, duplicate_groups, sketch
from prism.corpora.files import CorpusError, LeftOut
from prism.corpora.prepared import SPLITS, Corpus
from prism.corpora.scheduling import LOCAL, Results, batches, run
from prism.corpora.shards import read_piece, read_summaries, shard_name, write_shard
from prism.corpora.summaries import SAME_NOTES, PieceSummary, summarised
from prism.corpora.titles import named
from prism.music.progress import ProgressBar
from prism.music.roll import Piece
from prism.music.writing import make_folder

MINIMUM_PIECES = 9
HELD_OUT_SHARE = 0.1
INCIPIT_INTERVALS = 10
# A score takes a hundred times as long to read as a MIDI file.
_SCORES_IN_BATCH = 8


@dataclasses.dataclass
class Report:
    """What was left out of a prepared corpus, and why.

    `skipped` are files and pieces, `labels` those with fewer pieces than the minimum, and how many.
    """

    skipped: list[LeftOut] = dataclasses.field(default_factory=list)
    labels: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    def reasons(self) -> list[str]:
        """How many were left out for each reason, most frequent first."""
        counts = Counter(item.reason for item in self.skipped)
        return [f"left out {n}: {reason}" for reason, n in counts.most_common()]

    def lines(self) -> list[str]:
        """The report as text."""
        labels = [f"label left out, only {n} pieces: {label}" for label, n in self.labels]
        return self.reasons() + labels


class ScoreFile(NamedTuple):
    """A file of music21's corpus; `path` is below the corpus, `stamp` tells when it changes."""

    path: str
    file: pathlib.Path
    collection: source.Collection
    stamp: str


def prepare(
    cache: pathlib.Path,
    processes: int = 2,
    include_restricted: bool = False,
    minimum_pieces: int = MINIMUM_PIECES,
    scheduler: str = LOCAL,
) -> tuple[Corpus, Report]:
    """Prepare music21's corpus; parameters as of `prism.corpora.midi_preparation.prepare_midi`.

    With `include_restricted`, collections are read too whose notice forbids Prism to ship them.
    """
    check_minimum(minimum_pieces)
    root = source.corpus_root()
    scores = [
        ScoreFile(
            path=path.relative_to(root).as_posix(),
            file=path,
            collection=collection,
            stamp=f"{path.stat().st_size} {collection}",
        )
        for collection in source.COLLECTIONS
        if include_restricted or not collection.restricted
        for path in collection.files(root)
    ]
    report = Report()
    pieces = read_scores(scores, read_score, cache, (scheduler, processes), report)
    return named(assemble(pieces, report, minimum_pieces)), report


def read_scores(
    scores: Sequence[Any],
    read: Callable[[Any], Any],
    cache: pathlib.Path,
    where: tuple[str, int],
    report: Report,
    title: str = "corpus",
) -> list[Piece]:
    """The pieces of scores, by shards in the cache; what was left out goes into the report.

    Parameters are those of `made_shards`, for `scores` instead of their batches; `title` is that of
    the progress bar.
    """
    with ProgressBar(total=len(scores), desc=title, unit="file") as bar:
        shards = made_shards(batches(scores, _SCORES_IN_BATCH), read, cache, where, bar.update)
    pieces: list[Piece] = []
    for number, shard in enumerate(shards):
        summaries, left_out = read_summaries(shard, number)
        report.skipped += left_out
        pieces += [read_piece(shard, row) for row in range(len(summaries))]
    return pieces


def check_minimum(minimum_pieces: int) -> None:
    """Raises ValueError for less than the three pieces that a label needs to be split in three."""
    if minimum_pieces < len(SPLITS):
        raise ValueError(
            f"minimum_pieces: expected at least {len(SPLITS)}, as a label's pieces are split into "
            f"{', '.join(SPLITS)}; got {minimum_pieces}"
        )


def read_score(score: ScoreFile) -> list[Piece] | LeftOut:
    """One file's pieces."""
    warnings.simplefilter("ignore")
    try:
        return list(source.read_file(score.file, score.collection))
    except CorpusError:
        return LeftOut(score.file.name, "music21 could not parse the file")


def made_shards(
    found: Iterable[tuple],
    read: Callable[[Any], Any],
    cache: pathlib.Path,
    where: tuple[str, int],
    advance: Callable[[int], Any],
) -> list[pathlib.Path]:
    """Make a shard of each batch in the cache, or find it made by an earlier run.

    Parameters
    ----------
    found, read, where
        As for `prism.corpora.scheduling.run`. Files have a `stamp`, and are read to a piece, a list
        of pieces, or a `LeftOut`.
    cache : Path
        A folder that is the same for all workers.
    advance : callable
        Told how many files were done.

    Raises
    ------
    CorpusError
        If workers cannot be reached, or wrote to another folder of that name.
    """
    cache = cache.absolute()
    make_folder(cache)
    shards: list[pathlib.Path] = []

    def missing() -> Iterator[tuple]:
        for batch in found:
            shards.append(_shard_path(batch, read, cache))
            if shards[-1].is_file():
                advance(len(batch))
            else:
                yield batch

    write = functools.partial(_write, read=read, cache=cache)
    for shard, files in run(missing(), read, write, where):
        if not shard.is_file():
            raise CorpusError(
                f"a worker wrote {shard.name}, but it is not in {cache}: the cache has to lie "
                "in a folder that all machines share"
            )
        advance(files)
    return shards


def _shard_path(batch: tuple, read: Callable, cache: pathlib.Path) -> pathlib.Path:
    stamps = [
        f"{f.file}|{f.reason}" if isinstance(f, LeftOut) else f"{f.path}|{f.stamp}" for f in batch
    ]
    return cache / shard_name([_reader_name(read), *stamps])


def _reader_name(read: Callable) -> str:
    """The same in every process: a function, or a partial of functions."""
    if isinstance(read, functools.partial):
        parts = [read.func, *read.args, *read.keywords.values()]
        return " ".join(_reader_name(part) for part in parts if callable(part))
    return f"{read.__module__}.{read.__qualname__}"


def _write(
    batch: tuple, results: Results, read: Callable, cache: pathlib.Path
) -> tuple[pathlib.Path, int]:
    """Write a batch's shard; its path, and how many files there were."""
    pieces: list[Piece] = []
    left_out: list[LeftOut] = []
    for path, result in results:
        if isinstance(result, LeftOut):
            left_out.append(result if result.file else result._replace(file=path))
        elif isinstance(result, Piece):
            pieces.append(dataclasses.replace(result, identifier=path))
        else:
            pieces += result
    shard = _shard_path(batch, read, cache)
    write_shard(shard, pieces, left_out)
    return shard, len(batch)


def assemble(
    pieces: Sequence[Piece], report: Report, minimum_pieces: int = MINIMUM_PIECES
) -> Corpus:
    """Filter, group and split parsed pieces; what is left out goes into `report`.

    Left out are pieces too short, broken or forbidden, those with another piece's notes, and those
    of labels with fewer pieces than `minimum_pieces`.
    """
    kept = usable(pieces, map(summarised, pieces), report)
    counts = Counter(piece.label for piece in kept)
    report.labels += sorted((k, n) for k, n in counts.items() if n < minimum_pieces)
    order = [c.label for c in source.COLLECTIONS]
    labels = sorted(
        (label for label, n in counts.items() if n >= minimum_pieces),
        key=lambda label: (order.index(label) if label in order else len(order), label),
    )
    kept = [piece for piece in kept if piece.label in labels]
    groups = group_versions(kept)
    kept = [dataclasses.replace(p, group=g) for p, g in zip(kept, groups, strict=True)]
    splits = split_groups([p.label for p in kept], groups, labels)
    return Corpus(tuple(kept), tuple(splits), tuple(labels))


def usable(pieces: Sequence, summaries: Iterable[PieceSummary], report: Report) -> list:
    """Those of some pieces, or of their summaries, without a fault; the others are reported.

    A fault is a piece's own, or that an earlier piece has the same notes.
    """
    seen: set[str] = set()
    kept = []
    for piece, summary in zip(pieces, summaries, strict=True):
        fault = summary.fault or (SAME_NOTES if summary.fingerprint in seen else "")
        if fault:
            report.skipped.append(LeftOut(piece.identifier, fault))
        else:
            seen.add(summary.fingerprint)
            kept.append(piece)
    return kept


def group_versions(pieces: Sequence[Piece]) -> list[str]:
    """Give versions of one song one group name.

    Two pieces are versions when their folk-tune titles are the same after dropping case, accents
    and a numbered suffix, when their top voices begin with the same melodic intervals, or when
    they are copies by content (see `prism.corpora.duplicates`).
    """
    copies = duplicate_groups([content_key(p) for p in pieces], [sketch(p) for p in pieces])
    keys = [
        keys | set(filter(None, (_title_key(piece), _incipit_key(piece))))
        for piece, keys in zip(pieces, copies, strict=True)
    ]
    return [pieces[i].identifier for i in united(keys)]


def united(keys: Iterable[Iterable[str]]) -> list[int]:
    """For each item the index of the first one it shares a key with, directly or through others."""
    keys = list(keys)
    parent = list(range(len(keys)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, own in enumerate(keys):
        for key in own:
            # The smaller index is the root, so that names do not depend on visiting order.
            a, b = sorted((find(i), find(first.setdefault(key, i))))
            parent[b] = a
    return [find(i) for i in range(len(keys))]


def _title_key(piece: Piece) -> str:
    if not piece.source.endswith(".abc"):
        return ""
    title = piece.source_title or piece.title
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    plain = re.split(r" -- | \(|, the\b|\d+$", plain.removeprefix("the "))[0]
    plain = re.sub(r"[^a-z]", "", plain)
    return f"title {plain}" if len(plain) > 5 else ""


def _incipit_key(piece: Piece) -> str:
    starts, first = np.unique(piece.notes[::-1, 0], return_index=True)
    top = piece.notes[::-1][first][: INCIPIT_INTERVALS + 1, 2]
    return f"incipit {np.diff(top).tolist()}" if len(starts) > INCIPIT_INTERVALS else ""


def split_groups(labels: Sequence[str], groups: Sequence[str], order: Sequence[str]) -> list[str]:
    """Assign every piece to train, validation or test, whole groups at a time.

    Groups are visited in the order of a hash of their name, label by label, smallest label first,
    until a tenth of the label's pieces (at least one) is held out for each.
    """
    members: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for label, group in zip(labels, groups, strict=True):
        members[label][group] += 1
    split_of: dict[str, str] = {}
    for label in sorted(order, key=lambda k: (sum(members[k].values()), k)):
        sizes = members[label]
        quota = max(1, round(HELD_OUT_SHARE * sum(sizes.values())))
        by_hash = sorted(sizes, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
        for target in SPLITS[:0:-1]:
            held = sum(n for g, n in sizes.items() if split_of.get(g) == target)
            for group in by_hash:
                if held >= quota:
                    break
                # A group as large as the quota itself would empty the label's training split.
                if group not in split_of and sizes[group] <= max(1, quota - held):
                    split_of[group] = target
                    held += sizes[group]
        for group in by_hash:
            split_of.setdefault(group, "train")
    return [split_of[group] for group in groups]
