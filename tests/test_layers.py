# SPDX-License-Identifier: BSD-3-Clause
"""What stands around a classifier is looked through, in whatever order it is nested."""

import itertools
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
from matplotlib import pyplot
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE, RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV, certify
from sksmooth._estimators import layers
from sksmooth.inspection import CertifiedAccuracyDisplay, ClasswiseAccuracyDisplay
from sksmooth.metrics import CertifiedScorer, ClasswiseScorer
from sksmooth.shrinkage import shrinkage_curve, vanishing_sigma


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    pyplot.close("all")


X, y = load_iris(return_X_y=True)
ROWS, TRUTH = X[::5], y[::5]


def halving(estimator):
    """A search that scikit-learn still calls experimental."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    return HalvingGridSearchCV(estimator, {}, cv=2, min_resources=75)


class OwnPipeline(Pipeline):
    """A Pipeline of somebody else's library."""


class OwnSearch(ClassifierMixin, BaseEstimator):
    """A search of somebody else's library, known by `best_estimator_` alone."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.best_estimator_ = self.estimator.fit(X, y)
        self.classes_ = self.estimator.classes_
        return self

    def predict(self, X):
        return self.best_estimator_.predict(X)


WRAPPERS = {
    "Pipeline": lambda inner: make_pipeline(StandardScaler(), inner),
    "nested Pipeline": lambda inner: make_pipeline(
        make_pipeline(MinMaxScaler(), "passthrough"), None, make_pipeline(inner)
    ),
    "own Pipeline": lambda inner: OwnPipeline([("a", StandardScaler()), ("b", inner)]),
    "GridSearchCV": lambda inner: GridSearchCV(inner, {}, cv=2),
    "RandomizedSearchCV": lambda inner: RandomizedSearchCV(inner, {}, n_iter=1, cv=2),
    "HalvingGridSearchCV": halving,
    "own search": OwnSearch,
    "tuned votes": lambda inner: TunedVoteClassifierCV(inner, cv=2, significance=None),
}


def smoothed():
    return SmoothedClassifier(
        DecisionTreeClassifier(max_depth=3, random_state=0), sigma=0.4, random_state=0
    )


@cache
def nested(*names):
    """A smoothed classifier in wrappers, the last name outermost, fitted."""
    estimator = smoothed()
    for name in names:
        estimator = WRAPPERS[name](estimator)
    return estimator.fit(X, y)


def base_predictions(estimator, X):
    """Labels of the base classifier, by steps written out."""
    while not isinstance(estimator, SmoothedClassifier):
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            for _, step in estimator.steps[:-1]:
                X = step.transform(X) if hasattr(step, "transform") else X
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            estimator = estimator.estimator_
    return estimator, X, estimator.estimator_.predict(X)


# A tuned classifier takes a Pipeline or a search, so it stands at most once.
NESTED = [
    *((name,) for name in WRAPPERS),
    *(
        names
        for names in itertools.permutations(
            ["Pipeline", "GridSearchCV", "own search", "tuned votes"], 2
        )
        if names != ("own search", "tuned votes")
    ),
    ("Pipeline", "GridSearchCV", "tuned votes", "Pipeline"),
    ("tuned votes", "Pipeline", "own Pipeline", "RandomizedSearchCV"),
]


@pytest.mark.parametrize("freeze", [False, True], ids=["", "frozen"])
@pytest.mark.parametrize("names", NESTED, ids=" in ".join)
def test_everything_sees_the_same_base_classifier(names, freeze):
    outer = FrozenEstimator(nested(*names)) if freeze else nested(*names)
    inner, rows, base = base_predictions(outer, ROWS)
    certificates = inner.certify(rows, radii=[0.0, 0.1])

    assert certify(outer, ROWS, radii=[0.0, 0.1]) == certificates
    np.testing.assert_array_equal(outer.predict(ROWS), inner.predict(rows))
    right = certificates.label == TRUTH
    score = CertifiedScorer(radius=0.1)(outer, ROWS, TRUTH)
    assert score == np.mean(right & certificates.holds(0.1))
    scores = ClasswiseScorer((0.1,))(outer, ROWS, TRUTH)
    assert scores["certified_accuracy"] == score

    display = ClasswiseAccuracyDisplay.from_estimator(outer, ROWS, TRUTH, radius=0.1)
    accuracy = [np.mean(base[c == TRUTH] == c) for c in range(3)]
    np.testing.assert_allclose(display.base_accuracy, accuracy)
    assert display.name == "smoothed DecisionTreeClassifier"
    display = CertifiedAccuracyDisplay.from_estimator(outer, ROWS, TRUTH, radii=[0.1])
    assert display.name == "smoothed DecisionTreeClassifier"

    curve = shrinkage_curve(outer, ROWS, TRUTH, sigmas=[0.2])
    np.testing.assert_allclose(curve.base_accuracy, accuracy)


@pytest.mark.parametrize(
    ("outer", "reason"),
    [
        (LinearSVC(dual=False), "LinearSVC holds no SmoothedClassifier"),
        (make_pipeline(StandardScaler(), SVC()), "found SVC"),
        (VotingClassifier([("a", smoothed())]), "found VotingClassifier"),
        (CalibratedClassifierCV(smoothed(), cv=2), "found CalibratedClassifierCV"),
        (GridSearchCV(smoothed(), {}, cv=2, refit=False), "search with refit"),
    ],
)
def test_what_does_not_predict_as_a_smoothed_classifier_is_refused(outer, reason):
    outer = deepcopy(outer).fit(X, y)
    for task in (
        lambda: certify(outer, ROWS),
        lambda: CertifiedScorer()(outer, ROWS, TRUTH),
        lambda: ClasswiseAccuracyDisplay.from_estimator(outer, ROWS, TRUTH),
    ):
        with pytest.raises(TypeError, match=reason):
            task()


@pytest.mark.parametrize("outer", [smoothed(), TunedVoteClassifierCV(smoothed())])
def test_what_is_not_fitted_is_refused(outer):
    with pytest.raises(NotFittedError):
        certify(outer, ROWS)
    with pytest.raises(NotFittedError):
        vanishing_sigma(outer, ROWS, TRUTH)


def test_a_smoothed_classifier_around_another_is_the_one_that_certifies():
    inner = smoothed().set_params(n_predict=20).fit(X, y)
    outer = SmoothedClassifier.from_fitted(
        inner, sigma=0.3, n_certify=60, random_state=0
    )
    assert layers(make_pipeline(outer)).core is outer
    assert certify(outer, ROWS[:3], radii=[0.0]) == outer.certify(ROWS[:3], radii=[0.0])


def test_options_of_certify_reach_the_smoothed_classifier(tmp_path):
    outer = make_pipeline(
        StandardScaler(), smoothed().set_params(method="monte_carlo", n_certify=200)
    ).fit(X, y)
    direct = outer[-1].certify(outer[:-1].transform(ROWS), tol=0.0, beta=0.0)
    assert certify(outer, ROWS, tol=0.0, beta=0.0) == direct
    log = tmp_path / "log.tsv"
    assert certify(outer, ROWS, tol=0.0, beta=0.0, log=log) == direct
    assert log.exists()


def test_the_base_accuracy_of_labels_that_a_net_counts_is_of_labels():
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear(4, 3),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=60,
        lr=0.1,
        verbose=0,
        train_split=None,
    )
    labels = np.array([10, 20, 30])[y]
    clf = SmoothedClassifier(net, sigma=0.1, n_certify=100).fit(X, labels)
    display = ClasswiseAccuracyDisplay.from_estimator(clf, X, labels)
    counted = clf.estimator_.predict(X.astype(np.float32)) == y
    accuracy = [counted[y == c].mean() for c in range(3)]
    assert np.mean(accuracy) > 0.5
    np.testing.assert_allclose(display.base_accuracy, accuracy)


# Closed forms -------------------------------------------------------------------------

binary, sides = load_breast_cancer(return_X_y=True)
binary = binary[:, :6]
line = make_pipeline(StandardScaler(), LogisticRegression())
scaled_tree = make_pipeline(
    StandardScaler(), DecisionTreeClassifier(max_depth=3, random_state=0)
)
# Model, data, and whether its closed form exists.
FORMS = {
    "GridSearchCV": GridSearchCV(line, {"logisticregression__C": [0.1, 1]}, cv=2),
    "GridSearchCV of a tree": GridSearchCV(scaled_tree, {}, cv=2),
    "RandomizedSearchCV": RandomizedSearchCV(line, {}, n_iter=1, cv=2),
    "Halving": halving(line),
    "search in a Pipeline": make_pipeline(
        MinMaxScaler(), GridSearchCV(scaled_tree, {}, cv=2)
    ),
    "search in a search": GridSearchCV(GridSearchCV(line, {}, cv=2), {}, cv=2),
    "one-vs-rest": OneVsRestClassifier(line),
    "one-vs-rest of SVC": OneVsRestClassifier(LinearSVC(dual=False)),
    "one-vs-rest of ridge": OneVsRestClassifier(GridSearchCV(RidgeClassifier(), {})),
    "fixed threshold": FixedThresholdClassifier(line, threshold=0.8),
    "fixed threshold of a score": FixedThresholdClassifier(
        line, threshold=-1.5, response_method="decision_function"
    ),
    "threshold of the first class": FixedThresholdClassifier(
        line, threshold=0.9, pos_label=0
    ),
    "automatic threshold": FixedThresholdClassifier(line),
    "threshold of no probabilities": FixedThresholdClassifier(
        make_pipeline(StandardScaler(), LinearSVC(dual=False)), threshold=0.3
    ),
    "tuned threshold": TunedThresholdClassifierCV(line, scoring="f1", cv=3),
    "threshold of a search": FixedThresholdClassifier(
        GridSearchCV(line, {}, cv=2), threshold=0.7
    ),
    "search of a threshold": GridSearchCV(
        FixedThresholdClassifier(line), {"threshold": [0.3, 0.6]}, cv=2
    ),
    "RFE": RFE(LogisticRegression(max_iter=3000), n_features_to_select=3),
    "RFECV": RFECV(RidgeClassifier(), cv=2),
    "self-training": SelfTrainingClassifier(line),
    "frozen": FrozenEstimator(GridSearchCV(line, {}, cv=2).fit(binary, sides)),
}


@pytest.mark.parametrize("model", FORMS.values(), ids=FORMS)
def test_wrappers_have_the_closed_form_of_what_is_inside(model):
    labels = sides.copy()
    if isinstance(model, SelfTrainingClassifier):
        labels[::9] = -1  # not labelled
    model = deepcopy(model).fit(binary, labels)
    clf = SmoothedClassifier.from_fitted(model, sigma=2.0, random_state=0)
    rows = binary[:60]
    certificates = clf.certify(rows)
    assert certificates.method == "exact"
    # The vote of the wrapper's own predict has the probabilities of the closed form.
    n_votes = 2000
    sampled = clf.set_params(method="monte_carlo", n_predict=n_votes)
    votes = sampled.predict_proba(rows)
    exact = clf.set_params(method="exact").predict_proba(rows)
    error = np.sqrt(exact * (1 - exact) / n_votes)
    assert np.all(np.abs(votes - exact) <= 6 * error + 3 / n_votes)


@pytest.mark.parametrize("estimator", [line, LinearSVC(dual=False)])
def test_one_vs_rest_of_three_classes(estimator):
    model = OneVsRestClassifier(estimator).fit(X, y)
    clf = SmoothedClassifier.from_fitted(model, sigma=0.3, random_state=0)
    assert clf.certify(ROWS).method == "exact"
    exact = clf.set_params(method="exact").predict_proba(ROWS)
    votes = clf.set_params(method="monte_carlo", n_predict=2000).predict_proba(ROWS)
    error = np.sqrt(exact * (1 - exact) / 2000)
    assert np.all(np.abs(votes - exact) <= 6 * error + 3 / 2000)


class Shy(GridSearchCV):
    """A search with a predict of its own."""

    def predict(self, X):
        return self.classes_[::-1][np.searchsorted(self.classes_, super().predict(X))]


class Turned(LogisticRegression):
    """A linear classifier whose decision function is not its scores."""

    def decision_function(self, X):
        return -super().decision_function(X)


def replace_predict(model):
    model.predict = lambda rows: np.ones(len(rows), int)
    return model


def of_equal_classes(model):
    """The last of equal scores wins in a OneVsRestClassifier, not the first."""
    model.estimators_[2] = model.estimators_[1]
    return model


NO_FORMS = {
    "own search": lambda: Shy(line, {}, cv=2).fit(binary, sides),
    "replaced predict": lambda: replace_predict(
        GridSearchCV(line, {}, cv=2).fit(binary, sides)
    ),
    "one-vs-rest of forests": lambda: OneVsRestClassifier(
        RandomForestClassifier(3, random_state=0)
    ).fit(binary, sides),
    "one-vs-rest of other scores": lambda: OneVsRestClassifier(Turned()).fit(X, y),
    "one-vs-rest of equal classes": lambda: of_equal_classes(
        OneVsRestClassifier(line).fit(X, y)
    ),
    "threshold of a tree": lambda: FixedThresholdClassifier(
        scaled_tree, threshold=0.8
    ).fit(binary, sides),
    "threshold beyond 1": lambda: FixedThresholdClassifier(line, threshold=1.5).fit(
        binary, sides
    ),
    "calibrated": lambda: CalibratedClassifierCV(line, cv=2).fit(binary, sides),
}


@pytest.mark.parametrize("make", NO_FORMS.values(), ids=NO_FORMS)
def test_a_wrapper_that_predicts_otherwise_is_sampled(make):
    model = make()
    rows = (binary if model.n_features_in_ == 6 else X)[:20]
    clf = SmoothedClassifier.from_fitted(
        model, sigma=0.01, n_certify=100, n_predict=200, random_state=0
    )
    assert clf.certify(rows, radii=[0.001]).method == "monte_carlo"
    np.testing.assert_array_equal(clf._predict_base(rows), model.predict(rows))


# Layers -------------------------------------------------------------------------------


class Doubling(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return 2 * X


def test_transformers_come_in_the_order_of_application():
    model = make_pipeline(
        Doubling(),
        make_pipeline(MinMaxScaler(), Doubling()),
        FrozenEstimator(deepcopy(line).fit(X, y)),
    ).fit(X, y)
    transformers, core = found = layers(model)
    names = [type(step).__name__ for step in transformers]
    assert names == ["Doubling", "MinMaxScaler", "Doubling", "StandardScaler"]
    np.testing.assert_array_equal(core.predict(found.transform(X)), model.predict(X))


def test_samplers_do_nothing_in_predict():
    pipeline = pytest.importorskip("imblearn.pipeline")
    from imblearn.over_sampling import RandomOverSampler

    model = pipeline.make_pipeline(
        StandardScaler(), RandomOverSampler(random_state=0), smoothed()
    ).fit(X, y)
    rows = model[0].transform(ROWS)
    assert certify(model, ROWS) == model[-1].certify(rows)
    inside = pipeline.make_pipeline(
        RandomOverSampler(random_state=0), LogisticRegression()
    ).fit(binary, sides)
    clf = SmoothedClassifier.from_fitted(inside, random_state=0)
    assert clf.certify(binary[:5]).method == "exact"


def test_only_what_is_known_to_predict_the_same_is_opened_exactly():
    assert layers(Shy(line, {}).fit(binary, sides), exact=True).core.__class__ is Shy
    own = OwnSearch(line).fit(X, y)
    assert layers(own, exact=True).core is own
    assert type(layers(own).core) is LogisticRegression
