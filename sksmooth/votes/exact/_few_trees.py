# SPDX-License-Identifier: BSD-3-Clause
"""A few boosted trees as one: the boxes in which no tree changes its leaf."""

import numpy as np

from sksmooth.certificates import LabelIndex
from sksmooth.votes.exact._boxes import boxes_of_tree
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined, ExactSource
from sksmooth.votes.exact._structure import Tree, read_ensemble
from sksmooth.votes.exact._tree import TreeSource

MAX_TREES = 16
MAX_BOXES = 10_000
# Boxes given to `predict` at a time.
_BLOCK = 2**12


class FewTreesSource(TreeSource):
    """Class probabilities of a few trees on any number of features.

    The second tree is put below each leaf of the first, the third below each leaf of
    these, and so on, where branches that no sample reaches are left out. The
    classifier's own `predict`, called once in each box, gives the class of the leaves.

    Parameters
    ----------
    estimator : fitted ensemble
    affine : AffineMap

    Raises
    ------
    Declined
        If it has more than 16 trees, or more than 10,000 boxes.
    """

    def __init__(self, estimator, affine):
        ensemble = read_ensemble(estimator)
        trees = ensemble.trees
        if not all(isinstance(tree, Tree) for tree in trees):
            raise Declined("it is not made of trees")
        if len(trees) > MAX_TREES:
            raise Declined(f"it has more than {MAX_TREES} trees")
        ExactSource.__init__(self, estimator.classes_, affine, ensemble.visit_cost())
        self.single_precision = ensemble.single_precision
        tree, leaves, boxes = _grafted(trees)
        labels = np.zeros(len(tree.feature), dtype=np.intp)
        index = LabelIndex(self.classes)
        inside = _Inside(ensemble, affine.n_features_out)
        for start in range(0, len(leaves), _BLOCK):
            X = inside.points(boxes[start : start + _BLOCK])
            positions = index.positions(ask(estimator.predict, X), len(X))
            labels[leaves[start : start + _BLOCK]] = positions
        self._boxes = boxes_of_tree(tree, labels, len(self.classes))


class _Inside:
    """Points inside of boxes, as the classifier compares them."""

    def __init__(self, ensemble, n_features):
        self._cuts = ensemble.thresholds(n_features)
        self._values = [ensemble.representatives(cuts) for cuts in self._cuts]

    def points(self, boxes):
        """A point in each box, of shape (n_boxes, n_features)."""
        X = np.zeros((len(boxes), len(self._cuts)))
        for x, box in zip(X, boxes, strict=True):
            for feature, (_, upper) in box.items():
                # That of the last cell below the upper end of the box.
                at = np.searchsorted(self._cuts[feature], upper)
                x[feature] = self._values[feature][at]
        return X


def _grafted(trees):
    """Several trees as one.

    Returns
    -------
    tree : Tree
    leaves : list of int
        Its leaves.
    boxes : list of dict
        The box of each leaf: lower and upper ends by feature.
    """
    feature, threshold, left, right = [-1], [0.0], [-1], [-1]
    leaves, boxes = [], []
    stack = [(0, 0, 0, {})]
    while stack:
        place, k, node, box = stack.pop()
        k, node = _next_split(trees, k, node, box)
        if k == len(trees):
            leaves.append(place)
            boxes.append(box)
            if len(leaves) > MAX_BOXES:
                raise Declined(f"its trees make more than {MAX_BOXES} boxes")
            continue
        tree = trees[k]
        at, cut = int(tree.feature[node]), float(tree.threshold[node])
        low, high = box.get(at, (-np.inf, np.inf))
        feature[place], threshold[place] = at, cut
        for children, side, ends in (
            (left, tree.left, (low, cut)),
            (right, tree.right, (cut, high)),
        ):
            children[place] = len(feature)
            stack.append((len(feature), k, side[node], box | {at: ends}))
            for column, value in (
                (feature, -1),
                (threshold, 0.0),
                (left, -1),
                (right, -1),
            ):
                column.append(value)
    columns = map(np.array, (feature, threshold, left, right))
    return Tree(*columns, value=np.zeros((len(feature), 1))), leaves, boxes


def _next_split(trees, k, node, box):
    """The next tree and node that divide a box; as many as trees if none does."""
    while k < len(trees):
        tree = trees[k]
        at, cut = int(tree.feature[node]), tree.threshold[node]
        if at < 0:
            k, node = k + 1, 0
            continue
        low, high = box.get(at, (-np.inf, np.inf))
        if low < cut < high:
            break
        node = tree.left[node] if cut >= high else tree.right[node]
    return k, node
