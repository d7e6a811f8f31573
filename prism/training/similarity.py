"""The stage that teaches a network to tell composers apart."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from prism.corpora.dataset import Batch, WindowSampler, roll_tensor, tensor_roll
from prism.corpora.prepared import Corpus
from prism.similarity.bands import noise, shuffled
from prism.similarity.networks import ComposerNetwork
from prism.training.batches import Tensors, chunks
from prism.training.recipe import SimilarityRecipe

VALIDATION_WINDOWS = 600
_SHUFFLED_SHARE = 0.75


class SimilarityStage:
    """Trains a `ComposerNetwork` on transposed training windows."""

    name = "similarity"

    def __init__(self, recipe: SimilarityRecipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.similarity
        self.corpus_sha256 = corpus.digest
        self.network = ComposerNetwork(labels=len(corpus.labels), width=recipe.width)
        self.sampler = WindowSampler(corpus)
        self._nonsense = self.network.config.labels
        self.validation = chunks(WindowSampler(corpus, "validation").fixed(VALIDATION_WINDOWS))

    def draw(self, step: int, rows: slice) -> Tensors:
        """Rolls, labels and the seed of their dropout."""
        batch = self.sampler.batch(self.recipe.batch_size, self.settings.seed, step)
        rng = np.random.default_rng([self.settings.seed, step, 1])
        rolls, labels = with_nonsense(batch, self.settings.nonsense_share, self._nonsense, rng)
        seed = (self.settings.seed + 1) * 2**32 + step + (rows.start or 0) * 2**24
        return rolls[rows], labels[rows], torch.tensor(seed)

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Cross-entropy of what `draw` gave, labels softened."""
        rolls, labels, seed = batch
        # Dropout knows no generator of its own; it must be the same after a resume.
        torch.manual_seed(seed.item())
        return F.cross_entropy(network(rolls), labels, label_smoothing=self.settings.smoothing)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Loss and accuracy on validation windows, as many of each label as fit."""
        network.eval()
        device = network.device
        logits = torch.cat([network(part.rolls.to(device)) for part in self.validation]).cpu()
        labels = torch.cat([part.labels for part in self.validation])
        # A corpus of one label has no second.
        best = logits[:, :-1].topk(min(2, self._nonsense)).indices == labels[:, None]
        rng = np.random.default_rng([self.settings.seed, 2])
        changed = [with_nonsense(part, 1.0, self._nonsense, rng)[0] for part in self.validation]
        guesses = torch.cat([network(rolls.to(device)) for rolls in changed]).argmax(1)
        told = guesses == self._nonsense
        return {
            "validation_loss": F.cross_entropy(logits, labels).item(),
            "validation_accuracy": best[:, 0].float().mean().item(),
            "validation_top_two": best.any(1).float().mean().item(),
            "nonsense_recognised": told.float().mean().item(),
        }


def with_nonsense(
    batch: Batch, share: float, label: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put nonsense in the place of some rolls: their notes at random times, or anywhere.

    Returned are rolls and labels as in `batch`; nonsense has `label`.
    """
    rolls, labels = batch.rolls.clone(), batch.labels.clone()
    for k in np.flatnonzero(rng.random(len(labels)) < share):
        change = shuffled if rng.random() < _SHUFFLED_SHARE else noise
        rolls[k] = roll_tensor(change(tensor_roll(batch.rolls[k]), rng))
        labels[k] = label
    return rolls, labels
