# SPDX-License-Identifier: BSD-3-Clause
"""A change inside a fitted classifier is seen, wherever it is.

The law: after any change, a smoothed classifier that was used before certifies and
predicts what one that is made afresh does.
"""

import gc
import weakref
from copy import deepcopy
from ctypes import c_double, c_void_p, cast, pointer
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth._estimators import layers
from sksmooth.questions import CountVotes
from sksmooth.votes import MonteCarloVotes, _cache, _fitted_state

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 2))
y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=200) > 0).astype(int)
ROWS = X[:40]


def smoothed(model):
    return SmoothedClassifier.from_fitted(model, sigma=0.4, random_state=0)


def tree_of(model):
    """The first tree inside a model."""
    if hasattr(model, "tree_"):
        return model.tree_
    return tree_of(np.ravel(model.estimators_)[0])


def prune(model):
    """The usual way to merge small leaves of a fitted tree: cut it off in place."""
    tree = tree_of(model)
    tree.children_left[0] = tree.children_right[0] = -1


def move_threshold(model):
    tree_of(model).threshold[0] += 0.7


def swap_features(model):
    tree = tree_of(model)
    tree.feature[0] = 1 - tree.feature[0]


def swap_children(model):
    tree = tree_of(model)
    tree.children_left[0], tree.children_right[0] = (
        tree.children_right[0],
        tree.children_left[0],
    )


def turn_values(model):
    values = tree_of(model).value
    values[:] = values[..., ::-1] if values.shape[-1] > 1 else -9 * values


def drop_member(model):
    model.estimators_ = model.estimators_[1:]


def replace_member(model):
    members = model.estimators_
    other = np.ravel(members)[1]
    if isinstance(members, list):
        members[0] = other
    else:
        members[0, 0] = other


def move_node(model):
    model._predictors[0][0].nodes["num_threshold"][0] += 1.0


def turn_leaves(model):
    for stage in model._predictors:
        stage[0].nodes["value"] *= -1


TREE = [prune, move_threshold, swap_features, swap_children, turn_values]
SHALLOW = {"max_depth": 2, "random_state": 0}
ENSEMBLES = [
    RandomForestClassifier(3, **SHALLOW),
    ExtraTreesClassifier(3, **SHALLOW),
    BaggingClassifier(DecisionTreeClassifier(max_depth=2), 3, random_state=0),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3),
    GradientBoostingClassifier(n_estimators=3, max_depth=2),
]
CHANGES = [
    *((DecisionTreeClassifier(max_depth=4), change) for change in TREE),
    (ExtraTreeClassifier(max_depth=4, random_state=0), prune),
    *(
        (model, change)
        for model in ENSEMBLES
        for change in (prune, move_threshold, turn_values, drop_member, replace_member)
    ),
    (HistGradientBoostingClassifier(max_iter=3, max_depth=2), move_node),
    (HistGradientBoostingClassifier(max_iter=3, max_depth=2), turn_leaves),
]


def bare(model):
    return model.fit(X, y), model


def frozen_twice(model):
    return FrozenEstimator(FrozenEstimator(model.fit(X, y))), model


def piped(model):
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    return pipeline, pipeline[-1]


def frozen_in_pipelines(model):
    pipeline = make_pipeline(
        StandardScaler(),
        make_pipeline(StandardScaler(), FrozenEstimator(model.fit(X, y))),
    ).fit(X, y)
    return pipeline, model


def searched(model):
    search = GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=2).fit(X, y)
    return FrozenEstimator(search), search.best_estimator_[-1]


def check_change_is_seen(model, change, must_differ=True):
    clf = smoothed(model)
    before = clf.certify(ROWS, radii=[0.0, 0.1, 0.2])
    clf.predict_proba(ROWS)
    change()
    afresh = smoothed(deepcopy(model))
    after = clf.certify(ROWS, radii=[0.0, 0.1, 0.2])
    assert after == afresh.certify(ROWS, radii=[0.0, 0.1, 0.2])
    np.testing.assert_array_equal(clf.predict(ROWS), afresh.predict(ROWS))
    # The change is one: a test with none would show nothing.
    assert after != before or not must_differ


@pytest.mark.parametrize(
    ("model", "change"), CHANGES, ids=lambda part: getattr(part, "__name__", None)
)
def test_changes_of_trees(model, change):
    model = deepcopy(model).fit(X, y)
    # One tree of a vote may be outvoted.
    check_change_is_seen(model, lambda: change(model), must_differ=False)


@pytest.mark.parametrize(
    "wrap", [bare, frozen_twice, piped, frozen_in_pipelines, searched]
)
@pytest.mark.parametrize("change", TREE)
def test_changes_of_a_tree_inside_wrappers(wrap, change):
    outer, tree = wrap(DecisionTreeClassifier(max_depth=4, random_state=0))
    check_change_is_seen(outer, lambda: change(tree))


def reverse(array):
    array[:] = array[::-1].copy()


LINEAR_CHANGES = {
    "coef_ in place": lambda scaler, last: last.coef_.__imul__(-1),
    "coef_ replaced": lambda scaler, last: setattr(last, "coef_", -last.coef_),
    "one element": lambda scaler, last: last.coef_.__setitem__((0, 0), 9.0),
    "intercept_ in place": lambda scaler, last: last.intercept_.__iadd__(0.5),
    "mean_ in place": lambda scaler, last: scaler.mean_.__iadd__(0.5),
    "scale_ in place": lambda scaler, last: scaler.scale_.__imul__([1.0, 3.0]),
    "parameter of a step": lambda scaler, last: scaler.set_params(with_mean=False),
    "features swapped": lambda scaler, last: reverse(last.coef_[0]),
    "predict replaced": lambda scaler, last: setattr(
        last, "predict", lambda rows: np.ones(len(rows), int)
    ),
}


@pytest.mark.parametrize("wrap", [piped, searched], ids=["piped", "searched"])
@pytest.mark.parametrize("change", LINEAR_CHANGES.values(), ids=LINEAR_CHANGES)
def test_changes_of_a_linear_classifier_and_its_scaler(wrap, change):
    labels = (X[:, 0] + 0.2 * X[:, 1] > 0.1).astype(int)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X + 1, labels)
    outer = pipeline
    if wrap is searched:
        outer = GridSearchCV(pipeline, {}, cv=2).fit(X + 1, labels)
        pipeline = outer.best_estimator_
    clf = smoothed(outer)
    before = clf.certify(ROWS)
    assert before.method == "exact"
    change(*(step for _, step in pipeline.steps))
    after = clf.certify(ROWS)
    assert after == smoothed(deepcopy(outer)).certify(ROWS)
    assert after != before


def linear(target=y):
    return LogisticRegression().fit(X, target)


OWN_METHODS = {
    "scores": (LogisticRegression(), lambda m: m, "decision_function"),
    "probabilities": (
        RandomForestClassifier(3, **SHALLOW),
        lambda m: m,
        "predict_proba",
    ),
    "kernel machine": (SVC(), lambda m: m, "decision_function"),
    "neighbors": (KNeighborsClassifier(), lambda m: m, "kneighbors"),
    "boosting": (
        HistGradientBoostingClassifier(max_iter=3),
        lambda m: m,
        "_raw_predict",
    ),
    "member": (
        RandomForestClassifier(3, **SHALLOW),
        lambda m: m.estimators_[0],
        "predict_proba",
    ),
    "step": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        lambda m: m[0],
        "transform",
    ),
    "inside a search": (
        GridSearchCV(LogisticRegression(), {}, cv=2),
        lambda m: m.best_estimator_,
        "decision_function",
    ),
}


@pytest.mark.parametrize("ask_before", [True, False])
@pytest.mark.parametrize(
    ("model", "part", "method"), OWN_METHODS.values(), ids=OWN_METHODS
)
def test_a_method_replaced_on_a_part_is_the_one_that_votes(
    model, part, method, ask_before
):
    """Too rarely different for a comparison with `predict` on a few samples."""
    model = deepcopy(model).fit(X, y)
    clf = smoothed(model)
    if ask_before:
        clf.predict(ROWS)
    own = getattr(part(model), method)
    setattr(part(model), method, lambda X, *args, **kwargs: own(X, *args, **kwargs))
    source = clf._source(ROWS, CountVotes(100))
    assert type(source) is MonteCarloVotes
    assert source.fast is None


REPLACED = {
    "best_estimator_": (
        GridSearchCV(LogisticRegression(), {}, cv=2),
        lambda model: setattr(model, "best_estimator_", linear(1 - y)),
    ),
    "member of one-vs-rest": (
        OneVsRestClassifier(LogisticRegression()),
        lambda model: reverse(model.estimators_[0].coef_[0]),
    ),
    "threshold": (
        FixedThresholdClassifier(LogisticRegression(), threshold=0.4),
        lambda model: model.set_params(threshold=0.6),
    ),
    "support of a selector": (
        RFE(LogisticRegression(), n_features_to_select=1),
        lambda model: reverse(model.support_),
    ),
    "step of a Pipeline": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        lambda model: model.steps.__setitem__(0, ("scaler", "passthrough")),
    ),
}


@pytest.mark.parametrize(("model", "change"), REPLACED.values(), ids=REPLACED)
def test_a_replaced_part_is_seen(model, change):
    labels = (X[:, 0] + 0.5 * X[:, 1] > 0.1).astype(int)
    model = deepcopy(model).fit(3 * X + 1, labels)
    clf = smoothed(model)
    before = clf.certify(ROWS)
    assert before.method == "exact"
    change(model)
    after = clf.certify(ROWS)
    assert after == smoothed(deepcopy(model)).certify(ROWS)
    assert after != before


def test_labels_that_changed_are_not_mistaken_for_those_of_fit():
    model = linear()
    clf = smoothed(model)
    clf.predict(ROWS)
    labels = model.predict(ROWS)
    model.classes_ = model.classes_[::-1].copy()
    np.testing.assert_array_equal(clf.predict(ROWS), smoothed(model).predict(ROWS))
    model.classes_ = np.array([5, 6])
    with pytest.raises(ValueError, match="not in its classes"):
        clf.predict(ROWS)
    model.classes_ = np.array([0, 1])
    np.testing.assert_array_equal(model.predict(ROWS), labels)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)),
        RandomForestClassifier(3, **SHALLOW),
        GradientBoostingClassifier(n_estimators=3, max_depth=2),
        HistGradientBoostingClassifier(max_iter=3),
        GridSearchCV(LogisticRegression(), {}, cv=2),
        OneVsRestClassifier(LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_without_a_change_nothing_is_looked_for_twice(model, monkeypatch):
    clf = smoothed(model.fit(X, y))
    clf.predict(ROWS)
    made = []
    state = _cache.FittedState
    monkeypatch.setattr(
        _cache, "FittedState", lambda model: made.append(model) or state(model)
    )
    for rows in (ROWS, ROWS[:1], ROWS[5:9]):
        clf.predict(rows)
    assert not made


@pytest.mark.parametrize("freeze", [True, False])
def test_a_classifier_that_is_dropped_is_freed(freeze):
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    clf = smoothed(model) if freeze else SmoothedClassifier(model).fit(X, y)
    clf.predict(ROWS)
    inside = weakref.ref(clf.estimator_.estimator if freeze else clf.estimator_)
    del clf, model
    gc.collect()
    assert inside() is None


# Estimators that no dict can hold -----------------------------------------------------


@dataclass
class Unhashable(ClassifierMixin, BaseEstimator):
    """A dataclass compares by value, and so has no hash."""

    n_neighbors: int = 3

    def fit(self, X, y):
        self.inner_ = KNeighborsClassifier(self.n_neighbors).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class EqualToAll(LogisticRegression):
    """Equal to every other one of its class, whatever it has learned."""

    def __eq__(self, other):
        return isinstance(other, EqualToAll)

    def __hash__(self):
        return 1


class Pointer:
    """Boosters of XGBoost and LightGBM hold an address, and pickle what is there."""

    memory = c_double(1.0)

    def __init__(self):
        self.handle = cast(pointer(self.memory), c_void_p)

    def __getstate__(self):
        return {"handle": bytes(self.memory)}


class Slotted:
    """Neither a dict of attributes nor weak references, nor a base class."""

    __slots__ = ("classes_", "inner_", "n_neighbors")

    def __init__(self, n_neighbors=3):
        self.n_neighbors = n_neighbors

    def get_params(self, deep=True):
        return {"n_neighbors": self.n_neighbors}

    def set_params(self, **params):
        for name, value in params.items():
            setattr(self, name, value)
        return self

    fit = Unhashable.fit
    predict = Unhashable.predict


@pytest.mark.parametrize("method", ["auto", "monte_carlo"])
@pytest.mark.parametrize("kind", [Unhashable, EqualToAll, Slotted])
@pytest.mark.parametrize("freeze", [True, False])
def test_estimators_that_no_dict_can_hold(kind, freeze, method):
    params = {"sigma": 0.2, "random_state": 0, "n_certify": 200, "method": method}
    if freeze:
        clf = SmoothedClassifier.from_fitted(kind().fit(X, y), **params)
    else:
        clf = SmoothedClassifier(kind(), **params).fit(X, y)
    assert set(clf.predict(ROWS)) <= {0, 1}
    np.testing.assert_allclose(clf.predict_proba(ROWS).sum(axis=1), 1.0)
    assert len(clf.certify(ROWS, radii=[0.1])) == len(ROWS)


@pytest.fixture
def quick_collection():
    """Leave out all that is there already, which is much where all tests run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("quick_collection")
@pytest.mark.parametrize("kind", [Unhashable, EqualToAll, LogisticRegression])
def test_an_id_that_is_used_again_brings_no_old_answers(kind):
    rows = ROWS[:6]
    for target in (y, 1 - y) * 5:
        settings = {"sigma": 0.1, "n_predict": 50, "random_state": 0}
        clf = SmoothedClassifier(kind(), **settings).fit(X, target)
        labels = clf.predict(rows)
        afresh = SmoothedClassifier.from_fitted(deepcopy(clf.estimator_), **settings)
        np.testing.assert_array_equal(labels, afresh.predict(rows))
        del clf
        gc.collect()


def test_equal_classifiers_are_not_mistaken_for_each_other():
    one, other = EqualToAll().fit(X, X[:, 0] > 0), EqualToAll().fit(X, X[:, 0] <= 0)
    settings = {"sigma": 0.1, "random_state": 0}
    one = SmoothedClassifier.from_fitted(one, **settings).predict(ROWS)
    other = SmoothedClassifier.from_fitted(other, **settings).predict(ROWS)
    assert np.mean(one != other) > 0.9


# What is compared ---------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 500, 2**25])
@pytest.mark.parametrize(("model", "change"), [(CHANGES[0]), (CHANGES[-1])])
def test_arrays_are_compared_by_copies_or_by_digests(model, change, room, monkeypatch):
    monkeypatch.setattr(_fitted_state, "_MOST_BYTES", room)
    model = deepcopy(model).fit(X, y)
    parts = layers(FrozenEstimator(model), exact=True)
    state = _fitted_state.FittedState(parts)
    assert state.is_that_of(parts)
    change(model)
    assert not state.is_that_of(parts)


class Holder(BaseEstimator):
    """Holds a value, at any depth."""


HELD = {
    "dict": (lambda: {"a": np.zeros(2)}, lambda v: v["a"].__setitem__(0, 1.0)),
    "key": (lambda: {"a": 1}, lambda v: v.update(b=v.pop("a"))),
    "tuple": (lambda: (np.zeros(2),), lambda v: v[0].__setitem__(0, 1.0)),
    "nested lists": (lambda: [[[np.zeros(2)]]], lambda v: v[0][0][0].fill(1.0)),
    "list": (lambda: [1, 2], lambda v: v.append(3)),
    "set": (lambda: {1, 2}, lambda v: v.add(3)),
    "objects": (
        lambda: np.array([np.zeros(2), None], dtype=object),
        lambda v: v[0].__setitem__(1, 1.0),
    ),
    "object replaced": (
        lambda: np.array([np.zeros(2), None], dtype=object),
        lambda v: v.__setitem__(1, "a"),
    ),
    "records": (
        lambda: np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
        lambda v: v["b"].__setitem__(1, 1),
    ),
    "sparse": (lambda: csr_array(np.eye(3)), lambda v: v.data.__setitem__(0, 2.0)),
    "strided": (lambda: np.zeros((4, 4))[::2, ::2], lambda v: v.base.fill(1.0)),
    "masked": (
        lambda: np.ma.array([1.0, 2.0], mask=[False, False]),
        lambda v: v.mask.__setitem__(0, True),
    ),
    "memory of another library": (Pointer, lambda v: setattr(v.memory, "value", 3.0)),
    "slots": (Slotted, lambda v: setattr(v, "n_neighbors", 5)),
    "estimator": (LogisticRegression, lambda v: v.set_params(C=2.0)),
    "sign of zero": (lambda: np.zeros(2), lambda v: v.__setitem__(0, -0.0)),
    "shape": (lambda: np.zeros((2, 3)), lambda v: v.resize((3, 2), refcheck=False)),
}


@pytest.mark.parametrize(("make", "change"), HELD.values(), ids=HELD)
def test_what_an_estimator_holds_is_compared(make, change):
    holder = Holder()
    holder.value_ = make()
    parts = layers(holder, exact=True)
    state = _fitted_state.FittedState(parts)
    assert state.is_that_of(parts)
    change(holder.value_)
    assert not state.is_that_of(parts)


def test_an_estimator_may_hold_itself():
    holder = Holder()
    holder.value_ = [holder, {"again": holder}]
    parts = layers(holder, exact=True)
    assert _fitted_state.FittedState(parts).is_that_of(parts)
