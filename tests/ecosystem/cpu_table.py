# SPDX-License-Identifier: BSD-3-Clause
"""CPU time of the votes of a table, over that of `predict` on as many samples.

Boosted trees have 100 rounds, the default of scikit-learn, XGBoost and LightGBM.
"""

import time
import warnings

import numpy as np

from tests.ecosystem.estimators import BOOSTED, ESTIMATORS, table_for
from tests.ecosystem.test_table_estimators import smoothed

N_SAMPLES, N_VOTES, N_RUNS = 50, 1000, 3


def cpu_seconds(call, *args):
    start = time.process_time()
    call(*args)
    return time.process_time() - start


def predict_all(clf, batches):
    for batch in batches:
        clf.predict(batch)


def median_ratio(make):
    X, y = table_for(make)
    base = make(rounds=100) if make in BOOSTED else make()
    clf = smoothed(base, n_predict=N_VOTES, method="monte_carlo", batch_size=8192).fit(
        X, y
    )
    rows = X[:N_SAMPLES]
    many = rows.iloc[np.repeat(np.arange(N_SAMPLES), N_VOTES)]
    many = many.astype(dict.fromkeys(clf.noise_features, float))
    parts = np.array_split(np.arange(len(many)), -(-len(many) // clf.batch_size))
    batches = [many.iloc[part].reset_index(drop=True) for part in parts]
    clf.predict_proba(rows)
    return np.median(
        [
            cpu_seconds(clf.predict_proba, rows)
            / cpu_seconds(predict_all, clf.estimator_, batches)
            for _ in range(N_RUNS)
        ]
    )


def main():
    warnings.simplefilter("ignore")
    print(f"{'estimator':18} {'CPU / predict':>13}")
    for make in ESTIMATORS:
        print(f"{make.__name__:18} {median_ratio(make):13.2f}", flush=True)


if __name__ == "__main__":
    main()
