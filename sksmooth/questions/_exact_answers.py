# SPDX-License-Identifier: BSD-3-Clause
"""What class probabilities in closed form answer: label, shares, certificate."""

import numpy as np
from scipy.special import log_ndtr, ndtr

from sksmooth.votes import PROBIT_MAX


def exact_label(probits, weights):
    """Position of the class with the largest (weighted) probability."""
    lower, upper = probits
    middle = (lower + upper) / 2
    if weights is None:
        return np.argmax(middle, axis=1)
    return np.argmax(np.log(weights) + log_ndtr(middle), axis=1)


def exact_shares(probits):
    """Probability of each class, of shape (n_rows, n_classes)."""
    lower, upper = probits
    shares = (ndtr(lower) + ndtr(upper)) / 2
    return shares / shares.sum(axis=1, keepdims=True)


def exact_certificates(probits, law, weights, radii):
    """Certificates as the procedures return them; no votes, no error probability.

    Parameters
    ----------
    probits : (lower, upper), ndarrays of shape (n_rows, n_classes)
    law : Gaussian
    weights : ndarray of shape (n_classes,) or None
    radii : ndarray of shape (n_radii,) or None
        Increasing; the radius is then the largest of them that holds.
    """
    lower, upper = probits
    n_rows, n_classes = lower.shape
    label = exact_label(probits, weights)
    rows = np.arange(n_rows)
    top = lower[rows, label]
    if weights is None:
        others = upper.copy()
        others[rows, label] = -PROBIT_MAX  # finite, also for a single class
        radius = law.radius(top, others.max(axis=1))
    else:
        radius = law.radius(
            top[:, np.newaxis], upper, weights[label][:, np.newaxis], weights
        )
        radius[rows, label] = np.inf
        radius = radius.min(axis=1)
    if radii is None:
        abstained = radius <= 0
        radius = np.where(abstained, 0.0, radius)
    else:
        held = np.searchsorted(radii, radius, side="right")
        # At radius 0 the class has to be ahead, not level.
        held = np.where(radius > 0, held, 0)
        abstained = held == 0
        radius = np.append(0.0, radii)[held]
    no_votes = np.zeros((n_rows, n_classes), dtype=np.int64)
    return {
        "label": label,
        "radius": radius,
        "abstained": abstained,
        "p_lower": np.nextafter(ndtr(top), 0.0),
        "counts": no_votes,
        "n_evaluations": np.zeros(n_rows, dtype=np.int64),
        "label_counts": no_votes,
    }
