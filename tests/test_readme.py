# SPDX-License-Identifier: BSD-3-Clause
"""The code of README and of the home page runs as pasted, and prints what they show."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
# Code, and what stands between it and the output that it prints.
SHOWN = re.compile(r"```python\n(.*?)```\n(?:\n.*)??\n+```text\n(.*?)```", re.DOTALL)


def shown_in_readme():
    return [match.groups() for match in SHOWN.finditer(README)]


def test_each_code_block_has_its_output():
    assert len(shown_in_readme()) == README.count("```python") == 2


@pytest.mark.parametrize("code, output", shown_in_readme())
def test_the_code_prints_what_is_shown(code, output, capsys):
    pytest.importorskip("pandas")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == output.split()


def test_the_home_page_has_the_first_block_of_readme():
    home = (ROOT / "docs" / "index.rst").read_text("utf-8")
    lines = {line.strip() for line in home.splitlines()}
    for text in shown_in_readme()[0]:
        assert {line.strip() for line in text.splitlines()} <= lines


def test_links_and_images_are_absolute():
    targets = re.findall(r"\]\(([^)]*)\)", README)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_linked_files_exist():
    own = r"https://(?:github|raw\.githubusercontent)\.com/sksmooth/sksmooth/"
    paths = re.findall(own + r"(?:(?:blob|tree)/)?main/([^)\s]+)", README)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "words",
    [
        "adversarial perturbation",
        "certified robustness",
        "randomized smoothing",
        "Cohen",
        "l2",
        "Monte Carlo",
    ],
)
def test_it_can_be_found_by_the_words_of_the_field(words):
    assert re.search(words.replace(" ", r"\s+"), README, re.IGNORECASE)
