# SPDX-License-Identifier: BSD-3-Clause
"""Votes of torch networks, by calling the module instead of `predict`.

Nothing here imports torch: without it there is no network to ask. What does lives in
the other modules of this folder, which are imported once a network is given.
"""

import sys

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sksmooth.certificates import LabelIndex
from sksmooth.votes.sampled import MonteCarloVotes

__all__ = [
    "as_classifier",
    "encode_for_net",
    "ends_in_skorch_net",
    "refuse_module",
    "torch_votes_or_reason",
    "votes_of_predictions",
]


def torch_votes_or_reason(estimator, classes, law, key, batch_size, X, *, device=None):
    """A source that asks the network itself, or the reason why there is none.

    Parameters
    ----------
    estimator : fitted classifier
        A skorch classifier or a `ModuleClassifier`, bare, frozen, or last in a
        Pipeline.
    classes : ndarray of shape (n_classes,)
        Labels in the order of the network's outputs.
    law : Gaussian
        The noise.
    key : bytes
        The smoothed classifier's key.
    batch_size : int
        Most noisy copies that are made at a time.
    X : ndarray of shape (n_rows, ...)
        The rows that are to be voted on. A few of them are used to check that the
        network answers as `predict` does, and each row on its own.
    device : str or torch.device, default=None
        Where to vote; None is where the network is.

    Returns
    -------
    TorchVotes or str
        With a str, `predict` has to be asked; it says why.

    Raises
    ------
    ValueError
        If the network cannot be smoothed: its outputs do not fit the classes, the
        answer for a row is random or depends on the other rows, or `device` is not
        there.
    """
    if "torch" not in sys.modules:
        return f"{_name(estimator)} is not a network"
    from sksmooth.votes.torch._dispatch import find_votes

    return find_votes(estimator, classes, law, key, batch_size, X, device)


def as_classifier(clf, *, classes=None, **options):
    """Wrap a bare torch module as a fitted classifier; give others back as they are.

    Parameters
    ----------
    clf : torch.nn.Module or classifier
    classes : array-like of shape (n_classes,), default=None
        Labels in the order of the module's outputs; needed for a module only.
    **options : dict
        `autocast` and `channels_last` of `ModuleClassifier`.

    Raises
    ------
    TypeError
        If `classes` is missing for a module, or anything is given for a classifier.
    """
    torch = sys.modules.get("torch")
    is_module = torch is not None and isinstance(clf, torch.nn.Module)
    if is_module and not hasattr(clf, "classes_"):
        if classes is None:
            raise TypeError(
                f"clf={type(clf).__name__} is a torch module, which does not know its "
                "labels: pass classes=[...], in the order of its outputs."
            )
        from sksmooth.votes.torch._module_classifier import ModuleClassifier

        return ModuleClassifier(clf, classes, **options)
    given = {"classes": classes, **options}
    given = [n for n, v in given.items() if v is not None and v is not False]
    if given:
        hint = " Pass clf.module_ with them." if ends_in_skorch_net(clf) else ""
        raise TypeError(
            f"{', '.join(given)} can be given with a bare torch module only, and "
            f"clf={_name(clf)} is not one.{hint}"
        )
    return clf


def refuse_module(estimator):
    """Refuse a bare torch module where an estimator is fitted.

    Raises
    ------
    TypeError
        The message says how to smooth a module.
    """
    torch = sys.modules.get("torch")
    is_module = torch is not None and isinstance(estimator, torch.nn.Module)
    if is_module and not hasattr(estimator, "fit"):
        raise TypeError(
            f"estimator={type(estimator).__name__} is a torch module, which has no "
            "method fit. For a trained module use SmoothedClassifier.from_fitted("
            "module, classes=[...]); to train it in fit, pass a skorch."
            "NeuralNetClassifier."
        )


def ends_in_skorch_net(estimator):
    """Whether an estimator is a skorch net, or a Pipeline that ends in one.

    Such a net takes labels 0..K-1 of dtype int64, and rows of the dtype of its module.
    """
    skorch = sys.modules.get("skorch")
    if skorch is None:
        return False
    return isinstance(unwrap(estimator)[1], skorch.NeuralNet)


def votes_of_predictions(estimator, classes, law, key, batch_size):
    """A source that asks `predict` of a skorch net, which answers positions.

    Parameters are those of `MonteCarloVotes`; `classes` are labels in the order of the
    net's outputs.
    """
    from sksmooth.votes.torch._net_predictions import NetPredictions

    predictions = NetPredictions(estimator, unwrap(estimator)[1])
    source = MonteCarloVotes(predictions, np.arange(len(classes)), law, key, batch_size)
    source.classes = classes
    return source


def encode_for_net(estimator, X, y):
    """Rows, labels and classes in the form that a skorch net is fitted on.

    Parameters
    ----------
    estimator : skorch net, or Pipeline that ends in one
    X : ndarray or DataFrame
        An array is cast to float32, or to float64 for a module of float64.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    X : ndarray or DataFrame
    codes : ndarray of int64, or of float32 for a binary net
        Positions in `classes`.
    classes : ndarray of shape (n_classes,)
        The net's own parameter `classes`, if it is set, or the labels in `y`, sorted.

    Raises
    ------
    ValueError
        If `y` holds labels that are not in the net's `classes`, or a binary net is
        given other than two.
    """
    net = unwrap(estimator)[1]
    is_binary = isinstance(net, sys.modules["skorch"].NeuralNetBinaryClassifier)
    labels, codes = np.unique(y, return_inverse=True)
    classes = labels
    if not is_binary and net.classes is not None and len(net.classes):
        classes = np.asarray(net.classes)
        unknown = [label for label in labels.tolist() if label not in classes.tolist()]
        if unknown:
            raise ValueError(
                f"y holds the labels {unknown}, which are not in the net's "
                f"classes={classes.tolist()}."
            )
        codes = LabelIndex(classes).positions(labels, len(labels))[codes]
    if is_binary and len(classes) != 2:
        raise ValueError(
            f"y holds {len(classes)} classes and {type(net).__name__} takes two; use "
            "skorch.NeuralNetClassifier."
        )
    if isinstance(X, np.ndarray):
        from sksmooth.votes.torch._net_predictions import dtype_of_module

        # Tensors share memory with what they are made of, and want to write to it.
        X = np.require(X, dtype_of_module(net), requirements="W")
    return X, codes.astype(np.float32 if is_binary else np.int64), classes


def unwrap(estimator):
    """The steps that transform rows, and the classifier behind them.

    Frozen estimators and Pipelines are taken apart; other meta-estimators are not.
    """
    before = []
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif type(estimator) is Pipeline:
            if len(estimator.steps) > 1:
                before.append(estimator[:-1])
            estimator = estimator.steps[-1][1]
        else:
            return before, estimator


def _name(estimator):
    return type(unwrap(estimator)[1]).__name__
