# SPDX-License-Identifier: BSD-3-Clause
"""What of a sample takes noise, and what is held fixed.

Samples are either an array, all of which takes noise, or a `Table`. The functions here
take both.
"""

from sksmooth.samples._columns import learned_scale, resolve_scale
from sksmooth.samples._table import Table, numbers_of
from sksmooth.samples._values import (
    columns_of,
    digests_of,
    has_missing,
    n_values_of,
    shown,
    unit_values_of,
    values_of,
    with_values,
)

__all__ = [
    "Table",
    "columns_of",
    "digests_of",
    "has_missing",
    "learned_scale",
    "n_values_of",
    "numbers_of",
    "resolve_scale",
    "shown",
    "unit_values_of",
    "values_of",
    "with_values",
]
