# SPDX-License-Identifier: BSD-3-Clause
"""Scores, a class-wise report and scorers for certificates."""

from sksmooth.metrics._classwise_report import classwise_report
from sksmooth.metrics._lower_bounds import classwise_lower_bounds
from sksmooth.metrics._scorers import CertifiedScorer, ClasswiseScorer
from sksmooth.metrics._scores import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)
from sksmooth.metrics._tally import ClassTally

__all__ = [
    "CertifiedScorer",
    "ClassTally",
    "ClasswiseScorer",
    "abstention_rate",
    "average_certified_radius_score",
    "certified_accuracy_score",
    "classwise_lower_bounds",
    "classwise_report",
]
