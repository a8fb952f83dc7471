# SPDX-License-Identifier: BSD-3-Clause
"""Samples that are counts of words, sparse as they come."""

import numpy as np

from sksmooth.noise import row_digests


class Counts:
    """Counts of words; noise deletes some of them.

    Parameters
    ----------
    rows : csr_array, csr_matrix or ndarray of shape (n_samples, n_words)
    """

    # Counts have one unit.
    scale = None

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return self.rows.shape[0]

    def __getitem__(self, which):
        """Return the samples of a slice, a mask or an array of positions."""
        if isinstance(which, (int, np.integer)):
            which = [which]
        return Counts(self.rows[which])

    @property
    def is_sparse(self):
        """Whether only counts that are not zero are stored."""
        return hasattr(self.rows, "tocsr")

    @property
    def shape(self):
        """Number of samples and of words that are known."""
        return self.rows.shape

    @property
    def nbytes(self):
        """Size of what is sent to a worker, about."""
        if self.is_sparse:
            return self.rows.data.nbytes + self.rows.indices.nbytes
        return self.rows.nbytes

    def content(self, at):
        """Positions of the words of a sample, and how often each occurs."""
        if not self.is_sparse:
            words = np.flatnonzero(self.rows[at])
            return words, self.rows[at, words]
        start, end = self.rows.indptr[at : at + 2]
        return self.rows.indices[start:end], self.rows.data[start:end]

    def digests(self, key):
        """Digest each sample under `key`: its words and their counts."""
        contents = [
            np.stack([words, counts]).astype(np.float64).tobytes()
            for words, counts in map(self.content, range(len(self)))
        ]
        return row_digests(np.zeros((len(self), 1)), key, contents)
