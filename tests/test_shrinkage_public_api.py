# SPDX-License-Identifier: BSD-3-Clause
"""The closed forms against votes: a classifier that is the region, smoothed."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import (
    ball_certified_radius,
    ball_smoothed_radius,
    ball_vanishing_sigma,
    ball_vote_probability,
    box_certified_radius,
    box_vanishing_sigma,
    box_vote_probability,
    cone_apex_shift,
    cone_certified_radius,
    cone_vote_probability,
    slab_certified_radius,
    slab_vote_probability,
)
from tests.known_regions import Inside

N_VOTES = 20_000
HALF_ANGLE = 0.6


def directions(n, d, rng):
    """Unit vectors, so that nothing rests on an axis."""
    rows = rng.normal(size=(n, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# Each case gives the rule of the region, rows, sigma, and at the rows the probability
# of a vote for the region and the certified radius.


def ball(d, rng):
    sigma = 0.7 * ball_vanishing_sigma(1.0, d)
    boundary = ball_smoothed_radius(1.0, sigma, d)
    distance = np.maximum(boundary + sigma * np.array([-2, -1, -0.5, 0.5, 1.5]), 0)
    at = distance, 1.0, sigma, d
    return (
        lambda X: np.einsum("ij,ij->i", X, X) <= 1,
        distance[:, np.newaxis] * directions(5, d, rng),
        sigma,
        ball_vote_probability(*at),
        ball_certified_radius(*at),
    )


def slab(d, rng):
    normal = directions(1, d, rng)[0]
    sigma = 0.9
    offset = np.array([0.0, 0.4, -0.8, 1.2, 2.5])
    along = rng.normal(size=(5, d))
    along -= np.outer(along @ normal, normal)
    at = offset, 1.0, sigma
    return (
        lambda X: np.abs(X @ normal) <= 1,
        along + np.outer(offset, normal),
        sigma,
        slab_vote_probability(*at),
        slab_certified_radius(*at),
    )


def box(d, rng):
    # Half of the features bound it.
    sides = d // 2
    halfwidths = rng.uniform(0.5, 2.0, size=sides)
    sigma = 0.8 * box_vanishing_sigma(halfwidths)
    rows = rng.normal(size=(5, d))
    rows[:, :sides] = rng.uniform(-0.3, 0.3, size=(5, sides)) * halfwidths
    rows[0, :sides] = 0
    rows[2:, 0] = np.array([0.4, 0.8, 1.2]) * halfwidths[0]
    at = rows[:, :sides], halfwidths, sigma
    return (
        lambda X: (np.abs(X[:, :sides]) <= halfwidths).all(axis=1),
        rows,
        sigma,
        box_vote_probability(*at),
        box_certified_radius(*at),
    )


def cone(d, rng):
    sigma = 0.7
    radial = sigma * np.array([0.0, 0.5, 1.0, 2.0, 0.0])
    axial = cone_apex_shift(HALF_ANGLE, sigma, d)
    axial = axial + sigma * np.array([1.0, 0.0, 0.5, 2.0, -1.0])
    across = directions(5, d - 1, rng)
    at = axial, radial, HALF_ANGLE, sigma, d
    return (
        lambda X: X[:, 0] * np.tan(HALF_ANGLE) >= np.linalg.norm(X[:, 1:], axis=1),
        np.column_stack([axial, radial[:, np.newaxis] * across]),
        sigma,
        cone_vote_probability(*at),
        cone_certified_radius(*at),
    )


@pytest.mark.parametrize("d", [2, 10, 64])
@pytest.mark.parametrize("shape", [ball, slab, box, cone])
def test_votes_and_certificates_are_those_of_the_closed_form(shape, d):
    rng = np.random.default_rng(d)
    rule, rows, sigma, probability, radius = shape(d, rng)
    # Both sides win somewhere or come close, and no share is too rare to count.
    assert probability.max() > 0.55
    assert probability.min() < 0.45
    assert np.all((probability > 0.001) & (probability < 0.999))

    g = SmoothedClassifier.from_fitted(
        Inside(rule).fit(),
        sigma=sigma,
        n_predict=N_VOTES,
        n_certify=N_VOTES,
        random_state=0,
    )
    error = np.sqrt(probability * (1 - probability) / N_VOTES)
    share = g.predict_proba(rows)[:, 1]
    np.testing.assert_array_less(np.abs(share - probability), 5 * error)

    certificates = g.certify(rows, tol=0, beta=0)
    share = certificates.counts[:, 1] / N_VOTES
    np.testing.assert_array_less(np.abs(share - probability), 5 * error)
    # The pilot of 100 votes names the wrong side of a share beyond 0.25 or 0.75 less
    # than once in a million rows; a row that was named wrongly abstains.
    shown = ~certificates.abstained
    assert shown[np.abs(probability - 0.5) > 0.25].all()
    assert shown.sum() >= 3
    np.testing.assert_array_equal(certificates.label[shown], probability[shown] > 0.5)
    # A bound at alpha = 0.001 lies 3.1 standard errors below the share, and the share
    # within five of the probability; one more for the bound not being quite normal.
    winner = np.maximum(probability, 1 - probability)
    assert np.all(certificates.radius <= radius)
    low = sigma * ndtri(winner - 9.1 * error)
    assert np.all(certificates.radius[shown] >= low[shown] - 1e-4 * sigma)
    # And the radius in closed form is that of the probability in closed form.
    np.testing.assert_allclose(ndtr(radius / sigma), winner, rtol=1e-9)
