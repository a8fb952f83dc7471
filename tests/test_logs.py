# SPDX-License-Identifier: BSD-3-Clause
"""A log resumes to the bytes of an uninterrupted run, or is refused and left alone."""

import json
import os
import re

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import sksmooth.logs._run_settings as run_settings
import sksmooth.logs._witnesses as witnesses
from sksmooth import CertificateLog, SmoothedClassifier, read_certificates
from sksmooth.logs._line_format import LOGGED
from tests.logged_runs import (
    N_ROWS,
    ThreeStrips,
    cost_of_witnesses,
    logged_rows,
    rows,
    smoothed,
)

X, POSITIONS = rows()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of the log of an uninterrupted run."""
    path = tmp_path_factory.mktemp("whole") / "log.tsv"
    smoothed().certify(X, log=CertificateLog(path, y=POSITIONS))
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.tsv"


def resume(path, base=None):
    """Run again, and count what is asked of the base classifier."""
    clf = smoothed(base)
    certificates = clf.certify(X, log=CertificateLog(path, y=POSITIONS))
    return certificates, clf.estimator_.n_asked_


def test_with_a_log_the_certificates_are_those_without(path):
    assert smoothed().certify(X, log=path) == smoothed().certify(X)


@pytest.mark.parametrize("radii", [None, [0.1, 0.3]])
@pytest.mark.parametrize("weights", [None, {1: 2.5}])
def test_a_log_reads_back_as_what_was_returned(path, radii, weights):
    clf = smoothed(vote_weights=weights, bound="binary")
    certificates = clf.certify(X, radii=radii, log=CertificateLog(path, y=POSITIONS))
    again, y_true = read_certificates(path)
    assert again == certificates
    np.testing.assert_array_equal(y_true, POSITIONS)


@pytest.mark.parametrize(
    "labels",
    [
        [False, True],
        [-3, 7],
        [0.5, 1.25],
        ["a\tb", "c\nd"],
        ["ünïcode", '"quoted" #'],
        np.array([1, 2], dtype=np.uint8),
        np.array([0.1, 0.2], dtype=np.float32),
        np.array(["x", "y"], dtype=object),
    ],
    ids=repr,
)
def test_labels_of_any_kind_read_back(path, labels):
    labels = np.asarray(labels)
    y = labels[[0, 1, 1]]
    base = ThreeStrips(labels=labels, edges=[0.0])
    certificates = smoothed(base).certify(X[:3], log=CertificateLog(path, y=y))
    again, y_true = read_certificates(path)
    assert again == certificates
    np.testing.assert_array_equal(y_true, y)
    assert y_true.dtype.kind == np.asarray(y.tolist()).dtype.kind
    assert smoothed(base).certify(X[:3], log=CertificateLog(path, y=y)) == certificates


def test_exact_certificates_are_logged_too(path):
    X, y = load_iris(return_X_y=True)
    base = LogisticRegression(max_iter=500).fit(X, y)
    clf = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    certificates = clf.certify(X, log=path)
    text = path.read_bytes()
    assert read_certificates(path)[0] == certificates == clf.certify(X, log=path)
    assert path.read_bytes() == text
    lines = text.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:40]))
    assert clf.certify(X, log=path) == certificates
    assert path.read_bytes() == text


@pytest.mark.parametrize("kept", [0, 1, 37, N_ROWS - 1, N_ROWS])
def test_of_finished_rows_only_witnesses_are_asked_about_again(
    path, whole, kept, monkeypatch
):
    monkeypatch.setattr(witnesses, "_SECONDS", 0.0)
    certificates, _ = read_whole(path, whole)
    _, to_recognise = resume(path)  # the log is complete
    to_recognise -= cost_of_witnesses(whole)
    lines = whole.splitlines(keepends=True)
    torn = lines[3 + kept][:-1] if kept < N_ROWS else b""
    path.write_bytes(b"".join(lines[: 3 + kept]) + torn)
    again, asked = resume(path)
    needed = cost_of_witnesses(b"".join(lines[: 3 + kept]))
    rest = certificates.n_evaluations[kept:].sum()
    assert asked == to_recognise + needed + rest
    five = np.sort(certificates.n_evaluations[:kept])[-5:].sum()
    assert needed <= max(five, certificates.n_evaluations[:kept].sum() / 10)
    assert again == certificates
    assert path.read_bytes() == whole


def read_whole(path, whole):
    path.write_bytes(whole)
    return read_certificates(path)


def parts(path, whole):
    """What a whole log was written from: settings, digests and columns."""
    path.write_bytes(whole)
    settings = json.loads(whole.decode().splitlines()[1].split("\t")[0][2:])
    del settings["y"]
    logged = logged_rows(whole)
    digests = [bytes.fromhex(row.digest) for row in logged]
    columns = {name: np.array([row.found[name] for row in logged]) for name in LOGGED}
    return settings, digests, columns


def test_torn_at_any_byte_it_resumes_to_the_same_bytes(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    log = CertificateLog(path, y=POSITIONS[:2])
    smoothed().certify(X[:2], log=log)
    text = path.read_bytes()
    settings, digests, found = parts(path, text)
    for size in range(len(text) + 1):
        path.unlink()  # some file systems sync a file that is written over
        path.write_bytes(text[:size])
        with log.writing(settings, digests) as writer:
            done = len(writer.rows)
            writer.append({name: column[done:] for name, column in found.items()})
        assert done == max(0, text[:size].count(b"\n") - 3)
        assert path.read_bytes() == text


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"#\n",
        b"my results\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\0" * 1000,
        b"idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t0.5\t1\t0:00:01\n",
        b"# sksmooth certificates 2\n# {}\nidx\n",
        b"# sksmooth certificates 1\n# {}\nidx\n",
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}, line \d"):
        resume(path)
    assert path.read_bytes() == content


CHANGES = {
    "sigma": ({"sigma": 0.41}, {}),
    "alpha": ({"alpha": 0.01}, {}),
    "bound": ({"bound": "binary"}, {}),
    "n_max": ({"n_certify": 900}, {}),
    "weights": ({"vote_weights": [1, 2, 1]}, {}),
    "radii": ({}, {"radii": [0.1]}),
    "tol": ({}, {"tol": 0.0}),
    "beta": ({}, {"beta": 0.0}),
    "key of their noise": ({"random_state": 1}, {}),
    "rows of X": ({}, {"X": X[::-1]}),
    "n_rows": ({}, {"X": X[:-1], "y": POSITIONS[:-1]}),
    "y of CertificateLog": ({}, {"y": None}),
    "classes": ({"base": ThreeStrips(labels=(0, 1, 3))}, {}),
    "fitted classifier": ({"base": ThreeStrips(edges=(-0.3, 0.35))}, {}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_log_of_another_run_is_refused_by_what_differs(path, whole, what):
    path.write_bytes(whole)
    params, asked = CHANGES[what]
    asked = {"X": X, "y": POSITIONS} | asked
    log = CertificateLog(path, y=asked.pop("y"))
    with pytest.raises(ValueError, match=rf"another run; .*{what}") as refused:
        smoothed(**params).certify(asked.pop("X"), **asked, log=log)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("method", ["monte_carlo", "exact"])
def test_rows_that_only_float32_takes_for_the_same_are_refused(path, method):
    """Seconds since 1970, and noise of one second: float32 sees two minutes."""
    rows = 1.7e9 + 128 * np.arange(10.0)[:, np.newaxis]
    tree = DecisionTreeClassifier().fit(rows, np.arange(10) % 2)
    clf = SmoothedClassifier.from_fitted(
        tree, sigma=1.0, n_certify=100, random_state=0, method=method
    )
    clf.certify(rows, log=path)
    moved = rows + 5.0
    np.testing.assert_array_equal(moved.astype(np.float32), rows.astype(np.float32))
    with pytest.raises(ValueError, match=r"what differs is the rows of X, or .*noise"):
        clf.certify(moved, log=path)


def test_rows_of_which_the_last_bits_differ_are_the_same(path, whole):
    """An affine step before the classifier may change them with the batch."""
    path.write_bytes(whole)
    smoothed().certify(X * (1 + 2.0**-52), log=CertificateLog(path, y=POSITIONS))
    assert path.read_bytes() == whole


def test_a_classifier_is_recognised_where_its_votes_are_split(path):
    """On the rows, far from all edges, both give the same votes."""
    far = np.column_stack([np.where(POSITIONS == 0, -1.0, 1.0), X[:, 1]])
    bases = [ThreeStrips(edges=edges) for edges in [(-0.1, 0.1), (-0.02, 0.1)]]
    one, other = (smoothed(base, sigma=0.05) for base in bases)
    assert one.certify(far) == other.certify(far)
    one.certify(far, log=path)
    with pytest.raises(ValueError, match=r"another run; .*the fitted classifier"):
        other.certify(far, log=path)


def test_other_versions_are_another_run(path, whole, monkeypatch):
    path.write_bytes(whole)
    monkeypatch.setattr(run_settings, "__version__", "0.0.0")
    with pytest.raises(ValueError, match=r"versions: .*'sksmooth': '0\.0\.0'"):
        resume(path)


def test_labels_that_came_later_are_refused(path):
    smoothed().certify(X[:20], log=path)
    text = path.read_bytes()
    assert read_certificates(path)[1] is None
    with pytest.raises(ValueError, match="y of CertificateLog"):
        smoothed().certify(X[:20], log=CertificateLog(path, y=POSITIONS[:20]))
    assert path.read_bytes() == text


@pytest.mark.parametrize("params", [{"batch_size": 5}, {"verbose": 1}], ids=str)
def test_settings_that_change_no_certificate_do_not_matter(path, whole, params):
    path.write_bytes(whole[: len(whole) // 2])
    smoothed(**params).certify(X, log=CertificateLog(path, y=POSITIONS))
    assert path.read_bytes() == whole


def test_numbers_of_numpy_are_settings_as_any_other(path):
    params = {"sigma": np.float64(0.5), "n_certify": np.int64(500)}
    asked = {"tol": np.float32(0.1), "beta": np.float64(0.01)}
    certificates = smoothed(**params).certify(X[:5], log=path, **asked)
    assert read_certificates(path)[0] == certificates
    asked = {name: float(value) for name, value in asked.items()}
    same = smoothed(sigma=0.5, n_certify=500)
    assert same.certify(X[:5], log=path, **asked) == certificates


@pytest.mark.parametrize("line", [3, 4, 50, 2 + N_ROWS])
def test_a_damaged_line_is_refused_by_its_number(path, whole, line):
    lines = whole.splitlines(keepends=True)
    lines[line] = lines[line].replace(b"\t0.", b"\t1.", 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(ValueError, match=rf"log\.tsv, line {line + 1}: the check"):
        resume(path)
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("lines", [[3, 4, 4], [3, 5], [3, 4, 5, 4]])
def test_lines_in_another_order_are_refused(path, whole, lines):
    text = whole.splitlines(keepends=True)
    damaged = b"".join(text[:3] + [text[i] for i in lines])
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"line \d: row \d stands where row \d"):
        resume(path)
    assert path.read_bytes() == damaged


def test_rows_of_another_run_are_seen(path, tmp_path, whole):
    """A line that is good in its own log is not good in another."""
    other = tmp_path / "other.tsv"
    smoothed(sigma=0.5).certify(X, log=CertificateLog(other, y=POSITIONS))
    mixed = whole.splitlines(keepends=True)[:10]
    mixed += other.read_bytes().splitlines(keepends=True)[10:]
    path.write_bytes(b"".join(mixed))
    with pytest.raises(ValueError, match=r"line 11: the check"):
        resume(path)
    with pytest.warns(UserWarning) as caught:
        certificates, _ = read_certificates(path)
    assert len(certificates) == 7
    assert "skipped 89 lines (line 11: the check" in str(caught[0].message)
    assert f"holds 7 of {N_ROWS} rows; the first that is missing is row 7" in str(
        caught[1].message
    )


def test_a_second_writer_is_refused(path, whole):
    pytest.importorskip("fcntl", reason="this system has no locks of files")
    settings, digests, _ = parts(path, whole)
    with CertificateLog(path, y=POSITIONS).writing(settings, digests):
        with pytest.raises(BlockingIOError, match="another process"):
            resume(path)
    resume(path)
    assert path.read_bytes() == whole


def test_rows_are_on_the_disk_before_the_next_are_asked_about(path, monkeypatch):
    """Each slab is written, and synced, as soon as it is done."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.stat().st_size))
    seen = []
    base = ThreeStrips()
    ask = base.predict

    def predict(X):
        seen.append((int(X[:, 1].max() / 100 + 0.5), len(synced)))
        return ask(X)

    base.predict = predict
    smoothed(base).certify(X, log=path)
    assert synced[-1] == path.stat().st_size
    assert len(synced) == 1 + N_ROWS // 16
    assert all(n_synced > row // 16 for row, n_synced in seen if n_synced)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (CertificateLog("unused", y=[1, 2]), r"y of shape \(2,\) for 96 rows"),
        (CertificateLog("unused", y=[[1]] * N_ROWS), r"y of shape \(96, 1\)"),
        (7, "log must be a CertificateLog or the path"),
        (open, "log must be a CertificateLog or the path"),
    ],
    ids=str,
)
def test_bad_logs_are_refused_before_a_file_is_made(log, message, monkeypatch, path):
    monkeypatch.chdir(path.parent)
    with pytest.raises((TypeError, ValueError), match=message):
        smoothed().certify(X, log=log)
    assert not list(path.parent.iterdir())


def test_labels_that_text_cannot_hold_are_refused(path):
    y = np.array([b"bytes"] * N_ROWS)
    with pytest.raises(TypeError, match="must be bools, numbers or strings"):
        smoothed().certify(X, log=CertificateLog(path, y=y))
    assert not path.exists()


def test_the_log_does_not_tell_the_seed_of_a_rows_noise(path):
    """A row's noise is drawn from 16 bytes; half of them are logged."""
    smoothed().certify(X[:1], log=path)
    digest = path.read_text().splitlines()[3].split("\t")[1]
    assert len(bytes.fromhex(digest)) == 8


def test_repr_names_the_file():
    assert repr(CertificateLog("runs/log.tsv")) == "CertificateLog('runs/log.tsv')"
