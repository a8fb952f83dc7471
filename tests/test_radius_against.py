# SPDX-License-Identifier: BSD-3-Clause
"""Radii against some classes hold, and are at least those against all."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sksmooth import SmoothedClassifier, recertify
from sksmooth.questions import radius_against
from tests.known_votes import Strips, assert_at_most

BASE = Strips(edges=np.array([-0.4, 0.6, 2.0]), labels=np.array([0, 1, 2, 0])).fit()


def smoothed(**params):
    params = {"sigma": 1.0, "n_certify": 400, "random_state": 0} | params
    return SmoothedClassifier.from_fitted(BASE, method="monte_carlo", **params)


def true_radius(x, against, weights):
    """Distance from x to where one of the classes leads; inf if there is none."""
    steps = np.linspace(0, 8, 8001)
    scores = np.multiply(weights, BASE.shares([x - steps, x + steps]))
    leads = np.isin(scores.argmax(axis=-1), against).any(axis=0)
    return steps[leads.argmax()] if leads.any() else np.inf


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_against_all_other_classes_it_is_the_certified_radius(noise):
    X = BASE.rows(0.1, 20)
    certificates = smoothed(noise=noise).certify(X, beta=0)
    for label in (0, 1, 2):
        mine = certificates.label == label
        others = [c for c in (0, 1, 2) if c != label]
        found = radius_against(certificates, others)
        assert_array_equal(found[mine], certificates.radius[mine])


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 2.0, 0.7)])
@pytest.mark.parametrize("against", [[0], [2], [1, 2]])
@pytest.mark.parametrize("x", [-0.65, 0.1, 0.55, 1.3])
def test_it_fails_no_more_often_than_alpha(x, against, weights):
    alpha, n_rows = 0.2, 1000
    certificates = smoothed().certify(BASE.rows(x, n_rows), tol=0.1, beta=0)
    found = radius_against(
        certificates, against, alpha=alpha, vote_weights=list(weights)
    )
    truth = true_radius(x, against, weights)
    assert_at_most((found > truth).sum(), n_rows, alpha)
    if truth > 0.5 and not np.isin(certificates.label, against).all():
        assert (found > 0).any()


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.7]])
def test_fewer_classes_are_further_away(weights):
    certificates = smoothed().certify(BASE.rows(0.1, 50), beta=0)
    certified = recertify(certificates, vote_weights=weights)
    radii = [
        radius_against(certificates, against, vote_weights=weights)
        for against in ([0], [2], [0, 2])
    ]
    clear = certificates.label == 1
    assert clear.any()
    assert_array_equal(np.minimum(*radii[:2])[clear], radii[2][clear])
    assert (radii[2] >= certified.radius)[clear].all()
    assert (radii[1] > radii[2])[clear].any()
    assert not radii[2][~clear].any()


def test_a_sample_that_abstained_is_still_far_from_some_class():
    """Classes 0 and 1 share the votes here; class 2 has hardly any."""
    certificates = smoothed().certify(BASE.rows(-0.65, 200), beta=0)
    assert certificates.abstained.any()
    found = radius_against(certificates, [2])
    assert (found[certificates.abstained] > 0).all()


def test_two_classes_take_all_of_alpha():
    base = Strips(edges=np.array([0.0]), labels=np.array([0, 1])).fit()
    clf = SmoothedClassifier.from_fitted(
        base, sigma=1.0, method="monte_carlo", n_certify=400, random_state=0
    )
    certificates = clf.certify(base.rows(-0.8, 20), beta=0)
    assert_array_equal(radius_against(certificates, [1]), certificates.radius)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"classes": []}, "at least one class"),
        ({"classes": 1}, "must be a list"),
        ({"classes": [7]}, r"classes holds the classes \[7\]"),
        ({"classes": [0, 1, 2]}, "are all classes"),
        ({"alpha": 0.0}, "alpha"),
        ({"vote_weights": [1.0]}, "vote_weights"),
    ],
)
def test_bad_input(params, message):
    certificates = smoothed().certify(BASE.rows(0.1, 3))
    with pytest.raises(ValueError, match=message):
        radius_against(certificates, **{"classes": [1]} | params)


def test_without_fresh_votes_it_is_refused():
    X = BASE.rows(0.1, 3)
    with pytest.raises(ValueError, match="were drawn for radii"):
        radius_against(smoothed().certify(X, radii=[0.1]), [1])
    certificates = smoothed().certify(X)
    exact = dataclasses.replace(certificates, method="exact")
    with pytest.raises(ValueError, match="drew no votes"):
        radius_against(exact, [1])
    published = dataclasses.replace(certificates, n_evaluations=[0, 0, 0])
    with pytest.raises(ValueError, match="no counts of votes"):
        radius_against(published, [1])
