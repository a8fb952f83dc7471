# SPDX-License-Identifier: BSD-3-Clause
"""Theorems and lemmas of "Hidden Cost of Randomized Smoothing", beside exact values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy.stats import norm
from sklearn.frozen import FrozenEstimator

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import (
    ball_certified_radius,
    ball_shrinking_bound,
    ball_shrinking_rate,
    ball_shrinking_sigma,
    ball_smoothed_radius,
    ball_vanishing_bound,
    ball_vanishing_sigma,
    ball_vote_probability,
    box_certified_radius,
    box_smoothed_halfwidths,
    box_vanishing_sigma,
    box_vote_probability,
    cone_apex_shift,
    cone_certified_radius,
    cone_narrowness_angle,
    cone_rate_bound,
    cone_shrinking_angle,
    cone_shrinking_bound,
    cone_shrinking_rate,
    cone_smoothed_boundary,
    cone_vote_probability,
    half_space_boundary_shift,
    half_space_certified_radius,
    half_space_vote_probability,
    slab_certified_radius,
    slab_shrinking_sigma,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
    slab_vote_probability,
)
from tests.known_regions import Inside

DIMENSIONS = np.array([1, 2, 3, 10, 64, 784, 3072, 150_528])
CLASSES = np.array([2, 3, 5, 10, 100, 1000])[:, None]


# -- The values of the paper, and of its theorems --------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # Figure 2, S4 and S5 read .651, .184 and .141.
        (ball_vanishing_sigma(1, [3, 30, 50]), ["0.6501", "0.1846", "0.1424"]),
        # Theorem 4, exact and as a bound.
        (ball_vanishing_sigma(1, 3, [2, 10, 20]), ["0.650", "1.308", "1.686"]),
        (ball_vanishing_bound(1, 3, [2, 10, 20]), ["0.816", "1.826", "2.582"]),
        (ball_vanishing_sigma(1, 784, [2, 10, 20]), ["0.0357", "0.0369", "0.0373"]),
        (ball_vanishing_bound(1, 784, [2, 10, 20]), ["0.0505", "0.1129", "0.1597"]),
        (ball_vanishing_sigma(1, 3072, [2, 10]), ["0.0180", "0.0183"]),
        (ball_vanishing_bound(1, 3072, [2, 10]), ["0.0255", "0.0571"]),
        # Theorem 5: MNIST, CIFAR-10, ImageNet with 256 and with 224 pixels a side.
        (
            np.degrees(
                cone_narrowness_angle(
                    [784, 3072, 256**2 * 3, 224**2 * 3], [10, 10, 1000, 1000]
                )
            ),
            ["76.67", "83.18", "75.15", "73.15"],
        ),
        # Theorem 7 at 45 degrees, two classes.
        (
            cone_rate_bound(np.pi / 4, [2, 10, 64, 784]),
            ["0.354", "1.061", "2.806", "9.893"],
        ),
        (
            cone_shrinking_rate(np.pi / 4, [2, 10, 64, 784]),
            ["0.771", "2.908", "7.902", "27.972"],
        ),
        # Section 4.3: data in a ball of radius sqrt(d) / 2.
        (np.sqrt(2) / 2 * ball_vanishing_sigma(1, 2), "0.60"),
        (np.sqrt(150_528) / 2 * ball_vanishing_sigma(1, 150_528), "0.50"),
    ],
)
def test_values(value, expected):
    expected = np.array(expected)
    for number, text in np.broadcast(value, expected):
        assert f"{number:.{len(text.split('.')[1])}f}" == text


def test_the_interval_of_appendix_d_1():
    with mp.workdps(30):
        for c in (3, 10, 1000):

            def probit(p):
                return mp.sqrt(2) * mp.erfinv(2 * p - 1)

            shrinks = 2 * mpf(2.5) / probit(mpf(1) / 2 + mpf(1) / c)
            vanishes = mpf(2.5) / probit(mpf(1) / 2 + mpf(1) / (2 * c))
            for exact, values in (
                (
                    shrinks,
                    (slab_shrinking_sigma(2.5, c), ball_shrinking_bound(2.5, 1, c)),
                ),
                (
                    vanishes,
                    (slab_vanishing_sigma(2.5, c), ball_vanishing_bound(2.5, 1, c)),
                ),
            ):
                for value in values:
                    assert abs(float(value) / float(exact) - 1) < 1e-9
    assert slab_shrinking_sigma(2.5) == ball_shrinking_bound(2.5, 1) == 0


def test_peaks_of_figure_3_are_those_of_a_cap_on_the_votes():
    peaks = []
    for d in (3, 8, 20, 30, 50):
        sigma = np.linspace(0, ball_vanishing_sigma(1, d), 2001)[1:]
        radius = ball_certified_radius(0.0, 1.0, sigma, d, side="inside")
        assert np.all(np.diff(radius) < 0)  # without the cap there is no peak
        assert radius[0] == pytest.approx(1, abs=0.01)
        assert radius[-1] == 0
        capped = np.minimum(radius, 3.6 * sigma)
        assert 0 < np.argmax(capped) < len(sigma) - 1
        peaks.append(capped.max())
    np.testing.assert_allclose(peaks, [0.802, 0.650, 0.504, 0.443, 0.371], atol=6e-4)


@pytest.mark.parametrize(("degrees", "peak"), [(10, 0.496), (80, 0.824)])
def test_peaks_in_a_cone_are_those_of_a_cap_too(degrees, peak):
    """25 features, 1 from the apex; without the cap the radius only falls, from 1."""
    angle = np.radians(degrees)
    sigma = np.geomspace(1e-5, 3, 1500)
    radius = cone_certified_radius(1.0, 0.0, angle, sigma, 25, side="inside")
    radius = radius / np.sin(angle)
    assert radius[0] == pytest.approx(1, abs=1e-3)
    assert np.all(np.diff(radius[radius > 0]) < 0)
    cap = norm.ppf(0.001 ** (1 / 100_000))
    capped = np.minimum(radius, cap * sigma / np.sin(angle))
    assert capped.max() == pytest.approx(peak, abs=2e-3)
    # float64 probabilities are a cap as well: the largest one below 1 is 8.2 sigma.
    rounded = np.minimum(radius, norm.ppf(1 - 2.0**-53) * sigma / np.sin(angle))
    assert capped.max() < rounded.max() < 0.95


# -- Theorems hold ---------------------------------------------------------------------


def test_the_bounds_for_balls_are_bounds():
    exact = ball_shrinking_sigma(1.0, DIMENSIONS, CLASSES)
    bound = ball_shrinking_bound(1.0, DIMENSIONS, CLASSES)
    assert np.all(exact <= bound)
    exact = ball_vanishing_sigma(1.0, DIMENSIONS, CLASSES)
    bound = ball_vanishing_bound(1.0, DIMENSIONS, CLASSES)
    assert np.all(exact <= bound * (1 + 1e-12))
    # As printed, Theorem 4 would be false for one feature.
    assert np.all(exact[:, 0] > np.sqrt(CLASSES[:, 0]))


def test_the_bounds_for_cones_are_bounds_from_three_features_on():
    angle = np.concatenate([np.geomspace(1e-3, 0.1, 5), np.linspace(0.2, 1.56, 30)])
    angle = angle[:, None, None]
    d = DIMENSIONS[DIMENSIONS >= 3]
    exact = cone_shrinking_rate(angle, d, CLASSES)
    assert np.all(cone_rate_bound(angle, d, CLASSES) <= exact + 1e-9)
    assert np.all(cone_narrowness_angle(d, CLASSES) <= cone_shrinking_angle(d, CLASSES))
    # A region 0.5 from the apex of the cone is smaller above the bound.
    bound = cone_shrinking_bound(angle, 0.5, d, CLASSES)
    proven = np.isfinite(bound)
    assert 0.2 < proven.mean() < 0.9
    shift = np.where(proven, bound, 0) * exact
    assert np.all(shift[proven] >= 0.5 * (1 - 1e-9))


def test_in_two_features_theorem_7_fails_from_seven_classes_on():
    c = np.arange(2, 12)
    bound, exact = cone_rate_bound(1e-3, 2, c), cone_shrinking_rate(1e-3, 2, c)
    np.testing.assert_array_equal(bound > exact, c >= 7)
    # By votes: at the shift of the theorem the class has more than 1/c of them.
    assert cone_vote_probability(bound[-1], 0.0, 1e-3, 1.0, 2) > 1 / c[-1]


def test_what_the_theorems_say_in_one_feature():
    assert cone_rate_bound(0.5, 1) == cone_shrinking_rate(0.5, 1) == 0
    assert cone_rate_bound(0.5, 1, 3) == -np.inf
    assert cone_narrowness_angle(1) == np.pi / 2
    assert cone_narrowness_angle(1, 3) == 0
    assert cone_shrinking_bound(0.5, 1.0, 1) == np.inf
    assert cone_shrinking_bound(0.5, 0.0, 10) == 0


# -- More than two classes -------------------------------------------------------------


def test_on_every_boundary_a_class_has_its_share():
    share = np.broadcast_to(1 / CLASSES, (len(CLASSES), len(DIMENSIONS)))
    for part in (0.01, 0.5, 0.97, 0.9999):
        sigma = part * ball_vanishing_sigma(2.0, DIMENSIONS, CLASSES)
        boundary = ball_smoothed_radius(2.0, sigma, DIMENSIONS, CLASSES)
        votes = ball_vote_probability(boundary, 2.0, sigma, DIMENSIONS)
        np.testing.assert_allclose(votes, share, rtol=1e-9)
        sigma = part * slab_vanishing_sigma(2.0, CLASSES)
        boundary = slab_smoothed_halfwidth(2.0, sigma, CLASSES)
        votes = slab_vote_probability(boundary, 2.0, sigma)
        np.testing.assert_allclose(votes, 1 / CLASSES, rtol=1e-9)
        halfwidths = np.array([1.0, 2.0, np.inf])
        sigma = part * box_vanishing_sigma(halfwidths, CLASSES[:, 0])
        boundary = box_smoothed_halfwidths(halfwidths, sigma, CLASSES[:, 0])
        assert np.all(boundary[:, 2] == np.inf)
        for side in (0, 1):
            point = np.where(np.arange(3) == side, boundary, 0.0)
            votes = box_vote_probability(point, halfwidths, sigma)
            np.testing.assert_allclose(votes, 1 / CLASSES[:, 0], rtol=1e-9)
    for radial in (0.0, 0.7, 50.0):
        d = DIMENSIONS[radial > 0 :]
        for angle in (0.01, 0.5, 1.55):
            boundary = cone_smoothed_boundary(radial, angle, 0.5, d, CLASSES)
            votes = cone_vote_probability(boundary, radial, angle, 0.5, d)
            np.testing.assert_allclose(votes, share[:, radial > 0 :], rtol=1e-9)
    shift = half_space_boundary_shift(0.5, CLASSES)
    votes = half_space_vote_probability(shift, 0.5)
    np.testing.assert_allclose(votes, 1 / CLASSES, rtol=1e-12)


def test_shrinking_begins_at_the_shrinking_sigma():
    sigma = ball_shrinking_sigma(1.0, DIMENSIONS, CLASSES)
    assert np.all(sigma[0] == 0)
    votes = ball_vote_probability(1.0, 1.0, sigma[1:], DIMENSIONS)
    np.testing.assert_allclose(
        votes, np.broadcast_to(1 / CLASSES[1:], votes.shape), rtol=1e-9
    )
    for factor, sign in ((0.99, 1), (1.01, -1)):
        radius = ball_smoothed_radius(1.0, factor * sigma[1:], DIMENSIONS, CLASSES[1:])
        assert np.all(sign * (radius - 1) > 0)
        level = factor * slab_shrinking_sigma(1.0, CLASSES[1:])
        halfwidth = slab_smoothed_halfwidth(1.0, level, CLASSES[1:])
        assert np.all(sign * (halfwidth - 1) > 0)
    # At the shrinking sigma itself the root is 0, which no relative tolerance reaches.
    radius = ball_smoothed_radius(1.0, sigma[1:], DIMENSIONS, CLASSES[1:])
    np.testing.assert_allclose(radius, 1, rtol=1e-8)


def test_a_cone_shrinks_up_to_its_shrinking_angle():
    d, c = DIMENSIONS[1:], CLASSES[1:]
    angle = cone_shrinking_angle(d, c)
    assert np.all(np.abs(cone_apex_shift(angle, 1.0, d, c)) < 1e-9)
    assert np.all(cone_apex_shift(0.99 * angle, 1.0, d, c) > 0)
    wider = angle + 0.01 * (np.pi / 2 - angle)
    assert np.all(cone_apex_shift(wider, 1.0, d, c) < 0)
    np.testing.assert_allclose(cone_shrinking_angle(2, c), np.pi / c, rtol=1e-12)
    # In three features a cap of the sphere holds (1 - cos) / 2 of it.
    np.testing.assert_allclose(
        np.sin(cone_shrinking_angle(3, c) / 2) ** 2, 1 / c, rtol=1e-12
    )


def bessel_rate(u, v, d):
    ratio = mp.besseli(mpf(d) / 2 - 1, u * v) / mp.besseli(mpf(d) / 2, u * v)
    return u * ratio - v


@pytest.mark.parametrize("n_features", [1, 2, 3, 10, 64, 784])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_the_rate_is_the_derivative(n_features, n_classes):
    vanishing = ball_vanishing_sigma(1.0, n_features, n_classes)
    for part in (1e-4, 1e-3, 0.03, 0.3, 0.9, 0.999):
        sigma = part * vanishing
        rate = ball_shrinking_rate(1.0, sigma, n_features, n_classes)
        boundary = ball_smoothed_radius(1.0, sigma, n_features, n_classes)
        with mp.workdps(40):
            u, v = 1 / mpf(sigma), mpf(boundary) / mpf(sigma)
            exact = float(bessel_rate(u, v, n_features))
        # The boundary itself is rounded, in units of sigma to 1e-16 / sigma.
        assert rate == pytest.approx(exact, rel=1e-7, abs=1e-14 / sigma)
        step = 1e-4 * sigma * (1 - part)
        ends = ball_smoothed_radius(
            1.0, [sigma - step, sigma + step], n_features, n_classes
        )
        slope = (ends[0] - ends[1]) / (2 * step)
        assert rate == pytest.approx(slope, rel=1e-5, abs=1e-14 / step)
    assert np.isnan(ball_shrinking_rate(1.0, vanishing, n_features, n_classes))


# -- Lemmas ----------------------------------------------------------------------------

sizes = st.floats(0.05, 20.0)
dimensions = st.sampled_from([1, 2, 3, 10, 100, 3072])


@settings(deadline=None, max_examples=60)
@given(sizes, st.floats(1.0, 3.0), sizes, st.floats(0, 5), dimensions)
def test_a_region_in_a_region_stays_in_it(radius, factor, sigma, distance, d):
    """Lemma 2 and Corollary 1: votes are monotone in the region, so boundaries are."""
    distance = distance * radius
    args = sigma, d
    more = 1 + 1e-10
    small = ball_vote_probability(distance, radius, *args)
    assert small <= ball_vote_probability(distance, radius * factor, *args) * more
    assert (
        ball_smoothed_radius(radius, *args)
        <= ball_smoothed_radius(radius * factor, *args) * more
    )
    # The box in the ball, the ball in the box and in the slab around it.
    inner = np.full(d, radius / np.sqrt(d))
    outer = np.full(d, radius)
    point = np.zeros(d)
    point[0] = distance
    assert box_vote_probability(point, inner, sigma) <= small * more
    large = box_vote_probability(point, outer, sigma)
    assert small <= large * more
    assert large <= slab_vote_probability(distance, radius, sigma) * more
    assert large <= half_space_vote_probability(radius - distance, sigma) * more


@settings(deadline=None, max_examples=15)
@given(
    st.floats(0.05, 1.5), st.floats(0, 0.05), st.floats(-5, 50), st.floats(0, 9), sizes
)
def test_a_cone_in_a_cone_stays_in_it(angle, more, axial, radial, sigma):
    d = np.array([2, 10, 3072])
    args = sigma, d
    angles = np.array([angle, angle + more])
    narrow, wide = cone_vote_probability(axial, radial, angles[:, None], *args)
    assert np.all(narrow <= wide * (1 + 1e-9))
    shifts = cone_apex_shift(angles[:, None, None], sigma, d, CLASSES[:3])
    assert np.all(shifts[0] >= shifts[1] - 1e-9 * sigma * np.sqrt(d) / angle)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, st.floats(0, 20), st.floats(0, 20), dimensions)
def test_votes_are_highest_at_the_centre_and_on_the_axis(radius, sigma, x, y, d):
    """Lemmas 4 and 5."""
    near, far = min(x, y), max(x, y)
    more = 1 + 1e-10
    t = np.array([0.0, near, far])
    ball = ball_vote_probability(t, radius, sigma, d)
    slab = slab_vote_probability(t, radius, sigma)
    box = box_vote_probability(t[:, None] * [1.0, 0.5], [radius, 2.0], sigma)
    votes = [ball, slab, box]
    if d > 1:
        axial = np.array([-1.0, 1.0, 30.0])[:, None]
        votes += [*cone_vote_probability(axial, t, 0.6, sigma, d)]
    for centre, middle, outside in votes:
        assert outside <= middle * more
        assert middle <= centre * more


@settings(deadline=None, max_examples=30)
@given(st.floats(0.02, 1.55), st.floats(1e-3, 1e3), st.integers(2, 50), dimensions)
def test_the_shift_of_a_cone_is_proportional_to_sigma(angle, sigma, n_classes, d):
    """Theorem 6."""
    shift = cone_apex_shift(angle, sigma, d, n_classes)
    rate = cone_shrinking_rate(angle, d, n_classes)
    scale = sigma * np.sqrt(d) / np.tan(angle)
    assert shift == pytest.approx(sigma * rate, rel=1e-9, abs=1e-11 * scale)
    # A ball is scale-free too.
    assert ball_smoothed_radius(sigma, sigma / 10, d, n_classes) == pytest.approx(
        sigma * ball_smoothed_radius(1.0, 0.1, d, n_classes), rel=1e-9
    )


# -- Whose radius ----------------------------------------------------------------------


def test_the_radius_belongs_to_the_side_that_is_named():
    x = np.array([0.0, 0.3, 0.7, 2.0])
    point = x[:, None] * [1.0, 0.0]
    for function, args in (
        (ball_certified_radius, (x, 1.0, 0.3, 10)),
        (slab_certified_radius, (x, 0.5, 0.3)),
        (box_certified_radius, (point, [0.5, 0.5], 0.3)),
        (cone_certified_radius, (2 * x, 0.0, np.pi / 4, 0.5, 10)),
        (half_space_certified_radius, (x - 0.5, 0.3)),
    ):
        either = function(*args)
        inside, outside = (function(*args, side=s) for s in ("inside", "outside"))
        np.testing.assert_array_equal(np.maximum(inside, outside), either)
        assert np.all((inside == 0) | (outside == 0))
        assert np.any(inside > 0)
        assert np.any(outside > 0)
        assert isinstance(half_space_certified_radius(1.0, 1.0, side="inside"), float)
        for side in ("both", None, ["inside"]):
            with pytest.raises(ValueError, match="side must be 'either', 'inside' or"):
                function(*args, side=side)


def test_the_radius_of_a_class_that_is_gone_is_zero():
    sigma = np.linspace(0.1, 3, 30)
    winner = cone_certified_radius(1.0, 0.0, np.pi / 4, sigma, 25)
    cone = cone_certified_radius(1.0, 0.0, np.pi / 4, sigma, 25, side="inside")
    gone = cone_apex_shift(np.pi / 4, sigma, 25) > 1
    assert np.all(cone[gone] == 0)
    assert np.all(np.diff(winner[gone]) > 0)  # that of "outside"


# -- Through the public API ------------------------------------------------------------


@pytest.mark.parametrize("n_features", [2, 10])
def test_by_votes_a_class_has_its_share_on_the_boundary(n_features):
    n_votes, c = 40_000, 5
    share = 1 / c
    error = np.sqrt(share * (1 - share) / n_votes)

    def in_cone(X):
        return X[:, 0] >= np.linalg.norm(X[:, 1:], axis=1) / np.tan(0.5)

    sigma = 0.5 * ball_vanishing_sigma(1.0, n_features, c)
    ball = ball_smoothed_radius(1.0, sigma, n_features, c)
    tip = cone_apex_shift(0.5, 0.5, n_features, c)
    for region, level, place in ((Inside(), sigma, ball), (Inside(in_cone), 0.5, tip)):
        clf = SmoothedClassifier.from_fitted(
            FrozenEstimator(region.fit()),
            sigma=level,
            n_predict=n_votes,
            random_state=0,
        )
        votes = clf.predict_proba(place * np.eye(1, n_features))[0, 1]
        assert abs(votes - share) < 5 * error


# -- Arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ball_shrinking_bound(0, 2), "radius .* greater than 0, got 0"),
        (lambda: ball_shrinking_bound(1, 0), "n_features .* at least 1, got 0"),
        (lambda: ball_vanishing_bound(1, 2, 1.5), "n_classes .* whole .* got 1.5"),
        (lambda: ball_vanishing_bound(np.inf, 2), "radius .* finite .* got inf"),
        (lambda: cone_rate_bound(2, 3), "half_angle .* got 2"),
        (lambda: cone_narrowness_angle(3, 1), "n_classes .* at least 2, got 1"),
        (lambda: cone_shrinking_bound(1, -1, 3), "gap .* at least 0, got -1"),
        (lambda: cone_shrinking_angle(1, 2), "n_features .* at least 2, got 1"),
        (lambda: ball_shrinking_rate(1, 0, 2), "sigma .* greater than 0.* got 0"),
        (lambda: ball_shrinking_sigma(1, 2.5), "n_features .* whole .* got 2.5"),
        (lambda: ball_smoothed_radius(1, 1, 2, 0), "n_classes .* at least 2, got 0"),
        (lambda: slab_smoothed_halfwidth(1, 1, 1), "n_classes .* at least 2, got 1"),
        (lambda: slab_shrinking_sigma(-1), "halfwidth .* got -1"),
        (lambda: box_smoothed_halfwidths([1], 1, 1), "n_classes .* got 1"),
        (lambda: cone_apex_shift(1, 1, 2, 1), "n_classes .* got 1"),
        (lambda: half_space_boundary_shift(1, 1), "n_classes .* got 1"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arguments_broadcast():
    d, c = np.array([2, 10]), np.array([[2], [3], [10]])
    for value in (
        ball_shrinking_bound(1, d, c),
        ball_vanishing_bound(1, d, c),
        ball_shrinking_sigma(1, d, c),
        ball_shrinking_rate(1, 0.1, d, c),
        ball_smoothed_radius(1, 0.1, d, c),
        cone_rate_bound(0.5, d, c),
        cone_narrowness_angle(d, c),
        cone_shrinking_angle(d, c),
        cone_shrinking_bound(0.05, 1, d, c),
        cone_smoothed_boundary(0.5, 0.5, 1, d, c),
    ):
        assert value.shape == (3, 2)
        assert np.all(np.isfinite(value))
    for value in (
        ball_shrinking_bound(1, 2),
        ball_vanishing_bound(1, 2),
        ball_shrinking_sigma(1, 2),
        ball_shrinking_rate(1, 0.1, 2),
        cone_rate_bound(0.5, 2),
        cone_narrowness_angle(2),
        cone_shrinking_angle(2),
        cone_shrinking_bound(0.5, 1, 2),
        slab_shrinking_sigma(1),
    ):
        assert isinstance(value, float)
    halfwidths = box_smoothed_halfwidths(np.ones(4), [0.1, 0.2], [[2], [3], [9]])
    assert halfwidths.shape == (3, 2, 4)
