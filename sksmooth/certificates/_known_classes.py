# SPDX-License-Identifier: BSD-3-Clause
"""Labels that a user gives, as positions among the classes of a classifier."""

import numpy as np

from sksmooth.certificates._certificates import class_index

_MOST_NAMED = 10


def unknown_labels(values, classes):
    """Distinct values that are not among `classes`, in order of appearance."""
    values = np.asarray(values)
    return list(dict.fromkeys(values[class_index(values, classes) < 0].tolist()))


def name_some(labels):
    """Write a list of labels for a message, cut short after ten."""
    more = f" and {len(labels) - _MOST_NAMED} more" * (len(labels) > _MOST_NAMED)
    return f"{labels[:_MOST_NAMED]}{more}"


def require_known(values, classes, name="y", *, of="the classifier"):
    """Position of each value in `classes`; raise if one is not among them.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        Labels.
    classes : array-like of shape (n_classes,)
        Classes.
    name : str, default="y"
        Name of the parameter that holds `values`, for the message.
    of : str, default="the classifier"
        What has these classes, for the message.

    Returns
    -------
    ndarray of int of shape (n_samples,)

    Raises
    ------
    ValueError
        If a value is not among `classes`; it names the values and the classes.
    """
    unknown = unknown_labels(values, classes)
    if unknown:
        raise ValueError(
            f"{name} holds {name_some(unknown)}, which are not among the classes "
            f"{np.asarray(classes).tolist()} of {of}."
        )
    return class_index(values, classes)
