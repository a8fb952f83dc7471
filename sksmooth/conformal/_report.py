# SPDX-License-Identifier: BSD-3-Clause
"""How often prediction sets cover each class, and how large they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_option
from sksmooth._estimators import require
from sksmooth.certificates import check_classes, refuse_masked, require_known
from sksmooth.metrics import ClassTally

_OUTPUTS = ("text", "dict", "frame")


def prediction_set_report(
    y_true: ArrayLike,
    prediction_sets: ArrayLike,
    classes: ArrayLike,
    *,
    output: str = "text",
) -> Any:
    """Report coverage and size of prediction sets, class by class.

    What robustness costs the classes shows as the size of their sets, where accuracy
    would show it as errors.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, all among `classes`.
    prediction_sets : array-like of bool of shape (n_samples, n_classes)
        As :meth:`RobustConformalClassifier.predict_set` returns them.
    classes : array-like of shape (n_classes,)
        Labels of the columns, `classes_` of the classifier.
    output : {"text", "dict", "frame"}, default="text"
        Kind of the result.

    Returns
    -------
    report : str, dict or pandas.DataFrame
        The dict holds `by_class` (class to row) and the rows `overall`, `worst` and
        `range` (over the classes with samples; the largest set size is the worst). A
        row maps names to numbers: `support`, `coverage` with its 95 % Clopper-Pearson
        interval `coverage_low` and `coverage_high`, `set_size`, the mean number of
        classes in a set, `empty`, the share of empty sets, and `single`, the share of
        sets of one class. It is nan for a class without samples.

    Raises
    ------
    ValueError
        If a label is not among `classes`, shapes differ, or `output` is unknown.

    Examples
    --------
    >>> from sksmooth.conformal import prediction_set_report
    >>> sets = [[True, False], [True, True], [False, True], [True, False]]
    >>> report = prediction_set_report([0, 0, 1, 1], sets, [0, 1], output="dict")
    >>> report["by_class"][0]["set_size"], report["worst"]["coverage"]
    (1.5, 0.5)
    """
    check_option("output", output, _OUTPUTS)
    report = _report(*_checked(y_true, prediction_sets, classes))
    if output == "dict":
        return report
    rows = {**report["by_class"], **{name: report[name] for name in _TOTALS}}
    if output == "text":
        return _text(rows)
    pandas = require("pandas", 'prediction_set_report(output="frame")')
    return pandas.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS))


_TOTALS = ("overall", "worst", "range")
_KEY = (
    "coverage: share of sets that hold the true label, with its 95 % Clopper-Pearson",
    "  interval (low, high)",
    "set size: mean number of labels in a set",
    "empty, single: share of sets with no label, with one label",
    "worst, range: over the classes with samples",
)
# Decimals of each column.
_COLUMNS = {
    "support": 0,
    "coverage": 3,
    "coverage_low": 3,
    "coverage_high": 3,
    "set_size": 2,
    "empty": 3,
    "single": 3,
}


def _checked(y_true, prediction_sets, classes):
    classes = np.asarray(classes)
    check_classes(classes)
    refuse_masked(y_true, "y_true")
    refuse_masked(prediction_sets, "prediction_sets")
    y_true = np.asarray(y_true)
    sets = np.asarray(prediction_sets)
    if y_true.ndim != 1 or not len(y_true):
        raise ValueError(
            f"y_true has shape {y_true.shape}; one label for each of at least one "
            "sample is needed."
        )
    if sets.dtype != bool:
        raise ValueError(
            f"prediction_sets has dtype {sets.dtype}; it must be bool, as predict_set "
            "returns it."
        )
    if sets.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"prediction_sets has shape {sets.shape}; {(len(y_true), len(classes))} "
            "is needed, for the labels in y_true and the classes."
        )
    return require_known(y_true, classes, "y_true"), sets, classes


def _report(index, sets, classes):
    def tally(values, **keywords):
        return ClassTally.of(values, index, len(classes), **keywords)

    size = sets.sum(axis=1)
    tallies = {
        "coverage": tally(sets[np.arange(len(index)), index]),
        "set_size": tally(size, higher_is_better=False),
        "empty": tally(size == 0, higher_is_better=False),
        "single": tally(size == 1),
    }
    coverage = tallies["coverage"]
    columns = {"support": [*coverage.support.tolist(), len(index)]}
    for name, found in tallies.items():
        columns[name] = [*found.share.tolist(), found.overall]
    ends = zip(coverage.interval, coverage.overall_interval, strict=True)
    for name, (by_class, overall) in zip(("low", "high"), ends, strict=True):
        columns[f"coverage_{name}"] = [*by_class.tolist(), overall.item()]
    rows = [
        {name: columns[name][at] for name in _COLUMNS} for at in range(len(classes) + 1)
    ]
    return {
        "by_class": dict(zip(classes.tolist(), rows[:-1], strict=True)),
        "overall": rows[-1],
        "worst": {name: found.worst for name, found in tallies.items()},
        "range": {name: found.range for name, found in tallies.items()},
    }


def _text(rows):
    def cell(row, name, decimals):
        value = row.get(name, np.nan)
        return "-" if np.isnan(value) else f"{value:.{decimals}f}"

    lines = [["", *(name.replace("_", " ") for name in _COLUMNS)]]
    lines += [
        [str(title), *(cell(row, *column) for column in _COLUMNS.items())]
        for title, row in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in lines
    ]
    for position in (-len(_TOTALS), 1):  # blank lines as in classification_report
        table.insert(position, "")
    return "\n".join([*table, "", *_KEY]) + "\n"
