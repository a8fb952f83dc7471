# SPDX-License-Identifier: BSD-3-Clause
"""The package as an installer and a first import see it."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import sksmooth

ROOT = Path(__file__).parents[1]
OPTIONAL = {
    "dask",
    "distributed",
    "matplotlib",
    "numba",
    "pandas",
    "skorch",
    "torch",
}

# Imports scikit-learn as any of its users does, then the package, and tells what the
# second step added. Run from the root, so that a checkout need not be installed.
_PROBE = """
import json, sys, time

def cost(names):
    start = time.process_time()
    for name in names:
        __import__(name)
    return time.process_time() - start

def top_level():
    return {name.partition(".")[0] for name in sys.modules}

of_sklearn = cost(["sklearn.ensemble", "sklearn.model_selection"])
before = top_level()
of_sksmooth = cost(sys.argv[1:])
added = sorted(top_level() - before)
print(json.dumps({"added": added, "sklearn": of_sklearn, "sksmooth": of_sksmooth}))
"""


def _import_in_a_fresh_process(*names):
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _public_rooms():
    """Every folder of the package that is a package itself."""
    rooms = Path(sksmooth.__file__).parent.glob("*/__init__.py")
    return sorted(f"sksmooth.{path.parent.name}" for path in rooms)


def test_import_costs_no_more_than_scikit_learn():
    seen = _import_in_a_fresh_process("sksmooth")
    known = set(sys.stdlib_module_names) | {"sksmooth", "tqdm"}
    assert set(seen["added"]) <= known
    assert seen["sksmooth"] < seen["sklearn"]


def test_no_room_loads_an_optional_library():
    rooms = _public_rooms()
    assert {"sksmooth.bounds", "sksmooth.noise"} <= set(rooms)
    seen = _import_in_a_fresh_process(*rooms)
    assert not set(seen["added"]) & OPTIONAL


def test_the_probe_sees_an_optional_library():
    pytest.importorskip("matplotlib")
    assert "matplotlib" in _import_in_a_fresh_process("matplotlib")["added"]


def test_version_is_the_one_installed():
    try:
        installed = version("sksmooth")
    except PackageNotFoundError:
        pytest.skip("sksmooth is not installed, only on the path")
    assert sksmooth.__version__ == installed


@pytest.mark.parametrize(
    ("file", "line"),
    [("CITATION.cff", r"version: (\S+)$"), ("docs/whats_new.rst", r"Version (\S+)$")],
)
def test_version_is_the_newest_told_of(file, line):
    first = re.search(f"^{line}", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    assert first[1] == sksmooth.__version__


def test_setup_py_is_only_a_shim():
    docstring, imported, call = ast.parse((ROOT / "setup.py").read_text("utf-8")).body
    assert isinstance(docstring.value, ast.Constant)
    assert ast.unparse(imported) == "from setuptools import setup"
    assert ast.unparse(call) == "setup()"


def test_the_package_says_that_it_is_typed():
    assert (Path(sksmooth.__file__).parent / "py.typed").is_file()


def test_torch_is_pinned_and_no_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    assert not needed & OPTIONAL
    assert _pins("constraints.txt")["torch"] == "2.13.0"


def _pins(file):
    """Version of each package that a file of constraints pins."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return dict(line.split()[0].split("==") for line in lines if "==" in line)


def test_the_oldest_versions_allowed_are_the_ones_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    allowed = project["dependencies"] + extras["plot"] + extras["scale"]
    pins = _pins("constraints-oldest.txt")
    for line in allowed:
        name, oldest = line.split(">=")
        assert pins[name].startswith(oldest)
    # The tools are not.
    tools = _pins("constraints.txt")
    for line in extras["test"]:
        name = line.split(">=")[0]
        assert pins.get(name) == tools.get(name)


def test_what_is_made_here_is_not_in_the_sdist():
    manifest = (ROOT / "MANIFEST.in").read_text("utf-8")
    for line in (ROOT / ".gitignore").read_text("utf-8").splitlines():
        if line.startswith("/docs/"):
            assert re.search(f" {line.strip('/')}$", manifest, re.MULTILINE)
