# SPDX-License-Identifier: BSD-3-Clause
"""The smoothed classifier: a meta-estimator that votes on noisy copies of each row."""

from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    clone,
    is_classifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import (
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

from sksmooth._compat import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    _fit_context,
    refuse_fit_params,
    routing_enabled,
)
from sksmooth._typing import RandomState
from sksmooth.bounds import check_alpha
from sksmooth.certificates import (
    Certificates,
    CertifyInterrupted,
    check_radii,
    check_radius,
    class_index,
    resolve_vote_weights,
)
from sksmooth.logs import CertificateLog, describe_run
from sksmooth.noise import Gaussian, draw_noise_key, row_digests
from sksmooth.parallel import run_in_chunks
from sksmooth.questions import (
    certify_at_radii,
    certify_radius,
    check_can_certify,
    count_votes,
    decide_label,
    exact_certificates,
    exact_label,
    exact_shares,
    run,
)
from sksmooth.votes import (
    ExactSource,
    as_classifier,
    encode_for_net,
    ends_in_skorch_net,
    find_source,
)

if TYPE_CHECKING:
    import torch

# Bounds take counts of votes as floats, which are whole numbers up to here.
_MOST_VOTES = 2**53


class SmoothedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Smooth any classifier by a vote on noisy copies of each row, and certify it.

    The smoothed classifier g answers the class that the base classifier f answers most
    often when Gaussian noise is added to the row,

        g(x) = argmax_c  w_c * P(f(x + N(0, sigma**2 I)) = c),

    with weights w of 1 unless `vote_weights` says otherwise. Around a row where the
    vote is clear, the answer of g provably does not change within a certified radius
    [1]_, whatever f is. The price is that decision regions of g shrink as `sigma`
    grows, some classes before others [2]_: look at `classwise_score`.

    `sigma` and every radius are in the units of the `X` given to this estimator.
    ``SmoothedClassifier(make_pipeline(StandardScaler(), clf))`` certifies raw units,
    ``make_pipeline(StandardScaler(), SmoothedClassifier(clf))`` certifies scaled ones.

    Read more in the :ref:`User Guide <smoothed_classifier>`.

    Parameters
    ----------
    estimator : classifier
        The base classifier. It needs `fit` and `predict` only. Wrap one that is fitted
        already in :class:`~sklearn.frozen.FrozenEstimator`, or use `from_fitted`.

    sigma : float, default=0.25
        Standard deviation of the noise.

    noise : {"gaussian"}, default="gaussian"
        Law of the noise.

    norm : {2}, default=2
        The norm in which radii are certified.

    method : {"auto", "monte_carlo", "exact"}, default="auto"
        Where votes come from. "monte_carlo" samples them; "exact" computes their
        probabilities in closed form, and raises where there is none for the fitted
        estimator; "auto" takes the closed form where there is one and it is not slower.

    bound : {"multiclass", "binary"}, default="multiclass"
        How votes prove a radius. "binary" bounds the probability of the leading class
        alone, at `alpha`, as in [1]_. "multiclass" also bounds the other classes, at
        half of `alpha` each: the radius is larger where the misses are spread over
        several classes, and can be positive where the leader has less than half of
        the votes.

    vote_weights : dict {class: weight}, array-like of shape (n_classes,) or None, \
            default=None
        Positive weights of the classes in the vote, in the order of `classes_` if an
        array. Classes that a dict leaves out have weight 1.

    n_predict : int, default=1000
        Votes of `predict_proba`, and most votes of `predict`, for a row.

    n_certify : int, default=10_000
        Most votes that `certify` reads a certificate from. Without `radii` a pilot
        comes before them: 32 votes, or up to an eighth as many (100 with ``tol=0``).

    alpha : float, default=0.001
        Probability, for each row, that its certificate is wrong.

    batch_size : int, default=8192
        Noisy rows held in memory, and given to the base classifier, at a time.

    device : str, torch.device or None, default=None
        Where a torch network votes; None is where it is. Others accept None only.

    n_jobs : int or None, default=None
        Number of jobs over rows. ``None`` means 1 unless in a
        :func:`joblib.parallel_config` context.

    random_state : int, RandomState instance or None, default=None
        Determines the key that noise is derived from, drawn once in `fit`. The same
        fitted object gives the same answer for a row each time. If not None, it also
        seeds the `random_state` parameters of `estimator` that are None. Leave it None
        where somebody might choose rows knowing the seed.

    verbose : int, default=0
        Show a progress bar if 1 or more.

    Attributes
    ----------
    estimator_ : classifier
        The fitted base classifier.

    classes_ : ndarray of shape (n_classes,)
        The classes of `estimator_`.

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
    The noise of a row is a function of the key drawn in `fit` and of the row. Results
    do not depend on `batch_size`, `n_jobs` or the other rows of a call, those of closed
    forms up to rounding; rows that differ, as float32, have independent noise.
    Certifying a row again adds no evidence.

    Parameters other than `estimator` may be changed by `set_params` on a fitted object:
    nothing needs to be fitted again.

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
        "estimator": [HasMethods(["fit", "predict"])],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "noise": [StrOptions({"gaussian"})],
        "norm": [Options(Real, {2})],
        "method": [StrOptions({"auto", "exact", "monte_carlo"})],
        "bound": [StrOptions({"binary", "multiclass"})],
        "vote_weights": [None, Mapping, "array-like"],
        "n_predict": [Interval(Integral, 1, None, closed="left")],
        "n_certify": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": "no_validation",  # a vote source knows which devices there are
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        sigma: float = 0.25,
        noise: str = "gaussian",
        norm: int = 2,
        method: str = "auto",
        bound: str = "multiclass",
        vote_weights: Mapping[Any, float] | ArrayLike | None = None,
        n_predict: int = 1000,
        n_certify: int = 10_000,
        alpha: float = 0.001,
        batch_size: int = 8192,
        device: "str | torch.device | None" = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.sigma = sigma
        self.noise = noise
        self.norm = norm
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
        super()._validate_params()
        check_alpha(self.alpha)
        for name in ("n_predict", "n_certify"):
            if getattr(self, name) > _MOST_VOTES:
                raise ValueError(
                    f"{name}={getattr(self, name)} is more votes than can be counted: "
                    f"use {_MOST_VOTES} or fewer."
                )

    @classmethod
    def from_fitted(
        cls,
        clf: Any,
        *,
        classes: ArrayLike | None = None,
        autocast: "torch.dtype | None" = None,
        channels_last: bool = False,
        **params: Any,
    ) -> Self:
        """Smooth a classifier that is fitted already; no call of `fit` is needed.

        Parameters
        ----------
        clf : fitted classifier or torch.nn.Module
            It is kept as it is, in a :class:`~sklearn.frozen.FrozenEstimator`. A
            module gives one score for each class, or for two classes one logit.
        classes : array-like of shape (n_classes,), default=None
            Labels in the order of the outputs of a module.
        autocast : torch.dtype, default=None
            ``torch.bfloat16`` or ``torch.float16``: ask a module under
            :class:`torch.autocast`. What is smoothed and certified is then the network
            of that precision.
        channels_last : bool, default=False
            Hand images to a module with channels last in memory.
        **params : dict
            Parameters of `SmoothedClassifier`.

        Returns
        -------
        SmoothedClassifier

        Raises
        ------
        TypeError
            If `clf` is not a classifier, or if `classes` is missing for a module or
            an option for modules is given for anything else.
        NotFittedError
            If `clf` is not fitted.
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
        smoothed._adopt(frozen, draw_noise_key(rng))
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(frozen, name):
                setattr(smoothed, name, getattr(frozen, name))
        return smoothed

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the base classifier, without noise, and draw the key of the noise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Training data, finite numbers. A DataFrame is handed to the base classifier
            as it is.
        y : array-like of shape (n_samples,)
            Class labels.
        **fit_params : dict
            Passed to the `fit` of the base classifier: `sample_weight`, or what is
            requested if metadata routing is enabled.

        Returns
        -------
        self : SmoothedClassifier
            The fitted classifier.

        Raises
        ------
        TypeError
            If `estimator` is not a classifier.
        ValueError
            If a parameter, `X` or `y` is invalid.
        """
        refuse_fit_params(fit_params, self)
        _check_classifier(self.estimator)
        X_checked, y_checked = self._check_rows(X, y, reset=True)
        check_classification_targets(y_checked)
        if routing_enabled():
            inner_params = process_routing(self, "fit", **fit_params).estimator.fit
        else:
            inner_params = fit_params
        named = hasattr(self, "feature_names_in_") and hasattr(X, "iloc")
        rng = check_random_state(self.random_state)
        noise_key = draw_noise_key(rng)
        fitted = clone(self.estimator)
        if self.random_state is not None:
            _seed_unseeded(fitted, rng)
        X_seen, y_seen, classes = X if named else X_checked, y_checked, None
        if ends_in_skorch_net(fitted) and not isinstance(fitted, FrozenEstimator):
            if not isinstance(fitted, Pipeline):
                X_seen = X_checked  # a DataFrame is several inputs to a net
            X_seen, y_seen, classes = encode_for_net(fitted, X_seen, y_checked)
        fitted.fit(X_seen, y_seen, **inner_params)
        self._adopt(fitted, noise_key, classes)
        return self

    def _adopt(self, fitted, noise_key, classes=None):
        """Take over a fitted base classifier and the key of the noise."""
        if not hasattr(fitted, "classes_"):
            raise TypeError(
                f"estimator={fitted!r} has no attribute classes_ after fit; a "
                "classifier that states its classes is needed."
            )
        if np.ndim(fitted.classes_[0]) > 0:
            raise ValueError(
                f"estimator={fitted!r} is multi-output: classes_ holds one array per "
                "output. Smooth one classifier per output."
            )
        self.estimator_ = fitted
        self.classes_ = np.asarray(fitted.classes_ if classes is None else classes)
        resolve_vote_weights(self.vote_weights, self.classes_)
        self._noise_key = noise_key

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Answer the class that leads the vote of each row.

        Votes are drawn until the leader is the class that the smoothed classifier
        answers, with probability at least ``1 - alpha``, at most `n_predict`; a row
        that stays undecided answers its leader. The answer is that of all `n_predict`
        votes, except with probability about `alpha`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Rows, finite numbers.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels, members of `classes_`.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_rows(X)
        weights = resolve_vote_weights(self.vote_weights, self.classes_)
        source = self._source(X, min(self.n_predict, 50))
        if isinstance(source, ExactSource):
            return self.classes_[exact_label(source.probits(X, self.sigma), weights)]
        procedure = partial(
            decide_label, n_max=self.n_predict, alpha=self.alpha, weights=weights
        )
        work = partial(_run_chunk, procedure, source)
        chunks = self._chunks(work, X, "predict", self._jobs(source))
        found = _joined(list(chunks))
        return self.classes_[found["label"]]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Share of `n_predict` votes that each class gets.

        These are the plain shares: with `vote_weights`, `predict` answers the class
        with the largest product of share and weight.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Rows, finite numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Shares, in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_rows(X)
        source = self._source(X, min(self.n_predict, 50))
        if isinstance(source, ExactSource):
            return exact_shares(source.probits(X, self.sigma))
        procedure = partial(count_votes, n_votes=self.n_predict)
        work = partial(_run_chunk, procedure, source)
        chunks = self._chunks(work, X, "predict_proba", self._jobs(source))
        found = _joined(list(chunks))
        return found["counts"] / self.n_predict

    def certify(
        self,
        X: ArrayLike,
        *,
        radii: ArrayLike | None = None,
        tol: float = 0.05,
        beta: float = 0.05,
        log: CertificateLog | str | PathLike[str] | None = None,
    ) -> Certificates:
        """Certify the answer for each row within a radius.

        For each row, with probability at least ``1 - alpha`` over the noise, the label
        is the answer of the smoothed classifier, and that answer is the same for every
        row within `radius` of it.

        Without `radii`, the largest radius is estimated as in [1]_: pilot votes choose
        the class and how many votes it takes, fresh votes bound its probability. With
        `radii`, only "does it hold within r?" is answered, for each r of the grid,
        which takes tens of votes for most rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Rows, finite numbers.
        radii : array-like of float, default=None
            Radii to ask for, in the units of `X`, zero or more. A certificate's radius
            is then the largest of them that holds.
        tol : float, default=0.05
            Radius, in units of `sigma`, that may be given up for fewer votes, though
            never more than a fortieth of a radius. 0 gives every row `n_certify`
            votes. Used without `radii`.
        beta : float, default=0.05
            A row is given up when its votes say, at this error, that even `n_certify`
            votes would prove nothing more. 0 never gives up. It changes the cost, and
            how many rows abstain by a hair; never the guarantee.
        log : CertificateLog, str or path-like, default=None
            File that rows are appended to as they finish. If it exists, rows that it
            holds are read from it instead of being certified again.

        Returns
        -------
        Certificates
            One for each row, in the order of `X`.

        Raises
        ------
        ValueError
            If `X` or a parameter is invalid, if `n_certify` votes cannot certify
            anything at this `alpha`, not even when unanimous, or if `log` is the log
            of another run.
        CertifyInterrupted
            On a keyboard interrupt without `log`; its attribute `certificates` holds
            those of the first rows, as many as were finished.

        Warns
        -----
        UserWarning
            If some of `radii` are out of reach of `n_certify` votes.

        References
        ----------
        .. [1] J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via
           Randomized Smoothing", ICML 2019, Algorithm 1.
        """
        check_is_fitted(self)
        self._validate_params()
        radii = _check_radii(radii)
        if not (isinstance(tol, Real) and 0 <= tol < np.inf):
            raise ValueError(f"tol={tol!r} must be a finite number, zero or more.")
        if not (isinstance(beta, Real) and 0 <= beta < 0.5):
            raise ValueError(f"beta={beta!r} must be a number in [0, 0.5).")
        X = self._check_rows(X)
        law = Gaussian(self.sigma)
        asked = {
            "law": law,
            "radii": radii,
            "weights": resolve_vote_weights(self.vote_weights, self.classes_),
        }
        source = self._source(X, self._votes_expected(radii))
        if isinstance(source, ExactSource):
            asked |= {"alpha": 0.0, "method": "exact", "slack": 0.0}
            work = partial(_answer_exactly, source, law, asked["weights"], radii)
            n_jobs = 1  # a table is quicker read than sent
        else:
            asked |= {
                "alpha": float(self.alpha),
                "bound": self.bound,
                "method": "monte_carlo",
                "n_max": self.n_certify,
                "slack": law.grid_slack(X[0].size if len(X) else 1),
            }
            asked |= {"beta": beta} | ({"tol": tol} if radii is None else {})
            work = partial(_run_chunk, self._procedure(asked), source)
            n_jobs = self._jobs(source)

        def certificates(found):
            return Certificates(
                **found,
                classes=self.classes_,
                sigma=float(self.sigma),
                noise=law.name,
                norm=law.norm,
                alpha=asked["alpha"],
                method=asked["method"],
                radii=None if radii is None else tuple(radii.tolist()),
                slack=asked["slack"],
            )

        if log is not None:
            return certificates(self._certify_into(log, work, source, X, asked, n_jobs))
        results = []
        try:
            for found in self._chunks(work, X, "certify", n_jobs):
                results.append(self._named(found))
        except KeyboardInterrupt:
            if not results:
                raise
            raise CertifyInterrupted(certificates(_joined(results))) from None
        return certificates(_joined(results))

    def _procedure(self, asked):
        """The sampling procedure that answers a question of `certify`."""
        settings = {name: value for name, value in asked.items() if name != "method"}
        feasibility = {
            name: settings[name]
            for name in ("law", "radii", "n_max", "alpha", "bound", "weights")
        }
        check_can_certify(len(self.classes_), **feasibility)
        if settings["radii"] is None:
            del settings["radii"]
            return partial(certify_radius, **settings)
        return partial(certify_at_radii, **settings)

    def _votes_expected(self, radii):
        """About how many votes a row takes, to weigh a closed form against."""
        if radii is None:
            return self.n_certify / 4
        return min(self.n_certify, 500)

    def _certify_into(self, log, work, source, X, asked, n_jobs):
        """Certify the rows that a log does not hold yet, and return all of its rows."""
        digests = row_digests(X, self._noise_key)
        described = describe_run(asked, source, self.classes_, X, digests)
        with CertificateLog.of(log).writing(described, digests) as writer:
            rest = X[len(writer.rows) :]
            for found in self._chunks(work, rest, "certify", n_jobs):
                writer.append(self._named(found))
            return writer.columns()

    def _named(self, found):
        """Replace positions of classes by their labels."""
        return {**found, "label": self.classes_[found["label"]]}

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of `predict`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Rows.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        float
            Share of the rows, or of their weight, that is answered right.
        """
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)

    def classwise_score(
        self, X: ArrayLike, y: ArrayLike, *, radius: float = 0.0
    ) -> dict[Any, float]:
        """Certified accuracy of each class at a radius.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features, ...)
            Rows.
        y : array-like of shape (n_samples,)
            True labels.
        radius : float, default=0.0
            A row counts as correct if its label is certified within this radius and
            right. An abstention is an error.

        Returns
        -------
        dict
            For each class of `classes_`, the share of its rows that are correct; nan
            for a class without rows.
        """
        check_is_fitted(self)
        radius = check_radius(radius)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        unknown = class_index(y, self.classes_) < 0
        if unknown.any():
            raise ValueError(
                f"y holds the classes {np.unique(y[unknown]).tolist()}, which the "
                f"classifier does not know: its classes are {self.classes_.tolist()}."
            )
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
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        tags.input_tags.positive_only = inner.input_tags.positive_only
        tags.input_tags.three_d_array = inner.input_tags.three_d_array
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        return tags

    def _check_rows(self, X, y="no_validation", *, reset=False):
        """Check rows, and labels in `fit`, and return them as arrays."""
        try:
            return validate_data(
                self,
                X,
                y,
                reset=reset,
                dtype=[np.float64, np.float32],
                allow_nd=True,
            )
        except (TypeError, ValueError) as error:
            columns = _columns_without_numbers(X)
            if columns:
                raise ValueError(
                    f"X has the columns {columns}, which are not numbers: Gaussian "
                    "noise can only be added to numbers. Encode them before "
                    "SmoothedClassifier, in a Pipeline, or leave them out."
                ) from error
            raise

    def _source(self, X, expected_votes):
        """Where votes come from."""
        return find_source(
            self.estimator_,
            self.classes_,
            Gaussian(self.sigma),
            self._noise_key,
            self.batch_size,
            method=self.method,
            X=X,
            expected_votes=expected_votes,
            device=self.device,
        )

    def _jobs(self, source):
        """Number of jobs; one where they would fight for a device."""
        return 1 if source.serial else self.n_jobs

    def _chunks(self, work, X, task, n_jobs):
        """Work on rows chunk by chunk, and yield the arrays of each chunk."""
        return run_in_chunks(
            work,
            X,
            n_jobs=n_jobs,
            largest=self.batch_size,
            task=task,
            verbose=self.verbose,
        )


def _joined(results):
    return {
        name: np.concatenate([result[name] for result in results])
        for name in results[0]
    }


def _run_chunk(procedure, source, X, on_finished=None):
    """Sample the votes of a chunk of rows."""
    streams = source.open(X)
    return run(procedure(len(X), len(source.classes)), streams, len(X), on_finished)


def _answer_exactly(source, law, weights, radii, X, on_finished=None):
    """Certify a chunk of rows in closed form."""
    found = exact_certificates(source.probits(X, law.sigma), law, weights, radii)
    if on_finished is not None:
        on_finished(len(X))
    return found


def _check_classifier(estimator, name="estimator"):
    if not is_classifier(estimator):
        raise TypeError(
            f"{name}={estimator!r} is not a classifier: smoothing takes a vote on "
            "class labels. Pass a classifier."
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


def _columns_without_numbers(X):
    """Names of the columns of a DataFrame that cannot be read as numbers."""
    if not hasattr(X, "dtypes") or not hasattr(X, "columns"):
        return []

    def is_numeric(column):
        try:
            np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError):
            return False
        return True

    return [name for name in X.columns if not is_numeric(X[name])]


def _check_radii(radii):
    if radii is None:
        return None
    return np.sort(check_radii(radii))
