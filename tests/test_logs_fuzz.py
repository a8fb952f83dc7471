# SPDX-License-Identifier: BSD-3-Clause
"""Damaged logs: an error with path and line, or a reported skip; no wrong number."""

import os
import re
import warnings

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sksmooth import (
    CertificateLog,
    Certificates,
    read_certificates,
    write_field_tsv,
)
from sksmooth.logs._line_format import FIELDS

SETTINGS = {
    "sigma": 0.25,
    "noise": "gaussian",
    "norm": 2,
    "alpha": 0.001,
    "method": "monte_carlo",
    "radii": None,
    "slack": 1e-6,
}
N_ROWS, CLASSES = 12, ["cat", "dög", "t\tab"]
DIGESTS = [bytes([i]) * 16 for i in range(N_ROWS)]
LINES_OF_OTHERS = [
    b"Traceback (most recent call last):",
    b"=> loaded checkpoint 'model.tar' (epoch 90)",
    b"Epoch 0\tLoss 1.25\tAcc 0.5\t0.25\t1\t0:00:01",
    b"1\t2\t3",
    b"# sigma 0.25",
    b"\xff\xfe\x00",
    b"",
    b"  ",
]


def certificates_of(seed, classes, n_rows=N_ROWS):
    rng = np.random.default_rng(seed)
    abstained = rng.random(n_rows) < 0.3
    return Certificates(
        label=np.asarray(classes)[rng.integers(len(classes), size=n_rows)],
        radius=np.where(abstained, 0.0, rng.exponential(size=n_rows)),
        abstained=abstained,
        p_lower=rng.random(n_rows),
        counts=rng.integers(1000, size=(n_rows, len(classes))),
        n_evaluations=rng.integers(1, 5000, size=n_rows),
        classes=classes,
        law={"n_features": 2},
        **SETTINGS,
    )


def write_log(path, certificates, y, sigma=0.25):
    settings = SETTINGS | {"classes": CLASSES, "n_rows": N_ROWS, "sigma": sigma}
    settings |= {"scale": None, "features": None, "denoiser": None, "n_features": 2}
    settings["weights"] = None
    with CertificateLog(path, y=y).writing(settings, DIGESTS) as writer:
        done = len(writer.rows)
        found = {name: getattr(certificates, name) for name in FIELDS}
        found["label_counts"] = certificates.counts
        writer.append({name: column[done:] for name, column in found.items()})


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder, what is logged, and the bytes of its log and of another run's."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        certificates = certificates_of(0, CLASSES)
        y = np.asarray(CLASSES)[np.arange(N_ROWS) % 3]
        write_log(folder / "whole.tsv", certificates, y)
        write_log(folder / "other.tsv", certificates_of(1, CLASSES), y, sigma=0.5)
        texts = [(folder / name).read_bytes() for name in ("whole.tsv", "other.tsv")]
        yield folder, certificates, y, *texts


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A folder, the rows of a published file as they read, and its bytes."""
    folder = tmp_path_factory.mktemp("field")
    certificates = certificates_of(0, [0, 1, 10, 207])
    y = certificates.classes[np.arange(N_ROWS) % 4]
    write_field_tsv(folder / "whole.tsv", certificates, y)
    lines = (folder / "whole.tsv").read_bytes().splitlines()
    for i, time in enumerate([b"0:00:12.345678", b"1 day, 2:03:04", b"12.5", b"1e-3"]):
        lines[i + 1 :: 4] = [
            line.removesuffix(b"0:00:00") + time for line in lines[i + 1 :: 4]
        ]
    return folder, certificates, y, b"\n".join(lines) + b"\n"


def between(text, a, b):
    """Cut a text at two places in [0, 1]."""
    first, last = sorted((int(a * len(text)), int(b * len(text))))
    return text[:first], text[first:last], text[last:]


def from_line_on(text, place):
    """The lines of a text from one of them on."""
    lines = text.splitlines(keepends=True)
    return b"".join(lines[int(place * len(lines)) :])


def end(text, other, a, b):
    return between(text, a, b)[0]


def lose_start(text, other, a, b):
    return between(text, a, b)[2]


def lose(text, other, a, b):
    before, _, after = between(text, a, b)
    return before + after


def lose_to_a_line(text, other, a, b):
    return between(text, a, a)[0] + from_line_on(text, b)


def repeat(text, other, a, b):
    before, middle, after = between(text, a, b)
    return before + middle + middle + after


def swap_lines(text, other, a, b):
    lines = text.split(b"\n")
    i, j = int(a * (len(lines) - 1)), int(b * (len(lines) - 1))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def go_on_with_another(text, other, a, b):
    head = b"".join(text.splitlines(keepends=True)[:2])
    return max(head, between(text, a, a)[0], key=len) + between(other, b, b)[2]


def carriage_returns(text, other, a, b):
    return text.replace(b"\n", b"\r\n")


def mark(text, other, a, b):
    return b"\xef\xbb\xbf" + text


def insert_line(text, other, a, b):
    lines = text.split(b"\n")
    line = LINES_OF_OTHERS[int(b * (len(LINES_OF_OTHERS) - 1))]
    lines.insert(int(a * len(lines)), line)
    return b"\n".join(lines)


def join_lines(text, other, a, b):
    before, _, after = between(text, a, a)
    return before + after.replace(b"\n", b"", 1)


# The field's files have no checks: bytes that are lost inside a number cannot be seen.
SEEN_IN_ANY = [
    end,
    lose_start,
    lose_to_a_line,
    swap_lines,
    carriage_returns,
    mark,
    insert_line,
    join_lines,
]
SEEN_IN_OURS = [*SEEN_IN_ANY, lose, repeat, go_on_with_another]


def bytes_changed(text, places):
    text = bytearray(text)
    for place, value in places:
        text[int(place * (len(text) - 1))] = value
    return bytes(text)


PLACE = st.floats(0, 1)
CHANGES = st.lists(st.tuples(PLACE, st.integers(0, 255)), min_size=1, max_size=4)
fuzz = hypothesis.settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def read(path, text):
    """Certificates, labels and warnings; None if refused by path and line."""
    path.write_bytes(text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            certificates, y_true = read_certificates(path)
        except ValueError as error:
            assert re.search(rf"{re.escape(str(path))}.*line \d", str(error), re.S)
            return None
    messages = [str(warning.message) for warning in caught]
    assert all(str(path) in message for message in messages)
    return certificates, y_true, messages


def as_tuples(certificates, y_true, fields):
    columns = [getattr(certificates, name).tolist() for name in fields]
    return [repr(row) for row in zip(*columns, y_true.tolist(), strict=True)]


def is_part(rows, whole):
    """Whether the rows are among those of the whole, in its order."""
    rest = iter(whole)
    return all(row in rest for row in rows)


def check_own(path, text, certificates, y):
    found = read(path, text)
    if found is None:
        return
    again, y_true, messages = found
    whole = as_tuples(certificates, y, FIELDS)
    rows = as_tuples(again, y_true, FIELDS)
    assert is_part(rows, whole)
    assert len(rows) == len(whole) or any("missing" in text for text in messages)
    for name, value in SETTINGS.items():
        assert getattr(again, name) == value
    assert again.classes.tolist() == CLASSES


@fuzz
@given(damage=st.sampled_from(SEEN_IN_OURS), a=PLACE, b=PLACE)
def test_a_torn_or_mixed_log_never_reads_wrong(own, damage, a, b):
    folder, certificates, y, whole, other = own
    damaged = damage(whole, other, a, b)
    check_own(folder / "damaged.tsv", damaged, certificates, y)


@fuzz
@given(places=CHANGES)
def test_a_log_with_changed_bytes_never_reads_wrong(own, places):
    folder, certificates, y, whole, _ = own
    check_own(folder / "damaged.tsv", bytes_changed(whole, places), certificates, y)


@fuzz
@given(
    damage=st.sampled_from(SEEN_IN_OURS) | CHANGES,
    a=PLACE,
    b=PLACE,
)
def test_a_damaged_log_resumes_to_the_whole_one_or_stays(own, damage, a, b):
    folder, certificates, y, whole, other = own
    if isinstance(damage, list):
        damaged = bytes_changed(whole, damage)
    else:
        damaged = damage(whole, other, a, b)
    path = folder / "resumed.tsv"
    path.write_bytes(damaged)
    try:
        write_log(path, certificates, y)
    except ValueError as error:
        assert str(path) in str(error)
        assert re.search(r"line \d|another run", str(error))
        assert path.read_bytes() == damaged
    else:
        assert path.read_bytes() == whole


@fuzz
@given(damage=st.sampled_from(SEEN_IN_ANY), a=PLACE, b=PLACE)
def test_a_torn_or_mixed_file_of_the_field_never_reads_wrong(field, damage, a, b):
    folder, certificates, y, whole = field
    found = read(folder / "damaged.tsv", damage(whole, whole, a, b))
    if found is None:
        return
    again, y_true, _ = found
    known = rows_of_field(certificates, y)
    assert set(rows_of_field(again, y_true)) <= set(known)


def rows_of_field(certificates, y_true):
    predict = np.where(certificates.abstained, -1, certificates.label)
    columns = [predict.tolist(), certificates.radius.tolist(), y_true.tolist()]
    return list(zip(*columns, strict=True))


@fuzz
@given(places=CHANGES)
def test_a_file_of_the_field_with_changed_bytes_is_read_or_refused(field, places):
    """A changed digit cannot be seen; anything else has a line number."""
    folder, _, _, whole = field
    read(folder / "damaged.tsv", bytes_changed(whole, places))


@fuzz
@given(
    text=st.binary(max_size=200) | st.text(alphabet="0129-.e\t\n: \r").map(str.encode)
)
def test_any_file_is_read_or_refused(own, text):
    read(own[0] / "any.tsv", text)


def test_undamaged_they_read_as_they_were_written(own, field):
    """Or the tests above would hold of a reader that refuses everything."""
    folder, certificates, y, whole, _ = own
    again, y_true, messages = read(folder / "copy.tsv", whole)
    assert again == certificates
    assert y_true.tolist() == y.tolist()
    assert not messages

    folder, certificates, y, whole = field
    again, y_true, messages = read(folder / "copy.tsv", whole)
    assert rows_of_field(again, y_true) == rows_of_field(certificates, y)
    assert not messages
