# SPDX-License-Identifier: BSD-3-Clause
"""Sums of the values of the leaves that rows fall into, over many trees."""

from functools import cache, partial
from importlib.util import find_spec

import numpy as np

# Rows after which compiled code is used, where numba is installed: the time that it
# takes to bring trees into its form is then worth it.
ROWS_WORTH_COMPILING = 2**18
# Nodes of the largest of some trees up to which comparing a row with all of them, many
# rows at once, takes less time than to walk down.
MOST_NODES = 700


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
        rows : ndarray of float32 of shape (n_samples, n_features), C-contiguous
        totals : ndarray of float64 of shape (n_samples, n_columns), C-contiguous
        """
        if self.takes_compiled(len(rows)):
            self.add_compiled(rows, totals)
        else:
            self.add_interpreted(rows, totals)

    def takes_compiled(self, n_rows):
        """Count rows before they are added; whether compiled code adds them."""
        self._n_rows_seen += n_rows
        return self.is_compiled

    def add_interpreted(self, rows, totals, part=slice(None)):
        """Add the values of a part of the trees to sums, without numba."""
        parts = self._trees[part], self._values[part], self._columns[part]
        for tree, values, column in zip(*parts, strict=True):
            leaves = tree.apply(rows)
            if values.shape[1] == 1:
                totals[:, column] += values[:, 0].take(leaves)
            else:
                totals[:, column : column + values.shape[1]] += values.take(leaves, 0)

    def add_compiled(self, rows, totals):
        """Add the values of all trees to sums, by numba."""
        from sksmooth.votes.fast import _numba

        if self._compiled is None:
            parts = self._trees, self._values, self._columns
            if max(tree.node_count for tree in self._trees) <= MOST_NODES:
                self._compiled = partial(_numba.add_by_masks, *_masked(*parts))
            else:
                self._compiled = partial(_numba.add_leaf_values, *_packed(*parts))
        self._compiled(rows, totals)

    def __getstate__(self):
        # A job builds the compiled form itself if that is worth it there.
        return vars(self) | {"_compiled": None}


@cache
def has_numba():
    """Whether numba can be loaded."""
    return find_spec("numba") is not None


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
    """Leaves that each node strikes out for rows above its threshold, in words.

    Leaves are numbered from left to right, 32 to a word.
    """
    from sksmooth.votes.fast import _numba

    n_nodes = np.array([tree.node_count for tree in trees])
    left, right, feature = (
        np.concatenate([getattr(tree, name) for tree in trees]).astype(np.int64)
        for name in ("children_left", "children_right", "feature")
    )
    threshold = np.concatenate([_float32_below(tree) for tree in trees])
    ends = np.cumsum(n_nodes)
    first, size = _numba.leaf_ranges(left, right, ends)
    own = np.repeat(ends - n_nodes, n_nodes)
    is_inner = left >= 0
    inner = np.flatnonzero(is_inner)
    below = left[inner] + own[inner]
    # Words that the leaves below the left child are in, and their bits in each.
    start, stop = first[below], first[below] + size[below]
    n_words = (stop - 1) // 32 - start // 32 + 1
    of = np.repeat(np.arange(len(inner)), n_words)
    word = np.arange(len(of)) - np.repeat(np.cumsum(n_words) - n_words, n_words)
    word += start[of] // 32
    low, high = (np.clip(end[of] - 32 * word, 0, 32) for end in (start, stop))
    steps = np.empty(len(of), dtype=_STEP)
    steps["threshold"] = threshold[inner][of]
    steps["keep"] = 2**32 - 1 - (2**high - 2**low)
    used, place = np.unique(feature[inner], return_inverse=True)
    steps["feature"], steps["word"] = place[of], word
    n_leaves = size[ends - n_nodes]
    roots = np.cumsum(n_leaves) - n_leaves
    at = np.flatnonzero(~is_inner)
    tree = np.repeat(np.arange(len(trees)), n_nodes)
    order = np.argsort(roots[tree[at]] + first[at])
    return (
        steps,
        np.searchsorted(inner[of], ends),
        (n_leaves + 31) // 32,
        roots,
        *_without_zeros(np.concatenate(values)[at[order]]),
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
