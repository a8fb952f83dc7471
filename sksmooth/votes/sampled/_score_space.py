# SPDX-License-Identifier: BSD-3-Clause
"""The space in which the linear scores of several classes differ."""

import numpy as np

from sksmooth.votes._source import Declined

_EPS = np.finfo(np.float64).eps


class ScoreSpace:
    """Linear scores of K classes, in an orthonormal basis of where they differ.

    It is a function of a fitted classifier, of sigma, and of which features are held
    fixed: it is computed once for all samples.

    Parameters
    ----------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
        The scores; the first of equal ones wins.
    sigma : float
        Standard deviation of the noise.
    held : ndarray of bool of shape (n_features,), default=None
        Features that take no noise; they add to the scores of a sample.

    Attributes
    ----------
    basis : ndarray of shape (n_noisy_features, rank)
    coef : ndarray of shape (n_classes, rank)
    intercept : ndarray of shape (n_classes,)
        Less the largest one; minus infinity for a class that is never predicted.
    held : ndarray of bool of shape (n_features,) or None
        None where there are none.
    held_coef : ndarray of shape (n_classes, n_held_features)
    rounding_per_norm, rounding : ndarray of shape (n_classes,)
        Bounds on the rounding error of scores: per norm of a sample, and of any sample.
    noise_coef : ndarray of shape (n_classes, rank)
        Coefficients of noise of standard deviation 1.
    deviations : ndarray of shape (n_classes, n_classes)
        Standard deviation of the difference of two scores under the noise.
    least_deviation : float
        The least of those of classes that differ.

    Raises
    ------
    Declined
        If there are features without noise, and the scores depend on no others.
    """

    def __init__(self, coef, intercept, sigma, held=None):
        self.held = held if held is not None and held.any() else None
        noisy_coef = coef
        if self.held is not None:
            self.held_coef, noisy_coef = coef[:, held], coef[:, ~held]
        # A common vector added to all scores changes no prediction.
        differing = noisy_coef - noisy_coef.mean(axis=0)
        left, scale, right = np.linalg.svd(differing, full_matrices=False)
        if self.held is not None and not scale[0] > 0:
            raise Declined("its scores do not depend on the columns that take noise")
        rank = int(np.sum(scale > scale[0] * _EPS * len(right)))
        self.basis = right[:rank].T
        self.coef = np.ascontiguousarray((left * scale)[:, :rank])
        # Against the largest one: a class far behind must not cost the others digits.
        self.intercept = intercept - intercept.max()
        # Of classes with the same score only the first is ever predicted; here their
        # scores could come out different in the last bits.
        both = np.column_stack([coef, intercept])
        _, first = np.unique(both, axis=0, return_index=True)
        never = np.setdiff1d(np.arange(len(both)), first)
        self.intercept[never] = -np.inf
        # Rounding errors grow with the coefficients as given, not with what is left of
        # them once a common vector is subtracted.
        n_terms = coef.shape[1] + 8
        self.rounding_per_norm = n_terms * _EPS * np.linalg.norm(coef, axis=1)
        self.rounding = n_terms * _EPS * np.abs(intercept)
        self.noise_coef = sigma * self.coef
        self.deviations = np.stack(
            [np.linalg.norm(self.noise_coef - of, axis=1) for of in self.noise_coef]
        )
        same = np.array([(noisy_coef == of).all(axis=1) for of in noisy_coef])
        self.deviations[same] = 0.0
        different = ~same
        different[never] = different[:, never] = False
        self.least_deviation = np.min(self.deviations, where=different, initial=np.inf)
