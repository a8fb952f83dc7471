# SPDX-License-Identifier: BSD-3-Clause
"""Votes by sampling: the base classifier's `predict` on noisy copies of the rows."""

import numpy as np

from sksmooth._estimators import frames_of
from sksmooth.certificates._labels import LabelIndex
from sksmooth.noise import row_digests, row_stream


class MonteCarloVotes:
    """A source of votes that samples any fitted classifier.

    Parameters
    ----------
    estimator : fitted classifier
    classes : ndarray of shape (n_classes,)
        Its classes.
    law : Gaussian
        The noise.
    key : bytes
        The smoothed classifier's key, from `sksmooth.noise.draw_noise_key`.
    batch_size : int
        Most noisy copies held in memory, and given to `predict`, at a time.
    as_frame : callable, default=None
        Makes arrays the frames that `predict` takes, see
        `sksmooth._estimators.frames_like`. None makes frames with the names that
        `estimator` states, and leaves arrays as they are if it states none.
    """

    # Whether one job at a time may ask for votes.
    serial = False

    def __init__(self, estimator, classes, law, key, batch_size, as_frame=None):
        self.estimator = estimator
        self.classes = classes
        self.law = law
        self.key = key
        self.batch_size = batch_size
        self._index = LabelIndex(classes)
        self.as_frame = as_frame or frames_of(estimator)

    def open(self, X):
        """Open the streams of rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, ...)

        Returns
        -------
        VoteStreams
        """
        return VoteStreams(self, X)

    def coordinates(self, X):
        """Rows as vectors in the space where noise is added, of shape (n_rows, d)."""
        return X.reshape(len(X), -1)

    def vote(self, noisy, template):
        """Position of the class that each noisy row votes for.

        Parameters
        ----------
        noisy : ndarray of float64 of shape (n_votes, d)
        template : ndarray of shape (0, ...)
            Rows as the caller gave them: what `predict` is to see.
        """
        # The classifier sees the caller's dtype, as it would without noise; rounding
        # to float32 is then part of it.
        noisy = noisy.astype(template.dtype, copy=False)
        noisy = noisy.reshape(-1, *template.shape[1:])
        if self.as_frame is not None and noisy.ndim == 2:
            noisy = self.as_frame(noisy)
        return self._index.positions(self.estimator.predict(noisy), len(noisy))


class VoteStreams:
    """Votes of a chunk of rows; each row's stream goes on where it was left."""

    def __init__(self, source, X):
        self._source = source
        self._template = X[:0]
        self._rows = source.law.snap(source.coordinates(X))
        self._digests = row_digests(X, source.key)
        self._streams = {}

    def draw(self, rows, sizes, stage):
        """Draw votes.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            Positions of rows in the chunk.
        sizes : ndarray of int of shape (n,)
            Number of votes for each.
        stage : Stage
            Which of a row's streams to read on.

        Returns
        -------
        ndarray of int64 of shape (n, n_classes)
        """
        source = self._source
        counts = np.zeros((len(rows), len(source.classes)), dtype=np.int64)
        capacity = int(min(source.batch_size, np.sum(sizes)))
        batch = np.empty((capacity, self._rows.shape[1]))
        for owners, parts in batches(sizes, capacity):
            ends = np.cumsum(parts)
            for row, start, end in zip(rows[owners], ends - parts, ends, strict=True):
                self._fill(row, self._stream(row, stage), batch[start:end])
            counts[owners] += self._count(batch[: ends[-1]], rows[owners], parts)
        return counts

    def _stream(self, row, stage, *branch):
        key = (int(row), stage, *branch)
        if key not in self._streams:
            self._streams[key] = row_stream(self._digests[row], stage, *branch)
        return self._streams[key]

    def _fill(self, row, stream, out):
        """Fill a part of a batch with noisy copies of a row."""
        self._source.law.perturb(self._rows[row], stream, out)

    def _count(self, batch, rows, parts):
        """Votes of each of the rows that have consecutive parts of a batch."""
        return self._tally(self._source.vote(batch, self._template), parts)

    def _tally(self, votes, parts):
        """Number of votes for each class in each part."""
        n_classes = len(self._source.classes)
        owner = np.repeat(np.arange(len(parts)), parts)
        tally = np.bincount(owner * n_classes + votes, minlength=len(parts) * n_classes)
        return tally.reshape(len(parts), n_classes)


def batches(sizes, capacity):
    """Cut the votes of all rows into batches: which rows, how many votes of each."""
    ends = np.cumsum(sizes)
    for start in range(0, int(ends[-1]) if len(ends) else 0, max(1, capacity)):
        low = np.clip(ends - sizes, start, start + capacity)
        parts = np.clip(ends, start, start + capacity) - low
        owners = np.flatnonzero(parts)
        yield owners, parts[owners]
