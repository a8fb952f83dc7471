# SPDX-License-Identifier: BSD-3-Clause
"""The posterior mean denoiser: what it computes, depends on, and refuses."""

import tracemalloc
from dataclasses import dataclass
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from scipy.stats import laplace, norm
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser, follow_noise
from sksmooth.denoising._posterior import BLOCK, block_size
from sksmooth.denoising._products import (
    COLUMNS,
    INNER,
    WIDTH,
    multiply,
    one_blas_thread,
)
from tests.estimator_checks import each_check

SIGMAS = [0.05, 0.5, 5.0]


@each_check(
    [
        PosteriorMeanDenoiser(sigma=0.5),
        PosteriorMeanDenoiser("auto", sigma=0.5),
        PosteriorMeanDenoiser(n_prototypes=5, sigma=0.5, random_state=0),
        PosteriorMeanDenoiser(sigma=0.5, noise="laplace"),
        PosteriorMeanDenoiser(sigma=0.5, noise="uniform"),
    ]
)
def test_scikit_learn_check(estimator, check):
    try:
        check(estimator)
    except SkipTest as skipped:
        # The one check that depends on how SciPy was started.
        assert "SCIPY_ARRAY_API" in str(skipped)


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 5)) * [1, 2, 0.5, 1, 3] + [0, 10, 0, -4, 1]


def noisy_copies(X, sigma, n=200):
    rng = np.random.default_rng(1)
    return np.repeat(X, -(-n // len(X)), axis=0)[:n] + sigma * rng.normal(
        size=(n, X.shape[1])
    )


def by_definition(Z, X, weight, log_density):
    """Weighted means, one noisy sample at a time, in float64."""
    means = []
    for z in Z:
        log_weights = np.log(weight) + log_density(z - X).sum(axis=1)
        weights = np.exp(log_weights - log_weights.max())
        means.append(weights @ X / weights.sum())
    return np.array(means)


# --- what it computes


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_it_is_the_weighted_mean_of_the_definition(samples, noise, sigma):
    Z = noisy_copies(samples, sigma)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(samples))
    law = {
        "gaussian": norm(scale=sigma),
        "laplace": laplace(scale=sigma / np.sqrt(2)),
    }[noise]
    found = PosteriorMeanDenoiser(sigma=sigma, noise=noise)
    found = found.fit(samples, sample_weight=weight).transform(Z)
    expected = by_definition(Z, samples, weight, law.logpdf)
    # Log weights are exact to 1e-3, and differ by a common factor mostly.
    np.testing.assert_allclose(found, expected, atol=1e-3 * samples.std(axis=0).max())


def test_any_law_with_a_log_density(samples):
    class Logistic:
        name = "logistic"

        def log_density(self, differences):
            return -np.abs(differences) - 2 * np.log1p(np.exp(-np.abs(differences)))

    Z = noisy_copies(samples, 1.8, 50)
    found = PosteriorMeanDenoiser(sigma=1.8, noise=Logistic()).fit(samples)
    expected = by_definition(Z, samples, np.ones(len(samples)), Logistic().log_density)
    np.testing.assert_allclose(found.transform(Z), expected, atol=1e-9)


def test_uniform_noise_takes_all_samples_within_reach(samples):
    sigma = 3.0
    Z = noisy_copies(samples, 0.5)
    distance = np.abs(Z[:, np.newaxis] - samples).max(axis=2)
    within = distance <= np.sqrt(3) * sigma
    assert within.any(axis=1).all() and within.sum(axis=1).max() > 5
    found = PosteriorMeanDenoiser(sigma=sigma, noise="uniform").fit(samples)
    expected = within @ samples / within.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.transform(Z), expected, atol=1e-9)


def test_uniform_noise_takes_the_nearest_where_none_is_within_reach(samples):
    Z = noisy_copies(samples, 1.0)
    distance = np.abs(Z[:, np.newaxis] - samples).max(axis=2)
    found = PosteriorMeanDenoiser(sigma=1e-3, noise="uniform").fit(samples)
    np.testing.assert_allclose(
        found.transform(Z), samples[distance.argmin(axis=1)], atol=1e-9
    )


def test_a_wide_prior_is_a_mixture_of_normals(samples):
    # One sample: N(x, h^2) with noise of variance sigma^2 has the mean of two normals.
    x, z, sigma, h = samples[:1], samples[1:2], 0.7, 0.4
    found = PosteriorMeanDenoiser(h, sigma=sigma).fit(x).transform(z)
    np.testing.assert_allclose(
        found, (x / h**2 + z / sigma**2) / (1 / h**2 + 1 / sigma**2), rtol=1e-9
    )
    # Many: the Gaussian law of sqrt(sigma^2 + h^2), and a share of the noisy sample.
    Z = noisy_copies(samples, sigma, 40)
    found = PosteriorMeanDenoiser(h, sigma=sigma).fit(samples).transform(Z)
    v = sigma**2 + h**2
    means = by_definition(
        Z, samples, np.ones(len(samples)), norm(scale=np.sqrt(v)).logpdf
    )
    np.testing.assert_allclose(found, (sigma**2 * means + h**2 * Z) / v, atol=3e-3)


def test_it_is_the_best_estimate_of_the_clean_sample(samples):
    # Of its prior: no other function of the noisy sample has a smaller squared error.
    rng = np.random.default_rng(3)
    X = samples[rng.integers(len(samples), size=4000)]
    Z = X + rng.normal(size=X.shape)
    denoiser = PosteriorMeanDenoiser(sigma=1.0).fit(samples)
    best = np.mean((denoiser.transform(Z) - X) ** 2)
    rivals = [
        PosteriorMeanDenoiser(sigma=1.5).fit(samples),
        PosteriorMeanDenoiser(0.7, sigma=1.0).fit(samples),
        PosteriorMeanDenoiser(sigma=1.0).fit(samples[::2]),
        FunctionTransformer().fit(samples),
    ]
    for rival in rivals:
        assert np.mean((rival.transform(Z) - X) ** 2) > best


def test_prior_far_from_the_origin_and_small_sigma_lose_no_digits(samples):
    # Squared norms of 1e16 would cancel in distances of 1.
    for sigma in (0.5, 1e-3):
        Z = noisy_copies(samples, sigma)
        near = PosteriorMeanDenoiser(sigma=sigma).fit(samples).transform(Z)
        far = PosteriorMeanDenoiser(sigma=sigma).fit(samples + 2.0**26)
        moved = far.transform(Z + 2.0**26) - 2.0**26
        np.testing.assert_allclose(moved, near, atol=2e-3)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform"])
def test_outliers_duplicates_and_a_single_sample(samples, noise):
    denoiser = PosteriorMeanDenoiser(sigma=0.3, noise=noise)
    far = np.full((1, 5), 1e9)
    with_outlier = denoiser.fit(np.vstack([samples, far]))
    np.testing.assert_allclose(with_outlier.transform(far * 2), far, rtol=1e-6)
    assert np.isfinite(denoiser.fit(samples).transform(far * 1e3)).all()
    one = denoiser.fit(samples[:1]).transform(samples)
    np.testing.assert_allclose(one, np.repeat(samples[:1], 300, 0), rtol=1e-12)
    Z = noisy_copies(samples, 0.3)
    twice = denoiser.fit(np.vstack([samples, samples])).transform(Z)
    np.testing.assert_array_equal(twice, denoiser.fit(samples).transform(Z))


# --- on what it depends


@pytest.mark.parametrize("n_samples", [1, 7, 300, 3000])
@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform"])
@pytest.mark.parametrize("sigma", [1e-4, 0.5, 5.0])
def test_output_depends_on_the_sample_alone_to_the_last_bit(noise, sigma, n_samples):
    # At the smallest sigma Gaussian noise goes the way of float64.
    rng = np.random.default_rng(n_samples)
    X = rng.normal(size=(n_samples, 13))
    denoiser = PosteriorMeanDenoiser(sigma=sigma, noise=noise).fit(X)
    Z = np.repeat(X[:20], 20, axis=0)
    Z = Z + sigma * rng.normal(size=Z.shape)
    Z[::7] *= 1e6  # company for which float32 will not do
    whole = denoiser.transform(Z)
    order = rng.permutation(len(Z))
    np.testing.assert_array_equal(denoiser.transform(Z[order]), whole[order])
    for size in (1, 3, COLUMNS, COLUMNS + 1):
        np.testing.assert_array_equal(
            denoiser.transform(Z[5 : 5 + size]), whole[5 : 5 + size]
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inner", [1, 2, 3, 17, 66, 300])
def test_columns_of_a_product_do_not_depend_on_their_position(dtype, inner):
    rng = np.random.default_rng(inner)
    left = rng.normal(size=(256, inner)).astype(dtype)
    right = rng.normal(size=(inner, WIDTH)).astype(dtype)
    same = np.arange(WIDTH)[INNER][::3]
    right[:, same] = right[:, same[:1]]
    out = np.empty((256, WIDTH), dtype)
    with one_blas_thread():
        multiply(left, right, out)
    first = out[:, same[:1]]
    np.testing.assert_array_equal(out[:, same], np.repeat(first, len(same), axis=1))
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(out, left @ right, atol=tolerance, rtol=tolerance)


def test_memory_does_not_grow_with_the_training_set():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(64, 10))
    peaks = []
    for n_samples in (4_000, 40_000):
        denoiser = PosteriorMeanDenoiser(sigma=0.5).fit(
            rng.normal(size=(n_samples, 10))
        )
        denoiser.transform(Z[:1])
        tracemalloc.start()
        denoiser.transform(Z)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize("size", [1e-60, 1e-30, 1e-20, 1e19, 1e20, 1e60])
def test_units_do_not_matter_where_squares_leave_float32(samples, size):
    Z = noisy_copies(samples, 0.5)
    found = PosteriorMeanDenoiser(sigma=0.5 * size).fit(size * samples)
    expected = PosteriorMeanDenoiser(sigma=0.5).fit(samples).transform(Z)
    np.testing.assert_allclose(found.transform(size * Z) / size, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("n_far", "distance"), [(1, 1e6), (1, 1e12), (1, 1e20), (300, 1e6), (300, 1e12)]
)
def test_samples_far_away_cost_the_others_no_digits(samples, n_far, distance):
    # Of squares of 1e24, nothing is left of distances of 1.
    Z = noisy_copies(samples, 0.5)
    alone = PosteriorMeanDenoiser(sigma=0.5).fit(samples).transform(Z)
    both = np.vstack([samples, samples[:n_far] + distance])
    found = PosteriorMeanDenoiser(sigma=0.5).fit(both).transform(Z)
    # Half of all are far: the origin is between, where a float64 has fewer digits.
    tolerance = 1e-3 if n_far == 1 else 0.01
    np.testing.assert_allclose(found, alone, atol=tolerance)


def test_zero_weight_is_absence(samples):
    weight = np.ones(300)
    weight[100:] = 0
    Z = noisy_copies(samples, 0.5)
    weighted = PosteriorMeanDenoiser(sigma=0.5).fit(samples, sample_weight=weight)
    absent = PosteriorMeanDenoiser(sigma=0.5).fit(samples[:100])
    np.testing.assert_array_equal(weighted.transform(Z), absent.transform(Z))


def test_sigma_noise_and_scale_may_change_after_fit(samples):
    Z = noisy_copies(samples, 0.5)
    scale = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    fitted = PosteriorMeanDenoiser(sigma=0.5).fit(samples)
    for params in (
        {"sigma": 1.0},
        {"noise": "laplace"},
        {"feature_scale": scale},
    ):
        changed = clone(fitted).fit(samples).set_params(**params)
        again = clone(changed).fit(samples)
        np.testing.assert_allclose(changed.transform(Z), again.transform(Z), atol=1e-4)
        assert np.abs(changed.transform(Z) - fitted.transform(Z)).max() > 0.01


# --- columns


def test_scale_divides_the_features(samples):
    scale = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    Z = noisy_copies(samples / scale, 0.5)
    plain = PosteriorMeanDenoiser(sigma=0.5).fit(samples / scale).transform(Z)
    scaled = PosteriorMeanDenoiser(sigma=0.5, feature_scale=scale).fit(samples)
    np.testing.assert_allclose(scaled.transform(Z * scale), plain * scale, atol=1e-4)


@pytest.mark.parametrize(
    "params",
    [
        {"noise_features": [1, 3]},
        {"noise_features": [False, True, False, True, False]},
        {"feature_scale": [0, 1, 0, 1, 0]},
    ],
)
def test_columns_held_fixed_pass_through_and_do_not_matter(samples, params):
    Z = noisy_copies(samples, 0.5)
    found = PosteriorMeanDenoiser(sigma=0.5, **params).fit(samples).transform(Z)
    np.testing.assert_array_equal(found[:, [0, 2, 4]], Z[:, [0, 2, 4]])
    alone = PosteriorMeanDenoiser(sigma=0.5).fit(samples[:, [1, 3]])
    np.testing.assert_allclose(
        found[:, [1, 3]], alone.transform(Z[:, [1, 3]]), atol=1e-6
    )


def test_a_frame_stays_a_frame_whatever_its_fixed_columns_hold(samples):
    frame = pd.DataFrame(samples, columns=list("abcde"))
    frame["when"] = pd.date_range("2020-01-01", periods=300)
    frame["text"] = [None, "x", "y"] * 100
    frame["gap"] = np.nan
    frame.index = np.arange(300) + 1000
    noisy = frame.copy()
    noisy[["b", "d"]] += 0.5 * np.random.default_rng(0).normal(size=(300, 2))
    denoiser = PosteriorMeanDenoiser(sigma=0.5, noise_features=["b", "d"]).fit(frame)
    before = noisy.copy()
    found = denoiser.transform(noisy)
    pd.testing.assert_frame_equal(noisy, before)
    rest = ["a", "c", "e", "when", "text", "gap"]
    pd.testing.assert_frame_equal(found[rest], noisy[rest])
    assert list(found.columns) == list(frame.columns)
    alone = PosteriorMeanDenoiser(sigma=0.5).fit(samples[:, [1, 3]])
    np.testing.assert_allclose(
        found[["b", "d"]], alone.transform(noisy[["b", "d"]].to_numpy()), atol=1e-6
    )


def test_float32_and_images_keep_their_form(samples):
    images = samples[:, :4].reshape(-1, 2, 2)
    denoiser = PosteriorMeanDenoiser(sigma=0.5).fit(images)
    flat = PosteriorMeanDenoiser(sigma=0.5).fit(samples[:, :4])
    found = denoiser.transform(images.astype(np.float32))
    assert found.dtype == np.float32
    assert found.shape == images.shape
    np.testing.assert_allclose(
        found.reshape(300, 4), flat.transform(samples[:, :4]), rtol=1e-4, atol=1e-4
    )


# --- resampled categories


@dataclass(frozen=True)
class Resample:
    """As much of a law as the denoiser needs."""

    probability: float
    categorical_features: tuple
    name = "gaussian"  # of the columns that are not resampled


@pytest.fixture
def mixed():
    rng = np.random.default_rng(5)
    color = rng.choice(["blue", "green", "red"], 60)
    size = rng.choice(["L", "M", "S", "XL"], 60)
    width = (color == "red") * 2.0 + rng.normal(size=60)
    return pd.DataFrame({"color": color, "width": width, "size": size})


def test_probabilities_of_categories_are_those_of_bayes(mixed):
    probability, sigma = 0.6, 0.7
    rng = np.random.default_rng(6)
    noisy = mixed.copy()
    noisy["width"] += sigma * rng.normal(size=60)
    noisy["color"] = rng.permutation(noisy["color"])
    denoiser = PosteriorMeanDenoiser(
        sigma=sigma,
        categorical_features=["color", "size"],
        resample_probability=probability,
        category_output="probabilities",
    ).fit(mixed)
    found = denoiser.transform(noisy)
    names = ["width", "color_blue", "color_green", "color_red"]
    names += ["size_L", "size_M", "size_S", "size_XL"]
    assert list(found.columns) == names
    assert list(denoiser.get_feature_names_out()) == names

    weights = norm.pdf(noisy[["width"]].to_numpy(), mixed["width"].to_numpy(), sigma)
    for name, n_categories in (("color", 3), ("size", 4)):
        drawn = probability / n_categories
        same = noisy[[name]].to_numpy() == mixed[name].to_numpy()
        weights = weights * np.where(same, 1 - probability + drawn, drawn)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["width"], weights @ mixed["width"], atol=1e-4)
    for name in names[1:]:
        column, category = name.split("_")
        np.testing.assert_allclose(
            found[name], weights @ (mixed[column] == category), atol=1e-4
        )
    chosen = clone(denoiser).set_params(category_output="most_probable")
    chosen = chosen.fit(mixed).transform(noisy)
    for column in ("color", "size"):
        of_column = [name for name in names if name.startswith(column)]
        best = found[of_column].to_numpy().argmax(axis=1)
        best = [of_column[i].removeprefix(f"{column}_") for i in best]
        assert list(chosen[column]) == best


def test_a_law_brings_its_categories(mixed):
    law = Resample(0.4, ("color", "size"))
    explicit = PosteriorMeanDenoiser(
        sigma=0.5, categorical_features=["color", "size"], resample_probability=0.4
    ).fit(mixed)
    of_law = PosteriorMeanDenoiser(sigma=0.5, noise=law).fit(mixed)
    pd.testing.assert_frame_equal(of_law.transform(mixed), explicit.transform(mixed))


def test_categories_alone_in_an_array_of_codes():
    rng = np.random.default_rng(7)
    X = rng.integers(0, 3, size=(50, 4))
    X[:, 1] = X[:, 0]
    denoiser = PosteriorMeanDenoiser(
        categorical_features=[0, 1], noise_features=[], resample_probability=0.3
    ).fit(X)
    noisy = X.copy()
    noisy[:, 0] = 2
    found = denoiser.transform(noisy)
    assert set(np.unique(found[:, :2])) <= {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(found[:, 2:], X[:, 2:])
    # A category that was not seen in `fit` says nothing.
    unseen = noisy.copy()
    unseen[:, 0] = 9
    np.testing.assert_array_equal(denoiser.transform(unseen)[:, 1], X[:, 1])


# --- prototypes and bandwidth


def test_prototypes_are_means_that_carry_the_weight(samples):
    weight = np.random.default_rng(0).uniform(0.5, 2, 300)
    denoiser = PosteriorMeanDenoiser(n_prototypes=20, sigma=0.5, random_state=0)
    denoiser.fit(samples, sample_weight=weight)
    assert len(denoiser.samples_) == 20
    np.testing.assert_allclose(
        denoiser.sample_weight_ @ denoiser.samples_,
        np.average(samples, axis=0, weights=weight),
        rtol=1e-10,
    )
    all_kept = PosteriorMeanDenoiser(n_prototypes=300, sigma=0.5).fit(samples)
    Z = noisy_copies(samples, 0.5)
    np.testing.assert_array_equal(
        all_kept.transform(Z),
        PosteriorMeanDenoiser(sigma=0.5).fit(samples).transform(Z),
    )


def test_bandwidth_of_a_normal_sample_is_near_that_of_least_error():
    # For n draws of N(0, 1), likelihood cross-validation is near Silverman's rule.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1))
    found = PosteriorMeanDenoiser("auto").fit(X).bandwidth_
    assert 0.4 < found / (1.06 * 400**-0.2) < 2
    # It has the units of the features over their scale, and copies do not shrink it.
    scaled = PosteriorMeanDenoiser("auto", feature_scale=[4.0]).fit(4 * X).bandwidth_
    assert scaled == pytest.approx(found, rel=1e-6)
    twice = PosteriorMeanDenoiser("auto").fit(np.vstack([X, X])).bandwidth_
    assert twice == pytest.approx(found, rel=1e-6)
    assert PosteriorMeanDenoiser("auto").fit(np.ones((9, 2))).bandwidth_ == 0


# --- serving a smoothed classifier


def test_what_is_none_follows_the_smoothed_classifier(samples):
    fitted = PosteriorMeanDenoiser().fit(samples)
    told = follow_noise(fitted, sigma=0.5, noise="laplace", noise_features=[0, 1])
    assert (told.sigma, told.noise) == (0.5, "laplace")
    assert fitted.sigma is None
    assert told.samples_ is fitted.samples_
    own = follow_noise(PosteriorMeanDenoiser(sigma=1.0), sigma=0.5)
    assert own.sigma == 1.0
    plain = FunctionTransformer()
    assert follow_noise(plain, sigma=0.5).get_params() == plain.get_params()


@pytest.mark.parametrize("noise", ["gaussian"])
def test_certificates_behind_it_do_not_depend_on_the_batch(noise):
    X, y = load_iris(return_X_y=True)
    clf = make_pipeline(
        PosteriorMeanDenoiser(sigma=0.8, noise=noise).fit(X),
        LogisticRegression(max_iter=500).fit(X, y),
    )
    found = [
        SmoothedClassifier.from_fitted(
            clf, sigma=0.8, n_certify=300, batch_size=batch_size, random_state=0
        ).certify(X[order])
        for batch_size, order in ((8192, slice(None)), (77, slice(None, None, -1)))
    ]
    np.testing.assert_array_equal(found[0].counts, found[1].counts[::-1])
    np.testing.assert_array_equal(found[0].radius, found[1].radius[::-1])


# --- what it refuses


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "sigma=None follows"),
        ({"sigma": -1.0}, "'sigma' parameter"),
        ({"sigma": 0.5, "bandwidth": -1.0}, "'bandwidth' parameter"),
        ({"sigma": 0.5, "noise": "cauchy"}, "noise='cauchy' is not known"),
        ({"sigma": 0.5, "noise": 3}, "noise=3 is not known"),
        ({"sigma": 0.5, "noise": "laplace", "bandwidth": 0.1}, "needs bandwidth=0"),
        ({"sigma": 0.5, "feature_scale": [1.0]}, "feature_scale has shape"),
        ({"sigma": 0.5, "feature_scale": [-1.0] * 5}, "negative value -1"),
        ({"sigma": 0.5, "feature_scale": [0.0] * 5}, "No column is noisy"),
        ({"sigma": 0.5, "feature_scale": [np.nan] * 5}, "contains NaN"),
        ({"sigma": 0.5, "noise_features": ["a"]}, "noise_features="),
        ({"sigma": 0.5, "noise_features": [7]}, "noise_features="),
        ({"sigma": 0.5, "categorical_features": [0]}, "resample_probability=None"),
        (
            {"sigma": 0.5, "categorical_features": [0], "noise_features": [0]},
            "one kind of noise",
        ),
        (
            {"sigma": 0.5, "categorical_features": [0], "n_prototypes": 3},
            "a mean of categories",
        ),
    ],
)
def test_bad_parameters(samples, params, message):
    with pytest.raises(ValueError, match=message):
        PosteriorMeanDenoiser(**params).fit(samples).transform(samples)


def test_bad_weights_and_categories(samples, mixed):
    denoiser = PosteriorMeanDenoiser(sigma=0.5)
    with pytest.raises(ValueError, match=r"sample_weight must be .* got -1"):
        denoiser.fit(samples, sample_weight=-np.ones(300))
    with pytest.raises(ValueError, match="zero everywhere"):
        denoiser.fit(samples, sample_weight=np.zeros(300))
    with pytest.raises(ValueError, match="sample_weight has shape"):
        denoiser.fit(samples, sample_weight=np.ones(3))
    of_categories = PosteriorMeanDenoiser(
        sigma=0.5, categorical_features=["color"], noise_features=["width"]
    )
    for missing in (None, np.nan):
        broken = mixed.astype({"color": object})
        broken.loc[3, "color"] = missing
        with pytest.raises(ValueError, match="missing values"):
            of_categories.fit(broken)
    broken = mixed.astype({"color": object})
    broken.loc[3, "color"] = 5
    with pytest.raises(ValueError, match="several types"):
        of_categories.fit(broken)


@pytest.mark.parametrize("noise", ["gaussian", "laplace", "uniform"])
@pytest.mark.parametrize("size", [1e-200, 1e-8, 1.0, 1e8, 1e30, 1e160, 1e300])
@pytest.mark.parametrize("sigma", [1e-200, 1e-8, 1.0, 1e8, 1e200])
def test_a_mean_is_a_mean_or_an_error(samples, noise, size, sigma):
    denoiser = PosteriorMeanDenoiser(sigma=sigma, noise=noise).fit(samples)
    Z = size * np.ones((1, 5))
    if not 1e-75 < sigma < 1e75 or not size / sigma < 1e75:
        with pytest.raises(ValueError, match="Rescale the features"):
            denoiser.transform(Z)
    else:
        found = denoiser.transform(Z)
        assert (found >= samples.min(axis=0) - 1e-6).all()
        assert (found <= samples.max(axis=0) + 1e-6).all()
    if size > 1e75:
        with pytest.raises(ValueError, match="Rescale the features"):
            denoiser.fit(size * samples)


def test_other_columns_than_in_fit_are_refused(samples):
    fitted = PosteriorMeanDenoiser(sigma=0.5).fit(samples)
    with pytest.raises(ValueError, match="changed after fit"):
        fitted.set_params(noise_features=[0]).transform(samples)


def test_blocks_are_as_few_as_can_be_and_hardly_filled_up():
    for n_samples in range(1, 1200):
        size = block_size(n_samples)
        n_blocks = -(-n_samples // size)
        assert size % 8 == 0
        assert size <= BLOCK
        assert n_blocks == -(-n_samples // BLOCK)
        assert n_blocks * size - n_samples < 8 * n_blocks
