# SPDX-License-Identifier: BSD-3-Clause
"""Noise that is added to each feature, drawn so that its sum with a sample is exact."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth.noise._grid import FLOAT64_BITS, GridLaw

# 256 KiB of noise.
_VALUES_AT_ONCE = 2**15
# Numbers that a pass over an array takes at a time at nearly full speed.
_WIDE = 256


@dataclass(frozen=True)
class AdditiveLaw(GridLaw):
    """Independent noise of the same distribution, added to each feature.

    A new law states `draw`, `from_uniforms` and `log_tail`, which describe the
    distribution at standard deviation 1.

    Parameters
    ----------
    sigma, norm, n_features, scale
        See `GridLaw`.
    """

    @abc.abstractmethod
    def draw(self, stream: np.random.Generator, out: NDArray[np.float64]) -> None:
        """Fill `out` with independent noise of standard deviation 1.

        Parameters
        ----------
        stream : numpy.random.Generator
            One kind of number is drawn from it, ``out.size`` of them.
        out : ndarray of float64
            It is overwritten.
        """

    @staticmethod
    @abc.abstractmethod
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

    @abc.abstractmethod
    def log_tail(self, z: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the probability that noise exceeds z standard deviations.

        Parameters
        ----------
        z : array-like
            Of any sign.

        Returns
        -------
        ndarray
            To full relative precision in both tails, minus infinity beyond the noise.
        """

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
        return np.exp(self.log_tail(z))

    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of a snapped sample.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            A sample as returned by `snap`.
        stream : numpy.random.Generator
            The stream of the sample; it is advanced by ``out.size`` numbers, so that
            drawing in parts or at once gives the same copies.
        out : ndarray of shape (n_copies, n_features), C-contiguous
            Of float64, or of float32: it is overwritten with the copies, rounded to
            its type.
        """
        # Piece by piece, so that what was drawn is still in the cache when it is added.
        step = max(1, _VALUES_AT_ONCE // max(1, row.size))
        is_wide = out.dtype == np.float64
        wide = out if is_wide else np.empty((min(step, len(out)), *out.shape[1:]))
        for start in range(0, len(out), step):
            part = out[start : start + step]
            copies = part if is_wide else wide[: len(part)]
            self.draw(stream, copies)
            self.add(row, copies)
            if not is_wide:
                with np.errstate(over="ignore"):
                    part[...] = copies

    def add(self, row: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """Turn standard noise into noisy copies of snapped samples.

        Parameters
        ----------
        row : ndarray of shape (n_features,) or (n_copies, n_features)
            A sample as returned by `snap`, or that of each copy.
        out : ndarray of shape (n_copies, n_features), C-contiguous
            Noise of standard deviation 1; it is overwritten with the copies.
        """
        add_noise(row, out, self.deviation, self.rounder)

    @property
    def rounder(self) -> Any:
        """See `rounder_of`."""
        return rounder_of(self.grid)


def rounder_of(grid):
    """What rounds to a grid when added; subtracting it less a row is exact."""
    return 1.5 * 2.0**FLOAT64_BITS * grid


def add_noise(row, out, deviation, rounder):
    """Turn standard noise into noisy copies of snapped samples; see `AdditiveLaw.add`.

    Parameters
    ----------
    row : ndarray, broadcast against `out`
    out : ndarray of shape (n_copies, n_features), C-contiguous
    deviation, rounder : float or ndarray of shape (n_features,)
        Standard deviation of the noise, and what rounds it to the grid.
    """
    # Broadcasting a few numbers along many rows is slow: rows are put side by side.
    n_wide = _WIDE // max(1, out.shape[-1])
    start = len(out) % max(n_wide, 1)
    is_flat = np.ndim(deviation) and row.ndim == 1 and out.flags.c_contiguous
    if is_flat and 2 <= n_wide <= len(out) // 2:
        wide = np.empty((3, n_wide, len(row)))
        wide[:] = np.stack([row, deviation, rounder])[:, np.newaxis]
        wide = wide.reshape(3, -1)
        _add(wide[0], out[start:].reshape(-1, wide.shape[1]), wide[1], wide[2])
        out = out[:start]
    _add(row, out, deviation, rounder)


def _add(row, out, deviation, rounder):
    # Two passes instead of a scaling, a rint, a scaling and a sum.
    out *= deviation
    out += rounder
    out -= rounder - row
