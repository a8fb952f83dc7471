# SPDX-License-Identifier: BSD-3-Clause
"""Probe a fitted classifier once."""

import weakref

from sksmooth.votes.probes._independence import check_independence, innermost
from sksmooth.votes.probes._tiny_noise import warn_about_exact_values

_ENOUGH_ROWS = 48
# By identity, as classifiers need not have a hash: a weak reference, and the number of
# samples it was probed with.
_probed: dict = {}


def probe_once(source, estimator, X, *, is_network=False):
    """Check what `source` votes on, unless that was done for its classifier before.

    A classifier that was probed with few samples is probed again with more.

    Parameters
    ----------
    source : MonteCarloVotes
    estimator : fitted classifier
        What it votes with.
    X : ndarray of shape (n_samples, ...)
    is_network : bool, default=False
        Whether the source has compared outputs of a network in different batches, which
        finds more than a comparison of labels. Steps before the network are not part of
        that.

    Returns
    -------
    MonteCarloVotes
        The source.

    Raises
    ------
    ValueError
        See `check_independence`.

    Warns
    -----
    UserWarning
        See `warn_about_exact_values`.
    """
    estimator = innermost(estimator)
    key = id(estimator)
    _, n_rows = _probed.get(key, (None, 0))
    if min(len(X), _ENOUGH_ROWS) <= n_rows:
        return source
    if not (is_network and source.steps_are_known):
        check_independence(source, X)
    source.is_probed = True
    # Cells of whole numbers are predicted by their middles, which are few values.
    if source.law.n_copies is None:
        warn_about_exact_values(source, X)
    try:
        reference = weakref.ref(estimator, lambda _: _probed.pop(key, None))
    except TypeError:
        return source  # it is probed each time, as its identity may be used again
    _probed[key] = reference, min(len(X), _ENOUGH_ROWS)
    return source
