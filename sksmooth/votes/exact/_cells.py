# SPDX-License-Identifier: BSD-3-Clause
"""Ensembles of trees on few features: a table of their prediction in each cell."""

import math
import weakref
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from sksmooth.certificates import LabelIndex
from sksmooth.votes.exact._boxes import AxisIntervals, Boxes, cell_ends, row_chunks
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._numerics import (
    UNDERFLOW,
    probit_interval,
    probits_of_log_shares,
    probits_of_shares,
)
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined, ExactSource
from sksmooth.votes.exact._structure import read_ensemble

MAX_CELLS = 2_000_000
# Cells given to `predict` at a time.
_BLOCK = 2**16


@closed_form(
    "sklearn.ensemble",
    "BaggingClassifier",
    "ExtraTreesClassifier",
    "RandomForestClassifier",
)
class CellSource(ExactSource):
    """Class probabilities of any ensemble of trees, from one prediction per cell.

    Between neighboring thresholds nothing changes, so the ensemble's own `predict`,
    called once in each cell, gives its hard vote everywhere. The table is filled when
    it is first needed; until then a reference to the ensemble must be kept elsewhere.

    Parameters
    ----------
    estimator : fitted ensemble
    affine : AffineMap
    max_cells : int
        Largest table.

    Raises
    ------
    Declined
        If the table would be larger, or the ensemble is not made of trees.
    """

    def __init__(self, estimator, affine, max_cells=MAX_CELLS):
        ensemble = read_ensemble(estimator)
        super().__init__(estimator.classes_, affine, ensemble.visit_cost())
        self._lay_out(estimator, ensemble, affine.n_features_out, (), max_cells)

    def _lay_out(self, estimator, ensemble, n_features, other_sizes, max_cells):
        """Lay the cells; `other_sizes` are those of axes that are no numbers."""
        self.single_precision = ensemble.single_precision
        thresholds = ensemble.thresholds(n_features)
        sizes = np.array([len(cuts) + 1 for cuts in thresholds])
        # The longest axis last: along it, cells of the same class become one run.
        self._axes = np.argsort(sizes, kind="stable")[-max(1, np.sum(sizes > 1)) :]
        self._shape = (*other_sizes, *sizes[self._axes])
        self.n_cells = int(np.prod(self._shape, dtype=object))
        if self.n_cells > max_cells:
            # The number may be beyond any float.
            raise Declined(
                f"its thresholds make 1e{math.log10(self.n_cells):.1f} cells, more "
                f"than {max_cells}"
            )
        self._estimator = weakref.ref(estimator)
        self._index = LabelIndex(self.classes)
        self._thresholds = [thresholds[axis] for axis in self._axes]
        self._values = [ensemble.representatives(cuts) for cuts in self._thresholds]

    @property
    def build_evaluations(self):
        return 0 if "_table" in self.__dict__ else self.n_cells

    def cost_per_row(self, n_rows=1):
        # Until the table is filled, its runs are guessed to be a tenth of the cells.
        table = self.__dict__.get("_table")
        operations = self.n_cells if table is None else table.n_operations
        return (
            1e-9 * operations
            + 1e-4 / n_rows
            + self.predict_cost * self.build_evaluations / n_rows
        )

    @cached_property
    def _table(self):
        labels = np.empty(self.n_cells, dtype=np.int32)
        for start in range(0, self.n_cells, _BLOCK):
            cells = np.arange(start, min(start + _BLOCK, self.n_cells))
            labels[cells] = self._ask(np.unravel_index(cells, self._shape))
        return self._table_of(labels.reshape(self._shape))

    def _table_of(self, labels):
        return CellTable(self._axes, self._thresholds, labels, len(self.classes))

    def _points(self, cells):
        """What the ensemble is given in cells, by one index array per axis."""
        X = np.zeros((len(cells[0]), self.affine.n_features_out))
        for axis, values, at in zip(self._axes, self._values, cells, strict=True):
            X[:, axis] = values[at]
        return X

    def _ask(self, cells):
        """Predictions of the ensemble in cells."""
        X = self._points(cells)
        estimator = self._estimator()
        if estimator is None:
            raise ReferenceError("the classifier to fill the table from is gone")
        return self._index.positions(ask(estimator.predict, X), len(X))

    @property
    def _used_features(self):
        return self._axes

    @property
    def _cuts(self):
        sizes = [len(cuts) for cuts in self._thresholds]
        return np.repeat(self._axes, sizes), np.concatenate(self._thresholds)

    def _probits(self, X, scale):
        return self._table.probits(X, scale, self._noise_error)

    def _positions(self, X):
        # Without the table, so that a self-check costs next to nothing.
        return self._ask(self._cells_of(X))

    def _cells_of(self, X):
        return [
            np.searchsorted(cuts, X[:, axis], side="left")
            for axis, cuts in zip(self._axes, self._thresholds, strict=True)
        ]


class CellTable:
    """Labels of a grid of cells, contracted with the masses of its axes.

    Parameters
    ----------
    axes : sequence of int
        Feature of each axis.
    thresholds : list of ndarray
        Sorted, for each axis.
    labels : ndarray of int
        Position of the class in each cell.
    n_classes : int
    """

    def __init__(self, axes, thresholds, labels, n_classes):
        self._shape = labels.shape[:-1]
        self._n_classes = n_classes
        length = labels.shape[-1]
        feature, threshold, lo, hi = cell_ends(axes, thresholds)

        # Runs of equal labels along the last axis.
        lines = labels.reshape(-1, length)
        starts = np.ones(lines.shape, dtype=bool)
        starts[:, 1:] = lines[:, 1:] != lines[:, :-1]
        line, first = np.nonzero(starts)
        label = lines[line, first].astype(np.intp)
        last = np.append(first[1:], 0)
        last = np.where(last == 0, length, last) - 1
        pair, run = np.unique(first * length + last, return_inverse=True)
        first, last = np.divmod(pair, length)
        lo[-1], hi[-1] = lo[-1][first], hi[-1][last]

        self.intervals = AxisIntervals(
            feature, threshold, np.concatenate(lo), np.concatenate(hi)
        )
        self._offsets = np.cumsum([0] + [len(ends) for ends in lo])
        self._runs = sp.csr_array(
            (np.ones(len(run)), (label * len(lines) + line, run)),
            shape=(n_classes * len(lines), len(pair)),
        )
        self._run_of = (line, run, label)

    def put_first(self, intervals, ends):
        """Add axes that are no numbers, before the others.

        Parameters
        ----------
        intervals : AxisIntervals
            Cells of these axes, and behind them those of numbers.
        ends : list of int
            Where the cells of each of these axes start, and the last ends.
        """
        self.intervals = intervals
        offsets = np.append(ends[:-1], ends[-1] + self._offsets)
        self._offsets = offsets.astype(np.intp)

    @property
    def n_operations(self):
        return (
            self.intervals.n_operations + 2 * self._runs.nnz + 3 * self._runs.shape[0]
        )

    def probits(self, X, scale, noise_error):
        """Lower and upper probits; see `Boxes.probits`."""
        probit = np.empty((len(X), self._n_classes))
        narrow = self.intervals.narrow(scale)
        n_floats = self.intervals.n_floats + 3 * self._runs.shape[0]
        for rows in row_chunks(len(X), n_floats):
            probit[rows] = self._probits(X[rows], scale, narrow)
        relative, correlated = noise_error
        n_axes, n_boxes = len(self._offsets) - 1, self._runs.nnz
        error = self.intervals.mass_error(narrow, relative, n_axes)
        # Sums along each axis, of all classes and in `_boxes`.
        n_roundings = self._offsets[-1] + self._runs.nnz + self._n_classes + n_axes + 8
        error = error.of_sum(np.log(n_boxes), n_roundings)
        return probit_interval(probit, error.with_correlation(correlated, len(scale)))

    def _probits(self, X, scale, narrow):
        share = self.shares(X, scale, narrow)
        probit = probits_of_shares(share)
        answered = np.diff(self._runs.indptr).reshape(self._n_classes, -1).any(axis=1)
        small = answered[:, np.newaxis] & (share < UNDERFLOW)
        if small.any() and not np.all(scale):
            small &= self._shares(self.intervals.reached(X, scale)) > 0
        far = np.any(small, axis=0)
        if far.any():
            log_share = np.concatenate(
                [
                    self._boxes.log_shares(X[[row]], scale, narrow)
                    for row in np.flatnonzero(far)
                ],
                axis=1,
            )
            probit[far] = probits_of_log_shares(log_share)
        return probit

    def shares(self, X, scale, narrow):
        """Probability of each class, of shape (n_classes, n_rows)."""
        return self._shares(self.intervals.masses(X, scale, narrow))

    def _shares(self, masses):
        """Sums over all cells of the products of masses, for each class."""
        share = (self._runs @ masses[self._offsets[-2] :]).T
        # A product for each row, so that it does not depend on the number of rows.
        for axis in range(len(self._shape) - 1, -1, -1):
            of_axis = masses[self._offsets[axis] : self._offsets[axis + 1]].T
            share = np.ascontiguousarray(share)
            share = share.reshape(len(share), -1, of_axis.shape[1])
            share = (share @ np.ascontiguousarray(of_axis)[:, :, np.newaxis])[:, :, 0]
        return share.T

    @cached_property
    def _boxes(self):
        """Every run as a box, for samples so far out that masses underflow."""
        line, run, label = self._run_of
        sides = [*np.unravel_index(line, self._shape), run] if self._shape else [run]
        factors = [
            side + offset
            for side, offset in zip(sides, self._offsets[:-1], strict=True)
        ]
        return Boxes(self.intervals, factors, label, self._n_classes)
