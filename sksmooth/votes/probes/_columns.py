# SPDX-License-Identifier: BSD-3-Clause
"""Columns of data frames that hold no numbers, though some convert to them."""

import numpy as np


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


def refuse_columns_without_numbers(X):
    """Refuse a data frame with columns that hold no numbers; see above."""
    columns = columns_without_numbers(X)
    if columns:
        numbers = [name for name in X.columns if name not in columns]
        raise ValueError(
            f"X has the columns {columns}, which are not numbers: noise can only be "
            "added to numbers. Hold them fixed, by one of\n"
            f"    SmoothedClassifier(..., noise_features={numbers})\n"
            "    SmoothedClassifier(..., noise_features="
            "make_column_selector(dtype_include='number'))\n"
            "or encode them in a Pipeline before SmoothedClassifier."
        )


def _is_numeric(dtype, X, at):
    is_numeric = getattr(dtype, "is_numeric", None)  # of polars
    if callable(is_numeric):
        text = str(dtype)
        if text != "Object":
            return bool(is_numeric()) or text in ("Boolean", "Null")
    elif getattr(dtype, "kind", "O") != "O":
        return dtype.kind in "biufc"
    elif str(dtype).startswith(("category", "str", "period", "interval")):
        return False
    column = X.iloc[:, at] if hasattr(X, "iloc") else X[X.columns[at]]
    values = np.asarray(column, dtype=object)
    if any(isinstance(value, (str, bytes)) for value in values):
        return False
    try:
        np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True
