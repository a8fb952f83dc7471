# SPDX-License-Identifier: BSD-3-Clause
"""Which columns are noisy, which are resampled, which are held fixed."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from sksmooth._compat import column_positions
from sksmooth._estimators import is_frame, is_polars
from sksmooth._messages import listed


@dataclass(frozen=True)
class Columns:
    """Roles of the columns of an array or a data frame.

    Attributes
    ----------
    numeric : tuple of int
        Positions of columns with additive noise.
    categorical : tuple of int
        Positions of columns whose categories are resampled.
    """

    numeric: tuple[int, ...]
    categorical: tuple[int, ...]

    @classmethod
    def find(cls, X, noise_features, categorical_features, scale):
        """Roles of the columns of `X`, as the parameters of the denoiser state them.

        Raises
        ------
        ValueError
            If a column has two roles, or none has any.
        """
        n_columns = X.shape[1]
        categorical = _positions(X, categorical_features, "categorical_features")
        if noise_features is None:
            numeric = np.setdiff1d(np.arange(n_columns), categorical)
        else:
            numeric = _positions(X, noise_features, "noise_features")
            both = np.intersect1d(numeric, categorical)
            if both.size:
                raise ValueError(
                    f"Columns {listed(both)} are in noise_features and in "
                    "categorical_features; a column has one kind of noise."
                )
        if scale is not None:
            if scale.shape != (n_columns,):
                raise ValueError(
                    f"feature_scale has shape {scale.shape}; give one scale for each "
                    f"of the {n_columns} columns of X."
                )
            numeric = numeric[scale[numeric] > 0]
        if not numeric.size and not categorical.size:
            raise ValueError(
                "No column is noisy: noise_features, categorical_features and "
                "feature_scale leave none."
            )
        return cls(tuple(numeric.tolist()), tuple(categorical.tolist()))

    def numbers(self, X, estimator):
        """Columns with additive noise, as float64 of shape (n_samples, n_numeric)."""
        if not self.numeric:
            return np.empty((len(X), 0))
        return check_array(
            _take(X, self.numeric),
            dtype=np.float64,
            estimator=estimator,
            input_name="X",
        )

    def categories(self, X):
        """Columns whose categories are resampled, as a list of 1-D arrays."""
        return [np.asarray(_take(X, [at])).reshape(-1) for at in self.categorical]

    def replace(self, X, means, categories, shape):
        """`X` with other values in the noisy columns, in the shape `X` had."""
        if is_frame(X):
            positions = self.numeric + self.categorical
            columns = [*means.T, *categories]
            return _with_columns(X, dict(zip(positions, columns, strict=True)))
        if len(self.numeric) == X.shape[1]:
            return means.astype(X.dtype, copy=False).reshape(shape)
        X = np.array(X)
        X[:, self.numeric] = means
        for at, column in zip(self.categorical, categories, strict=True):
            X[:, at] = column
        return X.reshape(shape)

    def expand(self, X, means, probabilities, categories):
        """`X` with probabilities of categories behind its other columns."""
        others = self._others(X.shape[1])
        replaced = self.replace(X, means, self.categories(X), X.shape)
        kept = _take(replaced, others)
        if not is_frame(X):
            return np.hstack([kept, *probabilities])
        names = self.expanded_names(np.asarray(X.columns), categories)[len(others) :]
        columns = np.hstack([np.empty((len(X), 0)), *probabilities]).T
        added = dict(zip(names, columns, strict=True))
        if is_polars(X):
            return kept.hstack(type(X)(added))
        return kept.assign(**added)

    def expanded_names(self, names, categories):
        """Names of the columns of `expand`."""
        added = [
            f"{names[at]}_{category}"
            for at, known in zip(self.categorical, categories, strict=True)
            for category in known
        ]
        return np.array([*names[self._others(len(names))], *added], dtype=object)

    def _others(self, n_columns):
        return np.setdiff1d(np.arange(n_columns), self.categorical).astype(int)


def _take(X, positions):
    """Columns of an array or of a DataFrame; no copy of an array where all are."""
    positions = np.asarray(positions, dtype=int).tolist()
    if not hasattr(X, "iloc") and positions == list(range(X.shape[1])):
        return X
    return X.iloc[:, positions] if hasattr(X, "iloc") else X[:, positions]


def _with_columns(X, columns):
    """A DataFrame with other values in some columns, by position."""
    if is_polars(X):
        from polars import Series

        return X.with_columns(
            Series(X.columns[at], column) for at, column in columns.items()
        )
    X = X.copy(deep=False)
    for at, column in columns.items():
        X.isetitem(at, column)
    return X


def _positions(X, spec, name):
    if spec is None:
        return np.empty(0, dtype=int)
    try:
        found = column_positions(X, spec)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise ValueError(f"{name}={spec!r} does not name columns of X: {error}") from (
            error
        )
    return np.unique(np.asarray(found, dtype=int))
