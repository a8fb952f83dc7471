# SPDX-License-Identifier: BSD-3-Clause
"""The tab-separated files of the field: idx, label, predict, radius, correct, time."""

import re
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from sksmooth._certificates import Certificates, class_index
from sksmooth.logs._skipped import warn_skipped

_COLUMNS = ["idx", "label", "predict", "radius", "correct", "time"]
_ABSTAINED = -1
# "0:00:12.345678" or "1 day, 0:00:12" as datetime.timedelta prints, or seconds.
_TIME = re.compile(r"((\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?|\d+(\.\d+)?([eE][-+]?\d+)?)$")
_DECIMALS = 6


class _SkippedLineError(ValueError):
    pass


def read_field_tsv(path, lines, sigma, alpha, classes):
    """Read certificates as `read_certificates` does, from the lines of a file."""
    rows, skipped, seen = [], [], {}
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if not line or line.split("\t") == _COLUMNS:
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
    warn_skipped(path, skipped)
    if not rows:
        raise ValueError(
            f"{path} holds no certificate: neither a log of sksmooth nor lines with "
            f"the columns {' '.join(_COLUMNS)}, separated by tabs."
        )
    _, label, predict, radius = (np.array(column) for column in zip(*rows, strict=True))
    abstained = predict == _ABSTAINED
    if classes is None:
        classes = np.unique(np.concatenate([label, predict[~abstained]]))
    classes = np.asarray(classes)
    strangers = np.setdiff1d(np.concatenate([label, predict[~abstained]]), classes)
    if strangers.size:
        raise ValueError(
            f"{path} holds the labels {strangers.tolist()}, which are not among "
            f"classes={classes.tolist()}."
        )
    certificates = Certificates(
        label=np.where(abstained, classes[0], predict),
        radius=radius,
        abstained=abstained,
        # The radius is what the bound proves, if sigma is known.
        p_lower=np.zeros(len(rows))
        if sigma is None
        else np.where(abstained, 0.0, ndtr(radius / sigma)),
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


def _parse(line):
    cells = line.split("\t")
    if len(cells) != len(_COLUMNS):
        raise _SkippedLineError(f"{len(cells)} columns, not {len(_COLUMNS)}")
    try:
        index, label, predict, correct = (int(cells[i]) for i in (0, 1, 2, 4))
        radius = float(cells[3])
    except ValueError as error:
        raise _SkippedLineError(str(error)) from None
    if not 0 <= radius < np.inf:
        raise _SkippedLineError(f"radius {radius}")
    if index < 0 or label < 0 or predict < _ABSTAINED:
        raise _SkippedLineError("a negative index or label")
    if predict == _ABSTAINED and radius > 0:
        raise _SkippedLineError(f"an abstention with radius {radius}")
    if correct != (label == predict):
        raise _SkippedLineError(
            f"correct={correct} for label {label} and predict {predict}"
        )
    if not _TIME.match(cells[5].strip()):
        raise _SkippedLineError(f"time {cells[5]!r}")
    return index, label, predict, radius


def write_field_tsv(path, certificates, y_true):
    """Write certificates in the field's format.

    Parameters
    ----------
    path : str or path-like
        File to write; it must not exist.
    certificates : Certificates
        What to write. Classes are written as their positions unless they are
        non-negative integers. Radii are rounded down to six decimals; times are not
        known and written as 0.
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
    true = class_index(y_true, classes)
    if (true < 0).any():
        raise ValueError(
            f"y_true holds {np.unique(y_true[true < 0]).tolist()}, not among the "
            f"classes {classes.tolist()}."
        )
    predict = class_index(certificates.label, classes)
    if classes.dtype.kind in "iu" and classes.min() >= 0:
        true, predict = classes[true], classes[predict]
    predict = np.where(certificates.abstained, _ABSTAINED, predict)
    scale = 10.0**_DECIMALS
    radius = np.floor(certificates.radius * scale * (1 - 1e-15)) / scale
    with open(Path(path), "x", encoding="ascii") as file:
        file.write("\t".join(_COLUMNS) + "\n")
        for index, row in enumerate(zip(true, predict, radius, strict=True)):
            correct = int(row[0] == row[1])
            file.write(
                f"{index}\t{row[0]}\t{row[1]}\t{row[2]:.{_DECIMALS}f}\t{correct}\t0\n"
            )
