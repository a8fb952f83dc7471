# SPDX-License-Identifier: BSD-3-Clause
"""Noise drawn by numba is that of numpy, to the last bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sksmooth.noise import Gaussian, _compiled

pytest.importorskip("numba")


@pytest.mark.parametrize("scale", [None, (0.1, 1.0, 30.0)])
def test_copies_are_the_same_in_whatever_parts_they_are_drawn(monkeypatch, scale):
    law = Gaussian(0.7, scale=scale)
    row = law.snap(np.array([[1.5, -2.0, 1e3]]))[0]

    def copies(sizes):
        stream = np.random.Generator(np.random.SFC64(3))
        out = np.empty((sum(sizes), 3))
        for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
            law.perturb(row, stream, out[start : start + size])
        return out, stream.random()

    expected = copies([9_000])
    assert _compiled.compiled_perturb(2**20) is None
    monkeypatch.setattr(_compiled, "_VALUES_WORTH_COMPILING", 0)
    assert _compiled.compiled_perturb(2**20) is not None
    for sizes in ([9_000], [3_000, 10, 5_990]):
        for found, as_before in zip(copies(sizes), expected, strict=True):
            assert_array_equal(found, as_before)


def test_a_library_that_draws_other_numbers_is_not_used(monkeypatch):
    from sksmooth.noise import _numba

    right = _numba.perturb

    def wrong(stream, *parts):
        stream.random()
        right(stream, *parts)

    assert _numba.draws_as_numpy()
    monkeypatch.setattr(_numba, "perturb", wrong)
    assert not _numba.draws_as_numpy()
