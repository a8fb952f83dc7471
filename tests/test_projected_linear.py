# SPDX-License-Identifier: BSD-3-Clause
"""Votes of linear scores, sampled in the space of their differences, keep their law."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import ndtr
from sklearn.linear_model import LogisticRegression

from sksmooth.noise import Gaussian, Stage
from sksmooth.votes import Model
from sksmooth.votes.exact._linear import LineSource
from sksmooth.votes.exact._linear_scores import LinearScores
from sksmooth.votes.exact._three_classes import ThreeClassSource
from sksmooth.votes.sampled import (
    MonteCarloVotes,
    ProjectedLinearVotes,
    ScoreSpace,
)

KEY = bytes(32)
SIGMA = 0.5


def votes_of(coef, intercept, sigma=SIGMA, batch_size=8192):
    classes = np.arange(len(coef))
    law = Gaussian(sigma)
    return ProjectedLinearVotes(
        ScoreSpace(coef, intercept, sigma), Model(None, classes, law, KEY, batch_size)
    )


def shares_of(source, X, n_votes):
    rows = np.arange(len(X))
    drawn = source.open(X).draw(rows, np.full(len(X), n_votes), Stage.ESTIMATE)
    assert (drawn.sum(axis=1) == n_votes).all()
    return drawn / n_votes


def share_that_may_miss(source, X):
    return source.open(X)._missed[:, -1]


def three_classes():
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(3, 4)), rng.normal(size=3)
    X = 1.5 * rng.normal(size=(60, 4))
    return coef, intercept, X, ThreeClassSource


def six_classes_along_a_line():
    # Half-spaces that lie in each other: noise beyond one is beyond others too.
    slope = np.array([-2.0, -1.0, 0.0, 0.5, 1.5, 3.0])
    direction = np.array([0.6, 0.0, -0.8])
    intercept = -np.array([1.0, 0.2, 0.0, 0.02, 0.3, 1.5])
    X = np.linspace(-4, 4, 60)[:, np.newaxis] * direction
    return slope[:, np.newaxis] * direction, intercept, X, LineSource


@pytest.mark.parametrize("scores", [three_classes, six_classes_along_a_line])
def test_shares_are_those_of_the_closed_form(scores):
    coef, intercept, X, closed_form = scores()
    exact = closed_form(np.arange(len(coef)), LinearScores(coef, intercept))
    truth = ndtr(exact.probits(X, SIGMA)[0])
    source, n = votes_of(coef, intercept), 200_000
    few = share_that_may_miss(source, X) < 0.2
    assert 20 <= few.sum() <= 50  # both ways of drawing have rows enough
    deviation = np.sqrt(n * truth * (1 - truth))
    # At most 360 comparisons; 5 deviations are exceeded with probability 6e-7 each,
    # and counts below about 10 are skewed, which the 5 votes more allow for.
    error = n * np.abs(shares_of(source, X, n) - truth)
    assert (error <= 5 * deviation + 5).all()


def test_many_classes_agree_with_voting_in_the_space_of_the_rows():
    rng = np.random.default_rng(1)
    coef, intercept = rng.normal(size=(8, 20)), rng.normal(size=8)
    X = 0.8 * rng.normal(size=(40, 20))
    source, n = votes_of(coef, intercept), 50_000
    few = share_that_may_miss(source, X) < 0.2
    assert 5 <= few.sum() <= 35
    shares = shares_of(source, X, n)
    for row, share in zip(X, shares, strict=True):
        noisy = row + SIGMA * rng.standard_normal((n, 20))
        plain = np.bincount(np.argmax(noisy @ coef.T + intercept, axis=1), minlength=8)
        pooled = (share + plain / n) / 2
        error = np.abs(n * share - plain)
        assert (error <= 5 * np.sqrt(2 * n * pooled * (1 - pooled)) + 5).all()


@pytest.mark.parametrize("scores", [three_classes, six_classes_along_a_line])
def test_votes_in_parts_are_those_drawn_at_once(scores):
    coef, intercept, X, _ = scores()
    rows = np.arange(len(X))
    at_once = (
        votes_of(coef, intercept).open(X).draw(rows, np.full(60, 3000), Stage.PREDICT)
    )
    streams = votes_of(coef, intercept, batch_size=77).open(X)
    in_parts = sum(
        streams.draw(rows, np.full(60, size), Stage.PREDICT)
        for size in (16, 984, 1, 1999)
    )
    np.testing.assert_array_equal(in_parts, at_once)
    alone = votes_of(coef, intercept).open(X[7:8])
    np.testing.assert_array_equal(
        alone.draw(np.array([0]), np.array([3000]), Stage.PREDICT)[0], at_once[7]
    )


def test_a_class_far_behind_takes_nothing_from_the_others():
    coef, intercept, X, closed_form = three_classes()
    exact = closed_form(np.arange(3), LinearScores(coef, intercept))
    truth, n = ndtr(exact.probits(X, SIGMA)[0]), 20_000
    source = votes_of(np.append(coef, coef[:1], axis=0), np.append(intercept, -1e17))
    shares = shares_of(source, X, n)
    assert not shares[:, 3].any()
    # 180 comparisons, as above
    deviation = np.sqrt(n * truth * (1 - truth))
    assert (n * np.abs(shares[:, :3] - truth) <= 5 * deviation + 5).all()


def test_of_classes_with_one_score_only_the_first_is_answered():
    coef = np.array([[1.0, 0.0], [0.1, 0.3], [0.1, 0.3], [1.0, 0.0]])
    intercept = np.array([0.0, 0.2, 0.2, 0.0])
    X = np.random.default_rng(0).normal(size=(20, 2))
    shares = shares_of(votes_of(coef, intercept), X, 1000)
    assert not shares[:, 2:].any()
    assert (shares[:, :2].sum(axis=0) > 0).all()


def test_one_score_for_all_is_the_first_class():
    shares = shares_of(votes_of(np.ones((4, 3)), np.zeros(4)), np.eye(3), 100)
    assert (shares[:, 0] == 1).all()


class Reader(LogisticRegression):
    """Linear, and predicts as it likes where it is far from zero."""

    def predict(self, X):
        return np.where(np.abs(X[:, 0]) > 1e5, 2, super().predict(X))


def test_rows_where_rounding_matters_are_left_to_predict():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.normal(size=(300, 4)) + y[:, np.newaxis] * [1.0, -1.0, 0.5, 0.0]
    clf = Reader().fit(X, y)
    model = Model(clf, np.arange(3), Gaussian(SIGMA), KEY, 8192)
    space = ScoreSpace(clf.coef_, clf.intercept_, SIGMA)
    source = ProjectedLinearVotes(space, model)
    # Along this direction the scores stay as they are, so no class is clear.
    along = np.linalg.svd(clf.coef_ - clf.coef_.mean(axis=0))[2][-1]
    far = X[:5] + 1e8 * along
    both = np.concatenate([X[:40], far])
    which, sizes = np.arange(45), np.full(45, 500)
    drawn = source.open(both).draw(which, sizes, Stage.ESTIMATE)
    asked = MonteCarloVotes(model).open(far).draw(which[:5], sizes[:5], Stage.ESTIMATE)
    assert_array_equal(drawn[40:], asked)
    assert (drawn[40:, 2] == 500).all()  # only its predict knows
    # Rows far away change nothing for the others.
    near = source.open(X[:40]).draw(which[:40], sizes[:40], Stage.ESTIMATE)
    assert_array_equal(drawn[:40], near)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e5])
def test_the_bound_on_rounding_holds(size):
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(5, 50)) + 10, rng.normal(size=5)
    X = size * rng.normal(size=(20, 50))
    source = votes_of(coef, intercept)
    found = source.scores(source.coordinates(X))
    bound = source.score_rounding(X)
    for row, scores, most in zip(X, found, bound, strict=True):
        true = [
            sum(Fraction(a) * Fraction(b) for a, b in zip(row, of, strict=True))
            + Fraction(at)
            for of, at in zip(coef, intercept, strict=True)
        ]
        # Only differences count: a common number added to all changes no prediction.
        true = np.array([float(value - true[0]) for value in true])
        assert (np.abs(scores - scores[0] - true) <= most + most[0]).all()
