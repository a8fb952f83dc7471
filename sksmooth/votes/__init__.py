# SPDX-License-Identifier: BSD-3-Clause
"""Where votes come from: sampled, or their probabilities in closed form."""

from sksmooth.votes._registry import find_source, probe_fitted
from sksmooth.votes.exact import PROBIT_MAX, ExactSource
from sksmooth.votes.probes import columns_without_numbers, refuse_categories
from sksmooth.votes.sampled import MonteCarloVotes
from sksmooth.votes.torch import (
    as_classifier,
    encode_for_net,
    ends_in_skorch_net,
    refuse_module,
)

__all__ = [
    "PROBIT_MAX",
    "ExactSource",
    "MonteCarloVotes",
    "as_classifier",
    "columns_without_numbers",
    "encode_for_net",
    "ends_in_skorch_net",
    "find_source",
    "probe_fitted",
    "refuse_categories",
    "refuse_module",
]
