# SPDX-License-Identifier: BSD-3-Clause
"""The ball: the bounded region that high dimension shrinks most."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, ndtri

from sksmooth._arguments import check_flag
from sksmooth._special import find_root
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._noncentral_chi import log_density, log_tails
from sksmooth.geometry._numerics import (
    certified_radius,
    check_nonnegative,
    check_positive,
    check_sigma,
    check_whole,
)
from sksmooth.geometry._slab import slab_log_probabilities, slab_shrinking_sigma


def _log_votes(gap, radius, n_features):
    # All in units of sigma; gap = radius - distance, so that neither need be small.
    gap, radius, n_features = np.broadcast_arrays(gap, radius, n_features)
    log_inside, log_outside = np.empty(gap.shape), np.empty(gap.shape)
    line = n_features == 1
    log_inside[line], log_outside[line] = slab_log_probabilities(
        gap[line], 2 * radius[line] - gap[line], 2 * radius[line]
    )
    log_inside[~line], log_outside[~line] = log_tails(
        gap[~line], radius[~line] - gap[~line], n_features[~line]
    )
    return log_inside, log_outside


def _ball_log_votes(distance, radius, sigma, n_features):
    distance = check_nonnegative("distance", distance)
    radius = check_positive("radius", radius)
    sigma = check_sigma(sigma)
    n_features = check_whole("n_features", n_features, 1)
    return _log_votes((radius - distance) / sigma, radius / sigma, n_features)


def ball_vote_probability(
    distance: ArrayLike,
    radius: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    *,
    complement: bool = False,
) -> FloatOrArray:
    r"""Probability that a noisy sample falls into a ball.

    Parameters
    ----------
    distance : array-like
        Distance of the sample from the center of the ball.
    radius : array-like
        Radius of the ball.
    sigma : array-like
        Standard deviation of the noise, in the units of `distance`.
    n_features : array-like of int
        Number of features d. All of them are noisy and count in the distance.
    complement : bool, default=False
        Return the probability of falling outside instead, accurate also where it is
        tiny.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. The relative error is below 1e-10.

    Raises
    ------
    ValueError
        If `distance` is negative, `radius` or `sigma` is not positive, one of them is
        not finite, or `n_features` is not a whole number of at least 1.

    See Also
    --------
    ball_smoothed_radius : Where this is 1/2.
    ball_certified_radius : What it certifies.

    Notes
    -----
    The squared distance of the noisy sample from the center, in units of sigma squared,
    is noncentral chi-square with d degrees of freedom and noncentrality
    :math:`(x / \sigma)^2`, so p(x) is its distribution function at
    :math:`(R / \sigma)^2`. It falls with the distance x, and it depends on the sample
    through x alone. The density is integrated on the side of the smaller tail, with the
    Bessel function from its uniform expansion for large orders (DLMF 10.41), so that
    both tails are exact to rounding in any dimension and at any noise level.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_vote_probability
    >>> ball_vote_probability(0.0, 1.0, 0.5, [2, 10, 784]).round(4)
    array([0.8647, 0.0527, 0.    ])
    """
    votes = _ball_log_votes(distance, radius, sigma, n_features)
    return np.exp(votes[check_flag("complement", complement)])


def _boundary_gap(radius, n_features, n_classes):
    """How far inside a ball 1/c of the votes are met, all in units of sigma.

    It is negative where that is outside. The share must be met somewhere.
    """
    # The nearest half-space holds the ball and has no fewer votes.
    lowest = 0.0 - ndtri(1 - 1 / n_classes)
    # The median is below the mean, so the asymptote bounds the gap.
    room = np.sqrt(np.maximum(radius**2 - n_features, 0))
    highest = np.minimum(n_features / (radius + room) * (1 + 1e-9), radius)
    log_share = -np.log(n_classes)

    def excess(rise):
        return _log_votes(lowest + rise, radius, n_features)[0] - log_share

    return lowest + find_root(excess, np.zeros_like(highest), highest - lowest)


def ball_smoothed_radius(
    radius: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
) -> FloatOrArray:
    r"""Radius of the ball in which the smoothed classifier still votes for it.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball of the base classifier.
    sigma : array-like
        Standard deviation of the noise, in the units of `radius`; 0 is allowed and
        changes nothing.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: the distance at which the vote
        probability is 1/c, and 0 from the vanishing sigma on.

    Raises
    ------
    ValueError
        If `radius` is not positive, `sigma` is negative, one of them is not finite,
        `n_features` is not a whole number of at least 1, or `n_classes` not one of at
        least 2.

    See Also
    --------
    ball_vanishing_sigma : Where it becomes 0.
    ball_shrinking_sigma : From where on it is less than `radius`.
    ball_shrinking_rate : How fast it falls.
    ball_asymptotic_radius : A lower bound that needs no root.

    Notes
    -----
    The root x of `ball_vote_probability` = 1/c. By symmetry the region of at least 1/c
    of the votes is again a ball. With more than two classes it is larger than the ball
    itself at first, because near its boundary a ball holds about half of the votes.
    Just below the vanishing sigma the radius falls like :math:`\sqrt{\sigma_\text{van}
    - \sigma}`, so it reaches 0 without a jump.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 3 (bounded regions shrink).

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_smoothed_radius
    >>> ball_smoothed_radius(1.0, [0.0, 0.1, 0.2, 0.3, 0.4], 10).round(4)
    array([1.    , 0.9539, 0.7981, 0.4095, 0.    ])
    """
    radius, sigma, n_features, n_classes = np.broadcast_arrays(
        check_positive("radius", radius),
        check_nonnegative("sigma", sigma),
        check_whole("n_features", n_features, 1),
        check_whole("n_classes", n_classes, 2),
    )
    vanishing = ball_vanishing_sigma(radius, n_features, n_classes)
    result = np.where(sigma < vanishing, radius, 0.0)
    moved = (sigma > 0) & (result > 0)
    result[moved] -= sigma[moved] * _boundary_gap(
        radius[moved] / sigma[moved], n_features[moved], n_classes[moved]
    )
    return result[()]


def _bessel_excess(gap, radius, n_features):
    """``I_{v-1}(z) / I_v(z) - 1`` with ``v = d / 2``, ``z = radius * (radius - gap)``.

    By its series for large z; else as a quotient of noncentral chi densities with d and
    d + 2 degrees of freedom, which would lose digits there.
    """
    distance = radius - gap
    v, z = n_features / 2, radius * distance
    result = np.empty(z.shape)
    line = n_features == 1
    result[line] = 2 / np.expm1(np.minimum(2 * z[line], 700.0))
    large = ~line & (z > 1e3 * (1 + v**2))
    v, z = v[large], z[large]
    square = (v - 0.5) * (v + 0.5) / 2
    series = square / z * (1 + (1 + (3 - square) / (2 * z)) / z)
    result[large] = (v - 0.5 + series) / z
    rest = ~line & ~large
    t, b, d = gap[rest], distance[rest], n_features[rest]
    log_quotient = log_density(t, b, d) - log_density(t, b, d + 2)
    result[rest] = np.expm1(log_quotient + np.log(radius[rest]) - np.log(b))
    return result


def ball_shrinking_rate(
    radius: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
) -> FloatOrArray:
    r"""How fast the smoothed ball shrinks, per unit of sigma.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball of the base classifier.
    sigma : array-like
        Standard deviation of the noise, in the units of `radius`; greater than 0.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: minus the derivative of
        `ball_smoothed_radius` by sigma, so that it is positive where the ball shrinks.
        ``nan`` from the vanishing sigma on, where there is no boundary.

    Raises
    ------
    ValueError
        If `radius` or `sigma` is not positive and finite, `n_features` is not a whole
        number of at least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    ball_smoothed_radius : The radius itself.
    cone_shrinking_rate : That of a cone, which is the same at every sigma.

    Notes
    -----
    With :math:`u = R / \sigma` and :math:`v = x / \sigma` at the boundary x, implicit
    differentiation of the noncentral chi distribution function gives the rate

    .. math:: u \, \frac{I_{d/2-1}(u v)}{I_{d/2}(u v)} - v

    with modified Bessel functions. It grows without bound towards the vanishing sigma.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Figure 2.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_shrinking_rate
    >>> ball_shrinking_rate(1.0, [0.1, 0.2, 0.3, 0.4], 10).round(4)
    array([0.9469, 2.2981, 7.0966,    nan])
    """
    radius, sigma, n_features, n_classes = np.broadcast_arrays(
        check_positive("radius", radius),
        check_sigma(sigma),
        check_whole("n_features", n_features, 1),
        check_whole("n_classes", n_classes, 2),
    )
    result = np.full(radius.shape, np.nan)
    left = sigma < ball_vanishing_sigma(radius, n_features, n_classes)
    scaled, d = radius[left] / sigma[left], n_features[left]
    gap = _boundary_gap(scaled, d, n_classes[left])
    result[left] = gap + scaled * _bessel_excess(gap, scaled, d)
    return result[()]


def ball_shrinking_sigma(
    radius: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Sigma from which on a ball shrinks.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c. The smoothed region is that in which the class has at
        least 1/c of the votes, as in [1]_.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. 0 for two classes: then a ball shrinks
        at any sigma. For more it is larger than the ball itself at every lower sigma.

    Raises
    ------
    ValueError
        If `radius` is not positive and finite, `n_features` is not a whole number of at
        least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    ball_shrinking_bound : What Theorem 3 of the paper guarantees.
    ball_smoothed_radius : What is left of the ball.
    ball_vanishing_sigma : From where on nothing is left.

    Notes
    -----
    The sigma at which `ball_vote_probability` on the boundary of the ball is 1/c. It
    falls with sigma, from 1/2.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 3 (bounded regions shrink) and appendix D.1 (the interval).

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_shrinking_sigma
    >>> ball_shrinking_sigma(1.0, [2, 10, 784], 10).round(4)
    array([2.0534, 0.2826, 0.0033])
    """
    radius, n_features, n_classes = np.broadcast_arrays(
        check_positive("radius", radius),
        check_whole("n_features", n_features, 1),
        check_whole("n_classes", n_classes, 2),
    )
    # In one feature, and for two classes where it is 0, as for the slab.
    result = np.array(slab_shrinking_sigma(radius, n_classes))
    rooted = (n_features > 1) & (n_classes > 2)
    d, c = n_features[rooted], n_classes[rooted]
    log_share = -np.log(c)
    # With b = R / sigma, the share on the boundary is less than at the center, and more
    # than cdf(-(d - 1) / b) - cdf(-b) for the normal law, by Jensen's inequality.
    low = 1 / ball_vanishing_sigma(1.0, d, c)
    high = np.maximum(4 * (d - 1), 3.0)

    def excess(b):
        return _log_votes(np.zeros_like(b), b, d)[0] - log_share

    result[rooted] = radius[rooted] / find_root(excess, low, high)
    return result[()]


def ball_asymptotic_radius(
    radius: ArrayLike, sigma: ArrayLike, n_features: ArrayLike
) -> FloatOrArray:
    r"""Radius of the smoothed ball in high dimension, without a root to find.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball of the base classifier.
    sigma : array-like
        Standard deviation of the noise, in the units of `radius`; 0 is allowed.
    n_features : array-like of int
        Number of features d.

    Returns
    -------
    float or ndarray
        :math:`\sqrt{R^2 - d \sigma^2}`, or 0 where that is not real.

    Raises
    ------
    ValueError
        As `ball_smoothed_radius`.

    See Also
    --------
    ball_smoothed_radius : The exact one, also for more than two classes.

    Notes
    -----
    The squared distance of the noisy sample has mean :math:`x^2 + d \sigma^2` and,
    relative to it, a spread that falls like :math:`1 / \sqrt{d}`, so half the votes are
    lost where the mean meets :math:`R^2`. The median lies below the mean, but not below
    the mean for d - 1 features: the exact radius for two classes is between this value
    for d and for d - 1. For more classes it is larger, by an amount that is small
    beside it in high dimension.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_asymptotic_radius, ball_smoothed_radius
    >>> round(float(ball_asymptotic_radius(1.0, 0.2, 10)), 4)
    0.7746
    >>> round(float(ball_smoothed_radius(1.0, 0.2, 10)), 4)
    0.7981
    """
    radius = check_positive("radius", radius)
    sigma = check_nonnegative("sigma", sigma)
    noise = sigma * np.sqrt(check_whole("n_features", n_features, 1))
    return np.sqrt(np.maximum((radius - noise) * (radius + noise), 0))


def ball_vanishing_sigma(
    radius: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Sigma from which on the smoothed classifier never votes for a ball.

    Parameters
    ----------
    radius : array-like
        Radius R of the ball.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes. Exact for two; for more, the sigma past which the class
        cannot win anywhere, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `radius` is not positive and finite, `n_features` is not a whole number of at
        least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    ball_smoothed_radius : How the ball shrinks on the way.
    ball_vanishing_bound : What Theorem 4 of the paper guarantees.
    slab_vanishing_sigma : That of a slab.
    box_vanishing_sigma : That of a box.

    Notes
    -----
    The vote probability is largest at the center, where it is the central chi-square
    distribution function at :math:`(R / \sigma)^2`. With c classes the winner has at
    least 1/c of the votes, so the class is lost once :math:`\sigma > R / \sqrt{q}` with
    q the 1/c quantile of chi-square with d degrees of freedom: about
    :math:`R / \sqrt{d}`. Any region that fits into the ball is lost no later.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 4 (vanishing rate).

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_vanishing_sigma
    >>> ball_vanishing_sigma(1.0, [2, 10, 3072]).round(4)
    array([0.8493, 0.3272, 0.018 ])
    """
    radius = check_positive("radius", radius)
    n_features = check_whole("n_features", n_features, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    return radius / np.sqrt(2 * gammaincinv(n_features / 2, 1 / n_classes))


def ball_certified_radius(
    distance: ArrayLike,
    radius: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    *,
    side: str = "either",
) -> FloatOrArray:
    r"""Certified radius of the smoothed two-class classifier "ball or not".

    Parameters
    ----------
    distance : array-like
        Distance of the sample from the center of the ball.
    radius : array-like
        Radius of the ball.
    sigma : array-like
        Standard deviation of the noise, in the units of `distance`.
    n_features : array-like of int
        Number of features d.
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
        As `ball_vote_probability`, or if `side` is unknown.

    See Also
    --------
    ball_smoothed_radius : The boundary this radius never reaches beyond.

    Notes
    -----
    :math:`\sigma |\Phi^{-1}(p)|` with the vote probability p of the ball, computed from
    the logarithm of the losing side's probability: neither a p that rounds to 1 nor one
    that underflows limits the radius. It is exact for a half-space only, so here it is
    less than the distance to the boundary, by more the higher the dimension.

    At the center it falls with sigma at every sigma. That it rises at first, as in
    Figure 3 of [2]_, is due to the number of votes: n votes at the level alpha cannot
    prove more than :math:`\sigma \Phi^{-1}(\alpha^{1/n})`.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.

    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_certified_radius
    >>> ball_certified_radius([0.0, 0.5, 2.0], 1.0, 0.2, 10).round(4)
    array([0.5105, 0.2511, 1.1255])
    """
    inside, outside = _ball_log_votes(distance, radius, sigma, n_features)
    return certified_radius(inside, outside, sigma, side)
