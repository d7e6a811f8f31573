"""How alike two clouds of features are, beyond their means and spreads. Pure functions."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 5  # as Naeem et al. recommend
PERMUTATIONS = 1000


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of the rows of `a`, (n, F), and `b`, (m, F), shape=(n, m)."""
    norms = (a**2).sum(1)[:, None] + (b**2).sum(1)
    return np.maximum(norms - 2 * a @ b.T, 0)


def discrepancy(
    truth: np.ndarray, other: np.ndarray, permutations: int = PERMUTATIONS
) -> tuple[float, float]:
    """Unbiased MMD² of paired samples and how likely chance is to make it as large.

    Gretton et al. 2012, equation 3, without the pairs of one row with itself in either cloud. The
    kernel is exp(−d² / 2σ²), σ the median distance of two rows of `truth` (the same for whatever
    is compared with it). The p-value is a permutation test's: rows of the same run, which are of
    one composer, change sides at random.

    Parameters
    ----------
    truth, other : ndarray, shape=(n, F)
        At least two rows; row k of both belongs to run k.

    Returns
    -------
    mmd2, p : float
        The first can fall below 0; it is 0 on average where the distributions are the same.
    """
    size = len(truth)
    both = np.concatenate([truth, other]).astype(float)
    squared = squared_distances(both, both)
    width = np.median(squared[:size, :size][np.triu_indices(size, 1)])
    kernel = np.exp(-squared / max(2 * width, 1e-12))
    np.fill_diagonal(kernel, 0)
    swapped = np.random.default_rng(0).random((size, permutations)) < 0.5
    swapped[:, 0] = False  # as it is
    first = np.concatenate([~swapped, swapped]).astype(float)
    found = _mmd2(kernel, first, size)
    # A millionth of slack: sums in another order are not equal to the last bit.
    return float(found[0]), float(np.mean(found >= found[0] - 1e-6 * abs(found[0])))


def _mmd2(kernel: np.ndarray, first: np.ndarray, size: int) -> np.ndarray:
    """For each column of `first`, 1 for rows on the one side, (2n, P), the statistic."""
    second = 1 - first
    towards_first = kernel @ first
    within = (first * towards_first).sum(0) + (second * (kernel @ second)).sum(0)
    across = (second * towards_first).sum(0)
    return within / (size * (size - 1)) - 2 * across / size**2


def density_and_coverage(
    truth: np.ndarray, other: np.ndarray, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Whether `other` lies where `truth` does, and reaches all of it (Naeem et al. 2020).

    Around each row of `truth`, (n, F), lies a ball that reaches to its k-th nearest row of `truth`,
    or to the farthest of fewer. Density: in how many balls a row of `other`, (m, F), lies, over k;
    it can pass 1. Coverage: the share of balls with a row of `other`. Two samples of one
    distribution have a density of 1 and a coverage of about 1 − 2⁻ᵏ.
    """
    k = min(neighbours, len(truth) - 1)
    radii = np.sort(squared_distances(truth, truth), axis=1)[:, k]
    within = squared_distances(truth, other) <= radii[:, None]
    return float(within.sum(0).mean() / k), float(within.any(1).mean())
