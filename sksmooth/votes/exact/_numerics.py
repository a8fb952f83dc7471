# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian masses and their probits, with full relative precision in both tails."""

import numpy as np
from scipy.special import log_ndtr, ndtri, ndtri_exp

# Probits are finite: a class that is never answered has -PROBIT_MAX, one that always is
# has PROBIT_MAX, which only makes a radius smaller than the truth.
PROBIT_MAX = 1e9

# Below this a product of masses may have lost digits to underflow.
UNDERFLOW = 1e-280


def log_interval_mass(lo, hi):
    """``log P(lo < Z <= hi)`` of a standard normal Z, however small."""
    return log_mass_between(
        log_ndtr(-np.abs(lo)), log_ndtr(-np.abs(hi)), (lo <= 0) & (hi > 0)
    )


def log_mass_between(log_tail_lo, log_tail_hi, straddles):
    """Log mass of an interval from the log tails beyond its ends.

    Parameters
    ----------
    log_tail_lo, log_tail_hi : ndarray
        log Phi(-abs(end)).
    straddles : ndarray of bool
        Whether the ends lie on the two sides of zero.
    """
    larger = np.maximum(log_tail_lo, log_tail_hi)
    smaller = np.minimum(log_tail_lo, log_tail_hi)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(np.isneginf(smaller), -np.inf, smaller - larger)
        return np.where(
            straddles,
            np.log1p(-np.exp(log_tail_lo) - np.exp(log_tail_hi)),
            larger + np.log1p(-np.exp(gap)),
        )


def probits_of_shares(shares):
    """Probits of classes from sums of positive terms.

    Parameters
    ----------
    shares : ndarray of shape (n_classes, n_rows)
        Probabilities, each free of cancellation.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
    """
    rest = (1.0 - np.eye(len(shares))) @ shares
    # Both sums carry rounding of 1e-16; at exactly 1/2 either may exceed it.
    smaller = np.minimum(np.minimum(shares, rest), 0.5)
    with np.errstate(divide="ignore"):
        probit = np.where(shares <= rest, 1.0, -1.0) * ndtri(smaller)
    return np.clip(probit, -PROBIT_MAX, PROBIT_MAX).T


def probits_of_log_shares(log_shares):
    """`probits_of_shares` from logarithms; for rows far out."""
    n_classes = len(log_shares)
    log_rest = np.empty_like(log_shares)
    for k in range(n_classes):
        others = np.delete(log_shares, k, axis=0)
        log_rest[k] = np.logaddexp.reduce(others, axis=0, initial=-np.inf)
    smaller = np.minimum(np.minimum(log_shares, log_rest), -np.log(2.0))
    probit = np.where(log_shares <= log_rest, 1.0, -1.0) * ndtri_exp(smaller)
    return np.clip(probit, -PROBIT_MAX, PROBIT_MAX).T
