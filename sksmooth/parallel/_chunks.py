# SPDX-License-Identifier: BSD-3-Clause
"""Samples in chunks: in turn or by several jobs, finished in order."""

import pickle
import sys
import time
from itertools import islice
from uuid import uuid4

import numpy as np
from joblib import effective_n_jobs, parallel_config, wrap_non_picklable_objects
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

# A chunk is what is lost when a run is cut off, so it should not take long; and a call
# with few samples leaves the base classifier idle, so it should not be small.
_FIRST_ROWS = 16
_SECONDS = 5.0
_LEAST_SECONDS = 2.0
_GROWTH = 16
# What is sent to a worker in one piece.
_LARGEST_BYTES = 2**23


def run_in_chunks(work, X, *, n_jobs, largest, task, verbose, n_done=0):
    """Apply `work` to chunks of samples.

    Jobs are those of joblib, under whatever backend is active. Inside a worker there is
    one job: the cores are taken. What `work` calls inside a job runs on one core too.

    Parameters
    ----------
    work : callable
        ``work(X_chunk, on_finished)`` returns the results of a chunk; `on_finished` is
        None or is called with numbers of samples as they finish. Its results must not
        depend on how samples are cut into chunks.
    X : ndarray of shape (n_samples, ...)
    n_jobs : int or None
    largest : int
        Most samples of a chunk.
    task : str
        What to write before the progress bar.
    verbose : int
        Shows the bar if 1 or more.
    n_done : int, default=0
        Samples that were finished before; the bar begins there.

    Yields
    ------
    object
        Results of the chunks, in the order of the samples.
    """
    jobs = 1 if len(X) < 2 or _is_in_worker() else as_many_jobs(n_jobs, len(X))
    if jobs > 1:
        largest = min(largest, max(1, _LARGEST_BYTES // max(1, X[0].nbytes)))
    chunks = _Chunks(len(X), largest, jobs)
    with _progress(verbose)(
        total=n_done + len(X), initial=n_done, desc=task, unit="sample"
    ) as bar:
        if jobs == 1:
            for chunk in chunks:
                result, seconds = _timed(work, X[chunk], bar.update)
                chunks.took(chunk, seconds)
                yield result
            return
        # In a list: dask would keep a bare array on one worker, to be lost with it.
        work = _sent_once(work)
        tasks = (delayed(_timed_in_job)(work, [X[chunk]]) for chunk in chunks)
        results = _results(tasks, jobs)
        # In this order: a chunk is cut before it has a result.
        for (result, seconds), chunk in zip(results, chunks.cut, strict=False):
            chunks.took(chunk, seconds)
            bar.update(chunk.stop - chunk.start)
            yield result


def as_many_jobs(n_jobs, n_tasks):
    """Number of jobs, at most one for each task; others would start for nothing."""
    return min(effective_n_jobs(n_jobs), max(1, n_tasks))


def _progress(verbose):
    """Progress bar: a widget in a notebook, none unless `verbose` is positive."""
    if verbose < 1:
        return _NoProgress
    # Only now: in a notebook without ipywidgets this import warns.
    from tqdm.auto import tqdm

    return tqdm


class _NoProgress:
    """In place of a progress bar; a hidden one takes as long as a prediction."""

    def __init__(self, **_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, n):
        """Show nothing."""


def _results(tasks, jobs):
    """Results of tasks in their order, each as soon as those before it are there."""
    backend, _ = get_active_backend()
    if getattr(backend, "supports_return_generator", False):
        yield from Parallel(
            n_jobs=jobs, return_as="generator", pre_dispatch=jobs, batch_size=1
        )(tasks)
        return
    # Such as that of multiprocessing, and of what is built on it: a list for each lap.
    with Parallel(n_jobs=jobs, batch_size=1) as parallel:
        while lap := list(islice(tasks, jobs)):
            yield from parallel(lap)


class _Chunks:
    """Slices of the samples, of about the same time each; smaller ones to the end.

    Samples finish at different times. With several jobs no chunk is more than a fair
    part of what is left, so that all of them have something to do until the end.
    """

    def __init__(self, n_rows, largest, jobs):
        self._n_rows, self._largest, self._jobs = n_rows, largest, jobs
        self._size = self._least = min(_FIRST_ROWS, largest)
        self.cut = []

    def __iter__(self):
        start = 0
        while start < self._n_rows:
            size = self._size
            if self._jobs > 1:
                fair = -(-(self._n_rows - start) // (2 * self._jobs))
                size = min(size, max(fair, self._least))
            self.cut.append(slice(start, min(start + size, self._n_rows)))
            start = self.cut[-1].stop
            yield self.cut[-1]

    def took(self, chunk, seconds):
        """Adapt to the time of a chunk."""
        rows_per_second = (chunk.stop - chunk.start) / max(seconds, 1e-9)
        most = min(_GROWTH * self._size, self._largest)
        self._size = int(max(1, min(_SECONDS * rows_per_second, most)))
        self._least = int(max(1, min(_LEAST_SECONDS * rows_per_second, most)))


def _timed(work, X, on_finished):
    start = time.perf_counter()
    result = work(X, on_finished)
    return result, time.perf_counter() - start


def _timed_in_job(work, chunk):
    if isinstance(work, _Pickled):
        work = work.unpickled()
    # The base classifier may have an n_jobs of its own.
    with parallel_config(backend="sequential"):
        return _timed(work, chunk[0], None)


def _sent_once(work):
    """What tasks can name at little cost to get `work`, however large it is."""
    backend, _ = get_active_backend()
    if hasattr(backend, "client"):  # dask
        return backend.client.scatter(work, broadcast=True, hash=False)
    if getattr(backend, "supports_sharedmem", False):
        return work
    return _Pickled(work)


class _Pickled:
    """An object that each worker process unpickles once.

    Pickled in an array, because joblib writes arrays once, for all workers to map.
    """

    _latest = (None, None)

    def __init__(self, content):
        # Like joblib, pickle definitions from __main__ by value.
        content = wrap_non_picklable_objects(content, keep_wrapper=False)
        self._bytes = np.frombuffer(pickle.dumps(content), dtype=np.uint8)
        self._token = uuid4().hex

    def unpickled(self):
        if _Pickled._latest[0] != self._token:
            _Pickled._latest = (self._token, pickle.loads(self._bytes))
        return _Pickled._latest[1]


def _is_in_worker():
    if get_active_backend()[0].nesting_level:
        return True
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True
