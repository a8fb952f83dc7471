# SPDX-License-Identifier: BSD-3-Clause
"""Tables with columns held fixed, in training, tuning, shrinkage and pictures."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from sksmooth import SmoothedClassifier
from sksmooth.training import NoiseAugmentedClassifier
from tests.test_tables import NUMBERS, mixed_table

NUMERIC = ["age", "income"]
HELD = ["color", "sex", "member", "since"]


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps the samples that `fit` and `predict` are given."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.seen_, self.y_, self.weight_ = X, y, sample_weight
        return self

    def predict(self, X):
        self.asked_ = X
        return np.repeat(self.classes_[:1], len(X))


class StreamRecorder(Recorder):
    def partial_fit(self, X, y, classes=None):
        self.passes_ = [*getattr(self, "passes_", []), X]
        self.classes_ = classes if classes is not None else self.classes_
        return self


def categorical(X):
    """The columns that HistGradientBoostingClassifier takes as they are."""
    return X.drop(columns=["sex", "since"])


# -- training ----------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("choice", [NUMERIC, [1, 3], NUMBERS])
def test_training_has_the_noise_of_the_smoothed_classifier(noise, choice):
    X, y = mixed_table(1500)
    settings = {"noise": noise, "noise_features": choice, "feature_scale": "std"}
    clf = NoiseAugmentedClassifier(
        Recorder(), sigma=0.5, n_copies=4, random_state=0, **settings
    ).fit(X, y, sample_weight=np.arange(1500))
    smoothed = SmoothedClassifier(Recorder(), sigma=0.5, **settings).fit(X, y)
    assert_array_equal(clf.feature_scale_, smoothed.feature_scale_)
    seen, copies = clf.estimator_.seen_, pd.concat([X] * 4)
    pd.testing.assert_frame_equal(
        seen[HELD], copies[HELD].reset_index(drop=True), check_index_type=False
    )
    assert_array_equal(clf.estimator_.y_, np.tile(y, 4))
    assert_array_equal(clf.estimator_.weight_, np.tile(np.arange(1500), 4))
    added = seen[NUMERIC].to_numpy() - copies[NUMERIC].to_numpy()
    added /= 0.5 * clf.feature_scale_[[1, 3]]
    # Laplace noise has kurtosis 6, so its variance has standard error sqrt(5 / n).
    assert_allclose(added.std(axis=0), 1, atol=4.5 * np.sqrt(5 / 6000) / 2)
    kurtosis = np.mean(added**4)
    assert (kurtosis > 4.5) == (noise == "laplace")
    assert_allclose(np.corrcoef(added.T)[0, 1], 0, atol=4.5 / np.sqrt(6000))


def test_streamed_training_adds_noise_to_the_same_columns():
    X, y = mixed_table(60)
    clf = NoiseAugmentedClassifier(StreamRecorder(), noise_features=["age"], n_copies=3)
    passes = clf.fit(X, y).estimator_.passes_
    assert len(passes) == 3
    for seen in passes:
        fixed = [*HELD, "income"]
        pd.testing.assert_frame_equal(seen[fixed], X[fixed], check_index_type=False)
        assert not np.isin(seen["age"], X["age"]).any()


def test_training_on_arrays_of_objects():
    X, y = mixed_table(60)
    rows = X.to_numpy(dtype=object)
    seen = (
        NoiseAugmentedClassifier(Recorder(), noise_features=[1], n_copies=2)
        .fit(rows, y)
        .estimator_.seen_
    )
    assert_array_equal(np.delete(seen, 1, 1)[:, 1:], np.tile(rows, (2, 1))[:, 2:])


def test_without_noise_predict_has_the_samples_as_they_are():
    X, y = mixed_table(60)
    clf = NoiseAugmentedClassifier(Recorder(), noise_features=["age"]).fit(X, y)
    clf.predict(X)
    pd.testing.assert_frame_equal(clf.estimator_.asked_, X, check_index_type=False)


def test_missing_values_stay_missing_in_training():
    X, y = mixed_table(200)
    X = categorical(X)
    X.loc[::4, "age"] = np.nan
    base = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    settings = {"noise_features": NUMERIC, "feature_scale": "std"}
    clf = NoiseAugmentedClassifier(base, n_copies=2, **settings).fit(X, y)
    assert clf.predict(X).shape == (200,)
    with pytest.raises(ValueError, match=r"\['age'\].*NoiseAugmentedClassifier"):
        NoiseAugmentedClassifier(LogisticRegression(), **settings).fit(X, y)


def test_noise_in_training_helps_the_smoothed_classifier():
    X, y = mixed_table(600)
    X = categorical(X)
    base = HistGradientBoostingClassifier(
        max_iter=20, categorical_features="from_dtype", random_state=0
    )
    settings = {"sigma": 0.5, "noise_features": NUMERIC, "feature_scale": "std"}
    radius = []
    for estimator in (base, NoiseAugmentedClassifier(base, **settings, random_state=0)):
        clf = SmoothedClassifier(
            estimator, **settings, n_certify=500, random_state=0
        ).fit(X[:400], y[:400])
        certificates = clf.certify(X[400:])
        radius.append(np.mean(certificates.radius * (certificates.label == y[400:])))
    assert radius[1] > radius[0]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"noise_features": ["height"]}, "noise_features has 'height'"),
        ({"noise_features": ["color"]}, r"\['color'\].*not numbers"),
        ({"noise_features": []}, "no feature that takes noise"),
        ({"noise_features": ["age"], "feature_scale": {"age": -1}}, "'age'.*-1"),
        ({"noise": "uniform"}, "noise"),
    ],
)
def test_a_choice_that_training_cannot_follow_is_refused(settings, match):
    X, y = mixed_table(60)
    with pytest.raises(ValueError, match=match):
        NoiseAugmentedClassifier(Recorder(), **settings).fit(X, y)
