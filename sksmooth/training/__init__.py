# SPDX-License-Identifier: BSD-3-Clause
"""Training with noise, and what it tends to with infinitely many noisy copies."""

from importlib import import_module
from typing import TYPE_CHECKING

from sksmooth.training._noise_augmented import NoiseAugmentedClassifier
from sksmooth.training._parzen import ParzenClassifier
from sksmooth.training._reweighted_noise import ReweightedNoiseClassifier

if TYPE_CHECKING:
    from sksmooth.training._consistency import ConsistencyNet
    from sksmooth.training._macer import MACERNet
    from sksmooth.training._noise_augmented_net import NoiseAugmentedNet
    from sksmooth.training._smoothadv import SmoothAdvNet

# Networks need torch and skorch, which are imported when one is used.
_NETS = {
    "ConsistencyNet": "_consistency",
    "MACERNet": "_macer",
    "NoiseAugmentedNet": "_noise_augmented_net",
    "SmoothAdvNet": "_smoothadv",
}

__all__ = [
    "ConsistencyNet",
    "MACERNet",
    "NoiseAugmentedClassifier",
    "NoiseAugmentedNet",
    "ParzenClassifier",
    "ReweightedNoiseClassifier",
    "SmoothAdvNet",
]


def __getattr__(name):
    if name not in _NETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_NETS[name]}")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "skorch"):
            raise
        raise ImportError(
            f"{name} needs torch and skorch: pip install 'sksmooth[torch]'."
        ) from error
    return getattr(module, name)


def __dir__():
    return sorted({*globals(), *_NETS})
