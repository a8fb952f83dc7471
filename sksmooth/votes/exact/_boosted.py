# SPDX-License-Identifier: BSD-3-Clause
"""Boosted trees: the cheapest of a table of cells and a sum over features."""

from sksmooth.votes.exact._additive import AdditiveSource
from sksmooth.votes.exact._by_type import closed_form
from sksmooth.votes.exact._cells import CellSource
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
    """A small table, else a sum over features, else a large table."""
    try:
        return CellSource(estimator, affine, _SMALL_TABLE)
    except Declined:
        pass
    try:
        return AdditiveSource(estimator, affine)
    except Declined as declined:
        reason = str(declined)
    try:
        return CellSource(estimator, affine)
    except Declined as declined:
        raise Declined("; ".join(dict.fromkeys([str(declined), reason]))) from None
