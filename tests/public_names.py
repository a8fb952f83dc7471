# SPDX-License-Identifier: BSD-3-Clause
"""What of the package is public."""

import inspect
from importlib import import_module
from importlib.util import find_spec

# A room of which everything in `__all__` is public has None. The others have names for
# other rooms in it too.
PUBLIC = {
    "sksmooth": None,
    "sksmooth.conformal": None,
    "sksmooth.metrics": None,
    "sksmooth.shrinkage": None,
    "sksmooth.training": None,
    "sksmooth.denoising": ["PosteriorMeanDenoiser"],
    "sksmooth.inspection": None,
    "sksmooth.noise": [
        "Erase",
        "Gaussian",
        "Laplace",
        "Resample",
        "Splitting",
        "TokenDeletion",
        "Uniform",
    ],
    "sksmooth.bounds": [
        "ThresholdTest",
        "clopper_pearson_lower",
        "clopper_pearson_upper",
    ],
}
NEED_TORCH = {"ConsistencyNet", "MACERNet", "NoiseAugmentedNet", "SmoothAdvNet"}
HAS_TORCH = all(map(find_spec, ("torch", "skorch")))


def names_of(room):
    """Public names of a room; those that need torch only where it is."""
    names = PUBLIC.get(room) or import_module(room).__all__
    return [name for name in names if HAS_TORCH or name not in NEED_TORCH]


def public_objects():
    """Each public class and function, by its dotted name."""
    return {
        f"{room}.{name}": getattr(import_module(room), name)
        for room in PUBLIC
        for name in names_of(room)
        if name != "__version__"
    }


def own_methods(cls):
    """Public methods and properties of a class that this package has written."""
    methods = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            written = getattr(member, "fget", member)
            written = inspect.unwrap(getattr(written, "__func__", written))
            here = getattr(written, "__module__", None) or ""
            if here.partition(".")[0] != "sksmooth" or not callable(written):
                methods.pop(name, None)
            elif not name.startswith("_") or name in ("__init__", "__call__"):
                methods[name] = written
    return methods
