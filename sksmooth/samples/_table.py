# SPDX-License-Identifier: BSD-3-Clause
"""Samples of which some columns take noise and the others are held fixed."""

from functools import cached_property
from typing import Any

import numpy as np

from sksmooth._estimators import is_polars, take_rows
from sksmooth.noise import row_digests
from sksmooth.samples._contents import comparable


class Table:
    """Samples as the base classifier knows them, and the values that take noise.

    Noise is added to `values`; `shown` puts noisy values back into their columns.
    All other columns keep their dtype and their values, whatever these are.

    Parameters
    ----------
    rows : DataFrame of pandas or polars, or ndarray of shape (n_samples, n_columns)
    noisy : ndarray of int of shape (n_noisy,)
        Positions of the columns that take noise.
    scale : ndarray of shape (n_noisy,)
        The unit of each of them.
    values : ndarray of shape (n_samples, n_noisy), default=None
        In place of those in `rows`.
    categories : dict {int: Categories}, default=None
        Those of the noisy columns that hold categories, by their positions. Their
        values are codes.
    """

    def __init__(self, rows, noisy, scale, values=None, categories=None):
        self.rows = rows
        self.noisy = noisy
        self.scale = scale
        self.categories = {} if categories is None else categories
        if values is None:
            values = np.empty((len(rows), len(noisy)))
            is_code = np.isin(noisy, list(self.categories))
            values[:, ~is_code] = numbers_of(rows, noisy[~is_code])
            for j in np.flatnonzero(is_code):
                at = noisy[j]
                name = rows.columns[at] if hasattr(rows, "columns") else int(at)
                column = column_of(rows, at)
                values[:, j] = self.categories[at].codes(column, name)
        self.values = values

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, which):
        """Return the samples of a slice, a mask or an array of positions."""
        if isinstance(which, (int, np.integer)):
            which = [which]
        return self._like(take_rows(self.rows, which), self.values[which])

    def _like(self, rows, values):
        return Table(rows, self.noisy, self.scale, values, self.categories)

    @property
    def shape(self):
        """Number of samples and of columns."""
        return len(self.rows), self.rows.shape[1]

    @property
    def nbytes(self):
        """Size of what is sent to a worker, about."""
        return 8 * len(self.rows) * self.rows.shape[1]

    @property
    def size(self):
        """Number of values that take noise."""
        return self.values.size

    def with_values(self, values, owner):
        """Return samples with other values in the columns that take noise.

        Parameters
        ----------
        values : ndarray of shape (n, n_noisy)
        owner : ndarray of int of shape (n,)
            Positions of the samples whose other columns they have.
        """
        return self._like(self[owner].rows, values)

    def shown(self, values, owner):
        """Return what `predict` is given for noisy copies.

        Parameters
        ----------
        values : ndarray of float64 of shape (n_copies, n_noisy)
        owner : ndarray of int of shape (n_copies,)
            Positions of their samples.
        """
        # Columns one after the other, as frames have them.
        values = np.asfortranarray(values)
        columns = [
            self.categories[at].column(values[:, j])
            if at in self.categories
            else values[:, j]
            for j, at in enumerate(self.noisy)
        ]
        if self._held is not None:
            return _pandas_of_copies(self.rows, self._held, owner, self.noisy, columns)
        if _is_pandas(self.rows):
            return _into_pandas(self.rows.iloc[owner], self.noisy, columns)
        if is_polars(self.rows):
            return _into_polars(self.rows[owner], self.noisy, columns)
        rows = self.rows[owner]
        for dtype in {column.dtype for column in columns}:
            # Numbers among integers, or a missing value among texts.
            is_plain = isinstance(dtype, np.dtype)
            if is_plain and not np.can_cast(dtype, rows.dtype, "same_kind"):
                rows = rows.astype(np.result_type(rows.dtype, dtype))
        for at, column in zip(self.noisy, columns, strict=True):
            rows[:, at] = column
        return rows

    @cached_property
    def _held(self):
        """Arrays of the columns held fixed, if a frame is quickly made of such."""
        # Categories may have been learned from another dtype.
        if self.categories or not _is_plain_pandas(self.rows):
            return None
        return {at: column_of(self.rows, at).array for at in self._positions_held}

    @property
    def _positions_held(self):
        noisy = set(self.noisy.tolist())
        return [at for at in range(self.rows.shape[1]) if at not in noisy]

    def digests(self, key):
        """Digest each sample under `key`, columns held fixed included."""
        contents = zip(*map(self._contents, self._positions_held), strict=True)
        # As the `repr` of a tuple.
        held = [
            f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
            for parts in contents
        ]
        held_bytes = [content.encode() for content in held]
        return row_digests(self.values, key, held_bytes or None)

    def _contents(self, at):
        """What tells the values of a column from each other, as strings."""
        name = self.rows.columns[at] if hasattr(self.rows, "columns") else int(at)
        column = column_of(self.rows, at)
        values = getattr(column, "array", column)
        if not (hasattr(values, "codes") and hasattr(values, "categories")):
            return [repr(comparable(value, name)) for value in _values(column)]
        codes = values.codes.tolist()
        known = values.categories.tolist()
        if -1 in codes:  # what is missing is NaT among dates, else nan
            known += values[[codes.index(-1)]].tolist()
        known = [repr(comparable(value, name)) for value in known]
        return [known[code] for code in codes]

    def numbers(self):
        """Return all columns as floats, or None if some are not numbers."""
        every = np.arange(self.rows.shape[1])
        try:
            return numbers_of(self.rows, every)
        except (TypeError, ValueError):
            return None


def numbers_of(rows, columns):
    """Return columns of samples as an array of float64; what is missing is nan.

    Raises
    ------
    TypeError, ValueError
        If a column does not hold numbers.
    """
    if isinstance(rows, np.ndarray):
        return _floats(rows[:, columns])
    values = np.empty((len(rows), len(columns)))
    for j, at in enumerate(columns):
        column = column_of(rows, at)
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
            values[:, j] = column.to_numpy()  # several times faster
        elif _is_pandas(rows):
            values[:, j] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values[:, j] = column.cast(float, strict=True).to_numpy()
    return values


def _floats(values):
    """Values as floats; the missing value of pandas is not a float, unlike None."""
    try:
        return values.astype(np.float64)
    except TypeError:
        is_missing = [type(value).__name__ == "NAType" for value in values.flat]
        values = values.copy()
        values[np.reshape(is_missing, values.shape)] = np.nan
        return values.astype(np.float64)


def _is_pandas(rows):
    return hasattr(rows, "iloc")


def column_of(rows, at):
    """Return a column of samples."""
    if _is_pandas(rows):
        return rows.iloc[:, at]
    if is_polars(rows):
        return rows.to_series(int(at))
    return rows[:, at]


def _values(column: Any):
    return column.to_list() if hasattr(column, "to_list") else column.tolist()


def _is_plain_pandas(rows):
    """Whether a frame is nothing but its columns, each of a dtype that is kept."""
    return (
        _is_pandas(rows)
        and type(rows).__module__.split(".")[0] == "pandas"
        and not rows.attrs
        # Some versions of pandas take objects for strings.
        and not any(isinstance(t, np.dtype) and t.kind == "O" for t in rows.dtypes)
    )


def _pandas_of_copies(rows, held, owner, positions, columns):
    """`_into_pandas` of ``rows.iloc[owner]``, several times faster."""
    import pandas as pd

    parts = {at: array.take(owner) for at, array in held.items()}
    parts.update(zip(positions.tolist(), columns, strict=True))
    frame = pd.DataFrame({at: parts[at] for at in sorted(parts)}, copy=False)
    frame.columns = rows.columns
    return frame


def _into_pandas(rows, positions, columns):
    import pandas as pd

    rows = rows.copy(deep=False)
    # A range, as some estimators cannot do with labels that occur twice.
    rows.index = pd.RangeIndex(len(rows))
    for at, column in zip(positions, columns, strict=True):
        rows.isetitem(at, column)
    return rows


def _into_polars(rows, positions, columns):
    import polars as pl

    return rows.with_columns(
        pl.Series(rows.columns[at], column)
        for at, column in zip(positions, columns, strict=True)
    )
