# SPDX-License-Identifier: BSD-3-Clause
"""The share of the votes that each class has."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from sksmooth.certificates import Shares
from sksmooth.noise import Stage
from sksmooth.questions._question import Question
from sksmooth.votes import VoteRequest


@dataclass(frozen=True)
class CountVotes(Question):
    """The share of `n_votes` votes that each class gets; no decision is made.

    Parameters
    ----------
    n_votes : int
        Votes of each sample.
    """

    n_votes: int
    task: ClassVar[str] = "predict_proba"

    @property
    def expected_votes(self):
        """Votes that a sample takes, about."""
        # Far fewer than are drawn, so that `predict` and `predict_proba`, which are
        # compared with each other, prefer the same source.
        return min(self.n_votes, 50)

    def from_votes(self, n_samples, n_classes):
        """Draw `n_votes` votes for every sample."""
        rows = np.arange(n_samples)
        counts = yield VoteRequest(rows, self.n_votes, Stage.PREDICT)
        return Shares(counts / self.n_votes)

    def from_enumeration(self, counts, law):
        """Return the shares among all copies."""
        return Shares(counts / counts.sum(axis=1, keepdims=True))

    def from_probabilities(self, probits):
        """Return the probabilities themselves, or the middle of their bounds."""
        lower, upper = probits
        shares = (ndtr(lower) + ndtr(upper)) / 2
        return Shares(shares / shares.sum(axis=1, keepdims=True))
