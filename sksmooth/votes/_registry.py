# SPDX-License-Identifier: BSD-3-Clause
"""Which source of votes serves a fitted classifier."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np

from sksmooth._estimators import frames_of, layers
from sksmooth.noise import AdditiveLaw, CategoricalLaw, EnumerableLaw, WordLaw
from sksmooth.samples import Counts, Table, has_missing, values_of
from sksmooth.votes._cache import TYPICAL_ROWS, Found, units_key
from sksmooth.votes._fast_votes import find_fast_votes
from sksmooth.votes._reduced_noise import find_reduced_votes
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import (
    CategoryVotes,
    EnumeratedVotes,
    ExactVotes,
    IndependentVotes,
    MarginVotes,
    SelfCheckFailed,
    find_category_form,
    find_exact_source,
    find_linear_scores,
    has_margin,
    inputs_of,
    may_have_category_form,
    may_have_closed_form,
)
from sksmooth.votes.probes import check_takes_missing, probe_once
from sksmooth.votes.sampled import (
    MonteCarloVotes,
    ProjectedLinearVotes,
    ScoreSpace,
    find_word_votes,
)
from sksmooth.votes.torch import (
    ends_in_skorch_net,
    find_torch_votes,
    votes_of_predictions,
)


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
    found = Found(model.estimator)
    for methods, find in _finders(model.law):
        if method not in methods:
            continue
        try:
            source = find(model, X, found)
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
            source.only_exact = method == "exact"
            return source
    raise AssertionError("the last source serves any classifier")


def find_network(model, X, found=None):
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


def find_enumeration(model, X, found=None):
    """Votes of all noisy copies, where the law has only a few."""
    if model.law.n_copies is None:
        raise Declined(
            f"noise={model.law.name!r} has too many noisy copies of a sample to list "
            "them, as features are not whole multiples of their unit; state the unit "
            "as feature_scale"
        )
    try:
        votes = find_network(model, X, found)
    except Declined:
        votes = find_any(model, X, found)
    return EnumeratedVotes(model, votes)


def find_words(model, X, found=None):
    """Votes on counts of words."""
    if model.device is not None:
        raise ValueError(
            f"device={model.device!r} is for networks of torch, and votes on counts of "
            "words come from estimator.predict. Use device=None."
        )
    return find_word_votes(model, X)


def find_no_form(model, X, found=None):
    """Decline: votes on texts are sampled."""
    raise Declined(f"none is known under noise={model.law.name!r}")


def find_closed_form(model, X, found=None):
    """Class probabilities without sampling."""
    law = model.law
    if isinstance(law, CategoricalLaw):
        return _find_category_votes(model, X, found)
    if not isinstance(law, AdditiveLaw):
        raise Declined(f"none is known under noise={law.name!r}")
    holds = isinstance(X, Table) and len(X.noisy) < X.shape[1]
    if holds and not law.rotation_invariant:
        raise Declined(
            "with columns held fixed it is known under Gaussian noise only, not "
            f"{law.name}"
        )
    form, break_even, inputs = _find(find_exact_source, model, X, found)
    exact = ExactVotes(form, law, inputs, break_even)
    if has_margin(form) and not model.weighted and law.norm != 2 and not holds:
        others = exact if law.rotation_invariant else MonteCarloVotes(model)
        return MarginVotes(form, model, others)
    return (
        exact if law.rotation_invariant else IndependentVotes(form, model, break_even)
    )


def _find_category_votes(model, X, found):
    """Class probabilities where noise draws categories anew."""
    _check_noise(model, X)
    if not X.categories:
        raise Declined("each of its columns of categories has one only")
    found = Found(model.estimator) if found is None else found
    if not may_have_category_form(found.parts.core):
        find_category_form(model.estimator, X, model.law.sigma, model.law)
    law = model.law

    def find():
        form, inputs = find_category_form(model.estimator, X, law.sigma, law)
        return form, inputs, form.break_even_votes(TYPICAL_ROWS)

    # Codes have a meaning for the samples of one fit only.
    key = units_key(X), law.probability, *X.categories.values()
    form, inputs, break_even = found.get(find_category_form, find, key)
    if not _has_classes(model.estimator, model.classes):
        raise Declined("its classes_ are no longer those that it was fitted with")
    if np.isnan(inputs.of(X)).any():
        raise _missing(model)
    return CategoryVotes(form, law, inputs, break_even)


def find_projected_linear(model, X, found=None):
    """Votes of linear scores, sampled in fewer dimensions."""
    if not model.law.rotation_invariant:
        raise Declined(f"it is known under Gaussian noise only, not {model.law.name}")
    found = Found(model.estimator) if found is None else found
    scores, _, inputs = _find(find_linear_scores, model, X, found)
    sigma = model.law.sigma
    space = found.get(
        ScoreSpace,
        partial(ScoreSpace, *scores, sigma, inputs.held),
        (sigma, units_key(X)),
    )
    return ProjectedLinearVotes(space, model, inputs)


def find_reduced_noise(model, X, found=None):
    """Votes of a classifier behind an affine map, sampled in fewer dimensions."""
    if not model.law.rotation_invariant:
        raise Declined(f"it is known under Gaussian noise only, not {model.law.name}")
    _check_noise(model, X)
    if isinstance(X, Table) and len(X.noisy) < X.shape[1]:
        raise Declined("some of its columns are held fixed")
    if has_missing(X):
        raise Declined("its samples have missing values")
    source = find_reduced_votes(model, X, found)
    probe_once(source.votes_of_predict, model.estimator, X)
    return source


def find_any(model, X, found=None):
    """Votes of any classifier, by its `predict`."""
    source = MonteCarloVotes(model)
    check_takes_missing(source, model.estimator, X)
    source = probe_once(source, model.estimator, X)
    try:
        return find_fast_votes(source, model, X, found)
    except SelfCheckFailed as reason:
        _warn(f"Votes of {model.estimator!r} are those of its predict: {reason}.")
    except Declined:
        pass
    return source


def probe_fitted(model, X):
    """Probe a classifier on the samples it was fitted on; see `probe_once`."""
    if isinstance(X, Counts):
        find_word_votes(model, X)
    elif not ends_in_skorch_net(model.estimator):
        # A network is probed before it votes.
        model = _with_frames(model)
        probe_once(MonteCarloVotes(model), model.estimator, X)


def _with_frames(model):
    as_frame = None if model.as_frame is not None else frames_of(model.estimator)
    return model if as_frame is None else replace(model, as_frame=as_frame)


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
    if isinstance(law, WordLaw):
        return _OF_WORDS
    if not isinstance(law, EnumerableLaw):
        return _FINDERS
    return _ENUMERATED, *(found for found in _FINDERS if "monte_carlo" in found[0])


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=6)


def _check_noise(model, X):
    """Decline samples of which a value that takes noise may be missing."""
    if not len(X):
        raise Declined("there are no samples to compare it with predict on")
    if model.may_miss:
        raise Declined("its training samples have missing values")


def _find(find_form, model, X, found):
    """Return the form of a model, where it breaks even, and what it takes."""
    _check_noise(model, X)
    found = Found(model.estimator) if found is None else found
    form, break_even = found.get_form(find_form, X, model.law.sigma)
    if not _has_classes(model.estimator, model.classes):
        raise Declined("its classes_ are no longer those that it was fitted with")
    inputs = inputs_of(found.parts.transformers, X)
    if _has_missing(inputs, X):
        raise _missing(model)
    return form, break_even, inputs


def _missing(model):
    return ValueError(
        "X has missing values, and there were none when "
        f"{model.estimator!r} was fitted: its closed form does not cover them. Use "
        "method='monte_carlo'."
    )


def may_miss(estimator, X):
    """Whether training samples miss values that a closed form is a function of.

    Parameters
    ----------
    estimator : fitted classifier
    X : ndarray of shape (n_samples, ...) or Table

    Returns
    -------
    bool
    """
    if has_missing(X) or not isinstance(X, Table):
        return has_missing(X)
    parts = layers(estimator, exact=True)
    if not may_have_closed_form(parts):
        return False
    try:
        return _has_missing(inputs_of(parts.transformers, X), X)
    except Declined:
        return False


def _has_missing(inputs, X):
    numbers = inputs.of(X) if isinstance(X, Table) else values_of(X)
    return bool(np.isnan(numbers).any())


def _has_classes(estimator, classes):
    return estimator.classes_ is classes or np.array_equal(estimator.classes_, classes)
