# SPDX-License-Identifier: BSD-3-Clause
"""What the closed forms share: checked arguments and radii from logarithms."""

import numpy as np
from scipy.special import ndtri_exp

from sksmooth._arguments import real_numbers
from sksmooth._special import LOG_HALF

# Squares of larger numbers overflow, and larger whole numbers are not told apart.
_LARGEST, _LARGEST_WHOLE = 1e150, 2**53


def as_floats(name, value):
    """Real numbers, or infinity, as an array; none of them masked or a text."""
    values = real_numbers(name, value)
    beyond = (np.abs(values) > _LARGEST) & np.isfinite(values)
    return _refuse(name, values, beyond, f"of a size up to {_LARGEST:g}: rescale")


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
    values = _refuse(name, values, bad, f"a whole number of at least {minimum}")
    beyond = values > _LARGEST_WHOLE
    return _refuse(name, values, beyond, f"a whole number up to {_LARGEST_WHOLE}")


def certified_radius(log_inside, log_outside, sigma, side):
    """Radius of the side that wins, from the logarithm of the side that loses."""
    # +0.0 turns the -0.0 of a tie into 0.0.
    log_loser = np.minimum(np.minimum(log_inside, log_outside), LOG_HALF)
    radius = np.maximum(-as_floats("sigma", sigma) * ndtri_exp(log_loser), 0.0) + 0.0
    return of_side(radius, np.asarray(log_inside) - log_outside, side)


def of_side(radius, lead, side):
    """`radius` where the wanted side wins, else 0; inside wins where `lead` > 0."""
    if not (isinstance(side, str) and side in ("either", "inside", "outside")):
        raise ValueError(f"side must be 'either', 'inside' or 'outside', got {side!r}.")
    if side == "either":
        return radius
    return np.where(lead > 0 if side == "inside" else lead < 0, radius, 0.0)[()]
