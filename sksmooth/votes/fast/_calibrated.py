# SPDX-License-Identifier: BSD-3-Clause
"""Support vector machines whose decisions are calibrated by sigmoids."""

import numpy as np
from scipy.special import expit

from sksmooth._estimators import has_own_predict, layers
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.fast._labels import FastLabels
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    by_tiers,
    fast_predictor,
    find_predictor,
    surely_largest,
)
from sksmooth.votes.fast._svc import SVCPredictor

# Largest relative error that the bounds below are for.
_MOST_ERROR = 0.25


@fast_predictor("sklearn.calibration", "CalibratedClassifierCV")
class CalibratedSVC(FastPredictor):
    """The class with the largest mean of calibrated probabilities.

    Parameters
    ----------
    estimator : CalibratedClassifierCV
        With ``method="sigmoid"``, of `SVC` or `NuSVC`.
    """

    def __init__(self, estimator):
        super().__init__(estimator.n_features_in_)
        self._members = [_Member(part) for part in estimator.calibrated_classifiers_]
        for member in self._members:
            if not np.array_equal(member.classes, estimator.classes_):
                raise Declined("a member knows other classes than the whole")
        self._n_tiers = min(len(member.svc.kernels) for member in self._members)

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return min(member.svc.n_rows for member in self._members)

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return min(member.svc.votes_at_once for member in self._members)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        return by_tiers(range(-self._n_tiers, 0), self._positions, X)

    def _positions(self, X, tier):
        total = error = 0.0
        for member in self._members:
            probabilities, own_error = member.probabilities(X, tier)
            total, error = total + probabilities, error + own_error
        return surely_largest(total, error + 8 * len(self._members) * UNIT)


class _Member:
    """One classifier and the sigmoids of its decisions.

    Notes
    -----
    A sigmoid ``p(t) = 1 / (1 + exp(a * t + b))`` has ``|p'| <= |a| * p``. So an error e
    of t is one of at most ``1.3 * |a| * e`` relative to p, as far as that is small; a
    ratio of p and a sum of others has at most the relative errors of both.
    """

    def __init__(self, calibrated):
        if calibrated.method != "sigmoid":
            raise Declined(f"it is calibrated by method={calibrated.method!r}")
        inner = calibrated.estimator
        transformers, core = layers(inner, exact=True)
        svc = find_predictor(core)
        if not isinstance(svc, SVCPredictor) or has_own_predict(inner):
            raise Declined(f"{type(core).__name__} inside is not covered")
        if "decision_function" in vars(core).keys() | vars(inner).keys():
            raise Declined("a method of a member was replaced")
        self.classes = calibrated.classes
        if not np.array_equal(core.classes_, self.classes):
            raise Declined("a member knows other classes than the whole")
        if len(self.classes) > 2 and core.decision_function_shape != "ovr":
            raise Declined("it calibrates decisions between pairs of classes")
        self.svc = svc
        self._fast = FastLabels(transformers, svc)
        sigmoids = calibrated.calibrators
        self._slope = np.array([float(sigmoid.a_) for sigmoid in sigmoids])
        self._offset = np.array([float(sigmoid.b_) for sigmoid in sigmoids])

    def probabilities(self, X, tier):
        """Probabilities of classes, and a bound on their error."""
        rows = self._fast.rows(X)
        if rows is None:
            raise Declined("the classifier inside is not given an array of float64")
        # What is infinite is not known, and what is made of it is nan.
        with np.errstate(all="ignore"):
            scores, error = self.svc.scores(rows, self.svc.kernels[tier])
            return self._calibrated(scores, error)

    def _calibrated(self, scores, error):
        exponents = scores * self._slope + self._offset
        error = np.abs(self._slope) * (error + 2 * UNIT * np.abs(scores))
        error += 2 * UNIT * (np.abs(self._offset) + np.abs(exponents)) + 8 * UNIT
        error = np.where(error < _MOST_ERROR, 1.3 * error, np.inf)
        found = expit(-exponents)
        if len(self.classes) == 2:
            found = np.concatenate([1.0 - found, found], axis=1)
            return found, found[:, 1:] * error + 4 * UNIT
        error = 1.3 * (error + error.max(axis=1, keepdims=True))
        found /= found.sum(axis=1, keepdims=True)
        return found, found * error + 4 * found.shape[1] * UNIT
