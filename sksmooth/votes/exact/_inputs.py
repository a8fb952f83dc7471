# SPDX-License-Identifier: BSD-3-Clause
"""The numbers that a closed form is a function of: arrays, and columns of tables."""

import numpy as np
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer

from sksmooth._estimators import steps_of
from sksmooth._warnings import ignore_warnings
from sksmooth.samples import Table, numbers_of
from sksmooth.votes.exact._affine import AffineMap, fold_steps
from sksmooth.votes.exact._self_check import checked_sample
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.probes import branches_of, columns_without_numbers, is_identity


def inputs_of(transformers, X):
    """Inputs of a classifier for samples like `X`.

    Parameters
    ----------
    transformers : list of fitted transformers
        What is applied to samples before they reach the classifier proper.
    X : array-like of shape (n_samples, n_features) or Table

    Returns
    -------
    ArrayInputs or TableInputs

    Raises
    ------
    Declined
        If they are not numbers, or become numbers in an unknown way.
    """
    if not isinstance(X, Table):
        return ArrayInputs(transformers)
    if X.categories:
        raise Declined("some of its columns are categories that noise draws anew")
    rows = X.rows
    is_short = isinstance(rows, np.ndarray) and rows.dtype.kind == "f"
    if is_short and rows.dtype.itemsize < 8 and len(X.noisy) < X.shape[1]:
        # On which side of a threshold a column is then depends on its rounding.
        raise Declined("its samples are of another precision than float64")
    if transformers and type(transformers[0]) is ColumnTransformer:
        return BranchInputs(transformers, X)
    return TableInputs(transformers, X)


class ArrayInputs:
    """Samples that are arrays of numbers, all of which take noise.

    Attributes
    ----------
    rest : list of fitted transformers
        Those that are still to be applied.
    held : ndarray of bool of shape (n_numbers,) or None
        Which numbers take no noise; None is none of them.
    """

    held = None

    def __init__(self, transformers):
        self.rest = transformers

    def map(self, n_features):
        """From the numbers to what the first of the other transformers is given."""
        return AffineMap.identity(n_features)

    def of(self, X):
        """The numbers of samples, of shape (n_samples, n_numbers)."""
        return checked_sample(X)

    def complete(self, X):
        """Samples that miss no number.

        Raises
        ------
        Declined
            If there are none.
        """
        return self.of(X)

    def noisy(self, X, owner, noise):
        """Samples with noise: their numbers, and what `predict` is given.

        Parameters
        ----------
        X : array-like or Table
        owner : ndarray of int of shape (n,)
        noise : ndarray of shape (n, n_values)
            In units of the scale.
        """
        noisy = self.of(X)[owner] + noise
        return noisy, noisy


class TableInputs:
    """Columns of numbers, those that take noise in units of their scale.

    Parameters
    ----------
    transformers : list of fitted transformers
    table : Table
        Tells which columns take noise.
    """

    def __init__(self, transformers, table):
        self.rest = transformers
        self.noisy_columns = table.noisy
        self.unit = np.ones(table.shape[1])
        self.unit[table.noisy] = table.scale
        self.held = np.ones(table.shape[1], dtype=bool)
        self.held[table.noisy] = False

    def map(self, n_features):
        """From the numbers to what the first of the other transformers is given."""
        return AffineMap.scaling(self.unit, np.zeros(n_features), held=self.held)

    def of(self, X):
        """The numbers of samples, of shape (n_samples, n_numbers)."""
        return self._of_columns(X, np.flatnonzero(self.held))

    def complete(self, X):
        """Samples that miss no number; see `ArrayInputs.complete`."""
        complete = np.isfinite(self.of(X)).all(axis=1)
        if not complete.any():
            raise Declined("its rows have missing values")
        return X[complete]

    def noisy(self, X, owner, noise):
        """Samples with noise; see `ArrayInputs.noisy`."""
        numbers = self.of(X)[owner]
        numbers[:, self.noisy_columns] += noise
        values = numbers[:, self.noisy_columns] * X.scale
        return numbers, X.shown(values, owner)

    def _of_columns(self, X, held):
        """Columns as numbers: those that take noise, and some that are held."""
        numbers = np.zeros(X.shape)
        numbers[:, self.noisy_columns] = X.values / X.scale
        without = columns_without_numbers(X[:1].rows)
        names = getattr(X.rows, "columns", range(X.shape[1]))
        strange = [names[at] for at in held if names[at] in without]
        if strange:
            raise Declined(f"its columns {strange} are not numbers")
        try:
            numbers[:, held] = numbers_of(X.rows, held)
        except (TypeError, ValueError):
            raise Declined("some of its columns are not numbers") from None
        return numbers


class BranchInputs(TableInputs):
    """Columns that go through a `ColumnTransformer` first.

    A branch of columns that are all held fixed may be any transformer of scikit-learn:
    its outputs are numbers that take no noise. All other branches must be affine, and
    no column may be in two of them.

    Parameters
    ----------
    transformers : list of fitted transformers
        The first is a `ColumnTransformer`.
    table : Table
    """

    def __init__(self, transformers, table):
        super().__init__(transformers[1:], table)
        self._columns = transformers[0]
        n_columns, taken = table.shape[1], []
        if self._columns.transformer_weights:
            raise Declined("its ColumnTransformer weights its branches")
        self._affine, fixed = [], []
        for step, features, place in branches_of(self._columns, n_columns):
            if features is None:
                raise Declined("a branch of its ColumnTransformer is not known")
            if place.start == place.stop:
                continue
            features = np.array(features, dtype=np.intp)
            steps = [part for part in steps_of(step) if not is_identity(part)]
            if self.held[features].all() and all(map(_is_of_samples_alone, steps)):
                fixed.append(np.arange(place.start, place.stop))
                continue
            taken += features.tolist()
            unit = self.unit[features]
            branch = fold_steps(steps, AffineMap.scaling(unit, np.zeros(len(unit))))
            if branch.n_features_out != place.stop - place.start:
                raise Declined("a branch of its ColumnTransformer drops columns")
            self._affine.append((branch, features, place))
        if len(set(taken)) < len(taken):
            raise Declined("two branches of its ColumnTransformer share a column")
        self._fixed = np.concatenate([*fixed, np.zeros(0)]).astype(np.intp)
        self._held_taken = np.array(
            [at for at in taken if self.held[at]], dtype=np.intp
        )
        self.held = np.append(self.held, np.ones(len(self._fixed), dtype=bool))
        self._n_out = n_columns_out(self._columns)

    def map(self, n_features):
        """From the numbers to what the first of the other transformers is given."""
        parts, n_in = list(self._affine), len(self.held)
        first = n_in - len(self._fixed)
        for k, place in enumerate(self._fixed):
            same = AffineMap.identity(1)
            parts.append((same, np.array([first + k]), slice(place, place + 1)))
        return AffineMap.side_by_side(parts, n_in, self._n_out, self.held)

    def of(self, X):
        """The numbers of samples, of shape (n_samples, n_numbers)."""
        numbers = self._of_columns(X, self._held_taken)
        if not len(self._fixed):
            return numbers
        with ignore_warnings("X (has|does not have)"):
            output = self._columns.transform(X.shown(X.values, np.arange(len(X))))
        output = output.toarray() if sp.issparse(output) else np.asarray(output)
        return np.column_stack([numbers, output[:, self._fixed].astype(np.float64)])


def n_columns_out(columns):
    """Number of outputs of a fitted `ColumnTransformer`."""
    places = columns.output_indices_.values()
    return max((place.stop or 0 for place in places), default=0)


def _is_of_samples_alone(step):
    """Whether a transformer is of scikit-learn, and runs no code of the user."""
    if type(step).__module__.partition(".")[0] != "sklearn":
        return False
    values = vars(step).values()
    return not any(
        callable(value) and not isinstance(value, (type, np.ufunc)) for value in values
    )
