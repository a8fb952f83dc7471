# SPDX-License-Identifier: BSD-3-Clause
"""Serve a procedure with votes, round by round, over all its unfinished samples."""

import numpy as np


def run(procedure, streams, n_samples, on_finished=None):
    """Run a procedure to its end.

    Parameters
    ----------
    procedure : generator
        Yields `VoteRequest`, is sent ndarrays of counts of shape
        (len(request.rows), n_classes), returns the results.
    streams : object with a method ``draw(rows, sizes, stage)``
        The votes of a chunk of samples, opened on a vote source.
    n_samples : int
        Number of samples of the chunk.
    on_finished : callable, default=None
        Called with the number of samples that finished since the last round.

    Returns
    -------
    Answers
        What the procedure returns.
    """
    reported = 0
    counts = None
    while True:
        try:
            request = procedure.send(counts)
        except StopIteration as stop:
            if on_finished is not None:
                on_finished(n_samples - reported)
            return stop.value
        if on_finished is not None:
            on_finished(request.n_finished - reported)
        reported = request.n_finished
        sizes = request.sizes
        if not isinstance(sizes, np.ndarray):
            sizes = np.full(request.rows.shape, sizes)
        counts = streams.draw(request.rows, sizes, request.stage)
