# SPDX-License-Identifier: BSD-3-Clause
"""The text of a log, read without the code that writes it."""

import hashlib
import json
import math
import stat
from typing import Any, NamedTuple

import numpy as np

_FIRST_LINE = "# sksmooth certificates 2"
_COLUMNS = (
    "idx digest label predict radius abstained p_lower n_evaluations counts "
    "label_counts check"
).split()
_LARGEST_COUNT = 2**63 - 1


class UnreadableError(ValueError):
    """A log does not read, or a line of it does not.

    Parameters
    ----------
    number : int
        Of the line, from 1.
    reason : str
    """

    def __init__(self, number, reason):
        super().__init__(f"line {number}: {reason}")


class Log(NamedTuple):
    """What a log holds; the arrays have one entry for each of its rows.

    Attributes
    ----------
    settings : dict
    rows : ndarray of int
        Numbers of the rows.
    lines : ndarray of int
        Numbers of their lines.
    label : ndarray of int
        Positions among the classes.
    radius, p_lower : ndarray of float
    abstained : ndarray of bool
    n_evaluations : ndarray of int
    counts, label_counts : ndarray of int of shape (n_samples, n_classes)
    true_labels : tuple of str
        The true labels as they are written.
    """

    settings: dict[str, Any]
    rows: np.ndarray
    lines: np.ndarray
    label: np.ndarray
    radius: np.ndarray
    abstained: np.ndarray
    p_lower: np.ndarray
    n_evaluations: np.ndarray
    counts: np.ndarray
    label_counts: np.ndarray
    true_labels: tuple[str, ...]


def read_log(path):
    """Read a log.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Log

    Raises
    ------
    UnreadableError
        If the file or a line of it cannot be read; the last line may be torn.
    OSError
        If there is no such file.
    """
    if not (stat.S_ISREG(mode := path.stat().st_mode) or stat.S_ISDIR(mode)):
        raise UnreadableError(1, "this is no regular file")
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines[0] != _FIRST_LINE:
        raise UnreadableError(
            1, f"no log of sksmooth, which starts with {_FIRST_LINE!r}"
        )
    if len(lines) < 3 or lines[2].split("\t") != _COLUMNS:
        raise UnreadableError(3, "other columns than a log has")
    settings_text, _, key = lines[1].rpartition("\t")
    if key != _check(settings_text, b""):
        raise UnreadableError(2, "its check does not fit")
    try:
        settings = json.loads(settings_text.removeprefix("# "))
        classes = [(type(label), label) for label in settings["classes"]]
        position = {label: at for at, label in enumerate(classes)}
        if len(position) != len(classes) or not classes:
            raise ValueError("classes are not distinct")
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableError(2, f"odd settings ({told(error)})") from None
    rows, true_labels, previous = [], [], -1
    for number, line in enumerate(lines[3:], start=4):
        content, _, check = line.rpartition("\t")
        if check != _check(content, key.encode()):
            if number == len(lines):  # nothing, or a line that was torn
                break
            raise UnreadableError(number, "its check does not fit")
        try:
            row = _parsed(content.split("\t"), position)
        except (LookupError, RecursionError, TypeError, ValueError) as error:
            raise UnreadableError(number, f"an odd line ({told(error)})") from None
        if row[0] <= previous:
            raise UnreadableError(number, f"row {row[0]} after row {previous}")
        previous = row[0]
        rows.append((row[0], number, *row[1:]))
        true_labels.append(content.split("\t")[2])
    shape = (len(rows), len(classes))
    columns = [*zip(*rows, strict=True)] or [()] * 9
    dtypes = [int, int, int, float, bool, float, int, int, int]
    columns = [np.array(c, dtype=d) for c, d in zip(columns, dtypes, strict=True)]
    counts, label_counts = (column.reshape(shape) for column in columns[-2:])
    return Log(settings, *columns[:-2], counts, label_counts, tuple(true_labels))


def digest_of_labels(texts):
    """Digest of true labels as the settings of a log keep it."""
    return _check(f"[{', '.join(texts)}]", b"")


def told(error):
    """What is wrong with settings or a line, in a few words."""
    if isinstance(error, LookupError):
        return f"{error!s:.200} is missing or not known"
    return f"{error!s:.200}"


def _parsed(cells, position):
    idx, _, _, predict, radius, abstained, p_lower, spent, counts, label_counts = cells
    label = json.loads(predict)
    row = (
        _whole(idx),
        position[type(label), label],
        _finite(radius),
        {"0": False, "1": True}[abstained],
        _finite(p_lower),
        _whole(spent),
        [_whole(count) for count in counts.split(",")],
        [_whole(count) for count in label_counts.split(",")],
    )
    if not len(row[-1]) == len(row[-2]) == len(position):
        raise ValueError("another number of counts than of classes")
    return row


def _whole(cell):
    if not (cell.isascii() and cell.isdigit() and int(cell) <= _LARGEST_COUNT):
        raise ValueError(f"{cell[:40]!r} is no count")
    return int(cell)


def _finite(cell):
    number = float(cell)
    if "_" in cell or not cell.isascii() or not 0 <= number < math.inf:
        raise ValueError(f"{cell[:40]!r} is no number from 0 on")
    return number


def _check(text, key):
    return hashlib.blake2b(text.encode(), key=key, digest_size=8).hexdigest()
