# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian naive Bayes by products of matrices."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    by_tiers,
    fast_predictor,
    surely_largest,
)

# Differences from the means held at a time, so that they stay in the cache.
_MOST_VALUES, _FEWEST_ROWS = 2**16, 64
# Largest relative error of a sum for which the bounds are shown.
_MOST_ROUNDING = 0.005
# For the rounding of the bounds themselves.
_SLACK = 1.02


@fast_predictor("sklearn.naive_bayes", "GaussianNB")
class GaussianNBPredictor(FastPredictor):
    """The joint log likelihoods of `GaussianNB`, as a quadratic form.

    With u a row less the mean of all class means, a the halves of the inverse variances
    of a class and t its mean less that of all, the log likelihood is that of the prior
    and the variances, less ``sum(a * u**2) - 2 * sum(a * t * u) + sum(a * t**2)``.

    It is computed in float32, where that is precise enough, and in float64 for the rows
    that are left open.

    Parameters
    ----------
    estimator : GaussianNB
    """

    takes_float32 = True  # predict subtracts means of float64 first

    def __init__(self, estimator):
        mean, variance = estimator.theta_, estimator.var_
        if mean.dtype != np.float64 or variance.dtype != np.float64:
            raise Declined(f"its means are of {mean.dtype}")
        super().__init__(mean.shape[1])
        # As predict computes them, to the last bit where numpy is the same.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            prior = np.log(estimator.class_prior_)
            logs = np.log(2.0 * np.pi * variance)
            forms = [
                QuadraticForm(mean, variance, prior, logs, dtype)
                for dtype in (np.float32, np.float64)
            ]
        self.forms = [form for form in forms if form.is_bounded]
        if not self.forms:
            raise Declined("a variance or a prior of it is zero, or almost")

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            return by_tiers(self.forms, _positions, X)


def _positions(X, form):
    return surely_largest(*form.scores(X))


class QuadraticForm:
    """Joint log likelihoods in one precision, with a bound on their error.

    Parameters
    ----------
    mean, variance : ndarray of float64 of shape (n_classes, n_features)
    prior : ndarray of shape (n_classes,)
        Logarithms of the probabilities of the classes.
    logs : ndarray of shape (n_classes, n_features)
        Logarithms of the variances times two pi.
    dtype : {float32, float64}

    Attributes
    ----------
    dtype
    is_bounded : bool
        Whether the bound holds in this precision.

    Notes
    -----
    With n features and v the unit roundoff of the precision, each term of the form has
    at most 8 roundings, to this precision or to float64, and a sum of n of them at most
    n - 1 more, in any order; two more add the sums and the constant. `predict` sums n
    squares in float64, each with at most 4 roundings. Both errors together are at most
    ``(2 * n + 16) * v`` times the sum of the absolute values of all terms, which is at
    most twice ``sum(a * u**2) + sum(a * t**2)``. That is larger by `_SLACK`, for terms
    of second order and for the rounding of the bound itself, each of which is at most
    `_MOST_ROUNDING` of it. See N. J. Higham, "Accuracy and Stability of Numerical
    Algorithms", 2nd edition (2002), section 3.1.

    What underflows has no relative error. Coefficients do not. A difference u, its
    square, or a product with a coefficient is then wrong by less than the smallest
    normal number, times a coefficient for the first two.
    """

    def __init__(self, mean, variance, prior, logs, dtype):
        n_features = mean.shape[1]
        limits = np.finfo(dtype)
        self.dtype, self._center = dtype, mean.mean(axis=0)
        half = 0.5 / variance
        moved = mean - self._center
        linear = 2.0 * half * moved
        own = np.sum(half * moved**2, axis=1)
        spread = -0.5 * np.sum(logs, axis=1)
        self._quadratic = -np.ascontiguousarray(half.T, dtype=dtype)
        self._linear = np.ascontiguousarray(linear.T, dtype=dtype)
        self._constant = prior + spread - own
        rounding = (n_features + 16) * limits.eps / 2
        parts = self._quadratic, self._linear, self._constant
        self.is_bounded = (
            rounding <= _MOST_ROUNDING
            and all(np.isfinite(part).all() for part in parts)
            and all(_least(part) >= limits.tiny for part in (half, linear))
        )
        self._relative = 4 * _SLACK * rounding
        sizes = np.abs(prior) + np.abs(spread) + 2 * own
        self._absolute = self._relative * (sizes + np.sum(np.abs(logs), axis=1))
        most = max(1.0, half.max(), np.abs(linear).max())
        self._absolute += 16 * n_features * float(limits.tiny) * most

    def scores(self, X):
        """Log likelihoods of rows, and a bound on their distance from those of predict.

        Parameters
        ----------
        X : ndarray of float64 of shape (n_samples, n_features)

        Returns
        -------
        scores, error : ndarray of float64 of shape (n_samples, n_classes)
            Of what overflows, the error is nan.
        """
        n_rows, n_features = X.shape
        step = max(_FEWEST_ROWS, _MOST_VALUES // n_features)
        space = np.empty((min(step, n_rows), n_features), dtype=self.dtype)
        scores, quadratic = np.empty((2, n_rows, len(self._constant)), self.dtype)
        for start in range(0, n_rows, step):
            rows = X[start : start + step]
            part, moved = slice(start, start + len(rows)), space[: len(rows)]
            np.subtract(rows, self._center, out=moved, casting="same_kind")
            np.matmul(moved, self._linear, out=scores[part])
            np.square(moved, out=moved)
            np.matmul(moved, self._quadratic, out=quadratic[part])
        scores += quadratic
        error = np.multiply(quadratic, -self._relative, dtype=np.float64)
        error += self._absolute
        error += 0.0 * scores
        return scores + self._constant, error


def _least(values):
    """The least size of a value that is not zero."""
    sizes = np.abs(values)
    return sizes.min(initial=np.inf, where=sizes > 0)
