"""The original's route: a DiT that predicts the noise on frozen latents of pictures."""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import nn

from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.drawing.rolls import save_contact_sheet
from prism.models.original import OriginalPipeline, new_transformer, noise_schedule
from prism.music.statistics import mean_description
from prism.music.windows import Window
from prism.training.execution import Tensors
from prism.training.latents import LatentCache
from prism.training.recipe import OriginalRecipe
from prism.training.stages import SAMPLES, WHOLE, generator_for

VALIDATION_PICTURES = 256
_PART = 32


class LabelledLatents:
    """One side of a corpus: cached latents with their labels.

    Parameters
    ----------
    corpus : Corpus
        Prepared corpus.
    split : str
        ``"train"`` or ``"validation"``.
    folder : Path
        Of the cache.
    recipe : OriginalRecipe
        Names the autoencoder.
    most : int, optional
        Take no more pictures than this, evenly spread.
    """

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        folder: pathlib.Path,
        recipe: OriginalRecipe,
        most: int | None = None,
    ) -> None:
        groups = windows_by_label(corpus, split).values()
        pairs = [(w, k) for k, group in enumerate(groups) for w in group]
        pairs = pairs[:: max(1, len(pairs) // most)][:most] if most else pairs
        windows: tuple[Window, ...]
        windows, labels = zip(*pairs, strict=True)
        self.labels = torch.tensor(labels)
        identity = {"autoencoder": recipe.autoencoder, "corpus_sha256": corpus.digest}
        self.cache = LatentCache(folder / split, windows, identity)

    def take(self, indices: np.ndarray) -> Tensors:
        """Moments, (B, 8, 32, 32), and labels, (B,)."""
        return self.cache.moments(indices), self.labels[torch.from_numpy(indices)]

    def epoch_indices(self, seed: int, batch_size: int, step: int) -> np.ndarray:
        """Which pictures a step's batch holds: every one once an epoch, in an order of its own."""
        count = len(self.labels)
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        orders = {
            epoch: np.random.default_rng([seed, epoch]).permutation(count)
            for epoch in range(places[0] // count, places[-1] // count + 1)
        }
        return np.array([orders[p // count][p % count] for p in places])


class OriginalStage:
    """Trains a DiT to predict the noise on the latents of pictures.

    Parameters
    ----------
    recipe : OriginalRecipe
        Settings.
    corpus : Corpus
        Prepared corpus.
    autoencoder : AutoencoderKL
        Frozen; makes the latents that the cache lacks, and decodes the samples.
    folder : Path
        Receives the latents, and sheets of samples.
    """

    name = "original"

    def __init__(
        self,
        recipe: OriginalRecipe,
        corpus: Corpus,
        autoencoder: AutoencoderKL,
        folder: pathlib.Path,
    ) -> None:
        from accelerate import PartialState

        state = PartialState()
        self.autoencoder = autoencoder.eval().requires_grad_(False).to(state.device)
        latents = folder / "latents"
        self.training = LabelledLatents(corpus, "train", latents, recipe)
        self.validation = LabelledLatents(
            corpus, "validation", latents, recipe, VALIDATION_PICTURES
        )
        with state.main_process_first():
            for side in (self.training, self.validation):
                side.cache.fill(self.autoencoder)
        self.settings = recipe.for_pictures(len(self.training.labels))
        self.recipe, self.composers = self.settings.dit, list(corpus.labels)
        torch.manual_seed(recipe.seed)
        sample_size = self.training.cache.moments(np.zeros(1, np.int64)).shape[-1]
        self.network = new_transformer(
            len(corpus.labels), recipe.size, recipe.patch_size, sample_size
        )
        self.schedule = noise_schedule()
        self.pictures = folder / "samples"

    def draw(self, step: int, rows: slice) -> Tensors:
        """Moments, labels (some dropped), noise for the latents, noise to predict, and times."""
        size, seed = self.recipe.batch_size, self.settings.seed
        moments, labels = self.training.take(self.training.epoch_indices(seed, size, step)[rows])
        generator = generator_for(seed, 2, step)
        kept = torch.rand(size, generator=generator)[rows] >= self.settings.null_label_share
        labels = labels.where(kept, len(self.composers))
        return moments, labels, *self._noise(size, moments, generator, rows)

    def _noise(
        self, size: int, moments: torch.Tensor, generator: torch.Generator, rows: slice
    ) -> Tensors:
        shape = (2, size, moments.shape[1] // 2, *moments.shape[2:])
        noise = torch.randn(shape, generator=generator)[:, rows]
        steps = self.schedule.config.num_train_timesteps
        return *noise, torch.randint(steps, (size,), generator=generator)[rows]

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Squared error of the noise (Ho et al. 2020, equation 14)."""
        moments, labels, within, noise, t = batch
        posterior = DiagonalGaussianDistribution(moments)
        latents = posterior.mean + posterior.std * within
        latents = latents * self.autoencoder.config.scaling_factor
        noisy = self.schedule.add_noise(latents, noise, t)
        predicted = network(noisy, t, labels, return_dict=False)[0]
        return F.mse_loss(predicted.float(), noise)

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Validation loss (fixed noise) and statistics of a few samples."""
        losses = []
        count = len(self.validation.labels)
        for i, start in enumerate(range(0, count, _PART)):
            moments, labels = self.validation.take(np.arange(start, min(start + _PART, count)))
            generator = generator_for(self.settings.seed, 3, i)
            noise = self._noise(len(labels), moments, generator, WHOLE)
            batch = [tensor.to(network.device) for tensor in (moments, labels, *noise)]
            losses.append(self.batch_loss(network, batch))
        pipe = OriginalPipeline(
            self.autoencoder, network, self.composers, self.settings.autoencoder
        )
        names = list(itertools.islice(itertools.cycle(self.composers), SAMPLES))
        rolls = pipe(names, num_inference_steps=self.settings.sample_steps)
        save_contact_sheet(rolls, names, self.pictures / f"samples-{step:06d}.png")
        loss = torch.stack(losses).mean().item()
        return {"validation_loss": loss, **mean_description(rolls)}
