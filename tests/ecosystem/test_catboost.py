# SPDX-License-Identifier: BSD-3-Clause
"""Votes of CatBoost from its scores."""

import pickle

import numpy as np
import pytest
from catboost import CatBoostClassifier
from numpy.testing import assert_array_equal

from sksmooth import SmoothedClassifier
from sksmooth.votes import Declined
from tests.ecosystem.estimators import NUMBERS, catboost, table_for
from tests.ecosystem.test_table_estimators import smoothed
from tests.fast_case import fast_votes

X, y = table_for(catboost)
THREE = np.array(["few", "some", "many"])[np.digitize(X["age"], [30, 50])]
SETTINGS = {"iterations": 20, "verbose": False, "allow_writing_files": False}


def of_predict(clf, monkeypatch):
    monkeypatch.setattr("sksmooth.votes._fast_votes.may_be_fast", lambda _: False)
    return clf.certify(X[:40])


@pytest.mark.parametrize("labels", [y, THREE])
def test_certificates_are_those_of_predict(labels, monkeypatch):
    clf = smoothed(catboost(rounds=20)).fit(X, labels)
    assert clf.certify(X[:40]) == of_predict(clf, monkeypatch)


@pytest.mark.parametrize("loss", ["Logloss", "MultiClass", "MultiClassOneVsAll"])
def test_labels_of_arrays_are_those_of_predict(loss):
    rows = X[NUMBERS].to_numpy()
    clf = CatBoostClassifier(loss_function=loss, **SETTINGS).fit(rows, y)
    noisy = rows.repeat(10, axis=0)
    noisy += np.random.default_rng(0).normal(size=noisy.shape) * rows.std(axis=0)
    source = fast_votes(clf, rows)
    owner = np.zeros(len(noisy), dtype=int)
    votes = source.vote(noisy, rows, owner)
    assert_array_equal(clf.classes_[votes], clf.predict(noisy).ravel())
    sent = pickle.loads(pickle.dumps(source))  # as to a worker process
    assert_array_equal(sent.vote(noisy, rows, owner), votes)


def test_a_threshold_that_is_set_later_is_followed(monkeypatch):
    clf = smoothed(catboost(rounds=20)).fit(X, y)
    before = clf.certify(X[:40])
    clf.estimator_.set_probability_threshold(0.2)
    after = clf.certify(X[:40])
    assert not np.array_equal(before.counts, after.counts)
    assert after == of_predict(clf, monkeypatch)


def test_classifier_with_a_threshold_is_declined():
    rows = X[NUMBERS].to_numpy()
    clf = CatBoostClassifier(**SETTINGS).fit(rows, y)
    clf.set_probability_threshold(0.3)
    with pytest.raises(Declined, match="threshold"):
        fast_votes(clf, rows)


def test_a_subclass_is_not_taken_for_the_class():
    class Own(CatBoostClassifier):
        def predict(self, X, **kwargs):
            return 1 - super().predict(X, **kwargs)

    rows = X[NUMBERS].to_numpy()
    with pytest.raises(Declined, match="no fast path"):
        fast_votes(Own(**SETTINGS).fit(rows, y), rows)


def test_a_classifier_fitted_again_in_place_is_followed(monkeypatch):
    clf = smoothed(catboost(rounds=20)).fit(X, y)
    clf.certify(X[:40])
    clf.estimator_.fit(X, 1 - y)
    assert clf.certify(X[:40]) == of_predict(clf, monkeypatch)


def test_names_of_a_classifier_that_was_fitted_elsewhere_on_a_frame():
    base = catboost(rounds=5).fit(X, y)
    clf = SmoothedClassifier.from_fitted(
        base,
        noise_features=["age"],
        feature_scale={"age": 10.0},
        n_certify=50,
        random_state=0,
    )
    assert clf.feature_names_in_.tolist() == list(X.columns)
    certificates = clf.certify(X[:2])
    assert certificates.features == tuple(X.columns)
    on_array = CatBoostClassifier(**SETTINGS).fit(X[NUMBERS].to_numpy(), y)
    with pytest.raises(ValueError, match="features without names"):
        SmoothedClassifier.from_fitted(on_array, noise_features=["age"])
