# SPDX-License-Identifier: BSD-3-Clause
"""Samples of either kind: an array that takes noise everywhere, or a `Table`."""

import math

import numpy as np

from sksmooth.noise import row_digests
from sksmooth.samples._counts import Counts
from sksmooth.samples._table import Table


def values_of(X):
    """Return what takes noise, of shape (n_samples, n_values)."""
    return X.values if isinstance(X, Table) else X.reshape(len(X), -1)


def unit_values_of(X):
    """Return what takes noise in units of its scale; see `values_of`."""
    values = values_of(X).astype(np.float64, copy=False)
    return values / X.scale if isinstance(X, Table) else values


def n_values_of(X):
    """Return how many values of a sample take noise."""
    if isinstance(X, Counts):
        return X.shape[1]
    if isinstance(X, Table):
        return len(X.noisy)
    return math.prod(X.shape[1:])


def digests_of(X, key):
    """Digest each sample under a key; see `row_digests`."""
    return row_digests(X, key) if isinstance(X, np.ndarray) else X.digests(key)


def shown(values, X, owner, as_frame=None):
    """Return what `predict` is given for noisy copies of samples.

    Parameters
    ----------
    values : ndarray of float64 of shape (n_copies, n_values)
    X : ndarray of shape (n_samples, ...) or Table
    owner : ndarray of int of shape (n_copies,)
        Positions in `X` of their samples.
    as_frame : callable, default=None
        Makes arrays the frames that `predict` takes; for an array X.
    """
    if isinstance(X, Table):
        return X.shown(values, owner)
    # The classifier sees the caller's dtype, as it would without noise; rounding to
    # float32 is then part of it.
    copies = values.astype(X.dtype, copy=False).reshape(-1, *X.shape[1:])
    return as_frame(copies) if as_frame is not None and copies.ndim == 2 else copies


def with_values(X, values, owner):
    """Return samples like those of `X` at positions `owner`, with other values."""
    if isinstance(X, Table):
        return X.with_values(values, owner)
    return values.astype(X.dtype, copy=False).reshape(-1, *X.shape[1:])


def columns_of(X):
    """Return the positions, among the features, of the values that take noise."""
    return X.noisy if isinstance(X, Table) else np.arange(n_values_of(X))


def has_missing(X):
    """Whether a value that takes noise is missing."""
    if isinstance(X, Counts):
        return False
    return bool(np.isnan(values_of(X)).any())


def norms_of(X):
    """Return the l2 norms of what takes noise, without what is missing."""
    if isinstance(X, Counts):
        return np.array([np.linalg.norm(X.content(at)[1]) for at in range(len(X))])
    return np.linalg.norm(np.nan_to_num(values_of(X).astype(np.float64)), axis=1)
