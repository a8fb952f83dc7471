# SPDX-License-Identifier: BSD-3-Clause
"""Clopper-Pearson bounds of a binomial proportion, and the interval of a share."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainccinv, betaincinv, betaln, expit, log_expit

from sksmooth._special import find_root

_INTERVAL_TAIL = 0.025  # each side of a two-sided 95 % interval
# Below about 1e-130 scipy's inverse of the incomplete beta function gives nan at times.
_SMALLEST_INVERTED = 1e-100
# Counts up to here are whole numbers also as floats.
_LARGEST_COUNT = 2**53
# Parts of it, for classes, looks and thresholds, are then far from underflow.
SMALLEST_ALPHA = 1e-200


def check_alpha(alpha: float) -> float:
    """Check the error probability of a procedure that splits it into parts.

    Raises
    ------
    ValueError
        If it is not a number in ``[SMALLEST_ALPHA, 1)``.
    """
    if not (isinstance(alpha, Real) and SMALLEST_ALPHA <= alpha < 1.0):
        raise ValueError(
            f"alpha={alpha!r} must be a number below 1, of {SMALLEST_ALPHA:g} or more."
        )
    return float(alpha)


def clopper_pearson_lower(
    k: ArrayLike, n: ArrayLike, alpha: float
) -> NDArray[np.float64]:
    """Lower confidence bound of a binomial proportion.

    Parameters
    ----------
    k : array-like of int
        Number of successes, ``0 <= k <= n``. Broadcast against `n`.
    n : array-like of int
        Number of trials.
    alpha : float
        One-sided error probability, in (0, 1).

    Returns
    -------
    ndarray of float64
        Bounds; at most the true proportion with probability at least ``1 - alpha``.
        0 where ``k`` is 0.

    Raises
    ------
    ValueError
        If `alpha` is outside (0, 1), or a count is not whole, outside [0, n] or above
        2**53.

    Notes
    -----
    Close to 1 the complement keeps more digits than the bound itself: the probability
    of a miss is at most ``clopper_pearson_upper(n - k, n, alpha)``, which equals one
    minus this bound in exact arithmetic.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits
       illustrated in the case of the binomial", Biometrika 26 (1934).

    Examples
    --------
    >>> from sksmooth.bounds import clopper_pearson_lower
    >>> clopper_pearson_lower([99, 100], 100, alpha=0.001).round(4)
    array([0.9114, 0.9333])
    """
    return binomial_lower(_whole("k", k), _whole("n", n), alpha)


def clopper_pearson_upper(
    k: ArrayLike, n: ArrayLike, alpha: float
) -> NDArray[np.float64]:
    """Upper confidence bound of a binomial proportion.

    Accurate to full relative precision for proportions near 0, so that it is also the
    way to bound the probability of a miss when nearly all votes agree.

    Parameters
    ----------
    k : array-like of int
        Number of successes, ``0 <= k <= n``. Broadcast against `n`.
    n : array-like of int
        Number of trials.
    alpha : float
        One-sided error probability, in (0, 1).

    Returns
    -------
    ndarray of float64
        Bounds; at least the true proportion with probability at least ``1 - alpha``.
        1 where ``k`` is `n`.

    Raises
    ------
    ValueError
        If `alpha` is outside (0, 1), or a count is not whole, outside [0, n] or above
        2**53.

    Examples
    --------
    >>> from sksmooth.bounds import clopper_pearson_upper
    >>> clopper_pearson_upper([0, 1], 100, alpha=0.001).round(4)
    array([0.0667, 0.0886])
    """
    return binomial_upper(_whole("k", k), _whole("n", n), alpha)


def binomial_lower(k, n, alpha):
    """`clopper_pearson_lower` of expected counts, which need not be whole."""
    k, n, alpha = _checked(k, n, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        if alpha >= _SMALLEST_INVERTED:
            bound = betaincinv(k, n - k + 1.0, alpha)
        else:
            bound = expit(_log_odds_of_lower(k, n, alpha))
    bound = np.where(k == n, alpha ** (1 / np.maximum(n, 1.0)), bound)
    return np.where(k == 0, 0.0, bound)


def binomial_upper(k, n, alpha):
    """`clopper_pearson_upper` of expected counts, which need not be whole."""
    k, n, alpha = _checked(k, n, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        if alpha >= _SMALLEST_INVERTED:
            bound = betainccinv(k + 1.0, n - k, alpha)
        else:
            bound = expit(-_log_odds_of_lower(n - k, n, alpha))
    bound = np.where(k == 0, -np.expm1(math.log(alpha) / np.maximum(n, 1.0)), bound)
    return np.where(k == n, 1.0, bound)


def _log_odds_of_lower(k, n, alpha):
    """Log odds of the p with ``P(Bin(n, p) >= k) = alpha``, for a tiny alpha."""
    inner = (k > 0) & (k < n)
    k, n, shape = k[inner], n[inner], k.shape
    log_alpha = math.log(alpha)

    def excess(log_odds):
        return _log_upper_tail(k, n, log_odds) - log_alpha

    # The tail is at most (n choose k) p**k, and far above alpha at p = k / n.
    log_choose = -betaln(k + 1.0, n - k + 1.0) - np.log1p(n)
    result = np.full(shape, np.nan)
    result[inner] = find_root(
        excess, (log_alpha - log_choose) / k, np.log(k) - np.log(n - k)
    )
    return result


def _log_upper_tail(k, n, log_odds):
    """``log P(Bin(n, p) >= k)`` for p below k / n.

    The tail is an incomplete beta function, here as the continued fraction of [1]_,
    eq. 9, whose terms are positive below k / n.

    References
    ----------
    .. [1] A. R. DiDonato, A. H. Morris, "Algorithm 708: Significant Digit Computation
       of the Incomplete Beta Function Ratios", ACM Transactions on Mathematical
       Software 18 (1992).
    """
    p, q = expit(log_odds), expit(-log_odds)
    a, b = k, n - k + 1.0
    excess = a * q - b * p + 1.0
    fraction = a * excess / (a + 1.0)
    ratio, inverse = fraction, np.zeros_like(fraction)
    for m in range(1, 10_000):
        term = (a + m - 1) * (a + b + m - 1) * m * (b - m) * (p / (a + 2 * m - 1)) ** 2
        base = m + m * (b - m) * p / (a + 2 * m - 1)
        base += (a + m) * (excess + m * (1.0 + q)) / (a + 2 * m + 1)
        inverse = 1.0 / (base + term * inverse)
        ratio = base + term / ratio
        step = ratio * inverse
        fraction = fraction * step
        if np.all(np.abs(step - 1.0) < 1e-15):
            break
    log_power = a * log_expit(log_odds) + b * log_expit(-log_odds)
    return log_power - betaln(a, b) - np.log(fraction)


def _checked(k, n, alpha):
    if not (isinstance(alpha, Real) and 0.0 < alpha < 1.0):
        raise ValueError(f"alpha={alpha!r} must be strictly between 0 and 1.")
    k, n = np.broadcast_arrays(_numbers("k", k), _numbers("n", n))
    wrong = ~((k >= 0) & (k <= n))
    if wrong.any():
        at = np.unravel_index(np.argmax(wrong), wrong.shape)
        raise ValueError(
            f"k={k[at]:g} must lie between 0 and n={n[at]:g}: it counts the successes "
            "among n trials."
        )
    return k, n, float(alpha)


def _numbers(name, value):
    """Counts as floats; neither strings nor truth values count anything."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf" and not _are_integers(numbers):
        raise ValueError(f"{name}={value!r} must be a whole number, zero or more.")
    try:
        return numbers.astype(np.float64)
    except OverflowError:
        raise ValueError(f"{name} is beyond any float.") from None


def _are_integers(numbers):
    """Whether an array of objects holds Python integers, as beyond 64 bits."""
    return numbers.dtype.kind == "O" and all(
        isinstance(number, Integral) and not isinstance(number, bool)
        for number in numbers.flat
    )


def _whole(name, value):
    numbers = _numbers(name, value)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.isfinite(numbers) & (numbers == np.floor(numbers)))
    if wrong.any():
        raise ValueError(
            f"{name}={numbers[wrong].flat[0]:g} must be a whole number, zero or more."
        )
    if (numbers > _LARGEST_COUNT).any():
        raise ValueError(
            f"{name}={numbers.max():g} is more than {_LARGEST_COUNT}, up to which "
            "whole numbers are exact."
        )
    return numbers


def share_interval(hits, n_rows):
    """95 % Clopper-Pearson interval of hits / n_rows, nan where there is no sample."""
    hits = np.asarray(hits)
    low, high = np.full((2, *hits.shape), np.nan)
    n_rows = np.broadcast_to(n_rows, hits.shape)
    some = n_rows > 0
    low[some] = clopper_pearson_lower(hits[some], n_rows[some], _INTERVAL_TAIL)
    high[some] = clopper_pearson_upper(hits[some], n_rows[some], _INTERVAL_TAIL)
    return low, high
