# SPDX-License-Identifier: BSD-3-Clause
"""Checks that noise may be added to what a base classifier predicts.

A classifier can break the premises of smoothing without an error: its label for a
sample may depend on the other samples of a batch, or it may read a column as codes of
categories, which no noisy copy has. These are looked for before the first vote.
"""

from sksmooth.votes.probes._categories import (
    branches_of,
    categorical_columns,
    is_identity,
    refuse_categories,
)
from sksmooth.votes.probes._columns import (
    check_takes_missing,
    columns_with_categories,
    columns_without_numbers,
    numeric_table,
    refuse_columns_without_numbers,
)
from sksmooth.votes.probes._independence import check_again, check_independence
from sksmooth.votes.probes._known import REPLACED, is_known
from sksmooth.votes.probes._noise_errors import explain_failure
from sksmooth.votes.probes._once import probe_once
from sksmooth.votes.probes._tiny_noise import warn_about_exact_values

__all__ = [
    "REPLACED",
    "branches_of",
    "categorical_columns",
    "check_again",
    "check_independence",
    "check_takes_missing",
    "columns_with_categories",
    "columns_without_numbers",
    "explain_failure",
    "is_identity",
    "is_known",
    "numeric_table",
    "probe_once",
    "refuse_categories",
    "refuse_columns_without_numbers",
    "warn_about_exact_values",
]
