# SPDX-License-Identifier: BSD-3-Clause
"""Votes with noise in the space behind an affine map keep their law."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import chi2_contingency, kstest
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.noise import Gaussian, Stage
from sksmooth.votes import Declined, MonteCarloVotes
from sksmooth.votes._reduced_noise import find_reduced_votes
from sksmooth.votes._registry import find_reduced_noise
from sksmooth.votes.sampled import ReducedNoiseVotes, ReducedSpace
from tests.fast_case import model_of
from tests.source_case import SIGMA, SourceCase


class ReducedCase(SourceCase):
    kind = ReducedNoiseVotes
    find = staticmethod(find_reduced_noise)

    def test_labels_are_those_of_predict(self):
        estimator, X = self.model().estimator, self.samples()
        source = self.source()
        noise = np.random.default_rng(0).standard_normal((60, *X.shape))
        for sigma in (0.05, 0.5, 5.0):
            noisy = (X + sigma * noise).reshape(-1, X.shape[1])
            positions = source.vote(source.space.coordinates(noisy), X, None)
            labels = estimator.classes_[positions]
            assert_array_equal(labels, estimator.predict(noisy))


class TestPCAForest(ReducedCase):
    estimator = staticmethod(
        lambda: make_pipeline(
            StandardScaler(),
            PCA(2, whiten=True),
            RandomForestClassifier(9, random_state=0),
        )
    )


class TestPerceptron(ReducedCase):
    estimator = staticmethod(
        lambda: MLPClassifier((2, 5), solver="lbfgs", random_state=2)
    )


@pytest.fixture(scope="module")
def data():
    """Samples of 12 features and labels of three classes."""
    X, y = SourceCase.data()
    mix = np.random.default_rng(3).standard_normal((3, 12)) / 2
    return X @ mix + 0.1 * np.random.default_rng(4).standard_normal((150, 12)), y


def test_votes_have_the_law_of_noise_on_all_features(data):
    """The same test tells noise apart that is 8 % wider."""
    X, y = data
    some, n_votes = X[:24], 6000
    rows, sizes = np.arange(len(some)), np.full(len(some), n_votes)
    estimator = make_pipeline(
        MinMaxScaler(), PCA(3), MLPClassifier((2,), solver="lbfgs", random_state=0)
    ).fit(X, y)
    slow = MonteCarloVotes(model_of(estimator)).open(some)
    expected = slow.draw(rows, sizes, Stage.PILOT)
    pvalues = []
    for factor in (1.0, 1.08):
        model = model_of(estimator, law=Gaussian(factor * SIGMA))
        votes = find_reduced_votes(model, some)
        for pair in zip(
            votes.open(some).draw(rows, sizes, Stage.ESTIMATE), expected, strict=True
        ):
            counts = np.stack(pair)
            counts = counts[:, counts.sum(axis=0) > 20]
            pvalues.append(chi2_contingency(counts)[1])
    right, wider = np.array(pvalues).reshape(2, -1)
    assert kstest(right, "uniform").pvalue > 1e-3
    assert right.min() > 1e-5
    assert kstest(wider, "uniform").pvalue < 1e-6


@pytest.mark.parametrize(
    "steps",
    [
        (PCA(4), KNeighborsClassifier()),
        (StandardScaler(), PCA(3, whiten=True), SVC()),
        (SelectKBest(k=5), KNeighborsClassifier()),
        (MLPClassifier((4,), solver="lbfgs", activation="tanh"),),
        (MLPClassifier((6,), solver="lbfgs", activation="logistic"),),
        (PCA(4), MLPClassifier((6, 3), solver="lbfgs", activation="identity")),
    ],
)
def test_labels_are_those_of_predict(data, steps):
    X, y = data
    for labels in (y, y > 0):
        estimator = make_pipeline(*steps).fit(X, labels)
        source = find_reduced_votes(model_of(estimator), X)
        assert source.space.rank < 12
        for sigma in (0.05, 0.5, 5.0):
            noise = np.random.default_rng(0).standard_normal((4, *X.shape))
            noisy = (X + sigma * noise).reshape(-1, 12)
            positions = source.vote(source.space.coordinates(noisy), X, None)
            found = estimator.classes_[positions]
            assert_array_equal(found, estimator.predict(noisy))


@pytest.fixture(scope="module")
def wide():
    """Samples of 100 features, of which 12 say something, and their labels."""
    X, y = SourceCase.data()
    rng = np.random.default_rng(3)
    X = np.column_stack([X, rng.standard_normal((len(X), 100 - X.shape[1]))])
    return X[:, rng.permutation(100)], y


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(max_depth=4, random_state=0),
        ExtraTreesClassifier(3, max_depth=3, random_state=0),
        # Two trees that are sure of different classes are a tie.
        BaggingClassifier(DecisionTreeClassifier(max_depth=3), 2, random_state=0),
        GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4),
        make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)),
        make_pipeline(PCA(90), DecisionTreeClassifier(max_depth=3)),
    ],
)
def test_noise_is_drawn_in_the_features_that_trees_compare(wide, estimator):
    X, y = wide
    estimator.fit(X, y)
    source = find_reduced_votes(model_of(estimator), X)
    assert source.space.rank <= 36
    noise = np.random.default_rng(0).standard_normal((5, *X.shape))
    for sigma in (0.05, 0.5, 5.0):
        noisy = (X + sigma * noise).reshape(-1, X.shape[1])
        coordinates = source.space.coordinates(noisy)
        if len(getattr(estimator, "steps", "")) == 0:
            # Features as they are: nothing is rounded.
            assert_array_equal(source.space.outputs(coordinates), coordinates)
            assert all(np.isin(column, noisy).all() for column in coordinates[:3].T)
        positions = source.vote(coordinates, X, None)
        found = estimator.classes_[positions]
        assert_array_equal(found, estimator.predict(noisy))


def test_ties_of_bagged_trees_are_left_to_predict(wide):
    X, y = wide
    bagging = BaggingClassifier(DecisionTreeClassifier(), 2, random_state=0).fit(X, y)
    source = find_reduced_votes(model_of(bagging), X)
    proba = bagging.predict_proba(X)
    tied = np.sort(proba, axis=1)
    is_tied = tied[:, -1] == tied[:, -2]
    assert is_tied.sum() > 3
    seen, predicted = [], source.head._predicted
    source.head._predicted = lambda rows: seen.append(len(rows)) or predicted(rows)
    positions = source.vote(source.space.coordinates(X), X, None)
    assert seen == [is_tied.sum()]
    assert_array_equal(bagging.classes_[positions], bagging.predict(X))


def test_trees_have_the_law_of_noise_on_all_features(wide):
    X, y = wide
    some, n_votes = X[:12], 6000
    rows, sizes = np.arange(len(some)), np.full(len(some), n_votes)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    slow = MonteCarloVotes(model_of(tree)).open(some)
    expected = slow.draw(rows, sizes, Stage.PILOT)
    pvalues = []
    for factor in (1.0, 1.15):
        votes = find_reduced_votes(model_of(tree, law=Gaussian(factor * SIGMA)), some)
        found = votes.open(some).draw(rows, sizes, Stage.ESTIMATE)
        for counts in np.stack([found, expected], axis=1):
            seen = counts[:, counts.sum(axis=0) > 20]
            if seen.shape[1] > 1:
                pvalues.append((factor, chi2_contingency(seen)[1]))
    right, wider = ([p for of, p in pvalues if of == factor] for factor in (1.0, 1.15))
    assert len(right) > 6
    assert min(right) > 1e-4
    assert kstest(right, "uniform").pvalue > 1e-3
    assert min(wider) < 1e-6
    assert kstest(wider, "uniform").pvalue < 1e-3


def test_it_serves_scales_and_frames(data):
    pd = pytest.importorskip("pandas")
    X, y = data
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(12)])
    estimator = make_pipeline(PCA(3), SVC()).fit(frame, y)
    scale = np.linspace(0.5, 2.0, 12)
    settings = {"sigma": 0.3, "feature_scale": scale, "random_state": 0}
    answers = []
    for method in ("auto", "monte_carlo"):
        smoothed = SmoothedClassifier.from_fitted(
            estimator, method=method, n_predict=1000, **settings
        )
        answers.append(smoothed.predict_proba(frame[:8]))
        name = smoothed.vote_source(frame[:8]).name
        assert name == {"auto": "ReducedNoiseVotes"}.get(method, "MonteCarloVotes")
    assert np.abs(answers[0] - answers[1]).max() < 5 * np.sqrt(0.5 / 1000)


def test_samples_far_from_the_others_are_left_to_predict(data):
    X, y = data
    estimator = make_pipeline(PCA(3), SVC()).fit(X, y)
    far = X[:4].copy()
    far[1:3] += 1e7
    source = find_reduced_votes(model_of(estimator), X)
    assert_array_equal(source.is_far(far), [False, True, True, False])
    rows, sizes = np.arange(4), np.full(4, 50)
    counts = source.open(far).draw(rows, sizes, Stage.ESTIMATE)
    asked = source.votes_of_predict.open(far).draw(rows, sizes, Stage.ESTIMATE)
    assert counts.dtype == np.int64
    assert_array_equal(counts[1:3], asked[1:3])
    alone = source.open(far[3:]).draw(rows[:1], sizes[:1], Stage.ESTIMATE)
    assert_array_equal(counts[3:], alone)


def test_neighbors_are_no_further_apart_in_coordinates():
    """What a radius is reduced by covers the rounding of both of two samples."""
    rng = np.random.default_rng(0)
    matrix, center = rng.standard_normal((4, 50)), rng.standard_normal(50)
    space = ReducedSpace(matrix, np.zeros(4), center)
    law = Gaussian(0.1)
    given_up = law.grid_slack(50)
    X = 100 * rng.standard_normal((500, 50))
    for distance in (1e-9, 1e-3, 10.0):
        moves = matrix[rng.integers(4, size=500)] + rng.standard_normal((500, 50)) / 10
        moves *= distance / np.linalg.norm(moves, axis=1, keepdims=True)
        first, second = (law.snap(space.coordinates(Z)) for Z in (X, X + moves))
        apart = np.linalg.norm(first - second, axis=1)
        assert (apart <= distance + given_up).all()


def test_rounding_is_paid_for_by_what_a_radius_gives_up(data):
    """By the grid of coordinates, the error of the basis, and both of two samples."""
    X, y = data
    model = model_of(KNeighborsClassifier().fit(X, y))
    law, space = model.law, ReducedSpace(PCA(3).fit(X).components_, np.zeros(3), None)
    left = law.grid_slack(12) - law.grid_slack(3)
    space.stretch = left / 2 / (40 * law.sigma)
    source = ReducedNoiseVotes(space, None, model)
    # Half of the rest for each sample; and 1e-8 of sigma for the outputs.
    for allowed in np.array([[left / 4, 0.0], [0.0, 1e-8 * law.sigma]]):
        less, more = 0.99 * allowed, 1.01 * allowed
        space.rounding = lambda norms, reach, at=(less, more): np.stack(at).T
        assert_array_equal(source.is_far(X[:2]), [False, True])
    space.stretch = left / (40 * law.sigma)
    with pytest.raises(Declined, match="grid"):
        ReducedNoiseVotes(space, None, model)


@pytest.mark.parametrize("n_out", [4, 9])
def test_bounds_on_rounding_hold_in_exact_arithmetic(n_out):
    """Also of outputs of different sizes, in units of their rows."""
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.integers(-9, 9, size=n_out)
    even = rng.standard_normal((n_out, 4)) @ rng.standard_normal((4, 50))
    matrix, center = sizes[:, np.newaxis] * even, rng.standard_normal(50)
    shift = sizes * rng.standard_normal(n_out)
    space = ReducedSpace(matrix, shift, center)
    assert space.rank == 4
    units = np.linalg.norm(matrix, axis=1)
    least = np.linalg.svd(matrix / units[:, np.newaxis])[1][3]
    exact = np.vectorize(Fraction, otypes=[object])
    for size in (1e-3, 1.0, 1e6):
        X = center + size * rng.standard_normal((3, 50))
        norms = np.linalg.norm(X - center, axis=1)
        found = space.coordinates(X)
        apart = found - (exact(X) - exact(center)) @ exact(space.basis)
        outputs = exact(found) @ exact(space.basis).T @ exact(matrix).T + exact(shift)
        moved = (space.outputs(found) - outputs) / units / least
        of_predict = (X - center) @ matrix.T + shift
        outputs = (exact(X) - exact(center)) @ exact(matrix).T + exact(shift)
        moved_there = (of_predict - outputs) / units / least
        of_coordinates, of_outputs = space.rounding(norms, 0.0)
        for differences, bound in (
            (apart, of_coordinates),
            (moved, of_outputs),
            (moved_there, of_outputs),
        ):
            assert (np.linalg.norm(differences.astype(float), axis=1) <= bound).all()
            assert (bound <= 1e-12 * (norms + 10)).all()


def test_a_unit_that_has_shrunk_is_no_direction_of_little_resolution():
    """Its outputs are as right, relative to its weights, as those of the others."""
    rng = np.random.default_rng(0)
    matrix, shift = rng.standard_normal((4, 50)), rng.standard_normal(4)
    size = np.array([1.0, 2.0**-40, 1.0, 2.0**30])
    space, scaled = (
        ReducedSpace(part[:, np.newaxis] * matrix, part * shift, None)
        for part in (np.ones(4), size)
    )
    Y = rng.standard_normal((20, 4))
    assert_array_equal(scaled.outputs(Y), size * space.outputs(Y))
    norms = np.array([0.0, 1.0, 1e6])
    for even, uneven in zip(
        space.rounding(norms, 1.0), scaled.rounding(norms, 1.0), strict=True
    ):
        assert_array_equal(even, uneven)


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (KNeighborsClassifier(), "not behind an affine map"),
        (RandomForestClassifier(5, random_state=0), r"\d+ of 12 features"),
        (make_pipeline(StandardScaler(), SVC()), "12 directions of 12"),
        (MLPClassifier((30,), max_iter=500, solver="lbfgs"), "12 directions of 12"),
    ],
)
def test_it_declines_where_nothing_is_gained(data, estimator, reason):
    X, y = data
    with pytest.raises(Declined, match=reason):
        find_reduced_votes(model_of(estimator.fit(X, y)), X)


def test_a_replaced_predict_is_declined(data):
    estimator = MLPClassifier((4,), solver="lbfgs").fit(*data)
    estimator.predict = lambda X: np.zeros(len(X), dtype=int)
    with pytest.raises(Declined, match="predict was replaced"):
        find_reduced_votes(model_of(estimator), data[0])


def test_samples_of_float32_are_declined(data):
    X, y = data[0].astype(np.float32), data[1]
    estimator = make_pipeline(PCA(3), SVC()).fit(X, y)
    with pytest.raises(Declined, match="float64"):
        find_reduced_votes(model_of(estimator), X)


def test_what_a_step_learned_anew_is_found_anew(data):
    X, y = data
    estimator = make_pipeline(PCA(3), SVC()).fit(X, y)
    before = find_reduced_votes(model_of(estimator), X)
    assert find_reduced_votes(model_of(estimator), X).space is before.space
    estimator[0].components_[0] *= -1.0
    after = find_reduced_votes(model_of(estimator), X)
    labels = estimator.classes_[after.vote(after.space.coordinates(X), X, None)]
    assert_array_equal(labels, estimator.predict(X))


def test_outputs_that_share_a_feature_are_no_selection():
    matrix = np.zeros((3, 8))
    matrix[[0, 1, 2], [5, 5, 2]] = 1.0, -2.0, 3.0
    shift, X = np.arange(3.0), np.random.default_rng(0).standard_normal((9, 8))
    for rows, rank in ((matrix, 2), (matrix[1:], 2), (matrix[:2], 1)):
        space = ReducedSpace(rows, shift[: len(rows)], None)
        assert space.rank == rank
        found = space.outputs(space.coordinates(X))
        assert np.abs(found - (X @ rows.T + shift[: len(rows)])).max() < 1e-14
