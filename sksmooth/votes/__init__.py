# SPDX-License-Identifier: BSD-3-Clause
"""Where votes come from: sampled, or their probabilities in closed form."""

from sksmooth.votes._as_classifier import as_classifier, predict_labels
from sksmooth.votes._registry import find_source
from sksmooth.votes.exact import PROBIT_MAX, ExactSource
from sksmooth.votes.sampled import MonteCarloVotes
from sksmooth.votes.torch import encode_for_net, ends_in_skorch_net, is_bare_network

__all__ = [
    "PROBIT_MAX",
    "ExactSource",
    "MonteCarloVotes",
    "as_classifier",
    "encode_for_net",
    "ends_in_skorch_net",
    "find_source",
    "is_bare_network",
    "predict_labels",
]
