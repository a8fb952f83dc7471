# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian naive Bayes of two classes, whose score is quadratic in the noise."""

import numpy as np
from scipy.special import ndtri

from sksmooth._special import LOG_HALF
from sksmooth.votes.exact._by_type import closed_form, screening
from sksmooth.votes.exact._numerics import (
    PROBIT_MAX,
    ShareError,
    probit_interval,
    probit_of_log,
)
from sksmooth.votes.exact._quadratic import Quadratic, log_probability_positive
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.exact._source import Declined, ExactSource

# No noise is larger, in units of sigma: the probability of that is less than 1e-348.
_REACH = 40.0
# Width of the logarithm of a probability, where it is widest, up to which samples are
# certified at radii that are hardly smaller.
_WIDEST = 0.02
# Seconds for a term and for each feature in it, and the noise that the number of terms
# is known for, in units of the standard deviations within a class.
_PER_TERM, _PER_FEATURE, _TYPICAL_NOISE = 2e-7, 2e-8, 0.5
# For the rounding of the bounds themselves.
_SLACK = 1.01


@screening("sklearn.naive_bayes", "GaussianNB")
def _reason(estimator):
    n_classes = len(estimator.classes_)
    return None if n_classes == 2 else f"it has {n_classes} classes, not two"


@closed_form("sklearn.naive_bayes", "GaussianNB")
class GaussianNBSource(ExactSource):
    """Class probabilities of `GaussianNB` with two classes.

    The difference of the joint log likelihoods at a noisy copy is a sum of independent
    quadratic functions of the noise of each feature: a generalized chi-square variable.
    The probability that it is positive is a sum of some hundred terms, with a proven
    bound on all that is left out; see `sksmooth.votes.exact._quadratic`.

    Parameters
    ----------
    estimator : fitted GaussianNB
    affine : AffineMap

    Raises
    ------
    Declined
        If a variance or a prior is zero or not of float64, or if so few features take
        noise, of so different variances, that too many terms would be needed.
    """

    def __init__(self, estimator, affine):
        n_features = affine.n_features_out
        super().__init__(estimator.classes_, affine, 4e-9 * n_features + 1e-7)
        self._mean, variance = np.array(estimator.theta_), estimator.var_
        if self._mean.dtype != np.float64 or variance.dtype != np.float64:
            raise Declined(f"its means are of {self._mean.dtype}")
        with np.errstate(divide="ignore", over="ignore"):
            logs = np.log(np.concatenate([estimator.class_prior_, variance.ravel()]))
            self._half = 0.5 / variance
        if not (np.isfinite(logs).all() and np.isfinite(self._half).all()):
            raise Declined("a variance or a prior of it is zero")
        prior, spread = logs[:2], logs[2:].reshape(variance.shape)
        self._constant = prior[1] - prior[0] + 0.5 * (spread[0] - spread[1]).sum()
        self._constant_error = (n_features + 8) * UNIT * np.abs(logs).sum()
        self._refuse_wide()
        deviation = np.median(np.sqrt(variance.mean(axis=0)))
        typical = _TYPICAL_NOISE * deviation * self._noise_scale
        *_, n_nodes = _log_probability(self._form(self._mean, typical))
        self._n_nodes = n_nodes.mean()

    def _refuse_wide(self):
        """Decline where there may be more terms than are added, if no term is linear.

        This does not depend on the size of the noise, and linear terms help.
        """
        square = self._noise_scale**2 * (self._half[0] - self._half[1])
        square = np.stack([square, -square])
        form = Quadratic(square, 0.0 * square, -square.sum(axis=1), np.zeros(2))
        low, high, _ = log_probability_positive(form)
        if not (high - low < _WIDEST).all():
            raise Declined(
                "its score has the noise of too few features, or of features of too "
                "different variances"
            )

    def cost_per_row(self, n_rows=1):
        per_term = _PER_TERM + _PER_FEATURE * self._half.shape[1]
        return per_term * self._n_nodes + 1e-3 / n_rows

    def disagrees(self, X, labels):
        # Within the rounding of two sums either label will do; the interval says so.
        mapped = self._mapped(self._checked(X))
        ahead, error = self._differences(mapped)
        differs = self.classes[(ahead > 0).astype(np.intp)] != labels
        return differs & (np.abs(ahead) > 2 * error)

    def _probits(self, X, scale):
        form = self._form(X, scale)
        low, high, _ = _log_probability(form)
        is_first = form.mean > 0
        low, high = _probit(low), _probit(high)
        low, high = np.where(is_first, -high, low), np.where(is_first, -low, high)
        _, correlated = self._noise_error
        error = ShareError(16 * UNIT, 0.0).with_correlation(correlated, len(scale))
        lower, _ = probit_interval(np.column_stack([-high, low]), error)
        _, upper = probit_interval(np.column_stack([-low, high]), error)
        return lower, upper

    def _form(self, X, scale):
        """What the second class is ahead by, as a function of the noise over sigma."""
        moved = [X - mean for mean in self._mean]
        first, second = self._half
        square = scale**2 * (first - second)
        linear = 2.0 * scale * (moved[0] * first - moved[1] * second)
        constant, error = self._differences(X)
        # Each coefficient has at most 8 roundings, and the noise may be wider.
        relative, _ = self._noise_error
        unsure = _SLACK * (8 * UNIT + 3 * relative)
        sizes = scale * (np.abs(moved[0]) * first + np.abs(moved[1]) * second)
        error = error + unsure * _REACH**2 * np.sum(scale**2 * (first + second))
        error += unsure * _REACH * 2.0 * sizes.sum(axis=1)
        square = np.broadcast_to(square, linear.shape)
        is_noisy = scale > 0  # what is held moves the constant alone
        return Quadratic(square[:, is_noisy], linear[:, is_noisy], constant, error)

    def _differences(self, X):
        """What the second class is ahead by, and a bound on the rounding."""
        first, second = (
            (half * (X - mean) ** 2).sum(axis=1)
            for half, mean in zip(self._half, self._mean, strict=True)
        )
        value = first - second + self._constant
        relative = (X.shape[1] + 8) * UNIT
        error = relative * (first + second + np.abs(value)) + self._constant_error
        return value, _SLACK * error

    def _positions(self, X):
        return (self._differences(X)[0] > 0).astype(np.intp)


def _log_probability(form):
    """Bounds for the class that is less likely, whose precision is kept."""
    return log_probability_positive(form.times(np.where(form.mean > 0, -1.0, 1.0)))


def _probit(log_p):
    """``Phi^-1(exp(log_p))``, finite."""
    probit = np.full(log_p.shape, PROBIT_MAX)
    is_less = log_p <= LOG_HALF
    probit[is_less] = probit_of_log(log_p[is_less])
    is_more = (log_p > LOG_HALF) & (log_p < 0)
    probit[is_more] = -ndtri(-np.expm1(log_p[is_more]))
    return np.clip(probit, -PROBIT_MAX, PROBIT_MAX)
