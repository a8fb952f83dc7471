# SPDX-License-Identifier: BSD-3-Clause
"""Sequential test that some class has more than a threshold of the votes.

The probability of a false positive is spent over the looks; no sample is needed to
choose the class beforehand.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincc

from sksmooth.bounds._looks import geometric_looks


@dataclass(frozen=True)
class ThresholdTest:
    """Critical counts for "class c has probability above q", at looks.

    Build it with `build`. At look k, after ``looks[k]`` votes, a count of at least
    ``accept[k]`` shows that the probability exceeds the threshold; a count of at most
    ``hopeless[k]`` says that the last look would hardly show it either.

    Attributes
    ----------
    looks : ndarray of int of shape (n_looks,)
    accept : ndarray of int of shape (n_looks, ...)
        ``looks[k] + 1`` where not even a unanimous vote would do.
    hopeless : ndarray of int of shape (n_looks, ...)
        -1 where nothing is hopeless. Giving up early only costs certificates that
        were unlikely to be had; it never makes one wrong.

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
        miss : array-like of float in (0, 1)
            One minus the thresholds.
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
        """
        miss = np.asarray(miss, dtype=np.float64)
        looks = geometric_looks(n_max)
        accept = np.empty((len(looks), *miss.shape), dtype=np.int64)
        hopeless = np.full_like(accept, -1)
        for at in np.ndindex(miss.shape):
            accept[(..., *at)] = _accept(miss[at], looks, alpha)
            if beta > 0:
                hopeless[(..., *at)] = _hopeless(accept[(-1, *at)], looks, beta)
        return cls(looks, accept, hopeless)


def _accept(miss, looks, alpha):
    threshold = 1.0 - miss
    level, first = _spread(math.log1p(-miss), alpha * threshold, looks)
    accept = looks + 1
    late = looks[first:]
    # Most misses that still have P(Bin(n, miss) <= misses) <= level.
    misses = _bisect_down(lambda m: betaincc(m + 1.0, late - m, miss), late, level)
    # The proof in the notes of ThresholdTest needs counts of q * (n - 1) + 1 or more;
    # only an alpha close to 1 asks for fewer.
    misses = np.minimum(misses, np.floor(miss * (late - 1)).astype(np.int64))
    accept[first:] = late - misses
    return accept


def _hopeless(accept_last, looks, beta):
    needed = accept_last / looks[-1]
    if needed >= 1.0:
        # Nothing but unanimity would do, or not even that: a miss ends it.
        return looks - 1 if needed == 1.0 else looks.copy()
    level, first = _spread(math.log1p(-needed), beta, looks)
    hopeless = np.full(len(looks), -1)
    late = looks[first:]
    # Most hits h with P(Bin(n, needed) <= h) <= level.
    hopeless[first:] = _bisect_down(
        lambda h: betaincc(h + 1.0, late - h, needed), late, level
    )
    return hopeless


def _spread(log_extreme, alpha, looks):
    """Split alpha equally over the looks whose extreme outcome is that unlikely.

    The set is the latest looks; it is found without data, from the largest on.
    """
    for first in range(len(looks)):
        level = alpha / (len(looks) - first)
        if looks[first] * log_extreme <= math.log(level):
            return level, first
    return alpha, len(looks)


def _bisect_down(tail, n, level):
    """Most m in [0, n) with tail(m) <= level, for a tail that increases with m.

    tail(0) <= level must hold.
    """
    low, high = np.zeros_like(n), n.copy()
    while np.any(high - low > 1):
        middle = (low + high) // 2
        inside = tail(middle) <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low
