# SPDX-License-Identifier: BSD-3-Clause
"""Labels that a user gives, as positions among the classes of a classifier."""

import numpy as np

from sksmooth._messages import listed
from sksmooth.certificates._certificates import class_index
from sksmooth.certificates._labels import refuse_masked


def unknown_classes(values, classes):
    """Distinct values that are not among `classes`, in order of appearance."""
    values = np.asarray(values)
    return list(dict.fromkeys(values[class_index(values, classes) < 0].tolist()))


def describe_unknown(unknown, classes, name):
    """Say that the parameter `name` holds classes that are not among `classes`."""
    return (
        f"{name} holds the classes {listed(unknown)}, which the classifier "
        f"does not know: its classes are {listed(np.asarray(classes))}."
    )


def require_known(values, classes, name="y"):
    """Position of each value in `classes`; raise if one is not among them.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Labels.
    classes : array-like of shape (n_classes,)
        Classes of the classifier.
    name : str, default="y"
        Name of the parameter that holds `values`, for the message.

    Returns
    -------
    ndarray of int of shape (n_samples,)

    Raises
    ------
    ValueError
        If a value is not among `classes`; it names the values and the classes.
    """
    refuse_masked(values, name)
    try:
        n_axes = np.ndim(values)
    except ValueError:  # lists of several lengths
        n_axes = 2
    if n_axes != 1:
        raise ValueError(f"{name} must be a list of classes, got {values!r:.200}.")
    unknown = unknown_classes(values, classes)
    if unknown:
        raise ValueError(describe_unknown(unknown, classes, name))
    return class_index(values, classes)
