# SPDX-License-Identifier: BSD-3-Clause
"""How far does the answer hold: a pilot plans, fresh votes estimate."""

import numpy as np

from sksmooth.noise import Stage
from sksmooth.questions._futility import optimistic_shares, vote_shares
from sksmooth.questions._predict import leading_class
from sksmooth.questions._scheduler import VoteRequest
from sksmooth.questions._vote_radius import VoteRadius

# Cohen et al. (2019) choose the class from 100 votes.
_FIXED_PILOT = 100
_FIRST_PILOT = 32
# A pilot has done enough when it is an eighth of what it plans, or a sixteenth of all.
_PILOT_SHARE = 8
_PILOT_CAP = 16
_SIZE_RATIO = 1.15
# Small radii are planned for in proportion, or they would mostly be given up.
_LARGEST_LOSS = 1 / 40


def certify_radius(
    n_rows, n_classes, *, law, n_max, alpha, bound, weights, slack, tol, beta
):
    """Certify the largest radius, in two stages.

    Pilot votes choose the class and the number of votes, and are thrown away; that
    many fresh votes then bound the probabilities at full alpha. Given the pilot, class
    and number are constants, so this is the procedure of Cohen et al. (2019),
    Algorithm 1, with a planned number of votes.

    Parameters
    ----------
    law : Gaussian
    n_max : int
        Most votes of the second stage.
    alpha : float
        Error probability of a row.
    bound : {"binary", "multiclass"}
    weights : ndarray or None
    slack : float
        Taken off every radius.
    tol : float
        Radius, in units of sigma, that may be given up for fewer votes, though never
        more than a fortieth of a radius. With 0, the pilot takes 100 votes and every
        row gets `n_max`.
    beta : float
        Rows whose pilot says, at this error, that even `n_max` votes would prove
        nothing are given up. It affects the cost only.
    """
    proves = VoteRadius.at(alpha, bound, n_classes, law, weights)
    pilot = np.zeros((n_rows, n_classes), dtype=np.int64)
    planned = np.zeros(n_rows, dtype=np.int64)
    active = np.arange(n_rows)
    drawn, look = 0, _FIRST_PILOT if tol > 0 else _FIXED_PILOT
    while active.size:
        pilot[active] += yield VoteRequest(active, look - drawn, Stage.PILOT)
        drawn = look
        if tol > 0:
            plan = _plan(pilot[active], proves, n_max, tol * law.sigma, weights, beta)
            done = (plan <= _PILOT_SHARE * drawn) | (_PILOT_CAP * drawn > n_max)
        else:
            plan, done = np.full(active.size, n_max), np.ones(active.size, dtype=bool)
        planned[active[done]] = plan[done]
        active = active[~done]
        look = 2 * drawn

    label = leading_class(pilot, weights)
    counts = np.zeros_like(pilot)
    miss = np.ones(n_rows)
    radius = np.zeros(n_rows)
    rows = np.flatnonzero(planned)
    if rows.size:
        counts[rows] = yield VoteRequest(
            rows, planned[rows], Stage.ESTIMATE, n_rows - rows.size
        )
        radius[rows], miss[rows] = proves(counts[rows], label[rows])
    abstained = radius <= 0
    return {
        "label": label,
        "radius": np.where(abstained, 0.0, np.maximum(radius - slack, 0.0)),
        "abstained": abstained,
        "p_lower": np.nextafter(1.0 - miss, 0.0),
        "counts": counts,
        "n_evaluations": pilot.sum(axis=1) + planned,
        "label_counts": pilot,
    }


def _plan(pilot, proves, n_max, tolerance, weights, beta):
    """Fewest votes expected to give up no more than the tolerance; 0 gives a row up."""
    leader = leading_class(pilot, weights)
    shares = vote_shares(pilot)

    def expected(n, shares):
        return proves(n * shares, leader)[0]

    sizes = _candidate_sizes(n_max)
    most = expected(n_max, shares)
    enough = most - np.minimum(tolerance, _LARGEST_LOSS * most)
    low, high = np.zeros(len(pilot), dtype=int), np.full(len(pilot), len(sizes) - 1)
    while np.any(low < high):
        middle = (low + high) // 2
        reached = expected(sizes[middle, np.newaxis], shares) >= enough
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    # A row that is just expected to abstain gets all the votes there are.
    plan = np.where(most > 0, sizes[low], n_max)
    if beta > 0:
        hopeful = optimistic_shares(pilot, leader, beta)
        plan[expected(n_max, hopeful) <= 0] = 0
    return plan


def _candidate_sizes(n_max):
    count = max(1, round(np.log(max(n_max / _FIRST_PILOT, 1.0)) / np.log(_SIZE_RATIO)))
    sizes = _FIRST_PILOT * _SIZE_RATIO ** np.arange(count)
    return np.append(np.unique(sizes[sizes < n_max].astype(np.int64)), n_max)
