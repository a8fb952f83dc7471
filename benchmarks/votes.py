# SPDX-License-Identifier: BSD-3-Clause
"""What a vote costs, against `predict` alone and a plain loop; and whether it is equal.

    OMP_NUM_THREADS=1 python benchmarks/votes.py [--models SVC GaussianNB] [--rows N]

Prints tables, for digits (64 features), breast cancer (30) and digits enlarged to
28 x 28 pixels (784). `--rst` prints the first as the documentation has it.

1. Microseconds of CPU time on one thread for a vote, noise included: the floor, which
   is `predict` alone on noisy rows at its best batch size; sksmooth; sksmooth without
   fast paths; and a loop of five lines of numpy. Medians of three interleaved runs.
   Quote the ratios, which depend less on the machine.
2. Labels of fast paths that differ from those of `predict`, over `--rows` noisy rows
   for each classifier: 3 data sets, 3 sigmas, 20 settings of parameters at random; and
   the share of rows that a fast path leaves to `predict`. `--rows 0` leaves it out.

3. With `--law`: chi-square tests that votes with noise in fewer dimensions have the law
   of noise on all features, for 24 samples and 20,000 votes of each, and the same for
   noise that is 3 % wider: the least p-value, and that of a test that all of them are
   uniform.

`--compiled` has trees walked by numba, if installed, from the first vote on, and not
only where there are many.
"""

import argparse
import time
import warnings
from functools import cache, partial

import numpy as np
from scipy.ndimage import zoom
from scipy.stats import chi2_contingency, kstest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth.noise import Gaussian, Stage
from sksmooth.votes import Declined, Model, MonteCarloVotes
from sksmooth.votes._fast_votes import find_fast_votes
from sksmooth.votes._registry import find_any, find_reduced_noise
from sksmooth.votes.fast import _tree_sums

KEY = bytes(range(32))
SIGMAS = {"digits": 0.25, "breast cancer": 0.5, "784 pixels": 0.5}
SETTINGS = 20
N_ROWS, N_COPIES = 16, 512
BATCHES = (256, 1024, 4096)


@cache
def data(name):
    """Training samples, their labels, and test samples."""
    if name == "breast cancer":
        X, y = load_breast_cancer(return_X_y=True)
        X = StandardScaler().fit_transform(X)
    else:
        X, y = load_digits(return_X_y=True)
        X = X / 16
        if name == "784 pixels":
            images = [zoom(x.reshape(8, 8), 3.5, order=1).ravel() for x in X]
            X = np.clip(images, 0, 1)
    return X[::2], y[::2], X[1::2]


def random_svc(rng):
    kernel = rng.choice(["rbf", "rbf", "poly", "linear", "sigmoid"])
    settings = {
        "kernel": str(kernel),
        "gamma": float(rng.choice([0.01, 0.1, 1.0])) if kernel != "rbf" else "scale",
        "break_ties": bool(rng.integers(2)),
        "degree": int(rng.integers(2, 5)),
        "coef0": float(rng.normal()),
    }
    if rng.integers(3) == 0:
        return NuSVC(nu=0.05, **settings)
    return SVC(C=float(10 ** rng.uniform(-2, 3)), **settings)


def random_nb(rng):
    return GaussianNB(var_smoothing=float(10 ** rng.uniform(-6, 0)))


def random_tree(rng):
    return {
        "max_depth": None if rng.integers(2) else int(rng.integers(1, 9)),
        "min_samples_leaf": int(rng.integers(1, 20)),
        "criterion": str(rng.choice(["gini", "entropy"])),
        "max_features": float(rng.uniform(0.02, 0.2)),
        "class_weight": "balanced" if rng.integers(2) else None,
        "random_state": int(rng.integers(100)),
    }


def random_forest(kind, rng):
    # An even number of trees, so that there are ties.
    size = 2 * int(rng.integers(1, 16))
    return kind(size, bootstrap=bool(rng.integers(2)), **random_tree(rng))


def random_bagging(rng):
    tree = DecisionTreeClassifier(**random_tree(rng))
    size = int(rng.integers(2, 20))
    return BaggingClassifier(tree, n_estimators=size, random_state=0)


def random_boosting(rng):
    return GradientBoostingClassifier(
        n_estimators=int(rng.integers(1, 12)),
        learning_rate=float(10 ** rng.uniform(-2, 0.3)),
        max_depth=int(rng.integers(1, 6)),
        init="zero" if rng.integers(2) else None,
        max_features=0.2,
        random_state=0,
    )


def random_hist_boosting(rng):
    return HistGradientBoostingClassifier(
        max_iter=int(rng.integers(1, 12)),
        learning_rate=float(10 ** rng.uniform(-2, 0.3)),
        max_leaf_nodes=int(rng.integers(2, 40)),
        max_bins=int(rng.integers(3, 256)),
        max_features=0.2,
        random_state=0,
    )


# Classifier with its defaults, and with parameters at random.
MODELS = {
    "SVC": (SVC, random_svc),
    "StandardScaler, SVC": (
        lambda: make_pipeline(StandardScaler(), SVC()),
        lambda rng: make_pipeline(StandardScaler(), random_svc(rng)),
    ),
    "PCA(20), SVC": (
        lambda: make_pipeline(PCA(20, random_state=0), SVC()),
        lambda rng: make_pipeline(
            PCA(int(rng.integers(5, 25)), whiten=bool(rng.integers(2)), random_state=0),
            random_svc(rng),
        ),
    ),
    "KNN(5)": (
        KNeighborsClassifier,
        lambda rng: KNeighborsClassifier(
            int(rng.integers(1, 30)),
            algorithm=str(rng.choice(["auto", "brute"])),
        ),
    ),
    "MLP(100)": (
        lambda: MLPClassifier((100,), max_iter=100, random_state=0),
        lambda rng: MLPClassifier(
            tuple(rng.integers(5, 20, size=rng.integers(1, 3)).tolist()),
            activation=str(rng.choice(["relu", "tanh", "logistic", "identity"])),
            max_iter=10,
            random_state=0,
        ),
    ),
    "GaussianNB": (lambda: GaussianNB(var_smoothing=1e-2), random_nb),
    "RandomForest(100)": (
        lambda: RandomForestClassifier(random_state=0),
        partial(random_forest, RandomForestClassifier),
    ),
    "ExtraTrees(100)": (
        lambda: ExtraTreesClassifier(random_state=0),
        partial(random_forest, ExtraTreesClassifier),
    ),
    "DecisionTree": (
        lambda: DecisionTreeClassifier(random_state=0),
        lambda rng: DecisionTreeClassifier(**random_tree(rng)),
    ),
    "Bagging(10)": (lambda: BaggingClassifier(random_state=0), random_bagging),
    "GradientBoosting": (
        lambda: GradientBoostingClassifier(max_features="sqrt", random_state=0),
        random_boosting,
    ),
    "HistGradientBoosting": (
        lambda: HistGradientBoostingClassifier(max_features=0.1, random_state=0),
        random_hist_boosting,
    ),
}


def model_of(estimator, sigma):
    return Model(estimator, estimator.classes_, Gaussian(sigma), KEY, None)


def cpu_time(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def plain_loop(estimator, X, sigma):
    rng = np.random.default_rng(0)
    for x in X:
        noisy = x + sigma * rng.standard_normal((N_COPIES, len(x)))
        labels = estimator.predict(noisy)
        np.bincount(np.searchsorted(estimator.classes_, labels))


def cost(estimator, X, sigma):
    """Microseconds a vote: floor, sksmooth, without fast paths, plain loop."""
    model = model_of(estimator, sigma)
    X = X[:: len(X) // N_ROWS][:N_ROWS]
    noisy = np.repeat(X, N_COPIES, axis=0)
    noisy += sigma * np.random.default_rng(0).standard_normal(noisy.shape)
    sizes = np.full(len(X), N_COPIES)

    def draw(source):
        source.open(X).draw(np.arange(len(X)), sizes, Stage.ESTIMATE)

    def predict(batch):
        for start in range(0, len(noisy), batch):
            estimator.predict(noisy[start : start + batch])

    slow = MonteCarloVotes(model)
    try:
        fast = find_reduced_noise(model, X)
    except Declined:
        fast = find_any(model, X)
    draw(fast)
    times = []
    for _ in range(3):
        floor = min(cpu_time(lambda b=batch: predict(b)) for batch in BATCHES)
        times.append(
            [
                floor,
                cpu_time(lambda: draw(fast)),
                cpu_time(lambda: draw(slow)),
                cpu_time(lambda: plain_loop(estimator, X, sigma)),
            ]
        )
    return 1e6 * np.median(times, axis=0) / len(noisy)


def differing(make, n_rows):
    """Labels that differ from those of predict, rows left to it, and all rows."""
    n_each = max(1, n_rows // (SETTINGS * len(SIGMAS) * 3))
    wrong = left = seen = n_fits = 0
    for seed in range(SETTINGS):
        for name, middle in SIGMAS.items():
            X, y, X_test = data(name)
            try:
                estimator = make(np.random.default_rng(seed)).fit(X, y)
            except ValueError:  # such as a nu that the classes do not allow
                continue
            for factor in (0.2, 1.0, 5.0):
                model = model_of(estimator, factor * middle)
                slow = MonteCarloVotes(model)
                rng = np.random.default_rng(seed)
                owner = rng.integers(len(X_test), size=n_each)
                noise = rng.standard_normal((n_each, X.shape[1]))
                noisy = X_test[owner] + factor * middle * noise
                asked = 0

                def counted(copies, predicted=slow._predicted):
                    nonlocal asked
                    asked += len(copies)
                    return predicted(copies)

                try:
                    fast = find_reduced_noise(model, X_test)
                    labels = fast.vote(fast.space.coordinates(noisy), X_test, owner)
                except Declined:
                    try:
                        fast = find_fast_votes(slow, model, X_test)
                    except Declined as reason:
                        print("declined:", estimator, reason)
                        continue
                    fast._predicted = counted
                    labels = fast.vote(noisy, X_test, owner)
                wrong += int(np.sum(labels != slow.vote(noisy, X_test, owner)))
                left, seen, n_fits = left + asked, seen + n_each, n_fits + 1
    return wrong, left, seen, n_fits


def print_law(model, name):
    """P-values for the right law, and for one that is 3 % wider."""
    X, y, X_test = data(name)
    estimator, sigma = MODELS[model][0]().fit(X, y), 2 * SIGMAS[name]
    X_test, sizes = X_test[:24], np.full(24, 20_000)

    def draw(source, stage):
        return source.open(X_test).draw(np.arange(24), sizes, stage)

    expected = draw(find_any(model_of(estimator, sigma), X_test), Stage.PILOT)
    for law, factor in (("right law", 1.0), ("3 % wider", 1.03)):
        reduced = find_reduced_noise(model_of(estimator, factor * sigma), X_test)
        pvalues = []
        for pair in zip(draw(reduced, Stage.ESTIMATE), expected, strict=True):
            counts = np.stack(pair)
            counts = counts[:, counts.sum(axis=0) >= 10]
            if counts.shape[1] > 1:
                pvalues.append(chi2_contingency(counts)[1])
        print(
            f"{model:14s} {name:12s} {law}: {len(pvalues)} samples, least p "
            f"{min(pvalues):.2g}, uniform p {kstest(pvalues, 'uniform')[1]:.2g}",
            flush=True,
        )


def print_costs(models, rst):
    header = ["", "floor", "vote", "/floor", "no fast path", "loop", "/loop"]
    line = "{:22s} {:14s} {:>8s} {:>8s} {:>7s} {:>13s} {:>8s} {:>7s}"
    if rst:
        print(".. list-table::\n   :header-rows: 1\n")
    else:
        print(line.format("classifier", "data", *header[1:]))
    for model in models:
        for name, sigma in SIGMAS.items():
            X, y, X_test = data(name)
            estimator = MODELS[model][0]().fit(X, y)
            floor, fast, slow, loop = cost(estimator, X_test, sigma)
            cells = [f"{floor:.2f}", f"{fast:.2f}", f"{fast / floor:.2f}"]
            cells += [f"{slow:.2f}", f"{loop:.2f}", f"{loop / fast:.1f}"]
            if rst:
                print("   * - " + "\n     - ".join([model, name, *cells]))
            else:
                print(line.format(model, name, *cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rst", action="store_true")
    parser.add_argument("--law", action="store_true")
    parser.add_argument("--compiled", action="store_true")
    args = parser.parse_args()
    if args.compiled:
        _tree_sums.ROWS_WORTH_COMPILING = 0
    warnings.simplefilter("ignore")
    models = args.models
    print_costs(models, args.rst)
    if args.law:
        print_law("PCA(20), SVC", "digits")
        print_law("MLP(100)", "784 pixels")
    if args.rows:
        print("\nlabels that differ from those of predict")
        for model in models:
            wrong, left, seen, n_fits = differing(MODELS[model][1], args.rows)
            print(
                f"{model:22s} {wrong} of {seen} ({n_fits} fits and sigmas), "
                f"{left / max(seen, 1):.2%} left to predict",
                flush=True,
            )


if __name__ == "__main__":
    main()
