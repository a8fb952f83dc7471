# SPDX-License-Identifier: BSD-3-Clause
"""From probabilities of classes to their probits, with bounds on the rounding.

Of scipy's functions it is taken for granted, as measured against mpmath
(tests/test_exact_rounding.py):

- ``ndtr(x)`` is right to ``4 * UNIT * (1 + x**2)`` of itself, ``log_ndtr(x)`` to
  ``6 * UNIT`` of itself;
- ``ndtri(p)`` for ``p <= 1/2`` is right to ``4 * UNIT * (1 + abs(ndtri(p)))``;
- ``owens_t`` is right to ``UNIT``.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri, ndtri_exp

from sksmooth._special import LOG_HALF, row_products
from sksmooth.votes.exact._rounding import UNIT

# Probits are finite: a class that is never predicted has -PROBIT_MAX, one that always
# is has PROBIT_MAX, which only makes a radius smaller than the truth.
PROBIT_MAX = 1e9

# Below this a product of masses may have lost digits to underflow.
UNDERFLOW = 1e-280

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


class ShareError(NamedTuple):
    """Bound on the relative error of a probability p: ``constant - per_log * log(p)``.

    A tail is known less well the farther out it is, and its logarithm grows with the
    square of the distance. Of a sum of n such tails, each with the same bound, it is
    ``constant + per_log * (log(n) - log(p))``, by the concavity of the logarithm.
    """

    constant: float
    per_log: float

    def of_sum(self, log_n_terms, n_roundings):
        """The bound for sums of many terms, and the rounding of the sums."""
        return ShareError(
            self.constant + self.per_log * log_n_terms + UNIT * n_roundings,
            self.per_log,
        )

    def with_correlation(self, norm, n_features):
        """The bound where the noise has a correlation matrix that is off by `norm`.

        With R the density of the true noise over that of independent noise, the
        probability of a set is at most ``E[R**q]**(1/q) p**(1 - 1/q)`` (Hölder). With
        ``q = 1 / (2.3 norm)`` the logarithm of the first factor is at most
        ``2.3 norm n_features / 4``.
        """
        moved = 2.5 * norm
        return ShareError(self.constant + moved * n_features, self.per_log + moved)


def probit_interval(probit, error):
    """Lower and upper ends of probits, from the error of the probabilities.

    Parameters
    ----------
    probit : ndarray
        Of probabilities p, or minus those of ``1 - p`` where that is smaller.
    error : ShareError
        Of the smaller of p and ``1 - p``.

    Returns
    -------
    lower, upper : ndarray
        At most `PROBIT_MAX` in size.

    Notes
    -----
    With z the absolute value of the probit, p / phi(z) is at most 1.254 and at most
    1 / z, and ``-log(p)`` at most ``0.694 + 0.798 z + z**2 / 2``. So the relative error
    moves the probit by at most ``1.254 a + b (2.08 + z / 2)``; the rest is the rounding
    of the probit itself.
    """
    constant = 1.3 * error.constant + 2.2 * error.per_log + 8 * UNIT
    slope = 0.52 * error.per_log + 8 * UNIT
    # Infinite probits stay infinite.
    moved = np.minimum(np.abs(probit), 2 * PROBIT_MAX)
    moved *= slope
    moved += constant
    return clipped(probit - moved, probit + moved)


def clipped(lower, upper):
    """Finite ends of intervals, in place; what is not a number says nothing."""
    # Of a number and nan, fmin and fmax take the number.
    np.fmin(np.fmax(lower, -PROBIT_MAX, out=lower), PROBIT_MAX, out=lower)
    np.fmax(np.fmin(upper, PROBIT_MAX, out=upper), -PROBIT_MAX, out=upper)
    return lower, upper


def row_dots(X, Y):
    """Dot product of each row of X with that of Y; see `row_products`."""
    X, Y = np.ascontiguousarray(X), np.ascontiguousarray(Y)
    return np.matmul(X[:, np.newaxis], Y[:, :, np.newaxis])[:, 0, 0]


def sums_of_others(shares):
    """For each class the sum over the other ones, of shape (n_classes, n_rows)."""
    return row_products(shares.T, 1.0 - np.eye(len(shares))).T


def probits_of_shares(shares):
    """Probits of classes from sums of positive terms.

    Parameters
    ----------
    shares : ndarray of shape (n_classes, n_rows)
        Probabilities, each free of cancellation.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Infinite for probabilities of 0 and 1.
    """
    rest = sums_of_others(shares)
    # Both sums carry rounding of 1e-16; at exactly 1/2 either may exceed it.
    smaller = np.minimum(np.minimum(shares, rest), 0.5)
    with np.errstate(divide="ignore"):
        probit = np.where(shares <= rest, 1.0, -1.0) * ndtri(smaller)
    return probit.T


def probits_of_log_shares(log_shares):
    """`probits_of_shares` from logarithms; for samples far out."""
    log_rest = log_sum_of_others(log_shares)
    smaller = np.minimum(np.minimum(log_shares, log_rest), LOG_HALF)
    probit = np.where(log_shares <= log_rest, 1.0, -1.0) * probit_of_log(smaller)
    return probit.T


def log_sum_of_others(log_shares):
    """For each class, the logarithm of what all other classes have together.

    Parameters
    ----------
    log_shares : ndarray of shape (n_classes, n_rows)

    Returns
    -------
    ndarray of shape (n_classes, n_rows)
    """
    others = np.full_like(log_shares, -np.inf)
    others[1:] = np.logaddexp.accumulate(log_shares[:-1], axis=0)
    after = np.logaddexp.accumulate(log_shares[:0:-1], axis=0)[::-1]
    others[:-1] = np.logaddexp(others[:-1], after)
    return others


def probit_of_log(log_p):
    """``Phi^-1(exp(log_p))`` for ``log_p <= log(1/2)``.

    A Newton step removes the error of ndtri_exp, which is up to 1e-12 of the probit.
    """
    probit = np.asarray(ndtri_exp(log_p))
    finite = np.isfinite(probit) & (np.abs(probit) < PROBIT_MAX)
    z = probit[finite]
    log_q = log_ndtr(z)
    near = np.maximum(z, -30.0)
    per_density = np.exp(log_ndtr(near) + 0.5 * near * near + _HALF_LOG_2PI)
    per_density *= np.where(z < -30.0, near / np.minimum(z, -30.0), 1.0)
    probit[finite] = z - (log_q - np.asarray(log_p)[finite]) * per_density
    return probit
