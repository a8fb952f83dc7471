# SPDX-License-Identifier: BSD-3-Clause
"""
========================================
A network, trained with noise or without
========================================

A network that was trained without noise predicts badly under noise. How much does it
help to train it with noise, and does every class get its share? A small network of
skorch reads handwritten digits, is smoothed like any other classifier, and is trained
again as
:class:`~sksmooth.training.NoiseAugmentedNet`, which adds fresh noise to every batch.
"""

# %%
# Train and smooth
# ----------------
# Both nets are the same but for the noise. :class:`~sksmooth.SmoothedClassifier` gives
# them float32 and calls them directly, on whole batches.

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from torch import nn

from sksmooth import SmoothedClassifier
from sksmooth.training import NoiseAugmentedNet

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.5, stratify=y, random_state=0
)


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


sigma = 0.5
settings = {
    "criterion": nn.CrossEntropyLoss,
    "optimizer": torch.optim.Adam,
    "lr": 0.003,
    "max_epochs": 60,
    "iterator_train__shuffle": True,
    "train_split": None,
    "verbose": 0,
}
nets = {
    "clean training": NeuralNetClassifier(mlp, **settings),
    "noise augmentation": NoiseAugmentedNet(mlp, sigma=sigma, **settings),
}
found = {}
for name, net in nets.items():
    torch.manual_seed(0)
    clf = SmoothedClassifier(net, sigma=sigma, n_certify=1000, random_state=0)
    clf.fit(X_train, y_train)
    found[name] = clf.certify(X_test)
    accuracy = clf.estimator_.score(X_test.astype("float32"), y_test)
    print(f"{name}: accuracy {accuracy:.3f}, smoothed {clf.score(X_test, y_test):.3f}")

# %%
# What each class gets
# --------------------
# A curve for each digit. The areas under the curves are the average certified radii.

import matplotlib.pyplot as plt

from sksmooth.inspection import CertifiedAccuracyDisplay

fig, axes = plt.subplots(
    1, 2, figsize=(10, 4.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, certificates) in zip(axes, found.items(), strict=True):
    CertifiedAccuracyDisplay.from_certificates(y_test, certificates, name=name, ax=ax)
_ = axes[0].set_xlim(0, 1)

# %%
from sksmooth.metrics import (
    average_certified_radius_score,
    certified_accuracy_score,
)

print("                      average certified radius   certified accuracy")
print("                      overall   worst class      overall   worst class")
for name, certificates in found.items():
    cells = [
        score(y_test, certificates, average=average)
        for score in (average_certified_radius_score, certified_accuracy_score)
        for average in ("micro", "worst")
    ]
    print("{:20}  {:7.3f}   {:11.3f}      {:7.3f}   {:11.3f}".format(name, *cells))

# %%
# Summary
# -------
# Training with noise raised the average certified radius from 0.251 to 0.400. It cost
# certified predictions: overall 0.911 became 0.873, and for the worst class
# 0.789 became 0.648. The average radius of the worst class, 0.160 and 0.153, gained
# nothing. :ref:`networks` lists the other nets that train for noise, and
# :ref:`shrinkage` studies when noise in training helps the classes that fall behind.
