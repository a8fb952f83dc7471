# SPDX-License-Identifier: BSD-3-Clause
"""The posterior mean of the clean sample: a denoiser that needs no training."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,
)

from sksmooth._arguments import check_weights, real_numbers
from sksmooth._compat import (
    DocumentationLink,
    Interval,
    StrOptions,
    _fit_context,
    feature_names_in,
)
from sksmooth._estimators import is_frame
from sksmooth._typing import RandomState
from sksmooth.denoising._columns import Columns
from sksmooth.denoising._likelihood import GaussianLikelihood, find_likelihood
from sksmooth.denoising._posterior import Posterior, neighbor_order
from sksmooth.denoising._prior import choose_bandwidth, find_prototypes
from sksmooth.denoising._products import COLUMNS, one_blas_thread

# Noisy samples are denoised by this many, so that all that is computed of them stays in
# the cache; a multiple of the columns of a product.
_ROWS = 4 * COLUMNS
# Squares, and ratios of squares, of what is smaller do not overflow.
_LARGEST = 1e75


class PosteriorMeanDenoiser(DocumentationLink, TransformerMixin, BaseEstimator):
    r"""Replace a noisy sample by the posterior mean of the clean one.

    The training samples :math:`x_i`, with weights :math:`w_i`, are the prior. A noisy
    sample :math:`z` is mapped to

    .. math:: D(z) = \frac{\sum_i w_i \, p(z \mid x_i) \, x_i}
                          {\sum_i w_i \, p(z \mid x_i)}

    with :math:`p(z \mid x)` the density of the noise [1]_ [2]_: the estimate of least
    squared error under that prior. In front of a classifier that was trained without
    noise and is left as it is, it reduces the cost of smoothing without any training
    [3]_; what is smoothed and certified is the classifier behind the denoiser.

    Parameters
    ----------
    bandwidth : float or "auto", default=0.0
        Standard deviation h of Gaussian kernels that widen the prior, for Gaussian
        noise: the density of :math:`z` given :math:`x_i` has variance
        :math:`\sigma^2 + h^2`, and the mean is drawn towards :math:`z` by the share
        :math:`h^2 / (\sigma^2 + h^2)`. In units of `feature_scale`. "auto" chooses the
        one under which left-out training samples are most likely.

    n_prototypes : int, default=None
        Most samples of the prior; if there are more, means of k-means clusters stand
        for them, with the weights of the clusters. None keeps all.

    sigma : float, default=None
        Standard deviation of the noise. None follows the smoothed classifier that the
        denoiser belongs to; without one it must be given.

    noise : {"gaussian", "laplace", "uniform"}, law of noise or None, default=None
        Distribution of the noise, independent in each feature. A law is an object with
        a `name` of these, or with a method ``log_density(differences)`` that returns
        log densities, feature by feature. None follows the smoothed classifier;
        without one it is "gaussian".

    feature_scale : array-like of shape (n_features,), default=None
        The noise of feature j has standard deviation ``sigma * feature_scale[j]``; 0
        holds a feature fixed. None follows the smoothed classifier; without one all
        are 1.

    noise_features : array-like of int, str or bool, default=None
        Columns with additive noise: positions, names or a mask. All others are held
        fixed, unless they are in `categorical_features`. None follows the smoothed
        classifier; without one it is all columns that are not in
        `categorical_features`.

    categorical_features : array-like of int, str or bool, default=None
        Columns whose categories are resampled, given likewise: with probability
        `resample_probability`, one of the categories seen in `fit` is drawn, each
        with the same probability. None takes those of `noise`, if it has any.

    resample_probability : float, default=None
        Probability with which a category is resampled. None takes that of `noise`.

    category_output : {"most_probable", "probabilities"}, default="most_probable"
        What becomes of resampled columns: their most probable category, the first in
        sorted order in a tie; or one column of posterior probability for each category
        in place of each, behind all other columns.

    random_state : int, RandomState instance or None, default=None
        Seed of k-means, and of the samples that are left out for
        ``bandwidth="auto"`` if there are more than 500.

    Attributes
    ----------
    samples_ : ndarray of shape (n_prior, n_noisy_features)
        Samples of the prior, in the columns with additive noise.

    sample_weight_ : ndarray of shape (n_prior,)
        Their weights; they sum to 1.

    bandwidth_ : float
        The bandwidth.

    categories_ : list of ndarray
        Categories of each column of `categorical_features`, sorted.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in `fit`, if they all were strings.

    Notes
    -----
    **Columns held fixed** pass through unchanged and do not enter the likelihood: no
    training sample is preferred because it has the same value there.

    **Privacy.** The fitted object holds its training samples, and at small sigma its
    output is one of them. Do not publish one that was fitted on samples that must not
    be published.

    **Uniform noise** gives all training samples within reach of the noise the same
    likelihood. If there is none, as is usual with many features, the training samples
    nearest in the maximum norm are taken.

    **The output for a sample depends on that sample alone**, to the last bit. Matrix
    products have a fixed shape and are done by one BLAS thread. They are in float32
    where log weights then are exact to 0.001, in float64 where that is needed, and
    differences take their place where digits would cancel in float64. What is far
    from all training samples is mapped to those nearest: log weights are relative to
    the largest.

    **Cost.** A noisy sample costs two products with the samples of the prior, so time
    is proportional to their number times that of the features; `n_prototypes` bounds
    it. Memory besides that of the prior does not grow with it.

    References
    ----------
    .. [1] K. Miyasawa, "An Empirical Bayes Estimator of the Mean of a Normal
       Population", Bulletin of the International Statistical Institute 38, 1961.
    .. [2] B. Efron, "Tweedie's Formula and Selection Bias", Journal of the American
       Statistical Association 106(496), 2011.
    .. [3] H. Salman, M. Sun, G. Yang, A. Kapoor, J. Z. Kolter, "Denoised Smoothing: A
       Provable Defense for Pretrained Classifiers", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sksmooth.denoising import PosteriorMeanDenoiser
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> denoiser = PosteriorMeanDenoiser(sigma=0.5).fit(X)
    >>> denoiser.transform([[0.0], [0.3], [0.7], [9.0]]).round(3)
    array([[0.   ],
           [0.274],
           [0.686],
           [1.   ]])
    """

    _parameter_constraints: dict = {
        "bandwidth": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "n_prototypes": [None, Interval(Integral, 1, None, closed="left")],
        "sigma": [None, Interval(Real, 0, None, closed="neither")],
        "noise": "no_validation",  # a law is known by what it has
        "feature_scale": [None, "array-like"],
        "noise_features": "no_validation",
        "categorical_features": "no_validation",
        "resample_probability": [None, Interval(Real, 0, 1, closed="right")],
        "category_output": [StrOptions({"most_probable", "probabilities"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        bandwidth: float | str = 0.0,
        n_prototypes: int | None = None,
        *,
        sigma: float | None = None,
        noise: Any = None,
        feature_scale: ArrayLike | None = None,
        noise_features: Any = None,
        categorical_features: Any = None,
        resample_probability: float | None = None,
        category_output: str = "most_probable",
        random_state: RandomState = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.n_prototypes = n_prototypes
        self.sigma = sigma
        self.noise = noise
        self.feature_scale = feature_scale
        self.noise_features = noise_features
        self.categorical_features = categorical_features
        self.resample_probability = resample_probability
        self.category_output = category_output
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Keep the training samples, or prototypes of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Clean training samples. Columns with noise are finite numbers.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the prior, not negative.

        Returns
        -------
        self : PosteriorMeanDenoiser
            The fitted denoiser.

        Raises
        ------
        ValueError
            If a parameter, `X` or a weight is invalid.
        """
        X, _ = self._check(X, reset=True)
        weight = check_weights(sample_weight, len(X))
        columns = self._find_columns(X)
        numbers = columns.numbers(X, self)
        categories = columns.categories(X)
        if categories and self.n_prototypes is not None:
            raise ValueError(
                f"n_prototypes={self.n_prototypes!r} is not possible with "
                "categorical_features: a mean of categories is none. Use "
                "n_prototypes=None."
            )
        self.categories_ = [_categories_of(column) for column in categories]
        codes = [
            np.searchsorted(known, column)
            for known, column in zip(self.categories_, categories, strict=True)
        ]
        numbers, codes, weight = _merge_copies(numbers, codes, weight)
        scale = self._scale_of(columns)
        # Distances are computed about the median: a large offset would cancel in them,
        # and the mean may be far from most samples.
        self._center = np.median(numbers, axis=0)
        scaled = (numbers - self._center) / scale
        _check_size(scaled, "X")
        random_state = check_random_state(self.random_state)
        if self.bandwidth == "auto":
            self.bandwidth_ = choose_bandwidth(scaled, weight, random_state)
        else:
            self.bandwidth_ = float(self.bandwidth)
        if self.n_prototypes is not None:
            scaled, weight = find_prototypes(
                scaled, weight, int(self.n_prototypes), random_state
            )
        order = neighbor_order(scaled)
        scaled, weight = scaled[order], weight[order]
        self._codes = codes[order]
        self.samples_ = scaled * scale + self._center
        self.sample_weight_ = weight / weight.sum()
        self._columns, self._scale = columns, scale
        self._posterior = self._make_posterior(scale)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Posterior means of clean samples, given noisy ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Noisy samples.

        Returns
        -------
        ndarray or DataFrame of the shape of `X`
            A DataFrame for a DataFrame, float32 for float32. With
            ``category_output="probabilities"``, resampled columns are replaced by
            columns for their categories.

        Raises
        ------
        ValueError
            If sigma is None, if `X` or a parameter is invalid, or if other columns are
            noisy than in `fit`.
        """
        check_is_fitted(self)
        X, shape = self._check(X, reset=False)
        columns = self._find_columns(X)
        if columns != self._columns:
            raise ValueError(
                "noise_features, categorical_features or the zeros of feature_scale "
                "were changed after fit. Fit the denoiser again."
            )
        scale, posterior = self._scale_of(columns), self._posterior
        if not np.array_equal(scale, self._scale):
            posterior = self._make_posterior(scale)
        likelihood = self._find_likelihood(columns)
        numbers = columns.numbers(X, self)
        log_odds = self._log_odds(columns.categories(X), len(X))
        means = np.empty_like(numbers)
        probabilities = np.empty((len(X), log_odds.shape[1]))
        with one_blas_thread():
            for start in range(0, len(X), _ROWS):
                rows = slice(start, start + _ROWS)
                means[rows], probabilities[rows] = self._denoise(
                    posterior, likelihood, numbers[rows], log_odds[rows], scale
                )
        splits = np.cumsum([len(known) for known in self.categories_])[:-1]
        probabilities = np.split(probabilities, splits, axis=1)
        if not columns.categorical:
            probabilities = []
        if self.category_output == "probabilities":
            return columns.expand(X, means, probabilities, self.categories_)
        chosen = [
            known[probability.argmax(axis=1)]
            for known, probability in zip(self.categories_, probabilities, strict=True)
        ]
        return columns.replace(X, means, chosen, shape)

    def _denoise(self, posterior, likelihood, numbers, log_odds, scale):
        """Means and probabilities of a batch that stays in the cache."""
        noisy = numbers - self._center
        is_scaled = bool((scale != 1).any())
        if is_scaled:
            noisy /= scale
        if noisy.shape[1]:
            _check_size(noisy, "X / sigma", float(self.sigma))
        means, probabilities = posterior.mean(likelihood, noisy, log_odds)
        if self.bandwidth_:
            own = self.bandwidth_**2 / likelihood.variance
            means = (1 - own) * means + own * noisy
        if is_scaled:
            means *= scale
        means += self._center
        return means, probabilities

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]:
        """Names of the columns of the output.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of the input; None takes those seen in `fit`, or
            ``x0``, ``x1`` and so on.

        Returns
        -------
        names : ndarray of str objects
            Those of the input, with ``name_category`` for probabilities of categories.
        """
        check_is_fitted(self)
        names = feature_names_in(self, input_features)
        if self.category_output == "most_probable" or not self.categories_:
            return names
        return self._columns.expanded_names(names, self.categories_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check(self, X, reset):
        """`X` as a table, a DataFrame as it is, else a 2-D array; and its shape."""
        mixed = any(
            spec is not None for spec in (self.noise_features, self._category_spec())
        )
        as_frame = is_frame(X)
        if mixed:
            validate_data(self, X, reset=reset, skip_check_array=True)
            if as_frame:
                return X, X.shape
            X = X if hasattr(X, "dtype") else np.array(X, dtype=object)
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
            return X.astype(np.float64) if X.dtype.kind in "biu" else X, X.shape
        checked = validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], allow_nd=True
        )
        table = X if as_frame else checked.reshape(len(checked), -1)
        return table, checked.shape

    def _category_spec(self):
        if self.categorical_features is not None:
            return self.categorical_features
        return getattr(self.noise, "categorical_features", None)

    def _find_columns(self, X):
        return Columns.find(
            X, self.noise_features, self._category_spec(), self._all_scales()
        )

    def _all_scales(self):
        if self.feature_scale is None:
            return None
        scale = real_numbers(
            "feature_scale", self.feature_scale, "a list of numbers, one per feature"
        )
        if scale.ndim != 1:
            raise ValueError(
                f"feature_scale has shape {scale.shape}; give one number per feature."
            )
        if not np.isfinite(scale).all():
            raise ValueError(
                f"feature_scale={self.feature_scale!r:.200} contains NaN or infinity; "
                "standard deviations are finite."
            )
        if (scale < 0).any():
            raise ValueError(
                f"feature_scale holds the negative value {scale.min():g}; standard "
                "deviations are not negative."
            )
        return scale

    def _scale_of(self, columns):
        """Scales of the columns with additive noise."""
        scale = self._all_scales()
        n_numeric = len(columns.numeric)
        return np.ones(n_numeric) if scale is None else scale[list(columns.numeric)]

    def _make_posterior(self, scale):
        indicators = [
            codes[:, np.newaxis] == np.arange(len(known))
            for codes, known in zip(self._codes.T, self.categories_, strict=True)
        ]
        n_prior = len(self.samples_)
        return Posterior(
            (self.samples_ - self._center) / scale,
            np.log(self.sample_weight_),
            np.hstack([np.empty((n_prior, 0)), *indicators]),
        )

    def _find_likelihood(self, columns):
        if not columns.numeric:
            return GaussianLikelihood(1.0)  # of no features
        if self.sigma is None:
            raise ValueError(
                "sigma=None follows the smoothed classifier that the denoiser serves, "
                "and here there is none. Give the standard deviation of the noise: "
                "PosteriorMeanDenoiser(sigma=...)."
            )
        sigma = float(self.sigma)
        _check_size(sigma, "sigma")
        _check_size(1 / sigma, "1 / sigma")
        _check_size(self.bandwidth_, "bandwidth")
        noise = "gaussian" if self.noise is None else self.noise
        return find_likelihood(noise, sigma, self.bandwidth_)

    def _log_odds(self, categories, n_samples):
        """Log odds of the category that is seen, in the column of its indicator."""
        if not categories:
            return np.empty((n_samples, 0))
        probability = self.resample_probability
        if probability is None:
            probability = getattr(self.noise, "probability", None)
        if probability is None:
            raise ValueError(
                "resample_probability=None takes that of `noise`, which has none. Give "
                "the probability with which categories are resampled."
            )
        parts = []
        for column, known in zip(categories, self.categories_, strict=True):
            seen = column[:, np.newaxis] == known
            # Of a category that was not seen in `fit`, no sample is more likely.
            odds = np.log1p(len(known) * (1 - probability) / probability)
            parts.append(odds * seen)
        return np.hstack(parts)


def _check_size(values, name, unit=1.0):
    """Refuse what would overflow, instead of a mean that is nan."""
    largest = max(np.max(values, initial=0.0), -np.min(values, initial=0.0)) / unit
    if not largest < _LARGEST:
        raise ValueError(
            f"{name}, over feature_scale, holds the value {largest:.3g}; distances "
            f"are computed up to {_LARGEST:g}. Rescale the features and sigma."
        )


def _merge_copies(numbers, codes, weight):
    """Distinct samples in sorted order, with the sums of their weights.

    A weight of 2 is then the same as a sample given twice, to the last bit.
    """
    n_numbers = numbers.shape[1]
    table = np.column_stack([numbers, *codes])[weight > 0]
    table, owner = np.unique(table, axis=0, return_inverse=True)
    total = np.bincount(owner.ravel(), weight[weight > 0])
    return table[:, :n_numbers], table[:, n_numbers:].astype(int), total


def _categories_of(column):
    """Sorted categories of a column, without missing values."""
    missing = column != column
    if np.any(missing) or (column.dtype == object and any(v is None for v in column)):
        raise ValueError(
            "X has missing values in categorical_features. Impute them, or make them "
            "a category."
        )
    try:
        return np.unique(column)
    except TypeError as error:
        raise ValueError(
            "X has categories of several types in one column of categorical_features, "
            "which cannot be sorted. Give them one type, such as str."
        ) from error
