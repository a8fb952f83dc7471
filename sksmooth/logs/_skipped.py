# SPDX-License-Identifier: BSD-3-Clause
"""Say which lines of a file were skipped."""

import warnings

_SHOWN = 5


def describe_skipped(skipped):
    """Describe lines that were skipped, given as pairs of line number and reason."""
    shown = "; ".join(f"line {number}: {reason}" for number, reason in skipped[:_SHOWN])
    more = f"; and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
    return f"{shown}{more}"


def warn_skipped(path, skipped):
    """Warn about the lines that were skipped."""
    if skipped:
        warnings.warn(
            f"{path}: skipped {len(skipped)} lines ({describe_skipped(skipped)}).",
            UserWarning,
            stacklevel=5,
        )
