# SPDX-License-Identifier: BSD-3-Clause
"""Read certificates from logs of ours or of the field."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth.certificates import Certificates
from sksmooth.logs._field_tsv import read_field_tsv
from sksmooth.logs._line_format import (
    FIELDS,
    HEAD_LINES,
    MAGIC,
    DamagedLineError,
    LogFormat,
)
from sksmooth.logs._skipped import warn_skipped

_SCALARS = ("sigma", "noise", "norm", "alpha", "method", "radii", "slack")
# What may differ between the parts of one set; all other settings may not.
_OF_A_PART = {"n_rows", "rows", "votes", "versions", "y"}


def read_certificates(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    sigma: float | None = None,
    alpha: float | None = None,
    classes: ArrayLike | None = None,
) -> tuple[Certificates, NDArray[Any] | None]:
    """Read certificates from a file, or from the files of the parts of one set.

    Two kinds are known: logs of :class:`CertificateLog`, and the tab-separated files
    that the code of Cohen et al. [1]_ and much of the field writes, with the columns
    ``idx label predict radius correct time`` and -1 for an abstention.

    Parameters
    ----------
    path : str, path-like or sequence of them
        The file. Several files are joined in the order given: a set of rows may be
        certified in parts, by runs of the same settings and the same fitted classifier.
        That the settings are the same is checked.
    sigma, alpha : float, default=None
        What the certificates were made with; the field's files do not say, and without
        it the certificates hold nan there. Not for our own logs, which say it.
    classes : array-like of int of shape (n_classes,), default=None
        All labels that the classifier knows; the field's files name only those that
        occur. Not for our own logs.

    Returns
    -------
    certificates : Certificates
        In the order of the file or files. Of the field's files, `p_lower`, `counts` and
        `n_evaluations` are unknown and zero, and radii are as they were printed,
        often rounded to three digits.
    y_true : ndarray of shape (n_rows,) or None
        True labels, if the file has them.

    Raises
    ------
    ValueError
        If the file is neither, or holds no certificate, or a setting was given that
        the file says itself; it names the line. If files that are to be joined differ
        in a setting, or only some of them have labels.

    Warns
    -----
    UserWarning
        Naming the lines that were skipped, and why, and the first row that is missing.
        No number is guessed. A log of ours has a check on each line; in the field's
        files a line that is torn or mixed with another is seen, a changed digit is not.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    if not paths:
        raise ValueError(f"path={path!r} names no file; give at least one.")
    parts = []
    for one in paths:  # no comprehension: a warning counts the frames to its caller
        parts.append(_read(Path(one), sigma, alpha, classes))
    _, certificates, y_true = parts[0]
    if len(parts) == 1:
        return certificates, y_true
    _check_parts(paths, parts)
    columns = {
        name: np.concatenate([getattr(part, name) for _, part, _ in parts])
        for name in FIELDS
    }
    if y_true is not None:
        y_true = np.asarray([y for _, _, labels in parts for y in labels.tolist()])
    return replace(certificates, **columns), y_true


def _check_parts(paths, parts):
    settings, _, y_true = parts[0]
    for path, (others, _, labels) in zip(paths[1:], parts[1:], strict=True):
        differing = [
            f"{name}: {settings.get(name)!r} and {others.get(name)!r}"
            for name in sorted((settings.keys() | others.keys()) - _OF_A_PART)
            if settings.get(name) != others.get(name)
        ]
        if (y_true is None) != (labels is None):
            differing.append("only one of them has true labels")
        if differing:
            raise ValueError(
                f"{paths[0]} and {path} are no parts of one set; what differs is "
                f"{'; '.join(differing)}. Read them one by one."
            )


def _read(path, sigma, alpha, classes):
    """Return (settings, certificates, y_true) of one file."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[0].startswith(MAGIC.rpartition(" ")[0]):
        found, y_true = read_field_tsv(path, lines, sigma, alpha, classes)
        return {"classes": found.classes.tolist()}, found, y_true
    given = {"sigma": sigma, "alpha": alpha, "classes": classes}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{path}, line 2 states {name} itself; leave {name}=None.")
    return _read_own(path, lines)


def _read_own(path, lines):
    try:
        log = LogFormat.read(lines)
    except DamagedLineError as error:
        raise ValueError(f"{path}, {error}; what follows cannot be read.") from None
    rows, labels, skipped, last = [], [], [], -1
    present = np.zeros(log.settings["n_rows"], dtype=bool)
    for number, line in enumerate(lines[HEAD_LINES:], start=HEAD_LINES + 1):
        if not line and number == len(lines):
            break
        try:
            index, y_true, found = log.read_row(number, line)
        except DamagedLineError as error:
            skipped.append((number, error.reason))
            continue
        if index <= last:
            skipped.append((number, f"row {index} stands after row {last}"))
            continue
        last = index
        present[index] = True
        rows.append(found)
        labels.append(y_true)
    warn_skipped(path, skipped)
    if not present.all():
        warnings.warn(
            f"{path} holds {len(rows)} of {len(present)} rows; the first that is "
            f"missing is row {np.argmin(present)}.",
            UserWarning,
            stacklevel=4,
        )
    certificates = Certificates(
        **{name: _column(name, rows, log) for name in FIELDS},
        classes=np.asarray(log.settings["classes"]),
        **{name: log.settings[name] for name in _SCALARS},
    )
    y_true = None if log.settings["y"] is None else np.asarray(labels)
    return log.settings, certificates, y_true


def _column(name, rows, log):
    column = np.asarray([row[name] for row in rows])
    if name == "counts":
        column = column.reshape(-1, len(log.settings["classes"]))
    return column
