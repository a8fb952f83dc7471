# SPDX-License-Identifier: BSD-3-Clause
"""The only file that imports private names of scikit-learn."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sklearn import get_config
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._indexing import _get_column_indices as column_positions
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils.parallel import _get_threadpool_controller as blas_controller
from sklearn.utils.validation import _check_feature_names_in as feature_names_in
from sklearn.utils.validation import _check_n_features as check_n_features

if TYPE_CHECKING:
    # scikit-learn has no types: its decorator would make Any of what it decorates.
    _Method = TypeVar("_Method", bound=Callable)

    def _fit_context(
        *, prefer_skip_nested_validation: bool
    ) -> Callable[[_Method], _Method]: ...

else:
    from sklearn.base import _fit_context

__all__ = [
    "BaseSearchCV",
    "HasMethods",
    "Interval",
    "LibsvmModel",
    "NeighborsData",
    "Options",
    "StrOptions",
    "_fit_context",
    "blas_controller",
    "check_n_features",
    "column_positions",
    "feature_names_in",
    "refuse_fit_params",
    "routing_enabled",
    "validate_params",
]


def routing_enabled():
    """Whether metadata routing is enabled."""
    return get_config()["enable_metadata_routing"]


def refuse_fit_params(fit_params, estimator):
    """Without metadata routing, refuse all parameters of `fit` but `sample_weight`."""
    unknown = sorted(fit_params.keys() - {"sample_weight"})
    if unknown and not routing_enabled():
        raise ValueError(
            f"{type(estimator).__name__}.fit got {unknown}; it passes on sample_weight "
            "alone. For more, enable metadata routing: "
            "sklearn.set_config(enable_metadata_routing=True)."
        )


class LibsvmModel(NamedTuple):
    """What the `predict` of a support vector classifier computes with.

    The public attributes have the opposite signs where there are two classes, and hold
    no gamma.

    Attributes
    ----------
    n_support : ndarray of int of shape (n_classes,)
    dual_coef : ndarray of shape (n_classes - 1, n_support_vectors)
    intercept : ndarray of shape (n_classes * (n_classes - 1) / 2,)
    gamma : float
    is_sparse : bool
    """

    n_support: Any
    dual_coef: Any
    intercept: Any
    gamma: float
    is_sparse: bool

    @classmethod
    def of(cls, estimator):
        """Read it from a fitted `SVC` or `NuSVC`."""
        return cls(
            estimator._n_support,
            estimator._dual_coef_,
            estimator._intercept_,
            estimator._gamma,
            estimator._sparse,
        )


class NeighborsData(NamedTuple):
    """What a classifier by nearest neighbors was fitted on.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    y : ndarray of int of shape (n_samples,)
        Positions in ``classes_``.
    method : str
        How neighbors are searched for: "brute", "kd_tree" or "ball_tree".
    """

    X: Any
    y: Any
    method: str

    @classmethod
    def of(cls, estimator):
        """Read it from a fitted `KNeighborsClassifier`."""
        return cls(estimator._fit_X, estimator._y, estimator._fit_method)
