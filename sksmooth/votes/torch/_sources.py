# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a network: noise from the host for a CPU, made on the device for a GPU."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from sksmooth.noise import AdditiveLaw, row_digests
from sksmooth.votes.probes import is_known
from sksmooth.votes.sampled import MonteCarloVotes, VoteStreams, batches
from sksmooth.votes.torch._philox import row_words, standard_noise
from sksmooth.votes.torch._piece import keep_memory_mapped

# Noise on the host is made for so many features at a time: that stay in cache, and of
# several threads, as many for each as make it worth to start it.
_FEATURES_OF_THREAD, _MOST_FEATURES = 2**19, 2**21
_FEWEST = 64
_FEWEST_FEATURES_OF_THREADS = 2**17
# Noisy samples on a device at a time, where `batch_size` says nothing.
_ROWS_ON_DEVICE = 8192
# Noise is made for so many features at a time: the generator needs ten times its room.
_NOISE_FEATURES = 2**22


class TorchVotes(MonteCarloVotes):
    """A source of votes that calls a network.

    On a CPU, noise is that of `MonteCarloVotes`, so votes are those of `predict`, up
    to ties within the rounding of the network. On a GPU it is drawn, rounded to the
    grid, voted on and counted there, one transfer a round; it is other noise, with the
    same law and the same independence of batches, order and the other samples.

    Parameters
    ----------
    network : Network
    steps : list of transformers
        Applied to noisy samples before the network, on the host.
    model : Model
    """

    # The last digits of a network's outputs depend on the batch.
    reproducible = False

    def __init__(self, network, steps, model):
        positions = np.arange(network.n_classes)
        predictor = _NetworkBehindSteps(network, steps)
        super().__init__(replace(model, estimator=predictor, classes=positions))
        self.classes = model.classes
        self.network = network
        self.serial = network.device.type != "cpu"
        self.has_steps = bool(steps)
        self.steps_are_known = all(map(is_known, steps))
        # Steps before the network work on the host, and so noise must be there; and
        # the grid needs float64, which not all devices have.
        drawn_there = isinstance(model.law, AdditiveLaw)
        on_gpu = network.device.type == "cuda"
        self.noise_on_device = not steps and on_gpu and drawn_there

    @property
    def precision(self):
        """Type that the network computes in."""
        return np.float64 if self.network.dtype == torch.float64 else np.float32

    @property
    def is_known(self):
        """Whether labels cannot be compared: there is much rounding, or no copies."""
        return self.noise_on_device or not self.network.is_exact

    def probe(self, X):
        """Probe steps before the network anew; its outputs were compared before."""
        self.is_probed = self.is_probed or self.steps_are_known
        super().probe(X)

    def open(self, X):
        """Open the streams of samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...)

        Returns
        -------
        object with a method ``draw(rows, sizes, stage)``
        """
        if self.noise_on_device and isinstance(X, np.ndarray):
            return _DeviceStreams(self, X)
        return _HostStreams(self, X)

    def vote(self, noisy, X, owner):
        """Position of the class that each noisy copy votes for.

        Parameters
        ----------
        noisy : ndarray of shape (n_votes, d)
            Of float32 only if that is what the network takes.
        X, owner
            See `MonteCarloVotes.vote`.
        """
        if noisy.dtype == np.float32:
            return self.estimator.predict(noisy.reshape(-1, *X.shape[1:]))
        return super().vote(noisy, X, owner)

    def takes_float32(self, X):
        """Whether copies of samples may be drawn in float32, in less memory.

        The network would round them to it anyway, and nothing before it sees them.
        """
        return (
            not self.has_steps
            and self.network.dtype == torch.float32
            and hasattr(self.law, "from_uniforms")
            and isinstance(X, np.ndarray)
            and X.dtype in (np.float32, np.float64)
        )


class _NetworkBehindSteps:
    """Positions that a network votes for, in the manner of `predict`."""

    def __init__(self, network, steps):
        self._network = network
        self._steps = steps

    def predict(self, rows):
        network = self._network
        for step in self._steps:
            rows = step.transform(rows)
        rows = torch.from_numpy(np.ascontiguousarray(rows))
        with network.evaluating():
            votes = network.votes_in_pieces(rows).numpy()
        check_no_nan(np.count_nonzero(votes == network.n_classes))
        return votes


class _HostStreams(VoteStreams):
    """Votes of a chunk of samples, the noise of `VoteStreams` drawn by all cores."""

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        keep_memory_mapped()
        source = self._source
        counts = np.zeros((len(rows), len(source.classes)), dtype=np.int64)
        n_features = self._rows.shape[1]
        n_threads = torch.get_num_threads()
        most = min(n_threads * _FEATURES_OF_THREAD, _MOST_FEATURES)
        capacity = max(_FEWEST, most // max(n_features, 1))
        piece = source.network.limit
        if piece and n_threads == 1:  # the network finds the noise in the cache
            capacity = min(capacity, piece)
        if source.batch_size is not None:
            capacity = min(source.batch_size, capacity)
        capacity = min(capacity, max(1, int(np.sum(sizes))))
        dtype = np.float32 if source.takes_float32(self._X) else np.float64
        batch = np.empty((capacity, n_features), dtype)
        if batch.size <= _FEWEST_FEATURES_OF_THREADS:
            n_threads = 1
        with source.network.evaluating(), ThreadPoolExecutor(n_threads) as pool:
            for owners, parts in batches(sizes, len(batch)):
                owned, ends = rows[owners], np.cumsum(parts)
                noisy = batch[: ends[-1]]
                tasks = [
                    (self._rows[row], self._stream(row, stage), batch[end - part : end])
                    for row, part, end in zip(owned, parts, ends, strict=True)
                ]
                if n_threads == 1:
                    self._perturb(tasks)
                else:
                    # Samples draw from streams of their own, so any thread may do any.
                    shares = (ends - 1) * n_threads // ends[-1]
                    cuts = np.searchsorted(shares, np.arange(1, n_threads))
                    bounds = pairwise([0, *cuts, len(tasks)])
                    list(pool.map(self._perturb, [tasks[a:b] for a, b in bounds]))
                counts[owners] += self._count(noisy, owned, parts)
        return counts

    def _perturb(self, tasks):
        for row, stream, out in tasks:
            self._source.law.perturb(row, stream, out)


class _DeviceStreams:
    """Votes of a chunk of samples that stay on the device until they are counted."""

    def __init__(self, source, X):
        network = source.network
        rows = source.law.snap(X).reshape(len(X), -1)
        self._source = source
        self._row_shape = X.shape[1:]
        self._rows = torch.from_numpy(rows).to(network.device)
        self._words = row_words(row_digests(X, source.key), network.device)
        self._grid, self._steps = (
            torch.as_tensor(values, dtype=torch.float64, device=network.device)
            for values in (source.law.grid, source.law.deviation / source.law.grid)
        )
        self._drawn = {}

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        network = self._source.network
        drawn = self._drawn.setdefault(stage, np.zeros(len(self._rows), np.int64))
        ends = np.cumsum(sizes, dtype=np.int64)
        # The v-th vote of this round is copy v + offset[owner] of its sample.
        offset = drawn[rows] - (ends - sizes)
        rows_, ends_, offset_ = (
            torch.from_numpy(np.asarray(a, dtype=np.int64)).to(network.device)
            for a in (rows, ends, offset)
        )
        n_bins = network.n_classes + 1
        counts = torch.zeros(
            len(rows) * n_bins, dtype=torch.int64, device=network.device
        )

        def work(start, stop):
            vote = torch.arange(start, stop, device=network.device)
            owner = torch.searchsorted(ends_, vote, right=True)
            noisy = self._noisy(rows_[owner], vote + offset_[owner], stage)
            place = owner * n_bins + network.votes(noisy)
            # bincount would wait for the device to tell the largest of them.
            counts.scatter_add_(0, place, torch.ones_like(place))

        total = int(ends[-1]) if len(ends) else 0
        with network.evaluating():
            largest = self._source.batch_size or _ROWS_ON_DEVICE
            for start in range(0, total, largest):
                size = min(largest, total - start)
                network.in_pieces(size, lambda a, b, at=start: work(at + a, at + b))
        drawn[rows] += sizes
        counts = counts.reshape(-1, n_bins).cpu().numpy()
        check_no_nan(counts[:, -1].sum())
        return counts[:, :-1]

    def _noisy(self, rows, copies, stage):
        """Noisy copies in the dtype of the network, on the grid."""
        law, n_features = self._source.law, self._rows.shape[1]
        noisy = torch.empty(
            len(rows),
            n_features,
            dtype=self._source.network.dtype,
            device=self._rows.device,
        )
        n_at_once = max(1, _NOISE_FEATURES // max(n_features, 1))
        for start in range(0, len(rows), n_at_once):
            part = slice(start, start + n_at_once)
            row = rows[part]
            noise = standard_noise(
                self._words[row], copies[part], stage, n_features, law
            )
            noise.mul_(self._steps).round_().mul_(self._grid)
            noisy[part] = noise.add_(self._rows[row])
        return noisy.reshape(-1, *self._row_shape)


def check_no_nan(n_nan):
    """Refuse to count a vote of a network that returns NaN."""
    if n_nan:
        raise ValueError(
            f"the network returns NaN for {n_nan} noisy samples: these have no class. "
            "Its weights may have diverged in training, or the precision of autocast "
            "may be too low: bfloat16 overflows less than float16."
        )
