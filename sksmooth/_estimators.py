# SPDX-License-Identifier: BSD-3-Clause
"""What stands around a classifier: wrappers, the frames that it takes, its labels."""

import re
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import Tags, TargetTags, get_tags

from sksmooth._arguments import real_numbers
from sksmooth._compat import BaseSearchCV, routing_enabled
from sksmooth._warnings import forget_shown, ignore_warnings

# Whose classes do what their documentation says; a subclass elsewhere may not.
_TRUSTED = {"imblearn", "sklearn", "sksmooth"}


class Layers(NamedTuple):
    """A fitted estimator taken apart.

    Attributes
    ----------
    transformers : list of fitted transformers
        What is applied to a sample before it reaches `core`, in order.
    core : estimator
        The first estimator that is no wrapper of another.
    """

    transformers: list[Any]
    core: Any

    def transform(self, X: Any) -> Any:
        """Apply the transformers to `X`, which gives what `core` receives."""
        for transformer in self.transformers:
            X = transformer.transform(X)
        return X


def layers(estimator: Any, *, exact: bool = False, fitted: bool = True) -> Layers:
    """Take a Pipeline, a search or another wrapper apart.

    A wrapper is an estimator whose prediction is that of one estimator inside it,
    perhaps after transformers: `Pipeline` (that of imbalanced-learn too, whose samplers
    do nothing in `predict`), `FrozenEstimator`, a search with refit, `RFE`,
    `SelfTrainingClassifier`, and any class that names the attribute which holds the
    estimator inside as ``_estimator_inside``. They may be nested in any way.

    Parameters
    ----------
    estimator : estimator
    exact : bool, default=False
        Open only wrappers whose `predict` is known to be that of the estimator inside:
        classes of scikit-learn, imbalanced-learn and sksmooth themselves, not
        subclasses, with no method replaced on the object. Otherwise subclasses and
        searches of other libraries are opened as well.
    fitted : bool, default=True
        Whether `estimator` is fitted. False follows the estimators that were given as
        parameters, and `transformers` are then not fitted.

    Returns
    -------
    Layers
    """
    transformers: list[Any] = []
    while not (exact and _may_differ(estimator)):
        opened = _open(estimator, fitted)
        if opened is None:
            break
        before, estimator = opened
        for transformer in before:
            transformers += steps_of(transformer)
    return Layers(transformers, estimator)


def _may_differ(estimator):
    """Whether a wrapper might not predict what the estimator inside predicts."""
    cls = type(estimator)
    if cls.__module__.partition(".")[0] not in _TRUSTED:
        return True
    inherited = hasattr(cls, "_estimator_inside") and "_estimator_inside" not in vars(
        cls
    )
    return inherited or has_own_predict(estimator)


def has_own_predict(estimator: Any) -> bool:
    """Whether `predict`, or what it may call, was replaced on this very object."""
    cls = type(estimator)
    return any(
        callable(value) and hasattr(cls, name)
        for name, value in getattr(estimator, "__dict__", {}).items()
    )


def _open(estimator, fitted):
    """Transformers and estimator inside a wrapper; None if it is not one."""
    if isinstance(estimator, FrozenEstimator):
        return [], estimator.estimator
    inside = getattr(type(estimator), "_estimator_inside", None)
    if inside is not None:
        return _attribute(estimator, inside if fitted else "estimator")
    if hasattr(type(estimator), "certify"):
        return None
    if isinstance(estimator, Pipeline):
        *before, (_, last) = estimator.steps
        return [step for _, step in before], last
    if isinstance(estimator, BaseSearchCV) or hasattr(estimator, "best_estimator_"):
        return _attribute(estimator, "best_estimator_" if fitted else "estimator")
    if isinstance(estimator, RFE) and fitted and hasattr(estimator, "estimator_"):
        return [estimator], estimator.estimator_
    if isinstance(estimator, SelfTrainingClassifier):
        return _attribute(estimator, "estimator_" if fitted else "estimator")
    return None


def _attribute(estimator, name):
    return ([], getattr(estimator, name)) if hasattr(estimator, name) else None


def steps_of(transformer: Any) -> list[Any]:
    """A transformer as a list of steps; what does nothing in `predict` is left out."""
    if transformer is None or (
        isinstance(transformer, str) and transformer == "passthrough"
    ):
        return []
    if type(transformer) is FrozenEstimator:
        return steps_of(transformer.estimator)
    if type(transformer) is Pipeline:
        return [part for _, step in transformer.steps for part in steps_of(step)]
    if hasattr(transformer, "fit_resample") and not hasattr(transformer, "transform"):
        return []  # imbalanced-learn resamples in fit alone
    return [transformer]


def find_certifier(estimator: Any, purpose: str) -> Layers:
    """Take an estimator apart down to the smoothed classifier inside it.

    Parameters
    ----------
    estimator : fitted estimator
        A `SmoothedClassifier`, or wrappers around one; see `layers`.
    purpose : str
        What needs it, for the message of the error.

    Returns
    -------
    Layers
        Its `core` has a method `certify` of its own.

    Raises
    ------
    TypeError
        If there is none.
    """
    found = layers(estimator)
    if not hasattr(type(found.core), "certify"):
        raise TypeError(
            f"{type(estimator).__name__} holds no SmoothedClassifier: {purpose} needs "
            "one, bare, as the last step of a Pipeline, with tuned vote weights, "
            "frozen, or as the estimator of a fitted search with refit; found "
            f"{type(found.core).__name__}. Smooth a fitted classifier by "
            "SmoothedClassifier.from_fitted(clf)."
        )
    return found


def tags_of(estimator: Any) -> Tags:
    """Tags of any object; the default ones for a class that states none.

    Those of a frozen estimator are the ones of what is inside. It would copy them,
    which takes as long as a prediction.
    """
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    try:
        return get_tags(estimator)
    except (AttributeError, TypeError):
        return Tags(estimator_type=None, target_tags=TargetTags(required=False))


def may_take_missing(estimator: Any) -> bool:
    """Whether an estimator takes missing values, or has parts that may replace them.

    The tag of a Pipeline, a ColumnTransformer or a search does not tell: scikit-learn
    leaves it at False, also where the first step imputes.
    """
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    if tags_of(estimator).input_tags.allow_nan:
        return True
    get_params = getattr(estimator, "get_params", None)
    # Nets of skorch have parts as well, such as callbacks, but no estimators.
    return callable(get_params) and any(
        not isinstance(part, type)
        and (hasattr(part, "fit") or hasattr(part, "transform"))
        for part in get_params().values()
    )


def is_classifier(estimator: Any) -> bool:
    """Whether an estimator states that it is a classifier."""
    return _kind(estimator) == "classifier"


def is_no_classifier(estimator: Any) -> bool:
    """Whether an estimator states that it is something else than a classifier."""
    return _kind(estimator) not in (None, "classifier")


def _kind(estimator):
    kind = tags_of(estimator).estimator_type
    return getattr(estimator, "_estimator_type", None) if kind is None else kind


def refuse_class(estimator: Any, name: str = "estimator") -> None:
    """Refuse a class where an instance is needed, also as a step of a Pipeline."""
    found = layers(estimator, fitted=False)
    for part in (*found.transformers, found.core):
        if isinstance(part, type):
            given = part.__name__
            is_it = f"={given} is a class"
            has_it = f" has the class {given} as a step"
            raise TypeError(
                f"{name}{is_it if part is estimator else has_it}; pass an instance, "
                f"such as {given}()."
            )


def with_sample_weight(fit_params: Any, estimator: Any, sample_weight: Any) -> Any:
    """Add sample weights to parameters of `fit`, by the names that it takes.

    Without metadata routing, a Pipeline takes them by step: they are given to its last
    step, and to all others whose `fit` has the parameter, such as a scaler.

    Parameters
    ----------
    fit_params : dict
    estimator : estimator
        Whose `fit` is to be called.
    sample_weight : array-like of shape (n_samples,) or None
        None adds nothing.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the `fit` of the estimator, or of the last step of a Pipeline, has no such
        parameter.
    """
    if sample_weight is None:
        return fit_params
    weight = real_numbers("sample_weight", sample_weight, "an array of numbers")
    if weight.ndim != 1:
        raise ValueError(
            f"sample_weight has shape {weight.shape}; give one weight for each sample."
        )
    named = ["sample_weight"] if routing_enabled() else _weight_names(estimator)
    return {**fit_params, **dict.fromkeys(named, np.asarray(sample_weight))}


def _weight_names(estimator, needed=True):
    """Names of the parameters of `fit` that are sample weights."""
    if isinstance(estimator, Pipeline):
        *_, (last, _) = estimator.steps
        return [
            f"{name}__{weight}"
            for name, step in estimator.steps
            if hasattr(step, "fit")
            for weight in _weight_names(step, needed and name == last)
        ]
    parameters = signature(estimator.fit).parameters
    if "sample_weight" in parameters:
        return ["sample_weight"]
    if not needed:
        return []
    if not any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
        raise ValueError(
            f"{type(estimator).__name__} does not support sample_weight: its fit has "
            "no such parameter."
        )
    return ["sample_weight"]


def flat_labels(labels: Any) -> Any:
    """Predicted labels; a column of them, of shape (n_samples, 1), as a vector.

    Some classifiers, such as those of CatBoost, predict columns.
    """
    labels = np.asarray(labels)
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def require(module: str, caller: str, *, extra: str | None = None) -> Any:
    """Import an optional dependency, or say how to get it.

    Parameters
    ----------
    module : str
        Its name, which is also that of the package to install.
    caller : str
        What needs it.
    extra : str, default=None
        The extra of sksmooth that brings it.

    Returns
    -------
    module

    Raises
    ------
    ImportError
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if extra is None:
            hint = f": pip install {package}."
        else:
            hint = (
                f', which the extra `{extra}` brings: pip install "sksmooth[{extra}]".'
            )
        raise ImportError(f"{caller} needs {package}{hint}") from error


def is_frame(X: Any) -> bool:
    """Whether `X` is a DataFrame, of pandas and its like or of polars."""
    return hasattr(X, "iloc") or is_polars(X)


def is_polars(X: Any) -> bool:
    """Whether `X` is a DataFrame or Series of polars, which is not loaded for this."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(X, (polars.DataFrame, polars.Series))


def frame_like(rows: Any, names: Any, *, library: str = "pandas") -> Any:
    """Build a DataFrame from an array.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
    names : sequence of shape (n_features,)
        Names of the columns, strings or not; an Index of pandas is kept as it is.
    library : {"pandas", "polars"}, default="pandas"

    Returns
    -------
    DataFrame
    """
    frames = require(library, "a classifier that was fitted on a DataFrame")
    if library == "polars":
        return frames.from_numpy(rows, schema=list(names), orient="row")
    return frames.DataFrame(rows, columns=names, copy=False)


def frames_like(X: Any) -> Callable[[Any], Any] | None:
    """Return the function that makes arrays frames like `X`; None if it is no frame."""
    if not is_frame(X) or not hasattr(X, "columns"):
        return None
    library = "polars" if is_polars(X) else "pandas"
    return partial(frame_like, names=X.columns, library=library)


def plain_array(values: Any) -> Any:
    """Return a tensor of torch as an array of numpy, and anything else as it is.

    Checks of scikit-learn leave it a tensor where ``array_api_dispatch`` is set, and
    numpy has no bfloat16.
    """
    if not type(values).__module__.startswith("torch"):
        return values
    values = values.detach().cpu()
    return (values.float() if "bfloat16" in str(values.dtype) else values).numpy()


def frames_of(estimator: Any) -> Callable[[Any], Any] | None:
    """Return the function that makes the frames that a fitted estimator was fitted on.

    None if it does not say that it was fitted on frames with names.
    """
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else partial(frame_like, names=names)


def stated_names(estimator: Any) -> Any:
    """Names of the columns that an estimator states it was fitted on, or None.

    CatBoost has an attribute of its own for them, which holds positions where it was
    fitted on an array.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None or not hasattr(estimator, "get_cat_feature_indices"):
        return names
    names = getattr(estimator, "feature_names_", [])
    is_array = list(names) == [str(at) for at in range(len(names))]
    return None if is_array else np.array(names, dtype=object)


def takes_frame(estimator: Any, frame: Any) -> bool:
    """Whether the `predict` of a fitted estimator takes a frame with these columns.

    It does if it neither raises nor warns of feature names. A frame with the columns of
    another order than the names that the estimator states is not taken in any case.
    """
    stated = getattr(estimator, "feature_names_in_", None)
    if stated is not None:
        names, stated = list(frame.columns), list(stated)
        if names == stated:
            return True
        plain, plain_stated = _plain_names(names), _plain_names(stated)
        if plain != plain_stated and sorted(plain) == sorted(plain_stated):
            return False
    with ignore_warnings() as messages:
        forget_shown()
        try:
            estimator.predict(frame)
        except Exception:  # whatever it raises, it is given arrays instead
            return False
    return not any("feature names" in message for message in messages)


def _plain_names(names):
    """Names without what libraries replace in them."""
    return [re.sub(r"\W|_", "", str(name)).casefold() for name in names]


def take_rows(values: Any, rows: Any) -> Any:
    """Samples of an array, a DataFrame or a list, by positions, a slice or a mask."""
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if not is_polars(values):
        return np.asarray(values)[rows]
    # To polars, a mask selects columns.
    is_mask = isinstance(rows, np.ndarray) and rows.dtype.kind == "b"
    return values[np.flatnonzero(rows) if is_mask else rows]
