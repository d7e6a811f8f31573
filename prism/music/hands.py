"""A roll as two hands play it: upper and lower notes, voices within a hand, pitch names in a key.

Conventions
-----------
hands
    A split point that moves puts each note into a hand: as few semitones as can be beyond what a
    hand spans, near middle C, in a gap between the notes of two beats, moving little (the best path
    over the frames). A tune without chords stays in one hand.
voices
    Notes of one hand that begin and end together are a chord. Chords that sound into one another
    are in different voices, the highest first; where nothing is held, counting begins anew.
spelling
    Twelve neighbours on the line of fifths around the tonic, from the lowered second to the raised
    fourth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from prism.music.roll import FRAMES_PER_BEAT, LOWEST_PITCH, PianoRoll

_MIDDLE_C = 60
_SPLITS = np.arange(48, 73)  # the lowest pitch of the upper hand
_SPAN = 12  # semitones that a hand takes easily
_AWAY, _MOVE, _NARROW = 0.05, 0.3, 0.3  # a semitone's cost, beside 1 for one beyond the span
_GAP = 5  # semitones between the hands from which they are well apart
_TUNE = 0.05  # share of frames with more than one note, below which there is one line
_FIFTHS = "FCGDAEB"
_LOWERED_SECOND, _MINOR_TONIC = -5, 3  # on the line of fifths: from the tonic, from its signature


class Chord(NamedTuple):
    """Notes struck and let go together; frames, and (pitch, velocity) from the lowest up."""

    start: int
    end: int
    notes: tuple[tuple[int, int], ...]


Voice = list[Chord]


class Pitch(NamedTuple):
    """A written pitch: C4 is middle C, and `alter` 1 a sharp."""

    step: str
    alter: int
    octave: int


def two_hands(roll: PianoRoll) -> tuple[list[Voice], list[Voice]]:
    """The voices of the upper and of the lower hand; see Conventions."""
    pitch, start, end, velocity = roll.arrays()
    upper = pitch >= split_points(roll)[start]
    hands = []
    for own in (upper, ~upper):
        chords: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for s, e, *note in zip(
            *(a[own].tolist() for a in (start, end, pitch, velocity)), strict=True
        ):
            chords.setdefault((s, e), []).append(tuple(note))
        hands.append(_voices(Chord(*span, tuple(sorted(n))) for span, n in chords.items()))
    return hands[0], hands[1]


def split_points(roll: PianoRoll) -> np.ndarray:
    """For each frame the lowest pitch of the upper hand."""
    active = roll.active
    if np.mean(active.sum(0) > 1) < _TUNE:
        pitches = roll.arrays()[0]
        low = len(pitches) and pitches.mean() < _MIDDLE_C
        return np.full(roll.frames, LOWEST_PITCH + len(active) if low else LOWEST_PITCH)
    near = _widened(active)
    costs = [
        _beyond(active, split) + _NARROW * _narrowness(near, split)
        for split in _SPLITS - LOWEST_PITCH
    ]
    costs = np.stack(costs, axis=1) + _AWAY * abs(_SPLITS - _MIDDLE_C)
    moves = _MOVE * abs(_SPLITS[:, None] - _SPLITS)
    total, origins = costs[0], []
    for cost in costs[1:]:
        ways = total[:, None] + moves
        origins.append(ways.argmin(0))
        total = ways.min(0) + cost
    path = [int(total.argmin())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return _SPLITS[path[::-1]]


def _beyond(active: np.ndarray, split: int) -> np.ndarray:
    """Semitones that the two hands have to reach beyond their span, a frame."""
    return sum(np.maximum(_reach(part) - _SPAN, 0) for part in (active[split:], active[:split]))


def _widened(active: np.ndarray) -> np.ndarray:
    """Which keys are down within a beat of each frame."""
    padded = np.pad(active, ((0, 0), (FRAMES_PER_BEAT, FRAMES_PER_BEAT)))
    return sliding_window_view(padded, 2 * FRAMES_PER_BEAT + 1, axis=1).any(-1)


def _narrowness(near: np.ndarray, split: int) -> np.ndarray:
    """By how many semitones the hands are nearer than `_GAP`, a frame; 0 where one is silent."""
    upper, lower = near[split:], near[:split]
    gap = upper.argmax(0) + lower[::-1].argmax(0) + 1
    return np.where(upper.any(0) & lower.any(0), np.maximum(_GAP - gap, 0), 0)


def _reach(part: np.ndarray) -> np.ndarray:
    """From the lowest to the highest key that is down, a frame; 0 where none is."""
    span = len(part) - 1 - part[::-1].argmax(0) - part.argmax(0)
    return np.where(part.any(0), span, 0)


def _voices(chords: Iterable[Chord]) -> list[Voice]:
    voices: list[Voice] = []
    for cluster in _clusters(sorted(chords, key=lambda c: (c.start, -c.notes[-1][0]))):
        lanes: list[Voice] = []
        for chord in cluster:
            top = chord.notes[-1][0]
            free = [lane for lane in lanes if lane[-1].end <= chord.start]
            if free:
                min(free, key=lambda lane: abs(lane[-1].notes[-1][0] - top)).append(chord)
            else:
                lanes.append([chord])
        lanes.sort(key=lambda lane: -np.mean([p for chord in lane for p, _ in chord.notes]))
        voices += [[] for _ in lanes[len(voices) :]]
        for voice, lane in zip(voices, lanes, strict=False):
            voice += lane
    return voices


def _clusters(chords: Iterable[Chord]) -> Iterator[list[Chord]]:
    """Runs of chords between which nothing is held."""
    run: list[Chord] = []
    for chord in chords:
        if run and chord.start >= max(c.end for c in run):
            yield run
            run = []
        run.append(chord)
    if run:
        yield run


def key_fifths(key: int | None) -> int:
    """Sharps (or, below 0, flats) of a key signature, −5 to 6; `key` as from `key_index`.

    Examples
    --------
    >>> key_fifths(7), key_fifths(5), key_fifths(12), key_fifths(None)
    (1, -1, -3, 0)
    """
    if key is None:
        return 0
    major = key if key < 12 else (key + 3) % 12
    return (major * 7 + 5) % 12 - 5


def spelt(pitch: int, key: int | None) -> Pitch:
    """How a MIDI pitch is written in a key, given as by `prism.music.attributes.key_index`.

    Examples
    --------
    >>> spelt(61, 7), spelt(68, 21)  # in G major and in A minor
    (Pitch(step='C', alter=1, octave=4), Pitch(step='G', alter=1, octave=4))
    """
    tonic = key_fifths(key) + (_MINOR_TONIC if key is not None and key >= 12 else 0)
    first = tonic + _LOWERED_SECOND
    # Fifths from C: 7 of them are a semitone up, whatever the octave.
    place = first + (pitch * 7 - first) % 12
    alter, step = divmod(place + 1, 7)
    octave = (pitch - alter) // 12 - 1
    return Pitch(_FIFTHS[step], alter, octave)
