# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian naive Bayes by products of matrices."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    fast_predictor,
    surely_largest,
)


@fast_predictor("sklearn.naive_bayes", "GaussianNB")
class GaussianNBPredictor(FastPredictor):
    """The joint log likelihoods of `GaussianNB`, as a quadratic form.

    With u a row less the mean of all class means, a the halves of the inverse variances
    of a class and t its mean less that of all, the log likelihood is that of the prior
    and the variances, less ``sum(a * u**2) - 2 * sum(a * t * u) + sum(a * t**2)``.

    Parameters
    ----------
    estimator : GaussianNB

    Notes
    -----
    With n features and u the unit roundoff, each term of the form has at most 8
    roundings, and a sum of n of them at most n - 1 more, in any order. `predict` sums
    n squares, each with at most 4 roundings. Both errors together are at most
    ``(2 * n + 16) * u`` times the sum of the absolute values of all terms, which is at
    most twice ``sum(a * u**2) + sum(a * t**2)``; the factor below is larger, for the
    rounding of the bound. See N. J. Higham, "Accuracy and Stability of Numerical
    Algorithms", 2nd edition (2002), section 3.1.
    """

    takes_float32 = True  # predict subtracts means of float64 first

    def __init__(self, estimator):
        mean, variance = estimator.theta_, estimator.var_
        if mean.dtype != np.float64 or variance.dtype != np.float64:
            raise Declined(f"its means are of {mean.dtype}")
        n_features = mean.shape[1]
        super().__init__(n_features)
        self._center = mean.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            half = 0.5 / variance
            moved = mean - self._center
            own = half * moved**2
            # As predict computes them, to the last bit where numpy is the same.
            constant = np.log(estimator.class_prior_)
            spread = -0.5 * np.sum(np.log(2.0 * np.pi * variance), axis=1)
            self._quadratic = -np.ascontiguousarray(half.T)
            self._linear = np.ascontiguousarray((2.0 * half * moved).T)
            self._constant = constant + spread - own.sum(axis=1)
            self._relative = 4 * (n_features + 16) * UNIT
            sizes = np.abs(constant) + np.abs(spread) + 2 * own.sum(axis=1)
            logs = np.sum(np.abs(np.log(2.0 * np.pi * variance)), axis=1)
        parts = (self._quadratic, self._linear, self._constant)
        if not all(np.isfinite(part).all() for part in parts):
            raise Declined("a variance or a prior of it is zero")
        # What underflows has no relative error.
        tiny = 16 * n_features * np.finfo(np.float64).tiny * max(1.0, half.max())
        self._absolute = self._relative * (sizes + logs) + tiny

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return min(1024, max(64, 2**16 // self.n_features))

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        with np.errstate(over="ignore", invalid="ignore"):
            moved = X - self._center
            scores = moved @ self._linear
            np.square(moved, out=moved)
            quadratic = moved @ self._quadratic
            scores += quadratic
            scores += self._constant
            quadratic *= -self._relative
            quadratic += self._absolute
        return surely_largest(scores, quadratic)
