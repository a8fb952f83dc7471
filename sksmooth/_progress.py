# SPDX-License-Identifier: BSD-3-Clause
"""Progress over rows."""

from tqdm import tqdm


def progress_bar(n_rows, task, *, shown):
    """Open a progress bar over rows; close it by leaving its context."""
    return tqdm(total=n_rows, desc=task, unit="row", disable=not shown)
