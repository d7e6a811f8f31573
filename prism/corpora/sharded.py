"""A corpus of any size: an index in memory, notes in shards that are read piece by piece.

Conventions
-----------
folder
    ``corpus.index`` and the shards it names, in ``shards``; self-contained.
index
    A safetensors file. For each piece, in the order of the corpus: ``place`` (shard, piece in it),
    ``label`` and ``side`` (indices), ``windows``, ``tempo``, ``time_signature``, ``fingerprint``
    (of the notes, so that the index's digest speaks for the whole corpus), and where its
    ``records`` (JSON text of everything else) end. About 70 bytes a piece are in memory, the
    records are not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from prism.corpora.prepared import (
    CORPUS_FILE,
    INDEX_FILE,
    PROVENANCE_FILE,
    SPLITS,
    Corpus,
    checked_labels,
    write_provenance,
)
from prism.corpora.shards import read_piece
from prism.corpora.summaries import PieceSummary
from prism.music.roll import Piece
from prism.music.windows import Window, windows_of
from prism.music.writing import link_or_copy, make_folder, write_atomic

SHARD_FOLDER = "shards"
_IN_RECORD = ("identifier", "title", "source", "terms", "group")


class Lazy(Sequence):
    """A sequence whose items are made from their index when they are asked for, and not kept."""

    def __init__(self, length: int, make: Callable[[int], Any]) -> None:
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._length))]
        return self._make(range(self._length)[index])


class LazyWindows(Lazy):
    """The windows of some pieces, of which each has `counts`, one piece after another."""

    def __init__(self, pieces: Sequence[Piece], counts: np.ndarray) -> None:
        self._pieces = pieces
        self._ends = np.cumsum(counts, dtype=np.int64)
        super().__init__(int(counts.sum()), self._window)

    def _window(self, index: int) -> Window:
        piece = int(np.searchsorted(self._ends, index, side="right"))
        # Counted from the piece's last window, backwards.
        return windows_of(self._pieces[piece])[index - int(self._ends[piece])]

    def __iter__(self) -> Iterator[Window]:
        # One by one, each window would have its piece read anew.
        for piece in self._pieces:
            yield from windows_of(piece)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which pieces of which shards, by number, make a corpus; see `Corpus`."""

    pieces: tuple[PieceSummary, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    shards: tuple[pathlib.Path, ...] = ()

    def corpus(self) -> Corpus:
        """All of it in memory."""
        return Corpus(tuple(map(self._piece, self.pieces)), self.splits, self.labels)

    def _piece(self, summary: PieceSummary) -> Piece:
        shard, row = summary.place
        piece = read_piece(self.shards[shard], row)
        changed = {name: getattr(summary, name) for name in (*_IN_RECORD, "label")}
        return dataclasses.replace(piece, **changed)

    def save(self, folder: str | pathlib.Path) -> ShardedCorpus:
        """Write the index and the provenance table into a folder, and put the shards there.

        Shards are linked where the file system can, and copied otherwise.
        """
        folder = pathlib.Path(folder)
        make_folder(folder / SHARD_FOLDER)
        numbers = sorted({piece.place[0] for piece in self.pieces})
        for number in numbers:
            shard = self.shards[number]
            target = folder / SHARD_FOLDER / shard.name
            if not target.exists():
                link_or_copy(shard, target)
        index = self._index(numbers)
        write_atomic(folder / INDEX_FILE, lambda partial: partial.write_bytes(index))
        write_provenance(folder / PROVENANCE_FILE, self.pieces, self.splits)
        (folder / CORPUS_FILE).unlink(missing_ok=True)
        return ShardedCorpus(folder)

    def _index(self, numbers: Sequence[int]) -> bytes:
        new = {number: i for i, number in enumerate(numbers)}
        label = {name: i for i, name in enumerate(self.labels)}
        records = [
            json.dumps({name: getattr(piece, name) for name in _IN_RECORD}).encode()
            for piece in self.pieces
        ]
        columns = {
            "place": np.array([(new[p.place[0]], p.place[1]) for p in self.pieces], "<i4"),
            "label": np.array([label[p.label] for p in self.pieces], "<i4"),
            "side": np.array([SPLITS.index(split) for split in self.splits], "u1"),
            "windows": np.array([p.windows for p in self.pieces], "<i4"),
            "tempo": np.array([p.tempo for p in self.pieces], "<f8"),
            "time_signature": np.array([p.time_signature for p in self.pieces], "<i2"),
            "fingerprint": np.array(
                [list(bytes.fromhex(p.fingerprint)) for p in self.pieces], "u1"
            ),
            "ends": np.cumsum([len(record) for record in records], dtype="<i8"),
            "records": np.frombuffer(b"".join(records), "u1"),
        }
        about = {"labels": self.labels, "shards": [self.shards[n].name for n in numbers]}
        return save(columns, metadata={"corpus": json.dumps(about)})


class ShardedCorpus:
    """What `Corpus` is to training, with the notes on disk, where `Selection.save` put them.

    Its digest is that of the index file.

    Raises
    ------
    FileNotFoundError
        If the folder holds no sharded corpus, or lacks a shard.
    ValueError
        If the index is damaged.
    """

    def __init__(self, folder: str | pathlib.Path) -> None:
        folder = pathlib.Path(folder)
        self._index = folder / INDEX_FILE
        if not self._index.is_file():
            raise FileNotFoundError(
                f"no sharded corpus at {self._index}; make one with: prism corpora prepare "
                "folder --from PATH --output FOLDER --shards"
            )
        about, self._columns = self._read_index()
        self._shards = [folder / SHARD_FOLDER / name for name in about["shards"]]
        missing = [shard.name for shard in self._shards if not shard.is_file()]
        if missing:
            raise FileNotFoundError(
                f"{folder / SHARD_FOLDER} lacks {len(missing)} of {len(self._shards)} shards, such "
                f"as {missing[0]}; copy the whole folder, or prepare the corpus again"
            )
        with self._index.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.labels: tuple[str, ...] = tuple(about["labels"])
        self.pieces: Sequence[Piece] = Lazy(len(self._columns["side"]), self._piece)

    def _read_index(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What it says of labels and shards, and its columns but for the records."""
        try:
            with safe_open(self._index, framework="numpy") as file:
                about = json.loads(file.metadata()["corpus"])
                names = set(file.keys()) - {"records", "fingerprint"}
                return about, {name: file.get_tensor(name) for name in names}
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self._index} is damaged ({error}); prepare the corpus again"
            ) from error

    @property
    def splits(self) -> list[str]:
        """The split of each piece."""
        return [SPLITS[index] for index in self._columns["side"]]

    @property
    def piece_labels(self) -> list[str]:
        """The label of each piece."""
        return [self.labels[label] for label in self._columns["label"]]

    def select(self, split: str, labels: Sequence[str] | None = None) -> Sequence[Piece]:
        """As `Corpus.select`; each piece is read when it is asked for."""
        return self._lazy(self._chosen(split, labels))

    def profiles(self, split: str, label: str) -> list[tuple[float, tuple[int, int]]]:
        """As `Corpus.profiles`."""
        rows = self._chosen(split, [label])
        signatures = self._columns["time_signature"][rows].tolist()
        tempos = self._columns["tempo"][rows].tolist()
        return [(tempo, (a, b)) for tempo, (a, b) in zip(tempos, signatures, strict=True)]

    def windows(self, split: str, label: str) -> Sequence[Window]:
        """A label's windows in the order of its pieces; each is read when it is asked for."""
        rows = self._chosen(split, [label])
        return LazyWindows(self._lazy(rows), self._columns["windows"][rows])

    def _chosen(self, split: str, labels: Sequence[str] | None) -> np.ndarray:
        numbers = [self.labels.index(k) for k in checked_labels(self.labels, split, labels)]
        columns = self._columns
        in_split = columns["side"] == SPLITS.index(split)
        return np.flatnonzero(in_split & np.isin(columns["label"], numbers))

    def _lazy(self, rows: np.ndarray) -> Sequence[Piece]:
        return Lazy(len(rows), lambda i: self._piece(int(rows[i])))

    def _piece(self, number: int) -> Piece:
        shard, row = self._columns["place"][number].tolist()
        piece = read_piece(self._shards[shard], row)
        ends = self._columns["ends"]
        start = int(ends[number - 1]) if number else 0
        with safe_open(self._index, framework="numpy") as file:
            record = json.loads(file.get_slice("records")[start : int(ends[number])].tobytes())
        label = self.labels[self._columns["label"][number]]
        return dataclasses.replace(piece, label=label, **record)


def load_corpus(folder: str | pathlib.Path) -> Corpus | ShardedCorpus:
    """The corpus in a folder, sharded or in one file; raises as these do."""
    is_sharded = (pathlib.Path(folder) / INDEX_FILE).is_file()
    return ShardedCorpus(folder) if is_sharded else Corpus.load(folder)
