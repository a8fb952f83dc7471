# SPDX-License-Identifier: BSD-3-Clause
"""
=====================================
A narrow class under three noise laws
=====================================

Class "in" lies between -1 and 1 on a line, or in a box of 64 features. What does
smoothing leave of it, under Gaussian, Laplace and uniform noise of one standard
deviation? All of it is known in closed form.
"""

# %%
# How much is left
# ----------------
# Uniform noise leaves the interval as it is until the last moment, and then nothing.
# Under Laplace noise it lives longest, but shrinks from the start. In a box of many
# features the order is turned over: uniform noise never leaves far, so that all
# features of a copy stay inside together.

import matplotlib.pyplot as plt
import numpy as np

from sksmooth.shrinkage import (
    box_vanishing_sigma,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
)

LAWS = ("gaussian", "laplace", "uniform")
sigma = np.linspace(0.05, 2.3, 400)
dimensions = np.array([1, 2, 3, 5, 10, 20, 40, 64])

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for noise in LAWS:
    halfwidth = [float(slab_smoothed_halfwidth(1.0, s, noise=noise)) for s in sigma]
    left.plot(sigma, halfwidth, label=noise)
    gone = [float(box_vanishing_sigma(np.ones(d), noise=noise)) for d in dimensions]
    right.plot(dimensions, gone, label=noise)
left.set(xlabel="sigma", ylabel="half-width left", title="An interval of half-width 1")
right.set(xlabel="features", ylabel="sigma", xscale="log", title="Where a box is gone")
right.legend()
plt.show()

# %%
# The figures
# -----------

for noise in LAWS:
    of_line = float(slab_vanishing_sigma(1.0, noise=noise))
    of_box = float(box_vanishing_sigma(np.ones(64), noise=noise))
    print(f"{noise:9s} interval gone at {of_line:.3f}, box of 64 at {of_box:.3f}")
