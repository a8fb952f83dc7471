# SPDX-License-Identifier: BSD-3-Clause
"""Boosted trees: the first of a table of cells, a sum over features, and boxes."""

from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._few_trees import MAX_TREES, FewTreesSource
from sksmooth.votes.exact._source import Declined

# A table of up to this many cells is preferred to a dynamic program.
_SMALL_TABLE = 50_000
# On more features, thresholds of many trees make too large a table.
_FEW_FEATURES = 3


def reason_not_to_read(estimator, n_trees, has_single_splits):
    """Why many trees have no closed form, from their number alone.

    To read them, and to look for changes in them, takes longer than to predict one
    sample.

    Parameters
    ----------
    estimator : fitted classifier
    n_trees : int
    has_single_splits : bool
        Whether trees may look at one feature each, by the parameters of the estimator.

    Returns
    -------
    str or None
    """
    n_classes, n_features = len(estimator.classes_), estimator.n_features_in_
    if n_trees <= MAX_TREES or n_features <= _FEW_FEATURES:
        return None
    if has_single_splits and n_classes == 2:
        return None
    return (
        f"it has {n_trees} trees on {n_features} features, more than {MAX_TREES}, that "
        "are not those of two classes with one feature each"
    )


@closed_form(
    "sklearn.ensemble",
    "AdaBoostClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
)
def boosted_source(estimator, affine):
    """A small table, else a sum over features, else boxes, else a large table."""
    reasons = []
    for build in (
        lambda: CellSource(estimator, affine, _SMALL_TABLE),
        lambda: AdditiveSource(estimator, affine),
        lambda: FewTreesSource(estimator, affine),
        lambda: CellSource(estimator, affine),
    ):
        try:
            return build()
        except Declined as declined:
            reasons.append(str(declined))
    raise Declined("; ".join(dict.fromkeys(reasons[1:])))
