# SPDX-License-Identifier: BSD-3-Clause
"""AdaBoost of trees: weighted votes of the classes that the trees predict."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._forests import beyond_float32, check_tree
from sksmooth.votes.fast._predictor import fast_predictor, surely_largest
from sksmooth.votes.fast._tree_sums import TreePredictor, TreeSums

_EPS = float(np.finfo(np.float64).eps)


@fast_predictor("sklearn.ensemble", "AdaBoostClassifier")
class AdaBoost(TreePredictor):
    """The class whose trees weigh most.

    `predict` adds the weight of a tree to the score of the class that it predicts, and
    subtracts a share of it from all others. Up to a positive factor and a constant,
    which all classes have, that is the sum of the weights of the trees that predict a
    class; with two classes, the difference of both sums. Its sums of n weights are
    apart from those here by less than ``8 * (n + 4) * eps`` times the sum of the sizes
    of all weights, and labels that this could change are left to `predict`.

    Parameters
    ----------
    estimator : AdaBoostClassifier
    """

    takes_float32 = True  # the trees round rows to it

    def __init__(self, estimator):
        super().__init__(estimator.n_features_in_)
        n_classes, members = len(estimator.classes_), estimator.estimators_
        weights = estimator.estimator_weights_[: len(members)]
        for member in members:
            check_tree(member, n_classes)
            if not np.array_equal(member.classes_, estimator.classes_):
                raise Declined("a member knows other classes than the whole")
        if n_classes < 2 or not np.isfinite(weights).all() or not weights.sum() > 0:
            raise Declined("its weights tell no class from another")
        trees = [member.tree_ for member in members]
        labels = [np.argmax(tree.value[:, 0], axis=1) for tree in trees]
        votes = np.eye(n_classes) if n_classes > 2 else np.array([[-1.0], [1.0]])
        values = [w * votes[of] for w, of in zip(weights, labels, strict=True)]
        self._sums = TreeSums(trees, values, [0] * len(trees))
        self._error = 8 * (len(trees) + 4) * _EPS * np.abs(weights).sum()

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        scores = np.zeros((len(X), self._sums.n_columns))
        self._sums.add(X, scores)
        if scores.shape[1] == 1:
            score = scores[:, 0]
            positions, unsure = (score > 0).astype(np.intp), abs(score) <= self._error
        else:
            positions, unsure = surely_largest(scores, self._error)
        return positions, unsure | beyond_float32(X)
