# SPDX-License-Identifier: BSD-3-Clause
"""Scores of fitted linear classifiers, also behind affine maps."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.spatial.distance import pdist

from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.exact._rounding import Rounded
from sksmooth.votes.exact._source import Declined

# Scores that share half of their digits are told apart by rounding.
_HALF_OF_THE_DIGITS = 2.0**-26
NEARLY_THE_SAME = "two of its classes have nearly the same scores"
# From a fitted linear classifier to its scores.
linear_scores_of_type = ByType()


class LinearScores(NamedTuple):
    """A classifier that predicts the first class with the largest linear score.

    Attributes
    ----------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
    """

    coef: np.ndarray
    intercept: np.ndarray


class CenteredScores(NamedTuple):
    """Scores that are linear in ``x - center``, with bounds on their rounding.

    Attributes
    ----------
    coef : Rounded of shape (n_classes, n_features)
    intercept : Rounded of shape (n_classes,)
    center : ndarray of shape (n_features,) or None
    same_coef, same_score : ndarray of bool of shape (n_classes, n_classes)
        Which classes have equal coefficients where there is noise, and which have equal
        scores, exactly.
    """

    coef: Rounded
    intercept: Rounded
    center: np.ndarray | None
    same_coef: np.ndarray
    same_score: np.ndarray

    @classmethod
    def behind(cls, affine, coef, intercept):
        """Scores of what an affine map gives."""
        same = coef.value[:, np.newaxis] == coef.value
        same_score = np.all(same, axis=2)
        same_score &= intercept.value[:, np.newaxis] == intercept.value
        same_coef = np.all(same[:, :, ~affine.held_outputs], axis=2)
        return cls(*affine.fold(coef, intercept), affine.center, same_coef, same_score)

    @classmethod
    def of(cls, scores, held=None):
        """Plain scores as exact ones, of features some of which may be held fixed."""
        if isinstance(scores, cls):
            return scores
        coef, intercept = (Rounded.of(part) for part in scores)
        affine = AffineMap.identity(coef.value.shape[1], held)
        return cls.behind(affine, coef, intercept)


def linear_scores(estimator):
    """Scores of a fitted linear classifier, one row of coefficients per class.

    Parameters
    ----------
    estimator : fitted classifier of scikit-learn

    Returns
    -------
    coef : ndarray of float64 of shape (n_classes, n_features)
    intercept : ndarray of float64 of shape (n_classes,)
        ``classes_[argmax(X @ coef.T + intercept)]`` is what it predicts, the first
        class on ties. With two classes the first one scores zero.

    Raises
    ------
    Declined
        If its exact type is not known to be linear, or its parameters make it not so.
    """
    coef, intercept, *center = _rounded_scores(estimator)
    for point in center:
        intercept = intercept - coef @ point
    return LinearScores(coef.value, intercept.value)


def _rounded_scores(estimator):
    """`linear_scores` with bounds on the rounding of what is not stored as such."""
    read = linear_scores_of_type.get(estimator)
    if read is None:
        raise Declined(f"{type(estimator).__name__} is not known to be linear")
    coef, intercept, *center = read(estimator)
    if sp.issparse(coef) or sp.issparse(intercept):
        raise Declined("its coefficients are sparse; call densify() on it first")
    coef, intercept = Rounded.of(coef), Rounded.of(intercept)
    if coef.value.ndim == 1:
        coef = coef[np.newaxis]
    intercept = Rounded(*(np.broadcast_to(part, len(coef)) for part in intercept.parts))
    n_classes = len(estimator.classes_)
    if len(coef) == 1 and n_classes == 2:
        coef = Rounded(
            *(np.concatenate([np.zeros_like(part), part]) for part in coef.parts)
        )
        intercept = Rounded(*(np.append(0.0, part[0]) for part in intercept.parts))
    if len(coef) != n_classes:
        raise Declined(
            f"it has {len(coef)} rows of coefficients for {n_classes} classes"
        )
    finite = np.all(np.isfinite(coef.value)) and np.all(np.isfinite(intercept.value))
    if not finite:
        raise Declined("its coefficients are not finite")
    return coef, intercept, *center


def scores_behind(affine, estimator):
    """Scores of a linear classifier behind an affine map, in the units of the samples.

    Raises
    ------
    Declined
        If it is not linear, or if the scores of two classes are nearly but not quite
        the same, as they are where one class was trained on the samples of another:
        which of the two is predicted then depends on the rounding of its sums.
    """
    scores = centered_scores(affine, estimator)
    intercept = scores.intercept
    if scores.center is not None:
        intercept = intercept - scores.coef @ scores.center
    return LinearScores(scores.coef.value, intercept.value)


def centered_scores(affine, estimator):
    """`scores_behind`, about a center and with bounds on the rounding."""
    coef, intercept, *center = _rounded_scores(estimator)
    for point in center:
        n_features = len(point)
        move = AffineMap.scaling(np.ones(n_features), np.zeros(n_features), point)
        affine = affine.then(move)
    scores = CenteredScores.behind(affine, coef, intercept)
    coef, intercept = scores.coef.value, scores.intercept.value
    slope, offset = pdist(coef), pdist(intercept[:, np.newaxis])
    steepest = np.linalg.norm(coef, axis=1).max()
    highest = np.abs(intercept).max()
    near = slope <= _HALF_OF_THE_DIGITS * steepest
    near &= offset <= _HALF_OF_THE_DIGITS * (steepest + highest)
    if np.any(near & ((slope > 0) | (offset > 0))):
        raise Declined(NEARLY_THE_SAME)
    return scores
