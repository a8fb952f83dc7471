# SPDX-License-Identifier: BSD-3-Clause
"""Labels of a classifier behind transformers, and what its `predict` has to decide."""

import numpy as np

from sksmooth._estimators import take_rows


class FastLabels:
    """Labels of noisy copies, from a `FastPredictor` and from `predict`.

    Parameters
    ----------
    transformers : list of fitted transformers
        What is applied to rows before the classifier proper, with their own methods, so
        that it is given what it is given in `predict`.
    predictor : FastPredictor
    """

    def __init__(self, transformers, predictor):
        self.transformers = transformers
        self.predictor = predictor

    def positions(self, copies, predicted):
        """Position of the label of each copy.

        Parameters
        ----------
        copies : ndarray or DataFrame of shape (n_copies, ...)
            What `predict` of the whole would be given.
        predicted : callable
            From copies to the positions of the labels that `predict` gives.

        Returns
        -------
        ndarray of int of shape (n_copies,)
        """
        # What a transformer computes by BLAS may differ in the last bits between pieces
        # of different sizes, as it may between batches of predict.
        step = self.predictor.n_rows
        pieces = [
            self._of_piece(take_rows(copies, slice(start, start + step)), predicted)
            for start in range(0, len(copies), step)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _of_piece(self, copies, predicted):
        rows = self.rows(copies)
        if rows is None:
            return predicted(copies)
        positions, unsure = self.predictor.positions(rows)
        if unsure.any():
            positions[unsure] = predicted(take_rows(copies, unsure))
        return positions

    def rows(self, copies):
        """Rows of float64 as the classifier proper is given them.

        None where it is given anything else, which is left to `predict`, unless the
        predictor takes anything.
        """
        for transformer in self.transformers:
            copies = transformer.transform(copies)
        if self.predictor.takes_any:
            return copies
        rows = np.asarray(copies)
        is_covered = rows.dtype == np.float64 or (
            rows.dtype == np.float32 and self.predictor.takes_float32
        )
        if not is_covered or rows.shape != (len(rows), self.predictor.n_features):
            return None
        return rows.astype(np.float64, copy=False)
