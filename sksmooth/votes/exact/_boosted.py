# SPDX-License-Identifier: BSD-3-Clause
"""Boosted trees: the first of a table of cells, a sum over features, and boxes."""

from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._few_trees import FewTreesSource
from sksmooth.votes.exact._source import Declined

# A table of up to this many cells is preferred to a dynamic program.
_SMALL_TABLE = 50_000


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
