# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers: two classes, three classes, or any number along one line."""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.spatial.distance import pdist
from scipy.special import ndtr, owens_t

from sksmooth._special import LOG_HALF, log_interval_mass, row_products
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._boxes import row_chunks
from sksmooth.votes.exact._by_type import ByType, closed_form
from sksmooth.votes.exact._numerics import (
    PROBIT_MAX,
    UNDERFLOW,
    ShareError,
    clipped,
    log_sum_of_others,
    probit_interval,
    probit_of_log,
    probits_of_log_shares,
    probits_of_shares,
    sums_of_others,
)
from sksmooth.votes.exact._rounding import TINY, UNIT, Rounded, gamma
from sksmooth.votes.exact._source import Declined, ExactSource

# Below this, differences of Owen's T lose digits and an integral takes over.
_TAIL = 1e-3
# Scores that share half of their digits are told apart by rounding.
_HALF_OF_THE_DIGITS = 2.0**-26
_NEARLY_THE_SAME = "two of its classes have nearly the same scores"
# For the rounding of the bounds themselves.
_SLACK = 1.01
# Relative error of `_Wedge.log_mass`, as measured against mpmath.
_QUADRATURE = 1e-13
# Gauss-Legendre on [0, 1]; with the window of `_log_wedge` 96 nodes reach rounding.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_NODES, _NODE_WEIGHTS = (_NODES + 1) / 2, _NODE_WEIGHTS / 2
# From a fitted linear classifier to its scores.
_readers = ByType()


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
    read = _readers.get(estimator)
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
    scores = _centered_scores(affine, estimator)
    intercept = scores.intercept
    if scores.center is not None:
        intercept = intercept - scores.coef @ scores.center
    return LinearScores(scores.coef.value, intercept.value)


def _centered_scores(affine, estimator):
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
        raise Declined(_NEARLY_THE_SAME)
    return scores


def linear_source(estimator, affine):
    """The closed form of a linear classifier behind an affine map.

    Raises
    ------
    Declined
        By `scores_behind`, or if it has more than three classes that do not line up.
    """
    scores = _centered_scores(affine, estimator)
    classes = estimator.classes_
    if len(classes) == 2:
        return TwoClassSource(classes, scores, affine.held)
    coef = scores.coef.value
    if affine.held is not None:
        coef = coef[:, ~affine.held]
    spread = np.linalg.svd(coef - coef[0], compute_uv=False)
    if len(spread) < 2 or spread[1] <= 1e-13 * spread[0]:
        if affine.held is not None:
            return HeldLineSource(classes, scores, affine.held)
        return LineSource(classes, scores)
    if len(classes) == 3:
        return ThreeClassSource(classes, scores, affine.held)
    raise Declined(
        f"a linear argmax over {len(classes)} classes has no closed form where noise "
        "moves their scores in more than one direction"
    )


def linear_classifier(module, *names):
    """Register a reader of the scores of fitted linear classifiers, by exact type.

    The reader returns coefficients and intercepts, and may return a point that the
    coefficients are multiplied from. See `ByType` for the parameters.
    """

    def register(read):
        closed_form(module, *names)(linear_source)
        return _readers(module, *names)(read)

    return register


@linear_classifier(
    "sklearn.linear_model",
    "LogisticRegression",
    "LogisticRegressionCV",
    "PassiveAggressiveClassifier",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
)
@linear_classifier("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis")
@linear_classifier("sklearn.svm", "LinearSVC")
def _coef_and_intercept(estimator):
    return estimator.coef_, estimator.intercept_


@linear_classifier("sklearn.svm", "SVC", "NuSVC")
def _support_vector_scores(estimator):
    kernel = estimator.kernel
    if not (isinstance(kernel, str) and kernel == "linear"):
        raise Declined(f"its kernel {kernel!r} is not 'linear'")
    if len(estimator.classes_) > 2:
        raise Declined(
            "with more than two classes it lets pairs of classes vote, which is not "
            "an argmax of linear scores"
        )
    if sp.issparse(estimator.dual_coef_):
        return estimator.dual_coef_, estimator.intercept_
    # `coef_` is a product that predict does not use; in which it is off by how much?
    product = estimator.dual_coef_.astype(np.longdouble) @ estimator.support_vectors_
    sizes = np.abs(estimator.dual_coef_) @ np.abs(estimator.support_vectors_)
    rounding = len(estimator.support_vectors_) * np.finfo(np.longdouble).eps
    error = np.abs(product - estimator.coef_).astype(np.float64)
    error = (error + rounding * sizes) * (1 + 1e-9)
    return Rounded(estimator.coef_, error), estimator.intercept_


@linear_classifier("sklearn.naive_bayes", "MultinomialNB")
def _multinomial_scores(estimator):
    return estimator.feature_log_prob_, estimator.class_log_prior_


@linear_classifier("sklearn.naive_bayes", "ComplementNB")
def _complement_scores(estimator):
    # The prior takes part only where there is a single class.
    return estimator.feature_log_prob_, np.zeros(len(estimator.classes_))


@linear_classifier("sklearn.neighbors", "NearestCentroid")
def _centroid_scores(estimator):
    if estimator.metric != "euclidean":
        raise Declined(f"its metric {estimator.metric!r} is not 'euclidean'")
    center = estimator.centroids_.mean(axis=0, dtype=np.float64)
    centroids = Rounded(estimator.centroids_) - center
    prior = estimator.class_prior_
    if np.isclose(prior, 1 / len(prior)).all():
        return centroids * 2.0, -(centroids * centroids).sum(axis=1), center
    # With other priors, distances are measured in within-class deviations.
    spread = estimator.within_class_std_dev_
    spread = np.where(spread != 0, spread, 1.0)
    scaled = centroids / spread
    with np.errstate(divide="ignore"):
        bonus = 2.0 * np.log(prior)
    bonus = Rounded(bonus, 4 * UNIT * np.abs(bonus))
    return scaled * 2.0 / spread, bonus - (scaled * scaled).sum(axis=1), center


class _Differences:
    """Differences of scores at samples, with bounds on their rounding.

    Parameters
    ----------
    coef : Rounded of shape (n_differences, n_features)
    intercept : Rounded of shape (n_differences,)
    center : ndarray of shape (n_features,) or None
    """

    def __init__(self, coef, intercept, center):
        n_features = coef.value.shape[1]
        self._coef = np.ascontiguousarray(coef.value.T)
        self._intercept = intercept.value
        self._center = center
        # A difference from the center, a product, the sum and the intercept.
        relative = gamma(n_features + 4)
        bound = _SLACK * (relative * np.abs(coef.value) + coef.error)
        self._bound = np.where(coef.size > 0, bound + TINY, 0.0).T.copy()
        self._constant = _SLACK * (relative * np.abs(self._intercept) + intercept.error)
        self._constant += 2 * n_features * TINY

    def at(self, X):
        """Differences and their bounds, both of shape (n_samples, n_differences)."""
        n_rows, n_features = X.shape
        value, error = np.empty((2, n_rows, len(self._intercept)))
        for rows in row_chunks(n_rows, 2 * n_features + 1):
            moved = X[rows] if self._center is None else X[rows] - self._center
            value[rows] = row_products(moved, self._coef)
            moved = np.abs(moved, out=None if self._center is None else moved)
            error[rows] = row_products(moved, self._bound)
        value += self._intercept
        error += self._constant
        return value, error


class LinearSource(ExactSource):
    """What all linear sources share; the affine map is folded into the scores.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    scores : LinearScores or CenteredScores
        In the units of the samples.
    held : ndarray of bool of shape (n_features,), default=None
        Features that take no noise.
    """

    _seconds_per_row = 0.0

    def __init__(self, classes, scores, held=None):
        self.scores = CenteredScores.of(scores, held)
        n_features = self.scores.coef.value.shape[1]
        predict_cost = 2e-8 + 5e-10 * n_features * len(classes)
        affine = AffineMap.identity(n_features, held)
        super().__init__(classes, affine, predict_cost)

    def disagrees(self, X, labels):
        # Within the rounding of two sums either label will do; the interval says so.
        coef, intercept, center, *_ = self.scores
        sides = _Differences(coef - coef[:1], intercept - intercept[:1], center)
        ahead, error = sides.at(self._checked(X))
        behind = (ahead - 2 * error).max(axis=1, keepdims=True) > ahead + 2 * error
        return np.any(behind & (self.classes == labels[:, np.newaxis]), axis=1)

    def cost_per_row(self, n_rows=1):
        return self._seconds_per_row + self.predict_cost + 5e-5 / n_rows

    def _positions(self, X):
        coef, intercept, center, *_ = self.scores
        X = X if center is None else X - center
        return np.argmax(X @ coef.value.T + intercept.value, axis=1)


class TwoClassSource(LinearSource):
    """Two classes: the probit is the margin over ``sigma * ||w||``, without any Phi.

    Smoothing then changes nothing: the radius is the distance to the hyperplane,
    whatever sigma. A constant classifier (no weights) has `PROBIT_MAX`.
    """

    def __init__(self, classes, scores, held=None):
        super().__init__(classes, scores, held)
        coef, intercept, center, *_ = self.scores
        weight, offset = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self._margin = _Differences(weight, offset, center)
        if held is not None:  # what is held moves the margin, and not by noise
            weight = weight[:, ~held]
        # Unlike that of numpy, this norm is not lost where squares underflow.
        self._length = scipy.linalg.norm(weight.value[0])
        unsure = _SLACK * scipy.linalg.norm(weight.error[0])
        unsure += gamma(weight.value.size + 4) * self._length
        self._shortest = self._length - unsure
        self._has_weight = self._length + unsure > 0
        if self._shortest > 0:
            # Of the quotients by the length and by sigma, and of what follows.
            self.relative_error = _SLACK * (unsure / self._shortest) + 8 * UNIT

    @property
    def has_direction(self):
        """Whether there is a hyperplane, as far as rounding can tell."""
        return self._shortest > 0

    def length(self, order):
        """Norm of the weights, in units of the samples."""
        coef = self.scores.coef.value
        return float(np.linalg.norm(coef[1] - coef[0], order))

    def _probits(self, X, scale):
        if not self._has_weight:
            if self.affine.held is not None:
                return self._probits_of_held(X)
            return self._constant_probits(len(X))
        lower, upper = np.empty((2, len(X), 2))
        if self._shortest <= 0:
            lower[:], upper[:] = -PROBIT_MAX, PROBIT_MAX
            return lower, upper
        margin, error = (part[:, 0] for part in self._margin.at(X))
        # The map is the identity, so features have the same noise, or none.
        sigma = scale.max()
        margin /= self._length
        margin /= sigma
        error /= self._shortest
        error /= sigma
        error += self.relative_error * np.abs(margin)
        error *= _SLACK
        np.subtract(margin, error, out=lower[:, 1])
        np.add(margin, error, out=upper[:, 1])
        np.negative(upper[:, 1], out=lower[:, 0])
        np.negative(lower[:, 1], out=upper[:, 0])
        return clipped(lower, upper)

    def _probits_of_held(self, X):
        """Where only features without noise have weight: constant around each row."""
        margin, error = (part[:, 0] for part in self._margin.at(X))
        lower = np.where(margin > error, PROBIT_MAX, -PROBIT_MAX)
        upper = np.where(margin < -error, -PROBIT_MAX, PROBIT_MAX)
        return np.stack([-upper, lower], axis=1), np.stack([-lower, upper], axis=1)

    def _constant_probits(self, n_rows):
        """Without any weight the second class is always ahead, or never."""
        intercept = self.scores.intercept
        offset = intercept[1] - intercept[0]
        ahead = offset.value > 0
        if abs(offset.value) <= offset.error and np.any(intercept.error):
            lower, upper = np.full((2, 1), -PROBIT_MAX), np.full((2, 1), PROBIT_MAX)
        else:
            lower = upper = (
                np.array([[-1.0], [1.0]]) * (1 if ahead else -1) * PROBIT_MAX
            )
        return tuple(np.tile(end.T, (n_rows, 1)) for end in (lower, upper))


class LineSource(LinearSource):
    """Scores that differ along one direction only: each class has an interval.

    So it is with one feature, or behind a projection to one component.
    """

    _seconds_per_row = 2e-6

    def __init__(self, classes, scores):
        super().__init__(classes, scores)
        coef, intercept, self._center, same_coef, same_score = self.scores
        sides = coef - coef[:1]
        direction = np.linalg.svd(sides.value, full_matrices=False)[2][0]
        # A sum for each sample by itself: equal scores get the same slope to the last
        # bit.
        slope = Rounded(np.sum(sides.value * direction, axis=1))
        # What is not along the direction moves a crossing by its product with the
        # sample.
        off = (sides - slope[:, np.newaxis] * direction).size
        if len(direction) == 1:  # where there is nothing else, the slope is not exact
            slope, off = sides[:, 0] * direction, 0.0 * off
        # Where each pair of classes draws: class i is ahead of j above it if it is
        # the steeper one.
        rise = slope[:, np.newaxis] - slope
        start = intercept - intercept[:, np.newaxis]
        flat = rise.value == 0
        undecided = np.abs(start.value) <= start.error
        if np.any(flat & ~same_score & (~same_coef | undecided)):
            raise Declined(_NEARLY_THE_SAME)
        k = np.arange(len(slope))
        first = same_score & (k < k[:, np.newaxis])
        self._never = (flat & ((start.value > 0) | first)).any(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = start / rise
            off = (off[:, np.newaxis] + off) / np.abs(rise.value)[:, :, np.newaxis]
            ends = crossing.value - crossing.error, crossing.value + crossing.error
        # Each end of a class's interval is between two of these.
        above, below = rise.value > 0, rise.value < 0
        self._lo = [np.where(above, end, -np.inf).max(axis=1) for end in ends]
        self._hi = [np.where(below, end, np.inf).min(axis=1) for end in ends]
        off[flat] = 0.0
        self._off = _SLACK * off.max(axis=(0, 1))
        self._along = _Differences(Rounded([direction]), Rounded([0.0]), self._center)

    def _probits(self, X, scale):
        at, error = self._along.at(X)
        moved = X if self._center is None else X - self._center
        error += row_products(np.abs(moved), self._off)[:, np.newaxis]
        ends = [(end - at) / scale[0] for end in (*self._lo, *self._hi)]
        sizes = [np.where(np.isfinite(z), np.abs(z), 0.0) for z in ends]
        farthest = np.max(sizes, axis=(0, 2))[:, np.newaxis]
        # Noise off the direction is beyond this with a probability that no share which
        # is told apart from zero comes near to.
        reach = 40.0 + np.minimum(farthest, 2 * PROBIT_MAX)
        error = error / scale[0] + reach * np.linalg.norm(self._off)
        first_lo, last_lo, first_hi, last_hi = (
            z + side * _SLACK * (error + 6 * UNIT * size)
            for z, size, side in zip(ends, sizes, (-1, 1, -1, 1), strict=True)
        )
        least, most = (
            np.where(self._never, -np.inf, log_interval_mass(lo, hi)).T
            for lo, hi in ((last_lo, first_hi), (first_lo, last_hi))
        )
        return _probits_between(least, most)


class HeldLineSource(LinearSource):
    """`LineSource` with columns held fixed, which move the intervals of the classes.

    Between classes whose scores noise moves alike, the sample decides.
    """

    def __init__(self, classes, scores, held):
        super().__init__(classes, scores, held)
        self._seconds_per_row = 2e-6 + 2e-8 * len(classes) ** 2
        coef, intercept, center, same_coef, same_score = self.scores
        self._ahead_of_first = _Differences(
            coef - coef[:1], intercept - intercept[:1], center
        )
        sides = (coef - coef[:1])[:, ~held]
        direction = np.linalg.svd(sides.value, full_matrices=False)[2][0]
        # As in `LineSource`.
        slope = Rounded(np.sum(sides.value * direction, axis=1))
        off = (sides - slope[:, np.newaxis] * direction).size
        if len(direction) == 1:
            slope, off = sides[:, 0] * direction, 0.0 * off
        self._flat, self._same_score = same_coef, same_score
        rise = slope[:, np.newaxis] - slope
        self._rise = rise.value
        self._shortest = np.abs(rise.value) - rise.error
        if np.any(~same_coef & (self._shortest <= 0)):
            raise Declined(_NEARLY_THE_SAME)
        self._rise_error = rise.error
        # A class is ahead of another on the side to which it is the steeper one.
        self._above = ~same_coef & (self._rise > 0)
        self._below = ~same_coef & (self._rise < 0)
        off = np.linalg.norm(off[:, np.newaxis] + off, axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = off / self._shortest
        self._off = _SLACK * np.where(same_coef, 0.0, off).max()

    def _probits(self, X, scale):
        lower, upper = np.empty((2, len(X), len(self.classes)))
        for rows in row_chunks(len(X), 8 * len(self.classes) ** 2 + X.shape[1]):
            least, most = self._log_shares(X[rows], scale.max())
            lower[rows], upper[rows] = _probits_between(least.T, most.T)
        return lower, upper

    def _log_shares(self, X, sigma):
        """Bounds on the logarithms of the shares, of shape (n_rows, n_classes)."""
        score, error = self._ahead_of_first.at(X)
        gap = score[:, np.newaxis] - score[:, :, np.newaxis]
        gap_error = error[:, np.newaxis] + error[:, :, np.newaxis] + UNIT * np.abs(gap)
        # Where each pair of classes draws, in standard deviations from the sample.
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = gap / self._rise
            error = gap_error + np.abs(crossing) * self._rise_error
            crossing, error = crossing / sigma, error / self._shortest / sigma
        size = np.where(self._flat, 0.0, np.abs(crossing))
        # As in `LineSource`: how far noise off the direction may move a crossing.
        reach = 40.0 + np.minimum(size.max(axis=(1, 2)), 2 * PROBIT_MAX)
        error += reach[:, np.newaxis, np.newaxis] * self._off + 6 * UNIT * size
        error *= _SLACK
        least, most = crossing - error, crossing + error
        least[np.isnan(least)], most[np.isnan(most)] = -np.inf, np.inf
        first_lo, last_lo = (
            np.where(self._above, end, -np.inf).max(axis=2) for end in (least, most)
        )
        first_hi, last_hi = (
            np.where(self._below, end, np.inf).min(axis=2) for end in (least, most)
        )
        k = np.arange(len(self.classes))
        first = self._same_score & (k < k[:, np.newaxis])  # wins the tie
        level = self._flat & ~self._same_score
        never = np.any((level & (gap > gap_error)) | first, axis=2)
        unsure = np.any(level & ~(np.abs(gap) > gap_error), axis=2)
        least = log_interval_mass(last_lo, first_hi)
        most = log_interval_mass(first_lo, last_hi)
        return (
            np.where(never | unsure, -np.inf, least),
            np.where(never, -np.inf, most),
        )


def _probits_between(least, most):
    """Probits of classes from bounds on the logarithms of their shares.

    Parameters
    ----------
    least, most : ndarray of shape (n_classes, n_rows)
    """
    ends = []
    for share, rest in (
        (least, log_sum_of_others(most)),
        (most, log_sum_of_others(least)),
    ):
        # Either tells the probit; the smaller one has not lost digits.
        direct = share <= LOG_HALF
        smaller = np.minimum(np.where(direct, share, rest), LOG_HALF)
        probit = np.where(direct, 1.0, -1.0) * probit_of_log(smaller)
        # Of the logarithm of a mass, and of as many additions of logarithms.
        rounding = UNIT * np.where(direct, 8.0, 8.0 + 2 * len(share))
        ends.append(probit_interval(probit, ShareError(rounding, rounding)))
    (lower, _), (_, upper) = ends
    return lower.T, upper.T


class ThreeClassSource(LinearSource):
    """Three classes: Gaussian masses of three wedges that share a tip in a plane.

    Parameters
    ----------
    classes : ndarray of shape (3,)
    scores : LinearScores
    held : ndarray of bool of shape (n_features,), default=None
        See `LinearSource`.

    Notes
    -----
    In the plane spanned by the differences of the scores, over the features that take
    noise, each class is predicted in a wedge and the noise is a standard normal. The
    mass of a wedge comes from Owen's T [1]_, and where that is small, and its
    differences would lose digits, from an integral along its axis with positive terms
    only. What is not in a class is the sum of the two other wedges.

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

    def __init__(self, classes, scores, held=None):
        super().__init__(classes, scores, held)
        coef, intercept, center, *_ = self.scores
        noisy = slice(None) if held is None else ~held
        # In a unit of its own, the squares of the sides neither under- nor overflow.
        largest = np.abs(coef.value[:, noisy]).max()
        unit = 2.0 ** np.clip(np.frexp(largest)[1], -1000, 1000)
        sides, offsets = (
            Rounded(part.value / unit, part.error / unit + TINY * (part.value != 0))
            for part in (coef[1:] - coef[:1], intercept[1:] - intercept[:1])
        )
        self._ahead_of_first = _Differences(sides, offsets, center)
        sides = sides[:, noisy]  # what is held moves the scores, and not by noise
        lengths = np.linalg.norm(sides.value, axis=1)
        _, spread, basis = np.linalg.svd(
            sides.value / np.where(lengths > 0, lengths, 1.0)[:, np.newaxis],
            full_matrices=False,
        )
        if spread[1] < 1e-4 * spread[0]:
            raise Declined("its class boundaries are nearly parallel")
        plane = sides.value @ basis.T
        self._to_tip = -np.linalg.inv(plane)
        # How far the differences of scores are from what the plane makes of them.
        size = np.abs(self._to_tip)
        gap = sides @ sides.T - Rounded(plane) @ Rounded(plane.T)
        self._correlated = _SLACK * np.linalg.norm(size.T @ gap.size @ size)
        self._condition = np.linalg.norm(size) * np.linalg.norm(plane)
        plane = np.concatenate([np.zeros((1, 2)), plane])
        # normals[i, j] points from where j is ahead of i to where i is ahead of j.
        normals = plane[:, np.newaxis] - plane
        self._length = np.linalg.norm(normals, axis=2) + np.eye(3)
        normals /= self._length[:, :, np.newaxis]
        self._wedges = [_Wedge(normals, i) for i in range(3)]

    def _probits(self, X, scale):
        ahead, error = self._ahead_of_first.at(X)
        sigma = scale.max()  # of all features that take noise
        probit, unsure = np.empty((2, len(X), 3))
        for rows in row_chunks(len(X), 200):
            probit[rows], unsure[rows] = self._probits_of(ahead[rows] / sigma)
        # A move of the sample by delta sigma moves the logarithm of a share p by at
        # most delta (0.8 + sqrt(-2 log p)), so that of a sum of two shares likewise but
        # for log(2), and a probit by at most 3.2 delta.
        error += 8 * UNIT * (1 + self._condition) * np.abs(ahead)
        moved = row_products(error, np.abs(self._to_tip).T) / sigma
        unsure += 3.2 * _SLACK * np.hypot(*moved.T)[:, np.newaxis]
        quadrature = ShareError(_QUADRATURE, 16 * UNIT)
        lower, upper = probit_interval(
            probit, quadrature.with_correlation(self._correlated, 2)
        )
        return clipped(lower - unsure, upper + unsure)

    def _probits_of(self, ahead):
        """Probits, and what rounding in `_Wedge.mass` may have moved them by.

        Parameters
        ----------
        ahead : ndarray of shape (n_samples, 2)
            Scores of the last two classes less that of the first, over sigma.
        """
        tip = row_products(ahead, self._to_tip.T)
        score = np.concatenate([np.zeros((len(ahead), 1)), ahead], axis=1)
        ahead = (score[:, :, np.newaxis] - score[:, np.newaxis]) / self._length
        share = np.stack([wedge.mass(ahead) for wedge in self._wedges])
        small = share < _TAIL
        rounding = np.array([[wedge.rounding] for wedge in self._wedges])
        rounding = np.where(small, 0.0, rounding)
        if small.any():
            log_share = np.log(np.where(small, 1.0, share))
            for i, wedge in enumerate(self._wedges):
                for rows in _blocks(np.flatnonzero(small[i])):
                    log_share[i, rows] = wedge.log_mass(tip[rows])
            share = np.where(small, np.exp(log_share), share)
            probit = probits_of_log_shares(log_share)
            near = np.all(log_share > np.log(UNDERFLOW), axis=0)
            probit[near] = probits_of_shares(share[:, near])
        else:
            probit = probits_of_shares(share)
        # Relative to the smaller of a share and the rest; where it is itself small,
        # neither it nor any part of it comes from `mass`.
        rest = sums_of_others(share)
        of_smaller = np.where(share <= rest, rounding, sums_of_others(rounding))
        smaller = np.maximum(np.minimum(share, rest), _TAIL)
        return probit, (1.3 * of_smaller / smaller).T


def _blocks(indices, size=512):
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


class _Wedge:
    """Where class i of three is predicted, as seen from the tip."""

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
        # Of `mass`, absolutely: two of ndtr at 4 UNIT, two of owens_t at UNIT, what
        # four operations on its arguments and the normals change, and the sums.
        self.rounding = UNIT * (16.0 + 8.0 / self._sine_between)

    def mass(self, ahead):
        """Mass by Owen's T; right to `rounding`, absolutely."""
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
        along = row_products(tip, self._axes)
        across = row_products(tip, np.stack([-self._axes[1], self._axes[0]]))
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
    half = slope * t
    middle = across[..., np.newaxis]
    terms = -0.5 * (along[..., np.newaxis] + t) ** 2
    terms += log_interval_mass(middle - half, middle + half, 2 * half)
    largest = terms.max(axis=-1)
    total = np.exp(terms - largest[..., np.newaxis]) @ weight
    return largest + np.log(total * width) - 0.5 * np.log(2 * np.pi)
