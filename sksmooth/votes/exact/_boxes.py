# SPDX-License-Identifier: BSD-3-Clause
"""Disjoint boxes of one class each, and their masses under Gaussian noise."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import log_ndtr, ndtr

from sksmooth._special import log_interval_mass
from sksmooth.votes.exact._numerics import (
    UNDERFLOW,
    ShareError,
    probit_interval,
    probits_of_log_shares,
    probits_of_shares,
)
from sksmooth.votes.exact._rounding import UNIT

# Narrower intervals, in units of the noise, are not differences of tails.
_NARROW = 2e-3
# Samples are worked off in chunks of about this many bytes, which stay in cache.
_CHUNK_BYTES = 2**20


def row_chunks(n_rows, n_floats_per_row):
    """Slices of samples whose work arrays fit into cache."""
    step = int(_CHUNK_BYTES / (8 * n_floats_per_row))
    # Gathering slivers of a few samples is slower than gathering single numbers.
    step = step if step >= 8 else 1
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


class AxisIntervals:
    """Intervals ``lo < x[feature] <= hi``, each computed once however often it is used.

    Parameters
    ----------
    feature : ndarray of int of shape (n_cuts,)
    threshold : ndarray of shape (n_cuts,)
    lo, hi : ndarray of int of shape (n_intervals,)
        Positions in `threshold`; ``n_cuts`` stands for minus infinity and
        ``n_cuts + 1`` for plus infinity.
    """

    def __init__(self, feature, threshold, lo, hi):
        self.feature = np.asarray(feature, dtype=np.intp)
        self.threshold = np.asarray(threshold, dtype=np.float64)
        self.lo = np.asarray(lo, dtype=np.intp)
        self.hi = np.asarray(hi, dtype=np.intp)
        n_cuts = len(self.threshold)
        self._bounded = np.flatnonzero((self.lo < n_cuts) & (self.hi < n_cuts))
        lo, hi = self.lo[self._bounded], self.hi[self._bounded]
        self._width = self.threshold[hi] - self.threshold[lo]
        self._width_feature = self.feature[lo]

    def __len__(self):
        return len(self.lo)

    @property
    def n_floats(self):
        """Floats of work space per sample, at most."""
        return 4 * (len(self.threshold) + 2) + 3 * len(self.lo)

    @property
    def n_operations(self):
        """Elementary operations per sample."""
        return 30 * len(self.threshold) + 8 * len(self.lo)

    @cached_property
    def used_features(self):
        return np.unique(self.feature)

    def narrow(self, scale):
        """Which intervals are narrow under noise of this scale.

        Returns
        -------
        NarrowIntervals
        """
        with np.errstate(divide="ignore"):
            width = self._width / scale[self._width_feature]
        is_narrow = width < _NARROW
        thinnest = width[~is_narrow].min(initial=1.0)
        return NarrowIntervals(self._bounded[is_narrow], width[is_narrow], thinnest)

    def masses(self, X, scale, narrow):
        """P(lo < x + scale * Z <= hi), as an array of shape (n_intervals, n_rows).

        A feature of scale 0 is a point mass: 0 or 1.
        """
        z = self._standardised(X, scale)
        # The CDF is kept as its smaller tail, signed, plus whether the larger is meant.
        # Differences of each part keep the relative precision of both tails.
        above = z > 0
        tail = self._tail(np.abs(z))
        np.negative(tail, out=tail, where=above)
        tail = _padded(tail, 0.0, 0.0)
        above = _padded(above.astype(np.float64), 0.0, 1.0)
        mass = tail[self.hi]
        mass -= tail[self.lo]
        straddles = above[self.hi]
        straddles -= above[self.lo]
        mass += straddles
        if len(narrow.index):
            mass[narrow.index] = _narrow_masses(
                z[self.lo[narrow.index]], narrow.width[:, np.newaxis]
            )
        return np.maximum(mass, 0.0, out=mass)

    def _tail(self, distance):
        """Probability that noise exceeds some standard deviations."""
        return ndtr(-distance)

    def log_masses(self, X, scale, narrow):
        """Logarithm of `masses`, far beyond where they underflow."""
        z = self._standardised(X, scale)
        log_tail = _padded(log_ndtr(-np.abs(z)), -np.inf, -np.inf)
        above = _padded(z > 0, False, True)
        log_mass = _log_mass_between(
            log_tail[self.lo], log_tail[self.hi], above[self.hi] & ~above[self.lo]
        )
        if len(narrow.index):
            log_mass[narrow.index] = log_interval_mass(
                z[self.lo[narrow.index]],
                z[self.hi[narrow.index]],
                narrow.width[:, np.newaxis],
            )
        return log_mass

    def mass_error(self, narrow, noise_error, n_sides):
        """Bound on the relative error of the mass of a box, see the notes.

        Parameters
        ----------
        narrow : NarrowIntervals
        noise_error : float
            Relative error of the standard deviations of the noise.
        n_sides : int
            Most sides of a box.

        Returns
        -------
        ShareError

        Notes
        -----
        An end of an interval, in units of the noise, comes from a difference and a
        quotient: its relative error e is at most that of three operations and of the
        noise. A tail beyond a is then right to ``t0 + t1 a**2`` with
        ``t0 = 6 UNIT + 0.4 e`` and ``t1 = 6 UNIT + 1.4 e``, as ``a`` times the hazard
        rate is at most ``1.4 a**2 + 0.4``. The mass of an interval of width w whose
        nearer end is at a is at least ``min(1, w) / 2`` of the tail beyond a, or, if
        it holds zero, ``0.24 min(1, w)``. So its relative error is at most
        ``(k0 + k1 a**2) / min(1, w)`` with ``k0 = 4.2 t0 + 3 t1 + 9 UNIT`` and
        ``k1 = 6 t1``. Narrow intervals are integrated without a difference: theirs is
        as if w were 1. Over the sides of a box, the sum of ``a**2 / 2`` is at most
        minus the logarithm of its mass.
        """
        end = 4 * UNIT + noise_error
        t0, t1 = 6 * UNIT + 0.4 * end, 6 * UNIT + 1.4 * end
        k0, k1 = 4.2 * t0 + 3 * t1 + 9 * UNIT, 6 * t1
        per_log = 2 * k1 / narrow.thinnest + UNIT * (n_sides + 4)
        constant = k0 * n_sides / narrow.thinnest + UNIT * n_sides
        return ShareError(constant, per_log)

    def contains(self, X):
        """Whether each interval contains x, as 0.0 or 1.0."""
        at_most = X.T[self.feature] <= self.threshold[:, np.newaxis]
        at_most = _padded(at_most, False, True)
        return (at_most[self.hi] & ~at_most[self.lo]).astype(np.float64)

    def reached(self, X, scale):
        """Whether noise reaches each interval at all, as 0.0 or 1.0."""
        is_noisy = np.append(scale[self.feature] > 0, [False, False])
        # One end, if not both, is a threshold.
        always = is_noisy[self.lo] | is_noisy[self.hi]
        return np.maximum(self.contains(X), always[:, np.newaxis])

    def _standardised(self, X, scale):
        distance = self.threshold[:, np.newaxis] - X.T[self.feature]
        at = scale[self.feature]
        if not np.all(at):
            held = at == 0
            distance[held] = np.where(distance[held] >= 0, np.inf, -np.inf)
            at = np.where(held, 1.0, at)
        distance /= at[:, np.newaxis]
        # Thresholds of 1e300 occur; keep the logarithms of their tails finite.
        distance[scale[self.feature] > 0] = np.clip(
            distance[scale[self.feature] > 0], -1e150, 1e150
        )
        return distance


class NarrowIntervals(NamedTuple):
    """Intervals whose mass is not a difference of tails.

    Attributes
    ----------
    index : ndarray of int of shape (n_narrow,)
    width : ndarray of shape (n_narrow,)
        In units of the noise.
    thinnest : float
        The least width of all other intervals, at most 1.
    """

    index: np.ndarray  # type: ignore[assignment] # hides tuple.index
    width: np.ndarray
    thinnest: float


def _narrow_masses(start, width):
    """Masses of narrow intervals: the density times a Taylor series in the width.

    Its terms are those of `_special.log_interval_mass`. For intervals below `_NARROW`
    that do not underflow, what is left out is below the bound of `mass_error`.
    """
    half = width / 2
    q = half * half
    middle = start + half
    # Beyond 39 the mass underflows; the series need not hold there.
    square = np.minimum(np.square(middle, out=middle), 39.0**2, out=middle)
    mass = np.exp(-0.5 * square)
    square *= q
    series = square * (1 / 5040)
    series += 1 / 120
    series *= square
    series += 1 / 6 - q / 20
    series *= square
    series += 1 - q / 6 + q * q / 40
    mass *= series
    mass *= width / np.sqrt(2 * np.pi)
    return mass


def _log_mass_between(log_tail_lo, log_tail_hi, straddles):
    """Log mass of an interval from the log tails ``log Phi(-abs(end))`` of its ends."""
    larger = np.maximum(log_tail_lo, log_tail_hi)
    smaller = np.minimum(log_tail_lo, log_tail_hi)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(np.isneginf(smaller), -np.inf, smaller - larger)
        return np.where(
            straddles,
            np.log1p(-np.exp(log_tail_lo) - np.exp(log_tail_hi)),
            larger + np.log1p(-np.exp(gap)),
        )


def _padded(values, at_minus_infinity, at_infinity):
    padded = np.empty((len(values) + 2, values.shape[1]), dtype=values.dtype)
    padded[:-2] = values
    padded[-2] = at_minus_infinity
    padded[-1] = at_infinity
    return padded


def cell_ends(axes, thresholds):
    """Cells between the sorted thresholds of some axes, as ends among all thresholds.

    Parameters
    ----------
    axes : sequence of int
        Feature of each axis.
    thresholds : sequence of ndarray

    Returns
    -------
    feature, threshold : ndarray of shape (n_cuts,)
    lo, hi : list of ndarray of int, one per axis
        As for `AxisIntervals`.
    """
    sizes = [len(cuts) for cuts in thresholds]
    n_cuts = sum(sizes)
    parts = np.split(np.arange(n_cuts), np.cumsum(sizes)[:-1])
    lo = [np.append(n_cuts, cuts) for cuts in parts]
    hi = [np.append(cuts, n_cuts + 1) for cuts in parts]
    return np.repeat(axes, sizes), np.concatenate(thresholds), lo, hi


def cell_intervals(axes, thresholds):
    """Cells between the sorted thresholds of some axes, one axis after the other.

    Returns
    -------
    intervals : AxisIntervals
    offsets : ndarray of int of shape (n_axes + 1,)
        Where the cells of each axis start.
    """
    feature, threshold, lo, hi = cell_ends(axes, thresholds)
    offsets = np.cumsum([0] + [len(ends) for ends in lo])
    intervals = AxisIntervals(
        feature, threshold, np.concatenate(lo), np.concatenate(hi)
    )
    return intervals, offsets


class Boxes:
    """A partition of space into boxes with a class each.

    Parameters
    ----------
    intervals : AxisIntervals
    factors : list of ndarray of int
        The k-th holds, for each box that has so many sides, the position of the
        interval that is its k-th side. Boxes with more sides come first, so that every
        factor is about a leading block of boxes.
    labels : ndarray of int of shape (n_boxes,)
        Position of the class of each box.
    n_classes : int
    """

    def __init__(self, intervals, factors, labels, n_classes):
        self.intervals = intervals
        self.factors = factors
        self.labels = labels
        self.n_classes = n_classes

    @cached_property
    def _one_hot(self):
        """Sums over the boxes of each class.

        Sparse, so that the boxes of a sample are added in one order, whatever the
        other samples; a product of dense matrices adds in an order of its own.
        """
        ones = np.ones(self.n_boxes)
        place = (self.labels, np.arange(self.n_boxes))
        return csr_array((ones, place), shape=(self.n_classes, self.n_boxes))

    @property
    def n_boxes(self):
        return len(self.labels)

    @property
    def n_floats(self):
        """Floats of work space per sample, at most."""
        return self.intervals.n_floats + 3 * self.n_boxes + 4 * self.n_classes

    @property
    def n_operations(self):
        """Elementary operations per sample."""
        return (
            self.intervals.n_operations
            + 2 * sum(map(len, self.factors))
            + self.n_classes * (self.n_boxes + 30)
        )

    def probits(self, X, scale, noise_error=(0.0, 0.0)):
        """Lower and upper probits of the classes, of shape (n_samples, n_classes).

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        scale : ndarray of shape (n_features,)
            Standard deviation of the noise of each feature.
        noise_error : (float, float)
            See `AffineMap.noise_error`.
        """
        probit = np.empty((len(X), self.n_classes))
        answered = np.isin(np.arange(self.n_classes), self.labels)[:, np.newaxis]
        narrow = self.intervals.narrow(scale)
        for rows in row_chunks(len(X), self.n_floats):
            shares = self.shares(X[rows], scale, narrow)
            probit[rows] = probits_of_shares(shares)
            small = answered & (shares < UNDERFLOW)
            if small.any() and not np.all(scale):
                reached = self.intervals.reached(X[rows], scale)
                small &= self._one_hot @ self._products(reached, np.multiply, 1.0) > 0
            far = np.flatnonzero(np.any(small, axis=0))
            if len(far):
                far += rows.start
                log_shares = self.log_shares(X[far], scale, narrow)
                probit[far] = probits_of_log_shares(log_shares)
        relative, correlated = noise_error
        error = self.intervals.mass_error(narrow, relative, len(self.factors))
        error = error.of_sum(np.log(self.n_boxes), self.n_boxes + self.n_classes + 8)
        return probit_interval(probit, error.with_correlation(correlated, len(scale)))

    def shares(self, X, scale, narrow):
        """Probability of each class, of shape (n_classes, n_rows)."""
        masses = self.intervals.masses(X, scale, narrow)
        return self._one_hot @ self._products(masses, np.multiply, 1.0)

    def log_shares(self, X, scale, narrow):
        """Log probability of each class, of shape (n_classes, n_rows)."""
        log_boxes = self._products(
            self.intervals.log_masses(X, scale, narrow), np.add, 0.0
        )
        largest = np.full((self.n_classes, len(X)), -np.inf)
        for k in range(self.n_classes):
            np.max(log_boxes[self.labels == k], axis=0, out=largest[k], initial=-np.inf)
        log_boxes -= np.where(np.isfinite(largest), largest, 0.0)[self.labels]
        with np.errstate(divide="ignore"):
            return largest + np.log(self._one_hot @ np.exp(log_boxes))

    def positions(self, X):
        """Position of the class of the box that contains each sample."""
        at = np.empty(len(X), dtype=np.intp)
        for rows in row_chunks(len(X), self.n_floats):
            inside = self._products(self.intervals.contains(X[rows]), np.multiply, 1.0)
            at[rows] = np.argmax(self._one_hot @ inside, axis=0)
        return at

    def _products(self, of_intervals, combine, neutral):
        """Combine the numbers of each box's sides, to shape (n_boxes, n_rows)."""
        if not self.factors:
            return np.full((self.n_boxes, of_intervals.shape[1]), neutral)
        product = np.empty((self.n_boxes, of_intervals.shape[1]))
        first = self.factors[0]
        np.take(of_intervals, first, axis=0, out=product[: len(first)], mode="clip")
        product[len(first) :] = neutral
        for factor in self.factors[1:]:
            block = product[: len(factor)]
            combine(block, of_intervals[factor], out=block)
        return product


def boxes_of_tree(tree, labels, n_classes, sides=None):
    """Boxes of a tree's leaves; siblings of the same class are merged.

    Parameters
    ----------
    tree : Tree
    labels : ndarray of int of shape (n_nodes,)
        Position of each leaf's class; ignored elsewhere.
    n_classes : int
    sides : TreeSides, default=None
        Collects the sides of boxes; None is for trees of numbers.

    Returns
    -------
    Boxes
    """
    sides = TreeSides() if sides is None else sides
    labels, is_end = _merge_siblings(tree, labels)
    boxes, ends = [], []
    stack = [(0, {})]
    while stack:
        node, bounds = stack.pop()
        if is_end[node]:
            boxes.append(list(bounds.items()))
            ends.append(labels[node])
            continue
        children = tree.left[node], tree.right[node]
        for child, inside in zip(
            children, sides.split(tree, node, bounds), strict=True
        ):
            # A tree that was edited may have branches that no sample reaches.
            if inside is not None:
                stack.append((child, inside))
    intervals, places = sides.collected(boxes)
    n_sides = np.array([len(side) for side in places])
    order = np.argsort(-n_sides, kind="stable")
    factors = [
        np.array([places[box][k] for box in order[: np.sum(n_sides > k)]])
        for k in range(n_sides.max())
    ]
    return Boxes(intervals, factors, np.array(ends)[order], n_classes)


class TreeSides:
    """Sides of the boxes of a tree: intervals of features."""

    def __init__(self):
        self._cuts = {}
        self._at = []

    def split(self, tree, node, bounds):
        """Sides of the boxes of both children of a node.

        Parameters
        ----------
        tree : Tree
        node : int
        bounds : dict
            Sides of the box of the node by their features: pairs of positions among
            the cuts, of which None stands for either infinity.

        Returns
        -------
        left, right : dict or None
            None where the box is empty.
        """
        feature = int(tree.feature[node])
        threshold = float(tree.threshold[node])
        at = self._at
        cut = self._cuts.setdefault((feature, threshold), len(self._cuts))
        if cut == len(at):
            at.append(threshold)
        lo, hi = bounds.get(feature, (None, None))
        below = cut if hi is None or threshold < at[hi] else hi
        above = cut if lo is None or threshold > at[lo] else lo
        left = right = None
        if lo is None or at[lo] < at[below]:
            left = bounds | {feature: (lo, below)}
        if hi is None or at[above] < at[hi]:
            right = bounds | {feature: (above, hi)}
        return left, right

    def collected(self, boxes):
        """Intervals of all boxes, and where those of each are among them.

        Parameters
        ----------
        boxes : list of list of (feature, side)

        Returns
        -------
        intervals : AxisIntervals
        places : list of list of int
        """
        found = {}
        # A pair of cuts belongs to one feature only.
        places = [
            [found.setdefault(side, len(found)) for _, side in box] for box in boxes
        ]
        n_cuts = len(self._cuts)
        lo = [n_cuts if lo is None else lo for lo, _ in found]
        hi = [n_cuts + 1 if hi is None else hi for _, hi in found]
        feature = [feature for feature, _ in self._cuts]
        threshold = [threshold for _, threshold in self._cuts]
        return AxisIntervals(feature, threshold, lo, hi), places


def _merge_siblings(tree, labels):
    """Labels, and which nodes end a path, once equal siblings are one."""
    order = [0]
    for node in order:
        if tree.feature[node] >= 0:
            order += (tree.left[node], tree.right[node])
    labels = np.array(labels)
    is_end = tree.feature < 0
    for node in reversed(order):
        if not is_end[node]:
            left, right = tree.left[node], tree.right[node]
            if is_end[left] and is_end[right] and labels[left] == labels[right]:
                labels[node] = labels[left]
                is_end[node] = True
    return labels, is_end
