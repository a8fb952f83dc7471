# SPDX-License-Identifier: BSD-3-Clause
"""Columns that a fitted classifier reads as codes of categories."""

from itertools import chain

import numpy as np

from sksmooth.votes.probes._independence import innermost

# Transformers of scikit-learn that give each column back in its place, with its noise.
_ONE_TO_ONE = {
    "IterativeImputer",
    "KNNImputer",
    "MaxAbsScaler",
    "MinMaxScaler",
    "Normalizer",
    "PowerTransformer",
    "QuantileTransformer",
    "RobustScaler",
    "SimpleImputer",
    "StandardScaler",
}
# Sees predictions of other members, not columns.
_OF_PREDICTIONS = {"final_estimator_"}


def refuse_categories(estimator, n_features=None, names=None, held=()):
    """Refuse a classifier that reads columns with noise as codes of categories.

    Parameters
    ----------
    estimator : fitted classifier
    n_features : int, default=None
        Number of columns; None is what the classifier says.
    names : array-like of str, default=None
        Names of the columns; None is what the classifier says.
    held : sequence of int, default=()
        Positions of the columns that are held fixed.

    Raises
    ------
    ValueError
        The message names the columns and what reads them.
    """
    found = categorical_columns(estimator, n_features)
    found = {at: reader for at, reader in found.items() if at not in held}
    if not found:
        return
    columns = sorted(found)
    if names is None:
        names = _of_input(estimator, "feature_names_in_")
    shown = columns if names is None else [str(names[at]) for at in columns]
    readers = ", ".join(dict.fromkeys(found.values()))
    raise ValueError(
        f"the columns {shown} are categories to the base classifier ({readers}), and "
        "noise of any size turns their codes into values that it has never seen. "
        "Hold them fixed, by noise_features=[...] with the other columns or "
        "noise_features=make_column_selector(dtype_include='number'); or encode them "
        "in a Pipeline before SmoothedClassifier, for example with OneHotEncoder in a "
        "ColumnTransformer, and use a base classifier that reads them as numbers."
    )


def categorical_columns(estimator, n_features=None):
    """Columns that a fitted classifier, or a part of it, reads as categories.

    Parts are the steps of Pipelines, the branches of ColumnTransformers, and the fitted
    estimators in searches and ensembles. A column is followed through transformers that
    keep its noise. Behind others, such as KBinsDiscretizer or a function that rounds,
    it may be a category without harm.

    Parameters
    ----------
    estimator : fitted classifier
    n_features : int, default=None

    Returns
    -------
    dict {int: str}
        From columns to the name of what reads them.
    """
    if n_features is None:
        n_features = _of_input(estimator, "n_features_in_")
    if n_features is None:
        return {}
    columns = [frozenset([at]) for at in range(n_features)]
    found: dict = {}
    _walk(estimator, columns, found, set())
    return found


def _of_input(estimator, attribute):
    """An attribute about the input, of a classifier or its first step."""
    estimator = innermost(estimator)
    try:
        return getattr(estimator, attribute)
    except Exception:
        pass  # such as a Pipeline whose first step does nothing
    if hasattr(estimator, "best_estimator_"):
        return _of_input(estimator.best_estimator_, attribute)
    steps = [step for _, step in getattr(estimator, "steps", [])]
    first = next((step for step in steps if not is_identity(step)), None)
    return None if first is None else _of_input(first, attribute)


def is_identity(step):
    """Whether a step of a pipeline returns what it is given."""
    return (
        step is None
        or (isinstance(step, str) and step == "passthrough")
        or getattr(step, "func", step) is None  # of FunctionTransformer
    )


def _walk(part, columns, found, above):
    """Note what a part reads as categories, and return what its output is made of.

    Columns are sets of the original columns that they carry the noise of; None stands
    for columns that are not known.
    """
    if isinstance(part, str):
        return columns if part == "passthrough" else []
    part = innermost(part)
    if part is None or columns is None or id(part) in above:
        return columns
    above = above | {id(part)}
    if hasattr(part, "steps"):
        for _, step in part.steps:
            columns = _walk(step, columns, found, above)
        return columns
    if hasattr(part, "transformers_"):
        return _walk_column_transformer(part, columns, found, above)
    if hasattr(part, "transformer_list"):
        outputs = [
            _walk(step, columns, found, above) for _, step in part.transformer_list
        ]
        return None if None in outputs else list(chain.from_iterable(outputs))
    for at in _own_categories(part, len(columns)):
        if 0 <= at < len(columns):
            for column in columns[at]:
                found.setdefault(column, type(part).__name__)
    is_step = hasattr(part, "transform") or hasattr(part, "fit_resample")
    if is_step and not hasattr(part, "predict"):
        return _output_columns(part, columns)
    for member, subset in _members(part, len(columns)):
        _walk(member, [columns[at] for at in subset], found, above)
    return None


def _walk_column_transformer(part, columns, found, above):
    places = getattr(part, "output_indices_", {})
    n_out = max((place.stop or 0 for place in places.values()), default=0)
    output: list = [frozenset()] * n_out
    for step, at, place in branches_of(part, len(columns)):
        if at is None:
            continue
        inner = _walk(step, [columns[j] for j in at], found, above)
        if inner is not None and len(inner) == len(range(n_out)[place]):
            output[place] = inner
    return output


def branches_of(columns, n_columns):
    """Yield the branches of a fitted `ColumnTransformer`.

    Parameters
    ----------
    columns : ColumnTransformer
    n_columns : int
        Number of columns that it is given.

    Yields
    ------
    step : transformer or str
    positions : list of int or None
        Its columns; None where they are not known.
    place : slice
        Where its outputs are.
    """
    names = list(getattr(columns, "feature_names_in_", []))
    places = getattr(columns, "output_indices_", {})
    for name, step, chosen in columns.transformers_:
        place = places.get(name, slice(0, 0))
        yield step, _positions(chosen, names, n_columns), place


def _positions(chosen, names, n_columns):
    """Positions of the columns of a branch, however they were chosen."""
    try:
        if isinstance(chosen, slice):
            if isinstance(chosen.start, str) or isinstance(chosen.stop, str):
                first = 0 if chosen.start is None else names.index(chosen.start)
                last = names.index(chosen.stop) if chosen.stop else n_columns - 1
                return list(range(first, last + 1))
            return list(range(n_columns)[chosen])
        chosen = [chosen] if np.ndim(chosen) == 0 else list(chosen)
        if chosen and all(isinstance(name, (bool, np.bool_)) for name in chosen):
            return np.flatnonzero(chosen).tolist()
        return [
            names.index(name) if isinstance(name, str) else range(n_columns)[name]
            for name in chosen
        ]
    except (ValueError, IndexError, TypeError):
        return None


def _output_columns(transformer, columns):
    """What the output of a transformer is made of."""
    if hasattr(transformer, "get_support"):
        return [columns[at] for at in np.flatnonzero(transformer.get_support())]
    if is_identity(transformer):
        return columns
    is_sampler = hasattr(transformer, "fit_resample")
    kinds = {kind.__name__ for kind in type(transformer).__mro__}
    if is_sampler or kinds & _ONE_TO_ONE:
        n_out = getattr(transformer, "n_features_in_", len(columns))
        return columns if n_out == len(columns) else None
    return None


def _own_categories(part, n_columns):
    """Columns that an estimator itself reads as categories."""
    for reader in _READERS:
        try:
            found = [int(at) for at in reader(part, n_columns)]
        except Exception:
            # Not this kind of estimator, or not fitted; other libraries raise their own
            # kinds of errors here.
            continue
        if found:
            return found
    return []


def _of_mask(part, n_columns):
    return np.flatnonzero(part.is_categorical_)


def _of_encoder(part, n_columns):
    # category_encoders names its columns; scikit-learn's encoders take all.
    if hasattr(part, "cols") and hasattr(part, "feature_names_in_"):
        return [list(part.feature_names_in_).index(name) for name in part.cols]
    return range(len(part.categories_)) if hasattr(part, "transform") else []


def _of_categorical_nb(part, n_columns):
    return range(len(part.category_count_))


def _of_catboost(part, n_columns):
    return part.get_cat_feature_indices()


def _of_xgboost(part, n_columns):
    return [
        at for at, kind in enumerate(part.get_booster().feature_types) if kind == "c"
    ]


def _of_lightgbm(part, n_columns):
    # In the header of a model, a feature has a range, [0:1], or its categories, 0:1.
    text = part.booster_.model_to_string(num_iteration=1)
    line = next(line for line in text.splitlines() if line.startswith("feature_infos="))
    infos = line.partition("=")[2].split()
    return [
        at
        for at, info in enumerate(infos)
        if not info.startswith("[") and info != "none"
    ]


def _of_explainable_boosting(part, n_columns):
    kinds = part.feature_types_in_
    return [at for at, kind in enumerate(kinds) if kind in ("nominal", "ordinal")]


_READERS = (
    _of_mask,
    _of_encoder,
    _of_categorical_nb,
    _of_catboost,
    _of_xgboost,
    _of_lightgbm,
    _of_explainable_boosting,
)


def _members(part, n_columns):
    """Fitted estimators inside an estimator, and which of its columns each sees."""
    every = range(n_columns)
    for name, value in getattr(part, "__dict__", {}).items():
        is_fitted = name.endswith("_") and not name.startswith("_")
        if not (is_fitted or name == "estimator") or name in _OF_PREDICTIONS:
            continue
        members = list(_flat(value))
        subsets = [every] * len(members)
        if name == "estimators_" and hasattr(part, "estimators_features_"):
            subsets = part.estimators_features_
        elif name == "estimator_" and hasattr(part, "support_"):
            subsets = [np.flatnonzero(part.support_)] * len(members)
        for member, subset in zip(members, subsets, strict=False):
            n_seen = _of_input(member, "n_features_in_")
            if n_seen is None or n_seen == len(subset):
                yield member, subset


def _flat(value):
    if isinstance(value, (list, tuple)) or (
        isinstance(value, np.ndarray) and value.dtype == object
    ):
        for item in value:
            yield from _flat(item)
    elif hasattr(value, "predict") or hasattr(value, "predict_proba"):
        is_tree = type(value).__module__.startswith("sklearn.tree")
        if not is_tree and not isinstance(value, type):
            yield value
