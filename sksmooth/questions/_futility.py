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
    lead = np.take_along_axis(shares, leader, axis=1)
    # A single class leaves nothing to share out.
    hopeful = shares * (1 - raised) / np.maximum(1 - lead, np.finfo(float).tiny)
    np.put_along_axis(hopeful, leader, raised, axis=1)
    return hopeful
