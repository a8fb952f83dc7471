# SPDX-License-Identifier: BSD-3-Clause
"""A ball and two blobs behind their posterior mean: quadrature against samples."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.shrinkage import (
    ball_smoothed_radius,
    ball_vanishing_sigma,
    ball_vote_probability,
    denoised_ball_boundary,
    denoised_blobs_boundary,
)


@pytest.mark.parametrize(("d", "sigma"), [(2, 0.4), (2, 1.5), (3, 0.6)])
def test_posterior_mean_of_many_samples_leaves_the_ball_at_the_boundary(d, sigma):
    rng = np.random.default_rng(d)
    n = 40_000
    X = rng.normal(size=(n, d))
    X *= (rng.uniform(0, 2, n) / np.linalg.norm(X, axis=1))[:, np.newaxis]
    z = np.zeros((1, d))
    z[0, 0] = denoised_ball_boundary(1.0, sigma, d)
    mean = PosteriorMeanDenoiser(sigma=sigma).fit(X).transform(z)[0]
    log_weights = -np.sum((X - z) ** 2, axis=1) / (2 * sigma**2)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    # Delta method for a self-normalized mean.
    error = np.sqrt(weights**2 @ (X[:, 0] - mean[0]) ** 2)
    assert error < 0.02
    assert abs(mean[0] - 1) < 4 * error + 1e-3


@pytest.mark.parametrize("d", [2, 10, 100, 1000])
def test_the_ball_lives_on_where_it_vanished_and_the_outside_is_lost_later(d):
    lost = ball_vanishing_sigma(1.0, d)
    sigma = lost * np.array([0.5, 1.0, 3.0])
    boundary = denoised_ball_boundary(1.0, sigma, d)
    assert ball_smoothed_radius(1.0, 1.01 * lost, d) == 0
    assert (np.diff(boundary) > 0).all()
    assert (ball_vote_probability(0.0, boundary, sigma, d) > 0.9).all()
    outside = ball_vote_probability(1.5, boundary, sigma, d, complement=True)
    assert outside[0] > 0.8
    far = denoised_ball_boundary(1.0, 30 * lost, d)
    assert ball_vote_probability(1.5, far, 30 * lost, d) > 0.9


def test_little_noise_moves_the_boundary_little_and_units_do_not_matter():
    assert denoised_ball_boundary(1.0, 1e-3, 5) == pytest.approx(1, abs=1e-5)
    one, seven = denoised_ball_boundary([1.0, 7.0], [0.3, 2.1], 5)
    assert seven == pytest.approx(7 * one, rel=1e-10)


@pytest.mark.parametrize(("share", "sigma"), [(0.1, 0.6), (0.1, 2.0), (0.7, 1.0)])
def test_posterior_mean_of_two_blobs_is_halfway_at_the_boundary(share, sigma):
    gap, spread = 2.0, 0.5
    z = denoised_blobs_boundary(gap, spread, sigma, share)

    def density(x):
        prior = (1 - share) * norm.pdf(x, 0, spread) + share * norm.pdf(x, gap, spread)
        return prior * norm.pdf(z, x, sigma)

    mass = quad(density, -6, 8, points=(0, gap))[0]
    moment = quad(lambda x: x * density(x), -6, 8, points=(0, gap))[0]
    assert moment / mass == pytest.approx(gap / 2, rel=1e-7)
    # Between the middle and where the classes are equally likely.
    even = gap / 2 - np.log(share / (1 - share)) * (spread**2 + sigma**2) / gap
    assert min(even, gap / 2) <= z <= max(even, gap / 2)


def test_equal_blobs_stay_as_they_are():
    assert denoised_blobs_boundary(2.0, 0.5, 3.0) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 0.3, 1), "n_features must be"),
        ((1.0, 0.0, 5), "sigma must be"),
        ((-1.0, 0.3, 5), "radius must be"),
        ((1.0, 0.3, 5, 1.0), "reach must be greater than 1"),
        ((1.0, 1e-6, 5), "sigma must be at least"),
    ],
)
def test_bad_arguments_of_the_ball(arguments, message):
    with pytest.raises(ValueError, match=message):
        denoised_ball_boundary(*arguments)


@pytest.mark.parametrize("share", [0.0, 1.0, np.nan])
def test_bad_share(share):
    with pytest.raises(ValueError, match="share must be"):
        denoised_blobs_boundary(1.0, 1.0, 1.0, share)
