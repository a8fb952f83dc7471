# SPDX-License-Identifier: BSD-3-Clause
"""Logarithms of normal masses against high precision; searches find what is there."""

import mpmath
import numpy as np
import pytest

from sksmooth._special import bisect_integers, find_root, log1mexp, log_interval_mass


def exact_log_mass(near, width):
    """``log P(near < Z < near + width)``, with digits enough for their difference."""
    with mpmath.workdps(60 + max(0, int(-np.log10(width)))):
        near, root = mpmath.mpf(near), mpmath.sqrt(2)
        tails = mpmath.erfc(near / root), mpmath.erfc((near + width) / root)
        return mpmath.log((tails[0] - tails[1]) / 2)


def assert_log_mass(lo, width):
    found = float(log_interval_mass(lo, lo + width, width))
    hi = float(lo + width)
    # The end nearer to zero is meant exactly, the other one is as far away as said.
    exact = exact_log_mass(-hi if lo + hi < 0 else lo, width)
    assert mpmath.isfinite(exact)
    # Relative to the mass, but for the rounding of its logarithm itself.
    assert abs(found - exact) <= 1e-13 + 1e-15 * abs(exact)


WIDTHS = [1e-300, 1e-12, 1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.99, 1.0, 1.01, 3.0, 50.0, 2e4]


@pytest.mark.parametrize("width", WIDTHS)
def test_interval_masses_against_high_precision(width):
    sizes = [0.0, 1e-9, 0.3, 1.0, 5.0, 38.0, 300.0, 1e4]
    for lo in {*sizes, *(-size for size in sizes), -width / 2, -0.49 * width}:
        assert_log_mass(lo, width)


def test_interval_masses_where_the_formula_changes():
    for near in (0.5, 1.0, 2.0, 37.0, 1e4):
        for factor in (1 - 1e-9, 1.0, 1 + 1e-9):
            assert_log_mass(near, factor / max(near, 1.0))
            assert_log_mass(-near - factor / max(near, 1.0), factor / max(near, 1.0))


def test_interval_masses_at_random_places():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        lo = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 4)
        assert_log_mass(float(lo), float(10 ** rng.uniform(-14, 2)))


def test_interval_masses_of_rays_and_of_nothing():
    inf = np.inf
    found = log_interval_mass([-inf, -inf, 0.0, 2.0, inf], [inf, 0.0, inf, 2.0, inf])
    np.testing.assert_allclose(found, [0, np.log(0.5), np.log(0.5), -inf, -inf])


def test_interval_masses_have_a_mirror_image():
    lo, hi = np.array([0.3, -7.0, -0.2, 20.0]), np.array([0.4, -2.0, 1.5, 21.0])
    np.testing.assert_array_equal(
        log_interval_mass(lo, hi), log_interval_mass(-hi, -lo)
    )


@pytest.mark.parametrize("log_p", [-1e-320, -1e-300, -1e-12, -0.5, -0.7, -30.0, -700.0])
def test_the_log_of_a_complement_against_high_precision(log_p):
    with mpmath.workdps(400):
        exact = float(mpmath.log(-mpmath.expm1(mpmath.mpf(log_p))))
    if log_p > -1e-307:  # as said: the logarithm of the smallest number
        exact = np.log(np.finfo(float).tiny)
    assert log1mexp(log_p) == pytest.approx(exact, rel=4e-16)


def test_the_log_of_a_complement_of_certainty_is_finite():
    assert log1mexp(0.0) == np.log(np.finfo(float).tiny)
    assert log1mexp(-np.inf) == 0


def test_roots_are_found_to_rounding_each_by_itself():
    target = np.array([1e-9, 0.3, 1.0, 4e4])
    root = find_root(lambda x: x**3 - target**3, np.zeros(4), np.full(4, 1e5))
    np.testing.assert_allclose(root, target, rtol=1e-14)
    # Without a change of sign, the end nearer to zero.
    assert find_root(lambda x: x + 1.0, np.zeros(1), np.ones(1)) == 0.0
    assert find_root(lambda x: x - 3.0, np.zeros(1), np.ones(1)) == 1.0


def test_largest_integers_are_found_between_bounds():
    limit = np.array([0, 1, 6, 99, 10**15])
    high = np.array([1, 5, 7, 100, 2**60])
    asked = []

    def holds(m, element):
        asked.extend(element)
        return m <= limit[element]

    np.testing.assert_array_equal(
        bisect_integers(holds, np.zeros(5, dtype=np.int64), high), limit
    )
    # An element whose bounds leave one integer is not evaluated; none is too often.
    counts = np.bincount(asked, minlength=5)
    assert counts[0] == 0
    assert (counts <= np.ceil(np.log2(high))).all()
