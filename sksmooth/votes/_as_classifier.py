# SPDX-License-Identifier: BSD-3-Clause
"""Whatever predicts labels, as a fitted classifier."""

import numpy as np

from sksmooth._estimators import frames_of, is_classifier, is_no_classifier
from sksmooth.samples import values_of
from sksmooth.votes import torch
from sksmooth.votes._function_classifier import FunctionClassifier
from sksmooth.votes._source import Model
from sksmooth.votes.sampled import MonteCarloVotes


def as_classifier(clf, *, classes=None, **options):
    """Return a fitted classifier that predicts what `clf` does.

    Parameters
    ----------
    clf : classifier, torch.nn.Module, callable, or any object with a method predict
        A classifier of scikit-learn's kind is returned as it is.
    classes : array-like of shape (n_classes,), default=None
        Labels, for a `clf` that does not state them.
    **options : dict
        `autocast` and `channels_last` of a torch module.

    Raises
    ------
    TypeError
        If `clf` predicts something else than labels, if it does not state its classes
        and `classes` is missing, or if something is given that is not for it.
    """
    if isinstance(clf, type):
        raise TypeError(
            f"clf={clf.__name__} is a class; pass a fitted instance, "
            f"{clf.__name__}(...).fit(X, y)."
        )
    if torch.is_module(clf) or not _needs_wrapping(clf, classes):
        return torch.as_classifier(clf, classes=classes, **options)
    given = [name for name, value in options.items() if value]
    if given:
        raise TypeError(
            f"{', '.join(given)} can be given with a bare torch module only, and "
            f"clf={clf!r} is not one."
        )
    function = getattr(clf, "predict", clf)
    if classes is None:
        classes = getattr(clf, "classes_", None)
    if classes is None:
        raise TypeError(
            f"clf={clf!r} does not state its labels, in an attribute classes_: pass "
            "classes=[...], all labels that it can predict."
        )
    wrapped = FunctionClassifier(function, classes)
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(clf, name):
            setattr(wrapped, name, getattr(clf, name))
    return wrapped


def _needs_wrapping(clf, classes):
    """Whether it predicts labels without being a classifier of scikit-learn's kind."""
    if is_no_classifier(clf) or not (hasattr(clf, "predict") or callable(clf)):
        return False
    if not is_classifier(clf):
        return True
    return classes is not None and not hasattr(clf, "classes_")


def predict_labels(estimator, classes, X, as_frame=None):
    """Labels that a base classifier predicts, without noise, as votes count them.

    Parameters
    ----------
    estimator : fitted classifier
    classes : ndarray of shape (n_classes,)
        Its labels; a net of skorch predicts positions among them.
    X : ndarray of shape (n_samples, ...)
    as_frame : callable, default=None
        As for `MonteCarloVotes`.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    is_net = torch.ends_in_skorch_net(estimator)
    source_of = torch.votes_of_predictions if is_net else MonteCarloVotes
    as_frame = as_frame or frames_of(estimator)
    model = Model(estimator, classes, None, b"", len(X), as_frame=as_frame)
    source = source_of(model)
    return np.asarray(classes)[source.vote(values_of(X), X, np.arange(len(X)))]
