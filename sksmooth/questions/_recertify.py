# SPDX-License-Identifier: BSD-3-Clause
"""Certify at another alpha, bound or vote weights, from the votes that were kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_option
from sksmooth.bounds import check_alpha
from sksmooth.certificates import (
    Certificates,
    class_index,
    require_certificates,
    resolve_vote_weights,
)
from sksmooth.noise import Law, LawOfChanges, law_of
from sksmooth.questions._vote_radius import VoteRadius, certified_radius


def recertify(
    certificates: Certificates,
    *,
    alpha: float | None = None,
    bound: str = "multiclass",
    vote_weights: Mapping[Any, float] | ArrayLike | None = None,
    changes: Iterable[int] | None = None,
) -> Certificates:
    """Certify again from the counts of certificates, without a single new vote.

    The votes that ``certify(X)`` counts are fresh: which class they are for and how
    many they are was chosen by a pilot that is not among them. So they bound the
    probabilities of the classes at any alpha, with any weights. What stays is what the
    pilot chose: samples that it gave up abstain again, and with other weights a sample
    may abstain whose weighted leader is another class.

    Fix alpha, bound and weights before you look: the best of several results at
    `alpha` each is not a result at `alpha`.

    Parameters
    ----------
    certificates : Certificates
        From ``certify(X)``, or read from a log of it.
    alpha : float, default=None
        New error probability of a sample; None keeps the old one.
    bound : {"multiclass", "binary"}, default="multiclass"
        As in `SmoothedClassifier`.
    vote_weights : dict, array-like or None, default=None
        As in `SmoothedClassifier`; None is the plain vote.
    changes : iterable of int, default=None
        As in `SmoothedClassifier.certify`; None uses those of `frontier`, if there
        is one.

    Returns
    -------
    Certificates
        Of the same samples.

    Raises
    ------
    ValueError
        If a parameter is invalid, or if there are no votes to use again: those of
        ``certify(X, radii=...)`` were stopped when they had shown enough at their
        alpha, closed forms have none, and published files do not keep them.
    TypeError
        If `certificates` are no `Certificates`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth import SmoothedClassifier, recertify
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.5, random_state=0)
    >>> certificates = clf.fit(X, y).certify(X[:5])
    >>> stricter = recertify(certificates, alpha=1e-6)
    >>> bool((stricter.radius < certificates.radius).all())
    True
    """
    require_kept_votes(certificates)
    alpha = certificates.alpha if alpha is None else alpha
    check_alpha(alpha)
    check_option("bound", bound, ("multiclass", "binary"))

    classes = certificates.classes
    weights = resolve_vote_weights(vote_weights, classes)
    question = Recertify(
        law=law_of(certificates),
        alpha=float(alpha),
        bound=bound,
        weights=weights,
        slack=certificates.slack,
    )
    leader = class_index(certificates.label, classes)
    radius, abstained, p_lower = question.from_counts(certificates.counts, leader)
    most = check_changes(changes, question.law)
    if most is None and certificates.frontier is not None:
        most = certificates.frontier.shape[1] - 1
    frontier = (
        None if most is None else question.frontier(certificates.counts, leader, most)
    )
    return replace(
        certificates,
        radius=radius,
        abstained=abstained,
        p_lower=p_lower,
        alpha=question.alpha,
        vote_weights=None if weights is None else tuple(weights.tolist()),
        frontier=frontier,
    )


# A frontier of as many columns takes 80 kB for each sample.
_MOST_CHANGES = 10_000


def check_changes(changes: Iterable[int] | None, law: Law) -> int | None:
    """Return the largest of the requested numbers of changes, or None."""
    if changes is None:
        return None
    if not isinstance(law, LawOfChanges):
        raise ValueError(
            f"changes={changes!r} is for noise that changes categories or words, such "
            f"as Resample(...) or TokenDeletion(...), and noise={law.name!r} does not."
        )
    if isinstance(changes, (str, Integral)) or not isinstance(changes, Iterable):
        raise TypeError(
            f"changes={changes!r} must be a sequence of whole numbers such as (0, 1, "
            "2)."
        )
    asked = list(changes)
    whole = all(isinstance(k, Integral) and not isinstance(k, bool) for k in asked)
    if not asked or not whole or min(asked) < 0:
        raise ValueError(
            f"changes={asked!r} must be whole numbers, zero or more, at least one."
        )
    if max(asked) > _MOST_CHANGES:
        raise ValueError(
            f"changes={asked!r}: {max(asked)} is more than {_MOST_CHANGES}, and the "
            "frontier has a column for each number up to it; ask for fewer changes."
        )
    return int(max(asked))


def require_kept_votes(certificates: Certificates) -> None:
    """Refuse certificates without counts of votes that prove something anew."""
    require_certificates(certificates)
    if certificates.radii is not None:
        raise ValueError(
            f"the votes were drawn for radii={certificates.radii} and stopped once "
            f"they had shown enough at alpha={certificates.alpha:g}; such counts prove "
            "nothing at another alpha, bound or weights. Certify again, or keep logs "
            "of certify(X) without radii."
        )
    if certificates.method != "monte_carlo":
        raise ValueError(
            f"method={certificates.method!r} drew no votes: its certificates need no "
            "alpha, and another question takes another call of certify."
        )
    if (certificates.n_evaluations == 0).any():
        raise ValueError(
            "the certificates hold no counts of votes; a published file keeps only "
            "what was concluded from them."
        )


@dataclass(frozen=True, kw_only=True)
class Recertify:
    """The largest radius that kept votes prove for classes chosen without them.

    Parameters
    ----------
    law, alpha, bound, weights, slack
        See `Certify`.
    """

    law: Law
    alpha: float
    bound: str
    weights: np.ndarray | None
    slack: float

    def from_counts(self, counts, label):
        """Return radius, abstained and p_lower of samples.

        Parameters
        ----------
        counts : ndarray of int of shape (n_samples, n_classes)
            Zeros where a sample was given up before votes were drawn.
        label : ndarray of int of shape (n_samples,)
            Positions of the classes that the pilot chose.
        """
        vote_radius = VoteRadius.at(
            self.alpha, self.bound, counts.shape[1], self.law, self.weights
        )
        drawn = counts.any(axis=1)
        radius, miss = np.zeros(len(drawn)), np.ones(len(drawn))
        radius[drawn], miss[drawn] = vote_radius(counts[drawn], label[drawn])
        abstained = radius <= 0
        radius = certified_radius(radius, self.law, self.slack)
        return radius, abstained, np.nextafter(1.0 - miss, 0.0)

    def frontier(self, counts, label, changes):
        """Radii while at most 0, 1, ..., `changes` categories change.

        Parameters
        ----------
        counts, label
            See `from_counts`.
        changes : int

        Returns
        -------
        ndarray of shape (n_samples, changes + 1)
            nan where nothing is proved.
        """
        columns = []
        for k in range(changes + 1):
            beside = replace(self, law=self.law.with_changes(k))
            radius, abstained, _ = beside.from_counts(counts, label)
            columns.append(np.where(abstained, -1.0, radius))
        radii = np.minimum.accumulate(np.stack(columns, axis=1), axis=1)
        return np.where(radii < 0, np.nan, radii)
