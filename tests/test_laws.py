# SPDX-License-Identifier: BSD-3-Clause
"""The noise laws, each by the tests that all of them inherit."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from sksmooth.noise import LAWS, Gaussian, Laplace
from tests.law_case import LawCase


class TestGaussian(LawCase):
    law = Gaussian(0.5, n_features=3)


class TestGaussianL1(LawCase):
    law = Gaussian(0.5, norm=1, n_features=3)


class TestGaussianLinf(LawCase):
    law = Gaussian(0.5, norm=math.inf, n_features=3)
    direction = np.ones(3)


class TestLaplace(LawCase):
    law = Laplace(0.7, n_features=3)

    @pytest.mark.parametrize("p", [0.6, 0.75, 0.99, 0.99993])
    def test_its_radius_is_that_of_teng_et_al(self, p):
        scale = self.law.sigma / math.sqrt(2)
        radius = self.law.radius(ndtri(p), -ndtri(p))
        assert radius == pytest.approx(-scale * math.log(2 * (1 - p)))


def test_every_law_inherits_the_tests():
    tested = {type(case.law) for case in LawCase.__subclasses__()}
    assert tested >= set(LAWS.values())
