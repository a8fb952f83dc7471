# SPDX-License-Identifier: BSD-3-Clause
"""Fitted trees read into plain arrays: those of scikit-learn, and what others become.

The nodes of `HistGradientBoostingClassifier` are not public. What is read here is
compared with `predict` on noisy samples before it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.exact._source import Declined

# Of sums in float64, see `SumOfTrees`.
SUM_ROUNDING = 8 * UNIT
# From a fitted ensemble to its `Ensemble` of trees.
tree_ensemble = ByType()


@dataclass(frozen=True)
class Tree:
    """A binary tree of comparisons ``x[feature] <= threshold``.

    Attributes
    ----------
    feature : ndarray of int of shape (n_nodes,)
        -1 at leaves.
    threshold : ndarray of float64 of shape (n_nodes,)
        As real numbers compare, see `as_compared`; 0 at leaves.
    left, right : ndarray of int of shape (n_nodes,)
    value : ndarray of shape (n_nodes, n_values)
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def __post_init__(self):
        if not np.all(np.isfinite(self.threshold)):
            raise Declined(
                "a tree has a split that tells missing values from all others"
            )

    @property
    def used_features(self):
        return np.unique(self.feature[self.feature >= 0])

    @property
    def n_leaves(self):
        return int(np.sum(self.feature < 0))

    def leaf_of(self, X):
        """Leaf that each sample falls into."""
        node = np.zeros(len(X), dtype=np.intp)
        rows = np.arange(len(X))
        while np.any(inner := self.feature[node] >= 0):
            goes_left = X[rows, self.feature[node]] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, child, node)
        return node


@dataclass(frozen=True)
class SumOfTrees:
    """How a classifier of two classes adds the values of its trees to a score.

    Attributes
    ----------
    score : callable
        From samples to scores as the classifier computes them; the second class is
        predicted where they are positive.
    unit : float
        Scores within so much of zero, against the sum of all terms and for each of
        them, count for either class: they may be added in another order, and what the
        trees leave over is found from one such sum.
    tie : float
        Distance from zero up to which rounding after the sum may decide the label.
    """

    score: Callable
    unit: float = SUM_ROUNDING
    tie: float = 0.0


@dataclass(frozen=True)
class Ensemble:
    """Fitted trees over the features of the ensemble, and their precision.

    Attributes
    ----------
    trees : list of Tree
    single_precision : bool
        Whether samples are cast to float32 before they are compared.
    sum : SumOfTrees, str or None
        How `predict` adds the values of the trees, or why it is not known that it does.
        None is by ``decision_function`` in float64.
    """

    trees: list
    single_precision: bool
    sum: SumOfTrees | str | None = None

    def thresholds(self, n_features):
        """Sorted thresholds of each feature, over all trees."""
        feature = np.concatenate([tree.feature for tree in self.trees])
        threshold = np.concatenate([tree.threshold for tree in self.trees])
        order = np.lexsort([threshold, feature])
        starts = np.searchsorted(feature[order], np.arange(n_features + 1))
        parts = np.split(threshold[order], starts)[1:-1]
        return [np.unique(part) for part in parts]

    def representatives(self, thresholds):
        """One value in each cell between the sorted thresholds of a feature."""
        if not len(thresholds):
            return np.zeros(1)
        if self.single_precision:
            ends = _largest_float32_up_to(thresholds)
            last = np.nextafter(ends[-1], np.float32(np.inf))
        else:
            ends, last = thresholds, np.nextafter(thresholds[-1], np.inf)
        return np.append(ends, last).astype(np.float64)

    def visit_cost(self):
        """Estimated seconds for `predict` to send one sample through all trees."""
        return sum(_visit_cost(tree) for tree in self.trees)


def read_tree(estimator):
    """A fitted decision tree of scikit-learn, for one output, as a `Tree`."""
    if estimator.n_outputs_ != 1:
        raise Declined("multi-output: it predicts several labels per sample")
    fitted = estimator.tree_
    inner = fitted.children_left >= 0
    threshold = np.where(inner, fitted.threshold, 0.0)
    return Tree(
        feature=np.where(inner, fitted.feature, -1),
        threshold=np.where(np.isfinite(threshold), as_compared(threshold), threshold),
        left=fitted.children_left,
        right=fitted.children_right,
        value=fitted.value[:, 0, :],
    )


def read_ensemble(estimator):
    """The trees of a fitted ensemble.

    Raises
    ------
    Declined
        If it is made of anything but axis-aligned trees.
    """
    try:
        return tree_ensemble.get(estimator)(estimator)
    except (AttributeError, IndexError, KeyError) as error:
        # Other releases of a library may store them in another way.
        raise Declined(f"its trees are stored in an unknown way: {error!r}") from None


@tree_ensemble("sklearn.ensemble", "ExtraTreesClassifier", "RandomForestClassifier")
def _read_forest(estimator):
    if estimator.n_outputs_ != 1:
        raise Declined("multi-output: it predicts several labels per sample")
    return Ensemble([read_tree(tree) for tree in estimator.estimators_], True)


@tree_ensemble("sklearn.ensemble", "BaggingClassifier")
def _read_bagging(estimator):
    # Members may have been taken out; predict pairs them up from the first one on, too.
    members = zip(estimator.estimators_, estimator.estimators_features_, strict=False)
    trees = []
    for member, features in members:
        tree = read_tree(_plain_tree(member))
        feature = np.where(tree.feature >= 0, features[tree.feature], -1)
        trees.append(Tree(feature, tree.threshold, tree.left, tree.right, tree.value))
    return Ensemble(trees, True)


@tree_ensemble("sklearn.ensemble", "AdaBoostClassifier")
def _read_ada_boost(estimator):
    trees = []
    for member, weight in zip(
        estimator.estimators_, estimator.estimator_weights_, strict=False
    ):
        tree = read_tree(_plain_tree(member))
        # Binary only: +weight for the second class, as in SAMME.
        answer = member.classes_[np.argmax(tree.value, axis=1)]
        vote = np.where(answer == estimator.classes_[-1], weight, -weight)
        share = 2.0 * vote / np.sum(estimator.estimator_weights_)
        trees.append(
            Tree(tree.feature, tree.threshold, tree.left, tree.right, share[:, None])
        )
    return Ensemble(trees, True)


@tree_ensemble("sklearn.ensemble", "GradientBoostingClassifier")
def _read_gradient_boosting(estimator):
    start = estimator.init_
    if not isinstance(start, str):
        dummy = import_module("sklearn.dummy").DummyClassifier
        if type(start) is not dummy or start.strategy == "stratified":
            raise Declined(f"it starts from init={start!r}, which is not constant")
    trees = []
    for member in estimator.estimators_.ravel():
        tree = read_tree(member)
        value = estimator.learning_rate * tree.value
        trees.append(Tree(tree.feature, tree.threshold, tree.left, tree.right, value))
    return Ensemble(trees, True)


@tree_ensemble("sklearn.ensemble", "HistGradientBoostingClassifier")
def _read_hist_gradient_boosting(estimator):
    categorical = estimator.is_categorical_
    if categorical is not None and np.any(categorical):
        raise Declined("it splits on categorical features")
    trees = []
    for predictor in (p for stage in estimator._predictors for p in stage):
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        if np.any(nodes["is_categorical"][~leaf]):
            raise Declined("it splits on categorical features")
        trees.append(
            Tree(
                feature=np.where(leaf, -1, nodes["feature_idx"]),
                threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
                left=nodes["left"].astype(np.intp),
                right=nodes["right"].astype(np.intp),
                value=nodes["value"][:, np.newaxis],
            )
        )
    return Ensemble(trees, False)


def as_compared(threshold):
    """The real numbers at which ``float32(x) <= threshold`` turns false.

    scikit-learn's trees cast a sample to float32 and compare it with a float64
    threshold: the prediction changes half-way between the last float32 that is not
    above the threshold and the next one.
    """
    below = _largest_float32_up_to(threshold)
    above = np.nextafter(below, np.float32(np.inf))
    return (below.astype(np.float64) + above.astype(np.float64)) / 2


def _largest_float32_up_to(value):
    with np.errstate(over="ignore"):
        nearest = np.asarray(value).astype(np.float32)
    return np.where(
        nearest > value, np.nextafter(nearest, np.float32(-np.inf)), nearest
    )


def _plain_tree(member):
    """A member of an ensemble, if it is a tree of scikit-learn itself."""
    tree = import_module("sklearn.tree")
    if type(member) not in (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier):
        raise Declined(f"its members are {type(member).__name__}, not plain trees")
    return member


def _visit_cost(tree):
    # Measured on scikit-learn 1.9: overhead per tree, then a comparison per level.
    return 1e-8 + 2e-9 * np.log2(tree.n_leaves + 1)
