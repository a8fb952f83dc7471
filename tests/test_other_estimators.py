# SPDX-License-Identifier: BSD-3-Clause
"""Estimators, functions and frames of other libraries, with the manners they have."""

import pickle
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    IsolationForest,
    StackingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import has_fit_parameter

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth._estimators import take_rows
from sksmooth.conformal import RobustConformalClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.inspection import ClasswiseAccuracyDisplay
from sksmooth.parallel import run_in_chunks
from sksmooth.shrinkage import shrinkage_curve
from sksmooth.training import NoiseAugmentedClassifier, ReweightedNoiseClassifier

rng = np.random.default_rng(0)
y = np.arange(150) // 50
X = 0.4 * rng.normal(size=(150, 4)) + 2.0 * np.eye(3, 4)[y]
ROWS, TRUTH = X[::5], y[::5]
KEYWORDS = {"sigma": 0.3, "n_predict": 100, "n_certify": 300, "random_state": 0}


def smooth(estimator, **params):
    return SmoothedClassifier(estimator, **{**KEYWORDS, **params})


def from_fitted(clf, **params):
    return SmoothedClassifier.from_fitted(clf, **{**KEYWORDS, **params})


class Plain(ClassifierMixin, BaseEstimator):
    """A classifier of somebody else; subclasses change one manner."""

    def fit(self, X, y):
        self.inner_ = KNeighborsClassifier().fit(np.asarray(X), np.ravel(y))
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(np.asarray(X))


def all_tasks(clf, rows=ROWS):
    """Results of everything that looks at votes."""
    certificates = clf.certify(rows, radii=[0.0, 0.1])
    return [
        clf.predict(rows),
        clf.predict_proba(rows),
        certificates.label,
        certificates.radius,
        np.array(list(clf.classwise_score(rows, TRUTH).values())),
    ]


def assert_alike(clf, other, rows=ROWS, other_rows=ROWS):
    for one, two in zip(
        all_tasks(clf, rows), all_tasks(other, other_rows), strict=True
    ):
        np.testing.assert_array_equal(one, two)


# Predictions --------------------------------------------------------------------------


class Column(Plain):
    """Predicts a column, as CatBoost does for three classes."""

    def predict(self, X):
        return super().predict(X)[:, np.newaxis]


class ListOfLabels(Plain):
    def predict(self, X):
        return super().predict(X).tolist()


@pytest.mark.parametrize("kind", [Column, ListOfLabels])
@pytest.mark.parametrize("labels", [y, np.array(["a", "b", "c"])[y]])
def test_labels_in_a_column_or_a_list_are_labels(kind, labels):
    plain = smooth(Plain()).fit(X, labels)
    clf = smooth(kind()).fit(X, labels)
    np.testing.assert_array_equal(clf.predict(ROWS), plain.predict(ROWS))
    frozen = from_fitted(kind().fit(X, labels))
    assert frozen.certify(ROWS) == from_fitted(Plain().fit(X, labels)).certify(ROWS)
    curve = shrinkage_curve(clf, X, labels, sigmas=[0.1])
    assert curve.base_accuracy == pytest.approx(plain.estimator_.score(X, labels))
    noisy = NoiseAugmentedClassifier(kind(), random_state=0).fit(X, labels)
    assert noisy.predict(X).shape == (150,)
    TunedVoteClassifierCV(smooth(kind()), cv=2).fit(X, labels).predict(ROWS)


def as_objects(*values):
    labels = np.empty(len(values), dtype=object)
    labels[:] = values
    return labels


@pytest.mark.parametrize("labels", [(1, "1"), ("a\0", "a"), (2**63 + 1, -1)])
def test_labels_of_a_list_are_not_turned_into_each_other(labels):
    def nearest(X):
        return [labels[int(row[0] > row[1])] for row in X]

    for classes in (list(labels), as_objects(*labels)):
        clf = SmoothedClassifier.from_fitted(
            nearest, classes=classes, sigma=0.1, random_state=0
        )
        assert tuple(clf.predict([[3.0, 0.0], [0.0, 3.0]])) == labels[::-1]


def test_a_label_that_lost_its_last_digits_is_refused():
    classes = np.array([2**62, 2**62 + 1])
    clf = SmoothedClassifier.from_fitted(
        lambda X: np.full(len(X), float(classes[1])), classes=classes, random_state=0
    )
    with pytest.raises(ValueError, match="not in its classes"):
        clf.predict([[0.0, 1.0]])


def test_two_columns_are_still_refused():
    class Pairs(Plain):
        def predict(self, X):
            return np.repeat(super().predict(X)[:, np.newaxis], 2, axis=1)

    with pytest.raises(ValueError, match="multi-output"):
        smooth(Pairs()).fit(X, y).predict(ROWS)


# Estimators whose predict comes with fit ----------------------------------------------

stack = StackingClassifier([("a", KNeighborsClassifier())], cv=2)


@pytest.mark.parametrize(
    "estimator",
    [
        stack,
        make_pipeline(StandardScaler(), stack),
        GridSearchCV(stack, {}, cv=2),
        NoiseAugmentedClassifier(stack, n_copies=2, random_state=0),
        make_pipeline(GridSearchCV(make_pipeline(stack), {}, cv=2)),
    ],
    ids=["bare", "in a Pipeline", "in a search", "noise-augmented", "nested"],
)
def test_an_estimator_that_predicts_after_fit_only(estimator):
    clf = smooth(estimator).fit(X, y)
    assert clf.score(X, y) > 0.9
    tuned = TunedVoteClassifierCV(smooth(estimator), cv=2).fit(X, y)
    assert tuned.score(X, y) > 0.9


# Who is a classifier ------------------------------------------------------------------


class NoMixin(BaseEstimator):
    """Says nothing of what it is, as TabNet does."""

    fit = Plain.fit
    predict = Plain.predict


class Bare:
    """Neither parameters nor tags."""

    fit = Plain.fit
    predict = Plain.predict


class Labelless(BaseEstimator):
    """Does not say which labels it knows."""

    def fit(self, X, y):
        self.inner_ = KNeighborsClassifier().fit(X, y)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


@pytest.mark.parametrize("kind", [NoMixin, Bare])
def test_what_predicts_and_has_classes_is_a_classifier(kind):
    plain = from_fitted(Plain().fit(X, y))
    assert_alike(from_fitted(kind().fit(X, y)), plain)


def test_no_mixin_is_fitted():
    assert_alike(smooth(NoMixin()).fit(X, y), smooth(Plain()).fit(X, y))
    noisy = NoiseAugmentedClassifier(NoMixin(), random_state=0).fit(X, y)
    assert np.mean(noisy.predict(X) == y) > 0.9
    search = GridSearchCV(smooth(NoMixin()), {"sigma": [0.1, 0.3]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


def test_without_classes_the_error_names_the_fix():
    fitted = Labelless().fit(X, y)
    with pytest.raises(TypeError, match=r"classes=\[\.\.\.\]"):
        from_fitted(fitted)
    with pytest.raises(TypeError, match=r"from_fitted\(fitted\.predict, classes=\["):
        smooth(Labelless()).fit(X, y)
    plain = from_fitted(Plain().fit(X, y))
    assert_alike(from_fitted(fitted, classes=[0, 1, 2]), plain)
    assert_alike(from_fitted(fitted.predict, classes=[0, 1, 2]), plain)


@pytest.mark.parametrize(
    "other",
    [
        LinearRegression(),
        KMeans(2, n_init=1),
        IsolationForest(n_estimators=2),
        make_pipeline(StandardScaler(), LinearRegression()),
        StandardScaler(),
        NearestNeighbors(),
        make_pipeline(StandardScaler()),
    ],
    ids=lambda other: type(other).__name__,
)
@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_what_predicts_no_labels_is_refused(other, classes):
    other = clone(other).fit(X, y)
    with pytest.raises(TypeError):
        from_fitted(other, classes=classes)
    with pytest.raises(TypeError, match="not a classifier"):
        smooth(other).fit(X, y)


def test_a_class_is_not_an_instance():
    with pytest.raises(TypeError, match=r"clf=KNeighborsClassifier is a class"):
        from_fitted(KNeighborsClassifier)


# Functions ----------------------------------------------------------------------------


def nearest_axis(X, shift=0):
    """The axis that a sample points along most."""
    return np.argmax(np.asarray(X)[:, :3], axis=1) + shift


class Callable:
    def __call__(self, X):
        return nearest_axis(X)

    def method(self, X):
        return nearest_axis(X)


FUNCTIONS = {
    "function": nearest_axis,
    "lambda": lambda X: nearest_axis(X),
    "partial": partial(nearest_axis, shift=0),
    "bound method": Callable().method,
    "callable object": Callable(),
    "column": lambda X: nearest_axis(X)[:, np.newaxis],
    "list": lambda X: nearest_axis(X).tolist(),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_is_smoothed_as_the_classifier_that_calls_it(function):
    class Calls(Plain):
        def predict(self, X):
            return nearest_axis(X)

    clf = from_fitted(function, classes=[0, 1, 2])
    assert_alike(clf, from_fitted(Calls().fit(X, y)))
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    assert_alike(clone(clf).fit(X, y), clf)


def test_names_of_functions_are_in_titles():
    display = ClasswiseAccuracyDisplay.from_estimator(
        from_fitted(nearest_axis, classes=[0, 1, 2]), ROWS, TRUTH
    )
    assert display.name == "smoothed nearest_axis"


@pytest.mark.parametrize("name", ["function", "partial", "bound method"])
def test_what_pickles_still_does(name):
    clf = from_fitted(FUNCTIONS[name], classes=[0, 1, 2])
    assert_alike(pickle.loads(pickle.dumps(clf)), clf)
    assert_alike(deepcopy(clf), clf)


@pytest.mark.parametrize("name", ["lambda", "callable object"])
def test_functions_are_sent_to_jobs(name):
    clf = from_fitted(FUNCTIONS[name], classes=[0, 1, 2])
    rows = np.repeat(ROWS, 3, axis=0)
    alone = clf.certify(rows)
    assert clf.set_params(n_jobs=2).certify(rows) == alone


def test_a_function_is_given_samples_of_their_own_shape():
    seen = []

    def brightest(images):
        seen.append((*images.shape[1:], images.dtype.name))
        return np.where(images.mean(axis=(1, 2)) > 0.5, "light", "dark")

    images = np.stack([np.full((5, 6), level) for level in (0.1, 0.9)])
    clf = from_fitted(brightest, classes=["dark", "light"])
    for dtype in ("float32", "float64"):
        assert clf.predict(images.astype(dtype)).tolist() == ["dark", "light"]
        assert set(seen) == {(5, 6, dtype)}
        seen.clear()
    frame = pd.DataFrame(X, columns=list("abcd"))
    by_name = from_fitted(
        lambda rows: nearest_axis(rows[["c", "a", "b"]]), classes=[0, 1, 2]
    )
    right = np.array([1, 2, 0])[nearest_axis(X)]
    assert np.mean(by_name.predict(frame) == right) > 0.95


@pytest.mark.parametrize(
    ("classes", "error", "reason"),
    [
        (None, TypeError, r"classes=\[\.\.\.\]"),
        ([], ValueError, "distinct labels"),
        ([1, 1], ValueError, "distinct labels"),
        ([[0, 1]], ValueError, "distinct labels"),
        (3, ValueError, "distinct labels"),
    ],
)
def test_classes_of_a_function(classes, error, reason):
    with pytest.raises(error, match=reason):
        from_fitted(nearest_axis, classes=classes)


def test_a_label_that_is_not_among_the_classes_is_refused():
    clf = from_fitted(nearest_axis, classes=[0, 1])
    with pytest.raises(ValueError, match=r"returned .*2.* not in its classes \[0, 1\]"):
        clf.predict(X[-3:])


def test_a_label_of_noisy_copies_alone_is_no_fault_of_the_noise():
    def side(X):
        return np.where(X[:, 0] > 0.2, "right", "left")

    clf = SmoothedClassifier.from_fitted(
        side, classes=["left"], sigma=1.0, random_state=0
    )
    with pytest.raises(ValueError, match=r"returned 'right' .* \['left'\]") as caught:
        clf.predict([[0.0, 0.0]])
    assert "clip" not in str(caught.value)


@pytest.mark.parametrize(
    "build",
    [
        SmoothedClassifier,
        partial(NoiseAugmentedClassifier, sigma=0.3),
        partial(ReweightedNoiseClassifier, sigma=0.3),
        partial(RobustConformalClassifier, sigma=0.3),
    ],
)
@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (GaussianNB, "estimator=GaussianNB is a class"),
        (FrozenEstimator(GaussianNB), "has the class GaussianNB"),
        (make_pipeline(StandardScaler(), GaussianNB), "has the class GaussianNB"),
        (make_pipeline(StandardScaler, GaussianNB()), "has the class StandardScaler"),
        (GridSearchCV(GaussianNB, {}), "has the class GaussianNB"),
    ],
)
def test_a_class_in_place_of_an_instance_is_refused(build, estimator, said):
    with pytest.raises(TypeError, match=f"{said}.*pass an instance"):
        build(estimator).fit(X, y)


def test_a_denoiser_that_is_a_class_is_refused():
    for build in (SmoothedClassifier, NoiseAugmentedClassifier):
        clf = build(GaussianNB(), sigma=0.3, denoiser=PosteriorMeanDenoiser)
        with pytest.raises(TypeError, match="denoiser=PosteriorMeanDenoiser is a cl"):
            clf.fit(X, y)


@pytest.mark.parametrize("option", [{"channels_last": True}, {"autocast": "half"}])
def test_options_of_modules_are_not_for_functions(option):
    with pytest.raises(TypeError, match=f"{next(iter(option))} .* torch module"):
        from_fitted(nearest_axis, classes=[0, 1, 2], **option)


# Frames -------------------------------------------------------------------------------


class Underscores(Plain):
    """States other names than those it was fitted with, as LightGBM does."""

    change = staticmethod(lambda name: name.replace(" ", "_"))

    def fit(self, X, y):
        super().fit(X, y)
        names = [type(self).change(name) for name in X.columns]
        self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self


class Capitals(Underscores):
    change = staticmethod(str.upper)


class Numbers(Underscores):
    change = staticmethod(lambda name: f"Column_{ord(name[0])}")


class ByName(Underscores):
    """Takes the columns that it was fitted on, by name, and states others."""

    def fit(self, X, y):
        self.names_ = list(X.columns)
        return super().fit(X, y)

    def predict(self, X):
        return super().predict(X[self.names_])


NAMES = ["petal width", "b", "c (cm)", "d"]
FRAME = pd.DataFrame(X, columns=NAMES)


@pytest.mark.parametrize("kind", [Underscores, Capitals, Numbers, ByName])
def test_a_base_that_states_other_names(kind):
    plain = smooth(Plain()).fit(X, y)
    rows = FRAME[::5]
    assert_alike(smooth(kind()).fit(FRAME, y), plain, rows)
    frozen = from_fitted(kind().fit(FRAME, y))
    assert_alike(frozen, from_fitted(Plain().fit(X, y)), rows)
    piped = make_pipeline(FunctionTransformer(), kind()).fit(FRAME, y)
    np.testing.assert_array_equal(
        from_fitted(piped).predict(rows), frozen.predict(rows)
    )
    if kind in (Underscores, Capitals):
        # In another order they would be mistaken for each other.
        with pytest.raises(ValueError, match="feature names should match"):
            frozen.predict(FRAME[NAMES[::-1]])


def test_a_base_that_checks_names_is_believed():
    clf = from_fitted(KNeighborsClassifier().fit(FRAME, y))
    clf.predict(FRAME[:3])
    for other in (FRAME[NAMES[::-1]], FRAME.rename(columns={"b": "e"})):
        with pytest.raises(ValueError, match="feature names should match"):
            clf.predict(other[:3])
    with pytest.raises(ValueError, match="feature names should match"):
        from_fitted(Numbers().fit(FRAME, y)).predict(FRAME.iloc[:3, :3])


COLUMNS = {
    "integers": [3, 1, 0, 2],
    "floats": [0.5, 1.5, 2.5, 3.5],
    "tuples": pd.MultiIndex.from_product([["a", "b"], [0, 1]]),
    "dates": pd.date_range("2020", periods=4),
}


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_columns_whose_names_are_no_strings(columns):
    frame = pd.DataFrame(X, columns=columns)
    first, second = frame.columns[2], frame.columns[0]
    by_name = make_pipeline(
        FunctionTransformer(lambda rows: rows[[first, second]].to_numpy()),
        KNeighborsClassifier(),
    )
    by_place = make_pipeline(
        FunctionTransformer(lambda rows: rows[:, [2, 0]]), KNeighborsClassifier()
    )
    rows = frame[::5]
    assert_alike(smooth(by_name).fit(frame, y), smooth(by_place).fit(X, y), rows)
    assert_alike(
        from_fitted(clone(by_name).fit(frame, y)),
        from_fitted(clone(by_place).fit(X, y)),
        rows,
    )
    noisy = NoiseAugmentedClassifier(by_name, random_state=0).fit(frame, y)
    other = NoiseAugmentedClassifier(by_place, random_state=0).fit(X, y)
    np.testing.assert_array_equal(noisy.predict(rows), other.predict(ROWS))
    plain = smooth(KNeighborsClassifier()).fit(frame, y)
    assert_alike(plain, smooth(KNeighborsClassifier()).fit(X, y), rows)


def test_names_of_several_kinds_get_the_error_of_scikit_learn():
    frame = pd.DataFrame(X, columns=["a", 1, "c", 2])
    with pytest.raises(TypeError, match="all input features have string names"):
        smooth(KNeighborsClassifier()).fit(frame, y)


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(dict(zip("abcd", X.T, strict=True)))
    rows = frame[::5]
    named = make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["a", "b"]), remainder="passthrough"
        ),
        KNeighborsClassifier(),
    )
    expression = make_pipeline(
        FunctionTransformer(lambda d: d.with_columns(pl.col("a") * 2)),
        KNeighborsClassifier(),
    )
    for estimator in (named, expression, KNeighborsClassifier()):
        clf = smooth(estimator).fit(frame, pl.Series(y))
        assert_alike(clf, clf, rows, rows)
        fitted = clone(estimator).fit(frame, y)
        assert_alike(from_fitted(fitted), clf, rows, rows)
        noisy = NoiseAugmentedClassifier(estimator, random_state=0).fit(frame, y)
        assert np.mean(noisy.predict(rows) == TRUTH) > 0.8
        tuned = TunedVoteClassifierCV(smooth(estimator), cv=2).fit(frame, y)
        assert tuned.score(frame, y) > 0.8
        shrinkage_curve(clf, rows, TRUTH, sigmas=[0.1])


def test_polars_rows_that_only_predict_decides_are_taken_by_rows():
    """A mask over a frame of polars selects columns, not rows."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
    mask = np.array([True, False, True])
    for rows in (mask, [0, 2], np.array([0, 2]), slice(0, 3, 2)):
        assert take_rows(frame, rows)["b"].to_list() == [4, 6]
    with pytest.raises(TypeError, match="collect"):
        smooth(KNeighborsClassifier()).fit(frame.lazy(), [0, 1, 1])


# Times --------------------------------------------------------------------------------

TIMES = {
    "date": [day.date() for day in pd.date_range("2020", periods=150)],
    "datetime64": pd.date_range("2020", periods=150),
    "timezone": pd.date_range("2020", periods=150, tz="UTC"),
    "timedelta": pd.to_timedelta(np.arange(150), "h"),
    "period": pd.period_range("2020", periods=150),
    "letters": pd.Categorical(np.array(list("abc"))[y]),
}


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("column", TIMES.values(), ids=TIMES)
def test_columns_that_are_no_numbers_are_named(column, alone):
    frame = pd.DataFrame({"when": column})
    good = pd.DataFrame(X, columns=list("abcd"))
    if not alone:
        frame = good.join(frame)
    with pytest.raises(ValueError, match=r"\['when'\], which are not numbers"):
        smooth(KNeighborsClassifier()).fit(frame, y)
    clf = from_fitted(nearest_axis, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"\['when'\], which are not numbers"):
        clf.predict(frame)


# Weights ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        smooth(DecisionTreeClassifier(max_depth=2)),
        NoiseAugmentedClassifier(DecisionTreeClassifier(max_depth=2), n_copies=2),
        TunedVoteClassifierCV(smooth(DecisionTreeClassifier(max_depth=2)), cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_meta_estimators_see_that_weights_are_taken(estimator):
    assert has_fit_parameter(estimator, "sample_weight")
    AdaBoostClassifier(estimator, n_estimators=2).fit(X, y).predict(ROWS)
    weight = np.where(y == 0, 3.0, 1.0)
    # No warning that weights are dropped.
    CalibratedClassifierCV(estimator, cv=2).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "estimator",
    [
        GaussianNB(),
        make_pipeline(StandardScaler(), GaussianNB()),
        make_pipeline(
            make_pipeline(StandardScaler(), FunctionTransformer()), GaussianNB()
        ),
        GridSearchCV(GaussianNB(), {}, cv=2),
    ],
    ids=["bare", "Pipeline", "nested Pipeline", "search"],
)
@pytest.mark.parametrize("as_keyword", [True, False])
def test_a_weight_of_zero_is_a_sample_left_out(estimator, as_keyword):
    keep = rng.random(150) < 0.7
    weight = keep.astype(float)
    if isinstance(estimator, GridSearchCV):
        clf = smooth(estimator).fit(X, y, sample_weight=weight)
    elif as_keyword:
        clf = smooth(estimator).fit(X, y, sample_weight=weight)
    else:
        clf = smooth(estimator).fit(X, y, weight)
    assert_alike(clf, smooth(clone(estimator)).fit(X[keep], y[keep]))


def test_weights_that_nothing_takes_are_refused():
    for estimator in (KNeighborsClassifier(), make_pipeline(KNeighborsClassifier())):
        with pytest.raises(ValueError, match="KNeighborsClassifier does not support"):
            smooth(estimator).fit(X, y, sample_weight=np.ones(150))
        smooth(estimator).fit(X, y, sample_weight=None)


# Backends -----------------------------------------------------------------------------


def row_sums(rows, on_finished):
    return rows.sum(axis=1)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_every_backend_gives_the_same_results_in_order(backend):
    many = rng.normal(size=(500, 3))
    with parallel_config(backend=backend):
        parts = list(
            run_in_chunks(row_sums, many, n_jobs=2, largest=32, task="", verbose=0)
        )
    np.testing.assert_array_equal(np.concatenate(parts), many.sum(axis=1))


@pytest.mark.parametrize("backend", ["multiprocessing", "threading"])
def test_certificates_do_not_depend_on_the_backend(backend, tmp_path):
    clf = smooth(LogisticRegression(), method="monte_carlo").fit(X, y)
    alone = clf.certify(X)
    with parallel_config(backend=backend):
        clf.set_params(n_jobs=2)
        assert clf.certify(X) == alone
        assert clf.certify(X, log=tmp_path / "log.tsv") == alone
