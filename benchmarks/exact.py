# SPDX-License-Identifier: BSD-3-Clause
"""Closed forms against sampling: time of a certificate, and what "auto" chooses.

    python benchmarks/exact.py [--rows 200] [--repeats 5] [--clock cpu] [--only NAME]

For each model, medians over the repeats of one run, interleaved:

- time of `certify` in closed form per row, in a call with 2,000 rows, or with as many
  more (up to 50,000) as it takes for the cost of a call not to count; and the time it
  takes to find the form, once for a fitted classifier;
- the same by sampling, at n = 100,000 and n = 1,000 votes (`tol=0`), measured on as few
  rows as keep the run short, and of `predict` alone on 100,000 rows per row certified,
  as ratios to the closed form;
- for four questions, time with ``method="auto"`` over ``method="monte_carlo"``, once
  the form was found: auto must not be slower by more than a tenth.

The last table compares votes of a linear model with ten classes, sampled in the space
of score differences, with the plain loop (noise, `predict`, count; row by row) at equal
n.

With ``--clock cpu`` and ``OMP_NUM_THREADS=1`` the time is that of the process, which
other processes disturb less.
"""

import argparse
import time

import numpy as np
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    make_classification,
    make_moons,
)
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from sksmooth import SmoothedClassifier

MANY, FEW = 100_000, 1_000


def data():
    digits, digits_y = load_digits(return_X_y=True)
    cancer, cancer_y = load_breast_cancer(return_X_y=True)
    cancer = StandardScaler().fit_transform(cancer)
    large = make_classification(
        80_000, 20, n_informative=15, flip_y=0.3, random_state=0
    )
    return {
        "digits": (digits / 16, digits_y, 0.25),
        "cancer": (cancer, cancer_y, 0.5),
        "iris": (*load_iris(return_X_y=True), 0.5),
        "moons": (*make_moons(2000, noise=0.2, random_state=0), 0.3),
        "large": (*large, 0.5),
    }


def models():
    linear = LogisticRegression(max_iter=5000)
    return [
        ("linear, 2 classes", "cancer", linear),
        (
            "scaler + linear, 2 classes",
            "cancer",
            make_pipeline(StandardScaler(), linear),
        ),
        ("linear, 3 classes", "iris", linear),
        ("tree, cancer", "cancer", DecisionTreeClassifier(random_state=0)),
        ("tree, digits", "digits", DecisionTreeClassifier(random_state=0)),
        ("extra tree, digits", "digits", ExtraTreeClassifier(random_state=0)),
        (
            "tree, 5,000 leaves",
            "large",
            DecisionTreeClassifier(max_leaf_nodes=5000, random_state=0),
        ),
        ("forest, moons", "moons", RandomForestClassifier(random_state=0)),
        ("boosting, moons", "moons", HistGradientBoostingClassifier(random_state=0)),
        (
            "stumps, gradient",
            "cancer",
            GradientBoostingClassifier(max_depth=1, random_state=0),
        ),
        ("stumps, AdaBoost", "cancer", AdaBoostClassifier(n_estimators=100)),
        (
            "stumps, histogram",
            "cancer",
            HistGradientBoostingClassifier(max_leaf_nodes=2, random_state=0),
        ),
        ("Gaussian naive Bayes", "cancer", GaussianNB()),
        (
            "quadratic discriminant",
            "cancer",
            QuadraticDiscriminantAnalysis(reg_param=0.1),
        ),
    ]


QUESTIONS = {
    "predict": lambda clf, X: clf.predict(X),
    "predict_proba": lambda clf, X: clf.predict_proba(X),
    "radii": lambda clf, X: clf.certify(X, radii=[0.0, clf.sigma]),
    "radius": lambda clf, X: clf.certify(X),
}


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = time.perf_counter


def timed(function, *args, **kwargs):
    start = clock()
    function(*args, **kwargs)
    return clock() - start


def smoothed(model, sigma, method, n):
    return SmoothedClassifier.from_fitted(
        model, sigma=sigma, method=method, n_certify=n, random_state=0
    )


def compare(model, X, y, sigma, n_rows, repeats):
    """Medians: build, exact, sampled at two n, floor, and auto over sampled."""
    train, test = X[::2], X[1::2][:n_rows]
    model = clone(model).fit(train, y[::2])
    few = test[:3]
    noisy = np.repeat(few, MANY // 10, axis=0)
    exact = smoothed(model, sigma, "exact", MANY)
    build = timed(exact.certify, test)  # the first call builds
    again = timed(exact.certify, test)
    build -= again
    # Rows enough for the time of a call to be that of its rows.
    n_many = int(np.clip(0.1 / again * len(test), 2000, 50_000))
    rng = np.random.default_rng(0)
    many_rows = np.resize(test, (n_many, X.shape[1]))
    many_rows += 0.1 * sigma * rng.standard_normal(many_rows.shape)
    auto = smoothed(model, sigma, "auto", 10_000)
    for ask in QUESTIONS.values():
        ask(auto, test)
    times = {"exact": [], "many": [], "few": [], "floor": []}
    ratios = {name: [] for name in QUESTIONS}
    for _ in range(repeats):
        times["exact"].append(timed(exact.certify, many_rows) / len(many_rows))
        many = smoothed(model, sigma, "monte_carlo", MANY)
        times["many"].append(timed(many.certify, few, tol=0) / len(few))
        little = smoothed(model, sigma, "monte_carlo", FEW)
        times["few"].append(timed(little.certify, test, tol=0) / len(test))
        times["floor"].append(timed(model.predict, noisy) * 10 / len(few))
        for name, ask in QUESTIONS.items():
            sampled = smoothed(model, sigma, "monte_carlo", 10_000)
            ratios[name].append(timed(ask, auto, test) / timed(ask, sampled, test))
    medians = {name: np.median(values) for name, values in times.items()}
    medians["build"] = build
    return medians, {name: np.median(values) for name, values in ratios.items()}


def projected(repeats, n=MANY, n_rows=20):
    X, y, sigma = data()["digits"]
    model = LogisticRegression(max_iter=5000).fit(X[::2], y[::2])
    rows = X[1::2][:n_rows]
    rng = np.random.default_rng(0)

    def plain_loop(batch):
        for row in rows:
            counts = np.zeros(10, dtype=int)
            for _ in range(n // batch):
                noisy = row + sigma * rng.standard_normal((batch, row.size))
                counts += np.bincount(model.predict(noisy), minlength=10)

    ours = smoothed(model, sigma, "auto", n)
    ours.certify(rows[:1])  # finds that it is linear
    ratios = {400: [], 1000: [], 10_000: []}
    for _ in range(repeats):
        seconds = timed(ours.certify, rows, tol=0)
        for batch, found in ratios.items():
            found.append(timed(plain_loop, batch) / seconds)
    print(f"\nlinear, 10 classes, n={n:,}: plain loop / projected")
    for batch, found in ratios.items():
        print(f"  in batches of {batch:6,}: {np.median(found):6.1f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    parser.add_argument("--only", default="", help="models with this in their name")
    args = parser.parse_args()
    global clock
    clock = CLOCKS[args.clock]
    sets = data()
    print(
        f"{'model':28}{'build s':>9}{'exact us':>10}{'/100k':>10}{'/1k':>9}"
        f"{'/predict':>10}   auto/sampled: "
        + "".join(f"{name:>15}" for name in QUESTIONS)
    )
    for name, source, model in models():
        if args.only not in name:
            continue
        X, y, sigma = sets[source]
        times, ratios = compare(model, X, y, sigma, args.rows, args.repeats)
        exact = times["exact"]
        print(
            f"{name:28}{times['build']:9.3f}{1e6 * exact:10.2f}"
            f"{times['many'] / exact:10,.0f}{times['few'] / exact:9,.1f}"
            f"{times['floor'] / exact:10,.0f}"
            + " " * 17
            + "".join(f"{ratios[question]:15.3f}" for question in QUESTIONS),
            flush=True,
        )
    if args.only in "linear, 10 classes":
        projected(args.repeats)


if __name__ == "__main__":
    main()
