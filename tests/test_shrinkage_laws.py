# SPDX-License-Identifier: BSD-3-Clause
"""How regions shrink and vanish under noise of other laws than the Gaussian one."""

import math

import numpy as np
import pytest

from sksmooth.noise import LAWS, TokenDeletion
from sksmooth.shrinkage import (
    ball_vanishing_sigma,
    box_smoothed_halfwidths,
    box_vanishing_sigma,
    box_vote_probability,
    categories_vanishing_probability,
    categories_vote_probability,
    l1_ball_vanishing_sigma,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
    slab_vote_probability,
    volume_vanishing_bound,
    words_vanishing_probability,
)

NOISES = ["gaussian", "laplace", "uniform"]
OTHERS = NOISES[1:]
N = 200_000


def draws(noise, n, d, seed=0):
    """Noise of standard deviation 1, as the law draws it."""
    out = np.empty((n, d))
    LAWS[noise](1.0).draw(np.random.default_rng(seed), out)
    return out


def assert_share(hits, p):
    error = np.sqrt(p * (1 - p) / len(hits))
    assert abs(hits.mean() - p) <= 5 * error + 1e-12


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("sigma", [0.3, 0.8, 2.0])
def test_votes_are_those_of_draws(noise, sigma):
    z = sigma * draws(noise, N, 1)[:, 0]
    for offset in (0.0, 0.3, 0.9, 1.0, 1.6, -2.5):
        p = slab_vote_probability(offset, 1.0, sigma, noise=noise)
        assert_share(abs(offset + z) <= 1, p)
        miss = slab_vote_probability(offset, 1.0, sigma, noise=noise, complement=True)
        assert p + miss == pytest.approx(1.0, abs=1e-12)
    halfwidths = np.array([1.0, 0.5, np.inf])
    point = np.array([0.4, 0.0, 7.0])
    noisy = point + sigma * draws(noise, N, 3)
    p = box_vote_probability(point, halfwidths, sigma, noise=noise)
    assert_share((abs(noisy) <= halfwidths).all(axis=1), p)


@pytest.mark.parametrize("noise", OTHERS)
def test_votes_are_the_tails_of_the_law(noise):
    law = LAWS[noise](1.0)
    for offset in (0.0, 0.2, 1.5, 3.0, 30.0):
        inside = law.tail(-1 - offset) - law.tail(1 - offset)
        outside = law.tail(1 + offset) + law.tail(1 - offset)
        at = offset, 1.0, 1.0
        p = slab_vote_probability(*at, noise=noise)
        miss = slab_vote_probability(*at, noise=noise, complement=True)
        assert p == pytest.approx(inside, rel=1e-12, abs=1e-15)
        assert miss == pytest.approx(outside, rel=1e-12, abs=1e-15)


def test_small_votes_keep_their_digits():
    far = slab_vote_probability(50.0, 1e-9, 1.0, noise="laplace")
    expected = math.sqrt(2) * 1e-9 * math.exp(-math.sqrt(2) * 50)
    assert far == pytest.approx(expected, rel=1e-9)
    miss = slab_vote_probability(0.0, 30.0, 1.0, noise="laplace", complement=True)
    assert miss == pytest.approx(math.exp(-math.sqrt(2) * 30), rel=1e-12)


@pytest.mark.parametrize("noise", OTHERS)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_the_boundary_has_its_share_of_the_votes(noise, n_classes):
    vanishing = slab_vanishing_sigma(1.0, n_classes, noise=noise)
    sigma = vanishing * np.array([0.05, 0.2, 0.5, 0.8, 0.95, 0.999])
    halfwidth = slab_smoothed_halfwidth(1.0, sigma, n_classes, noise=noise)
    share = slab_vote_probability(halfwidth, 1.0, sigma, noise=noise)
    np.testing.assert_allclose(share, 1 / n_classes, rtol=1e-9)
    # Beyond it there are fewer votes.
    more = slab_vote_probability(halfwidth + 1e-6, 1.0, sigma, noise=noise)
    assert (more < 1 / n_classes).all()
    centre = slab_vote_probability(0.0, 1.0, vanishing, noise=noise)
    assert centre == pytest.approx(1 / n_classes, rel=1e-12)
    gone = slab_smoothed_halfwidth(1.0, 1.001 * vanishing, n_classes, noise=noise)
    assert gone == 0 and slab_smoothed_halfwidth(1.0, 0.0, noise=noise) == 1
    tiny = slab_smoothed_halfwidth(1.0, 1e-9, n_classes, noise=noise)
    assert tiny == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("noise", OTHERS)
def test_the_boundary_of_a_box_has_its_share_of_the_votes(noise):
    sides = np.array([1.0, 1.3, 2.0, np.inf])
    for n_classes in (2, 5):
        vanishing = box_vanishing_sigma(sides, n_classes, noise=noise)
        centre = box_vote_probability(np.zeros(4), sides, vanishing, noise=noise)
        assert centre == pytest.approx(1 / n_classes, rel=1e-9)
        for sigma in vanishing * np.array([0.1, 0.6, 0.97]):
            left = box_smoothed_halfwidths(sides, sigma, n_classes, noise=noise)
            assert left[3] == np.inf
            points = np.diag(left[:3]) @ np.eye(3, 4)
            share = box_vote_probability(points, sides, sigma, noise=noise)
            np.testing.assert_allclose(share, 1 / n_classes, rtol=1e-9)


@pytest.mark.parametrize(
    ("noise", "vanishing", "left"),
    [
        ("gaussian", 1.4826, [0.996, 0.968, 0.879, 0.675, 0, 0, 0]),
        ("laplace", 2.0403, [0.991, 0.971, 0.932, 0.871, 0.781, 0.556, 0.237]),
        ("uniform", 1.1547, [1, 1, 1, 0, 0, 0, 0]),
    ],
)
def test_an_interval_under_each_law(noise, vanishing, left):
    assert slab_vanishing_sigma(1.0, noise=noise) == pytest.approx(vanishing, abs=5e-5)
    sigma = [0.7, 0.9, 1.1, 1.3, 1.5, 1.8, 2.0]
    halfwidth = slab_smoothed_halfwidth(1.0, sigma, noise=noise)
    np.testing.assert_allclose(halfwidth, left, atol=1e-3)


@pytest.mark.parametrize(
    ("noise", "box"),
    [
        ("gaussian", [1.4826, 0.7913, 0.5459, 0.3922, 0.3007]),
        ("laplace", [2.0403, 0.8960, 0.5231, 0.3121, 0.2011]),
        ("uniform", [1.1547, 0.7274, 0.6188, 0.5836, 0.5779]),
    ],
)
def test_a_box_under_each_law(noise, box):
    dimensions = [1, 3, 10, 64, 784]
    sigma = [box_vanishing_sigma(np.ones(d), noise=noise) for d in dimensions]
    np.testing.assert_allclose(sigma, box, atol=5.1e-5)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("d", [1, 3, 10])
def test_no_region_outlives_the_bound_for_its_volume(noise, d):
    bound = volume_vanishing_bound(2.0**d, d, noise=noise)
    box = box_vanishing_sigma(np.ones(d), noise=noise)
    assert box <= bound * (1 + 1e-9)
    assert noise != "uniform" or box == pytest.approx(bound, rel=1e-9)
    for c in (3, 10):
        bound = volume_vanishing_bound(2.0**d, d, c, noise=noise)
        assert box_vanishing_sigma(np.ones(d), c, noise=noise) <= bound * (1 + 1e-9)
    if noise in OTHERS:
        volume = 2.0**d / math.factorial(d)
        ball = l1_ball_vanishing_sigma(1.0, d, noise=noise)
        assert ball <= volume_vanishing_bound(volume, d, noise=noise) * (1 + 1e-9)


@pytest.mark.parametrize("noise", OTHERS)
@pytest.mark.parametrize("d", [1, 3, 10, 64])
def test_an_l1_ball_vanishes_when_half_the_noise_leaves_it(noise, d):
    sigma = l1_ball_vanishing_sigma(1.0, d, noise=noise)
    n = 400_000 // d
    assert_share(sigma * abs(draws(noise, n, d)).sum(axis=1) <= 1, 0.5)


def test_an_l1_ball_among_more_classes():
    sigma = l1_ball_vanishing_sigma(2.0, 5, 10)
    assert_share(sigma * abs(draws("laplace", 100_000, 5)).sum(axis=1) <= 2, 0.1)
    with pytest.raises(ValueError, match="n_classes must be 2 for noise='uniform'"):
        l1_ball_vanishing_sigma(1.0, 3, 3, noise="uniform")


def test_in_one_feature_all_shapes_are_one():
    for noise in OTHERS:
        slab = slab_vanishing_sigma(1.5, noise=noise)
        assert l1_ball_vanishing_sigma(1.5, 1, noise=noise) == pytest.approx(slab)
        assert box_vanishing_sigma([1.5], noise=noise) == pytest.approx(slab)
    assert ball_vanishing_sigma(1.0, 1) == pytest.approx(slab_vanishing_sigma(1.0))


def test_categories_vanish_where_they_have_a_share_left():
    for m, c, expected in [(1, 2, 1.0), (5, 5, 0.162), (10, 5, 0.084)]:
        probability = categories_vanishing_probability(m, c)
        assert probability == pytest.approx(expected, abs=6e-4)
        share = categories_vote_probability(m, c, probability)
        assert share == pytest.approx(0.5, rel=1e-12)
    assert categories_vanishing_probability(1, 10**6) == pytest.approx(0.5, abs=1e-6)
    assert categories_vanishing_probability(1, 2, n_classes=3) == np.inf


def test_words_vanish_where_they_have_a_share_left():
    b = words_vanishing_probability([1, 4])
    np.testing.assert_allclose(1 - b ** np.array([1, 4]), 0.5, rtol=1e-12)
    copies = TokenDeletion(float(b[1])).thin(
        np.array([[1, 3]]), np.random.default_rng(0), 20_000
    )
    assert_share(copies.sum(axis=1) > 0, 0.5)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (slab_vote_probability, (0.0, 1.0, 1.0)),
        (slab_smoothed_halfwidth, (1.0, 1.0)),
        (slab_vanishing_sigma, (1.0,)),
        (box_vote_probability, ([0.0], [1.0], 1.0)),
        (box_smoothed_halfwidths, ([1.0], 1.0)),
        (box_vanishing_sigma, ([1.0],)),
        (volume_vanishing_bound, (1.0, 1)),
        (l1_ball_vanishing_sigma, (1.0, 1)),
    ],
)
@pytest.mark.parametrize("noise", ["cauchy", None, 2, ["laplace"]])
def test_another_noise_is_refused(function, arguments, noise):
    with pytest.raises(ValueError, match=r"noise=.* must be one of"):
        function(*arguments, noise=noise)


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(ValueError, match=r"probability must be in \[0, 1\]"):
        categories_vote_probability(1, 2, probability)
