# SPDX-License-Identifier: BSD-3-Clause
"""Logged rows that are certified again, to know the classifier that wrote a log."""

import numpy as np

_FEWEST = 5
# Beyond them, as many as this share of the evaluations that the log has cost.
_SHARE = 0.1
# Of what is computed in closed form, in units of sigma: inverse tails of probabilities
# are good to about that.
_TAIL_ROUNDING = 1e-9


def choose_witnesses(rows):
    """Positions of the rows whose votes are divided most, increasing.

    Another classifier changes some votes, and does so first where votes are divided.

    Parameters
    ----------
    rows : list of dict
        LOGGED of each row of a log.

    Returns
    -------
    ndarray of int
        At least five of them, if there are as many, and more as long as all of them
        together took no more than a tenth of the evaluations that the log has cost.
    """
    if not rows:
        return np.array([], dtype=np.intp)
    votes = np.array([row["counts"] for row in rows], dtype=np.float64)
    votes += np.array([row["label_counts"] for row in rows])
    total = votes.sum(axis=1)
    # Closed forms have no votes.
    lead = np.where(
        total > 0,
        votes.max(axis=1) / np.maximum(total, 1.0),
        [row["p_lower"] for row in rows],
    )
    cost = np.array([row["n_evaluations"] for row in rows], dtype=np.float64)
    order = np.argsort(lead, kind="stable")
    affordable = np.cumsum(cost[order]) <= _SHARE * cost.sum()
    affordable[:_FEWEST] = True
    return np.sort(order[affordable])


def differing(logged, found, X, sigma):
    """Where certificates that were made again differ from those of the log.

    Votes are compared exactly: the noise of a row is a function of the row. What is
    computed in closed form may differ by the rounding of sums, whose order depends on
    the number of threads: a distance from a hyperplane by about
    ``4 * n_features * eps * ||x||``.

    Parameters
    ----------
    logged : list of dict
        LOGGED of some rows.
    found : dict of ndarray
        LOGGED of the same rows.
    X : ndarray of shape (n_rows, ...)
        The rows.
    sigma : float

    Returns
    -------
    list of (int, str)
        Positions among the rows, and what differs.
    """
    X = X.reshape(len(X), -1).astype(np.float64)
    rounding = 4 * X.shape[1] * np.finfo(float).eps * np.linalg.norm(X, axis=1)
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
