# SPDX-License-Identifier: BSD-3-Clause
"""Three clusters on a line, trained with noise and smoothed (Theorems 1 and 2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import (
    line_mixture_accuracy,
    line_mixture_region,
    line_mixture_takeover_bound,
    line_mixture_takeover_sigma,
    slab_vanishing_sigma,
)
from sksmooth.training import ParzenClassifier
from tests.known_regions import Inside

THREE = [-1, 0, 1], [1, 1, 1]


def of_the_paper(rare_share, k=None, distance=None):
    """Positions and weights of Theorem 2, by default as near to its condition as k is.

    The unit of length is that between the outer points.
    """
    k = np.ceil(np.exp(2) / rare_share - 1) + 1 if k is None else k
    a = 1 / (k + 1) if distance is None else distance
    return [-a, 0, k * a], [0.5 - rare_share, 0.5, rare_share], a, k


# -- The values of Theorem 2 -----------------------------------------------------------


@pytest.mark.parametrize(
    ("rare_share", "k", "sigma", "in_a"),
    [
        (0.05, 148, "0.0146", "2.18"),
        (0.01, 739, "0.0067", "4.97"),
        (0.1, 74, "0.0200", "1.50"),
    ],
)
def test_the_takeover_is_far_below_the_theorem(rare_share, k, sigma, in_a):
    positions, weights, a, found_k = of_the_paper(rare_share)
    assert found_k == k
    left, right = line_mixture_takeover_sigma(positions, weights)
    assert (f"{left:.4f}", f"{left / a:.2f}") == (sigma, in_a)
    assert right == np.inf
    bound = line_mixture_takeover_bound(a, k, rare_share)
    printed = line_mixture_takeover_bound(a, k, rare_share, as_printed=True)
    assert left < printed / 25 < bound / 25
    # The gap is 1 - 2e from the exact threshold on, at the theorem's and far beyond.
    levels = np.array([left * (1 + 1e-9), printed, bound, 10.0, 1e3])
    accuracy = line_mixture_accuracy(positions, weights, levels, levels)
    np.testing.assert_allclose(accuracy, [[1, 2 * rare_share]] * 5, rtol=1e-12)
    level = left * (1 - 1e-9)
    assert np.all(line_mixture_accuracy(positions, weights, level, level) == 1)


def test_the_bound_as_printed_and_as_the_proof_gives_it():
    bound = line_mixture_takeover_bound(1 / 149, 148, 0.05)
    printed = line_mixture_takeover_bound(1 / 149, 148, 0.05, as_printed=True)
    assert (f"{bound:.3f}", f"{printed:.3f}") == ("0.826", "0.538")
    # The condition that the last step of the proof solves for sigma.
    k, e, a = 148, 0.05, 1 / 149
    for sigma, residual in ((bound, 0.0), (printed, k / (k + 2))):
        left_side = k * (k + 1) * a**2 / (2 * sigma**2) + 2 * k / (k + 2)
        assert left_side - np.log(2 * e * (k + 1)) == pytest.approx(residual, abs=1e-12)


# -- Theorem 1 -------------------------------------------------------------------------


@pytest.mark.parametrize("rare_share", [0.05, 0.2])
@pytest.mark.parametrize("data_sigma", [0.0, 0.3])
def test_the_region_grows_like_the_variance_of_training(rare_share, data_sigma):
    k = 2 / rare_share  # above 1 / 2e - 1
    positions, weights, a, _ = of_the_paper(rare_share, k=k, distance=1.0)
    levels = np.array([1e3, 1e4])
    low, high = line_mixture_region(positions, weights, levels, data_sigma=data_sigma).T

    def ratio(y):
        # Of the densities at x = y s^2, as s grows.
        return (
            (1 - 2 * rare_share) * np.exp(-a * y)
            + 2 * rare_share * np.exp(k * a * y)
            - 1
        )

    slope = brentq(ratio, -10.0, -1e-9)
    np.testing.assert_allclose(low / levels**2, slope, rtol=1e-3)
    # The other end stays: where the mean of squares is met.
    limit = (1 - 2 * rare_share + 2 * rare_share * k**2) / (
        2 * (2 * rare_share * (k + 1) - 1)
    )
    np.testing.assert_allclose(high, limit, rtol=1e-3)
    gaps = line_mixture_accuracy(
        positions, weights, levels, levels, data_sigma=data_sigma
    )
    gap = gaps[:, 0] - gaps[:, 1]
    np.testing.assert_allclose(gap, 1 - 2 * rare_share, atol=1e-6)


# -- The three points: both directions of claim 2 --------------------------------------


def test_the_three_sigmas_at_which_the_middle_class_is_lost():
    def width(train_sigma, sigma):
        return float(np.diff(line_mixture_region(*THREE, train_sigma, sigma))[0])

    for low, high, kept in (
        (0.8493, 0.8494, lambda s: width(s, 0.0)),
        (0.6617, 0.6619, lambda s: width(s, s)),
        (0.7412, 0.7414, lambda s: width(0.0, s)),
    ):
        assert kept(low) > 0
        assert kept(high) == 0
    assert line_mixture_takeover_sigma(*THREE).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("train_sigma", [0.2, 0.5, 0.8])
def test_it_is_the_parzen_classifier(train_sigma):
    """Trained on points that stand for the weights."""
    for positions, counts in (([-1, 0, 1], [1, 1, 1]), ([-1, 0.5, 4], [6, 5, 2])):
        X = np.repeat(positions, counts)[:, None].astype(float)
        y = np.repeat([0, 1, 0], counts)
        clf = ParzenClassifier(train_sigma).fit(X, y)
        x = np.linspace(-4, 7, 2201)[:, None] + 1e-4
        low, high = line_mixture_region(positions, counts, train_sigma)
        inside = (low < x[:, 0]) & (x[:, 0] < high)
        np.testing.assert_array_equal(clf.predict(x), inside)


def test_without_noise_the_nearest_cluster_decides():
    for tiny in (0.0, 1e-300, 1e-12, 1e-9, 1e-3):
        region = line_mixture_region([-1, 0.5, 4], [6, 5, 2], tiny)
        np.testing.assert_allclose(region, [-0.25, 2.25], atol=1e-5)
        accuracy = line_mixture_accuracy([-1, 0.5, 4], [6, 5, 2], tiny, tiny)
        np.testing.assert_array_equal(accuracy, [1, 1])


# -- Brute force and Monte Carlo -------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.floats(0.1, 5), st.floats(0.1, 50)),
    st.tuples(st.floats(0.05, 9), st.floats(0.05, 9), st.floats(0.05, 9)),
    st.floats(0.05, 20),
    st.floats(0.0, 5.0),
)
def test_densities_tie_at_the_ends_and_nowhere_else(gaps, weights, train, data):
    positions = np.array([-gaps[0], 0.0, gaps[1]]) + 3.0
    spread = np.hypot(train, data)
    low, high = line_mixture_region(positions, weights, train, data_sigma=data)

    def lead(x):
        log = np.log(weights) - (x[:, None] - positions) ** 2 / (2 * spread**2)
        return log[:, 1] - np.logaddexp(log[:, 0], log[:, 2])

    scale = spread**2 / min(gaps) + max(gaps)
    x = np.concatenate([np.linspace(-1, 1, 400) * 20 * scale, positions]) + 3.0
    clear = (np.abs(x - low) > 1e-6 * scale) & (np.abs(x - high) > 1e-6 * scale)
    np.testing.assert_array_equal((lead(x) > 0)[clear], ((low < x) & (x < high))[clear])
    if high > low:
        np.testing.assert_allclose(lead(np.array([low, high])), 0, atol=1e-6)


def test_accuracy_by_integration_and_by_votes():
    positions, weights = [-1.0, 0.0, 6.0], [0.4, 0.5, 0.1]
    train, sigma, data = 1.2, 0.9, 0.4
    base = line_mixture_region(positions, weights, train, data_sigma=data)

    def in_base(X):
        return (base[0] < X[:, 0]) & (X[:, 0] < base[1])

    low, high = line_mixture_region(positions, weights, train, sigma, data_sigma=data)
    accuracy = line_mixture_accuracy(positions, weights, train, sigma, data_sigma=data)
    right = norm.cdf(high / data) - norm.cdf(low / data)
    inside = [norm.cdf((high - p) / data) - norm.cdf((low - p) / data) for p in (-1, 6)]
    np.testing.assert_allclose(
        accuracy, [right, 1 - (0.8 * inside[0] + 0.2 * inside[1])], rtol=1e-12
    )
    # At both ends half of the votes are for either class.
    n_votes = 40_000
    clf = SmoothedClassifier.from_fitted(
        Inside(in_base).fit(), sigma=sigma, n_predict=n_votes, random_state=0
    )
    votes = clf.predict_proba([[low], [high], [(low + high) / 2]])[:, 1]
    assert np.all(np.abs(votes[:2] - 0.5) < 5 * 0.5 / np.sqrt(n_votes))
    assert votes[2] > 0.52


def test_by_votes_the_middle_class_takes_its_neighbor():
    """5 % at 148, at 3 sigma: -1 is given to the class at 0, as the exact form says."""
    positions, weights, _, _ = of_the_paper(0.05, k=148, distance=1.0)
    X = np.repeat(positions, [9, 10, 1])[:, None]
    y = np.repeat(["outer", "middle", "outer"], [9, 10, 1])
    points = np.array(positions)[:, None]
    for sigma, expected in ((1.5, "outer"), (3.0, "middle")):
        base = ParzenClassifier(sigma).fit(X, y)
        clf = SmoothedClassifier.from_fitted(
            base, sigma=sigma, n_predict=20_000, random_state=0
        )
        assert clf.predict(points).tolist() == [expected, "middle", "outer"]
        accuracy = line_mixture_accuracy(positions, weights, sigma, sigma)
        assert accuracy[1] == pytest.approx(0.1 if expected == "middle" else 1)


def test_equal_ends_mean_an_empty_interval():
    assert np.diff(line_mixture_region(*THREE, 0.9))[0] == 0
    assert line_mixture_accuracy(*THREE, 0.9).tolist() == [0, 1]
    assert line_mixture_accuracy(*THREE, 0.9, data_sigma=0.2).tolist() == [0, 1]
    # Smoothed, an interval is lost as a slab is.
    lost = slab_vanishing_sigma(0.5)
    region = line_mixture_region(*THREE, 0.0, [lost * 0.999, lost * 1.001])
    assert region[0, 1] > region[0, 0]
    assert region[1, 1] == region[1, 0] == 0


def test_units_and_ratios_of_weights_alone_matter():
    unit = np.array([-1.0, 0.5, 4.0])
    levels = np.array([0.05, 0.7, 3.0, 20.0])
    expected = line_mixture_region(unit, [6, 5, 2], levels, levels)
    for scale in (1e-80, 1e-3, 1e80):
        region = line_mixture_region(
            scale * unit, [0.6, 0.5, 0.2], scale * levels, scale * levels
        )
        np.testing.assert_allclose(region / scale, expected, rtol=1e-9)


def test_arguments_broadcast():
    train, sigma = np.array([0.1, 0.2]), np.array([[0.1], [0.0], [0.5]])
    assert line_mixture_region(*THREE, train, sigma).shape == (3, 2, 2)
    assert line_mixture_accuracy(*THREE, train, sigma, data_sigma=0.1).shape == (
        3,
        2,
        2,
    )
    assert line_mixture_accuracy(*THREE, 0.1).shape == (2,)
    assert isinstance(line_mixture_takeover_bound(1, 200, 0.05), float)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: line_mixture_region([0, 1], [1, 1, 1], 1), r"positions .* \(2,\)"),
        (lambda: line_mixture_region([0, 1, 2], [1, 1], 1), r"weights .* \(2,\)"),
        (lambda: line_mixture_region([0, 2, 1], [1, 1, 1], 1), "increase .* 0, 2, 1"),
        (lambda: line_mixture_region([0, 0, 1], [1, 1, 1], 1), "increase .* 0, 0, 1"),
        (lambda: line_mixture_region([0, 1, 2], [1, 0, 1], 1), "weights .* got 0"),
        (lambda: line_mixture_region(*THREE, -1), "train_sigma .* got -1"),
        (lambda: line_mixture_region(*THREE, 1, -2), "sigma .* got -2"),
        (
            lambda: line_mixture_accuracy(*THREE, 1, data_sigma=np.nan),
            "data_sigma .* nan",
        ),
        (lambda: line_mixture_takeover_bound(1, 100, 0.05), "ratio .* 146.781.* 100"),
        (lambda: line_mixture_takeover_bound(1, 100, 0.5), r"rare_share .* got 0.5"),
        (lambda: line_mixture_takeover_bound(0, 100, 0.1), "distance .* got 0"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
