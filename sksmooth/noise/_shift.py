# SPDX-License-Identifier: BSD-3-Clause
"""Additive noise whose worst case is a shift of one distribution on the line."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth.noise._additive import AdditiveLaw
from sksmooth.noise._law import broadcast_odds, last_that_holds, leads

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class ShiftLaw(AdditiveLaw):
    """Additive noise with ``G(p, r) = F(F^-1(p) + r / s)``.

    F is the distribution function of the noise at standard deviation 1, and s the
    distance that shifts it by one. Independent noise of one symmetric log-concave
    density is of this kind in l1: half-lines are the worst events for one feature, and
    moving several features one after the other adds up their shifts.

    A new law states, besides what `AdditiveLaw` needs, `quantile`, `probit` and, unless
    it is sigma, `shift_unit`.
    """

    # Relative error of `quantile`, which a radius must not gain by.
    _quantile_error: ClassVar[float] = 0.0

    @property
    def shift_unit(self) -> float:
        """Distance, in the norm of the law, that shifts F by one."""
        return self.sigma

    @abc.abstractmethod
    def quantile(self, probit: ArrayLike) -> NDArray[np.float64]:
        """Return ``F^-1(p)``, from ``Phi^-1(p)``.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1(p)``.

        Returns
        -------
        ndarray
            Quantiles, in units of `shift_unit`.
        """

    @abc.abstractmethod
    def probit(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return ``Phi^-1(F(t))``, the inverse of `quantile`.

        Parameters
        ----------
        t : array-like
            Points on the line.

        Returns
        -------
        ndarray
            Probits.
        """

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
            ``Phi^-1`` of the largest probability, broadcast.
        """
        with np.errstate(over="ignore"):  # a distance beyond all others
            shift = np.asarray(radius, dtype=np.float64) / self.shift_unit
        return self.probit(self.quantile(probit) + shift)

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Radius within which a top class stays ahead of another class.

        With p the probability of the top class, q that of the other and weights v, w,
        the root r of ``v F(F^-1(p) - r/s) = w F(F^-1(q) + r/s)``: at distance r the top
        class keeps at least the left side and the other gains at most the right side.
        With equal weights it is ``s / 2 * (F^-1(p) - F^-1(q))``.

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

        References
        ----------
        .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness
           via Randomized Smoothing", ICML 2019, Theorem 1.
        """
        probit_top, probit_other, log_odds = broadcast_odds(
            probit_top, probit_other, weight_top, weight_other
        )
        top, other = self.quantile(probit_top), self.quantile(probit_other)
        distance = np.asarray((top - other) / 2)
        weighted = log_odds != 0.0
        if weighted.any():
            distance[weighted] = -np.inf
            bounded = weighted & np.isfinite(top) & np.isfinite(other)
            distance[bounded] = self._weighted_distance(
                top[bounded], other[bounded], log_odds[bounded]
            )
        if self._quantile_error:
            distance -= self._quantile_error * (np.abs(top) + np.abs(other))
        radius = self.shift_unit * np.asarray(distance)
        # More than the roundings of the difference, the unit and their product.
        radius = radius * np.where(radius > 0, 1 - 3 * _EPS, 1 + 3 * _EPS)
        return np.nextafter(radius, -np.inf)

    def _weighted_distance(self, top, other, log_odds):
        """Lower end of the root of log F(top - t) = log_odds + log F(other + t)."""

        def ahead(t):
            return leads(self.log_tail(t - top), self.log_tail(-other - t), log_odds)

        # The root is shifted from the plain one by at most what makes either side
        # vanish; the bracket is widened until it holds.
        centre = (top - other) / 2
        width = 1.0 + np.abs(log_odds)
        return last_that_holds(ahead, centre - width, centre + width)
