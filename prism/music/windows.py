"""Windows of 64 beats cut out of a piece, with the metre each beat stands in.

Conventions
-----------
window
    Begins on a bar line, at every fourth bar of the piece, so that phrases keep their place.
short pieces
    Repeated, whole bars at a time, until they fill the window, at their mean tempo.
metre
    Two integers a beat: length of the bar it lies in and its place in that bar, both in frames.
    Length 0 stands for an unknown metre.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prism.music.roll import (
    BEATS,
    FRAMES,
    FRAMES_PER_BEAT,
    TICKS_PER_BEAT,
    TICKS_PER_FRAME,
    PianoRoll,
    Piece,
)
from prism.music.timing import bar_ticks

BARS_PER_HOP = 4
MAXIMUM_BAR_FRAMES = 32
_WINDOW_TICKS = BEATS * TICKS_PER_BEAT


@dataclasses.dataclass(frozen=True)
class Window:
    """Where a window lies: a piece (already long enough) and the tick it starts at."""

    piece: Piece
    start_tick: int

    @property
    def start_beat(self) -> float:
        """Start in beats from the beginning of the piece."""
        return self.start_tick / TICKS_PER_BEAT

    @property
    def roll(self) -> PianoRoll:
        """The music inside."""
        return self.piece.window(self.start_tick)

    def transposed(self, semitones: int) -> PianoRoll:
        """The roll shifted up; notes pushed off the keyboard are dropped."""
        notes = self.piece.notes + np.array([0, 0, semitones, 0], np.int32)
        return dataclasses.replace(self.piece, notes=notes).window(self.start_tick)

    @property
    def metre(self) -> np.ndarray:
        """Bar length and place in the bar of each beat, int64 array, shape=(64, 2)."""
        bars = self.piece.bars - self.start_tick
        beats = np.arange(BEATS) * TICKS_PER_BEAT
        index = np.searchsorted(bars, beats, side="right") - 1
        known = (index >= 0) & (index < len(bars) - 1)
        start = bars[np.clip(index, 0, None)]
        length = bars[np.clip(index + 1, 0, len(bars) - 1)] - start
        frames = np.column_stack([length, beats - start]) // TICKS_PER_FRAME
        known &= (frames[:, 0] > 0) & (frames[:, 0] <= MAXIMUM_BAR_FRAMES)
        return np.where(known[:, None], frames, 0).astype(np.int64)


def regular_metre(time_signature: tuple[int, int], frames: int = FRAMES) -> np.ndarray:
    """The `Window.metre` of music that keeps one time signature from a bar line on."""
    bar = round(bar_ticks(time_signature) / TICKS_PER_FRAME)
    start = np.arange(0, frames, FRAMES_PER_BEAT)
    if not 0 < bar <= MAXIMUM_BAR_FRAMES:
        return np.zeros((len(start), 2), np.int64)
    return np.column_stack([np.full_like(start, bar), start % bar]).astype(np.int64)


def bars_until(roll: PianoRoll, frame: int) -> np.ndarray:
    """Where a roll's bars begin before a frame; past its own, they have the usual length."""
    starts = roll.bar_starts
    further = np.arange(starts[-1] + roll.bar_frames, frame, roll.bar_frames)
    return np.concatenate([starts[starts < frame], further])


def cut(roll: PianoRoll, start: int, frames: int = FRAMES) -> PianoRoll:
    """So many frames of a roll from one on; silence follows where it ends before.

    A note held over from before is struck at the first frame, which begins a bar, if a short one.
    """
    if (start, frames) == (0, roll.frames):
        return roll
    bars = bars_until(roll, start + frames) - start
    bars = (0, *bars[bars > 0].tolist())
    pitch, first, last, velocity = roll.arrays()
    heard = last > start
    columns = (pitch, np.maximum(first - start, 0), last - start, velocity)
    regular = bars == tuple(range(0, frames, roll.bar_frames))
    properties = roll.properties | {"bars": None if regular else bars}
    return PianoRoll.from_arrays(*(c[heard] for c in columns), frames, **properties)


def roll_metre(roll: PianoRoll) -> np.ndarray:
    """The `Window.metre` of a roll's bars, the last of which has the usual length."""
    if roll.bars is None:
        return regular_metre(roll.time_signature, roll.frames)
    starts = roll.bar_starts
    lengths = np.diff(np.append(starts, starts[-1] + roll.bar_frames))
    beats = np.arange(0, roll.frames, FRAMES_PER_BEAT)
    index = np.searchsorted(starts, beats, side="right") - 1
    metre = np.column_stack([lengths[index], beats - starts[index]])
    known = (lengths[index] <= MAXIMUM_BAR_FRAMES) & (metre[:, 1] < lengths[index])
    return np.where(known[:, None], metre, 0).astype(np.int64)


def usual_metre(metre: np.ndarray) -> tuple[int, int]:
    """The bar length of most beats of a `Window.metre`, in sixteenths; 16/16 where unknown."""
    known = metre[metre[:, 0] > 0, 0]
    return (int(np.bincount(known).argmax()), 16) if len(known) else (16, 16)


def roll_properties(metre: np.ndarray) -> dict:
    """Time signature, as `usual_metre`, and bars of the `PianoRoll` of a `Window.metre`."""
    starts = np.unique(np.arange(len(metre)) * FRAMES_PER_BEAT - metre[:, 1])
    changes = metre[:, 0].all() and len(set(metre[:, 0])) > 1 and starts[0] == 0
    bars = tuple(starts.tolist()) if changes else None
    return {"time_signature": usual_metre(metre), "bars": bars}


def filled(piece: Piece, ticks: int = _WINDOW_TICKS) -> Piece:
    """Repeat a piece too short for one window, from its first bar line on, in whole bars."""
    first = int(piece.bars[0])
    length = piece.ticks - first
    if length >= ticks:
        return piece
    bar = int(np.median(np.diff(piece.bars)))
    period = -(-length // bar) * bar
    shifts = period * np.arange(-(-ticks // period) + 1)
    notes = np.concatenate([piece.notes + [shift, 0, 0, 0] for shift in shifts])
    bars = np.arange(first, first + ticks + period, bar)
    order = np.lexsort((notes[:, 2], notes[:, 0]))
    return dataclasses.replace(
        piece,
        notes=notes[order].astype(np.int32),
        bars=bars.astype(np.int32),
        tempo_changes=piece.tempo_changes[:0],
        signature_changes=piece.signature_changes[:0],
    )


def windows_of(piece: Piece) -> list[Window]:
    """A piece's windows, at every fourth bar line; those in which no note begins are left out."""
    piece = filled(piece)
    last = piece.ticks - _WINDOW_TICKS
    starts = [int(s) for s in piece.bars[::BARS_PER_HOP] if s <= max(last, piece.bars[0])]
    begun = np.searchsorted(piece.notes[:, 0], [[s, s + _WINDOW_TICKS] for s in starts])
    return [Window(piece, s) for s, (first, end) in zip(starts, begun, strict=True) if end > first]
