# SPDX-License-Identifier: BSD-3-Clause
"""Within which radius a sample never becomes one of some classes."""

import numpy as np
from scipy.special import ndtri

from sksmooth.bounds import binomial_upper
from sksmooth.noise import law_of

# Relative error of a probit beside those that `Law.radius` rounds down by.
_PROBIT_ERROR = 8 * np.finfo(np.float64).eps
# Votes of a class that does not count; a product with a weight stays below all others.
_NEVER_AHEAD = -(2**60)


def against_kept_votes(certificates, label, against, weights, alpha):
    """Radii that kept votes prove for labels chosen without them.

    Parameters
    ----------
    certificates : Certificates
    label : ndarray of int of shape (n_samples,)
        Positions of the labels among the classes, none of them in `against`.
    against : ndarray of int of shape (n_against,)
        Positions of the classes that a sample must not become.
    weights : ndarray of shape (n_classes,)
    alpha : float
        Error probability of each radius.

    Returns
    -------
    ndarray of shape (n_samples,)
        Zero where nothing is proved.
    """
    counts = certificates.counts
    n_votes = counts.sum(axis=1)
    # With two classes, what the label leaves over is the other's: one bound is enough.
    part = alpha if counts.shape[1] == 2 else alpha / 2
    misses = n_votes - counts[np.arange(len(counts)), label]
    miss = binomial_upper(misses, n_votes, part)[:, np.newaxis]
    upper = binomial_upper(counts[:, against], n_votes[:, np.newaxis], part)
    if counts.shape[1] == 2:
        upper = miss
    probits = -ndtri(miss), ndtri(np.minimum(upper, miss))
    return _smallest(law_of(certificates), probits, label, against, weights)


def against_probabilities(certificates, label, against, weights):
    """The same from probabilities in closed form, or what is known of them.

    A log keeps that of the label alone. What it leaves over bounds all others.
    """
    miss = np.nextafter(1.0 - certificates.p_lower, 2.0)
    if certificates.p_upper is None:
        upper = miss[:, np.newaxis]
    else:
        upper = certificates.p_upper
        # Of a probability near 1 more digits are known of what it leaves over.
        others = upper.sum(axis=1) - upper[np.arange(len(label)), label]
        rounding = len(upper.T) * np.finfo(np.float64).eps * upper.sum(axis=1)
        miss = np.minimum(miss, others + rounding)
        upper = upper[:, against]
    miss = miss[:, np.newaxis]
    top, other = -ndtri(miss), ndtri(np.minimum(upper, miss))
    probits = (
        top - _PROBIT_ERROR * (1 + np.abs(top)),
        other + _PROBIT_ERROR * (1 + np.abs(other)),
    )
    return _smallest(law_of(certificates), probits, label, against, weights)


def against_all_copies(certificates, label, against, weights):
    """The same from the votes of all noisy copies, which leave no doubt."""
    counts = np.full(certificates.counts.shape, _NEVER_AHEAD)
    rows = np.arange(len(label))
    for columns in (against[np.newaxis], label[:, np.newaxis]):
        at = rows[:, np.newaxis], columns
        counts[at] = certificates.counts[at]
    return law_of(certificates).counted_radius(counts, label, weights)


def _smallest(law, probits, label, against, weights):
    """Smallest radius within which the labels stay ahead of the classes `against`."""
    top, other = probits
    radius = law.radius(
        top, other, weights[label][:, np.newaxis], weights[against]
    ).min(axis=1)
    return law.rounded_down(np.where(radius > 0, radius, 0.0))
