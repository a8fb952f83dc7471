# SPDX-License-Identifier: BSD-3-Clause
"""Rows of whatever a caller gives."""

import numpy as np


def take_rows(values, rows):
    """Rows of an array, a DataFrame or a list."""
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]
