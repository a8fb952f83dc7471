# SPDX-License-Identifier: BSD-3-Clause
"""A smoothed classifier whose vote weights are tuned by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sksmooth._compat import (
    DocumentationLink,
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    refuse_fit_params,
    routing_enabled,
)
from sksmooth._estimators import (
    layers,
    tags_of,
    take_rows,
    with_sample_weight,
)
from sksmooth._messages import listed
from sksmooth._smoothed_classifier import SmoothedClassifier, _seed_unseeded
from sksmooth._typing import RandomState
from sksmooth.certificates import (
    Certificates,
    check_given_labels,
    class_index,
    require_known,
)
from sksmooth.parallel import as_many_jobs
from sksmooth.tuning._vote_weight_search import (
    VoteObjective,
    cross_fitted_answers,
    cross_fitted_gain,
    is_beyond_noise,
    search_vote_weights,
    worst_case_shares,
)


class TunedVoteClassifierCV(
    DocumentationLink, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Smoothed classifier with vote weights that serve an objective, such as fairness.

    Smoothing shrinks decision regions, and the regions of some classes more than those
    of others, until they vanish [1]_. A weight on the votes of a class gives its
    region back, without training anything again, and certificates of the weighted
    vote are as valid as those of the plain one. This meta-estimator finds the weights:
    it collects the vote shares of every sample from a classifier that was not fitted on
    it, and maximizes an objective of the weighted votes.

    If the gain is within noise, all weights stay 1 and this is the smoothed classifier
    as it was.

    Read more in the :ref:`User Guide <tuned_vote_weights>`.

    Parameters
    ----------
    estimator : SmoothedClassifier, Pipeline or search
        The smoothed classifier, or a Pipeline or a search such as
        :class:`~sklearn.model_selection.GridSearchCV` that ends in one, with
        ``vote_weights=None``. If the base classifier is a
        :class:`~sklearn.frozen.FrozenEstimator`, or the whole is, nothing is fitted
        again and the samples given to `fit` should not be those it was trained on.

    scoring : {"worst_class_accuracy", "balanced_accuracy", "accuracy"} or callable, \
            default="worst_class_accuracy"
        What to maximize over the samples: the accuracy of the worst class, the mean of
        the accuracies of the classes, the accuracy, or ``scoring(y_true, y_pred)``, of
        which more is better.

    floor : float, default=None
        Accuracy that every class should reach before `scoring` counts, in (0, 1]. For
        any `scoring` but "worst_class_accuracy".

    radius : float, default=0.0
        If positive, a sample counts as right only if its prediction is right and holds
        within this radius, the vote shares taken as probabilities. A callable is given,
        for a sample that is right but does not hold, the class that comes closest to
        overtaking. In the units of the `X` that the smoothed classifier is given.

    cv : int, cross-validation generator, iterable or None, default=5
        How samples are split into folds, each sample in one; as in
        :func:`~sklearn.model_selection.cross_val_predict`.

    significance : float or None, default=0.05
        Weights are accepted if their gain passes a one-sided test at this level, in
        (0, 0.5]. At 0.5 any gain will do. None accepts them untested.

    n_jobs : int or None, default=None
        Number of jobs over the folds.

    random_state : int, RandomState instance or None, default=None
        If not None, it seeds the `random_state` parameters of `estimator` and of what
        it contains, where they are None. The rest of the tuning is deterministic.

    Attributes
    ----------
    estimator_ : SmoothedClassifier, Pipeline or search
        The classifier fitted on all samples, with the weights.

    vote_weights_ : ndarray of shape (n_classes,)
        The weights, in the order of `classes_`, of geometric mean 1; all 1 if no gain
        was beyond noise.

    best_score_ : float
        What `scoring` gives for `vote_weights_`, on the samples that they were tuned
        on.

    path_ : dict of ndarray
        The candidates of the search, from equal weights on, each better than the one
        before: "vote_weights" of shape (n_steps, n_classes), and "score", "accuracy"
        and "worst_class_accuracy" of shape (n_steps,), on the samples tuned on.

    cv_results_ : dict
        How the gain was judged. "vote_weights", of shape (n_folds, n_classes): tuned
        on all folds but one. "plain_score" and "tuned_score": the score of equal
        weights, and of predicting each fold with its entry of "vote_weights". "gain"
        and "gain_std_error": arrays of one entry, or of two if there is a floor, the
        first for the worst class up to the floor. "accepted": whether the weights
        were.

    classes_ : ndarray of shape (n_classes,)
        The classes.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if they all were strings.

    See Also
    --------
    SmoothedClassifier : Takes weights that are known.
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes the threshold of a
        binary classifier that is not smoothed.

    Notes
    -----
    The search is a coordinate ascent on the logarithms of the weights, which looks at
    every value of a weight that changes a prediction. Equally good weights are told
    apart by accuracy, then by how close to equal they are.

    The gain is measured by predicting each fold with weights tuned on the others, so
    the search does not bias it. Its standard error is that of a bootstrap of folds
    and of samples within them; where folds disagree, as they do if the votes depend
    much on which samples were trained on, no gain is accepted. With a floor, the worst
    class (up to the floor) is tested first, and `scoring` counts only if that gain is
    zero or within noise.

    The classifiers that weights are tuned on have seen fewer samples than `estimator_`.
    Where a class leads only slightly in all regions, as at large sigma, this
    alone can shift the votes: compare `best_score_` with samples kept for the purpose.

    A `sample_weight` given to `fit` reaches the base classifier; the objective does
    not use it.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel,
       "Hidden Cost of Randomized Smoothing", AISTATS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.svm import SVC
    >>> from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
    >>> X, y = load_digits(n_class=4, return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
    >>> smoothed = SmoothedClassifier(
    ...     SVC(gamma=0.1), sigma=0.5, n_predict=200, random_state=0
    ... )
    >>> round(smoothed.fit(X, y).score(X_test, y_test), 1)
    0.3
    >>> tuned = TunedVoteClassifierCV(smoothed).fit(X, y)
    >>> round(tuned.score(X_test, y_test), 1)
    1.0
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"])],
        "scoring": [
            StrOptions({"worst_class_accuracy", "balanced_accuracy", "accuracy"}),
            callable,
        ],
        "floor": [None, Interval(Real, 0, 1, closed="right")],
        "radius": [Interval(Real, 0, np.inf, closed="left")],
        "cv": ["cv_object"],
        "significance": [None, Interval(Real, 0, 0.5, closed="right")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    # For `sksmooth._estimators.layers`: it predicts what this attribute predicts.
    _estimator_inside = "estimator_"
    # It is passed on, not used here: `estimator` says whether it requests it.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: str
        | Callable[[NDArray[Any], NDArray[Any]], float] = "worst_class_accuracy",
        floor: float | None = None,
        radius: float = 0.0,
        cv: Any = 5,
        significance: float | None = 0.05,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.floor = floor
        self.radius = radius
        self.cv = cv
        self.significance = significance
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the smoothed classifier and tune its vote weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Training data; with a frozen classifier, data it was not trained on.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, passed to the `fit` of `estimator`; if metadata
            routing is enabled, only if that requests them.
        **fit_params : dict
            Passed to the `fit` of `estimator` and to `cv` where they request them, if
            metadata routing is enabled. Values with one entry for each sample are split
            with the samples.

        Returns
        -------
        self : TunedVoteClassifierCV
            The fitted classifier.

        Raises
        ------
        TypeError
            If `estimator` is not a smoothed classifier.
        ValueError
            If a parameter, `X` or `y` is invalid, if the folds of `cv` do not hold
            each sample once, or if a class of a frozen classifier has no samples.

        Warns
        -----
        UserWarning
            If no weights found reach `floor`, or get a sample of each class right
            within `radius`.
        """
        refuse_fit_params(fit_params, self)
        self._check_estimator()
        fit_params = with_sample_weight(fit_params, self.estimator, sample_weight)
        if routing_enabled():
            routed = process_routing(self, "fit", **fit_params)
            fit_params, split_params = routed.estimator.fit, routed.splitter.split
        else:
            split_params = {}
        template = clone(self.estimator)
        if self.random_state is not None:
            _seed_unseeded(template, check_random_state(self.random_state))
        # Before the folds, so that errors about bad data are raised by this fit.
        fitted = clone(template).fit(X, y, **fit_params)
        smoothed = layers(fitted).core
        classes = np.asarray(fitted.classes_)
        check_given_labels(y)
        y = column_or_1d(y)
        index = _class_positions(y, classes)

        folds = _folds(check_cv(self.cv, y, classifier=True), X, y, split_params)
        if _is_prefit(self.estimator):
            shares = fitted.predict_proba(X)
        else:
            shares = np.empty((len(y), len(classes)))
            found = Parallel(n_jobs=as_many_jobs(self.n_jobs, len(folds)))(
                delayed(_held_out_shares)(
                    clone(template), X, y, train, test, classes, fit_params
                )
                for train, test in folds
            )
            for (_, test), part in zip(folds, found, strict=True):
                shares[test] = part
        self._tune(shares, index, [test for _, test in folds], classes, smoothed)

        self.estimator_ = _with_weights(fitted, self.vote_weights_)
        self.classes_ = classes
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))
        return self

    def _tune(self, shares, y, folds, classes, smoothed):
        """Search weights, and decide whether they are used."""
        objective = VoteObjective(self.scoring, self.floor, classes)
        contested = worst_case_shares(
            shares, y, smoothed.noise_law(), self.radius, smoothed.n_predict
        )
        path = search_vote_weights(contested, y, objective)
        answers = [np.argmax(contested * weights, axis=1) for weights in path]
        levels = np.array([objective.judge(y, answer) for answer in answers])

        tuned, fold_weights = cross_fitted_answers(contested, y, folds, objective)
        gain, error = cross_fitted_gain(y, answers[0], tuned, folds, objective)
        accepted = len(path) > 1 and (
            self.significance is None or is_beyond_noise(gain, error, self.significance)
        )
        chosen = -1 if accepted else 0
        worst = VoteObjective("worst_class_accuracy", None, classes)
        self.vote_weights_ = path[chosen]
        self.best_score_ = float(levels[chosen, -2])
        self.path_ = {
            "vote_weights": np.array(path),
            "score": levels[:, -2],
            "accuracy": levels[:, -1],
            "worst_class_accuracy": np.array([worst.judge(y, a)[0] for a in answers]),
        }
        self.cv_results_ = {
            "vote_weights": fold_weights,
            "plain_score": float(levels[0, -2]),
            "tuned_score": float(objective.judge(y, tuned)[-2]),
            "gain": gain,
            "gain_std_error": error,
            "accepted": bool(accepted),
        }
        self._warn_of_the_unreached(self.path_["worst_class_accuracy"][-1])

    def _warn_of_the_unreached(self, worst):
        if self.floor is not None and worst < self.floor:
            message = (
                f"floor={self.floor:g} is out of reach: the best weights found bring "
                f"the worst class to {worst:.3g}."
            )
        elif self.radius > 0 and worst == 0:
            message = (
                "No weights were found with which the label is right within radius="
                f"{self.radius:g} for a sample of each class. Use a smaller radius, "
                "or give the smoothed classifier a larger sigma or more n_predict."
            )
        else:
            return
        warnings.warn(message, UserWarning, stacklevel=4)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class that leads the weighted vote of each sample.

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
        return self.estimator_.predict(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Share of the votes that each class gets, without the weights.

        `predict` returns the class with the largest product of share and weight.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Shares, in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def certify(self, X: ArrayLike, **params: Any) -> Certificates:
        """Certify the weighted prediction for each sample within a radius.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.
        **params : dict
            As in :meth:`SmoothedClassifier.certify`.

        Returns
        -------
        Certificates
            Radii are in the units of what the smoothed classifier is given: behind
            the transformers of a Pipeline, transformed units.
        """
        smoothed, X = self._behind_transformers(X)
        return smoothed.certify(X, **params)

    def classwise_score(
        self, X: ArrayLike, y: ArrayLike, *, radius: float = 0.0
    ) -> dict[Any, float]:
        """Certified accuracy of each class at a radius.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.
        y : array-like of shape (n_samples,)
            True labels.
        radius : float, default=0.0
            As in :meth:`SmoothedClassifier.classwise_score`.

        Returns
        -------
        dict
            For each class of `classes_`, the share of its samples that are correct; nan
            for a class without samples.
        """
        smoothed, X = self._behind_transformers(X)
        return smoothed.classwise_score(X, y, radius=radius)

    def _behind_transformers(self, X):
        """Return the smoothed classifier, and `X` as it is given it."""
        check_is_fitted(self)
        found = layers(self)
        return found.core, found.transform(X)

    def _check_estimator(self):
        """Check that there is a smoothed classifier inside `estimator`."""
        smoothed = layers(self.estimator, fitted=False).core
        if not isinstance(smoothed, SmoothedClassifier):
            raise TypeError(
                f"estimator={self.estimator!r} is not a SmoothedClassifier, nor a "
                "Pipeline or a search that ends in one: there are no votes to weigh. "
                "Pass SmoothedClassifier(estimator, sigma=...)."
            )
        if smoothed.vote_weights is not None:
            raise ValueError(
                f"estimator has vote_weights={smoothed.vote_weights!r} already, which "
                "tuning would replace. Leave them None."
            )
        if self.floor is not None and self.scoring == "worst_class_accuracy":
            raise ValueError(
                f"floor={self.floor!r} has no effect where scoring="
                "'worst_class_accuracy'; use scoring='accuracy'."
            )

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        MetadataRouter
            What is passed on to the smoothed classifier and to `cv`.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = tags_of(self.estimator)
        tags.input_tags = inner.input_tags
        if inner.classifier_tags is not None:
            tags.classifier_tags = inner.classifier_tags
        return tags


def _is_prefit(estimator):
    """Whether `fit` learns nothing from the samples."""
    return isinstance(estimator, FrozenEstimator) or (
        isinstance(estimator, SmoothedClassifier)
        and isinstance(estimator.estimator, FrozenEstimator)
    )


def _class_positions(y, classes):
    """Positions of the labels; every class must be there, and no other."""
    index = require_known(y, classes)
    missing = np.bincount(index, minlength=len(classes)) == 0
    if missing.any():
        raise ValueError(
            f"y has no samples of the classes {listed(classes[missing])}, so the "
            "effect of weights on them cannot be measured. Add such samples."
        )
    return index


def _folds(cv, X, y, split_params):
    """Splits of the samples, each sample in the test part of one."""
    try:
        folds = [
            (np.atleast_1d(train), np.atleast_1d(test))
            for train, test in cv.split(X, y, **split_params)
        ]
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and "unpack" not in str(error):
            raise  # a splitter says what is wrong
        raise TypeError(
            f"cv={cv!r} does not give pairs of training and test indices: {error}. Use "
            "a number of folds, or a splitter like StratifiedKFold."
        ) from error
    tested = np.concatenate([test for _, test in folds] or [[]])
    if len(folds) < 2 or not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"cv={cv!r} does not split the samples into two or more folds, with "
            "each sample in one of them. Use a number of folds, or a splitter like "
            "StratifiedKFold."
        )
    return folds


def _held_out_shares(estimator, X, y, train, test, classes, fit_params):
    """Vote shares of the samples of a fold, from a classifier fitted on the others."""
    fit_params = {
        name: take_rows(value, train)
        if np.ndim(value) > 0 and len(value) == len(y)
        else value
        for name, value in fit_params.items()
    }
    estimator.fit(take_rows(X, train), y[train], **fit_params)
    shares = np.zeros((len(test), len(classes)))
    # A class that the other folds lack gets no votes.
    shares[:, class_index(estimator.classes_, classes)] = estimator.predict_proba(
        take_rows(X, test)
    )
    return shares


def _with_weights(estimator, weights):
    """A copy with other vote weights that shares all that was fitted."""
    if isinstance(estimator, FrozenEstimator):
        return _with_weights(estimator.estimator, weights)
    twin = copy(estimator)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        twin.steps = [*estimator.steps[:-1], (name, _with_weights(last, weights))]
    elif isinstance(estimator, SmoothedClassifier):
        twin.vote_weights = weights
    else:
        twin.best_estimator_ = _with_weights(estimator.best_estimator_, weights)
    return twin
