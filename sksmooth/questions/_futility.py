# SPDX-License-Identifier: BSD-3-Clause
"""How well a sample may still turn out; decides about cost, never about a claim."""

import numpy as np

from sksmooth.bounds import binomial_upper


def vote_shares(counts):
    """Shares of the votes, kept off 0 and 1 by one vote spread over the classes."""
    n_classes = counts.shape[1]
    return (counts + 1 / n_classes) / (counts.sum(axis=1, keepdims=True) + 1)


def optimistic_shares(counts, leader, beta):
    """Shares with the leader's raised to its upper bound at level `beta`.

    The others give way in proportion.
    """
    shares = vote_shares(counts)
    leader = leader[:, np.newaxis]
    votes = np.take_along_axis(counts, leader, axis=1)
    raised = binomial_upper(votes, counts.sum(axis=1, keepdims=True), beta)
    return _with_lead(shares, leader, raised)


def lowered_shares(shares, leader, n_votes):
    """Shares as votes may find them, the leader's two standard errors too small.

    The others gain in proportion.
    """
    leader = leader[:, np.newaxis]
    lead = np.take_along_axis(shares, leader, axis=1)
    lowered = lead - 2 * np.sqrt(lead * (1 - lead) / n_votes)
    return _with_lead(shares, leader, np.maximum(lowered, 0.0))


def _with_lead(shares, leader, share):
    """Shares with another one for the leader; the others give way in proportion."""
    lead = np.take_along_axis(shares, leader, axis=1)
    # A single class leaves nothing to share out.
    changed = shares * (1 - share) / np.maximum(1 - lead, np.finfo(float).tiny)
    np.put_along_axis(changed, leader, share, axis=1)
    return changed
