# SPDX-License-Identifier: BSD-3-Clause
"""What a vote costs, against `predict` alone and a plain loop; and whether it is equal.

    OMP_NUM_THREADS=1 python benchmarks/votes.py [--models SVC GaussianNB]
    OMP_NUM_THREADS=1 python benchmarks/votes.py --equality 1000000 [--shard 1/4]

The first prints a table, for digits (64 features), breast cancer (30) and digits
enlarged to 28 x 28 pixels (784), within four minutes; `--rst` prints it as the
documentation has it, in ``docs/guide/_votes_table.rst``. Microseconds of CPU time on
one thread for a vote, noise included: the floor, which is `predict` alone on noisy rows
at its best batch size; sksmooth; sksmooth without fast paths; and a loop of five lines
of numpy. Medians of three interleaved runs. Quote the ratios, which depend less on the
machine. Where ``method="auto"`` computes class probabilities in closed form, the last
column is the time of those for a sample, and its votes are sampled for comparison.

With `--law`: chi-square tests that votes with noise in fewer dimensions have the law of
noise on all features, for 24 samples and 20,000 votes of each, and the same for noise
that is 3 % wider: the least p-value, and that of a test that all of them are uniform.

`--equality` counts labels that differ from those of `predict`, over so many noisy rows
for each classifier: 3 data sets, 3 sigmas, 20 settings of parameters at random; and
over rows next to ties, which are found by bisection. Labels are unstable where they are
those of `predict` itself, which gave others in another batch. `--shard 2/4` takes the
second of four parts of all fits, so that the parts can run on different machines, and
`--jobs` is the number of processes of this one.

`--art` adds `certify` of the Adversarial Robustness Toolbox, adjusted as in
``benchmarks/peers.py``, with 10,000 votes for each of two samples.

`--compiled` has trees walked by numba, if installed, from the first vote on, and not
only where there are many.
"""

import argparse
import itertools
import time
import warnings
from collections import Counter, defaultdict
from contextlib import ExitStack, suppress
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
from scipy.ndimage import zoom
from scipy.stats import chi2_contingency, kstest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from sksmooth.noise import Gaussian, Stage
from sksmooth.questions import CountVotes
from sksmooth.votes import Declined, Model, MonteCarloVotes
from sksmooth.votes._fast_votes import find_fast_votes
from sksmooth.votes._registry import (
    find_any,
    find_closed_form,
    find_projected_linear,
    find_reduced_noise,
)
from sksmooth.votes.fast import _tree_sums

KEY = bytes(range(32))
SIGMAS = {"digits": 0.25, "breast cancer": 0.5, "784 pixels": 0.5}
# Of these, for noisy rows that are compared with `predict`.
FACTORS = (0.2, 1, 5)
SETTINGS, N_TIES = 20, 200
ART_VOTES = 10_000
N_ROWS, N_COPIES = 16, 512
# A classifier that takes so many seconds for a row is given fewer copies of a sample.
FEW_COPIES, SLOW_ROW = 128, 40e-6
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


def random_voting(rng):
    """Hard votes of members with and without fast paths, with or without weights."""
    members = {
        "nb": random_nb(rng),
        "svc": make_pipeline(StandardScaler(), SVC(C=float(10 ** rng.uniform(-1, 2)))),
        "forest": random_forest(RandomForestClassifier, rng),
        "linear": LogisticRegression(C=float(10 ** rng.uniform(-3, 1)), max_iter=200),
    }
    weights = None if rng.integers(2) else rng.integers(1, 4, len(members)).tolist()
    return VotingClassifier(list(members.items()), weights=weights)


def random_calibrated(rng):
    svc = SVC(
        C=float(10 ** rng.uniform(-2, 3)), kernel=str(rng.choice(["rbf", "poly"]))
    )
    return CalibratedClassifierCV(svc, cv=2, ensemble=bool(rng.integers(2)))


def random_bagging(rng):
    tree = DecisionTreeClassifier(**random_tree(rng))
    size = int(rng.integers(2, 20))
    return BaggingClassifier(tree, n_estimators=size, random_state=0)


def random_ada_boost(rng):
    return AdaBoostClassifier(
        DecisionTreeClassifier(
            **random_tree(rng) | {"max_depth": int(rng.integers(1, 6))}
        ),
        n_estimators=int(10 ** rng.uniform(0, 1.7)),
        random_state=0,
    )


def random_boosting(rng):
    return GradientBoostingClassifier(
        n_estimators=int(10 ** rng.uniform(0, 1.7)),
        learning_rate=float(10 ** rng.uniform(-2, 0.3)),
        max_depth=int(rng.integers(1, 6)),
        init="zero" if rng.integers(2) else None,
        max_features=0.2,
        random_state=0,
    )


def random_hist_boosting(rng):
    return HistGradientBoostingClassifier(
        max_iter=int(10 ** rng.uniform(0, 1.7)),
        learning_rate=float(10 ** rng.uniform(-2, 0.3)),
        max_leaf_nodes=int(rng.integers(2, 40)),
        max_bins=int(rng.integers(3, 256)),
        max_features=0.2,
        random_state=0,
    )


# Classifier with its defaults, and with parameters at random.
MODELS = {
    "LogisticRegression": (
        lambda: LogisticRegression(max_iter=1000),
        lambda rng: LogisticRegression(C=float(10 ** rng.uniform(-3, 3))),
    ),
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
            tuple(rng.integers(5, rng.choice([20, 150]), rng.integers(1, 3)).tolist()),
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
    "Voting(4)": (lambda: random_voting(np.random.default_rng(0)), random_voting),
    "OneVsRest, SVC": (
        lambda: OneVsRestClassifier(SVC()),
        lambda rng: OneVsRestClassifier(random_svc(rng)),
    ),
    "Calibrated SVC": (
        lambda: CalibratedClassifierCV(SVC(), cv=2, ensemble=False),
        random_calibrated,
    ),
    "AdaBoost(50)": (
        lambda: AdaBoostClassifier(random_state=0),
        random_ada_boost,
    ),
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


def source_of(model, X):
    """Where votes come from with ``method="auto"``, closed forms left out."""
    for find in (find_projected_linear, find_reduced_noise):
        with suppress(Declined):
            return find(model, X)
    return find_any(model, X)


def art_cost(estimator, X, sigma):
    """Microseconds of ART for a vote."""
    from peers import PILOT, art_certifier

    certify = art_certifier(estimator, X[: N_ROWS : N_ROWS // 2], ART_VOTES, sigma)
    return 1e6 * cpu_time(certify) / (2 * (ART_VOTES + PILOT))


def closed_form_cost(model, X):
    """Microseconds for a sample that has a closed form with ``method="auto"``."""
    try:
        source = find_closed_form(model, X)
    except Declined:
        return np.nan
    question = CountVotes(N_COPIES)
    if source.break_even_votes > question.expected_votes:
        return np.nan
    times = [cpu_time(partial(source.answer, question, X)) for _ in range(4)]
    return 1e6 * np.median(times[1:]) / len(X)


def cost(estimator, X, sigma, with_art=False):
    """Microseconds a vote: floor, sksmooth, without fast paths, plain loop, ART.

    And at the end those of a closed form for a sample.
    """
    model = model_of(estimator, sigma)
    X = X[:: len(X) // N_ROWS][:N_ROWS]
    noisy = np.repeat(X, N_COPIES, axis=0)
    noisy += sigma * np.random.default_rng(0).standard_normal(noisy.shape)
    n_copies, few = N_COPIES, np.ascontiguousarray(noisy[:: N_COPIES // FEW_COPIES])
    estimator.predict(few)
    if cpu_time(partial(estimator.predict, few)) > SLOW_ROW * len(few):
        n_copies, noisy = FEW_COPIES, few
    sizes = np.full(len(X), n_copies)

    def draw(source):
        source.open(X).draw(np.arange(len(X)), sizes, Stage.ESTIMATE)

    def predict(batch):
        for start in range(0, len(noisy), batch):
            estimator.predict(noisy[start : start + batch])

    slow = MonteCarloVotes(model)
    fast = source_of(model, X)
    draw(fast)
    times, of_art = [], []
    batches = {min(batch, len(noisy)) for batch in BATCHES}
    some = X[:: N_COPIES // n_copies]  # as many copies in all
    for _ in range(3):
        floor = min(cpu_time(partial(predict, batch)) for batch in batches)
        times.append(
            [
                floor,
                cpu_time(partial(draw, fast)),
                cpu_time(partial(draw, slow)),
                cpu_time(partial(plain_loop, estimator, some, sigma)),
            ]
        )
        if with_art:
            of_art.append(art_cost(estimator, X, sigma))
    costs = 1e6 * np.median(times, axis=0) / len(noisy)
    art = np.median(of_art) if with_art else np.nan
    return [*costs, art, closed_form_cost(model, X)]


def next_to_ties(predict, X):
    """Rows on lines between samples, next to where the label changes, on both sides.

    There are none where all samples have the same label.
    """
    labels = predict(X)
    at = np.flatnonzero(labels != np.roll(labels, 1))
    if not len(at):
        return X[:0]
    first, second = X[at], np.roll(X, 1, axis=0)[at]
    low, high = np.zeros((len(at), 1)), np.ones((len(at), 1))
    for _ in range(60):
        middle = (low + high) / 2
        same = predict(first + middle * (second - first)) == labels[at]
        low = np.where(same[:, np.newaxis], middle, low)
        high = np.where(same[:, np.newaxis], high, middle)
    return np.concatenate([first + t * (second - first) for t in (low, high)])


def paths_of(model, X):
    """The ways to the labels of a classifier, beside its `predict`.

    Returns
    -------
    dict
        From a name to a function of noisy rows, which gives positions of labels, and a
        dict from each row that was left to `predict` to what it gave, and to the number
        of rows that it takes at once. Empty where there is no such way.
    """
    paths = {}
    votes = MonteCarloVotes(model)
    left = {}

    def kept(copies, predicted=votes._predicted):
        labels = predicted(copies)
        left.update(zip(map(bytes, copies), labels.tolist(), strict=True))
        return labels

    def by_fast_path(noisy, owner):
        left.clear()
        return fast.vote(noisy, X, owner), left

    def by_coordinates(noisy, owner):
        return reduced.vote(reduced.space.coordinates(noisy), X, owner), {}

    with suppress(Declined):
        fast = find_fast_votes(votes, model, X)
        fast._predicted = kept
        paths["same rows"] = by_fast_path, fast.fast.predictor.n_rows
    with suppress(Declined):
        reduced = find_reduced_noise(model, X)
        paths["coordinates"] = by_coordinates, None
    return paths


def differing(labels, expected, rows, left, predict, n_rows):
    """Counts of labels that differ from those of `predict`.

    On a tie, rounding decides, which in `predict` may depend on the rows beside: it
    gives another label if it is called for the rows alone that were left to it, or, as
    members of an ensemble without a fast path are, for `n_rows` at once. Those are
    counted apart.
    """
    at = np.flatnonzero(labels != expected)
    step, in_predict = n_rows or len(rows), 0
    for k in at:
        first = k // step * step
        others = (
            left.get(bytes(rows[k])),
            predict(rows[first : first + step])[k - first],
        )
        in_predict += labels[k] in others
    return Counter(differ=len(at) - in_predict, unstable=in_predict)


def equality_of(name, seed, on, n_rows):
    """Compare the labels of one fitted classifier with those of `predict`.

    Parameters
    ----------
    name : str
        Of the classifier.
    seed : int
        Of its parameters, and of the noise.
    on : str
        Name of the data.
    n_rows : int
        Noisy rows, as many for each sigma.

    Returns
    -------
    dict of Counter
        By way to the labels: fits, rows, rows left to `predict`, rows next to ties,
        labels that differ, and those on which `predict` contradicts itself, see
        `differing`. Rows next to ties are of the ways that give the labels of
        the same rows, bit for bit; noise in coordinates has the same law only.
    """
    warnings.simplefilter("ignore")
    found = defaultdict(Counter)
    X, y, X_test = data(on)
    try:
        estimator = MODELS[name][1](np.random.default_rng(seed)).fit(X, y)
    except ValueError:  # such as a nu that the classes do not allow
        found["not fitted"]["fits"] += 1
        return found
    n_each = -(-n_rows // len(FACTORS))
    for number, factor in enumerate(FACTORS):
        sigma = factor * SIGMAS[on]
        model = model_of(estimator, sigma)
        rng = np.random.default_rng([seed, number])
        owner = rng.integers(len(X_test), size=n_each)
        noisy = X_test[owner] + sigma * rng.standard_normal((n_each, X.shape[1]))
        predict = partial(MonteCarloVotes(model).vote, X=X_test, owner=owner[:1])
        expected = predict(noisy)
        paths = paths_of(model, X_test)
        if not paths:
            found["declined"]["fits"] += factor == 1
        for way, (labels_of, n_at_once) in paths.items():
            counts = found[way]
            labels, left = labels_of(noisy, owner)
            counts["fits"] += factor == 1
            counts["rows"] += n_each
            counts["left"] += len(left)
            of = left, predict, n_at_once
            counts.update(differing(labels, expected, noisy, *of))
            if way == "same rows" and factor == 1:
                rows = next_to_ties(predict, noisy[:N_TIES])
                if len(rows):
                    labels, left = labels_of(rows, owner[:1])
                    counts["ties"] += len(rows)
                    of = left, predict, n_at_once
                    counts.update(differing(labels, predict(rows), rows, *of))
    return found


def print_equality(models, n_rows, shard, n_jobs):
    """Compare labels with those of `predict`, for a part of all fits."""
    number, n_shards = (int(part) for part in shard.split("/"))
    fits = [(seed, on) for seed in range(SETTINGS) for on in SIGMAS]
    n_each = -(-n_rows // len(fits))
    fits = fits[number - 1 :: n_shards]
    line = "{:22s} {:12s} {:>5} {:>9} {:>13} {:>16} {:>7} {:>9}"
    print(f"labels that differ from those of predict, part {number} of {n_shards}")
    header = "fits", "rows", "next to ties", "left to predict", "differ", "unstable"
    print(line.format("classifier", "way", *header), flush=True)
    keys = "fits", "rows", "ties", "left", "differ", "unstable"
    with ExitStack() as stack:
        starmap = itertools.starmap
        if n_jobs > 1:
            pool = stack.enter_context(get_context("spawn").Pool(n_jobs))
            starmap = partial(pool.starmap, chunksize=1)
        for name in models:
            settings = [(name, *of, n_each) for of in fits]
            parts = starmap(equality_of, settings)
            total = defaultdict(Counter)
            for part in parts:
                for way, counts in part.items():
                    total[way].update(counts)
            for way, n in total.items():
                print(line.format(name, way, *(n[key] for key in keys)), flush=True)


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


PLAIN = """\
What ``OMP_NUM_THREADS=1 python benchmarks/votes.py`` printed: microseconds of CPU time
a vote, noise included. The floor is ``predict`` alone at its best batch size, the loop
five lines of numpy; of these figures only ratios mean something. Votes are sampled
here. With ``method="auto"`` a classifier with a figure in the last column needs none:
in so many microseconds its class probabilities are computed for a sample, in closed
form. A tree predicts in less time than noise is drawn in, so that nearly all of the
time of its votes is that of their noise.
"""
COMPILED = "\nTrees with numba (``--compiled``):\n"
ART = "\nBeside ART (``--art``):\n"
BLOCK = """\
.. code-block:: text
   :class: wide
"""


def print_costs(models, names, rst, with_art):
    """Print the table; as reStructuredText after a text that says what it shows."""
    header = ["floor", "vote", "/floor", "no fast path", "loop", "/loop"]
    header += ["ART", "/ART"] if with_art else []
    line = "{:22s} {:13s}" + " {:>7s}" * 3 + " {:>13s} {:>7s} {:>6s}"
    line += " {:>8s} {:>5s}" if with_art else ""
    line = 3 * rst * " " + line + "  {:>11s}"
    if rst:
        print(ART if with_art else COMPILED if is_compiled() else PLAIN)
        print(BLOCK)
    print(line.format("classifier", "data", *header, "closed form"), flush=True)
    for model in models:
        for name in names:
            X, y, X_test = data(name)
            estimator, sigma = MODELS[model][0]().fit(X, y), SIGMAS[name]
            costs = cost(estimator, X_test, sigma, with_art)
            floor, fast, slow, loop, art, exact = costs
            cells = [f"{floor:.2f}", f"{fast:.2f}", f"{fast / floor:.2f}"]
            cells += [f"{slow:.2f}", f"{loop:.2f}", f"{loop / fast:.1f}"]
            cells += [f"{art:.2f}", f"{art / fast:.1f}"] if with_art else []
            cells += ["" if np.isnan(exact) else f"{exact:.0f}"]
            print(line.format(model, name, *cells).rstrip(), flush=True)


def is_compiled():
    """Whether trees are walked by numba from the first vote on."""
    return _tree_sums.ROWS_WORTH_COMPILING == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--equality", type=int, default=0, metavar="ROWS")
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rst", action="store_true")
    parser.add_argument("--law", action="store_true")
    parser.add_argument("--art", action="store_true")
    parser.add_argument("--data", nargs="*", default=list(SIGMAS))
    parser.add_argument("--compiled", action="store_true")
    args = parser.parse_args()
    if args.compiled:
        _tree_sums.ROWS_WORTH_COMPILING = 0
    warnings.simplefilter("ignore")
    models = args.models
    if args.equality:
        print_equality(models, args.equality, args.shard, args.jobs)
        return
    if args.law:
        print_law("PCA(20), SVC", "digits")
        print_law("MLP(100)", "784 pixels")
        return
    print_costs(models, args.data, args.rst, args.art)


if __name__ == "__main__":
    main()
