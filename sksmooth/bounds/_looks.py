# SPDX-License-Identifier: BSD-3-Clause
"""At which numbers of votes a sequential procedure looks at its counts."""

import numpy as np

FIRST_LOOK = 16
GROWTH = 1.4


def geometric_looks(n_max, first=FIRST_LOOK, growth=GROWTH):
    """Numbers of votes ``first, first * growth, ...`` up to and including `n_max`.

    Fixed before any vote is drawn, so that error probability can be spent on them.

    Examples
    --------
    >>> from sksmooth.bounds import geometric_looks
    >>> geometric_looks(100)
    array([ 16,  22,  31,  43,  60,  84, 100])
    """
    looks, n = [], first
    while n < n_max:
        looks.append(n)
        n = round(n * growth)
    return np.array([*looks, n_max], dtype=np.int64)
