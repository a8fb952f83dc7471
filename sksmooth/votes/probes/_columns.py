# SPDX-License-Identifier: BSD-3-Clause
"""Columns of data frames that take noise must hold numbers."""

from datetime import date, time, timedelta

import numpy as np

from sksmooth._estimators import is_frame, may_take_missing, tags_of
from sksmooth._messages import listed
from sksmooth.certificates import refuse_masked
from sksmooth.samples import Table, has_missing, values_of

# Dates among objects; Timestamp and Timedelta of pandas are among them.
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)


def columns_without_numbers(X):
    """Names of the columns of a data frame whose values are not numbers.

    Categories, strings and dates convert to numbers in some cases. The base classifier
    was not trained on these numbers, and noise takes their meaning away.

    Parameters
    ----------
    X : object
        A data frame of pandas or polars; anything else has no such columns.

    Returns
    -------
    list
    """
    if not hasattr(X, "dtypes") or not hasattr(X, "columns"):
        return []
    return [
        name
        for at, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True))
        if not _is_numeric(dtype, X, at)
    ]


def columns_with_categories(X):
    """Positions of the columns of a data frame whose dtype is none of numbers or dates.

    Two dates are hardly ever the same: they are no categories, unless their dtype says
    so.

    Parameters
    ----------
    X : object
        See `columns_without_numbers`.

    Returns
    -------
    list of int
    """
    if not hasattr(X, "dtypes") or not hasattr(X, "columns"):
        return []
    return [
        at
        for at, dtype in enumerate(X.dtypes)
        if not (_is_of_dates(dtype, X, at) or _is_numeric(dtype, X, at))
    ]


def _is_of_dates(dtype, X, at):
    if str(dtype) in ("object", "Object"):
        values = [value for value in _objects(X, at) if not _is_missing(value)]
        return bool(values) and all(map(_is_date, values))
    is_temporal = getattr(dtype, "is_temporal", None)  # of polars
    if callable(is_temporal):
        return bool(is_temporal())
    of_dates = ("period", "date", "time", "duration")
    return getattr(dtype, "kind", "O") in "mM" or str(dtype).startswith(of_dates)


def _is_date(value):
    return isinstance(value, _DATES) or type(value).__name__ == "Period"


def _is_missing(value):
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _objects(X, at):
    """A column as an array of Python objects."""
    column = X.iloc[:, at] if hasattr(X, "iloc") else X[X.columns[at]]
    return np.asarray(column, dtype=object)


def refuse_columns_without_numbers(X, caller):
    """Refuse a data frame with columns that hold no numbers; see above.

    Parameters
    ----------
    X : object
    caller : str
        Name of the class that adds the noise, for the message.
    """
    refuse_values_without_numbers(X)
    _refuse_texts(X, caller)
    columns = columns_without_numbers(X)
    if not columns:
        return
    dtypes = zip(X.columns, map(str, X.dtypes), strict=True)
    # Flags are numbers too, but noise makes no sense in them.
    flags = [name for name, dtype in dtypes if dtype.lower().startswith("bool")]
    numbers = [name for name in X.columns if name not in columns]
    numbers = [name for name in numbers if name not in flags] or numbers
    raise ValueError(
        f"X has the columns {listed(columns)}, which are not numbers: noise can only "
        "be added to numbers. Hold them fixed, by one of\n"
        f"    {caller}(..., noise_features={listed(numbers)})\n"
        f"    {caller}(..., noise_features="
        "make_column_selector(dtype_include='number'))\n"
        f"or encode them in a Pipeline before {caller}."
    )


def refuse_values_without_numbers(X):
    """Refuse an array of masked values, of dates, or of records.

    Raises
    ------
    ValueError
        For such an array: dates would be taken for their numbers, and what is under a
        mask for a value.
    """
    refuse_masked(X, "X")
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if kind in ("m", "M", "V"):
        what = "records" if kind == "V" else "dates or times"
        raise ValueError(
            f"X is an array of {what} (dtype {dtype!s:.60}), and noise can only be "
            "added to numbers. Pass numbers, such as days since a date, or the columns "
            "of a DataFrame."
        )


def _refuse_texts(X, caller):
    """Refuse a sequence of texts, which has to be counted before."""
    if not isinstance(X, (list, tuple)) and getattr(X, "ndim", 0) != 1:
        return
    if isinstance(next(iter(X), None), str):
        raise ValueError(
            "X holds texts, and noise can only be added to numbers. Count words in a "
            f"Pipeline before {caller}, as in make_pipeline(CountVectorizer(), "
            f"{caller}(..., noise=TokenDeletion(...))), which certifies how many words "
            "may be added or deleted."
        )


def _is_numeric(dtype, X, at):
    is_numeric = getattr(dtype, "is_numeric", None)  # of polars
    if callable(is_numeric):
        text = str(dtype)
        if text != "Object":
            return bool(is_numeric()) or text in ("Boolean", "Null")
    elif getattr(dtype, "kind", "O") != "O":
        # Of complex numbers, the imaginary part would be lost.
        return dtype.kind in "biuf"
    elif str(dtype).startswith(("category", "str", "period", "interval")):
        return False
    values = _objects(X, at)
    # Not a float, unlike None and nan.
    values = [v for v in values if type(v).__name__ != "NAType"]
    if any(isinstance(value, (str, bytes)) for value in values):
        return False
    try:
        # Lists of one number each have another shape.
        return np.asarray(values, dtype=np.float64).ndim == 1
    except (TypeError, ValueError):
        return False


def numeric_table(rows, scale, *, noise_features, estimator, categories=None):
    """Samples with the columns that take noise as numbers.

    Parameters
    ----------
    rows : DataFrame or ndarray of shape (n_samples, n_features)
    scale : ndarray of shape (n_features,)
        The unit of each feature; 0 where it is held fixed.
    noise_features : object
        The parameter of the caller, for messages.
    estimator : estimator
        What is given noisy copies: values that take noise may be missing if it takes
        them.
    categories : dict {int: Categories}, default=None
        See `Table`; these columns need not hold numbers.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If a column that takes noise does not hold numbers, or holds infinity, or a
        missing value that `estimator` does not take.
    """
    noisy = np.flatnonzero(scale)
    names = list(rows.columns) if is_frame(rows) else range(rows.shape[1])
    without = columns_without_numbers(rows)
    categories = {} if categories is None else categories
    numbers = [at for at in noisy if at not in categories]
    wrong = [names[at] for at in numbers if names[at] in without]
    if wrong:
        drawn = [names[at] for at in sorted(categories)]
        others = [names[at] for at in numbers if names[at] not in without]
        raise ValueError(
            f"{_all_or(noise_features)} has the columns {listed(wrong)}, which are not "
            "numbers: noise can only be added to numbers. "
            f"{_cure(wrong, others, drawn)}"
        )
    table = Table(rows, noisy, scale[noisy], categories=categories)
    infinite = np.isinf(table.values).any(axis=0)
    if infinite.any():
        raise ValueError(
            f"X holds infinity in the columns {[names[at] for at in noisy[infinite]]}, "
            "which take noise. Replace it by a number, or hold the columns fixed with "
            "noise_features."
        )
    missing = np.isnan(table.values).any(axis=0)
    if missing.any() and not may_take_missing(estimator):
        columns = [names[at] for at in noisy[missing]]
        raise _missing_error(
            f"in the columns {listed(columns)}, which take noise", estimator
        )
    return table


def check_takes_missing(source, estimator, X):
    """Check that a fitted classifier predicts samples with missing values.

    The tag of a classifier that consists of several does not tell whether one of them
    replaces such values (see `may_take_missing`), so one sample for each feature with
    missing values is predicted.

    Parameters
    ----------
    source : MonteCarloVotes
    estimator : fitted classifier
        What it votes with.
    X : ndarray of shape (n_samples, ...) or Table

    Raises
    ------
    ValueError
        If `estimator` does not take missing values.
    """
    if not has_missing(X) or tags_of(estimator).input_tags.allow_nan:
        return
    values = values_of(X)
    missing = np.isnan(values).reshape(len(values), -1)
    rows = np.unique(missing.argmax(axis=0)[missing.any(axis=0)])
    try:
        source.vote(values[rows], X, rows)
    except Exception as error:
        raise _missing_error("in features that take noise", estimator) from error


def _missing_error(where, estimator):
    return ValueError(
        f"X has missing values (NaN) {where}, and {estimator!r} does not take missing "
        "values. Put an imputer into it, as in make_pipeline(SimpleImputer(), ...), or "
        "use a base classifier that takes them, such as "
        "HistGradientBoostingClassifier, without a denoiser; or hold the columns fixed "
        "with noise_features."
    )


def _all_or(noise_features):
    if noise_features is None:
        return "noise_features=None, which is all columns,"
    return f"noise_features={noise_features!r}"


def _cure(wrong, numbers, drawn):
    """What to do with columns that hold no numbers, and should take noise."""
    if not (numbers or drawn):
        return "Encode them in a Pipeline before."
    cure = f"Hold them fixed: noise_features={listed(numbers)}"
    if drawn:
        cure += (
            "; or, if they are categories, have them drawn anew: "
            f"categorical_features={listed([*drawn, *wrong])}"
        )
    return f"{cure}."
