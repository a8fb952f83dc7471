# SPDX-License-Identifier: BSD-3-Clause
"""Command line: ``python -m sksmooth report LOG...``."""

import argparse
import sys
import warnings
from collections.abc import Sequence

from sksmooth.logs import read_certificates
from sksmooth.metrics import classwise_report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        0, or 1 if a file could not be reported on. A command line that is not
        understood ends the process with 2.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    sets = [args.logs] if args.together else [[path] for path in args.logs]
    if args.plot and len(sets) > 1:
        parser.error("--plot draws one LOG; give the others in calls of their own")
    failed = False
    for paths in sets:
        if len(sets) > 1:
            print(*paths)
        try:
            _report(paths, args)
        except (ImportError, OSError, ValueError) as error:
            named = any(path in str(error) for path in paths)
            about = "" if named else f"{', '.join(paths)}: "
            print(f"error: {about}{error}", file=sys.stderr)
            failed = True
    return int(failed)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m sksmooth")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    report = commands.add_parser(
        "report",
        help="class-wise report of logs",
        description="Print certified accuracy class by class, from logs of sksmooth or "
        "the tab-separated files of the field (idx label predict radius correct time).",
    )
    report.add_argument("logs", nargs="+", metavar="LOG")
    report.add_argument(
        "--together",
        action="store_true",
        help="one report of all LOGs, which are the parts of one set of rows",
    )
    report.add_argument(
        "--radii",
        type=float,
        nargs="+",
        metavar="R",
        help="radii to report at (default: those that were asked, or 0)",
    )
    report.add_argument(
        "--plot", metavar="FILE", help="save certified accuracy over radius as a figure"
    )
    return parser


def _report(paths, args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        certificates, y_true = read_certificates(paths)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    if y_true is None:
        raise ValueError(
            f"{paths[0]} holds no true labels to score against: log them with "
            "CertificateLog(path, y=y)."
        )
    print(classwise_report(y_true, certificates, radii=args.radii))
    if args.plot:
        from sksmooth.inspection import CertifiedAccuracyDisplay

        display = CertifiedAccuracyDisplay.from_certificates(y_true, certificates)
        display.figure_.savefig(args.plot, bbox_inches="tight")


if __name__ == "__main__":
    sys.exit(main())
