# SPDX-License-Identifier: BSD-3-Clause
"""Do radii hold beside changes: all of them by one stream of votes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sksmooth.noise import Law
from sksmooth.questions._certify_at_radii import CertifyAtRadii
from sksmooth.questions._exact_radius import exact_radius


@dataclass(frozen=True, kw_only=True)
class CertifyFrontier(CertifyAtRadii):
    """The largest of some radii that holds beside each number of changes.

    A claim is a radius beside some number of changes. Claims are ordered by the share
    of the votes that they take, and each is shown together with all that come before.
    So they are tested as radii are: the first one that is false is accepted with
    probability at most alpha, and no other false one without it.

    Parameters
    ----------
    changes : int
        Most changes.
    law
        With `with_changes`.
    radii, n_max, alpha, bound, weights, slack, beta
        See `CertifyAtRadii`.
    """

    changes: int

    @property
    def _laws(self):
        """Laws of the claims: that of radii alone, and those beside changes."""
        most = self.law.most_changes(self.changes)
        beside = [self.law.with_changes(k) for k in range(most + 1)]
        return (self.law, *beside)

    def from_votes(self, n_samples, n_classes):
        """Certify by one stream of votes, at looks; see `CertifyAtRadii`."""
        claims = _Claims(self._laws, tuple(self.radii.tolist()), float(self.slack))
        asked = CertifyAtRadii(
            law=claims,
            radii=np.arange(1.0, len(claims.order) + 1),
            n_max=self.n_max,
            alpha=self.alpha,
            bound=self.bound,
            weights=self.weights,
            slack=0.0,
            beta=self.beta,
        )
        answers = yield from asked.from_votes(n_samples, n_classes)
        radius, *beside = claims.largest[:, answers.radius.astype(np.intp)]
        abstained = radius < 0
        return replace(
            answers,
            radius=np.maximum(radius, 0.0),
            abstained=abstained,
            p_lower=np.where(abstained, 0.0, answers.p_lower),
            frontier=self._frontier(beside, abstained),
        )

    def from_probabilities(self, probits):
        """Certify from the probabilities of the classes."""
        answers = super().from_probabilities(probits)
        beside = []
        for law in self._laws[1:]:
            _, radius = exact_radius(probits, law, self.weights)
            beside.append(np.append(-1.0, self.radii)[self._held(radius)])
        return replace(answers, frontier=self._frontier(beside, answers.abstained))

    def _frontier(self, columns, abstained):
        radii = np.minimum.accumulate(np.stack(columns, axis=1), axis=1)
        # More categories than there are count as all of them.
        missing = self.changes + 1 - radii.shape[1]
        radii = np.pad(radii, ((0, 0), (0, missing)), mode="edge")
        return np.where(abstained[:, np.newaxis] | (radii < 0), np.nan, radii)


@dataclass(frozen=True)
class _Claims:
    """Claims by their numbers from 1 on, in place of the radii of a law.

    Parameters
    ----------
    laws : tuple of Law
    radii : tuple of float
        Increasing; a claim is one of them under one of the laws.
    slack : float
        See `Certify`.
    """

    laws: tuple[Law, ...]
    radii: tuple[float, ...]
    slack: float
    unit = 1.0

    @cached_property
    def _of_law(self):
        """Position of the law of each claim, before they are ordered."""
        return np.repeat(np.arange(len(self.laws)), len(self.radii))

    @cached_property
    def _needed(self):
        radii = np.array(self.radii)
        return np.where(radii > 0, radii + self.slack, 0.0)

    @cached_property
    def order(self):
        """Positions of the claims, those that take the smallest share first."""
        probit = np.concatenate([law.threshold(self._needed) for law in self.laws])
        return np.argsort(probit, kind="stable")

    @cached_property
    def largest(self):
        """Largest radius under each law among so many claims; -1 for none."""
        own = self._of_law[self.order] == np.arange(len(self.laws))[:, np.newaxis]
        shown = np.where(own, np.tile(self.radii, len(self.laws))[self.order], -1.0)
        return np.maximum.accumulate(np.insert(shown, 0, -1.0, axis=1), axis=1)

    def threshold(self, claims, share_other=0.5):
        """Probability that a class must exceed, as a probit; see `Law.threshold`."""
        share_other = np.asarray(share_other, dtype=np.float64)
        probit = np.concatenate(
            [law.threshold(self._needed, share_other) for law in self.laws], axis=-1
        )
        label = self.laws[0].threshold(np.zeros(1), share_other)
        probit = np.concatenate([label, probit[..., self.order]], axis=-1)
        return probit[..., np.asarray(claims, dtype=np.intp)]

    def radius(self, probit_top, probit_other, weight_top=1.0, weight_other=1.0):
        """How many claims hold, and a half; see `Law.radius`."""
        arguments = probit_top, probit_other, weight_top, weight_other
        radii = np.stack([law.radius(*arguments) for law in self.laws], axis=-1)
        needed = np.tile(self._needed, len(self.laws))[self.order]
        shown = needed < radii[..., self._of_law[self.order]]
        return np.logical_and.accumulate(shown, axis=-1).sum(axis=-1) + 0.5
