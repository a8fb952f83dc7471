# SPDX-License-Identifier: BSD-3-Clause
"""What tuned vote weights mend, and what they cost, on rows not used for tuning.

    python benchmarks/vote_weights.py [--data ...] [--models ...] [--csv FILE]
    python benchmarks/vote_weights.py --optimisers

Five classifiers are compared on the same splits into halves: `base`, without noise;
`smoothed`; `augmented`, smoothed and trained on noisy copies; `tuned`, smoothed with
weights from `TunedVoteClassifierCV`; `both`. The one half trains and tunes, the other
is only scored: accuracy, worst class and range of `predict` on all its rows, the rest
of `certify` on the first --rows of them. "ca .5s" and "ca 1s" are certified accuracies
at half a sigma and one sigma; "ACR" is the average certified radius, in units of sigma,
over all rows and of the worst class. An abstention is an error.

Digits are in units of the darkest pixel, the other data of unit variance, but for the
balls: the class "in" is the ball of radius 1 in d dimensions, rows are spread evenly
over the distances up to 2, and the sigmas are fractions of the one at which the ball
vanishes.

With --optimisers, ways of finding weights are compared on the same vote shares instead.
"""

import argparse
import csv
import time
import warnings
from copy import copy

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import differential_evolution, linprog
from scipy.sparse import coo_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.metrics import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)
from sksmooth.shrinkage import ball_vanishing_sigma
from sksmooth.training import NoiseAugmentedClassifier
from sksmooth.tuning._vote_weight_search import VoteObjective, search_vote_weights

N_BALL = 1000
SCORES = ("accuracy", "worst", "range", "abstain", "ca .5s", "ca 1s", "ACR", "wACR")
VARIANTS = ("base", "smoothed", "augmented", "tuned", "both")


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def ball(n_features):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_BALL, n_features))
    distance = rng.uniform(0, 2, N_BALL)
    X *= (distance / np.linalg.norm(X, axis=1))[:, np.newaxis]
    return X, (distance <= 1).astype(int)


def ball_sigmas(n_features):
    return tuple(
        np.round(np.array([0.7, 1.3]) * ball_vanishing_sigma(1, n_features), 3)
    )


DATA = {
    "digits": (digits, (0.5, 1.0)),
    "wine": (lambda: scaled(load_wine), (1.0, 2.0)),
    "cancer": (lambda: scaled(load_breast_cancer), (1.0, 2.0)),
    "ball2": (lambda: ball(2), ball_sigmas(2)),
    "ball10": (lambda: ball(10), ball_sigmas(10)),
    "ball30": (lambda: ball(30), ball_sigmas(30)),
}
MODELS = {
    "SVC": lambda data: SVC(gamma=0.1) if data == "digits" else SVC(),
    "MLP": lambda data: MLPClassifier((64,), max_iter=300, random_state=0),
    "forest": lambda data: RandomForestClassifier(30, random_state=0),
    "KNN": lambda data: KNeighborsClassifier(),
}


def score(classifier, X, y, n_rows, sigma):
    answers = classifier.predict(X)
    by_class = [np.mean(answers[y == c] == c) for c in np.unique(y)]
    found = [np.mean(answers == y), min(by_class), max(by_class) - min(by_class)]
    if not hasattr(classifier, "certify"):
        return found + [np.nan] * (len(SCORES) - 3)
    y = y[:n_rows]
    certificates = classifier.certify(X[:n_rows])
    found.append(abstention_rate(y, certificates))
    found += [
        certified_accuracy_score(y, certificates, radius=radius)
        for radius in (0.5 * sigma, sigma)
    ]
    found += [
        average_certified_radius_score(y, certificates, average=average) / sigma
        for average in ("micro", "worst")
    ]
    return found


def run_cell(data, model, sigma, split, options):
    """Scores of all variants on one split; and whether weights were accepted."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = DATA[data][0]()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=split
    )
    base = MODELS[model](data)
    augmented = NoiseAugmentedClassifier(
        base, sigma=sigma, n_copies=options.copies, random_state=0
    )
    results = {}
    for plain_name, tuned_name, estimator in (
        ("smoothed", "tuned", base),
        ("augmented", "both", augmented),
    ):
        tuned = TunedVoteClassifierCV(
            SmoothedClassifier(
                estimator,
                sigma=sigma,
                n_predict=options.n_predict,
                n_certify=options.n_certify,
                random_state=0,
            ),
            scoring=options.scoring,
            floor=options.floor,
            random_state=0,
        ).fit(X, y)
        plain = copy(tuned.estimator_).set_params(vote_weights=None)
        judge = (X_test, y_test, options.rows, sigma)
        results[plain_name] = score(plain, *judge)
        accepted = tuned.cv_results_["accepted"]
        results[tuned_name] = score(tuned, *judge) if accepted else results[plain_name]
        results[f"{tuned_name} accepted"] = accepted
        if estimator is base:
            results["base"] = score(plain.estimator_, *judge)
    return results


def run_grid(options):
    cells = [
        (data, model, sigma)
        for data in options.data
        for model in options.models
        for sigma in options.sigmas or DATA[data][1]
    ]
    tasks = [(*cell, split) for cell in cells for split in range(options.splits)]
    found = Parallel(n_jobs=options.n_jobs, return_as="generator")(
        delayed(run_cell)(*task, options) for task in tasks
    )
    rows, changes = [], []
    for data, model, sigma in cells:
        splits = [next(found) for _ in range(options.splits)]
        print(f"\n{data}, {model}, sigma={sigma:g}", flush=True)
        print(" " * 10 + "".join(f"{name:>13}" for name in SCORES) + "  weights")
        scores = {name: np.array([s[name] for s in splits]) for name in VARIANTS}
        for name in VARIANTS:
            mean = scores[name].mean(axis=0)
            spread = scores[name].std(axis=0, ddof=1 if options.splits > 1 else 0)
            accepted = [s.get(f"{name} accepted", False) for s in splits]
            cells_ = (
                f"{m:8.3f} ±{s:.2f}" if np.isfinite(m) else f"{'-':>13}"
                for m, s in zip(mean, spread, strict=True)
            )
            weighted = f"{sum(accepted)}/{len(splits)}" if any(accepted) else ""
            print(f"{name:10}" + "".join(cells_) + f"  {weighted}")
            rows += [
                [data, model, sigma, name, split, *map(float, values)]
                for split, values in enumerate(scores[name])
            ]
        for plain, tuned in (("smoothed", "tuned"), ("augmented", "both")):
            change = (scores[tuned] - scores[plain]).mean(axis=0)
            changes.append(((data, model, sigma, f"{tuned} - {plain}"), change))
    summarise(changes)
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["data", "model", "sigma", "variant", "split", *SCORES])
            writer.writerows(rows)


def summarise(changes):
    """Where weights help, where they do nothing, and where they cost something."""
    delta = np.array([change for _, change in changes])
    changed = np.abs(delta[:, :2]).max(axis=1) > 0
    print(f"\nWeights against none, {len(changes)} pairs, means over splits:")
    print(f"  no weights accepted in any split: {np.sum(~changed)}")
    for name, column, limit in (
        ("accuracy", 0, 0.01),
        ("worst", 1, 0.01),
        ("abstain", 3, 0.01),
        ("ca .5s", 4, 0.01),
        ("ca 1s", 5, 0.01),
        ("ACR", 6, 0.01),
        ("wACR", 7, 0.01),
    ):
        values = delta[:, column]
        up, down = values > limit, values < -limit
        print(
            f"  {name:9} up in {up.sum():3}, down in {down.sum():3}; "
            f"mean {values.mean():+.3f}, least {values.min():+.3f}, "
            f"most {values.max():+.3f}"
        )
    for name, column, sign in (("accuracy", 0, 1), ("ACR", 6, 1), ("abstain", 3, -1)):
        worse = [
            f"{data} {model} sigma={sigma:g} {what}: {change[column]:+.3f}"
            for (data, model, sigma, what), change in changes
            if sign * change[column] < -0.01
        ]
        print(f"  loses more than .01 of {name}:", *(worse or ["none"]), sep="\n    ")


# Ways of finding weights. Each takes vote shares, positions of the true classes and an
# objective, and returns logarithms of weights.


def equal(shares, y, objective):
    return np.zeros(shares.shape[1])


def coordinate_ascent(shares, y, objective):
    return np.log(search_vote_weights(shares, y, objective)[-1])


def logarithms(shares):
    return np.log(np.maximum(shares, 1e-9))


def judged(log_shares, y, log_weights, objective):
    return tuple(objective.judge(y, np.argmax(log_shares + log_weights, axis=1)))


def reweighting(shares, y, objective, n_steps=300):
    """Raise the weight of classes answered too seldom, in ever smaller steps."""
    log_shares = logarithms(shares)
    n_classes = shares.shape[1]
    n_rows = np.bincount(y, minlength=n_classes)
    weights = np.zeros(n_classes)
    best = judged(log_shares, y, weights, objective), weights
    for step in range(n_steps):
        answers = np.argmax(log_shares + weights, axis=1)
        if objective.scoring == "accuracy":
            answered = np.bincount(answers, minlength=n_classes)
            push = (n_rows - answered) / n_rows.mean()
        elif objective.scoring == "balanced_accuracy":
            answered = np.bincount(answers, 1 / n_rows[y], n_classes)
            push = 1 - answered
        else:
            accuracy = np.bincount(y, answers == y, n_classes) / n_rows
            push = accuracy.mean() - accuracy
        weights = weights + 2 / (1 + step / 20) * push
        levels = judged(log_shares, y, weights, objective)
        if levels > best[0]:
            best = levels, weights
    return best[1]


def linear_program(shares, y, objective, margin=0.3):
    """Minimise hinge losses of the log weights: their mean, or the worst class's."""
    log_shares = np.maximum(logarithms(shares), -8)
    n, n_classes = shares.shape
    n_rows = np.bincount(y, minlength=n_classes)
    row, rival = np.nonzero(np.arange(n_classes) != y[:, np.newaxis])
    at = np.arange(len(row))
    # Variables: log weights, a loss for each row, and the loss of the worst class.
    entries = [(at, y[row], -1.0), (at, rival, 1.0), (at, n_classes + row, -1.0)]
    bound = log_shares[row, y[row]] - log_shares[row, rival] - margin
    cost = np.zeros(n_classes + n + 1)
    if objective.scoring == "worst_class_accuracy":
        cost[n_classes : n_classes + n], cost[-1] = 1e-3 / n, 1.0
        entries += [
            (len(at) + y, n_classes + np.arange(n), 1 / n_rows[y]),
            (len(at) + np.arange(n_classes), np.full(n_classes, n_classes + n), -1.0),
        ]
        bound = np.append(bound, np.zeros(n_classes))
    elif objective.scoring == "balanced_accuracy":
        cost[n_classes : n_classes + n] = 1 / n_rows[y]
    else:
        cost[n_classes : n_classes + n] = 1.0
    rows, columns, values = (
        np.concatenate(part)
        for part in zip(
            *((i, j, np.broadcast_to(v, len(i))) for i, j, v in entries), strict=True
        )
    )
    matrix = coo_array((values, (rows, columns)), shape=(len(bound), len(cost)))
    limits = [(0, 0)] + [(-15, 15)] * (n_classes - 1) + [(0, None)] * (n + 1)
    found = linprog(cost, matrix.tocsr(), bound, bounds=limits, method="highs-ipm")
    return found.x[:n_classes]


def evolution(shares, y, objective):
    log_shares = logarithms(shares)

    def loss(weights):
        levels = judged(log_shares, y, np.append(weights, 0), objective)
        return -levels[0] - 1e-3 * levels[-1]

    found = differential_evolution(
        loss,
        [(-8, 8)] * (shares.shape[1] - 1),
        maxiter=60,
        seed=0,
        polish=False,
    )
    return np.append(found.x, 0)


OPTIMISERS = (equal, coordinate_ascent, reweighting, linear_program, evolution)
OPTIMISER_CASES = (
    ("digits", "SVC", 0.5),
    ("digits", "MLP", 1.0),
    ("digits", "forest", 0.5),
    ("digits", "KNN", 0.75),
    ("wine", "MLP", 2.0),
    ("cancer", "forest", 1.0),
    ("ball10", "SVC", 0.425),
)


def optimiser_shares(data, model, sigma, split, n_predict):
    """Vote shares out of fold on one half, and of 450 rows of the other half."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = DATA[data][0]()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=split
    )
    smoothed = SmoothedClassifier(
        MODELS[model](data), sigma=sigma, n_predict=n_predict, random_state=0
    )
    held_out = cross_val_predict(clone(smoothed), X, y, cv=5, method="predict_proba")
    unseen = smoothed.fit(X, y).predict_proba(X_test[:450])
    return held_out, y, unseen, y_test[:450]


def compare_optimisers(options):
    print("Score on the rows tuned on | on unseen rows | accuracy there | milliseconds")
    for case in OPTIMISER_CASES:
        splits = [
            optimiser_shares(*case, split, options.n_predict)
            for split in range(options.splits)
        ]
        for scoring in ("worst_class_accuracy", "balanced_accuracy", "accuracy"):
            print(f"\n{case[0]}, {case[1]}, sigma={case[2]:g}, {scoring}", flush=True)
            for optimiser in OPTIMISERS:
                rows = []
                for shares, y, unseen, y_unseen in splits:
                    n_classes = shares.shape[1]
                    objective = VoteObjective(scoring, None, np.arange(n_classes))
                    began = time.perf_counter()
                    weights = optimiser(shares, y, objective)
                    took = time.perf_counter() - began
                    log_unseen = logarithms(unseen)
                    rows.append(
                        [
                            judged(logarithms(shares), y, weights, objective)[0],
                            *judged(log_unseen, y_unseen, weights, objective),
                            1e3 * took,
                        ]
                    )
                tuned, held, accuracy, took = np.mean(rows, axis=0)
                name = optimiser.__name__.replace("_", " ")
                print(
                    f"{name:18} {tuned:.3f} | {held:.3f} | {accuracy:.3f} | {took:.0f}"
                )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sigmas", nargs="+", type=float, help="instead of the usual")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--scoring", default="worst_class_accuracy")
    parser.add_argument("--floor", type=float)
    parser.add_argument(
        "--copies", type=int, default=2, help="noisy copies to train on"
    )
    parser.add_argument("--rows", type=int, default=200, help="rows to certify")
    parser.add_argument("--n-predict", type=int, default=200)
    parser.add_argument("--n-certify", type=int, default=500)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--csv", help="write the scores of each split to this file")
    parser.add_argument("--optimisers", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    (compare_optimisers if options.optimisers else run_grid)(options)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
