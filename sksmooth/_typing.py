# SPDX-License-Identifier: BSD-3-Clause
"""Types that several public signatures share."""

from typing import Any, TypeAlias

import numpy as np

# Which of them, the arguments say. A union would have every caller, who knows it, prove
# it to the type checker.
FloatOrArray: TypeAlias = Any
RandomState: TypeAlias = int | np.random.RandomState | None
