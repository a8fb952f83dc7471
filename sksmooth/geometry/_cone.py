# SPDX-License-Identifier: BSD-3-Clause
"""The round cone: a semi-bounded region, which shrinks but never vanishes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, log_ndtr, ndtri

from sksmooth._arguments import check_flag
from sksmooth._special import LOG_HALF, find_root, log1mexp
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._noncentral_chi import log_mean_normal_cdf
from sksmooth.geometry._numerics import (
    certified_radius,
    check_finite,
    check_nonnegative,
    check_sigma,
    check_whole,
)


def check_half_angle(half_angle):
    """Angles of cones, which are convex and have an inside."""
    half_angle = check_finite("half_angle", half_angle)
    bad = ~((half_angle > 0) & (half_angle < np.pi / 2))
    if bad.any():
        raise ValueError(
            "half_angle must be in (0, pi/2), in radians, got "
            f"{half_angle[bad].flat[0]:g}."
        )
    return half_angle


def _check_radial(radial, n_features):
    radial = check_nonnegative("radial", radial)
    if np.any((radial > 0) & (n_features == 1)):
        raise ValueError(
            "radial must be 0 for n_features=1: a line has no distance from its axis."
        )
    return radial


def _log_inside(height, slope, radial, n_features):
    # All in units of sigma; height is that above the boundary, along the axis.
    height, slope, radial, m = np.broadcast_arrays(
        height, slope, radial, n_features - 1
    )
    result = np.empty(height.shape)
    line = m == 0
    result[line] = log_ndtr(height[line])
    result[~line] = log_mean_normal_cdf(
        height[~line], slope[~line], radial[~line], m[~line]
    )
    return result


def _log_votes(axial, radial, half_angle, sigma, n_features):
    sigma = check_sigma(sigma)
    n_features = check_whole("n_features", n_features, 1)
    axial = check_finite("axial", axial)
    radial = _check_radial(radial, n_features)
    slope = 1 / np.tan(check_half_angle(half_angle))
    height, slope, radial, n_features = np.broadcast_arrays(
        (axial - slope * radial) / sigma, slope, radial / sigma, n_features
    )
    log_inside = _log_inside(height, slope, radial, n_features)
    log_outside = np.empty(height.shape)
    mostly = log_inside > LOG_HALF
    log_outside[~mostly] = log1mexp(log_inside[~mostly])
    log_outside[mostly] = _log_inside(
        -height[mostly], -slope[mostly], radial[mostly], n_features[mostly]
    )
    log_inside[mostly] = log1mexp(log_outside[mostly])
    return log_inside, log_outside


def cone_vote_probability(
    axial: ArrayLike,
    radial: ArrayLike,
    half_angle: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    *,
    complement: bool = False,
) -> FloatOrArray:
    r"""Probability that a noisy sample falls into a round cone.

    Parameters
    ----------
    axial : array-like
        Coordinate of the sample along the axis of the cone, from its apex, positive on
        the side on which the cone opens.
    radial : array-like
        Distance of the sample from the axis.
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    sigma : array-like
        Standard deviation of the noise, in the units of `axial` and `radial`.
    n_features : array-like of int
        Number of features d. In one, the cone is the half-line ``axial >= 0`` and
        `radial` must be 0.
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
        If `half_angle` is not in (0, pi/2), `radial` is negative (or positive in one
        feature), `sigma` is not positive, one of them is not finite, or `n_features` is
        not a whole number of at least 1.

    See Also
    --------
    cone_smoothed_boundary : Where this is 1/2.
    cone_certified_radius : What it certifies.

    Notes
    -----
    The cone is :math:`x_\parallel \geq \cot(\theta) \, \lVert x_\perp \rVert`. By
    symmetry the sample enters through its coordinate a along the axis and its distance
    r from it. With a standard normal Z for the noise along the axis, and S, the
    distance of the noisy sample from the axis in units of sigma, noncentral chi with d
    - 1 degrees of freedom and noncentrality :math:`r / \sigma`,

    .. math:: p = P(a + \sigma Z \geq \cot(\theta) \, \sigma S)
              = E\,\Phi(a / \sigma - \cot(\theta) S),

    an integral over s of two log-concave factors, taken in panels around its mode. On
    the axis S is central, and p is the probability that a noncentral t with d - 1
    degrees of freedom and noncentrality :math:`a / \sigma` exceeds
    :math:`\sqrt{d - 1} \cot \theta`. In two features and with half-angle pi/4 the cone
    is a quadrant.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_vote_probability
    >>> cone_vote_probability(1.0, 0.0, np.pi / 4, 0.5, [2, 10, 64]).round(4)
    array([0.8489, 0.2267, 0.    ])
    """
    votes = _log_votes(axial, radial, half_angle, sigma, n_features)
    return np.exp(votes[check_flag("complement", complement)])


def cone_smoothed_boundary(
    radial: ArrayLike,
    half_angle: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
) -> FloatOrArray:
    r"""Axial coordinate from which on the smoothed classifier votes for a cone.

    Parameters
    ----------
    radial : array-like
        Distance from the axis of the cone.
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    sigma : array-like
        Standard deviation of the noise, in the units of `radial`; 0 is allowed and
        changes nothing.
    n_features : array-like of int
        Number of features d. In one, `radial` must be 0.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. Without noise it is
        ``radial / tan(half_angle)``, the boundary of the cone itself.

    Raises
    ------
    ValueError
        If `half_angle` is not in (0, pi/2), `radial` is negative (or positive in one
        feature), `sigma` is negative, one of them is not finite, `n_features` is not a
        whole number of at least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    cone_apex_shift : The same on the axis.

    Notes
    -----
    The root a of `cone_vote_probability` = 1/c at a fixed distance r from the axis. The
    smoothed region is convex like the cone, but rounded at its tip. For two classes its
    boundary lies between :math:`\cot(\theta) \, r` and :math:`\cot(\theta) \sqrt{r^2 +
    (d - 1) \sigma^2}`, and so approaches the cone's far from the apex. For more classes
    it approaches that of a cone that is larger by :math:`\sigma \Phi^{-1}(1 - 1/c)` on
    all sides.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 5 (semi-bounded regions shrink).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_smoothed_boundary
    >>> cone_smoothed_boundary([0.0, 1.0, 10.0], np.pi / 4, 0.5, 10).round(4)
    array([ 1.4542,  1.7525, 10.0996])
    """
    n_features = check_whole("n_features", n_features, 1)
    radial, slope, sigma, n_features, n_classes = np.broadcast_arrays(
        _check_radial(radial, n_features),
        1 / np.tan(check_half_angle(half_angle)),
        check_nonnegative("sigma", sigma),
        n_features,
        check_whole("n_classes", n_classes, 2),
    )
    result = np.array(slope * radial)
    noisy = sigma > 0
    slope, sigma, d = slope[noisy], sigma[noisy], n_features[noisy]
    c, scaled = n_classes[noisy], radial[noisy] / sigma
    log_share = -np.log(c)
    # The half-space that touches the cone here holds it, so it has no fewer votes.
    lowest = 0.0 - ndtri(1 - 1 / c) * np.hypot(1, slope)
    # In one feature the shift is 0; in more, the divisor is at least 1 anyway.
    divisor = np.hypot(scaled, np.sqrt(d - 1)) + scaled
    highest = slope * (d - 1) / np.maximum(divisor, 1)

    def excess(rise):
        return _log_inside(lowest + rise, slope, scaled, d) - log_share

    height = lowest + find_root(excess, np.zeros_like(highest), highest - lowest)
    result[noisy] += sigma * height
    return result[()]


def cone_apex_shift(
    half_angle: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
) -> FloatOrArray:
    r"""How far along its axis the tip of the smoothed cone lies inside the cone.

    Parameters
    ----------
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    sigma : array-like
        Standard deviation of the noise; the shift is in its units.
    n_features : array-like of int
        Number of features d. In one, the cone is a half-line, and the shift for two
        classes is 0.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. It is negative where the smoothed
        region is larger than the cone: for more than two classes and half-angles above
        `cone_shrinking_angle`.

    Raises
    ------
    ValueError
        If `half_angle` is not in (0, pi/2), `sigma` is negative or not finite,
        `n_features` is not a whole number of at least 1, or `n_classes` not one of at
        least 2.

    See Also
    --------
    cone_shrinking_rate : The same per sigma.
    cone_shrinking_angle : The half-angle at which it is 0.
    cone_rate_bound : What Theorem 7 of the paper guarantees.
    cone_smoothed_boundary : The boundary off the axis.

    Notes
    -----
    On the axis, at the distance a from the apex, the noisy sample is inside if :math:`a
    / \sigma + Z \geq \cot(\theta) S` with Z standard normal and S chi with d - 1
    degrees of freedom, that is, if :math:`T = \sqrt{d - 1} (Z + a / \sigma) / S`, which
    is noncentral t with d - 1 degrees of freedom and noncentrality :math:`a / \sigma`,
    exceeds :math:`\sqrt{d - 1} \cot \theta`. The tip of the smoothed region is where
    that has probability 1/c. A cone is scale-free, so the shift is sigma times a number
    that depends on half-angle, dimension and number of classes only. S is near
    :math:`\sqrt{d - 1}`, so for two classes that number is about, and never more than,
    :math:`\sqrt{d - 1} \cot \theta`. A cone shrinks without bound as sigma grows, but
    it never vanishes.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorems 5 and 7 (how semi-bounded regions shrink, and at which rate).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_apex_shift
    >>> cone_apex_shift(np.pi / 4, 1.0, [2, 10, 3072]).round(4)
    array([ 0.7707,  2.9083, 55.4116])
    """
    return cone_smoothed_boundary(0.0, half_angle, sigma, n_features, n_classes)


def cone_shrinking_rate(
    half_angle: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Apex shift of the smoothed cone per unit of sigma.

    Parameters
    ----------
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c. For two this is the boundary of the smoothed classifier.
        For more it is that of the region in which the class has at least 1/c of the
        votes, as in [1]_: outside of it the class cannot win, whatever the others are.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `half_angle` is not in (0, pi/2), `n_features` is not a whole number of at
        least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    cone_apex_shift : This times sigma, and its derivation.
    cone_rate_bound : What Theorem 7 of the paper guarantees.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 7 (shrinking rate of semi-bounded regions).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_shrinking_rate
    >>> cone_shrinking_rate([np.pi / 8, np.pi / 4, 3 * np.pi / 8], 10).round(4)
    array([6.9917, 2.9083, 1.2077])
    """
    return cone_smoothed_boundary(0.0, half_angle, 1.0, n_features, n_classes)


def cone_shrinking_angle(
    n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Half-angle below which a cone shrinks.

    Parameters
    ----------
    n_features : array-like of int
        Number of features d, at least 2.
    n_classes : array-like of int, default=2
        Number of classes c. The smoothed region is that in which the class has at
        least 1/c of the votes, as in [1]_.

    Returns
    -------
    float or ndarray
        In radians, of the shape the arguments broadcast to. It is pi/2 for two classes:
        then every cone shrinks.

    Raises
    ------
    ValueError
        If `n_features` or `n_classes` is not a whole number of at least 2.

    See Also
    --------
    cone_narrowness_angle : The half-angle up to which Theorem 5 of the paper holds.
    cone_apex_shift : Negative for wider cones.

    Notes
    -----
    From the apex, noise of any sigma falls into the cone as often as a random direction
    does. So the apex has 1/c of the votes if the cone holds 1/c of all directions. In d
    features that is at :math:`\sin^2 \theta = I^{-1}_{2/c}((d - 1) / 2, 1/2)`, the
    inverse of the regularized incomplete beta function.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 5 (semi-bounded regions shrink).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_shrinking_angle
    >>> np.degrees(cone_shrinking_angle([2, 3, 784, 3072], 10)).round(2)
    array([18.  , 36.87, 87.38, 88.67])
    """
    n_features = check_whole("n_features", n_features, 2)
    n_classes = check_whole("n_classes", n_classes, 2)
    # Both squares, so that angles near 0 and near pi/2 keep their digits.
    sine = betaincinv((n_features - 1) / 2, 0.5, 2 / n_classes)
    cosine = betaincinv(0.5, (n_features - 1) / 2, 1 - 2 / n_classes)
    return np.arctan2(np.sqrt(sine), np.sqrt(cosine))


def cone_certified_radius(
    axial: ArrayLike,
    radial: ArrayLike,
    half_angle: ArrayLike,
    sigma: ArrayLike,
    n_features: ArrayLike,
    *,
    side: str = "either",
) -> FloatOrArray:
    r"""Certified radius of the smoothed two-class classifier "cone or not".

    Parameters
    ----------
    axial : array-like
        Coordinate of the sample along the axis of the cone, from its apex, positive on
        the side on which the cone opens.
    radial : array-like
        Distance of the sample from the axis.
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    sigma : array-like
        Standard deviation of the noise, in the units of `axial` and `radial`.
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
        As `cone_vote_probability`, or if `side` is unknown.

    See Also
    --------
    cone_smoothed_boundary : The boundary this radius never reaches beyond.

    Notes
    -----
    :math:`\sigma |\Phi^{-1}(p)|` with the vote probability p of the cone, computed from
    the logarithm of the losing side's probability: neither a p that rounds to 1 nor one
    that underflows limits the radius.

    As sigma grows, the boundary passes each sample inside the cone. From then on the
    radius of the winning side grows again, but it is that of "outside"; for the radius
    of the class itself, as in Figure 3 of [2]_, take ``side="inside"``.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.

    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249.

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_certified_radius
    >>> cone_certified_radius([-1.0, 1.0, 3.0], 0.0, np.pi / 4, 0.5, 10).round(4)
    array([2.0818, 0.3748, 1.2444])
    >>> sample = -1.0, 0.0, np.pi / 4, 0.5, 10
    >>> float(cone_certified_radius(*sample, side="inside"))
    0.0
    """
    inside, outside = _log_votes(axial, radial, half_angle, sigma, n_features)
    return certified_radius(inside, outside, sigma, side)
