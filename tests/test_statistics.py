"""Roll statistics against hand-worked values."""

import numpy as np
import pytest

from prism.music.roll import Note, PianoRoll
from prism.music.statistics import (
    describe_melody,
    describe_notes,
    describe_structure,
    mean_description,
)


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


def test_melody_by_hand():
    """Top line C5 D5 D5 G5 F5: moves +2 +5 −2, so two of three steps and one turn in two."""
    top = [Note(pitch, beat, 1) for beat, pitch in enumerate((72, 74, 74, 79, 77))]
    bottom = [Note(pitch, beat, 1) for beat, pitch in enumerate((48, 43, 48))]
    roll = PianoRoll.from_notes([*top, *bottom], frames=64, time_signature=(4, 4))
    figures = describe_melody(roll)
    assert figures["top_steps"] == pytest.approx(2 / 3)
    assert figures["top_reversals"] == pytest.approx(1 / 2)
    # Where the bass is silent the tune is the bottom line: 48 43 48 79 77.
    assert figures["bottom_steps"] == pytest.approx(1 / 4)
    assert figures["bottom_reversals"] == pytest.approx(2 / 3)
    # Bars of 7, 1, 0 and 0 notes, in the first on average 62.57 high, in the second 77.
    first = np.mean([72, 74, 74, 79, 48, 43, 48])
    assert figures["bar_pitch_spread"] == pytest.approx(abs(77 - first) / 2)
    assert figures["bar_note_spread"] == pytest.approx(np.std([7, 1, 0, 0]) / 2)


def test_a_silent_roll_and_one_note_have_no_line():
    assert describe_melody(PianoRoll.empty()) == {}
    alone = PianoRoll.from_notes([Note(60, 0, 1)])
    assert set(describe_melody(alone)) == {"bar_pitch_spread", "bar_note_spread"}
