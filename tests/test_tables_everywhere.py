# SPDX-License-Identifier: BSD-3-Clause
"""Tables with columns held fixed, in training, tuning, shrinkage and pictures."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.conformal import RobustConformalClassifier
from sksmooth.inspection import DecisionRegionDisplay
from sksmooth.shrinkage import region_volume, shrinkage_curve, vanishing_sigma
from sksmooth.training import NoiseAugmentedClassifier, ReweightedNoiseClassifier
from tests.test_tables import NUMBERS, mixed_table

NUMERIC = ["age", "income"]
HELD = ["color", "sex", "member", "since"]


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps the samples that `fit` and `predict` are given."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.seen_, self.y_, self.weight_ = X, y, sample_weight
        return self

    def predict(self, X):
        self.asked_ = X
        return np.repeat(self.classes_[:1], len(X))


class StreamRecorder(Recorder):
    def partial_fit(self, X, y, classes=None):
        self.passes_ = [*getattr(self, "passes_", []), X]
        self.classes_ = classes if classes is not None else self.classes_
        return self


def categorical(X):
    """The columns that HistGradientBoostingClassifier takes as they are."""
    return X.drop(columns=["sex", "since"])


# -- training ----------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("choice", [NUMERIC, [1, 3], NUMBERS])
def test_training_has_the_noise_of_the_smoothed_classifier(noise, choice):
    X, y = mixed_table(1500)
    settings = {"noise": noise, "noise_features": choice, "feature_scale": "std"}
    clf = NoiseAugmentedClassifier(
        Recorder(), sigma=0.5, n_copies=4, random_state=0, **settings
    ).fit(X, y, sample_weight=np.arange(1500))
    smoothed = SmoothedClassifier(Recorder(), sigma=0.5, **settings).fit(X, y)
    assert_array_equal(clf.feature_scale_, smoothed.feature_scale_)
    seen, copies = clf.estimator_.seen_, pd.concat([X] * 4)
    pd.testing.assert_frame_equal(
        seen[HELD], copies[HELD].reset_index(drop=True), check_index_type=False
    )
    assert_array_equal(clf.estimator_.y_, np.tile(y, 4))
    assert_array_equal(clf.estimator_.weight_, np.tile(np.arange(1500), 4))
    added = seen[NUMERIC].to_numpy() - copies[NUMERIC].to_numpy()
    added /= 0.5 * clf.feature_scale_[[1, 3]]
    # Laplace noise has kurtosis 6, so its variance has standard error sqrt(5 / n).
    assert_allclose(added.std(axis=0), 1, atol=4.5 * np.sqrt(5 / 6000) / 2)
    kurtosis = np.mean(added**4)
    assert (kurtosis > 4.5) == (noise == "laplace")
    assert_allclose(np.corrcoef(added.T)[0, 1], 0, atol=4.5 / np.sqrt(6000))


def test_streamed_training_adds_noise_to_the_same_columns():
    X, y = mixed_table(60)
    clf = NoiseAugmentedClassifier(StreamRecorder(), noise_features=["age"], n_copies=3)
    passes = clf.fit(X, y).estimator_.passes_
    assert len(passes) == 3
    for seen in passes:
        fixed = [*HELD, "income"]
        pd.testing.assert_frame_equal(seen[fixed], X[fixed], check_index_type=False)
        assert not np.isin(seen["age"], X["age"]).any()


def test_training_on_arrays_of_objects():
    X, y = mixed_table(60)
    rows = X.to_numpy(dtype=object)
    seen = (
        NoiseAugmentedClassifier(Recorder(), noise_features=[1], n_copies=2)
        .fit(rows, y)
        .estimator_.seen_
    )
    assert_array_equal(np.delete(seen, 1, 1)[:, 1:], np.tile(rows, (2, 1))[:, 2:])


def test_without_noise_predict_has_the_samples_as_they_are():
    X, y = mixed_table(60)
    clf = NoiseAugmentedClassifier(Recorder(), noise_features=["age"]).fit(X, y)
    clf.predict(X)
    pd.testing.assert_frame_equal(clf.estimator_.asked_, X, check_index_type=False)


def test_missing_values_stay_missing_in_training():
    X, y = mixed_table(200)
    X = categorical(X)
    X.loc[::4, "age"] = np.nan
    base = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    settings = {"noise_features": NUMERIC, "feature_scale": "std"}
    clf = NoiseAugmentedClassifier(base, n_copies=2, **settings).fit(X, y)
    assert clf.predict(X).shape == (200,)
    with pytest.raises(ValueError, match=r"\['age'\].*LogisticRegression"):
        NoiseAugmentedClassifier(LogisticRegression(), **settings).fit(X, y)


def test_noise_in_training_helps_the_smoothed_classifier():
    X, y = mixed_table(600)
    X = categorical(X)
    base = HistGradientBoostingClassifier(
        max_iter=20, categorical_features="from_dtype", random_state=0
    )
    settings = {"sigma": 0.5, "noise_features": NUMERIC, "feature_scale": "std"}
    radius = []
    for estimator in (base, NoiseAugmentedClassifier(base, **settings, random_state=0)):
        clf = SmoothedClassifier(
            estimator, **settings, n_certify=500, random_state=0
        ).fit(X[:400], y[:400])
        certificates = clf.certify(X[400:])
        radius.append(np.mean(certificates.radius * (certificates.label == y[400:])))
    assert radius[1] > radius[0]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"noise_features": ["height"]}, "noise_features has 'height'"),
        ({"noise_features": ["color"]}, r"\['color'\].*not numbers"),
        ({"noise_features": []}, "no feature that takes noise"),
        ({"noise_features": ["age"], "feature_scale": {"age": -1}}, "'age'.*-1"),
        ({"noise": "triangular"}, "'noise' parameter"),
    ],
)
def test_a_choice_that_training_cannot_follow_is_refused(settings, match):
    X, y = mixed_table(60)
    with pytest.raises(ValueError, match=match):
        NoiseAugmentedClassifier(Recorder(), **settings).fit(X, y)


def test_columns_without_numbers_are_named_whatever_adds_the_noise():
    X, y = mixed_table(60)
    base = LogisticRegression()
    fix = r"noise_features=\['age', 'income'"
    for clf in (
        NoiseAugmentedClassifier(base),
        ReweightedNoiseClassifier(base, sigma=1),
        RobustConformalClassifier(base, sigma=1),
    ):
        match = rf"\['color', 'sex', 'since'\](.|\n)*{type(clf).__name__}(.|\n)*{fix}"
        with pytest.raises(ValueError, match=match):
            clf.fit(X, y)


@pytest.mark.parametrize("whole", [False, True])
def test_training_with_splitting_noise_has_the_copies_of_the_vote(whole):
    """Each copy of a sample is one that the law lists, or the middle of its cell."""
    X, y = mixed_table(80)
    if not whole:
        X["age"] += 0.1
    settings = {"sigma": 3.0, "noise": "splitting", "noise_features": ["age"]}
    smoothed = SmoothedClassifier(Recorder(), **settings).fit(X, y)
    law = smoothed.noise_law()
    assert law.whole == whole
    clf = NoiseAugmentedClassifier(Recorder(), n_copies=20, **settings).fit(X, y)
    seen = clf.estimator_.seen_
    assert_array_equal(seen["income"], np.tile(X["income"], 20))
    copies = seen["age"].to_numpy().reshape(20, 80)
    if whole:
        for at in range(80):
            listed = law.enumerate(X["age"].to_numpy()[[at]]).ravel()
            assert np.isin(copies[:, at], listed).all()
    moved = np.abs(copies - X["age"].to_numpy())
    assert moved.max() > 0.8 * law.width / 2
    assert moved.max() <= law.width / 2 * (1 + 1e-6)
    # Cells start anew for each sample, so that equal ages are cut at unequal places.
    assert len(np.unique(copies[0] - X["age"])) > 5


CATEGORICAL = HistGradientBoostingClassifier(
    max_iter=5, categorical_features="from_dtype", random_state=0
)


class OwnerRecorder(Recorder):
    """Predicts all of one class, so that the others get more copies."""

    seen: list = []

    def fit(self, X, y):
        type(self).seen.append((X, y))
        return super().fit(X, y)


@pytest.mark.parametrize("library", ["pandas", "numpy"])
def test_weights_of_classes_draw_samples_with_the_columns_held_fixed(library):
    X, y = mixed_table(120)
    X["at"] = np.arange(120)
    base = OwnerRecorder()
    base.seen.clear()
    rows, choice = X, NUMERIC
    if library == "numpy":
        rows, choice = X.to_numpy(dtype=object), [1, 3]
    clf = ReweightedNoiseClassifier(
        base, sigma=0.5, noise="laplace", noise_features=choice, feature_scale="std",
        n_rounds=2, cv=2, n_copies=2, n_predict=20, random_state=0,
    ).fit(rows, y)  # fmt: skip
    assert clf.path_["class_weight"][1, 0] != clf.path_["class_weight"][1, 1]
    unequal = False
    for seen, labels in base.seen:
        seen = pd.DataFrame(seen, columns=X.columns)
        owner = seen["at"].to_numpy(dtype=int)
        unequal |= len(np.unique(np.bincount(owner)[owner])) > 1
        assert_array_equal(labels, y[owner])
        kept = X[HELD].iloc[owner].astype(object)
        same = (seen[HELD].to_numpy(object) == kept.to_numpy()) | kept.isna().to_numpy()
        assert same.all()
        assert not np.isin(seen["age"].to_numpy(float), X["age"]).any()
    assert unequal  # some samples were drawn more often than others


def test_reweighting_smooths_with_the_noise_and_the_missing_values_of_the_table():
    X, y = mixed_table(100)
    X = categorical(X)
    X.loc[::5, "age"] = np.nan
    settings = {"sigma": 0.5, "noise_features": NUMBERS, "feature_scale": "std"}
    clf = ReweightedNoiseClassifier(
        CATEGORICAL, n_rounds=2, cv=2, n_copies=1, n_predict=20, random_state=0,
        **settings,
    ).fit(X, y)  # fmt: skip
    std = X[NUMERIC].std(ddof=0)
    assert_allclose(clf.feature_scale_, [0.0, *std, 0.0])
    assert (clf.path_["class_accuracy"] > 0.3).all()
    with pytest.raises(ValueError, match=r"\['age'\].*LogisticRegression"):
        clf.set_params(estimator=LogisticRegression()).fit(X, y)


# -- prediction sets ---------------------------------------------------------------


def test_sets_on_a_table_are_those_of_the_numbers_in_units_of_the_scale():
    """Noise of sigma * scale at X is noise of sigma at X / scale."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(300, 2)), 2)
    y = (X.sum(axis=1) + rng.normal(size=300) > 0).astype(int)
    scale = np.array([0.5, 4.0])
    base = LogisticRegression().fit(X, y)

    class BehindScale(LogisticRegression):
        def predict_proba(self, X):
            return base.predict_proba(X * scale)

    settings = {"sigma": 0.5, "radius": 0.2, "random_state": 0}
    scaled = RobustConformalClassifier(
        FrozenEstimator(base), feature_scale=scale, **settings
    )
    plain = RobustConformalClassifier(BehindScale(), **settings)
    scaled.fit(X, y).conformalize(X[::2], y[::2])
    plain.fit(X / scale, y).conformalize(X[::2] / scale, y[::2])
    assert_allclose(scaled.calibrated_coverage_, plain.calibrated_coverage_)
    # Noise belongs to the content of a sample, which differs: thresholds are close.
    error = np.std(1 - base.predict_proba(X).max(axis=1)) * 4 / np.sqrt(150)
    assert_allclose(scaled.thresholds_, plain.thresholds_, atol=2 * error + 0.05)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform", "splitting"])
def test_sets_on_a_table_with_columns_held_fixed(noise):
    X, y = mixed_table(400)
    X = categorical(X)
    X.loc[::7, "age"] = np.nan
    clf = RobustConformalClassifier(
        CATEGORICAL, sigma=0.5, radius=0.05, noise=noise, confidence_level=0.8,
        noise_features=NUMERIC, feature_scale="std", random_state=0,
    ).fit(X[:100], y[:100])  # fmt: skip
    clf.conformalize(X[100:250], y[100:250])
    assert (clf.feature_scale_ > 0).tolist() == [False, True, True, False]
    changed = X[250:].copy()
    norm = 2 if noise == "gaussian" else 1
    step = np.array([0.05, 0.05]) * 2 ** (-1 / norm) * clf.feature_scale_[[1, 2]]
    changed[NUMERIC] -= 0.999 * step
    for rows in (X[250:], changed):
        sets = clf.predict_set(rows)
        covered = sets[np.arange(150), np.searchsorted(clf.classes_, y[250:])].mean()
        assert covered >= 0.8 - 4 * np.sqrt(0.16 * (1 / 150 + 1 / 150))
    assert clf.predict_proba(X[:9]).shape == (9, 2)
    assert_array_equal(clf.predict(X[:9]), clf.smoothed_.estimator_.predict(X[:9]))


def test_sets_show_the_columns_held_fixed_as_they_come():
    class Proba(Recorder):
        def predict_proba(self, X):
            self.asked_ = X
            return np.tile([0.5, 0.5], (len(X), 1))

    X, y = mixed_table(60)
    clf = RobustConformalClassifier(Proba(), sigma=0.5, noise_features=["age"])
    clf.fit(X, y).conformalize(X, y).predict_set(X)
    seen = clf.smoothed_.estimator_.asked_
    fixed = [*HELD, "income"]
    pd.testing.assert_frame_equal(seen[fixed], X[fixed], check_index_type=False)
    assert not np.isin(seen["age"], X["age"]).any()


def test_sets_of_other_columns_are_calibrated_again():
    X, y = mixed_table(80)
    X = categorical(X)
    clf = RobustConformalClassifier(
        CATEGORICAL, sigma=0.5, noise_features=NUMERIC, random_state=0
    )
    clf.fit(X, y).conformalize(X, y).set_params(noise_features=list(NUMERIC))
    before = clf.predict_set(X)
    for change in ({"noise_features": ["age"]}, {"feature_scale": {"age": 2.0}}):
        (name,) = change
        clf.set_params(noise_features=NUMERIC, feature_scale=None).conformalize(X, y)
        assert_array_equal(clf.predict_set(X), before)
        clf.set_params(**change)
        with pytest.raises(ValueError, match=f"{name}=.*conformalize again"):
            clf.predict_set(X)
        assert clf.conformalize(X, y).predict_set(X).shape == (80, 2)
    assert clf.feature_scale_.tolist() == [0.0, 2.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="missing values"):
        RobustConformalClassifier(
            LogisticRegression(), sigma=1, noise_features=["age"]
        ).fit(X[["age"]].mask(X["age"] > 80), y)


# -- shrinkage and tuning ----------------------------------------------------------


def mixed_and_smoothed(**settings):
    """A smoothed classifier with categories, fitted on a table."""
    X, y = mixed_table(200)
    X = categorical(X)
    base = HistGradientBoostingClassifier(
        max_iter=10, categorical_features="from_dtype"
    )
    settings = {
        "sigma": 0.4,
        "noise_features": NUMERIC,
        "feature_scale": "std",
        "n_predict": 200,
        "n_certify": 200,
        "random_state": 0,
    } | settings
    return SmoothedClassifier(base, **settings).fit(X, y), X, y


def test_shrinkage_curve_of_a_table():
    clf, X, y = mixed_and_smoothed()
    curve = shrinkage_curve(clf, X[:50], y[:50], [0.2, 0.4])
    certificates = clf.certify(X[:50])
    right = certificates.holds(0) & (certificates.label == y[:50])
    accuracy = [right[y[:50] == c].mean() for c in curve.classes]
    assert_allclose(curve.certified_accuracy[1], accuracy)


@pytest.mark.parametrize("missing", [False, True])
def test_vanishing_sigma_searches_in_units_of_the_scale(missing):
    clf, X, y = mixed_and_smoothed()
    if missing:
        X = X.copy()
        X.loc[::10, "age"] = np.nan
    found = vanishing_sigma(clf, X[:50], y[:50], tol=0.5)
    # Two features of standard deviation about 1 in units of the scale.
    assert_allclose(found.sigma_range[1], 4 * np.sqrt(2), rtol=0.5)


def test_region_volume_needs_noise_on_all_features():
    X, y = mixed_table(200)
    X = X[NUMERIC]
    base = LogisticRegression(max_iter=1000).fit(X, y)
    settings = {"n_points": 64, "n_scrambles": 2, "random_state": 0}
    box = X.min().to_numpy(), X.max().to_numpy()
    volume = region_volume(base, box, feature_scale=X.std().to_numpy(), **settings)
    # Smoothing does not move the boundary of a linear classifier.
    assert_array_equal(volume.smoothed, volume.base)
    with pytest.raises(ValueError, match=r"\['income'\] are held fixed"):
        region_volume(base, box, noise_features=["age"], **settings)
    with pytest.raises(ValueError, match=r"\['color', 'member'\] are held fixed"):
        region_volume(mixed_and_smoothed()[0], (0, 1))


def test_tuned_weights_on_a_table():
    clf, X, y = mixed_and_smoothed()
    tuned = TunedVoteClassifierCV(clf, cv=2).fit(X, y)
    certificates = tuned.certify(X[:10])
    assert certificates.scale == tuple(clf.feature_scale_)
    sure = ~certificates.abstained
    assert sure.any()
    assert_array_equal(tuned.predict(X[:10])[sure], certificates.label[sure])


# -- pictures ----------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [[10.0, 0.5], [10.0, 0.0], [0.0, 0.5]])
def test_pictures_have_ellipses_and_the_votes_of_the_scale(noise, scale):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)) * [20, 1]
    y = (X @ [1 / 20, 1] > 0).astype(int)
    base = LogisticRegression().fit(X, y)
    clf = SmoothedClassifier.from_fitted(
        base, sigma=0.5, noise=noise, feature_scale=scale, random_state=0
    )
    display = DecisionRegionDisplay.from_estimator(
        clf, X, points=X[:5], source="blur", grid_resolution=60
    )
    (certificates,) = display.certificates
    sure = ~certificates.abstained
    for ball, radius in zip(display.balls_, certificates.radius[sure], strict=True):
        assert_allclose([ball.width, ball.height], 2 * radius * np.array(scale))
    grid = np.stack(np.meshgrid(display.xx0, display.xx1), axis=-1).reshape(-1, 2)
    few = grid[:: len(grid) // 40]
    votes = clf.set_params(method="monte_carlo", n_predict=4000).predict_proba(few)
    drawn = display.shares[0].reshape(2, -1).T[:: len(grid) // 40]
    # 80 shares of 4000 votes each; cells of the blur are a twelfth of sigma wide.
    assert_allclose(drawn, votes, atol=4.5 * 0.5 / np.sqrt(4000) + 1 / 24)
    if all(scale):
        assert display.axes_[0].get_aspect() == scale[0] / scale[1]
