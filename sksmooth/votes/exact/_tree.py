# SPDX-License-Identifier: BSD-3-Clause
"""A single decision tree: the masses of its leaves' boxes."""

import numpy as np

from sksmooth.votes.exact._boxes import boxes_of_tree
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._source import ExactSource
from sksmooth.votes.exact._structure import Ensemble, read_tree


@closed_form("sklearn.tree", "DecisionTreeClassifier", "ExtraTreeClassifier")
class TreeSource(ExactSource):
    """Class probabilities of a single tree, as sums over the boxes of its leaves.

    Parameters
    ----------
    estimator : DecisionTreeClassifier or ExtraTreeClassifier, fitted
    affine : AffineMap

    Notes
    -----
    Under isotropic noise the mass of a box is the product over its sides of Gaussian
    interval masses. A class and its complement are both sums over boxes, never one
    minus the other, and samples whose sums underflow are worked off in logarithms. So
    the relative error of the smaller of the two is bounded, however far out, and
    probits are given as intervals that hold the exact ones.

    Raises
    ------
    Declined
    """

    single_precision = True

    def __init__(self, estimator, affine):
        tree = read_tree(estimator)
        predict_cost = Ensemble([tree], True).visit_cost()
        super().__init__(estimator.classes_, affine, predict_cost)
        labels = np.argmax(tree.value, axis=1)
        self._boxes = boxes_of_tree(tree, labels, len(self.classes))

    def cost_per_row(self, n_rows=1):
        return 1e-9 * self._boxes.n_operations + 1e-4 / n_rows

    @property
    def _used_features(self):
        return self._boxes.intervals.used_features

    @property
    def _cuts(self):
        return self._boxes.intervals.feature, self._boxes.intervals.threshold

    def _probits(self, X, scale):
        return self._boxes.probits(X, scale, self._noise_error)

    def _positions(self, X):
        return self._boxes.positions(X)
