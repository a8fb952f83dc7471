# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a linear classifier, sampled in the few directions that it looks at."""

import numpy as np

from sksmooth.votes._monte_carlo import MonteCarloVotes


class ProjectedLinearVotes(MonteCarloVotes):
    """A source of votes for the class with the largest of K linear scores.

    The scores differ only along at most K - 1 directions. In an orthonormal basis of
    these, Gaussian noise is Gaussian with the same sigma, so votes have the law they
    have in the space of the rows, at a fraction of the cost; and a projection brings
    no two rows further apart, so a certified radius holds there too.

    Parameters
    ----------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
        The scores; the first of equal ones wins.
    estimator, classes, law, key, batch_size
        As for `MonteCarloVotes`.
    """

    def __init__(self, coef, intercept, estimator, classes, law, key, batch_size):
        super().__init__(estimator, classes, law, key, batch_size)
        # A common vector added to all scores changes no answer.
        left, scale, right = np.linalg.svd(
            coef - coef.mean(axis=0), full_matrices=False
        )
        rank = int(np.sum(scale > scale[0] * np.finfo(np.float64).eps * len(right)))
        self._basis = right[:rank].T
        self._coef = (left * scale)[:, :rank].T
        self._intercept = intercept - intercept.mean()

    def coordinates(self, X):
        """Rows in the basis, of shape (n_rows, rank)."""
        return X.astype(np.float64, copy=False) @ self._basis

    def vote(self, noisy, template):
        """Position of the class with the largest score of each noisy row."""
        return np.argmax(noisy @ self._coef + self._intercept, axis=1)
