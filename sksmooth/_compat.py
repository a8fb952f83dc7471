# SPDX-License-Identifier: BSD-3-Clause
"""The only file that imports private names of scikit-learn."""

import sys
from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

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

# The documentation site; pyproject.toml names it too.
DOCUMENTATION = "https://sksmooth.readthedocs.io/en/stable"

__all__ = [
    "DOCUMENTATION",
    "BaseSearchCV",
    "DocumentationLink",
    "HasMethods",
    "Interval",
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
