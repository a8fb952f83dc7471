# SPDX-License-Identifier: BSD-3-Clause
"""Weights of the classes in a vote, as the user gives them and as they are used."""

from collections.abc import Mapping

import numpy as np

# Thresholds of heavier weights round to certainty.
_LARGEST_RATIO = 1e12


def resolve_vote_weights(vote_weights, classes):
    """Turn the parameter `vote_weights` into an array in the order of the classes.

    Parameters
    ----------
    vote_weights : None, mapping of class to float, or array-like of shape (n_classes,)
        A class that a mapping leaves out has weight 1.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of float64 of shape (n_classes,) or None
        None where all weights are equal: the plain vote.

    Raises
    ------
    ValueError
        For an unknown class, a wrong number of weights, a weight that is not positive
        and finite, or weights that are too far apart.
    """
    if vote_weights is None:
        return None
    if isinstance(vote_weights, Mapping):
        _check_numbers(list(vote_weights.values()))
        known = {label: position for position, label in enumerate(classes.tolist())}
        weights = np.ones(len(classes))
        for label, weight in vote_weights.items():
            plain = label.item() if isinstance(label, np.generic) else label
            if plain not in known:
                raise ValueError(
                    f"vote_weights names the class {label!r}, which is not among the "
                    f"classes {list(known)}."
                )
            weights[known[plain]] = weight
    else:
        weights = _check_numbers(vote_weights)
        if weights.shape != (len(classes),):
            raise ValueError(
                f"vote_weights has shape {weights.shape}; give one weight for each of "
                f"the {len(classes)} classes, in the order of classes_, or a dict "
                "{class: weight}."
            )
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        label, weight = classes[wrong].tolist()[0], weights[wrong].item(0)
        raise ValueError(
            f"vote_weights gives class {label!r} the weight {weight!r}; weights must "
            "be positive and finite. To rule a class out, leave it out of the training "
            "data."
        )
    if weights.max() > _LARGEST_RATIO * weights.min():
        raise ValueError(
            f"vote_weights range from {weights.min():g} to {weights.max():g}; beyond a "
            f"ratio of {_LARGEST_RATIO:g} the light class can never be answered. Use a "
            "smaller ratio."
        )
    return None if np.all(weights == weights[0]) else weights


def _check_numbers(weights):
    try:
        return np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"vote_weights holds {weights!r}, which are not all numbers; weights must "
            "be positive and finite."
        ) from None
