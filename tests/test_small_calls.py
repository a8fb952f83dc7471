# SPDX-License-Identifier: BSD-3-Clause
"""Calls with few samples: nothing is done twice, and nothing comes out different."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.bounds import geometric_looks
from sksmooth.noise import Gaussian, Stage
from sksmooth.questions._certify_at_radii import CertifyAtRadii, _AgainstEach
from sksmooth.votes import Model, MonteCarloVotes
from sksmooth.votes.sampled import ProjectedLinearVotes, ScoreSpace
from sksmooth.votes.sampled._read_ahead import ReadAhead

X, y = load_iris(return_X_y=True)
LINEAR = LogisticRegression(max_iter=500).fit(X, y)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
SUPPORT = SVC(C=0.1).fit(X, y)


def smoothed(base, **params):
    return SmoothedClassifier.from_fitted(base, sigma=0.5, random_state=0, **params)


# Votes computed ahead


def of_predict():
    return MonteCarloVotes(Model(SUPPORT, np.arange(3), Gaussian(0.5), bytes(32), None))


def of_scores():
    space = ScoreSpace(LINEAR.coef_, LINEAR.intercept_, 0.5)
    return ProjectedLinearVotes(
        space, Model(LINEAR, np.arange(3), Gaussian(0.5), bytes(32), None)
    )


@pytest.mark.parametrize("source", [of_predict(), of_scores()], ids=["all", "scores"])
@pytest.mark.parametrize("at_once", [2, 20, 64, 500])
def test_votes_ahead_are_those_of_the_stream(source, at_once):
    rng, rows = np.random.default_rng(0), X[[0, 70, 120, 133]].copy()
    # Where scores stay as they are, and rounding leaves the label to `predict`.
    rows[3] += 1e8 * np.linalg.svd(LINEAR.coef_ - LINEAR.coef_.mean(axis=0))[2][-1]
    ahead = ReadAhead(source.open(rows), at_once, 3)
    plain = source.open(rows)
    if hasattr(plain, "_kinds"):
        assert all(map(np.any, plain._kinds(np.arange(4))))
    for _ in range(30):
        of = np.flatnonzero(rng.random(4) < 0.6)
        sizes = rng.integers(1, rng.choice([4, 40, 300]), len(of))
        stage = Stage.PILOT if rng.random() < 0.3 else Stage.ESTIMATE
        assert_array_equal(ahead.draw(of, sizes, stage), plain.draw(of, sizes, stage))


def test_no_vote_of_a_predict_is_computed_in_vain():
    n_seen = []

    def predict(rows):
        n_seen.append(len(rows))
        return SUPPORT.predict(rows)

    clf = SmoothedClassifier.from_fitted(predict, classes=[0, 1, 2], sigma=0.5)
    clf.predict(X[:1])  # probes it
    n_seen.clear()
    clf.predict(X[:1])
    assert n_seen[0] == geometric_looks(clf.n_predict)[0]


# Parameters and samples that pass without a check


@pytest.mark.parametrize(
    ("name", "value"), [("sigma", -1.0), ("alpha", 2.0), ("n_predict", 0)]
)
def test_a_parameter_that_is_set_is_checked(name, value):
    clf = smoothed(TREE)
    labels = clf.predict(X[:3])
    good = getattr(clf, name)
    setattr(clf, name, value)
    for _ in range(2):
        with pytest.raises(ValueError, match=name):
            clf.predict(X[:3])
    setattr(clf, name, good)
    assert_array_equal(clf.predict(X[:3]), labels)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((1, 4), np.nan), "NaN"),
        (np.array([[1.0, np.inf, 2.0, 0.0]]), "infinity"),
        (np.array([[1.0, -np.inf, 2.0, 0.0]]), "infinity"),
        (X[:1, :3], "features"),
        (X[:0], "0 sample"),
        (X[0], "2D"),
    ],
)
def test_samples_that_are_not_plain_are_checked(rows, message):
    clf = smoothed(LINEAR)
    clf.predict(X[:1])
    with pytest.raises(ValueError, match=message):
        clf.predict(rows)


@pytest.mark.parametrize("rows", [X[:5].astype(">f8"), X[:5].tolist(), X[:5] + 0j * 0])
def test_samples_of_other_types_get_the_same_labels(rows):
    clf = smoothed(TREE)
    if np.iscomplexobj(rows):
        with pytest.raises(ValueError, match="Complex"):
            clf.predict(rows)
    else:
        assert_array_equal(clf.predict(rows), clf.predict(X[:5]))


def test_finite_numbers_whose_sum_is_not_pass():
    rows = np.full((1, 4), 1e308)
    assert smoothed(TREE, method="exact").predict(rows) in TREE.classes_


# Tables of a question


def at_radii(radii, **settings):
    settings = {"alpha": 0.01, "beta": 0.05, "weights": None, **settings}
    return CertifyAtRadii(
        radii=np.asarray(radii),
        law=Gaussian(0.5),
        n_max=500,
        bound="multiclass",
        slack=0.0,
        **settings,
    )


def test_tables_belong_to_the_content_of_a_question():
    tables = at_radii([0.1, 0.2])._tables(3)
    assert at_radii([0.1, 0.2])._tables(3) is tables
    for other in (
        at_radii([0.1, 0.3])._tables(3),
        at_radii([0.1, 0.2])._tables(4),
        at_radii([0.1, 0.2], alpha=0.02)._tables(3),
        at_radii([0.1, 0.2], weights=np.array([1.0, 2.0, 1.0]))._tables(3),
    ):
        assert other is not tables


@pytest.mark.parametrize("weights", [None, np.array([1.0, 3.0, 0.5, 1.0])])
def test_what_unanimous_votes_do_not_show_is_left_out_without_a_change(weights):
    rng, looks = np.random.default_rng(0), np.array([16, 31, 60, 200])
    needed = np.linspace(0.01, 0.6, 40)
    each = _AgainstEach(needed, Gaussian(0.5), looks, 0.01, 4, weights, 0.05)
    for k, look in enumerate(looks):
        votes = rng.multinomial(look, rng.dirichlet([3, 0.2, 0.2, 0.2]), 200)
        votes[0] = [look, 0, 0, 0]
        leader = np.argmax(votes if weights is None else votes * weights, axis=1)
        holds, lower = rng.integers(0, 41, 200), rng.random(200)
        more, more_lower = each.decide(k, votes, leader)
        expected = np.maximum(more, holds), np.where(more > holds, more_lower, lower)
        found = each.add(k, votes, leader, holds.copy(), lower.copy())
        assert_array_equal(found[0], expected[0])
        assert_array_equal(found[1], expected[1])
