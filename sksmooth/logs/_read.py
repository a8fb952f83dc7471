# SPDX-License-Identifier: BSD-3-Clause
"""Read certificates from logs of sksmooth or in the format of Cohen et al."""

from __future__ import annotations

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
from sksmooth.logs._labels import as_labels
from sksmooth.logs._line_format import (
    FIELDS,
    HEAD_LINES,
    MAGIC,
    BadLineError,
    DamagedLineError,
    LogFormat,
)
from sksmooth.logs._parts import Part, check_parts, joined_labels
from sksmooth.logs._regular_file import check_regular_file
from sksmooth.logs._skipped import warn_skipped


def read_certificates(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    sigma: float | None = None,
    alpha: float | None = None,
    classes: ArrayLike | None = None,
) -> tuple[Certificates, NDArray[Any] | None]:
    """Read certificates from a file, or from the files of the parts of one set.

    Two kinds are known: logs of :class:`CertificateLog`, and the tab-separated files
    that the code of Cohen et al. [1]_ and much code after it writes, with the columns
    ``idx label predict radius correct time`` and -1 for an abstention. A header is
    followed, with the columns in any order and others among them; without one there
    are these six.

    Parameters
    ----------
    path : str, path-like or sequence of them
        The file. Several files are joined in the order given: a set of samples may be
        certified in parts, by runs of the same settings and the same fitted classifier.
        That the settings and the key of the noise are the same is checked, and that no
        file holds the samples of another. The classifier itself is not compared.
    sigma, alpha : float, default=None
        What the certificates were made with; published files do not say, and without
        it the certificates hold nan there. Not for our own logs, which say it.
    classes : array-like of int of shape (n_classes,), default=None
        All labels that the classifier knows; published files name only those that
        occur. Not for our own logs.

    Returns
    -------
    certificates : Certificates
        In the order of the file or files. Of published files, `n_evaluations` is
        unknown and zero, and radii are as they were printed, often rounded to three
        digits. `counts` are zero but for the votes of the predicted class, where the
        column ``raw_count`` has them, and `p_lower` is that of the column ``p_A_bar``
        or zero. The `label` of an abstention is the first class and means nothing.
    y_true : ndarray of shape (n_samples,) or None
        True labels, if the file has them.

    Raises
    ------
    ValueError
        If the file is neither, or no regular file, or holds no certificate, or a
        setting was given that the file says itself; it names the line. If a column of
        a published file means something else than its name says: a radius of -1.0,
        inf or nan, a share above 1, or many lines where ``correct`` contradicts the
        labels. If files that are to be joined differ in a setting, hold the same
        samples, or only some of them have labels.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        Naming the lines that were skipped, and why, and the first sample that is
        missing. No number is guessed. A log of ours has a check on each line; in the
        field's files a line that is torn or mixed with another is seen, a changed digit
        is not. If a few samples of files that are joined are equal.

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
    certificates, y_true = parts[0].certificates, parts[0].y_true
    if len(parts) == 1:
        return certificates, y_true
    check_parts(parts)
    columns = {
        name: np.concatenate([getattr(part.certificates, name) for part in parts])
        for name in FIELDS
    }
    if y_true is not None:
        y_true = as_labels(joined_labels(parts))
    return replace(certificates, **columns), y_true


def _read(path, sigma, alpha, classes):
    """Return the `Part` that one file is."""
    check_regular_file(path)
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[0].startswith(MAGIC.rpartition(" ")[0]):
        found, y_true, indices = read_field_tsv(path, lines, sigma, alpha, classes)
        settings = {"classes": found.classes.tolist()}
        return Part(path, settings, found, y_true, indices)
    given = {"sigma": sigma, "alpha": alpha, "classes": classes}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{path}, line 2 states {name} itself; leave {name}=None.")
    return _read_own(path, lines)


def _read_own(path, lines):
    try:
        log = LogFormat.read(lines)
    except BadLineError as error:
        raise ValueError(f"{path}, {error}; what follows cannot be read.") from None
    rows, skipped, indices = [], [], [-1]
    for number, line in enumerate(lines[HEAD_LINES:], start=HEAD_LINES + 1):
        if not line and number == len(lines):
            break
        try:
            row = log.read_row(number, line)
        except DamagedLineError as error:
            skipped.append((number, error.reason))
            continue
        except BadLineError as error:
            raise ValueError(f"{path}, {error}.") from None
        if row.position <= indices[-1]:
            reason = f"row {row.position} stands after row {indices[-1]}"
            skipped.append((number, reason))
            continue
        indices.append(row.position)
        del row.found["label_counts"]  # certificates have none
        rows.append(row)
    warn_skipped(path, skipped)
    n_rows = log.settings["n_rows"]
    if len(rows) < n_rows:
        gaps = np.flatnonzero(np.diff(indices) > 1)
        missing = indices[gaps[0]] if len(gaps) else indices[-1]
        warnings.warn(
            f"{path} holds {len(rows)} of {n_rows} rows; the first that is missing is "
            f"row {missing + 1}.",
            UserWarning,
            stacklevel=4,
        )
    certificates = _certificates(log, [row.found for row in rows])
    y_true = None
    if log.settings["y"] is not None:
        y_true = as_labels([row.y_true for row in rows])
    digests = [row.digest for row in rows]
    return Part(path, log.settings, certificates, y_true, digests)


def _certificates(log, rows):
    columns = {name: [row[name] for row in rows] for name in FIELDS}
    columns["label"] = as_labels(columns["label"])
    n_classes = len(log.settings["classes"])
    columns["counts"] = np.asarray(columns["counts"]).reshape(-1, n_classes)
    return log.certificates(columns)
