# SPDX-License-Identifier: BSD-3-Clause
"""Two classes and a score that is a sum over single features: a dynamic program."""

import numpy as np
from scipy.special import ndtr, ndtri

from sksmooth._special import row_products
from sksmooth.votes.exact._boxes import cell_intervals
from sksmooth.votes.exact._numerics import (
    UNDERFLOW,
    probit_interval,
    row_dots,
)
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined, ExactSource
from sksmooth.votes.exact._structure import (
    SUM_ROUNDING,
    SumOfTrees,
    read_ensemble,
)

N_BINS = 4096
MAX_BINS = 2**16
# Half of the width allowed, as it is measured on other samples than the caller's.
TARGET_WIDTH = 5e-3
# Samples at which the sum of the terms is compared with the score.
_N_COMPARED = 64
# Samples that tell how fine a grid is needed.
_N_PROBES = 8
# Samples worked off at a time: their distributions stay in cache.
_ROWS = 16


class AdditiveSource(ExactSource):
    """Boosted trees that look at one feature each, for two classes.

    The score is a sum of independent terms, one per feature. Its distribution is found
    by a dynamic program over a grid [1]_. Unlike there, what rounding to the grid may
    have moved is kept as an interval, so that the result holds for the fitted model
    itself and not for a rounded one.

    Parameters
    ----------
    estimator : fitted classifier
        For whose type a reader of trees is registered, see `read_ensemble`.
    affine : AffineMap
    n_bins : int, default=None
        Cells of the grid over the range of the score. None begins with 4096 and doubles
        them until intervals are narrower than 5e-3 on average over some samples among
        the thresholds, under noise as wide as these are spread: the grid depends on the
        model alone.

    Attributes
    ----------
    n_bins : int

    Notes
    -----
    Probabilities below 1e-280 are not told apart: the upper end of a probit is at least
    -35.8, and so its lower end, for the other class, at most 35.8.

    References
    ----------
    .. [1] M. Z. Horvath, M. N. Mueller, M. Fischer, M. Vechev, "(De-)Randomized
       Smoothing for Decision Stump Ensembles", NeurIPS 2022, section 4.

    Raises
    ------
    Declined
        If a tree looks at several features, there are more than two classes, or scores
        are not the sum of the trees.
    """

    kind = "interval"

    def __init__(self, estimator, affine, n_bins=None):
        if len(estimator.classes_) != 2:
            raise Declined("a sum over features is only worked out for two classes")
        ensemble = read_ensemble(estimator)
        if isinstance(ensemble.sum, str):
            raise Declined(ensemble.sum)
        addition = ensemble.sum
        if addition is None:
            addition = SumOfTrees(estimator.decision_function)
        super().__init__(estimator.classes_, affine, ensemble.visit_cost())
        self.single_precision = ensemble.single_precision
        thresholds = ensemble.thresholds(affine.n_features_out)
        # The upper end of a cell is compared as all of the cell is.
        points = [np.append(cuts, np.inf) for cuts in thresholds]
        self._terms, size = terms_per_feature(ensemble, thresholds, points)
        # What the terms leave over is constant, so one point tells it.
        origin = np.zeros((1, affine.n_features_out))
        self._bias = 0.0
        total = ask(addition.score, origin)
        self._bias = float(total[0] - self._score(origin)[0])
        self._bound_rounding(len(ensemble.trees), size, addition.unit, addition.tie)
        self._check_sum(addition.score)
        axes, thresholds, _ = zip(*self._terms, strict=True)
        self._intervals, self._offsets = cell_intervals(axes, thresholds)
        self._lay_grid_of(n_bins)

    def _bound_rounding(self, n_trees, size, unit=SUM_ROUNDING, tie=0.0):
        """Bound how far rounding moves scores of some size; see `SumOfTrees`."""
        self._slack = unit * (n_trees + 16) * (size + abs(self._bias)) + tie

    def _check_sum(self, score):
        """Decline scores that are not the sum of the terms, up to rounding."""
        rng = np.random.default_rng(0)
        X = np.zeros((_N_COMPARED, self.affine.n_features_out))
        for axis, cuts, _ in self._terms:
            if len(cuts):
                cuts = np.clip(cuts, -1e30, 1e30)
                noise = np.std(cuts) * rng.standard_normal(_N_COMPARED)
                # As float32 has them, so that no cast moves them across a threshold.
                X[:, axis] = (rng.choice(cuts, _N_COMPARED) + noise).astype(np.float32)
        if np.any(np.abs(ask(score, X) - self._score(X)) > self._slack):
            raise Declined("its scores are not the sum of its trees")

    def _lay_grid_of(self, n_bins):
        """Lay the grid, of a given number of bins or as fine as is needed."""
        self._lay_grid(n_bins or N_BINS)
        if n_bins is None:
            self._refine_grid()

    def _refine_grid(self):
        rng = np.random.default_rng(0)
        X = np.zeros((_N_PROBES, self.affine.n_features_out))
        scale = np.ones(self.affine.n_features_out)
        for axis, cuts, _ in self._terms:
            if len(cuts):
                X[:, axis] = rng.choice(cuts, _N_PROBES)
                scale[axis] = np.std(cuts) or 1.0
        width = _mean_width(*self._probits(X, scale))
        while width > TARGET_WIDTH and self.n_bins < MAX_BINS:
            self._lay_grid(2 * self.n_bins)
            coarse, width = width, _mean_width(*self._probits(X, scale))
            if width > 0.8 * coarse:
                # Scores on the boundary itself; no grid decides them.
                break

    def _lay_grid(self, n_bins):
        self.n_bins = n_bins
        width = sum(np.ptp(term) for _, _, term in self._terms) / n_bins or 1.0
        base, error_lo, error_hi = self._bias, 0.0, 0.0
        self._steps = []
        for _, _, term in self._terms:
            from_least = term - term.min()
            steps = np.rint(from_least / width).astype(np.int64)
            error = from_least - steps * width
            base += term.min()
            error_lo += error.min()
            error_hi += error.max()
            self._steps.append(_Steps(steps))
        # The score is base + width * (sum of steps) + error. From `sure` steps on it is
        # positive whatever the error, below `possible` it is negative whatever it is.
        self._sure = int(np.floor((self._slack - base - error_lo) / width)) + 1
        self._possible = int(np.ceil((-self._slack - base - error_hi) / width))
        self._halves = _balanced(self._steps)

    def cost_per_row(self, n_rows=1):
        additions = sum(
            sum(self._steps[i].reach for i in half)
            * sum(len(self._steps[i].values) for i in half)
            for half in self._halves
        )
        return 1e-9 * additions + 1e-7 * len(self._intervals) + 5e-4 / n_rows

    def disagrees(self, X, labels):
        score = self._score(self._mapped(self._checked(X)))
        # Within rounding of the boundary either label will do; the interval says so.
        decided = np.abs(score) > self._slack
        return decided & (self.classes[(score > 0).astype(int)] != labels)

    def _positions(self, X):
        return (self._score(X) > 0).astype(int)

    def _score(self, X):
        score = np.full(len(X), self._bias)
        for axis, cuts, term in self._terms:
            score += term[np.searchsorted(cuts, X[:, axis], side="left")]
        return score

    def _probits(self, X, scale):
        lower = np.empty(len(X))
        upper = np.empty(len(X))
        narrow = self._intervals.narrow(scale)
        for start in range(0, len(X), _ROWS):
            rows = slice(start, start + _ROWS)
            masses = self._intervals.masses(X[rows], scale, narrow).T
            masses = np.split(masses, self._offsets[1:-1], axis=1)
            weights = [
                row_products(mass, steps.gather)
                for mass, steps in zip(masses, self._steps, strict=True)
            ]
            first, second = (
                _distribution(len(masses[0]), half, self._steps, weights)
                for half in self._halves
            )
            (above_sure, below_sure), (above, below) = _sums_at_least(
                first, second, (self._sure, self._possible)
            )
            lower[rows] = _probit(above_sure, below_sure, "lower")
            upper[rows] = _probit(above, below, "upper")
        error = self._share_error(narrow, len(scale))
        lower, _ = probit_interval(lower, error)
        _, upper = probit_interval(upper, error)
        return np.stack([-upper, lower], axis=1), np.stack([-lower, upper], axis=1)

    @property
    def _used_features(self):
        return self._intervals.used_features

    @property
    def _cuts(self):
        return self._intervals.feature, self._intervals.threshold

    def _share_error(self, narrow, n_features):
        """Bound on the relative error of the sums that the dynamic program adds up."""
        relative, correlated = self._noise_error
        sizes = np.diff(self._offsets)
        error = self._intervals.mass_error(narrow, relative, len(sizes))
        # The sums over cells, over values and over the tails of a half; products.
        n_roundings = np.sum(sizes) + 2 * len(sizes) + 16
        n_roundings += sum(len(steps.values) + steps.reach for steps in self._steps)
        error = error.of_sum(np.sum(np.log(sizes)), n_roundings)
        return error.with_correlation(correlated, n_features)


def _mean_width(lower, upper):
    return np.mean(ndtr(upper) - ndtr(lower))


def terms_per_feature(ensemble, thresholds, points):
    """The sum of all trees as one step function per feature.

    Parameters
    ----------
    ensemble : Ensemble
    thresholds : list of ndarray
        Sorted thresholds of each feature.
    points : list of ndarray
        A point in each cell between them.

    Returns
    -------
    terms : list of (feature, sorted thresholds, value between them)
    size : float
        Sum of the largest sizes of all trees.
    """
    terms = {}
    size = 0.0
    for tree in ensemble.trees:
        size += np.abs(tree.value).max()
        used = tree.used_features
        if len(used) > 1:
            raise Declined(f"a tree of it looks at {len(used)} features at once")
        axis = int(used[0]) if len(used) else 0
        X = np.zeros((len(points[axis]), len(thresholds)))
        X[:, axis] = points[axis]
        term = tree.value[tree.leaf_of(X), 0]
        terms[axis] = terms.get(axis, 0.0) + term
    return [(axis, thresholds[axis], terms[axis]) for axis in sorted(terms)], size


class _Steps:
    """The term of a feature in whole steps of the grid.

    Attributes
    ----------
    values : ndarray of int
        Its distinct values, increasing from zero.
    gather : ndarray of shape (n_cells, n_values)
        Indicator of which cell has which.
    reach : int
        The largest.
    """

    def __init__(self, steps):
        self.values, group = np.unique(steps, return_inverse=True)
        self.gather = np.eye(len(self.values))[group]
        self.reach = int(self.values[-1])


def _balanced(steps):
    """Features in two groups of about the same range, small ranges first."""
    halves, reach = ([], []), [0, 0]
    for i in sorted(range(len(steps)), key=lambda i: -steps[i].reach):
        side = int(reach[1] < reach[0])
        halves[side].insert(0, i)
        reach[side] += steps[i].reach
    return halves


def _distribution(n_rows, features, steps, weights):
    """Distribution of a sum of independent terms, of shape (n_samples, reach + 1)."""
    total = np.ones((n_rows, 1))
    for i in features:
        grown = np.zeros((n_rows, total.shape[1] + steps[i].reach))
        part = np.empty_like(total)
        for value, weight in zip(steps[i].values, weights[i].T, strict=True):
            np.multiply(total, weight[:, np.newaxis], out=part)
            grown[:, value : value + total.shape[1]] += part
        total = grown
    return total


def _sums_at_least(first, second, bounds):
    """P(A + B >= bound) and P(A + B < bound), both as sums of positive terms."""
    n_rows, n = second.shape
    at_least = np.zeros((n_rows, n + 1))
    below = np.zeros((n_rows, n + 1))
    np.cumsum(second[:, ::-1], axis=1, out=at_least[:, n - 1 :: -1])
    np.cumsum(second, axis=1, out=below[:, 1:])
    for bound in bounds:
        bound = min(max(bound, 0), first.shape[1] + n)
        need = np.clip(bound - np.arange(first.shape[1]), 0, n)
        yield tuple(row_dots(first, tail[:, need]) for tail in (at_least, below))


def _probit(above, below, end):
    """Probit of `above` where above + below = 1, rounded to the safe side far out."""
    # Products may have underflowed: the smaller of the two may be too small by as much.
    if end == "lower":
        below = np.maximum(below, UNDERFLOW)
        above = np.where(above < UNDERFLOW, 0.0, above)
    else:
        above = np.maximum(above, UNDERFLOW)
        below = np.where(below < UNDERFLOW, 0.0, below)
    with np.errstate(divide="ignore"):
        return np.where(
            above <= below,
            ndtri(np.minimum(above, 0.5)),
            -ndtri(np.minimum(below, 0.5)),
        )
