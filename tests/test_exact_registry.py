# SPDX-License-Identifier: BSD-3-Clause
"""Every closed form against plain sampling, and every refusal by its reason."""

import warnings

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import load_iris, make_classification, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.naive_bayes import (
    BernoulliNB,
    ComplementNB,
    GaussianNB,
    MultinomialNB,
)
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from sksmooth.votes.exact import (
    PROBIT_MAX,
    Declined,
    find_exact_source,
    find_linear_scores,
)

SIGMAS = (0.1, 0.4, 1.2)
N_ROWS = 20


def two_classes(n_features=5):
    return make_classification(
        300, n_features, n_informative=n_features - 1, n_redundant=0, random_state=0
    )


def moons():
    return make_moons(300, noise=0.25, random_state=0)


def iris():
    return load_iris(return_X_y=True)


def positive_counts():
    X, y = iris()
    return X[:, :3], y


def one_feature():
    X, y = iris()
    return X[:, 2:3], y


# Model, data, and how many votes a row is checked with.
MODELS = {
    "logistic": (LogisticRegression(), two_classes, 20_000),
    "logistic, 3 classes": (LogisticRegression(max_iter=1000), iris, 20_000),
    "logistic, one feature": (LogisticRegression(), one_feature, 20_000),
    "linear SVC, 3 classes": (LinearSVC(), iris, 20_000),
    "SGD, 3 classes": (SGDClassifier(random_state=0), iris, 20_000),
    "multinomial NB": (MultinomialNB(), positive_counts, 20_000),
    "complement NB": (ComplementNB(), positive_counts, 20_000),
    "Gaussian NB": (GaussianNB(), lambda: two_classes(10), 20_000),
    "centroids": (NearestCentroid(), iris, 20_000),
    "centroids, priors": (NearestCentroid(priors=[0.6, 0.3, 0.1]), iris, 20_000),
    "centroids, shrunken": (NearestCentroid(shrink_threshold=2.0), iris, 20_000),
    "SVC": (SVC(kernel="linear"), two_classes, 5_000),
    "tree": (DecisionTreeClassifier(random_state=0), two_classes, 20_000),
    "tree, 3 classes": (ExtraTreeClassifier(random_state=0), iris, 20_000),
    "tree, pruned": (DecisionTreeClassifier(max_leaf_nodes=9), two_classes, 20_000),
    "forest": (RandomForestClassifier(8, random_state=0), moons, 20_000),
    "extra trees": (ExtraTreesClassifier(4, random_state=0), moons, 20_000),
    "forest, 3 classes": (RandomForestClassifier(4, random_state=0), iris, 20_000),
    "bagging": (
        BaggingClassifier(max_features=0.5, n_estimators=5, random_state=0),
        iris,
        20_000,
    ),
    "gradient boosting": (
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        moons,
        20_000,
    ),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=5), iris, 20_000),
    "AdaBoost": (
        AdaBoostClassifier(
            DecisionTreeClassifier(max_depth=2), n_estimators=6, random_state=0
        ),
        iris,
        20_000,
    ),
    "stumps, AdaBoost": (
        AdaBoostClassifier(n_estimators=60, random_state=0),
        lambda: two_classes(10),
        6_000,
    ),
    "stumps, gradient boosting": (
        GradientBoostingClassifier(n_estimators=80, max_depth=1, random_state=0),
        lambda: two_classes(10),
        20_000,
    ),
    "stumps, exponential loss": (
        GradientBoostingClassifier(
            loss="exponential", n_estimators=80, max_depth=1, random_state=0
        ),
        lambda: two_classes(10),
        20_000,
    ),
    "stumps, histogram boosting": (
        HistGradientBoostingClassifier(max_iter=150, max_leaf_nodes=2),
        lambda: two_classes(10),
        6_000,
    ),
    "no interactions": (
        HistGradientBoostingClassifier(
            max_iter=40, interaction_cst="no_interactions", max_depth=3
        ),
        lambda: two_classes(10),
        6_000,
    ),
    "scaled tree": (
        make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
        iris,
        20_000,
    ),
}
INTERVALS = {name for name in MODELS if name.startswith("stumps")} | {"no interactions"}


@pytest.mark.parametrize("name", MODELS)
def test_within_five_standard_errors_of_sampling(name):
    model, data, n = MODELS[name]
    X, y = data()
    model = model.fit(X, y)
    rng = np.random.default_rng(0)
    rows = X[rng.choice(len(X), N_ROWS, replace=False)]
    source = find_exact_source(model, X, SIGMAS[0])
    assert source.kind == ("interval" if name in INTERVALS else "exact")
    for sigma in SIGMAS:
        lower, upper = map(ndtr, source.probits(rows, sigma))
        noise = rng.standard_normal((N_ROWS, n, X.shape[1]))
        noisy = rows[:, np.newaxis] + sigma * noise
        votes = model.predict(noisy.reshape(-1, X.shape[1])).reshape(N_ROWS, n, 1)
        share = np.mean(votes == source.classes, axis=1)
        for bound, excess in [(lower, lower - share), (upper, share - upper)]:
            error = np.sqrt(bound * (1 - bound) / n)
            assert np.all(excess <= 5 * error + 1 / n)


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_sum_to_one(name):
    model, data, _ = MODELS[name]
    X, y = data()
    source = find_exact_source(model.fit(X, y), X, 1.0)
    for sigma in SIGMAS:
        lower, upper = source.probits(X, sigma)
        assert np.all(np.abs(lower) <= PROBIT_MAX)
        assert np.all(np.abs(upper) <= PROBIT_MAX)
        if source.kind == "exact":
            # The two differ by bounds on rounding alone.
            assert np.all(lower <= upper)
            for end in (lower, upper):
                np.testing.assert_allclose(ndtr(end).sum(axis=1), 1, atol=1e-12)
        else:
            # What one class surely has, the other surely has not.
            np.testing.assert_array_equal(lower, -upper[:, ::-1])
            assert np.all(lower <= upper)


@pytest.mark.parametrize("name", MODELS)
def test_without_noise_the_structure_is_the_classifier(name):
    model, data, _ = MODELS[name]
    X, y = data()
    source = find_exact_source(model.fit(X, y), X, 1.0)
    wide = X + np.random.default_rng(1).normal(0, 2 * X.std(axis=0), X.shape)
    rows = np.concatenate([X, wide])
    np.testing.assert_array_equal(
        source.predict_from_structure(rows), model.predict(rows)
    )


@pytest.mark.parametrize("name", MODELS)
def test_rows_do_not_depend_on_each_other(name):
    model, data, _ = MODELS[name]
    X, y = data()
    source = find_exact_source(model.fit(X, y), X, 1.0)
    together = source.probits(X[:40], 0.3)[0]
    alone = np.concatenate([source.probits(X[[i]], 0.3)[0] for i in range(40)])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


def declined(model, X):
    with pytest.raises(Declined) as info:
        find_exact_source(model, X, 0.5)
    return str(info.value)


class Contrarian(LogisticRegression):
    def predict(self, X):
        return self.classes_[0] * np.ones(len(X), dtype=int)


class ContraryTree(DecisionTreeClassifier):
    pass


class ContraryForest(RandomForestClassifier):
    pass


@pytest.mark.parametrize("model", [Contrarian(), ContraryTree(), ContraryForest()])
def test_a_subclass_is_refused(model):
    X, y = moons()
    assert "has no closed form" in declined(model.fit(X, y), X)


def test_a_namesake_is_refused():
    X, y = moons()
    for known in (LogisticRegression, DecisionTreeClassifier):
        namesake = type(known.__name__, (known,), {})
        assert "has no closed form" in declined(namesake().fit(X, y), X)
    namesake = type("StandardScaler", (StandardScaler,), {})
    model = make_pipeline(namesake(), LogisticRegression()).fit(X, y)
    assert "not known to be affine" in declined(model, X)


@pytest.mark.parametrize("model", [BernoulliNB(), DummyClassifier(), SVC()])
def test_other_types_are_refused(model):
    X, y = moons()
    reason = declined(model.fit(X, y), X)
    assert "has no closed form" in reason or "kernel 'rbf'" in reason


def test_a_replaced_predict_is_refused():
    X, y = moons()
    for model in (LogisticRegression(), make_pipeline(LogisticRegression())):
        model.fit(X, y)
        model.predict = lambda X: np.zeros(len(X), dtype=int)
        assert "predict was replaced" in declined(model, X)


def test_a_structure_that_contradicts_predict_is_refused(monkeypatch):
    X, y = moons()
    model = LogisticRegression().fit(X, y)
    honest = LogisticRegression.decision_function
    monkeypatch.setattr(
        LogisticRegression, "decision_function", lambda self, X: honest(self, X) - 1.0
    )
    assert "self-check failed" in declined(model, X)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(),
        ExtraTreeClassifier(),
        RandomForestClassifier(2),
        ExtraTreesClassifier(2),
    ],
)
def test_several_outputs_are_refused(model):
    X, y = moons()
    assert "multi-output" in declined(model.fit(X, np.stack([y, 1 - y], axis=1)), X)


def test_rows_that_are_no_finite_vectors_are_refused():
    X, y = moons()
    model = DecisionTreeClassifier().fit(X, y)
    holed = X.copy()
    holed[0, 0] = np.nan
    assert "missing values" in declined(model, holed)
    assert "not vectors" in declined(model, X[:, :, np.newaxis])
    assert "not numbers" in declined(model, X.astype(object) + 1j)


def test_wrong_arguments_are_named():
    X, y = moons()
    with pytest.raises(NotFittedError):
        find_exact_source(LogisticRegression(), X, 0.5)
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="X_sample has 1 features"):
        find_exact_source(model, X[:, :1], 0.5)
    with pytest.raises(ValueError, match="sigma=0"):
        find_exact_source(model, X, 0)
    source = find_exact_source(model, X, 0.5)
    with pytest.raises(ValueError, match=r"X has shape \(300, 1\)"):
        source.probits(X[:, :1], 0.5)
    with pytest.raises(ValueError, match="sigma=-1"):
        source.probits(X, -1)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(3, max_depth=4, random_state=0),
        GradientBoostingClassifier(max_depth=1, n_estimators=5),
        HistGradientBoostingClassifier(max_leaf_nodes=2, max_iter=5),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_named_features_raise_no_warning(model):
    pd = pytest.importorskip("pandas")
    X, y = two_classes()
    model.fit(pd.DataFrame(X, columns=list("abcde")), y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_exact_source(model, X[:, :], 0.5).probits(X[:5], 0.5)


@pytest.mark.parametrize(
    "model",
    [
        Perceptron(),
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(3, random_state=0),
        AdaBoostClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=3),
    ],
)
def test_labels_may_be_words(model):
    X, y = moons()
    by_number = find_exact_source(model.fit(X, y), X, 0.5).probits(X, 0.5)
    words = np.array(["no", "yes"])
    source = find_exact_source(model.fit(X, words[y]), X, 0.5)
    assert list(source.classes) == ["no", "yes"]
    np.testing.assert_allclose(source.probits(X, 0.5), by_number, rtol=1e-12)


def test_a_frozen_estimator_is_looked_through():
    X, y = moons()
    model = make_pipeline(
        FrozenEstimator(StandardScaler().fit(X)),
        FrozenEstimator(DecisionTreeClassifier(random_state=0).fit(X, y)),
    ).fit(X, y)
    plain = make_pipeline(*(step.estimator for _, step in model.steps))
    np.testing.assert_array_equal(
        find_exact_source(FrozenEstimator(model), X, 0.5).probits(X, 0.5)[0],
        find_exact_source(plain, X, 0.5).probits(X, 0.5)[0],
    )


def test_scores_for_many_classes():
    X, y = make_classification(
        400, 8, n_informative=6, n_classes=7, n_clusters_per_class=1, random_state=0
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    assert "7 classes" in declined(model, X)
    coef, intercept = find_linear_scores(model, X, 0.5)
    assert coef.shape == (7, 8)
    np.testing.assert_array_equal(
        np.argmax(X @ coef.T + intercept, axis=1), model.predict(X)
    )
    with pytest.raises(Declined, match="not known to be linear"):
        find_linear_scores(DecisionTreeClassifier().fit(X, y), X, 0.5)


def test_costs_grow_with_the_model_and_are_the_same_in_every_run():
    X, y = two_classes()
    cost = [
        find_exact_source(model.fit(X, y), X, 0.5).cost_per_row(100)
        for model in [
            LogisticRegression(),
            DecisionTreeClassifier(max_depth=2, random_state=0),
            DecisionTreeClassifier(random_state=0),
            DecisionTreeClassifier(random_state=0),
        ]
    ]
    assert cost[0] < cost[1] < cost[2] == cost[3]
    source = find_exact_source(LogisticRegression().fit(X, y), X, 0.5)
    forest = RandomForestClassifier(50, max_leaf_nodes=2, random_state=0).fit(X, y)
    assert find_exact_source(forest, X, 0.5).vote_cost > 3 * source.vote_cost
    # One vote costs about as much as the closed form for a row.
    assert source.break_even_votes(10**6) < 10 < source.break_even_votes(1)


def test_a_class_with_the_name_of_one_of_a_library_that_is_not_installed():
    for name in ("XGBClassifier", "LGBMClassifier", "ExplainableBoostingClassifier"):
        stranger = type(name, (DecisionTreeClassifier,), {})
        X, y = two_classes()
        with pytest.raises(Declined, match=f"{name} has no closed form"):
            find_exact_source(stranger().fit(X, y), X, 0.5)
