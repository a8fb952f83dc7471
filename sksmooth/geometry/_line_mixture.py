# SPDX-License-Identifier: BSD-3-Clause
"""Three clusters on a line, trained with noise and smoothed: all of it exactly.

The middle cluster is one class and the outer two are the other. With infinitely many
noisy copies training gives the Bayes classifier of the noisy mixture. It predicts the
middle class in an interval, and so does the smoothed classifier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from sksmooth._special import find_root
from sksmooth._typing import FloatOrArray
from sksmooth.geometry._numerics import (
    as_floats,
    check_finite,
    check_nonnegative,
    check_positive,
)
from sksmooth.geometry._slab import slab_smoothed_halfwidth, slab_vote_probability


def _check_mixture(positions, weights):
    positions = check_finite("positions", positions)
    weights = check_positive("weights", weights)
    for name, values in (("positions", positions), ("weights", weights)):
        if values.shape != (3,):
            raise ValueError(
                f"{name} must have one number for each of three clusters, got shape "
                f"{values.shape}."
            )
    if not np.all(np.diff(positions) > 0):
        raise ValueError(
            "positions must increase from left to right, got "
            f"{', '.join(f'{x:g}' for x in positions)}."
        )
    return positions, weights


def _bayes_interval(positions, weights, spread):
    """Ends of the interval in which the Bayes classifier predicts the middle class.

    Seen from the middle cluster. Both ends are equal where there is no such interval.
    """
    left, right = positions[[0, 2]] - positions[1]
    # Without any spread the nearest cluster decides; a spread below this moves the
    # boundaries by less than they are rounded.
    ends = np.empty((2, *spread.shape))
    ends[0], ends[1] = left / 2, right / 2
    some = spread > 1e-10 * min(-left, right)
    square = spread[some] ** 2
    # log(outer density / middle density) is the log of a sum of two exponentials, with
    # one falling and one rising: convex, so there are two roots around its minimum.
    falls = np.log(weights[0] / weights[1]) - left**2 / (2 * square)
    rises = np.log(weights[2] / weights[1]) - right**2 / (2 * square)
    lowest = square * (falls - rises + np.log(-left / right)) / (right - left)

    def log_ratio(x):
        return np.logaddexp(falls + x * left / square, rises + x * right / square)

    # At an end neither exponential alone is more than 1.
    reach = np.maximum(lowest + falls * square / left, 0.0)
    low = lowest - find_root(lambda y: log_ratio(lowest - y), 0.0 * reach, reach)
    reach = np.maximum(-rises * square / right - lowest, 0.0)
    high = lowest + find_root(lambda y: log_ratio(lowest + y), 0.0 * reach, reach)
    wins = log_ratio(lowest) < 0
    ends[:, some] = np.where(wins, [low, high], lowest)
    return ends


def _intervals(positions, weights, train_sigma, sigma, data_sigma):
    sigma, train_sigma, data_sigma = np.broadcast_arrays(
        check_nonnegative("sigma", sigma),
        check_nonnegative("train_sigma", train_sigma),
        check_nonnegative("data_sigma", data_sigma),
    )
    low, high = _bayes_interval(positions, weights, np.hypot(train_sigma, data_sigma))
    middle, halfwidth = (low + high) / 2, np.array((high - low) / 2)
    found = (halfwidth > 0) & (sigma > 0)
    smoothed = slab_smoothed_halfwidth(halfwidth[found], sigma[found])
    # What smoothing leaves as it is keeps its ends to the last digit.
    halfwidth[found] = smoothed
    low = np.where(found, middle - halfwidth, low)
    high = np.where(found, middle + halfwidth, high)
    return low + positions[1], high + positions[1], data_sigma


def line_mixture_region(
    positions: ArrayLike,
    weights: ArrayLike,
    train_sigma: ArrayLike,
    sigma: ArrayLike = 0.0,
    *,
    data_sigma: ArrayLike = 0.0,
) -> FloatOrArray:
    r"""Interval of the middle one of three clusters, trained with noise and smoothed.

    Parameters
    ----------
    positions : array-like of shape (3,)
        Centers of the clusters on a line, from left to right. The middle one is a class
        of its own, the outer two are the other class.
    weights : array-like of shape (3,)
        Their shares of the data; only ratios matter.
    train_sigma : array-like
        Standard deviation of the noise in training; 0 for training without noise.
    sigma : array-like, default=0.0
        Standard deviation of the noise in smoothing; 0 for the classifier that is not
        smoothed.
    data_sigma : array-like, default=0.0
        Standard deviation of each cluster; 0 for three points.

    Returns
    -------
    ndarray of shape (..., 2)
        Ends of the interval in which the (smoothed) classifier predicts the middle
        class, for each element of the shape that the last three arguments broadcast to.
        They are equal where it is predicted nowhere.

    Raises
    ------
    ValueError
        If `positions` does not increase, `weights` is not positive, either has another
        shape, or a standard deviation is negative or not finite.

    See Also
    --------
    line_mixture_accuracy : What this means for the accuracy of the two classes.
    line_mixture_takeover_sigma : When it includes an outer cluster.

    Notes
    -----
    With infinitely many noisy copies, training gives the Bayes classifier of the
    mixture in which each cluster has the variance :math:`\sigma_0^2 + \sigma_t^2`. The
    logarithm of the ratio of the two densities is convex, so the middle class has an
    interval, found from two roots. It is smoothed as a slab is, see
    `slab_smoothed_halfwidth`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorem 1.

    Examples
    --------
    A point between two others loses its interval the earlier if training adds noise:

    >>> from sksmooth.shrinkage import line_mixture_region
    >>> points = [-1, 0, 1], [1, 1, 1]
    >>> line_mixture_region(*points, train_sigma=0.0, sigma=0.7).round(3)
    array([-0.238,  0.238])
    >>> line_mixture_region(*points, train_sigma=0.7, sigma=0.7).round(3)
    array([0., 0.])
    """
    positions, weights = _check_mixture(positions, weights)
    low, high, _ = _intervals(positions, weights, train_sigma, sigma, data_sigma)
    return np.stack([low, high], axis=-1)


def line_mixture_accuracy(
    positions: ArrayLike,
    weights: ArrayLike,
    train_sigma: ArrayLike,
    sigma: ArrayLike = 0.0,
    *,
    data_sigma: ArrayLike = 0.0,
) -> FloatOrArray:
    r"""Class-wise accuracy on three clusters, trained with noise and smoothed.

    Parameters
    ----------
    positions : array-like of shape (3,)
        Centers of the clusters on a line, from left to right. The middle one is a class
        of its own, the outer two are the other class.
    weights : array-like of shape (3,)
        Their shares of the data; only ratios matter.
    train_sigma : array-like
        Standard deviation of the noise in training; 0 for training without noise.
    sigma : array-like, default=0.0
        Standard deviation of the noise in smoothing; 0 for the classifier that is not
        smoothed.
    data_sigma : array-like, default=0.0
        Standard deviation of each cluster; 0 for three points.

    Returns
    -------
    ndarray of shape (..., 2)
        Accuracy of the middle class and of the outer class, on data without noise.

    Raises
    ------
    ValueError
        As `line_mixture_region`.

    See Also
    --------
    line_mixture_region : The interval behind it.

    Notes
    -----
    Theorem 2 of [1]_ is about points at -a, 0 and ka with the weights 1/2 - e, 1/2 and
    e. Where the middle class takes the point at -a, the outer class keeps e of its 1/2,
    so the gap between the two accuracies is 1 - 2e.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorems 1 and 2.

    Examples
    --------
    >>> from sksmooth.shrinkage import line_mixture_accuracy
    >>> points = [-1, 0, 148], [0.45, 0.5, 0.05]
    >>> line_mixture_accuracy(*points, [0, 2, 4], [0, 2, 4]).round(2)
    array([[1. , 1. ],
           [1. , 1. ],
           [1. , 0.1]])
    """
    positions, weights = _check_mixture(positions, weights)
    low, high, spread = _intervals(positions, weights, train_sigma, sigma, data_sigma)
    point = spread == 0
    width = np.where(point, 1.0, spread)
    outside = [
        np.where(
            point,
            ~((low < x) & (x < high)),
            ndtr((low - x) / width) + ndtr((x - high) / width),
        )
        for x in positions
    ]
    middle = 1 - outside[1]
    outer = (weights[0] * outside[0] + weights[2] * outside[2]) / (
        weights[0] + weights[2]
    )
    return np.stack([middle, outer], axis=-1)


def line_mixture_takeover_sigma(
    positions: ArrayLike, weights: ArrayLike
) -> FloatOrArray:
    r"""Sigma from which on the middle one of three points takes its neighbors.

    Parameters
    ----------
    positions : array-like of shape (3,)
        Three points on a line, from left to right. The middle one is a class of its
        own, the outer two are the other class.
    weights : array-like of shape (3,)
        Their shares of the data; only ratios matter.

    Returns
    -------
    ndarray of shape (2,)
        For the left and for the right point: the smallest sigma, for training and
        smoothing alike, at which the smoothed classifier predicts the middle class
        there. ``inf`` where that is at no sigma up to 1,000 times the distance of the
        outer points.

    Raises
    ------
    ValueError
        If `positions` does not increase, `weights` is not positive, or either has
        another shape.

    See Also
    --------
    line_mixture_takeover_bound : What Theorem 2 of the paper guarantees.

    Notes
    -----
    The vote of the point is computed at 4,000 values of sigma in equal ratios, from
    1/10,000 of the smaller distance between neighbors on, and the first sign change is
    refined to rounding.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorem 2.

    Examples
    --------
    >>> from sksmooth.shrinkage import line_mixture_takeover_sigma
    >>> line_mixture_takeover_sigma([-1, 0, 148], [0.45, 0.5, 0.05]).round(2)
    array([2.18,  inf])
    """
    positions, weights = _check_mixture(positions, weights)

    def lead(sigma, point):
        low, high = _bayes_interval(positions, weights, sigma) + positions[1]
        result = np.full(sigma.shape, -0.5)
        some = high > low
        middle, halfwidth = (low + high)[some] / 2, (high - low)[some] / 2
        votes = slab_vote_probability(point - middle, halfwidth, sigma[some])
        result[some] = votes - 0.5
        return result

    gaps = np.diff(positions)
    grid = np.geomspace(1e-4 * gaps.min(), 1e3 * gaps.sum(), 4000)
    found = np.full(2, np.inf)
    for i, point in enumerate((positions[0], positions[2])):
        taken = np.flatnonzero(lead(grid, point) > 0)
        if taken.size:
            low, high = grid[[taken[0] - 1]], grid[[taken[0]]]
            found[i] = find_root(lambda s: lead(s, point), low, high)[0]  # noqa: B023
    return found


def line_mixture_takeover_bound(
    distance: ArrayLike,
    ratio: ArrayLike,
    rare_share: ArrayLike,
    *,
    as_printed: bool = False,
) -> FloatOrArray:
    r"""Sigma from which on Theorem 2 guarantees that training with noise costs a class.

    Parameters
    ----------
    distance : array-like
        Distance a between the middle class, a point at 0, and the near point of the
        other class, at -a.
    ratio : array-like
        The far point of the other class is at ka; this is k.
    rare_share : array-like
        Share e of the data that is at ka, between 0 and 1/2. The middle class has 1/2.
    as_printed : bool, default=False
        Return the threshold as printed in [1]_, which the proof does not give.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `distance` is not positive and finite, `rare_share` is not in (0, 1/2), or
        `ratio` is not above ``exp(2) / rare_share - 1``, as the theorem requires.

    See Also
    --------
    line_mixture_takeover_sigma : The exact threshold, which is far lower.
    line_mixture_accuracy : The gap: 1 - 2e (printed as 1 - e).

    Notes
    -----
    The last step of the proof solves :math:`k (k + 1) a^2 / (2 \sigma^2) + 2k / (k + 2)
    \leq \log(2 e (k + 1))` for sigma, which gives

    .. math:: \sigma \geq a \sqrt{\frac{k (k + 1)}
                                 {2 \log(2 e (k + 1)) - 4 k / (k + 2)}},

    where the printed theorem has :math:`2 k / (k + 2)` in the denominator.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, arXiv:2003.01249, Theorem 2.

    Examples
    --------
    >>> from sksmooth.shrinkage import line_mixture_takeover_bound
    >>> print(line_mixture_takeover_bound(1 / 149, 148, 0.05).round(3))
    0.826
    >>> print(line_mixture_takeover_bound(1 / 149, 148, 0.05, as_printed=True).round(3))
    0.538
    """
    distance, k, rare = np.broadcast_arrays(
        check_positive("distance", distance),
        check_positive("ratio", ratio),
        as_floats("rare_share", rare_share),
    )
    bad = ~((rare > 0) & (rare < 0.5))
    if bad.any():
        raise ValueError(f"rare_share must be in (0, 1/2), got {rare[bad].flat[0]:g}.")
    bad = k <= np.exp(2) / rare - 1
    if bad.any():
        raise ValueError(
            "ratio must be above exp(2) / rare_share - 1 = "
            f"{np.exp(2) / rare[bad].flat[0] - 1:g} for the theorem, got "
            f"{k[bad].flat[0]:g}."
        )
    lost = (2 if as_printed else 4) * k / (k + 2)
    return distance * np.sqrt(k * (k + 1) / (2 * np.log(2 * rare * (k + 1)) - lost))
