# SPDX-License-Identifier: BSD-3-Clause
"""Class labels on disk: those that read back as they are, and the others refused."""

import json

import numpy as np


def as_labels(values):
    """Labels as a one-dimensional array that holds each of them as it is.

    Parameters
    ----------
    values : sequence of scalars

    Returns
    -------
    ndarray
        Of dtype object where `numpy` would turn one kind of label into another, as it
        turns ``[1, "a"]`` into strings.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # sequences of different lengths
        array = None
    if array is None or (array.ndim == 1 and _kinds(array.tolist()) != _kinds(values)):
        array = np.empty(len(values), dtype=object)
        array[:] = values
    return array


def check_labels(labels, name):
    """Refuse labels that would not read back from text as they are.

    Parameters
    ----------
    labels : ndarray or list
    name : str
        What they are, for the message.

    Raises
    ------
    TypeError
        If one is neither a bool nor a number nor a string.
    ValueError
        If one would read back as another label.
    """
    if isinstance(labels, np.ndarray):
        # One by one: a whole array of dates would become one of numbers.
        labels = (
            labels.ravel() if labels.dtype.kind in "mM" else labels.ravel().tolist()
        )
    seen = set()
    for label in labels:
        value = label if type(label) in (bool, int, float, str) else plain(label)
        if (type(value), value) in seen:
            continue
        seen.add((type(value), value))
        try:
            again = json.loads(json.dumps(value))
        except ValueError:  # an integer of thousands of digits
            again = None
        if again != value:
            raise ValueError(
                f"{name} holds the label {value!r:.80}, which would read back from a "
                f"log as {again!r:.80}. Encode the labels, as integers or as plain "
                "strings."
            )


def plain(value):
    """Return a scalar as a type that JSON has."""
    if isinstance(value, np.generic):
        if value.dtype.kind in "biufU":
            value = value.item()
    if isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    raise TypeError(
        f"{value!r:.80} of type {type(value).__name__} cannot be written to a log: "
        "classes and labels must be bools, numbers or strings."
    )


def _kinds(labels):
    """The labels with their types: 1, 1.0 and True are three labels."""
    labels = [x.item() if isinstance(x, np.generic) else x for x in labels]
    return [(type(label), label) for label in labels]
