# SPDX-License-Identifier: BSD-3-Clause
"""Logs in the format of Cohen et al.: idx, label, predict, radius, correct, time."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._messages import listed
from sksmooth.certificates import Certificates, class_index, require_known
from sksmooth.logs._regular_file import check_regular_file
from sksmooth.logs._skipped import describe_skipped, warn_skipped

_COLUMNS = ("idx", "label", "predict", "radius", "correct", "time")
_NEEDED = _COLUMNS[:4]
_ABSTAINED = -1
_LARGEST_LABEL = 10**18 - 1
# float() and int() would also take "1_0" and "nan"; 18 digits fit int64.
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_ANY_NUMBER = re.compile(rf"[-+]?({_NUMBER.pattern}|inf|nan)", re.ASCII | re.IGNORECASE)
# "0:00:12.345678" or "1 day, 0:00:12", as datetime.timedelta prints.
_DURATION = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?", re.ASCII)
_TRUTH = {"1": True, "0": False, "true": True, "false": False}
# A few lines whose cells contradict each other are damaged; more than this share of
# them say that a column means something else.
_CONTRADICTIONS = 0.1


class _SkippedLineError(ValueError):
    """A line that is no row: torn, or of something else."""


class _ContradictionError(_SkippedLineError):
    """Cells of a line that can each be read, and contradict each other."""


class _Row(NamedTuple):
    """A row as its line states it.

    Some files also have the votes for the predicted class, as ``raw_count``, and the
    lower bound of its probability, as ``p_A_bar``; both are 0 where they are unknown.
    """

    idx: int
    label: int
    predict: int
    radius: float
    raw_count: int
    p_lower: float


def read_field_tsv(path, lines, sigma, alpha, classes):
    """Read certificates as `read_certificates` does, from the lines of a file.

    Returns
    -------
    certificates : Certificates
    y_true : ndarray of int
    indices : list of int
        The index of each row.
    """
    rows, skipped, seen = [], [], {}
    names, contradictions = None, 0
    for number, line in enumerate(lines, start=1):
        cells = line.split("\t")
        if not line.strip():
            continue
        if (header := _header(cells)) is not None:
            names = _agreed(path, number, names, header, rows)
            continue
        try:
            row = _parse(path, number, names or _COLUMNS, cells)
            if row.idx in seen:
                raise _SkippedLineError(
                    f"index {row.idx} stands on line {seen[row.idx]}"
                )
        except _SkippedLineError as error:
            contradictions += isinstance(error, _ContradictionError)
            skipped.append((number, str(error)))
            continue
        seen[row.idx] = number
        rows.append(row)
    if contradictions > max(1, _CONTRADICTIONS * (len(rows) + contradictions)):
        raise ValueError(
            f"{path}: the cells of {contradictions} lines contradict each other "
            f"({describe_skipped(skipped)}); a column of a known name means something "
            "else here."
        )
    if not rows:
        raise ValueError(f"{path} holds no certificate: {_why_none(names, skipped)}.")
    warn_skipped(path, skipped)
    return *_certificates(path, rows, seen, sigma, alpha, classes), [*seen]


def _header(cells):
    """Names of the columns, if these cells are a header."""
    names = [cell.strip().lower() for cell in cells]
    words = len(names) >= len(_NEEDED) and all(map(str.isidentifier, names))
    return names if words or len(set(names) & set(_COLUMNS)) > 1 else None


def _agreed(path, number, names, header, rows):
    """The names of the columns, where a header stands on a line."""
    repeated = [name for name in header if name and header.count(name) > 1]
    missing = [name for name in _NEEDED if name not in header]
    if repeated or missing:
        what = f"two are named {repeated[0]}" if repeated else ""
        what = what or f"none is named {missing[0]}"
        raise ValueError(
            f"{path} holds no certificate that can be read (line {number}: "
            f"{len(header)} columns, and {what})."
        )
    if (names or (rows and list(_COLUMNS)) or header) != header:
        raise ValueError(
            f"{path}, line {number}: another header than that of the lines before; "
            "read the parts of the file one by one."
        )
    return header


def _why_none(names, skipped):
    if names is None:
        why = describe_skipped(skipped) or "line 1: no line with numbers follows"
        return (
            "it is no log of sksmooth, and no line has the columns "
            f"{' '.join(_COLUMNS)} of published logs, separated by tabs ({why})"
        )
    why = describe_skipped(skipped) or "line 1: no line with numbers follows"
    return f"it has the header of the format, and no row under it ({why})"


def _certificates(path, rows, seen, sigma, alpha, classes):
    """Return the certificates, and the true labels."""
    columns = (np.array(column) for column in zip(*rows, strict=True))
    _, label, predict, radius, raw_count, p_lower = columns
    abstained = predict == _ABSTAINED
    if classes is None:
        classes = np.union1d(label, predict[~abstained])
    classes = np.asarray(classes)
    _check_known(path, rows, seen, classes)
    # No file states which class the votes of an abstention are for.
    counts = np.zeros((len(rows), len(classes)), dtype=np.int64)
    known = np.flatnonzero(~abstained)
    counts[known, class_index(predict[known], classes)] = raw_count[known]
    certificates = Certificates(
        label=np.where(abstained, classes[0], predict),
        radius=radius,
        abstained=abstained,
        p_lower=np.where(abstained, 0.0, p_lower),
        counts=counts,
        n_evaluations=np.zeros(len(rows), dtype=np.int64),
        classes=classes,
        sigma=np.nan if sigma is None else sigma,
        noise="gaussian",
        norm=2,
        alpha=np.nan if alpha is None else alpha,
        method="monte_carlo",
    )
    return certificates, label


def _check_known(path, rows, seen, classes):
    for row in rows:
        for value in {row.label, row.predict} - {_ABSTAINED}:
            if class_index([value], classes) < 0:
                raise ValueError(
                    f"{path}, line {seen[row.idx]}: the label {value} is not among "
                    f"classes={listed(classes)}."
                )


def _parse(path, number, names, cells):
    """Return the `_Row` of a line.

    Raises
    ------
    _SkippedLineError
        If the line is no row, or a damaged one.
    ValueError
        If it is a row, and one of its numbers can be no certificate's: the column means
        something else, in the lines as well where that does not show.
    """
    if len(cells) != len(names):
        raise _SkippedLineError(f"{len(cells)} columns, not {len(names)}")
    cell = dict(zip(names, cells, strict=True))
    for name in ("idx", "label", "predict", "correct", "time"):
        if name in cell and not _is_good(name, cell[name]):
            raise _SkippedLineError(f"{name} is {cell[name][:40]!r}")
    predict = int(cell["predict"])
    _check_truth(cell, predict)
    radius = _number_of(path, number, "radius", cell["radius"], np.inf)
    if predict == _ABSTAINED and radius > 0:
        raise _ContradictionError(f"an abstention with radius {cell['radius']}")
    p_lower = _number_of(path, number, "p_A_bar", cell.get("p_a_bar", "0"), 1.0)
    return _Row(
        int(cell["idx"]),
        int(cell["label"]),
        predict,
        radius,
        _raw_count(path, number, cell.get("raw_count", "0")),
        p_lower,
    )


def _is_good(name, cell):
    if name == "time":
        return _DURATION.fullmatch(cell) or _NUMBER.fullmatch(cell)
    if name == "correct":
        return cell.lower() in _TRUTH or _COUNT.fullmatch(cell)
    return _COUNT.fullmatch(cell) or (name == "predict" and cell == "-1")


def _check_truth(cell, predict):
    if "correct" not in cell:
        return
    correct = _TRUTH.get(cell["correct"].lower())
    if correct is None or correct != (int(cell["label"]) == predict):
        raise _ContradictionError(
            f"correct is {cell['correct']} for label {cell['label']} and predict "
            f"{predict}"
        )


def _number_of(path, number, name, cell, most):
    if _NUMBER.fullmatch(cell) and float(cell) < np.inf and float(cell) <= most:
        return float(cell)
    if not _ANY_NUMBER.fullmatch(cell):
        raise _SkippedLineError(f"{name} is {cell[:40]!r}")
    if float(cell) == 0:  # -0.0
        return 0.0
    raise ValueError(
        f"{path}, line {number}: {name} is {cell[:40]!r}, which no certificate "
        "has; the column means something else here, and was not read. An abstention "
        "has predict -1 and radius 0.0."
    )


def _raw_count(path, number, cell):
    if _COUNT.fullmatch(cell):
        return int(cell)
    if not _ANY_NUMBER.fullmatch(cell):
        raise _SkippedLineError(f"raw_count is {cell[:40]!r}")
    raise ValueError(
        f"{path}, line {number}: raw_count is {cell[:40]!r}, which is no number of "
        "votes; the column means something else here, and was not read."
    )


def write_field_tsv(
    path: str | PathLike[str], certificates: Certificates, y_true: ArrayLike
) -> None:
    """Write certificates in the format of Cohen et al.

    Parameters
    ----------
    path : str or path-like
        File to write; it must not exist.
    certificates : Certificates
        What to write. Classes are written as their positions unless all of them are
        non-negative integers. Radii read back as the same numbers; times are not known
        and written as 0:00:00.
    y_true : array-like of shape (n_samples,)
        True labels, members of the classes.

    Raises
    ------
    FileExistsError
        If there is such a file.
    ValueError
        If `y_true` has another length or holds an unknown class, or if a class has
        more than 18 digits, which the format does not hold.
    """
    classes = certificates.classes
    y_true = np.asarray(y_true)
    if y_true.shape != (len(certificates),):
        raise ValueError(
            f"y_true has shape {y_true.shape} for {len(certificates)} certificates; "
            "give one label per row."
        )
    true = require_known(y_true, classes, "y_true")
    predict = class_index(certificates.label, classes)
    numbers = classes.tolist()
    if all(type(number) is int and number >= 0 for number in numbers):
        if max(numbers) > _LARGEST_LABEL:
            raise ValueError(
                f"classes hold {max(numbers)}, which has more than 18 digits and does "
                "not fit the format. Encode the labels as smaller integers."
            )
        numbers = np.array(numbers, dtype=np.int64)
        true, predict = numbers[true], numbers[predict]
    predict = np.where(certificates.abstained, _ABSTAINED, predict)
    radius = certificates.radius.tolist()
    check_regular_file(Path(path))
    with open(Path(path), "x", encoding="ascii") as file:
        file.write("\t".join(_COLUMNS) + "\n")
        for index, row in enumerate(zip(true, predict, radius, strict=True)):
            correct = int(row[0] == row[1])
            file.write(f"{index}\t{row[0]}\t{row[1]}\t{row[2]}\t{correct}\t0:00:00\n")
