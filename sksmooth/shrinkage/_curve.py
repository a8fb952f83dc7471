# SPDX-License-Identifier: BSD-3-Clause
"""How each class fares as sigma grows, on any estimator and data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sksmooth._arguments import check_flag, check_option, real_numbers
from sksmooth._messages import listed
from sksmooth.certificates import (
    Certificates,
    check_radius,
    class_index,
    require_certificates,
)
from sksmooth.metrics import ClassTally
from sksmooth.metrics._scores import check_asked, check_rows, known_index
from sksmooth.shrinkage._smoothed_copy import (
    base_labels,
    frame,
    refuse_sigma,
    smoothed_copy,
    true_classes,
)

if TYPE_CHECKING:
    import pandas as pd

# Shares of the samples of a class, and shares of all samples.
_OF_CLASS = ("accuracy", "abstention_rate", "certified_accuracy", "base_accuracy")
_OF_ALL = ("predicted_share", "base_predicted_share")
_SCORES = (*_OF_CLASS, "average_certified_radius")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShrinkageCurve:
    """How each class fares at each sigma, as `shrinkage_curve` returns it.

    Parameters
    ----------
    sigmas : ndarray of shape (n_sigmas,)
        Standard deviations of the noise, in the order they were given.
    classes : ndarray of shape (n_classes,)
        The classes of the base classifier.
    tallies : dict of str to ClassTally
        Hits and samples behind each of the scores below, by name; their hits have shape
        (n_sigmas, n_classes), or (n_classes,) for the base classifier. A curve made
        from certificates has no scores of `predict`.
    radius : float
        Radius of `certified_accuracy`, in the units of X.
    alpha : float
        Probability, for each sample and sigma, that its certificate is wrong.
    """

    sigmas: np.ndarray
    classes: np.ndarray
    tallies: Mapping[str, ClassTally]
    radius: float
    alpha: float

    def __post_init__(self):
        for array in (self.sigmas, self.classes):
            array.setflags(write=False)

    @property
    def support(self) -> NDArray[np.int64]:
        """Number of samples of each class, of shape (n_classes,)."""
        return self.tallies["certified_accuracy"].support

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of the samples of a class that `predict` gets right; no abstention.

        Of shape (n_sigmas, n_classes); it is nan, as the others are, for a class
        without samples.
        """
        return self._share("accuracy")

    @property
    def predicted_share(self) -> NDArray[np.float64]:
        """Share of all samples that `predict` gives to a class; none abstains.

        Of shape (n_sigmas, n_classes).
        """
        return self._share("predicted_share")

    @property
    def abstention_rate(self) -> NDArray[np.float64]:
        """Share of the samples of a class for which `certify` abstains.

        Of shape (n_sigmas, n_classes).
        """
        return self._share("abstention_rate")

    @property
    def certified_accuracy(self) -> NDArray[np.float64]:
        """Share of the samples of a class that are right and certified within `radius`.

        An abstention is an error. Of shape (n_sigmas, n_classes).
        """
        return self._share("certified_accuracy")

    @property
    def average_certified_radius(self) -> NDArray[np.float64] | None:
        """Mean certified radius (ACR) of a class, 0 where wrong or abstained.

        Of shape (n_sigmas, n_classes); None unless requested.
        """
        if "average_certified_radius" not in self.tallies:
            return None
        return self._share("average_certified_radius")

    @property
    def base_accuracy(self) -> NDArray[np.float64]:
        """Accuracy of the base classifier without noise, of shape (n_classes,).

        Without noise nothing is certified, so it has no radius and no abstention.
        """
        return self._share("base_accuracy")

    @property
    def base_predicted_share(self) -> NDArray[np.float64]:
        """Share of all samples that the base classifier gives to a class."""
        return self._share("base_predicted_share")

    @classmethod
    def from_certificates(
        cls,
        y_true: ArrayLike,
        certificates: Sequence[Certificates],
        *,
        radius: float = 0.0,
        y_base: ArrayLike | None = None,
    ) -> ShrinkageCurve:
        """Make a curve from certificates of the same samples at several sigmas.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        certificates : sequence of Certificates
            One for each sigma, such as those of published logs.
        radius : float, default=0.0
            Radius of the certified accuracy; among the radii that were given to
            `certify`, if any were.
        y_base : array-like of shape (n_samples,), default=None
            Predictions of the base classifier without noise.

        Returns
        -------
        curve : ShrinkageCurve
            With `certified_accuracy`, `abstention_rate`, with `base_accuracy` if
            `y_base` is given, and with `average_certified_radius` if no radii were
            given to `certify`. Scores of `predict` are not known.

        Raises
        ------
        TypeError
            If `certificates` holds anything else.
        ValueError
            If there are none, two have the same sigma, classes or lengths differ, a
            label is unknown, or `radius` was not requested.
        """
        found = [certificates] if isinstance(certificates, Certificates) else None
        if found is None and not np.iterable(certificates):
            require_certificates(certificates)
        found = list(certificates) if found is None else found
        if not found:
            raise ValueError("certificates is empty; give those of at least one sigma.")
        for one in found:
            truth = known_index(check_rows(y_true, one), one)
            check_asked(one, radius)
            if not np.array_equal(one.classes, found[0].classes):
                raise ValueError(
                    f"certificates have different classes: {listed(one.classes)} and "
                    f"{listed(found[0].classes)}."
                )
        sigmas = _check_sigmas([one.sigma for one in found])
        if len(np.unique(sigmas)) < len(sigmas):
            raise ValueError(
                f"certificates must be of distinct sigmas, got {listed(sigmas)}."
            )
        classes = found[0].classes.copy()
        acr = all(one.radii is None for one in found)
        counted = [_count_certificates(one, truth, radius, acr) for one in found]
        hits = {name: np.stack([c[name] for c in counted]) for name in counted[0]}
        if y_base is not None:
            base = known_index(
                check_rows(y_base, found[0], "y_base"), found[0], "y_base"
            )
            hits["base_accuracy"] = _count(truth, classes, base == truth)
        support = np.bincount(truth, minlength=len(classes))
        return cls(
            sigmas=sigmas,
            classes=classes,
            tallies={
                name: ClassTally(
                    of_name, support, higher_is_better=name != "abstention_rate"
                )
                for name, of_name in hits.items()
            },
            radius=check_radius(radius),
            alpha=max(one.alpha for one in found),
        )

    def _share(self, name):
        if name not in self.tallies:
            raise ValueError(
                f"{name} was not measured: the curve was made from certificates. Use "
                "shrinkage_curve."
            )
        share = self.tallies[name].share
        share.setflags(write=False)
        return share

    def interval(self, score: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % Clopper-Pearson interval of a share, the samples being a sample.

        Points of one curve share their samples and their noise, so they differ by less
        than their intervals suggest.

        Parameters
        ----------
        score : str
            Name of a share: any array of this object but the average certified radius.

        Returns
        -------
        low, high : ndarray
            Of the shape of the share; nan where it is nan.

        Raises
        ------
        ValueError
            If `score` is not the name of a share.
        """
        check_option("score", score, _OF_CLASS + _OF_ALL)
        return self.tallies[score].interval

    def summary(self, score: str = "accuracy") -> dict[str, NDArray[np.float64]]:
        """Summarize a score over the classes that have samples.

        Parameters
        ----------
        score : {"accuracy", "abstention_rate", "certified_accuracy", \
                "base_accuracy", "average_certified_radius"}, default="accuracy"
            What to summarize.

        Returns
        -------
        dict of str to ndarray of shape (n_sigmas,)
            `overall`, the mean over samples; `worst` and `best` class, the worst being
            the one that abstains most; `range`, the largest minus the smallest. Numbers
            for "base_accuracy".

        Raises
        ------
        ValueError
            If `score` is unknown or was not requested.
        """
        check_option("score", score, _SCORES)
        if score not in self.tallies:
            raise ValueError(
                f"score={score!r} is not here; choose one of {', '.join(_SCORES)}, the "
                "last of them if shrinkage_curve was called with acr=True."
            )
        tally = self.tallies[score]
        return {
            "overall": tally.overall,
            "worst": tally.worst,
            "best": tally.best,
            "range": tally.range,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a tidy pandas DataFrame: one line for each sigma and class.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `sigma`, `class`, `support`, then each score; ``<score>_low`` and
            ``<score>_high`` are its interval. Scores of the base classifier are
            repeated for each sigma. `radius` and `alpha` are in ``frame.attrs``.
        """
        shape = self.certified_accuracy.shape
        columns = {
            "sigma": np.repeat(self.sigmas, shape[1]),
            "class": np.tile(self.classes, shape[0]),
            "support": np.tile(self.support, shape[0]),
        }

        def add(name, values):
            columns[name] = np.broadcast_to(values, shape).ravel()

        for name in (
            "base_accuracy",
            "accuracy",
            "certified_accuracy",
            "abstention_rate",
            "base_predicted_share",
            "predicted_share",
        ):
            if name not in self.tallies:
                continue
            add(name, getattr(self, name))
            low, high = self.interval(name)
            add(f"{name}_low", low)
            add(f"{name}_high", high)
        if self.average_certified_radius is not None:
            add("average_certified_radius", self.average_certified_radius)
        return frame(
            columns,
            "ShrinkageCurve.to_frame",
            {"radius": self.radius, "alpha": self.alpha},
        )

    def __repr__(self):
        return (
            f"ShrinkageCurve(n_sigmas={len(self.sigmas)}, "
            f"n_classes={len(self.classes)}, n_samples={self.support.sum()}, "
            f"radius={self.radius:g}, alpha={self.alpha:g})"
        )


def shrinkage_curve(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sigmas: ArrayLike,
    *,
    radius: float = 0.0,
    acr: bool = True,
    **params: Any,
) -> ShrinkageCurve:
    """Measure how each class fares as sigma grows, beside the base classifier.

    Decision regions of a smoothed classifier shrink as sigma grows, those of some
    classes before others, until they vanish [1]_. The curve shows it on samples of
    one's own. Nothing is fitted, and the noise of a sample is the same at all sigmas
    but for its scale, so that curves are smooth and differences between sigmas are
    sharp.

    Parameters
    ----------
    estimator : fitted classifier
        A `SmoothedClassifier`, whose sigma is left as it is, also at the end of a
        Pipeline, inside a search or with tuned vote weights, which then hold at all
        sigmas; or any other classifier, to be smoothed.
    X : array-like of shape (n_samples, n_features, ...)
        Samples, best ones that `estimator` was not fitted on.
    y : array-like of shape (n_samples,)
        Their true labels.
    sigmas : array-like of shape (n_sigmas,)
        Standard deviations of the noise, in the units of the X that is smoothed.
    radius : float, default=0.0
        Radius of the certified accuracy, in the same units.
    acr : bool, default=True
        Also measure the average certified radius. It takes ``certify(X)``, which
        finds the radius of each sample, instead of ``certify(X, radii=[0, radius])``,
        which costs several times fewer votes.
    **params : dict
        Parameters of `SmoothedClassifier` other than sigma, such as `n_certify`,
        `n_jobs` or, for a classifier that is not smoothed yet, `random_state`.

    Returns
    -------
    curve : ShrinkageCurve
        The scores of each class at each sigma.

    Raises
    ------
    ValueError
        If a sigma is not positive, `y` holds classes that the classifier does not know,
        or another value is out of range.
    TypeError
        If `estimator` is not a classifier.
    NotFittedError
        If `estimator` is not fitted.

    See Also
    --------
    vanishing_sigma : The sigma at which a class is gone.
    sksmooth.metrics.classwise_report : The same at one sigma, as a table.

    Notes
    -----
    At each sigma there is one call of `predict`, for accuracy and shares, and one of
    `certify`, for the rest.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden
       Cost of Randomized Smoothing", AISTATS 2021, sections 4 and 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth.shrinkage import shrinkage_curve
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = KNeighborsClassifier().fit(X[::2], y[::2])
    >>> curve = shrinkage_curve(clf, X[1::2], y[1::2], [0.1, 2.0], random_state=0)
    >>> curve.base_accuracy.round(2)
    array([1.  , 0.96, 1.  ])
    >>> curve.accuracy.round(2)
    array([[1.  , 0.96, 1.  ],
           [1.  , 0.92, 1.  ]])
    """
    refuse_sigma(params, "sigmas")
    sigmas = _check_sigmas(sigmas)
    radius = check_radius(radius)
    acr = check_flag("acr", acr)
    smoothed, X = smoothed_copy(estimator, X, params)
    classes = smoothed.classes_
    truth = true_classes(y, X, classes)
    hits: dict[str, list] = {}
    for sigma in sigmas.tolist():
        smoothed.set_params(sigma=sigma)
        found = _count_predictions(smoothed.predict(X), truth, classes)
        certificates = smoothed.certify(X, radii=None if acr else sorted({0.0, radius}))
        found |= _count_certificates(certificates, truth, radius, acr)
        for name, counts in found.items():
            hits.setdefault(name, []).append(counts)
    base = _count_predictions(base_labels(smoothed, X), truth, classes)
    counts = {name: np.stack(at_sigmas) for name, at_sigmas in hits.items()}
    counts |= {f"base_{name}": at_zero for name, at_zero in base.items()}

    support = np.bincount(truth, minlength=len(classes))
    n_samples = np.full(len(classes), len(truth))  # for shares of all samples
    return ShrinkageCurve(
        sigmas=sigmas,
        classes=classes.copy(),
        tallies={
            name: ClassTally(
                of_name,
                n_samples if name in _OF_ALL else support,
                higher_is_better=name != "abstention_rate",
            )
            for name, of_name in counts.items()
        },
        radius=radius,
        alpha=float(smoothed.alpha),
    )


def _count_predictions(labels, truth, classes):
    """Correct predictions of each class, and predictions as each class."""
    predicted = class_index(labels, classes)
    return {
        "accuracy": _count(truth, classes, predicted == truth),
        "predicted_share": np.bincount(predicted, minlength=len(classes)),
    }


def _count_certificates(certificates, truth, radius, acr):
    """What the certificates of the samples of each class add up to."""
    classes = certificates.classes
    right = class_index(certificates.label, classes) == truth
    counts = {
        "abstention_rate": _count(truth, classes, certificates.abstained),
        "certified_accuracy": _count(
            truth, classes, right & certificates.holds(radius)
        ),
    }
    if acr:
        radii = right * certificates.radius  # 0 where abstained
        counts["average_certified_radius"] = np.bincount(truth, radii, len(classes))
    return counts


def _count(truth, classes, mask):
    return np.bincount(truth[mask], minlength=len(classes))


def _check_sigmas(sigmas):
    """Return `sigmas` as a new 1-d array of positive floats."""
    given, needed = sigmas, "a sequence of numbers such as [0.25, 0.5]"
    sigmas = real_numbers("sigmas", given, needed)
    if sigmas.ndim != 1 or len(sigmas) == 0:
        raise ValueError(f"sigmas must be {needed}, got {given!r:.200}.")
    bad = ~(np.isfinite(sigmas) & (sigmas > 0))
    if bad.any():
        raise ValueError(
            f"sigmas must be finite and > 0, got {sigmas[bad][0]:g}. Leave 0 out: the "
            "base classifier is measured anyway."
        )
    return sigmas
