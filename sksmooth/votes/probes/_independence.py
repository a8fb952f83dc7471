# SPDX-License-Identifier: BSD-3-Clause
"""Whether the label of a sample depends on the other samples of a batch."""

import numpy as np

from sksmooth._warnings import ignore_warnings
from sksmooth.samples import values_of

_N_ROWS = 48
# Parts of them in order of their labels.
_N_GROUPS = 3
# Copies of all of them, for what depends on the size of a batch: a norm, a sum.
_N_COPIES = 10
# Noise in multiples of sigma, so that labels differ even far from every boundary; times
# these, as long as all samples have one label.
_SPREADS = np.array([1.0, 3.0, 10.0])
_WIDER = (1.0, 10.0, 100.0)
_N_REPEATS = 4
# Rounding differs with the size of a batch. It decides the label only next to a
# boundary: of samples whose label also changes when they are moved by so many sigma.
_NEAR_BOUNDARY, _N_MOVES = 1e-3, 8
_MOST_TIES = 1 / 4
# Samples are moved at least so far, in units of their last place.
_ULPS = 16


def check_independence(source, X):
    """Refuse a classifier whose label for a sample depends on the rest of its batch.

    The same noisy copies of `X` are predicted together, in another order, in parts,
    without those of much noise, several times over, and a few of them beside many
    copies of one. Labels that differ are forgiven where they can be rounding: a few
    samples next to a decision boundary.

    Parameters
    ----------
    source : MonteCarloVotes
        Its `vote` is what gets checked.
    X : ndarray of shape (n_samples, ...)
        Samples near which to check.

    Raises
    ------
    ValueError
        If labels differ between the batches, or between equal batches.

    Notes
    -----
    It takes eight calls of `predict` with 48 samples or fewer, and one with 480. A
    dependence that only shows in larger batches, or that moves decision boundaries by
    less than about a thousandth of sigma, is not found.
    """
    if len(X) == 0:
        return
    # Votes will show what is worth showing, on the samples of the caller.
    with ignore_warnings():
        found = _first_labels(source, X)
        if found is not None:
            _compare(source, X, *found)


def _first_labels(source, X):
    """Noisy copies of samples, and their labels when they are predicted together."""
    rng = np.random.default_rng(0)
    # Shuffled, as neighbors in X often have one label.
    rows = rng.permutation(np.linspace(0, len(X) - 1, _N_ROWS).round().astype(int))
    near = values_of(X)[rows].astype(np.float64)
    noise = rng.standard_normal(near.shape)
    found = None
    # Without the wide ones if predict cannot take those.
    for spreads in [*(factor * _SPREADS for factor in _WIDER), _SPREADS[:1]]:
        if found is not None and len(spreads) == 1:
            break
        noisy = near + source.law.deviation * np.resize(spreads, (_N_ROWS, 1)) * noise
        try:
            labels = source.vote(noisy, X, rows)
        except MemoryError:
            raise
        except Exception:
            continue  # an error is explained when it comes from a vote
        found = noisy, rows, np.array(labels)
        if np.any(labels != labels[0]):
            return found
    return found


def _compare(source, X, noisy, owner, together):
    rng = np.random.default_rng(1)
    n = len(noisy)
    every = np.arange(n)
    # Beside many copies of one, two samples of other labels are outliers.
    distance = np.nansum((noisy - np.nanmedian(noisy, axis=0)) ** 2, axis=1)
    by_label = np.lexsort((distance, together != np.bincount(together).argmax()))
    batches = {
        "in another order": [rng.permutation(n)],
        # Of an odd number of samples and of an even one.
        "in smaller batches": [every[:1], every[1:5], every[5:16], every[16:]],
        # Every third has the noise of one sigma.
        "without those farther away": [every[:: len(_SPREADS)]],
        "beside others of their label": np.array_split(
            np.argsort(together, kind="stable"), _N_GROUPS
        ),
        "several times over": [np.tile(every, _N_COPIES)],
        "beside many copies of one of them": [
            np.concatenate([np.full(n - 2, by_label[0]), by_label[-2:]])
        ],
    }
    for how, parts in batches.items():
        changed = np.zeros(n, dtype=bool)
        for part in parts:
            labels = _labels(source, noisy[part], X, owner[part], how)
            np.logical_or.at(changed, part, labels != together[part])
        if changed.any():
            _refuse_unless_rounding(source, X, noisy, owner, together, changed, how)


def _labels(source, noisy, X, owner, how):
    try:
        return source.vote(noisy, X, owner)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(
            f"{_name(source)}.predict fails on noisy samples {how} that it can predict "
            f"together, {len(noisy)} of {_N_ROWS} here: {type(error).__name__}: "
            f"{error}. It must predict any number of samples, each on its own."
        ) from error


def _refuse_unless_rounding(source, X, noisy, owner, together, changed, how):
    n = len(noisy)
    repeats = [source.vote(noisy, X, owner) != together for _ in range(_N_REPEATS)]
    n_random = int(np.any(repeats, axis=0).sum())
    if n_random:
        raise ValueError(
            f"{_name(source)}.predict is random: {n_random} of {n} noisy samples get "
            "another label when the same batch is predicted again. Smoothing needs a "
            "fixed label for each sample: turn off what draws random numbers in "
            "predict, such as dropout or random augmentation."
        )
    if _may_be_rounding(source, X, noisy, owner, together, changed):
        return
    raise ValueError(
        f"{_name(source)}.predict gives {changed.sum()} of {n} noisy samples another "
        f"label when they are predicted {how}: the label of a sample depends on the "
        "rest of its batch, so it cannot be certified. The usual cause is a step that "
        "takes statistics of the batch, such as FunctionTransformer(scale) where "
        "StandardScaler() belongs, batch normalization in training mode, or a "
        "transductive classifier. Use steps that are fitted on training data and treat "
        "each sample on its own."
    )


def _may_be_rounding(source, X, noisy, owner, labels, changed):
    """Whether samples that changed their labels are few, and next to a boundary."""
    if not isinstance(noisy, np.ndarray):
        return False  # words are counted, and nothing is rounded
    rng = np.random.default_rng(2)
    dtype = values_of(X).dtype if source.precision is None else source.precision
    spacing = np.spacing(np.abs(noisy).astype(dtype)).astype(np.float64)
    move = np.maximum(_NEAR_BOUNDARY * source.law.deviation, _ULPS * spacing)
    near = np.zeros(len(noisy), dtype=bool)
    for _ in range(_N_MOVES):
        moved = noisy + move * rng.standard_normal(noisy.shape)
        near |= source.vote(moved, X, owner) != labels
    return np.all(near[changed]) and changed.sum() <= _MOST_TIES * len(noisy)


def check_again(source, X, noisy, owner, votes):
    """Refuse a classifier that gives noisy copies other labels than it did before.

    Parameters
    ----------
    source : MonteCarloVotes
    X : ndarray of shape (n_samples, ...)
    noisy : ndarray of shape (n, d)
        Some of the copies that were predicted first.
    owner : ndarray of int of shape (n,)
    votes : ndarray of int of shape (n,)
        Their labels then, in a batch with others.

    Raises
    ------
    ValueError
    """
    labels = np.array(source.vote(noisy, X, owner))
    changed = labels != votes
    if not changed.any() or _may_be_rounding(source, X, noisy, owner, labels, changed):
        return
    raise ValueError(
        f"{_name(source)}.predict gives {changed.sum()} of {len(noisy)} noisy samples "
        "another label than it gave them before, in a larger batch: the label of a "
        "sample depends on the rest of its batch, or on earlier calls or the time, so "
        "it cannot be certified. Use a classifier that does not change in predict, and "
        "steps that are fitted on training data and treat each sample on its own."
    )


def _name(source):
    return type(innermost(source.estimator)).__name__


def innermost(estimator):
    """The estimator inside frozen wrappers."""
    while type(estimator).__name__ == "FrozenEstimator":
        estimator = estimator.estimator
    return estimator
