# SPDX-License-Identifier: BSD-3-Clause
"""Conformity scores: how strange each class would be, from class probabilities."""

import numpy as np


def least_ambiguous_score(proba):
    """One minus the probability of the class.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    return 1.0 - proba


def adaptive_score(proba):
    """Sum of the probabilities that are at least that of the class.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Classes of equal probability have the same score.
    """
    scores = np.empty(proba.shape)
    for at, own in enumerate(proba.T):  # one table at a time
        scores[:, at] = np.sum(proba, axis=1, where=proba >= own[:, np.newaxis])
    return scores


# By the name that the parameter `conformity_score` takes; those of MAPIE.
SCORES = {"aps": adaptive_score, "lac": least_ambiguous_score}
