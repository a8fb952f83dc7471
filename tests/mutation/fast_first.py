# SPDX-License-Identifier: BSD-3-Clause
"""A plugin of pytest: the tests that took least come first, as one failure is enough.

mutmut has written down how long each took, and gives their names in no order. Those
that take more than a fiftieth of all the time are left out: what only they would find
counts as a survivor.
"""

import json
from pathlib import Path

STATS = Path("mutmut-stats.json")


def pytest_collection_modifyitems(items):
    if not STATS.exists():
        return
    seconds = json.loads(STATS.read_text("utf-8"))["duration_by_test"]
    most = sum(seconds.values()) / 50
    items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
    quick = [item for item in items if seconds.get(item.nodeid, 0.0) <= most]
    items[:] = quick or items[:1]
