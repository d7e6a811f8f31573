import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rolls

from prism.music.roll import (
    FRAMES,
    KEYS,
    TICKS_PER_FRAME,
    Note,
    PianoRoll,
    Piece,
    orphans,
    top_line,
    without_overlaps,
)


def piece(*notes):
    """A piece of (start, duration, pitch, velocity) in ticks."""
    columns = np.array(notes, np.int32).reshape(-1, 4)
    return Piece("id", "title", "label", "source", "terms", columns, np.zeros(0, np.int32))


def cells(shape=(KEYS, 8), **values):
    """Probabilities that are 0 but in row 0, where `values` gives frame → value."""
    array = np.zeros(shape)
    for frame, value in values.items():
        array[0, int(frame[1:])] = value
    return array


def test_note_end():
    assert Note(60, 1.5, 0.25).end == 1.75


def test_notes_land_in_hand_worked_cells():
    roll = PianoRoll.from_notes([Note(60, 0.5, 0.75, 90), Note(21, 0, 0.25, 1)], frames=8)
    assert np.argwhere(roll.onset).tolist() == [[0, 0], [39, 2]]
    assert np.argwhere(roll.sustain).tolist() == [[39, 3], [39, 4]]
    assert roll.velocity[39].tolist() == [0, 0, 90, 0, 0, 0, 0, 0]
    assert roll.active[39].tolist() == [False, False, True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("start", "duration", "frames"),
    [
        (0.12, 0.25, (0, 1)),  # 0.48 and 1.48 frames
        (0.125, 0.25, (1, 2)),  # 0.5 and 1.5: halves up
        (1.0, 0.01, (4, 5)),  # at least one frame
        (1.9, 9.0, (8, 10)),  # clipped at the end
    ],
)
def test_times_round_to_the_nearest_frame(start, duration, frames):
    _, begin, end, _ = PianoRoll.from_notes([Note(60, start, duration)], frames=10).arrays()
    assert (begin[0], end[0]) == frames


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        # a later onset cuts the earlier note
        ([(60, 0, 6, 50), (60, 2, 3, 60)], [(60, 0, 2, 50), (60, 2, 3, 60)]),
        # of two that begin together the longer stays, in either order
        ([(60, 0, 6, 50), (60, 0, 3, 60)], [(60, 0, 6, 50)]),
        ([(60, 0, 3, 60), (60, 0, 6, 50)], [(60, 0, 6, 50)]),
        # of two equally long, the louder
        ([(60, 0, 3, 60), (60, 0, 3, 90)], [(60, 0, 3, 90)]),
        # touching notes and other pitches are left alone
        ([(60, 0, 2, 50), (60, 2, 4, 50)], [(60, 0, 2, 50), (60, 2, 4, 50)]),
        ([(60, 0, 6, 50), (61, 2, 4, 50)], [(60, 0, 6, 50), (61, 2, 4, 50)]),
        # what lies outside is dropped, and cuts nothing
        ([(20, 0, 2, 50), (109, 0, 2, 50), (60, 8, 9, 50), (60, -1, 4, 50)], []),
    ],
)
def test_overlap_rule(notes, expected):
    roll = PianoRoll.from_arrays(*np.array(notes).T, frames=8)
    assert [tuple(map(int, note)) for note in zip(*roll.arrays(), strict=True)] == expected


def test_without_overlaps_takes_nothing():
    nothing = np.zeros(0, np.int64)
    assert [len(column) for column in without_overlaps(*[nothing] * 4)] == [0, 0, 0, 0]


@given(rolls())
@settings(deadline=None, max_examples=60)
def test_roll_to_notes_to_roll_is_exact(roll):
    properties = {"tempo": roll.tempo, "time_signature": roll.time_signature}
    assert PianoRoll.from_notes(roll.notes(), **properties) == roll
    assert PianoRoll.from_arrays(*roll.arrays(), **properties) == roll


@given(rolls(frames=40))
@settings(deadline=None, max_examples=60)
def test_confident_probabilities_give_the_roll_back(roll):
    properties = {"tempo": roll.tempo, "time_signature": roll.time_signature}
    onset, sustain = roll.onset * 0.9, roll.sustain * 0.9
    decoded = PianoRoll.from_probabilities(onset, sustain, roll.velocity / 127, **properties)
    assert decoded == roll


def test_window_clips_and_strikes_held_notes():
    music = piece((0, 60, 60, 50), (30, 12, 64, 60), (48, 6, 67, 70))
    roll = music.window(start_tick=24, frames=4)
    # 24 ticks are 4 frames: C is held over 6 frames, E begins at 1, G begins at the far edge.
    assert roll.notes() == [Note(60, 0, 1.0, 50), Note(64, 0.25, 0.5, 60)]
    assert music.ticks == 60
    assert piece().ticks == 0
    assert piece().window() == PianoRoll.empty()


def test_window_does_not_strike_a_note_let_go_before_it():
    # It ends 2 ticks into the window, which is frame 0: nothing of it is left.
    assert piece((0, 26, 60, 50)).window(start_tick=24).notes() == []
    # It begins 2 ticks early, which is frame 0 as well.
    assert piece((22, 8, 60, 50)).window(start_tick=24).notes() == [Note(60, 0, 0.25, 50)]


def test_window_does_not_strike_a_note_cut_before_it():
    music = piece((0, 48, 60, 50), (6, 6, 60, 60))
    assert music.window(start_tick=24).notes() == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 150), st.integers(1, 90), st.integers(60, 62), st.integers(1, 127)
        ),
        max_size=12,
    ),
    st.integers(0, 20),
)
@settings(deadline=None, max_examples=100)
def test_window_is_a_slice_of_the_whole(notes, first):
    whole = piece(*notes).window(frames=48)
    window = piece(*notes).window(start_tick=first * TICKS_PER_FRAME, frames=20)
    there = slice(first, first + 20)
    assert np.array_equal(window.active, whole.active[:, there])
    assert np.array_equal(window.onset[:, 1:], whole.onset[:, there][:, 1:])
    assert np.array_equal(window.onset[:, 0], whole.active[:, first])


def test_orphans_are_the_first_cells_of_runs_without_onset():
    onset = cells(f1=1) > 0
    sustain = cells(f2=1, f3=1, f5=1, f6=1) > 0
    assert np.argwhere(orphans(onset, sustain)).tolist() == [[0, 5]]


def test_orphan_runs_become_notes_or_vanish():
    onset = cells(f1=0.9, f5=0.4, f7=0.5)
    #  frame 0 alone: dropped; 2 after an onset: held; 4 and 5: a note with a weak attack;
    #  7 counts as onset, at the threshold, though it is held as well
    sustain = cells(f0=0.8, f2=0.7, f4=0.6, f5=0.6, f7=0.9)
    velocity = cells(f1=0.5, f4=0.25, f7=0.001)
    roll = PianoRoll.from_probabilities(onset, sustain, velocity, tempo=90.0)
    assert roll.notes() == [
        Note(21, 0.25, 0.5, 64),  # rint(63.5), half to even
        Note(21, 1.0, 0.5, 32),  # rint(31.75)
        Note(21, 1.75, 0.25, 1),  # rounds to 0, which is no loudness
    ]
    assert roll.tempo == 90.0


def test_one_held_frame_before_an_onset_is_no_attack():
    roll = PianoRoll.from_probabilities(cells(f4=1.0), cells(f3=0.9, f5=0.9), cells(f4=1.0))
    assert roll.notes() == [Note(21, 1.0, 0.5, 127)]


def test_higher_threshold_drops_more():
    onset = cells(f1=0.6)
    assert PianoRoll.from_probabilities(onset, onset * 0, onset, threshold=0.7).notes() == []


def test_lengths():
    roll = PianoRoll.empty(tempo=120.0, time_signature=(6, 8))
    assert (roll.frames, roll.beats, roll.seconds, roll.bar_frames) == (FRAMES, 64, 32, 12)
    assert PianoRoll.empty(time_signature=(1, 64)).bar_frames == 1
    assert roll.with_tempo(60).seconds == 64
    assert roll.with_tempo(60) != roll
    assert roll != "roll"


@pytest.mark.parametrize(
    "note", [Note(60, 0, 1, 0), Note(60, 0, 1, 128), Note(60, -1, 1), Note(60, 0, 0)]
)
def test_impossible_notes_are_refused(note):
    with pytest.raises(ValueError, match="notes: expected"):
        PianoRoll.from_notes([note])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset": np.zeros((87, 8), bool)}, "onset: expected shape"),
        ({"sustain": np.zeros((KEYS, 9), bool)}, "one shape for all three"),
        ({"tempo": 0.0}, "tempo: expected more than 0"),
        ({"tempo": float("nan")}, "tempo: expected more than 0"),
        ({"sustain": cells(f3=1) > 0}, "sustain: every held frame"),
        ({"onset": cells(f3=1) > 0}, "velocity: expected 1 to 127"),
        ({"velocity": cells(f3=60).astype(np.uint8)}, "velocity: expected 1 to 127"),
    ],
)
def test_inconsistent_rolls_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PianoRoll.empty(8), **changes)


def test_the_top_line_by_hand():
    notes = [
        Note(60, 0, 4),
        Note(72, 0, 1),  # the higher of two struck together
        Note(74, 1, 2),
        Note(71, 2, 1),  # 71 is struck under a held 74
        Note(65, 3, 1),
        Note(64, 4, 1),  # once 74 is let go, 65 leads, then 64 alone
    ]
    line = top_line(PianoRoll.from_notes(notes, 32, tempo=77.0))
    assert [(n.pitch, n.start, n.duration) for n in line.notes()] == [
        (72, 0, 1),
        (74, 1, 2),
        (65, 3, 1),
        (64, 4, 1),
    ]
    assert line.tempo == 77 and not top_line(PianoRoll.empty()).onset.any()


def test_a_transposed_roll_by_hand():
    notes = [Note(21, 0, 1, 50), Note(60, 0.5, 2, 60), Note(107, 1, 0.25, 70)]
    roll = PianoRoll.from_notes(notes, 16, tempo=90, time_signature=(3, 4))
    up, down = roll.transposed(2), roll.transposed(-1)
    assert up.notes() == [Note(23, 0, 1, 50), Note(62, 0.5, 2, 60)]  # 109 is off the keyboard
    assert down.notes() == [Note(59, 0.5, 2, 60), Note(106, 1, 0.25, 70)]
    assert all((r.tempo, r.time_signature, r.frames) == (90, (3, 4), 16) for r in (up, down))


@given(rolls(), st.integers(-12, 12))
def test_a_roll_moved_there_and_back_is_itself_away_from_the_edges(roll, semitones):
    pitch, *others = roll.arrays()
    inside = (pitch >= 33) & (pitch <= 96)
    properties = {"tempo": roll.tempo, "time_signature": roll.time_signature}
    middle = PianoRoll.from_arrays(
        pitch[inside], *(array[inside] for array in others), roll.frames, **properties
    )
    assert middle.transposed(semitones).transposed(-semitones) == middle
    assert middle.transposed(0) == middle
