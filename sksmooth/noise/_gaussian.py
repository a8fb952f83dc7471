# SPDX-License-Identifier: BSD-3-Clause
"""Isotropic Gaussian noise, drawn so that its sum with a row is exact."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

# The grid is 2**20 times finer than the noise: coarse against the spacing of the
# generator's float64 output (the law of the snapped noise is then within about
# d * 2e-10 of the Gaussian in total variation), fine against any radius of interest.
_GRID_BITS = 20
_FLOAT64_BITS = 52
_SIGMA_EXPONENT = 900
# No float64 normal generator exceeds this; beyond it only exactness of the sum is lost.
_NOISE_REACH = 10.0


@dataclass(frozen=True)
class Gaussian:
    """Gaussian smoothing noise ``N(0, sigma**2 I)``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the units of the rows.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold.

    Notes
    -----
    In floating point, ``x + noise`` leaks the low bits of ``x``, and a classifier that
    reads them can void a certificate. Row and noise are therefore both rounded to a
    grid of a power of two, `grid`, so that their sum is exact: what is smoothed is the
    base classifier behind a rounding to that grid, the same grid for every row. Two
    rows at distance r are at most ``r + grid * sqrt(d)`` apart once rounded, which is
    why sampled radii are reduced by `grid_slack`.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019.
    .. [2] V. Voracek, M. Hein, "Sound Randomized Smoothing in Floating-Point
       Arithmetic", ICLR 2023.

    Examples
    --------
    >>> from sksmooth.noise import Gaussian
    >>> float(Gaussian(sigma=0.5).radius(1.0, -1.0).round(6))
    0.5
    """

    sigma: float
    name: ClassVar[str] = "gaussian"
    norm: ClassVar[int] = 2

    def __post_init__(self):
        if not 2.0**-_SIGMA_EXPONENT < self.sigma < 2.0**_SIGMA_EXPONENT:
            raise ValueError(
                f"sigma={self.sigma!r} must be positive, and neither so small nor so "
                "large that floating point cannot hold it: scale the features."
            )

    @property
    def grid(self) -> float:
        """Spacing of the grid that rows and noise are rounded to, a power of two."""
        return 2.0 ** (math.floor(math.log2(self.sigma)) - _GRID_BITS)

    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Number of values in a row.

        Returns
        -------
        float
            Half the diagonal of a cell of the grid, for each of two rows.
        """
        return self.grid * math.sqrt(n_features)

    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Round rows to the grid.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows.

        Returns
        -------
        ndarray of float64 of the same shape
            The nearest points of the grid.

        Raises
        ------
        ValueError
            If a value is so large against sigma that its sum with the noise cannot
            be exact in float64.
        """
        X = np.asarray(X, dtype=np.float64)
        reach = self.grid * 2.0 ** (_FLOAT64_BITS - 1) - _NOISE_REACH * self.sigma
        largest = np.abs(X).max(initial=0.0)
        if largest > reach:
            raise ValueError(
                f"X holds the value {largest:.3g}, too large for sigma={self.sigma:g}: "
                "its sum with the noise is not exact in float64. Scale the features "
                "before smoothing, or use a larger sigma."
            )
        return self.grid * np.rint(X / self.grid)

    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of a snapped row.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            A row as returned by `snap`.
        stream : numpy.random.Generator
            The row's stream; it is advanced by ``out.size`` normals, so that drawing
            in parts or at once gives the same copies.
        out : ndarray of shape (n_copies, n_features), C-contiguous float64
            It is overwritten with the copies.
        """
        # Adding 1.5 * 2**52 * grid rounds to the grid; subtracting it less the row is
        # exact. Two passes instead of a scaling, a rint, a scaling and a sum.
        rounder = 1.5 * 2.0**_FLOAT64_BITS * self.grid
        stream.standard_normal(out=out)
        out *= self.sigma
        out += rounder
        out -= rounder - row

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Radius within which a top class stays ahead of another class.

        With p the probability of the top class, q that of the other and weights v, w,
        the root r of ``v Phi(Phi^-1(p) - r/sigma) = w Phi(Phi^-1(q) + r/sigma)``: at
        distance r the top class keeps at least the left side and the other gains at
        most the right side [1]_. With equal weights it is
        ``sigma / 2 * (Phi^-1(p) - Phi^-1(q))``.

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
            Radii in the units of the rows, rounded down; negative where the top class
            is not ahead.

        References
        ----------
        .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness
           via Randomized Smoothing", ICML 2019, Theorem 1.
        """
        top = np.asarray(probit_top, dtype=np.float64)
        other = np.asarray(probit_other, dtype=np.float64)
        log_odds = np.log(weight_other) - np.log(weight_top)
        top, other, log_odds = np.broadcast_arrays(top, other, log_odds)
        distance = np.asarray((top - other) / 2)
        weighted = log_odds != 0.0
        if weighted.any():
            distance[weighted] = -np.inf
            bounded = weighted & np.isfinite(top) & np.isfinite(other)
            distance[bounded] = _weighted_distance(
                top[bounded], other[bounded], log_odds[bounded]
            )
        return np.nextafter(self.sigma * distance, -np.inf)


def _weighted_distance(top, other, log_odds):
    """Lower end of the root of log Phi(top - t) = log_odds + log Phi(other + t)."""

    def ahead(t):
        return log_ndtr(top - t) >= log_odds + log_ndtr(other + t)

    # The root is shifted from the plain one by at most what makes either side vanish;
    # widen the bracket until it holds.
    centre = (top - other) / 2
    width = 1.0 + np.abs(log_odds)
    low, high = centre - width, centre + width
    while not (ok := ahead(low)).all():
        low = np.where(ok, low, low - (high - low))
    while (ok := ahead(high)).any():
        high = np.where(ok, high + (high - low), high)
    for _ in range(100):
        # Who has converged stays as it is: no answer depends on the others.
        open_ = high - low > 1e-15 * np.maximum(1.0, np.abs(high))
        if not open_.any():
            break
        middle = (low + high) / 2
        ok = ahead(middle)
        low = np.where(open_ & ok, middle, low)
        high = np.where(open_ & ~ok, middle, high)
    return low
