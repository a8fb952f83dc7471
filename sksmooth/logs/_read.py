# SPDX-License-Identifier: BSD-3-Clause
"""Read certificates from a log of ours or of the field."""

from pathlib import Path

import numpy as np

from sksmooth._certificates import Certificates
from sksmooth.logs._field_tsv import read_field_tsv
from sksmooth.logs._line_format import (
    FIELDS,
    MAGIC,
    DamagedLineError,
    parse_head,
    parse_row,
)
from sksmooth.logs._skipped import warn_skipped


def read_certificates(path, *, sigma=None, alpha=None, classes=None):
    """Read certificates from a file.

    Two kinds are known: logs of :class:`CertificateLog`, and the tab-separated files
    that the code of Cohen et al. [1]_ and much of the field writes, with the columns
    ``idx label predict radius correct time`` and -1 for an abstention.

    Parameters
    ----------
    path : str or path-like
        The file.
    sigma, alpha : float, default=None
        What the certificates were made with; the field's files do not say, and without
        it the certificates hold nan there. Not for our own logs, which say it.
    classes : array-like of shape (n_classes,), default=None
        All labels that the classifier knows; the field's files name only those that
        occur. Not for our own logs.

    Returns
    -------
    certificates : Certificates
        In the order of the file. Of the field's files, the counts and numbers of
        evaluations are unknown and zero.
    y_true : ndarray of shape (n_rows,) or None
        True labels, if the file has them for all rows.

    Raises
    ------
    ValueError
        If the file is neither, or holds no certificate, or a setting was given that
        the file says itself.

    Warns
    -----
    UserWarning
        Naming the lines that were skipped, and why. No number is guessed.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019.
    """
    path = Path(path)
    lines = path.read_bytes().decode(errors="replace").split("\n")
    if lines[0] != MAGIC:
        return read_field_tsv(path, lines, sigma, alpha, classes)
    given = {"sigma": sigma, "alpha": alpha, "classes": classes}
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{path} states its {name} itself; leave {name}=None.")
    return _read_own(path, lines)


def _read_own(path, lines):
    try:
        settings = parse_head(lines[:3])
        classes = np.asarray(settings["classes"])
        scalars = {
            "sigma": settings["sigma"],
            "noise": settings["noise"],
            "norm": settings["norm"],
            "alpha": settings["alpha"],
            "method": settings["method"],
            "slack": settings["slack"],
            "radii": None if settings["radii"] is None else tuple(settings["radii"]),
        }
    except (DamagedLineError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}, lines 1 to 3: the head of the log is damaged: {error}."
        ) from None
    rows, labels, skipped, seen = [], [], [], set()
    for number, line in enumerate(lines[3:], start=4):
        if not line and number == len(lines):
            break
        try:
            index, _, y_true, found = parse_row(line, len(classes))
            if index in seen:
                raise DamagedLineError(f"row {index} stands in the file before")
        except DamagedLineError as error:
            skipped.append((number, str(error)))
            continue
        seen.add(index)
        rows.append(found)
        labels.append(y_true)
    warn_skipped(path, skipped)
    if not rows:
        raise ValueError(f"{path} holds no certificate.")
    columns = {name: [row[name] for row in rows] for name in FIELDS}
    try:
        certificates = Certificates(**columns, classes=classes, **scalars)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}, from line 4 on: {error}") from None
    known = all(label is not None for label in labels)
    return certificates, np.asarray(labels) if known else None
