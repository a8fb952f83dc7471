# SPDX-License-Identifier: BSD-3-Clause
"""
====================================
The cost of robustness, as set sizes
====================================

Instead of one label, a robust conformal classifier predicts a set of labels that holds
the true one with a stated probability, after any change of the sample within a radius.
Coverage is promised on average over all samples; what it costs each class is the size
of its sets.
"""

# %%
# Sets are made from one noisy copy of each sample, so they are as cheap as a single
# prediction. Three samples of ten calibrate the threshold of the scores.

from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sksmooth.conformal import RobustConformalClassifier, prediction_set_report
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.training import NoiseAugmentedClassifier

X, y = load_digits(return_X_y=True)
X_fit, X_rest, y_fit, y_rest = train_test_split(
    X / 16, y, test_size=0.6, stratify=y, random_state=0
)
X_cal, X_test, y_cal, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0
)
sigma = 0.5
logistic = LogisticRegression(max_iter=500)
augmented = NoiseAugmentedClassifier(logistic, sigma=sigma, n_copies=3, random_state=0)
denoised = make_pipeline(PosteriorMeanDenoiser(sigma=sigma), logistic)

# %%
# Coverage and set size by radius
# -------------------------------
# The classifier trained on noisy copies, and the one trained without noise behind the
# posterior mean. At radius 0 this is split conformal prediction on noisy samples.

reports = {}
for name, base in {"augmented": augmented, "denoised": denoised}.items():
    fitted = FrozenEstimator(base.fit(X_fit, y_fit))
    for radius in (0.0, 0.25, 0.5):
        clf = RobustConformalClassifier(
            fitted, sigma=sigma, radius=radius, confidence_level=0.9, random_state=0
        )
        sets = clf.fit(X_fit, y_fit).conformalize(X_cal, y_cal).predict_set(X_test)
        report = prediction_set_report(y_test, sets, clf.classes_, output="dict")
        reports[name, radius] = report
        overall = report["overall"]
        print(
            f"{name}, radius {radius:4g}: coverage {overall['coverage']:.3f}, "
            f"{overall['set_size']:.2f} labels"
        )

# %%
# Class by class
# --------------
# Samples of some digits get more labels than those of others: the hidden cost of
# smoothing, as a number of labels.

import matplotlib.pyplot as plt
import numpy as np

fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
colors = {"augmented": "#E69F00", "denoised": "#0072B2"}
for (name, color), shift in zip(colors.items(), (-0.2, 0.2), strict=True):
    sizes = [row["set_size"] for row in reports[name, 0.25]["by_class"].values()]
    ax.bar(np.arange(10) + shift, sizes, 0.4, color=color, label=name)
ax.set(
    xticks=range(10),
    xlabel="digit",
    ylabel="labels in a set, mean",
    title="Sets that hold after a change of l2 norm 0.25",
)
_ = fig.legend(loc="outside right upper", frameon=False)

# %%
# The denoiser makes sets smaller at radius 0, and larger at radius 0.5: there a set has
# one label only if that is nearly certain, and where the posterior mean lies between
# two digits the classifier is certain of neither.
