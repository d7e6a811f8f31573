"""The original's route: a DiT that predicts the noise on frozen latents of pictures.

Conventions
-----------
shard
    ``latents-00000.npy`` and so on: float16, (n, 8, 32, 32), mean and logarithm of the variance of
    up to 1,024 pictures. Every picture goes through the autoencoder once, ever, and yet an epoch
    can draw each latent anew.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import pathlib
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import nn

from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.models.original import (
    OriginalPipeline,
    new_transformer,
    noise_schedule,
    picture_tensor,
)
from prism.music.midipic import to_picture
from prism.music.progress import ProgressBar
from prism.music.statistics import mean_description
from prism.music.windows import Window
from prism.music.writing import write_atomic, write_json
from prism.training.batches import WHOLE, DrawSamples, Tensors, generator_for
from prism.training.recipe import OriginalRecipe
from prism.training.stages import SAMPLES

VALIDATION_PICTURES = 256
SHARD_PICTURES = 1024
_PART = 32
_PICTURES_AT_ONCE = 16


class LabelledLatents:
    """The latents of a split's pictures with their labels, in shards in a folder.

    `source` names the autoencoder; of more than `most` pictures, as many are taken, evenly spread.
    Raises ValueError if the folder holds latents of something else.
    """

    def __init__(
        self, corpus: Corpus, split: str, folder: pathlib.Path, source: str, most: int | None = None
    ) -> None:
        groups = windows_by_label(corpus, split).values()
        pairs = [(w, k) for k, group in enumerate(groups) for w in group]
        pairs = pairs[:: max(1, len(pairs) // most)][:most] if most else pairs
        self._windows = [window for window, _ in pairs]
        self.labels = torch.tensor([label for _, label in pairs])
        shards = range(-(-len(pairs) // SHARD_PICTURES))
        self.paths = [folder / f"latents-{i:05d}.npy" for i in shards]
        self._shards: list[np.ndarray] = []
        folder.mkdir(parents=True, exist_ok=True)
        digest = {"autoencoder": source, "corpus_sha256": corpus.digest}
        _check_identity(folder, digest | {"pictures": len(pairs)})

    def fill(self, autoencoder: AutoencoderKL) -> None:
        """Make the shards that are missing or damaged."""
        missing = [(i, path) for i, path in enumerate(self.paths) if not _is_whole(path)]
        for i, path in ProgressBar(missing, desc="latents", unit="shard", disable=not missing):
            windows = self._windows[i * SHARD_PICTURES : (i + 1) * SHARD_PICTURES]
            write_atomic(path, lambda partial, w=windows: _save(partial, moments(autoencoder, w)))

    def take(self, indices: np.ndarray) -> Tensors:
        """Moments, float32, (B, 8, 32, 32), and labels, (B,)."""
        if not self._shards:
            self._shards = [np.load(path, mmap_mode="r") for path in self.paths]
        rows = [self._shards[i // SHARD_PICTURES][i % SHARD_PICTURES] for i in indices]
        moments = torch.from_numpy(np.stack(rows).astype(np.float32))
        return moments, self.labels[torch.from_numpy(indices)]

    def epoch_indices(self, seed: int, batch_size: int, step: int) -> np.ndarray:
        """Which pictures a step's batch holds: every one once an epoch, in an order of its own."""
        count = len(self.labels)
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        orders = {
            epoch: np.random.default_rng([seed, epoch]).permutation(count)
            for epoch in range(places[0] // count, places[-1] // count + 1)
        }
        return np.array([orders[p // count][p % count] for p in places])


def _check_identity(folder: pathlib.Path, identity: dict) -> None:
    """Write down what the latents in a new folder depend on; compare with what is written."""
    path = folder / "latents.json"
    if not path.is_file():
        write_json(path, identity)
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        found = {}
    for name, expected in identity.items():
        if found.get(name) != expected:
            raise ValueError(
                f"{folder} holds latents of another run: their {name.replace('_', ' ')} is "
                f"{found.get(name, 'not known')}, expected {expected}; choose another --output "
                "folder or delete this one"
            )


def _is_whole(path: pathlib.Path) -> bool:
    """Whether a shard can be read; what it holds is made again where not."""
    try:
        return np.load(path, mmap_mode="r").ndim == 4
    except (OSError, EOFError, ValueError):
        return False


def _save(path: pathlib.Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)


@torch.inference_mode()
def moments(autoencoder: AutoencoderKL, windows: Sequence[Window]) -> np.ndarray:
    """Encode windows, float16, shape=(n, 8, 32, 32)."""
    parts = []
    for i in range(0, len(windows), _PICTURES_AT_ONCE):
        pictures = np.stack([to_picture(w.roll) for w in windows[i : i + _PICTURES_AT_ONCE]])
        posterior = autoencoder.encode(picture_tensor(pictures).to(autoencoder.device)).latent_dist
        parts.append(posterior.parameters.half().cpu().numpy())
    return np.concatenate(parts)


class OriginalStage:
    """Trains a DiT to predict the noise on the latents of pictures.

    The `autoencoder`, frozen, makes the latents that are missing and decodes the samples; `folder`
    receives the latents, and sheets of samples if there is something to draw them (see
    `RunConfig`).
    """

    name = "original"

    def __init__(
        self,
        recipe: OriginalRecipe,
        corpus: Corpus,
        autoencoder: AutoencoderKL,
        folder: pathlib.Path,
        draw_samples: DrawSamples | None = None,
    ) -> None:
        from accelerate import PartialState

        state = PartialState()
        self.autoencoder = autoencoder.eval().requires_grad_(False).to(state.device)
        latents = folder / "latents"
        source = recipe.autoencoder
        self.training = LabelledLatents(corpus, "train", latents / "train", source)
        self.validation = LabelledLatents(
            corpus, "validation", latents / "validation", source, VALIDATION_PICTURES
        )
        with state.main_process_first():
            for split in (self.training, self.validation):
                split.fill(self.autoencoder)
        steps = math.ceil(recipe.epochs * len(self.training.labels) / recipe.dit.batch_size)
        self.recipe = dataclasses.replace(recipe.dit, steps=steps)
        self.settings = dataclasses.replace(recipe, dit=self.recipe)
        self.composers = list(corpus.labels)
        self.corpus_sha256 = corpus.digest
        torch.manual_seed(recipe.seed)
        sample_size = self.training.take(np.zeros(1, np.int64))[0].shape[-1]
        self.network = new_transformer(
            len(corpus.labels), recipe.size, recipe.patch_size, sample_size
        )
        self.schedule = noise_schedule()
        self._samples, self._draw_samples = folder / "samples", draw_samples

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
        if self._draw_samples:
            self._draw_samples(rolls, names, self._samples / f"samples-{step:06d}.png")
        loss = torch.stack(losses).mean().item()
        return {"validation_loss": loss, **mean_description(rolls)}
