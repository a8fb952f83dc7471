# SPDX-License-Identifier: BSD-3-Clause
"""Noisy copies that are denoised before a classifier is trained on them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.training import NoiseAugmentedClassifier, ReweightedNoiseClassifier


def blobs(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return 3 * y[:, np.newaxis] + rng.normal(size=(n, 2)), y


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is fitted on."""

    def fit(self, X, y):
        self.classes_, self.seen_, self.labels_ = np.unique(y), X, y
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class StreamRecorder(Recorder):
    """The same, copy by copy."""

    def partial_fit(self, X, y, classes=None):
        self.classes_ = np.unique(y)
        self.seen_ = np.concatenate([getattr(self, "seen_", X[:0]), X])
        return self


class Told(TransformerMixin, BaseEstimator):
    """Returns in all places the sigma that it was told."""

    def __init__(self, sigma=None):
        self.sigma = sigma

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.full(np.shape(X), self.sigma)


@pytest.mark.parametrize("recorder", [Recorder(), StreamRecorder()])
def test_one_copy_in_four_is_clean_and_the_others_are_denoised(recorder):
    X, y = blobs()
    clf = NoiseAugmentedClassifier(recorder, sigma=0.7, n_copies=5, denoiser=Told())
    copies = clf.fit(X, y).estimator_.seen_.reshape(5, *X.shape)
    for at, copy in enumerate(copies):
        assert_array_equal(copy, X if at % 4 == 0 else np.full(X.shape, 0.7))


def test_copies_are_posterior_means_of_noisy_ones():
    X, y = blobs()
    clf = NoiseAugmentedClassifier(
        Recorder(), sigma=0.3, n_copies=3, denoiser="posterior_mean", random_state=0
    ).fit(X, y)
    denoised = clf.estimator_.seen_[len(X) :]
    plain = NoiseAugmentedClassifier(
        Recorder(), sigma=0.3, n_copies=2, random_state=0
    ).fit(X, y)
    mean = PosteriorMeanDenoiser(sigma=0.3).fit(X).transform(plain.estimator_.seen_)
    assert_allclose(denoised, mean, atol=1e-6)
    assert clf.denoiser_.sigma == 0.3
    assert plain.denoiser_ is None


def test_a_denoiser_may_serve_another_sigma_than_that_of_training():
    X, y = blobs()
    frozen = FrozenEstimator(Told(sigma=5.0).fit(X))
    for denoiser in (Told(sigma=5.0), frozen):
        clf = NoiseAugmentedClassifier(Recorder(), sigma=0.5, denoiser=denoiser)
        assert_array_equal(clf.fit(X, y).estimator_.seen_[len(X)], 5.0)
    clf = ReweightedNoiseClassifier(
        Recorder(), sigma=2.0, train_sigma=0.5, n_rounds=1, denoiser=Told()
    )
    assert_array_equal(clf.fit(X, y).estimator_.seen_[len(X)], 2.0)


def test_columns_held_fixed_stay_as_they_are():
    X, y = blobs()
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["c"] = pd.Categorical(np.where(y == 1, "yes", None))
    clf = NoiseAugmentedClassifier(
        Recorder(),
        sigma=0.5,
        noise_features=["a", "b"],
        feature_scale={"b": 2.0},
        denoiser="posterior_mean",
        n_copies=2,
        random_state=0,
    ).fit(frame, y)
    seen = clf.estimator_.seen_
    pd.testing.assert_series_equal(
        seen["c"], pd.concat([frame["c"]] * 2, ignore_index=True)
    )
    numbers = seen[["a", "b"]].to_numpy()
    assert_array_equal(numbers[: len(X)], X)
    # Posterior means are between the samples.
    assert (numbers <= X.max(axis=0)).all()
    assert (numbers >= X.min(axis=0)).all()
    assert (numbers[len(X) :] != X).any(axis=1).all()


def test_a_denoiser_that_changes_the_columns_is_refused():
    X, y = blobs()
    clf = NoiseAugmentedClassifier(GaussianNB(), denoiser=PCA(1))
    with pytest.raises(ValueError, match=r"PCA.*equal shapes"):
        clf.fit(X, y)


def test_weights_of_samples_reach_the_denoiser():
    X, y = blobs()
    weight = np.where(np.arange(len(X)) < 60, 1.0, 0.0)
    clf = NoiseAugmentedClassifier(
        GaussianNB(), sigma=0.5, denoiser="posterior_mean", random_state=0
    ).fit(X, y, sample_weight=weight)
    assert len(clf.denoiser_.samples_) == 60


def test_reweighted_behind_a_denoiser_measures_what_is_smoothed():
    """The first round has the errors of the classifier behind the denoiser."""
    X, y = blobs(240)
    folds = [
        (np.arange(120, 240), np.arange(120)),
        (np.arange(120), np.arange(120, 240)),
    ]
    clf = ReweightedNoiseClassifier(
        RandomForestClassifier(5, random_state=0),
        sigma=1.5,
        train_sigma=0.75,
        denoiser="posterior_mean",
        n_rounds=2,
        cv=folds,
        n_copies=2,
        n_predict=200,
        random_state=0,
    ).fit(X, y)
    right = np.zeros(3)
    for train, test in folds:
        base = NoiseAugmentedClassifier(
            RandomForestClassifier(5, random_state=0),
            sigma=0.75,
            denoiser=PosteriorMeanDenoiser(sigma=1.5),
            n_copies=2,
            random_state=0,
        )
        smoothed = SmoothedClassifier(
            base, sigma=1.5, denoiser="posterior_mean", n_predict=200, random_state=1
        ).fit(X[train], y[train])
        right += np.bincount(y[test], smoothed.predict(X[test]) == y[test])
    # Other votes: samples near a tie may differ.
    assert_allclose(clf.path_["class_accuracy"][0], right / 80, atol=0.05)
