# SPDX-License-Identifier: BSD-3-Clause
"""Refuse devices and pipes, which have no end, before they are read to their end."""

import stat


def check_regular_file(path):
    """Refuse what exists and is neither a regular file nor a directory.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If `path` is a device, a pipe or a socket. A directory or a missing file is
        left for `open` to refuse.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError(
            f"{path} is a device, a pipe or a socket, not a regular file; give the "
            "path of a file on disk."
        )
