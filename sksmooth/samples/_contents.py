# SPDX-License-Identifier: BSD-3-Clause
"""What tells one value of a column that is held fixed from another."""

import re

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_PLAIN = (str, bytes, bool, int, float, complex, type(None))


def comparable(value, column):
    """Return something whose `repr` is the same in each process and for equal values.

    Parameters
    ----------
    value : object
    column : object
        Name of the column, for messages.

    Returns
    -------
    object
        The value itself, if its `repr` holds all of it.

    Raises
    ------
    ValueError
        If only its address in memory tells it from others.
    """
    if isinstance(value, _PLAIN):
        return value
    name = type(value).__name__
    if isinstance(value, (list, tuple)):
        return [name, *(comparable(part, column) for part in value)]
    if isinstance(value, (set, frozenset)):
        return [name, *sorted(repr(comparable(part, column)) for part in value)]
    if isinstance(value, dict):
        return [name, *(comparable(item, column) for item in value.items())]
    # The `repr` of an array, tensor, series, sparse matrix or frame leaves parts out.
    for read in ("tolist", "to_list", "toarray", "to_dict"):
        if callable(getattr(value, read, None)):
            parts = getattr(value, read)()
            return [name, str(getattr(value, "dtype", "")), comparable(parts, column)]
    if _ADDRESS.search(repr(value)):
        raise ValueError(
            f"Column {column!r} holds {value!r}, which only its address in memory "
            "tells from others, so that the noise of a sample would change with each "
            "process. Turn the values of this column into strings or numbers before, "
            f"or give {type(value).__name__} a __repr__ that holds all of a value."
        )
    return value
