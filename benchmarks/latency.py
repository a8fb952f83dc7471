# SPDX-License-Identifier: BSD-3-Clause
"""Time of a small call: one sample, against a call of `predict` on one sample.

    OMP_NUM_THREADS=1 python benchmarks/latency.py [--samples 9] [--repeats 15]

For each model, medians over repeats and samples of one run, interleaved, of the time of
the process:

- ``predict`` of the base classifier on one sample;
- ``predict`` of the smoothed classifier on it, in closed form where there is one;
- ``certify`` of it at one radius, ``radii=[sigma]``, and the limit that it is held to:
  three predicts of the base classifier and two milliseconds. Samples that take more
  votes take longer: the median number of votes is shown;

and at the end of ``certify`` of one sample at 5,000 radii, other ones in each call, so
that their tables are computed each time.
"""

import argparse
import time
from functools import partial

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier

N_RADII = 5_000


def data():
    digits, digits_y = load_digits(return_X_y=True)
    return {
        "digits": (digits / 16, digits_y, 0.25),
        "cancer": (*load_breast_cancer(return_X_y=True), 2.0),
        "iris": (*load_iris(return_X_y=True), 0.5),
    }


def models():
    stumps = GradientBoostingClassifier(max_depth=1, n_estimators=20, random_state=0)
    return [
        ("LogisticRegression", "cancer", LogisticRegression(max_iter=5000)),
        ("DecisionTree", "iris", DecisionTreeClassifier(random_state=0)),
        ("stumps, boosted", "cancer", stumps),
        ("LogisticRegression", "digits", LogisticRegression(max_iter=1000)),
        ("DecisionTree", "digits", DecisionTreeClassifier(random_state=0)),
        ("RandomForest", "digits", RandomForestClassifier(random_state=0)),
        ("SVC", "digits", SVC()),
    ]


def milliseconds(call, at_once):
    """Time of the process that a call takes, among several of them."""
    start = time.process_time()
    for _ in range(at_once):
        call()
    return 1e3 * (time.process_time() - start) / at_once


def medians(calls, repeats, at_once=5):
    """Median time of each of some calls, made in turn."""
    for call in calls:
        call()
    times = [[milliseconds(call, at_once) for call in calls] for _ in range(repeats)]
    return np.median(times, axis=0)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=9)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()

    print(f"{'ms of one sample':28} base  predict  certify  limit  votes  source")
    sets = data()
    for name, of, base in models():
        X, y, sigma = sets[of]
        base.fit(X, y)
        clf = SmoothedClassifier.from_fitted(base, sigma=sigma, random_state=0)
        times, votes = [], []
        for row in np.linspace(0, len(X) - 1, args.samples).round().astype(int):
            x = X[row : row + 1]
            calls = [
                partial(base.predict, x),
                partial(clf.predict, x),
                partial(clf.certify, x, radii=[sigma]),
            ]
            times.append(medians(calls, args.repeats))
            votes.append(clf.certify(x, radii=[sigma]).n_evaluations[0])
        plain, predict, certify = np.median(times, axis=0)
        print(
            f"{name + ', ' + of:28} {plain:4.2f} {predict:8.2f} {certify:8.2f} "
            f"{3 * plain + 2:6.2f} {np.median(votes):6.0f}  {clf.vote_source(x).name}"
        )

    X, y, sigma = sets["digits"]
    svc = SmoothedClassifier(SVC(), sigma=sigma, random_state=0).fit(X, y)
    svc.certify(X[:1], radii=[sigma])
    times = []
    for repeat in range(args.repeats):
        radii = np.linspace(0.0, (1 + repeat / 100) * sigma, N_RADII)
        times.append(milliseconds(partial(svc.certify, X[:1], radii=radii), 1))
    print(f"SVC, one sample at {N_RADII:,} radii: {np.median(times):.0f} ms")


if __name__ == "__main__":
    main()
