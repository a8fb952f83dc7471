# SPDX-License-Identifier: BSD-3-Clause
"""What is not collected for its doctests."""

import gc
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("tests")

# Sphinx and its like, and what they made.
collect_ignore_glob = ["docs/*.py", "docs/_*", "docs/auto_examples", "docs/reference"]

# What needs torch and skorch, where they are missing.
if find_spec("torch") is None or find_spec("skorch") is None:
    collect_ignore_glob += [
        "docs/guide/networks.rst",
        "sksmooth/training/_consistency.py",
        "sksmooth/training/_macer.py",
        "sksmooth/training/_noise_augmented_net.py",
        "sksmooth/training/_smoothadv.py",
        "sksmooth/votes/torch/_*.py",
    ]

if find_spec("numba") is None:
    collect_ignore_glob += [
        "sksmooth/noise/_numba.py",
        "sksmooth/votes/fast/_numba.py",
    ]

# Tests with other libraries have an environment of their own: make test-ecosystem.
if any(find_spec(name) is None for name in ("catboost", "polars", "xgboost")):
    collect_ignore_glob += ["tests/ecosystem/*"]


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path):
    """Tests have no doctests: to look for them costs more than to find the tests."""
    collectors = yield
    if TESTS not in file_path.parents:
        return collectors
    return [one for one in collectors if type(one).__name__ != "DoctestModule"]


def pytest_collection_finish():
    """What was imported and collected stays: let the garbage collector skip it."""
    gc.collect()
    gc.freeze()
