"""Does a mixture of two composers follow the slider: the corpus network's two-way log-odds.

Conventions
-----------
log-odds
    log p(first) − log p(second) by the corpus network, which does not ask whether a third composer
    is likelier than both. A probability below `FLOOR` counts as that.
weight
    The first composer's share: 0 is the second alone, 1 the first alone.
rise
    The least-squares slope of a pair's log-odds (the mean over its samples) against the weight is
    above 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.evaluation.bootstrap import (
    bootstrap_interval,
    rank_correlation,
    rounded,
    rounded_pair,
    share_interval,
)
from prism.evaluation.processes import in_processes
from prism.models.pipeline import PrismPipeline
from prism.music.progress import ProgressBar
from prism.music.roll import PianoRoll
from prism.similarity.networks import CorpusFeatures

MIX_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
FLOOR = 1e-9

Pair = tuple[str, str]


def mixed_pairs(composers: Sequence[str], count: int, seed: int) -> list[Pair]:
    """Every pair of different composers, or so many of them drawn at random; each once."""
    pairs = list(itertools.combinations(composers, 2))
    rng = np.random.default_rng([seed, 5])
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[:count]]
    # Which is the first must not go by the order in which composers are listed.
    return [pair if rng.random() < 0.5 else pair[::-1] for pair in chosen]


def mixing(
    prism: PrismPipeline,
    network: CorpusFeatures,
    pairs: Sequence[Pair],
    samples: int,
    seed: int,
    processes: int = 1,
) -> dict[str, Any]:
    """`mixing_figures` of Prism: at every weight of a pair the same seeds, `samples` of them."""

    def table(number: int) -> np.ndarray:
        seeds = range(seed + number * samples, seed + (number + 1) * samples)
        pair = pairs[number]
        rolls = [r for w in MIX_WEIGHTS for r in prism(*_mix(pair, w), seed=seeds).rolls]
        return _probabilities(network, rolls, pair)

    tables = in_processes(table, range(len(pairs)), processes)
    return mixing_figures(np.array(list(ProgressBar(tables, "mixing", len(pairs)))))


def real_mixing(
    corpus: Corpus,
    network: CorpusFeatures,
    pairs: Sequence[Pair],
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """`mixing_figures` of real music: that share of a window by the first, the rest by the second.

    What the measure gives where the mixture is known to be one.
    """
    rng = np.random.default_rng([seed, 7])
    windows = windows_by_label(corpus, "test")
    tables = []
    for pair in pairs:
        drawn = [
            [windows[name][rng.integers(len(windows[name]))].roll for name in pair]
            for _ in range(samples)
        ]
        rolls = [joined(*two, weight) for weight in MIX_WEIGHTS for two in drawn]
        tables.append(_probabilities(network, rolls, pair))
    return mixing_figures(np.array(tables))


def joined(first: PianoRoll, second: PianoRoll, share: float = 0.5) -> PianoRoll:
    """The beginning of one roll up to a share of its length, then another's beginning."""
    frames = round(share * first.frames)
    parts = (
        np.concatenate(
            [getattr(first, name)[:, :frames], getattr(second, name)[:, : first.frames - frames]],
            axis=1,
        )
        for name in ("onset", "sustain", "velocity")
    )
    return PianoRoll(*parts, tempo=first.tempo)


def _probabilities(network: CorpusFeatures, rolls: Sequence[PianoRoll], pair: Pair) -> np.ndarray:
    """Of both composers, for rolls weight by weight, shape=(weights, samples, 2)."""
    places = [network.composers.index(name) for name in pair]
    table = network.probabilities(rolls).numpy()[:, places]
    return table.reshape(len(MIX_WEIGHTS), -1, 2)


def mixing_figures(table: np.ndarray) -> dict[str, Any]:
    """What probabilities of both composers say, shape=(pairs, weights, samples, 2).

    Returns
    -------
    dict
        ``rows``: for each ``weight`` the mean probability of the ``first`` and of the ``second``
        composer, the mean ``log_odds`` and its ``interval`` (pairs drawn again); in how many of
        ``pairs`` they rise, ``rising``, as a ``share`` with its ``interval``; the mean ``slope``
        and the mean ``rank_correlation`` (Spearman's) of a pair; ``samples`` a pair and weight.
    """
    odds = np.log(np.maximum(table, FLOOR)) @ [1, -1]
    curves = odds.mean(axis=2)
    weights = np.array(MIX_WEIGHTS)
    slopes = np.polyfit(weights, curves.T, 1)[0]
    rising = int((slopes > 0).sum())
    rows = [
        {
            "weight": weight,
            "first": rounded(table[:, k, :, 0].mean()),
            "second": rounded(table[:, k, :, 1].mean()),
            "log_odds": rounded(curves[:, k].mean()),
            "interval": rounded_pair(bootstrap_interval(curves[:, k])),
        }
        for k, weight in enumerate(MIX_WEIGHTS)
    ]
    return {
        "rows": rows,
        "pairs": len(table),
        "samples": table.shape[2],
        "rising": rising,
        "share": rounded(rising / len(table)),
        "interval": rounded_pair(share_interval(rising, len(table))),
        "slope": rounded(slopes.mean()),
        "rank_correlation": rounded(np.mean([rank_correlation(weights, c) for c in curves])),
    }


def _mix(pair: Pair, weight: float) -> tuple[list[str], list[float]]:
    """Composers and weights of a call; one with no weight is not named at all."""
    both = [(name, w) for name, w in zip(pair, (weight, 1 - weight), strict=True) if w > 0]
    return [name for name, _ in both], [w for _, w in both]
