# SPDX-License-Identifier: BSD-3-Clause
"""Labels computed in place of `predict`: the same ones, found, forgotten, declined."""

from itertools import product

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from sksmooth import SmoothedClassifier
from sksmooth.votes import Declined, MonteCarloVotes
from sksmooth.votes._registry import find_any
from sksmooth.votes.fast import (
    FastPredictor,
    _neighbors,
    fast_predictor,
    find_predictor,
)
from sksmooth.votes.fast._predictor import may_not_lead, surely_largest
from tests.fast_case import FastCase, fast_votes, fitted, model_of, next_to_ties
from tests.source_case import SourceCase


class TestFastVotes(SourceCase):
    """They are a source of votes as any other."""

    kind = MonteCarloVotes
    find = staticmethod(find_any)
    estimator = staticmethod(GaussianNB)

    def test_it_has_a_fast_path(self):
        assert self.source().fast is not None

    def declined(self):
        return ()  # what has no fast path is predicted


class TestGaussianNB(FastCase):
    @staticmethod
    def estimators():
        return [
            GaussianNB(),
            GaussianNB(priors=[0.9, 0.05, 0.05]),
            GaussianNB(var_smoothing=10.0),
        ]


class TestSVC(FastCase):
    @staticmethod
    def estimators():
        return [
            SVC(),
            SVC(gamma=5.0, C=100.0, class_weight={0: 3.0}),
            SVC(break_ties=True, decision_function_shape="ovr"),
            SVC(kernel="poly", degree=4, coef0=0.5),
            SVC(kernel="linear"),
            SVC(kernel="sigmoid", gamma=0.2, coef0=-0.1),
            NuSVC(nu=0.3),
        ]


class TestMLP(FastCase):
    @staticmethod
    def estimators():
        settings = {"learning_rate_init": 0.05, "tol": 0.05, "random_state": 0}
        return [
            MLPClassifier((20,), **settings),
            MLPClassifier((8, 6), activation="tanh", **settings),
            MLPClassifier((10,), activation="logistic", **settings),
            MLPClassifier((5,), activation="identity", **settings),
        ]

    def test_few_rows_are_left_to_float64(self):
        X, y = self.data()
        predictor = find_predictor(self.estimators()[0].fit(X, y))
        single, double = predictor.tiers
        assert single.layers.dtype == np.float32
        _, unsure = single.positions(X)
        assert unsure.mean() < 0.01
        # Rows next to a tie are open in float32, of which float64 settles most.
        rows = next_to_ties(self.estimators()[0].fit(X, y), X)
        rows = rows + 1e-9 * np.random.default_rng(0).standard_normal(rows.shape)
        assert single.positions(rows)[1].all()
        assert not double.positions(rows)[1].any()


class TestMLPTwoClasses(TestMLP):
    @staticmethod
    def estimators():
        return TestMLP.estimators()[:2]

    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X, np.where(y > 0, "b", "a")


class TestNeighbors(FastCase):
    has_rounding = False  # ties of distances, of which some change no label

    @staticmethod
    def estimators():
        return [
            KNeighborsClassifier(algorithm="brute"),
            KNeighborsClassifier(8, algorithm="kd_tree"),
            KNeighborsClassifier(1, p=2, algorithm="ball_tree"),
        ]


class TestMembers(FastCase):
    has_rounding = False  # labels that are open are those of members

    @staticmethod
    def estimators():
        members = [
            ("svc", make_pipeline(StandardScaler(), SVC())),
            ("linear", LogisticRegression()),
            ("nb", GaussianNB()),
        ]
        return [
            VotingClassifier(members),
            VotingClassifier(members, weights=[0.2, 0.3, 0.5]),
            BaggingClassifier(SVC(), 4, max_features=2, random_state=0),
        ]


class TestCalibrated(FastCase):
    @staticmethod
    def estimators():
        svc = make_pipeline(StandardScaler(), SVC(kernel="poly", coef0=1.0))
        return [
            CalibratedClassifierCV(SVC(), cv=2),
            CalibratedClassifierCV(svc, cv=2, ensemble=False),
        ]


class TestCalibratedTwoClasses(TestCalibrated):
    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X, np.where(y > 0, "b", "a")


class TestOneVersusRest(FastCase):
    @staticmethod
    def estimators():
        return [
            OneVsRestClassifier(SVC()),
            OneVsRestClassifier(SVC(kernel="poly", coef0=1.0)),
        ]


class TestOneVersusRestTwoClasses(TestOneVersusRest):
    @staticmethod
    def data():
        X, y = SourceCase.data()
        return X, np.where(y > 0, "b", "a")


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (VotingClassifier([("nb", GaussianNB())], voting="soft"), "probabilities"),
        (VotingClassifier([("linear", LogisticRegression())]), "no member"),
        (OneVsRestClassifier(LogisticRegression()), "LogisticRegression"),
        (CalibratedClassifierCV(SVC(), method="isotonic", cv=2), "isotonic"),
        (CalibratedClassifierCV(GaussianNB(), cv=2), "GaussianNB inside"),
        (OneVsRestClassifier(GaussianNB()), "GaussianNB inside"),
        (
            VotingClassifier(
                [("a", GaussianNB()), ("b", SVC()), ("c", SVC(C=9))], weights=[1, 2, -1]
            ),
            "negative",
        ),
    ],
)
def test_ensembles_of_other_kinds_are_declined(estimator, reason):
    X, y = SourceCase.data()
    with pytest.raises(Declined, match=reason):
        fast_votes(estimator.fit(X, y), X)


def test_a_changed_member_is_found_anew():
    X, y = SourceCase.data()
    estimator = VotingClassifier([("nb", GaussianNB()), ("svc", SVC())]).fit(X, y)
    before = fast_votes(estimator, X).fast.predictor
    estimator.estimators_[0].theta_[:] += 1.0
    after = fast_votes(estimator, X)
    assert after.fast.predictor is not before
    labels = estimator.classes_[after.vote(X, X, np.arange(len(X)))]
    assert_array_equal(labels, estimator.predict(X))


def test_neighbors_at_equal_distances_are_left_to_predict():
    X = np.array([[-1.0, 0.0], [1.0, 0.0], [-1.0, 4.0], [1.0, 4.0]])
    estimator = KNeighborsClassifier(1).fit(X, [0, 1, 2, 2])
    rows = np.column_stack([np.zeros(5), [-1.0, 0.0, 1.0, 3.0, 4.0]])
    votes = fast_votes(estimator, X)
    _, unsure = votes.fast.predictor.positions(rows)
    # Both of the last two rows' nearest samples have the same class.
    assert_array_equal(unsure, [True, True, True, False, False])
    labels = estimator.classes_[votes.vote(rows, rows, np.arange(5))]
    assert_array_equal(labels, estimator.predict(rows))


def test_a_neighbor_is_nearest_only_by_more_than_the_rounding_of_distances():
    """Two samples, and rows that are nearly as far from one as from the other."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2, 200))
    estimator = KNeighborsClassifier(1, algorithm="brute").fit(X, [0, 1])
    between, middle = X[1] - X[0], X.mean(axis=0)
    rows = rng.standard_normal((10_000, 200))
    place = (middle - rows) @ between / (between @ between)
    place += rng.uniform(-2e-8, 2e-8, len(rows))
    rows += place[:, np.newaxis] * between
    positions, unsure = find_predictor(estimator).positions(rows)
    labels = estimator.predict(rows)
    assert 0.4 < labels.mean() < 0.6
    assert_array_equal(positions[~unsure], labels[~unsure])


def test_distances_are_not_told_apart_by_bits_that_are_cut_off():
    """A ring of samples, each of another class than those beside it."""
    rng = np.random.default_rng(0)
    n = 1000
    angle = np.arange(n) * 2 * np.pi / n
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    estimator = KNeighborsClassifier(1, algorithm="brute").fit(X, np.arange(n) % 2)
    between = angle + np.pi / n + rng.uniform(-2e-4, 2e-4, (20, n))
    length = rng.uniform(0.02, 0.1, between.shape)
    rows = np.stack([length * np.cos(between), length * np.sin(between)], axis=-1)
    rows = rows.reshape(-1, 2)
    positions, unsure = find_predictor(estimator).positions(rows)
    assert_array_equal(positions[~unsure], estimator.predict(rows)[~unsure])


@pytest.mark.parametrize("few", [0, 601])
def test_neighbors_are_found_among_samples_in_any_order(few, monkeypatch):
    monkeypatch.setattr(_neighbors, "_FEW_SAMPLES", few)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((601, 3))
    # In groups of equal remainders, as they are searched, and in increasing order.
    for order in (np.argsort(np.arange(601) % 50), np.argsort(X[:, 0])):
        y = rng.integers(3, size=601)
        for k in (1, 5, 120, 600):
            estimator = KNeighborsClassifier(k, algorithm="brute").fit(X[order], y)
            rows = rng.standard_normal((40, 3))
            predictor = fast_votes(estimator, X).fast.predictor
            positions, unsure = predictor.positions(rows)
            assert unsure.sum() <= 4
            assert_array_equal(positions[~unsure], estimator.predict(rows)[~unsure])


@pytest.mark.parametrize("size", [1e-15, 1e-13, 1e13, 1e16])
def test_neighbors_are_found_whatever_the_unit_of_the_features_is(size):
    rng = np.random.default_rng(0)
    X, rows = size * rng.standard_normal((200, 3)), size * rng.standard_normal((90, 3))
    rows[:3] *= [[1e3], [1e6], [0.0]]
    estimator = KNeighborsClassifier(5, algorithm="brute").fit(X, np.arange(200) % 3)
    positions, unsure = find_predictor(estimator).positions(rows)
    assert unsure.sum() <= 9
    assert_array_equal(positions[~unsure], estimator.predict(rows)[~unsure])


def test_neighbors_in_a_tree_of_many_samples_are_left_to_predict():
    X, y = np.random.default_rng(0).standard_normal((600, 2)), np.arange(600) % 2
    with pytest.raises(Declined, match="600 samples of 2 features in a tree"):
        fast_votes(KNeighborsClassifier(algorithm="kd_tree").fit(X, y), X)
    assert fast_votes(KNeighborsClassifier(algorithm="brute").fit(X, y), X).fast


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"p": 1}, "metric"),
        ({"metric": "cosine"}, "metric"),
        ({"weights": "distance"}, "weights"),
        ({"n_neighbors": 150}, "150 samples"),
    ],
)
def test_neighbors_of_other_kinds_are_declined(settings, reason):
    X, y = SourceCase.data()
    with pytest.raises(Declined, match=reason):
        fast_votes(KNeighborsClassifier(**settings).fit(X, y), X)


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf", "sigmoid"])
def test_the_error_of_a_decision_is_within_its_bound(kernel):
    """Against exact arithmetic, and against what libsvm computes."""
    rng = np.random.default_rng(0)
    X = 100.0 + rng.standard_normal((40, 3))
    y = np.arange(40) % 3
    estimator = SVC(kernel=kernel, C=10.0, gamma=1e-3).fit(X, y)
    estimator.set_params(decision_function_shape="ovo")
    rows = np.concatenate([X[:10], X[:10] + 30.0])
    predictor = fast_votes(estimator, X).fast.predictor
    for kernel_of in predictor.kernels:
        decisions, error = predictor.decisions(rows, kernel_of)
        assert (np.abs(decisions - estimator.decision_function(rows)) <= error).all()
    assert (error < 1e-3 * (1 + np.abs(decisions).max())).all()
    with mpmath.workdps(50):
        for row, decision, bound in zip(
            rows[::4], decisions[::4], error[::4], strict=True
        ):
            exact = _exact_decisions(estimator, row)
            assert all(
                abs(mpmath.mpf(d) - e) <= b
                for d, e, b in zip(decision, exact, bound, strict=True)
            )


@pytest.mark.parametrize("kernel", ["poly", "rbf", "sigmoid"])
def test_the_bound_of_a_sum_covers_any_order_of_its_terms(kernel):
    X, y = SourceCase.data()
    estimator = SVC(kernel=kernel, gamma=0.1).fit(X, y > 0)
    predictor = fast_votes(estimator, X).fast.predictor
    size = np.abs(estimator.dual_coef_).sum()
    assert predictor.kernels
    for one in predictor.kernels:
        values, _, of_values = one._values(X)
        _, error = one.sums(X)
        unit = np.finfo(values.dtype).eps / 2
        of_sum = len(estimator.support_vectors_) * unit * np.abs(values).max(axis=1)
        assert (error[:, 0] >= size * (of_values + of_sum)).all()


def test_scores_of_classes_are_within_their_bound():
    """Which is infinite where the decision of a pair is open."""
    X, y = SourceCase.data()
    estimator = SVC().fit(X, y)
    predictor = fast_votes(estimator, X).fast.predictor
    at_ties = next_to_ties(estimator, X)
    assert predictor.kernels and len(at_ties)
    for kernel in predictor.kernels:
        scores, error = predictor.scores(X, kernel)
        assert (np.abs(scores - estimator.decision_function(X)) <= error).all()
        assert (error < 1e-2).all()
        _, error = predictor.scores(at_ties, kernel)
        assert np.isinf(error).all()


def test_an_intercept_far_larger_than_the_sum_is_rounded_too():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), np.arange(40) % 3
    estimator = SVC(gamma=1.0).fit(X, y)
    estimator._intercept_ = estimator.intercept_ = 1e9 * (1 + rng.random(3))
    rows = rng.standard_normal((8, 3)) + 4.0
    predictor = fast_votes(estimator, X).fast.predictor
    decisions, error = predictor.decisions(rows, predictor.kernels[-1])
    with mpmath.workdps(50):
        for row, decision, bound in zip(rows, decisions, error, strict=True):
            for d, e, b in zip(
                decision, _exact_decisions(estimator, row), bound, strict=True
            ):
                assert abs(mpmath.mpf(d) - e) <= b < 1e-5


def _exact_decisions(estimator, row):
    gamma, coef0 = mpmath.mpf(estimator.gamma), mpmath.mpf(estimator.coef0)
    inner = [
        sum(mpmath.mpf(a) * mpmath.mpf(b) for a, b in zip(row, vector, strict=True))
        for vector in estimator.support_vectors_
    ]
    match estimator.kernel:
        case "linear":
            values = inner
        case "poly":
            values = [(gamma * at + coef0) ** estimator.degree for at in inner]
        case "sigmoid":
            values = [mpmath.tanh(gamma * at + coef0) for at in inner]
        case "rbf":
            values = [
                mpmath.exp(
                    -gamma
                    * sum(
                        (mpmath.mpf(a) - mpmath.mpf(b)) ** 2
                        for a, b in zip(row, vector, strict=True)
                    )
                )
                for vector in estimator.support_vectors_
            ]
    owner = np.repeat(np.arange(3), estimator.n_support_)
    decisions = []
    for at, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        total = mpmath.mpf(estimator.intercept_[at])
        for k, value in enumerate(values):
            if owner[k] in (i, j):
                row_of = j - 1 if owner[k] == i else i
                total += mpmath.mpf(estimator.dual_coef_[row_of, k]) * value
        decisions.append(total)
    return decisions


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (SVC(kernel=lambda A, B: A @ B.T), "kernel"),
        (SVC(kernel="precomputed"), "kernel"),
    ],
)
def test_kernels_that_are_not_known_are_declined(estimator, reason):
    X = SourceCase.data()[0]
    X = X @ X.T if estimator.kernel == "precomputed" else X
    with pytest.raises(Declined, match=reason):
        fast_votes(estimator.fit(X, SourceCase.data()[1]), X)


def test_a_variance_of_zero_is_declined():
    X = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    estimator = GaussianNB(var_smoothing=0.0).fit(X, [0, 0, 1, 1])
    with (
        np.errstate(all="ignore"),
        pytest.raises(Declined, match="variance or a prior"),
    ):
        fast_votes(estimator, X)


def test_likelihoods_that_differ_by_rounding_alone_are_left_to_predict():
    """Classes of permuted features, which are added in another order."""
    rng = np.random.default_rng(0)
    estimator = GaussianNB().fit(rng.standard_normal((20, 9)), np.arange(20) % 2)
    for _ in range(20):
        order, variance, mean = rng.permutation(9), *rng.uniform(0.1, 10.0, (2, 9))
        estimator.var_ = np.stack([variance, variance[order]])
        # At the middle of both means, and far from them.
        for means, at in (
            (np.outer([1.0, -1.0], np.full(9, mean[0])), 0.0),
            (np.stack([mean, mean[order]]), 1e4),
        ):
            estimator.theta_ = means
            _, unsure = find_predictor(estimator).positions(np.full((1, 9), at))
            assert unsure.all()


@pytest.mark.parametrize("most", [5, 15, 30, 60])
def test_likelihoods_of_any_size_are_those_of_predict_or_left_to_it(most):
    """Also where numbers of single precision underflow or overflow."""
    rng = np.random.default_rng(most)
    estimator = GaussianNB().fit(rng.standard_normal((30, 6)), np.arange(30) % 3)
    settled = set()
    for _ in range(60):
        means, sizes = 10.0 ** rng.uniform(-most, most, (2, 6))
        estimator.theta_ = rng.standard_normal((3, 6)) * means
        estimator.var_ = 10.0 ** rng.uniform(-most, most, (3, 6))
        rows = rng.standard_normal((2, 50, 6)) * np.stack([means, sizes])[:, np.newaxis]
        rows = rows.reshape(-1, 6)
        labels = estimator.predict(rows)
        for form in find_predictor(estimator).forms:
            with np.errstate(all="ignore"):
                positions, unsure = surely_largest(*form.scores(rows))
            assert_array_equal(positions[~unsure], labels[~unsure])
            settled.add((form.dtype, bool((~unsure).any())))
    assert (np.float64, True) in settled
    assert most > 30 or (np.float32, True) in settled


def test_most_likelihoods_are_settled_in_single_precision():
    estimators, X = fitted(TestGaussianNB)
    for estimator in estimators:
        single, double = find_predictor(estimator).forms
        assert (single.dtype, double.dtype) == (np.float32, np.float64)
        _, unsure = surely_largest(*single.scores(FastCase.noisy(X, 0.5)))
        assert unsure.mean() < 0.01


def test_a_class_that_surely_wins_all_its_pairs_leads():
    """Whatever the open pairs of other classes are; with an open one it may not."""
    y = np.arange(40) % 4
    predictor = find_predictor(SVC().fit(np.eye(4)[y] + 0.01 * y[:, np.newaxis], y))
    first, second = np.triu_indices(4, 1)
    decisions = np.where(first == 1, 1.0, np.where(second == 1, -1.0, 0.5))
    error = np.where((first == 1) | (second == 1), 0.5, 2.0)
    predictor.decisions = lambda X, kernel: (decisions * X, np.tile(error, (len(X), 1)))
    positions, unsure = predictor.positions(np.array([[1.0], [0.1], [-1.0]]))
    assert positions[0] == 1
    assert_array_equal(unsure, [False, True, True])


def test_bounds_on_votes_tell_whether_another_class_may_lead():
    """Against all votes within the bounds; of equal classes the first one leads."""
    ranges = [(low, high) for low in range(3) for high in range(low, 3)]
    for bounds in product(ranges, repeat=3):
        fewest, most = np.array(bounds).T
        possible = product(*(range(low, high + 1) for low, high in bounds))
        leaders = {int(np.argmax(votes)) for votes in possible}
        for position in range(3):
            at = np.array([position])
            found = may_not_lead(fewest[np.newaxis], most[np.newaxis], at)
            assert found == [leaders != {position}]


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(5, algorithm="brute"),
        KNeighborsClassifier(5, algorithm="kd_tree"),
        GaussianNB(),
        SVC(gamma=0.3),
    ],
)
@pytest.mark.parametrize("offset", [1e4, 1e7])
def test_samples_far_from_zero_lose_digits_in_predict(estimator, offset):
    """Its own rounding then decides between classes, and is covered by the bound."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 8)) + offset, np.arange(300) % 3
    predictor = find_predictor(clone(estimator).fit(X, y))
    rows = rng.standard_normal((3000, 8)) + offset
    positions, unsure = predictor.positions(rows)
    labels = estimator.fit(X, y).predict(rows)
    assert_array_equal(positions[~unsure], labels[~unsure])
    assert unsure.mean() < 0.1 or offset > 1e6


# How they are found


@pytest.fixture(scope="module")
def data():
    return SourceCase.data()


def certified(estimator, X, *, fast=True, **settings):
    """Certificates, with and without fast paths."""
    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr("sksmooth.votes._fast_votes.may_be_fast", lambda _: False)
        settings = {"sigma": 0.5, "random_state": 0, "n_certify": 1000} | settings
        smoothed = SmoothedClassifier.from_fitted(estimator, **settings)
        return smoothed.certify(X)


def assert_same(first, second):
    for name in ("label", "radius", "abstained", "n_evaluations", "counts"):
        assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("method", ["auto", "monte_carlo"])
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_certificates_are_the_same_to_the_last_bit(data, method, noise):
    X, y = data
    estimator = make_pipeline(StandardScaler(), GaussianNB()).fit(X, y)
    settings = {"method": method, "noise": noise}
    first, second = (
        certified(FrozenEstimator(estimator), X[:5], fast=fast, **settings)
        for fast in (True, False)
    )
    assert_same(first, second)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_columns_held_fixed_are_served(data, library):
    frames = pytest.importorskip(library)
    X, y = data
    frame = frames.DataFrame(dict(zip("abc", X.T, strict=True)))
    estimator = make_pipeline(StandardScaler(), GaussianNB()).fit(frame, y)
    settings = [{}, {"noise_features": ["a", "c"]}]
    for setting in [*settings, {"feature_scale": {"a": 2.0, "b": 0.5}}]:
        first, second = (
            certified(estimator, frame[:5], fast=fast, **setting)
            for fast in (True, False)
        )
        assert_same(first, second)


def test_any_transformers_may_stand_before(data):
    X, y = data
    rows = X.astype(np.float32)
    estimator = make_pipeline(
        make_pipeline(StandardScaler(), "passthrough"), PCA(2), GaussianNB()
    ).fit(X, y)
    votes = fast_votes(estimator, rows)
    noisy = rows + np.float32(0.3)
    positions = votes.vote(noisy, rows, np.arange(len(rows)))
    assert_array_equal(estimator.classes_[positions], estimator.predict(noisy))


def test_what_a_classifier_learned_anew_is_found_anew(data):
    X, y = data
    estimator = GaussianNB().fit(X, y)
    before = fast_votes(estimator, X).fast.predictor
    assert fast_votes(estimator, X).fast.predictor is before
    estimator.theta_[0] += 3.0
    after = fast_votes(estimator, X)
    assert after.fast.predictor is not before
    labels = estimator.classes_[after.vote(X, X, np.arange(len(X)))]
    assert_array_equal(labels, estimator.predict(X))


def test_a_replaced_predict_is_declined(data):
    estimator = GaussianNB().fit(*data)
    estimator.predict = lambda X: np.zeros(len(X), dtype=int)
    with pytest.raises(Declined, match="predict was replaced"):
        fast_votes(estimator, data[0])


def test_another_classifier_is_declined_by_name(data):
    class Other(GaussianNB):
        pass

    with pytest.raises(Declined, match="Other has no fast path"):
        fast_votes(Other().fit(*data), data[0])


def test_a_fast_path_that_predict_contradicts_is_not_used(data, monkeypatch):
    class Wrong(FastPredictor):
        def positions(self, X):
            return np.zeros(len(X), dtype=int), np.zeros(len(X), dtype=bool)

    monkeypatch.setattr(fast_predictor, "get", lambda _: lambda _: Wrong(3))
    estimator = GaussianNB().fit(*data)
    with pytest.warns(UserWarning, match="predict contradicts its fast path"):
        votes = find_any(model_of(estimator), data[0])
    assert votes.fast is None
