# SPDX-License-Identifier: BSD-3-Clause
"""Bounds of all classes hold together, as often as they say."""

import numpy as np
import pytest
from scipy.stats import binom

from sksmooth.certificates import Certificates
from sksmooth.metrics import certified_accuracy_score, classwise_lower_bounds


def made(y, right, classes, **changed):
    """Certificates of radius 0.5 that are right where told, and else abstain."""
    n, n_classes = len(y), len(classes)
    fields = {
        "label": y,
        "radius": np.where(right, 0.5, 0.0),
        "abstained": ~right,
        "p_lower": np.full(n, 0.7),
        "counts": np.zeros((n, n_classes), int),
        "n_evaluations": np.zeros(n, int),
        "classes": classes,
        "sigma": 0.25,
        "noise": "gaussian",
        "norm": 2,
        "alpha": 0.001,
        "method": "monte_carlo",
    }
    return Certificates(**fields | changed)


@pytest.mark.parametrize(
    ("confidence", "correction", "by"),
    [
        (0.95, "sidak", "classes"),
        (0.95, "bonferroni", "classes"),
        (0.8, "sidak", "groups"),
    ],
)
def test_all_bounds_hold_as_often_as_stated(confidence, correction, by):
    """2,000 test sets of ten classes, of 5 to 120 samples, of known accuracies."""
    rng = np.random.default_rng(0)
    classes = np.arange(10)
    truth = np.linspace(0.35, 0.98, 10)
    support = np.linspace(120, 5, 10).astype(int)
    y = np.repeat(classes, support)
    n_sets, held = 2000, 0
    one_label = np.zeros(len(y), dtype=int)
    for _ in range(n_sets):
        right = rng.random(len(y)) < truth[y]
        given = (y, made(y, right, classes))
        how = {"confidence": confidence, "correction": correction, "output": "dict"}
        if by == "groups":
            given = (one_label, made(one_label, right, classes))
            report = classwise_lower_bounds(*given, groups=y, **how)["by_group"]
        else:
            report = classwise_lower_bounds(*given, **how)["by_class"]
        bounds = np.array([report[c]["lower_bound"] for c in classes])
        held += (bounds <= truth).all()
    # Fewer than this have probability 1e-4 if the confidence is as stated.
    assert held >= binom.ppf(1e-4, n_sets, confidence)
    # Discreteness makes each bound hold more often than needed, but not nearly always.
    assert held < n_sets * (1 - (1 - confidence) / 6)


def test_bounds_of_each_class_alone_do_not_hold_together():
    """What the correction is for: at 95 % each, ten bounds fail far more often."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 100)
    failed = 0
    for _ in range(300):
        certificates = made(y, rng.random(len(y)) < 0.8, np.arange(10))
        single = [
            classwise_lower_bounds(y[y == c], certificates[y == c], output="dict")[
                "worst"
            ]
            for c in range(10)
        ]
        failed += max(single) > 0.8
    assert failed > 300 * 0.2


@pytest.fixture
def found():
    y = np.repeat(["cat", "dog"], [40, 60])
    right = np.arange(100) % 5 > 0
    return y, made(y, right, np.array(["cat", "dog", "owl"]))


def test_it_reports_what_the_scores_say(found):
    y, certificates = found
    report = classwise_lower_bounds(y, certificates, radius=0.25, output="dict")
    scores = certified_accuracy_score(y, certificates, radius=0.25, average=None)
    rows = list(report["by_class"].values())
    np.testing.assert_equal([row["certified_accuracy"] for row in rows], scores)
    assert report["settings"]["n_bounds"] == 2  # no sample is an owl
    assert np.isnan(rows[2]["lower_bound"])
    assert report["worst"] == min(rows[0]["lower_bound"], rows[1]["lower_bound"])
    assert (
        classwise_lower_bounds(y, certificates, radius=0.6, output="dict")["worst"] == 0
    )


def test_more_confidence_is_a_lower_bound(found):
    worst = [
        classwise_lower_bounds(
            *found, confidence=confidence, correction=correction, output="dict"
        )["worst"]
        for confidence in (0.5, 0.95, 0.999)
        for correction in ("sidak", "bonferroni")
    ]
    assert (np.diff(worst) < 0).all()


def test_the_text_is_one_sentence_and_a_table(found):
    text = classwise_lower_bounds(*found)
    worst = classwise_lower_bounds(*found, output="dict")["worst"]
    first = text.splitlines()[0]
    assert first.startswith(
        "With 95 % confidence, certified accuracy at r=0 is at least"
    )
    assert first.endswith("in every class with samples.")
    assert float(first.split("at least ")[1].split()[0]) <= worst
    assert "alpha=0.001" in text
    pytest.importorskip("pandas")
    frame = classwise_lower_bounds(*found, output="frame")
    assert frame["lower_bound"].min() == worst
    assert list(frame.index) == ["cat", "dog", "owl"]


def test_groups_need_no_order(found):
    groups = np.array([1, "site"] * 50, dtype=object)
    report = classwise_lower_bounds(*found, groups=groups, output="dict")
    assert list(report["by_group"]) == [1, "site"]
    assert sum(row["support"] for row in report["by_group"].values()) == 100


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"confidence": "95"}, "confidence='95'"),
        ({"correction": "holm"}, "correction must be one of .*'holm'"),
        ({"output": "html"}, "output must be one of .*'html'"),
        ({"radius": -1.0}, "radius"),
        ({"groups": [1, 2]}, "groups has 2 samples"),
        ({"groups": [np.nan] * 100}, "missing value"),
        ({"groups": [None] + ["a"] * 99}, "missing value"),
    ],
)
def test_bad_input(found, params, message):
    with pytest.raises(ValueError, match=message):
        classwise_lower_bounds(*found, **params)


def test_radii_that_were_not_asked_are_refused(found):
    y, certificates = found
    asked = made(y, ~certificates.abstained, certificates.classes, radii=(0.5,))
    with pytest.raises(ValueError, match="was not requested"):
        classwise_lower_bounds(y, asked, radius=0.25)
