# SPDX-License-Identifier: BSD-3-Clause
"""Laplace noise, for l1."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri_exp

from sksmooth.noise._shift import ShiftLaw

_LOG_HALF = math.log(0.5)


@dataclass(frozen=True)
class Laplace(ShiftLaw):
    """Laplace smoothing noise: independent in each feature, certified in l1.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of `scale`: sqrt(2) times the scale b
        of its density ``exp(-|t| / b) / (2 b)``.
    norm : {1}, default=None
        Order of the norm in which radii are measured.
    n_features : int, default=None
        Number of noisy values in a sample; not needed.
    scale : array-like of shape (n_features,), default=None
        Unit of each noisy value; None is 1.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold; if `norm` is
        another.

    References
    ----------
    .. [1] J. Teng, G.-H. Lee, Y. Yuan, "l1 Adversarial Robustness Certificates: a
       Randomized Smoothing Approach", 2019, Theorem 1.
    .. [2] G. Yang, T. Duan, J. E. Hu, H. Salman, I. Razenshteyn, J. Li, "Randomized
       Smoothing of All Shapes and Sizes", ICML 2020, Table 1.

    Examples
    --------
    With two classes the radius is ``-b log(2 (1 - p))``:

    >>> import numpy as np
    >>> from scipy.special import ndtri
    >>> from sksmooth.noise import Laplace
    >>> law = Laplace(sigma=np.sqrt(2))
    >>> print(law.radius(ndtri(0.9), ndtri(0.1)).round(4), -np.log(0.2).round(4))
    1.6094 1.6094
    """

    name: ClassVar[str] = "laplace"
    norms: ClassVar[tuple[float, ...]] = (1,)
    # Noise is -log(u) with u of 53 bits.
    _reach = 54 * math.log(2) / math.sqrt(2)
    _quantile_error = 8 * np.finfo(np.float64).eps

    @property
    def shift_unit(self) -> float:
        """Distance that shifts F by one: the scale b of the density."""
        return self.sigma / math.sqrt(2)

    def draw(self, stream: np.random.Generator, out: NDArray[np.float64]) -> None:
        """Fill `out` with independent noise of standard deviation 1.

        Parameters
        ----------
        stream : numpy.random.Generator
            As many uniform numbers are drawn as `out` holds.
        out : ndarray of float64
            It is overwritten.
        """
        # One uniform number each, u in [0, 1) made symmetric about 0, without 0 and 1.
        stream.random(out=out)
        out *= 2.0
        out -= 1.0 - 2.0**-53
        sign = np.signbit(out)
        np.abs(out, out=out)
        np.negative(out, out=out)
        np.log1p(out, out=out)
        out /= -math.sqrt(2)
        np.negative(out, where=sign, out=out)

    def quantile(self, probit: ArrayLike) -> NDArray[np.float64]:
        """Return ``F^-1(p)``, from ``Phi^-1(p)``.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1(p)``.

        Returns
        -------
        ndarray
            Quantiles, in units of the scale of the density.
        """
        probit = np.asarray(probit, dtype=np.float64)
        return np.sign(probit) * (_LOG_HALF - log_ndtr(-np.abs(probit)))

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
        t = np.asarray(t, dtype=np.float64)
        return -np.sign(t) * ndtri_exp(_LOG_HALF - np.abs(t))

    def log_tail(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return ``log(1 - F(t))``.

        Parameters
        ----------
        t : array-like
            Points on the line.

        Returns
        -------
        ndarray
            To full relative precision in both tails.
        """
        t = np.asarray(t, dtype=np.float64)
        tail = _LOG_HALF - np.abs(t)
        return np.where(t >= 0, tail, np.log1p(-np.exp(tail)))
