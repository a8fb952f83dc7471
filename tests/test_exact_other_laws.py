# SPDX-License-Identifier: BSD-3-Clause
"""Closed forms under Laplace and uniform noise, and in other norms than l2."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.noise import LAWS

X, Y = make_classification(
    200, 4, n_informative=3, n_redundant=0, n_classes=3, n_clusters_per_class=1,
    random_state=0,
)  # fmt: skip
TWO = (Y > 0).astype(int)
FEW = X[:6]
N_DRAWS = 40_000
FORMS = {
    "tree": (DecisionTreeClassifier(max_depth=5, random_state=0), Y),
    "tree, scaled": (
        make_pipeline(
            StandardScaler(), DecisionTreeClassifier(max_depth=4, random_state=0)
        ),
        Y,
    ),
    "cells": (RandomForestClassifier(3, max_depth=2, random_state=0), Y),
    "stumps": (GradientBoostingClassifier(n_estimators=20, max_depth=1), TWO),
}
SCALE = np.array([1.0, 0.5, 2.0, 1.5])


def smooth(base, y, **params):
    return SmoothedClassifier(base, **{"sigma": 0.6, "random_state": 0} | params).fit(
        X, y
    )


@pytest.mark.parametrize("noise", ["laplace", "uniform"])
@pytest.mark.parametrize("name", FORMS)
def test_probabilities_are_those_of_the_law(name, noise):
    clf = smooth(*FORMS[name], noise=noise, feature_scale=SCALE, method="exact")
    assert clf.vote_source(FEW).method == "exact"
    shares = clf.predict_proba(FEW)
    law = LAWS[noise](0.6, scale=SCALE)
    rng = np.random.default_rng(0)
    for x, expected in zip(FEW, shares, strict=True):
        copies = np.empty((N_DRAWS, 4))
        law.perturb(law.snap(x), rng, copies)
        votes = clf.estimator_.predict(copies)
        found = np.mean(votes[:, np.newaxis] == clf.classes_, axis=0)
        # Five standard errors.
        assert (np.abs(found - expected) < 5 * 0.5 / N_DRAWS**0.5).all()


@pytest.mark.parametrize("noise", ["laplace", "uniform"])
def test_sampled_certificates_claim_no_more_than_exact_ones(noise):
    clf = smooth(*FORMS["tree"], noise=noise, method="exact")
    exact = clf.certify(X)
    sampled = clf.set_params(method="monte_carlo", n_certify=500).certify(X[:60])
    both = ~sampled.abstained & ~exact[:60].abstained
    assert exact.alpha == 0
    assert (sampled.label == exact.label[:60])[both].mean() > 0.97
    assert (sampled.radius <= exact.radius[:60])[both].mean() > 0.97
    asked = clf.set_params(method="exact").certify(X, radii=[0.0, 0.2, 0.5])
    assert ((exact.radius >= 0.2) == asked.holds(0.2)).all()


def test_uniform_probabilities_of_nothing_are_nothing():
    """A sample so deep in a class that no noise leaves it."""
    base = DecisionTreeClassifier(max_depth=1).fit([[0.0], [10.0]], [0, 1])
    clf = SmoothedClassifier.from_fitted(base, noise="uniform", method="exact")
    certificates = clf.certify([[0.0], [4.99], [5.2]])
    largest = 2 * 3**0.5 * 0.25
    np.testing.assert_allclose(certificates.radius[0], largest / 2, rtol=1e-12)
    # Beyond 5, as far as the float32 of trees can tell, which is 2e-7.
    share = 0.5 + 0.2 / largest
    expected = largest * (2 * share - 1) / 2
    np.testing.assert_allclose(certificates.radius[2], expected, rtol=1e-5)
    assert (certificates.radius <= largest / 2).all()


@pytest.mark.parametrize(
    ("noise", "norm", "dual"),
    [
        ("laplace", 1, np.inf), ("uniform", 1, np.inf), ("uniform", np.inf, 1),
        ("gaussian", 1, np.inf), ("gaussian", np.inf, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scale", [None, SCALE])
def test_two_linear_classes_hold_to_the_hyperplane(noise, norm, dual, scale):
    base = make_pipeline(StandardScaler(), LogisticRegression())
    clf = smooth(base, TWO, noise=noise, norm=norm, feature_scale=scale)
    certificates = clf.certify(X)
    assert certificates.method == "exact"
    model = clf.estimator_
    weight = model[1].coef_[0] / model[0].scale_
    unit = np.ones(4) if scale is None else scale
    margin = np.abs(model.decision_function(X))
    expected = margin / np.linalg.norm(weight * unit, dual)
    np.testing.assert_allclose(certificates.radius, expected, rtol=1e-9)
    assert (certificates.label == model.predict(X)).all()
    # The worst change of that size, a little smaller and a little larger.
    if dual == 1:
        worst = np.sign(weight) * unit
    else:
        worst = np.eye(4)[np.argmax(np.abs(weight * unit))] * np.sign(weight) * unit
    side = np.where(certificates.label == 1, -1.0, 1.0)[:, np.newaxis]
    for factor, same in ((1 - 1e-6, True), (1 + 1e-6, False)):
        moved = X + factor * certificates.radius[:, np.newaxis] * side * worst
        assert ((model.predict(moved) == certificates.label) == same).all()
    asked = clf.certify(X, radii=[0.0, 0.3])
    assert (asked.holds(0.3) == certificates.holds(0.3)).all()
    assert (clf.predict(X) == certificates.label).all()


def test_shares_of_linear_votes_are_sampled_where_nothing_else_is_known():
    clf = smooth(LogisticRegression(), TWO, noise="laplace")
    shares = clf.predict_proba(FEW)
    assert (np.argmax(shares, axis=1) == clf.predict(FEW)).mean() > 0.8
    with pytest.raises(ValueError, match="no closed form of the probabilities"):
        clf.set_params(method="exact").predict_proba(FEW)
    gaussian = smooth(LogisticRegression(), TWO, norm=1, method="exact")
    margin = gaussian.estimator_.decision_function(FEW)
    size = 0.6 * np.linalg.norm(gaussian.estimator_.coef_)
    np.testing.assert_allclose(
        gaussian.predict_proba(FEW)[:, 1], ndtr(margin / size), rtol=1e-9
    )


def test_what_has_no_closed_form_says_why():
    weighted = smooth(
        LogisticRegression(), TWO, noise="laplace", vote_weights=[1, 2], method="exact"
    )
    with pytest.raises(ValueError, match="without vote weights"):
        weighted.certify(FEW)
    mixed = make_pipeline(PCA(), DecisionTreeClassifier(max_depth=2))
    with pytest.raises(ValueError, match="mixes features"):
        smooth(mixed, Y, noise="laplace", method="exact").certify(FEW)
    three = smooth(LogisticRegression(), Y, noise="uniform")
    assert three.vote_source(FEW).method == "monte_carlo"
