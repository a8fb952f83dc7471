# SPDX-License-Identifier: BSD-3-Clause
"""Labels from the scores that a classifier of another library computes itself."""

import pickle
from weakref import ref

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier
from sksmooth.votes import Declined
from sksmooth.votes._cache import Found, FoundCache
from sksmooth.votes.exact import SelfCheckFailed
from sksmooth.votes.fast import fast_predictor
from sksmooth.votes.fast._own_scores import OwnScores
from tests.fast_case import fast_votes, model_of


class Linear(ClassifierMixin, BaseEstimator):
    """Scores as CatBoost has them: a vector of two classes, else one for each.

    It has no hash, as an object that can be equal to another one.
    """

    def __init__(self, flip=False):
        self.flip = flip

    def __eq__(self, other):
        return isinstance(other, Linear)

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def scores(self, X):
        scores = X @ self.means_.T
        scores -= (self.means_**2).sum(axis=1) / 2
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X):
        scores = self.scores(X)
        at = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[at[::-1] if self.flip else at]


class LinearScores(OwnScores):
    def scores(self, estimator, rows):
        return estimator.scores(rows)


class Transposed(OwnScores):
    def scores(self, estimator, rows):
        return estimator.scores(rows).T


class NoScores(OwnScores):
    def scores(self, estimator, rows):
        return None


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(fast_predictor, "_entries", dict(fast_predictor._entries))
    monkeypatch.setattr(fast_predictor, "_of_type", {})
    fast_predictor(__name__, "Linear")(LinearScores)


def samples(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.arange(60) % n_classes
    return rng.normal(size=(60, 4)) + y[:, np.newaxis], np.array(["a", "b", "c"])[y]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_labels_are_those_of_predict(registered, n_classes, in_pipeline):
    X, y = samples(n_classes)
    clf = make_pipeline(StandardScaler(), Linear()) if in_pipeline else Linear()
    clf.fit(X, y)
    votes = fast_votes(clf, X)
    rows = np.random.default_rng(0).normal(size=(5000, 4)) * 3
    positions = votes.vote(rows, X, np.zeros(len(rows), dtype=int))
    assert_array_equal(clf.classes_[positions], clf.predict(rows))


def test_scores_at_a_tie_are_left_to_predict(registered):
    for n_classes in (2, 3):
        X, y = samples(n_classes)
        clf = Linear().fit(X, y)
        clf.means_[1] = clf.means_[0]
        rows = np.zeros((3, 4)) + clf.means_[0]
        _, unsure = LinearScores(clf).positions(rows)
        assert unsure.all()


def test_scores_of_another_shape_are_left_to_predict(registered):
    X, y = samples(3)
    clf = Linear().fit(X, y)
    for kind in (Transposed, NoScores):
        assert kind(clf).positions(X)[1].all()


def test_predict_that_contradicts_its_scores_is_followed(registered):
    X, y = samples(2)
    with pytest.raises(SelfCheckFailed, match="predict contradicts"):
        fast_votes(Linear(flip=True).fit(X, y), X)


def test_a_method_that_was_replaced_is_declined(registered):
    X, y = samples(2)
    clf = Linear().fit(X, y)
    clf.predict = lambda X: np.full(len(X), "a")
    with pytest.raises(Declined, match="predict was replaced"):
        fast_votes(clf, X)


def test_check_is_made_once_and_again_after_a_change(registered, monkeypatch):
    X, y = samples(2)
    clf = Linear().fit(X, y)
    fast_votes(clf, X)
    calls = []
    monkeypatch.setattr(
        Linear, "scores", lambda self, X: calls.append(0) or X[:, 0] - self.means_[0, 0]
    )
    fast_votes(clf, X)
    assert not calls
    clf.means_ = clf.means_ + 1.0
    fast_votes(clf, X)
    assert calls


def test_certificates_are_the_same_with_and_without(registered, monkeypatch):
    X, y = samples(3)
    clf = SmoothedClassifier.from_fitted(
        Linear().fit(X, y), sigma=0.5, random_state=0, n_certify=300
    )
    fast = clf.certify(X[:9])
    monkeypatch.setattr("sksmooth.votes._fast_votes.may_be_fast", lambda _: False)
    assert clf.certify(X[:9]) == fast


def test_what_was_found_keeps_no_classifier_alive_and_is_sent_with_it(registered):
    X, y = samples(3)
    clf = Linear().fit(X, y)
    votes = pickle.loads(pickle.dumps(fast_votes(clf, X)))  # as to a worker process
    rows, owner = X + 0.5, np.arange(len(X))
    assert_array_equal(clf.classes_[votes.vote(rows, X, owner)], clf.predict(rows))
    assert not votes.fast.predictor.positions(rows)[1].any()
    gone = ref(clf)
    del clf
    assert gone() is None


def test_results_are_kept_by_identity_and_not_longer_than_the_classifier():
    X, y = samples(2)
    clf, equal = Linear().fit(X, y), Linear().fit(X, y)
    cache = FoundCache()
    assert Found(clf, cache=cache).get("kind", lambda: 1) == 1
    assert Found(clf, cache=cache).get("kind", lambda: 2) == 1
    assert Found(equal, cache=cache).get("kind", lambda: 2) == 2
    model = model_of(clf)
    assert len(cache._known) == 2
    del clf, model
    assert len(cache._known) == 1


def test_a_class_that_is_only_called_like_one_of_another_library(monkeypatch):
    fake = type("CatBoostClassifier", (Linear,), {"__module__": "elsewhere"})
    assert fast_predictor.get(fake()) is None
