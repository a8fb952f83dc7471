# SPDX-License-Identifier: BSD-3-Clause
"""An example of the gallery that gives a warning fails, as a test does."""

import warnings


def warnings_are_errors(gallery_conf, script, when):
    """Be strict while a script runs, and not with Sphinx after it."""
    if when == "before":
        warnings.simplefilter("error")
    else:
        warnings.resetwarnings()
