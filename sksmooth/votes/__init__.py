# SPDX-License-Identifier: BSD-3-Clause
"""Where votes come from: sampled, or their probabilities in closed form.

A `Source` decides the questions of `sksmooth.questions` for one `Model`.
"""

from sksmooth.votes._as_classifier import as_classifier, predict_labels
from sksmooth.votes._noisy_features import NoisyFeatures, check_columns
from sksmooth.votes._registry import find_source, may_miss, probe_fitted
from sksmooth.votes._source import Declined, Model, Source, VoteRequest, VoteSource
from sksmooth.votes.exact import ExactSource
from sksmooth.votes.probes import (
    columns_with_categories,
    columns_without_numbers,
    numeric_table,
    refuse_categories,
    refuse_columns_without_numbers,
)
from sksmooth.votes.sampled import MonteCarloVotes, run
from sksmooth.votes.torch import (
    encode_for_net,
    ends_in_skorch_net,
    is_bare_network,
    refuse_module,
)

__all__ = [
    "Declined",
    "ExactSource",
    "Model",
    "MonteCarloVotes",
    "NoisyFeatures",
    "Source",
    "VoteRequest",
    "VoteSource",
    "as_classifier",
    "check_columns",
    "columns_with_categories",
    "columns_without_numbers",
    "encode_for_net",
    "ends_in_skorch_net",
    "find_source",
    "is_bare_network",
    "may_miss",
    "numeric_table",
    "predict_labels",
    "probe_fitted",
    "refuse_categories",
    "refuse_columns_without_numbers",
    "refuse_module",
    "run",
]
