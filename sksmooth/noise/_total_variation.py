# SPDX-License-Identifier: BSD-3-Clause
"""Laws under which noisy copies of two samples differ with some probability only."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from sksmooth.noise._law import Law

# Relative error of the probabilities that is allowed for.
_ERROR = 16 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class TotalVariationLaw(Law):
    """Noise with ``G(p, r) = min(1, p + tau(r))``.

    Here tau(r) is the largest total variation distance of the noisy copies of two
    samples at distance r. A class of probability p with weight v leads another one of
    probability q with weight w within r if ``v (p - tau(r)) > w min(1, q + tau(r))``,
    that is if tau(r) is less than ``(v p - w q) / (v + w)`` or ``p - w / v``. Nothing
    is proved from ``tau(r) = v / (v + w)`` on, however sure the vote.

    A new law states `distance` and its inverse `_radius_of`.
    """

    @abc.abstractmethod
    def distance(self, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest total variation distance at a radius.

        Parameters
        ----------
        radius : array-like
            Radii, not negative.

        Returns
        -------
        ndarray
            In [0, 1], increasing.
        """

    @abc.abstractmethod
    def _radius_of(self, distance):
        """Radius from which on `distance` is reached; also for those below 0."""

    def grow(self, probit: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest probability at a distance of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event at the sample.
        radius : array-like
            Distance, in the norm of the law and in units of `scale`.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the largest probability, broadcast; infinite from where on an
            event may be certain.
        """
        probit = np.asarray(probit, dtype=np.float64)
        distance = self.distance(radius)
        grown = (ndtr(probit) + distance) * (1 + _ERROR)
        left = ndtr(-probit) - distance * (1 + _ERROR)
        left = np.maximum(left - _ERROR * (ndtr(-probit) + distance), 0.0)
        return np.where(grown < left, ndtri(np.minimum(grown, 0.5)), -ndtri(left))

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Radius within which a top class stays ahead of another class.

        With p the probability of the top class, q that of the other and weights v, w,
        the radius at which tau(r) is the larger of ``(v p - w q) / (v + w)`` and
        ``p - w / v``.

        Parameters
        ----------
        probit_top : array-like
            ``Phi^-1`` of (a lower bound of) the probability of the top class.
        probit_other : array-like
            ``Phi^-1`` of (an upper bound of) the probability of the other class.
        weight_top, weight_other : array-like of positive floats, default=1.0
            Vote weights.

        Returns
        -------
        ndarray
            Radii in units of `scale`, rounded down; negative where the top class is
            not ahead.
        """
        odds = np.divide(weight_other, weight_top, dtype=np.float64)
        top = ndtr(np.asarray(probit_top, dtype=np.float64))
        gains = odds * ndtr(np.asarray(probit_other, dtype=np.float64))
        lead = (top - gains - _ERROR * (top + gains)) / (1.0 + odds)
        lead = np.maximum(lead, top - odds - _ERROR * (top + odds))
        return np.nextafter(self._radius_of(lead), -np.inf)

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
            The radius at which ``tau(r) = v / (v + w)``.
        """
        return float(self._radius_of(1.0 - share_other))
