# SPDX-License-Identifier: BSD-3-Clause
"""Points on a line, denoised by their posterior mean before the vote."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import logsumexp, ndtr

from sksmooth._special import find_root
from sksmooth.geometry._numerics import (
    check_finite,
    check_positive,
    check_sigma,
)

# Sigmas in units of the largest gap, between which a share crosses 1/2 at most once.
_SIGMAS = np.geomspace(1e-3, 1e3, 301)


def denoised_line_boundaries(
    points: ArrayLike, sigma: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Noisy values at which the posterior mean passes from one point to the next.

    Parameters
    ----------
    points : array-like of shape (n_points,)
        Clean samples on a line, increasing.
    sigma : array-like
        Standard deviation of the noise, in the units of `points`.
    weights : array-like of shape (n_points,), default=None
        Prior weights of the points; None weighs all alike.

    Returns
    -------
    ndarray of shape (..., n_points - 1)
        For each sigma, increasing. A classifier that predicts the class of the nearest
        point, behind the posterior mean, predicts that of point i between the
        boundaries i - 1 and i.

    Raises
    ------
    ValueError
        If there are fewer than two points, they are not increasing, or sigma or a
        weight is not positive and finite.

    See Also
    --------
    sksmooth.denoising.PosteriorMeanDenoiser : The denoiser, for any data.

    Notes
    -----
    The posterior mean D(z) rises with z, since its slope is the posterior variance over
    :math:`\sigma^2`. It passes the middle t between two points where
    :math:`\sum_i w_i (x_i - t) \exp((z x_i - x_i^2 / 2) / \sigma^2)` is 0; the root is
    found on the logarithm of the ratio of the positive to the negative terms, whose
    slope is at least the gap between the two points over :math:`\sigma^2`.

    Examples
    --------
    >>> from sksmooth.shrinkage import denoised_line_boundaries
    >>> denoised_line_boundaries([-1, 0, 1], [0.1, 0.5, 1.0]).round(4)
    array([[-0.5   ,  0.5   ],
           [-0.5127,  0.5127],
           [-1.0089,  1.0089]])
    """
    points, sigma, log_weights = _check(points, sigma, weights)
    middles = (points[1:] + points[:-1]) / 2
    gaps = np.diff(points)
    variance = sigma[..., np.newaxis] ** 2
    offset = points - middles[:, np.newaxis]
    above = offset > 0
    log_offset = np.log(np.abs(offset)) + log_weights

    def log_ratio(z):
        # Relative to the middle, so that neither z nor the points need be small.
        exponent = (z - middles)[..., np.newaxis] * offset - offset**2 / 2
        exponent = exponent / variance[..., np.newaxis] + log_offset
        return logsumexp(np.where(above, exponent, -np.inf), axis=-1) - logsumexp(
            np.where(above, -np.inf, exponent), axis=-1
        )

    start = np.broadcast_to(middles, (*sigma.shape, len(middles)))
    reach = np.abs(log_ratio(start)) * variance / gaps
    return find_root(log_ratio, start - reach, start + reach)


def denoised_line_vote_probability(
    position: ArrayLike,
    points: ArrayLike,
    sigma: ArrayLike,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Probability that the posterior mean of a noisy value is nearest to each point.

    Parameters
    ----------
    position : array-like
        Where noise is added.
    points : array-like of shape (n_points,)
        Clean samples on a line, increasing.
    sigma : array-like
        Standard deviation of the noise, in the units of `points`.
    weights : array-like of shape (n_points,), default=None
        Prior weights of the points; None weighs all alike.

    Returns
    -------
    ndarray of shape (..., n_points)
        For each position and sigma, broadcast.

    Raises
    ------
    ValueError
        As `denoised_line_boundaries`, or if a position is not finite.

    See Also
    --------
    denoised_line_vanishing_sigma : Where a class loses its own points.

    Examples
    --------
    >>> from sksmooth.shrinkage import denoised_line_vote_probability
    >>> denoised_line_vote_probability([0.0, 1.0], [-1, 0, 1], 0.7).round(4)
    array([[0.1846, 0.6307, 0.1846],
           [0.01  , 0.2878, 0.7022]])
    """
    boundaries = denoised_line_boundaries(points, sigma, weights)
    position = check_finite("position", position)[..., np.newaxis]
    sigma = check_sigma(sigma)[..., np.newaxis]
    below = (boundaries - position) / sigma
    ends = np.full((*below.shape[:-1], 1), np.inf)
    low = np.concatenate([-ends, below], axis=-1)
    high = np.concatenate([below, ends], axis=-1)
    # On the side of the smaller tails.
    right = low > 0
    return np.where(right, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


def denoised_line_vanishing_sigma(
    points: ArrayLike,
    classes: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Sigma from which on points lose the vote for their class, behind a denoiser.

    Parameters
    ----------
    points : array-like of shape (n_points,)
        Clean samples on a line, increasing.
    classes : array-like of shape (n_points,), default=None
        Class of each point; None gives each its own.
    weights : array-like of shape (n_points,), default=None
        Prior weights of the points; None weighs all alike.

    Returns
    -------
    ndarray of shape (n_points,)
        The least sigma at which the class of a point has half of the votes at that
        point; inf where it always has more.

    Raises
    ------
    ValueError
        As `denoised_line_boundaries`, or if there is not one class for each point.

    See Also
    --------
    denoised_line_least_share : How close a class comes to that.
    slab_vanishing_sigma : The same without a denoiser, for the middle of three points.

    Notes
    -----
    For three points and two classes, one of them in the middle: trained without noise,
    the class in the middle is lost at sigma .7413 (`slab_vanishing_sigma` of 1/2);
    trained with infinitely many copies at the sigma of the smoothing, at .6618 [1]_.
    Behind the posterior mean it never is, and the outer points are lost at 1.0311.
    As sigma grows without bound all values are mapped to the mean of the points, and
    only the class that holds it is left.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, section 5.

    Examples
    --------
    >>> from sksmooth.shrinkage import denoised_line_vanishing_sigma
    >>> classes = ["outer", "middle", "outer"]
    >>> denoised_line_vanishing_sigma([-1, 0, 1], classes).round(5)
    array([1.03111,     inf, 1.03111])
    """
    share, unit, n_points = _own_share(points, classes, weights)
    sigmas = unit * _SIGMAS
    lost = share(sigmas) <= 0.5
    found = np.full(n_points, np.inf)
    for i in range(n_points):
        if lost[:, i].any():
            first = int(lost[:, i].argmax())
            found[i] = brentq(
                lambda sigma, i=i: share(sigma)[i] - 0.5,
                *sigmas[first - 1 : first + 1],
                xtol=1e-12 * unit,
            )
    return found


def denoised_line_least_share(
    points: ArrayLike,
    classes: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least share of votes that points have for their class, over all noise levels.

    Parameters
    ----------
    points : array-like of shape (n_points,)
        Clean samples on a line, increasing.
    classes : array-like of shape (n_points,), default=None
        Class of each point; None gives each its own.
    weights : array-like of shape (n_points,), default=None
        Prior weights of the points; None weighs all alike.

    Returns
    -------
    share : ndarray of shape (n_points,)
        The least share; 0 for points that are lost as sigma grows.
    sigma : ndarray of shape (n_points,)
        Where it is taken; inf for those.

    Raises
    ------
    ValueError
        As `denoised_line_vanishing_sigma`.

    See Also
    --------
    denoised_line_vanishing_sigma : Where the share is 1/2.

    Examples
    --------
    >>> from sksmooth.shrinkage import denoised_line_least_share
    >>> share, sigma = denoised_line_least_share([-1, 0, 1], ["a", "b", "a"])
    >>> print(share.round(5), sigma.round(5))
    [0.      0.63074 0.     ] [    inf 0.69832     inf]
    """
    share, unit, n_points = _own_share(points, classes, weights)
    sigmas = unit * _SIGMAS
    shares = share(sigmas)
    least, where = np.zeros(n_points), np.full(n_points, np.inf)
    for i, at in enumerate(shares.argmin(axis=0)):
        # Past the largest of the sigmas shares only fall to 0 or rise to 1.
        if shares[at, i] > 0 and 0 < at < len(sigmas) - 1:
            found = minimize_scalar(
                lambda sigma, i=i: share(sigma)[i],
                bounds=sigmas[[at - 1, at + 1]],
                method="bounded",
                options={"xatol": 1e-9 * unit},
            )
            least[i], where[i] = found.fun, found.x
    return least, where


def _own_share(points, classes, weights):
    """Share of votes for its class at each point, as a function of sigma."""
    points, _, _ = _check(points, 1.0, weights)
    n_points = len(points)
    classes = np.arange(n_points) if classes is None else np.asarray(classes)
    if classes.shape != (n_points,):
        raise ValueError(
            f"classes has shape {classes.shape}; give one class for each of the "
            f"{n_points} points."
        )
    same = classes[:, np.newaxis] == classes

    def share(sigma):
        sigma = np.asarray(sigma)[..., np.newaxis]
        shares = denoised_line_vote_probability(points, points, sigma, weights)
        return np.sum(shares * same, axis=-1)

    return share, float(np.diff(points).max()), n_points


def _check(points, sigma, weights):
    points = check_finite("points", points)
    if points.ndim != 1 or len(points) < 2 or np.any(np.diff(points) <= 0):
        raise ValueError(
            f"points must be at least two increasing numbers, got {points.tolist()!r}."
        )
    if weights is None:
        return points, check_sigma(sigma), np.zeros(len(points))
    weights = check_positive("weights", weights)
    if weights.shape != points.shape:
        raise ValueError(
            f"weights has shape {weights.shape}; give one weight for each of the "
            f"{len(points)} points."
        )
    return points, check_sigma(sigma), np.log(weights)
