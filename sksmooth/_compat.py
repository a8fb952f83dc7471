# SPDX-License-Identifier: BSD-3-Clause
"""The only file that imports private names of scikit-learn."""

import sys
from collections.abc import Callable
from itertools import takewhile
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from sklearn import get_config
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._indexing import _get_column_indices as column_positions
from sklearn.utils._param_validation import (
    HasMethods,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._param_validation import Interval as _Interval
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

# The documentation site; pyproject.toml names it too.
DOCUMENTATION = "https://sksmooth.readthedocs.io/en/stable"

__all__ = [
    "DOCUMENTATION",
    "BaseSearchCV",
    "DocumentationLink",
    "HasMethods",
    "Interval",
    "LibsvmModel",
    "NeighborsData",
    "Options",
    "StrOptions",
    "_fit_context",
    "blas_controller",
    "build_tree",
    "check_n_features",
    "column_positions",
    "feature_names_in",
    "gradient_boosting_start",
    "hist_boosting_parts",
    "predict_stages",
    "refuse_fit_params",
    "routing_enabled",
    "validate_params",
]


class Interval(_Interval):
    """Interval of numbers: also of fractions, and not of integers that no float holds.

    `numpy` has no isnan for the former; the latter would fail where they are used.
    """

    def __contains__(self, value):
        if not isinstance(value, (float, np.generic)) and self.type is not Integral:
            try:
                value = float(value)
            except OverflowError:
                value = np.inf if value > 0 else -np.inf
        return super().__contains__(value)


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


class DocumentationLink:
    """Mixin of estimators: their HTML diagram links to their page of the reference."""

    _doc_link_module = "sksmooth"
    _doc_link_template = (
        DOCUMENTATION + "/reference/generated/{estimator_module}.{estimator_name}.html"
    )

    def _doc_link_url_param_generator(self):
        """Where the estimator is public: in the package itself, or else in a room."""
        name, path = type(self).__name__, type(self).__module__.split(".")
        public = ".".join(takewhile(lambda part: not part.startswith("_"), path))
        top = sys.modules[self._doc_link_module]
        if name in getattr(top, "__all__", ()):
            public = self._doc_link_module
        return {"estimator_module": public, "estimator_name": name}


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


def build_tree(left, right, feature, threshold, *, n_features, max_depth):
    """Build a tree of scikit-learn from its nodes, for its method `apply`.

    Parameters
    ----------
    left, right : ndarray of int of shape (n_nodes,)
        Children; -1 for a leaf.
    feature : ndarray of int of shape (n_nodes,)
    threshold : ndarray of shape (n_nodes,)
        Rows with a value up to it go left.
    n_features, max_depth : int
    """
    # Imported here and below, as the modules of estimators take long to load.
    from sklearn.tree._tree import NODE_DTYPE, Tree

    nodes = np.zeros(len(left), dtype=NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = left, right
    nodes["feature"], nodes["threshold"] = feature, threshold
    tree = Tree(n_features, np.ones(1, dtype=np.intp), 1)
    tree.__setstate__(
        {
            "max_depth": max_depth,
            "node_count": len(nodes),
            "nodes": nodes,
            "values": np.zeros((len(nodes), 1, 1)),
        }
    )
    return tree


def gradient_boosting_start(estimator):
    """Scores that the trees of a fitted `GradientBoostingClassifier` are added to.

    Returns
    -------
    ndarray of shape (n_scores,), or None if they depend on the row.
    """
    from sklearn.dummy import DummyClassifier

    init = estimator.init_
    is_prior = type(init) is DummyClassifier and init.strategy == "prior"
    if not is_prior and init != "zero":
        return None
    row = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    return np.array(estimator._raw_predict_init(row), dtype=np.float64)[0]


def predict_stages(estimators, X, rate, scores):
    """Add the values of regression trees, times a rate, to scores.

    Parameters
    ----------
    estimators : ndarray of DecisionTreeRegressor of shape (n_stages, n_scores)
    X : ndarray of float32 of shape (n_samples, n_features), C-contiguous
    rate : float
    scores : ndarray of float64 of shape (n_samples, n_scores)
    """
    from sklearn.ensemble import _gradient_boosting

    _gradient_boosting.predict_stages(estimators, X, rate, scores)


def hist_boosting_parts(estimator):
    """Scores that trees are added to, and the trees, of histogram gradient boosting.

    Returns
    -------
    start : ndarray of shape (n_scores,)
    nodes : list of structured ndarray, or None
        Those of each tree, in the order in which they are added; None if rows are
        transformed before.
    """
    start = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    if estimator._preprocessor is not None:
        return start, None
    return start, [tree.nodes for some in estimator._predictors for tree in some]


def hist_boosting_encoder(estimator):
    """What a fitted `HistGradientBoostingClassifier` applies to columns first.

    Returns
    -------
    ColumnTransformer or None
        It encodes categories, puts them first and hands numbers on; None if there are
        no categories.
    """
    return estimator._preprocessor


class HistTree(NamedTuple):
    """A tree of histogram gradient boosting.

    Attributes
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    left_codes : ndarray of bool of shape (n_nodes, 256)
        Which codes of a category go left, at nodes that split on one.
    """

    nodes: Any
    left_codes: Any


def hist_boosting_trees(estimator):
    """Trees of a fitted `HistGradientBoostingClassifier`, with splits of categories.

    Returns
    -------
    start : ndarray of shape (n_scores,)
        Scores that the trees are added to.
    trees : list of HistTree
    """
    known_bits, row_of = estimator._bin_mapper.make_known_categories_bitsets()
    trees = []
    for predictor in (tree for some in estimator._predictors for tree in some):
        nodes = predictor.nodes
        left = np.zeros((len(nodes), 256), dtype=bool)
        for at in np.flatnonzero(nodes["is_categorical"] & (nodes["is_leaf"] == 0)):
            goes_left = _codes_of(
                predictor.raw_left_cat_bitsets[nodes["bitset_idx"][at]]
            )
            known = _codes_of(known_bits[row_of[nodes["feature_idx"][at]]])
            # What is not known goes where missing values go.
            is_left = bool(nodes["missing_go_to_left"][at])
            left[at] = np.where(known | goes_left, goes_left, is_left)
        trees.append(HistTree(nodes, left))
    start = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    return start, trees


def _codes_of(bits):
    """Which of 256 codes a set of bits holds."""
    return np.unpackbits(np.asarray(bits, "<u4").view(np.uint8), bitorder="little") > 0


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
