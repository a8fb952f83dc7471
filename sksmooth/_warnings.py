# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that are not shown, in one thread alone."""

import re
import warnings
from contextlib import contextmanager, suppress
from threading import get_ident


@contextmanager
def ignore_warnings(message="", category=Warning):
    """Ignore warnings that this thread issues.

    `warnings.catch_warnings` is not safe with threads: it replaces the filters of the
    whole process, and of two threads that restore them in another order than they
    replaced them, one leaves its filters behind. Here a filter is added which matches
    in this thread only, and is taken out again.

    Parameters
    ----------
    message : str, default=""
        Regular expression that the beginning of a message has to match.
    category : type, default=Warning
        Class of the warnings.

    Yields
    ------
    list of str
        Messages of the warnings that were ignored so far. One that was shown before
        may be missing, see `forget_shown`.

    Examples
    --------
    >>> import warnings
    >>> from sksmooth._warnings import ignore_warnings
    >>> with ignore_warnings("X does not have") as messages:
    ...     warnings.warn("X does not have valid feature names")
    >>> messages
    ['X does not have valid feature names']
    """
    pattern = _OfThisThread(message)
    entry = ("ignore", pattern, category, None, 0)
    filters = warnings.filters
    filters.insert(0, entry)
    try:
        yield pattern.messages
    finally:
        pattern.is_active = False
        # Someone else may have replaced the list meanwhile, by a copy of it.
        for each in (filters, warnings.filters):
            with suppress(ValueError):
                each.remove(entry)


def forget_shown():
    """Have warnings issued again that Python shows once for each line of code.

    It forgets which it has shown whenever a filter is added.
    """
    warnings.simplefilter("ignore", category=_NeverIssued)
    with suppress(ValueError):  # another thread did the same
        warnings.filters.remove(("ignore", None, _NeverIssued, None, 0))


class _NeverIssued(Warning):
    """Category of a filter that changes nothing."""


class _OfThisThread:
    """A pattern for messages; what `warnings` knows of one is its method `match`.

    Where scikit-learn hands filters on to jobs of an estimator, it does so by the
    attribute `pattern`: warnings of these jobs are ignored as well.
    """

    def __init__(self, pattern):
        self.pattern = pattern
        self.is_active = True
        self.messages = []
        self._thread = get_ident()

    def match(self, message):
        """Whether a warning that is issued now is to be ignored."""
        # In a copy of the filters it may be there for longer than it is needed.
        is_here = self.is_active and self._thread == get_ident()
        if not is_here or not re.match(self.pattern, message, re.IGNORECASE):
            return False
        self.messages.append(message)
        return True
