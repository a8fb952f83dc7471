# SPDX-License-Identifier: BSD-3-Clause
"""Evaluations of the base classifier: sequential procedures against fixed n.

    python benchmarks/evaluations.py [--rows 100] [--cap 100000]

Prints three tables.

1. digits (pixels in [0, 1], half of it held out), MLP and random forest at two sigmas,
   all questions at the same cap, against a fixed number of votes (Cohen et al., 2019):
   share of rows that hold, how often both decide alike, evaluations of a row with
   sksmooth, how many times fewer they are, and the ratio of wall times.
2. The same models: `certify(X)` with its default `tol` against fixed n, and `predict`
   at a cap of 10,000. The last column is the relative change of the mean radius; for
   `predict`, minus the share of labels that differ from the leader of all votes.
3. A linear classifier in one dimension, samples with chosen probabilities p, tested
   whether p exceeds a threshold q: mean evaluations over log(1/alpha) / KL(p || q),
   what any test with error alpha needs at least in the mean.

Evaluations do not depend on the machine; wall times do, so quote their ratio.
"""

import argparse
import time

import numpy as np
from scipy.special import ndtri, rel_entr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sksmooth import SmoothedClassifier

ALPHA = 0.001
SIGMAS = (0.25, 0.5)
Z_SCORES = (0.0, 1.0, 2.0)
THRESHOLD_AND_P = (
    (0.5, 0.62),
    (0.5, 0.9),
    (0.69, 0.79),
    (0.841, 0.903),
    (0.841, 0.99),
    (0.977, 0.989),
    (0.977, 0.9999),
)


def timed(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def digits_models():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(
        X / 16, y, test_size=0.5, stratify=y, random_state=0
    )
    models = {
        "MLP": MLPClassifier((100,), max_iter=1000, random_state=0),
        "forest": RandomForestClassifier(random_state=0),
    }
    return {name: m.fit(X_train, y_train) for name, m in models.items()}, X_test


def digits_tables(n_rows, cap, bound):
    models, X = digits_models()
    X = X[:n_rows]
    at_radius, others = [], []
    for name, model in models.items():
        for sigma in SIGMAS:
            clf = SmoothedClassifier.from_fitted(
                model,
                sigma=sigma,
                method="monte_carlo",
                bound=bound,
                alpha=ALPHA,
                n_certify=cap,
                random_state=0,
            )
            fixed, fixed_time = timed(lambda clf=clf: clf.certify(X, tol=0))
            spent = fixed.n_evaluations.mean()
            for z in Z_SCORES:
                radius = z * sigma
                asked, asked_time = timed(
                    lambda clf=clf, r=radius: clf.certify(X, radii=[r])
                )
                at_radius.append(
                    (
                        name,
                        sigma,
                        z,
                        fixed.holds(radius).mean(),
                        asked.holds(radius).mean(),
                        (fixed.holds(radius) == asked.holds(radius)).mean(),
                        asked.n_evaluations.mean(),
                        np.median(asked.n_evaluations),
                        spent / asked.n_evaluations.mean(),
                        fixed_time / asked_time,
                    )
                )
            planned, planned_time = timed(lambda clf=clf: clf.certify(X))
            others.append(
                (
                    name,
                    sigma,
                    "certify",
                    spent,
                    planned.n_evaluations.mean(),
                    spent / planned.n_evaluations.mean(),
                    fixed_time / planned_time,
                    planned.radius.mean() / fixed.radius.mean() - 1,
                )
            )
            others.append((name, sigma, "predict", *predict_costs(clf, X)))
    return at_radius, others


def predict_costs(clf, X, cap=10_000):
    """Evaluations of predict, counted at the base classifier, against all votes."""
    clf = SmoothedClassifier.from_fitted(
        CountingClassifier(clf.estimator_),
        sigma=clf.sigma,
        n_predict=cap,
        alpha=ALPHA,
        random_state=0,
    )
    counter = clf.estimator_.estimator
    label, label_time = timed(lambda: clf.predict(X))
    spent = counter.n_rows / len(X)
    shares, shares_time = timed(lambda: clf.predict_proba(X))
    differ = np.mean(label != clf.classes_[shares.argmax(axis=1)])
    return cap, spent, cap / spent, shares_time / label_time, 0.0 - differ


class CountingClassifier(ClassifierMixin, BaseEstimator):
    """Passes rows on to a fitted classifier and counts them."""

    def __init__(self, fitted=None):
        self.fitted = fitted
        self.n_rows = 0
        self.classes_ = fitted.classes_
        self.n_features_in_ = fitted.n_features_in_

    def fit(self, X, y):
        return self

    def predict(self, X):
        self.n_rows += len(X)
        return self.fitted.predict(X)


def limit_table(cap, n_rows=400):
    sigma = 1.0
    base = LogisticRegression().fit(np.array([[-1.0], [1.0]]), [0, 1])
    clf = SmoothedClassifier.from_fitted(
        base,
        sigma=sigma,
        method="monte_carlo",
        alpha=ALPHA,
        n_certify=cap,
        random_state=0,
    )
    rows = []
    for q, p in THRESHOLD_AND_P:
        # Rows differ in the sixth digit, or they would share their noise.
        X = sigma * ndtri(p) + 1e-6 * np.arange(n_rows)[:, np.newaxis]
        certificates = clf.certify(X, radii=[sigma * ndtri(q)])
        needed = np.log(1 / ALPHA) / (rel_entr(p, q) + rel_entr(1 - p, 1 - q))
        mean = certificates.n_evaluations.mean()
        certified = 1 - certificates.abstained.mean()
        rows.append((q, p, needed, mean, mean / needed, certified))
    return rows


def show(title, header, rows, formats):
    print(f"\n{title}\n")
    cells = [header] + [
        tuple(format(value, spec) for value, spec in zip(row, formats, strict=True))
        for row in rows
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        print(
            "  ".join(
                cell.rjust(width) for cell, width in zip(row, widths, strict=True)
            )
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100, help="digits to certify")
    parser.add_argument("--cap", type=int, default=100_000, help="most votes of a row")
    parser.add_argument(
        "--bound", choices=("multiclass", "binary"), default="multiclass"
    )
    args = parser.parse_args()

    print(f"alpha={ALPHA}, cap={args.cap}, rows={args.rows}, bound={args.bound}")
    at_radius, others = digits_tables(args.rows, args.cap, args.bound)
    show(
        "1. Does the certificate hold at radius z * sigma?",
        (
            "model",
            "sigma",
            "z",
            "holds fixed n",
            "holds",
            "alike",
            "evals mean",
            "median",
            "fewer",
            "faster",
        ),
        at_radius,
        ("", "", "", ".3f", ".3f", ".3f", ",.0f", ",.0f", ".1f", ".1f"),
    )
    show(
        "2. The radius, and the label",
        (
            "model",
            "sigma",
            "question",
            "evals fixed n",
            "evals mean",
            "fewer",
            "faster",
            "change",
        ),
        others,
        ("", "", "", ",.0f", ",.0f", ".1f", ".1f", "+.4f"),
    )
    show(
        "3. Against what any test needs: one dimension, chosen p",
        ("q", "p", "limit", "evals mean", "ratio", "certified"),
        limit_table(args.cap),
        ("", "", ",.0f", ",.0f", ".2f", ".3f"),
    )


if __name__ == "__main__":
    main()
