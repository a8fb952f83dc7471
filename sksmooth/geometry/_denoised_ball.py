# SPDX-License-Identifier: BSD-3-Clause
"""A ball and two blobs, denoised by their posterior mean before the vote."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit, logsumexp

from sksmooth._special import find_root
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._noncentral_chi import log_density
from sksmooth.geometry._numerics import (
    check_positive,
    check_sigma,
    check_whole,
)

# Panels of the quadrature are this long, in units of sigma: distances given a noisy one
# have a density that is smooth over lengths of sigma.
_PANEL = 2.0
_NODES, _WEIGHTS = leggauss(20)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on (0, 1)
_MOST_PANELS = 10_000


def denoised_ball_boundary(
    radius: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    reach: ArrayLike = 2.0,
) -> FloatOrArray:
    r"""Noisy distance at which the posterior mean leaves a ball.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball of the base classifier.
    sigma : array-like
        Standard deviation of the noise, in the units of `radius`.
    n_features : array-like of int
        Number of features d, at least 2.
    reach : array-like, default=2.0
        Clean samples have any direction from the center of the ball, and distances
        spread evenly from 0 to `reach` times the radius. More than 1.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. Behind the posterior mean the base
        classifier has a ball of this radius: hand it to `ball_vote_probability` or
        `ball_smoothed_radius`.

    Raises
    ------
    ValueError
        If `radius` or `sigma` is not positive and finite, `n_features` not a whole
        number of at least 2, `reach` not greater than 1, or sigma below 1/20,000 of the
        largest distance.

    See Also
    --------
    ball_smoothed_radius : How the ball shrinks without a denoiser, and with one.
    denoised_line_boundaries : The same for points on a line.

    Notes
    -----
    With :math:`f_d(s \mid b)` the noncentral chi density of the noisy distance s, in
    units of sigma, given the clean one b, the posterior mean has the direction of the
    noisy sample and the length

    .. math:: \frac{\int b^2 f_{d+2}(s \mid b) \, db}{s \int f_d(s \mid b) \, db},

    since the mean over a sphere has length
    :math:`b \, I_{d/2}(bs) / I_{d/2-1}(bs)`. It rises with s. Both integrals are
    computed by Gauss-Legendre quadrature.

    In many features the noisy distance is about :math:`\sqrt{b^2 + d}`, which tells the
    clean one well: the denoised ball is larger by about as much as noise moves samples
    outwards, and the ball that vanishes at :math:`R / \sqrt{d}` without a denoiser
    lives on. As sigma grows posterior means shrink to the center, so that it is the
    samples outside that are lost.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_smoothed_radius, denoised_ball_boundary
    >>> ball_smoothed_radius(1.0, [0.1, 0.2, 0.3], 30).round(3)
    array([0.842, 0.   , 0.   ])
    >>> boundary = denoised_ball_boundary(1.0, [0.1, 0.2, 0.3], 30)
    >>> ball_smoothed_radius(boundary, [0.1, 0.2, 0.3], 30).round(3)
    array([1.113, 1.315, 1.605])
    """
    radius = check_positive("radius", radius)
    sigma = check_sigma(sigma)
    n_features = check_whole("n_features", n_features, 2)
    reach = check_positive("reach", reach)
    if np.any(reach <= 1):
        raise ValueError(
            f"reach must be greater than 1, got {np.min(reach):g}: without samples "
            "outside the ball all posterior means are inside."
        )
    if np.any(reach * radius / sigma > _PANEL * _MOST_PANELS):
        raise ValueError(
            f"sigma must be at least {1 / (_PANEL * _MOST_PANELS):g} of the largest "
            "distance, reach * radius."
        )
    boundary = np.vectorize(_boundary, otypes=[float])
    return (sigma * boundary(radius / sigma, n_features, reach * radius / sigma))[()]


def _boundary(radius, n_features, farthest):
    """All in units of sigma."""
    n_panels = int(np.ceil(farthest / _PANEL))
    starts = np.arange(n_panels)[:, np.newaxis]
    clean = ((starts + _NODES) * farthest / n_panels).ravel()
    log_weights = np.log(np.tile(_WEIGHTS, n_panels))

    def excess(noisy):
        offset = noisy - clean
        mass = log_weights + log_density(offset, clean, n_features)
        moment = log_weights + log_density(offset, clean, n_features + 2)
        moment += 2 * np.log(clean)
        return logsumexp(moment) - logsumexp(mass) - np.log(noisy) - np.log(radius)

    low = high = np.sqrt(radius**2 + n_features)
    while excess(low) > 0:
        low /= 2
    while excess(high) < 0:
        high *= 2
    return brentq(excess, low, high, rtol=1e-12) if low < high else low


def denoised_blobs_boundary(
    gap: ArrayLike, spread: ArrayLike, sigma: ArrayLike, share: ArrayLike = 0.5
) -> FloatOrArray:
    r"""Where the posterior mean passes from one of two normal blobs to the other.

    Parameters
    ----------
    gap : array-like
        Distance g of the centers of two classes, :math:`N(0, s^2 I)` and
        :math:`N(g e_1, s^2 I)`.
    spread : array-like
        Their standard deviation s, in the units of `gap`.
    sigma : array-like
        Standard deviation of the noise, in the units of `gap`.
    share : array-like, default=0.5
        Share of the samples that belong to the second class.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: the noisy value along :math:`e_1`, from
        the center of the first class, at which the posterior mean is at g/2. A
        classifier with its boundary halfway between the centers has it here instead
        behind the denoiser.

    Raises
    ------
    ValueError
        If `gap`, `spread` or `sigma` is not positive and finite, or `share` is not
        between 0 and 1.

    See Also
    --------
    half_space_vote_probability : The votes for it.

    Notes
    -----
    The posterior mean along :math:`e_1` is
    :math:`(s^2 z + \sigma^2 g \, q(z)) / (s^2 + \sigma^2)` with q the posterior
    probability of the second class, a logistic function of z. For equal shares nothing
    changes by symmetry. For unequal ones the boundary moves towards that of the best
    classifier of noisy samples, at the expense of the smaller class: a denoiser is no
    remedy for that, vote weights are.

    Examples
    --------
    >>> from sksmooth.shrinkage import denoised_blobs_boundary
    >>> denoised_blobs_boundary(2.0, 0.5, [0.5, 1.0, 2.0], share=0.1).round(3)
    array([1.361, 2.04 , 4.675])
    """
    gap, spread = check_positive("gap", gap), check_positive("spread", spread)
    sigma, share = check_sigma(sigma), check_positive("share", share)
    if np.any(share >= 1):
        raise ValueError(f"share must be between 0 and 1, got {np.max(share):g}.")
    variance = spread**2 + sigma**2

    def excess(z):
        second = expit(gap * (z - gap / 2) / variance + logit(share))
        return spread**2 * (z - gap / 2) + sigma**2 * gap * (second - 0.5)

    # Between the middle, and where both classes are equally likely.
    even = gap / 2 - logit(share) * variance / gap
    middle, even = np.broadcast_arrays(gap / 2 + 0 * spread, even)
    return find_root(excess, np.minimum(middle, even), np.maximum(middle, even))[()]
