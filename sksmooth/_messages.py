# SPDX-License-Identifier: BSD-3-Clause
"""Parts of error messages."""

import numpy as np

_MOST_LISTED = 10


def listed(values):
    """A list for a message, cut off if it is long.

    Examples
    --------
    >>> from sksmooth._messages import listed
    >>> listed(["a", "b"])
    "['a', 'b']"
    >>> listed(range(1000))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...] (1,000 in all)'
    """
    values = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if len(values) <= _MOST_LISTED:
        return str(values)
    some = ", ".join(map(repr, values[:_MOST_LISTED]))
    return f"[{some}, ...] ({len(values):,} in all)"
