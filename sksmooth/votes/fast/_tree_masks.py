# SPDX-License-Identifier: BSD-3-Clause
"""The leaves of trees, found by comparing rows with all nodes, many rows at once."""

from itertools import pairwise

import numpy as np

# Leaves of a tree up to which this takes less time than to walk down.
MOST_LEAVES = 62
# Leaves of a word, which is an int32 without its sign, and of its bytes.
_PER_WORD, _PER_BYTE = 31, (8, 8, 8, 7)
# Bytes of leaves, and rows, that are taken at once, so that they stay in the cache.
_BYTES_AT_ONCE, _ROWS_AT_ONCE = 96, 2048


class TreeMasks:
    """Sums of one value of each leaf, without walking down the trees.

    Each inner node that sends a row to the right strikes out the leaves below its left
    child. Of those that are left the first one is the leaf of the row. See C. Lucchese
    et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of
    regression trees", SIGIR 2015. Here all nodes are compared, by numpy, with as many
    rows as stay in the cache, and bytes of eight leaves are struck out at once.

    Parameters
    ----------
    trees : list of sklearn.tree._tree.Tree
    place, code : ndarray of int of shape (n_nodes,)
        Of all inner nodes of all trees, see `find_cuts`.
    values : list of ndarray of float64 of shape (n_nodes, 1)
        What each tree adds to a column of a sum, by node.
    columns : list of int
        These columns.
    """

    def __init__(self, trees, place, code, values, columns):
        ends = np.cumsum([tree.node_count - tree.n_leaves for tree in trees]).tolist()
        sizes = [_n_bytes(tree.n_leaves) for tree in trees]
        self._chunks = [
            _Chunk(
                trees[first:last],
                place[begin:end],
                code[begin:end],
                values[first:last],
                columns[first:last],
            )
            for first, last in _in_chunks(sizes)
            for begin, end in [(ends[first - 1] if first else 0, ends[last - 1])]
        ]

    def add(self, codes, totals):
        """Add the values of all trees to sums.

        Parameters
        ----------
        codes : ndarray of shape (n_used, n_samples)
            See `Cuts.codes`.
        totals : ndarray of float64 of shape (n_samples, n_columns)
        """
        for first in range(0, len(totals), _ROWS_AT_ONCE):
            block = slice(first, first + _ROWS_AT_ONCE)
            sums = np.ascontiguousarray(totals[block].T)
            for chunk in self._chunks:
                chunk.add(codes[:, block], sums)
            totals[block] = sums.T


class _Chunk:
    """Some trees, the bytes of whose leaves are struck out at once.

    A step strikes out leaves of one byte. Steps are in the order of their rank among
    those of the same byte, and bytes in the order of their number of steps, so that the
    steps of a rank change as many first bytes as there are.
    """

    def __init__(self, trees, place, code, values, columns):
        self._n_bytes = n_bytes = _n_bytes(max(tree.n_leaves for tree in trees))
        widths = np.tile(_PER_BYTE, -(-n_bytes // len(_PER_BYTE)))
        node, tree, byte, low, high = strikes(trees, np.cumsum([0, *widths]))
        masks = (2**high - 2**low).astype(np.uint8)
        group = tree * n_bytes + byte
        sizes = np.bincount(group, minlength=len(trees) * n_bytes)
        at = np.argsort(np.argsort(-sizes, kind="stable"))
        rank = np.empty(len(group), dtype=np.intp)
        rank[np.argsort(group, kind="stable")] = _counted_up(sizes)
        order = np.lexsort((at[group], rank))
        ends = np.cumsum(np.bincount(rank)).tolist()
        place, code = place[node], code[node]
        self._steps = [
            (place[some], code[some, np.newaxis], masks[some, np.newaxis])
            for begin, end in pairwise([0, *ends])
            for some in [order[begin:end]]
        ]
        # Where the bytes of each tree are, the first ones before the second ones.
        self._at = at.reshape(len(trees), n_bytes).T
        leaves = leaves_in_order(trees)
        self._values = np.concatenate([of[:, 0] for of in values])[leaves]
        n_leaves = np.array([tree.n_leaves for tree in trees])
        self._roots = (np.cumsum(n_leaves) - n_leaves)[:, np.newaxis]
        self._columns = columns

    def add(self, codes, sums):
        """Add to sums of shape (n_columns, n_samples)."""
        for column, leaves in zip(self._columns, self._leaves(codes), strict=True):
            sums[column] += self._values.take(leaves)

    def _leaves(self, codes):
        """Positions of leaves in the values, of shape (n_trees, n_samples)."""
        struck = self._struck(codes)
        n_bytes, n_trees = self._at.shape
        leaves = np.zeros((n_trees, codes.shape[1]), dtype=np.intp)
        # The first word with a leaf that is left is the last one that is written.
        for first in reversed(range(0, n_bytes, len(_PER_BYTE))):
            word = struck[self._at[first]].astype(np.int32)
            for j, at in enumerate(self._at[first + 1 : first + len(_PER_BYTE)], 1):
                byte = struck[at].astype(np.int32)
                byte <<= 8 * j
                word |= byte
            # The lowest bit that is not set, alone; the sign where all others are set.
            lowest = word + np.int32(1)
            np.invert(word, out=word)
            lowest &= word
            # It is a power of two, so that its exponent is its number.
            number = lowest.astype(np.float32).view(np.int32)
            number >>= 23
            number -= 127
            root = self._roots + _PER_WORD * (first // len(_PER_BYTE))
            is_left = True if n_bytes <= len(_PER_BYTE) else number >= 0
            np.add(number, root, out=leaves, where=is_left)
        return leaves

    def _struck(self, codes):
        """Bits of the leaves that are struck out, of shape (n_groups, n_samples)."""
        shape = self._at.size, codes.shape[1]
        struck = np.zeros(shape, dtype=np.uint8)
        own, bits = np.empty(shape, dtype=codes.dtype), np.empty(shape, dtype=np.uint8)
        is_above = bits.view(bool)
        for place, code, masks in self._steps:
            n = len(place)
            codes.take(place, axis=0, out=own[:n], mode="clip")
            np.greater(own[:n], code, out=is_above[:n])
            np.multiply(bits[:n], masks, out=bits[:n])
            np.bitwise_or(struck[:n], bits[:n], out=struck[:n])
        return struck


def _n_bytes(n_leaves):
    n_words, rest = divmod(n_leaves, _PER_WORD)
    return len(_PER_BYTE) * n_words + -(-rest // 8)


def _in_chunks(sizes):
    """First and last of some trees, by the number of bytes of each."""
    first, largest = 0, 0
    for last, size in enumerate(sizes):
        largest = max(largest, size)
        if last > first and largest * (last + 1 - first) > _BYTES_AT_ONCE:
            yield first, last
            first, largest = last, size
    yield first, len(sizes)


def _counted_up(sizes):
    """0, 1, ... up to each of some sizes, one after the other."""
    return np.arange(np.sum(sizes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def strikes(trees, bounds):
    """Find the leaves that nodes strike out for rows above their threshold.

    Leaves are numbered from left to right.

    Parameters
    ----------
    trees : list of sklearn.tree._tree.Tree
    bounds : ndarray of int
        The first leaf of each word, and the end of the last one.

    Returns
    -------
    node : ndarray of int
        Position among all inner nodes of all trees, in their order, for each word that
        a node changes.
    tree, word : ndarray of int
    low, high : ndarray of int
        The first of the bits of the word that are struck out, and their end.
    """
    left, right, begins = _children(trees)
    inner = np.flatnonzero(left >= 0)
    first, size = _leaves_below(left, right, begins)
    start = first[left[inner]]
    stop = start + size[left[inner]]
    first_word, last_word = (
        np.searchsorted(bounds, leaf, side="right") - 1 for leaf in (start, stop - 1)
    )
    n_words = last_word - first_word + 1
    node = np.repeat(np.arange(len(inner)), n_words)
    word = first_word[node] + _counted_up(n_words)
    low = np.maximum(start[node] - bounds[word], 0)
    high = np.minimum(stop[node], bounds[word + 1]) - bounds[word]
    tree = np.searchsorted(begins, inner, side="right") - 1
    return node, tree[node], word, low, high


def leaves_in_order(trees):
    """Positions of leaves among all nodes of all trees, from left to right."""
    left, right, begins = _children(trees)
    first, _ = _leaves_below(left, right, begins)
    leaves = np.flatnonzero(left < 0)
    tree = np.searchsorted(begins, leaves, side="right")
    return leaves[np.lexsort((first[leaves], tree))]


def _children(trees):
    """Children of the nodes of all trees, as positions among these; -1 for leaves."""
    sizes = np.array([tree.node_count for tree in trees])
    begins = np.cumsum(sizes) - sizes
    own = np.repeat(begins, sizes)
    left, right = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right")
    )
    return np.where(left < 0, -1, left + own), right + own, begins


def _leaves_below(left, right, roots):
    """The first leaf below each node, by its number in its tree, and their number."""
    first = np.zeros(len(left), dtype=np.intp)
    size = np.ones(len(left), dtype=np.intp)
    levels, level = [], roots
    while len(level):
        level = level[left[level] >= 0]
        levels.append(level)
        level = np.concatenate([left[level], right[level]])
    for level in reversed(levels):
        size[level] = size[left[level]] + size[right[level]]
    for level in levels:
        first[left[level]] = first[level]
        first[right[level]] = first[level] + size[left[level]]
    return first, size
