"""Windows, metre, sampling."""

import numpy as np
import pytest
import torch
from conftest import make_piece

from prism.corpora.dataset import (
    WindowSampler,
    corpus_sample,
    label_profiles,
    roll_tensor,
    tensor_roll,
)
from prism.corpora.prepared import Corpus
from prism.music.attributes import key_index
from prism.music.form import bar_letters
from prism.music.roll import FRAMES, TICKS_PER_BEAT
from prism.music.windows import filled, regular_metre, windows_of


def test_windows_begin_at_every_fourth_bar():
    windows = windows_of(make_piece("a", beats=100))
    assert [w.start_beat for w in windows] == [0, 16, 32]
    assert all(w.roll.frames == FRAMES for w in windows)


def test_a_short_piece_is_repeated_in_whole_bars():
    piece = make_piece("a", beats=22)  # five bars and a half: repeats after six
    roll = filled(piece).window()
    period = 24 * 4
    assert np.array_equal(roll.onset[:, :period], roll.onset[:, period : 2 * period])
    assert not roll.onset[39:, 22 * 4 : 24 * 4].any()  # the melody rests for the half bar


def test_a_long_piece_is_left_as_it_is():
    piece = make_piece("a", beats=64)
    assert filled(piece) is piece


def test_silent_windows_are_left_out():
    piece = make_piece("a", beats=64 + 64)
    late = piece.notes[piece.notes[:, 0] >= 70 * TICKS_PER_BEAT]
    bars = np.arange(0, 260 * TICKS_PER_BEAT, 4 * TICKS_PER_BEAT, dtype=np.int32)
    far = np.array([[250 * TICKS_PER_BEAT, 24, 60, 80]], np.int32)
    quiet = make_piece("b", notes=np.concatenate([late, far]), bars=bars)
    starts = [w.start_beat for w in windows_of(quiet)]
    assert 0 not in starts and 128 not in starts and 16 in starts and 186 not in starts
    assert all(w.roll.onset.any() for w in windows_of(quiet))


def test_metre_of_a_regular_piece():
    (first, *_) = windows_of(make_piece("a", beats=100))
    assert np.array_equal(first.metre, regular_metre((4, 4)))
    assert first.metre[:6].tolist() == [[16, 0], [16, 4], [16, 8], [16, 12], [16, 0], [16, 4]]


def test_metre_of_compound_and_unknown_bars():
    assert regular_metre((9, 8))[:6].tolist() == [
        [18, 0],
        [18, 4],
        [18, 8],
        [18, 12],
        [18, 16],
        [18, 2],
    ]
    assert not regular_metre((12, 4)).any()  # longer than the longest known bar


def test_metre_after_the_last_bar_line_is_unknown():
    piece = make_piece("a", beats=64, bars=np.array([0, 96], np.int32))
    metre = windows_of(piece)[0].metre
    assert metre[:4].tolist() == [[16, 0], [16, 4], [16, 8], [16, 12]] and not metre[4:].any()


def test_transposition_moves_every_note():
    window = windows_of(make_piece("a"))[0]
    up = window.transposed(3)
    assert np.array_equal(up.onset[3:], window.roll.onset[:-3])


def test_roll_tensor_channels():
    roll = make_piece("a").window()
    tensor = roll_tensor(roll)
    assert tensor.shape == (3, 88, 256) and tensor.dtype == torch.float32
    assert torch.equal(tensor[0] > 0, torch.from_numpy(roll.onset))
    assert tensor[2].max().item() == pytest.approx(80 / 127)


def test_batches_depend_on_seed_and_step_only(corpus):
    first, again = (WindowSampler(corpus).batch(4, seed=1, step=7) for _ in range(2))
    other = WindowSampler(corpus).batch(4, seed=1, step=8)
    assert torch.equal(first.rolls, again.rolls) and torch.equal(first.metre, again.metre)
    assert not torch.equal(first.rolls, other.rolls)


def test_labels_are_drawn_by_the_root_of_their_windows(corpus):
    sampler = WindowSampler(corpus)
    counts = np.sqrt([len(w) for w in sampler.windows])
    assert sampler.label_probability == pytest.approx(counts / counts.sum())


@pytest.mark.parametrize("power, expected", [(0, [1 / 2, 1 / 2]), (0.5, [1 / 3, 2 / 3])])
def test_label_power_by_hand(power, expected):
    """One window under Ada and four under Bob, of which the last is 112 beats long."""
    pieces = [make_piece("a", "Ada", beats=66), make_piece("b", "Bob", beats=112)]
    sampler = WindowSampler(Corpus(tuple(pieces), ("train",) * 2, ("Ada", "Bob")), "train")
    assert [len(windows) for windows in sampler.windows] == [1, 4]
    sampler = WindowSampler(
        Corpus(tuple(pieces), ("train",) * 2, ("Ada", "Bob")), "train", label_power=power
    )
    assert sampler.label_probability == pytest.approx(expected)


def scales() -> Corpus:
    """A piece of an upward scale in each of twelve major keys under Ada, minor under Bob."""
    steps = {"Ada": [0, 2, 4, 5, 7, 9, 11, 12], "Bob": [0, 2, 3, 5, 7, 8, 11, 12]}
    pieces = []
    for label, scale in steps.items():
        for tonic in range(12):
            pitches = [48 + tonic + step for step in [*scale, 7, 0, 0, 0]]
            notes = [[k * TICKS_PER_BEAT, TICKS_PER_BEAT, pitches[k % 12], 80] for k in range(72)]
            pieces.append(
                make_piece(f"{label}-{tonic}", label, 72, notes=np.array(notes, np.int32))
            )
    return Corpus(tuple(pieces), ("train",) * 24, ("Ada", "Bob"))


@pytest.mark.parametrize("drawn", ["batch", "fixed"])
def test_key_normalised_windows_are_moved_to_one_key_by_their_shifts(drawn):
    sampler = WindowSampler(scales(), "train", key_normalised=True)
    batch = sampler.batch(32, seed=0, step=0) if drawn == "batch" else sampler.fixed(32)
    keys = [key_index(tensor_roll(roll)) for roll in batch.rolls]
    assert keys == [(0, 21)[label] for label in batch.labels.tolist()]  # C major, A minor
    own = {roll_tensor(w.roll).numpy().tobytes(): w for windows in sampler.windows for w in windows}
    for roll, shift in zip(batch.rolls, batch.shifts.tolist(), strict=True):
        window = own[roll_tensor(tensor_roll(roll).transposed(-shift)).numpy().tobytes()]
        assert torch.equal(roll, roll_tensor(window.transposed(shift)))
    assert len(set(batch.shifts.tolist())) > 6


def test_other_windows_are_moved_by_their_shifts_too(corpus):
    sampler = WindowSampler(corpus)
    batch = sampler.batch(8, seed=0, step=0)
    own = {roll_tensor(w.roll).numpy().tobytes() for ws in sampler.windows for w in ws}
    back = [
        tensor_roll(roll).transposed(-shift)
        for roll, shift in zip(batch.rolls, batch.shifts.tolist(), strict=True)
    ]
    assert batch.shifts.any() and not sampler.fixed(4).shifts.any()
    assert all(roll_tensor(roll).numpy().tobytes() in own for roll in back)


def test_letters_of_a_batch_are_those_of_its_windows(corpus):
    batch = WindowSampler(corpus, form=True).batch(4, seed=0, step=0)
    for roll, metre, letters in zip(batch.rolls, batch.metre, batch.letters, strict=True):
        expected = bar_letters(tensor_roll(roll).onset, metre.numpy())
        assert letters.tolist() == expected.tolist()
    assert batch.letters.any()
    plain = WindowSampler(corpus).batch(4, seed=0, step=0)
    assert torch.equal(plain.rolls, batch.rolls) and not plain.letters.any()


def test_corpus_samples_are_held_out_and_repeatable(corpus):
    drawn = [corpus_sample(corpus, ["Ada", "Bob"], seed) for seed in range(20)]
    assert {w.piece.identifier for w in drawn} == {"Ada-4", "Bob-4"}
    again = corpus_sample(corpus, ["Ada", "Bob"], 3)
    assert again.roll == drawn[3].roll
    with pytest.raises(ValueError, match="at least one composer"):
        corpus_sample(corpus, [], 0)


def test_label_profiles(corpus):
    profile = label_profiles(corpus)["Ada"]
    assert profile == {"time_signatures": [[4, 4, 1.0]], "tempo": 100.0}


def test_a_roll_comes_back_from_its_tensor():
    roll = windows_of(make_piece("a", tempo=90.0))[0].roll
    assert tensor_roll(roll_tensor(roll), tempo=90.0) == roll
