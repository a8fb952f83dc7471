# SPDX-License-Identifier: BSD-3-Clause
"""Features as numbers of thresholds that are below them."""

import numpy as np

# Thresholds of a feature up to which comparing all takes less time than a search, and
# features that are compared at once, so that their values stay in the cache.
_MOST_COMPARED, _WIDTH = 64, 64


def find_cuts(feature, threshold):
    """Find the thresholds of all features in the nodes of trees.

    Parameters
    ----------
    feature : ndarray of int of shape (n_nodes,)
    threshold : ndarray of float of shape (n_nodes,)
        Of the dtype of the rows that are compared. Values up to it go to the left.

    Returns
    -------
    cuts : Cuts
    place : ndarray of intp of shape (n_nodes,)
        The feature of each node, as a position in ``cuts.used``.
    code : ndarray of uint8 or uint16 of shape (n_nodes,)
        A value is up to the threshold of a node if and only if its code is up to this.
    """
    order = np.lexsort((threshold, feature))
    sorted_feature, sorted_threshold = feature[order], threshold[order]
    is_first = _is_new(sorted_feature)
    is_new = is_first | _is_new(sorted_threshold)
    number = np.cumsum(is_new) - 1  # of a threshold among those of all features
    begins = number[is_first]
    sizes = np.diff(begins, append=np.sum(is_new))
    by_size = np.argsort(-sizes, kind="stable")
    all_cuts = np.split(sorted_threshold[is_new], begins[1:])
    used = sorted_feature[is_first][by_size].astype(np.intp)
    cuts = Cuts(used, [all_cuts[j] for j in by_size])
    place = np.empty(len(order), dtype=np.intp)
    code = np.empty(len(order), dtype=cuts.dtype)
    rank = np.cumsum(is_first) - 1
    place[order] = np.argsort(by_size)[rank]
    code[order] = number - begins[rank]
    return cuts, place, code


def _is_new(values):
    """Whether each value differs from the one before it."""
    return np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]


class Cuts:
    """The thresholds of each feature.

    The code of a value is the number of thresholds of its feature that are below it. It
    takes one byte, or two where a feature has more than 255 thresholds, and is all that
    a tree has to know.

    Parameters
    ----------
    used : ndarray of intp of shape (n_used,)
        Features that have thresholds, of which those with most come first.
    cuts : list of ndarray of float
        The thresholds of each, increasing.
    """

    def __init__(self, used, cuts):
        self.used, self.cuts = used, cuts
        self.dtype = np.uint8 if not cuts or len(cuts[0]) <= 255 else np.uint16
        n_searched = sum(len(of) > _MOST_COMPARED for of in cuts)
        self._searched = list(zip(used[:n_searched], cuts, strict=False))
        self._compared = [
            (used[first : first + _WIDTH], _by_rank(cuts[first : first + _WIDTH]))
            for first in range(n_searched, len(used), _WIDTH)
        ]

    def codes(self, rows):
        """Count the thresholds below each value.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of uint8 or uint16 of shape (n_used, n_samples)
            Those of missing values have no meaning.
        """
        codes = np.zeros((len(self.used), len(rows)), dtype=self.dtype)
        for out, (feature, cuts) in zip(codes, self._searched, strict=False):
            out[:] = np.searchsorted(cuts, rows[:, feature])
        end = len(self._searched)
        for features, ranks in self._compared:
            begin, end = end, end + len(features)
            values, counts = rows.T[features], codes[begin:end]
            is_above = np.empty(values.shape, dtype=bool)
            for cuts in ranks:
                n = len(cuts)
                np.greater(values[:n], cuts, out=is_above[:n])
                counts[:n] += is_above[:n]
        return codes


def _by_rank(cuts):
    """The first thresholds of all features as a column, the second ones, and so on."""
    return [
        np.array([of[rank] for of in cuts if len(of) > rank])[:, np.newaxis]
        for rank in range(len(cuts[0]))
    ]
