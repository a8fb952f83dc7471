# SPDX-License-Identifier: BSD-3-Clause
"""
==================
The shrinking ball
==================

How much of a decision region is left after smoothing, and when is nothing left? Take
a classifier that predicts "in" within distance 1 of a point, and "out" elsewhere. For
this region everything is known in closed form, so what votes measure can be held
against the theory [1]_, in two features and in many.

.. [1] J. Mohapatra, C.-Y. Ko, T.-W. Weng, P.-Y. Chen, S. Liu, L. Daniel, "Hidden Cost
   of Randomized Smoothing", AISTATS 2021, section 4.
"""

# %%
# A classifier that is nothing but a ball
# ---------------------------------------
# There is nothing to learn; ``fit`` is there because a classifier needs one.

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Ball(ClassifierMixin, BaseEstimator):
    """Answers "in" within distance 1 of the origin, else "out"."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        inside = np.square(X).sum(axis=1) <= 1
        return np.where(inside, "in", "out")


ball = Ball().fit([[0, 0], [2, 2]], ["in", "out"])

# %%
# Two features
# ------------
# On the boundary more than half of the noisy copies land outside, because the ball
# curves away on all sides. So the smoothed ball is smaller. The ball that is certified
# around the center is smaller still: a certificate follows from the share of votes, not
# from the shape of the region. Once half of the copies of the center land outside, the
# region is gone, as in the last panel. The center is certified there too, as "out".

from sksmooth.inspection import DecisionRegionDisplay
from sksmooth.shrinkage import ball_smoothed_radius, ball_vanishing_sigma

display = DecisionRegionDisplay.from_estimator(
    ball,
    [[0, 0]],
    sigmas=[0.4, 0.7, 1.0],
    points=[[0, 0]],
    bounds=((-1.5, 1.5), (-1.5, 1.5)),
    name="the ball itself",
    random_state=0,
)
print(f"vanishing sigma: {ball_vanishing_sigma(1, 2):.4f}")

# %%
# Is the smoothed ball as large as theory says?
# :func:`~sksmooth.shrinkage.region_volume` measures its share of a square by votes, and
# the share of a disc gives its radius.

from sksmooth.shrinkage import region_volume

sigmas = np.array([0.2, 0.4, 0.6, 0.8])
print("sigma   radius in theory   by votes")
for sigma in sigmas:
    volume = region_volume(ball, ([-1, -1], [1, 1]), sigma=sigma, random_state=0)
    measured = np.sqrt(4 * volume.smoothed[0] / np.pi)
    print(f"{sigma:5.1f}{ball_smoothed_radius(1, sigma, 2):19.3f}{measured:11.3f}")

# %%
# More features
# -------------
# The length of the noise grows as the square root of the number of features d, so the
# same sigma leaves the ball sooner. Samples of class "in" fill the ball evenly: in d
# features a share :math:`\rho^d` of them is right if the smoothed ball has radius
# :math:`\rho`. That is the broad line. Samples of class "out" fill the shell around the
# ball, up to distance 2.

# sphinx_gallery_multi_image = "single"
from sksmooth.inspection import ShrinkageDisplay

rng = np.random.default_rng(0)


def fill_ball_and_shell(n_features, n_rows=300):
    """Samples in random directions, at distances that give each volume its share."""
    shares = (np.arange(n_rows) + 0.5) / n_rows
    volumes = np.concatenate([shares, 1 + shares * (2.0**n_features - 1)])
    rows = rng.standard_normal((2 * n_rows, n_features))
    rows *= (volumes ** (1 / n_features) / np.linalg.norm(rows, axis=1))[:, None]
    return rows, np.repeat(["in", "out"], n_rows)


for n_features in (2, 10):
    X, y = fill_ball_and_shell(n_features)
    ShrinkageDisplay.from_estimator(
        ball,
        X,
        y,
        ball_vanishing_sigma(1, n_features) * np.linspace(0.1, 1.2, 12),
        theory={"in": lambda s, d=n_features: ball_smoothed_radius(1, s, d) ** d},
        vanishing=False,
        name=f"The ball in {n_features} features",
        n_certify=200,
        random_state=0,
    )

# %%
# In two features half of the samples are lost at 0.77 of the vanishing sigma, in ten
# at 0.37 of it: there most of the volume of a ball lies close to its boundary. Class
# "out" loses nothing, so the overall accuracy never falls below one half.
#
# When the ball is gone
# ---------------------
# The center is the last sample to be lost. :func:`~sksmooth.shrinkage.vanishing_sigma`
# searches, by votes, for the sigma at which that happens.

from sksmooth.shrinkage import vanishing_sigma

print("   d   in theory   by votes   1 / sqrt(d)")
for n_features in (2, 4, 16, 64, 256):
    exact = ball_vanishing_sigma(1, n_features)
    found = vanishing_sigma(
        ball,
        np.zeros((1, n_features)),
        ["in"],
        sigma_range=(exact / 4, 4 * exact),
        n_predict=10_000,
        random_state=0,
    )
    print(f"{n_features:4}{exact:12.4f}{found.sigma[0]:11.4f}{n_features**-0.5:14.4f}")

# %%
# Summary
# -------
# The region of the smoothed classifier is a smaller ball, as large as theory says, and
# past the vanishing sigma there is none. That sigma falls like ``1 / sqrt(d)``, from
# 0.85 in two features to 0.06 in 256. A smoothed classifier that has lost a class
# certifies its samples all the same, as another class. :ref:`shrinkage` has the
# formulas, and the same for regions that are not bounded.
