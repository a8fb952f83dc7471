# SPDX-License-Identifier: BSD-3-Clause
"""Mutation testing: change the code a little, and see whether a test fails.

A room is a part of the package with the tests that must hold it. mutmut makes the
mutants, one small change each, and runs the tests of the room that reach the changed
function. A mutant is killed where a test fails or runs out of time. One that survives
is a law without a test, unless it is among `survivors.toml`, which says of each why no
test can or need tell it from the code.

mutmut numbers the mutants of each function. A full sweep of all rooms takes hours, so
that by default the sample is every tenth of each function, from its first on, which no
choice of a seed can turn to the better; `--digits 1234567890` is the full sweep.

The room "lines" is a list by hand, `lines.toml`: lines that carry the proof of the
guarantee, a fault in each, and the one test that must find it.

Left out are lines that only write messages, and what mutmut cannot change: constants of
modules, defaults of dataclasses, properties.

    make mutate
    .venv/bin/python tests/mutation/run.py bounds questions --digits 147
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")
LINES = Path(__file__).with_name("lines.toml")

# Files of the package and the tests that hold them.
ROOMS = {
    "bounds": (["bounds/*"], "bounds"),
    "noise": (
        ["noise/*"],
        "noise laws growth splitting resample token_deletion questions",
    ),
    "questions": (
        ["questions/*"],
        "questions sequential_exact radius_against recertify",
    ),
    "votes": (
        ["votes/sampled/*", "votes/exact/_votes.py", "certificates/_vote_weights.py"],
        "projected_linear sources vote_weights exact_tree",
    ),
}
CONFIG = """
[tool.mutmut]
source_paths = ["sksmooth"]
only_mutate = {files}
also_copy = ["conftest.py", "README.md"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:randomly"]
pytest_add_cli_args_test_selection = {tests}
track_dependencies = false
use_git_change_detection = false
timeout_multiplier = 2
do_not_mutate_patterns = {messages}
"""
# Raised messages, and lines that go on with one.
MESSAGES = [r"raise \w", r"^\s+f?r?\"", r"\bwarn", r"\bf\""]
KILLED = {1: "killed", 3: "killed", 36: "timeout", 24: "timeout", -24: "timeout"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", default=[], metavar="room")
    parser.add_argument("--digits", default="1", help="last digits of mutants to try")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    known = tomllib.loads(SURVIVORS.read_text("utf-8")).get("mutant", [])
    failed = False
    for room in options.rooms or ["lines", *ROOMS]:
        failed |= break_lines() if room == "lines" else sweep(room, known, options)
    sys.exit(failed)


def break_lines():
    """Make each fault of `lines.toml`; whether the test named there misses any."""
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
    print(f"lines: {len(lines)} faults, {len(lines) - len(missed)} found")
    for what in missed:
        print(f"  {what}")
    return bool(missed)


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
    """Try the mutants of a room and report; whether any survives unexplained."""
    files, tests = ROOMS[room]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"mutate-{room}-") as folder:
        folder = copy_of_project(Path(folder))
        config = CONFIG.format(
            files=json.dumps([f"sksmooth/{name}" for name in files]),
            tests=json.dumps([f"tests/test_{name}.py" for name in tests.split()]),
            messages=json.dumps(MESSAGES),
        )
        with (folder / "pyproject.toml").open("a", encoding="utf-8") as project:
            project.write(config)
        chosen = f"*__mutmut_*[{options.digits}]"
        done = mutmut(folder, "run", "--max-children", str(options.processes), chosen)
        found = statuses(folder, re.compile(f"[{options.digits}]$"))
        if not found:
            sys.exit(f"{room}: mutmut found no mutant\n{done.stdout[-3000:]}")
        killed = [name for name, code in found.items() if code in KILLED]
        untested = [name for name, code in found.items() if code == 33]
        explained, surviving = [], []
        for name in sorted(set(found) - set(killed) - set(untested)):
            change = diff(folder, name)
            same = [one for one in known if is_same(one, change)]
            (explained if same else surviving).append((name, change))
    print(
        f"{room}: {len(found)} mutants, {len(killed)} killed, {len(surviving)} "
        f"survived, {len(explained)} equivalent, {len(untested)} in functions that no "
        f"test of the room reaches; {(time.monotonic() - start) / 60:.1f} minutes"
    )
    for name, change in surviving:
        print(f"  {name} (status {found[name]})")
        for line in change:
            print(f"    {line}")
    for name in untested:
        print(f"  not reached: {name}")
    sys.stdout.flush()
    return bool(surviving)


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
    """Exit code of the tests of each mutant that was tried."""
    found = {}
    for path in folder.glob("mutants/sksmooth/**/*.meta"):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        found |= {name: code for name, code in codes.items() if code is not None}
    return {name: code for name, code in found.items() if chosen.search(name)}


def diff(folder, name):
    """The lines that a mutant changes: old ones with "-", new ones with "+"."""
    lines = mutmut(folder, "show", name).stdout.splitlines()
    changed = [line for line in lines if re.match(r"[-+](?![-+]{2} )", line)]
    return [line[0] + " " + line[1:].strip() for line in changed]


def is_same(one, change):
    """Whether an entry of `survivors.toml` speaks of this change."""
    return [f"- {one['old']}", f"+ {one['new']}"] == change


if __name__ == "__main__":
    main()
