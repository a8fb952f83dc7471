# SPDX-License-Identifier: BSD-3-Clause
"""Matrix products whose columns do not depend on one another, to the last bit.

A BLAS may sum in another order at another position of a matrix: the float32 kernels of
OpenBLAS do. A noisy copy would then be denoised a little differently in another batch,
and a vote near a tie could change. Products are therefore cut into slices of a few
columns, of a width for which all positions are found to give the same bits.
"""

from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

import numpy as np

from sksmooth._compat import blas_controller

# Columns are processed by this many; slices of a product divide it.
COLUMNS = 128
_WIDTHS = (64, 32, 16, 8)
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
    """Columns at a time for which a product gives the same bits at each position.

    Parameters
    ----------
    rows, inner : int
        Shape of the left factor.
    dtype : str
        Its type, as a character.

    Returns
    -------
    int
        A divisor of `COLUMNS`; 1 if the BLAS passes for no other.
    """
    rng = np.random.default_rng(0)
    for width in _WIDTHS:
        for _ in range(_PROBES):
            left = rng.standard_normal((rows, inner)).astype(dtype)
            column = rng.standard_normal((inner, 1)).astype(dtype)
            right = np.repeat(column, COLUMNS, axis=1)
            out = np.empty((rows, COLUMNS), dtype)
            _sliced(left, right, out, width)
            if (out != out[:, :1]).any():
                break
        else:
            return width
    return 1


def multiply(left, right, out):
    """``left @ right`` into `out`, each column the same whatever the other columns are.

    Parameters
    ----------
    left : ndarray of shape (m, k), C-contiguous
    right : ndarray of shape (k, COLUMNS), C-contiguous
    out : ndarray of shape (m, COLUMNS), C-contiguous
    """
    _sliced(left, right, out, slice_width(*left.shape, left.dtype.char))


def _sliced(left, right, out, width):
    (rows, inner), parts = left.shape, COLUMNS // width
    np.matmul(
        left,
        right.reshape(inner, parts, width).transpose(1, 0, 2),
        out=out.reshape(rows, parts, width).transpose(1, 0, 2),
    )
