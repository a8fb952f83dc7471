# SPDX-License-Identifier: BSD-3-Clause
"""Refuse, before any vote is drawn, a question that no votes could answer."""

import warnings

import numpy as np
from scipy.special import ndtri

from sksmooth.questions._certify_at_radii import reachable_radii
from sksmooth.questions._vote_radius import VoteRadius


def check_can_certify(n_classes, *, radii, law, n_max, alpha, bound, weights):
    """Check that unanimous votes would certify.

    Parameters are those of `certify_radius` and `certify_at_radii`; `radii` is None
    for the former.

    Raises
    ------
    ValueError
        If `n_max` unanimous votes do not even certify the label.

    Warns
    -----
    UserWarning
        If they certify the label but not all of `radii`.
    """

    def certifies_label(n):
        if radii is None:
            proves = VoteRadius.at(alpha, bound, n_classes, law, weights)
            radius, _ = proves(n * np.eye(n_classes), np.arange(n_classes))
            return radius.max() > 0
        return reachable_radii(
            np.zeros(1), n_classes, law, n, alpha, bound, weights
        ).all()

    if not certifies_label(n_max):
        enough = n_max + 1
        while not certifies_label(enough):
            enough += 1
        raise ValueError(
            f"n_certify={n_max} votes can certify nothing at alpha={alpha:g}, not even "
            f"when unanimous: use n_certify >= {enough}, or a larger alpha."
        )
    if radii is None:
        return
    shown = reachable_radii(radii, n_classes, law, n_max, alpha, bound, weights)
    if shown.all():
        return
    farthest = -law.sigma * ndtri(-np.expm1(np.log(alpha) / n_max))
    warnings.warn(
        f"The radii {radii[~shown].tolist()} are out of reach of n_certify={n_max} "
        f"votes at alpha={alpha:g} and sigma={law.sigma:g} and cannot hold: unanimous "
        f"votes prove about {farthest:.3g}. Use more votes, a larger sigma, or smaller "
        "radii.",
        UserWarning,
        stacklevel=4,
    )
