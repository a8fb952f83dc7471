# SPDX-License-Identifier: BSD-3-Clause
"""No rounding of a closed form is left out of what it claims.

The exact probit of a class, of the fitted classifier in real arithmetic, lies between
the two that a source returns, at any size of coordinates, features and coefficients.
What is exact is found with rational numbers and with mpmath at 60 digits or more.
"""

import operator
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr, ndtri, owens_t
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.votes.exact import PROBIT_MAX, Declined, find_exact_source
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._boxes import AxisIntervals
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._linear import HeldLineSource, LineSource, TwoClassSource
from sksmooth.votes.exact._linear_scores import LinearScores
from sksmooth.votes.exact._numerics import probit_of_log
from sksmooth.votes.exact._rounding import UNIT, Rounded
from sksmooth.votes.exact._structure import as_compared
from sksmooth.votes.exact._three_classes import ThreeClassSource
from sksmooth.votes.exact._tree import TreeSource

DIGITS = 60
SIZES = [1.0, 1e3, 1e6, 1e9, 1e12, 1e15]


def exact(value):
    """An array of floats as one of rational numbers."""
    return np.vectorize(Fraction, otypes=[object])(np.asarray(value, dtype=np.float64))


def real(fraction):
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def mass(lo, hi):
    """P(lo < Z < hi) with full relative precision in both tails."""
    if lo >= hi:
        return mpmath.mpf(0)
    if lo + hi < 0:
        lo, hi = -hi, -lo
    root = mpmath.sqrt(2)
    return (mpmath.erfc(lo / root) - mpmath.erfc(hi / root)) / 2


def assert_holds(lower, upper, share, rest):
    """The exact probabilities of a class and of all others are between probits."""
    for z, sign in ((lower, 1), (upper, -1)):
        if z == -sign * PROBIT_MAX:
            continue  # nothing is claimed
        # Compare whichever tail is the small one.
        if z <= 0:
            gap = share - mpmath.ncdf(z)
        else:
            gap = mpmath.ncdf(-z) - rest
        assert sign * gap >= 0, (lower, upper, share, rest)


# Two classes


def two_class_truth(coef, intercept, X):
    """Signed distances to a hyperplane, from rational scores of the second class."""
    length = mpmath.sqrt(real(sum(w * w for w in coef)))
    margins = [sum(a * w for a, w in zip(x, coef, strict=True)) for x in exact(X)]
    return [real(m + intercept) / length for m in margins]


def rows_near_a_hyperplane(coef, intercept, size, rng, n_rows=40):
    """Rows of that size whose distances to it are 1 or much smaller."""
    coef = np.asarray(coef, dtype=np.float64)
    X = size * rng.normal(size=(n_rows, len(coef)))
    wanted = rng.choice([1.0, 0.05, 1e-3, 1e-9, 0.0], n_rows)
    wanted *= rng.choice([-1, 1], n_rows)
    norm = np.linalg.norm(coef)
    for _ in range(2):
        gap = (X @ coef + intercept) / norm - wanted
        X -= np.outer(gap, coef / norm)
    return X


def assert_two_class_certificates(model, coef, intercept, X, sigma=0.25):
    """Intervals hold the exact probit; radii stay below the exact distance."""
    with mpmath.workdps(DIGITS):
        distances = two_class_truth(coef, intercept, X)
        lower, upper = find_exact_source(model, X[:1], sigma).probits(X, sigma)
        largest = PROBIT_MAX
        for lo, hi, distance in zip(lower[:, 1], upper[:, 1], distances, strict=True):
            probit = min(max(distance / sigma, -largest), largest)
            assert lo <= probit <= hi
        clf = SmoothedClassifier.from_fitted(model, sigma=sigma, method="exact")
        found = clf.certify(X)
        label = np.searchsorted(clf.classes_, found.label)
        for row, distance in enumerate(distances):
            if not found.abstained[row]:
                assert label[row] == (distance > 0)
                assert found.radius[row] <= abs(distance)
    return np.array([float(d) for d in distances]), found


def blobs(n_features, n_classes=2, offset=0.0, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(60) % n_classes
    X = (
        rng.normal(size=(60, n_features))
        + 1.5 * rng.normal(size=(n_classes, n_features))[y]
    )
    return scale * X + offset, y


TWO_CLASS = [
    LogisticRegression(),
    LinearSVC(),
    RidgeClassifier(),
    LinearDiscriminantAnalysis(),
    SGDClassifier(random_state=0),
    SVC(kernel="linear"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", TWO_CLASS, ids=lambda m: type(m).__name__)
def test_two_classes_at_any_size_of_coordinates(model, size):
    X, y = blobs(8)
    model.fit(X, y)
    coef, intercept = np.ravel(model.coef_), np.ravel(model.intercept_)[0]
    rows = rows_near_a_hyperplane(coef, intercept, size, np.random.default_rng(1))
    distance, found = assert_two_class_certificates(
        model, exact(coef), Fraction(float(intercept)), rows
    )
    # What is clear of the rounding of such a row is certified, nearly in full.
    rounding = 1e-14 * size * 8
    clear = np.abs(distance) > 4 * rounding
    assert not found.abstained[clear].any()
    assert (found.radius[clear] >= np.abs(distance[clear]) - rounding - 1e-14).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [1, 2, 30, 1000])
def test_two_classes_with_any_number_of_features(n_features, dtype):
    X, y = blobs(n_features)
    model = LogisticRegression().fit(X.astype(dtype), y)
    coef, intercept = np.float64(model.coef_[0]), np.float64(model.intercept_[0])
    rng = np.random.default_rng(2)
    for size in (1.0, 1e6):
        rows = rows_near_a_hyperplane(coef, intercept, size, rng, n_rows=12)
        assert_two_class_certificates(
            model, exact(coef), Fraction(float(intercept)), rows.astype(dtype)
        )


@pytest.mark.parametrize("unit", [1e-290, 1e-150, 1e-9, 1e9, 1e150, 1e290])
def test_two_classes_in_any_unit_of_the_features(unit):
    rng = np.random.default_rng(3)
    weight = rng.normal(size=5)
    X = unit * rows_near_a_hyperplane(weight, 0.3, 10.0, rng)
    scores = LinearScores(np.stack([0 * weight, weight / unit]), np.array([0.0, 0.3]))
    source = TwoClassSource(np.arange(2), scores)
    lower, upper = source.probits(X, 0.5 * unit)
    assert (upper - lower <= 1e-11).all()
    with mpmath.workdps(400):
        truth = two_class_truth(exact(weight / unit), Fraction(0.3), X)
        for lo, hi, distance in zip(lower[:, 1], upper[:, 1], truth, strict=True):
            assert lo <= distance / mpmath.mpf(0.5 * unit) <= hi


@pytest.mark.parametrize("spread", [1e3, 1e12, 1e200])
def test_two_classes_with_features_of_very_different_scales(spread):
    rng = np.random.default_rng(4)
    unit = np.geomspace(1 / spread, spread, 7)
    weight = rng.normal(size=7) / unit
    X = unit * rng.normal(size=(40, 7))
    scores = LinearScores(np.stack([0 * weight, weight]), np.array([0.0, 0.1]))
    sigma = 0.1 / spread
    lower, upper = TwoClassSource(np.arange(2), scores).probits(X, sigma)
    with mpmath.workdps(500):
        truth = two_class_truth(exact(weight), Fraction(0.1), X)
        for lo, hi, distance in zip(lower[:, 1], upper[:, 1], truth, strict=True):
            assert lo <= distance / mpmath.mpf(sigma) <= hi
    assert (upper - lower <= 1e-10 * (1 + np.abs(lower))).mean() > 0.9


def test_two_classes_with_huge_coefficients_that_cancel():
    rng = np.random.default_rng(5)
    common = 1e12 * rng.normal(size=4)
    coef = np.stack([common, common + rng.normal(size=4)])
    intercept = np.array([1e12, 1e12 + 1.0])
    X = rng.normal(size=(60, 4))
    source = TwoClassSource(np.arange(2), LinearScores(coef, intercept))
    lower, upper = source.probits(X, 0.25)
    with mpmath.workdps(DIGITS):
        weight = exact(coef)[1] - exact(coef)[0]
        truth = two_class_truth(weight, Fraction(1), X)
        for lo, hi, distance in zip(lower[:, 1], upper[:, 1], truth, strict=True):
            assert lo <= distance / 0.25 <= hi


def test_what_overflows_or_is_lost_to_rounding_abstains():
    weight = np.array([1.0, -1.0, 1e308])
    scores = LinearScores(np.stack([0 * weight, weight]), np.array([0.0, 0.5]))
    source = TwoClassSource(np.arange(2), scores)
    X = [[1e308, 1e308, 1e308], [-1e308, 1e308, -1.5e308], [1e300, -1e300, 0.0]]
    lower, upper = source.probits(X, 0.5)
    assert (lower[2] < upper[2]).all()
    assert (lower <= upper).all() and np.isfinite(lower).all()
    X, y = blobs(3)
    model = LogisticRegression().fit(X, y)
    far = 1e17 * np.random.default_rng(0).normal(size=(50, 3))
    far -= np.outer(model.decision_function(far), model.coef_[0]) / np.sum(
        model.coef_**2
    )
    clf = SmoothedClassifier.from_fitted(model, sigma=0.25, method="exact")
    assert clf.certify(far).abstained.all()
    assert clf.certify(far, radii=[0.0, 0.1]).abstained.all()


SCALERS = [
    StandardScaler(),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False),
    RobustScaler(),
    MinMaxScaler(),
    MaxAbsScaler(),
]


def exact_scaling(step):
    """Scale and shift of a fitted scaler in rational numbers."""
    if isinstance(step, MinMaxScaler):
        return exact(step.scale_), exact(step.min_)
    n = step.n_features_in_
    has_scale = getattr(step, "with_std", True) and getattr(step, "with_scaling", True)
    scale = 1 / exact(step.scale_) if has_scale else exact(np.ones(n))
    center = np.zeros(n)
    if isinstance(step, StandardScaler) and step.with_mean:
        center = step.mean_
    if isinstance(step, RobustScaler):
        center = step.center_
    return scale, -exact(center) * scale


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("step", SCALERS, ids=lambda s: type(s).__name__)
def test_scalers_with_means_of_any_size_before_a_hyperplane(step, scale, offset):
    X, y = blobs(6, offset=offset, scale=scale)
    model = make_pipeline(step, LogisticRegression()).fit(X, y)
    factor, shift = exact_scaling(model[0])
    coef = exact(model[1].coef_[0]) * factor
    bias = Fraction(float(model[1].intercept_[0])) + sum(
        exact(model[1].coef_[0]) * shift
    )
    if any(coef):  # the scaled features may all be 1
        assert_two_class_certificates(model, coef, bias, X, 0.3 * scale)


def test_a_mean_is_subtracted_and_not_folded_in():
    """Rows near a large mean keep their digits: (x - mean) is exact there."""
    X, y = blobs(4, offset=1e9)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    lower, upper = find_exact_source(model, X, 0.5).probits(X, 0.5)
    assert (upper - lower).max() < 1e-12
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, y)
    lower, upper = find_exact_source(model, X, 0.5).probits(X, 0.5)
    assert (upper - lower).max() < 1e-9


@pytest.mark.parametrize("model", [NearestCentroid(), MultinomialNB()])
@pytest.mark.parametrize("offset", [0.0, 1e5, 1e9])
def test_scores_that_are_computed_from_what_is_fitted(model, offset):
    X, y = blobs(5)
    X = X - X.min() + offset
    model.fit(X, y)
    with mpmath.workdps(DIGITS):
        if isinstance(model, NearestCentroid):
            centroids = exact(model.centroids_)
            coef = 2 * (centroids[1] - centroids[0])
            squares = (centroids**2).sum(axis=1)
            bias = squares[0] - squares[1]
        else:
            logs = exact(model.feature_log_prob_)
            coef = logs[1] - logs[0]
            prior = exact(model.class_log_prior_)
            bias = prior[1] - prior[0]
    try:
        assert_two_class_certificates(model, coef, bias, X)
    except Declined as declined:
        assert offset == 1e9, declined  # predict itself is lost to rounding


def test_support_vectors_whose_coefficients_cancel():
    """`coef_` is a product; both what is stored and what it stands for are held."""
    X, y = blobs(3, offset=1e4)
    model = SVC(kernel="linear", C=1e4).fit(X, y)
    intercept = Fraction(float(model.intercept_[0]))
    assert_two_class_certificates(model, exact(model.coef_[0]), intercept, X)
    coef = exact(model.dual_coef_[0]) @ exact(model.support_vectors_)
    assert_two_class_certificates(model, coef, intercept, X)


# Many classes along a line


@pytest.mark.parametrize("size", [1.0, 1e6, 1e12])
@pytest.mark.parametrize("n_features", [1, 6])
def test_classes_along_a_line_at_any_size_of_coordinates(n_features, size):
    rng = np.random.default_rng(6)
    direction = rng.normal(size=n_features)
    slope = np.sort(rng.normal(size=5))
    coef = np.outer(slope, direction)
    intercept = -(slope**2) + slope * size
    at = rng.uniform(-2, 5, 12) + size
    X = np.outer(at / (direction @ direction), direction)
    if n_features > 1:
        side = size * rng.normal(size=X.shape)
        X += side - np.outer(side @ direction / (direction @ direction), direction)
    try:
        source = LineSource(np.arange(5), LinearScores(coef, intercept))
    except Declined:
        pytest.skip("told to be nearly the same")
    sigma = 0.3
    lower, upper = source.probits(X, sigma)
    with mpmath.workdps(DIGITS):
        for row, x in enumerate(exact(X)):
            for k in range(5):
                lo, hi = -mpmath.inf, mpmath.inf
                for j in range(5):
                    if j == k:
                        continue
                    gap = exact(coef)[k] - exact(coef)[j]
                    ahead = gap @ x + exact(intercept)[k] - exact(intercept)[j]
                    end = -real(ahead) / mpmath.sqrt(real(gap @ gap)) / sigma
                    # All normals are parallel, up to the rounding of `coef`.
                    if slope[k] > slope[j]:
                        lo = max(lo, end)
                    else:
                        hi = min(hi, -end)
                share = mass(lo, hi)
                rest = mpmath.ncdf(lo) + mpmath.ncdf(-hi) if lo < hi else mpmath.mpf(1)
                # The products in `coef` are rounded: 1e-15 of the row off the line.
                wide = 4e-15 * size * n_features / sigma if n_features > 1 else 0.0
                ends = lower[row, k] - wide, upper[row, k] + wide
                assert_holds(*np.clip(ends, -PROBIT_MAX, PROBIT_MAX), share, rest)


@pytest.mark.parametrize("size", [1.0, 1e6, 1e12])
def test_classes_along_a_line_beside_features_held_fixed(size):
    """The second class and the third are moved alike: the sample decides."""
    rng = np.random.default_rng(7)
    held = np.array([True, False, True])
    coef, intercept = rng.normal(size=(5, 3)), rng.normal(size=5)
    coef[2, 1] = coef[1, 1]
    # Far from zero, and near to where classes draw.
    coef[:, held] = coef[0, held] + coef[:, held] / size
    X = rng.normal(size=(8, 3))
    X[:, held] *= size
    sigma, counted = 0.3, 0
    source = HeldLineSource(np.arange(5), LinearScores(coef, intercept), held)
    lower, upper = source.probits(X, sigma)
    if size == 1.0:
        assert (upper - lower).max() < 1e-12
    with mpmath.workdps(DIGITS):
        for row, x in enumerate(exact(X)):
            score = exact(coef) @ x + exact(intercept)
            for k in range(5):
                lo, hi = -mpmath.inf, mpmath.inf
                for j in range(5):
                    ahead = real(score[k] - score[j])
                    rise = real(exact(coef[k, 1])[()] - exact(coef[j, 1])[()])
                    if rise > 0:
                        lo = max(lo, -ahead / rise / sigma)
                    elif rise < 0:
                        hi = min(hi, -ahead / rise / sigma)
                    elif ahead < 0:
                        lo, hi = mpmath.inf, -mpmath.inf
                share = mass(lo, hi)
                rest = mpmath.ncdf(lo) + mpmath.ncdf(-hi) if lo < hi else mpmath.mpf(1)
                assert_holds(lower[row, k], upper[row, k], share, rest)
                counted += 1e-9 < share < 1 - 1e-9
    assert counted >= 8


# Three classes


def wedge(sides, ahead, sigma):
    """P(first class) from its two margins in real numbers, as a quadrature of 16."""
    a, b = sides  # of the plane: a is along the first axis
    length = mpmath.sqrt(a @ a)
    along = (a @ b) / length
    across = mpmath.sqrt(b @ b - along**2)
    tip = (-ahead[1] + along * ahead[0] / length) / across / sigma
    ends = sorted({*range(-9, 10), *([tip] if abs(tip) < 9 else [])})
    nodes = [(mpmath.mpf(x), mpmath.mpf(w)) for x, w in NODES]
    total = mpmath.mpf(0)
    for start, stop in pairwise(ends):
        half = (mpmath.mpf(stop) - start) / 2
        for x, w in nodes:
            z = start + half * (1 + x)
            bound = -ahead[0] / length / sigma
            other = -(ahead[1] / sigma + across * z)
            lo, hi = bound, mpmath.inf
            if along > 0:
                lo = max(lo, other / along)
            else:
                hi = min(hi, other / along)
            total += half * w * mpmath.npdf(z) * mass(lo, hi)
    return total


NODES = [
    (float(x), float(w))
    for x, w in zip(*np.polynomial.legendre.leggauss(24), strict=True)
]


@pytest.mark.parametrize("size", [1.0, 1e6, 1e12])
@pytest.mark.parametrize("seed", range(3))
def test_three_classes_at_any_size_of_coordinates(seed, size):
    rng = np.random.default_rng(10 + seed)
    coef, intercept = rng.normal(size=(3, 5)), rng.normal(size=3)
    X = size * rng.normal(size=(3, 5))
    # Near the tip, where all three classes have votes.
    sides = coef[1:] - coef[0]
    for _ in range(2):
        gap = X @ sides.T + intercept[1:] - intercept[0] - rng.normal(size=(3, 2))
        X -= gap @ np.linalg.pinv(sides.T)
    widest = assert_three_class_probits(coef, intercept, X, np.zeros(5, dtype=bool))
    assert size > 1.0 or widest < 1e-11


@pytest.mark.parametrize("size", [1.0, 1e6])
def test_three_classes_beside_features_held_fixed(size):
    rng = np.random.default_rng(14)
    held = np.array([False, True, False, True])
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    X = size * rng.normal(size=(3, 4))
    sides = (coef[1:] - coef[0])[:, ~held]
    for _ in range(2):
        gap = X @ (coef[1:] - coef[0]).T + intercept[1:] - intercept[0]
        X[:, ~held] -= (gap - rng.normal(size=(3, 2))) @ np.linalg.inv(sides.T)
    widest = assert_three_class_probits(coef, intercept, X, held)
    assert size > 1.0 or widest < 1e-11


def assert_three_class_probits(coef, intercept, X, held, sigma=0.4):
    """The exact shares are between the probits; return how far these are apart."""
    scores = LinearScores(coef, intercept)
    source = ThreeClassSource(np.arange(3), scores, held if held.any() else None)
    lower, upper = source.probits(X, sigma)
    with mpmath.workdps(25):
        for row, x in enumerate(exact(X)):
            shares = []
            for k in range(3):
                gaps = [exact(coef)[k] - exact(coef)[j] for j in range(3) if j != k]
                bias = [
                    exact(intercept)[k] - exact(intercept)[j]
                    for j in range(3)
                    if j != k
                ]
                ahead = [real(g @ x + b) for g, b in zip(gaps, bias, strict=True)]
                gaps = [np.array([real(v) for v in g[~held]]) for g in gaps]
                shares.append(wedge(gaps, ahead, mpmath.mpf(sigma)))
            # The quadrature of the test is right to about 1e-15.
            assert abs(sum(shares) - 1) < 1e-14
            for k, share in enumerate(shares):
                slack = 1e-14
                rest = sum(shares) - share
                assert share >= mpmath.ncdf(lower[row, k]) - slack
                assert share <= mpmath.ncdf(upper[row, k]) + slack
                assert rest >= mpmath.ncdf(-upper[row, k]) - slack
    return (upper - lower).max()


# Trees and tables


def tree_shares(tree, x, scale):
    """Exact probabilities of the classes of a tree, and of all others."""
    shares = [mpmath.mpf(0)] * tree.n_classes[0]

    def walk(node, bounds):
        if tree.children_left[node] < 0:
            product = mpmath.mpf(1)
            for f, (lo, hi) in bounds.items():
                product *= mass((lo - x[f]) / scale[f], (hi - x[f]) / scale[f])
            shares[int(np.argmax(tree.value[node, 0]))] += product
            return
        f = int(tree.feature[node])
        cut = mpmath.mpf(float(as_compared(tree.threshold[node])))
        lo, hi = bounds.get(f, (-mpmath.inf, mpmath.inf))
        walk(tree.children_left[node], bounds | {f: (lo, min(hi, cut))})
        walk(tree.children_right[node], bounds | {f: (max(lo, cut), hi)})

    walk(0, {})
    return shares


def assert_tree_probits(source, tree, X, sigma, scale=None, shift=None):
    """`scale` and `shift` are those of a scaler before the tree, as rationals."""
    lower, upper = source.probits(X, sigma)
    n = X.shape[1]
    scale = exact(np.ones(n)) if scale is None else scale
    shift = exact(np.zeros(n)) if shift is None else shift
    with mpmath.workdps(DIGITS):
        noise = [real(s) * mpmath.mpf(sigma) for s in scale]
        for row, x in enumerate(exact(X)):
            mapped = [real(v) for v in x * scale + shift]
            shares = tree_shares(tree, mapped, noise)
            for k, share in enumerate(shares):
                rest = sum(p for j, p in enumerate(shares) if j != k)
                assert_holds(lower[row, k], upper[row, k], share, rest)
    return lower, upper


@pytest.mark.parametrize("sigma", [1e-3, 0.03, 0.5, 10.0, 1e6])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_trees_at_any_sigma(n_classes, sigma):
    X, y = blobs(3, n_classes)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    source = TreeSource(model, AffineMap.identity(3))
    lower, upper = assert_tree_probits(source, model.tree_, X[:8], sigma)
    assert (upper - lower <= 1e-8 * (1 + np.abs(lower))).all()


@pytest.mark.parametrize("offset", [1e6, 1e12])
def test_trees_with_thresholds_of_any_size(offset):
    X, y = blobs(3, offset=offset, scale=max(1.0, offset * 1e-6))
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    source = TreeSource(model, AffineMap.identity(3))
    assert_tree_probits(source, model.tree_, X[:8], 0.3 * max(1.0, offset * 1e-6))


def with_cuts(model, cuts):
    """The tree with other thresholds; they keep the order they have along a path."""
    model.tree_.threshold[model.tree_.children_left >= 0] = cuts
    return model


@pytest.mark.parametrize("width", [1e-4, 3e-3, 0.04])
def test_leaves_that_are_narrow(width):
    """A class that has nothing but slivers keeps its probability, in both tails."""
    X = np.array([[0.0], [1.0], [2.0]])
    model = DecisionTreeClassifier(random_state=0).fit(X, [0, 1, 0])
    base = model.tree_.threshold[model.tree_.children_left >= 0]
    start = 1.0
    order = np.argsort(np.argsort(base))
    with_cuts(model, start + width * order)
    source = TreeSource(model, AffineMap.identity(1))
    rows = np.array([[1.0], [1.0 + width / 2], [0.3], [-4.0], [-30.0], [3.0], [40.0]])
    for sigma in (1.0, 0.37):
        assert_tree_probits(source, model.tree_, rows, sigma)


@pytest.mark.parametrize(
    "width", [1e-300, 1e-12, 1e-9, 1e-6, 1e-3, 2.9e-3, 3.1e-3, 1.0]
)
def test_masses_of_intervals_of_any_width(width):
    """Ends of 0 and of a power of two, so that widths and ends are exact."""
    intervals = AxisIntervals([0, 0], [0.0, width], [0], [1])
    scale = np.ones(1)
    narrow = intervals.narrow(scale)
    X = np.array([[0.0], [0.3], [-0.3], [5.0], [-5.0], [25.0], [37.0], [-37.0]])
    masses = intervals.masses(X, scale, narrow)[0]
    logs = intervals.log_masses(X, scale, narrow)[0]
    error = intervals.mass_error(narrow, 0.0, 1)
    with mpmath.workdps(DIGITS + 310):
        for x, found, log_found in zip(X[:, 0], masses, logs, strict=True):
            truth = mass(-mpmath.mpf(float(x)), width - mpmath.mpf(float(x)))
            log_truth = mpmath.log(truth)
            bound = error.constant - error.per_log * log_truth
            if truth > 1e-300:
                assert abs(found / truth - 1) <= bound
            assert abs(log_found - log_truth) <= bound


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12])
@pytest.mark.parametrize("step", SCALERS[:5], ids=lambda s: type(s).__name__)
def test_scalers_with_means_of_any_size_before_a_tree(step, offset):
    X, y = blobs(3, offset=offset)
    model = make_pipeline(step, DecisionTreeClassifier(random_state=0)).fit(X, y)
    factor, shift = exact_scaling(model[0])
    try:
        source = find_exact_source(model, X, 0.3)
    except Declined:
        assert offset == 1e12  # predict is off by more than the noise
        return
    assert_tree_probits(source, model[1].tree_, X[:6], 0.3, factor, shift)


@pytest.mark.parametrize("sigma", [1e-3, 0.05, 0.6, 50.0])
def test_tables_of_cells_at_any_sigma(sigma):
    X, y = blobs(2, 3)
    model = RandomForestClassifier(4, max_depth=3, random_state=0).fit(X, y)
    source = CellSource(model, AffineMap.identity(2))
    rows = X[:4]
    lower, upper = source.probits(rows, sigma)
    cuts = [np.concatenate([[-np.inf], c, [np.inf]]) for c in source._thresholds]
    values = np.stack(np.meshgrid(*source._values, indexing="ij"), axis=-1)
    at = np.empty_like(values)
    at[..., source._axes] = values
    labels = model.predict(at.reshape(-1, 2)).reshape(values.shape[:-1])
    with mpmath.workdps(DIGITS):
        for row, x in enumerate(rows):
            sides = []
            for axis, ends in zip(source._axes, cuts, strict=True):
                z = [(mpmath.mpf(float(e)) - x[axis]) / mpmath.mpf(sigma) for e in ends]
                sides.append([mass(a, b) for a, b in pairwise(z)])
            boxes = np.outer(*sides)
            shares = [boxes[labels == k].sum() + mpmath.mpf(0) for k in range(3)]
            for k, share in enumerate(shares):
                rest = sum(p for j, p in enumerate(shares) if j != k)
                assert_holds(lower[row, k], upper[row, k], share, rest)


@pytest.mark.parametrize("sigma", [0.05, 0.6, 50.0])
@pytest.mark.parametrize(
    "model",
    [
        AdaBoostClassifier(n_estimators=8, random_state=0),
        GradientBoostingClassifier(max_depth=1, n_estimators=8, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
def test_sums_over_features_at_any_sigma(model, sigma):
    X, y = blobs(2)
    model.fit(X, y)
    source = AdditiveSource(model, AffineMap.identity(2), 512)
    rows = X[:4]
    lower, upper = source.probits(rows, sigma)
    axes, cuts, terms = zip(*source._terms, strict=True)
    with mpmath.workdps(DIGITS):
        for row, x in enumerate(rows):
            least = most = mpmath.mpf(0)
            sides = []
            for axis, inner in zip(axes, cuts, strict=True):
                ends = np.concatenate([[-np.inf], inner, [np.inf]])
                z = [(mpmath.mpf(float(e)) - x[axis]) / mpmath.mpf(sigma) for e in ends]
                sides.append([mass(a, b) for a, b in pairwise(z)])
            boxes = np.outer(*sides) if len(sides) == 2 else np.array(sides)
            scores = (
                np.add.outer(*terms) if len(terms) == 2 else np.array(terms)
            ) + source._bias
            least = boxes[scores > source._slack].sum() + mpmath.mpf(0)
            most = boxes[scores > -source._slack].sum() + mpmath.mpf(0)
            never = 1 - most if most < 0.999 else boxes[scores < -source._slack].sum()
            tiny = mpmath.mpf(10) ** -279
            assert_holds(lower[row, 1], PROBIT_MAX, least + tiny, 1 - least)
            assert_holds(-PROBIT_MAX, upper[row, 1], most, never + tiny)


def test_terms_that_cancel_up_to_rounding_count_for_either_class():
    """Weights .1, .2 and -.3 sum to 6e-17: predict and exact arithmetic disagree."""
    X = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]] * 20)
    y = np.array([0, 1] * 20)
    model = AdaBoostClassifier(n_estimators=3).fit(X, y)
    model.estimators_ = [
        DecisionTreeClassifier(max_depth=1).fit(X[:, [f] * 3], y) for f in range(3)
    ]
    for f, tree in enumerate(model.estimators_):
        tree.tree_.feature[0] = f
    model.estimator_weights_ = np.array([0.1, 0.2, 0.3])
    source = AdditiveSource(model, AffineMap.identity(3))
    lower, upper = (ndtr(p[0, 1]) for p in source.probits(np.zeros((1, 3)), 1.0))
    # Of eight octants three are decided for either class, in two the terms cancel.
    assert lower == pytest.approx(3 / 8, abs=1e-3)
    assert upper == pytest.approx(5 / 8, abs=1e-3)


@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_principal_components_before_a_tree(offset):
    """Noise behind a projection is independent only up to rounding."""
    X, y = blobs(4, offset=offset)
    model = make_pipeline(PCA(2), DecisionTreeClassifier(max_depth=3, random_state=0))
    model.fit(X, y)
    source = find_exact_source(model, X, 0.4)
    lower, upper = source.probits(X[:5], 0.4)
    assert (upper - lower < 1e-11 + 1e-13 * offset).all()
    matrix, center = exact(model[0].components_), exact(model[0].mean_)
    with mpmath.workdps(DIGITS):
        noise = [0.4 * mpmath.sqrt(real(row @ row)) for row in matrix]
        for row, x in enumerate(exact(X[:5])):
            mapped = [real(v) for v in matrix @ (x - center)]
            shares = tree_shares(model[1].tree_, mapped, noise)
            for k, share in enumerate(shares):
                rest = sum(p for j, p in enumerate(shares) if j != k)
                # The components are orthogonal to 1e-16.
                assert_holds(lower[row, k] - 1e-15, upper[row, k] + 1e-15, share, rest)


# What is taken for granted


def test_functions_of_scipy_are_as_accurate_as_taken_for_granted():
    rng = np.random.default_rng(0)
    with mpmath.workdps(40):
        root = mpmath.sqrt(2)
        for x in [*rng.uniform(-37.5, 8, 400), *-np.geomspace(1e-8, 1, 30)]:
            truth = mpmath.erfc(-mpmath.mpf(float(x)) / root) / 2
            error = abs(mpmath.mpf(float(ndtr(x))) / truth - 1)
            assert error <= 4 * UNIT * (1 + min(x, 0.0) ** 2)
            log_truth = mpmath.log(truth)
            if x < 0:
                assert abs(mpmath.mpf(float(log_ndtr(x))) / log_truth - 1) <= 6 * UNIT
        for p in [*10.0 ** -rng.uniform(0.31, 300, 300), *rng.uniform(0.3, 0.5, 100)]:
            z = mpmath.mpf(float(ndtri(p)))
            truth = mpmath.erfc(-z / root) / 2
            moved = abs(truth - mpmath.mpf(float(p))) / mpmath.npdf(z)
            assert moved <= 4 * UNIT * (1 + abs(z))
        for log_p in [np.log(0.5), -0.7, *-(10 ** rng.uniform(0, 4, 200))]:
            z = mpmath.mpf(float(probit_of_log(np.float64(log_p))))
            truth = mpmath.erfc(-z / root) / 2
            moved = (mpmath.log(truth) - mpmath.mpf(float(log_p))) * truth
            assert abs(moved) / mpmath.npdf(z) <= 8 * UNIT * (1 + abs(z))
        for h, a in rng.uniform(-5, 5, (60, 2)):
            truth = mpmath.quad(
                lambda t, h=h: mpmath.exp(-(h**2) * (1 + t * t) / 2) / (1 + t * t),
                mpmath.linspace(0, mpmath.mpf(float(a)), 5),
            ) / (2 * mpmath.pi)
            assert abs(truth - mpmath.mpf(float(owens_t(h, a)))) <= UNIT


OPERATIONS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.matmul,
    lambda a, _: a.sum(axis=1),
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_arrays_with_error_bounds_hold_exact_results(operation):
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = 10.0 ** rng.uniform(-12, 12, (2, 4, 4)) * rng.choice(
            [-1, 1], (2, 4, 4)
        )
        moves = 1e-14 * rng.uniform(-1, 1, (2, 4, 4)) * values
        a, b = (
            Rounded(value, np.abs(move))
            for value, move in zip(values, moves, strict=True)
        )
        x, y = (exact(v) + exact(m) for v, m in zip(values, moves, strict=True))
        found, truth = operation(a, b), operation(x, y)
        gap = np.abs(exact(found.value) - truth)
        assert (gap <= exact(found.error)).all()
        # Not by being useless: a few units of what rounding must be expected to be.
        sizes = operation(Rounded(np.abs(a.value)), Rounded(np.abs(b.value)))
        if operation is operator.sub:
            sizes = Rounded(np.abs(a.value) + np.abs(b.value))
        assert (found.error <= 3e-14 * np.abs(sizes.value)).all()
