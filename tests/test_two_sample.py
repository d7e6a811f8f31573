"""The classifier two-sample test: noise is told from music, halves of one distribution are not."""

import numpy as np
import pytest
from conftest import make_piece

from prism.evaluation import two_sample
from prism.evaluation.two_sample import Side, can_be_told, two_sample_test
from prism.music.windows import windows_of
from prism.similarity.bands import noise


def side(numbers, change=lambda roll, rng: roll) -> Side:
    """One window of each of some pieces, of two labels."""
    rng = np.random.default_rng(0)
    pieces = [make_piece(f"p{k}", "AB"[k % 2], beats=64, seed=k) for k in numbers]
    return Side(
        [change(windows_of(piece)[0].roll, rng) for piece in pieces],
        [piece.label for piece in pieces],
        [piece.identifier for piece in pieces],
    )


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(two_sample, "EPOCHS", 4)


def test_few_windows_are_shown_more_often(monkeypatch):
    seen, steps = two_sample.pictures(side(range(8)).rolls), []
    adam = two_sample.torch.optim.AdamW
    step = adam.step
    monkeypatch.setattr(adam, "step", lambda self: (steps.append(1), step(self)))
    two_sample._trained([seen[:4], seen[4:]], 0, updates=7)
    assert len(steps) == 7
    two_sample._trained([seen[:4], seen[4:]], 0, updates=2)
    assert len(steps) == 7 + 4


def test_noise_is_told_from_music_and_the_same_way_again():
    real, other = side(range(40)), side(range(40, 80), noise)
    found = two_sample_test(real, other, seeds=1, updates=1)
    assert found["area"] > 0.9 and found["accuracy"] > 0.8
    assert found["interval"][0] <= found["area"] <= found["interval"][1]
    assert (found["windows"], found["tested"]) == (40, 16)
    assert two_sample_test(real, other, seeds=1, updates=1) == found


def test_halves_of_one_distribution_are_not_told_apart():
    found = two_sample_test(side(range(60)), side(range(60, 120)), seeds=2, updates=1)
    assert 0.25 < found["area"] < 0.75 and len(found["areas"]) == 2
    assert found["area"] == pytest.approx(np.mean(found["areas"]), abs=1e-4)
    low, high = found["interval"]
    assert low < 0.5 < high


def test_a_piece_is_on_one_side_of_the_split_and_labels_are_even():
    # Label A: five pieces of three windows against 15 samples, B: two of one against 9.
    labels = ["A"] * 15 + ["B"] * 2
    real = Side([None] * 17, labels, [f"a{k // 3}" for k in range(15)] + ["b0", "b1"])
    other = Side([None] * 24, ["A"] * 15 + ["B"] * 9, [str(k) for k in range(24)])
    for seed in range(5):
        train, test = two_sample._parts(real, other, np.random.default_rng(seed))
        owners = [{real.pieces[i] for i in part[0]} for part in (train, test)]
        assert not owners[0] & owners[1]
        assert not set(train[1]) & set(test[1])
        for part, counts in ((train, (9, 1)), (test, (6, 1))):
            for one, part_labels in zip(part, (real.labels, other.labels), strict=True):
                found = [part_labels[i] for i in one]
                assert (found.count("A"), found.count("B")) == counts


def test_a_single_piece_cannot_be_split():
    alone = Side(side([0]).rolls, ["A"], ["p0"])
    with pytest.raises(ValueError, match="2 or more pieces"):
        two_sample_test(alone, alone)
    two = Side([None] * 3, ["A", "A", "B"], ["p0", "p1", "p2"])
    assert not can_be_told(two, alone) and not can_be_told(alone, two)
    assert can_be_told(two, two)


def test_a_transposition_moves_every_onset():
    seen = two_sample.pictures(side(range(3)).rolls)
    moved = two_sample._transposed(seen, np.random.default_rng(1))
    shifts = np.random.default_rng(1).choice(two_sample.TRANSPOSITIONS, 3)
    for before, after, shift in zip(seen, moved, shifts, strict=True):
        keys = [x[0].any(dim=1).nonzero()[:, 0] for x in (before, after)]
        assert (keys[0] + shift == keys[1]).all()
