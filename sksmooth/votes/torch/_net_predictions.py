# SPDX-License-Identifier: BSD-3-Clause
"""The predictions of a skorch net, where its module cannot be called directly."""

import numpy as np
import torch


class NetPredictions:
    """Positions that a skorch net predicts for samples of any floating point dtype.

    Parameters
    ----------
    estimator : fitted skorch net, or Pipeline that ends in one
    net : the net itself
    """

    def __init__(self, estimator, net):
        self._estimator = estimator
        self._dtype = _dtype(net.module_)

    def predict(self, X):
        """Position of the class of each sample; a net does not predict labels."""
        return self._estimator.predict(X.astype(self._dtype, copy=False))


def dtype_of_module(net):
    """Dtype of the samples that a skorch net is to be fitted on.

    A net that is not initialized says nothing about its module, so one is built as
    `fit` will build it, and random numbers are left as they were found.

    Parameters
    ----------
    net : skorch.NeuralNet

    Returns
    -------
    type
        numpy.float64 for a module of float64, otherwise numpy.float32.
    """
    if getattr(net, "initialized_", False) and net.warm_start:
        return _dtype(net.module_)
    if isinstance(net.module, torch.nn.Module):
        return _dtype(net.module)
    with torch.random.fork_rng():
        return _dtype(
            net.initialized_instance(net.module, net.get_params_for("module"))
        )


def _dtype(module):
    is_double = any(weight.dtype == torch.float64 for weight in module.parameters())
    return np.float64 if is_double else np.float32
