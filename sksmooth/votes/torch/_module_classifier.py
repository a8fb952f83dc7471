# SPDX-License-Identifier: BSD-3-Clause
"""A trained torch module with the manners of a fitted classifier."""

from functools import partial

import numpy as np
import torch

from sksmooth.votes._function_classifier import TrainedElsewhere, check_labels
from sksmooth.votes.torch._network import Network, lead_of_scores_or_logit
from sksmooth.votes.torch._sources import check_no_nan

_ROWS_AT_ONCE = 256


class ModuleClassifier(TrainedElsewhere):
    """A torch module that is trained already, as a fitted classifier.

    Precision belongs to the classifier: with `autocast`, what is smoothed and
    certified is the network of that precision, not the one of full precision.

    Parameters
    ----------
    module : torch.nn.Module
        Takes samples as a tensor of its own dtype and device. It gives one score for
        each class, the largest wins, or for two classes one logit, above 0 for the
        second; of several outputs the first counts.
    classes : array-like of shape (n_classes,)
        Labels in the order of the outputs.
    autocast : torch.dtype, default=None
        ``torch.bfloat16`` or ``torch.float16``: run the module under
        :class:`torch.autocast`.
    channels_last : bool, default=False
        Hand over samples of three axes, images, with channels last in memory. It
        changes speed only, if ``module.to(memory_format=torch.channels_last)`` was
        called.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    """

    def __init__(self, module, classes, *, autocast=None, channels_last=False):
        self.module = module
        self.classes = classes
        self.autocast = autocast
        self.channels_last = channels_last
        check_labels(classes, "one for each output of the module")
        if autocast not in (None, torch.bfloat16, torch.float16):
            raise ValueError(
                f"autocast={autocast!r} must be torch.bfloat16, torch.float16 or None."
            )

    def fit(self, X, y):
        """Refuse: the module is trained outside."""
        raise NotImplementedError(
            "a bare torch module cannot be fitted here. Train it yourself, or use a "
            "net of skorch."
        )

    def predict(self, X):
        """Label that the module gives each sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = torch.from_numpy(np.array(X, order="C"))
        network = self.network()
        with network.evaluating():
            votes = [network.votes(rows).cpu() for rows in X.split(_ROWS_AT_ONCE)]
        votes = torch.cat(votes).numpy()
        check_no_nan((votes == len(self.classes_)).sum())
        return self.classes_[votes]

    def network(self, device=None):
        """The module with its reading of outputs, on a device."""
        n_classes = len(self.classes_)
        return Network(
            self.module,
            partial(lead_of_scores_or_logit, n_classes=n_classes),
            n_classes,
            device=device,
            autocast=self.autocast,
            channels_last=self.channels_last,
        )
