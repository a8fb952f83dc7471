# SPDX-License-Identifier: BSD-3-Clause
"""The tab-separated files of the field: idx, label, predict, radius, correct, time."""

import re
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from sksmooth.certificates import Certificates, class_index, require_known
from sksmooth.logs._skipped import describe_skipped, warn_skipped

_COLUMNS = ("idx", "label", "predict", "radius", "correct", "time")
_ABSTAINED = -1
# float() and int() would also take "1_0" and "nan"; 18 digits fit int64.
_COUNT = re.compile(r"\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
# "0:00:12.345678" or "1 day, 0:00:12", as datetime.timedelta prints.
_DURATION = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?", re.ASCII)


class _SkippedLineError(ValueError):
    pass


def read_field_tsv(path, lines, sigma, alpha, classes):
    """Read certificates as `read_certificates` does, from the lines of a file."""
    rows, skipped, seen = [], [], {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or tuple(line.split("\t")) == _COLUMNS:
            continue
        try:
            row = _parse(line)
            if row[0] in seen:
                raise _SkippedLineError(f"index {row[0]} stands on line {seen[row[0]]}")
        except _SkippedLineError as error:
            skipped.append((number, str(error)))
            continue
        seen[row[0]] = number
        rows.append(row)
    if not rows:
        why = describe_skipped(skipped) or "line 1: no line with numbers follows"
        raise ValueError(
            f"{path} holds no certificate: it is no log of sksmooth, and no line has "
            f"the columns {' '.join(_COLUMNS)} of the field, separated by tabs ({why})."
        )
    warn_skipped(path, skipped)
    _, label, predict, radius = (np.array(column) for column in zip(*rows, strict=True))
    abstained = predict == _ABSTAINED
    if classes is None:
        classes = np.union1d(label, predict[~abstained])
    classes = np.asarray(classes)
    _check_known(path, rows, seen, classes)
    certificates = Certificates(
        label=np.where(abstained, classes[0], predict),
        radius=radius,
        abstained=abstained,
        p_lower=np.zeros(len(rows)),
        counts=np.zeros((len(rows), len(classes)), dtype=np.int64),
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
    for index, label, predict, _ in rows:
        for value in {label, predict} - {_ABSTAINED}:
            if class_index([value], classes) < 0:
                raise ValueError(
                    f"{path}, line {seen[index]}: the label {value} is not among "
                    f"classes={classes.tolist()}."
                )


def _parse(line):
    """Return (index, label, predict, radius) of a line."""
    cells = line.split("\t")
    if len(cells) != len(_COLUMNS):
        raise _SkippedLineError(f"{len(cells)} columns, not {len(_COLUMNS)}")
    index, label, predict, radius, correct, _ = cells
    for name, cell in zip(_COLUMNS, cells, strict=True):
        if name == "radius":
            good = _NUMBER.fullmatch(cell) and float(cell) < np.inf
        elif name == "time":
            good = _DURATION.fullmatch(cell) or _NUMBER.fullmatch(cell)
        else:
            good = _COUNT.fullmatch(cell) or (name == "predict" and cell == "-1")
        if not good:
            raise _SkippedLineError(f"{name} is {cell[:40]!r}")
    if int(predict) == _ABSTAINED and float(radius) > 0:
        raise _SkippedLineError(f"an abstention with radius {radius}")
    if int(correct) != (int(label) == int(predict)):
        raise _SkippedLineError(
            f"correct is {correct} for label {label} and predict {predict}"
        )
    return int(index), int(label), int(predict), float(radius)


def write_field_tsv(
    path: str | PathLike[str], certificates: Certificates, y_true: ArrayLike
) -> None:
    """Write certificates in the field's format.

    Parameters
    ----------
    path : str or path-like
        File to write; it must not exist.
    certificates : Certificates
        What to write. Classes are written as their positions unless they are
        non-negative integers. Radii read back as the same numbers; times are not known
        and written as 0:00:00.
    y_true : array-like of shape (n_rows,)
        True labels, members of the classes.

    Raises
    ------
    FileExistsError
        If there is such a file.
    ValueError
        If `y_true` has another length or holds an unknown class.
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
    if classes.dtype.kind in "iu" and classes.min() >= 0:
        numbers = classes.astype(np.int64)  # there is no -1 among unsigned ones
        true, predict = numbers[true], numbers[predict]
    predict = np.where(certificates.abstained, _ABSTAINED, predict)
    radius = certificates.radius.tolist()
    with open(Path(path), "x", encoding="ascii") as file:
        file.write("\t".join(_COLUMNS) + "\n")
        for index, row in enumerate(zip(true, predict, radius, strict=True)):
            correct = int(row[0] == row[1])
            file.write(f"{index}\t{row[0]}\t{row[1]}\t{row[2]}\t{correct}\t0:00:00\n")
