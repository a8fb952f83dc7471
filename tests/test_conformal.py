# SPDX-License-Identifier: BSD-3-Clause
"""Prediction sets cover as often as they say, also after the worst change."""

from functools import cache
from unittest import SkipTest

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_moons,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth.conformal import RobustConformalClassifier, prediction_set_report
from sksmooth.conformal._calibration import (
    conformal_threshold,
    needed_samples,
    required_coverage,
)
from sksmooth.conformal._scores import SCORES
from sksmooth.noise import Gaussian, Laplace
from tests.estimator_checks import each_check_and_routing

N_SPLITS = 8


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:900] / 16, y[:900]


# How to load, and sigma; with few samples to calibrate, a radius takes more noise.
DATA = {
    "digits": (digits, 0.5),
    "iris": (lambda: scaled(load_iris), 1.0),
    "wine": (lambda: scaled(load_wine), 1.0),
    "cancer": (lambda: scaled(load_breast_cancer), 0.5),
    "moons": (lambda: make_moons(600, noise=0.25, random_state=0), 0.5),
}


def worst_changes(fitted, threshold, X, y, radius, sigma, norm, rng):
    """The change of each sample, of those tried, that its class survives least often.

    It knows all but the noise: directions at random, away from the sample's class along
    the gradient of its probability, and towards other classes.
    """
    score_of = SCORES["lac"]
    tried = [rng.standard_normal(X.shape) for _ in range(3)]
    # A gradient by least squares from noisy copies: it needs no derivatives.
    steps = sigma * rng.standard_normal((32, *X.shape))
    own = np.arange(len(y)), y

    def own_scores(changes):
        """Scores of the samples' own classes after each of several changes."""
        proba = fitted.predict_proba((X + changes).reshape(-1, X.shape[1]))
        return score_of(proba).reshape(*changes.shape[:2], -1)[:, *own]

    values = own_scores(steps)
    tried.append(np.einsum("kn,knd->nd", values - values.mean(axis=0), steps))
    for c in np.unique(y):
        tried.append(np.where((y == c)[:, None], 0, X[y == c].mean(axis=0) - X))
    misses = np.full(len(y), -1.0)
    worst = X.copy()
    noises = sigma * rng.standard_normal((24, *X.shape))
    for direction in tried:
        if norm == 1:  # all of the change in the feature where it does most
            largest = np.abs(direction).argmax(axis=1)
            sparse = np.zeros_like(direction)
            at = np.arange(len(X)), largest
            sparse[at] = np.sign(direction[at])
            direction = sparse
        size = np.linalg.norm(direction, norm, axis=1, keepdims=True)
        # Just inside the ball, where rounding cannot take it outside.
        changed = X + radius * (1 - 1e-9) * direction / np.where(size > 0, size, 1.0)
        missed = np.mean(own_scores(changed - X + noises) > threshold, axis=0)
        better = missed > misses
        misses[better], worst[better] = missed[better], changed[better]
    return worst


@cache
def trained(name):
    """A classifier trained with noise, its training samples, and the others."""
    load, sigma = DATA[name]
    X_fit, X, y_fit, y = train_test_split(
        *(data := load()), test_size=0.7, stratify=data[1], random_state=0
    )
    rng = np.random.default_rng(0)
    noisy = np.concatenate([X_fit, X_fit + sigma * rng.standard_normal(X_fit.shape)])
    fitted = LogisticRegression(max_iter=2000).fit(noisy, np.tile(y_fit, 2))
    return fitted, X_fit, y_fit, X, y, rng.bit_generator.state


def coverage_of_splits(name, radius, noise="gaussian", **params):
    """Covered shares without and with a change, over splits; and a standard error."""
    sigma, level = DATA[name][1], 0.9
    fitted, X_fit, y_fit, X, y, state = trained(name)
    rng = np.random.default_rng(0)
    rng.bit_generator.state = state
    plain, attacked = [], []
    for split in range(N_SPLITS):
        X_cal, X_test, y_cal, y_test = train_test_split(
            X, y, test_size=0.5, random_state=split
        )
        clf = RobustConformalClassifier(
            FrozenEstimator(fitted),
            sigma=sigma,
            radius=radius,
            confidence_level=level,
            noise=noise,
            random_state=split,
            **params,
        )
        clf.fit(X_fit, y_fit).conformalize(X_cal, y_cal)
        own = np.arange(len(y_test)), y_test
        plain.append(clf.predict_set(X_test)[own].mean())
        if radius > 0:
            p = 2 if noise == "gaussian" else 1
            X_test = worst_changes(
                fitted, clf.thresholds_[0], X_test, y_test, radius, sigma, p, rng
            )
        attacked.append(clf.predict_set(X_test)[own].mean())
    spread = level * (1 - level) * (1 / len(y_cal) + 1 / len(y_test)) / N_SPLITS
    return np.mean(plain), np.mean(attacked), np.sqrt(spread)


@pytest.mark.slow
@pytest.mark.parametrize("radius", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("name", DATA)
def test_sets_cover_also_after_the_worst_change_found(name, radius):
    """Given a pool of samples, a split at random makes them exchangeable."""
    plain, attacked, error = coverage_of_splits(name, radius)
    assert plain >= 0.9 - 4 * error
    assert attacked >= 0.9 - 4 * error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "radius"), [("laplace", 0.25), ("uniform", 0.1), ("splitting", 0.1)]
)
def test_sets_cover_under_other_noise_too(noise, radius):
    plain, attacked, error = coverage_of_splits("moons", radius, noise=noise)
    assert min(plain, attacked) >= 0.9 - 4 * error


def half_line(edge, sigma):
    """A classifier of one feature whose probability of class 0 falls from 1 to 0."""

    class HalfLine(GaussianNB):
        def predict_proba(self, X):
            p = norm.sf(np.asarray(X)[:, 0], edge, sigma)
            return np.column_stack([p, 1 - p])

    return HalfLine()


@pytest.mark.parametrize("law", [Gaussian, Laplace])
@pytest.mark.parametrize("radius", [0.0, 0.2, 0.7])
def test_the_worst_case_is_reached_and_not_exceeded(law, radius):
    """One feature, the same for all: moving it by the radius costs all of the margin.

    All samples are at 0 (apart from what tells their noise apart), of class 0, whose
    score grows along the line; a change to the right is then the worst event of the
    Neyman-Pearson lemma, for which the bound is an equality.
    """
    rng = np.random.default_rng(0)
    n, level = 10_000, 0.8
    X = 1e-3 * rng.random((2 * n, 1))
    y = np.zeros(2 * n, dtype=int)
    y[:2] = 1
    clf = RobustConformalClassifier(
        half_line(0.0, 1.0),
        sigma=0.5,
        radius=radius,
        noise=law.name,
        confidence_level=level,
        random_state=0,
    )
    clf.fit(X, y)
    clf.conformalize(X[2:n], y[2:n])
    covered = clf.predict_set(X[n:] + radius)[:, 0].mean()
    b = clf.calibrated_coverage_
    # What the calibration misses by is magnified by the slope of 1 - G(1 - b, r).
    step = 1e-4
    slope = (
        1
        - required_coverage(1 - (b - step), radius, law(0.5))
        - (1 - required_coverage(1 - b, radius, law(0.5)))
    ) / -step
    error = slope * np.sqrt(b * (1 - b) / n) + np.sqrt(level * (1 - level) / n)
    assert abs(covered - level) <= 4 * error + 2e-3


@pytest.mark.parametrize("sigma", [0.25, 1.0])
@pytest.mark.parametrize("radius", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("level", [0.3, 0.9, 0.999])
def test_the_coverage_to_calibrate_at(sigma, radius, level):
    b = required_coverage(level, radius, Gaussian(sigma))
    assert_allclose(b, norm.cdf(norm.ppf(level) + radius / sigma), rtol=1e-12)
    for law in (Gaussian(sigma), Laplace(sigma)):
        b = required_coverage(level, radius, law)
        if b < 1 - 1e-9:
            # 1 - G(1 - b, r) is the level again.
            left = 1 - norm.cdf(law.grow(norm.ppf(1 - b), radius))
            assert_allclose(left, level, rtol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 9, 10, 100])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_the_rank_of_a_new_score_is_uniform(n_samples, level):
    scores = np.random.default_rng(0).permutation(np.arange(n_samples + 1.0))
    covered = [
        new <= conformal_threshold(np.delete(scores, at), level)
        for at, new in enumerate(scores)
    ]
    assert np.mean(covered) >= level
    assert np.mean(covered) - level < 1 / (n_samples + 1) + 1e-12
    few = needed_samples(level)
    assert np.isfinite(conformal_threshold(np.zeros(few), level))
    assert conformal_threshold(np.zeros(few - 1), level) == np.inf


def test_scores():
    proba = np.array([[0.5, 0.3, 0.2], [0.25, 0.5, 0.25]])
    assert_allclose(SCORES["lac"](proba), 1 - proba)
    assert_allclose(SCORES["aps"](proba), [[0.5, 0.8, 1.0], [1.0, 0.5, 1.0]])


@pytest.fixture(scope="module")
def parts():
    X, y = digits()
    X, X_rest, y, y_rest = train_test_split(X, y, test_size=0.7, random_state=0)
    return X, y, *train_test_split(X_rest, y_rest, test_size=0.4, random_state=0)


def calibrated(parts, **params):
    X, y, X_cal, _, y_cal, _ = parts
    params = {"sigma": 0.3, "random_state": 0} | params
    clf = RobustConformalClassifier(LogisticRegression(max_iter=300), **params)
    return clf.fit(X, y).conformalize(X_cal, y_cal)


@pytest.mark.parametrize("score", SCORES)
def test_sets_grow_with_radius_and_level(parts, score):
    X_test = parts[3]
    before = np.zeros((len(X_test), 10), dtype=bool)
    for radius, level in ((0.0, 0.8), (0.0, 0.9), (0.1, 0.9), (0.3, 0.9)):
        clf = calibrated(
            parts, radius=radius, confidence_level=level, conformity_score=score
        )
        sets = clf.predict_set(X_test)
        assert (sets >= before).all()
        assert sets.sum() > before.sum()
        before = sets


def test_the_noise_belongs_to_the_sample(parts):
    X_test = parts[3]
    clf = calibrated(parts, radius=0.1)
    sets = clf.predict_set(X_test)
    assert_array_equal(clf.predict_set(X_test[::-1])[::-1], sets)
    alone = np.concatenate([clf.predict_set(X_test[i : i + 1]) for i in range(20)])
    assert_array_equal(alone, sets[:20])
    assert (
        calibrated(parts, radius=0.1, random_state=1).predict_set(X_test) != sets
    ).any()


def test_each_class_is_covered_if_calibrated_by_class():
    """A class that is hard is covered less often than the others, unless requested."""
    rng = np.random.default_rng(0)
    n = 6000
    y = rng.permutation(np.repeat([0, 1], [n - n // 10, n // 10]))
    X = (2.0 * y + rng.standard_normal(n))[:, np.newaxis]
    clf = RobustConformalClassifier(
        LogisticRegression(), sigma=0.5, radius=0.1, random_state=0
    )
    third = np.arange(n) % 3
    shares = {}
    for by_class in (False, True):
        clf.set_params(class_conditional=by_class).fit(X[third == 0], y[third == 0])
        clf.conformalize(X[third == 1], y[third == 1])
        sets = clf.predict_set(X[third == 2])
        report = prediction_set_report(y[third == 2], sets, clf.classes_, output="dict")
        shares[by_class] = [report["by_class"][c]["coverage"] for c in (0, 1)]
    # 200 samples of the rare class to calibrate with, and 200 to test.
    error = np.sqrt(0.09 * (1 / 200 + 1 / 200))
    assert shares[False][1] < 0.9 - 4 * error
    assert min(shares[True]) >= 0.9 - 3 * error


def test_too_few_samples_to_calibrate_are_warned_of(parts):
    X, y, X_cal, X_test, y_cal, _ = parts
    clf = RobustConformalClassifier(
        LogisticRegression(max_iter=300), sigma=0.3, random_state=0
    ).fit(X, y)
    with pytest.warns(UserWarning, match=r"too few calibration samples \(8\).* 9 are"):
        clf.conformalize(X_cal[:8], y_cal[:8])
    assert clf.predict_set(X_test).all()
    clf.set_params(class_conditional=True)
    few = np.r_[np.flatnonzero(y_cal == 3)[:8], np.flatnonzero(y_cal != 3)]
    with pytest.warns(UserWarning, match=r"of the classes \[3\]"):
        clf.conformalize(X_cal[few], y_cal[few])
    sets = clf.predict_set(X_test)
    assert sets[:, 3].all()
    assert not sets[:, 4].all()
    clf.set_params(radius=100.0)
    with pytest.warns(UserWarning, match="No number of samples"):
        clf.conformalize(X_cal, y_cal)


def test_a_question_that_changed_is_refused(parts):
    X_cal, X_test, y_cal = parts[2], parts[3], parts[4]
    changes = {
        "sigma": 0.5,
        "radius": 0.2,
        "confidence_level": 0.5,
        "noise": "laplace",
        "norm": 1,
        "class_conditional": True,
        "conformity_score": "aps",
    }
    for name, value in changes.items():
        clf = calibrated(parts).set_params(**{name: value})
        with pytest.raises(ValueError, match=f"{name}=.*conformalize again"):
            clf.predict_set(X_test)
        if name != "class_conditional":  # ten classes of 38 samples are enough there
            clf.conformalize(X_cal, y_cal).predict_set(X_test)


def test_without_calibration_there_are_no_sets(parts):
    X, y, _, X_test, _, _ = parts
    clf = calibrated(parts).fit(X, y)
    with pytest.raises(NotFittedError, match="conformalize"):
        clf.predict_set(X_test)
    with pytest.raises(NotFittedError):
        clone(clf).conformalize(X, y)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"sigma": 0.0}, ValueError, "sigma"),
        ({"radius": -1.0}, ValueError, "radius"),
        ({"radius": np.inf}, ValueError, "radius"),
        ({"confidence_level": 1.0}, ValueError, "confidence_level"),
        ({"noise": "cauchy"}, ValueError, "noise"),
        ({"noise": "laplace", "norm": 2}, ValueError, "norm=2"),
        ({"conformity_score": "raps"}, ValueError, "conformity_score"),
        ({"estimator": LinearSVC()}, TypeError, "predict_proba"),
        ({"estimator": LinearRegression()}, TypeError, "not a classifier"),
    ],
)
def test_bad_parameters(params, error, message):
    X, y = load_iris(return_X_y=True)
    clf = RobustConformalClassifier(
        **{"estimator": GaussianNB(), "sigma": 1.0} | params
    )
    with pytest.raises(error, match=message):
        clf.fit(X, y).conformalize(X, y)


def test_bad_calibration_samples(parts):
    X_cal, y_cal = parts[2], parts[4]
    clf = calibrated(parts)
    with pytest.raises(ValueError, match=r"y holds the classes \[17\]"):
        clf.conformalize(X_cal, np.full(len(y_cal), 17))
    with pytest.raises(ValueError, match="inconsistent"):
        clf.conformalize(X_cal, y_cal[:-1])
    with pytest.raises(ValueError, match="NaN"):
        clf.conformalize(np.full_like(X_cal, np.nan), y_cal)
    with pytest.raises(ValueError, match="features"):
        clf.predict_set(X_cal[:, :5])


def test_labels_of_any_kind_and_frames():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    y = pandas.Series(np.array(["setosa", "versicolor", "virginica"])[y])
    clf = RobustConformalClassifier(
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        sigma=0.3,
        random_state=0,
    )
    clf.fit(X[::2], y[::2]).conformalize(X[1::2], y[1::2])
    sets = clf.predict_set(X)
    assert sets.shape == (150, 3)
    report = prediction_set_report(y, sets, clf.classes_, output="frame")
    assert list(report.index) == [*clf.classes_, "overall", "worst", "range"]
    text = prediction_set_report(y, sets, clf.classes_)
    assert "virginica" in text
    assert f"{report.loc['overall', 'coverage']:.3f}" in text


def test_a_report_counts():
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=bool)
    report = prediction_set_report(list("aabb"), sets, list("abc"), output="dict")
    assert report["by_class"]["a"]["coverage"] == 1.0
    assert report["by_class"]["b"]["coverage"] == 0.5
    assert report["by_class"]["b"]["empty"] == 0.5
    assert report["overall"]["set_size"] == 1.5
    assert report["worst"]["coverage"] == 0.5
    assert report["range"]["set_size"] == 0.0
    assert np.isnan(report["by_class"]["c"]["coverage"])
    for wrong, message in (
        ({"output": "json"}, "output"),
        ({"prediction_sets": sets[:, :2]}, "shape"),
        ({"prediction_sets": sets.astype(int)}, "bool"),
        ({"y_true": list("aabz")}, "y_true holds"),
        ({"y_true": []}, "y_true"),
        ({"classes": list("aab")}, "more than once"),
    ):
        given = {
            "y_true": list("aabb"),
            "prediction_sets": sets,
            "classes": list("abc"),
        }
        with pytest.raises(ValueError, match=message):
            prediction_set_report(**given | wrong)


COMMON = [
    RobustConformalClassifier(LogisticRegression(), sigma=0.25),
    RobustConformalClassifier(DecisionTreeClassifier(), sigma=0.25, noise="laplace"),
]


@each_check_and_routing(COMMON, by_class=True)
def test_scikit_learn_check(estimator, check, routing):
    with config_context(enable_metadata_routing=routing):
        if routing:
            estimator = clone(estimator)
            estimator.estimator.set_fit_request(sample_weight=True)
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"a check was skipped: {skipped}")
