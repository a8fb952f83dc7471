# SPDX-License-Identifier: BSD-3-Clause
"""The guarantee, through the public API, on classifiers whose votes have a known law.

More than 100,000 certificates are simulated at alpha = 0.05. Each count of failures is
held against alpha by a one-sided binomial test at level `known_votes.LEVEL`.
"""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm
from sklearn.datasets import make_blobs, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from tests.known_votes import Board, Strips, assert_at_most, in_ball

ALPHA = 0.05
N_ROWS = 2000


def strips(shares, labels=None):
    """Strips that get these shares of the votes at 0, with noise of sigma 1."""
    labels = np.arange(len(shares)) if labels is None else np.array(labels)
    return Strips(ndtri(np.cumsum(shares)[:-1]), labels).fit()


# Classifier and row. Half-spaces are the worst that the theorem allows for, so that
# any claim beyond it is false: one for the leader against everything else, or with a
# third class between the leader and its rival.
CASES = {
    "tie of 2": (strips([0.5, 0.5]), 0.0),
    "tie of 3": (strips([1 / 3] * 3), 0.0),
    "tie of 10": (strips([0.1] * 10), 0.0),
    "tie of 2 among 3": (strips([0.4, 0.2, 0.4], [0, 2, 1]), 0.0),
    "tie of 2 among 10": (strips([0.25] + [0.0625] * 8 + [0.25]), 0.0),
    "nearly a tie": (strips([0.5, 0.5]), 0.02),
    "leader at .6": (strips([0.6, 0.4]), 0.0),
    "leader at .9": (strips([0.9, 0.1]), 0.0),
    "leader at .96": (strips([0.04, 0.96]), 0.0),
    "third class between": (strips([0.6, 0.2, 0.2], [0, 2, 1]), 0.0),
    "leader below a half": (strips([0.47, 0.17, 0.36], [1, 0, 2]), 0.0),
}

MODES = {
    "certify": ({"bound": "multiclass"}, {}),
    "certify, tol=0": ({"bound": "multiclass"}, {"tol": 0}),
    "certify, binary": ({"bound": "binary"}, {"tol": 0.2, "beta": 0.3}),
    "radii": ({"bound": "multiclass"}, {"radii": True}),
    "radii, binary": ({"bound": "binary"}, {"radii": True, "beta": 0.0}),
}


def grid_of(radius):
    """Radii to ask for: the true one, which just does not hold, and others."""
    return [0.0, 0.5 * radius, radius, 1.05 * radius] if radius > 0 else [0.0, 0.2]


def test_there_are_enough_certificates():
    assert len(CASES) * len(MODES) * N_ROWS >= 100_000


# All samples stand on a decision boundary, where tiny noise changes half of the labels.
@pytest.mark.filterwarnings("ignore:.*change their predicted label")
@pytest.mark.parametrize("mode", MODES)
def test_certificates_are_false_at_a_rate_of_at_most_alpha(mode):
    params, asked = MODES[mode]
    rates = {}
    for name, (base, x) in CASES.items():
        label, radius = base.truth(x)
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=1.0,
            alpha=ALPHA,
            n_certify=200,
            batch_size=2**17,
            method="monte_carlo",
            random_state=len(rates),
            **params,
        )
        request = dict(asked)
        if "radii" in request:
            request["radii"] = grid_of(radius)
        rows = base.rows(x, N_ROWS)
        clf.vote_source(rows)  # so that probes are over
        base.evaluations_[:] = 0
        found = clf.certify(rows, **request)

        # At the true radius itself the vote is tied: that is too much to claim.
        right = (found.label == label) & (found.radius < radius - 1e-9)
        false = ~found.abstained & ~right
        assert_at_most(false.sum(), N_ROWS, ALPHA)
        rates[name] = false.mean()

        shares = base.shares(x)[np.searchsorted(base.classes_, found.label)]
        assert_at_most((found.p_lower > shares).sum(), N_ROWS, ALPHA)
        # The cost is right: so many noisy copies were predicted, and of a classifier of
        # one's own a fixed number again, see `sksmooth.votes.probes`.
        again = base.evaluations_ - found.n_evaluations
        assert (again >= 0).all()
        assert again.sum() <= 1024
    # The cases are a threat, and alpha is used.
    assert max(rates.values()) > ALPHA / 5


# All samples stand on a decision boundary, where tiny noise changes half of the labels.
@pytest.mark.filterwarnings("ignore:.*change their predicted label")
def test_predict_stops_for_a_wrong_answer_at_a_rate_of_at_most_alpha():
    """A row that stops before `n_predict` claims to be decided.

    And where all votes are drawn after all, they have the same leader, except at such
    a rate.
    """
    n_predict, rates = 250, {}
    for name, (base, x) in CASES.items():
        label, radius = base.truth(x)
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=1.0,
            alpha=ALPHA,
            n_predict=n_predict,
            batch_size=2**17,
            method="monte_carlo",
            random_state=len(rates),
        )
        X = base.rows(x, N_ROWS)
        clf.vote_source(X)  # so that probes are over
        base.evaluations_[:] = 0
        answer = clf.predict(X)
        stopped = base.evaluations_ < n_predict
        assert base.evaluations_.max() <= n_predict
        # At a tie, whatever is decided is wrong.
        false = stopped & ((answer != label) | (radius < 0))
        assert_at_most(false.sum(), N_ROWS, ALPHA)
        rates[name] = false.mean()

        shares = clf.predict_proba(X)
        leader = clf.classes_[np.argmax(shares, axis=1)]
        assert_at_most((leader != answer).sum(), N_ROWS, ALPHA)
        assert (leader == answer)[~stopped].all()
    assert max(rates.values()) > ALPHA / 10


# Linear classifiers


@pytest.fixture(scope="module")
def linear():
    """A logistic regression of three features, rows, and their signed distances."""
    X, y = make_blobs(200, 3, centers=2, cluster_std=3.0, random_state=3)
    clf = LogisticRegression().fit(X, y)
    rows = np.random.default_rng(4).normal(size=(1500, 3))
    scale = np.linalg.norm(clf.coef_)
    unit = clf.coef_[0] / scale
    # On both sides, from close to the hyperplane to three sigma away.
    distance = np.linspace(-0.75, 0.75, len(rows))
    rows += np.outer(distance - clf.decision_function(rows) / scale, unit)
    return clf, rows, distance


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
def test_the_radius_of_a_linear_classifier_is_the_distance_to_its_hyperplane(
    linear, bound
):
    """Exceeded at a rate of at most alpha, and approached as votes grow."""
    base, X, distance = linear
    sigma, gaps = 0.25, []
    for n_certify in (100, 1000, 8000):
        clf = SmoothedClassifier.from_fitted(
            base,
            sigma=sigma,
            alpha=ALPHA,
            bound=bound,
            n_certify=n_certify,
            method="monte_carlo",
            batch_size=2**16,
            random_state=5,
        )
        found = clf.certify(X[::4] if n_certify > 1000 else X, tol=0)
        true = distance[::4] if n_certify > 1000 else distance
        right = found.label == (true > 0)
        claimed = ~found.abstained
        false = claimed & ~(right & (found.radius <= abs(true)))
        assert_at_most(false.sum(), len(true), ALPHA)
        assert false.any()  # the bound is close to what it may say

        # What the bound is expected to miss: its distance from the mean of the votes,
        # in units of the standard error, over the density of the noise there.
        middle = (abs(true) > 0.05) & (abs(true) < 0.45)
        probit = abs(true[middle]) / sigma
        error = np.sqrt(norm.cdf(probit) * norm.sf(probit) / n_certify)
        expected = sigma * -ndtri(ALPHA) * error / norm.pdf(probit)
        gap = abs(true[middle]) - found.radius[middle]
        assert claimed[middle & (abs(true) > 0.2)].mean() > 0.95
        gaps.append(np.median(gap))
        assert np.median(gap) == pytest.approx(np.median(expected), rel=0.4)
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2] > 0


def test_radii_asked_of_a_linear_classifier(linear):
    """The largest of the grid that holds is found, but for those that are close."""
    base, X, distance = linear
    X, distance = X[::3], distance[::3]
    sigma, radii = 0.25, np.array([0.0, 0.1, 0.25, 0.4])
    clf = SmoothedClassifier.from_fitted(
        base, sigma=sigma, n_certify=5000, method="monte_carlo", random_state=6
    )
    found = clf.certify(X, radii=radii)
    wrong = (found.label != (distance > 0)) | (found.radius > abs(distance))
    assert_at_most((wrong & ~found.abstained).sum(), len(X), clf.alpha)
    close = abs(abs(distance)[:, np.newaxis] - radii).min(axis=1) < 0.06
    holds = np.append(0.0, radii)[np.searchsorted(radii, abs(distance))]
    assert np.mean(found.radius[~close] == holds[~close]) > 0.97
    assert not found.abstained[~close].any()


# Search of certified balls


def tree_in_the_plane():
    X, y = make_blobs(300, 2, centers=6, cluster_std=0.8, random_state=1)
    clf = DecisionTreeClassifier(max_depth=6, random_state=0).fit(X / 3, y % 3)
    tree = clf.tree_
    edges = [np.unique(tree.threshold[tree.feature == j]) for j in (0, 1)]
    return clf, Board(clf, edges), X / 3, 0.0


def svc_in_the_plane():
    X, y = make_moons(200, noise=0.15, random_state=1)
    clf = SVC(gamma=3.0).fit(X, y)
    edges = np.linspace(-3.5, 4.5, 241)
    # A cell on the decision boundary is all one class: shares are off by so much.
    return clf, Board(clf, (edges, edges)), X, 5e-4


PLANES = {"tree": tree_in_the_plane(), "svc": svc_in_the_plane()}


def changes_within(found, X, radius, board, inexact, sigma, weights=1.0):
    """Rows whose label changes somewhere in the ball of that radius around them."""
    changed = np.zeros(len(X), dtype=bool)
    for i in np.flatnonzero(~found.abstained):
        score = weights * board.shares(in_ball(X[i], radius[i]), sigma)
        own = score[:, np.searchsorted(board.classes, found.label[i])]
        changed[i] = (score.max(axis=1) > own + inexact).any()
    return changed


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("plane", PLANES)
def test_no_change_of_answer_inside_certified_balls(plane, bound):
    base, board, X, inexact = PLANES[plane]
    sigma, alpha = 0.3, 0.01
    X = np.random.default_rng(2).uniform(X.min(axis=0), X.max(axis=0), (100, 2))
    clf = SmoothedClassifier.from_fitted(
        base,
        sigma=sigma,
        alpha=alpha,
        bound=bound,
        n_certify=2000,
        method="monte_carlo",
        random_state=0,
    )
    radii = clf.certify(X, radii=[0.0, 0.1, 0.2, 0.3, 0.5])
    for found in (clf.certify(X, tol=0), radii):
        changed = changes_within(found, X, found.radius, board, inexact, sigma)
        assert_at_most(changed.sum(), len(X), alpha)
        assert np.mean(found.radius > 0.1) > 0.5
    # The search would find a change if there were one.
    found = clf.certify(X, tol=0)
    changed = changes_within(found, X, 2 * found.radius, board, inexact, sigma)
    assert changed.mean() > 0.2
