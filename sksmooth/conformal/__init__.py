# SPDX-License-Identifier: BSD-3-Clause
"""Prediction sets that cover the true class also after a change of the sample."""

from sksmooth.conformal._report import prediction_set_report
from sksmooth.conformal._robust_conformal import RobustConformalClassifier

__all__ = ["RobustConformalClassifier", "prediction_set_report"]
