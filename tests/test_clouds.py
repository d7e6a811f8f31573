"""Discrepancy, density and coverage by hand."""

import numpy as np
import pytest

from prism.evaluation.clouds import density_and_coverage, discrepancy


def test_a_discrepancy_by_hand():
    # Two rows each: 0 and 2 against 2 and 4. The median distance of truth's is 2, so the kernel is
    # exp(-d²/8). Within: exp(-1/2) on both sides. Across: d² of 4, 16, 0, 4.
    truth, other = np.array([[0.0], [2.0]]), np.array([[2.0], [4.0]])
    half = np.exp(-0.5)
    expected = 2 * half - 2 * (half + np.exp(-2) + 1 + half) / 4
    mmd2, p = discrepancy(truth, other)
    assert mmd2 == pytest.approx(expected)
    # Of the four ways to swap, changing both gives the same value; so a half is as large, or all.
    assert 0.4 < p <= 1


def test_a_shifted_cloud_is_far_and_an_equal_one_is_not():
    rng = np.random.default_rng(0)
    truth, same = rng.normal(size=(2, 60, 3))
    near, p = discrepancy(truth, same)
    assert abs(near) < 0.03 and p > 0.02
    far, p = discrepancy(truth, same + 1)
    assert far > 0.1 and p == pytest.approx(0.001)
    assert discrepancy(truth, same + 1) == (far, p)


def test_the_p_value_is_even_under_the_null():
    rng = np.random.default_rng(1)
    found = [discrepancy(*rng.normal(size=(2, 20, 2)), permutations=100)[1] for _ in range(200)]
    assert np.mean(np.array(found) <= 0.2) == pytest.approx(0.2, abs=0.08)


def test_density_and_coverage_by_hand():
    # With one neighbour: balls of radius 1, 1 and 8 around 0, 1 and 9.
    truth = np.array([[0.0], [1.0], [9.0]])
    other = np.array([[0.5], [2.5]])
    # .5 lies in the first two balls, 2.5 in the last only (6.5 away).
    assert density_and_coverage(truth, other, neighbours=1) == (1.5, 1.0)
    assert density_and_coverage(truth, np.array([[30.0]]), neighbours=1) == (0.0, 0.0)
    assert density_and_coverage(truth, np.array([[-1.0]]), neighbours=1) == (
        1.0,
        pytest.approx(1 / 3),
    )
