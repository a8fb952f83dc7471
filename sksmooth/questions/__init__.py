# SPDX-License-Identifier: BSD-3-Clause
"""What is to be known of each sample: how many votes to draw and when to stop.

A `Question` is a frozen object of settings. From sampled votes it is decided by a
generator: it yields a `VoteRequest` for the samples that need more votes, is sent their
counts, and returns the results when all samples are finished. From class probabilities
in closed form it is decided at once.
"""

from sksmooth.questions._certify import Certify
from sksmooth.questions._certify_at_radii import CertifyAtRadii
from sksmooth.questions._certify_frontier import CertifyFrontier
from sksmooth.questions._certify_radius import CertifyRadius
from sksmooth.questions._count_votes import CountVotes
from sksmooth.questions._decide_label import DecideLabel
from sksmooth.questions._exact_radius import exact_frontier
from sksmooth.questions._question import Question
from sksmooth.questions._recertify import Recertify, check_changes, recertify
from sksmooth.questions._vote_radius import VoteRadius

__all__ = [
    "Certify",
    "CertifyAtRadii",
    "CertifyFrontier",
    "CertifyRadius",
    "CountVotes",
    "DecideLabel",
    "Question",
    "Recertify",
    "VoteRadius",
    "check_changes",
    "exact_frontier",
    "recertify",
]
