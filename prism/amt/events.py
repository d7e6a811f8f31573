"""Sequences of events: notes and rolls in and out, rests, controls, anticipation.

Conventions
-----------
events
    int64 array of published tokens, shape=(n, 3), sorted by time; see `prism.amt.vocabulary`.
sequence
    Events and controls interleaved in the order a model reads them, same shape.
rounding
    Times round to the nearest centisecond (halves up); a duration is at least 1 and at most 999.
"""

from __future__ import annotations

import numpy as np

from prism.amt.vocabulary import (
    ANTICIPATION,
    CENTISECONDS_PER_SECOND,
    CONTROL_OFFSET,
    DURATION_OFFSET,
    MAXIMUM_DURATION,
    NOTE_OFFSET,
    PITCHES,
    REST,
    SEPARATOR,
    TIME_OFFSET,
)
from prism.music.roll import DEFAULT_VELOCITY, FRAMES, PianoRoll

_OFFSETS = np.array([TIME_OFFSET, DURATION_OFFSET, NOTE_OFFSET])


def no_events() -> np.ndarray:
    """An empty sequence."""
    return np.empty((0, 3), np.int64)


def make_events(start: np.ndarray, duration: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Encode notes of the piano, arrays of shape (n,), as events, sorted by time, then pitch.

    Times are in centiseconds, of which fractions are rounded.
    """
    start, duration = (np.floor(np.asarray(a) + 0.5).astype(np.int64) for a in (start, duration))
    duration = np.clip(duration, 1, MAXIMUM_DURATION - 1)
    pitch = np.asarray(pitch, np.int64)
    order = np.lexsort((pitch, start))
    return np.column_stack([start, duration, pitch])[order] + _OFFSETS


def is_control(sequence: np.ndarray) -> np.ndarray:
    """Which rows are controls, bool, shape=(n,)."""
    return (sequence[:, 2] >= CONTROL_OFFSET) & (sequence[:, 2] < SEPARATOR)


def is_rest(sequence: np.ndarray) -> np.ndarray:
    """Which rows are rests, bool, shape=(n,)."""
    return sequence[:, 2] == REST


def times(sequence: np.ndarray) -> np.ndarray:
    """Arrival times of events and controls in centiseconds, shape=(n,)."""
    return sequence[:, 0] - CONTROL_OFFSET * is_control(sequence) - TIME_OFFSET


def read_events(sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes as (start, duration, pitch), without rests and separators; controls count as notes."""
    sequence = sequence[~is_rest(sequence) & (sequence[:, 2] < SEPARATOR)]
    plain = sequence - CONTROL_OFFSET * is_control(sequence)[:, None] - _OFFSETS
    return plain[:, 0], plain[:, 1], plain[:, 2] % PITCHES


def as_controls(events: np.ndarray) -> np.ndarray:
    """The same notes as given ones."""
    return events + CONTROL_OFFSET


def with_rests(events: np.ndarray, end: int | None = None) -> np.ndarray:
    """Fill pauses between arrivals, up to time `end`, with rests no more than a second apart."""
    arrivals = times(events)
    stops = arrivals if end is None else np.append(arrivals, end)
    before = np.concatenate([[0], arrivals])[: len(stops)]
    second = CENTISECONDS_PER_SECOND
    counts = np.maximum(-(-(stops - before) // second) - 1, 0)
    rests = [b + second * np.arange(1, n + 1) for b, n in zip(before, counts, strict=True)]
    moments = np.concatenate([*rests, []]).astype(np.int64)
    padding = moments[:, None] * [1, 0, 0] + [TIME_OFFSET, DURATION_OFFSET, REST]
    everything = np.concatenate([events, padding])
    return everything[np.argsort(everything[:, 0], kind="stable")]


def anticipated(events: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interleave controls (m, 3) with events (n, 3), both sorted by time (the paper's section 3.1).

    A control stands directly after the first event that arrives at most `ANTICIPATION` before it
    (those due before that stand first of all). Events come with rests, so that a control is not
    kept waiting. Returned are the sequence, and the controls due later than `ANTICIPATION` after
    the last event but one, for which no event follows.
    """
    # Before event i is placed, what counts is the time of event i − 1 (0 before the first).
    clock = np.concatenate([[0], times(events)])[: len(events)]
    due = times(controls) - ANTICIPATION
    place = np.searchsorted(clock, due, side="left")  # first i with clock[i] >= due
    placed = place < len(events)
    sequence = np.insert(events, place[placed], controls[placed], axis=0)
    return sequence, controls[~placed]


def roll_events(roll: PianoRoll, centiseconds_per_frame: float) -> np.ndarray:
    """A roll's notes as events of the piano, shape=(n, 3).

    Notes too long to be told are cut to whole frames: a model may know no durations in between.
    """
    pitch, start, end, _ = roll.arrays()
    step = centiseconds_per_frame
    frames = np.minimum(end - start, (MAXIMUM_DURATION - 1) // step)
    return make_events(start * step, frames * step, pitch)


def events_roll(sequence: np.ndarray, centiseconds_per_frame: float, **properties) -> PianoRoll:
    """Events and controls, times from the roll's start, as a roll of 64 beats.

    All instruments become the piano; rests and later notes are left out. `properties` are the
    tempo and the time signature.
    """
    start, duration, pitch = read_events(sequence)
    first, last = (
        np.floor(time / centiseconds_per_frame + 0.5).astype(np.int64)
        for time in (start, start + duration)
    )
    velocity = np.full(len(pitch), DEFAULT_VELOCITY)
    return PianoRoll.from_arrays(pitch, first, last, velocity, FRAMES, **properties)
