"""Velocities for playing: worked out by hand, the same notes, and hands off real dynamics."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rolls

from prism.music.performance import LARGEST_CHANGE, SHAPED, shaped, shaping_words
from prism.music.roll import Note, PianoRoll


def velocities(notes, **properties):
    return [n.velocity for n in shaped(PianoRoll.from_notes(notes, **properties)).notes()]


def test_a_bar_of_four():
    # 80, the metre's 8, 2, 4, −4, 8, and the phrase's −5 + 10 sin(π · frame / 64).
    notes = [Note(60, 0, 1), Note(60, 1, 1), Note(60, 2, 1), Note(60, 3.5, 0.5), Note(60, 4, 1)]
    expected = [83, 79, 83, 77, 90]
    assert velocities(notes) == expected


def test_the_melody_stands_above_what_goes_with_it():
    low, high = velocities([Note(48, 0, 4), Note(72, 0, 4)])
    assert (low, high) == (76, 83)


def test_six_eight_has_two_beats():
    # Frames 0, 2, 6 (the second beat, half of the bar) of a phrase of 48.
    notes = [Note(60, 0, 0.5), Note(60, 0.5, 0.5), Note(60, 1.5, 0.5)]
    assert velocities(notes, time_signature=(6, 8)) == [83, 72, 83]


def test_real_dynamics_are_left_alone():
    roll = PianoRoll.from_notes([Note(60, b, 1, 40 + b) for b in range(64)])
    assert shaping_words(roll) == "" and shaped(roll) is roll


def test_the_noise_of_a_model_is_no_dynamics():
    noise = np.random.default_rng(0).integers(77, 84, 64)
    roll = PianoRoll.from_notes([Note(60, b, 1, int(v)) for b, v in enumerate(noise)])
    even = PianoRoll.from_notes([Note(60, b, 1, 80) for b in range(64)])
    assert shaping_words(roll) == SHAPED
    assert shaped(roll).notes() == shaped(even).notes()


def test_silence_stays_silence():
    silence = PianoRoll.empty()
    assert shaping_words(silence) == "" and shaped(silence) is silence


@settings(max_examples=40, deadline=None)
@given(rolls(), st.sampled_from([1, 64, 127]))
def test_the_notes_are_the_same_and_the_change_is_bounded(roll, velocity):
    even = np.where(roll.onset, velocity, 0).astype(np.uint8)
    played = shaped(dataclasses.replace(roll, velocity=even))
    assert [n[:3] for n in played.notes()] == [n[:3] for n in roll.notes()]
    change = played.velocity[roll.onset].astype(int) - velocity
    assert (np.abs(change) <= LARGEST_CHANGE).all()


def test_music_without_dynamics_is_shaped_and_other_music_is_not(bundled):
    by = {label: bundled.select("test", [label]) for label in ("Bach", "Irish reels", "Beethoven")}
    assert all(shaping_words(p.window()) for label in ("Bach", "Irish reels") for p in by[label])
    assert not all(shaping_words(piece.window()) for piece in by["Beethoven"])
