"""The two stages: the beat autoencoder, then the diffusion transformer on its latents."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from prism.attributes import ATTRIBUTES, attribute_indices
from prism.autoencoder import BeatAutoencoder, reconstruction_loss
from prism.corpora.prepared import Corpus
from prism.dataset import Batch, WindowSampler, attribute_shares, label_profiles, tensor_roll
from prism.diffusion import add_noise, sample_times
from prism.dit import SIZES, PrismDiT
from prism.pipeline import PrismPipeline
from prism.plotting import save_sheet
from prism.statistics import mean_description
from prism.training.recipe import Recipe

VALIDATION_WINDOWS = 256
SAMPLES = 8


def generator_for(seed: int, stream: int, step: int) -> torch.Generator:
    """A generator for one step of one random stream."""
    return torch.Generator().manual_seed((seed * 16 + stream) * 2**32 + step)


def chunks(batch: Batch, size: int = 32) -> list[Batch]:
    """Cut a batch into smaller ones."""
    fields = [f.name for f in dataclasses.fields(batch)]
    parts = [getattr(batch, name).split(size) for name in fields]
    return [Batch(*row) for row in zip(*parts, strict=True)]


class AutoencoderStage:
    """Trains a `BeatAutoencoder` to rebuild windows through noisy latents."""

    name = "autoencoder"

    def __init__(self, recipe: Recipe, corpus: Corpus) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.autoencoder
        self.network = BeatAutoencoder(
            latent_size=recipe.latent_size, hidden_size=recipe.hidden_size
        )
        self.sampler = WindowSampler(corpus)
        self.validation = WindowSampler(corpus, "validation").fixed(VALIDATION_WINDOWS)

    def _noise(self, rolls: torch.Tensor, stream: int, step: int) -> torch.Tensor:
        shape = (len(rolls), rolls.shape[3] // 4, self.settings.latent_size)
        generator = generator_for(self.settings.seed, stream, step)
        return self.settings.latent_noise * torch.randn(shape, generator=generator)

    def loss(self, step: int) -> torch.Tensor:
        """Reconstruction loss of a step's batch."""
        rolls = self.sampler.batch(self.recipe.batch_size, self.settings.seed, step).rolls
        return reconstruction_loss(self.network(rolls, self._noise(rolls, 0, step)), rolls)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Loss, onset F1 and share of exact beats on validation windows, clean and noisy."""
        figures: dict[str, float] = {}
        rolls = self.validation.rolls
        for kind, noise in (("clean", None), ("noisy", self._noise(rolls, 1, 0))):
            logits = network(rolls, noise)
            figures[f"{kind}_loss"] = reconstruction_loss(logits, rolls).item()
            guess, truth = logits[:, :2] > 0, rolls[:, :2] > 0
            hits, marked = (guess & truth)[:, 0].sum(), guess[:, 0].sum() + truth[:, 0].sum()
            figures[f"{kind}_onset_f1"] = (2 * hits / marked).item()
            same = (guess == truth).unflatten(3, (-1, 4)).all(4).all(2).all(1)
            figures[f"{kind}_exact_beats"] = same.float().mean().item()
        return figures


class DiTStage:
    """Trains a `PrismDiT` to predict the flow of a fixed autoencoder's latents.

    Parameters
    ----------
    recipe : Recipe
        Settings.
    corpus : Corpus
        Prepared corpus.
    autoencoder : BeatAutoencoder
        Trained; stays as it is.
    pictures : Path
        Folder for a sheet of samples at each evaluation.
    """

    name = "dit"

    def __init__(
        self, recipe: Recipe, corpus: Corpus, autoencoder: BeatAutoencoder, pictures: pathlib.Path
    ) -> None:
        torch.manual_seed(recipe.seed + 1)
        self.settings, self.recipe = recipe, recipe.dit
        self.network = PrismDiT(
            labels=len(corpus.labels),
            latent_size=recipe.latent_size,
            attributes={name: len(ATTRIBUTES[name].values) for name in recipe.attributes} or None,
            **SIZES[recipe.size],
        )
        self.autoencoder = autoencoder.eval()
        self.profiles = label_profiles(corpus)
        for label, shares in attribute_shares(corpus, recipe.drawn_attributes).items():
            self.profiles[label]["attributes"] = shares
        self.sampler = WindowSampler(corpus)
        self.validation = chunks(WindowSampler(corpus, "validation").fixed(VALIDATION_WINDOWS))
        self.pictures = pictures

    def loss(self, step: int) -> torch.Tensor:
        """Flow-matching loss of a step's batch, conditions dropped now and then."""
        batch = self.sampler.batch(self.recipe.batch_size, self.settings.seed, step)
        generator = generator_for(self.settings.seed, 2, step)
        drop = torch.rand(2, len(batch.labels), generator=generator)
        labels = batch.labels.where(
            drop[0] >= self.settings.null_label_share, self.network.null_label
        )
        metre = batch.metre * (drop[1] >= self.settings.unknown_metre_share)[:, None, None]
        attributes = self._dropped(self._attributes(batch.rolls), labels, step)
        kept = Batch(batch.rolls, labels, metre)
        return self._flow_loss(self.network, kept, attributes, generator, 0.1)

    def _attributes(self, rolls: torch.Tensor) -> torch.Tensor:
        """What each roll has, int64, shape=(B, A)."""
        names = self.network.attribute_names
        return torch.tensor(
            np.array([attribute_indices(tensor_roll(roll), names) for roll in rolls]),
            dtype=torch.int64,
        ).reshape(len(rolls), len(names))

    def _dropped(
        self, attributes: torch.Tensor, labels: torch.Tensor, step: int
    ) -> torch.Tensor:
        """The attributes with some of them null, all of them for half of the null labels."""
        generator = generator_for(self.settings.seed, 4, step)
        every = torch.rand(len(labels), 1, generator=generator)
        each = torch.rand(attributes.shape, generator=generator)
        share = torch.full((len(labels), 1), self.settings.open_attributes_share)
        share[labels == self.network.null_label] = 0.5
        gone = (every < share) | (each < self.settings.open_attribute_share)
        return torch.where(gone, self.network.null_attributes, attributes)

    def _flow_loss(
        self,
        network: nn.Module,
        batch: Batch,
        attributes: torch.Tensor,
        generator: torch.Generator,
        uniform_share: float,
    ) -> torch.Tensor:
        with torch.no_grad():
            data = self.autoencoder.encode(batch.rolls).float()
        noise = torch.randn(data.shape, generator=generator)
        t = sample_times(len(data), generator, uniform_share)
        flow = network(add_noise(data, noise, t), t, batch.labels, batch.metre, attributes)
        return F.mse_loss(flow.float(), noise - data)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Validation loss (t uniform, fixed noise) and statistics of a few samples."""
        figures = {"validation_loss": self._validation_loss(network, informed=False)}
        if self.settings.attributes:
            figures["informed_validation_loss"] = self._validation_loss(network, informed=True)
        pipe = PrismPipeline(self.autoencoder, network, self.profiles)
        names = [pipe.composers[i * len(pipe.composers) // SAMPLES] for i in range(SAMPLES)]
        rolls = [pipe(name, seed=i).rolls[0] for i, name in enumerate(names)]
        save_sheet(rolls, names, self.pictures / f"samples-{step:06d}.png")
        return figures | mean_description(rolls)

    def _validation_loss(self, network: nn.Module, informed: bool) -> float:
        """Mean loss of the validation windows, told their attributes or not."""
        losses = []
        for i, part in enumerate(self.validation):
            attributes = self._attributes(part.rolls)
            if not informed:
                attributes = self.network.null_attributes.expand_as(attributes)
            generator = generator_for(self.settings.seed, 3, i)
            losses.append(self._flow_loss(network, part, attributes, generator, 1.0))
        return torch.stack(losses).mean().item()

