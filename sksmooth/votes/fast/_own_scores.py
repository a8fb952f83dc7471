# SPDX-License-Identifier: BSD-3-Clause
"""Labels from the scores of a classifier, which takes less time than its `predict`.

The scores are computed by the classifier itself, from whatever it takes: frames with
categories too.
"""

import abc
from weakref import ref

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    fast_predictor,
    surely_largest,
)

# Scores that are closer to a tie are left to `predict`.
_TIE = 1e-9
# The probability of the second of two classes from which on CatBoost predicts it.
_HALF = 0.5


class OwnScores(FastPredictor):
    """Labels of a fitted classifier from scores that it computes.

    Parameters
    ----------
    estimator : fitted classifier
        It is called, and not kept alive.
    """

    takes_any = True
    # All that it is given is one call.
    n_rows = 2**40

    def __init__(self, estimator):
        super().__init__(estimator.n_features_in_)
        self._estimator = ref(estimator)

    def __reduce__(self):
        # As to a worker process, along with the classifier, which has to be sent too.
        return type(self), (self._estimator(),)

    @abc.abstractmethod
    def scores(self, estimator, rows):
        """Compute the scores of rows, of shape (n_samples, n_classes) or (n_samples,).

        Of two classes there may be one score, which is above zero for the second. None
        where the classifier was changed, so that scores do not tell its labels.
        """

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            As `predict` takes it.
        """
        estimator = self._estimator()
        n_classes = len(estimator.classes_)
        scores = np.asarray(self.scores(estimator, X))
        if scores.shape == (len(X),) and n_classes == 2:
            return (scores > 0).astype(np.intp), ~(np.abs(scores) > _TIE)
        if scores.shape == (len(X), n_classes):
            return surely_largest(scores, _TIE)
        return np.zeros(len(X), dtype=np.intp), np.ones(len(X), dtype=bool)


@fast_predictor("catboost", "CatBoostClassifier")
class CatBoostScores(OwnScores):
    """`CatBoostClassifier`, whose `predict` takes long to make labels of scores.

    Parameters
    ----------
    estimator : CatBoostClassifier
    """

    def __init__(self, estimator):
        super().__init__(estimator)
        if estimator.get_probability_threshold() != _HALF:
            raise Declined("its probability threshold is not one half")
        # `predict` takes all cores, which a few thousand rows are not worth.
        self._n_threads = estimator.get_params().get("thread_count", -1)

    def scores(self, estimator, rows):
        """Scores of rows; None once another threshold was set."""
        if estimator.get_probability_threshold() != _HALF:
            return None
        return estimator.predict(
            rows, prediction_type="RawFormulaVal", thread_count=self._n_threads
        )
