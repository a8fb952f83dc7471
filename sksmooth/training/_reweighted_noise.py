# SPDX-License-Identifier: BSD-3-Clause
"""Noise augmentation with more copies of the classes that smoothing harms."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed

from sksmooth._arguments import LARGEST_WHOLE
from sksmooth._compat import (
    Interval,
    StrOptions,
    _fit_context,
    refuse_fit_params,
    routing_enabled,
)
from sksmooth._estimators import frames_like, with_sample_weight
from sksmooth._smoothed_classifier import SmoothedClassifier
from sksmooth._typing import RandomState
from sksmooth.certificates import class_index
from sksmooth.parallel import as_many_jobs
from sksmooth.samples import digests_of
from sksmooth.training._copies import take_params
from sksmooth.training._noise_augmented import NoiseAugmentedClassifier
from sksmooth.tuning._tuned_vote import _folds
from sksmooth.tuning._vote_weight_search import (
    VoteObjective,
    cross_fitted_gain,
    is_beyond_noise,
)

# In place of the position of a class, where there is no label.
_ABSTAINED = -1


class ReweightedNoiseClassifier(NoiseAugmentedClassifier):
    r"""Noise augmentation with more copies of the classes that smoothing harms.

    Smoothing shrinks the decision regions of some classes more than those of others,
    and training on equally many noisy copies of all samples does not take this into
    account [1]_. Here the share of each class in the noisy copies follows its errors:
    those of the **smoothed** classifier, on folds that the base classifier was not
    fitted on. In each of `n_rounds` rounds the weight of class c is multiplied by
    :math:`\exp(\eta (\bar a - a_c))`, with :math:`a_c` its accuracy and
    :math:`\bar a` the mean of all classes (multiplicative weights [2]_ [3]_). The round
    that serves the objective best is kept, and equal weights if its gain is within
    noise. The classifier is then trained on all samples with these weights.

    However the base classifier was trained, certificates of its smoothed version are
    valid.

    Parameters
    ----------
    estimator : classifier
        The classifier to train. It is cloned; its parameters, random state included,
        are left as they are.

    sigma : float
        Standard deviation of the noise that the classifier will be **smoothed** with,
        in the units of `X` or of `feature_scale`.

    train_sigma : float, default=None
        Standard deviation of the noise that it is trained with. None is `sigma`; for
        large `sigma`, half of it often does better.

    n_rounds : int, default=5
        Most rounds, the first of which has equal weights.

    cv : int, cross-validation generator, iterable or None, default=5
        How samples are split into folds, each sample in one; as in
        :func:`~sklearn.model_selection.cross_val_predict`. An integer or None puts
        copies of a sample into the same fold, if each class has enough other samples:
        no classifier is tested on what it was fitted on.

    objective : str or callable, default="worst_class_accuracy"
        What to keep a round for: "worst_class_accuracy", "balanced_accuracy" (the mean
        of the accuracies of the classes), "accuracy", or ``objective(y_true, y_pred)``,
        of which more is better; all of the smoothed classifier.

    alpha : float or None, default=None
        None counts a held-out sample as right if the smoothed classifier predicts its
        class. A number, such as 0.001, is stricter: it is certified with
        `n_predict` votes at that error probability, and abstentions are errors. This
        serves certified accuracy, with as many votes as are cast in the end.

    max_radius_loss : float or None, default=None
        Largest share of the average certified radius of held-out samples that weights
        may cost, such as 0.05; it needs `alpha`. Where a round costs more, the weights
        of the next one are halfway between the last that did not and the last that did,
        in their logarithms; the best round that does not is kept. None keeps the first
        round within one standard error of the best.

    significance : float or None, default=0.05
        Weights are accepted if their gain passes a one-sided test at this level, in
        (0, 0.5]. At 0.5 any gain will do. None accepts them untested.

    noise : {"gaussian", "laplace", "uniform", "splitting"}, default="gaussian"
        Distribution of the noise, in training and in the vote, as in
        :class:`NoiseAugmentedClassifier`.

    noise_features : names, indices, bool mask, slice, callable or None, default=None
        The features that take noise; None is all of them. All others are as they come,
        of any dtype, missing values included.

    feature_scale : "std", dict, array-like of shape (n_features,) or None, default=None
        The unit of each feature, as in :class:`NoiseAugmentedClassifier`.

    denoiser : "posterior_mean", transformer or None, default=None
        For a classifier that will be smoothed behind a denoiser, as in
        :class:`NoiseAugmentedClassifier`; so are those on the folds. What it has as
        ``sigma=None`` follows `sigma`, not `train_sigma`.

    n_copies : int, default=10
        Number of noisy copies, as in :class:`NoiseAugmentedClassifier`. A copy has as
        many samples as `X`, whatever the weights.

    n_predict : int, default=200
        Most votes for a held-out sample. Without `alpha`, voting stops earlier where
        the leader is clear.

    n_jobs : int or None, default=None
        Number of jobs over the folds.

    random_state : int, RandomState instance or None, default=None
        Seed of the noise of training and of the votes. The noise is the same in all
        rounds.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone of `estimator`.

    classes_ : ndarray of shape (n_classes,)
        The class labels, as the fitted estimator orders them.

    class_weight_ : ndarray of shape (n_classes,)
        Number of copies of a sample of each class, in the order of
        ``numpy.unique(y)``, relative to the mean over samples; all 1 if no gain was
        beyond noise.

    best_round_ : int
        The round that was kept; 0 has equal weights.

    path_ : dict of ndarray
        What each round had: "class_weight" and "class_accuracy", of shape (n_rounds,
        n_classes), and "score", of shape (n_rounds,); with `alpha`, also
        "mean_radius", the average certified radius.

    cv_results_ : dict
        How the gain was judged: "plain_score" and "reweighted_score", the latter with
        the round for each fold chosen on the other folds; "gain", "gain_std_error",
        and "accepted".

    denoiser_ : transformer or None
        The fitted denoiser of the copies. `predict` does without it.

    n_copies_ : int
        Number of noisy copies that the estimator was trained on.

    feature_scale_ : ndarray of shape (n_features,) or None
        The unit of each feature, 0 where it takes no noise; None where neither
        `noise_features` nor `feature_scale` is given.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all of them are strings.

    See Also
    --------
    NoiseAugmentedClassifier : The same with equal weights.
    sksmooth.TunedVoteClassifierCV : Weighs votes instead, without training.

    Notes
    -----
    With K classes and T rounds, :math:`\eta = \sqrt{8 \ln K / T}`. This is the rule
    of a repeated game, in which weights on classes play against the learner. Let
    :math:`q_t` be the distribution proportional to the weights of round t, and
    :math:`e_{t,c}` the error of class c. Then [2]_ [3]_

    .. math:: \max_c \frac{1}{T} \sum_t e_{t,c} \;\le\;
        \frac{1}{T} \sum_t \sum_c q_{t,c}\, e_{t,c} + \sqrt{\frac{\ln K}{2 T}}.

    So if training can hold the *weighted* error down in each round, the worst class,
    averaged over rounds, is not far above it. The bound is about the average of the
    rounds and the errors on the samples that are weighted by, not about the one round
    that is kept: with 5 rounds and 10 classes its last term is 0.48. It motivates
    the rule; the gain itself is measured, see `cv_results_`.

    Among rounds within one standard error of the best one, the earliest is kept: more
    weight on few classes costs radius everywhere (the one-standard-error rule of [4]_).
    With `max_radius_loss`, that cost is measured instead.

    Copies, and not sample weights, carry the weights, as they do for any estimator; on
    digits with a logistic classifier both gave the same worst class. Training with
    `n_rounds` rounds takes ``n_rounds * cv + 1`` fits.

    A sample that is given twice gets noise of its own each time. So a weight of 2 is
    the same as a sample given twice in the mean over the noise, but not for each draw.

    Vote weights of :class:`~sksmooth.TunedVoteClassifierCV` can be tuned on top.
    Metadata is routed to the estimator's `fit` and to `cv`.

    References
    ----------
    .. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel,
       "Hidden Cost of Randomized Smoothing", AISTATS 2021, section 5.
    .. [2] Y. Freund, R. E. Schapire, "A Decision-Theoretic Generalization of On-Line
       Learning and an Application to Boosting", Journal of Computer and System Sciences
       55 (1997), section 2.
    .. [3] S. Arora, E. Hazan, S. Kale, "The Multiplicative Weights Update Method: a
       Meta-Algorithm and Applications", Theory of Computing 8 (2012), section 2.
    .. [4] L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression
       Trees", 1984, section 3.4.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksmooth import SmoothedClassifier
    >>> from sksmooth.training import ReweightedNoiseClassifier
    >>> X, y = load_digits(n_class=4, return_X_y=True)
    >>> base = ReweightedNoiseClassifier(
    ...     LogisticRegression(), sigma=2.0, n_rounds=3, n_copies=2, cv=2,
    ...     random_state=0)
    >>> clf = SmoothedClassifier(base, sigma=2.0, random_state=0).fit(X / 16, y)
    >>> clf.estimator_.path_["class_weight"].shape
    (3, 4)
    """

    _parameter_constraints: dict = {
        **NoiseAugmentedClassifier._parameter_constraints,
        "train_sigma": [None, Interval(Real, 0, np.inf, closed="neither")],
        "n_rounds": [Interval(Integral, 1, LARGEST_WHOLE, closed="both")],
        "cv": ["cv_object"],
        "objective": [
            StrOptions({"worst_class_accuracy", "balanced_accuracy", "accuracy"}),
            callable,
        ],
        "alpha": [None, Interval(Real, 0, 1, closed="neither")],
        "max_radius_loss": [None, Interval(Real, 0, 1, closed="neither")],
        "significance": [None, Interval(Real, 0, 0.5, closed="right")],
        "n_predict": [Interval(Integral, 1, LARGEST_WHOLE, closed="both")],
        "n_jobs": [None, Integral],
    }

    # It is passed on, not used here: the estimator says whether it requests it.
    __metadata_request__fit = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        sigma: float,
        train_sigma: float | None = None,
        n_rounds: int = 5,
        cv: Any = 5,
        objective: str
        | Callable[[NDArray[Any], NDArray[Any]], float] = "worst_class_accuracy",
        alpha: float | None = None,
        max_radius_loss: float | None = None,
        significance: float | None = 0.05,
        noise: str = "gaussian",
        noise_features: Any = None,
        feature_scale: Any = None,
        denoiser: Any = None,
        n_copies: int = 10,
        n_predict: int = 200,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            estimator,
            sigma=sigma,
            noise=noise,
            noise_features=noise_features,
            feature_scale=feature_scale,
            denoiser=denoiser,
            n_copies=n_copies,
            random_state=random_state,
        )
        self.train_sigma = train_sigma
        self.n_rounds = n_rounds
        self.cv = cv
        self.objective = objective
        self.alpha = alpha
        self.max_radius_loss = max_radius_loss
        self.significance = significance
        self.n_predict = n_predict
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Find the weights of the classes, and fit a clone of the estimator with them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Training samples, dense; more than two axes are kept as they are. Features
            that take noise are numbers.

        y : array-like of shape (n_samples,)
            Class labels, passed to the estimator unchanged.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, passed to the `fit` of the estimator; the objective
            does not use them. If metadata routing is enabled, they are passed only if
            that requests them.

        **fit_params : dict
            With metadata routing: whatever the estimator's `fit` and `cv` request.
            Values with one entry for each sample are split and repeated with them.

        Returns
        -------
        self : ReweightedNoiseClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of range, if the estimator is a regressor, frozen, or
            takes pairwise distances or kernels, if the folds of `cv` do not hold each
            sample once, if `alpha` is given with an `objective` that is a function, or
            if `max_radius_loss` is given without `alpha`.
        """
        refuse_fit_params(fit_params, self)
        self._check_estimator()
        if callable(self.objective) and self.alpha is not None:
            raise ValueError(
                f"objective={self.objective!r} takes labels, and with "
                f"alpha={self.alpha!r} the smoothed classifier abstains for some "
                "samples. Use alpha=None, or an objective that is given by its name."
            )
        if self.max_radius_loss is not None and self.alpha is None:
            raise ValueError(
                f"max_radius_loss={self.max_radius_loss!r} is about certified radii, "
                "and alpha=None certifies nothing. Give alpha, such as alpha=0.001."
            )
        self._as_frame = frames_like(X)
        samples, y = self._check_training(X, y)
        check_classification_targets(y)
        fit_params = with_sample_weight(fit_params, self.estimator, sample_weight)
        split_params: dict[str, Any] = {}
        if routing_enabled():
            routed = process_routing(self, "fit", **fit_params)
            fit_params, split_params = routed.estimator.fit, routed.splitter.split
        inner_params = {k: v for k, v in fit_params.items() if v is not None}
        seed = check_random_state(self.random_state).bytes(32)

        classes, index = np.unique(y, return_inverse=True)
        self.class_weight_ = np.ones(len(classes))
        # With one class, or one round, there is nothing to choose.
        search = len(classes) > 1 and self.n_rounds > 1
        folds = self._find_folds(samples, y, index, split_params) if search else []
        self._search(samples, y, index, classes, folds, seed, inner_params)
        self.estimator_, self.denoiser_, self.n_copies_ = self._train(
            samples, y, self.class_weight_, seed, inner_params
        )
        self.classes_ = getattr(self.estimator_, "classes_", classes)
        return self

    def _find_folds(self, X, y, index, split_params):
        """Splits of the samples; copies of a sample are in the same fold of ours."""
        cv = check_cv(self.cv, y, classifier=True)
        if self.cv is None or isinstance(self.cv, Integral):
            # Samples that are equal, in columns held fixed too, have one digest.
            contents = zip(digests_of(X, b""), index.tolist(), strict=True)
            places: dict[tuple, int] = {}
            owner = np.array([places.setdefault(one, len(places)) for one in contents])
            _, first = np.unique(owner, return_index=True)
            enough = np.bincount(index[first]) >= cv.get_n_splits()
            if len(first) < len(X) and enough.all():
                return [
                    tuple(np.flatnonzero(np.isin(owner, part)) for part in fold)
                    for fold in cv.split(first, y[first])
                ]
        return _folds(cv, getattr(X, "rows", X), y, split_params)

    def _search(self, X, y, index, classes, folds, seed, fit_params):
        """Run the rounds, and keep the weights of one."""
        n_classes = len(classes)
        objective = VoteObjective(self.objective, None, classes)
        weights, found = np.ones(n_classes), []
        # The step that makes the bound on the regret smallest.
        step = np.sqrt(8 * np.log(n_classes) / self.n_rounds)
        names = ["class_weight", "class_accuracy", "score"]
        names += [] if self.alpha is None else ["mean_radius"]
        path: dict[str, list] = {name: [] for name in names}
        allowed, within, beyond = [], weights, None
        for _ in range(self.n_rounds if folds else 0):
            answers, radius = self._held_out(
                X, y, classes, weights, folds, seed, fit_params
            )
            is_right = answers == index
            accuracy = np.bincount(index, is_right) / np.bincount(index)
            if self.alpha is not None:
                path["mean_radius"].append(np.where(is_right, radius, 0.0).mean())
            found.append(answers)
            path["class_weight"].append(weights)
            path["class_accuracy"].append(accuracy)
            path["score"].append(objective.judge(index, answers)[0])
            allowed.append(self._may_cost(path))
            if allowed[-1]:
                within = weights
            else:
                beyond = weights
            if beyond is None:
                weights = weights * np.exp(step * (accuracy.mean() - accuracy))
            else:
                weights = np.sqrt(within * beyond)
            weights = weights / (weights[index].mean())
        self.path_ = {name: np.array(values) for name, values in path.items()}
        self.best_round_ = 0
        if not folds:
            self.cv_results_: dict[str, Any] = {"accepted": False}
            return
        tests = [test for _, test in folds]
        rounds = np.array(found)[allowed]
        choose = earliest_good_round if self.max_radius_loss is None else best_round
        chosen = np.flatnonzero(allowed)[choose(rounds, index, tests, objective)]
        tuned = cross_fitted_rounds(rounds, index, tests, objective, choose)
        gain, error = cross_fitted_gain(index, rounds[0], tuned, tests, objective)
        accepted = chosen > 0 and (
            self.significance is None or is_beyond_noise(gain, error, self.significance)
        )
        self.cv_results_ = {
            "plain_score": float(path["score"][0]),
            "reweighted_score": float(objective.judge(index, tuned)[0]),
            "gain": float(gain[0]),
            "gain_std_error": float(error[0]),
            "accepted": bool(accepted),
        }
        if accepted:
            self.best_round_ = int(chosen)
            self.class_weight_ = self.path_["class_weight"][chosen]

    def _may_cost(self, path):
        """Whether the last round costs no more of the radius than it may."""
        if self.max_radius_loss is None:
            return True
        radius = path["mean_radius"]
        return bool(radius[-1] >= (1 - self.max_radius_loss) * radius[0])

    def _held_out(self, X, y, classes, weights, folds, seed, fit_params):
        """Positions of the labels that smoothed classifiers give held-out samples.

        Where they abstain, it is `_ABSTAINED`. With `alpha`, also certified radii.
        """
        answers, radius = np.empty(len(y), dtype=np.int64), np.zeros(len(y))
        parts = Parallel(n_jobs=as_many_jobs(self.n_jobs, len(folds)))(
            delayed(self._predict_fold)(
                X, y, classes, weights, train, test, seed, fit_params
            )
            for train, test in folds
        )
        for (_, test), part in zip(folds, parts, strict=True):
            answers[test], radius[test] = part
        return answers, radius

    def _predict_fold(self, X, y, classes, weights, train, test, seed, fit_params):
        present = class_index(np.unique(y[train]), classes)
        params = take_params(fit_params, train, len(y))
        fitted, denoiser, _ = self._train(
            X[train], y[train], weights[present], seed, params
        )
        smoothed = SmoothedClassifier(
            FrozenEstimator(fitted),
            sigma=self.sigma,
            noise=self.noise,
            feature_scale=self.feature_scale_,
            denoiser=None if denoiser is None else FrozenEstimator(denoiser),
            n_predict=self.n_predict,
            random_state=int.from_bytes(seed[:4], "little"),
        )
        smoothed.fit(self._unchanged(X[train]), y[train])
        samples = self._unchanged(X[test])
        if self.alpha is None:
            return class_index(smoothed.predict(samples), classes), 0.0
        smoothed.set_params(n_certify=self.n_predict, alpha=self.alpha)
        found = smoothed.certify(samples)
        answers = class_index(found.label, classes)
        return np.where(found.abstained, _ABSTAINED, answers), found.radius

    def _train(self, X, y, weights, seed, fit_params):
        """Fit a clone on noisy copies with weights; all equal are plain copies."""
        denoiser = self._fit_denoiser(X, y, fit_params)
        estimator, n_copies = self._fit_copies(
            X,
            y,
            self.sigma if self.train_sigma is None else self.train_sigma,
            denoiser,
            seed,
            fit_params,
            None if np.all(weights == weights[0]) else weights,
        )
        return estimator, denoiser, n_copies

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            What is passed on to the estimator and to `cv`.
        """
        return (
            super()
            .get_metadata_routing()
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )


def earliest_good_round(rounds, y, folds, objective):
    """The first round whose objective is within one standard error of the best.

    Parameters
    ----------
    rounds : ndarray of int of shape (n_rounds, n_samples)
        Positions of the labels that each round gives the samples.
    y : ndarray of int of shape (n_samples,)
        Positions of the true classes.
    folds : list of ndarray of int
        Samples of each fold.
    objective : VoteObjective

    Returns
    -------
    int
    """
    scores = np.array([objective.judge(y, answers)[0] for answers in rounds])
    best = int(np.argmax(scores))
    for at in range(best):
        gain, error = cross_fitted_gain(y, rounds[at], rounds[best], folds, objective)
        if gain[0] <= error[0]:
            return at
    return best


def best_round(rounds, y, folds, objective):
    """The first of the rounds with the best objective.

    Parameters
    ----------
    rounds, y, folds, objective
        As in `earliest_good_round`.

    Returns
    -------
    int
    """
    return int(np.argmax([objective.judge(y, answers)[0] for answers in rounds]))


def cross_fitted_rounds(rounds, y, folds, objective, choose=earliest_good_round):
    """Labels of each fold by the round that does well on the other folds.

    Parameters
    ----------
    rounds, y, folds, objective
        As in `earliest_good_round`.
    choose : callable, default=earliest_good_round
        Takes the same, and returns a round.

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    tuned = np.empty(len(y), dtype=np.int64)
    for k, fold in enumerate(folds):
        others = [other for j, other in enumerate(folds) if j != k]
        rest = np.concatenate(others)
        ends = np.cumsum([len(other) for other in others])
        parts = np.split(np.arange(len(rest)), ends[:-1])
        chosen = choose(rounds[:, rest], y[rest], parts, objective)
        tuned[fold] = rounds[chosen, fold]
    return tuned
