# SPDX-License-Identifier: BSD-3-Clause
"""An independent check of logged certificates, by code that shares nothing with them.

Labels and radii are recomputed from the votes and the settings of a log. Nothing is
imported from the other rooms, so that a fault there is not repeated here.
"""

from sksmooth.verification._verify import Verdict, verify_log

__all__ = ["Verdict", "verify_log"]
