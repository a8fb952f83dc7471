# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers of scikit-learn, by exact type, and the closed form of each."""

import numpy as np
import scipy.sparse as sp

from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._linear import HeldLineSource, LineSource, TwoClassSource
from sksmooth.votes.exact._linear_scores import centered_scores, linear_scores_of_type
from sksmooth.votes.exact._rounding import UNIT, Rounded
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.exact._three_classes import ThreeClassSource


def linear_source(estimator, affine):
    """The closed form of a linear classifier behind an affine map.

    Raises
    ------
    Declined
        By `scores_behind`, or if it has more than three classes that do not line up.
    """
    scores = centered_scores(affine, estimator)
    classes = estimator.classes_
    if len(classes) == 2:
        return TwoClassSource(classes, scores, affine.held)
    coef = scores.coef.value
    if affine.held is not None:
        coef = coef[:, ~affine.held]
    spread = np.linalg.svd(coef - coef[0], compute_uv=False)
    if len(spread) < 2 or spread[1] <= 1e-13 * spread[0]:
        if affine.held is not None:
            return HeldLineSource(classes, scores, affine.held)
        return LineSource(classes, scores)
    if len(classes) == 3:
        return ThreeClassSource(classes, scores, affine.held)
    raise Declined(
        f"a linear argmax over {len(classes)} classes has no closed form where noise "
        "moves their scores in more than one direction"
    )


def linear_classifier(module, *names):
    """Register a reader of the scores of fitted linear classifiers, by exact type.

    The reader returns coefficients and intercepts, and may return a point that the
    coefficients are multiplied from. See `ByType` for the parameters.
    """

    def register(read):
        closed_form(module, *names)(linear_source)
        return linear_scores_of_type(module, *names)(read)

    return register


@linear_classifier(
    "sklearn.linear_model",
    "LogisticRegression",
    "LogisticRegressionCV",
    "PassiveAggressiveClassifier",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
)
@linear_classifier("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis")
@linear_classifier("sklearn.svm", "LinearSVC")
def _coef_and_intercept(estimator):
    return estimator.coef_, estimator.intercept_


@linear_classifier("sklearn.svm", "SVC", "NuSVC")
def _support_vector_scores(estimator):
    kernel = estimator.kernel
    if not (isinstance(kernel, str) and kernel == "linear"):
        raise Declined(f"its kernel {kernel!r} is not 'linear'")
    if len(estimator.classes_) > 2:
        raise Declined(
            "with more than two classes it lets pairs of classes vote, which is not "
            "an argmax of linear scores"
        )
    if sp.issparse(estimator.dual_coef_):
        return estimator.dual_coef_, estimator.intercept_
    # `coef_` is a product that predict does not use; in which it is off by how much?
    product = estimator.dual_coef_.astype(np.longdouble) @ estimator.support_vectors_
    sizes = np.abs(estimator.dual_coef_) @ np.abs(estimator.support_vectors_)
    rounding = len(estimator.support_vectors_) * np.finfo(np.longdouble).eps
    error = np.abs(product - estimator.coef_).astype(np.float64)
    error = (error + rounding * sizes) * (1 + 1e-9)
    return Rounded(estimator.coef_, error), estimator.intercept_


@linear_classifier("sklearn.naive_bayes", "MultinomialNB")
def _multinomial_scores(estimator):
    return estimator.feature_log_prob_, estimator.class_log_prior_


@linear_classifier("sklearn.naive_bayes", "ComplementNB")
def _complement_scores(estimator):
    # The prior takes part only where there is a single class.
    return estimator.feature_log_prob_, np.zeros(len(estimator.classes_))


@linear_classifier("sklearn.neighbors", "NearestCentroid")
def _centroid_scores(estimator):
    if estimator.metric != "euclidean":
        raise Declined(f"its metric {estimator.metric!r} is not 'euclidean'")
    center = estimator.centroids_.mean(axis=0, dtype=np.float64)
    centroids = Rounded(estimator.centroids_) - center
    prior = estimator.class_prior_
    if np.isclose(prior, 1 / len(prior)).all():
        return centroids * 2.0, -(centroids * centroids).sum(axis=1), center
    # With other priors, distances are measured in within-class deviations.
    spread = estimator.within_class_std_dev_
    spread = np.where(spread != 0, spread, 1.0)
    scaled = centroids / spread
    with np.errstate(divide="ignore"):
        bonus = 2.0 * np.log(prior)
    bonus = Rounded(bonus, 4 * UNIT * np.abs(bonus))
    return scaled * 2.0 / spread, bonus - (scaled * scaled).sum(axis=1), center
