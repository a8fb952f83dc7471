# SPDX-License-Identifier: BSD-3-Clause
"""Table 2 of "Hidden Cost of Randomized Smoothing", from published certificates.

The logs are those of Salman et al. (repository Hadisalman/smoothing-adversarial, folder
data/certify/best_models/cifar10/cohen/resnet110): 10,000 test images of CIFAR-10, a
ResNet-110, 100,000 votes. `data/cifar10_published_counts.tsv` holds what the table
needs of them: for each sigma and class the number of samples, of correct certified ones
and of abstentions, and the sum of the radii of the correct ones.
"""

import csv
import re
from pathlib import Path

import numpy as np

from sksmooth import read_certificates

COUNTS = Path(__file__).parent / "data/cifar10_published_counts.tsv"
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
FIELDS = "samples", "correct", "abstained", "radius_sum"

# Table 2 of the paper: mean and standard deviation over networks.
PAPER = {
    "min accuracy": {
        0.12: (67.8, 1.9), 0.25: (55.4, 4.8), 0.5: (42.4, 4.8), 1.0: (20.8, 1.3),
        1.5: (9.8, 1.3), 2.0: (5.4, 0.9), 3.0: (1.2, 0.8),
    },
    "max accuracy": {
        0.12: (93.4, 1.3), 0.25: (89.2, 1.3), 0.5: (81.9, 2.2), 1.0: (72.8, 1.5),
        1.5: (61.2, 3.1), 2.0: (53.2, 3.9), 3.0: (41.0, 1.0),
    },
    "radius": {
        0.12: (0.28, 0.01), 0.25: (0.42, 0.02), 0.5: (0.51, 0.03), 1.0: (0.50, 0.01),
        1.5: (0.44, 0.01), 2.0: (0.38, 0.01), 3.0: (0.32, 0.01),
    },
    "radius (correct)": {
        0.12: (0.34, 0.01), 0.25: (0.56, 0.01), 0.5: (0.80, 0.02), 1.0: (1.07, 0.01),
        1.5: (1.25, 0.03), 2.0: (1.40, 0.03), 3.0: (1.80, 0.07),
    },
}  # fmt: skip


def counts_of_logs(folder):
    """Counts by sigma, each of shape (classes, fields), from a folder of logs."""
    counts = {}
    for path in sorted(Path(folder).glob("*.tsv")):
        sigma = re.search(r"(\d+\.\d+)\.tsv$", path.name)
        certificates, y = read_certificates(path)
        correct = (certificates.label == y) & ~certificates.abstained
        counts[float(sigma[1])] = np.array(
            [
                [
                    (y == c).sum(),
                    correct[y == c].sum(),
                    certificates.abstained[y == c].sum(),
                    certificates.radius[correct & (y == c)].sum(),
                ]
                for c in range(len(CLASSES))
            ]
        )
    if not counts:
        raise SystemExit(f"no logs named *_SIGMA.tsv in {folder}")
    return counts


def shipped_counts():
    """The same from the file that is shipped."""
    counts = {}
    with COUNTS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            values = [float(row[field]) for field in FIELDS]
            counts.setdefault(float(row["sigma"]), []).append(values)
    return {sigma: np.array(rows) for sigma, rows in counts.items()}


def accuracy(counts, *, decided_only=False):
    """Certified accuracy of each class, %, of all samples or of those not abstained."""
    samples, correct, abstained, _ = counts.T
    return 100 * correct / (samples - abstained if decided_only else samples)


def cells(counts):
    """The four cells of the table for one sigma."""
    samples, correct, _, radius = counts.sum(axis=0)
    by_class = accuracy(counts)
    return {
        "min accuracy": by_class.min(),
        "max accuracy": by_class.max(),
        "radius": radius / samples,
        "radius (correct)": radius / correct,
    }


def deviations(counts):
    """How many standard deviations each cell is from the paper's, by name and sigma."""
    return {
        (name, sigma): (value - PAPER[name][sigma][0]) / PAPER[name][sigma][1]
        for sigma, table in counts.items()
        for name, value in cells(table).items()
    }


def show(counts):
    print("3. Table 2: 10,000 images of CIFAR-10, ResNet-110; paper: mean (std)\n")
    print(f"{'':<18}" + "".join(f"{f'sigma {sigma:g}':>26}" for sigma in counts))
    off = deviations(counts)
    for name in PAPER:
        digits = 1 if "accuracy" in name else 3
        print(f"{name:<18}", end="")
        for sigma, table in counts.items():
            mean, std = PAPER[name][sigma]
            mark = " " if abs(off[name, sigma]) <= 2 else "*"
            text = f"{cells(table)[name]:.{digits}f}{mark} | {mean:g} ({std:g})"
            print(f"{text:>26}", end="")
        print()
    within = sum(abs(value) <= 2 for value in off.values())
    print(f"\n{within} of {len(off)} cells within two standard deviations; * is not\n")
    print("Certified accuracy by class, %: of all samples | of those not abstained\n")
    print(f"{'class':<12}" + "".join(f"{f'sigma {sigma:g}':>18}" for sigma in counts))
    both = {
        sigma: (accuracy(table), accuracy(table, decided_only=True))
        for sigma, table in counts.items()
    }
    rows = [(name, lambda v, i=i: v[i]) for i, name in enumerate(CLASSES)]
    rows += [("worst", np.min), ("best", np.max), ("range", np.ptp)]
    for name, pick in rows:
        texts = [f"{pick(a):.1f} | {pick(b):.1f}" for a, b in both.values()]
        print(f"{name:<12}" + "".join(f"{text:>18}" for text in texts))
    print(f"{'abstain':<12}", end="")
    for table in counts.values():
        print(f"{100 * table[:, 2].sum() / table[:, 0].sum():>18.1f}", end="")
    print()
