"""The stages: the beat autoencoder, then the transformer on its latents, then its collections."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from prism.corpora.collections import collections_in
from prism.corpora.dataset import (
    Batch,
    WindowSampler,
    attribute_shares,
    form_plans,
    label_profiles,
    tensor_roll,
)
from prism.corpora.prepared import Corpus
from prism.models.autoencoder import BeatAutoencoder, reconstruction_loss
from prism.models.diffusion import add_noise, sample_times
from prism.models.dit import SIZES, PrismDiT
from prism.models.pipeline import PrismPipeline
from prism.music.attributes import COLLECTION, attribute_indices, attribute_values
from prism.music.form import LETTERS
from prism.music.roll import BEATS
from prism.music.statistics import mean_description
from prism.music.windows import roll_properties
from prism.training.batches import DrawSamples, Tensors, chunks, generator_for
from prism.training.beginning import begin_dit
from prism.training.files import keep_sample
from prism.training.recipe import Recipe

VALIDATION_WINDOWS = 256
SAMPLES = 8


class AutoencoderStage:
    """Trains a `BeatAutoencoder` to rebuild windows through noisy latents."""

    name = "autoencoder"

    def __init__(self, recipe: Recipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.autoencoder
        self.corpus_sha256 = corpus.digest
        self.network = BeatAutoencoder(
            latent_size=recipe.latent_size, hidden_size=recipe.hidden_size
        )
        self.sampler = WindowSampler(corpus)
        self.validation = WindowSampler(corpus, "validation").fixed(VALIDATION_WINDOWS)

    def _noise(self, count: int, stream: int, step: int) -> torch.Tensor:
        shape = (count, BEATS, self.settings.latent_size)
        generator = generator_for(self.settings.seed, stream, step)
        return self.settings.latent_noise * torch.randn(shape, generator=generator)

    def draw(self, step: int, rows: slice) -> Tensors:
        """Rolls and the noise on their latents."""
        size = self.recipe.batch_size
        rolls = self.sampler.batch(size, self.settings.seed, step, rows).rolls
        return rolls, self._noise(size, 0, step)[rows]

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Reconstruction loss of what `draw` gave."""
        rolls, noise = batch
        return reconstruction_loss(network(rolls, noise), rolls)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Loss, onset F1 and share of exact beats on validation windows, clean and noisy."""
        figures: dict[str, float] = {}
        rolls = self.validation.rolls.to(network.device)
        noisy = self._noise(len(rolls), 1, 0).to(network.device)
        for kind, noise in (("clean", None), ("noisy", noisy)):
            logits = network(rolls, noise)
            figures[f"{kind}_loss"] = reconstruction_loss(logits, rolls).item()
            guess, truth = logits[:, :2] > 0, rolls[:, :2] > 0
            hits, marked = (guess & truth)[:, 0].sum(), guess[:, 0].sum() + truth[:, 0].sum()
            figures[f"{kind}_onset_f1"] = (2 * hits / marked).item()
            same = (guess == truth).unflatten(3, (-1, 4)).all(4).all(2).all(1)
            figures[f"{kind}_exact_beats"] = same.float().mean().item()
        return figures


def new_dit(recipe: Recipe, labels: int, collections: Sequence[str] = ()) -> PrismDiT:
    """A transformer as the recipe says, untrained; without collections no condition for them."""
    values = attribute_values(recipe.attributes, collections)
    return PrismDiT(
        labels=labels,
        latent_size=recipe.latent_size,
        attributes={name: len(known) for name, known in values.items() if known} or None,
        self_conditioning=recipe.self_conditioning_share > 0,
        letters=LETTERS if recipe.form_share else 0,
        dropout=recipe.dropout,
        **SIZES[recipe.size],
    )


class DiTStage:
    """Trains a `PrismDiT` to predict the flow of a fixed autoencoder's latents.

    The folder `samples` receives those of each evaluation: the notes of the first, and a sheet of
    all if there is something to draw it (see `RunConfig`).
    """

    name = "dit"

    def __init__(
        self,
        recipe: Recipe,
        corpus: Corpus,
        autoencoder: BeatAutoencoder,
        samples: pathlib.Path,
        draw_samples: DrawSamples | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed + 1)
        self.settings, self.recipe = recipe, recipe.dit
        self.corpus_sha256 = corpus.digest
        self.collections = collections_in(corpus) if COLLECTION in recipe.attributes else ()
        self.network = new_dit(recipe, len(corpus.labels), self.collections)
        if recipe.start:
            begin_dit(self.network, recipe.start)
        self.autoencoder = autoencoder.eval()
        self.profiles = label_profiles(corpus)
        for label, shares in attribute_shares(corpus, recipe.drawn_attributes).items():
            self.profiles[label]["attributes"] = shares
        for label, plans in form_plans(corpus).items() if recipe.form_share else ():
            self.profiles[label]["plans"] = plans
        options = (self.collections, recipe.key_normalised, recipe.label_power)
        form = recipe.form_share > 0
        self.sampler = WindowSampler(corpus, "train", *options, form)
        held_out = WindowSampler(corpus, "validation", *options, form)
        self.validation = chunks(held_out.fixed(VALIDATION_WINDOWS))
        self.known = [self._attributes(part) for part in self.validation]
        self.samples, self._draw_samples = samples, draw_samples

    def draw(self, step: int, rows: slice) -> Tensors:
        """Rolls, labels, metre, attributes, noise, times, estimate given or not, letters, known.

        Labels, metre, attributes and letters are dropped now and then; `known`, bool, shape=(B, N),
        are the beats whose data are given.
        """
        size = self.recipe.batch_size
        batch = self.sampler.batch(size, self.settings.seed, step, rows)
        generator = generator_for(self.settings.seed, 2, step)
        drop = torch.rand(2, size, generator=generator)[:, rows]
        labels = batch.labels.where(
            drop[0] >= self.settings.null_label_share, self.network.null_label
        )
        metre = batch.metre * (drop[1] >= self.settings.unknown_metre_share)[:, None, None]
        attributes = self._dropped(self._attributes(batch), labels, step, rows)
        noise, t = self._noise(size, generator, 0.1)
        # One draw for the whole batch: half of the steps are then spared the second forward pass.
        guessed = torch.rand((), generator=generator) < self.settings.self_conditioning_share
        guessed = guessed.expand(size)[rows]
        letters, known = self._letters(batch, step, rows), self._known(step)[rows]
        return batch.rolls, labels, metre, attributes, noise[rows], t[rows], guessed, letters, known

    def _letters(self, batch: Batch, step: int, rows: slice) -> torch.Tensor:
        """Form letters, int64, shape=(B, N): which stands for which is shuffled, or all are 0."""
        size, share = self.recipe.batch_size, self.settings.form_share
        generator = generator_for(self.settings.seed, 5, step)
        told = torch.rand(size, 1, generator=generator)[rows] < share
        order = 1 + torch.rand(size, LETTERS, generator=generator)[rows].argsort(1)
        shuffled = F.pad(order, (1, 0)).gather(1, batch.letters)
        return shuffled * told

    def _known(self, step: int) -> torch.Tensor:
        """Which beats are known, bool, shape=(B, N): a span, or all but a span, or none."""
        size, share = self.recipe.batch_size, self.settings.known_share
        generator = generator_for(self.settings.seed, 6, step)
        low, high = torch.rand(2, size, 1, generator=generator).sort(0).values
        outside, some = torch.rand(2, size, 1, generator=generator)
        place = torch.arange(BEATS) / BEATS
        span = (place >= low) & (place < high)
        return (span ^ (outside < 0.5)) & (some < share)

    def _attributes(self, batch: Batch) -> torch.Tensor:
        """What each roll has, int64, shape=(B, A)."""
        names = self.network.attribute_names
        if not names:
            return torch.zeros(len(batch.labels), 0, dtype=torch.int64)
        measured = [name for name in names if name != COLLECTION]
        # Of key-normalised windows too, what is asked for is said of the music in its own key.
        back = -batch.shifts if self.settings.key_normalised else torch.zeros_like(batch.shifts)
        rolls = [
            tensor_roll(roll, **roll_properties(metre.numpy())).transposed(int(shift))
            for roll, metre, shift in zip(batch.rolls, batch.metre, back, strict=True)
        ]
        found = np.array([attribute_indices(roll, measured) for roll in rolls], np.int64)
        columns = dict(zip(measured, torch.from_numpy(found).unbind(-1), strict=True))
        columns[COLLECTION] = batch.collections
        return torch.stack([columns[name] for name in names], dim=1)

    def _dropped(
        self, attributes: torch.Tensor, labels: torch.Tensor, step: int, rows: slice
    ) -> torch.Tensor:
        """The attributes of some rows with some of them null, all for half of the null labels."""
        size = self.recipe.batch_size
        generator = generator_for(self.settings.seed, 4, step)
        every = torch.rand(size, 1, generator=generator)[rows]
        each = torch.rand(size, attributes.shape[1], generator=generator)[rows]
        share = torch.full((len(labels), 1), self.settings.open_attributes_share)
        share[labels == self.network.null_label] = 0.5
        gone = (every < share) | (each < self.settings.open_attribute_share)
        return torch.where(gone, self.network.null_attributes, attributes)

    def _noise(
        self, count: int, generator: torch.Generator, uniform_share: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.randn((count, BEATS, self.settings.latent_size), generator=generator)
        return noise, sample_times(count, generator, uniform_share, self.settings.t_mean)

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Flow-matching loss of what `draw` gave, over the beats that are not known."""
        rolls, labels, metre, attributes, noise, t, guessed, letters, known = batch
        with torch.no_grad():
            data = self.autoencoder.encode(rolls).float()
        x_t = add_noise(data, noise, t)
        given = (x_t, t, labels, metre, attributes)
        # The known data, elsewhere zeros or the network's own estimate; None if it takes none.
        self_cond = None
        if self.settings.self_conditioning_share:
            self_cond = data * known[..., None]
            if guessed[0]:
                with torch.no_grad():
                    first = network(*given, self_cond, letters=letters).float()
                estimate = x_t - t[:, None, None] * first
                self_cond = torch.where(known[..., None], self_cond, estimate)
        flow = network(*given, self_cond, letters=letters)
        error = ((flow.float() - (noise - data)) ** 2).mean(2) * ~known  # (B, N)
        # Item by item, so that a batch in parts has the loss of the whole.
        return (error.sum(1) / (~known).sum(1).clamp(min=1)).mean()

    def pipeline(self, network: PrismDiT) -> PrismPipeline:
        """The whole model around this state of the transformer."""
        return PrismPipeline(
            self.autoencoder, network, self.profiles, self.collections, self.settings.key_normalised
        )

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Validation loss (t uniform, fixed noise) and statistics of a few samples."""
        figures = {"validation_loss": self._validation_loss(network)}
        if self.settings.attributes:
            figures["informed_validation_loss"] = self._validation_loss(network, informed=True)
        if self.settings.self_conditioning_share:
            figures["guessed_validation_loss"] = self._validation_loss(network, guessed=True)
        pipe = self.pipeline(network)
        names = [pipe.composers[i * len(pipe.composers) // SAMPLES] for i in range(SAMPLES)]
        rolls = [pipe(name, seed=i).rolls[0] for i, name in enumerate(names)]
        keep_sample(rolls[0], step, names[0], 0, self.samples)
        if self._draw_samples:
            self._draw_samples(rolls, names, self.samples / f"samples-{step:06d}.png")
        return figures | mean_description(rolls)

    def _validation_loss(
        self, network: nn.Module, informed: bool = False, guessed: bool = False
    ) -> float:
        """Mean loss of the validation windows, with or without attributes and self-conditioning."""
        losses, told = [], torch.tensor([guessed])
        for i, (part, attributes) in enumerate(zip(self.validation, self.known, strict=True)):
            if not informed:
                attributes = self.network.null_attributes.expand_as(attributes)
            generator = generator_for(self.settings.seed, 3, i)
            noise = self._noise(len(part.labels), generator, 1.0)
            none = torch.zeros(part.letters.shape, dtype=torch.bool)
            letters = part.letters * (informed and self.settings.form_share > 0)
            batch = (part.rolls, part.labels, part.metre, attributes, *noise, told, letters, none)
            losses.append(self.batch_loss(network, [x.to(network.device) for x in batch]))
        return torch.stack(losses).mean().item()
