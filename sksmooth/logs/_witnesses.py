# SPDX-License-Identifier: BSD-3-Clause
"""Logged samples that are certified again, to know the classifier that wrote a log."""

import time

import numpy as np

from sksmooth.samples import n_values_of, norms_of

_FEWEST = 5
# Beyond them, as many as this share of the evaluations that the log has cost, and as
# many as this time allows: of a log that was quickly made, all of them.
_SHARE = 0.1
_SECONDS = 2.0
# Of what is computed in closed form, in units of sigma: inverse tails of probabilities
# are good to about that.
_TAIL_ROUNDING = 1e-9


def choose_witnesses(rows):
    """Order samples by how divided their votes are, and count those to certify again.

    Another classifier changes some votes, and does so first where votes are divided.

    Parameters
    ----------
    rows : list of dict
        LOGGED of each sample of a log.

    Returns
    -------
    order : ndarray of int
        Positions of the samples, the one with the most divided votes first.
    n_needed : int
        At least five, and more as long as all of them together took no more than a
        tenth of the evaluations that the log has cost.
    """
    if not rows:
        return np.array([], dtype=np.intp), 0
    order = np.argsort([_lead(row) for row in rows], kind="stable")
    cost = np.cumsum([rows[at]["n_evaluations"] for at in order])
    # Closed forms have cost none; of them, five.
    n_cheap = int(np.searchsorted(cost, _SHARE * cost[-1], side="right"))
    n_cheap = n_cheap if cost[-1] else 0
    return order, min(max(_FEWEST, n_cheap), len(rows))


def _lead(row):
    """Share of a sample's votes that its leading class has."""
    votes = np.add(row["counts"], row["label_counts"], dtype=np.float64)
    # Closed forms have no votes.
    return votes.max() / votes.sum() if votes.any() else row["p_lower"]


def in_time(order, n_needed):
    """Yield positions in parts: first those needed, then as many as there is time for.

    The caller certifies the samples of a part before it requests the next one.
    """
    start, done = time.perf_counter(), n_needed
    if len(order):
        yield order[:done]
    while done < len(order) and (spent := time.perf_counter() - start) < _SECONDS:
        size = int(done * min(1.0, _SECONDS / spent - 1))
        if size == 0:
            return
        yield order[done : done + size]
        done += size


def differing(logged, found, X, sigma):
    """Where certificates that were made again differ from those of the log.

    Votes are compared exactly: the noise of a sample is a function of the sample. What
    is computed in closed form may differ by the rounding of sums, whose order depends
    on the number of threads: a distance from a hyperplane by about ``4 * n_features *
    eps * ||x||``.

    Parameters
    ----------
    logged : list of dict
        LOGGED of some samples.
    found : dict of ndarray
        LOGGED of the same samples.
    X : ndarray of shape (n_samples, ...)
        The samples.
    sigma : float

    Returns
    -------
    list of (int, str)
        Positions among the samples, and what differs.
    """
    rounding = 4 * n_values_of(X) * np.finfo(float).eps * norms_of(X)
    rounding = rounding + _TAIL_ROUNDING * sigma
    tolerances = {"radius": rounding, "p_lower": rounding / sigma}
    differences = []
    for position, row in enumerate(logged):
        for name, value in row.items():
            again = found[name][position]
            if name in tolerances:
                same = abs(again - value) <= tolerances[name][position]
            else:
                same = np.array_equal(again, value)
            if not same:
                told = np.asarray(again).tolist()
                differences.append((position, f"{name} {told!r}, not {value!r}"))
                break
    return differences
