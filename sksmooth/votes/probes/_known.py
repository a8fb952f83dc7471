# SPDX-License-Identifier: BSD-3-Clause
"""Whether a classifier is known to predict each sample on its own, always the same."""

from functools import partial
from types import FunctionType, MethodType

import numpy as np
from sklearn.utils import check_array

from sksmooth._estimators import has_own_predict

# Their estimators change nothing in predict, and look at one sample at a time.
_LIBRARIES = {"catboost", "imblearn", "lightgbm", "sklearn", "sksmooth", "xgboost"}
_METHODS = ("fit", "predict", "transform")
# Types of attributes that predict nothing, which most attributes are of.
_PLAIN = {bool, bytes, float, int, str, type(None), np.float64, np.int64}
# Functions that predict does not call.
_OF_FIT = {"importance_getter", "refit", "score_func", "scoring"}


# Why closed forms and fast paths decline a classifier that is not known.
REPLACED = "a method such as predict was replaced, of it or of a part of it"


def is_known(estimator, registered=None):
    """Whether a fitted classifier is made of estimators of well-known libraries only.

    The label that any other one gives a sample may come to depend on the other samples
    of a batch, on time or on earlier calls, without a change that could be seen from
    outside, such as a flag of its class or a global variable.

    Parameters
    ----------
    estimator : fitted classifier
    registered : callable, default=None
        From an object to what is registered for its exact type, or None. Such types
        are known too, whatever library has them.

    Returns
    -------
    bool
        False if it, or an estimator inside it, is of another library, holds a function
        or has a method replaced on the object.
    """
    return _is_known(estimator, set(), registered)


def _is_known(value, seen, registered):
    if id(value) in seen:
        return True
    seen.add(id(value))
    cls, attributes = type(value), getattr(value, "__dict__", {})
    if cls.__module__.partition(".")[0] not in _LIBRARIES:
        if registered is None or registered(value) is None:
            return False
    if has_own_predict(value):
        return False
    if cls.__module__.startswith("sklearn.tree"):
        return True  # of many trees, none has parts
    return all(
        _is_harmless(item, seen, registered)
        for name, held in attributes.items()
        if not _is_plain(held) and name not in _OF_FIT
        for item in _flat(held)
    )


def _is_plain(held):
    kind = type(held)
    return kind in _PLAIN or (kind is np.ndarray and not held.dtype.hasobject)


def _is_harmless(item, seen, registered):
    if getattr(item, "func", item) is check_array:
        return True  # as histogram gradient boosting hands numbers on
    if isinstance(item, (FunctionType, MethodType, partial)):
        return False
    if isinstance(item, type) or not any(hasattr(item, name) for name in _METHODS):
        return True
    return _is_known(item, seen, registered)


def _flat(held):
    """Objects in nested containers."""
    if isinstance(held, dict):
        held = list(held.values())
    elif isinstance(held, np.ndarray):
        held = held.ravel().tolist() if held.dtype.hasobject else ()
    if isinstance(held, (list, tuple)):
        for item in held:
            yield from _flat(item)
    else:
        yield held
