# SPDX-License-Identifier: BSD-3-Clause
"""Rows per second with one process, several processes, threads and a cluster.

    python benchmarks/throughput.py [--jobs 2] [--rows 600] [--repeats 3] [--dask]

(It needs psutil, which comes with dask.distributed.)

A random forest of 100 trees on half of the digits (pixels in [0, 1]) certifies rows of
the other half, ``certify(X)`` at sigma 0.25 with at most 10,000 votes. All ways take
turns, and each is shown by the median of its turns. Before that, each certifies a few
rows, so that no turn waits for processes to start.

`cpu` is the time of all processes together. On a machine that is busy with other work,
it says what the wall time would be without: the speed-up is at most jobs times the cpu
of one process over that of all.
"""

import argparse
import contextlib
import os
import time

import numpy as np
import psutil
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from sksmooth import SmoothedClassifier


def smoothed_forest():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(
        X / 16, y, test_size=0.5, stratify=y, random_state=0
    )
    forest = RandomForestClassifier(random_state=0).fit(X_train, y_train)
    clf = SmoothedClassifier.from_fitted(
        forest, sigma=0.25, method="monte_carlo", random_state=0
    )
    return clf, X_test


def cpu_seconds():
    """Of this process and of all that it started."""
    me = psutil.Process()
    return sum(
        times.user + times.system
        for times in (p.cpu_times() for p in [me, *me.children(recursive=True)])
    )


def run(clf, X, backend, n_jobs):
    """Certificates, wall time and processor time of a run."""
    context = parallel_config(backend=backend) if backend else contextlib.nullcontext()
    with context:
        start, cpu = time.perf_counter(), cpu_seconds()
        certificates = clf.set_params(n_jobs=n_jobs).certify(X)
        return certificates, time.perf_counter() - start, cpu_seconds() - cpu


@contextlib.contextmanager
def cluster(n_workers):
    from dask.distributed import Client, LocalCluster

    # dask has its workers give memory back as soon as they can; arrays that come and
    # go then cost a forest half of its speed.
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        os.environ.setdefault(name, str(2**28))
    with (
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as local,
        Client(local),
    ):
        yield


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dask", action="store_true", help="also a local dask cluster")
    args = parser.parse_args()

    clf, X = smoothed_forest()
    ways = {
        "one process": (None, 1),
        f"{args.jobs} processes": ("loky", args.jobs),
        f"{args.jobs} threads": ("threading", args.jobs),
    }
    if args.dask:
        ways[f"dask, {args.jobs} processes"] = ("dask", None)
    turns = {name: [] for name in ways}
    answers = []
    with cluster(args.jobs) if args.dask else contextlib.nullcontext():
        for way in ways.values():
            run(clf, X[:50], *way)
        for _ in range(args.repeats):
            for name, way in ways.items():
                certificates, wall, cpu = run(clf, X[: args.rows], *way)
                turns[name].append((wall, cpu))
                answers.append(certificates)

    assert all(certificates == answers[0] for certificates in answers)
    mean = answers[0].n_evaluations.mean()
    print(f"{args.rows} rows, {mean:,.0f} evaluations of a row\n")
    print(f"{'':>20}{'wall s':>9}{'cpu s':>9}{'rows/s':>9}{'faster':>9}{'at most':>9}")
    one_wall, one_cpu = np.median(turns["one process"], axis=0)
    for name, (_, n_jobs) in ways.items():
        wall, cpu = np.median(turns[name], axis=0)
        most = (n_jobs or args.jobs) * one_cpu / cpu
        print(
            f"{name:>20}{wall:9.2f}{cpu:9.2f}{args.rows / wall:9.1f}"
            f"{one_wall / wall:9.2f}{most:9.2f}"
        )


if __name__ == "__main__":
    main()
