"""Rolls as 256×256 pictures in the layout of midipic, and back from pictures with noise.

Conventions
-----------
picture
    uint8, 256 rows × 256 columns × 3 channels. A column is a frame, so a picture is 64 beats.
rows
    Two equal rows a pitch, high above low: pitch p is at rows ``2 (109 - p)`` and the next one,
    from 2 (C8) to 177 (A0). Rows 0 and 1 stay black: midipic's importer counts from one pitch
    above its highest. Rows 176 to 255 show its sustain pedal, behind the A0; we draw none.
channels
    End offset, start offset, velocity, in OpenCV's order: an image file opened as RGB has them
    the other way round. All three are constant along a note. The offsets say how far the note's
    end and start lie from the edges of its cells: 191 and 127 are on the grid; the first counts
    127.5 a frame, the second 255. Velocity is doubled.
repeated notes
    Two equal notes with no gap between them look like one in midipic. We say that one of the two
    ends half a frame early (end offset 127), alternating backwards from the last of a chain; on
    reading, offsets only tell notes apart, and edges of cells are where notes begin and end.
noise
    Notes end where cells change by more than the noise, which the two rows of each pitch reveal.

Source of the layout: https://github.com/Bycob/midipic (README.md and create_dataset.py, commit
06b9aca), facts only.
"""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

from prism.music.roll import FRAMES, KEYS, LOWEST_PITCH, PianoRoll

SIZE = FRAMES
SHAPE = (SIZE, SIZE, 3)
ROWS_PER_PITCH = 2
TOP_ROW = 2
PEDAL_ROW = 176

_VELOCITY = 2
_ON_TIME_END = 191
_EARLY_END = 127
_ON_TIME_START = 127
_VELOCITY_SCALE = 2
_PEDAL_ROWS = slice(PEDAL_ROW + ROWS_PER_PITCH, SIZE)
_PEDAL_VELOCITY = 128
_KEY_ROWS = slice(TOP_ROW, TOP_ROW + ROWS_PER_PITCH * KEYS)

# A cell counts as black up to here in all channels: midipic's own bound, or this many deviations
# of the noise if more.
_BLACK = 32
_BLACK_DEVIATIONS = 6
# Changes a note may show: midipic's own bound, or this many deviations of the noise if more.
# 4.5 lies where splitting a long note and joining two short ones are equally unlikely at 8/255.
_TOLERANCE = 3
_TOLERANCE_DEVIATIONS = 4.5
# The median of the absolute value of a normal variable, in standard deviations.
_NORMAL_MEDIAN = 0.6745


def to_picture(roll: PianoRoll) -> np.ndarray:
    """Draw a roll of 256 frames; `from_picture` gives its notes back exactly.

    Raises ValueError if the roll has another length.
    """
    if roll.frames != FRAMES:
        raise ValueError(f"roll: expected {FRAMES} frames, one a column, got {roll.frames}")
    picture = np.zeros(SHAPE, np.uint8)
    pitch, start, end, velocity = roll.arrays()
    next_start, next_is_early = {}, {}
    # Backwards in time, so that whether a note's follower ends early is known before its own.
    for p, s, e, v in zip(pitch[::-1], start[::-1], end[::-1], velocity[::-1], strict=True):
        early = next_start.get(p) == e and not next_is_early[p]
        next_start[p], next_is_early[p] = s, early
        row = TOP_ROW + ROWS_PER_PITCH * (LOWEST_PITCH + KEYS - 1 - p)
        colour = _EARLY_END if early else _ON_TIME_END, _ON_TIME_START, _VELOCITY_SCALE * int(v)
        picture[row : row + ROWS_PER_PITCH, s:e] = colour
    return picture


def save_picture(roll: PianoRoll, path: str | os.PathLike) -> None:
    """Write `to_picture` as a PNG file, which midipic reads as its own."""
    # In an image file the channels are the other way round than in OpenCV.
    Image.fromarray(to_picture(roll)[..., ::-1].copy()).save(path, "PNG")


def from_picture(picture: np.ndarray) -> PianoRoll:
    """Read a picture, ours or midipic's, clean or noisy; the sustain pedal is ignored.

    Pictures do not tell tempo and time signature: the roll has the default ones. Raises ValueError
    if the array has another shape or type.
    """
    if not isinstance(picture, np.ndarray) or picture.shape != SHAPE or picture.dtype != np.uint8:
        got = (getattr(picture, "dtype", type(picture)), getattr(picture, "shape", None))
        raise ValueError(f"picture: expected uint8 of shape {SHAPE}, got {got[0]} of {got[1]}")
    rows = picture[_KEY_ROWS].astype(np.float64).reshape(KEYS, ROWS_PER_PITCH, SIZE, 3)[::-1]
    cells = rows.mean(axis=1)
    deviation = _deviation(rows, cells)
    lit = cells.max(axis=-1) > max(_BLACK, _BLACK_DEVIATIONS * deviation)
    tolerance = max(_TOLERANCE, _TOLERANCE_DEVIATIONS * deviation)
    lit[0] &= ~_is_only_pedal(picture, cells[0], tolerance)
    onset = _note_starts(cells, lit, tolerance)
    velocity = np.where(onset, _mean_velocity(cells, lit, onset), 0).astype(np.uint8)
    return PianoRoll(onset, lit & ~onset, velocity)


def _deviation(rows: np.ndarray, cells: np.ndarray) -> float:
    """Standard deviation of the noise in `cells`, where neither black nor white clips it."""
    clearly_lit = cells.max(axis=-1) > 2 * _BLACK
    lit_rows = rows.transpose(0, 2, 3, 1)[clearly_lit]
    unclipped = lit_rows[((lit_rows > 0) & (lit_rows < 255)).all(axis=-1)]
    if not len(unclipped):
        return 0.0
    # Half the difference of two equal rows deviates as much as their mean does.
    return float(np.median(np.abs(np.diff(unclipped)))) / (2 * _NORMAL_MEDIAN)


def _is_only_pedal(picture: np.ndarray, lowest_key: np.ndarray, tolerance: float) -> np.ndarray:
    """Columns where what is seen at A0 is the pedal behind it, shape=(256,)."""
    pedal = picture[_PEDAL_ROWS].mean(axis=0)
    pressed = pedal[:, _VELOCITY] > _PEDAL_VELOCITY
    return pressed & (np.abs(lowest_key - pedal) <= tolerance).all(axis=-1)


def _note_starts(cells: np.ndarray, lit: np.ndarray, tolerance: float) -> np.ndarray:
    """Lit cells after a black one or unlike the mean of the note so far, shape=(88, 256)."""
    onset = np.zeros_like(lit)
    total = np.zeros((KEYS, 3))
    count = np.zeros(KEYS)
    for column in range(SIZE):
        cell, on = cells[:, column], lit[:, column]
        length = np.maximum(count, 1)
        # The mean of few cells is itself uncertain.
        allowed = tolerance * np.sqrt(1 + 1 / length)
        change = np.abs(cell - total / length[:, None]).max(axis=-1)
        onset[:, column] = on & ((count == 0) | (change > allowed))
        goes_on = on & ~onset[:, column]
        total = np.where(goes_on[:, None], total, 0) + np.where(on[:, None], cell, 0)
        count = np.where(goes_on, count, 0) + on
    return onset


def _mean_velocity(cells: np.ndarray, lit: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """MIDI velocity of the note each lit cell belongs to, shape=(88, 256)."""
    note = np.cumsum(onset).reshape(onset.shape)
    sizes = np.bincount(note[lit])
    sums = np.bincount(note[lit], weights=cells[lit][:, _VELOCITY])
    means = sums / np.maximum(sizes, 1) / _VELOCITY_SCALE
    return np.clip(np.rint(np.append(means, 0.0)[np.where(lit, note, 0)]), 1, 127)
