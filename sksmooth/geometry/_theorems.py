# SPDX-License-Identifier: BSD-3-Clause
"""The theorems of "Hidden Cost of Randomized Smoothing", as they are printed.

Each is a bound on something that the other files of this room compute exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._typing import FloatOrArray
from sksmooth.geometry._cone import check_half_angle
from sksmooth.geometry._numerics import check_nonnegative, check_positive, check_whole
from sksmooth.geometry._slab import slab_shrinking_sigma, slab_vanishing_sigma


def ball_shrinking_bound(
    radius: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Sigma above which Theorem 3 guarantees that a bounded region shrinks.

    Parameters
    ----------
    radius : array-like
        Radius R of the smallest ball around the region.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c.

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
    ball_shrinking_sigma : From where on the ball itself shrinks, exactly.
    ball_vanishing_bound : From where on nothing is left.

    Notes
    -----
    Above :math:`R \sqrt{c} / \sqrt{2 (d - 1)}` the smallest ball around the region in
    which the class has at least 1/c of the votes is smaller than R. The theorem is for
    :math:`d > 1`. In one feature this is the threshold of appendix D.1, which is exact.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorem 3 and
       appendix D.1.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_shrinking_bound, ball_shrinking_sigma
    >>> ball_shrinking_bound(1.0, [2, 10, 784], 10).round(4)
    array([2.2361, 0.7454, 0.0799])
    >>> ball_shrinking_sigma(1.0, [2, 10, 784], 10).round(4)
    array([2.0534, 0.2826, 0.0033])
    """
    radius = check_positive("radius", radius)
    n_features = check_whole("n_features", n_features, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    interval = slab_shrinking_sigma(radius, n_classes)
    theorem = radius * np.sqrt(n_classes / (2 * np.maximum(n_features - 1, 1)))
    return np.where(n_features == 1, interval, theorem)[()]


def ball_vanishing_bound(
    radius: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Sigma above which Theorem 4 guarantees that a bounded region has vanished.

    Parameters
    ----------
    radius : array-like
        Radius R of the smallest ball around the region.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c.

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
    ball_vanishing_sigma : At which the ball itself vanishes, exactly.
    ball_shrinking_bound : From where on the region is smaller.

    Notes
    -----
    Above :math:`R \sqrt{c} / \sqrt{d}` the class has less than 1/c of the votes
    everywhere. In high dimension the truth, near :math:`R / \sqrt{d}`, hardly depends
    on c, so the bound is too large by about :math:`\sqrt{c}`. In one feature it would
    be false, and this is the threshold of appendix D.1 instead, which is exact.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorem 4 and
       appendix D.1.

    Examples
    --------
    >>> from sksmooth.shrinkage import ball_vanishing_bound, ball_vanishing_sigma
    >>> ball_vanishing_bound(1.0, 3072, [2, 10, 20]).round(4)
    array([0.0255, 0.0571, 0.0807])
    >>> ball_vanishing_sigma(1.0, 3072, [2, 10, 20]).round(4)
    array([0.018 , 0.0183, 0.0184])
    """
    radius = check_positive("radius", radius)
    n_features = check_whole("n_features", n_features, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    interval = slab_vanishing_sigma(radius, n_classes)
    theorem = radius * np.sqrt(n_classes / n_features)
    return np.where(n_features == 1, interval, theorem)[()]


def cone_rate_bound(
    half_angle: ArrayLike, n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Rate that Theorem 7 states as a lower bound for cones, at a sigma of 1.

    Parameters
    ----------
    half_angle : array-like
        Angle between the axis and the boundary in radians, in (0, pi/2).
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to. It is not positive, and so says
        nothing, from `cone_narrowness_angle` on.

    Raises
    ------
    ValueError
        If `half_angle` is not in (0, pi/2), `n_features` is not a whole number of at
        least 1, or `n_classes` not one of at least 2.

    See Also
    --------
    cone_shrinking_rate : The rate itself, exactly.
    cone_shrinking_bound : What follows for a region inside the cone.

    Notes
    -----
    The shift of the apex per unit of sigma is stated to be at least

    .. math:: \sqrt{\frac{d - 1}{c \tan^2 \theta}} \;
              \frac{(d - 1) - 2 c \tan^2(\theta) \log(c - 1)}{2 (d - 1)}.

    For two classes that is 35 to 46 % of the truth at 45 degrees. **In two features it
    is not a bound** for narrow cones and seven or more classes: the exact rate tends to
    :math:`\Phi^{-1}(1/2 + 1/(2c)) / \theta` there, which is less than the
    :math:`1 / (2 \sqrt{c} \, \theta)` of the theorem. On a grid of half-angles, with d
    from 3 to 3072 and c up to 1,000, it held everywhere.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 7 (shrinking rate of semi-bounded regions).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_rate_bound, cone_shrinking_rate
    >>> cone_rate_bound(np.pi / 4, [2, 10, 64, 784]).round(3)
    array([0.354, 1.061, 2.806, 9.893])
    >>> cone_shrinking_rate(np.pi / 4, [2, 10, 64, 784]).round(3)
    array([ 0.771,  2.908,  7.902, 27.972])
    """
    tangent = np.tan(check_half_angle(half_angle))
    m = check_whole("n_features", n_features, 1) - 1
    n_classes = check_whole("n_classes", n_classes, 2)
    root, log_rest = np.sqrt(n_classes), np.log(n_classes - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(log_rest > 0, root * tangent * log_rest / np.sqrt(m), 0.0)
    return np.sqrt(m) / (2 * root * tangent) - loss


def cone_narrowness_angle(
    n_features: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Half-angle below which Theorem 5 guarantees that a semi-bounded region shrinks.

    Parameters
    ----------
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c.

    Returns
    -------
    float or ndarray
        In radians, of the shape the arguments broadcast to; pi/2 for two classes.

    Raises
    ------
    ValueError
        If `n_features` is not a whole number of at least 1, or `n_classes` not one of
        at least 2.

    See Also
    --------
    cone_shrinking_angle : The half-angle below which cones do shrink, exactly.
    cone_shrinking_bound : From which sigma on.

    Notes
    -----
    The condition of the theorem is
    :math:`\tan \theta < \sqrt{(d - 1) / (2 c \log(c - 1))}`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 5 (semi-bounded regions shrink).

    Examples
    --------
    MNIST, CIFAR-10, and ImageNet with 256 and with 224 pixels a side:

    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_narrowness_angle
    >>> n_features, n_classes = [784, 3072, 196608, 150528], [10, 10, 1000, 1000]
    >>> np.degrees(cone_narrowness_angle(n_features, n_classes)).round(2)
    array([76.67, 83.18, 75.15, 73.15])
    """
    m = check_whole("n_features", n_features, 1) - 1
    n_classes = check_whole("n_classes", n_classes, 2)
    log_rest = np.log(n_classes - 1)
    angle = np.arctan2(np.sqrt(m), np.sqrt(2 * n_classes * log_rest))
    return np.where(log_rest == 0, np.pi / 2, angle)[()]


def cone_shrinking_bound(
    half_angle: ArrayLike,
    gap: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
) -> FloatOrArray:
    r"""Sigma above which Theorem 5 guarantees that a semi-bounded region shrinks.

    Parameters
    ----------
    half_angle : array-like
        Half-angle of a cone around the region in radians, in (0, pi/2).
    gap : array-like
        How far the region stays away from the apex of that cone, along its axis.
    n_features : array-like of int
        Number of features d.
    n_classes : array-like of int, default=2
        Number of classes c.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to; ``inf`` where the cone is not narrow
        enough for the theorem, see `cone_narrowness_angle`.

    Raises
    ------
    ValueError
        If `half_angle` is not in (0, pi/2), `gap` is negative or not finite,
        `n_features` is not a whole number of at least 1, or `n_classes` not one of at
        least 2.

    See Also
    --------
    cone_apex_shift : How far the smoothed cone moves, exactly.
    cone_rate_bound : The rate that this is made of.

    Notes
    -----
    The smoothed region lies in the smoothed cone, and so is smaller than the region
    once the apex has moved by more than the gap: for sigma above

    .. math:: \text{gap} \, \tan(\theta) \sqrt{\frac{c}{d - 1}} \;
              \frac{2 (d - 1)}{(d - 1) - 2 c \tan^2(\theta) \log(c - 1)},

    which is the gap divided by `cone_rate_bound`. For the cone the exact threshold is
    the gap divided by `cone_shrinking_rate`. In two features the caveat of
    `cone_rate_bound` applies.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249,
       Theorem 5 (semi-bounded regions shrink).

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.shrinkage import cone_shrinking_bound
    >>> cone_shrinking_bound(np.radians([45, 70, 80]), 1.0, 784, 10).round(3)
    array([0.239, 1.077,   inf])
    """
    rate = np.asarray(cone_rate_bound(half_angle, n_features, n_classes))
    gap = check_nonnegative("gap", gap)
    gap, rate = np.broadcast_arrays(gap, rate)
    bound = np.full(gap.shape, np.inf)
    np.divide(gap, rate, out=bound, where=rate > 0)
    return bound[()]
