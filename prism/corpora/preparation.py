"""From a collection's files to a prepared corpus: parse in parallel, filter, group, split.

Parsed files are kept in a cache folder, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import pickle
import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from tqdm import tqdm

from prism.corpora import music21 as source
from prism.corpora.prepared import SPLITS, Corpus
from prism.music import TICKS_PER_BEAT, Piece

MINIMUM_PIECES = 9
MINIMUM_NOTES = 16
MINIMUM_BEATS = 12
HELD_OUT_SHARE = 0.1
INCIPIT_INTERVALS = 10
_CACHE_VERSION = "1"


@dataclasses.dataclass
class Report:
    """What was left out of a prepared corpus, and why.

    Parameters
    ----------
    skipped : list of (str, str)
        Piece or file, reason.
    labels : list of (str, int)
        Labels with fewer pieces than the minimum, and how many they had.
    """

    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    labels: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    def lines(self) -> list[str]:
        """The report as text, most frequent reason first."""
        counts = Counter(reason for _, reason in self.skipped)
        lines = [f"left out {n}: {reason}" for reason, n in counts.most_common()]
        return lines + [f"label left out, only {n} pieces: {label}" for label, n in self.labels]


def prepare(
    cache: pathlib.Path,
    workers: int = 2,
    include_restricted: bool = False,
    minimum_pieces: int = MINIMUM_PIECES,
) -> tuple[Corpus, Report]:
    """Prepare music21's corpus.

    Parameters
    ----------
    cache : Path
        Folder for parsed files; a second run reads them from there.
    workers : int
        Processes that parse side by side.
    include_restricted : bool
        Also read the collections whose notice forbids Prism to ship them, for use on this machine.
    minimum_pieces : int
        Labels with fewer are left out.
    """
    root = source.corpus_root()
    tasks = [
        (path, collection, cache)
        for collection in source.COLLECTIONS
        if include_restricted or not collection.restricted
        for path in collection.files(root)
    ]
    cache.mkdir(parents=True, exist_ok=True)
    report = Report()
    pieces: list[Piece] = []
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        parsed = pool.map(_parse_cached, tasks)
        for (path, _, _), result in zip(
            tqdm(tasks, desc="corpus", unit="file"), parsed, strict=True
        ):
            if isinstance(result, str):
                report.skipped.append((path.name, result))
            else:
                pieces += result
    return assemble(pieces, report, minimum_pieces), report


def assemble(
    pieces: Iterable[Piece], report: Report, minimum_pieces: int = MINIMUM_PIECES
) -> Corpus:
    """Filter, group and split parsed pieces; what is left out goes into `report`."""
    kept = filtered(pieces, report)
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
    sides = split_groups([p.label for p in kept], groups, labels)
    return Corpus(tuple(kept), tuple(sides), tuple(labels))


def _parse_cached(task: tuple[pathlib.Path, source.Collection, pathlib.Path]) -> list[Piece] | str:
    """Parse one file, or read it from the cache; an error comes back as its message."""
    path, collection, cache = task
    identity = f"{_CACHE_VERSION}|{path.stat().st_size}|{path}|{collection}"
    entry = cache / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.pickle"
    if entry.is_file():
        return pickle.loads(entry.read_bytes())
    warnings.simplefilter("ignore")
    try:
        result: list[Piece] | str = list(source.read_file(path, collection))
    except source.CorpusError:
        result = "music21 could not parse the file"
    partial = entry.with_suffix(f".{os.getpid()}")
    partial.write_bytes(pickle.dumps(result))
    partial.replace(entry)
    return result


def filtered(pieces: Iterable[Piece], report: Report) -> list[Piece]:
    """Leave out pieces too short, broken or forbidden, and those with another piece's notes."""
    kept, seen = [], set()
    for piece in pieces:
        fingerprint = hashlib.sha256(piece.notes[:, :3].tobytes()).digest()
        reason = _reason_against(piece)
        if reason is None and fingerprint in seen:
            reason = "same notes as another piece"
        if reason:
            report.skipped.append((piece.identifier, reason))
            continue
        seen.add(fingerprint)
        kept.append(piece)
    return kept


def _reason_against(piece: Piece) -> str | None:
    if piece.terms.startswith("left out"):
        return "embedded notice forbids redistribution or commercial use"
    if len(piece.notes) < MINIMUM_NOTES or len(piece.bars) < 2:
        return f"fewer than {MINIMUM_NOTES} notes or 2 bars"
    if piece.ticks < MINIMUM_BEATS * TICKS_PER_BEAT:
        return f"shorter than {MINIMUM_BEATS} beats"
    if np.diff(piece.notes[:, 0]).max() > 64 * TICKS_PER_BEAT:
        return "a silence of more than 64 beats"
    return None


def group_versions(pieces: Sequence[Piece]) -> list[str]:
    """Give versions of one song one group name.

    Two pieces are versions when their folk-tune titles are the same after dropping case, accents
    and a numbered suffix, or when their top voices begin with the same melodic intervals.
    """
    keys = [filter(None, (_title_key(piece), _incipit_key(piece))) for piece in pieces]
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
    plain = unicodedata.normalize("NFKD", piece.title).encode("ascii", "ignore").decode().lower()
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
    until a tenth of the label's pieces (at least one) is held out on each side.
    """
    members: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for label, group in zip(labels, groups, strict=True):
        members[label][group] += 1
    side: dict[str, str] = {}
    for label in sorted(order, key=lambda k: (sum(members[k].values()), k)):
        sizes = members[label]
        quota = max(1, round(HELD_OUT_SHARE * sum(sizes.values())))
        by_hash = sorted(sizes, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
        for target in SPLITS[:0:-1]:
            held = sum(n for g, n in sizes.items() if side.get(g) == target)
            for group in by_hash:
                if held >= quota:
                    break
                # A group as large as the quota itself would empty the label's training side.
                if group not in side and sizes[group] <= max(1, quota - held):
                    side[group] = target
                    held += sizes[group]
        for group in by_hash:
            side.setdefault(group, "train")
    return [side[group] for group in groups]
