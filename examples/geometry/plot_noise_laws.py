# SPDX-License-Identifier: BSD-3-Clause
"""
=====================================
A narrow class under three noise laws
=====================================

Class "in" lies between -1 and 1 on a line, or in a box of 64 features. How much of its
region is left after smoothing by Gaussian, Laplace or uniform noise of equal standard
deviation? All of it is known in closed form.
"""

# %%
# How much is left
# ----------------
# Under uniform noise the interval keeps its width up to the sigma at which it vanishes.
# Under Laplace noise it vanishes last, but shrinks early. For a box of many features
# the order is reversed: uniform noise is bounded, so that all features of a noisy copy
# are inside at once.

import matplotlib.pyplot as plt
import numpy as np

from sksmooth.shrinkage import (
    box_vanishing_sigma,
    slab_smoothed_halfwidth,
    slab_vanishing_sigma,
)

# Of the palette by Okabe and Ito, which color-blind readers can tell apart.
STYLES = {
    "gaussian": {"color": "#0072B2"},
    "laplace": {"color": "#D55E00", "linestyle": "--"},
    "uniform": {"color": "black", "linestyle": ":"},
}
sigma = np.linspace(0.05, 2.3, 400)
dimensions = np.array([1, 2, 3, 5, 10, 20, 40, 64])

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for noise, style in STYLES.items():
    halfwidth = [float(slab_smoothed_halfwidth(1.0, s, noise=noise)) for s in sigma]
    left.plot(sigma, halfwidth, linewidth=2, **style)
    gone = [float(box_vanishing_sigma(np.ones(d), noise=noise)) for d in dimensions]
    right.plot(dimensions, gone, linewidth=2, label=noise, **style)
left.set(
    xlabel="σ", ylabel="half-width after smoothing", title="Interval of half-width 1"
)
right.set(
    xlabel="number of features",
    ylabel="vanishing σ",
    xscale="log",
    title="Box of half-width 1 in each feature",
)
right.set_xticks([1, 3, 10, 30], labels=["1", "3", "10", "30"])
right.legend(frameon=False)
plt.show()

# %%
# The vanishing sigmas
# --------------------

for noise in STYLES:
    of_line = float(slab_vanishing_sigma(1.0, noise=noise))
    of_box = float(box_vanishing_sigma(np.ones(64), noise=noise))
    print(
        f"{noise:9s} the interval vanishes at {of_line:.3f}, the box of 64 features at "
        f"{of_box:.3f}"
    )
