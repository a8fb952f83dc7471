# SPDX-License-Identifier: BSD-3-Clause
"""Is the label certified at given radii: one stream of votes, tested as it grows."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.special import ndtr

from sksmooth.bounds import ThresholdTest
from sksmooth.certificates import RowAnswers
from sksmooth.noise import Stage
from sksmooth.questions._certify import Certify
from sksmooth.questions._decide_label import leading_class
from sksmooth.questions._enumerated_radius import (
    enumerated_answers,
    enumerated_radius,
)
from sksmooth.questions._exact_radius import exact_answers, exact_radius, margin_answers
from sksmooth.questions._feasibility import (
    check_can_certify,
    warn_of_light_classes,
    warn_out_of_reach,
)
from sksmooth.questions._futility import optimistic_shares
from sksmooth.questions._vote_radius import VoteRadius, heaviest_other
from sksmooth.votes import VoteRequest

# Part of alpha spent on comparing the leader with each other class, which can
# show more than the leader's own share does.
_PAIRED_PART = 0.25
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class CertifyAtRadii(Certify):
    """The largest of some radii within which the label is certified.

    Two tests share alpha:

    - `_OwnShare`: the leader's share exceeds what all others together could catch up
      with (all of alpha with ``bound="binary"`` or two classes);
    - `_AgainstEach`: confidence bounds of the leader and of each other class leave a
      larger radius (a quarter of alpha).

    Parameters
    ----------
    radii : ndarray of shape (n_radii,)
        Increasing.
    law, n_max, alpha, bound, weights, slack, beta
        See `Certify`. A sample is given up where the last look would accept it half of
        the time, with probability at most `beta`.
    """

    radii: np.ndarray  # type: ignore[misc] # the other question has none
    _of_exact: ClassVar[tuple[str, ...]] = ("radii", "weights")

    @property
    def expected_votes(self):
        """Votes that a sample takes, about."""
        return min(self.n_max, 500)

    def check(self, n_classes):
        """Refuse a number of votes that cannot certify, and warn of radii too large."""
        tables = self._tables(n_classes)
        if not tables.certifies_label:
            check_can_certify(self, n_classes)
        warn_of_light_classes(self)
        if not tables.reachable.all():
            warn_out_of_reach(self, self.radii[~tables.reachable])

    def certifies_label(self, n_votes, n_classes):
        """Whether so many unanimous votes would certify the label."""
        return self.reachable(np.zeros(1), n_votes, n_classes).all()

    def reachable(self, radii, n_votes, n_classes):
        """Which radii unanimous votes for the best-placed class would show."""
        alpha = (1 - self.paired_part(n_classes)) * self.alpha
        probit = _share_needed(radii, self.law, self.weights)
        return ThresholdTest.can_accept(ndtr(-probit), n_votes, alpha).any(axis=0)

    def paired_part(self, n_classes):
        """Part of alpha for comparing classes; two classes have nothing to add."""
        compares = self.bound == "multiclass" and n_classes > 2
        return _PAIRED_PART if compares else 0.0

    def _tables(self, n_classes):
        content = (getattr(self, field.name) for field in fields(self))
        key = (
            part.tobytes() if isinstance(part, np.ndarray) else part for part in content
        )
        return _tables(_Keyed(self, tuple(key)), n_classes)

    def from_votes(self, n_samples, n_classes):
        """Certify by one stream of votes, at looks.

        At each look, each radius of a sample is tested for its leader; the sample is
        finished when no radius is undecided.
        """
        radii = self.radii
        tables = self._tables(n_classes)
        own_share, against_each = tables.own_share, tables.against_each
        looks = own_share.looks
        counts = np.zeros((n_samples, n_classes), dtype=np.int64)
        n_evaluations = np.zeros(n_samples, dtype=np.int64)
        label = np.zeros(n_samples, dtype=np.int64)
        label_counts = counts.copy()  # those that show the label and the radius
        held = np.zeros(n_samples, dtype=np.int64)  # how many radii, from the smallest
        p_lower = np.zeros(n_samples)
        # Of the samples that are not finished: positions, votes, and the index of the
        # smallest radius not shown yet.
        active, votes, following = np.arange(n_samples), counts.copy(), held.copy()
        drawn = 0
        for k, look in enumerate(looks.tolist()):
            if not active.size:
                break
            votes += yield VoteRequest(
                active, look - drawn, Stage.ESTIMATE, n_samples - active.size
            )
            drawn = look
            leader = leading_class(votes, self.weights)
            if tables.changes_nothing(k, votes, leader, following):
                continue
            holds, lower = own_share.decide(k, votes, leader)
            if against_each is not None:
                holds, lower = against_each.add(k, votes, leader, holds, lower)

            gained = holds > following
            if gained.any():
                shown = active[gained]
                held[shown] = following[gained] = holds[gained]
                p_lower[shown] = lower[gained]
                label[shown] = leader[gained]
                label_counts[shown] = votes[gained]

            done = following == len(radii)
            if look == looks[-1]:
                done[:] = True
            elif not done.all():
                hopeless = own_share.hopeless(k, votes, leader, following)
                if against_each is not None and hopeless.any():
                    check = np.flatnonzero(hopeless)
                    hopeless[check] = against_each.hopeless(
                        votes[check], leader[check], following[check]
                    )
                done |= hopeless
            if done.any():
                ended = active[done]
                counts[ended] = votes[done]
                n_evaluations[ended] = look
                # Where nothing was shown, the label is only the leader.
                nothing = done & (following == 0)
                label[active[nothing]] = leader[nothing]
                label_counts[active[nothing]] = votes[nothing]
                active, votes, following = active[~done], votes[~done], following[~done]

        return RowAnswers(
            label=label,
            radius=tables.largest[held],
            abstained=held == 0,
            p_lower=p_lower,
            counts=counts,
            n_evaluations=n_evaluations,
            label_counts=label_counts,
        )

    def from_enumeration(self, counts, law):
        """Certify from the votes of all copies."""
        label, radius = enumerated_radius(counts, law, self.weights)
        held = np.searchsorted(self.radii, radius, side="right")
        radius = np.append(0.0, self.radii)[held]
        return enumerated_answers(counts, label, radius, held == 0)

    def from_probabilities(self, probits):
        """Certify from the probabilities of the classes."""
        label, radius = exact_radius(probits, self.law, self.weights)
        held = self._held(radius)
        radius = np.append(0.0, self.radii)[held]
        return exact_answers(probits, label, radius, held == 0)

    def from_margins(self, label, radius, n_classes):
        """Certify from distances to a boundary; see `sksmooth.votes`."""
        held = self._held(radius)
        radius = np.append(0.0, self.radii)[held]
        return margin_answers(label, radius, held == 0, n_classes)

    def _held(self, radius):
        """How many of the radii asked for hold where the radius is known."""
        held = np.searchsorted(self.radii, radius, side="right")
        # At radius 0 the class has to be ahead, not level.
        return np.where(radius > 0, held, 0)


class _Keyed(NamedTuple):
    """A question that is found again by its content."""

    question: CertifyAtRadii
    key: tuple[Any, ...]

    def __eq__(self, other):
        return self.key == other.key

    def __hash__(self):
        return hash(self.key)


# The same question is put again and again, about other samples, and for a few samples
# its tables take longer than their votes.
@lru_cache(maxsize=16)
def _tables(keyed, n_classes):
    return _Tables(keyed.question, n_classes)


class _Tables:
    """What a question computes once for all samples.

    Attributes
    ----------
    certifies_label : bool
        Whether `n_max` unanimous votes would certify the label.
    reachable : ndarray of bool of shape (n_radii,)
        Which radii they would show.
    largest : ndarray of shape (n_radii + 1,)
        The largest of so many radii from the smallest on; 0 for none.
    own_share : _OwnShare
    against_each : _AgainstEach or None
        None where comparing classes has nothing to add.
    """

    def __init__(self, question, n_classes):
        q, part = question, question.paired_part(n_classes)
        self.certifies_label = q.certifies_label(q.n_max, n_classes)
        self.reachable = q.reachable(q.radii, q.n_max, n_classes)
        self.largest = np.append(0.0, q.radii)
        # A radius of 0 is about the sample alone: nothing is lost between grid points.
        needed = np.where(q.radii > 0, q.radii + q.slack, 0.0)
        alpha = (1 - part) * q.alpha
        self.own_share = _OwnShare(needed, q.law, q.n_max, alpha, q.weights, q.beta)
        self.against_each = None
        if part > 0:
            looks, alpha = self.own_share.looks, part * q.alpha
            self.against_each = _AgainstEach(
                needed, q.law, looks, alpha, n_classes, q.weights, q.beta
            )

    def changes_nothing(self, k, votes, leader, following):
        """Whether look k shows no radius of any sample, and leaves none as hopeless.

        Most looks at a few samples are such, and to learn no more takes less time.
        """
        own, each = self.own_share, self.against_each
        if k == len(own.looks) - 1:
            return False
        if len(votes) == 1:  # numbers take less time than arrays of one
            leader, following = leader.item(), following.item()
            lead = votes.item(leader)
        else:
            lead = _votes_of(leader, votes)
        nothing = own.is_open(k, lead, leader, following)
        if each is not None:
            nothing &= ~each.may_show(k, following)
        return nothing.all() if nothing.ndim else nothing


class _OwnShare:
    """Show radii by the leader's share alone, by critical counts.

    Class A with weight v leads within r if its probability exceeds
    ``Law.threshold(r, w / (v + w))``, w the largest weight of another class: whatever
    the others share, the heaviest of them cannot catch up.
    """

    def __init__(self, needed, law, n_max, alpha, weights, beta):
        self.by_class = weights is not None
        probit = _share_needed(needed, law, weights)
        self._threshold = np.insert(ndtr(probit), 0, 0.0, axis=1)
        test = ThresholdTest.build(ndtr(-probit), n_max, alpha, beta)
        self.looks = test.looks
        # A larger radius never needs fewer votes.
        self._accept = np.maximum.accumulate(test.accept, axis=-1)
        # None is hopeless after the last one.
        self._hopeless = np.insert(test.hopeless, len(needed), -1, axis=-1)
        self._shown = np.nextafter(self._threshold, 0.0)

    def is_open(self, k, lead, leader, following):
        """Whether the radii at `following` are neither shown at look k nor hopeless.

        Parameters
        ----------
        k : int
        lead, leader, following : int or ndarray of int of shape (n_samples,)
            Votes of the leader, its position, and the index of the radius.
        """
        group = leader if self.by_class else 0
        is_open = lead < self._accept[k, group, following]
        is_open &= lead > self._hopeless[k, group, following]
        return is_open

    def decide(self, k, votes, leader):
        """How many radii are shown at look k, and the share that was shown."""
        lead = _votes_of(leader, votes)
        if not self.by_class:
            holds = self._accept[k, 0].searchsorted(lead, side="right")
            return holds, self._shown[0, holds]
        holds = (lead[:, np.newaxis] >= self._accept[k, leader]).sum(axis=1)
        return holds, self._shown[leader, holds]

    def hopeless(self, k, votes, leader, following):
        """Whether the radii at the indices `following` will hardly be shown.

        An index beyond the last radius is no hopeless one.
        """
        group = leader if self.by_class else 0
        return _votes_of(leader, votes) <= self._hopeless[k, group, following]


def _votes_of(leader, votes):
    return votes[np.arange(len(votes)), leader]


def _share_needed(radii, law, weights):
    """Probits of the shares to exceed, of shape (n_classes or 1, n_radii)."""
    share_other = 0.5
    if weights is not None:
        rival = heaviest_other(weights)
        share_other = (rival / (weights + rival))[:, np.newaxis]
    return np.atleast_2d(law.threshold(radii, share_other))


class _AgainstEach:
    """Show radii by Clopper-Pearson bounds of the leader and of each other class.

    It needs no pilot either. At one look, with K classes, let lower bounds fail with
    probability ``a / (2 K)`` each and upper bounds with ``a / 4``. Call class A bad if
    it is not the prediction everywhere within the radius; the class c(A) that limits it
    is the most dangerous other class if A is predicted at the sample itself, and the
    predicted class otherwise. A bad class is accepted only if its lower bound fails,
    which are K events, or the upper bound of its c(A), which are two: together at most
    ``K a / (2 K) + 2 a / 4 = a``.
    """

    def __init__(self, needed, law, looks, alpha, n_classes, weights, beta):
        # Half of alpha waits for the last look, where samples near a threshold end.
        levels = np.full(len(looks), alpha / 2 / max(len(looks) - 1, 1))
        levels[-1] = alpha / 2
        self._proves = [
            VoteRadius(law, level / (2 * n_classes), level / 4, weights)
            for level in levels
        ]
        self._needed = needed
        self._following = np.append(needed, np.inf)  # none after the last one
        self._looks = looks
        self._n_classes = n_classes
        self._most = {}  # by look
        # More than the error of any radius, relative to its size.
        self._rounding = _ROUNDING * max(1.0, law.unit)
        # Looks at one stream are alike: one share of beta each would give up too late.
        self._beta = beta / 2

    def decide(self, k, votes, leader):
        """How many radii are shown at look k, and the leader's lower bound."""
        radius, miss = self._proves[k](votes, leader)
        holds = np.searchsorted(self._needed, radius, side="left")
        return holds, np.nextafter(1.0 - miss, 0.0)

    def add(self, k, votes, leader, holds, lower):
        """Add to the radii that another test shows at look k.

        Parameters
        ----------
        k : int
        votes : ndarray of int of shape (n_samples, n_classes)
        leader : ndarray of int of shape (n_samples,)
        holds : ndarray of int of shape (n_samples,)
            How many radii the other test shows.
        lower : ndarray of shape (n_samples,)
            The share of the leader that it shows.

        Returns
        -------
        holds, lower
            The same, where this test shows no more.
        """
        at = np.flatnonzero(self.may_show(k, holds))
        if at.size:
            more, more_lower = self.decide(k, votes[at], leader[at])
            gained = more > holds[at]
            holds[at[gained]], lower[at[gained]] = more[gained], more_lower[gained]
        return holds, lower

    def may_show(self, k, following):
        """Whether some votes would show the radius at index `following` at look k."""
        return self._following[following] < self._largest(k)

    def _largest(self, k):
        """A radius that no votes exceed at look k, as unanimous ones do not."""
        if k not in self._most:
            every = np.arange(self._n_classes)
            unanimous = self._looks[k] * np.eye(self._n_classes)
            largest = self._proves[k](unanimous, every)[0].max()
            self._most[k] = largest + self._rounding * max(1.0, largest)
        return self._most[k]

    def hopeless(self, votes, leader, following):
        """Whether all the votes would hardly show the radius at index `following`."""
        if self._beta == 0:
            return np.zeros(len(votes), dtype=bool)
        hopeful = optimistic_shares(votes, leader, self._beta)
        radius, _ = self._proves[-1](self._looks[-1] * hopeful, leader)
        return radius <= self._needed[following]
