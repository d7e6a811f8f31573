"""Both feature networks with their bands: what the page and the experiment ask for scores."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F

from prism.models.hub import reading
from prism.music.roll import PianoRoll
from prism.similarity.bands import Band, in_words, load_bands
from prism.similarity.networks import CorpusFeatures, FeatureNetwork, ImageNetFeatures

BANDS_FILE = "bands.json"


@dataclasses.dataclass(frozen=True)
class Score:
    """One network's cosine of two rolls, −1 to 1, and what such a cosine is like, in words."""

    network: str
    cosine: float
    words: str


class SimilarityScorer:
    """Compares rolls by the features of several networks, each with its bands."""

    def __init__(
        self, networks: Sequence[FeatureNetwork], bands: dict[str, dict[str, Band]]
    ) -> None:
        self.networks = {network.name: network for network in networks}
        self.bands = {name: bands[name] for name in self.networks}

    @classmethod
    def from_pretrained(cls, folder: str | pathlib.Path, composers: list[str]) -> SimilarityScorer:
        """Load the ImageNet network, the corpus network and their bands.

        Raises WeightsError if the folder's files are missing, damaged, or made for other labels.
        """
        folder = pathlib.Path(folder)
        corpus = CorpusFeatures.from_pretrained(folder, composers)
        advice = "restore the file or measure them with: prism evaluate bands"
        with reading(folder, BANDS_FILE, "bands", advice):
            bands = load_bands(folder / BANDS_FILE)
            return cls([ImageNetFeatures(), corpus], bands)

    def features(self, rolls: Sequence[PianoRoll]) -> dict[str, torch.Tensor]:
        """Every network's features of rolls, shape=(B, F)."""
        return {name: network.features(rolls) for name, network in self.networks.items()}

    def scores(
        self, reference: PianoRoll, others: Mapping[str, PianoRoll]
    ) -> dict[str, list[Score]]:
        """Each of `others` against one reference: a score a network, under the same keys."""
        found: dict[str, list[Score]] = {name: [] for name in others}
        if not others:
            return found
        for network, features in self.features([reference, *others.values()]).items():
            cosines = F.cosine_similarity(features[:1], features[1:]).tolist()
            for name, cosine in zip(others, cosines, strict=True):
                words = in_words(cosine, self.bands[network])
                found[name].append(Score(network, cosine, words))
        return found
