# SPDX-License-Identifier: BSD-3-Clause
"""Boosted single-feature trees: an interval that holds for the fitted model itself."""

from functools import reduce

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from sksmooth.votes.exact import PROBIT_MAX, Declined, find_exact_source
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._cells import CellSource

STUMPS = [
    AdaBoostClassifier(n_estimators=25, random_state=0),
    GradientBoostingClassifier(
        max_depth=1, n_estimators=25, learning_rate=1.0, random_state=0
    ),
    GradientBoostingClassifier(
        max_depth=1, n_estimators=25, init="zero", learning_rate=0.3, random_state=0
    ),
    HistGradientBoostingClassifier(max_leaf_nodes=2, max_iter=25),
    HistGradientBoostingClassifier(interaction_cst="no_interactions", max_iter=8),
]


def mean_width(lower, upper):
    return np.mean(ndtr(upper) - ndtr(lower))


def few_features():
    return make_classification(
        200, 3, n_informative=3, n_redundant=0, class_sep=0.5, random_state=0
    )


@pytest.mark.parametrize("model", STUMPS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_the_interval_holds_the_truth_at_every_grid(model, sigma):
    X, y = few_features()
    model.fit(X, y)
    identity = AffineMap.identity(3)
    exact = CellSource(model, identity).probits(X, sigma)[0]
    width = []
    for n_bins in (16, 64, 256, 1024, 4096, 16384):
        source = AdditiveSource(model, identity, n_bins)
        lower, upper = source.probits(X, sigma)
        slack = 1e-9 * (1 + np.abs(exact))
        near = np.abs(exact) < 35
        assert np.all((lower <= exact + slack)[near])
        assert np.all((upper >= exact - slack)[near])
        width.append(mean_width(lower, upper))
    assert width[0] > width[2] > width[4]
    assert width[-2] < 1e-2


@pytest.mark.parametrize(
    "model",
    [
        AdaBoostClassifier(n_estimators=100, random_state=0),
        GradientBoostingClassifier(max_depth=1, random_state=0),
        HistGradientBoostingClassifier(max_leaf_nodes=2),
    ],
    ids=lambda m: type(m).__name__,
)
def test_intervals_are_narrow_on_real_data(model):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    source = find_exact_source(model.fit(X[::2], y[::2]), X, 0.5)
    assert source.kind == "interval"
    for sigma in (0.25, 0.5, 1.0):
        assert mean_width(*source.probits(X[1:200:2], sigma)) <= 1e-2


@pytest.mark.parametrize("model", STUMPS, ids=lambda m: type(m).__name__)
def test_no_cell_is_counted_on_the_wrong_side(model):
    X, y = few_features()
    model.fit(X, y)
    for n_bins in range(5, 60):
        source = AdditiveSource(model, AffineMap.identity(3), n_bins)
        terms = [term for _, _, term in source._terms]
        steps = [part.gather @ part.values for part in source._steps]
        score = source._bias + reduce(np.add.outer, terms)
        step = reduce(np.add.outer, steps)
        assert np.all(step[score > 0] >= source._possible)
        assert np.all(step[score < 0] < source._sure)


def test_the_grid_is_refined_until_intervals_are_narrow():
    X, y = make_classification(1000, 200, n_informative=100, random_state=0)
    model = HistGradientBoostingClassifier(max_leaf_nodes=2, max_iter=400).fit(X, y)
    identity = AffineMap.identity(200)
    source = AdditiveSource(model, identity)
    coarse = AdditiveSource(model, identity, 4096)
    assert source.n_bins > 4096
    assert mean_width(*coarse.probits(X[:50], 1.0)) > 1e-2
    assert mean_width(*source.probits(X[:50], 1.0)) <= 1e-2


def test_scores_on_the_boundary_count_for_either_class():
    # Two stumps of equal weight on two features disagree in two quadrants, where the
    # score is zero up to rounding.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] > 0).astype(int)
    model = AdaBoostClassifier(n_estimators=2, random_state=0)
    model.fit(X, y)
    model.estimators_ = [
        DecisionTreeClassifier(max_depth=1).fit(X, (X[:, f] > 0).astype(int))
        for f in (0, 1)
    ]
    model.estimator_weights_ = np.ones(2)
    source = AdditiveSource(model, AffineMap.identity(2))
    lower, upper = (ndtr(p)[0] for p in source.probits(np.zeros((1, 2)), 1.0))
    # A quarter is class 1 for sure, half of the plane is undecided.
    np.testing.assert_allclose(lower, 0.25, atol=0.02)
    np.testing.assert_allclose(upper, 0.75, atol=0.02)
    labels = model.predict(X)
    assert not np.any(source.disagrees(X, labels))
    sure = np.sign(X[:, 0]) == np.sign(X[:, 1])
    np.testing.assert_array_equal(source.disagrees(X, 1 - labels), sure)


def test_terms_that_cancel_up_to_rounding_count_for_either_class():
    """scikit-learn adds them in another order, and predicts either class there."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = AdaBoostClassifier(n_estimators=3).fit(X, X[:, 0] > 0)
    model.estimators_ = [DecisionTreeClassifier(max_depth=1).fit(X, x > 0) for x in X.T]
    for unit in (0.1, 0.3, 0.7, 2.3):
        # A tie where the third one disagrees with the first two.
        model.estimator_weights_ = unit * np.array([1.0, 4.0, 5.0])
        source = AdditiveSource(model, AffineMap.identity(3), n_bins=10)
        lower, upper = (ndtr(p)[0] for p in source.probits(np.zeros((1, 3)), 1.0))
        np.testing.assert_allclose(lower, 3 / 8, atol=0.05)
        np.testing.assert_allclose(upper, 5 / 8, atol=0.05)


def test_swapping_the_classes_swaps_the_intervals():
    X, y = few_features()
    make = lambda: GradientBoostingClassifier(max_depth=1, random_state=0)
    identity = AffineMap.identity(3)
    lower, upper = AdditiveSource(make().fit(X, y), identity).probits(X, 0.5)
    swapped = AdditiveSource(make().fit(X, 1 - y), identity).probits(X, 0.5)
    centre = ndtr((lower + upper) / 2)
    other = ndtr(np.mean(swapped, axis=0))[:, ::-1]
    np.testing.assert_allclose(centre, other, atol=2e-3)


@pytest.mark.parametrize("model", STUMPS, ids=lambda m: type(m).__name__)
def test_far_out_intervals_are_finite_and_on_the_safe_side(model):
    X, y = few_features()
    model.fit(X, y)
    identity = AffineMap.identity(3)
    lower, upper = AdditiveSource(model, identity).probits(X, 1e-4)
    exact = CellSource(model, identity).probits(X, 1e-4)[0]
    assert np.abs(exact).max() > 40
    for probit in (lower, upper):
        assert np.all(np.abs(probit) <= PROBIT_MAX)
    assert np.all(lower <= exact + 1e-6 * np.abs(exact))
    assert np.all(upper >= exact - 1e-6 * np.abs(exact))
    # What a radius is made of stops at what float64 can tell.
    assert 35 < lower.max() < 36
    assert -36 < upper.min() < -35


def test_a_sum_without_terms_is_constant():
    X, _ = few_features()
    y = np.arange(len(X)) < 150
    model = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=150).fit(X, y)
    lower, _ = AdditiveSource(model, AffineMap.identity(3)).probits(X, 0.5)
    assert np.all(lower[:, 1] > 35)


def test_more_than_two_classes_are_refused():
    X, y = load_iris(return_X_y=True)
    model = GradientBoostingClassifier(max_depth=1, n_estimators=5).fit(X, y)
    with pytest.raises(Declined, match="two classes"):
        AdditiveSource(model, AffineMap.identity(4))


def test_a_tree_that_looks_at_several_features_is_refused():
    X, y = make_classification(300, 12, n_informative=8, random_state=0)
    for model in (
        GradientBoostingClassifier(n_estimators=30),
        HistGradientBoostingClassifier(),
    ):
        with pytest.raises(Declined, match="features at once") as info:
            find_exact_source(model.fit(X, y), X, 0.5)
        # Both ways that were tried are named.
        assert "cells, more than" in str(info.value)
