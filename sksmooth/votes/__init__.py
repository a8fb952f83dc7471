# SPDX-License-Identifier: BSD-3-Clause
"""Where votes come from; every source answers the same questions."""

from sksmooth.votes._monte_carlo import MonteCarloVotes

__all__ = ["MonteCarloVotes"]
