"""The stage that teaches a network to tell composers apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from prism.corpora.prepared import Corpus
from prism.dataset import WindowSampler
from prism.similarity.networks import ComposerNetwork
from prism.training.recipe import SimilarityRecipe
from prism.training.stages import chunks

VALIDATION_WINDOWS = 600


class SimilarityStage:
    """Trains a `ComposerNetwork` on transposed training windows."""

    name = "similarity"

    def __init__(self, recipe: SimilarityRecipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.similarity
        self.network = ComposerNetwork(labels=len(corpus.labels), width=recipe.width)
        self.sampler = WindowSampler(corpus)
        self.validation = chunks(WindowSampler(corpus, "validation").fixed(VALIDATION_WINDOWS))

    def loss(self, step: int) -> torch.Tensor:
        """Cross-entropy of a step's batch, labels softened."""
        batch = self.sampler.batch(self.recipe.batch_size, self.settings.seed, step)
        # Dropout knows no generator of its own; it must be the same after a resume.
        torch.manual_seed((self.settings.seed + 1) * 2**32 + step)
        logits = self.network(batch.rolls)
        return F.cross_entropy(logits, batch.labels, label_smoothing=self.settings.smoothing)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Loss and accuracy on validation windows, as many of each label as fit."""
        network.eval()
        logits = torch.cat([network(part.rolls) for part in self.validation])
        labels = torch.cat([part.labels for part in self.validation])
        best = logits.topk(2).indices == labels[:, None]
        return {
            "validation_loss": F.cross_entropy(logits, labels).item(),
            "validation_accuracy": best[:, 0].float().mean().item(),
            "validation_top_two": best.any(1).float().mean().item(),
        }
