"""The baseline's numbering and sequence operations, by hand and by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rolls

from prism.amt import events, vocabulary
from prism.amt.events import events_roll, roll_events
from prism.amt.vocabulary import TokenTable
from prism.music.roll import DEFAULT_VELOCITY, Note, PianoRoll

# Published numbering: time + 0, duration + 10,000, note + 11,000; controls 27,513 higher.
MIDDLE_C = 11_060


def test_the_published_numbers():
    assert vocabulary.VOCABULARY_SIZE == 55_028
    assert (vocabulary.REST, vocabulary.CONTROL_OFFSET) == (27_512, 27_513)
    assert (vocabulary.SEPARATOR, vocabulary.AUTOREGRESS, vocabulary.ANTICIPATE) == (
        55_025,
        55_026,
        55_027,
    )
    assert vocabulary.CONTEXT == 1024
    assert np.array_equal(TokenTable().tokens, np.arange(55_028))


def test_notes_by_hand():
    # Middle C at 0.5 s for 0.25 s, and the E above it, given out of order.
    made = events.make_events(np.array([50, 0]), np.array([25, 99.5]), np.array([60, 64]))
    assert made.tolist() == [[0, 10_100, 11_064], [50, 10_025, 11_060]]
    # The same on instrument 2, as a published checkpoint may write it.
    assert [a.tolist() for a in events.read_events(made + [0, 0, 256])] == [
        [0, 50],
        [100, 25],
        [64, 60],
    ]


def test_durations_are_kept_in_range():
    made = events.make_events(np.array([0, 0]), np.array([0.2, 5000]), np.array([60, 61]))
    assert made[:, 1].tolist() == [10_001, 10_999]


def test_rests_by_hand():
    notes = events.make_events(np.array([0, 250]), np.array([10, 10]), np.array([60, 62]))
    padded = events.with_rests(notes, end=360)
    assert padded.tolist() == [
        [0, 10_010, 11_060],
        [100, 10_000, 27_512],
        [200, 10_000, 27_512],
        [250, 10_010, 11_062],
        [350, 10_000, 27_512],
    ]
    assert len(events.with_rests(events.no_events(), 300)) == 2
    assert len(events.with_rests(events.no_events())) == 0


def test_anticipation_by_hand():
    # Events each second; a control at 7 s follows the first event at 2 s or later.
    clock = np.arange(0, 1000, 100)
    notes = events.make_events(clock, np.full(10, 50), np.full(10, 60))
    controls = events.as_controls(
        events.make_events(np.array([300, 700, 1600]), np.full(3, 50), np.full(3, 72))
    )
    sequence, waiting = events.anticipated(notes, controls)
    kinds = "".join("c" if c else "e" for c in events.is_control(sequence))
    assert kinds == "ceeeceeeeeee"
    assert sequence[4].tolist() == [27_513 + 700, 37_563, 38_585]
    assert events.times(waiting).tolist() == [1600]


def test_taking_apart_and_reading_skip_rests_and_separators():
    notes = events.make_events(np.array([0, 150]), np.array([10, 20]), np.array([60, 62]))
    sequence, _ = events.anticipated(events.with_rests(notes), events.as_controls(notes[:1]))
    control = events.is_control(sequence)
    assert np.array_equal(sequence[~control], events.with_rests(notes))
    assert np.array_equal(sequence[control], events.as_controls(notes[:1]))
    closed = np.concatenate([sequence, np.full((1, 3), vocabulary.SEPARATOR)])
    start, duration, pitch = events.read_events(closed)
    assert start.tolist() == [0, 0, 150]
    assert duration.tolist() == [10, 10, 20] and pitch.tolist() == [60, 60, 62]


@given(rolls(), st.sampled_from([10, 12.5, 7]))
def test_a_roll_survives_as_events(roll, step):
    """Exact where no note is longer than 9.99 s; velocities are not told."""
    back = events_roll(
        roll_events(roll, step), step, tempo=roll.tempo, time_signature=roll.time_signature
    )
    assert np.array_equal(back.onset, roll.onset)
    assert np.array_equal(back.sustain, roll.sustain)
    assert set(np.unique(back.velocity)) <= {0, DEFAULT_VELOCITY}


def test_a_note_too_long_to_tell_is_cut_to_whole_frames():
    roll = PianoRoll.from_notes([Note(60, 0, 40.0)])
    assert roll_events(roll, 10).tolist() == [[0, 10_990, MIDDLE_C]]
    assert roll_events(roll, 12.5).tolist() == [[0, 10_988, MIDDLE_C]]  # 79 frames are 987.5


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 999), st.integers(0, 127))))
def test_notes_survive_as_tokens(notes):
    columns = [np.array(c, np.int64) for c in zip(*notes, strict=True)] or [np.empty(0)] * 3
    read = events.read_events(events.with_rests(events.make_events(*columns)))
    assert sorted(zip(*(c.tolist() for c in read), strict=True)) == sorted(notes)


@given(st.data())
def test_anticipation_loses_and_adds_nothing(data):
    count = data.draw(st.integers(0, 40))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    notes = events.make_events(
        random.integers(0, 3000, count), random.integers(1, 99, count), random.integers(0, 9, count)
    )
    mine = random.random(count) < 0.4
    free = events.with_rests(notes[~mine], 3000)
    sequence, waiting = events.anticipated(free, events.as_controls(notes[mine]))
    control = events.is_control(sequence)
    assert np.array_equal(sequence[~control], free)
    controls = np.concatenate([sequence[control], waiting])
    assert np.array_equal(controls, events.as_controls(notes[mine]))
    assert not len(waiting)  # rests reach to the end, so no control is left over


def test_a_sliced_table_keeps_the_published_numbers():
    table = TokenTable(time_step=10, lowest_pitch=21, highest_pitch=108, instruments=1)
    # Times and durations by tens, 88 notes, twice; the rest; three special tokens.
    assert len(table.tokens) == 2 * (1000 + 100 + 88) + 1 + 3
    tokens = np.array([0, 9_990, 10_040, MIDDLE_C, vocabulary.REST, 27_513, vocabulary.ANTICIPATE])
    assert np.array_equal(table.tokens[table.rows(tokens)], tokens)
    notes = table.row_range(vocabulary.NOTE_OFFSET, vocabulary.REST - 1)
    assert table.tokens[notes].tolist() == list(range(11_021, 11_109))
    with pytest.raises(ValueError, match="no row for token 5"):
        table.rows(np.array([0, 5]))
