# SPDX-License-Identifier: BSD-3-Clause
"""A network trained on several noisy copies of each sample, by a loss of their own."""

import abc
import math
from typing import Any

import torch
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from sksmooth._arguments import check_memory
from sksmooth.training._noise_augmented_net import NoiseAugmentedNet


class NoisyLossNet(NoiseAugmentedNet):
    """The training step that the nets with several draws of the noise share.

    A subclass has the parameter `n_noise` and states `_loss`, which sees the outputs
    for all copies of a batch together.
    """

    n_noise: int

    def train_step_single(
        self, batch: Any, **fit_params: Any
    ) -> dict[str, torch.Tensor]:
        """Loss and gradients of one batch.

        Parameters
        ----------
        batch : tuple of (X, y)
            As the training iterator loads it.
        **fit_params : dict
            Passed to the module.

        Returns
        -------
        dict
            The ``loss``, and ``y_pred``, the outputs for the first noisy copy.
        """
        X, y = unpack_data(batch)
        X, y = self._rows(X), to_tensor(y, device=self.device)
        n_bytes = int(self.n_noise) * X.numel() * X.element_size()
        check_memory("n_noise", self.n_noise, n_bytes, "use fewer, or smaller batches")
        noise = self._noise(X, self.n_noise)
        centers = self._centers(X, y, noise, **fit_params)
        self._set_training(True)
        outputs = self.infer((centers + noise).flatten(0, 1), **fit_params)
        loss = self._loss(X, y, outputs)
        loss.backward()
        return {"loss": loss, "y_pred": outputs[: len(X)]}

    def _centers(self, X, y, noise, **fit_params):
        """The samples that noise is added to."""
        return X

    @abc.abstractmethod
    def _loss(self, X, y, outputs):
        """Loss of a batch.

        Parameters
        ----------
        X : tensor of shape (n_samples, ...)
        y : int64 tensor of shape (n_samples,)
        outputs : tensor of shape (n_noise * n_samples, n_classes)
            Of the module, copy by copy.
        """

    def _log_proba_of_copies(self, outputs):
        """Log-probabilities, of shape (n_noise, n_samples, n_classes)."""
        return self._log_proba(outputs).unflatten(0, (self.n_noise, -1))


def log_mean(log_proba):
    """Logarithm of the mean probability over the copies, without underflow."""
    return log_proba.logsumexp(dim=0) - math.log(len(log_proba))
