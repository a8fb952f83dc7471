# SPDX-License-Identifier: BSD-3-Clause
"""A log that certificates are appended to as they are made, and resumed from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth.logs._labels import as_labels, check_labels, plain
from sksmooth.logs._line_format import (
    HEAD_LINES,
    LOGGED,
    BadLineError,
    LogFormat,
    short,
)
from sksmooth.logs._regular_file import check_regular_file
from sksmooth.logs._witnesses import choose_witnesses, differing, in_time

# Settings that are digests, and what they are digests of.
_DIGESTS = {
    "key": "the key of the noise, which fit draws from random_state",
    "rows": "the rows of X, or the key of their noise that fit draws from random_state",
    "votes": "the fitted classifier",
    "y": "y of CertificateLog",
}
# Where one of these differs, so do what is computed from it, and the digests of the
# samples and of the votes.
_GIVEN = {"denoiser", "key", "n_rows", "noise", "row_shape", "scale", "sigma"}
_COMPUTED = {"grid", "law", "n_features", "noise_scale", "rows", "slack", "votes"}
# What users call a setting.
_NAMES = {
    "n_max": "n_certify",
    "n_rows": "number of samples",
    "row_shape": "shape of a sample",
    "scale": "unit of each feature (0 where it is held fixed)",
    "weights": "vote_weights",
}


class CertificateLog:
    """Log of a run of `SmoothedClassifier.certify`, plain text, one line per sample.

    Pass it, or just its path, as ``certify(X, log=...)``. Samples are appended in order
    as they finish, each write flushed to the disk. If the run is cut off, the same call
    goes on where the log ends, and the log ends up the same byte for byte. A log of
    another run is refused, with the setting that differs.

    Parameters
    ----------
    path : str or path-like
        File to write, or to go on with if it exists.
    y : array-like of shape (n_samples,), default=None
        True labels to write beside the certificates, so that the log can be scored on
        its own. They are part of the run: give them each time, or never.

    Notes
    -----
    A fitted classifier is recognized by its votes, not by its parameters: fit it again
    in the same way, or load it, and the run goes on. It votes on a few points between
    samples and away from them, and before a log goes on, logged samples are certified
    again, those with the most divided votes first: their votes must be the same, one by
    one. These are at least five samples, a tenth of the evaluations that the log has
    cost, or what takes two seconds. So another classifier goes unnoticed only if it
    differs in a few votes on other samples of a long log.

    Examples
    --------
    >>> import tempfile, os
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksmooth import CertificateLog, SmoothedClassifier, read_certificates
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(LogisticRegression(max_iter=500), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CertificateLog(os.path.join(folder, "iris.tsv"), y=y[:5])
    ...     certificates = clf.fit(X, y).certify(X[:5], radii=[0.1], log=log)
    ...     again, y_true = read_certificates(log.path)
    >>> again == certificates
    True
    """

    def __init__(
        self, path: str | PathLike[str], *, y: ArrayLike | None = None
    ) -> None:
        self.path = Path(path)
        self.y = None if y is None else _as_array(y)

    def __repr__(self):
        return f"CertificateLog({str(self.path)!r})"

    @classmethod
    def of(cls, log: CertificateLog | str | PathLike[str]) -> CertificateLog:
        """Return `log` itself, or the log at that path.

        Parameters
        ----------
        log : CertificateLog, str or path-like
            A log, or the path of one.

        Returns
        -------
        CertificateLog
            The log.

        Raises
        ------
        TypeError
            If `log` is none of these.
        """
        if isinstance(log, cls):
            return log
        if not isinstance(log, (str, os.PathLike)):
            raise TypeError(
                f"log must be a CertificateLog or the path of a file, got {log!r} of "
                f"type {type(log).__name__}."
            )
        return cls(log)

    @contextmanager
    def writing(
        self, settings: dict[str, Any], digests: list[bytes]
    ) -> Iterator[LogWriter]:
        """Open the log for the rest of a run.

        Parameters
        ----------
        settings : dict
            All that defines the certificates, of types that JSON has.
        digests : list of bytes
            Digest of each sample.

        Yields
        ------
        LogWriter

        Raises
        ------
        ValueError
            If the file is no log or the log of another run, a line that is not its
            last is damaged, or `y` has another length or holds labels that would read
            back as others. The file is left as it was.
        TypeError
            If classes or `y` are of a type that cannot be written.
        BlockingIOError
            If another process is writing it.
        """
        if self.y is not None and self.y.shape != (len(digests),):
            raise ValueError(
                f"CertificateLog was given y of shape {self.y.shape} for "
                f"{len(digests)} samples; give one label for each."
            )
        if self.y is not None:
            check_labels(self.y, "y of CertificateLog")
        written = LogFormat(settings | {"y": _digest(self.y)})
        check_regular_file(self.path)
        with open(self.path, "a+b") as file:
            _lock(file, self.path)
            writer = LogWriter(self, file, written, digests)
            yield writer
            writer.begin()


class LogWriter:
    """The open log of one run: what is in it, and how to append.

    Nothing of a log that is there is changed before the first `append`.

    Attributes
    ----------
    rows : list of dict
        LOGGED of each sample, of this run and those before.
    """

    def __init__(self, log, file, written, digests):
        self._path, self._y = log.path, log.y
        self._file, self._format, self._digests = file, written, digests
        self._n_whole = None
        self.rows = []
        file.seek(0)
        text = file.read()
        if written.head.encode().startswith(text):  # new, or torn while it was written
            file.truncate(0)
            self._write(written.head)
            return
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").split("\n")[:-1]
        self._check_head(lines)
        try:
            for number, line in enumerate(lines[HEAD_LINES:], start=HEAD_LINES + 1):
                self.rows.append(self._read(number, line))
        except BadLineError as error:
            raise ValueError(
                f"{log.path}, {error}. The file was left as it is: delete this line "
                "and those after it to certify their rows again."
            ) from None
        self._n_whole = len(whole)

    def witnesses(self):
        """Samples to certify again, and to check, before `append`.

        Yields
        ------
        ndarray of int
            Positions of some logged samples, those with the most divided votes first.
        """
        yield from in_time(*choose_witnesses(self.rows))

    def check_witnesses(self, positions, found, X, *, exactly=True):
        """Refuse the log of another classifier.

        Parameters
        ----------
        positions : ndarray of int
            From `witnesses`.
        found : dict of ndarray
            LOGGED of these samples, certified again.
        X : ndarray of shape (n_witnesses, ...)
            These samples.
        exactly : bool, default=True
            Whether each of them must be the same. If not, most of them: outputs of a
            network depend on its batch in their last digits.

        Raises
        ------
        ValueError
            If they differ from what is logged.
        """
        logged = [self.rows[position] for position in positions]
        sigma = self._format.settings["sigma"]
        differences = differing(logged, found, X, sigma)
        if len(differences) > (0 if exactly else len(positions) / 2):
            at, what = differences[0]
            raise ValueError(
                f"{self._path} is the log of another run; what differs is the fitted "
                f"classifier: row {positions[at]}, certified again, has {what} as in "
                "the log. Use the same classifier to resume it, or another file."
            )

    def begin(self):
        """Drop a last line that was torn: its sample is certified again."""
        if self._n_whole is not None:
            self._file.truncate(self._n_whole)
            self._n_whole = None

    def append(self, results):
        """Append the next samples.

        Parameters
        ----------
        results : dict of ndarray
            LOGGED of the samples that follow the last one.
        """
        self.begin()
        lines = []
        for position in range(len(results["radius"])):
            index = len(self.rows)
            found = {name: results[name][position] for name in LOGGED}
            y_true = None if self._y is None else self._y[index]
            digest = self._digests[index]
            lines.append(self._format.row(index, digest, y_true, found))
            self.rows.append(found)
        self._write("".join(lines))

    def columns(self):
        """Return LOGGED of all samples, of this run and those before, as arrays."""
        columns = {name: [row[name] for row in self.rows] for name in LOGGED}
        label = as_labels(columns.pop("label"))
        return {"label": label} | {name: np.array(c) for name, c in columns.items()}

    def _write(self, text):
        self._file.write(text.encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _check_head(self, lines):
        try:
            logged = LogFormat.read(lines).settings
        except BadLineError as error:
            raise ValueError(
                f"{self._path}, {error}; it cannot be resumed, and was left as it is. "
                "Use another file."
            ) from None
        settings = self._format.settings
        names = {
            name
            for name in logged.keys() | settings.keys()
            if logged.get(name) != settings.get(name)
        }
        if names & _GIVEN:
            names -= _COMPUTED
        elif "rows" in names:
            names -= {"votes"}
        differing = [
            _DIGESTS[name]
            if name in _DIGESTS
            else f"{_NAMES.get(name, name)}: {logged.get(name)!r} in the log, "
            f"{settings.get(name)!r} now"
            for name in sorted(names)
        ]
        if differing:
            raise ValueError(
                f"{self._path} is the log of another run; what differs is "
                f"{'; '.join(differing)}. Use the same settings to resume it, or "
                "another file."
            )

    def _read(self, number, line):
        if line.endswith("\r"):
            raise BadLineError(
                number,
                "it ends in CRLF, as some editors on Windows save lines; save the file "
                "with line ends LF",
            )
        row = self._format.read_row(number, line)
        if row.position != len(self.rows):
            raise BadLineError(
                number, f"row {row.position} stands where row {len(self.rows)} belongs"
            )
        if row.digest != short(self._digests[row.position]):
            raise BadLineError(number, f"it holds another row than X[{row.position}]")
        return row.found


def _as_array(y):
    """Labels as they are, also those of several kinds."""
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        raise ValueError(
            "y of CertificateLog has masked labels, which a log cannot hold; leave "
            "their rows out."
        )
    return as_labels(y) if isinstance(y, (list, tuple)) else np.asarray(y)


def _digest(y):
    if y is None:
        return None
    text = json.dumps(y.tolist(), default=plain)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _lock(file, path):
    """Refuse a second writer, where the system can tell."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(
            f"{path} is being written by another process. Wait for it, or use another "
            "file."
        ) from None
    except OSError as error:
        # Some file systems of clusters know no locks.
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
            raise
