"""Form letters: bars that are alike by hand, plans there and back."""

import numpy as np
import pytest
from conftest import make_piece
from hypothesis import given
from hypothesis import strategies as st
from strategies import SIGNATURES, rolls

from prism.corpora.dataset import form_plans
from prism.corpora.prepared import Corpus
from prism.music.form import (
    LETTERS,
    bar_letters,
    form_letters,
    form_plan,
    plan_of,
    plan_repetition,
    planned_letters,
)
from prism.music.roll import FRAMES_PER_BEAT, TICKS_PER_BEAT, Note, PianoRoll
from prism.music.windows import regular_metre, windows_of

METRES = st.sampled_from([*SIGNATURES, (9, 8), (7, 8), (3, 16)]).map(regular_metre)


def lettered(bars, signature=(4, 4), skipped: int = 0) -> str:
    """The plan of bars given as onsets, each (pitch, beat in the bar).

    Parameters
    ----------
    bars : sequence of lists of (int, float)
        Its first is at the first bar line; a quarter of the music is as long as a bar.
    signature : (int, int)
        Of all bars.
    skipped : int
        Beats that are cut off at the front.
    """
    length = signature[0] * 4 / signature[1]
    notes = [Note(p, k * length + at, 0.25) for k, bar in enumerate(bars) for p, at in bar]
    onset = PianoRoll.from_notes(notes, round(len(bars) * length) * FRAMES_PER_BEAT).onset
    metre = regular_metre(signature, onset.shape[1])[skipped:]
    return plan_of(bar_letters(onset[:, skipped * FRAMES_PER_BEAT :], metre), metre)


def bar(*pitches: int) -> list[tuple[int, float]]:
    return [(pitch, k / 4) for k, pitch in enumerate(pitches)]


A, B = bar(60, 64, 67, 72), bar(62, 65, 69, 74)


def test_a_song_form_by_hand():
    assert lettered([A, A, B, A]) == "AABA"
    assert lettered([B, A, A, B]) == "ABBA"  # letters are in order of appearance
    assert lettered([A, bar(72, 67, 64, 60)]) == "AB"  # the same pitches at other places


def test_four_fifths_in_common_are_enough():
    same = [60, 61, 62, 63]
    assert lettered([bar(*same, 70), bar(*same, 71)]) == "AA"  # 8 of 10 onsets
    assert lettered([bar(*same, 70), bar(*same, 71, 72)]) == "AB"  # 8 of 11
    assert lettered([bar(*same), bar(*same, 71, 72)]) == "AA"  # 8 of 10 again, of unequal bars
    assert lettered([bar(*same[:3], 70), bar(*same[:3], 71)]) == "AB"  # 6 of 8


def test_a_bar_is_compared_with_the_first_of_its_letter():
    drift = [bar(*(60 + (n + 20 if n < k else n) for n in range(10))) for k in (0, 2, 4)]
    assert lettered(drift) == "AAB"  # the third is alike to the second, not to the first


def test_silent_bars_are_alike_and_unlike_any_other():
    assert lettered([A, [], B, []]) == "ABCB"
    assert lettered([[], [], []]) == "AAA"


def test_bars_cut_off_at_an_edge_have_no_letter():
    onset = PianoRoll.from_notes([Note(60, beat, 1) for beat in range(12)], 48).onset
    metre = regular_metre((4, 4), 48)
    assert bar_letters(onset[:, 8:-4], metre[2:-1]).tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert lettered([A, A, B], skipped=1) == "AB"  # what is left of the first is no bar


def test_one_beat_of_unknown_metre_leaves_all_without():
    onset = PianoRoll.from_notes([Note(60, 0, 1)], 64).onset
    metre = regular_metre((4, 4), 64)
    assert (bar_letters(onset, metre) == 1).any()
    metre[-1] = 0
    assert not bar_letters(onset, metre).any()


def test_bars_past_the_last_letter_have_none_and_those_alike_to_earlier_ones_still_do():
    different = [[(40 + k, 0.0)] for k in range(LETTERS + 2)]
    assert lettered([*different, different[3]]) == "ABCDEFGHIJKLMNOP--D"


def test_bars_of_different_lengths_are_never_alike():
    metre = np.array([[8, 0], [8, 4], [12, 0], [12, 4], [12, 8], [8, 0], [8, 4]])
    letters = bar_letters(np.zeros((88, 28), bool), metre)
    assert letters.tolist() == [1, 1, 2, 2, 2, 1, 1]
    assert plan_of(letters, metre) == "ABA"


def test_bars_that_begin_within_a_beat_have_a_letter_each():
    """In 9/8 every second bar does."""
    first, second = [(60, 0.0)], [(72, 1.0)]
    assert lettered([first, second, first, second], (9, 8)) == "ABAB"


@given(rolls(), METRES)
def test_letters_come_back_from_their_plan(roll, metre):
    letters = bar_letters(roll.onset, metre)
    assert letters.shape == (64,) and letters.min() >= 0 and letters.max() <= LETTERS
    assert np.array_equal(planned_letters(plan_of(letters, metre), metre), letters)


@given(st.text("-ABCP", max_size=16))
def test_plans_come_back_from_their_letters(plan):
    metre = regular_metre((4, 4))
    letters = planned_letters(plan, metre)
    assert plan_of(letters, metre) == plan.ljust(16, "-")


@given(rolls(), METRES, st.integers(-20, 20))
def test_letters_stay_when_the_music_is_moved(roll, metre, semitones):
    if roll.onset.any():
        pitch = roll.arrays()[0]
        semitones = max(21 - pitch.min(), min(108 - pitch.max(), semitones))
    moved = bar_letters(roll.transposed(int(semitones)).onset, metre)
    assert np.array_equal(moved, bar_letters(roll.onset, metre))


@pytest.mark.parametrize(
    "plan, share", [("", 0), ("--", 0), ("AABA", 0.5), ("ABCD", 0), ("-AA-", 0.5), ("AAAA", 0.75)]
)
def test_repetition_of_a_plan_by_hand(plan, share):
    assert plan_repetition(plan) == share


def test_plans_are_those_of_training_windows_that_keep_one_bar_length():
    """The piece is bars A A B A and so on, 80 beats; its window at beat 16 has an unknown end."""
    pitches = [60 if k % 4 != 2 else 72 for k in range(20)]
    bar = 4 * TICKS_PER_BEAT
    notes = [[k * bar, bar, pitch, 80] for k, pitch in enumerate(pitches)]
    piece = make_piece("a", beats=80, notes=np.array(notes, np.int32))
    other = make_piece("b", "Bob", beats=80, notes=np.array(notes, np.int32))
    corpus = Corpus((piece, other), ("train", "test"), ("Ada", "Bob"))
    known = [w for w in windows_of(piece) if w.metre[:, 0].all()]
    assert len(windows_of(piece)) == 2 and len(known) == 1
    assert form_plans(corpus)["Ada"] == {"16": ["AABA" * 4]}
    assert not form_plans(corpus).get("Bob")


@pytest.mark.parametrize(
    ("form", "bars", "plan"),
    [
        ("AABA", 16, "ABCDABCDEFGHABCD"),
        ("AABA", 4, "AABA"),
        ("BAAB", 4, "ABBA"),  # letters are in order of appearance
        ("AB", 21, "ABCDEFGHIJKLMNOP-----"),  # there are no more letters
        ("ABA", 8, "ABCDAB--"),  # what is left over has none
        ("ABCDE", 3, "ABC"),
        ("A", 0, ""),
    ],
)
def test_a_form_by_hand(form, bars, plan):
    assert form_plan(form, bars) == plan


def test_a_form_of_pairs_of_bars_by_hand():
    assert form_plan("AABA", 14, unit=2) == "ABABCDAB------"
    assert form_plan("AABA", 6, unit=2) == "AABA--"  # there is no room for pairs


@pytest.mark.parametrize("metre", [(9, 8), (7, 8), (3, 8), (3, 4), (7, 16)])
def test_bars_of_one_letter_begin_at_one_place_in_the_beat(metre):
    told = regular_metre(metre)
    letters = form_letters("AABA", told)
    places = {letter: [] for letter in set(letters.tolist()) - {0}}
    for bar in np.split(np.arange(64), np.flatnonzero(told[1:, 1] < 4) + 1):
        if letters[bar[0]]:
            places[letters[bar[0]]].append(told[bar[0], 1])
    assert max(map(len, places.values())) == 3
    assert all(len(set(begins)) == 1 for begins in places.values())


def test_a_form_is_of_whole_bars():
    assert plan_of(form_letters("AB", regular_metre((3, 4))), regular_metre((3, 4))) == (
        "ABCDEFGHIJKLMNOP------"  # 21 bars and a beat: ten, of which six have letters left
    )
    assert not form_letters("AB", np.zeros((64, 2), np.int64)).any()
