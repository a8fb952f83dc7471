# SPDX-License-Identifier: BSD-3-Clause
"""
================================================
Train more on the classes that smoothing shrinks
================================================

Noise augmentation treats all classes alike; smoothing does not.
:class:`~sksmooth.training.ReweightedNoiseClassifier` gives more noisy copies to the
classes that the *smoothed* classifier loses on held-out samples.
"""

# %%
# Two classifiers of digits, trained with the same noise, smoothed with the same sigma.

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sksmooth import SmoothedClassifier
from sksmooth.metrics import certified_accuracy_score
from sksmooth.training import ReweightedNoiseClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.5, stratify=y, random_state=0
)
sigma = 1.0
found = {}
for name, n_rounds in (("plain", 1), ("reweighted", 4)):
    base = ReweightedNoiseClassifier(
        LogisticRegression(max_iter=200),
        sigma=sigma,
        train_sigma=0.5,
        n_rounds=n_rounds,
        n_copies=3,
        cv=2,
        n_predict=50,
        significance=None,
        random_state=0,
    ).fit(X_train, y_train)
    clf = SmoothedClassifier.from_fitted(
        base, sigma=sigma, n_certify=500, random_state=0
    )
    found[name] = clf.certify(X_test[:400])

# %%
# Copies of each class, relative to the mean, and the held-out accuracy of the worst
# class, round by round. Kept is the first round, counted from 0, that is within one
# standard error of the best.

for weight, score in zip(base.path_["class_weight"], base.path_["score"], strict=True):
    print(*(f"{w:5.2f}" for w in weight), f"  worst {score:.2f}")
print(f"kept: round {base.best_round_}")

# %%
# What it changes, class by class
# -------------------------------
# The display shows, class by class, the share of samples that are right with at least
# probability p: a class that has been given up is seen, where the average certified
# radius can hide it.

import matplotlib.pyplot as plt

from sksmooth.inspection import ProbabilityDisplay

fig, axes = plt.subplots(2, 1, figsize=(6.5, 7), sharex=True, layout="constrained")
for ax, (name, certificates) in zip(axes, found.items(), strict=True):
    ProbabilityDisplay.from_certificates(y_test[:400], certificates, name=name, ax=ax)
    ax.label_outer()
    scores = {
        average: certified_accuracy_score(y_test[:400], certificates, average=average)
        for average in ("micro", "worst", "gini")
    }
    print(name, {average: round(float(s), 3) for average, s in scores.items()})

# %%
# The Gini coefficient of the classes is 0 where all have the same certified accuracy.
# The gain of the worst class is paid by the others; how much, the curves show.
