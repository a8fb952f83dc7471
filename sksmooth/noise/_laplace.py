# SPDX-License-Identifier: BSD-3-Clause
"""Laplace noise, for l1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtri_exp

from sksmooth.noise._shift import ShiftLaw

_LOG_HALF = math.log(0.5)
_SQRT_2 = math.sqrt(2)


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
    _reach = 54 * math.log(2) / _SQRT_2
    _quantile_error = 8 * np.finfo(np.float64).eps

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
        out /= -_SQRT_2
        np.negative(out, where=sign, out=out)

    @staticmethod
    def from_uniforms(u: Any, v: Any, xp: Any = np) -> tuple[Any, Any]:
        """Turn two uniform numbers into two of the noise, of standard deviation 1.

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
        return tuple(_of_symmetric(2.0 * w - 1.0, xp) for w in (u, v))

    def quantile(self, probit: ArrayLike) -> NDArray[np.float64]:
        """Return ``F^-1(p)``, from ``Phi^-1(p)``.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1(p)``.

        Returns
        -------
        ndarray
            Quantiles, in standard deviations of the noise.
        """
        probit = np.asarray(probit, dtype=np.float64)
        return np.sign(probit) * ((_LOG_HALF - log_ndtr(-np.abs(probit))) / _SQRT_2)

    def probit(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return ``Phi^-1(F(t))``, the inverse of `quantile`.

        Parameters
        ----------
        t : array-like
            Points on the line, in standard deviations of the noise.

        Returns
        -------
        ndarray
            Probits.
        """
        t = np.asarray(t, dtype=np.float64)
        return -np.sign(t) * ndtri_exp(_LOG_HALF - _SQRT_2 * np.abs(t))

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
        z = np.asarray(z, dtype=np.float64)
        tail = _LOG_HALF - _SQRT_2 * np.abs(z)
        return np.where(z >= 0, tail, np.log1p(-np.exp(tail)))


def _of_symmetric(t, xp):
    """Noise from a number uniform in [-1, 1]; ends count as the points next to them."""
    t = xp.clip(t, -1.0 + 2.0**-53, 1.0 - 2.0**-53)
    return -xp.sign(t) * xp.log1p(-xp.abs(t)) / _SQRT_2
