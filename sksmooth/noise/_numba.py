# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise in code that numba compiles; it is loaded where numba is installed."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def perturb(
    stream, deviation, rounder, rounder_less_row, out
):  # pragma: no cover - compiled
    """Fill `out` with noisy copies, by the operations of `AdditiveLaw.perturb`.

    Parameters
    ----------
    stream : numpy.random.Generator
    deviation, rounder, rounder_less_row : ndarray of shape (n_features,)
    out : ndarray of shape (n_copies, n_features)
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            noise = stream.standard_normal() * deviation[j]
            out[i, j] = (noise + rounder[j]) - rounder_less_row[j]


def draws_as_numpy():
    """Whether the compiled code draws what numpy draws, to the last bit."""
    zero, one = np.zeros(64), np.ones(64)
    drawn, expected = np.empty((2, 2**10, 64))
    first, second = (np.random.Generator(np.random.SFC64(1)) for _ in range(2))
    for _ in range(2):
        perturb(first, one, zero, zero, drawn)
        second.standard_normal(out=expected)
        if not np.array_equal(drawn, expected):
            return False
    return True
