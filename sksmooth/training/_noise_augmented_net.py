# SPDX-License-Identifier: BSD-3-Clause
"""A network trained on noisy samples, with fresh noise for each batch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNetClassifier
from skorch.dataset import unpack_data
from skorch.utils import to_tensor

from sksmooth._arguments import as_float, check_whole_number
from sksmooth._typing import RandomState


class NoiseAugmentedNet(NeuralNetClassifier):
    r"""A skorch classifier that adds fresh Gaussian noise to every training batch.

    It minimizes the loss of the base classifier under noise,
    :math:`E_{\delta \sim N(0, \sigma^2 I)}[\ell(f(x + \delta), y)]` [1]_, by one draw
    of the noise for each sample and epoch. Validation and prediction see samples as
    they are. Everything else is :class:`skorch.NeuralNetClassifier`: callbacks get the
    batch as it was loaded, and ``sigma`` can be set by :class:`GridSearchCV
    <sklearn.model_selection.GridSearchCV>`.

    Parameters
    ----------
    module : torch.nn.Module, class or instance
        The network. As in skorch, it gives logits with
        ``criterion=torch.nn.CrossEntropyLoss`` and probabilities with the default
        criterion ``torch.nn.NLLLoss``.

    *args
        Passed to :class:`skorch.NeuralNetClassifier`.

    sigma : float, default=0.25
        Standard deviation of the noise, in the units of `X`.

    random_state : int, RandomState instance or None, default=None
        Determines the noise, and with it everything else that is random in `fit`:
        initial weights, the order of samples and dropout. The global generator of torch
        is left as it was. With None, all of it is drawn from that generator.

    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`: ``criterion``, ``optimizer``,
        ``lr``, ``max_epochs``, ``callbacks`` and so on.

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained network.

    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`.

    history : skorch.history.History
        Losses and scores by epoch.

    See Also
    --------
    NoiseAugmentedClassifier : Noise augmentation of any classifier.
    SmoothAdvNet : Training on adversarial examples of the smoothed classifier.
    MACERNet : Training that maximizes the certified radius.
    ConsistencyNet : Training for predictions that agree under noise.

    Notes
    -----
    Networks need samples of dtype float32 and labels 0..K-1 of dtype int64.
    :class:`~sksmooth.SmoothedClassifier` converts both.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld and J. Z. Kolter, "Certified Adversarial Robustness
       via Randomized Smoothing", ICML 2019, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from torch import nn
    >>> from sksmooth.training import NoiseAugmentedNet
    >>> X, y = load_iris(return_X_y=True)
    >>> net = NoiseAugmentedNet(
    ...     nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)),
    ...     criterion=nn.CrossEntropyLoss,
    ...     optimizer=torch.optim.Adam,
    ...     sigma=0.25,
    ...     random_state=0,
    ...     max_epochs=20,
    ...     verbose=0,
    ... )
    >>> net = net.fit(X.astype(np.float32), y.astype(np.int64))
    >>> len(net.history)
    20
    """

    # Smallest values of the parameters of a subclass.
    _at_least: dict = {}

    def __init__(
        self,
        module: type[torch.nn.Module] | torch.nn.Module,
        *args: Any,
        sigma: float = 0.25,
        random_state: RandomState = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, *args, **kwargs)
        self.sigma = sigma
        self.random_state = random_state

    def initialize(self) -> Self:
        """Initialize all parts of the net, weights included.

        Returns
        -------
        self : NoiseAugmentedNet
            This net.
        """
        self.random_state_ = check_random_state(self.random_state)
        with self._seeded():
            return super().initialize()

    def fit_loop(
        self, X: Any, y: Any = None, epochs: int | None = None, **kwargs: Any
    ) -> Self:
        """Train for some epochs; see :meth:`skorch.NeuralNet.fit_loop`.

        Parameters
        ----------
        X : array-like or Dataset
            Training data, as `fit` takes it.
        y : array-like, default=None
            Labels; None if `X` holds them.
        epochs : int, default=None
            Number of epochs; None takes ``max_epochs``.
        **kwargs : dict
            Passed to the module and to ``train_split``.

        Returns
        -------
        self : NoiseAugmentedNet
            This net.

        Raises
        ------
        ValueError
            If `sigma` or another parameter of the training is out of range.
        """
        self._check_training_params()
        with self._seeded():
            return super().fit_loop(X, y, epochs=epochs, **kwargs)

    def train_step_single(
        self, batch: Any, **fit_params: Any
    ) -> dict[str, torch.Tensor]:
        """Loss and gradients of one batch, under noise.

        Parameters
        ----------
        batch : tuple of (X, y)
            As the training iterator loads it.
        **fit_params : dict
            Passed to the module.

        Returns
        -------
        dict
            The ``loss``, and ``y_pred``, the outputs for the noisy samples.
        """
        X, y = unpack_data(batch)
        X = self._rows(X)
        return super().train_step_single((X + self._noise(X), y), **fit_params)

    def _rows(self, X):
        """The samples of a batch on the device."""
        X = to_tensor(X, device=self.device)
        if not isinstance(X, torch.Tensor) or not X.is_floating_point():
            kind = getattr(X, "dtype", type(X).__name__)
            raise TypeError(
                f"{type(self).__name__} adds noise to samples, which must be one array "
                f"of floating point numbers; X holds {kind}. Use X.astype('float32')."
            )
        return X

    def _noise(self, X, *n_draws):
        """Noise for each sample, of shape ``(*n_draws, *X.shape)``."""
        noise = torch.randn(*n_draws, *X.shape, dtype=X.dtype, device=X.device)
        return self.sigma * noise

    def _log_proba(self, outputs):
        """Log-probabilities of the classes, as the criterion reads the outputs."""
        criterion = getattr(self.criterion_, "_orig_mod", self.criterion_)
        if isinstance(criterion, torch.nn.CrossEntropyLoss):
            return outputs.log_softmax(dim=-1)
        if isinstance(criterion, torch.nn.NLLLoss):
            # skorch takes the logarithm itself, in the same way.
            return (outputs + torch.finfo(outputs.dtype).eps).log()
        raise ValueError(
            f"criterion={self.criterion!r}: {type(self).__name__} has to read outputs "
            "as probabilities. Use torch.nn.CrossEntropyLoss with a module that gives "
            "logits, or torch.nn.NLLLoss with one that gives probabilities."
        )

    def _check_training_params(self):
        if not 0 < as_float(self.sigma) < np.inf:
            raise ValueError(
                f"sigma={self.sigma!r:.200} must be a finite number above 0."
            )
        for name, least in self._at_least.items():
            value = getattr(self, name)
            if isinstance(least, int):
                check_whole_number(name, value, least)
            elif not least <= as_float(value) < np.inf:
                raise ValueError(
                    f"{name}={value!r:.200} must be a number, {least} or more."
                )

    @contextmanager
    def _seeded(self):
        """Draw from a generator that `random_state` seeds, if it is given."""
        if self.random_state is None:
            yield
            return
        seed = self.random_state_.randint(np.iinfo(np.int32).max)
        device = torch.device(self.device or "cpu")
        on_cpu = device.type == "cpu"
        with torch.random.fork_rng(
            devices=[] if on_cpu else [device],
            device_type="cuda" if on_cpu else device.type,
        ):
            torch.manual_seed(seed)
            yield
