# SPDX-License-Identifier: BSD-3-Clause
"""Trees compare some of the features only: the others need no noise."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._first_layer import first_layer
from sksmooth.votes.fast._predictor import find_predictor

# Noise of fewer features takes less time than what is saved besides.
_FEWEST_LEFT_OUT = 64


@first_layer("sklearn.tree", "DecisionTreeClassifier", "ExtraTreeClassifier")
@first_layer(
    "sklearn.ensemble",
    "AdaBoostClassifier",
    "BaggingClassifier",
    "ExtraTreesClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "RandomForestClassifier",
)
def split_trees(estimator):
    """The selection of the features that trees compare, and the trees behind it."""
    predictor = find_predictor(estimator)
    used, narrow = predictor.narrowed()
    n_features = predictor.n_features
    if n_features - len(used) < _FEWEST_LEFT_OUT or not len(used):
        raise Declined(f"its trees compare {len(used)} of {n_features} features")
    selection = np.zeros((len(used), n_features))
    selection[np.arange(len(used)), used] = 1.0
    return selection, np.zeros(len(used)), UsedFeatures(narrow, used, n_features)


class UsedFeatures:
    """What predicts from some of the features, but for labels that are unsure.

    Parameters
    ----------
    predictor : FastPredictor
        Of these features.
    used : ndarray of int of shape (n_used,)
    n_features : int
        The number of all features.
    """

    def __init__(self, predictor, used, n_features):
        self.predictor, self._used = predictor, used
        self._n_features = n_features

    def positions(self, outputs, predicted):
        """Positions of labels.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_used)
        predicted : callable
            From rows of all features to the positions of the labels that `predict`
            gives, for labels that rounding could change.
        """
        positions, unsure = self.predictor.positions(outputs)
        if unsure.any():
            rows = np.zeros((np.sum(unsure), self._n_features))
            rows[:, self._used] = outputs[unsure]
            positions[unsure] = predicted(rows)
        return positions
