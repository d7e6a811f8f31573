"""Noise to draw from: by seed, and shared by the bars that a form says are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from prism.models.settings import SETTINGS, checked_seeds


def drawn_seeds(generator: torch.Generator | Sequence[torch.Generator]) -> tuple[int, ...]:
    """One seed from each generator."""
    generators = [generator] if isinstance(generator, torch.Generator) else generator
    most = SETTINGS["seed"].high
    draws = [torch.randint(most, (), generator=g, device=g.device) for g in generators]
    return checked_seeds([int(draw) for draw in draws])


def noise_of(seed: int, shape: Sequence[int]) -> torch.Tensor:
    """Standard normal, the same on every device and in every batch."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))


def shared_noise(noise: torch.Tensor, letters: torch.Tensor, metre: torch.Tensor) -> torch.Tensor:
    """Noise of which beats at one place in bars of one letter have the first such beat's.

    Parameters
    ----------
    noise : Tensor, shape=(N, D)
    letters : Tensor, shape=(N,)
        As from `prism.music.form`; beats without a letter (0) keep their noise.
    metre : Tensor, shape=(N, 2)
        As from `prism.music.windows`.
    """
    places = np.column_stack([letters, metre])
    _, index, inverse = np.unique(places, axis=0, return_index=True, return_inverse=True)
    first = torch.from_numpy(index[inverse.ravel()])
    return noise[torch.where(letters == 0, torch.arange(len(noise)), first)]
