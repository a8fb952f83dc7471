# SPDX-License-Identifier: BSD-3-Clause
"""
===============================
Which units does a radius have?
===============================

A certificate says: no perturbation of the sample of norm below 0.4 changes the
prediction. But 0.4 of what? Noise and radii are in the units of the ``X`` that
:class:`~sksmooth.SmoothedClassifier` is given, so it matters where in a Pipeline it
stands: around the scaler, or behind it. Here are both, on the same samples.
"""

# %%
# Around the scaler, or behind it
# -------------------------------
# Two features of wines. Their standard deviations are 1.02 and 2.42.

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier

X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
two = ["flavanoids", "color_intensity"]
print(X_train[two].std().to_string(float_format="%.2f"))

around = SmoothedClassifier(
    make_pipeline(StandardScaler(), SVC()), sigma=0.5, random_state=0
)
behind = make_pipeline(
    StandardScaler().set_output(transform="pandas"),  # to keep the names
    SmoothedClassifier(SVC(), sigma=0.5, random_state=0),
)
for clf in (around, behind):
    clf.fit(X_train[two], y_train)

# %%
# Each picture shows the space that noise is added in; certified balls are round there.
# Taken back to raw features, the balls of the right picture are ellipses, dashed on the
# left. Neither is wrong: they belong to two different smoothed classifiers.

import matplotlib.pyplot as plt
from matplotlib.patches import Ellipse

from sksmooth.inspection import DecisionRegionDisplay

points = X_test[two].iloc[[3, 11, 16, 33]]
fig, axes = plt.subplots(
    1, 2, figsize=(8.4, 4.4), width_ratios=[1, 1.86], layout="constrained"
)
raw = DecisionRegionDisplay.from_estimator(
    around, X_train[two], points=points, kind="contours", name="raw", ax=axes[0]
)
scaled = DecisionRegionDisplay.from_estimator(
    behind, X_train[two], points=points, kind="contours", name="scaled", ax=axes[1]
)
raw.legend_.remove()  # it is the same on the right
widths = behind[0].scale_
for point, radius in zip(points.values, scaled.certificates[0].radius, strict=True):
    ellipse = Ellipse(point, *(2 * radius * widths), fill=False, linestyle="--")
    raw.ax_.add_patch(ellipse)

# %%
# All features
# ------------
# One standard deviation of proline is 326, one of the nonflavanoid phenols is 0.12.
# Noise of 0.5 in raw units is far larger than the phenols vary, and far smaller than
# the proline varies. In scaled units it is the same share of each feature.

spread = X_train.std()
print("sigma=0.5 in standard deviations of each raw feature:")
print((0.5 / spread).sort_values().to_string(float_format="%.3f"))

# %%
# The same classifier, the same sigma:

from sksmooth.inspection import ClasswiseAccuracyDisplay

for clf in (around, behind):
    clf.fit(X_train, y_train)
fig, axes = plt.subplots(2, 1, figsize=(6.8, 6.8), layout="constrained")
for ax, clf, name in zip(axes, (around, behind), ("raw", "scaled"), strict=True):
    ClasswiseAccuracyDisplay.from_estimator(clf, X_test, y_test, name=name, ax=ax)

# %%
# What a scaled radius allows
# ---------------------------
# A sample may move by r in scaled units. If it moves along one feature only, that is r
# times the feature's standard deviation, another amount for each feature, in its own
# unit.

scaler, smoothed = behind
row = X_test.iloc[[3]]
radius = smoothed.certify(scaler.transform(row)).radius[0]
print(f"certified radius: {radius:.3f}\n")
print("                                  value   may change by")
for name, width in zip(X.columns, scaler.scale_, strict=True):
    print(f"{name:30} {row[name].iloc[0]:8.2f}   {radius * width:13.2f}")

# %%
# Summary
# -------
# Noise of 0.5 in raw units left nothing of two of the three wines, because it was far
# larger than some features; in scaled units the same sigma cost 2.2 points of
# accuracy. Put :class:`~sksmooth.SmoothedClassifier` behind the scaler where
# features have different units, and around it where they share one, like pixels, or
# where an attack is measured in raw units. State the space with the radius. More is in
# :ref:`smoothed_classifier`.
