# SPDX-License-Identifier: BSD-3-Clause
"""Classes of a classifier, and from predicted labels to positions among them."""

import numpy as np

from sksmooth._arguments import refuse_masked
from sksmooth._messages import listed

_MOST_EXACT = 2**53


class UnknownLabelError(ValueError):
    """A classifier returned a label that is not one of its classes."""


class LabelIndex:
    """Positions of labels in an array of classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        By `positions`, if a label is not one of the classes.
    """

    def __init__(self, classes):
        self._classes = np.asarray(classes)
        self._is_range = self._classes.dtype.kind in "iu" and np.array_equal(
            self._classes, np.arange(len(self._classes))
        )
        self._position = None
        if self._classes.dtype.kind == "O":  # labels of different kinds have no order
            self._position = {label: at for at, label in enumerate(self._classes)}
            return
        # Numbers of two kinds are compared as floats, which differ up to here.
        self._is_large = self._classes.dtype.kind in "iu" and bool(
            np.any((self._classes > _MOST_EXACT) | (self._classes < -_MOST_EXACT))
        )
        self._order = np.argsort(self._classes, kind="stable")
        self._sorted = self._classes[self._order]

    def positions(self, labels, n_rows):
        """Position of each of `n_rows` labels, in a vector or in one column."""
        labels = _unmasked(labels)
        if labels.shape == (n_rows, 1):
            labels = labels[:, 0]
        if labels.shape != (n_rows,):
            raise ValueError(
                f"estimator.predict returned an array of shape {labels.shape} for "
                f"{n_rows} samples; one label for each is needed, not probabilities. "
                "Classifiers with several outputs (multi-output) cannot be smoothed."
            )
        if self._is_range and labels.dtype.kind in "iu":
            known = (labels >= 0) & (labels < len(self._classes))
            at = labels
        elif self._position is not None:
            at = self._looked_up(labels)
            known = at >= 0
        else:
            try:
                at = np.searchsorted(self._sorted, labels)
            except TypeError:  # labels of another kind have no place among the classes
                at = np.zeros(n_rows, dtype=np.intp)
            at = self._order[np.minimum(at, len(self._order) - 1)]
            known = np.broadcast_to(self._classes[at] == labels, labels.shape)
            if self._is_large and labels.dtype.kind != self._classes.dtype.kind:
                known = known & [
                    isinstance(label, int) and label == own
                    for label, own in zip(
                        labels.tolist(), self._classes[at].tolist(), strict=True
                    )
                ]
        if not np.all(known):
            unknown = labels[~known].tolist()
            raise UnknownLabelError(
                f"estimator.predict returned {unknown[0]!r} for {len(unknown)} of "
                f"{n_rows} samples, which is not in its classes "
                f"{listed(self._classes)}. All labels that it may return have to be in "
                "its classes_, or in the parameter classes of from_fitted."
            )
        return at

    def _looked_up(self, labels):
        try:
            found = (self._position.get(label, -1) for label in labels)
            return np.fromiter(found, dtype=np.intp, count=len(labels))
        except TypeError as error:
            raise ValueError(
                f"estimator.predict returned an array of {type(labels[0]).__name__}; "
                "one label per sample is needed."
            ) from error


def check_classes(classes):
    """Refuse classes that labels cannot be counted for.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If there are none, if two are equal, or if one does not equal itself.
    """
    if np.ndim(classes) != 1:
        raise ValueError(f"classes must be a list of labels, got {classes!r:.200}.")
    if not len(classes):
        raise ValueError("estimator has no classes: its classes_ is empty.")
    labels = classes.tolist()
    strange = [label for label in labels if not _equals_itself(label)]
    if strange:
        raise ValueError(
            f"estimator has the class {strange[0]!r} in classes_, which does not equal "
            "itself, so no vote can be counted for it. Give samples without a label a "
            "label of their own, or leave them out of the training data."
        )
    seen: set = set()
    repeated = [label for label in labels if label in seen or seen.add(label)]
    if repeated:
        raise ValueError(
            f"estimator has the class {repeated[0]!r} more than once in "
            f"classes_={listed(classes)}; each class must be there once."
        )


def _equals_itself(label):
    try:
        return bool(label == label)
    except TypeError:  # pandas.NA is neither equal nor different
        return False


def _unmasked(labels):
    if np.ma.isMaskedArray(labels):
        n_masked = int(np.ma.count_masked(labels))
        if n_masked:
            raise ValueError(
                f"estimator.predict returned {n_masked} masked labels of {labels.size};"
                " a masked label counts for no class. Return a label for every sample."
            )
        labels = labels.data
    return array_of_labels(labels)


def check_given_labels(y, name="y"):
    """Refuse labels that are missing, masked, or equal only once they are texts.

    `numpy` makes the number 1 and the text "1" of a list one label, and fails to sort
    None among texts.

    Parameters
    ----------
    y : object
        Labels as the user gives them; what is no array-like is left alone.
    name : str, default="y"

    Raises
    ------
    ValueError
        For such labels.
    """
    refuse_masked(y, name)
    is_list = isinstance(y, (list, tuple))
    if is_list:
        values = list(y)
    elif getattr(getattr(y, "dtype", y), "kind", "O") == "O":
        values = np.asarray(y, dtype=object).ravel().tolist()
    else:
        return
    if y is None or hasattr(y, "toarray") or not all(map(_is_scalar, values)):
        return
    missing = sum(value is None or not _equals_itself(value) for value in values)
    if missing:
        raise ValueError(
            f"{name} contains NaN or another missing value, {missing} of "
            f"{len(values)} labels: leave these samples out, or give them a label of "
            "their own."
        )
    texts = [isinstance(value, str) for value in values]
    if any(texts) and not all(texts):
        text, other = values[texts.index(True)], values[texts.index(False)]
        raise ValueError(
            f"{name} has labels of several types, such as {text!r} and {other!r}, "
            "which cannot be told apart or put in order. Make all of them texts or all "
            "of them numbers."
        )
    if is_list:
        _refuse_changed(values, name)


def _refuse_changed(values, name):
    """Refuse labels of a list that are others in an array of `numpy`."""
    array = np.asarray(values).tolist()
    for given, held in zip(values, array, strict=True):
        if given != held:
            raise ValueError(
                f"{name} has the label {given!r:.200}, which becomes {held!r:.200} in "
                "an array of numpy. Give the labels in an array that holds them as "
                "they are, such as np.array(labels, dtype=object)."
            )


def _is_scalar(value):
    return isinstance(value, (str, bytes)) or not np.iterable(value)


def array_of_labels(labels):
    """Return labels as an array that holds each of a list as it is."""
    array = np.asarray(labels)
    if isinstance(labels, (list, tuple)) and array.ndim == 1:
        # numpy makes [1, "1"] two equal strings, and drops zeros at the end of one.
        if array.dtype.kind in "fSU" and array.tolist() != list(labels):
            array = np.empty(len(labels), dtype=object)
            array[:] = labels
    return array
