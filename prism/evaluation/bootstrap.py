"""Estimates with their uncertainty, and distances between distributions. Pure functions.

Conventions
-----------
interval
    (low, high), 95 %.
bootstrap
    The percentile bootstrap (Efron 1979), seeded, over the first axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

LEVEL = 0.95
RESAMPLES = 2000
_NORMAL_QUANTILE = 1.959964  # of (1 + LEVEL) / 2

Interval = tuple[float, float]


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    resamples: int = RESAMPLES,
) -> Interval:
    """Interval of a statistic of `values`, shape=(n, ...), n at least 1."""
    rng = np.random.default_rng(0)
    values = np.asarray(values)
    drawn = [
        statistic(values[rng.integers(len(values), size=len(values))]) for _ in range(resamples)
    ]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def share_interval(count: int, total: int) -> Interval:
    """Interval of a share (Wilson 1927); (0, 1) if `total` is 0."""
    if not total:
        return 0.0, 1.0
    share, z2 = count / total, _NORMAL_QUANTILE**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    spread *= _NORMAL_QUANTILE / (1 + z2 / total)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 up, equal values sharing their mean rank."""
    ordered = np.sort(values)
    below, upto = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (below + upto + 1) / 2


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's (1904): the correlation of ranks; 0 where one of them is constant."""
    a, b = ranks(a), ranks(b)
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else 0.0


def area_under_curve(low: np.ndarray, high: np.ndarray) -> float:
    """How often a score of `high` is above one of `low`, a tie being a half (Hanley & McNeil 1982).

    That is the area under the ROC curve: 1 tells them apart, .5 is chance.
    """
    own = ranks(np.concatenate([low, high]))[len(low) :]
    return float((own.mean() - (len(high) + 1) / 2) / len(low))


def wasserstein(a: Sequence[float], b: Sequence[float]) -> float:
    """Distance of two samples: the area between their distribution functions, in their unit."""
    a, b = np.sort(np.asarray(a, float)), np.sort(np.asarray(b, float))
    points = np.sort(np.concatenate([a, b]))
    below_a = np.searchsorted(a, points[:-1], side="right") / len(a)
    below_b = np.searchsorted(b, points[:-1], side="right") / len(b)
    return float((np.abs(below_a - below_b) * np.diff(points)).sum())


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two feature clouds taken as Gaussian (Heusel et al. 2017, equation 6).

    They are (n, F) and (m, F), of at least two rows each. Small samples make it larger; compare at
    equal sizes.
    """
    gap = a.mean(0) - b.mean(0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = _square_root(cov_a)
    common = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    return float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * common)


def _square_root(symmetric: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(symmetric)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def rounded(value: float, places: int = 4) -> float:
    """A figure as the experiment's result holds it."""
    return round(float(value), places)


def rounded_pair(interval: Interval) -> list[float]:
    """An interval as the experiment's result holds it."""
    return [rounded(end) for end in interval]
