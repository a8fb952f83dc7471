# SPDX-License-Identifier: BSD-3-Clause
"""Fail if the package changed since BASE and docs/whats_new.rst did not."""

import subprocess
import sys

CHANGE_LOG = "docs/whats_new.rst"


def missing(changed):
    """Whether files of the package are among `changed` and the change log is not."""
    package = [name for name in changed if name.startswith("sksmooth/")]
    return bool(package) and CHANGE_LOG not in changed


def main(base):
    """Compare with the commit where this branch began."""
    command = ["git", "diff", "--name-only", f"{base}...HEAD"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if missing(done.stdout.splitlines()):
        sys.exit(
            f"sksmooth/ changed and {CHANGE_LOG} did not: add a line for users, or the "
            "label 'no change log' if they will not notice."
        )


if __name__ == "__main__":
    main(sys.argv[1])
