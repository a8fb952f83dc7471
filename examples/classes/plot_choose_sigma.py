# SPDX-License-Identifier: BSD-3-Clause
"""
=========================================
Choose sigma with a floor for every class
=========================================

Which sigma certifies most samples within a radius, while no class falls too far? A
search for the best average ignores the second question, at the cost of a rare class.
With a function as ``refit``, ``GridSearchCV`` can decide by both.
"""

# %%
# A rare class
# ------------
# Is the image an 8? One in ten is. We want predictions that are certified within 0.4,
# the pixels being in [0, 1].

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sksmooth import SmoothedClassifier
from sksmooth.metrics import ClasswiseScorer

X, digit = load_digits(return_X_y=True)
y = np.where(digit == 8, "8", "other")
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.5, stratify=y, random_state=0
)
smoothed = SmoothedClassifier(
    KNeighborsClassifier(3, algorithm="brute"), n_certify=1000, random_state=0
)

# %%
# One search, two questions
# -------------------------
# :class:`~sksmooth.metrics.ClasswiseScorer` certifies once per fold and scores overall,
# by class, and the worst class, at each radius.

RADIUS, FLOOR = 0.4, 0.85
OVERALL = f"mean_test_certified_accuracy_at_{RADIUS}"
WORST = "mean_test_certified_accuracy_at_0_worst"


def best_above_floor(results):
    """Position of the best overall score, where the worst class is at the floor."""
    allowed = results[WORST] >= FLOOR
    if not allowed.any():
        raise ValueError(f"no sigma keeps the worst class at {FLOOR}")
    return int(np.where(allowed, results[OVERALL], -np.inf).argmax())


search = GridSearchCV(
    smoothed,
    {"sigma": [0.2, 0.25, 0.3, 0.4, 0.5]},
    scoring=ClasswiseScorer(radii=[0, RADIUS]),
    refit=best_above_floor,
    cv=3,
).fit(X_train, y_train)

results = search.cv_results_
sigmas = np.asarray(results["param_sigma"], dtype=float)
best_average = results[OVERALL].argmax()
print("         certified within 0.4    certified")
print("sigma     overall         8s   worst class")
for i, sigma in enumerate(sigmas):
    eights = results[f"{OVERALL}_8"][i]
    note = "   best average" if i == best_average else ""
    note = "   best above the floor" if i == search.best_index_ else note
    print(
        f"{sigma:5.2f}     {results[OVERALL][i]:7.3f}    {eights:7.3f}   "
        f"{results[WORST][i]:11.3f}{note}"
    )

# %%
# The overall curve hardly moves: nine samples in ten are no 8s, and more noise
# certifies more of them. What moves is the class of the 8s.

import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(6.8, 4.4), layout="constrained")
curves = {
    "overall, r = 0.4": (results[OVERALL], "black", "o"),
    "worst class, r = 0": (results[WORST], "#0072B2", "s"),
    "digit 8, r = 0.4": (results[f"{OVERALL}_8"], "#D55E00", "^"),
}
for name, (values, color, marker) in curves.items():
    ax.plot(sigmas, values, color=color, marker=marker, label=name)
ax.axhline(FLOOR, color="#0072B2", linestyle="--", label="floor for the worst class")
ax.set(xlabel="σ", ylabel="certified accuracy at r, cross-validated", ylim=(0, 1.02))
ax.set_xticks(sigmas)
ax.grid(alpha=0.3)
_ = fig.legend(loc="outside right upper", frameon=False)

# %%
# On samples that were not searched on
# ------------------------------------
# Scores that sigma was chosen by are biased upwards. So look at the other half of the
# samples:

from sksmooth.inspection import ClasswiseAccuracyDisplay

average = smoothed.set_params(sigma=sigmas[best_average]).fit(X_train, y_train)
chosen = {"best average": average, "best above the floor": search.best_estimator_}
fig, axes = plt.subplots(2, 1, figsize=(6.8, 6.4), layout="constrained")
for ax, (name, clf) in zip(axes, chosen.items(), strict=True):
    ClasswiseAccuracyDisplay.from_estimator(
        clf, X_test, y_test, radius=RADIUS, name=name, ax=ax
    )

# %%
for name, clf in chosen.items():
    any_radius = clf.classwise_score(X_test, y_test)["8"]
    within = clf.classwise_score(X_test, y_test, radius=RADIUS)["8"]
    print(f"{name:20}   8s certified {any_radius:.3f}, within 0.4 {within:.3f}")

# %%
# Summary
# -------
# By the average, ``sigma=0.4`` was best by 0.001, and it certified 0.161 of the unseen
# 8s within 0.4. With a floor under the worst class the search took ``sigma=0.3`` and
# certified 0.333 of them. Of the unseen 8s it certified 0.828 at all, less than the
# floor of 0.85: a score that sigma was chosen by is biased upwards, and there are only
# 87 of them. Where no sigma serves all classes, weights may: see
# :ref:`tuned_vote_weights`.
