# SPDX-License-Identifier: BSD-3-Clause
"""Which source of votes serves a fitted classifier."""

import hashlib
import warnings
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sksmooth.votes._source import Declined
from sksmooth.votes.exact import (
    ExactVotes,
    SelfCheckFailed,
    find_exact_source,
    find_linear_scores,
)
from sksmooth.votes.sampled import MonteCarloVotes, ProjectedLinearVotes
from sksmooth.votes.torch import (
    ends_in_skorch_net,
    find_torch_votes,
    votes_of_predictions,
)

# The choice must not depend on the rows of a call, or a row's answer would.
_TYPICAL_ROWS = 64

# What was found for a fitted classifier; classifiers are not written to, as
# scikit-learn asks of predict.
_closed_forms: WeakKeyDictionary = WeakKeyDictionary()
_linear_forms: WeakKeyDictionary = WeakKeyDictionary()


def find_source(model, X, *, method, n_votes):
    """Choose where votes come from.

    Parameters
    ----------
    model : Model
    X : ndarray of shape (n_samples, ...)
        Samples near which a source is compared with `predict`.
    method : {"auto", "exact", "monte_carlo"}
    n_votes : float
        How many votes per sample sampling would draw. With ``method="auto"``, a source
        that breaks even at more is passed over.

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        If ``method="exact"`` and there is no closed form; the message has the reason.
        If a device is given and votes do not come from a network on it.

    Warns
    -----
    UserWarning
        If votes come from a slower source than they could, with the reason.
    """
    for methods, find in _FINDERS:
        if method not in methods:
            continue
        try:
            source = find(model, X)
        except Declined as reason:
            if method == "exact":
                raise ValueError(
                    f"method='exact' has no closed form for {model.estimator!r}: "
                    f"{reason}. Use method='auto' or 'monte_carlo'."
                ) from None
            if isinstance(reason, SelfCheckFailed):
                _warn(f"Votes of {model.estimator!r} are sampled: {reason}.")
            continue
        if method == "exact" or source.break_even_votes <= n_votes:
            return source
    raise AssertionError("the last source serves any classifier")


def find_network(model, X):
    """Votes of a torch network."""
    try:
        return find_torch_votes(model, X)
    except Declined as reason:
        if model.device is not None:
            raise ValueError(
                f"device={model.device!r} is for networks that are asked directly, and "
                f"here `predict` has to be asked: {reason}. Use device=None."
            ) from None
        if not ends_in_skorch_net(model.estimator):
            raise
        _warn(f"Votes are asked from `predict`, which takes longer: {reason}.")
        return votes_of_predictions(model)


def find_closed_form(model, X):
    """Class probabilities without sampling."""
    form, break_even = _find(_closed_forms, find_exact_source, model, X)
    return ExactVotes(form, model.law, break_even)


def find_projected_linear(model, X):
    """Votes of linear scores, sampled in fewer dimensions."""
    (coef, intercept), _ = _find(_linear_forms, find_linear_scores, model, X)
    return ProjectedLinearVotes(coef, intercept, model)


def find_any(model, X):
    """Votes of any classifier, by its `predict`."""
    return MonteCarloVotes(model)


# In order of preference, and the values of `method` that allow each.
_FINDERS = (
    (("auto", "monte_carlo"), find_network),
    (("auto", "exact"), find_closed_form),
    (("auto",), find_projected_linear),
    (("auto", "monte_carlo"), find_any),
)


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=6)


def _find(known, find, model, X):
    """Return what `find` has for an estimator and the votes where it breaks even."""
    if not len(X):
        raise Declined("there are no samples to compare it with predict on")
    if not model.law.rotation_invariant:
        raise Declined(f"it is known under Gaussian noise only, not {model.law.name}")
    estimator = model.estimator
    state = _fitted_state(estimator)
    form, seen = known.get(estimator, (None, None))
    if seen is None or not _is_unchanged(seen, state):
        try:
            source = find(estimator, X, model.law.sigma)
        except Declined as reason:
            # A fresh exception: the traceback of this one would keep the estimator
            # alive.
            form = type(reason)(str(reason))
        else:
            # Before a table is filled: the choice must not depend on earlier calls.
            cost = getattr(source, "break_even_votes", lambda _: 0.0)(_TYPICAL_ROWS)
            form = source, cost
        known[estimator] = form, state
    if isinstance(form, Declined):
        raise type(form)(str(form))
    return form


def _fitted_state(estimator):
    """Parameters and what was fitted: others, if the classifier changed in place."""
    if isinstance(estimator, FrozenEstimator):
        return _fitted_state(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return [part for _, step in estimator.steps for part in _fitted_state(step)]
    state = []
    for name, value in getattr(estimator, "__dict__", {}).items():
        if name.startswith("__") or (name.startswith("_") and not name.endswith("_")):
            continue
        # Fitted anew, it is another object; changed in place, it has another content.
        state.append(value)
        if isinstance(value, list):
            state += value
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            state.append(hashlib.blake2b(value.tobytes()).digest())
    return state


def _is_unchanged(seen, state):
    return len(seen) == len(state) and all(map(_is_same, seen, state))


def _is_same(one, other):
    return one is other or (isinstance(one, bytes) and one == other)
