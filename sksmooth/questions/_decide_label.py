# SPDX-License-Identifier: BSD-3-Clause
"""Which class leads the vote: as few votes as decide it, or all of them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import log_ndtr

from sksmooth.bounds import geometric_looks, leader_is_decided
from sksmooth.certificates import Labels
from sksmooth.noise import Stage
from sksmooth.questions._question import Question
from sksmooth.votes import VoteRequest


@dataclass(frozen=True)
class DecideLabel(Question):
    """The class that leads the vote.

    Parameters
    ----------
    n_max : int
        Most votes of a sample.
    alpha : float
        Probability of stopping with a class that does not lead.
    weights : ndarray of shape (n_classes,), default=None
        Vote weights; None is the plain vote.
    """

    n_max: int
    alpha: float
    weights: np.ndarray | None = None
    task: ClassVar[str] = "predict"

    @property
    def expected_votes(self):
        """Votes that a sample takes, about: most are decided in tens."""
        return min(self.n_max, 50)

    def from_votes(self, n_samples, n_classes):
        """Draw votes until the leader is decided, at most `n_max` for a sample.

        A sample stops at a look where its leader is shown to be the class that the
        smoothed classifier predicts, with alpha divided by the number of looks; at
        `n_max` its leader is predicted. Both read one stream, so a prediction differs
        from the leader of all `n_max` votes with probability at most about alpha.
        """
        looks = geometric_looks(self.n_max)
        counts = np.zeros((n_samples, n_classes), dtype=np.int64)
        n_evaluations = np.full(n_samples, self.n_max)
        active = np.arange(n_samples)
        drawn = 0
        for look in looks:
            if not active.size:
                break
            counts[active] += yield VoteRequest(
                active, look - drawn, Stage.PREDICT, n_samples - active.size
            )
            drawn = look
            n_evaluations[active] = look
            alpha = self.alpha / len(looks)
            decided = leader_is_decided(counts[active], alpha, self.weights)
            active = active[~decided]
        return Labels(leading_class(counts, self.weights), counts, n_evaluations)

    def from_enumeration(self, counts, law):
        """Return the class that leads the votes of all copies."""
        label = leading_class(counts, self.weights)
        return Labels(label, counts, counts.sum(axis=1))

    def from_margins(self, label, radius, n_classes):
        """Return the class on whose side of a boundary a sample lies."""
        none = np.zeros((len(label), n_classes), dtype=np.int64)
        return Labels(label, none, np.zeros(len(label), dtype=np.int64))

    def from_probabilities(self, probits):
        """Return the class with the largest (weighted) probability."""
        n_samples, n_classes = probits[0].shape
        return Labels(
            most_probable_class(probits, self.weights),
            np.zeros((n_samples, n_classes), dtype=np.int64),
            np.zeros(n_samples, dtype=np.int64),
        )


def leading_class(counts, weights):
    """Index of the class ahead in (weighted) votes; ties go to the first class."""
    return (counts if weights is None else counts * weights).argmax(axis=1)


def most_probable_class(probits, weights):
    """Position of the class with the largest (weighted) probability."""
    lower, upper = probits
    middle = (lower + upper) / 2
    if weights is None:
        return np.argmax(middle, axis=1)
    return np.argmax(np.log(weights) + log_ndtr(middle), axis=1)
