# SPDX-License-Identifier: BSD-3-Clause
"""Affine steps before a classifier: folded where that is exact, refused elsewhere."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import load_iris, make_classification
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.tree import DecisionTreeClassifier

from sksmooth.votes.exact import Declined, find_exact_source, find_linear_scores
from sksmooth.votes.exact._affine import AffineMap, fold_step

logistic = LogisticRegression(max_iter=1000)
DIAGONAL = [
    [StandardScaler()],
    [StandardScaler(with_mean=False)],
    [StandardScaler(with_std=False)],
    [MinMaxScaler()],
    [MinMaxScaler(feature_range=(-3, 1))],
    [RobustScaler()],
    [RobustScaler(with_centering=False, unit_variance=True)],
    [RobustScaler(with_scaling=False)],
    [MaxAbsScaler()],
    [SelectKBest(k=3)],
    [SelectPercentile(percentile=60)],
    [SelectFpr()],
    [SelectFdr()],
    [SelectFwe()],
    [GenericUnivariateSelect(mode="k_best", param=2)],
    [VarianceThreshold()],
    [RFE(logistic, n_features_to_select=3)],
    [SelectFromModel(logistic)],
    [SequentialFeatureSelector(logistic, n_features_to_select=2, cv=2)],
    [PCA(3)],
    [PCA(3, whiten=True)],
    [PCA(3, svd_solver="randomized", random_state=0)],
    [IncrementalPCA(3)],
    [TruncatedSVD(3, random_state=0)],
    [MinMaxScaler(), StandardScaler(), "passthrough", SelectKBest(k=3)],
    [PCA(4), StandardScaler(), SelectKBest(k=2)],
    [make_pipeline(StandardScaler(), make_pipeline(RobustScaler(), SelectKBest(k=2)))],
]
DEPENDENT = [
    [StandardScaler(), PCA(3)],
    [StandardScaler(), PCA(3, whiten=True)],
    [GaussianRandomProjection(3, random_state=0)],
    [SparseRandomProjection(3, density=1.0, random_state=0)],
    [PCA(3), GaussianRandomProjection(3, random_state=0)],
]


def data():
    X, y = make_classification(
        300, 5, n_informative=4, n_redundant=0, shift=None, scale=None, random_state=0
    )
    return X, y


def name(steps):
    return "+".join(type(step).__name__ for step in steps)


def by_hand(steps, d):
    """Matrix and offset of the steps, from what they do to the unit vectors."""
    origin, unit = np.zeros((1, d)), np.eye(d)
    for step in steps:
        if not isinstance(step, str):
            origin, unit = step.transform(origin), step.transform(unit)
    return (unit - origin).T, origin[0]


def assert_differ_by_rounding(lower, upper):
    assert (lower < upper).all()
    np.testing.assert_allclose(lower, upper, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("steps", DIAGONAL + DEPENDENT, ids=name)
def test_folded_linear_models_equal_those_composed_by_hand(steps):
    X, y = data()
    model = make_pipeline(*steps, LogisticRegression()).fit(X, y)
    fitted = [step for _, step in model.steps[:-1]]
    matrix, offset = by_hand(fitted, X.shape[1])
    last = model[-1]
    weight = last.coef_[0] @ matrix
    bias = last.coef_[0] @ offset + last.intercept_[0]
    for sigma in (0.05, 0.5, 2.0):
        lower, upper = find_exact_source(model, X, sigma).probits(X, sigma)
        margin = (X @ weight + bias) / (sigma * np.linalg.norm(weight))
        np.testing.assert_allclose(lower[:, 1], margin, rtol=1e-8, atol=1e-8)
        np.testing.assert_array_equal(lower[:, 0], -upper[:, 1])
        assert_differ_by_rounding(lower, upper)


@pytest.mark.parametrize("n_classes", range(3, 12))
def test_folding_keeps_classes_of_equal_scores_equal(n_classes):
    """Otherwise the second of them would be answered, or both by turns."""
    rng = np.random.default_rng(n_classes)
    for n_in in range(1, 40):
        coef, intercept = rng.normal(size=(n_classes, 20)), rng.normal(size=n_classes)
        coef[-1], intercept[-1] = coef[1], intercept[1]
        shift, matrix = rng.normal(size=20), rng.normal(size=(20, n_in))
        for affine in (
            AffineMap(n_in, shift, matrix=matrix),
            AffineMap.scaling(matrix[:, 0], shift),
        ):
            folded, moved = affine.fold_scores(coef, intercept)
            np.testing.assert_array_equal(folded[-1], folded[1])
            assert moved[-1] == moved[1]


def mass_of_paths(model, X, scale):
    """P(class 1) of a tree by walking it, with a noise of its own for each feature."""
    tree = model.tree_

    def walk(node, lo, hi):
        if tree.children_left[node] < 0:
            if np.argmax(tree.value[node, 0]) == 0:
                return 0.0
            return np.prod(ndtr((hi - X) / scale) - ndtr((lo - X) / scale), axis=1)
        f, cut = tree.feature[node], tree.threshold[node]
        left, right = hi.copy(), lo.copy()
        left[f], right[f] = min(hi[f], cut), max(lo[f], cut)
        return walk(tree.children_left[node], lo, left) + walk(
            tree.children_right[node], right, hi
        )

    edge = np.full(X.shape[1], np.inf)
    return walk(0, -edge, edge)


@pytest.mark.parametrize("steps", DIAGONAL, ids=name)
def test_folded_trees_equal_those_composed_by_hand(steps):
    X, y = data()
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    model = make_pipeline(*steps, tree).fit(X, y)
    matrix, _ = by_hand([step for _, step in model.steps[:-1]], X.shape[1])
    for sigma in (0.1, 0.7):
        lower, upper = find_exact_source(model, X, sigma).probits(X, sigma)
        assert_differ_by_rounding(lower, upper)
        scale = sigma * np.linalg.norm(matrix, axis=1)
        share = mass_of_paths(model[-1], model[:-1].transform(X), scale)
        # Thresholds as scikit-learn compares them differ by 6e-8, relatively.
        np.testing.assert_allclose(ndtr(lower[:, 1]), share, atol=1e-5)


@pytest.mark.parametrize(
    "last",
    [
        DecisionTreeClassifier(max_depth=3),
        RandomForestClassifier(2, max_depth=3),
        GradientBoostingClassifier(max_depth=1, n_estimators=5),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("steps", DEPENDENT, ids=name)
def test_dependent_noise_before_boxes_is_refused(steps, last):
    X, y = data()
    model = make_pipeline(*steps, last).fit(X, y)
    with pytest.raises(Declined, match="noise of its features dependent"):
        find_exact_source(model, X, 0.5)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (MinMaxScaler(clip=True), "clip=True"),
        (Normalizer(), "Normalizer is not known to be affine"),
        (PowerTransformer(), "PowerTransformer is not known"),
        (QuantileTransformer(n_quantiles=10), "QuantileTransformer is not known"),
        (FunctionTransformer(np.sign), "FunctionTransformer is not known"),
        (FrozenEstimator(Normalizer().fit(np.eye(5))), "Normalizer is not known"),
    ],
    ids=lambda v: type(v).__name__,
)
@pytest.mark.parametrize("last", [LogisticRegression(), DecisionTreeClassifier()])
def test_steps_that_are_not_affine_are_refused(step, reason, last):
    X, y = data()
    with pytest.raises(Declined, match=reason):
        find_exact_source(make_pipeline(step, last).fit(X, y), X, 0.5)


def test_clip_is_refused_where_a_scaler_has_it():
    X, y = data()
    if "clip" not in MaxAbsScaler().get_params():
        pytest.skip("MaxAbsScaler has no clip in this scikit-learn")
    model = make_pipeline(MaxAbsScaler(clip=True), LogisticRegression()).fit(X, y)
    with pytest.raises(Declined, match="clip=True"):
        find_exact_source(model, X, 0.5)


class LoudScaler(StandardScaler):
    def transform(self, X, copy=None):
        return super().transform(X) ** 3


def test_a_subclass_of_a_step_or_of_the_pipeline_is_refused():
    X, y = data()
    model = make_pipeline(LoudScaler(), LogisticRegression()).fit(X, y)
    with pytest.raises(Declined, match="LoudScaler is not known"):
        find_exact_source(model, X, 0.5)

    class Line(Pipeline):
        pass

    model = Line([("last", LogisticRegression())]).fit(X, y)
    with pytest.raises(Declined, match="Line has no closed form"):
        find_exact_source(model, X, 0.5)


def test_a_step_that_transforms_otherwise_than_its_type_fails_the_self_check():
    X, y = data()
    scaler = StandardScaler()
    model = make_pipeline(scaler, LogisticRegression()).fit(X, y)
    scaler.transform = lambda X: X + 1.0
    with pytest.raises(Declined, match="self-check failed"):
        find_exact_source(model, X, 0.5)


def test_a_feature_made_constant_is_refused_before_a_tree():
    X, y = data()
    scaler = SparseRandomProjection(3, density=1.0, random_state=0)
    model = make_pipeline(scaler, DecisionTreeClassifier()).fit(X, y)
    scaler.components_ = np.zeros((3, 5))
    with pytest.raises(Declined, match="to a constant"):
        find_exact_source(model, X, 0.5)


def test_three_classes_behind_a_scaler():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), PCA(3), logistic).fit(X, y)
    coef, intercept = find_linear_scores(model, X, 0.5)
    score = model.decision_function(X)
    np.testing.assert_allclose(
        X @ coef.T + intercept, score, rtol=1e-9, atol=1e-9 * np.abs(score).max()
    )
    share = ndtr(find_exact_source(model, X, 0.5).probits(X, 0.5)[0])
    np.testing.assert_allclose(share.sum(axis=1), 1, atol=1e-12)


def test_many_features_are_scaled_without_a_square_matrix():
    n_features = 20_000
    X = np.random.default_rng(0).normal(size=(4, n_features))
    affine = fold_step(StandardScaler().fit(X), n_features)
    assert affine.matrix is None
    chosen = SelectKBest(k=2).fit(X, [0, 1, 0, 1])
    narrow = affine.then(fold_step(chosen, n_features))
    assert narrow.matrix is None and narrow.n_features_out == 2
