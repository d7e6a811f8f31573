"""Piano rolls ↔ events."""

from __future__ import annotations

import numpy as np

from prism.amt import events
from prism.amt.vocabulary import MAXIMUM_DURATION
from prism.music.roll import DEFAULT_VELOCITY, FRAMES, PianoRoll


def roll_events(roll: PianoRoll, centiseconds_per_frame: float) -> np.ndarray:
    """A roll's notes as events of the piano, shape=(n, 3).

    Notes too long to be told are cut to whole frames: a model may know no durations in between.
    """
    pitch, start, end, _ = roll.arrays()
    step = centiseconds_per_frame
    frames = np.minimum(end - start, (MAXIMUM_DURATION - 1) // step)
    return events.make_events(start * step, frames * step, pitch)


def events_roll(
    sequence: np.ndarray, centiseconds_per_frame: float, frames: int = FRAMES, **properties
) -> PianoRoll:
    """Events as a roll; all instruments become the piano, rests are left out.

    Parameters
    ----------
    sequence : ndarray, shape=(n, 3)
        Events or controls, times from the roll's start.
    centiseconds_per_frame : float
        Length of a frame.
    frames : int
        Length of the roll; later notes are dropped.
    properties
        `tempo` and `time_signature`.
    """
    start, duration, pitch = events.read_events(sequence)
    first, last = (
        np.floor(time / centiseconds_per_frame + 0.5).astype(np.int64)
        for time in (start, start + duration)
    )
    velocity = np.full(len(pitch), DEFAULT_VELOCITY)
    return PianoRoll.from_arrays(pitch, first, last, velocity, frames, **properties)
