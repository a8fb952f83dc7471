# SPDX-License-Identifier: BSD-3-Clause
"""What contributors and installers rely on: workflows, templates, metadata."""

import importlib
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MINORS = [11, 12, 13, 14]


def load(name):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_classifiers_are_the_versions_that_are_tested():
    prefix = "Programming Language :: Python :: 3."
    stated = [c for c in PROJECT["project"]["classifiers"] if c.startswith(prefix)]
    assert stated == [f"{prefix}{minor}" for minor in MINORS]
    assert PROJECT["project"]["requires-python"] == f">=3.{MINORS[0]}"
    jobs = load(".github/workflows/tests.yml")["jobs"]
    systems = jobs["test"]["strategy"]["matrix"]
    tested = {entry["python"] for entry in systems["include"]}
    tested |= set(jobs["between"]["strategy"]["matrix"]["python"])
    assert tested == {f"3.{minor}" for minor in MINORS}
    assert {name.partition("-")[0] for name in systems["os"]} == {
        "ubuntu",
        "macos",
        "windows",
    }
    assert {entry["versions"] for entry in systems["include"]} == {"oldest", "newest"}


def test_the_extras_that_workflows_install_exist():
    extras = PROJECT["project"]["optional-dependencies"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    text = "".join(p.read_text("utf-8") for p in ROOT.glob(".github/workflows/*.yml"))
    groups = re.findall(r"-e \.\[([\w,-]+)\]", text)
    targets = re.findall(r"make ([\w-]+)", text)
    assert groups or targets
    for group in groups:
        assert set(group.split(",")) <= extras.keys()
    for target in targets:
        assert re.search(rf"^(TARGETS := .*\b)?{target}\b", makefile, re.MULTILINE)


def test_nobody_keeps_a_password_to_release():
    jobs = load(".github/workflows/release.yml")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    for path in ROOT.glob(".github/workflows/*.yml"):
        assert "secrets." not in path.read_text("utf-8")
        assert load(path)["permissions"] == {"contents": "read"}, path


def test_issue_forms_ask_for_what_is_needed():
    for path in ROOT.glob(".github/ISSUE_TEMPLATE/*_*.yml"):
        form = load(path)
        assert form["name"] and form["description"]
        fields = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert fields and len(set(fields)) == len(fields)
    bug = {
        field.get("id")
        for field in load(".github/ISSUE_TEMPLATE/bug_report.yml")["body"]
    }
    assert {"code", "expected", "seen", "versions"} <= bug


def test_pre_commit_runs_the_linter_that_is_pinned():
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    repos = load(".pre-commit-config.yaml")["repos"]
    (rev,) = (r["rev"] for r in repos if r["repo"].endswith("ruff-pre-commit"))
    assert f"ruff=={rev.removeprefix('v')}\n" in pins


def test_coverage_has_a_floor():
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 90


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        (["sksmooth/noise/_gaussian.py"], True),
        (["sksmooth/noise/_gaussian.py", "docs/whats_new.rst"], False),
        (["docs/guide/exact.rst", "tests/test_noise.py"], False),
        ([], False),
    ],
)
def test_a_change_of_the_package_needs_a_line_in_the_change_log(changed, missing):
    check = runpy.run_path(str(ROOT / ".github/check_changelog.py"))
    assert check["missing"](changed) is missing


def test_the_change_log_check_reads_the_branch(tmp_path):
    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)

    def check():
        script = ROOT / ".github/check_changelog.py"
        command = [sys.executable, str(script), "main"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    def commit(name):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        git("add", ".")
        git("commit", "-qm", name)

    git("init", "-qb", "main")
    commit("README.md")
    git("checkout", "-qb", "change")
    commit("sksmooth/a.py")
    done = check()
    assert done.returncode == 1 and "add a line" in done.stderr
    commit("docs/whats_new.rst")
    assert check().returncode == 0


def test_the_command_is_the_module(capsys):
    (target,) = PROJECT["project"]["scripts"].values()
    module, function = target.split(":")
    main = getattr(importlib.import_module(module), function)
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "report" in capsys.readouterr().out


def test_files_of_the_project_name_no_machine():
    names = [".pre-commit-config.yaml", "SECURITY.md", "CODE_OF_CONDUCT.md"]
    names += [p.relative_to(ROOT) for p in ROOT.glob(".github/**/*.*") if p.is_file()]
    for name in [*names, "pyproject.toml", "docs/conf.py", "Makefile"]:
        text = (ROOT / name).read_text("utf-8")
        assert not re.search(r"/(work|home|root|Users)/|index-url|pypi\.org", text), (
            name
        )
