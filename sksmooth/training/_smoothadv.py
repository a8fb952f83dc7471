# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial training of the smoothed classifier."""

from __future__ import annotations

from typing import Any

import torch

from sksmooth.training._noisy_loss_net import NoisyLossNet, log_mean


class SmoothAdvNet(NoisyLossNet):
    r"""Train on noisy copies of adversarial examples against the smoothed classifier.

    For each sample, an attack looks within distance `epsilon` for the point where the
    smoothed soft classifier, with probabilities F, does worst [1]_,

    .. math:: \hat x = \mathrm{argmax}_{\|x' - x\| \le \epsilon} \;
        -\log \frac{1}{m} \sum_{i=1}^m F(x' + \delta_i)_y,

    by projected gradient ascent with the same m draws of the noise in all steps. The
    loss is then the mean of the criterion over the samples :math:`\hat x + \delta_i`.

    Parameters
    ----------
    module : torch.nn.Module, class or instance
        The network.

    *args
        Passed to :class:`skorch.NeuralNetClassifier`.

    sigma : float, default=0.25
        Standard deviation of the noise, in the units of `X`.

    epsilon : float, default=0.25
        Largest distance of the adversarial example, in the units of `X`.

    n_steps : int, default=2
        Steps of the attack, each of length ``2 * epsilon / n_steps``.

    n_noise : int, default=2
        Draws of the noise, m.

    warmup_epochs : int, default=10
        `epsilon` grows linearly up to this epoch.

    random_state : int, RandomState instance or None, default=None
        See :class:`NoiseAugmentedNet`.

    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.

    See Also
    --------
    NoiseAugmentedNet : Its attributes and behavior, which this class shares.

    Notes
    -----
    A batch costs `n_steps` + 1 passes over `n_noise` copies. The network is in eval
    mode during the attack and in training mode for the loss, as in the authors' code.

    References
    ----------
    .. [1] H. Salman, G. Yang, J. Li, P. Zhang, H. Zhang, I. Razenshteyn and S. Bubeck,
       "Provably Robust Deep Learning via Adversarially Trained Smoothed Classifiers",
       NeurIPS 2019, section 2.2, the objective SmoothAdv and its plug-in gradient.
    """

    _at_least = {"epsilon": 0.0, "n_steps": 1, "n_noise": 1, "warmup_epochs": 0}

    def __init__(
        self,
        module: type[torch.nn.Module] | torch.nn.Module,
        *args: Any,
        epsilon: float = 0.25,
        n_steps: int = 2,
        n_noise: int = 2,
        warmup_epochs: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.epsilon = epsilon
        self.n_steps = n_steps
        self.n_noise = n_noise
        self.warmup_epochs = warmup_epochs

    def _centers(self, X, y, noise, **fit_params):
        self._set_training(False)
        return self.attack(X, y, noise, **fit_params)

    def _loss(self, X, y, outputs):
        return self.get_loss(outputs, y.repeat(self.n_noise), X=X, training=True)

    def attack(
        self, X: torch.Tensor, y: torch.Tensor, noise: torch.Tensor, **fit_params: Any
    ) -> torch.Tensor:
        """Look for samples nearby on which the smoothed soft classifier does worst.

        Parameters
        ----------
        X : tensor of shape (n_samples, ...)
            Samples to start from.
        y : int64 tensor of shape (n_samples,)
            Their labels, as positions of the outputs.
        noise : tensor of shape (n_noise, n_samples, ...)
            The draws that the smoothed classifier is estimated from.
        **fit_params : dict
            Passed to the module.

        Returns
        -------
        tensor of shape (n_samples, ...)
            Samples within distance `epsilon`, or less while that warms up.
        """
        epsilon = self.epsilon * self._warmth()
        shift = torch.zeros_like(X)
        if epsilon == 0:
            return X
        for _ in range(self.n_steps):
            shift.requires_grad_()
            outputs = self.infer((X + shift + noise).flatten(0, 1), **fit_params)
            log_proba = self._log_proba(outputs).unflatten(0, noise.shape[:2])
            loss = -log_mean(log_proba).gather(1, y[:, None]).sum()
            (slope,) = torch.autograd.grad(loss, shift)
            step = 2 * epsilon / self.n_steps
            shift = shift.detach() + step * slope / _norm(slope).clamp_min(1e-12)
            shift = shift * (epsilon / _norm(shift).clamp_min(1e-12)).clamp_max(1.0)
        return X + shift

    def _warmth(self):
        """Share of `epsilon` in use in the current epoch, counted from 1."""
        if self.warmup_epochs == 0:
            return 1.0
        return min(1.0, max(1, len(self.history)) / self.warmup_epochs)


def _norm(rows):
    """Euclidean norm of each sample, shaped to broadcast against the samples."""
    norm = rows.flatten(1).norm(dim=1)
    return norm.reshape(-1, *[1] * (rows.dim() - 1))
