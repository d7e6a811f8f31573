"""A shard: some pieces of a collection in one file, and what was left out when it was made.

Conventions
-----------
name
    A hash of the files it was made of, so that a run that was stopped goes on where it was.
layout
    A safetensors file, of which any part can be read by itself: ``notes`` (all pieces' notes one
    after another; int16 columns start delta, duration, pitch, velocity, in ticks), ``bars`` (int32
    ticks), ``sketches`` (uint64), ``records`` (each piece's summary as JSON text),
    ``tempo_changes`` and ``signature_changes`` (float64, as of `Piece`), and ``ends``,
    shape=(n, 6): where each piece's part of those six ends. Its metadata list what was left out.
    Shards of version 2, which can still be read, lack the changes.
writing
    Under another name first: a shard that is there is whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from prism.corpora.files import LeftOut
from prism.corpora.prepared import CHANGES, note_deltas, notes_from_deltas
from prism.corpora.summaries import PROPERTIES, PieceSummary, summarised
from prism.music.roll import Piece
from prism.music.writing import write_atomic

SUFFIX = ".shard"
_VERSION = "3"
_PARTS = ("notes", "bars", "sketches", "records", *CHANGES)


def shard_name(stamps: Iterable[str]) -> str:
    """A shard's file name, from what tells its files from others and from other states of them."""
    digest = hashlib.sha256(_VERSION.encode())
    for stamp in stamps:
        digest.update(stamp.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:32] + SUFFIX


def write_shard(path: pathlib.Path, pieces: Sequence[Piece], left_out: Sequence[LeftOut]) -> None:
    """Write a shard, all of it or nothing.

    A piece with a note or a rest too long for the layout is left out as well.
    """
    left_out, rows = list(left_out), []
    for piece in pieces:
        try:
            rows.append(_row(piece))
        except ValueError as error:
            left_out.append(LeftOut(piece.identifier, str(error)))
    content = save(_columns(rows), metadata={"left_out": json.dumps(left_out)})
    # Two workers may make the same shard at once, when one of them was given up for lost.
    mark = f".{os.uname().nodename}-{os.getpid()}"
    write_atomic(path, lambda partial: partial.write_bytes(content), mark)


def _row(piece: Piece) -> tuple[np.ndarray, ...]:
    """A piece's share of each of `_PARTS`."""
    summary = summarised(piece)
    names = [f.name for f in dataclasses.fields(summary) if f.name not in ("sketch", "place")]
    record = json.dumps({name: getattr(summary, name) for name in names})
    text = np.frombuffer(record.encode(), np.uint8)
    changes = (getattr(piece, name).astype("<f8") for name in CHANGES)
    return note_deltas(piece.notes), piece.bars.astype("<i4"), summary.sketch, text, *changes


def _columns(rows: Sequence[tuple[np.ndarray, ...]]) -> dict[str, np.ndarray]:
    empty = (
        np.zeros((0, 4), "<i2"),
        np.zeros(0, "<i4"),
        np.zeros(0, "<u8"),
        np.zeros(0, "u1"),
        np.zeros((0, 2)),
        np.zeros((0, 3)),
    )
    columns = {
        name: np.concatenate([empty[i], *(row[i] for row in rows)]) for i, name in enumerate(_PARTS)
    }
    lengths = np.array([[len(part) for part in row] for row in rows], np.int64)
    return columns | {"ends": np.cumsum(lengths.reshape(-1, len(_PARTS)), axis=0)}


@contextlib.contextmanager
def _opened(path: pathlib.Path):
    """A shard's file; damage is told with what to do."""
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, ValueError, KeyError, FileNotFoundError) as error:
        raise ValueError(
            f"{path} is missing or damaged ({error}); delete it and prepare again "
            "with: prism corpora prepare"
        ) from error


def read_piece(path: pathlib.Path, index: int) -> Piece:
    """One piece of a shard, of which only its part is read; raises ValueError if it is damaged."""
    with _opened(path) as file:
        ends = file.get_slice("ends")[max(index - 1, 0) : index + 1]
        first = ends[0] if index else np.zeros_like(ends[0])
        # Shards of version 2 end with the records.
        notes, bars, _, text, *changes = (
            _rows(file, name, int(a), int(b))
            for name, a, b in zip(_PARTS, first, ends[-1], strict=False)
        )
        record = _record(text)
    piece = Piece(
        notes=notes_from_deltas(notes),
        bars=bars.astype(np.int32),
        **{name: record[name] for name in PROPERTIES},
        **dict(zip(CHANGES, changes, strict=False)),
    )
    return piece.summed_up()


def read_summaries(path: pathlib.Path, number: int) -> tuple[list[PieceSummary], list[LeftOut]]:
    """All summaries of a shard, which is given a number, and what was left out; raises likewise."""
    with _opened(path) as file:
        left_out = [LeftOut(*row) for row in json.loads(file.metadata()["left_out"])]
        ends = file.get_tensor("ends")
        sketches, texts = (
            np.split(file.get_tensor(name), ends[:-1, _PARTS.index(name)]) if len(ends) else []
            for name in ("sketches", "records")
        )
        records = [_record(text) for text in texts]
    summaries = [
        # A copy, or the view would keep the whole shard's sketches alive.
        PieceSummary(**record, sketch=values.copy(), place=(number, row))
        for row, (record, values) in enumerate(zip(records, sketches, strict=True))
    ]
    return summaries, left_out


def _rows(file, name: str, first: int, last: int) -> np.ndarray:
    part = file.get_slice(name)
    # safetensors refuses to read no rows.
    return part[first:last] if last > first else np.zeros((0, *part.get_shape()[1:]))


def _record(text: np.ndarray) -> dict[str, Any]:
    record = json.loads(text.tobytes())
    return record | {"time_signature": tuple(record["time_signature"])}
