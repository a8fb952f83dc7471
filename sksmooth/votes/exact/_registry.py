# SPDX-License-Identifier: BSD-3-Clause
"""From a fitted classifier to its closed form, by exact type."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sksmooth._estimators import has_own_predict, layers
from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._affine import fold_steps, is_foldable
from sksmooth.votes.exact._cells import MAX_CELLS, CellSource
from sksmooth.votes.exact._linear import (
    LINEAR_TYPES,
    linear_source,
    register_scores,
    scores_behind,
)
from sksmooth.votes.exact._self_check import check_against_predict, checked_sample
from sksmooth.votes.exact._source import Declined, entry_of
from sksmooth.votes.exact._tree import TreeSource
from sksmooth.votes.exact._wrappers import WRAPPED_SCORES, inside_wrapper

# A table of up to this many cells is preferred to a dynamic program.
_SMALL_TABLE = 50_000


def find_exact_source(estimator, X_sample, sigma, *, max_cells=MAX_CELLS):
    """The closed form of a fitted classifier's votes under Gaussian noise.

    Parameters
    ----------
    estimator : fitted classifier
        Of scikit-learn itself; also in a `Pipeline` behind affine steps, in a search
        or another wrapper that predicts what it predicts, see
        `sksmooth._estimators.layers`.
    X_sample : array-like of shape (n_rows, n_features)
        Rows near which the closed form is compared with `estimator.predict`.
    sigma : float
        Noise of that comparison. The source answers for any.
    max_cells : int, default=2_000_000
        Largest number of rows worth giving to `predict` to fill a table.

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
    X_sample, final, affine = _opened(estimator, X_sample, sigma)
    source = _build(final, affine, max_cells)
    check_against_predict(estimator, source.disagrees, X_sample, sigma)
    return source


def find_linear_scores(estimator, X_sample, sigma):
    """Linear scores of a fitted classifier, in the units of the rows.

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
    X_sample, final, affine = _opened(estimator, X_sample, sigma)
    scores = scores_behind(affine, final)

    def disagrees(X, labels):
        best = np.argmax(X @ scores.coef.T + scores.intercept, axis=1)
        return final.classes_[best] != labels

    check_against_predict(estimator, disagrees, X_sample, sigma)
    return scores


def _opened(estimator, X_sample, sigma):
    """Sample, classifier proper and the affine map before it."""
    transformers, final = layers(estimator, exact=True)
    if has_own_predict(final):
        raise Declined("its method predict was replaced")
    if entry_of(_BUILDERS, final) is None:
        raise Declined(f"{type(final).__name__} has no closed form")
    check_is_fitted(estimator)
    if not sigma > 0:
        raise ValueError(f"sigma={sigma!r} must be positive.")
    X_sample = checked_sample(X_sample)
    n_features = getattr(estimator, "n_features_in_", X_sample.shape[1])
    if X_sample.shape[1] != n_features:
        raise ValueError(
            f"X_sample has {X_sample.shape[1]} features, the estimator was fitted on "
            f"{n_features}."
        )
    affine = fold_steps(transformers, n_features)
    fitted_on = getattr(final, "n_features_in_", affine.n_features_out)
    if affine.n_features_out != fitted_on:
        raise Declined(
            f"{type(final).__name__} was fitted on {fitted_on} features, "
            f"and is given {affine.n_features_out}"
        )
    return X_sample, final, affine


def _build(final, affine, max_cells):
    return entry_of(_BUILDERS, final)(final, affine, max_cells)


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
    if not all(map(is_foldable, transformers)):
        return False
    inside = inside_wrapper(final)
    if inside is not None:
        return may_have_closed_form(layers(inside, exact=True))
    # Kernels other than "linear", callables too, have none.
    kernel = getattr(final, "kernel", "linear")
    is_linear = isinstance(kernel, str) and kernel == "linear"
    return is_linear and entry_of(_BUILDERS, final) is not None


def _build_linear(final, affine, max_cells):
    return linear_source(final, affine)


def _build_tree(final, affine, max_cells):
    return TreeSource(final, affine)


def _build_cells(final, affine, max_cells):
    return CellSource(final, affine, max_cells)


def _build_boosted(final, affine, max_cells):
    """A small table, else a sum over features, else a large table."""
    try:
        return CellSource(final, affine, min(max_cells, _SMALL_TABLE))
    except Declined:
        pass
    try:
        return AdditiveSource(final, affine)
    except Declined as declined:
        reason = str(declined)
    try:
        return CellSource(final, affine, max_cells)
    except Declined as declined:
        raise Declined("; ".join(dict.fromkeys([str(declined), reason]))) from None


register_scores(WRAPPED_SCORES)

_BUILDERS = {
    **{name: (module, _build_linear) for name, module in LINEAR_TYPES.items()},
    **{
        name: (module, build)
        for module, build, names in [
            (
                "sklearn.tree",
                _build_tree,
                ["DecisionTreeClassifier", "ExtraTreeClassifier"],
            ),
            (
                "sklearn.ensemble",
                _build_cells,
                [
                    "BaggingClassifier",
                    "ExtraTreesClassifier",
                    "RandomForestClassifier",
                ],
            ),
            (
                "sklearn.ensemble",
                _build_boosted,
                [
                    "AdaBoostClassifier",
                    "GradientBoostingClassifier",
                    "HistGradientBoostingClassifier",
                ],
            ),
        ]
        for name in names
    },
}
