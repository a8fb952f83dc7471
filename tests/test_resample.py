# SPDX-License-Identifier: BSD-3-Clause
"""Categories drawn anew: exact Neyman-Pearson on small domains."""

import itertools
import json
import pickle
import time

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr, ndtri
from sklearn.base import clone

from sksmooth.noise import Erase, Resample, ResampledGaussian, TokenDeletion
from sksmooth.noise._changed_categories import ChangedCategories
from tests.most_powerful import largest_probability

P = np.array([1e-6, 1e-3, 0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])


def distribution(sample, cardinalities, probability):
    """Probabilities of all noisy copies of a sample of categories."""
    result = np.ones(1)
    for category, cardinality in zip(sample, cardinalities, strict=True):
        one = np.full(cardinality, probability / cardinality)
        one[category] += 1 - probability
        result = np.multiply.outer(result, one).ravel()
    return result


def law_of(cardinalities, probability=0.5, sigma=1.0, **parameters):
    return ResampledGaussian(
        sigma, probability=probability, cardinalities=cardinalities, **parameters
    )


@pytest.mark.parametrize("probability", [0.3, 0.8])
@pytest.mark.parametrize("cardinalities", [(2, 3, 4), (3, 3, 5), (2, 2, 2, 2)])
def test_growth_is_that_of_the_worst_sample(cardinalities, probability):
    law = law_of(cardinalities, probability)
    here = distribution([0] * len(cardinalities), cardinalities, probability)
    for changes in range(1, len(cardinalities) + 1):
        largest = np.max(
            [
                largest_probability(
                    here, distribution(other, cardinalities, probability), P
                )
                for other in itertools.product(*map(range, cardinalities))
                if np.count_nonzero(other) <= changes
            ],
            axis=0,
        )
        grown = ndtr(law.grow(ndtri(P), changes))
        np.testing.assert_allclose(grown, largest, rtol=1e-12)


def test_growth_keeps_its_digits_at_both_ends():
    law = law_of((2, 3, 4))
    probits = np.array([-30.0, -10.0, -2.0, 0.5, 3.0, 10.0, 30.0])
    # There and back, as sample and neighbor may change places.
    back = -law.grow(-law.grow(probits, 2), 2)
    log_both = log_ndtr(-np.abs(back)), log_ndtr(-np.abs(probits))
    np.testing.assert_allclose(*log_both, rtol=1e-9)


def test_growth_beside_numbers_is_exact():
    """Against a discretized normal distribution, in one feature of numbers."""
    step = 0.005
    points = np.arange(-10, 10 + step, step)

    def normal(mean):
        mass = np.exp(-((points - mean) ** 2) / 2)
        return mass / mass.sum()

    cardinalities = (2, 3)
    here = distribution((0, 0), cardinalities, 0.5)
    for changes, other in ((1, (0, 1)), (2, (1, 1))):
        law = law_of((0, *cardinalities), changes=changes)
        there = distribution(other, cardinalities, 0.5)
        for shift in (0.0, 0.3, 1.0, 2.0):
            largest = largest_probability(
                np.multiply.outer(normal(0), here).ravel(),
                np.multiply.outer(normal(shift), there).ravel(),
                P,
            )
            grown = ndtr(law.grow(ndtri(P), shift))
            np.testing.assert_allclose(grown, largest, atol=3e-6)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("cardinalities", [(2,), (2, 3), (3, 5, 4)])
def test_growth_beside_numbers_to_a_billionth(cardinalities, probability):
    """Against the root of the cut on the likelihood ratio, outcome by outcome."""
    n_changed = len(cardinalities)
    here, there = (
        distribution([category] * n_changed, cardinalities, probability)
        for category in (0, 1)
    )
    ratio = np.log(there / here)
    for shift in (1e-3, 0.3, 1.0, 4.0):

        def beyond(cut, mean, masses, shift=shift):
            return masses @ ndtr((ratio - cut) / shift + mean)

        exact = np.empty(len(P))
        for at, p in enumerate(P):
            reach = 40 * (1 + shift) ** 2
            cut = brentq(
                lambda t, p=p: beyond(t, -shift / 2, here) - p,  # noqa: B023
                -reach, reach, xtol=1e-14,
            )  # fmt: skip
            exact[at] = beyond(cut, shift / 2, there)
        law = law_of((0, *cardinalities), probability, changes=n_changed)
        grown = ndtr(law.grow(ndtri(P), shift))
        np.testing.assert_allclose(grown, exact, rtol=1e-9)
        # The root is known to 1e-14, which is so much at the smallest shift.
        assert (grown >= exact * (1 - 1e-10)).all()


def test_without_changed_categories_it_is_gaussian():
    law = law_of((0, 3), sigma=0.7)
    assert law.radius(1.3, -1.6) == law.numbers_law.radius(1.3, -1.6)
    assert law.grow(0.3, 1.0) == law.numbers_law.grow(0.3, 1.0)


# sigma times the radius while 0, 1, 2, 3 categories change; nan where nothing holds.
NAN = np.nan
FRONTIERS = [
    (2, 0.2, 0.9, [1.2816, NAN, NAN, NAN]),
    (2, 0.2, 0.99, [2.3263, 1.4211, NAN, NAN]),
    (2, 0.2, 0.999, [3.0902, 2.4589, 1.5786, NAN]),
    (2, 0.5, 0.9, [1.2816, 0.6837, NAN, NAN]),
    (2, 0.5, 0.99, [2.3263, 2.0701, 1.7750, 1.4173]),
    (2, 0.5, 0.999, [3.0902, 2.9044, 2.7056, 2.4906]),
    (2, 0.8, 0.9, [1.2816, 1.2155, 1.1456, 1.0712]),
    (2, 0.8, 0.99, [2.3263, 2.2911, 2.2552, 2.2188]),
    (2, 0.8, 0.999, [3.0902, 3.0638, 3.0371, 3.0103]),
    (5, 0.5, 0.9, [1.2816, NAN, NAN, NAN]),
    (5, 0.5, 0.99, [2.3263, 1.8903, 1.3053, NAN]),
    (5, 0.5, 0.999, [3.0902, 2.7807, 2.4310, 2.0202]),
    (5, 0.8, 0.9, [1.2816, 1.1456, 0.9913, 0.8079]),
    (5, 0.8, 0.99, [2.3263, 2.2552, 2.1817, 2.1057]),
    (5, 0.8, 0.999, [3.0902, 3.0371, 2.9831, 2.9281]),
    (50, 0.5, 0.9, [1.2816, NAN, NAN, NAN]),
    (50, 0.5, 0.99, [2.3263, NAN, NAN, NAN]),
    (50, 0.5, 0.999, [3.0902, 2.3342, 1.2916, NAN]),
    (50, 0.8, 0.9, [1.2816, 0.8960, 0.3173, NAN]),
    (50, 0.8, 0.99, [2.3263, 2.1008, 1.8447, 1.5403]),
    (50, 0.8, 0.999, [3.0902, 2.9207, 2.7403, 2.5464]),
]


@pytest.mark.parametrize(("categories", "probability", "p", "expected"), FRONTIERS)
def test_frontiers_to_their_digits(categories, probability, p, expected):
    law = law_of((0, categories, categories, categories), probability, sigma=2.0)
    frontier = law.frontier(ndtri(p), -ndtri(p), changes=3)
    np.testing.assert_allclose(frontier / 2.0, expected, atol=5.1e-5)


@pytest.mark.parametrize(
    ("probability", "p", "expected"),
    [
        (0.5, 0.99, [5, 4, 2, 0]),
        (0.7, 0.99, [14, 10, 5, 1]),
        (0.9, 0.9, [40, 28, 11, 4]),
        (0.9, 0.99, [45, 45, 36, 6]),  # of 45 features
    ],
)
def test_numbers_of_categories_that_may_change(probability, p, expected):
    radii = [
        law_of((categories,) * 45, probability).radius(ndtri(p), -ndtri(p))
        for categories in (2, 3, 10, 1000)
    ]
    assert np.floor(radii).tolist() == expected


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    top = rng.uniform(0.0, 4.0, n)
    return top, -top - rng.exponential(0.5, n), rng.choice([1.0, 3.0, 1 / 3], n)


@pytest.mark.parametrize("cardinalities", [(2,), (5, 5), (3, 5), (10, 10, 10)])
@pytest.mark.parametrize("probability", [0.2, 0.5, 0.8])
def test_the_radius_is_the_root_of_its_definition(cardinalities, probability):
    changed = ChangedCategories(probability, cardinalities)
    top, other, odds = pairs(1500)
    distance = changed.distance(top, other, np.log(odds))

    def lead(s):
        kept = ndtr(-changed.grow_beside(-top, s))
        return kept - odds * ndtr(changed.grow_beside(other, s))

    ahead = distance > 0
    s = np.where(ahead, distance, 1.0)
    assert (lead(s * (1 - 1e-7))[ahead] > 0).all()
    assert (lead(s * (1 + 1e-6) + 1e-4 * (s <= 1e-4))[ahead] < 0).all()
    assert (lead(np.full_like(s, 2e-4))[~ahead] <= 0).all()
    assert ahead.any()


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0), (3.0, 1.0)])
def test_the_threshold_is_the_radius_the_other_way_round(weights):
    v, w = weights
    law = law_of((0, 3, 4), 0.8, sigma=0.5, changes=2)
    radii = np.array([0.05, 0.3, 0.9])
    threshold = law.threshold(radii, w / (v + w))
    proved = law.radius(threshold, -threshold, v, w)
    np.testing.assert_allclose(proved, radii, rtol=1e-6)
    whole = law_of((3, 4, 2), 0.9)
    threshold = whole.threshold(np.arange(1, 4), w / (v + w))
    assert np.floor(
        whole.radius(threshold + 1e-9, -threshold - 1e-9, v, w)
    ).tolist() == [1, 2, 3]
    assert (whole.radius(threshold - 1e-9, 1e-9 - threshold, v, w) < [1, 2, 3]).all()


@pytest.mark.parametrize("noise", [Resample, Erase])
def test_changes_count_as_those_of_the_radius(noise):
    law = noise(0.8).bind(1.0, (3, 3, 4, 5))
    probits = np.array([-6.0, -1.0, 0.3, 2.0])
    for k in range(4):
        beside = law.with_changes(k)
        np.testing.assert_array_equal(beside.grow(probits, 1), law.grow(probits, 1 + k))
        assert beside.threshold(1) == law.threshold(1 + k)
        assert beside.radius(4.0, -4.0) == law.radius(4.0, -4.0) - k
        assert beside.largest_radius() == law.largest_radius() - k


def test_radii_are_a_table_and_not_a_search():
    law = law_of((0, 5, 5), 0.8, changes=2)
    top, other, odds = pairs(4000)
    law.radius(top, other, 1.0, odds)  # builds the table
    start = time.process_time()
    law.radius(top, other, 1.0, odds)
    mixed = time.process_time() - start
    start = time.process_time()
    law.grow(top, np.abs(other))
    # A search would take some dozens of growth functions.
    assert mixed < 20 * (time.process_time() - start)


def test_probabilities_near_0_and_1_are_taken_care_of():
    law = law_of((0, 5), 0.5, changes=1)
    assert np.isclose(law.radius(1e9, -1e9), law.radius(9.0, -9.0))
    assert law.radius(-1e9, 1e9) < 0
    assert law.grow(1e9, 1.0) == np.inf
    assert np.isfinite(law.grow(-1e9, 1.0))


def test_the_frontier_of_many_samples_has_that_of_each_in_a_row():
    law = law_of((0, 3, 3), 0.8)
    top = np.array([[1.0, 2.0, 3.0], [0.5, 2.5, 4.0]])
    frontier = law.frontier(top, -top, 1.0, 2.0, changes=2)
    assert frontier.shape == (2, 3, 3)
    for at in np.ndindex(2, 3):
        alone = law.frontier(top[at], -top[at], 1.0, 2.0, changes=2)
        np.testing.assert_array_equal(frontier[at], alone)
    assert np.isnan(frontier).any() and not np.isnan(frontier).all()
    # More changes than there are categories are all of them.
    np.testing.assert_array_equal(law.frontier(2.0, -2.0, changes=9).shape, (3,))


def test_a_set_of_categories_is_as_likely_as_its_outcomes():
    law = law_of((5, 0), 0.4)
    for contains in ([1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]):
        mask = np.array(contains, dtype=bool)
        masses = [distribution((c,), (5,), 0.4) @ mask for c in range(5)]
        np.testing.assert_allclose(law.set_masses(mask), masses, rtol=1e-15)


def test_the_grid_is_that_of_the_numbers():
    scale = (2.0, 1.0, 0.5)
    law = law_of((0, 3, 0), sigma=0.7, scale=scale)
    numbers = law.numbers_law
    assert numbers.scale == (2.0, 0.5)
    assert law.grid_slack(3) == numbers.grid_slack(2) > 0
    assert law.grid.tolist() == [numbers.grid[0], 1.0, numbers.grid[1]]
    np.testing.assert_array_equal(law.deviation, [1.4, 0.0, 0.35])
    np.testing.assert_array_equal(law_of((0, 3), sigma=0.7).deviation, [0.7, 0.0])
    assert law_of((3, 4)).grid_slack(2) == 0.0


# How noise is drawn


def copies(law, row, n, seed=0):
    out = np.empty((n, len(row)))
    law.perturb(law.snap(np.array(row)), np.random.default_rng(seed), out)
    return out


def test_categories_are_drawn_anew_with_their_probability():
    law = law_of((3, 0, 4), 0.4, sigma=0.5)
    n = 60_000
    noisy = copies(law, [2.0, 1.0, 0.0], n)
    for column, category, cardinality in ((0, 2, 3), (2, 0, 4)):
        share = np.bincount(noisy[:, column].astype(int), minlength=cardinality) / n
        expected = np.full(cardinality, 0.4 / cardinality)
        expected[category] += 0.6
        assert (abs(share - expected) < 5 * np.sqrt(expected / n)).all()
    assert abs(noisy[:, 1].std() - 0.5) < 5 * 0.5 / np.sqrt(2 * n)
    assert (abs(np.corrcoef(noisy.T) - np.eye(3)) < 5 / np.sqrt(n)).all()


def test_parts_are_the_whole():
    law = law_of((3, 0, 4))
    row, rng = law.snap(np.array([2.0, 0.3, 1.0])), np.random.default_rng(0)
    parts = [np.empty((m, 3)) for m in (7, 1, 42)]
    for part in parts:
        law.perturb(row, rng, part)
    assert np.array_equal(np.concatenate(parts), copies(law, [2.0, 0.3, 1.0], 50))


def test_the_worst_case_is_met():
    """Most powerful events of a number and a category, here and at their neighbor."""
    law = law_of((0, 3), 0.4, sigma=1.0, changes=1)
    p, n = 0.95, 100_000
    radius = float(law.radius(ndtri(p), -ndtri(p)))
    for factor, sign in ((0.9, 1), (1.1, -1)):
        r = factor * radius
        noisy = copies(law, [0.0, 0.0], n)
        there = copies(law, [r, 1.0], n)
        kept, new = 0.6 + 0.4 / 3, 0.4 / 3
        log_ratio = np.log([new / kept, kept / new, 1.0])

        def ratio(z):
            return radius * z[:, 0] + log_ratio[z[:, 1].astype(int)]  # noqa: B023

        cut = np.quantile(ratio(noisy), p)
        excess = np.mean(ratio(there) <= cut) - 0.5
        assert sign * excess > -5 * np.sqrt(0.25 / n)
        assert abs(excess) > 3 * np.sqrt(0.25 / n)


# Parameters


@pytest.mark.parametrize("code", [-1.0, 3.0, 0.5, np.nan])
def test_a_code_of_no_category_is_refused(code):
    with pytest.raises(ValueError, match="in feature 1, which is none of its 3"):
        law_of((0, 3)).snap(np.array([[0.0, 1.0], [0.0, code]]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"probability": 0.0}, "probability=0.0 must be a number strictly between"),
        ({"probability": 1}, "probability=1 must be"),
        ({"probability": "0.5"}, "probability='0.5' must be"),
        ({"cardinalities": (0, 1)}, "feature 1 with one category"),
        ({"cardinalities": (0, -2)}, "must be 2 or more"),
        ({"cardinalities": ()}, "cardinalities is empty"),
        ({"norm": 0}, "norm=0 is not that of certificates for numbers"),
        ({"cardinalities": (2, 3), "norm": 2}, "for categories only: it is 0"),
        ({"scale": (1.0,)}, "scale has 1 values for 2 features"),
        ({"changes": 0.5}, "changes=0.5 must be a whole number"),
        ({"changes": -1}, "changes=-1 must be a whole number"),
        ({"sigma": -1.0}, "sigma=-1.0 must be positive"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    settings = {"cardinalities": (0, 3), "probability": 0.5, "sigma": 1.0}
    with pytest.raises(ValueError, match=message):
        ResampledGaussian(**(settings | parameters))


def test_it_is_a_parameter_that_grids_know():
    law = Resample(probability=0.3, categorical_features=[1])
    assert clone(law) == law and clone(law) is not law
    assert law.set_params(probability=0.4).get_params()["probability"] == 0.4
    with pytest.raises(ValueError, match="no parameter 'beta'"):
        law.set_params(beta=0.1)


def test_laws_are_equal_where_all_their_parameters_are():
    law, same = Resample(0.3, [1]), Resample(0.3, [1])
    assert law == same and hash(law) == hash(same) != hash(Resample(0.4, [1]))
    for other in (Resample(0.4, [1]), Resample(0.3, [2]), TokenDeletion(0.3), 0.3):
        assert law != other
    assert TokenDeletion(0.3) != TokenDeletion(0.4)
    assert Resample(0.3).categorical_features == "from_dtype"
    assert law.get_params() == law.get_params(deep=False)
    assert repr(law) == "Resample(probability=0.3, categorical_features=[1])"


def test_it_is_described_in_plain_types():
    law = law_of((0, 3), scale=(2.0, 1.0), changes=1)
    assert json.loads(json.dumps(law.described())) == law.described()
    assert pickle.loads(pickle.dumps(law)) == law
