# SPDX-License-Identifier: BSD-3-Clause
"""Serve a procedure with votes, round by round, over all its unfinished rows."""

from typing import NamedTuple

import numpy as np

from sksmooth.noise import Stage


class VoteRequest(NamedTuple):
    """What a procedure asks for in one round.

    Attributes
    ----------
    rows : ndarray of int
        Positions of the rows that need votes.
    sizes : int or ndarray of int of shape (len(rows),)
        How many each of them needs.
    stage : Stage
        The stream they are drawn from.
    n_finished : int
        How many rows need none any more; for showing progress.
    """

    rows: np.ndarray
    sizes: int | np.ndarray
    stage: Stage
    n_finished: int = 0


def run(procedure, streams, n_rows, on_finished=None):
    """Run a procedure to its end.

    Parameters
    ----------
    procedure : generator
        Yields `VoteRequest`, is sent ndarrays of counts of shape
        (len(request.rows), n_classes), returns its result.
    streams : object with a method ``draw(rows, sizes, stage)``
        The votes of a chunk of rows, opened on a vote source.
    n_rows : int
        Number of rows of the chunk.
    on_finished : callable, default=None
        Called with the number of rows that finished since the last round.

    Returns
    -------
    dict of ndarray
        What the procedure returns.
    """
    reported = 0
    counts = None
    while True:
        try:
            request = procedure.send(counts)
        except StopIteration as stop:
            if on_finished is not None:
                on_finished(n_rows - reported)
            return stop.value
        if on_finished is not None:
            on_finished(request.n_finished - reported)
        reported = request.n_finished
        sizes = np.broadcast_to(request.sizes, request.rows.shape)
        counts = streams.draw(request.rows, sizes, request.stage)
