# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers: two classes, three classes, or any number along one line."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.spatial.distance import pdist
from scipy.special import log_ndtr, ndtr, owens_t

from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._boxes import row_chunks
from sksmooth.votes.exact._numerics import (
    PROBIT_MAX,
    UNDERFLOW,
    log_interval_mass,
    probits_of_log_shares,
    probits_of_shares,
)
from sksmooth.votes.exact._source import Declined, ExactSource, entry_of

# Below this, differences of Owen's T lose digits and an integral takes over.
_TAIL = 1e-3
# Scores that share half of their digits are told apart by rounding.
_HALF_OF_THE_DIGITS = 2.0**-26
# Gauss-Legendre on [0, 1]; with the window of `_log_wedge` 96 nodes reach rounding.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_NODES, _NODE_WEIGHTS = (_NODES + 1) / 2, _NODE_WEIGHTS / 2


class LinearScores(NamedTuple):
    """A classifier that answers the first class with the largest linear score.

    Attributes
    ----------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
    """

    coef: np.ndarray
    intercept: np.ndarray


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
    read = entry_of(_SCORES, estimator)
    if read is None:
        raise Declined(f"{type(estimator).__name__} is not known to be linear")
    coef, intercept = read(estimator)
    if sp.issparse(coef) or sp.issparse(intercept):
        raise Declined("its coefficients are sparse; call densify() on it first")
    coef = np.atleast_2d(np.asarray(coef, dtype=np.float64))
    intercept = np.broadcast_to(np.asarray(intercept, dtype=np.float64), len(coef))
    n_classes = len(estimator.classes_)
    if len(coef) == 1 and n_classes == 2:
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.append(0.0, intercept)
    if len(coef) != n_classes:
        raise Declined(
            f"it has {len(coef)} rows of coefficients for {n_classes} classes"
        )
    if not (np.all(np.isfinite(coef)) and np.all(np.isfinite(intercept))):
        raise Declined("its coefficients are not finite")
    return LinearScores(coef, intercept)


def _coef_and_intercept(estimator):
    return estimator.coef_, estimator.intercept_


def _support_vector_scores(estimator):
    kernel = estimator.kernel
    if not (isinstance(kernel, str) and kernel == "linear"):
        raise Declined(f"its kernel {kernel!r} is not 'linear'")
    if len(estimator.classes_) > 2:
        raise Declined(
            "with more than two classes it lets pairs of classes vote, which is not "
            "an argmax of linear scores"
        )
    return estimator.coef_, estimator.intercept_


def _multinomial_scores(estimator):
    return estimator.feature_log_prob_, estimator.class_log_prior_


def _complement_scores(estimator):
    # The prior takes part only where there is a single class.
    return estimator.feature_log_prob_, np.zeros(len(estimator.classes_))


def _centroid_scores(estimator):
    if estimator.metric != "euclidean":
        raise Declined(f"its metric {estimator.metric!r} is not 'euclidean'")
    centroids = estimator.centroids_
    prior = estimator.class_prior_
    if np.isclose(prior, 1 / len(prior)).all():
        return 2.0 * centroids, -np.sum(centroids**2, axis=1)
    # With other priors, distances are measured in within-class deviations.
    spread = estimator.within_class_std_dev_
    spread = np.where(spread != 0, spread, 1.0)
    scaled = centroids / spread
    with np.errstate(divide="ignore"):
        bonus = 2.0 * np.log(prior)
    return 2.0 * scaled / spread, bonus - np.sum(scaled**2, axis=1)


_SCORES = {
    name: (module, read)
    for module, read, names in [
        (
            "sklearn.linear_model",
            _coef_and_intercept,
            [
                "LogisticRegression",
                "LogisticRegressionCV",
                "PassiveAggressiveClassifier",
                "Perceptron",
                "RidgeClassifier",
                "RidgeClassifierCV",
                "SGDClassifier",
            ],
        ),
        (
            "sklearn.discriminant_analysis",
            _coef_and_intercept,
            ["LinearDiscriminantAnalysis"],
        ),
        ("sklearn.svm", _coef_and_intercept, ["LinearSVC"]),
        ("sklearn.svm", _support_vector_scores, ["SVC", "NuSVC"]),
        ("sklearn.naive_bayes", _multinomial_scores, ["MultinomialNB"]),
        ("sklearn.naive_bayes", _complement_scores, ["ComplementNB"]),
        ("sklearn.neighbors", _centroid_scores, ["NearestCentroid"]),
    ]
    for name in names
}

LINEAR_TYPES = {name: module for name, (module, _) in _SCORES.items()}


def register_scores(table):
    """Add readers of the scores of more types; `table` is as for `entry_of`."""
    _SCORES.update(table)
    LINEAR_TYPES.update((name, module) for name, (module, _) in table.items())


def scores_behind(affine, estimator):
    """Scores of a linear classifier behind an affine map, in the units of the rows.

    Raises
    ------
    Declined
        If it is not linear, or if the scores of two classes are nearly but not quite
        the same, as they are where one class was trained on the rows of another:
        which of the two `predict` answers is then up to the rounding of its sums.
    """
    scores = LinearScores(*affine.fold_scores(*linear_scores(estimator)))
    slope, offset = pdist(scores.coef), pdist(scores.intercept[:, np.newaxis])
    steepest = np.linalg.norm(scores.coef, axis=1).max()
    highest = np.abs(scores.intercept).max()
    near = slope <= _HALF_OF_THE_DIGITS * steepest
    near &= offset <= _HALF_OF_THE_DIGITS * (steepest + highest)
    if np.any(near & ((slope > 0) | (offset > 0))):
        raise Declined("two of its classes have nearly the same scores")
    return scores


def linear_source(estimator, affine):
    """The closed form of a linear classifier behind an affine map.

    Raises
    ------
    Declined
        By `scores_behind`, or if it has more than three classes that do not line up.
    """
    scores = scores_behind(affine, estimator)
    classes = estimator.classes_
    if len(classes) == 2:
        return TwoClassSource(classes, scores)
    spread = np.linalg.svd(scores.coef - scores.coef[0], compute_uv=False)
    if len(spread) < 2 or spread[1] <= 1e-13 * spread[0]:
        return LineSource(classes, scores)
    if len(classes) == 3:
        return ThreeClassSource(classes, scores)
    raise Declined(
        f"a linear argmax over {len(classes)} classes has no closed form in more than "
        "one dimension"
    )


class LinearSource(ExactSource):
    """What all linear sources share; the affine map is folded into the scores.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    scores : LinearScores
        In the units of the rows.
    """

    _seconds_per_row = 0.0

    def __init__(self, classes, scores):
        n_features = scores.coef.shape[1]
        predict_cost = 2e-8 + 5e-10 * n_features * len(classes)
        super().__init__(classes, AffineMap.identity(n_features), predict_cost)
        self.scores = scores

    def cost_per_row(self, n_rows=1):
        return self._seconds_per_row + self.predict_cost + 5e-5 / n_rows

    def _positions(self, X):
        return np.argmax(X @ self.scores.coef.T + self.scores.intercept, axis=1)


class TwoClassSource(LinearSource):
    """Two classes: the probit is the margin over ``sigma * ||w||``, without any Phi.

    Smoothing then changes nothing: the radius is the distance to the hyperplane,
    whatever sigma. A constant classifier (no weights) has `PROBIT_MAX`.
    """

    def _probits(self, X, scale):
        coef, intercept = self.scores
        weight = coef[1] - coef[0]
        margin = X @ weight + (intercept[1] - intercept[0])
        # Unlike that of numpy, this norm is not lost where squares underflow.
        length = scipy.linalg.norm(weight)
        if length == 0:
            probit = np.where(margin > 0, PROBIT_MAX, -PROBIT_MAX)
        else:
            # The map is the identity, so every feature has the same noise.
            probit = np.clip(margin / length / scale[0], -PROBIT_MAX, PROBIT_MAX)
        probit = np.stack([-probit, probit], axis=1)
        return probit, probit


class LineSource(LinearSource):
    """Scores that differ along one direction only: each class answers on an interval.

    So it is with one feature, or behind a projection to one component.
    """

    _seconds_per_row = 2e-6

    def __init__(self, classes, scores):
        super().__init__(classes, scores)
        coef, intercept = scores
        direction = np.linalg.svd(coef - coef[0], full_matrices=False)[2][0]
        # A sum for each row by itself: twins get the same slope to the last bit.
        slope = np.sum((coef - coef[0]) * direction, axis=1)
        # Where each pair of classes draws: class i is ahead of j above it if it is
        # the steeper one.
        rise = slope[:, np.newaxis] - slope
        start = intercept - intercept[:, np.newaxis]
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = start / rise
        lo = np.where(rise > 0, crossing, -np.inf).max(axis=1)
        hi = np.where(rise < 0, crossing, np.inf).min(axis=1)
        k = np.arange(len(slope))
        beaten = (rise == 0) & ((start > 0) | ((start == 0) & (k < k[:, np.newaxis])))
        empty = beaten.any(axis=1) | (lo >= hi)
        self._direction = direction
        self._lo = np.where(empty, np.inf, lo)
        self._hi = np.where(empty, np.inf, hi)

    def _probits(self, X, scale):
        at = X @ self._direction
        lo = (self._lo[:, np.newaxis] - at) / scale[0]
        hi = (self._hi[:, np.newaxis] - at) / scale[0]
        probit = probits_of_log_shares(log_interval_mass(lo, hi))
        return probit, probit


class ThreeClassSource(LinearSource):
    """Three classes: Gaussian masses of three wedges that share a tip in a plane.

    Parameters
    ----------
    classes : ndarray of shape (3,)
    scores : LinearScores

    Notes
    -----
    In the plane spanned by the differences of the scores each class answers in a wedge
    and the noise is a standard normal. The mass of a wedge comes from Owen's T [1]_,
    and where that is small, and its differences would lose digits, from an integral
    along its axis with positive terms only. What is not in a class is the sum of the
    two other wedges.

    References
    ----------
    .. [1] D. B. Owen, "Tables for Computing Bivariate Normal Probabilities", Annals of
       Mathematical Statistics 27 (1956), eq. 2.1.

    Raises
    ------
    Declined
        If the boundaries are nearly parallel, so that the tip is badly determined.
    """

    _seconds_per_row = 2e-5

    def __init__(self, classes, scores):
        super().__init__(classes, scores)
        coef = scores.coef
        sides = coef[1:] - coef[0]
        lengths = np.linalg.norm(sides, axis=1)
        _, spread, basis = np.linalg.svd(
            sides / np.where(lengths > 0, lengths, 1.0)[:, np.newaxis],
            full_matrices=False,
        )
        if spread[1] < 1e-4 * spread[0]:
            raise Declined("its class boundaries are nearly parallel")
        plane = coef @ basis.T
        plane -= plane[0]
        self._to_tip = -np.linalg.inv(plane[1:])
        # normals[i, j] points from where j is ahead of i to where i is ahead of j.
        normals = plane[:, np.newaxis] - plane
        self._length = np.linalg.norm(normals, axis=2) + np.eye(3)
        normals /= self._length[:, :, np.newaxis]
        self._wedges = [_Wedge(normals, i) for i in range(3)]

    def _probits(self, X, scale):
        probit = np.empty((len(X), 3))
        for rows in row_chunks(len(X), 200):
            score = X[rows] @ self.scores.coef.T + self.scores.intercept
            probit[rows] = self._probits_of_scores(score / scale[0])
        return probit, probit

    def _probits_of_scores(self, score):
        tip = (score[:, 1:] - score[:, :1]) @ self._to_tip.T
        ahead = (score[:, :, np.newaxis] - score[:, np.newaxis]) / self._length
        share = np.stack([wedge.mass(ahead) for wedge in self._wedges])
        small = share < _TAIL
        if not small.any():
            return probits_of_shares(share)
        log_share = np.log(np.where(small, 1.0, share))
        for i, wedge in enumerate(self._wedges):
            for rows in _blocks(np.flatnonzero(small[i])):
                log_share[i, rows] = wedge.log_mass(tip[rows])
        probit = probits_of_log_shares(log_share)
        near = np.all(log_share > np.log(UNDERFLOW), axis=0)
        probit[near] = probits_of_shares(np.exp(log_share[:, near]))
        return probit


def _blocks(indices, size=512):
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


class _Wedge:
    """Where class i of three answers, as seen from the tip."""

    def __init__(self, normals, i):
        self._i = i
        self._j, self._k = [j for j in range(3) if j != i]
        n_j, n_k = normals[i, self._j], normals[i, self._k]
        self._cosine_between = n_j @ n_k
        self._sine_between = np.abs(n_j[0] * n_k[1] - n_j[1] * n_k[0])
        # Its two edges: along one boundary, to the side where the other is passed.
        rays = []
        for normal, other in [(n_j, n_k), (n_k, n_j)]:
            ray = np.array([-normal[1], normal[0]])
            rays.append(ray if ray @ other > 0 else -ray)
        first, second = np.arctan2(*np.transpose(rays)[::-1])
        # A convex wedge is narrower than half a turn.
        opening = (second - first + np.pi) % (2 * np.pi) - np.pi
        # Two halves, so that each has edges that rise by at most one.
        half = np.abs(opening) / 4
        self._slope = np.tan(half)
        self._cosine = np.cos(half)
        axes = first + opening * np.array([0.25, 0.75])
        self._axes = np.stack([np.cos(axes), np.sin(axes)])

    def mass(self, ahead):
        """Mass by Owen's T; right to about 1e-16, absolutely."""
        # On a boundary T jumps with the sign of its second argument; stay beside it.
        h, k = (
            np.where(np.abs(side) < 1e-300, 1e-300, side)
            for side in (ahead[:, self._i, self._j], ahead[:, self._i, self._k])
        )
        with np.errstate(over="ignore"):
            towards_k = (k - self._cosine_between * h) / (h * self._sine_between)
            towards_h = (h - self._cosine_between * k) / (k * self._sine_between)
        share = (ndtr(h) + ndtr(k) - (h * k < 0)) / 2
        share -= owens_t(h, towards_k) + owens_t(k, towards_h)
        return np.clip(share, 0.0, 1.0)

    def log_mass(self, tip):
        """Logarithm of the mass, with relative precision; slower."""
        along = tip @ self._axes
        across = tip @ np.stack([-self._axes[1], self._axes[0]])
        return np.logaddexp.reduce(
            _log_wedge(along, np.abs(across), self._slope, self._cosine), axis=1
        )


def _log_wedge(along, across, slope, cosine):
    """Log mass of a symmetric wedge that opens along the first axis.

    Parameters
    ----------
    along, across : ndarray
        Its tip; `across` is not negative.
    slope, cosine : float
        Tangent, at most one, and cosine of half its opening.

    Notes
    -----
    The mass is the integral over t > 0 of phi(along + t) times the mass of the interval
    ``across -+ slope * t``. Beyond 11 from the point nearest to the origin, or beyond
    60 decay lengths from a tip that is nearest, less than exp(-60) is left.
    """
    toward = across * slope - along  # of the origin, along the lower edge
    inside = np.maximum(-along, 0.0)
    nearest = np.where(
        across <= -along * slope, inside, np.maximum(toward, 0.0) * cosine**2
    )
    start = np.maximum(nearest - 11.0, 0.0)
    decay = np.maximum(-toward, 60.0 / 11.0)
    stop = nearest + 60.0 / decay
    # Squaring the variable crowds nodes at the tip, where a thin layer may lie.
    width = stop - start
    t = start[..., np.newaxis] + width[..., np.newaxis] * _NODES**2
    weight = 2.0 * _NODES * _NODE_WEIGHTS
    terms = -0.5 * (along[..., np.newaxis] + t) ** 2 + _log_centred_mass(
        across[..., np.newaxis], slope * t
    )
    largest = terms.max(axis=-1)
    total = np.exp(terms - largest[..., np.newaxis]) @ weight
    return largest + np.log(total * width) - 0.5 * np.log(2 * np.pi)


def _log_centred_mass(centre, half_width):
    """Log mass of ``centre -+ half_width`` for centre >= 0, also of thin intervals."""
    lo, hi = centre - half_width, centre + half_width
    y2, w2 = centre**2, half_width**2
    thin = half_width * (1.0 + centre) < 1e-2
    # Taylor series in the half width.
    series = 1.0 + w2 * ((y2 - 1.0) / 6 + w2 * (y2**2 - 6 * y2 + 3) / 120)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_series = (
            np.log(2 * half_width)
            + np.log(np.where(thin, series, 1.0))
            - 0.5 * (y2 + np.log(2 * np.pi))
        )
        log_lo, log_hi = log_ndtr(-np.abs(lo)), log_ndtr(-hi)
        of_tails = np.where(
            lo <= 0,
            np.log1p(-np.exp(log_lo) - np.exp(log_hi)),
            log_lo + np.log1p(-np.exp(log_hi - log_lo)),
        )
    return np.where(thin, of_series, of_tails)
