# SPDX-License-Identifier: BSD-3-Clause
"""Ensembles that count or compare what their members predict."""

import numpy as np

from sksmooth._estimators import layers
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import ask
from sksmooth.votes.fast._labels import FastLabels
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    by_tiers,
    fast_predictor,
    find_predictor,
    surely_largest,
)
from sksmooth.votes.fast._svc import SVCPredictor


class Member:
    """A fitted classifier inside another one.

    Parameters
    ----------
    estimator : fitted classifier

    Attributes
    ----------
    fast : FastLabels or None
        Computes its labels in less time than its `predict`.
    """

    def __init__(self, estimator):
        self.estimator = estimator
        transformers, core = layers(estimator, exact=True)
        try:
            self.fast = FastLabels(transformers, find_predictor(core))
        except Declined:
            self.fast = None

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return 4096 if self.fast is None else self.fast.predictor.n_rows

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one; that of `predict` is 1."""
        return 1 if self.fast is None else self.fast.predictor.votes_at_once

    def labels(self, X):
        """Labels that it predicts, members of its ``classes_``."""
        if self.fast is None:
            return ask(self.estimator.predict, X)
        classes = self.estimator.classes_
        positions = self.fast.positions(X, self._positions)
        return classes[positions]

    def _positions(self, X):
        classes = self.estimator.classes_
        return np.searchsorted(classes, ask(self.estimator.predict, X))


class OfMembers(FastPredictor):
    """Labels from those of members, each by its fast path or its `predict`."""

    def __init__(self, members, n_features):
        super().__init__(n_features)
        self.members = [Member(estimator) for estimator in members]
        if not any(member.fast for member in self.members):
            raise Declined("no member of it has a fast path")

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return min(member.n_rows for member in self.members)

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return min(member.votes_at_once for member in self.members)


@fast_predictor("sklearn.ensemble", "VotingClassifier")
class HardVote(OfMembers):
    """The class that most members predict, by weights if there are any.

    Weights are added in the order of the members, as `predict` does it.

    Parameters
    ----------
    estimator : VotingClassifier
        With ``voting="hard"``.
    """

    def __init__(self, estimator):
        if estimator.voting != "hard":
            raise Declined("it averages probabilities")
        super().__init__(estimator.estimators_, estimator.n_features_in_)
        weights = np.ones(len(self.members))
        if estimator.weights is not None:
            weights = [
                weight
                for (_, member), weight in zip(
                    estimator.estimators, estimator.weights, strict=True
                )
                if not (isinstance(member, str) and member == "drop")
            ]
        self._weights = np.array(weights, dtype=np.float64)
        if len(self._weights) != len(self.members) or (self._weights < 0).any():
            raise Declined("a weight of it is negative or missing")
        self._n_classes = len(estimator.classes_)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        votes = np.zeros((len(X), self._n_classes))
        every = np.arange(len(X))
        for member, weight in zip(self.members, self._weights, strict=True):
            votes[every, member.labels(X)] += weight
        return np.argmax(votes, axis=1), np.zeros(len(X), dtype=bool)


@fast_predictor("sklearn.multiclass", "OneVsRestClassifier")
class OneVersusRest(FastPredictor):
    """The class whose classifier has the largest decision, of support vectors.

    Of two classes, which have one classifier, the second where that is positive.

    Parameters
    ----------
    estimator : OneVsRestClassifier
    """

    def __init__(self, estimator):
        if estimator.multilabel_:
            raise Declined("multilabel: it predicts several labels for a sample")
        if len(estimator.classes_) < 2:
            raise Declined("it knows one class only")
        super().__init__(estimator.n_features_in_)
        self._members = [_decisions_of(inner) for inner in estimator.estimators_]
        self._n_tiers = min(len(member.kernels) for member in self._members)

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return min(member.n_rows for member in self._members)

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return min(member.votes_at_once for member in self._members)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        return by_tiers(range(-self._n_tiers, 0), self._positions, X)

    def _positions(self, X, tier):
        parts = [m.decisions(X, m.kernels[tier]) for m in self._members]
        # libsvm decides for the first of two classes, which is the rest.
        scores = -np.concatenate([decisions for decisions, _ in parts], axis=1)
        error = np.concatenate([error for _, error in parts], axis=1)
        if scores.shape[1] == 1:
            score = scores[:, 0]
            return (score > 0).astype(np.intp), ~(np.abs(score) > error[:, 0])
        return surely_largest(scores, error)


def _decisions_of(inner):
    predictor = find_predictor(inner)
    if not isinstance(predictor, SVCPredictor) or len(inner.classes_) != 2:
        raise Declined(f"the decision of {type(inner).__name__} inside is not covered")
    if "decision_function" in vars(inner):
        raise Declined("a method of a member was replaced")
    return predictor
