# SPDX-License-Identifier: BSD-3-Clause
"""Samples of an estimator that adds noise to all or to some of its features."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, validate_data

from sksmooth._compat import check_n_features
from sksmooth._estimators import is_frame, may_take_missing
from sksmooth.certificates import check_given_labels, refuse_masked
from sksmooth.samples import resolve_scale
from sksmooth.votes.probes import numeric_table, refuse_columns_without_numbers


class NoisyFeatures:
    """Checks of samples for estimators that add noise to what `estimator` is given.

    A class that inherits from this has the parameters `estimator`, `noise_features` and
    `feature_scale`, which mean what they mean in `SmoothedClassifier`. Samples are an
    array where both are None, so that all features take noise, and a `Table` otherwise.

    Attributes
    ----------
    feature_scale_ : ndarray of shape (n_features,) or None
        The unit of each feature, 0 where it takes no noise; None where neither
        parameter is given.
    """

    def _check_training(self, X, y):
        """Check training samples and labels, and learn which columns take noise."""
        check_given_labels(y)
        if self.noise_features is None and self.feature_scale is None:
            self.feature_scale_ = None
            refuse_columns_without_numbers(X, type(self).__name__)
            return validate_data(self, X, y, **self._input_checks())
        y = validate_data(self, X="no_validation", y=y)
        rows = check_columns(self, X, reset=True)
        check_consistent_length(rows, y)
        self.feature_scale_ = resolve_scale(
            self.noise_features,
            self.feature_scale,
            names=getattr(self, "feature_names_in_", None),
            n_features=self.n_features_in_,
            X=rows,
        )
        return self._table(rows), y

    def _check_samples(self, X):
        """Check samples after `fit`."""
        if self.feature_scale_ is None:
            refuse_columns_without_numbers(X, type(self).__name__)
            return validate_data(self, X, reset=False, **self._input_checks())
        return self._table(check_columns(self, X, reset=False))

    def _input_checks(self):
        nan = may_take_missing(self.estimator)
        return {
            "dtype": [np.float64, np.float32],
            "allow_nd": True,
            "ensure_all_finite": "allow-nan" if nan else True,
        }

    def _table(self, rows):
        return numeric_table(
            rows,
            self.feature_scale_,
            noise_features=self.noise_features,
            estimator=self.estimator,
        )


def check_columns(estimator, X, *, reset, names=True):
    """Check the names and the number of columns of any dtype.

    Parameters
    ----------
    estimator : estimator
        Whose `fit` or `predict` is given `X`.
    X : DataFrame or array-like of shape (n_samples, n_features)
    reset : bool
        Whether `estimator` learns both from `X`.
    names : bool, default=True
        Whether a frame has to have the names of `fit`. If not, names of `fit` have to
        be where they were.

    Returns
    -------
    DataFrame or ndarray

    Raises
    ------
    ValueError
        If there are no samples, or if these are not the columns of `fit`.
    """
    rows = X
    refuse_masked(X, "X")
    if not is_frame(X):
        rows = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator)
    if not len(rows):
        raise ValueError("X has no samples; at least one is needed.")
    _refuse_equal_names(rows)
    if names or not is_frame(X):
        validate_data(estimator, X, "no_validation", skip_check_array=True, reset=reset)
    else:
        check_n_features(estimator, rows, reset=reset)
        _refuse_moved_columns(rows, getattr(estimator, "feature_names_in_", ()))
    return rows


def _refuse_equal_names(rows):
    names = [name for name in getattr(rows, "columns", ()) if isinstance(name, str)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"X has more than one column named {', '.join(map(repr, twice))}, so that "
            "names do not tell which column takes noise. Give each a name of its own."
        )


def _refuse_moved_columns(rows, known):
    """Refuse columns whose names say that the noise would be that of others."""
    known = list(known)
    moved = [
        name
        for at, name in enumerate(getattr(rows, "columns", ()))
        if name in known and known.index(name) != at
    ]
    if moved:
        raise ValueError(
            f"X has the columns {moved} in other places than the classifier was fitted "
            "with, where they would take the noise of other features. Pass the columns "
            f"in its order: X[{[str(name) for name in known]}]."
        )
