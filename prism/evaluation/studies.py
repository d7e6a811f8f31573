"""What composers, weights and guidance do, by the corpus network's probabilities."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F

from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.evaluation.bootstrap import rounded, rounded_pair, share_interval
from prism.models.pipeline import PrismPipeline
from prism.music.roll import PianoRoll
from prism.music.statistics import mean_description
from prism.similarity.networks import CorpusFeatures

MIX_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
GUIDANCE_SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


def mixed_pairs(composers: Sequence[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Random pairs of different composers."""
    rng = np.random.default_rng([seed, 5])
    pairs = [rng.choice(len(composers), 2, replace=False) for _ in range(count)]
    return [(composers[a], composers[b]) for a, b in pairs]


def mixing(
    prism: PrismPipeline, network: CorpusFeatures, pairs: Sequence[tuple[str, str]], seed: int
) -> Iterator[dict[str, Any]]:
    """For each ``weight`` of a pair's first composer: what `_recognised` says."""
    for weight in MIX_WEIGHTS:
        rolls = [prism(*_mix(pair, weight), seed=seed + i).rolls[0] for i, pair in enumerate(pairs)]
        yield {"weight": weight} | _recognised(rolls, network, pairs)


def real_mixing(
    corpus: Corpus,
    network: CorpusFeatures,
    pairs: Sequence[tuple[str, str]],
    seed: int,
    split: str = "test",
) -> dict[str, Any]:
    """`_recognised` of real music: half a window by each of a pair, one after the other."""
    rng = np.random.default_rng([seed, 7])
    windows = windows_by_label(corpus, split)
    rolls = []
    for pair in pairs:
        first, second = (windows[name][rng.integers(len(windows[name]))].roll for name in pair)
        rolls.append(joined(first, second))
    return _recognised(rolls, network, pairs)


def joined(first: PianoRoll, second: PianoRoll) -> PianoRoll:
    """The first half of one roll, then the first half of another of the same length."""
    half = first.frames // 2
    halves = (
        np.concatenate([getattr(roll, name)[:, :half] for roll in (first, second)], axis=1)
        for name in ("onset", "sustain", "velocity")
    )
    return PianoRoll(*halves, tempo=first.tempo)


def _recognised(
    rolls: Sequence[PianoRoll], network: CorpusFeatures, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Whom the network recognises in rolls made of two composers each.

    Returns
    -------
    dict
        The mean probability of the ``first`` and the ``second`` composer; the share of rolls with
        ``both_in_top_two``, its ``interval``, and the number of ``samples``.
    """
    table = network.probabilities(rolls).numpy()
    places = np.array([[network.composers.index(name) for name in pair] for pair in pairs])
    mine = np.take_along_axis(table, places, axis=1)
    # Both are among the two likeliest if nobody else is likelier than the lesser of them.
    above = (table > mine.min(axis=1, keepdims=True)).sum(axis=1)
    both = int((above <= 1).sum())
    return {
        "first": rounded(mine[:, 0].mean()),
        "second": rounded(mine[:, 1].mean()),
        "both_in_top_two": rounded(both / len(pairs)),
        "interval": rounded_pair(share_interval(both, len(pairs))),
        "samples": len(pairs),
    }


def _mix(pair: tuple[str, str], weight: float) -> tuple[list[str], list[float]]:
    """Composers and weights of a call; one with no weight is not named at all."""
    both = [(name, w) for name, w in zip(pair, (weight, 1 - weight), strict=True) if w > 0]
    return [name for name, _ in both], [w for _, w in both]


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

    Returns
    -------
    dict
        ``recognised``, the share that the corpus network takes for their composer; ``diversity``,
        the mean distance (1 − cosine) of two of one composer; ``statistics``, their means.
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
    corpus: Corpus, network: CorpusFeatures, samples: int, seed: int, split: str = "validation"
) -> dict[str, Any]:
    """`guidance_figures` of real windows, as many a composer (fewer where there are fewer)."""
    rng = np.random.default_rng([seed, 6])
    rolls = {
        label: [windows[i].roll for i in rng.permutation(len(windows))[:samples]]
        for label, windows in windows_by_label(corpus, split).items()
    }
    return guidance_figures(rolls, network)


def recognition(corpus: Corpus, network: CorpusFeatures, split: str = "test") -> dict[str, Any]:
    """How well the corpus network tells held-out windows apart.

    Returns
    -------
    dict
        ``accuracy`` and ``top_two`` over all windows, ``mean_recall`` over composers, the number
        of ``windows``, the ``composers``, and ``confusion``: a row a true composer, shares of what
        it was taken for.
    """
    by_label = windows_by_label(corpus, split)
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
