"""Roll statistics against hand-worked values."""

import pytest

from prism.music.roll import Note, PianoRoll
from prism.music.statistics import describe_notes, describe_structure, mean_description


def test_by_hand():
    # C major chord for one beat, then a sixteenth C sharp off the beat; four beats long.
    notes = [Note(60, 0, 1), Note(64, 0, 1), Note(67, 0, 1), Note(61, 1.25, 0.25)]
    figures = describe_notes(PianoRoll.from_notes(notes, frames=16))
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


def test_bars_that_return_by_hand():
    # Bars of 4 beats: two notes; the same; one of them and another; nothing; the first again.
    bars = [(60, 64), (60, 64), (60, 65), (), (60, 64)]
    notes = [Note(p, 4 * k, 1) for k, pitches in enumerate(bars) for p in pitches]
    roll = PianoRoll.from_notes(notes, frames=80, time_signature=(4, 4))
    assert describe_structure(roll) == {
        "bar_similarity_lag_1": pytest.approx((1 + 1 / 2 + 0 + 0) / 4),
        "bar_similarity_lag_2": pytest.approx((1 / 2 + 0 + 1 / 2) / 3),
        "bar_similarity_lag_4": 1,
        "repeated_bars": 2 / 4,
    }


def test_a_bar_is_as_long_as_the_metre_says():
    notes = [Note(60, 1.5 * k, 0.5) for k in range(4)]
    roll = PianoRoll.from_notes(notes, frames=24, time_signature=(3, 8))
    assert describe_structure(roll)["bar_similarity_lag_1"] == 1
    other = PianoRoll.from_notes(notes, frames=24, time_signature=(2, 4))
    assert describe_structure(other)["bar_similarity_lag_1"] == 0


def test_silence():
    figures = describe_notes(PianoRoll.empty())
    assert figures.pop("empty_frames") == 1 and not any(figures.values())
    assert describe_structure(PianoRoll.empty()) == {}


def test_mean():
    rolls = [PianoRoll.empty(), PianoRoll.from_notes([Note(60, 0, 64)])]
    figures = mean_description(rolls)
    assert figures["empty_frames"] == 0.5
    assert figures["repeated_bars"] == 0  # of the roll that has a bar to speak of
    assert mean_description([]) == {}
