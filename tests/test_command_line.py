# SPDX-License-Identifier: BSD-3-Clause
"""``python -m sksmooth report`` and ``python -m sksmooth verify``."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sksmooth import CertificateLog, read_certificates, write_field_tsv
from sksmooth.__main__ import main
from sksmooth.metrics import classwise_report
from tests.logged_runs import forged, rows, smoothed

X, Y = rows(30)


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A log of each kind: radii, a grid of radii, without labels, the field's."""
    folder = tmp_path_factory.mktemp("logs")
    certificates = smoothed().certify(X, log=CertificateLog(folder / "ours.tsv", y=Y))
    grid = CertificateLog(folder / "grid.tsv", y=Y)
    smoothed().certify(X, radii=[0.1, 0.3], log=grid)
    smoothed().certify(X, log=folder / "bare.tsv")
    write_field_tsv(folder / "field.tsv", certificates, Y)
    (folder / "text.txt").write_text("no log\n")
    return folder


def report(capsys, *args):
    """Exit code, output and errors of a call."""
    code = main(["report", *map(str, args)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize(
    ("name", "args", "radii"),
    [
        ("ours", [], (0.0,)),
        ("ours", ["--radii", "0", "0.25"], (0.0, 0.25)),
        ("grid", [], (0.1, 0.3)),
        ("grid", ["--radii", "0.3"], (0.3,)),
        ("field", ["--radii", "0.1", "0.2", "0.3"], (0.1, 0.2, 0.3)),
    ],
)
def test_it_prints_the_report_of_a_log(logs, capsys, name, args, radii):
    path = logs / f"{name}.tsv"
    certificates, y_true = read_certificates(path)
    expected = classwise_report(y_true, certificates, radii=radii)
    assert report(capsys, path, *args) == (0, f"{expected}\n", "")


def test_several_logs_are_told_apart_and_a_bad_one_does_not_stop_the_rest(logs, capsys):
    paths = [logs / "ours.tsv", logs / "text.txt", logs / "field.tsv"]
    code, out, err = report(capsys, *paths)
    assert code == 1
    for path in paths:
        assert f"{path}\n" in out
    assert out.count("Certified accuracy by class: 30 samples") == 2
    assert err.startswith(f"error: {paths[1]} holds no certificate")
    assert err.count("\n") == 1


def test_the_parts_of_a_set_are_reported_together(logs, tmp_path, capsys):
    paths = [tmp_path / "0.tsv", tmp_path / "1.tsv"]
    for path, part in zip(paths, (slice(0, 12), slice(12, None)), strict=True):
        smoothed().certify(X[part], log=CertificateLog(path, y=Y[part]))
    whole = report(capsys, logs / "ours.tsv", "--radii", "0", "0.25")
    together = report(capsys, "--together", *paths, "--radii", "0", "0.25")
    assert together == whole
    code, out, err = report(capsys, "--together", paths[0], logs / "grid.tsv")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {paths[0]} and {logs / 'grid.tsv'} are no parts")


def test_a_published_file_with_other_lines_in_it(tmp_path, capsys):
    path = tmp_path / "published.tsv"
    lines = [
        "=> loaded checkpoint",
        "idx\tlabel\tpredict\tradius\tcorrect\ttime",
        "0\t3\t3\t0.957\t1\t0:01:12.345678",
        "",
        "20\t8\t-1\t0.0\t0\t12.5",
        "40\t8\t8\t1.23\t1\t1 day, 0:00:11",
        "60\t8\t8\t1.2",
    ]
    path.write_text("\n".join(lines))
    code, out, err = report(capsys, path, "--radii", "0.5", "1")
    assert code == 0
    assert err.startswith(f"warning: {path}: skipped 2 lines (line 1: 1 columns")
    by_class = [line.split() for line in out.splitlines() if line.strip()[:2] == "8 "]
    assert by_class[0][:3] == ["8", "2", "0.500"]
    assert "3 samples, sigma unknown" in out


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("bare.tsv", [], "holds no true labels to score against"),
        ("missing.tsv", [], "No such file"),
        ("", [], "Is a directory"),
        ("text.txt", [], "line 1: 1 columns, not 6"),
        ("grid.tsv", ["--radii", "0.2"], "0.2"),
        ("ours.tsv", ["--radii", "-1"], "must be finite and >= 0"),
        ("ours.tsv", ["--plot", "nowhere/figure.png"], "nowhere"),
    ],
)
def test_what_can_not_be_reported_is_said_with_its_path(
    logs, capsys, monkeypatch, name, args, message
):
    monkeypatch.chdir(logs)
    code, _, err = report(capsys, logs / name, *args)
    assert code == 1
    assert err.startswith("error: ")
    assert message in err
    assert str(logs / name) in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "COMMAND"),
        (["report"], "LOG"),
        (["tell"], "invalid choice"),
        (["report", "a.tsv", "--radii", "far"], "invalid float"),
        (["report", "a.tsv", "b.tsv", "--plot", "x.png"], "--plot draws one LOG"),
    ],
)
def test_a_command_that_is_not_understood_ends_with_2(args, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(args)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ours.tsv", "grid.tsv", "field.tsv"])
def test_it_saves_a_figure(logs, tmp_path, capsys, name):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "figure.png"
    code, _, err = report(capsys, logs / name, "--plot", figure)
    assert (code, err) == (0, "")
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_it_runs_as_a_module(logs):
    done = subprocess.run(
        [sys.executable, "-m", "sksmooth", "report", str(logs / "ours.tsv")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    accuracy = np.mean(read_certificates(logs / "ours.tsv")[0].holds(0))
    assert 0 < accuracy < 1
    assert "Certified accuracy by class: 30 samples" in done.stdout


def test_a_part_that_is_given_twice_is_not_reported_together(logs, tmp_path, capsys):
    copy = tmp_path / "copy.tsv"
    shutil.copy(logs / "ours.tsv", copy)
    for other in (logs / "ours.tsv", copy):
        code, out, err = report(capsys, "--together", logs / "ours.tsv", other)
        assert (code, out) == (1, "")
        assert err.startswith(f"error: {logs / 'ours.tsv'} and {other} are no parts")
        assert "30 of the 30 rows" in err
        assert err.count("\n") == 1


def test_a_radius_that_is_none_is_refused_with_what_is_true_of_the_file(
    tmp_path, capsys
):
    path = tmp_path / "published.tsv"
    lines = ["idx\tlabel\tpredict\tradius\tcorrect\ttime"]
    lines += ["0\t6\t6\t0.5\tTrue\t0:00:01", "1\t6\t1\t-1.0\tFalse\t0:00:01"]
    path.write_text("\n".join(lines))
    code, out, err = report(capsys, path)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {path}, line 3: radius is '-1.0'")
    assert "no line has the columns" not in err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there are no devices")
@pytest.mark.parametrize("command", ["report", "verify"])
@pytest.mark.parametrize("device", ["zero", "full", "null"])
def test_endless_devices_are_refused(capsys, command, device):
    path = f"/dev/{device}"
    code = main([command, path])
    printed = capsys.readouterr()
    assert code == 1
    assert path in printed.err + printed.out
    assert "regular file" in printed.err + printed.out


def test_verify_has_one_line_for_each_log(logs, tmp_path, capsys):
    ours, grid, bare = (logs / f"{name}.tsv" for name in ("ours", "grid", "bare"))
    assert main(["verify", str(ours), str(grid), str(bare)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines() == [
        f"{path}: true: all 30 rows hold, recomputed from their votes"
        for path in (ours, grid, bare)
    ]


def test_verify_names_the_row_of_a_claim_that_is_too_large(logs, tmp_path, capsys):
    text = (logs / "ours.tsv").read_bytes()
    wrong = tmp_path / "wrong.tsv"
    wrong.write_bytes(
        forged(text, 9, lambda cells: [*cells[:4], "9.5", "0", *cells[6:]])
    )
    paths = [wrong, logs / "text.txt", logs / "missing.tsv", logs / "ours.tsv"]
    assert main(["verify", *map(str, paths)]) == 1
    printed = capsys.readouterr()
    false, foreign, true = printed.out.splitlines()
    assert false.startswith(f"{wrong}: false: row 5 (line 9): a radius of 9.5 is clai")
    assert foreign.startswith(f"{logs / 'text.txt'}: cannot be checked: line 1: ")
    assert true.endswith("hold, recomputed from their votes")
    assert printed.err.startswith("error: ")
    assert "missing.tsv" in printed.err


def run(*args, **options):
    return subprocess.run(
        [sys.executable, "-m", "sksmooth", *args],
        capture_output="stdout" not in options,
        check=False,
        text=True,
        **options,
    )


def test_a_pipe_that_is_not_read_to_its_end_is_no_fault(logs):
    """As in ``python -m sksmooth report *.tsv | head``."""
    path = str(logs / "ours.tsv")
    process = subprocess.Popen(
        [sys.executable, "-m", "sksmooth", "report", *[path] * 50],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()  # before a line was written
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_no_fault_of_the_log(logs):
    with open("/dev/full", "w") as full:
        done = run(
            "verify", str(logs / "ours.tsv"), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the output cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_an_output_that_is_no_file_can_close_too(logs, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["report", str(logs / "ours.tsv")]) == 141


@pytest.mark.parametrize(
    "change",
    [
        (2, lambda text: text.replace('"slack"', '"slick"')),
        (2, lambda text: text.replace('"n_rows": 30', '"n_rows": 1000000000000000')),
        (2, lambda text: text.replace('"n_rows": 30', '"n_rows": "40"')),
        (2, lambda text: text.replace('"n_rows": 30', '"n_rows": 2')),
        (2, lambda text: "[" * 100_000),
        (9, lambda cells: cells[:4]),
        (9, lambda cells: ["٣", *cells[1:]]),
        (9, lambda cells: [*cells[:4], "abc", *cells[5:]]),
        (9, lambda cells: [*cells[:8], f"{2**80},0,0", *cells[9:]]),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("command", ["report", "verify"])
def test_an_odd_log_is_one_line_of_error(logs, tmp_path, capsys, command, change):
    path = tmp_path / "odd.tsv"
    path.write_bytes(forged((logs / "ours.tsv").read_bytes(), *change))
    assert main([command, str(path)]) == 1
    printed = capsys.readouterr()
    told = printed.err if command == "report" else printed.out
    assert str(path) in told
    assert "line " in told
    assert told.count("\n") == 1
    assert len(told) < 500


@pytest.mark.parametrize("kind", ["npy", "txt"])
def test_labels_from_a_file_of_their_own(logs, tmp_path, capsys, kind):
    path = tmp_path / f"y.{kind}"
    if kind == "npy":
        np.save(path, Y)
    else:
        path.write_text("".join(f"{label}\n" for label in Y))
    expected = report(capsys, logs / "ours.tsv")
    assert report(capsys, logs / "bare.tsv", "--labels", path) == expected
    code, out, err = report(capsys, logs / "ours.tsv", "--labels", path)
    assert (code, out) == (1, "")
    assert "holds true labels; leave out --labels" in err


def test_labels_that_do_not_fit_are_refused(logs, tmp_path, capsys):
    path = tmp_path / "y.txt"
    path.write_text("".join(f"{label}\n" for label in Y[1:]))
    code, _, err = report(capsys, logs / "bare.tsv", "--labels", path)
    assert code == 1
    assert f"y_true has {len(Y) - 1} samples and certificates {len(Y)}" in err
    path.write_text("no class of it\n" * len(Y))
    code, _, err = report(capsys, logs / "bare.tsv", "--labels", path)
    assert code == 1
    assert "labels that are not among the classes" in err


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{y}\n" for y in Y),
        "".join(f"{y}\r\n" for y in Y),
        "\ufeff" + "\r\n".join(map(str, Y)),
        "\n".join(map(str, Y)),
        "".join(f" {y}\t\n" for y in Y) + "\n\n",
    ],
    ids=["LF", "CRLF", "byte order mark", "no end", "empty lines"],
)
def test_labels_as_editors_save_them(logs, tmp_path, capsys, text):
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    expected = report(capsys, logs / "ours.tsv")
    assert report(capsys, logs / "bare.tsv", "--labels", path) == expected


@pytest.mark.parametrize("name", ["labels.npy", "labels.txt"])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00\xd8", b"\x93NUMPY", bytes(range(128, 256)) * 50, b""],
    ids=["UTF-16", "torn", "bytes", "empty"],
)
def test_files_that_hold_no_labels_are_named(logs, tmp_path, capsys, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    code, out, err = report(capsys, logs / "bare.tsv", "--labels", path)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    if content or name.endswith("npy"):
        assert f"{path} holds no labels that can be read" in err
    else:
        assert "y_true has 0 samples" in err


def test_labels_of_other_containers(logs, tmp_path, capsys):
    path = tmp_path / "labels.npy"
    np.save(path, Y.astype(object))
    assert (
        "holds no labels that can be read"
        in report(capsys, logs / "bare.tsv", "--labels", path)[2]
    )
    with open(path, "wb") as file:
        np.savez(file, Y)
    assert (
        "an archive of arrays" in report(capsys, logs / "bare.tsv", "--labels", path)[2]
    )
    err = report(capsys, logs / "bare.tsv", "--labels", "/dev/zero")[2]
    assert "/dev/zero is a device" in err
