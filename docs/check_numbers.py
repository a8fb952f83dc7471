# SPDX-License-Identifier: BSD-3-Clause
"""Compute the figures that README and the documentation quote, and compare.

``python docs/check_numbers.py`` computes the cheap ones again (code that is shown in a
page is run by the tests, and not repeated here) and lists the others with the command
that made them. ``--run TEXT`` runs the commands that contain TEXT and compares the
table below each in its page. The exit status is 1 if a figure is not within its
tolerance.
"""

import argparse
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom, norm

ROOT = Path(__file__).resolve().parents[1]
NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+\.?\d*|\.\d+)(?!\w)")
# Commands whose table stands below them in a page, with what their figures depend on,
# and the tolerances of a new run: relative, and absolute.
COMMANDS = [
    ("shrinkage", "benchmarks/paper.py --only regions", 0.03, 0.01),
    (
        "shrinkage",
        "benchmarks/second_claim.py --datasets wine --models logistic",
        0.01,
        0,
    ),
    ("_training_sigma", "benchmarks/training_noise.py --only balls", 0.02, 0.01),
]
# What takes hours, a GPU or data from elsewhere, or measures time: not compared.
OTHERS = [
    ("_evaluations_table", "benchmarks/evaluations.py --rows 200"),
    ("_noisy_copies", "benchmarks/training_noise.py --only copies"),
    ("_training_sigma", "benchmarks/training_noise.py --only grid"),
    ("cifar10", "benchmarks/cifar10.py --images DIR"),
    ("clusters", "benchmarks/throughput.py --dask --repeats 5"),
    ("exact", "benchmarks/exact.py --clock cpu"),
    ("networks", "benchmarks/networks.py"),
    ("paper", "benchmarks/paper.py --only published"),
    ("paper", "benchmarks/paper.py --only digits"),
    ("shrinkage", "benchmarks/second_claim.py"),
    ("tuned_vote_weights_measured", "benchmarks/vote_weights.py"),
]


class Claim(NamedTuple):
    """A quoted text, how its numbers are computed, and their absolute tolerance."""

    page: str
    quote: str
    compute: object
    tolerance: float


CLAIMS = []


def claim(page, quote, tolerance):
    """Register a function that returns the numbers of a quote, in their order."""

    def register(compute):
        CLAIMS.append(Claim(page, quote, compute, tolerance))
        return compute

    return register


def numbers(text):
    """All numbers of a text; those behind a letter, as in F1 or l2, are names."""
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]


@claim("docs/guide/choosing.rst", "``3.2 * sigma``; 100,000 up to", 0.05)
def _ceiling_of_the_default():
    return [ndtri(0.001 ** (1 / 10_000)), 100_000]


@claim("docs/faq.rst", "``3.2 * sigma`` for 10,000 votes", 0.05)
def _ceiling_of_10_000_votes():
    return [ndtri(0.001 ** (1 / 10_000)), 10_000]


@claim(
    "docs/guide/exact.rst",
    "With 100,000 votes it certifies at most ``3.8 * sigma``",
    0.05,
)
def _ceiling_of_100_000_votes():
    return [100_000, ndtri(0.001 ** (1 / 100_000))]


@claim("docs/guide/paper.rst", "3.81 sigma for 100,000 votes at alpha = 0.001", 0.005)
def _ceiling_to_three_digits():
    return [ndtri(0.001 ** (1 / 100_000)), 100_000, 0.001]


@claim(
    "docs/guide/few_evaluations.rst",
    "at 17 looks, each at ``alpha=0.05``, a fair coin is declared unfair 28 times in "
    "100",
    1.5,
)
def _repeated_looks():
    rng = np.random.default_rng(0)
    looks, heads, unfair = [16], np.zeros(20_000), np.zeros(20_000, dtype=bool)
    while len(looks) < 17:
        looks.append(int(np.ceil(1.4 * looks[-1])))
    before = 0
    for look in looks:
        heads += rng.binomial(look - before, 0.5, size=len(heads))
        before = look
        least = np.minimum(heads, look - heads)
        unfair |= 2 * binom.cdf(least, look, 0.5) <= 0.05
    return [17, 0.05, 100 * unfair.mean(), 100]


def _least_votes_of_any_test(q, p):
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return [q, p, np.log(1000) / divergence]


for _q, _p, _limit in [
    (0.5, 0.62, "238"),
    (0.5, 0.9, "19"),
    (0.69, 0.79, "275"),
    (0.841, 0.903, "424"),
    (0.841, 0.99, "52"),
    (0.977, 0.989, "1,744"),
    (0.977, 0.9999, "305"),
]:
    _compute = partial(_least_votes_of_any_test, _q, _p)
    claim("docs/guide/_evaluations_table.rst", f"{_q} {_p} {_limit}", 0.6)(_compute)


@claim("docs/guide/tuned_vote_weights.rst", "that is 700 votes before", 15)
def _votes_of_a_weight_of_100():
    return [100 * np.log(1000)]


@claim(
    "docs/guide/tuned_vote_weights_theory.rst",
    """\
2        0.5             1.4    0.09    0.65 -> 0.74      1.06 -> 0.97
2        1.0             2.3    0.43    0.00 -> 0.43      1.27 -> 0.84
2        2.0             6.4    1.87   -1.69 -> 0.17      2.34 -> 0.47
10        0.5             3.3    0.12    0.64 -> 0.76      1.08 -> 0.96
10        1.0            13.5    0.49    0.00 -> 0.49      1.34 -> 0.85""",
    0.06,
)
def _price_of_a_weight():
    from sksmooth.shrinkage import ball_vanishing_sigma, ball_vote_probability

    rows = []
    for d, multiple in [(2, 0.5), (2, 1.0), (2, 2.0), (10, 0.5), (10, 1.0)]:
        sigma = multiple * ball_vanishing_sigma(1, d)
        edge, center, far = (
            ball_vote_probability(x, 1.0, sigma, d) for x in (1.0, 0.0, 2.0)
        )
        weight = (1 - edge) / edge
        shift = sigma * ndtri(weight / (1 + weight))
        inside, outside = sigma * ndtri(center), -sigma * ndtri(far)
        rows += [d, multiple, weight, shift]
        rows += [inside, inside + shift, outside, outside - shift]
    return rows


@claim("docs/guide/shrinkage.rst", "at 1.4826 times its half-width", 5e-5)
def _vanishing_slab():
    from sksmooth.shrinkage import slab_vanishing_sigma

    return [slab_vanishing_sigma(1.0)]


@claim(
    "docs/guide/shrinkage.rst", "Past ``sigma = 0.8493`` the smoothed classifier", 5e-5
)
def _vanishing_ball():
    from sksmooth.shrinkage import ball_vanishing_sigma

    return [ball_vanishing_sigma(1, 2)]


@claim("docs/guide/training.rst", "by 0.005 a sample", 1e-9)
def _gain_of_the_objective():
    return [(1 + 0.46) / 2 - (0.9 + 0.55) / 2]


@claim("docs/guide/clusters.rst", "A week on eight GPUs is 1,344 GPU-hours", 0)
def _week_of_eight():
    return [7 * 24 * 8]


@claim(
    "docs/guide/data.rst",
    "one pixel changed by a quarter of its range, or 1,000 pixels by 0.008",
    5e-4,
)
def _norm_of_many_pixels():
    return [1000, 0.25 / np.sqrt(1000)]


@claim(
    "docs/index.rst",
    "at sigma 2 its accuracy is 72 % (97 % before smoothing), and that of digit 8 is "
    "7 % (97 % before)",
    1.0,
)
def _digits_at_sigma_2():
    """As ``python examples/demo.py`` does it, at one sigma."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    from sksmooth import SmoothedClassifier

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, test_size=0.5, stratify=y, random_state=0
    )
    mlp = MLPClassifier((100,), max_iter=500, random_state=0).fit(X_train, y_train)
    smoothed = SmoothedClassifier.from_fitted(
        mlp, sigma=2.0, n_predict=500, random_state=0
    )
    before, after = mlp.predict(X_test) == y_test, smoothed.predict(X_test) == y_test
    eights = y_test == 8
    shares = after.mean(), before.mean(), after[eights].mean(), before[eights].mean()
    return [2, 100 * shares[0], 100 * shares[1], 8, 100 * shares[2], 100 * shares[3]]


@claim("docs/guide/choosing.rst", "r =   1 sigma:    40 evaluations", 0.5)
def _unanimous_votes_at_one_sigma():
    return [1, np.log(1000) / -norm.logcdf(1)]


def _spaces_joined(text):
    return " ".join(text.split())


def _check(entry):
    """Problems of a claim, as text; none if it holds."""
    page = _spaces_joined((ROOT / entry.page).read_text("utf-8"))
    if _spaces_joined(entry.quote) not in page:
        return f"{entry.page} no longer says: {_spaces_joined(entry.quote)}"
    quoted, computed = numbers(entry.quote), np.ravel(entry.compute())
    if len(quoted) != len(computed):
        return f"{entry.page}: {len(quoted)} numbers quoted, {len(computed)} computed"
    for said, found in zip(quoted, computed, strict=True):
        if not abs(said - found) <= entry.tolerance + 1e-9:
            return f"{entry.page}: {said:g} is quoted, {found:.6g} computed"
    return ""


def _run(name, command, relative, absolute):
    """Run a command and compare what it prints with the table below it in its page."""
    page = (ROOT / f"docs/guide/{name}.rst").read_text("utf-8")
    flat = re.sub(r"\s+", r"\\s+", re.escape(f"python {command}").replace(r"\ ", " "))
    below = page[re.search(flat, page).end() :]
    block = r"code-block:: text\n(?:\s+:class: \w+\n)?\n((?: {3,}.*\n|\n)+)"
    table = re.search(block, below)
    done = subprocess.run(
        [sys.executable, *shlex.split(command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return f"{command} failed: {done.stderr[-500:]}"
    printed = [numbers(line) for line in done.stdout.splitlines()]
    for line in filter(numbers, table[1].splitlines()):
        quoted = numbers(line)
        if not any(
            len(found) == len(quoted) and np.allclose(found, quoted, relative, absolute)
            for found in printed
        ):
            return f"docs/guide/{name}.rst: not printed by {command}: {line.strip()}"
    return ""


def main():
    """Check the claims, list the commands, run those that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", metavar="TEXT", help="run commands with this text")
    args = parser.parse_args()
    failed = 0
    for entry in CLAIMS:
        problem = _check(entry)
        failed += bool(problem)
        print(problem or f"ok: {entry.page}: {_spaces_joined(entry.quote)[:60]}")
    for name, command, *tolerances in COMMANDS:
        if args.run and args.run in command:
            problem = _run(name, command, *tolerances)
            failed += bool(problem)
            print(problem or f"ok: docs/guide/{name}.rst: {command}")
        else:
            print(f"not run: docs/guide/{name}.rst: python {command}")
    for name, command in OTHERS:
        print(f"not run: docs/guide/{name}.rst: python {command}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
