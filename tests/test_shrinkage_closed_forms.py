# SPDX-License-Identifier: BSD-3-Clause
"""The closed forms of shrinkage: exact values, laws of the geometry, Monte Carlo."""

from itertools import pairwise

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.polynomial.legendre import leggauss
from scipy import stats

from sksmooth.shrinkage import (
    ball_asymptotic_radius,
    ball_certified_radius,
    ball_smoothed_radius,
    ball_vanishing_sigma,
    ball_vote_probability,
    box_certified_radius,
    box_smoothed_halfwidths,
    box_vanishing_sigma,
    box_vote_probability,
    cone_apex_shift,
    cone_certified_radius,
    cone_shrinking_rate,
    cone_smoothed_boundary,
    cone_vote_probability,
    half_space_boundary_shift,
    half_space_certified_radius,
    half_space_vanishing_sigma,
    half_space_vote_probability,
    slab_certified_radius,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
    slab_vote_probability,
)

pytestmark = pytest.mark.filterwarnings("error")

DIMENSIONS = [1, 2, 3, 10, 64, 784, 3072, 150_528]
ANGLES = [0.01, np.pi / 8, np.pi / 4, 1.2, 1.55]


# -- Known values, and reference values of arbitrary precision ------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ball_vanishing_sigma(1, 1), 1.4826),
        (ball_vanishing_sigma(1, 2), 0.84932),
        (ball_vanishing_sigma(1, 3072), 0.01804),
        (ball_vanishing_sigma(1, 10, n_classes=10), 0.45337),
        (ball_smoothed_radius(1, 0.05, 10), 0.9887),
        (ball_smoothed_radius(1, 0.2, 10), 0.7981),
        (ball_smoothed_radius(1, 0.3, 10), 0.4095),
        (cone_apex_shift(np.pi / 4, 1, 10), 2.9083),
        (slab_vanishing_sigma(1), 1.4826),
    ],
)
def test_known_values(value, expected):
    digits = len(str(expected).split(".")[1])
    assert round(float(value), digits) == expected


def chi_square_cdf(x, df):
    """Regularised lower incomplete gamma function, by its series of positive terms."""
    a, z = mpf(df) / 2, mpf(x) / 2
    term = mp.exp(a * mp.log(z) - z - mp.loggamma(a + 1))
    total, k = term, 0
    while term > total * mp.eps:
        k += 1
        term *= z / (a + k)
        total += term
    return total


def noncentral_chi_square_cdf(x, df, noncentrality):
    """Poisson mixture of chi-square laws, summed downwards from a negligible term."""
    if noncentrality == 0:
        return chi_square_cdf(x, df)
    a, z, h = mpf(df) / 2, mpf(x) / 2, mpf(noncentrality) / 2
    j = int(h + 20 * mp.sqrt(h) + 60)
    weight = mp.exp(j * mp.log(h) - h - mp.loggamma(j + 1))
    cdf = chi_square_cdf(x, df + 2 * j)
    step = mp.exp((a + j) * mp.log(z) - z - mp.loggamma(a + j + 1))
    total = mpf(0)
    while j >= 0:
        total += weight * cdf
        step *= (a + j) / z
        cdf += step
        weight *= j / h
        j -= 1
    return total


def assert_exact(inside, outside, reference):
    """Both probabilities to 1e-9 of themselves where they are in [1e-12, 1 - 1e-12]."""
    assert 1e-13 < reference < 1 - mpf("1e-13")
    assert abs(mpf(float(inside)) / reference - 1) < 1e-9
    assert abs(mpf(float(outside)) / (1 - reference) - 1) < 1e-9


@pytest.mark.parametrize("n_features", DIMENSIONS)
@pytest.mark.parametrize("distance", [0.0, 1e-3, 1.25, 20.0])
def test_ball_votes_are_the_noncentral_chi_square_law(n_features, distance):
    sigma = 0.5  # a power of two, so that mpmath sees the same numbers
    noncentrality = (mpf(distance) / sigma) ** 2
    mean = n_features + float(noncentrality)
    spread = np.sqrt(2 * (mean + float(noncentrality)))
    squares = [mean + k * spread for k in (-6.7, -3, 0, 3, 6)]
    squares = [x for x in squares if x > mean / 2] + [mean / 10]
    checked = 0
    for radius in sigma * np.sqrt(squares):
        with mp.workdps(40):
            x = (mpf(float(radius)) / sigma) ** 2
            reference = noncentral_chi_square_cdf(x, n_features, noncentrality)
            if not 1e-12 < reference < 1 - mpf("1e-12"):
                continue
            args = distance, radius, sigma, n_features
            assert_exact(
                ball_vote_probability(*args),
                ball_vote_probability(*args, complement=True),
                reference,
            )
            checked += 1
    assert checked >= 3


def test_ball_votes_agree_with_scipy_where_its_series_converges():
    rng = np.random.default_rng(0)
    n_features = rng.choice(DIMENSIONS, 300)
    distance = 10 ** rng.uniform(-2, 3, 300)
    # Both tails and the middle, in units of the spread of the noisy distance.
    radius = np.sqrt(distance**2 + n_features) * np.exp(
        rng.uniform(-5, 5, 300) / np.sqrt(2 * n_features + distance**2)
    )
    law = stats.ncx2(n_features, distance**2)
    args = distance, radius, 1.0, n_features
    np.testing.assert_allclose(
        ball_vote_probability(*args), law.cdf(radius**2), rtol=1e-9
    )
    np.testing.assert_allclose(
        ball_vote_probability(*args, complement=True), law.sf(radius**2), rtol=1e-9
    )


@pytest.mark.parametrize("n_features", [2, 150_528])
@pytest.mark.parametrize("radius", [1e10, 1e13])
def test_a_huge_ball_is_a_half_space(n_features, radius):
    """Past where the series of scipy ends; the curvature term is d / (2 R)."""
    offset = np.array([-5.0, -1.0, 0.0, 1.0, 5.0])
    distance = radius - offset
    offset = radius - distance  # as rounded
    for complement in (False, True):
        np.testing.assert_allclose(
            ball_vote_probability(
                distance, radius, 1.0, n_features, complement=complement
            ),
            half_space_vote_probability(offset, 1.0, complement=complement),
            rtol=6 * n_features / radius + 1e-11,
        )


def chi_density(s, b, df):
    """Density of the distance of N(b e, I) in df dimensions from 0."""
    x, term, k = (b * s) ** 2 / 4, mpf(1), 0
    total = term
    while term > total * mp.eps:
        k += 1
        term *= x / (k * (mpf(df) / 2 + k - 1))
        total += term
    log_rest = (
        (df - 1) * mp.log(s)
        - (s * s + b * b) / 2
        - (mpf(df) / 2 - 1) * mp.log(2)
        - mp.loggamma(mpf(df) / 2)
    )
    return mp.exp(log_rest) * total


def cone_reference(axial, radial, cot, n_features, sign):
    """``E Phi(axial - cot S)`` by panels around the corner of Phi and the bulk of S.

    `sign` -1 for its complement: the nodes are doubles, so either has 16 digits only.
    """
    nodes, weights = leggauss(20)
    centre, corner = mp.sqrt(radial**2 + n_features - 1), axial / cot
    marks = [corner + k / cot for k in (-9, -4, 0, 4, 9)]
    marks += [centre + k for k in range(-9, 10, 3)]
    marks = [mark for mark in marks if abs(mark - centre) <= 9]
    marks = sorted({max(mark, mpf(0)) for mark in marks})
    total = mpf(0)
    for low, high in pairwise(marks):
        for node, weight in zip(nodes, weights, strict=True):
            s = low + (high - low) * (1 + mpf(float(node))) / 2
            density = chi_density(s, radial, n_features - 1)
            value = density * mp.ncdf(sign * (axial - cot * s))
            total += value * (high - low) * mpf(float(weight)) / 2
    return total


@pytest.mark.parametrize("n_features", [2, 3, 10, 64, 3072, 150_528])
@pytest.mark.parametrize(
    ("radial", "half_angle", "steps"),
    [
        (0.0, 0.01, (-2, 1)),
        (0.0, 1.5, (-6, 6)),
        (2.5, 0.6, (-6.5, -1)),
        (2.5, 1.2, (0, 6.5)),
    ],
)
def test_cone_votes_are_the_mean_of_a_normal_cdf(n_features, radial, half_angle, steps):
    with mp.workdps(25):
        cot = 1 / mp.tan(mpf(half_angle))
        df = n_features - 1
        centre = np.sqrt(radial**2 + df)
        spread = np.sqrt(1 + float(cot) ** 2 * (1 - df / (2 * centre**2)))
        checked = 0
        for step in steps:
            axial = float(cot) * centre + step * spread
            args = axial, radial, half_angle, 1.0, n_features
            sign = 1 if step < 0 else -1
            smaller = cone_reference(mpf(axial), mpf(radial), cot, n_features, sign)
            reference = smaller if sign == 1 else 1 - smaller
            if smaller < 1e-12:
                continue
            checked += 1
            inside = cone_vote_probability(*args)
            outside = cone_vote_probability(*args, complement=True)
            assert_exact(inside, outside, reference)
        assert checked


def test_the_cone_of_45_degrees_in_the_plane_is_a_quadrant():
    u = np.array([-7.0, -3.0, 0.0, 0.5, 4.0, 7.0])
    v = u[:, None]
    axial, radial = (u + v) / np.sqrt(2), np.abs(u - v) / np.sqrt(2)
    args = axial, radial, np.pi / 4, 1.0, 2
    normal = stats.norm
    np.testing.assert_allclose(
        cone_vote_probability(*args), normal.cdf(u) * normal.cdf(v), rtol=1e-9
    )
    outside = normal.sf(u) + normal.cdf(u) * normal.sf(v)
    np.testing.assert_allclose(
        cone_vote_probability(*args, complement=True), outside, rtol=1e-9
    )


@pytest.mark.parametrize("n_features", [5, 10, 64])
def test_on_its_axis_the_cone_is_a_noncentral_t_law(n_features):
    axial = np.array([1.0, 2.0, 4.0, 6.0])
    df = n_features - 1
    for half_angle in (np.pi / 8, np.pi / 4, 1.2):
        expected = stats.nct.sf(np.sqrt(df) / np.tan(half_angle), df, axial)
        actual = cone_vote_probability(axial, 0.0, half_angle, 1.0, n_features)
        np.testing.assert_allclose(actual, expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("offset", "halfwidth"),
    [(0, 1e-11), (1, 1e-9), (3, 0.25), (0.75, 0.75), (0.5, 2), (9, 2), (0, 7), (4, 11)],
)
def test_slab_votes(offset, halfwidth):
    with mp.workdps(50):
        x, a = mpf(offset), mpf(halfwidth)
        args = offset, halfwidth, 1.0
        assert_exact(
            slab_vote_probability(*args),
            slab_vote_probability(*args, complement=True),
            mp.ncdf(a - x) - mp.ncdf(-a - x),
        )


@pytest.mark.parametrize(
    ("point", "halfwidths"),
    [
        ([0, 0], [1e-5, 1e-6]),
        ([0.5, 2, 0], [1, 3, 0.5]),
        ([5, -3, 1], [1, 3, 2]),
        ([0.5, 0.25], [7.5, 8]),
        ([0] * 64, [3] * 64),
        ([1, 2], [2, np.inf]),
    ],
)
def test_box_votes_are_a_product(point, halfwidths):
    with mp.workdps(50):
        reference = mpf(1)
        for x, a in zip(point, halfwidths, strict=True):
            reference *= mp.ncdf(mpf(a) - x) - mp.ncdf(-mpf(a) - x)
        args = point, halfwidths, 1.0
        assert_exact(
            box_vote_probability(*args),
            box_vote_probability(*args, complement=True),
            reference,
        )


@pytest.mark.parametrize("offset", [-7.0, -1.0, 0.0, 2.0, 7.0])
def test_half_space_votes(offset):
    with mp.workdps(40):
        assert_exact(
            half_space_vote_probability(offset, 1.0),
            half_space_vote_probability(offset, 1.0, complement=True),
            mp.ncdf(mpf(offset)),
        )


# -- Smoothed boundaries ---------------------------------------------------------------


def test_votes_tie_on_every_smoothed_boundary():
    d = np.array(DIMENSIONS)
    sigma = ball_vanishing_sigma(2.0, d) * np.array([[0.01], [0.3], [0.9], [0.9999]])
    boundary = ball_smoothed_radius(2.0, sigma, d)
    half = np.full(sigma.shape, 0.5)
    np.testing.assert_allclose(
        ball_vote_probability(boundary, 2.0, sigma, d), half, rtol=1e-9
    )
    sigma = slab_vanishing_sigma(2.0) * np.array([0.01, 0.3, 0.9, 0.9999])
    boundary = slab_smoothed_halfwidth(2.0, sigma)
    np.testing.assert_allclose(
        slab_vote_probability(boundary, 2.0, sigma), 0.5, rtol=1e-9
    )
    angle = np.array(ANGLES)[:, None]
    for radial in (0.0, 0.5, 100.0):
        dims = d if radial == 0 else d[1:]
        boundary = cone_smoothed_boundary(radial, angle, 0.5, dims)
        np.testing.assert_allclose(
            cone_vote_probability(boundary, radial, angle, 0.5, dims), 0.5, rtol=1e-9
        )


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.9999])
def test_votes_tie_on_the_axes_of_the_smoothed_box(share):
    halfwidths = np.array([1.0, 2.0, np.inf, 1.5])
    sigma = share * box_vanishing_sigma(halfwidths)
    boundary = box_smoothed_halfwidths(halfwidths, sigma)
    assert boundary[2] == np.inf
    for i in (0, 1, 3):
        point = np.zeros(4)
        point[i] = boundary[i]
        votes = box_vote_probability(point, halfwidths, sigma)
        np.testing.assert_allclose(votes, 0.5, rtol=1e-9)


def test_the_smoothed_ball_lies_between_its_asymptotes():
    """Mean - 1 <= median <= mean for the noncentral chi-square law."""
    d = np.array(DIMENSIONS)
    share = np.linspace(0.02, 0.99, 40)[:, None]
    sigma = share * ball_vanishing_sigma(1.0, d)
    exact = ball_smoothed_radius(1.0, sigma, d)
    slack = 1e-12
    assert np.all(ball_asymptotic_radius(1.0, sigma, d) <= exact + slack)
    upper = ball_asymptotic_radius(1.0, sigma[:, 1:], d[1:] - 1)
    assert np.all(exact[:, 1:] <= upper + slack)


def test_the_tip_of_the_cone_moves_by_about_its_asymptote():
    angle = np.array(ANGLES)[:, None]
    d = np.array(DIMENSIONS)
    ratio = cone_shrinking_rate(angle, d[1:]) / (np.sqrt(d[1:] - 1) / np.tan(angle))
    assert np.all(ratio <= 1)
    assert np.all(np.diff(ratio, axis=1) > 0)
    # The median of chi is sqrt(df - 2/3) to leading order, its mean sqrt(df - 1/2).
    assert np.all(1 - ratio < 0.5 / (d[1:] - 1))
    np.testing.assert_array_equal(cone_shrinking_rate(angle, 1), 0)


def test_the_smoothed_cone_is_convex_and_approaches_the_cone():
    radial = np.linspace(0, 50, 101)
    boundary = cone_smoothed_boundary(radial, np.pi / 6, 0.7, 20)
    height = boundary - radial / np.tan(np.pi / 6)
    assert np.all(np.diff(boundary, 2) > 0)
    assert np.all(np.diff(height) < 0)
    assert 0 < height[-1] < 19 * 0.7**2 / np.tan(np.pi / 6) / (2 * radial[-1])


def test_boundaries_only_move_inwards_as_sigma_grows():
    sigma = np.linspace(0, 2, 101)
    for radius in (
        ball_smoothed_radius(1.0, sigma[:, None], [2, 10, 3072]),
        slab_smoothed_halfwidth(1.0, sigma)[:, None],
        box_smoothed_halfwidths([1.0, 2.0, 5.0], sigma),
    ):
        assert np.all(radius[0] > 0) and np.all(radius[-1] == 0)
        assert np.all(np.diff(radius, axis=0) <= 0)
        # Strictly, once the shift is not below the rounding of the radius itself.
        visible = (radius > 0) & (radius < radius[0] * (1 - 1e-12))
        assert np.all(np.diff(radius, axis=0)[visible[:-1]] < 0)
    shift = cone_apex_shift(np.array(ANGLES)[:, None], sigma, 10)
    assert np.all(np.diff(shift) > 0)
    assert not half_space_boundary_shift(sigma).any()


def test_votes_at_the_centre_only_fall_as_sigma_grows():
    sigma = np.geomspace(0.02, 50, 200)
    d = np.array(DIMENSIONS)[:, None]
    for shape, votes in (
        ("ball", ball_vote_probability(0.0, 1.0, sigma / np.sqrt(d), d)),
        ("slab", slab_vote_probability(0.0, 1.0, sigma)),
        ("box", box_vote_probability([0.0, 0.0], [1.0, 2.0], sigma)),
        ("cone", cone_vote_probability(np.sqrt(d), 0.0, np.pi / 4, sigma, d)[1:]),
    ):
        change = np.diff(votes)
        assert np.all(change <= 4e-16), shape
        middle = (votes > 1e-12) & (votes < 1 - 1e-12)
        assert np.all(change[middle[..., 1:] & middle[..., :-1]] < 0), shape


# -- Vanishing -------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3, 10, 1000])
def test_at_the_vanishing_sigma_the_centre_has_the_least_share_that_wins(n_classes):
    d = np.array(DIMENSIONS)
    for votes in (
        ball_vote_probability(0.0, 3.0, ball_vanishing_sigma(3.0, d, n_classes), d),
        slab_vote_probability(0.0, 3.0, slab_vanishing_sigma(3.0, n_classes)),
        box_vote_probability(
            [0.0] * 3,
            [1.0, 5.0, np.inf],
            box_vanishing_sigma([1, 5, np.inf], n_classes),
        ),
    ):
        np.testing.assert_allclose(votes, 1 / n_classes, rtol=1e-9)


def test_regions_reach_zero_without_a_jump():
    """Near the vanishing sigma the radius is about the square root of the distance."""
    eps = np.array([1e-2, 1e-4, 1e-6, 1e-8])
    d = np.array(DIMENSIONS)[:, None]
    vanishing = ball_vanishing_sigma(1.0, d)
    for radius in (
        ball_smoothed_radius(1.0, vanishing * (1 - eps), d),
        slab_smoothed_halfwidth(1.0, slab_vanishing_sigma(1.0) * (1 - eps)),
        box_smoothed_halfwidths([1.0, 3.0], box_vanishing_sigma([1, 3]) * (1 - eps)).T,
    ):
        rate = radius / np.sqrt(eps)
        assert np.all((rate > 1) & (rate < 6))
    assert not ball_smoothed_radius(1.0, vanishing * (1 + eps), d).any()
    assert not slab_smoothed_halfwidth(1.0, slab_vanishing_sigma(1.0) * 1.000001)
    beyond = box_vanishing_sigma([1.0, 3.0]) * 1.000001
    assert not box_smoothed_halfwidths([1.0, 3.0], beyond).any()
    # At the vanishing sigma itself, as far as its last digit goes.
    assert np.all(ball_smoothed_radius(1.0, vanishing, d) < 1e-6)


def test_the_box_of_many_equal_sides_has_a_closed_form():
    k = np.array([1, 2, 10, 784, 150_528])
    for sides in k:
        expected = -1 / stats.norm.ppf(-np.expm1(-np.log(2) / sides) / 2)
        assert box_vanishing_sigma(np.ones(sides)) == pytest.approx(expected, rel=1e-9)
    assert box_vanishing_sigma([np.inf, np.inf]) == np.inf
    assert half_space_vanishing_sigma() == np.inf


# -- Shapes that are one another -------------------------------------------------------


def test_in_one_feature_the_ball_is_the_slab_and_the_box():
    sigma = np.array([0.1, 0.5, 1.0, 1.4])
    x = np.linspace(0, 3, 7)[:, None]
    for complement in (False, True):
        ball = ball_vote_probability(x, 1.0, sigma, 1, complement=complement)
        slab = slab_vote_probability(-x, 1.0, sigma, complement=complement)
        box = box_vote_probability(x[..., None], [1.0], sigma, complement=complement)
        np.testing.assert_allclose(ball, slab, rtol=1e-12)
        np.testing.assert_allclose(box, slab, rtol=1e-12)
    slab = slab_smoothed_halfwidth(1.0, sigma)
    np.testing.assert_allclose(ball_smoothed_radius(1.0, sigma, 1), slab, rtol=1e-12)
    box = box_smoothed_halfwidths([1.0], sigma)[:, 0]
    np.testing.assert_allclose(box, slab, rtol=1e-12)
    vanishing = slab_vanishing_sigma(1.0, [2, 10])
    for other in (
        ball_vanishing_sigma(1.0, 1, [2, 10]),
        box_vanishing_sigma([1.0], [2, 10]),
    ):
        np.testing.assert_allclose(other, vanishing, rtol=1e-12)
    np.testing.assert_allclose(
        ball_certified_radius(x, 1.0, sigma, 1),
        slab_certified_radius(x, 1.0, sigma),
        rtol=1e-12,
    )


def test_the_widest_cone_and_the_widest_slab_are_half_spaces():
    offset = np.array([-4.0, 0.0, 4.0])
    cone = cone_vote_probability(offset, 1.0, np.pi / 2 - 1e-12, 1.0, 10)
    slab = slab_vote_probability(1e6 - offset, 1e6, 1.0)
    expected = half_space_vote_probability(offset, 1.0)
    np.testing.assert_allclose(cone, expected, rtol=1e-9)
    np.testing.assert_allclose(slab, expected, rtol=1e-9)
    line = cone_vote_probability(offset, 0.0, 0.3, 1.0, 1)
    np.testing.assert_allclose(line, expected, rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e5])
def test_only_ratios_of_lengths_matter(scale):
    d = np.array([2, 64, 3072])
    kept = {"rtol": 1e-9}
    s = scale
    np.testing.assert_allclose(
        ball_vote_probability(0.5 * s, 1.0 * s, 0.1 * s, d),
        ball_vote_probability(0.5, 1.0, 0.1, d),
        **kept,
    )
    np.testing.assert_allclose(
        ball_smoothed_radius(s, 0.015 * s, d), s * ball_smoothed_radius(1, 0.015, d)
    )
    np.testing.assert_allclose(
        cone_vote_probability(4.0 * s, 1.0 * s, 0.7, 0.1 * s, d),
        cone_vote_probability(4.0, 1.0, 0.7, 0.1, d),
        **kept,
    )
    np.testing.assert_allclose(
        cone_apex_shift(0.7, s, d), s * cone_shrinking_rate(0.7, d), **kept
    )
    np.testing.assert_allclose(
        box_certified_radius([0.1 * s, 0.2 * s], [s, 2 * s], 0.3 * s),
        s * box_certified_radius([0.1, 0.2], [1, 2], 0.3),
        **kept,
    )


# -- Certified radii -------------------------------------------------------------------


def test_the_certified_radius_is_cohens():
    d = np.array([1, 2, 10, 64])
    x, sigma = np.array([[0.1], [0.9], [1.5]]), 0.3
    half = [1.0, 0.8]
    for votes, radius in (
        (ball_vote_probability(x, 1, sigma, d), ball_certified_radius(x, 1, sigma, d)),
        (slab_vote_probability(x, 1, sigma), slab_certified_radius(x, 1, sigma)),
        (
            box_vote_probability(x * half, half, sigma),
            box_certified_radius(x * half, half, sigma),
        ),
        (
            cone_vote_probability(x, 0, 1.0, sigma, d),
            cone_certified_radius(x, 0, 1.0, sigma, d),
        ),
        (half_space_vote_probability(x, sigma), half_space_certified_radius(x, sigma)),
    ):
        known = (votes > 1e-9) & (votes < 1 - 1e-5)  # elsewhere ppf loses digits
        expected = sigma * np.abs(stats.norm.ppf(votes))
        assert known.sum() >= known.size / 3
        np.testing.assert_allclose(radius[known], expected[known], rtol=1e-9)


def test_no_certificate_reaches_beyond_the_smoothed_boundary():
    d = np.array([1, 2, 10, 784, 150_528])
    x = np.linspace(0, 2, 81)[:, None]
    for share in (0.05, 0.5, 0.95):
        sigma = share * ball_vanishing_sigma(1.0, d)
        room = np.abs(x - ball_smoothed_radius(1.0, sigma, d))
        radius = ball_certified_radius(x, 1.0, sigma, d)
        assert np.all(radius <= room * (1 + 1e-9) + 1e-12)
        sigma = share * slab_vanishing_sigma(1.0)
        room = np.abs(x - slab_smoothed_halfwidth(1.0, sigma))
        assert np.all(slab_certified_radius(x, 1.0, sigma) <= room + 1e-12)
        halfwidths = np.array([1.0, 1.5])
        sigma = share * box_vanishing_sigma(halfwidths)
        room = np.abs(x - box_smoothed_halfwidths(halfwidths, sigma)[0])
        point = x * np.array([1.0, 0.0])
        radius = box_certified_radius(point, halfwidths, sigma)
        assert np.all(radius <= room[:, 0] + 1e-12)
    sigma = 0.1
    room = np.abs(5 * x - cone_apex_shift(0.8, sigma, d))
    radius = cone_certified_radius(5 * x, 0.0, 0.8, sigma, d)
    assert np.all(radius <= room * (1 + 1e-9) + 1e-12)


def test_the_radius_knows_no_saturation():
    """Deep inside or outside, where p rounds to 1 or underflows, radii keep growing."""
    sigma = 1e-3
    np.testing.assert_allclose(
        slab_certified_radius([0.0, 0.5, 3.0], 1.0, sigma), [1.0, 0.5, 2.0], rtol=1e-5
    )
    inside = ball_certified_radius(np.array([0.0, 0.5]), 1.0, sigma, 10)
    np.testing.assert_allclose(inside, [1.0, 0.5], rtol=0.02)
    assert np.all(inside < [1.0, 0.5])
    outside = ball_certified_radius(np.array([1.5, 9.0]), 1.0, sigma, 10)
    np.testing.assert_allclose(outside, [0.5, 8.0], rtol=0.02)
    cone = cone_certified_radius([-2.0, 2.0], 0.0, np.pi / 6, sigma, 10)
    np.testing.assert_allclose(cone, [2.0, 1.0], rtol=0.02)
    box = box_certified_radius([[0.0, 0.0], [4.0, 5.0]], [1.0, 2.0], sigma)
    np.testing.assert_allclose(box, [1.0, 3 * np.sqrt(2)], rtol=0.02)
    np.testing.assert_array_equal(half_space_certified_radius([-4, 3], sigma), [4, 3])
    assert box_certified_radius([0.0], [np.inf], sigma) == np.inf


def test_the_radius_is_zero_where_the_votes_tie():
    d = np.array(DIMENSIONS)
    sigma = 0.5 * ball_vanishing_sigma(1.0, d)
    boundary = ball_smoothed_radius(1.0, sigma, d)
    assert np.all(ball_certified_radius(boundary, 1.0, sigma, d) < 1e-9)
    boundary = cone_apex_shift(1.0, 0.5, d)
    assert np.all(cone_certified_radius(boundary, 0.0, 1.0, 0.5, d) < 1e-9)
    assert half_space_certified_radius(0.0, 1.0) == 0


# -- Every dimension, every noise level ------------------------------------------------


def test_nothing_fails_from_1_to_150528_features():
    """No nan, no warning (they are errors here), and the two sides sum to one."""
    d = np.array([*DIMENSIONS, 5, 77, 1000, 50_000])
    sigma = np.geomspace(1e-6, 1e3, 10)[:, None]
    x = np.array([0.0, 1e-9, 0.3, 1.0, 1.0 + 1e-9, 40.0])[:, None, None]
    radial = np.where(d == 1, 0.0, x)
    ball, cone = (x, 1.0, sigma, d), (x - 1, radial, 0.5, sigma, d)
    for votes, args in ((ball_vote_probability, ball), (cone_vote_probability, cone)):
        inside, outside = votes(*args), votes(*args, complement=True)
        assert inside.shape == (6, 10, 12)
        assert np.all((inside >= 0) & (outside >= 0))
        np.testing.assert_allclose(inside + outside, 1, rtol=1e-12)
    for radius in (
        ball_certified_radius(*ball),
        cone_certified_radius(*cone),
        ball_smoothed_radius(1.0, sigma, d),
        ball_asymptotic_radius(1.0, sigma, d),
        ball_vanishing_sigma(1.0, d, [[2], [1000]]),
        cone_smoothed_boundary(radial[2], 0.3, sigma, d),
    ):
        assert np.all(np.isfinite(radius) & (radius >= 0))
    k = [1, 7, 150_528]
    for sides in k:
        for level in (1e-6, 0.1, 1e3):
            box = np.ones(sides)
            inside = box_vote_probability(0 * box, box, level)
            outside = box_vote_probability(0 * box, box, level, complement=True)
            assert inside + outside == pytest.approx(1, rel=1e-12)
            assert np.isfinite(box_certified_radius(0 * box, box, level))
            assert np.all(np.isfinite(box_smoothed_halfwidths(box, level)))


# -- Monte Carlo -----------------------------------------------------------------------

N_DRAWS = 40_000


def assert_share(hits, probability):
    share = np.mean(hits)
    error = np.sqrt(probability * (1 - probability) / N_DRAWS)
    assert 0.02 < probability < 0.98  # else 5 standard errors would test little
    assert abs(share - probability) < 5 * error


@pytest.mark.parametrize("n_features", [2, 10, 64])
def test_monte_carlo_agrees(n_features):
    rng = np.random.default_rng(n_features)
    noise = rng.standard_normal((N_DRAWS, n_features))
    root = np.sqrt(n_features)
    for share, distance in ((0.5, 0.8), (0.9, 0.3)):
        sigma = share * ball_vanishing_sigma(1.0, n_features)
        row = np.full(n_features, distance / root)
        hits = np.linalg.norm(row + sigma * noise, axis=1) <= 1.0
        assert_share(hits, ball_vote_probability(distance, 1.0, sigma, n_features))
    normal = np.eye(n_features)[1] * 0.6 + np.eye(n_features)[0] * 0.8
    for sigma, offset in ((0.5, 0.9), (1.2, 0.3)):
        hits = np.abs((offset * normal + sigma * noise) @ normal) <= 1.0
        assert_share(hits, slab_vote_probability(offset, 1.0, sigma))
    halfwidths = np.linspace(1, 2, n_features)
    for share, row in ((0.5, 0.3 * halfwidths), (1.1, 0 * halfwidths)):
        sigma = share * box_vanishing_sigma(halfwidths)
        hits = np.all(np.abs(row + sigma * noise) <= halfwidths, axis=1)
        assert_share(hits, box_vote_probability(row, halfwidths, sigma))
    for half_angle, radial in ((np.pi / 4, 0.0), (np.pi / 3, 1.5)):
        sigma = 0.5
        axial = cone_smoothed_boundary(radial, half_angle, sigma, n_features) + 0.2
        row = np.zeros(n_features)
        row[:2] = axial, radial
        noisy = row + sigma * noise
        hits = np.linalg.norm(noisy[:, 1:], axis=1) <= noisy[:, 0] * np.tan(half_angle)
        votes = cone_vote_probability(axial, radial, half_angle, sigma, n_features)
        assert_share(hits, votes)


# -- Arguments -------------------------------------------------------------------------


def test_arguments_broadcast():
    d = np.array([2, 10])
    assert np.shape(ball_vote_probability(0.5, 1, 0.1, 2)) == ()
    assert isinstance(ball_vote_probability(0, 1, 1, 2), float)
    assert isinstance(cone_apex_shift(1, 1, 2), float)
    assert isinstance(half_space_boundary_shift(1), float)
    assert isinstance(half_space_certified_radius(1, 1), float)
    assert isinstance(box_vanishing_sigma([1, 2]), float)
    table = ball_vote_probability(np.zeros((3, 1)), 1.0, 0.3, d)
    assert table.shape == (3, 2)
    assert table[2, 1] == ball_vote_probability(0.0, 1.0, 0.3, 10)
    assert box_vote_probability(np.zeros((5, 3)), np.ones(3), 0.3).shape == (5,)
    assert box_smoothed_halfwidths(np.ones(3), [0.1, 0.2]).shape == (2, 3)
    assert box_vanishing_sigma(np.ones((4, 3)), [[2], [3]]).shape == (2, 4)
    assert half_space_certified_radius(np.ones((2, 1)), [1, 2, 3]).shape == (2, 3)
    assert ball_smoothed_radius(np.ones((0,)), 1.0, 2).shape == (0,)
    assert cone_vote_probability(np.ones((0, 3)), 0, 1, 1, 2).shape == (0, 3)


def test_arguments_are_left_alone():
    halfwidths, sigma = np.array([1.0, 2.0]), np.array([0.1, 0.4])
    ball_smoothed_radius(halfwidths, sigma, 10)
    slab_smoothed_halfwidth(halfwidths, sigma)
    box_smoothed_halfwidths(halfwidths, 0.3)
    half_space_certified_radius(halfwidths, sigma)[:] = 0
    np.testing.assert_array_equal(halfwidths, [1.0, 2.0])
    np.testing.assert_array_equal(sigma, [0.1, 0.4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ball_vote_probability(-1, 1, 1, 2), r"distance .* at least 0, got -1"),
        (lambda: ball_vote_probability(1, 0, 1, 2), "radius .* greater than 0, got 0"),
        (lambda: ball_vote_probability(1, 1, 0, 2), "sigma .* greater than 0.*, got 0"),
        (lambda: ball_vote_probability(1, 1, 1, 2.5), "n_features .* whole .* got 2.5"),
        (lambda: ball_vanishing_sigma(1, 0), "n_features .* at least 1, got 0"),
        (lambda: ball_vanishing_sigma(1, 2, 1), "n_classes .* at least 2, got 1"),
        (lambda: ball_vanishing_sigma(np.nan, 2), "radius .* finite .* got nan"),
        (lambda: ball_smoothed_radius(1, -0.1, 2), "sigma .* at least 0, got -0.1"),
        (lambda: slab_smoothed_halfwidth(np.inf, 1), "halfwidth .* got inf"),
        (lambda: slab_vote_probability(np.nan, 1, 1), "offset must be finite, got nan"),
        (
            lambda: cone_apex_shift(0, 1, 2),
            r"half_angle must be in \(0, pi/2\).* got 0",
        ),
        (lambda: cone_apex_shift([1, np.pi / 2], 1, 2), "half_angle .* got 1.5708"),
        (lambda: cone_apex_shift(1, np.inf, 2), "sigma .* got inf"),
        (lambda: cone_vote_probability(1, 1, 1, 1, 1), "radial must be 0"),
        (lambda: cone_vote_probability(1, -1, 1, 1, 2), "radial .* at least 0, got -1"),
        (lambda: box_vanishing_sigma(1.0), r"halfwidths .* shape \(\)"),
        (lambda: box_vanishing_sigma([1.0, -2.0]), "halfwidths .* got -2"),
        (lambda: box_vote_probability([0, 0], [1, 1, 1], 1), r"point .* shape \(2,\)"),
        (lambda: half_space_vote_probability(0, -1), "sigma .* got -1"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_number_is_named():
    with pytest.raises(TypeError, match=r"radius must be a number .* got 'one'"):
        ball_vanishing_sigma("one", 2)


def test_lists_are_as_good_as_arrays():
    for function, arguments in [
        (ball_certified_radius, ([0.1, 2.0], [1.0, 2.0], [0.5, 1.0], [2, 3])),
        (box_certified_radius, ([[0.1, 0.2]], [[1.0, 2.0]], [0.5, 1.0])),
        (cone_certified_radius, ([1.0, 2.0], [0.5, 1.0], [0.4, 1.0], [0.5, 1.0], 3)),
        (half_space_certified_radius, ([1.0, -2.0], [0.5, 1.0])),
        (slab_certified_radius, ([0.1, 2.0], [1.0, 2.0], [0.5, 1.0])),
    ]:
        expected = function(*map(np.array, arguments))
        np.testing.assert_array_equal(function(*arguments), expected)
