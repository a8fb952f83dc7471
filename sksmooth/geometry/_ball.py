# SPDX-License-Identifier: BSD-3-Clause
"""The ball: the bounded region that high dimension shrinks most."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from sksmooth._special import LOG_HALF, find_root
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._noncentral_chi import log_tails
from sksmooth.geometry._numerics import (
    certified_radius,
    check_nonnegative,
    check_positive,
    check_sigma,
    check_whole,
)
from sksmooth.geometry._slab import slab_log_probabilities


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
    r"""Probability that a noisy row falls into a ball.

    Parameters
    ----------
    distance : array-like
        Distance of the row from the centre of the ball.
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
    The squared distance of the noisy row from the centre, in units of sigma squared, is
    noncentral chi-square with d degrees of freedom and noncentrality
    :math:`(x / \sigma)^2`, so p(x) is its distribution function at
    :math:`(R / \sigma)^2`. It falls with the distance x, and it depends on the row
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
    return np.exp(votes[complement])


def ball_smoothed_radius(
    radius: ArrayLike, sigma: ArrayLike, n_features: ArrayLike
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

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: the distance at which the vote
        probability is 1/2, and 0 from the vanishing sigma on.

    Raises
    ------
    ValueError
        If `radius` is not positive, `sigma` is negative, one of them is not finite, or
        `n_features` is not a whole number of at least 1.

    See Also
    --------
    ball_vanishing_sigma : Where it becomes 0.
    ball_asymptotic_radius : A lower bound that needs no root.

    Notes
    -----
    The root x of `ball_vote_probability` = 1/2. By symmetry the region of the smoothed
    two-class classifier is again a ball. Just below the vanishing sigma the radius
    falls like :math:`\sqrt{\sigma_\text{van} - \sigma}`, so it reaches 0 without a
    jump.

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
    radius, sigma, n_features = np.broadcast_arrays(
        check_positive("radius", radius),
        check_nonnegative("sigma", sigma),
        check_whole("n_features", n_features, 1),
    )
    vanishing = ball_vanishing_sigma(radius, n_features)
    result = np.where(sigma < vanishing, radius, 0.0)
    moved = (sigma > 0) & (result > 0)
    scaled, d = radius[moved] / sigma[moved], n_features[moved]
    # The median is below the mean, so the asymptote bounds the gap.
    gap = d / (scaled + np.sqrt(np.maximum(scaled**2 - d, 0)))
    gap = np.minimum(gap * (1 + 1e-9), scaled)

    def excess(gap):
        return LOG_HALF - _log_votes(gap, scaled, d)[1]

    result[moved] -= sigma[moved] * find_root(excess, np.zeros_like(gap), gap)
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
    ball_smoothed_radius : The exact one.

    Notes
    -----
    The squared distance of the noisy row has mean :math:`x^2 + d \sigma^2` and,
    relative to it, a spread that falls like :math:`1 / \sqrt{d}`, so half the votes are
    lost where the mean meets :math:`R^2`. The median lies below the mean, but not below
    the mean for d - 1 features: the exact radius is between this value for d and for
    d - 1.

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
    slab_vanishing_sigma : That of a slab.
    box_vanishing_sigma : That of a box.

    Notes
    -----
    The vote probability is largest at the centre, where it is the central chi-square
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
    distance: ArrayLike, radius: ArrayLike, sigma: ArrayLike, n_features: ArrayLike
) -> FloatOrArray:
    r"""Certified radius of the smoothed two-class classifier "ball or not".

    Parameters
    ----------
    distance : array-like
        Distance of the row from the centre of the ball.
    radius : array-like
        Radius of the ball.
    sigma : array-like
        Standard deviation of the noise, in the units of `distance`.
    n_features : array-like of int
        Number of features d.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. It belongs to the side that wins the
        vote, inside or outside, and is 0 where they tie.

    Raises
    ------
    ValueError
        As `ball_vote_probability`.

    See Also
    --------
    ball_smoothed_radius : The boundary this radius never reaches beyond.

    Notes
    -----
    :math:`\sigma |\Phi^{-1}(p)|` with the vote probability p of the ball, computed from
    the logarithm of the losing side's probability: neither a p that rounds to 1 nor one
    that underflows limits the radius. It is exact for a half-space only, so here it is
    less than the distance to the boundary, by more the higher the dimension.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_certified_radius
    >>> ball_certified_radius([0.0, 0.5, 2.0], 1.0, 0.2, 10).round(4)
    array([0.5105, 0.2511, 1.1255])
    """
    inside, outside = _ball_log_votes(distance, radius, sigma, n_features)
    return certified_radius(inside, outside, sigma)
