# SPDX-License-Identifier: BSD-3-Clause
"""Whether noise is drawn by compiled code, which gives the same numbers."""

from functools import cache
from importlib.util import find_spec

# Numbers to be drawn in a process before numba is loaded, which takes about a second:
# numpy draws them in a little more, compiled code would in a third of that.
_VALUES_WORTH_COMPILING = 2**27
# Of fewer numbers at a time the call itself would take longer than it saves.
_FEWEST_VALUES = 2**13
_n_drawn = 0


def compiled_perturb(n_values):
    """Return the compiled function that fills noisy copies, where it pays.

    Parameters
    ----------
    n_values : int
        How many numbers are to be drawn.

    Returns
    -------
    `sksmooth.noise._numba.perturb`, or None
    """
    global _n_drawn
    _n_drawn += n_values
    if n_values < _FEWEST_VALUES or _n_drawn < _VALUES_WORTH_COMPILING:
        return None
    return _compiled()


@cache
def _compiled():
    """The function, or None where numba is missing or draws other numbers."""
    if find_spec("numba") is None:
        return None
    try:
        from sksmooth.noise import _numba
    except ImportError:  # a numba that keeps its tables elsewhere
        return None
    return _numba.perturb if _numba.draws_as_numpy() else None
