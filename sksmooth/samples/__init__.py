# SPDX-License-Identifier: BSD-3-Clause
"""What of a sample takes noise, and what is held fixed.

Samples are either an array, all of which takes noise, or a `Table`. The functions here
take both.
"""

from sksmooth.samples._categories import Categories
from sksmooth.samples._columns import (
    categorical_positions,
    learned_scale,
    resolve_scale,
)
from sksmooth.samples._counts import Counts
from sksmooth.samples._ranges import Ranges, ranges_of, whole_rows
from sksmooth.samples._table import Table, column_of, numbers_of
from sksmooth.samples._values import (
    columns_of,
    digests_of,
    has_missing,
    n_values_of,
    norms_of,
    shown,
    unit_values_of,
    values_of,
    with_values,
)

__all__ = [
    "Categories",
    "Counts",
    "Ranges",
    "Table",
    "categorical_positions",
    "column_of",
    "columns_of",
    "digests_of",
    "has_missing",
    "learned_scale",
    "n_values_of",
    "norms_of",
    "numbers_of",
    "ranges_of",
    "resolve_scale",
    "shown",
    "unit_values_of",
    "values_of",
    "whole_rows",
    "with_values",
]
