# SPDX-License-Identifier: BSD-3-Clause
"""Prediction sets from one noisy copy of each sample, robust within a radius."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, Self

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from sksmooth._compat import (
    DocumentationLink,
    HasMethods,
    Interval,
    Options,
    StrOptions,
    _fit_context,
    refuse_fit_params,
)
from sksmooth._estimators import refuse_class
from sksmooth._messages import listed
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth._typing import RandomState
from sksmooth.certificates import refuse_masked, require_known
from sksmooth.conformal._calibration import (
    conformal_threshold,
    needed_samples,
    required_coverage,
)
from sksmooth.conformal._scores import SCORES
from sksmooth.noise import LAWS, Stage, row_streams
from sksmooth.noise._copies import fill_copies
from sksmooth.samples import Table, digests_of, shown, values_of
from sksmooth.votes import NoisyFeatures

# What the calibration depends on; changed later, the thresholds are those of another
# question.
_CALIBRATED = (
    "sigma",
    "radius",
    "confidence_level",
    "noise",
    "norm",
    "noise_features",
    "feature_scale",
    "class_conditional",
    "conformity_score",
)


def _estimator_has(name):
    """Whether the fitted estimator, or before `fit` the given one, has `name`."""

    def check(self):
        smoothed = getattr(self, "smoothed_", None)
        return hasattr(
            self.estimator if smoothed is None else smoothed.estimator_, name
        )

    return check


class RobustConformalClassifier(
    DocumentationLink, NoisyFeatures, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Prediction sets that cover the true class after any change within a radius.

    A prediction set holds the classes whose nonconformity score, on one noisy copy of
    the sample, is at most a threshold. The threshold is learned in `conformalize`, from
    samples that the classifier was not fitted on, one noisy copy of each [1]_. For a
    new sample from the distribution of those samples,

    .. math:: P(y \in C(x + \delta)) \ge \mathrm{confidence\_level}
       \quad \text{for each } \|\delta\| \le \mathrm{radius},

    whatever the classifier is. With `noise_features` and `feature_scale` the norm is
    that of :math:`\delta / \mathrm{scale}` over the features that take noise, and
    :math:`\delta` is zero in all others. The price of a radius is the size of the sets,
    which is higher for some classes than for others: see :func:`prediction_set_report`.

    **The coverage is marginal**: an average over samples of all classes, over
    calibration samples and over the noise. A class may be covered less often, unless
    ``class_conditional=True``, and so may a part of the samples; one calibration set
    may be an unlucky one. And `delta` must be chosen without knowing the noise: an
    attacker may know the data, the fitted base classifier and the law of the noise, but
    neither the seed nor the sets that this very object gives to changed samples. Leave
    `random_state` None where that matters.

    Parameters
    ----------
    estimator : classifier
        The base classifier, with `predict_proba`. It is fitted without noise: wrap it
        in :class:`~sksmooth.training.NoiseAugmentedClassifier` for smaller sets, or in
        :class:`~sklearn.frozen.FrozenEstimator` if it is fitted already.

    sigma : float
        Standard deviation of the noise, in each feature, in the units of `X` or of
        `feature_scale`.

    radius : float, default=0.0
        Largest change that the sets allow for, in `norm`, and in the units of `X` or of
        `feature_scale`. 0 is conformal prediction on noisy copies.

    confidence_level : float, default=0.9
        Coverage after a change, in (0, 1).

    noise : {"gaussian", "laplace", "uniform", "splitting"}, default="gaussian"
        Law of the noise, as in :class:`~sksmooth.SmoothedClassifier`.

    norm : {1, 2, inf} or None, default=None
        Norm of the change; None is the law's own. Gaussian noise has l2, and by
        inclusion l1 and l-infinity; Laplace noise l1.

    noise_features : names, indices, bool mask, slice, callable or None, default=None
        The features that take noise; None is all of them. All others are held fixed:
        they reach the base classifier exactly as they come, of any dtype, missing
        values included, and coverage is that after a change which leaves them as they
        are. A callable is given the training samples and returns names, as
        :func:`~sklearn.compose.make_column_selector` does.

    feature_scale : "std", dict, array-like of shape (n_features,) or None, default=None
        The unit of each feature, as in :class:`~sksmooth.SmoothedClassifier`: the noise
        of feature j has the standard deviation ``sigma * scale[j]``, and `radius` is in
        norms of ``delta / scale`` over the features that take noise. "std" takes the
        standard deviations of the training samples. A feature of scale 0 is held fixed.

    class_conditional : bool, default=False
        Calibrate each class on its own samples, so that `confidence_level` holds for
        each class [3]_. It takes as many calibration samples of each class as are
        otherwise needed in all.

    conformity_score : {"lac", "aps"}, default="lac"
        The nonconformity score. "lac" is one minus its probability, which gives the
        smallest sets on average [2]_; "aps" the sum of the probabilities that are at
        least its own [4]_, without randomization.

    random_state : int, RandomState instance or None, default=None
        Determines the key that noise is derived from, drawn once in `fit`: the same
        fitted object gives the same set for a sample each time. If not None, it also
        seeds the `random_state` parameters of `estimator` that are None.

    Attributes
    ----------
    smoothed_ : SmoothedClassifier
        What holds the fitted base classifier (`smoothed_.estimator_`), the law and the
        key of the noise.

    classes_ : ndarray of shape (n_classes,)
        The classes, in the order of the columns of the sets.

    feature_scale_ : ndarray of shape (n_features,) or None
        The unit of each feature, 0 where it is held fixed; None where neither
        `noise_features` nor `feature_scale` is given.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if they all were strings.

    calibrated_coverage_ : float
        Coverage without a change that `confidence_level` at `radius` takes: b with
        :math:`1 - G(1 - b, r) =` `confidence_level`, which for Gaussian noise in l2 is
        :math:`\Phi(\Phi^{-1}(\mathrm{confidence\_level}) + r / \sigma)`. Set by
        `conformalize`, as what follows.

    thresholds_ : ndarray of shape (n_classes,)
        Largest score with which a class is in a set; infinity if it is in all sets.

    n_calibration_ : ndarray of int of shape (n_classes,)
        Number of calibration samples of each class.

    See Also
    --------
    prediction_set_report : Coverage and set size of each class.
    sksmooth.SmoothedClassifier : Certifies a single label instead.

    References
    ----------
    .. [1] S. H. Zargarbashi, M. S. Akhondzadeh, A. Bojchevski, "One Sample is Enough to
       Make Conformal Prediction Robust", NeurIPS 2025, arXiv:2506.16553 (RCP1).
    .. [2] M. Sadinle, J. Lei, L. Wasserman, "Least Ambiguous Set-Valued Classifiers
       With Bounded Error Levels", Journal of the American Statistical Association 114
       (2019).
    .. [3] V. Vovk, "Conditional Validity of Inductive Conformal Predictors", ACML 2012.
    .. [4] Y. Romano, M. Sesia, E. Candes, "Classification with Valid and Adaptive
       Coverage", NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sksmooth.conformal import RobustConformalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X, X_rest, y, y_rest = train_test_split(X, y, test_size=0.6, random_state=0)
    >>> X_calibrate, X_test, y_calibrate, y_test = train_test_split(
    ...     X_rest, y_rest, test_size=0.2, random_state=0)
    >>> clf = RobustConformalClassifier(
    ...     LogisticRegression(), sigma=0.5, radius=0.25, random_state=0)
    >>> clf.fit(X, y).conformalize(X_calibrate, y_calibrate).predict_set(X_test[:2])
    array([[ True, False, False],
           [False,  True,  True]])
    """

    _parameter_constraints: dict = {
        # Some, such as StackingClassifier, have a method predict after fit only.
        "estimator": [HasMethods(["fit"])],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "radius": [Interval(Real, 0, np.inf, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "noise": [StrOptions(set(LAWS))],
        "norm": [None, Options(Real, {1, 2, np.inf})],
        "noise_features": "no_validation",
        "feature_scale": "no_validation",
        "class_conditional": ["boolean"],
        "conformity_score": [StrOptions(set(SCORES))],
        "random_state": ["random_state"],
    }

    # It is passed on, not used here: the base classifier says whether it requests it.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        sigma: float,
        radius: float = 0.0,
        confidence_level: float = 0.9,
        noise: str = "gaussian",
        norm: float | None = None,
        noise_features: Any = None,
        feature_scale: Any = None,
        class_conditional: bool = False,
        conformity_score: str = "lac",
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sigma = sigma
        self.radius = radius
        self.confidence_level = confidence_level
        self.noise = noise
        self.norm = norm
        self.noise_features = noise_features
        self.feature_scale = feature_scale
        self.class_conditional = class_conditional
        self.conformity_score = conformity_score
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the base classifier, without noise, and draw the key of the noise.

        An earlier calibration is forgotten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Training data. Features that take noise are numbers.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, passed to the `fit` of the base classifier; if
            metadata routing is enabled, only if that requests them.
        **fit_params : dict
            Passed to the `fit` of the base classifier where it requests them, if
            metadata routing is enabled.

        Returns
        -------
        self : RobustConformalClassifier
            The fitted classifier.

        Raises
        ------
        TypeError
            If `estimator` is not a classifier, or has no `predict_proba`.
        ValueError
            As :meth:`SmoothedClassifier.fit <sksmooth.SmoothedClassifier.fit>`.
        """
        refuse_fit_params(fit_params, self)
        refuse_class(self.estimator)
        self._check_training(X, y)
        for name in ("thresholds_", "calibrated_coverage_", "n_calibration_"):
            if hasattr(self, name):
                delattr(self, name)
        smoothed = SmoothedClassifier(
            self.estimator,
            sigma=self.sigma,
            noise=self.noise,
            norm=self.norm,
            noise_features=self.noise_features,
            feature_scale=self.feature_scale,
            method="monte_carlo",
            random_state=self.random_state,
        )
        smoothed.fit(X, y, sample_weight=sample_weight, **fit_params)
        if not hasattr(smoothed.estimator_, "predict_proba"):
            raise TypeError(
                f"estimator={self.estimator!r} has no predict_proba, which the scores "
                "are made of. Use an estimator that has it, or wrap this one in "
                "sklearn.calibration.CalibratedClassifierCV."
            )
        self.smoothed_ = smoothed
        self.classes_ = smoothed.classes_
        return self

    def conformalize(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the thresholds from calibration samples, one noisy copy of each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples that the base classifier was **not** fitted on, from the
            distribution that the sets are to cover.
        y : array-like of shape (n_samples,)
            Their labels, all among `classes_`.

        Returns
        -------
        self : RobustConformalClassifier
            The calibrated classifier.

        Raises
        ------
        ValueError
            If a label is not among `classes_`, or if `norm` is none of the noise's.

        Warns
        -----
        UserWarning
            If there are so few calibration samples, of a class if
            ``class_conditional=True``, that classes are in every set.
        """
        check_is_fitted(self)
        self._validate_params()
        self._follow_parameters()
        refuse_masked(y, "y")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        positions = require_known(y, self.classes_)
        scores, law = self._noisy_scores(X)
        own = scores[np.arange(len(y)), positions]
        level = self._required_coverage(law)

        n_classes = len(self.classes_)
        self.n_calibration_ = np.bincount(positions, minlength=n_classes)
        if self.class_conditional:
            by_class = [own[positions == c] for c in range(n_classes)]
            thresholds = [conformal_threshold(scores, level) for scores in by_class]
        else:
            thresholds = [conformal_threshold(own, level)] * n_classes
        self.thresholds_ = np.array(thresholds)
        self.calibrated_coverage_ = level
        self._calibrated = {name: getattr(self, name) for name in _CALIBRATED}
        self._warn_of_too_few()
        return self

    def predict_set(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Which classes are in the prediction set of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples. Features that take noise are numbers.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            Columns in the order of `classes_`. A set may be empty.

        Raises
        ------
        NotFittedError
            Before `conformalize`.
        ValueError
            If a parameter was changed since then.
        """
        check_is_fitted(self)
        if not hasattr(self, "thresholds_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not calibrated yet. Call "
                "conformalize(X, y) with samples that it was not fitted on before "
                "predict_set."
            )
        for name, value in self._calibrated.items():
            if not _is_same(getattr(self, name), value):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} was {value!r} when the classifier "
                    "was calibrated; call conformalize again."
                )
        return self._noisy_scores(X)[0] <= self.thresholds_

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Label that the base classifier predicts without noise; nothing is guaranteed.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels, members of `classes_`.
        """
        check_is_fitted(self)
        self._check_samples(X)
        return self.smoothed_._predict_base(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Class probabilities of the base classifier without noise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        self._check_samples(X)
        samples, as_frame = self.smoothed_._rows_and_frames(X)
        if isinstance(samples, Table):
            return self._proba(samples.rows)
        every = np.arange(len(samples))
        return self._proba(shown(values_of(samples), samples, every, as_frame))

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        MetadataRouter
            What is passed on to the base classifier.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        like = get_tags(SmoothedClassifier(self.estimator))
        tags.input_tags = like.input_tags
        tags.classifier_tags = like.classifier_tags
        return tags

    def _follow_parameters(self):
        """Let the smoothed classifier have this noise; nothing was fitted with it."""
        names = ("sigma", "noise", "norm", "noise_features", "feature_scale")
        self.smoothed_.set_params(**{name: getattr(self, name) for name in names})
        self.feature_scale_ = self.smoothed_._scale()

    def _required_coverage(self, law):
        radius = float(self.radius)
        if radius > 0:  # two samples may be further apart once rounded to the grid
            radius += law.grid_slack(law.n_features)
        return required_coverage(self.confidence_level, radius, law)

    def _noisy_scores(self, X):
        """Scores of all classes on one noisy copy of each sample, and the noise."""
        self._check_samples(X)
        samples, as_frame = self.smoothed_._rows_and_frames(X)
        values = values_of(samples)
        law = self.smoothed_.noise_law(values.shape[1])
        points = law.snap(values)
        digests = digests_of(samples, self.smoothed_._noise_key)
        streams = row_streams(digests, Stage.PREDICT)
        noisy, every = np.empty(points.shape), np.arange(len(samples))
        fill_copies(law, points, streams, np.ones_like(every), noisy)
        seen = shown(noisy, samples, every, as_frame)
        return SCORES[self.conformity_score](self._proba(seen)), law

    def _proba(self, seen):
        """Class probabilities of samples in the form that the base classifier takes."""
        estimator = self.smoothed_.estimator_
        proba = np.asarray(estimator.predict_proba(seen), dtype=np.float64)
        expected = (len(seen), len(self.classes_))
        if proba.shape != expected:
            raise ValueError(
                f"estimator.predict_proba returned an array of shape {proba.shape}; "
                f"{expected} is needed, one column for each of its classes."
            )
        if not np.isfinite(proba).all():
            raise ValueError(
                "estimator.predict_proba returned values that are not finite; scores "
                "cannot be compared with them."
            )
        return proba

    def _warn_of_too_few(self):
        without = np.isinf(self.thresholds_)
        if not without.any():
            return
        if self.class_conditional:
            what = f"of the classes {listed(self.classes_[without])}, which are"
            have = f"{listed(self.n_calibration_[without])}"
        else:
            what = "for any class to be left out: all classes are"
            have = f"{self.n_calibration_.sum()}"
        needed = needed_samples(self.calibrated_coverage_)
        advice = (
            "No number of samples is enough at this radius"
            if needed is None
            else f"{needed} are needed"
        )
        warnings.warn(
            f"There are too few calibration samples ({have}) {what} in every set. "
            f"{advice}, as sets calibrated on unchanged samples must cover "
            f"{self.calibrated_coverage_:.6g} of them to hold at "
            f"radius={self.radius!r} under noise of sigma={self.sigma!r}. Use more "
            "samples, a smaller radius or a larger sigma.",
            UserWarning,
            stacklevel=3,
        )


def _is_same(now, then):
    """Whether a parameter is as it was, of whatever kind."""
    if now is then:
        return True
    if callable(now) or callable(then):
        return False
    return joblib.hash(now) == joblib.hash(then)
