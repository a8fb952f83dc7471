# SPDX-License-Identifier: BSD-3-Clause
"""Which source of votes serves a fitted classifier."""

import hashlib
import warnings
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sksmooth.votes.exact import (
    Declined,
    SelfCheckFailed,
    find_exact_source,
    find_linear_scores,
)
from sksmooth.votes.probes import probe_once
from sksmooth.votes.sampled import MonteCarloVotes, ProjectedLinearVotes
from sksmooth.votes.torch import (
    ends_in_skorch_net,
    torch_votes_or_reason,
    votes_of_predictions,
)

# The choice must not depend on the rows of a call, or a row's answer would.
_TYPICAL_ROWS = 64

# What was found for a fitted classifier; classifiers are not written to, as
# scikit-learn asks of predict.
_closed_forms: WeakKeyDictionary = WeakKeyDictionary()
_linear_forms: WeakKeyDictionary = WeakKeyDictionary()


def find_source(
    estimator,
    classes,
    law,
    key,
    batch_size,
    *,
    method,
    X,
    expected_votes,
    device=None,
):
    """Choose where votes come from.

    Parameters
    ----------
    estimator : fitted classifier
    classes : ndarray of shape (n_classes,)
    law : Gaussian
    key : bytes
    batch_size : int
        As for `MonteCarloVotes`.
    method : {"auto", "exact", "monte_carlo"}
    X : ndarray of shape (n_rows, ...)
        Rows near which closed forms are compared with `predict`.
    expected_votes : float
        How many votes per row sampling would draw for the question. With
        ``method="auto"``, a closed form that costs more than them is passed over.
    device : str or torch.device, default=None
        Where a network votes.

    Returns
    -------
    ExactSource, MonteCarloVotes, ProjectedLinearVotes or TorchVotes

    Raises
    ------
    ValueError
        If the label of a sample depends on the rest of its batch.
        If ``method="exact"`` and there is no closed form; the message has the reason.
        If `device` is given and votes do not come from a network on it.

    Warns
    -----
    UserWarning
        If votes come from a slower source than they could, with the reason.
    """
    sampled = (estimator, classes, law, key, batch_size)
    if method != "exact":
        source = torch_votes_or_reason(*sampled, X, device=device)
        if not isinstance(source, str):
            return probe_once(source, estimator, X, is_network=True)
        if device is not None:
            raise ValueError(
                f"device={device!r} is for networks of torch that are called "
                f"directly, and here votes come from estimator.predict: {source}. "
                "Use device=None; an estimator that has a device of its own keeps it."
            )
        if ends_in_skorch_net(estimator):
            warnings.warn(
                f"Votes are asked from `predict`, which takes longer: {source}.",
                UserWarning,
                stacklevel=4,
            )
            return probe_once(votes_of_predictions(*sampled), estimator, X)
    if method == "monte_carlo" or len(X) == 0:
        return probe_once(MonteCarloVotes(*sampled), estimator, X)
    form = _find(_closed_forms, find_exact_source, estimator, X, law.sigma)
    if not isinstance(form, Declined):
        source, break_even = form
        if method == "exact" or break_even <= expected_votes:
            return source
    elif method == "exact":
        raise ValueError(
            f"method='exact' has no closed form for {estimator!r}: {form}. Use "
            "method='auto' or 'monte_carlo'."
        )
    elif isinstance(form, SelfCheckFailed):
        warnings.warn(
            f"Votes of {estimator!r} are sampled: {form}.", UserWarning, stacklevel=4
        )
    scores = _find(_linear_forms, find_linear_scores, estimator, X, law.sigma)
    if isinstance(scores, Declined):
        return probe_once(MonteCarloVotes(*sampled), estimator, X)
    return ProjectedLinearVotes(*scores[0], *sampled)


def probe_fitted(estimator, classes, law, key, batch_size, X):
    """Probe a classifier on the samples it was fitted on; see `probe_once`."""
    if not ends_in_skorch_net(estimator):  # whose network is probed before it votes
        source = MonteCarloVotes(estimator, classes, law, key, batch_size)
        probe_once(source, estimator, X)


def _find(known, find, estimator, X, sigma):
    """What `find` has for an estimator and its break-even votes, or why not."""
    state = _fitted_state(estimator)
    if estimator in known:
        form, seen = known[estimator]
        if len(seen) == len(state) and all(map(_is_same, seen, state)):
            return form
    try:
        source = find(estimator, X, sigma)
    except Declined as reason:
        # Without the traceback, which would keep the estimator alive.
        form = type(reason)(str(reason))
    else:
        # Asked once, before a table is filled: the choice must not depend on what was
        # asked before.
        cost = getattr(source, "break_even_votes", lambda _: 0.0)(_TYPICAL_ROWS)
        form = source, cost
    known[estimator] = form, state
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


def _is_same(one, other):
    return one is other or (isinstance(one, bytes) and one == other)
