# SPDX-License-Identifier: BSD-3-Clause
"""From features in units of `feature_scale` back to their own units."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Units(TransformerMixin, BaseEstimator):
    """Multiply each feature by its unit.

    In front of a classifier it makes one that takes ``X / scale``, in which the noise
    has one standard deviation.

    Parameters
    ----------
    scale : ndarray of shape (n_features,)
    """

    def __init__(self, scale):
        self.scale = scale
        self.n_features_in_ = len(scale)

    def fit(self, X, y=None):
        """Return the transformer as it is: there is nothing to learn."""
        return self

    def transform(self, X):
        """Return ``X * scale``."""
        return np.asarray(X) * self.scale

    def __sklearn_is_fitted__(self):
        return True
