# SPDX-License-Identifier: BSD-3-Clause
"""Closed forms of trees where noise draws categories anew."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.noise import Resample

PROBABILITY, SIGMA = 0.4, 0.5
SIZES = (3, 2, 4)
DOMAIN = np.array(list(itertools.product(*map(range, SIZES))), dtype=float)


def smoothed(base, categories="from_dtype", **settings):
    settings = {
        "noise": Resample(PROBABILITY, categories),
        "sigma": SIGMA,
        "method": "exact",
        "random_state": 0,
    } | settings
    return SmoothedClassifier(base, **settings)


def boosted(n=12, **settings):
    return GradientBoostingClassifier(
        n_estimators=n, max_depth=1, random_state=0, **settings
    )


def hist(**settings):
    return HistGradientBoostingClassifier(
        max_iter=10, max_leaf_nodes=2, min_samples_leaf=1, **settings
    )


# Of samples that are codes, and nothing else


CODES = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(4, max_depth=3, random_state=0),
    "bagging": BaggingClassifier(n_estimators=3, max_features=0.7, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0),
    "stumps": boosted(),
    "AdaBoost": AdaBoostClassifier(n_estimators=8, random_state=0),
    "hist": hist(),
    "categorical hist": hist(categorical_features=[0, 2]),
    "one-hot": make_pipeline(OneHotEncoder(), DecisionTreeClassifier(random_state=0)),
    "one-hot stumps": make_pipeline(OneHotEncoder(), StandardScaler(with_mean=False),
                                    boosted()),
    "scaled": make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
}  # fmt: skip


def labels(X, n_classes=3):
    score = (X[:, 0] == 1) * 2 + X[:, 1] * (X[:, 2] > 1) + (X[:, 2] == 3)
    return np.minimum(score, n_classes - 1).astype(int)


def kept(X, probability=PROBABILITY):
    """Probability that each sample of the domain becomes each other one."""
    same = X[:, np.newaxis] == DOMAIN
    drawn = probability / np.array(SIZES)
    return (same * (1 - probability) + drawn).prod(axis=2)


def shares_by_enumeration(clf, X, probability=PROBABILITY):
    votes = clf.estimator_.predict(DOMAIN)[:, np.newaxis] == clf.classes_
    return kept(X, probability) @ votes


@pytest.fixture(scope="module", params=CODES)
def on_codes(request):
    base = CODES[request.param]
    two = any(name in request.param for name in ("stumps", "AdaBoost", "hist"))
    y = labels(DOMAIN, 2 if two else 3)
    clf = smoothed(base, [0, 1, 2]).fit(np.tile(DOMAIN, (5, 1)), np.tile(y, 5))
    return clf, shares_by_enumeration(clf, DOMAIN)


def test_shares_are_those_of_all_categories(on_codes):
    clf, expected = on_codes
    shares = clf.predict_proba(DOMAIN)
    np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-12)
    assert len(np.unique(np.argmax(expected, axis=1))) > 1
    certificates = clf.certify(DOMAIN)
    assert certificates.method == "exact"
    assert certificates.alpha == 0
    found = np.searchsorted(clf.classes_, certificates.label)
    own = expected[np.arange(len(DOMAIN)), found]
    assert (certificates.p_lower <= own * (1 + 1e-15)).all()
    assert (certificates.p_upper >= expected * (1 - 1e-15)).all()
    clear = np.abs(np.diff(np.sort(expected, axis=1)[:, -2:])[:, 0]) > 1e-9
    np.testing.assert_array_equal(found[clear], np.argmax(expected, axis=1)[clear])


@pytest.mark.parametrize("name", ["tree", "forest", "stumps", "categorical hist"])
def test_no_sample_within_the_changes_has_another_label(name):
    rare = ((DOMAIN[:, 0] == 1) & (DOMAIN[:, 2] == 3)).astype(int)
    clf = smoothed(CODES[name], [0, 1, 2], noise=Resample(0.6, [0, 1, 2]))
    clf.fit(np.tile(DOMAIN, (5, 1)), np.tile(rare, 5))
    votes = clf.estimator_.predict(DOMAIN)
    ahead = (kept(DOMAIN, 0.6) @ votes > 0.5).astype(int)
    certificates = clf.certify(DOMAIN, changes=(0, 1, 2, 3))
    distance = (DOMAIN[:, np.newaxis] != DOMAIN).sum(axis=2)
    other = np.where(ahead != certificates.label[:, np.newaxis], distance, 9)
    shown = ~certificates.abstained
    assert (other.min(axis=1) > certificates.radius)[shown].all()
    assert (certificates.radius[shown] > 0).sum() > 5
    # Radii count changes beside the k that are already made.
    for k in range(4):
        left = certificates.radius - k
        expected = np.where(shown & (left >= 0), left, np.nan)
        np.testing.assert_array_equal(certificates.frontier[:, k], expected)
    asked = clf.certify(DOMAIN, radii=[0, 1, 2, 3], changes=(0, 1, 2, 3))
    np.testing.assert_array_equal(asked.frontier, certificates.frontier)


def test_a_sample_has_the_same_shares_whatever_is_beside_it(on_codes):
    clf, _ = on_codes
    together = clf.certify(DOMAIN[:4]).p_lower
    alone = [clf.certify(DOMAIN[[at]]).p_lower[0] for at in range(4)]
    assert together.tolist() == alone


def test_the_form_is_that_of_the_law_and_the_categories_of_now():
    tree = DecisionTreeClassifier(random_state=0).fit(DOMAIN, labels(DOMAIN))
    # Two fits know other categories by the same codes.
    for X, probability in (
        (DOMAIN, 0.2),
        (DOMAIN, 0.7),
        (DOMAIN[DOMAIN[:, 0] > 0], 0.7),
    ):
        clf = smoothed(FrozenEstimator(tree), [0, 1, 2])
        clf.fit(X, labels(X)).set_params(noise__probability=probability)
        seen = np.isin(DOMAIN[:, 0], X[:, 0])
        assert seen.sum() == len(X)
        votes = tree.predict(X)[:, np.newaxis] == tree.classes_
        sizes = np.array([len(np.unique(column)) for column in X.T])
        same = X[:, np.newaxis] == X
        chance = (same * (1 - probability) + probability / sizes).prod(axis=2)
        np.testing.assert_allclose(clf.predict_proba(X), chance @ votes, atol=1e-12)


@pytest.mark.parametrize("name", ["tree", "forest", "stumps", "hist"])
def test_categories_that_matter_to_no_tree(name):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 2, 60), rng.normal(size=60)])
    clf = smoothed(CODES[name], [0]).fit(X, (X[:, 1] > 0).astype(int))
    clf.set_params(sigma=0.1)
    far = np.array([[0.0, 3.0], [1.0, -3.0]])
    np.testing.assert_allclose(clf.predict_proba(far), [[0, 1], [1, 0]], atol=1e-12)


def test_weights_count():
    weights = [1.0, 4.0, 1.0]
    clf = smoothed(CODES["tree"], [0, 1, 2], vote_weights=dict(enumerate(weights)))
    clf.fit(DOMAIN, labels(DOMAIN))
    shares = shares_by_enumeration(clf, DOMAIN)
    expected = np.argmax(shares * weights, axis=1)
    assert (expected != np.argmax(shares, axis=1)).any()
    np.testing.assert_array_equal(clf.predict(DOMAIN), expected)


# Of categories beside a number


@pytest.mark.parametrize(
    "base",
    [
        DecisionTreeClassifier(max_leaf_nodes=9),
        boosted(),
        ExtraTreesClassifier(3, max_depth=3),
    ],
)
def test_shares_beside_a_number_are_those_of_all_cells(base):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3, 200), rng.normal(size=200),
                         rng.integers(0, 2, 200)]).astype(float)  # fmt: skip
    y = ((X[:, 0] == 1) + X[:, 1] - X[:, 2] > 0.3).astype(int)
    clf = smoothed(base, [0, 2]).fit(X, y)
    rows = X[:10]
    members = np.ravel(getattr(clf.estimator_, "estimators_", clf.estimator_))
    trees = [member.tree_ for member in members]
    cuts = np.concatenate([tree.threshold[tree.feature == 1] for tree in trees])
    # Trees compare numbers of float32: labels change half-way between two of them.
    below = np.unique(cuts).astype(np.float32)
    lower = np.nextafter(below, np.float32(-np.inf))
    below = np.where(below > np.unique(cuts), lower, below)
    above = np.nextafter(below, np.float32(np.inf))
    cuts = (below.astype(float) + above) / 2
    ends = np.concatenate([[-np.inf], cuts, [np.inf]])
    inside = np.concatenate([[cuts[0] - 1], (cuts[1:] + cuts[:-1]) / 2, [cuts[-1] + 1]])
    expected = np.zeros((len(rows), 2))
    for a, c in itertools.product(range(3), range(2)):
        cells = np.column_stack(
            [np.full(len(inside), a), inside, np.full(len(inside), c)]
        )
        votes = clf.estimator_.predict(cells)[:, np.newaxis] == clf.classes_
        mass = np.diff(ndtr((ends - rows[:, 1:2]) / SIGMA), axis=1)
        chance = ((rows[:, 0] == a) * (1 - PROBABILITY) + PROBABILITY / 3) * (
            (rows[:, 2] == c) * (1 - PROBABILITY) + PROBABILITY / 2
        )
        expected += chance[:, np.newaxis] * (mass @ votes)
    np.testing.assert_allclose(clf.predict_proba(rows), expected, rtol=0, atol=1e-12)


N = 200


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "color": rng.choice(["red", "green", "blue"], N),
            "age": rng.normal(size=N),
            "size": pd.Categorical(rng.choice(list("smlx"), N)),
            "floor": rng.integers(0, 3, N),
            "pay": 10 * rng.normal(size=N),
        }
    )
    score = (X.color == "red") * 1.5 + X.age - (X["size"] == "s") + X.pay / 20
    score += (X.floor == 1) * 0.7
    return X, np.digitize(score, [0, 1.2]), (score > 0.5).to_numpy(int)


def encoded(categories=("color", "size"), numbers=("age", "pay")):
    return make_column_transformer(
        (OneHotEncoder(), list(categories[:1])),
        (OrdinalEncoder(), list(categories[1:])),
        (StandardScaler(), list(numbers)),
        remainder="passthrough",
    )


CATEGORICAL = ["color", "size", "floor"]
MIXED = {
    "tree": (make_pipeline(encoded(), DecisionTreeClassifier(max_depth=6)), 3, {}),
    "scaled behind": (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(), ["color", "size"]), remainder="passthrough"
            ),
            StandardScaler(),
            DecisionTreeClassifier(max_depth=6),
        ),
        3,
        {},
    ),
    "target encoded": (
        make_pipeline(
            make_column_transformer(
                (TargetEncoder(), CATEGORICAL), remainder="passthrough"
            ),
            DecisionTreeClassifier(max_depth=6),
        ),
        2,
        {},
    ),
    "cells": (
        make_pipeline(encoded(), RandomForestClassifier(3, max_depth=3)), 3, {},
    ),
    "stumps": (make_pipeline(encoded(), boosted(40)), 2, {}),
    "numbers held fixed": (
        make_pipeline(encoded(), DecisionTreeClassifier(max_depth=6)),
        3,
        {"noise_features": ["pay"], "feature_scale": {"pay": 10.0}},
    ),
    "categories held fixed": (
        make_pipeline(encoded(), DecisionTreeClassifier(max_depth=6)),
        3,
        {"noise": Resample(PROBABILITY, ["size", "floor"]),
         "noise_features": ["age", "pay"]},
    ),
    "hist": (hist(categorical_features=CATEGORICAL), 2, {}),
    "encoded hist": (
        make_pipeline(encoded(), hist(categorical_features=[0, 3, 6])), 2, {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_shares_are_those_of_votes(name, table):
    base, n_classes, settings = MIXED[name]
    n_votes = 500
    settings = {"noise": Resample(PROBABILITY, CATEGORICAL), "n_predict": n_votes,
                "feature_scale": {"pay": 10.0}} | settings  # fmt: skip
    X, y = table[0], table[1 if n_classes == 3 else 2]
    clf = smoothed(base, **settings).fit(X, y)
    rows = X[:5]
    exact = clf.predict_proba(rows)
    sampled = clf.set_params(method="monte_carlo").predict_proba(rows)
    error = np.sqrt(exact * (1 - exact) / n_votes)
    assert (np.abs(sampled - exact) <= 5 * error + 1e-9).all()
    assert ((exact > 0.05) & (exact < 0.95)).sum() > 2


def test_the_frontier_is_that_of_the_shares(table):
    base = make_pipeline(encoded(), DecisionTreeClassifier(max_depth=4))
    clf = smoothed(base, CATEGORICAL, feature_scale={"pay": 10.0})
    X, _, y = table
    found = clf.fit(X, y).certify(X, changes=(0, 1, 2))
    assert found.frontier.shape == (N, 3)
    shown = ~found.abstained
    np.testing.assert_array_equal(found.frontier[shown, 0], found.radius[shown])
    assert np.isnan(found.frontier[~shown]).all()
    beside = found.frontier[:, 1] > 0
    assert 0 < beside.sum() < N
    # An adversary that changes the color, and moves the numbers by as much.
    rng = np.random.default_rng(1)
    rows, radius = X[beside].copy(), 0.999 * found.frontier[beside, 1]
    for color in ("red", "green", "blue"):
        rows["color"] = color
        angle = rng.uniform(0, 2 * np.pi, len(rows))
        rows["age"] = X.age[beside] + radius * np.sin(angle)
        rows["pay"] = X.pay[beside] + 10 * radius * np.cos(angle)
        assert (clf.predict(rows) == found.label[beside]).all()


def test_radii_are_tested_beside_changes(table):
    base = make_pipeline(encoded(), DecisionTreeClassifier(max_depth=4))
    clf = smoothed(base, CATEGORICAL)
    X, _, y = table
    radii = [0.0, 0.05, 0.2]
    found = clf.fit(X, y).certify(X, radii=radii, changes=(0, 1))
    reach = np.nan_to_num(clf.certify(X, changes=(0, 1)).frontier, nan=-1.0)
    expected = np.append(np.nan, radii)[np.searchsorted(radii, reach, side="right")]
    np.testing.assert_array_equal(found.frontier, expected)
    np.testing.assert_array_equal(np.nan_to_num(expected[:, 0]), found.radius)
    # Votes come to the same; a false claim is made with probability 0.001 at most.
    clf.set_params(method="monte_carlo", n_certify=2000)
    sampled = clf.certify(X[:20], radii=radii, changes=(0, 1))
    claimed = np.nan_to_num(sampled.frontier, nan=-1.0)
    true = np.nan_to_num(expected[:20], nan=-1.0)
    right = sampled.label == found.label[:20]
    assert (right | sampled.abstained).all()
    assert ((claimed > true).any(axis=1) & right).sum() <= 1
    assert np.mean(claimed == true) > 0.8


def test_logs_that_are_read_have_the_frontier(table, tmp_path):
    base = make_pipeline(encoded(), DecisionTreeClassifier(max_depth=4))
    X, _, y = table
    clf = smoothed(base, CATEGORICAL).fit(X, y)
    log = tmp_path / "log.tsv"
    first = clf.certify(X[:8], changes=[1], log=log)
    again = clf.certify(X[:8], changes=[1], log=log)
    np.testing.assert_array_equal(first.frontier, again.frontier)
    np.testing.assert_array_equal(
        first.frontier, clf.certify(X[:8], changes=[1]).frontier
    )


def test_a_missing_category_is_one_of_them(table):
    X, _, y = table
    X = X[["color", "age"]].copy()
    X.loc[::5, "color"] = None
    clf = smoothed(make_pipeline(
        make_column_transformer((OneHotEncoder(), ["color"]), remainder="passthrough"),
        DecisionTreeClassifier(max_depth=4)), ["color"], n_predict=500)  # fmt: skip
    exact = clf.fit(X, y).predict_proba(X[:10])
    sampled = clf.set_params(method="monte_carlo").predict_proba(X[:10])
    assert (np.abs(exact - sampled) <= 5 * np.sqrt(0.25 / 500)).all()


def sums(X):
    return np.asarray(X) + np.asarray(X)[:, ::-1]


DECLINED = {
    "no trees": (make_pipeline(encoded(), LogisticRegression()), "trees have"),
    "mixed columns": (
        make_pipeline(
            make_column_transformer(
                (make_pipeline(OrdinalEncoder(), PolynomialFeatures()), CATEGORICAL),
                remainder="passthrough",
            ),
            DecisionTreeClassifier(max_depth=3),
        ),
        "PolynomialFeatures is not known to encode each column by itself",
    ),
    "own function": (
        make_pipeline(
            make_column_transformer(
                (
                    make_pipeline(OrdinalEncoder(), FunctionTransformer(sums)),
                    CATEGORICAL,
                ),
                remainder="passthrough",
            ),
            DecisionTreeClassifier(max_depth=3),
        ),
        "not affine|not known",
    ),
    "deep trees that encode": (
        HistGradientBoostingClassifier(max_iter=2, categorical_features=CATEGORICAL),
        "features at once",
    ),
    "missing codes": (
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(encoded_missing_value=np.nan), CATEGORICAL),
                remainder="passthrough",
            ),
            DecisionTreeClassifier(max_depth=5),
        ),
        "missing value",
    ),
}


@pytest.mark.parametrize("name", DECLINED)
def test_others_are_declined_with_a_reason(name, table):
    base, reason = DECLINED[name]
    X, _, y = table
    if name == "missing codes":
        X = X.copy()
        X.loc[X.color == "red", "color"] = None
    clf = smoothed(base, CATEGORICAL).fit(X, y)
    with pytest.raises(ValueError, match=reason):
        clf.predict_proba(X[:2])
    clf.set_params(method="auto")
    assert clf.vote_source(X[:2]).method == "monte_carlo"
