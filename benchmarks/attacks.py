# SPDX-License-Identifier: BSD-3-Clause
"""Search certified regions for samples with another label, by brute force.

    python benchmarks/attacks.py --seeds 20

The smoothed classifiers are known in closed form, so that the label of each sample in
a region is exact. Base classifiers are random, of three classes with vote weights:

- categories: all changes of at most k categories, times moves of the numbers as far as
  column k of the frontier, in both directions along the line that the classifier sees
- words: all texts with as many words added and deleted as the radius or a column of the
  frontier allows, among three words
- whole numbers: all samples on a grid within the l1 radius of splitting noise, features
  in several units, one of them held fixed

A line is a kind: certificates, samples tried, certificates that are wrong. Those of
categories and of words may be wrong with probability alpha = 0.001 each; those of whole
numbers never.
"""

import argparse
import itertools

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import ndtr
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import SmoothedClassifier
from sksmooth.noise import Resample, TokenDeletion

COLORS, SIZES = ["red", "green", "blue"], ["m", "s"]
WEIGHTS = np.array([1.0, 0.8, 1.7])


class ThreeClasses(ClassifierMixin, BaseEstimator):
    """What random base classifiers share."""

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y=None):
        self.classes_ = np.arange(3)
        self.n_features_in_ = X.shape[1]
        return self


class Lines(ThreeClasses):
    """Four intervals of a line through the numbers, for each pair of categories."""

    def fit(self, X, y=None):
        rng = np.random.default_rng(self.seed)
        self.edges_ = np.sort(rng.normal(0, 1.5, (3, 2, 3)), axis=-1)
        self.labels_ = rng.integers(3, size=(3, 2, 4))
        self.labels_[rng.random((3, 2, 4)) < 0.6] = rng.integers(3)
        angle = rng.uniform(0, 2 * np.pi)
        self.along_ = np.array([np.cos(angle), np.sin(angle)])
        return super().fit(X)

    def predict(self, X):
        color = np.array([COLORS.index(value) for value in X["color"]])
        size = np.array([SIZES.index(value) for value in X["size"]])
        at = X[["a", "b"]].to_numpy() @ self.along_
        interval = np.sum(at[:, np.newaxis] > self.edges_[color, size], axis=1)
        return self.labels_[color, size, interval]

    def shares(self, color, size, at, probability, sigma):
        """Probabilities of the classes under noise, at places on the line."""
        total = np.zeros((*np.shape(at), 3))
        for c, s in itertools.product(range(3), range(2)):
            mass = (probability / 3 + (1 - probability) * (c == color)) * (
                probability / 2 + (1 - probability) * (s == size)
            )
            edges = np.concatenate([[-np.inf], self.edges_[c, s], [np.inf]])
            inside = np.diff(ndtr((edges - np.asarray(at)[..., np.newaxis]) / sigma))
            total += mass * inside @ (self.labels_[c, s][:, np.newaxis] == range(3))
        return total


def majority(shares):
    return np.argmax(shares * WEIGHTS, axis=-1)


def categories(seed, n=60, probability=0.6, sigma=0.7):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            # As strings, and as a dtype whose codes have another order.
            "color": rng.choice(COLORS, n),
            "b": rng.normal(size=n),
            "size": pd.Categorical(rng.choice(SIZES, n), SIZES[::-1]),
        }
    )
    base = Lines(seed)
    clf = SmoothedClassifier(
        base, noise=Resample(probability), sigma=sigma, n_certify=2000,
        vote_weights=dict(enumerate(WEIGHTS)), random_state=seed,
    )  # fmt: skip
    found = clf.fit(X, np.arange(n) % 3).certify(X, changes=(0, 1, 2))
    base, wrong, tried = clf.estimator_, 0, 0
    place = X[["a", "b"]].to_numpy() @ base.along_
    steps = np.linspace(-1, 1, 41)
    for i in np.flatnonzero(~found.abstained):
        own = COLORS.index(X.color[i]), SIZES.index(X["size"][i])
        kept = True
        for c, s in itertools.product(range(3), range(2)):
            far = found.frontier[i, (c != own[0]) + (s != own[1])]
            if np.isfinite(far):
                shares = base.shares(c, s, place[i] + far * steps, probability, sigma)
                kept &= bool((majority(shares) == found.label[i]).all())
                tried += len(steps)
        wrong += not kept
    return int(np.sum(~found.abstained)), tried, wrong


class RandomLabels(ThreeClasses):
    """Any labels of three whole numbers."""

    def fit(self, X, y=None):
        rng = np.random.default_rng(self.seed)
        self.table_ = rng.integers(3, size=(12, 12, 12))
        self.table_[rng.random(self.table_.shape) < 0.7] = rng.integers(3)
        return super().fit(X)

    def predict(self, X):
        X = np.rint(np.asarray(X.toarray() if hasattr(X, "toarray") else X))
        return self.table_[tuple(X[:, :3].astype(int).T)]


def words(seed, probability=0.85):
    domain = np.array(list(itertools.product(range(6), repeat=3)))
    clf = SmoothedClassifier(
        RandomLabels(seed), noise=TokenDeletion(probability), n_certify=2000,
        vote_weights=dict(enumerate(WEIGHTS)), random_state=seed,
    )  # fmt: skip
    clf.fit(csr_array(domain), np.arange(216) % 3)
    samples = csr_array(domain[(domain <= 4).all(axis=1)])
    found = clf.certify(samples, changes=(0, 1, 2, 3))
    votes = clf.estimator_.predict(domain)[:, np.newaxis] == range(3)
    thinned = np.array([binom.pmf(domain, x, 1 - probability).prod(1) for x in domain])
    label = majority(thinned @ votes)
    change = domain - samples.toarray()[:, np.newaxis]
    added, deleted = np.maximum(change, 0).sum(2), np.maximum(-change, 0).sum(2)
    within = added + deleted <= found.radius[:, np.newaxis]
    for k in range(4):
        within |= (deleted <= k) & (added <= found.frontier[:, [k]])
    within[found.abstained] = False
    wrong = (within & (label != found.label[:, np.newaxis])).any(axis=1)
    return int(np.sum(~found.abstained)), int(within.sum()), int(wrong.sum())


class Scaled(RandomLabels):
    """The same behind units and a column that is held fixed."""

    def predict(self, X):
        cells = np.rint(np.asarray(X)[:, [0, 1, 3]] / [0.5, 0.1, 0.5]) % 12
        held = np.asarray(X)[:, 2].astype(int)
        return (super().predict(cells) + held) % 3


def whole_numbers(seed):
    whole = np.array(list(itertools.product(range(-2, 4), repeat=3)))
    X = np.insert(whole * [0.5, 0.1, 0.25], 2, 0.0, axis=1)
    clf = SmoothedClassifier(
        Scaled(seed), noise="splitting", sigma=5 / (2 * 3**0.5),
        feature_scale=[0.5, 0.1, 0.0, 0.25], random_state=seed,
        vote_weights=dict(enumerate(WEIGHTS)),
    )  # fmt: skip
    clf.fit(X, np.arange(len(X)) % 3)
    grid = np.array(list(itertools.product(range(-5, 7), repeat=3)))
    around = np.insert(grid * [0.5, 0.1, 0.25], 2, 0.0, axis=1)
    found, label = clf.certify(X), clf.predict(around)
    distance = np.abs(grid - whole[:, np.newaxis]).sum(axis=2)
    within = distance <= found.radius[:, np.newaxis]
    wrong = (within & (label != found.label[:, np.newaxis])).any(axis=1)
    return len(X), int(within.sum()), int(wrong.sum())


ATTACKS = {"categories": categories, "words": words, "whole numbers": whole_numbers}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    n_seeds = parser.parse_args().seeds
    print(f"{'kind':16}{'certificates':>14}{'tried':>12}{'wrong':>8}")
    for kind, attack in ATTACKS.items():
        counts = np.sum([attack(seed) for seed in range(n_seeds)], axis=0)
        print(f"{kind:16}{counts[0]:14d}{counts[1]:12d}{counts[2]:8d}", flush=True)


if __name__ == "__main__":
    main()
