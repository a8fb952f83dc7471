# SPDX-License-Identifier: BSD-3-Clause
"""Fit an estimator on noisy copies of its samples, as many of each class as are due."""

from numbers import Integral

import numpy as np

from sksmooth._arguments import check_memory, check_whole_number
from sksmooth._warnings import ignore_warnings
from sksmooth.noise import AdditiveLaw

# Of denoised copies, one in as many has no noise: the first, and so on.
CLEAN_EVERY = 4


def fit_on_copies(
    estimator,
    X,
    y,
    *,
    law,
    n_copies,
    seed,
    as_seen,
    denoise=None,
    fit_params=None,
    class_weight=None,
):
    """Fit an estimator on copies of samples with fresh noise.

    Estimators with `partial_fit` get one copy after the other, and as many as they have
    passes; others get one `fit` on all copies stacked.

    Parameters
    ----------
    estimator : classifier
        It is fitted in place.
    X : ndarray of shape (n_samples, n_values)
        The values that take noise.
    y : ndarray of shape (n_samples,)
    law : Law
        The noise.
    n_copies : int
    seed : bytes of length 32
        Of the noise. The first copies are the same whatever `n_copies` is.
    as_seen : callable
        ``as_seen(values, owner)`` gives noisy values the form in which the estimator
        takes them; `owner` holds the positions of their samples.
    denoise : callable, default=None
        ``denoise(values, owner)`` gives denoised values for noisy ones. Then one copy
        in `CLEAN_EVERY` has neither noise nor denoising, the first one to begin with.
    fit_params : dict, default=None
        Values with one entry for each sample are repeated with the samples.
    class_weight : ndarray of shape (n_classes,), default=None
        Share of each of the classes of `y`, in sorted order, in a copy, relative to its
        share in `y`. None takes each sample once.

    Returns
    -------
    estimator : classifier
    n_copies : int
        Number of copies that it was fitted on.
    """
    n_copies = int(n_copies)
    fit_params = {} if fit_params is None else fit_params
    classes, index = np.unique(y, return_inverse=True)
    # Samples are drawn from a generator of their own, so that noise is the same
    # whatever the weights of the classes are.
    words = np.frombuffer(seed, dtype=np.uint32)
    rng = np.random.default_rng(words)
    of_samples = np.random.default_rng([*words, 1])

    def draw_copy(at):
        if class_weight is None:
            owner, samples = np.arange(len(y)), X
        else:
            owner = draw_by_class(index, class_weight, of_samples)
            samples = X[owner]
        if denoise is None:
            return _noisy(samples, law, rng), owner
        if at % CLEAN_EVERY == 0:
            return samples, owner
        return denoise(_noisy(samples, law, rng), owner), owner

    if hasattr(estimator, "partial_fit"):
        n_copies = max([n_copies, *_epochs(estimator)])
        n_copies = check_whole_number("max_iter of the estimator", n_copies, 1)
        first_call = {"classes": classes}
        for at in range(n_copies):
            copy, owner = draw_copy(at)
            params = take_params(fit_params, owner, len(y))
            with ignore_warnings("Training interrupted by user") as interrupted:
                estimator.partial_fit(
                    as_seen(copy, owner), y[owner], **first_call, **params
                )
            if interrupted:  # MLPClassifier ends the pass alone
                raise KeyboardInterrupt
            del copy  # it is freed before the next one is made
            first_call = {}
        return estimator, n_copies
    check_memory(
        "n_copies",
        n_copies,
        n_copies * X.nbytes,
        "use fewer, or a classifier with partial_fit, which gets one after the other",
    )
    stack = np.empty((n_copies, *X.shape), dtype=X.dtype)
    owners = []
    for at in range(n_copies):
        stack[at], owner = draw_copy(at)
        owners.append(owner)
    owner = np.concatenate(owners)
    seen = as_seen(stack.reshape(len(owner), -1), owner)
    estimator.fit(seen, y[owner], **take_params(fit_params, owner, len(y)))
    return estimator, n_copies


def take_params(fit_params, rows, n_samples):
    """Take samples from parameters of `fit` that have one entry for each sample."""
    return {
        name: np.asarray(value)[rows] if _belongs_to_rows(value, n_samples) else value
        for name, value in fit_params.items()
    }


def draw_by_class(index, class_weight, rng):
    """Draw as many samples as there are, in proportion to weights of their classes.

    Parameters
    ----------
    index : ndarray of int of shape (n_samples,)
        Position of the class of each sample.
    class_weight : ndarray of shape (n_classes,)
        Positive; only ratios matter.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int of shape (n_samples,)
        Positions of samples. Within a class, no sample is drawn twice more often than
        another, and of each class there is one at least where that is possible.
    """
    sizes = np.bincount(index, minlength=len(class_weight))
    due = sizes * class_weight
    counts = _rounded(due * (len(index) / due.sum()), rng)
    rows = []
    for c in np.flatnonzero(sizes):
        own = np.flatnonzero(index == c)
        whole, rest = divmod(counts[c], len(own))
        rows += [np.tile(own, whole), rng.permutation(own)[:rest]]
    return np.concatenate(rows)


def _rounded(due, rng):
    """Round numbers with a whole sum at random, so that sum and means stay the same."""
    # Systematic sampling: one uniform number decides all remainders.
    ends = np.floor(np.cumsum(due) + rng.random())
    ends[-1] = round(due.sum())
    counts = np.diff(np.minimum(ends, ends[-1]), prepend=0.0).astype(np.int64)
    missing = (counts == 0) & (due > 0)
    for c in np.flatnonzero(missing):
        largest = np.argmax(counts)
        if counts[largest] > 1:
            counts[largest] -= 1
            counts[c] = 1
    return counts


def _noisy(X, law, rng):
    """One copy of `X` with fresh noise, in the dtype of `X`."""
    copy = np.empty(X.shape)
    if isinstance(law, AdditiveLaw):
        law.draw(rng, copy)
        copy *= law.deviation
        copy += X
    else:
        law.perturb(law.snap(X), rng, copy)
    return copy.astype(X.dtype, copy=False)


def _epochs(estimator):
    """Integer values of max_iter in the estimator or in those inside it."""
    return [
        value
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "max_iter" and isinstance(value, Integral)
    ]


def _belongs_to_rows(value, n_samples):
    """Whether metadata has one entry for each sample."""
    return np.ndim(value) > 0 and len(value) == n_samples
