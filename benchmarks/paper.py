# SPDX-License-Identifier: BSD-3-Clause
"""The tables and figures of "Hidden Cost of Randomized Smoothing".

    python benchmarks/paper.py [--only regions theorems published digits vanishing]
        [--logs DIR] [--figures DIR]

Prints five tables, and draws the figures of the paper into a folder.

1. regions: as Table 1 of the paper, with values in place of theorems: a bounded region
   (the ball of radius 1) and a semi-bounded one (a cone), each class against the rest.
   The values in closed form stand beside those that a `SmoothedClassifier` of a
   classifier with that region shows, by votes alone:

   - boundary: of the smoothed region, along the axis. Without noise it is 1 for the
     ball and 0, the apex, for the cone;
   - vanishing sigma: at which the region is gone. A cone never vanishes;
   - rate: by how much the boundary has moved, for each unit of sigma;
   - radius: certified at the row one sigma inside the smoothed boundary. What is
     measured there is a lower bound, at alpha = 0.001.

2. theorems: the paper's bounds beside the exact values, for balls of radius 1, cones of
   45 degrees and three points on a line. The smoothed region for c classes is that in
   which the class has at least 1/c of the votes.
3. published: Table 2 of the paper, from counts of published certificates that are
   shipped, or from the logs themselves in the folder ``--logs``.
4. digits: class-wise accuracy on digits (pixels in [0, 1], half of the rows held out),
   trained without noise and with noise of the sigma that it is smoothed with: over all
   rows, of the worst and the best class, and their difference, by `predict`; certified
   accuracy at radius 0 of the worst class; and abstention of `certify`, over all rows
   and in the class that abstains most.
   Then, as in Table 3 of the paper, percentiles over classes of the accuracy of the
   classifier trained without noise, smoothed (sigma 0: not smoothed).
5. vanishing: the sigma past which no held-out row of a digit is predicted right.
"""

import argparse
import time
import warnings

import numpy as np
import published_logs
from scipy.special import ndtri
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import (
    ball_certified_radius,
    ball_shrinking_bound,
    ball_shrinking_sigma,
    ball_smoothed_radius,
    ball_vanishing_bound,
    ball_vanishing_sigma,
    cone_apex_shift,
    cone_certified_radius,
    cone_narrowness_angle,
    cone_rate_bound,
    cone_shrinking_angle,
    cone_shrinking_rate,
    line_mixture_accuracy,
    line_mixture_takeover_bound,
    line_mixture_takeover_sigma,
    shrinkage_curve,
    vanishing_sigma,
)
from sksmooth.training import NoiseAugmentedClassifier

HALF_ANGLE = np.pi / 4
CONE_SIGMA = 0.25

# -- 1. regions ------------------------------------------------------------------------


class Region(ClassifierMixin, BaseEstimator):
    """Answers 1 inside a region, else 0; there is nothing to learn."""

    classes_ = np.array([0, 1])

    def fit(self, X=None, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.contains(X).astype(int)


class Ball(Region):
    """The ball of radius 1."""

    def contains(self, X):
        return np.einsum("ij,ij->i", X, X) <= 1


class Cone(Region):
    """Rows within a half-angle of the first axis."""

    def contains(self, X):
        square = np.einsum("ij,ij->i", X, X)
        return (X[:, 0] > 0) & (X[:, 0] ** 2 >= np.cos(HALF_ANGLE) ** 2 * square)


def on_axis(positions, d):
    """Rows at the given positions on the first axis."""
    rows = np.zeros((len(positions), d))
    rows[:, 0] = positions
    return rows


def measured_boundary(region, sigma, d, high, n_votes):
    """Where on the axis half of the votes are inside, by votes alone.

    Bisection by `predict` finds the place up to half a sigma; the shares at nine rows
    around it, a curve in probits, give the rest.
    """
    g = SmoothedClassifier.from_fitted(region, sigma=sigma, random_state=0)
    low = 0.0
    start = g.predict(on_axis([low], d))[0]
    while high - low > sigma / 2:
        middle = (low + high) / 2
        if g.predict(on_axis([middle], d))[0] == start:
            low = middle
        else:
            high = middle
    positions = (low + high) / 2 + sigma * np.linspace(-0.6, 0.6, 9)
    g.set_params(n_predict=n_votes)
    shares = g.predict_proba(on_axis(positions, d))[:, 1]
    fit = np.polynomial.Polynomial.fit(positions, ndtri(shares), 2)
    roots = fit.roots()
    roots = roots.real[np.abs(roots.imag) < 1e-9]
    return roots[np.argmin(np.abs(roots - (low + high) / 2))]


def measured_radius(region, sigma, position, d, n_votes):
    g = SmoothedClassifier.from_fitted(
        region, sigma=sigma, n_certify=n_votes, random_state=0
    )
    return g.certify(on_axis([position], d)).radius[0]


def measured_vanishing(region, d, n_votes):
    found = vanishing_sigma(
        region,
        on_axis([0.0], d),
        [1],
        sigma_range=(0.005, 5.0),
        tol=0.001,
        n_predict=n_votes,
        random_state=0,
    )
    return found.sigma[1]


def ball_row(d, n_votes):
    region = Ball().fit()
    vanishing = ball_vanishing_sigma(1.0, d)
    sigma = vanishing / 2
    boundary = ball_smoothed_radius(1.0, sigma, d)
    measured = measured_boundary(region, sigma, d, 1.0, n_votes)
    inside = boundary - sigma
    return (
        ("bounded", "ball", d, sigma),
        (boundary, measured),
        (vanishing, measured_vanishing(region, d, n_votes)),
        ((1 - boundary) / sigma, (1 - measured) / sigma),
        (
            ball_certified_radius(inside, 1.0, sigma, d),
            measured_radius(region, sigma, inside, d, 10 * n_votes),
        ),
    )


def cone_row(d, n_votes):
    region = Cone().fit()
    sigma = CONE_SIGMA
    boundary = cone_apex_shift(HALF_ANGLE, sigma, d)
    measured = measured_boundary(region, sigma, d, 16 * sigma * np.sqrt(d), n_votes)
    inside = boundary + sigma
    return (
        ("semi-bounded", "cone", d, sigma),
        (boundary, measured),
        (None, None),
        (boundary / sigma, measured / sigma),
        (
            cone_certified_radius(inside, 0.0, HALF_ANGLE, sigma, d),
            measured_radius(region, sigma, inside, d, 10 * n_votes),
        ),
    )


def region_table(dimensions, n_votes):
    print("1. Regions: exact | measured\n")
    titles = ("boundary", "vanishing sigma", "rate", "radius")
    print(f"{'region':<13}{'':<6}{'d':>5}{'sigma':>9}", end="")
    print("".join(f"{title:>20}" for title in titles))
    for row in (ball_row, cone_row):
        for d in dimensions:
            (kind, shape, d, sigma), *pairs = row(d, n_votes)
            cells = [
                "-" if exact is None else f"{exact:.4f} | {measured:.4f}"
                for exact, measured in pairs
            ]
            print(f"{kind:<13}{shape:<6}{d:>5}{sigma:>9.4f}", end="")
            print("".join(f"{cell:>20}" for cell in cells), flush=True)


# -- 2. theorems -----------------------------------------------------------------------

CLASSES = 2, 10, 100


def theorem_table():
    print("\n2. Theorems: exact | bound of the paper\n")
    heads = ("shrinks (3)", "vanishes (4)", "rate (7)", "narrower than (5)")
    print(f"{'d':>5}{'classes':>9}" + "".join(f"{head:>20}" for head in heads))
    for d in (2, 3, 10, 784, 3072):
        for c in CLASSES:
            angles = (
                np.degrees(cone_shrinking_angle(d, c)),
                np.degrees(cone_narrowness_angle(d, c)),
            )
            pairs = (
                (ball_shrinking_sigma(1.0, d, c), ball_shrinking_bound(1.0, d, c)),
                (ball_vanishing_sigma(1.0, d, c), ball_vanishing_bound(1.0, d, c)),
                (
                    cone_shrinking_rate(HALF_ANGLE, d, c),
                    cone_rate_bound(HALF_ANGLE, d, c),
                ),
            )
            cells = [f"{exact:.4f} | {bound:.4f}" for exact, bound in pairs]
            cells.append("{:.2f} | {:.2f} deg".format(*angles))
            print(f"{d:>5}{c:>9}" + "".join(f"{cell:>20}" for cell in cells))
    print("\nTheorem 2, in units of a: sigma from which on -a is taken, and the gap\n")
    heads = ("rare share", "k", "exact", "printed", "corrected", "gap", "printed gap")
    print("".join(f"{head:>12}" for head in heads))
    for rare in (0.01, 0.05, 0.1):
        k = np.ceil(np.exp(2) / rare - 1) + 1
        line = [-1, 0, k], [0.5 - rare, 0.5, rare]
        exact = line_mixture_takeover_sigma(*line)[0]
        printed = line_mixture_takeover_bound(1, k, rare, as_printed=True)
        bound = line_mixture_takeover_bound(1, k, rare)
        middle, outer = line_mixture_accuracy(*line, bound, bound)
        numbers = (exact, printed, bound, middle - outer, 1 - rare)
        print(f"{rare:>12g}{k:>12g}" + "".join(f"{x:>12.4g}" for x in numbers))


# -- 4. and 5. digits ------------------------------------------------------------------

MODELS = {
    "MLP": lambda: MLPClassifier((100,), max_iter=200, random_state=0),
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "SVC": lambda: SVC(),
    "1-NN": lambda: KNeighborsClassifier(1),
}
# Slow to vote, and slower still if trained on copies.
VANISHING_MODELS = ("MLP", "SVC")


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=0.5, stratify=y, random_state=0)


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        # With and without noise the MLP takes the same number of passes.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def digits_table(models, sigmas, n_rows, n_certify):
    X_train, X_test, y_train, y_test = digits()
    X_test, y_test = X_test[:n_rows], y_test[:n_rows]
    settings = {"n_certify": n_certify, "random_state": 0, "acr": False}
    print(
        f"\n4. Digits, {len(y_test)} held-out rows; a * is the base classifier alone\n"
    )
    heads = ("overall", "worst", "best", "range", "cert. worst", "abstains", "most")
    print(f"{'model':<10}{'training':<11}{'sigma':>6}", end="")
    print("".join(f"{head:>12}" for head in heads))

    def show(name, training, sigma, cells):
        print(f"{name:<10}{training:<11}{sigma:>6}", end="")
        print("".join(f"{cell:>12.3f}" for cell in cells), flush=True)

    def show_curve(name, training, curve):
        accuracy, abstains = curve.summary(), curve.summary("abstention_rate")
        certified = curve.summary("certified_accuracy")
        for i, sigma in enumerate(curve.sigmas):
            cells = [accuracy[key][i] for key in ("overall", "worst", "best", "range")]
            cells += [certified["worst"][i]]
            cells += [abstains["overall"][i], abstains["worst"][i]]
            show(name, training, f"{sigma:g}", cells)

    for name in models:
        clean = fitted(MODELS[name](), X_train, y_train)
        curve = shrinkage_curve(clean, X_test, y_test, sigmas, **settings)
        base = curve.summary("base_accuracy")
        show(
            name, "clean", "*", [base[k] for k in ("overall", "worst", "best", "range")]
        )
        show_curve(name, "clean", curve)
        for sigma in sigmas:
            noisy = NoiseAugmentedClassifier(
                MODELS[name](), sigma=sigma, random_state=0
            )
            fitted(noisy, X_train, y_train)
            curve = shrinkage_curve(noisy, X_test, y_test, [sigma], **settings)
            show_curve(name, "augmented", curve)


PERCENTILES = 1, 25, 50, 75, 100


def percentile_table(models, n_rows):
    X_train, X_test, y_train, y_test = digits()
    X_test, y_test = X_test[:n_rows], y_test[:n_rows]
    print("\nPercentiles over classes of accuracy, %, trained without noise\n")
    print(f"{'model':<10}{'sigma':>6}" + "".join(f"{q:>6}" for q in PERCENTILES))
    for name in models:
        clean = fitted(MODELS[name](), X_train, y_train)
        curve = shrinkage_curve(
            clean,
            *(X_test, y_test, [0.25, 0.5, 1.0, 1.5, 2.0]),
            n_certify=100,
            random_state=0,
            acr=False,
        )
        accuracies = [curve.base_accuracy, *curve.accuracy]
        for sigma, accuracy in zip([0, *curve.sigmas], accuracies, strict=True):
            cells = np.percentile(100 * accuracy, PERCENTILES)
            print(f"{name:<10}{sigma:>6g}" + "".join(f"{x:>6.0f}" for x in cells))


def vanishing_table(models, n_rows):
    X_train, X_test, y_train, y_test = digits()
    X_test, y_test = X_test[:n_rows], y_test[:n_rows]
    print(f"\n5. Vanishing sigma of each digit, {len(y_test)} held-out rows\n")
    print(f"{'model':<10}" + "".join(f"{digit:>8}" for digit in range(10)))
    for name in models:
        clean = fitted(MODELS[name](), X_train, y_train)
        found = vanishing_sigma(clean, X_test, y_test, tol=0.03, random_state=0)
        cells = [
            f"{sigma:.3f}" if status == "vanishes" else status
            for sigma, status in zip(found.sigma, found.status, strict=True)
        ]
        print(f"{name:<10}" + "".join(f"{cell:>8}" for cell in cells), flush=True)
    print(f"\nnever: still right at sigma = {found.sigma_range[1]:.1f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", type=int, nargs="+", default=[2, 10, 64, 784])
    parser.add_argument("--votes", type=int, default=20_000, help="at a row of table 1")
    tables = ("regions", "theorems", "published", "digits", "vanishing")
    parser.add_argument("--only", nargs="*", choices=tables, default=tables)
    parser.add_argument("--logs", help="folder of published logs, *_SIGMA.tsv")
    parser.add_argument("--figures", help="folder to draw the figures into")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["MLP"])
    parser.add_argument("--sigmas", type=float, nargs="+", default=[0.25, 0.5, 1.0])
    parser.add_argument("--rows", type=int, default=899, help="held-out digits")
    parser.add_argument("--n-certify", type=int, default=10_000)
    args = parser.parse_args()

    start, cpu = time.perf_counter(), time.process_time()
    if args.figures:
        from paper_figures import draw_all  # needs matplotlib

        print(f"Drawn: {', '.join(draw_all(args.figures))}\n")
    if "regions" in args.only:
        region_table(args.features, args.votes)
    if "theorems" in args.only:
        theorem_table()
    if "published" in args.only:
        print()
        published_logs.show(
            published_logs.counts_of_logs(args.logs)
            if args.logs
            else published_logs.shipped_counts()
        )
    if "digits" in args.only:
        digits_table(args.models, args.sigmas, args.rows, args.n_certify)
        percentile_table(VANISHING_MODELS, args.rows)
    if "vanishing" in args.only:
        vanishing_table(VANISHING_MODELS, args.rows)
    cpu = time.process_time() - cpu
    print(f"\n{time.perf_counter() - start:.0f} s, {cpu:.0f} s of CPU time")


if __name__ == "__main__":
    main()
