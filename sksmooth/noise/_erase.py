# SPDX-License-Identifier: BSD-3-Clause
"""Categories erased at random, beside Gaussian noise on numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from sksmooth.noise._resample import Resample, ResampledGaussian

# Relative error of the probabilities that is allowed for.
_ERROR = 16 * np.finfo(np.float64).eps
# Probits beyond count as this one.
_FARTHEST = 37.0


class Erase(Resample):
    """Noise that replaces categories by a missing value, each with some probability.

    Numbers beside them have Gaussian noise of `sigma`; see `ErasedGaussian` for what
    this certifies. The base classifier has to predict samples with missing categories,
    as :class:`~sklearn.ensemble.HistGradientBoostingClassifier` does, or a
    :class:`~sklearn.preprocessing.OneHotEncoder` with ``handle_unknown="ignore"``.

    Certificates do not depend on how many categories a feature has. With few of them
    those of `Resample` hold for more changes at equal probability.

    Parameters
    ----------
    probability : float
        Probability that a category is erased, strictly between 0 and 1. That a change
        of k categories leaves a label takes ``probability ** k > 1 / 2``.
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Which features are categories; see `Resample`.

    Examples
    --------
    One feature with three categories, and a missing one, beside a number:

    >>> from scipy.special import ndtri
    >>> from sksmooth.noise import Erase
    >>> law = Erase(probability=0.8).bind(sigma=1.0, cardinalities=[0, 4])
    >>> law.frontier(ndtri(0.99), -ndtri(0.99), changes=1).round(4)
    array([2.3263, 1.9228])
    """

    # A missing value is a category of each feature, with the last code.
    adds_missing: ClassVar[bool] = True

    @property
    def _law(self):
        return ErasedGaussian


@dataclass(frozen=True)
class ErasedGaussian(ResampledGaussian):
    """Gaussian noise on numbers, and categories erased.

    Parameters
    ----------
    sigma, norm, n_features, scale, probability, changes
        See `ResampledGaussian`; `probability` is that of erasing a category.
    cardinalities : tuple of int of shape (n_features,)
        Number of categories of each feature, which are coded from 0 on, and of which
        the last stands for an erased one; 0 for a number.

    Notes
    -----
    Probabilities beyond ``Phi(37)`` count as that, so that radii beside changed
    categories are finite.

    Of two samples that differ in k categories, noisy copies are told apart unless all
    of these are erased, which has probability ``c = probability ** k``, and then their
    numbers are told apart as under Gaussian noise. So an event of probability p at one
    of them has at most ::

        G(p, r, k) = 1 - c + c Phi(Phi^-1(min(1, p / c)) + r / sigma)

    at the other, which is exact (Neyman and Pearson). Without numbers it is ``min(1, p
    + 1 - c)``, that of erasure in [1]_.

    References
    ----------
    .. [1] A. Levine, S. Feizi, "Robustness Certificates for Sparse Adversarial Attacks
       by Randomized Ablation", AAAI 2020.
    """

    name: ClassVar[str] = "erase"
    adds_missing: ClassVar[bool] = True

    def _kept(self, changes):
        """Probability that so many categories are all erased."""
        return self.probability ** min(int(changes), self.n_categorical)

    def grow(self, probit: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest probability at a distance of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event at the sample.
        radius : array-like
            Distance of the numbers in l2, in units of `scale`, or number of changed
            categories if there are no numbers; both beside `changes`.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the largest probability, broadcast; infinite from where on an
            event may be certain.
        """
        probit, radius = np.broadcast_arrays(
            np.asarray(probit, dtype=np.float64), np.asarray(radius, dtype=np.float64)
        )
        if self.norm == 2:
            if self.changes == 0:
                return self.numbers_law.grow(probit, radius)
            return self._grow(probit, self._kept(self.changes), radius / self.sigma)
        whole = np.minimum(np.floor(radius) + self.changes, self.n_categorical)
        result = np.array(probit)
        for changes in np.unique(whole[whole > 0]):
            at = whole == changes
            result[at] = self._grow(probit[at], self._kept(changes), 0.0)
        return result

    def _grow(self, probit, kept, distance):
        """`grow` where copies are alike with probability `kept`, up to a shift."""
        p = ndtr(probit) * (1 + _ERROR * (1 + np.square(np.minimum(probit, 0.0))))
        # Of what is alike, the event and its complement.
        inside = np.minimum(p / kept, 1.0)
        outside = np.maximum((kept - p) / kept - _ERROR, 0.0)
        grown = np.where(inside < 0.5, ndtri(inside), -ndtri(np.minimum(outside, 1.0)))
        grown = grown + distance
        most = (1.0 - kept + kept * ndtr(grown)) * (1 + _ERROR)
        left = kept * ndtr(-grown) * (1 - _ERROR)
        return np.where(most < left, ndtri(np.minimum(most, 0.5)), -ndtri(left))

    def _distance(self, top, other, log_odds):
        top, other = np.minimum(top, _FARTHEST), np.maximum(other, -_FARTHEST)
        radius = self._finite_radius(top, other, log_odds)
        # Positive where a class leads as long as the numbers stay.
        least = np.where(np.isfinite(radius), np.finfo(float).tiny, -np.inf)
        return np.maximum(np.nextafter(radius, -np.inf), least)

    def largest_radius(self, share_other: float = 0.5) -> float:
        """Radius that no votes prove, while they may prove all smaller ones.

        Parameters
        ----------
        share_other : float, default=0.5
            ``w / (v + w)``, with v the vote weight of the class and w the largest
            weight of another class.

        Returns
        -------
        float
            The least number of changes with ``probability ** k <= share_other``;
            infinity or 0 where there are numbers beside.
        """
        limit = np.log(share_other) / np.log(self.probability)
        if self.norm == 0:
            return float(np.ceil(limit)) - min(self.changes, self.n_categorical)
        return np.inf if min(self.changes, self.n_categorical) < limit else 0.0

    def set_masses(self, contains: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Probability that a noisy category is one of a set, the missing one last."""
        return (1.0 - self.probability) * contains + self.probability * contains[-1]

    def _new_categories(self, normal, n_categories):
        """The missing value in place of those that are erased."""
        return n_categories - 1
