# SPDX-License-Identifier: BSD-3-Clause
"""Where votes come from: sampled, or their probabilities in closed form.

A `Source` answers the questions of `sksmooth.questions` for one `Model`.
"""

from sksmooth.votes._registry import find_source
from sksmooth.votes._source import Declined, Model, Source, VoteRequest, VoteSource
from sksmooth.votes.exact import ExactSource
from sksmooth.votes.sampled import MonteCarloVotes, run
from sksmooth.votes.torch import as_classifier, encode_for_net, ends_in_skorch_net

__all__ = [
    "Declined",
    "ExactSource",
    "Model",
    "MonteCarloVotes",
    "Source",
    "VoteRequest",
    "VoteSource",
    "as_classifier",
    "encode_for_net",
    "ends_in_skorch_net",
    "find_source",
    "run",
]
