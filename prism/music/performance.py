"""Velocities for playing music that has none of its own.

Scores of old music have no dynamics, and what a model learns from them is just as even, apart from
noise. Such rolls get accents by metre, melody and phrase here, for sound and for MIDI files alone,
by the same rule whoever made the notes; drawings, measurements and scores use the velocities as
they are.

Conventions
-----------
dynamics
    A roll has its own if the middle nine tenths of its velocities span more than `EVEN_SPAN`.
metre
    Bars begin where the roll's do. Beats are dotted where a bar of its time signature divides into
    threes (6/8, 9/8, 12/8).
phrase
    `PHRASE_BARS` bars: it swells up to the middle and dies away.
range
    No velocity moves further than `LARGEST_CHANGE` from the median, which all start from.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT, PianoRoll, top_line

EVEN_SPAN = 16
PHRASE_BARS = 4
LARGEST_CHANGE = 16
SHAPED = "No loudness is written; Prism adds accents."

_DOWNBEAT, _HALF_BAR, _BEAT, _OFF_BEAT = 8, 4, 2, -4
_ACCOMPANIMENT = -7
_PHRASE_EDGE, _PHRASE_SWELL = -5, 10


def shaping_words(roll: PianoRoll) -> str:
    """The remark to show beside `shaped` music; empty if `shaped` leaves the roll as it is."""
    if not roll.onset.any():
        return ""
    low, high = np.percentile(roll.velocity[roll.onset], [5, 95])
    return "" if high - low > EVEN_SPAN else SHAPED


def shaped(roll: PianoRoll) -> PianoRoll:
    """The roll with accents; the same object if it has dynamics already, or no notes."""
    if not shaping_words(roll):
        return roll
    change = _metre(roll) + _phrase(roll) + np.where(top_line(roll).onset, 0, _ACCOMPANIMENT)
    change = np.clip(np.rint(change), -LARGEST_CHANGE, LARGEST_CHANGE)
    loudness = np.clip(int(np.median(roll.velocity[roll.onset])) + change, 1, 127)
    return dataclasses.replace(roll, velocity=np.where(roll.onset, loudness, 0).astype(np.uint8))


def _beat_frames(roll: PianoRoll) -> int:
    """Frames from one beat of the bar to the next; at least 1."""
    beats, unit = roll.time_signature
    in_threes = unit >= 8 and beats > 3 and beats % 3 == 0
    return max(1, (3 if in_threes else 1) * 4 * FRAMES_PER_BEAT // unit)


def _metre(roll: PianoRoll) -> np.ndarray:
    """Change of velocity by the place in the bar, shape=(frames,)."""
    place, length = _places(roll, roll.bar_starts, roll.bar_frames)
    half_bar = 2 * place == length
    on_beat = place % _beat_frames(roll) == 0
    return np.select(
        [place == 0, half_bar & on_beat, on_beat], [_DOWNBEAT, _HALF_BAR, _BEAT], _OFF_BEAT
    )


def _phrase(roll: PianoRoll) -> np.ndarray:
    """Change of velocity by the place in the phrase, shape=(frames,)."""
    starts = roll.bar_starts[::PHRASE_BARS]
    place, length = _places(roll, starts, PHRASE_BARS * roll.bar_frames)
    return _PHRASE_EDGE + _PHRASE_SWELL * np.sin(np.pi * place / length)


def _places(roll: PianoRoll, starts: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Each frame's place in the stretch it lies in, and that one's length; the last one's is given.

    Both have shape=(frames,).
    """
    frames = np.arange(roll.frames)
    index = np.searchsorted(starts, frames, side="right") - 1
    lengths = np.diff(starts, append=max(starts[-1] + last, roll.frames))
    return frames - starts[index], lengths[index]
