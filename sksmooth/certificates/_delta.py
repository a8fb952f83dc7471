# SPDX-License-Identifier: BSD-3-Clause
"""Changes of samples, as the user gives them, and their sizes, never too small."""

from collections.abc import Mapping

import numpy as np

# Not zero, and smaller than any change that does not underflow.
_SMALLEST = np.nextafter(0.0, 1.0)


def changes_of(delta, n_features, n_samples, position_of, index):
    """Return changes as an array in the order of the features.

    Parameters
    ----------
    delta : mapping, Series, DataFrame or array-like
        One change for each feature, for all samples or for each of them. What has names
        is taken by them; features that they leave out do not change.
    n_features : int or None
        None where it is not known.
    n_samples : int
    position_of : callable
        Position of a feature that is given by its name or its position.
    index : ndarray or None
        Labels of the samples.

    Returns
    -------
    ndarray of float of shape (n_features,), (1, n_features) or (n_samples, n_features)

    Raises
    ------
    ValueError
        If the shape is wrong, a change is no finite number, or a feature is given twice
        or is none of those that are known.
    """
    if isinstance(delta, Mapping):
        names, given = list(delta), list(delta.values())
    elif hasattr(delta, "iloc") and np.ndim(delta) == 1:
        names, given = list(delta.index), delta.to_numpy()
    elif hasattr(delta, "columns"):
        check_row_labels("delta", delta, index)
        names, given = list(delta.columns), delta.to_numpy()
    else:
        names, given = None, delta
    changes = _numbers(given)
    if isinstance(delta, Mapping) and changes.ndim == 2:  # one for each sample
        changes = changes.T
    if names is not None:
        changes = _in_order(names, changes, n_features, position_of)
    wrong = changes.ndim not in (1, 2) or (
        n_features is not None and changes.shape[-1] != n_features
    )
    if wrong or (changes.ndim == 2 and len(changes) not in (1, n_samples)):
        known = "feature" if n_features is None else f"of the {n_features} features"
        raise ValueError(
            f"delta has shape {changes.shape}; give one change for each {known}, or "
            f"one line of changes for each of the {n_samples} samples."
        )
    if not np.isfinite(changes).all():
        raise ValueError("delta must be finite; it holds nan or infinity.")
    return changes


def _numbers(given):
    """Changes as floats; texts, missing values and masked ones are none."""
    masked = np.ma.is_masked(given)
    try:
        values = np.asarray(given)
        if values.dtype.kind == "O":
            masked |= any(v is None or isinstance(v, str) for v in values.flat)
        if masked or values.dtype.kind not in "biufO":
            raise TypeError
        return values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"delta={given!r:.200} must hold real numbers, none of them missing or "
            "masked."
        ) from None


def _in_order(names, changes, n_features, position_of):
    """Changes of named features at their positions, zero for all others."""
    at = [position_of(name) for name in names]
    if len(set(at)) < len(at):
        twice = next(n for n, p in zip(names, at, strict=True) if at.count(p) > 1)
        raise ValueError(
            f"delta gives feature {twice!r} more than once; give each one change."
        )
    if n_features is None:
        n_features = max(at, default=-1) + 1
    ordered = np.zeros((*changes.shape[:-1], n_features))
    ordered[..., at] = changes
    return ordered


def check_row_labels(name, given, index):
    """Refuse what has labels of rows that are not those of the samples, in order.

    Labels that are the numbers of the rows say nothing.

    Parameters
    ----------
    name : str
        What `given` is called in the message.
    given : DataFrame, Series or any object
    index : ndarray or None
        Labels of the samples.

    Raises
    ------
    ValueError
        If the labels are others, or in another order.
    """
    if index is None or not hasattr(given, "iloc") or len(given) != len(index):
        return
    labels = given.index.tolist()
    if labels != list(range(len(labels))) and labels != index.tolist():
        raise ValueError(
            f"{name} has other labels of its rows than the samples, or in another "
            f"order. Use {name}.loc[certificates.index], or {name}.to_numpy() if its "
            "rows are in the order of the samples."
        )


def in_units(delta, scale):
    """Changes in units of the features; what is not zero stays so."""
    with np.errstate(over="ignore", under="ignore"):
        changes = delta / scale
    lost = (changes == 0) & (delta != 0)
    return np.where(lost, np.copysign(_SMALLEST, delta), changes)


def size_of(delta, norm):
    """Norms of changes, rounded up.

    A norm that is a little too small would be a false certificate. Squares of small
    numbers underflow to zero, so the largest change is the unit.

    Parameters
    ----------
    delta : ndarray of shape (..., n_features)
    norm : float

    Returns
    -------
    ndarray of shape (...)
    """
    largest = np.abs(delta).max(axis=-1, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)
    rounding = (delta.shape[-1] + 8) * np.finfo(np.float64).eps
    with np.errstate(over="ignore", under="ignore"):
        parts = delta / unit[..., np.newaxis]
        size = np.linalg.norm(parts, norm, axis=-1) * (1 + rounding) * largest
    return np.where(largest > 0, np.nextafter(size, np.inf), 0.0)
