# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise, for l2; by inclusion also for l1 and l-infinity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr

from sksmooth.noise._compiled import compiled_perturb
from sksmooth.noise._shift import ShiftLaw


@dataclass(frozen=True)
class Gaussian(ShiftLaw):
    """Gaussian smoothing noise ``N(0, sigma**2 I)``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of `scale`.
    norm : {2, 1, inf}, default=None
        Order of the norm in which radii are measured; None is 2. The l1 ball of a
        radius lies inside the l2 ball; the l-infinity ball of radius r inside the l2
        ball of radius ``r * sqrt(n_features)``. Both are the best that the worst
        half-space allows.
    n_features : int, default=None
        Number of noisy values in a sample, needed for ``norm=inf``.
    scale : array-like of shape (n_features,), default=None
        Unit of each noisy value: the noise of value j has standard deviation ``sigma *
        scale[j]``, and radii are in norms of ``delta / scale``. None is 1.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold; if `norm` is
        another, or `n_features` is missing for ``norm=inf``.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.
    .. [2] V. Voracek, M. Hein, "Sound Randomized Smoothing in Floating-Point
       Arithmetic", ICLR 2023.

    Examples
    --------
    >>> from sksmooth.noise import Gaussian
    >>> float(Gaussian(sigma=0.5).radius(1.0, -1.0).round(6))
    0.5
    """

    name: ClassVar[str] = "gaussian"
    norms: ClassVar[tuple[float, ...]] = (2, 1, math.inf)
    rotation_invariant: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        if self.norm == math.inf and self.n_features is None:
            raise ValueError(
                "norm=inf needs n_features: its certificates are those in l2, divided "
                "by the square root of the number of noisy features."
            )

    @property
    def shift_unit(self) -> float:
        """Distance, in the norm of the law, that shifts F by one."""
        return self.sigma / self._l2_size

    @property
    def _l2_size(self):
        """Largest l2 norm of a change of size 1."""
        return math.sqrt(self.n_features) if self.norm == math.inf else 1.0

    @property
    def unit(self) -> float:
        """Radius that a class of probability Phi(1) has against all others."""
        return self.shift_unit

    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Number of noisy values in a sample.

        Returns
        -------
        float
            Half the diagonal of a cell of the grid for each of two samples, as the
            certificate is one in l2.
        """
        return self.change_size(self.grid, n_features, 2) / self._l2_size

    def draw(self, stream: np.random.Generator, out: NDArray[np.float64]) -> None:
        """Fill `out` with independent noise of standard deviation 1.

        Parameters
        ----------
        stream : numpy.random.Generator
            As many normal numbers are drawn as `out` holds.
        out : ndarray of float64
            It is overwritten.
        """
        stream.standard_normal(out=out)

    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of a snapped sample.

        Many copies are drawn by numba, if it is installed; the numbers are the same.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            A sample as returned by `snap`.
        stream : numpy.random.Generator
            The stream of the sample; it is advanced by ``out.size`` numbers.
        out : ndarray of shape (n_copies, n_features), C-contiguous
            Of float64, or of float32: it is overwritten with the copies, rounded to
            its type.
        """
        compiled = compiled_perturb(out.size)
        is_known = isinstance(stream.bit_generator, np.random.SFC64)
        if compiled is None or not is_known:
            super().perturb(row, stream, out)
            return
        deviation, rounder = (
            np.full(row.shape, values) for values in (self.deviation, self.rounder)
        )
        compiled(stream, deviation, rounder, row, out)

    @staticmethod
    def from_uniforms(u: Any, v: Any, xp: Any = np) -> tuple[Any, Any]:
        """Turn two uniform numbers into two normal ones, by Box and Muller.

        Parameters
        ----------
        u, v : ndarray or tensor of float64
            Uniform in (0, 1), independent of each other.
        xp : module, default=numpy
            Where the functions of `u` and `v` are found: numpy or torch.

        Returns
        -------
        pair of ndarray or tensor
            Independent of each other.
        """
        radius, angle = xp.sqrt(-2 * xp.log(u)), 2 * math.pi * v
        return radius * xp.cos(angle), radius * xp.sin(angle)

    def quantile(self, probit: ArrayLike) -> NDArray[np.float64]:
        """Return ``F^-1(p)``, from ``Phi^-1(p)``.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1(p)``.

        Returns
        -------
        ndarray
            The same numbers.
        """
        return np.asarray(probit, dtype=np.float64)

    def probit(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return ``Phi^-1(F(t))``, the inverse of `quantile`.

        Parameters
        ----------
        t : array-like
            Points on the line.

        Returns
        -------
        ndarray
            The same numbers.
        """
        return np.asarray(t, dtype=np.float64)

    def log_tail(self, z: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the probability that noise exceeds z standard deviations.

        Parameters
        ----------
        z : array-like
            Of any sign.

        Returns
        -------
        ndarray
            To full relative precision in both tails.
        """
        return log_ndtr(-np.asarray(z, dtype=np.float64))

    def tail(self, z: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that noise exceeds z standard deviations.

        Parameters
        ----------
        z : array-like
            Of any sign.

        Returns
        -------
        ndarray
            ``P(noise > z * sigma)``.
        """
        return ndtr(-np.asarray(z, dtype=np.float64))
