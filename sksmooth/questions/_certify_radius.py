# SPDX-License-Identifier: BSD-3-Clause
"""Within which radius is the label certified: a pilot plans, fresh votes estimate."""

from dataclasses import dataclass

import numpy as np

from sksmooth.certificates import RowAnswers
from sksmooth.noise import Stage
from sksmooth.questions._certify import Certify
from sksmooth.questions._decide_label import leading_class
from sksmooth.questions._enumerated_radius import (
    enumerated_answers,
    enumerated_radius,
)
from sksmooth.questions._exact_radius import exact_answers, exact_radius, margin_answers
from sksmooth.questions._feasibility import check_can_certify, warn_of_light_classes
from sksmooth.questions._futility import (
    lowered_shares,
    optimistic_shares,
    vote_shares,
)
from sksmooth.questions._vote_radius import VoteRadius, certified_radius
from sksmooth.votes import VoteRequest

# Cohen et al. (2019) choose the class from 100 votes.
_FIXED_PILOT = 100
_FIRST_PILOT = 32
# A pilot has done enough when it is an eighth of what it plans, or a sixteenth of all.
_PILOT_SHARE = 8
_PILOT_CAP = 16
_SIZE_RATIO = 1.15
# Small radii are planned for in proportion, or they would mostly be given up.
_LARGEST_LOSS = 1 / 40


@dataclass(frozen=True, kw_only=True)
class CertifyRadius(Certify):
    """The largest radius within which the label is certified.

    Parameters
    ----------
    law, n_max, alpha, bound, weights, slack, beta
        See `Certify`. A sample is given up when its pilot says, at level `beta`, that
        even `n_max` votes would prove nothing.
    tol : float
        Radius, in units of the law, that may be sacrificed to save votes, though never
        more than a fortieth of a radius. With 0, the pilot takes 100 votes and every
        sample gets `n_max`.
    """

    tol: float

    @property
    def expected_votes(self):
        """Votes that a sample takes, about."""
        return self.n_max / 4

    def check(self, n_classes):
        """Refuse too few votes to certify, and warn of classes they cannot certify."""
        check_can_certify(self, n_classes)
        warn_of_light_classes(self)

    def certifies_label(self, n_votes, n_classes):
        """Whether so many unanimous votes would certify the label."""
        radius, _ = self._vote_radius(n_classes)(
            n_votes * np.eye(n_classes), np.arange(n_classes)
        )
        return radius.max() > 0

    def _vote_radius(self, n_classes):
        return VoteRadius.at(self.alpha, self.bound, n_classes, self.law, self.weights)

    def from_votes(self, n_samples, n_classes):
        """Certify in two stages.

        Pilot votes choose the class and the number of votes, and are thrown away; that
        many fresh votes then bound the probabilities at full alpha. Given the pilot,
        class and number are constants, so this is the procedure of Cohen et al. (2019),
        Algorithm 1, with a planned number of votes.
        """
        vote_radius = self._vote_radius(n_classes)
        tolerance = self.tol * self.law.unit
        pilot = np.zeros((n_samples, n_classes), dtype=np.int64)
        planned = np.zeros(n_samples, dtype=np.int64)
        active = np.arange(n_samples)
        drawn, look = 0, _FIRST_PILOT if self.tol > 0 else _FIXED_PILOT
        while active.size:
            pilot[active] += yield VoteRequest(active, look - drawn, Stage.PILOT)
            drawn = look
            if self.tol > 0:
                plan = self._plan(pilot[active], vote_radius, tolerance)
                done = plan <= _PILOT_SHARE * drawn
                done |= _PILOT_CAP * drawn > self.n_max
            else:
                plan = np.full(active.size, self.n_max)
                done = np.ones(active.size, dtype=bool)
            planned[active[done]] = plan[done]
            active = active[~done]
            look = 2 * drawn

        label = leading_class(pilot, self.weights)
        counts = np.zeros_like(pilot)
        miss = np.ones(n_samples)
        radius = np.zeros(n_samples)
        rows = np.flatnonzero(planned)
        if rows.size:
            counts[rows] = yield VoteRequest(
                rows, planned[rows], Stage.ESTIMATE, n_samples - rows.size
            )
            radius[rows], miss[rows] = vote_radius(counts[rows], label[rows])
        abstained = radius <= 0
        return RowAnswers(
            label=label,
            radius=certified_radius(radius, self.law, self.slack),
            abstained=abstained,
            p_lower=np.nextafter(1.0 - miss, 0.0),
            counts=counts,
            n_evaluations=pilot.sum(axis=1) + planned,
            label_counts=pilot,
        )

    def from_enumeration(self, counts, law):
        """Certify from the votes of all copies: every label is certain."""
        label, radius = enumerated_radius(counts, law, self.weights)
        abstained = np.zeros(len(counts), dtype=bool)
        return enumerated_answers(counts, label, radius, abstained)

    def from_probabilities(self, probits):
        """Certify from the probabilities of the classes."""
        label, radius = exact_radius(probits, self.law, self.weights)
        abstained = radius <= 0
        radius = certified_radius(radius, self.law, 0.0)
        return exact_answers(probits, label, radius, abstained)

    def from_margins(self, label, radius, n_classes):
        """Certify from distances to a boundary; see `sksmooth.votes`."""
        proved = np.maximum(radius, 0.0)
        return margin_answers(label, proved, radius <= 0, n_classes)

    def _plan(self, pilot, vote_radius, tolerance):
        """Fewest votes expected to give up no more than the tolerance.

        0 gives a sample up.
        """
        leader = leading_class(pilot, self.weights)
        shares = vote_shares(pilot)

        def expected(n, shares):
            return vote_radius(n * shares, leader)[0]

        def planned_for(n):
            # A radius that counts changes falls by a whole one for a vote too few.
            return lowered_shares(shares, leader, n) if by_steps else shares

        by_steps = self.law.counts_changes
        sizes = _candidate_sizes(self.n_max)
        most = expected(self.n_max, shares)
        enough = most - np.minimum(tolerance, _LARGEST_LOSS * most)
        low = np.zeros(len(pilot), dtype=int)
        high = np.full(len(pilot), len(sizes) - 1)
        while np.any(low < high):
            middle = (low + high) // 2
            size = sizes[middle, np.newaxis]
            reached = expected(size, planned_for(size)) >= enough
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        # A sample that is just expected to abstain gets all the votes there are.
        plan = np.where(most > 0, sizes[low], self.n_max)
        if self.beta > 0:
            hopeful = optimistic_shares(pilot, leader, self.beta)
            plan[expected(self.n_max, hopeful) <= 0] = 0
        return plan


def _candidate_sizes(n_max):
    count = max(1, round(np.log(max(n_max / _FIRST_PILOT, 1.0)) / np.log(_SIZE_RATIO)))
    sizes = _FIRST_PILOT * _SIZE_RATIO ** np.arange(count)
    return np.append(np.unique(sizes[sizes < n_max].astype(np.int64)), n_max)
