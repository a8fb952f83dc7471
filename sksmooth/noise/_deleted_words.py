# SPDX-License-Identifier: BSD-3-Clause
"""The law of noise that deletes words, as certificates need it."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from sksmooth.noise._abilities import WordLaw
from sksmooth.noise._law import broadcast_odds, leads
from sksmooth.noise._parameters import check_probability
from sksmooth.noise._token_deletion import TokenDeletion


@dataclass(frozen=True)
class DeletedWords(WordLaw):
    """Words of a text are deleted at random; radii count added and deleted words.

    Parameters
    ----------
    sigma : float
        Not needed.
    norm : {0}, default=None
        Radii are numbers of words.
    n_features : int, default=None
        Size of the vocabulary; not needed.
    scale : None
        Not needed.
    probability : float
        Probability that a word is deleted.
    changes : int or None, default=None
        With None, a radius is how many words may be added and deleted altogether. Else
        it is how many may be added beside at most so many deleted ones.

    Notes
    -----
    See `TokenDeletion`. Of all ways to change r words, the largest probability of an
    event is found by trying each number of deleted ones.
    """

    probability: float = 0.5
    changes: int | None = None
    name: ClassVar[str] = "token_deletion"
    norms: ClassVar[tuple[float, ...]] = (0,)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "probability", check_probability(self.probability))

    @property
    def deletion(self) -> TokenDeletion:
        """What is known of each number of added and of deleted words."""
        return TokenDeletion(self.probability)

    @property
    def unit(self) -> float:
        """One word."""
        return 1.0

    def with_changes(self, changes: int) -> Self:
        """Return the law of added words beside at most so many deleted ones."""
        return replace(self, changes=changes)

    def _mixtures(self, radius):
        """Numbers of added and of deleted words that a radius allows."""
        if radius * np.log(self.probability) < -800:
            # The other text is told from this one for sure by words that are added.
            return np.array([np.inf]), np.array([0])
        n_words = int(np.floor(radius))
        if self.changes is not None:
            deleted = np.arange(self.changes + 1)
            return np.full_like(deleted, n_words), deleted
        deleted = np.arange(n_words + 1)
        return n_words - deleted, deleted

    def _largest(self, function, values, radius):
        """Largest value of a function over what each radius allows."""
        values, radius = np.broadcast_arrays(
            np.asarray(values, dtype=np.float64), np.asarray(radius, dtype=np.float64)
        )
        result = np.empty(values.shape)
        for one in np.unique(radius):
            added, deleted = self._mixtures(one)
            at = radius == one
            of_each = function(values[at][:, np.newaxis], added, deleted)
            result[at] = of_each.max(axis=1)
        return result

    def grow(self, probit: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest probability in another text of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event.
        radius : array-like
            How many words change.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the largest probability, broadcast.
        """
        return self._largest(self.deletion.grow, probit, radius)

    def threshold(
        self, radius: ArrayLike, share_other: ArrayLike = 0.5
    ) -> NDArray[np.float64]:
        """Probability that a class must exceed so that it leads within a radius.

        Parameters
        ----------
        radius : array-like
            Numbers of words.
        share_other : array-like, default=0.5
            ``w / (v + w)`` of the vote weights of the class and of another one.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the threshold, broadcast.
        """

        def threshold(share, added, deleted):
            return self.deletion.threshold(added, deleted, share)

        return self._largest(threshold, share_other, radius)

    def largest_radius(self, share_other: float = 0.5) -> float:
        """Radius that no votes prove, while they may prove all smaller ones.

        Parameters
        ----------
        share_other : float, default=0.5
            See `threshold`.

        Returns
        -------
        float
            The first number of added words with ``b**added <= share_other``.
        """
        return float(np.ceil(np.log(share_other) / np.log(self.probability) - 1e-12))

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Number of words that may change while a class stays ahead of another one.

        Parameters
        ----------
        probit_top : array-like
            ``Phi^-1`` of (a lower bound of) the probability of the top class.
        probit_other : array-like
            ``Phi^-1`` of (an upper bound of) the probability of the other class.
        weight_top, weight_other : array-like of positive floats, default=1.0
            Vote weights.

        Returns
        -------
        ndarray
            Half more than the number of words, so that it is positive where the label
            itself holds: see `rounded_down`. Negative where nothing holds.
        """
        arguments = np.broadcast_arrays(
            probit_top, probit_other, weight_top, weight_other
        )
        if self.changes is not None:
            beside = self.deletion.frontier(*arguments, deleted=self.changes)
            words = beside.min(axis=-1)
        else:
            most = self.deletion.added(*arguments)
            # Beside k deleted words f(k) may be added; so all of ``f(k) + k`` words.
            deleted = int(np.max(most, initial=0))
            beside = self.deletion.frontier(*arguments, deleted=deleted)
            words = (beside + np.arange(deleted + 1)).min(axis=-1)
        top, other, log_odds = broadcast_odds(*arguments)
        ahead = leads(log_ndtr(top), log_ndtr(other), log_odds)
        return np.where(ahead & (words >= 0), words + 0.5, -1.0)

    def grid_slack(self, n_features: int) -> float:
        """Radius given up between points of a grid; there is none.

        Parameters
        ----------
        n_features : int
            Not needed.

        Returns
        -------
        float
            0.
        """
        return 0.0

    def snap(self, X: Any) -> Any:
        """Check that samples are counts; see `TokenDeletion.snap`."""
        return self.deletion.snap(X)

    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of counts that are not sparse.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            Counts.
        stream : numpy.random.Generator
            The stream of the sample.
        out : ndarray of shape (n_copies, n_features)
            It is overwritten with the copies.
        """
        out[:] = self.deletion.thin(row[np.newaxis], stream, len(out))

    def terms(self) -> dict[str, Any]:
        """Return what certificates hold of the law; see `Law.terms`."""
        return super().terms() | {"probability": self.probability}

    def described(self) -> dict[str, Any]:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON knows.
        """
        return super().described() | {"probability": self.probability}
