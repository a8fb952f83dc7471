# SPDX-License-Identifier: BSD-3-Clause
"""Affine steps before a classifier, folded into one map, by exact type."""

import numpy as np
import scipy.sparse as sp

from sksmooth.votes.exact._source import Declined, entry_of

# Rows of a fitted PCA are orthogonal to about 1e-15, those of a randomised SVD to about
# 1e-13; a correlation of the noise of 1e-10 changes no probability by more than that.
_ORTHOGONAL = 1e-10


class AffineMap:
    """``x -> scale * x[index] + shift``, or ``x -> matrix @ x + shift``.

    Parameters
    ----------
    n_features_in : int
    shift : ndarray of shape (n_out,)
    index, scale : ndarray of shape (n_out,), default=None
        Distinct input features, and a factor for each.
    matrix : ndarray of shape (n_out, n_features_in), default=None
        Instead of `index` and `scale`.
    """

    def __init__(self, n_features_in, shift, index=None, scale=None, matrix=None):
        self.n_features_in = n_features_in
        self.shift = shift
        self.index = index
        self.scale = scale
        self.matrix = matrix
        self._is_identity = (
            matrix is None
            and np.array_equal(index, np.arange(n_features_in))
            and np.all(scale == 1)
            and not np.any(shift)
        )

    @classmethod
    def identity(cls, n_features):
        return cls(
            n_features, np.zeros(n_features), np.arange(n_features), np.ones(n_features)
        )

    @classmethod
    def scaling(cls, scale, shift):
        return cls(len(scale), shift, np.arange(len(scale)), scale)

    @property
    def n_features_out(self):
        return len(self.shift)

    def apply(self, X):
        """Map rows."""
        if self._is_identity:
            return X
        if self.matrix is not None:
            return X @ self.matrix.T + self.shift
        return X[:, self.index] * self.scale + self.shift

    def then(self, other):
        """This map followed by another."""
        index = scale = matrix = None
        if self.matrix is None and other.matrix is None:
            index = self.index[other.index]
            scale = self.scale[other.index] * other.scale
        elif other.matrix is None:
            matrix = self.matrix[other.index] * other.scale[:, np.newaxis]
        else:
            matrix = self._before(other.matrix)
        if other.matrix is None:
            shift = self.shift[other.index] * other.scale + other.shift
        else:
            shift = other.matrix @ self.shift + other.shift
        return AffineMap(self.n_features_in, shift, index, scale, matrix)

    def fold_scores(self, coef, intercept):
        """Scores that are linear in the output, as linear in the input.

        Parameters
        ----------
        coef : ndarray of shape (n_classes, n_out)
        intercept : ndarray of shape (n_classes,)

        Returns
        -------
        coef : ndarray of shape (n_classes, n_features_in)
        intercept : ndarray of shape (n_classes,)
        """
        # Class by class: classes of equal scores keep equal scores to the last bit,
        # which a product of matrices does not promise.
        rows = coef[:, np.newaxis]
        folded = np.concatenate([self._before(row) for row in rows])
        return folded, intercept + np.array([row[0] @ self.shift for row in rows])

    def _before(self, matrix):
        """The product of a matrix and this map's."""
        if self.matrix is not None:
            return matrix @ self.matrix
        product = np.zeros((len(matrix), self.n_features_in))
        product[:, self.index] = matrix * self.scale
        return product

    @property
    def noise_scale(self):
        """Standard deviation of each output under unit noise on the input.

        Raises
        ------
        Declined
            If the outputs are then not independent, or one of them is constant.
        """
        if self.matrix is None:
            scale = np.abs(self.scale)
        else:
            covariance = self.matrix @ self.matrix.T
            scale = np.sqrt(np.diag(covariance))
            with np.errstate(divide="ignore", invalid="ignore"):
                correlation = covariance / np.outer(scale, scale)
            np.fill_diagonal(correlation, 0.0)
            largest = np.abs(correlation).max()
            if largest > _ORTHOGONAL:
                raise Declined(
                    "the steps before it make the noise of its features dependent "
                    f"(correlation up to {largest:.1e}), which a closed form over "
                    "boxes does not allow"
                )
        if not np.all(scale > 0):
            raise Declined("a step before it maps a feature to a constant")
        return scale


def fold_steps(steps, n_features):
    """The affine map of fitted transformers, one after the other.

    Raises
    ------
    Declined
        As `fold_step`.
    """
    affine = AffineMap.identity(n_features)
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
    fold = entry_of(_FOLDS, step)
    if fold is None:
        raise Declined(f"the step {type(step).__name__} is not known to be affine")
    affine = fold(step, n_features)
    if affine.n_features_in != n_features or affine.n_features_out == 0:
        raise Declined(
            f"the step {type(step).__name__} maps {affine.n_features_in} features to "
            f"{affine.n_features_out}, and is given {n_features}"
        )
    parts = (affine.shift, affine.scale if affine.matrix is None else affine.matrix)
    if not all(np.all(np.isfinite(part)) for part in parts):
        raise Declined(
            f"the step {type(step).__name__} has parameters that are not finite"
        )
    return affine


def _fold_standard_scaler(step, n_features):
    scale = 1.0 / step.scale_ if step.with_std else np.ones(n_features)
    mean = step.mean_ if step.with_mean else np.zeros(n_features)
    return AffineMap.scaling(scale, -mean * scale)


def _fold_robust_scaler(step, n_features):
    scale = 1.0 / step.scale_ if step.with_scaling else np.ones(n_features)
    center = step.center_ if step.with_centering else np.zeros(n_features)
    return AffineMap.scaling(scale, -center * scale)


def _refuse_clip(step):
    # With clip the map still looks affine inside the range seen in training.
    if getattr(step, "clip", False):
        raise Declined(f"{type(step).__name__}(clip=True) is not affine")


def _fold_min_max_scaler(step, n_features):
    _refuse_clip(step)
    return AffineMap.scaling(step.scale_, step.min_)


def _fold_max_abs_scaler(step, n_features):
    _refuse_clip(step)
    return AffineMap.scaling(1.0 / step.scale_, np.zeros(n_features))


def _fold_pca(step, n_features):
    matrix = np.asarray(step.components_, dtype=np.float64)
    if step.whiten:
        spread = np.sqrt(step.explained_variance_)
        spread = np.maximum(spread, np.finfo(spread.dtype).eps)
        matrix = matrix / spread[:, np.newaxis]
    return AffineMap(matrix.shape[1], -(matrix @ step.mean_), matrix=matrix)


def _fold_components(step, n_features):
    matrix = step.components_
    matrix = matrix.toarray() if sp.issparse(matrix) else matrix
    matrix = np.asarray(matrix, dtype=np.float64)
    return AffineMap(matrix.shape[1], np.zeros(len(matrix)), matrix=matrix)


def _fold_selection(step, n_features):
    kept = step.get_support()
    index = np.flatnonzero(kept)
    ones = np.ones(len(index))
    return AffineMap(len(kept), np.zeros(len(index)), index, ones)


_FOLDS = {
    name: (module, fold)
    for module, fold, names in [
        ("sklearn.preprocessing", _fold_standard_scaler, ["StandardScaler"]),
        ("sklearn.preprocessing", _fold_robust_scaler, ["RobustScaler"]),
        ("sklearn.preprocessing", _fold_min_max_scaler, ["MinMaxScaler"]),
        ("sklearn.preprocessing", _fold_max_abs_scaler, ["MaxAbsScaler"]),
        ("sklearn.decomposition", _fold_pca, ["PCA", "IncrementalPCA"]),
        ("sklearn.decomposition", _fold_components, ["TruncatedSVD"]),
        (
            "sklearn.random_projection",
            _fold_components,
            ["GaussianRandomProjection", "SparseRandomProjection"],
        ),
        (
            "sklearn.feature_selection",
            _fold_selection,
            [
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
            ],
        ),
    ]
    for name in names
}


def is_foldable(step):
    """Whether the type of a step is one that may be affine."""
    return entry_of(_FOLDS, step) is not None
