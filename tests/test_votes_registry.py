# SPDX-License-Identifier: BSD-3-Clause
"""Which source is chosen, seen through the estimator."""

from copy import deepcopy

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from sklearn.datasets import load_digits, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier

X, y = load_iris(return_X_y=True)


class Contrary(LogisticRegression):
    """Answers something else than its coefficients say."""

    def predict(self, X):
        return self.classes_[::-1][np.argmax(self.decision_function(X), axis=1)]


def test_a_closed_form_needs_no_votes_and_no_alpha():
    clf = SmoothedClassifier(LogisticRegression(max_iter=1000), sigma=0.5).fit(X, y)
    certificates = clf.certify(X)
    assert certificates.method == "exact"
    assert certificates.alpha == 0.0
    assert not certificates.n_evaluations.any()
    assert not certificates.counts.any()


def test_sampling_can_be_asked_for():
    clf = SmoothedClassifier(
        LogisticRegression(max_iter=1000), method="monte_carlo", n_certify=100
    ).fit(X, y)
    certificates = clf.certify(X[:5])
    assert certificates.method == "monte_carlo"
    assert (certificates.n_evaluations > 0).all()


@pytest.mark.parametrize("radii", [None, [0.0, 0.1, 0.4]])
def test_sampled_radii_stay_within_exact_ones(radii):
    # Each sampled certificate exceeds the truth with probability at most alpha, so
    # more than 3 of 60 do so with probability below 1e-6.
    tree = DecisionTreeClassifier(random_state=0).fit(X[::2], y[::2])
    rows = X[1::2][:60]
    settings = {"sigma": 0.4, "random_state": 0}
    exact = SmoothedClassifier.from_fitted(tree, method="exact", **settings)
    sampled = SmoothedClassifier.from_fitted(tree, method="monte_carlo", **settings)
    truth = exact.certify(rows)
    shown = sampled.certify(rows, radii=radii)
    alike = shown.abstained | (shown.label == truth.label)
    assert np.sum(~alike | (shown.radius > truth.radius)) <= 3
    # and they come close: little is given up for the votes saved
    assert shown.radius.mean() > 0.85 * exact.certify(rows, radii=radii).radius.mean()


def test_a_grid_of_radii_is_read_off_the_exact_radius():
    clf = SmoothedClassifier(LogisticRegression(max_iter=1000), sigma=0.5).fit(X, y)
    radius = clf.certify(X).radius
    grid = np.array([0.0, 0.2, 0.5])
    held = clf.certify(X, radii=grid)
    expected = np.array([grid[grid <= r].max() for r in radius])
    np.testing.assert_array_equal(held.radius, expected)


def test_a_classifier_that_contradicts_its_structure_is_sampled():
    clf = SmoothedClassifier(Contrary(max_iter=1000), n_certify=100).fit(X, y)
    assert clf.certify(X[:3]).method == "monte_carlo"


def test_a_replaced_coefficient_is_seen():
    model = LogisticRegression(max_iter=1000).fit(X[:100], y[:100])
    clf = SmoothedClassifier.from_fitted(model, sigma=0.5)
    before = clf.certify(X[:10]).radius
    model.fit(10 * X[:100], y[:100])
    after = clf.certify(X[:10]).radius
    distance = np.abs(model.decision_function(X[:10])) / np.linalg.norm(model.coef_)
    np.testing.assert_allclose(after, distance, rtol=1e-10)
    assert not np.allclose(before, after)


def turn_coefficients(model):
    model[-1].coef_ *= -1


def use_another_scale(model):
    model[0].scale_ *= 3


def leave_the_mean_in(model):
    model[0].set_params(with_mean=False)


def prune(forest):
    del forest.estimators_[1:]


@pytest.mark.parametrize(
    "change", [turn_coefficients, use_another_scale, leave_the_mean_in, prune]
)
def test_a_change_in_place_is_seen(change):
    if change is prune:
        model = RandomForestClassifier(5, max_depth=2, random_state=0)
    else:
        model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(X[:100, 2:], y[:100])
    settings = {"sigma": 0.5, "method": "exact"}
    clf = SmoothedClassifier.from_fitted(model, **settings)
    before = clf.certify(X[:, 2:])
    assert clf.certify(X[:, 2:]) == before
    change(model)
    after = clf.certify(X[:, 2:])
    assert after != before
    afresh = SmoothedClassifier.from_fitted(deepcopy(model), **settings)
    assert after == afresh.certify(X[:, 2:])


def test_exact_raises_with_the_reason():
    clf = SmoothedClassifier(KNeighborsClassifier(), method="exact").fit(X, y)
    with pytest.raises(ValueError, match=r"method='exact'.*no closed form"):
        clf.certify(X[:2])


def test_linear_scores_are_sampled_where_they_differ():
    # Ten classes in 64 dimensions: nine directions. The law of the votes is the same.
    digits, labels = load_digits(return_X_y=True)
    digits = digits / 16
    model = LogisticRegression(max_iter=2000).fit(digits[::2], labels[::2])
    rows, n = digits[1:41:2], 5000
    settings = {"sigma": 0.5, "n_predict": n, "random_state": 0}
    projected = SmoothedClassifier.from_fitted(model, **settings).predict_proba(rows)
    plain = SmoothedClassifier.from_fitted(
        model, method="monte_carlo", **settings
    ).predict_proba(rows)
    assert not np.array_equal(projected, plain)
    share = (projected + plain) / 2
    error = np.sqrt(np.maximum(share * (1 - share), 1 / n) * 2 / n)
    # 200 differences of two independent estimates
    assert np.abs(projected - plain).max() <= 5 * error.max()
    assert (np.abs(projected - plain) <= 5 * error).all()


@pytest.mark.parametrize("n_classes", [3, 6])
@pytest.mark.parametrize(
    "model", [LinearDiscriminantAnalysis(), NearestCentroid(), RidgeClassifier()]
)
def test_of_classes_trained_on_the_same_rows_the_votes_are_those_of_predict(
    model, n_classes
):
    # Their coefficients differ by rounding alone, and so do their scores: which of the
    # two is ahead is not what the coefficients say in exact arithmetic.
    rng = np.random.default_rng(n_classes)
    rows = rng.normal(size=(n_classes - 1, 60, 5)) + 2 * rng.normal(
        size=(n_classes - 1, 1, 5)
    )
    rows = np.concatenate([*rows, rng.permutation(rows[-1])])
    model.fit(rows, np.repeat(np.arange(n_classes), 60))
    clf = SmoothedClassifier.from_fitted(model, sigma=0.5, random_state=0)
    asked, n = rows[-20:], 4000
    noisy = asked[:, np.newaxis] + 0.5 * rng.standard_normal((20, n, 5))
    votes = model.predict(noisy.reshape(-1, 5)).reshape(20, n, 1)
    plain = (votes == np.arange(n_classes)).mean(axis=1)
    # 5 standard errors of the difference between shares of 1000 votes and of 4000
    assert np.abs(clf.predict_proba(asked) - plain).max() <= 5 * 0.5 / np.sqrt(800)


@pytest.mark.parametrize("sigma", [0.05, 0.25, 1.0])
@pytest.mark.parametrize("weights", [(1.0, 3.0), (2.0, 0.1)])
def test_weights_shift_the_hyperplane_of_a_linear_model(sigma, weights):
    # Class 1 is answered where the signed distance exceeds
    # sigma * Phi^-1(w0 / (w0 + w1)), and the radius is the distance to there.
    binary = X[:100], y[:100]
    model = LogisticRegression(max_iter=1000).fit(*binary)
    clf = SmoothedClassifier.from_fitted(model, sigma=sigma, vote_weights=weights)
    certificates = clf.certify(binary[0])
    distance = model.decision_function(binary[0]) / np.linalg.norm(model.coef_)
    shifted = distance - sigma * ndtri(weights[0] / sum(weights))
    np.testing.assert_array_equal(certificates.label, np.where(shifted > 0, 1, 0))
    np.testing.assert_allclose(certificates.radius, np.abs(shifted), rtol=1e-10)


@pytest.mark.parametrize("weights", [(1.0, 3.0, 2.0), (2.0, 0.8, 1.0)])
def test_with_weights_the_radius_is_the_least_over_all_other_classes(weights):
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X[::2], y[::2])
    settings = {"sigma": 0.7, "method": "exact"}
    rows, v = X[1::2], np.array(weights)
    p = SmoothedClassifier.from_fitted(tree, **settings).predict_proba(rows)
    certificates = SmoothedClassifier.from_fitted(
        tree, vote_weights=weights, **settings
    ).certify(rows)
    label = np.argmax(v * p, axis=1)
    np.testing.assert_array_equal(certificates.label, label)
    limited_by = set()
    for row, top, radius in zip(p, label, certificates.radius, strict=True):
        probit, r = ndtri(row), radius / 0.7
        ahead = v[top] * ndtr(probit[top] - r) - v * ndtr(probit + r)
        ahead[top] = np.inf
        assert abs(ahead.min()) < 1e-9
        limited_by.add((top, np.argmin(ahead)))
    assert len(limited_by) > 2
