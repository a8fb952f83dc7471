# SPDX-License-Identifier: BSD-3-Clause
"""Closed forms of classifiers of XGBoost, LightGBM and interpret."""

import re
from functools import cache

import numpy as np
import pytest
from interpret.glassbox import ExplainableBoostingClassifier
from lightgbm import LGBMClassifier
from scipy.special import ndtr
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRFClassifier

from sksmooth import SmoothedClassifier
from sksmooth._estimators import layers
from sksmooth.votes._fitted_state import FittedState
from sksmooth.votes.exact import (
    Declined,
    find_exact_source,
    may_have_closed_form,
)
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._few_trees import FewTreesSource
from tests.source_case import SourceCase
from tests.test_sources import ExactCase, TwoClasses

# What other libraries warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")

N_NOISY = 20_000


def xgboost(**settings):
    return XGBClassifier(**{"n_estimators": 25, "max_depth": 1, "n_jobs": 1} | settings)


def lightgbm(**settings):
    settings = {"n_estimators": 25, "num_leaves": 2, "n_jobs": 1} | settings
    return LGBMClassifier(verbose=-1, **settings)


def ebm(**settings):
    settings = {"max_rounds": 30, "outer_bags": 2, "max_bins": 32} | settings
    return ExplainableBoostingClassifier(**{"interactions": 0, "n_jobs": 1} | settings)


def samples(n_features=4, n_classes=2, seed=0):
    X, y = make_classification(
        400,
        n_features,
        n_informative=n_features,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=0.7,
        random_state=seed,
    )
    # As tables have them: coarse and tied in some columns, far from zero in others.
    X[:, 1] = np.round(X[:, 1], 1)
    X[:, 2] = 100 + 3 * X[:, 2]
    return X, y


def random_case(seed):
    """A classifier with random settings, fitted, its samples, and a form it has."""
    rng = np.random.default_rng(seed)
    kind = (xgboost, lightgbm, ebm)[seed % 3]
    n_classes = int(rng.choice([2, 2, 3]))
    X, y = samples(int(rng.integers(3, 6)), n_classes, seed)
    rate = float(rng.choice([0.1, 0.5, 1.0]))
    if kind is ebm:
        base = ebm(
            learning_rate=rate / 10, max_rounds=int(rng.integers(5, 60)), max_bins=8
        )
    else:
        base = kind(learning_rate=rate, n_estimators=int(rng.integers(1, 40)))
    if kind is xgboost:
        base.set_params(
            tree_method=str(rng.choice(["exact", "hist"])),
            base_score=rng.choice([None, 0.2]),
            subsample=0.7,
            random_state=seed,
        )
    if kind is lightgbm:
        base.set_params(
            boosting_type=str(rng.choice(["gbdt", "dart"])),
            sigmoid=float(rng.choice([1.0, 0.3])),
            boost_from_average=bool(rng.integers(2)),
        )
    if n_classes > 2:
        base.set_params(**{"max_bins": 5} if kind is ebm else {"n_estimators": 4})
        X = X[:, :3]
    return base.fit(X, y), X


FITTED = dict.fromkeys(range(24))


@cache
def fitted(seed):
    return random_case(seed)


def source_of(model, X):
    source = closed_form.get(model)(model, AffineMap.identity(X.shape[1]))
    assert type(source) in (AdditiveSource, CellSource)
    return source


def points_at_thresholds(source, X, single):
    """Samples with one value on a threshold, or as near to one as can be."""
    points = []
    for feature, threshold in zip(*source._cuts, strict=True):
        if single:
            # The threshold is half-way between two values that float32 has.
            below = np.float32(threshold)
            if below > threshold:
                below = np.nextafter(below, np.float32(-np.inf))
            above = np.nextafter(below, np.float32(np.inf))
            near = [below, above, *np.nextafter(threshold, [-np.inf, np.inf])]
        else:
            above = np.nextafter(threshold, np.inf)
            near = [threshold, above, np.nextafter(threshold, -np.inf)]
        for value in near:
            x = X[len(points) % len(X)].copy()
            x[feature] = value
            points.append(x)
    return np.array(points)


@pytest.mark.parametrize("seed", FITTED)
def test_labels_on_thresholds_and_beside_them_are_those_of_predict(seed):
    model, X = fitted(seed)
    source = source_of(model, X)
    points = points_at_thresholds(source, X, source.single_precision)
    assert len(points)
    assert not source.disagrees(points, model.predict(points)).any()
    # Columns that are held may well be on a threshold, half-way too.
    used, _ = source._cuts
    for free in np.unique(used):
        held = np.arange(X.shape[1]) != free
        affine = AffineMap.identity(X.shape[1], held=held)
        source = closed_form.get(model)(model, affine)
        points = points_at_thresholds(source, X, False)
        points[:, free] = X[np.arange(len(points)) % len(X), free]
        assert not source.disagrees(points, model.predict(points)).any()


@pytest.mark.parametrize("seed", FITTED)
def test_shares_are_those_of_votes(seed):
    """More than a million noisy samples over all settings."""
    model, X = fitted(seed)
    source = source_of(model, X)
    rng = np.random.default_rng(seed)
    sigma = float(rng.choice([0.1, 0.5, 2.0]))
    rows = X[rng.integers(len(X), size=3)]
    lower, upper = (ndtr(probit) for probit in source.probits(rows, sigma))
    assert np.mean(upper - lower) < 0.02
    for x, least, most in zip(rows, lower, upper, strict=True):
        noisy = x + sigma * rng.standard_normal((N_NOISY, len(x)))
        votes = model.predict(noisy)
        share = np.mean(votes[:, np.newaxis] == model.classes_, axis=0)
        room = 5 * np.sqrt(np.maximum(most * (1 - least), 1 / N_NOISY) / N_NOISY)
        assert (share >= least - room).all()
        assert (share <= most + room).all()


@pytest.mark.parametrize("make", [xgboost, lightgbm, ebm])
def test_no_label_changes_within_a_radius(make):
    X, y = samples(5)
    model = make().fit(X, y)
    smoothed = SmoothedClassifier.from_fitted(model, sigma=0.5, method="exact")
    certificates = smoothed.certify(X[:12])
    assert (certificates.radius > 0.05).mean() > 0.5
    source = find_exact_source(model, X, 0.5)
    rng = np.random.default_rng(0)
    for x, label, radius in zip(
        X[:12], certificates.label, certificates.radius, strict=True
    ):
        if radius <= 0:
            continue
        away = rng.standard_normal((30, len(x)))
        away *= radius / np.linalg.norm(away, axis=1, keepdims=True)
        along = np.zeros_like(away)
        along[np.arange(30), rng.integers(len(x), size=30)] = rng.choice(
            [-radius, radius], 30
        )
        _, upper = source.probits(x + 0.999 * np.concatenate([away, along]), 0.5)
        assert (upper[:, model.classes_ == label] >= 0).all()


def test_rounding_in_float32_counts_for_either_class():
    """XGBoost adds in float32: terms that cancel leave a rest of either sign."""
    X, y = samples()
    model = xgboost(n_estimators=200).fit(X, y)
    source = AdditiveSource(model, AffineMap.identity(X.shape[1]))
    rng = np.random.default_rng(0)
    noisy = X[rng.integers(len(X), size=50_000)]
    noisy = noisy + rng.standard_normal(noisy.shape)
    difference = model.predict(noisy, output_margin=True) - source._score(
        noisy.astype(np.float32).astype(float)
    )
    assert 0 < np.abs(difference).max() <= source._slack
    # What is left of a score of zero decides nothing.
    margin = model.predict(noisy, output_margin=True)
    near = np.abs(margin) < source._slack
    assert not source.disagrees(noisy[near], model.predict(noisy[near])).any()
    assert not source.disagrees(noisy[near], 1 - model.predict(noisy[near])).any()


def test_the_logistic_function_in_float32_decides_within_the_tie():
    X, y = samples()
    model = xgboost(n_estimators=1).fit(X, y)
    offset = np.zeros(1)
    for exponent in range(-40, -18):
        offset = np.append(offset, [2.0**exponent, -(2.0**exponent)])
    margin = model.predict(X[:1], output_margin=True)
    shifted = np.repeat(X[:1], len(offset), axis=0)
    labels = model.predict(shifted, base_margin=offset - margin + model_base(model))
    scores = model.predict(
        shifted, base_margin=offset - margin + model_base(model), output_margin=True
    )
    far = np.abs(scores) > 1e-6
    assert far.any()
    assert (~far).any()
    assert ((scores > 0) == labels)[far].all()


def model_base(model):
    """What predict starts from, which `base_margin` replaces."""
    zero = np.zeros((1, model.n_features_in_))
    without = model.predict(zero, base_margin=np.zeros(1), output_margin=True)
    return model.predict(zero, output_margin=True) - without


def test_trees_after_the_best_iteration_are_left_out():
    X, y = samples()
    rng = np.random.default_rng(0)
    other = np.where(rng.random(len(y)) < 0.3, 1 - y, y)
    of_xgboost = xgboost(n_estimators=60, early_stopping_rounds=20)
    of_xgboost.fit(X, y, eval_set=[(X, other)], verbose=False)
    assert of_xgboost.best_iteration < of_xgboost.get_booster().num_boosted_rounds() - 1
    of_lightgbm = lightgbm().fit(X, y)
    of_lightgbm.booster_.best_iteration = 3
    for model in (of_xgboost, of_lightgbm):
        # Its scores are compared with those of predict.
        source = AdditiveSource(model, AffineMap.identity(X.shape[1]))
        assert not source.disagrees(X, model.predict(X)).any()


def changed_in_lightgbm(model):
    model.booster_.set_leaf_output(0, 0, 3.0)


def changed_in_xgboost(model):
    other = clone(model).set_params(n_estimators=3).fit(*samples(seed=1))
    model.get_booster().load_model(other.get_booster().save_raw())


def changed_in_ebm(model):
    model.term_scores_[0][1:4] += 3.0


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (xgboost, changed_in_xgboost),
        (lightgbm, changed_in_lightgbm),
        (ebm, changed_in_ebm),
    ],
)
def test_a_booster_that_changes_in_place_has_another_form(make, change):
    X, y = samples()
    model = make().fit(X, y)
    smoothed = SmoothedClassifier.from_fitted(model, sigma=0.5, method="exact")
    before = smoothed.predict_proba(X[:20])
    state = FittedState(layers(model, exact=True))
    assert state.is_that_of(layers(model, exact=True))
    change(model)
    assert not state.is_that_of(layers(model, exact=True))
    after = smoothed.predict_proba(X[:20])
    assert np.abs(after - before).max() > 0.01
    fresh = SmoothedClassifier.from_fitted(model, sigma=0.5, method="exact")
    np.testing.assert_array_equal(after, fresh.predict_proba(X[:20]))


@pytest.mark.parametrize("make", [xgboost, lightgbm, ebm])
def test_frames_pipelines_and_held_columns(make):
    pd = pytest.importorskip("pandas")
    X, y = samples()
    names = ["age", "income", "height", "weight"]
    frame = pd.DataFrame(X, columns=names)
    settings = {"sigma": 0.5, "method": "exact"}
    plain = SmoothedClassifier.from_fitted(make().fit(X, y), **settings)
    of_frame = SmoothedClassifier.from_fitted(make().fit(frame, y), **settings)
    expected = plain.certify(X[:20]).radius
    np.testing.assert_array_equal(of_frame.certify(frame[:20]).radius, expected)
    scaled = make_pipeline(StandardScaler(), make()).fit(X, y)
    radius = SmoothedClassifier.from_fitted(scaled, **settings).certify(X[:20]).radius
    assert (radius > 0.1).any()
    settings["noise_features"] = ["age", "height"]
    held = SmoothedClassifier(make(), **settings).fit(frame, y)
    shares = held.predict_proba(frame[:5])
    base, rng = held.estimator_, np.random.default_rng(0)
    for row, share in zip(X[:5], shares, strict=True):
        noisy = np.repeat(row[np.newaxis], N_NOISY, axis=0)
        noisy[:, [0, 2]] += 0.5 * rng.standard_normal((N_NOISY, 2))
        votes = base.predict(pd.DataFrame(noisy, columns=names)).mean()
        room = 5 * np.sqrt(max(votes * (1 - votes), 1 / N_NOISY) / N_NOISY)
        assert abs(votes - share[1]) <= room + 0.01  # the width of the interval


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (xgboost(booster="gblinear"), "not made of trees"),
        (xgboost(booster="dart"), "weights its trees"),
        (xgboost(missing=-999.0), "missing=-999.0"),
        (xgboost(objective="binary:hinge"), "binary:hinge"),
        (xgboost(objective="binary:logitraw"), "binary:logitraw"),
        (xgboost(max_depth=3, n_estimators=10), "features at once"),
        (lightgbm(linear_tree=True), "linear_tree"),
        (lightgbm(zero_as_missing=True), "zero_as_missing"),
        (lightgbm(num_leaves=8, n_estimators=10), "features at once"),
        (lightgbm(objective="cross_entropy"), "cross_entropy"),
        (lightgbm(pred_early_stop=True), "pred_early_stop"),
        (
            lightgbm(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
            "mean of its trees",
        ),
        (ebm(interactions=1), "features at once"),
        (ebm(feature_types=["nominal", *["continuous"] * 7]), "categorical"),
    ],
)
def test_what_is_not_a_sum_of_steps_is_declined(model, reason):
    X, y = samples(8)
    if "nominal" in (model.get_params().get("feature_types") or ()):
        X[:, 0] = np.round(X[:, 0])
    if model.get_params().get("zero_as_missing"):
        X[np.abs(X) < 0.2] = 0.0
    model.fit(X, y)
    with pytest.raises(Declined, match=reason):
        AdditiveSource(model, AffineMap.identity(X.shape[1]))
    try:
        source = find_exact_source(model, X, 0.5)
    except Declined as declined:
        assert re.search(reason, str(declined))
    else:  # a table of cells or boxes, which predict fills
        assert isinstance(source, (CellSource, FewTreesSource))


@pytest.mark.parametrize(
    "model", [xgboost(max_depth=3), XGBRFClassifier(), lightgbm(num_leaves=5)]
)
def test_many_deep_trees_are_not_read(model):
    X, y = samples(5)
    model.fit(X, y)
    with pytest.raises(Declined, match=r"it has (25|100) trees on 5 features"):
        find_exact_source(model, X, 0.5)
    assert not may_have_closed_form(layers(model, exact=True))
    assert may_have_closed_form(layers(model.fit(X[:, :3], y), exact=True))


def test_splits_of_categories_are_declined():
    X, y = samples(12)
    X[:, 0] = np.arange(len(X)) % 4
    y = (X[:, 0] == 1) | (y == 1) & (X[:, 0] == 2)
    codes = ["c", *["q"] * 11]
    of_xgboost = xgboost(feature_types=codes, enable_categorical=True).fit(X, y)
    of_lightgbm = lightgbm().fit(X, y, categorical_feature=[0])
    for model in (of_xgboost, of_lightgbm):
        with pytest.raises(Declined, match="categorical"):
            find_exact_source(model, X, 0.5)


def test_a_class_of_the_same_name_is_not_taken_for_it():
    class LGBMClassifierAlone(ClassifierMixin, BaseEstimator):
        pass

    stranger = type("LGBMClassifier", (LGBMClassifierAlone,), {})()
    assert closed_form.get(stranger) is None
    subclass = type("XGBClassifier", (XGBClassifier,), {})()
    assert closed_form.get(subclass) is None


def test_labels_of_any_kind():
    X, y = samples()
    names = np.array(["no", "yes"])[y]
    for make in (lightgbm, ebm):
        smoothed = SmoothedClassifier(make(), sigma=0.5, method="exact").fit(X, names)
        assert np.mean(smoothed.predict(X) == names) > 0.7


class OfSum(TwoClasses, ExactCase):
    form = AdditiveSource

    @staticmethod
    def data():
        X, y = samples(12)
        X[:, 2] /= 10
        return X, y


class TestXGBoostSum(OfSum, SourceCase):
    estimator = staticmethod(lambda: xgboost(n_estimators=100))


class TestLightGBMSum(OfSum, SourceCase):
    estimator = staticmethod(lambda: lightgbm(n_estimators=100))


class TestExplainableBoosting(OfSum, SourceCase):
    estimator = staticmethod(ebm)


class TestXGBoostCells(ExactCase, SourceCase):
    form = CellSource
    estimator = staticmethod(lambda: xgboost(n_estimators=3, max_depth=3))


class TestXGBoostFewTrees(ExactCase, SourceCase):
    form = FewTreesSource
    estimator = staticmethod(lambda: xgboost(n_estimators=8, max_depth=2))
    data = staticmethod(lambda: samples(14))


class TestXGBoostForest(ExactCase, SourceCase):
    form = CellSource
    estimator = staticmethod(
        lambda: XGBRFClassifier(n_estimators=4, max_depth=3, n_jobs=1)
    )


class TestLightGBMCells(ExactCase, SourceCase):
    form = CellSource
    estimator = staticmethod(lambda: lightgbm(n_estimators=3, num_leaves=6))
