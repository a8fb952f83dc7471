# SPDX-License-Identifier: BSD-3-Clause
"""Weighted sums of kernel values, with bounds on their rounding.

The bounds are of the distance from what libsvm computes: the rounding of this
computation and that of libsvm together. In what follows n is the number of features, m
that of support vectors, u the unit roundoff (2**-53 for float64, 2**-24 for float32)
and s a support vector.
"""

import abc
from typing import Any

import numpy as np

from sksmooth.votes.exact._rounding import UNIT

# Of exp and tanh, in units of u: those of the C library, as libsvm calls them, and
# those of numpy are right to 4 units in the last place, which are up to 8 of u.
_FUNCTION = 16
# The largest relative error of a value of the radial kernel that is of any use.
_MOST_ERROR = 0.5
# For the rounding of the bounds themselves.
_SLACK = 1.01


class Kernel(abc.ABC):
    """Sums of kernel values times the coefficients of each pair of classes.

    Parameters
    ----------
    vectors : ndarray of shape (m, n)
        Support vectors.
    weights : list of tuple
        Their coefficients by class, see `_weights_by_class`.
    n_pairs : int
    estimator : SVC
    gamma : float
        As it was fitted.

    Attributes
    ----------
    n_values : int
        How many numbers are computed for a row.
    """

    n_values: int

    @abc.abstractmethod
    def __init__(self, vectors, weights, n_pairs, estimator, gamma):
        pass

    @abc.abstractmethod
    def sums(self, X):
        """Sums for all pairs, and a bound on their error; both may be written to.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n)

        Returns
        -------
        sums, error : ndarray of shape (n_samples, n_pairs)
        """


class LinearKernel(Kernel):
    """``x @ s``, of which the sum over support vectors is a product with their sum."""

    def __init__(self, vectors, weights, n_pairs, estimator, gamma):
        n_features = vectors.shape[1]
        self.n_values = n_pairs
        self._coef = np.zeros((n_features, n_pairs))
        self._sizes = np.zeros(n_pairs)
        norms = np.linalg.norm(vectors, axis=1)
        for part, mine, coef in weights:
            self._coef[:, mine] += vectors[part].T @ coef
            self._sizes[mine] += norms[part] @ np.abs(coef)
        # Sums of n and of m terms, here and in libsvm.
        self._sizes *= 2 * (n_features + len(vectors) + 16) * UNIT * _SLACK

    def sums(self, X):
        """Sums for all pairs, and a bound on their error; see `Kernel.sums`."""
        return X @ self._coef, np.multiply.outer(_norms(X), self._sizes)


class _KernelValues(Kernel):
    """A kernel that takes its value with each support vector."""

    _dtype: Any = np.float64

    def __init__(self, vectors, weights, n_pairs, estimator, gamma):
        self._gamma = gamma
        self.n_values = len(vectors)
        self._reach = np.linalg.norm(vectors, axis=1).max() * _SLACK
        self._columns = np.array(vectors.T, order="C")  # a copy: it is written to
        ends = np.cumsum([len(mine) for _, mine, _ in weights]).tolist()
        places = map(slice, [0, *ends[:-1]], ends)
        self._weights = [
            (part, place, coef.astype(self._dtype))
            for (part, _, coef), place in zip(weights, places, strict=True)
        ]
        self._unit = np.finfo(self._dtype).eps / 2
        # The sum of m + 1 terms here, and another one in libsvm.
        self._of_sum = (self.n_values + 4) * (self._unit + UNIT)
        # The sum of the absolute coefficients of each pair.
        self._sizes = np.zeros(n_pairs)
        for _, mine, coef in weights:
            self._sizes[mine] += np.abs(coef).sum(axis=0)
        self._sizes *= _SLACK**2
        # Where the parts of the two classes of a pair are put side by side.
        places = np.concatenate([mine for _, mine, _ in weights])
        order = np.argsort(places, kind="stable").reshape(-1, 2)
        self._first_part, self._second_part = order.T

    def sums(self, X):
        """Sums for all pairs, and a bound on their error; see `Kernel.sums`."""
        values, largest, error = self._values(X)
        parts = np.empty((len(X), 2 * len(self._sizes)), dtype=self._dtype)
        for part, place, coef in self._weights:
            np.matmul(values[:, part], coef, out=parts[:, place])
        sums = parts.take(self._first_part, axis=1)
        sums += parts.take(self._second_part, axis=1)
        error = np.multiply.outer(error + self._of_sum * largest, self._sizes)
        return sums.astype(np.float64, copy=False), error

    @abc.abstractmethod
    def _values(self, X):
        """Kernel values of rows with all support vectors.

        Returns
        -------
        values : ndarray of shape (n_samples, m)
        largest : float or ndarray of shape (n_samples,)
            Bound on their absolute values.
        error : ndarray of shape (n_samples,)
            Bound on their distance from those of libsvm.
        """


class RadialKernel(_KernelValues):
    """``exp(-gamma * |x - s|**2)``.

    All vectors are taken relative to the mean of the support vectors, z and t. The
    exponent, ``2 gamma (z @ t) - gamma |z|**2 - gamma |t|**2``, is one product of
    matrices, with two columns beside z and two rows below t.

    In float32 it takes half the time or less, with a larger error: enough for most
    rows, and float64 for the others.

    Notes
    -----
    The exponent has an error of at most ``gamma * (n + 16) * u * (|z| + |t|)**2``: each
    of the three parts is a sum of at most n products, z and t have two roundings each,
    and there are at most 8 more. That of a value is as much relative to the value, as
    far as it is small. libsvm sums squares of differences, with an error of ``(n + 8) *
    u`` relative to an exponent E, where u is that of float64; as ``E * exp(-E) < 1/2``,
    its value has at most half of that.
    """

    def __init__(self, vectors, weights, n_pairs, estimator, gamma):
        self._center = vectors.mean(axis=0)
        moved = vectors - self._center
        super().__init__(moved, weights, n_pairs, estimator, gamma)
        squares = gamma * np.einsum("ij,ij->i", moved, moved)
        columns = [2 * gamma * moved.T, np.full(len(moved), -gamma), -squares]
        with np.errstate(over="ignore"):
            self._columns = np.vstack(columns).astype(self._dtype)
        self._tiny = float(np.finfo(self._dtype).tiny)
        self._n_terms = vectors.shape[1] + 16
        self._of_exponent = self._gamma * self._n_terms * self._unit * _SLACK

    def _values(self, X):
        n_rows, n_features = X.shape
        rows = np.empty((n_rows, n_features + 2), dtype=self._dtype)
        moved = X - self._center
        squares = np.einsum("ij,ij->i", moved, moved)
        rows[:, :n_features] = moved
        rows[:, n_features] = squares
        rows[:, n_features + 1] = 1.0
        values = rows @ self._columns
        np.exp(values, out=values)
        largest = values.max(axis=1, initial=0.0).astype(np.float64)
        # At least as large as the true one, and as what underflows.
        largest = 2 * largest + self._tiny
        reach = np.sqrt(squares) + self._reach
        error = self._of_exponent * reach**2
        # exp(e) - 1 < 1.3 e up to e = 1/2; nothing is known beyond.
        error = np.where(error < _MOST_ERROR, 1.3 * error, np.inf)
        error += _FUNCTION * self._unit
        return values, largest, error * largest + (self._n_terms + _FUNCTION) * UNIT


class RadialKernel32(RadialKernel):
    """The same in single precision."""

    _dtype = np.float32


class _InnerKernel(_KernelValues):
    """A function of ``gamma * (x @ s) + coef0``."""

    def __init__(self, vectors, weights, n_pairs, estimator, gamma):
        super().__init__(vectors, weights, n_pairs, estimator, gamma)
        self._coef0 = float(estimator.coef0)
        self._degree = int(estimator.degree)
        self._columns *= gamma

    def _inner(self, X):
        """Arguments, a bound on their absolute values, and twice one on their error.

        A sum of n products, three roundings more, and the same in libsvm.
        """
        inner = X @ self._columns
        inner += self._coef0
        largest = abs(self._gamma) * _norms(X) * self._reach + abs(self._coef0)
        return inner, largest, 2 * (X.shape[1] + 8) * UNIT * largest


class PolynomialKernel(_InnerKernel):
    """``(gamma * (x @ s) + coef0) ** degree``.

    Notes
    -----
    The error of a power is the degree times that of its base, relative to the base, and
    a rounding for each of the products that libsvm makes of it, at most two for each
    step of the degree.
    """

    def _values(self, X):
        inner, largest, _ = self._inner(X)
        degree = self._degree
        power = np.ones_like(inner)
        for _ in range(degree):
            power *= inner
        relative = 1.5 * degree * (2 * (X.shape[1] + 8) + 6) * UNIT
        most = largest**degree
        return power, most, relative * most


class SigmoidKernel(_InnerKernel):
    """``tanh(gamma * (x @ s) + coef0)``, which moves by no more than its argument."""

    def _values(self, X):
        inner, _, error = self._inner(X)
        np.tanh(inner, out=inner)
        return inner, 1.0, error + _FUNCTION * UNIT


def _norms(X):
    """Norms of rows, rounded up."""
    return _SLACK * np.sqrt(np.einsum("ij,ij->i", X, X))


# Those that are computed one after the other, for what the one before leaves open.
KERNELS = {
    "linear": (LinearKernel,),
    "poly": (PolynomialKernel,),
    "rbf": (RadialKernel32, RadialKernel),
    "sigmoid": (SigmoidKernel,),
}
