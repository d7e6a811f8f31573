"""The baseline's stage: next-token prediction on sequences of events."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from prism.amt.examples import SequenceSampler, Shares
from prism.amt.model import SIZES, AnticipatoryTransformer
from prism.corpora.dataset import WindowSampler
from prism.corpora.prepared import Corpus
from prism.music.roll import FRAMES_PER_BEAT, KEYS, LOWEST_PITCH
from prism.training.batches import Tensors
from prism.training.recipe import AMTRecipe

VALIDATION_SEQUENCES = 48
_PART = 8


def new_transformer(recipe: AMTRecipe) -> AnticipatoryTransformer:
    """A transformer as the recipe says, untrained."""
    return AnticipatoryTransformer(
        **SIZES[recipe.size],
        time_step=recipe.centiseconds_per_frame,
        lowest_pitch=LOWEST_PITCH,
        highest_pitch=LOWEST_PITCH + KEYS - 1,
        instruments=1,
        centiseconds_per_beat=FRAMES_PER_BEAT * recipe.centiseconds_per_frame,
    )


class AMTStage:
    """Trains an `AnticipatoryTransformer` to predict the next token."""

    name = "amt"

    def __init__(self, recipe: AMTRecipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.amt
        self.network = new_transformer(recipe)
        shares = Shares(recipe.span_share, recipe.random_share, recipe.melody_share)
        step = recipe.centiseconds_per_frame
        self.sampler = SequenceSampler(WindowSampler(corpus), step, shares)
        self.validation = {
            name: self._fixed(WindowSampler(corpus, "validation"), shares)
            for name, shares in (("free", Shares(0, 0, 0)), ("melody", Shares(0, 0, 1)))
        }

    def _fixed(self, windows: WindowSampler, shares: Shares) -> torch.Tensor:
        sampler = SequenceSampler(windows, self.settings.centiseconds_per_frame, shares)
        return self._rows(sampler.batch(VALIDATION_SEQUENCES, self.settings.seed, 0))

    def _rows(self, tokens) -> torch.Tensor:
        return torch.from_numpy(self.network.table.rows(tokens))

    def draw(self, step: int, rows: slice) -> Tensors:
        """Indices of tokens."""
        tokens = self.sampler.batch(self.recipe.batch_size, self.settings.seed, step)
        return (self._rows(tokens)[rows],)

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Mean cross-entropy of what `draw` gave, in nats a token."""
        return token_loss(network, *batch).mean()

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Validation loss in nats a token; times, durations and notes apart (without controls)."""
        figures = {}
        for name, rows in self.validation.items():
            rows = rows.to(network.device)
            parts = [token_loss(network, part) for part in rows.split(_PART)]
            losses = torch.cat(parts).unflatten(1, (-1, 3))
            figures[f"{name}_validation_loss"] = losses.mean().item()
            if name == "free":
                names = ("time_loss", "duration_loss", "note_loss")
                figures |= dict(zip(names, losses.mean(dim=(0, 1)).tolist(), strict=True))
        return figures


def token_loss(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every token but the first, (B, N) → (B, N − 1), in nats."""
    logits = network(rows[:, :-1]).float()
    losses = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
    return losses.unflatten(0, (len(rows), -1))
