# SPDX-License-Identifier: BSD-3-Clause
"""Affine steps before a classifier, folded into one map, by exact type."""

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from sksmooth._special import row_products
from sksmooth.votes.exact._by_type import affine_step
from sksmooth.votes.exact._rounding import TINY, UNIT, Rounded, gamma
from sksmooth.votes.exact._source import Declined

# Rows of a fitted PCA are orthogonal to about 1e-15, those of a randomized SVD to about
# 1e-13; a correlation of the noise of 1e-10 changes no probability by more than that.
_ORTHOGONAL = 1e-10
# For the rounding of the bounds themselves, and for correlated noise of that size.
_SLACK = 1.01


class AffineMap:
    """``x -> scale * (x - center)[index] + shift``, or with a matrix for the scale.

    Parameters
    ----------
    n_features_in : int
    shift : array-like or Rounded of shape (n_out,)
    index : ndarray of int of shape (n_out,), default=None
        Distinct input features, with a factor for each in `scale`.
    scale : array-like or Rounded of shape (n_out,), default=None
    matrix : array-like or Rounded of shape (n_out, n_features_in), default=None
        Instead of `index` and `scale`.
    center : ndarray of shape (n_features_in,), default=None
        Subtracted first, and not folded into `shift`: samples that are far from zero
        and near to the center then keep their digits. None is zero.
    held : ndarray of bool of shape (n_features_in,), default=None
        Input features that take no noise; None is none of them.
    """

    def __init__(
        self,
        n_features_in,
        shift,
        index=None,
        scale=None,
        matrix=None,
        center=None,
        held=None,
    ):
        self.n_features_in = n_features_in
        self.held = None if held is None or not np.any(held) else held
        self.index = index
        self._factor = Rounded.of(scale if matrix is None else matrix)
        self._shift = Rounded.of(shift)
        self.center = None if center is None or not np.any(center) else center
        self._only_selects = (
            index is not None
            and np.all(self._factor.value == 1)
            and not np.any(self._factor.error)
            and not np.any(self._shift.size)
            and self.center is None
        )
        self._is_identity = self._only_selects and np.array_equal(
            index, np.arange(n_features_in)
        )

    @classmethod
    def identity(cls, n_features, held=None):
        return cls.scaling(np.ones(n_features), np.zeros(n_features), held=held)

    @classmethod
    def scaling(cls, scale, shift, center=None, held=None):
        index = np.arange(len(scale))
        return cls(len(scale), shift, index, scale, center=center, held=held)

    @classmethod
    def side_by_side(cls, parts, n_in, n_out, held=None):
        """Several maps of different features as one.

        Parameters
        ----------
        parts : list of (AffineMap, ndarray of int, slice)
            Each with the features that it is given, which differ from those of the
            others, and the place of its outputs.
        n_in, n_out : int
            Number of features, and of outputs.
        held : ndarray of bool of shape (n_in,), default=None
        """
        shift, center = np.zeros((2, n_out)), np.zeros(n_in)
        index, scale = np.zeros(n_out, dtype=np.intp), np.zeros((2, n_out))
        is_matrix = any(part.index is None for part, _, _ in parts)
        matrix = np.zeros((2, n_out, n_in)) if is_matrix else None
        for part, features, place in parts:
            shift[:, place] = part._shift.parts
            if part.center is not None:
                center[features] = part.center
            if matrix is None:
                index[place] = features[part.index]
                scale[:, place] = part._factor.parts
            else:
                matrix[:, place, features] = part._dense().parts
        if matrix is not None:
            return cls(
                n_in,
                Rounded(*shift),
                matrix=Rounded(*matrix),
                center=center,
                held=held,
            )
        return cls(
            n_in, Rounded(*shift), index, Rounded(*scale), center=center, held=held
        )

    def _dense(self):
        """The factor as a matrix."""
        if self.index is None:
            return self._factor
        matrix = np.zeros((2, self.n_features_out, self.n_features_in))
        matrix[:, np.arange(self.n_features_out), self.index] = self._factor.parts
        return Rounded(*matrix)

    def holding(self, held):
        """The same map where some input features take no noise."""
        factor = {"matrix" if self.index is None else "scale": self._factor}
        return AffineMap(
            self.n_features_in,
            self._shift,
            self.index,
            center=self.center,
            held=held,
            **factor,
        )

    @cached_property
    def held_outputs(self):
        """Outputs that take no noise, as a mask."""
        if self.held is None:
            return np.zeros(self.n_features_out, dtype=bool)
        if self.index is not None:
            return self.held[self.index]
        return ~np.any(self._factor.size[:, ~self.held], axis=1)

    @property
    def n_features_out(self):
        return len(self._shift)

    @property
    def matrix(self):
        """The matrix, or None where each output is one scaled feature."""
        return self._factor.value if self.index is None else None

    @property
    def is_finite(self):
        parts = [self._factor.value, self._shift.value]
        parts += [] if self.center is None else [self.center]
        return all(np.all(np.isfinite(part)) for part in parts)

    def apply(self, X):
        """Map samples."""
        if self._is_identity:
            return X
        X = X if self.center is None else X - self.center
        if self.index is None:
            return row_products(X, self._factor.value.T) + self._shift.value
        return X[:, self.index] * self._factor.value + self._shift.value

    def position_error(self, X, used):
        """Bound on what rounding in `apply` amounts to, as a move of each sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features_in)
        used : ndarray of int
            The outputs that matter.

        Returns
        -------
        ndarray of shape (n_samples,) or None
            Euclidean distances in the units of X; None where nothing is rounded. The
            outputs that take no noise are not counted, see `held_error`.
        """
        used = used[~self.held_outputs[used]]
        relative, constant = (part[used] for part in self._rounding)
        if not (np.any(relative) or np.any(constant)):
            return None
        X = X if self.center is None else X - self.center
        X = X if self.index is None else X[:, self.index[used]]
        largest = np.abs(X).max(axis=1, initial=0.0)
        per_unit, constant = (
            _SLACK * np.linalg.norm(part) for part in (relative, constant)
        )
        return largest * per_unit + constant

    def held_error(self, X, outputs):
        """Bound on the rounding in `apply` of outputs that take no noise.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features_in)
        outputs : ndarray of int of shape (n,)

        Returns
        -------
        ndarray of shape (n_rows, n)
        """
        relative, constant = (part[outputs] for part in self._rounding)
        X = np.abs(X if self.center is None else X - self.center)
        if self.index is None:
            X = X.max(axis=1, keepdims=True, initial=0.0)
        else:
            X = X[:, self.index[outputs]]
        return _SLACK * (X * relative + constant)

    @cached_property
    def _rounding(self):
        """Error of each output in `apply`.

        Returns
        -------
        relative, constant : ndarray of shape (n_out,)
            The error is at most ``relative * max(abs(x - center)) + constant``, in
            units of the input that takes noise; of outputs that take none, in their
            own units.
        """
        factor, n_in = np.abs(self._factor.value), self.n_features_in
        noisy = slice(None) if self.held is None else ~self.held
        shifted = self._shift.size > 0
        constant = 2 * UNIT * np.abs(self._shift.value) + self._shift.error
        if self.index is None:
            unit = np.linalg.norm(factor[:, noisy], axis=1)
            unit[self.held_outputs] = 1.0
            relative = gamma(n_in + 4) * np.linalg.norm(factor, axis=1)
            relative += np.linalg.norm(self._factor.error, axis=1)
            relative *= np.sqrt(n_in) / unit
            return relative, (constant + 2 * n_in * TINY) / unit
        is_rounded = np.frexp(factor)[0] != 0.5  # not for powers of two
        n_roundings = 2.0 * is_rounded + 2.0 * shifted
        n_roundings += 0.0 if self.center is None else self.center[self.index] != 0
        unit = np.where(self.held_outputs, 1.0, factor)
        relative = (UNIT * n_roundings * factor + self._factor.error) / unit
        return relative, (constant + TINY * (is_rounded + shifted)) / unit

    def then(self, other):
        """This map followed by another."""
        both = self._followed_by(other)
        return both if self.held is None else both.holding(self.held)

    def _followed_by(self, other):
        if self._only_selects and other.index is not None:
            center = None
            if other.center is not None:
                center = np.zeros(self.n_features_in)
                center[self.index] = other.center
            index = self.index[other.index]
            factor, shift = other._factor, other._shift
            return AffineMap(self.n_features_in, shift, index, factor, center=center)
        if self._is_identity:
            return other
        moved = self._shift if other.center is None else self._shift - other.center
        index = scale = matrix = None
        if other.index is None:
            matrix = self._before(other._factor)
            shift = other._factor @ moved + other._shift
        else:
            shift = moved[other.index] * other._factor + other._shift
            factor = self._factor[other.index]
            if self.index is None:
                matrix = factor * other._factor[:, np.newaxis]
            else:
                index, scale = self.index[other.index], factor * other._factor
        return AffineMap(self.n_features_in, shift, index, scale, matrix, self.center)

    def fold(self, coef, intercept):
        """Scores that are linear in the output, as linear in ``x - center``.

        Parameters
        ----------
        coef : array-like or Rounded of shape (n_classes, n_out)
        intercept : array-like or Rounded of shape (n_classes,)

        Returns
        -------
        coef : Rounded of shape (n_classes, n_features_in)
        intercept : Rounded of shape (n_classes,)
        """
        coef, intercept = Rounded.of(coef), Rounded.of(intercept)
        if self._is_identity:
            return coef, intercept
        if np.any(self._shift.size):
            intercept = coef @ self._shift + intercept
        return self._before(coef), intercept

    def fold_scores(self, coef, intercept):
        """`fold`, as plain arrays and linear in the input itself."""
        coef, intercept = self.fold(coef, intercept)
        if self.center is not None:
            intercept = intercept - coef @ self.center
        return coef.value, intercept.value

    def _before(self, matrix):
        """The product of a matrix and this map's."""
        if self.index is None:
            return matrix @ self._factor
        product = matrix * self._factor
        placed = np.zeros((2, len(matrix), self.n_features_in))
        placed[:, :, self.index] = product.value, product.error
        return Rounded(*placed)

    @property
    def noise_scale(self):
        """Standard deviation of each output under unit noise; 0 where it takes none.

        Raises
        ------
        Declined
            If the outputs are then not independent, or one of them that depends on
            features with noise is constant.
        """
        return self._noise[0]

    @property
    def noise_error(self):
        """How far the noise is from independent noise of `noise_scale`.

        Returns
        -------
        relative : float
            Bound on the relative error of each standard deviation.
        correlated : float
            Bound on the norm of the error of the correlation matrix.
        """
        return self._noise[1:]

    @cached_property
    def _noise(self):
        correlated = 0.0
        held = self.held_outputs
        scale = np.zeros(len(held))
        if np.all(held):
            raise Declined("it does not depend on the features that take noise")
        scale[~held], error, correlated = self._noise_of(self._factor[~held])
        if not np.all(scale[~held] > 0):
            raise Declined("a step before it maps a feature to a constant")
        return scale, _SLACK * (error / scale[~held]).max(), correlated

    def _noise_of(self, factor):
        """Standard deviations, their errors, and correlation of outputs with noise."""
        correlated = 0.0
        if self.index is not None:
            scale = np.abs(factor.value)
            error = factor.error
        else:
            factor = factor if self.held is None else factor[:, ~self.held]
            covariance = factor @ factor.T
            scale = np.sqrt(np.diag(covariance.value))
            with np.errstate(divide="ignore", invalid="ignore"):
                outer = np.outer(scale, scale)
                correlation = np.abs(covariance.value) / outer
                unsure = covariance.error / outer
            np.fill_diagonal(correlation, 0.0)
            largest = correlation.max()
            if largest > _ORTHOGONAL:
                raise Declined(
                    "the steps before it make the noise of its features dependent "
                    f"(correlation up to {largest:.1e}), which a closed form over "
                    "boxes does not allow"
                )
            error = np.zeros_like(scale)
            correlated = _SLACK * np.linalg.norm(correlation + unsure + 8 * UNIT)
        return scale, error, correlated


def fold_steps(steps, affine):
    """An affine map, followed by fitted transformers one after the other.

    Raises
    ------
    Declined
        As `fold_step`.
    """
    for step in steps:
        affine = affine.then(fold_step(step, affine.n_features_out))
    return affine


def fold_step(step, n_features):
    """The affine map of a fitted transformer.

    Parameters
    ----------
    step : fitted transformer
    n_features : int
        Number of features it is given.

    Returns
    -------
    AffineMap

    Raises
    ------
    Declined
        If its exact type is not known to be affine, or its parameters make it not so.
    """
    fold = affine_step.get(step)
    if fold is None:
        raise Declined(f"the step {type(step).__name__} is not known to be affine")
    affine = fold(step, n_features)
    if affine.n_features_in != n_features or affine.n_features_out == 0:
        raise Declined(
            f"the step {type(step).__name__} maps {affine.n_features_in} features to "
            f"{affine.n_features_out}, and is given {n_features}"
        )
    if not affine.is_finite:
        raise Declined(
            f"the step {type(step).__name__} has parameters that are not finite"
        )
    return affine


def _inverse(scale):
    """``1 / scale``."""
    return Rounded(np.ones(len(scale))) / scale


@affine_step("sklearn.preprocessing", "StandardScaler")
def _fold_standard_scaler(step, n_features):
    scale = _inverse(step.scale_) if step.with_std else np.ones(n_features)
    center = step.mean_ if step.with_mean else None
    return AffineMap.scaling(scale, np.zeros(n_features), center)


@affine_step("sklearn.preprocessing", "RobustScaler")
def _fold_robust_scaler(step, n_features):
    scale = _inverse(step.scale_) if step.with_scaling else np.ones(n_features)
    center = step.center_ if step.with_centering else None
    return AffineMap.scaling(scale, np.zeros(n_features), center)


def _refuse_clip(step):
    # With clip the map still looks affine inside the range seen in training.
    if getattr(step, "clip", False):
        raise Declined(f"{type(step).__name__}(clip=True) is not affine")


@affine_step("sklearn.preprocessing", "MinMaxScaler")
def _fold_min_max_scaler(step, n_features):
    _refuse_clip(step)
    return AffineMap.scaling(step.scale_, step.min_)


@affine_step("sklearn.preprocessing", "MaxAbsScaler")
def _fold_max_abs_scaler(step, n_features):
    _refuse_clip(step)
    return AffineMap.scaling(_inverse(step.scale_), np.zeros(n_features))


@affine_step("sklearn.decomposition", "PCA", "IncrementalPCA")
def _fold_pca(step, n_features):
    matrix = Rounded(step.components_)
    n_out, n_in = matrix.value.shape
    if step.whiten:
        spread = np.sqrt(step.explained_variance_)
        spread = np.maximum(spread, np.finfo(spread.dtype).eps).astype(np.float64)
        matrix = matrix / Rounded(spread, 2 * UNIT * spread)[:, np.newaxis]
    shift = np.zeros(n_out)
    return AffineMap(n_in, shift, matrix=matrix, center=np.float64(step.mean_))


@affine_step("sklearn.decomposition", "TruncatedSVD")
@affine_step(
    "sklearn.random_projection", "GaussianRandomProjection", "SparseRandomProjection"
)
def _fold_components(step, n_features):
    matrix = step.components_
    matrix = matrix.toarray() if sp.issparse(matrix) else matrix
    matrix = np.asarray(matrix, dtype=np.float64)
    return AffineMap(matrix.shape[1], np.zeros(len(matrix)), matrix=matrix)


@affine_step(
    "sklearn.feature_selection",
    "GenericUnivariateSelect",
    "RFE",
    "RFECV",
    "SelectFdr",
    "SelectFpr",
    "SelectFromModel",
    "SelectFwe",
    "SelectKBest",
    "SelectPercentile",
    "SequentialFeatureSelector",
    "VarianceThreshold",
)
def _fold_selection(step, n_features):
    kept = step.get_support()
    index = np.flatnonzero(kept)
    ones = np.ones(len(index))
    return AffineMap(len(kept), np.zeros(len(index)), index, ones)


def is_foldable(step):
    """Whether the type of a step is one that may be affine."""
    return affine_step.get(step) is not None
