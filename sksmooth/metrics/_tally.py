# SPDX-License-Identifier: BSD-3-Clause
"""How many samples of each class a statement holds for, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._typing import FloatOrArray
from sksmooth.bounds import share_interval


@dataclass(frozen=True, slots=True, eq=False)
class ClassTally:
    """Hits and number of samples of each class; shares and intervals follow.

    A hit is a sample that a statement holds for, such as "correct and certified within
    r". Counts are kept, so that confidence intervals need not recover them from a
    share. Everything below is computed from the counts; a class without samples has a
    share of nan and is left out of what summarizes the classes.

    Parameters
    ----------
    hits : array-like of shape (..., n_classes)
        Samples of each class that are hits; in front there may be axes for several
        statements about the same samples. A sum of numbers per sample, such as of
        radii, will do for all but the intervals.
    support : array-like of shape (n_classes,)
        Samples of each class, or their total weight.
    higher_is_better : bool, default=True
        Whether the worst class is the one with the smallest share.

    Examples
    --------
    >>> from sksmooth.metrics import ClassTally
    >>> tally = ClassTally(hits=[9, 3, 0], support=[10, 10, 0])
    >>> tally.share
    array([0.9, 0.3, nan])
    >>> print(tally.overall, tally.worst, round(tally.range, 6))
    0.6 0.3 0.6
    """

    hits: NDArray
    support: NDArray
    higher_is_better: bool = True

    def __post_init__(self):
        hits, support = np.array(self.hits), np.array(self.support)
        if support.ndim != 1 or hits.ndim < 1 or hits.shape[-1:] != support.shape:
            raise ValueError(
                f"hits of shape {hits.shape} and support of shape {support.shape} do "
                "not fit: the last axis of both holds one entry for each class."
            )
        for name, array in (("hits", hits), ("support", support)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        index: NDArray[np.integer],
        n_classes: int,
        weight: NDArray[np.float64] | None = None,
        *,
        higher_is_better: bool = True,
    ) -> Self:
        """Tally one number per sample by the class of the sample.

        Parameters
        ----------
        values : array-like of shape (n_samples,)
            Whether each sample is a hit, or a number such as its radius.
        index : ndarray of int of shape (n_samples,)
            Position of the true class of each sample.
        n_classes : int
            Number of classes.
        weight : ndarray of shape (n_samples,), default=None
            Weights of the samples.
        higher_is_better : bool, default=True
            As for the class.

        Returns
        -------
        tally : ClassTally
            Of integers if `values` are bools without weights.
        """
        values = np.asarray(values)
        if weight is None and values.dtype == bool:
            hits = np.bincount(index[values], minlength=n_classes)
        else:
            weighted = values if weight is None else weight * values
            hits = np.bincount(index, weighted, n_classes)
        support = np.bincount(index, weight, n_classes)
        return cls(hits, support, higher_is_better)

    @property
    def share(self) -> NDArray[np.float64]:
        """Hits over samples of each class, of shape (..., n_classes)."""
        with np.errstate(invalid="ignore"):  # 0 / 0: a class without samples
            return self.hits / self.support

    @property
    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % Clopper-Pearson interval of each share: low and high."""
        return share_interval(self.hits, self.support)

    @property
    def overall(self) -> FloatOrArray:
        """Hits over samples of all classes together; nan without samples."""
        with np.errstate(invalid="ignore"):
            return _plain(self.hits.sum(axis=-1) / self.support.sum())

    @property
    def overall_interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % Clopper-Pearson interval of the overall share: low and high."""
        low, high = share_interval(
            self.hits.sum(axis=-1)[..., None], self.support.sum()
        )
        return low[..., 0], high[..., 0]

    @property
    def macro(self) -> FloatOrArray:
        """Mean of the shares."""
        return self._summary(lambda share: share.mean(axis=-1))

    @property
    def worst(self) -> FloatOrArray:
        """Share of the worst class."""
        return self._summary(self._extreme(not self.higher_is_better))

    @property
    def best(self) -> FloatOrArray:
        """Share of the best class."""
        return self._summary(self._extreme(self.higher_is_better))

    @property
    def range(self) -> FloatOrArray:
        """Largest share minus the smallest."""
        return self._summary(lambda share: np.ptp(share, axis=-1))

    @property
    def gini(self) -> FloatOrArray:
        """Gini coefficient of the shares: 0 if all are equal, near 1 if one has all.

        It is ``sum_ij |a_i - a_j| / (2 K^2 mean(a))`` for the shares a of K classes.
        """
        return self._summary(_gini)

    def _summary(self, function):
        present = self.support > 0
        if not present.any():
            return _plain(np.full(self.hits.shape[:-1], np.nan))
        return _plain(function(self.share[..., present]))

    @staticmethod
    def _extreme(largest):
        return lambda share: share.max(axis=-1) if largest else share.min(axis=-1)


def _gini(share):
    n_classes = share.shape[-1]
    # Of sorted shares, the differences add up to a weighted sum: no table of pairs.
    ranks = 2 * np.arange(1, n_classes + 1) - n_classes - 1
    total = share.sum(axis=-1)
    # All equal, all 0 included: no inequality.
    scale = n_classes * np.where(total > 0, total, 1.0)
    gini = (np.sort(share, axis=-1) @ ranks) / scale
    return np.where(np.ptp(share, axis=-1) == 0, 0.0, np.maximum(gini, 0.0))


def _plain(values):
    """Return a float where there is a single value."""
    return float(values) if np.ndim(values) == 0 else values
