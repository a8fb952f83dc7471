# SPDX-License-Identifier: BSD-3-Clause
"""Trees, and the classifiers that average their class probabilities."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._predictor import fast_predictor, surely_largest
from sksmooth.votes.fast._tree_sums import TreePredictor, TreeSums

_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_EPS = float(np.finfo(np.float64).eps)


class MeanOfTrees(TreePredictor):
    """The class with the largest mean probability over trees.

    Rows are rounded to float32, trees are walked down, and probabilities added in the
    order of the trees and divided by their number, all as `predict` does it for one
    job: labels are the same to the last bit. With several jobs, `predict` of a forest
    adds in the order in which they finish, so that its label on a tie may change from
    call to call; here it does not.

    Parameters
    ----------
    trees : list of fitted DecisionTreeClassifier or ExtraTreeClassifier
    n_features, n_classes : int
    """

    takes_float32 = True  # rows are rounded to it

    def __init__(self, trees, n_features, n_classes):
        super().__init__(n_features)
        for tree in trees:
            check_tree(tree, n_classes)
        self._n_trees, self._n_classes = len(trees), n_classes
        found = [tree.tree_ for tree in trees]
        values = [tree.value[:, 0, :n_classes] for tree in found]
        self._sums = TreeSums(found, values, [0] * len(found))

    def means(self, X):
        """Mean probabilities, of shape (n_samples, n_classes)."""
        means = np.zeros((len(X), self._n_classes))
        self._sums.add(X, means)
        means /= self._n_trees
        return means

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        return np.argmax(self.means(X), axis=1), beyond_float32(X)


@fast_predictor("sklearn.tree", *_TREES)
def of_tree(estimator):
    """Label of the leaf that a row falls into."""
    return MeanOfTrees([estimator], estimator.n_features_in_, _n_classes(estimator))


@fast_predictor("sklearn.ensemble", "RandomForestClassifier", "ExtraTreesClassifier")
def of_forest(estimator):
    """Mean over the trees of a forest."""
    return MeanOfTrees(
        estimator.estimators_, estimator.n_features_in_, _n_classes(estimator)
    )


class BaggedTrees(MeanOfTrees):
    """Mean over bagged trees that take all features.

    `predict` adds them in as many parts as there are jobs. Sums of n probabilities, in
    whatever order, differ by no more than ``2 * n * eps``, and labels that this could
    change are left to it.

    Parameters
    ----------
    estimator : BaggingClassifier
    """

    def __init__(self, estimator):
        n_features = estimator.n_features_in_
        every = np.arange(n_features)
        if not all(np.array_equal(f, every) for f in estimator.estimators_features_):
            raise Declined("its trees take some of the features")
        if len(estimator.estimators_) != estimator.n_estimators:
            raise Declined("n_estimators was changed after fit")
        super().__init__(estimator.estimators_, n_features, _n_classes(estimator))

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        positions, unsure = surely_largest(self.means(X), 2 * self._n_trees * _EPS)
        return positions, unsure | beyond_float32(X)


def beyond_float32(X):
    """Rows with a value that is missing, or too large for float32.

    `predict` refuses the latter, and knows where it wants to have the former.
    """
    # Both are false for nan.
    if not X.size or (X.min() >= -_LARGEST_FLOAT32 and X.max() <= _LARGEST_FLOAT32):
        return np.zeros(len(X), dtype=bool)
    return ~(np.abs(X) <= _LARGEST_FLOAT32).all(axis=1)


def _n_classes(estimator):
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise Declined("it has several outputs")
    return len(estimator.classes_)


def check_tree(tree, n_classes):
    """Decline a member of an ensemble that is no tree of all its classes."""
    if fast_predictor.get(tree) is not of_tree:
        raise Declined(f"a member of it is a {type(tree).__name__}")
    if {"predict", "predict_proba"} & vars(tree).keys():
        raise Declined("a method of a member was replaced")
    if tree.n_outputs_ != 1 or tree.tree_.value.shape[2] != n_classes:
        raise Declined("a member knows other classes than the whole")
