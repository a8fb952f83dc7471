# SPDX-License-Identifier: BSD-3-Clause
"""Wrappers that make linear classifiers of linear classifiers."""

import numpy as np
from scipy.special import logit

from sksmooth._estimators import layers
from sksmooth.votes.exact._affine import AffineMap, fold_steps
from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.exact._linear_classifiers import linear_classifier
from sksmooth.votes.exact._linear_scores import scores_behind
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined

_N_PROBES = 8
# Relative difference of a decision function from the scores that is rounding, and
# distance from a threshold at which `predict` must have changed its label.
_ROUNDING, _NEAR = 1e-9, 1e-6
# From a wrapper to the first estimator inside it.
_wrapper = ByType()


@linear_classifier("sklearn.multiclass", "OneVsRestClassifier")
def _one_vs_rest_scores(estimator):
    """Scores of a `OneVsRestClassifier` of linear classifiers."""
    if estimator.multilabel_:
        raise Declined("multilabel: it predicts several labels for a sample")
    margins = [_checked_margin(inner) for inner in estimator.estimators_]
    coef = np.stack([weight for weight, _ in margins])
    intercept = np.array([offset for _, offset in margins])
    if len(np.unique(np.column_stack([coef, intercept]), axis=0)) < len(margins):
        raise Declined("two of its classes have the same scores")
    return coef, intercept


@linear_classifier(
    "sklearn.model_selection", "FixedThresholdClassifier", "TunedThresholdClassifierCV"
)
def _thresholded_scores(estimator):
    """Scores of a classifier with a threshold, fixed or tuned, on a linear one.

    The threshold moves the hyperplane. By which response it is compared with, of which
    class, is not public: of the places where the hyperplane can be then, `predict`
    confirms one.
    """
    weight, offset = _margin(inside_wrapper(estimator))
    threshold = getattr(estimator, "best_threshold_", None)
    if threshold is None:
        threshold = estimator.threshold
    if isinstance(threshold, str):  # "auto"
        candidates = [0.0]
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            at = np.array([threshold, logit(threshold)])
        candidates = np.unique(np.append(at, -at))
    places = [c for c in candidates if _turns_at(estimator, weight, offset, c)]
    if len(places) != 1:
        raise Declined("its threshold is not one on linear scores")
    return weight[np.newaxis], np.array([offset - places[0]])


def inside_wrapper(estimator):
    """The first estimator inside one of these wrappers; None if it is none of them."""
    inside = _wrapper.get(estimator)
    return None if inside is None else inside(estimator)


@_wrapper("sklearn.multiclass", "OneVsRestClassifier")
def _inside_one_vs_rest(estimator):
    return estimator.estimators_[0]


@_wrapper(
    "sklearn.model_selection", "FixedThresholdClassifier", "TunedThresholdClassifierCV"
)
def _inside_threshold(estimator):
    return getattr(estimator, "estimator_", estimator.estimator)


def _margin(inner):
    """Weights and offset of the score of the second class over the first."""
    transformers, core = layers(inner, exact=True)
    if len(getattr(core, "classes_", ())) != 2:
        raise Declined(f"{type(core).__name__} inside does not have two classes")
    affine = fold_steps(transformers, AffineMap.identity(inner.n_features_in_))
    scores = scores_behind(affine, core)
    return scores.coef[1] - scores.coef[0], scores.intercept[1] - scores.intercept[0]


def _checked_margin(inner):
    """The same, if it is what the decision function returns."""
    weight, offset = _margin(inner)
    if not hasattr(inner, "decision_function"):
        raise Declined(f"{type(inner).__name__} inside has no decision function")
    X = np.random.default_rng(0).standard_normal((_N_PROBES, len(weight)))
    terms = np.abs(X) @ np.abs(weight) + np.abs(offset)
    difference = np.ravel(ask(inner.decision_function, X)) - (X @ weight + offset)
    if np.any(np.abs(difference) > _ROUNDING * terms):
        raise Declined("the decision function of an estimator inside is not its score")
    return weight, offset


def _turns_at(estimator, weight, offset, margin):
    """Whether `predict` turns from the first to the second class at a margin."""
    length = weight @ weight
    if not (np.isfinite(margin) and length > 0):
        return False
    near = _NEAR * (1 + np.abs(margin) + np.abs(offset))
    wanted = np.array([margin - near, margin + near]) - offset
    labels = ask(estimator.predict, np.outer(wanted / length, weight))
    return np.array_equal(labels, estimator.classes_)
