# SPDX-License-Identifier: BSD-3-Clause
"""What the closed forms share: checked arguments, a root finder, radii from logs."""

import numpy as np
from scipy.special import ndtri_exp

LOG_HALF = np.log(0.5)


def as_floats(name, value):
    """Numbers of any size, as an array."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be a number or an array of numbers, got {value!r}."
        ) from error


def _refuse(name, values, bad, demand):
    if np.any(bad):
        raise ValueError(f"{name} must be {demand}, got {values[bad].flat[0]:g}.")
    return values


def check_finite(name, value):
    """Any real numbers."""
    values = as_floats(name, value)
    return _refuse(name, values, ~np.isfinite(values), "finite")


def check_nonnegative(name, value):
    """Numbers in [0, inf)."""
    values = as_floats(name, value)
    bad = ~(np.isfinite(values) & (values >= 0))
    return _refuse(name, values, bad, "finite and at least 0")


def check_positive(name, value):
    """Numbers in (0, inf)."""
    values = as_floats(name, value)
    bad = ~(np.isfinite(values) & (values > 0))
    return _refuse(name, values, bad, "finite and greater than 0")


def check_sigma(sigma):
    """Noise levels at which votes exist: positive ones."""
    values = as_floats("sigma", sigma)
    bad = ~(np.isfinite(values) & (values > 0))
    demand = "finite and greater than 0 (without noise there are no votes)"
    return _refuse("sigma", values, bad, demand)


def check_whole(name, value, minimum):
    """Whole numbers of at least `minimum`, as floats."""
    values = as_floats(name, value)
    bad = ~(np.isfinite(values) & (values >= minimum) & (values == np.floor(values)))
    return _refuse(name, values, bad, f"a whole number of at least {minimum}")


def log_complement(log_p):
    """``log(1 - p)`` from ``log(p)``, accurate for small and for large p.

    At p = 1 it is the log of the smallest number, not of 0.
    """
    log_p = np.minimum(log_p, -np.finfo(np.float64).tiny)
    small = log_p < LOG_HALF
    return np.where(
        small,
        np.log1p(-np.exp(np.where(small, log_p, -1.0))),
        np.log(-np.expm1(np.where(small, -1.0, log_p))),
    )


def certified_radius(log_inside, log_outside, sigma, side):
    """Radius of the side that wins, from the logarithm of the side that loses."""
    # +0.0 turns the -0.0 of a tie into 0.0.
    log_loser = np.minimum(np.minimum(log_inside, log_outside), LOG_HALF)
    radius = np.maximum(-np.asarray(sigma) * ndtri_exp(log_loser), 0.0) + 0.0
    return of_side(radius, np.asarray(log_inside) - log_outside, side)


def of_side(radius, lead, side):
    """`radius` where the wanted side wins, else 0; inside wins where `lead` > 0."""
    if not (isinstance(side, str) and side in ("either", "inside", "outside")):
        raise ValueError(f"side must be 'either', 'inside' or 'outside', got {side!r}.")
    if side == "either":
        return radius
    return np.where(lead > 0 if side == "inside" else lead < 0, radius, 0.0)[()]


def find_root(function, low, high):
    """Roots of an increasing function, element by element (Chandrupatla, 1997).

    `function` maps an array to an array of the same shape. Where it has no sign change
    in [`low`, `high`], the end where it is nearer to zero is the answer: callers give
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
