# SPDX-License-Identifier: BSD-3-Clause
"""The text of a log: settings in the head, one checked line per row.

::

    # sksmooth certificates 1
    # {"alpha": 0.001, ...}
    idx  digest  label  predict  radius  abstained  p_lower  n_evaluations  ...

Columns are separated by tabs; `label` (the true one, if it is known) and `predict` are
JSON; numbers are written so that they read back as the same numbers; the last column,
`check`, is a digest of what stands before it, so that a torn or damaged line is seen.
"""

import hashlib
import json

import numpy as np

MAGIC = "# sksmooth certificates 1"
COLUMNS = (
    "idx",
    "digest",
    "label",
    "predict",
    "radius",
    "abstained",
    "p_lower",
    "n_evaluations",
    "counts",
    "check",
)
FIELDS = ("label", "radius", "abstained", "p_lower", "n_evaluations", "counts")


class DamagedLineError(ValueError):
    """A line of a log that is not what was written; the message says what is wrong."""


def head(settings):
    """Return the first lines of a log."""
    return f"{MAGIC}\n# {json.dumps(settings, sort_keys=True)}\n" + "\t".join(COLUMNS)


def parse_head(lines):
    """Settings from the first three lines of a log."""
    if len(lines) < 3 or lines[0] != MAGIC:
        raise DamagedLineError(f"the first line is not {MAGIC!r}")
    try:
        settings = json.loads(lines[1].removeprefix("# "))
    except ValueError as error:
        raise DamagedLineError(f"the settings are not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise DamagedLineError("the settings are not a JSON object")
    if lines[2].split("\t") != list(COLUMNS):
        raise DamagedLineError("the columns are not those of this version")
    return settings


def plain(value):
    """Return a label as a type that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def format_row(index, digest, y_true, found):
    """Return the line of a row; `found` maps FIELDS to the row's values."""
    cells = [
        str(index),
        digest,
        "" if y_true is None else json.dumps(plain(y_true)),
        json.dumps(plain(found["label"])),
        repr(float(found["radius"])),
        str(int(found["abstained"])),
        repr(float(found["p_lower"])),
        str(int(found["n_evaluations"])),
        ",".join(str(count) for count in np.asarray(found["counts"]).tolist()),
    ]
    text = "\t".join(cells)
    return f"{text}\t{_check(text)}"


def parse_row(line, n_classes):
    """Return (index, digest, y_true, found) of a line.

    Raises
    ------
    DamagedLineError
    """
    text, tab, check = line.rpartition("\t")
    if not tab or check != _check(text):
        raise DamagedLineError("its check does not fit: it is torn or was edited")
    cells = text.split("\t")
    if len(cells) != len(COLUMNS) - 1:
        raise DamagedLineError(f"it has {len(cells) + 1} columns, not {len(COLUMNS)}")
    try:
        found = {
            "label": json.loads(cells[3]),
            "radius": float(cells[4]),
            "abstained": bool(int(cells[5])),
            "p_lower": float(cells[6]),
            "n_evaluations": int(cells[7]),
            "counts": [int(count) for count in cells[8].split(",")],
        }
        y_true = json.loads(cells[2]) if cells[2] else None
        index = int(cells[0])
    except ValueError as error:
        raise DamagedLineError(str(error)) from None
    if len(found["counts"]) != n_classes:
        raise DamagedLineError(
            f"it has counts of {len(found['counts'])} classes, not {n_classes}"
        )
    return index, cells[1], y_true, found


def _check(text):
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
