# SPDX-License-Identifier: BSD-3-Clause
"""Reading and writing the files of the field; what is skipped is said."""

import numpy as np
import pytest

from sksmooth import (
    CertificateLog,
    Certificates,
    read_certificates,
    write_field_tsv,
)
from sksmooth.metrics import (
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)
from tests.logged_runs import ThreeStrips, rows, smoothed

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
        ({"vote_weights": [1, 1, 2]}, None, True, r"weights: None and \[1"),
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
