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
silence
    An empty roll has 0 everywhere except ``empty_frames``, which is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prism.music import FRAMES_PER_BEAT, PianoRoll

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_SCALES = np.array([[(pc - tonic) % 12 in _MAJOR for pc in range(12)] for tonic in range(12)])
NAMES = (
    "notes",
    "polyphony",
    "on_beat",
    "scale_consistency",
    "pitch_class_entropy",
    "note_length",
    "empty_frames",
    "one_frame_notes",
)


def describe(roll: PianoRoll) -> dict[str, float]:
    """All figures of `NAMES` for one roll; `note_length` is in beats."""
    pitch, start, end, _ = roll.arrays()
    if not len(pitch):
        return dict.fromkeys(NAMES, 0.0) | {"empty_frames": 1.0}
    sounding = roll.active.sum(0)
    length = end - start
    classes = np.bincount(pitch % 12, minlength=12) / len(pitch)
    used = classes[classes > 0]
    values = (
        len(pitch),
        sounding[sounding > 0].mean(),
        np.mean(start % FRAMES_PER_BEAT == 0),
        (_SCALES @ classes).max(),
        -(used * np.log2(used)).sum(),
        length.mean() / FRAMES_PER_BEAT,
        np.mean(sounding == 0),
        np.mean(length == 1),
    )
    return {name: float(value) for name, value in zip(NAMES, values, strict=True)}


def mean_description(rolls: Sequence[PianoRoll]) -> dict[str, float]:
    """Mean of each figure over rolls; empty input gives an empty dict."""
    rows = [describe(roll) for roll in rolls]
    return {name: float(np.mean([row[name] for row in rows])) for name in NAMES} if rows else {}
