# SPDX-License-Identifier: BSD-3-Clause
"""How many votes each row is given, and when it has had enough.

A procedure is a generator: it yields a `VoteRequest` for the rows that need more votes,
is sent their counts, and returns its arrays over rows when all rows are finished.
`run` is the one scheduler that serves them all.
"""

from sksmooth.questions._certify_at_radii import certify_at_radii
from sksmooth.questions._certify_radius import certify_radius
from sksmooth.questions._exact_answers import (
    exact_certificates,
    exact_label,
    exact_shares,
)
from sksmooth.questions._feasibility import check_can_certify
from sksmooth.questions._predict import count_votes, decide_label
from sksmooth.questions._recertify import recertify
from sksmooth.questions._scheduler import VoteRequest, run
from sksmooth.questions._vote_radius import VoteRadius

__all__ = [
    "VoteRadius",
    "VoteRequest",
    "certify_at_radii",
    "certify_radius",
    "check_can_certify",
    "count_votes",
    "decide_label",
    "exact_certificates",
    "exact_label",
    "exact_shares",
    "recertify",
    "run",
]
