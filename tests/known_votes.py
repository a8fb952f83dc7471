# SPDX-License-Identifier: BSD-3-Clause
"""Votes whose law is known, for tests of what is concluded from them."""

import itertools

import numpy as np
from scipy.special import gammaln, ndtr
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin

# One-sided binomial tests refuse at this level. There are a few hundred in the suite;
# seeds are fixed, so that this only says how often a change of seeds may fail.
LEVEL = 1e-6
_ROW_STEP = 100.0


def assert_at_most(failures, n, alpha):
    """Refuse if so many failures would be a chance of LEVEL at a rate of alpha."""
    p_value = binomtest(int(failures), int(n), alpha, alternative="greater").pvalue
    assert p_value > LEVEL, (
        f"{failures} failures in {n}, a rate of {failures / n:.4f}, at alpha={alpha}"
    )


def compositions(n, parts):
    """All counts of `parts` classes that sum to n."""
    bars = np.array(list(itertools.combinations(range(n + parts - 1), parts - 1)))
    padded = np.pad(bars, ((0, 0), (1, 1)), constant_values=-1)
    padded[:, -1] = n + parts - 1
    return np.diff(padded, axis=1) - 1


def multinomial_law(counts, p):
    """Probabilities of counts, of shape (n_p, n_counts)."""
    coefficient = gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)
    return np.exp(coefficient + np.log(np.maximum(p, 1e-300)) @ counts.T)


class Strips(ClassifierMixin, BaseEstimator):
    """Answers by the strip of the first column that a row lies in.

    The second column tells rows apart, so that each has noise of its own; it also
    lets `evaluations` say how many noisy copies of each row were asked about.

    Parameters
    ----------
    edges : array of shape (n_strips - 1,)
    labels : array of int of shape (n_strips,)
    """

    def __init__(self, edges, labels):
        self.edges = edges
        self.labels = labels

    def fit(self, X=None, y=None):
        self.classes_ = np.unique(self.labels)
        self.n_features_in_ = 2
        self.evaluations_ = np.zeros(0, dtype=int)
        return self

    def rows(self, x, n_rows):
        """Rows at x, and start to count their evaluations."""
        self.evaluations_ = np.zeros(n_rows, dtype=int)
        return np.column_stack([np.full(n_rows, x), _ROW_STEP * np.arange(n_rows)])

    def predict(self, X):
        row = np.rint(X[:, 1] / _ROW_STEP).astype(int)
        self.evaluations_ += np.bincount(row, minlength=len(self.evaluations_))
        return self.labels[np.searchsorted(self.edges, X[:, 0])]

    def shares(self, x, sigma=1.0):
        """Probabilities of the classes under noise, of shape (*x.shape, n_classes)."""
        x = np.asarray(x, dtype=float)[..., np.newaxis]
        edges = np.concatenate([[-np.inf], self.edges, [np.inf]])
        strip = np.diff(ndtr((edges - x) / sigma), axis=-1)
        return strip @ (self.labels[:, np.newaxis] == self.classes_)

    def truth(self, x, sigma=1.0, weights=1.0):
        """Answer of the smoothed classifier at x, and how far it holds.

        A tie has radius -1: any certificate for it is false.
        """
        score = weights * self.shares(x, sigma)
        label = np.argmax(score)
        second, first = np.sort(score)[-2:]
        if first - second < 1e-12:
            return self.classes_[label], -1.0

        def changed(t):
            moved = x + np.multiply.outer([-1, 1], t)
            score = weights * self.shares(moved, sigma)
            return (np.argmax(score, axis=-1) != label).any(axis=0)

        steps = sigma * np.linspace(0, 8, 8001)
        beyond = np.flatnonzero(changed(steps))
        if not beyond.size:
            return self.classes_[label], np.inf
        low, high = steps[beyond[0] - 1], steps[beyond[0]]
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if changed(middle) else (middle, high)
        return self.classes_[label], low


class Board:
    """What a classifier in the plane predicts in each cell of a rectangular grid.

    Parameters
    ----------
    classifier : fitted classifier of rows of two features
    edges : pair of increasing arrays
        Between them the cells, the outer ones unbounded. Where the classifier is
        constant on cells, shares are exact.
    """

    def __init__(self, classifier, edges):
        self.classes = classifier.classes_
        self._edges = [np.concatenate([[-np.inf], e, [np.inf]]) for e in edges]
        inner = [np.concatenate([[e[0] - 1], e, [e[-1] + 1]]) for e in edges]
        centres = [(e[1:] + e[:-1]) / 2 for e in inner]
        cells = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1)
        answers = classifier.predict(cells.reshape(-1, 2)).reshape(cells.shape[:2])
        self._masks = [(answers == label).astype(float) for label in self.classes]

    def shares(self, X, sigma):
        """Probabilities of the classes under noise, of shape (n_rows, n_classes)."""
        first, second = (
            np.diff(ndtr((edges - X[:, j, np.newaxis]) / sigma), axis=1)
            for j, edges in enumerate(self._edges)
        )
        return np.transpose([((first @ m) * second).sum(axis=1) for m in self._masks])


def in_ball(row, radius, n_angles=48):
    """Points of the disc around a row, its rim included."""
    angle = np.linspace(0, 2 * np.pi, n_angles, endpoint=False)
    rim = np.column_stack([np.cos(angle), np.sin(angle)])
    return row + radius * np.concatenate([s * rim for s in (1.0, 0.8, 0.5, 0.2)])
