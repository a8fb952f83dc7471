# SPDX-License-Identifier: BSD-3-Clause
"""Radii against some classes hold, and are at least those against all."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from sksmooth import SmoothedClassifier, read_certificates, recertify
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
        found = certificates.radius_against(others)
        assert_array_equal(found[mine], certificates.radius[mine])


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 2.0, 0.7)])
@pytest.mark.parametrize("against", [[0], [2], [1, 2]])
@pytest.mark.parametrize("x", [-0.65, 0.1, 0.55, 1.3])
def test_it_fails_no_more_often_than_alpha(x, against, weights):
    alpha, n_rows = 0.2, 1000
    certificates = smoothed().certify(BASE.rows(x, n_rows), tol=0.1, beta=0)
    found = certificates.radius_against(
        against, alpha=alpha, vote_weights=list(weights)
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
        certificates.radius_against(against, vote_weights=weights)
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
    found = certificates.radius_against([2])
    assert (found[certificates.abstained] > 0).all()


def test_two_classes_take_all_of_alpha():
    base = Strips(edges=np.array([0.0]), labels=np.array([0, 1])).fit()
    clf = SmoothedClassifier.from_fitted(
        base, sigma=1.0, method="monte_carlo", n_certify=400, random_state=0
    )
    certificates = clf.certify(base.rows(-0.8, 20), beta=0)
    assert_array_equal(certificates.radius_against([1]), certificates.radius)


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
        certificates.radius_against(**{"classes": [1]} | params)


def without_fresh_votes():
    X = BASE.rows(-2.0, 3)
    certificates = smoothed().certify(X)
    yield smoothed().certify(X, radii=[0.1])
    yield dataclasses.replace(certificates, n_evaluations=[0, 0, 0])  # published


def test_without_fresh_votes_the_certified_radius_remains():
    for certificates in without_fresh_votes():
        assert (certificates.radius > 0).all()
        assert_array_equal(certificates.radius_against([2]), certificates.radius)
        assert not certificates.radius_against([0]).any()
        for params in ({"alpha": 0.01}, {"vote_weights": [1, 2, 1]}):
            with pytest.raises(ValueError, match="no votes that could prove"):
                certificates.radius_against([2], **params)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.7]])
def test_weights_are_those_of_the_certificates(weights):
    """A plain vote would be another classifier than the one that was certified."""
    X = BASE.rows(0.1, 20)
    certificates = smoothed(vote_weights=weights).certify(X, beta=0)
    for against in ([0], [0, 2]):
        assert_array_equal(
            certificates.radius_against(against),
            certificates.radius_against(against, vote_weights=weights),
        )
    mine = certificates.label == 1
    assert mine.any()
    assert_array_equal(
        certificates.radius_against([0, 2])[mine], certificates.radius[mine]
    )
    plain = smoothed().certify(X, beta=0)
    weighted = recertify(plain, vote_weights=weights)
    assert_array_equal(
        weighted.radius_against([0]), plain.radius_against([0], vote_weights=weights)
    )


def test_logs_keep_the_votes_and_their_weights(tmp_path):
    clf = smoothed(vote_weights=[1.0, 2.0, 0.7])
    made = clf.certify(BASE.rows(0.1, 6), log=tmp_path / "log")
    read, _ = read_certificates(tmp_path / "log")
    assert read == made
    assert_array_equal(read.radius_against([0]), made.radius_against([0]))
    assert_array_equal(read[2:4].radius_against([0]), made.radius_against([0])[2:4])


@pytest.fixture(scope="module")
def three_lines():
    """A linear classifier of three classes in the plane, with its closed form."""
    X, y = load_iris(return_X_y=True)
    return X[::5, 2:], LogisticRegression().fit(X[:, 2:], y)


@pytest.mark.parametrize("weights", [None, {1: 0.5}])
def test_closed_forms_agree_with_a_fine_grid(three_lines, weights):
    """On a ray towards the classes the label lasts at least as long as stated."""
    X, base = three_lines
    clf = SmoothedClassifier.from_fitted(
        base, sigma=0.5, method="exact", vote_weights=weights
    )
    certificates = clf.certify(X)
    pieces = [certificates.radius_against([c]) for c in (0, 1, 2)]
    pairs = certificates.radius_against([0, 2])
    assert_array_equal(pairs, np.minimum(pieces[0], pieces[2]))
    assert all((r[~certificates.abstained] >= 0).all() for r in pieces)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    gained = False
    for c, radius in enumerate(pieces):
        assert not radius[certificates.label == c].any()
        others = certificates.label != c
        assert (radius[others] >= certificates.radius[others]).all()
        gained |= (radius[others] > certificates.radius[others] + 0.2).any()
        moved = X[:, None] + radius[:, None, None] * around
        found = clf.predict(moved[others].reshape(-1, 2))
        assert (found != c).all()
    assert gained


def test_a_log_of_a_closed_form_knows_the_label_alone(three_lines, tmp_path):
    X, base = three_lines
    clf = SmoothedClassifier.from_fitted(base, sigma=0.5, method="exact")
    made = clf.certify(X, log=tmp_path / "log")
    read, _ = read_certificates(tmp_path / "log")
    full = clf.certify(X).radius_against([0])
    for certificates in (made, read):
        found = certificates.radius_against([0])
        assert (found <= full).all()
        others = read.label != 0
        assert (found[others] >= read.radius[others]).all()
    with pytest.raises(ValueError, match="have no error probability"):
        read.radius_against([0], alpha=0.1)
