# SPDX-License-Identifier: BSD-3-Clause
"""The axis-aligned box, bounded on any number of its sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtri

from sksmooth._arguments import check_flag
from sksmooth._special import find_root, log1mexp
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._laws import SLABS, check_noise
from sksmooth.geometry._numerics import (
    as_floats,
    certified_radius,
    check_finite,
    check_nonnegative,
    check_sigma,
    check_whole,
)
from sksmooth.geometry._slab import (
    slab_boundary_gap,
    slab_log_probabilities,
    slab_log_votes,
)

# Below this log probability, that of a union and the sum over its parts are equal.
_LOG_NEGLIGIBLE = -40.0


def _check_halfwidths(halfwidths):
    values = as_floats("halfwidths", halfwidths)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(
            "halfwidths needs one value per side in its last axis, got an array of "
            f"shape {values.shape}; for one side use the slab."
        )
    if not np.all(values > 0):
        raise ValueError(
            "halfwidths must be greater than 0 (inf for a feature that does not bound "
            f"the box), got {values[~(values > 0)].flat[0]:g}."
        )
    return values


def _check_point(point, halfwidths):
    point = check_finite("point", point)
    sides = halfwidths.shape[-1]
    if point.ndim == 0 or point.shape[-1] != sides:
        raise ValueError(
            f"point needs one value per side in its last axis: {sides}, as in "
            f"halfwidths; got an array of shape {point.shape}."
        )
    return point


def _box_log_votes(point, halfwidths, sigma, noise="gaussian"):
    sigma = check_sigma(sigma)
    halfwidths = _check_halfwidths(halfwidths)
    point = _check_point(point, halfwidths)
    inside, outside = slab_log_votes(point, halfwidths, sigma[..., None], noise)
    inside, rare = inside.sum(axis=-1), logsumexp(outside, axis=-1)
    negligible = rare < _LOG_NEGLIGIBLE
    union = log1mexp(np.where(negligible, -1.0, inside))
    return inside, np.where(negligible, rare, union)


def box_vote_probability(
    point: ArrayLike,
    halfwidths: ArrayLike,
    sigma: ArrayLike,
    *,
    complement: bool = False,
    noise: str = "gaussian",
) -> FloatOrArray:
    r"""Probability that a noisy sample falls into an axis-aligned box.

    Parameters
    ----------
    point : array-like of shape (..., n_sides)
        The sample, seen from the center of the box, in the features that bound it.
    halfwidths : array-like of shape (..., n_sides)
        The box is :math:`|x_i| \leq a_i`; these are the :math:`a_i`. ``inf`` for a
        feature that does not bound it.
    sigma : array-like of shape (...)
        Standard deviation of the noise, in the units of `point`.
    complement : bool, default=False
        Return the probability of falling outside instead, accurate also where it is
        tiny.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise.

    Returns
    -------
    float or ndarray of shape (...)
        The last axis, over sides, is gone.

    Raises
    ------
    ValueError
        If `halfwidths` or `sigma` is not positive, `point` or `sigma` is not finite,
        `point` or `halfwidths` has no axis over sides, or `noise` is unknown.

    See Also
    --------
    slab_vote_probability : One side only.

    Notes
    -----
    The noise is independent between features, so the probability is the product of
    those of the slabs. Features that do not bound the box may be left out.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> from sksmooth.shrinkage import box_vote_probability
    >>> round(float(box_vote_probability([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], 0.5)), 4)
    0.8696
    """
    votes = _box_log_votes(point, halfwidths, sigma, check_noise(noise))
    return np.exp(votes[check_flag("complement", complement)])


def box_smoothed_halfwidths(
    halfwidths: ArrayLike,
    sigma: ArrayLike,
    n_classes: ArrayLike = 2,
    *,
    noise: str = "gaussian",
) -> FloatOrArray:
    r"""Half-widths, along the axes, of the region of the smoothed classifier.

    Parameters
    ----------
    halfwidths : array-like of shape (..., n_sides)
        Half-widths :math:`a_i` of the box of the base classifier, ``inf`` for a feature
        that does not bound it.
    sigma : array-like of shape (...)
        Standard deviation of the noise, in the units of `halfwidths`; 0 is allowed and
        changes nothing.
    n_classes : array-like of int, shape (...), default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise.

    Returns
    -------
    ndarray of shape (..., n_sides)
        For each side, how far one can walk from the center along its axis until the
        vote probability is 1/c; 0 for all sides from the vanishing sigma on.

    Raises
    ------
    ValueError
        If `halfwidths` is not positive, `sigma` is negative or not finite, `halfwidths`
        has no axis over sides, `n_classes` is not a whole number of at least 2, or
        `noise` is unknown.

    See Also
    --------
    box_vanishing_sigma : Where they become 0.
    slab_smoothed_halfwidth : One side only.

    Notes
    -----
    Along axis i the other sides stay at their centers, so the boundary is where the
    slab of side i alone has the vote probability :math:`1 / (c \prod_{j \neq i} (2
    \Phi(a_j / \sigma) - 1))`, which for two classes is more than 1/2. The region of the
    smoothed classifier is no box: its corners are rounded off.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 3 (bounded regions shrink).

    Examples
    --------
    >>> from sksmooth.shrinkage import box_smoothed_halfwidths
    >>> box_smoothed_halfwidths([1.0, 1.0, 2.0], 0.5).round(4)
    array([0.97  , 0.97  , 1.9387])
    """
    halfwidths, sigma, n_classes = np.broadcast_arrays(
        _check_halfwidths(halfwidths),
        check_nonnegative("sigma", sigma)[..., None],
        check_whole("n_classes", n_classes, 2)[..., None],
    )
    check_noise(noise)
    log_share = -np.log(n_classes)
    noisy = sigma > 0
    scaled = np.divide(
        halfwidths, sigma, out=np.full(halfwidths.shape, np.inf), where=noisy
    )
    log_centre = slab_log_probabilities(scaled, scaled, 2 * scaled, noise)[0]
    log_all = log_centre.sum(axis=-1, keepdims=True)
    result = np.where(log_all > log_share, halfwidths, 0.0)
    moved = noisy & (result > 0) & np.isfinite(halfwidths)
    log_others = (log_all - log_centre)[moved]
    log_outside = log1mexp(log_share[moved] - log_others)
    gap = slab_boundary_gap(scaled[moved], log_outside, noise)
    result[moved] -= sigma[moved] * gap
    return result


def box_vanishing_sigma(
    halfwidths: ArrayLike, n_classes: ArrayLike = 2, *, noise: str = "gaussian"
) -> FloatOrArray:
    r"""Sigma from which on the smoothed classifier never votes for a box.

    Parameters
    ----------
    halfwidths : array-like of shape (..., n_sides)
        Half-widths :math:`a_i` of the box, ``inf`` for a feature that does not bound
        it.
    n_classes : array-like of int, shape (...), default=2
        Number of classes. Exact for two; for more, the sigma past which the class
        cannot win anywhere, whatever the others are.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise.

    Returns
    -------
    float or ndarray of shape (...)
        The last axis, over sides, is gone. ``inf`` if no side is finite.

    Raises
    ------
    ValueError
        If `halfwidths` is not positive or has no axis over sides, `n_classes` is not a
        whole number of at least 2, or `noise` is unknown.

    See Also
    --------
    box_smoothed_halfwidths : How the box shrinks on the way.
    ball_vanishing_sigma : That of a ball.

    Notes
    -----
    The vote probability is largest at the center; the root of :math:`\prod_i (2
    \Phi(a_i / \sigma) - 1) = 1/c` is the vanishing sigma for c classes. With k equal
    sides it is :math:`a / \Phi^{-1}((1 + c^{-1/k}) / 2)`, which falls like :math:`a /
    \sqrt{2 \log k}`: far slower than the ball's :math:`R / \sqrt{d}`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 4 (vanishing rate).

    Examples
    --------
    >>> from sksmooth.shrinkage import box_vanishing_sigma
    >>> round(float(box_vanishing_sigma([1.0, 1.0, 1.0])), 4)
    0.7913
    """
    halfwidths = _check_halfwidths(halfwidths)
    log_share = -np.log(check_whole("n_classes", n_classes, 2))
    shape = np.broadcast_shapes(halfwidths.shape[:-1], log_share.shape)
    log_share = np.broadcast_to(log_share, shape)
    halfwidths = np.broadcast_to(halfwidths, (*shape, halfwidths.shape[-1]))
    narrowest = halfwidths.min(axis=-1)
    result = np.full(shape, np.inf)
    bounded = np.isfinite(narrowest)
    log_share, unit = log_share[bounded], narrowest[bounded]
    sides = halfwidths[bounded] / unit[:, None]
    # If all sides were as narrow as the narrowest, or if it were the only one.
    n_sides = np.isfinite(sides).sum(axis=-1)
    if check_noise(noise) in SLABS:
        quantile = SLABS[noise].quantile
        low = 1 / quantile(np.exp(log_share / n_sides))
        high = 1 / quantile(np.exp(log_share))
    else:
        low = -1 / ndtri(-np.expm1(log_share / n_sides) / 2)
        high = -1 / ndtri(-np.expm1(log_share) / 2)

    def deficit(sigma):
        scaled = sides / sigma[:, None]
        log_votes = slab_log_probabilities(scaled, scaled, 2 * scaled, noise)[0]
        return log_share - log_votes.sum(axis=-1)

    result[bounded] = unit * find_root(deficit, low, high)
    return result[()]


def box_certified_radius(
    point: ArrayLike, halfwidths: ArrayLike, sigma: ArrayLike, *, side: str = "either"
) -> FloatOrArray:
    r"""Certified radius of the smoothed two-class classifier "box or not".

    Parameters
    ----------
    point : array-like of shape (..., n_sides)
        The sample, seen from the center of the box, in the features that bound it.
    halfwidths : array-like of shape (..., n_sides)
        Half-widths :math:`a_i` of the box :math:`|x_i| \leq a_i`, ``inf`` for a feature
        that does not bound it.
    sigma : array-like of shape (...)
        Standard deviation of the noise, in the units of `point`.
    side : {"either", "inside", "outside"}, default="either"
        Whose radius it is: that of the side that wins the vote, or that of one side
        only, which is 0 where the other one wins.

    Returns
    -------
    float or ndarray of shape (...)
        The last axis, over sides, is gone. The radius is Euclidean, and 0 where inside
        and outside tie.

    Raises
    ------
    ValueError
        As `box_vote_probability`, or if `side` is unknown.

    See Also
    --------
    slab_certified_radius : One side only.

    Notes
    -----
    :math:`\sigma |\Phi^{-1}(p)|` with the vote probability p of the box, computed from
    the logarithm of the losing side's probability.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.

    Examples
    --------
    >>> from sksmooth.shrinkage import box_certified_radius
    >>> round(float(box_certified_radius([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], 0.5)), 4)
    0.5623
    """
    inside, outside = _box_log_votes(point, halfwidths, sigma)
    return certified_radius(inside, outside, sigma, side)
