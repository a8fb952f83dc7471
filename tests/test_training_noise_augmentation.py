# SPDX-License-Identifier: BSD-3-Clause
"""Noise augmentation, and the kernel density classifier it tends to."""

import os
import tracemalloc
import warnings

os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from sksmooth.training import NoiseAugmentedClassifier, ParzenClassifier
from sksmooth.training import _parzen as parzen_module
from tests.estimator_checks import each_check_and_routing, request_weights

VANISHING = 1 / np.sqrt(2 * np.log(2))  # 0.8493
LINE = np.array([[-1.0], [0.0], [1.0]])
SIDES = np.array([0, 1, 0])


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps all it is given, and predicts the first class."""

    def __init__(self):
        self.calls = []

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.calls.append({"X": X, "y": y, "sample_weight": sample_weight})
        return self

    def predict(self, X):
        self.seen = X
        return np.repeat(self.classes_[:1], len(X))


class StreamRecorder(Recorder):
    """The same for an estimator that learns in passes."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("must be streamed")

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not self.calls:
            self.classes_ = classes
        self.calls.append(
            {"X": X, "y": y, "classes": classes, "sample_weight": sample_weight}
        )
        return self


class EpochRecorder(StreamRecorder):
    """One that has max_iter, too."""

    def __init__(self, max_iter=37):
        super().__init__()
        self.max_iter = max_iter


class Forgetful(ClassifierMixin, BaseEstimator):
    """Learns nothing from its passes, so that only our own memory is seen."""

    def fit(self, X, y):
        raise AssertionError("must be streamed")

    def partial_fit(self, X, y, classes=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class StackedNB(GaussianNB):
    """Gaussian naive Bayes without a way to stream."""

    @property
    def partial_fit(self):
        raise AttributeError("partial_fit")

    def fit(self, X, y, sample_weight=None):
        return self._partial_fit(X, y, np.unique(y), _refit=True)


COMMON = [
    ParzenClassifier(sigma=0.5),
    NoiseAugmentedClassifier(LogisticRegression(), n_copies=3, random_state=0),
    NoiseAugmentedClassifier(GaussianNB(), n_copies=3, random_state=0),
    NoiseAugmentedClassifier(
        SGDClassifier(max_iter=10, random_state=0), random_state=0
    ),
    NoiseAugmentedClassifier(
        make_pipeline(StandardScaler(), LinearSVC()), n_copies=3, random_state=0
    ),
]


# GaussianNB itself takes the log of the prior of a class whose weights are all zero.
inner_log_of_zero = pytest.mark.filterwarnings(
    "ignore:divide by zero encountered in log:RuntimeWarning"
)


# The noise of a row depends on its place, so a weight of 2 is not the row given twice.
without = NoiseAugmentedClassifier, "sample_weight_equivalence"


@inner_log_of_zero
@each_check_and_routing(COMMON, without=without)
def test_common_checks(estimator, check, routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        check(request_weights(estimator) if routing else estimator)


# ---------------------------------------------------------------- the kernel classifier


@pytest.mark.parametrize("sigma", [0.1, 0.6, 0.8, VANISHING * (1 - 1e-9)])
def test_middle_class_is_kept_below_its_vanishing_sigma(sigma):
    assert ParzenClassifier(sigma).fit(LINE, SIDES).predict([[0.0]]) == [1]


@pytest.mark.parametrize("sigma", [VANISHING * (1 + 1e-9), 0.9, 5.0])
def test_middle_class_is_gone_above_its_vanishing_sigma(sigma):
    line = np.linspace(-3, 3, 601)[:, None]
    assert_array_equal(ParzenClassifier(sigma).fit(LINE, SIDES).predict(line), 0)


def test_boundary_on_the_line_is_where_the_densities_are_equal():
    # exp(-1 / 2 s^2) 2 cosh(x / s^2) = 1.
    s = 0.7
    edge = s**2 * np.arccosh(np.exp(0.5 / s**2) / 2)
    clf = ParzenClassifier(s).fit(LINE, SIDES)
    assert_allclose(clf.predict_proba([[edge], [-edge]]), 0.5, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_posterior_is_that_of_the_gaussian_mixture(weighted):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)) + 100, rng.integers(3, size=40)
    weight = rng.uniform(0.1, 5, 40) if weighted else None
    clf = ParzenClassifier(0.6).fit(X, y, sample_weight=weight)
    queries = rng.normal(size=(25, 3)) + 100
    kernel = np.stack([multivariate_normal.pdf(queries, x, 0.36) for x in X], axis=1)
    joint = kernel * (weight if weighted else 1) @ np.eye(3)[y]
    expected = joint / joint.sum(axis=1, keepdims=True)
    # |x - mean|^2 / sigma^2 < 100 here, so logits are right to about 1e-14.
    assert_allclose(clf.predict_proba(queries), expected, rtol=1e-12)
    assert_allclose(clf.predict_log_proba(queries), np.log(expected), atol=1e-12)
    assert_array_equal(clf.predict(queries), expected.argmax(axis=1))


def test_weights_are_repetitions():
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = ParzenClassifier(0.3).fit(X, y, sample_weight=weight)
    repeated = ParzenClassifier(0.3).fit(X.repeat(weight, axis=0), y.repeat(weight))
    scaled = ParzenClassifier(0.3).fit(X, y, sample_weight=1e-3 * weight)
    assert_allclose(weighted.class_prior_, repeated.class_prior_, rtol=1e-14)
    for other in (repeated, scaled):
        assert_allclose(
            weighted.predict_log_proba(X), other.predict_log_proba(X), rtol=1e-9
        )


def test_class_without_weight_is_known_but_never_answered():
    X, y = load_iris(return_X_y=True)
    clf = ParzenClassifier(0.3).fit(X, y, sample_weight=(y != 1).astype(float))
    rest = ParzenClassifier(0.3).fit(X[y != 1], y[y != 1])
    assert_array_equal(clf.classes_, [0, 1, 2])
    assert_array_equal(clf.predict_proba(X)[:, 1], 0)
    assert_allclose(clf.predict_proba(X)[:, [0, 2]], rest.predict_proba(X), rtol=1e-9)


def test_small_sigma_is_the_nearest_neighbour_and_large_sigma_the_prior():
    X, y = load_wine(return_X_y=True)
    train, test, y_train, _ = train_test_split(X, y, random_state=0)
    nearest = KNeighborsClassifier(1).fit(train, y_train)
    small = ParzenClassifier(1e-3).fit(train, y_train)
    assert_array_equal(small.predict(test), nearest.predict(test))
    large = ParzenClassifier(1e9).fit(train, y_train)
    prior = np.bincount(y_train) / len(y_train)
    assert_allclose(large.predict_proba(test), [prior] * len(test), rtol=1e-6)


def test_posterior_does_not_depend_on_units_or_position():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    proba = ParzenClassifier(0.8).fit(X, y).predict_log_proba(X)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(13, 13)))
    moved = X @ turn * 7 + 1000
    other = ParzenClassifier(5.6).fit(moved, y).predict_log_proba(moved)
    # An offset of 1000 costs about 1000 * 2e-16 in each feature.
    assert_allclose(other, proba, atol=1e-9)


def test_far_from_all_data_the_log_posterior_is_still_right():
    # Log-odds of one point at +1 against one at -1 are 2 x / sigma^2.
    clf = ParzenClassifier(0.1).fit([[-1.0], [1.0]], [0, 1])
    x = np.array([1.0, 1e3, 1e8])
    log_proba = clf.predict_log_proba(x[:, None])
    assert_allclose(log_proba[:, 0] - log_proba[:, 1], -2 * x / 0.01, rtol=1e-12)


def test_overflow_is_an_error_not_a_wrong_answer():
    with pytest.raises(ValueError, match="sigma=1e-200 is too small"):
        ParzenClassifier(1e-200).fit(LINE, SIDES)
    clf = ParzenClassifier(1e-100).fit(LINE, SIDES)
    with pytest.raises(ValueError, match="too far from the training data"):
        clf.predict([[1e250]])


def test_chunks_change_neither_answers_nor_the_memory_bound(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), rng.integers(3, size=500)
    queries = rng.normal(size=(4000, 4))
    clf = ParzenClassifier(0.4).fit(X, y)
    whole = clf.predict_proba(queries)
    monkeypatch.setattr(parzen_module, "_CHUNK_ELEMENTS", 500 * 7)
    tracemalloc.start()
    chunked = clf.predict_proba(queries)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_allclose(chunked, whole, rtol=1e-12)
    # Joint, log-posterior and temporaries of 4000 x 3, not 4000 x 500 kernel values.
    assert peak < 4000 * 500 * 8 / 10


def test_parzen_sigma_takes_effect_in_fit():
    x = np.linspace(-2, 3, 11)[:, None]
    before, after = (ParzenClassifier(s).fit(LINE, SIDES) for s in (0.8, 0.9))
    expected = before.predict_proba(x)
    assert_array_equal(before.set_params(sigma=0.9).predict_proba(x), expected)
    before.fit(LINE, SIDES)
    assert_array_equal(before.predict_proba(x), after.predict_proba(x))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1, 1], "sample_weight must be .* got -1"),
        ([0, 0, 0], "zero everywhere"),
        ([1, 1], r"shape \(2,\)"),
        ([1, np.nan, 1], "sample_weight must be .* got nan"),
    ],
)
def test_parzen_refuses_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        ParzenClassifier().fit(LINE, SIDES, sample_weight=weight)


@pytest.mark.parametrize("sigma", [0, -1.0, np.nan, np.inf, "0.5"])
def test_sigma_must_be_positive_and_finite(sigma):
    for clf in (ParzenClassifier(sigma), NoiseAugmentedClassifier(GaussianNB())):
        with pytest.raises(ValueError, match="'sigma' parameter"):
            clf.set_params(sigma=sigma).fit(LINE, SIDES)


# ------------------------------------------------------- the limit of many noisy copies


def test_naive_bayes_on_noisy_copies_tends_to_the_kernel_classifier():
    # One place for each class: naive Bayes with Gaussians is then the true model. With
    # m noisy points a class, log-odds of size t < 5 err by a few times t / sqrt(2 m),
    # and probabilities by at most a quarter of that.
    X, y = LINE.repeat(200, axis=0), np.repeat([0, 1, 2], 200)
    grid = np.linspace(-1.5, 1.5, 31)[:, None]
    limit = ParzenClassifier(0.7).fit(X, y).predict_proba(grid)
    errors = []
    for n_copies in (1, 30, 1000):
        clf = NoiseAugmentedClassifier(
            GaussianNB(), sigma=0.7, n_copies=n_copies, random_state=0
        ).fit(X, y)
        errors.append(np.abs(clf.predict_proba(grid) - limit).max())
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 3 * 5 / np.sqrt(2 * 200_000) / 4


@pytest.mark.parametrize("sigma", [0.7, 1.0])
def test_neighbours_among_noisy_copies_tend_to_the_kernel_classifier(sigma):
    # A flexible classifier on the three points of the paper's second claim. The share
    # of a class among k neighbours has a standard error of at most 0.5 / sqrt(k).
    k, grid = 2000, np.array([[-1.2], [-0.5], [0.0], [0.4], [1.0]])
    clf = NoiseAugmentedClassifier(
        KNeighborsClassifier(k), sigma=sigma, n_copies=20_000, random_state=0
    ).fit(LINE, SIDES)
    limit = ParzenClassifier(sigma).fit(LINE, SIDES)
    assert_allclose(
        clf.predict_proba(grid), limit.predict_proba(grid), atol=4.5 * 0.5 / np.sqrt(k)
    )
    assert clf.predict([[0.0]]) == [int(sigma < VANISHING)]


# ----------------------------------------------------------------- how copies are given


def test_stacked_copies_hold_every_row_with_its_label_and_weight():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 2)) * 50, rng.integers(2, size=3000)
    weight = rng.uniform(size=3000)
    clf = NoiseAugmentedClassifier(Recorder(), sigma=0.3, n_copies=4, random_state=0)
    clf.fit(X, y, sample_weight=list(weight))
    (call,) = clf.estimator_.calls
    assert clf.n_copies_ == 4
    assert_array_equal(call["y"], np.tile(y, 4))
    assert_array_equal(call["sample_weight"], np.tile(weight, 4))
    _check_noise((call["X"] - np.tile(X, (4, 1))).reshape(4, -1), 0.3)


def test_streamed_copies_come_one_at_a_time():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 2)) * 50, rng.integers(2, size=3000)
    weight = rng.uniform(size=3000)
    clf = NoiseAugmentedClassifier(
        StreamRecorder(), sigma=0.3, n_copies=4, random_state=0
    )
    clf.fit(X, y, sample_weight=weight)
    calls = clf.estimator_.calls
    assert len(calls) == clf.n_copies_ == 4
    assert_array_equal(calls[0]["classes"], [0, 1])
    assert all(call["classes"] is None for call in calls[1:])
    for call in calls:
        assert_array_equal(call["y"], y)
        assert_array_equal(call["sample_weight"], weight)
    _check_noise(np.stack([(call["X"] - X).ravel() for call in calls]), 0.3)


def _check_noise(noise, sigma):
    """Copies of independent N(0, sigma^2) noise, one copy for each row."""
    m = noise.shape[1]
    assert_allclose(noise.mean(axis=1), 0, atol=4.5 * sigma / np.sqrt(m))
    assert_allclose(noise.std(axis=1), sigma, rtol=4.5 / np.sqrt(2 * m))
    assert_allclose(np.corrcoef(noise), np.eye(len(noise)), atol=4.5 / np.sqrt(m))
    # Kolmogorov-Smirnov distance, beyond 2.3 / sqrt(n) with probability 5e-5.
    z = np.sort(noise.ravel() / sigma)
    distance = np.abs(norm.cdf(z) - (np.arange(z.size) + 0.5) / z.size).max()
    assert distance < 2.3 / np.sqrt(z.size)


def test_memory_of_streaming_does_not_grow_with_copies():
    X, y = np.zeros((20_000, 10)), np.arange(20_000) % 2
    clf = NoiseAugmentedClassifier(Forgetful(), n_copies=30, random_state=0)
    tracemalloc.start()
    clf.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One noisy copy, and the draws of the next make no more.
    assert peak < 1.7 * X.nbytes


def test_streaming_naive_bayes_equals_one_fit_on_the_same_copies():
    X, y = load_iris(return_X_y=True)
    streamed, stacked = (
        NoiseAugmentedClassifier(inner, sigma=0.4, n_copies=7, random_state=3)
        .fit(X, y)
        .estimator_
        for inner in (GaussianNB(var_smoothing=0), StackedNB(var_smoothing=0))
    )
    assert_allclose(streamed.theta_, stacked.theta_, rtol=1e-12)
    assert_allclose(streamed.var_, stacked.var_, rtol=1e-12)
    assert_allclose(streamed.class_count_, stacked.class_count_)


@pytest.mark.parametrize(("n_copies", "passes"), [(10, 37), (50, 50)])
def test_epoch_estimators_get_all_their_passes(n_copies, passes):
    X, y = load_iris(return_X_y=True)
    clf = NoiseAugmentedClassifier(EpochRecorder(37), n_copies=n_copies).fit(X, y)
    assert clf.n_copies_ == len(clf.estimator_.calls) == passes
    assert len({call["X"].tobytes() for call in clf.estimator_.calls}) == passes


def test_epochs_are_found_inside_a_meta_estimator():
    X, y = load_iris(return_X_y=True)
    inner = OneVsRestClassifier(Perceptron(max_iter=23))
    clf = NoiseAugmentedClassifier(inner, n_copies=2).fit(X, y)
    assert clf.n_copies_ == 23
    assert clf.estimator_.estimators_[0].t_ == 1 + 23 * len(y)


def test_a_streamed_network_is_not_left_undertrained():
    # Ten passes leave it at about half of the rows right.
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    clf = NoiseAugmentedClassifier(
        MLPClassifier((50,), random_state=0), sigma=0.5, random_state=0
    ).fit(train, y_train)
    assert clf.n_copies_ == clf.estimator_.t_ / len(train) == 200
    assert clf.score(test, y_test) >= 0.95


def test_what_partial_fit_refuses_is_refused_aloud():
    for inner in (MLPClassifier, SGDClassifier):
        inner = inner(early_stopping=True)
        with pytest.raises(ValueError, match="early_stopping"):
            NoiseAugmentedClassifier(inner).fit(LINE, SIDES)
    with pytest.raises(ValueError, match="compute_class_weight"):
        inner = SGDClassifier(class_weight="balanced")
        NoiseAugmentedClassifier(inner).fit(LINE, SIDES)


# --------------------------------------------------------------------------- randomness


def test_noise_is_drawn_from_random_state_alone():
    X, y = load_iris(return_X_y=True)
    before = np.random.get_state()[1].copy()  # noqa: NPY002

    def copies(inner, n_copies, seed):
        clf = NoiseAugmentedClassifier(inner, n_copies=n_copies, random_state=seed)
        return np.concatenate([call["X"] for call in clf.fit(X, y).estimator_.calls])

    first = copies(Recorder(), 3, 0)
    assert_array_equal(copies(Recorder(), 3, 0), first)
    assert_array_equal(copies(StreamRecorder(), 3, 0), first)
    assert_array_equal(copies(Recorder(), 5, 0)[: len(first)], first)
    assert not np.isclose(copies(Recorder(), 3, 1), first).all()
    shared = np.random.RandomState(0)
    assert_array_equal(copies(Recorder(), 3, shared), first)
    assert not np.isclose(copies(Recorder(), 3, shared), first).all()
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_prediction_adds_no_noise():
    X, y = load_iris(return_X_y=True)
    clf = NoiseAugmentedClassifier(Recorder(), random_state=0).fit(X, y)
    clf.predict(X)
    assert_array_equal(clf.estimator_.seen, X)


def test_float32_stays_float32_with_the_same_noise():
    X, y = np.zeros((50, 3)), np.arange(50) % 2
    seen = {}
    for dtype in (np.float32, np.float64):
        clf = NoiseAugmentedClassifier(Recorder(), random_state=0)
        seen[dtype] = clf.fit(X.astype(dtype), y).estimator_.calls[0]["X"]
        assert seen[dtype].dtype == dtype
    assert_allclose(seen[np.float32], seen[np.float64], rtol=1e-6)


# ----------------------------------------------------------------------- kinds of input


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "labels", [np.array([4, -7]), np.array(["a", "bcd"]), np.array([False, True])]
)
def test_labels_are_passed_unchanged(labels, stream):
    X, y = np.zeros((10, 2)), labels[np.arange(10) % 2]
    recorder = StreamRecorder() if stream else Recorder()
    clf = NoiseAugmentedClassifier(recorder, n_copies=2).fit(X, y)
    for call in clf.estimator_.calls:
        assert call["y"].dtype == labels.dtype
        assert_array_equal(call["y"][:10], y)
    assert_array_equal(clf.classes_, np.sort(labels))
    assert clf.classes_.dtype == clf.predict(X).dtype == labels.dtype


def test_frames_reach_the_estimator_as_frames():
    pd = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    columns = make_column_transformer(
        (StandardScaler(), ["petal length (cm)", "sepal width (cm)"])
    )
    inner = make_pipeline(columns, LogisticRegression())
    clf = NoiseAugmentedClassifier(inner, sigma=0.1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.fit(X, y)
        assert clf.score(X, y) > 0.9
        assert clf.predict_proba(X).shape == (150, 3)
    assert_array_equal(clf.feature_names_in_, X.columns)
    with pytest.warns(UserWarning, match="NoiseAugmentedClassifier was fitted with"):
        by_position = clf.predict(X.to_numpy())
    assert_array_equal(by_position, clf.predict(X))

    streamed = NoiseAugmentedClassifier(StreamRecorder(), n_copies=2).fit(X, y)
    assert all(
        isinstance(call["X"], pd.DataFrame) for call in streamed.estimator_.calls
    )
    streamed.estimator_.calls.clear()
    streamed.fit(X.to_numpy(), y)
    assert isinstance(streamed.estimator_.calls[0]["X"], np.ndarray)


def test_images_keep_their_axes():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 4, 5, 2)) + y[:, None, None, None]
    flatten = FunctionTransformer(lambda images: images.reshape(len(images), -1))
    clf = NoiseAugmentedClassifier(make_pipeline(flatten, LogisticRegression()))
    assert clf.fit(X, y).score(X, y) == 1
    recorder = NoiseAugmentedClassifier(Recorder(), n_copies=3).fit(X, y)
    assert recorder.estimator_.calls[0]["X"].shape == (180, 4, 5, 2)


def test_missing_values_stay_missing_where_the_estimator_takes_them():
    X, y = load_iris(return_X_y=True)
    X[::3, 0] = np.nan
    clf = NoiseAugmentedClassifier(HistGradientBoostingClassifier(max_iter=5))
    assert clf.fit(X, y).score(X, y) > 0.9
    with pytest.raises(ValueError, match="contains NaN"):
        NoiseAugmentedClassifier(LogisticRegression()).fit(X, y)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (FrozenEstimator(GaussianNB().fit(LINE, SIDES)), "FrozenEstimator"),
        (LinearRegression(), "LinearRegression is a regressor"),
        (SVC(kernel="precomputed"), "precomputed"),
    ],
)
def test_estimators_that_noise_cannot_train_are_refused(inner, message):
    with pytest.raises(ValueError, match=message):
        NoiseAugmentedClassifier(inner).fit(LINE, SIDES)


def test_a_frozen_estimator_is_left_alone():
    frozen = GaussianNB().fit(LINE, SIDES)
    before = frozen.theta_.copy()
    with pytest.raises(ValueError, match="FrozenEstimator"):
        NoiseAugmentedClassifier(FrozenEstimator(frozen)).fit(LINE, SIDES)
    assert_array_equal(frozen.theta_, before)


def test_estimator_is_cloned_and_its_methods_decide_ours():
    X, y = load_iris(return_X_y=True)
    inner = LinearSVC()
    clf = NoiseAugmentedClassifier(inner, sigma=0.1).fit(X, y)
    assert not hasattr(inner, "coef_")
    assert hasattr(clf, "decision_function")
    assert not hasattr(clf, "predict_proba")
    assert clf.decision_function(X).shape == (150, 3)
    with pytest.raises(NotFittedError):
        clone(clf).predict(X)


def test_grid_search_over_sigma_and_the_inner_parameters():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(
        NoiseAugmentedClassifier(GaussianNB(), random_state=0),
        {"sigma": [0.1, 30.0], "estimator__var_smoothing": [1e-9, 1e-8]},
        cv=3,
    ).fit(X, y)
    assert search.best_params_["sigma"] == 0.1


# ----------------------------------------------------------------------------- metadata


def test_only_sample_weight_is_taken_without_routing():
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        NoiseAugmentedClassifier(Recorder()).fit(LINE, SIDES, groups=SIDES)


def test_zero_weight_takes_a_row_out_of_training():
    X, y = load_iris(return_X_y=True)
    wrong = np.concatenate([y, (y + 1) % 3])
    weight = np.repeat([1.0, 0.0], len(y))
    for inner in (LogisticRegression(max_iter=1000), GaussianNB()):
        clf = NoiseAugmentedClassifier(inner, sigma=0.1, random_state=0)
        clf.fit(np.tile(X, (2, 1)), wrong, sample_weight=weight)
        assert clf.score(X, y) > 0.9


@pytest.mark.parametrize("recorder", [Recorder, StreamRecorder])
def test_weights_are_routed_on_request(recorder):
    weight = np.array([1.0, 2.0, 3.0])
    with sklearn.config_context(enable_metadata_routing=True):
        inner = recorder().set_fit_request(sample_weight=True)
        clf = NoiseAugmentedClassifier(inner, n_copies=2)
        clf.fit(LINE, SIDES, sample_weight=weight)
        assert_array_equal(clf.estimator_.calls[0]["sample_weight"][:3], weight)
        inner = recorder().set_fit_request(sample_weight=False)
        clf = NoiseAugmentedClassifier(inner, n_copies=2)
        with pytest.raises(TypeError, match="sample_weight"):
            clf.fit(LINE, SIDES, sample_weight=weight)
        clf = NoiseAugmentedClassifier(recorder(), n_copies=2)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            clf.fit(LINE, SIDES, sample_weight=weight)


def test_with_max_iter_the_number_of_copies_is_that_of_passes():
    """What the docstring says of `n_copies`: it is the least number of passes."""
    X, y = load_iris(return_X_y=True)
    predictions = []
    for n_copies in (1, 5, 25, 26):
        mlp = MLPClassifier((5,), max_iter=25, random_state=0)
        clf = NoiseAugmentedClassifier(mlp, n_copies=n_copies, random_state=0)
        predictions.append(clf.fit(X, y).predict_proba(X))
        assert clf.n_copies_ == max(n_copies, 25)
    assert_array_equal(predictions[0], predictions[1])
    assert_array_equal(predictions[0], predictions[2])
    assert np.any(predictions[0] != predictions[3])
