# SPDX-License-Identifier: BSD-3-Clause
"""Bagged classifiers: means over trees, and votes of what has no probabilities."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._forests import BaggedTrees
from sksmooth.votes.fast._members import OfMembers
from sksmooth.votes.fast._predictor import fast_predictor


@fast_predictor("sklearn.ensemble", "BaggingClassifier")
def of_bagging(estimator):
    """Mean of probabilities, or votes of members that have none, as `predict` does."""
    if any(hasattr(member, "predict_proba") for member in estimator.estimators_):
        return BaggedTrees(estimator)
    return BaggedVotes(estimator)


class BaggedVotes(OfMembers):
    """The class that most members predict, each from its own features.

    Parameters
    ----------
    estimator : BaggingClassifier
        Of classifiers without `predict_proba`, such as `SVC`.
    """

    def __init__(self, estimator):
        if len(estimator.estimators_) != estimator.n_estimators:
            raise Declined("n_estimators was changed after fit")
        super().__init__(estimator.estimators_, estimator.n_features_in_)
        self._features = [np.array(part) for part in estimator.estimators_features_]
        self._n_classes = len(estimator.classes_)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        votes = np.zeros((len(X), self._n_classes))
        every = np.arange(len(X))
        for member, features in zip(self.members, self._features, strict=True):
            # Members are fitted on positions of classes.
            votes[every, member.labels(X[:, features])] += 1
        return np.argmax(votes, axis=1), np.zeros(len(X), dtype=bool)
