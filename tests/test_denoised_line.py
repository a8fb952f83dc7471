# SPDX-License-Identifier: BSD-3-Clause
"""Points on a line behind their posterior mean: closed computation against votes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.shrinkage import (
    denoised_line_boundaries,
    denoised_line_least_share,
    denoised_line_vanishing_sigma,
    denoised_line_vote_probability,
    slab_vanishing_sigma,
)

LINES = [
    ([-1.0, 0.0, 1.0], None),
    ([-1.0, 0.0, 19.0], [0.45, 0.5, 0.05]),
    ([0.0, 0.5, 2.0, 2.5, 7.0], [1.0, 3.0, 1.0, 2.0, 1.0]),
]


def posterior_mean(z, points, weights, sigma):
    weights = np.ones(len(points)) if weights is None else np.asarray(weights)
    density = weights * norm.pdf(z, points, sigma)
    return density @ points / density.sum()


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize(("points", "weights"), LINES)
def test_posterior_mean_is_halfway_at_the_boundaries(points, weights, sigma):
    middles = (np.array(points)[1:] + np.array(points)[:-1]) / 2
    boundaries = denoised_line_boundaries(points, sigma, weights)
    means = [posterior_mean(z, points, weights, sigma) for z in boundaries]
    np.testing.assert_allclose(means, middles, rtol=1e-9, atol=1e-12)


def test_three_points_have_a_closed_form():
    # 2 t - 2 / t = t + 1 / t + E with t = exp(z / sigma^2), E = exp(1 / (2 sigma^2)).
    sigma = np.array([0.05, 0.3, 0.7, 1.0, 4.0, 100.0])
    log_e = 1 / (2 * sigma**2)
    closed = sigma**2 * (
        log_e + np.log1p(np.sqrt(1 + 12 * np.exp(-2 * log_e))) - np.log(2)
    )
    found = denoised_line_boundaries([-1, 0, 1], sigma)
    np.testing.assert_allclose(found[:, 1], closed, rtol=1e-11)
    np.testing.assert_allclose(found[:, 0], -closed, rtol=1e-11)


@pytest.mark.parametrize("sigma", [0.2, 0.9])
@pytest.mark.parametrize(("points", "weights"), LINES)
def test_votes_are_the_integral_over_the_noise(points, weights, sigma):
    middles = (np.array(points)[1:] + np.array(points)[:-1]) / 2
    found = denoised_line_vote_probability(points[1], points, sigma, weights)
    assert found.sum() == pytest.approx(1, abs=1e-14)
    for i in range(len(points)):

        def integrand(z, i=i):
            nearest = np.searchsorted(
                middles, posterior_mean(z, points, weights, sigma)
            )
            return (nearest == i) * norm.pdf(z, points[1], sigma)

        boundaries = denoised_line_boundaries(points, sigma, weights)
        low, high = points[1] - 9 * sigma, points[1] + 9 * sigma
        breaks = boundaries[(boundaries > low) & (boundaries < high)]
        integral = quad(integrand, low, high, points=breaks, limit=200)[0]
        assert found[i] == pytest.approx(integral, abs=1e-7)


def test_every_class_of_the_line_of_three_lives_longer_than_trained_with_noise():
    classes = ["outer", "middle", "outer"]
    outer, middle, other = denoised_line_vanishing_sigma([-1, 0, 1], classes)
    assert outer == pytest.approx(1.03111, abs=5e-6)
    assert other == pytest.approx(outer, rel=1e-9)
    assert middle == np.inf
    share, sigma = denoised_line_least_share([-1, 0, 1], classes)
    assert share[1] == pytest.approx(0.63074, abs=5e-6)
    assert sigma[1] == pytest.approx(0.69832, abs=5e-6)
    assert share[0] == share[2] == 0
    # Without the denoiser the class in the middle is a slab of half-width 1/2.
    assert slab_vanishing_sigma(0.5) < 0.75 < outer


@pytest.mark.parametrize("sigma", [0.69832, 1.0, 1.06])
def test_line_of_three_by_votes(sigma):
    X, y = np.array([[-1.0], [0.0], [1.0]]), np.array([0, 1, 0])
    clf = make_pipeline(
        PosteriorMeanDenoiser(sigma=sigma).fit(X),
        KNeighborsClassifier(1).fit(X, y),
    )
    n_votes = 40_000
    smoothed = SmoothedClassifier.from_fitted(
        clf, sigma=sigma, n_predict=n_votes, random_state=0
    )
    exact = denoised_line_vote_probability(X[:, 0], X[:, 0], sigma)[:, 1]
    votes = smoothed.predict_proba(X)[:, 1]
    error = np.sqrt(exact * (1 - exact) / n_votes)
    np.testing.assert_array_less(np.abs(votes - exact), 5 * error)
    # The outer points are lost between the last two of the sigmas.
    assert (exact[0] > 0.5) == (sigma > 1.0311)


def test_two_points_are_denoised_like_trained_with_noise():
    # The posterior mean is halfway where both posterior probabilities are 1/2, so the
    # denoiser cannot help: as in Theorem 2 of the paper, the lighter point is lost.
    weights, sigma = np.array([0.45, 0.5]), 1.3
    boundary = denoised_line_boundaries([-1, 0], sigma, weights)
    bayes = -0.5 + sigma**2 * np.log(weights[0] / weights[1])
    np.testing.assert_allclose(boundary, [bayes], rtol=1e-12)
    lost = denoised_line_vanishing_sigma([-1, 0], None, weights)
    assert lost[1] == np.inf
    # Half of the votes where the boundary is at the point.
    assert lost[0] == pytest.approx(np.sqrt(0.5 / np.log(0.5 / 0.45)), rel=1e-9)


def test_shares_scale_with_the_line_and_do_not_depend_on_its_origin():
    points, weights = np.array([0.0, 0.5, 2.0]), [1.0, 2.0, 1.0]
    near = denoised_line_vanishing_sigma(points, None, weights)
    far = denoised_line_vanishing_sigma(1e4 + 8 * points, None, weights)
    np.testing.assert_allclose(far, 8 * near, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], 1.0), "points must be at least two"),
        (([1.0, 0.0], 1.0), "points must be at least two"),
        (([0.0, 1.0], 0.0), "sigma must be"),
        (([0.0, 1.0], 1.0, [1.0]), "weights has shape"),
        (([0.0, 1.0], 1.0, [1.0, 0.0]), "weights must be"),
        (([0.0, np.nan], 1.0), "points must be finite"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        denoised_line_boundaries(*arguments)
    with pytest.raises(ValueError, match="classes has shape"):
        denoised_line_vanishing_sigma([0.0, 1.0], [0])
