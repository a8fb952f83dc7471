# SPDX-License-Identifier: BSD-3-Clause
"""The only file that imports private names of scikit-learn."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled

if TYPE_CHECKING:
    # scikit-learn has no types: its decorator would make Any of what it decorates.
    _Method = TypeVar("_Method", bound=Callable)

    def _fit_context(
        *, prefer_skip_nested_validation: bool
    ) -> Callable[[_Method], _Method]: ...

else:
    from sklearn.base import _fit_context

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "_fit_context",
    "_raise_for_params",
    "_routing_enabled",
    "validate_params",
]
