# SPDX-License-Identifier: BSD-3-Clause
"""Training with noise, and what it tends to with infinitely many noisy copies."""

from sksmooth.training._noise_augmented import NoiseAugmentedClassifier
from sksmooth.training._parzen import ParzenClassifier

__all__ = ["NoiseAugmentedClassifier", "ParzenClassifier"]
