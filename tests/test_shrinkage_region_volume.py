# SPDX-License-Identifier: BSD-3-Clause
"""Volumes of decision regions, where they are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import ball_smoothed_radius, region_volume
from tests.known_regions import Inside


def ball(n_features):
    clf = Inside(labels=("out", "in")).fit()
    clf.n_features_in_ = n_features
    return clf


def ball_volume(radius, d):
    return np.pi ** (d / 2) / gamma(d / 2 + 1) * radius**d


@pytest.mark.parametrize("d, sigma", [(2, 0.6), (3, 0.4)])
def test_a_ball_shrinks_as_the_closed_form_says(d, sigma):
    volume = region_volume(
        ball(d), (-1.2, 1.2), sigma=sigma, n_points=256, random_state=0
    )
    box = 2.4**d
    expected = ball_volume(1.0, d) / box
    smaller = ball_volume(ball_smoothed_radius(1.0, sigma, d), d) / box
    assert abs(volume.base[0] - expected) < 5 * volume.base_error[0]
    assert abs(volume.smoothed[0] - smaller) < 5 * volume.smoothed_error[0]
    assert abs(volume.change[0] - (smaller - expected)) < 5 * volume.change_error[0]
    # Sharp enough to tell both apart.
    assert expected - smaller > 10 * volume.change_error[0]
    np.testing.assert_allclose([volume.base.sum(), volume.smoothed.sum()], 1)


def test_errors_tell_how_far_off_a_volume_is():
    # Over 40 seeds the mean squared z is about 1.4, that of a t law with 7 degrees of
    # freedom; its standard error is about 0.5. One vote and no smoothing to speak of.
    expected = ball_volume(1.0, 2) / 4
    z = []
    for seed in range(40):
        volume = region_volume(
            ball(2),
            (-1, 1),
            sigma=1e-3,
            n_predict=1,
            n_points=32,
            random_state=seed,
        )
        z.append((volume.base[0] - expected) / volume.base_error[0])
    assert 0.5 < np.mean(np.square(z)) < 3.5


def test_a_pipeline_takes_a_box_in_its_own_units():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) * [1, 100]
    y = np.where(np.abs(X[:, 0]) + np.abs(X[:, 1]) / 100 < 1, "in", "out")
    settings = {"sigma": 0.3, "n_predict": 50, "random_state": 0}
    scaler = StandardScaler().fit(X)
    inner = SmoothedClassifier(GaussianNB(), **settings).fit(scaler.transform(X), y)
    outer = make_pipeline(
        StandardScaler(), SmoothedClassifier(GaussianNB(), **settings)
    )
    outer.fit(X, y)
    box = np.array([[-2.0, -200.0], [2.0, 200.0]])
    keywords = {"n_points": 32, "random_state": 1}
    volume = region_volume(outer, box, **keywords)
    expected = region_volume(inner, scaler.transform(box), **keywords)
    np.testing.assert_array_equal(volume.base, expected.base)
    np.testing.assert_array_equal(volume.smoothed, expected.smoothed)
    table = pd.DataFrame(X, columns=["a", "b"])
    named = GaussianNB().fit(table, y)
    frame = region_volume(named, box, n_predict=20, **keywords).to_frame()
    assert frame["class"].tolist() == ["in", "out"]


def test_what_cannot_be_measured_is_refused():
    disc = ball(2)
    with pytest.raises(ValueError, match="up to 10 features, here are 11"):
        region_volume(ball(11), (-1, 1))
    for bad in [(1, -1), (0, np.inf), (-1, [1, 1, 1]), 3.0, ([[0]], [[1]])]:
        with pytest.raises(ValueError, match="bounds"):
            region_volume(disc, bad)
    with pytest.raises(ValueError, match=r"power of 2, .* take 128"):
        region_volume(disc, (-1, 1), n_points=100)
    for name in ("n_points", "n_scrambles"):
        with pytest.raises(ValueError, match=name):
            region_volume(disc, (-1, 1), **{name: 1})
