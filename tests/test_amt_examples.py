"""Training sequences of the baseline: layout, controls, transposition, the split."""

import numpy as np
import pytest
from conftest import make_piece

from prism.amt import events, examples
from prism.amt.events import roll_events
from prism.amt.examples import SequenceSampler, Shares
from prism.amt.vocabulary import ANTICIPATE, AUTOREGRESS, MAXIMUM_TIME, SEPARATOR
from prism.corpora.dataset import WindowSampler
from prism.music.attributes import key_index, normalising_shift
from prism.music.roll import Note, PianoRoll
from prism.music.windows import windows_of


def sequences(corpus, count=20, **shares) -> list[np.ndarray]:
    sampler = SequenceSampler(WindowSampler(corpus), 10, Shares(**shares))
    batch, labels = sampler.batch(count, 0, 0)
    assert batch.shape == (count, 1024) and labels.tolist() == [2] * count  # nobody's
    return list(batch)


def parts(sequence: np.ndarray) -> list[np.ndarray]:
    """The pieces between separators."""
    body = sequence[1:].reshape(-1, 3)
    ends = np.flatnonzero(body[:, 0] == SEPARATOR)
    assert (body[ends] == SEPARATOR).all()
    return [p[p[:, 0] != SEPARATOR] for p in np.split(body, ends)]


def test_free_sequences_are_pieces_with_rests(corpus):
    for sequence in sequences(corpus, span=0, random=0, melody=0):
        assert sequence[0] == AUTOREGRESS
        for part in parts(sequence):
            clock = events.times(part)
            assert not events.is_control(part).any()
            assert (np.diff(clock) >= 0).all() and (np.diff(clock) <= 100).all()
            assert clock.max(initial=0) < MAXIMUM_TIME
            assert (clock % 10 == 0).all()


def test_sequences_repeat_and_differ(corpus):
    first, again = sequences(corpus), sequences(corpus)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


def test_a_melody_is_given_five_seconds_ahead(corpus):
    """The fixture's melody is a quarter note each beat (40 cs) over a held bass."""
    for sequence in sequences(corpus, 5, span=0, random=0, melody=1):
        assert sequence[0] == ANTICIPATE
        part = parts(sequence)[0]
        control = events.is_control(part)
        assert control.any() and not control.all()
        played, _, pitch = events.read_events(part[~control])
        assert (pitch < 55).all() and (played % 160 == 0).all()
        clock = events.times(part)
        for place in np.flatnonzero(control)[20:]:
            before = part[:place][~control[:place]]
            assert 0 <= clock[place] - events.times(before)[-1] <= 500


def test_a_tune_alone_is_not_given_away(corpus):
    tune = make_piece("tune", beats=100)
    alone = tune.notes[tune.notes[:, 2] >= 60]
    window = windows_of(make_piece("tune", beats=100, notes=alone))[0]
    roll = examples.rest_of_piece(window)
    assert examples.melody_mask(roll, roll_events(roll, 10), 10).all()


def test_melody_mask_by_hand():
    roll = PianoRoll.from_notes([Note(60, 0, 2), Note(67, 0, 1), Note(62, 1, 1), Note(50, 2, 1)])
    assert examples.melody_mask(roll, roll_events(roll, 10), 10).tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_what_sounds_on_from_before_is_no_new_note():
    piece = make_piece("a", beats=200)
    window = windows_of(piece)[1]
    held = piece.notes.copy()
    held[1, 1] += window.start_tick  # a note of the first beat sounds on into the window
    longer = make_piece("a", beats=200, notes=held)
    later = windows_of(longer)[1]
    same = examples.rest_of_piece(window), examples.rest_of_piece(later)
    assert np.array_equal(same[0].onset, same[1].onset)


def test_transposition_moves_every_note():
    window = windows_of(make_piece("a", beats=100))[0]
    plain, up = (examples.rest_of_piece(window, s) for s in (0, 5))
    assert np.array_equal(np.roll(plain.onset, 5, 0), up.onset)


@pytest.mark.parametrize("told", [False, True])
def test_pieces_of_a_told_sequence_have_one_label(corpus, told, monkeypatch):
    seen, rest = [], examples.rest_of_piece
    monkeypatch.setattr(
        examples, "rest_of_piece", lambda w, s: seen.append(w.piece.label) or rest(w, s)
    )
    sampler = SequenceSampler(WindowSampler(corpus), 10, Shares(), told)
    rng, whole = np.random.default_rng(0), 0
    for label in [0, 1] * 5:
        seen.clear()
        sampler.sequence(rng, label if told else None)
        whole += set(seen) == {corpus.labels[label]}
    assert (whole == 10) == told
    labels = sampler.batch(20, 0, 0)[1]
    assert set(labels) == ({0, 1} if told else {2})


def test_normalised_pieces_are_in_c_major_or_a_minor(corpus, monkeypatch):
    moved, rest = [], examples.rest_of_piece
    monkeypatch.setattr(
        examples, "rest_of_piece", lambda w, s: moved.append((w.roll, s)) or rest(w, s)
    )
    SequenceSampler(WindowSampler(corpus), 10, Shares(), True, True).batch(5, 0, 0)
    assert len({shift for _, shift in moved}) > 2
    assert all(s == normalising_shift(key_index(roll)) for roll, s in moved)


def test_spans_are_five_seconds_long():
    clock = np.arange(0, 60_000, 10)
    mask = examples.span_mask(clock, np.random.default_rng(0))
    edges = np.flatnonzero(np.diff(mask.astype(int)))
    lengths = np.diff(edges)[0::2] if mask[edges[0] + 1] else np.diff(edges)[1::2]
    assert 50 in lengths and not (lengths % 50).any()  # two may touch
    assert mask.mean() == pytest.approx(5 / 25, abs=0.1)
