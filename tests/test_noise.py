"""Noise: by seed, and shared by bars that a form says are alike."""

import numpy as np
import pytest
import torch

from prism import ROOT
from prism.models.noise import noise_of, shared_noise
from prism.models.pipeline import PrismPipeline
from prism.models.settings import GenerationSettings
from prism.music.form import bar_letters
from prism.music.windows import regular_metre

# Bars of two beats: A B A, then a beat of a bar that is cut off.
LETTERS = torch.tensor([1, 1, 2, 2, 1, 1, 0])
METRE = torch.tensor([[8, 0], [8, 4], [8, 0], [8, 4], [8, 0], [8, 4], [8, 0]])


def test_beats_at_one_place_in_bars_of_one_letter_have_the_first_ones_noise():
    noise = torch.arange(7.0)[:, None]
    assert shared_noise(noise, LETTERS, METRE).flatten().tolist() == [0, 1, 2, 3, 0, 1, 6]


@pytest.mark.parametrize("letters", [torch.zeros(7, dtype=torch.int64), torch.arange(1, 8)])
def test_noise_without_letters_or_with_different_ones_stays(letters):
    noise = noise_of(3, (7, 4))
    assert torch.equal(shared_noise(noise, letters, METRE), noise)


@pytest.fixture(scope="module")
def shipped():
    return PrismPipeline.from_pretrained(ROOT / "weights")


def test_bars_of_one_letter_of_a_form_are_alike(shipped):
    metre = regular_metre((4, 4))
    hits = []
    for name in ("Bach", "Mozart", "Irish reels"):
        settings = GenerationSettings([name], form="AABA", time_signature=(4, 4))
        told = shipped.conditions(settings, 0)[3].numpy()
        for roll in shipped(name, seed=range(4), form="AABA", time_signature=(4, 4)).rolls:
            letters = bar_letters(roll.onset, metre)[::4].reshape(4, 4)
            hits += (letters[1] == letters[0]).tolist() + (letters[3] == letters[0]).tolist()
        assert (told[:16] == told[16:32]).all()
    assert np.mean(hits) > 0.4


def test_a_batch_with_a_form_equals_its_items(shipped):
    both = shipped("Bach", seed=[1, 2], form="AABA").rolls
    assert both == [shipped("Bach", seed=seed, form="AABA").rolls[0] for seed in (1, 2)]
