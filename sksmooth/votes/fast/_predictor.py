# SPDX-License-Identifier: BSD-3-Clause
"""What computes labels in place of `predict`, by the exact type of a classifier."""

import abc
from typing import ClassVar

import numpy as np

from sksmooth._estimators import has_own_predict
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.probes import REPLACED, is_known

# From a fitted classifier to its `FastPredictor`; it raises `Declined` with the reason
# where parameters of the classifier are not covered.
fast_predictor = ByType()


# Rows and products of numbers that take hardly longer than what a call takes besides.
# The rows are the votes of the first six looks at a radius, which are mostly enough.
_FEW_ROWS, _FEW_PRODUCTS = 84, 2**23


def rows_at_once(n_products):
    """Number of rows that take hardly longer than one, by the products of each."""
    return max(1, min(_FEW_ROWS, _FEW_PRODUCTS // max(1, n_products)))


class FastPredictor(abc.ABC):
    """Labels of a fitted classifier, computed from its parameters.

    It holds copies or views of what the classifier has learned, and no reference to the
    classifier itself, which it would keep alive.

    Parameters
    ----------
    n_features : int
        Number of features of the rows that `predict` takes.

    Attributes
    ----------
    takes_float32 : bool
        Whether labels of rows of float32 are those of the same numbers as float64.
    takes_any : bool
        Whether it is given what `predict` would be given, frames included, in place of
        rows of float64.
    """

    takes_float32: ClassVar[bool] = False
    takes_any: ClassVar[bool] = False

    def __init__(self, n_features):
        self.n_features = n_features

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return max(256, 2**19 // max(1, self.n_features))

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return rows_at_once(self.n_features)

    @abc.abstractmethod
    def positions(self, X):
        """Compute labels, as positions in ``classes_``.

        Parameters
        ----------
        X : ndarray of float64 of shape (n_samples, n_features)
            Rows as `predict` takes them. They are not to be written to, and may hold
            infinity or nan if the classifier was given those.

        Returns
        -------
        positions : ndarray of intp of shape (n_samples,)
            Equal to the labels of `predict` wherever `unsure` is False.
        unsure : ndarray of bool of shape (n_samples,)
            Rows whose labels rounding could change, here or in `predict`, and rows
            that are not covered. They are left to `predict`.
        """

    def narrowed(self):
        """Return the features that labels depend on, and what predicts from these.

        Returns
        -------
        used : ndarray of int of shape (n_used,)
        predictor : FastPredictor

        Raises
        ------
        Declined
            If labels may depend on all features.
        """
        raise Declined("its labels may depend on all features")


def find_predictor(core):
    """Return what computes the labels of a classifier that is no wrapper.

    Parameters
    ----------
    core : fitted classifier

    Returns
    -------
    FastPredictor

    Raises
    ------
    Declined
        If there is none; the message is the reason.
    """
    find = fast_predictor.get(core)
    if find is None:
        raise Declined(f"{type(core).__name__} has no fast path")
    if has_own_predict(core):
        raise Declined("its method predict was replaced")
    predictor = find(core)  # its reasons say more than the next one
    if not is_known(core, fast_predictor.get):
        raise Declined(REPLACED)
    return predictor


def may_be_fast(core):
    """Whether the exact type of a classifier is one that has a fast path."""
    return fast_predictor.get(core) is not None


def by_tiers(tiers, positions_of, X):
    """Compute labels in the first of several ways that settles them.

    Parameters
    ----------
    tiers : sequence
        Ways to compute, the least precise and fastest first.
    positions_of : callable
        From rows and a tier to what `FastPredictor.positions` returns.
    X : ndarray of shape (n_rows, n_features)

    Returns
    -------
    positions, unsure
        See `FastPredictor.positions`.
    """
    first, *others = tiers
    positions, unsure = positions_of(X, first)
    for tier in others:
        if unsure.any():
            positions[unsure], unsure[unsure] = positions_of(X[unsure], tier)
    return positions, unsure


def surely_largest(scores, error):
    """Find the largest of some scores that are known up to an error.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
    error : ndarray broadcast against `scores`
        Bound on the distance of each score from what is meant. What is infinite or nan
        is not known.

    Returns
    -------
    positions : ndarray of intp of shape (n_samples,)
    unsure : ndarray of bool of shape (n_samples,)
        Where another score may be the largest one, or as large.
    """
    every = np.arange(len(scores))
    positions = np.argmax(scores, axis=1)
    with np.errstate(invalid="ignore"):  # infinity less infinity is not known
        # Class by class in memory: the maximum of each sample takes less time there.
        upper = np.ascontiguousarray((scores + error).T)
        error = np.broadcast_to(error, scores.shape)[every, positions]
        lower = scores[every, positions] - error
    upper[positions, every] = -np.inf
    # Not `<=`, so that nan is unsure.
    return positions, ~(lower > upper.max(axis=0))


def surely_first(scores, error):
    """Find the largest of some scores whose differences are known up to an error.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes), C-contiguous
        Of at least two classes. They are written to.
    error : ndarray of shape (n_samples,)
        Bound on the error of the difference of any two scores of a sample. What is
        infinite or nan is not known.

    Returns
    -------
    positions, unsure
        See `surely_largest`.
    """
    positions = np.argmax(scores, axis=1)
    flat = scores.reshape(-1)
    at = np.arange(0, scores.size, scores.shape[1])
    at += positions
    first = flat[at]
    flat[at] = -np.inf
    # Class by class in memory: the maximum of each sample takes less time there.
    second = np.array(scores.T, order="C").max(axis=0)
    with np.errstate(invalid="ignore"):
        return positions, ~(first - second > error)


def may_not_lead(fewest, most, positions):
    """Whether another class than some may have the most votes, by row.

    Parameters
    ----------
    fewest, most : ndarray of shape (n_samples, n_classes)
        Bounds on the votes of each class.
    positions : ndarray of int of shape (n_samples,)
        The first of the classes that seem to have most votes. Of classes with as many
        votes the first one leads.

    Returns
    -------
    ndarray of bool of shape (n_samples,)
    """
    every = np.arange(len(positions))
    own = fewest[every, positions][:, np.newaxis]
    is_earlier = np.arange(most.shape[1]) < positions[:, np.newaxis]
    ahead = np.where(is_earlier, most >= own, most > own)
    ahead[every, positions] = False
    return ahead.any(axis=1)
