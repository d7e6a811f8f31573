"""Roll statistics against hand-worked values."""

import numpy as np
import pytest

from prism.music import Note, PianoRoll
from prism.statistics import describe, mean_description, nearest_overlap


def test_by_hand():
    # C major chord for one beat, then a sixteenth C sharp off the beat; four beats long.
    notes = [Note(60, 0, 1), Note(64, 0, 1), Note(67, 0, 1), Note(61, 1.25, 0.25)]
    figures = describe(PianoRoll.from_notes(notes, frames=16))
    assert figures == {
        "notes": 4,
        "polyphony": pytest.approx((3 * 4 + 1) / 5),
        "on_beat": 0.75,
        "scale_consistency": 0.75,
        "pitch_class_entropy": 2.0,
        "note_length": pytest.approx(3.25 / 4),
        "empty_frames": pytest.approx(11 / 16),
        "one_frame_notes": 0.25,
    }


def test_silence():
    figures = describe(PianoRoll.empty())
    assert figures.pop("empty_frames") == 1 and not any(figures.values())


def test_mean():
    rolls = [PianoRoll.empty(), PianoRoll.from_notes([Note(60, 0, 64)])]
    assert mean_description(rolls)["empty_frames"] == 0.5
    assert mean_description([]) == {}


def plane(notes: list[Note]) -> np.ndarray:
    return PianoRoll.from_notes(notes).onset.reshape(-1).astype(np.float32)


def test_nearest_window_is_found_under_transposition():
    tune = [Note(60 + i, i, 1) for i in range(8)]
    higher = [note._replace(pitch=note.pitch + 5) for note in tune]
    windows = np.stack([plane([Note(30, 3, 1)]), plane(higher)])
    assert nearest_overlap(PianoRoll.from_notes(tune), windows) == (1.0, 1)


def test_overlap_by_hand():
    roll = PianoRoll.from_notes([Note(60, 0, 1), Note(62, 1, 1), Note(64, 2, 1)])
    window = plane([Note(60, 0, 1), Note(62, 1, 1), Note(90, 3, 1), Note(20 + 5, 9, 1)])
    overlap, index = nearest_overlap(roll, window[None])
    assert overlap == pytest.approx(2 * 2 / (3 + 4)) and index == 0
