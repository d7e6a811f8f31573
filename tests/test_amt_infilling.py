"""The baseline fills in beats of a roll, given the notes around them."""

import numpy as np
import pytest
import torch
from test_amt_sampler import SHORT, drawn, make_model
from test_known import FIRST_HALF, begun, inside, tune

from prism.amt import events, sampler
from prism.amt.events import roll_events
from prism.amt.infilling import infilled
from prism.amt.pipeline import AMTPipeline
from prism.models.known import KnownBeats
from prism.music.roll import Note, PianoRoll

MIDDLE = [*range(24), *range(32, 64)]  # beats 24 to 31 are to be drawn


@pytest.fixture(scope="module")
def amt() -> AMTPipeline:
    return AMTPipeline(make_model(**SHORT))


@pytest.mark.parametrize("beats", [FIRST_HALF, MIDDLE, [*range(10), *range(20, 50)], []])
def test_notes_outside_the_drawn_beats_stay(amt, beats):
    known = tune(tempo=90, time_signature=(3, 4))
    kept = KnownBeats.of(known, beats)
    rolls = amt(seed=[1, 2], known=known, known_beats=beats).rolls
    for roll in rolls:
        assert inside(known, kept.mask) <= inside(roll, kept.mask)
        assert begun(roll, kept.mask) == begun(known, kept.mask)
        assert (roll.tempo, roll.time_signature) == (90, (3, 4))
    assert begun(rolls[0], ~kept.mask) != begun(rolls[1], ~kept.mask)


def test_same_seed_same_notes_and_all_known_is_the_roll(amt):
    together = amt(seed=[1, 2], known=tune(), known_beats=MIDDLE).rolls
    assert together == [amt(seed=s, known=tune(), known_beats=MIDDLE).rolls[0] for s in (1, 2)]
    assert amt(seed=1, known=tune()).rolls == [tune()]


def test_what_comes_before_is_the_past_and_what_comes_after_is_anticipated():
    model, known = make_model(**SHORT), tune()
    notes, start, end = roll_events(known, 10), 24 * 40, 32 * 40
    clock = events.times(notes)
    expected = drawn(
        model,
        start,
        end,
        seed=5,
        prompt=notes[clock < start],
        controls=events.as_controls(notes[clock >= end]),
    )
    expected = expected[~events.is_rest(expected)]
    choose = sampler.nucleus(0.95, torch.Generator().manual_seed(5))
    found = list(infilled(model, KnownBeats.of(known, MIDDLE), 0, 10, choose))
    assert np.array_equal(found, expected) and len(found)
    assert all(start <= time < end for time in events.times(np.array(found)))


def test_it_hears_the_notes_after_a_span_and_not_those_in_it(amt):
    def filled(other: list[Note]) -> set[tuple]:
        roll = PianoRoll.from_notes([*tune().notes(), *other])
        kept = KnownBeats.of(roll, MIDDLE)
        return begun(amt(seed=3, known=roll, known_beats=MIDDLE).rolls[0], ~kept.mask)

    plain = filled([])
    assert filled([Note(90, 27, 1)]) == plain
    assert filled([Note(90, 33, 1)]) != plain and filled([Note(90, 20, 1)]) != plain


def test_spans_are_drawn_one_after_another(amt):
    two = [*range(16), *range(24, 40), *range(48, 64)]
    kept = KnownBeats.of(tune(), two)
    both = amt(seed=3, known=tune(), known_beats=two).rolls[0]
    first = amt(seed=3, known=tune(), known_beats=[*range(16), *range(24, 64)]).rolls[0]
    early = np.arange(64) < 24
    assert begun(both, ~kept.mask & early) == begun(first, ~kept.mask & early)


@pytest.mark.parametrize("up", [2, -5])
def test_a_key_normalised_model_fills_in_where_it_draws(up):
    plain = AMTPipeline(make_model(**SHORT))(seed=3, known=tune(), known_beats=FIRST_HALF)
    normalised = AMTPipeline(make_model(key_normalised=True, **SHORT))
    moved = normalised(seed=3, known=tune(up=up), known_beats=FIRST_HALF)
    assert moved.rolls[0] == plain.rolls[0].transposed(up)


def test_samples_grow_from_the_known_beats(amt):
    kept = KnownBeats.of(tune(), MIDDLE)
    parts = list(amt.stream(seed=3, known=tune(), known_beats=MIDDLE))
    assert all(begun(part.roll, kept.mask) == begun(tune(), kept.mask) for part in parts)
    assert [part.notes for part in parts[:-1]] == list(range(1, len(parts)))
    assert parts[-1].done and parts[-1].roll == parts[-2].roll
    assert all(24 <= part.beats < 32 for part in parts[:-1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"prompt": tune(64)}, "known: expected no prompt beside it, got 'both'"),
        ({"time_signature": (3, 4)}, "time_signature: expected nothing or 4/4, that of the known"),
        ({"known_beats": [99]}, "known_beats: expected a slice"),
        ({"known": None, "known_beats": [1]}, "known: expected a piano roll of at most 64 beats"),
    ],
)
def test_what_cannot_be_filled_in_is_told(amt, call, message):
    with pytest.raises(ValueError, match=message):
        amt(**({"known": tune()} | call))
