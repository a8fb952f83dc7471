# SPDX-License-Identifier: BSD-3-Clause
"""Words deleted at random from counts of words."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from sksmooth.noise._parameters import LawParameters, check_probability

# Relative error of probabilities that is allowed for.
_ERROR = 16 * np.finfo(np.float64).eps
# Words of noisy copies that are drawn together, which bounds memory.
_MOST_AT_ONCE = 2**22


class TokenDeletion(LawParameters):
    """Noise that deletes each word of a text with some probability.

    Samples are counts of words, sparse or dense: a count n becomes a binomial number of
    n trials. What is certified is how many words may be added, and how many deleted.

    Parameters
    ----------
    probability : float
        Probability that a word is deleted, strictly between 0 and 1.

    Notes
    -----
    Let another text have `added` words more and lack `deleted` words. With b the
    probability of deletion, an event of probability p has there at most probability
    ``1 - b**added + b**added * min(1, p / b**deleted)``: the best test notes whether an
    added word is seen, and whether one that was deleted is [1]_.

    No votes prove that words may be added unless ``b**added`` exceeds ``w / (v + w)``
    of the vote weights v and w, 1/2 without weights.

    References
    ----------
    .. [1] J. Neyman, E. Pearson, "On the Problem of the Most Efficient Tests of
       Statistical Hypotheses", 1933. An added word that is seen rules out the one text,
       a deleted word that is seen the other; else the likelihood ratio is constant.

    Examples
    --------
    >>> from scipy.special import ndtri
    >>> from sksmooth.noise import TokenDeletion
    >>> law = TokenDeletion(probability=0.9)
    >>> print(law.added(ndtri(0.99), -ndtri(0.99)))
    6
    >>> print(law.deleted(ndtri(0.99), -ndtri(0.99)))
    37
    """

    name: ClassVar[str] = "token_deletion"
    norm: ClassVar[float] = 0

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def grow(
        self, probit: ArrayLike, added: ArrayLike = 0, deleted: ArrayLike = 0
    ) -> NDArray[np.float64]:
        """Largest probability in another text of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event.
        added, deleted : array-like of int, default=0
            How many words the other text has more, and how many it lacks.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the largest probability, broadcast.
        """
        logs = np.log(check_probability(self.probability))
        kept, scale = (
            np.exp(np.multiply(added, logs)),
            np.exp(np.multiply(deleted, logs)),
        )
        p, miss = ndtr(np.asarray(probit, dtype=np.float64)), ndtr(np.negative(probit))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            part = np.fmin(p / scale, 1.0)
            # 1 - p / b**deleted = (miss - (1 - b**deleted)) / b**deleted
            sure = (miss + np.expm1(np.multiply(deleted, logs))) / scale
        rest = np.where(p < 0.5, 1.0 - part, sure)
        rest = np.fmax(rest, 0.0)
        grown = (-np.expm1(np.multiply(added, logs)) + kept * part) * (1 + _ERROR)
        left = np.maximum(kept * rest - _ERROR * (kept + rest), 0.0)
        left = np.where(np.equal(added, 0) & np.equal(deleted, 0), miss, left)
        return np.where(grown < 0.5, ndtri(np.minimum(grown, 0.5)), -ndtri(left))

    def threshold(
        self, added: ArrayLike = 0, deleted: ArrayLike = 0, share_other: ArrayLike = 0.5
    ) -> NDArray[np.float64]:
        """Probability that a class must exceed so that it leads in another text.

        Parameters
        ----------
        added, deleted : array-like of int, default=0
            How many words the other text has more, and how many it lacks.
        share_other : array-like, default=0.5
            ``w / (v + w)`` of the vote weights of the class and of another one.

        Returns
        -------
        ndarray
            ``Phi^-1`` of ``1 - b**deleted * (1 - share_other / b**added)``, broadcast;
            infinite where no votes are enough.

        Notes
        -----
        Two texts may not change places here, so it is not `grow` of the share.
        """
        logs = np.log(check_probability(self.probability))
        kept = np.exp(np.multiply(added, logs))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            odds = np.where(kept > 0, np.divide(share_other, kept), np.inf)
        miss = np.exp(np.multiply(deleted, logs)) * (1 - odds)
        return -ndtri(np.clip(miss * (1 - _ERROR) - _ERROR, 0.0, 1.0))

    def frontier(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
        *,
        deleted: int,
    ) -> NDArray[np.int64]:
        """How many words may be added beside 0, 1, ..., `deleted` deleted ones.

        Parameters
        ----------
        probit_top : array-like
            ``Phi^-1`` of (a lower bound of) the probability of the top class.
        probit_other : array-like
            ``Phi^-1`` of (an upper bound of) the probability of the other class.
        weight_top, weight_other : array-like of positive floats, default=1.0
            Vote weights.
        deleted : int
            Most deleted words.

        Returns
        -------
        ndarray of int of shape (..., deleted + 1)
            -1 where the top class may fall behind.

        Notes
        -----
        With e the probability of missing the class and q that of the other one, let
        ``k = 1 - min(1, e / b**deleted)`` and ``l = 1 - min(1, q / b**deleted)``. The
        class keeps ``b**added * k``, and the other one reaches ``1 - b**added * l``. So
        ``b**added`` must exceed ``w / (v k + w l)``.
        """
        top, other, weight_top, weight_other = np.broadcast_arrays(
            *(
                np.asarray(a, dtype=np.float64)[..., np.newaxis]
                for a in (probit_top, probit_other, weight_top, weight_other)
            )
        )
        log_b = np.log(check_probability(self.probability))
        scale = np.exp(np.arange(deleted + 1) * log_b)
        # Where b**deleted is 0, all may be gone.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            keeps = 1.0 - np.fmin(ndtr(-top) * (1 + _ERROR) / scale, 1.0)
            lacks = 1.0 - np.fmin(ndtr(other) * (1 + _ERROR) / scale, 1.0)
        needed = weight_other / np.maximum(
            weight_top * keeps + weight_other * lacks, np.finfo(float).tiny
        )
        # Strictly less than the largest real number of words.
        most = np.ceil(np.log(needed * (1 + _ERROR)) / log_b - _ERROR) - 1
        return np.where(needed < 1, most, -1).astype(np.int64)

    def added(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.int64]:
        """How many words may be added, if none is deleted.

        Parameters
        ----------
        probit_top, probit_other, weight_top, weight_other : array-like
            See `frontier`.

        Returns
        -------
        ndarray of int
            -1 where the top class is not ahead.
        """
        arguments = probit_top, probit_other, weight_top, weight_other
        return self.frontier(*arguments, deleted=0)[..., 0]

    def deleted(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.int64]:
        """How many words may be deleted, if none is added.

        Parameters
        ----------
        probit_top, probit_other, weight_top, weight_other : array-like
            See `frontier`.

        Returns
        -------
        ndarray of int
            -1 where the top class is not ahead.

        Notes
        -----
        With e the probability of missing the class, q that of the other one and ``s =
        b**deleted``, the class leads while ``v (1 - e / s) > w min(1, q / s)``: while s
        exceeds ``e + w q / v`` or, once q exceeds s, ``e v / (v - w)``.
        """
        top, other, odds = np.broadcast_arrays(
            np.asarray(probit_top, dtype=np.float64),
            np.asarray(probit_other, dtype=np.float64),
            np.divide(weight_other, weight_top, dtype=np.float64),
        )
        miss, q = ndtr(-top), ndtr(other)
        needed = miss + odds * q
        with np.errstate(divide="ignore", invalid="ignore"):
            certain = np.where(odds < 1, miss / (1 - odds), np.inf)
        needed = np.where(certain <= q, np.minimum(needed, certain), needed)
        needed = np.maximum(needed * (1 + _ERROR), np.finfo(float).tiny)
        log_b = np.log(check_probability(self.probability))
        most = np.ceil(np.log(needed) / log_b - _ERROR) - 1
        return np.where(needed < 1, most, -1).astype(np.int64)

    def snap(self, X: Any) -> Any:
        """Check that samples are counts.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Counts of words.

        Returns
        -------
        X
            As it is, or as an ndarray.

        Raises
        ------
        ValueError
            If a value is not a whole number of at least 0.
        """
        counts = X.data if hasattr(X, "tocsr") else np.asarray(X)
        bad = ~((counts >= 0) & (counts == np.floor(counts)) & (counts < 2.0**31))
        if bad.any():
            raise ValueError(
                f"X holds {counts[bad].flat[0]:g}, which is no count of words: noise="
                "TokenDeletion(...) needs whole numbers, as CountVectorizer gives, and "
                "weights such as TfidfTransformer's belong behind it."
            )
        return X if hasattr(X, "tocsr") else counts

    def thin(self, X: Any, stream: np.random.Generator, n_copies: int) -> Any:
        """Draw noisy copies of one sample.

        Parameters
        ----------
        X : ndarray or sparse array of shape (1, n_features)
            Counts of a sample.
        stream : numpy.random.Generator
            The stream of the sample; as many uniform numbers are drawn as the sample
            has words, for each copy, so that drawing in parts or at once is the same.
        n_copies : int
            How many.

        Returns
        -------
        ndarray or csr_array of shape (n_copies, n_features)
            Sparse, without zeros, if X is.
        """
        sparse = hasattr(X, "tocsr")
        if sparse:
            X = X.tocsr()
            X.sum_duplicates()
            columns, counts = X.indices, X.data
        else:
            columns, counts = np.arange(X.shape[1]), np.asarray(X)[0]
        counts = np.asarray(counts).astype(np.int64)
        probability = check_probability(self.probability)
        ends = np.concatenate([[0], np.cumsum(counts)])
        left = np.empty((n_copies, len(counts)), dtype=np.int64)
        step = max(1, _MOST_AT_ONCE // max(1, ends[-1]))
        for first in range(0, n_copies, step):
            some = left[first : first + step]
            kept = stream.random((len(some), ends[-1])) >= probability
            before = np.zeros((len(some), ends[-1] + 1), dtype=np.int64)
            np.cumsum(kept, axis=1, out=before[:, 1:])
            np.subtract(before[:, ends[1:]], before[:, ends[:-1]], out=some)
        if not sparse:
            return left.astype(np.asarray(X).dtype)
        row, at = np.nonzero(left)
        pointers = np.concatenate([[0], np.cumsum(np.count_nonzero(left, axis=1))])
        data = left[row, at].astype(X.dtype)
        # Some classifiers take no others.
        index = np.int32 if max(len(data), X.shape[1]) < 2**31 else np.int64
        places = columns[at].astype(index), pointers.astype(index)
        return type(X)((data, *places), shape=(n_copies, X.shape[1]))

    def described(self) -> dict[str, Any]:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON has.
        """
        return {
            "noise": self.name,
            "norm": self.norm,
            "probability": check_probability(self.probability),
        }
