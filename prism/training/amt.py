"""The baseline's stage: next-token prediction on sequences of events."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from prism.amt.examples import SequenceSampler, Shares
from prism.amt.model import SIZES, AnticipatoryTransformer
from prism.corpora.dataset import WindowSampler
from prism.corpora.prepared import Corpus
from prism.music.roll import FRAMES_PER_BEAT, KEYS, LOWEST_PITCH
from prism.training.batches import Tensors, generator_for
from prism.training.beginning import begin_amt
from prism.training.recipe import AMTRecipe

VALIDATION_SEQUENCES = 48
_PART = 8


def new_amt(recipe: AMTRecipe, composers: Sequence[str]) -> AnticipatoryTransformer:
    """A transformer as the recipe says, untrained; told these composers if it is told any."""
    composers = [] if recipe.label_dropout is None else list(composers)
    return AnticipatoryTransformer(
        **SIZES[recipe.size],
        time_step=recipe.centiseconds_per_frame,
        lowest_pitch=LOWEST_PITCH,
        highest_pitch=LOWEST_PITCH + KEYS - 1,
        instruments=1,
        centiseconds_per_beat=FRAMES_PER_BEAT * recipe.centiseconds_per_frame,
        labels=len(composers),
        composers=composers,
        key_normalised=recipe.key_normalised,
        dropout=recipe.dropout,
    )


class AMTStage:
    """Trains an `AnticipatoryTransformer` to predict the next token."""

    name = "amt"

    def __init__(self, recipe: AMTRecipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.amt
        self.corpus_sha256 = corpus.digest
        self.network = new_amt(recipe, corpus.labels)
        if recipe.start:
            begin_amt(self.network, recipe.start)
        self._null = len(corpus.labels)
        shares = Shares(recipe.span_share, recipe.random_share, recipe.melody_share)
        self.sampler = self._sampler(WindowSampler(corpus), shares)
        self.validation = {
            name: self._drawn(
                self._sampler(WindowSampler(corpus, "validation"), shares), 0, VALIDATION_SEQUENCES
            )
            for name, shares in (("free", Shares(0, 0, 0)), ("melody", Shares(0, 0, 1)))
        }

    def _sampler(self, windows: WindowSampler, shares: Shares) -> SequenceSampler:
        recipe = self.settings
        told, step = recipe.label_dropout is not None, recipe.centiseconds_per_frame
        return SequenceSampler(windows, step, shares, told, recipe.key_normalised)

    def _drawn(self, sampler: SequenceSampler, step: int, size: int) -> Tensors:
        tokens, labels = sampler.batch(size, self.settings.seed, step)
        return torch.from_numpy(self.network.table.rows(tokens)), torch.from_numpy(labels)

    def draw(self, step: int, rows: slice) -> Tensors:
        """Indices of tokens, labels (left out now and then), and seeds of the dropout."""
        size, seed = self.recipe.batch_size, self.settings.seed
        tokens, labels = self._drawn(self.sampler, step, size)
        drop = torch.rand(size, generator=generator_for(seed, 5, step))
        labels = labels.where(drop >= (self.settings.label_dropout or 0.0), self._null)
        seeds = (seed + 1) * 2**32 + step * size + torch.arange(size)
        return tokens[rows], labels[rows], seeds[rows]

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Mean cross-entropy of what `draw` gave, in nats a token."""
        rows, labels, seeds = batch
        if self.settings.dropout:
            # It knows no generator of its own; it must be the same after a resume.
            torch.manual_seed(seeds[0].item())
        return token_loss(network, rows, labels).mean()

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Validation loss in nats a token; times, durations and notes apart (without controls).

        Where composers are told, once more without them.
        """
        figures = {}
        for name, (rows, labels) in self.validation.items():
            losses = _losses(network, rows, labels)
            figures[f"{name}_validation_loss"] = losses.mean().item()
            if name == "free":
                names = ("time_loss", "duration_loss", "note_loss")
                figures |= dict(zip(names, losses.mean(dim=(0, 1)).tolist(), strict=True))
            if self.sampler.told:
                untold = _losses(network, rows, torch.full_like(labels, self._null))
                figures[f"untold_{name}_validation_loss"] = untold.mean().item()
        return figures


def _losses(network: nn.Module, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Of each event's three tokens, (B, 1024) → (B, 341, 3)."""
    pairs = zip(rows.split(_PART), labels.split(_PART), strict=True)
    parts = [token_loss(network, *(x.to(network.device) for x in pair)) for pair in pairs]
    return torch.cat(parts).unflatten(1, (-1, 3))


def token_loss(network: nn.Module, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every token but the first, (B, N) → (B, N − 1), in nats."""
    logits = network(rows[:, :-1], labels).float()
    losses = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
    return losses.unflatten(0, (len(rows), -1))
