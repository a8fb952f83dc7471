# SPDX-License-Identifier: BSD-3-Clause
"""Noise on some columns, in a unit of each; everything else is held fixed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.special import ndtri
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import CertificateLog, SmoothedClassifier, read_certificates
from sksmooth.metrics import CertifiedScorer, classwise_report
from sksmooth.noise import Gaussian, Laplace, Resample
from sksmooth.samples import Table
from sksmooth.verification import verify_log
from sksmooth.votes.sampled._monte_carlo import batches
from tests.known_votes import assert_at_most

NUMBERS = make_column_selector(dtype_include="number")


def mixed_table(n=400, seed=0):
    """Numbers in different units, categories, strings, flags, dates and holes."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    income = np.exp(rng.normal(10, 1, n))
    color = rng.choice(list("abcdef"), n)
    z = (age - 54) / 20 + (np.log(income) - 10) + np.where(color < "c", 1.5, -1.0)
    frame = pd.DataFrame(
        {
            "color": pd.Categorical(color),
            "age": age.astype(float),
            "sex": rng.choice(["m", "f"], n),
            "income": income,
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(age, unit="D"),
        }
    )
    frame.loc[::9, "color"] = None
    return frame, np.where(z > 0, "yes", "no")


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what `predict` is given, and predicts by the first number it finds."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.seen_ = []
        return self

    def predict(self, X):
        self.seen_.append(X)
        column = X["age"] if hasattr(X, "columns") else X[:, 1]
        return self.classes_[(np.asarray(column, dtype=float) > 50).astype(int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def smoothed(base, **settings):
    settings = {"sigma": 0.3, "n_certify": 300, "random_state": 0} | settings
    return SmoothedClassifier(base, **settings)


@pytest.mark.parametrize(
    "noise_features", [["age", "income"], [1, 3], "age", NUMBERS, slice(1, 2), [-3]]
)
def test_columns_held_fixed_reach_predict_as_they_come(noise_features):
    X, y = mixed_table(60)
    clf = smoothed(Recorder(), noise_features=noise_features).fit(X, y)
    clf.estimator_.seen_.clear()
    clf.certify(X[:7])
    held = [X.columns[at] for at in np.flatnonzero(clf.feature_scale_ == 0)]
    assert "color" in held and "since" in held
    originals = {tuple(map(repr, row)) for row in X[:7][held].to_numpy(dtype=object)}
    for shown in clf.estimator_.seen_:
        assert list(shown.columns) == list(X.columns)
        assert (shown.dtypes[held] == X.dtypes[held]).all()
        rows = {tuple(map(repr, row)) for row in shown[held].to_numpy(dtype=object)}
        assert rows <= originals
    noisy = [X.columns[at] for at in np.flatnonzero(clf.feature_scale_)]
    moved = pd.concat(clf.estimator_.seen_)[noisy].to_numpy()
    assert not np.isin(moved, X[noisy].to_numpy()).any()


def test_the_same_choice_in_any_spelling():
    X, y = mixed_table(60)
    spellings = [
        {"noise_features": ["age", "income"]},
        {"noise_features": [3, 1]},
        {"noise_features": [False, True, False, True, False, False]},
        {"noise_features": lambda X: ["income", "age"]},
        {"feature_scale": [0, 1, 0, 1, 0, 0]},
        {"feature_scale": {"color": 0, "sex": 0, "member": 0, "since": 0}},
    ]
    first, *others = (
        smoothed(Recorder(), **spelling).fit(X, y).certify(X[:9])
        for spelling in spellings
    )
    assert all(first == other for other in others)
    assert first.scale == (0, 1, 0, 1, 0, 0)


def test_a_scale_is_a_change_of_units():
    """The certificate of f at X is that of f(scale * .) at X / scale.

    To the last bit where scales are powers of two, so that both are exact.
    """
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(40, 3)), 2)
    y = (X.sum(axis=1) > 0).astype(int)
    scale = np.array([0.5, 4.0, 1.0])
    base = KNeighborsClassifier(3).fit(X, y)

    def behind_scale(rows):
        return base.predict(rows * scale)

    settings = {"sigma": 0.4, "n_certify": 300, "random_state": 0}
    scaled = SmoothedClassifier.from_fitted(base, feature_scale=scale, **settings)
    plain = SmoothedClassifier.from_fitted(behind_scale, classes=[0, 1], **settings)
    # Noise belongs to the content of a sample; here both must have the same.
    keys = [bytes(32)] * len(X)
    for clf in (scaled, plain):
        clf._noise_key = keys[0]
    source = scaled.certify(X[:1])
    assert source.scale == tuple(scale)
    law, unit = scaled.noise_law(3), plain.noise_law(3)
    assert np.array_equal(law.snap(X) / scale, unit.snap(X / scale))
    one, other = np.empty((50, 3)), np.empty((50, 3))
    law.perturb(law.snap(X)[0], np.random.default_rng(1), one)
    unit.perturb(unit.snap(X / scale)[0], np.random.default_rng(1), other)
    assert np.array_equal(one / scale, other)
    assert law.grid_slack(3) == unit.grid_slack(3)


def test_a_choice_by_names_does_not_depend_on_their_order():
    X, y = mixed_table(60)
    X = X[["age", "sex", "income"]]
    scale = {"income": 1000.0, "age": 2.0, "sex": 0.0}
    for spelling in (
        {"feature_scale": scale},
        {"feature_scale": pd.Series(scale)},
        {"noise_features": {"income", "age"}, "feature_scale": scale},
        {"noise_features": ["age", "income"], "feature_scale": pd.Series(scale)[:2]},
        {
            "noise_features": pd.Series({"income": True, "sex": False, "age": True}),
            "feature_scale": scale,
        },
        {
            "noise_features": slice("age", "income"),
            "feature_scale": {"age": 2.0, "sex": 0, "income": 1000.0},
        },
    ):
        clf = smoothed(Recorder(), **spelling).fit(X, y)
        assert clf.feature_scale_.tolist() == [2.0, 0.0, 1000.0]


@pytest.mark.parametrize("parameter", ["noise_features", "feature_scale"])
def test_numbers_that_are_a_position_and_the_label_of_another_column(parameter):
    X, y = mixed_table(60)
    X = X[["age", "income"]].set_axis([1, 0], axis=1)
    given = [1] if parameter == "noise_features" else {1: 3.0}
    with pytest.raises(ValueError, match=rf"{parameter} has 1, .*labeled 1"):
        smoothed(KNeighborsClassifier(), **{parameter: given}).fit(X, y)
    clf = smoothed(KNeighborsClassifier(), **{parameter: given})
    assert clf.fit(X.set_axis([0, 1], axis=1), y).feature_scale_ is not None


def test_a_column_that_never_changes_has_no_standard_deviation():
    X, y = mixed_table(60)
    X = X[["age", "income"]].assign(same=0.1)
    clf = smoothed(KNeighborsClassifier(), feature_scale="std").fit(X, y)
    assert clf.feature_scale_[2] == 0 and (clf.feature_scale_[:2] > 1).all()


def test_the_order_of_columns_permutes_nothing_else():
    X, y = mixed_table(80)
    base = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["color", "sex"]),
            (StandardScaler(), ["age", "income"]),
        ),
        LogisticRegression(),
    )
    clf = smoothed(base, noise_features=["age"]).fit(X, y)
    turned = smoothed(base, noise_features=["age"]).fit(X[X.columns[::-1]], y)
    one, other = clf.certify(X[:10]), turned.certify(X[X.columns[::-1]][:10])
    assert one.scale == other.scale[::-1]
    # Their noise differs, as samples differ; their labels must not, where clear.
    sure = ~one.abstained & ~other.abstained
    assert sure.sum() >= 5
    assert (one.label == other.label)[sure].all()


class Ellipsoid(ClassifierMixin, BaseEstimator):
    """The half-space that is worst for noise of these scales."""

    def __init__(self, scale, offset):
        self.scale = scale
        self.offset = offset

    def fit(self, X=None, y=None):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = len(self.scale)
        return self

    def predict(self, X):
        scale = np.asarray(self.scale)
        unit = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1), 0.0)
        return (X @ unit / np.sqrt(np.sum(scale > 0)) > self.offset).astype(int)


@pytest.mark.parametrize("asked", [False, True])
def test_false_certificates_on_the_worst_half_space(asked):
    alpha, sigma, n, share = 0.1, 0.5, 1000, 0.9
    scale = [1.0, 0.1, 0.0, 30.0]
    true = sigma * ndtri(share)
    base = Ellipsoid(scale, -true).fit()
    clf = SmoothedClassifier.from_fitted(
        base,
        sigma=sigma,
        feature_scale=scale,
        alpha=alpha,
        n_certify=300,
        method="monte_carlo",
        random_state=0,
    )
    X = np.zeros((n, 4))
    X[:, 2] = np.arange(n)  # held fixed: it only tells samples apart
    radii = [true * (1 + 1e-4)] if asked else None
    certificates = clf.certify(X, radii=radii, tol=0)
    false = ~certificates.abstained & (certificates.radius > true)
    assert_at_most(false.sum(), n, alpha)
    assert asked or false.mean() > alpha / 4


def test_noise_is_keyed_on_columns_held_fixed():
    X, y = mixed_table(30)
    clf = smoothed(Recorder(), noise_features=["age"]).fit(X, y)
    X = X.iloc[[0] * 5].reset_index(drop=True)
    X["sex"] = ["m", "f", "x", "y", "z"]
    clf.estimator_.seen_.clear()
    clf.predict_proba(X)
    ages = np.concatenate([shown["age"].to_numpy() for shown in clf.estimator_.seen_])
    # Some are seen twice, as a classifier is probed while it votes.
    assert len(np.unique(ages)) > 0.99 * len(X) * clf.n_predict


@pytest.mark.parametrize("batch_size", [1, 7, 8192])
def test_a_sample_gets_the_same_in_any_company(batch_size):
    X, y = mixed_table(80)
    base = HistGradientBoostingClassifier(
        max_iter=10, categorical_features="from_dtype"
    )
    X = X.drop(columns=["since", "sex"])
    clf = smoothed(base, noise_features=["age", "income"], n_certify=40).fit(X, y)
    n_rows = 4 if batch_size == 1 else 12  # a call for each vote
    together = clf.certify(X[:n_rows])
    clf.set_params(batch_size=batch_size)
    parts = [clf.certify(X[at : at + 1]) for at in range(n_rows // 2)]
    turned = clf.certify(X[:n_rows][::-1])
    for at, part in enumerate(parts):
        assert part == together[at : at + 1]
    assert turned[::-1] == together


# -- missing values ----------------------------------------------------------------


def test_what_is_missing_stays_missing():
    X, y = mixed_table(60)
    X.loc[::4, "age"] = np.nan
    clf = smoothed(Recorder(), noise_features=["age", "income"]).fit(X, y)
    clf.estimator_.seen_.clear()
    clf.predict_proba(X[:4])
    shown = pd.concat(clf.estimator_.seen_)
    assert shown["age"].isna().mean() == 0.25
    assert not shown["income"].isna().any()


def test_missing_values_are_refused_where_the_base_refuses_them():
    X, y = mixed_table(60)
    numbers = X[["age", "income"]].copy()
    numbers.loc[3, "age"] = np.nan
    with pytest.raises(ValueError, match=r"\['age'\].*does not take missing values"):
        smoothed(LogisticRegression(), noise_features=[0, 1]).fit(numbers, y)
    with pytest.raises(ValueError, match="NaN"):
        smoothed(LogisticRegression()).fit(numbers, y)
    base = HistGradientBoostingClassifier()
    denoised = smoothed(base, noise_features=[0, 1], denoiser="posterior_mean")
    with pytest.raises(ValueError, match=r"\['age'\].*PosteriorMeanDenoiser"):
        denoised.fit(numbers, y)


@pytest.mark.parametrize("noise_features", [None, [0, 1]])
@pytest.mark.parametrize(
    "base",
    [
        make_pipeline(SimpleImputer(), LogisticRegression()),
        make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), StandardScaler()), [0, 1])
            ),
            LogisticRegression(),
        ),
        GridSearchCV(
            make_pipeline(SimpleImputer(), SVC()), {"svc__C": [0.5, 1.0]}, cv=2
        ),
    ],
    ids=["imputer", "column transformer", "search"],
)
def test_an_imputer_inside_the_base_classifier_takes_missing_values(
    base, noise_features
):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = X[:, 0] > 0
    X[::5, 1] = np.nan
    clf = smoothed(base, noise_features=noise_features, n_certify=100).fit(X, y)
    found = clf.certify(X[:20], radii=[0.1])
    assert found.method == "monte_carlo"
    # The imputer fills in what is missing, so certificates are those of a sample of two
    # features in which the noise of one does not matter.
    assert found.holds(0.1).mean() > 0.5
    base_labels = clf.estimator_.predict(X[:20])
    assert (found.label == base_labels)[found.holds(0.1)].mean() > 0.8


def test_missing_values_are_refused_where_no_part_of_the_base_replaces_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    base = make_pipeline(StandardScaler(), SVC())
    clf = smoothed(base).fit(X, X[:, 0] > 0)
    X[3, 1] = np.nan
    for use in (clf.predict, clf.certify):
        with pytest.raises(ValueError, match=r"missing values.*SimpleImputer"):
            use(X)


# -- what the certificate says -----------------------------------------------------


def certified():
    X, y = mixed_table(200)
    X = X[["age", "income", "member"]]
    clf = smoothed(
        HistGradientBoostingClassifier(max_iter=10),
        noise_features=["age", "income"],
        feature_scale="std",
    ).fit(X, y)
    return clf, X, y, clf.certify(X[:40])


def test_the_scale_is_learned_from_the_training_samples():
    clf, X, _, certificates = certified()
    std = X[["age", "income"]].std(ddof=0)
    np.testing.assert_allclose(clf.feature_scale_, [*std, 0.0])
    assert certificates.scale == tuple(clf.feature_scale_)
    assert certificates.features == ("age", "income", "member")
    assert certificates.law == {"n_features": 2}
    assert "noise on 2 of 3 features" in repr(certificates)
    assert certificates.to_frame().index.equals(X[:40].index)


def test_a_given_change_is_certified_inside_the_ellipsoid_only():
    clf, _, _, certificates = certified()
    scale = clf.feature_scale_
    rng = np.random.default_rng(0)
    for _ in range(20):
        direction = np.append(rng.normal(size=2), 0.0)
        direction /= np.linalg.norm(direction)
        delta = np.outer(certificates.radius, direction * scale)
        sure = ~certificates.abstained & (certificates.radius > 0)
        assert certificates.holds_for(0.999 * delta)[sure].all()
        assert not certificates.holds_for(1.001 * delta)[sure].any()
        assert not certificates.holds_for(delta)[certificates.abstained].any()


def test_one_feature_alone_may_move_so_far():
    _, _, _, certificates = certified()
    far = certificates.feature_radius("income")
    delta = np.zeros((len(far), 3))
    delta[:, 1] = far * (1 - 1e-12)
    sure = far > 0
    assert certificates.holds_for(delta)[sure].all()
    delta[:, 1] *= 1.001
    assert not certificates.holds_for(delta)[sure].any()
    assert not certificates.feature_radius("member").any()
    assert (certificates.feature_radius(1) == far).all()


def test_nothing_found_inside_the_ellipsoid_changes_the_label():
    clf, X, _, certificates = certified()
    rng = np.random.default_rng(1)
    at = int(np.argmax(np.where(certificates.radius < 0.6, certificates.radius, 0)))
    row, label = X.iloc[[at]], certificates.label[at]
    moved = pd.concat([row] * 40, ignore_index=True)
    steps = rng.normal(size=(40, 2))
    steps *= 0.95 * certificates.radius[at] / np.linalg.norm(steps, axis=1)[:, None]
    moved[["age", "income"]] += steps * clf.feature_scale_[:2]
    assert (clf.set_params(n_predict=2000).predict(moved) == label).all()


def test_a_change_may_be_given_by_names():
    *_, certificates = certified()
    by_name = certificates.holds_for({"income": 2000.0, "age": -1})
    assert (by_name == certificates.holds_for([-1.0, 2000.0, 0.0])).all()
    assert certificates.holds_for({}).sum() == (~certificates.abstained).sum()
    with pytest.raises(ValueError, match="'height' is none of the features"):
        certificates.holds_for({"height": 1})


@pytest.mark.parametrize(
    ("delta", "match"),
    [
        ([1.0, 2.0], "shape"),
        ([0.0, np.nan, 0.0], "finite"),
        ([0.0, 1.0, 1.0], "member.*held fixed"),
        (np.zeros((7, 3)), "40 samples"),
    ],
)
def test_a_change_that_says_nothing_is_refused(delta, match):
    with pytest.raises(ValueError, match=match):
        certified()[-1].holds_for(delta)


@pytest.mark.parametrize("feature", ["height", 3, -4, 0.5, None])
def test_an_unknown_feature_is_refused(feature):
    with pytest.raises((ValueError, TypeError), match="feature="):
        certified()[-1].feature_radius(feature)


# -- with everything else ----------------------------------------------------------


def test_searches_learn_the_scale_in_each_fold():
    X, y = mixed_table(120)
    X = X[["age", "income"]]
    search = GridSearchCV(
        smoothed(LogisticRegression(), feature_scale="std"),
        {"sigma": [0.25, 1.0]},
        scoring=CertifiedScorer(radius=0.1),
        cv=2,
    ).fit(X, y)
    best = search.best_estimator_
    np.testing.assert_allclose(best.feature_scale_, X.std(ddof=0))


def test_a_log_is_resumed_and_read(tmp_path):
    X, y = mixed_table(60)
    clf = smoothed(
        HistGradientBoostingClassifier(max_iter=5),
        noise_features=["age", "income"],
        feature_scale={"income": 1000.0},
    ).fit(X[["age", "income", "member"]], y)
    X = X[["age", "income", "member"]]
    log = CertificateLog(tmp_path / "log.tsv", y=y[:20])
    first = clf.certify(X[:20], log=log)
    text = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(text[:10]))
    assert clf.certify(X[:20], log=log) == first
    assert log.path.read_text().splitlines(keepends=True) == text
    again, y_true = read_certificates(log.path)
    assert again.scale == first.scale == (1.0, 1000.0, 0.0)
    assert again.features == ("age", "income", "member")
    assert classwise_report(y_true, again) == classwise_report(y[:20], first)
    other = clone(clf).set_params(feature_scale={"income": 1001.0}).fit(X, y[:60])
    with pytest.raises(ValueError, match="another run"):
        other.certify(X[:20], log=log)


def test_it_clones_and_pickles():
    clf, X, _, certificates = certified()
    again = pickle.loads(pickle.dumps(clf))
    assert again.certify(X[:40]) == certificates
    assert pickle.loads(pickle.dumps(certificates)) == certificates
    params = clone(clf).get_params()
    assert params["feature_scale"] == "std"
    assert params["noise_features"] == ["age", "income"]


def test_parameters_may_be_set_on_a_fitted_classifier():
    clf, X, y, _ = certified()
    clf.set_params(noise_features=["age"], feature_scale={"age": 2.0})
    fresh = smoothed(
        HistGradientBoostingClassifier(max_iter=10),
        noise_features=["age"],
        feature_scale={"age": 2.0},
    ).fit(X, y)
    assert clf.certify(X[:9]) == fresh.certify(X[:9])
    with pytest.raises(ValueError, match="learned in fit"):
        clf.set_params(feature_scale="std").predict(X)


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"noise_features": ["height"]}, "noise_features has 'height'.*'age'"),
        ({"noise_features": [7]}, "noise_features has 7"),
        ({"noise_features": [True, False]}, "mask of 2 values for 6"),
        ({"noise_features": [True, pd.NA] * 3}, "<NA> among values of a mask"),
        ({"noise_features": []}, "no feature that takes noise"),
        ({"noise_features": ["color"]}, r"\['color'\].*not numbers"),
        ({"noise_features": ["since", "age"]}, r"\['since'\].*not numbers"),
        ({"noise_features": ["age"], "feature_scale": "var"}, "'std'"),
        ({"noise_features": ["age"], "feature_scale": {"height": 1}}, "'height'"),
        ({"noise_features": ["age"], "feature_scale": [1, 2]}, "6 features"),
        ({"noise_features": ["age"], "feature_scale": {"age": -1}}, "'age'.*-1"),
        ({"noise_features": ["age"], "feature_scale": {"age": np.nan}}, "'age'.*nan"),
        ({"noise_features": ["age"], "feature_scale": {"age": np.inf}}, "'age'.*inf"),
        ({"noise_features": ["age"], "feature_scale": {"age": 0}}, "no feature"),
        ({"noise_features": [1], "feature_scale": {"age": 1e-320}}, "'age'.*1e-320"),
        ({"noise_features": [1], "feature_scale": {"age": 1e300}}, "'age'.*1e\\+300"),
        ({"noise_features": ["age"], "feature_scale": {"age": "2"}}, "'age'.*'2'"),
        ({}, r"\['color', 'sex', 'since'\](.|\n)*noise_features=\['age', 'income'"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(settings, match):
    X, y = mixed_table(60)
    with pytest.raises(ValueError, match=match):
        smoothed(Recorder(), **settings).fit(X, y)


@pytest.mark.parametrize(
    "settings", [{"feature_scale": "std"}, {"noise_features": NUMBERS}]
)
def test_from_fitted_has_no_training_samples(settings):
    X, y = mixed_table(60)
    X = X[["age", "income"]]
    base = LogisticRegression(max_iter=1000).fit(X, y)
    with pytest.raises(ValueError, match="from_fitted has n"):
        SmoothedClassifier.from_fitted(base, **settings)
    clf = SmoothedClassifier.from_fitted(
        base, noise_features=["age"], random_state=0, n_certify=100
    )
    assert clf.certify(X[:3]).scale == (1.0, 0.0)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_in_another_order_never_take_the_noise_of_others(library):
    X, y = mixed_table(60)
    X = X[["age", "income"]]
    if library == "polars":
        X = pytest.importorskip("polars").DataFrame(dict(X.items()))
    turned = X[["income", "age"]]
    base = Recorder().fit(X, y)
    base.feature_names_in_ = np.array(["age", "income"], dtype=object)
    settings = {"noise_features": ["age"], "random_state": 0, "n_certify": 100}
    for clf in (
        SmoothedClassifier.from_fitted(base, **settings),
        smoothed(Recorder(), **settings).fit(X, y),
        smoothed(FrozenEstimator(base), **settings).fit(X, y),
    ):
        assert clf.certify(X[:3]).scale == (1.0, 0.0)
        with pytest.raises(ValueError, match=r"order"):
            clf.certify(turned[:3])
    # Names that the classifier does not know say nothing of the order.
    clf = SmoothedClassifier.from_fitted(base, **settings)
    base.feature_names_in_ = clf.feature_names_in_ = np.array(["f0", "f1"])
    assert clf.set_params(noise_features=[0]).predict(X[:3]).shape == (3,)


def test_two_columns_of_one_name_are_refused():
    X, y = mixed_table(60)
    X = X.set_axis(["a", "age", "b", "age", "c", "d"], axis=1)
    for choice in (["age"], [1]):
        with pytest.raises(ValueError, match="more than one column named 'age'"):
            smoothed(Recorder(), noise_features=choice).fit(X, y)


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("missing", [None, pd.NA, np.nan])
def test_what_is_missing_among_objects_is_missing(missing, as_frame):
    X, y = mixed_table(40)
    X = X[["sex", "age"]].astype(object)
    X.iloc[0, 1] = missing
    rows = X if as_frame else X.to_numpy()
    clf = smoothed(Recorder(), noise_features=[1]).fit(rows, y)
    clf.estimator_.seen_.clear()
    clf.predict_proba(rows[:2])
    shown = [np.asarray(part)[:, 1].astype(float) for part in clf.estimator_.seen_]
    assert np.isnan(np.concatenate(shown)).mean() == 0.5


@pytest.mark.parametrize("scale", [None, "std"])
@pytest.mark.parametrize(
    ("value", "match"), [(np.inf, r"\['age'\]"), (1j, r"\['age'\].*not numbers")]
)
def test_values_that_noise_cannot_be_added_to(value, match, scale):
    X, y = mixed_table(40)
    X["age"] = X["age"] + np.where(np.arange(40) == 3, value, 0)
    clf = smoothed(Recorder(), noise_features=["age", "income"], feature_scale=scale)
    with pytest.raises(ValueError, match=match):
        clf.fit(X, y)


@pytest.mark.parametrize("norm", [2, 1, np.inf])
@pytest.mark.parametrize("scale", [None, {"age": 10.0, "income": 1000.0}])
@pytest.mark.parametrize("radii", [None, [0.0, 0.02, 0.1]])
def test_logs_in_any_norm_and_unit_are_verified(norm, scale, radii, tmp_path):
    X, y = mixed_table(60)
    clf = smoothed(
        Recorder(), noise_features=["age", "income"], feature_scale=scale, norm=norm
    ).fit(X, y)
    log = tmp_path / "log.tsv"
    clf.certify(X[:20], radii=radii, log=log)
    assert verify_log(log).holds
    raised = log.read_text().replace(f'"norm": {norm}'.replace("inf", "Infinity"), "")
    log.write_text(raised)
    assert not verify_log(log).holds


def test_all_norms_speak_of_one_ball():
    """l1 inside l2; l-infinity of r inside l2 of r times sqrt(2 noisy features)."""
    X, y = mixed_table(60)
    radius = {
        norm: smoothed(Recorder(), noise_features=["age"], sigma=2.0, norm=norm)
        .fit(X, y)
        .certify(X[:20])
        for norm in (2, 1, np.inf)
    }
    assert np.array_equal(radius[2].radius, radius[1].radius)
    np.testing.assert_allclose(radius[2].radius, radius[np.inf].radius)  # one feature
    two = {
        norm: smoothed(Recorder(), noise_features=["age", "income"], norm=norm)
        .fit(X, y)
        .certify(X[:20])
        .radius
        for norm in (2, np.inf)
    }
    np.testing.assert_allclose(two[2], two[np.inf] * np.sqrt(2), rtol=1e-9)


class Address:
    """An object without a `repr` of its own."""


class TestObjectsHeldFixed:
    @staticmethod
    def digests(values):
        column = pd.Series(values, dtype=object)
        frame = pd.DataFrame({"x": np.zeros(len(values)), "held": column})
        return Table(frame, np.array([0]), np.ones(1)).digests(b"key")

    def test_long_arrays_are_told_apart_in_their_middle(self):
        arrays = [np.zeros(2000), np.zeros(2000), np.zeros(2000)]
        arrays[1][1000] = 1.0
        one, other, same = map(bytes, self.digests(arrays))
        assert one != other and one == same
        nested = self.digests([{"a": (array,)} for array in arrays])
        assert bytes(nested[0]) != bytes(nested[1])

    @pytest.mark.parametrize(
        "make", [pd.Series, lambda v: pd.DataFrame({"a": v}), lambda v: csr_array([v])]
    )
    def test_other_containers_are_told_apart_by_what_they_hold(self, make):
        values = np.ones((2, 2000))
        values[1, 1000] = 2.0
        one, other = self.digests([make(row) for row in values])
        assert bytes(one) != bytes(other)

    def test_containers_of_other_types_are_told_apart(self):
        digests = self.digests([[1], (1,), {1}, np.array([1]), np.array([1.0])])
        assert len({bytes(one) for one in digests}) == 5

    def test_sets_do_not_depend_on_the_order_of_their_members(self):
        # 1 and 9 take the same place in a small table of hashes.
        one, other = self.digests([{1, 9}, {9, 1}])
        assert repr({1, 9}) != repr({9, 1}) and bytes(one) == bytes(other)

    @pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": v}])
    def test_what_only_an_address_tells_apart_is_refused_by_name(self, wrap):
        with pytest.raises(ValueError, match=r"Column 'held' holds .*Address"):
            self.digests([wrap(Address())])


@pytest.mark.parametrize("names", ["given", "same", "numbers", "two levels"])
def test_frames_of_noisy_copies_are_those_made_column_by_column(names):
    n, rng = 6, np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "category": pd.Categorical(list("abcabc")),
            "string": pd.array(list("uvwxyz"), dtype="string"),
            "flag": np.arange(n) > 2,
            "y": np.arange(n),
            "missing": pd.array([1, None] * 3, dtype="Int64"),
            "short": np.arange(n, dtype=np.float32),
            "day": pd.date_range("2020", periods=n, tz="UTC"),
            "period": pd.period_range("2020", periods=n, freq="D"),
            "interval": pd.interval_range(0, n),
            "sparse": pd.arrays.SparseArray([0, 0, 1, 0, 2, 0]),
        },
        index=list("qwerty"),
    )
    X.columns = {
        "given": X.columns.rename("name"),
        "same": ["same"] * X.shape[1],
        "numbers": range(X.shape[1]),
        "two levels": pd.MultiIndex.from_product([["a"], X.columns]),
    }[names]
    noisy, owner = np.array([0, 4]), np.array([0, 0, 3, 3, 5, 1])
    values = rng.normal(size=(len(owner), 2))
    expected = X.iloc[owner].reset_index(drop=True)
    for at, column in zip(noisy, values.T, strict=True):
        expected.isetitem(at, column)
    pd.testing.assert_frame_equal(Table(X, noisy, None).shown(values, owner), expected)


@pytest.mark.parametrize("law", [Gaussian, Laplace])
@pytest.mark.parametrize("n_copies", [1, 171, 172, 1001])
def test_a_copy_has_the_same_noise_alone_and_among_many(law, n_copies):
    law = law(0.3, scale=(4.0, 1e-3, 7.0))
    row = law.snap([10.0, -0.02, 300.0])
    many = np.random.default_rng(0).normal(size=(n_copies, 3))
    alone = many.copy()
    law.add(row, many)
    for k in range(n_copies):
        law.add(row, alone[k : k + 1])
    np.testing.assert_array_equal(many, alone)


@pytest.mark.parametrize("capacity", [1, 3, 8, 1000])
def test_batches_hold_all_votes_and_are_of_about_the_same_size(capacity):
    sizes = np.array([5, 0, 9, 1, 20])
    counted, whole = np.zeros(5, dtype=int), []
    for owners, parts in batches(sizes, capacity):
        counted[owners] += parts
        whole.append(parts.sum())
    np.testing.assert_array_equal(counted, sizes)
    assert max(whole) <= capacity
    assert len(whole) == -(-35 // capacity)
    assert max(whole) - min(whole) < len(whole)


@pytest.mark.parametrize("categories", [list("abc"), [1, 2, 3], [0.5, 1.5, 2.5]])
def test_categories_are_told_apart_as_their_values_are(categories):
    values = np.array([*categories, None], dtype=object)[[0, 3, 2, 1, 0]]
    rows = {
        "values": pd.Series(values, dtype=object).where(pd.notna(values), np.nan),
        "category": pd.Categorical(values, categories=categories),
        "more": pd.Categorical(values, categories=[*reversed(categories), "z"]),
    }
    tables = {
        name: Table(pd.DataFrame({"x": 0.0, "c": column}), np.array([0]), np.ones(1))
        for name, column in rows.items()
    }
    digests = {name: table.digests(bytes(32)) for name, table in tables.items()}
    assert digests["values"] == digests["category"] == digests["more"]
    assert len(set(digests["values"])) == 4
    assert tables["category"][2:].digests(bytes(32)) == digests["category"][2:]


@pytest.mark.parametrize(
    "dates",
    [
        pd.date_range("2020-01-01", periods=60),
        pd.date_range("2020-01-01", periods=60, tz="UTC"),
        pd.to_timedelta(np.arange(60), "h"),
        pd.period_range("2020", periods=60, freq="D"),
        pd.Series([*pd.date_range("2020-01-01", periods=59), None], dtype=object),
        pd.Series(pd.date_range("2020-01-01", periods=60).date, dtype=object),
        pd.Series(pd.period_range("2020", periods=60, freq="D"), dtype=object),
    ],
)
def test_dates_are_no_categories_unless_they_are_named(dates):
    X = pd.DataFrame({"a": np.linspace(-1, 1, 60), "d": dates, "c": ["u", "v"] * 30})
    columns = make_column_transformer((OneHotEncoder(), ["c"]), ("drop", ["d"]))
    base = make_pipeline(columns, LogisticRegression())

    def smoothed(**settings):
        noise = Resample(0.2, **settings)
        clf = SmoothedClassifier(base, noise=noise, noise_features=["a"], sigma=0.1)
        return clf.fit(X, X["a"] > 0)

    assert smoothed().feature_scale_.tolist() == [1, 0, 1]
    drawn = smoothed(categorical_features=["c", "d"])
    assert drawn.feature_scale_.tolist() == [1, 1, 1]
    with pytest.raises(
        ValueError, match=r"columns \['d'\], which are not numbers"
    ) as e:
        smoothed().set_params(noise_features=None).predict(X)
    assert "noise_features=['a']" in str(e.value)
    assert "categorical_features=['c', 'd']" in str(e.value)
    X["c"] = 0.0
    with pytest.raises(ValueError, match="no column whose dtype is that of categories"):
        smoothed()


def test_categories_are_found_by_dtype_in_frames_without_names():
    X = pd.DataFrame({0: np.linspace(-1, 1, 60), 1: ["u", "v"] * 30, 7: 0.0})
    columns = make_column_transformer((OneHotEncoder(), [1]), remainder="passthrough")
    base = make_pipeline(columns, LogisticRegression())
    clf = SmoothedClassifier(base, noise=Resample(0.2)).fit(X, X[0] > 0)
    assert clf.feature_scale_.tolist() == [1, 1, 1]
    assert clf.predict(X[:1]) == [False]


def test_the_columns_suggested_for_noise_are_no_flags():
    X = pd.DataFrame({"age": [20, 30], "owner": [True, False], "job": ["a", "b"]})
    with pytest.raises(ValueError, match=r"noise_features=\['age'\]"):
        SmoothedClassifier(SVC()).fit(X, [0, 1])


def test_a_column_with_noise_and_without_any_value():
    X = pd.DataFrame({"a": np.linspace(-1, 1, 60), "b": np.nan})
    clf = SmoothedClassifier(
        DecisionTreeClassifier(max_depth=1), noise_features=["a", "b"], n_certify=200
    ).fit(X, X["a"] > 0)
    certificates = clf.certify(X[:3])
    assert not certificates.label.any() and (certificates.radius > 0).all()


def test_columns_that_are_no_numbers_without_any_that_are():
    X = pd.DataFrame({"c": ["u", "v"] * 30})
    base = make_pipeline(OneHotEncoder(), LogisticRegression())
    clf = SmoothedClassifier(base, noise_features=["c"])
    with pytest.raises(ValueError, match="Encode them in a Pipeline before"):
        clf.fit(X, X["c"] == "u")
