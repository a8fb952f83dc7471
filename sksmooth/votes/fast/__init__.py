# SPDX-License-Identifier: BSD-3-Clause
"""The labels that `predict` gives, in less time than it takes.

A fitted classifier of a known type is taken apart, and its labels for noisy copies are
computed from its parameters: without validation, by products of matrices, from the
values that matter alone. They are those of `predict`: labels that rounding could change
are left to `predict` itself.
"""

# Modules that register classifiers, by their decorators. One line for each.
from sksmooth.votes.fast import (  # noqa: F401
    _ada_boost,
    _bagging,
    _boosting,
    _calibrated,
    _forests,
    _gaussian_nb,
    _members,
    _mlp,
    _neighbors,
    _own_scores,
    _svc,
    _used_features,
)
from sksmooth.votes.fast._first_layer import first_layer
from sksmooth.votes.fast._labels import FastLabels
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    fast_predictor,
    find_predictor,
    may_be_fast,
)
from sksmooth.votes.fast._used_features import UsedFeatures

__all__ = [
    "FastLabels",
    "FastPredictor",
    "UsedFeatures",
    "fast_predictor",
    "find_predictor",
    "first_layer",
    "may_be_fast",
]
