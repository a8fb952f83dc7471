# SPDX-License-Identifier: BSD-3-Clause
"""How well a row may still turn out; decides about cost, never about a claim."""

import numpy as np
from scipy.special import ndtri


def vote_shares(counts):
    """Shares of the votes, kept off 0 and 1 by half a vote per class."""
    n = counts.sum(axis=1, keepdims=True)
    return (counts + 0.5) / (n + 0.5 * counts.shape[1])


def optimistic_shares(counts, leader, beta):
    """Shares with the leader's raised by its standard error at level `beta`.

    The others give way in proportion.
    """
    shares = vote_shares(counts)
    n = counts.sum(axis=1, keepdims=True)
    leader = leader[:, np.newaxis]
    lead = np.take_along_axis(shares, leader, axis=1)
    raised = np.minimum(lead - ndtri(beta) * np.sqrt(lead * (1 - lead) / n), 1.0)
    hopeful = shares * (1 - raised) / (1 - lead)
    np.put_along_axis(hopeful, leader, raised, axis=1)
    return hopeful
