# SPDX-License-Identifier: BSD-3-Clause
"""Whether labels change under noise far too small to matter for numbers."""

import warnings
from functools import partial

import numpy as np

from sksmooth._warnings import ignore_warnings
from sksmooth.samples import columns_of, values_of

_TINY = 1e-6
_MOST_ROWS = 1000
_MOST_CHANGED, _FEWEST_CHANGED = 0.01, 3
_N_FACTORS = 8
_ROWS_FOR_CAUSES = 100
_MOST_CAUSES = 8


def warn_about_exact_values(source, X):
    """Warn if noise of a millionth of each feature's deviation changes labels.

    Numbers do not mind such noise; codes of categories that are compared for equality
    do, and any larger noise erases them as well.

    Parameters
    ----------
    source : MonteCarloVotes
    X : ndarray of shape (n_samples, ...)
        Samples as the classifier was trained on; at most 1000 of them are used.

    Warns
    -----
    UserWarning
        If more than 1 % of the labels change. The message names the features.
    """
    if len(X) == 0:
        return
    owner = np.unique(np.linspace(0, len(X) - 1, _MOST_ROWS).round().astype(int))
    values = values_of(X)[owner]
    rows = values.astype(np.float64)
    noise = _tiny_noise(rows, source.law.deviation, values.dtype)
    vote = partial(source.vote, X=X)
    with ignore_warnings():
        try:
            labels = np.array(vote(rows, owner=owner))
            moved = np.array(vote(rows + noise, owner=owner))
            changed = np.flatnonzero(moved != labels)
            if not _is_alarming(len(changed), len(rows)):
                return
            changed = _unless_tied(vote, owner, rows, noise, moved, changed)
            n_changed = len(changed)
            if not _is_alarming(n_changed, len(rows)):
                return
            some = changed[:_ROWS_FOR_CAUSES]
            vote = partial(vote, owner=owner[some])
            causes = _causes(vote, rows[some], noise[some], labels[some])
        except MemoryError:
            raise
        except Exception:
            return  # an error is explained when it comes from a vote
    causes = [int(columns_of(X)[j]) for j in causes]
    where = _named(causes, getattr(source.estimator, "feature_names_in_", None))
    warnings.warn(
        f"{n_changed / len(rows):.0%} of {len(rows)} samples change their predicted "
        "label under noise of a millionth of the standard deviation of each feature"
        f"{where}. {source.estimator!r} depends on exact values, which noise of any "
        "size destroys: classes can vanish for that reason alone. Encode categories in "
        "a Pipeline before SmoothedClassifier, for example with OneHotEncoder, so that "
        "noise is added to numbers. Move thresholds away from values that many samples "
        "have: binarize=0.5 of BernoulliNB for zeros and ones, tree_method='exact' of "
        "XGBoost for whole numbers.",
        UserWarning,
        stacklevel=5,
    )


def _is_alarming(n_changed, n_rows):
    return n_changed > _MOST_CHANGED * n_rows and n_changed >= min(
        _FEWEST_CHANGED, n_rows
    )


def _tiny_noise(rows, sigma, dtype):
    rng = np.random.default_rng(0)
    with ignore_warnings(category=RuntimeWarning):  # of a column without any value
        deviation = np.nan_to_num(np.nanstd(rows, axis=0))
        size = np.nan_to_num(np.nanmax(np.abs(rows), axis=0))
    # Of a constant feature, or a single sample, the size is all there is to go by.
    scale = np.where(deviation > 0, deviation, np.maximum(size, sigma))
    step = np.minimum(_TINY * scale, sigma)
    # Not so small that it is lost in rounding.
    step = np.maximum(step, 8 * np.spacing(size.astype(dtype)).astype(np.float64))
    return step * rng.standard_normal(rows.shape)


def _unless_tied(vote, owner, rows, noise, moved, changed):
    """Those of the changed samples that more of the same noise does not change again.

    Classes with equal scores take turns with every rounding error.
    """
    for factor in range(2, 2 + _N_FACTORS):
        again = vote(rows[changed] + factor * noise[changed], owner=owner[changed])
        changed = changed[again == moved[changed]]
        if not len(changed):
            break
    return changed


def _causes(vote, rows, noise, labels):
    """Features whose noise alone changes labels, found by halving."""
    found, groups = [], [np.arange(rows.shape[1])]
    while groups and len(found) <= _MOST_CAUSES:
        group = groups.pop()
        part = np.zeros_like(noise)
        part[:, group] = noise[:, group]
        n_changed = int(np.sum(vote(rows + part) != labels))
        if not _is_alarming(n_changed, len(rows)):
            continue
        if len(group) == 1:
            found.append(int(group[0]))
        else:
            groups += np.array_split(group, 2)[::-1]
    return found


def _named(features, names):
    if not features:
        return ""
    shown = [j if names is None else str(names[j]) for j in features[:_MOST_CAUSES]]
    more = " and more" if len(features) > _MOST_CAUSES else ""
    return f", because of the features {shown}{more}"
