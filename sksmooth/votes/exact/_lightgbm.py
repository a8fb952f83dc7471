# SPDX-License-Identifier: BSD-3-Clause
"""The trees of classifiers of LightGBM."""

import numpy as np

from sksmooth.votes.exact._boosted import boosted_source, reason_not_to_read
from sksmooth.votes.exact._by_type import closed_form, screening
from sksmooth.votes.exact._source import Declined
from sksmooth.votes.exact._structure import Ensemble, SumOfTrees, Tree, tree_ensemble

# Up to this score, times the steepness of the logistic function, its values may be 1/2.
_TIE = 1e-14
# Values up to this size are read as zero.
_ZERO = float(np.float32(1e-35))
# Bits of a decision: a split of categories, and what counts as missing.
_CATEGORICAL, _MISSING, _ZERO_IS_MISSING = 1, 12, 4

closed_form("lightgbm", "LGBMClassifier")(boosted_source)


@screening("lightgbm", "LGBMClassifier")
def _reason_not_to_read(estimator):
    parameters = estimator.get_params()
    has_single_splits = (
        parameters["num_leaves"] == 2
        or parameters["max_depth"] == 1
        or parameters.get("interaction_constraints") is not None
    )
    n_trees = estimator.booster_.num_trees()
    return reason_not_to_read(estimator, n_trees, has_single_splits)


@tree_ensemble("lightgbm", "LGBMClassifier")
def _read_lightgbm(estimator):
    # Up to the best iteration, as `predict`.
    text = estimator.booster_.model_to_string().partition("\nend of trees")[0]
    model, *trees = map(_fields_of, text.split("\n\nTree="))
    trees = [_read_tree(fields) for fields in trees]
    return Ensemble(trees, False, _sum_of(estimator, model))


def _fields_of(text):
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def _sum_of(estimator, model):
    objective, *settings = model.get("objective", "none").split()
    if objective != "binary":
        return f"objective={objective!r} is not known to add up trees"
    if "average_output" in model:
        return "boosting_type='rf' takes the mean of its trees"
    stops = [name for name in estimator.get_params() if name.startswith("pred")]
    if stops:
        return f"{stops} change what it predicts"
    steepness = dict(item.split(":") for item in settings)["sigmoid"]
    return SumOfTrees(
        lambda X: estimator.predict(X, raw_score=True),
        tie=_TIE / float(steepness),
    )


def _read_tree(fields):
    if fields["is_linear"] != "0":
        raise Declined("linear_tree=True has other leaves than constants")
    of_leaves = np.array(_numbers(fields["leaf_value"]))
    n_leaves = len(of_leaves)
    n_inner = n_leaves - 1
    decision = np.array(_numbers(fields.get("decision_type", "")), dtype=int)
    if np.any(decision & _CATEGORICAL):
        raise Declined("it splits on categorical features")
    if np.any(decision & _MISSING == _ZERO_IS_MISSING):
        raise Declined("zero_as_missing=True takes zeros for missing values")
    left, right = (
        np.append(_nodes(fields.get(side, ""), n_inner), np.full(n_leaves, -1))
        for side in ("left_child", "right_child")
    )
    feature = np.full(len(left), -1)
    feature[:n_inner] = _numbers(fields.get("split_feature", ""))
    threshold = np.zeros(len(left))
    threshold[:n_inner] = _numbers(fields.get("threshold", ""))
    # Where values that are read as zero go to.
    threshold[(threshold >= 0) & (threshold < _ZERO) & (feature >= 0)] = _ZERO
    threshold[(threshold < 0) & (threshold >= -_ZERO)] = np.nextafter(-_ZERO, -np.inf)
    value = np.zeros((len(left), 1))
    value[n_inner:, 0] = of_leaves
    return Tree(feature, threshold, left, right, value)


def _numbers(text):
    return list(map(float, text.split()))


def _nodes(text, n_inner):
    """Children; negative numbers count leaves, which come after all other nodes."""
    child = np.array(_numbers(text), dtype=np.intp)
    return np.where(child < 0, n_inner + ~child, child)
