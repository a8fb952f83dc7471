# SPDX-License-Identifier: BSD-3-Clause
"""Nearest neighbors by products of matrices in single precision."""

import numpy as np
import scipy.sparse as sp

from sksmooth._compat import NeighborsData
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    fast_predictor,
    may_not_lead,
    rows_at_once,
)

# Half the distance between 1 and the next number of float32.
_UNIT_32 = 2.0**-24
# For the rounding of the bounds.
_SLACK = 1.01
# Distances held at a time, so that they stay in the cache: of few samples, and of many.
_FEW_VALUES, _MANY_VALUES = 2**16, 2**19
# Rows at a time otherwise.
_MOST_ROWS = 2048
# Up to so many samples, what a distance and the number of its sample take of 31 bits
# leaves enough of them for the distance.
_FEW_SAMPLES = 1024
# Norms of samples for which products with a power of two stay in range.
_LEAST, _LARGEST = 2.0**-48, 2.0**48
# Groups of samples: so many that few of them have two of the nearest samples. Up to so
# many more shorten the loop over the members of all groups, of so many at least.
_GROUPS_PER_NEIGHBOR, _MOST_GROUPS, _MEMBERS = 10, 128, 6
# Training samples for each feature, up to which all distances take less time than the
# search in a tree.
_MOST_FOR_TREES = 250


@fast_predictor("sklearn.neighbors", "KNeighborsClassifier")
class NeighborsPredictor(FastPredictor):
    """The classes of the k nearest training samples, and their counts.

    Parameters
    ----------
    estimator : KNeighborsClassifier

    Notes
    -----
    With z a row and t a training sample, both less the mean of all of these, neighbors
    have the least ``|t|**2 - 2 * z @ t``, which is a product of matrices with one more
    column. With n features and u the unit roundoff of float32, its error is at most
    ``(n + 8) * u * (2 |z| |t| + |t|**2)``: a sum of n + 1 products, whose factors have
    a rounding each (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd
    edition, 2002, section 3.1). `predict` computes in float64, but by
    ``|x|**2 - 2 * x @ s + |s|**2`` of rows and samples as they are, unless it searches
    in a tree: with c their mean, which may be far from zero, its error is at most ``2
    (n + 8) * u * (|z| + |t| + 2 |c|)**2`` with the u of float64, and with c = 0 in a
    tree, where differences are squared.

    With e the bound, a sample is surely among the k nearest ones if it is closer than
    the one after the k-th by more than 2 e, and surely not if it is farther than the
    k-th by more than 2 e. Where samples between these bounds can change the class with
    most neighbors, the label is left to `predict`.

    Of few samples, the nearest ones are found among whole numbers, of which the upper
    bits are a distance, rounded, and the lower bits the number of its sample. What is
    cut off adds to e.
    """

    def __init__(self, estimator):
        X, y, method = NeighborsData.of(estimator)
        if estimator.effective_metric_ != "euclidean":
            raise Declined(f"its metric is {estimator.effective_metric_!r}")
        if estimator.weights not in (None, "uniform"):
            raise Declined("its neighbors have weights")
        if sp.issparse(X) or X.dtype != np.float64:
            raise Declined("it was fitted on something else than an array of float64")
        self._k = int(estimator.n_neighbors)
        if not 0 < self._k < len(X):
            raise Declined(f"it has {len(X)} samples for {self._k} neighbors")
        if np.ndim(y) != 1:
            raise Declined("multi-output: it predicts several labels for a sample")
        if method != "brute" and len(X) > _MOST_FOR_TREES * X.shape[1]:
            raise Declined(
                f"it has {len(X)} samples of {X.shape[1]} features in a tree"
            )
        super().__init__(X.shape[1])
        self._y = np.array(y, dtype=np.intp)
        self._n_classes = len(estimator.classes_)
        self._of_class = np.eye(self._n_classes)[self._y]
        self._center = X.mean(axis=0)
        moved = X - self._center
        squares = np.einsum("ij,ij->i", moved, moved)
        reach = self._reach = np.sqrt(squares.max())
        # Sums of rows farther from the mean may be beyond the range of float32.
        largest = float(np.finfo(np.float32).max) / 8
        self._farthest = largest / (1 + reach)
        with np.errstate(over="ignore"):
            columns = np.vstack([-2.0 * moved.T, squares]).astype(np.float32)
        if not np.abs(columns).max() < largest:
            raise Declined("its samples are beyond the range of float32")
        self._columns = columns
        self._step = 2 ** int(len(X) - 1).bit_length()
        self._is_packed = len(X) <= _FEW_SAMPLES and _LEAST < reach < _LARGEST
        self._per_norm = _SLACK * (X.shape[1] + 8) * _UNIT_32 * 2 * reach
        # What underflows has no relative error.
        tiny = 4 * X.shape[1] * float(np.finfo(np.float32).tiny) * (1 + reach)
        self._constant = self._per_norm * reach / 2 + tiny
        self._of_predict = _SLACK * 2 * (X.shape[1] + 8) * UNIT
        away = np.linalg.norm(self._center) if method == "brute" else 0.0
        self._largest = reach + 2 * away

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return rows_at_once(self.n_features * len(self._y))

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return min(_MOST_ROWS, max(256, 2**18 // self.n_features))

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        n_rows, k = len(X), self._k
        moved = X - self._center
        size = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        error = self._per_norm * size + self._constant
        error += self._of_predict * (size + self._largest) ** 2
        is_far = ~(size < self._farthest)  # not `>=`, so that nan is
        if is_far.any():
            error[is_far], size[is_far], moved[is_far] = np.inf, 0.0, 0.0
        rows = np.empty((n_rows, self.n_features + 1), dtype=np.float32)
        rows[:, :-1] = moved
        rows[:, -1] = 1.0
        find = self._nearest_of_many
        if self._is_packed:
            find = self._nearest_of_few
            largest = _SLACK * self._reach * (self._reach + 2 * size)
            # Powers of two, by which products are exact.
            unit = np.ldexp(1.0, 30 - np.frexp(largest)[1])
            rows *= unit[:, np.newaxis]
            error = unit * error + 2.0 * self._step
        kth, after = np.empty((2, n_rows))
        neighbors = np.empty((n_rows, k), dtype=np.intp)
        for block in self._blocks(n_rows):
            far = rows[block] @ self._columns
            kth[block], after[block], neighbors[block] = find(far)
        positions = np.argmax(self._counts(self._y[neighbors]), axis=1)
        unsure = ~(after - kth > 2 * error)
        at = np.flatnonzero(unsure)
        for block in self._blocks(len(at)):
            own = at[block]
            positions[own], unsure[own] = self._bounded(
                rows[own] @ self._columns, kth[own], after[own], error[own]
            )
        return positions, unsure

    def _blocks(self, n_rows):
        """Slices of rows whose distances stay in the cache.

        Of many features the product takes longer for fewer rows.
        """
        n_values = _FEW_VALUES if self._is_packed else _MANY_VALUES
        size = max(32, n_values // len(self._y), min(512, self.n_features))
        return [slice(start, start + size) for start in range(0, n_rows, size)]

    def _nearest_of_few(self, far):
        """The k nearest samples of each row, of at most `_FEW_SAMPLES`.

        Parameters
        ----------
        far : ndarray of float32 of shape (n_samples, n_fitted)
            Less than 2**30 in absolute value.

        Returns
        -------
        kth, after : ndarray of shape (n_samples,)
            What is known of the k-th and of the one after it, up to `_step`.
        neighbors : ndarray of intp of shape (n_samples, k)
            In any order.
        """
        keys = far.astype(np.int32)
        keys &= -self._step
        keys |= np.arange(keys.shape[1], dtype=np.int32)
        keys.partition(self._k, axis=1)
        nearest = keys[:, : self._k + 1].T
        members = nearest[:-1] & (self._step - 1)
        nearest = nearest & -self._step
        return nearest[:-1].max(axis=0), nearest[-1], members.T

    def _nearest_of_many(self, far):
        """The k nearest samples of each row; see `_nearest_of_few`."""
        k = self._k
        values, members = self._closest(far)
        ordered = np.partition(values, (k - 1, k), axis=1)
        kth, after = ordered[:, k - 1], ordered[:, k]
        near = values <= kth[:, np.newaxis]
        neighbors = np.zeros((len(far), k), dtype=np.intp)
        is_one = near.sum(axis=1) == k
        neighbors[is_one] = members[near & is_one[:, np.newaxis]].reshape(-1, k)
        return kth, after, neighbors

    def _closest(self, far):
        """The k + 1 nearest samples of each row and few others, in any order.

        A sort of all distances takes longer than the distances do. Of the least
        distances of disjoint groups of samples, the one after the k-th is no less than
        that of all samples, and few samples are as close as that.

        Parameters
        ----------
        far : ndarray of float32 of shape (n_samples, n_fitted)

        Returns
        -------
        values : ndarray of float32 of shape (n_samples, n_closest)
            What is known of them in `far`; nan at places that are not used.
        members : ndarray of int of shape (n_samples, n_closest)
            Which samples they are.
        """
        n_rows, n_fitted = far.shape
        n_groups = min(_MOST_GROUPS, n_fitted // _MEMBERS)
        n_groups = max(n_groups, _GROUPS_PER_NEIGHBOR * (self._k + 1))
        n_groups = min(n_groups, n_fitted)
        least = far[:, :n_groups].copy()
        for start in range(n_groups, n_fitted, n_groups):
            group = far[:, start : start + n_groups]
            own = least[:, : group.shape[1]]
            np.minimum(own, group, out=own)
        limit = np.partition(least, self._k, axis=1)[:, self._k]
        at = np.flatnonzero(far <= limit[:, np.newaxis])
        row, member = np.divmod(at, n_fitted)
        n_of = np.bincount(row, minlength=n_rows)
        place = np.arange(len(at)) - np.repeat(np.cumsum(n_of) - n_of, n_of)
        shape = n_rows, max(self._k + 1, n_of.max(initial=0))
        values, members = np.full(shape, np.nan, np.float32), np.zeros(shape, np.intp)
        values[row, place] = far.ravel()[at]
        members[row, place] = member
        return values, members

    def _counts(self, classes):
        """Numbers of each class, by row."""
        rows = np.arange(len(classes))[:, np.newaxis] * self._n_classes
        counts = np.bincount(
            (rows + classes).ravel(), minlength=len(classes) * self._n_classes
        )
        return counts.reshape(len(classes), self._n_classes)

    def _bounded(self, far, kth, after, error):
        """Labels where it is open which samples are the nearest, and whether unsure."""
        far, twice = far.astype(np.float64), 2 * error[:, np.newaxis]
        is_in = far < after[:, np.newaxis] - twice
        is_open = ~is_in & ~(far > kth[:, np.newaxis] + twice)
        fewest = is_in @ self._of_class
        n_open = is_open @ self._of_class
        n_left = self._k - fewest.sum(axis=1, keepdims=True)
        others = n_open.sum(axis=1, keepdims=True) - n_open
        most = fewest + np.minimum(n_left, n_open)
        fewest += np.maximum(0, n_left - others)
        positions = np.argmax(fewest, axis=1)
        return positions, may_not_lead(fewest, most, positions)
