# SPDX-License-Identifier: BSD-3-Clause
"""What must be so before SciPy is imported."""

import os

# SciPy reads it once; scikit-learn skips its array API check without it.
os.environ["SCIPY_ARRAY_API"] = "1"
