# SPDX-License-Identifier: BSD-3-Clause
"""Which source of votes serves a fitted classifier."""

import warnings
from dataclasses import replace

import numpy as np

from sksmooth._estimators import frames_of
from sksmooth.samples import Counts, Table, has_missing, unit_values_of
from sksmooth.votes._cache import FormCache
from sksmooth.votes._fast_votes import find_fast_votes
from sksmooth.votes._reduced_noise import find_reduced_votes
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import (
    EnumeratedVotes,
    ExactVotes,
    SelfCheckFailed,
    find_exact_source,
    find_linear_scores,
)
from sksmooth.votes.probes import probe_once
from sksmooth.votes.sampled import (
    MonteCarloVotes,
    ProjectedLinearVotes,
    find_word_votes,
)
from sksmooth.votes.torch import (
    ends_in_skorch_net,
    find_torch_votes,
    votes_of_predictions,
)

_closed_forms = FormCache(find_exact_source)
_linear_forms = FormCache(find_linear_scores)


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
        If the label of a sample depends on the rest of its batch.
        If ``method="exact"`` and there is no closed form; the message has the reason.
        If a device is given and votes do not come from a network on it.

    Warns
    -----
    UserWarning
        If votes come from a slower source than they could, with the reason.
    """
    model = _with_frames(model)
    for methods, find in _finders(model.law):
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
        source = find_torch_votes(model, X)
    except Declined as reason:
        if model.device is not None:
            raise ValueError(
                f"device={model.device!r} is for networks of torch that are called "
                f"directly, and here votes come from estimator.predict: {reason}. "
                "Use device=None; an estimator that has a device of its own keeps it."
            ) from None
        if not ends_in_skorch_net(model.estimator):
            raise
        _warn(f"Votes come from `predict`, which takes longer: {reason}.")
        return probe_once(votes_of_predictions(model), model.estimator, X)
    return probe_once(source, model.estimator, X, is_network=True)


def find_enumeration(model, X):
    """Votes of all noisy copies, where the law has only a few."""
    if model.law.n_copies is None:
        raise Declined(
            f"noise={model.law.name!r} has too many noisy copies of a sample to list "
            "them, as features are not whole multiples of their unit; state the unit "
            "as feature_scale"
        )
    try:
        votes = find_network(model, X)
    except Declined:
        votes = find_any(model, X)
    return EnumeratedVotes(model, votes)


def find_words(model, X):
    """Votes on counts of words."""
    if model.device is not None:
        raise ValueError(
            f"device={model.device!r} is for networks of torch, and votes on counts of "
            "words come from estimator.predict. Use device=None."
        )
    return find_word_votes(model, X)


def find_no_form(model, X):
    """Decline: votes on texts are sampled."""
    raise Declined(f"none is known under noise={model.law.name!r}")


def find_closed_form(model, X):
    """Class probabilities without sampling."""
    form, break_even = _find(_closed_forms, model, X)
    return ExactVotes(form, model.law, break_even)


def find_projected_linear(model, X):
    """Votes of linear scores, sampled in fewer dimensions."""
    (coef, intercept), _ = _find(_linear_forms, model, X)
    return ProjectedLinearVotes(coef, intercept, model)


def find_reduced_noise(model, X):
    """Votes of a classifier behind an affine map, sampled in fewer dimensions."""
    _check_noise(model, X)
    if has_missing(X):
        raise Declined("its samples have missing values")
    source = find_reduced_votes(model, X)
    probe_once(source.votes_of_predict, model.estimator, X)
    return source


def find_any(model, X):
    """Votes of any classifier, by its `predict`."""
    source = probe_once(MonteCarloVotes(model), model.estimator, X)
    try:
        return find_fast_votes(source, model, X)
    except SelfCheckFailed as reason:
        _warn(f"Votes of {model.estimator!r} are those of its predict: {reason}.")
    except Declined:
        pass
    return source


def probe_fitted(model, X):
    """Probe a classifier on the samples it was fitted on; see `probe_once`."""
    if isinstance(X, Counts):
        find_word_votes(model, X)
    elif not ends_in_skorch_net(
        model.estimator
    ):  # its network is probed before it votes
        model = _with_frames(model)
        probe_once(MonteCarloVotes(model), model.estimator, X)


def _with_frames(model):
    if model.as_frame is not None:
        return model
    return replace(model, as_frame=frames_of(model.estimator))


# In order of preference, and the values of `method` that allow each.
_FINDERS = (
    (("auto", "monte_carlo"), find_network),
    (("auto", "exact"), find_closed_form),
    (("auto",), find_projected_linear),
    (("auto",), find_reduced_noise),
    (("auto", "monte_carlo"), find_any),
)


_OF_WORDS = (
    (("exact",), find_no_form),
    (("auto", "monte_carlo"), find_words),
)
_ENUMERATED = (("auto", "exact"), find_enumeration)


def _finders(law):
    # A law that proves something from all copies has dependent features, which closed
    # forms do not know.
    if hasattr(law, "deletion"):
        return _OF_WORDS
    if not hasattr(law, "counted_radius"):
        return _FINDERS
    return _ENUMERATED, *(found for found in _FINDERS if "monte_carlo" in found[0])


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=6)


def _check_noise(model, X):
    """Decline all but Gaussian noise on all of a sample."""
    if not len(X):
        raise Declined("there are no samples to compare it with predict on")
    if isinstance(X, Table) and len(X.noisy) < X.shape[1]:
        raise Declined("some of its columns are held fixed")
    if model.may_miss:
        raise Declined("its training samples have missing values")
    if not model.law.rotation_invariant:
        raise Declined(f"it is known under Gaussian noise only, not {model.law.name}")


def _find(forms, model, X):
    """Return the form of a model and the votes where it breaks even."""
    _check_noise(model, X)
    points = unit_values_of(X) if isinstance(X, Table) else X
    form = forms.get(model.estimator, points, model.law.sigma, model.law.scale)
    if not _has_classes(model.estimator, model.classes):
        raise Declined("its classes_ are no longer those that it was fitted with")
    if has_missing(X):
        raise ValueError(
            "X has missing values, and there were none when "
            f"{model.estimator!r} was fitted: its closed form does not cover them. Use "
            "method='monte_carlo'."
        )
    return form


def _has_classes(estimator, classes):
    return estimator.classes_ is classes or np.array_equal(estimator.classes_, classes)
