# SPDX-License-Identifier: BSD-3-Clause
"""What every noise law must satisfy. A new law inherits these tests by one class."""

import json
import pickle

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import kstest
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import SmoothedClassifier
from sksmooth.noise import Stage, row_digests, row_stream
from tests.known_votes import assert_at_most

KEY = bytes(range(32))
PROBITS = ndtri([1e-12, 1e-3, 0.2, 0.5, 0.7, 0.99, 1 - 1e-9])
WEIGHTS = [(1.0, 1.0), (1.0, 3.0), (3.0, 1.0), (1000.0, 1.0)]
# Standard errors that a simulation may be off by: one in a million is.
ERRORS = 5


class HalfSpace(ClassifierMixin, BaseEstimator):
    """Class 1 beyond a hyperplane, which is the worst case of additive noise."""

    def __init__(self, direction, offset):
        self.direction = direction
        self.offset = offset

    def fit(self, X=None, y=None):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = len(self.direction)
        return self

    def predict(self, X):
        return (X @ self.direction > self.offset).astype(int)


class LawCase:
    """Tests of one law of noise for numbers; a subclass states it and its worst case.

    Attributes
    ----------
    law : Law
        With three features.
    direction : ndarray of shape (3,)
        Along which a change of the sample does most; of size 1 in the norm of the law.
    composes : bool
        Whether two steps of length r/2 do as much as one of length r.
    resolution : float
        Absolute error of probabilities.
    start : float
        Where the samples of `certificates` begin.
    """

    law: object
    direction = np.array([1.0, 0.0, 0.0])
    composes = True
    resolution = 0.0
    start = 0.0

    def noisy(self, row, n, stage=Stage.ESTIMATE, parts=1):
        """Noisy copies of a row, drawn in some parts."""
        row = self.law.snap(np.asarray(row, dtype=float)[np.newaxis])
        stream = row_stream(row_digests(row, KEY)[0], stage)
        copies = np.empty((n, row.shape[1]))
        for part in np.array_split(np.arange(n), parts):
            out = np.empty((len(part), row.shape[1]))
            self.law.perturb(row[0], stream, out)
            copies[part] = out
        return copies

    def worst_case(self, share, weights=(1.0, 1.0)):
        """Classifier with class 1 of some share at 0 that a change hurts most.

        And a direction along which nothing changes. The weights are those of class 1
        and of class 0.
        """
        normal = self.direction / (self.direction @ self.direction)
        away = np.linalg.svd(self.direction[np.newaxis])[2][-1]
        return HalfSpace(normal, self.offset(share)).fit(), away

    def certificates(self, share, n_rows, weights=(1.0, 1.0), **settings):
        """A smoothed classifier, and samples that differ far from the boundary."""
        base, away = self.worst_case(share, weights)
        X = (self.start + 100.0 * np.arange(n_rows)[:, np.newaxis]) * away
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=self.law.sigma,
            noise=self.law.name,
            norm=self.law.norm,
            method="monte_carlo",
            vote_weights={0: weights[1], 1: weights[0]},
            **({"random_state": 0} | settings),
        )
        return clf, X

    # How noise is drawn

    @pytest.mark.parametrize("parts", [2, 7, 50])
    def test_parts_are_the_whole(self, parts):
        row = [0.3, -2.0, 100.0]
        assert np.array_equal(self.noisy(row, 50), self.noisy(row, 50, parts=parts))

    def test_sigma_is_the_standard_deviation_of_each_feature(self):
        n = 40_000
        noise = self.noisy([0.0, 1.0, -3.0], n) - self.law.snap([0.0, 1.0, -3.0])
        squares = noise**2
        error = squares.std(axis=0) / np.sqrt(n)
        assert (abs(squares.mean(axis=0) - self.law.sigma**2) < ERRORS * error).all()
        error = self.law.sigma / np.sqrt(n)
        assert (abs(noise.mean(axis=0)) < ERRORS * error).all()

    # How probabilities grow

    def test_nothing_grows_at_distance_0(self):
        grown = self.law.grow(PROBITS, 0.0)
        np.testing.assert_allclose(log_ndtr(grown), log_ndtr(PROBITS), rtol=1e-12)
        np.testing.assert_allclose(log_ndtr(-grown), log_ndtr(-PROBITS), rtol=1e-12)

    def test_growth_is_monotone(self):
        radii = self.law.sigma * np.linspace(0, 6, 61)
        grown = self.law.grow(PROBITS[:, np.newaxis], radii)
        assert (grown[1:] >= grown[:-1]).all()
        assert (grown[:, 1:] >= grown[:, :-1]).all()
        assert (grown[:, -1] > PROBITS).all()

    def test_two_steps_do_no_more_than_one(self):
        step = 0.4 * self.law.sigma
        once = self.law.grow(PROBITS, 2 * step)
        twice = self.law.grow(self.law.grow(PROBITS, step), step)
        if self.composes:
            np.testing.assert_allclose(ndtr(twice), ndtr(once), rtol=1e-10)
        assert (ndtr(once) <= ndtr(twice) * (1 + 1e-10)).all()

    def test_a_step_there_and_back(self):
        # Sample and neighbor may change places, so a -> 1 - G(a) is its own inverse.
        step = 0.7 * self.law.sigma
        grown = self.law.grow(PROBITS, step)
        inner = np.abs(grown) < 7
        assert inner.any()
        back = -self.law.grow(-grown[inner], step)
        np.testing.assert_allclose(
            ndtr(back), ndtr(PROBITS[inner]), rtol=1e-7, atol=self.resolution
        )

    def test_the_worst_half_space_grows_so_much(self):
        n = 40_000
        for probit in ndtri([0.1, 0.5, 0.8]):
            radius = 0.5 * self.law.sigma
            normal = self.direction / (self.direction @ self.direction)
            here = self.noisy(np.zeros(3), n) @ normal
            there = self.noisy(radius * self.direction, n) @ normal
            offset = np.quantile(here, 1 - ndtr(probit))
            share = np.mean(there > offset)
            grown = ndtr(self.law.grow(probit, radius))
            assert abs(share - grown) < 2 * ERRORS * np.sqrt(0.25 / n)

    # Which radius follows

    @pytest.mark.parametrize("weights", WEIGHTS)
    @pytest.mark.parametrize("probits", [(1.2, -1.5), (3.0, -3.0), (0.3, 0.1)])
    def test_the_radius_is_the_root_of_its_definition(self, probits, weights):
        top, other = probits
        radius = float(self.law.radius(top, other, *weights))
        log_odds = np.log(weights[1] / weights[0])

        def lead(r):
            kept = log_ndtr(-self.law.grow(-top, r))
            return kept - log_odds - log_ndtr(self.law.grow(other, r))

        if radius < 0:
            assert lead(0.0) <= 1e-12
            return
        assert lead(radius * (1 - 1e-9)) > -1e-12
        assert lead(radius * (1 + 1e-9) + 1e-12 * self.law.sigma) < 1e-9

    @pytest.mark.parametrize("weights", WEIGHTS)
    def test_the_threshold_is_the_radius_the_other_way_round(self, weights):
        v, w = weights
        radii = self.law.sigma * np.array([0.01, 0.2, 0.5])
        threshold = self.law.threshold(radii, w / (v + w))
        reachable = threshold < 7
        proved = self.law.radius(threshold, -threshold, v, w)
        np.testing.assert_allclose(
            proved[reachable], radii[reachable], rtol=1e-7, atol=1e-9 * self.law.sigma
        )

    def test_worst_case_shares_are_those_of_the_radius(self):
        shares = np.array([[0.9, 0.1], [0.6, 0.4]])
        radius = self.law.radius(ndtri(shares[:, 0]), ndtri(shares[:, 1]))
        own = np.array([True, False])
        for share, r in zip(shares, radius, strict=True):
            worst = self.law.worst_case_shares(share, own, r)
            assert worst[0] == pytest.approx(worst[1], abs=1e-7)

    def test_the_unit_is_the_radius_at_one_standard_deviation(self):
        assert self.law.unit == pytest.approx(float(self.law.radius(1.0, -1.0)))

    # Which certificates follow

    @pytest.mark.parametrize("share", [0.75, 0.95])
    @pytest.mark.parametrize("asked", [False, True])
    def test_false_certificates_on_the_worst_case(self, share, asked):
        alpha, n_rows = 0.1, 1000
        true = float(self.law.radius(ndtri(share), -ndtri(share)))
        clf, X = self.certificates(share, n_rows, alpha=alpha)
        clf.set_params(n_certify=500)
        radii = [true * (1 + 1e-4)] if asked else None
        certificates = clf.certify(X, radii=radii, tol=0.0)
        right = certificates.label == 1
        false = ~certificates.abstained & (~right | (certificates.radius > true))
        assert_at_most(false.sum(), n_rows, alpha)
        assert asked or false.mean() > alpha / 4  # it is a threat

    def test_it_is_tight(self):
        """Just beyond the radius, the worst case has less than half."""
        share, n = 0.9, 100_000
        true = float(self.law.radius(ndtri(share), -ndtri(share)))
        base, _ = self.worst_case(share)
        error = np.sqrt(0.25 / n)
        for factor, sign in ((0.95, 1), (1.05, -1)):
            copies = self.noisy(-factor * true * self.direction, n)
            excess = np.mean(base.predict(copies)) - 0.5
            assert sign * excess > -ERRORS * error
            assert abs(excess) > ERRORS * error

    def offset(self, share):
        """Offset of the half-space that has some share at the origin."""
        return -self.law.shift_unit * self.law.quantile(ndtri(share))

    # What it is

    def test_it_is_described_in_plain_types(self):
        described = self.law.described()
        assert json.loads(json.dumps(described)) == described
        assert described["noise"] == self.law.name

    def test_it_can_be_pickled(self):
        assert pickle.loads(pickle.dumps(self.law)) == self.law

    @pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf, 1e-300])
    def test_a_sigma_that_is_none_is_refused(self, sigma):
        with pytest.raises(ValueError, match="sigma"):
            type(self.law)(sigma)

    def test_a_norm_that_it_has_not_is_refused(self):
        with pytest.raises(ValueError, match=r"has no certificate in norm=3"):
            type(self.law)(1.0, norm=3)


class AdditiveLawCase(LawCase):
    """Tests of one law of independent noise, besides those of any law."""

    def test_copies_lie_on_the_grid(self):
        copies = self.noisy([0.3, -2.0, 100.0], 1000)
        assert np.array_equal(copies, self.law.snap(copies))

    def test_features_have_independent_noise(self):
        n = 40_000
        noise = self.noisy([0.0, 1.0, -3.0], n)
        assert (abs(np.corrcoef(noise.T) - np.eye(3)) < ERRORS / np.sqrt(n)).all()

    # The distribution at standard deviation 1

    def test_the_tail_is_that_of_the_draws(self):
        n = 200_000
        z = np.linspace(-2.5, 2.5, 11)
        draws = np.sort(self.standard(n))
        share = 1 - np.searchsorted(draws, z, side="right") / n
        tail = self.law.tail(z)
        assert (abs(share - tail) <= ERRORS * np.sqrt(tail * (1 - tail) / n)).all()

    def test_the_tail_is_precise_on_both_sides(self):
        points = np.array([0.0, 1e-9, 0.3, 1.0, 1.7, 5.0, 30.0])
        for z in (points, -points):
            with mpmath.workdps(400):
                exact = [float(self.exact_log_tail(mpmath.mpf(t))) for t in z]
            np.testing.assert_allclose(self.law.log_tail(z), exact, rtol=1e-13)
            tail = np.exp(self.law.log_tail(z))
            np.testing.assert_allclose(self.law.tail(z), tail, rtol=1e-12)
        assert float(self.law.tail(0.0)) == 0.5

    def test_uniform_numbers_become_the_noise(self):
        n = 100_000
        u, v = np.random.default_rng(0).random((2, n))
        first, second = self.law.from_uniforms(u, v)
        for noise in (first, second):
            assert kstest(noise, lambda z: 1 - self.law.tail(z)).pvalue > 1e-4
        assert abs(np.corrcoef(first, second)[0, 1]) < ERRORS / np.sqrt(n)

    def test_uniform_numbers_at_their_ends_become_finite_noise(self):
        u = np.array([2.0**-1000, 2.0**-60, 2.0**-54, 1 - 2.0**-53, 1.0])
        for noise in self.law.from_uniforms(u, u[::-1]):
            assert np.isfinite(noise).all()

    def test_uniform_numbers_become_the_same_noise_in_torch(self):
        torch = pytest.importorskip("torch")
        u, v = np.random.default_rng(0).random((2, 10_000))
        u[:2] = 2.0**-54, 1.0  # the ends of uniform numbers of 53 bits
        here = self.law.from_uniforms(u, v)
        there = self.law.from_uniforms(torch.from_numpy(u), torch.from_numpy(v), torch)
        for a, b in zip(here, there, strict=True):
            assert np.isfinite(a).all()
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-15, atol=2e-15)

    def standard(self, n):
        """Independent noise of standard deviation 1."""
        out = np.empty(n)
        self.law.draw(np.random.default_rng(0), out)
        return out

    def exact_log_tail(self, z):
        """`log_tail` in mpmath."""
        raise NotImplementedError
