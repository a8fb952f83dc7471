# SPDX-License-Identifier: BSD-3-Clause
"""When regions vanish under noise of other laws: by volume, l1 balls, categories."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from sksmooth._typing import FloatOrArray
from sksmooth.geometry._laws import DENSITIES, check_noise
from sksmooth.geometry._numerics import as_floats, check_positive, check_whole


def volume_vanishing_bound(
    volume: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
    *,
    noise: str = "gaussian",
) -> FloatOrArray:
    r"""Sigma by which any region of a volume has vanished, whatever its shape.

    Parameters
    ----------
    volume : array-like
        Volume V of the region, in units of the features.
    n_features : array-like of int
        Number of features d. All of them are noisy.
    n_classes : array-like of int, default=2
        Number of classes c: the class is lost where it has less than 1/c of the votes.
    noise : {"gaussian", "laplace", "uniform"}, default="gaussian"
        Law of the noise of each feature.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: :math:`M (c V)^{1/d}`.

    Raises
    ------
    ValueError
        If `volume` is not positive and finite, `n_features` is not a whole number of at
        least 1, `n_classes` not one of at least 2, or `noise` is unknown.

    See Also
    --------
    box_vanishing_sigma : That of a box, which meets the bound under uniform noise.

    Notes
    -----
    The density of independent noise of standard deviation sigma is nowhere larger than
    :math:`(M / \sigma)^d`, with M the largest density of the noise of one feature at
    standard deviation 1: 0.3989 for Gaussian, 0.7071 for Laplace and 0.2887 for uniform
    noise. So a region has at most the share :math:`V (M / \sigma)^d` of the votes.

    Examples
    --------
    A cube with sides of length 2 in ten features, and the bound for its volume:

    >>> from sksmooth.shrinkage import box_vanishing_sigma, volume_vanishing_bound
    >>> print(box_vanishing_sigma([1.0] * 10).round(4))
    0.5459
    >>> print(volume_vanishing_bound(2.0**10, 10).round(4))
    0.8552
    """
    volume = check_positive("volume", volume)
    n_features = check_whole("n_features", n_features, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    root = np.exp((np.log(volume) + np.log(n_classes)) / n_features)
    return DENSITIES[check_noise(noise)] * root


def l1_ball_vanishing_sigma(
    radius: ArrayLike,
    n_features: ArrayLike,
    n_classes: ArrayLike = 2,
    *,
    noise: str = "laplace",
) -> FloatOrArray:
    r"""Sigma from which on the smoothed classifier never votes for an l1 ball.

    Parameters
    ----------
    radius : array-like
        The ball is :math:`\sum_i |x_i| \leq a`; this is a.
    n_features : array-like of int
        Number of features d. All of them are noisy.
    n_classes : array-like of int, default=2
        Number of classes. Only two with uniform noise.
    noise : {"laplace", "uniform"}, default="laplace"
        Law of the noise of each feature.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to.

    Raises
    ------
    ValueError
        If `radius` is not positive and finite, `n_features` is not a whole number of at
        least 1, `n_classes` not one of at least 2, or `noise` is another.

    See Also
    --------
    ball_vanishing_sigma : That of a Euclidean ball, under Gaussian noise.

    Notes
    -----
    The vote probability is largest at the centre. The sum of :math:`|x_i|` there has a
    gamma distribution under Laplace noise, so the class is lost at :math:`\sqrt{2} a /
    q` with q the 1/c quantile of the gamma distribution of shape d. Under uniform noise
    it is symmetric about its mean, and with two classes the class is lost at :math:`2 a
    / (\sqrt{3} d)`.

    Examples
    --------
    >>> from sksmooth.shrinkage import l1_ball_vanishing_sigma
    >>> l1_ball_vanishing_sigma(1.0, [1, 10, 64]).round(4)
    array([2.0403, 0.1463, 0.0222])
    """
    check_noise(noise, ("laplace", "uniform"))
    radius = check_positive("radius", radius)
    n_features = check_whole("n_features", n_features, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    if noise == "laplace":
        return math.sqrt(2) * radius / gammaincinv(n_features, 1 / n_classes)
    if np.any(n_classes != 2):
        raise ValueError(
            "n_classes must be 2 for noise='uniform', whose other quantiles have no "
            f"closed form; got {n_classes[n_classes != 2].flat[0]:g}."
        )
    return radius * 2 / (math.sqrt(3) * n_features)


def _check_probability(probability):
    values = as_floats("probability", probability)
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"probability must be in [0, 1], got {probability!r}.")
    return values


def categories_vote_probability(
    n_features: ArrayLike, n_categories: ArrayLike, probability: ArrayLike
) -> FloatOrArray:
    r"""Probability that features keep their categories under noise.

    Parameters
    ----------
    n_features : array-like of int
        Number of features m that must have one category each, as they have.
    n_categories : array-like of int
        Number of categories C of each of them.
    probability : array-like
        Probability b that a category is drawn anew, see
        :class:`sksmooth.noise.Resample`.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: :math:`(1 - b + b / C)^m`.

    Raises
    ------
    ValueError
        If `n_features` is not a whole number of at least 1, `n_categories` not one of
        at least 2, or `probability` is not in [0, 1].

    See Also
    --------
    categories_vanishing_probability : Where this is too little.

    Examples
    --------
    >>> from sksmooth.shrinkage import categories_vote_probability
    >>> print(categories_vote_probability(5, 5, 0.1).round(4))
    0.6591
    """
    n_features = check_whole("n_features", n_features, 1)
    n_categories = check_whole("n_categories", n_categories, 2)
    lost = _check_probability(probability) * (1 - 1 / n_categories)
    return np.exp(n_features * np.log1p(-lost))


def categories_vanishing_probability(
    n_features: ArrayLike, n_categories: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Probability of new categories from which on a conjunction of them is lost.

    Parameters
    ----------
    n_features : array-like of int
        Number of features m that must have one category each for the class.
    n_categories : array-like of int
        Number of categories C of each of them.
    n_classes : array-like of int, default=2
        Number of classes c: the class is lost where it has less than 1/c of the votes.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: :math:`(1 - c^{-1/m}) C / (C - 1)`, and
        ``inf`` where that is more than 1: it is never lost then.

    Raises
    ------
    ValueError
        If `n_features` is not a whole number of at least 1, or `n_categories` or
        `n_classes` is not one of at least 2.

    See Also
    --------
    categories_vote_probability : The share of the votes.

    Notes
    -----
    The share of the class is largest where all m features have their categories. With
    more features it is lost at less noise, about as :math:`\log(c) / m`.

    Examples
    --------
    >>> from sksmooth.shrinkage import categories_vanishing_probability
    >>> categories_vanishing_probability([1, 5, 10], 5).round(3)
    array([0.625, 0.162, 0.084])
    """
    n_features = check_whole("n_features", n_features, 1)
    n_categories = check_whole("n_categories", n_categories, 2)
    n_classes = check_whole("n_classes", n_classes, 2)
    lost = -np.expm1(-np.log(n_classes) / n_features)
    probability = lost / (1 - 1 / n_categories)
    return np.where(probability <= 1 + 1e-12, np.minimum(probability, 1.0), np.inf)[()]


def words_vanishing_probability(
    n_words: ArrayLike, n_classes: ArrayLike = 2
) -> FloatOrArray:
    r"""Probability of deletion from which on a class known by some words is lost.

    Parameters
    ----------
    n_words : array-like of int
        Most words j of a text of which any one tells the class.
    n_classes : array-like of int, default=2
        Number of classes c: the class is lost where it has less than 1/c of the votes.

    Returns
    -------
    float or ndarray
        Of the shape the arguments broadcast to: :math:`(1 - 1/c)^{1/j}`.

    Raises
    ------
    ValueError
        If `n_words` is not a whole number of at least 1, or `n_classes` not one of at
        least 2.

    Notes
    -----
    Under noise that deletes each word with probability b, see
    :class:`sksmooth.noise.TokenDeletion`, the text keeps one of its j words with
    probability :math:`1 - b^j`.

    Examples
    --------
    >>> from sksmooth.shrinkage import words_vanishing_probability
    >>> words_vanishing_probability([1, 5, 20]).round(3)
    array([0.5  , 0.871, 0.966])
    """
    n_words = check_whole("n_words", n_words, 1)
    n_classes = check_whole("n_classes", n_classes, 2)
    return np.exp(np.log1p(-1 / n_classes) / n_words)
