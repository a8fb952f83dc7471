# SPDX-License-Identifier: BSD-3-Clause
"""Private names of scikit-learn enter through `_compat` alone.

Who may import which room is for the import-linter contracts in pyproject.toml
(`make lint`); they see modules but no names, so this one rule is checked here.
"""

import ast
from pathlib import Path

import pytest

import sksmooth

PACKAGE = Path(sksmooth.__file__).parent


def _is_private(part):
    return part.startswith("_") and not part.endswith("__")


def private_sklearn_names(source):
    """Dotted names below sklearn that have a private part and that `source` uses."""
    used = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                used.update(alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                used.update(f"{module}.{alias.name}" for alias in node.names)
            case ast.Attribute():
                used.add(ast.unparse(node))
            # The name of a module to load later, as in import_module("sklearn._x").
            case ast.Constant(value=str(text)) if text.replace(".", "").isidentifier():
                used.add(text)
    return {
        name
        for name in used
        if name.startswith("sklearn.") and any(map(_is_private, name.split(".")))
    }


def test_only_compat_uses_private_names_of_sklearn():
    offenders = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "_compat.py"
        and (names := private_sklearn_names(path.read_text("utf-8")))
    }
    assert not offenders


@pytest.mark.parametrize(
    "source",
    [
        "import sklearn._loss",
        "from sklearn._loss import link",
        "from sklearn.base import _fit_context",
        "from sklearn.utils import _param_validation as constraints",
        "import sklearn.utils\nsklearn.utils._param_validation.Interval",
        "import_module('sklearn.utils._tags')",
        "def later():\n    from sklearn.utils._tags import Tags",
    ],
)
def test_a_private_name_is_seen(source):
    assert private_sklearn_names(source)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn import __version__",
        "from sklearn.base import BaseEstimator, clone",
        "from sksmooth._compat import _fit_context",
        "from ._compat import _fit_context",
        "'a sentence on sklearn._loss and more'",
    ],
)
def test_a_public_name_is_let_through(source):
    assert not private_sklearn_names(source)
