# SPDX-License-Identifier: BSD-3-Clause
"""Votes without sampling: class probabilities in closed form."""

from sksmooth.votes.exact._linear import linear_scores
from sksmooth.votes.exact._numerics import PROBIT_MAX
from sksmooth.votes.exact._registry import (
    find_exact_source,
    find_linear_scores,
    may_have_closed_form,
)
from sksmooth.votes.exact._source import Declined, ExactSource, SelfCheckFailed
from sksmooth.votes.exact._votes import ExactVotes

__all__ = [
    "PROBIT_MAX",
    "Declined",
    "ExactSource",
    "ExactVotes",
    "SelfCheckFailed",
    "find_exact_source",
    "find_linear_scores",
    "linear_scores",
    "may_have_closed_form",
]
