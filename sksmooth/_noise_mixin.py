# SPDX-License-Identifier: BSD-3-Clause
"""From the parameters of a smoothed classifier to its noise: law, columns, units."""

from __future__ import annotations

import operator

import numpy as np

from sksmooth.noise import (
    LAWS,
    DeletedWords,
    Law,
    Resample,
    Splitting,
    TokenDeletion,
)
from sksmooth.samples import (
    Categories,
    categorical_positions,
    column_of,
    resolve_scale,
    values_of,
    whole_rows,
)
from sksmooth.votes import columns_with_categories


class NoiseMixin:
    """The noise of a classifier, by `sigma`, `noise`, `norm` and the choice of columns.

    What `fit` learns is categories and units of columns. Parameters that are set after
    it are followed where that needs no training samples, and refused elsewhere.
    """

    def noise_law(self, n_features: int | None = None) -> Law:
        """Return the law of the noise.

        Parameters
        ----------
        n_features : int, default=None
            Number of values in a sample that take noise; certificates in some norms
            depend on it. Not needed where `feature_scale_` says it.

        Returns
        -------
        Law
            A law of `sksmooth.noise`.
        """
        return self._law(n_features)

    def _law(self, n_features, X=None):
        """Return the law of the noise of samples."""
        if self._counts_words():
            probability = self.noise.probability
            return DeletedWords(self.sigma, self.norm, n_features, None, probability)
        scale = self._scale() if hasattr(self, "_scale_of") else None
        drawn = self._known_categories()
        if drawn is not None:
            noisy = np.flatnonzero(scale)
            cardinalities = [len(drawn[at]) if at in drawn else 0 for at in noisy]
            return self.noise.bind(self.sigma, cardinalities, scale[noisy], self.norm)
        scale = None if scale is None else scale[scale > 0]
        cells = self._cells(scale, X) if self.noise == Splitting.name else {}
        return LAWS[self.noise](self.sigma, self.norm, n_features, scale, **cells)

    def _cells(self, scale, X):
        """Parameters of splitting noise that samples say."""
        ranges = getattr(self, "_ranges", None)
        if ranges is not None and self._scale() is self.feature_scale_:
            return ranges._asdict()
        # Fitted elsewhere, or in other units: parameters say it, as neither a sample
        # nor those beside it may decide which noise there is.
        if self.method == "monte_carlo":
            return {"whole": False}
        if X is not None and not (whole := whole_rows(values_of(X), scale)).all():
            raise ValueError(
                f"Sample {np.argmin(whole)} of X is not of whole multiples of the "
                f"units, for which noise='splitting' takes samples if "
                f"method={self.method!r} and fit has not learned otherwise. Set "
                "method='monte_carlo' for all samples, state a finer unit as "
                "feature_scale, or use fit."
            )
        return {"whole": True}

    def _counts_words(self):
        """Whether samples are counts of words, of which the noise deletes some."""
        return isinstance(self.noise, TokenDeletion)

    def _learn_categories(self, rows):
        """Learn the categories of the columns whose categories are drawn anew."""
        self._categories = None
        if not isinstance(self.noise, Resample):
            return
        if rows is None:
            raise ValueError(
                f"noise={self.noise!r} draws categories that are learned in fit, and "
                "from_fitted has no training samples. Use "
                "SmoothedClassifier(FrozenEstimator(clf), noise=...).fit(X, y)."
            )
        found = categorical_positions(
            self.noise.categorical_features,
            names=getattr(self, "feature_names_in_", None),
            n_features=self.n_features_in_,
            with_categories=columns_with_categories(rows),
        )
        adds = self.noise.adds_missing
        learned = {at: Categories(column_of(rows, at), adds) for at in found}
        # Noise cannot change a feature that has one category only: it is held fixed.
        self._categories = {
            at: known for at, known in learned.items() if len(known) > 1
        }
        self._constant = [at for at, known in learned.items() if len(known) == 1]
        self._categories_of = self.noise.categorical_features

    def _known_categories(self):
        """Categories by positions of their columns, or None where none are drawn."""
        if not isinstance(self.noise, Resample):
            return None
        now = self.noise.categorical_features
        if getattr(self, "_categories", None) is None or not (
            self._categories_of is now or list(self._categories_of) == list(now)
        ):
            raise ValueError(
                f"noise={self.noise!r} draws other columns anew than those of which "
                "fit has learned the categories: fit again."
            )
        return self._categories

    def _numbers_of(self, scale):
        """Positions of the features with noise of numbers."""
        drawn = self._known_categories() or {}
        return np.array([at for at in np.flatnonzero(scale) if at not in drawn], int)

    def _learn_scale(self, rows):
        """Fix the unit of each feature for the parameters as they are."""
        self.feature_scale_ = self._resolved_scale(rows)
        self._scale_of = self._scale_parameters()

    def _scale_parameters(self):
        return self.noise_features, self.feature_scale, self._known_categories()

    def _scale(self):
        """Unit of each feature; parameters may have been set since `fit`."""
        now = self._scale_parameters()
        if all(map(operator.is_, self._scale_of, now)):
            return self.feature_scale_
        return self._resolved_scale(None)

    def _resolved_scale(self, rows):
        drawn = self._known_categories()
        if all(given is None for given in self._scale_parameters()):
            return None
        if self._counts_words():
            raise ValueError(
                f"noise={self.noise!r} deletes words of all columns: leave "
                "noise_features and feature_scale None."
            )
        if not hasattr(self, "n_features_in_"):
            raise ValueError(
                f"estimator={self.estimator!r} does not state how many features it "
                "takes, which noise_features and feature_scale need."
            )
        scale = resolve_scale(
            self.noise_features,
            self.feature_scale,
            names=getattr(self, "feature_names_in_", None),
            n_features=self.n_features_in_,
            X=rows,
            categorical=[] if drawn is None else [*drawn, *self._constant],
        )
        if drawn is not None:
            scale[self._constant] = 0.0
            if not scale.any():
                raise ValueError(
                    f"each column that noise={self.noise!r} draws anew has one "
                    "category, and no other takes noise; at least one is needed."
                )
        return scale
