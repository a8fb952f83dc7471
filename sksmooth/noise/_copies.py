# SPDX-License-Identifier: BSD-3-Clause
"""Noisy copies of many samples, each from a random stream of its own."""

import numpy as np

from sksmooth.noise._abilities import CategoricalLaw
from sksmooth.noise._additive import AdditiveLaw

# So much noise is added at once, while it is in the cache. It pays where that is the
# noise of several samples.
_VALUES_AT_ONCE, _FEWEST_SAMPLES = 2**14, 8


def fill_copies(law, points, streams, parts, out):
    """Fill an array with noisy copies of samples, as `law.perturb` of each does.

    Parameters
    ----------
    law : Law
    points : ndarray of shape (n_samples, d)
        Samples as returned by `law.snap`.
    streams : sequence of numpy.random.Generator
        The stream of each sample.
    parts : ndarray of int of shape (n_samples,)
        Number of copies of each.
    out : ndarray of shape (sum(parts), d), C-contiguous float64
        It is overwritten with the copies, those of a sample one after the other.
    """
    if isinstance(law, CategoricalLaw):
        draw_normals(streams, parts, out)
        law.perturb_normals(np.repeat(points, parts, axis=0), out)
        return
    n_at_once = _VALUES_AT_ONCE * len(points) // max(1, out.size)
    if not isinstance(law, AdditiveLaw) or n_at_once < _FEWEST_SAMPLES:
        each = zip(points, streams, strict=True)
        for (point, stream), piece in pieces(each, parts, out):
            law.perturb(point, stream, piece)
        return
    for first in range(0, len(points), n_at_once):
        some = slice(first, first + n_at_once)
        for stream, piece in pieces(streams[some], parts[some], out):
            law.draw(stream, piece)
        repeated = np.repeat(points[some], parts[some], axis=0)
        law.add(repeated, out[: len(repeated)])
        out = out[len(repeated) :]


def draw_normals(streams, parts, out):
    """Fill an array with normal numbers, consecutive parts of it from each stream."""
    for stream, piece in pieces(streams, parts, out):
        stream.standard_normal(out=piece)


def pieces(things, parts, out):
    """Each of several things with its part of an array; parts are consecutive."""
    end = 0
    for thing, size in zip(things, parts.tolist(), strict=True):
        start, end = end, end + size
        yield thing, out[start:end]
