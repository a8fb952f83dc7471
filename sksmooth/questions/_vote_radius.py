# SPDX-License-Identifier: BSD-3-Clause
"""The radius that counts of votes prove for a class chosen beforehand."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sksmooth.bounds import binomial_upper
from sksmooth.noise import Law

# Of fewer samples it takes longer to find those with the same votes than it saves.
_MANY = 32


@dataclass(frozen=True)
class VoteRadius:
    """From counts to radius, at stated error probabilities.

    Parameters
    ----------
    law : Law
        The noise.
    alpha_top : float
        Error probability of the bound on the class that leads.
    alpha_other : float or None
        Error probability of the bound on each other class; None bounds all of them by
        what the leader leaves over, which costs no error probability.
    weights : ndarray of shape (n_classes,), default=None
        Vote weights.

    Notes
    -----
    The bounds on the other classes need not hold together. Of all classes, the one
    that truly limits the radius of the leader is fixed; its own bound holds with
    probability ``1 - alpha_other``, and the smallest radius over all classes, each at
    its bound, is at most the radius against that one. So ``alpha_top + alpha_other``
    covers any number of classes, with weights and without. Without weights the
    smallest radius is the one against the largest other count.
    """

    law: Law
    alpha_top: float
    alpha_other: float | None = None
    weights: np.ndarray | None = None

    @classmethod
    def at(cls, alpha, bound, n_classes, law, weights=None):
        """Split alpha as the bound requires.

        With two classes both bounds are the same, and "binary" uses the full alpha.
        """
        if bound == "binary" or n_classes <= 2:
            return cls(law, alpha, None, weights)
        return cls(law, alpha / 2, alpha / 2, weights)

    def __call__(self, counts, leader):
        """Radius within which `leader` is the prediction, if the bounds hold.

        Parameters
        ----------
        counts : ndarray of shape (n_samples, n_classes)
            Votes; need not be integers, so that planning can ask for expected ones.
        leader : ndarray of int of shape (n_samples,)
            A class per sample, chosen independently of `counts`.

        Returns
        -------
        radius : ndarray of shape (n_samples,)
            Zero or less where nothing is proved.
        miss : ndarray of shape (n_samples,)
            Upper bound on the probability that the leader is not voted for.
        """
        if self.weights is None or len(counts) < _MANY:
            return self._of_each(counts, leader)
        # Many samples have the votes of another one, such as all for one class, and
        # with weights a radius is a root that takes time.
        votes = np.column_stack([counts, leader])
        as_bytes = np.dtype((np.void, votes.itemsize * votes.shape[1]))
        _, first, position = np.unique(
            votes.view(as_bytes)[:, 0], return_index=True, return_inverse=True
        )
        radius, miss = self._of_each(counts[first], leader[first])
        return radius[position], miss[position]

    def _of_each(self, counts, leader):
        n = counts.sum(axis=1)
        rows = np.arange(len(counts))
        # The sample sum may round to just below a count of planned, non-integer votes.
        misses = np.clip(n - counts[rows, leader], 0.0, n)
        miss = binomial_upper(misses, n, self.alpha_top)
        top = -ndtri(miss)
        return self._against_others(counts, leader, n, miss, top), miss

    def _against_others(self, counts, leader, n, miss, top):
        rows = np.arange(len(counts))
        if self.alpha_other is None:
            return self.law.radius(top, -top, *self._weights_against_all(leader))
        if self.weights is None:
            others = counts.astype(np.float64)
            others[rows, leader] = -1.0
            largest = np.maximum(others.max(axis=1), 0.0)
            upper = binomial_upper(largest, n, self.alpha_other)
            return self.law.radius(top, ndtri(np.minimum(upper, miss)))
        upper = binomial_upper(counts, n[:, np.newaxis], self.alpha_other)
        other = ndtri(np.minimum(upper, miss[:, np.newaxis]))
        radius = self.law.radius(
            top[:, np.newaxis],
            other,
            self.weights[leader][:, np.newaxis],
            self.weights,
        )
        radius[rows, leader] = np.inf
        return radius.min(axis=1)

    def _weights_against_all(self, leader):
        """Weight of the leader, and the largest weight among all other classes."""
        if self.weights is None or len(self.weights) == 1:
            return 1.0, 1.0
        return self.weights[leader], heaviest_other(self.weights)[leader]


def heaviest_other(weights):
    """For each class, the largest weight of any other class."""
    second, first = np.sort(weights)[-2:]
    heaviest = np.full(len(weights), first)
    heaviest[np.argmax(weights)] = second
    return heaviest


def certified_radius(radius, law, slack):
    """Radii as certificates state them: 0 where nothing is proved.

    Parameters
    ----------
    radius : ndarray
        Of `Law.radius`; zero or less where nothing is proved.
    law : Law
    slack : float
        Taken off each radius.
    """
    proved = np.where(radius > 0, radius, 0.0)
    return np.maximum(law.rounded_down(proved) - slack, 0.0)
