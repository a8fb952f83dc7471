# SPDX-License-Identifier: BSD-3-Clause
"""Jobs, here and on a cluster: the same certificates, whatever happens to a worker."""

import logging
import os
import pickle
import signal
import sys
import threading
import time
import uuid
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score

from sksmooth import (
    CertificateLog,
    CertifyInterrupted,
    SmoothedClassifier,
    read_certificates,
)
from tests.logged_runs import N_ROWS, ThreeStrips, rows, smoothed

X, POSITIONS = rows()
# Signals do not exist everywhere.
KILL = getattr(signal, "SIGKILL", None)
needs_signals = pytest.mark.skipif(KILL is None, reason="this system cannot kill -9")


class Witness(ThreeStrips):
    """Leaves a file for what happens to it.

    Parameters
    ----------
    folder : str
        Where: ``asked-<pid>-<thread>-<n_jobs>`` for who asks and with how many jobs it
        might work, ``unpickled-<pid>-...`` for each time that it is unpickled.
    """

    def __init__(self, folder=None):
        super().__init__()
        self.folder = folder

    def predict(self, X):
        n_jobs = joblib.effective_n_jobs(2)
        name = f"asked-{os.getpid()}-{threading.get_ident()}-{n_jobs}"
        Path(self.folder, name).touch()
        time.sleep(0.001)
        return super().predict(X)

    def __setstate__(self, state):
        super().__setstate__(state)
        Path(self.folder, f"unpickled-{os.getpid()}-{uuid.uuid4().hex}").touch()


def files(folder, kind):
    """The parts of the names of the files of a kind."""
    return [path.name.split("-")[1:] for path in Path(folder).glob(f"{kind}-*")]


@pytest.fixture(scope="module")
def one_process():
    return smoothed().certify(X)


@pytest.fixture(scope="module")
def client():
    """A client of a cluster of two processes."""
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    with (
        # It drops copies that no task waits for just then, and fetches them again.
        dask.config.set({"distributed.scheduler.active-memory-manager.start": False}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_jobs_give_the_same_bits(backend, one_process):
    clf = smoothed(n_jobs=2)
    with parallel_config(backend=backend):
        assert clf.certify(X) == one_process
        shares = clf.predict_proba(X[:40])
    np.testing.assert_array_equal(shares, smoothed().predict_proba(X[:40]))


def test_a_cluster_gives_the_same_bits(client, one_process, tmp_path):
    path = tmp_path / "log.tsv"
    clf = smoothed()
    with parallel_config(backend="dask"):
        assert clf.certify(X, log=path) == one_process
        labels = clf.predict(X)
    assert read_certificates(path)[0] == one_process
    np.testing.assert_array_equal(labels, smoothed().predict(X))


@needs_signals
def test_a_worker_of_a_cluster_that_dies_loses_nothing(client, one_process):
    """Killed while it works; whichever worker asks about row 40, the same one dies."""
    before = client.run(os.getpid)
    victim = min(before.values())
    base = ThreeStrips(pause=0.0005, on_row=(40, victim, KILL))
    with parallel_config(backend="dask"):
        assert smoothed(base).certify(X) == one_process
    client.wait_for_workers(2, timeout=60)
    assert victim not in client.run(os.getpid).values()


def test_cross_validation_on_a_cluster_gives_the_same_scores(client):
    clf = SmoothedClassifier(
        RandomForestClassifier(5), n_predict=100, random_state=0, n_jobs=2
    )
    here = cross_val_score(clf, X, POSITIONS, cv=3)
    with parallel_config(backend="dask"):
        there = cross_val_score(clf, X, POSITIONS, cv=3)
    np.testing.assert_array_equal(here, there)


def test_a_cluster_is_sent_the_classifier_once(client, tmp_path, one_process):
    with parallel_config(backend="dask"):
        assert smoothed(Witness(str(tmp_path))).certify(X) == one_process
    workers = [pid for pid, _ in files(tmp_path, "unpickled")]
    assert len(workers) == len(set(workers)) == 2
    assert {pid for pid, *_ in files(tmp_path, "asked")} <= {*workers, str(os.getpid())}


def test_a_process_is_sent_the_classifier_once(tmp_path, one_process):
    assert smoothed(Witness(str(tmp_path)), n_jobs=2).certify(X) == one_process
    workers = [pid for pid, _ in files(tmp_path, "unpickled")]
    assert 1 <= len(workers) == len(set(workers)) <= 2


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_job_leaves_the_other_cores_to_the_other_jobs(tmp_path, backend):
    """An n_jobs of the base classifier comes to nothing inside a job."""
    clf = smoothed(Witness(str(tmp_path)), n_jobs=2)
    clf.vote_source(X)
    before = files(tmp_path, "asked")  # by the probes
    with parallel_config(backend=backend):
        clf.certify(X)
    asked = [file for file in files(tmp_path, "asked") if file not in before]
    assert len({(pid, thread) for pid, thread, _ in asked}) == 2
    assert {n_jobs for *_, n_jobs in asked} == {"1"}


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_inside_a_search_there_is_one_job_per_core(tmp_path, backend):
    """Two jobs of the search, each with an n_jobs=2 of its own."""
    base = FrozenEstimator(Witness(str(tmp_path)).fit())
    clf = SmoothedClassifier(base, n_predict=100, random_state=0, n_jobs=2)
    search = GridSearchCV(clf, {"sigma": [0.2, 0.4]}, cv=3, n_jobs=2, refit=False)
    with parallel_config(backend=backend):
        search.fit(X, POSITIONS)
    asked = files(tmp_path, "asked")
    assert 1 <= len({(pid, thread) for pid, thread, _ in asked}) <= 2


@needs_signals
def test_a_process_that_dies_loses_no_row_that_is_logged(tmp_path, one_process):
    """joblib gives up then; the log goes on where it ends."""
    path = tmp_path / "log.tsv"
    smoothed().certify(X, log=path)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[: 3 + 32]))
    base = ThreeStrips(on_row=(70, None, KILL))
    with pytest.raises(RuntimeError, match="terminated"):
        smoothed(base, n_jobs=2).certify(X, log=path)
    assert whole.startswith(path.read_bytes())
    assert path.read_bytes().count(b"\n") >= 3 + 32
    assert smoothed(n_jobs=2).certify(X, log=path) == one_process
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("signals_interrupt")
@needs_signals
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_an_interrupt_of_jobs_keeps_the_finished_rows(backend, one_process):
    base = ThreeStrips(pause=0.0005, on_row=(70, os.getpid(), signal.SIGINT))
    with parallel_config(backend=backend), pytest.raises(CertifyInterrupted) as cut:
        smoothed(base, n_jobs=2).certify(X)
    certificates = cut.value.certificates
    assert 0 < len(certificates) < N_ROWS
    assert certificates == one_process[: len(certificates)]


def test_a_classifier_that_is_defined_in_a_script_can_be_sent(monkeypatch):
    """Pickled by the name of its class, it could not be loaded by a process."""

    class Sign(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return self.classes_[(X[:, 0] > 0).astype(int)]

    # As if this file were the script: processes have another main module.
    Sign.__module__, Sign.__qualname__ = "__main__", "Sign"
    monkeypatch.setattr(sys.modules["__main__"], "Sign", Sign, raising=False)
    assert type(pickle.loads(pickle.dumps(Sign()))) is Sign
    X = np.linspace(-1, 1, 20)[:, np.newaxis]
    clf = SmoothedClassifier(Sign(), random_state=0, n_jobs=2, n_certify=100)
    clf.fit(X, X[:, 0] > 0)
    assert clf.certify(X) == clf.set_params(n_jobs=1).certify(X)


def test_an_interrupted_log_of_a_cluster_goes_on_here(client, tmp_path, one_process):
    """Where a run is resumed does not matter."""
    path = tmp_path / "log.tsv"
    with parallel_config(backend="dask"):
        smoothed().certify(X, log=CertificateLog(path, y=POSITIONS))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert smoothed().certify(X, log=CertificateLog(path, y=POSITIONS)) == one_process
    assert path.read_bytes() == whole
