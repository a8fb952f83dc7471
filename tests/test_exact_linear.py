# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers: the masses of half-spaces, wedges and stretches of a line."""

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth.votes.exact import (
    PROBIT_MAX,
    Declined,
    find_exact_source,
    linear_scores,
)
from sksmooth.votes.exact._linear import LineSource, TwoClassSource
from sksmooth.votes.exact._linear_scores import LinearScores
from sksmooth.votes.exact._three_classes import ThreeClassSource

TWO_CLASS = [
    ComplementNB(),
    LinearDiscriminantAnalysis(),
    LinearSVC(),
    LinearSVC(fit_intercept=False),
    LogisticRegression(),
    pytest.param(
        LogisticRegressionCV(Cs=3),
        # Of defaults that will change; not all can be set in all versions.
        marks=pytest.mark.filterwarnings("ignore:.* default .*:FutureWarning"),
    ),
    MultinomialNB(),
    NearestCentroid(),
    NearestCentroid(priors=[0.9, 0.1]),
    Perceptron(),
    RidgeClassifier(),
    RidgeClassifierCV(),
    SGDClassifier(random_state=0),
    SVC(kernel="linear"),
]


def two_classes():
    X, y = make_classification(200, 6, n_informative=4, random_state=0)
    return X - X.min(), y


def margin_by_bisection(model, X, direction):
    """Signed distance to the boundary along a direction, from predict alone."""
    start = model.predict(X)
    near, far = np.zeros(len(X)), np.full(len(X), np.nan)
    for sign in (1.0, -1.0):
        moved = model.predict(X + sign * 1e4 * direction) != start
        far = np.where(moved, sign * 1e4, far)
    for _ in range(80):
        middle = (near + far) / 2
        same = model.predict(X + middle[:, np.newaxis] * direction) == start
        near, far = np.where(same, middle, near), np.where(same, far, middle)
    return np.abs(near)


@pytest.mark.parametrize("model", TWO_CLASS, ids=lambda m: type(m).__name__)
def test_two_classes_the_radius_is_the_distance_to_the_hyperplane(model):
    X, y = two_classes()
    compare_radius_with_distance(model, X, y, 1e-10)


def test_two_classes_dual_coefficients_that_cancel():
    # Here they are as large as 1e5, and the rounding of predict itself shows.
    compare_radius_with_distance(NuSVC(kernel="linear"), *two_classes(), 1e-5)


def compare_radius_with_distance(model, X, y, tolerance):
    model.fit(X, y)
    source = find_exact_source(model, X, 0.5)
    coef, _ = linear_scores(model)
    normal = coef[1] - coef[0]
    normal /= np.linalg.norm(normal)
    distance = margin_by_bisection(model, X, normal)
    top = np.searchsorted(source.classes, model.predict(X))
    rows = np.arange(len(X))
    for sigma in (0.05, 0.1, 0.25, 0.5, 1.0):
        lower, upper = source.probits(X, sigma)
        radius = sigma / 2 * (lower[rows, top] - upper[rows, 1 - top])
        assert np.all(np.isfinite(radius))
        np.testing.assert_allclose(radius, distance, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("distance", [1e-12, 1.0, 1e3, 1e8])
def test_two_classes_no_radius_is_rounded_to_infinity(distance):
    scores = LinearScores(np.array([[0.0, 0.0], [3.0, 4.0]]), np.zeros(2))
    source = TwoClassSource(np.arange(2), scores)
    lower, upper = source.probits([[0.6 * distance, 0.8 * distance]], 0.25)
    radius = 0.25 / 2 * (lower[0, 1] - upper[0, 0])
    assert radius == pytest.approx(min(distance, 0.25 * PROBIT_MAX), rel=1e-14)


def test_a_constant_classifier_has_the_largest_finite_probit():
    scores = LinearScores(np.zeros((2, 3)), np.array([0.0, 1.0]))
    lower, upper = TwoClassSource(np.arange(2), scores).probits(np.ones((2, 3)), 0.5)
    np.testing.assert_array_equal(lower, [[-PROBIT_MAX, PROBIT_MAX]] * 2)
    np.testing.assert_array_equal(upper, lower)


def random_wedges(seed, d=4):
    rng = np.random.default_rng(seed)
    scores = LinearScores(rng.normal(size=(3, d)), rng.normal(size=3))
    return scores, rng.normal(size=(50, d))


@pytest.mark.parametrize("seed", range(5))
def test_three_classes_renaming_them_renames_their_probabilities(seed):
    scores, X = random_wedges(seed)
    probit = ThreeClassSource(np.arange(3), scores).probits(X, 0.3)[0]
    for order in ([1, 2, 0], [2, 1, 0]):
        renamed = LinearScores(scores.coef[order], scores.intercept[order])
        other = ThreeClassSource(np.arange(3), renamed).probits(X, 0.3)[0]
        np.testing.assert_allclose(other, probit[:, order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_three_classes_a_common_score_changes_nothing(seed):
    scores, X = random_wedges(seed)
    shifted = LinearScores(scores.coef + 2.0, scores.intercept - 1.0)
    np.testing.assert_allclose(
        ThreeClassSource(np.arange(3), scores).probits(X, 0.3)[0],
        ThreeClassSource(np.arange(3), shifted).probits(X, 0.3)[0],
        rtol=1e-9,
        atol=1e-12,
    )


def mp_mass(lo, hi):
    """P(lo < Z < hi) to all digits in either tail."""
    if lo >= hi:
        return mpmath.mpf(0)
    if lo + hi < 0:
        lo, hi = -hi, -lo
    root = mpmath.sqrt(2)
    return (mpmath.erfc(lo / root) - mpmath.erfc(hi / root)) / 2


def mp_wedge(coef, intercept, x, sigma):
    """P(class 0) as an integral over the second of two coordinates.

    Along the first one the class holds an interval, whose mass is taken with 30 digits.
    """
    sides = coef[0] - coef[1:]
    ahead = intercept[0] - intercept[1:] + sides @ x
    tip = -np.linalg.solve(sides, ahead)[1] / sigma
    ends = np.unique(np.append(np.arange(-20.0, 21.0), tip))
    node, weight = np.polynomial.legendre.leggauss(16)
    half = np.diff(ends)[:, np.newaxis] / 2
    at = (ends[:-1, np.newaxis] + half * (1 + node)).ravel()
    weight = (half * weight).ravel()
    total = mpmath.mpf(0)
    with mpmath.workdps(30):
        for z, w in zip(map(mpmath.mpf, at), map(mpmath.mpf, weight), strict=True):
            lo, hi = -mpmath.inf, mpmath.inf
            for (a, b), c in zip(sides, ahead, strict=True):
                bound = -(c + b * sigma * z) / (a * sigma)
                lo, hi = (max(lo, bound), hi) if a > 0 else (lo, min(hi, bound))
            total += w * mpmath.npdf(z) * mp_mass(lo, hi)
    return total


@pytest.mark.parametrize(
    ("x", "size"),
    [((0.5, 1.0), 0.3), ((-2.0, 0.5), 0.02), ((0.5, 6.0), 1e-6), ((-7, 7), 1e-10)],
)
def test_three_classes_tails_against_high_precision(x, size):
    coef = np.array([[1.0, -0.5], [-0.75, 0.25], [0.25, 1.0]])
    intercept = np.array([0.125, 0.5, -0.25])
    source = ThreeClassSource(np.arange(3), LinearScores(coef, intercept))
    for sigma in (0.5, 1.0):
        probit = source.probits([x], sigma)[0][0]
        for i in range(3):
            order = [i, *(j for j in range(3) if j != i)]
            exact = mp_wedge(coef[order], intercept[order], x, sigma)
            log_exact = float(mpmath.log(exact))
            assert log_ndtr(probit[i]) == pytest.approx(log_exact, rel=1e-12, abs=1e-10)
    assert ndtr(probit.min()) < size


def test_three_classes_far_out_is_finite_and_grows_with_the_distance():
    scores, X = random_wedges(0)
    source = ThreeClassSource(np.arange(3), scores)
    near, far = (source.probits(k * X, 0.01)[0] for k in (10.0, 100.0))
    assert np.all(np.isfinite(near)) and np.all(np.isfinite(far))
    assert np.all(far.max(axis=1) > near.max(axis=1))
    # The distance to the nearest boundary is never passed, and is nearly reached.
    score = X * 100.0 @ scores.coef.T + scores.intercept
    top = np.argmax(score, axis=1)
    gap = np.linalg.norm(scores.coef[top][:, np.newaxis] - scores.coef, axis=2)
    ahead = score.max(axis=1, keepdims=True) - score
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.nanmin(ahead / gap, axis=1)
    np.testing.assert_allclose(0.01 * far.max(axis=1), distance, rtol=1e-4)


def test_three_classes_at_the_tip_only_angles_count():
    angle = 2 * np.pi * np.arange(3) / 3
    coef = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    source = ThreeClassSource(np.arange(3), LinearScores(coef, np.zeros(3)))
    share = ndtr(source.probits(np.zeros((1, 2)), 0.7)[0])
    np.testing.assert_allclose(share, 1 / 3, atol=1e-15)
    # Beside the tip, by so little that rounding decides on which side of which edge.
    beside = 1e-16 * np.random.default_rng(0).normal(size=(50, 2))
    share = ndtr(source.probits(beside, 0.7)[0])
    np.testing.assert_allclose(share, 1 / 3, atol=1e-15)


def test_nearly_parallel_boundaries_are_refused():
    coef = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 1e-9]])
    with pytest.raises(Declined, match="nearly parallel"):
        ThreeClassSource(np.arange(3), LinearScores(coef, np.zeros(3)))


def test_a_line_of_two_classes_is_a_hyperplane():
    rng = np.random.default_rng(0)
    scores = LinearScores(rng.normal(size=(2, 3)), rng.normal(size=2))
    X = rng.normal(size=(30, 3))
    np.testing.assert_allclose(
        LineSource(np.arange(2), scores).probits(X, 0.1)[0],
        TwoClassSource(np.arange(2), scores).probits(X, 0.1)[0],
        rtol=1e-11,
        atol=1e-11,
    )


@pytest.mark.parametrize("unit", [1e-250, 1e-130, 1.0, 1e170, 1e250])
def test_a_hyperplane_is_where_it_is_in_any_unit(unit):
    weight = np.array([3.0, 4.0])
    scores = LinearScores(np.array([0 * weight, weight / unit]), np.array([0.0, -5.0]))
    source = TwoClassSource(np.arange(2), scores)
    probit = source.probits(unit * np.array([[1.0, 1.0], [3.0, 4.0]]), 0.5 * unit)[0]
    np.testing.assert_allclose(probit[:, 1], [0.8, 8.0], rtol=1e-12)


def test_a_line_of_ordered_classes():
    # Class c is ahead between c - 1/2 and c + 1/2; equal scores and a loser never are.
    centre = np.arange(5.0)
    coef = np.append(2 * centre, [2.0, 0.0])[:, np.newaxis]
    intercept = np.append(-(centre**2), [-1.0, -9.0])
    source = LineSource(np.arange(7), LinearScores(coef, intercept))
    probit = source.probits([[2.0]], 0.5)[0][0]
    np.testing.assert_allclose(ndtr(probit[2]), 2 * ndtr(1.0) - 1, rtol=1e-13)
    np.testing.assert_allclose(ndtr(probit[4]), ndtr(-3.0), rtol=1e-13)
    np.testing.assert_array_equal(probit[5:], -PROBIT_MAX)
    assert ndtr(probit).sum() == pytest.approx(1, abs=1e-13)


def test_classes_line_up_behind_one_component():
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(PCA(1), LogisticRegression(max_iter=1000)).fit(X, y)
    source = find_exact_source(model, X, 1.0)
    assert isinstance(source, LineSource)
    moved = X[:30, np.newaxis] + np.random.default_rng(0).normal(size=(30, 4000, 64))
    votes = model.predict(moved.reshape(-1, 64)).reshape(30, 4000)
    share = (votes[:, :, np.newaxis] == np.arange(10)).mean(axis=1)
    exact = ndtr(source.probits(X[:30], 1.0)[0])
    # Five standard errors, and one vote where hardly any are expected.
    error = 5 * np.sqrt(exact * (1 - exact) / 4000) + 1 / 4000
    assert (np.abs(share - exact) <= error).all()


@pytest.mark.parametrize("n_classes", range(3, 12))
def test_of_twins_on_a_line_only_the_first_is_answered(n_classes):
    """Their scores are equal; a difference in the last bits must not become an edge."""
    rng = np.random.default_rng(n_classes)
    for n_features in range(1, 40):
        coef = np.outer(rng.normal(size=n_classes), rng.normal(size=n_features))
        intercept = rng.normal(size=n_classes)
        coef[-1], intercept[-1] = coef[1], intercept[1]
        source = LineSource(np.arange(n_classes), LinearScores(coef, intercept))
        X = rng.normal(size=(5, n_features))
        np.testing.assert_array_equal(source.probits(X, 0.5)[0][:, -1], -PROBIT_MAX)


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_:UserWarning")
def test_scores_give_the_labels_of_ten_classes():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    for model in [LogisticRegression(), RidgeClassifier(), NearestCentroid()]:
        coef, intercept = linear_scores(model.fit(X, y))
        assert coef.shape == (10, 64) and intercept.shape == (10,)
        labels = model.classes_[np.argmax(X @ coef.T + intercept, axis=1)]
        np.testing.assert_array_equal(labels, model.predict(X))


def callable_kernel(A, B):
    return A @ B.T


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SVC(kernel="linear"), "pairs of classes vote"),
        (NuSVC(kernel="linear"), "pairs of classes vote"),
        (SVC(kernel="rbf"), "kernel 'rbf'"),
        (SVC(kernel=callable_kernel), "kernel <function"),
        (NearestCentroid(metric="manhattan"), "metric 'manhattan'"),
        (DecisionTreeClassifier(), "not known to be linear"),
    ],
)
def test_what_is_not_an_argmax_of_linear_scores_is_refused(model, reason):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(Declined, match=reason):
        linear_scores(model.fit(X, y))


def test_sparse_and_infinite_coefficients_are_refused():
    X, y = two_classes()
    with pytest.raises(Declined, match="sparse"):
        linear_scores(SGDClassifier(random_state=0).fit(X, y).sparsify())
    model = LogisticRegression().fit(X, y)
    model.coef_ = np.full_like(model.coef_, np.inf)
    with pytest.raises(Declined, match="not finite"):
        linear_scores(model)


def test_more_than_three_classes_are_refused():
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression().fit(X / 16, y)
    with pytest.raises(Declined, match="10 classes"):
        find_exact_source(model, X / 16, 0.25)
