# SPDX-License-Identifier: BSD-3-Clause
"""What a classifier can tell of a sample whose categories have changed: exact tests.

Noise draws a category anew with some probability, uniformly. The likelihood ratio of
two samples that differ in k categories has few values, its atoms, and the most powerful
tests of one sample against the other are found by adding them up (Neyman and Pearson),
also beside Gaussian noise on numbers.
"""

from collections import Counter
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from sksmooth._special import row_products

# Probits beyond are taken for the end next to them where that is the safe side.
_FARTHEST = 9.0
# In units of sigma; a smaller distance counts as this one, which is the safe side.
_LEAST = 1e-4
# Relative rounding error of a sum over atoms that is allowed for.
_ERROR = 1e-13
# Relative error of a cut.
_CUT_ERROR = 1e-11
# Newton's method takes about four steps from the table on; bisection the others.
_FAST_STEPS, _MOST_STEPS = 12, 100
_TOLERANCE = 1e-8


@lru_cache(maxsize=256)
def changed_categories(probability, cardinalities):
    """Return the `ChangedCategories` of some changed features; it is kept.

    Parameters
    ----------
    probability : float
        Probability that a category is drawn anew.
    cardinalities : tuple of int
        Number of categories of each feature that has changed.
    """
    return ChangedCategories(probability, cardinalities)


class ChangedCategories:
    """Most powerful tests of a sample against one with other categories.

    Parameters
    ----------
    probability : float
        Probability that a category is drawn anew, uniformly.
    cardinalities : tuple of int
        Number of categories of each feature that differs between the two samples.

    Attributes
    ----------
    ratio : ndarray of shape (n_atoms,)
        Logarithms of the likelihood ratios, increasing; symmetric about 0.
    here : ndarray of shape (n_atoms,)
        Their probabilities at the sample. At the other one they are the same in
        reverse.
    """

    def __init__(self, probability, cardinalities):
        ratio, here = np.zeros(1), np.ones(1)
        for cardinality, n_changed in Counter(cardinalities).items():
            r, p = _alike(probability, cardinality, n_changed)
            ratio = np.add.outer(ratio, r).ravel()
            here = np.multiply.outer(here, p).ravel()
        order = np.argsort(ratio, kind="stable")
        self.ratio, self.here = ratio[order], here[order]
        # By exchange of the two samples; sums of ratios are the same up to their sign.
        self.there = self.here[::-1]

    # Without Gaussian noise, or at distance 0

    def grow(self, probit):
        """``Phi^-1`` of the largest probability at the other sample, by that here.

        Parameters
        ----------
        probit : ndarray

        Returns
        -------
        ndarray
        """
        # Most likely at the other sample first.
        here, there = self.here[::-1], self.there[::-1]
        up = np.concatenate([[0.0], np.cumsum(here)])
        down = np.concatenate([np.cumsum(self.here)[::-1], [0.0]])
        gained = np.concatenate([[0.0], np.cumsum(there)])
        left = np.concatenate([np.cumsum(self.there)[::-1], [0.0]])
        p, miss = ndtr(probit), ndtr(-probit)
        low = p < 0.5
        last = len(here) - 1
        at = np.where(
            low,
            np.searchsorted(up, p, side="right") - 1,
            len(down) - np.searchsorted(down[::-1], miss, side="left") - 1,
        )
        at = np.clip(at, 0, last)
        # Part of the last atom that belongs to the event, or does not.
        part = np.where(low, p - up[at], miss - down[at + 1]) / here[at]
        part = np.clip(part, 0.0, 1.0)
        inner, outer = np.where(low, part, 1 - part), np.where(low, 1 - part, part)
        grown = (gained[at] + inner * there[at]) * (1 + _ERROR)
        rest = (left[at + 1] + outer * there[at]) * (1 - _ERROR)
        return np.where(grown < rest, ndtri(np.minimum(grown, 0.5)), -ndtri(rest))

    # Beside Gaussian noise

    def grow_beside(self, probit, distance):
        """`grow` if numbers change too, by `distance` standard deviations in l2.

        Parameters
        ----------
        probit, distance : ndarrays of one shape
            Distances of 0 are those of `grow`.

        Returns
        -------
        ndarray
        """
        probit, distance = np.asarray(probit), np.asarray(distance)
        result = np.array(self.grow(probit), dtype=np.float64)
        moved = (distance > 0) & (probit < 37.0)
        result[(distance > 0) & ~moved] = np.inf
        p = np.maximum(probit[moved], -37.0)
        s = np.maximum(distance[moved], _LEAST)

        cut = self._cut(p, s)
        z = (cut[:, np.newaxis] - self.ratio) / s[:, np.newaxis]
        half = s[:, np.newaxis] / 2
        lacks = np.where(
            p < 0,
            ndtr(p) - row_products(ndtr(-(z + half)), self.here),
            row_products(ndtr(z + half), self.here) - ndtr(-p),
        )
        lacks = np.exp(cut) * np.maximum(lacks, 0.0)
        beyond = row_products(ndtr(half - z), self.there)
        within = row_products(ndtr(z - half), self.there)
        result[moved] = _probit(
            beyond * (1 + _ERROR) + lacks,
            np.maximum(within * (1 - _ERROR) - lacks, 0.0),
        )
        return result

    def _cut(self, probit, s):
        """Cuts beyond which the log ratio lies with some probability here."""
        span = s * (np.abs(probit) + s + 1.0)
        low, high = self.ratio[0] - span, self.ratio[-1] + span
        cut = np.clip(self._cut_between(probit, s), low, high)
        before = np.full(cut.shape, np.inf)
        left = np.ones(cut.shape, dtype=bool)
        for _ in range(200):
            z = (cut[:, np.newaxis] - self.ratio) / s[:, np.newaxis]
            z += s[:, np.newaxis] / 2
            at = _probit(
                row_products(ndtr(-z), self.here), row_products(ndtr(z), self.here)
            )
            excess = at - probit
            low, high = np.where(excess >= 0, cut, low), np.where(excess < 0, cut, high)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                density = row_products(np.exp(-z * z / 2), self.here) / s
                new = cut + excess * np.exp(-at * at / 2) / density
            # Newton's method while it helps, else bisection.
            helps = (new > low) & (new < high) & (np.abs(excess) < 0.5 * before)
            new = np.where(helps, new, (low + high) / 2)
            before = np.where(helps, np.abs(excess), np.inf)
            error = _CUT_ERROR * (s + np.abs(cut))
            left &= (np.abs(excess) > _CUT_ERROR) & (high - low > error)
            if not left.any():
                break
            cut = np.where(left, new, cut)
        return cut

    def _cut_between(self, probit, s):
        """`_cut`, if the atoms were too far apart to be taken for each other."""
        up = np.concatenate([[0.0], np.cumsum(self.here[::-1])])
        p = ndtr(probit)
        at = np.clip(np.searchsorted(up, p, side="right") - 1, 0, len(self.here) - 1)
        part = (p - up[at]) / self.here[::-1][at]
        z = -ndtri(np.clip(part, 1e-9, 1 - 1e-9))
        return self.ratio[::-1][at] + s * (z - s / 2)

    def _probit_here(self, cut, s):
        z = (cut[..., np.newaxis] - self.ratio) / s[..., np.newaxis]
        z = z + s[..., np.newaxis] / 2
        return _probit(
            row_products(ndtr(-z), self.here), row_products(ndtr(z), self.here)
        )

    def _there(self, cut, s):
        """Probability at the other sample of a ratio beyond the cut, and within."""
        z = (cut[..., np.newaxis] - self.ratio) / s[..., np.newaxis]
        z = z - s[..., np.newaxis] / 2
        return row_products(ndtr(-z), self.there), row_products(ndtr(z), self.there)

    def distance(self, top, other, log_odds):
        """Distance in standard deviations within which a class stays ahead.

        Parameters
        ----------
        top, other : ndarrays of shape (n,)
            ``Phi^-1`` of the probabilities of the class and of another one.
        log_odds : ndarray of shape (n,)
            ``log(w / v)`` of their vote weights.

        Returns
        -------
        ndarray of shape (n,)
            Rounded down; minus infinity where the class is not ahead at distance 0.

        Notes
        -----
        For any cut t on the log likelihood ratio L, the largest probability G(p) at
        the other sample is at most ``Q(L > t) + e**t (p - P(L > t))``, with equality at
        the best t. So an error of t is safe, and of second order. Distance and cuts
        start from a table and are improved together by Newton's method.
        """
        top = np.minimum(top, _FARTHEST)
        other = np.maximum(other, -_FARTHEST)
        kept, gained = ndtr(-self.grow(-top)), ndtr(self.grow(other))
        odds = np.exp(log_odds)
        leads = np.flatnonzero(kept > odds * gained)
        result = np.full(top.shape, -np.inf)
        if leads.size:
            result[leads] = self._root(-top[leads], other[leads], odds[leads])
        return result

    def _root(self, miss, other, odds):
        """`distance` where a class leads; `miss` is the probit of missing it."""
        s, cut_lost, cut_gained = self._table.start(miss, other, odds)
        p_lost, p_gained = ndtr(miss), ndtr(other)
        result = np.zeros_like(s)
        high = np.full_like(s, np.inf)
        at = np.arange(len(s))
        everything, doubtful = (miss, other, odds), []
        for step in range(_FAST_STEPS):
            s = np.maximum(s, _LEAST)
            lost, slope, step_lost = self._bound(p_lost, miss, cut_lost, s)
            gained, slope_gained, step_gained = self._bound(
                p_gained, other, cut_gained, s
            )
            cut_lost, cut_gained = cut_lost + step_lost, cut_gained + step_gained
            moved = np.maximum(np.abs(step_lost), np.abs(step_gained))
            lead = 1.0 - lost - odds * gained
            change = lead / np.maximum(slope + odds * slope_gained, 1e-300)
            low = np.maximum(result[at], np.where(lead > 0, s, 0.0))
            result[at] = low
            # A cut may be so far off that the bound is loose.
            behind = (lead <= 0) & (moved < 1e-4 * s)
            high = np.where(behind, np.minimum(high, s), high)
            found = (change >= 0) & (change <= _TOLERANCE * s) & (moved < 1e-4 * s)
            found |= high - low <= 4 * _TOLERANCE * low
            left = ~found & (s > _LEAST)
            doubtful.append(at[~found & ~left & (high > _LEAST)])
            # A little less than the root, so that it is known to lie beyond.
            s = np.clip(s + change, s / 4, 2 * s + 0.1) * (1 - _TOLERANCE / 8)
            outside = (s < low * (1 - _TOLERANCE)) | (s > high * (1 + _TOLERANCE))
            s[outside] = np.minimum((low + high) / 2, 2 * low + 0.1)[outside]
            if step < 1:
                cut_lost, cut_gained = self._table.cuts(s, miss, other)
            if not left.all():
                at, s, high, miss, other, odds, p_lost, p_gained = (
                    values[left]
                    for values in (at, s, high, miss, other, odds, p_lost, p_gained)
                )
                cut_lost, cut_gained = cut_lost[left], cut_gained[left]
                if not at.size:
                    break
        # Where the probability here hardly changes with the cut, Newton's method may
        # give up too early.
        at = np.concatenate([*doubtful, at])
        if at.size:
            result[at] = self._slow_root(result[at], *(v[at] for v in everything))
        return result

    def _slow_root(self, known, miss, other, odds):
        """`_root` where it is hard to find, from lower ends."""
        probit = np.concatenate([miss, other])
        p, n = ndtr(probit), len(miss)
        low, high = known, np.full_like(known, 2 * _FARTHEST)
        s = np.maximum(low, _LEAST)
        finished = np.zeros(n, dtype=bool)
        for step in range(_MOST_STEPS):
            twice = np.tile(s, 2)
            bound, slope, _ = self._bound(p, probit, self._cut(probit, twice), twice)
            lead = 1.0 - bound[:n] - odds * bound[n:]
            # Each result is its own, whatever else is looked for.
            low = np.where((lead > 0) & ~finished, np.maximum(low, s), low)
            high = np.where(lead > 0, high, np.minimum(high, s))
            change = lead / np.maximum(slope[:n] + odds * slope[n:], 1e-300)
            found = (change >= 0) & (change <= _TOLERANCE * s)
            found |= (high - low <= _TOLERANCE * low) | (high <= _LEAST)
            finished |= found
            if finished.all():
                break
            s = (s + change) * (1 - _TOLERANCE / 8)
            middle = np.maximum((low + high) / 2, _LEAST)
            s = np.where((s > low) & (s < high) & (step % 4 < 3), s, middle)
        return low

    def _bound(self, p, probit, cut, s):
        """Upper bound of G, its slope along s, and a step to a better cut."""
        z = (cut[:, np.newaxis] - self.ratio) / s[:, np.newaxis]
        half = s[:, np.newaxis] / 2
        here = row_products(ndtr(-(z + half)), self.here)
        z -= half
        there = row_products(ndtr(-z), self.there)
        np.square(z, out=z)
        z *= -0.5
        density = row_products(np.exp(z), self.there) * 0.3989422804014327
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            factor = np.exp(cut)
            bound = there + factor * (p - here) + _ERROR * (there + factor * here)
            bound = np.where(np.isfinite(bound), np.minimum(bound, 1.0), 1.0)
            # Newton's step on the probit of P(L > t), whose slope is nearly constant.
            at = ndtri(here)
            step = (at - probit) * np.exp(cut - at * at / 2) * s
            step *= 0.3989422804014327 / density
        reach = 2 * s + 0.5
        step = np.where(np.isfinite(step), step, np.sign(at - probit) * reach)
        step = np.clip(step, -reach, reach)
        return bound, density, step

    @cached_property
    def _table(self):
        return _Table(self)


class _Table:
    """Growth functions and best cuts at some distances, for starting values."""

    _PROBIT = np.linspace(-_FARTHEST, _FARTHEST, 145)
    _DISTANCE = np.concatenate(
        [
            [1e-4, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05],
            np.arange(1, 10) / 16,
            np.arange(5, 19) / 8,
            np.arange(5, 20) / 2,
        ]
    )

    def __init__(self, changed):
        # Cuts close enough to each other around each atom.
        z = np.linspace(-_FARTHEST - 1, _FARTHEST + 1, 33)
        atoms = changed.ratio
        if len(atoms) > 16:
            atoms = np.linspace(atoms[0], atoms[-1], 16)
        growth, cut = [], []
        for s in self._DISTANCE:
            cuts = np.unique(np.add.outer(atoms, s * z).ravel())
            ends = cuts[0] - s * s / 2, cuts[-1] + s * s / 2
            cuts = np.concatenate([ends[:1], cuts, ends[1:]])
            width = np.full(cuts.shape, s)
            here = changed._probit_here(cuts, width)
            there = _probit(*changed._there(cuts, width))
            inner = np.isfinite(here) & np.isfinite(there)
            here, there, cuts = here[inner], there[inner], cuts[inner]
            growth.append(np.interp(self._PROBIT, here[::-1], there[::-1]))
            cut.append(np.interp(self._PROBIT, here[::-1], cuts[::-1]))
        self._growth, self._cut = np.array(growth), np.array(cut)

    def start(self, miss, other, odds):
        """Distance at which ``1 - G(miss) = odds * G(other)``, and the two cuts."""
        places = [self._place(probit) for probit in (miss, other)]

        def lead(i):
            lost, gained = (self._at(self._growth, i, place) for place in places)
            return ndtr(-lost) - odds * ndtr(gained)

        low = np.zeros(miss.shape, dtype=np.intp)
        high = np.full(miss.shape, len(self._DISTANCE) - 1)
        while (high - low > 1).any():
            middle = (low + high) // 2
            ahead = lead(middle) > 0
            low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
        before, after = lead(low), lead(high)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.clip(np.nan_to_num(before / (before - after)), 0.0, 1.0)
        s = (1 - part) * self._DISTANCE[low] + part * self._DISTANCE[high]
        return s, *self.cuts(s, miss, other)

    def cuts(self, s, *probits):
        """Best cuts at some distances, about."""
        high = np.clip(np.searchsorted(self._DISTANCE, s), 1, len(self._DISTANCE) - 1)
        low = high - 1
        part = (s - self._DISTANCE[low]) / (self._DISTANCE[high] - self._DISTANCE[low])
        return tuple(
            (1 - part) * self._at(self._cut, low, place)
            + part * self._at(self._cut, high, place)
            for place in map(self._place, probits)
        )

    def _place(self, probit):
        step = self._PROBIT[1] - self._PROBIT[0]
        place = np.clip((probit + _FARTHEST) / step, 0, len(self._PROBIT) - 1.001)
        index = place.astype(np.intp)
        return index, place - index

    def _at(self, table, i, place):
        index, part = place
        return (1 - part) * table[i, index] + part * table[i, index + 1]


def _alike(probability, cardinality, n_changed):
    """Atoms of features with one number of categories: log ratios, probabilities."""
    new = probability / cardinality
    kept = 1.0 - probability + new
    # One feature: the other sample's category, another one, the sample's own.
    one = np.array([kept, probability * (1 - 2 / cardinality), new])
    here = np.ones(1)
    for _ in range(n_changed):
        here = np.convolve(here, one)
    step = np.log1p((1.0 - probability) / new)
    ratio = step * np.arange(-n_changed, n_changed + 1)
    possible = here > 0
    return ratio[possible], here[possible]


def _probit(beyond, within):
    """``Phi^-1(beyond)`` from both tails."""
    return np.where(
        beyond < within,
        ndtri(np.minimum(beyond, 0.5)),
        -ndtri(np.minimum(within, 0.5)),
    )
