# SPDX-License-Identifier: BSD-3-Clause
"""What a notebook shows: readable signatures, tables, links and progress bars."""

import inspect
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import Certificates, SmoothedClassifier, TunedVoteClassifierCV
from sksmooth._compat import DOCUMENTATION, DocumentationLink
from sksmooth.parallel import _chunks
from tests.public_names import PUBLIC, names_of, own_methods, public_objects

ROOT = Path(__file__).parents[1]


def _signatures():
    for name, item in public_objects().items():
        methods = own_methods(item) if inspect.isclass(item) else {}
        for own, function in {"": item, **methods}.items():
            try:
                yield f"{name}.{own}".strip("."), inspect.signature(function)
            except (TypeError, ValueError):
                continue  # a property


def test_signatures_can_be_read():
    seen = dict(_signatures())
    assert len(seen) > 150
    for name, signature in seen.items():
        text = str(signature)
        # The full path of a type, or a union of many, hides the parameters.
        assert "numpy." not in text and "Union[" not in text, name
        assert len(text) < 40 + 45 * len(signature.parameters), name
    assert len(str(inspect.signature(SmoothedClassifier.certify))) < 200


def _certificates(n_samples, classes=("<b>x</b>", "a & b"), **changed):
    params = {
        "label": np.resize(classes, n_samples),
        "radius": np.resize([0.25, 0.0], n_samples),
        "abstained": np.resize([False, True], n_samples),
        "p_lower": np.full(n_samples, 0.75),
        "counts": np.zeros((n_samples, 2), int),
        "n_evaluations": np.zeros(n_samples, int),
        "classes": classes,
        "sigma": 0.5,
        "noise": "gaussian",
        "norm": 2,
        "alpha": 0.001,
        "method": "monte_carlo",
    }
    return Certificates(**params | changed)


@pytest.mark.parametrize("n_samples", [0, 1, 10, 1234])
def test_certificates_are_a_table_of_the_first_samples(n_samples):
    certificates = _certificates(n_samples)
    root = ElementTree.fromstring(f"<body>{certificates._repr_html_()}</body>")
    assert root.find("table/caption").text == repr(certificates)
    lines = [[cell.text for cell in line] for line in root.findall("table/tbody/tr")]
    assert len(lines) == min(n_samples, 10)
    expected = [["0", "<b>x</b>", "0.25", "0.75"], ["1", "abstains", "0", "0.75"]]
    assert lines[:2] == expected[: len(lines)]
    more = root.find("p")
    assert (None if more is None else more.text) == (
        "and 1,224 more" if n_samples == 1234 else None
    )


def test_names_of_samples_and_denoisers_are_escaped():
    html = _certificates(2, index=["<i>", "ok"], denoiser="<u>")._repr_html_()
    assert "<i>" not in html and "<u>" not in html
    assert "&lt;i&gt;" in html and "&lt;u&gt;" in html


def _documented():
    return {
        f"{room}.{name}"
        for room in PUBLIC
        for name in names_of(room)
        if room == "sksmooth" or name not in names_of("sksmooth")
    }


def test_diagrams_link_to_the_page_of_the_estimator():
    found = {
        name: item
        for name, item in public_objects().items()
        if inspect.isclass(item)
        and issubclass(item, BaseEstimator)
        # Networks show the text of their modules.
        and not hasattr(item, "initialize")
    }
    assert "sksmooth.SmoothedClassifier" in found and len(found) >= 6
    for name, item in found.items():
        assert issubclass(item, DocumentationLink), name
        link = item.__new__(item)._get_doc_link()
        page = link.removeprefix(f"{DOCUMENTATION}/reference/generated/")
        assert page.removesuffix(".html") in _documented(), link
        assert page.removesuffix(".html").rpartition(".")[2] == item.__name__


def test_the_diagram_has_the_links_of_both_libraries():
    smoothed = SmoothedClassifier(DecisionTreeClassifier())
    for estimator in (make_pipeline(StandardScaler(), smoothed), smoothed):
        html = estimator._repr_html_()
        assert f"{DOCUMENTATION}/reference/generated/sksmooth.Smoothed" in html
        assert "scikit-learn.org" in html
    tuned = TunedVoteClassifierCV(smoothed)._repr_html_()
    assert f"{DOCUMENTATION}/reference/generated/sksmooth.TunedVote" in tuned


class Mine(SmoothedClassifier):
    """A class of somebody else, which the reference does not describe."""


def test_a_class_derived_elsewhere_has_no_link():
    assert Mine(DecisionTreeClassifier())._get_doc_link() == ""


def test_the_project_names_the_same_site():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION


def test_progress_is_a_widget_in_a_notebook(monkeypatch, capsys):
    import tqdm.auto

    class Widget:
        """Stands for the bar that tqdm.auto chooses in a notebook."""

    monkeypatch.setattr(tqdm.auto, "tqdm", Widget)
    assert _chunks._progress(1) is Widget
    # Without a bar nothing is loaded that a notebook without ipywidgets warns of.
    monkeypatch.delitem(sys.modules, "tqdm.auto")
    with _chunks._progress(0)(total=3) as bar:
        bar.update(1)
    assert "tqdm.auto" not in sys.modules
    assert not any(capsys.readouterr())
