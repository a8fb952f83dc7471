# SPDX-License-Identifier: BSD-3-Clause
"""How far the probability of an event can change with distance, for each law of noise.

Let an event have probability p at a sample. At distance r it has at most ``G(p, r)``
and at least ``1 - G(1 - p, r)``. A law states both as functions of the probability that
is small, so that no digits are lost.
"""

import math

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

_EPS = np.finfo(float).eps


class GaussianLaw:
    """Gaussian noise: the larger a share p, the farther its class stays ahead.

    A set of probability p has, at distance r, probability at most
    ``G(p, r) = Phi(Phi^-1(p) + r / sigma)`` [1]_.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019, Theorem 1.
    """

    # Of a radius, in units of sigma plus radius, and of a probability. Two ways to
    # compute one differ by 6 units of the last place; the rest is for other versions
    # of scipy.
    rounding = 64 * _EPS
    counts_changes = False

    def __init__(self, sigma, norm=2, n_features=1):
        # Largest l2 norm of a change of size 1 in the norm.
        unit = {1: 1.0, 2: 1.0, math.inf: math.sqrt(n_features)}[norm]
        self.sigma = sigma / unit
        self._unit = unit

    def least_slack(self, cell):
        """Half a diagonal of a cell of the grid for each of two samples."""
        return np.linalg.norm(cell) / self._unit

    def radius(self, miss, other, odds):
        """Radius r with ``1 - G(miss, r) = odds * G(other, r)``, or -inf.

        Parameters
        ----------
        miss : ndarray
            Upper bound of the probability that the label is not voted for.
        other : ndarray
            Upper bound of the probability of another class.
        odds : ndarray
            Weight of the other class over that of the label.
        """
        ahead, behind = np.broadcast_arrays(-ndtri(miss), ndtri(other))
        with np.errstate(invalid="ignore"):
            middle = (ahead - behind) / 2
        middle = np.where(np.isnan(middle), -np.inf, middle)
        log_odds = np.broadcast_to(np.log(odds), middle.shape)
        uneven = (log_odds != 0) & np.isfinite(middle)
        root = middle.copy()
        root[uneven] = _root(ahead[uneven], behind[uneven], log_odds[uneven])
        return self.sigma * root

    def largest_miss(self, radii, odds):
        """Largest probability of a miss with which a class stays ahead within radii.

        That is, of all other classes together: the heaviest of them may hold it all.
        """
        return ndtr(-(radii / self.sigma + ndtri(odds / (1 + odds))))

    def share(self, radii, odds):
        """One minus `largest_miss`, with the digits of small shares."""
        return ndtr(radii / self.sigma + ndtri(odds / (1 + odds)))


def _root(ahead, behind, log_odds):
    """Root t of ``log Phi(ahead - t) = log_odds + log Phi(behind + t)``."""

    def excess(t):
        return log_ndtr(ahead - t) - log_odds - log_ndtr(behind + t)

    low, high = (ahead - behind) / 2 - 1, (ahead - behind) / 2 + 1
    while (short := excess(low) < 0).any():
        low = np.where(short, 2 * low - high, low)
    while (short := excess(high) > 0).any():
        high = np.where(short, 2 * high - low, high)
    for _ in range(2000):
        middle = (low + high) / 2
        if np.all((middle <= low) | (middle >= high)):
            break
        positive = excess(middle) > 0
        low, high = np.where(positive, middle, low), np.where(positive, high, middle)
    return low


class _Law:
    """A law by its two functions; a radius is found by bisection."""

    rounding = 1e-11
    counts_changes = False

    def __init__(self, sigma):
        self.sigma = sigma

    def gains(self, p, r):
        """``G(p, r)``."""
        raise NotImplementedError

    def keeps(self, miss, r):
        """``1 - G(miss, r)``."""
        raise NotImplementedError

    def least_slack(self, cell):
        """Norm of a cell of the grid."""
        return np.linalg.norm(cell, 1)

    def radius(self, miss, other, odds):
        """Radius r with ``1 - G(miss, r) = odds * G(other, r)``, or -inf."""
        miss, other, odds = np.broadcast_arrays(miss, other, odds)

        def ahead(r):
            return self.keeps(miss, r) > odds * self.gains(other, r)

        low = np.zeros(miss.shape)
        high = np.full(miss.shape, self.sigma)
        while (more := ahead(high)).any():
            high = np.where(more, 2 * high, high)
        leads = ahead(np.zeros(miss.shape))
        for _ in range(100):
            middle = (low + high) / 2
            if not (leads & (low < middle) & (middle < high)).any():
                break  # no float lies between them
            holds = ahead(middle)
            low, high = np.where(holds, middle, low), np.where(holds, high, middle)
        return np.where(leads, low, -np.inf)

    def share(self, radii, odds):
        """Share that a class must exceed so that it leads within radii.

        Sample and neighbor may change places, so that ``a -> 1 - G(a, r)`` is its own
        inverse, and ``1 - miss > odds / (1 + odds)`` at distance r says ``1 - miss >
        G(odds / (1 + odds), r)`` at the sample.
        """
        return self.gains(np.full(np.shape(radii), odds / (1 + odds)), radii)

    def largest_miss(self, radii, odds):
        """One minus `share`."""
        return self.keeps(np.full(np.shape(radii), odds / (1 + odds)), radii)


class LaplaceLaw(_Law):
    """Laplace noise in l1: an axis moves by r, and half-lines tell most."""

    def gains(self, p, r):
        """``F(F^-1(p) + r / b)`` of the Laplace distribution function F."""
        t = r * math.sqrt(2) / self.sigma
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            crosses = 1 - np.exp(-t) / (4 * p)
            below = np.exp(np.log(p) + t)
        upper = 1 - (1 - p) * np.exp(-t)
        return np.where(
            p >= 0.5, upper, np.where(np.log(2 * p) + t <= 0, below, crosses)
        )

    def keeps(self, miss, r):
        """One minus the above, with its digits."""
        t = r * math.sqrt(2) / self.sigma
        with np.errstate(over="ignore", divide="ignore"):
            crosses = np.exp(-t) / (4 * miss)
            below = 1 - np.exp(np.log(miss) + t)
        upper = (1 - miss) * np.exp(-t)
        small = np.log(2 * miss) + t <= 0
        return np.where(miss >= 0.5, upper, np.where(small, below, crosses))


class _OverlapLaw(_Law):
    """Noise under which copies of two samples differ with a probability only."""

    def differs(self, r):
        """Probability that they differ."""
        raise NotImplementedError

    def gains(self, p, r):
        return np.minimum(p + self.differs(r), 1.0)

    def keeps(self, miss, r):
        return np.maximum(1 - miss - self.differs(r), 0.0)


class UniformLaw(_OverlapLaw):
    """Uniform noise on ``[-l, l]``, in l1 or l-infinity."""

    def __init__(self, sigma, norm, n_features):
        super().__init__(sigma)
        self._norm = norm
        self._n_changed = {1: 1, math.inf: n_features}[norm]

    def least_slack(self, cell):
        return np.linalg.norm(cell, self._norm)

    def differs(self, r):
        moved = np.minimum(r / (2 * math.sqrt(3) * self.sigma), 1.0)
        with np.errstate(divide="ignore"):
            return -np.expm1(self._n_changed * np.log1p(-moved))


class SplittingLaw(_OverlapLaw):
    """Cells of some width: they part two samples with probability r over it."""

    def __init__(self, sigma, whole, grid, scale):
        super().__init__(sigma)
        width = 2 * math.sqrt(3) * sigma
        self.whole = whole
        if whole:
            self.width = float(round(width))
        else:
            grid = np.asarray(grid, dtype=float)
            scale = np.ones_like(grid) if scale is None else np.asarray(scale)
            cells = np.floor(2 * math.sqrt(3) * (sigma * scale) / grid) * grid
            self.width = float(np.min(cells / scale))

    def least_slack(self, cell):
        return 0.0 if self.whole else np.linalg.norm(cell, 1)

    def differs(self, r):
        return np.minimum(r / self.width, 1.0)

    def counted_radius(self, counts, label, weights):
        """Largest whole r with ``v (n_A - r) > w (n_B + r)``, or equal and A before B.

        A step of one unit puts at most one copy into other cells.
        """
        every = np.arange(counts.shape[1])
        radii = np.zeros(len(counts))
        left = np.ones(len(counts), dtype=bool)
        for r in range(1, int(counts.max(initial=0)) + 1):
            keeps = weights[label] * (counts[np.arange(len(counts)), label] - r)
            gains = weights * (counts + r)
            keeps, top = keeps[:, np.newaxis], label[:, np.newaxis]
            wins = (keeps > gains) | ((keeps == gains) & (top < every)) | (top == every)
            left &= wins.all(axis=1)
            radii[left] = r
        return radii


class _CountingLaw(_Law):
    """Radii count changes: the largest number k with which a class stays ahead."""

    counts_changes = True
    most_changes = 10**6

    def least_slack(self, cell):
        return 0.0

    def radius(self, miss, other, odds):
        """Half more than the number of changes; negative where the class is behind."""
        miss, other, odds = np.broadcast_arrays(miss, other, odds)
        found = np.full(miss.shape, -1.0)
        left = np.ones(miss.shape, dtype=bool)
        k = 0
        while left.any() and k <= self.most_changes:
            # Where both are equal up to rounding, the claim may be either.
            left = left & (
                self.keeps(miss, k) > odds * self.gains(other, k) * (1 + 1e-12)
            )
            found[left] = k + 0.5
            k += 1
        return found


class ResampledLaw(_CountingLaw):
    """Categories drawn anew: exact tests of samples that differ in k of them."""

    def __init__(self, probability, cardinalities):
        super().__init__(1.0)
        self._probability = probability
        self._cardinalities = sorted(filter(None, cardinalities), reverse=True)
        self.most_changes = len(self._cardinalities)

    def _atoms(self, k):
        """Probabilities here and there of each value of the likelihood ratio."""
        here, there = np.ones(1), np.ones(1)
        b = self._probability
        for c in self._cardinalities[: int(k)]:
            own, new = 1 - b + b / c, b / c
            here = np.outer(here, [new, own, b - 2 * new]).ravel()
            there = np.outer(there, [own, new, b - 2 * new]).ravel()
        some = here > 0
        order = np.argsort(-there[some] / here[some], kind="stable")
        return here[some][order], there[some][order]

    def _each(self, function, p, r):
        p, r = np.broadcast_arrays(np.asarray(p, float), np.floor(r))
        result = np.empty(p.shape)
        for k in np.unique(r):
            result[r == k] = function(p[r == k], *self._atoms(k))
        return result

    def gains(self, p, r):
        def largest(p, here, there):
            x = np.concatenate([[0.0], np.cumsum(here)])
            y = np.concatenate([[0.0], np.cumsum(there)])
            return np.minimum(np.interp(p, x, y), 1.0)

        return self._each(largest, p, r)

    def keeps(self, miss, r):
        def least(miss, here, there):
            # The rest of the atoms, from those that are least likely there.
            x = np.concatenate([[0.0], np.cumsum(here[::-1])])
            y = np.concatenate([[0.0], np.cumsum(there[::-1])])
            return np.interp(1 - miss, x, y)

        return self._each(least, miss, r)


class ErasedLaw(_CountingLaw):
    """Categories erased: copies of two samples agree if all that differ are erased."""

    def __init__(self, probability, cardinalities):
        super().__init__(1.0)
        self._b = probability
        self.most_changes = sum(map(bool, cardinalities))

    def gains(self, p, r):
        return np.minimum(p + 1 - self._b ** np.floor(r), 1.0)

    def keeps(self, miss, r):
        return np.maximum(self._b ** np.floor(r) - miss, 0.0)


class DeletedWordsLaw(_CountingLaw):
    """Words deleted at random; radii count added and deleted words in any mixture."""

    def __init__(self, probability):
        super().__init__(1.0)
        self._b = probability

    def _each(self, function, p, r):
        p, r = np.broadcast_arrays(np.asarray(p, float), np.floor(r))
        result = np.empty(p.shape)
        for k in np.unique(r):
            deleted = np.arange(k + 1)
            added = k - deleted
            values = function(
                p[r == k][:, np.newaxis], self._b**added, self._b**deleted
            )
            result[r == k] = values.min(axis=1)
        return result

    def gains(self, p, r):
        return 1 - self._each(lambda p, a, d: a * (1 - np.minimum(p / d, 1.0)), p, r)

    def keeps(self, miss, r):
        return self._each(lambda p, a, d: a * (1 - np.minimum(p / d, 1.0)), miss, r)

    def largest_miss(self, radii, odds):
        s = np.full(np.shape(radii), odds / (1 + odds))
        least = self._each(lambda s, a, d: d * (1 - s / a), s, radii)
        return np.maximum(least, 0.0)

    def share(self, radii, odds):
        return 1 - self.largest_miss(radii, odds)


def law_of(settings):
    """The law that a log states.

    Parameters
    ----------
    settings : dict

    Raises
    ------
    LookupError, TypeError, ValueError
        If it states none, or parameters that are out of range.
    """
    name, norm = settings["noise"], settings["norm"]
    sigma, n_features = float(settings["sigma"]), settings["n_features"]
    if not 0 < sigma < math.inf:
        raise ValueError(f"sigma={sigma}")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(f"n_features={n_features!r}")
    if name == "gaussian":
        return GaussianLaw(sigma, norm, n_features)
    if name == "laplace" and norm == 1:
        return LaplaceLaw(sigma)
    if name == "uniform":
        return UniformLaw(sigma, norm, n_features)
    if name == "splitting" and norm == 1:
        whole = settings["whole"]
        if type(whole) is not bool:
            raise ValueError(f"whole={whole!r}")
        return SplittingLaw(sigma, whole, settings["grid"], settings["noise_scale"])
    if name in ("erase", "resample", "token_deletion"):
        return _of_changes(settings, name, norm, sigma)
    raise ValueError(f"noise={name!r} is not known here, or not with norm={norm!r}")


def _of_changes(settings, name, norm, sigma):
    probability = float(settings["probability"])
    if not 0 < probability < 1:
        raise ValueError(f"probability={probability}")
    if name == "token_deletion" and norm == 0:
        return DeletedWordsLaw(probability)
    cardinalities = settings["cardinalities"]
    if not all(type(c) is int and (c == 0 or c > 1) for c in cardinalities):
        raise ValueError(f"cardinalities={cardinalities!r:.60}")
    has_numbers = 0 in cardinalities
    if norm != (2 if has_numbers else 0):
        raise ValueError(f"norm={norm!r} beside cardinalities={cardinalities!r:.60}")
    if has_numbers:
        return GaussianLaw(sigma)  # categories do not change
    if name == "erase":
        return ErasedLaw(probability, cardinalities)
    return ResampledLaw(probability, cardinalities)
