# SPDX-License-Identifier: BSD-3-Clause
"""How likely a noisy sample is, given each clean one: one class per kind of noise.

All work on features divided by their scales. A likelihood turns clean samples into
`keys` of shape (n_samples, k) once, and noisy samples into `queries` of shape
(n_noisy, k) such that ``keys @ queries.T`` is the log likelihood, up to a term of the
noisy sample alone; what is no product is added by `add_distances`. Keys are in units of
about the largest norm of a clean sample, so that no square leaves the range of float32.
"""

import math

import numpy as np
from scipy.spatial.distance import cdist

# How much faster than any weight the likelihood falls outside the support of uniform
# noise, relative to its half-width: where no sample is within, the nearest ones stay.
_WALL = 1e12
# Samples are rounded to the grid of the noise, 2**-20 of sigma, before it is added.
_GRID_SLACK = 2.0**-18
# Differences held at once by a law that is none of those known here: 8 MiB.
_DIFFERENCES = 2**20


class GaussianLikelihood:
    """Gaussian noise of variance `variance`, as one matrix product."""

    is_product = True

    def __init__(self, variance):
        self.variance = variance

    @staticmethod
    def keys(samples, unit):
        """Samples and half their squared norms, in units of `unit`."""
        samples = samples / unit
        square = np.einsum("ij,ij->i", samples, samples)
        return np.column_stack([samples, square / 2])

    def queries(self, noisy, unit):
        """Noisy samples over the variance, and the factor of the half norms."""
        queries = np.empty((len(noisy), noisy.shape[1] + 1))
        factor = unit / self.variance
        np.multiply(noisy, factor, out=queries[:, :-1])
        queries[:, -1] = -unit * factor
        return queries

    def rounding(self, noisy, reach):
        """Bound on the error of a log likelihood, for each noisy sample.

        In units of the rounding of the type in which products are computed; `reach` is
        the largest norm of a clean sample.
        """
        norms = np.sqrt(np.einsum("ij,ij->i", noisy, noisy))
        return 4 * reach * (norms + reach) / self.variance

    def by_distances(self):
        """The same from differences, for where digits would cancel in a product."""
        return GaussianDistanceLikelihood(self.variance)


class _DistanceLikelihood:
    """Noise whose likelihood is computed from differences."""

    is_product = False

    @staticmethod
    def keys(samples, unit):
        return np.empty((len(samples), 0))

    @staticmethod
    def queries(noisy, unit):
        return np.empty((len(noisy), 0))


class GaussianDistanceLikelihood(_DistanceLikelihood):
    """Gaussian noise of variance `variance`."""

    def __init__(self, variance):
        self.variance = variance

    def add_distances(self, log_weights, samples, noisy):
        """Add the squared distances over twice the variance."""
        log_weights -= cdist(samples, noisy, "sqeuclidean") / (2 * self.variance)


class LaplaceLikelihood(_DistanceLikelihood):
    """Laplace noise of standard deviation `sigma`."""

    def __init__(self, sigma):
        self.rate = math.sqrt(2) / sigma

    def add_distances(self, log_weights, samples, noisy):
        """Add the l1 distances over the scale of the density."""
        log_weights -= self.rate * cdist(samples, noisy, "cityblock")


class UniformLikelihood(_DistanceLikelihood):
    """Uniform noise of standard deviation `sigma`.

    All samples within reach are equally likely. Where there is none, those at the least
    distance in the maximum norm remain: the box is widened until it holds a sample.
    """

    def __init__(self, sigma):
        self.halfwidth = math.sqrt(3) * sigma * (1 + _GRID_SLACK)

    def add_distances(self, log_weights, samples, noisy):
        """Add the height of the wall that begins at the half-width."""
        distance = cdist(samples, noisy, "chebyshev")
        distance -= self.halfwidth
        np.maximum(distance, 0, out=distance)
        distance *= _WALL / self.halfwidth
        log_weights -= distance


class DensityLikelihood(_DistanceLikelihood):
    """Any law that has a method ``log_density(differences)``, feature by feature."""

    def __init__(self, law):
        self.law = law

    def add_distances(self, log_weights, samples, noisy):
        """Add the log densities of the differences, summed over the features."""
        step = max(1, _DIFFERENCES // max(1, noisy.size))
        for start in range(0, len(samples), step):
            rows = slice(start, start + step)
            differences = noisy[np.newaxis] - samples[rows, np.newaxis]
            log_weights[rows] += self.law.log_density(differences).sum(axis=2)


_BY_NAME = {"laplace": LaplaceLikelihood, "uniform": UniformLikelihood}


def find_likelihood(noise, sigma, bandwidth):
    """The likelihood of a noise law, given by its name or as an object.

    Raises
    ------
    ValueError
        If the law is not known, or if a prior is to be widened for a law whose
        posterior mean is then not known in closed form.
    """
    name = noise if isinstance(noise, str) else getattr(noise, "name", None)
    if name == "gaussian":
        return GaussianLikelihood(sigma**2 + bandwidth**2)
    if bandwidth != 0:
        raise ValueError(
            f"bandwidth={bandwidth!r} widens the prior by Gaussian kernels, which has "
            f"a posterior mean in closed form for Gaussian noise only; noise={name!r} "
            "needs bandwidth=0."
        )
    if name in _BY_NAME:
        return _BY_NAME[name](sigma)
    if hasattr(noise, "log_density"):
        return DensityLikelihood(noise)
    raise ValueError(
        f"noise={noise!r} is not known to PosteriorMeanDenoiser; give 'gaussian', "
        "'laplace', 'uniform' or a law with a method log_density(differences)."
    )
