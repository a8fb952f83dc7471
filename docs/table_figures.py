# SPDX-License-Identifier: BSD-3-Clause
"""Draw figures of tables in the guide: python docs/table_figures.py.

The numbers are read from the tables themselves, so that both are the same.
"""

import re
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np

DOCS = Path(__file__).parent
BLUE, RED, GREY = "#0072B2", "#D55E00", "#8C8C8C"


def table(page, first):
    """Lines of the table in a page whose first line has a text, below its heading."""
    lines = (DOCS / "guide" / f"{page}.rst").read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if first in line)
    rows = []
    for line in lines[start + 1 :]:
        if not line.strip():
            if rows:
                break
        elif re.search(r"\d\.\d", line):
            rows.append(line.split())
    return rows


def arrows(ax, y, before, after, color):
    """A dot where a value was, and an arrow to where it is."""
    ax.scatter(before, y, s=28, facecolor="white", edgecolor=color, zorder=3)
    ax.scatter(after, y, s=28, color=color, zorder=3)
    for height, start, end in zip(y, before, after, strict=True):
        if abs(end - start) > 0.02:
            ax.annotate(
                "",
                (end, height),
                (start, height),
                arrowprops={"arrowstyle": "->", "color": color, "lw": 1.5},
            )


def vote_weights(path):
    """The worst class before and after its weights are tuned."""
    rows = table("tuned_vote_weights_measured", "smoothed   tuned      augmented")
    names = [f"{data} {model}, σ = {sigma}" for data, model, sigma, *_ in rows]
    worst = np.array([row[4:12:2] for row in rows], dtype=float).T
    y = np.arange(len(rows))[::-1]
    fig, ax = plt.subplots(figsize=(7, 6.2), layout="constrained")
    arrows(ax, y + 0.16, worst[0], worst[1], BLUE)
    arrows(ax, y - 0.16, worst[2], worst[3], RED)
    ax.set(yticks=y, xlim=(-0.03, 1), xlabel="accuracy of the worst class")
    ax.set_yticklabels(names)
    ax.grid(axis="x", color="#dddddd")
    for color, label in ((BLUE, "trained without noise"), (RED, "trained with noise")):
        ax.scatter([], [], color=color, label=label)
    ax.scatter([], [], facecolor="white", edgecolor=GREY, label="plain vote")
    ax.scatter([], [], color=GREY, label="tuned weights")
    fig.legend(loc="outside lower center", ncols=2, frameon=False)
    fig.savefig(path, dpi=150)


def augmentation(path):
    """The range between the classes without and with noise augmentation."""
    rows = table("shrinkage", "data           model          range clean")
    y = np.arange(len(rows))[::-1]
    at = [
        next(i for i, cell in enumerate(row) if re.match(r"0\.|1\.", cell))
        for row in rows
    ]
    before, after = (
        np.array([float(row[i + k]) for row, i in zip(rows, at, strict=True)])
        for k in (0, 1)
    )
    names = [" ".join(row[:i]) for row, i in zip(rows, at, strict=True)]
    fig, ax = plt.subplots(figsize=(7, 7), layout="constrained")
    narrower = after < before
    arrows(ax, y[narrower], before[narrower], after[narrower], BLUE)
    arrows(ax, y[~narrower], before[~narrower], after[~narrower], RED)
    ax.set(yticks=y, xlim=(0, 1.02), xlabel="best class minus worst class")
    ax.set_yticklabels(names)
    ax.grid(axis="x", color="#dddddd")
    ax.scatter([], [], color=BLUE, label="narrower with augmentation")
    ax.scatter([], [], color=RED, label="wider with augmentation")
    ax.scatter([], [], facecolor="white", edgecolor=GREY, label="trained without noise")
    fig.legend(loc="outside lower center", ncols=2, frameon=False)
    fig.savefig(path, dpi=150)


def main():
    """Write the figures into docs/_static."""
    vote_weights(DOCS / "_static/vote_weights.png")
    augmentation(DOCS / "_static/augmentation.png")


if __name__ == "__main__":
    main()
