# SPDX-License-Identifier: BSD-3-Clause
"""What must be so before SciPy is imported, and what several modules use."""

import os
import signal

import pytest

# SciPy reads it once; scikit-learn skips its array API check without it.
os.environ["SCIPY_ARRAY_API"] = "1"


@pytest.fixture
def signals_interrupt():
    """What a user does who wants SIGTERM to lose nothing, as the guide says.

    SIGINT too: a shell has a command in the background ignore it.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
