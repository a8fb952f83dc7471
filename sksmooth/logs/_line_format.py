# SPDX-License-Identifier: BSD-3-Clause
"""The text of a log: settings in the head, one checked line per row.

::

    # sksmooth certificates 2
    # {"alpha": 0.001, ...}  check
    idx  digest  label  predict  radius  abstained  p_lower  n_evaluations  ...
    0    1f0c...

Columns are separated by tabs; `label` (the true one, null if it was not given) and
`predict` are JSON; numbers are written so that they read back as the same numbers.
`label_counts` are the votes that chose the label: those of the pilot, or with given
radii those that showed the radius. The last column, `check`, is a digest of what stands
before it, so that a torn or damaged line is seen; the check of a row also covers the
settings, so that a row of another run is not taken for one of this.
"""

import hashlib
import json
import re
from typing import Any, NamedTuple

import numpy as np

from sksmooth.certificates import Certificates
from sksmooth.logs._labels import as_labels, check_labels, plain

MAGIC = "# sksmooth certificates 2"
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
    "label_counts",
    "check",
)
# What certificates hold of a row, and what a log holds.
FIELDS = ("label", "radius", "abstained", "p_lower", "n_evaluations", "counts")
LOGGED = (*FIELDS, "label_counts")
SCALARS = (
    "sigma",
    "noise",
    "norm",
    "alpha",
    "method",
    "radii",
    "slack",
    "scale",
    "features",
    "denoiser",
)
HEAD_LINES = 3
_DIGEST_BYTES = 8
_MOST_ROWS = 10**12
# What odd settings raise, of whatever type they are.
_NO_SETTINGS = (KeyError, OverflowError, RecursionError, TypeError, ValueError)
# int() and float() would also take "1_0", "nan" and digits of other scripts.
_COUNT = re.compile(r"\d{1,19}", re.ASCII)
_COUNTS = re.compile(r"\d{1,19}(,\d{1,19})*", re.ASCII)
_NUMBER = re.compile(r"\d+(\.\d+)?(e[-+]\d{1,3})?", re.ASCII)
_HEX = re.compile(rf"[0-9a-f]{{{2 * _DIGEST_BYTES}}}")


class BadLineError(ValueError):
    """A line of a log cannot be read.

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


class DamagedLineError(BadLineError):
    """The check of a line does not fit: it is torn, edited, or of another log."""


class LoggedRow(NamedTuple):
    """What a line holds.

    Attributes
    ----------
    position : int
    digest : str
        Digest of the row and the key of its noise.
    y_true : scalar or None
    found : dict
        LOGGED of the row.
    """

    position: int
    digest: str
    y_true: Any
    found: dict[str, Any]


class LogFormat:
    """How the lines of one log are written and read.

    Parameters
    ----------
    settings : dict
        All that defines the certificates, of types that JSON has, or scalars of
        numpy.

    Attributes
    ----------
    settings : dict
        As they read back.
    head : str
        The first lines.

    Raises
    ------
    TypeError
        If a class is of a type that cannot be written.
    ValueError
        If a class would read back as another label.
    """

    def __init__(self, settings):
        check_labels(settings["classes"], "classes_")
        text = "# " + json.dumps(settings, sort_keys=True, default=plain)
        self.settings = json.loads(text[2:])
        check = _check(text, b"")
        self._key = check.encode()
        self._known = {(type(label), label) for label in self.settings["classes"]}
        self.head = "\n".join([MAGIC, f"{text}\t{check}", "\t".join(COLUMNS), ""])

    @classmethod
    def read(cls, lines):
        """Return the format of the log that starts with `lines`.

        Raises
        ------
        BadLineError
        """
        _check_first_line(lines)
        if len(lines) < HEAD_LINES:
            raise BadLineError(len(lines), "the file ends in its head")
        text, _, check = lines[1].rpartition("\t")
        if check != _check(text, b""):
            raise BadLineError(2, "the settings were damaged or edited")
        if lines[2].split("\t") != list(COLUMNS):
            raise BadLineError(3, "the names of the columns were damaged or edited")
        try:
            settings = json.loads(text[2:])
            _check_settings(settings)
            log = cls(settings)
        except _NO_SETTINGS as error:
            raise BadLineError(
                2, f"these are no settings of a log of this version ({_told(error)})"
            ) from None
        # What was read decides about the rows, however it was written.
        log._key = check.encode()
        return log

    def certificates(self, columns):
        """Certificates of rows of this log.

        Parameters
        ----------
        columns : dict of array-like
            FIELDS of the rows.
        """
        return Certificates(
            **{name: columns[name] for name in FIELDS},
            classes=as_labels(self.settings["classes"]),
            **{name: self.settings[name] for name in SCALARS},
            law=self.settings.get("law", {"n_features": self.settings["n_features"]}),
            vote_weights=self.settings["weights"],
        )

    def row(self, index, digest, y_true, found):
        """Return the line of a row; `found` maps LOGGED to the row's values."""
        cells = [
            str(index),
            short(digest),
            json.dumps(y_true, default=plain),
            json.dumps(found["label"], default=plain),
            repr(float(found["radius"])),
            str(int(found["abstained"])),
            repr(float(found["p_lower"])),
            str(int(found["n_evaluations"])),
            _joined(found["counts"]),
            _joined(found["label_counts"]),
        ]
        text = "\t".join(cells)
        return f"{text}\t{_check(text, self._key)}\n"

    def read_row(self, number, line):
        """Return the `LoggedRow` of a line.

        Raises
        ------
        DamagedLineError
            If the check does not fit.
        BadLineError
            If it fits, and no version of this package has written the line.
        """
        text, tab, check = line.rpartition("\t")
        if not tab or check != _check(text, self._key):
            raise DamagedLineError(
                number, "the check does not fit: torn, edited, or of another log"
            )
        try:
            return self._parsed(text.split("\t"))
        except (RecursionError, ValueError) as error:
            raise BadLineError(
                number,
                f"its check fits, but it was not written by this version "
                f"({_told(error)})",
            ) from None

    def _parsed(self, cells):
        if len(cells) != len(COLUMNS) - 1:
            raise ValueError(f"{len(cells) + 1} columns, not {len(COLUMNS)}")
        cell = dict(zip(COLUMNS, cells, strict=False))
        settings = self.settings
        index = _count("idx", cell["idx"])
        if index >= settings["n_rows"]:
            raise ValueError(f"idx is {index} for n_rows={settings['n_rows']}")
        if not _HEX.fullmatch(cell["digest"]):
            raise ValueError(f"digest is {cell['digest']!r:.40}")
        y_true = json.loads(cell["label"])
        if (y_true is None) != (settings["y"] is None) or not _is_label(y_true):
            raise ValueError(f"label is {cell['label']!r:.40}")
        label = json.loads(cell["predict"])
        if not _is_label(label) or (type(label), label) not in self._known:
            raise ValueError(f"predict is {cell['predict']!r:.40}, not among classes")
        if cell["abstained"] not in ("0", "1"):
            raise ValueError(f"abstained is {cell['abstained']!r:.40}")
        abstained = cell["abstained"] == "1"
        radius, p_lower = (_number(name, cell[name]) for name in ("radius", "p_lower"))
        if abstained and radius > 0:
            raise ValueError(f"an abstention with radius {radius!r}")
        if p_lower > 1:
            raise ValueError(f"p_lower is {p_lower!r}")
        found = {
            "label": label,
            "radius": radius,
            "abstained": abstained,
            "p_lower": p_lower,
            "n_evaluations": _count("n_evaluations", cell["n_evaluations"]),
        }
        for name in ("counts", "label_counts"):
            found[name] = _counts(name, cell[name])
            if len(found[name]) != len(settings["classes"]):
                raise ValueError(
                    f"{len(found[name])} {name} for {len(settings['classes'])} classes"
                )
        return LoggedRow(index, cell["digest"], y_true, found)


def short(digest):
    """A row's digest as it is logged: too short to draw the row's noise from."""
    return digest[:_DIGEST_BYTES].hex()


def _joined(counts):
    return ",".join(map(str, np.asarray(counts).tolist()))


def _count(name, cell):
    if not _COUNT.fullmatch(cell) or int(cell) >= 2**63:
        raise ValueError(f"{name} is {cell!r:.40}")
    return int(cell)


def _counts(name, cell):
    """Counts that are separated by commas."""
    if not _COUNTS.fullmatch(cell):
        raise ValueError(f"{name} is {cell!r:.40}")
    counts = [int(count) for count in cell.split(",")]
    if max(counts) >= 2**63:
        raise ValueError(f"{name} holds {max(counts)}")
    return counts


def _number(name, cell):
    if not _NUMBER.fullmatch(cell) or float(cell) == np.inf:
        raise ValueError(f"{name} is {cell!r:.40}")
    return float(cell)


def _is_label(value):
    return value is None or isinstance(value, (bool, int, float, str))


def _check_first_line(lines):
    """Refuse what is no log of this format, with the reason."""
    if lines and lines[0] == MAGIC:
        return
    name, _, version = MAGIC.rpartition(" ")
    first = lines[0] if lines else ""
    if first.removeprefix("\ufeff").removesuffix("\r") == MAGIC:
        raise BadLineError(1, _other_ends(first))
    if re.fullmatch(re.escape(name) + r" \d{1,9}", first, re.ASCII):
        raise BadLineError(
            1,
            f"a log of format {first.rpartition(' ')[2]}; this version of sksmooth has "
            f"format {version}",
        )
    raise BadLineError(1, f"the first line is not {MAGIC!r}")


def _other_ends(line):
    """Say what an editor has done to a line."""
    found = []
    if line.startswith("\ufeff"):
        found.append("it starts with a byte order mark")
    if line.endswith("\r"):
        found.append("its lines end in CRLF")
    return (
        f"{' and '.join(found)}, as some editors on Windows save a file; it can be "
        "read, but only goes on once it is saved as plain UTF-8 with line ends LF"
    )


def _check_settings(settings):
    """Refuse settings that no run has, whoever made a check that fits them."""
    n_rows, classes = settings["n_rows"], settings["classes"]
    if type(n_rows) is not int or not 0 <= n_rows <= _MOST_ROWS:
        raise ValueError(f"n_rows is {n_rows!r:.40}")
    if not (settings["y"] is None or isinstance(settings["y"], str)):
        raise ValueError(f"y is {settings['y']!r:.40}")
    if not isinstance(classes, list) or None in classes or not classes:
        raise ValueError(f"classes is {classes!r:.40}")
    if settings["sigma"] != settings["sigma"]:
        raise ValueError("sigma is nan")
    fields = {name: [] for name in FIELDS} | {name: settings[name] for name in SCALARS}
    weights = settings["weights"]
    Certificates(**fields, classes=as_labels(classes), vote_weights=weights)


def _told(error):
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"{error!s:.200}"


def _check(text, key):
    digest = hashlib.blake2b(text.encode(), key=key, digest_size=_DIGEST_BYTES)
    return digest.hexdigest()
