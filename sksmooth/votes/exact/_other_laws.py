# SPDX-License-Identifier: BSD-3-Clause
"""Trees under noise that is independent in each feature, whatever its distribution."""

from copy import copy

import numpy as np
from scipy.special import ndtr, ndtri

from sksmooth.samples import unit_values_of
from sksmooth.votes._source import Declined, Source
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._boxes import AxisIntervals, row_chunks
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._numerics import ShareError, clipped
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.exact._tree import TreeSource


class IndependentVotes(Source):
    """A source for trees and sums over features: masses of intervals by the law's tail.

    Parameters
    ----------
    form : ExactSource
        The closed form under Gaussian noise, in units of the features' scale.
    model : Model
        With a law that states the tail of its noise.
    break_even_votes : float
        See `Source`.

    Raises
    ------
    Declined
        If the form is another, or mixes features.

    Notes
    -----
    Probabilities are known to an absolute error, of which the bound is about 1e-15 for
    each interval. Below it they count as nothing.
    """

    method = "exact"
    serial = True

    def __init__(self, form, model, break_even_votes):
        if not isinstance(form, (TreeSource, CellSource, AdditiveSource)):
            raise Declined(
                f"under noise={model.law.name!r} it is known for two linear classes "
                "without vote weights, and for trees"
            )
        if form.affine.matrix is not None:
            raise Declined(
                f"a step before it mixes features, whose noise={model.law.name!r} is "
                "then no longer independent"
            )
        self.form = form
        self.law = model.law
        self.break_even_votes = break_even_votes
        # Of noise of standard deviation 1; the form counts in deviations.
        self._unit_law = type(model.law)(1.0)

    @property
    def seconds_per_sample(self):
        """Estimated time of a sample among many."""
        return self.form.cost_per_row(10_000)

    def probits(self, X):
        """Bounds on the probabilities of the classes; see `ExactSource.probits`."""
        points = unit_values_of(X)
        mapped = self.form.affine.apply(points)
        scale = self.law.sigma * self.form.affine.noise_scale
        relative, _ = self.form.affine.noise_error
        low, high, n_intervals = self._shares(mapped, scale)
        # An end of an interval is off by its rounding and by that of the noise, and no
        # density is more than 0.71 per deviation, or than 0.3 over the distance.
        n_features = max(points.shape[1], 1)
        position = self.form.affine.position_error(points, np.arange(mapped.shape[1]))
        position = 0.0 if position is None else position
        position = position + 1.01 * UNIT * np.linalg.norm(points, axis=1)
        moved = 0.71 * np.sqrt(n_features) * position / self.law.sigma
        error = 4 * n_intervals * (0.3 * (relative + 6 * UNIT) + 8 * UNIT) + moved
        error = np.broadcast_to(error, len(points))[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            lower = ndtri(np.maximum(low - error, 0.0))
            upper = ndtri(np.minimum(high + error, 1.0))
        # What one class cannot have is that of the others.
        rest = 1.0 - np.maximum(low - error, 0.0).sum(axis=1, keepdims=True)
        rest = rest + np.maximum(low - error, 0.0) + len(low.T) * UNIT
        upper = np.minimum(upper, ndtri(np.minimum(rest, 1.0)))
        return clipped(lower, upper)

    def _shares(self, X, scale):
        """Least and largest probabilities of the classes, and how many intervals."""
        form = self.form
        if isinstance(form, AdditiveSource):
            form = copy(form)
            form._intervals = _LawIntervals(form._intervals, self._unit_law)
            lower, upper = form._probits(X, scale)
            return ndtr(lower), ndtr(upper), 2 * len(form._intervals)
        if isinstance(form, TreeSource):
            parts = copy(form._boxes)
            intervals = _LawIntervals(parts.intervals, self._unit_law)
            parts.intervals = intervals
            n_terms = parts.n_boxes * max(len(parts.factors), 1)
        else:
            parts = copy(form._table)
            intervals = _LawIntervals(parts.intervals, self._unit_law)
            parts.intervals = intervals
            n_terms = len(intervals) * len(parts._offsets)
        narrow, shares = intervals.narrow(scale), np.empty((len(X), len(form.classes)))
        for rows in row_chunks(len(X), intervals.n_floats + 4 * n_terms):
            shares[rows] = parts.shares(X[rows], scale, narrow).T
        return shares, shares, n_terms

    def answer(self, question, X, on_finished=None):
        """Answer a question about samples; see `Source.answer`."""
        answers = question.from_probabilities(self.probits(X))
        if on_finished is not None:
            on_finished(len(X))
        return answers


class _LawIntervals(AxisIntervals):
    """Intervals whose masses come from the tail of a law.

    Parameters
    ----------
    intervals : AxisIntervals
    law : AdditiveLaw
        Of standard deviation 1.
    """

    def __init__(self, intervals, law):
        vars(self).update(vars(intervals))
        self._law = law

    def narrow(self, scale):
        """No interval is worked off in another way: errors are absolute."""
        narrow = super().narrow(scale)
        return narrow._replace(index=narrow.index[:0], width=narrow.width[:0])

    def mass_error(self, narrow, noise_error, n_sides):
        """Nothing: `IndependentVotes` knows a bound of the absolute error."""
        return ShareError(0.0, 0.0)

    def _tail(self, distance):
        return self._law.tail(distance)
