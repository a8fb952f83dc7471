# SPDX-License-Identifier: BSD-3-Clause
"""Sequential test that some class has more than a threshold of the votes.

The probability of a false positive is spent over the looks; no sample is needed to
choose the class beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from sksmooth._special import bisect_integers
from sksmooth.bounds._clopper_pearson import check_alpha
from sksmooth.bounds._looks import geometric_looks


@dataclass(frozen=True)
class ThresholdTest:
    """Critical counts for "class c has probability above q", at looks.

    Build it with `build`. At look k, after ``looks[k]`` votes, a count of at least
    ``accept[k]`` shows that the probability exceeds the threshold; a count of at most
    ``hopeless[k]`` means that the last look would hardly show it either.

    Attributes
    ----------
    looks : ndarray of int of shape (n_looks,)
    accept : ndarray of int of shape (n_looks, ...)
        ``looks[k] + 1`` where not even a unanimous vote would do.
    hopeless : ndarray of int of shape (n_looks, ...)
        -1 where nothing is hopeless, and at the last look, after which no more votes
        are drawn. Giving up early only costs certificates that were unlikely to be
        had; it never makes one wrong.

    Notes
    -----
    Let q be the threshold and m the number of looks at which unanimity could decide.
    ``accept[k]`` is the least c with ``P(Bin(looks[k], q) >= c) <= alpha q / m``. For a
    class with probability ``p <= q``, ``P(Bin(n, p) >= c) <= p/q P(Bin(n, q) >= c)``,
    because the average over [0, p] of the density of Beta(c, n - c + 1), increasing on
    [0, q] when ``c >= q (n - 1) + 1``, increases with p. So class j is falsely shown
    with probability at most ``alpha p_j / m`` at a look, ``alpha p_j`` over the looks,
    and some class is with at most ``alpha sum_j p_j = alpha``: the leader may be picked
    from the same votes. Thresholds may differ from class to class.

    References
    ----------
    .. [1] V. Voracek, "Treatment of Statistical Estimation Problems in Randomized
       Smoothing for Adversarial Robustness", NeurIPS 2024 (sequential certification at
       a fixed radius).
    """

    looks: np.ndarray
    accept: np.ndarray
    hopeless: np.ndarray

    @classmethod
    def build(cls, miss: ArrayLike, n_max: int, alpha: float, beta: float) -> Self:
        """Compute the critical counts.

        Parameters
        ----------
        miss : array-like of float in [0, 1)
            One minus the thresholds. Where it is 0 no count is ever enough, and every
            count is hopeless at once.
        n_max : int
            The last look.
        alpha : float
            Probability of showing any class falsely, over all looks.
        beta : float
            Probability of giving up on a class that the last look would accept half
            of the time; 0 never gives up.

        Returns
        -------
        ThresholdTest

        Raises
        ------
        ValueError
            If `alpha` is not in ``[SMALLEST_ALPHA, 1)``.
        """
        alpha = check_alpha(alpha)
        miss = np.asarray(miss, dtype=np.float64)
        looks, accept, hopeless = _tables(miss.tobytes(), n_max, alpha, beta)
        shape = (len(looks), *miss.shape)
        return cls(looks, accept.reshape(shape), hopeless.reshape(shape))

    @staticmethod
    def can_accept(miss: ArrayLike, n_max: int, alpha: float) -> np.ndarray:
        """Whether unanimous votes would show that thresholds are exceeded.

        The test itself need not be built for it.

        Parameters
        ----------
        miss : array-like
            As in `build`.
        n_max : int
            As in `build`.
        alpha : float
            As in `build`.

        Returns
        -------
        ndarray of bool of the shape of `miss`
            ``build(miss, n_max, alpha, beta).accept[-1] <= n_max``.

        Raises
        ------
        ValueError
            If `alpha` is not in ``[SMALLEST_ALPHA, 1)``.
        """
        alpha = check_alpha(alpha)
        miss = np.asarray(miss, dtype=np.float64)
        looks, own = geometric_looks(n_max), miss.ravel()
        first = _first_look(looks, np.log1p(-own), alpha * (1.0 - own))
        return (first < len(looks)).reshape(miss.shape)


# The same question is put again and again, about other samples, and for a few samples
# its tables take longer than their votes. Some of the largest are 1 MB.
@lru_cache(maxsize=32)
def _tables(miss, n_max, alpha, beta):
    """Looks and critical counts for misses as bytes; see `ThresholdTest.build`."""
    looks = geometric_looks(n_max)
    # Critical counts rise with the thresholds, which `_critical` makes use of.
    ordered, position = np.unique(np.frombuffer(miss), return_inverse=True)
    accept = _accept(ordered, looks, alpha)
    hopeless = np.full_like(accept, -1)
    if beta > 0:
        last, group = np.unique(accept[-1], return_inverse=True)
        hopeless = _hopeless(last, looks, beta)[:, group]
    tables = looks, accept[:, position], hopeless[:, position]
    for table in tables:
        table.flags.writeable = False
    return tables


def _accept(miss, looks, alpha):
    """Critical counts of increasing thresholds' misses, of shape (n_looks, n_miss)."""
    alphas = alpha * (1.0 - miss)
    first = _first_look(looks, np.log1p(-miss), alphas)
    levels = alphas / np.maximum(len(looks) - first, 1)
    # Most misses that still have P(Bin(n, miss) <= misses) <= level.
    misses = _critical(miss, looks, first, levels)
    # The proof in the notes of ThresholdTest needs counts of q * (n - 1) + 1 or more;
    # only an alpha close to 1 would need fewer.
    looks = looks[:, np.newaxis]
    misses = np.minimum(misses, np.floor(miss * (looks - 1)).astype(np.int64))
    late = np.arange(len(looks))[:, np.newaxis] >= first
    return np.where(late, looks - misses, looks + 1)


def _hopeless(accept_last, looks, beta):
    """Hopeless counts for increasing last critical counts."""
    needed = accept_last / looks[-1]
    inner = needed < 1.0
    needed = needed[inner]
    first = _first_look(looks, np.log1p(-needed), beta)
    levels = beta / np.maximum(len(looks) - first, 1)
    late = np.arange(len(looks))[:, np.newaxis] >= first
    # Most hits h with P(Bin(n, needed) <= h) <= level; the last look ends it anyhow.
    hits = np.full(late.shape, -1)
    hits[:-1] = _critical(needed, looks[:-1], first, levels)
    hits[~late] = -1
    # Where nothing but unanimity would do, a miss ends it; or not even that would.
    extreme = looks[:, np.newaxis] - 1 + (accept_last[~inner] - looks[-1])
    return np.concatenate([hits, extreme], axis=1)


def _first_look(looks, log_extreme, alpha):
    """First of the looks that alpha is split over, equally.

    Those whose extreme outcome, with log probability ``n * log_extreme``, is unlikely
    enough: the latest ones, found without data from the largest set on. The number of
    looks where there is none.
    """
    n_looks = len(looks)
    share = np.log(alpha) - np.log(np.arange(n_looks, 0, -1))[:, np.newaxis]
    enough = looks[:, np.newaxis] * log_extreme <= share
    return np.where(enough.any(axis=0), enough.argmax(axis=0), n_looks)


def _critical(p, looks, first, levels):
    """Most m with ``P(Bin(n, p) <= m) <= level``, of shape (n_looks, n_p).

    Parameters
    ----------
    p : ndarray of shape (n_p,)
        Increasing.
    looks : ndarray of int of shape (n_looks,)
        The n.
    first, levels : ndarray of shape (n_p,)
        The result is only meant from the look `first` on, where zero is low enough.

    Notes
    -----
    While `first` is the same, m increases with p. So it is searched for in the middle
    between two columns that are known, and only between their results.
    """
    n_looks, n_columns = len(looks), len(p)
    late = np.arange(n_looks)[:, np.newaxis] >= first
    result = np.zeros((n_looks, n_columns), dtype=np.int64)

    def search(columns, low, high):
        """Fill some columns, from bounds of shape (n_looks, len(columns))."""
        result[:, columns] = low
        row, column = np.nonzero(late[:, columns] & (high - low > 1))
        n, at = looks[row], columns[column]
        p_at, level = 1.0 - p[at], levels[at]

        def holds(m, i):
            # This is betaincc(m + 1, n - m, p), in the form that is computed fastest.
            return betainc(n[i] - m, m + 1.0, p_at[i]) <= level[i]

        result[row, at] = bisect_integers(holds, low[row, column], high[row, column])

    starts = np.flatnonzero(np.diff(first, prepend=-1))
    ends = np.flatnonzero(np.diff(first, append=-1))
    known = np.union1d(starts, ends)
    low = np.zeros((n_looks, len(known)), dtype=np.int64)
    search(known, low, low + looks[:, np.newaxis])
    while len(known) < n_columns:
        left, right = known[:-1], known[1:]
        gap = right - left > 1
        left, right = left[gap], right[gap]
        middle = (left + right) // 2
        search(middle, result[:, left], result[:, right] + 1)
        known = np.sort(np.concatenate([known, middle]))
    return result
