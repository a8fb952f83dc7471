# SPDX-License-Identifier: BSD-3-Clause
"""Columns of categories: codes for the noise, and back to their own dtype."""

import numpy as np

# Stands for all kinds of missing values, which are one category.
_MISSING = object()


class Categories:
    """The categories of one column of the training samples.

    Parameters
    ----------
    column : Series of pandas or polars, or ndarray of shape (n_samples,)
        A column of the training samples. A missing value is a category too.
    adds_missing : bool, default=False
        Whether a missing value is a category, the last one, if there is none among the
        samples too: nan or NA where the dtype has it, or what numbers and texts become
        that are beside one.

    Attributes
    ----------
    known : list
        The categories; their positions are their codes.
    """

    def __init__(self, column, adds_missing=False):
        values = column.tolist() if hasattr(column, "tolist") else column.to_list()
        first = {}
        for at, value in enumerate(values):
            first.setdefault(_key(value), at)
        # Codes must not depend on the order of the samples.
        order = sorted(first, key=lambda key: (type(key).__name__, _sorting(key)))
        if adds_missing:
            order = [*(key for key in order if key is not _MISSING), _MISSING]
            if _MISSING not in first:
                column, values = _with_missing(column), [*values, None]
                first[_MISSING] = len(values) - 1
        self._codes = {key: code for code, key in enumerate(order)}
        self._column = _taken(column, [first[key] for key in order])
        self.known = [values[first[key]] for key in order]

    def __len__(self):
        return len(self.known)

    def codes(self, column, name):
        """Codes of a column of samples, as floats.

        Parameters
        ----------
        column : Series or ndarray of shape (n_samples,)
        name : str or int
            Of the column, for messages.

        Raises
        ------
        ValueError
            If it holds a category that the training samples do not have.
        """
        values = column.tolist() if hasattr(column, "tolist") else column.to_list()
        codes = [self._codes.get(_key(value), -1) for value in values]
        if -1 in codes:
            value = values[codes.index(-1)]
            raise ValueError(
                f"X has the category {value!r} in column {name!r}, which was not seen "
                f"in fit; known are {self.known[:10]}"
                f"{' and more' if len(self) > 10 else ''}. Noise draws known "
                "categories only, so nothing can be certified: leave such samples out, "
                "or give rare categories one name."
            )
        return np.array(codes, dtype=np.float64)

    def column(self, codes):
        """Return the categories of some codes, in the dtype of the training samples.

        Parameters
        ----------
        codes : ndarray of float of shape (n_copies,)
        """
        return _taken(self._column, np.rint(codes).astype(np.intp))


def _key(value):
    """What equal categories have in common; also those that equal nothing."""
    is_missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    if is_missing or (isinstance(value, float) and value != value):
        return _MISSING
    try:
        hash(value)
    except TypeError:
        raise ValueError(
            f"X holds {value!r} in a column of categories, and categories are strings, "
            "numbers or other values that can be hashed."
        ) from None
    return value


def _sorting(key):
    return key if isinstance(key, (str, int, float)) else repr(key)


def _with_missing(column):
    """A column with a missing value behind the others, in a dtype that has it."""
    if hasattr(column, "iloc"):
        column = column.reset_index(drop=True)
        return column.reindex(range(len(column) + 1))
    if hasattr(column, "gather"):  # of polars
        return column.extend_constant(None, 1)
    if column.dtype.kind in "iuf":
        return np.append(column.astype(np.float64), np.nan)
    return np.append(column.astype(object), [None])


def _taken(column, positions):
    if hasattr(column, "iloc"):
        column = column.array
    if hasattr(column, "gather"):  # of polars
        return column.gather(positions)
    return column.take(positions)
