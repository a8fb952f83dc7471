# SPDX-License-Identifier: BSD-3-Clause
"""Training that maximizes the certified radius, without an attack."""

from __future__ import annotations

from typing import Any

import torch

from sksmooth.training._noisy_loss_net import NoisyLossNet, log_mean


class MACERNet(NoisyLossNet):
    r"""Train for a small loss and a large certified radius of the smoothed classifier.

    With z the logits and k draws of the noise, let F and G be means over the draws of
    ``softmax(z)`` and of ``softmax(beta * z)``. The loss is [1]_

    .. math:: -\log F(x)_y + \lambda \frac{\sigma}{2}
        \max\{\gamma - \xi(x, y), 0\} \, 1\{\mathrm{argmax}\,G(x) = y\},
        \quad \xi = \Phi^{-1}(G_y) - \Phi^{-1}(\max_{c \ne y} G_c):

    samples that the smoothed classifier gets right are pushed to a larger radius, which
    is :math:`\sigma \xi / 2`.

    Parameters
    ----------
    module : torch.nn.Module, class or instance
        The network.

    *args
        Passed to :class:`skorch.NeuralNetClassifier`.

    sigma : float, default=0.25
        Standard deviation of the noise, in the units of `X`.

    robust_weight : float, default=12.0
        The weight of the second term, lambda.

    gamma : float, default=8.0
        Margin: samples with a larger :math:`\xi` are left alone.

    beta : float, default=16.0
        Inverse temperature, which brings the soft classifier close to the hard one.

    n_noise : int, default=16
        Draws of the noise, k.

    random_state : int, RandomState instance or None, default=None
        See :class:`NoiseAugmentedNet`.

    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.

    See Also
    --------
    NoiseAugmentedNet : Its attributes and behavior, which this class shares.

    Notes
    -----
    Samples whose :math:`\xi` is not finite in the precision of the outputs are left
    alone, as in the authors' code. Copies are stacked in front of the samples, so
    samples may have any shape; that code mixes copies of different samples unless they
    are images.

    References
    ----------
    .. [1] R. Zhai, C. Dan, D. He, H. Zhang, B. Gong, P. Ravikumar, C.-J. Hsieh and
       L. Wang, "MACER: Attack-free and Scalable Robust Training via Maximizing
       Certified Radius", ICLR 2020, Algorithm 1.
    """

    _at_least = {"robust_weight": 0.0, "gamma": 0.0, "beta": 0.0, "n_noise": 1}

    def __init__(
        self,
        module: type[torch.nn.Module] | torch.nn.Module,
        *args: Any,
        robust_weight: float = 12.0,
        gamma: float = 8.0,
        beta: float = 16.0,
        n_noise: int = 16,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.robust_weight = robust_weight
        self.gamma = gamma
        self.beta = beta
        self.n_noise = n_noise

    def _loss(self, X, y, outputs):
        log_proba = self._log_proba_of_copies(outputs)
        loss = self._loss_of_log_proba(log_mean(log_proba), y, X)
        return loss + self.robust_weight * self._radius_loss(log_proba, y)

    def _loss_of_log_proba(self, log_proba, y, X):
        """The criterion, with its class weights, of given probabilities."""
        criterion = getattr(self.criterion_, "_orig_mod", self.criterion_)
        takes_proba = isinstance(criterion, torch.nn.NLLLoss)
        outputs = log_proba.exp() if takes_proba else log_proba
        return self.get_loss(outputs, y, X=X, training=True)

    def _radius_loss(self, log_proba, y):
        """Mean hinge loss of the certified radius, over samples that are right."""
        soft = (self.beta * log_proba).softmax(dim=-1).mean(dim=0)
        top, leader = soft.topk(2, dim=1)
        with torch.no_grad():
            quantile = torch.special.ndtri(top)
            margin = quantile[:, 0] - quantile[:, 1]
            pushed = (leader[:, 0] == y) & margin.isfinite() & (margin < self.gamma)
        # Only now with gradients: those of the samples left alone may be infinite.
        quantile = torch.special.ndtri(top[pushed])
        lacking = self.gamma - (quantile[:, 0] - quantile[:, 1])
        return self.sigma / 2 * lacking.sum() / len(y)
