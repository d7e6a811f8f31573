"""Intervals and distances against hand-worked values and known invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prism.evaluation.bootstrap import (
    area_under_curve,
    bootstrap_interval,
    frechet,
    rank_correlation,
    ranks,
    share_interval,
    wasserstein,
)

SAMPLES = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def test_wilson_by_hand():
    # 8 of 10: (0.8 + 0.1921) / 1.3841 ± 1.96 · sqrt(0.016 + 0.0096) / 1.3841
    assert share_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-4)
    assert share_interval(0, 10)[0] == 0 and share_interval(10, 10)[1] == pytest.approx(1)
    assert share_interval(0, 0) == (0, 1)


def test_bootstrap_covers_the_mean_and_repeats():
    values = np.random.default_rng(1).normal(3, 1, 400)
    low, high = bootstrap_interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    assert bootstrap_interval(values) == (low, high)
    assert bootstrap_interval(np.ones(5)) == (1, 1)


def test_wasserstein_by_hand():
    assert wasserstein([0, 0], [1, 1]) == 1
    assert wasserstein([0, 2], [1]) == 1  # half the mass moves by one either way
    assert wasserstein([0, 1, 2, 3], [0, 1]) == pytest.approx(1.0)


@given(SAMPLES, SAMPLES, st.floats(-50, 50))
def test_wasserstein_is_a_distance(a, b, shift):
    assert wasserstein(a, a) == 0
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a))
    assert wasserstein(a, np.add(a, shift)) == pytest.approx(abs(shift), abs=1e-9)


def test_frechet_by_hand():
    # One dimension: (difference of means)² + (difference of standard deviations)².
    a, b = np.array([[0.0], [2.0]]), np.array([[5.0], [9.0]])
    pad = np.zeros((2, 1))  # a second dimension in which nothing happens
    both = frechet(np.hstack([a, pad]), np.hstack([b, pad]))
    assert both == pytest.approx(6**2 + (8**0.5 - 2**0.5) ** 2)


def test_frechet_of_a_cloud_with_itself_and_shifted():
    cloud = np.random.default_rng(0).normal(size=(50, 6))
    assert frechet(cloud, cloud) == pytest.approx(0, abs=1e-6)
    assert frechet(cloud, cloud + 2) == pytest.approx(6 * 4)


def test_ranks_and_areas_by_hand():
    assert ranks(np.array([3.0, 1.0, 3.0, 7.0])).tolist() == [2.5, 1, 2.5, 4]
    assert rank_correlation(np.arange(4), np.array([1, 5, 9, 100])) == pytest.approx(1)
    assert rank_correlation(np.arange(3), np.array([2, 1, 0])) == pytest.approx(-1)
    assert rank_correlation(np.arange(3), np.ones(3)) == 0
    # Of the four pairs: 2 above 1, 2 level with 2, 3 above both.
    assert area_under_curve(np.array([1, 2]), np.array([2, 3])) == 0.875
    assert area_under_curve(np.array([0.0]), np.array([1.0, 2.0])) == 1
    assert area_under_curve(np.ones(3), np.ones(5)) == 0.5
