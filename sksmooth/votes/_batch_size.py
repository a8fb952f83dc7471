# SPDX-License-Identifier: BSD-3-Clause
"""How many noisy copies are held, and given to the base classifier, at a time."""

# 4 MiB of values in float64: with what `predict` makes of them they stay in cache.
_VALUES = 2**19
# Fewer would pay for the overhead of a call; more would gain nothing.
_FEWEST, _MOST = 256, 8192


def copies_at_once(batch_size, n_values):
    """Return the number of noisy copies in a batch.

    Parameters
    ----------
    batch_size : int or None
        As many as that; None is as many as stay in cache.
    n_values : int
        Number of values of a copy that take noise.

    Returns
    -------
    int
    """
    if batch_size is not None:
        return int(batch_size)
    return max(_FEWEST, min(_VALUES // max(n_values, 1), _MOST))
