# SPDX-License-Identifier: BSD-3-Clause
"""Model selection goes on where a training fold lacks a class.

As in scikit-learn's accuracy, samples of such a class are errors. Warnings are errors
in this test suite: what is not listed as expected is not given.
"""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.metrics import CertifiedScorer, ClasswiseScorer

NAMES = np.array(["ant", "bee", "cow"])
SINGLE = [
    CertifiedScorer(radius=0.05),
    CertifiedScorer(radius=0.05, average="worst"),
    CertifiedScorer(average="macro"),
    CertifiedScorer(average="range"),
    CertifiedScorer(average="gini"),
    CertifiedScorer("average_certified_radius", average="worst"),
    CertifiedScorer("neg_abstention_rate", average="macro"),
]
CLASSWISE = ClasswiseScorer((0.05,))
EXPECTED = (
    "which the classifier does not know",  # the scorers here
    "least populated class",  # StratifiedKFold
    "non-finite",  # GridSearchCV, of a class that few folds test
    "contains classes not in y_true",  # balanced_accuracy_score
)


def make_data(n_rare=1, names=NAMES, n_rows=41):
    """Two common classes and, last, a few rows of a rare one; blobs far apart."""
    rng = np.random.default_rng(0)
    index = np.arange(n_rows) % 2
    index[n_rows - n_rare :] = 2
    return rng.normal(size=(n_rows, 3)) * 0.1 + 2 * np.eye(3)[index], names[index]


def smooth(**params):
    settings = {"sigma": 0.3, "n_predict": 20, "n_certify": 40, "alpha": 0.05}
    settings["random_state"] = 0
    return SmoothedClassifier(KNeighborsClassifier(1), **settings | params)


@pytest.fixture(autouse=True)
def caught():
    """Warnings of a test; each must be expected."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found
    for warning in found:
        assert re.search("|".join(EXPECTED), str(warning.message)), warning.message


SPLITS = {
    "StratifiedKFold": (StratifiedKFold(3), {}),
    "KFold": (KFold(4), {}),  # rare rows are in the last fold only
    "KFold shuffled": (KFold(5, shuffle=True, random_state=0), {}),
    "LeaveOneGroupOut": (LeaveOneGroupOut(), {"groups": "classes"}),
    "TimeSeriesSplit": (TimeSeriesSplit(3), {}),
    "ShuffleSplit": (ShuffleSplit(4, test_size=0.3, random_state=1), {}),
    "small ShuffleSplit": (
        ShuffleSplit(6, test_size=0.2, train_size=0.3, random_state=0),
        {},
    ),
}
LABELS = {"str": NAMES, "int": np.array([0, 1, 2]), "object": NAMES.astype(object)}


def split(name, y):
    cv, params = SPLITS[name]
    groups = np.unique(y, return_inverse=True)[1]
    return cv, ({"groups": groups} if params else {})


@pytest.mark.parametrize(
    ("name", "names", "n_rare"),
    [
        *((name, NAMES, 1) for name in SPLITS),
        *(("StratifiedKFold", names, 2) for names in LABELS.values()),
        ("LeaveOneGroupOut", LABELS["int"], 1),
    ],
)
def test_the_score_is_the_accuracy_where_all_rows_are_clear(name, names, n_rare):
    # Blobs are so far apart that every row of a known class is certified. So what is
    # certified is what accuracy counts: all but the rows of unknown classes.
    X, y = make_data(n_rare, names)
    cv, params = split(name, y)
    kind = {"cv": cv, "error_score": "raise", **params}
    expected = cross_val_score(KNeighborsClassifier(1), X, y, **kind)
    found = cross_validate(smooth(), X, y, scoring=CLASSWISE, **kind)
    np.testing.assert_allclose(found["test_certified_accuracy"], expected)
    single = cross_val_score(smooth(), X, y, scoring=SINGLE[0], **kind)
    np.testing.assert_allclose(single, expected)
    balanced = cross_val_score(
        KNeighborsClassifier(1), X, y, scoring="balanced_accuracy", **kind
    )
    np.testing.assert_allclose(found["test_certified_accuracy_macro"], balanced)


@pytest.mark.parametrize("name", SPLITS)
def test_every_scorer_gives_a_finite_number_in_every_fold(name):
    X, y = make_data()
    cv, params = split(name, y)
    scoring = {repr(scorer): scorer for scorer in SINGLE}
    found = cross_validate(
        smooth(), X, y, scoring=scoring, cv=cv, error_score="raise", **params
    )
    for scorer in scoring:
        assert np.isfinite(found[f"test_{scorer}"]).all(), scorer


@pytest.mark.parametrize("name", SPLITS)
def test_each_fold_has_the_same_keys(name):
    X, y = make_data()
    cv, params = split(name, y)
    scorer = ClasswiseScorer((0.0, 0.05), classes=NAMES)
    found = cross_validate(smooth(), X, y, scoring=scorer, cv=cv, **params)
    n_folds = cv.get_n_splits(X, y, **params)
    for label in NAMES:
        for radius in ("0", "0.05"):
            scores = found[f"test_certified_accuracy_at_{radius}_{label}"]
            assert scores.shape == (n_folds,)
    folds = cv.split(X, y, **params)
    for fold, (train, test) in enumerate(folds):
        for label in NAMES:
            score = found[f"test_certified_accuracy_at_0.05_{label}"][fold]
            if label not in y[test]:
                assert np.isnan(score)
            else:
                assert score == (label in y[train])


def test_a_class_of_one_fold_alone_is_nan_in_the_others():
    X, y = make_data()
    fitted = smooth().fit(X[:-1], y[:-1])
    without = ClasswiseScorer()(fitted, X[:-1], y[:-1])
    assert "certified_accuracy_cow" not in without
    assert np.isnan(without["certified_accuracy_cow"])
    with pytest.raises(KeyError, match="acuracy"):
        without["certified_acuracy_cow"]


def test_one_warning_a_call_names_the_classes(caught):
    X, y = make_data(n_rare=3)
    y = y.copy()
    y[-1] = "dog"
    fitted = smooth().fit(X[:-3], y[:-3])
    for scorer in (*SINGLE, ClasswiseScorer((0.0, 0.05, 0.1))):
        caught.clear()
        scorer(fitted, X, y)
        (warning,) = caught
        assert "['cow', 'dog']" in str(warning.message)
        assert warning.category is UserWarning
        caught.clear()
        scorer(fitted, X[:-3], y[:-3])
        assert not caught


@pytest.mark.parametrize(
    ("labels", "in_pipeline"), [("str", False), ("int", True), ("object", False)]
)
def test_searches_choose_and_refit(labels, in_pipeline):
    X, y = make_data(names=LABELS[labels])
    estimator, prefix = smooth(), ""
    if in_pipeline:
        estimator = make_pipeline(StandardScaler(), estimator)
        prefix = "smoothedclassifier__"
    grid = {f"{prefix}sigma": [0.2, 0.3]}
    multimetric = {"acc": SINGLE[0], "worst": SINGLE[1], "acr": SINGLE[5]}
    for scoring, refit, key in (
        (CertifiedScorer(radius=0.05), True, "score"),
        (ClasswiseScorer((0.05,)), "certified_accuracy_worst", None),
        (multimetric, "acc", "acr"),
    ):
        kind = {"scoring": scoring, "refit": refit, "cv": 3, "error_score": "raise"}
        if labels == "str":
            search = RandomizedSearchCV(estimator, grid, n_iter=2, **kind)
        else:
            search = GridSearchCV(estimator, grid, **kind)
        search.fit(X, y)
        assert search.predict(X).shape == y.shape
        key = key or refit
        assert np.isfinite(search.cv_results_[f"mean_test_{key}"]).all()
    assert scoring["acr"](search, X, y) >= 0


def test_halving_searches_and_curves_go_on():
    X, y = make_data()
    search = HalvingGridSearchCV(
        smooth(),
        {"sigma": [0.1, 0.3]},
        scoring=SINGLE[0],
        cv=KFold(3, shuffle=True, random_state=0),
        min_resources=9,
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    cv = KFold(4)
    for result in (
        learning_curve(smooth(), X, y, scoring=SINGLE[1], cv=cv, error_score="raise")[
            1:
        ],
        validation_curve(
            smooth(),
            X,
            y,
            param_name="sigma",
            param_range=[0.1, 0.3],
            scoring=SINGLE[1],
            cv=cv,
            error_score="raise",
        ),
    ):
        assert all(np.isfinite(scores).all() for scores in result)
    fitted = smooth().fit(X[:-1], y[:-1])
    importance = permutation_importance(fitted, X, y, scoring=SINGLE[0], n_repeats=2)
    assert np.isfinite(importance.importances).all()


def test_tuned_votes_inside_a_search_go_on():
    X, y = make_data()
    tuned = TunedVoteClassifierCV(smooth(), cv=2)
    search = GridSearchCV(
        tuned,
        {"estimator__sigma": [0.2, 0.3]},
        scoring=CLASSWISE,
        refit="certified_accuracy_worst",
        cv=3,
        error_score="raise",
    ).fit(X, y)
    scores = search.cv_results_["mean_test_certified_accuracy"]
    assert np.isfinite(scores).all()
    assert clone(search).get_params()["scoring"].radii == (0.05,)
