# SPDX-License-Identifier: BSD-3-Clause
"""What votes prove: Clopper-Pearson bounds, radii, and critical counts at looks."""

import numpy as np
from scipy import stats


def upper_bound(votes, n, alpha):
    """Clopper-Pearson upper bound of a probability, from votes among n."""
    votes, n = np.broadcast_arrays(np.asarray(votes, float), np.asarray(n, float))
    bound = np.ones(votes.shape)
    some = votes < n
    bound[some] = stats.beta.isf(alpha, votes[some] + 1, n[some] - votes[some])
    return bound


def proved_radius(law, counts, label, alphas, weights):
    """Radius that counts prove for labels that were chosen without them.

    Parameters
    ----------
    law : law of `_laws`
    counts : ndarray of shape (n_samples, n_classes)
    label : ndarray of int of shape (n_samples,)
    alphas : (float, float or None)
        Error probability of the bound of the label, and of that of each other class;
        None bounds the others by what the label leaves over.
    weights : ndarray of shape (n_classes,)

    Returns
    -------
    radius, miss : ndarray of shape (n_samples,)
    """
    rows = np.arange(len(counts))
    n = counts.sum(axis=1)
    miss = upper_bound(n - counts[rows, label], n, alphas[0])
    if alphas[1] is None or counts.shape[1] == 1:
        return law.radius(miss, miss, heaviest_odds(weights)[label]), miss
    others = upper_bound(counts, n[:, np.newaxis], alphas[1])
    others = np.minimum(others, miss[:, np.newaxis])
    odds = weights / weights[label][:, np.newaxis]
    radius = law.radius(miss[:, np.newaxis], others, odds)
    radius[rows, label] = np.inf
    return radius.min(axis=1), miss


def heaviest_odds(weights):
    """For each class, the weight of the heaviest other class over its own."""
    if len(weights) == 1:
        return np.ones(1)
    others = [np.delete(weights, at).max() for at in range(len(weights))]
    return np.array(others) / weights


def looks_of(n_max):
    """Numbers of votes at which a sequence of at most `n_max` is looked at."""
    looks, n = [], 16
    while n < n_max:
        looks.append(n)
        n = round(1.4 * n)
    return [*looks, n_max]


def most_misses(misses_of, n, looks, alpha):
    """Most misses among n votes that show that a share exceeds its threshold.

    The probability of so few misses, were the share at the threshold q, must be at most
    ``alpha * q / m``, m the number of looks at which a unanimous vote could pass.

    Parameters
    ----------
    misses_of : ndarray of shape (n_radii,)
        Probability of a miss at each threshold.
    n : int
        One of the looks.
    looks : list of int
    alpha : float

    Returns
    -------
    ndarray of int of shape (n_radii,)
        -1 where not even a unanimous vote passes.
    """
    first, level = _levels(misses_of, looks, alpha * (1 - misses_of))
    passes = n >= first
    low, high = np.zeros(len(misses_of), int), np.full(len(misses_of), n)
    while np.any(high - low > 1):  # low passes, high does not
        middle = (low + high) // 2
        inside = stats.binom.cdf(middle, n, misses_of) <= level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    # So few hits that they are likelier below the threshold than at it.
    low = np.minimum(low, np.floor(misses_of * (n - 1)).astype(int))
    return np.where(passes, low, -1)


def _levels(misses_of, looks, alpha):
    """First look that could pass, and the error probability of each from there on."""
    first = np.full(len(misses_of), np.inf)
    level = np.zeros(len(misses_of))
    for at, look in reversed([*enumerate(looks)]):
        share = alpha / (len(looks) - at)
        could = look * np.log1p(-misses_of) <= np.log(share)
        first, level = np.where(could, look, first), np.where(could, share, level)
    return first, level
