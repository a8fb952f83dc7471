# SPDX-License-Identifier: BSD-3-Clause
"""Weights of the classes in a vote, as the user gives them and as they are used."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np

from sksmooth._messages import listed
from sksmooth.certificates._labels import refuse_masked

# Thresholds of heavier weights round to certainty.
_LARGEST_RATIO = 1e12
_TINY = np.finfo(np.float64).tiny


def resolve_vote_weights(vote_weights, classes):
    """Turn the parameter `vote_weights` into an array in the order of the classes.

    Parameters
    ----------
    vote_weights : None, mapping of class to float, or array-like of shape (n_classes,)
        A class that a mapping leaves out has weight 1. A Series is a mapping from its
        index.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of float64 of shape (n_classes,) or None
        Weights relative to the largest, which is 1; only ratios matter. None where
        all weights are equal: the plain vote.

    Raises
    ------
    ValueError
        For an unknown class, a wrong number of weights, a weight that is not positive
        and finite, or weights that are too far apart.
    """
    if vote_weights is None:
        return None
    refuse_masked(vote_weights, "vote_weights")
    # A Series, such as 1 / y.value_counts(), has the classes as its index.
    named = hasattr(vote_weights, "iloc") and np.ndim(vote_weights) == 1
    if named and not vote_weights.index.is_unique:
        raise ValueError(
            "vote_weights is a Series with a class more than once in its index: "
            f"{list(vote_weights.index)!r:.200}. Give each class one weight."
        )
    if named or isinstance(vote_weights, Mapping):
        known = {label: position for position, label in enumerate(classes.tolist())}
        given = [1] * len(classes)
        for label, weight in vote_weights.items():
            plain = label.item() if isinstance(label, np.generic) else label
            if plain not in known:
                raise ValueError(
                    f"vote_weights names the class {label!r}, which is not among the "
                    f"classes {listed(known)}."
                )
            given[known[plain]] = weight
    else:
        given = vote_weights
    weights = _relative(given, vote_weights)
    if weights.shape != (len(classes),):
        raise ValueError(
            f"vote_weights has shape {weights.shape}; give one weight for each of "
            f"the {len(classes)} classes, in the order of classes_, or a dict "
            "{class: weight}."
        )
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"vote_weights gives class {classes.tolist()[at]!r} the weight "
            f"{_as_given(given[at])}; weights must be positive and finite. To rule a "
            "class out, leave it out of the training data."
        )
    if weights.min() * _LARGEST_RATIO < 1.0:
        light, heavy = given[np.argmin(weights)], given[np.argmax(weights)]
        raise ValueError(
            f"vote_weights range from {_as_given(light)} to {_as_given(heavy)}; beyond "
            f"a ratio of {_LARGEST_RATIO:g} the light class is never predicted. Use "
            "a smaller ratio."
        )
    return None if np.all(weights == weights[0]) else weights


def _as_given(weight):
    """A weight for a message."""
    try:
        return f"{float(weight)!r}"
    except OverflowError:
        return f"{Decimal(weight):.3g}"
    except TypeError:
        return f"{weight!r}"


def _relative(given, vote_weights):
    """Weights over the largest one, whose products with counts cannot overflow.

    Those that are not positive and finite stay so.
    """
    try:
        values = np.asarray(given, dtype=object)
        if any(isinstance(value, str | bytes) for value in values.flat):
            raise TypeError
        try:
            with np.errstate(over="ignore"):
                weights = np.asarray(given, dtype=np.float64)
        except OverflowError:
            return _relative_integers(given)
    except (TypeError, ValueError):
        raise ValueError(
            f"vote_weights holds {vote_weights!r}, which are not all numbers; weights "
            "must be positive and finite."
        ) from None
    largest = weights.max(initial=0.0, where=np.isfinite(weights))
    if largest == 0:
        return weights
    return np.where(weights > 0, np.maximum(weights / largest, _TINY), weights)


def _relative_integers(given):
    """`_relative` of integers that are beyond any float; their ratios need not be."""
    exact = [Fraction(weight) for weight in given]
    largest = max(map(abs, exact))
    return np.array([max(float(w / largest), _TINY * (w > 0)) for w in exact])
