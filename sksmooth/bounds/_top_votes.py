# SPDX-License-Identifier: BSD-3-Clause
"""Test that the leading class of a vote is the most probable one."""

import numpy as np
from scipy.special import betainc


def leader_is_decided(counts, alpha, weights=None):
    """Whether the votes show which class has the largest (weighted) probability.

    Parameters
    ----------
    counts : ndarray of int of shape (n_samples, n_classes)
        Votes per class.
    alpha : float
        Probability of deciding for a class that is not the largest.
    weights : ndarray of shape (n_classes,), default=None
        Vote weights; None compares the plain probabilities.

    Returns
    -------
    ndarray of bool of shape (n_samples,)

    Notes
    -----
    Given the a + b votes of two classes, those of the first are binomial. Without
    weights, the two-sided test of a fair coin on the two largest counts has level
    alpha for any number of classes [1]_. With weights v of the leader and w of
    another class, the coin falls for the leader with probability at most
    ``w / (v + w)`` if the other is truly ahead; the leader is tested against each of
    the others, with alpha divided by their number. Of classes that are exactly level
    the first one counts as the leader.

    References
    ----------
    .. [1] K. Hung, W. Fithian, "Rank verification for exponential families", Annals
       of Statistics 47 (2019).
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.shape[1] == 1:
        return np.ones(len(counts), dtype=bool)
    if weights is None:
        runner_up, leader = np.partition(counts, -2, axis=1)[:, -2:].T
        return 2 * _tail(leader, runner_up, 0.5) <= alpha
    leader = np.argmax(counts * weights, axis=1)
    rows = np.arange(len(counts))
    fair = weights / (weights + weights[leader, np.newaxis])
    tails = _tail(counts[rows, leader, np.newaxis], counts, fair)
    tails[rows, leader] = 0.0
    return tails.max(axis=1) <= alpha / (counts.shape[1] - 1)


def _tail(a, b, p):
    """P(Bin(a + b, p) >= a)."""
    return np.where(a > 0, betainc(np.maximum(a, 1.0), b + 1.0, p), 1.0)
