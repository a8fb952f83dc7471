# SPDX-License-Identifier: BSD-3-Clause
"""Votes of torch networks, by calling the module instead of `predict`.

Nothing here imports torch: without it there is no network. What does lives in
the other modules of this folder, which are imported once a network is given.
"""

import sys
from dataclasses import replace

import numpy as np

from sksmooth._estimators import layers
from sksmooth._messages import listed
from sksmooth.certificates import LabelIndex
from sksmooth.votes._source import Declined
from sksmooth.votes.sampled import MonteCarloVotes

__all__ = [
    "as_classifier",
    "encode_for_net",
    "ends_in_skorch_net",
    "find_torch_votes",
    "is_bare_network",
    "is_module",
    "refuse_module",
    "votes_of_predictions",
]


def find_torch_votes(model, X):
    """Find the source that calls the network itself.

    Parameters
    ----------
    model : Model
        Its estimator is a skorch classifier or a `ModuleClassifier`, bare or in
        wrappers, see `sksmooth._estimators.layers`; its classes are in the order of the
        network's outputs.
    X : ndarray of shape (n_samples, ...)
        The samples of the call. A few of them are used to check that the network
        predicts what `predict` does, and each sample on its own.

    Returns
    -------
    TorchVotes

    Raises
    ------
    Declined
        If votes have to come from `predict`; the message says why.
    ValueError
        If the network cannot be smoothed: its outputs do not fit the classes, the
        prediction for a sample is random or depends on the other samples, or the
        device is not there.
    """
    if "torch" not in sys.modules:
        # Of most calls it is not shown, and finding the name takes time.
        name = "it" if model.device is None else _name(model.estimator)
        raise Declined(f"{name} is not a network")
    from sksmooth.votes.torch._dispatch import find_votes

    return find_votes(model, X)


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
    if is_module(clf):
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
            f"{', '.join(given)} can be given with a bare torch module only (classes "
            f"with a function too), and clf={_name(clf)} is not one.{hint}"
        )
    return clf


def is_module(clf):
    """Whether `clf` is a torch module that does not state its classes."""
    torch = sys.modules.get("torch")
    return (
        torch is not None
        and isinstance(clf, torch.nn.Module)
        and not hasattr(clf, "classes_")
    )


def is_bare_network(estimator):
    """Whether samples reach a network without any transformer before it.

    A network takes arrays: to skorch a DataFrame is several inputs.
    """
    transformers, core = layers(estimator, exact=True)
    wrapped = sys.modules.get(f"{__name__}._module_classifier")
    is_network = ends_in_skorch_net(core) or (
        wrapped is not None and isinstance(core, wrapped.ModuleClassifier)
    )
    return is_network and not transformers


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

    Such a net takes labels 0..K-1 of dtype int64, and samples of the dtype of its
    module.
    """
    skorch = sys.modules.get("skorch")
    if skorch is None:
        return False
    return isinstance(layers(estimator, exact=True).core, skorch.NeuralNet)


def votes_of_predictions(model):
    """Build the source that calls `predict` of a skorch net, which gives positions.

    Parameters
    ----------
    model : Model
        Its classes are labels in the order of the net's outputs.
    """
    from sksmooth.votes.torch._net_predictions import NetPredictions

    predictions = NetPredictions(
        model.estimator, layers(model.estimator, exact=True).core
    )
    positions = np.arange(len(model.classes))
    source = MonteCarloVotes(replace(model, estimator=predictions, classes=positions))
    source.classes = model.classes
    return source


def encode_for_net(estimator, X, y):
    """Samples, labels and classes in the form that a skorch net is fitted on.

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
    net = layers(estimator, exact=True).core
    is_binary = isinstance(net, sys.modules["skorch"].NeuralNetBinaryClassifier)
    labels, codes = np.unique(y, return_inverse=True)
    classes = labels
    if not is_binary and net.classes is not None and len(net.classes):
        classes = np.asarray(net.classes)
        unknown = [label for label in labels.tolist() if label not in classes.tolist()]
        if unknown:
            raise ValueError(
                f"y holds the labels {listed(unknown)}, which are not in the net's "
                f"classes={listed(classes)}."
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


def _name(estimator):
    return type(layers(estimator, exact=True).core).__name__
