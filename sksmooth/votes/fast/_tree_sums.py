# SPDX-License-Identifier: BSD-3-Clause
"""Sums of the values of the leaves that rows fall into, over many trees."""

from functools import cache
from importlib.util import find_spec

import numpy as np

# Rows after which compiled code is used, where numba is installed: the time that it
# takes to bring trees into its form is then worth it.
ROWS_WORTH_COMPILING = 2**18


class TreeSums:
    """Sums over trees, added one by one in a fixed order.

    Rows are walked down by the trees of scikit-learn, and after some tens of thousands
    of rows by compiled code of numba, where it is installed. Both take the same
    branches and add the same numbers in the same order.

    Parameters
    ----------
    trees : list of sklearn.tree._tree.Tree
    values : list of ndarray of float64 of shape (n_nodes, n_values)
        What each tree adds to consecutive columns of a sum, by node.
    columns : list of int
        The first of these columns, for each tree.
    """

    def __init__(self, trees, values, columns):
        self._trees = trees
        self._values = [np.ascontiguousarray(of_tree) for of_tree in values]
        self._columns = columns
        self.n_columns = max(columns) + values[0].shape[1]
        self._n_rows_seen = 0
        self._compiled = None

    @property
    def is_compiled(self):
        """Whether compiled code is used by now."""
        return self._n_rows_seen > ROWS_WORTH_COMPILING and has_numba()

    def add(self, rows, totals):
        """Add the values of all trees to sums.

        Parameters
        ----------
        rows : ndarray of float32 of shape (n_rows, n_features), C-contiguous
        totals : ndarray of float64 of shape (n_rows, n_columns), C-contiguous
        """
        self._n_rows_seen += len(rows)
        if self.is_compiled:
            self.add_compiled(rows, totals)
        else:
            self.add_interpreted(rows, totals)

    def add_interpreted(self, rows, totals):
        """Add the values of all trees to sums, without numba."""
        parts = zip(self._trees, self._values, self._columns, strict=True)
        for tree, values, column in parts:
            leaves = tree.apply(rows)
            if values.shape[1] == 1:
                totals[:, column] += values[:, 0].take(leaves)
            else:
                totals[:, column : column + values.shape[1]] += values.take(leaves, 0)

    def add_compiled(self, rows, totals):
        """Add the values of all trees to sums, by numba."""
        from sksmooth.votes.fast import _numba

        if self._compiled is None:
            self._compiled = _packed(self._trees, self._values, self._columns)
        _numba.add_leaf_values(*self._compiled, rows, totals)

    def __getstate__(self):
        # A job builds the compiled form itself if that is worth it there.
        return vars(self) | {"_compiled": None}


@cache
def has_numba():
    """Whether numba can be loaded."""
    return find_spec("numba") is not None


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
        packed["threshold"] = np.where(is_leaf, np.inf, _float32_below(tree, at))
        packed["feature"] = np.where(is_leaf, 0, tree.feature[at])
        packed["left"] = np.concatenate(left_of)
        nodes.append(packed)
        of_nodes.append(of_tree[at])
        starts.append(starts[-1] + len(at))
    depths = np.array([tree.max_depth for tree in trees], dtype=np.int64)
    return (
        np.concatenate(nodes),
        np.array(starts[:-1], dtype=np.int64),
        depths,
        np.concatenate(of_nodes),
        np.array(columns, dtype=np.int64),
    )


def _float32_below(tree, at):
    """Largest float32 up to each threshold: a float32 is up to both or to neither."""
    threshold = tree.threshold[at]
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
        above = rounded > threshold
        rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded
