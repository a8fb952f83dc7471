# SPDX-License-Identifier: BSD-3-Clause
"""Refuse, before any vote is drawn, a question that no votes could decide."""

import warnings

import numpy as np
from scipy.special import ndtri

from sksmooth._messages import listed


def check_can_certify(question, n_classes):
    """Check that unanimous votes would certify the label.

    Parameters
    ----------
    question : Certify
    n_classes : int

    Raises
    ------
    ValueError
        If `n_max` unanimous votes do not even certify the label.
    """
    n_max = question.n_max
    if question.certifies_label(n_max, n_classes):
        return
    enough = n_max + 1
    while not question.certifies_label(enough, n_classes):
        enough += 1
    raise ValueError(
        f"n_certify={n_max} votes can certify nothing at alpha={question.alpha:g}, not "
        f"even when unanimous: use n_certify >= {enough}, or a larger alpha."
    )


def warn_of_light_classes(question):
    """Warn of classes that unanimous votes do not certify beside a heavier one.

    Parameters
    ----------
    question : Certify

    Warns
    -----
    UserWarning
        If there are any.
    """
    weights, n_max, alpha = question.weights, question.n_max, question.alpha
    if weights is None:
        return
    # Without a single vote for it, the heaviest class may still have a share of
    # 1 - alpha^(1/n), which must be too small to lead.
    share = -np.expm1(np.log(alpha) / n_max)
    is_light = weights * (1 - share) <= weights.max() * share
    if is_light.any():
        lightest = weights.max() / weights.min()
        enough = int(np.ceil(np.log(1 / alpha) / np.log1p(1 / lightest)))
        _warn(
            f"{is_light.sum()} of {len(weights)} classes can never be certified: the "
            f"heaviest vote weight is up to {lightest:.4g} times theirs, which "
            f"n_certify={n_max} votes at alpha={alpha:g} cannot make up for. Use "
            f"n_certify > {enough}, or vote_weights that differ less."
        )


def warn_out_of_reach(question, radii):
    """Warn of radii that no votes would show.

    Parameters
    ----------
    question : Certify
    radii : ndarray

    Warns
    -----
    UserWarning
        Once for radii that the law proves by no votes at all, and once for those that
        take more votes.
    """
    law, n_max, alpha = question.law, question.n_max, question.alpha
    limit = law.largest_radius(_best_share_other(question.weights))
    radii, beyond = radii[radii < limit], radii[radii >= limit]
    if beyond.size:
        _warn(
            f"The radii {listed(beyond)} cannot hold: noise={law.name!r} of "
            f"{law.strength}={getattr(law, law.strength):g} proves no radius of "
            f"{limit:.4g} or more, whatever the votes. Use a larger {law.strength}, or "
            "smaller radii."
        )
    if radii.size:
        unanimous = -ndtri(-np.expm1(np.log(alpha) / n_max))
        farthest = float(law.rounded_down(law.radius(unanimous, -unanimous)))
        _warn(
            f"The radii {listed(radii)} are out of reach of n_certify={n_max} votes "
            f"at alpha={alpha:g} and {law.strength}={getattr(law, law.strength):g} and "
            f"cannot hold: unanimous votes prove about {farthest:.3g}. Use more votes, "
            f"a larger {law.strength}, or smaller radii."
        )


def _best_share_other(weights):
    """Share of the heaviest other class beside the class it is best for."""
    if weights is None or len(weights) < 2:
        return 0.5
    second, first = np.sort(weights)[-2:]
    return float(second / (first + second))


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=6)
