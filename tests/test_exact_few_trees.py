# SPDX-License-Identifier: BSD-3-Clause
"""A few boosted trees as one: the same probabilities as a table of all cells."""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)

from sksmooth.votes.exact import Declined
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._cells import CellSource
from sksmooth.votes.exact._few_trees import FewTreesSource
from tests.source_case import SourceCase
from tests.test_sources import ExactCase


def samples(n_features, n_classes=3):
    return make_classification(
        300,
        n_features,
        n_informative=n_features,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=0.6,
        random_state=0,
    )


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=3, max_depth=2, random_state=0),
        HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=5),
        HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=151),
    ],
    ids=["float32", "float64", "constant"],
)
def test_boxes_have_the_probabilities_of_cells(model):
    X, y = samples(3)
    model.fit(X, y)
    identity = AffineMap.identity(3)
    boxes, cells = FewTreesSource(model, identity), CellSource(model, identity)
    assert boxes._boxes.n_boxes <= cells.n_cells
    for sigma in (0.05, 0.5, 3.0):
        low, high = boxes.probits(X[:40], sigma)
        least, most = cells.probits(X[:40], sigma)
        # Both hold the truth, and are narrow.
        assert (low <= most).all()
        assert (least <= high).all()
        assert (ndtr(high) - ndtr(low)).max() < 1e-9
    rng = np.random.default_rng(0)
    # Also on the thresholds, as float32 has them.
    cuts = np.append(np.concatenate(cells._thresholds), 0.0)
    X = rng.choice(cuts, (500, 3)).astype(np.float32)
    assert not boxes.disagrees(X.astype(float), model.predict(X)).any()


def test_samples_on_thresholds_have_the_labels_of_predict():
    X, y = samples(12, n_classes=2)
    model = GradientBoostingClassifier(n_estimators=6, max_depth=2, random_state=0)
    source = FewTreesSource(model.fit(X, y), AffineMap.identity(12))
    points = np.repeat(X[:100], 3, axis=0)
    feature, threshold = source._cuts
    at = np.resize(np.arange(len(feature)), len(points))
    near = threshold[at].astype(np.float32)
    near = np.where(np.arange(len(points)) % 3 == 1, np.nextafter(near, 99), near)
    points[np.arange(len(points)), feature[at]] = near
    points = points.astype(np.float32).astype(float)
    assert not source.disagrees(points, model.predict(points)).any()


def test_many_trees_and_many_boxes_are_declined():
    X, y = samples(12, n_classes=2)
    for n_trees, reason in ((17, "more than 16 trees"), (16, "more than 10000 boxes")):
        model = GradientBoostingClassifier(n_estimators=n_trees, random_state=0)
        with pytest.raises(Declined, match=reason):
            FewTreesSource(model.fit(X, y), AffineMap.identity(12))


class TestFewTrees(ExactCase, SourceCase):
    form = FewTreesSource
    estimator = staticmethod(
        lambda: GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0)
    )

    @staticmethod
    def data():
        return samples(12)
