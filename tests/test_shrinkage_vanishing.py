# SPDX-License-Identifier: BSD-3-Clause
"""The sigma at which a class vanishes, where it is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

from sksmooth import SmoothedClassifier
from sksmooth.shrinkage import ball_vanishing_sigma, vanishing_sigma
from tests.known_regions import Inside


@pytest.mark.parametrize("d", [2, 10])
def test_a_ball_vanishes_where_the_closed_form_says(d):
    # The row at the centre is lost last. With n = 60,000 votes its share has standard
    # error 0.002, and falls by 0.69 (d = 2) or more per unit of log sigma: 2 % of sigma
    # is more than six standard errors, the bracket of 0.1 % included.
    rows = np.zeros((3, d))
    rows[1:, 0] = 0.3, 3.0
    result = vanishing_sigma(
        Inside().fit(),
        rows,
        [1, 1, 0],
        tol=0.001,
        n_predict=60_000,
        random_state=0,
    )
    assert result.status.tolist() == ["never", "vanishes"]
    assert result.sigma[1] == pytest.approx(ball_vanishing_sigma(1.0, d), rel=0.02)


def test_the_bracket_holds_for_the_smoothed_classifier_it_was_measured_on():
    X, y = load_iris(return_X_y=True)
    clf = KNeighborsClassifier().fit(X[::2], y[::2])
    smoothed = SmoothedClassifier.from_fitted(clf, n_predict=100, random_state=0)
    result = vanishing_sigma(smoothed, X[1::2], y[1::2], tol=0.05)
    assert smoothed.sigma == 0.25
    assert result.status.tolist() == ["never", "vanishes", "never"]
    assert result.upper[1] <= 1.05 * result.lower[1]
    assert result.lower[1] < result.sigma[1] < result.upper[1]

    def right(sigma, label):
        rows = X[1::2][y[1::2] == label]
        return (smoothed.set_params(sigma=sigma).predict(rows) == label).sum()

    assert right(result.lower[1], 1) > 0
    assert right(result.upper[1], 1) == 0
    low, high = result.sigma_range
    for label in (0, 2):
        assert right(high, label) > 0
        assert result.lower[label] == high
        assert np.isinf(result.upper[label])
        assert np.isnan(result.sigma[label])
    # The same, class by class, whatever else is searched for.
    alone = vanishing_sigma(
        smoothed,
        X[1::2][y[1::2] == 1],
        y[1::2][y[1::2] == 1],
        sigma_range=(low, high),
        tol=0.05,
    )
    assert (alone.lower[1], alone.upper[1]) == (result.lower[1], result.upper[1])
    assert alone.status.tolist() == ["empty", "vanishes", "empty"]


def test_frames_and_string_classes():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    table = pd.DataFrame(X, columns=list("abcd"))
    settings = {"tol": 0.2, "n_predict": 50, "random_state": 0}
    named = KNeighborsClassifier().fit(table[::2], names[::2])
    plain = KNeighborsClassifier().fit(X[::2], y[::2])
    found = vanishing_sigma(named, table[1::2], names[1::2], **settings)
    expected = vanishing_sigma(plain, X[1::2], y[1::2], **settings)
    np.testing.assert_array_equal(found.sigma, expected.sigma)
    assert "class 'setosa' never vanishes" in str(found)


def test_a_class_that_comes_back_is_followed_to_its_last_end():
    # |x| < 1 and 10 < |x| < 100: the row at 0 is lost at 1 / 0.6745 = 1.48, won again
    # by the outer part, and lost for good.
    def rule(X):
        x = np.abs(X[:, 0])
        return (x < 1) | ((x > 10) & (x < 100))

    def share(sigma):
        within = 2 * norm.cdf(np.array([1.0, 10.0, 100.0]) / sigma) - 1
        return within[0] - within[1] + within[2]

    shells = Inside(rule).fit()
    settings = {"n_predict": 4000, "random_state": 0}
    rows, y = np.zeros((1, 1)), [1]
    first = vanishing_sigma(shells, rows, y, sigma_range=(0.1, 5.0), **settings)
    last = vanishing_sigma(shells, rows, y, sigma_range=(0.1, 1e4), **settings)
    # Standard error 0.0079 of the share, which falls by 0.43 per unit of log sigma.
    assert first.sigma[1] == pytest.approx(1 / norm.ppf(0.75), rel=0.1)
    gone = brentq(lambda sigma: share(sigma) - 0.5, 50, 500)
    assert last.sigma[1] == pytest.approx(gone, rel=0.1)


def test_what_lies_outside_the_range_is_said_plainly():
    rows = np.array([[0.0, 0.0], [0.2, 0.0]])
    ball = Inside().fit()
    settings = {"n_predict": 500, "random_state": 0}
    never = vanishing_sigma(ball, rows, [1, 1], sigma_range=(0.1, 0.4), **settings)
    assert never.status.tolist() == ["empty", "never"]
    assert (never.lower[1], never.upper[1]) == (0.4, np.inf)
    assert np.isnan(never.sigma).all()
    assert "never vanishes within the range" in str(never)
    assert "class 0 has no samples" in str(never)

    below = vanishing_sigma(ball, rows, [1, 1], sigma_range=(2.0, 4.0), **settings)
    assert below.status[1] == "below"
    assert (below.lower[1], below.upper[1]) == (0.0, 2.0)
    assert np.isnan(below.sigma[1])
    assert "below the range" in str(below)

    wrong = vanishing_sigma(ball, rows + 5, [1, 1], sigma_range=(0.1, 0.4), **settings)
    assert wrong.status[1] == "base"
    assert (wrong.lower[1], wrong.upper[1]) == (0.0, 0.0)
    assert "base classifier gets no sample right" in str(wrong)
    frame = wrong.to_frame()
    assert frame["class"].tolist() == [0, 1]
    assert frame["status"].tolist() == ["empty", "base"]


def test_what_cannot_be_searched_is_refused():
    ball, rows = Inside().fit(), np.zeros((2, 2))
    with pytest.raises(ValueError, match="give sigma_range"):
        vanishing_sigma(ball, rows, [1, 1])
    for bad in [(0.0, 1.0), (1.0, 0.5), (0.1, np.inf), 0.5, (0.1, 0.2, 0.3)]:
        with pytest.raises(ValueError, match="sigma_range"):
            vanishing_sigma(ball, rows, [1, 1], sigma_range=bad)
    with pytest.raises(TypeError, match="moved over sigma_range"):
        vanishing_sigma(ball, rows, [1, 1], sigma=0.5)
    with pytest.raises(ValueError, match="tol"):
        vanishing_sigma(ball, rows, [1, 1], sigma_range=(0.1, 1.0), tol=0.0)
    with pytest.raises(ValueError, match=r"\[2\]"):
        vanishing_sigma(ball, rows, [1, 2], sigma_range=(0.1, 1.0))
