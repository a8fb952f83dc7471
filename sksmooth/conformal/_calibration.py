# SPDX-License-Identifier: BSD-3-Clause
"""How well a set has to cover without a change, so that it covers after any change."""

import math

import numpy as np
from scipy.special import ndtr, ndtri


def required_coverage(confidence_level, radius, law):
    """Coverage without a change that leaves `confidence_level` at a distance.

    Parameters
    ----------
    confidence_level : float
        Coverage that is to be left at any distance up to `radius`.
    radius : float
        In the norm of `law`. What rounding to the grid of the noise may add to a
        distance has to be in it already.
    law : Law
        The noise.

    Returns
    -------
    float
        ``b = G(confidence_level, radius)`` with the growth function G of the law, at
        most 1.

    Notes
    -----
    At a distance r, an event of probability p keeps at least ``1 - G(1 - p, r)``. The
    function ``a -> 1 - G(a, r)`` is its own inverse, so b is the smallest p that keeps
    `confidence_level`. G is concave in its first argument (it is one minus a trade-off
    function), hence the mean over samples of what they keep is at least what the mean
    p keeps, by Jensen's inequality.
    """
    if radius == 0:
        return float(confidence_level)
    level = ndtr(law.grow(ndtri(confidence_level), radius))
    return float(np.minimum(np.nextafter(level, 2.0), 1.0))


def conformal_threshold(scores, level):
    """Value that the score of one more sample exceeds with probability 1 - level.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Of the true classes of calibration samples.
    level : float
        Coverage, in (0, 1].

    Returns
    -------
    float
        The ``ceil((n_samples + 1) level)``-th smallest score; infinity if there are
        not so many.
    """
    rank = math.ceil((len(scores) + 1) * level)
    if rank > len(scores):
        return math.inf
    return float(np.partition(scores, rank - 1)[rank - 1])


def needed_samples(level):
    """Fewest calibration samples with a finite threshold; None if no number is enough.

    Parameters
    ----------
    level : float
        Coverage, in (0, 1].

    Returns
    -------
    int or None
    """
    if level >= 1:
        return None
    n_samples = max(1, math.ceil(level / (1 - level)) - 1)
    while math.ceil((n_samples + 1) * level) > n_samples:
        n_samples += 1
    return n_samples
