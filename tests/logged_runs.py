# SPDX-License-Identifier: BSD-3-Clause
"""Runs of certify to be logged, cut off and resumed."""

import contextlib
import hashlib
import os
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import CertificateLog, SmoothedClassifier
from sksmooth.logs._line_format import HEAD_LINES, LogFormat
from sksmooth.logs._witnesses import choose_witnesses

N_ROWS = 96


class ThreeStrips(ClassifierMixin, BaseEstimator):
    """Answers by the strip of the first column that a row lies in.

    The second column is the number of the row, in hundreds.

    Parameters
    ----------
    labels : sequence of three labels
    edges : sequence of two floats
    pause : float
        Seconds that each call takes.
    on_row : tuple (row, pid, signal), default=None
        Sends the signal to the process, once a batch is mostly votes of the row, as in
        no batch of a probe; None is the process that asks.
    """

    def __init__(self, labels=(0, 1, 2), edges=(-0.3, 0.3), pause=0.0, on_row=None):
        self.labels = labels
        self.edges = edges
        self.pause = pause
        self.on_row = on_row

    def fit(self, X=None, y=None):
        self.classes_ = np.asarray(self.labels)
        self.n_asked_ = 0
        return self

    def predict(self, X):
        if self.pause:
            time.sleep(self.pause)
        self.n_asked_ += len(X)
        if self.on_row is not None:
            row, pid, number = self.on_row
            if (abs(X[:, 1] - 100 * row) < 10).sum() > max(8, len(X) / 2):
                self.on_row = None
                with contextlib.suppress(ProcessLookupError):  # done by another worker
                    os.kill(os.getpid() if pid is None else pid, number)
        return self.classes_[np.searchsorted(self.edges, X[:, 0])]


def rows(n_rows=N_ROWS):
    """Rows that take from few votes to all, and their labels as positions."""
    first = np.linspace(-1, 1, n_rows)[np.random.RandomState(0).permutation(n_rows)]
    X = np.column_stack([first, 100.0 * np.arange(n_rows)])
    return X, np.searchsorted([-0.3, 0.3], first)


def smoothed(base=None, **params):
    """A smoothed classifier with slabs of at most 16 rows."""
    base = ThreeStrips() if base is None else base
    settings = {"sigma": 0.4, "n_certify": 128, "batch_size": 16, "random_state": 0}
    return SmoothedClassifier.from_fitted(
        base.fit(), method="monte_carlo", **settings | params
    )


def certify_into(path, pause):
    """Certify the rows into a log, about as slowly as one likes."""
    X, y = rows()
    smoothed(ThreeStrips(pause=pause)).certify(X, log=CertificateLog(path, y=y))


def logged_rows(text):
    """The whole lines of a log, as `LoggedRow`."""
    lines = text.decode().split("\n")[:-1]
    if len(lines) <= HEAD_LINES:
        return []
    log = LogFormat.read(lines)
    rows = enumerate(lines[HEAD_LINES:], start=HEAD_LINES + 1)
    return [log.read_row(number, line) for number, line in rows]


def cost_of_witnesses(text):
    """Evaluations of the rows that must be certified again before a log goes on."""
    found = [row.found for row in logged_rows(text)]
    order, n_needed = choose_witnesses(found)
    return sum(found[at]["n_evaluations"] for at in order[:n_needed])


def forged(text, number, change):
    """A log of which one line was changed, with a check that fits.

    Parameters
    ----------
    text : bytes
        A log.
    number : int
        Of the line, from 1; line 2 holds the settings, which all checks depend on.
    change : callable
        From the cells of the line without its check, or from the settings as JSON, to
        what is to stand there.
    """
    lines = text.decode().split("\n")
    settings, _, key = lines[1].rpartition("\t")
    if number == 2:
        settings = "# " + change(settings.removeprefix("# "))
        key = _check_of(settings, b"")
        lines[1] = f"{settings}\t{key}"
    else:
        cells = lines[number - 1].split("\t")[:-1]
        lines[number - 1] = "\t".join([*change(cells), ""])
    for at in range(3, len(lines) - 1):
        content = lines[at].rpartition("\t")[0]
        lines[at] = f"{content}\t{_check_of(content, key.encode())}"
    return "\n".join(lines).encode()


def _check_of(text, key):
    return hashlib.blake2b(text.encode(), key=key, digest_size=8).hexdigest()
