# SPDX-License-Identifier: BSD-3-Clause
"""Docstrings of what is public, as numpydoc wants them."""

import inspect

import pytest
from numpydoc.validate import validate

from tests.public_names import own_methods, public_objects

IGNORED = {
    "ES01",  # a summary may say it all
    "EX01",  # so may a signature
    "RT02",  # what is returned may have a name
    "SA01",  # not everything has kin
    "SS05",  # takes "Radius of" for a verb
}
# The package makes these, not its user: their fields are documented as attributes.
IGNORED_OF = {
    name: {"PR01"}
    for name in (
        "sksmooth.CertifyInterrupted",
        "sksmooth.bounds.ThresholdTest",
        "sksmooth.shrinkage.RegionVolume",
        "sksmooth.shrinkage.ShrinkageCurve",
        "sksmooth.shrinkage.VanishingSigma",
    )
}
# These take parameters of their base class as `**kwargs`, and document them.
IGNORED_OF |= {
    f"sksmooth.training.{name}": {"PR02"}
    for name in ("ConsistencyNet", "MACERNet", "SmoothAdvNet")
}


def documented():
    for name, thing in public_objects().items():
        yield name
        if inspect.isclass(thing):
            methods = own_methods(thing)
            yield from (
                f"{name}.{method}" for method in methods if method != "__init__"
            )


@pytest.mark.parametrize("name", list(documented()))
def test_docstring(name):
    ignored = IGNORED | IGNORED_OF.get(name, set())
    errors = [error for error in validate(name)["errors"] if error[0] not in ignored]
    assert not errors
