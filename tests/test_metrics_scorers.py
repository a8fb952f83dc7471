# SPDX-License-Identifier: BSD-3-Clause
"""The scorers certify once, find the smoothed classifier, and agree with the scores.

The smoothed classifier here is a fake that writes down how it was called.
"""

import pickle
from copy import deepcopy

import numpy as np
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    ValidationCurveDisplay,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth.certificates import Certificates
from sksmooth.metrics import (
    CertifiedScorer,
    ClasswiseScorer,
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)

NAMES = np.array(["ant", "bee", "cow"])
CALLS = []  # of certify, by any clone: the radii asked, and the mean of X


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


class FakeSmoothedClassifier(ClassifierMixin, BaseEstimator):
    """Nearest class mean; the radius is half the gap of distances, less sigma / 5."""

    def __init__(self, sigma=0.25):
        self.sigma = sigma

    def fit(self, X, y, sample_weight=None):
        X = np.asarray(X)
        self.classes_ = np.unique(y)
        self.means_ = np.stack(
            [
                np.average(
                    X[y == label],
                    axis=0,
                    weights=None
                    if sample_weight is None
                    else sample_weight[y == label],
                )
                for label in self.classes_
            ]
        )
        self.weighted_ = sample_weight is not None
        return self

    def _distances(self, X):
        return np.linalg.norm(np.asarray(X)[:, None] - self.means_, axis=2)

    def predict(self, X):
        return self.classes_[self._distances(X).argmin(axis=1)]

    def certify(self, X, *, radii=None):
        CALLS.append((radii, float(np.mean(X))))
        distances = np.sort(self._distances(X), axis=1)
        radius = (distances[:, 1] - distances[:, 0]) / 2 - self.sigma / 5
        abstained = radius < (0 if radii is None else min(radii))
        if radii is not None:
            grid = np.array([0.0, *sorted(radii)])
            radius = grid[np.searchsorted(grid, radius, side="right").clip(1) - 1]
        n_rows = len(abstained)
        return Certificates(
            label=self.predict(X),
            radius=np.where(abstained, 0.0, radius),
            abstained=abstained,
            p_lower=np.full(n_rows, 0.7),
            counts=np.zeros((n_rows, len(self.classes_)), int),
            n_evaluations=np.ones(n_rows, int),
            classes=self.classes_,
            sigma=self.sigma,
            noise="gaussian",
            norm=2,
            alpha=0.001,
            method="monte_carlo",
            radii=radii,
        )


def make_data(names=NAMES, n_rows=90):
    rng = np.random.default_rng(0)
    index = np.arange(n_rows) % len(names)
    rng.shuffle(index)
    X = rng.normal(size=(n_rows, 2)) + 1.5 * np.eye(3)[index][:, :2]
    return 10 * X + 100, names[index]  # far from standardised


SCORERS = [
    CertifiedScorer(),
    CertifiedScorer(radius=0.5, average="worst"),
    CertifiedScorer(average="gini"),
    CertifiedScorer("average_certified_radius"),
    CertifiedScorer("neg_abstention_rate"),
    ClasswiseScorer(),
    ClasswiseScorer(radii=(0.0, 0.25, 0.5)),
    ClasswiseScorer(classes=["ant", "bee", "cow"]),
]


@pytest.fixture
def fitted():
    X, y = make_data()
    return FakeSmoothedClassifier(sigma=5.0).fit(X, y)


@pytest.mark.parametrize("scorer", SCORERS, ids=repr)
class TestEveryScorer:
    def test_it_certifies_once(self, scorer, fitted):
        scorer(fitted, *make_data())
        assert len(CALLS) == 1

    def test_it_survives_pickle_and_the_clone_of_a_search(self, scorer, fitted):
        X, y = make_data()
        expected = scorer(fitted, X, y)
        assert pickle.loads(pickle.dumps(scorer))(fitted, X, y) == expected
        search = clone(GridSearchCV(fitted, {"sigma": [1.0]}, scoring=scorer))
        assert search.scoring(fitted, X, y) == expected

    def test_its_repr_rebuilds_it(self, scorer):
        assert vars(eval(repr(scorer))) == vars(scorer)

    def test_a_weight_is_a_repetition(self, scorer, fitted):
        X, y = make_data()
        weight = np.random.default_rng(2).integers(0, 4, len(y))
        rows = np.repeat(np.arange(len(y)), weight)
        weighted = scorer(fitted, X, y, sample_weight=weight)
        repeated = scorer(fitted, X[rows], y[rows])
        assert weighted == pytest.approx(repeated)
        assert weighted != pytest.approx(scorer(fitted, X, y))

    def test_it_finds_the_classifier_and_gives_it_what_it_would_get(self, scorer):
        X, y = make_data()
        scaler = StandardScaler().fit(X)
        bare = FakeSmoothedClassifier().fit(scaler.transform(X), y)
        expected = scorer(bare, scaler.transform(X), y)
        pipeline = make_pipeline(StandardScaler(), FakeSmoothedClassifier()).fit(X, y)
        nested = Pipeline([("only", pipeline)])
        grid = {f"{FakeSmoothedClassifier.__name__.lower()}__sigma": [0.25]}
        search = GridSearchCV(
            pipeline, grid, scoring=CertifiedScorer(), cv=StratifiedKFold(2)
        ).fit(X, y)
        frozen = FrozenEstimator(pipeline)
        for estimator in (pipeline, nested, search, frozen):
            CALLS.clear()
            assert scorer(estimator, X, y) == pytest.approx(expected)
            assert len(CALLS) == 1
            assert CALLS[0][1] == pytest.approx(0, abs=1e-9)  # scaled

    def test_without_one_inside_it_says_so(self, scorer):
        X, y = make_data()
        plain = LogisticRegression().fit(X, y)
        with pytest.raises(TypeError, match="holds no SmoothedClassifier"):
            scorer(plain, X, y)
        with pytest.raises(TypeError, match=r"Pipeline holds.*LogisticRegression"):
            scorer(make_pipeline(StandardScaler(), plain).fit(X, y), X, y)

    def test_a_class_the_classifier_does_not_have_is_named_once(self, scorer, fitted):
        X, y = make_data(np.array(["ant", "bee", "yak"]))
        with pytest.warns(UserWarning, match=r"\['yak'\].*does not know") as caught:
            scorer(fitted, X, y)
        assert len(caught) == 1


@pytest.mark.parametrize(
    ("scorer", "asked"),
    [
        (CertifiedScorer(radius=0.5), [0.5]),
        (CertifiedScorer("neg_abstention_rate"), [0.0]),
        (CertifiedScorer("average_certified_radius"), None),
        (ClasswiseScorer(radii=(0.25, 0.5)), [0.25, 0.5]),
    ],
)
def test_the_cheap_question_is_asked_where_it_suffices(scorer, asked, fitted):
    scorer(fitted, *make_data())
    assert CALLS[0][0] == asked


def test_certified_scorer_agrees_with_the_scores(fitted):
    X, y = make_data()
    for average in ("micro", "macro", "worst", "range", "gini"):
        sign = -1 if average in ("range", "gini") else 1
        certificates = fitted.certify(X)
        assert CertifiedScorer(radius=0.5, average=average)(
            fitted, X, y
        ) == sign * certified_accuracy_score(
            y, certificates, radius=0.5, average=average
        )
        assert CertifiedScorer("average_certified_radius", average=average)(
            fitted, X, y
        ) == sign * average_certified_radius_score(y, certificates, average=average)
        assert CertifiedScorer("neg_abstention_rate", average=average)(
            fitted, X, y
        ) == -abstention_rate(y, certificates, average=average)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (NAMES, ["ant", "bee", "cow"]),
        (np.array([0, 1, 2]), ["0", "1", "2"]),
        (np.array([True, False]), ["False", "True"]),
    ],
)
def test_the_keys_of_one_radius(names, labels):
    X, y = make_data(names)
    fitted = FakeSmoothedClassifier().fit(X, y)
    scores = ClasswiseScorer(radii=[0.5])(fitted, X, y)
    assert list(scores) == [
        "certified_accuracy",
        "certified_accuracy_macro",
        "certified_accuracy_worst",
        "neg_certified_accuracy_range",
        *(f"certified_accuracy_{label}" for label in labels),
        "neg_abstention_rate",
    ]
    certificates = fitted.certify(X, radii=[0.5])
    by_class = certified_accuracy_score(y, certificates, radius=0.5, average=None)
    assert [scores[f"certified_accuracy_{label}"] for label in labels] == list(by_class)
    assert scores["certified_accuracy_worst"] == by_class.min()
    assert scores["neg_certified_accuracy_range"] == -np.ptp(by_class)
    assert all(type(score) is float for score in scores.values())


def test_the_keys_of_several_radii(fitted):
    X, y = make_data()
    scores = ClasswiseScorer(radii=(0.0, 0.25))(fitted, X, y)
    for radius in (0.0, 0.25):
        alone = ClasswiseScorer(radii=(radius,))(fitted, X, y)
        for end in ("", "_macro", "_worst", "_ant", "_bee", "_cow"):
            key = f"certified_accuracy_at_{radius:g}{end}"
            assert scores[key] == alone[f"certified_accuracy{end}"]
    assert len(scores) == 2 * (4 + 3) + 1


def test_a_class_absent_from_the_test_rows_is_nan_under_the_same_key(fitted):
    X, y = make_data()
    kept = y != "bee"
    scores = ClasswiseScorer()(fitted, X[kept], y[kept])
    assert list(scores) == list(ClasswiseScorer()(fitted, X, y))
    assert [key for key, score in scores.items() if np.isnan(score)] == [
        "certified_accuracy_bee"
    ]


def test_a_class_named_like_another_score_is_refused():
    X, y = make_data(np.array(["ant", "bee", "worst"]))
    fitted = FakeSmoothedClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"named \['certified_accuracy_worst'\]"):
        ClasswiseScorer()(fitted, X, y)


@pytest.mark.parametrize(
    ("make_scorer", "error", "match"),
    [
        (lambda: CertifiedScorer("accuracy"), ValueError, "metric.*'accuracy'"),
        (lambda: CertifiedScorer("abstention_rate"), ValueError, "neg_abstention_rate"),
        (lambda: CertifiedScorer(radius=-1), ValueError, "radius.*-1"),
        (lambda: CertifiedScorer(radius=np.nan), ValueError, "radius"),
        (lambda: CertifiedScorer(average="mean"), ValueError, "average.*'mean'"),
        (lambda: CertifiedScorer(average=None), ValueError, "ClasswiseScorer"),
        (
            lambda: CertifiedScorer("average_certified_radius", radius=0.5),
            ValueError,
            "has no radius",
        ),
        (lambda: ClasswiseScorer(radii=()), ValueError, "radii"),
        (lambda: ClasswiseScorer(radii=0.5), TypeError, "radii"),
        (lambda: ClasswiseScorer(radii=(0.5, -0.5)), ValueError, "radii.*-0.5"),
        (lambda: ClasswiseScorer(radii=(0.5, 0.5)), ValueError, "radii.*distinct"),
        (lambda: ClasswiseScorer(radii=(0.1, 0.1 + 1e-15)), ValueError, "close"),
    ],
)
def test_bad_parameters_are_refused_before_any_search(make_scorer, error, match):
    with pytest.raises(error, match=match):
        make_scorer()


def searched(bare):
    """Return an estimator with a sigma to search, bare or behind a scaler."""
    if bare:
        return FakeSmoothedClassifier(), "sigma"
    pipeline = make_pipeline(StandardScaler(), FakeSmoothedClassifier())
    return pipeline, "fakesmoothedclassifier__sigma"


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "pipeline"])
@pytest.mark.parametrize("names", [NAMES, np.arange(3)], ids=["str", "int"])
def test_a_grid_search_certifies_once_per_fold_and_candidate(bare, names):
    X, y = make_data(names)
    estimator, sigma = searched(bare)
    search = GridSearchCV(
        estimator,
        {sigma: [4.0, 0.1, 1.0]},
        scoring=ClasswiseScorer(radii=(0.0, 0.25)),
        refit="certified_accuracy_at_0.25_worst",
        cv=4,
    ).fit(X, y)
    assert len(CALLS) == 3 * 4
    # Radii shrink with sigma in the fake, so the least sigma must win.
    assert search.best_params_ == {sigma: 0.1}
    results = search.cv_results_
    for label in names:
        column = results[f"mean_test_certified_accuracy_at_0.25_{label}"]
        assert np.isfinite(column).all()
        worst = results["mean_test_certified_accuracy_at_0.25_worst"]
        assert (worst <= column).all()


def test_weights_reach_estimator_and_scorer_without_routing():
    X, y = make_data()
    weight = np.where(y == "ant", 5.0, 1.0)
    search = GridSearchCV(
        FakeSmoothedClassifier(),
        {"sigma": [0.1, 1.0, 2.0]},
        scoring=ClasswiseScorer(),
        refit="certified_accuracy_worst",
        cv=3,
    )
    plain = clone(search).fit(X, y).cv_results_["mean_test_certified_accuracy"]
    CALLS.clear()
    search.fit(X, y, sample_weight=weight)
    assert len(CALLS) == 3 * 3
    assert search.best_estimator_.weighted_
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7):
        pytest.skip("scikit-learn passes weights to scorers since 1.7")
    assert (search.cv_results_["mean_test_certified_accuracy"] != plain).any()


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "pipeline"])
@pytest.mark.parametrize("scorer", [ClasswiseScorer(), CertifiedScorer()], ids=repr)
def test_weights_reach_estimator_and_scorer_with_routing(bare, scorer):
    X, y = make_data()
    weight = np.where(y == "ant", 5.0, 1.0)
    refit = "certified_accuracy" if isinstance(scorer, ClasswiseScorer) else True
    with config_context(enable_metadata_routing=True):
        smoothed = FakeSmoothedClassifier().set_fit_request(sample_weight=True)
        estimator, sigma = smoothed, "sigma"
        if not bare:
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            estimator = Pipeline([("scale", scaler), ("smooth", smoothed)])
            sigma = "smooth__sigma"
        results = []
        for asks in (False, True):
            CALLS.clear()
            search = GridSearchCV(
                estimator,
                {sigma: [0.1, 1.0]},
                scoring=deepcopy(scorer).set_score_request(sample_weight=asks),
                refit=refit,
                cv=3,
            ).fit(X, y, sample_weight=weight)
            assert len(CALLS) == 2 * 3
            key = "certified_accuracy" if refit is not True else "score"
            results.append(search.cv_results_[f"mean_test_{key}"])
        last = search.best_estimator_ if bare else search.best_estimator_[-1]
        assert last.weighted_
    assert (results[0] != results[1]).any()


def test_several_certified_scorers_in_a_dict():
    X, y = make_data()
    scoring = {
        "at": CertifiedScorer(radius=0.25),
        "acr": CertifiedScorer("average_certified_radius"),
    }
    search = GridSearchCV(
        FakeSmoothedClassifier(), {"sigma": [0.1, 1.0]}, scoring=scoring, refit="acr"
    ).fit(X, y, sample_weight=np.ones(len(y)))
    assert search.best_params_ == {"sigma": 0.1}
    assert len(CALLS) == 2 * 5 * len(scoring)


def test_cross_validation_sees_through_a_search():
    X, y = make_data()
    search = GridSearchCV(
        FakeSmoothedClassifier(), {"sigma": [0.1, 1.0]}, scoring=CertifiedScorer(), cv=2
    )
    scores = cross_validate(search, X, y, scoring=ClasswiseScorer(), cv=3)
    assert scores["test_certified_accuracy_cow"].shape == (3,)
    assert len(CALLS) == 3 * (2 * 2 + 1)
    assert cross_val_score(search, X, y, scoring=CertifiedScorer(), cv=3).shape == (3,)


def test_a_fold_without_a_class_gives_nan_for_it_alone():
    X, y = make_data()
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    # Test fold 0 is cut from "ant", the last from "cow"; training always has all.
    folds = KFold(6)
    scores = cross_validate(
        FakeSmoothedClassifier(), X, y, scoring=ClasswiseScorer(), cv=folds
    )
    assert np.isnan(scores["test_certified_accuracy_cow"]).tolist() == [True] * 4 + [
        False,
        False,
    ]
    assert np.isfinite(scores["test_certified_accuracy_worst"]).all()


@pytest.mark.parametrize("average", ["micro", "worst", "range", "gini"])
def test_a_scorer_has_a_name_for_the_displays_of_scikit_learn(average):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    X, y = make_data()
    scorer = CertifiedScorer(radius=0.25, average=average)
    assert scorer.__name__.removeprefix("neg_").startswith("certified_accuracy_at_0.25")
    assert CertifiedScorer.__name__ == "CertifiedScorer"
    display = ValidationCurveDisplay.from_estimator(
        FakeSmoothedClassifier(),
        X,
        y,
        param_name="sigma",
        param_range=[0.1, 1.0],
        scoring=scorer,
    )
    assert "certified accuracy at 0.25" in display.ax_.get_ylabel().lower()
    plt.close("all")
