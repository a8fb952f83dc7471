# SPDX-License-Identifier: BSD-3-Clause
"""From a fitted classifier to its closed form, by exact type."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.utils.validation import check_is_fitted

from sksmooth._estimators import has_own_predict, layers
from sksmooth.votes.exact._affine import fold_steps, is_foldable
from sksmooth.votes.exact._by_type import closed_form, screening
from sksmooth.votes.exact._inputs import inputs_of
from sksmooth.votes.exact._linear_scores import scores_behind
from sksmooth.votes.exact._self_check import check_against_predict
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.exact._wrappers import inside_wrapper
from sksmooth.votes.probes import REPLACED, is_known


def find_exact_source(estimator, X_sample, sigma):
    """The closed form of a fitted classifier's votes under Gaussian noise.

    Parameters
    ----------
    estimator : fitted classifier
        Of scikit-learn itself; also in a `Pipeline` behind affine steps, in a search
        or another wrapper that predicts what it predicts, see
        `sksmooth._estimators.layers`.
    X_sample : array-like of shape (n_samples, n_features) or Table
        Samples near which the closed form is compared with `estimator.predict`.
    sigma : float
        Noise of that comparison. The source serves any.

    Returns
    -------
    ExactSource
        A function of the classifier alone, not of X_sample and sigma. It holds no
        reference that keeps the classifier alive.

    Raises
    ------
    Declined
        If there is none; the message is the reason. `SelfCheckFailed` if there is one
        and `predict` contradicts it.
    ValueError
        If X_sample has not as many features as the estimator was fitted on, or sigma is
        not positive.
    """
    inputs, X_sample, final, affine = _opened(estimator, X_sample, sigma)
    source = closed_form.get(final)(final, affine)
    check_form(estimator, source.disagrees, inputs, X_sample, sigma)
    return source


def find_linear_scores(estimator, X_sample, sigma):
    """Linear scores of a fitted classifier, in the units of the samples.

    For classifiers with more classes than have a closed form: the law of their votes
    is that of the differences of the scores, in one dimension less than classes.

    Parameters
    ----------
    estimator, X_sample, sigma
        As for `find_exact_source`.

    Returns
    -------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
        In the order of ``estimator.classes_``; the first class wins ties.

    Raises
    ------
    Declined, ValueError
        As `find_exact_source`.
    """
    inputs, X_sample, final, affine = _opened(estimator, X_sample, sigma)
    scores = scores_behind(affine, final)

    def disagrees(X, labels):
        best = np.argmax(X @ scores.coef.T + scores.intercept, axis=1)
        return final.classes_[best] != labels

    check_form(estimator, disagrees, inputs, X_sample, sigma)
    return scores


def _opened(estimator, X_sample, sigma):
    """Inputs, sample, classifier proper and the affine map before it."""
    transformers, final = layers(estimator, exact=True)
    if has_own_predict(final):
        raise Declined(REPLACED)
    if closed_form.get(final) is None:
        raise Declined(f"{type(final).__name__} has no closed form")
    check_is_fitted(estimator)
    reason = _reason_not_to_read(final)
    if reason is not None:
        raise Declined(reason)
    if not sigma > 0:
        raise ValueError(f"sigma={sigma!r} must be positive.")
    inputs = inputs_of(transformers, X_sample)
    X_sample = inputs.complete(X_sample)
    n_features = getattr(estimator, "n_features_in_", X_sample.shape[1])
    if X_sample.shape[1] != n_features:
        raise ValueError(
            f"X_sample has {X_sample.shape[1]} features, the estimator was fitted on "
            f"{n_features}."
        )
    affine = fold_steps(inputs.rest, inputs.map(n_features))
    fitted_on = getattr(final, "n_features_in_", affine.n_features_out)
    if affine.n_features_out != fitted_on:
        raise Declined(
            f"{type(final).__name__} was fitted on {fitted_on} features, "
            f"and is given {affine.n_features_out}"
        )
    return inputs, X_sample, final, affine


def check_form(estimator, disagrees, inputs, X_sample, sigma):
    """Decline a form that `predict` contradicts, or may contradict elsewhere."""
    check_against_predict(estimator, disagrees, inputs, X_sample, sigma)
    if not is_known(estimator, closed_form.get):
        raise Declined(REPLACED)


def may_have_closed_form(parts):
    """Whether a fitted classifier is of types that have closed forms.

    It reads no arrays, and so takes little time.

    Parameters
    ----------
    parts : Layers
        The classifier taken apart, with ``exact=True``.

    Returns
    -------
    bool
    """
    transformers, final = parts
    if transformers and type(transformers[0]) is ColumnTransformer:
        transformers = transformers[1:]
    if not all(map(is_foldable, transformers)):
        return False
    inside = inside_wrapper(final)
    if inside is not None:
        return may_have_closed_form(layers(inside, exact=True))
    # Kernels other than "linear", callables too, have none.
    kernel = getattr(final, "kernel", "linear")
    is_linear = isinstance(kernel, str) and kernel == "linear"
    if not is_linear or closed_form.get(final) is None:
        return False
    return _reason_not_to_read(final) is None


def _reason_not_to_read(final):
    screen = screening.get(final)
    return None if screen is None else screen(final)
