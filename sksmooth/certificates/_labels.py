# SPDX-License-Identifier: BSD-3-Clause
"""From the labels a base classifier answers to positions among its classes."""

import numpy as np


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
        self._order = np.argsort(self._classes, kind="stable")
        self._sorted = self._classes[self._order]
        self._is_range = self._classes.dtype.kind in "iu" and np.array_equal(
            self._classes, np.arange(len(self._classes))
        )

    def positions(self, labels, n_rows):
        """Position of each of `n_rows` labels, in a vector or in one column."""
        labels = np.asarray(labels)
        if labels.shape == (n_rows, 1):
            labels = labels[:, 0]
        if labels.shape != (n_rows,):
            raise ValueError(
                f"estimator.predict returned an array of shape {labels.shape} for "
                f"{n_rows} rows; one label per row is needed: multi-output classifiers "
                "cannot be smoothed."
            )
        if self._is_range and labels.dtype.kind in "iu":
            known = (labels >= 0) & (labels < len(self._classes))
            at = labels
        else:
            try:
                at = np.searchsorted(self._sorted, labels)
            except TypeError:  # labels of another kind have no place among the classes
                at = np.zeros(n_rows, dtype=np.intp)
            at = self._order[np.minimum(at, len(self._order) - 1)]
            known = np.broadcast_to(self._classes[at] == labels, labels.shape)
        if not np.all(known):
            stranger = labels[~known][0]
            raise ValueError(
                f"estimator.predict returned {stranger!r}, which is not in its "
                f"classes {self._classes.tolist()}."
            )
        return at
