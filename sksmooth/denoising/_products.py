# SPDX-License-Identifier: BSD-3-Clause
"""Matrix products whose columns do not depend on one another, to the last bit.

A BLAS may sum in another order at another position of a matrix: the float32 kernels of
OpenBLAS for AVX2 do so in the first and in the last eight columns. A noisy copy would
then be denoised a little differently in another batch, and a vote near a tie could
change. The columns at both edges are therefore not used, and where those between are
not found to give the same bits, products are cut into slices of fewer columns.
"""

from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import numpy as np

from sksmooth._compat import blas_controller

# Products have this many columns, and slices of them divide it. INNER are those in use.
WIDTH = 192
_MARGIN = 8
INNER = slice(_MARGIN, WIDTH - _MARGIN)
COLUMNS = WIDTH - 2 * _MARGIN
_WIDTHS = (WIDTH, 64, 32, 16, 8)
_PROBES = 3


class _OneThread:
    """A limit of one BLAS thread that may be entered by several threads at once.

    Threads change how a product is cut, and so its last bits; jobs over samples use the
    cores better.
    """

    def __init__(self):
        self._lock, self._entered, self._limit = Lock(), 0, None

    @contextmanager
    def __call__(self):
        with self._lock:
            if self._entered == 0:
                self._limit = blas_controller().limit(limits=1, user_api="blas")
            self._entered += 1
        try:
            yield
        finally:
            with self._lock:
                self._entered -= 1
                if self._entered == 0:
                    self._limit.restore_original_limits()


one_blas_thread = _OneThread()


@lru_cache(maxsize=256)
def slice_width(rows, inner, dtype):
    """Columns at a time for which a product gives the same bits at each inner position.

    Parameters
    ----------
    rows, inner : int
        Shape of the left factor.
    dtype : str
        Its type, as a character.

    Returns
    -------
    int
        A divisor of `WIDTH`; 1 if the BLAS passes for no other.
    """
    rng = np.random.default_rng(0)
    for width in _WIDTHS:
        for _ in range(_PROBES):
            left = rng.standard_normal((rows, inner)).astype(dtype)
            column = rng.standard_normal((inner, 1)).astype(dtype)
            right = np.repeat(column, WIDTH, axis=1)
            out = np.empty((rows, WIDTH), dtype)
            _sliced(left, right, out, width)
            inner_columns = out[:, INNER]
            if (inner_columns != inner_columns[:, :1]).any():
                break
        else:
            return width
    return 1


def multiply(left, right, out):
    """``left @ right`` into `out`, each inner column the same whatever the others are.

    Parameters
    ----------
    left : ndarray of shape (..., m, k), C-contiguous
    right : ndarray of shape (..., k, WIDTH), C-contiguous
    out : ndarray of shape (..., m, WIDTH), C-contiguous
    """
    _sliced(left, right, out, slice_width(*left.shape[-2:], left.dtype.char))


def _sliced(left, right, out, width):
    for start in range(0, WIDTH, width):
        here = slice(start, start + width)
        np.matmul(left, right[..., here], out=out[..., here])
