# SPDX-License-Identifier: BSD-3-Clause
"""Within which radius a sample never becomes one of some classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from sksmooth.bounds import binomial_upper, check_alpha
from sksmooth.certificates import (
    Certificates,
    class_index,
    require_known,
    resolve_vote_weights,
)
from sksmooth.noise import law_of
from sksmooth.questions._recertify import require_kept_votes


def radius_against(
    certificates: Certificates,
    classes: ArrayLike,
    *,
    alpha: float | None = None,
    vote_weights: Mapping[Any, float] | ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Radius within which the smoothed classifier predicts none of some classes.

    Errors do not cost the same: an 8 that is read as a 3 may be worse than one read as
    a 9. The votes that were kept prove more against three classes than against all, and
    often something for samples that abstained [1]_.

    Parameters
    ----------
    certificates : Certificates
        From ``certify(X)``, or read from a log of it.
    classes : array-like of shape (n_some,)
        The classes that a sample must not become, some of ``certificates.classes``.
    alpha : float, default=None
        Error probability of each radius; None is that of the certificates.
    vote_weights : dict, array-like or None, default=None
        Weights of the classifier that is meant, as in `SmoothedClassifier`; None is the
        plain vote.

    Returns
    -------
    ndarray of shape (n_samples,)
        For each sample, with probability at least ``1 - alpha`` over the noise, the
        smoothed classifier predicts none of `classes` within this radius. 0.0 where
        nothing is proved: in particular where the label is one of them, and where no
        votes were counted.

    Raises
    ------
    ValueError
        If `classes` is empty, or holds a class that is unknown or all classes; if
        `alpha` or `vote_weights` is invalid; or if there are no votes that could prove
        it, see `recertify`.

    Notes
    -----
    Let A be the label, which the pilot chose independently of the votes, and p_A its
    probability. A lower bound of p_A at ``alpha / 2`` and an upper bound of p_c at
    ``alpha / 2`` for each of the classes c give a radius within which A stays ahead of
    c, and the smallest of them is the result. Of the classes, the one that truly limits
    the radius is fixed, so only its bound has to hold: ``alpha`` covers any number of
    classes. Where the set is all classes but A, it is the radius of the certificate
    with ``bound="multiclass"``.

    Fix the classes before you look: the best of several radii at `alpha` each is not
    one at `alpha`.

    References
    ----------
    .. [1] X. Zhang, D. Evans, "Cost-Sensitive Robustness against Adversarial Examples",
       ICLR 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth import SmoothedClassifier
    >>> from sksmooth.questions import radius_against
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.5, random_state=0)
    >>> certificates = clf.fit(X, y).certify(X[50:55])  # of class 1, next to class 2
    >>> against = radius_against(certificates, [0])
    >>> bool((against > certificates.radius).all())
    True
    """
    require_kept_votes(certificates)
    alpha = check_alpha(certificates.alpha if alpha is None else alpha)
    known = certificates.classes
    against = _positions(classes, known)
    weights = resolve_vote_weights(vote_weights, known)
    weights = np.ones(len(known)) if weights is None else weights

    label = class_index(certificates.label, known)
    counts = certificates.counts
    radius = np.zeros(len(label))
    rows = np.flatnonzero(counts.any(axis=1) & ~np.isin(label, against))
    if rows.size:
        proved = _radius(
            law_of(certificates), counts[rows], label[rows], against, weights, alpha
        )
        radius[rows] = np.maximum(proved - certificates.slack, 0.0)
    return radius


def _radius(law, counts, label, against, weights, alpha):
    """Radius within which each label stays ahead of the classes `against`."""
    n_votes = counts.sum(axis=1)
    # With two classes, what the label leaves over is the other's: one bound is enough.
    part = alpha if counts.shape[1] == 2 else alpha / 2
    misses = n_votes - counts[np.arange(len(counts)), label]
    miss = binomial_upper(misses, n_votes, part)[:, np.newaxis]
    upper = binomial_upper(counts[:, against], n_votes[:, np.newaxis], part)
    if counts.shape[1] == 2:
        upper = miss
    return law.radius(
        -ndtri(miss),
        ndtri(np.minimum(upper, miss)),
        weights[label][:, np.newaxis],
        weights[against],
    ).min(axis=1)


def _positions(classes, known):
    """Positions of the classes of a set, which must leave some out."""
    classes = np.asarray(classes)
    if classes.ndim != 1 or not len(classes):
        raise ValueError(
            f"classes={classes.tolist()!r} must be a list of at least one class."
        )
    positions = np.unique(require_known(classes, known, "classes"))
    if len(positions) == len(known):
        raise ValueError(
            f"classes={classes.tolist()!r} are all classes: one of them is predicted "
            "everywhere. Leave out those that a sample may become."
        )
    return positions
