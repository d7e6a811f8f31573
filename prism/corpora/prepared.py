"""The prepared corpus: one compact file of pieces with a fixed split, and its provenance table.

Layout of ``corpus.npz``: ``notes`` (all pieces' notes one after another; int16 columns start delta,
duration, pitch, velocity, in ticks), ``bars`` (int32 deltas), ``note_counts``, ``bar_counts``, and
``records`` (JSON text of everything else). Where a piece has any, ``tempo_changes`` and
``signature_changes`` as well, a piece's rows after another's, with their counts; older files say
the first time signature and the first tempo of each piece. Written with fixed timestamps, so that
the same pieces always give the same bytes. Titles in it are as the files have them; those that are
shown stand in ``provenance.csv``, so that a better title makes no other corpus.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import pathlib
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

from prism.corpora.summaries import PieceSummary
from prism.music.roll import Piece
from prism.music.windows import Window, windows_of
from prism.music.writing import make_folder, write_atomic, write_table

SPLITS = ("train", "validation", "test")
CORPUS_FILE = "corpus.npz"
INDEX_FILE = "corpus.index"  # of a corpus in shards instead, see `prism.corpora.sharded`
PROVENANCE_FILE = "provenance.csv"
CHANGES = ("tempo_changes", "signature_changes")
_RECORD_FIELDS = ("identifier", "title", "label", "source", "terms", "tempo", "time_signature")


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Pieces with the split of each, and every label in display order.

    `digest` is the SHA-256 of the file the corpus was loaded from; empty if it was never saved.
    """

    pieces: tuple[Piece, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    digest: str = ""

    def select(self, split: str, labels: Sequence[str] | None = None) -> list[Piece]:
        """Pieces of one split, of some labels only if they are given.

        Raises ValueError if the split or a label is unknown.
        """
        wanted = checked_labels(self.labels, split, labels)
        return [
            piece
            for piece, own in zip(self.pieces, self.splits, strict=True)
            if own == split and piece.label in wanted
        ]

    @property
    def piece_labels(self) -> list[str]:
        """The label of each piece."""
        return [piece.label for piece in self.pieces]

    def windows(self, split: str, label: str) -> list[Window]:
        """A label's windows in one split, in the order of its pieces."""
        return [w for piece in self.select(split, [label]) for w in windows_of(piece)]

    def profiles(self, split: str, label: str) -> list[tuple[float, tuple[int, int]]]:
        """Tempo and time signature of a label's pieces in one split."""
        return [(piece.tempo, piece.time_signature) for piece in self.select(split, [label])]

    def save(self, folder: str | pathlib.Path, sources: str = "") -> None:
        """Write the corpus file and the provenance table into `folder`.

        `sources` says in the table where the pieces' `source` paths lie.
        """
        folder = pathlib.Path(folder)
        make_folder(folder)
        content = _encode(self)
        write_atomic(folder / CORPUS_FILE, lambda partial: partial.write_bytes(content))
        write_provenance(folder / PROVENANCE_FILE, self.pieces, self.splits, sources)
        # A folder holds one corpus, and `load_corpus` looks for shards first.
        (folder / INDEX_FILE).unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: str | pathlib.Path) -> Corpus:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            If the folder holds no prepared corpus.
        ValueError
            If the file is damaged.
        """
        path = pathlib.Path(folder) / CORPUS_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"no prepared corpus at {path}; make one with: prism corpora prepare"
            )
        content = path.read_bytes()
        try:
            return _shown(_decode(content), path.with_name(PROVENANCE_FILE))
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as error:
            raise ValueError(
                f"{path} is damaged ({error}); restore it or run: prism corpora prepare"
            ) from error


def checked_labels(known: Sequence[str], split: str, labels: Sequence[str] | None) -> set[str]:
    """The labels asked for, or all; raises as `Corpus.select`."""
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}; got {split!r}")
    wanted = set(known if labels is None else labels)
    unknown = sorted(wanted - set(known))
    if unknown:
        raise ValueError(f"labels: unknown {unknown}; choose from {', '.join(known)}")
    return wanted


def _encode(corpus: Corpus) -> bytes:
    records = [
        {name: getattr(piece, name) for name in _RECORD_FIELDS}
        | {"title": piece.source_title or piece.title, "split": split}
        for piece, split in zip(corpus.pieces, corpus.splits, strict=True)
    ]
    text = json.dumps({"labels": corpus.labels, "pieces": records}, ensure_ascii=False)
    arrays = {
        "notes": np.concatenate([note_deltas(p.notes) for p in corpus.pieces]),
        "bars": np.concatenate([np.diff(p.bars, prepend=0) for p in corpus.pieces]).astype("<i4"),
        "note_counts": np.array([len(p.notes) for p in corpus.pieces], "<i4"),
        "bar_counts": np.array([len(p.bars) for p in corpus.pieces], "<i4"),
        "records": np.frombuffer(text.encode(), np.uint8),
    }
    for name in CHANGES:
        rows = [getattr(piece, name) for piece in corpus.pieces]
        if any(map(len, rows)):
            counts = np.array([len(changes) for changes in rows], "<i4")
            arrays |= {name: np.concatenate(rows).astype("<f8"), f"{name}_counts": counts}
    return _zip(arrays)


def note_deltas(notes: np.ndarray) -> np.ndarray:
    """Notes as they are stored: starts as distances from the note before, int16.

    Raises ValueError if a note or a rest is too long for that.
    """
    deltas = np.column_stack([np.diff(notes[:, 0], prepend=0), notes[:, 1:]])
    if len(deltas) and deltas.max() > np.iinfo(np.int16).max:
        raise ValueError("a note or a rest is longer than 32,767 ticks and cannot be stored")
    return deltas.astype("<i2")


def notes_from_deltas(deltas: np.ndarray) -> np.ndarray:
    """What `note_deltas` stored."""
    notes = deltas.astype(np.int32)
    notes[:, 0] = np.cumsum(notes[:, 0])
    return notes


def _zip(arrays: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            # Column order puts like numbers side by side, which compresses better.
            np.save(member, np.asfortranarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _decode(content: bytes) -> Corpus:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        record = json.loads(arrays["records"].tobytes().decode())
        notes = np.split(arrays["notes"], np.cumsum(arrays["note_counts"])[:-1])
        bars = np.split(arrays["bars"], np.cumsum(arrays["bar_counts"])[:-1])
        changes = {
            name: np.split(arrays[name], np.cumsum(arrays[f"{name}_counts"])[:-1])
            for name in CHANGES
            if name in arrays
        }
    pieces, splits = [], []
    for i, (fields, piece_bars) in enumerate(zip(record["pieces"], bars, strict=True)):
        splits.append(fields.pop("split"))
        fields["time_signature"] = tuple(fields["time_signature"])
        fields |= {name: rows[i] for name, rows in changes.items()}
        bar_ticks = np.cumsum(piece_bars).astype(np.int32)
        piece = Piece(notes=notes_from_deltas(notes[i]), bars=bar_ticks, **fields)
        pieces.append(piece.summed_up())
    digest = hashlib.sha256(content).hexdigest()
    return Corpus(tuple(pieces), tuple(splits), tuple(record["labels"]), digest)


def _shown(corpus: Corpus, table: pathlib.Path) -> Corpus:
    """The same pieces under the titles of the provenance table, where there is one."""
    if not table.is_file():
        return corpus
    with table.open(newline="", encoding="utf-8") as file:
        titles = {row["piece"]: row["title"] for row in csv.DictReader(file)}
    pieces = (p.with_title(titles.get(p.identifier, p.title)) for p in corpus.pieces)
    return dataclasses.replace(corpus, pieces=tuple(pieces))


def write_titles(folder: pathlib.Path, pieces: Iterable[Piece]) -> None:
    """Write other titles into the provenance table of a prepared corpus, which has to be there."""
    titles = {piece.identifier: piece.title for piece in pieces}
    with (folder / PROVENANCE_FILE).open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        new = [row | {"title": titles.get(row["piece"], row["title"])} for row in rows]
    write_table(folder / PROVENANCE_FILE, rows.fieldnames, (row.values() for row in new))


def write_provenance(
    path: pathlib.Path,
    pieces: Iterable[Piece | PieceSummary],
    splits: Iterable[str],
    sources: str = "",
) -> None:
    """Write the table of where each piece comes from; `sources` goes before its `source`."""
    below = f"{sources}/" if sources else ""
    rows = (
        (
            piece.identifier,
            piece.title,
            piece.label,
            below + piece.source,
            split,
            piece.notes if isinstance(piece, PieceSummary) else len(piece.notes),
            piece.terms,
        )
        for piece, split in zip(pieces, splits, strict=True)
    )
    write_table(path, ("piece", "title", "label", "file", "split", "notes", "terms"), rows)
