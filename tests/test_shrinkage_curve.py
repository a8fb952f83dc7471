# SPDX-License-Identifier: BSD-3-Clause
"""Curves over sigma: what they must agree with, and what must stay untouched."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.metrics import average_certified_radius_score
from sksmooth.shrinkage import shrinkage_curve
from tests.known_regions import Inside

SIGMAS = [0.2, 1.0]
X, Y = load_iris(return_X_y=True)
X_TRAIN, Y_TRAIN, X_TEST, Y_TEST = X[::2], Y[::2], X[1::2], Y[1::2]


@pytest.fixture(scope="module")
def base():
    return GaussianNB().fit(X_TRAIN, Y_TRAIN)


@pytest.fixture(scope="module")
def smoothed(base):
    return SmoothedClassifier.from_fitted(
        base, sigma=0.5, n_predict=200, n_certify=500, random_state=0
    )


@pytest.fixture(scope="module")
def curve(smoothed):
    return shrinkage_curve(smoothed, X_TEST, Y_TEST, SIGMAS, radius=0.2, acr=False)


def by_class(right, y=Y_TEST):
    return [np.mean(right[y == c]) for c in np.unique(y)]


def test_a_curve_is_what_the_smoothed_classifier_says_at_each_sigma(
    base, smoothed, curve
):
    for i, sigma in enumerate(SIGMAS):
        # random_state is the one of `smoothed`, hence so are the key and the noise.
        g = SmoothedClassifier.from_fitted(
            base, sigma=sigma, n_predict=200, n_certify=500, random_state=0
        )
        labels = g.predict(X_TEST)
        certificates = g.certify(X_TEST, radii=[0.0, 0.2])
        np.testing.assert_allclose(curve.accuracy[i], by_class(labels == Y_TEST))
        shares = [np.mean(labels == c) for c in range(3)]
        np.testing.assert_allclose(curve.predicted_share[i], shares)
        abstained = by_class(certificates.abstained)
        np.testing.assert_allclose(curve.abstention_rate[i], abstained)
        certified = (certificates.label == Y_TEST) & certificates.holds(0.2)
        np.testing.assert_allclose(curve.certified_accuracy[i], by_class(certified))
    labels = base.predict(X_TEST)
    np.testing.assert_allclose(curve.base_accuracy, by_class(labels == Y_TEST))
    np.testing.assert_allclose(
        curve.base_predicted_share, [np.mean(labels == c) for c in range(3)]
    )
    # The rows and sigmas are such that the comparison is not one of ones and zeros.
    assert 0 < curve.abstention_rate[1, 1] < 1
    assert np.ptp(curve.certified_accuracy) > 0


def test_the_callers_object_is_unchanged(smoothed):
    parameters, before = smoothed.get_params(deep=False), smoothed.predict(X_TEST)
    shrinkage_curve(smoothed, X_TEST, Y_TEST, [2.0], n_predict=50, alpha=0.01)
    assert smoothed.get_params(deep=False) == parameters
    np.testing.assert_array_equal(smoothed.predict(X_TEST), before)


def test_all_sigmas_share_the_noise_of_a_row():
    # In a star-shaped region a noisy copy of the centre that has left stays outside as
    # sigma grows. With the same noise, so does the vote; with fresh noise, some 20
    # sigmas close to the vanishing one, 0.849, would predict at random.
    sigmas = np.linspace(0.7, 1.0, 90)
    curve = shrinkage_curve(
        Inside().fit(),
        np.zeros((1, 2)),
        [1],
        sigmas,
        n_predict=301,
        n_certify=20,
        random_state=3,
    )
    right = curve.accuracy[:, 1]
    assert np.all(np.diff(right) <= 0)
    assert right[0] == 1
    assert right[-1] == 0


def test_classes_of_a_linear_classifier_do_not_shrink():
    # Smoothing leaves a half-space as it is, whatever sigma. Rows are one sigma or more
    # from the boundary: a wrong vote of 200 is then less likely than 1e-30.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 5))
    rows[:, 0] += 9 * np.sign(rows[:, 0])
    y = (rows[:, 0] > 0).astype(int)
    linear = LogisticRegression(C=1e6).fit(rows, y)
    distance = np.abs(linear.decision_function(rows)) / np.linalg.norm(linear.coef_)
    sigmas = distance.min() * np.array([0.01, 0.3, 1.0])
    curve = shrinkage_curve(
        linear, rows, y, sigmas, n_predict=200, n_certify=100, random_state=0
    )
    assert (curve.base_accuracy == 1).all()
    assert (curve.accuracy == 1).all()


def test_average_certified_radius_if_asked_for(smoothed, curve):
    assert curve.average_certified_radius is None
    assert "average_certified_radius" not in curve.to_frame()
    with pytest.raises(ValueError, match="acr=True"):
        curve.summary("average_certified_radius")
    asked = shrinkage_curve(smoothed, X_TEST, Y_TEST, [0.5], acr=True)
    expected = average_certified_radius_score(
        Y_TEST, smoothed.certify(X_TEST), average=None
    )
    np.testing.assert_allclose(asked.average_certified_radius[0], expected)
    assert "average_certified_radius" in asked.to_frame()
    assert asked.summary("average_certified_radius")["best"] == expected.max()


def test_intervals_are_those_of_the_binomial(curve):
    low, high = curve.interval("certified_accuracy")
    for share, n, one_low, one_high in zip(
        curve.certified_accuracy[1], curve.support, low[1], high[1], strict=True
    ):
        exact = binomtest(round(share * n), n).proportion_ci(0.95)
        assert (one_low, one_high) == pytest.approx((exact.low, exact.high))
    low, high = curve.interval("predicted_share")
    exact = binomtest(round(curve.predicted_share[0, 2] * 75), 75).proportion_ci(0.95)
    assert (low[0, 2], high[0, 2]) == pytest.approx((exact.low, exact.high))
    with pytest.raises(ValueError, match="average_certified_radius"):
        curve.interval("average_certified_radius")


def test_summary_goes_over_classes_and_rows(curve):
    summary = curve.summary()
    np.testing.assert_allclose(summary["worst"], curve.accuracy.min(axis=1))
    np.testing.assert_allclose(summary["range"], np.ptp(curve.accuracy, axis=1))
    np.testing.assert_allclose(
        summary["overall"], curve.accuracy @ curve.support / curve.support.sum()
    )
    assert (
        curve.summary("abstention_rate")["worst"][1] == curve.abstention_rate[1].max()
    )
    assert curve.summary("base_accuracy")["best"] == curve.base_accuracy.max()


def test_a_class_without_rows_is_nan_and_left_out(base):
    some = Y_TEST > 0
    curve = shrinkage_curve(
        base, X_TEST[some], Y_TEST[some], [2.0], n_certify=50, random_state=0
    )
    for name in ("accuracy", "abstention_rate", "certified_accuracy"):
        assert np.isnan(getattr(curve, name)[0, 0])
        assert np.isnan(curve.interval(name)[0][0, 0])
        assert np.isfinite(getattr(curve, name)[0, 1:]).all()
    assert np.isnan(curve.base_accuracy[0])
    assert np.isfinite(curve.predicted_share).all()
    assert np.isfinite([*curve.summary().values()]).all()


def test_the_frame_is_tidy(curve):
    frame = curve.to_frame()
    assert len(frame) == len(SIGMAS) * 3
    assert not frame.duplicated(["sigma", "class"]).any()
    line = frame[(frame["sigma"] == 1.0) & (frame["class"] == 2)].iloc[0]
    assert line["accuracy"] == curve.accuracy[1, 2]
    assert line["base_accuracy"] == curve.base_accuracy[2]
    assert (
        line["certified_accuracy_low"] == curve.interval("certified_accuracy")[0][1, 2]
    )
    assert frame.attrs == {"radius": 0.2, "alpha": 0.001}


def test_a_smoothed_classifier_in_a_pipeline_or_a_search_is_not_smoothed_again(base):
    settings = {"sigma": 1.0, "n_predict": 100, "n_certify": 100, "random_state": 0}
    scaler = StandardScaler().fit(X_TRAIN)
    inner = SmoothedClassifier(KNeighborsClassifier(), **settings)
    inner.fit(scaler.transform(X_TRAIN), Y_TRAIN)
    expected = shrinkage_curve(inner, scaler.transform(X_TEST), Y_TEST, SIGMAS)
    pipeline = make_pipeline(
        make_pipeline(StandardScaler()),
        SmoothedClassifier(KNeighborsClassifier(), **settings),
    )
    search = GridSearchCV(pipeline, {"smoothedclassifier__sigma": [1.0]}, cv=2)
    for outer in (pipeline.fit(X_TRAIN, Y_TRAIN), search.fit(X_TRAIN, Y_TRAIN)):
        curve = shrinkage_curve(outer, X_TEST, Y_TEST, SIGMAS)
        np.testing.assert_array_equal(curve.accuracy, expected.accuracy)
        np.testing.assert_array_equal(
            curve.certified_accuracy, expected.certified_accuracy
        )


def test_a_pipeline_that_is_not_smoothed_is_smoothed_in_the_units_of_x():
    plain = make_pipeline(StandardScaler(), KNeighborsClassifier())
    plain.fit(X_TRAIN, Y_TRAIN)
    settings = {"n_predict": 100, "n_certify": 100, "random_state": 0}
    outside = SmoothedClassifier.from_fitted(plain, **settings)
    expected = shrinkage_curve(outside, X_TEST, Y_TEST, SIGMAS)
    curve = shrinkage_curve(plain, X_TEST, Y_TEST, SIGMAS, **settings)
    np.testing.assert_array_equal(curve.accuracy, expected.accuracy)


def test_frames_and_string_classes():
    names = np.array(["setosa", "versicolor", "virginica"])
    table = pd.DataFrame(X, columns=list("abcd"))
    clf = KNeighborsClassifier().fit(table[::2], names[Y_TRAIN])
    settings = {"n_predict": 50, "n_certify": 50, "random_state": 0}
    curve = shrinkage_curve(clf, table[1::2], names[Y_TEST], [0.5], **settings)
    plain = KNeighborsClassifier().fit(X_TRAIN, Y_TRAIN)
    expected = shrinkage_curve(plain, X_TEST, Y_TEST, [0.5], **settings)
    np.testing.assert_array_equal(curve.accuracy, expected.accuracy)
    assert curve.to_frame()["class"].tolist() == names.tolist()


def test_tuned_vote_weights_are_kept():
    settings = {"sigma": 1.0, "n_predict": 100, "n_certify": 100, "random_state": 0}
    inner = SmoothedClassifier(GaussianNB(), **settings)
    for outer in (inner, make_pipeline(StandardScaler(), inner)):
        tuned = TunedVoteClassifierCV(outer, cv=2, significance=None)
        tuned.fit(X_TRAIN, Y_TRAIN)
        curve = shrinkage_curve(tuned, X_TEST, Y_TEST, [1.0])
        labels = tuned.predict(X_TEST)
        np.testing.assert_allclose(curve.accuracy[0], by_class(labels == Y_TEST))
    with pytest.raises(NotFittedError):
        shrinkage_curve(TunedVoteClassifierCV(inner), X_TEST, Y_TEST, [1.0])


class Smoother(ClassifierMixin, BaseEstimator):
    """Something else that certifies."""

    classes_ = np.arange(3)

    def certify(self, X):
        raise NotImplementedError


def test_what_cannot_be_measured_is_refused(base, smoothed):
    with pytest.raises(ValueError, match="sigmas must be finite and > 0, got 0"):
        shrinkage_curve(base, X_TEST, Y_TEST, [0.0, 0.5])
    with pytest.raises(ValueError, match="sequence"):
        shrinkage_curve(base, X_TEST, Y_TEST, 0.5)
    with pytest.raises(ValueError, match="radius"):
        shrinkage_curve(base, X_TEST, Y_TEST, [0.5], radius=-1.0)
    with pytest.raises(ValueError, match=r"\[7\]"):
        shrinkage_curve(base, X_TEST, np.where(Y_TEST == 2, 7, Y_TEST), [0.5])
    with pytest.raises(ValueError, match="inconsistent"):
        shrinkage_curve(base, X_TEST, Y_TEST[:-1], [0.5])
    with pytest.raises(ValueError, match="empty"):
        shrinkage_curve(base, X_TEST[:0], Y_TEST[:0], [0.5])
    with pytest.raises(NotFittedError):
        shrinkage_curve(GaussianNB(), X_TEST, Y_TEST, [0.5])
    with pytest.raises(NotFittedError):
        shrinkage_curve(SmoothedClassifier(GaussianNB()), X_TEST, Y_TEST, [0.5])
    with pytest.raises(TypeError, match="moved over sigmas"):
        shrinkage_curve(base, X_TEST, Y_TEST, [0.5], sigma=0.25)
    with pytest.raises(TypeError, match="smoothed already"):
        shrinkage_curve(Smoother(), X_TEST, Y_TEST, [0.5])


def test_results_cannot_be_changed(curve):
    with pytest.raises(ValueError, match="read-only"):
        curve.accuracy[0, 0] = 1.0
