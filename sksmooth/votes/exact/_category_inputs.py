# SPDX-License-Identifier: BSD-3-Clause
"""The numbers and codes of samples whose categories noise draws anew."""

from functools import cached_property, reduce
from types import SimpleNamespace

import numpy as np
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from sksmooth._estimators import steps_of
from sksmooth._warnings import ignore_warnings
from sksmooth.samples import Table
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._affine import AffineMap, fold_steps
from sksmooth.votes.exact._inputs import BranchInputs, TableInputs
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.probes import branches_of, is_identity

# Each output of these depends on one of their columns.
_BY_COLUMN = {
    "MaxAbsScaler",
    "MinMaxScaler",
    "OneHotEncoder",
    "OrdinalEncoder",
    "RobustScaler",
    "SimpleImputer",
    "StandardScaler",
    "TargetEncoder",
    "VarianceThreshold",
}


class CategoryInputs:
    """Numbers of samples, and behind them the codes of their categories.

    What a classifier is given has features of three kinds: numbers that take noise,
    numbers that take none, and functions of one category, such as the columns of a
    `OneHotEncoder`. Of the last, `encoded` holds the values for each category.

    Parameters
    ----------
    transformers : list of fitted transformers
        What is applied to samples before they reach the classifier proper.
    encoder : fitted ColumnTransformer or None
        What the classifier proper applies itself, to columns that it takes as they
        are, see `hist_boosting_encoder`.
    X : Table
        Samples with categories.

    Attributes
    ----------
    affine : AffineMap
        From numbers and codes to the features that the classifier is given, and behind
        them the codes.
    encoded : list of (ndarray of int, ndarray of shape (n_categories, n_features))
        Of each column of categories, which features are functions of it, and all
        features for each of its categories.

    Raises
    ------
    Declined
        If features are no such functions.
    """

    def __init__(self, transformers, encoder, X):
        self._is_code = np.isin(X.noisy, list(X.categories))
        self._columns = X.noisy[self._is_code]
        self.n_categories = [len(X.categories[at]) for at in self._columns]
        chain = [*transformers, *([] if encoder is None else [encoder])]
        self._inner, rest = self._opened(transformers, self._numbers_of(X))
        features = fold_steps(rest, self._inner.map(X.shape[1]))
        if encoder is not None:
            features = features.then(_order_of(encoder, features.n_features_out))
        values = self._values_by_category(X, chain)
        if values[0].shape[1] != features.n_features_out:
            raise Declined("a step before it drops columns")
        owner = self._owners(features, values)
        self.encoded = [(np.flatnonzero(owner == c), of) for c, of in enumerate(values)]
        # Only codes tell what these features are.
        self._aside = np.unique(features.index[owner >= 0])
        n_numbers, n_codes = len(self._inner.held), len(self._columns)
        self.held = np.append(self._inner.held, np.ones(n_codes, dtype=bool))
        n_out = features.n_features_out
        self.affine = _MixedMap.side_by_side(
            [
                (features, np.arange(n_numbers), slice(0, n_out)),
                (
                    AffineMap.identity(n_codes),
                    n_numbers + np.arange(n_codes),
                    slice(n_out, n_out + n_codes),
                ),
            ],
            n_numbers + n_codes,
            n_out + n_codes,
            self.held,
        )

    @property
    def n_features(self):
        """Number of features that the classifier is given."""
        return self.affine.n_features_out - len(self._columns)

    def _opened(self, transformers, numbers):
        """Inputs without the categories, and the steps behind them."""
        first = transformers[0] if transformers else None
        if type(first) is not ColumnTransformer:
            if len(numbers.noisy) or not transformers:
                return _Columns(transformers, numbers, self._columns), transformers
            # Nothing takes noise of numbers: all steps are one branch.
            first, transformers = _one_branch(transformers, numbers), [None]
        inner = _Branches([first, *transformers[1:]], numbers, self._columns)
        return inner, inner.rest

    def _numbers_of(self, X):
        """The same samples, with categories among the columns held fixed."""
        is_number = ~self._is_code
        rows = X.shown(X.values, np.arange(len(X)))
        values = X.values[:, is_number]
        return Table(rows, X.noisy[is_number], X.scale[is_number], values)

    def _values_by_category(self, X, chain):
        """Features of the first sample, with each category of each column in turn."""
        parts = []
        for j, size in zip(
            np.flatnonzero(self._is_code), self.n_categories, strict=True
        ):
            values = np.repeat(X.values[:1], size, axis=0)
            values[:, j] = np.arange(size)
            rows = X.shown(values, np.zeros(size, dtype=np.intp))
            try:
                with ignore_warnings(category=UserWarning):
                    output = reduce(lambda Z, step: ask(step.transform, Z), chain, rows)
                output = output.toarray() if sp.issparse(output) else output
                parts.append(np.asarray(output, dtype=np.float64))
            except (TypeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise Declined(f"its categories are not encoded: {reason}") from None
        return parts

    def _owners(self, features, values):
        """Which column of categories each feature is a function of; -1 for none."""
        allowed = self._inner.allowed
        owner = np.full(features.n_features_out, -1)
        if features.index is None:
            raise Declined("a step before it mixes features, beside its categories")
        for c, of in enumerate(values):
            same = (of == of[:1]) | (np.isnan(of) & np.isnan(of[:1]))
            varies = ~same.all(axis=0)
            may = allowed[features.index, c]
            several = (owner >= 0) & varies
            if np.any(varies & ~may) or several.any():
                raise Declined("a step before it mixes categories with other columns")
            # The number of a column that is a category itself is not looked up.
            itself = features.index == self._columns[c]
            owner[varies | (may & itself)] = c
        return owner

    def of(self, X):
        """Numbers and codes of samples, of shape (n_samples, n_numbers + n_codes)."""
        try:
            # Of encoders, about categories that they do not know.
            with ignore_warnings(category=UserWarning):
                numbers = self._inner.of(self._numbers_of(X))
        except (TypeError, ValueError):
            raise Declined("some of its columns are not encoded as numbers") from None
        numbers[:, self._aside] = 0.0
        return np.column_stack([numbers, X.values[:, self._is_code]])

    def norms(self, X):
        """Length of what takes noise of numbers, in units of the scale."""
        units = X.values[:, ~self._is_code] / X.scale[~self._is_code]
        return np.linalg.norm(units, axis=1)

    def complete(self, X):
        """Samples that miss no number; see `ArrayInputs.complete`."""
        complete = np.isfinite(self.of(X)).all(axis=1)
        if not complete.any():
            raise Declined("its rows have missing values")
        return X[complete]

    def noisy(self, X, owner, noise):
        """Samples with noise; see `ArrayInputs.noisy`.

        Categories are drawn anew as well, each of them with probability 1/2.
        """
        values = X.values[owner] + np.where(self._is_code, 0.0, noise * X.scale)
        rng = np.random.default_rng(0)
        codes = values[:, self._is_code]
        drawn = np.floor(rng.random(codes.shape) * self.n_categories)
        values[:, self._is_code] = np.where(rng.random(codes.shape) < 0.5, drawn, codes)
        return self.of(X.with_values(values, owner)), X.shown(values, owner)


class _MixedMap(AffineMap):
    """An affine map of which no output may take noise, as codes do not."""

    @cached_property
    def _noise(self):
        if np.all(self.held_outputs):
            return np.zeros(self.n_features_out), 0.0, 0.0
        return super()._noise


class _Aside:
    """Inputs of which some columns, held fixed, are not read as numbers.

    Attributes
    ----------
    allowed : ndarray of bool of shape (n_numbers, n_aside)
        Which numbers may be functions of which of these columns.
    """

    def __init__(self, transformers, table, aside):
        self._aside = aside
        super().__init__(transformers, table)
        self.allowed = np.zeros((len(self.held), len(aside)), dtype=bool)
        self.allowed[aside, np.arange(len(aside))] = True

    def _of_columns(self, X, held):
        return super()._of_columns(X, np.setdiff1d(held, self._aside))


class _Columns(_Aside, TableInputs):
    """Columns as they are."""


class _Branches(_Aside, BranchInputs):
    """Columns that go through a `ColumnTransformer` first."""

    def __init__(self, transformers, table, aside):
        super().__init__(transformers, table, aside)
        number_of = {place: k for k, place in enumerate(self._fixed)}
        first = len(self.held) - len(self._fixed)
        for step, features, place in branches_of(self._columns, table.shape[1]):
            within = np.flatnonzero(np.isin(aside, features))
            if not len(within) or place.start == place.stop:
                continue
            steps = [part for part in steps_of(step) if not is_identity(part)]
            unknown = [
                name
                for part in steps
                if (name := type(part).__name__) not in _BY_COLUMN
            ]
            if unknown and len(features) > 1:
                raise Declined(
                    f"the step {unknown[0]} is not known to encode each column by "
                    "itself"
                )
            for at in range(place.start, place.stop):
                if at in number_of:
                    self.allowed[first + number_of[at], within] = True


def _one_branch(steps, table):
    """Steps that all columns go through, in the form of a `ColumnTransformer`."""
    steps = Pipeline([(str(k), step) for k, step in enumerate(steps)])

    def transform(rows):
        return reduce(lambda Z, part: ask(part.transform, Z), steps_of(steps), rows)

    return SimpleNamespace(
        transformer_weights=None,
        transformers_=[("columns", steps, slice(None))],
        output_indices_={"columns": slice(0, transform(table.rows[:1]).shape[1])},
        transform=transform,
    )


def _order_of(encoder, n_features):
    """The order that an encoder of columns brings features into, as a map."""
    index = np.arange(n_features)
    for _, features, place in branches_of(encoder, n_features):
        index[place] = features
    return AffineMap(n_features, np.zeros(n_features), index, np.ones(n_features))
