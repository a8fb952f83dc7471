# SPDX-License-Identifier: BSD-3-Clause
"""``python -m sksmooth report``."""

import subprocess
import sys

import numpy as np
import pytest

from sksmooth import CertificateLog, read_certificates, write_field_tsv
from sksmooth.__main__ import main
from sksmooth.metrics import classwise_report
from tests.logged_runs import rows, smoothed

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
    assert out.count("Certified accuracy by class: 30 rows") == 2
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
    assert "3 rows, sigma=nan" in out


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
    assert "Certified accuracy by class: 30 rows" in done.stdout
