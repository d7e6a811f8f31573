"""Roll statistics against hand-worked values."""

import pytest

from prism.music import Note, PianoRoll
from prism.statistics import describe, mean_description


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
