import numpy as np
import pytest
from hypothesis import given, settings
from strategies import rolls

from prism.music.midipic import SHAPE, from_picture, to_picture
from prism.music.roll import Note, PianoRoll


def f1(truth, found):
    """Harmonic mean of precision and recall of two sets."""
    return 2 * len(truth & found) / (len(truth) + len(found))


def scores(truth, found):
    """F1 of (pitch, onset) and of (pitch, onset, offset)."""
    columns = [list(zip(*roll.arrays()[:3], strict=True)) for roll in (truth, found)]
    onsets = [{note[:2] for note in notes} for notes in columns]
    return f1(*onsets), f1(*map(set, columns))


def noisy(picture, deviation, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def played(seed, count=300):
    """A roll like piano music: chords, runs, repeated notes without a gap."""
    random = np.random.default_rng(seed)
    start = random.integers(0, 128, count) * 2
    length = random.choice([1, 2, 2, 4, 8], count)
    pitch = np.clip(np.rint(random.normal(62, 8, count)), 21, 108)
    return PianoRoll.from_arrays(pitch, start, start + length, random.integers(40, 110, count))


def test_colours_of_a_note():
    picture = to_picture(PianoRoll.from_notes([Note(60, 1.0, 0.75, 80)]))
    expected = np.zeros(SHAPE, np.uint8)
    expected[98:100, 4:7] = (191, 127, 160)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, expected)


@pytest.mark.parametrize(("pitch", "row"), [(108, 2), (107, 4), (21, 176)])
def test_rows_of_a_pitch(pitch, row):
    picture = to_picture(PianoRoll.from_notes([Note(pitch, 0, 64.0)]))
    assert np.flatnonzero(picture.any(axis=(1, 2))).tolist() == [row, row + 1]


def test_repeated_notes_alternate_backwards_from_the_last():
    notes = [Note(60, beat, 1.0, 80) for beat in range(3)] + [Note(60, 4.0, 1.0, 80)]
    picture = to_picture(PianoRoll.from_notes(notes))
    assert picture[98, ::4, 0][:6].tolist() == [191, 127, 191, 0, 191, 0]


@given(rolls())
@settings(deadline=None, max_examples=60)
def test_round_trips_are_exact(roll):
    picture = to_picture(roll)
    back = from_picture(picture)
    assert back.notes() == roll.notes()
    assert np.array_equal(to_picture(back), picture)


@pytest.mark.parametrize("seed", range(5))
def test_notes_survive_noise(seed):
    roll = played(seed)
    onsets, offsets = scores(roll, from_picture(noisy(to_picture(roll), 8, seed)))
    assert onsets >= 0.99
    assert offsets >= 0.98


def test_velocity_survives_noise():
    roll = played(0)
    found = from_picture(noisy(to_picture(roll), 8))
    both = roll.onset & found.onset
    error = np.abs(roll.velocity[both].astype(int) - found.velocity[both])
    assert error.mean() < 3


@pytest.mark.parametrize("deviation", [0, 2, 8])
def test_silence_stays_silent(deviation):
    assert from_picture(noisy(to_picture(PianoRoll.empty()), deviation)) == PianoRoll.empty()


def test_a_change_of_any_channel_begins_a_note():
    picture = np.zeros(SHAPE, np.uint8)
    colours = [(191, 127, 160), (150, 127, 160), (150, 90, 160), (150, 90, 80)]
    picture[98:100, :8] = np.repeat(colours, 2, axis=0)
    roll = from_picture(picture)
    assert [(note.start, note.duration) for note in roll.notes()] == [
        (0, 0.5),
        (0.5, 0.5),
        (1, 0.5),
        (1.5, 0.5),
    ]
    assert roll.notes()[-1].velocity == 40


def test_pedal_is_not_a_note():
    picture = np.zeros(SHAPE, np.uint8)
    picture[176:, 8:40] = (191, 127, 255)
    assert from_picture(picture).notes() == []
    assert from_picture(noisy(picture, 8)).notes() == []


def test_lowest_key_is_read_before_the_pedal():
    picture = np.zeros(SHAPE, np.uint8)
    picture[176:, 8:40] = (191, 127, 255)
    picture[176:178, 12:16] = (191, 127, 120)
    assert from_picture(picture).notes() == [Note(21, 3.0, 1.0, 60)]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((256, 256), np.uint8),
        np.zeros((128, 256, 3), np.uint8),
        np.zeros((256, 256, 4), np.uint8),
        np.zeros(SHAPE, np.float32),
        np.zeros(SHAPE, np.int64),
        [[0]],
    ],
)
def test_other_arrays_are_refused(picture):
    with pytest.raises(ValueError, match=r"picture: expected uint8 of shape \(256, 256, 3\), got"):
        from_picture(picture)


def test_rolls_of_another_length_are_refused():
    with pytest.raises(ValueError, match="roll: expected 256 frames, one a column, got 128"):
        to_picture(PianoRoll.empty(128))
