# SPDX-License-Identifier: BSD-3-Clause
"""Say which lines of a file were skipped."""

import warnings

_SHOWN = 5


def warn_skipped(path, skipped):
    """Warn of skipped lines, given as pairs of line number and reason."""
    if not skipped:
        return
    shown = "; ".join(f"line {number}: {reason}" for number, reason in skipped[:_SHOWN])
    more = f"; and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
    warnings.warn(
        f"{path}: skipped {len(skipped)} lines ({shown}{more}).",
        UserWarning,
        stacklevel=4,
    )
