# SPDX-License-Identifier: BSD-3-Clause
"""SmoothedClassifier has the manners of a scikit-learn estimator.

Nothing is expected to fail and nothing may be skipped.
"""

from unittest import SkipTest

import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from sksmooth import SmoothedClassifier
from tests.estimator_checks import each_check_and_routing, request_weights

# By default the votes of a linear model or a tree may come from a closed form; the last
# one makes sure that sampling them has the same manners.
ESTIMATORS = [
    SmoothedClassifier(LogisticRegression()),
    SmoothedClassifier(DecisionTreeClassifier()),
    # Converged, so that weights are what repeated rows are.
    SmoothedClassifier(LinearSVC(dual=False, tol=1e-10)),
    SmoothedClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
    SmoothedClassifier(LogisticRegression(), method="monte_carlo"),
]


@each_check_and_routing(ESTIMATORS)
def test_scikit_learn_check(estimator, check, routing):
    with config_context(enable_metadata_routing=routing):
        if routing:
            # Where metadata is routed, weights reach what requests them.
            estimator = request_weights(estimator)
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"a check was skipped: {skipped}")


def test_nothing_is_excused_by_a_tag():
    tags = get_tags(SmoothedClassifier(LogisticRegression()))
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags.classifier_tags.poor_score
