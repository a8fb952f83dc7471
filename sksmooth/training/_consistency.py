# SPDX-License-Identifier: BSD-3-Clause
"""Training for predictions that agree under noise."""

from __future__ import annotations

from typing import Any

import torch

from sksmooth.training._noisy_loss_net import NoisyLossNet, log_mean


class ConsistencyNet(NoisyLossNet):
    r"""Train on noisy copies, with a penalty where their predictions disagree.

    With F the probabilities of the network and :math:`\hat F` their mean over m draws
    of the noise, the loss is [1]_

    .. math:: \frac{1}{m} \sum_{i=1}^m \left( \ell(F(x + \delta_i), y)
        + \lambda \, \mathrm{KL}(\hat F(x) \| F(x + \delta_i)) \right)
        + \eta \, H(\hat F(x)).

    Parameters
    ----------
    module : torch.nn.Module, class or instance
        The network.

    *args
        Passed to :class:`skorch.NeuralNetClassifier`.

    sigma : float, default=0.25
        Standard deviation of the noise, in the units of `X`.

    consistency_weight : float, default=10.0
        The weight of the divergence, lambda.

    entropy_weight : float, default=0.5
        The weight of the entropy H of the mean, eta.

    n_noise : int, default=2
        Draws of the noise, m, at least 2.

    random_state : int, RandomState instance or None, default=None
        See :class:`NoiseAugmentedNet`.

    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.

    See Also
    --------
    NoiseAugmentedNet : Its attributes and behavior, which this class shares.

    References
    ----------
    .. [1] J. Jeong and J. Shin, "Consistency Regularization for Certified Robustness
       of Smoothed Classifiers", NeurIPS 2020, section 3.
    """

    _at_least = {"consistency_weight": 0.0, "entropy_weight": 0.0, "n_noise": 2}

    def __init__(
        self,
        module: type[torch.nn.Module] | torch.nn.Module,
        *args: Any,
        consistency_weight: float = 10.0,
        entropy_weight: float = 0.5,
        n_noise: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.consistency_weight = consistency_weight
        self.entropy_weight = entropy_weight
        self.n_noise = n_noise

    def _loss(self, X, y, outputs):
        log_proba = self._log_proba_of_copies(outputs)
        log_average = log_mean(log_proba)
        average = log_average.exp()
        divergence = (average * (log_average - log_proba)).sum(dim=-1).mean()
        entropy = -(average * log_average).sum(dim=-1).mean()
        return (
            self.get_loss(outputs, y.repeat(self.n_noise), X=X, training=True)
            + self.consistency_weight * divergence
            + self.entropy_weight * entropy
        )
