# SPDX-License-Identifier: BSD-3-Clause
"""Votes by sampling: the base classifier's `predict` on noisy copies of the samples."""

from functools import cached_property

import numpy as np

from sksmooth.certificates._labels import LabelIndex
from sksmooth.noise import row_stream, row_streams
from sksmooth.noise._copies import fill_copies
from sksmooth.samples import digests_of, shown, values_of
from sksmooth.votes._batch_size import copies_at_once
from sksmooth.votes._source import Source
from sksmooth.votes.probes import (
    check_again,
    check_independence,
    explain_failure,
    is_known,
)
from sksmooth.votes.sampled._read_ahead import ReadAhead
from sksmooth.votes.sampled._run import run

# Of the first noisy copies, and of the largest batch, so many are predicted a second
# time at the end, where they are at most one in ten.
_N_AGAIN, _SHARE_AGAIN = 48, 10


class MonteCarloVotes(Source):
    """A source of votes that samples any fitted classifier.

    Parameters
    ----------
    model : Model
    fast : FastLabels, default=None
        Computes the labels of `predict` in less time than it takes.

    Attributes
    ----------
    votes_at_once : int
        How many votes take hardly longer than one.
    """

    method = "monte_carlo"
    is_probed = False
    _certifies = False
    # What the classifier computes in; None is the dtype of the samples.
    precision = None

    def __init__(self, model, fast=None):
        self.estimator = model.estimator
        self.classes = model.classes
        # What `predict` returns; `classes` may be set to other names of the same.
        self._predicted_classes = model.classes
        self.law = model.law
        self.key = model.key
        self.batch_size = model.batch_size
        self.as_frame = model.as_frame
        self.fast = fast
        # What a call of `predict` takes is not known: it gets no vote in vain.
        self.votes_at_once = 1 if fast is None else fast.predictor.votes_at_once

    @cached_property
    def _index(self):
        return LabelIndex(self._predicted_classes)

    def check(self, question):
        """Refuse a question that no number of votes could decide."""
        question.check(len(self.classes))

    def answer(self, question, X, on_finished=None):
        """Results of a question for samples; see `Source.answer`."""
        procedure = question.from_votes(len(X), len(self.classes))
        streams = self.open(X)
        ahead = streams
        if self.votes_at_once > 1:
            ahead = ReadAhead(streams, self.votes_at_once, len(self.classes))
        answers = run(procedure, ahead, len(X), on_finished)
        self.finish(streams)
        return answers

    @cached_property
    def is_known(self):
        """Whether labels are known to be fixed, see `sksmooth.votes.probes`."""
        return is_known(self.estimator)

    def probe(self, X):
        """Probe the classifier anew, if it may have changed; see `Source.probe`."""
        self._certifies = True
        if not (self.is_probed or self.is_known):
            check_independence(self, X)

    @property
    def predicts_again(self):
        """Whether some copies are predicted a second time, see `finish`."""
        return self._certifies and not self.is_known

    def finish(self, streams):
        """Check that labels of certificates did not change while votes were drawn."""
        is_enough = streams.n_drawn >= 2 * _SHARE_AGAIN * _N_AGAIN
        if not (is_enough and self.predicts_again):
            return
        for some in streams.kept:
            check_again(self, streams.samples, *some)

    def open(self, X):
        """Open the streams of samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...)

        Returns
        -------
        VoteStreams
        """
        return VoteStreams(self, X)

    def coordinates(self, X):
        """Samples as vectors where noise is added, of shape (n_samples, d)."""
        return values_of(X)

    def copies_at_once(self, n_values):
        """Most noisy copies of so many values that are held at a time."""
        return copies_at_once(self.batch_size, n_values)

    def vote(self, noisy, X, owner):
        """Position of the class that each noisy copy votes for.

        Parameters
        ----------
        noisy : ndarray of float64 of shape (n_votes, d)
        X : ndarray of shape (n_samples, ...) or Table
            Samples, which say what `predict` is to see.
        owner : ndarray of int of shape (n_votes,)
            Positions in `X` of the samples that they are copies of.
        """
        copies = shown(noisy, X, owner, self.as_frame)
        if self.fast is None:
            return self._predicted(copies)
        return self.fast.positions(copies, self._predicted)

    def _predicted(self, copies):
        return self._index.positions(self.estimator.predict(copies), len(copies))


class VoteStreams:
    """Votes of a chunk of samples; each sample's stream goes on where it was left.

    Attributes
    ----------
    n_drawn : int
        How many votes were drawn.
    kept : list of tuple of ndarray
        Some of the first noisy copies, positions of their samples, and their votes;
        and the same of the largest batch.
    """

    n_drawn, kept, _largest = 0, (), 0

    def __init__(self, source, X):
        self._source = source
        self._X = X
        self._rows = source.law.snap(self._coordinates())
        self._digests = digests_of(X, source.key)
        self._streams = {}

    @property
    def samples(self):
        """Samples of the chunk."""
        return self._X

    def _coordinates(self):
        return self._source.coordinates(self._X)

    def draw(self, rows, sizes, stage):
        """Draw votes.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            Positions of samples in the chunk.
        sizes : ndarray of int of shape (n,)
            Number of votes for each.
        stage : Stage
            Which of a sample's streams to read on.

        Returns
        -------
        ndarray of int64 of shape (n, n_classes)
        """
        counts = np.zeros((len(rows), len(self._source.classes)), dtype=np.int64)
        for owners, parts, batch in self._noisy(rows, sizes, stage):
            counts[owners] += self._count(batch, rows[owners], parts)
        return counts

    def votes(self, rows, sizes, stage):
        """Draw votes one by one.

        Parameters
        ----------
        rows, sizes, stage
            As for `draw`.

        Returns
        -------
        ndarray of int of shape (sum(sizes),)
            Positions of classes, those of a sample in the order of its stream.
        """
        votes = [
            self._vote(batch, rows[owners], parts)
            for owners, parts, batch in self._noisy(rows, sizes, stage)
        ]
        return np.concatenate(votes)

    def _noisy(self, rows, sizes, stage):
        """Noisy copies batch by batch: of which samples, how many, and themselves."""
        n_values = self._rows.shape[1]
        capacity = min(self._source.copies_at_once(n_values), int(sizes.sum()))
        batch = np.empty((capacity, n_values))
        self._open_streams(rows, stage)
        for owners, parts in batches(sizes, capacity):
            noisy = batch[: parts.sum()]
            # One loop after the other, as each then stays in the cache.
            streams = [self._stream(row, stage) for row in rows[owners]]
            self._fill(noisy, rows[owners], streams, parts)
            yield owners, parts, noisy

    def _stream(self, row, stage, *branch):
        key = (int(row), stage, *branch)
        if key not in self._streams:
            self._streams[key] = row_stream(self._digests[row], stage, *branch)
        return self._streams[key]

    def _open_streams(self, rows, stage, *branch):
        """Open those that samples do not have yet, which takes less time at once."""
        keys = [(row, stage, *branch) for row in rows.tolist()]
        keys = [key for key in keys if key not in self._streams]
        if keys:
            digests = [self._digests[row] for row, *_ in keys]
            opened = row_streams(digests, stage, *branch)
            self._streams.update(zip(keys, opened, strict=True))

    def _fill(self, batch, rows, streams, parts):
        """Fill a batch with noisy copies of samples, each from its stream."""
        fill_copies(self._source.law, self._rows[rows], streams, parts, batch)

    def _count(self, batch, rows, parts):
        """Votes of each of the samples that have consecutive parts of a batch."""
        return self._tally(self._vote(batch, rows, parts), parts)

    def _vote(self, batch, rows, parts):
        """Position of the class that each copy of a batch votes for."""
        owner = np.repeat(rows, parts)
        try:
            votes = self._source.vote(batch, self._X, owner)
        except Exception as error:
            told = explain_failure(error, self._source, self._X, owner)
            if told is error:
                raise
            raise told from error
        if self._source.predicts_again:
            self._keep_some(batch, owner, votes)
        return votes

    def _keep_some(self, batch, owner, votes):
        self.n_drawn += len(owner)
        if len(owner) > 2 * self._largest:
            self._largest = len(owner)
            some = np.linspace(0, len(owner) - 1, _N_AGAIN).astype(np.intp)
            found = batch[some], owner[some], np.array(votes)[some]
            self.kept = [*self.kept[:1], found]

    def _tally(self, votes, parts):
        """Number of votes for each class in each part."""
        n_classes = len(self._source.classes)
        owner = np.repeat(np.arange(len(parts)), parts)
        tally = np.bincount(owner * n_classes + votes, minlength=len(parts) * n_classes)
        return tally.reshape(len(parts), n_classes)


def batches(sizes, capacity):
    """Cut the votes of all samples into batches: which samples, how many votes.

    Batches hold `capacity` votes at most and are of about the same size, as a small one
    may take hardly less time than a large one.
    """
    n_votes = int(sizes.sum())
    if n_votes <= capacity:
        (owners,) = sizes.nonzero()
        if owners.size:
            yield owners, sizes[owners]
        return
    ends = sizes.cumsum()
    n_batches = -(-n_votes // max(1, capacity))
    capacity = -(-n_votes // n_batches)
    for start in range(0, n_votes, capacity):
        low = np.clip(ends - sizes, start, start + capacity)
        parts = np.clip(ends, start, start + capacity) - low
        owners = np.flatnonzero(parts)
        yield owners, parts[owners]
