# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks, as a mark, with any scikit-learn that is supported."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks


def each_check(estimators):
    """`parametrize_with_checks`; pytest warns of the generator in its old versions."""
    mark = parametrize_with_checks(estimators)
    names, checks = mark.args
    return pytest.mark.parametrize(names, list(checks), **mark.kwargs)
