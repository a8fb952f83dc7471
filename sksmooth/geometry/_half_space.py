# SPDX-License-Identifier: BSD-3-Clause
"""The half-space: the one region that smoothing leaves as it is."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from sksmooth._typing import FloatOrArray
from sksmooth.geometry._numerics import (
    check_finite,
    check_nonnegative,
    check_sigma,
)


def half_space_vote_probability(
    offset: ArrayLike, sigma: ArrayLike, *, complement: bool = False
) -> FloatOrArray:
    r"""Probability that a noisy row falls into a half-space.

    Parameters
    ----------
    offset : array-like
        Signed distance of the row to the boundary, positive inside.
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
    return ndtr(-offset / sigma if complement else offset / sigma)


def half_space_boundary_shift(sigma: ArrayLike) -> FloatOrArray:
    """How far smoothing moves the boundary of a half-space: not at all.

    Parameters
    ----------
    sigma : array-like
        Standard deviation of the noise.

    Returns
    -------
    float or ndarray
        Zeros of the shape of `sigma`.

    Raises
    ------
    ValueError
        If `sigma` is negative or not finite.

    See Also
    --------
    cone_apex_shift : The semi-bounded region that does shrink.

    Notes
    -----
    The vote probability is 1/2 exactly on the boundary, see
    `half_space_vote_probability`. It is the limit of the ball as its radius, and of the
    cone as its half-angle, grows.

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_boundary_shift
    >>> float(half_space_boundary_shift(0.5))
    0.0
    """
    return np.zeros_like(check_nonnegative("sigma", sigma))[()]


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
    It is there so that all shapes answer the same questions. Far enough inside a
    half-space the vote probability is as near to 1 as one likes, whatever sigma is.

    Examples
    --------
    >>> from sksmooth.shrinkage import half_space_vanishing_sigma
    >>> half_space_vanishing_sigma()
    inf
    """
    return np.inf


def half_space_certified_radius(offset: ArrayLike, sigma: ArrayLike) -> FloatOrArray:
    r"""Certified radius of the smoothed half-space: the distance to its boundary.

    Parameters
    ----------
    offset : array-like
        Signed distance of the row to the boundary, positive inside.
    sigma : array-like
        Standard deviation of the noise, in the units of `offset`.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. It belongs to the side that wins the
        vote, inside or outside, and is 0 on the boundary.

    Raises
    ------
    ValueError
        If `sigma` is not positive, or an argument is not finite.

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
    return np.broadcast_arrays(np.abs(offset), sigma)[0].copy()[()]
