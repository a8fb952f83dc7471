# SPDX-License-Identifier: BSD-3-Clause
"""A smoothed classifier whose vote weights are tuned."""

from sksmooth.tuning._tuned_vote import TunedVoteClassifierCV

__all__ = ["TunedVoteClassifierCV"]
