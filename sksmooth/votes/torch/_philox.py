# SPDX-License-Identifier: BSD-3-Clause
"""Noise on a device: a pure function of sample, stage and number of the copy.

A generator with a counter needs no state: any copies of any samples are drawn at once,
whatever is drawn beside them, and drawn again after a failure. Generators of torch do
not allow that: on a GPU two draws in a row differ from one draw of both, and each row
would need its own generator and its own launch.
"""

import numpy as np
import torch

_WORD = 0xFFFFFFFF
_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)


def philox(counter, key):
    """Philox4x32-10, the generator of [1]_.

    Parameters
    ----------
    counter : sequence of 4 int64 tensors that broadcast
        Words of 32 bits.
    key : sequence of 2 int64 tensors that broadcast with them

    Returns
    -------
    tuple of 4 int64 tensors
        Words of 32 random bits.

    References
    ----------
    .. [1] J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy
       as 1, 2, 3", SC 2011.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # A product of two words wraps around in int64 with the right bits.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c2 = _high(p1) ^ c1 ^ k0, _high(p0) ^ c3 ^ k1
        c1, c3 = p1 & _WORD, p0 & _WORD
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def row_words(digests, device):
    """Three words for each sample, from its digest, of shape (n_samples, 3)."""
    words = np.frombuffer(b"".join(digests), dtype="<u4").reshape(len(digests), -1)
    return torch.from_numpy(words[:, :3].astype(np.int64)).to(device)


def standard_noise(words, copies, stage, n_features, law):
    """Noise of standard deviation 1 of some copies of some samples.

    Parameters
    ----------
    words : int64 tensor of shape (n, 3)
        For each copy, the entry of `row_words` of its sample.
    copies : int64 tensor of shape (n,)
        Number of the copy within its sample and stage.
    stage : Stage
    n_features : int
    law : AdditiveLaw

    Returns
    -------
    float64 tensor of shape (n, n_features)
    """
    n_pairs = -(-n_features // 2)
    pair = torch.arange(n_pairs, device=words.device)
    stage = torch.full_like(pair[:1], int(stage))
    tag, *key = words.T[:, :, None]
    a, b, c, d = philox((pair, copies[:, None], stage, tag), key)
    noise = torch.cat(law.from_uniforms(_uniform(a, b), _uniform(c, d), torch), dim=1)
    return noise[:, :n_features]


def _high(product):
    return (product >> 32) & _WORD


def _uniform(high, low):
    """Uniform numbers of 53 bits, above 0."""
    return ((high << 21) | (low >> 11)).double().add_(0.5).mul_(2.0**-53)
