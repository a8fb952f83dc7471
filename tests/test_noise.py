# SPDX-License-Identifier: BSD-3-Clause
"""Noise: whose it is, that its sums are exact, and which radius it proves."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import log_ndtr, ndtri
from scipy.stats import kstest
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import SmoothedClassifier
from sksmooth.noise import (
    Gaussian,
    Laplace,
    Stage,
    Uniform,
    _compiled,
    _row_streams,
    draw_noise_key,
    row_digests,
    row_stream,
    row_streams,
)
from sksmooth.noise._law import last_that_holds

KEY = draw_noise_key(np.random.RandomState(0))
SIGMAS = [0.25, 1.0, 0.1, 3.7, 1e-6, 1e6, math.nextafter(1.0, 0.0), 2.0**-30]


def row(seed, n_features=5):
    return np.random.default_rng(seed).normal(size=n_features)


def stream(seed=0, stage=Stage.ESTIMATE):
    return row_stream(row_digests(row(seed)[np.newaxis], KEY)[0], stage)


# -- streams ---------------------------------------------------------------------------


class TestStreams:
    def test_a_stream_is_a_function_of_key_row_and_stage(self):
        assert np.array_equal(
            stream(1).standard_normal(100), stream(1).standard_normal(100)
        )

    def test_drawing_in_parts_equals_drawing_at_once(self):
        law, at = Gaussian(0.3), Gaussian(0.3).snap(row(2))
        at_once = np.empty((1000, 5))
        law.perturb(at, stream(2), at_once)
        in_parts, source = np.empty((1000, 5)), stream(2)
        for first, last in [(0, 1), (1, 18), (18, 18), (18, 517), (517, 1000)]:
            law.perturb(at, source, in_parts[first:last])
        assert np.array_equal(in_parts, at_once)

    @pytest.mark.parametrize(
        "other",
        [
            lambda: stream(0, Stage.PREDICT),
            lambda: stream(0, Stage.PILOT),
            lambda: stream(1),
            lambda: row_stream(
                row_digests(row(0)[np.newaxis], b"k" * 32)[0], Stage.ESTIMATE
            ),
            lambda: row_stream(
                row_digests(
                    np.nextafter(row(0).astype("f4"), np.float32(9))[np.newaxis], KEY
                )[0],
                Stage.ESTIMATE,
            ),
        ],
        ids=["predict", "pilot", "another row", "another key", "a neighbour"],
    )
    def test_stages_rows_and_keys_are_independent(self, other):
        n = 100_000
        one, two = stream(0).standard_normal(n), other().standard_normal(n)
        assert np.intersect1d(one, two).size == 0
        for lag in range(3):
            rolled = np.roll(two, lag)
            assert abs(np.mean(one * rolled)) < 4.5 / np.sqrt(n)
            assert abs(np.mean((one**2 - 1) * (rolled**2 - 1)) / 2) < 4.5 / np.sqrt(n)

    def test_stages_are_distinct(self):
        assert len(set(Stage)) == len(Stage.__members__) >= 3

    def test_digests_are_those_of_each_row_alone(self):
        rows = np.stack([row(i) for i in range(6)])
        digests = row_digests(rows, KEY)
        assert len(set(digests)) == 6
        assert row_digests(rows[::-1], KEY) == digests[::-1]
        assert [row_digests(r[np.newaxis], KEY)[0] for r in rows] == digests
        assert row_digests(np.asfortranarray(rows), KEY) == digests
        assert row_digests(rows.reshape(6, 5, 1), KEY) == digests

    def test_float32_and_float64_rows_share_a_stream(self):
        narrow = row(0).astype(np.float32)[np.newaxis]
        assert row_digests(narrow, KEY) == row_digests(narrow.astype(np.float64), KEY)

    def test_the_last_bits_of_a_row_do_not_change_its_noise(self):
        """A scaler in front may change them with the batch that a row is in."""
        rows = row(0)[np.newaxis]
        moved = np.nextafter(rows, np.inf)
        assert not np.array_equal(rows, moved)
        assert row_digests(moved, KEY) == row_digests(rows, KEY)

    def test_the_two_zeros_are_one_row(self):
        assert row_digests(np.array([[0.0, 1.0]]), KEY) == row_digests(
            np.array([[-0.0, 1.0]]), KEY
        )

    def test_values_beyond_float32_share_a_stream(self):
        huge, infinite = np.array([[1e300, 0.0]]), np.array([[np.inf, 0.0]])
        assert row_digests(huge, KEY) == row_digests(infinite, KEY)

    def test_the_key_follows_from_the_seed_alone(self):
        keys = [draw_noise_key(np.random.RandomState(seed)) for seed in (0, 0, 1)]
        assert keys[0] == keys[1] != keys[2]
        assert len(keys[0]) == 32


# -- the grid --------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", SIGMAS)
class TestGrid:
    def test_it_is_a_power_of_two_a_millionth_of_sigma(self, sigma):
        grid = Gaussian(sigma).grid
        assert math.frexp(grid)[0] == 0.5
        # Rounding may take a sigma just below a power of two for that power.
        assert 2.0**-21 < grid / sigma <= 2.0**-20 * (1 + 1e-15)

    def test_snapped_rows_are_the_nearest_points_of_the_grid(self, sigma):
        law = Gaussian(sigma)
        rows = sigma * np.stack([row(i) for i in range(20)]) * 100
        snapped = law.snap(rows)
        for value, at in zip(rows.ravel(), snapped.ravel(), strict=True):
            steps = Fraction(at) / Fraction(law.grid)
            assert steps.denominator == 1
            assert abs(Fraction(value) - Fraction(at)) <= Fraction(law.grid) / 2
        assert np.array_equal(law.snap(snapped), snapped)
        moved = np.linalg.norm(rows - snapped, axis=1)
        assert (moved <= law.grid_slack(5) / 2).all()

    @pytest.mark.parametrize("size", [0.0, 1.0, 1e4, "largest"])
    def test_perturbed_rows_are_exact_sums_on_the_grid(self, sigma, size):
        """In rational arithmetic: no bit of the row is lost, and none leaks."""
        law = Gaussian(sigma)
        grid = Fraction(law.grid)
        if size == "largest":
            at = np.array([1.0, -1, 0.5, -0.25, 1])
            at = law.snap(at * (law.grid * 2.0**51 - 11 * sigma))
        else:
            at = law.snap(size * sigma * row(3))
        out = np.empty((40, 5))
        law.perturb(at, stream(3), out)
        normals = sigma * stream(3).standard_normal((40, 5))
        for normal, total, start in zip(
            normals.ravel(), out.ravel(), np.tile(at, 40), strict=True
        ):
            # round() takes a tie of a Fraction to the even neighbour, as rint does.
            noise = grid * round(Fraction(normal) / grid)
            assert Fraction(total) == Fraction(start) + noise
        expected = law.grid * np.rint(normals / law.grid) + at
        assert np.array_equal(out, expected)

    def test_a_row_too_large_for_exact_sums_is_refused(self, sigma):
        law = Gaussian(sigma)
        with pytest.raises(ValueError, match=r"X holds the value .* sigma=.*Scale"):
            law.snap(np.array([[0.0, -law.grid * 2.0**51]]))

    def test_noise_is_gaussian(self, sigma):
        law = Gaussian(sigma)
        out = np.empty((4000, 5))
        law.perturb(np.zeros(5), stream(4), out)
        assert kstest(out.ravel() / sigma, "norm").pvalue > 1e-3
        correlation = np.corrcoef(out.T) - np.eye(5)
        assert np.abs(correlation).max() < 4.5 / np.sqrt(4000)


class TestCompiled:
    """Where compiled code draws the noise, with numpy in its place."""

    @pytest.fixture(autouse=True)
    def _from_a_hundred_numbers_on(self, monkeypatch):
        self.calls = []

        def perturb(stream, deviation, rounder, at, out):
            self.calls.append(out.size)
            stream.standard_normal(out=out)
            out *= deviation
            out += rounder
            out -= rounder - at

        monkeypatch.setattr(_compiled, "_compiled", lambda: perturb)
        monkeypatch.setattr(_compiled, "_VALUES_WORTH_COMPILING", 100)
        monkeypatch.setattr(_compiled, "_FEWEST_VALUES", 20)
        monkeypatch.setattr(_compiled, "_n_drawn", 0)

    def test_it_is_used_once_many_numbers_were_drawn(self):
        found = [_compiled.compiled_perturb(size) for size in (40, 40, 40, 19, 20)]
        assert [function is not None for function in found] == [0, 0, 1, 0, 1]

    @pytest.mark.parametrize("scale", [None, [1.0, 30.0, 1e-3, 2.0, 7.0]])
    def test_its_copies_are_those_of_numpy(self, scale):
        law = Gaussian(0.7, scale=scale)
        at, copies = law.snap(row(1)), np.empty((2, 60, 5))
        for out, n_drawn in zip(copies, (-1000, 1000), strict=True):
            _compiled._n_drawn = n_drawn
            law.perturb(at, stream(1), out)
        assert self.calls == [300]
        assert np.array_equal(*copies)

    def test_other_bit_generators_are_left_to_numpy(self):
        law, out = Gaussian(0.7), np.empty((60, 5))
        _compiled._n_drawn = 1000
        law.perturb(np.zeros(5), np.random.default_rng(0), out)
        expected = 0.7 * np.random.default_rng(0).standard_normal((60, 5))
        assert self.calls == []
        assert np.array_equal(out, law.snap(expected))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [None, [1.0, 30.0, 1e-3, 2.0, 7.0]])
def test_code_compiled_by_numba_draws_the_copies_of_numpy(dtype, scale, monkeypatch):
    pytest.importorskip("numba")
    law = Gaussian(0.7, scale=scale)
    at, copies = law.snap(row(1)), np.empty((2, 100_000, 5), dtype)
    drawn = [stream(1), stream(1)]
    for out, n_drawn, source in zip(copies, (-(2**30), 2**30), drawn, strict=True):
        monkeypatch.setattr(_compiled, "_n_drawn", n_drawn)
        law.perturb(at, source, out)
    # Half a million numbers: 17,000 from the edges of layers, 100 from the tails.
    assert np.array_equal(*copies)
    assert drawn[0].random() == drawn[1].random()


@pytest.mark.parametrize("law", [Gaussian(0.3), Laplace(0.3), Uniform(0.3)])
def test_copies_in_float32_are_those_in_float64_rounded(law):
    at, wide = law.snap(row(2, 70)), np.empty((1500, 70))
    narrow = np.empty(wide.shape, np.float32)
    for out in (wide, narrow):
        law.perturb(at, stream(2), out)
    assert np.array_equal(narrow, wide.astype(np.float32))


def test_float32_rows_get_the_noise_of_float64_rows():
    law = Gaussian(0.25)
    narrow = row(5).astype(np.float32)
    outs = []
    for at in (narrow, narrow.astype(np.float64)):
        outs.append(np.empty((50, 5)))
        law.perturb(law.snap(at), stream(5), outs[-1])
    assert np.array_equal(*outs)


# -- attacks on the floating point of naive noise --------------------------------------


class ReadsLowBits(ClassifierMixin, BaseEstimator):
    """Answer whether some entry that cancelled is an odd multiple of `unit`.

    For a row of 0.375 and noise below -0.5, the spacing of float64 is 2**-53 for the
    noise and 2**-54 for the row; the sum is exact, hence odd in units of 2**-54 just
    when the row is. That is the leak: the noise does not hide the row's lowest bit.
    """

    def __init__(self, unit):
        self.unit = unit

    def fit(self, X, y=None):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        cancelled = X < -0.125
        odd = np.rint(np.abs(X) / self.unit) % 2 == 1
        return (cancelled & odd).any(axis=1).astype(int)


class ReadsParity(ReadsLowBits):
    """Answer the parity of the sum of all entries, in units of `unit`."""

    def predict(self, X):
        return (np.rint(np.abs(X) / self.unit).sum(axis=1) % 2).astype(int)


class TestLowBits:
    """A vote must not tell apart rows that are a rounding error away."""

    n, n_features, sigma = 4000, 64, 0.25
    x = 0.375

    def shares(self, base, *rows):
        clf = SmoothedClassifier.from_fitted(
            base.fit(None),
            sigma=self.sigma,
            n_predict=self.n,
            random_state=0,
            method="monte_carlo",
        )
        X = np.array(rows)[:, np.newaxis] * np.ones(self.n_features)
        return clf.predict_proba(X)[:, 1]

    def test_naive_noise_leaks_the_lowest_bit(self):
        """The attack works where nothing is done: the tests below can fail."""
        base = ReadsLowBits(2.0**-54)
        noise = self.sigma * np.random.default_rng(0).normal(
            size=(self.n, self.n_features)
        )
        even = base.predict(self.x + noise).mean()
        odd = base.predict((self.x + 2.0**-54) + noise).mean()
        assert self.x + 2.0**-54 == math.nextafter(self.x, 1)
        assert even == 0.0
        assert odd > 0.7  # 1 - (1 - P(Z < -2)) ** 64 is 0.77

    def test_the_lowest_bit_of_a_row_is_not_seen(self):
        even, odd = self.shares(
            ReadsLowBits(2.0**-54), self.x, math.nextafter(self.x, 1)
        )
        assert even == odd

    @pytest.mark.parametrize("attack", [ReadsLowBits, ReadsParity])
    @pytest.mark.parametrize("moved", ["all", "one"])
    def test_nor_is_the_lowest_bit_of_the_grid(self, attack, moved):
        """One step of the grid away, votes are as they were: about a coin's."""
        grid = Gaussian(self.sigma).grid
        step = np.full(self.n_features, grid)
        if moved == "one":
            step[1:] = 0
        # Far enough for another stream in float32, so that the votes are independent.
        x = np.full(self.n_features, self.x)
        base = attack(grid).fit(None)
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=self.sigma,
            n_predict=self.n,
            random_state=0,
            method="monte_carlo",
        )
        here, there = clf.predict_proba(np.stack([x, x + step]))[:, 1]
        assert abs(here - there) < 4.5 * np.sqrt(2 * 0.25 / self.n)
        if attack is ReadsParity:
            assert abs(here - 0.5) < 4.5 * 0.5 / np.sqrt(self.n)
            assert abs(there - 0.5) < 4.5 * 0.5 / np.sqrt(self.n)

    def test_certificates_do_not_depend_on_what_lies_below_the_grid(self):
        base = ReadsLowBits(2.0**-54).fit(None)
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=self.sigma,
            n_certify=2000,
            random_state=0,
            method="monte_carlo",
        )
        X = np.full((1, self.n_features), self.x)
        assert clf.certify(X) == clf.certify(np.nextafter(X, 1))

    def test_radii_are_reduced_by_what_snapping_may_move(self):
        """Two rows at distance r may be r + grid sqrt(d) apart on the grid."""
        law = Gaussian(0.25)
        rng = np.random.default_rng(0)
        for _ in range(50):
            one = rng.normal(size=30)
            two = one + rng.normal(size=30) * law.grid
            apart = np.linalg.norm(law.snap(one) - law.snap(two))
            assert apart <= np.linalg.norm(one - two) + law.grid_slack(30)


# -- the radius that probabilities prove -----------------------------------------------


def probits(rng, n):
    """Of the probabilities of two classes, which are at most 1 together."""
    p, q, _ = rng.dirichlet([0.5, 0.5, 0.2], size=n).T
    return ndtri(p), ndtri(q)


class TestRadius:
    rng = np.random.default_rng(0)

    def test_equal_weights_have_a_closed_form(self):
        top, other = probits(self.rng, 100)
        law = Gaussian(0.7)
        expected = 0.7 / 2 * (top - other)
        for weight in (1.0, 0.3, 1e6):
            radius = law.radius(top, other, weight, weight)
            assert radius == pytest.approx(expected, rel=1e-12, abs=1e-12)
            assert (radius < expected).all()  # rounded down

    def test_weighted_radius_tends_to_the_closed_form(self):
        """The general root finder, with weights that hardly differ."""
        top, other = probits(self.rng, 100)
        law = Gaussian(0.7)
        nearly = law.radius(top, other, 1.0, 1.0 + 1e-13)
        assert nearly == pytest.approx(law.radius(top, other), abs=1e-11)
        # One pair of other weights in a batch must not change the others.
        weights = np.where(np.arange(100) == 0, 2.0, 1.0)
        mixed = law.radius(top, other, weights, 1.0)
        assert mixed[1:] == pytest.approx(law.radius(top, other)[1:], abs=1e-11)

    @pytest.mark.parametrize("sigma", [0.25, 1.0, 30.0])
    def test_weighted_radius_solves_its_equation(self, sigma):
        """v Phi(Phi^-1(p) - r/sigma) = w Phi(Phi^-1(q) + r/sigma)."""
        n = 500
        top, other = probits(self.rng, n)
        v, w = 10 ** self.rng.uniform(-3, 3, size=(2, n))
        t = Gaussian(sigma).radius(top, other, v, w) / sigma

        def gap(t):
            kept = np.log(v) + log_ndtr(top - t)
            return kept - np.log(w) - log_ndtr(other + t)

        assert np.abs(gap(t)).max() < 1e-9
        # On the safe side of the root, and close to it.
        assert (gap(t - 1e-12) >= 0).all()
        assert (gap(t + 1e-12) < 0).all()

    def test_two_classes_with_weights_have_a_closed_form(self):
        """With q = 1 - p the boundary is v Phi(z) = w Phi(-z)."""
        p, v, w = 0.9, 1.0, 4.0
        radius = Gaussian(0.5).radius(ndtri(p), ndtri(1 - p), v, w)
        assert radius == pytest.approx(0.5 * (ndtri(p) - ndtri(w / (v + w))))

    def test_it_is_zero_where_the_classes_tie(self):
        # 3 * 0.2 = 1 * 0.6
        tie = Gaussian(1.0).radius(ndtri(0.2), ndtri(0.6), 3.0, 1.0)
        assert tie == pytest.approx(0, abs=1e-12)

    def test_it_grows_with_the_lead_and_the_weight(self):
        law = Gaussian(0.5)
        probit = np.linspace(-8, -1, 200)
        assert (np.diff(law.radius(-probit, -8.0, 2.0, 1.0)) < 0).all()
        assert (np.diff(law.radius(1.0, probit, 2.0, 1.0)) < 0).all()
        weights = np.geomspace(1e-4, 1e4, 200)
        assert (np.diff(law.radius(1.0, -1.2, weights, 1.0)) > 0).all()
        assert (np.diff(law.radius(1.0, -1.2, 1.0, weights)) < 0).all()

    def test_it_is_proportional_to_sigma(self):
        for weights in ((1.0, 1.0), (3.0, 1.0)):
            one = Gaussian(1.0).radius(1.2, -0.4, *weights)
            assert Gaussian(7.0).radius(1.2, -0.4, *weights) == pytest.approx(7 * one)

    @pytest.mark.parametrize("weights", [(1, 1), (2, 1), (1, 2), (1e-9, 1), (1, 1e-9)])
    def test_extreme_probits_give_finite_radii(self, weights):
        # ndtri of the largest and smallest float64 probabilities lies within 38.5.
        extreme = np.array([-38.5, -8.2, -1e-300, 0.0, 1e-300, 8.2, 38.5])
        top, other = (a.ravel() for a in np.meshgrid(extreme, extreme))
        possible = top + other <= 0  # p + q <= 1
        top, other = top[possible], other[possible]
        radius = Gaussian(0.25).radius(top, other, *weights)
        assert np.isfinite(radius).all()
        # Weights shift the closed form by no more than the log of their ratio over the
        # slope of log Phi, which is at least sqrt(2 / pi) where p + q <= 1.
        shift = np.abs(radius / 0.25 - (top - other) / 2)
        ratio = abs(math.log(weights[0] / weights[1]))
        assert (shift <= ratio / math.sqrt(2 / math.pi) + 1e-12).all()

    def test_infinite_probits_never_prove_with_weights(self):
        """Nothing is known of a class whose bound is at 0 or 1: no certificate."""
        law = Gaussian(0.25)
        for weights in ((1.0, 1.0), (1.0, 2.0)):
            assert law.radius(-np.inf, np.inf, *weights) < 0
            assert law.radius(-np.inf, 0.0, *weights) < 0
            assert law.radius(0.0, np.inf, *weights) < 0

    def test_a_radius_does_not_depend_on_those_beside_it(self):
        """Not in the last bit: rows must get the same noise whatever the others are."""
        law = Gaussian(0.8)
        top, other = probits(self.rng, 300)
        weights = self.rng.choice([0.5, 1.0, 2.0], size=(2, 300))
        together = law.radius(top, other, *weights)
        alone = [law.radius(*one) for one in zip(top, other, *weights, strict=True)]
        assert np.array_equal(together, alone)

    def test_shapes_broadcast(self):
        law = Gaussian(0.25)
        assert law.radius(np.zeros((4, 1)), np.zeros(3)).shape == (4, 3)
        assert law.radius(np.zeros((4, 1)), 0.0, 1.0, np.ones(3) * 2).shape == (4, 3)
        assert np.shape(law.radius(0.0, 0.0)) == ()


def test_a_bracket_ends_where_its_condition_still_holds():
    roots = np.random.default_rng(0).normal(size=300) * np.repeat([1e-6, 1.0, 1e6], 100)
    low, high = np.full(300, -1.0), np.ones(300)
    found = last_that_holds(lambda t: t <= roots, low, high)
    assert (found <= roots).all()
    assert (roots - found <= 1e-15 * np.maximum(1.0, np.abs(roots))).all()


# Streams opened at once


@pytest.mark.parametrize("key", [(0,), (2,), (1, 1), (3, 2**32 - 1)])
def test_streams_opened_at_once_are_those_opened_one_by_one(key):
    rng = np.random.default_rng(0)
    digests = [rng.bytes(16) for _ in range(98)] + [bytes(16), b"\xff" * 16]
    at_once = row_streams(digests, *key)
    assert len(at_once) == 100
    for stream, digest in zip(at_once, digests, strict=True):
        alone = row_stream(digest, *key)
        state, expected = stream.bit_generator.state, alone.bit_generator.state
        np.testing.assert_array_equal(
            state["state"]["state"], expected["state"]["state"]
        )
        np.testing.assert_array_equal(stream.normal(size=9), alone.normal(size=9))
    assert row_streams([], *key) == []


@pytest.mark.parametrize("key", [(0,), (2,), (1, 1)])
def test_states_of_many_streams_are_those_of_numpy(monkeypatch, key):
    rng = np.random.default_rng(0)
    digests = [rng.bytes(16) for _ in range(70)]
    words = np.frombuffer(b"".join(digests), dtype="<u4").reshape(70, 4)
    states = _row_streams._states(words.T.astype(np.uint32), key)
    for state, word in zip(states, words, strict=True):
        seed = np.random.SeedSequence(word, spawn_key=key)
        np.testing.assert_array_equal(state, seed.generate_state(3, np.uint64))
    # So that none is opened alone.
    monkeypatch.setattr(_row_streams, "row_stream", None)
    assert len(row_streams(digests, *key)) == 70
    assert len(row_streams(digests[:64], *key)) == 64


def test_what_takes_no_noise_is_part_of_a_digest():
    X, held = np.array([[1.0], [1.0], [2.0]]), [b"a", b"b", b"a"]
    digests = row_digests(X, KEY, held)
    assert len(set(digests)) == 3
    assert row_digests(X[1:2], KEY, [b"b"]) == digests[1:2]
    assert row_digests(X[:1], KEY, [b"a"]) == digests[:1]


def test_streams_of_another_numpy_are_opened_one_by_one(monkeypatch):
    digests = [bytes([at] * 16) for at in range(80)]
    wrong = np.zeros((80, 3), dtype=np.uint64)
    monkeypatch.setattr(_row_streams, "_states", lambda words, key: wrong)
    drawn = [stream.normal() for stream in row_streams(digests, 1)]
    assert drawn == [row_stream(digest, 1).normal() for digest in digests]
