# SPDX-License-Identifier: BSD-3-Clause
"""Code that numba compiles, and keeps on disk; it is loaded where numba is installed.

Nothing here is compiled with ``fastmath``: sums are those of the same numbers in the
same order as elsewhere.
"""

import numpy as np
from numba import njit

# Rows walked down a tree before the next tree: their values stay in the cache.
_BLOCK = 256
# Rows that are compared with a node at once: a small multiple of a vector register.
_LANES = 64
# Cuts of a feature up to which comparing all takes less time than a search.
_MOST_CUTS = 64


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
    nodes, starts, depths, values, places, columns, rows, totals
):  # pragma: no cover - compiled
    """Add to sums what trees have for the leaves of rows.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
        With the fields threshold, feature and left; right is ``left + 1``, and a leaf
        its own left child with an infinite threshold.
    starts, depths, columns : ndarray of int64 of shape (n_trees,)
        First node and depth of each tree, and the first column that it adds to.
    values, places : ndarray of shape (n_nodes, n_values) and (n_nodes,)
        See `sksmooth.votes.fast._tree_sums`.
    rows : ndarray of float32 of shape (n_samples, n_features)
    totals : ndarray of float64 of shape (n_samples, n_columns)
    """
    leaves = np.empty(_BLOCK, dtype=np.int64)
    n_rows, n_values = len(rows), values.shape[1]
    for first in range(0, n_rows, _BLOCK):
        n = min(_BLOCK, n_rows - first)
        for t in range(len(starts)):
            _walk(nodes, starts[t], depths[t], rows, first, leaves, n)
            column = columns[t]
            if n_values == 1:
                for i in range(n):
                    place = column + places[leaves[i]]
                    totals[first + i, place] += values[leaves[i], 0]
            else:
                for i in range(n):
                    for k in range(n_values):
                        totals[first + i, column + k] += values[leaves[i], k]


@njit(nogil=True, cache=True)
def add_by_masks(
    steps, ends, n_words, roots, values, places, columns, used, rows, totals
):  # pragma: no cover - compiled
    """Add to sums what trees have for the leaves of rows, without walking down.

    Each inner node that sends a row to the right strikes out the leaves below its left
    child. Of those that are left the first one is the leaf of the row. See C. Lucchese
    et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of
    regression trees", SIGIR 2015; here all nodes are compared, with many rows at once.

    Parameters
    ----------
    steps : structured ndarray of shape (n_steps,)
        With the fields threshold, feature (a position in `used`), word, and keep: the
        bits of that word that remain for rows above the threshold.
    ends, n_words, roots, columns : ndarray of int64 of shape (n_trees,)
        Where the steps of each tree end, the number of words of 32 leaves, the first of
        its leaves, and the first column that it adds to.
    values, places : ndarray of shape (n_leaves, n_values) and (n_leaves,)
        See `sksmooth.votes.fast._tree_sums`.
    used : ndarray of int64 of shape (n_used,)
    rows : ndarray of float32 of shape (n_samples, n_features)
    totals : ndarray of float64 of shape (n_samples, n_columns)
    """
    n_rows, n_columns, n_values = len(rows), totals.shape[1], values.shape[1]
    every = np.uint32(0xFFFFFFFF)
    x = np.zeros((len(used), _LANES), dtype=np.float32)
    bits = np.empty((n_words.max(), _LANES), dtype=np.uint32)
    lowest = np.empty(_LANES, dtype=np.float32)
    exponent = lowest.view(np.int32)
    leaf = np.empty(_LANES, dtype=np.int64)
    sums = np.empty((_LANES, n_columns))
    for first in range(0, n_rows, _LANES):
        n = min(_LANES, n_rows - first)
        for j in range(len(used)):
            for i in range(n):
                x[j, i] = rows[first + i, used[j]]
        for i in range(n):
            for k in range(n_columns):
                sums[i, k] = totals[first + i, k]
        begin = 0
        for t in range(len(ends)):
            for w in range(n_words[t]):
                for i in range(_LANES):
                    bits[w, i] = every
            for at in range(begin, ends[t]):
                values_of, of_word = x[steps[at].feature], bits[steps[at].word]
                threshold, keep = steps[at].threshold, steps[at].keep
                for i in range(_LANES):
                    is_left = every if values_of[i] <= threshold else np.uint32(0)
                    of_word[i] = of_word[i] & (keep | is_left)
            begin = ends[t]
            for i in range(_LANES):
                leaf[i] = roots[t]
            for w in range(n_words[t] - 1, -1, -1):
                # The lowest bit is a power of two, with its number as the exponent.
                for i in range(_LANES):
                    word = np.int32(bits[w, i])
                    lowest[i] = np.float32(np.int32(word & -word))
                for i in range(_LANES):
                    number = ((exponent[i] >> 23) & 255) - 127
                    found = roots[t] + 32 * w + number
                    leaf[i] = found if number >= 0 else leaf[i]
            column = columns[t]
            if n_values == 1:
                for i in range(n):
                    sums[i, column + places[leaf[i]]] += values[leaf[i], 0]
            else:
                for i in range(n):
                    for k in range(n_values):
                        sums[i, column + k] += values[leaf[i], k]
        for i in range(n):
            for k in range(n_columns):
                totals[first + i, k] = sums[i, k]


@njit(nogil=True, cache=True)
def count_below(rows, features, cuts, ends, codes):  # pragma: no cover - compiled
    """Write how many cuts of its feature are below each value.

    Parameters
    ----------
    rows : ndarray of float64 of shape (n_samples, n_features)
    features : ndarray of int of shape (n_used,)
    cuts : ndarray of float64
        Those of each used feature, increasing, one after the other.
    ends : ndarray of int of shape (n_used + 1,)
        Where those of each begin and end.
    codes : ndarray of float32 of shape (n_samples, n_used)
    """
    x, below = np.empty(_LANES), np.empty(_LANES)
    for first in range(0, len(rows), _LANES):
        n = min(_LANES, len(rows) - first)
        for j in range(len(features)):
            begin, end = ends[j], ends[j + 1]
            if end - begin > _MOST_CUTS:
                for i in range(first, first + n):
                    codes[i, j] = _search(cuts, begin, end, rows[i, features[j]])
                continue
            # With few cuts all of them are compared, with many values at once.
            for i in range(n):
                x[i] = rows[first + i, features[j]]
            below[:] = 0.0
            for at in range(begin, end):
                cut = cuts[at]
                for i in range(_LANES):
                    below[i] += 1.0 if cut < x[i] else 0.0
            for i in range(n):
                codes[first + i, j] = below[i]


@njit(nogil=True, cache=True)
def _search(cuts, begin, end, value):  # pragma: no cover - compiled
    """How many of some increasing cuts are below a value."""
    low, n = begin, end - begin
    while n > 1:
        half = n >> 1
        low += half if cuts[low + half - 1] < value else 0
        n -= half
    return low - begin + (1 if n and cuts[low] < value else 0)
