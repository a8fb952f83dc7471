# SPDX-License-Identifier: BSD-3-Clause
r"""The noncentral chi law of a noisy distance, in logarithms and in any dimension.

``S = |b e + Z|`` with Z standard normal in m dimensions is the distance, in units of
sigma, of a noisy row from a center that the row itself is b away from. Its density is
``f(s) = s (s/b)^v exp(-(s^2 + b^2)/2) I_v(bs)`` with ``v = m/2 - 1``.

Everything is a function of ``t = s - b``, so that nothing is lost when b is large, and
all integrals have positive integrands, so that both tails keep their relative accuracy
at any size. (The series behind `scipy.stats.ncx2` is as accurate while b is below about
1e5; beyond that it fails with warnings and nan.)
"""

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial.legendre import leggauss
from scipy.special import erfcx, gammaln, hyp0f1, log_ndtr

# Distances below this are taken as this: their squares are still normal numbers.
_TINY = 1e-150
# Rows handled at once: keeps the temporaries (rows x nodes) in the processor's cache.
_BLOCK = 256
_NODES, _WEIGHTS = leggauss(40)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on (0, 1)


def _debye_polynomials(count):
    """V_k with ``I_v(x) ~ (...) sum_k V_k(v^2/w^2) / w^k`` (DLMF 10.41.9)."""
    u, result = Polynomial([1.0]), []
    p = Polynomial([0.0, 1.0])
    for k in range(count):
        # U_k(p) = p^k V_k(p^2).
        result.append(u.coef[k::2])
        u = p**2 * (1 - p**2) * u.deriv() / 2 + ((1 - 5 * p**2) * u).integ() / 8
    return result


# With w of at least _DEBYE_FROM the first term left out is below 1e-15.
_DEBYE_FROM = 40.0
_DEBYE = _debye_polynomials(12)


def _log_density_large(s, t, b, v, w):
    # With s^2 = (v + w)(1 + e), the exponent of the uniform expansion is a sum of two
    # negative terms; written naively it is a difference of terms of the size of b^2.
    ratio = np.maximum(s * s / (v + w), _TINY**2)
    e = (s * s * (t * (s + b) - v) - v * (v + w)) / ((s * s + w) * (v + w))
    log_ratio = np.where(e > -0.5, np.log1p(np.maximum(e, -0.5)), np.log(ratio))
    exponent = v * (log_ratio - e) - (b * s) ** 2 / (w + v) * e * e / (2 * ratio)
    x = (v / w) ** 2
    series = np.zeros_like(w)
    for coefficients in reversed(_DEBYE):
        series = series / w + np.polynomial.polynomial.polyval(x, coefficients)
    return np.log(s) - 0.5 * np.log(2 * np.pi * w) + np.log(series) + exponent


def _log_density_small(s, b, v):
    return (
        (2 * v + 1) * np.log(s)
        - 0.5 * (s * s + b * b)
        - v * np.log(2)
        - gammaln(v + 1)
        + np.log(hyp0f1(v + 1, (b * s) ** 2 / 4))
    )


def log_density(t, b, m):
    """Log density of S at ``b + t``; for m = 1, that of ``b + Z`` instead."""
    t, b, m = np.broadcast_arrays(t, b, m)
    s = np.maximum(b + t, _TINY)
    v = m / 2 - 1
    w = np.hypot(v, b * s)
    result = -0.5 * t * t - 0.5 * np.log(2 * np.pi)
    large = (m > 1) & (w >= _DEBYE_FROM)
    small = (m > 1) & ~large
    result[large] = _log_density_large(s[large], t[large], b[large], v[large], w[large])
    result[small] = _log_density_small(s[small], b[small], v[small])
    return result


def _slope(t, b, m):
    """Slope of the log density, by Amos' bound on the ratio of Bessel functions.

    It only places the panels of the quadrature, so a rough slope will do.
    """
    s = np.maximum(b + t, _TINY)
    half = np.maximum(m, 2) / 2
    bessel = b * b * s / (half + np.hypot(half, b * s))
    return np.where(m == 1, -t, (m - 1) / s - s + bessel)


def _reach(slope):
    """Length over which a density that falls at `slope`, or faster, falls by e^-50."""
    return 100 / (np.hypot(slope, 10) + slope)


def _log_integral(log_integrand, edges):
    """Log of the integral over panels with ascending `edges` (..., n_panels + 1)."""
    widths = np.diff(edges, axis=-1)[..., None]
    t = edges[..., :-1, None] + widths * _NODES
    # Nodes of a panel of no width add nothing, whatever the integrand is there.
    nodes = t.reshape(*t.shape[:-2], t.shape[-2] * t.shape[-1])
    values = log_integrand(nodes).reshape(t.shape)
    highest = values.max(axis=(-2, -1), keepdims=True)
    total = np.sum(widths * _WEIGHTS * np.exp(values - highest), axis=(-2, -1))
    return highest[..., 0, 0] + np.log(np.maximum(total, _TINY**2))


def _in_blocks(function, *arrays):
    """Apply `function` of flat arrays to blocks of rows; one or more outputs."""
    arrays = np.broadcast_arrays(*arrays)
    shape = arrays[0].shape
    flat = [np.ravel(array) for array in arrays]
    blocks = [
        function(*(array[i : i + _BLOCK] for array in flat))
        for i in range(0, max(flat[0].size, 1), _BLOCK)
    ]
    return np.concatenate(blocks, axis=-1).reshape(len(blocks[0]), *shape)


def _log_tails(gap, b, m):
    slope = _slope(gap, b, m)
    below = slope > 0
    reach = _reach(np.abs(slope))
    low = np.where(below, np.maximum(gap - reach, -b), gap)
    high = np.where(below, gap, gap + reach)
    smaller = _log_integral(
        lambda t: log_density(t, b[:, None], m[:, None]), np.stack([low, high], -1)
    )
    larger = np.log1p(-np.exp(smaller))
    return np.stack(
        [np.where(below, smaller, larger), np.where(below, larger, smaller)]
    )


def log_tails(gap, b, m):
    """``log P(S <= b + gap)`` and ``log P(S > b + gap)`` for m of at least 2.

    The tail on whose side of the mode the bound lies is integrated, outwards from the
    bound; the other one is its complement, which is then not small.
    """
    log_cdf, log_sf = _in_blocks(_log_tails, gap, b, m)
    return log_cdf, log_sf


def _mills(x):
    """Normal density over normal distribution function."""
    return np.sqrt(2 / np.pi) / erfcx(-x / np.sqrt(2))


def _log_mean_normal_cdf(h, c, b, m):
    sign = np.sign(c)
    steep = np.abs(c)
    corner = h / c  # where the argument of Phi is 0
    crest = np.where(m == 1, 0.0, m / (np.sqrt(b * b + m) + np.abs(b)))  # of f, nearly

    def uphill(t):
        return _slope(t, b, m) - c * _mills(h - c * t)

    # The mode of the product lies between the two factors' own, up to a few widths.
    margin = 10 / steep
    low = np.minimum(crest, np.where(sign > 0, corner - margin, crest)) - 2
    high = np.maximum(crest, np.where(sign < 0, corner + margin, crest)) + 2
    low, high = np.maximum(low, -b), np.maximum(high, -b)
    for _ in range(64):
        mode = (low + high) / 2
        up = uphill(mode) > 0
        low, high = np.where(up, mode, low), np.where(up, high, mode)
    core = 8 / np.sqrt(1 + c * c)
    tail = core + _reach(np.abs(_slope(mode, b, m)))
    near, far = corner - 8 / steep, corner + 8 / steep
    edges = np.stack(
        [mode - tail, mode - core, mode, mode + core, mode + tail, near, far], axis=-1
    )
    bottom = np.maximum(mode - tail, -b)[:, None]
    edges = np.sort(np.clip(edges, bottom, (mode + tail)[:, None]), axis=-1)

    def log_integrand(t):
        density = log_density(t, b[:, None], m[:, None])
        return density + log_ndtr(h[:, None] - c[:, None] * t)

    return _log_integral(log_integrand, edges)[None]


def log_mean_normal_cdf(h, c, b, m):
    """``log E[Phi(h - c (S - b))]`` for a slope c of either sign, not 0.

    The integrand is a product of two log-concave factors of widths about 1 and 1/|c|;
    panels are put around its mode and around the corner of the second factor.
    """
    (result,) = _in_blocks(_log_mean_normal_cdf, h, c, b, m)
    line = np.broadcast_to(m == 1, result.shape)
    if line.any():
        # |b + Z| on a line: the half with b + Z < 0 is the half of -b + Z above 0.
        h, c, b = (np.broadcast_to(x, result.shape)[line] for x in (h, c, b))
        (mirrored,) = _in_blocks(_log_mean_normal_cdf, h + 2 * c * b, c, -b, np.ones(1))
        result = np.array(result)
        result[line] = np.logaddexp(result[line], mirrored)
    return result
