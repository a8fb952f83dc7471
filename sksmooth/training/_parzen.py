# SPDX-License-Identifier: BSD-3-Clause
"""The kernel density classifier: noise augmentation with infinitely many copies."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import gen_batches
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sksmooth._arguments import check_weights
from sksmooth._compat import DocumentationLink, Interval, _fit_context
from sksmooth.certificates import check_given_labels, refuse_masked

# Kernel values held at once: 32 MiB of float64 for each temporary.
_CHUNK_ELEMENTS = 2**22


class ParzenClassifier(DocumentationLink, ClassifierMixin, BaseEstimator):
    r"""Bayes classifier of a Gaussian kernel density estimate.

    It is where training with Gaussian noise augmentation leads with infinitely
    many noisy copies. Let sample :math:`i` have weight :math:`w_i`. A noisy copy of the
    training data is a draw from

    .. math:: p(x, c) = \sum_{i: y_i = c} w_i \, N(x; x_i, \sigma^2 I),

    and the classifier with the fewest errors under that law predicts

    :math:`\arg\max_c p(x, c)`, with posterior
    :math:`p(x, c) / \sum_k p(x, k)`. So the effect of noise augmentation can be
    studied without training noise. Class priors are the classes' shares of the
    training weight.

    Parameters
    ----------
    sigma : float, default=0.25
        Standard deviation of the kernel, in the units of `X`. It takes effect in
        `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    class_prior_ : ndarray of shape (n_classes,)
        Share of the training weight of each class.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all of them are strings.

    See Also
    --------
    NoiseAugmentedClassifier : Any classifier fitted on finitely many noisy copies.

    Notes
    -----
    The fitted object holds the training samples as float64. Prediction costs one
    matrix product of the queries with the training samples and one exponential for
    each pair; it runs in chunks of queries, so that it needs about 64 MiB besides
    `X` and the result, or two rows of length ``n_samples`` where that is more.
    Exponentials are taken relative to the largest one of each class, so far from all
    data the posterior is still right. Samples of weight 0 are left out.

    References
    ----------
    E. Parzen, "On Estimation of a Probability Density Function and Mode", Annals of
    Mathematical Statistics 33(3), 1962: the kernel estimate.

    L. Holmström and P. Koistinen, "Using Additive Noise in Back-Propagation
    Training", IEEE Transactions on Neural Networks 3(1), 1992: training with additive
    noise draws from that estimate.

    Examples
    --------
    One point at 0 between two of the other class. The middle class keeps its point
    until sigma is 1 / sqrt(2 log 2) = 0.849:

    >>> from sksmooth.training import ParzenClassifier
    >>> X, y = [[-1.0], [0.0], [1.0]], ["outer", "middle", "outer"]
    >>> print(*ParzenClassifier(sigma=0.8).fit(X, y).predict(X))
    outer middle outer
    >>> print(*ParzenClassifier(sigma=0.9).fit(X, y).predict(X))
    outer outer outer
    """

    _parameter_constraints: dict = {
        "sigma": [Interval(Real, 0, np.inf, closed="neither")]
    }

    def __init__(self, sigma: float = 0.25) -> None:
        self.sigma = sigma

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Keep the training samples, their classes and their weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples, finite.

        y : array-like of shape (n_samples,)
            Class labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative; a weight of 2 is the same as the
            sample given twice. None weighs all samples alike.

        Returns
        -------
        self : ParzenClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If sigma is not positive and finite, if a weight is negative or all are
            zero, or if sigma is too small for the spread of `X` to be computed with.
        """
        check_given_labels(y)
        refuse_masked(X, "X")
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weight = check_weights(sample_weight, X.shape[0])
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_classes = self.classes_.size
        totals = np.bincount(codes, weight, minlength=n_classes)
        self.class_prior_ = totals / weight.sum()

        # Sorted by class: each class is one slice, empty if its weight is zero.
        order = np.argsort(codes, kind="stable")
        order = order[weight[order] > 0]
        ends = np.cumsum(np.bincount(codes[order], minlength=n_classes))
        self._members = [slice(*ab) for ab in zip([0, *ends], ends, strict=False)]

        # log w - |x - c|^2 / (2 sigma^2) is, up to a term of the query x alone, the
        # product x.c / sigma^2 plus an offset of the center c. Subtracting the mean
        # first keeps the terms small and their difference accurate.
        X, self._sigma = X[order], float(self.sigma)
        with np.errstate(over="ignore", invalid="ignore"):
            self._mean = X.mean(axis=0)
            self._centers = (X - self._mean) / self._sigma
            square = np.einsum("ij,ij->i", self._centers, self._centers)
            self._offset = np.log(weight[order]) - square / 2
        if not np.isfinite(self._offset).all():
            raise ValueError(
                f"sigma={self.sigma!r} is too small for the spread of X: squared "
                "distances in units of sigma overflow. Rescale X or raise sigma."
            )
        return self

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logarithm of the posterior probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to classify.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; -inf for a class without weight.

        Raises
        ------
        ValueError
            If a sample is so far from the training samples, in units of sigma, that the
            kernel cannot be computed with. All methods that take samples do so.
        """
        return log_softmax(self._log_joint(X), axis=1)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Posterior probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to classify.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; samples sum to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable class; the first of `classes_` in a tie.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples to classify.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Class labels.
        """
        joint = self._log_joint(X)
        return self.classes_[joint.argmax(axis=1)]

    def _log_joint(self, X):
        """Log of p(x, c), up to a constant of the sample, of shape (rows, classes)."""
        check_is_fitted(self)
        refuse_masked(X, "X")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        n_rows, n_centers = X.shape[0], self._centers.shape[0]
        joint = np.full((n_rows, len(self.classes_)), -np.inf)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in gen_batches(n_rows, max(1, _CHUNK_ELEMENTS // n_centers)):
                logits = (X[rows] - self._mean) / self._sigma @ self._centers.T
                logits += self._offset
                for c, members in enumerate(self._members):
                    if members.start < members.stop:
                        joint[rows, c] = _logsumexp_rows(logits[:, members])
        if not np.isfinite(joint.max(axis=1)).all():
            raise ValueError(
                "X holds samples too far from the training data for sigma="
                f"{self._sigma!r}: squared distances in units of sigma overflow. "
                "Rescale X or raise sigma."
            )
        return joint


def _logsumexp_rows(values):
    """Log of the row sums of exp(values); overwrites its argument."""
    top = values.max(axis=1, keepdims=True)
    values -= top
    np.exp(values, out=values)
    return np.log(values.sum(axis=1)) + top[:, 0]
