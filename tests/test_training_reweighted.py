# SPDX-License-Identifier: BSD-3-Clause
"""Noise augmentation that gives harmed classes more copies."""

from unittest import SkipTest

import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits, load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.training import NoiseAugmentedClassifier, ReweightedNoiseClassifier
from sksmooth.training._copies import draw_by_class
from sksmooth.training._reweighted_noise import (
    cross_fitted_rounds,
    earliest_good_round,
)
from sksmooth.tuning._vote_weight_search import VoteObjective
from tests.estimator_checks import each_check_and_routing
from tests.known_votes import assert_at_most

LEAN = {"n_rounds": 3, "cv": 2, "n_copies": 2, "n_predict": 60, "random_state": 0}


def three_rings(n=600, seed=0):
    """A compact class inside a wide one, which smoothing shrinks, and one far away."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1, 2], [n // 6, n // 2, n - n // 6 - n // 2]))
    radius = np.choose(y, [0.0, 2.0, 0.0])[:, None]
    angle = rng.uniform(0, 2 * np.pi, n)
    X = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    X[y == 2] += 8
    return X + 0.35 * rng.standard_normal((n, 2)), y


class Worst(ClassifierMixin, BaseEstimator):
    """Keeps how many samples of each class each fit was given, over all calls."""

    seen: list = []

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        type(self).seen.append(counts)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize(
    "weight", [[1, 1, 1], [1, 2.5, 0.5], [1e-9, 1, 1], [0.3, 7, 1]]
)
def test_samples_are_drawn_in_proportion_to_weights(weight):
    rng = np.random.default_rng(0)
    index = rng.permutation(np.repeat([0, 1, 2], [20, 50, 30]))
    due = np.array([20, 50, 30]) * weight
    due = 100 * due / due.sum()
    total = np.zeros(3)
    for _ in range(200):
        rows = draw_by_class(index, np.array(weight, dtype=float), rng)
        assert len(rows) == 100
        counts = np.bincount(index[rows], minlength=3)
        assert counts.min() >= 1
        if due.min() > 1:
            assert (np.abs(counts - due) < 1 + 1e-9).all()
        for c in range(3):
            times = np.bincount(rows, minlength=100)[index == c]
            assert np.ptp(times) <= 1
        total += counts
    if due.min() > 1:  # remainders are rounded at random, without bias
        assert_allclose(total / 200, due, atol=4 * np.sqrt(0.25 / 200))


def test_equal_weights_draw_each_sample_once():
    index = np.repeat([0, 1, 2], [20, 50, 30])
    rows = draw_by_class(index, np.ones(3), np.random.default_rng(0))
    assert_array_equal(np.sort(rows), np.arange(100))


def test_weights_of_a_class_grow_with_its_errors():
    """`Worst` always predicts class 0, so the others have errors only."""
    X, y = load_iris(return_X_y=True)
    X = X + 1e-6 * np.arange(150)[:, np.newaxis]  # two flowers are the same
    Worst.seen.clear()
    clf = ReweightedNoiseClassifier(Worst(), sigma=1.0, **LEAN).fit(X, y)
    step = np.sqrt(8 * np.log(3) / 3)
    ratio = np.exp(step)
    for k, weight in enumerate(clf.path_["class_weight"]):
        assert_allclose(weight / weight[0], [1, ratio**k, ratio**k])
        assert_allclose(weight.mean(), 1.0)
    assert_array_equal(clf.path_["class_accuracy"], np.tile([1.0, 0, 0], (3, 1)))
    # Two folds in each of three rounds, of 75 samples and two copies; then all.
    assert len(Worst.seen) == 7
    assert_array_equal([counts.sum() for counts in Worst.seen], [150] * 6 + [300])
    due = 150 * np.repeat(clf.path_["class_weight"], 2, axis=0) / 3
    assert (np.abs(Worst.seen[:6] - due) <= 2 + 1e-9).all()
    # Nothing was gained.
    assert_array_equal(clf.class_weight_, 1.0)
    assert clf.best_round_ == 0
    assert not clf.cv_results_["accepted"]


@pytest.mark.parametrize("base", [LogisticRegression(max_iter=1000), GaussianNB()])
def test_without_a_gain_it_is_noise_augmentation(base):
    X, y = load_iris(return_X_y=True)
    plain = NoiseAugmentedClassifier(base, sigma=0.3, n_copies=3, random_state=0)
    for params in ({"n_rounds": 1}, {"significance": 1e-9, "n_rounds": 2}):
        clf = ReweightedNoiseClassifier(
            base, sigma=0.6, train_sigma=0.3, cv=2, n_copies=3, random_state=0, **params
        )
        assert_array_equal(
            clf.fit(X, y).predict_proba(X), plain.fit(X, y).predict_proba(X)
        )


def test_the_class_that_smoothing_shrinks_gets_its_region_back():
    X, y = three_rings()
    X_test, y_test = three_rings(seed=1)
    scores = {}
    for n_rounds in (1, 5):
        base = ReweightedNoiseClassifier(
            DecisionTreeClassifier(min_samples_leaf=10, random_state=0),
            sigma=1.2,
            train_sigma=0.4,
            n_rounds=n_rounds,
            cv=3,
            random_state=0,
        )
        clf = SmoothedClassifier(base, sigma=1.2, n_predict=300, random_state=0)
        scores[n_rounds] = clf.fit(X, y).classwise_score(X_test, y_test)
    fitted = clf.estimator_
    assert fitted.cv_results_["accepted"]
    assert fitted.class_weight_[0] > 1 > fitted.class_weight_[1]
    assert_array_equal(
        fitted.class_weight_, fitted.path_["class_weight"][fitted.best_round_]
    )
    # Of 100 samples of the compact class, beyond noise.
    assert scores[5][0] > scores[1][0] + 4 * np.sqrt(0.5 / 100)
    assert min(scores[5].values()) > min(scores[1].values())


def rings_classifier(**params):
    return ReweightedNoiseClassifier(
        DecisionTreeClassifier(min_samples_leaf=10, random_state=0),
        sigma=1.0,
        train_sigma=0.4,
        n_copies=2,
        n_predict=100,
        cv=2,
        random_state=0,
        **params,
    )


def test_with_alpha_samples_count_that_are_certified():
    X, y = three_rings(300)
    predicted = rings_classifier(n_rounds=2).fit(X, y)
    found = {
        alpha: rings_classifier(n_rounds=2, alpha=alpha).fit(X, y)
        for alpha in (0.2, 1e-6)
    }
    accuracy = [
        clf.path_["class_accuracy"][0] for clf in (found[1e-6], found[0.2], predicted)
    ]
    assert (np.diff(accuracy, axis=0) >= 0).all()
    assert accuracy[0].sum() < accuracy[1].sum()
    assert "mean_radius" not in predicted.path_
    radius = [clf.path_["mean_radius"][0] for clf in found.values()]
    assert radius[0] > radius[1] > 0


@pytest.mark.parametrize("most", [0.05, 0.15, 0.9])
def test_weights_cost_no_more_radius_than_they_may(most):
    X, y = three_rings(300)
    clf = rings_classifier(
        n_rounds=5, alpha=0.01, max_radius_loss=most, significance=None
    ).fit(X, y)
    radius, weight = clf.path_["mean_radius"], clf.path_["class_weight"]
    allowed = radius >= (1 - most) * radius[0]
    score = np.where(allowed, clf.path_["score"], -1)
    assert clf.best_round_ == score.argmax()
    assert_array_equal(clf.class_weight_, weight[clf.best_round_])
    assert allowed.all() == (most == 0.9)
    within, beyond = 0, None
    for at in range(5):
        if beyond is not None:
            halfway = np.sqrt(weight[within] * weight[beyond])
            assert_allclose(weight[at] / weight[at][0], halfway / halfway[0])
        within, beyond = (at, beyond) if allowed[at] else (within, at)


def test_certificates_of_a_reweighted_classifier_are_valid():
    """Training changes the classifier, not what its votes prove."""
    X, y = three_rings(300)
    base = ReweightedNoiseClassifier(
        DecisionTreeClassifier(max_depth=4, random_state=0),
        sigma=1.0,
        significance=None,
        **LEAN,
    ).fit(X, y)
    rng = np.random.default_rng(0)
    X_test = rng.uniform(-3, 9, (1500, 2))
    how = {"sigma": 1.0, "alpha": 0.1, "random_state": 0}
    sampled = SmoothedClassifier.from_fitted(
        base, method="monte_carlo", n_certify=300, **how
    ).certify(X_test)
    exact = SmoothedClassifier.from_fitted(
        base.estimator_, method="exact", **how
    ).certify(X_test)
    wrong = sampled.label != exact.label
    wrong |= sampled.radius > exact.radius + 1e-9
    assert_at_most((wrong & ~sampled.abstained).sum(), len(X_test), 0.1)


def test_the_earliest_round_within_noise_is_kept():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    folds = np.array_split(rng.permutation(400), 4)
    objective = VoteObjective("worst_class_accuracy", None, np.arange(2))

    def answers(accuracy):  # of class 1
        right = rng.random(400) < np.where(y == 1, accuracy, 0.95)
        return np.where(right, y, 1 - y)

    bad, good = answers(0.3), answers(0.85)
    better = good.copy()
    better[np.flatnonzero((y == 1) & (good != y))[0]] = 1  # one sample more
    rounds = np.array([bad, good, better])
    assert earliest_good_round(rounds, y, folds, objective) == 1
    assert earliest_good_round(rounds[::-1], y, folds, objective) == 0
    assert_array_equal(cross_fitted_rounds(rounds, y, folds, objective), good)


def test_the_noise_is_fixed_by_the_seed():
    X, y = load_iris(return_X_y=True)
    clf = ReweightedNoiseClassifier(GaussianNB(), sigma=1.0, **LEAN)
    first = clone(clf).fit(X, y)
    with parallel_config(backend="threading"):
        second = clone(clf).set_params(n_jobs=2).fit(X, y)
    assert_array_equal(first.path_["class_weight"], second.path_["class_weight"])
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    other = clone(clf).set_params(random_state=1).fit(X, y)
    assert (first.predict_proba(X) != other.predict_proba(X)).any()


@pytest.mark.parametrize(
    "objective", ["balanced_accuracy", "accuracy", balanced_accuracy_score]
)
def test_objectives_labels_and_frames(objective):
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    y = pandas.Series(np.array(["setosa", "versicolor", "virginica"])[y])
    clf = ReweightedNoiseClassifier(
        LogisticRegression(),
        sigma=1.0,
        objective=objective,
        **LEAN | {"n_rounds": 2},  # a function of the labels is called often
    ).fit(X, y)
    assert set(clf.predict(X)) <= set(y)
    assert_array_equal(clf.feature_names_in_, X.columns)
    accuracy = clf.path_["class_accuracy"].mean(axis=1)
    assert_allclose(clf.path_["score"], accuracy)


def test_sample_weights_go_with_their_samples():
    """A weight of zero is as if the sample were not there."""
    X, y = load_iris(return_X_y=True)
    mixed = np.random.default_rng(0).permutation(300)
    X_more = np.concatenate([X, X + 5])[mixed]
    y_more = np.concatenate([y, 2 - y])[mixed]
    weight = np.repeat([1.0, 0.0], 150)[mixed]
    clf = ReweightedNoiseClassifier(
        LogisticRegression(max_iter=500), sigma=0.3, significance=None, **LEAN
    )
    assert clf.fit(X_more, y_more, sample_weight=weight).score(X, y) > 0.9


def test_in_a_pipeline_and_a_search():
    X, y = load_digits(n_class=3, return_X_y=True)
    base = ReweightedNoiseClassifier(LogisticRegression(), sigma=1.0, **LEAN)
    pipeline = make_pipeline(StandardScaler(), SmoothedClassifier(base, sigma=1.0))
    grid = GridSearchCV(
        pipeline,
        {"smoothedclassifier__estimator__train_sigma": [0.5, 1.0]},
        cv=2,
    ).fit(X[:200], y[:200])
    # Better than chance by five standard errors of 200 samples.
    chance = np.bincount(y[:200]).max() / 200
    assert grid.best_score_ > chance + 5 * np.sqrt(chance * (1 - chance) / 200)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sigma": 0.0}, "sigma"),
        ({"train_sigma": 0.0}, "train_sigma"),
        ({"n_rounds": 0}, "n_rounds"),
        ({"objective": "f1"}, "objective"),
        ({"significance": 0.9}, "significance"),
        ({"n_predict": 0}, "n_predict"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": 0.1, "objective": balanced_accuracy_score}, "abstains"),
        ({"alpha": 0.1, "max_radius_loss": 1.0}, "max_radius_loss"),
        ({"max_radius_loss": 0.1}, "alpha=None certifies nothing"),
        ({"cv": ShuffleSplit(2, random_state=0)}, "each sample"),
        ({"estimator": LinearRegression()}, "must be a classifier"),
        ({"estimator": FrozenEstimator(GaussianNB())}, "FrozenEstimator"),
    ],
)
def test_bad_parameters(params, message):
    X, y = load_iris(return_X_y=True)
    clf = ReweightedNoiseClassifier(
        **{"estimator": GaussianNB(), "sigma": 1.0} | params
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)


COMMON = [
    ReweightedNoiseClassifier(
        LogisticRegression(),
        sigma=0.25,
        n_rounds=2,
        cv=2,
        n_copies=2,
        n_predict=30,
    ),
    ReweightedNoiseClassifier(
        DecisionTreeClassifier(random_state=0),
        sigma=0.25,
        n_rounds=2,
        cv=2,
        n_copies=2,
        n_predict=30,
    ),
]


# A sample given twice gets noise of its own each time, so that a weight of 2 is the
# same in the mean over the noise only; see the test below.
@each_check_and_routing(
    COMMON,
    without=(ReweightedNoiseClassifier, "sample_weight_equivalence"),
    by_class=True,
)
def test_scikit_learn_check(estimator, check, routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing:
            estimator = clone(estimator)
            estimator.estimator.set_fit_request(sample_weight=True)
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"a check was skipped: {skipped}")


def test_weights_are_repetitions_in_the_mean_over_the_noise():
    """The weighted mean of a class is that of repeated samples, up to the noise."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.repeat([0, 1], 15)
    weight = rng.integers(0, 4, size=30)
    sigma, n_copies = 1.0, 200
    clf = ReweightedNoiseClassifier(
        GaussianNB(), sigma=sigma, n_rounds=1, n_copies=n_copies, random_state=0
    )
    weighted = clone(clf).fit(X, y, sample_weight=weight).estimator_.theta_
    rows = np.repeat(np.arange(30), weight)
    repeated = clone(clf).fit(X[rows], y[rows]).estimator_.theta_
    for c in (0, 1):
        own = weight[y == c].astype(float)
        exact = own @ X[y == c] / own.sum()
        # Standard errors of the means of all copies.
        errors = [np.sqrt((own**2).sum()) / own.sum(), 1 / np.sqrt(own.sum())]
        for found, error in zip((weighted[c], repeated[c]), errors, strict=True):
            assert_allclose(found, exact, atol=5 * sigma * error / np.sqrt(n_copies))


def test_copies_of_a_sample_are_in_the_same_fold():
    """A tree knows what it was fitted on; labels here say nothing of other samples."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(100, 2)), 4, axis=0)
    y = np.repeat(rng.integers(2, size=100), 4)
    mixed = rng.permutation(400)
    clf = ReweightedNoiseClassifier(
        DecisionTreeClassifier(random_state=0), sigma=1e-3,
        objective="accuracy", n_rounds=2, n_copies=1, cv=4, n_predict=10,
        random_state=0,
    ).fit(X[mixed], y[mixed])  # fmt: skip
    # Beyond this a fair coin is in one of 10^5 runs of 100 samples.
    assert abs(clf.path_["score"][0] - 0.5) < 4.27 * 0.5 / np.sqrt(100)
    # Three points cannot be left out one by one; then copies are told apart.
    line = np.tile([[-1.0], [0.0], [1.0]], (20, 1))
    clf.fit(line, np.tile([0, 1, 0], 20))
    assert clf.path_["score"][0] == 1.0
