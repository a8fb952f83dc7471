# SPDX-License-Identifier: BSD-3-Clause
"""A log resumes to the bytes of an uninterrupted run, or is refused and left alone."""

import enum
import json
import os
import pickle
import re
import socket
import stat
import time
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import sksmooth.logs._run_settings as run_settings
import sksmooth.logs._witnesses as witnesses
from sksmooth import CertificateLog, SmoothedClassifier, read_certificates
from sksmooth.logs._line_format import LOGGED
from sksmooth.votes import MonteCarloVotes
from tests.logged_runs import (
    N_ROWS,
    ThreeStrips,
    cost_of_witnesses,
    forged,
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
    """Run again, and count the calls of the base classifier."""
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
    # A few of the first copies are predicted again at the end of each run.
    monkeypatch.setattr(MonteCarloVotes, "finish", lambda source, streams: None)
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
    "n_certify": ({"n_certify": 900}, {}),
    "vote_weights": ({"vote_weights": [1, 2, 1]}, {}),
    "radii": ({}, {"radii": [0.1]}),
    "tol": ({}, {"tol": 0.0}),
    "beta": ({}, {"beta": 0.0}),
    "key of the noise": ({"random_state": 1}, {}),
    "rows of X": ({}, {"X": X[::-1]}),
    "number of samples": ({}, {"X": X[:-1], "y": POSITIONS[:-1]}),
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
    if what in ("sigma", "number of samples"):  # and nothing that follows from it
        assert "fitted classifier" not in str(refused.value)
        assert "the rows of X" not in str(refused.value)
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
        (CertificateLog("unused", y=[1, 2]), r"y of shape \(2,\) for 96 samples"),
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


IRIS = load_iris(return_X_y=True)
LOGISTIC = LogisticRegression(max_iter=1000)
# Hyper-parameters that are close: the labels of few noisy rows differ, or of none.
CLOSE = {
    "SVC C": (SVC(C=1), SVC(C=1.2)),
    "SVC C, closer": (SVC(C=1), SVC(C=1.01)),
    "SVC gamma": (SVC(gamma=0.5), SVC(gamma=0.505)),
    "KNN neighbors": (KNeighborsClassifier(5), KNeighborsClassifier(6)),
    "KNN weights": (
        KNeighborsClassifier(5),
        KNeighborsClassifier(5, weights="distance"),
    ),
    "tree depth": (
        DecisionTreeClassifier(max_depth=4, random_state=0),
        DecisionTreeClassifier(max_depth=5, random_state=0),
    ),
    "tree leaves": (
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(random_state=0, min_samples_leaf=2),
    ),
    "forest seed": (
        RandomForestClassifier(10, random_state=0),
        RandomForestClassifier(10, random_state=1),
    ),
    "forest size": (
        RandomForestClassifier(10, random_state=0),
        RandomForestClassifier(11, random_state=0),
    ),
    "bayes": (GaussianNB(), GaussianNB(var_smoothing=1e-5)),
    "logistic": (LOGISTIC, clone(LOGISTIC).set_params(C=1.001)),
}
EXACT = {name: CLOSE[name] for name in ("logistic", "tree depth", "tree leaves")} | {
    "logistic, closer": (LOGISTIC, clone(LOGISTIC).set_params(C=1.00001)),
    "linear SVC": (SVC(C=1, kernel="linear"), SVC(C=1.001, kernel="linear")),
}


def with_base(base, method, sigma, two_classes=False, **params):
    """A smoothed classifier on every other row of iris, and the rows between."""
    X, y = IRIS
    if two_classes:
        X, y = X[50:], y[50:]
    clf = SmoothedClassifier(
        base, sigma=sigma, method=method, n_certify=300, random_state=0, **params
    )
    return clf.fit(X[::2], y[::2]), X[1::4]


@cache
def close(name, method, sigma):
    """The two that are close, and the rows between those that they are fitted on."""
    pairs = CLOSE if method == "monte_carlo" else EXACT
    (one, rows), (other, _) = (
        with_base(clone(base), method, sigma, name == "linear SVC")
        for base in pairs[name]
    )
    return one, other, rows


@pytest.mark.filterwarnings("ignore:The radii:UserWarning")
@pytest.mark.parametrize("sigma", [0.05, 0.5])
@pytest.mark.parametrize("radii", [None, [0.1, 0.2]])
@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "monte_carlo") for name in CLOSE] + [(name, "exact") for name in EXACT],
)
def test_no_certificate_of_another_hyper_parameter_is_taken_over(
    path, name, method, radii, sigma
):
    """Either all certificates are the same, or the log is refused and left alone."""
    one, other, rows = close(name, method, sigma)
    first = one.certify(rows, radii=radii, log=path)
    true = other.certify(rows, radii=radii)
    lines = path.read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:-1]) + lines[-1][:-5]
    path.write_bytes(torn)
    try:
        resumed = other.certify(rows, radii=radii, log=path)
    except ValueError as error:
        assert re.search(r"another run; .*the fitted classifier", str(error))
        assert path.read_bytes() == torn
    else:
        assert resumed == true
        assert first == true


@pytest.mark.parametrize("method", ["monte_carlo", "exact"])
@pytest.mark.parametrize("radii", [None, [0.1, 0.2]])
def test_a_classifier_fitted_again_or_loaded_goes_on(path, method, radii):
    base = LogisticRegression(max_iter=1000)
    clf, rows = with_base(base, method, 0.25)
    certificates = clf.certify(rows, radii=radii, log=path)
    text = path.read_bytes()
    again, _ = with_base(clone(base), method, 0.25)
    loaded = pickle.loads(pickle.dumps(clf))
    for other in (again, loaded):
        path.write_bytes(text[: len(text) // 2])
        assert other.certify(rows, radii=radii, log=path) == certificates
        assert path.read_bytes() == text


def test_closed_forms_may_differ_by_the_rounding_of_sums_and_no_more(path):
    """A sum in another order, as of other threads, is another in its last digits."""
    X, y = IRIS
    base = LogisticRegression(max_iter=1000).fit(X, y)
    clf = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    certificates = clf.certify(X, log=path)
    base.coef_ = base.coef_ * (1 + 1e-15)  # in place of another order
    nearly = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    assert nearly.certify(X, log=path) == certificates
    base.coef_ = base.coef_ * [1 + 1e-7, 1, 1, 1]
    other = SmoothedClassifier.from_fitted(base, method="exact", random_state=0)
    with pytest.raises(ValueError, match="the fitted classifier"):
        other.certify(X, log=path)


def test_a_log_of_another_classifier_is_refused_where_only_one_row_tells(
    path, monkeypatch
):
    """A row that a long log would not be checked at has its vote in the head."""
    monkeypatch.setattr(witnesses, "_SECONDS", 0.0)
    X = np.column_stack([np.full(60, 5.0), 100.0 * np.arange(60)])

    class OneRow(ThreeStrips):
        """Answers another class near the row with number `odd`."""

        def __init__(self, labels=(0, 1, 2), odd=0):
            super().__init__(labels)
            self.odd = odd

        def predict(self, X):
            return np.where(abs(X[:, 1] - 100 * self.odd) < 20, 0, 2)

    smoothed(OneRow(odd=7)).certify(X, log=path)
    text = path.read_bytes()
    with pytest.raises(ValueError, match=r"another run; .*the fitted classifier"):
        smoothed(OneRow(odd=8)).certify(X, log=path)
    assert path.read_bytes() == text


def test_witnesses_are_those_with_the_most_divided_votes(monkeypatch):
    def row(lead, total=100):
        return {
            "counts": [lead, total - lead],
            "label_counts": [0, 0],
            "n_evaluations": total,
            "p_lower": 0.5,
        }

    found = [row(lead) for lead in (100, 55, 90, 80, 99, 60, 100, 97)]
    order, n_needed = witnesses.choose_witnesses(found)
    assert order[:n_needed].tolist() == [1, 5, 3, 2, 7]
    order, n_needed = witnesses.choose_witnesses(found * 10)
    assert n_needed == 8  # a tenth of the evaluations
    assert set(order[:n_needed] % 8) == {1}
    assert witnesses.choose_witnesses([])[1] == 0
    free = [one | {"counts": [0, 0], "n_evaluations": 0} for one in found]
    order, n_needed = witnesses.choose_witnesses([*free, free[0] | {"p_lower": 0.4}])
    assert (order[0], n_needed) == (8, 5)


def test_more_witnesses_are_taken_as_long_as_there_is_time(monkeypatch):
    order = np.arange(100)
    monkeypatch.setattr(witnesses, "_SECONDS", 1e6)
    parts = [*witnesses.in_time(order, 5)]
    np.testing.assert_array_equal(np.concatenate(parts), order)
    monkeypatch.setattr(witnesses, "_SECONDS", 0.05)
    taken = 0
    for part in witnesses.in_time(order, 5):
        time.sleep(0.01 * len(part))
        taken += len(part)
    assert taken == 5
    assert not [*witnesses.in_time(np.array([], int), 0)]


# Of all kinds, and such as look like those of another kind.
LABELS = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(2**62, 2**66),
    st.floats(),
    st.text(),
    st.sampled_from(
        ["1", "1.0", "nan", "True", "null", "a\0", "\ud800", "\ud83d\ude00"]
    ),
    st.sampled_from([None, b"a", 1j, date(2026, 1, 1), Decimal("0.1"), (1,), [1]]),
    st.sampled_from([np.float32(0.1), np.longdouble("0.1"), np.uint64(2**64 - 1)]),
    st.sampled_from([np.str_("a"), np.bytes_(b"a"), np.datetime64("2026-01-01", "ns")]),
    st.sampled_from(enum.IntEnum("Number", "ONE TWO")),
)
KINDS = [
    st.lists(LABELS, min_size=2, max_size=2),
    st.lists(st.integers(0, 3) | st.sampled_from("ab"), min_size=2, max_size=2),
]


@hypothesis.settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(labels=st.one_of(KINDS), as_objects=st.booleans())
def test_labels_read_back_as_they_are_or_are_refused(two_rows, labels, as_objects):
    """And refused before there is a file."""
    path, settings, digests, found = two_rows
    path.unlink(missing_ok=True)
    y = labels
    if as_objects:
        y = np.empty(2, dtype=object)
        y[:] = labels
    elif any(isinstance(label, (list, tuple)) for label in labels):
        return  # not one label a row
    try:
        with CertificateLog(path, y=y).writing(settings, digests) as writer:
            writer.append(found)
    except (TypeError, ValueError) as error:
        assert re.search("cannot be written to a log|read back from a log", str(error))
        assert not path.exists()
        return
    again = read_certificates(path)[1].tolist()
    for label, read in zip(labels, again, strict=True):
        assert read == label
        assert isinstance(label, type(read)) or isinstance(label, np.generic)


@pytest.fixture(scope="module")
def two_rows(tmp_path_factory, whole):
    """A path, and what is written to a log of two rows."""
    path = tmp_path_factory.mktemp("labels") / "log.tsv"
    settings, digests, found = parts(path, whole)
    found = {name: column[:2] for name, column in found.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield path, settings | {"n_rows": 2}, digests[:2], found


@pytest.mark.parametrize(
    "labels",
    [
        np.array([2**63, 2**64 - 1], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([2**70, 2**80], dtype=object),
        np.array([-1, 2**63], dtype=object),
        np.array([0.0, np.inf]),
        np.array([0.1, 0.2], dtype=np.float16),
        np.array(["1", "2"]),
        np.array(["1", "a\0"], dtype=object),
        np.array(["01", "1"], dtype=object),
        np.array(["false", "true"]),
    ],
    ids=repr,
)
def test_classes_read_back_as_they_are(path, labels):
    base = ThreeStrips(labels=labels, edges=[0.0])
    certificates = smoothed(base).certify(X[:9], log=path)
    again, _ = read_certificates(path)
    assert again == certificates
    assert again.classes.tolist() == labels.tolist()
    assert [*map(type, again.label.tolist())] == [
        *map(type, certificates.label.tolist())
    ]
    assert smoothed(base).certify(X[:9], log=path) == certificates


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(["2026-01-01", "2026-01-02"], "datetime64[ns]"), "cannot be written"),
        (np.array([b"a", b"b"]), "cannot be written"),
        (np.array(["\ud83d\ude00", "a"], dtype=object), "read back from a log as"),
    ],
    ids=str,
)
def test_classes_that_would_change_are_refused_before_there_is_a_file(
    path, labels, message
):
    base = ThreeStrips(labels=labels, edges=[0.0])
    with pytest.raises((TypeError, ValueError), match=message):
        smoothed(base).certify(X[:2], log=path)
    assert not path.exists()


def test_masked_labels_are_refused(path):
    y = np.ma.masked_equal(POSITIONS, 1)
    with pytest.raises(ValueError, match="masked labels"):
        CertificateLog(path, y=y)


def special_files(folder):
    """Devices, a pipe, a socket and a link to a device."""
    found = [Path(f"/dev/{name}") for name in ("zero", "full", "null", "urandom")]
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(folder / "socket"))
        found += [folder / "pipe", folder / "socket"]
    (folder / "link").symlink_to("/dev/zero")
    found.append(folder / "link")
    return [
        path
        for path in found
        if path.exists() and not stat.S_ISREG(path.stat().st_mode)
    ]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there are no devices")
def test_devices_and_pipes_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    for path in special_files(Path(".")):
        with pytest.raises(ValueError, match=f"{path} is a device, a pipe or a socket"):
            smoothed().certify(X[:2], log=path)
        with pytest.raises(ValueError, match=f"{path} is a device, a pipe or a socket"):
            read_certificates(path)
    for use in (read_certificates, lambda path: smoothed().certify(X[:2], log=path)):
        with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
            use(tmp_path)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), "line 1: its lines end in CRLF"),
        (lambda text: b"\xef\xbb\xbf" + text, "line 1: it starts with a byte order m"),
        (
            lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
            "byte order mark and its lines end in CRLF",
        ),
        (
            lambda text: b"\n".join(text.split(b"\n")[:9]) + b"\r\n",
            "line 9: it ends in CRLF",
        ),
    ],
)
def test_a_log_that_an_editor_saved_is_refused_with_what_it_did(
    path, whole, edit, reason
):
    text = edit(whole)
    path.write_bytes(text)
    with pytest.raises(ValueError, match=reason):
        resume(path)
    assert path.read_bytes() == text
    if text.count(b"\n") == whole.count(b"\n"):
        assert len(read_certificates(path)[0]) == N_ROWS


def test_a_log_of_another_format_is_refused_by_its_number(path, whole):
    text = whole.replace(b"certificates 2", b"certificates 1", 1)
    path.write_bytes(text)
    for use in (resume, read_certificates):
        with pytest.raises(ValueError, match=r"line 1: a log of format 1; .* format 2"):
            use(path)
    assert path.read_bytes() == text


def test_nothing_is_cut_off_a_log_that_is_refused(path, whole):
    """Not even its last line, where it is torn."""
    text = whole[:-20]
    path.write_bytes(text)
    settings, digests, _ = parts(path, whole)
    path.write_bytes(text)
    log = CertificateLog(path, y=POSITIONS)
    with pytest.raises(ValueError, match="the fitted classifier: row"):
        with log.writing(settings, digests) as writer:
            at = next(writer.witnesses())
            found = {
                name: np.array([writer.rows[i][name] for i in at]) for name in LOGGED
            }
            found["counts"][0, 0] += 1
            writer.check_witnesses(at, found, X[at])
    assert path.read_bytes() == text


def test_of_a_network_most_witnesses_must_be_the_same(path, whole):
    """The last digits of its outputs depend on the batch, and a vote may with them."""
    settings, digests, _ = parts(path, whole)
    with CertificateLog(path, y=POSITIONS).writing(settings, digests) as writer:
        at = next(writer.witnesses())
        found = {name: np.array([writer.rows[i][name] for i in at]) for name in LOGGED}
        found["counts"][0, 0] += 1
        writer.check_witnesses(at, found, X[at], exactly=False)
        found["counts"][:, 0] += 1
        with pytest.raises(ValueError, match="the fitted classifier: row"):
            writer.check_witnesses(at, found, X[at], exactly=False)


def test_a_log_whose_rows_were_exchanged_is_refused(path, whole):
    """With a check that fits."""

    def exchange(cells):
        return [cells[0], "00" * 8, *cells[2:]]

    text = forged(whole, 20, exchange)
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"line 20: it holds another row than X\[16\]"):
        resume(path)
    assert path.read_bytes() == text
