# SPDX-License-Identifier: BSD-3-Clause
"""The smoothed classifier: a meta-estimator that votes on noisy copies."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from sksmooth._arguments import LARGEST_WHOLE, as_float
from sksmooth._compat import (
    DocumentationLink,
    HasMethods,
    Interval,
    Options,
    StrOptions,
    _fit_context,
    check_n_features,
    refuse_fit_params,
    routing_enabled,
)
from sksmooth._denoiser_mixin import DenoiserMixin
from sksmooth._estimators import (
    frames_like,
    frames_of,
    is_classifier,
    is_no_classifier,
    may_take_missing,
    plain_array,
    refuse_class,
    stated_names,
    tags_of,
    takes_frame,
    with_sample_weight,
)
from sksmooth._typing import RandomState
from sksmooth.bounds import check_alpha
from sksmooth.certificates import (
    Certificates,
    CertifyInterrupted,
    RowAnswers,
    array_of_labels,
    check_classes,
    check_given_labels,
    check_radii,
    check_radius,
    class_index,
    refuse_masked,
    require_known,
    resolve_vote_weights,
)
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.logs import CertificateLog, describe_run
from sksmooth.noise import (
    LAWS,
    Erase,
    Resample,
    TokenDeletion,
    check_probability,
    draw_noise_key,
)
from sksmooth.parallel import run_in_chunks
from sksmooth.questions import (
    CertifyAtRadii,
    CertifyFrontier,
    CertifyRadius,
    CountVotes,
    DecideLabel,
    Recertify,
    check_changes,
    exact_frontier,
)
from sksmooth.samples import (
    Counts,
    Table,
    digests_of,
    n_values_of,
    ranges_of,
    values_of,
)
from sksmooth.votes import (
    Model,
    VoteSource,
    as_classifier,
    check_columns,
    encode_for_net,
    ends_in_skorch_net,
    find_source,
    is_bare_network,
    may_miss,
    numeric_table,
    predict_labels,
    probe_fitted,
    refuse_categories,
    refuse_columns_without_numbers,
    refuse_module,
)

if TYPE_CHECKING:
    import torch

_DTYPES = [np.float64, np.float32]
# Rows of a chunk, whose counts of votes are held, where `batch_size` says nothing.
_MOST_ROWS = 8192
# What `fit` and `from_fitted` leave, used by all that follows.
_STATE = (
    *("estimator_", "classes_", "denoiser_", "feature_scale_", "_noise_key"),
    *("_as_frame", "_denoiser_of", "_may_miss", "_ranges", "_scale_of"),
)
# Parameters that were found valid, by classifier; `predict` must not write to it.
_valid: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()

# A log, or where it is.
LogPath: TypeAlias = CertificateLog | str | PathLike[str]


class SmoothedClassifier(
    DocumentationLink, DenoiserMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Smooth any classifier by a vote on noisy copies of each sample, and certify it.

    The smoothed classifier g predicts the class that the base classifier f predicts
    most often when Gaussian noise is added to the sample,

        g(x) = argmax_c  w_c * P(f(x + N(0, sigma**2 I)) = c),

    with weights w of 1 unless `vote_weights` says otherwise. Around a sample where the
    vote is clear, the prediction of g provably does not change within a certified
    radius [1]_, whatever f is. The price is that decision regions of g shrink as
    `sigma` grows, some classes before others [2]_: look at `classwise_score`.

    `sigma` and every radius are in the units of the `X` given to this estimator.
    ``SmoothedClassifier(make_pipeline(StandardScaler(), clf))`` certifies raw units,
    ``make_pipeline(StandardScaler(), SmoothedClassifier(clf))`` certifies scaled ones.

    Read more in the :ref:`User Guide <smoothed_classifier>`.

    Parameters
    ----------
    estimator : classifier
        The base classifier. It needs `fit`, `predict` and, once fitted, `classes_`.
        Wrap one that is fitted already in :class:`~sklearn.frozen.FrozenEstimator`, or
        use `from_fitted`.

    sigma : float, default=0.25
        Standard deviation of the noise, in each feature; for features of different
        units see `feature_scale`.

    noise : {"gaussian", "laplace", "uniform", "splitting"}, Resample, Erase or \
            TokenDeletion, default="gaussian"
        Distribution of the noise; see :ref:`noise_laws`. "splitting" has cells of
        width ``2 * sqrt(3) * sigma``; where the training samples are whole multiples
        of their units, so are the cells, certificates hold for all such samples, and
        they are exact. With `from_fitted`, all samples must be such multiples, unless
        `method` is "monte_carlo". :class:`~sksmooth.noise.Resample` draws
        categories anew and :class:`~sksmooth.noise.Erase` replaces them by missing
        values, beside Gaussian noise of `sigma` on the other features.
        :class:`~sksmooth.noise.TokenDeletion` deletes words of counts, which may be
        sparse.

    norm : {0, 1, 2, inf} or None, default=None
        Order of the norm in which radii are certified; None is the law's own. Gaussian
        noise certifies l2, and by inclusion l1 and l-infinity; Laplace and splitting
        noise l1; uniform noise l1 and l-infinity. 0 counts changed categories, if no
        number takes noise, or added and deleted words.

    noise_features : names, indices, bool mask, slice, callable or None, default=None
        The features that take noise; None is all of them. All others are held fixed:
        they are passed to the base classifier unchanged, of any dtype, missing values
        included, and certificates are about samples that agree in them. A
        callable is given the training samples and returns names, as
        :func:`~sklearn.compose.make_column_selector` does.

    feature_scale : "std", dict {name: scale}, array-like of shape (n_features,) or \
            None, default=None
        The unit of each feature: the noise of feature j has the standard deviation
        ``sigma * scale[j]``, and radii are in norms of ``delta / scale``. "std" takes
        the standard deviations of the training samples. Features that a dict leaves out
        have scale 1. A feature of scale 0 is held fixed.

    denoiser : "posterior_mean", transformer or None, default=None
        A transformer between the noise and `estimator`, which is fitted without noise.
        It is fitted in `fit` on the same samples, and is given `sigma` and the other
        parameters of the noise; see :mod:`sksmooth.denoising`. "posterior_mean" is
        :class:`~sksmooth.denoising.PosteriorMeanDenoiser`. The base classifier that is
        smoothed and certified is then `estimator` behind the denoiser.

    method : {"auto", "monte_carlo", "exact"}, default="auto"
        Where votes come from. "monte_carlo" samples them; "exact" computes their
        probabilities in closed form, and raises where there is none for the fitted
        estimator; "auto" takes the closed form where there is one and it is not slower.
        Sampled labels are those of `predict`, computed in less time than it takes where
        that is possible; with "auto", noise may be drawn in fewer dimensions.

    bound : {"multiclass", "binary"}, default="multiclass"
        How votes prove a radius. "binary" bounds the probability of the leading class
        alone, at `alpha`, as in [1]_. "multiclass" also bounds the other classes, at
        half of `alpha` each: the radius is larger where the misses are spread over
        several classes, and can be positive where the leader has less than half of
        the votes.

    vote_weights : dict {class: weight}, array-like of shape (n_classes,) or None, \
            default=None
        Positive weights of the classes in the vote, in the order of `classes_` if an
        array. A Series is read by its index, as a dict is; classes that these leave
        out have weight 1.

    n_predict : int, default=1000
        Votes of `predict_proba`, and most votes of `predict`, for a sample.

    n_certify : int, default=10_000
        Most votes that `certify` reads a certificate from. Without `radii` a pilot
        comes before them: 32 votes, or up to an eighth as many (100 with ``tol=0``).

    alpha : float, default=0.001
        Probability, for each sample, that its certificate is wrong.

    batch_size : int or None, default=None
        Noisy samples held in memory, and given to the base classifier, at a time. None
        is as many as stay in the cache of the processor: 4 MiB of them, though 256 at
        least and 8192 at most.

    device : str, torch.device or None, default=None
        Where a torch network votes; None is where it is. Others accept None only.

    n_jobs : int or None, default=None
        Number of jobs over samples. ``None`` means 1 unless in a
        :func:`joblib.parallel_config` context.

    random_state : int, RandomState instance or None, default=None
        Determines the key that noise is derived from, drawn once in `fit`. The same
        fitted object gives the same prediction for a sample each time. If not None, it
        also seeds the `random_state` parameters of `estimator` that are None. Leave it
        None where samples might be chosen by an adversary that knows the seed.

    verbose : int, default=0
        Show a progress bar if 1 or more.

    Attributes
    ----------
    estimator_ : classifier
        The fitted base classifier.

    classes_ : ndarray of shape (n_classes,)
        The classes of `estimator_`.

    denoiser_ : transformer or None
        The fitted denoiser.

    feature_scale_ : ndarray of shape (n_features,) or None
        The unit of each feature, 0 where it is held fixed; None where neither
        `noise_features` nor `feature_scale` is given.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if they all were strings.

    See Also
    --------
    Certificates : What `certify` returns.
    sksmooth.metrics.classwise_report : Certified accuracy of each class.

    Notes
    -----
    The noise of a sample is a function of the key drawn in `fit` and of the sample.
    Results do not depend on `batch_size`, `n_jobs` or the other samples of a call,
    those of closed forms up to rounding; samples that differ, as float32, have
    independent noise. Certifying a sample again adds no evidence.

    Parameters other than `estimator` and `denoiser` may be changed by `set_params` on a
    fitted object: nothing needs to be fitted again.

    References
    ----------
    .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
       Randomized Smoothing", ICML 2019.
    .. [2] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel,
       "Hidden Cost of Randomized Smoothing", AISTATS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sksmooth import SmoothedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SmoothedClassifier(KNeighborsClassifier(), sigma=0.5, random_state=0)
    >>> clf.fit(X, y).predict(X[:2])
    array([0, 0])
    >>> certificates = clf.certify(X[:2], radii=[0.25, 0.5])
    >>> certificates.radius
    array([0.5, 0.5])
    """

    _parameter_constraints: dict = {
        # Some, such as StackingClassifier, have a method predict after fit only.
        "estimator": [HasMethods(["fit"])],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "noise": [StrOptions(LAWS.keys()), Resample, Erase, TokenDeletion],
        "norm": [None, Options(Real, {0, 1, 2, np.inf})],
        "noise_features": "no_validation",
        "feature_scale": "no_validation",
        "denoiser": [
            None,
            StrOptions({"posterior_mean"}),
            HasMethods(["fit", "transform"]),
        ],
        "method": [StrOptions({"auto", "exact", "monte_carlo"})],
        "bound": [StrOptions({"binary", "multiclass"})],
        "vote_weights": [None, Mapping, "array-like"],
        "n_predict": [Interval(Integral, 1, None, closed="left")],
        "n_certify": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "batch_size": [None, Interval(Integral, 1, None, closed="left")],
        "device": "no_validation",  # a vote source knows which devices there are
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # It is passed on, not used here: the base classifier says whether it requests it.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        sigma: float = 0.25,
        noise: str | Resample | TokenDeletion = "gaussian",
        norm: float | None = None,
        noise_features: Any = None,
        feature_scale: Any = None,
        denoiser: Any = None,
        method: str = "auto",
        bound: str = "multiclass",
        vote_weights: Mapping[Any, float] | ArrayLike | None = None,
        n_predict: int = 1000,
        n_certify: int = 10_000,
        alpha: float = 0.001,
        batch_size: int | None = None,
        device: str | torch.device | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.sigma = sigma
        self.noise = noise
        self.norm = norm
        self.noise_features = noise_features
        self.feature_scale = feature_scale
        self.denoiser = denoiser
        self.method = method
        self.bound = bound
        self.vote_weights = vote_weights
        self.n_predict = n_predict
        self.n_certify = n_certify
        self.alpha = alpha
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _validate_params(self):
        """Check parameters; called by `fit` before anything else.

        Those that were found valid are not checked again.
        """
        given = self._given()
        known = _valid.get(self, ())
        if len(known) == len(given) and all(map(operator.is_, known, given)):
            return
        refuse_module(self.estimator)
        _refuse_function(self.estimator)
        super()._validate_params()
        check_alpha(self.alpha)
        if not isinstance(self.noise, str):
            check_probability(self.noise.probability)
        if self._counts_words() and self.denoiser is not None:
            raise ValueError(
                f"denoiser={self.denoiser!r} is for noise of numbers and categories; "
                f"use denoiser=None with noise={self.noise!r}."
            )
        for name in ("n_predict", "n_certify"):
            if getattr(self, name) > LARGEST_WHOLE:
                raise ValueError(
                    f"{name}={getattr(self, name)} is more votes than can be "
                    f"counted: use {LARGEST_WHOLE} or fewer."
                )
        if isinstance(self, Hashable):
            _valid[self] = given

    def _given(self):
        """Parameters as they are now, and what is checked of a law's own."""
        names = self._parameter_constraints
        own = getattr(self.noise, "probability", None)
        return [*(getattr(self, name) for name in names), own]

    def _check_ready(self):
        """Refuse to predict before `fit`, or with parameters that are not valid."""
        state = vars(self)
        if "_noise_key" not in state:  # else it is: tags take long to read
            check_is_fitted(self)
        if not all(map(state.__contains__, _STATE)):
            missing = [name for name in _STATE if name not in state]
            raise NotFittedError(
                f"This {type(self).__name__} lacks {', '.join(missing)}, which fit and "
                "from_fitted set: it was pickled by another version of sksmooth, or "
                "attributes were deleted. Fit again, or use SmoothedClassifier."
                "from_fitted(clf.estimator_, ...)."
            )
        self._validate_params()

    @classmethod
    def from_fitted(
        cls,
        clf: Any,
        *,
        classes: ArrayLike | None = None,
        autocast: torch.dtype | None = None,
        channels_last: bool = False,
        **params: Any,
    ) -> Self:
        """Smooth a classifier that is fitted already; no call of `fit` is needed.

        Parameters
        ----------
        clf : fitted classifier, callable or torch.nn.Module
            A classifier is kept as it is, in a
            :class:`~sklearn.frozen.FrozenEstimator`. Any other object with `predict`
            and `classes_` will do, and so will a function: ``clf(X)`` returns a label
            for each sample of `X`, which has the shape of the samples given later, or
            is a DataFrame if they are. A module gives one score for each class, or
            for two classes one logit.
        classes : array-like of shape (n_classes,), default=None
            All labels that a function or an object without `classes_` can return, or
            labels in the order of the outputs of a module.
        autocast : torch.dtype, default=None
            ``torch.bfloat16`` or ``torch.float16``: run a module under
            :class:`torch.autocast`. What is smoothed and certified is then the network
            of that precision.
        channels_last : bool, default=False
            Pass images to a module with channels last in memory.
        **params : dict
            Parameters of `SmoothedClassifier`.

        Returns
        -------
        SmoothedClassifier

        Raises
        ------
        TypeError
            If `clf` is not a classifier, if `classes` is missing where `clf` does not
            state them, or if an option is given that is not for such a `clf`.
        NotFittedError
            If `clf` is not fitted.

        Examples
        --------
        >>> import numpy as np
        >>> from sksmooth import SmoothedClassifier
        >>> def sign_of_sum(X):
        ...     return np.where(X.sum(axis=1) > 0, "positive", "negative")
        >>> clf = SmoothedClassifier.from_fitted(
        ...     sign_of_sum, classes=["negative", "positive"], random_state=0
        ... )
        >>> print(*clf.predict([[1.0, 2.0], [-1.0, 0.5]]))
        positive negative
        """
        clf = as_classifier(
            clf, classes=classes, autocast=autocast, channels_last=channels_last
        )
        frozen = clf if isinstance(clf, FrozenEstimator) else FrozenEstimator(clf)
        smoothed = cls(frozen, **params)
        smoothed._validate_params()
        _check_classifier(frozen.estimator, "clf")
        try:
            check_is_fitted(frozen)
        except NotFittedError as error:
            raise NotFittedError(
                f"clf={frozen.estimator!r} is not fitted yet. Fit it first, or call "
                "SmoothedClassifier(clf, ...).fit(X, y)."
            ) from error
        rng = check_random_state(smoothed.random_state)
        if hasattr(frozen, "n_features_in_"):
            smoothed.n_features_in_ = frozen.n_features_in_
        names = stated_names(frozen)
        if names is not None:
            smoothed.feature_names_in_ = names
        smoothed._learn_categories(None)
        smoothed._learn_scale(None)
        smoothed._ranges = None
        # Nothing is known of training samples; a closed form refuses missing values.
        smoothed._may_miss = False
        smoothed._learn_denoiser(smoothed._fitted_denoiser())
        smoothed._adopt(frozen, draw_noise_key(rng))
        return smoothed

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the base classifier, without noise, and draw the key of the noise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Training data, finite numbers. A DataFrame is passed to the base classifier
            as it is.
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
        self : SmoothedClassifier
            The fitted classifier.

        Raises
        ------
        TypeError
            If `estimator` is not a classifier.
        ValueError
            If a parameter, `X` or `y` is invalid, if the fitted base classifier reads a
            column as categories, or if its label for a sample is random or depends on
            the other samples of a batch.

        Warns
        -----
        UserWarning
            If labels of training samples change under noise far smaller than `sigma`.
        """
        refuse_fit_params(fit_params, self)
        _check_classifier(self.estimator)
        check_given_labels(y)
        samples, y_checked = self._check_training(X, y)
        check_classification_targets(y_checked)
        fit_params = with_sample_weight(fit_params, self.estimator, sample_weight)
        if routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        rng = check_random_state(self.random_state)
        noise_key = draw_noise_key(rng)
        fitted = clone(self.estimator)
        if self.random_state is not None:
            _seed_unseeded(fitted, rng)
        as_frame, classes = frames_like(X), None
        arrays = getattr(samples, "rows", samples)
        X_seen, y_seen = arrays if as_frame is None else X, y_checked
        if isinstance(fitted, FrozenEstimator):
            as_frame = None  # it may have been fitted on something else
        elif ends_in_skorch_net(fitted):
            if not isinstance(fitted, Pipeline):
                # A DataFrame is several inputs to a net.
                X_seen, as_frame = np.asarray(arrays), None
            X_seen, y_seen, classes = encode_for_net(fitted, X_seen, y_checked)
        fitted.fit(X_seen, y_seen, **fit_params)
        self._may_miss = may_miss(fitted, samples)
        self._ranges = None
        if not isinstance(samples, Counts):
            scale = samples.scale if isinstance(samples, Table) else None
            self._ranges = ranges_of(values_of(samples), scale)
        self._learn_denoiser(self._fit_denoiser(X_seen, y_checked, sample_weight))
        self._adopt(fitted, noise_key, classes, as_frame)
        if self.method != "exact":
            probe_fitted(self._model(samples, as_frame), samples)
        return self

    def _adopt(self, fitted, noise_key, classes=None, as_frame=None):
        """Take over a fitted base classifier and the key of the noise."""
        if not hasattr(fitted, "classes_"):
            raise TypeError(
                f"estimator={fitted!r} has no attribute classes_ after fit; a "
                "classifier that states its classes is needed. Have its fit set "
                "classes_, or fit it yourself and pass its predict: SmoothedClassifier."
                "from_fitted(fitted.predict, classes=[...])."
            )
        if len(fitted.classes_) and np.ndim(fitted.classes_[0]) > 0:
            raise ValueError(
                f"estimator={fitted!r} is multi-output: classes_ holds one array per "
                "output. Smooth one classifier per output."
            )
        self.estimator_ = fitted
        self.classes_ = array_of_labels(fitted.classes_ if classes is None else classes)
        check_classes(self.classes_)
        if not self._counts_words():
            scale, drawn = self._scale(), self._known_categories() or ()
            refuse_categories(
                fitted,
                getattr(self, "n_features_in_", None),
                getattr(self, "feature_names_in_", None),
                held=[*drawn, *np.flatnonzero(scale == 0)] if scale is not None else (),
            )
        resolve_vote_weights(self.vote_weights, self.classes_)
        self._noise_key = noise_key
        self._as_frame = as_frame  # makes arrays the frames it was fitted on here

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class that leads the vote of each sample.

        Votes are drawn, at most `n_predict`, until the leader is the prediction of the
        smoothed classifier with probability at least ``1 - alpha``; a sample that stays
        undecided gets the leader. The label is that of all `n_predict` votes, except
        with probability about `alpha`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples, finite numbers.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels, members of `classes_`.
        """
        self._check_ready()
        X, as_frame = self._rows_and_frames(X)
        question = DecideLabel(int(self.n_predict), float(self.alpha), self._weights())
        return self.classes_[self._answer(question, X, as_frame).label]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Share of `n_predict` votes that each class gets.

        These are the plain shares: with `vote_weights`, `predict` returns the class
        with the largest product of share and weight.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples, finite numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Shares, in the order of `classes_`; each row sums to 1.
        """
        self._check_ready()
        X, as_frame = self._rows_and_frames(X)
        return self._answer(CountVotes(int(self.n_predict)), X, as_frame).shares

    def certify(
        self,
        X: ArrayLike,
        *,
        radii: ArrayLike | None = None,
        changes: Iterable[int] | None = None,
        tol: float = 0.05,
        beta: float = 0.05,
        log: LogPath | None = None,
    ) -> Certificates:
        """Certify the prediction for each sample within a radius.

        For each sample, with probability at least ``1 - alpha`` over the noise, the
        label is the prediction of the smoothed classifier, and that prediction is the
        same for every sample within `radius` of it.

        Without `radii`, the largest radius is estimated as in [1]_: pilot votes choose
        the class and how many votes it takes, fresh votes bound its probability. With
        `radii`, only "does it hold within r?" is decided, for each r of the grid,
        which takes tens of votes for most samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples, finite numbers.
        radii : array-like of float, default=None
            Radii to decide, in the units of `X`, zero or more. A certificate's radius
            is then the largest of them that holds.
        changes : iterable of int, default=None
            Numbers of categories that may change beside the numbers, such as ``(0, 1,
            2)``, under ``noise=Resample(...)``: `frontier` of the certificates then
            holds the radius for each number up to the largest of them. Under
            ``noise=TokenDeletion(...)``, numbers of words that may be taken out, and
            radii are how many may be added beside. It takes no votes of its own; with
            `radii`, it holds the largest of them for each number, which may take more.
        tol : float, default=0.05
            Radius, in units of `sigma`, that may be sacrificed to save votes, though
            never more than a fortieth of a radius. 0 gives every sample `n_certify`
            votes. Used without `radii`.
        beta : float, default=0.05
            Stop early on a sample (futility) when its votes show, at this error, that
            even `n_certify` votes would prove nothing more. 0 never stops early. It
            changes the cost, and slightly how many samples abstain; never the
            guarantee.
        log : CertificateLog, str or path-like, default=None
            File that samples are appended to as they finish. If it exists, samples that
            it holds are read from it instead of being certified again.

        Returns
        -------
        Certificates
            One for each sample, in the order of `X`.

        Raises
        ------
        ValueError
            If `X` or a parameter is invalid, if the base classifier fails on noisy
            copies or its label for a sample is not fixed, if `n_certify` votes cannot
            certify anything at this `alpha`, not even when unanimous, or if `log` is
            the log of another run.
        CertifyInterrupted
            On a keyboard interrupt without `log`; its attribute `certificates` holds
            those of the first samples, as many as were finished.

        Warns
        -----
        UserWarning
            If some of `radii` are out of reach of `n_certify` votes.

        References
        ----------
        .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
           Randomized Smoothing", ICML 2019, Algorithm 1.
        """
        self._check_ready()
        radii = _check_radii(radii)
        if not 0 <= as_float(tol) < np.inf:
            raise ValueError(f"tol={tol!r:.40} must be a finite number, zero or more.")
        if not 0 <= as_float(beta) < 0.5:
            raise ValueError(f"beta={beta!r:.40} must be a number in [0, 0.5).")
        index = getattr(X, "index", None) if hasattr(X, "iloc") else None
        X, as_frame = self._rows_and_frames(X)
        question = self._certify_question(X, radii, tol, beta)
        changes = check_changes(changes, question.law)
        if changes is not None and radii is not None:
            if log is not None:
                raise ValueError(
                    f"log={log!r} has no place for what holds beside changes at given "
                    "radii. Leave radii out: the frontier is then computed from the "
                    "votes that the log keeps; or leave out log."
                )
            question = CertifyFrontier(**vars(question), changes=changes)
        source = self._source(X, question, as_frame)
        source.check(question)
        source.probe(X)
        if log is not None:
            answers = self._certify_into(log, question, source, X)
            frontier = self._frontier(answers, question, source, X, changes)
            return self._certificates(answers, question, source, index, frontier)
        parts = []
        try:
            parts.extend(self._chunks(question, source, X))
        except KeyboardInterrupt:
            if not parts:
                raise
            some = RowAnswers.concatenate(parts).named(self.classes_)
            frontier = self._frontier(some, question, source, X, changes)
            raise CertifyInterrupted(
                self._certificates(some, question, source, index, frontier)
            ) from None
        answers = RowAnswers.concatenate(parts).named(self.classes_)
        frontier = self._frontier(answers, question, source, X, changes)
        return self._certificates(answers, question, source, index, frontier)

    def _certify_question(self, X, radii, tol, beta):
        law = self._law(n_values_of(X), X)
        settings = {
            "law": law,
            "n_max": int(self.n_certify),
            "alpha": float(self.alpha),
            "bound": self.bound,
            "weights": self._weights(),
            "slack": law.grid_slack(law.n_features),
            "beta": beta,
        }
        if radii is None:
            return CertifyRadius(tol=tol, **settings)
        return CertifyAtRadii(radii=radii, **settings)

    def _frontier(self, answers, question, source, X, changes):
        """Radii while 0, 1, ..., `changes` categories change, from what is known."""
        if changes is None or question.radii is not None:
            return answers.frontier
        if source.method == "exact":
            probits = source.probits(X[: len(answers.label)])
            return exact_frontier(probits, question.law, question.weights, changes)
        settings = {
            name: getattr(question, name)
            for name in ("law", "alpha", "bound", "weights", "slack")
        }
        label = class_index(answers.label, self.classes_)
        return Recertify(**settings).frontier(answers.counts, label, changes)

    def _certificates(self, answers, question, source, index, frontier):
        """Certificates from what is known of each sample."""
        columns = vars(answers) | {"frontier": frontier}
        del columns["label_counts"]
        return Certificates(
            **columns,
            classes=self.classes_,
            sigma=float(self.sigma),
            noise=question.law.name,
            norm=question.law.norm,
            method=source.method,
            radii=None if question.radii is None else tuple(question.radii.tolist()),
            **question.error(source.method),
            **self._space(),
            index=None if index is None else index[: len(answers.label)],
            law=question.law.terms(),
            vote_weights=question.weights,
        )

    def _space(self):
        """What radii are about, for certificates and logs."""
        scale, names = self._scale(), getattr(self, "feature_names_in_", None)
        return {
            "scale": None if scale is None else tuple(scale.tolist()),
            "features": None if names is None else tuple(map(str, names)),
            "denoiser": None if self.denoiser_ is None else repr(self.denoiser),
        }

    def _certify_into(self, log, question, source, X):
        """Certify the samples that a log does not hold yet, and return all of it."""
        digests = digests_of(X, self._noise_key)
        described = self._space() | describe_run(
            question, source, self.classes_, X, digests, self._noise_key
        )
        with CertificateLog.of(log).writing(described, digests) as writer:
            for at in writer.witnesses():
                parts = list(self._chunks(question, source, X[at], task="check log"))
                again = vars(RowAnswers.concatenate(parts).named(self.classes_))
                writer.check_witnesses(at, again, X[at], exactly=source.reproducible)
            n_done = len(writer.rows)
            try:
                for part in self._chunks(question, source, X[n_done:], n_done):
                    writer.append(vars(part.named(self.classes_)))
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"{len(writer.rows):,} of {len(X):,} samples are in "
                    f"{CertificateLog.of(log).path}; the same call resumes the run"
                ) from None
            return RowAnswers(**writer.columns())

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of `predict`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        float
            Share of the samples, or of their weight, that is predicted right.
        """
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)

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
            A sample counts as correct if its label is certified within this radius and
            right. An abstention is an error.

        Returns
        -------
        dict
            For each class of `classes_`, the share of its samples that are correct; nan
            for a class without samples.
        """
        check_is_fitted(self)
        radius = check_radius(radius)
        refuse_masked(y, "y")
        y = column_or_1d(y)
        check_consistent_length(X, y)
        require_known(y, self.classes_)
        certificates = self.certify(X, radii=[radius])
        correct = (certificates.label == y) & certificates.holds(radius)
        return {
            label: float(correct[y == label].mean()) if (y == label).any() else np.nan
            for label in self.classes_.tolist()
        }

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
        inner = tags_of(self.estimator)
        tags.input_tags.sparse = self._counts_words()
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.positive_only = inner.input_tags.positive_only
        tags.input_tags.three_d_array = inner.input_tags.three_d_array
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        return tags

    def _check_rows(self, X, y="no_validation", *, reset=False):
        """Check samples, and labels in `fit`, and return them as arrays."""
        if not reset and self._passes(X):
            return X
        self._refuse_sparse(X)
        X, y = plain_array(X), plain_array(y)
        refuse_columns_without_numbers(X, "SmoothedClassifier")
        if isinstance(X, Mapping):
            raise ValueError(
                f"X is a {type(X).__name__} with the keys {list(X)[:10]}; one array is "
                "needed, as noise is added to the features of a sample together. Put "
                "the inputs side by side, and let the first layer or step take them "
                "apart."
            )
        return validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=_DTYPES,
            allow_nd=True,
            ensure_all_finite=self._finite(),
        )

    def _passes(self, X):
        """Whether the checks of samples would return `X` itself.

        True for plain arrays of finite numbers. To learn that from the checks of
        scikit-learn takes longer than to predict a sample.
        """
        is_plain = type(X) is np.ndarray and X.ndim > 1 and X.dtype in _DTYPES
        if not is_plain or X.size == 0 or hasattr(self, "feature_names_in_"):
            return False
        if X.shape[1] != getattr(self, "n_features_in_", X.shape[1]):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(X.sum()))

    def _refuse_sparse(self, X):
        if type(X).__name__ == "LazyFrame":
            raise TypeError("X is a LazyFrame, without values; pass X.collect().")
        if issparse(X):
            raise TypeError(
                f"Sparse data was passed for X, and noise={self.noise!r} would fill in "
                "its zeros. For counts of words use noise=TokenDeletion(probability="
                "...), which keeps X sparse; else pass X.toarray()."
            )

    def _check_counts(self, X, y="no_validation", *, reset=False):
        """Check counts of words, and labels in `fit`."""
        refuse_columns_without_numbers(X, "SmoothedClassifier")
        checked = validate_data(
            self, X, y, reset=reset, accept_sparse="csr", dtype="numeric"
        )
        rows, *labels = checked if isinstance(checked, tuple) else (checked,)
        # Sums of small numbers would wrap around, here and in base classifiers.
        wide = np.float64 if rows.dtype.kind == "f" else np.int64
        rows = rows.astype(wide, copy=issparse(rows))
        if issparse(rows):
            rows.sum_duplicates()
            rows.eliminate_zeros()
        return Counts(self._law(rows.shape[1]).snap(rows)), *labels

    def vote_source(self, X: ArrayLike) -> VoteSource:
        """Tell where the votes for samples come from.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Samples, finite numbers.

        Returns
        -------
        VoteSource
            Read only: whether votes are sampled or computed, and at which cost.
        """
        self._check_ready()
        X, as_frame = self._rows_and_frames(X)
        return VoteSource.of(self._source(X, CountVotes(int(self.n_predict)), as_frame))

    def _weights(self):
        return resolve_vote_weights(self.vote_weights, self.classes_)

    def _rows_and_frames(self, X):
        """Check samples; return them, and what makes arrays frames again.

        The latter is None unless the base classifier is given frames that are made of
        arrays. One that was fitted elsewhere says by its `predict` whether it takes
        frames like `X`: it may state other names than those of the columns that it was
        fitted on.
        """
        if self._counts_words():
            return self._check_counts(X)[0], self._as_frame
        scale = self._scale()
        if scale is not None:
            rows = self._check_columns(X, reset=False)
            return self._table(self._with_names(rows), scale), None
        as_frame = frames_like(X)
        if (
            as_frame is None
            or not isinstance(self.estimator_, FrozenEstimator)
            or is_bare_network(self.estimator_)
        ):
            return self._check_rows(X), self._as_frame
        refuse_columns_without_numbers(X, "SmoothedClassifier")
        rows = check_array(
            X,
            dtype=_DTYPES,
            estimator=self,
            input_name="X",
            ensure_all_finite=self._finite(),
        )
        if not takes_frame(self.estimator_, as_frame(rows[:1])):
            return self._check_rows(X), None
        check_n_features(self, rows, reset=False)
        return rows, as_frame

    def _with_names(self, rows):
        """Rows of an array as the frame that the base classifier was fitted on."""
        as_frame = self._as_frame or frames_of(self.estimator_)
        is_array = isinstance(rows, np.ndarray) and as_frame is not None
        return as_frame(rows) if is_array else rows

    def _check_training(self, X, y):
        """Check training samples and labels, and learn which columns take noise."""
        plain = self.noise_features is None and self.feature_scale is None
        if plain and not isinstance(self.noise, Resample):
            check = self._check_counts if self._counts_words() else self._check_rows
            samples, y = check(X, y, reset=True)
            self._learn_categories(None)
            self._learn_scale(None)
            return samples, y
        y = validate_data(self, X="no_validation", y=y)
        rows = self._check_columns(X, reset=True)
        check_consistent_length(rows, y)
        self._learn_categories(rows)
        self._learn_scale(rows)
        return self._table(rows, self.feature_scale_), y

    def _check_columns(self, X, *, reset):
        """Check the names and the number of columns of any dtype."""
        self._refuse_sparse(X)
        # One that was fitted elsewhere may state other names.
        frozen = not reset and isinstance(self.estimator_, FrozenEstimator)
        return check_columns(self, X, reset=reset, names=not frozen)

    def _table(self, rows, scale):
        """Samples with the columns that take noise as numbers."""
        # The one that is named by a string takes no missing values either.
        denoises = isinstance(self.denoiser, (str, PosteriorMeanDenoiser))
        return numeric_table(
            rows,
            scale,
            noise_features=self.noise_features,
            estimator=PosteriorMeanDenoiser() if denoises else self.estimator,
            categories=self._known_categories(),
        )

    def _takes_missing(self):
        """Whether the base classifier takes missing values, or may."""
        return may_take_missing(self.estimator)

    def _finite(self):
        return "allow-nan" if self._takes_missing() else True

    def _predict_base(self, X):
        """Labels of the base classifier for samples without noise."""
        X, as_frame = self._rows_and_frames(X)
        return predict_labels(self.estimator_, self.classes_, X, as_frame)

    def _source(self, X, question, as_frame=None):
        """Where votes come from."""
        return find_source(
            self._model(X, as_frame, getattr(question, "law", None)),
            X,
            method=self.method,
            n_votes=question.expected_votes,
        )

    def _model(self, X, as_frame, law=None):
        return Model(
            self._base(),
            self.classes_,
            self._law(n_values_of(X), X) if law is None else law,
            self._noise_key,
            self.batch_size,
            self.device,
            as_frame,
            self._may_miss,
            self._weights() is not None,
        )

    def _answer(self, question, X, as_frame=None):
        """Results of a question for all samples."""
        source = self._source(X, question, as_frame)
        parts = list(self._chunks(question, source, X))
        return type(parts[0]).concatenate(parts)

    def _chunks(self, question, source, X, n_done=0, task=None):
        """Results of a question, chunk by chunk of the samples."""
        return run_in_chunks(
            partial(source.answer, question),
            X,
            n_jobs=1 if source.serial else self.n_jobs,
            largest=self.batch_size or _MOST_ROWS,
            task=task or question.task,
            verbose=self.verbose,
            n_done=n_done,
        )


def _check_classifier(estimator, name="estimator"):
    refuse_class(estimator, name)
    predicts = is_classifier(estimator) or hasattr(estimator, "predict")
    if is_no_classifier(estimator) or not predicts:
        raise TypeError(
            f"{name}={estimator!r} is not a classifier: smoothing takes a vote on "
            "class labels. Pass a classifier, or a function that returns labels to "
            "SmoothedClassifier.from_fitted(function, classes=[...])."
        )


def _refuse_function(estimator):
    if callable(estimator) and not (
        hasattr(estimator, "fit") or isinstance(estimator, type)
    ):
        raise TypeError(
            f"estimator={estimator!r} is a function, which has no method fit. Use "
            "SmoothedClassifier.from_fitted(function, classes=[...]), with all labels "
            "that it can return."
        )


def _seed_unseeded(estimator, rng):
    """Seed the random states that the user left None, so that one seed fixes all."""
    if isinstance(estimator, FrozenEstimator):
        return
    unseeded = {
        name: rng.randint(np.iinfo(np.int32).max)
        for name, value in sorted(estimator.get_params().items())
        if value is None and name.rpartition("__")[2] == "random_state"
    }
    if unseeded:
        estimator.set_params(**unseeded)


def _check_radii(radii):
    if radii is None:
        return None
    return np.sort(check_radii(radii))
