"""Frozen latents: every training picture goes through the autoencoder once, ever.

Conventions
-----------
shard
    ``latents-00000.npy`` and so on: float16, (n, 8, 32, 32), mean and logarithm of the variance of
    up to 1,024 pictures, so that an epoch can still draw each latent anew.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import numpy as np
import torch
from diffusers import AutoencoderKL
from tqdm import tqdm

from prism.models.original import picture_tensor
from prism.music.midipic import to_picture
from prism.music.windows import Window
from prism.training.files import write_text, write_whole

SHARD_PICTURES = 1024
_PICTURES_AT_ONCE = 16


class LatentCache:
    """The latents of a list of windows, in shards on disk; what is missing is made.

    Parameters
    ----------
    folder : Path
        Where the shards are.
    windows : sequence of Window
        In a fixed order.
    identity : dict
        What the latents depend on: autoencoder and corpus.

    Raises
    ------
    ValueError
        If the folder holds latents of something else.
    """

    def __init__(
        self, folder: pathlib.Path, windows: Sequence[Window], identity: dict[str, str]
    ) -> None:
        self._folder, self._windows = folder, windows
        folder.mkdir(parents=True, exist_ok=True)
        self._check(folder / "latents.json", identity | {"pictures": len(windows)})
        self._shards: list[np.ndarray] = []

    def _check(self, path: pathlib.Path, identity: dict) -> None:
        if not path.is_file():
            write_text(path, json.dumps(identity, indent=1) + "\n")
        found = json.loads(path.read_text(encoding="utf-8"))
        if found != identity:
            raise ValueError(
                f"{self._folder} holds latents of {found}, expected those of {identity}; "
                "choose another --output folder or delete it"
            )

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def paths(self) -> list[pathlib.Path]:
        """All shards there should be."""
        count = -(-len(self) // SHARD_PICTURES)
        return [self._folder / f"latents-{i:05d}.npy" for i in range(count)]

    def fill(self, autoencoder: AutoencoderKL) -> None:
        """Make the shards that are missing."""
        missing = [(i, path) for i, path in enumerate(self.paths) if not path.is_file()]
        for i, path in tqdm(missing, desc="latents", unit="shard", disable=not missing):
            windows = self._windows[i * SHARD_PICTURES : (i + 1) * SHARD_PICTURES]
            write_whole(path, lambda partial, w=windows: _save(partial, moments(autoencoder, w)))

    def moments(self, indices: np.ndarray) -> torch.Tensor:
        """Mean and logarithm of the variance of some latents, float32, (B, 8, 32, 32)."""
        if not self._shards:
            self._shards = [np.load(path, mmap_mode="r") for path in self.paths]
        rows = [self._shards[i // SHARD_PICTURES][i % SHARD_PICTURES] for i in indices]
        return torch.from_numpy(np.stack(rows).astype(np.float32))


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
