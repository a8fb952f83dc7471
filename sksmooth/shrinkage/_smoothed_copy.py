# SPDX-License-Identifier: BSD-3-Clause
"""Whatever the caller has fitted, as a smoothed classifier whose sigma may be moved."""

from copy import copy

from sklearn.utils.validation import check_is_fitted, column_or_1d

from sksmooth._estimators import layers, refuse_class, require
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth.certificates import check_given_labels, require_known


def smoothed_copy(estimator, X, params):
    """Return a smoothed classifier of our own, and the samples as it receives them.

    A `SmoothedClassifier`, bare, at the end of a Pipeline, found by a search or with
    tuned weights, is copied without its contents: the copy shares the fitted base
    classifier and the key of the noise, and takes other parameters without a word to
    the original. Any other fitted classifier is wrapped.
    """
    refuse_class(estimator)
    _, inner = found = layers(estimator)
    if isinstance(inner, SmoothedClassifier):
        check_is_fitted(inner)
        return copy(inner).set_params(**params), found.transform(X)
    if hasattr(type(inner), "_estimator_inside"):
        check_is_fitted(inner)
    if hasattr(type(inner), "certify"):
        raise TypeError(
            f"{type(inner).__name__} is smoothed already, and its sigma cannot be "
            "moved here; pass a SmoothedClassifier or the base classifier."
        )
    if not (hasattr(estimator, "predict") or callable(estimator)):
        raise TypeError(
            f"estimator={estimator!r:.200} is not a classifier; pass one that is "
            "fitted, smoothed or not."
        )
    return SmoothedClassifier.from_fitted(estimator, **params), X


def refuse_sigma(params, instead):
    """Raise if sigma is among the parameters of a function that moves it itself."""
    if "sigma" in params:
        raise TypeError(
            f"sigma={params['sigma']!r} is not a parameter here; sigma is moved over "
            f"{instead}."
        )


def base_labels(smoothed, X):
    """Predictions of the base classifier without noise."""
    return smoothed._predict_base(X)


def true_classes(y, X, classes):
    """Position of each true label in `classes`."""
    check_given_labels(y)
    try:
        y = column_or_1d(y)
    except (TypeError, ValueError):
        raise ValueError(
            f"y must hold one label for each sample, got {y!r:.200}."
        ) from None
    try:
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    except (IndexError, TypeError):  # a single number, or no data at all
        raise ValueError(
            f"X must hold samples, of shape (n_samples, n_features), got {X!r:.200}."
        ) from None
    if len(y) != n_samples:
        raise ValueError(
            f"y has {len(y)} labels, inconsistent with the {n_samples} samples of X."
        )
    if len(y) == 0:
        raise ValueError("X and y are empty; at least one sample is needed.")
    return require_known(y, classes)


def frame(columns, caller, attrs):
    """Build a pandas DataFrame; pandas is loaded here only."""
    result = require("pandas", caller).DataFrame(columns)
    result.attrs.update(attrs)
    return result
