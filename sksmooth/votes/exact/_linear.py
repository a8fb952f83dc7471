# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers of two classes, or of any number along one line."""

import numpy as np
import scipy.linalg

from sksmooth._special import LOG_HALF, log_interval_mass, row_products
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._boxes import row_chunks
from sksmooth.votes.exact._linear_scores import NEARLY_THE_SAME, CenteredScores
from sksmooth.votes.exact._numerics import (
    PROBIT_MAX,
    ShareError,
    clipped,
    log_sum_of_others,
    probit_interval,
    probit_of_log,
)
from sksmooth.votes.exact._rounding import TINY, UNIT, Rounded, gamma
from sksmooth.votes.exact._source import Declined, ExactSource

# For the rounding of the bounds themselves.
_SLACK = 1.01


class Differences:
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
        sides = Differences(coef - coef[:1], intercept - intercept[:1], center)
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
        self._margin = Differences(weight, offset, center)
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
            raise Declined(NEARLY_THE_SAME)
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
        self._along = Differences(Rounded([direction]), Rounded([0.0]), self._center)

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
        self._ahead_of_first = Differences(
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
            raise Declined(NEARLY_THE_SAME)
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
