# SPDX-License-Identifier: BSD-3-Clause
"""The slab between two parallel hyperplanes: one bounded direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtri, ndtri_exp

from sksmooth._arguments import check_flag
from sksmooth._special import LOG_HALF, find_root, log1mexp, log_interval_mass
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._laws import SLABS, check_noise
from sksmooth.geometry._numerics import (
    certified_radius,
    check_finite,
    check_nonnegative,
    check_positive,
    check_sigma,
    check_whole,
)


def slab_log_probabilities(near, far, width, noise="gaussian"):
    """Log probabilities of inside and outside, from the distances to the boundaries.

    All in units of sigma. `near` is negative outside; `width` is the sum of `near` and
    `far`, which rounding would spoil for a narrow slab. Where a probability is below
    1/2 it is computed from positive terms, else as the complement of the other.
    """
    if noise in SLABS:
        return SLABS[noise].log_probabilities(near, far, width)
    log_inside = log_interval_mass(-near, far, width)
    log_outside = np.logaddexp(log_ndtr(-near), log_ndtr(-far))
    mostly_inside = log_outside < LOG_HALF
    return (
        np.where(mostly_inside, log1mexp(log_outside), log_inside),
        np.where(mostly_inside, log_outside, log1mexp(log_inside)),
    )


def slab_log_votes(offset, halfwidth, sigma, noise="gaussian"):
    """Log probabilities that a noisy sample is inside and outside a slab."""
    distance = np.abs(offset)
    return slab_log_probabilities(
        (halfwidth - distance) / sigma,
        (halfwidth + distance) / sigma,
        2 * halfwidth / sigma,
        noise,
    )


def slab_boundary_gap(halfwidth, log_outside, noise="gaussian"):
    """How far inside the slab a vote share is met, in units of sigma.

    `halfwidth` is in units of sigma. The share of votes outside is given by its
    logarithm, and must be met on this side of the middle: in the slab, or outside of it
    where the share is more than 1/2.
    """
    if noise in SLABS:
        share, miss = -np.expm1(log_outside), np.exp(log_outside)
        return halfwidth - SLABS[noise].halfwidth(halfwidth, share, miss)
    # There are more votes outside of the slab than beyond its nearer boundary.
    log_outside = np.broadcast_to(log_outside, halfwidth.shape)
    lowest = np.zeros_like(halfwidth)
    beyond = log_outside > LOG_HALF
    lowest[beyond] = np.minimum(-ndtri_exp(log_outside[beyond]), 0.0)

    def excess(rise):
        gap = lowest + rise
        votes = slab_log_probabilities(gap, 2 * halfwidth - gap, 2 * halfwidth)
        return log_outside - votes[1]

    return lowest + find_root(excess, np.zeros_like(halfwidth), halfwidth - lowest)


def slab_vote_probability(
    offset: ArrayLike,
    halfwidth: ArrayLike,
    sigma: ArrayLike,
    *,
    complement: bool = False,
    noise: str = "gaussian",
) -> FloatOrArray:
    r"""Probability that a noisy sample falls into a slab.

    Parameters
    ----------
    offset : array-like
        Signed distance of the sample to the middle of the slab.
    halfwidth : array-like
        The slab is :math:`|v \cdot x| \leq a` with a unit vector v; this is a.
    sigma : array-like
        Standard deviation of the noise, in the units of `offset`.
    complement : bool, default=False
        Return the probability of falling outside instead, accurate also where it is
        tiny.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise. Where it is not Gaussian, the slab must bound one feature: v
        is the unit vector of an axis.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `halfwidth` or `sigma` is not positive, an argument is not finite, or `noise`
        is unknown.

    See Also
    --------
    box_vote_probability : Several such directions at once.

    Notes
    -----
    Only the noise along v counts, so the number of features does not matter:
    :math:`p(x) = \Phi((a - x) / \sigma) - \Phi((-a - x) / \sigma)`. In one feature the
    slab is the ball.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> from sksmooth.shrinkage import slab_vote_probability
    >>> round(float(slab_vote_probability(0.0, 1.0, 0.5)), 4)
    0.9545
    """
    offset, halfwidth = (
        check_finite("offset", offset),
        check_positive("halfwidth", halfwidth),
    )
    sigma = check_sigma(sigma)
    votes = slab_log_votes(offset, halfwidth, sigma, check_noise(noise))
    return np.exp(votes[check_flag("complement", complement)])


def slab_smoothed_halfwidth(
    halfwidth: ArrayLike,
    sigma: ArrayLike,
    n_classes: ArrayLike = 2,
    *,
    noise: str = "gaussian",
) -> FloatOrArray:
    r"""Half-width of the slab in which the smoothed classifier still votes for it.

    Parameters
    ----------
    halfwidth : array-like
        Half-width a of the slab :math:`|v \cdot x| \leq a` of the base classifier.
    sigma : array-like
        Standard deviation of the noise, in the units of `halfwidth`; 0 is allowed and
        changes nothing.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise. Where it is not Gaussian, the slab must bound one feature: v
        is the unit vector of an axis.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: the offset at which the vote
        probability is 1/c, and 0 from the vanishing sigma on.

    Raises
    ------
    ValueError
        If `halfwidth` is not positive, `sigma` is negative, one is not finite,
        `n_classes` is not a whole number of at least 2, or `noise` is unknown.

    See Also
    --------
    slab_vanishing_sigma : Where it becomes 0.
    slab_shrinking_sigma : From where on it is less than `halfwidth`.

    Notes
    -----
    The root x of :math:`\Phi((a - x) / \sigma) - \Phi((-a - x) / \sigma) = 1/c`. For
    two classes it lies inside the slab, but by an amount that is exponentially small in
    :math:`(a / \sigma)^2` while sigma is small. For more, the region of at least 1/c of
    the votes is larger than the slab at first.

    Under Laplace noise of scale :math:`b = \sigma / \sqrt{2}` it is :math:`b
    \operatorname{arcosh}(e^{a/b} / 2)` for two classes. Under uniform noise nothing of
    the slab is lost until all of it is.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 3 (bounded regions shrink).

    Examples
    --------
    >>> from sksmooth.shrinkage import slab_smoothed_halfwidth
    >>> slab_smoothed_halfwidth(1.0, [0.0, 0.5, 1.0, 1.5]).round(4)
    array([1.    , 1.    , 0.9333, 0.    ])
    """
    halfwidth, sigma, n_classes = np.broadcast_arrays(
        check_positive("halfwidth", halfwidth),
        check_nonnegative("sigma", sigma),
        check_whole("n_classes", n_classes, 2),
    )
    vanishing = slab_vanishing_sigma(halfwidth, n_classes, noise=noise)
    result = np.where(sigma < vanishing, halfwidth, 0.0)
    moved = (sigma > 0) & (result > 0)
    scaled = halfwidth[moved] / sigma[moved]
    log_outside = log1mexp(-np.log(n_classes[moved]))
    result[moved] -= sigma[moved] * slab_boundary_gap(scaled, log_outside, noise)
    return result[()]


def slab_shrinking_sigma(
    halfwidth: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Sigma from which on a slab shrinks: exact, as in appendix D.1 of the paper.

    Parameters
    ----------
    halfwidth : array-like
        Half-width a of the slab :math:`|v \cdot x| \leq a`; in one feature the slab is
        an interval.
    n_classes : array-like of int, default=2
        Number of classes c. The smoothed region is that in which the class has at
        least 1/c of the votes, as in [1]_.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. 0 for two classes: then the slab
        shrinks at any sigma.

    Raises
    ------
    ValueError
        If `halfwidth` is not positive and finite, or `n_classes` is not a whole number
        of at least 2.

    See Also
    --------
    slab_smoothed_halfwidth : What is left of the slab.
    slab_vanishing_sigma : From where on nothing is left.
    ball_shrinking_sigma : The same for a ball.

    Notes
    -----
    On the boundary the vote probability is :math:`\Phi(2 a / \sigma) - 1/2`, which
    falls below 1/c at :math:`\sigma = 2 a / \Phi^{-1}(1/2 + 1/c)`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, appendix D.1 (the
       interval).

    Examples
    --------
    >>> from sksmooth.shrinkage import slab_shrinking_sigma
    >>> slab_shrinking_sigma(1.0, [2, 3, 10]).round(4)
    array([0.    , 2.0674, 7.8943])
    """
    halfwidth = check_positive("halfwidth", halfwidth)
    n_classes = check_whole("n_classes", n_classes, 2)
    return 2 * halfwidth / ndtri(0.5 + 1 / n_classes)


def slab_vanishing_sigma(
    halfwidth: ArrayLike, n_classes: ArrayLike = 2, *, noise: str = "gaussian"
) -> FloatOrArray:
    r"""Sigma from which on the smoothed classifier never votes for a slab.

    Parameters
    ----------
    halfwidth : array-like
        Half-width a of the slab :math:`|v \cdot x| \leq a`.
    n_classes : array-like of int, default=2
        Number of classes. Exact for two; for more, the sigma past which the class
        cannot win anywhere, whatever the others are.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise. Where it is not Gaussian, the slab must bound one feature: v
        is the unit vector of an axis.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `halfwidth` is not positive and finite, `n_classes` is not a whole number of
        at least 2, or `noise` is unknown.

    See Also
    --------
    slab_smoothed_halfwidth : How the slab shrinks on the way.
    slab_shrinking_sigma : From where on it does.
    ball_vanishing_sigma : That of a ball.

    Notes
    -----
    The vote probability is largest in the middle, :math:`2 \Phi(a / \sigma) - 1`. With
    c classes the winner has at least 1/c of the votes, so the class is lost once
    :math:`\sigma > a / \Phi^{-1}((1 + 1/c) / 2)`, whatever the number of features.
    Under Laplace noise that is :math:`\sqrt{2} a / \log(c / (c - 1))`, under uniform
    noise :math:`c a / \sqrt{3}`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 4 (vanishing rate) and appendix D.1 (the interval).

    Examples
    --------
    >>> from sksmooth.shrinkage import slab_vanishing_sigma
    >>> round(float(slab_vanishing_sigma(1.0)), 4)
    1.4826
    """
    halfwidth = check_positive("halfwidth", halfwidth)
    n_classes = check_whole("n_classes", n_classes, 2)
    if check_noise(noise) in SLABS:
        return halfwidth / SLABS[noise].quantile(1 / n_classes)
    return halfwidth / ndtri(0.5 + 0.5 / n_classes)


def slab_certified_radius(
    offset: ArrayLike, halfwidth: ArrayLike, sigma: ArrayLike, *, side: str = "either"
) -> FloatOrArray:
    r"""Certified radius of the smoothed two-class classifier "slab or not".

    Parameters
    ----------
    offset : array-like
        Signed distance of the sample to the middle of the slab.
    halfwidth : array-like
        Half-width a of the slab :math:`|v \cdot x| \leq a`.
    sigma : array-like
        Standard deviation of the noise, in the units of `offset`.
    side : {"either", "inside", "outside"}, default="either"
        Whose radius it is: that of the side that wins the vote, or that of one side
        only, which is 0 where the other one wins.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to; 0 where the two sides tie.

    Raises
    ------
    ValueError
        If `halfwidth` or `sigma` is not positive, an argument is not finite, or `side`
        is unknown.

    See Also
    --------
    slab_smoothed_halfwidth : The boundary this radius never reaches beyond.

    Notes
    -----
    :math:`\sigma |\Phi^{-1}(p)|` with the vote probability p of the slab, computed from
    the logarithm of the losing side's probability: neither a p that rounds to 1 nor one
    that underflows limits the radius.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.

    Examples
    --------
    >>> from sksmooth.shrinkage import slab_certified_radius
    >>> slab_certified_radius([0.0, 1.0, 5.0], 1.0, 0.1).round(4)
    array([0.9931, 0.    , 4.    ])
    """
    offset = check_finite("offset", offset)
    halfwidth = check_positive("halfwidth", halfwidth)
    sigma = check_sigma(sigma)
    inside, outside = slab_log_votes(offset, halfwidth, sigma)
    return certified_radius(inside, outside, sigma, side)
