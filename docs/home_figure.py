# SPDX-License-Identifier: BSD-3-Clause
"""Draw the picture of the home page: python docs/home_figure.py."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVC

from sksmooth.inspection import DecisionRegionDisplay

SIGMAS = [0.35, 1.1]
TITLES = [
    "A classifier",
    f"Smoothed with σ = {SIGMAS[0]}: its answer\ndoes not change within a circle",
    f"With σ = {SIGMAS[1]}: larger circles,\nbut class C is gone",
]


def three_classes(rng):
    """Two large classes and, where they meet, a small one."""
    centres = {"A": (-1.6, 0.0), "B": (1.6, 0.0), "C": (0.0, 0.9)}
    spread = {"A": 0.75, "B": 0.75, "C": 0.3}
    rows = [rng.normal(centres[c], spread[c], size=(60, 2)) for c in "ABC"]
    return np.concatenate(rows), np.repeat(list("ABC"), 60)


def main():
    """Write docs/_static/regions.png."""
    X, y = three_classes(np.random.default_rng(0))
    clf = SVC(gamma=1.0).fit(X, y)
    points = np.array([[-2.0, 0.9], [-1.5, -0.7], [0.0, 1.0], [1.5, -0.7], [2.0, 0.9]])
    display = DecisionRegionDisplay.from_estimator(
        clf,
        X,
        y,
        sigmas=SIGMAS,
        points=points,
        random_state=0,
    )
    with plt.rc_context({"font.size": 13, "axes.titlesize": 14}):
        fig, axes = plt.subplots(
            1, 3, figsize=(11, 3.9), sharex=True, sharey=True, layout="constrained"
        )
        display.plot(axes)
        for ax, title in zip(axes, TITLES, strict=True):
            ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
            ax.set_title(title)
        handles = display.legend_.legend_handles
        display.legend_.remove()
        names = [handle.get_label() for handle in handles]
        fig.legend(handles, names, loc="outside lower center", ncols=6, frameon=False)
        fig.savefig(Path(__file__).parent / "_static/regions.png", dpi=150)


if __name__ == "__main__":
    main()
