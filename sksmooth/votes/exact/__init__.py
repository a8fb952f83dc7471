# SPDX-License-Identifier: BSD-3-Clause
"""Votes without sampling: class probabilities in closed form."""

# Modules that register closed forms, by their decorators. One line for each.
from sksmooth.votes.exact import (  # noqa: F401
    _boosted,
    _cells,
    _gaussian_classifiers,
    _interpret,
    _lightgbm,
    _linear_classifiers,
    _tree,
    _wrappers,
    _xgboost,
)
from sksmooth.votes.exact._affine import AffineMap, fold_steps, is_foldable
from sksmooth.votes.exact._by_type import affine_step, closed_form
from sksmooth.votes.exact._category_forms import (
    CategoryVotes,
    find_category_form,
    may_have_category_form,
)
from sksmooth.votes.exact._enumerated import EnumeratedVotes
from sksmooth.votes.exact._inputs import inputs_of
from sksmooth.votes.exact._linear_classifiers import linear_classifier
from sksmooth.votes.exact._linear_scores import linear_scores
from sksmooth.votes.exact._margins import MarginVotes, has_margin
from sksmooth.votes.exact._numerics import PROBIT_MAX
from sksmooth.votes.exact._other_laws import IndependentVotes
from sksmooth.votes.exact._registry import (
    find_exact_source,
    find_linear_scores,
    may_have_closed_form,
)
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined, ExactSource, SelfCheckFailed
from sksmooth.votes.exact._structure import tree_ensemble
from sksmooth.votes.exact._votes import ExactVotes

__all__ = [
    "PROBIT_MAX",
    "AffineMap",
    "CategoryVotes",
    "Declined",
    "EnumeratedVotes",
    "ExactSource",
    "ExactVotes",
    "IndependentVotes",
    "MarginVotes",
    "SelfCheckFailed",
    "affine_step",
    "ask",
    "closed_form",
    "find_category_form",
    "find_exact_source",
    "find_linear_scores",
    "fold_steps",
    "has_margin",
    "inputs_of",
    "is_foldable",
    "linear_classifier",
    "linear_scores",
    "may_have_category_form",
    "may_have_closed_form",
    "tree_ensemble",
]
