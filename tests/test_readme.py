# SPDX-License-Identifier: BSD-3-Clause
"""The code of README and of the home page runs as pasted, and prints what they show."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
OUTPUT = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code, output", zip(CODE, OUTPUT, strict=True))
def test_the_code_prints_what_is_shown(code, output, capsys):
    pytest.importorskip("pandas")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == output.split()


def test_the_home_page_has_the_first_block_of_readme():
    home = (ROOT / "docs" / "index.rst").read_text("utf-8")
    lines = {line.strip() for line in home.splitlines()}
    for text in (CODE[0], OUTPUT[0]):
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
