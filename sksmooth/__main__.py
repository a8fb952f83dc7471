# SPDX-License-Identifier: BSD-3-Clause
"""Command line: ``python -m sksmooth report LOG...`` and ``verify LOG...``."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sksmooth._messages import listed
from sksmooth.logs import read_certificates
from sksmooth.logs._regular_file import check_regular_file
from sksmooth.metrics import classwise_report
from sksmooth.verification import verify_log

# As a shell reports a tool that a closed pipe has ended.
_CLOSED_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        0, or 1 if a file could not be reported on or does not stand the check, or 141
        if the output is not read to its end. A command line that is not understood
        ends the process with 2.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        failed = args.run(parser, args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The output is not read to its end, as in "... | head": no fault.
        _silence(sys.stdout)
        return _CLOSED_PIPE
    except OSError as error:
        print(f"error: the output cannot be written: {error}", file=sys.stderr)
        _silence(sys.stdout)
        return 1
    return int(failed)


def _silence(stream):
    """Keep what is left of a stream from being written when the process ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (AttributeError, OSError, ValueError):  # a stream of no file
        pass


def _run_report(parser, args):
    sets = [args.logs] if args.together else [[path] for path in args.logs]
    if args.plot and len(sets) > 1:
        parser.error("--plot draws one LOG; give the others in calls of their own")
    failed = False
    for paths in sets:
        if len(sets) > 1:
            print(*paths)
        try:
            text = _report(paths, args)
        except (ImportError, OSError, ValueError) as error:
            named = any(path in str(error) for path in paths)
            about = "" if named else f"{', '.join(paths)}: "
            print(f"error: {about}{error}", file=sys.stderr)
            failed = True
        else:
            print(text)
    return failed


def _run_verify(parser, args):
    failed = False
    for path in args.logs:
        try:
            verdict = verify_log(path)
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
        else:
            print(verdict.text)
            failed |= not verdict.holds
    return failed


def _parser():
    parser = argparse.ArgumentParser(prog="python -m sksmooth")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    report = commands.add_parser(
        "report",
        help="class-wise report of logs",
        description="Print certified accuracy class by class, from logs of sksmooth or "
        "tab-separated files in the format of Cohen et al. (idx label predict radius "
        "correct time).",
    )
    report.add_argument(
        "logs", nargs="+", metavar="LOG", help="file written by certify(X, log=...)"
    )
    report.add_argument(
        "--together",
        action="store_true",
        help="one report of all LOGs, which are the parts of one set of samples",
    )
    report.add_argument(
        "--radii",
        type=float,
        nargs="+",
        metavar="R",
        help="radii to report at (default: those that were certified, or 0)",
    )
    report.add_argument(
        "--labels",
        metavar="FILE",
        help="true labels of a log that holds none: an .npy array, or text with one "
        "label per line",
    )
    report.add_argument(
        "--plot", metavar="FILE", help="save certified accuracy over radius as a figure"
    )
    report.set_defaults(run=_run_report)
    verify = commands.add_parser(
        "verify",
        help="check that logged certificates follow from their votes",
        description="Recompute the label and the radius of each row of logs of "
        "sksmooth from its votes, by code that is independent of `certify`. Prints one "
        "line for each log; the exit status is 1 if a row claims more than its votes "
        "prove.",
    )
    verify.add_argument(
        "logs", nargs="+", metavar="LOG", help="file written by certify(X, log=...)"
    )
    verify.set_defaults(run=_run_verify)
    return parser


def _read_labels(path, classes):
    """True labels from a file; as text, each is matched with a class as printed."""
    check_regular_file(Path(path))
    try:
        if path.endswith(".npy"):
            labels = np.load(path, allow_pickle=False)
            if not isinstance(labels, np.ndarray):
                raise ValueError("it is an archive of arrays")
            return labels
        with open(path, encoding="utf-8-sig") as file:
            texts = [line.strip() for line in file]
    except (EOFError, ValueError) as error:
        raise ValueError(
            f"{path} holds no labels that can be read ({error}). Give an .npy array of "
            "numbers or texts, or a text file in UTF-8 with one label per line."
        ) from None
    by_text = {str(label): label for label in classes.tolist()}
    while texts and not texts[-1] and "" not in by_text:  # empty lines at the end
        texts.pop()
    if unknown := sorted(set(texts) - set(by_text)):
        raise ValueError(
            f"{path} holds labels that are not among the classes {listed(by_text)}: "
            f"{', '.join(f'{label!r:.60}' for label in unknown[:5])}."
        )
    return np.array([by_text[text] for text in texts])


def _report(paths, args):
    """Return the report of a set of logs, and draw it if requested."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        certificates, y_true = read_certificates(paths)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    if y_true is not None and args.labels:
        raise ValueError(f"{paths[0]} holds true labels; leave out --labels.")
    if y_true is None and args.labels:
        y_true = _read_labels(args.labels, certificates.classes)
    if y_true is None:
        raise ValueError(
            f"{paths[0]} holds no true labels to score against: log them with "
            "CertificateLog(path, y=y), or give them as --labels FILE."
        )
    text = classwise_report(y_true, certificates, radii=args.radii)
    if args.plot:
        from sksmooth.inspection import CertifiedAccuracyDisplay

        display = CertifiedAccuracyDisplay.from_certificates(y_true, certificates)
        display.figure_.savefig(args.plot, bbox_inches="tight")
    return text


if __name__ == "__main__":
    sys.exit(main())
