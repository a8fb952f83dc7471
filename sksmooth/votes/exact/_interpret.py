# SPDX-License-Identifier: BSD-3-Clause
"""The terms of explainable boosting machines of interpret."""

from dataclasses import dataclass

import numpy as np

from sksmooth.votes.exact._boosted import boosted_source
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.exact._structure import Ensemble, SumOfTrees, tree_ensemble

closed_form("interpret.glassbox", "ExplainableBoostingClassifier")(boosted_source)


@tree_ensemble("interpret.glassbox", "ExplainableBoostingClassifier")
def _read_explainable_boosting(estimator):
    terms = [
        _read_term(estimator, features, scores)
        for features, scores in zip(
            estimator.term_features_, estimator.term_scores_, strict=True
        )
    ]
    return Ensemble(terms, False, SumOfTrees(estimator.decision_function))


def _read_term(estimator, features, scores):
    feature, threshold = [], []
    for at in features:
        if estimator.feature_types_in_[at] != "continuous":
            raise Declined("it has categorical features")
        # A feature has bins of its own in terms of several features.
        levels = estimator.bins_[at]
        cuts = np.asarray(levels[min(len(levels), len(features)) - 1])
        # A value on a cut is in the bin above.
        threshold.append(np.nextafter(cuts, -np.inf))
        feature.append(np.full(len(cuts), at))
    # The first score is that of missing values, the last that of unknown ones.
    scores = np.asarray(scores)[1:-1].reshape(len(scores) - 2, -1)
    return Term(np.concatenate(feature), np.concatenate(threshold), scores)


@dataclass(frozen=True)
class Term:
    """A step function of one feature, or of several; see `Tree`.

    Attributes
    ----------
    feature : ndarray of int of shape (n_cuts,)
    threshold : ndarray of shape (n_cuts,)
        Increasing for each feature.
    value : ndarray of shape (n_bins, n_values)
        Of a function of one feature, between neighboring thresholds.
    """

    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray

    @property
    def used_features(self):
        return np.unique(self.feature)

    @property
    def n_leaves(self):
        return len(self.threshold) + 1

    def leaf_of(self, X):
        """Position in `value` for each sample, of a function of one feature."""
        if not len(self.feature):
            return np.zeros(len(X), dtype=np.intp)
        return np.searchsorted(self.threshold, X[:, self.feature[0]], side="left")
