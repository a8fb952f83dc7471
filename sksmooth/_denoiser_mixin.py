# SPDX-License-Identifier: BSD-3-Clause
"""A smoothed classifier behind a denoiser, which knows the noise."""

from __future__ import annotations

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sksmooth._noise_mixin import NoiseMixin
from sksmooth.denoising import PosteriorMeanDenoiser, follow_noise
from sksmooth.denoising._follow import fit_denoiser


class DenoiserMixin(NoiseMixin):
    """The denoiser of a classifier, by its parameter `denoiser`."""

    def _fit_denoiser(self, X, y, sample_weight):
        """Fit the denoiser on the training samples, or take it as it is if frozen."""
        own = self.denoiser
        if own is None or isinstance(own, FrozenEstimator):
            return own
        if isinstance(own, str):
            own = PosteriorMeanDenoiser()
        fitted = fit_denoiser(own, X, y, sample_weight, **self._noise_of_denoiser())
        # What it was told of the noise is told again before each use.
        return fitted.set_params(**own.get_params(deep=False))

    def _fitted_denoiser(self):
        """The denoiser of `from_fitted`, which has no training samples."""
        if self.denoiser is None:
            return None
        try:
            check_is_fitted(self.denoiser)
        except (NotFittedError, TypeError):
            raise NotFittedError(
                f"denoiser={self.denoiser!r} is not fitted, and from_fitted has no "
                "training samples: pass it fitted, such as "
                "PosteriorMeanDenoiser().fit(X_train), or use "
                "SmoothedClassifier(FrozenEstimator(clf), denoiser=...).fit(X, y)."
            ) from None
        return self.denoiser

    def _learn_denoiser(self, fitted):
        """Keep a fitted denoiser, and what it was made of."""
        self.denoiser_ = fitted
        self._denoiser_of = self.denoiser, _parameters_of(self.denoiser)

    def _check_denoiser(self):
        """Refuse another denoiser than the one that was fitted."""
        own, parameters = self._denoiser_of
        now = self.denoiser
        if now is own and (own is self.denoiser_ or isinstance(own, str)):
            return
        if type(now) is not type(own) or _parameters_of(now) != parameters:
            raise ValueError(
                f"denoiser={now!r} was set after fit, which has fitted {own!r}"
                f"{'' if now is not own else ' of other parameters'}: fit again."
            )

    def _noise_of_denoiser(self):
        """The noise as it is now, for `follow_noise`."""
        scale, drawn = self._scale(), self._known_categories()
        noise = {"noise": self.noise}
        if drawn is not None and self.noise.adds_missing:
            raise ValueError(
                f"denoiser={self.denoiser!r} is for noise of numbers and categories "
                f"drawn anew, and noise={self.noise!r} erases them. Leave denoiser "
                "None, or use Resample."
            )
        if drawn is not None:
            noise = {
                "noise": "gaussian",
                "resample_probability": self.noise.probability,
                "categorical_features": list(drawn),
            }
        return {
            "sigma": self.sigma,
            **noise,
            "feature_scale": scale,
            "noise_features": None if scale is None else self._numbers_of(scale),
        }

    def _base(self):
        """What is smoothed: the classifier, behind the denoiser if there is one."""
        self._check_denoiser()
        if self.denoiser_ is None:
            return self.estimator_
        denoiser = follow_noise(self.denoiser_, **self._noise_of_denoiser())
        return Pipeline([("denoiser", denoiser), ("classifier", self.estimator_)])


def _parameters_of(denoiser):
    """Parameters of a denoiser as texts, which are the same after a copy."""
    if denoiser is None or isinstance(denoiser, str):
        return denoiser
    get_params = getattr(denoiser, "get_params", dict)
    return {name: repr(value) for name, value in get_params().items()}
