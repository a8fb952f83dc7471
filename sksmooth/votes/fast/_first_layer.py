# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers that begin with an affine map of their own, or select features."""

from sksmooth.votes.exact._by_type import ByType

# From a fitted classifier to the matrix, of shape (n_out, n_features), and the shift of
# the map, and what predicts behind it: `UsedFeatures`, or an object with a method
# ``positions(outputs)`` that holds no reference to the classifier. It raises `Declined`
# with the reason where parameters of the classifier are not covered.
first_layer = ByType()
