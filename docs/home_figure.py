# SPDX-License-Identifier: BSD-3-Clause
"""Draw the picture of the home page: python docs/home_figure.py."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from sklearn.svm import SVC

from sksmooth.inspection import DecisionRegionDisplay

SIGMAS = [0.35, 1.1]
TITLES = [
    f"σ = {SIGMAS[0]}: the prediction is\nthe same in each circle",
    f"σ = {SIGMAS[1]}: larger circles,\nbut class C is gone",
]


def three_classes(rng):
    """Two large classes and, where they meet, a small one."""
    centres = {"A": (-1.6, 0.0), "B": (1.6, 0.0), "C": (0.0, 0.9)}
    spread = {"A": 0.75, "B": 0.75, "C": 0.3}
    samples = [rng.normal(centres[c], spread[c], size=(60, 2)) for c in "ABC"]
    return np.concatenate(samples), np.repeat(list("ABC"), 60)


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
    # Narrow, with large letters, so that it can be read on a phone.
    with plt.rc_context({"font.size": 15, "axes.titlesize": 15}):
        fig, axes = plt.subplots(1, 2, figsize=(7, 3.9), layout="constrained")
        # The base classifier is the dashed boundary; its own panel is not shown.
        display.plot([plt.figure().add_subplot(), *axes])
        for ax, title in zip(axes, TITLES, strict=True):
            ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
            ax.set_title(title)
        regions = display.legend_.legend_handles[:3]
        display.legend_.remove()
        fig.legend(
            [*regions, Line2D([], [], color="black", linestyle="--")],
            [*(handle.get_label() for handle in regions), "base classifier"],
            loc="outside lower center",
            ncols=4,
            frameon=False,
            columnspacing=1.2,
            handlelength=1.4,
        )
        fig.savefig(Path(__file__).parent / "_static/regions.png", dpi=200)


if __name__ == "__main__":
    main()
