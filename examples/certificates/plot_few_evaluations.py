# SPDX-License-Identifier: BSD-3-Clause
"""
========================================
How many evaluations does a sample take?
========================================

The usual procedure evaluates the base classifier 100,100 times for every sample. Which
samples need that many? Here the evaluations of each sample are counted for three
questions: what is the prediction, does it hold within a radius, and how far does it
hold.
"""

# %%
# A classifier that counts
# ------------------------
# Certificates tell what they cost, `n_evaluations`. For `predict`, a wrapper counts
# the calls of the base classifier, sample by sample: the votes of a sample are the
# same whatever the other samples are.

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sksmooth import SmoothedClassifier


class CountingClassifier(ClassifierMixin, BaseEstimator):
    """Hands samples on to a fitted classifier and counts them."""

    def __init__(self, fitted):
        self.fitted = fitted
        self.classes_ = fitted.classes_
        self.n_rows = 0

    def fit(self, X, y):
        return self

    def predict(self, X):
        self.n_rows += len(X)
        return self.fitted.predict(X)


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=200, stratify=y, random_state=0
)
mlp = MLPClassifier((100,), max_iter=500, random_state=0).fit(X_train, y_train)
counting = CountingClassifier(mlp)
smoothed = SmoothedClassifier.from_fitted(
    counting, sigma=0.25, n_predict=10_000, n_certify=100_000, random_state=0
)

# %%
# Three questions
# ---------------
# Cohen et al. draw 100 votes to choose the class and 100,000 to bound its probability,
# for every sample. The caps here are the same, and so is the guarantee: each
# certificate is wrong with probability 0.001 at most. For `predict` the fixed number is
# 10,000.

spent = np.empty(len(X_test), dtype=int)
for i in range(len(X_test)):
    counting.n_rows = 0
    smoothed.predict(X_test[i : i + 1])
    spent[i] = counting.n_rows
within = smoothed.certify(X_test, radii=[0.25])
largest = smoothed.certify(X_test)

evaluations = {
    "predict(X)": spent,
    "certify(X, radii=[0.25])": within.n_evaluations,
    "certify(X)": largest.n_evaluations,
}
fixed = dict(zip(evaluations, (10_000, 100_100, 100_100), strict=True))
print("                            fixed   largest     mean   median   times fewer")
for name, n in evaluations.items():
    print(
        f"{name:25} {fixed[name]:7,}   {n.max():7,}  {n.mean():7,.0f}  "
        f"{np.median(n):7,.0f}   {fixed[name] / n.mean():11.1f}"
    )

# %%
# Which samples are expensive
# ---------------------------
# Left, the share of samples that took at most so many evaluations. Right, what "does it
# hold within 0.25?" cost, over the radius that `certify` finds for the sample without
# `radii`. Only samples whose radius is close to 0.25 need many votes to tell.

import matplotlib.pyplot as plt

fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
looks = [("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-.")]
for (name, n), (color, dash) in zip(evaluations.items(), looks, strict=True):
    left.ecdf(n, color=color, linestyle=dash, linewidth=2.2, label=name)
left.axvline(100_100, color="black", label="usual: 100,100")
left.set(xscale="log", xlabel="evaluations for a sample", ylabel="share of samples")
left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)

right.semilogy(
    largest.radius,
    within.n_evaluations,
    "o",
    color=looks[1][0],
    alpha=0.6,
    label="sample",
)
right.axvline(0.25, color="black", linestyle=":", label="r = 0.25")
right.axhline(100_100, color="black", label="usual: 100,100")
right.set(xlabel="certified radius of the sample", ylabel="evaluations, radii=[0.25]")
_ = right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)

# %%
# Summary
# -------
# Half of the samples were predicted with 31 evaluations or fewer, and for half of them
# 142 settled whether the prediction holds within 0.25; a few samples near the threshold
# took most of the rest. "How far" is the expensive question, about a quarter of the
# fixed number here, because each further vote still raises the radius a little. So give
# `radii` where those of interest are known. :ref:`few_evaluations` explains why looking
# at votes as they come is allowed.
