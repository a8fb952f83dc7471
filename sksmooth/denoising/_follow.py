# SPDX-License-Identifier: BSD-3-Clause
"""How a denoiser comes to know the noise of the smoothed classifier it serves."""

from copy import copy

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sksmooth._estimators import refuse_class
from sksmooth.denoising._posterior_mean import PosteriorMeanDenoiser


def follow_noise(denoiser, **noise):
    """Set the parameters of a denoiser that describe the noise, where they are None.

    Parameters
    ----------
    denoiser : transformer
        Fitted or not; it is left as it is.
    **noise : dict
        Any of ``sigma``, ``noise``, ``feature_scale``, ``noise_features``.

    Returns
    -------
    transformer
        A clone of a denoiser that is not fitted; of a fitted one a shallow copy, which
        shares what was fitted.
    """
    params = denoiser.get_params(deep=False) if hasattr(denoiser, "get_params") else {}
    followed = {
        name: value
        for name, value in noise.items()
        if name in params and params[name] is None
    }
    try:
        check_is_fitted(denoiser)
        told = copy(denoiser)
    except NotFittedError:
        told = clone(denoiser)
    return told.set_params(**followed) if followed else told


def fit_denoiser(denoiser, X, y, sample_weight=None, **noise):
    """Fit a clone of a denoiser that is told the noise.

    Parameters
    ----------
    denoiser : "posterior_mean" or transformer
        It is left as it is.
    X : array-like of shape (n_samples, n_features) or (n_samples, ...)
        Clean samples.
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), default=None
        Passed on where the denoiser's `fit` takes weights.
    **noise : dict
        As in `follow_noise`.

    Returns
    -------
    transformer

    Raises
    ------
    TypeError
        If `denoiser` is a class.
    """
    if isinstance(denoiser, str):
        denoiser = PosteriorMeanDenoiser()
    refuse_class(denoiser, "denoiser")
    fitted = clone(follow_noise(denoiser, **noise))
    weights = {}
    if sample_weight is not None and has_fit_parameter(fitted, "sample_weight"):
        weights["sample_weight"] = sample_weight
    return fitted.fit(X, y, **weights)
