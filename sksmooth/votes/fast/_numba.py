# SPDX-License-Identifier: BSD-3-Clause
"""Code that numba compiles, and keeps on disk; it is loaded where numba is installed.

Nothing here is compiled with ``fastmath``: sums are those of the same numbers in the
same order as elsewhere.
"""

import numpy as np
from numba import njit

# Rows walked down a tree before the next tree: their values stay in the cache.
_BLOCK = 256


@njit(nogil=True, cache=True)
def _step(nodes, node, value):  # pragma: no cover - compiled
    at = nodes[node]
    return at.left + (value > at.threshold)


@njit(nogil=True, cache=True)
def _walk(nodes, root, depth, rows, first, leaves, n):  # pragma: no cover - compiled
    """Write the leaves of rows `first` to ``first + n``, eight of them at a time."""
    i = 0
    while i + 8 <= n:
        r = first + i
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = root
        for _ in range(depth):
            b0 = _step(nodes, a0, rows[r, nodes[a0].feature])
            b1 = _step(nodes, a1, rows[r + 1, nodes[a1].feature])
            b2 = _step(nodes, a2, rows[r + 2, nodes[a2].feature])
            b3 = _step(nodes, a3, rows[r + 3, nodes[a3].feature])
            b4 = _step(nodes, a4, rows[r + 4, nodes[a4].feature])
            b5 = _step(nodes, a5, rows[r + 5, nodes[a5].feature])
            b6 = _step(nodes, a6, rows[r + 6, nodes[a6].feature])
            b7 = _step(nodes, a7, rows[r + 7, nodes[a7].feature])
            stay = (
                (a0 == b0)
                & (a1 == b1)
                & (a2 == b2)
                & (a3 == b3)
                & (a4 == b4)
                & (a5 == b5)
                & (a6 == b6)
                & (a7 == b7)
            )
            a0, a1, a2, a3, a4, a5, a6, a7 = b0, b1, b2, b3, b4, b5, b6, b7
            if stay:
                break
        leaves[i], leaves[i + 1], leaves[i + 2], leaves[i + 3] = a0, a1, a2, a3
        leaves[i + 4], leaves[i + 5], leaves[i + 6], leaves[i + 7] = a4, a5, a6, a7
        i += 8
    while i < n:
        a = root
        for _ in range(depth):
            a = _step(nodes, a, rows[first + i, nodes[a].feature])
        leaves[i] = a
        i += 1


@njit(nogil=True, cache=True)
def add_leaf_values(
    nodes, starts, depths, values, columns, rows, totals
):  # pragma: no cover - compiled
    """Add to sums what trees have for the leaves of rows.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
        With the fields threshold, feature and left; right is ``left + 1``, and a leaf
        its own left child with an infinite threshold.
    starts, depths, columns : ndarray of int64 of shape (n_trees,)
        First node and depth of each tree, and the first column that it adds to.
    values : ndarray of float64 of shape (n_nodes, n_values)
    rows : ndarray of float32 of shape (n_rows, n_features)
    totals : ndarray of float64 of shape (n_rows, n_columns)
    """
    leaves = np.empty(_BLOCK, dtype=np.int64)
    n_rows, n_values = len(rows), values.shape[1]
    for first in range(0, n_rows, _BLOCK):
        n = min(_BLOCK, n_rows - first)
        for t in range(len(starts)):
            _walk(nodes, starts[t], depths[t], rows, first, leaves, n)
            column = columns[t]
            for i in range(n):
                for k in range(n_values):
                    totals[first + i, column + k] += values[leaves[i], k]


@njit(nogil=True, cache=True)
def count_below(rows, features, cuts, ends, codes):  # pragma: no cover - compiled
    """Write how many cuts of its feature are below each value.

    Parameters
    ----------
    rows : ndarray of float64 of shape (n_rows, n_features)
    features : ndarray of int of shape (n_used,)
    cuts : ndarray of float64
        Those of each used feature, increasing, one after the other.
    ends : ndarray of int of shape (n_used + 1,)
        Where those of each begin and end.
    codes : ndarray of float32 of shape (n_rows, n_used)
    """
    for i in range(len(rows)):
        for j in range(len(features)):
            value = rows[i, features[j]]
            low, n = ends[j], ends[j + 1] - ends[j]
            while n > 1:
                half = n >> 1
                low += half if cuts[low + half - 1] < value else 0
                n -= half
            code = low - ends[j]
            if n and cuts[low] < value:
                code += 1
            codes[i, j] = code
