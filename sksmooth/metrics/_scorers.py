# SPDX-License-Identifier: BSD-3-Clause
"""Scorers that certify: for `cross_validate`, `GridSearchCV` and their like."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from sksmooth._arguments import check_option
from sksmooth._estimators import find_certifier
from sksmooth.certificates import (
    check_radii,
    check_radius,
    describe_unknown,
    unknown_classes,
)
from sksmooth.metrics._classwise_report import score_name
from sksmooth.metrics._scores import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
    certified_accuracy_tally,
    check_average,
    check_rows,
)

_FUNCTIONS = {
    "certified_accuracy": certified_accuracy_score,
    "average_certified_radius": average_certified_radius_score,
    "neg_abstention_rate": abstention_rate,
}
_METRICS = tuple(_FUNCTIONS)
_LESS_IS_BETTER = ("range", "gini")


def _find_smoothed(estimator, X):
    """Return the smoothed classifier inside `estimator`, and X as it receives it."""
    found = find_certifier(estimator, "certification")
    return found.core, found.transform(X)


def _all_labels(y_true, certificates):
    """Return the classes to score; warn of those that the classifier does not have.

    A training fold may lack a rare class that the test fold has. Its samples count as
    errors, as they do in the accuracy.
    """
    y_true = check_rows(y_true, certificates)
    classes = certificates.classes.tolist()
    unknown = unknown_classes(y_true, classes)
    if unknown:
        warnings.warn(
            describe_unknown(unknown, classes, "y_true")
            + " It was fitted without them, so that none of their samples can be "
            "correct.",
            UserWarning,
            stacklevel=3,
        )
    return [*classes, *unknown]


class _CertifyingScorer:
    """What scikit-learn requires of a scorer about `sample_weight`.

    Not a subclass of its own scorers: those are private and call only `predict`,
    `predict_proba` and `decision_function`.
    """

    _weight_request: bool | str | None = None

    def _accept_sample_weight(self):
        # Called by fit(sample_weight=...) of the searches, without metadata routing.
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
        What to score. The first and the last call ``certify(X, radii=[radius])``, the
        cheap question; the average certified radius needs ``certify(X)``, which costs
        many times more.
    radius : float, default=0.0
        Radius for "certified_accuracy", in the units of the X that the smoothed
        classifier receives: behind a scaler, scaled units. The other metrics take
        none.
    average : {"micro", "macro", "worst", "range", "gini"}, default="micro"
        As in `certified_accuracy_score`. A range is better the smaller it is, so
        "range" returns minus the range, and "gini" minus the Gini coefficient.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    ClasswiseScorer : Scores of all classes from one call of `certify`.

    Notes
    -----
    Samples of a class that the classifier was fitted without, as a training fold may
    lack a rare class, count as errors, and a warning names the class.

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
        check_option("metric", metric, tuple(_METRICS))
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

    @property
    def __name__(self) -> str:
        """Name for the axes of scikit-learn's displays."""
        at = f"_at_{self.radius:.12g}" if self.metric == _METRICS[0] else ""
        average = "" if self.average == "micro" else f"_{self.average}"
        name = f"{self.metric}{at}{average}"
        negated = self.average in _LESS_IS_BETTER and not name.startswith("neg_")
        return f"neg_{name}" if negated else name

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
            Samples, as `estimator` takes them.
        y_true : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            More is better: where less of the metric is, its negative.
        """
        smoothed, X = _find_smoothed(estimator, X)
        every_radius = self.metric == "average_certified_radius"
        certificates = smoothed.certify(
            X, radii=None if every_radius else [self.radius]
        )
        keywords = {"radius": self.radius} if self.metric == _METRICS[0] else {}
        score = _FUNCTIONS[self.metric](
            y_true,
            certificates,
            average=self.average,
            labels=_all_labels(y_true, certificates),
            sample_weight=sample_weight,
            **keywords,
        )
        less_is_better = (
            self.average in _LESS_IS_BETTER or self.metric == "neg_abstention_rate"
        )
        return (-score if less_is_better else score) + 0.0  # no -0.0


class _FoldScores(dict):
    """Scores of one fold: nan for a class that only another fold has.

    scikit-learn looks up the keys of the first fold in those of all folds.
    """

    def __missing__(self, key):
        if isinstance(key, str) and key.startswith("certified_accuracy"):
            return np.nan
        raise KeyError(key)


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
    classes : array-like of shape (n_classes,), default=None
        All classes of `y`. Needed only where some class may be in neither part of a
        fold, as it may where folds are small parts of the data: scikit-learn reports
        the keys of the first fold.

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

    - `certified_accuracy`: over samples, abstentions counting as errors. With several
      radii it is ``certified_accuracy_at_<radius>``, such as
      `certified_accuracy_at_0.25`, here and below;
    - `certified_accuracy_macro`, `certified_accuracy_worst`: the mean and the worst
      over the classes of the fold;
    - `neg_certified_accuracy_range`: worst class minus best class;
    - ``certified_accuracy_<label>`` for each label of ``classes_``, of `classes` and
      of the fold's test samples; nan if the test samples have none of it. Stratified
      folds, the default for classifiers, avoid this; `worst`, `macro` and `range` leave
      such a class out. Samples of a class that the classifier was fitted without, as a
      training fold may lack a rare class, count as errors, and a warning names the
      class;
    - `neg_abstention_rate`: minus the share of samples without a certificate at the
      smallest of `radii`.

    The average certified radius is not among them: `certify` is only called for
    `radii`, from which it would be a lower bound that depends on the grid (0 at the
    default).

    Examples
    --------
    >>> from sksmooth.metrics import ClasswiseScorer
    >>> ClasswiseScorer(radii=(0.0, 0.25))
    ClasswiseScorer(radii=(0.0, 0.25))
    """

    def __init__(
        self, radii: Sequence[float] = (0.0,), *, classes: ArrayLike | None = None
    ) -> None:
        self.radii = check_radii(radii)
        if classes is not None and np.ndim(classes) != 1:
            raise ValueError(
                f"classes must be a list of classes, got {classes!r:.200}."
            )
        self.classes = None if classes is None else np.asarray(classes).tolist()
        self._names = [score_name(radius, len(self.radii)) for radius in self.radii]
        if len(set(self._names)) < len(self._names):
            raise ValueError(f"radii lie too close to be named apart: {self.radii}.")

    def __repr__(self):
        classes = "" if self.classes is None else f", classes={self.classes}"
        return f"ClasswiseScorer(radii={self.radii}{classes})"

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
            Samples, as `estimator` takes them.
        y_true : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        scores : dict of str to float
            See the Notes of the class.

        Raises
        ------
        ValueError
            If a label would give its score the name of another.
        """
        smoothed, X = _find_smoothed(estimator, X)
        certificates = smoothed.certify(X, radii=list(self.radii))
        labels = _all_labels(y_true, certificates)
        scores = []
        for radius, name in zip(self.radii, self._names, strict=True):
            tally = certified_accuracy_tally(
                y_true,
                certificates,
                radius,
                labels=labels,
                sample_weight=sample_weight,
            )
            scores += [
                (name, tally.overall),
                (f"{name}_macro", tally.macro),
                (f"{name}_worst", tally.worst),
                (f"neg_{name}_range", 0.0 - tally.range),
            ]
            by_class = dict.fromkeys(self.classes or [], np.nan)
            by_class |= zip(labels, tally.share.tolist(), strict=True)
            scores += [(f"{name}_{label}", score) for label, score in by_class.items()]
        abstains = abstention_rate(
            y_true, certificates, labels=labels, sample_weight=sample_weight
        )
        scores.append(("neg_abstention_rate", 0.0 - abstains))
        unique = _FoldScores(scores)
        if len(unique) < len(scores):
            keys = [key for key, _ in scores]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            raise ValueError(
                f"two scores would both be named {twice}: a class has the name of "
                "another score. Rename the class in y."
            )
        return unique
