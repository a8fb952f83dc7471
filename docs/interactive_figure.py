# SPDX-License-Identifier: BSD-3-Clause
"""Write the interactive figure of the guide: python docs/interactive_figure.py FILE.

One HTML file with all it needs in it. The decision regions are those of a tree, whose
smoothing has a closed form: the page computes it for any sigma and law. What the
package computes for some of them is written into the file too, so that the browser
test can compare both. Under Gaussian noise that is what `certify` returns.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import ndtri
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.noise import ADDITIVE_LAWS

TEMPLATE = Path(__file__).parent / "_templates/interactive_figure.html"
LAWS = [("gaussian", 2), ("laplace", 1), ("uniform", 1), ("uniform", "inf")]
CHECKED_SIGMAS = [0.1, 0.6, 1.2]
FAR = 1e9  # stands for infinity
N_SHOWN = 5  # samples of each class with their certified balls
EXTENT = [-4.0, 4.0, -2.6, 3.0]
DIGIT_SIGMA = 0.5
NORMS = np.linspace(0.0, 3.0, 61)


def three_classes(rng, n):
    """Two large classes and, where they meet, a small one."""
    centers = {"A": (-1.6, 0.0), "B": (1.6, 0.0), "C": (0.0, 0.9)}
    spread = {"A": 0.75, "B": 0.75, "C": 0.3}
    X = [rng.normal(centers[c], spread[c], size=(n, 2)) for c in "ABC"]
    return np.concatenate(X), np.repeat(list("ABC"), n)


def boxes(tree, n_features=2):
    """Box of each leaf, as [low, high, low, high, class]."""
    found = []

    def visit(node, box):
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            found.append([*box, int(tree.value[node][0].argmax())])
            return
        at, threshold = 2 * int(tree.feature[node]), float(tree.threshold[node])
        visit(left, [*box[: at + 1], threshold, *box[at + 2 :]])
        visit(right, [*box[:at], threshold, *box[at + 1 :]])

    visit(0, [-FAR, FAR] * n_features)
    return found


def spread_out(X, n):
    """Positions of `n` samples that are far apart."""
    chosen = [int(np.linalg.norm(X - X.mean(axis=0), axis=1).argmin())]
    while len(chosen) < n:
        distance = np.linalg.norm(X[:, None] - X[chosen], axis=2).min(axis=1)
        chosen.append(int(distance.argmax()))
    return chosen


def certify(tree, law, X):
    """Labels and radii of samples under a law, from the boxes of the tree."""
    p = np.zeros((len(X), len(tree.classes_)))
    for *ends, c in boxes(tree.tree_):
        inside = np.ones(len(X))
        for x, low, high in zip(X.T, ends[::2], ends[1::2], strict=True):
            low, high = ((end - x) / law.sigma for end in (low, high))
            # From the side on which the tails are small.
            flip = low + high < 0
            low, high = np.where(flip, -high, low), np.where(flip, -low, high)
            inside *= np.exp(law.log_tail(low)) - np.exp(law.log_tail(high))
        p[:, c] += inside
    order = np.argsort(-p, axis=1)
    others = np.take_along_axis(p, order[:, 1:], axis=1)
    radius = law.radius(-ndtri(others.sum(axis=1)), ndtri(others[:, 0]))
    return order[:, 0], np.maximum(radius, 0.0)


def regions():
    """Classifier, samples, and what the package certifies for some sigmas and laws."""
    X, y = three_classes(np.random.default_rng(0), 200)
    tree = DecisionTreeClassifier(max_leaf_nodes=10, random_state=0).fit(X, y)
    X, y = three_classes(np.random.default_rng(1), 50)
    X = X.round(3)
    index = np.searchsorted(tree.classes_, y)
    checks = []
    for noise, norm in LAWS:
        for sigma in CHECKED_SIGMAS:
            label, radius = certify(
                tree, ADDITIVE_LAWS[noise](sigma, float(norm), 2), X
            )
            if noise == "gaussian":
                smoothed = SmoothedClassifier.from_fitted(
                    tree, sigma=sigma, method="exact"
                )
                exact = smoothed.certify(X)
                np.testing.assert_array_equal(tree.classes_[label], exact.label)
                np.testing.assert_allclose(radius, exact.radius, atol=1e-6)
            checks.append(
                {
                    "noise": noise,
                    "norm": norm,
                    "sigma": sigma,
                    "label": label.tolist(),
                    "radius": [float(f"{r:.6g}") for r in radius],
                }
            )
    base = tree.predict(X) == y
    return {
        "classes": tree.classes_.tolist(),
        "extent": EXTENT,
        "leaves": boxes(tree.tree_),
        "samples": [
            [*point, int(c)] for point, c in zip(X.tolist(), index, strict=True)
        ],
        "shown": [
            int(np.flatnonzero(index == c)[i])
            for c in range(3)
            for i in spread_out(X[index == c], N_SHOWN)
        ],
        "base": [float(base[index == c].mean()) for c in range(3)],
        "checks": checks,
    }


def digits():
    """Images, directions, and what is predicted along them at growing norms."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    clf = LogisticRegression(C=0.1, max_iter=1000).fit(X_train, y_train)
    smoothed = SmoothedClassifier.from_fitted(
        clf, sigma=DIGIT_SIGMA, n_predict=10_000, random_state=0
    )
    certificates = smoothed.certify(X_test)
    sure = ~certificates.abstained & (certificates.label == y_test)
    rng = np.random.default_rng(0)
    found = []
    for digit in (0, 3, 4, 6, 8):
        chosen = np.flatnonzero(sure & (y_test == digit))[0]
        image = X_test[chosen]
        margins = clf.decision_function([image])[0]
        away = clf.coef_ - clf.coef_[digit]
        distance = (margins[digit] - margins) / np.maximum(
            np.linalg.norm(away, axis=1), 1e-12
        )
        distance[digit] = np.inf
        directions = {
            "to the nearest other class": away[distance.argmin()],
            "random": rng.normal(size=64),
        }
        paths = []
        for name, direction in directions.items():
            direction = direction / np.linalg.norm(direction)
            labels = smoothed.predict(image + NORMS[:, None] * direction)
            paths.append(
                {
                    "name": name,
                    "direction": direction.round(4).tolist(),
                    "label": labels.tolist(),
                }
            )
        found.append(
            {
                "digit": digit,
                "image": (16 * image).astype(int).tolist(),
                "radius": float(f"{certificates.radius[chosen]:.3f}"),
                "paths": paths,
            }
        )
    return {"sigma": DIGIT_SIGMA, "norms": NORMS.round(4).tolist(), "images": found}


def write(path):
    """Write the page with its data."""
    data = json.dumps({"regions": regions(), "digits": digits()}, allow_nan=False)
    text = TEMPLATE.read_text("utf-8").replace("DATA_OF_THE_FIGURE", data)
    Path(path).write_text(text, "utf-8")


if __name__ == "__main__":
    write(sys.argv[1] if len(sys.argv) > 1 else "interactive_figure.html")
