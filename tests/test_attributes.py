"""Attributes: the rules by hand, their invariance, what a wrong request is told."""

import numpy as np
import pytest

from prism.music.attributes import (
    ATTRIBUTES,
    METRE,
    attribute_indices,
    key_index,
    normalising_shift,
)
from prism.music.roll import Note, PianoRoll

C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 60)
A_MINOR = (57, 59, 60, 62, 64, 65, 68, 69, 64, 60, 57, 57)


def line(pitches, beats=1.0, velocity=80) -> PianoRoll:
    notes = [Note(p, i * beats, beats, velocity) for i, p in enumerate(pitches)]
    return PianoRoll.from_notes(notes, 256)


def measured(name: str, roll: PianoRoll) -> str | None:
    return ATTRIBUTES[name].measure(roll)


@pytest.mark.parametrize("up, name", [(0, "C"), (1, "D♭"), (3, "E♭"), (6, "F♯"), (11, "B")])
def test_the_key_moves_with_the_notes(up, name):
    assert measured("key", line([p + up for p in C_MAJOR])) == f"{name} major"
    minor = ["C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"]
    tonic = minor[(minor.index("A") + up) % 12]
    assert measured("key", line([p + up for p in A_MINOR])) == f"{tonic} minor"


@pytest.mark.parametrize("tune", [C_MAJOR, A_MINOR])
@pytest.mark.parametrize("up", range(12))
def test_normalised_music_has_no_sharps_or_flats(tune, up):
    moved = line([p + up for p in tune])
    shift = normalising_shift(key_index(moved))
    assert shift == (-up + 6) % 12 - 6  # the nearest way; a tritone goes down
    assert key_index(moved.transposed(shift)) == key_index(line(tune))


def test_transposed_off_the_keyboard_a_note_is_dropped():
    roll = PianoRoll.from_notes([Note(60, 0, 1), Note(107, 0, 1)], 8, tempo=90.0)
    assert roll.transposed(2) == PianoRoll.from_notes([Note(62, 0, 1)], 8, tempo=90.0)


def test_shifts_to_the_one_key_by_hand():
    names = ATTRIBUTES["key"].values
    wanted = {"C major": 0, "D major": -2, "F♯ major": -6, "G major": 5, "B major": 1}
    wanted |= {"A minor": 0, "C minor": -3, "E minor": 5, "E♭ minor": -6, "B minor": -2}
    assert {name: normalising_shift(names.index(name)) for name in wanted} == wanted
    assert normalising_shift(None) == normalising_shift(len(names)) == 0


@pytest.mark.parametrize(
    "a_beat, expected", [(1.5, "sparse"), (1.75, "medium"), (3.25, "medium"), (3.5, "dense")]
)
def test_density_counts_notes_a_beat(a_beat, expected):
    count = int(64 * a_beat)
    notes = [Note(40 + i // 64, i % 64, 0.25) for i in range(count)]
    assert measured("density", PianoRoll.from_notes(notes, 256)) == expected


@pytest.mark.parametrize(
    "pitch, expected", [(62, "low"), (63, "middle"), (70, "middle"), (71, "high")]
)
def test_register_is_the_mean_pitch(pitch, expected):
    assert measured("register", line([pitch - 5, pitch + 5])) == expected


def test_character_by_points():
    """Loud alone is one point; loud and wide are two; a quiet narrow line has none."""
    narrow, wide = [60, 64, 67] * 10, [30, 90] * 15
    assert measured("character", line(narrow)) == "soft"
    assert measured("character", line(narrow, velocity=85)) == "moderate"
    assert measured("character", line(wide)) == "moderate"
    assert measured("character", line(wide, velocity=85)) == "dramatic"
    assert measured("character", line([50, 71] * 10)) == "moderate"  # 21 semitones: not soft


@pytest.mark.parametrize(
    "returns, expected", [(0, "none"), (1, "little"), (3, "little"), (4, "some"), (7, "much")]
)
def test_repetition_counts_the_bars_that_return(returns, expected):
    """Of 16 bars, a whole note each, the last ones are the first one again."""
    pitches = [*range(40, 56 - returns), *[40] * returns]
    assert measured("repetition", line(pitches, beats=4)) == expected


def test_silence_has_no_attributes():
    nulls = [len(attribute.values) for attribute in ATTRIBUTES.values()]
    assert attribute_indices(PianoRoll.empty(256), ATTRIBUTES).tolist() == nulls
    everything = PianoRoll.from_notes([Note(p, 0, 1) for p in range(60, 72)], 256)
    assert measured("key", everything) is None
    assert np.array_equal(attribute_indices(everything, ["register"]), [1])


def test_no_metre_is_heard_in_silence_or_in_an_even_pulse():
    assert METRE.measure(PianoRoll.empty(256)) is None
    pulse = PianoRoll.from_notes([Note(60, k / 4, 0.25) for k in range(256)], 256)
    assert METRE.measure(pulse) is None
