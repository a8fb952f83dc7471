# SPDX-License-Identifier: BSD-3-Clause
"""What is looked for in a base classifier before its first vote.

The laws: a classifier whose label for a sample is not a function of that sample alone
is refused; so is one that reads a column with noise as categories, wherever it stands;
an error that noise causes says so; and none of this befalls any other classifier.
"""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
    TargetEncoder,
    minmax_scale,
    quantile_transform,
    scale,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from sksmooth import SmoothedClassifier

SETTINGS = {"sigma": 0.3, "n_predict": 100, "n_certify": 500, "random_state": 0}


def blobs():
    rng = np.random.default_rng(0)
    y = np.arange(150) * 3 // 150
    return rng.normal(size=(150, 4)) * 0.4 + 2.0 * np.eye(3, 4)[y], y


X, Y = blobs()
KNN = KNeighborsClassifier().fit(X, Y)


def nearest(rows):
    """The labels of `KNN`, for few samples: in less time than its `predict` takes."""
    distance = np.sum((rows[:, np.newaxis] - X) ** 2, axis=2)
    near = Y[np.argpartition(distance, 4, axis=1)[:, :5]]
    return np.argmax(np.sum(near[:, :, np.newaxis] == np.arange(3), axis=1), axis=1)


class Predicts(ClassifierMixin, BaseEstimator):
    """A fitted classifier with a function for predict."""

    def __init__(self, function):
        self.function = function

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.function(np.asarray(X))


def smoothed(clf, **settings):
    return SmoothedClassifier(clf, **{**SETTINGS, **settings})


def of_fitted(clf, **settings):
    return SmoothedClassifier.from_fitted(clf, **{**SETTINGS, **settings})


# -- the label of a sample depends on the rest of its batch ----------------------------


def ranks(X):
    return np.argsort(np.argsort(X, axis=0), axis=0) / len(X) * 3 - 0.5


def without_outliers(X):
    labels = nearest(X)
    far = np.abs(X - X.mean(axis=0)) > 2.5 * X.std(axis=0)
    labels[far.any(axis=1)] = 0
    return labels


def graph_of_batch(X):
    near = KNeighborsClassifier(min(5, len(X))).fit(X, nearest(X))
    return near.predict(X)


def normalized_where_large(X):
    return nearest(scale(X) if len(X) > 20 else X)


def in_chunks(X):
    """Each ten samples are normalized together."""
    parts = [X[at : at + 10] for at in range(0, len(X), 10)]
    return np.concatenate([nearest(part - part.mean(axis=0)) for part in parts])


LEAKS = {
    "scale": lambda X: nearest(scale(X)),
    "minmax": lambda X: nearest(2 * minmax_scale(X)),
    "quantiles": lambda X: nearest(
        2 * quantile_transform(X, n_quantiles=min(10, len(X)))
    ),
    "ranks": lambda X: nearest(ranks(X)),
    "mean removed": lambda X: nearest(X - X.mean(axis=0) + 0.6),
    "median removed": lambda X: nearest(X - np.median(X, axis=0) + 0.6),
    "norm of the batch": lambda X: nearest(X / np.abs(X).max()),
    "sorted": lambda X: np.sort(nearest(X)),
    "position": lambda X: np.arange(len(X)) % 3,
    "last row": lambda X: np.where(
        np.arange(len(X)) == len(X) - 1, 2 - nearest(X), nearest(X)
    ),
    "first row": lambda X: np.full(len(X), nearest(X[:1])[0]),
    "seeded noise": lambda X: nearest(
        X + np.random.default_rng(0).normal(size=X.shape)
    ),
    "majority": lambda X: np.full(len(X), np.bincount(nearest(X)).argmax()),
    "graph": graph_of_batch,
    "outliers": without_outliers,
    "size": normalized_where_large,
    "chunks": in_chunks,
    "hash of the batch": lambda X: np.random.default_rng(
        abs(hash(X.tobytes()))
    ).integers(0, 3, len(X)),
}


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("n_rows", [1, 5, 150])
def test_a_label_that_depends_on_the_batch_is_refused(leak, n_rows):
    """From one sample on, and by the one that is certified far from any boundary."""
    clf = of_fitted(Predicts(LEAKS[leak]).fit(X, Y))
    for _ in range(2):  # a refusal is not forgotten
        with pytest.raises(ValueError, match=r"rest of its batch|any number"):
            clf.predict(X[:n_rows])
    with pytest.raises(ValueError, match=r"rest of its batch|any number"):
        clf.certify(X[:n_rows])


def test_the_labels_that_leaks_are_made_of():
    rows = np.random.default_rng(1).normal(size=(2000, 4)) * 3
    np.testing.assert_array_equal(nearest(rows), KNN.predict(rows))


@pytest.mark.parametrize("transform", [scale, ranks, minmax_scale])
def test_in_a_pipeline_it_is_refused_by_fit_with_the_cure(transform):
    base = make_pipeline(FunctionTransformer(transform), SVC())
    with pytest.raises(ValueError, match=r"StandardScaler\(\)"):
        smoothed(base).fit(X, Y)
    smoothed(make_pipeline(StandardScaler(), SVC())).fit(X, Y)


@pytest.mark.parametrize(
    "normalize", [lambda X: X / np.abs(X).max(), lambda X: X / X.sum()]
)
def test_what_noise_or_many_samples_push_into_one_class_is_refused(normalize):
    """Beside much noise, or among few or many samples, all have one label."""
    rows, labels = load_iris(return_X_y=True)
    base = make_pipeline(FunctionTransformer(normalize), SVC()).fit(rows, labels)
    with pytest.raises(ValueError, match="rest of its batch"):
        of_fitted(base, sigma=0.2, method="monte_carlo").predict(rows[::5])


def test_order_and_choice_of_samples_do_not_matter_to_a_refusal():
    base = make_pipeline(FunctionTransformer(scale), SVC()).fit(X, Y)
    for rows in (X[::-1], X[10:60], X[Y == 1]):
        with pytest.raises(ValueError, match="rest of its batch"):
            of_fitted(base).predict(rows)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_random_label_is_refused_as_random(share):
    rng = np.random.default_rng(0)

    def predict(X):
        labels = KNN.predict(X)
        return np.where(rng.random(len(X)) < share, rng.integers(0, 3, len(X)), labels)

    with pytest.raises(ValueError, match="is random"):
        smoothed(Predicts(predict)).fit(X, Y)


def test_a_classifier_that_fails_on_one_sample_is_told_that_it_must_not():
    predict = lambda X: np.squeeze(KNN.predict(X)[:, np.newaxis])
    with pytest.raises(ValueError, match=r"any number of samples.*own"):
        smoothed(Predicts(predict)).fit(X, Y)


def test_rounding_next_to_a_boundary_is_no_dependence():
    """Where classes are tied, last bits decide, and they differ with the batch."""

    def tied_within(width):
        def predict(X):
            tied = np.abs(X[:, 0] - X[:, 1]) < width
            last_bit = np.floor(np.frexp(X[:, 0] * (len(X) + 1))[0] * 2.0**40) % 2
            return np.where(tied, last_bit, X[:, 0] < X[:, 1]).astype(int)

        return predict

    rows = np.repeat(X, 2, axis=0)[:, :2]
    predict = tied_within(np.inf)
    assert np.mean(predict(rows) != np.r_[predict(rows[:7]), predict(rows[7:])]) > 0.3
    few, all_ = (
        Predicts(tied_within(width)).fit(rows, np.arange(300) % 2)
        for width in (0.2, np.inf)
    )
    of_fitted(few).predict(rows)
    with pytest.raises(ValueError, match="rest of its batch"):
        of_fitted(all_).predict(rows)


def test_a_classifier_is_probed_once():
    n_seen = []

    def predict(X):
        n_seen.append(len(X))
        return KNN.predict(X)

    base = Predicts(predict).fit(X, Y)
    clf = of_fitted(base, n_predict=40)
    clf.predict(X)
    first = sum(n_seen)
    n_seen.clear()
    clf.predict(X)
    of_fitted(base, sigma=0.4, n_predict=40).predict(X[:60])
    assert sum(n_seen) <= 210 * 40  # votes alone
    assert first - 150 * 40 <= 8 * 48 + 480 + 2 * 150
    assert 0 < max(n_seen)


def replace_step(pipeline):
    pipeline.steps[0] = ("scale", FunctionTransformer(scale).fit(X))


def replace_predict(pipeline):
    pipeline.predict = lambda X: np.sort(KNN.predict(X))


def become_random(pipeline):
    rng = np.random.default_rng(0)
    pipeline.predict = lambda X: rng.integers(0, 3, len(X))


@pytest.mark.parametrize(
    "change",
    [
        lambda base: base.set_params(functiontransformer__func=scale),
        replace_step,
        replace_predict,
        become_random,
    ],
)
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_a_classifier_that_comes_to_depend_on_the_batch_is_refused(change, kernel):
    """One that was certified before is probed anew when it is certified again."""
    base = make_pipeline(FunctionTransformer(), SVC(kernel=kernel)).fit(X, Y)
    clf = of_fitted(base)
    clf.certify(X[:20])
    change(base)
    with pytest.raises(ValueError, match=r"rest of its batch|is random"):
        clf.certify(X[:20])


def test_what_cannot_be_seen_from_outside_is_found_too():
    changed = []
    clf = of_fitted(lambda X: KNN.predict(scale(X) if changed else X), classes=range(3))
    before = clf.certify(X[:20])
    assert clf.certify(X[:20]) == before
    changed.append(True)
    with pytest.raises(ValueError, match="rest of its batch"):
        clf.certify(X[:20])


class Moves(Predicts):
    """Its boundary moves with the number of samples that it has predicted."""

    def predict(self, X):
        self.n_seen_ = getattr(self, "n_seen_", 0) + len(X)
        return KNN.predict(X + self.n_seen_ * self.function)


def test_labels_that_change_with_earlier_calls_are_refused():
    clf = of_fitted(Moves(2e-4).fit(X, Y), n_certify=1000)
    with pytest.raises(ValueError, match="earlier calls"):
        clf.certify(X)
    assert len(of_fitted(Moves(0.0).fit(X, Y)).certify(X))


def test_a_dependence_that_shows_in_large_batches_only_is_refused():
    def predict(X):
        return KNN.predict(X - X.mean(axis=0) + 0.6 if len(X) > 1000 else X)

    clf = of_fitted(Predicts(predict).fit(X, Y), batch_size=5000)
    with pytest.raises(ValueError, match="larger batch"):
        clf.certify(X)


def test_few_samples_are_not_the_last_word():
    """Probed with one sample, a classifier is probed again with more."""
    looks_back = Predicts(lambda X: KNN.predict(scale(X) if (X[:, 0] > 1).any() else X))
    clf = of_fitted(looks_back.fit(X, Y), sigma=0.01)
    clf.predict(np.full((1, 4), -50.0))
    with pytest.raises(ValueError, match="rest of its batch"):
        clf.predict(X)


def test_an_estimator_without_hash_and_weak_references_is_probed():
    class Slots:
        __slots__ = ("classes_",)
        __hash__ = None
        _estimator_type = "classifier"

        def __sklearn_tags__(self):
            return KNN.__sklearn_tags__()

        def fit(self, X, y):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def get_params(self, deep=True):
            return {}

        def predict(self, X):
            return np.sort(KNN.predict(X))

    clf = Slots()
    clf.classes_ = np.arange(3)
    with pytest.raises(ValueError, match="rest of its batch"):
        of_fitted(clf, method="monte_carlo").predict(X)


@pytest.mark.slow
@pytest.mark.parametrize(
    "load", [load_iris, load_wine, load_breast_cancer, load_digits]
)
def test_no_classifier_of_scikit_learn_is_refused_or_warned_about(load):
    """But the two that do read exact values: CategoricalNB, BernoulliNB of zeros."""
    rows, labels = load(return_X_y=True)
    rows, labels = rows[::3], labels[::3]
    n_tried = 0
    for name, kind in all_estimators(type_filter="classifier"):
        if name in ("CategoricalNB", "BernoulliNB", "GaussianProcessClassifier"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                base = kind()
                if name == "RadiusNeighborsClassifier":
                    base.set_params(outlier_label="most_frequent")
                # Lean to fit; fewer trees tie more often, which is harder to pass.
                lean = {"n_estimators": 10, "max_iter": 30, "cv": 2, "Cs": 2}
                base.set_params(
                    **{k: v for k, v in lean.items() if k in base.get_params()}
                )
                base.fit(rows, labels)
                base.predict(rows)
        except (TypeError, ValueError):
            continue  # needs an estimator, or other data
        of_fitted(base, n_predict=2, method="monte_carlo").predict(rows[:100])
        n_tried += 1
    assert n_tried > 25


# -- columns that are categories -------------------------------------------------------


def codes():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 5, 600)
    return np.c_[rng.normal(size=600), code], (code % 2 == 1).astype(int)


XC, YC = codes()
BOOSTED = HistGradientBoostingClassifier(max_iter=3, categorical_features=[1])
LR = LogisticRegression()


def frame(rows=XC):
    return pd.DataFrame(rows, columns=["z", "colour"])


def prefer_last(X, y):
    return np.arange(X.shape[1])


def one_hot(chosen, **params):
    encoder = OneHotEncoder(sparse_output=False, **params)
    return ColumnTransformer([("e", encoder, chosen)], remainder="passthrough")


CATEGORICAL = {
    "boosting": BOOSTED,
    "mask": HistGradientBoostingClassifier(
        max_iter=5, categorical_features=[False, True]
    ),
    "scaled": make_pipeline(
        ColumnTransformer([("s", StandardScaler(), [0])], remainder="passthrough"),
        BOOSTED,
    ),
    "search": GridSearchCV(BOOSTED, {"max_iter": [3, 5]}, cv=2),
    "search of pipeline": GridSearchCV(make_pipeline("passthrough", BOOSTED), {}, cv=2),
    "bagging": BaggingClassifier(BOOSTED, 2, random_state=0),
    "voting": VotingClassifier([("a", LR), ("b", BOOSTED)]),
    "stacking": StackingClassifier([("a", LR), ("b", BOOSTED)], LR, cv=2),
    "calibrated": CalibratedClassifierCV(BOOSTED, cv=2),
    "deep": BaggingClassifier(
        GridSearchCV(make_pipeline(one_hot([1]), LR), {}, cv=2), 2, random_state=0
    ),
    "one-hot": make_pipeline(one_hot([1]), LR),
    "one-hot that ignores": make_pipeline(one_hot([1], handle_unknown="ignore"), LR),
    "one-hot, slice": make_pipeline(one_hot(slice(1, 2), handle_unknown="ignore"), LR),
    "one-hot, mask": make_pipeline(one_hot([False, True], handle_unknown="ignore"), LR),
    "one-hot, negative": make_pipeline(one_hot([-1], handle_unknown="ignore"), LR),
    "one-hot, callable": make_pipeline(
        one_hot(lambda X: [1], handle_unknown="ignore"), LR
    ),
    "one-hot in a branch": make_pipeline(
        ColumnTransformer(
            [
                ("n", "passthrough", [0]),
                ("c", make_pipeline(StandardScaler(), OneHotEncoder()), [1]),
            ]
        ),
        LR,
    ),
    "ordinal": make_pipeline(
        ColumnTransformer([("o", OrdinalEncoder(), [1])], remainder="passthrough"), LR
    ),
    "target": make_pipeline(
        ColumnTransformer([("t", TargetEncoder(), [1])], remainder="passthrough"),
        LR,
    ),
    "union": make_pipeline(
        FeatureUnion(
            [
                ("p", "passthrough"),
                ("e", make_pipeline(SelectKBest(prefer_last, k=1), OneHotEncoder())),
            ]
        ),
        LR,
    ),
}


@pytest.mark.parametrize("name", CATEGORICAL)
def test_a_column_that_is_read_as_categories_is_refused_by_name(name):
    base = CATEGORICAL[name]
    with pytest.raises(ValueError, match=r"columns \[1\] are categories"):
        smoothed(base).fit(XC, YC)
    with pytest.raises(ValueError, match=r"columns \[1\] are categories.*Pipeline"):
        of_fitted(base.fit(XC, YC))
    with pytest.raises(ValueError, match=r"columns \[1\] are categories"):
        of_fitted(FrozenEstimator(base))
    named = (base.fit(frame(), YC), smoothed(base))
    with pytest.raises(ValueError, match=r"columns \['colour'\]"):
        of_fitted(named[0])
    with pytest.raises(ValueError, match=r"columns \['colour'\]"):
        named[1].fit(frame(), YC)


def test_all_columns_of_a_categorical_naive_bayes():
    with pytest.raises(ValueError, match=r"\[0, 1\].*CategoricalNB"):
        smoothed(CategoricalNB()).fit(np.abs(XC).astype(int), YC)


def test_names_of_columns_that_were_chosen_or_reordered():
    base = make_pipeline(
        ColumnTransformer(
            [("c", "passthrough", ["colour"]), ("z", StandardScaler(), ["z"])]
        ),
        HistGradientBoostingClassifier(max_iter=5, categorical_features=[0]),
    )
    with pytest.raises(ValueError, match=r"columns \['colour'\]"):
        smoothed(base).fit(frame(), YC)
    wide = np.c_[np.zeros(600), XC]
    chosen = make_pipeline(SelectKBest(k=2), BOOSTED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the constant column
        chosen.fit(wide, YC)
    with pytest.raises(ValueError, match=r"columns \[2\]"):
        of_fitted(chosen)


LEGITIMATE = {
    "bins, then categories": make_pipeline(
        KBinsDiscretizer(5, encode="ordinal", strategy="uniform"),
        CategoricalNB(min_categories=5),
    ),
    "rounded, then encoded": make_pipeline(
        FunctionTransformer(lambda X: np.clip(np.round(X), 0, 4)),
        OneHotEncoder(handle_unknown="ignore"),
        LR,
    ),
    "only the binned column": make_pipeline(
        ColumnTransformer(
            [
                ("n", "passthrough", [0]),
                ("b", FunctionTransformer(lambda X: np.clip(np.round(X), 0, 4)), [1]),
            ]
        ),
        BOOSTED,
    ),
    "codes as numbers": HistGradientBoostingClassifier(max_iter=5),
    "selected away": make_pipeline(
        ColumnTransformer([("n", "passthrough", [0])]),
        HistGradientBoostingClassifier(max_iter=5),
    ),
    "recursive selection": RFE(LR, n_features_to_select=1),
    "forest": RandomForestClassifier(10, random_state=0),
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_what_noise_cannot_take_apart_is_not_refused(name):
    smoothed(LEGITIMATE[name]).fit(XC, YC).predict(XC[:5])


def stand_in(module, name, **attributes):
    """A fitted classifier of another library, with what that tells of categories."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > 0).astype(int)]

    bases = (ClassifierMixin, BaseEstimator)
    kind = type(name, bases, {"fit": fit, "predict": predict, **attributes})
    kind.__module__ = module
    return kind()


class XGBooster:
    def __init__(self, feature_types):
        self.feature_types = feature_types


class LightGBMBooster:
    def __init__(self, infos):
        self.infos = infos

    def model_to_string(self, num_iteration=None):
        return f"tree\nversion=v4\nfeature_infos={self.infos}\n\nTree=0\n"


def of_other_libraries(categorical):
    kinds = ["q", "c" if categorical else "q"]
    infos = "[-3.1:2.9] " + ("0:1:2:3:4" if categorical else "[0:4]")
    return [
        stand_in(
            "catboost.core",
            "CatBoostClassifier",
            get_cat_feature_indices=lambda self: [1] if categorical else [],
        ),
        stand_in(
            "xgboost.sklearn",
            "XGBClassifier",
            get_booster=lambda self: XGBooster(kinds),
        ),
        stand_in("lightgbm.sklearn", "LGBMClassifier", booster_=LightGBMBooster(infos)),
        stand_in(
            "interpret.glassbox",
            "ExplainableBoostingClassifier",
            feature_types_in_=["continuous", kinds[1].replace("c", "nominal")],
        ),
    ]


@pytest.mark.parametrize("at", range(4))
def test_categories_of_other_libraries(at):
    base = of_other_libraries(True)[at]
    name = type(base).__name__
    for clf in (base, make_pipeline(StandardScaler(), base)):
        with pytest.raises(ValueError, match=rf"columns \[1\].*{name}"):
            smoothed(clf).fit(XC, YC)
    with pytest.raises(ValueError, match=rf"columns \[1\].*{name}"):
        of_fitted(base.fit(XC, YC))
    smoothed(of_other_libraries(False)[at]).fit(XC, YC).predict(XC[:3])


COLUMNS_OF_OTHER_KINDS = {
    "category of int": lambda code: pd.Categorical(code),
    "category of str": lambda code: pd.Categorical(code.astype(str)),
    "category of bool": lambda code: pd.Categorical(code > 2),
    "category of float": lambda code: pd.Categorical(code / 2),
    "ordered": lambda code: pd.Categorical(code, ordered=True),
    "str of numbers": lambda code: [str(c) for c in code],
    "object of str": lambda code: np.array([str(c) for c in code], dtype=object),
    "object of both": lambda code: np.array(["1", *code[1:]], dtype=object),
    "string dtype": lambda code: pd.array(code.astype(str), dtype="string"),
    "dates": lambda code: pd.to_datetime(code, unit="D"),
    "spans": lambda code: pd.to_timedelta(code, unit="D"),
}


@pytest.mark.parametrize("kind", COLUMNS_OF_OTHER_KINDS)
def test_a_column_of_a_frame_that_is_not_of_numbers_is_refused_by_name(kind):
    column = COLUMNS_OF_OTHER_KINDS[kind](XC[:, 1].astype(int))
    rows = frame().assign(colour=column)
    clf = smoothed(HistGradientBoostingClassifier(max_iter=5))
    with pytest.raises(ValueError, match=r"columns \['colour'\].*not numbers"):
        clf.fit(rows, YC)
    clf.fit(frame(), YC)
    with pytest.raises(ValueError, match=r"columns \['colour'\].*not numbers"):
        clf.predict(rows)


@pytest.mark.parametrize("dtype", ["int64", "bool", "float32", "Int64", "boolean"])
def test_columns_of_numbers_are_taken(dtype):
    rows = frame().assign(colour=pd.array(XC[:, 1] > 2, dtype=bool).astype(dtype))
    smoothed(DecisionTreeClassifier()).fit(rows, YC).predict(rows[:3])
    as_objects = frame().astype(object)
    smoothed(DecisionTreeClassifier()).fit(as_objects, YC).predict(as_objects[:3])


class Lookup(TransformerMixin, BaseEstimator):
    """An encoder that no rule knows: zero for values it has not seen."""

    def fit(self, X, y=None):
        self.table_ = {float(v): v % 2 for v in np.asarray(X)[:, 1]}
        return self

    def transform(self, X):
        values = [self.table_.get(float(v), 0.0) for v in np.asarray(X)[:, 1]]
        return np.c_[np.asarray(X)[:, 0], values]


EXACT_READERS = {
    "lookup": make_pipeline(Lookup(), LR),
    "truncated": make_pipeline(
        FunctionTransformer(lambda X: np.c_[X[:, 0], np.int64(X[:, 1]) % 2]), LR
    ),
    "equality": make_pipeline(
        FunctionTransformer(lambda X: np.c_[X[:, 0], X[:, 1] == 1, X[:, 1] == 3]), LR
    ),
    "zeros": make_pipeline(
        FunctionTransformer(lambda X: np.c_[X[:, 0] > 0, X[:, 1] % 2]), BernoulliNB()
    ),
    "hamming": make_pipeline(
        FunctionTransformer(lambda X: X[:, 1:]),
        KNeighborsClassifier(1, metric="hamming"),
    ),
}


@pytest.mark.parametrize("name", EXACT_READERS)
def test_labels_that_tiny_noise_changes_are_warned_about_by_name(name):
    base = EXACT_READERS[name]
    with pytest.warns(UserWarning, match=r"\d+% of 600 .*features \[1\].*Pipeline"):
        smoothed(base).fit(XC, YC)
    clf = of_fitted(base.fit(XC, YC))
    with pytest.warns(UserWarning, match=r"features \[1\]"):
        clf.predict(XC[:50])
    clf.predict(XC[:50])  # it is said once


def test_every_feature_that_is_read_exactly_is_named():
    rng = np.random.default_rng(0)
    rows = np.c_[rng.normal(size=(400, 2)), rng.integers(0, 2, (400, 3))]
    predict = lambda X: ((X[:, 2] == 1) ^ (X[:, 4] == 1)).astype(int)
    base = Predicts(predict)
    with pytest.warns(UserWarning, match=r"features \[2, 4\]"):
        smoothed(base).fit(rows, predict(rows))


# -- errors that noise causes ----------------------------------------------------------

FAILS = {
    "neighbors": (RadiusNeighborsClassifier(0.9), "No neighbors", "outlier_label"),
    "index": (
        Predicts(lambda X: np.arange(3)[np.floor(X[:, 0] * 0 + _code(X)).astype(int)]),
        "out of bounds",
        "before SmoothedClassifier",
    ),
    "log": (
        make_pipeline(FunctionTransformer(np.log), GaussianNB()),
        "NaN",
        "clip",
    ),
    "box-cox": (
        make_pipeline(PowerTransformer(method="box-cox"), GaussianNB()),
        "positive",
        "np.maximum",
    ),
    "key": (
        Predicts(lambda X: np.array([{0: 0, 1: 1}[int(v > 9)] for v in _checked(X)])),
        "KeyError",
        "first step",
    ),
}


def _code(X):
    return np.where(X[:, 0] > 4.5, 7, 0)


def _checked(X):
    if (X < 0).any():
        raise KeyError("below zero")
    return X[:, 0]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", FAILS)
def test_an_error_on_noisy_rows_says_what_noise_has_to_do_with_it(name):
    base, said, cure = FAILS[name]
    rows = np.abs(X) + 0.01
    clf = smoothed(base, sigma=1.5).fit(rows, Y)
    for ask in (clf.predict, clf.certify):
        with pytest.raises(ValueError, match="without noise") as caught:
            ask(rows[:10])
        assert said in str(caught.value)
        assert cure in str(caught.value)
        assert caught.value.__cause__ is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_errors_that_have_nothing_to_do_with_values_pass_through(error):
    state = {"armed": False}

    def predict(X):
        if state["armed"]:
            raise error("of its own")
        return KNN.predict(X)

    clf = smoothed(Predicts(predict)).fit(X, Y)
    state["armed"] = True
    with pytest.raises(error, match="of its own"):
        clf.predict(X[:3])


def test_an_error_on_rows_without_noise_as_well_stays_what_it_is():
    def predict(X):
        raise LookupError("always")

    clf = smoothed(Predicts(predict)).fit(X, Y)
    with pytest.raises(LookupError, match=r"^always$"):
        clf.predict(X[:3])


# -- classes and labels ----------------------------------------------------------------


def stating(classes, labels=None):
    clf = Predicts(lambda X: np.resize(np.asarray(labels, dtype=object), len(X)))
    clf.fit(X, Y)
    clf.classes_ = np.asarray(classes, dtype=object if labels else None)
    return clf


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "no classes"),
        ([0, 1, 1], r"1 more than once"),
        (["a", "b", "a"], "'a' more than once"),
        ([0.0, np.nan], "nan"),
        (np.array([0, float("nan")], dtype=object), "nan"),
        (np.array([0, pd.NA], dtype=object), "NA"),
        (np.array([1, True], dtype=object), "True more than once"),
    ],
)
def test_classes_that_no_vote_can_be_counted_for_are_told_before_any_vote(
    classes, message
):
    clf = stating(classes)
    clf.function = lambda X: pytest.fail("predict was called")
    with pytest.raises(ValueError, match=message):
        of_fitted(clf)


@pytest.mark.parametrize(
    "classes",
    [["a", None], [1, "a"], [2.5, "b"], [None, True, "x"]],
    ids=str,
)
def test_labels_of_any_kind_that_equal_themselves_are_counted(classes):
    array = np.empty(len(classes), dtype=object)
    array[:] = classes
    clf = Predicts(lambda X: array[np.arange(len(X)) * 0]).fit(X, Y)
    clf.classes_ = array
    shares = of_fitted(clf, method="monte_carlo").predict_proba(X[:3])
    assert (shares == np.eye(len(classes))[[0, 0, 0]]).all()


@pytest.mark.parametrize(
    ("classes", "stranger"),
    [
        (classes, stranger)
        for classes in ([0, 1, 2], ["a", "b", "c"], [0, "b", None])
        for stranger in (None, "z", np.nan, 7, 2.5)
        if stranger not in classes
    ],
)
def test_a_label_that_is_no_class_is_named_in_one_line(classes, stranger):
    array = np.empty(3, dtype=object)
    array[:] = classes
    clf = Predicts(lambda X: np.array([stranger] * len(X), dtype=object)).fit(X, Y)
    clf.classes_ = array if None in classes else np.array(classes)
    with pytest.raises(ValueError, match=f"(?s)returned.*{re.escape(repr(stranger))}"):
        of_fitted(clf, method="monte_carlo").predict(X[:3])


def test_a_long_list_of_classes_is_cut_off():
    clf = Predicts(lambda X: np.full(len(X), -1)).fit(X, Y)
    clf.classes_ = np.arange(5000)
    with pytest.raises(ValueError, match=r"\(5,000 in all\)") as caught:
        of_fitted(clf, method="monte_carlo").predict(X[:3])
    assert len(str(caught.value)) < 300


def test_masked_labels_are_refused_and_labels_without_a_mask_are_counted():
    mask = {"on": False}

    def predict(X):
        labels = np.ma.array(KNN.predict(X), mask=False)
        labels.mask[0] = mask["on"]
        return labels

    clf = smoothed(Predicts(predict), method="monte_carlo").fit(X, Y)
    assert (clf.predict(X) == smoothed(KNN).fit(X, Y).predict(X)).all()
    mask["on"] = True
    with pytest.raises(ValueError, match="masked labels"):
        clf.predict(X)


def test_a_probed_classifier_is_pickled_as_before():
    clf = smoothed(KNN).fit(X, Y)
    again = pickle.loads(pickle.dumps(clf))
    assert (again.predict(X) == clf.predict(X)).all()


def test_a_dict_of_inputs_is_told_that_one_array_is_needed():
    with pytest.raises(ValueError, match=r"dict with the keys \['a'\].*one array"):
        smoothed(KNN).fit({"a": X}, Y)
