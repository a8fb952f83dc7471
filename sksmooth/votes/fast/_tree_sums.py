# SPDX-License-Identifier: BSD-3-Clause
"""Sums of the values of the leaves that rows fall into, over many trees."""

from copy import copy
from functools import cache, partial
from importlib.util import find_spec

import numpy as np

from sksmooth._compat import build_tree
from sksmooth.votes.fast._cuts import find_cuts
from sksmooth.votes.fast._predictor import FastPredictor
from sksmooth.votes.fast._tree_masks import (
    MOST_LEAVES,
    TreeMasks,
    leaves_in_order,
    strikes,
)

# Rows after which other ways than to walk down are used: the time that it takes to
# bring trees into their form is then worth it. Compiled code needs numba.
ROWS_WORTH_MASKS, ROWS_WORTH_COMPILING = 2**11, 2**18
# Rows at once from which on numpy compares them with all nodes in less time.
FEWEST_ROWS = 128
# Nodes of the largest of some trees up to which compiled code takes less time to
# compare rows with all of them than to walk down.
MOST_NODES = 700
# Trees whose labels are counted at once, by numbers of one byte.
_COUNTED_AT_ONCE = 255


class TreeSums:
    """Sums over trees, added one by one in a fixed order.

    Rows are walked down by the trees of scikit-learn. Small trees with one value for
    each leaf are compared with all rows of a large batch at once, and after some
    hundreds of thousands of rows compiled code of numba is used, where it is installed.
    All take the same branches and add the same numbers in the same order.

    Parameters
    ----------
    trees : list of sklearn.tree._tree.Tree
    values : list of ndarray of float64 of shape (n_nodes, n_values)
        What each tree adds to consecutive columns of a sum, by node.
    columns : list of int
        The first of these columns, for each tree.
    """

    def __init__(self, trees, values, columns):
        self.trees = trees
        self._values = [np.ascontiguousarray(of_tree) for of_tree in values]
        self._columns = columns
        self.n_columns = max(columns) + values[0].shape[1]
        largest = max(tree.n_leaves for tree in trees)
        self._has_masks = largest <= MOST_LEAVES and values[0].shape[1] == 1
        self._labels = _labels_of_leaves(trees, self._values)
        self._n_rows_seen = 0
        self._masks = self._compiled = None

    def rows(self, X):
        """Rows as the trees take them, float32 and C-contiguous."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.ascontiguousarray(X, dtype=np.float32)

    def add(self, X, totals):
        """Add the values of all trees to sums.

        Parameters
        ----------
        X : ndarray of float64 of shape (n_samples, n_features)
        totals : ndarray of float64 of shape (n_samples, n_columns), C-contiguous
        """
        add = self.quicker_than_walking(len(X))
        if add is None:
            self.add_walked(self.rows(X), totals)
        else:
            add(X, totals)

    def quicker_than_walking(self, n_rows):
        """Count rows, and return what adds values to their sums; see `add`.

        None where no other way takes less time than to walk down the trees.
        """
        self._n_rows_seen += n_rows
        if self._n_rows_seen > ROWS_WORTH_COMPILING and has_numba():
            return self.add_compiled
        is_worth = n_rows >= FEWEST_ROWS and self._n_rows_seen > ROWS_WORTH_MASKS
        return self.add_by_masks if is_worth and self._has_masks else None

    def add_walked(self, rows, totals, part=slice(None)):
        """Add the values of a part of the trees to the sums of rows as they take them.

        Parameters
        ----------
        rows : ndarray of float32 of shape (n_samples, n_features), C-contiguous
        totals : ndarray of float64 of shape (n_samples, n_columns), C-contiguous
        part : slice, default=slice(None)
        """
        if self._labels is not None:
            self._count_labels(rows, totals)
            return
        parts = self.trees[part], self._values[part], self._columns[part]
        for tree, values, column in zip(*parts, strict=True):
            leaves = tree.apply(rows)
            if values.shape[1] == 1:
                totals[:, column] += values[:, 0].take(leaves)
            else:
                totals[:, column : column + values.shape[1]] += values.take(leaves, 0)

    def _count_labels(self, rows, totals):
        """Add one to the class of the leaf in each tree, for many trees at once."""
        for first in range(0, len(self.trees), _COUNTED_AT_ONCE):
            some = slice(first, first + _COUNTED_AT_ONCE)
            trees, labels_of = self.trees[some], self._labels[some]
            labels = np.empty((len(trees), len(rows)), dtype=np.uint8)
            for tree, of_node, out in zip(trees, labels_of, labels, strict=True):
                of_node.take(tree.apply(rows), out=out, mode="clip")
            for k, total in enumerate(totals.T):
                total += np.add.reduce((labels == k).view(np.uint8), dtype=np.uint8)

    def add_by_masks(self, X, totals):
        """Add the values of all trees to sums, by comparing rows with all nodes."""
        if self._masks is None:
            cuts, place, code = self._find_cuts()
            masks = TreeMasks(self.trees, place, code, self._values, self._columns)
            self._masks = cuts, masks
        cuts, masks = self._masks
        masks.add(cuts.codes(self._compared(X)), totals)

    def add_compiled(self, X, totals):
        """Add the values of all trees to sums, by numba."""
        from sksmooth.votes.fast import _numba

        if self._compiled is None:
            parts = self.trees, self._values, self._columns
            if max(tree.node_count for tree in self.trees) <= MOST_NODES:
                self._compiled = partial(_numba.add_by_masks, *_masked(*parts))
            else:
                self._compiled = partial(_numba.add_leaf_values, *_packed(*parts))
        self._compiled(self._compiled_rows(X), totals)

    def narrowed(self):
        """Return the features that are compared, and the sums of trees over these."""
        used = np.unique(np.concatenate([tree.feature for tree in self.trees]))
        used = used[used >= 0]
        trees = [_over_used(tree, used) for tree in self.trees]
        return used, TreeSums(trees, self._values, self._columns)

    def _find_cuts(self):
        """Thresholds of inner nodes; see `find_cuts`."""
        feature = np.concatenate([tree.feature for tree in self.trees])
        threshold = np.concatenate([_float32_below(tree) for tree in self.trees])
        is_inner = feature >= 0
        return find_cuts(feature[is_inner], threshold[is_inner])

    def _compared(self, X):
        """What thresholds are compared with."""
        return self.rows(X)

    def _compiled_rows(self, X):
        """Rows as the trees take them, in compiled code if that takes less time."""
        return self.rows(X)

    def __getstate__(self):
        # A job builds these forms itself if that is worth it there.
        return vars(self) | {"_masks": None, "_compiled": None}


class TreePredictor(FastPredictor):
    """What computes labels from sums over trees, which it has as `_sums`."""

    def narrowed(self):
        """Return the features that the trees compare; see `FastPredictor.narrowed`."""
        narrow = copy(self)
        used, narrow._sums = self._sums.narrowed()
        narrow.n_features = len(used)
        return used, narrow


@cache
def has_numba():
    """Whether numba can be loaded."""
    return find_spec("numba") is not None


def _labels_of_leaves(trees, values):
    """Labels of nodes, where each leaf has one for a class and zeros, else None.

    Trees that are grown fully have such leaves. Their counts are the same sums.
    """
    if not 1 < values[0].shape[1] <= 256:
        return None
    for tree, of_tree in zip(trees, values, strict=True):
        of_leaves = of_tree[tree.children_left < 0]
        is_one = (of_leaves == 1).sum(axis=1) == 1
        if not (is_one & ((of_leaves != 0).sum(axis=1) == 1)).all():
            return None
    return [of_tree.argmax(axis=1).astype(np.uint8) for of_tree in values]


def _over_used(tree, used):
    """The same tree over the features that are used."""
    is_leaf = tree.feature < 0
    return build_tree(
        tree.children_left,
        tree.children_right,
        np.where(is_leaf, tree.feature, np.searchsorted(used, tree.feature)),
        tree.threshold,
        n_features=max(1, len(used)),
        max_depth=tree.max_depth,
    )


def _without_zeros(values):
    """Leave out zeros where no leaf has several other values, as in trees grown fully.

    A sum of numbers that are not negative zeros is the same without zeros.

    Parameters
    ----------
    values : ndarray of float64 of shape (n_leaves, n_values)

    Returns
    -------
    values : ndarray of float64 of shape (n_leaves, n_values) or (n_leaves, 1)
    places : ndarray of int32 of shape (n_leaves,)
        Where each value belongs, if there is one for each leaf.
    """
    is_value = values != 0
    places = np.argmax(is_value, axis=1)  # the first one, where all are zeros
    if (is_value.sum(axis=1) <= 1).all():
        values = np.take_along_axis(values, places[:, np.newaxis], axis=1)
    return np.ascontiguousarray(values), places.astype(np.int32)


_STEP = np.dtype(
    [
        ("threshold", np.float32),
        ("keep", np.uint32),
        ("feature", np.int32),
        ("word", np.int32),
    ]
)


def _masked(trees, values, columns):
    """Leaves that each node strikes out for rows above its threshold, in words of 32.

    See `strikes`.
    """
    n_leaves = np.array([tree.n_leaves for tree in trees])
    n_words = (n_leaves + 31) // 32
    node, tree, word, low, high = strikes(trees, 32 * np.arange(n_words.max() + 1))
    feature = np.concatenate([tree.feature for tree in trees])
    is_inner = feature >= 0
    used, place = np.unique(feature[is_inner], return_inverse=True)
    threshold = np.concatenate([_float32_below(tree) for tree in trees])[is_inner]
    steps = np.empty(len(node), dtype=_STEP)
    steps["threshold"] = threshold[node]
    steps["keep"] = 2**32 - 1 - (2**high - 2**low)
    steps["feature"], steps["word"] = place[node], word
    return (
        steps,
        np.cumsum(np.bincount(tree, minlength=len(trees))),
        n_words,
        np.cumsum(n_leaves) - n_leaves,
        *_without_zeros(np.concatenate(values)[leaves_in_order(trees)]),
        np.array(columns, dtype=np.int64),
        used,
    )


_NODE = np.dtype([("threshold", np.float32), ("feature", np.int32), ("left", np.int32)])


def _packed(trees, values, columns):
    """Nodes of all trees, level by level, so that a right child follows its left one.

    A leaf is its own left child with an infinite threshold, so that a walk of as many
    steps as the tree is deep ends in the leaf, without a branch.
    """
    nodes, of_nodes, starts = [], [], [0]
    for tree, of_tree in zip(trees, values, strict=True):
        left, right = tree.children_left, tree.children_right
        order, left_of = [np.zeros(1, dtype=np.intp)], []
        n_nodes = 1
        while len(order[-1]):
            level = order[-1]
            inner = left[level] >= 0
            own = starts[-1] + n_nodes - len(level) + np.arange(len(level))
            own[inner] = starts[-1] + n_nodes + 2 * np.arange(inner.sum())
            left_of.append(own)
            parents = level[inner]
            order.append(np.column_stack([left[parents], right[parents]]).ravel())
            n_nodes += len(order[-1])
        at = np.concatenate(order)
        packed = np.empty(len(at), dtype=_NODE)
        is_leaf = left[at] < 0
        packed["threshold"] = np.where(is_leaf, np.inf, _float32_below(tree)[at])
        packed["feature"] = np.where(is_leaf, 0, tree.feature[at])
        packed["left"] = np.concatenate(left_of)
        nodes.append(packed)
        of_nodes.append(np.where(is_leaf[:, np.newaxis], of_tree[at], 0.0))
        starts.append(starts[-1] + len(at))
    depths = np.array([tree.max_depth for tree in trees], dtype=np.int64)
    return (
        np.concatenate(nodes),
        np.array(starts[:-1], dtype=np.int64),
        depths,
        *_without_zeros(np.concatenate(of_nodes)),
        np.array(columns, dtype=np.int64),
    )


def _float32_below(tree):
    """Largest float32 up to each threshold: a float32 is up to both or to neither."""
    threshold = tree.threshold
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
        above = rounded > threshold
        rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded
