# SPDX-License-Identifier: BSD-3-Clause
"""Votes computed before they are needed, where a few more take hardly longer."""

import numpy as np

_NO_VOTES = np.zeros(0, dtype=np.intp)


class ReadAhead:
    """Streams of votes that compute at least so many at a time, and keep the others.

    A procedure that looks at the votes of one sample after 16, 22, 31 of them would
    call its classifier for as few as 6. Votes of a stream are the same whether they are
    drawn in parts or at once, so those that a look does not need wait for the next one.

    Parameters
    ----------
    streams : VoteStreams
    at_once : int
        Fewer votes than that, of all samples together, are not computed alone.
    n_classes : int
    """

    def __init__(self, streams, at_once, n_classes):
        self._streams = streams
        self._at_once = at_once
        self._n_classes = n_classes
        self._kept = {}  # by sample and stage

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        if not self._kept and sizes.sum() >= self._at_once:
            return self._streams.draw(rows, sizes, stage)
        if len(rows) == 1:  # most calls of a service: what follows would take longer
            return self._draw_for_one(rows, sizes.item(), stage)
        counts = np.zeros((len(rows), self._n_classes), dtype=np.int64)
        missing = np.array(sizes)
        for at, row in enumerate(rows.tolist()):
            votes = self._kept.pop((row, stage), None)
            if votes is not None:
                missing[at] -= self._count(votes, sizes[at], counts[at], (row, stage))
        (at,) = missing.nonzero()
        if not at.size:
            return counts
        rows, missing = rows[at], missing[at]
        if missing.sum() >= self._at_once:
            counts[at] += self._streams.draw(rows, missing, stage)
        else:
            computed = np.maximum(missing, self._at_once // at.size)
            votes = self._streams.votes(rows, computed, stage)
            ends = np.cumsum(computed).tolist()
            parts = zip(at, [0, *ends[:-1]], ends, missing, rows.tolist(), strict=True)
            for k, start, end, size, row in parts:
                self._count(votes[start:end], size, counts[k], (row, stage))
        return counts

    def _draw_for_one(self, rows, size, stage):
        """Draw votes of one sample."""
        key = rows.item(), stage
        votes = self._kept.pop(key, _NO_VOTES)
        n_missing = size - len(votes)
        if n_missing >= self._at_once:
            counts = self._streams.draw(rows, np.array([n_missing]), stage)
            return counts + np.bincount(votes, None, self._n_classes)
        if n_missing > 0:
            more = self._streams.votes(rows, np.array([self._at_once]), stage)
            votes = np.concatenate([votes, more])
        if len(votes) > size:
            self._kept[key] = votes[size:]
        return np.bincount(votes[:size], None, self._n_classes)[np.newaxis]

    def _count(self, votes, size, counts, key):
        """Count the first votes of a sample, keep the rest, and return how many."""
        counts += np.bincount(votes[:size], minlength=self._n_classes)
        if len(votes) > size:
            self._kept[key] = votes[size:]
        return min(len(votes), size)
