# SPDX-License-Identifier: BSD-3-Clause
"""What laws of noise must satisfy whose certificates count changes.

`LawCase` of laws that draw categories anew or delete words: a subclass states the law
and the classifier that a number of changes hurts most (Neyman and Pearson).
"""

import json
import pickle

import numpy as np
import pytest
from scipy.special import log_ndtr, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import SmoothedClassifier
from sksmooth.noise import Stage, row_digests, row_stream
from tests.known_votes import assert_at_most
from tests.law_case import ERRORS, KEY

PROBITS = ndtri([1e-12, 1e-3, 0.2, 0.5, 0.7, 0.99, 1 - 1e-9])
WEIGHTS = [(1.0, 1.0), (1.0, 3.0), (3.0, 1.0)]


class Event(ClassifierMixin, BaseEstimator):
    """Class 1 where a function of the samples is true, else class 0."""

    def __init__(self, event):
        self.event = event

    def fit(self, X=None, y=None):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.event(np.asarray(X)).astype(int)


def cheapest(here, there, mass):
    """Outcomes of so much mass here or more that have most of it there.

    Outcomes are added one at a time by their likelihood ratio.
    """
    order = np.argsort(-there / here, kind="stable")
    n = int(np.searchsorted(np.cumsum(here[order]), mass)) + 1
    chosen = np.zeros(len(here), bool)
    chosen[order[:n]] = True
    return chosen


class ChangesLawCase:
    """Tests of a law whose certificates count changes.

    Attributes
    ----------
    law : Law
        The bound law.
    noise : LawParameters
        The parameter `noise` that stands for it.
    row : sequence of float
        A sample, with its noisy values alone.
    steps : sequence of float
        Radii, increasing from 0.
    n_changes : int or None
        Which column of the frontier the worst case speaks of; None is the radius.
    settings : dict
        Further parameters of `SmoothedClassifier`.
    """

    law: object
    noise: object
    row: tuple
    steps = (0, 1, 2, 3)
    n_changes: int | None = None
    settings: dict = {}

    def worst_case(self, share_other):
        """Event, sample, neighbor, and the radius that does not hold at the sample.

        Class 1 has no more than `share_other` of the votes at the neighbor.
        """
        raise NotImplementedError

    def noisy(self, row, n, parts=1):
        """Noisy copies of a row, drawn in some parts."""
        row = self.law.snap(np.asarray(row, dtype=float)[np.newaxis])
        stream = row_stream(row_digests(row, KEY)[0], Stage.ESTIMATE)
        copies = [
            np.empty((len(p), row.shape[1])) for p in np.array_split(range(n), parts)
        ]
        for out in copies:
            self.law.perturb(row[0], stream, out)
        return np.concatenate(copies)

    @pytest.mark.parametrize("parts", [2, 7])
    def test_parts_are_the_whole(self, parts):
        assert np.array_equal(self.noisy(self.row, 50), self.noisy(self.row, 50, parts))

    def test_growth_is_monotone(self):
        grown = self.law.grow(PROBITS[:, np.newaxis], np.array(self.steps, float))
        assert (grown[1:] >= grown[:-1]).all()
        assert (grown[:, 1:] >= grown[:, :-1]).all()
        assert (grown[:, -1] > PROBITS).all()

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_the_radius_is_the_last_step_at_which_the_class_leads(self, weights):
        v, w = weights
        rng = np.random.default_rng(0)
        top = rng.uniform(-1, 4, 50)
        other = -top - rng.exponential(0.3, 50)
        radius = self.law.radius(top, other, v, w)
        for step in self.steps:
            lead = self.lead(top, other, step) - np.log(w / v)
            sure = abs(lead) > 1e-6
            assert np.array_equal((radius > step)[sure], lead[sure] > 0)

    def lead(self, top, other, step):
        """Logarithm of the least odds of two classes at a distance."""
        kept = log_ndtr(-self.law.grow(-top, step))
        return np.maximum(kept, -1e9) - log_ndtr(self.law.grow(other, step))

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_the_threshold_is_the_radius_the_other_way_round(self, weights):
        v, w = weights
        for step in self.steps:
            threshold = float(self.law.threshold(step, w / (v + w)))
            if threshold > 7:
                continue
            for factor in (-1, 1):
                top = threshold + factor * 1e-6
                assert (self.law.radius(top, -top, v, w) > step) == (factor > 0)

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_it_is_tight(self, weights):
        """At the radius that does not hold, the worst case has lost its lead."""
        v, w = weights
        event, row, neighbor, _ = self.worst_case(w / (v + w))
        n = 40_000
        error = ERRORS * np.sqrt(0.25 / n)
        for sample, least in ((row, True), (neighbor, False)):
            copies = self.noisy(np.asarray(sample, float)[: len(self.row)], n)
            lead = event(copies).mean() - w / (v + w)
            assert lead > error if least else abs(lead) < error

    def smoothed(self, weights, n_rows, **settings):
        """A smoothed classifier, samples, and the radius that does not hold."""
        v, w = weights
        event, row, _, false_radius = self.worst_case(w / (v + w))
        X = np.tile(np.asarray(row, dtype=float), (n_rows, 1))
        X = np.column_stack([X, self.apart(n_rows)])
        learned = np.vstack([X, self.values(X.shape[1])])
        clf = SmoothedClassifier(
            Event(event), noise=self.noise, vote_weights={0: w, 1: v}, n_certify=300,
            **({"random_state": 0} | self.settings | settings),
        )  # fmt: skip
        return clf.fit(learned, np.arange(len(learned)) % 2), X, false_radius

    def apart(self, n_rows):
        """Values that differ for each sample, so that each has noise of its own."""
        return np.arange(n_rows)

    def values(self, n_features):
        """Samples with each value that a category may have."""
        return np.empty((0, n_features))

    def false_certificates(self, weights, n_rows, *, asked=False, **settings):
        """Mask of false certificates at samples where class 1 leads up to a radius."""
        clf, X, false_radius = self.smoothed(weights, n_rows, **settings)
        changes = None if self.n_changes is None else [self.n_changes]
        radii = [0.0, false_radius] if asked else None
        found = clf.certify(X, radii=radii, changes=changes, tol=0.0)
        reached = found.radius
        if self.n_changes is not None:
            reached = np.nan_to_num(found.frontier[:, self.n_changes], nan=-1)
        return ~found.abstained & ((found.label != 1) | (reached >= false_radius))

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_false_certificates_on_the_worst_case(self, weights):
        alpha, n_rows = 0.1, 150
        for asked in (False, True):
            false = self.false_certificates(weights, n_rows, asked=asked, alpha=alpha)
            assert_at_most(false.sum(), n_rows, alpha)
            assert asked or false.mean() > alpha / 5  # it is a threat

    def test_it_is_described_in_plain_types(self):
        described = self.law.described()
        assert json.loads(json.dumps(described)) == described

    def test_it_can_be_pickled(self):
        assert pickle.loads(pickle.dumps(self.law)) == self.law
