# SPDX-License-Identifier: BSD-3-Clause
r"""The probability that a quadratic function of normal numbers is positive.

``D = c + sum_j(a_j z_j**2 + b_j z_j)``, with z standard normal, has a moment generating
function whose logarithm is, also for complex u with ``2 * max(a) * Re(u) < 1``,

``K(u) = c u + sum_j(b_j**2 u**2 / (2 (1 - 2 a_j u)) - log(1 - 2 a_j u) / 2)``.

For any s > 0 where it is finite, ``P(D > y)`` is the inverse Fourier transform of
``g(t) = exp(K(s + i t)) / (s + i t)``, times ``exp(-s y)``. So, by Poisson's summation
formula, the trapezoidal rule with the step ``2 pi / T`` gives

``sum_n exp(s n T) P(D > n T)`` over all integers n,

of which the term n = 0 is what is wanted. All others are positive: those of negative n
add up to less than ``exp(-s T) / (1 - exp(-s T))``, and for any r > 0 those of positive
n to less than ``q / (1 - exp(-r T))`` with ``q = exp(K(s + r) - r T)``, by Chernoff's
inequality. See R. B. Davies, "Numerical inversion of a characteristic function",
Biometrika 60 (1973), which has s = 0. A positive s, near the saddle point of K, keeps
the relative precision of small probabilities (S. O. Rice, "Distribution of quadratic
forms in normal random variables", SIAM Journal on Scientific and Statistical Computing
1 (1980)).

With ``w_j = 1 - 2 a_j s`` and ``x_j = (2 a_j t / w_j)**2`` it is

``|g(t)| = exp(K(s) - sum_j(log(1 + x_j) / 4 + b_j**2 t**2 / (2 w_j**3 (1 + x_j))))
/ |s + i t|``,

which falls in t > 0, beyond any U at least as ``t**-(1 + p)`` with ``p = sum_j(x_j /
(2 (1 + x_j)))`` at U, and for ``a_j = 0`` with ``b_j**2 U**2`` in addition. So the
nodes from U on add up to at most ``exp(K(s) - ...) (step / U + 1 / p) / pi``.
"""

from typing import NamedTuple

import numpy as np

from sksmooth.votes.exact._rounding import UNIT

# Logarithm of what the other terms of Poisson's formula are relative to the first one.
_LOG_LEFT_OUT = 36.0
# What the sum of the nodes that are left out may be, relative to the others; how many
# nodes are taken at a time, and at most.
_LEFT_OUT, _BLOCK, _MOST_NODES = 1e-13, 64, 4096
# Nodes fall slowly where few numbers are squared.
_FEW_NUMBERS, _MOST_OF_FEW = 3, 32768
# Below this logarithm of a probability a bound on it will do.
_FAR_OUT = -700.0
# Standard deviations of D that are a tilt of one, at least: 1 / s is then so small that
# the first terms of negative n are.
_LEAST_TILT = 2.0
# Share of the largest tilt, at which K is infinite: the factors of K keep a tenth of
# their size.
_MOST_OF_LARGEST = 0.9
_BISECTIONS, _DOUBLINGS = 12, 60
# Steps beyond the tilt, in standard deviations, of which the one with the least T is
# taken.
_STEPS = (1.0, 2.0, 4.0, 6.0, 9.0)
# Numbers that are held at a time, so that they stay in the cache, and those of
# a function.
_VALUES_AT_ONCE, _VALUES_OF_ROW = 2**15, 2**10
# For the rounding of the bounds themselves.
_SLACK = 1.1


class Quadratic(NamedTuple):
    """Quadratic functions of independent standard normal numbers.

    Attributes
    ----------
    square, linear : ndarray of shape (n, n_numbers)
    constant : ndarray of shape (n,)
    error : ndarray of shape (n,)
        By how much, at most, a function differs from the one that is meant, at numbers
        whose vector is no longer than ``sqrt(n_numbers) + 40``.
    """

    square: np.ndarray
    linear: np.ndarray
    constant: np.ndarray
    error: np.ndarray

    def __getitem__(self, rows):
        return Quadratic(*(part[rows] for part in tuple(self)))

    def __len__(self):
        return len(self.constant)

    @property
    def mean(self):
        return self.constant + self.square.sum(axis=1)

    def times(self, factor):
        """The functions times a power of two, or minus one, each."""
        wide = factor[:, np.newaxis]
        return Quadratic(
            self.square * wide,
            self.linear * wide,
            self.constant * factor,
            self.error * np.abs(factor),
        )

    def log_moment(self, u):
        """K at real numbers of shape (n,)."""
        wide = u[:, np.newaxis]
        w = 1.0 - 2.0 * self.square * wide
        terms = (self.linear * wide) ** 2 / w - np.log(w)
        return self.constant * u + 0.5 * terms.sum(axis=1)

    def slope(self, u):
        """The first derivative of K."""
        wide = u[:, np.newaxis]
        w = 1.0 - 2.0 * self.square * wide
        terms = self.square / w
        terms += self.linear**2 * wide * (1.0 - self.square * wide) / w**2
        return self.constant + terms.sum(axis=1)

    def curvature(self, u):
        """The second derivative of K."""
        w = 1.0 - 2.0 * self.square * u[:, np.newaxis]
        return (2.0 * (self.square / w) ** 2 + self.linear**2 / w**3).sum(axis=1)


def log_probability_positive(form):
    """Logarithms of the probabilities that functions are positive.

    Parameters
    ----------
    form : Quadratic
        Of which the means should be negative, else precision is lost.

    Returns
    -------
    low, high : ndarray of shape (n,)
        The logarithm of the probability is between them. They are -infinity and 0 where
        nothing is known.
    n_nodes : ndarray of int of shape (n,)
        How many numbers were added for each.
    """
    n, n_numbers = form.square.shape
    low, high = np.full(n, -np.inf), np.zeros(n)
    n_nodes = np.zeros(n, dtype=np.intp)
    with np.errstate(all="ignore"):  # what overflows has an infinite error
        size = np.sqrt(form.curvature(np.zeros(n)))
        known = np.isfinite(size) & (size > 0)
        known &= np.isfinite(form.constant) & np.isfinite(form.error)
        some = np.flatnonzero(known)
        # In units of their standard deviations, so that nothing overflows.
        form = form[some].times(np.ldexp(1.0, -np.frexp(size[some])[1]))
        step = max(1, _VALUES_AT_ONCE // (max(1, n_numbers) * _BLOCK))
        for first in range(0, len(some), step):
            rows = some[first : first + step]
            found = _log_probability(form[first : first + step])
            low[rows], high[rows], n_nodes[rows] = found
    return low, high, n_nodes


def _log_probability(form):
    tilt = _tilts(form)
    at_tilt = form.log_moment(tilt)
    period, others = _periods(form, tilt, at_tilt)
    # Multiples of a step of few digits are exact.
    fraction, exponent = np.frexp(2.0 * np.pi / period)
    step = np.ldexp(np.floor(fraction * 2**20) / 2**20, exponent)
    total, rounding, left_out, n_nodes = _trapezoid(form, tilt, at_tilt, step)
    error = _SLACK * (left_out + others + rounding)
    # Of zero and nan, fmax takes zero: then nothing is known from below.
    low = at_tilt + np.log(np.fmax(total - error, 0.0))
    high = at_tilt + np.log(total + error)
    low -= 8.0 * UNIT * (np.abs(low) + np.abs(at_tilt))
    high += 8.0 * UNIT * (np.abs(high) + np.abs(at_tilt))
    # Chernoff's inequality holds everywhere, and is all that is left far out, see
    # `_tilts`.
    at_most = at_tilt + _relative_error(form, tilt[:, np.newaxis], at_tilt)[:, 0]
    high = np.fmin(high, at_most)
    is_known = high < 0.0  # also where it is not nan
    return np.where(is_known, low, -np.inf), np.where(is_known, high, 0.0), n_nodes


def _tilts(form):
    """Numbers s near the saddle point of K, and not too near to 0."""
    largest = form.square.max(axis=1)
    end = np.where(largest > 0, 0.5 / largest, np.inf)
    least = _LEAST_TILT / np.sqrt(form.curvature(np.zeros(len(form))))
    low = np.minimum(least, 0.5 * end)
    high = np.where(np.isfinite(end), _MOST_OF_LARGEST * end, low)
    for _ in range(_DOUBLINGS):
        grows = np.isinf(end) & (form.slope(high) < 0)
        grows &= form.log_moment(high) > _FAR_OUT
        if not grows.any():
            break
        high = np.where(grows, 2.0 * high, high)
    for _ in range(_BISECTIONS):
        middle = np.sqrt(low * high)
        is_below = form.slope(middle) < 0
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    tilt = np.where(form.log_moment(high) < _FAR_OUT, high, low)
    # K is convex and 0 at 0: a part of a tilt far out is still one.
    return tilt * np.minimum(
        1.0, 1.02 * _FAR_OUT / np.minimum(form.log_moment(tilt), -1.0)
    )


def _periods(form, tilt, at_tilt):
    """T for each function, and the bound on the other terms over ``exp(K(s))``."""
    largest = form.square.max(axis=1)
    room = np.where(largest > 0, 0.5 / largest - tilt, np.inf)
    spread = np.sqrt(form.curvature(tilt))
    # The term n = 0 is about this, over exp(K(s)).
    log_size = -np.log(np.maximum(2.5 * tilt * spread, 1.0))
    wanted = _LOG_LEFT_OUT - log_size
    period = (wanted - np.minimum(at_tilt, 0.0)) / tilt
    on_the_right = []
    for of_spread in _STEPS:
        r = np.minimum(of_spread / spread, 0.8 * room)
        grown = form.log_moment(tilt + r) - at_tilt
        on_the_right.append((r, grown, (wanted + grown) / r))
    r, grown, needed = np.stack(on_the_right, axis=1)
    best = np.argmin(needed, axis=0)
    r, grown, needed = (of[best, np.arange(len(form))] for of in (r, grown, needed))
    period = np.maximum(period, needed)
    left = np.exp(-tilt * period - at_tilt) / -np.expm1(-tilt * period)
    right = np.exp(grown - r * period) / -np.expm1(-r * period)
    # Also for the rounding of K, and for a function that is off by its error.
    moved = np.exp(0.1 + form.error * (tilt + r))
    return period, moved * (left + right)


def _trapezoid(form, tilt, at_tilt, step):
    """Sums of the nodes, over ``exp(K(s))``; their error, and what is left out."""
    n, n_numbers = form.square.shape
    total, rounding, left_out = np.zeros(n), np.zeros(n), np.full(n, np.inf)
    n_nodes = np.zeros(n, dtype=np.intp)
    rows = np.arange(n)
    most = _MOST_OF_FEW if n_numbers <= _FEW_NUMBERS else _MOST_NODES
    block, first = _BLOCK, 0
    while len(rows) and first < most:
        number = np.arange(first, first + block)
        some, s, at_s = form[rows], tilt[rows], at_tilt[rows]
        t = step[rows, np.newaxis] * number
        u = s[:, np.newaxis] + 1j * t
        nodes = _nodes(some, u, at_s)
        weight = np.where(number == 0, 0.5, 1.0) * step[rows, np.newaxis] / np.pi
        total[rows] += (nodes.real * weight).sum(axis=1)
        relative = _relative_error(some, u, at_s)
        rounding[rows] += (np.abs(nodes) * weight * relative).sum(axis=1)
        first += block
        left_out[rows] = _sum_from(some, s, step[rows], step[rows] * first)
        n_nodes[rows] += block
        rows = rows[~(left_out[rows] <= _LEFT_OUT * total[rows])]
        block = min(2 * block, max(_BLOCK, _VALUES_OF_ROW // n_numbers))
    return total, rounding, left_out, n_nodes


def _nodes(form, u, at_tilt):
    """``g(t) / exp(K(s))`` at points of shape (n, n_nodes)."""
    w = 1.0 - 2.0 * form.square * u.real[:, :1]
    # With v = 1 - i x, a factor 1 - 2 a u is w v. Its root has half of the angle.
    x = (2.0 * form.square / w)[:, :, np.newaxis] * u.imag[:, np.newaxis]
    inverse = 1.0 / (1.0 + x * x)  # of the square of |v|
    angle = np.arctan(x).sum(axis=1)
    size = inverse.prod(axis=1)
    inverse *= (0.5 * form.linear**2 / w)[:, :, np.newaxis]
    exponent = inverse.sum(axis=1) + 1j * (inverse * x).sum(axis=1)
    exponent *= u * u
    exponent += form.constant[:, np.newaxis] * u + 0.5j * angle
    exponent -= (at_tilt + 0.5 * np.log(w).sum(axis=1))[:, np.newaxis]
    return np.exp(exponent) * np.sqrt(np.sqrt(size)) / u


def _sum_from(form, tilt, step, end):
    """Bound on the sum of all nodes from a point on, over ``exp(K(s))``."""
    w, end = 1.0 - 2.0 * form.square * tilt[:, np.newaxis], end[:, np.newaxis]
    x = (2.0 * form.square * end / w) ** 2
    of_linear = (form.linear * end) ** 2 / w**3
    fall = (0.25 * np.log1p(x) + 0.5 * of_linear / (1.0 + x)).sum(axis=1)
    power = np.where(form.square == 0, of_linear, 0.5 * x / (1.0 + x)).sum(axis=1)
    moved = np.exp(form.error * tilt)  # of a function that is off by its error
    return moved * np.exp(-fall) * (step / end[:, 0] + 1.0 / power) / np.pi


def _relative_error(form, u, at_tilt):
    """Bound on the relative error of nodes, by rounding and by that of the function.

    Notes
    -----
    With ``w >= 1/10``, w is right to 32 units of rounding, x to 36, the inverse of
    ``1 + x**2`` to 75, and the terms of the sum that is multiplied by ``u**2`` to 130
    units of ``b**2 / (2 w)``. An angle is right to 20 units, the product of inverses to
    76 for each. What is added to an exponent is right to a few units of its parts,
    and the sum of the nodes to 128; a sum of n terms loses n units of the sum of their
    sizes. A function that is off by e changes the exponent at u by at most ``e |u|``;
    an exponent that is off by d changes an exponential by at most ``exp(d) - 1`` of
    itself.
    """
    n_numbers, length = form.square.shape[1], np.abs(u)
    w = 1.0 - 2.0 * form.square * u.real[:, :1]
    size = (0.5 * form.linear**2 / w).sum(axis=1)
    units = (n_numbers + 140) * size[:, np.newaxis] * length**2
    units += 8.0 * np.abs(form.constant[:, np.newaxis]) * length
    of_tilt = 8.0 * np.abs(at_tilt) + (n_numbers + 40) * np.abs(np.log(w)).sum(axis=1)
    units += (of_tilt + n_numbers**2 + 80 * n_numbers + 256)[:, np.newaxis]
    of_function = form.error[:, np.newaxis] * length
    return _SLACK * np.expm1(UNIT * units + of_function)
