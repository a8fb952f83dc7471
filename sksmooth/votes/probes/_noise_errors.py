# SPDX-License-Identifier: BSD-3-Clause
"""Errors that a base classifier raises because of noise."""

from sksmooth.certificates import UnknownLabelError
from sksmooth.samples import values_of

# From words of an error message to the usual cure.
_CURES = (
    (
        ("no neighbors",),
        "Give the classifier a label for samples far from all others, as "
        "outlier_label='most_frequent' of RadiusNeighborsClassifier does.",
    ),
    (
        ("unknown categor", "out of bounds", "categorical"),
        "Encode categories in a Pipeline before SmoothedClassifier, so that noise is "
        "added to numbers and not to codes.",
    ),
    (
        ("negative", "positive"),
        "Put a step first that clips, such as FunctionTransformer(np.maximum, "
        "kw_args={'x2': 0.0}), or transform in a Pipeline before SmoothedClassifier.",
    ),
    (
        ("nan", "infinity", "inf "),
        "A step such as a logarithm or a root has no value there: clip first, or "
        "transform in a Pipeline before SmoothedClassifier.",
    ),
)
_OF_OTHER_CAUSES = (MemoryError, Warning, OSError, ImportError, UnknownLabelError)
_GENERAL_CURE = (
    "Let the first step of the base classifier handle such values, for example by "
    "clipping, or transform in a Pipeline before SmoothedClassifier."
)
# Where noise makes categories missing values.
_OF_MISSING = (
    "Noise makes categories missing values: let the base classifier take them, as "
    "OneHotEncoder(handle_unknown='ignore') in a Pipeline and "
    "HistGradientBoostingClassifier do, or draw known categories with noise=Resample("
    "...)."
)


def explain_failure(error, source, X, owner):
    """The error to raise when `predict` fails on noisy copies of samples.

    Parameters
    ----------
    error : Exception
        What `predict` raised.
    source : MonteCarloVotes
    X, owner
        The samples of the noisy copies, as for `MonteCarloVotes.vote`.

    Returns
    -------
    Exception
        `error` itself, unless the samples can be predicted without noise.
    """
    is_of_values = not isinstance(error, _OF_OTHER_CAUSES)
    if not is_of_values or "out of memory" in str(error).lower():
        return error
    try:
        source.vote(values_of(X)[owner], X, owner)
    except Exception:
        return error
    failed = (
        "estimator.predict fails on noisy copies of samples that it can predict "
        f"without noise: {type(error).__name__}: {error}\n"
    )
    if source.law.adds_missing:
        return ValueError(f"{failed}{_OF_MISSING}")
    said = str(error).lower()
    cure = next(
        (cure for words, cure in _CURES if any(word in said for word in words)),
        _GENERAL_CURE,
    )
    return ValueError(
        f"{failed}Noise gives it values between and beyond those of the data. {cure}"
    )
