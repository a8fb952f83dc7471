# SPDX-License-Identifier: BSD-3-Clause
"""How a denoiser comes to know the noise of the smoothed classifier it serves."""

from copy import copy

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted


def follow_noise(denoiser, **noise):
    """Tell a denoiser the noise, where it has parameters for that and left them None.

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
