# SPDX-License-Identifier: BSD-3-Clause
"""Reading and writing the files of the field; what is skipped is said."""

import itertools
import json
import re
import shutil

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksmooth import (
    CertificateLog,
    Certificates,
    read_certificates,
    recertify,
    write_field_tsv,
)
from sksmooth.logs._line_format import COLUMNS
from sksmooth.metrics import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)
from tests.logged_runs import ThreeStrips, forged, rows, smoothed

HEADER = "idx\tlabel\tpredict\tradius\tcorrect\ttime"
PUBLISHED = [
    HEADER,
    "0\t3\t3\t0.957\t1\t0:01:12.345678",
    "20\t8\t8\t1.23\t1\t0:00:11",
    "40\t8\t-1\t0.0\t0\t0:00:10.000001",
    "60\t0\t8\t0.0817\t0\t1 day, 0:00:02.5",
    "80\t0\t0\t1.5e-05\t1\t2 days, 10:00:02",
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "published.tsv"


def write(path, lines, end="\n"):
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def test_a_published_file_reads_as_it_was_printed(path):
    certificates, y_true = read_certificates(write(path, PUBLISHED))
    assert y_true.tolist() == [3, 8, 8, 0, 0]
    assert certificates.classes.tolist() == [0, 3, 8]
    assert certificates.radius.tolist() == [0.957, 1.23, 0.0, 0.0817, 1.5e-05]
    assert certificates.abstained.tolist() == [False, False, True, False, False]
    answered = ~certificates.abstained
    assert certificates.label[answered].tolist() == [3, 8, 8, 0]
    assert np.isnan(certificates.sigma)
    assert np.isnan(certificates.alpha)
    assert not certificates.counts.any()


def test_what_the_file_does_not_say_can_be_given(path):
    certificates, _ = read_certificates(
        write(path, PUBLISHED), sigma=0.5, alpha=0.001, classes=range(10)
    )
    assert certificates.sigma == 0.5
    assert certificates.alpha == 0.001
    assert certificates.classes.tolist() == list(range(10))


def test_scores_work_on_a_published_file(path):
    """By hand: three rows are right, with these radii; one abstains."""
    certificates, y_true = read_certificates(write(path, PUBLISHED))
    assert certified_accuracy_score(y_true, certificates, radius=0.9) == 2 / 5
    assert certified_accuracy_score(y_true, certificates) == 3 / 5
    assert abstention_rate(y_true, certificates) == 1 / 5
    assert average_certified_radius_score(y_true, certificates) == pytest.approx(
        (0.957 + 1.23 + 1.5e-05) / 5
    )


@pytest.mark.parametrize("time", ["0:00:00", "12:34:56.789012", "12", "12.5", "1e-05"])
def test_times_in_any_of_their_formats(path, time):
    line = f"0\t1\t1\t0.5\t1\t{time}"
    assert len(read_certificates(write(path, [HEADER, line]))[0]) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("=> loading checkpoint", "1 columns, not 6"),
        ("100\t0\t0\t0.5", "4 columns, not 6"),
        ("100\t0\t0\t0.5\t1\t", "time is ''"),
        ("100\t0\t0\t0.5\t1\t0:0", "time is '0:0'"),
        ("100\t0\t0\t0.5\t1\t0:00:01\tx", "7 columns, not 6"),
        ("100\t0\t0\t0_5\t1\t0:00:01", "radius is '0_5'"),
        ("1_0\t0\t0\t0.5\t1\t0:00:01", "idx is '1_0'"),
        ("-1\t0\t0\t0.5\t1\t0:00:01", "idx is '-1'"),
        ("100\t-1\t0\t0.5\t0\t0:00:01", "label is '-1'"),
        ("100\tcat\t0\t0.5\t0\t0:00:01", "label is 'cat'"),
        ("100\t0\t-2\t0.0\t0\t0:00:01", "predict is '-2'"),
        ("100\t0\t0.0\t0.5\t1\t0:00:01", "predict is '0.0'"),
        ("100\t0\t-1\t0.5\t0\t0:00:01", "an abstention with radius 0.5"),
        ("100\t0\t3\t0.5\t1\t0:00:01", "correct is 1 for label 0 and predict 3"),
        ("100\t0\t0\t0.5\t0\t0:00:01", "correct is 0 for label 0 and predict 0"),
        ("100\t0\t0\t0.5\t2\t0:00:01", "correct is 2 for label 0 and predict 0"),
        ("20\t0\t0\t0.5\t1\t0:00:01", "index 20 stands on line 3"),
        ("9" * 30 + "\t0\t0\t0.5\t1\t0:00:01", "idx is '999"),
    ],
)
def test_a_line_that_is_no_row_is_skipped_and_named(path, line, reason):
    lines = [*PUBLISHED[:4], line, *PUBLISHED[4:]]
    with pytest.warns(UserWarning) as caught:
        certificates, y_true = read_certificates(write(path, lines))
    (warning,) = caught
    assert f"{path}: skipped 1 lines (line 5: {reason}" in str(warning.message)
    whole = read_certificates(write(path, PUBLISHED))
    np.testing.assert_array_equal(y_true, whole[1])
    np.testing.assert_array_equal(certificates.radius, whole[0].radius)


def test_blank_lines_headers_and_ends_of_lines_are_no_news(path):
    lines = ["", PUBLISHED[0], "  ", *PUBLISHED[1:3], HEADER, *PUBLISHED[3:], "", ""]
    certificates, y_true = read_certificates(write(path, lines, end=""))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    again, y_again = read_certificates(path)
    assert y_true.tolist() == y_again.tolist() == [3, 8, 8, 0, 0]
    np.testing.assert_array_equal(certificates.radius, again.radius)


def test_many_skipped_lines_are_counted(path):
    lines = PUBLISHED + ["Epoch"] * 20
    with pytest.warns(UserWarning, match=r"skipped 20 lines .*; and 15 more\)"):
        read_certificates(write(path, lines))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1: no line with numbers"),
        ([HEADER], "line 1: no line with numbers"),
        (["Traceback"], "line 1: 1 columns, not 6"),
        (
            ["idx\tlabel\tpredict\tcorrect\ttime", "0\t1\t1\t1\t0:00:01"],
            "line 1: 5 col",
        ),
    ],
)
def test_a_file_without_certificates_is_refused(path, lines, reason):
    with pytest.raises(ValueError, match="holds no certificate") as refused:
        read_certificates(write(path, lines))
    assert str(path) in str(refused.value)
    assert reason in str(refused.value)


def test_a_label_outside_the_given_classes_is_refused(path):
    with pytest.raises(ValueError, match=r"line 3: the label 8 is not among classes"):
        read_certificates(write(path, PUBLISHED), classes=[0, 3])


@pytest.mark.parametrize("given", [{"sigma": 1}, {"alpha": 0.1}, {"classes": [0]}])
def test_a_log_of_ours_says_its_settings_itself(path, given):
    smoothed().certify(rows(3)[0], log=path)
    with pytest.raises(ValueError, match=r"states .* itself"):
        read_certificates(path, **given)


def test_lines_of_ours_that_are_no_rows_are_named_and_the_others_read(path):
    X, _ = rows(4)
    whole = smoothed().certify(X, log=path)
    lines = path.read_text().splitlines(keepends=True)
    lines[4] = "\n"
    lines[6] = lines[6][:-10]
    path.write_text("".join(lines))
    with pytest.warns(UserWarning) as caught:
        certificates, _ = read_certificates(path)
    skipped, missing = (str(warning.message) for warning in caught)
    assert "skipped 2 lines (line 5:" in skipped
    assert "line 7:" in skipped
    assert "holds 2 of 4 rows; the first that is missing is row 1" in missing
    assert certificates == whole[[0, 2]]


def test_an_empty_log_of_ours_reads_as_no_rows(path):
    smoothed().certify(rows(3)[0], log=path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    with pytest.warns(UserWarning, match=r"holds 0 of 3 rows; .* missing is row 0"):
        certificates, y_true = read_certificates(path)
    assert len(certificates) == 0
    assert certificates.counts.shape == (0, 3)
    assert y_true is None


@pytest.mark.parametrize(
    "labels", [[0, 1, 7], ["a", "b", "c"], [-1, 0, 1], [0.5, 1, 2]]
)
def test_what_is_written_for_the_field_reads_back(path, labels):
    """Radii to the last bit, so that what held at a radius holds there again."""
    certificates = Certificates(
        label=np.asarray(labels)[[0, 1, 2, 0]],
        radius=[0.1 + 0.2, 0.3, 0.0, 1e-7],
        abstained=[False, False, True, False],
        p_lower=np.zeros(4),
        counts=np.zeros((4, 3), dtype=int),
        n_evaluations=np.zeros(4, dtype=int),
        classes=labels,
        sigma=0.5,
        noise="gaussian",
        norm=2,
        alpha=0.01,
        method="monte_carlo",
    )
    y = np.asarray(labels)[[0, 2, 2, 1]]
    write_field_tsv(path, certificates, y)
    again, y_true = read_certificates(path)
    written = labels if labels == [0, 1, 7] else [0, 1, 2]
    assert y_true.tolist() == [written[i] for i in (0, 2, 2, 1)]
    assert again.radius.tolist() == certificates.radius.tolist()
    assert again.abstained.tolist() == certificates.abstained.tolist()
    assert again.label[[0, 1, 3]].tolist() == [written[i] for i in (0, 1, 0)]
    assert again.holds(0.3).tolist() == certificates.holds(0.3).tolist()
    with pytest.raises(FileExistsError):
        write_field_tsv(path, certificates, y)


def test_unsigned_labels_are_written_for_the_field(path):
    labels = np.array([3, 200], dtype=np.uint8)
    X = rows(4)[0]
    clf = smoothed(ThreeStrips(labels=labels, edges=[0.0]))
    certificates = clf.certify(X, radii=[0.3])
    write_field_tsv(path, certificates, labels[[0, 1, 0, 1]])
    again, y_true = read_certificates(path)
    assert y_true.tolist() == [3, 200, 3, 200]
    np.testing.assert_array_equal(again.radius, certificates.radius)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], r"y_true has shape \(2,\) for 3"),
        ([0, 1, 9], r"y_true holds the classes \[9\]"),
    ],
)
def test_true_labels_that_do_not_fit_are_not_written(path, y, message):
    certificates = smoothed().certify(rows(3)[0])
    with pytest.raises(ValueError, match=message):
        write_field_tsv(path, certificates, y)
    assert not path.exists()


def test_a_log_of_ours_becomes_one_of_the_field(path, tmp_path):
    X, y = rows(20)
    ours = tmp_path / "ours.tsv"
    certificates = smoothed().certify(X, log=CertificateLog(ours, y=y))
    write_field_tsv(path, *read_certificates(ours))
    again, y_true = read_certificates(path)
    for radius in (0.0, 0.1, 0.5):
        assert certified_accuracy_score(
            y_true, again, radius=radius
        ) == certified_accuracy_score(y, certificates, radius=radius)


PARTS = [slice(0, 10), slice(10, 31), slice(31, None)]


@pytest.mark.parametrize("labels", [(0, 1, 2), ("left", "middle", "right")])
@pytest.mark.parametrize("radii", [None, [0.1, 0.3]])
def test_a_set_that_was_certified_in_parts_reads_as_one(tmp_path, labels, radii):
    X, positions = rows(40)
    y = np.array(labels)[positions]
    paths = [tmp_path / f"{i}.tsv" for i in range(len(PARTS))]
    for path, part in zip(paths, PARTS, strict=True):
        clf = smoothed(ThreeStrips(labels=labels))  # fitted anew, as elsewhere
        clf.certify(X[part], radii=radii, log=CertificateLog(path, y=y[part]))
    certificates, y_true = read_certificates(paths)
    assert certificates == smoothed(ThreeStrips(labels=labels)).certify(X, radii=radii)
    np.testing.assert_array_equal(y_true, y)
    assert y_true.dtype == y.dtype


def test_of_a_part_that_was_cut_off_the_rest_is_read_and_it_is_said(tmp_path):
    X, y = rows(40)
    paths = [tmp_path / f"{i}.tsv" for i in range(len(PARTS))]
    for path, part in zip(paths, PARTS, strict=True):
        smoothed(ThreeStrips(labels=tuple("abc"))).certify(
            X[part], log=CertificateLog(path, y=np.array(list("abc"))[y[part]])
        )
    head = paths[1].read_text().splitlines(keepends=True)[:3]
    paths[1].write_text("".join(head))
    with pytest.warns(UserWarning, match=f"{paths[1]} holds 0 of 21 rows") as caught:
        certificates, y_true = read_certificates(paths)
    assert caught[0].filename == __file__
    assert len(certificates) == len(y_true) == 19
    assert set(y_true) <= set("abc")


@pytest.mark.parametrize(
    ("params", "radii", "y", "message"),
    [
        ({"sigma": 0.5}, None, True, "sigma: 0.4 and 0.5"),
        ({"vote_weights": [1, 1, 2]}, None, True, r"weights: None and \[0.5, 0.5, 1"),
        ({}, [0.1], True, r"radii: None and \[0.1\]"),
        ({}, None, False, "only one of them has true labels"),
    ],
)
def test_logs_of_other_runs_are_not_joined(tmp_path, params, radii, y, message):
    X, positions = rows(20)
    paths = [tmp_path / "0.tsv", tmp_path / "1.tsv"]
    smoothed().certify(X[:10], log=CertificateLog(paths[0], y=positions[:10]))
    log = CertificateLog(paths[1], y=positions[10:] if y else None)
    smoothed(**params).certify(X[10:], radii=radii, log=log)
    with pytest.raises(ValueError, match=f"no parts of one set.* {message}"):
        read_certificates(paths)


def test_files_of_the_field_are_joined_where_their_classes_are_said(tmp_path):
    paths = [write(tmp_path / f"{i}.tsv", PUBLISHED[i : i + 3]) for i in (0, 3)]
    with pytest.raises(ValueError, match="classes"):
        read_certificates(paths)
    certificates, y_true = read_certificates(paths, classes=range(10))
    assert y_true.tolist() == [3, 8, 8, 0, 0]
    assert certificates.radius.tolist() == [0.957, 1.23, 0.0, 0.0817, 1.5e-05]


def test_no_file_is_refused():
    with pytest.raises(ValueError, match="names no file"):
        read_certificates([])


# Of rows of PUBLISHED; the order of the columns is another in each test.
CELLS = {
    "idx": ["0", "20", "40", "60"],
    "label": ["3", "8", "8", "0"],
    "predict": ["3", "8", "-1", "8"],
    "radius": ["0.957", "1.23", "0.0", "0.0817"],
    "correct": ["1", "1", "0", "0"],
    "time": ["0:01:12.345678", "0:00:11", "0:00:10.000001", "1 day, 0:00:02.5"],
    "raw_count": ["99000", "99900", "49000", "60000"],
    "p_A_bar": ["0.97", "0.998", "0.48", "0.58"],
    "raw_grad_norm": ["-1.18", "0.3", "nan", "2"],
    "best_sigma": ["0.25", "0.25", "0.12", "0.5"],
}


def published(names, cells=CELLS, n_rows=4):
    lines = [names] + [[cells[name][row] for name in names] for row in range(n_rows)]
    return ["\t".join(line) for line in lines]


@hypothesis.settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(
    names=st.permutations([*CELLS]),
    left_out=st.sets(st.sampled_from([*CELLS][4:])),
)
def test_a_header_is_obeyed_in_any_order(path, names, left_out):
    names = [name for name in names if name not in left_out]
    certificates, y_true = read_certificates(write(path, published(names)))
    assert y_true.tolist() == [3, 8, 8, 0]
    assert certificates.radius.tolist() == [0.957, 1.23, 0.0, 0.0817]
    assert certificates.abstained.tolist() == [False, False, True, False]
    assert certificates.label[[0, 1, 3]].tolist() == [3, 8, 8]
    votes = [99000, 99900, 0, 60000] if "raw_count" in names else [0, 0, 0, 0]
    assert certificates.counts.sum(axis=1).tolist() == votes
    share = [0.97, 0.998, 0.0, 0.58] if "p_A_bar" in names else [0, 0, 0, 0]
    assert certificates.p_lower.tolist() == share


def test_votes_of_a_published_file_are_those_of_the_predicted_class_alone(path):
    """How many there were in all it does not say, so they prove nothing anew."""
    certificates, _ = read_certificates(
        write(path, published([*CELLS])), sigma=0.5, alpha=0.001
    )
    assert certificates.classes.tolist() == [0, 3, 8]
    assert certificates.counts.tolist() == [
        [0, 99000, 0],
        [0, 0, 99900],
        [0, 0, 0],
        [0, 0, 60000],
    ]
    assert not certificates.n_evaluations.any()
    with pytest.raises(ValueError, match="hold no counts"):
        recertify(certificates, alpha=0.01)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(
            ("radius", cell)
            for cell in ("-1.0", "-1.01", "inf", "-inf", "nan", "1e999")
        ),
        *(("p_A_bar", cell) for cell in ("1.5", "-0.1", "nan", "99")),
        *(("raw_count", cell) for cell in ("0.97", "-5", "nan", "1e5")),
    ],
)
def test_a_column_of_another_meaning_is_refused(path, column, cell):
    """Rows without the lines where it shows would be another set."""
    cells = CELLS | {column: [*CELLS[column][:3], cell]}
    lines = published([*CELLS], cells)
    message = rf"{path}, line 5: {column} is '{cell}', which .* means something else"
    with pytest.raises(ValueError, match=message):
        read_certificates(write(path, lines))


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false"), ("1", "0")])
def test_correct_may_be_a_word(path, words):
    lines = [HEADER, *(line.split("\t") for line in PUBLISHED[1:])]
    lines[1:] = ["\t".join([*c[:4], words[c[4] == "0"], c[5]]) for c in lines[1:]]
    certificates, y_true = read_certificates(write(path, lines))
    assert y_true.tolist() == [3, 8, 8, 0, 0]
    assert certificates.radius.tolist() == [0.957, 1.23, 0.0, 0.0817, 1.5e-05]


def test_lines_that_contradict_themselves_all_over_are_refused(path):
    """Correct, it seems, is said of what was certified; leaving them out would lie."""
    lines = [HEADER] + [f"{i}\t1\t1\t0.5\t{int(i % 4 == 0)}\t1" for i in range(40)]
    with pytest.raises(ValueError, match=r"cells of 30 lines contradict .* something"):
        read_certificates(write(path, lines))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("idx\tlabel\tpredict\tcorrect\ttime", "5 columns, and none is named radius"),
        ("idx\tpredict\tradius", "3 columns, and none is named label"),
        ("idx\tlabel\tlabel\tpredict\tradius", "two are named label"),
        ("index\ttarget\tprediction\tr\thit\tseconds", "none is named idx"),
    ],
)
def test_a_header_that_names_other_columns_is_refused(path, header, reason):
    lines = [header, *PUBLISHED[1:]]
    with pytest.raises(ValueError, match=reason):
        read_certificates(write(path, lines))


def test_a_second_header_must_be_the_first(path):
    more = ["radius\tidx\tlabel\tpredict\tcorrect\ttime", "0.5\t99\t1\t1\t1\t1"]
    with pytest.raises(ValueError, match="line 7: another header"):
        read_certificates(write(path, [*PUBLISHED, *more]))
    with pytest.raises(ValueError, match="line 6: another header"):
        read_certificates(write(path, [*PUBLISHED[1:], *more]))


def test_of_a_header_without_rows_the_refusal_says_so(path):
    lines = [HEADER, "0\t6\tsix\t0.5\t1\t0:00:01"]
    with pytest.raises(
        ValueError, match="no certificate: it has the header"
    ) as refused:
        read_certificates(write(path, lines))
    assert "line 2: predict is 'six'" in str(refused.value)
    assert "no line has the columns" not in str(refused.value)


@pytest.mark.parametrize(
    "labels",
    [[0, 10**18], [2**63, 2**64 - 1], np.array([1, 2**70], dtype=object)],
    ids=repr,
)
def test_labels_that_do_not_fit_the_field_are_not_written(path, labels):
    certificates = certificates_of(labels)
    with pytest.raises(ValueError, match="more than 18 digits"):
        write_field_tsv(path, certificates, np.asarray(labels)[[0, 1, 1]])
    assert not path.exists()


@pytest.mark.parametrize(
    "labels",
    [
        [3, 10**18 - 1],
        np.array([5, 7], dtype=object),
        np.array([5, 7], dtype=np.uint64),
    ],
    ids=repr,
)
def test_labels_that_fit_the_field_are_written_as_they_are(path, labels):
    write_field_tsv(path, certificates_of(labels), np.asarray(labels)[[0, 1, 1]])
    again, y_true = read_certificates(path)
    assert y_true.tolist() == [labels[0], labels[1], labels[1]]
    assert again.label[:2].tolist() == [labels[0], labels[1]]


def certificates_of(labels):
    """Three certificates of two classes, the last an abstention."""
    return Certificates(
        label=np.asarray(labels)[[0, 1, 1]],
        radius=[0.5, 0.25, 0.0],
        abstained=[False, False, True],
        p_lower=np.zeros(3),
        counts=np.zeros((3, 2), dtype=int),
        n_evaluations=np.zeros(3, dtype=int),
        classes=labels,
        sigma=0.5,
        noise="gaussian",
        norm=2,
        alpha=0.01,
        method="monte_carlo",
    )


def test_an_abstention_is_written_and_read_as_one_whatever_its_label(path):
    """The label of an abstained row is a guess; no file holds it."""
    certificates = certificates_of([0, 1])
    write_field_tsv(path, certificates, [0, 1, 1])
    assert path.read_text().splitlines()[3].split("\t")[1:5] == ["1", "-1", "0.0", "0"]
    again, _ = read_certificates(path)
    assert again.abstained.tolist() == [False, False, True]
    assert again.to_labels().tolist() == [0, 1, -1]


def part(path, X, y=None, **params):
    smoothed(**params).certify(X, log=CertificateLog(path, y=y))
    return path


def test_a_log_is_not_joined_to_itself_or_a_copy(tmp_path):
    X, y = rows(20)
    one = part(tmp_path / "one.tsv", X, y)
    copy = tmp_path / "copy.tsv"
    shutil.copy(one, copy)
    cut_off = tmp_path / "cut_off.tsv"
    cut_off.write_bytes(b"".join(one.read_bytes().splitlines(keepends=True)[:4]))
    for other in (one, copy):
        with pytest.raises(ValueError, match=r"20 of the 20 rows .* would count twice"):
            read_certificates([one, other])
    with pytest.raises(ValueError, match="would count twice"):
        with pytest.warns(UserWarning, match="holds 1 of 20"):
            read_certificates([one, cut_off])


@pytest.mark.parametrize(
    "base",
    [None, ThreeStrips(edges=(-0.2, 0.3))],
    ids=["the same", "another classifier"],
)
@pytest.mark.parametrize(
    "cut", [slice(None), slice(0, 12), slice(15, 40), slice(None, None, -1)], ids=str
)
def test_logs_of_the_same_rows_are_not_joined(tmp_path, base, cut):
    X, _ = rows(40)
    one = part(tmp_path / "one.tsv", X[:20])
    other = part(tmp_path / "other.tsv", X[cut], base=base)
    with pytest.raises(ValueError, match=r"\d+ of the \d+ rows of .* count twice"):
        read_certificates([one, other])
    with pytest.raises(ValueError, match=r"\d+ of the \d+ rows of .* count twice"):
        read_certificates([other, one])


def test_logs_with_other_noise_are_not_joined(tmp_path):
    """Their rows cannot be told apart, nor are they of one fitted classifier."""
    X, _ = rows(20)
    one = part(tmp_path / "one.tsv", X)
    other = part(tmp_path / "other.tsv", X, random_state=1)
    with pytest.raises(ValueError, match="what differs is key: "):
        read_certificates([one, other])


def test_equal_rows_of_the_data_are_joined_with_a_warning(tmp_path):
    X, y = rows(80)
    X[60] = X[3]
    paths = [
        part(tmp_path / f"{at}.tsv", X[half], y[half])
        for at, half in enumerate((slice(0, 40), slice(40, 80)))
    ]
    with pytest.warns(UserWarning, match="1 of the 40 rows .* number 20 and number 3"):
        certificates, y_true = read_certificates(paths)
    assert len(certificates) == len(y_true) == 80


def test_data_of_few_distinct_rows_are_joined_with_a_warning(tmp_path):
    """Here equal rows are what one expects."""
    X, _ = rows(8)
    paths = [
        part(tmp_path / f"{at}.tsv", np.repeat(X[half], 5, axis=0))
        for at, half in enumerate((slice(0, 6), slice(4, 8)))
    ]
    with pytest.warns(UserWarning, match="10 of the 20 rows"):
        assert len(read_certificates(paths)[0]) == 50


def test_published_files_of_the_same_rows_are_not_joined(tmp_path):
    one, two = (write(tmp_path / name, PUBLISHED) for name in ("one", "two"))
    for paths in ([one, one], [one, two]):
        with pytest.raises(ValueError, match=r"5 of the 5 rows .* would count twice"):
            read_certificates(paths)


ODD_CELLS = [
    "",
    "abc",
    "-1",
    "1e400",
    "1_0",
    "٣",
    str(2**80),
    "[" * 5000,
    "1\x00",
    "{}",
]


# A label of the rows may be any number, and a radius any that is not negative.
GOOD = {("label", "-1"), ("label", "1e400"), ("label", str(2**80))}
GOOD.add(("radius", str(2**80)))


@pytest.mark.parametrize(
    ("column", "odd"),
    [pair for pair in itertools.product(COLUMNS[:-1], ODD_CELLS) if pair not in GOOD],
)
def test_an_odd_cell_whose_check_fits_is_one_error_with_its_line(odd_log, column, odd):
    path, whole = odd_log

    def change(cells):
        return (dict(zip(COLUMNS, cells, strict=False)) | {column: odd}).values()

    path.write_bytes(forged(whole, 8, change))
    with pytest.raises(ValueError, match=rf"{path}, line 8: ") as refused:
        read_certificates(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400
    with pytest.raises(ValueError, match=rf"{path}, line 8: "):
        smoothed().certify(rows(20)[0], log=CertificateLog(path, y=rows(20)[1]))


@pytest.fixture(scope="module")
def odd_log(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "log.tsv"
    X, y = rows(20)
    smoothed().certify(X, log=CertificateLog(path, y=y))
    return path, path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells[:5],
        lambda cells: [*cells, "more"],
        lambda cells: ["20", *cells[1:]],
        lambda cells: [*cells[:-2], "1,2", "1,2,3"],
        lambda cells: [*cells[:-2], "1,2,,3", "1,2,3"],
        lambda cells: [*cells[:4], "0.5", "1", *cells[6:]],
        lambda cells: [*cells[:3], "7", *cells[4:]],
        lambda cells: [*cells[:3], "1.0", *cells[4:]],
        lambda cells: [*cells[:2], "null", *cells[3:]],
    ],
    ids=range(9),
)
def test_odd_lines_whose_check_fits_are_one_error(odd_log, change):
    path, whole = odd_log
    path.write_bytes(forged(whole, 7, change))
    with pytest.raises(ValueError, match=rf"{path}, line 7: its check fits"):
        read_certificates(path)


SETTINGS = ["sigma", "noise", "norm", "alpha", "method", "radii", "slack"]
ODD = [None, [], {}, "40", -1, float("nan"), 10**400, 1e15, 10**15, [[1]], [None], True]


def test_odd_settings_whose_check_fits_are_one_error_with_their_line(odd_log):
    path, whole = odd_log
    own = ("n_rows", "classes", "y", "weights", *SETTINGS)

    def attempt(change, setting, odd):
        path.write_bytes(forged(whole, 2, change))
        try:
            certificates, _ = read_certificates(path)
        except ValueError as error:
            assert re.search(rf"{path}, line \d", str(error)), (setting, odd)
            assert "\n" not in str(error)
            assert len(str(error)) < 500
        else:
            assert len(certificates) == 20

    for setting, odd in itertools.product(own, ODD):
        attempt(
            lambda text, new={setting: odd}: json.dumps(json.loads(text) | new),
            setting,
            odd,
        )
    for setting in own:

        def without(text, setting=setting):
            left = json.loads(text)
            del left[setting]
            return json.dumps(left)

        path.write_bytes(forged(whole, 2, without))
        with pytest.raises(ValueError, match=rf"line 2: .*'{setting}' is missing"):
            read_certificates(path)
    for odd in ("[" * 100_000, "null", "3", '"', "", "NaN", '{"n_rows": 1'):
        path.write_bytes(forged(whole, 2, lambda _, odd=odd: odd))
        with pytest.raises(ValueError, match=rf"{path}, line 2: these are no settings"):
            read_certificates(path)


@pytest.mark.parametrize("n_rows", [10**15, 2**70])
def test_more_rows_than_any_log_holds_take_no_memory(odd_log, n_rows):
    path, whole = odd_log
    path.write_bytes(
        forged(whole, 2, lambda text: json.dumps(json.loads(text) | {"n_rows": n_rows}))
    )
    with pytest.raises(ValueError, match=rf"line 2: .*n_rows is {n_rows}"):
        read_certificates(path)
