"""Can a fresh network tell generated from real music? (Lopez-Paz & Oquab 2017, ICLR.)

Two sides of whole windows, as many of each label on both, are split into a training and a test
part, real ones by piece. A small convolutional network is trained from scratch on the former to
say which side a window is from, and asked about the latter. If it does no better than chance,
nothing that it can see tells the two apart.

Conventions
-----------
seed
    Decides the split, the network's first weights, the order of windows and their transpositions.
area
    Under the ROC curve: how often the network finds a window of the other side likelier to be so
    than a real one. .5 is chance, 1 tells them apart.
accuracy
    Share of test windows taken for what they are; both sides have as many.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from prism.corpora.dataset import TRANSPOSITIONS
from prism.evaluation.bootstrap import LEVEL, area_under_curve, rounded, rounded_pair
from prism.music.roll import KEYS, PianoRoll
from prism.similarity.networks import MeanAndMaximum, roll_layers

SEEDS = 5
TEST_SHARE = 0.4
# At least so many, however few windows there are: after 150 the network still misses much.
UPDATES = 400
EPOCHS = 10
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.05
_WIDTH = 12
_RESAMPLES = 500
_EDGE = max(map(abs, TRANSPOSITIONS))


@dataclasses.dataclass(frozen=True)
class Side:
    """Windows of one side, each with its label and its piece (a sample is a piece of its own)."""

    rolls: Sequence[PianoRoll]
    labels: Sequence[str]
    pieces: Sequence[str]


def can_be_told(real: Side, other: Side) -> bool:
    """Whether both sides have 2 or more pieces of some label: one to learn from, one to test."""
    counts = [
        Counter(label for label, _ in set(zip(side.labels, side.pieces, strict=True)))
        for side in (real, other)
    ]
    return any(min(count[label] for count in counts) > 1 for label in counts[0])


def two_sample_test(
    real: Side, other: Side, seeds: int = SEEDS, updates: int = UPDATES
) -> dict[str, Any]:
    """Train a network a seed to tell `other` from `real`, by at least so many updates.

    Returns
    -------
    dict
        The number of ``windows`` of each side, on average over seeds, and how many of them were
        ``tested``; the mean ``area``, its ``interval`` (seeds and the test's pieces drawn again)
        and those of the seeds, ``areas``; ``accuracy``.

    Raises
    ------
    ValueError
        If there are too few windows to train and test with, see `can_be_told`.
    """
    seen = [pictures(side.rolls) for side in (real, other)]
    answers, sizes = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 8])
        train, test = _parts(real, other, rng)
        if not len(train[0]) or not len(test[0]):
            raise ValueError(
                "two-sample test: expected windows of 2 or more pieces of some label on both "
                f"sides, got {len(real.rolls)} and {len(other.rolls)} windows without"
            )
        network = _trained([x[part] for x, part in zip(seen, train, strict=True)], seed, updates)
        scores = [_scores(network, x[part]) for x, part in zip(seen, test, strict=True)]
        owners = [np.array(s.pieces)[part] for s, part in zip((real, other), test, strict=True)]
        answers.append((scores, owners))
        sizes.append((len(train[0]) + len(test[0]), len(test[0])))
    areas = [area_under_curve(*scores) for scores, _ in answers]
    right = [((low < 0).mean() + (high >= 0).mean()) / 2 for (low, high), _ in answers]
    windows, tested = np.mean(sizes, axis=0)
    return {
        "windows": round(windows),
        "tested": round(tested),
        "area": rounded(np.mean(areas)),
        "interval": rounded_pair(_interval(answers)),
        "areas": [rounded(area) for area in areas],
        "accuracy": rounded(np.mean(right)),
    }


def pictures(rolls: Sequence[PianoRoll]) -> torch.Tensor:
    """Onsets and sustains, bool, shape=(n, 2, 88, frames)."""
    return torch.from_numpy(np.stack([np.stack([r.onset, r.sustain]) for r in rolls]))


def _parts(
    real: Side, other: Side, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Indices into both sides for training, and for the test: as many of a label on both."""
    train: tuple[list, list] = [], []
    test: tuple[list, list] = [], []
    for label in dict.fromkeys(real.labels):
        places = [np.flatnonzero(np.array(side.labels) == label) for side in (real, other)]
        wanted = TEST_SHARE * min(map(len, places))
        halves = []
        for side, own in zip((real, other), places, strict=True):
            held = _held_out(np.array(side.pieces)[own], wanted, rng)
            halves.append((rng.permutation(own[~held]), rng.permutation(own[held])))
            # The other side is to have as many, however large the first one's pieces are.
            wanted = held.sum()
        for part, both in ((train, 0), (test, 1)):
            count = min(len(half[both]) for half in halves)
            for kept, half in zip(part, halves, strict=True):
                kept.append(half[both][:count])
    return [np.concatenate(p) for p in train], [np.concatenate(p) for p in test]


def _held_out(pieces: np.ndarray, wanted: float, rng: np.random.Generator) -> np.ndarray:
    """Whole pieces drawn until about so many windows are held out; one piece is never."""
    names = rng.permutation(np.unique(pieces))
    held = np.zeros(len(pieces), bool)
    for name in names[1:]:
        own = pieces == name
        # The last one only if that comes nearer.
        if held.sum() and held.sum() + own.sum() / 2 > wanted:
            break
        held |= own
    return held


def _network() -> nn.Module:
    """(B, 2, 88, 256) → (B, 1): what the rolls' layers see, and whether it is anywhere."""
    layers = roll_layers(_WIDTH, groups=4)
    return nn.Sequential(*layers, MeanAndMaximum(), nn.Dropout(0.3), nn.Linear(8 * _WIDTH, 1))


def _trained(sides: Sequence[torch.Tensor], seed: int, updates: int) -> nn.Module:
    """A network that gives positive logits to windows like those of the second side."""
    seen = torch.cat(list(sides))
    truth = torch.arange(2).repeat_interleave(torch.tensor([len(s) for s in sides])).float()
    rng = np.random.default_rng([seed, 9])
    batches = math.ceil(len(seen) / BATCH_SIZE)
    epochs = max(EPOCHS, math.ceil(updates / batches))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network().train()
        adam = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        rate = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, epochs * batches)
        for _ in range(epochs):
            for rows in torch.from_numpy(rng.permutation(len(seen))).split(BATCH_SIZE):
                logits = network(_transposed(seen[rows], rng))[:, 0]
                loss = F.binary_cross_entropy_with_logits(logits, truth[rows])
                adam.zero_grad()
                loss.backward()
                adam.step()
                rate.step()
    return network.eval()


def _transposed(seen: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Each picture some semitones up or down, as float."""
    padded = F.pad(seen.float(), (0, 0, _EDGE, _EDGE))
    starts = _EDGE - rng.choice(TRANSPOSITIONS, len(seen))
    return torch.stack([x[:, s : s + KEYS] for x, s in zip(padded, starts, strict=True)])


@torch.inference_mode()
def _scores(network: nn.Module, seen: torch.Tensor) -> np.ndarray:
    """A logit a window: above 0 for the second side."""
    parts = [network(part.float())[:, 0] for part in seen.split(BATCH_SIZE)]
    return torch.cat(parts).numpy()


def _interval(answers: Sequence[tuple[list[np.ndarray], list[np.ndarray]]]) -> tuple[float, float]:
    """Of the mean area, with seeds and whole pieces of the test drawn again."""
    rng = np.random.default_rng(0)
    grouped = [
        [[scores[own] for own in _places(pieces)] for scores, pieces in zip(*pair, strict=True)]
        for pair in answers
    ]
    found = []
    for _ in range(_RESAMPLES):
        drawn = [grouped[k] for k in rng.integers(len(grouped), size=len(grouped))]
        found.append(np.mean([area_under_curve(*(_again(s, rng) for s in both)) for both in drawn]))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _places(pieces: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(pieces == name) for name in np.unique(pieces)]


def _again(groups: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))])
