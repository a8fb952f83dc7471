# SPDX-License-Identifier: BSD-3-Clause
"""The sigma at which the last sample of a class is lost, on any estimator and data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sksmooth._arguments import check_between, real_numbers
from sksmooth._estimators import take_rows
from sksmooth.certificates import class_index
from sksmooth.samples import unit_values_of
from sksmooth.shrinkage._smoothed_copy import (
    base_labels,
    frame,
    refuse_sigma,
    smoothed_copy,
    true_classes,
)

if TYPE_CHECKING:
    import pandas as pd

_SCAN_RATIO = np.sqrt(2)
# A bracket that is narrower has no float inside.
_SMALLEST_TOL = 1e-14
_STATUS = {
    "vanishes": "vanishes at {sigma:.4g}, between {lower:.4g} and {upper:.4g}",
    "never": "never vanishes within the range: some are right at its end, {lower:.4g}",
    "below": "vanishes below the range: no sample is right at its start, {upper:.4g}",
    "base": "never right: the base classifier gets no sample right either",
    "empty": "has no samples",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VanishingSigma:
    """The sigma at which each class vanishes, as `vanishing_sigma` returns it.

    Print it for one sentence on each class.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes of the base classifier.
    sigma : ndarray of shape (n_classes,)
        Middle (geometric) of the bracket where `status` is "vanishes", else nan.
    lower, upper : ndarray of shape (n_classes,)
        The bracket. At `lower` at least one sample of the class is right; at `upper`,
        and at every sigma above it that was tried, none is. `lower` is 0 if no sigma
        that was tried has a right sample, and `upper` is inf if the largest has one.
        Both are 0 where `status` is "base", and nan where it is "empty".
    status : ndarray of str of shape (n_classes,)
        - "vanishes": the bracket lies within the range;
        - "never": samples of the class are right at the end of the range. Whether it
          vanishes beyond is not known;
        - "below": samples are right without noise, none at the start of the range;
        - "base": no sample is right at any sigma that was tried, nor without noise;
        - "empty": no sample is of this class.
    sigma_range : tuple of float
        The range that was searched.
    tol : float
        Largest ``upper / lower - 1`` where `status` is "vanishes".
    """

    classes: np.ndarray
    sigma: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    status: np.ndarray
    sigma_range: tuple[float, float]
    tol: float

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
            Columns `class`, `sigma`, `lower`, `upper`, `status`.
        """
        names = ("sigma", "lower", "upper", "status")
        columns = {"class": self.classes} | {
            name: getattr(self, name) for name in names
        }
        attrs = {"sigma_range": self.sigma_range, "tol": self.tol}
        return frame(columns, "VanishingSigma.to_frame", attrs)

    def __str__(self):
        low, high = self.sigma_range
        lines = [f"Searched sigma from {low:.4g} to {high:.4g}:"]
        for label, sigma, lower, upper, status in zip(
            self.classes.tolist(),
            self.sigma,
            self.lower,
            self.upper,
            self.status.tolist(),
            strict=True,
        ):
            text = _STATUS[status].format(sigma=sigma, lower=lower, upper=upper)
            lines.append(f"class {label!r} {text}")
        return "\n".join(lines)

    def __repr__(self):
        return (
            f"VanishingSigma(classes={self.classes.tolist()}, "
            f"sigma={self.sigma.round(4).tolist()}, status={self.status.tolist()})"
        )


def vanishing_sigma(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sigma_range: tuple[float, float] | None = None,
    tol: float = 0.01,
    **params: Any,
) -> VanishingSigma:
    """Find, for each class, the sigma past which no sample of it is predicted right.

    Bounded decision regions of a smoothed classifier vanish as sigma grows [1]_. What
    is found here is what a user meets: the sigma past which `predict` gets no sample of
    the class right any more.

    Whether any sample is right need not be monotone in sigma: a class may vanish and
    come back. So sigma is first lowered from the end of the range, by factors of
    sqrt(2), until a sample of the class is right, and then bisected between that sigma
    and the one before. The result is thus the *last* sigma at which the class vanishes,
    but for a class that comes back and is gone again between two sigmas that were
    tried.

    Parameters
    ----------
    estimator : fitted classifier
        A `SmoothedClassifier`, whose sigma is left as it is, also at the end of a
        Pipeline, inside a search or with tuned vote weights, which then hold at all
        sigmas; or any other classifier, to be smoothed.
    X : array-like of shape (n_samples, n_features, ...)
        Samples.
    y : array-like of shape (n_samples,)
        Their true labels.
    sigma_range : tuple of two floats, default=None
        Smallest and largest sigma to try, in the units of the X that is smoothed. None
        searches from ``s / (16 * sqrt(n_features))`` to ``4 * s``, where s is the root
        mean square distance of the samples from their mean.
    tol : float, default=0.01
        Width of the bracket to stop at, relative to sigma.
    **params : dict
        Parameters of `SmoothedClassifier` other than sigma, such as `n_predict`,
        `n_jobs` or, for a classifier that is not smoothed yet, `random_state`.

    Returns
    -------
    result : VanishingSigma
        Print it to read it.

    Raises
    ------
    ValueError
        If `sigma_range` or `tol` is out of range, or `y` holds classes that the
        classifier does not know.
    TypeError
        If `estimator` is not a classifier, or `sigma_range` holds no numbers.
    NotFittedError
        If `estimator` is not fitted.

    See Also
    --------
    ball_vanishing_sigma : The exact value for a ball.
    shrinkage_curve : How the class fares on the way.

    Notes
    -----
    Nothing is fitted, and the noise of a sample is the same at all sigmas but for its
    scale. The result is exact, up to the bracket, for the votes drawn; for the smoothed
    classifier itself it has their error. Near the vanishing sigma votes are close to a
    tie, and among many samples one may be right by luck: `n_predict` votes find the
    sigma at which the share of the class is within about ``2 / sqrt(n_predict)`` of a
    tie. Raise `n_predict` if that matters; only samples close to a tie take that many
    votes.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, Theorem 4.

    Examples
    --------
    One point at 0 between two of the other class: its region is (-1/2, 1/2), and
    smoothed it vanishes at sigma = 0.7413, up to the error of the votes.

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth.shrinkage import vanishing_sigma
    >>> X, y = [[-1.0], [0.0], [1.0]], ["outer", "middle", "outer"]
    >>> nearest = KNeighborsClassifier(1).fit(X, y)
    >>> print(vanishing_sigma(nearest, X, y, n_predict=50_000, random_state=0))
    Searched sigma from 0.05103 to 3.266:
    class 'middle' vanishes at 0.7387, between 0.7367 and 0.7407
    class 'outer' never vanishes within the range: some are right at its end, 3.266
    """
    refuse_sigma(params, "sigma_range")
    tol = check_between("tol", tol, _SMALLEST_TOL, np.inf)
    smoothed, X = smoothed_copy(estimator, X, params)
    classes = smoothed.classes_
    truth = true_classes(y, X, classes)
    low, high = _check_range(sigma_range, smoothed, X)

    def right(sigma, rows):
        """Those of `rows` that are predicted right at `sigma`."""
        smoothed.set_params(sigma=float(sigma))
        labels = smoothed.predict(take_rows(X, rows))
        return rows[class_index(labels, classes) == truth[rows]]

    lower, upper = np.zeros((2, len(classes)))
    survivors = {}  # by class: the samples that are right at its lower
    searched = np.flatnonzero(np.bincount(truth, minlength=len(classes)))
    above = np.inf
    for sigma in _scan(low, high):
        rows = np.flatnonzero(np.isin(truth, searched))
        alive = right(sigma, rows)
        for c in np.unique(truth[alive]).tolist():
            lower[c], upper[c] = sigma, above
            survivors[c] = alive[truth[alive] == c]
        searched = np.setdiff1d(searched, list(survivors))
        if not searched.size:
            break
        above = sigma

    for c, alive in survivors.items():
        others = np.setdiff1d(np.flatnonzero(truth == c), alive)
        while np.isfinite(upper[c]) and upper[c] / lower[c] > 1 + tol:
            middle = np.sqrt(lower[c]) * np.sqrt(upper[c])
            # Most likely one of the samples that were right below is; if not, any
            # other.
            found = right(middle, alive)
            if not found.size and others.size:
                found = right(middle, others)
            if found.size:
                lower[c] = middle
                alive = found
                others = np.setdiff1d(np.flatnonzero(truth == c), alive)
            else:
                upper[c] = middle

    status = np.full(len(classes), "vanishes")
    status[np.isinf(upper)] = "never"
    base_right = class_index(base_labels(smoothed, X), classes) == truth
    for c in searched:
        some = base_right[truth == c].any()
        status[c], upper[c] = ("below", low) if some else ("base", 0.0)
    empty = np.bincount(truth, minlength=len(classes)) == 0
    status[empty] = "empty"
    lower[empty] = upper[empty] = np.nan
    return VanishingSigma(
        classes=classes.copy(),
        sigma=np.where(status == "vanishes", np.sqrt(lower) * np.sqrt(upper), np.nan),
        lower=lower,
        upper=upper,
        status=status,
        sigma_range=(low, high),
        tol=tol,
    )


def _scan(low, high):
    """Sigmas from `high` down to `low`, at most a factor of `_SCAN_RATIO` apart."""
    steps = int(np.ceil((np.log(high) - np.log(low)) / np.log(_SCAN_RATIO) - 1e-9))
    return np.geomspace(high, low, steps + 1)


def _check_range(sigma_range, smoothed, X):
    if sigma_range is None:
        samples, _ = smoothed._rows_and_frames(X)
        rows = unit_values_of(samples)
        scale = np.sqrt(np.nanvar(rows, axis=0).sum())
        if not scale > 0:
            raise ValueError(
                "all samples of X are equal: there is no scale to choose sigma_range "
                "from; give sigma_range=(smallest, largest)."
            )
        return float(scale / (16 * np.sqrt(rows.shape[1]))), float(4 * scale)
    needed = "two numbers such as (0.1, 2.0)"
    limits = real_numbers("sigma_range", sigma_range, needed)
    if limits.shape != (2,):
        raise ValueError(f"sigma_range must be {needed}, got {sigma_range!r:.200}.")
    low, high = limits.tolist()
    if not 0 < low < high < np.inf:
        raise ValueError(
            "sigma_range must be 0 < smallest < largest, both finite, got "
            f"{sigma_range!r:.200}."
        )
    return low, high
