# SPDX-License-Identifier: BSD-3-Clause
"""Special functions of the normal law in logarithms, searches for roots, products."""

import numpy as np
from scipy.special import log_ndtr

LOG_HALF = np.log(0.5)
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def log1mexp(log_p):
    """``log(1 - p)`` from ``log(p)``, accurate for small and for large p.

    Where p is 1, it is the logarithm of the smallest positive number and not of 0.

    Parameters
    ----------
    log_p : array-like of float
        Logarithms of probabilities.

    Returns
    -------
    ndarray
    """
    log_p = np.minimum(log_p, -np.finfo(np.float64).tiny)
    small = log_p < LOG_HALF
    return np.where(
        small,
        np.log1p(-np.exp(np.where(small, log_p, -1.0))),
        np.log(-np.expm1(np.where(small, -1.0, log_p))),
    )


def log_interval_mass(lo, hi, width=None):
    """``log P(lo < Z < hi)`` of a standard normal Z, however far out or narrow.

    Parameters
    ----------
    lo, hi : array-like of float
        Ends of the interval; infinite ones are allowed, and ``lo <= hi``.
    width : array-like of float, default=None
        ``hi - lo``, for intervals so narrow that rounding of the ends would spoil it.

    Returns
    -------
    ndarray
        Of the shape that `lo` and `hi` broadcast to; minus infinity for empty
        intervals.

    Notes
    -----
    The relative error of the mass is a few units in the last place of its logarithm,
    or of one where that is smaller. In the tails, a narrow interval is the density at
    its middle times a Taylor series in its width, which has no cancellation, and a wide
    one the difference of two tails.
    """
    lo, hi = np.broadcast_arrays(
        np.asarray(lo, dtype=np.float64), np.asarray(hi, dtype=np.float64)
    )
    with np.errstate(invalid="ignore"):
        width = hi - lo if width is None else np.broadcast_to(width, lo.shape)
        # The mirror image is in the upper tail, or has its longer part there.
        near = np.where(lo + hi < 0, -hi, lo)
    narrow = (width > 0) & (width * np.maximum(near, 1.0) <= 1.0)
    wide = (width > 0) & ~narrow
    result = np.full(lo.shape, -np.inf)
    result[narrow] = _log_narrow_mass(near[narrow], width[narrow])
    near, far = near[wide], np.maximum(np.abs(lo), np.abs(hi))[wide]
    log_near, log_far = log_ndtr(-np.abs(near)), log_ndtr(-far)
    with np.errstate(divide="ignore", invalid="ignore"):  # in what is not chosen
        result[wide] = np.where(
            near < 0,
            np.log1p(-np.exp(log_near) - np.exp(log_far)),
            log_near + np.log1p(-np.exp(log_far - log_near)),
        )
    return result


def _log_narrow_mass(near, width):
    """Log mass of intervals with ``width * max(1, near) <= 1``.

    The mean of ``exp(-middle * u - u**2 / 2)`` over ``abs(u) <= half`` is the sum of
    ``He_2k(middle) half**2k / (2k + 1)!`` with Hermite polynomials He; nine terms are
    exact to rounding.
    """
    half = width / 2
    y, q = (near + half) * half, half * half
    before, term = np.ones_like(y), y  # He_n(middle) * half**n for n = 0, 1
    total, factorial = np.ones_like(y), 1.0
    for n in range(1, 17):
        before, term = term, y * term - n * q * before
        factorial *= n + 1
        if n % 2:
            total += term / (factorial * (n + 2))
    # The exponent of the density at the middle, in two parts that keep its digits.
    return (
        np.log(width)
        + np.log(total)
        - _HALF_LOG_2PI
        - 0.5 * near * near
        - half * (near + 0.5 * half)
    )


def find_root(function, low, high):
    """Roots of an increasing function, element by element (Chandrupatla, 1997).

    `function` maps an array to an array of the same shape. Where it has no sign change
    in [`low`, `high`], the end where it is nearer to zero is returned: callers give
    proven brackets, which only rounding can turn around.
    """
    a, b = np.broadcast_arrays(low, high)
    f_a, f_b = function(a), function(b)
    c, f_c = a, f_a
    step = np.full(a.shape, 0.5)
    done = (f_a >= 0) | (f_b <= 0)
    for _ in range(200):
        best = np.where(np.abs(f_a) < np.abs(f_b), a, b)
        tolerance = 4 * np.finfo(float).eps * np.abs(best) + np.finfo(float).tiny
        width = np.abs(b - a)
        done = done | (width <= 2 * tolerance) | (np.minimum(abs(f_a), abs(f_b)) == 0)
        if done.all():
            return best
        least = np.divide(tolerance, width, out=np.ones_like(width), where=~done)
        x = np.where(done, a, a + np.clip(step, least, 1 - least) * (b - a))
        f_x = function(x)
        # The sign changes between a, the newest point, and b; c is an older point.
        same = (f_x > 0) == (f_a > 0)
        c, f_c, b, f_b = (
            np.where(done, c, np.where(same, a, b)),
            np.where(done, f_c, np.where(same, f_a, f_b)),
            np.where(done | same, b, a),
            np.where(done | same, f_b, f_a),
        )
        a, f_a = np.where(done, a, x), np.where(done, f_a, f_x)
        # Inverse quadratic step where it is safe, else bisection.
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
            quadratic = f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * (
                f_a / (f_c - f_a) * f_b / (f_c - f_b)
            )
        safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(quadratic)
        step = np.where(safe, quadratic, 0.5)
    raise RuntimeError(
        "A root of the vote probability was not found in 200 steps; please report the "
        f"arguments (bracket {low!r} to {high!r})."
    )


def bisect_integers(holds, low, high):
    """Largest integers in [low, high) for which a condition holds.

    Parameters
    ----------
    holds : callable
        From integers and the positions of their elements, both of shape (n,), to a
        mask. Along each element it holds up to some integer and not beyond.
    low, high : ndarray of int of shape (n_elements,)
        The condition is known to hold at `low`; it is never evaluated there.

    Returns
    -------
    ndarray of int of shape (n_elements,)
    """
    low, high = np.array(low), np.array(high)
    at = np.flatnonzero(high - low > 1)
    while at.size:
        middle = (low[at] + high[at]) // 2
        inside = holds(middle, at)
        low[at[inside]] = middle[inside]
        high[at[~inside]] = middle[~inside]
        at = at[high[at] - low[at] > 1]
    return low


def row_products(X, matrix):
    """``X @ matrix`` with each row multiplied by itself.

    BLAS adds in an order that depends on the number of rows, so that the result for a
    sample would change in its last digits with the samples beside it.
    """
    return np.matmul(np.ascontiguousarray(X)[:, np.newaxis], matrix)[:, 0]
