# SPDX-License-Identifier: BSD-3-Clause
"""The half-space: the one region that smoothing leaves as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from sksmooth._arguments import check_flag
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._numerics import (
    check_finite,
    check_nonnegative,
    check_sigma,
    check_whole,
    of_side,
)


def half_space_vote_probability(
    offset: ArrayLike, sigma: ArrayLike, *, complement: bool = False
) -> FloatOrArray:
    r"""Probability that a noisy sample falls into a half-space.

    Parameters
    ----------
    offset : array-like
        Signed distance of the sample to the boundary, positive inside.
    sigma : array-like
        Standard deviation of the noise, in the units of `offset`.
    complement : bool, default=False
        Return the probability of falling outside instead, accurate also where it is
        tiny.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `sigma` is not positive, or an argument is not finite.

    See Also
    --------
    slab_vote_probability : Between two parallel half-spaces' boundaries.

    Notes
    -----
    Only the noise along the normal v of the boundary counts, and it is
    :math:`N(0, \sigma^2)`: :math:`p = \Phi(\text{offset} / \sigma)`, in any number of
    features. So p is 1/2 on the boundary itself, whatever sigma is.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Appendix B (linear base classifiers).

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_vote_probability
    >>> round(float(half_space_vote_probability(1.0, 0.5)), 4)
    0.9772
    """
    offset, sigma = check_finite("offset", offset), check_sigma(sigma)
    sign = -1.0 if check_flag("complement", complement) else 1.0
    return ndtr(sign * offset / sigma)


def half_space_boundary_shift(
    sigma: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""How far smoothing moves the boundary of a half-space: for two classes, not.

    Parameters
    ----------
    sigma : array-like
        Standard deviation of the noise.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. Positive shifts would go into the
        half-space; it is 0 for two classes and negative for more.

    Raises
    ------
    ValueError
        If `sigma` is negative or not finite, or `n_classes` is not a whole number of at
        least 2.

    See Also
    --------
    cone_apex_shift : The semi-bounded region that does shrink.

    Notes
    -----
    The vote probability is 1/2 exactly on the boundary, see
    `half_space_vote_probability`, and 1/c at the offset :math:`\sigma \Phi^{-1}(1/c)`.
    It is the limit of the ball as its radius, and of the cone as its half-angle, grows.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_boundary_shift
    >>> half_space_boundary_shift(0.5, [2, 10]).round(4)
    array([ 0.    , -0.6408])
    """
    sigma = check_nonnegative("sigma", sigma)
    # 0.0 - x, so that two classes give 0.0 and not -0.0.
    return 0.0 - sigma * ndtri(1 - 1 / check_whole("n_classes", n_classes, 2))


def half_space_vanishing_sigma() -> float:
    """Sigma at which a half-space vanishes: infinity.

    Returns
    -------
    float
        ``inf``.

    See Also
    --------
    ball_vanishing_sigma : That of a ball.
    slab_vanishing_sigma : That of a slab.
    box_vanishing_sigma : That of a box.

    Notes
    -----
    It is there so that all shapes have the same functions. Far enough inside a
    half-space the vote probability is as near to 1 as one likes, whatever sigma is.

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_vanishing_sigma
    >>> half_space_vanishing_sigma()
    inf
    """
    return np.inf


def half_space_certified_radius(
    offset: ArrayLike, sigma: ArrayLike, *, side: str = "either"
) -> FloatOrArray:
    r"""Certified radius of the smoothed half-space: the distance to its boundary.

    Parameters
    ----------
    offset : array-like
        Signed distance of the sample to the boundary, positive inside.
    sigma : array-like
        Standard deviation of the noise, in the units of `offset`.
    side : {"either", "inside", "outside"}, default="either"
        Whose radius it is: that of the side that wins the vote, or that of one side
        only, which is 0 where the other one wins.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to; 0 on the boundary.

    Raises
    ------
    ValueError
        If `sigma` is not positive, an argument is not finite, or `side` is unknown.

    See Also
    --------
    ball_certified_radius : Where the certified radius is less than the distance.

    Notes
    -----
    Cohen's radius :math:`\sigma |\Phi^{-1}(p)|` with :math:`p = \Phi(\text{offset} /
    \sigma)` is the distance itself: for linear classifiers smoothing costs nothing and
    certifies everything there is.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1 and Appendix B.

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_certified_radius
    >>> float(half_space_certified_radius(-3.0, 0.5))
    3.0
    """
    offset, sigma = check_finite("offset", offset), check_sigma(sigma)
    offset = np.broadcast_arrays(offset, sigma)[0]
    return of_side(np.abs(offset), offset, side)
