# SPDX-License-Identifier: BSD-3-Clause
"""
===============
Cones and slabs
===============

Does a decision region shrink if it is not bounded? The regions of many classifiers
reach to infinity, so a ball may say little about them. Two shapes tell what matters: a
cone and a slab.
"""

# %%
# Two regions
# -----------
# Each classifier predicts "in" inside its region and "out" elsewhere. The cone opens to
# the right with a half-angle of 45 degrees. The slab is the band between -1 and 1 of
# one feature; in the others it has no bounds.

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Region(ClassifierMixin, BaseEstimator):
    """Answers "in" where `contains` says so, else "out"; there is nothing to learn."""

    def fit(self, X=None, y=None):
        self.classes_ = np.array(["in", "out"])
        return self

    def predict(self, X):
        return np.where(self.contains(X), "in", "out")


class Cone(Region):
    def contains(self, X):
        return X[:, 0] >= np.linalg.norm(X[:, 1:], axis=1)


class Slab(Region):
    def contains(self, X):
        return np.abs(X[:, 0]) <= 1


# %%
# A cone moves, and never vanishes
# --------------------------------
# The smoothed cone is rounded, and its tip moves into the cone, in proportion to sigma.
# Far from the apex its sides are where they were: there the cone looks like
# a half-space, and smoothing leaves a half-space as it is.

from sksmooth.inspection import DecisionRegionDisplay

cone = Cone().fit()
display = DecisionRegionDisplay.from_estimator(
    cone,
    [[0, 0]],
    sigmas=[0.5, 1.0, 1.5],
    bounds=((-1, 4), (-2.5, 2.5)),
    kind="contours",
    name="Cone",
)

# %%
# A slab loses little, and then everything
# ----------------------------------------
# At ``sigma=1`` a slab of half-width 1 is still nearly as wide as without noise. It
# then narrows ever faster and is gone at 1.4826, though it reaches to infinity.

from sksmooth.shrinkage import slab_vanishing_sigma

slab = Slab().fit()
display = DecisionRegionDisplay.from_estimator(
    slab,
    [[0, 0]],
    sigmas=[1.0, 1.3, 1.45, 1.5],
    bounds=((-2.5, 2.5), (-2.5, 2.5)),
    kind="contours",
    name="Slab",
)
print(f"vanishing sigma of the slab: {slab_vanishing_sigma(1):.4f}")

# %%
# More features
# -------------
# Where theory puts the boundary, half of the votes must be "in". It is so for both, but
# only one of them depends on the number of features d: the cone has its boundary on all
# sides of its axis, and its tip moves by about ``sigma * sqrt(d - 1)``; the slab has it
# in one direction alone.

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import cone_apex_shift, slab_smoothed_halfwidth


def share_inside(region, position, sigma, n_features):
    """Share of the votes for "in" of a sample on the first axis."""
    row = np.zeros((1, n_features))
    row[0, 0] = position
    smoothed = SmoothedClassifier.from_fitted(
        region, sigma=sigma, n_predict=100_000, random_state=0
    )
    return smoothed.predict_proba(row)[0, 0]


print("       cone, sigma = 1       slab, sigma = 1.3")
print("   d       tip   votes      half-width   votes")
for d in (2, 10, 64):
    tip = cone_apex_shift(np.pi / 4, 1.0, d)
    halfwidth = slab_smoothed_halfwidth(1.0, 1.3)
    votes = share_inside(cone, tip, 1.0, d), share_inside(slab, halfwidth, 1.3, d)
    print(f"{d:4}{tip:10.3f}{votes[0]:8.3f}{halfwidth:16.3f}{votes[1]:8.3f}")

# %%
# A linear classifier has such regions
# ------------------------------------
# With two classes the regions of a linear classifier are half-spaces, which smoothing
# does not change. With three that stand in a row, the middle one gets a slab.

from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

names = np.array(["left", "middle", "right"])
X, y = make_blobs(
    [80, 80, 80], centers=[[-2, 0], [0, 0], [2, 0]], cluster_std=0.6, random_state=0
)
logistic = LogisticRegression().fit(X, names[y])
display = DecisionRegionDisplay.from_estimator(
    logistic, X, names[y], sigmas=[1.0, 2.0, 3.0], name="logistic classifier"
)

# %%
# The votes that leave the slab are split between two sides, so that a little more than
# a third of them is enough to win, and the slab is kept up to a larger sigma than with
# two classes. The search, by votes on the samples, ends near that value; the sides of
# this slab are not quite parallel.

from sksmooth.shrinkage import vanishing_sigma

line = np.linspace(-2, 2, 4001)
inside = logistic.predict(np.column_stack([line, np.zeros(4001)])) == "middle"
halfwidth = np.ptp(line[inside]) / 2
print(f"half-width of the slab: {halfwidth:.3f}")
print(f"  vanishing sigma, two classes:   {slab_vanishing_sigma(halfwidth):.3f}")
print(f"  vanishing sigma, three classes: {slab_vanishing_sigma(halfwidth, 3):.3f}")
print(vanishing_sigma(logistic, X, names[y], n_predict=10_000, random_state=0))

# %%
# Summary
# -------
# A region without bounds can vanish: what counts is whether it is bounded in *some*
# direction. A slab is gone at 1.4826 times its half-width in any number of features, or
# later where several classes share the votes around it. A cone only moves, by more the
# more features there are, and a half-space stays. So a linear classifier is safe with
# two classes, and loses its middle class with three in a row. The formulas are in
# :ref:`shrinkage`.
