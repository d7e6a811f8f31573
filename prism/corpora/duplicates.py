"""The same music twice: exact copies in any key, and near copies, found by content.

Conventions
-----------
step
    From one note to the next of a piece sorted by start, then pitch: ticks and semitones. Loudness,
    length, tempo and key do not count.
sketch
    The `SKETCH_SIZE` smallest hashes of all runs of `RUN_STEPS` steps of the top line. The share
    of hashes two sketches have in common estimates the share of runs (A. Broder, "On the
    resemblance and containment of documents", 1997).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from prism.music.roll import TICKS_PER_FRAME, Piece

RUN_STEPS = 12
SKETCH_SIZE = 64
NEAR_SHARE = 0.4
# Runs that many pieces have (one note hammered, a scale) say nothing about which piece it is.
MAX_SHARED = 40
# Values are compared part by part, so that only a part of them is sorted at a time.
_PARTS = np.uint64(16)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def content_key(piece: Piece) -> str:
    """A hash of a piece's note sequence, the same in every key and from every starting time."""
    steps = np.diff(piece.notes[:, [0, 2]], axis=0).astype("<i4")
    return hashlib.sha256(steps.tobytes()).hexdigest()


def sketch(piece: Piece) -> np.ndarray:
    """A piece's smallest run hashes, uint64, at most `SKETCH_SIZE`; see Conventions."""
    top = _top_line(piece.notes)
    steps = np.diff(top, axis=0).astype(np.int64)
    if len(steps) < RUN_STEPS:
        return np.zeros(0, np.uint64)
    codes = _mixed((steps[:, 0] * 1024 + steps[:, 1]).astype(np.uint64))
    runs = np.zeros(len(codes) - RUN_STEPS + 1, np.uint64)
    for offset in range(RUN_STEPS):
        runs = runs * _MULTIPLIER + codes[offset : offset + len(runs)]
    return np.unique(_mixed(runs))[:SKETCH_SIZE]


def _top_line(notes: np.ndarray) -> np.ndarray:
    """The highest note of every frame in which one starts: frame and pitch."""
    frames = (notes[:, 0] + TICKS_PER_FRAME // 2) // TICKS_PER_FRAME
    order = np.lexsort((-notes[:, 2], frames))
    first = np.unique(frames[order], return_index=True)[1]
    return np.column_stack([frames[order][first], notes[order][first, 2]])


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread over all 64 bits; arithmetic wraps."""
    values = (values ^ (values >> np.uint64(31))) * _MULTIPLIER
    return values ^ (values >> np.uint64(29))


def similar_pairs(sketches: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Index pairs of sketches that have `NEAR_SHARE` in common."""
    sizes = np.array([len(values) for values in sketches], np.int64)
    values = np.concatenate([np.zeros(0, np.uint64), *sketches])
    holders = np.repeat(np.arange(len(sketches), dtype=np.int32), sizes)
    codes = np.concatenate(
        [
            _pair_codes(values[inside], holders[inside].astype(np.int64), len(sketches))
            for inside in (values % _PARTS == part for part in range(int(_PARTS)))
        ]
    )
    pairs, shared = np.unique(codes, return_counts=True)
    first, second = np.divmod(pairs, max(len(sketches), 1))
    near = shared >= NEAR_SHARE * np.maximum(sizes[first], sizes[second])
    return list(zip(first[near].tolist(), second[near].tolist(), strict=True))


def _pair_codes(values: np.ndarray, holders: np.ndarray, count: int) -> np.ndarray:
    """``first * count + second`` for every two holders, in ascending order, of one value."""
    order = np.argsort(values, kind="stable")
    values, holders = values[order], holders[order]
    starts = np.flatnonzero(np.diff(values, prepend=~values[:1]) != 0)
    lengths = np.diff(starts, append=len(values))
    codes = [np.zeros(0, np.int64)]
    for length in range(2, MAX_SHARED + 1):
        held = holders[starts[lengths == length][:, None] + np.arange(length)]
        first, second = np.triu_indices(length, 1)
        codes.append((held[:, first] * count + held[:, second]).ravel())
    return np.concatenate(codes)


def duplicate_groups(contents: Sequence[str], sketches: Sequence[np.ndarray]) -> list[set[str]]:
    """For every piece, keys it shares with its exact and near copies.

    Each piece's `content_key` and `sketch` are given.
    """
    keys = [{f"content {content}"} for content in contents]
    for a, b in similar_pairs(sketches):
        pair = f"near {a} {b}"
        keys[a].add(pair)
        keys[b].add(pair)
    return keys
