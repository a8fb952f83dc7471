# SPDX-License-Identifier: BSD-3-Clause
"""Which columns take noise and in which unit: parameters as the user gives them."""

from collections.abc import KeysView, Mapping, Set
from numbers import Real

import numpy as np

from sksmooth._arguments import real_numbers
from sksmooth._estimators import is_polars
from sksmooth._messages import listed
from sksmooth._warnings import ignore_warnings
from sksmooth.certificates import refuse_masked
from sksmooth.samples._table import numbers_of

# Noise of a larger or smaller scale than this may be beyond what floating point holds.
_FAR = 1e100
# Standard deviations of equal numbers, relative to them, come out up to this.
_ROUNDING = 1e-14


def resolve_scale(
    noise_features, feature_scale, *, names, n_features, X=None, categorical=()
):
    """Turn `noise_features` and `feature_scale` into one number per feature.

    Parameters
    ----------
    noise_features : None, names, indices, boolean mask, slice or callable
        See `SmoothedClassifier`.
    feature_scale : None, "std", mapping of name to float, or array-like
        See `SmoothedClassifier`.
    names : sequence of shape (n_features,) or None
        Names of the features.
    n_features : int
    X : DataFrame or ndarray, default=None
        Training samples, for a callable and for "std".
    categorical : sequence of int, default=()
        Positions of columns whose categories are drawn anew: they take no noise of
        numbers, and have no unit.

    Returns
    -------
    ndarray of shape (n_features,)
        The unit of each feature, 1 for categories; 0 where it is held fixed.

    Raises
    ------
    ValueError
        If a parameter names features that do not exist, or scales that are negative or
        not finite; if no feature takes noise; or if it needs `X` and there is none.
    """
    labels = getattr(X, "columns", None)
    if names is None and labels is not None and not is_polars(X):
        _refuse_doubtful_positions(noise_features, feature_scale, list(labels))
    drawn = np.zeros(n_features, dtype=bool)
    drawn[list(categorical)] = True
    if noise_features is None:
        noisy = ~drawn
    else:
        noisy = _noisy_mask(noise_features, names, n_features, X)
    if (noisy & drawn).any():
        both = np.flatnonzero(noisy & drawn)
        both = [int(at) if names is None else names[at] for at in both]
        raise ValueError(
            f"noise_features={noise_features!r} has the columns {both}, which are "
            "categories to `noise`; they are drawn anew. Name the columns that take "
            "noise of numbers only, or none of them: noise_features=[]."
        )
    if isinstance(feature_scale, str):
        scale = np.zeros(n_features)
        scale[noisy] = learned_scale(feature_scale, X, np.flatnonzero(noisy))
        scale[drawn] = 1.0
    else:
        given = _given_scale(feature_scale, names, n_features)
        scale = np.where(noisy, given, 0.0)
        scale[drawn] = given[drawn] > 0
    if not scale.any():
        raise ValueError(
            f"noise_features={noise_features!r} and feature_scale={feature_scale!r} "
            "leave no feature that takes noise; at least one is needed."
        )
    return scale


def categorical_positions(spec, *, names, n_features, with_categories):
    """Turn `categorical_features` of a law into positions of columns.

    Parameters
    ----------
    spec : "from_dtype", names, indices or boolean mask
    names : sequence of shape (n_features,) or None
        Names of the features.
    n_features : int
    with_categories : list of int
        Positions of the columns whose dtype is one of categories, for "from_dtype".

    Returns
    -------
    list of int
        Increasing.

    Raises
    ------
    ValueError
        If there is no such column, or none at all.
    """
    if isinstance(spec, str) and spec == "from_dtype":
        if not with_categories:
            raise ValueError(
                "categorical_features='from_dtype' finds no column whose dtype is that "
                "of categories or strings in X, and dates count as neither; name the "
                "columns with categories, such as categorical_features=[0, 3], in a "
                "DataFrame by their names."
            )
        return with_categories
    if spec is None or callable(spec):
        raise ValueError(
            f"categorical_features={spec!r} must be 'from_dtype', or names, indices or "
            "a mask of the columns with categories; for numbers alone use "
            "noise='gaussian'."
        )
    mask = _noisy_mask(spec, names, n_features, None, "categorical_features")
    if not mask.any():
        raise ValueError(
            f"categorical_features={spec!r} names no column; at least one is needed. "
            "For numbers alone use noise='gaussian'."
        )
    return np.flatnonzero(mask).tolist()


def learned_scale(feature_scale, X, columns):
    """Return the standard deviations of columns of the training samples."""
    if feature_scale != "std":
        raise ValueError(
            f"feature_scale={feature_scale!r} must be None, 'std', a dict from names "
            "to numbers, or an array with one number per feature."
        )
    if X is None:
        raise ValueError(
            "feature_scale='std' is learned in fit, and from_fitted has no training "
            "samples; pass the numbers, such as feature_scale=X_train.std()."
        )
    with ignore_warnings(category=RuntimeWarning):  # of a column without any value
        numbers = numbers_of(X, columns)
        _refuse_infinity(numbers, X, columns)
        deviation = np.nanstd(numbers, axis=0)
        size = np.nanmax(np.abs(numbers), axis=0)
    # The noise of a feature that never changes would have no size: it is held fixed.
    changes = np.isfinite(deviation) & (deviation > _ROUNDING * size)
    return np.where(changes, deviation, 0.0)


def _refuse_infinity(numbers, X, columns):
    """A column with infinity has no standard deviation, and would be held fixed."""
    infinite = np.isinf(numbers).any(axis=0)
    if infinite.any():
        names = getattr(X, "columns", range(X.shape[1]))
        raise ValueError(
            "feature_scale='std' has no standard deviation for the columns "
            f"{[names[at] for at in np.asarray(columns)[infinite]]}, in which X holds "
            "infinity. Replace it by a number, or hold the columns fixed with "
            "noise_features."
        )


def _given_scale(feature_scale, names, n_features):
    refuse_masked(feature_scale, "feature_scale")
    if feature_scale is None:
        return np.ones(n_features)
    if isinstance(feature_scale, Mapping) or _has_names(feature_scale, names):
        scale = np.ones(n_features)
        for name, value in feature_scale.items():
            if not isinstance(value, Real):
                raise ValueError(
                    f"feature_scale gives feature {name!r} the scale {value!r}; scales "
                    "must be numbers, such as X_train[name].std()."
                )
            at = _position(name, names, n_features, "feature_scale")
            try:
                scale[at] = value
            except OverflowError:  # of an integer that no float holds
                scale[at] = np.inf
    else:
        try:
            scale = real_numbers("feature_scale", feature_scale)
        except TypeError:
            raise ValueError(
                f"feature_scale={feature_scale!r} must be None, 'std', a dict from "
                "names to numbers, or an array with one number per feature."
            ) from None
        if scale.shape != (n_features,):
            raise ValueError(
                f"feature_scale has shape {scale.shape}; give one number for each of "
                f"the {n_features} features, or a dict {{name: scale}}."
            )
    wrong = ~((scale == 0) | ((scale >= 1 / _FAR) & (scale <= _FAR)))
    if wrong.any():
        at = int(np.argmax(wrong))
        feature = at if names is None else names[at]
        raise ValueError(
            f"feature_scale gives feature {feature!r} the scale {scale[at]}; scales "
            f"must be finite and zero or more: from {1 / _FAR:g} to {_FAR:g}, or zero, "
            "which holds a feature fixed."
        )
    return scale


def _noisy_mask(noise_features, names, n_features, X, parameter="noise_features"):
    mask = np.zeros(n_features, dtype=bool)
    refuse_masked(noise_features, parameter)
    if noise_features is None:
        return ~mask
    if callable(noise_features):
        if X is None:
            raise ValueError(
                "noise_features is a function of the training samples, and from_fitted "
                "has none; pass names or indices, such as noise_features=selector(X)."
            )
        noise_features = _called(noise_features, X)
    if isinstance(noise_features, slice):
        mask[_slice_of_positions(noise_features, names, n_features)] = True
        return mask
    if isinstance(noise_features, str):
        noise_features = [noise_features]
    if isinstance(noise_features, (Set, KeysView)):
        noise_features = list(noise_features)
    if _has_names(noise_features, names) and noise_features.dtype.kind == "b":
        noise_features = [name for name, is_noisy in noise_features.items() if is_noisy]
    chosen = np.asarray(noise_features, dtype=object).ravel().tolist()
    is_bool = [isinstance(value, (bool, np.bool_)) for value in chosen]
    if any(is_bool) and not all(is_bool):
        other = chosen[is_bool.index(False)]
        raise ValueError(
            f"{parameter} has {other!r} among values of a mask; give True or False for "
            "each feature, or names only."
        )
    if any(is_bool):
        if len(chosen) != n_features:
            raise ValueError(
                f"{parameter} is a mask of {len(chosen)} values for {n_features} "
                "features; give one for each."
            )
        return np.array(chosen, dtype=bool)
    _refuse_numbers_as_mask(chosen, n_features, parameter)
    for name in chosen:
        mask[_position(name, names, n_features, parameter)] = True
    return mask


def _called(noise_features, X):
    try:
        return noise_features(X)
    except Exception as error:
        raise ValueError(
            f"noise_features={noise_features!r} failed on the training samples, of "
            f"type {type(X).__name__}: {type(error).__name__}: {error}. It has to "
            "return names, positions or a mask."
        ) from error


def _refuse_numbers_as_mask(chosen, n_features, parameter):
    """Refuse zeros and ones for each feature, which would be taken as positions."""
    whole = all(isinstance(value, (int, np.integer)) for value in chosen)
    if whole and len(chosen) == n_features > 2 and set(chosen) <= {0, 1}:
        raise ValueError(
            f"{parameter}={chosen} are positions, of which some are given more than "
            "once. For a mask give True or False for each feature, as "
            f"np.array({parameter}, dtype=bool)."
        )


def _has_names(values, names):
    """Whether values are a Series with names of features as its index."""
    index = getattr(values, "index", None)
    if names is None or not hasattr(values, "iloc"):
        return False
    return any(isinstance(name, str) for name in index)


def _slice_of_positions(chosen, names, n_features):
    """A slice of positions, from one of names, which has both ends, or of positions."""
    start, stop = chosen.start, chosen.stop
    if isinstance(start, str):
        start = _position(start, names, n_features, "noise_features")
    if isinstance(stop, str):
        stop = _position(stop, names, n_features, "noise_features") + 1
    return slice(start, stop, chosen.step)


def _refuse_doubtful_positions(noise_features, feature_scale, labels):
    """Refuse whole numbers that are both a position and the label of another column."""
    for parameter, given in (
        ("noise_features", noise_features),
        ("feature_scale", feature_scale),
    ):
        if isinstance(given, Mapping):
            given = list(given)
        elif parameter == "feature_scale" or not np.iterable(given):
            continue
        for at in given:
            is_position = isinstance(at, (int, np.integer)) and not isinstance(at, bool)
            if is_position and at in labels and labels.index(at) != at:
                raise ValueError(
                    f"{parameter} has {at!r}, which is a position, and X has a column "
                    f"labeled {at!r} at another position, {labels.index(at)}. Make the "
                    "labels strings, X.columns = X.columns.astype(str), and name the "
                    "columns."
                )


def _position(name, names, n_features, parameter):
    """Position of a feature that is given by its name or its index."""
    known = [] if names is None else list(names)
    if name in known:
        return known.index(name)
    is_index = isinstance(name, (int, np.integer)) and not isinstance(name, bool)
    if is_index and -n_features <= name < n_features:
        return int(name)
    what, use = "features without names", "Use"
    if known:
        what, use = f"the features {listed(known)}", "Use one of these, or"
    raise ValueError(
        f"{parameter} has {name!r}, and X has {what}. {use} a position from 0 to "
        f"{n_features - 1}."
    )
