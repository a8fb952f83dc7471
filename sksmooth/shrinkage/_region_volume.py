# SPDX-License-Identifier: BSD-3-Clause
"""How large each class's decision region is in a box, base against smoothed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import qmc
from sklearn.utils import check_random_state

from sksmooth._arguments import check_whole_number, real_numbers
from sksmooth._estimators import frame_like
from sksmooth._messages import listed
from sksmooth._typing import RandomState
from sksmooth.certificates import class_index
from sksmooth.shrinkage._smoothed_copy import base_labels, frame, smoothed_copy

if TYPE_CHECKING:
    import pandas as pd

_MOST_FEATURES = 10
# All of them are held in memory.
_MOST_POINTS = 2**27


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegionVolume:
    """Share of a box that is each class's, as `region_volume` returns it.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes of the base classifier.
    base, smoothed : ndarray of shape (n_classes,)
        Volume of the class's decision region in the box over the volume of the box, for
        the base classifier and for the smoothed one; each sums to 1.
    change : ndarray of shape (n_classes,)
        `smoothed` minus `base`. Both are taken at the same points, so its error is
        smaller than theirs.
    base_error, smoothed_error, change_error : ndarray of shape (n_classes,)
        Standard errors, from the spread over independent scrambles.
    lower, upper : ndarray of shape (n_features,)
        Corners of the box.
    sigma : float
        Standard deviation of the noise.
    """

    classes: np.ndarray
    base: np.ndarray
    smoothed: np.ndarray
    change: np.ndarray
    base_error: np.ndarray
    smoothed_error: np.ndarray
    change_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    sigma: float

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one line for each class.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `class`, then `base`, `smoothed` and `change`, each followed by
            its ``_error``.
        """
        columns = {"class": self.classes}
        for name in ("base", "smoothed", "change"):
            columns[name] = getattr(self, name)
            columns[f"{name}_error"] = getattr(self, f"{name}_error")
        return frame(columns, "RegionVolume.to_frame", {"sigma": self.sigma})

    def __repr__(self):
        return (
            f"RegionVolume(classes={self.classes.tolist()}, "
            f"base={self.base.round(4).tolist()}, "
            f"smoothed={self.smoothed.round(4).tolist()}, sigma={self.sigma:g})"
        )


def region_volume(
    estimator: Any,
    bounds: tuple[ArrayLike, ArrayLike],
    *,
    n_points: int = 512,
    n_scrambles: int = 8,
    random_state: RandomState = None,
    **params: Any,
) -> RegionVolume:
    """Measure which share of a box is each class's, base against smoothed.

    Points are a scrambled Sobol sequence, which fills a box more evenly than random
    points do [1]_; independent scrambles give the error.

    Parameters
    ----------
    estimator : fitted classifier
        A `SmoothedClassifier`, also at the end of a Pipeline, inside a search or with
        tuned vote weights; or any other classifier, to be smoothed. It takes at most 10
        features.
    bounds : tuple (lower, upper) of floats or array-like of shape (n_features,)
        Opposite corners of the box, in the units of the X that `estimator` takes.
    n_points : int, default=512
        Points of a scramble, a power of 2. Each takes the votes of one `predict`.
    n_scrambles : int, default=8
        Number of independent scrambles, 2 or more.
    random_state : int, RandomState instance or None, default=None
        Seed of the scrambles, and of the noise if `estimator` is not smoothed yet.
    **params : dict
        Parameters of `SmoothedClassifier`, such as `sigma` or `n_predict`.

    Returns
    -------
    volume : RegionVolume
        The shares, with their errors.

    Raises
    ------
    ValueError
        If there are more than 10 features, in which points hardly meet a region, if
        features are held fixed, or if another value is out of range.
    TypeError
        If `estimator` is not a classifier.
    NotFittedError
        If `estimator` is not fitted.

    See Also
    --------
    ball_smoothed_radius : The exact value for a ball.

    Notes
    -----
    A point close to the boundary of the smoothed region may be counted on the wrong
    side, as its votes are close to a tie. The error includes it, as far as both sides
    balance.

    References
    ----------
    .. [1] A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing Points", Journal of
       Complexity 14 (1998).

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth.shrinkage import region_volume
    >>> X = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]
    >>> clf = KNeighborsClassifier(1).fit(X, ["in", "out", "out", "out", "out"])
    >>> volume = region_volume(clf, (-1, 1), sigma=0.4, random_state=0)
    >>> volume.base.round(2), volume.smoothed.round(2)
    (array([0.25, 0.75]), array([0.09, 0.91]))
    """
    n_points = check_whole_number("n_points", n_points, 2)
    n_scrambles = check_whole_number("n_scrambles", n_scrambles, 2)
    if n_points * n_scrambles > _MOST_POINTS:
        raise ValueError(
            f"n_points={n_points!r:.40} times n_scrambles={n_scrambles!r:.40} is more "
            f"than {_MOST_POINTS} points; use fewer."
        )
    if n_points & (n_points - 1):
        raise ValueError(
            f"n_points={n_points} must be a power of 2, or the Sobol points are not "
            f"balanced; take {2 ** round(np.log2(n_points))}."
        )
    rng = check_random_state(random_state)
    n_features = getattr(estimator, "n_features_in_", None)
    lower, upper = _check_bounds(bounds, n_features)
    seeds = rng.randint(np.iinfo(np.int32).max, size=n_scrambles)
    sequences = [qmc.Sobol(len(lower), scramble=True, seed=seed) for seed in seeds]
    points = np.concatenate([sequence.random(n_points) for sequence in sequences])
    points = lower + (upper - lower) * points
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        points = frame_like(points, names)

    if not hasattr(estimator, "certify"):
        params = {"random_state": rng, **params}
    smoothed, points = smoothed_copy(estimator, points, params)
    _refuse_fixed_features(smoothed)
    classes = smoothed.classes_

    def shares(labels):
        position = class_index(labels, classes).reshape(n_scrambles, n_points)
        return np.stack(
            [np.bincount(p, minlength=len(classes)) / n_points for p in position]
        )

    base = shares(base_labels(smoothed, points))
    after = shares(smoothed.predict(points))

    def error(values):
        return values.std(axis=0, ddof=1) / np.sqrt(n_scrambles)

    return RegionVolume(
        classes=classes.copy(),
        base=base.mean(axis=0),
        smoothed=after.mean(axis=0),
        change=(after - base).mean(axis=0),
        base_error=error(base),
        smoothed_error=error(after),
        change_error=error(after - base),
        lower=lower,
        upper=upper,
        sigma=float(smoothed.sigma),
    )


def _refuse_fixed_features(smoothed):
    scale = smoothed._scale()
    if scale is not None and not scale.all():
        names = getattr(smoothed, "feature_names_in_", np.arange(len(scale)))
        raise ValueError(
            "region_volume measures regions in all features, but the features "
            f"{listed(names[scale == 0])} are held fixed (noise_features="
            f"{smoothed.noise_features!r}, feature_scale={smoothed.feature_scale!r}). "
            "Use shrinkage_curve, on samples."
        )


def _check_bounds(bounds, n_features):
    """Return both corners of the box as arrays with an entry for each feature."""
    try:
        lower, upper = (real_numbers("bounds", corner) for corner in bounds)
        shape = np.broadcast_shapes(
            lower.shape, upper.shape, () if n_features is None else (n_features,)
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            "bounds must be (lower, upper), each a number or one for each of the "
            f"{n_features or ''} features, got {bounds!r}."
        ) from error
    if len(shape) != 1 or (n_features is not None and shape != (n_features,)):
        raise ValueError(
            f"bounds must give a box in {n_features or 'some'} features, got corners "
            f"of shapes {lower.shape} and {upper.shape}."
        )
    if shape[0] > _MOST_FEATURES:
        raise ValueError(
            f"the volume of a region is measured in up to {_MOST_FEATURES} features, "
            f"here are {shape[0]}. Use shrinkage_curve, on samples of data."
        )
    lower, upper = (np.array(np.broadcast_to(c, shape)) for c in (lower, upper))
    if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
        raise ValueError(f"bounds must be finite, got {bounds!r}.")
    if not (lower < upper).all():
        raise ValueError(f"bounds must have lower < upper, got {bounds!r}.")
    return lower, upper
