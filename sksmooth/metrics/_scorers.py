# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that certify: for `cross_validate`, `GridSearchCV` and their like."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from sksmooth._estimators import find_certifier
from sksmooth.certificates import check_radii, check_radius
from sksmooth.metrics._classwise_report import score_name
from sksmooth.metrics._scores import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
    check_average,
    spread,
)

_METRICS = ("certified_accuracy", "average_certified_radius", "neg_abstention_rate")


def _find_smoothed(estimator, X):
    """Return the smoothed classifier inside `estimator`, and X as it receives it."""
    found = find_certifier(estimator, "a certifying scorer")
    return found.core, found.transform(X)


class _CertifyingScorer:
    """What scikit-learn asks of a scorer about `sample_weight`.

    Not a subclass of its own scorers: those are private and know only `predict`,
    `predict_proba` and `decision_function`.
    """

    _weight_request: bool | str | None = None

    def _accept_sample_weight(self):
        # Asked by fit(sample_weight=...) of the searches, without metadata routing.
        return True

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Say whether `sample_weight` is to be passed on to this scorer.

        Only of use with ``enable_metadata_routing=True``.

        Parameters
        ----------
        sample_weight : bool, None or str
            True: pass it; False: do not; None: raise if it is given; str: pass what is
            given under that name.

        Returns
        -------
        self : object
            This scorer, changed.
        """
        self._weight_request = sample_weight
        self.get_metadata_routing()  # refuses a bad value now
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what this scorer requests, for scikit-learn's metadata routing.

        Returns
        -------
        routing : MetadataRequest
            Its method `score` requests `sample_weight`, or does not.
        """
        routing = MetadataRequest(owner=type(self).__name__)
        routing.score.add_request(param="sample_weight", alias=self._weight_request)
        return routing


class CertifiedScorer(_CertifyingScorer):
    """Score an estimator by one number from its certificates. Higher is better.

    Use it as ``scoring=CertifiedScorer(...)``. It finds the `SmoothedClassifier` at
    the end of a Pipeline and inside a fitted search, and certifies once per call.

    Parameters
    ----------
    metric : {"certified_accuracy", "average_certified_radius", \
            "neg_abstention_rate"}, default="certified_accuracy"
        What to score. The first and the last ask ``certify(X, radii=[radius])``, the
        cheap question; the average certified radius needs ``certify(X)``, which costs
        many times more.
    radius : float, default=0.0
        Radius for "certified_accuracy", in the units of the X that the smoothed
        classifier receives: behind a scaler, scaled units. The other metrics take
        none.
    average : {"micro", "macro", "worst", "range"}, default="micro"
        As in `certified_accuracy_score`. A range is better the smaller it is, so
        "range" returns minus the range.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    ClasswiseScorer : Scores of all classes from one call of `certify`.

    Examples
    --------
    >>> from sksmooth.metrics import CertifiedScorer
    >>> CertifiedScorer(radius=0.25, average="worst")
    CertifiedScorer('certified_accuracy', radius=0.25, average='worst')
    """

    def __init__(
        self,
        metric: str = "certified_accuracy",
        *,
        radius: float = 0.0,
        average: str = "micro",
    ) -> None:
        # Checked here: inside a search, an error would only become a nan.
        if metric not in _METRICS:
            raise ValueError(
                f"metric must be one of {', '.join(map(repr, _METRICS))}, got "
                f"{metric!r}."
            )
        check_average(average)
        if average is None:
            raise ValueError(
                "average=None gives one number per class, and a scorer returns one; "
                "use ClasswiseScorer."
            )
        self.metric = metric
        self.radius = check_radius(radius)
        self.average = average
        if self.radius > 0 and metric != "certified_accuracy":
            raise ValueError(
                f"metric={metric!r} has no radius, got radius={radius!r}; leave it at "
                "0.0."
            )

    def __repr__(self):
        return (
            f"CertifiedScorer({self.metric!r}, radius={self.radius}, "
            f"average={self.average!r})"
        )

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y_true: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Certify X once and score it.

        Parameters
        ----------
        estimator : object
            Fitted `SmoothedClassifier`, or a Pipeline or search that ends in one.
        X : array-like
            Rows, as `estimator` takes them.
        y_true : array-like of shape (n_rows,)
            True labels.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            More is better: where less of the metric is, its negative.
        """
        smoothed, X = _find_smoothed(estimator, X)
        keywords: dict[str, Any] = {
            "average": self.average,
            "sample_weight": sample_weight,
        }
        if self.metric == "average_certified_radius":
            score = average_certified_radius_score(
                y_true, smoothed.certify(X), **keywords
            )
            sign = 1
        else:
            certificates = smoothed.certify(X, radii=[self.radius])
            if self.metric == "certified_accuracy":
                score = certified_accuracy_score(
                    y_true, certificates, radius=self.radius, **keywords
                )
                sign = 1
            else:
                score = abstention_rate(y_true, certificates, **keywords)
                sign = -1
        if self.average == "range":
            sign = -1
        return sign * score + 0.0  # no -0.0


class ClasswiseScorer(_CertifyingScorer):
    """Score an estimator class by class, from one call of `certify`.

    Use it as ``GridSearchCV(..., scoring=ClasswiseScorer(), refit=
    "certified_accuracy_worst")``; `cv_results_` then has ``mean_test_<key>`` and so on
    for every key below. A dict of scorers would certify once per key; this certifies
    once, by ``certify(X, radii=radii)``. It finds the `SmoothedClassifier` at the end
    of a Pipeline and inside a fitted search.

    Parameters
    ----------
    radii : sequence of float, default=(0.0,)
        Radii of the certified accuracies, in the units of the X that the smoothed
        classifier receives: behind a scaler, scaled units.

    Raises
    ------
    ValueError
        If `radii` is empty, or holds a negative or infinite radius or one twice.

    See Also
    --------
    CertifiedScorer : One number, also of the average certified radius.

    Notes
    -----
    Higher is better for every key:

    - `certified_accuracy`: over rows, abstentions counting as errors. With several
      radii it is ``certified_accuracy_at_<radius>``, such as
      `certified_accuracy_at_0.25`, here and below;
    - `certified_accuracy_macro`, `certified_accuracy_worst`: the mean and the worst
      over the classes of the fold;
    - `neg_certified_accuracy_range`: worst class minus best class;
    - ``certified_accuracy_<label>`` for each label of ``classes_``, nan if the fold's
      test rows have none of it. Stratified folds, the default for classifiers, avoid
      this; `worst`, `macro` and `range` leave such a class out;
    - `neg_abstention_rate`: minus the share of rows without a certificate at the
      least radius asked.

    The average certified radius is not among them: `certify` is only asked at `radii`,
    from which it would be a lower bound that depends on the grid (0 at the default).

    Examples
    --------
    >>> from sksmooth.metrics import ClasswiseScorer
    >>> ClasswiseScorer(radii=(0.0, 0.25))
    ClasswiseScorer(radii=(0.0, 0.25))
    """

    def __init__(self, radii: Sequence[float] = (0.0,)) -> None:
        self.radii = check_radii(radii)
        self._names = [score_name(radius, len(self.radii)) for radius in self.radii]
        if len(set(self._names)) < len(self._names):
            raise ValueError(f"radii lie too close to be named apart: {self.radii}.")

    def __repr__(self):
        return f"ClasswiseScorer(radii={self.radii})"

    def __call__(
        self,
        estimator: Any,
        X: ArrayLike,
        y_true: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> dict[str, float]:
        """Certify X once and score it class by class.

        Parameters
        ----------
        estimator : object
            Fitted `SmoothedClassifier`, or a Pipeline or search that ends in one.
        X : array-like
            Rows, as `estimator` takes them.
        y_true : array-like of shape (n_rows,)
            True labels.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        scores : dict of str to float
            See the Notes of the class.

        Raises
        ------
        ValueError
            If `y_true` holds a class that `estimator` does not know, or a label would
            give its score the name of another.
        """
        smoothed, X = _find_smoothed(estimator, X)
        certificates = smoothed.certify(X, radii=list(self.radii))
        scores = []
        for radius, name in zip(self.radii, self._names, strict=True):
            keywords = {"radius": radius, "sample_weight": sample_weight}
            by_class = certified_accuracy_score(
                y_true, certificates, average=None, **keywords
            )
            worst, width = spread(by_class)
            scores += [
                (name, certified_accuracy_score(y_true, certificates, **keywords)),
                (f"{name}_macro", float(np.nanmean(by_class))),
                (f"{name}_worst", worst),
                (f"neg_{name}_range", 0.0 - width),
            ]
            # All classes known, not those of y_true: every fold must give these keys.
            scores += [
                (f"{name}_{label}", float(score))
                for label, score in zip(
                    certificates.classes.tolist(), by_class, strict=True
                )
            ]
        abstains = abstention_rate(y_true, certificates, sample_weight=sample_weight)
        scores.append(("neg_abstention_rate", 0.0 - abstains))
        unique = dict(scores)
        if len(unique) < len(scores):
            keys = [key for key, _ in scores]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise ValueError(
                f"two scores would both be named {twice}: a class has the name of "
                "another score. Rename the class in y."
            )
        return unique
