# SPDX-License-Identifier: BSD-3-Clause
"""Categories drawn anew and words deleted, by the tests that all such laws inherit."""

import itertools

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr, ndtri

from sksmooth.noise import DeletedWords, Erase, Resample, TokenDeletion
from tests.changes_case import ChangesLawCase, cheapest


class TestResample(ChangesLawCase):
    """Five features of three categories, of which two change."""

    noise = Resample(0.6, [0, 1, 2, 3, 4])
    law = noise.bind(1.0, [3] * 5)
    row = (0,) * 5
    settings = {"noise_features": []}

    def values(self, n_features):
        return np.repeat(np.arange(3.0)[:, np.newaxis], n_features, axis=1)

    def worst_case(self, share_other):
        neighbor = (1, 1, 0, 0, 0)
        outcomes = np.array(list(itertools.product(range(3), repeat=5)))
        here, there = (
            np.where(outcomes == sample, 0.4 + 0.2, 0.2).prod(axis=1)
            for sample in (self.row, neighbor)
        )
        miss = ndtr(-self.law.threshold(2, share_other))
        lost = cheapest(here, there, miss).reshape((3,) * 5)

        def event(Z):
            return ~lost[tuple(np.rint(Z[:, :5]).astype(int).T)]

        return event, self.row, neighbor, 2


class TestResampleBesideNumbers(ChangesLawCase):
    """A number and a feature of three categories, which changes."""

    noise = Resample(0.4, [1])
    law = noise.bind(1.0, [0, 3]).with_changes(1)
    row = (0.0, 0)
    steps = (0.0, 0.3, 0.9, 2.0)
    n_changes = 1
    settings = {"sigma": 1.0, "feature_scale": [1.0, 1.0, 0.0]}

    def values(self, n_features):
        return np.repeat(np.arange(3.0)[:, np.newaxis], n_features, axis=1)

    def worst_case(self, share_other):
        radius = 0.8
        p = ndtr(self.law.threshold(radius, share_other))
        kept, new = 0.6 + 0.4 / 3, 0.4 / 3
        log_ratio = np.log([new / kept, kept / new, 1.0])
        masses = np.array([kept, new, new])

        def share(cut):
            return masses @ ndtr((cut - log_ratio) / radius) - p

        cut = brentq(share, -20, 20, xtol=1e-14) - 1e-9

        def event(Z):
            return radius * Z[:, 0] + log_ratio[np.rint(Z[:, 1]).astype(int)] <= cut

        return event, self.row, (radius, 1), radius


def erased(Z, at):
    """Whether features are erased, which shows as a missing value."""
    return np.isnan(np.asarray(Z, dtype=float)[:, at])


class TestErase(ChangesLawCase):
    """Twelve features of three categories, of which two change."""

    noise = Erase(0.9, [*range(12)])
    law = noise.bind(1.0, [4] * 12)
    row = (0,) * 12
    steps = (0, 1, 2, 3, 4)
    settings = {"noise_features": []}

    def values(self, n_features):
        return np.repeat(np.arange(3.0)[:, np.newaxis], n_features, axis=1)

    def worst_case(self, share_other):
        neighbor = (1, 1, *self.row[2:])
        # The sample shows by either feature; else the ten others draw a lot.
        masses = np.ones(1)
        for _ in range(10):
            masses = np.multiply.outer(masses, [0.1, 0.9]).ravel()
        left = (float(ndtr(self.law.threshold(2, share_other))) - 0.19) / 0.81
        chosen = np.zeros(len(masses), dtype=bool)
        for at in np.argsort(-masses):
            chosen[at] = masses[at] <= left
            left -= masses[at] * chosen[at]

        def event(Z):
            Z = np.where(np.asarray(Z) == 3, np.nan, Z)
            drawn = chosen[erased(Z, slice(2, 12)) @ 2 ** np.arange(9, -1, -1)]
            agree = erased(Z, slice(0, 2)).all(axis=1)
            return (Z[:, :2] == 0).any(axis=1) | (agree & drawn)

        return event, self.row, neighbor, 2


class TestEraseBesideNumbers(ChangesLawCase):
    """A number and a feature of three categories, which changes."""

    noise = Erase(0.8, [1])
    law = noise.bind(1.0, [0, 4]).with_changes(1)
    row = (0.0, 0)
    steps = (0.0, 0.3, 0.9)
    n_changes = 1
    settings = {"sigma": 1.0, "feature_scale": [1.0, 1.0, 0.0]}

    def values(self, n_features):
        return np.repeat(np.arange(3.0)[:, np.newaxis], n_features, axis=1)

    def worst_case(self, share_other):
        radius = 0.4
        p = float(ndtr(self.law.threshold(radius, share_other)))
        cut = ndtri((p - 0.2) / 0.8) - 1e-9

        def event(Z):
            Z = np.where(np.arange(Z.shape[1]) == 1, np.where(Z == 3, np.nan, Z), Z)
            return (Z[:, 1] == 0) | (erased(Z, 1) & (Z[:, 0] <= cut))

        return event, self.row, (radius, 1), radius


class TestWords(ChangesLawCase):
    """A word is added or deleted beside twelve others that stay."""

    noise = TokenDeletion(0.8)
    law = DeletedWords(1.0, probability=0.8)
    row = (0, 1, *[1] * 12)
    false_radius = 1

    def apart(self, n_rows):
        """Words in binary code: few of them, as each costs a number for each vote."""
        return np.arange(n_rows)[:, np.newaxis] >> np.arange(15) & 1

    def lead(self, top, other, step):
        return np.min(
            [
                np.maximum(log_ndtr(-self.noise.grow(-top, added, deleted)), -1e9)
                - log_ndtr(self.noise.grow(other, added, deleted))
                for added, deleted in self.mixtures(step)
            ],
            axis=0,
        )

    def mixtures(self, step):
        """Numbers of added and deleted words."""
        return [(step - deleted, deleted) for deleted in range(step + 1)]

    def worst_case(self, share_other):
        n_added, n_deleted = max(
            self.mixtures(self.false_radius),
            key=lambda mixture: self.noise.threshold(*mixture, share_other),
        )
        # Added words betray the neighbor, deleted ones the sample; else it is by lot.
        masses = np.ones(1)
        for _ in range(12):
            masses = np.multiply.outer(masses, [0.8, 0.2]).ravel()
        lot = ~cheapest(masses, masses, 1 - share_other / 0.8**n_added)

        def event(Z):
            Z = np.rint(Z[:, :14]).astype(int)
            drawn = lot[Z[:, 2:] @ 2 ** np.arange(11, -1, -1)]
            return (Z[:, 0] == 0) & ((Z[:, 1] > 0) | drawn)

        row, neighbor = (0, n_deleted, *[1] * 12), (n_added, 0, *[1] * 12)
        return event, row, neighbor, self.false_radius


class TestAddedBesideDeletedWords(TestWords):
    law = DeletedWords(1.0, probability=0.8, changes=2)
    n_changes = 2

    def mixtures(self, step):
        return [(step, deleted) for deleted in range(self.n_changes + 1)]
