"""The time signature and the tempo of a stretch of music in which they may change.

Conventions
-----------
changes
    Rows of a tick and what holds from there to the next row; the first holds before its tick too.
time signature of a stretch
    The one that most of it lies in; of equal ones, the one that comes first.
tempo of a stretch
    Its beats over the minutes that they last, to a hundredth: at this one tempo the stretch is as
    long as in the file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

FRAMES_PER_BEAT = 4
TICKS_PER_BEAT = 24
TICKS_PER_FRAME = TICKS_PER_BEAT // FRAMES_PER_BEAT
_WHOLE_TICKS = 4 * TICKS_PER_BEAT
# Beat units of the time signatures that MIDI can tell.
MIDI_UNITS = (1, 2, 4, 8, 16, 32, 64)


@dataclasses.dataclass(frozen=True)
class Timing:
    """Bars, metre and tempo of a piece that ends at a tick; see `prism.music.roll.Piece`."""

    bars: np.ndarray
    tempo: float
    time_signature: tuple[int, int]
    tempo_changes: np.ndarray
    signature_changes: np.ndarray
    end: int

    def tempo_in(self, start: int, end: int) -> float:
        """Of the music from one tick to another; see Conventions."""
        if not len(self.tempo_changes):
            return self.tempo
        ticks, tempi = self._held(self.tempo_changes, start, end), self.tempo_changes[:, 1]
        return round(float(ticks.sum() / (ticks / tempi).sum()), 2)

    def tempi_in(self, start: int, end: int) -> np.ndarray:
        """Tempi that the music keeps for a tick or more, from one tick to another; maybe none."""
        if not len(self.tempo_changes):
            return np.zeros(0)
        return self.tempo_changes[self._held(self.tempo_changes, start, end) >= 1, 1]

    def time_signature_in(self, start: int, end: int) -> tuple[int, int]:
        """Of the music from one tick to another; see Conventions."""
        if not len(self.signature_changes):
            return named_bar(self._usual_bar(start, end), self.time_signature)
        totals: dict[tuple[int, int], float] = {}
        ticks = self._held(self.signature_changes, start, end).tolist()
        for (_, beats, unit), length in zip(self.signature_changes.tolist(), ticks, strict=True):
            named = int(beats), int(unit)
            totals[named] = totals.get(named, 0) + length
        return max(totals, key=totals.get)

    def window(self, start: int, frames: int) -> dict:
        """Tempo, time signature and bars of a `PianoRoll`; bars go on as usual after the last."""
        end = start + frames * TICKS_PER_FRAME
        signature = self.time_signature_in(start, end)
        length = bar_ticks(signature)
        known = self.bars[slice(*np.searchsorted(self.bars, [start + 1, end]))] - start
        regular = length * np.arange(1, len(known) + 1)
        bars = None
        if np.abs(known - regular).max(initial=0) > 1:
            ticks = np.concatenate([[0], known, np.arange(known[-1] + length, end - start, length)])
            first_frames = np.unique((ticks + TICKS_PER_FRAME // 2) // TICKS_PER_FRAME)
            bars = tuple(first_frames[first_frames < frames].astype(int).tolist())
        return {"tempo": self.tempo_in(start, end), "time_signature": signature, "bars": bars}

    def _held(self, changes: np.ndarray, start: int, end: int) -> np.ndarray:
        """For how many ticks of a stretch each row holds; what is silent after the end is none."""
        return held(changes[:, 0], start, max(min(end, self.end), start + 1))

    def _usual_bar(self, start: int, end: int) -> int:
        """The length of most of a stretch's bars; of equals, that of the piece's time signature.

        0 where there are no bars. The last bar is taken to keep that time signature.
        """
        if not len(self.bars):
            return 0
        own = round(bar_ticks(self.time_signature))
        lengths = np.append(np.diff(self.bars), own)
        totals = np.bincount(lengths, self._held(self.bars[:, None], start, end))
        return own if totals[own] == totals.max() else int(totals.argmax())


def change_rows(rows: Sequence[tuple[float, ...]]) -> np.ndarray:
    """Changes as an array: rows whose values differ from those before; none if all are alike."""
    table = np.array(rows, float)
    differs = np.diff(table[:, 1:], axis=0).any(axis=1)
    return table[np.append(True, differs)] if differs.any() else table[:0]


def bar_ticks(signature: tuple[int, int]) -> float:
    """The length of a bar."""
    beats, unit = signature
    return beats * _WHOLE_TICKS / unit


def held(ticks: np.ndarray, start: float, end: float) -> np.ndarray:
    """How much of a stretch lies between each of some ticks and the next, shape as `ticks`."""
    edges = np.concatenate([[start], ticks[1:].clip(start, end), [end]])
    return edges[1:] - edges[:-1]


def named_bar(ticks: float, like: tuple[int, int]) -> tuple[int, int]:
    """A time signature for bars of some length, in music that mostly keeps to another one.

    The other one if it fits, or one of its unit (eighths and shorter in threes), or else quarters,
    eighths or sixteenths. Where none is whole, the other one, or 4/4 if MIDI cannot tell that.

    Examples
    --------
    >>> named_bar(72, (4, 4)), named_bar(72, (9, 8)), named_bar(144, (2, 2)), named_bar(36, (2, 4))
    ((3, 4), (6, 8), (3, 2), (3, 8))
    """
    beats, unit = like
    like = like if unit in MIDI_UNITS else (4, 4)
    if not ticks or ticks == bar_ticks(like):
        return like
    in_threes = 3 if unit >= 8 else 1
    own = [unit] if unit in MIDI_UNITS and not ticks * unit % (_WHOLE_TICKS * in_threes) else []
    for unit in (*own, 4, 8, 16):
        beats = ticks * unit / _WHOLE_TICKS
        if beats == int(beats) and (beats > 1 or unit >= 4):
            return int(beats), unit
    return like
