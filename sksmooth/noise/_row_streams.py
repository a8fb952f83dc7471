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

KEY_BYTES = 32


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
