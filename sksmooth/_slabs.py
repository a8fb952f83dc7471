# SPDX-License-Identifier: BSD-3-Clause
"""Rows in slabs: worked one after the other or by several jobs, finished in order."""

import time

from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

# A slab is what is lost when a run is cut off, so it should not take long; and a call
# with few rows leaves the base classifier idle, so it should not be small.
_FIRST_ROWS = 64
_SECONDS = 10.0
_SLABS_PER_JOB = 4


def run_in_slabs(work, X, *, n_jobs, largest, task, verbose):
    """Apply `work` to slabs of rows.

    Parameters
    ----------
    work : callable
        ``work(X_slab, on_finished)`` returns the results of a slab; `on_finished` is
        None or is called with numbers of rows as they finish. Its results must not
        depend on how rows are cut into slabs.
    X : ndarray of shape (n_rows, ...)
    n_jobs : int or None
    largest : int
        Most rows of a slab.
    task : str
        What to write before the progress bar.
    verbose : int
        Shows the bar if 1 or more.

    Yields
    ------
    object
        Results of the slabs, in the order of the rows; of one empty slab if there are
        no rows.
    """
    jobs = effective_n_jobs(n_jobs)
    slabs = _Slabs(len(X), min(largest, _FIRST_ROWS), largest, jobs)
    with tqdm(total=len(X), desc=task, unit="row", disable=verbose < 1) as bar:
        if jobs == 1:
            for slab in slabs:
                result, seconds = _timed(work, X[slab], bar.update)
                slabs.took(seconds)
                yield result
            return
        tasks = (delayed(_timed)(work, X[slab], None) for slab in slabs)
        parallel = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch=2 * jobs)
        for done, (result, seconds) in enumerate(parallel(tasks)):
            slabs.took(seconds)
            bar.update(slabs.cut[done].stop - slabs.cut[done].start)
            yield result


class _Slabs:
    """Slices of the rows, larger ones while slabs finish soon."""

    def __init__(self, n_rows, first, largest, jobs):
        self._n_rows, self._size, self._largest = n_rows, first, largest
        # Rows finish at different times: leave every job something to do to the end.
        self._share = (
            max(1, -(-n_rows // (_SLABS_PER_JOB * jobs))) if jobs > 1 else None
        )
        self.cut = []

    def __iter__(self):
        start = 0
        while start < self._n_rows or not self.cut:
            size = self._size if self._share is None else min(self._size, self._share)
            self.cut.append(slice(start, min(start + size, self._n_rows)))
            start = self.cut[-1].stop
            yield self.cut[-1]

    def took(self, seconds):
        """Adapt to the time of a slab."""
        if seconds < _SECONDS / 4:
            self._size = min(4 * self._size, self._largest)
        elif seconds > 2 * _SECONDS:
            self._size = max(self._size // 2, 1)


def _timed(work, X, on_finished):
    start = time.perf_counter()
    result = work(X, on_finished)
    return result, time.perf_counter() - start
