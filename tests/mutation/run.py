# SPDX-License-Identifier: BSD-3-Clause
"""Mutation testing: change the code a little, and see whether a test fails.

A room is a part of the package with the tests that must hold it. mutmut makes the
mutants, one small change each, and runs the tests of the room that reach the changed
function. A mutant is killed where a test fails or runs out of time. One that survives
is a law without a test, unless it is among `survivors.toml`, which says of each why no
test can or need tell it from the code.

mutmut numbers the mutants of each function. A full sweep of all rooms takes hours, so
that by default the sample is every tenth of each function, from its first on, which no
choice of a seed can turn to the better; `--digits 1234567890` is the full sweep. Rooms
may be swept by several processes at once, each in a temporary folder of its own, and
nothing is fetched from anywhere.

The room "lines" is a list by hand, `lines.toml`: lines that carry the proof of the
guarantee, a fault in each, and the one test that must find it.

Left out are lines that only write messages, and what mutmut cannot change: constants of
modules, defaults of dataclasses, properties. Simulations of certificates do not take
part: what only they would find counts as a survivor.

    make mutate
    .venv/bin/python tests/mutation/run.py bounds questions --digits 147
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")
LINES = Path(__file__).with_name("lines.toml")

# Files of the package and the tests that hold them.
ROOMS = {
    "bounds": (["bounds/*"], "bounds"),
    "noise": (
        ["noise/_[!n]*"],  # numba is not among what `make mutate` installs
        "noise laws laws_of_changes changed_categories growth splitting resample erase "
        "token_deletion questions",
    ),
    "questions": (
        ["questions/*"],
        "questions sequential_exact radius_against recertify splitting_classifier "
        "categories_and_words bad_input exact_other_laws",
    ),
    "votes": (
        ["votes/sampled/*", "votes/exact/_votes.py", "certificates/_vote_weights.py"],
        "projected_linear sources vote_weights exact_tree reduced_noise small_calls "
        "categories_and_words vote_streams",
    ),
}
# Simulations and tests that load torch, which would take most of the time, and those
# that look for other tests.
LEFT_OUT = (
    "false_certificates or at_a_rate or by_a_known_distance or inside_weighted_balls "
    "or fails_no_more_often or TestTorch or in_torch or inherits_the_tests"
)
# mutmut calls functions through one of its own, so that warnings come from there.
FRAMES = "test_it_warns_of_exactly_the_radii_that_do_not_hold"
CONFIG = """
[tool.mutmut]
source_paths = ["sksmooth"]
only_mutate = {files}
also_copy = ["conftest.py", "README.md"]
pytest_add_cli_args = [
    "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "tests.mutation.fast_first",
    "--deselect", "tests/test_bad_input.py::{frames}", "-k", "not ({left_out})",
]
pytest_add_cli_args_test_selection = {tests}
track_dependencies = false
use_git_change_detection = false
timeout_multiplier = 2
timeout_constant = 20
do_not_mutate_patterns = {messages}
"""
# Raised messages, and lines that go on with one.
MESSAGES = [r"raise \w", r"^\s+f?r?\"", r"\bwarn", r"\bf\""]
# Exit codes. Tests may take 40 seconds longer than twice their time, so that a survivor
# on a busy machine does not look like an endless loop.
KILLED = {1, 3, -11}  # by an error of Python itself, the last one
TIMED_OUT = {36, 24, -24, 152, 255, -9}
UNREACHED = 33
_MOST_RUNS = 5
TABLE = "{:<10} | {:>7} | {:>6} | {:>9} | {:>8} | {:>10} | {:>11} | {:>7}"
HEAD = TABLE.format(
    "room",
    "mutants",
    "killed",
    "timed out",
    "survived",
    "equivalent",
    "not reached",
    "minutes",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", default=[], metavar="room")
    parser.add_argument("--digits", default="1", help="last digits of mutants to try")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    known = tomllib.loads(SURVIVORS.read_text("utf-8")).get("mutant", [])
    failed, table = False, []
    for room in options.rooms or ["lines", *ROOMS]:
        start = time.monotonic()
        if room == "lines":
            bad, *numbers = break_lines()
        else:
            bad, *numbers = sweep(room, known, options)
        failed |= bad
        minutes = (time.monotonic() - start) / 60
        table.append(TABLE.format(room, *numbers, f"{minutes:.1f}"))
        print(table[-1], flush=True)
    print("", HEAD, *table, sep="\n")
    sys.exit(failed)


def break_lines():
    """Make each fault of `lines.toml`; whether the test named there misses any.

    With the numbers of the table.
    """
    lines = tomllib.loads(LINES.read_text("utf-8"))["line"]
    missed = []
    with tempfile.TemporaryDirectory(prefix="mutate-lines-") as folder:
        folder = copy_of_project(Path(folder))
        if pytest_in(folder, sorted({line["test"] for line in lines})).returncode:
            sys.exit("lines: a test of lines.toml is missing, or fails without a fault")
        for line in lines:
            path = folder / "sksmooth" / line["file"]
            text = path.read_text("utf-8")
            if text.count(line["old"]) != 1:
                missed.append(f"stands {text.count(line['old'])} times: {line['old']}")
                continue
            path.write_text(text.replace(line["old"], line["new"]), "utf-8")
            found = pytest_in(folder, [line["test"]]).returncode == 1
            path.write_text(text, "utf-8")
            print("killed  " if found else "SURVIVED", line["what"], flush=True)
            if not found:
                missed.append(f"not found by {line['test']}: {line['what']}")
    for what in missed:
        print(f"  {what}")
    return bool(missed), len(lines), len(lines) - len(missed), 0, len(missed), 0, 0


def copy_of_project(folder):
    """Copy what the tests of the rooms need."""
    for name in ("sksmooth", "tests"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in ("conftest.py", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def pytest_in(folder, tests):
    """Run tests such as "bounds::test_name" in a folder, until one fails."""
    nodes = ["tests/test_{}.py::{}".format(*test.split("::", 1)) for test in tests]
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", *nodes]
    return run_in(folder, command)


def sweep(room, known, options):
    """Try the mutants of a room; whether any survives unexplained, and the numbers."""
    files, tests = ROOMS[room]
    with tempfile.TemporaryDirectory(prefix=f"mutate-{room}-") as folder:
        folder = copy_of_project(Path(folder))
        config = CONFIG.format(
            files=json.dumps([f"sksmooth/{name}" for name in files]),
            tests=json.dumps([f"tests/test_{name}.py" for name in tests.split()]),
            messages=json.dumps(MESSAGES),
            frames=FRAMES,
            left_out=LEFT_OUT,
        )
        with (folder / "pyproject.toml").open("a", encoding="utf-8") as project:
            project.write(config)
        run = partial(mutmut, folder, "run", "--max-children", str(options.processes))
        done = run(f"*__mutmut_*[{options.digits}]")
        found = statuses(folder, re.compile(f"[{options.digits}]$"))
        # mutmut has been seen to end early; what is left is tried in another run.
        for _ in range(_MOST_RUNS):
            if untried := [name for name, code in found.items() if code is None]:
                done = run(*untried)
                found = statuses(folder, re.compile(f"[{options.digits}]$"))
        if not found or None in found.values():
            untried = [name for name, code in found.items() if code is None]
            sys.exit(f"{room}: not tried: {untried}\n{done.stdout[-3000:]}")
        killed = [name for name, code in found.items() if code in KILLED]
        timed_out = [name for name, code in found.items() if code in TIMED_OUT]
        untested = [name for name, code in found.items() if code == UNREACHED]
        explained, surviving = [], []
        others = sorted(set(found) - {*killed, *timed_out, *untested})
        for name, change in zip(others, changes(folder, others), strict=True):
            same = [one for one in known if is_same(one, change)]
            (explained if same else surviving).append((name, change))
    for name, change in surviving:
        print(f"  {name} (status {found[name]})")
        for line in change:
            print(f"    {line}")
    for name in timed_out:
        print(f"  timed out: {name}")
    for name in untested:
        print(f"  not reached: {name}")
    groups = (found, killed, timed_out, surviving, explained, untested)
    return bool(surviving), *map(len, groups)


def mutmut(folder, *arguments):
    """Run mutmut in a folder, by this Python, on the package as it is there."""
    code = "from mutmut.__main__ import cli; cli()"
    return run_in(folder, [sys.executable, "-c", code, *arguments])


def run_in(folder, command):
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def statuses(folder, chosen):
    """Exit code of the tests of each mutant, None for one that was not tried."""
    found = {}
    for path in folder.glob("mutants/sksmooth/**/*.meta"):
        found |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return {name: code for name, code in found.items() if chosen.search(name)}


def changes(folder, names):
    """The lines that mutants change: old ones with "-", new ones with "+"."""
    modules = {}
    for name in names:
        module, _, function = name.rpartition(".")
        if module not in modules:
            path = folder.joinpath("mutants", *module.split("."))
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            modules[module] = functions(file.read_text("utf-8"))
        known = modules[module]
        old = known[re.sub("[0-9]+$", "orig", function)]
        lines = difflib.ndiff(old, known[function])
        yield [line[0] + " " + line[2:] for line in lines if line[0] in "-+"]


def functions(source):
    """Lines of each function of a module, methods among them, without its name."""
    lines = source.splitlines()
    return {
        node.name: [
            line.replace(node.name, "").strip()
            for line in lines[node.lineno - 1 : node.end_lineno]
        ]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def is_same(one, change):
    """Whether an entry of `survivors.toml` speaks of this change.

    An entry that has `part` speaks of part of a line, whatever the line.
    """
    if [line[:2] for line in change] != ["- ", "+ "]:
        return False
    old, new = (line[2:] for line in change)
    if "part" in one:
        return one["part"] in old and old.replace(one["part"], one["new"], 1) == new
    return one["old"] == old and one["new"] == new


if __name__ == "__main__":
    main()
