# SPDX-License-Identifier: BSD-3-Clause
"""Displays: what smoothing proves and what it costs, class by class."""

from sksmooth.inspection._certified_accuracy_display import CertifiedAccuracyDisplay
from sksmooth.inspection._classwise_accuracy_display import ClasswiseAccuracyDisplay
from sksmooth.inspection._decision_region_display import DecisionRegionDisplay
from sksmooth.inspection._probability_display import ProbabilityDisplay
from sksmooth.inspection._shrinkage_display import ShrinkageDisplay

__all__ = [
    "CertifiedAccuracyDisplay",
    "ClasswiseAccuracyDisplay",
    "DecisionRegionDisplay",
    "ProbabilityDisplay",
    "ShrinkageDisplay",
]
