# SPDX-License-Identifier: BSD-3-Clause
"""The trees of classifiers of XGBoost."""

import json

import numpy as np

from sksmooth.votes.exact._boosted import boosted_source, reason_not_to_read
from sksmooth.votes.exact._by_type import closed_form, screening
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.exact._structure import (
    Ensemble,
    SumOfTrees,
    Tree,
    as_compared,
    tree_ensemble,
)

# Scores are added in float32, and what the trees leave over is found from one.
_ROUNDING = 2.02 * 2.0**-24
# Up to this score the logistic function may be 1/2 in float32, as it is for the first
# class.
_TIE = 1e-6
_TYPES = "XGBClassifier", "XGBRFClassifier"

closed_form("xgboost", *_TYPES)(boosted_source)


@screening("xgboost", *_TYPES)
def _reason_not_to_read(estimator):
    parameters, n_classes = estimator.get_xgb_params(), len(estimator.classes_)
    n_trees = estimator.get_booster().num_boosted_rounds()
    n_trees *= parameters.get("num_parallel_tree") or 1
    n_trees *= n_classes if n_classes > 2 else 1
    has_single_splits = (
        parameters.get("max_depth") == 1
        or parameters.get("max_leaves") == 2
        or parameters.get("interaction_constraints") is not None
    )
    return reason_not_to_read(estimator, n_trees, has_single_splits)


@tree_ensemble("xgboost", *_TYPES)
def _read_xgboost(estimator):
    missing = estimator.missing
    if missing is not None and not np.isnan(missing):
        raise Declined(f"missing={missing!r} counts as missing, which noise changes")
    model = json.loads(bytes(estimator.get_booster().save_raw("json")))["learner"]
    booster = model["gradient_booster"]
    name = booster["name"]
    if name == "gblinear":
        raise Declined("booster='gblinear' is not made of trees")
    booster = booster["gbtree"]["model"] if name == "dart" else booster["model"]
    used = booster["trees"][: _n_used(estimator, booster)]
    trees = [_read_tree(tree) for tree in used]
    return Ensemble(trees, True, _sum_of(estimator, name, model["objective"]["name"]))


def _n_used(estimator, booster):
    """Number of trees that `predict` takes: those up to the best iteration."""
    best, ends = getattr(estimator, "best_iteration", None), booster["iteration_indptr"]
    return ends[-1] if best is None else ends[min(best + 1, len(ends) - 1)]


def _sum_of(estimator, booster, objective):
    if booster != "gbtree":
        return f"booster={booster!r} weights its trees"
    if objective not in ("binary:logistic", "reg:logistic"):
        return f"objective={objective!r} is not known to add up trees"
    if estimator.objective == "multi:softmax":
        return "its objective is not that which it was fitted with"
    return SumOfTrees(
        lambda X: estimator.predict(X, output_margin=True).astype(np.float64),
        _ROUNDING,
        _TIE,
    )


def _read_tree(tree):
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    # Nodes that were pruned are kept among the others.
    inner, found = np.zeros(len(left), dtype=bool), np.zeros(1, dtype=np.intp)
    while len(found):
        found = found[left[found] >= 0]
        inner[found] = True
        found = np.append(left[found], right[found])
    if np.any(np.array(tree["split_type"])[inner]):
        raise Declined("it splits on categorical features")
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    # Samples are cast to float32, and go left if they are below the condition.
    largest = np.nextafter(condition[inner], np.float32(-np.inf))
    threshold = np.zeros(len(left))
    with np.errstate(invalid="ignore"):
        threshold[inner] = as_compared(largest)
    return Tree(
        feature=np.where(inner, tree["split_indices"], -1),
        threshold=threshold,
        left=left,
        right=right,
        value=np.where(inner, 0.0, condition.astype(np.float64))[:, np.newaxis],
    )
