# SPDX-License-Identifier: BSD-3-Clause
"""What a vote source in closed form offers, and how a model is turned down."""

import abc

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.exact._numerics import PROBIT_MAX, clipped

# Seconds to draw and add one normal number.
_NORMAL_COST = 1.2e-8


class SelfCheckFailed(Declined):
    """The closed form contradicts `predict`, which the user should hear of."""


class ExactSource(abc.ABC):
    """Class probabilities of a fitted classifier under Gaussian noise, without votes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, in the base classifier's order.
    affine : AffineMap
        What is done to a sample before the classifier proper is called; the noise of
        its outputs must be independent. Features that it holds take no noise.
    predict_cost : float
        Estimated seconds that the base classifier takes per sample.

    Attributes
    ----------
    kind : {"exact", "interval"}
        Whether the ends that `probits` returns differ by rounding, or by more.
    single_precision : bool
        Whether the classifier proper casts what it is given to float32.
    predict_cost, vote_cost : float
        Estimated seconds for the base classifier to predict one sample, and for one
        sampled vote, noise and all.
    build_evaluations : int
        Calls of the base classifier, in samples, still to be made before the first
        result.

    Raises
    ------
    Declined
        If noise behind the affine map is not independent.
    """

    kind = "exact"
    single_precision = False
    build_evaluations = 0

    def __init__(self, classes, affine, predict_cost):
        self.classes = classes
        self.affine = affine
        self._noise_scale = affine.noise_scale
        self._noise_error = affine.noise_error
        self.predict_cost = predict_cost
        self.vote_cost = predict_cost + _NORMAL_COST * affine.n_features_in

    def probits(self, X, sigma):
        """Phi^-1 of the probability of each class at each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        sigma : float
            Standard deviation of the noise, in the units of X.

        Returns
        -------
        lower, upper : ndarray of shape (n_samples, n_classes)
            Finite, at most `PROBIT_MAX` in size. The exact probit of the classifier in
            real arithmetic lies between them; for exact forms they differ by bounds on
            the rounding of this computation alone.

        Raises
        ------
        ValueError
            If X does not have the shape the classifier was fitted on, or sigma is not
            positive.
        """
        X = self._checked(X)
        if not sigma > 0:
            raise ValueError(f"sigma={sigma!r} must be positive.")
        # What overflows ends as an interval that says nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            mapped = self._mapped(X)
            lower, upper = self._probits(mapped, sigma * self._noise_scale)
            unsure = self._is_unsure(X)
            lower[unsure], upper[unsure] = -PROBIT_MAX, PROBIT_MAX
            moved = self.affine.position_error(X, self._used_features)
            if moved is None:
                return lower, upper
            # A move of the sample by delta moves no probit by more than delta / sigma
            # (Cohen et al. 2019, Theorem 1).
            moved = moved[:, np.newaxis] / sigma
            return clipped(lower - moved, upper + moved)

    def predict_from_structure(self, X):
        """Labels that the extracted structure implies, without noise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes[self._positions(self._mapped(self._checked(X)))]

    def disagrees(self, X, labels):
        """Samples at which the structure contradicts labels, as a mask."""
        return self.predict_from_structure(X) != labels

    @abc.abstractmethod
    def cost_per_row(self, n_rows=1):
        """Estimated seconds per sample, from operation counts, for a call on n_rows.

        Right within a factor of about three on one core of a current machine. It is
        computed and not timed, so that a choice that rests on it is the same in every
        run.
        """

    def break_even_votes(self, n_rows=1):
        """Votes per sample at which sampling is estimated to cost the same."""
        return self.cost_per_row(n_rows) / self.vote_cost

    @property
    def _used_features(self):
        """Features after the affine map that the probits depend on."""
        return np.arange(self.affine.n_features_out)

    @property
    def _cuts(self):
        """Features after the affine map, and the values at which a label changes."""
        return np.zeros(0, dtype=np.intp), np.zeros(0)

    def _mapped(self, X):
        """Rows after the affine map, as they are compared with thresholds."""
        mapped = self.affine.apply(X)
        held = self.affine.held_outputs
        if self.single_precision and held.any():
            mapped = mapped.copy()
            mapped[:, held] = mapped[:, held].astype(np.float32)
        return mapped

    def _is_unsure(self, X):
        """Whether rounding may change on which side of a cut a held feature is."""
        unsure = np.zeros(len(X), dtype=bool)
        if self.affine.held is None:
            return unsure
        feature, threshold = self._cuts
        of_held = self.affine.held_outputs[feature]
        feature, threshold = feature[of_held], threshold[of_held]
        error = self.affine.held_error(X, feature)
        if error.any():
            distance = np.abs(self.affine.apply(X)[:, feature] - threshold)
            unsure = np.any((distance <= error) & (error > 0), axis=1)
        return unsure

    @abc.abstractmethod
    def _probits(self, X, scale):
        """`probits` after the affine map; `scale` is the noise of each feature."""

    @abc.abstractmethod
    def _positions(self, X):
        """Position of the class at each sample, after the affine map."""

    def _checked(self, X):
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.affine.n_features_in:
            raise ValueError(
                f"X has shape {X.shape}, (n_rows, {self.affine.n_features_in}) is "
                "needed."
            )
        return X
