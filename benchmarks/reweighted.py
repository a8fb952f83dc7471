# SPDX-License-Identifier: BSD-3-Clause
"""What copies that follow the class errors of the smoothed classifier are worth.

    python benchmarks/reweighted.py [--splits 110 111 112 113 114] [--jobs 5]
    python benchmarks/reweighted.py --alpha 0.001 --max-radius-loss 0.08 --rounds 5 \
        --n-predict 500
    python benchmarks/reweighted.py --model logistic --train-sigma 0.7

A classifier is trained on half of the samples, on equally many noisy copies of all
(plain) and on copies of the classes in proportion to the weights that
`ReweightedNoiseClassifier` finds (reweighted), both with the same noise. It is then
smoothed, and samples of the other half are certified. One line for each split:
certified accuracy at radius 0, overall and of the worst class; average certified radius
(ACR), likewise; the round that was kept; CPU seconds of training. An abstention is an
error. The splits 105 to 114 were not looked at while the method was made. ``--alpha``
counts held-out samples that are certified, ``--max-radius-loss`` bounds the cost in
average radius. With several ``--jobs`` each split has a process of its own.
"""

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy.stats import t as student
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from sksmooth import SmoothedClassifier
from sksmooth.metrics import average_certified_radius_score, certified_accuracy_score
from sksmooth.training import ReweightedNoiseClassifier


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


DATA = {
    "digits": digits,
    "wine": lambda: scaled(load_wine),
    "cancer": lambda: scaled(load_breast_cancer),
}
MODELS = {
    "MLP": lambda passes: MLPClassifier((64,), max_iter=passes, random_state=0),
    "logistic": lambda _: LogisticRegression(max_iter=300),
    "tree": lambda _: DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    "forest": lambda _: RandomForestClassifier(20, min_samples_leaf=3, random_state=0),
}
SCORES = ("overall", "worst", "ACR", "worst ACR")


def scores(fitted, X, y, sigma, n_certify):
    found = SmoothedClassifier.from_fitted(
        fitted, sigma=sigma, n_certify=n_certify, random_state=0
    ).certify(X)
    return np.array(
        [
            score(y, found, average=average)
            for score in (certified_accuracy_score, average_certified_radius_score)
            for average in ("micro", "worst")
        ]
    )


def run_split(split, options):
    """Scores by how training weighs classes, and lines that show them."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = DATA[options.data]()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=split
    )
    X_test, y_test = X_test[: options.samples], y_test[: options.samples]
    classifier = ReweightedNoiseClassifier(
        MODELS[options.model](options.passes),
        sigma=options.sigma,
        train_sigma=options.train_sigma,
        cv=options.cv,
        alpha=options.alpha,
        max_radius_loss=options.max_radius_loss,
        n_predict=options.n_predict,
        random_state=0,
    )
    found, lines = {}, []
    for name, n_rounds in (("plain", 1), ("reweighted", options.rounds)):
        began = time.process_time()
        with threadpool_limits(1):
            fitted = classifier.set_params(n_rounds=n_rounds).fit(X, y)
        seconds = time.process_time() - began
        found[name] = scores(fitted, X_test, y_test, options.sigma, options.n_certify)
        lines.append(
            f"{split:6} {name:12}"
            + "".join(f"{value:11.3f}" for value in found[name])
            + f"{fitted.best_round_:8}{seconds:8.0f}"
        )
    for name in ("score", "mean_radius"):
        if name in fitted.path_:
            path = ", ".join(f"{value:.3f}" for value in fitted.path_[name])
            lines.append(f"{'':7}held out, {name} by round: {path}")
    return found, lines


def interval(values):
    """Mean over splits, and half of its 95 % t interval."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1)
    return np.mean(values), half / np.sqrt(len(values))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=DATA, default="digits")
    parser.add_argument("--model", choices=MODELS, default="MLP")
    parser.add_argument("--sigma", type=float, default=1.0)
    parser.add_argument("--train-sigma", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--cv", type=int, default=3)
    parser.add_argument("--passes", type=int, default=600, help="of the MLP")
    parser.add_argument("--splits", type=int, nargs="+", default=range(105, 110))
    parser.add_argument("--samples", type=int, default=500, help="to certify")
    parser.add_argument("--n-predict", type=int, default=100)
    parser.add_argument("--n-certify", type=int, default=1000)
    parser.add_argument("--alpha", type=float, help="of held-out certificates")
    parser.add_argument("--max-radius-loss", type=float)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    print(f"{options.data}, {options.model}, sigma={options.sigma:g}")
    print(f"{'split':>6} {'':12}{''.join(f'{s:>11}' for s in SCORES)}   round   CPU s")
    found = []
    with ProcessPoolExecutor(options.jobs) as pool:
        results = pool.map(partial(run_split, options=options), options.splits)
        for scores_of_split, lines in results:
            found.append(scores_of_split)
            print("\n".join(lines), flush=True)
    for name in ("plain", "reweighted"):
        mean = np.mean([f[name] for f in found], axis=0)
        print(f"{'mean':>6} {name:12}{''.join(f'{value:11.3f}' for value in mean)}")
    plain, reweighted = (
        np.array([f[name] for f in found]) for name in ("plain", "reweighted")
    )
    change = reweighted[:, 2].mean() / plain[:, 2].mean() - 1
    print(f"ACR changes by {100 * change:+.1f} %")
    if len(found) > 1:
        for name, gain in zip(SCORES, (reweighted - plain).T, strict=True):
            mean, half = interval(gain)
            print(f"gain of {name}: {mean:+.3f} ± {half:.3f} (95 % t interval)")


if __name__ == "__main__":
    main()
