# SPDX-License-Identifier: BSD-3-Clause
"""Noise augmentation has another objective: an example on the line, exactly."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.neighbors import KNeighborsClassifier

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import slab_smoothed_halfwidth, slab_vanishing_sigma
from sksmooth.training import ParzenClassifier

X, Y = np.array([[-1.0], [0.0], [1.0]]), ["outer", "middle", "outer"]


def augmented_halfwidth(sigma):
    """Boundary of the infinitely augmented classifier, found by asking it."""
    parzen = ParzenClassifier(sigma).fit(X, Y)

    def margin(x):
        outer_less_middle = np.diff(parzen.predict_log_proba([[x]])[0])
        return float(outer_less_middle[0])

    return brentq(margin, 0.0, 1.0)


def test_the_three_sigmas_at_which_the_middle_class_is_lost():
    # Each class is a slab about 0, before and after smoothing.
    assert slab_vanishing_sigma(0.5) == pytest.approx(0.7413, abs=5e-5)
    lost = brentq(lambda s: slab_vanishing_sigma(augmented_halfwidth(s)) - s, 0.5, 0.84)
    assert lost == pytest.approx(0.6618, abs=5e-5)
    itself = brentq(
        lambda s: np.diff(ParzenClassifier(s).fit(X, Y).predict_proba([[0.0]])[0])[0],
        0.5,
        1.0,
    )
    assert itself == pytest.approx(1 / np.sqrt(2 * np.log(2)))
    assert lost < slab_vanishing_sigma(0.5) < itself


@pytest.mark.parametrize(
    "sigma, augmented, augmented_smoothed, clean_smoothed",
    [
        (0.60, "middle", "middle", "middle"),
        (0.70, "middle", "outer", "middle"),
        (0.80, "middle", "outer", "outer"),
        (0.90, "outer", "outer", "outer"),
    ],
)
def test_by_votes_augmentation_loses_the_class_earlier(
    sigma, augmented, augmented_smoothed, clean_smoothed
):
    # The closest call is a share of 0.525 against 0.5, with a standard error of 0.0035.
    def vote(clf):
        g = SmoothedClassifier.from_fitted(
            clf, sigma=sigma, n_predict=20_000, random_state=0
        )
        return g.predict([[0.0]])[0]

    parzen = ParzenClassifier(sigma).fit(X, Y)
    assert parzen.predict([[0.0]])[0] == augmented
    assert vote(parzen) == augmented_smoothed
    assert vote(KNeighborsClassifier(1).fit(X, Y)) == clean_smoothed


def test_augmentation_narrows_the_region_that_smoothing_narrows_again():
    sigmas = np.array([0.35, 0.45, 0.55, 0.65])
    augmented = np.array([augmented_halfwidth(s) for s in sigmas])
    assert np.all(np.diff(augmented) < 0)
    assert np.all(augmented < 0.5)
    twice = slab_smoothed_halfwidth(augmented, sigmas)
    assert np.all(twice < slab_smoothed_halfwidth(0.5, sigmas))
