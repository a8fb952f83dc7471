# SPDX-License-Identifier: BSD-3-Clause
"""Certificates from all noisy copies of a sample, where there are only a few."""

import numpy as np
from sklearn.utils import gen_batches

from sksmooth.votes._source import Declined, Source
from sksmooth.votes.probes import explain_failure
from sksmooth.votes.sampled import MonteCarloVotes

# Votes without error are worth more than as many sampled ones.
_COST = 0.1


class EnumeratedVotes(Source):
    """A source that takes the votes of all noisy copies, with any classifier.

    Parameters
    ----------
    model : Model
        With a law that enumerates its copies.
    votes : MonteCarloVotes, default=None
        What predicts the copies; None is the `predict` of the classifier.

    Raises
    ------
    Declined
        If copies have to be drawn.
    """

    method = "exact"

    def __init__(self, model, votes=None):
        if model.law.n_copies is None:
            raise Declined(
                f"noise={model.law.name!r} has more noisy copies of a sample than can "
                "be listed"
            )
        self.votes = MonteCarloVotes(model) if votes is None else votes
        self.break_even_votes = _COST * model.law.n_copies
        self.law = model.law
        self.classes = model.classes

    def probe(self, X):
        """Probe the classifier anew; see `Source.probe`."""
        self.votes.probe(X)

    def count(self, X, on_finished=None):
        """Count the votes of all copies.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...)
        on_finished : callable, default=None
            Called with numbers of samples as they finish.

        Returns
        -------
        ndarray of int of shape (n_samples, n_classes)
        """
        rows = self.law.snap(self.votes.coordinates(X))
        n_classes = len(self.classes)
        counts = np.zeros((len(rows), n_classes), dtype=np.int64)
        n_copies = self.law.n_copies
        largest = self.votes.copies_at_once(rows.shape[1])
        at_once = max(1, largest // n_copies)
        for start in range(0, len(rows), at_once):
            part = rows[start : start + at_once]
            copies = np.concatenate([self.law.enumerate(row) for row in part])
            owner = np.repeat(np.arange(start, start + len(part)), n_copies)
            votes = np.concatenate(
                [
                    self._vote(copies[some], X, owner[some])
                    for some in gen_batches(len(copies), largest)
                ]
            )
            place = np.repeat(np.arange(len(part)), n_copies) * n_classes + votes
            counts[start : start + len(part)] = np.bincount(
                place, minlength=len(part) * n_classes
            ).reshape(-1, n_classes)
            if on_finished is not None:
                on_finished(len(part))
        return counts

    def _vote(self, copies, X, owner):
        try:
            return self.votes.vote(copies, X, owner)
        except Exception as error:
            told = explain_failure(error, self.votes, X, owner)
            if told is error:
                raise
            raise told from error

    def answer(self, question, X, on_finished=None):
        """Results of a question for samples; see `Source.answer`."""
        return question.from_enumeration(self.count(X, on_finished), self.law)
