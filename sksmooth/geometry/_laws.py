# SPDX-License-Identifier: BSD-3-Clause
"""Shares of a slab under Laplace and uniform noise, in one feature, at sigma 1."""

import math

import numpy as np

from sksmooth._special import log1mexp

_SQRT_2, _SQRT_3 = math.sqrt(2), math.sqrt(3)

# Largest density of the noise of one feature, at standard deviation 1.
DENSITIES = {
    "gaussian": 1 / math.sqrt(2 * math.pi),
    "laplace": 1 / _SQRT_2,
    "uniform": 1 / (2 * _SQRT_3),
}


def check_noise(noise, known=tuple(DENSITIES)):
    """The name of a law."""
    if not (isinstance(noise, str) and noise in known):
        raise ValueError(
            f"noise={noise!r} must be one of {', '.join(map(repr, known))}."
        )
    return noise


class LaplaceSlab:
    """Laplace noise, whose density is ``exp(-sqrt(2) |t|) / sqrt(2)``."""

    @staticmethod
    def log_probabilities(near, far, width):
        """See `slab_log_probabilities`."""
        near, far, width = (_SQRT_2 * np.asarray(x) for x in (near, far, width))
        outer = near < 0
        with np.errstate(divide="ignore"):
            inside = np.where(
                outer,
                near - math.log(2) + log1mexp(-np.where(outer, width, 1.0)),
                np.log(-(np.expm1(-np.abs(near)) + np.expm1(-far)) / 2),
            )
            outside = np.where(
                outer,
                np.log1p(-np.exp(inside)),
                np.logaddexp(-np.abs(near), -far) - math.log(2),
            )
        return inside, outside

    @staticmethod
    def halfwidth(a, share, miss):
        """Offset at which a slab of half-width a has a share, and misses the rest."""
        a = _SQRT_2 * a
        with np.errstate(divide="ignore", invalid="ignore"):
            # cosh(x) = miss * exp(a) in the slab, exp(-x) sinh(a) = share beyond it.
            root = np.sqrt(np.maximum(1.0 - (np.exp(-a) / miss) ** 2, 0.0))
            inner = a + np.log(miss * (1.0 + root))
            outer = a + np.log(-np.expm1(-2 * a) / (2 * share))
        return np.where(outer > a, outer, inner) / _SQRT_2

    @staticmethod
    def quantile(share):
        """Half-width of the slab that has a share in its middle."""
        return -np.log1p(-share) / _SQRT_2


class UniformSlab:
    """Uniform noise between ``-sqrt(3)`` and ``sqrt(3)``."""

    @staticmethod
    def log_probabilities(near, far, width):
        """See `slab_log_probabilities`."""
        overlap = np.where(far < _SQRT_3, width, np.minimum(near, _SQRT_3) + _SQRT_3)
        lost = np.maximum(_SQRT_3 - near, 0.0) + np.maximum(_SQRT_3 - far, 0.0)
        with np.errstate(divide="ignore"):
            return (
                np.log(np.clip(overlap / (2 * _SQRT_3), 0.0, 1.0)),
                np.log(np.clip(lost / (2 * _SQRT_3), 0.0, 1.0)),
            )

    @staticmethod
    def halfwidth(a, share, miss):
        """Offset at which a slab of half-width a has a share, and misses the rest."""
        return a + _SQRT_3 * (miss - share)

    @staticmethod
    def quantile(share):
        """Half-width of the slab that has a share in its middle."""
        return _SQRT_3 * share


SLABS: dict[str, type[LaplaceSlab] | type[UniformSlab]] = {
    "laplace": LaplaceSlab,
    "uniform": UniformSlab,
}
