# SPDX-License-Identifier: BSD-3-Clause
"""Tables of cells: the hard vote of an ensemble on few features."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import load_iris, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sksmooth.votes.exact import Declined, find_exact_source
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._tree import TreeSource


def iris():
    return load_iris(return_X_y=True)


def moons():
    return make_moons(300, noise=0.25, random_state=0)


@pytest.mark.parametrize("data", [iris, moons])
@pytest.mark.parametrize("sigma", [1e-4, 0.02, 0.3, 5.0])
def test_the_table_of_a_single_tree_is_its_boxes(data, sigma):
    X, y = data()
    forest = RandomForestClassifier(1, bootstrap=False, random_state=0).fit(X, y)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    tree.tree_ = forest.estimators_[0].tree_
    identity = AffineMap.identity(X.shape[1])
    by_cells = CellSource(forest, identity).probits(X, sigma)[0]
    by_boxes = TreeSource(tree, identity).probits(X, sigma)[0]
    # Far out the two add the same boxes in other orders, in logarithms.
    np.testing.assert_allclose(by_cells, by_boxes, rtol=1e-10, atol=1e-10)


def test_the_table_is_filled_when_it_is_first_needed(monkeypatch):
    X, y = moons()
    model = RandomForestClassifier(3, random_state=0).fit(X, y)
    source = find_exact_source(model, X, 0.3)
    n_cells = source.build_evaluations
    assert n_cells == source.n_cells > 1000
    before = source.cost_per_row(1)
    asked = []
    honest = RandomForestClassifier.predict
    monkeypatch.setattr(
        RandomForestClassifier,
        "predict",
        lambda self, X: asked.append(len(X)) or honest(self, X),
    )
    source.probits(X[:1], 0.3)
    assert sum(asked) == n_cells
    assert source.build_evaluations == 0
    assert source.cost_per_row(1) < before
    source.probits(X, 0.1)
    assert sum(asked) == n_cells


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(7, random_state=0),
        ExtraTreesClassifier(3, random_state=0),
        GradientBoostingClassifier(n_estimators=9, random_state=0),
        HistGradientBoostingClassifier(max_iter=9),
        AdaBoostClassifier(
            DecisionTreeClassifier(max_depth=2), n_estimators=5, random_state=0
        ),
        BaggingClassifier(n_estimators=4, max_features=1, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
def test_nothing_changes_inside_a_cell(model):
    X, y = moons()
    model.fit(X, y)
    source = CellSource(model, AffineMap.identity(2))
    rng = np.random.default_rng(0)
    # Just beside thresholds, and on the values that are cast to a cell's very end.
    rows = rng.uniform(-2, 3, (2000, 2))
    for column, axis in enumerate(source._axes):
        cuts = source._thresholds[column]
        at = rng.choice(cuts, len(rows) // 2)
        steps = rng.choice([-2, -1, 1, 2], len(at))
        rows[: len(at), axis] = at + steps * np.spacing(at)
        ends = source._values[column]
        rows[len(at) : len(at) + 500, axis] = rng.choice(ends, 500)
    np.testing.assert_array_equal(
        source.predict_from_structure(rows), model.predict(rows)
    )


def test_far_out_the_radius_is_the_distance():
    X, y = moons()
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    source = find_exact_source(model, X, 0.1)
    radius = []
    for sigma in (1e-4, 1e-6):
        lower, upper = source.probits(X[:30], sigma)
        assert np.all(np.isfinite(lower))
        radius.append(sigma / 2 * (lower.max(axis=1) - upper.min(axis=1)))
    np.testing.assert_allclose(radius[0], radius[1], rtol=1e-2)
    # Within the radius nothing changes.
    rng = np.random.default_rng(0)
    around = rng.normal(size=(500, 30, 2))
    around /= np.linalg.norm(around, axis=2, keepdims=True)
    around *= 0.999 * radius[1][:, np.newaxis]
    votes = model.predict((X[:30] + around).reshape(-1, 2)).reshape(500, 30)
    np.testing.assert_array_equal(votes, np.tile(model.predict(X[:30]), (500, 1)))


def test_features_that_no_tree_uses_cost_no_cells():
    X, y = moons()
    wide = np.concatenate([X, np.zeros((len(X), 30))], axis=1)
    model = RandomForestClassifier(3, max_features=None, random_state=0).fit(wide, y)
    source = find_exact_source(model, wide, 0.3)
    trees = [member.tree_ for member in model.estimators_]
    cuts = [
        {t for tree in trees for t in tree.threshold[tree.feature == f]} for f in (0, 1)
    ]
    assert source.n_cells == (len(cuts[0]) + 1) * (len(cuts[1]) + 1)
    moved = wide.copy()
    moved[:, 2:] = np.random.default_rng(0).normal(size=(len(X), 30))
    np.testing.assert_array_equal(
        source.probits(moved, 0.3)[0], source.probits(wide, 0.3)[0]
    )


def test_an_ensemble_without_splits_always_answers_the_same():
    X, _ = moons()
    y = np.arange(len(X)) < 200
    model = RandomForestClassifier(3, max_leaf_nodes=2, min_samples_leaf=300)
    source = find_exact_source(model.fit(X, y), X, 0.3)
    assert source.n_cells == 1
    np.testing.assert_array_equal(
        ndtr(source.probits(X, 0.3)[0]), np.tile([0.0, 1.0], (len(X), 1))
    )


def declined(model, X):
    with pytest.raises(Declined) as info:
        find_exact_source(model, X, 0.5)
    return str(info.value)


def test_a_table_beyond_the_budget_is_refused():
    X, y = moons()
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    n_cells = find_exact_source(model, X, 0.5).n_cells
    affine = AffineMap.identity(X.shape[1])
    assert CellSource(model, affine, max_cells=n_cells).n_cells == n_cells
    with pytest.raises(Declined, match="cells, more than"):
        CellSource(model, affine, max_cells=n_cells - 1)
    # Even where the number of cells is beyond any float.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 400)), rng.integers(2, size=300)
    model = RandomForestClassifier(50, random_state=0).fit(X, y)
    assert "cells, more than" in declined(model, X)


def categorical():
    X, y = moons()
    X = np.column_stack([X[:, 0], np.round(2 * X[:, 1]) + 5])
    return HistGradientBoostingClassifier(categorical_features=[1]).fit(X, y), X


def split_on_missing():
    X, y = moons()
    holed = X.copy()
    holed[y == 1, 0] = np.nan
    return HistGradientBoostingClassifier(max_iter=2).fit(holed, y), X


def with_start(init):
    X, y = moons()
    return GradientBoostingClassifier(init=init, n_estimators=3).fit(X, y), X


def with_members(cls, member):
    X, y = moons()
    return cls(member, n_estimators=3).fit(X, y), X


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (categorical, "categorical"),
        (split_on_missing, "missing values"),
        (lambda: with_start(LogisticRegression()), "init=LogisticRegression"),
        (lambda: with_start(DummyClassifier(strategy="stratified")), "init=Dummy"),
        (
            lambda: with_members(BaggingClassifier, KNeighborsClassifier()),
            "KNeighborsClassifier, not plain trees",
        ),
        (
            lambda: with_members(AdaBoostClassifier, LogisticRegression()),
            "LogisticRegression, not plain trees",
        ),
    ],
)
def test_what_is_not_constant_between_thresholds_is_refused(make, reason):
    model, X = make()
    assert reason in declined(model, X)


@pytest.mark.parametrize("init", ["zero", None])
def test_a_constant_start_is_accepted(init):
    model, X = with_start(init)
    assert isinstance(find_exact_source(model, X, 0.5), CellSource)
