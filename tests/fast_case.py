# SPDX-License-Identifier: BSD-3-Clause
"""What every fast path must satisfy. A new one inherits these tests by one class."""

from functools import cache

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sksmooth.noise import Gaussian
from sksmooth.questions import CountVotes
from sksmooth.votes import Declined, Model, MonteCarloVotes
from sksmooth.votes._fast_votes import find_fast_votes
from tests.source_case import KEY, SourceCase, answers_of

SIGMAS = (0.05, 0.5, 5.0)
N_COPIES = 40


def model_of(estimator, **settings):
    defaults = {
        "classes": estimator.classes_,
        "law": Gaussian(0.5),
        "key": KEY,
        "batch_size": 1000,
    }
    return Model(estimator, **defaults | settings)


def fast_votes(estimator, X, **settings):
    """Votes by the fast path of a classifier; `Declined` where it has none."""
    model = model_of(estimator, **settings)
    return find_fast_votes(MonteCarloVotes(model), model, X)


@cache
def fitted(case):
    X, y = case.data()
    return [estimator.fit(X, y) for estimator in case.estimators()], X


def next_to_ties(estimator, X):
    """Rows on lines between samples, next to where the label changes, on both sides."""
    labels = estimator.predict(X)
    at = np.flatnonzero(labels != np.roll(labels, 1))[:8]
    first, second = X[at], np.roll(X, 1, axis=0)[at]
    low, high = np.zeros((2, len(at), 1)) + np.array([[[0.0]], [[1.0]]])
    while True:
        middle = (low + high) / 2
        if ((middle == low) | (middle == high)).all():
            break
        rows = first + middle * (second - first)
        same = (estimator.predict(rows) == labels[at])[:, np.newaxis]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.concatenate([first + t * (second - first) for t in (low, high)])


class FastCase:
    """Tests of one fast path; a subclass states classifiers that have it.

    Attributes
    ----------
    has_rounding : bool
        Whether the scores of `predict` are computed with rounding of their own, so that
        a label within it of a tie is left to `predict`.
    sizes : tuple of float
        Factors by which samples are moved away from all data.
    """

    has_rounding = True
    sizes = (1e8, 1e150)

    @staticmethod
    def estimators():
        """Classifiers to be fitted, with parameters of all kinds."""
        raise NotImplementedError

    @staticmethod
    def data():
        """Samples and labels: three classes around the corners of a triangle."""
        return SourceCase.data()

    @staticmethod
    def noisy(X, sigma):
        noise = np.random.default_rng(1).standard_normal((N_COPIES, *X.shape))
        return (X + sigma * noise).reshape(-1, X.shape[1])

    def test_labels_are_those_of_predict(self):
        estimators, X = fitted(type(self))
        for estimator in estimators:
            fast = fast_votes(estimator, X).fast
            n_unsure = 0
            for sigma in SIGMAS:
                noisy = self.noisy(X[:24], sigma)
                positions, unsure = fast.predictor.positions(fast.rows(noisy))
                labels = estimator.classes_[positions[~unsure]]
                assert_array_equal(labels, estimator.predict(noisy)[~unsure])
                n_unsure += unsure.sum()
            # Few are left to predict, or nothing is gained.
            assert n_unsure <= 0.1 * len(SIGMAS) * len(noisy), estimator

    def test_labels_next_to_a_tie_are_those_of_predict(self):
        estimators, X = fitted(type(self))
        for estimator in estimators[:3]:
            rows = next_to_ties(estimator, X)
            votes = fast_votes(estimator, X)
            if self.has_rounding:
                _, unsure = votes.fast.predictor.positions(votes.fast.rows(rows))
                assert unsure.all(), estimator
            positions = votes.vote(rows, rows, np.arange(len(rows)))
            assert_array_equal(estimator.classes_[positions], estimator.predict(rows))

    def test_labels_are_those_of_predict_where_samples_are_far_from_zero(self):
        _, X = fitted(type(self))
        far = X + 1e7
        for estimator in type(self).estimators()[:1]:
            estimator.fit(far, type(self).data()[1])
            noisy = self.noisy(far[:24], 0.5)
            votes = fast_votes(estimator, far)
            positions = votes.vote(noisy, far, np.arange(len(noisy)))
            assert_array_equal(estimator.classes_[positions], estimator.predict(noisy))

    def test_numbers_beyond_all_data_are_labelled_as_by_predict(self):
        estimators, X = fitted(type(self))
        for size in self.sizes:
            rows = size * (X[:24] - X.mean(axis=0))
            for estimator in estimators:
                votes = fast_votes(estimator, X)
                positions = votes.vote(rows, rows, np.arange(len(rows)))
                labels = estimator.classes_[positions]
                assert_array_equal(labels, estimator.predict(rows))

    def test_one_feature_and_the_classifier_is_left_as_it_is(self):
        X, y = self.data()
        X = X[:, :1].copy()  # some of its transposes are no copies
        for estimator in map(clone, self.estimators()):
            if estimator.get_params().get("max_features") == 2:
                continue
            noisy = self.noisy(X[:24], 0.5)
            labels = estimator.fit(X, y).predict(noisy)
            arrays = {
                name: value.copy()
                for name, value in vars(estimator).items()
                if isinstance(value, np.ndarray)
            }
            try:
                votes = fast_votes(estimator, X)
            except Declined:
                continue
            positions = votes.vote(noisy, X, np.arange(len(noisy)))
            assert_array_equal(estimator.classes_[positions], labels)
            assert_array_equal(estimator.predict(noisy), labels)
            for name, value in arrays.items():
                assert_array_equal(vars(estimator)[name], value, name)

    def test_counts_are_the_same_to_the_last_vote(self):
        estimators, X = fitted(type(self))
        for estimator in estimators[:2]:
            for dtype in (np.float64, np.float32):
                rows = X[:6].astype(dtype)
                fast = fast_votes(estimator, rows)
                slow = MonteCarloVotes(model_of(estimator))
                first, second = (
                    answers_of(votes, CountVotes(500), rows) for votes in (fast, slow)
                )
                for name, values in first.items():
                    assert_array_equal(values, second[name])
