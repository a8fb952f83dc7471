# SPDX-License-Identifier: BSD-3-Clause
"""Closed forms where some columns are held fixed, and the others have a scale each."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PowerTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier

N_VOTES, N_SAMPLES = 4000, 12
SCALE = {"age": 4.0, "pay": 0.5}


def mixed():
    """Two columns that take noise, and three that do not, one of strings."""
    rng = np.random.default_rng(0)
    n = 200
    X = pd.DataFrame(
        {
            "color": rng.choice(list("uvw"), n),
            "age": 4 * rng.normal(size=n),
            "rooms": rng.integers(0, 4, n),
            "pay": 0.5 * rng.normal(size=n),
            "rate": rng.normal(size=n),
        }
    )
    X.loc[::7, "color"] = None
    score = X["age"] / 4 + X["pay"] / 0.5 + 1.5 * (X["rooms"] > 1) + X["rate"] / 2 - 1
    y = (score + (X["color"] == "u") > 0).astype(int).to_numpy()
    return X, y, y + (y & (X["rooms"] > 1)).to_numpy()


X, Y2, Y3 = mixed()
NUMERIC = ["age", "rooms", "pay", "rate"]


def encoded(numbers=NUMERIC):
    """One-hot categories, scaled numbers, and the rest as it is."""
    fill = SimpleImputer(strategy="constant", fill_value="none")
    return make_column_transformer(
        (make_pipeline(fill, OneHotEncoder(handle_unknown="ignore")), ["color"]),
        (StandardScaler(), numbers),
        remainder="passthrough",
    )


FORMS = {
    "linear": (LogisticRegression(), NUMERIC, Y2),
    "linear, encoded": (make_pipeline(encoded(), LogisticRegression()), list(X), Y2),
    "three linear": (LogisticRegression(), NUMERIC, Y3),
    "three linear, encoded": (
        make_pipeline(encoded(), LogisticRegression()),
        list(X),
        Y3,
    ),
    "tree": (DecisionTreeClassifier(max_depth=5), NUMERIC, Y3),
    "tree, encoded": (
        make_pipeline(encoded(["age", "rate"]), DecisionTreeClassifier(max_depth=5)),
        list(X),
        Y3,
    ),
    "cells": (RandomForestClassifier(4, max_depth=3), NUMERIC, Y3),
    "cells, encoded": (
        make_pipeline(
            encoded(["age"]),
            StandardScaler(with_mean=False),
            RandomForestClassifier(3, max_depth=3),
        ),
        list(X),
        Y3,
    ),
    "sum over features": (
        HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=2),
        NUMERIC,
        Y2,
    ),
    "sum over features, encoded": (
        make_pipeline(
            encoded(), GradientBoostingClassifier(n_estimators=15, max_depth=1)
        ),
        list(X),
        Y2,
    ),
}


def smoothed(base, **settings):
    settings = {
        "sigma": 0.4,
        "noise_features": ["age", "pay"],
        "feature_scale": SCALE,
        "n_predict": N_VOTES,
        "random_state": 0,
    } | settings
    return SmoothedClassifier(base, **settings)


@pytest.fixture(scope="module", params=FORMS)
def fitted(request):
    base, names, y = FORMS[request.param]
    clf = smoothed(base, method="exact").fit(X[names], y)
    return clf, X[names][:N_SAMPLES], y


def test_closed_forms_agree_with_votes(fitted):
    clf, rows, _ = fitted
    exact = clf.predict_proba(rows)
    sampled = clf.set_params(method="monte_carlo").predict_proba(rows)
    clf.set_params(method="exact")
    # 400 shares, each of 4000 votes; forms over a grid are within 5e-3.
    np.testing.assert_allclose(exact, sampled, atol=4.5 * 0.5 / np.sqrt(N_VOTES) + 5e-3)


@pytest.mark.parametrize(
    "form", ["linear", "three linear", "tree", "cells", "sum over features"]
)
def test_a_scale_is_a_change_of_units_for_closed_forms(form):
    """With scale s, the certificate of f at X is that of f(s * .) at X / s."""
    base, names, y = FORMS[form]
    base = clone(base).fit(X[names].to_numpy(), y)
    rows, unit = X[names][:N_SAMPLES].to_numpy(), np.array([4.0, 1.0, 0.5, 1.0])
    scaler = StandardScaler(with_mean=False).fit(rows)
    scaler.scale_ = 1 / unit  # powers of two, so that nothing is rounded
    settings = {"sigma": 0.4, "noise_features": [0, 2], "method": "exact"}
    scaled = SmoothedClassifier.from_fitted(base, feature_scale=unit, **settings)
    plain = SmoothedClassifier.from_fitted(make_pipeline(scaler, base), **settings)
    one, other = scaled.certify(rows), plain.certify(rows / unit)
    assert (one.label == other.label).all()
    np.testing.assert_allclose(one.radius, other.radius, rtol=1e-9, atol=1e-12)
    assert (one.radius > 0).all()


def test_radius_is_the_distance_to_the_hyperplane_over_the_columns_with_noise():
    base = LogisticRegression().fit(X[NUMERIC], Y2)
    clf = SmoothedClassifier.from_fitted(
        base, noise_features=["age", "pay"], feature_scale=SCALE, method="exact"
    )
    margin = base.decision_function(X[NUMERIC])
    slope = base.coef_[0][[0, 2]] * [4.0, 0.5]
    distance = np.abs(margin) / np.linalg.norm(slope)
    certificates = clf.certify(X[NUMERIC])
    np.testing.assert_allclose(certificates.radius, distance, rtol=1e-9)
    # On the boundary within the ellipsoid, and no nearer to it.
    sign = np.where(margin > 0, -1.0, 1.0)
    step = (sign * distance)[:, np.newaxis] * slope / np.linalg.norm(slope)
    for factor, crosses in ((1 - 1e-9, False), (1 + 1e-9, True)):
        moved = X[NUMERIC].copy()
        moved[["age", "pay"]] += factor * step * [4.0, 0.5]
        assert ((base.predict(moved) != certificates.label) == crosses).all()


def linear(coef, intercept):
    """A fitted linear classifier."""
    base = LogisticRegression()
    base.coef_, base.intercept_ = np.array(coef), np.array(intercept)
    base.classes_ = np.arange(len(coef))
    base.n_features_in_ = base.coef_.shape[1]
    return base


def of_first_feature(base, **settings):
    settings = {"noise_features": [0], "sigma": 0.7, "method": "exact"} | settings
    return SmoothedClassifier.from_fitted(base, **settings)


@pytest.mark.parametrize("equal", [[], [1, 3], [0, 1, 2, 3, 4]])
def test_shares_of_linear_classes_that_one_feature_moves(equal):
    """Each class has an interval of that feature; some are not told apart by it."""
    rng = np.random.default_rng(3)
    coef, intercept = rng.normal(size=(5, 4)), rng.normal(size=5)
    coef[equal, 0] = 0.5
    rows = 2 * rng.normal(size=(20, 4))
    shares = of_first_feature(linear(coef, intercept)).predict_proba(rows)
    for row, share in zip(rows, shares, strict=True):
        score = coef @ row + intercept
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = score - score[:, np.newaxis]
            cuts = (gap / (coef[:, 0, np.newaxis] - coef[:, 0])).ravel()
        cuts = np.unique(cuts[np.isfinite(cuts)])
        ends = np.concatenate([[-np.inf], cuts, [np.inf]])
        inside = np.concatenate([[-1e3], (cuts[1:] + cuts[:-1]) / 2, [1e3]])
        if not len(cuts):
            ends, inside = np.array([-np.inf, np.inf]), np.zeros(1)
        label = np.argmax(score + np.outer(inside, coef[:, 0]), axis=1)
        mass = np.diff(norm.cdf(ends / 0.7))
        expected = np.bincount(label, weights=mass, minlength=5)
        np.testing.assert_allclose(share, expected, atol=1e-12)


def test_a_class_that_is_never_first_leaves_the_form_of_two_classes():
    rng = np.random.default_rng(4)
    coef, intercept = rng.normal(size=(2, 4)), rng.normal(size=2)
    rows = 2 * rng.normal(size=(20, 4))
    last = [coef[0] + [0, 0, 0, 1.0]]
    last_intercept = intercept[0] - 100
    two = LogisticRegression()
    two.coef_, two.intercept_ = coef[1:] - coef[0], intercept[1:] - intercept[0]
    two.classes_, two.n_features_in_ = np.arange(2), 4
    one = of_first_feature(two).certify(rows)
    three = linear([*coef, *last], [*intercept, last_intercept])
    other = of_first_feature(three).certify(rows)
    np.testing.assert_array_equal(one.label, other.label)
    np.testing.assert_allclose(one.radius, other.radius, rtol=1e-12)


def test_ties_of_linear_classes_that_noise_moves_alike():
    """Equal scores are those of the first class; what rounding decides is not known."""
    coef = [[1.0, 2.0], [1.0, 2.0], [-1.0, 0.0], [1.0, 0.0]]
    clf = of_first_feature(linear(coef, np.zeros(4)))
    rows = np.array([[3.0, 1.0], [3.0, 0.0], [3.0, -1.0]])
    certificates = clf.certify(rows)
    assert certificates.abstained.tolist() == [False, True, False]
    assert certificates.label[[0, 2]].tolist() == [0, 3]


def test_a_label_that_held_columns_decide_is_certified_at_any_distance():
    coef = [[1.0, 2.0], [1.0, -1.0], [1.0, 0.5]]
    clf = of_first_feature(linear(coef, np.zeros(3)))
    certificates = clf.certify([[0.3, 1.0], [0.3, -1.0]])
    assert certificates.label.tolist() == [0, 1]
    assert certificates.radius.min() > 0.7 * 30
    np.testing.assert_allclose(clf.predict_proba([[5.0, 1.0]]), [[1, 0, 0]])


def test_no_noise_reaches_a_class_that_held_columns_rule_out():
    """A tree that looks at held columns first, and at noisy ones in one branch."""
    rows = np.array([[0.0, -5.0], [0.0, 5.0], [1.0, -5.0], [1.0, 5.0]])
    base = DecisionTreeClassifier(random_state=0).fit(rows, [0, 0, 1, 2])
    forest = RandomForestClassifier(2, bootstrap=False, random_state=0)
    forest.fit(rows, [0, 0, 1, 2])
    for clf in (base, forest):
        smooth = SmoothedClassifier.from_fitted(
            clf, sigma=0.5, noise_features=[1], method="exact"
        )
        proba = smooth.predict_proba([[0.0, 0.0], [1.0, 1e-3], [1.0, 30.0]])
        assert (proba[0] == [1, 0, 0]).all() and proba[1, 0] == 0
        np.testing.assert_allclose(proba[1, 1:], 0.5, atol=1e-3)
        certificates = smooth.certify([[0.0, 0.0], [1.0, 30.0]])
        assert certificates.radius[0] > 1e6  # nothing that may change matters
        # Beyond where shares underflow: the distance to the only threshold in reach.
        np.testing.assert_allclose(certificates.radius[1], 30, rtol=1e-6)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_a_held_value_at_a_threshold_is_compared_as_the_tree_does(step):
    """Trees cast to float32 first: a value half-way between two of them is a tie."""
    edge = np.float32(1.1)
    above = np.nextafter(edge, np.float32(2))
    rows = np.array([[float(edge), 0.0], [float(above), 0.0]] * 5)
    base = DecisionTreeClassifier(random_state=0).fit(rows, [0, 1] * 5)
    half_way = (float(edge) + float(above)) / 2
    value = np.nextafter(half_way, half_way + step)
    row = np.array([[value, 3.0]])
    exact = SmoothedClassifier.from_fitted(base, noise_features=[1], method="exact")
    assert exact.predict(row) == base.predict(row)
    assert exact.certify(row).label == base.predict(row)


def test_what_rounding_may_have_moved_across_a_threshold_is_not_certified():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 2))
    y = (rows[:, 0] > 0).astype(int)
    scaler = StandardScaler().fit(rows)
    base = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5)
    base.fit(scaler.transform(rows), y)
    cut = base._predictors[0][0].nodes["num_threshold"][0]
    clf = SmoothedClassifier.from_fitted(
        make_pipeline(scaler, base), noise_features=[1], method="exact"
    )
    at = scaler.mean_[0] + scaler.scale_[0] * cut
    certificates = clf.certify([[at, 0.0], [at + 1e-9, 0.0], [at - 1e-9, 0.0]])
    assert certificates.abstained.tolist() == [True, False, False]
    assert certificates.label[1:].tolist() == [1, 0]


# -- where there is none -----------------------------------------------------------


def squares(values):
    return values**2


@pytest.mark.parametrize(
    ("base", "match"),
    [
        (
            make_column_transformer(
                (FunctionTransformer(squares), ["rooms"]), (StandardScaler(), ["age"])
            ),
            "FunctionTransformer",
        ),
        (
            make_column_transformer((PowerTransformer(), ["age"]), ("drop", ["pay"])),
            "PowerTransformer",
        ),
        (
            make_column_transformer(
                (StandardScaler(), ["age", "pay"]), (StandardScaler(), ["age"])
            ),
            "share a column",
        ),
        (
            make_column_transformer((StandardScaler(), ["rate"])),
            "does not depend on the features that take noise",
        ),
    ],
)
def test_other_branches_are_sampled(base, match):
    pipeline = make_pipeline(base, DecisionTreeClassifier(max_depth=3))
    clf = smoothed(pipeline, n_predict=50).fit(X, Y2)
    assert clf.vote_source(X).method == "monte_carlo"
    with pytest.raises(ValueError, match=match):
        clf.set_params(method="exact").predict(X)


def test_four_linear_classes_are_sampled_in_fewer_dimensions():
    y = Y3 + (Y3 > 0) * (X["age"] > 3)
    clf = smoothed(make_pipeline(encoded(), LogisticRegression())).fit(X, y)
    assert clf.vote_source(X).name == "ProjectedLinearVotes"
    some = X[:N_SAMPLES]
    shares = clf.predict_proba(some)
    sampled = clf.set_params(method="monte_carlo").predict_proba(some)
    # The difference of two shares of 4000 votes, 48 times.
    np.testing.assert_allclose(
        shares, sampled, atol=4.5 * np.sqrt(2) * 0.5 / np.sqrt(N_VOTES)
    )
    with pytest.raises(ValueError, match="more than one direction"):
        clf.set_params(method="exact").predict(some)


def test_missing_values_in_columns_held_fixed():
    holes = X[NUMERIC].copy()
    holes.loc[3, "rate"] = np.nan
    tree = DecisionTreeClassifier(max_depth=3)
    clf = smoothed(tree, n_predict=50).fit(holes, Y2)
    assert clf.vote_source(holes).method == "monte_carlo"
    clf = smoothed(tree).fit(X[NUMERIC], Y2)
    with pytest.raises(ValueError, match=r"missing values.*method='monte_carlo'"):
        clf.predict(holes)
    # Where a branch fills them, nothing is missing.
    columns = make_column_transformer(
        (SimpleImputer(), ["rate", "rooms"]), remainder="passthrough"
    )
    clf = smoothed(make_pipeline(columns, tree), method="exact").fit(holes, Y2)
    assert clf.certify(holes[:4]).method == "exact"


def test_a_closed_form_follows_the_columns_that_take_noise():
    clf = smoothed(DecisionTreeClassifier(max_depth=4), method="exact")
    clf.fit(X[NUMERIC], Y2)
    first = clf.certify(X[NUMERIC])
    clf.set_params(noise_features=["age"], feature_scale=None)
    other = clf.certify(X[NUMERIC])
    fresh = clone(clf).fit(X[NUMERIC], Y2).certify(X[NUMERIC])
    assert other != first
    np.testing.assert_array_equal(other.radius, fresh.radius)


def test_certificates_of_closed_forms_hold_inside_the_ellipsoid(fitted):
    """No sample that was looked for inside has another label."""
    clf, rows, _ = fitted
    certificates = clf.certify(rows)
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = rng.normal(size=(len(rows), 2))
        step *= 0.999 * (certificates.radius / np.linalg.norm(step, axis=1))[:, None]
        step = np.clip(step, -1e3, 1e3)
        moved = rows.assign(
            age=rows["age"] + step[:, 0] * 4.0, pay=rows["pay"] + step[:, 1] * 0.5
        )
        same = clf.predict(moved) == certificates.label
        assert same[~certificates.abstained].all()
