# SPDX-License-Identifier: BSD-3-Clause
"""Labels of forests and boosted trees: those of `predict`, with and without numba."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from sksmooth.votes import Declined
from sksmooth.votes.fast import _tree_sums
from sksmooth.votes.fast._cuts import find_cuts
from sksmooth.votes.fast._tree_sums import (
    TreeSums,
    _packed,
    _without_zeros,
    has_numba,
)
from tests.fast_case import FastCase, fast_votes, fitted
from tests.source_case import SourceCase

NEED_NUMBA = pytest.mark.skipif(not has_numba(), reason="needs numba")


class TestForests(FastCase):
    has_rounding = False
    sizes = (1e8,)  # predict refuses what is too large for float32

    @staticmethod
    def estimators():
        return [
            RandomForestClassifier(10, random_state=0),
            ExtraTreesClassifier(7, max_depth=4, criterion="log_loss", random_state=1),
            RandomForestClassifier(
                6, bootstrap=False, max_leaf_nodes=9, class_weight="balanced"
            ),
            DecisionTreeClassifier(max_depth=5, random_state=0),
            ExtraTreeClassifier(random_state=0),
        ]

    def test_labels_on_a_tie_are_those_of_predict(self):
        X, y = self.data()
        forest = RandomForestClassifier(2, max_depth=3, random_state=0).fit(X, y)
        rows = self.noisy(X, 0.5)
        proba = np.sort(forest.predict_proba(rows), axis=1)
        tied = rows[proba[:, -1] == proba[:, -2]]
        assert len(tied) > 20
        positions = fast_votes(forest, X).vote(tied, tied, np.arange(len(tied)))
        assert_array_equal(forest.classes_[positions], forest.predict(tied))


class TestBagging(FastCase):
    sizes = (1e8,)
    has_rounding = False  # two trees that swap their labels are no tie

    @staticmethod
    def estimators():
        return [
            BaggingClassifier(n_estimators=7, random_state=0),
            BaggingClassifier(
                DecisionTreeClassifier(max_depth=3), n_estimators=9, random_state=1
            ),
        ]


class TestAdaBoost(FastCase):
    sizes = (1e8,)
    has_rounding = False  # scores jump where a tree changes its label

    @staticmethod
    def estimators():
        return [
            AdaBoostClassifier(n_estimators=9, random_state=0),
            AdaBoostClassifier(
                DecisionTreeClassifier(max_depth=3), n_estimators=5, random_state=0
            ),
        ]


def test_ada_boost_of_two_classes_and_of_trees_of_equal_weights():
    X, y = TestAdaBoost.data()
    rows = TestAdaBoost.noisy(X, 0.7)
    for labels, tree in ((y > 0, None), (y, DecisionTreeClassifier(max_depth=2))):
        ada = AdaBoostClassifier(tree, n_estimators=4, random_state=0).fit(X, labels)
        assert len(ada.estimators_) == 4
        for weights in (ada.estimator_weights_, np.ones(4)):
            ada.estimator_weights_ = weights
            votes = fast_votes(ada, X)
            positions = votes.vote(rows, rows, np.arange(len(rows)))
            assert_array_equal(ada.classes_[positions], ada.predict(rows))
            _, unsure = votes.fast.predictor.positions(rows)
            # Two trees against two are a tie.
            assert unsure.any() == (weights[0] == weights[1])


class TestHistGradientBoosting(FastCase):
    has_rounding = False  # scores jump from tree to tree

    @staticmethod
    def estimators():
        return [
            HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=3),
            HistGradientBoostingClassifier(
                max_iter=5, max_bins=7, learning_rate=1.7, max_depth=2, warm_start=True
            ),
        ]


class TestGradientBoosting(FastCase):
    has_rounding = False
    sizes = (1e8,)

    @staticmethod
    def estimators():
        return [
            GradientBoostingClassifier(n_estimators=8, random_state=0),
            GradientBoostingClassifier(
                n_estimators=5, init="zero", subsample=0.7, random_state=0
            ),
        ]


def test_scores_of_histogram_boosting_are_the_same_to_the_last_bit():
    for X, estimator in _boosted():
        predictor = fast_votes(estimator, X).fast.predictor
        rows = TestHistGradientBoosting.noisy(X, 0.7)
        scores = predictor.scores(rows)
        expected = estimator.decision_function(rows)
        assert_array_equal(np.squeeze(scores), expected)
        # Values that are thresholds themselves, and those next to them.
        cuts = np.unique(np.concatenate(predictor._sums._find_cuts()[0].cuts))
        cuts = np.concatenate([np.nextafter(cuts, s) for s in (-np.inf, cuts, np.inf)])
        rows = np.column_stack([np.roll(cuts, 7 * j) for j in range(X.shape[1])])
        scores = predictor.scores(rows)
        assert_array_equal(np.squeeze(scores), estimator.decision_function(rows))


def test_rows_are_left_out_where_later_trees_do_not_change_their_sign(monkeypatch):
    X, y = SourceCase.data()
    rows = TestGradientBoosting.noisy(X, 0.7)
    for estimator in (
        GradientBoostingClassifier(n_estimators=40, learning_rate=0.3, random_state=0),
        HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=4),
    ):
        estimator.fit(X, y > 0)
        predictor = fast_votes(estimator, X).fast.predictor
        sizes, add = [], predictor._sums.add_walked

        def counted(rows, totals, part, add=add, sizes=sizes):
            sizes.append(len(rows))
            add(rows, totals, part)

        monkeypatch.setattr(predictor._sums, "add_walked", counted)
        monkeypatch.setattr(_tree_sums, "ROWS_WORTH_MASKS", 10**9)
        (scores,) = predictor.scores(rows).T
        assert len(sizes) == 4
        assert 0 < sizes[-1] < 0.5 * sizes[0]
        # Sums to the end are the same to the last bit, and others nearer to zero.
        expected = estimator.decision_function(rows)
        assert (scores == expected).sum() >= sizes[-1]
        assert_array_equal(scores > 0, expected > 0)
        assert (np.abs(scores) <= np.abs(expected) + 1e-12).all()


def _boosted():
    estimators, X = fitted(TestHistGradientBoosting)
    y = TestHistGradientBoosting.data()[1]
    yield X, estimators[0]
    two = HistGradientBoostingClassifier(max_iter=6, min_samples_leaf=4).fit(X, y > 0)
    yield X, two


def test_missing_values_are_left_to_predict():
    X, y = SourceCase.data()
    rows = X.copy()
    rows[::3, 0] = np.nan
    for estimator in (
        HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3),
        RandomForestClassifier(5, random_state=0),
    ):
        estimator.fit(rows, y)
        votes = fast_votes(estimator, rows)
        positions = votes.vote(rows, rows, np.arange(len(rows)))
        assert_array_equal(estimator.classes_[positions], estimator.predict(rows))
        _, unsure = votes.fast.predictor.positions(rows)
        assert_array_equal(np.flatnonzero(unsure), np.arange(0, len(rows), 3))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_column_that_no_tree_takes_may_not_be_too_large_either():
    X, y = SourceCase.data()
    rows = np.column_stack([X, np.zeros(len(X))])
    forest = RandomForestClassifier(5, random_state=0).fit(rows, y)
    votes = fast_votes(forest, rows)
    rows[3, 2] = 1e39
    with pytest.raises(ValueError, match="too large for dtype"):
        votes.vote(rows, rows, np.arange(len(rows)))


def test_what_is_not_covered_is_declined():
    X, y = SourceCase.data()
    whole = np.round(10 * (X - X.min(axis=0)))
    cases = [
        (BaggingClassifier(LogisticRegression()), X, "LogisticRegression"),
        (BaggingClassifier(max_features=0.5), X, "some of the features"),
        (
            HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]),
            whole,
            "categorical",
        ),
        (
            GradientBoostingClassifier(n_estimators=3, init=LogisticRegression()),
            X,
            "another estimator",
        ),
    ]
    for estimator, rows, reason in cases:
        with pytest.raises(Declined, match=reason):
            fast_votes(estimator.fit(rows, y), rows)
    ada = AdaBoostClassifier(LogisticRegression(), n_estimators=2).fit(X, y)
    with pytest.raises(Declined, match="LogisticRegression"):
        fast_votes(ada, X)
    changed = RandomForestClassifier(3).fit(X, y)
    changed.estimators_[1].predict_proba = lambda X, check_input=True: None
    with pytest.raises(Declined, match="was replaced"):
        fast_votes(changed, X)
    changed.estimators_[1] = DummyClassifier().fit(X, y)
    with pytest.raises(Declined, match="DummyClassifier"):
        fast_votes(changed, X)


def test_packed_trees_lead_to_the_same_leaves():
    """Walked here in plain Python as the compiled code walks them."""
    X, y = SourceCase.data()
    forest = RandomForestClassifier(3, random_state=0).fit(X, y)
    trees = [member.tree_ for member in forest.estimators_]
    values = [np.arange(float(tree.node_count))[:, np.newaxis] for tree in trees]
    nodes, starts, depths, packed, places, _ = _packed(trees, values, [0, 1, 2])
    assert not places.any()  # there is one column
    rows = TestForests.noisy(X[:3], 0.5).astype(np.float32)
    at_threshold = np.full((1, X.shape[1]), nodes["threshold"][starts[0]])
    rows = np.concatenate([rows, at_threshold, np.nextafter(at_threshold, np.inf)])
    for tree, start, depth in zip(trees, starts, depths, strict=True):
        at = np.full(len(rows), start)
        for _ in range(depth):
            value = rows[np.arange(len(rows)), nodes["feature"][at]]
            at = nodes["left"][at] + (value > nodes["threshold"][at])
        assert_array_equal(packed[at, 0], tree.apply(rows))


def test_zeros_are_left_out_where_no_leaf_has_several_values():
    pure = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    values, places = _without_zeros(pure)
    assert values.shape == (3, 1)
    again = np.zeros_like(pure)
    again[np.arange(3), places] = values[:, 0]
    assert_array_equal(again, pure)
    mixed = np.concatenate([pure, [[0.0, 0.3, 0.7]]])
    assert_array_equal(_without_zeros(mixed)[0], mixed)
    # Trees that are grown fully are of the one kind, others of the other.
    forests, _ = fitted(TestForests)
    kinds = [
        _without_zeros(tree.tree_.value[tree.tree_.feature < 0, 0])[0].shape[1]
        for forest in forests[:2]
        for tree in forest.estimators_[:1]
    ]
    assert kinds == [1, 3]


def _same_by_each_way(case, add):
    """Positions and sums of a way to add trees are those of walks down, bit for bit."""
    estimators, X = fitted(case)
    rows = case.noisy(X, 1.0)[: 5 * 256 + 13]
    for estimator in estimators:
        predictor = fast_votes(estimator, X).fast.predictor
        sums = predictor._sums
        sums._n_rows_seen = -(10**9)
        before = predictor.positions(rows)
        sums._n_rows_seen = 2**40
        assert sums.quicker_than_walking(len(rows)) == getattr(sums, add)
        for first, second in zip(before, predictor.positions(rows), strict=True):
            assert_array_equal(first, second)
        totals = np.ones((2, len(rows), sums.n_columns))
        TreeSums.add_walked(sums, sums.rows(rows), totals[0])
        getattr(sums, add)(rows, totals[1])
        assert_array_equal(*totals)


@pytest.mark.parametrize("case", [TestHistGradientBoosting, TestGradientBoosting])
def test_comparing_rows_with_all_nodes_computes_the_same_to_the_last_bit(
    case, monkeypatch
):
    monkeypatch.setattr(_tree_sums, "ROWS_WORTH_COMPILING", 2**50)
    _same_by_each_way(case, "add_by_masks")


def _trees_and_rows():
    """Trees of one leaf and of many, and rows at thresholds and next to them."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((900, 3)), rng.integers(3, size=900)
    deep = ExtraTreeClassifier(random_state=0).fit(X, y).tree_
    single = DecisionTreeClassifier(max_depth=1).fit(X, np.zeros(900)).tree_
    narrow = DecisionTreeClassifier(max_leaf_nodes=33).fit(X, y).tree_
    small = DecisionTreeClassifier(max_depth=2).fit(X, y).tree_
    assert single.node_count == 1 and deep.n_leaves > 300 and narrow.n_leaves == 33
    trees = [deep, single, narrow, small, single]
    rows = np.tile(X[:200].astype(np.float32), (3, 1))
    for tree, some in ((deep, slice(0, 120)), (narrow, slice(120, 200))):
        at = rng.choice(np.flatnonzero(tree.feature >= 0), 200)[some]
        rows[np.arange(200)[some], tree.feature[at]] = tree.threshold[at]
    rows[200:400] = np.nextafter(rows[:200], np.float32(np.inf))
    return trees, rows


@pytest.mark.parametrize("some", [slice(None), slice(1, 2), slice(2, 4)])
@pytest.mark.parametrize("add", ["add_by_masks", "add_compiled"])
def test_leaves_of_several_words_and_trees_of_one_leaf(some, add):
    """With the values of all leaves told apart."""
    if add == "add_compiled" and not has_numba():
        pytest.skip("needs numba")
    trees, rows = _trees_and_rows()
    trees = trees[some]
    values = [np.arange(tree.node_count)[:, np.newaxis] + 0.1 for tree in trees]
    sums = TreeSums(trees, values, list(range(len(trees))))
    totals = np.zeros((2, len(rows), len(trees)))
    sums.add_walked(rows, totals[0])
    getattr(sums, add)(rows, totals[1])
    assert_array_equal(*totals)
    # More thresholds than a byte holds, in the deep tree.
    if add == "add_by_masks" and some == slice(None):
        assert sums._masks[0].dtype == np.uint16


def test_codes_count_the_thresholds_below_a_value():
    rng = np.random.default_rng(0)
    for n_cuts in (0, 1, 64, 65, 255, 256, 300):
        feature = np.repeat([4, 1], [n_cuts + 20, 2])
        threshold = np.append(rng.standard_normal(n_cuts), np.full(20, np.inf))
        threshold = np.append(threshold, [0.0, -0.0])
        cuts, place, code = find_cuts(feature, threshold)
        assert sorted(cuts.used) == [1, 4]
        assert_array_equal(cuts.used[place], feature)
        values = np.concatenate([threshold, np.nextafter(threshold, np.inf), [np.nan]])
        rows = np.tile(values[:, np.newaxis], (1, 5))
        codes = cuts.codes(rows)
        assert codes.dtype == (np.uint8 if n_cuts < 255 else np.uint16)
        for of, limit, p in zip(code, threshold, place, strict=True):
            is_number = ~np.isnan(values)
            expected = values[is_number] <= limit
            assert_array_equal(codes[p][is_number] <= of, expected)


@NEED_NUMBA
@pytest.mark.parametrize("most_nodes", [0, 10**6])
@pytest.mark.parametrize(
    "case", [TestForests, TestHistGradientBoosting, TestGradientBoosting]
)
def test_compiled_code_computes_the_same_to_the_last_bit(case, most_nodes, monkeypatch):
    """Both by walks and by comparing rows with all nodes."""
    monkeypatch.setattr(_tree_sums, "MOST_NODES", most_nodes)
    _same_by_each_way(case, "add_compiled")


@NEED_NUMBA
@pytest.mark.parametrize("n_cuts", [0, 1, 7, 64, 65, 200])
def test_cuts_below_values_are_counted(n_cuts):
    from sksmooth.votes.fast import _numba

    rng = np.random.default_rng(0)
    cuts = np.unique(rng.standard_normal(n_cuts))
    values = np.concatenate([cuts, np.nextafter(cuts, np.inf), rng.standard_normal(70)])
    rows = np.column_stack([np.zeros(len(values)), values])
    codes = np.empty((len(rows), 1), dtype=np.float32)
    _numba.count_below(rows, np.array([1]), cuts, np.array([0, n_cuts]), codes)
    assert_array_equal(codes[:, 0], np.searchsorted(cuts, values))


def test_labels_of_leaves_are_counted_where_trees_are_grown_fully():
    X, y = TestForests.data()
    rows = TestForests.noisy(X, 0.5)
    # More trees than a byte can count.
    full = ExtraTreesClassifier(300, max_depth=30, random_state=0).fit(X, y)
    cut = ExtraTreesClassifier(5, max_depth=3, random_state=0).fit(X, y)
    for forest, is_counted in ((full, True), (cut, False)):
        predictor = fast_votes(forest, X).fast.predictor
        assert (predictor._sums._labels is not None) == is_counted
        assert_array_equal(predictor.means(rows), forest.predict_proba(rows))
    trees = [member.tree_ for member in full.estimators_]
    leaves = [tree.value[:, 0] for tree in trees]
    for value in (0.5, -1.0, 2.0):
        leaves[7] = np.where(leaves[7] == 1, value, 0.0)
        sums = TreeSums(trees, leaves, [0] * len(trees))
        assert sums._labels is None


def test_a_copy_that_is_sent_to_a_job_gives_the_same():
    estimators, X = fitted(TestForests)
    predictor = fast_votes(estimators[0], X).fast.predictor
    copy = pickle.loads(pickle.dumps(predictor))
    for first, second in zip(predictor.positions(X), copy.positions(X), strict=True):
        assert_array_equal(first, second)
