# SPDX-License-Identifier: BSD-3-Clause
"""Categories drawn anew at random, beside Gaussian noise on numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from sksmooth._messages import listed
from sksmooth.noise._abilities import CategoricalLaw
from sksmooth.noise._additive import add_noise, rounder_of
from sksmooth.noise._changed_categories import changed_categories
from sksmooth.noise._gaussian import Gaussian
from sksmooth.noise._law import broadcast_odds, leads
from sksmooth.noise._parameters import LawParameters, check_probability


class Resample(LawParameters):
    """Noise that draws categories anew, each with some probability.

    A category is replaced by one of all categories of its feature, which are equally
    likely, its own among them. Numbers beside them have Gaussian noise of `sigma`; see
    `ResampledGaussian` for what this certifies.

    Parameters
    ----------
    probability : float
        Probability that a category is drawn anew, strictly between 0 and 1.
    categorical_features : "from_dtype" or array-like, default="from_dtype"
        Which features are categories: by the dtypes of a DataFrame, of which all but
        those of numbers and dates count; or names, indices or a boolean mask, as in
        :class:`~sklearn.ensemble.HistGradientBoostingClassifier`.

    Examples
    --------
    One feature with three categories beside a number:

    >>> from scipy.special import ndtri
    >>> from sksmooth.noise import Resample
    >>> law = Resample(probability=0.5).bind(sigma=1.0, cardinalities=[0, 3])
    >>> law.frontier(ndtri(0.99), -ndtri(0.99), changes=2).round(4)
    array([2.3263, 1.9974])
    """

    # Whether noise makes categories missing values, which need a code then.
    adds_missing: ClassVar[bool] = False

    def __init__(
        self,
        probability: float,
        categorical_features: str | ArrayLike = "from_dtype",
    ) -> None:
        self.probability = probability
        self.categorical_features = categorical_features

    @property
    def _law(self):
        """Class of the laws that `bind` returns."""
        return ResampledGaussian

    def bind(
        self,
        sigma: float,
        cardinalities: Sequence[int],
        scale: Sequence[float] | None = None,
        norm: float | None = None,
    ) -> ResampledGaussian:
        """Return the law for features of some kinds.

        Parameters
        ----------
        sigma : float
            Standard deviation of the noise of numbers, in units of `scale`.
        cardinalities : sequence of int of shape (n_features,)
            Number of categories of each noisy feature, which are coded from 0 on; 0 for
            a number. Where noise erases them, the last one is the missing value.
        scale : sequence of float of shape (n_features,), default=None
            Unit of each number; those of categories have no meaning. None is 1.
        norm : {2, 0}, default=None
            See `ResampledGaussian`.

        Returns
        -------
        ResampledGaussian
            The law, or one of a subclass.
        """
        return self._law(
            sigma,
            norm,
            scale=scale,
            n_features=len(cardinalities),
            probability=self.probability,
            cardinalities=tuple(cardinalities),
        )


@dataclass(frozen=True)
class ResampledGaussian(CategoricalLaw):
    """Gaussian noise on numbers, and categories drawn anew.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise of numbers, in units of `scale`.
    norm : {2, 0}, default=None
        2 if there are numbers: radii are in l2 over the numbers, while at most
        `changes` categories change. 0 if there are only categories: radii count
        changed categories.
    n_features : int, default=None
        Number of noisy values in a sample: the length of `cardinalities`.
    scale : array-like of shape (n_features,), default=None
        Unit of each number; those of categories have no meaning. None is 1.
    probability : float
        Probability that a category is drawn anew.
    cardinalities : tuple of int of shape (n_features,)
        Number of categories of each feature, which are coded from 0 on; 0 for a number.
    changes : int, default=0
        How many categories may change beside the numbers, or beside those that radii
        count.

    Raises
    ------
    ValueError
        If a parameter is out of range, or `norm` is not that of the features.

    Notes
    -----
    Two samples that differ in k categories, by a shift r of the numbers, are told apart
    best by their likelihood ratio (Neyman and Pearson): a sum of one normal and k
    discrete variables. The growth function is exact for the worst of all samples at
    that distance. These differ in the features with most categories, as noise on more
    categories can be turned into noise on fewer.

    A distance of less than ``1e-4 * sigma`` counts as that, and probabilities beyond
    ``Phi(9)`` count as that: radii beside changed categories are at most 9 sigma.

    References
    ----------
    .. [1] G.-H. Lee, Y. Yuan, S. Chang, T. Jaakkola, "Tight Certificates of Adversarial
       Robustness for Randomly Smoothed Classifiers", NeurIPS 2019.
    .. [2] A. Bojchevski, J. Gasteiger, S. Guennemann, "Efficient Robustness
       Certificates for Discrete Data", ICML 2020.
    """

    probability: float = 0.5
    cardinalities: Any = ()
    changes: int = 0
    name: ClassVar[str] = "resample"
    norms: ClassVar[tuple[float, ...]] = (2, 0)

    def __post_init__(self):
        object.__setattr__(self, "probability", check_probability(self.probability))
        cardinalities = tuple(int(c) for c in self.cardinalities)
        for at, cardinality in enumerate(cardinalities):
            if cardinality < 0 or cardinality == 1:
                raise ValueError(
                    f"cardinalities={listed(cardinalities)} must be 2 or more, or 0 "
                    f"for a number; noise has no effect on feature {at} with one "
                    "category: hold it fixed."
                )
        if not cardinalities:
            raise ValueError("cardinalities is empty: there is nothing to smooth.")
        object.__setattr__(self, "cardinalities", cardinalities)
        object.__setattr__(self, "n_features", len(cardinalities))
        if self.scale is not None and len(self.scale) != len(cardinalities):
            raise ValueError(
                f"scale has {len(self.scale)} values for {len(cardinalities)} features."
            )
        norm = 2 if 0 in cardinalities else 0
        if self.norm not in (None, norm):
            kinds = "numbers" if norm else "categories only"
            raise ValueError(
                f"norm={self.norm!r} is not that of certificates for {kinds}: it is "
                f"{norm} (None chooses it)."
            )
        object.__setattr__(self, "norm", norm)
        if not (self.changes == int(self.changes) and self.changes >= 0):
            raise ValueError(
                f"changes={self.changes!r} must be a whole number, zero or more."
            )
        super().__post_init__()
        if self.norm == 2:
            _ = self.numbers_law  # refuses a sigma that is none

    @cached_property
    def numbers_law(self) -> Gaussian:
        """The law of the numbers."""
        scale = None if self.scale is None else np.array(self.scale)[self._is_number]
        if scale is not None and not scale.size:
            scale = None
        return Gaussian(self.sigma, n_features=int(self._is_number.sum()), scale=scale)

    @cached_property
    def _is_number(self):
        return np.array(self.cardinalities) == 0

    @cached_property
    def _most_categories(self):
        """Cardinalities of the categorical features, largest first."""
        return tuple(sorted(filter(None, self.cardinalities), reverse=True))

    @property
    def n_categorical(self) -> int:
        """Number of features that are categories."""
        return len(self._most_categories)

    def with_changes(self, changes: int) -> Self:
        """Return the law for some number of changed categories beside the numbers."""
        return replace(self, changes=changes)

    def _changed(self, changes):
        changes = min(int(changes), self.n_categorical)
        return changed_categories(self.probability, self._most_categories[:changes])

    def grow(self, probit: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest probability at a distance of an event, by its probability here.

        Parameters
        ----------
        probit : array-like
            ``Phi^-1`` of the probability of the event at the sample.
        radius : array-like
            Distance of the numbers in l2, in units of `scale`, or number of changed
            categories if there are no numbers; both beside `changes`.

        Returns
        -------
        ndarray
            ``Phi^-1`` of the largest probability, broadcast.
        """
        probit, radius = np.broadcast_arrays(
            np.asarray(probit, dtype=np.float64), np.asarray(radius, dtype=np.float64)
        )
        if self.norm == 2:
            if self.changes == 0:
                return self.numbers_law.grow(probit, radius)
            changed = self._changed(self.changes)
            grown = changed.grow_beside(
                np.atleast_1d(probit), np.atleast_1d(radius) / self.sigma
            )
            return grown.reshape(probit.shape)
        result = np.array(probit)
        whole = np.minimum(np.floor(radius) + self.changes, self.n_categorical)
        for changes in np.unique(whole[whole > 0]):
            at = whole == changes
            result[at] = self._changed(changes).grow(probit[at])
        return result

    def radius(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
    ) -> NDArray[np.float64]:
        """Radius within which a top class stays ahead of another class.

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
            With numbers, radii in units of `scale`, rounded down. Without, half more
            than the number of categories that may change, so that it is positive where
            the label itself holds: round it down. Negative where nothing holds.
        """
        if self.norm == 2 and self.changes == 0:
            return self.numbers_law.radius(
                probit_top, probit_other, weight_top, weight_other
            )
        top, other, log_odds = broadcast_odds(
            probit_top, probit_other, weight_top, weight_other
        )
        find = self._distance if self.norm == 2 else self._count
        return find(top.ravel(), other.ravel(), log_odds.ravel()).reshape(top.shape)

    def _distance(self, top, other, log_odds):
        distance = self._changed(self.changes).distance(top, other, log_odds)
        # Positive where a class leads as long as the numbers stay.
        radius = np.nextafter(self.sigma * distance, -np.inf)
        return np.where(distance >= 0, np.maximum(radius, np.finfo(float).tiny), radius)

    def _count(self, top, other, log_odds):
        result = np.full(top.shape, -1.0)
        at = np.arange(top.size)
        law = self.with_changes(0)
        for changes in range(self.n_categorical + 1):
            keeps = log_ndtr(-law.grow(-top[at], changes))
            gains = log_ndtr(law.grow(other[at], changes))
            at = at[leads(keeps, gains, log_odds[at])]
            if not at.size:
                break
            result[at] = changes + 0.5
        return result - min(self.changes, self.n_categorical)

    def frontier(
        self,
        probit_top: ArrayLike,
        probit_other: ArrayLike,
        weight_top: ArrayLike = 1.0,
        weight_other: ArrayLike = 1.0,
        *,
        changes: int,
    ) -> NDArray[np.float64]:
        """Radii of the numbers while 0, 1, ..., `changes` categories change.

        Parameters
        ----------
        probit_top, probit_other, weight_top, weight_other : array-like
            See `radius`.
        changes : int
            Most changed categories; more than there are count as all of them.

        Returns
        -------
        ndarray of shape (..., n + 1)
            With n the smaller of `changes` and `n_categorical`. Not increasing along
            the last axis; nan where nothing holds.
        """
        arguments = probit_top, probit_other, weight_top, weight_other
        radii = [
            self.with_changes(k).radius(*arguments)
            for k in range(min(changes, self.n_categorical) + 1)
        ]
        radii = np.minimum.accumulate(np.stack(radii, axis=-1), axis=-1)
        return np.where(radii > 0, radii, np.nan)

    @property
    def unit(self) -> float:
        """Radius that gives tolerances a scale: sigma, or one category."""
        return float(self.sigma) if self.norm == 2 else 1.0

    def terms(self) -> dict[str, Any]:
        """Return what certificates hold of the law; see `Law.terms`."""
        return {
            "probability": self.probability,
            "cardinalities": list(self.cardinalities),
        }

    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Not needed.

        Returns
        -------
        float
            That of the numbers; 0 if there are none.
        """
        if self.norm == 0:
            return 0.0
        return self.numbers_law.grid_slack(int(self._is_number.sum()))

    @cached_property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of the noise of each feature; 0 for categories."""
        unit = (
            np.ones(len(self.cardinalities))
            if self.scale is None
            else np.array(self.scale)
        )
        return np.where(self._is_number, self.sigma * unit, 0.0)

    def set_masses(self, contains: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Probability that a noisy category is one of a set; see `CategoricalLaw`."""
        drawn = self.probability * (np.sum(contains) / len(contains))
        return (1.0 - self.probability) * contains + drawn

    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Round numbers to the grid, and check categories.

        Parameters
        ----------
        X : array-like of shape (..., n_features)
            Samples, with categories as codes.

        Returns
        -------
        ndarray of float64 of the same shape

        Raises
        ------
        ValueError
            If a category is no code of its feature, or a number is too large for exact
            sums with the noise.
        """
        X = np.array(X, dtype=np.float64)
        n_categories = np.array(self.cardinalities)[~self._is_number]
        codes = X[..., ~self._is_number]
        known = (codes >= 0) & (codes < n_categories) & (codes == np.floor(codes))
        if not known.all():
            at = np.argwhere(~known)[0]
            feature = np.flatnonzero(~self._is_number)[at[-1]]
            raise ValueError(
                f"X holds {codes[tuple(at)]:g} in feature {feature}, which is none of "
                f"its {self.cardinalities[feature]} categories, 0 to "
                f"{self.cardinalities[feature] - 1}."
            )
        if self._is_number.any():
            X[..., self._is_number] = self.numbers_law.snap(X[..., self._is_number])
        return X

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
            The stream of the sample; it is advanced by ``out.size`` normal numbers.
        out : ndarray of shape (n_copies, n_features), C-contiguous float64
            It is overwritten with the copies.
        """
        stream.standard_normal(out=out)
        self.perturb_normals(np.broadcast_to(row, out.shape), out)

    def perturb_normals(
        self, rows: NDArray[np.float64], out: NDArray[np.float64]
    ) -> None:
        """Turn standard normal numbers into noisy copies; see `CategoricalLaw`."""
        drawn, n_categories, below = self._drawn
        normal = out[:, drawn]
        if self.norm == 2:
            add_noise(rows, out, self.deviation, rounder_of(self.grid))
        at, feature = np.nonzero(normal < below)
        new = self._new_categories(normal[at, feature], n_categories[feature])
        out[:, drawn] = rows[:, drawn]
        out[at, drawn[feature]] = new

    def _new_categories(self, normal, n_categories):
        """Codes in place of those that are drawn anew, by their normal numbers."""
        # Uniform once more.
        part = ndtr(normal) / self.probability
        return np.minimum(np.floor(part * n_categories), n_categories - 1)

    @cached_property
    def _drawn(self):
        """Positions of the categories, their numbers, and the normals that draw one."""
        drawn = np.flatnonzero(~self._is_number)
        n_categories = np.array(self.cardinalities, dtype=np.float64)[drawn]
        return drawn, n_categories, ndtri(self.probability)

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """Spacing of the grid of each feature; 1 for categories."""
        grid = np.ones(len(self.cardinalities))
        if self.norm == 2:
            grid[self._is_number] = self.numbers_law.grid
        return grid

    def described(self) -> dict[str, Any]:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON has.
        """
        described = super().described() | {
            "probability": self.probability,
            "cardinalities": list(self.cardinalities),
            "changes": int(self.changes),
        }
        if self.norm == 2:
            described["grid"] = self.grid[self._is_number].tolist()
        return (
            described
            if self.scale is None
            else described | {"noise_scale": list(self.scale)}
        )
