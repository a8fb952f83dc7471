# SPDX-License-Identifier: BSD-3-Clause
"""Labels from the scores of a classifier, which takes less time than its `predict`.

The scores are computed by the classifier itself, from whatever it takes: frames with
categories too.
"""

import abc

import numpy as np

from sksmooth._estimators import has_own_predict
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.fast._predictor import FastPredictor, surely_largest
from sksmooth.votes.probes import REPLACED, is_known

# From a fitted classifier to its `OwnScores`; it raises `Declined` with the reason.
own_scores = ByType()

# Scores that are closer to a tie are left to `predict`.
_TIE = 1e-9


class OwnScores(FastPredictor):
    """Labels of a fitted classifier from scores that it computes.

    Parameters
    ----------
    estimator : fitted classifier
        It is called, and thus kept: this is made anew for each source of votes.

    Attributes
    ----------
    key : object
        What labels depend on that a change inside the classifier may not show.
    """

    takes_any = True
    # All that it is given is one call.
    n_rows = 2**40
    key: object = None

    def __init__(self, estimator):
        super().__init__(estimator.n_features_in_)
        self._estimator = estimator
        self._n_classes = len(estimator.classes_)

    @abc.abstractmethod
    def scores(self, rows):
        """Compute the scores of rows, of shape (n_samples, n_classes) or (n_samples,).

        Of two classes there may be one score, which is above zero for the second.
        """

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            As `predict` takes it.
        """
        scores = np.asarray(self.scores(X))
        if scores.shape == (len(X),) and self._n_classes == 2:
            return (scores > 0).astype(np.intp), ~(np.abs(scores) > _TIE)
        if scores.shape == (len(X), self._n_classes):
            return surely_largest(scores, _TIE)
        return np.zeros(len(X), dtype=np.intp), np.ones(len(X), dtype=bool)


@own_scores("catboost", "CatBoostClassifier")
class CatBoostScores(OwnScores):
    """`CatBoostClassifier`, whose `predict` takes long to make labels of scores.

    Parameters
    ----------
    estimator : CatBoostClassifier
    """

    def __init__(self, estimator):
        super().__init__(estimator)
        self.key = estimator.get_probability_threshold()
        if self.key != 0.5:
            raise Declined("its probability threshold is not one half")
        # `predict` takes all cores, which a few thousand rows are not worth.
        self._n_threads = estimator.get_params().get("thread_count", -1)

    def scores(self, rows):
        """Scores of rows."""
        return self._estimator.predict(
            rows, prediction_type="RawFormulaVal", thread_count=self._n_threads
        )


def find_own_scores(core):
    """Return what computes the labels of a classifier from its own scores.

    Parameters
    ----------
    core : fitted classifier

    Returns
    -------
    OwnScores

    Raises
    ------
    Declined
        If there is none; the message is the reason.
    """
    find = own_scores.get(core)
    if find is None:
        raise Declined(f"{type(core).__name__} has no fast path")
    if has_own_predict(core):
        raise Declined("its method predict was replaced")
    if not is_known(core):
        raise Declined(REPLACED)
    return find(core)


def may_score(core):
    """Whether the exact type of a classifier is one whose own scores are used."""
    return own_scores.get(core) is not None
