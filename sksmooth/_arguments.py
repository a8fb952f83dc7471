# SPDX-License-Identifier: BSD-3-Clause
"""Numbers and choices as the user gives them, or an error that says what is wrong."""

import os
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np

# Larger whole numbers are not told apart as floats.
LARGEST_WHOLE = 2**53
_GIB = 2**30


def refuse_masked(values, name):
    """Refuse values of which some are masked: what is under the mask means nothing.

    Raises
    ------
    ValueError
        If a value is masked.
    """
    if np.ma.is_masked(values):
        n_masked = int(np.ma.count_masked(values))
        raise ValueError(
            f"{name} has {n_masked} masked values, which are taken for nothing here; "
            "leave these samples out, or fill in what is missing."
        )


def real_numbers(name, value, needed="a number or an array of numbers"):
    """Return real numbers, infinity and nan among them, as an array of float64.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : array-like
        What was given. `numpy` itself reads texts as numbers, None as nan, drops
        imaginary parts, and takes what is under a mask.
    needed : str
        What the argument has to be, for the message.

    Raises
    ------
    TypeError
        If a value is missing, a text, a date or a complex number, or a whole number
        that no float holds.
    ValueError
        If a value is masked.
    """
    refuse_masked(value, name)
    try:
        array = np.asarray(value)
        kind = array.dtype.kind
        if kind == "O" and not all(hasattr(each, "__float__") for each in array.flat):
            raise TypeError
        if kind not in "biufO":
            raise TypeError
        return array.astype(np.float64)
    except OverflowError:
        raise TypeError(
            f"{name} must be {needed} that fit a float, got {value!r:.200}."
        ) from None
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {needed}, got {value!r:.200}.") from None


def check_weights(sample_weight, n_samples):
    """Return weights of samples, or ones for None.

    Raises
    ------
    TypeError
        If a weight is no number.
    ValueError
        If there is not one weight for each sample, if one is negative or not finite, or
        if all are zero.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    weight = real_numbers("sample_weight", sample_weight, "an array of numbers")
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}; give one weight for each sample, "
            f"shape ({n_samples},)."
        )
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        raise ValueError(
            f"sample_weight must be finite and >= 0, got {weight[wrong][0]:g}."
        )
    if not weight.any():
        raise ValueError("sample_weight is zero everywhere; give some sample a weight.")
    return weight


def as_float(value):
    """A real number as a float, infinity if no float holds it; nan for all else."""
    if not isinstance(value, Real) or isinstance(value, (bool, np.bool_)):
        return np.nan
    try:
        return float(value)
    except OverflowError:  # of an integer
        return np.inf


def check_between(name, value, low, high):
    """Return a number as a float; it must be strictly between `low` and `high`."""
    number = as_float(value)
    if not low < number < high:
        raise ValueError(
            f"{name}={value!r:.200} must be a number strictly between {low:g} and "
            f"{high:g}."
        )
    return number


def check_flag(name, value):
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r:.200}.")
    return bool(value)


def check_whole_number(name, value, least=0):
    """Return a whole number as an int; it must be `least` or more, and fit a float."""
    if not (isinstance(value, Integral) and least <= value <= LARGEST_WHOLE):
        raise ValueError(
            f"{name}={value!r:.200} must be a whole number from {least} to "
            f"{LARGEST_WHOLE}."
        )
    return int(value)


def check_memory(name, value, n_bytes, instead):
    """Raise if the array that a value stands for is larger than the memory is.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : int
        What was given.
    n_bytes : int
        Size of what is held in memory for it.
    instead : str
        What to do about it, for the message.

    Raises
    ------
    ValueError
        If no more than that is in this machine.
    """
    memory = _memory()
    if n_bytes > memory:
        raise ValueError(
            f"{name}={value!r:.200} takes {n_bytes / _GIB:,.0f} GiB of memory, and "
            f"there are {memory / _GIB:,.0f} GiB; {instead}."
        )


def _memory():
    """Bytes of memory in this machine, or what 64-bit processors address."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # on Windows
        return 2**47


def check_option(name, value, options):
    """Raise unless a value is one of a few texts, or None where that is one of them."""
    known = value is None or isinstance(value, str)
    if not (known and value in options):
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, options))}, got "
            f"{value!r:.200}."
        )


def check_keywords(name, value):
    """Return keywords of another function as a dict; None has none."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict or None, got {value!r:.200}.")
    return dict(value or {})
