# SPDX-License-Identifier: BSD-3-Clause
"""Denoisers that stand between the noise and a classifier trained without noise.

Any transformer of scikit-learn's kind can be a denoiser: `fit(X, y, sample_weight)` is
given the clean training samples, and `transform` maps noisy samples to what the
classifier takes, of as many columns as it was fitted on. What is smoothed and certified
is then the classifier behind the denoiser, whatever the denoiser is, as long as the
output for a sample does not depend on the other samples of a call.

A denoiser learns the noise from its parameters. Those named ``sigma``, ``noise``,
``feature_scale`` and ``noise_features`` that it has and that are None are set to those
of the smoothed classifier by `follow_noise`: on a clone before it is fitted, and on a
shallow copy of the fitted one before each use. So that `sigma` can be changed without
fitting again, `transform` should read them; a denoiser that cannot should raise there.
"""

from sksmooth.denoising._follow import follow_noise
from sksmooth.denoising._posterior_mean import PosteriorMeanDenoiser

__all__ = ["PosteriorMeanDenoiser", "follow_noise"]
