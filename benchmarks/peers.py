# SPDX-License-Identifier: BSD-3-Clause
"""Wall time of `certify` against a peer, and against the least it could take.

    python benchmarks/peers.py [--models ...] [--rows 20] [--n 10000] [--repeats 5]

Every row gets the same number of votes from all sides, on one thread, for scikit-learn
classifiers fitted on the digits (pixels in [0, 1]):

floor
    The classifier's `predict` alone, on exactly rows * n noisy rows prepared
    beforehand, in batches as large as sksmooth's: no noise, no counting, no bounds.
sksmooth
    ``certify(X, tol=0)`` with ``n_certify=n``, ``method="monte_carlo"`` and
    ``bound="binary"``: the certificate of Cohen et al. (2019), which is what ART
    computes. The 100 pilot votes of each row are part of its time. By default sksmooth
    needs fewer votes or none; that is not used here.
ART
    `certify` of `NumpyRandomizedSmoothing` (Adversarial Robustness Toolbox 1.20.1)
    with ``sample_size=100``, its name for pilot votes, on `SklearnClassifier`. It
    works after two adjustments made here: the wrapper needs the attribute
    ``channels_first=False``, which it does not have, and an SVC needs
    ``probability=False``, as ART takes scikit-learn's default for True. ART takes its
    noisy rows all at once; `batch_size` is ignored for scikit-learn classifiers.

The three are run in turn, `--repeats` times. The table holds medians in seconds, and
ratios of these medians. On a busy machine ``--clock cpu`` measures the time of the
processor instead, which on one thread is the wall time of an idle machine.
"""

import argparse
import platform
import statistics
import time
import warnings

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from sksmooth import SmoothedClassifier

MODELS = {
    "LogisticRegression": lambda: LogisticRegression(max_iter=1000),
    "DecisionTree": lambda: DecisionTreeClassifier(random_state=0),
    "RandomForest(100)": lambda: RandomForestClassifier(100, random_state=0),
    "HistGradientBoosting(100)": lambda: HistGradientBoostingClassifier(
        max_iter=100, random_state=0
    ),
    "SVC(rbf)": lambda: SVC(),
    "KNN(5)": lambda: KNeighborsClassifier(5),
    "MLP(100)": lambda: MLPClassifier((100,), max_iter=500, random_state=0),
}
SIGMA, ALPHA, PILOT = 0.25, 0.001, 100
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def time_of(call, clock):
    start = clock()
    result = call()
    return clock() - start, result


def floor(clf, X, n, batch_size):
    """Prepare `predict` on n noisy copies of each row, in batches."""
    rng = np.random.default_rng(0)
    noisy = np.repeat(X, n, axis=0)
    noisy += SIGMA * rng.standard_normal(noisy.shape)
    batches = [
        noisy[start : start + batch_size] for start in range(0, len(noisy), batch_size)
    ]

    def predict_all():
        for batch in batches:
            clf.predict(batch)

    return predict_all


def art_certifier(clf, X, n, sigma=SIGMA):
    from art.estimators.certification.randomized_smoothing import (
        NumpyRandomizedSmoothing,
    )
    from art.estimators.classification import SklearnClassifier

    if isinstance(clf, SVC):
        clf.probability = False  # its default, "deprecated", counts as true in ART
    wrapped = SklearnClassifier(clf)
    wrapped.channels_first = False  # read by the next line, and set nowhere in ART
    smoothed = NumpyRandomizedSmoothing(
        wrapped, sample_size=PILOT, scale=sigma, alpha=ALPHA
    )
    return lambda: smoothed.certify(X, n)


def compare(clf, X, n, repeats, clock, bar):
    """Median times of floor, sksmooth and ART; rows on which the two answer alike."""
    ours = SmoothedClassifier.from_fitted(
        clf,
        sigma=SIGMA,
        alpha=ALPHA,
        n_certify=n,
        method="monte_carlo",
        bound="binary",
        random_state=0,
    )
    calls = [
        floor(clf, X, n, ours.batch_size),
        lambda: ours.certify(X, tol=0),
        art_certifier(clf, X, n),
    ]
    # What only a first call pays for, such as imports, counts for none of them.
    clf.predict(X)
    ours.certify(X[:1], tol=0)
    art_certifier(clf, X[:1], PILOT)()
    times = []
    for _ in range(repeats):
        runs = []
        for call in calls:
            runs.append(time_of(call, clock))
            bar.update()
        (_, _), (_, certificates), (_, (labels, _)) = runs
        times.append([seconds for seconds, _ in runs])
    assert (certificates.n_evaluations == PILOT + n).all(), "not the same votes"
    alike = int((certificates.to_labels(-1) == labels).sum())
    return [statistics.median(column) for column in zip(*times, strict=True)], alike


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rows", type=int, default=20, help="digits to certify")
    parser.add_argument("--n", type=int, default=10_000, help="votes of each row")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="PyTorch not found", category=UserWarning)
    try:
        import art
        import statsmodels  # noqa: F401
    except ImportError as error:
        raise SystemExit(
            f"{error}. Install what the benchmark needs: pip install '.[bench]' "
            "packaging statsmodels (ART imports these two but does not declare them)."
        ) from error

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(X / 16, y, random_state=0)
    rows = X_test[: options.rows]
    print(
        f"{len(rows)} digits, n={options.n} votes each and {PILOT} pilot votes, "
        f"sigma={SIGMA}, alpha={ALPHA};\nmedians of {options.repeats} in seconds "
        f"({options.clock} time), one thread; Python {platform.python_version()}, "
        f"numpy {np.__version__},\nscikit-learn {sklearn.__version__}, "
        f"ART {art.__version__}, {platform.machine()}"
    )
    lines = []
    n_steps = 3 * options.repeats * len(options.models)
    with threadpool_limits(1), tqdm(total=n_steps, unit="run") as bar:
        for name in options.models:
            bar.set_description(name)
            clf = MODELS[name]().fit(X_train, y_train)
            (base, ours, peer), alike = compare(
                clf, rows, options.n, options.repeats, CLOCKS[options.clock], bar
            )
            lines.append(
                f"{name:<26}{base:9.3f}{ours:12.3f}{ours / base:10.2f}{peer:10.3f}"
                f"{peer / ours:16.2f}{alike:9d}/{len(rows)}"
            )
    print(
        f"\n{'model':<26}{'floor s':>9}{'sksmooth s':>12}{'/ floor':>10}{'ART s':>10}"
        f"{'ART / sksmooth':>16}{'same label':>12}"
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
