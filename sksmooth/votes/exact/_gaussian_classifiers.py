# SPDX-License-Identifier: BSD-3-Clause
"""Classes with Gaussian densities, two of them: the score is quadratic in the noise."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from sksmooth._special import LOG_HALF, row_products
from sksmooth.votes.exact._affine import AffineMap
from sksmooth.votes.exact._by_type import ByType, closed_form, screening
from sksmooth.votes.exact._numerics import (
    PROBIT_MAX,
    ShareError,
    probit_interval,
    probit_of_log,
)
from sksmooth.votes.exact._quadratic import Quadratic, log_probability_positive
from sksmooth.votes.exact._rounding import TINY, UNIT, Rounded, gamma
from sksmooth.votes.exact._source import Declined, ExactSource

# Noise is longer than ``sqrt(n) + 40``, in units of sigma, with a probability of less
# than 1e-347.
_REACH = 40.0
# Width of the logarithm of a probability, where it is widest, up to which samples are
# certified at radii that are hardly smaller.
_WIDEST = 0.02
# Seconds for a sample, for a term and for each feature in it, and for a product.
_PER_SAMPLE, _PER_TERM, _PER_FEATURE, _PER_PRODUCT = 5e-5, 2e-7, 3e-8, 1e-9
# The noise that the number of terms is known for, in units of the deviations within a
# class.
_TYPICAL_NOISE = 0.5
# The eigenvectors of more features would take long to find.
_MOST_FEATURES = 2000
# For the rounding of the bounds themselves.
_SLACK = 1.01

# From a fitted classifier of two classes to the `Density` of each.
densities_of_type = ByType()


class Density(NamedTuple):
    """The logarithm of a density, ``constant - norm(root @ (x - mean))**2 / 2``.

    Attributes
    ----------
    root : Rounded of shape (n_roots, n_features)
    mean : ndarray of float64 of shape (n_features,)
    constant : Rounded of shape ()
        With the logarithm of the probability of the class.
    """

    root: Rounded
    mean: np.ndarray
    constant: Rounded


class GaussianSource(ExactSource):
    """Class probabilities where two classes have Gaussian densities.

    The difference of the log densities at a noisy copy is a quadratic function of the
    noise, along the eigenvectors of its matrix a sum of independent ones: a generalized
    chi-square variable. The probability that it is positive is a sum of some hundred
    terms, with a proven bound on all that is left out; see
    `sksmooth.votes.exact._quadratic`.

    Parameters
    ----------
    estimator : fitted classifier
    affine : AffineMap
        It is folded into the densities, so that noise behind it may be dependent.

    Raises
    ------
    Declined
        If a variance or a prior is zero or not of float64, or if so few features take
        noise, of so different variances, that too many terms would be needed.
    """

    def __init__(self, estimator, affine):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            densities = densities_of_type.get(estimator)(estimator)
        means = [density.mean for density in densities]
        middle = np.mean(means, axis=0)
        move = AffineMap.scaling(np.ones(len(middle)), np.zeros(len(middle)), middle)
        affine = affine.then(move)
        n_features = affine.n_features_in
        n_products = np.count_nonzero(densities[0].root.value)
        predict_cost = 1e-7 + 1e-9 * n_products
        of_samples = AffineMap.identity(n_features, affine.held)
        super().__init__(estimator.classes_, of_samples, predict_cost)
        if n_features > _MOST_FEATURES:
            raise Declined(f"it has {n_features} features, more than {_MOST_FEATURES}")
        self._center = affine.center
        self._sides = [
            _Side(affine, density.root, density.root @ -(Rounded(mean) - middle))
            for density, mean in zip(densities, means, strict=True)
        ]
        first, second = (density.constant for density in densities)
        self._constant = second - first
        self._find_directions()
        self._refuse_wide()
        self._n_nodes = self._typical_nodes(
            [density.root.value @ (means[1] - means[0]) for density in densities]
        )

    def _find_directions(self):
        """Eigenvectors of the quadratic part, where noise is, and bounds on errors."""
        is_noisy = np.ones(self.affine.n_features_in, dtype=bool)
        if self.affine.held is not None:
            is_noisy = ~self.affine.held
        first, second = self._noisy = [side.of_noise(is_noisy) for side in self._sides]
        matrix = 0.5 * (first.value.T @ first.value - second.value.T @ second.value)
        error = sum(
            gamma(len(part) + 4) * _size(part.value) ** 2
            + _size(part.error) * (_size(part.value) + _size(part.error))
            for part in self._noisy
        )
        n = len(matrix)
        if not np.any(matrix - np.diag(matrix.diagonal())):
            self._squares, self._vectors, self._skew = matrix.diagonal(), None, 0.0
        else:
            self._squares, vectors = np.linalg.eigh(matrix)
            scaled = vectors * self._squares
            error += _size(matrix - scaled @ vectors.T)
            error += gamma(n + 4) * _size(np.abs(scaled) @ np.abs(vectors.T))
            self._skew = _size(vectors.T @ vectors - np.eye(n)) + gamma(n + 4) * n
            self._vectors = np.ascontiguousarray(vectors)
        self._square_error = _SLACK * error
        self._reach = _REACH + np.sqrt(n)

    def _refuse_wide(self):
        """Decline where more terms may be needed than are added, if none is linear.

        This does not depend on the size of the noise, and linear terms help.
        """
        square = np.stack([self._squares, -self._squares])
        form = Quadratic(square, 0.0 * square, -square.sum(axis=1), np.zeros(2))
        low, high, _ = log_probability_positive(form)
        if not (high - low < _WIDEST).all():
            raise Declined(
                "its score has the noise of too few features, or of features of too "
                "different variances"
            )

    def _typical_nodes(self, apart):
        """Number of terms for samples at the means of both classes."""
        widths = [np.linalg.norm(part.value, axis=1) for part in self._noisy]
        widths = np.concatenate(widths)
        sigma = _TYPICAL_NOISE / np.median(widths[widths > 0])
        none = np.zeros_like(apart[0])
        at = np.stack([none, apart[0]]), np.stack([-apart[1], none])
        form = self._form(*(Rounded(part) for part in at), sigma)
        return _log_probability(form)[-1].mean()

    def cost_per_row(self, n_rows=1):
        n = len(self._squares)
        n_products = sum(side.root.value.size for side in self._sides) + n**2
        of_terms = (_PER_TERM + _PER_FEATURE * n) * self._n_nodes
        return _PER_SAMPLE + of_terms + _PER_PRODUCT * n_products + 1e-3 / n_rows

    def disagrees(self, X, labels):
        # Within the rounding of two sums either label will do; the interval says so.
        ahead = self._ahead(*self._roots(self._checked(X)))
        differs = self.classes[(ahead.value > 0).astype(np.intp)] != labels
        return differs & (np.abs(ahead.value) > 2 * ahead.error)

    def _probits(self, X, scale):
        form = self._form(*self._roots(X), scale.max())
        low, high, _ = _log_probability(form)
        is_first = form.mean > 0
        low, high = _probit(low), _probit(high)
        low, high = np.where(is_first, -high, low), np.where(is_first, -low, high)
        error = ShareError(16 * UNIT, 0.0).with_correlation(self._skew, len(scale))
        lower, _ = probit_interval(np.column_stack([-high, low]), error)
        _, upper = probit_interval(np.column_stack([-low, high]), error)
        return lower, upper

    def _roots(self, X):
        """Roots of samples for both classes, of which the squares are summed."""
        moved = X if self._center is None else X - self._center
        return [side.at(moved) for side in self._sides]

    def _ahead(self, first, second):
        """What the second class is ahead by."""
        n_roots = first.value.shape[1]
        squares = [(part.value**2).sum(axis=1) for part in (first, second)]
        value = self._constant.value + 0.5 * (squares[0] - squares[1])
        error = self._constant.error + gamma(n_roots + 6) * (squares[0] + squares[1])
        for part, square in zip((first, second), squares, strict=True):
            off = np.linalg.norm(part.error, axis=1)
            error = error + off * (np.sqrt(square) + off)
        return Rounded(value, _SLACK * error + 4 * UNIT * np.abs(value))

    def _form(self, first, second, sigma):
        """What the second class is ahead by, as a function of the noise over sigma."""
        ahead = self._ahead(first, second)
        linear, error = 0.0, 0.0
        for sign, part, root in zip((1, -1), (first, second), self._noisy, strict=True):
            linear = linear + sign * row_products(part.value, root.value)
            length = np.linalg.norm(part.value, axis=1)
            off = np.linalg.norm(part.error, axis=1)
            size, unsure = _size(root.value), _size(root.error)
            error = error + size * off + unsure * (length + off)
            error += gamma(len(root) + 4) * size * length
        n = len(self._squares)
        error += (self._skew + gamma(n + 4) * n) * np.linalg.norm(linear, axis=1)
        if self._vectors is not None:
            linear = row_products(linear, self._vectors)
        reach = sigma * self._reach
        error = ahead.error + reach * error + reach**2 * self._square_error
        square = np.broadcast_to(sigma**2 * self._squares, linear.shape)
        # Of the products with sigma.
        error += 8 * UNIT * reach**2 * np.abs(self._squares).max(initial=0.0)
        error += 4 * UNIT * reach * np.linalg.norm(linear, axis=1)
        return Quadratic(square, sigma * linear, ahead.value, _SLACK * error)

    def _positions(self, X):
        return (self._ahead(*self._roots(X)).value > 0).astype(np.intp)


class _Side:
    """The roots of one class as a function of samples relative to a center."""

    def __init__(self, affine, root, shift):
        self.root, self._shift = affine.fold(root, shift)
        relative = gamma(self.root.value.shape[1] + 4)
        bound = relative * np.abs(self.root.value) + self.root.error
        self._bound = _SLACK * np.where(self.root.size > 0, bound + TINY, 0.0).T
        self._constant = relative * np.abs(self._shift.value) + self._shift.error

    def at(self, moved):
        """Roots of samples, of shape (n_samples, n_roots)."""
        value = row_products(moved, self.root.value.T) + self._shift.value
        error = row_products(np.abs(moved), self._bound) + _SLACK * self._constant
        return Rounded(value, error)

    def of_noise(self, is_noisy):
        """The matrix where there is noise."""
        return Rounded(*(np.ascontiguousarray(p[:, is_noisy]) for p in self.root.parts))


def _size(matrix):
    return float(np.linalg.norm(matrix))


def _log_probability(form):
    """Bounds for the class that is less likely, whose precision is kept."""
    return log_probability_positive(form.times(np.where(form.mean > 0, -1.0, 1.0)))


def _probit(log_p):
    """``Phi^-1(exp(log_p))``, finite; nan, which says nothing, where that is nan."""
    probit = np.where(log_p >= 0, PROBIT_MAX, np.nan)
    is_less = log_p <= LOG_HALF
    probit[is_less] = probit_of_log(log_p[is_less])
    is_more = (log_p > LOG_HALF) & (log_p < 0)
    probit[is_more] = -ndtri(-np.expm1(log_p[is_more]))
    return np.clip(probit, -PROBIT_MAX, PROBIT_MAX)


def gaussian_classifier(module, *names):
    """Register a reader of the densities of fitted classifiers, by exact type.

    See `ByType` for the parameters.
    """

    def register(read):
        screening(module, *names)(_reason_of_classes)
        closed_form(module, *names)(GaussianSource)
        return densities_of_type(module, *names)(read)

    return register


def _reason_of_classes(estimator):
    n_classes = len(estimator.classes_)
    return None if n_classes == 2 else f"it has {n_classes} classes, not two"


@gaussian_classifier("sklearn.naive_bayes", "GaussianNB")
def _independent(estimator):
    return [
        _density(np.diag(variance**-0.5), mean, prior, np.log(variance))
        for variance, mean, prior in zip(
            estimator.var_, estimator.theta_, estimator.class_prior_, strict=True
        )
    ]


@gaussian_classifier("sklearn.discriminant_analysis", "QuadraticDiscriminantAnalysis")
def _rotated(estimator):
    return [
        _density((rotation * scaling**-0.5).T, mean, prior, np.log(scaling))
        for rotation, scaling, mean, prior in zip(
            estimator.rotations_,
            estimator.scalings_,
            estimator.means_,
            estimator.priors_,
            strict=True,
        )
    ]


def _density(root, mean, prior, logs):
    if root.dtype != np.float64 or mean.dtype != np.float64:
        raise Declined(f"its densities are of {root.dtype}")
    constant = np.log(prior) - 0.5 * logs.sum()
    if not (np.isfinite(root).all() and np.isfinite(constant)):
        raise Declined("a variance or a prior of it is zero")
    error = (len(logs) + 4) * UNIT * (np.abs(logs).sum() + np.abs(np.log(prior)))
    return Density(
        Rounded(root, 8 * UNIT * np.abs(root)), np.array(mean), Rounded(constant, error)
    )
