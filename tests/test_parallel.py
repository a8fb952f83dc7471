# SPDX-License-Identifier: BSD-3-Clause
"""Chunks: every row once, in order, however long they take."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

from sksmooth.parallel._chunks import (
    _FIRST_ROWS,
    _GROWTH,
    _LEAST_SECONDS,
    _SECONDS,
    _Chunks,
    run_in_chunks,
)


def rows_of(chunk, on_finished):
    if on_finished is not None:
        on_finished(len(chunk))
    return chunk


@settings(deadline=None, derandomize=True, database=None)
@given(
    n_rows=st.integers(0, 3000),
    largest=st.integers(1, 1000),
    jobs=st.integers(1, 9),
    seconds=st.lists(st.floats(0, 1e4), min_size=1, max_size=5),
)
def test_chunks_are_the_rows(n_rows, largest, jobs, seconds):
    chunks = _Chunks(n_rows, largest, jobs)
    start = 0
    for number, chunk in enumerate(chunks):
        assert chunk.start == start < chunk.stop <= start + largest
        start = chunk.stop
        chunks.took(chunk, seconds[number % len(seconds)])
    assert start == n_rows


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("seconds_per_row", [1e-4, 1e-2, 1.0, 100.0])
def test_chunks_take_about_as_long_as_they_should(jobs, seconds_per_row):
    """A chunk is what a run that is cut off loses."""
    chunks = _Chunks(1_000_000, 1_000_000, jobs)
    sizes = []
    for chunk in chunks:
        sizes.append(chunk.stop - chunk.start)
        chunks.took(chunk, sizes[-1] * seconds_per_row)
        if len(sizes) == 10:
            break
    assert sizes[0] == _FIRST_ROWS
    assert sizes[-1] == max(1, round(_SECONDS / seconds_per_row))
    # The first rows may be easy ones.
    assert all(size <= _GROWTH * last for last, size in itertools.pairwise(sizes))


def test_jobs_have_something_to_do_until_the_end():
    """All chunks of the last lap are short, and not shorter than is worth it."""
    jobs, seconds_per_row = 4, 0.05
    chunks = _Chunks(5000, 8192, jobs)
    sizes = []
    for chunk in chunks:
        sizes.append(chunk.stop - chunk.start)
        chunks.took(chunk, sizes[-1] * seconds_per_row)
    least = _LEAST_SECONDS / seconds_per_row
    left = np.cumsum(sizes[::-1])[::-1]
    assert all(
        size <= max(least, np.ceil(rest / (2 * jobs)))
        for size, rest in zip(sizes, left, strict=True)
    )
    assert all(size >= least for size in sizes[1:-1])


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("n_rows", [0, 1, 100])
def test_results_come_in_the_order_of_the_rows(n_jobs, n_rows):
    X = np.arange(2 * n_rows).reshape(n_rows, 2)
    with parallel_config(backend="threading"):
        results = list(
            run_in_chunks(rows_of, X, n_jobs=n_jobs, largest=7, task="", verbose=0)
        )
    assert len(results) == -(-n_rows // 7)
    np.testing.assert_array_equal(np.vstack([X[:0], *results]), X)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_is_of_rows(n_jobs, capsys):
    with parallel_config(backend="threading"):
        run = run_in_chunks(
            rows_of, np.zeros((50, 2)), n_jobs=n_jobs, largest=8, task="do", verbose=1
        )
        assert len(list(run)) == 7
    written = capsys.readouterr().err
    assert "do: 100%" in written
    assert "50/50" in written


def test_what_is_sent_to_a_job_in_one_piece_is_bounded():
    """On a cluster a chunk is part of the task; 8 MiB of it, unless a row is larger."""
    X = np.zeros((64, 2**17))  # a mebibyte each
    with parallel_config(backend="threading"):
        run = run_in_chunks(rows_of, X, n_jobs=2, largest=8192, task="", verbose=0)
        assert max(map(len, run)) == 8
        run = run_in_chunks(
            rows_of, np.zeros((2, 2**21)), n_jobs=2, largest=8192, task="", verbose=0
        )
        assert max(map(len, run)) == 1


def test_the_bar_of_a_resumed_run_begins_where_it_was_left(capsys):
    run = run_in_chunks(
        rows_of, np.zeros((8, 2)), n_jobs=1, largest=8, task="", verbose=1, n_done=24
    )
    list(run)
    shown = capsys.readouterr().err
    assert "24/32" in shown
    assert "32/32" in shown
