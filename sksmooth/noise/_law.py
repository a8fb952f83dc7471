# SPDX-License-Identifier: BSD-3-Clause
"""The protocol of a noise law: how fast a probability can grow with distance."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from sksmooth._arguments import check_whole_number, real_numbers

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Law(abc.ABC):
    """A distribution of noise, and what it proves at a distance.

    All that certificates need to know of a law follows from its growth function
    G(p, r): the largest probability, at distance r from a sample, of an event that has
    probability p at the sample (the Neyman-Pearson lemma gives it). An event keeps at
    least ``1 - G(1 - p, r)``.

    A new law states `name`, `norms`, `grow` and how noise is drawn (see
    `AdditiveLaw`); everything else is derived here, and may be overridden where a
    closed form is at hand. What else it can do, such as listing all copies of a sample,
    it states by inheriting from a class of ``_abilities.py``.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in units of `scale`.
    norm : float, default=None
        Order of the norm in which radii are measured; None is the law's own.
    n_features : int, default=None
        Number of noisy values in a sample. Some norms need it.
    scale : array-like of shape (n_features,), default=None
        Unit of each noisy value: radii are in norms of ``delta / scale``. None is 1.

    Attributes
    ----------
    name : str
        As the parameter `noise` of `SmoothedClassifier` spells it.
    norms : tuple of float
        The norms in which the law proves radii, its own first.
    rotation_invariant : bool
        Whether noise along any direction has the same distribution.
    adds_missing : bool
        Whether values of noisy samples may be missing.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold; if the law
        proves nothing in `norm`, or needs `n_features` for it.

    Notes
    -----
    Probabilities are passed as probits, ``Phi^-1(p)`` of the standard normal
    distribution function, whatever the law: these keep full relative precision close
    to 0 and close to 1.
    """

    sigma: float
    norm: Any = None  # a float once it is constructed
    n_features: int | None = None
    scale: Any = None  # a tuple of floats, or None
    name: ClassVar[str]
    norms: ClassVar[tuple[float, ...]]
    rotation_invariant: ClassVar[bool] = False
    adds_missing: ClassVar[bool] = False

    def __post_init__(self):
        norm = self.norms[0] if self.norm is None else self.norm
        if not isinstance(norm, Real) or norm not in self.norms:
            known = ", ".join(f"norm={known:g}" for known in self.norms)
            raise ValueError(
                f"noise={self.name!r} has no certificate in norm={norm!r}; it has "
                f"{known}."
            )
        # Of the plain type: in that of a scalar of numpy, results would be rounded.
        norm = self.norms[self.norms.index(norm)]
        object.__setattr__(self, "norm", norm)
        if self.scale is not None:
            scale = real_numbers("scale", self.scale, "a list of numbers")
            if scale.ndim != 1 or not np.all((scale > 0) & (scale < np.inf)):
                raise ValueError(
                    f"scale={self.scale!r} must be a list of positive, finite numbers, "
                    "one for each noisy value."
                )
            object.__setattr__(self, "scale", tuple(scale.tolist()))
            object.__setattr__(self, "n_features", len(scale))
        if self.n_features is not None:
            check_whole_number("n_features", self.n_features)

    @abc.abstractmethod
    def grow(self, probit: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest probability at a distance of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event at the sample.
        radius : array-like
            Distance, in the norm of the law and in units of `scale`.

        Returns
        -------
        ndarray
            ``Phi^-1(G(p, radius))``, broadcast.
        """

    @property
    def counts_changes(self) -> bool:
        """Whether radii count changes: whole numbers, of which each has a step."""
        return self.norm == 0

    @property
    def strength(self) -> str:
        """Name of the parameter that certificates grow with."""
        return "probability" if self.counts_changes else "sigma"

    def rounded_down(self, radius: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the radii that `radius` stands for.

        Parameters
        ----------
        radius : ndarray
            Positive ones of `Law.radius`.

        Returns
        -------
        ndarray
            The same, or whole numbers where radii count changes.
        """
        return np.floor(radius) if self.counts_changes else radius

    @property
    def unit(self) -> float:
        """Radius that a class of probability Phi(1) has against all others.

        It gives tolerances a scale: sigma for Gaussian noise in l2.
        """
        return float(self.radius(1.0, -1.0))

    def largest_radius(self, share_other: float = 0.5) -> float:
        """Radius that no votes prove, while they may prove all smaller ones.

        Parameters
        ----------
        share_other : float, default=0.5
            ``w / (v + w)``, with v the vote weight of the class and w the largest
            weight of another class.

        Returns
        -------
        float
            Infinity, unless the law proves nothing beyond some radius.
        """
        return np.inf

    def threshold(
        self, radius: ArrayLike, share_other: ArrayLike = 0.5
    ) -> NDArray[np.float64]:
        """Probability that a class must exceed so that it leads within a radius.

        Parameters
        ----------
        radius : array-like
            Radii.
        share_other : array-like, default=0.5
            ``w / (v + w)``, with v the vote weight of the class and w the largest
            weight of another class.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the threshold, broadcast.

        Notes
        -----
        Let the other classes share all that the class leaves over. It leads while
        ``v (1 - G(e, r)) > w G(e, r)``, where e is the probability of a miss, that is
        while ``G(e, r) < v / (v + w)``. For a law under which sample and neighbor may
        change places, ``a -> 1 - G(a, r)`` is its own inverse [1]_, so this says
        ``1 - e > G(w / (v + w), r)``.

        References
        ----------
        .. [1] J. Dong, A. Roth, W. J. Su, "Gaussian Differential Privacy", Journal of
           the Royal Statistical Society B 84 (2022), Proposition 1 and Section 2.
        """
        return self.grow(ndtri(np.asarray(share_other, dtype=np.float64)), radius)

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Radius within which a top class stays ahead of another class.

        With p the probability of the top class, q that of the other and weights v, w,
        the root r of ``v (1 - G(1 - p, r)) = w G(q, r)``: at distance r the top class
        keeps at least the left side, and the other reaches at most the right side.

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
            Radii in units of `scale`, rounded down; negative where the top class is
            not ahead.
        """
        top, other, log_odds = broadcast_odds(
            probit_top, probit_other, weight_top, weight_other
        )

        finite = np.isfinite(top) & np.isfinite(other)
        radius = np.full(top.shape, -np.inf)
        radius[finite] = self._finite_radius(
            top[finite], other[finite], log_odds[finite]
        )
        return np.nextafter(radius, -np.inf)

    def _finite_radius(self, top, other, log_odds):
        """`radius` of flat arrays of finite probits."""

        def ahead(at, radius):
            return leads(
                log_ndtr(-self.grow(-top[at], radius)),
                log_ndtr(self.grow(other[at], radius)),
                log_odds[at],
            )

        some = np.flatnonzero(ahead(slice(None), 0.0))
        first = np.full(some.size, self.sigma)
        radius = np.full(top.shape, -np.inf)
        radius[some] = last_that_holds(partial(ahead, some), 0.0 * first, first)
        return radius

    def worst_case_shares(
        self, shares: NDArray[np.float64], own: NDArray[np.bool_], radius: float
    ) -> NDArray[np.float64]:
        """Shares of the votes as an adversary within a radius can make them.

        Parameters
        ----------
        shares : ndarray
            Probabilities, strictly between 0 and 1.
        own : ndarray of bool, broadcast against `shares`
            Where the adversary lowers the probability; elsewhere it is raised.
        radius : float
            Radius.

        Returns
        -------
        ndarray
            ``1 - G(1 - p, radius)`` where `own`, ``G(p, radius)`` elsewhere.
        """
        sign = np.where(own, -1.0, 1.0)
        return ndtr(sign * self.grow(sign * ndtri(shares), radius))

    def described(self) -> dict[str, Any]:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON has.
        """
        return {
            "noise": self.name,
            "norm": self.norm,
            "sigma": float(self.sigma),
            "n_features": self.n_features,
        }

    def terms(self) -> dict[str, Any]:
        """Return what certificates hold of the law beside `sigma`, `norm` and `scale`.

        Returns
        -------
        dict
            Parameters of the law, of types that JSON knows.
        """
        return {"n_features": self.n_features}

    @abc.abstractmethod
    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Number of noisy values in a sample.

        Returns
        -------
        float
            In the norm of the law.
        """

    @abc.abstractmethod
    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Round samples to points whose sum with the noise is exact.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.

        Returns
        -------
        ndarray of float64 of the same shape
        """

    @abc.abstractmethod
    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of a snapped sample.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
            A sample as returned by `snap`.
        stream : numpy.random.Generator
            The stream of the sample. Drawing in parts or at once must give the same
            copies, so the law draws one kind of number only, as many as `out` holds.
        out : ndarray of shape (n_copies, n_features), C-contiguous float64
            It is overwritten with the copies.
        """

    @property
    def n_copies(self) -> int | None:
        """Number of noisy copies that `enumerate` lists; None if they must be drawn."""
        return None

    def enumerate(self, row: ArrayLike) -> NDArray[np.float64]:
        """All noisy copies of a sample, if they are few and equally likely.

        Parameters
        ----------
        row : array-like of shape (n_features,)
            A sample as returned by `snap`.

        Returns
        -------
        ndarray of shape (n_copies, n_features)
            The copies.

        Raises
        ------
        TypeError
            If copies have to be drawn, which is where `n_copies` is None.
        """
        raise TypeError(
            f"noise={self.name!r} has more noisy copies of a sample than can be listed."
        )


def broadcast_odds(probit_top, probit_other, weight_top, weight_other):
    """Broadcast arguments of `Law.radius`, the weights as the log of their ratio."""
    top = np.asarray(probit_top, dtype=np.float64)
    other = np.asarray(probit_other, dtype=np.float64)
    if np.ndim(weight_top) == np.ndim(weight_other) == 0 and weight_top == weight_other:
        # What follows takes longer than all else where there are few samples.
        return np.broadcast_arrays(top, other, 0.0)
    heavy = np.asarray(weight_top, dtype=np.float64)
    gained = np.asarray(weight_other, dtype=np.float64) - heavy
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        odds = np.divide(weight_other, heavy)
        # Exact to a few units in the last place, however small both weights are and
        # however close to each other. The difference of logs only where one overflows.
        log_odds = np.select(
            [np.abs(odds - 1.0) < 0.5, (odds > 1e-300) & (odds < 1e300)],
            [np.log1p(np.clip(gained / heavy, -0.5, 0.5)), np.log(odds)],
            np.log(weight_other) - np.log(heavy),
        )
    return np.broadcast_arrays(top, other, log_odds)


def leads(log_keeps, log_gains, log_odds):
    """Whether a share stays ahead of another one times the odds, whatever is rounded.

    Parameters
    ----------
    log_keeps, log_gains, log_odds : ndarray
        Logs of both shares and of the odds, each with a relative error of a few units
        in the last place or an absolute error of as much.
    """
    # A share of 0, of which the log is infinite, is exact.
    some = np.where(np.isneginf(log_gains), 0.0, log_gains)
    terms = 1.0 + np.abs(log_keeps) + np.abs(some) + np.abs(log_odds)
    return log_keeps - 8 * _EPS * terms > log_odds + log_gains


def last_that_holds(holds, low, high):
    """Largest t, elementwise, at which a condition that ends somewhere still holds.

    Parameters
    ----------
    holds : callable
        From an ndarray of t to an ndarray of bool, True up to the root and False
        beyond it.
    low, high : ndarray
        A first bracket; it is widened where the root lies outside.

    Returns
    -------
    ndarray
        The lower end of brackets of relative width 1e-15.
    """
    while not (ok := holds(low)).all():
        low = np.where(ok, low, low - (high - low))
    while (ok := holds(high)).any():
        high = np.where(ok, high + (high - low), high)
    for _ in range(100):
        # Freeze converged elements, so that each result is independent of the rest of
        # the array.
        unfinished = high - low > 1e-15 * np.maximum(1.0, np.abs(high))
        if not unfinished.any():
            break
        middle = (low + high) / 2
        ok = holds(middle)
        low = np.where(unfinished & ok, middle, low)
        high = np.where(unfinished & ~ok, middle, high)
    return low
