# SPDX-License-Identifier: BSD-3-Clause
"""
========================
Circles, moons and blobs
========================

Which classes does smoothing lose? Three data sets of two features, whose decision
regions can be looked at, have classes that are surrounded, entwined and crowded. The
base classifier is the same for all, nearest neighbours, and is right about nearly every
sample.
"""

# %%
# A class inside another
# ----------------------
# Dashed is the boundary of the base classifier, drawn through that of the smoothed one.
# The inner circle has as many samples as the outer one, but a bounded region. It
# shrinks and is gone: at ``sigma=1`` the smoothed classifier predicts "outer"
# everywhere.

import numpy as np
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.neighbors import KNeighborsClassifier

from sksmooth.inspection import DecisionRegionDisplay

X, y = make_circles(200, noise=0.06, factor=0.4, random_state=0)
y = np.array(["outer", "inner"])[y]
circles = KNeighborsClassifier().fit(X, y), X, y
display = DecisionRegionDisplay.from_estimator(
    *circles, sigmas=[0.25, 0.5, 1.0], name="circles"
)

# %%
# Two classes entwined
# --------------------
# Neither moon surrounds the other: far out, each has about half of the plane. So
# neither vanishes. What is lost are the tips, where a region reaches into the other:
# the smoothed boundary becomes ever straighter.

X, y = make_moons(200, noise=0.12, random_state=0)
y = np.array(["upper", "lower"])[y]
moons = KNeighborsClassifier().fit(X, y), X, y
display = DecisionRegionDisplay.from_estimator(
    *moons, sigmas=[0.25, 0.5, 1.0], name="moons"
)

# %%
# A class among several
# ---------------------
# Four blobs have the same size and the same number of samples. The one in the middle
# has neighbours on all sides and loses its region to them.

centers = [[0, 0], [2, 1.2], [-2, 1.2], [0, -2.3]]
X, y = make_blobs([50] * 4, centers=centers, cluster_std=0.5, random_state=0)
y = np.array(["middle", "right", "left", "low"])[y]
blobs = KNeighborsClassifier().fit(X, y), X, y
display = DecisionRegionDisplay.from_estimator(
    *blobs, sigmas=[1.0, 1.75, 2.5], name="blobs"
)

# %%
# When each class is gone
# -----------------------
# :func:`~sksmooth.shrinkage.vanishing_sigma` searches for the sigma past which no
# sample of a class is predicted right.

from sksmooth.shrinkage import vanishing_sigma

for name, data in {"circles": circles, "moons": moons, "blobs": blobs}.items():
    classifier, X, y = data
    print(f"{name}: accuracy of the base classifier {classifier.score(X, y):.3f}")
    print(vanishing_sigma(*data, random_state=0), end="\n\n")

# %%
# On the way there the average tells little: all that the blobs lose, one of them loses.

from sksmooth.inspection import ShrinkageDisplay

display = ShrinkageDisplay.from_estimator(
    *blobs, np.linspace(0.25, 2.5, 10), name="blobs", n_certify=200, random_state=0
)

# %%
# Summary
# -------
# The classes that vanish are the surrounded ones: the inner circle at a sigma of 0.59,
# the middle blob at 2.05. They have as many samples as the others, and the base
# classifier is right about 0.96 of them or more. Smoothing trims the moons too, but
# leaves both, as each has about half of the plane far out. With the middle blob gone,
# the overall accuracy of the blobs is still 0.75. :ref:`shrinkage` says when a region
# vanishes.
