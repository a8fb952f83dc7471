# SPDX-License-Identifier: BSD-3-Clause
"""The radius that class probabilities in closed form prove."""

import numpy as np
from scipy.special import ndtr

from sksmooth.certificates import RowAnswers
from sksmooth.questions._decide_label import most_probable_class
from sksmooth.questions._vote_radius import certified_radius

# Stands for "no other class"; finite, so that a radius is, also for a single class.
_IMPOSSIBLE = -1e9
# More than the error of a small probability.
_ROUNDED_UP = 1 + 2.0**-40


def exact_radius(probits, law, weights):
    """Most probable class, and the radius within which it stays ahead of the others.

    Parameters
    ----------
    probits : (lower, upper), ndarrays of shape (n_samples, n_classes)
    law : Law
    weights : ndarray of shape (n_classes,) or None

    Returns
    -------
    label : ndarray of int of shape (n_samples,)
    radius : ndarray of shape (n_samples,)
        Zero or less where no class is shown to be ahead.
    """
    lower, upper = probits
    label = most_probable_class(probits, weights)
    rows = np.arange(len(lower))
    top = lower[rows, label]
    if weights is None:
        others = upper.copy()
        others[rows, label] = _IMPOSSIBLE
        return label, law.radius(top, others.max(axis=1))
    radius = law.radius(
        top[:, np.newaxis], upper, weights[label][:, np.newaxis], weights
    )
    radius[rows, label] = np.inf
    return label, radius.min(axis=1)


def exact_frontier(probits, law, weights, changes):
    """Radii while at most 0, 1, ..., `changes` categories change.

    Parameters
    ----------
    probits : (lower, upper), ndarrays of shape (n_samples, n_classes)
    law : Law
        With `with_changes`.
    weights : ndarray of shape (n_classes,) or None
    changes : int

    Returns
    -------
    ndarray of shape (n_samples, changes + 1)
        Not increasing along the last axis; nan where nothing is proved.
    """
    columns = []
    for k in range(changes + 1):
        _, radius = exact_radius(probits, law.with_changes(k), weights)
        proved = certified_radius(radius, law, 0.0)
        columns.append(np.where(radius > 0, proved, -1.0))
    radii = np.minimum.accumulate(np.stack(columns, axis=1), axis=1)
    return np.where(radii < 0, np.nan, radii)


def exact_answers(probits, label, radius, abstained):
    """Results that took no votes and have no error probability."""
    lower, upper = probits
    n_samples, n_classes = lower.shape
    return RowAnswers(
        label=label,
        radius=radius,
        abstained=abstained,
        p_lower=np.nextafter(ndtr(lower[np.arange(n_samples), label]), 0.0),
        counts=np.zeros((n_samples, n_classes), dtype=np.int64),
        n_evaluations=np.zeros(n_samples, dtype=np.int64),
        label_counts=np.zeros((n_samples, n_classes), dtype=np.int64),
        p_upper=np.minimum(ndtr(upper) * _ROUNDED_UP, 1.0),
    )


def margin_answers(label, radius, abstained, n_classes):
    """Answers from distances to a boundary where no probability is known.

    That of the label is more than one half.
    """
    n_samples = len(label)
    none = np.zeros((n_samples, n_classes), dtype=np.int64)
    return RowAnswers(
        label=label,
        radius=radius,
        abstained=abstained,
        p_lower=np.where(abstained, 0.0, 0.5),
        counts=none,
        n_evaluations=np.zeros(n_samples, dtype=np.int64),
        label_counts=none.copy(),
    )
