# SPDX-License-Identifier: BSD-3-Clause
"""What some laws of noise can do beyond the protocol.

A law states an ability by inheriting from its class. Rooms that need one ask with
`isinstance`, and never for a law by name. See also `AdditiveLaw`.
"""

from __future__ import annotations

import abc
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth.noise._law import Law
from sksmooth.noise._token_deletion import TokenDeletion


class EnumerableLaw(Law):
    """A law that may have few noisy copies of a sample, all equally likely.

    Where `n_copies` is not None, `enumerate` lists them, and votes of all copies prove
    more than their shares do.
    """

    @abc.abstractmethod
    def counted_radius(
        self,
        counts: ArrayLike,
        label: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> NDArray[np.int64]:
        """Largest radius of each sample at which the counts keep their leader.

        `counts` are the votes of all copies that `enumerate` lists, `label` the
        positions of the leading classes, and `weights` vote weights.
        """


class LawOfChanges(Law):
    """A law that proves radii beside a number of changes of another kind.

    Such as changed categories beside a distance of numbers, or deleted words beside
    added ones.
    """

    @abc.abstractmethod
    def with_changes(self, changes: int) -> Self:
        """Return the law of radii beside at most so many changes.

        Parameters
        ----------
        changes : int

        Returns
        -------
        LawOfChanges
        """

    def most_changes(self, changes: int) -> int:
        """Return the largest number of changes that differs from smaller ones.

        Parameters
        ----------
        changes : int
            The largest number of changes for which certificates are requested.

        Returns
        -------
        int
        """
        return changes


class CategoricalLaw(LawOfChanges):
    """A law that draws categories anew, each independently of the others."""

    @property
    @abc.abstractmethod
    def n_categorical(self) -> int:
        """Number of features that are categories."""

    def most_changes(self, changes: int) -> int:
        """Return `changes`, or the number of categories if that is smaller.

        Parameters
        ----------
        changes : int

        Returns
        -------
        int
        """
        return min(changes, self.n_categorical)

    @abc.abstractmethod
    def set_masses(self, contains: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Probability that a noisy category is one of a set.

        Parameters
        ----------
        contains : ndarray of bool of shape (n_categories,)
            Which categories of a feature the set holds.

        Returns
        -------
        ndarray of shape (n_categories,)
            For each category that a sample may have, right to a few units of the last
            place.
        """

    @abc.abstractmethod
    def perturb_normals(
        self, rows: NDArray[np.float64], out: NDArray[np.float64]
    ) -> None:
        """Turn standard normal numbers into noisy copies of samples.

        Copies of many samples at once take less time than by `perturb`.

        Parameters
        ----------
        rows : ndarray of shape (n_copies, n_features)
            The sample that each is to be a copy of, as returned by `snap`.
        out : ndarray of shape (n_copies, n_features)
            Normal numbers; it is overwritten with the copies.
        """


class WordLaw(LawOfChanges):
    """A law that deletes words, of samples that are counts of words."""

    @property
    @abc.abstractmethod
    def deletion(self) -> TokenDeletion:
        """What is known of each number of added and of deleted words."""
