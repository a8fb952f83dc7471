# SPDX-License-Identifier: BSD-3-Clause
"""Randomized smoothing for scikit-learn, and its hidden cost seen class by class."""

from sksmooth._certificates import Certificates
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth._version import __version__

__all__ = ["Certificates", "SmoothedClassifier", "__version__"]
