# SPDX-License-Identifier: BSD-3-Clause
"""Which class gets most votes: as few votes as decide it, or all of them."""

import numpy as np

from sksmooth.bounds import geometric_looks, leader_is_decided
from sksmooth.noise import Stage
from sksmooth.questions._scheduler import VoteRequest


def count_votes(n_rows, n_classes, *, n_votes):
    """Draw `n_votes` votes for every row; no decision is made."""
    rows = np.arange(n_rows)
    counts = yield VoteRequest(rows, n_votes, Stage.PREDICT)
    return {"counts": counts, "n_evaluations": np.full(n_rows, n_votes)}


def decide_label(n_rows, n_classes, *, n_max, alpha, weights=None):
    """Draw votes until the leader is decided, at most `n_max` for a row.

    A row stops at a look where its leader is shown to be the class that the smoothed
    classifier answers, with alpha divided by the number of looks; at `n_max` it
    answers its leader. Both read one stream, so an answer differs from the leader of
    all `n_max` votes with probability at most about alpha.
    """
    looks = geometric_looks(n_max)
    counts = np.zeros((n_rows, n_classes), dtype=np.int64)
    n_evaluations = np.full(n_rows, n_max)
    active = np.arange(n_rows)
    drawn = 0
    for look in looks:
        if not active.size:
            break
        counts[active] += yield VoteRequest(
            active, look - drawn, Stage.PREDICT, n_rows - active.size
        )
        drawn = look
        n_evaluations[active] = look
        decided = leader_is_decided(counts[active], alpha / len(looks), weights)
        active = active[~decided]
    return {
        "label": leading_class(counts, weights),
        "counts": counts,
        "n_evaluations": n_evaluations,
    }


def leading_class(counts, weights):
    """Index of the class ahead in (weighted) votes; ties go to the first class."""
    return np.argmax(counts if weights is None else counts * weights, axis=1)
