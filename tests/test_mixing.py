"""Mixtures of two composers: what is asked for, and the log-odds by hand."""

import types

import numpy as np
import pytest
import torch
from conftest import PROFILES

from prism.evaluation.mixing import (
    MIX_WEIGHTS,
    joined,
    mixed_pairs,
    mixing,
    mixing_figures,
    real_mixing,
)
from prism.music.roll import Note, PianoRoll

LABELS = list(PROFILES)


class Counting:
    """Takes the number of notes for the first label's probability, in tenths."""

    composers = LABELS

    def probabilities(self, rolls):
        first = torch.tensor([len(roll.notes()) / 10 for roll in rolls])
        return torch.stack([first, 1 - first, *[torch.zeros(len(rolls))] * (len(LABELS) - 2)], 1)


def notes(count: int) -> PianoRoll:
    return PianoRoll.from_notes([Note(60 + k, 0, 1) for k in range(count)], 256)


def test_every_pair_comes_once_and_some_are_drawn():
    pairs = mixed_pairs(LABELS, 100, seed=0)
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 3
    assert len(mixed_pairs(LABELS, 2, seed=0)) == 2 and pairs == mixed_pairs(LABELS, 100, seed=0)


def test_mixing_names_only_who_has_weight_and_keeps_the_seeds():
    calls = []

    def prism(composers, weights, seed):
        calls.append((composers, weights, list(seed)))
        share = dict(zip(composers, weights, strict=True)).get(LABELS[0], 0)
        return types.SimpleNamespace(rolls=[notes(round(2 + 6 * share)) for _ in seed])

    pair = (LABELS[0], LABELS[1])
    found = mixing(prism, Counting(), [pair, pair], samples=2, seed=10)
    assert calls[0] == ([LABELS[1]], [1.0], [10, 11]) and calls[4] == ([LABELS[0]], [1.0], [10, 11])
    assert calls[1] == (list(pair), [0.25, 0.75], [10, 11]) and calls[5][2] == [12, 13]
    assert (found["rising"], found["pairs"], found["samples"]) == (2, 2, 2)
    assert found["rank_correlation"] > 0.9


def test_log_odds_by_hand():
    e = np.e
    rising = [[[e ** (4 * w) * 0.001, 0.001]] for w in MIX_WEIGHTS]  # log-odds 0, 1, 2, 3, 4
    falling = [[[0.001, e ** (8 * w) * 0.001]] for w in MIX_WEIGHTS]  # 0, −2, …, −8
    found = mixing_figures(np.array([rising, falling]))
    assert [row["log_odds"] for row in found["rows"]] == [0, -0.5, -1, -1.5, -2]
    assert (found["rising"], found["share"], found["slope"]) == (1, 0.5, -2.0)
    assert found["rank_correlation"] == 0 and 0 < found["interval"][0] < 0.5
    assert found["rows"][0]["first"] == found["rows"][0]["second"] == 0.001


def test_an_impossible_composer_has_a_floor():
    table = np.tile([1.0, 0.0], (1, len(MIX_WEIGHTS), 1, 1))
    found = mixing_figures(table)
    assert found["rows"][0]["log_odds"] == pytest.approx(np.log(1e9), abs=1e-3)
    assert found["rising"] == 0 and found["rank_correlation"] == 0


def test_a_joined_roll_is_the_beginning_of_each():
    first = PianoRoll.from_notes([Note(60, 0, 1), Note(62, 31, 4), Note(64, 40, 1)], 256, tempo=90)
    second = PianoRoll.from_notes([Note(70, 0, 2), Note(71, 32, 1)], 256)
    roll = joined(first, second)
    assert [(n.pitch, n.start, n.duration) for n in roll.notes()] == [
        (60, 0, 1),
        (62, 31, 1),
        (70, 32, 2),
    ]
    assert roll.tempo == 90
    assert joined(first, second, 1) == PianoRoll.from_notes(first.notes(), 256, tempo=90)
    assert [n.pitch for n in joined(first, second, 0).notes()] == [70, 71]


def test_real_music_is_mixed_from_held_out_windows(corpus):
    network = types.SimpleNamespace(
        composers=["Ada", "Bob"], probabilities=lambda rolls: torch.full((len(rolls), 2), 0.5)
    )
    found = real_mixing(corpus, network, [("Ada", "Bob")], samples=2, seed=0)
    assert found["pairs"] == 1 and [row["log_odds"] for row in found["rows"]] == [0] * 5
