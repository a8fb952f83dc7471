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

    def positions(self, labels):
        """Position of each label of a one-dimensional array."""
        labels = np.asarray(labels)
        if labels.ndim != 1:
            raise ValueError(
                f"estimator.predict returned an array of shape {labels.shape}, one "
                "label per row is needed: multi-output classifiers cannot be smoothed."
            )
        if self._is_range and labels.dtype.kind in "iu":
            known = (labels >= 0) & (labels < len(self._classes))
            at = labels
        else:
            at = np.searchsorted(self._sorted, labels)
            at = self._order[np.minimum(at, len(self._order) - 1)]
            known = self._classes[at] == labels
        if not np.all(known):
            stranger = labels[~np.asarray(known)][0]
            raise ValueError(
                f"estimator.predict returned {stranger!r}, which is not in its "
                f"classes {self._classes.tolist()}."
            )
        return at
