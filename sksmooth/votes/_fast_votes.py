# SPDX-License-Identifier: BSD-3-Clause
"""Sampled votes whose labels are computed in less time than `predict` takes."""

from dataclasses import replace

import numpy as np

from sksmooth._warnings import ignore_warnings
from sksmooth.samples import values_of
from sksmooth.votes._cache import Found
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import SelfCheckFailed
from sksmooth.votes.fast import FastLabels, find_predictor, may_be_fast
from sksmooth.votes.sampled import MonteCarloVotes

# Samples and noisy copies of each, at each multiple of sigma, so that labels change
# even where samples are far from every boundary.
_N_SAMPLES, _N_COPIES, _SPREADS = 16, 6, (1.0, 3.0, 10.0)


def find_fast_votes(source, model, X, found=None):
    """Votes with the labels of `predict`, computed from what the classifier learned.

    Parameters
    ----------
    source : MonteCarloVotes
        Votes of the same model by `predict`.
    model : Model
    X : ndarray of shape (n_samples, ...) or Table
        Samples near which labels are compared with those of `predict`, once for each
        fitted classifier.
    found : Found, default=None
        What was found for the classifier before.

    Returns
    -------
    MonteCarloVotes

    Raises
    ------
    Declined
        If there is no fast path; the message is the reason. `SelfCheckFailed` if there
        is one and `predict` contradicts it.
    """
    found = Found(model.estimator) if found is None else found
    transformers, core = found.parts
    if not may_be_fast(core):
        raise Declined(f"{type(core).__name__} has no fast path")
    if not len(X):
        raise Declined("there are no samples to compare it with predict on")
    if not np.array_equal(core.classes_, model.classes):
        raise Declined("its classes_ are not those of the votes")

    def checked(predictor):
        fast = MonteCarloVotes(model, FastLabels(transformers, predictor))
        check_against_predict(fast.vote, source.vote, model.law, X)
        return predictor

    # Transformers before the classifier proper change nothing of its labels.
    of_core = found.of_core()
    predictor = of_core.get(find_predictor, lambda: checked(find_predictor(core)))
    return MonteCarloVotes(model, FastLabels(transformers, predictor))


def check_against_predict(vote, predicted_vote, law, X):
    """Compare votes with those of `predict`, on noisy copies of samples.

    Parameters
    ----------
    vote, predicted_vote : callable
        See `MonteCarloVotes.vote`.
    law : Law
    X : ndarray of shape (n_samples, ...) or Table

    Raises
    ------
    SelfCheckFailed
        If they differ.
    Declined
        If `predict` raises.
    """
    rows = np.linspace(0, len(X) - 1, _N_SAMPLES).round().astype(int)
    owner = np.repeat(rows, _N_COPIES)
    n_wrong = 0
    for spread in _SPREADS:
        noisy = _noisy_copies(law, spread, values_of(X)[rows])
        try:
            # Votes will show what is worth showing, on the rows of the caller.
            with ignore_warnings():
                predicted = predicted_vote(noisy, X, owner)
                n_wrong += np.sum(vote(noisy, X, owner) != predicted)
        except ValueError as error:  # it is explained when it comes from a vote
            raise Declined(f"predict refuses noisy copies: {error}") from None
    if n_wrong:
        raise SelfCheckFailed(
            f"self-check failed: predict contradicts its fast path on {n_wrong} of "
            f"{len(owner) * len(_SPREADS)} noisy rows"
        )


def _noisy_copies(law, spread, values):
    law = replace(law, sigma=spread * law.sigma)
    stream = np.random.default_rng(0)
    copies = np.empty((len(values), _N_COPIES, values.shape[1]))
    for row, out in zip(law.snap(values), copies, strict=True):
        law.perturb(row, stream, out)
    return copies.reshape(-1, values.shape[1])
