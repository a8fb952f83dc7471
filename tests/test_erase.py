# SPDX-License-Identifier: BSD-3-Clause
"""Categories erased at random: growth, draws, and missing values of every dtype."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import norm
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.noise import Erase, Resample
from tests.most_powerful import largest_probability

P = np.linspace(0.001, 0.999, 37)


def distribution(sample, cardinalities, probability):
    """Probabilities of all noisy copies of a sample of categories."""
    result = np.ones(1)
    for category, cardinality in zip(sample, cardinalities, strict=True):
        one = np.zeros(cardinality)
        one[category] = 1 - probability
        one[-1] += probability
        result = np.multiply.outer(result, one).ravel()
    return result


@pytest.mark.parametrize("probability", [0.3, 0.9])
@pytest.mark.parametrize("cardinalities", [(3, 4), (3, 3, 4), (3, 3, 3, 3)])
def test_growth_is_that_of_the_worst_sample(cardinalities, probability):
    law = Erase(probability).bind(1.0, cardinalities)
    samples = list(itertools.product(*map(range, cardinalities)))
    # A sample may have a missing value itself: it then is no worse.
    plain = [0] * len(cardinalities)
    heres = [plain, [cardinalities[0] - 1, *plain[1:]]]
    for sample in heres:
        here = distribution(sample, cardinalities, probability)
        n_changed = np.count_nonzero(np.array(samples) != sample, axis=1)
        of_other = [
            largest_probability(here, distribution(s, cardinalities, probability), P)
            for s in samples
        ]
        for changes in range(1, len(cardinalities) + 1):
            largest = np.max(np.array(of_other)[n_changed <= changes], axis=0)
            grown = ndtr(law.grow(ndtri(P), changes))
            if sample is plain:
                np.testing.assert_allclose(grown, largest, rtol=1e-12)
            assert (grown >= largest * (1 - 1e-12)).all()


@pytest.mark.parametrize("changes", [1, 2])
def test_growth_beside_numbers_is_exact(changes):
    """Against a discretized normal distribution, in one feature of numbers."""
    step = 0.002
    edges = np.arange(-9, 9 + step, step)
    shift = round(0.6 / step) * step
    here, there = (np.diff(norm.cdf(edges - at)) for at in (0.0, shift))
    c = 0.7**changes
    # The sample shows, the neighbor shows, or neither does.
    here = np.concatenate([c * here, [1 - c, 0.0]])
    there = np.concatenate([c * there, [0.0, 1 - c]])
    law = Erase(0.7).bind(1.0, [0, 3, 3]).with_changes(changes)
    grown = ndtr(law.grow(ndtri(P), shift))
    np.testing.assert_allclose(grown, largest_probability(here, there, P), rtol=1e-6)
    assert (grown <= 1).all()


@pytest.mark.parametrize(
    ("probability", "p", "expected"),
    [(0.5, 0.99, 0), (0.7, 0.99, 1), (0.9, 0.9, 4), (0.9, 0.99, 6)],
)
def test_numbers_of_categories_that_may_change(probability, p, expected):
    law = Erase(probability).bind(1.0, [5] * 9)
    assert np.floor(law.radius(ndtri(p), -ndtri(p))) == expected


def test_few_categories_are_better_drawn_anew():
    """Of two categories, one drawn anew may be the old one: noise says less of it."""
    p = ndtri(0.99)
    for n, better in ((2, True), (1000, False)):
        drawn = Resample(0.9).bind(1.0, [n] * 40).radius(p, -p)
        erased = Erase(0.9).bind(1.0, [n + 1] * 40).radius(p, -p)
        assert (drawn > erased) == better
        assert drawn >= erased


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (3, 1)])
@pytest.mark.parametrize("changes", [1, 2])
def test_the_radius_is_the_root_of_its_definition(weights, changes):
    v, w = weights
    law = Erase(0.8).bind(2.0, [0, 3, 3]).with_changes(changes)
    rng = np.random.default_rng(0)
    top = rng.uniform(0, 5, 40)
    other = -top - rng.exponential(0.3, 40)
    radius = law.radius(top, other, v, w)

    def lead(r):
        return v * ndtr(-law.grow(-top, r)) - w * ndtr(law.grow(other, r))

    found = radius > 0
    assert (found.sum() > 5) == (law.largest_radius(w / (v + w)) > 0)
    assert (lead(0.0)[~found] <= 1e-9).all()
    assert (lead(np.maximum(radius, 0))[found] >= -1e-12).all()
    assert (lead(np.maximum(radius, 0) * (1 + 1e-9) + 1e-9)[found] <= 1e-8).all()
    assert law.radius(np.inf, -np.inf, v, w) < np.inf
    assert law.radius(1e9, -1e9, v, w) == law.radius(40.0, -40.0, v, w)


@pytest.mark.parametrize("weights", [(1, 1), (3, 1)])
def test_what_no_votes_prove(weights):
    v, w = weights
    law = Erase(0.8).bind(1.0, [3] * 9)
    limit = law.largest_radius(w / (v + w))
    assert np.floor(law.radius(37.0, -37.0, v, w)) == limit - 1
    beside = Erase(0.8).bind(1.0, [0] + [3] * 9)
    for k in range(9):
        most = beside.with_changes(k)
        assert (most.largest_radius(w / (v + w)) > 0) == (k < limit)
        assert (most.radius(37.0, -37.0, v, w) > 0) == (k < limit)


# Through the classifier


COLUMNS = {
    "texts": ["red", "green", "blue"],
    "codes": [0, 1, 2],
    "floats": [0.5, 1.5, 2.5],
    "bools": [True, False],
    "with missing ones": ["red", None, "blue"],
}
MADE = [
    *((pd.Series, kind) for kind in ("texts", "codes", "bools", "with missing ones")),
    *((pd.Categorical, kind) for kind in ("texts", "with missing ones")),
    *((np.array, kind) for kind in COLUMNS),
]


@pytest.mark.parametrize(("make", "kind"), MADE)
def test_erased_categories_are_missing_values(make, kind):
    rng = np.random.default_rng(0)
    n, values = 90, COLUMNS[kind]
    column = [values[at] for at in rng.integers(len(values), size=n)]
    number = rng.normal(size=n)
    y = (np.array([c == values[0] for c in column]) + number > 0.5).astype(int)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), [0]), remainder="passthrough"
    )
    base = make_pipeline(encode, DecisionTreeClassifier(max_depth=4))
    if make is np.array:
        dtype = object if None in values else None
        X = np.array(column, dtype=dtype)[:, np.newaxis]
        settings = {"noise_features": []}
    else:
        X, settings = pd.DataFrame({"c": make(column), "x": number}), {}
    clf = SmoothedClassifier(
        base, noise=Erase(0.4, [0]), n_predict=300, method="monte_carlo",
        random_state=0, **settings,
    )  # fmt: skip
    sampled = clf.fit(X, y).predict_proba(X[:5])
    exact = clf.set_params(method="exact").predict_proba(X[:5])
    assert (np.abs(sampled - exact) <= 5 * np.sqrt(0.25 / 300)).all()
    # A category that is kept tells all that there is.
    if make is np.array and kind != "with missing ones":
        known = clf.estimator_.predict(X[:5])
        own = exact[np.arange(5), np.searchsorted(clf.classes_, known)]
        assert (own >= 0.6 - 1e-12).all()


def test_certificates_hold_for_changed_categories():
    rng = np.random.default_rng(0)
    n = 150
    X = pd.DataFrame({f"c{j}": rng.choice(list("abc"), n) for j in range(5)})
    y = ((X == "a").sum(axis=1) >= 2).to_numpy(int)
    base = HistGradientBoostingClassifier(
        max_iter=12, max_leaf_nodes=2, categorical_features=list(X)
    )
    clf = SmoothedClassifier(base, noise=Erase(0.7), noise_features=[], method="exact")
    found = clf.fit(X, y).certify(X)
    assert found.noise == "erase"
    assert found.norm == 0
    reached = found.radius >= 1
    assert reached.sum() > 10
    rows = X[reached].reset_index(drop=True)
    label = clf.predict(rows)
    for j, value in itertools.product(range(5), "abc"):
        changed = rows.assign(**{f"c{j}": value})
        assert (clf.predict(changed) == label).all()
    missing = rows.assign(c0=np.nan)
    assert (clf.predict(missing) == label).all()


def test_a_denoiser_is_refused():
    X = pd.DataFrame({"c": list("ab") * 10, "x": np.arange(20.0)})
    base = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"),
        LogisticRegression(),
    )
    clf = SmoothedClassifier(base, noise=Erase(0.5), denoiser="posterior_mean")
    with pytest.raises(ValueError, match="erases them"):
        clf.fit(X, np.arange(20) % 2)


def test_a_classifier_that_takes_no_missing_value_is_told():
    X = pd.DataFrame({"c": list("ab") * 10, "x": np.arange(20.0)})
    base = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough"),
        LogisticRegression(),
    )
    clf = SmoothedClassifier(base, noise=Erase(0.5))
    with pytest.raises(ValueError, match="missing"):
        clf.fit(X, np.arange(20) % 2).predict(X)
