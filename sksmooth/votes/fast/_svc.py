# SPDX-License-Identifier: BSD-3-Clause
"""Support vector classifiers by products of matrices."""

import numpy as np

from sksmooth._compat import LibsvmModel
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.fast._kernels import KERNELS
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    by_tiers,
    fast_predictor,
    may_not_lead,
    rows_at_once,
)

# Values of the kernel held at a time, so that they stay in the cache.
_MOST_VALUES = 2**18


@fast_predictor("sklearn.svm", "SVC", "NuSVC")
class SVCPredictor(FastPredictor):
    """The votes of all pairs of classes, from decisions with a bound on their rounding.

    The decision between classes i and j is a sum over their support vectors, of kernel
    values times dual coefficients. It is a product of matrices for each class, which
    gives the part of that class in all of its pairs.

    Parameters
    ----------
    estimator : SVC or NuSVC

    Notes
    -----
    A sum of n products has a rounding error of at most ``n * u / (1 - n * u)`` times
    the sum of their absolute values, in any order, where u is the unit roundoff (N. J.
    Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, 2002, section
    3.1), here and in libsvm. The kernel values have errors of their own, see
    `sksmooth.votes.fast._kernels`. Pairs whose decision is not farther from zero than
    all of that are left open; where an open pair can change the class with most votes,
    or where ties of votes are broken by `break_ties`, the label is left to `predict`.
    """

    takes_float32 = True  # predict converts them first

    def __init__(self, estimator):
        kind = estimator.kernel
        if not isinstance(kind, str) or kind not in KERNELS:
            raise Declined(f"its kernel {kind!r} is not covered")
        model = LibsvmModel.of(estimator)
        if model.is_sparse:
            raise Declined("it was fitted on a sparse matrix")
        vectors = np.ascontiguousarray(estimator.support_vectors_, dtype=np.float64)
        if not len(vectors):
            raise Declined("it has no support vectors")
        super().__init__(vectors.shape[1])
        n_classes = len(estimator.classes_)
        several = n_classes > 2
        if estimator.break_ties and several:
            if estimator.decision_function_shape == "ovo":
                raise Declined("its predict raises: break_ties needs 'ovr'")
        self._breaks_ties = bool(estimator.break_ties) and several
        pairs = np.array(np.triu_indices(n_classes, 1))
        coef = np.asarray(model.dual_coef, dtype=np.float64)
        weights = _weights_by_class(coef, model.n_support, pairs)
        self.kernels = [
            kernel(vectors, weights, pairs.shape[1], estimator, model.gamma)
            for kernel in KERNELS[kind]
        ]
        self._intercept = np.array(model.intercept, dtype=np.float64)
        # Each pair counts for its first class if its decision is positive, else for
        # its second one.
        each = np.arange(pairs.shape[1])
        self._to_first = np.zeros((len(each), n_classes), dtype=np.float32)
        self._to_second = self._to_first.copy()
        self._to_first[each, pairs[0]] = 1
        self._to_second[each, pairs[1]] = 1
        self._difference = self._to_first - self._to_second
        self._from_none = self._to_second.sum(axis=0)
        # Which pairs each class is in.
        self._has = (self._to_first + self._to_second).T > 0
        # The sum, and the rounding of the intercept that is added last.
        self._sum_error = 4 * UNIT * np.abs(self._intercept) + np.finfo(float).tiny

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return rows_at_once(self.n_features * self.kernels[0].n_values)

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        largest = max(self.n_features, self.kernels[0].n_values)
        return min(512, max(64, _MOST_VALUES // largest))

    def decisions(self, X, kernel):
        """Decisions between all pairs of classes.

        Parameters
        ----------
        X : ndarray of float64 of shape (n_samples, n_features)
        kernel : Kernel
            One of `kernels`, which differ in precision.

        Returns
        -------
        decisions : ndarray of shape (n_samples, n_pairs)
            Positive where the pair votes for its first class.
        error : ndarray of shape (n_samples, n_pairs)
            Bound on the distance from what libsvm computes.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            decisions, error = kernel.sums(X)
            decisions += self._intercept
            error += self._sum_error
        return decisions, error

    def scores(self, X, kernel):
        """What `decision_function` computes for each class, of shape "ovr".

        Parameters
        ----------
        X, kernel
            As for `decisions`.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_classes), or (n_rows, 1) for two classes
            Votes, and what is less than half a vote by the sum of decisions.
        error : ndarray of the same shape
            Bound on their error; infinite where a pair is open.
        """
        decisions, error = self.decisions(X, kernel)
        if self._to_first.shape[1] == 2:
            return -decisions, error  # libsvm decides for the first of two classes
        with np.errstate(invalid="ignore"):
            is_open = ~(np.abs(decisions) > error).all(axis=1)
        votes = (decisions > 0).astype(np.float32) @ self._difference
        sums = decisions @ self._difference.astype(np.float64)
        in_pairs = self._has.T.astype(np.float64)
        error = error + 2 * sums.shape[1] * UNIT * np.abs(decisions)
        error = error @ in_pairs + 8 * sums.shape[1] * UNIT
        error[is_open] = np.inf
        scores = votes + self._from_none + sums / (3 * (np.abs(sums) + 1))
        return scores, error

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        return by_tiers(self.kernels, self._positions, X)

    def _positions(self, X, kernel):
        decisions, error = self.decisions(X, kernel)
        first = decisions > 0
        votes = first.astype(np.float32) @ self._difference
        votes += self._from_none
        positions = votes.argmax(axis=1)  # the first of equal ones, as in libsvm
        with np.errstate(invalid="ignore"):
            is_open = ~(np.abs(decisions) > error)
        unsure = is_open.any(axis=1)
        if self._breaks_ties:
            leading = votes == votes.max(axis=1, keepdims=True)
            unsure |= leading.sum(axis=1) > 1
        elif unsure.any():
            (at,) = unsure.nonzero()
            leader = positions[at]
            # With one that surely wins all of its pairs, no other class can.
            wins = votes[at, leader] == len(self._has) - 1
            wins &= ~(is_open[at] & self._has[leader]).any(axis=1)
            unsure[at] = ~wins
            at = at[~wins]
            if at.size:
                unsure[at] = self._may_change(first[at], is_open[at], positions[at])
        return positions, unsure

    def _may_change(self, first, is_open, positions):
        """Whether open pairs can give another class the most votes."""
        to_first = (first & ~is_open).astype(np.float32) @ self._to_first
        fewest = to_first + (~first & ~is_open).astype(np.float32) @ self._to_second
        n_open = is_open.astype(np.float32) @ (self._to_first + self._to_second)
        return may_not_lead(fewest, fewest + n_open, positions)


def _weights_by_class(coef, n_support, pairs):
    """Coefficients of the support vectors of each class in the pairs that it is in.

    Returns
    -------
    list of tuple
        For each class the slice of its support vectors, the positions of its pairs, and
        the coefficients, of shape (n_vectors, n_pairs_of_it).
    """
    ends = np.cumsum(n_support)
    weights = []
    for at, (start, end) in enumerate(zip(ends - n_support, ends, strict=True)):
        mine = np.flatnonzero((pairs == at).any(axis=0))
        other = pairs[:, mine].sum(axis=0) - at
        # libsvm keeps the coefficients against the other classes in their order.
        row = np.where(other > at, other - 1, other)
        weights.append((slice(start, end), mine, coef[row, start:end].T.copy()))
    return weights
