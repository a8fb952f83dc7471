# SPDX-License-Identifier: BSD-3-Clause
"""What every vote source must satisfy. A new one inherits these tests by one class."""

import pickle
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from sksmooth.noise import Gaussian, Laplace, Law
from sksmooth.questions import CertifyAtRadii, CertifyRadius, CountVotes, DecideLabel
from sksmooth.votes import Declined, Model, find_source

KEY = bytes(range(32))
SIGMA = 0.5
# Standard errors that a simulation may be off by: one in a million is.
ERRORS = 5
N_VOTES = 4000


def certify_question(kind=CertifyRadius, **settings):
    defaults = {
        "law": Gaussian(SIGMA),
        "n_max": 300,
        "alpha": 0.01,
        "bound": "multiclass",
        "weights": None,
        "slack": 0.0,
        "beta": 0.05,
    }
    return kind(**defaults | settings)


QUESTIONS = {
    "shares": CountVotes(50),
    "label": DecideLabel(100, 0.01),
    "radius": certify_question(tol=0.05),
    "radii": certify_question(CertifyAtRadii, radii=np.array([0.0, 0.1, 0.5])),
}


class Unregistered(ClassifierMixin, BaseEstimator):
    """A classifier that no source but `predict` knows."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.inner_.predict(X)


@cache
def fitted(case):
    """The classifier of a case and some samples; fitted once."""
    X, y = case.data()
    return case.estimator().fit(X, y), X[:12]


def answers_of(source, question, X):
    """The arrays that a source returns for a question, by name."""
    answers = source.answer(question, X)
    arrays = {field.name: getattr(answers, field.name) for field in fields(answers)}
    return {name: values for name, values in arrays.items() if values is not None}


class SourceCase:
    """Tests of one vote source; a subclass states a classifier that it serves.

    Attributes
    ----------
    kind : type
        Class of the source.
    tolerance : float
        By how much answers may differ between chunks of samples: rounding only.
    why_not_laplace : str or None
        Part of the reason for which it does not serve Laplace noise; None if it does.
    unit : float or ndarray of shape (n_features,)
        Standard deviation of the noise of each feature, over sigma.
    law : Law
    """

    kind: type
    tolerance = 0.0
    why_not_laplace: str | None = "Gaussian noise only"
    unit: float | np.ndarray = 1.0
    law: Law = Gaussian(SIGMA)

    @staticmethod
    def estimator():
        """A classifier to be fitted."""
        raise NotImplementedError

    @staticmethod
    def data():
        """Samples and labels: three classes around the corners of a triangle."""
        rng = np.random.default_rng(0)
        y = np.arange(150) % 3
        centers = np.array([[0.0, 1.2, 0.0], [1.0, -0.7, 0.0], [-1.0, -0.7, 0.5]])
        return centers[y] + 0.5 * rng.normal(size=(150, 3)), y

    @staticmethod
    def find(model, X):
        """Look for the source; raises `Declined`."""
        raise NotImplementedError

    def model(self, estimator=None, **settings):
        estimator = fitted(type(self))[0] if estimator is None else estimator
        defaults = {
            "classes": estimator.classes_,
            "law": self.law,
            "key": KEY,
            "batch_size": 1000,
        }
        return Model(estimator, **defaults | settings)

    def source(self, **settings):
        return self.find(self.model(**settings), self.samples())

    def samples(self):
        return self.shown(fitted(type(self))[1])

    @staticmethod
    def shown(X):
        """Samples as the source is given them."""
        return X

    def noisy(self, x, n, rng):
        """Noisy copies of a sample, in the dtype of the sample."""
        copies = x + SIGMA * self.unit * rng.standard_normal((n, *x.shape))
        return copies.astype(x.dtype)

    def sampled_shares(self, estimator, n=N_VOTES):
        """Shares of the votes by `predict` alone, with noise of its own."""
        rng = np.random.default_rng(1)
        shares = []
        for x in fitted(type(self))[1]:
            labels = estimator.predict(self.noisy(x, n, rng))
            shares.append(np.mean(labels[:, np.newaxis] == estimator.classes_, axis=0))
        return np.array(shares)

    def assert_shares_agree(self, source, estimator):
        sampled = self.sampled_shares(estimator)
        shares = answers_of(source, CountVotes(N_VOTES), self.samples())["shares"]
        # Both may be sampled. A share that is never seen in n votes has an error too.
        middle = np.clip((sampled + shares) / 2, 1 / N_VOTES, 1 - 1 / N_VOTES)
        error = np.sqrt(2 * middle * (1 - middle) / N_VOTES)
        assert (np.abs(shares - sampled) <= ERRORS * error).all()
        assert shares.std(axis=0).max() > 0.1  # there is something to tell

    # What it knows

    def test_it_is_the_source_that_is_meant(self):
        assert type(self.source()) is self.kind

    def test_its_probabilities_are_those_of_predict_under_noise(self):
        self.assert_shares_agree(self.source(), fitted(type(self))[0])

    def test_a_subclass_with_another_predict_is_not_taken_for_it(self):
        estimator, X = fitted(type(self))[0], self.samples()

        class Contrary(type(estimator)):
            def predict(self, X):
                labels = super().predict(X)
                return self.classes_[::-1][np.searchsorted(self.classes_, labels)]

        contrary = Contrary.__new__(Contrary)
        contrary.__dict__.update(vars(estimator))
        source = find_source(
            self.model(contrary), X, method="auto", n_votes=float("inf")
        )
        self.assert_shares_agree(source, contrary)

    # What it returns

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_answers_have_the_shape_of_the_samples(self, name):
        X, n_classes = self.samples(), len(fitted(type(self))[0].classes_)
        answers = answers_of(self.source(), QUESTIONS[name], X)
        by_class = {"shares", "counts", "label_counts", "p_upper"}
        for key, values in answers.items():
            shape = (len(X), n_classes) if key in by_class else (len(X),)
            assert values.shape == shape, key
        if "label" in answers:
            assert np.isin(answers["label"], np.arange(n_classes)).all()
        if "radius" in answers:
            assert np.isfinite(answers["radius"]).all()
            assert (answers["radius"] >= 0).all()

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_a_sample_is_answered_the_same_in_any_chunk(self, name):
        # Far from the others, other sums take over.
        X, question = fitted(type(self))[1], QUESTIONS[name]
        X = self.shown(np.concatenate([X, 10 * X[:6], 100 * X[:6]]))
        whole = answers_of(self.source(), question, X)
        again = self.source()
        order = np.arange(len(X))[::-1]
        for rows in (*order[:12, np.newaxis], order[12:14], order[14:]):
            part = answers_of(again, question, X[rows])
            for key, values in part.items():
                self.assert_same(values, whole[key][rows])

    def assert_same(self, values, expected):
        if not self.tolerance:
            assert_array_equal(values, expected)
        else:
            np.testing.assert_allclose(values, expected, atol=self.tolerance)

    def test_a_job_can_be_sent_it(self):
        source, question = self.source(), QUESTIONS["radius"]
        if source.serial:  # it is used where it was made
            return
        sent = pickle.loads(pickle.dumps(source))
        first, second = (
            answers_of(s, question, self.samples()) for s in (source, sent)
        )
        for key, values in first.items():
            self.assert_same(values, second[key])

    def test_it_tells_of_samples_as_they_finish(self):
        finished = []
        self.source().answer(QUESTIONS["radius"], self.samples(), finished.append)
        assert sum(finished) == len(self.samples())
        assert min(finished) >= 0

    # What it costs and refuses

    def test_the_votes_where_it_breaks_even_are_the_same_every_time(self):
        first, second = (self.source().break_even_votes for _ in range(2))
        assert first == second
        assert 0 <= first < float("inf")

    def test_a_question_that_no_votes_can_answer_is_refused(self):
        question = certify_question(tol=0.05, n_max=1, alpha=1e-6)
        source = self.source()
        if source.method == "exact":
            source.check(question)
            answers = answers_of(source, question, self.samples())
            assert (answers["radius"] > 0).any()
        else:
            with pytest.raises(ValueError, match="n_certify"):
                source.check(question)

    def test_it_declines_with_a_reason(self):
        for model, reason in self.declined():
            with pytest.raises(Declined, match=reason):
                self.find(model, self.samples())

    def declined(self):
        """Models that it does not serve, each with a part of the reason."""
        X = fitted(type(self))[1].reshape(len(self.samples()), -1)
        stranger = Unregistered().fit(X, np.arange(len(X)) % 2)
        yield self.model(stranger), "Unregistered"
        if self.why_not_laplace is not None:
            yield self.model(law=Laplace(SIGMA)), self.why_not_laplace
