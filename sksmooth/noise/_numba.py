# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise in code that numba compiles; it is loaded where numba is installed.

The generator SFC64 and the ziggurat of numpy are written out here, so that they become
one loop: numpy calls the generator through a pointer for each number, and branches on
the sign of a number, which no processor can foresee. The numbers are the same.
"""

import math

import numpy as np
from numba import njit

# The tables of the ziggurat of numpy: numba draws from it too.
from numba.np.random._constants import (
    fi_double,
    ki_double,
    wi_double,
    ziggurat_nor_inv_r,
    ziggurat_nor_r,
)

# Widths of layers, and the same with a minus.
_WIDTHS = np.concatenate([wi_double, -wi_double])
_LAYERS = np.array(ki_double)
_HEIGHTS = np.array(fi_double)

_ONE, _BYTE, _SIGNED_BYTE = np.uint64(1), np.uint64(0xFF), np.uint64(0x1FF)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_3, _8, _9, _11, _24, _40 = (np.uint64(shift) for shift in (3, 8, 9, 11, 24, 40))
_TO_UNIT = 2.0**-53


def perturb(stream, deviation, rounder, row, out):
    """Fill `out` with noisy copies, by the operations of `AdditiveLaw.perturb`.

    Parameters
    ----------
    stream : numpy.random.Generator
        On a bit generator SFC64.
    deviation, rounder, row : ndarray of float64 of shape (n_features,)
    out : ndarray of float64 or float32 of shape (n_copies, n_features)
        C-contiguous.
    """
    generator = stream.bit_generator
    state = generator.state
    words = state["state"]["state"]
    _fill(words, _WIDTHS, _LAYERS, _HEIGHTS, deviation, rounder, rounder - row, out)
    generator.state = state


# What follows runs compiled, which no measurement of coverage sees.


@njit(inline="always")
def _next(a, b, c, counter):  # pragma: no cover
    """A number of SFC64, and its next state."""
    drawn = a + b + counter
    mixed = (c << _24 | c >> _40) + drawn
    return drawn, b ^ b >> _11, c + (c << _3), mixed, counter + _ONE


@njit(inline="always")
def _next_unit(a, b, c, counter):  # pragma: no cover
    """A uniform number in [0, 1), and the next state."""
    drawn, a, b, c, counter = _next(a, b, c, counter)
    return np.int64(drawn >> _11) * _TO_UNIT, a, b, c, counter


@njit(nogil=True, cache=True)
def _fill(
    words, widths, layers, heights, deviation, rounder, rounder_less_row, out
):  # pragma: no cover
    a, b, c, counter = words[0], words[1], words[2], words[3]
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            while True:
                drawn, a, b, c, counter = _next(a, b, c, counter)
                layer = drawn & _BYTE
                place = drawn >> _9 & _MANTISSA
                noise = np.float64(np.int64(place)) * widths[drawn & _SIGNED_BYTE]
                if place < layers[layer]:
                    break
                if layer == 0:  # the tail
                    while True:
                        u, a, b, c, counter = _next_unit(a, b, c, counter)
                        v, a, b, c, counter = _next_unit(a, b, c, counter)
                        beyond = -ziggurat_nor_inv_r * math.log1p(-u)
                        height = -math.log1p(-v)
                        if height + height > beyond * beyond:
                            break
                    noise = ziggurat_nor_r + beyond
                    if place >> _8 & _ONE:
                        noise = -noise
                    break
                u, a, b, c, counter = _next_unit(a, b, c, counter)
                low, high = heights[layer], heights[layer - _ONE]
                if (high - low) * u + low < math.exp(-0.5 * noise * noise):
                    break
            out[i, j] = (noise * deviation[j] + rounder[j]) - rounder_less_row[j]
    words[0], words[1], words[2], words[3] = a, b, c, counter


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
