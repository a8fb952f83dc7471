# SPDX-License-Identifier: BSD-3-Clause
"""What the counts of n votes prove about the probabilities behind them."""

from sksmooth.bounds._clopper_pearson import (
    SMALLEST_ALPHA,
    binomial_lower,
    binomial_upper,
    check_alpha,
    clopper_pearson_lower,
    clopper_pearson_upper,
    share_interval,
)
from sksmooth.bounds._looks import geometric_looks
from sksmooth.bounds._threshold_test import ThresholdTest
from sksmooth.bounds._top_votes import leader_is_decided

__all__ = [
    "SMALLEST_ALPHA",
    "ThresholdTest",
    "binomial_lower",
    "binomial_upper",
    "check_alpha",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "geometric_looks",
    "leader_is_decided",
    "share_interval",
]
