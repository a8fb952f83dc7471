# SPDX-License-Identifier: BSD-3-Clause
"""Uniform noise, for l1 and l-infinity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth.noise._additive import AdditiveLaw
from sksmooth.noise._total_variation import TotalVariationLaw

_SQRT_3 = math.sqrt(3)


@dataclass(frozen=True)
class Uniform(TotalVariationLaw, AdditiveLaw):
    """Uniform smoothing noise: independent in each feature, certified in l1.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of `scale`: the noise of a feature
        lies between ``-sqrt(3) * sigma`` and ``sqrt(3) * sigma``.
    norm : {1, inf}, default=None
        Order of the norm in which radii are measured; None is 1.
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

    Notes
    -----
    With l the largest noise, the noisy copies of two samples that differ by delta have
    the total variation distance ``1 - prod(1 - |delta_i| / (2 l))``. Of all delta of
    one l1 norm r it is largest, ``r / (2 l)``, when one feature changes alone; of all
    with ``|delta_i| <= r`` it is largest when all of them change by r. Without weights
    no votes prove ``r >= l`` in l1.

    The noise of a feature is rounded to the same grid as the sample is, and rounding
    after a shift by whole steps of the grid is a shift after rounding: the distances
    above hold for the rounded noise.

    References
    ----------
    .. [1] G.-H. Lee, Y. Yuan, S. Chang, T. Jaakkola, "Tight Certificates of Adversarial
       Robustness for Randomly Smoothed Classifiers", NeurIPS 2019.
    .. [2] G. Yang, T. Duan, J. E. Hu, H. Salman, I. Razenshteyn, J. Li, "Randomized
       Smoothing of All Shapes and Sizes", ICML 2020, Table 1.

    Examples
    --------
    With two classes the l1 radius is ``l (2 p - 1)``, where l is the largest noise:

    >>> import numpy as np
    >>> from scipy.special import ndtri
    >>> from sksmooth.noise import Uniform
    >>> print(Uniform(sigma=1 / np.sqrt(3)).radius(ndtri(0.9), ndtri(0.1)).round(4))
    0.8
    """

    name: ClassVar[str] = "uniform"
    norms: ClassVar[tuple[float, ...]] = (1, math.inf)
    _reach = 2.0

    def __post_init__(self):
        super().__post_init__()
        if self.norm == math.inf and self.n_features is None:
            raise ValueError(
                "norm=inf needs n_features: the more noisy features may change, the "
                "less is proved."
            )

    @property
    def largest_noise(self) -> float:
        """Largest noise of a feature, in units of `scale`."""
        return _SQRT_3 * self.sigma

    @property
    def _n_changed(self):
        """Number of features that the worst change of some size changes."""
        return self.n_features if self.norm == math.inf else 1

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
        radius = np.asarray(radius, dtype=np.float64)
        moved = np.minimum(radius / (2 * self.largest_noise), 1.0)
        if self._n_changed == 1:
            return moved
        with np.errstate(divide="ignore"):
            return -np.expm1(self._n_changed * np.log1p(-moved))

    def _radius_of(self, distance):
        moved = distance
        if self._n_changed > 1:
            with np.errstate(divide="ignore"):
                moved = -np.expm1(np.log1p(-np.asarray(distance)) / self._n_changed)
        return 2 * self.largest_noise * moved * (1 - 2.0**-50)

    def draw(self, stream: np.random.Generator, out: NDArray[np.float64]) -> None:
        """Fill `out` with independent noise of standard deviation 1.

        Parameters
        ----------
        stream : numpy.random.Generator
            As many uniform numbers are drawn as `out` holds.
        out : ndarray of float64
            It is overwritten.
        """
        stream.random(out=out)
        # Symmetric about 0, without rounding.
        out *= 2.0
        out -= 1.0 - 2.0**-53
        out *= _SQRT_3

    @staticmethod
    def from_uniforms(u: Any, v: Any, xp: Any = np) -> tuple[Any, Any]:
        """Turn two uniform numbers into two of the noise, of standard deviation 1.

        Parameters
        ----------
        u, v : ndarray or tensor of float64
            Uniform in (0, 1), independent of each other.
        xp : module, default=numpy
            Not needed.

        Returns
        -------
        pair of ndarray or tensor
            Independent of each other.
        """
        return _SQRT_3 * (2.0 * u - 1.0), _SQRT_3 * (2.0 * v - 1.0)

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
        z = np.asarray(z, dtype=np.float64)
        return np.clip((_SQRT_3 - z) / (2 * _SQRT_3), 0.0, 1.0)

    def log_tail(self, z: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the probability that noise exceeds z standard deviations.

        Parameters
        ----------
        z : array-like
            Of any sign.

        Returns
        -------
        ndarray
            Minus infinity beyond the noise.
        """
        z = np.asarray(z, dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.where(
                z >= 0,
                np.log(self.tail(z)),
                np.log1p(-self.tail(np.abs(z))),
            )
