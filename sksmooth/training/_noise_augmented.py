# SPDX-License-Identifier: BSD-3-Clause
"""Any classifier, trained on noisy copies of its data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sksmooth._arguments import LARGEST_WHOLE
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
    flat_labels,
    frames_like,
    is_no_classifier,
    refuse_class,
    tags_of,
    with_sample_weight,
)
from sksmooth._typing import RandomState
from sksmooth.denoising._follow import fit_denoiser
from sksmooth.noise import LAWS, Splitting
from sksmooth.samples import Table, ranges_of, shown, values_of
from sksmooth.training._copies import fit_on_copies
from sksmooth.votes import NoisyFeatures


def _estimator_has(name):
    """Whether the fitted estimator, or before `fit` the given one, has `name`."""
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class NoiseAugmentedClassifier(
    DocumentationLink, NoisyFeatures, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Fit a classifier on copies of the data with noise added.

    Each copy holds every training sample once, with independent noise, by default
    :math:`N(0, \sigma^2 I)`, and the sample's own label and weight. With the `noise`,
    `noise_features` and `feature_scale` of a :class:`SmoothedClassifier
    <sksmooth.SmoothedClassifier>`, training has the noise that the votes have. This is
    the usual training of base classifiers for randomized smoothing [1]_. It need not
    undo the shrinking of decision regions, because its objective is another one [2]_:
    with infinitely many copies the best classifier is :class:`ParzenClassifier`.

    How the copies reach the estimator depends on what it can do:

    - **It has no** ``partial_fit``: one `fit` on `n_copies` copies stacked, which
      takes `n_copies` times the memory of `X`.
    - **It has** ``partial_fit`` **and no** ``max_iter`` (naive Bayes): one call
      for each of `n_copies` copies. Only one noisy copy exists at a time.
    - **It has** ``partial_fit`` **and** ``max_iter`` (:class:`MLPClassifier
      <sklearn.neural_network.MLPClassifier>`, :class:`SGDClassifier
      <sklearn.linear_model.SGDClassifier>`, also inside a meta-estimator that passes
      ``partial_fit`` on): its `fit` would pass over the data up to ``max_iter``
      times and one call of ``partial_fit`` is one such pass, so `n_copies` calls alone
      would leave it far from trained. It gets ``max(n_copies, max_iter)`` calls,
      each with fresh noise, as networks are trained with noise augmentation.

    Parameters
    ----------
    estimator : classifier
        The classifier to train. It is cloned; its parameters, random state included,
        are left as they are.

    sigma : float, default=0.25
        Standard deviation of the noise, in the units of `X` or of `feature_scale`.

    noise : {"gaussian", "laplace", "uniform", "splitting"}, default="gaussian"
        Distribution of the noise, as in :class:`SmoothedClassifier
        <sksmooth.SmoothedClassifier>`: independent in each feature, but for
        "splitting", which replaces all features of a sample by middles of cells.

    noise_features : names, indices, bool mask, slice, callable or None, default=None
        The features that take noise; None is all of them. All others are passed to
        the estimator unchanged, of any dtype, missing values included. A
        callable is given the training samples and returns names, as
        :func:`~sklearn.compose.make_column_selector` does.

    feature_scale : "std", dict, array-like of shape (n_features,) or None, default=None
        The unit of each feature: the noise of feature j has the standard deviation
        ``sigma * scale[j]``. "std" takes the standard deviations of the training
        samples. Features that a dict leaves out have scale 1. A feature of scale 0
        takes no noise.

    denoiser : "posterior_mean", transformer or None, default=None
        For a classifier that will be smoothed behind a denoiser, the one that
        :class:`SmoothedClassifier <sksmooth.SmoothedClassifier>` will be given too. A
        clone is fitted on the training samples, and noisy copies are denoised before
        the estimator is given them. What it has as ``sigma=None`` follows `sigma`. One
        copy in four, the first to begin with, has no noise and is not denoised.

    n_copies : int, default=10
        Number of noisy copies. For an estimator with both ``partial_fit`` and
        ``max_iter``, such as :class:`MLPClassifier
        <sklearn.neural_network.MLPClassifier>`, it is only the least number of passes:
        each of its ``max_iter`` passes has fresh noise, so every `n_copies` up to
        ``max_iter`` gives the same classifier, and ``max_iter`` is what to set.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise. With the same seed, the first copies are the same whatever
        `n_copies` is.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone of `estimator`.

    classes_ : ndarray of shape (n_classes,)
        The class labels, as the fitted estimator orders them.

    denoiser_ : transformer or None
        The fitted denoiser of the copies. `predict` does without it.

    n_copies_ : int
        Number of noisy copies that the estimator was trained on.

    feature_scale_ : ndarray of shape (n_features,) or None
        The unit of each feature, 0 where it takes no noise; None where neither
        `noise_features` nor `feature_scale` is given.

    n_features_in_ : int
        Number of features seen in `fit` (length of the second axis of `X`).

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all of them are strings.

    See Also
    --------
    ParzenClassifier : What the best classifier tends to with ever more copies.

    Notes
    -----
    The stopping rules ``tol`` and ``n_iter_no_change`` belong to `fit` and do not apply
    to ``partial_fit``: training takes all ``max_iter`` passes, so lower ``max_iter`` to
    train for less time. Settings that ``partial_fit`` refuses, such as
    ``early_stopping=True`` or :class:`SGDClassifier
    <sklearn.linear_model.SGDClassifier>`'s ``class_weight="balanced"``, raise the
    estimator's own error. A network of skorch runs its
    ``max_epochs`` on each copy.

    A :class:`Pipeline <sklearn.pipeline.Pipeline>` has no ``partial_fit``. To stream
    with a scaler, put the scaler first and this classifier after it; sigma is then in
    the units of the scaled data.

    Noise leaves no zeros, so sparse input is refused. Where the estimator accepts
    missing values they stay missing. A DataFrame, of pandas or polars, reaches the
    estimator as a DataFrame with the same column names; columns that take noise are
    floating point there, and all others are as they were.

    Metadata is routed to the estimator's `fit`; what it requests there is passed to
    ``partial_fit`` too. Without metadata routing, only ``sample_weight`` is accepted.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld and J. Z. Kolter, "Certified Adversarial Robustness
       via Randomized Smoothing", ICML 2019, section 3.3.

    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu and L. Daniel,
       "Hidden Cost of Randomized Smoothing", AISTATS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksmooth.training import NoiseAugmentedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = NoiseAugmentedClassifier(
    ...     LogisticRegression(max_iter=1000), sigma=0.5, random_state=0
    ... )
    >>> print(clf.fit(X, y).predict(X[::50]))
    [0 1 2]
    >>> clf.n_copies_
    10
    """

    _parameter_constraints: dict = {
        # Some, such as StackingClassifier, have a method predict after fit only.
        "estimator": [HasMethods(["fit"])],
        "sigma": [Interval(Real, 0, np.inf, closed="neither")],
        "noise": [StrOptions(set(LAWS))],
        "noise_features": "no_validation",
        "feature_scale": "no_validation",
        "denoiser": [
            None,
            StrOptions({"posterior_mean"}),
            HasMethods(["fit", "transform"]),
        ],
        "n_copies": [Interval(Integral, 1, LARGEST_WHOLE, closed="both")],
        "random_state": ["random_state"],
    }

    # It is passed on, not used here: the estimator says whether it requests it.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        sigma: float = 0.25,
        noise: str = "gaussian",
        noise_features: Any = None,
        feature_scale: Any = None,
        denoiser: Any = None,
        n_copies: int = 10,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sigma = sigma
        self.noise = noise
        self.noise_features = noise_features
        self.feature_scale = feature_scale
        self.denoiser = denoiser
        self.n_copies = n_copies
        self.random_state = random_state

    @_fit_context(
        # The inner estimator is not validated yet.
        prefer_skip_nested_validation=False
    )
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit a clone of the estimator on noisy copies of the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Training samples, dense; more than two axes are kept as they are. Features
            that take noise are numbers.

        y : array-like of shape (n_samples,)
            Class labels, passed to the estimator unchanged.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, passed to the `fit` of the estimator; if metadata
            routing is enabled, only if that requests them.

        **fit_params : dict
            With metadata routing: whatever the estimator's `fit` requests. Values with
            one entry for each sample of `X` are repeated for each copy; other values
            are passed as they are.

        Returns
        -------
        self : NoiseAugmentedClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of range, or if the estimator is a regressor, frozen,
            or takes pairwise distances or kernels, to which noise must not be added.
        """
        refuse_fit_params(fit_params, self)
        self._check_estimator()
        self._as_frame = frames_like(X)
        samples, y = self._check_training(X, y)
        check_classification_targets(y)

        fit_params = with_sample_weight(fit_params, self.estimator, sample_weight)
        if routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        inner_params = {k: v for k, v in fit_params.items() if v is not None}

        seed = check_random_state(self.random_state).bytes(32)
        self.denoiser_ = self._fit_denoiser(samples, y, inner_params)
        self.estimator_, self.n_copies_ = self._fit_copies(
            samples, y, self.sigma, self.denoiser_, seed, inner_params
        )
        classes = np.unique(y)
        self.classes_ = getattr(self.estimator_, "classes_", classes)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict classes with the fitted estimator; no noise is added.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Samples to classify.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Class labels.
        """
        return flat_labels(self._ask("predict", X))

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Class probabilities of the fitted estimator, where it has them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Samples to classify.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._ask("predict_proba", X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-probabilities of the fitted estimator, where it has them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Samples to classify.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        # Of an estimator that is certain, the logarithm is minus infinity.
        with np.errstate(divide="ignore"):
            return self._ask("predict_log_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values of the fitted estimator, where it has them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Samples to classify.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the estimator gives them.
        """
        return self._ask("decision_function", X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Where metadata goes: all of it to the estimator's `fit`.

        Returns
        -------
        routing : MetadataRouter
            The routing of this classifier.
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
        inner = tags_of(self.estimator)
        tags.input_tags = replace(
            inner.input_tags, sparse=False, categorical=False, string=False, dict=False
        )
        if inner.classifier_tags is not None:
            tags.classifier_tags = replace(inner.classifier_tags, multi_label=False)
        tags.non_deterministic = inner.non_deterministic
        return tags

    def _check_estimator(self):
        refuse_class(self.estimator)
        name = type(self.estimator).__name__
        if is_no_classifier(self.estimator):
            kind = tags_of(self.estimator).estimator_type
            raise ValueError(f"estimator must be a classifier; {name} is a {kind}.")
        if isinstance(self.estimator, FrozenEstimator):
            raise ValueError(
                "estimator is a FrozenEstimator, which cannot be trained on noisy "
                "copies. Pass the estimator inside it."
            )
        if tags_of(self.estimator).input_tags.pairwise:
            raise ValueError(
                f"estimator {name} takes precomputed distances or kernels between "
                "samples; noise must be added to samples themselves. Use a kernel or "
                "metric that takes features."
            )

    def _fit_denoiser(self, samples, y, fit_params):
        """Fit the denoiser on clean samples, or take it as it is if frozen."""
        if self.denoiser is None or isinstance(self.denoiser, FrozenEstimator):
            return self.denoiser
        scale = self.feature_scale_
        return fit_denoiser(
            self.denoiser,
            self._unchanged(samples),
            y,
            fit_params.get("sample_weight"),
            sigma=self.sigma,
            noise=self.noise,
            feature_scale=scale,
            noise_features=None if scale is None else np.flatnonzero(scale),
        )

    def _fit_copies(
        self, samples, y, sigma, denoiser, seed, fit_params, class_weight=None
    ):
        """Fit a clone of the estimator on noisy copies, denoised if there is one."""
        denoise = partial(self._denoised, samples, denoiser)
        return fit_on_copies(
            clone(self.estimator),
            values_of(samples),
            y,
            law=self._law(samples, sigma),
            n_copies=self.n_copies,
            seed=seed,
            as_seen=partial(self._as_seen, samples),
            denoise=None if denoiser is None else denoise,
            fit_params=fit_params,
            class_weight=class_weight,
        )

    def _denoised(self, samples, denoiser, values, owner):
        """Denoised values in place of noisy ones."""
        found = denoiser.transform(self._as_seen(samples, values, owner))
        if np.shape(found) != (len(values), *samples.shape[1:]):
            raise ValueError(
                f"denoiser={self.denoiser!r} turns samples of shape "
                f"{samples.shape[1:]} into samples of shape {np.shape(found)[1:]}; "
                "training on denoised copies beside clean samples needs equal shapes."
            )
        if isinstance(samples, Table):
            found = Table(found, samples.noisy, samples.scale).values
        return np.asarray(found).reshape(values.shape)

    def _law(self, samples, sigma):
        """The law of the noise on training samples."""
        scale = samples.scale if isinstance(samples, Table) else None
        cells = {}
        if self.noise == Splitting.name:
            cells = ranges_of(values_of(samples), scale)._asdict()
        return LAWS[self.noise](sigma, scale=scale, **cells)

    def _as_seen(self, samples, values, owner):
        """Copies of samples in the form in which `fit` got them, a frame or an array.

        With these values in place of those that take noise, and all else as in the
        samples at positions `owner`.
        """
        return shown(values, samples, owner, self._as_frame)

    def _unchanged(self, samples):
        """Samples without noise, in the form in which `fit` got them."""
        return self._as_seen(samples, values_of(samples), np.arange(len(samples)))

    def _ask(self, method, X):
        check_is_fitted(self)
        seen = self._unchanged(self._check_samples(X))
        return getattr(self.estimator_, method)(seen)
