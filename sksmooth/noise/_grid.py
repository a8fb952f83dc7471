# SPDX-License-Identifier: BSD-3-Clause
"""Laws whose samples are rounded to a grid, on which noise is exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._arguments import check_whole_number
from sksmooth.noise._law import Law

# The grid is 2**20 times finer than the noise: coarse against the spacing of the
# generator's float64 output (the distribution of the snapped noise is then within about
# d * 2e-10 of the law in total variation), fine against any radius of interest.
_GRID_BITS = 20
FLOAT64_BITS = 52
_SIGMA_EXPONENT = 900


def _as_float(sigma):
    """Sigma as a float, infinity where none is so large."""
    if not isinstance(sigma, Real):
        raise TypeError(f"sigma={sigma!r} must be a number.")
    try:
        return float(sigma)
    except OverflowError:
        return np.inf


@dataclass(frozen=True)
class GridLaw(Law):
    """Noise of a standard deviation for each feature, on a grid.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of `scale`.
    norm : float, default=None
        Order of the norm in which radii are measured; None is the law's own.
    n_features : int, default=None
        Number of noisy values in a sample. Some norms need it.
    scale : array-like of shape (n_features,), default=None
        Unit of each noisy value; None is 1.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold.

    Notes
    -----
    In floating point, ``x + noise`` leaks the low bits of ``x``, and a classifier that
    reads them can void a certificate [1]_. Sample and noise are therefore both rounded
    to a grid of a power of two, `grid`, so that their sum is exact: what is smoothed is
    the base classifier behind a rounding to that grid, the same grid for every sample.
    Two samples at distance r are at most ``r + grid_slack`` apart once rounded, which
    is why sampled radii are reduced by `grid_slack`.

    References
    ----------
    .. [1] V. Voracek, M. Hein, "Sound Randomized Smoothing in Floating-Point
       Arithmetic", ICLR 2023.
    """

    # In units of sigma, what no noise exceeds; beyond it only exactness of the sum with
    # the sample would be lost.
    _reach = 10.0

    def __post_init__(self):
        if type(self.sigma) is not float:
            # Half precision would round widths and radii.
            object.__setattr__(self, "sigma", _as_float(self.sigma))
        if not 2.0**-_SIGMA_EXPONENT < self.sigma < 2.0**_SIGMA_EXPONENT:
            raise ValueError(
                f"sigma={self.sigma!r} must be positive, and neither so small nor so "
                "large that floating point cannot hold it: scale the features."
            )
        super().__post_init__()

    @cached_property
    def deviation(self) -> float | NDArray[np.float64]:
        """Standard deviation of the noise, one for all features or one for each."""
        return self.sigma if self.scale is None else self.sigma * np.array(self.scale)

    @cached_property
    def grid(self) -> float | NDArray[np.float64]:
        """Spacing of the grid that samples and noise are rounded to, powers of two."""
        # frexp is exact, also at powers of two, where a logarithm may round.
        grid = np.ldexp(1.0, np.frexp(self.deviation)[1] - 1 - _GRID_BITS)
        return float(grid) if self.scale is None else grid

    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Number of noisy values in a sample.

        Returns
        -------
        float
            Half the diagonal of a cell of the grid, in the norm of the law, for each
            of two samples.
        """
        return self.change_size(self.grid, n_features, self.norm)

    def change_size(
        self, change: float | NDArray[np.float64], n_features: int, norm: float
    ) -> float:
        """Return the norm of a change of all features, in units of `scale`.

        Parameters
        ----------
        change : float or ndarray of shape (n_features,)
            Of each feature, in its own units; not negative.
        n_features : int
            Number of noisy values in a sample.
        norm : float
            Order of the norm.

        Returns
        -------
        float
            The size of the change.
        """
        if self.scale is None:
            n_features = check_whole_number("n_features", n_features)
            return float(change) * n_features ** (1 / norm)
        return float(np.linalg.norm(change / np.array(self.scale), norm))

    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Round samples to the grid.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.

        Returns
        -------
        ndarray of float64 of the same shape
            The nearest points of the grid; missing values stay missing.

        Raises
        ------
        ValueError
            If a value is so large against sigma that its sum with the noise cannot
            be exact in float64.
        """
        X = np.asarray(X, dtype=np.float64)
        reach = self.grid * 2.0 ** (FLOAT64_BITS - 1) - self._reach * self.deviation
        beyond = np.abs(X) > reach
        if beyond.any():
            largest = np.abs(X[beyond]).max()
            raise ValueError(
                f"X holds the value {largest:.3g}, too large for sigma={self.sigma:g}: "
                "its sum with the noise is not exact in float64. Scale the features "
                "before smoothing, or use a larger sigma."
            )
        return self.grid * np.rint(X / self.grid)

    def described(self) -> dict:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON has.
        """
        scale = None if self.scale is None else list(self.scale)
        grid = np.asarray(self.grid).tolist()
        return super().described() | {"grid": grid, "noise_scale": scale}
