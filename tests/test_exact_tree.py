# SPDX-License-Identifier: BSD-3-Clause
"""Single trees: leaf boxes against high precision, and thresholds as they compare."""

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr
from sklearn.datasets import load_iris, make_classification
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from sksmooth.votes.exact import PROBIT_MAX, Declined, find_exact_source
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._structure import as_compared
from sksmooth.votes.exact._tree import TreeSource


@pytest.fixture(scope="module")
def iris_tree():
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    return model, X, find_exact_source(model, X, 0.5)


def threshold_as_float32(threshold):
    """Half-way between the last float32 that is not above, and the next: by search."""
    below = np.float32(threshold)
    while float(below) > threshold:
        below = np.nextafter(below, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    return (mpmath.mpf(float(below)) + mpmath.mpf(float(above))) / 2


def mp_mass(lo, hi):
    """P(lo < Z < hi) to all digits in either tail."""
    if lo + hi < 0:
        lo, hi = -hi, -lo
    root = mpmath.sqrt(2)
    return (mpmath.erfc(lo / root) - mpmath.erfc(hi / root)) / 2


def mp_log_probabilities(model, x, sigma):
    """Log probabilities of the classes and of their complements, down the tree."""
    tree = model.tree_
    share = [mpmath.mpf(0)] * model.n_classes_

    def walk(node, bounds):
        if tree.children_left[node] < 0:
            product = mpmath.mpf(1)
            for f, (lo, hi) in bounds.items():
                product *= mp_mass((lo - x[f]) / sigma, (hi - x[f]) / sigma)
            share[int(np.argmax(tree.value[node, 0]))] += product
            return
        f = int(tree.feature[node])
        cut = threshold_as_float32(tree.threshold[node])
        lo, hi = bounds.get(f, (-mpmath.inf, mpmath.inf))
        walk(tree.children_left[node], bounds | {f: (lo, min(hi, cut))})
        walk(tree.children_right[node], bounds | {f: (max(lo, cut), hi)})

    # Enough digits that differences of erfc near 1 keep their last ones too.
    with mpmath.workdps(50):
        x, sigma = [mpmath.mpf(float(v)) for v in x], mpmath.mpf(sigma)
        walk(0, {})
        rest = [
            sum(p for j, p in enumerate(share) if j != k) for k in range(len(share))
        ]
        return [[float(mpmath.log(p)) for p in part] for part in (share, rest)]


@pytest.mark.parametrize("sigma", [0.5, 0.1, 0.03])
@pytest.mark.parametrize("row", [0, 70, 77, 130])
def test_both_tails_against_high_precision(iris_tree, row, sigma):
    model, X, source = iris_tree
    probit = source.probits(X[[row]], sigma)[0][0]
    log_share, log_rest = mp_log_probabilities(model, X[row], sigma)
    for k, z in enumerate(probit):
        # Whichever of the class and its complement is the small one.
        log_small = log_share[k] if z < 0 else log_rest[k]
        # An error of 1e-10 in the logarithm is one of 1e-10, relatively, in the mass.
        assert log_ndtr(-abs(z)) == pytest.approx(log_small, rel=0, abs=1e-10)


@pytest.mark.parametrize("sigma", [0.01, 0.002])
def test_beyond_underflow_against_high_precision(iris_tree, sigma):
    model, X, source = iris_tree
    for row in (0, 60, 149):
        probit = source.probits(X[[row]], sigma)[0][0]
        assert probit.min() < -38
        log_share, log_rest = mp_log_probabilities(model, X[row], sigma)
        for k, z in enumerate(probit):
            log_small = log_share[k] if z < 0 else log_rest[k]
            assert log_ndtr(-abs(z)) == pytest.approx(log_small, rel=1e-11)


def test_radius_stays_finite_and_tends_to_the_distance_as_noise_vanishes(iris_tree):
    _, X, source = iris_tree
    radius = []
    for sigma in (1e-3, 1e-5, 1e-7):
        lower, upper = source.probits(X, sigma)
        ranked = np.sort(upper, axis=1)
        radius.append(sigma / 2 * (lower.max(axis=1) - ranked[:, -2]))
    assert np.all(np.isfinite(radius))
    np.testing.assert_allclose(radius[1], radius[2], rtol=1e-3)
    # Setosa is told by one threshold, on petal width: its distance is known.
    cut = next(t for t in source._boxes.intervals.threshold if 0.6 < t < 1)
    np.testing.assert_allclose(radius[2][:50], cut - X[:50, 3], rtol=1e-6)


def test_thresholds_are_where_scikit_learn_turns():
    X, y = make_classification(2000, 5, n_informative=4, n_redundant=0, random_state=0)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    tree = model.tree_
    inner = np.flatnonzero(tree.children_left >= 0)
    threshold = tree.threshold[inner]
    cut = as_compared(threshold)
    n_contradicted = 0
    for k in (*range(-20, 0), *range(1, 21)):
        # k steps of float64 away from the cut, so always rounded across its float32.
        x = cut + k * np.spacing(cut)
        goes_left = x.astype(np.float32) <= threshold
        np.testing.assert_array_equal(goes_left, x <= cut)
        n_contradicted += np.sum(goes_left != (x <= threshold))
    # Comparing with the threshold itself would not do.
    assert n_contradicted > 0


@pytest.mark.parametrize("offset", [-20, -3, -1, 1, 3, 20])
def test_structure_agrees_within_a_few_steps_of_every_threshold(offset):
    X, y = make_classification(500, 4, n_informative=3, n_redundant=0, random_state=1)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    source = find_exact_source(model, X, 0.5)
    intervals = source._boxes.intervals
    rows = np.repeat(X, 2, axis=0)[: len(intervals.threshold)]
    cut = intervals.threshold
    rows[np.arange(len(rows)), intervals.feature] = cut + offset * np.spacing(cut)
    np.testing.assert_array_equal(
        source.predict_from_structure(rows), model.predict(rows)
    )


def test_a_big_tree_is_worked_off_in_parts():
    X, y = make_classification(3000, 6, n_informative=4, flip_y=0.3, random_state=0)
    model = ExtraTreeClassifier(random_state=0).fit(X, y)
    source = find_exact_source(model, X, 0.5)
    assert source._boxes.n_boxes > 500
    together = source.probits(X[:300], 0.3)[0]
    np.testing.assert_allclose(
        together[::50], source.probits(X[:300:50], 0.3)[0], rtol=1e-10
    )
    np.testing.assert_allclose(ndtr(together).sum(axis=1), 1, atol=1e-12)


def test_siblings_that_answer_the_same_are_merged():
    X, y = make_classification(500, 4, random_state=0)
    model = DecisionTreeClassifier(max_depth=4, criterion="entropy").fit(X, y)
    source = find_exact_source(model, X, 0.5)
    answers = model.predict(X)
    assert source._boxes.n_boxes < model.get_n_leaves()
    np.testing.assert_array_equal(source.predict_from_structure(X), answers)


def test_a_tree_without_splits_always_answers_the_same():
    X, _ = load_iris(return_X_y=True)
    one = DecisionTreeClassifier().fit(X, np.ones(len(X), dtype=int))
    lower, _ = find_exact_source(one, X, 0.5).probits(X, 0.5)
    np.testing.assert_array_equal(lower, np.full((len(X), 1), PROBIT_MAX))
    y = np.arange(len(X)) < 100
    stump = DecisionTreeClassifier(min_samples_leaf=100).fit(X, y)
    lower, _ = find_exact_source(stump, X, 0.5).probits(X, 0.5)
    np.testing.assert_array_equal(lower, [[-PROBIT_MAX, PROBIT_MAX]] * len(X))


def test_a_split_on_missing_values_is_refused():
    X, y = load_iris(return_X_y=True)
    holed = X.copy()
    holed[y == 1, 0] = np.nan
    model = DecisionTreeClassifier(random_state=0).fit(holed, y)
    with pytest.raises(Declined, match="missing values"):
        find_exact_source(model, X, 0.5)


def test_more_noise_on_a_feature_that_is_not_used_changes_nothing(iris_tree):
    model, X, source = iris_tree
    unused = model.feature_importances_ == 0
    assert unused.any()
    scaled = TreeSource(
        model, AffineMap.scaling(np.where(unused, 7.0, 1.0), np.zeros(X.shape[1]))
    )
    np.testing.assert_array_equal(scaled.probits(X, 0.3)[0], source.probits(X, 0.3)[0])


@pytest.mark.parametrize("move", [-2.0, -0.8, 0.8, 2.0])
def test_branches_that_no_sample_reaches_have_no_mass(move):
    # Once a threshold is moved in place, those below it may contradict it.
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    model.tree_.threshold[0] += move
    source = find_exact_source(model, X, 0.5)
    rows, n = X[::10], 4000
    share = ndtr(source.probits(rows, 0.5)[0])
    np.testing.assert_allclose(share.sum(axis=1), 1.0, atol=1e-12)
    noisy = rows[:, np.newaxis] + 0.5 * np.random.default_rng(0).normal(
        size=(len(rows), n, 4)
    )
    labels = model.predict(noisy.reshape(-1, 4)).reshape(len(rows), n, 1)
    votes = (labels == np.arange(3)).mean(axis=1)
    # 45 comparisons at 6 standard errors each.
    assert np.all(np.abs(votes - share) <= 6 * np.sqrt(share * (1 - share) / n) + 1 / n)
