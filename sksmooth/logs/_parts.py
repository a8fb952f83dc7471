# SPDX-License-Identifier: BSD-3-Clause
"""Which files are the parts of one set of samples, certified in several runs."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from sksmooth.certificates import Certificates

# What may differ between the parts of one set; all other settings may not.
_OF_A_PART = {"n_rows", "rows", "votes", "versions", "y"}
# Samples that are equal in the data may stand in two parts; more than that are the same
# samples certified twice.
_EQUAL_ROWS = 0.05


class Part(NamedTuple):
    """What one file holds.

    Attributes
    ----------
    path : Path
    settings : dict
    certificates : Certificates
    y_true : ndarray or None
    digests : list
        What tells one sample from another, of each sample.
    """

    path: Any
    settings: dict[str, Any]
    certificates: Certificates
    y_true: Any
    digests: list[Any]


def check_parts(parts):
    """Check that files are parts of one set, each with samples of its own.

    Raises
    ------
    ValueError
        If two files differ in a setting, hold the same samples, or only one of them has
        labels.

    Warns
    -----
    UserWarning
        If a few samples of two files are equal.
    """
    first = parts[0]
    for other in parts[1:]:
        differing = [
            f"{name}: {first.settings.get(name)!r} and {other.settings.get(name)!r}"
            for name in sorted(
                (first.settings.keys() | other.settings.keys()) - _OF_A_PART
            )
            if first.settings.get(name) != other.settings.get(name)
        ]
        if (first.y_true is None) != (other.y_true is None):
            differing.append("only one of them has true labels")
        if differing:
            raise ValueError(
                f"{first.path} and {other.path} are no parts of one set; what differs "
                f"is {'; '.join(differing)}. Read them one by one."
            )
    for position, part in enumerate(parts):
        for earlier in parts[:position]:
            _check_own_rows(earlier, part)


def _check_own_rows(one, other):
    known = set(one.digests)
    shared = [at for at, digest in enumerate(other.digests) if digest in known]
    rows = other.settings.get("rows")
    same_run = rows is not None and rows == one.settings.get("rows")
    if not shared and not same_run:
        return
    few = max(_EQUAL_ROWS, 2 * _repeated(one), 2 * _repeated(other))
    fewest = min(len(one.digests), len(other.digests))
    told = f"{len(shared)} of the {len(other.digests)} rows of {other.path}"
    if same_run or len(shared) > few * fewest:
        raise ValueError(
            f"{one.path} and {other.path} are no parts of one set: {told} are rows of "
            f"{one.path} too, and would count twice. Leave one of the files out."
        )
    first = other.digests[shared[0]]
    warnings.warn(
        f"{told} stand in {one.path} too, the first of them as number "
        f"{shared[0]} and number {one.digests.index(first)}: equal rows of the data, "
        "or rows that were certified twice and now count twice.",
        UserWarning,
        stacklevel=5,
    )


def _repeated(part):
    """Share of the samples of a file that it holds more than once."""
    return 1 - len(set(part.digests)) / max(len(part.digests), 1)


def joined_labels(parts):
    """True labels of all parts, as a list."""
    return [y for part in parts for y in np.asarray(part.y_true).tolist()]
