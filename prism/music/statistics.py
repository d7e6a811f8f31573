"""Figures that describe how a roll sounds, each a number of one roll.

Conventions
-----------
polyphony
    Mean number of keys down, over the frames where any is.
on-beat share
    Share of notes that begin on a beat (a frame divisible by 4).
scale consistency
    Share of notes inside the major scale that holds most of them (Mogren 2016, section 4.1).
pitch-class entropy
    Of the notes' pitch classes, in bits, 0 to log2(12) (Wu & Yang 2020, section 5).
bar similarity at lag n
    Of the note beginnings of two bars n apart, the share that both have at the same pitch and place
    (twice the common ones over all of both); mean over pairs of which one has any. Missing where a
    roll has no such pair.
top and bottom steps
    Share of a line's moves (repeated notes are none) that go at most two semitones. The top line is
    `prism.music.roll.top_line`; the bottom line is that of the roll turned upside down.
top and bottom reversals
    Share of a line's moves that go the other way than the move before.
bar pitch spread, bar note spread
    Standard deviation of bars' mean pitch, in semitones; of bars' numbers of notes, over their
    mean.
repeated bars
    Share of bars with note beginnings that are, beginning for beginning, an earlier bar.
bars
    Those that are there in whole. Of one that is longer than the roll's time signature says, the
    end is left out; one that is shorter ends in silence.
silence
    An empty roll has 0 for what counts its notes, 1 for ``empty_frames``, and no bars to compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT, PianoRoll, top_line

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_SCALES = np.array([[(pc - tonic) % 12 in _MAJOR for pc in range(12)] for tonic in range(12)])
NOTE_NAMES = (
    "notes",
    "polyphony",
    "on_beat",
    "scale_consistency",
    "pitch_class_entropy",
    "note_length",
    "empty_frames",
    "one_frame_notes",
)
LAGS = (1, 2, 4, 8, 16)
STRUCTURE = (*(f"bar_similarity_lag_{lag}" for lag in LAGS), "repeated_bars")
MELODY = (
    "top_steps",
    "top_reversals",
    "bottom_steps",
    "bottom_reversals",
    "bar_pitch_spread",
    "bar_note_spread",
)
LINES = ("top", "bottom")
NAMES = (*NOTE_NAMES, *STRUCTURE, *MELODY)


def describe(roll: PianoRoll) -> dict[str, float]:
    """Those figures of `NAMES` that a roll has; `note_length` is in beats."""
    return describe_notes(roll) | describe_structure(roll) | describe_melody(roll)


def describe_notes(roll: PianoRoll) -> dict[str, float]:
    """The figures of `NOTE_NAMES`, which do not depend on the order of notes."""
    pitch, start, end, _ = roll.arrays()
    if not len(pitch):
        return dict.fromkeys(NOTE_NAMES, 0.0) | {"empty_frames": 1.0}
    sounding = roll.active.sum(0)
    length = end - start
    classes = np.bincount(pitch % 12, minlength=12) / len(pitch)
    used = classes[classes > 0]
    values = {
        "notes": len(pitch),
        "polyphony": sounding[sounding > 0].mean(),
        "on_beat": np.mean(start % FRAMES_PER_BEAT == 0),
        "scale_consistency": (_SCALES @ classes).max(),
        "pitch_class_entropy": -(used * np.log2(used)).sum(),
        "note_length": length.mean() / FRAMES_PER_BEAT,
        "empty_frames": np.mean(sounding == 0),
        "one_frame_notes": np.mean(length == 1),
    }
    return {name: float(value) for name, value in values.items()}


def describe_structure(roll: PianoRoll) -> dict[str, float]:
    """Those figures of `STRUCTURE` that a roll has: how bars return."""
    bars = _bars(roll)
    values = (*(_similarity(bars[:-lag], bars[lag:]) for lag in LAGS), repeated_bars(roll))
    return {k: v for k, v in zip(STRUCTURE, values, strict=True) if v is not None}


def _bars(roll: PianoRoll) -> np.ndarray:
    """Note beginnings of the whole bars, bool, shape=(bars, 88 · frames a bar)."""
    length, starts = roll.bar_frames, roll.bar_starts
    ends = np.append(starts[1:], starts[-1] + length)
    starts, ends = starts[ends <= roll.frames, None], ends[ends <= roll.frames, None]
    frames = starts + np.arange(length)
    onset = roll.onset[:, np.minimum(frames, roll.frames - 1)] & (frames < ends)
    return onset.transpose(1, 0, 2).reshape(len(starts), -1)


def _similarity(earlier: np.ndarray, later: np.ndarray) -> float | None:
    beginnings = earlier.sum(1) + later.sum(1)
    if not beginnings.any():
        return None
    there = beginnings > 0
    return float(np.mean(2 * (earlier & later).sum(1)[there] / beginnings[there]))


def repeated_bars(roll: PianoRoll) -> float | None:
    """The share of its bars that repeat an earlier one; None if no bar has a note beginning."""
    contents = [bar.tobytes() for bar in _bars(roll) if bar.any()]
    return 1 - len(set(contents)) / len(contents) if contents else None


def describe_melody(roll: PianoRoll) -> dict[str, float]:
    """Those figures of `MELODY` that a roll has: how its outer lines move, how bars differ."""
    moves = [_moves(roll, line) for line in LINES]
    values = (*(value for pair in moves for value in pair), *_bar_spreads(roll))
    return {k: v for k, v in zip(MELODY, values, strict=True) if v is not None}


def line_moves(roll: PianoRoll, line: str) -> np.ndarray:
    """The moves of one of `LINES`, in semitones; those of the bottom line are upside down."""
    if line == "bottom":
        roll = PianoRoll(roll.onset[::-1], roll.sustain[::-1], roll.velocity[::-1])
    moves = np.diff(top_line(roll).arrays()[0])
    return moves[moves != 0]


def _moves(roll: PianoRoll, line: str) -> tuple[float | None, float | None]:
    """Steps and reversals of a line; None where it has no two moves."""
    moves = line_moves(roll, line)
    if len(moves) < 2:
        return None, None
    turned = np.sign(moves[1:]) != np.sign(moves[:-1])
    return float(np.mean(np.abs(moves) <= 2)), float(np.mean(turned))


def _bar_spreads(roll: PianoRoll) -> tuple[float | None, float | None]:
    bars = _bars(roll).reshape(-1, len(roll.onset), roll.bar_frames)
    notes = bars.sum((1, 2))
    if not notes.any():
        return None, None
    there = notes > 0
    mean_pitch = (bars.sum(2) @ np.arange(len(roll.onset)))[there] / notes[there]
    return float(mean_pitch.std()), float(notes.std() / notes.mean())


def mean_description(rolls: Sequence[PianoRoll]) -> dict[str, float]:
    """Mean of each figure over the rolls that have it; without any it is left out."""
    rows = [describe(roll) for roll in rolls]
    columns = {name: [row[name] for row in rows if name in row] for name in NAMES}
    return {name: float(np.mean(values)) for name, values in columns.items() if values}
