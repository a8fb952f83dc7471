# SPDX-License-Identifier: BSD-3-Clause
"""A plugin of pytest: the tests that took least come first, as one failure is enough.

mutmut has written down how long each took, and gives their names in no order.
"""

import json
from pathlib import Path

STATS = Path("mutmut-stats.json")


def pytest_collection_modifyitems(items):
    if STATS.exists():
        seconds = json.loads(STATS.read_text("utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
