# SPDX-License-Identifier: BSD-3-Clause
"""Votes that are sampled: predictions on noisy copies, counted."""

from sksmooth.votes.sampled._counted_words import find_word_votes
from sksmooth.votes.sampled._monte_carlo import (
    MonteCarloVotes,
    VoteStreams,
    batches,
)
from sksmooth.votes.sampled._projected_linear import ProjectedLinearVotes
from sksmooth.votes.sampled._reduced import ReducedNoiseVotes, ReducedSpace
from sksmooth.votes.sampled._run import run
from sksmooth.votes.sampled._score_space import ScoreSpace

__all__ = [
    "MonteCarloVotes",
    "ProjectedLinearVotes",
    "ReducedNoiseVotes",
    "ReducedSpace",
    "ScoreSpace",
    "VoteStreams",
    "batches",
    "find_word_votes",
    "run",
]
