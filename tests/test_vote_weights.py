# SPDX-License-Identifier: BSD-3-Clause
"""Weighted votes: where the boundary goes, and certificates that stay true.

More than 50,000 weighted certificates are simulated at alpha = 0.05. Each count of
failures is held against alpha by a one-sided binomial test at `known_votes.LEVEL`.
"""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from sklearn.datasets import load_iris, make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.certificates import resolve_vote_weights
from sksmooth.noise import Gaussian
from tests.known_votes import Board, Strips, assert_at_most, in_ball

ALPHA = 0.05
N_ROWS = 1500


def smooth(base, weights, **params):
    settings = {
        "sigma": 1.0,
        "alpha": ALPHA,
        "n_certify": 250,
        "batch_size": 2**17,
        "method": "monte_carlo",
        "random_state": 0,
    }
    return SmoothedClassifier.from_fitted(
        base, vote_weights=weights, **(settings | params)
    )


# The law of two classes with a linear boundary


@pytest.fixture(scope="module")
def linear():
    X, y = make_blobs(200, 3, centers=2, cluster_std=3.0, random_state=3)
    clf = LogisticRegression().fit(X, y)
    rows = np.random.default_rng(4).normal(size=(900, 3))
    scale = np.linalg.norm(clf.coef_)
    distance = np.linspace(-1.2, 1.2, len(rows))
    rows += np.outer(
        distance - clf.decision_function(rows) / scale, clf.coef_[0] / scale
    )
    return clf, rows, distance


@pytest.mark.parametrize("weights", [(1.0, 3.0), (5.0, 1.0), (0.2, 0.3)])
def test_weights_move_a_hyperplane_by_a_known_distance(linear, weights):
    """Class 1 is answered beyond ``sigma * Phi^-1(w0 / (w0 + w1))``, and only there."""
    base, X, distance = linear
    sigma = 0.4
    shift = sigma * ndtri(weights[0] / sum(weights))
    beyond = distance - shift
    clf = smooth(base, weights, sigma=sigma, n_predict=4000, n_certify=4000)

    answer = clf.predict(X)
    # The shares of 4000 votes tell apart what is farther off than this.
    clear = abs(beyond) > 5 * sigma * 0.5 / np.sqrt(4000) / 0.15
    assert clear.mean() > 0.8
    assert (answer == (beyond > 0))[clear].all()

    for tol in (0.0, 0.05):
        found = clf.certify(X, tol=tol)
        right = (found.label == (beyond > 0)) & (found.radius <= abs(beyond))
        assert_at_most((~found.abstained & ~right).sum(), len(X), ALPHA)
        # Near the boundary, a pilot may pick the other class or give up.
        assert found.abstained[clear].mean() < 0.02
        assert not found.abstained[abs(beyond) > sigma].any()
        # As close to the shifted hyperplane as so many votes see.
        near = clear & (abs(distance) < 2 * sigma)
        gap = (abs(beyond) - found.radius)[near]
        assert np.median(gap) < 0.1 * sigma
    coarse = smooth(base, weights, sigma=sigma, n_certify=200).certify(X, tol=0)
    assert np.median((abs(beyond) - coarse.radius)[near]) > 2.5 * np.median(gap)

    radii = np.array([0.0, 0.1, 0.3, 0.5])
    found = clf.certify(X, radii=radii)
    right = (found.label == (beyond > 0)) & (found.radius <= abs(beyond))
    assert_at_most((~found.abstained & ~right).sum(), len(X), ALPHA)
    holds = np.append(0.0, radii)[np.searchsorted(radii, abs(beyond))]
    far = clear & (abs(abs(beyond)[:, np.newaxis] - radii).min(axis=1) > 0.09)
    far &= abs(distance) < 2 * sigma
    assert far.sum() > 100
    assert np.mean(found.radius[far] == holds[far]) > 0.97


@pytest.mark.parametrize("weight", [1.0, 0.3, 4.0, 1e4])
def test_the_weighted_radius_is_the_root_of_its_equation(weight):
    rng = np.random.default_rng(0)
    sigma = 0.7
    top, other = rng.uniform(0.02, 0.98, 50), rng.uniform(0.02, 0.98, 50)
    radius = Gaussian(sigma).radius(ndtri(top), ndtri(other), weight, 2.0)
    for p, q, r in zip(top, other, radius, strict=True):

        def lead(t, p=p, q=q):
            ahead = weight * ndtr(ndtri(p) - t / sigma)
            return np.log(ahead / (2.0 * ndtr(ndtri(q) + t / sigma)))

        assert r == pytest.approx(brentq(lead, -9, 9, xtol=1e-13), abs=1e-10)
        assert lead(r) >= -1e-12  # rounded down
    # Two classes: the distance to the shifted boundary.
    radius = Gaussian(sigma).radius(ndtri(top), -ndtri(top), weight, 2.0)
    shifted = sigma * (ndtri(top) - ndtri(2.0 / (2.0 + weight)))
    np.testing.assert_allclose(radius, shifted, atol=1e-10)


# Weights that say nothing, and weights that say the same


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
    return KNeighborsClassifier(3).fit(X, y), X[::9]


REQUESTS = {
    "certify": {},
    "certify, tol=0": {"tol": 0},
    "radii": {"radii": [0.0, 0.3, 0.6]},
}


def everything(base, X, weights, bound):
    clf = smooth(base, weights, bound=bound, sigma=0.6, n_certify=200, n_predict=150)
    found = [clf.certify(X, **request) for request in REQUESTS.values()]
    return clf.predict(X), clf.predict_proba(X), found


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("weights", [[2.5, 2.5, 2.5], {}, {0: 1.0, 2: 1}, [0.1] * 3])
def test_equal_weights_change_nothing(iris, weights, bound):
    base, X = iris
    answer, shares, certificates = everything(base, X, None, bound)
    answer_too, shares_too, certificates_too = everything(base, X, weights, bound)
    np.testing.assert_array_equal(answer, answer_too)
    np.testing.assert_array_equal(shares, shares_too)
    assert certificates == certificates_too  # to the last bit, field by field


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("factor", [2.0**-7, 2.0**30])
def test_only_ratios_of_weights_matter(iris, factor, bound):
    base, X = iris
    weights = np.array([1.0, 0.37, 1.9])
    answer, shares, certificates = everything(base, X, weights, bound)
    # A power of two scales without rounding: nothing at all may change.
    answer_too, _, certificates_too = everything(base, X, weights * factor, bound)
    np.testing.assert_array_equal(answer, answer_too)
    for one, two in zip(certificates, certificates_too, strict=True):
        np.testing.assert_array_equal(one.label, two.label)
        np.testing.assert_array_equal(one.n_evaluations, two.n_evaluations)
        np.testing.assert_allclose(one.radius, two.radius, rtol=0, atol=1e-12)
    # Weights leave the shares of the votes alone.
    np.testing.assert_array_equal(shares, smooth_shares(base, X))
    by_name = dict(zip(base.classes_.tolist(), weights, strict=True))
    assert certificates == everything(base, X, by_name, bound)[2]


def smooth_shares(base, X):
    return smooth(base, None, sigma=0.6, n_predict=150).predict_proba(X)


def test_predict_answers_the_largest_product_of_weight_and_share(iris):
    base, X = iris
    weights = np.array([1.0, 0.5, 3.0])
    clf = smooth(base, weights, sigma=0.6, n_predict=300, alpha=1e-6)
    leader = np.argmax(weights * clf.predict_proba(X), axis=1)
    np.testing.assert_array_equal(clf.predict(X), leader)
    plain = clf.set_params(vote_weights=None).predict(X)
    assert (plain != leader).any()


# Simulated certificates


def strips(shares, labels=None):
    """Strips that get these shares of the votes at 0, with noise of sigma 1."""
    labels = np.arange(len(shares)) if labels is None else np.array(labels)
    return Strips(ndtri(np.cumsum(shares)[:-1]), labels).fit()


def tied(weights):
    """Shares whose products with the weights are all equal."""
    return 1 / np.array(weights) / np.sum(1 / np.array(weights))


TEN = np.geomspace(0.5, 4.0, 10)
UNLIKE = np.array([1.0, 6.0, 0.5])
# A leader and a rival with products equal, and the rest far behind.
TWO_OF_TEN = np.array([0.15] + [0.0625] * 8 + [0.35])
WEIGHTS_OF_TEN = np.array([0.35 / 0.15] + [0.5] * 8 + [1.0])

# Classifier with its strips, weights, row.
CASES = {
    "tie of 2": (strips(tied([1.0, 4.0])), [1.0, 4.0], 0.0),
    "tie of 3": (strips(tied(UNLIKE)), UNLIKE, 0.0),
    "tie of 10": (strips(tied(TEN)), TEN, 0.0),
    "tie of 2 among 10": (strips(TWO_OF_TEN), WEIGHTS_OF_TEN, 0.0),
    "2 classes": (strips([0.6, 0.4]), [1.0, 5.0], 0.0),
    "2 classes, other side": (strips([0.97, 0.03]), [1.0, 5.0], 0.0),
    # The third class lies between the other two and weighs too little to matter.
    "third class between": (strips([0.5, 0.2, 0.3], [0, 2, 1]), [1.0, 0.5, 0.2], 0.0),
    # All that the leader leaves over goes to the heaviest of the others.
    "heavy rival": (strips([0.9, 0.1 - 1e-7, 1e-7]), [1.0, 4.0, 0.1], 0.0),
    "heavy minority": (strips([0.35, 0.2, 0.45], [1, 0, 2]), [0.1, 6.0, 1.0], 0.0),
    "leader of 10": (
        strips([0.5] + [0.0125] * 8 + [0.4]),
        [2.0] + [1.0] * 8 + [0.5],
        0.0,
    ),
}

MODES = {
    "certify": ({"bound": "multiclass"}, {"tol": 0}),
    "certify, binary": ({"bound": "binary"}, {"tol": 0.2}),
    "radii": ({"bound": "multiclass"}, {"radii": True}),
    "radii, binary": ({"bound": "binary"}, {"radii": True, "beta": 0.0}),
}


def test_there_are_enough_certificates():
    assert len(CASES) * len(MODES) * N_ROWS >= 50_000


# Some cases lie on an edge, where the worst that can happen does.
@pytest.mark.filterwarnings("ignore:.*change their predicted label:UserWarning")
@pytest.mark.parametrize("mode", MODES)
def test_weighted_certificates_are_false_at_a_rate_of_at_most_alpha(mode):
    params, asked = MODES[mode]
    rates = {}
    for name, (base, weights, x) in CASES.items():
        label, radius = base.truth(x, weights=np.array(weights))
        clf = smooth(base, weights, random_state=len(rates), **params)
        request = dict(asked)
        if "radii" in request:
            # The true radius itself, where the votes are tied, just does not hold.
            far = radius if radius > 0 else 0.2
            request["radii"] = [0.0, 0.6 * far, far, 1.05 * far]
        found = clf.certify(base.rows(x, N_ROWS), **request)
        right = (found.label == label) & (found.radius < radius - 1e-9)
        false = ~found.abstained & ~right
        assert_at_most(false.sum(), N_ROWS, ALPHA)
        rates[name] = false.mean()
        shares = base.shares(x)[np.searchsorted(base.classes_, found.label)]
        assert_at_most((found.p_lower > shares).sum(), N_ROWS, ALPHA)
    assert max(rates.values()) > ALPHA / 5  # the cases are a threat


# Some cases lie on an edge, where the worst that can happen does.
@pytest.mark.filterwarnings("ignore:.*change their predicted label:UserWarning")
def test_weighted_predict_stops_for_a_wrong_answer_at_a_rate_of_at_most_alpha():
    n_predict, rates = 250, {}
    for name, (base, weights, x) in CASES.items():
        clf = smooth(base, weights, n_predict=n_predict, random_state=len(rates))
        answer = clf.predict(base.rows(x, N_ROWS))
        stopped = base.evaluations_ < n_predict
        score = base.shares(x) * weights
        best = base.classes_[score >= score.max() * (1 - 1e-9)]
        # One of those that tie is the prediction, whichever, and the others are wrong.
        false = max((stopped & (answer != label)).sum() for label in best)
        assert_at_most(false, N_ROWS, ALPHA)
        rates[name] = false / N_ROWS
    assert max(rates.values()) > ALPHA / 20


# Search of certified balls


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
def test_no_change_of_answer_inside_weighted_balls(bound):
    X, y = make_blobs(300, 2, centers=6, cluster_std=0.8, random_state=1)
    tree = DecisionTreeClassifier(max_depth=6, random_state=0).fit(X / 3, y % 3)
    threshold, feature = tree.tree_.threshold, tree.tree_.feature
    board = Board(tree, [np.unique(threshold[feature == j]) for j in (0, 1)])
    X = X[::2] / 3
    weights, sigma, alpha = np.array([4.0, 1.0, 0.3]), 0.4, 0.01
    clf = smooth(tree, weights, sigma=sigma, alpha=alpha, bound=bound, n_certify=1500)
    # The weights do move the boundaries.
    assert np.mean(clf.predict(X) != smooth(tree, None, sigma=sigma).predict(X)) > 0.1

    def changes(found, stretch):
        changed = np.zeros(len(X), dtype=bool)
        for i in np.flatnonzero(~found.abstained):
            ball = in_ball(X[i], stretch * found.radius[i])
            score = weights * board.shares(ball, sigma)
            changed[i] = (np.argmax(score, axis=1) != found.label[i]).any()
        return changed

    found = clf.certify(X, tol=0)
    asked = clf.certify(X, radii=[0.0, 0.1, 0.2, 0.3, 0.5])
    for certificates in (found, asked):
        assert_at_most(changes(certificates, 1.0).sum(), len(X), alpha)
        assert np.mean(certificates.radius > 0.05) > 0.5
    # The search would find a change if there were one.
    assert changes(found, 2.0).mean() > 0.2


# Only ratios of weights count


SCALES = [2.0**-1015, 2.0**-60, 0.5, 2.0, 2.0**60, 2.0**1022]


@pytest.mark.parametrize("weights", [[1.0, 1.7, 0.3], [1.0, 1e-11, 0.25]])
def test_weights_times_a_power_of_two_are_the_same_weights(weights):
    classes = np.arange(3)
    plain = resolve_vote_weights(weights, classes)
    assert plain.max() == 1.0
    for scale in SCALES:
        scaled = scale * np.array(weights)
        if scaled.min() > np.finfo(float).tiny:
            np.testing.assert_array_equal(resolve_vote_weights(scaled, classes), plain)
            by_class = dict(enumerate(scaled.tolist()))
            np.testing.assert_array_equal(
                resolve_vote_weights(by_class, classes), plain
            )
    # Other factors are one rounding of each weight away.
    for factor in (3.0, 1e300, 1e-290):
        scaled = resolve_vote_weights(factor * np.array(weights), classes)
        np.testing.assert_allclose(scaled, plain, rtol=1e-15)


def test_weights_at_the_ends_of_what_floats_hold():
    classes = np.arange(2)
    for pair in [
        [5e-324, 1e-323],
        [2.0**1022, 2.0**1023],
        [10**400, 2 * 10**400],
        {0: 10**400, 1: 2 * 10**400},
        [Fraction(1, 7), Fraction(2, 7)],
        np.array([1, 2], dtype=np.uint8),
    ]:
        np.testing.assert_array_equal(resolve_vote_weights(pair, classes), [0.5, 1.0])
    assert resolve_vote_weights([1e308, 1e308], classes) is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([10**400, 1], r"range from 1.0 to 1.00e\+400"),
        ({1: 10**400}, r"range from 1.0 to 1.00e\+400"),
        ([-(10**400), 1], r"the weight -1.00e\+400"),
        ([1e-308, 1e308], "range from 1e-308 to 1e[+]308"),
        ([0, 10**400], "the weight 0.0"),
        ([0.0, 1.0], "the weight 0.0"),
        ([-1.0, 1.0], "the weight -1.0"),
        ([1.0, np.inf], "the weight inf"),
        (["1", "2"], "not all numbers"),
        ([10**400, "2"], "not all numbers"),
        ([10**400, np.nan], "not all numbers"),
    ],
)
def test_weights_that_are_refused_at_the_ends_of_floats(weights, message):
    with pytest.raises(ValueError, match=message):
        resolve_vote_weights(weights, np.arange(2))


@pytest.mark.parametrize("method", ["monte_carlo", "exact"])
def test_a_scale_of_all_weights_changes_no_answer(method):
    X, y = load_iris(return_X_y=True)
    base = (
        DecisionTreeClassifier(random_state=0)
        if method == "exact"
        else KNeighborsClassifier()
    ).fit(X, y)
    rows = X[::10]
    weights = np.array([1.0, 1.7, 0.3])
    plain = smooth(base, weights, method=method)
    radii = [0.0, 0.2, 0.5]
    for scale in SCALES:
        scaled = smooth(base, scale * weights, method=method)
        np.testing.assert_array_equal(scaled.predict(rows), plain.predict(rows))
        for how in ({}, {"radii": radii}):
            one, other = plain.certify(rows, **how), scaled.certify(rows, **how)
            np.testing.assert_array_equal(one.label, other.label)
            np.testing.assert_array_equal(one.radius, other.radius)
            np.testing.assert_array_equal(one.abstained, other.abstained)
