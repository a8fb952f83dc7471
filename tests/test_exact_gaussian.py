# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of two Gaussian classes without votes, and what their law rests on."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import log_ndtr, ndtr
from scipy.stats import f, ncx2
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier
from sksmooth.votes import Declined
from sksmooth.votes.exact import PROBIT_MAX, AffineMap, _quadratic
from sksmooth.votes.exact._gaussian_classifiers import GaussianSource, _probit
from sksmooth.votes.exact._quadratic import Quadratic, log_probability_positive
from tests.source_case import SourceCase
from tests.test_sources import ExactCase


def samples(n_features=8, n=300):
    """Two classes of different means and variances."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    spread = np.where(y[:, np.newaxis], 1.0, rng.uniform(0.5, 2.0, n_features))
    return 0.4 * y[:, np.newaxis] + spread * rng.standard_normal((n, n_features)), y


class TestGaussianNB(ExactCase, SourceCase):
    form = GaussianSource
    estimator = staticmethod(GaussianNB)

    @staticmethod
    def data():
        return samples()


class TestQuadraticDiscriminant(ExactCase, SourceCase):
    form = GaussianSource
    estimator = staticmethod(QuadraticDiscriminantAnalysis)

    @staticmethod
    def data():
        return samples(4)


def form_of(square, linear, constant, error=0.0):
    square, linear = np.atleast_2d(square, linear)
    shape = len(constant), square.shape[1]
    error = np.full(len(constant), error)
    parts = (np.array(np.broadcast_to(part, shape)) for part in (square, linear))
    return Quadratic(*parts, np.array(constant), error)


def assert_between(low, expected, high, relative, width):
    """Up to the relative error of what is expected, and no wider than `width`."""
    assert (low <= expected + relative).all()
    assert (expected - relative <= high).all()
    assert (high - low < width).all()


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_it_has_the_law_of_a_noncentral_chi_square(scale):
    """The sum of ``(z + b / 2)**2``, from the middle far into both tails."""
    linear = np.linspace(-1.5, 3.0, 9)
    noncentral = np.sum(linear**2) / 4
    at = np.array([0.5, 3.0, 10.0, 14.0, 40.0, 200.0, 600.0])
    for sign, log_tail in ((1.0, ncx2.logsf), (-1.0, ncx2.logcdf)):
        expected = log_tail(at, 9, noncentral)
        form = form_of(
            sign * scale * np.ones(9),
            sign * scale * linear,
            sign * scale * (noncentral - at),
        )
        use = (expected > -600) & (form.mean < 0)
        low, high, _ = log_probability_positive(form)
        assert_between(low[use], expected[use], high[use], 1e-9, 1e-8)
        assert use.sum() >= 3


def test_it_has_the_law_of_a_difference_of_chi_squares():
    """Which of two sums of squares is larger has the law of F."""
    for n_first, n_second, width in ((4, 6, 1e-9), (3, 2, 1e-3), (1, 1, 0.05)):
        for ratio in (0.01, 1.0, 3.0) if n_first == 1 else (0.01, 0.5, 1.0, 3.0, 100.0):
            square = np.append(np.ones(n_first), np.full(n_second, -ratio))
            is_less = square.sum() < 0
            form = form_of(square if is_less else -square, 0.0, [0.0])
            low, high, _ = log_probability_positive(form)
            law = f(n_first, n_second)
            tail = law.logsf if is_less else law.logcdf
            expected = tail(ratio * n_second / n_first)
            # Linear terms are missing: the widest that there are.
            assert_between(low, expected, high, 1e-10, max(width, 1e-9))


def test_where_no_square_is_left_it_is_that_of_the_normal_law():
    at = np.array([0.0, 0.3, 1.0, 5.0, 20.0, 36.0])
    form = form_of(np.zeros(3), [2.0, -1.0, 2.0], -3.0 * at)
    low, high, _ = log_probability_positive(form)
    assert_between(low, log_ndtr(-at), high, 1e-13, 1e-10)
    # Beyond, and where D is never positive, a bound is enough.
    far = form_of([-1.0, -2.0], [0.1, 0.0], [-5.0, -1e200])
    low, high, _ = log_probability_positive(far)
    assert (low == -np.inf).all()
    assert (high <= -690).all()


def test_an_error_of_the_function_is_an_error_of_the_constant():
    square, linear = [0.5, -0.2, 0.1, 0.3], [1.0, 0.0, -2.0, 0.4]
    at = np.array([-4.0, -1.0, 0.0])
    for error in (1e-9, 1e-4, 1e-2):
        low, high, _ = log_probability_positive(form_of(square, linear, at, error))
        for moved in (-error, error):
            least, most, _ = log_probability_positive(
                form_of(square, linear, at + moved)
            )
            assert (low <= least).all()
            assert (most <= high).all()
    low, high, _ = log_probability_positive(form_of(square, linear, at, 1e3))
    assert_array_equal(low, -np.inf)
    assert_array_equal(high, 0.0)


def test_what_is_no_number_says_nothing():
    for square, linear, constant in (
        ([np.nan, 1.0], [1.0, 1.0], 0.0),
        ([1.0, 1.0], [np.inf, 1.0], 0.0),
        ([1.0, 1.0], [1.0, 1.0], -np.inf),
        ([0.0, 0.0], [0.0, 0.0], 1.0),
    ):
        low, high, _ = log_probability_positive(form_of(square, linear, [constant]))
        assert (low, high) == (-np.inf, 0.0)


def exact_difference(estimator, x):
    """What the second class is ahead by, without rounding but that of logarithms."""
    fraction = np.vectorize(Fraction, otypes=[object])
    if isinstance(estimator, GaussianNB):
        parts = zip(
            [np.eye(len(x))] * 2,
            estimator.var_,
            estimator.theta_,
            estimator.class_prior_,
            strict=True,
        )
    else:
        parts = zip(
            estimator.rotations_,
            estimator.scalings_,
            estimator.means_,
            estimator.priors_,
            strict=True,
        )
    densities, constants = [], []
    for rotation, variances, mean, prior in parts:
        turned = (x - fraction(mean)) @ fraction(rotation)
        densities.append(-(turned**2 / fraction(variances)).sum() / 2)
        constants.append(np.log(prior) - np.log(variances).sum() / 2)
    return densities[1] - densities[0] + Fraction(constants[1] - constants[0])


@pytest.mark.parametrize("kind", [GaussianNB, QuadraticDiscriminantAnalysis])
@pytest.mark.parametrize("sigma", [1.0, 1e7])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_the_error_of_the_function_covers_rounding(kind, sigma, far):
    """Of a sample, however far away, and of what noise adds, each by itself."""
    X, y = samples(4)
    estimator = kind().fit(X + far, y)
    source = GaussianSource(estimator, AffineMap.identity(4))
    rng = np.random.default_rng(0)
    means = getattr(estimator, "theta_", getattr(estimator, "means_", None))
    rows = np.concatenate([means, X[:4] + far, 1e6 * X[:4] + far])
    roots = source._roots(rows)
    form, of_sample = source._form(*roots, sigma), source._ahead(*roots).error
    for_noise = form.error / 1.01 - of_sample
    fraction = np.vectorize(Fraction, otypes=[object])
    vectors = np.eye(4) if source._vectors is None else source._vectors
    off = np.zeros((2, len(rows)))
    for k, x in enumerate(rows):
        at_sample = exact_difference(estimator, fraction(x))
        off[0, k] = abs(float(Fraction(form.constant[k]) - at_sample))
        for size in (1.0, 20.0):
            noise = fraction(size * rng.standard_normal(4) / 4)
            turned = fraction(vectors).T @ noise
            terms = fraction(form.square[k]) * turned**2
            terms += fraction(form.linear[k]) * turned
            moved = exact_difference(estimator, fraction(x) + Fraction(sigma) * noise)
            of_noise = abs(float(terms.sum() - (moved - at_sample)))
            off[1, k] = max(off[1, k], of_noise)
    assert (off[0] <= of_sample).all()
    assert (off[1] <= for_noise).all()
    # The bounds are not much larger than what rounding does.
    assert (off[0] / of_sample).max() > 1e-3
    assert (off[1] / for_noise).max() > 1e-5


def test_labels_next_to_ties_contradict_nothing():
    X, y = samples(6)
    for estimator in (GaussianNB(), QuadraticDiscriminantAnalysis()):
        predict = estimator.fit(X, y).predict
        source = GaussianSource(estimator, AffineMap.identity(6))
        low, high = X[predict(X) == 0][:90], X[predict(X) == 1][:90]
        for _ in range(60):
            middle = (low + high) / 2
            is_first = (predict(middle) == 0)[:, np.newaxis]
            low = np.where(is_first, middle, low)
            high = np.where(is_first, high, middle)
        rows = np.concatenate([low, high])
        labels = predict(rows)
        assert (source.predict_from_structure(rows) != labels).any()
        assert not source.disagrees(rows, labels).any()
        assert source.disagrees(X, 1 - predict(X)).all()


def test_directions_that_are_not_orthogonal_make_intervals_wider():
    X, y = samples(4)
    source = GaussianSource(
        QuadraticDiscriminantAnalysis().fit(X, y), AffineMap.identity(4)
    )
    assert 0 < source._skew < 1e-13
    low, high = source.probits(X[:9], 0.5)
    source._skew = 1e-4
    least, most = source.probits(X[:9], 0.5)
    assert (least < low - 1e-5).all()
    assert (most > high + 1e-5).all()


@pytest.mark.parametrize("n_features", [3, 30])
def test_certificates_agree_with_sampled_ones_and_are_larger(n_features):
    X, y = samples(n_features)
    kind = GaussianNB if n_features > 9 else QuadraticDiscriminantAnalysis
    estimator = kind().fit(X, y)
    exact, sampled = (
        SmoothedClassifier.from_fitted(
            estimator, sigma=0.5, method=method, n_certify=4000, random_state=0
        ).certify(X[:40])
        for method in ("exact", "monte_carlo")
    )
    kept = ~sampled.abstained
    assert_array_equal(exact.label[kept], sampled.label[kept])
    # One of 1,000 sampled radii may be too large.
    assert np.sum(exact.radius < sampled.radius) <= 1
    assert exact.alpha == 0
    assert exact.radius.mean() > sampled.radius.mean()


def test_no_search_within_a_radius_changes_the_label():
    X, y = samples(4)
    estimator = GaussianNB().fit(X, y)
    source = GaussianSource(estimator, AffineMap.identity(4))
    clf = SmoothedClassifier.from_fitted(
        estimator, sigma=0.7, method="exact", random_state=0
    )
    found = clf.certify(X[:30])
    rng = np.random.default_rng(0)
    for x, label, radius in zip(X[:30], found.label, found.radius, strict=True):
        moves = rng.standard_normal((200, 4))
        moves *= radius * (1 - 1e-9) / np.linalg.norm(moves, axis=1, keepdims=True)
        low, _ = source.probits(x + moves, 0.7)
        assert (low[:, list(clf.classes_).index(label)] > 0).all()


def test_what_is_not_covered_is_declined():
    X, y = samples(4)
    identity = AffineMap.identity(4)
    flat = X.copy()
    flat[:, 0] = 1.0
    uneven = GaussianNB(var_smoothing=0).fit(X[:, :1], y)
    cases = (
        (GaussianNB(var_smoothing=0).fit(flat, y), identity, "zero"),
        (uneven, AffineMap.identity(1), "too few features"),
        (GaussianNB().fit(X.astype(np.float32), y), identity, "float32"),
    )
    for estimator, affine, reason in cases:
        with pytest.raises(Declined, match=reason):
            GaussianSource(estimator, affine)
    three = GaussianNB().fit(X, np.arange(len(X)) % 3)
    clf = SmoothedClassifier.from_fitted(three, sigma=0.5, method="exact")
    with pytest.raises(ValueError, match="3 classes, not two"):
        clf.certify(X[:2])


@pytest.mark.parametrize(
    ("estimator", "settings"),
    [
        (make_pipeline(PCA(4), GaussianNB()), {}),
        (make_pipeline(StandardScaler(), PCA(4), GaussianNB()), {}),
        (QuadraticDiscriminantAnalysis(), {"noise_features": [0, 3, 4, 7]}),
        (make_pipeline(StandardScaler(), QuadraticDiscriminantAnalysis()), {}),
        (GaussianNB(), {"noise_features": [0, 3, 4, 7], "feature_scale": "std"}),
        (GaussianNB(), {"feature_scale": [0, 1, 2, 0.1, 0, 1, 1, 1]}),
    ],
)
def test_it_is_found_behind_a_projection_and_beside_columns_held_fixed(
    estimator, settings
):
    X, y = samples(8)
    rows = X[:40].copy()
    rows[::2, 1:3] *= 9  # far from both classes, in columns that are held too
    found = [
        SmoothedClassifier(
            estimator,
            sigma=0.5,
            method=method,
            n_predict=4000,
            random_state=0,
            **settings,
        )
        .fit(X, y)
        .predict_proba(rows)
        for method in ("exact", "monte_carlo")
    ]
    assert np.abs(found[0] - found[1]).max() < 5 * np.sqrt(0.25 / 4000)


def test_other_lines_and_steps_contradict_nothing(monkeypatch):
    """Bounds that are computed in other ways have a number in common."""
    rng = np.random.default_rng(5)
    settings = (
        {},
        {"_LEAST_TILT": 5.0},
        {"_LOG_LEFT_OUT": 8.0, "_MOST_OF_LARGEST": 0.5},
        {"_LEAST_TILT": 0.7, "_BISECTIONS": 3},
    )
    n_known = 0
    for n_numbers, n in ((1, 4), (2, 10), (5, 40), (12, 50), (30, 50)):
        size = 10.0 ** rng.uniform(-4, 0, (n, n_numbers))
        square = rng.standard_normal(size.shape) * size
        square[::4] *= rng.random(n_numbers) < 0.5
        square[1::5] = np.abs(square[1::5])
        linear = rng.standard_normal(size.shape) * 10.0 ** rng.uniform(-2, 1, (n, 1))
        spread = np.sqrt((2 * square**2 + linear**2).sum(axis=1))
        ahead = spread * rng.choice([0.0, 0.1, 1.0, 5.0, 30.0], n)
        error = spread * rng.choice([0.0, 1e-9, 1e-3], n)
        form = Quadratic(square, linear, -square.sum(axis=1) - ahead, error)
        found = []
        for values in settings:
            with monkeypatch.context() as patch:
                for name, value in values.items():
                    patch.setattr(_quadratic, name, value)
                found.append(log_probability_positive(form)[:2])
        low, high = np.array(found).transpose(1, 2, 0)
        assert (low.max(axis=1) <= high.min(axis=1)).all()
        n_known += np.sum(high[:, 0] - low[:, 0] < 0.1)
    assert n_known > 100


def test_large_errors_leave_intervals_that_hold_what_they_allow():
    """Also where nodes underflow that could be off by anything."""
    rng = np.random.default_rng(1)
    for n_numbers in (3, 6, 20):
        size = 10.0 ** rng.uniform(-3, 0.5, (150, n_numbers))
        square = rng.standard_normal(size.shape) * size
        linear = rng.standard_normal(size.shape) * 10.0 ** rng.uniform(-2, 2, (150, 1))
        spread = np.sqrt((2 * square**2 + linear**2).sum(axis=1))
        constant = -square.sum(axis=1) - spread * 10.0 ** rng.uniform(-2, 4, 150)
        error = spread * 10.0 ** rng.uniform(-3, 3, 150)
        low, high, _ = log_probability_positive(
            Quadratic(square, linear, constant, error)
        )
        assert not np.isnan([low, high]).any()
        for moved in (-error, error):
            form = Quadratic(square, linear, constant + moved, 0 * error)
            least, most, _ = log_probability_positive(form)
            assert (low <= most).all()
            assert (least <= high).all()


def test_a_probability_that_is_no_number_has_no_probit():
    """It would be taken for a probability of one."""
    log_p = np.array([np.nan, -np.inf, -1e300, np.log(0.5), -1e-300, 0.0, 1.0])
    probit = _probit(log_p)
    assert np.isnan(probit[0])
    assert_array_equal(np.sign(probit[1:]), [-1, -1, 0, 1, 1, 1])
    assert_array_equal(probit[[1, 5, 6]], [-PROBIT_MAX, PROBIT_MAX, PROBIT_MAX])


@pytest.mark.parametrize("kind", [GaussianNB, QuadraticDiscriminantAnalysis])
def test_samples_however_far_away_have_the_class_that_noise_leaves_them(kind):
    X, y = samples(4)
    estimator = kind().fit(X, y)
    source = GaussianSource(estimator, AffineMap.identity(4))
    rng = np.random.default_rng(0)
    directions = X[:20] / np.linalg.norm(X[:20], axis=1, keepdims=True)
    for size in 10.0 ** np.array([1, 3, 6, 8, 12, 16, 80, 160, 300]):
        for sigma in (1e-3, 1.0, 1e4):
            lower, upper = source.probits(size * directions, sigma)
            assert (lower <= upper).all()
            assert np.isfinite([lower, upper]).all()
            noise = sigma * rng.standard_normal((200, 1, 4))
            with np.errstate(over="ignore", invalid="ignore"):
                labels = estimator.predict((size * directions + noise).reshape(-1, 4))
            shares = np.mean(labels.reshape(200, -1) == estimator.classes_[1], axis=0)
            error = 6 * np.sqrt(0.25 / 200)
            if size < 1e150:  # beyond, what predict squares is infinite
                assert (ndtr(lower[:, 1]) <= shares + error).all()
                assert (shares - error <= ndtr(upper[:, 1])).all()
