# SPDX-License-Identifier: BSD-3-Clause
"""
==============================================
Tune class weights to recover shrunken classes
==============================================

Smoothing has shrunk the region of a class, or made it vanish. Can it come back without
training anything again, and what does it cost the others? A vote for the class may be
made to count more than others. :class:`~sksmooth.TunedVoteClassifierCV` finds such
weights.
"""

# %%
# A disc that has vanished
# ------------------------
# Samples within distance 1 of the origin are "in", the others "out". A support vector
# classifier learns this well. Smoothed with ``sigma=0.9`` it predicts "out" everywhere:
# most noisy copies of any sample lie outside of the disc. But near the origin more of
# them lie inside than elsewhere. With a weight, that is enough.

import numpy as np
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (600, 2))
y = np.where(np.hypot(*X.T) < 1, "in", "out")
X_train, y_train, X_test, y_test = X[:300], y[:300], X[300:], y[300:]

plain = SmoothedClassifier(SVC(gamma=2, C=10), sigma=0.9, random_state=0)
tuned = TunedVoteClassifierCV(plain).fit(X_train, y_train)
plain.fit(X_train, y_train)

votes = {"plain vote": plain, "tuned vote": tuned}
for name, clf in votes.items():
    right = clf.predict(X_test) == y_test
    for c in ("in", "out"):
        print(f"{name}: accuracy of {c:3}  {right[y_test == c].mean():.3f}")
w_in, w_out = tuned.vote_weights_
print(f"one vote for in counts as much as {w_in / w_out:.2f} for out")

# %%
# Who pays
# --------
# The same votes, plain and weighted. Circles are certified balls, drawn to scale.

import matplotlib.pyplot as plt

from sksmooth.inspection import DecisionRegionDisplay

points = np.array([[0, 0], [-0.5, 0.4], [-1.4, 1.0], [1.2, -1.4]])
fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, (name, clf) in zip(axes, votes.items(), strict=True):
    DecisionRegionDisplay.from_estimator(
        clf, X, points=points, kind="contours", name=name, ax=ax
    )

# %%
# The disc is back, and the balls outside of it have become smaller. With two classes
# the cost is known in closed form: each sample of "in" gains ``sigma * Phi^-1(w / (1 +
# w))``, and each sample of "out" loses as much, w being the ratio of the weights. A
# sample that changes sides does both. Certified radii, being lower bounds, show nearly
# that:

from scipy.stats import norm

w = w_in / w_out
print(f"sigma * Phi^-1(w / (1 + w)) = {0.9 * norm.ppf(w / (1 + w)):.3f}\n")
print("       point   plain vote   tuned vote")
before, after = (clf.certify(points) for clf in votes.values())
for i, point in enumerate(points):
    was, now = (f"{c.label[i]:>4} {c.radius[i]:.3f}" for c in (before, after))
    print(f"{point[0]:6.1f} {point[1]:5.1f}   {was:>10}   {now:>10}")

# %%
# Three wines
# -----------
# Here a support vector classifier on scaled features is smoothed with ``sigma=1``. Half
# of the samples train and tune, the other half is certified.

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sksmooth.inspection import CertifiedAccuracyDisplay

data = load_wine()
X_train, X_test, y_train, y_test = train_test_split(
    data.data,
    data.target_names[data.target],
    test_size=0.5,
    stratify=data.target,
    random_state=0,
)
scaler = StandardScaler().fit(X_train)
Z_train, Z_test = scaler.transform(X_train), scaler.transform(X_test)
plain = SmoothedClassifier(SVC(), sigma=1.0, random_state=0)
tuned = TunedVoteClassifierCV(plain).fit(Z_train, y_train)
plain.fit(Z_train, y_train)

found = {
    name: clf.certify(Z_test) for name, clf in zip(votes, (plain, tuned), strict=True)
}
fig, axes = plt.subplots(
    1, 2, figsize=(10, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, certificates) in zip(axes, found.items(), strict=True):
    CertifiedAccuracyDisplay.from_certificates(
        y_test, certificates, name=name, bands="overall", ax=ax
    )
_ = axes[0].set_xlim(0, 3.2)

# %%
# The area under a curve is the average certified radius of the class:

from sksmooth.metrics import average_certified_radius_score

print("            overall", *(f"{c:>8}" for c in plain.classes_))
for name, certificates in found.items():
    overall = average_certified_radius_score(y_test, certificates)
    by_class = average_certified_radius_score(y_test, certificates, average=None)
    print(f"{name:11} {overall:7.3f}", *(f"{radius:8.3f}" for radius in by_class))

# %%
# Summary
# -------
# A vanished class came back for one number: with its votes counting 2.38 times, "in"
# went from 0.000 to 0.932 right, and "out" kept 0.996. What it cost are radii: each
# sample of "out" lost about 0.48. Among the wines class_1 loses most, whose average
# radius is halved, from 2.065 to 1.033, while that of class_0 rises from 0.099 to
# 0.880. Here the overall average rose as well, but :ref:`tuned_vote_weights` counts
# more cases in which it fell.
