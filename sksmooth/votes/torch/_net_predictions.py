# SPDX-License-Identifier: BSD-3-Clause
"""The predictions of a skorch net, where its module cannot be asked directly."""

import numpy as np
import torch


class NetPredictions:
    """Positions that a skorch net predicts for rows of any floating point dtype.

    Parameters
    ----------
    estimator : fitted skorch net, or Pipeline that ends in one
    net : the net itself
    """

    def __init__(self, estimator, net):
        self._estimator = estimator
        weights = net.module_.parameters()
        is_double = any(weight.dtype == torch.float64 for weight in weights)
        self._dtype = np.float64 if is_double else np.float32

    def predict(self, X):
        """Position of the class of each row; a net does not answer with labels."""
        return self._estimator.predict(X.astype(self._dtype, copy=False))
