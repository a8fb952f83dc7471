# SPDX-License-Identifier: BSD-3-Clause
"""The noise laws, each by the tests that all of them inherit."""

import math

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth.noise import LAWS, Gaussian, Laplace, Splitting, Uniform
from tests.law_case import ERRORS, AdditiveLawCase, LawCase


class TestGaussian(AdditiveLawCase):
    law = Gaussian(0.5, n_features=3)

    def exact_log_tail(self, z):
        return mpmath.log(mpmath.erfc(z / mpmath.sqrt(2)) / 2)


class TestGaussianL1(TestGaussian):
    law = Gaussian(0.5, norm=1, n_features=3)


class TestGaussianLinf(TestGaussian):
    law = Gaussian(0.5, norm=math.inf, n_features=3)
    direction = np.ones(3)


class TestLaplace(AdditiveLawCase):
    law = Laplace(0.7, n_features=3)

    def exact_log_tail(self, z):
        tail = mpmath.exp(-mpmath.sqrt(2) * abs(z)) / 2
        return mpmath.log(tail if z >= 0 else 1 - tail)

    @pytest.mark.parametrize("p", [0.6, 0.75, 0.99, 0.99993])
    def test_its_radius_is_that_of_teng_et_al(self, p):
        scale = self.law.sigma / math.sqrt(2)
        radius = self.law.radius(ndtri(p), -ndtri(p))
        assert radius == pytest.approx(-scale * math.log(2 * (1 - p)))


class TestUniform(AdditiveLawCase):
    law = Uniform(0.7, n_features=3)
    resolution = 1e-14

    def offset(self, share):
        return self.law.largest_noise * (1 - 2 * share)

    def exact_log_tail(self, z):
        end = mpmath.sqrt(3)
        tail = min(max((end - z) / (2 * end), mpmath.mpf(0)), mpmath.mpf(1))
        return mpmath.log(tail) if tail else -mpmath.inf

    def test_no_votes_prove_the_largest_radius(self):
        for share_other in (0.5, 0.2, 0.9):
            largest = self.law.largest_radius(share_other)
            odds = share_other / (1 - share_other)
            assert self.law.radius(40.0, -40.0, 1.0, odds) <= largest
            assert self.law.threshold(largest, share_other) > 7
            assert self.law.threshold(0.999 * largest, share_other) < 7

    def test_radii_beyond_the_largest_are_said_to_be_out_of_reach(self):
        clf, X = self.certificates(0.9, 2)
        largest = self.law.largest_radius()
        with pytest.warns(UserWarning, match=r"proves no radius of .* or more"):
            clf.certify(X, radii=[0.1, largest])
        with pytest.warns(UserWarning, match="out of reach of n_certify=100 votes"):
            clf.set_params(n_certify=100).certify(X, radii=[0.1, 0.999 * largest])


class Corner(ClassifierMixin, BaseEstimator):
    """The worst case of uniform noise in l-infinity, repeated every 100 units.

    Class 1 is where noise at 0 leads and noise at ``-distance`` in each feature does
    not, and as much of where both lead as gives it its share at 0.
    """

    def __init__(self, largest, distance, share):
        self.largest = largest
        self.distance = distance
        self.share = share

    def fit(self, X=None, y=None):
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 3
        return self

    def predict(self, X):
        X = X - 100 * np.rint(X / 100)
        length = 2 * self.largest - self.distance
        shared = (length / (2 * self.largest)) ** 3
        part = (self.share - (1 - shared)) / shared
        here = (abs(X) <= self.largest).all(axis=1)
        there = (X <= self.largest - self.distance).all(axis=1)
        beyond = X[:, 0] > (1 - part) * length - self.largest
        return (here & (~there | beyond)).astype(int)


class TestUniformLinf(TestUniform):
    law = Uniform(0.7, norm=math.inf, n_features=3)
    direction = np.ones(3)
    composes = False

    def worst_case(self, share, weights=(1.0, 1.0)):
        true = float(self.law.radius(ndtri(share), -ndtri(share), *weights))
        return Corner(self.law.largest_noise, true, share).fit(), np.eye(3)[0]

    def test_the_worst_half_space_grows_so_much(self):
        """The complement of a corner grows most, seen from 0."""
        n = 40_000
        radius, probit = 0.5 * self.law.sigma, ndtri(0.2)
        base = Corner(self.law.largest_noise, radius, 0.8).fit()
        for factor, expected in ((0, 0.2), (1, ndtr(self.law.grow(probit, radius)))):
            copies = self.noisy(-factor * radius * self.direction, n)
            share = np.mean(base.predict(copies) == 0)
            assert abs(share - expected) < ERRORS * np.sqrt(0.25 / n)


class TestSplitting(LawCase):
    law = Splitting(0.7, n_features=3)
    resolution = 1e-14

    # Not whole numbers, on which cells are whole too.
    start = 0.25

    def offset(self, share):
        return self.law.width * (0.5 - share)


def test_every_law_inherits_the_tests():
    cases = LawCase.__subclasses__() + AdditiveLawCase.__subclasses__()
    tested = {type(case.law) for case in cases if hasattr(case, "law")}
    assert tested >= set(LAWS.values())
