# SPDX-License-Identifier: BSD-3-Clause
"""Linear classifiers of three classes: wedges that share a tip in a plane."""

import numpy as np
from scipy.special import ndtr, owens_t

from sksmooth._special import log_interval_mass, row_products
from sksmooth.votes.exact._boxes import row_chunks
from sksmooth.votes.exact._linear import Differences, LinearSource
from sksmooth.votes.exact._numerics import (
    UNDERFLOW,
    ShareError,
    clipped,
    probit_interval,
    probits_of_log_shares,
    probits_of_shares,
    sums_of_others,
)
from sksmooth.votes.exact._rounding import TINY, UNIT, Rounded
from sksmooth.votes.exact._source import Declined

# For the rounding of the bounds themselves.
_SLACK = 1.01
# Below this, differences of Owen's T lose digits and an integral takes over.
_TAIL = 1e-3
# Relative error of `_Wedge.log_mass`, as measured against mpmath.
_QUADRATURE = 1e-13
# Gauss-Legendre on [0, 1]; with the window of `_log_wedge` 96 nodes reach rounding.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_NODES, _NODE_WEIGHTS = (_NODES + 1) / 2, _NODE_WEIGHTS / 2


class ThreeClassSource(LinearSource):
    """Three classes: Gaussian masses of three wedges that share a tip in a plane.

    Parameters
    ----------
    classes : ndarray of shape (3,)
    scores : LinearScores
    held : ndarray of bool of shape (n_features,), default=None
        See `LinearSource`.

    Notes
    -----
    In the plane spanned by the differences of the scores, over the features that take
    noise, each class is predicted in a wedge and the noise is a standard normal. The
    mass of a wedge comes from Owen's T [1]_, and where that is small, and its
    differences would lose digits, from an integral along its axis with positive terms
    only. What is not in a class is the sum of the two other wedges.

    References
    ----------
    .. [1] D. B. Owen, "Tables for Computing Bivariate Normal Probabilities", Annals of
       Mathematical Statistics 27 (1956), eq. 2.1.

    Raises
    ------
    Declined
        If the boundaries are nearly parallel, so that the tip is badly determined.
    """

    _seconds_per_row = 2e-5

    def __init__(self, classes, scores, held=None):
        super().__init__(classes, scores, held)
        coef, intercept, center, *_ = self.scores
        noisy = slice(None) if held is None else ~held
        # In a unit of its own, the squares of the sides neither under- nor overflow.
        largest = np.abs(coef.value[:, noisy]).max()
        unit = 2.0 ** np.clip(np.frexp(largest)[1], -1000, 1000)
        sides, offsets = (
            Rounded(part.value / unit, part.error / unit + TINY * (part.value != 0))
            for part in (coef[1:] - coef[:1], intercept[1:] - intercept[:1])
        )
        self._ahead_of_first = Differences(sides, offsets, center)
        sides = sides[:, noisy]  # what is held moves the scores, and not by noise
        lengths = np.linalg.norm(sides.value, axis=1)
        _, spread, basis = np.linalg.svd(
            sides.value / np.where(lengths > 0, lengths, 1.0)[:, np.newaxis],
            full_matrices=False,
        )
        if spread[1] < 1e-4 * spread[0]:
            raise Declined("its class boundaries are nearly parallel")
        plane = sides.value @ basis.T
        self._to_tip = -np.linalg.inv(plane)
        # How far the differences of scores are from what the plane makes of them.
        size = np.abs(self._to_tip)
        gap = sides @ sides.T - Rounded(plane) @ Rounded(plane.T)
        self._correlated = _SLACK * np.linalg.norm(size.T @ gap.size @ size)
        self._condition = np.linalg.norm(size) * np.linalg.norm(plane)
        plane = np.concatenate([np.zeros((1, 2)), plane])
        # normals[i, j] points from where j is ahead of i to where i is ahead of j.
        normals = plane[:, np.newaxis] - plane
        self._length = np.linalg.norm(normals, axis=2) + np.eye(3)
        normals /= self._length[:, :, np.newaxis]
        self._wedges = [_Wedge(normals, i) for i in range(3)]

    def _probits(self, X, scale):
        ahead, error = self._ahead_of_first.at(X)
        sigma = scale.max()  # of all features that take noise
        probit, unsure = np.empty((2, len(X), 3))
        for rows in row_chunks(len(X), 200):
            probit[rows], unsure[rows] = self._probits_of(ahead[rows] / sigma)
        # A move of the sample by delta sigma moves the logarithm of a share p by at
        # most delta (0.8 + sqrt(-2 log p)), so that of a sum of two shares likewise but
        # for log(2), and a probit by at most 3.2 delta.
        error += 8 * UNIT * (1 + self._condition) * np.abs(ahead)
        moved = row_products(error, np.abs(self._to_tip).T) / sigma
        unsure += 3.2 * _SLACK * np.hypot(*moved.T)[:, np.newaxis]
        quadrature = ShareError(_QUADRATURE, 16 * UNIT)
        lower, upper = probit_interval(
            probit, quadrature.with_correlation(self._correlated, 2)
        )
        return clipped(lower - unsure, upper + unsure)

    def _probits_of(self, ahead):
        """Probits, and what rounding in `_Wedge.mass` may have moved them by.

        Parameters
        ----------
        ahead : ndarray of shape (n_samples, 2)
            Scores of the last two classes less that of the first, over sigma.
        """
        tip = row_products(ahead, self._to_tip.T)
        score = np.concatenate([np.zeros((len(ahead), 1)), ahead], axis=1)
        ahead = (score[:, :, np.newaxis] - score[:, np.newaxis]) / self._length
        share = np.stack([wedge.mass(ahead) for wedge in self._wedges])
        small = share < _TAIL
        rounding = np.array([[wedge.rounding] for wedge in self._wedges])
        rounding = np.where(small, 0.0, rounding)
        if small.any():
            log_share = np.log(np.where(small, 1.0, share))
            for i, wedge in enumerate(self._wedges):
                for rows in _blocks(np.flatnonzero(small[i])):
                    log_share[i, rows] = wedge.log_mass(tip[rows])
            share = np.where(small, np.exp(log_share), share)
            probit = probits_of_log_shares(log_share)
            near = np.all(log_share > np.log(UNDERFLOW), axis=0)
            probit[near] = probits_of_shares(share[:, near])
        else:
            probit = probits_of_shares(share)
        # Relative to the smaller of a share and the rest; where it is itself small,
        # neither it nor any part of it comes from `mass`.
        rest = sums_of_others(share)
        of_smaller = np.where(share <= rest, rounding, sums_of_others(rounding))
        smaller = np.maximum(np.minimum(share, rest), _TAIL)
        return probit, (1.3 * of_smaller / smaller).T


def _blocks(indices, size=512):
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


class _Wedge:
    """Where class i of three is predicted, as seen from the tip."""

    def __init__(self, normals, i):
        self._i = i
        self._j, self._k = [j for j in range(3) if j != i]
        n_j, n_k = normals[i, self._j], normals[i, self._k]
        self._cosine_between = n_j @ n_k
        self._sine_between = np.abs(n_j[0] * n_k[1] - n_j[1] * n_k[0])
        # Its two edges: along one boundary, to the side where the other is passed.
        rays = []
        for normal, other in [(n_j, n_k), (n_k, n_j)]:
            ray = np.array([-normal[1], normal[0]])
            rays.append(ray if ray @ other > 0 else -ray)
        first, second = np.arctan2(*np.transpose(rays)[::-1])
        # A convex wedge is narrower than half a turn.
        opening = (second - first + np.pi) % (2 * np.pi) - np.pi
        # Two halves, so that each has edges that rise by at most one.
        half = np.abs(opening) / 4
        self._slope = np.tan(half)
        self._cosine = np.cos(half)
        axes = first + opening * np.array([0.25, 0.75])
        self._axes = np.stack([np.cos(axes), np.sin(axes)])
        # Of `mass`, absolutely: two of ndtr at 4 UNIT, two of owens_t at UNIT, what
        # four operations on its arguments and the normals change, and the sums.
        self.rounding = UNIT * (16.0 + 8.0 / self._sine_between)

    def mass(self, ahead):
        """Mass by Owen's T; right to `rounding`, absolutely."""
        # On a boundary T jumps with the sign of its second argument; stay beside it.
        h, k = (
            np.where(np.abs(side) < 1e-300, 1e-300, side)
            for side in (ahead[:, self._i, self._j], ahead[:, self._i, self._k])
        )
        with np.errstate(over="ignore"):
            towards_k = (k - self._cosine_between * h) / (h * self._sine_between)
            towards_h = (h - self._cosine_between * k) / (k * self._sine_between)
        share = (ndtr(h) + ndtr(k) - (h * k < 0)) / 2
        share -= owens_t(h, towards_k) + owens_t(k, towards_h)
        return np.clip(share, 0.0, 1.0)

    def log_mass(self, tip):
        """Logarithm of the mass, with relative precision; slower."""
        along = row_products(tip, self._axes)
        across = row_products(tip, np.stack([-self._axes[1], self._axes[0]]))
        return np.logaddexp.reduce(
            _log_wedge(along, np.abs(across), self._slope, self._cosine), axis=1
        )


def _log_wedge(along, across, slope, cosine):
    """Log mass of a symmetric wedge that opens along the first axis.

    Parameters
    ----------
    along, across : ndarray
        Its tip; `across` is not negative.
    slope, cosine : float
        Tangent, at most one, and cosine of half its opening.

    Notes
    -----
    The mass is the integral over t > 0 of phi(along + t) times the mass of the interval
    ``across -+ slope * t``. Beyond 11 from the point nearest to the origin, or beyond
    60 decay lengths from a tip that is nearest, less than exp(-60) is left.
    """
    toward = across * slope - along  # of the origin, along the lower edge
    inside = np.maximum(-along, 0.0)
    nearest = np.where(
        across <= -along * slope, inside, np.maximum(toward, 0.0) * cosine**2
    )
    start = np.maximum(nearest - 11.0, 0.0)
    decay = np.maximum(-toward, 60.0 / 11.0)
    stop = nearest + 60.0 / decay
    # Squaring the variable crowds nodes at the tip, where a thin layer may lie.
    width = stop - start
    t = start[..., np.newaxis] + width[..., np.newaxis] * _NODES**2
    weight = 2.0 * _NODES * _NODE_WEIGHTS
    half = slope * t
    middle = across[..., np.newaxis]
    terms = -0.5 * (along[..., np.newaxis] + t) ** 2
    terms += log_interval_mass(middle - half, middle + half, 2 * half)
    largest = terms.max(axis=-1)
    total = np.exp(terms - largest[..., np.newaxis]) @ weight
    return largest + np.log(total * width) - 0.5 * np.log(2 * np.pi)
