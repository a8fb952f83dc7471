# SPDX-License-Identifier: BSD-3-Clause
"""A run that is killed or interrupted leaves what it had finished."""

import multiprocessing
import os
import signal

import numpy as np
import pytest

import sksmooth.logs._witnesses as witnesses
from sksmooth import CertificateLog, CertifyInterrupted, read_certificates
from sksmooth.votes import MonteCarloVotes
from tests.logged_runs import (
    N_ROWS,
    ThreeStrips,
    certify_into,
    cost_of_witnesses,
    rows,
    smoothed,
)

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system knows no such signals"
)

# With this pause in each call, a run of certify_into takes about half a second.
PAUSE = 0.0003
X, POSITIONS = rows()


@pytest.fixture(scope="module")
def processes():
    """Processes that have the package imported when they start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.logged_runs"])
    return context


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "log.tsv"
    certify_into(path, 0.0)
    return path.read_bytes()


@pytest.fixture(scope="module")
def certified():
    """Certificates of all rows; the batch size changes none of them."""
    return smoothed(batch_size=2**14).certify(X)


def test_killed_at_20_random_moments_it_ends_as_if_it_never_was(
    processes, tmp_path, whole, certified, monkeypatch
):
    monkeypatch.setattr(witnesses, "_SECONDS", 0.0)
    # No copy is predicted again to see whether labels are fixed: votes are counted.
    monkeypatch.setattr(MonteCarloVotes, "is_known", True)
    rng = np.random.default_rng(0)
    sizes = []
    for life in range(4):
        log = CertificateLog(tmp_path / f"{life}.tsv", y=POSITIONS)
        n_lines = 0
        for size in np.sort(rng.uniform(0, len(whole), 5)):
            logged = killed_at(processes, size, rng.uniform(0, 0.05), log.path)
            assert whole.startswith(logged)
            assert logged.count(b"\n") >= n_lines
            n_lines = logged.count(b"\n")
            sizes.append(len(logged))

        needed = cost_of_witnesses(log.path.read_bytes())
        clf = smoothed()
        certificates = clf.certify(X, log=log)
        assert log.path.read_bytes() == whole
        assert certificates == certified

        again = smoothed()
        again.certify(X, log=log)
        asked = clf.estimator_.n_asked_ - again.estimator_.n_asked_
        asked += cost_of_witnesses(whole) - needed
        n_rows = max(0, n_lines - 3)
        assert asked == certificates.n_evaluations[n_rows:].sum()
    assert sum(0 < size < len(whole) for size in sizes) >= 5


def killed_at(processes, size, delay, path):
    """Kill a run some time after its log has grown to a size."""
    process = processes.Process(target=certify_into, args=(path, PAUSE))
    process.start()
    while process.is_alive() and not (path.exists() and path.stat().st_size >= size):
        process.join(0.002)
    process.join(delay)
    process.kill()
    process.join()
    return path.read_bytes() if path.exists() else b""


def test_terminated_it_leaves_a_log_that_reads(processes, tmp_path, certified):
    path = tmp_path / "log.tsv"
    process = processes.Process(target=certify_into, args=(path, PAUSE))
    process.start()
    while not (path.exists() and path.read_bytes().count(b"\n") > 20):
        process.join(0.01)
        assert process.is_alive()
    process.terminate()
    process.join()
    assert process.exitcode == -signal.SIGTERM
    with pytest.warns(UserWarning, match=rf"of {N_ROWS} rows; the first that is miss"):
        certificates, y_true = read_certificates(path)
    n_rows = len(certificates)
    assert 16 <= n_rows < N_ROWS
    assert certificates == certified[:n_rows]
    np.testing.assert_array_equal(y_true, POSITIONS[:n_rows])


@pytest.mark.usefixtures("signals_interrupt")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_interrupted_without_a_log_the_finished_rows_are_in_the_exception(
    number, certified
):
    base = ThreeStrips(on_row=(70, os.getpid(), number))
    with pytest.raises(CertifyInterrupted, match="after 64 samples") as interrupted:
        smoothed(base).certify(X)
    assert interrupted.value.certificates == certified[:64]


@pytest.mark.usefixtures("signals_interrupt")
def test_interrupted_with_a_log_the_finished_rows_are_in_it(tmp_path, whole):
    path = tmp_path / "log.tsv"
    log = CertificateLog(path, y=POSITIONS)
    base = ThreeStrips(on_row=(70, os.getpid(), signal.SIGINT))
    message = rf"64 of {N_ROWS} samples are in .*log\.tsv; the same call resumes"
    with pytest.raises(KeyboardInterrupt, match=message):
        smoothed(base).certify(X, log=log)
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[: 3 + 64])
    smoothed().certify(X, log=log)
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("signals_interrupt")
def test_interrupted_before_a_row_is_finished_there_is_nothing_to_keep():
    base = ThreeStrips(on_row=(0, os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as interrupted:
        smoothed(base).certify(X)
    assert not isinstance(interrupted.value, CertifyInterrupted)
