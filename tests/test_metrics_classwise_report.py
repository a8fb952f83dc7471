# SPDX-License-Identifier: BSD-3-Clause
"""Laws of `classwise_report`: it agrees with the scores, in all three outputs."""

import dataclasses
import pickle
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import binomtest

from sksmooth import read_certificates, write_field_tsv
from sksmooth.certificates import Certificates
from sksmooth.metrics import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
    classwise_report,
)

CLASSES = np.array(["cat", "dog", "owl", "yak"])  # no row is a yak
RADII = (0.0, 0.25, 0.5)


def random_certificates(y_true, rng, *, abstains, classes=CLASSES, **changed):
    n_rows = len(y_true)
    abstained = rng.random(n_rows) < abstains
    guessed = rng.choice(classes, n_rows)
    fields = {
        "label": np.where(rng.random(n_rows) < 0.8, y_true, guessed),
        "radius": np.where(abstained, 0.0, rng.random(n_rows)),
        "abstained": abstained,
        "p_lower": np.full(n_rows, 0.7),
        "counts": np.zeros((n_rows, len(classes)), int),
        "n_evaluations": np.zeros(n_rows, int),
        "classes": classes,
        "sigma": 0.125,
        "noise": "gaussian",
        "norm": 2,
        "alpha": 0.001,
        "method": "monte_carlo",
    }
    return Certificates(**fields | changed)


@pytest.fixture(scope="module")
def y_true():
    return np.random.default_rng(3).choice(CLASSES[:3], 200, p=[0.6, 0.3, 0.1])


@pytest.fixture(scope="module")
def certificates(y_true):
    return random_certificates(y_true, np.random.default_rng(0), abstains=0.2)


@pytest.fixture(scope="module")
def y_base(y_true):
    rng = np.random.default_rng(4)
    return np.where(rng.random(len(y_true)) < 0.9, y_true, "cat")


@pytest.fixture(scope="module")
def report(y_true, certificates, y_base):
    return classwise_report(
        y_true, certificates, radii=RADII, y_base=y_base, output="dict"
    )


def column(report, name):
    return [row[name] for row in report["by_class"].values()]


def test_the_report_agrees_with_the_scores(report, y_true, certificates):
    functions = {
        f"certified_accuracy_at_{radius:g}": partial(
            certified_accuracy_score, radius=radius
        )
        for radius in RADII
    }
    functions["abstention_rate"] = abstention_rate
    functions["average_certified_radius"] = average_certified_radius_score
    for name, function in functions.items():
        by_class = function(y_true, certificates, average=None)
        np.testing.assert_allclose(column(report, name), by_class)
        for title, average in [
            ("overall", "micro"),
            ("worst", "worst"),
            ("range", "range"),
        ]:
            expected = function(y_true, certificates, average=average)
            assert report[title][name] == pytest.approx(expected)


def test_support_and_predicted_share_count_all_rows(report, y_true, certificates):
    assert list(report["by_class"]) == CLASSES.tolist()
    support = column(report, "support")
    assert support == [(y_true == label).sum() for label in CLASSES]
    assert sum(support) == report["overall"]["support"] == len(y_true)
    share = column(report, "predicted_share")
    given = ~certificates.abstained & (certificates.label == "yak")
    assert share[3] == pytest.approx(given.mean())
    assert sum(share) == pytest.approx(report["overall"]["predicted_share"])


@pytest.mark.parametrize("seed", range(20))
def test_an_abstention_predicts_no_class(seed):
    # An abstained row is a row of no class: neither of the class with the most votes,
    # nor of the first class, which a file of the field leaves in its place.
    rng = np.random.default_rng(seed)
    n_rows = int(rng.integers(1, 60))
    y_true = rng.choice(CLASSES, n_rows)
    found = random_certificates(y_true, rng, abstains=rng.random())
    report = classwise_report(y_true, found, output="dict")
    shares = column(report, "predicted_share")
    assert sum(shares) + report["overall"]["abstention_rate"] == pytest.approx(1)
    assert shares == [
        np.mean(~found.abstained & (found.label == label)) for label in CLASSES
    ]
    # Whatever label stands where a row abstains, the report is the same.
    other = np.where(found.abstained, rng.choice(CLASSES, n_rows), found.label)
    again = dataclasses.replace(found, label=other)
    for output in ("text", "html"):
        assert classwise_report(y_true, again, output=output) == classwise_report(
            y_true, found, output=output
        )


@pytest.mark.parametrize("seed", range(5))
def test_the_report_is_the_same_after_writing_and_reading(seed, tmp_path):
    rng = np.random.default_rng(seed)
    y_true = np.r_[:4, rng.integers(4, size=50)]
    found = random_certificates(y_true, rng, abstains=0.6, classes=np.arange(4))
    write_field_tsv(tmp_path / "log", found, y_true)
    read, y_read = read_certificates(tmp_path / "log")
    before, after = (
        classwise_report(*pair, radii=RADII, output="dict")
        for pair in ((y_true, found), (y_read, read))
    )
    for part in ("by_class", "overall", "worst", "range"):
        assert after[part] == before[part]


def test_the_base_is_compared_on_the_same_rows(report, y_true, y_base):
    right = y_true == y_base
    assert report["overall"]["base_accuracy"] == pytest.approx(right.mean())
    assert report["by_class"]["dog"]["base_accuracy"] == pytest.approx(
        right[y_true == "dog"].mean()
    )


def test_intervals_are_clopper_pearson_at_95_percent(report, y_true, certificates):
    for radius in RADII:
        name = f"certified_accuracy_at_{radius:g}"
        hits = (certificates.label == y_true) & certificates.holds(radius)
        for title, chosen in [
            *((label, y_true == label) for label in CLASSES[:3].tolist()),
            ("overall", np.ones(len(y_true), bool)),
        ]:
            row = report["overall"] if title == "overall" else report["by_class"][title]
            expected = binomtest(int(hits[chosen].sum()), int(chosen.sum()))
            low, high = expected.proportion_ci(0.95, method="exact")
            assert row[f"{name}_low"] == pytest.approx(low)
            assert row[f"{name}_high"] == pytest.approx(high)


def test_a_class_without_rows_is_nan_and_spoils_nothing(report):
    yak = report["by_class"]["yak"]
    assert yak["support"] == 0
    assert np.isnan(yak["certified_accuracy_at_0"])
    assert np.isnan(yak["certified_accuracy_at_0_low"])
    assert not np.isnan(list(report["worst"].values())).any()


def test_one_radius_needs_no_suffix(y_true, certificates):
    report = classwise_report(y_true, certificates, radii=[0.25], output="dict")
    expected = certified_accuracy_score(y_true, certificates, radius=0.25)
    assert report["overall"]["certified_accuracy"] == pytest.approx(expected)
    assert "base_accuracy" not in report["overall"]


def test_an_abstention_is_an_error(y_true, certificates):
    silent = dataclasses.replace(
        certificates,
        label=y_true,
        radius=np.zeros(len(y_true)),
        abstained=np.ones(len(y_true), bool),
    )
    overall = classwise_report(y_true, silent, output="dict")["overall"]
    assert overall["certified_accuracy"] == overall["certified_accuracy_low"] == 0
    assert overall["abstention_rate"] == 1


def test_the_frame_holds_the_dict(report, y_true, certificates, y_base):
    pytest.importorskip("pandas")
    frame = classwise_report(
        y_true, certificates, radii=RADII, y_base=y_base, output="frame"
    )
    assert frame.index.tolist() == [*CLASSES, "overall", "worst", "range"]
    for title in ("overall", "worst", "range"):
        for name, value in report[title].items():
            assert frame.loc[title, name] == value
    assert frame.loc["dog", "support"] == report["by_class"]["dog"]["support"]
    assert frame["support"].isna().tolist() == [False] * 5 + [True] * 2
    assert frame.attrs["sigma"] == 0.125


def test_the_text_is_aligned_and_says_what_it_shows(y_true, certificates, y_base):
    text = classwise_report(y_true, certificates, radii=RADII, y_base=y_base)
    lines = text.splitlines()
    for said in ("200 samples", "sigma=0.125", "alpha=0.001", "method=monte_carlo"):
        assert said in lines[0]
    assert "units of the X" in lines[1]
    assert "abstention counts as an error" in text
    heading = next(i for i, line in enumerate(lines) if "support" in line)
    table = [line for line in lines[heading:-7] if line]
    assert len({len(line.rstrip()) for line in table}) == 1
    titles = [line.split()[0] for line in table[1:]]
    assert titles == [*CLASSES, "overall", "worst", "range"]
    for column_heading in ("base acc", "acc at r=0.25", "abstains", "predicted", "ACR"):
        assert column_heading in lines[heading]
    overall = certified_accuracy_score(y_true, certificates, radius=0.25)
    assert f"{overall:.3f} [" in table[5]


def test_the_heading_says_in_which_space_radii_are(y_true, certificates):
    def heading(**changed):
        shown = dataclasses.replace(certificates, **changed)
        return classwise_report(y_true, shown, radii=RADII).partition("support")[0]

    law = {"probability": 0.8}
    words = heading(noise="token_deletion", norm=0, law=law)
    assert "probability=0.8 (token_deletion noise)" in words
    assert "sigma" not in words
    assert "words that are added or deleted" in words
    assert "sigma unknown" in heading(sigma=np.nan)
    scale = np.ones(30)
    scale[5:] = 0
    names = tuple(f"a_long_name_{j}" for j in range(30))
    wide = heading(scale=tuple(scale), features=names)
    assert "the others are held fixed" in " ".join(wide.split())
    assert max(map(len, wide.splitlines()[1:])) <= 100


def shown_radii(text):
    """The ACR of each row of the text, as it is printed."""
    titles = {*CLASSES, "overall", "worst", "range"}
    lines = (line.split() for line in text.splitlines())
    return {line[0]: line[-1] for line in lines if line and line[0] in titles}


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1.0, 4.0, 30.0, 1e3, 1e6])
def test_radii_in_any_unit_keep_three_digits_of_the_overall_one(
    unit, y_true, certificates
):
    scaled = dataclasses.replace(
        certificates, radius=unit * certificates.radius, sigma=unit
    )
    shown = shown_radii(classwise_report(y_true, scaled))
    overall = shown["overall"]
    assert len(overall.replace(".", "").lstrip("0")) >= 3
    if 1 <= unit < 100:  # the units of papers, and their three decimals
        assert len(overall.partition(".")[2]) == 3
    last_place = 10.0 ** -len(overall.partition(".")[2])
    radius = average_certified_radius_score(y_true, scaled, average=None)
    for name, exact in zip(CLASSES[:3], radius, strict=False):
        assert abs(float(shown[name]) - exact) <= 0.5001 * last_place
    exact = average_certified_radius_score(y_true, scaled)
    assert abs(float(overall) - exact) <= 0.5001 * last_place


@pytest.mark.parametrize("largest", [0.5, 1.0, 9.99, 10.0, 60.0, 5e3, 1e9])
def test_one_class_of_large_radii_takes_no_digits_from_overall(largest):
    # .686 as papers print it, beside a class of any radius.
    y_true = np.repeat(CLASSES[:2], [1, 10**5])
    n_rows = len(y_true)
    radius = np.full(n_rows, (0.686 * n_rows - largest) / (n_rows - 1))
    radius[0] = largest
    overall = 0.686
    if radius[1] < 0:  # the one row alone is more than that
        radius[1:], overall = 0.0, largest / n_rows
    found = random_certificates(
        y_true, np.random.default_rng(0), abstains=0.0, label=y_true, radius=radius
    )
    shown = shown_radii(classwise_report(y_true, found))
    assert float(shown["overall"]) == pytest.approx(overall, rel=5e-4)
    if overall == 0.686 and largest < 100:
        assert shown["overall"] == "0.686"


def test_where_nothing_is_certified_radii_are_zero(y_true):
    silent = random_certificates(y_true, np.random.default_rng(0), abstains=1.0)
    assert shown_radii(classwise_report(y_true, silent))["overall"] == "0.000"


def test_without_radii_the_report_is_at_those_asked_and_else_at_zero(
    y_true, certificates
):
    asked = dataclasses.replace(certificates, radii=(0.25, 0.5))
    for found, radii in ((asked, (0.25, 0.5)), (certificates, (0.0,))):
        for output in ("text", "dict", "html"):
            default = classwise_report(y_true, found, output=output)
            named = classwise_report(y_true, found, radii=radii, output=output)
            assert str(default) == str(named)  # nan is not equal to itself


def test_a_notebook_shows_the_text_as_a_table(y_true, certificates, y_base):
    keywords = {"radii": RADII, "y_base": y_base}
    text = classwise_report(y_true, certificates, **keywords)
    html = classwise_report(y_true, certificates, output="html", **keywords)
    assert isinstance(text, str) and text == str(text)
    assert text._repr_html_() == html
    assert pickle.loads(pickle.dumps(text))._repr_html_() == html
    root = ElementTree.fromstring(f"<body>{html}</body>")
    cells = [[cell.text or "" for cell in row] for row in root.iter("tr")]
    lines = [line for line in text.splitlines() if line]
    heading = next(i for i, line in enumerate(lines) if "support" in line)
    for row, line in zip(cells, lines[heading:], strict=False):
        assert " ".join(row).split() == line.split()


def test_classes_are_escaped_in_html():
    y_true = np.array(["<b>", "a&b"])
    found = random_certificates(
        y_true, np.random.default_rng(0), abstains=0.0, classes=y_true
    )
    html = classwise_report(y_true, found, output="html")
    assert "&lt;b&gt;" in html and "a&amp;b" in html and "<b>" not in html


def test_a_lower_bound_is_called_one(y_true, certificates):
    asked = dataclasses.replace(certificates, radii=(0.0, 0.5))
    text = classwise_report(y_true, asked, radii=(0.0, 0.5))
    assert "ACR >=" in text
    assert "a lower bound" in text
    assert "lower bound" not in classwise_report(y_true, certificates)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"output": "csv"}, ValueError, "output.*'csv'"),
        ({"radii": ()}, ValueError, "radii"),
        ({"radii": (-0.5,)}, ValueError, "radii.*-0.5"),
        ({"radii": (0.1, 0.1)}, ValueError, "radii.*distinct"),
        ({"radii": (0.1, 0.1 + 1e-15)}, ValueError, "radii.*close"),
        ({"radii": 0.5}, TypeError, "radii"),
        ({"y_base": ["cat"]}, ValueError, "y_base has 1 samples"),
        ({"y_base": ["cow"] * 200}, ValueError, "y_base holds.*cow"),
    ],
)
def test_bad_input_is_named(change, error, match, y_true, certificates):
    with pytest.raises(error, match=match):
        classwise_report(y_true, certificates, **change)


def test_bad_rows_are_named(y_true, certificates):
    with pytest.raises(ValueError, match=r"y_true holds.*fox"):
        classwise_report(["fox"] * 200, certificates)
    with pytest.raises(ValueError, match="10 samples and certificates 200"):
        classwise_report(y_true[:10], certificates)
    asked = dataclasses.replace(certificates, radii=(0.5,))
    with pytest.raises(ValueError, match="was not requested"):
        classwise_report(y_true, asked, radii=(0.0,))
