# SPDX-License-Identifier: BSD-3-Clause
"""Clopper-Pearson bounds of a binomial proportion, and the interval of a share."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainccinv, betaincinv

_INTERVAL_TAIL = 0.025  # each side of a two-sided 95 % interval


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
        If `alpha` is outside (0, 1) or a count outside [0, n].

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
    k, n = _check_counts(k, n, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = betaincinv(k, n - k + 1.0, alpha)
    bound = np.where(k == n, alpha ** (1 / np.maximum(n, 1.0)), bound)
    return np.where(k == 0, 0.0, bound)


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
        If `alpha` is outside (0, 1) or a count outside [0, n].

    Examples
    --------
    >>> from sksmooth.bounds import clopper_pearson_upper
    >>> clopper_pearson_upper([0, 1], 100, alpha=0.001).round(4)
    array([0.0667, 0.0886])
    """
    k, n = _check_counts(k, n, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = betainccinv(k + 1.0, n - k, alpha)
    bound = np.where(k == 0, -np.expm1(math.log(alpha) / np.maximum(n, 1.0)), bound)
    return np.where(k == n, 1.0, bound)


def _check_counts(k, n, alpha):
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha={alpha!r} must be strictly between 0 and 1.")
    k, n = np.broadcast_arrays(
        np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    wrong = (k < 0) | (k > n)
    if wrong.any():
        at = np.unravel_index(np.argmax(wrong), wrong.shape)
        raise ValueError(
            f"k={k[at]:g} must lie between 0 and n={n[at]:g}: it counts the successes "
            "among n trials."
        )
    return k, n


def share_interval(hits, n_rows):
    """95 % Clopper-Pearson interval of hits / n_rows, nan where there is no row."""
    hits = np.asarray(hits)
    low, high = np.full((2, *hits.shape), np.nan)
    n_rows = np.broadcast_to(n_rows, hits.shape)
    some = n_rows > 0
    low[some] = clopper_pearson_lower(hits[some], n_rows[some], _INTERVAL_TAIL)
    high[some] = clopper_pearson_upper(hits[some], n_rows[some], _INTERVAL_TAIL)
    return low, high
