# SPDX-License-Identifier: BSD-3-Clause
"""Which values training samples have: their ranges, and whether they are whole."""

from typing import NamedTuple

import numpy as np

# Largest difference from a whole number, in units of a feature, that is rounding.
_ROUNDING = 1e-6
_ROWS_AT_ONCE = 1000


class Ranges(NamedTuple):
    """Ranges of the values that take noise.

    Attributes
    ----------
    low, high : ndarray of shape (n_values,)
        Ends of each range; infinite where all values are missing.
    whole : bool
        Whether all values are whole multiples of their unit.
    """

    low: np.ndarray
    high: np.ndarray
    whole: bool


def ranges_of(values, scale=None):
    """Return the `Ranges` of samples.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_values)
    scale : ndarray of shape (n_values,), default=None
        Unit of each value; None is 1.
    """
    low = np.fmin.reduce(values, axis=0, initial=np.inf)
    high = np.fmax.reduce(values, axis=0, initial=-np.inf)
    missing = low > high
    low = np.where(missing, -np.inf, low).astype(np.float64)
    high = np.where(missing, np.inf, high).astype(np.float64)
    whole = all(
        whole_rows(values[start : start + _ROWS_AT_ONCE], scale).all()
        for start in range(0, len(values), _ROWS_AT_ONCE)
    )
    return Ranges(low, high, whole)


def whole_rows(values, scale=None):
    """Tell which samples have whole multiples of the unit only, or missing values.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_values)
    scale : ndarray of shape (n_values,), default=None
        Unit of each value; None is 1.

    Returns
    -------
    ndarray of bool of shape (n_samples,)
    """
    units = values if scale is None else values / scale
    return ~(np.abs(units - np.rint(units)) > _ROUNDING).any(axis=1)
