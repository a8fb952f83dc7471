# SPDX-License-Identifier: BSD-3-Clause
"""Votes on texts whose words are deleted: noisy copies stay sparse."""

import numpy as np
from scipy.sparse import vstack

from sksmooth.samples import Counts
from sksmooth.votes._source import Declined
from sksmooth.votes.sampled._monte_carlo import MonteCarloVotes, VoteStreams, batches

# Rows that are predicted in different batches, to see that labels do not change.
_N_PROBED = 32
_N_COPIES, _N_ALONE = 2, 8


class WordVotes(MonteCarloVotes):
    """A source of votes on counts of words, with any classifier that takes them.

    Parameters
    ----------
    model : Model
        With a law that deletes words.
    """

    def open(self, X):
        """Open the streams of rows; see `MonteCarloVotes.open`."""
        return _WordStreams(self, X)

    def coordinates(self, X):
        """Samples as they are; they are no vectors that noise is added to."""
        return X

    def vote(self, noisy, X, owner):
        """Position of the class that each noisy copy votes for.

        Parameters
        ----------
        noisy : Counts of shape (n_votes, n_words)
        X, owner
            Not needed: words that are left say all.
        """
        rows = noisy.rows
        if self.as_frame is not None and not noisy.is_sparse:
            rows = self.as_frame(rows)
        return self._index.positions(self.estimator.predict(rows), len(noisy))

    def check_independence(self, X):
        """Refuse a classifier whose label for a sample depends on its batch.

        Parameters
        ----------
        X : Counts

        Raises
        ------
        ValueError
        """
        rows = np.unique(np.linspace(0, len(X) - 1, _N_PROBED).round().astype(int))
        law, stream = self.law.deletion, np.random.default_rng(0)
        copies = _joined([law.thin(X.rows[[at]], stream, _N_COPIES) for at in rows])
        together = self.vote(copies, None, None)
        order = stream.permutation(len(copies))
        again = np.empty_like(together)
        again[order] = self.vote(copies[order], None, None)
        few = order[:_N_ALONE]
        alone = np.array([self.vote(copies[at], None, None)[0] for at in few])
        if (again != together).any() or (alone != together[few]).any():
            raise ValueError(
                f"{type(self.estimator).__name__}.predict gives noisy copies of "
                "samples another label in another batch, or alone: the label of a "
                "sample depends on the rest of its batch, or is random, so it cannot "
                "be certified. Use steps that are fitted on training data and treat "
                "each sample on its own."
            )


class _WordStreams(VoteStreams):
    def __init__(self, source, X):
        self._source = source
        self._X = X
        self._rows = X.rows
        self._digests = X.digests(source.key)
        self._streams = {}

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        source, law = self._source, self._source.law.deletion
        counts = np.zeros((len(rows), len(source.classes)), dtype=np.int64)
        n_words = -(-self._rows.sum() // max(1, len(self._X)))
        capacity = int(min(source.copies_at_once(max(int(n_words), 1)), np.sum(sizes)))
        for owners, parts in batches(sizes, capacity):
            copies = [
                law.thin(self._rows[[row]], self._stream(row, stage), n)
                for row, n in zip(rows[owners], parts, strict=True)
            ]
            counts[owners] += self._count(_joined(copies), rows[owners], parts)
        return counts


def _joined(copies):
    if hasattr(copies[0], "tocsr"):
        return Counts(vstack(copies, format="csr"))
    return Counts(np.concatenate(copies))


def find_word_votes(model, X):
    """Votes on counts of words.

    Raises
    ------
    Declined
        If samples are no counts.
    """
    if not isinstance(X, Counts):
        raise Declined("its samples are no counts of words")
    source = WordVotes(model)
    if len(X):
        source.check_independence(X)
    source.is_probed = True
    return source
