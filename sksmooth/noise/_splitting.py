# SPDX-License-Identifier: BSD-3-Clause
"""Splitting: each feature is replaced by the middle of a random cell around it, l1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._arguments import check_flag, real_numbers
from sksmooth._special import bisect_integers
from sksmooth.noise._abilities import EnumerableLaw
from sksmooth.noise._grid import GridLaw
from sksmooth.noise._total_variation import TotalVariationLaw

_WIDTH_OF_SIGMA = 2 * math.sqrt(3)
# Largest difference from a whole number, in units of `scale`, that is rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Splitting(TotalVariationLaw, GridLaw, EnumerableLaw):
    """Splitting noise: the line of each feature is cut into cells at random places.

    All cells of a feature are equally wide, and all features are cut by one random
    number. A noisy copy holds the middle of the cell that each feature lies in. For one
    feature alone this is uniform noise.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise of a feature, in units of `scale`. Cells are
        ``2 * sqrt(3) * sigma`` wide.
    norm : {1}, default=None
        Order of the norm in which radii are measured.
    n_features : int, default=None
        Number of noisy values in a sample; not needed.
    scale : array-like of shape (n_features,), default=None
        Unit of each noisy value; None is 1.
    low, high : array-like of shape (n_features,), default=None
        Range of each feature. A value outside counts as the end next to it, and a cell
        that reaches outside is cut off, so that its middle lies inside. Certificates
        hold without any assumption about the range of samples. None is no limit.
    whole : bool, default=False
        Whether every value is a whole multiple of its unit. Cells are then a whole
        number of units wide (``2 * sqrt(3) * sigma``, rounded), there are as many
        copies of a sample as a cell has units, and `enumerate` lists all of them: votes
        need no sampling, and certificates hold for all samples of whole multiples.

    Raises
    ------
    ValueError
        If sigma is not positive, or beyond what floating point can hold, or gives whole
        cells of less than two units; if `norm` is another; or if `low` and `high` are
        no ranges.

    Notes
    -----
    Two samples have different copies only if some feature is cut between them, which
    has probability ``|delta_i| / width`` at most for each, whatever the places of the
    other cuts. Where in its cell each feature lies at the start is drawn once, with a
    fixed seed.

    References
    ----------
    .. [1] A. Levine, S. Feizi, "Improved, Deterministic Smoothing for L1 Certified
       Robustness", ICML 2021.

    Examples
    --------
    Grades from 0 to 10 in cells of four: there are four copies of a sample. One cell
    reaches below 0 and is cut off there.

    >>> from sksmooth.noise import Splitting
    >>> law = Splitting.of_width(4, low=[0.0], high=[10.0], whole=True)
    >>> law.enumerate([3.0]).ravel()
    array([3.5 , 4.5 , 1.75, 2.5 ])
    """

    low: Any = None  # a tuple of floats, or None
    high: Any = None
    whole: bool = False
    name: ClassVar[str] = "splitting"
    norms: ClassVar[tuple[float, ...]] = (1,)
    _reach = 4.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("low", "high"):
            value = getattr(self, name)
            if value is not None:
                value = real_numbers(name, value, "a list of numbers")
                if value.ndim != 1 or np.isnan(value).any():
                    raise ValueError(
                        f"{name}={getattr(self, name)!r} must be a list of numbers, "
                        "one for each feature."
                    )
                object.__setattr__(self, name, tuple(value.tolist()))
        if self.low is not None and self.high is not None:
            if len(self.low) != len(self.high):
                raise ValueError(
                    f"low has {len(self.low)} values and high has {len(self.high)}; "
                    "both need one for each feature."
                )
            if np.any(np.greater(self.low, self.high)):
                at = int(np.argmax(np.greater(self.low, self.high)))
                raise ValueError(
                    f"low={self.low[at]:g} exceeds high={self.high[at]:g} at feature "
                    f"{at}."
                )
        if (
            check_flag("whole", self.whole)
            and np.rint(_WIDTH_OF_SIGMA * self.sigma) < 2
        ):
            raise ValueError(
                f"sigma={self.sigma:g} makes cells of less than two units, which "
                "change nothing: noise='splitting' on whole numbers needs sigma >= "
                f"{2 / _WIDTH_OF_SIGMA:.3g} in units of the features' scale."
            )

    @classmethod
    def of_width(cls, width: float, **parameters: Any) -> Splitting:
        """Return the law with cells of a width.

        Parameters
        ----------
        width : float
            Width of the cells, in units of `scale`.
        **parameters : dict
            Parameters other than sigma.

        Returns
        -------
        Splitting
        """
        return cls(width / _WIDTH_OF_SIGMA, **parameters)

    @cached_property
    def grid(self) -> float | NDArray[np.float64]:
        """Spacing of the grid that samples are rounded to: the unit of whole values."""
        if not self.whole:
            return super().grid
        return 1.0 if self.scale is None else np.array(self.scale)

    @cached_property
    def n_places(self) -> int | NDArray[np.int64]:
        """Width of the cells, in points of the grid: the places where they may start.

        One number for all features, or one for each.
        """
        if self.whole:
            return round(_WIDTH_OF_SIGMA * self.sigma)
        places = np.floor(_WIDTH_OF_SIGMA * self.deviation / self.grid)
        return int(places) if self.scale is None else places.astype(np.int64)

    @cached_property
    def width(self) -> float:
        """Width of the cells, in units of `scale`; of the narrowest ones."""
        if self.whole:
            return float(self.n_places)
        units = 1.0 if self.scale is None else np.array(self.scale)
        return float(np.min(self.n_places * self.grid / units))

    def grid_slack(self, n_features: int) -> float:
        """Radius given up so that certificates also hold between grid points.

        Parameters
        ----------
        n_features : int
            Number of noisy values in a sample.

        Returns
        -------
        float
            0 for whole values.
        """
        return 0.0 if self.whole else super().grid_slack(n_features)

    def distance(self, radius: ArrayLike) -> NDArray[np.float64]:
        """Largest total variation distance at a radius.

        Parameters
        ----------
        radius : array-like
            Radii, not negative.

        Returns
        -------
        ndarray
            In [0, 1], increasing.
        """
        radius = np.asarray(radius, dtype=np.float64)
        return np.minimum(radius / self.width, 1.0)

    def _radius_of(self, distance):
        return self.width * distance * (1 - 2.0**-50)

    def snap(self, X: ArrayLike) -> NDArray[np.float64]:
        """Round samples to the grid.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.

        Returns
        -------
        ndarray of float64 of the same shape
            The nearest points of the grid; missing values stay missing.

        Raises
        ------
        ValueError
            If a value is so large against sigma that the middle of its cell cannot be
            exact in float64, or is not whole where all have to be.
        """
        X = np.asarray(X, dtype=np.float64)
        snapped = super().snap(X)
        if self.whole:
            uneven = np.abs(X - snapped) > _ROUNDING * np.asarray(self.grid)
            if uneven.any():
                raise ValueError(
                    f"X holds the value {X[uneven].flat[0]:g}, which is not a whole "
                    "multiple of its unit, as the values are that noise='splitting' "
                    "was fitted on: certificates hold for such samples only. Round X, "
                    "or fit with the finest unit as feature_scale."
                )
        return snapped

    @property
    def n_copies(self) -> int | None:
        """Number of noisy copies that `enumerate` lists; None unless `whole`."""
        return int(self.n_places) if self.whole else None

    def enumerate(self, row: ArrayLike) -> NDArray[np.float64]:
        """All noisy copies of a sample, equally likely.

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
            Unless `whole`: there are too many.
        """
        if self.n_copies is None:
            return super().enumerate(row)
        row = np.asarray(row, dtype=np.float64)
        return self._split(row, np.arange(self.n_copies)[:, np.newaxis])

    def perturb(
        self,
        row: NDArray[np.float64],
        stream: np.random.Generator,
        out: NDArray[np.float64],
    ) -> None:
        """Fill `out` with noisy copies of a snapped sample.

        Parameters
        ----------
        row : ndarray of shape (n_features,) or (n_copies, n_features)
            A sample as returned by `snap`, or one for each copy.
        stream : numpy.random.Generator
            The stream of the sample; it is advanced by one number for each copy.
        out : ndarray of shape (n_copies, n_features), C-contiguous float64
            It is overwritten with the copies.
        """
        start = np.floor(stream.random(len(out))[:, np.newaxis] * self.n_places)
        out[:] = self._split(row, start)

    def _split(self, row, start):
        """Middles of the cells around a sample, one copy for each start."""
        places, grid = self.n_places, self.grid
        # Where each feature lies at the start; any fixed numbers will do.
        shift = np.floor(np.random.default_rng(0).random(row.shape[-1]) * places)
        # In points of the grid, with cuts halfway between them: all of it is exact.
        low, high = (
            np.rint(np.asarray(end) / grid) if end is not None else limit
            for end, limit in ((self.low, -np.inf), (self.high, np.inf))
        )
        point = np.clip(np.rint(row / grid), low, high)
        cut = (start + shift) % places - 0.5
        left = np.floor((point - cut) / places) * places + cut
        middle = np.maximum(left, low) + np.minimum(left + places, high)
        return 0.5 * middle * grid

    def counted_radius(
        self,
        counts: ArrayLike,
        label: ArrayLike,
        weights: ArrayLike | None = None,
    ) -> NDArray[np.int64]:
        """Largest whole distance at which counts of all copies keep their leader.

        Parameters
        ----------
        counts : array-like of int of shape (n_samples, n_classes)
            Votes of all copies that `enumerate` lists.
        label : array-like of int of shape (n_samples,)
            Position of the class that leads the vote; the first one of equals.
        weights : array-like of shape (n_classes,), default=None
            Vote weights.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            Radii in l1, in units of `scale`: every whole sample within has the same
            label.

        Notes
        -----
        A step of one unit puts at most one copy elsewhere, so that at distance r the
        leader has at least ``n_A - r`` votes, and another class at most ``n_B + r``.
        Products with weights are compared as they are rounded, which is how the leader
        is found.
        """
        counts = np.asarray(counts, dtype=np.int64)
        label = np.asarray(label)
        n_samples, n_classes = counts.shape
        factor = np.ones(n_classes, np.int64) if weights is None else weights
        factor = np.asarray(factor)
        rows, classes = np.arange(n_samples), np.arange(n_classes)

        def stays(radius, at):
            top = label[at][:, np.newaxis]
            keeps = (counts[at, label[at]] - radius)[:, np.newaxis] * factor[top]
            gains = (counts[at] + radius[:, np.newaxis]) * factor
            ahead = np.where(top < classes, keeps >= gains, keeps > gains)
            return (ahead | (top == classes)).all(axis=1)

        return bisect_integers(
            stays, np.zeros(n_samples, np.int64), counts[rows, label] + 1
        )

    def terms(self) -> dict[str, Any]:
        """Return what certificates hold of the law; see `Law.terms`.

        Returns
        -------
        dict
            Of types that JSON knows.
        """
        return super().terms() | {"whole": self.whole}

    def described(self) -> dict[str, Any]:
        """Return all that defines the law.

        Returns
        -------
        dict
            Of types that JSON has.
        """
        ends = {"low": self.low, "high": self.high}
        return super().described() | {
            "whole": self.whole,
            **{k: None if v is None else list(v) for k, v in ends.items()},
        }
