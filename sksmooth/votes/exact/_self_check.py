# SPDX-License-Identifier: BSD-3-Clause
"""A closed form is used only where its structure agrees with `predict`."""

import numpy as np

from sksmooth._estimators import flat_labels
from sksmooth._warnings import ignore_warnings
from sksmooth.samples import unit_values_of
from sksmooth.votes.exact._source import Declined, SelfCheckFailed

_N_ROWS = 256
# Noise in multiples of sigma, so that labels change even where X_sample is far from
# every boundary.
_SPREADS = np.array([1.0, 3.0, 10.0])


def ask(method, X):
    """Call a method of an estimator on an array, whatever it was fitted on."""
    with ignore_warnings("X does not have valid feature names"):
        return method(X)


def checked_sample(X_sample):
    """Samples as an array of float64.

    Raises
    ------
    Declined
        If they are not vectors of finite numbers.
    """
    try:
        X_sample = np.asarray(X_sample, dtype=np.float64)
    except (TypeError, ValueError):
        raise Declined("its samples are not numbers") from None
    if X_sample.ndim != 2:
        raise Declined(f"its samples are not vectors: X has {X_sample.ndim} dimensions")
    if not np.all(np.isfinite(X_sample)):
        raise Declined("its samples have missing values")
    return X_sample


def check_against_predict(estimator, disagrees, inputs, X_sample, sigma):
    """Compare an extracted structure with `predict` on noisy samples.

    Parameters
    ----------
    estimator : fitted classifier
    disagrees : callable
        From numbers and labels to a mask of the samples at which the structure
        contradicts the labels.
    inputs : ArrayInputs or TableInputs
        What the numbers are.
    X_sample : array-like of shape (n_samples, n_features) or Table
    sigma : float

    Raises
    ------
    SelfCheckFailed
    """
    rng = np.random.default_rng(0)
    rows = rng.integers(len(X_sample), size=_N_ROWS)
    spread = sigma * np.resize(_SPREADS, (_N_ROWS, 1))
    noise = rng.standard_normal((_N_ROWS, unit_values_of(X_sample).shape[1]))
    numbers, seen = inputs.noisy(X_sample, rows, spread * noise)
    labels = flat_labels(ask(estimator.predict, seen))
    if labels.ndim != 1:
        raise Declined("multi-output: it predicts several labels per sample")
    n_wrong = int(np.sum(disagrees(numbers, labels)))
    if n_wrong:
        raise SelfCheckFailed(
            f"self-check failed: predict contradicts its structure on {n_wrong} of "
            f"{_N_ROWS} noisy samples"
        )
