# SPDX-License-Identifier: BSD-3-Clause
"""What the radii of a log are about must be stated in one way throughout its head."""

import math

_GRID_BITS = 20
_ON_A_GRID = ("gaussian", "laplace", "uniform", "splitting")
_BESIDE_CATEGORIES = ("erase", "resample")


def check_space(settings):
    """Check that the parts of the settings that say what radii are about agree.

    The units of the features, their number and the grid of the noise do not show in
    the votes of a row: a claim of larger units would be one of a larger radius.

    Parameters
    ----------
    settings : dict

    Raises
    ------
    LookupError, TypeError, ValueError
        If they contradict each other.
    """
    n_values = math.prod(_whole(size) for size in settings["row_shape"])
    n_features, scale = settings["n_features"], settings["scale"]
    noisy = None
    if scale is not None:
        _agree(len(scale) == n_values, scale=scale, row_shape=settings["row_shape"])
        noisy = [unit for unit in scale if unit != 0]
    _agree(
        settings.get("noise_scale") == noisy,
        scale=scale,
        noise_scale=settings.get("noise_scale"),
    )
    n_noisy = n_values if noisy is None else len(noisy)
    _agree(n_features == n_noisy, n_features=n_features, row_shape=n_values)
    if (features := settings["features"]) is not None:
        _agree(len(features) == n_values, features=features, row_shape=n_values)
    for name, value in dict(settings.get("law", {})).items():
        same = name in settings and settings[name] == value
        _agree(same, law=value, **{name: settings.get(name)})
    _check_grid(settings, [1.0] if noisy is None else noisy)


def _check_grid(settings, units):
    """Check the spacing of the grid, which follows from sigma and the units."""
    numbers = [0] * len(units)
    if settings["noise"] in _BESIDE_CATEGORIES and settings["norm"] == 2:
        numbers = settings["cardinalities"]
    elif settings["noise"] not in _ON_A_GRID:
        return
    sigma = float(settings["sigma"])
    if settings.get("whole"):
        expected = [float(unit) for unit in units]
    else:
        expected = [
            math.ldexp(1.0, math.frexp(sigma * unit)[1] - 1 - _GRID_BITS)
            for unit, categories in zip(units, numbers, strict=True)
            if categories == 0
        ]
    grid = settings["grid"]
    every = grid if isinstance(grid, list) else [grid] * len(expected)
    _agree(every == expected, grid=grid, sigma=sigma)


def _agree(holds, **told):
    if not holds:
        texts = [f"{name}={value!r:.60}" for name, value in told.items()]
        raise ValueError(f"{' beside '.join(texts)}")


def _whole(size):
    if type(size) is not int or size < 0:
        raise ValueError(f"row_shape has {size!r:.40}")
    return size
