# SPDX-License-Identifier: BSD-3-Clause
"""Types that several public signatures share."""

from typing import Any, TypeAlias

import numpy as np

# The arguments decide which of them is returned. With a union, every caller would have
# to narrow the type.
FloatOrArray: TypeAlias = Any
RandomState: TypeAlias = int | np.random.RandomState | None
