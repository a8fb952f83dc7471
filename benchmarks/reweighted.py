# SPDX-License-Identifier: BSD-3-Clause
"""What copies that follow the class errors of the smoothed classifier are worth.

    python benchmarks/reweighted.py
    python benchmarks/reweighted.py --data cancer --model forest --sigma 2 \
        --train-sigma 1.4

A classifier is trained on half of the samples, on equally many noisy copies of all
(plain) and on copies of the classes in proportion to the weights that
`ReweightedNoiseClassifier` finds (reweighted), both with the same noise. It is
smoothed, and samples of the other half are certified. One line for each split: certified accuracy
at radius 0, overall and of the worst class; average certified radius (ACR), likewise;
the round that was kept; CPU seconds of training. An abstention is an error. The splits
are numbered from 100 and were not looked at while the method was made.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

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
    X, y = DATA[options.data]()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=split
    )
    X_test, y_test = X_test[: options.samples], y_test[: options.samples]
    plain = ReweightedNoiseClassifier(
        MODELS[options.model](options.passes),
        sigma=options.sigma,
        train_sigma=options.train_sigma,
        n_rounds=1,
        cv=options.cv,
        n_predict=options.n_predict,
        random_state=0,
    )
    found = {}
    for name, n_rounds in (("plain", 1), ("reweighted", options.rounds)):
        began = time.process_time()
        fitted = plain.set_params(n_rounds=n_rounds).fit(X, y)
        seconds = time.process_time() - began
        found[name] = scores(fitted, X_test, y_test, options.sigma, options.n_certify)
        print(
            f"{split:6} {name:12}"
            + "".join(f"{value:11.3f}" for value in found[name])
            + f"{fitted.best_round_:8}{seconds:8.0f}",
            flush=True,
        )
    path = fitted.path_["score"]
    print(
        f"{'':7}held out, by round: {', '.join(f'{s:.3f}' for s in path)}", flush=True
    )
    return found


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
    parser.add_argument("--splits", type=int, nargs="+", default=range(100, 105))
    parser.add_argument("--samples", type=int, default=500, help="to certify")
    parser.add_argument("--n-predict", type=int, default=100)
    parser.add_argument("--n-certify", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{options.data}, {options.model}, sigma={options.sigma:g}")
    print(f"{'split':>6} {'':12}{''.join(f'{s:>11}' for s in SCORES)}   round   CPU s")
    found = [run_split(split, options) for split in options.splits]
    means = {name: np.mean([f[name] for f in found], axis=0) for name in found[0]}
    for name, mean in means.items():
        print(f"{'mean':>6} {name:12}{''.join(f'{value:11.3f}' for value in mean)}")
    change = means["reweighted"][2] / means["plain"][2] - 1
    print(f"ACR changes by {100 * change:+.1f} %")


if __name__ == "__main__":
    main()
