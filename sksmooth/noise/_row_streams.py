# SPDX-License-Identifier: BSD-3-Clause
"""Random streams of noise, one for each sample, whatever batch it is in.

The stream of a sample is a pure function of the classifier's key, the sample's content
and the stage of the procedure. Results therefore depend neither on the batch size nor
on the number of workers, the order of samples or the other samples of a call; and
samples that differ have independent noise, so that errors of certificates do not
cluster.
"""

import hashlib
from enum import IntEnum

import numpy as np
from numpy.random.bit_generator import ISeedSequence

KEY_BYTES = 32
# Fewer streams take less time one by one.
_MANY = 64


class Stage(IntEnum):
    """What a stream is drawn for; the stages of a sample are independent."""

    PREDICT = 0
    PILOT = 1
    ESTIMATE = 2
    FINGERPRINT = 3


def draw_noise_key(random_state):
    """Draw the secret key of a smoothed classifier from a ``RandomState``."""
    return random_state.bytes(KEY_BYTES)


def row_digests(X, key, held=None):
    """Digest each sample of `X` under `key`.

    The sample enters as float32: an affine step in front of the classifier may change
    the last bits of a float64 sample with the batch it is in, and must not change its
    noise.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    key : bytes of length 32
    held : list of bytes, default=None
        Contents of each sample that take no noise.

    Returns
    -------
    list of bytes of length 16
    """
    with np.errstate(over="ignore"):  # samples beyond float32 share the digest of inf
        # + 0.0 folds the two zeros into one
        rows = np.ascontiguousarray(X.reshape(len(X), -1), dtype=np.float32) + 0.0
    rows[np.isnan(rows)] = np.nan  # of which there is one only
    contents = [row.tobytes() for row in rows]
    if held is not None:
        contents = [a + b for a, b in zip(contents, held, strict=True)]
    return [
        hashlib.blake2b(content, key=key, digest_size=16).digest()
        for content in contents
    ]


def row_stream(digest, stage, *branch):
    """Open the generator of a sample's noise at a stage.

    Parameters
    ----------
    digest : bytes
        One entry of `row_digests`.
    stage : Stage
    *branch : int
        For more than one stream at a stage, all independent.

    Returns
    -------
    numpy.random.Generator
    """
    words = np.frombuffer(digest, dtype="<u4")  # quicker to take in than a long int
    seed = np.random.SeedSequence(words, spawn_key=(int(stage), *branch))
    return np.random.Generator(np.random.SFC64(seed))


def row_streams(digests, stage, *branch):
    """Open the generators of several samples; see `row_stream`.

    They are the same generators, for which the arithmetic of `SeedSequence`, which
    takes most of the time of a stream, is done for all samples at once.

    Parameters
    ----------
    digests : list of bytes
    stage, *branch
        See `row_stream`.

    Returns
    -------
    list of numpy.random.Generator
    """
    if len(digests) >= _MANY:
        words = np.frombuffer(b"".join(digests), dtype="<u4").reshape(len(digests), -1)
        key = (int(stage), *branch)
        states = _states(words.T.astype(np.uint32), key)
        last = np.random.SeedSequence(words[-1], spawn_key=key)
        # Else numpy has another algorithm than the one it had when this was written.
        if np.array_equal(states[-1], last.generate_state(3, np.uint64)):
            return [
                np.random.Generator(np.random.SFC64(_Seed(state))) for state in states
            ]
    return [row_stream(digest, stage, *branch) for digest in digests]


class _Seed(ISeedSequence):
    """A seed whose words are known."""

    def __init__(self, state):
        self._state = state

    def generate_state(self, n_words, dtype=np.uint32):
        return self._state


def _states(words, key):
    """``SeedSequence(words_of_a_sample, spawn_key=key).generate_state(3, uint64)``.

    Parameters
    ----------
    words : ndarray of uint32 of shape (4, n_samples)
    key : tuple of int
        Each below 2**32.

    Returns
    -------
    ndarray of uint64 of shape (n_samples, 3)
    """
    hashed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [hashed(word) for word in words]
    for source in range(len(pool)):
        for at in range(len(pool)):
            if at != source:
                pool[at] = _mixed(pool[at], hashed(pool[source]))
    for number in key:
        word = np.array([number], dtype=np.uint32)
        pool = [_mixed(part, hashed(word)) for part in pool]
    hashed = _Hash(0x8B51F9DD, 0x58F38DED)
    state = np.stack([hashed(pool[at % len(pool)]) for at in range(6)], axis=1)
    # The first of two words is the lower one.
    low, high = state[:, ::2].astype(np.uint64), state[:, 1::2].astype(np.uint64)
    return low | high << np.uint64(32)


class _Hash:
    """The hash of `SeedSequence`, another function in each call."""

    def __init__(self, constant, factor):
        self._constant, self._factor = constant, factor

    def __call__(self, words):
        hashed = words ^ np.uint32(self._constant)
        self._constant = self._constant * self._factor % 2**32
        hashed *= np.uint32(self._constant)
        return hashed ^ (hashed >> np.uint32(16))


def _mixed(words, others):
    mixed = words * np.uint32(0xCA01F9DD) - others * np.uint32(0x4973F715)
    return mixed ^ (mixed >> np.uint32(16))
