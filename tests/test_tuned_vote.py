# SPDX-License-Identifier: BSD-3-Clause
"""Tuned vote weights give shrunken classes their regions back, or stay equal."""

import pickle
from itertools import pairwise
from unittest import SkipTest

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from scipy.stats import binom
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ShuffleSplit,
    StratifiedKFold,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.metrics import CertifiedScorer, ClasswiseScorer
from sksmooth.noise import Gaussian
from sksmooth.shrinkage import ball_vanishing_sigma, ball_vote_probability
from sksmooth.tuning._vote_weight_search import (
    VoteObjective,
    cross_fitted_answers,
    cross_fitted_gain,
    is_beyond_noise,
    search_vote_weights,
    worst_case_shares,
)
from tests.estimator_checks import each_check_and_routing, request_weights
from tests.known_regions import Inside

SCORINGS = ("worst_class_accuracy", "balanced_accuracy", "accuracy")


class Ball(Inside):
    """Answers "in" within distance 1 of the origin and "out" elsewhere."""

    def __init__(self):
        super().__init__(labels=("out", "in"))
        super().fit()

    def fit(self, X, y):
        raise AssertionError("must not be fitted again")


class Recorder(GaussianNB):
    """Keeps what each fit was given."""

    calls = []

    def fit(self, X, y, sample_weight=None):
        self.calls.append((len(X), sample_weight))
        return super().fit(X, y, sample_weight)


def directions(n_rows, n_features, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_features))
    return X / np.linalg.norm(X, axis=1)[:, np.newaxis]


def ball_rows(n_rows, n_features, seed=0):
    distance = np.random.default_rng(seed).uniform(0.4, 1.6, n_rows)
    X = directions(n_rows, n_features, seed) * distance[:, np.newaxis]
    return X, np.where(distance <= 1, "in", "out")


def symmetric_shares(n_rows, n_classes, spread, seed, handicap=1.0):
    """Votes of a perfect classifier of symmetric classes: equal weights are best.

    With a handicap, the share of class 0 is multiplied by it (and the others fill up),
    so that the best weights differ from equal ones by its inverse.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % n_classes
    X = rng.normal(size=(n_rows, n_classes)) + spread * np.eye(n_classes)[y]
    odds = np.exp(spread * X)
    odds[:, 0] *= handicap
    shares = odds / odds.sum(axis=1, keepdims=True)
    return rng.multinomial(1000, shares) / 1000, y


def objective(scoring, n_classes, floor=None):
    return VoteObjective(scoring, floor, np.arange(n_classes))


def answers_of(shares, weights):
    return np.argmax(shares * weights, axis=1)


def folds_of(y, n_folds=5):
    return [test for _, test in StratifiedKFold(n_folds).split(y, y)]


# The ball -----------------------------------------------------------------------------


def test_the_closed_form_weight_restores_a_vanished_ball():
    n_features, n_rows, n_votes = 10, 15, 40_000
    sigma = 1.1 * ball_vanishing_sigma(1, n_features)
    edge = ball_vote_probability(1.0, 1.0, sigma, n_features)
    weights = {"in": (1 - edge) / edge, "out": 1.0}
    settings = {"sigma": sigma, "n_predict": n_votes, "random_state": 0}
    plain = SmoothedClassifier.from_fitted(Ball(), **settings)
    weighted = SmoothedClassifier.from_fitted(Ball(), vote_weights=weights, **settings)
    assert_array_equal(plain.predict(np.zeros((1, n_features))), ["out"])
    for distance, answer in ((0.97, "in"), (1.03, "out")):
        # The votes can tell: the shares differ by more than 5 standard errors.
        share = ball_vote_probability(distance, 1.0, sigma, n_features)
        assert abs(share - edge) > 5 * np.sqrt(edge * (1 - edge) / n_votes)
        rows = distance * directions(n_rows, n_features)
        assert_array_equal(weighted.predict(rows), [answer] * n_rows)


def test_what_one_side_gains_in_radius_the_other_pays():
    sigma, weight = 0.3, 4.0
    settings = {"sigma": sigma, "random_state": 0}
    rows = np.concatenate([0.3 * directions(20, 3), 1.6 * directions(20, 3)])
    plain = SmoothedClassifier.from_fitted(Ball(), **settings).certify(rows, tol=0)
    weighted = SmoothedClassifier.from_fitted(
        Ball(), vote_weights={"in": weight}, **settings
    ).certify(rows, tol=0)
    inside = plain.label == "in"
    assert 0 < inside.sum() < len(rows)
    assert_array_equal(plain.label, weighted.label)
    gain = sigma * ndtri(weight / (1 + weight))
    assert_allclose(
        weighted.radius - plain.radius, np.where(inside, gain, -gain), atol=1e-9
    )


def test_tuning_finds_the_ball_again():
    n_features = 10
    sigma = 1.2 * ball_vanishing_sigma(1, n_features)
    smoothed = SmoothedClassifier(
        FrozenEstimator(Ball()), sigma=sigma, n_predict=2000, random_state=0
    )
    tuned = TunedVoteClassifierCV(smoothed).fit(*ball_rows(300, n_features))
    edge = ball_vote_probability(1.0, 1.0, sigma, n_features)
    found = tuned.vote_weights_[0] / tuned.vote_weights_[1]
    # Rows are 0.004 apart on average; 0.05 on either side takes any gap and the noise.
    near, far = (ball_vote_probability(r, 1.0, sigma, n_features) for r in (0.95, 1.05))
    assert (1 - near) / near < found < (1 - far) / far
    assert near > edge > far
    X, y = ball_rows(200, n_features, seed=1)
    plain = SmoothedClassifier.from_fitted(Ball(), sigma=sigma, random_state=0)
    assert set(plain.predict(X)) == {"out"}
    assert tuned.score(X, y) > 0.95


def test_a_vanished_digit_comes_back():
    X, y = load_digits(n_class=6, return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X / 16, y, train_size=300, test_size=240, stratify=y, random_state=0
    )
    smoothed = SmoothedClassifier(
        SVC(gamma=0.1), sigma=0.5, n_predict=100, random_state=0
    )
    tuned = TunedVoteClassifierCV(smoothed).fit(X, y)
    plain = smoothed.fit(X, y).predict(X_test)
    answers = tuned.predict(X_test)
    by_class = [np.mean(answers[y_test == c] == c) for c in range(6)]
    assert min(np.mean(plain[y_test == c] == c) for c in range(6)) == 0
    assert min(by_class) > 0.75
    assert np.mean(answers == y_test) > 0.9 > np.mean(plain == y_test) + 0.3


# The search ---------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("seed", range(5))
def test_with_two_classes_no_weight_is_better(scoring, seed):
    shares, y = symmetric_shares(60, 2, 1.0, seed, handicap=0.3)
    goal = objective(scoring, 2)
    best = search_vote_weights(shares, y, goal)[-1]
    every = np.exp(np.linspace(-8, 8, 4001))
    found = tuple(goal.judge(y, answers_of(shares, best)))
    assert found == max(tuple(goal.judge(y, answers_of(shares, [w, 1]))) for w in every)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_each_step_is_better_and_single_changes_can_not_improve_the_last(scoring):
    shares, y = symmetric_shares(200, 5, 1.5, 0, handicap=0.1)
    goal = objective(scoring, 5)
    path = search_vote_weights(shares, y, goal)
    levels = [tuple(goal.judge(y, answers_of(shares, w))) for w in path]
    assert_array_equal(path[0], np.ones(5))
    assert len(path) > 1
    assert all(a < b for a, b in pairwise(levels))
    for position in range(5):
        for factor in np.exp(np.linspace(-4, 4, 401)):
            other = path[-1].copy()
            other[position] *= factor
            assert tuple(goal.judge(y, answers_of(shares, other))) <= levels[-1]


def test_a_search_ends_near_the_best_of_many_random_weights():
    shares, y = symmetric_shares(150, 4, 1.5, 1, handicap=0.05)
    goal = objective("worst_class_accuracy", 4)
    found = goal.judge(y, answers_of(shares, search_vote_weights(shares, y, goal)[-1]))
    rng = np.random.default_rng(0)
    tried = [
        goal.judge(y, answers_of(shares, np.exp(rng.normal(0, 2, 4))))[0]
        for _ in range(5000)
    ]
    assert found[0] >= max(tried) - 0.03  # one row in a class of 37


def test_ties_go_to_accuracy_and_then_to_equal_weights():
    # A weight of class 1 above 1.5 gets the one row of class 1 right, and above 9 it
    # loses the row of class 0: anything between is as good. Of the intervals that
    # the rows leave, (1.5, 4) and (4, 9), the first is closer to equal.
    shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.8, 0.2]])
    y = np.array([0, 1, 1, 1])
    goal = objective("worst_class_accuracy", 2)
    weights = search_vote_weights(shares[:3], y[:3], goal)[-1]
    assert 1.5 < weights[1] / weights[0] < 9
    # The fourth row is right above 4, and accuracy asks for it.
    weights = search_vote_weights(shares, y, objective("accuracy", 2))[-1]
    assert 4 < weights[1] / weights[0] < 9
    # Where nothing can improve, nothing moves.
    assert len(search_vote_weights(shares[[0, 2]], y[[0, 2]], goal)) == 1


def test_unanimous_votes_can_not_be_moved():
    shares = np.eye(3)[[0, 1, 2, 2, 1, 0]]
    y = np.array([0, 1, 2, 0, 1, 2])
    for scoring in SCORINGS:
        assert len(search_vote_weights(shares, y, objective(scoring, 3))) == 1


def test_a_callable_sees_labels_and_does_as_the_name_does():
    shares, y = symmetric_shares(36, 3, 1.0, 0, handicap=0.2)
    classes = np.array(["ant", "bee", "cat"])

    def metric(y_true, y_pred):
        assert set(y_true) <= set(classes) and set(y_pred) <= set(classes)
        return balanced_accuracy_score(y_true, y_pred)

    # With at most 40 breakpoints a callable is evaluated at all of them.
    named, called = (
        search_vote_weights(shares, y, VoteObjective(scoring, None, classes))
        for scoring in ("balanced_accuracy", metric)
    )
    assert len(named) > 1
    assert_allclose(called, named)


def test_of_many_breakpoints_a_callable_is_asked_about_forty():
    n_rows = 400
    shares, y = symmetric_shares(n_rows, 2, 1.0, 0, handicap=0.1)
    asked = []

    def metric(y_true, y_pred):
        asked.append(y_pred)
        return balanced_accuracy_score(y_true, y_pred)

    paths = [
        search_vote_weights(shares, y, objective(scoring, 2))
        for scoring in ("balanced_accuracy", metric)
    ]
    best, called = (
        balanced_accuracy_score(y, answers_of(shares, path[-1])) for path in paths
    )
    # Two classes a sweep, and each sweep but the last gains something.
    assert 1 < len(asked) <= 1 + 40 * 2 * len(paths[1])
    # Between two that it is evaluated at are no more than 10 rows of 200 of a class.
    assert best - 0.5 * 10 / 200 <= called <= best
    assert called > balanced_accuracy_score(y, answers_of(shares, [1, 1]))


def test_a_floor_comes_first_and_is_all_that_is_asked():
    shares, y = symmetric_shares(900, 3, 1.2, 0)
    rare = (y != 1) & (np.arange(900) % 4 != 0)  # so accuracy favours class 1
    shares, y = shares[~rare], y[~rare]

    def worst_and_accuracy(goal):
        answers = answers_of(shares, search_vote_weights(shares, y, goal)[-1])
        return objective("worst_class_accuracy", 3).judge(y, answers)

    greedy = worst_and_accuracy(objective("accuracy", 3))
    fair = worst_and_accuracy(objective("worst_class_accuracy", 3))
    floor = (greedy[0] + fair[0]) / 2
    between = worst_and_accuracy(objective("accuracy", 3, floor))
    assert greedy[0] < floor <= between[0] < fair[0]
    assert fair[1] < between[1] < greedy[1]


def test_a_search_within_a_radius_finds_more_that_holds():
    # Class 0 is answered by a hair where it is right, the others clearly.
    shares, y = symmetric_shares(300, 3, 1.5, 0, handicap=0.5)
    contested = worst_case_shares(shares, y, Gaussian(1.0), 0.5, 1000)
    goal = objective("worst_class_accuracy", 3)
    plain, within = (
        search_vote_weights(given, y, goal)[-1] for given in (shares, contested)
    )
    by_plain, by_within = (
        goal.judge(y, answers_of(contested, weights))[0] for weights in (plain, within)
    )
    assert by_within > by_plain


def test_worst_case_shares_tell_what_holds_within_a_radius():
    rng = np.random.default_rng(0)
    n, sigma, radius = 2000, 0.7, 0.4
    shares = rng.dirichlet(np.full(4, 0.4), n)
    y = rng.integers(4, size=n)
    weights = np.array([1.0, 3.0, 0.2, 1.5])
    contested = worst_case_shares(shares, y, Gaussian(sigma), radius, 10**9)
    right = answers_of(contested, weights) == y

    rows = np.arange(n)
    probits = ndtri(shares)
    radii = Gaussian(sigma).radius(
        probits[rows, y][:, np.newaxis], probits, weights[y][:, np.newaxis], weights
    )
    radii[rows, y] = np.inf
    holds = radii.min(axis=1) > radius
    clear = np.abs(radii.min(axis=1) - radius) > 1e-9
    assert 0 < holds[clear].sum() < clear.sum()
    assert_array_equal(right[clear], holds[clear])
    assert worst_case_shares(shares, y, Gaussian(1.0)) is shares


def test_unanimous_votes_hold_no_infinite_radius():
    shares, y = np.array([[1.0, 0.0]]), np.array([0])
    reach = -ndtri(0.5 / 100)
    for factor, holds in ((0.99, True), (1.01, False)):
        contested = worst_case_shares(shares, y, Gaussian(1.0), factor * reach, 100)
        assert (contested.argmax(axis=1) == y) == holds


# What counts as a gain ----------------------------------------------------------------


def test_a_fold_is_answered_without_a_look_at_its_labels():
    shares, y = symmetric_shares(150, 3, 1.5, 0, handicap=0.2)
    folds = folds_of(y)
    goal = objective("worst_class_accuracy", 3)
    answers, weights = cross_fitted_answers(shares, y, folds, goal)
    changed = y.copy()
    changed[folds[2]] = (changed[folds[2]] + 1) % 3
    again, other_weights = cross_fitted_answers(shares, changed, folds, goal)
    assert_array_equal(again[folds[2]], answers[folds[2]])
    assert_array_equal(other_weights[2], weights[2])
    assert (other_weights != weights).any()


def accepts(shares, y, scoring, n_folds=5, significance=0.05):
    goal, folds = objective(scoring, shares.shape[1]), folds_of(y, n_folds)
    tuned, _ = cross_fitted_answers(shares, y, folds, goal)
    gain = cross_fitted_gain(y, shares.argmax(axis=1), tuned, folds, goal)
    return is_beyond_noise(*gain, significance)


@pytest.mark.parametrize("n_folds", [2, 5])
@pytest.mark.parametrize("scoring", ["worst_class_accuracy", "accuracy"])
def test_equal_weights_stay_where_they_are_best(scoring, n_folds):
    n_trials, level = 20, 0.05
    drawn = [symmetric_shares(90, 3, 1.5, seed) for seed in range(n_trials)]
    wrong = sum(accepts(*data, scoring, n_folds) for data in drawn)
    assert wrong <= binom.ppf(0.999, n_trials, level)
    # Not for want of trying: the search does find something on these very rows.
    goal = objective(scoring, 3)
    moved = sum(len(search_vote_weights(*data, goal)) > 1 for data in drawn)
    assert moved > n_trials / 2


def test_a_handicap_is_seen_and_undone():
    for seed in range(5):
        shares, y = symmetric_shares(300, 3, 2.0, seed, handicap=0.02)
        assert accepts(shares, y, "worst_class_accuracy")
        weights = search_vote_weights(shares, y, objective("worst_class_accuracy", 3))[
            -1
        ]
        assert 50 / 4 < weights[0] / np.sqrt(weights[1] * weights[2]) < 50 * 4


def test_folds_that_disagree_are_not_believed():
    # 0.4 of gain in one fold of five, none elsewhere: the rows alone would be sure.
    y = np.tile([0, 1], 250)
    plain, tuned = np.zeros_like(y), np.zeros_like(y)
    tuned[:100] = y[:100]
    goal = objective("accuracy", 2)
    in_one_fold = np.split(np.arange(500), 5)
    in_all_folds = [np.arange(k, 500, 5) for k in range(5)]
    gains, errors = zip(
        *(
            cross_fitted_gain(y, plain, tuned, folds, goal)
            for folds in (in_one_fold, in_all_folds)
        ),
        strict=True,
    )
    assert_allclose(gains, [[0.1], [0.1]])
    assert errors[0] > 2 * errors[1]
    believed = [is_beyond_noise(g, e, 0.05) for g, e in zip(gains, errors, strict=True)]
    assert believed == [False, True]


@pytest.mark.parametrize(
    ("gain", "error", "believed"),
    [
        ([0.1], [0.05], True),
        ([0.08], [0.05], False),
        ([0.0, 0.1], [0.0, 0.05], True),
        ([0.02, 0.1], [0.05, 0.05], True),
        ([0.1, -0.5], [0.05, 0.01], True),
        ([-0.01, 0.5], [0.05, 0.01], False),
        ([0.0], [0.0], False),
    ],
)
def test_the_first_level_that_changes_decides(gain, error, believed):
    assert is_beyond_noise(np.array(gain), np.array(error), 0.05) == believed


# The estimator ------------------------------------------------------------------------


def shrunken(n_rows=160, **params):
    """A task where the inner class has all but vanished, and its classifier."""
    X, y = ball_rows(n_rows, 5)
    smoothed = SmoothedClassifier(
        SVC(), sigma=0.6, n_predict=100, n_certify=300, random_state=0
    )
    return TunedVoteClassifierCV(smoothed.set_params(**params)), X, y


@pytest.fixture(scope="module")
def tuned():
    estimator, X, y = shrunken()
    return estimator.fit(X, y), X, y


def test_it_is_the_smoothed_classifier_with_its_weights(tuned):
    tuned, X, y = tuned
    rows = X[:40]
    assert tuned.cv_results_["accepted"]
    weights = tuned.vote_weights_
    assert_allclose(np.prod(weights), 1)
    twin = clone(tuned.estimator).set_params(vote_weights=weights).fit(X, y)
    shares = tuned.predict_proba(rows)
    assert_array_equal(shares, twin.predict_proba(rows))
    assert_array_equal(tuned.predict(rows), tuned.classes_[answers_of(shares, weights)])
    assert (tuned.predict(X) != tuned.classes_[tuned.predict_proba(X).argmax(1)]).any()
    for settings in ({}, {"radii": [0.0, 0.2]}):
        ours, theirs = tuned.certify(rows, **settings), twin.certify(rows, **settings)
        assert_array_equal(ours.label, theirs.label)
        assert_array_equal(ours.radius, theirs.radius)
    assert tuned.classwise_score(rows, y[:40], radius=0.1) == twin.classwise_score(
        rows, y[:40], radius=0.1
    )
    assert tuned.estimator.vote_weights is None


def test_it_says_what_it_did(tuned):
    tuned, X, y = tuned
    path, results = tuned.path_, tuned.cv_results_
    assert_array_equal(path["vote_weights"][0], [1, 1])
    assert_array_equal(path["vote_weights"][-1], tuned.vote_weights_)
    assert tuned.best_score_ == path["score"][-1] > path["score"][0]
    assert_array_equal(path["score"], path["worst_class_accuracy"])
    assert results["plain_score"] == path["score"][0]
    assert results["vote_weights"].shape == (5, 2)
    assert_allclose(results["gain"], results["tuned_score"] - results["plain_score"])
    assert results["gain"] > ndtri(0.95) * results["gain_std_error"] > 0
    # Scores are those of rows held out, so the first is that of cross-validation.
    index = (y == "out").astype(int)
    right = np.zeros(len(y), dtype=bool)
    for train, test in StratifiedKFold(5).split(X, y):
        fold = clone(tuned.estimator).fit(X[train], y[train])
        shares = fold.predict_proba(X[test])
        right[test] = answers_of(shares, tuned.vote_weights_) == index[test]
    worst = min(right[index == c].mean() for c in (0, 1))
    assert tuned.best_score_ == pytest.approx(worst)


def test_without_a_gain_it_is_the_plain_classifier():
    X, y = ball_rows(160, 5)
    estimator = shrunken(sigma=0.05)[0].fit(X, y)
    assert not estimator.cv_results_["accepted"]
    assert_array_equal(estimator.vote_weights_, [1, 1])
    assert estimator.best_score_ == estimator.path_["score"][0]
    plain = clone(estimator.estimator).fit(X, y)
    assert_array_equal(estimator.predict(X), plain.predict(X))
    ours, theirs = estimator.certify(X[:30]), plain.certify(X[:30])
    assert_array_equal(ours.radius, theirs.radius)


def test_significance_none_takes_any_weights():
    shares, y = symmetric_shares(90, 3, 1.5, 0)
    # Rows whose own votes have these shares: a tree on a single feature, and no noise.
    X = np.arange(90.0)[:, np.newaxis]

    class Table(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(3)

        def fit(self, X, y):
            return self

        def predict(self, X):
            rows = np.clip(np.rint(X[:, 0]), 0, 89).astype(int)
            # Of noise with a hundredth for sigma, it is uniform up to 1e-8.
            chance = (100 * X[:, 0] + 0.5) % 1.0
            return (chance[:, np.newaxis] > shares[rows].cumsum(1)[:, :2]).sum(axis=1)

        def __sklearn_is_fitted__(self):
            return True

    smoothed = SmoothedClassifier(
        FrozenEstimator(Table()), sigma=0.01, n_predict=500, random_state=0
    )
    tested = TunedVoteClassifierCV(smoothed).fit(X, y)
    untested = TunedVoteClassifierCV(smoothed, significance=None).fit(X, y)
    assert len(tested.path_["score"]) > 1
    assert_array_equal(tested.vote_weights_, np.ones(3))
    assert_array_equal(untested.vote_weights_, tested.path_["vote_weights"][-1])


def test_a_radius_asks_for_what_holds_within_it(tuned):
    at_zero, X, y = tuned
    radius = 0.1
    estimator = clone(at_zero).set_params(radius=radius).fit(X, y)
    weights = estimator.vote_weights_
    assert estimator.cv_results_["accepted"]
    assert estimator.best_score_ < at_zero.best_score_  # it asks for more
    # The same by cross-validation and the radius of two classes.
    holds = np.zeros(len(y), dtype=bool)
    for train, test in StratifiedKFold(5).split(X, y):
        shares = clone(at_zero.estimator).fit(X[train], y[train]).predict_proba(X[test])
        shares = np.clip(shares, 0.005, 0.995)  # half a vote of 100
        own = (y[test] == "out").astype(int)
        rows = np.arange(len(test))
        top, other = ndtri(shares[rows, own]), ndtri(shares[rows, 1 - own])
        law = Gaussian(at_zero.estimator.sigma)
        holds[test] = law.radius(top, other, weights[own], weights[1 - own]) > radius
    worst = min(holds[y == c].mean() for c in ("in", "out"))
    assert estimator.best_score_ == pytest.approx(worst)


def test_pipelines_inside_and_outside():
    estimator, X, y = shrunken()
    far = 100 * X + 1000
    around = make_pipeline(StandardScaler(), estimator).fit(far, y)
    within = TunedVoteClassifierCV(
        make_pipeline(StandardScaler(), estimator.estimator)
    ).fit(far, y)
    scaled = StandardScaler().fit_transform(far)
    scores = []
    for clf in (around, within):
        half = far[::2], y[::2]
        assert CertifiedScorer(radius=0.1, average="worst")(clf, *half) > 0.3
        assert ClasswiseScorer()(clf, *half)["certified_accuracy_worst"] > 0.5
        scores.append(clf.score(far, y))
    assert min(scores) > 0.85
    # Radii are in the units that the smoothed classifier sees.
    inner = within.estimator_[-1]
    far, scaled, y = far[:30], scaled[:30], y[:30]
    assert_array_equal(within.certify(far).radius, inner.certify(scaled).radius)
    assert within.classwise_score(far, y) == inner.classwise_score(scaled, y)
    assert inner.vote_weights is within.vote_weights_
    assert within.n_features_in_ == 5


def test_a_search_over_sigma_scores_the_weighted_answers():
    estimator, X, y = shrunken(n_predict=50)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), estimator.set_params(cv=3)),
        {"tunedvoteclassifiercv__estimator__sigma": [0.1, 0.6]},
        scoring=ClasswiseScorer(),
        refit="certified_accuracy_in",
        cv=StratifiedKFold(2),
    ).fit(X, y)
    assert (search.cv_results_["mean_test_certified_accuracy_in"] > 0.2).all()
    assert search.best_params_["tunedvoteclassifiercv__estimator__sigma"] == 0.1
    wide = clone(search.best_estimator_).set_params(
        tunedvoteclassifiercv__estimator__sigma=0.6
    )
    assert (wide.fit(X, y)[-1].vote_weights_ != 1).all()


class TestFrozen:
    def test_nothing_is_fitted_again(self):
        X, y = ball_rows(200, 5)
        sigma = 1.2 * ball_vanishing_sigma(1, 5)
        settings = {"sigma": sigma, "n_predict": 200, "random_state": 0}
        smoothed = SmoothedClassifier(FrozenEstimator(Ball()), **settings)
        tuned = TunedVoteClassifierCV(smoothed).fit(X, y)
        by_wrapping = TunedVoteClassifierCV(
            SmoothedClassifier.from_fitted(Ball(), **settings)
        ).fit(X, y)
        fitted = SmoothedClassifier.from_fitted(Ball(), **settings)
        whole = TunedVoteClassifierCV(FrozenEstimator(fitted)).fit(X, y)
        assert tuned.cv_results_["accepted"]
        for other in (by_wrapping, whole):
            assert_array_equal(other.vote_weights_, tuned.vote_weights_)
            assert_array_equal(other.predict(X), tuned.predict(X))
        assert fitted.vote_weights is None
        assert whole.estimator_.estimator_ is fitted.estimator_

    def test_a_frozen_pipeline_keeps_its_own_weights(self):
        estimator, X, y = shrunken()
        pipeline = make_pipeline(StandardScaler(), estimator.estimator).fit(X, y)
        before = pipeline.predict(X)
        tuned = TunedVoteClassifierCV(FrozenEstimator(pipeline)).fit(X, y)
        assert tuned.cv_results_["accepted"]
        assert_array_equal(pipeline.predict(X), before)
        assert (tuned.predict(X) != before).any()
        assert tuned.estimator_[0] is pipeline[0]

    def test_classes_must_be_those_it_knows(self):
        smoothed = SmoothedClassifier.from_fitted(Ball(), random_state=0)
        X, y = ball_rows(40, 3)
        with pytest.raises(ValueError, match=r"classes \['on'\].*does not know"):
            TunedVoteClassifierCV(smoothed).fit(X, np.where(y == "in", "on", y))
        with pytest.raises(ValueError, match=r"no samples of the classes \['in'\]"):
            TunedVoteClassifierCV(smoothed).fit(X[y == "out"], y[y == "out"])


def test_a_fold_may_lack_a_class():
    X, y = ball_rows(60, 5)
    y = y.astype("<U4")
    y[0] = "rare"
    estimator = shrunken(estimator=GaussianNB())[0]
    with pytest.warns(UserWarning, match="least populated class"):
        estimator.fit(X, y)
    assert_array_equal(estimator.classes_, ["in", "out", "rare"])
    assert estimator.vote_weights_.shape == (3,)


def test_one_seed_fixes_all_and_jobs_change_nothing():
    X, y = ball_rows(120, 5)
    smoothed = SmoothedClassifier(
        DecisionTreeClassifier(max_features=2), sigma=0.5, n_predict=50
    )

    def outcome(seed, **params):
        clf = TunedVoteClassifierCV(smoothed, random_state=seed, **params).fit(X, y)
        return np.r_[clf.path_["vote_weights"].ravel(), clf.predict_proba(X).ravel()]

    first = outcome(0)
    assert_array_equal(outcome(0), first)
    with parallel_config(backend="threading"):
        assert_array_equal(outcome(0, n_jobs=2), first)
    assert outcome(1).shape != first.shape or (outcome(1) != first).any()


def test_a_fitted_one_can_be_pickled_and_cloned(tuned):
    tuned, X, _ = tuned
    again = pickle.loads(pickle.dumps(tuned))
    assert_array_equal(again.predict(X), tuned.predict(X))
    assert not hasattr(clone(tuned), "estimator_")


def test_column_names_are_seen_by_the_base():
    pd = pytest.importorskip("pandas")
    estimator, X, y = shrunken()
    frame = pd.DataFrame(X, columns=list("abcde"))
    named = estimator.fit(frame, y)
    assert_array_equal(named.feature_names_in_, list("abcde"))
    plain = clone(estimator).fit(X, y)
    assert_array_equal(named.vote_weights_, plain.vote_weights_)
    assert_array_equal(named.predict(frame), plain.predict(X))


def test_sample_weight_goes_with_the_rows():
    X, y = ball_rows(100, 3)
    weight = np.random.default_rng(0).random(100)
    smoothed = SmoothedClassifier(Recorder(), n_predict=20, random_state=0)
    Recorder.calls.clear()
    TunedVoteClassifierCV(smoothed, cv=4).fit(X, y, sample_weight=weight)
    calls = Recorder.calls[:]
    assert [n for n, _ in calls] == [100, 75, 75, 75, 75]
    assert_array_equal(calls[0][1], weight)
    for (train, _), (_, given) in zip(
        StratifiedKFold(4).split(X, y), calls[1:], strict=True
    ):
        assert_array_equal(given, weight[train])


def test_metadata_is_routed_to_the_base_and_the_splitter():
    X, y = ball_rows(100, 3)
    weight, groups = np.arange(100) + 1.0, np.arange(100) % 4
    with config_context(enable_metadata_routing=True):
        base = Recorder().set_fit_request(sample_weight=True)
        smoothed = SmoothedClassifier(base, n_predict=20, random_state=0)
        Recorder.calls.clear()
        TunedVoteClassifierCV(smoothed, cv=GroupKFold(4)).fit(
            X, y, sample_weight=weight, groups=groups
        )
    held_out = [
        {int(g) for g in groups} - {int(w - 1) % 4 for w in given}
        for _, given in Recorder.calls[1:]
    ]
    assert sorted(map(tuple, held_out)) == [(0,), (1,), (2,), (3,)]


# Refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"estimator": GaussianNB()}, TypeError, "GaussianNB.*not a SmoothedClass"),
        ({"estimator": SVC()}, TypeError, "SVC.*not a SmoothedClass"),
        (
            {"estimator": make_pipeline(StandardScaler(), GaussianNB())},
            TypeError,
            "no votes to weigh",
        ),
        ({"estimator__vote_weights": [1, 2]}, ValueError, r"vote_weights=\[1, 2\]"),
        ({"floor": 0.8}, ValueError, "floor=0.8"),
        ({"floor": 1.5, "scoring": "accuracy"}, ValueError, "floor"),
        ({"scoring": "f1"}, ValueError, "scoring"),
        ({"scoring": lambda t, p: np.nan}, ValueError, "returned nan"),
        ({"radius": -1}, ValueError, "radius"),
        ({"radius": np.inf}, ValueError, "radius"),
        ({"significance": 0.9}, ValueError, "significance"),
        ({"cv": ShuffleSplit(3, random_state=0)}, ValueError, "each sample in one"),
        ({"cv": [(np.arange(30), np.arange(60))]}, ValueError, "two or more folds"),
    ],
)
def test_it_refuses_what_it_cannot_do(params, error, message):
    X, y = ball_rows(60, 3)
    estimator = TunedVoteClassifierCV(
        SmoothedClassifier(GaussianNB(), n_predict=20, random_state=0)
    ).set_params(**params)
    with pytest.raises(error, match=message):
        estimator.fit(X, y)


def test_it_says_what_is_out_of_reach():
    estimator, X, y = shrunken()
    with pytest.warns(UserWarning, match="floor=1 is out of reach"):
        estimator.set_params(scoring="accuracy", floor=1.0).fit(X, y)
    estimator.set_params(scoring="worst_class_accuracy", floor=None, radius=9.0)
    with pytest.warns(UserWarning, match="radius=9 for a sample of each class"):
        estimator.fit(X, y)
    assert_array_equal(estimator.vote_weights_, [1, 1])


# The manners of scikit-learn ----------------------------------------------------------


@each_check_and_routing(
    [
        TunedVoteClassifierCV(
            SmoothedClassifier(DecisionTreeClassifier(), n_predict=30), cv=2
        ),
        TunedVoteClassifierCV(
            make_pipeline(
                StandardScaler(),
                SmoothedClassifier(
                    LogisticRegression(), method="monte_carlo", n_predict=30
                ),
            ),
            cv=2,
        ),
    ],
    by_class=True,
)
def test_scikit_learn_check(estimator, check, routing):
    with config_context(enable_metadata_routing=routing):
        if routing:
            estimator = request_weights(estimator)
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"a check was skipped: {skipped}")
