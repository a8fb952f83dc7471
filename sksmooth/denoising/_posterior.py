# SPDX-License-Identifier: BSD-3-Clause
"""Posterior means of clean samples given noisy ones, block by block."""

import math

import numpy as np

from sksmooth.denoising._products import COLUMNS, INNER, WIDTH, multiply

# Clean samples are held in blocks of at most this size, with neighbors in the same
# block, so that blocks without weight are left out; and are gone through a few blocks
# at a time, so that their log weights stay in the cache.
BLOCK = 128
# Sizes of blocks are multiples of this, which products take well.
_ROWS_OF_PRODUCT = 8
_BLOCKS_AT_ONCE = 4
# Log weights of what fills up the last block: no weight at all, but no nan either.
_ABSENT = -1e30
# Largest error of a log weight that a matrix product may have.
_ERROR = 1e-3


class Posterior:
    """Clean samples with their weights, ready for noisy ones.

    Parameters
    ----------
    samples : ndarray of float64 of shape (n_samples, n_features)
        Clean samples, near the origin, in the order of `neighbor_order`.
    log_prior : ndarray of shape (n_samples,)
        Logarithms of their weights.
    indicators : ndarray of shape (n_samples, n_indicators)
        Indicators of the categories of the features that are resampled.

    Notes
    -----
    The posterior mean of a noisy sample is a function of that sample alone, to the last
    bit: noisy samples are columns of products of a fixed shape, and a block of clean
    samples counts for a column exactly if its own weights there are not below rounding.
    """

    def __init__(self, samples, log_prior, indicators):
        n_samples, self.n_features = samples.shape
        self._block = block_size(n_samples)
        n_blocks = math.ceil(n_samples / self._block)
        pad = n_blocks * self._block - n_samples
        self.samples = np.pad(samples, ((0, pad), (0, 0)))
        self._log_prior = np.pad(log_prior, (0, pad), constant_values=_ABSENT)
        self._indicators = np.pad(indicators, ((0, pad), (0, 0)))
        self._reach = math.sqrt(np.max(np.sum(samples**2, axis=1), initial=0.0))
        # A power of two near it: squares in units of it stay in the range of float32.
        self._unit = 2.0 ** math.frexp(self._reach)[1]
        # Below this, relative to the largest, weights are lost in rounding.
        self._negligible = {
            dtype: math.log(np.finfo(dtype).eps / 2 / n_samples)
            for dtype in (np.float32, np.float64)
        }
        # Means are products with these rows: samples, indicators, and ones for the sum.
        targets = [
            self.samples / self._unit,
            self._indicators,
            np.ones((n_blocks * self._block, 1)),
        ]
        blocks = np.hstack(targets).reshape(n_blocks, self._block, -1)
        targets = np.ascontiguousarray(blocks.transpose(0, 2, 1))
        self._targets = {t: targets.astype(t) for t in (np.float32, np.float64)}
        self._keys = {}

    def prepare(self, likelihood):
        """Make the keys of a kind of likelihood, once."""
        kind = type(likelihood)
        if kind not in self._keys:
            keys = [
                likelihood.keys(self.samples, self._unit),
                self._indicators,
                self._log_prior[:, np.newaxis],
            ]
            keys = np.ascontiguousarray(np.hstack(keys))
            dtypes = [np.float64, np.float32] if likelihood.is_product else [np.float64]
            self._keys[kind] = {dtype: keys.astype(dtype) for dtype in dtypes}
        return self._keys[kind]

    def mean(self, likelihood, noisy, log_odds):
        """Posterior means.

        Parameters
        ----------
        likelihood : one of those of `sksmooth.denoising._likelihood`
        noisy : ndarray of float64 of shape (n_noisy, n_features)
        log_odds : ndarray of shape (n_noisy, n_indicators)
            Log likelihood of each category against that of the others.

        Returns
        -------
        means : ndarray of float64 of shape (n_noisy, n_features)
        probabilities : ndarray of float64 of shape (n_noisy, n_indicators)
        """
        found = np.empty((len(noisy), self.n_features + log_odds.shape[1]))
        for form, dtype, rows in self._forms(likelihood, noisy):
            for start in range(0, len(rows), COLUMNS):
                part = rows[start : start + COLUMNS]
                if len(rows) == len(noisy):  # a view, and no copy
                    part = slice(start, start + COLUMNS)
                found[part] = self._columns(
                    form, self.prepare(form)[dtype], noisy[part], log_odds[part]
                ).T
        means = found[:, : self.n_features]
        means *= self._unit
        return means, found[:, self.n_features :]

    def _forms(self, likelihood, noisy):
        """How the likelihood of which noisy samples is computed, and in which type."""
        if not likelihood.is_product:
            return [(likelihood, np.float64, np.arange(len(noisy)))]
        rounding = likelihood.rounding(noisy, self._reach)
        narrow, wide = (
            rounding * float(np.finfo(dtype).eps) <= _ERROR
            for dtype in (np.float32, np.float64)
        )
        return [
            (likelihood, np.float32, np.flatnonzero(narrow)),
            (likelihood, np.float64, np.flatnonzero(wide & ~narrow)),
            (likelihood.by_distances(), np.float64, np.flatnonzero(~wide)),
        ]

    def _columns(self, likelihood, keys, noisy, log_odds):
        """Means of at most `COLUMNS` noisy samples, of shape (n_targets, n_noisy)."""
        dtype = keys.dtype.type
        inner = slice(INNER.start, INNER.start + len(noisy))
        queries = np.ones((keys.shape[1], WIDTH), dtype)
        of_noisy = likelihood.queries(noisy, self._unit)
        n_keys = of_noisy.shape[1]
        queries[:n_keys, inner], queries[n_keys:-1, inner] = of_noisy.T, log_odds.T
        targets = self._targets[dtype]
        cut = dtype(self._negligible[dtype])

        at_once, size = min(_BLOCKS_AT_ONCE, len(targets)), self._block
        log_weights = np.empty((at_once * size, WIDTH), dtype)
        products = np.empty((at_once, targets.shape[1], WIDTH), dtype)
        total = np.zeros(products.shape[1:], dtype)
        top = np.full(WIDTH, -np.inf, dtype)
        for first in range(0, len(targets), at_once):
            here = slice(first * size, (first + at_once) * size)
            some_keys, some_targets = keys[here], targets[first : first + at_once]
            values = log_weights[: len(some_keys)]
            multiply(some_keys, queries, values)
            if not likelihood.is_product:
                likelihood.add_distances(values[:, inner], self.samples[here], noisy)
            blocks = values.reshape(-1, size, WIDTH)
            tops = blocks.max(axis=1)
            new_top = np.maximum(top, tops.max(axis=0))
            if first:
                # Sums are relative to the old maximum; a factor of 1 is exact.
                total *= np.exp(top - new_top)
            top = new_top
            some_products = products[: len(blocks)]
            counts = tops - top > cut
            if counts.all():
                blocks -= top
                np.exp(blocks, out=blocks)
                multiply(some_targets, blocks, some_products)
            else:
                # A block that does not count for a column has weights exp(-inf) there.
                blocks -= np.where(counts, top, dtype(np.inf))[:, np.newaxis]
                some_products[:] = 0
                for block in np.flatnonzero(counts[:, inner].any(axis=1)):
                    np.exp(blocks[block], out=blocks[block])
                    multiply(some_targets[block], blocks[block], some_products[block])
            # One after the other, so that blocks that do not count change no bit.
            total += np.add.reduce(some_products, axis=0)
        total = total[:, inner]
        return total[:-1] / total[-1]


def block_size(n_samples):
    """Size of a block: as few blocks as there can be, and as little to fill up."""
    n_blocks = max(1, math.ceil(n_samples / BLOCK))
    in_block = max(1, math.ceil(n_samples / n_blocks))
    return math.ceil(in_block / _ROWS_OF_PRODUCT) * _ROWS_OF_PRODUCT


def neighbor_order(samples):
    """Order that puts neighbors into the same block.

    Blocks are split in two, along the direction in which the samples vary most, until
    one is left.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    size = block_size(len(samples))
    order = np.arange(len(samples))
    parts = [(0, len(samples))]
    while parts:
        start, stop = parts.pop()
        n_blocks = math.ceil((stop - start) / size)
        if n_blocks <= 1:
            continue
        here = order[start:stop]
        centered = samples[here] - samples[here].mean(axis=0)
        projected = centered @ _main_direction(centered)
        half = n_blocks // 2 * size
        order[start:stop] = here[np.argsort(projected, kind="stable")]
        parts += [(start, start + half), (start + half, stop)]
    return order


def _main_direction(centered):
    """About the first principal axis, by a few steps of power iteration."""
    spread = np.einsum("ij,ij->j", centered, centered)
    direction = np.zeros(len(spread))
    direction[spread.argmax() if len(spread) else slice(0)] = 1.0
    for _ in range(5):
        direction = centered.T @ (centered @ direction)
        norm = np.linalg.norm(direction)
        if norm == 0:
            break
        direction /= norm
    return direction
