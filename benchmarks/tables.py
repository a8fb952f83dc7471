# SPDX-License-Identifier: BSD-3-Clause
"""Tables with columns held fixed: false certificates, accuracy, radius and CPU time.

Run it with ``python benchmarks/tables.py``.

- 20,000 certificates on the half-space that is worst for the ellipsoid of the noise:
  how many are false, against alpha.
- A table of numbers in three units and two columns of categories: accuracy and mean
  radius of gradient boosting with noise on the numbers alone, in their standard
  deviations; what samples drawn inside the ellipsoids are predicted as; and CPU time of
  the votes over that of `predict` on as many rows.
"""

import time

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier

from sksmooth import SmoothedClassifier

NUMBERS = ["age", "income", "ratio"]


class WorstHalfSpace(ClassifierMixin, BaseEstimator):
    """The half-space that noise of these scales is worst for.

    Parameters
    ----------
    scale : sequence of float
        0 for columns that are held fixed.
    offset : float
        Distance of the origin from the half-space, in units of the scale.
    """

    def __init__(self, scale, offset):
        self.scale = scale
        self.offset = offset
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = len(scale)

    def fit(self, X, y):
        """Return the classifier as it is."""
        return self

    def predict(self, X):
        """Predict 1 inside the half-space."""
        noisy = np.flatnonzero(self.scale)
        units = X[:, noisy] / np.array(self.scale)[noisy]
        return (units.sum(axis=1) / np.sqrt(len(noisy)) > self.offset).astype(int)


def false_certificates(n=20_000, alpha=0.01, sigma=0.5, share=0.9, n_votes=500):
    """Certify one point many times, with noise of its own each time."""
    scale = [1.0, 0.1, 0.0, 30.0]
    true = sigma * ndtri(share)
    clf = SmoothedClassifier.from_fitted(
        WorstHalfSpace(scale, -true),
        sigma=sigma,
        feature_scale=scale,
        alpha=alpha,
        n_certify=n_votes,
        method="monte_carlo",
        random_state=0,
    )
    X = np.zeros((n, len(scale)))
    X[:, 2] = np.arange(n)  # held fixed: it only tells samples apart
    certificates = clf.certify(X, tol=0)
    false = int(np.sum(~certificates.abstained & (certificates.radius > true)))
    print(f"{n} certificates, alpha={alpha}: {false} false, {false / n:.4f}")
    print(f"  at most alpha: {false <= binom.ppf(1 - 1e-6, n, alpha)}")


def mixed_table(n=4000):
    """Numbers in three units, and categories with missing values."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, n).astype(float)
    income = np.exp(rng.normal(10, 1, n))
    ratio = rng.uniform(0, 1, n)
    color, sex = rng.choice(list("abcdef"), n), rng.choice(["m", "f"], n)
    score = (age - 54) / 20 + (np.log(income) - 10) + 3 * (ratio - 0.5)
    score += np.where(np.isin(color, ["b", "e"]), 2.0, -1.0)
    X = pd.DataFrame({"age": age, "income": income, "ratio": ratio})
    X["color"], X["sex"] = pd.Categorical(color), pd.Categorical(sex)
    X.loc[::9, "sex"] = np.nan
    return X, np.where(score > 0, "yes", "no")


def mixed(n_directions=20):
    """Accuracy, mean radius, search inside the ellipsoids, and CPU time."""
    X, y = mixed_table()
    base = HistGradientBoostingClassifier(
        random_state=0, categorical_features="from_dtype"
    )
    clf = SmoothedClassifier(
        base,
        sigma=0.25,
        noise_features=NUMBERS,
        feature_scale="std",
        n_certify=2000,
        random_state=0,
    ).fit(X[:3000], y[:3000])
    test, y_test = X[3000:3300], y[3000:3300]
    start = time.process_time()
    certificates = clf.certify(test)
    seconds = time.process_time() - start
    print(
        f"mixed table: accuracy {np.mean(certificates.label == y_test):.3f}, abstained "
        f"{certificates.abstained.mean():.3f}, mean radius "
        f"{certificates.radius.mean():.3f}"
    )
    copies = test.iloc[np.repeat(np.arange(len(test)), 27)]
    start = time.process_time()
    clf.estimator_.predict(copies)
    floor = (time.process_time() - start) / len(copies)
    votes = certificates.n_evaluations.sum()
    print(f"  CPU time over that of predict: {seconds / (floor * votes):.2f}")

    rng = np.random.default_rng(1)
    sure = np.flatnonzero(~certificates.abstained)[:30]
    scale = clf.feature_scale_[[X.columns.get_loc(name) for name in NUMBERS]]
    changed = 0
    for _ in range(n_directions):
        step = rng.normal(size=(len(sure), len(NUMBERS)))
        length = np.linalg.norm(step, axis=1, keepdims=True)
        step *= 0.99 * certificates.radius[sure][:, np.newaxis] / length
        moved = test.iloc[sure].copy()
        moved[NUMBERS] += step * scale
        changed += np.sum(clf.predict(moved) != certificates.label[sure])
    print(f"  changed inside the ellipsoids: {changed} of {n_directions * len(sure)}")


if __name__ == "__main__":
    mixed()
    false_certificates()
