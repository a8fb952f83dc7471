# SPDX-License-Identifier: BSD-3-Clause
"""Without torch and skorch, what needs them is not collected for its doctests."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("torch") is None or find_spec("skorch") is None:
    collect_ignore_glob += [
        "docs/guide/networks.rst",
        "sksmooth/training/_consistency.py",
        "sksmooth/training/_macer.py",
        "sksmooth/training/_noise_augmented_net.py",
        "sksmooth/training/_smoothadv.py",
        "sksmooth/votes/_torch/_*.py",
    ]
