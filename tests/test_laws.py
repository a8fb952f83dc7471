# SPDX-License-Identifier: BSD-3-Clause
"""The noise laws, each by the tests that all of them inherit."""

import math
import re
from dataclasses import replace
from fractions import Fraction
from functools import partial

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth.noise import (
    LAWS,
    DeletedWords,
    Erase,
    ErasedGaussian,
    Gaussian,
    Laplace,
    Law,
    Resample,
    ResampledGaussian,
    Splitting,
    TokenDeletion,
    Uniform,
)
from sksmooth.noise._additive import add_noise, rounder_of
from sksmooth.noise._law import broadcast_odds, leads
from tests.law_case import ERRORS, AdditiveLawCase, LawCase


class TestGaussian(AdditiveLawCase):
    law = Gaussian(0.5, n_features=3)

    def exact_log_tail(self, z):
        return mpmath.log(mpmath.erfc(z / mpmath.sqrt(2)) / 2)


class TestGaussianL1(TestGaussian):
    law = Gaussian(0.5, norm=1, n_features=3)


class TestGaussianLinf(TestGaussian):
    law = Gaussian(0.5, norm=math.inf, n_features=3)
    direction = np.ones(3)


class TestLaplace(AdditiveLawCase):
    law = Laplace(0.7, n_features=3)

    def exact_log_tail(self, z):
        tail = mpmath.exp(-mpmath.sqrt(2) * abs(z)) / 2
        return mpmath.log(tail if z >= 0 else 1 - tail)

    @pytest.mark.parametrize("p", [0.6, 0.75, 0.99, 0.99993])
    def test_its_radius_is_that_of_teng_et_al(self, p):
        scale = self.law.sigma / math.sqrt(2)
        radius = self.law.radius(ndtri(p), -ndtri(p))
        assert radius == pytest.approx(-scale * math.log(2 * (1 - p)))


class TestUniform(AdditiveLawCase):
    law = Uniform(0.7, n_features=3)
    resolution = 1e-14

    def offset(self, share):
        return self.law.largest_noise * (1 - 2 * share)

    def exact_log_tail(self, z):
        end = mpmath.sqrt(3)
        tail = min(max((end - z) / (2 * end), mpmath.mpf(0)), mpmath.mpf(1))
        return mpmath.log(tail) if tail else -mpmath.inf

    def test_no_votes_prove_the_largest_radius(self):
        for share_other in (0.5, 0.2, 0.9):
            largest = self.law.largest_radius(share_other)
            odds = share_other / (1 - share_other)
            assert self.law.radius(40.0, -40.0, 1.0, odds) <= largest
            assert self.law.threshold(largest, share_other) > 7
            assert self.law.threshold(0.999 * largest, share_other) < 7

    def test_radii_beyond_the_largest_are_said_to_be_out_of_reach(self):
        clf, X = self.certificates(0.9, 2)
        largest = self.law.largest_radius()
        with pytest.warns(UserWarning, match=r"proves no radius of .* or more"):
            clf.certify(X, radii=[0.1, largest])
        with pytest.warns(UserWarning, match="out of reach of n_certify=100 votes"):
            clf.set_params(n_certify=100).certify(X, radii=[0.1, 0.999 * largest])


class Corner(ClassifierMixin, BaseEstimator):
    """The worst case of uniform noise in l-infinity, repeated every 100 units.

    Class 1 is where noise at 0 leads and noise at ``-distance`` in each feature does
    not, and as much of where both lead as gives it its share at 0.
    """

    def __init__(self, largest, distance, share):
        self.largest = largest
        self.distance = distance
        self.share = share

    def fit(self, X=None, y=None):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 3
        return self

    def predict(self, X):
        X = X - 100 * np.rint(X / 100)
        length = 2 * self.largest - self.distance
        shared = (length / (2 * self.largest)) ** 3
        part = (self.share - (1 - shared)) / shared
        here = (abs(X) <= self.largest).all(axis=1)
        there = (X <= self.largest - self.distance).all(axis=1)
        beyond = X[:, 0] > (1 - part) * length - self.largest
        return (here & (~there | beyond)).astype(int)


class TestUniformLinf(TestUniform):
    law = Uniform(0.7, norm=math.inf, n_features=3)
    direction = np.ones(3)
    composes = False

    def worst_case(self, share, weights=(1.0, 1.0)):
        true = float(self.law.radius(ndtri(share), -ndtri(share), *weights))
        return Corner(self.law.largest_noise, true, share).fit(), np.eye(3)[0]

    def test_the_worst_half_space_grows_so_much(self):
        """The complement of a corner grows most, seen from 0."""
        n = 40_000
        radius, probit = 0.5 * self.law.sigma, ndtri(0.2)
        base = Corner(self.law.largest_noise, radius, 0.8).fit()
        for factor, expected in ((0, 0.2), (1, ndtr(self.law.grow(probit, radius)))):
            copies = self.noisy(-factor * radius * self.direction, n)
            share = np.mean(base.predict(copies) == 0)
            assert abs(share - expected) < ERRORS * np.sqrt(0.25 / n)


class TestSplitting(LawCase):
    law = Splitting(0.7, n_features=3)
    resolution = 1e-14

    # Not whole numbers, on which cells are whole too.
    start = 0.25

    def offset(self, share):
        return self.law.width * (0.5 - share)


def test_every_law_inherits_the_tests():
    cases = LawCase.__subclasses__() + AdditiveLawCase.__subclasses__()
    tested = {type(case.law) for case in cases if hasattr(case, "law")}
    assert tested >= set(LAWS.values())


def resampled(cardinalities, **parameters):
    return ResampledGaussian(
        0.7, probability=0.8, cardinalities=cardinalities, **parameters
    )


# One of each kind of formula.
EVERY_LAW = [
    Gaussian(0.7, n_features=3),
    Laplace(0.7, n_features=3),
    Uniform(0.7, n_features=3),
    Uniform(0.7, norm=math.inf, n_features=3),
    Splitting(0.7, n_features=3),
    resampled((0, 3)),
    resampled((0, 3), changes=1),
    resampled((3, 4)),
    ErasedGaussian(0.7, probability=0.8, cardinalities=(0, 3)),
    ErasedGaussian(0.7, probability=0.8, cardinalities=(0, 3), changes=1),
    ErasedGaussian(0.7, probability=0.8, cardinalities=(3, 4)),
    DeletedWords(1.0, probability=0.8),
    DeletedWords(1.0, probability=0.8, changes=2),
]
every_law = pytest.mark.parametrize("law", EVERY_LAW, ids=lambda law: law.name)


@every_law
def test_what_is_left_out_is_the_plain_vote(law):
    top, other = np.array([0.2, 1.0, 2.5]), np.array([-0.3, -1.5, -2.6])
    radius = np.array([0.0, 0.3, 1.0])
    for given, defaults in (
        (law.radius(top, other), law.radius(top, other, 1.0, 1.0)),
        (law.radius(top, other, 2.0), law.radius(top, other, 2.0, 1.0)),
        (law.threshold(radius), law.threshold(radius, 0.5)),
        (law.largest_radius(), law.largest_radius(0.5)),
    ):
        np.testing.assert_array_equal(given, defaults)


@every_law
@pytest.mark.parametrize("kind", ["float16", "float32", "int64", "list"])
def test_numbers_of_other_types_are_taken_for_float64(law, kind):
    """In the precision of the type, results would be rounded to the unsafe side."""
    numbers = np.array([[1.0, -2.0, 0.3], [2.0, -3.0, 0.5], [3.0, -3.0, 0.2]])
    if kind != "int64":
        numbers[:, :2] += 0.1
    if kind != "list":
        numbers = numbers.astype(kind)
    top, other, share = numbers.T
    words = np.array([0, 1, 2])
    functions = [
        (law.grow, (other, top)),
        (law.radius, (top, other)),
        (law.radius, (top, other, top, top[::-1])),
    ]
    if kind != "int64":
        functions.append((law.threshold, (top, share)))
    if isinstance(law, ResampledGaussian):
        functions.append((partial(law.frontier, changes=2), (top, other)))
    if isinstance(law, DeletedWords):
        deletion = law.deletion
        functions += [
            (deletion.deleted, (top, other, top, top[::-1])),
            (deletion.added, (top, other, top, top[::-1])),
            (deletion.grow, (other, words, words[::-1])),
        ]
    for function, values in functions:
        exact = function(*(value.astype(np.float64) for value in values))
        given = (value.tolist() for value in values) if kind == "list" else values
        found = function(*given)
        np.testing.assert_array_equal(found, exact)
        assert found.dtype == exact.dtype


class ByRoot(Gaussian):
    """Gaussian noise by what a law derives from its growth function alone."""

    radius = Law.radius
    unit = Law.unit
    largest_radius = Law.largest_radius


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0), (1000.0, 1.0)])
def test_radii_that_follow_from_growth_alone(weights):
    law, closed = ByRoot(0.7, n_features=3), Gaussian(0.7, n_features=3)
    rng = np.random.default_rng(0)
    top = rng.uniform(-1, 4, 200)
    other = -top - rng.exponential(0.3, 200)
    found, expected = (l.radius(top, other, *weights) for l in (law, closed))
    ahead = expected > 0
    np.testing.assert_allclose(found[ahead], expected[ahead], rtol=1e-12, atol=1e-12)
    assert (found[expected < 0] < 0).all() and ahead.any()
    # Rounded down: the class is still ahead there, whatever is rounded.
    with mpmath.workdps(30):
        v, w = weights
        for a, b, r in zip(top[ahead], other[ahead], found[ahead], strict=True):
            at = mpmath.mpf(r) / mpmath.mpf(0.7)
            assert v * mpmath.ncdf(a - at) > w * mpmath.ncdf(b + at)
    # Nothing is known of a class whose bound is at 0 or 1.
    assert (law.radius([-np.inf, 0.0, np.inf], [np.inf, np.inf, 0.0]) < 0).all()
    assert law.radius(np.zeros((4, 1)), np.full(3, -1.0)).shape == (4, 3)
    assert law.unit == pytest.approx(0.7) and law.largest_radius() == np.inf


@pytest.mark.parametrize("share_other", [0.5, 0.2, 0.8])
@pytest.mark.parametrize("probability", [0.3, 0.5, 0.95])
def test_the_first_number_of_words_that_no_votes_prove(probability, share_other):
    law = DeletedWords(1.0, probability=probability)
    largest = law.largest_radius(share_other)
    assert largest == int(largest) >= 1
    assert law.threshold(largest, share_other) == np.inf
    assert law.threshold(largest - 1, share_other) < np.inf


def test_words_by_default_are_none():
    law, probit = TokenDeletion(0.8), np.array([-2.0, 0.3, 1.0])
    np.testing.assert_allclose(law.grow(probit), probit, rtol=1e-14)
    np.testing.assert_allclose(law.threshold(share_other=0.2), -0.8416212335729143)
    top, other = np.array([1.5, 3.0]), np.array([-1.6, -3.2])
    plain = law.frontier(top, other, 1.0, 1.0, deleted=4)
    np.testing.assert_array_equal(law.frontier(top, other, deleted=4), plain)
    np.testing.assert_array_equal(law.added(top, other), plain[:, 0])
    for count in (law.added, law.deleted):
        np.testing.assert_array_equal(count(top, other), count(top, other, 1.0, 1.0))
        np.testing.assert_array_equal(
            count(top, other, 2.0), count(top, other, 2.0, 1.0)
        )


@pytest.mark.parametrize(
    "law", [*EVERY_LAW[:5], resampled((0, 3))], ids=lambda law: law.name
)
def test_all_that_defines_a_law_is_described(law):
    """A log that another law has written must not be taken for its own."""
    n = len(law.cardinalities) if isinstance(law, ResampledGaussian) else 3
    scaled = replace(law, scale=[2.0, 3.0, 4.0][:n])
    others = [law, replace(law, sigma=0.8), scaled, replace(law, scale=[2.0] * n)]
    if isinstance(law, ResampledGaussian):
        others += [replace(law, probability=0.7), replace(law, cardinalities=(0, 4))]
        others += [replace(law, changes=1), replace(law, cardinalities=(0, 3, 3))]
    described = [str(other.described()) for other in others]
    assert len(set(described)) == len(others)
    assert scaled.described()["noise_scale"] == list(scaled.scale)
    grid = np.ravel(scaled.described()["grid"])
    np.testing.assert_array_equal(grid, np.ravel(scaled.grid)[: len(grid)])


# What lies between points of the grid, and below the last digit


SCALED = [
    (Gaussian(0.5), 2),
    (Gaussian(0.5, norm=1), 2),  # the certificate in l1 is one in l2
    (Laplace(0.7), 1),
    (Uniform(0.7), 1),
    (Uniform(0.7, norm=math.inf, n_features=3), math.inf),
    (Splitting(0.7), 1),
]


@pytest.mark.parametrize("scale", [None, [2.0, 0.3, 11.0]])
@pytest.mark.parametrize(("law", "norm"), SCALED)
def test_the_slack_is_what_rounding_may_move_two_samples_apart(law, norm, scale):
    law = replace(law, scale=scale)
    units = np.ones(3) if scale is None else np.array(scale)
    cell = np.broadcast_to(law.grid, 3) / units
    expected = np.linalg.norm(cell, norm)
    assert law.grid_slack(3) == pytest.approx(expected, rel=1e-14)
    # Of Gaussian noise in l-infinity, in whose certificate the root of 3 cancels.
    if type(law) is Gaussian:
        wide = replace(law, norm=math.inf, n_features=3)
        expected = np.linalg.norm(cell) / math.sqrt(3)
        assert wide.grid_slack(3) == pytest.approx(expected, rel=1e-14)


def test_whole_values_lie_on_their_grid():
    law = Splitting(1.2, whole=True)
    assert law.grid_slack(3) == 0.0 and law.grid == 1.0


@pytest.mark.parametrize(
    ("law", "width"),
    [
        (Uniform(0.7), 2 * Uniform(0.7).largest_noise),
        (Splitting(0.7), Splitting(0.7).width),
        (Splitting(1.2, whole=True), 4.0),
    ],
)
def test_the_distance_and_its_inverse_are_rounded_to_the_safe_side(law, width):
    distance = np.random.default_rng(0).random(300)
    for d, radius in zip(distance, law._radius_of(distance), strict=True):
        exact = Fraction(width) * Fraction(d)
        assert exact * (1 - Fraction(1, 10**14)) < Fraction(radius) < exact
    np.testing.assert_array_equal(law.distance([0.0, width, 3 * width]), [0, 1, 1])
    np.testing.assert_allclose(law.distance(distance * width), distance, rtol=1e-15)


def test_whether_a_share_leads_is_not_left_to_rounding():
    """A lead within the error of the logs does not count, a larger one does."""
    for keeps, gains, odds in [
        (-1.0, -901.0, 900.0),
        (-1.0, 899.0, -900.0),
        (-800.0, -800.0, 0.0),
        (-1e-3, -1e-3, 0.0),
    ]:
        error = 2.0**-52 * (1 + abs(keeps) + abs(gains) + abs(odds))
        keeps, gains, odds = (np.array([value]) for value in (keeps, gains, odds))
        for lead, expected in ((0.0, False), (4 * error, False), (100 * error, True)):
            assert leads(keeps + lead, gains, odds) == expected
    assert leads(np.array([-3.0]), np.array([-np.inf]), np.array([5.0]))
    assert not leads(np.array([-np.inf]), np.array([-3.0]), np.array([5.0]))


def test_odds_of_weights_have_all_their_digits():
    near = [(1.0, 1.0 + k * 2.0**-52) for k in (1, 3, 1000)]
    near += [(v, v + k * 2.0**-54) for v in (0.3, 0.33, 0.4) for k in (1, 5)]
    weights = [*near, (3.0, 7.0), (1e-300, 1e300), (1e300, 1e-300), (5e-324, 1e-323)]
    for top, other in weights:
        _, _, log_odds = broadcast_odds(1.0, -1.0, top, other)
        with mpmath.workdps(40):
            exact = mpmath.log(mpmath.mpf(other) / mpmath.mpf(top))
        assert abs(float(log_odds) / float(exact) - 1) < 1e-15


@every_law
def test_radii_are_rounded_down_to_what_they_count(law):
    radius = np.array([0.3, 1.5, 7.0])
    expected = [0.0, 1.0, 7.0] if law.norm == 0 else radius
    np.testing.assert_array_equal(law.rounded_down(radius), expected)


@pytest.mark.parametrize("law", [law for law, _ in SCALED], ids=lambda law: law.name)
def test_a_scale_has_one_positive_number_for_each_feature(law):
    assert replace(law, scale=[1.0, 2.0]).n_features == 2
    assert [type(unit) for unit in replace(law, scale=[1, 2]).scale] == [float, float]
    for scale in ([1.0, -1.0], [1.0, 0.0], [1.0, np.inf], [np.nan], [[1.0, 2.0]], 1.0):
        with pytest.raises(ValueError, match=re.escape(f"scale={scale!r} must be")):
            replace(law, scale=scale)


def test_radii_of_many_words_are_the_worst_mixture_of_added_and_deleted_ones():
    law, probit = DeletedWords(1.0, probability=0.95), np.array([-8.0, 0.0, 2.0])
    for radius in (40, 120):
        deleted = np.arange(radius + 1)
        each = law.deletion.grow(probit[:, np.newaxis], radius - deleted, deleted)
        np.testing.assert_array_equal(law.grow(probit, radius), each.max(axis=1))
        assert np.isfinite(each[0]).all()


@pytest.mark.parametrize(
    ("noise", "bound"), [(Resample, ResampledGaussian), (Erase, ErasedGaussian)]
)
def test_a_law_of_categories_is_bound_with_all_of_its_parameters(noise, bound):
    law = noise(0.3).bind(0.7, [0, 3, 0], scale=[2.0, 1.0, 0.5], norm=2)
    assert type(law) is bound
    assert (law.sigma, law.probability, law.cardinalities) == (0.7, 0.3, (0, 3, 0))
    assert (law.n_features, law.scale, law.norm) == (3, (2.0, 1.0, 0.5), 2)
    assert noise(0.3).bind(0.7, [3, 4]).norm == 0


def test_terms_of_a_law_are_what_certificates_hold_of_it():
    assert Splitting(1.2, whole=True, n_features=3).terms() == {
        "n_features": 3,
        "whole": True,
    }
    words = DeletedWords(1.0, probability=0.8, n_features=9)
    assert words.terms() == {"n_features": 9, "probability": 0.8}
    assert words.with_changes(2) == replace(words, changes=2)
    assert words.grid_slack(9) == 0.0


@pytest.mark.parametrize("sigma", [2, np.float32(0.1), np.int64(3), Fraction(1, 3)])
@pytest.mark.parametrize("law", [Gaussian, Laplace, Uniform, Splitting])
def test_sigma_is_a_float_whatever_number_it_was(law, sigma):
    made = law(sigma)
    assert type(made.sigma) is float and made.sigma == float(sigma)
    assert type(law(0.5).sigma) is float
    with pytest.raises(ValueError, match="sigma=inf must be positive"):
        law(10**400)
    with pytest.raises(TypeError, match="sigma='1' must be a number"):
        law("1")


@pytest.mark.parametrize("n_copies", [1, 255, 1000])
@pytest.mark.parametrize("n_features", [1, 3, 200])
def test_noise_is_added_in_many_rows_as_in_one(n_copies, n_features):
    rng = np.random.default_rng(0)
    deviation = rng.uniform(0.5, 2.0, n_features)
    rounder = rounder_of(np.ldexp(1.0, rng.integers(-25, -15, n_features)))
    row, noise = rng.normal(size=n_features), rng.normal(size=(n_copies, n_features))
    expected = noise * deviation + rounder - (rounder - row)
    for out in (noise.copy(), np.asfortranarray(noise)):
        add_noise(row, out, deviation, rounder)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("law", [Gaussian(1e-150), Laplace(1e-150)])
def test_a_distance_beyond_all_others_lets_an_event_grow_to_certainty(law):
    assert law.grow(-5.0, 1e200) == np.inf


def test_growth_of_what_may_be_erased_is_rounded_up():
    kept, distance = 0.6, 0.3
    law = ErasedGaussian(0.5, probability=kept, cardinalities=(0, 3), changes=1)
    for probit in (-6.0, -3.0, -1.0, -0.5):
        grown = mpmath.mpf(float(law.grow(probit, distance * law.sigma)))
        with mpmath.workdps(40):
            inside = mpmath.ncdf(mpmath.mpf(probit)) / mpmath.mpf(kept)
            moved = mpmath.sqrt(2) * mpmath.erfinv(2 * inside - 1) + mpmath.mpf(
                distance
            )
            exact = 1 - mpmath.mpf(kept) + mpmath.mpf(kept) * mpmath.ncdf(moved)
            left = mpmath.mpf(kept) * mpmath.ncdf(-moved)
            if exact < 0.5:
                excess = (mpmath.ncdf(grown) - exact) / exact
            else:
                excess = (left - mpmath.ncdf(-grown)) / left
        assert 0 < excess < 1e-13


def test_as_many_erased_categories_as_leave_no_lead_prove_no_radius():
    """0.5 ** 2 is the share itself of the heaviest other class."""
    for changes, limit in ((1, np.inf), (2, 0.0)):
        law = ErasedGaussian(
            0.7, probability=0.5, cardinalities=(0, 3, 3), changes=changes
        )
        assert law.largest_radius(0.25) == limit
        assert (law.radius(40.0, -40.0, 3.0, 1.0) > 0) == (limit > 0)
