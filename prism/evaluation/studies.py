"""What composers and guidance do, by the corpus network's probabilities."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch.nn.functional as F

from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.evaluation.bootstrap import rounded
from prism.models.pipeline import PrismPipeline
from prism.music.roll import PianoRoll
from prism.music.statistics import mean_description
from prism.similarity.networks import CorpusFeatures

GUIDANCE_SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


def guidance(
    prism: PrismPipeline, network: CorpusFeatures, samples: int, seed: int
) -> Iterator[dict[str, Any]]:
    """For each guidance scale, from `samples` rolls a composer, what `guidance_figures` says."""
    for scale in GUIDANCE_SCALES:
        rolls = {
            name: prism(name, guidance_scale=scale, seed=range(seed, seed + samples)).rolls
            for name in prism.composers
        }
        yield {"guidance_scale": scale} | guidance_figures(rolls, network)


def guidance_figures(rolls: dict[str, list[PianoRoll]], network: CorpusFeatures) -> dict[str, Any]:
    """What can be said of several rolls a composer.

    ``recognised``, the share that the corpus network takes for their composer; ``diversity``, the
    mean distance (1 − cosine) of two of one composer; ``statistics``, their means.
    """
    hits, distances = [], []
    for name, drawn in rolls.items():
        table = network.probabilities(drawn)
        hits += (table.argmax(1) == network.composers.index(name)).tolist()
        features = F.normalize(network.features(drawn))
        distances += [1 - float(a @ b) for a, b in itertools.combinations(features, 2)]
    everything = [roll for drawn in rolls.values() for roll in drawn]
    figures = mean_description(everything)
    return {
        "recognised": rounded(np.mean(hits)),
        "diversity": rounded(np.mean(distances)),
        "statistics": {name: rounded(value) for name, value in figures.items()},
    }


def real_figures(
    corpus: Corpus, network: CorpusFeatures, samples: int, seed: int
) -> dict[str, Any]:
    """`guidance_figures` of real windows, as many a composer (fewer where there are fewer)."""
    rng = np.random.default_rng([seed, 6])
    rolls = {
        label: [windows[i].roll for i in rng.permutation(len(windows))[:samples]]
        for label, windows in windows_by_label(corpus, "validation").items()
    }
    return guidance_figures(rolls, network)


def recognition(corpus: Corpus, network: CorpusFeatures) -> dict[str, Any]:
    """How well the corpus network tells held-out windows apart.

    Returns
    -------
    dict
        ``accuracy`` and ``top_two`` over all windows, ``mean_recall`` over composers, the number
        of ``windows``, the ``composers``, and ``confusion``: a row a true composer, shares of what
        it was taken for.
    """
    by_label = windows_by_label(corpus, "test")
    size = len(by_label)
    counts, top_two = np.zeros((size, size)), 0
    for row, windows in enumerate(by_label.values()):
        table = network.probabilities([window.roll for window in windows])
        counts[row] = np.bincount(table.argmax(1).numpy(), minlength=size)
        top_two += int((table.topk(min(2, size)).indices == row).any(1).sum())
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return {
        "accuracy": rounded(np.trace(counts) / counts.sum()),
        "mean_recall": rounded(np.diag(shares).mean()),
        "top_two": rounded(top_two / counts.sum()),
        "windows": int(counts.sum()),
        "composers": list(by_label),
        "confusion": [[rounded(x) for x in row] for row in shares],
    }
