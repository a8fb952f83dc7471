# SPDX-License-Identifier: BSD-3-Clause
"""The text of a log: settings in the head, one checked line per row.

::

    # sksmooth certificates 1
    # {"alpha": 0.001, ...}  check
    idx  digest  label  predict  radius  abstained  p_lower  n_evaluations  ...
    0    1f0c...

Columns are separated by tabs; `label` (the true one, null if it was not given) and
`predict` are JSON; numbers are written so that they read back as the same numbers. The
last column, `check`, is a digest of what stands before it, so that a torn or damaged
line is seen; the check of a row also covers the settings, so that a row of another run
is not taken for one of this.
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
HEAD_LINES = 3
_DIGEST_BYTES = 8


class DamagedLineError(ValueError):
    """A line of a log is not what was written.

    Parameters
    ----------
    number : int
        Of the line, from 1.
    reason : str
    """

    def __init__(self, number, reason):
        super().__init__(f"line {number}: {reason}")
        self.number = number
        self.reason = reason


class LogFormat:
    """How the lines of one log are written and read.

    Parameters
    ----------
    settings : dict
        All that defines the certificates, of types that JSON knows, or scalars of
        numpy.

    Attributes
    ----------
    settings : dict
        As they read back.
    head : str
        The first lines.
    """

    def __init__(self, settings):
        text = "# " + json.dumps(settings, sort_keys=True, default=plain)
        self.settings = json.loads(text[2:])
        check = _check(text, b"")
        self._key = check.encode()
        self.head = "\n".join([MAGIC, f"{text}\t{check}", "\t".join(COLUMNS), ""])

    @classmethod
    def read(cls, lines):
        """Return the format of the log that starts with `lines`.

        Raises
        ------
        DamagedLineError
        """
        if not lines or lines[0] != MAGIC:
            raise DamagedLineError(1, f"the first line is not {MAGIC!r}")
        if len(lines) < HEAD_LINES:
            raise DamagedLineError(len(lines), "the file ends in its head")
        text, _, check = lines[1].rpartition("\t")
        if check != _check(text, b""):
            raise DamagedLineError(2, "the settings were damaged or edited")
        if lines[2].split("\t") != list(COLUMNS):
            raise DamagedLineError(3, "the names of the columns were damaged or edited")
        return cls(json.loads(text[2:]))

    def row(self, index, digest, y_true, found):
        """Return the line of a row; `found` maps FIELDS to the row's values."""
        cells = [
            str(index),
            digest[:_DIGEST_BYTES].hex(),  # too short to draw the row's noise from
            json.dumps(y_true, default=plain),
            json.dumps(found["label"], default=plain),
            repr(float(found["radius"])),
            str(int(found["abstained"])),
            repr(float(found["p_lower"])),
            str(int(found["n_evaluations"])),
            ",".join(map(str, np.asarray(found["counts"]).tolist())),
        ]
        text = "\t".join(cells)
        return f"{text}\t{_check(text, self._key)}\n"

    def read_row(self, number, line):
        """Return (index, y_true, found) of a line.

        Raises
        ------
        DamagedLineError
        """
        text, tab, check = line.rpartition("\t")
        if not tab or check != _check(text, self._key):
            raise DamagedLineError(
                number, "the check does not fit: torn, edited, or of another log"
            )
        cells = text.split("\t")
        found = {
            "label": json.loads(cells[3]),
            "radius": float(cells[4]),
            "abstained": bool(int(cells[5])),
            "p_lower": float(cells[6]),
            "n_evaluations": int(cells[7]),
            "counts": [int(count) for count in cells[8].split(",")],
        }
        return int(cells[0]), json.loads(cells[2]), found


def plain(value):
    """Return a scalar of numpy as a type that JSON knows."""
    if isinstance(value, np.generic) and not isinstance(value, np.bytes_):
        return value.item()
    raise TypeError(
        f"{value!r} of type {type(value).__name__} cannot be written to a log: classes "
        "and labels must be bools, numbers or strings."
    )


def _check(text, key):
    digest = hashlib.blake2b(text.encode(), key=key, digest_size=_DIGEST_BYTES)
    return digest.hexdigest()
