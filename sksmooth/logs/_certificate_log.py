# SPDX-License-Identifier: BSD-3-Clause
"""A log that certificates are appended to as they are made, and resumed from."""

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sksmooth.logs._line_format import (
    FIELDS,
    DamagedLineError,
    format_row,
    head,
    parse_head,
    parse_row,
    plain,
)


class CertificateLog:
    """Log of a run of `SmoothedClassifier.certify`, plain text, one line per row.

    Pass it, or just its path, as ``certify(X, log=...)``. Rows are appended in order
    as they finish, each write flushed to the disk. If the run is cut off, the same call
    goes on where the log ends, and the log ends up the same byte for byte. A log of
    another run is refused, with the setting that differs.

    Parameters
    ----------
    path : str or path-like
        File to write, or to go on with if it exists.
    y : array-like of shape (n_rows,), default=None
        True labels to write beside the certificates, so that the log can be scored on
        its own.

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

    def __init__(self, path, *, y=None):
        self.path = Path(path)
        self.y = None if y is None else np.asarray(y)

    def __repr__(self):
        return f"CertificateLog({str(self.path)!r})"

    @classmethod
    def of(cls, log):
        """Return `log` itself, or the log at that path."""
        return log if isinstance(log, cls) else cls(log)

    @contextmanager
    def writing(self, settings, digests):
        """Open the log for the rest of a run.

        Parameters
        ----------
        settings : dict
            All that defines the certificates, of types that JSON knows.
        digests : list of str
            Digest of each row.

        Yields
        ------
        LogWriter

        Raises
        ------
        ValueError
            If the log belongs to another run, a line that is not its last is damaged,
            or `y` has another length.
        BlockingIOError
            If another process is writing it.
        """
        if self.y is not None and self.y.shape != (len(digests),):
            raise ValueError(
                f"CertificateLog was given y of shape {self.y.shape} for "
                f"{len(digests)} rows; give one label per row."
            )
        self.path.touch()
        with open(self.path, "r+b") as file:
            _lock(file, self.path)
            yield LogWriter(self, file, settings, digests)


class LogWriter:
    """The open log of one run: what is in it, and how to append."""

    def __init__(self, log, file, settings, digests):
        self._log, self._file, self._digests = log, file, digests
        self.rows = []
        first = f"{head(settings)}\n"
        text = file.read()
        if first.encode().startswith(text):  # new, or torn while the head was written
            self._truncate(0)
            self._write(first)
            return
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").split("\n")[:-1]
        try:
            logged = parse_head(lines[:3])
        except DamagedLineError as error:
            raise ValueError(
                f"{log.path}: {error}; it is no log of sksmooth."
            ) from None
        _refuse_other_settings(log.path, logged, settings)
        n_classes = len(settings["classes"])
        for number, line in enumerate(lines[3:], start=4):
            try:
                index, digest, y_true, found = parse_row(line, n_classes)
            except DamagedLineError as error:
                raise ValueError(
                    f"{log.path}, line {number}: {error}. Remove the file to certify "
                    "again from the first row."
                ) from None
            self._check_row(number, index, digest, y_true)
            self.rows.append(found)
        self._truncate(len(whole))  # a line that was torn is done again

    def append(self, results):
        """Append the next rows.

        Parameters
        ----------
        results : dict of ndarray
            FIELDS of the rows that follow the last one.
        """
        lines = []
        for position in range(len(results["radius"])):
            index = len(self.rows)
            found = {name: results[name][position] for name in FIELDS}
            y_true = None if self._log.y is None else self._log.y[index]
            lines.append(format_row(index, self._digests[index], y_true, found))
            self.rows.append(found)
        self._write("".join(f"{line}\n" for line in lines))

    def columns(self):
        """Return all rows, of this run and those before, as a dict of arrays."""
        return {name: np.array([row[name] for row in self.rows]) for name in FIELDS}

    def _write(self, text):
        self._file.write(text.encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _truncate(self, size):
        self._file.seek(size)
        self._file.truncate()

    def _check_row(self, number, index, digest, y_true):
        at = f"{self._log.path}, line {number}"
        if index != len(self.rows) or index >= len(self._digests):
            raise ValueError(
                f"{at}: row {index} stands where row {len(self.rows)} of "
                f"{len(self._digests)} belongs."
            )
        if digest != self._digests[index]:
            raise ValueError(
                f"{at}: row {index} of X is not the row that was logged. Use another "
                "file for other rows."
            )
        expected = None if self._log.y is None else plain(self._log.y[index])
        if y_true != expected:
            raise ValueError(
                f"{at}: the label {y_true!r} of row {index} was logged, now it is "
                f"{expected!r}."
            )


def _refuse_other_settings(path, logged, settings):
    differing = [
        f"{name}: {logged.get(name)!r} in the log, {settings.get(name)!r} now"
        for name in sorted(logged.keys() | settings.keys())
        if logged.get(name) != settings.get(name)
    ]
    if differing:
        raise ValueError(
            f"{path} is the log of another run ({'; '.join(differing)}). Use the same "
            "settings to resume it, or another file."
        )


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
