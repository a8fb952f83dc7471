# SPDX-License-Identifier: BSD-3-Clause
"""Which source of votes serves a fitted classifier."""

import warnings

import numpy as np

from sksmooth.votes._cache import FormCache
from sksmooth.votes.exact import (
    Declined,
    SelfCheckFailed,
    find_exact_source,
    find_linear_scores,
)
from sksmooth.votes.sampled import MonteCarloVotes, ProjectedLinearVotes
from sksmooth.votes.torch import (
    ends_in_skorch_net,
    torch_votes_or_reason,
    votes_of_predictions,
)

_closed_forms = FormCache(find_exact_source)
_linear_forms = FormCache(find_linear_scores)


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
    as_frame=None,
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
    as_frame : callable, default=None
        Makes arrays the frames that `estimator` was fitted on, see
        `sksmooth._estimators.frames_like`. None takes the names that it states.

    Returns
    -------
    ExactSource, MonteCarloVotes, ProjectedLinearVotes or TorchVotes

    Raises
    ------
    ValueError
        If ``method="exact"`` and there is no closed form; the message has the reason.
        If `device` is given and votes do not come from a network on it.

    Warns
    -----
    UserWarning
        If votes come from a slower source than they could, with the reason.
    """
    sampled = (estimator, classes, law, key, batch_size)
    if method != "exact":
        source = torch_votes_or_reason(*sampled, X, device=device, as_frame=as_frame)
        if not isinstance(source, str):
            return source
        if device is not None:
            raise ValueError(
                f"device={device!r} is for networks that are asked directly, and here "
                f"`predict` has to be asked: {source}. Use device=None."
            )
        if ends_in_skorch_net(estimator):
            warnings.warn(
                f"Votes are asked from `predict`, which takes longer: {source}.",
                UserWarning,
                stacklevel=4,
            )
            return votes_of_predictions(*sampled, as_frame)
    if method == "monte_carlo" or len(X) == 0:
        return MonteCarloVotes(*sampled, as_frame)
    form = _closed_forms.get(estimator, X, law.sigma)
    if not (isinstance(form, Declined) or _has_classes(estimator, classes)):
        form = Declined("its classes_ are no longer those that it was fitted with")
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
    scores = _linear_forms.get(estimator, X, law.sigma)
    if isinstance(scores, Declined) or not _has_classes(estimator, classes):
        return MonteCarloVotes(*sampled, as_frame)
    return ProjectedLinearVotes(*scores[0], *sampled)


def _has_classes(estimator, classes):
    return estimator.classes_ is classes or np.array_equal(estimator.classes_, classes)
