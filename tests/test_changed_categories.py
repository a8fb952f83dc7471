# SPDX-License-Identifier: BSD-3-Clause
"""Most powerful tests of changed categories: rounded up, safe, and found in few steps.

`test_resample` compares the laws that are built on them with all outcomes.
"""

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from sksmooth.noise import _changed_categories
from sksmooth.noise._changed_categories import (
    ChangedCategories,
    _alike,
    changed_categories,
)

CASES = [(0.02, (2,)), (0.5, (3, 5)), (0.95, (10, 10, 10)), (0.5, (1000,))]


def pairs(n, seed=0):
    """Probits of missing a class, of another class, and odds of their weights."""
    rng = np.random.default_rng(seed)
    miss = -rng.uniform(0.0, 4.0, n)
    other = miss - rng.exponential(0.5, n)
    return miss, other, rng.choice([1.0, 3.0, 1 / 3], n)


def exact_growth(changed, probit, s):
    """Logarithms of the growth function and of what it leaves, to all digits.

    By the root of the cut on the likelihood ratio beside a normal distribution, whose
    masses are those that `changed` has.
    """
    with mpmath.workdps(40):
        here, there, ratio = (
            [mpmath.mpf(float(value)) for value in values]
            for values in (changed.here, changed.there, changed.ratio)
        )
        s, p = mpmath.mpf(s), mpmath.ncdf(mpmath.mpf(probit))

        def beyond(cut, masses, shift):
            z = [(r - cut) / s + shift for r in ratio]
            return mpmath.fsum(
                m * mpmath.ncdf(at) for m, at in zip(masses, z, strict=True)
            )

        low, high = ratio[0] - 60 * (1 + s) ** 2, ratio[-1] + 60 * (1 + s) ** 2
        start = changed._cut(np.array([probit]), np.array([float(s)]))[0]
        width = mpmath.mpf(1e-6)
        low, high = start - width, start + width
        assert beyond(low, here, -s / 2) > p > beyond(high, here, -s / 2)
        cut = mpmath.findroot(
            lambda t: mpmath.log(beyond(t, here, -s / 2) / p), (low, high),
            solver="illinois", tol=1e-30, verify=False,
        )  # fmt: skip
        grown = beyond(cut, there, s / 2)
        left = mpmath.fsum(
            m * mpmath.ncdf((cut - r) / s - s / 2)
            for m, r in zip(there, ratio, strict=True)
        )
        return grown, left


def tails(probit):
    """Both tails of a probit, to all of its digits."""
    with mpmath.workdps(40):
        return mpmath.ncdf(mpmath.mpf(float(probit))), mpmath.ncdf(
            -mpmath.mpf(float(probit))
        )


@pytest.mark.parametrize(("probability", "cardinalities"), CASES[:2])
@pytest.mark.parametrize("s", [0.05, 1.0])
def test_growth_beside_numbers_is_rounded_up(probability, cardinalities, s):
    changed = ChangedCategories(probability, cardinalities)
    for probit in (-4.0, -1.0, 0.5, 2.0):
        grown, left = tails(changed.grow_beside(np.array([probit]), np.array([s]))[0])
        exact, rest = exact_growth(changed, probit, s)
        with mpmath.workdps(40):
            # Whichever is smaller has all its digits.
            excess = (grown - exact) / exact if exact < 0.5 else (rest - left) / rest
        assert 0 < excess < 1e-9


@pytest.mark.parametrize(("probability", "cardinalities"), CASES)
def test_growth_is_rounded_up(probability, cardinalities):
    """At corners of the growth function, where it is a sum of atoms, and between."""
    changed = ChangedCategories(probability, cardinalities)
    up = np.concatenate([[0.0], np.cumsum(changed.here[::-1])])
    for part in (0.0, 0.4):
        masses = up[:-1] + part * changed.here[::-1]
        for p in masses[(masses > 1e-12) & (masses < 1 - 1e-12)]:
            probit = float(ndtri(p))
            grown, left = tails(changed.grow(np.array([probit]))[0])
            with mpmath.workdps(40):
                exact, rest = _exact_sum(changed, mpmath.mpf(probit))
                excess = (
                    (grown - exact) / exact if exact < 0.5 else (rest - left) / rest
                )
            assert 0 < excess < 1e-9


def _exact_sum(changed, probit):
    """The growth function without numbers, and what it leaves."""
    p, miss = mpmath.ncdf(probit), mpmath.ncdf(-probit)
    here, there = changed.here[::-1], changed.there[::-1]
    total = mpmath.fsum(map(float, here))
    grown, left = mpmath.mpf(0), p * total
    for h, t in zip(here.tolist(), there.tolist(), strict=True):
        part = min(left / h, 1)
        grown += part * t
        left -= part * h
    # From the other end, where the sum from this one would lose digits.
    rest, left = mpmath.mpf(0), miss * total
    for h, t in zip(here[::-1].tolist(), there[::-1].tolist(), strict=True):
        part = min(left / h, 1)
        rest += part * t
        left -= part * h
    return grown, rest


@pytest.mark.parametrize("off", [-1.0, -0.05, 0.05, 1.0])
def test_growth_by_another_cut_is_larger(monkeypatch, off):
    """So that an error of the cut is safe."""
    changed = ChangedCategories(0.5, (3, 5))
    probit, s = np.linspace(-6, 6, 41), np.repeat(0.7, 41)
    best, cut = changed.grow_beside(probit, s), changed._cut(probit, s) + off * s
    monkeypatch.setattr(changed, "_cut", lambda *_: cut)
    loose = changed.grow_beside(probit, s)
    inner = best < 7
    assert (loose > best)[inner].all()
    # Q(L > t) + exp(t) (p - P(L > t)), of which a negative part is left out.
    bound, _, _ = changed._bound(ndtr(probit), probit, cut, s)
    if off > 0:
        np.testing.assert_allclose(ndtr(loose), bound, rtol=1e-10)
    else:
        assert (ndtr(loose) >= bound)[inner].all()


@pytest.mark.parametrize(("probability", "cardinalities"), CASES)
def test_cuts_are_where_the_probability_lies_beyond(probability, cardinalities):
    changed = ChangedCategories(probability, cardinalities)
    rng = np.random.default_rng(0)
    probit = rng.uniform(-8, 8, 300)
    s = np.exp(rng.uniform(np.log(1e-4), np.log(9), 300))
    cut = changed._cut(probit, s)
    width = 1e-9 * (s + np.abs(cut))
    assert (changed._probit_here(cut + width, s) <= probit).all()
    assert (changed._probit_here(cut - width, s) >= probit).all()


@pytest.mark.parametrize(("probability", "cardinalities"), CASES)
def test_cuts_between_atoms_that_the_numbers_hardly_blur(probability, cardinalities):
    """The probability beyond is nearly constant there: Newton's method is of no use."""
    changed = ChangedCategories(probability, cardinalities)
    sums = np.cumsum(changed.here[::-1])[:-1]
    probit = ndtri(np.outer(1 + np.array([-1e-6, -1e-9, 0.0, 1e-9, 1e-6]), sums))
    s = np.repeat([1e-4, 1e-2, 0.1], probit.size)
    probit = np.tile(np.clip(probit.ravel(), -8, 8), 3)
    found = changed._probit_here(changed._cut(probit, s), s)
    np.testing.assert_allclose(found, probit, rtol=0, atol=2e-11)


@pytest.mark.parametrize(("probability", "cardinalities"), CASES)
def test_radii_and_growth_do_not_depend_on_those_beside_them(
    probability, cardinalities
):
    """Not in the last bit: samples are certified alike in any batch."""
    changed = ChangedCategories(probability, cardinalities)
    miss, other, odds = pairs(24)
    arguments = -miss, other, np.log(odds)
    s = np.linspace(0.01, 3.0, 24)
    for function, given in (
        (changed.distance, arguments),
        (changed.grow_beside, (miss, s)),
        (changed.grow, (miss,)),
    ):
        together = function(*given)
        for size in (1, 7):
            parts = [
                function(*(values[at : at + size] for values in given))
                for at in range(0, 24, size)
            ]
            np.testing.assert_array_equal(np.concatenate(parts), together)


@pytest.mark.parametrize(("probability", "cardinalities"), CASES[1:])
def test_the_slow_way_to_a_radius_ends_at_the_same_one(probability, cardinalities):
    """And in few steps, each of which takes two cuts at once."""
    changed = ChangedCategories(probability, cardinalities)
    miss, other, odds = pairs(200)
    found = changed.distance(-miss, other, np.log(odds))
    some = found > 1e-3
    miss, other, odds, found = miss[some], other[some], odds[some], found[some]
    steps, cut = [], changed._cut
    changed._cut = lambda *given: steps.append(given) or cut(*given)
    slow = changed._slow_root(np.zeros(len(found)), miss, other, odds)
    np.testing.assert_allclose(slow, found, rtol=3e-8)
    assert len(steps) <= 30
    # What is known already is a lower end of the search.
    steps.clear()
    again = changed._slow_root(slow, miss, other, odds)
    np.testing.assert_allclose(again, found, rtol=3e-8)
    assert (again >= slow).all() and len(steps) <= 12


@pytest.mark.parametrize(
    ("probability", "cardinalities"), [(0.5, (2,)), (0.95, (3, 5)), (0.9, (2, 3, 4, 7))]
)
def test_the_table_starts_close_to_the_radius(probability, cardinalities):
    changed = ChangedCategories(probability, cardinalities)
    miss, other, odds = pairs(300)
    found = changed.distance(-miss, other, np.log(odds))
    some = found > 1e-3
    miss, other, odds, found = miss[some], other[some], odds[some], found[some]
    start, cut_lost, cut_gained = changed._table.start(miss, other, odds)
    error = np.abs(start / found - 1)
    assert np.median(error) < 0.002 and np.quantile(error, 0.9) < 0.01
    for cut, probit in ((cut_lost, miss), (cut_gained, other)):
        error = np.abs(cut - changed._cut(probit, start)) / start
        assert np.median(error) < 0.005 and np.quantile(error, 0.9) < 0.02


@pytest.mark.parametrize(
    ("probability", "cardinalities", "steps"),
    [(0.5, (2,), 2), (0.95, (10, 10, 10), 3), (0.9, (2, 3, 4, 7), 4)],
)
def test_cuts_are_found_in_few_steps(monkeypatch, probability, cardinalities, steps):
    changed = ChangedCategories(probability, cardinalities)
    looked_at, probit_of = [], _changed_categories._probit
    monkeypatch.setattr(
        _changed_categories,
        "_probit",
        lambda *tails: looked_at.append(tails) or probit_of(*tails),
    )
    rng = np.random.default_rng(0)
    found = []
    for probit, log_s in rng.uniform([-8, np.log(1e-4)], [8, np.log(9)], (40, 2)):
        looked_at.clear()
        changed._cut(np.array([probit]), np.exp([log_s]))
        found.append(len(looked_at))
    assert np.median(found) <= steps and max(found) <= 12


@pytest.mark.parametrize(("probability", "cardinalities"), CASES[1:])
def test_radii_are_found_in_few_steps(monkeypatch, probability, cardinalities):
    changed = ChangedCategories(probability, cardinalities)
    bounds, slow, bound, slow_root = [], [], changed._bound, changed._slow_root
    monkeypatch.setattr(
        changed, "_bound", lambda p, *given: bounds.append(len(p)) or bound(p, *given)
    )
    monkeypatch.setattr(
        changed,
        "_slow_root",
        lambda at, *given: slow.append(len(at)) or slow_root(at, *given),
    )
    miss, other, odds = pairs(300)
    n_ahead = np.sum(changed.distance(-miss, other, np.log(odds)) > 0)
    assert n_ahead > 100
    # Two bounds at each distance that is tried, that of the class and the other one's.
    assert sum(bounds) / 2 < 4.4 * n_ahead
    assert sum(slow) <= 0.01 * n_ahead


def test_masses_are_those_of_features_drawn_one_by_one():
    for cardinality, n_changed in ((2, 3), (5, 2)):
        ratio, here = _alike(0.4, cardinality, n_changed)
        assert here.sum() == pytest.approx(1.0, rel=1e-15)
        kept, new = 0.6 + 0.4 / cardinality, 0.4 / cardinality
        # Of the sample's own category in all features, and of the other one's.
        np.testing.assert_allclose(here[[0, -1]], [kept**n_changed, new**n_changed])
        extreme = n_changed * np.log(kept / new)
        np.testing.assert_allclose(ratio[[0, -1]], [-extreme, extreme], rtol=1e-14)
        # The likelihood ratio turns the masses here into those there.
        np.testing.assert_allclose(np.exp(ratio) * here, here[::-1], rtol=1e-12)
    assert changed_categories(0.4, (2, 3)) is changed_categories(0.4, (2, 3))
