# SPDX-License-Identifier: BSD-3-Clause
"""A shim for tools that still look for this file; pyproject.toml says it all."""

from setuptools import setup

setup()
