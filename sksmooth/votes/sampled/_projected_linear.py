# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a linear classifier, sampled in the few directions that it looks at."""

from itertools import pairwise

import numpy as np
from scipy.special import ndtr, ndtri

from sksmooth.noise._copies import draw_normals
from sksmooth.samples import unit_values_of
from sksmooth.votes.sampled._monte_carlo import MonteCarloVotes, VoteStreams, batches

# Scores held at a time, so that they stay in the cache.
_MOST_SCORES = 2**17
# Uniform numbers held at a time.
_MOST_NUMBERS = 2**16
# Share of votes that may miss, up to which drawing only those takes less time.
_FEW_MISSES = 0.2
# How far rounding may move the boundary between two classes, in units of sigma. A vote
# then differs from that of exact arithmetic with probability at most 4e-10 for each
# class, so all of 10,000 votes for ten classes are the same but in 4e-5 of cases.
_MOST_ROUNDING = 1e-9
# Their scores take less time than all else that a call does, and the first six looks at
# a radius, which are mostly enough, are at so many.
_VOTES_AT_ONCE = 84
# In units of sigma, what no noise exceeds.
_REACH = 40.0


class ProjectedLinearVotes(MonteCarloVotes):
    """A source of votes for the class with the largest of K linear scores.

    The scores differ only along at most K - 1 directions. In an orthonormal basis of
    these, Gaussian noise is Gaussian with the same sigma, so votes have the law they
    have in the space of the samples, at a fraction of the cost; and a projection brings
    no two samples further apart, so a certified radius holds there too.

    Of a sample so far from zero that rounding could move a boundary by more than 1e-9
    sigma, `predict` is called instead, as `MonteCarloVotes` does.

    Parameters
    ----------
    space : ScoreSpace
        The scores.
    model : Model
    inputs : TableInputs, default=None
        The numbers that the scores are linear in; None is what takes noise.
    """

    def __init__(self, space, model, inputs=None):
        super().__init__(model.in_units())
        self.space = space
        self._inputs = None if space.held is None else inputs
        self.votes_of_predict = MonteCarloVotes(model)
        self.votes_at_once = _VOTES_AT_ONCE

    def open(self, X):
        """Open the streams of samples; see `MonteCarloVotes.open`."""
        return _ScoreStreams(self, X)

    def copies_at_once(self, n_values):
        """Most votes whose scores are held at a time."""
        most = max(1, _MOST_SCORES // len(self.classes))
        return min(super().copies_at_once(n_values), most)

    def numbers_at_once(self):
        """Most votes held at a time of which each is one number, and few have scores.

        With a few large batches a sample takes less time than with many.
        """
        if self.batch_size is not None:
            return self.copies_at_once(0)
        most = int(_MOST_SCORES / (_FEW_MISSES * len(self.classes)))
        return max(1, min(most, _MOST_NUMBERS))

    def coordinates(self, X):
        """Samples in the basis, of shape (n_samples, rank)."""
        return unit_values_of(X) @ self.space.basis

    def score_rounding(self, X):
        """Bound on the rounding error of scores, of shape (n_samples, n_classes)."""
        numbers = unit_values_of(X) if self._inputs is None else self._inputs.of(X)
        norms = np.linalg.norm(numbers, axis=1)
        space = self.space
        return norms[:, np.newaxis] * space.rounding_per_norm + space.rounding

    def held_scores(self, X):
        """What features without noise add, of shape (n_rows, n_classes)."""
        if self._inputs is None:
            return np.zeros((len(X), len(self.classes)))
        return self._inputs.of(X)[:, self.space.held] @ self.space.held_coef.T

    def scores(self, coordinates):
        """Scores of samples given in the basis, of shape (n_samples, n_classes)."""
        return coordinates @ self.space.coef.T + self.space.intercept


class _ScoreStreams(VoteStreams):
    """Votes by the scores of a sample plus those of its noise.

    Sample and noise are not added before they are scored, so their sum need not be
    exact: it is never given to a classifier that could read its low bits. A vote can
    differ from that of exact arithmetic only where two scores agree within rounding,
    and samples where that is not negligible beside the noise are left to `predict`.

    Where few votes can miss the leader, the class of the sample itself, only those are
    drawn. Class j is ahead of the leader in a half-space of known probability q_j. A
    uniform number decides whether a vote may miss, with probability ``sum(q)``, and in
    which half-space, the j-th with probability ``q_j / sum(q)``; its noise is then
    drawn there. Noise that lies in m of the half-spaces at once comes up m times too
    often, and is kept with probability 1/m. All other votes are the leader's. So misses
    have the law that they have if the noise of every vote is drawn [1]_.

    References
    ----------
    .. [1] R. M. Karp, M. Luby, "Monte-Carlo Algorithms for Enumeration and Reliability
       Problems", FOCS 1983.
    """

    def __init__(self, source, X):
        super().__init__(source, X)
        self._scores = source.scores(self._rows) + source.held_scores(X)
        self._leader = np.argmax(self._scores, axis=1)
        every = np.arange(len(X))
        lead = self._scores[every, self._leader][:, np.newaxis] - self._scores
        deviations = source.space.deviations[self._leader]
        self._far = self._is_far(source.score_rounding(X), lead, deviations)
        self._asked = source.votes_of_predict.open(X) if self._far.any() else None
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = ndtr(-lead / deviations)
        missed[every, self._leader] = 0.0
        # Increasing, up to the probability that a vote may miss.
        self._missed = np.cumsum(np.nan_to_num(missed, nan=1.0), axis=1)

    def _is_far(self, rounding, lead, deviations):
        """Whether the rounding of scores might matter beside the noise, by sample."""
        every = np.arange(len(rounding))
        of_two = rounding + rounding[every, self._leader][:, np.newaxis]
        # The noise overcomes no larger lead, and no other class is ever voted for.
        rivals = lead <= of_two + _REACH * deviations
        rivals[every, self._leader] = False
        worst = rounding[every, self._leader]
        worst = 2 * np.maximum(worst, np.max(rounding, 1, where=rivals, initial=0.0))
        moved = worst > _MOST_ROUNDING * self._source.space.least_deviation
        # Scores that differ by a constant are never parted by the noise.
        return np.any(rivals & (moved[:, np.newaxis] | (deviations == 0.0)), axis=1)

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        counts = np.empty((len(rows), len(self._source.classes)), dtype=np.int64)
        far, clear, other = self._kinds(rows)
        if far.any():
            counts[far] = self._asked.draw(rows[far], sizes[far], stage)
        if clear.any():
            counts[clear] = self._draw_misses(rows[clear], sizes[clear], stage)
        if other.any():
            counts[other] = super().draw(rows[other], sizes[other], stage)
        return counts

    def votes(self, rows, sizes, stage):
        """Draw votes one by one; see `VoteStreams.votes`."""
        votes = np.empty(np.sum(sizes), dtype=np.intp)
        far, clear, other = self._kinds(rows)
        if far.any():
            of = np.repeat(far, sizes)
            votes[of] = self._asked.votes(rows[far], sizes[far], stage)
        if clear.any():
            of = np.repeat(clear, sizes)
            votes[of] = self._votes_of_clear(rows[clear], sizes[clear], stage)
        if other.any():
            of = np.repeat(other, sizes)
            votes[of] = super().votes(rows[other], sizes[other], stage)
        return votes

    def _kinds(self, rows):
        """Samples that are left to `predict`, those with few misses, and others."""
        far, clear = self._far[rows], self._missed[rows, -1] < _FEW_MISSES
        return far, clear & ~far, ~clear & ~far

    def _draw_misses(self, rows, sizes, stage):
        counts = np.zeros((len(rows), len(self._source.classes)), dtype=np.int64)
        leader = self._leader[rows]
        for owners, parts, owner, _, votes in self._misses(rows, sizes, stage):
            counts[owners, leader[owners]] += parts
            np.subtract.at(counts, (owner, leader[owner]), 1)
            np.add.at(counts, (owner, votes), 1)
        return counts

    def _votes_of_clear(self, rows, sizes, stage):
        votes = []
        for owners, parts, _, drawn, missing in self._misses(rows, sizes, stage):
            votes.append(np.repeat(self._leader[rows[owners]], parts))
            votes[-1][drawn] = missing
        return np.concatenate(votes)

    def _misses(self, rows, sizes, stage):
        """Votes that may miss, batch by batch.

        Yields
        ------
        owners, parts : ndarray of int of shape (n_parts,)
            Positions in `rows` of the samples of a batch, and their numbers of votes.
        owner, drawn, votes : ndarray of int of shape (n_drawn,)
            Of votes that may miss: positions in `rows` and in the batch, and the votes.
        """
        may_miss = self._missed[rows, -1]
        capacity = int(min(self._source.numbers_at_once(), np.sum(sizes)))
        uniform = np.empty(capacity)
        self._open_streams(rows, stage)
        for owners, parts in batches(sizes, capacity):
            ends = np.cumsum(parts)
            for row, start, end in zip(rows[owners], ends - parts, ends, strict=True):
                self._stream(row, stage).random(out=uniform[start:end])
            limit = np.repeat(may_miss[owners], parts)
            (drawn,) = np.nonzero(uniform[: ends[-1]] < limit)
            owner = owners[np.searchsorted(ends, drawn, side="right")]
            votes = self._votes_that_may_miss(rows[owner], uniform[drawn], stage)
            yield owners, parts, owner, drawn, votes

    def _votes_that_may_miss(self, rows, uniform, stage):
        """Votes with noise in one of the half-spaces where a class is ahead.

        Parameters
        ----------
        rows : ndarray of int of shape (n,)
            Whose votes they are; equal ones stand together.
        uniform : ndarray of shape (n,)
            Uniform on the line of length ``sum(q)``, on which class j has a piece of
            length q_j; the place within it is a uniform number too.
        stage : Stage

        Returns
        -------
        ndarray of int of shape (n,)
        """
        noise_coef = self._source.space.noise_coef
        n, rank = len(rows), noise_coef.shape[1]
        # One normal more than directions; it decides which noise is kept.
        normals = np.empty((n, rank + 1))
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        self._open_streams(rows[starts], stage, 1)
        for start, end in pairwise([*starts, n]):
            self._stream(rows[start], stage, 1).standard_normal(out=normals[start:end])
        noise, kept = normals[:, :rank], ndtr(normals[:, rank])
        leader, missed = self._leader[rows], self._missed[rows]
        ahead = np.sum(uniform[:, np.newaxis] >= missed, axis=1)
        every = np.arange(n)
        piece = uniform - np.where(ahead > 0, missed[every, ahead - 1], 0.0)
        # Along the line where the class gains, a normal beyond the boundary.
        line = noise_coef[leader] - noise_coef[ahead]
        line /= np.linalg.norm(line, axis=1, keepdims=True)
        along = ndtri(np.maximum(piece, np.finfo(np.float64).tiny))
        noise += (along - np.sum(noise * line, axis=1))[:, np.newaxis] * line
        scores = self._scores[rows] + noise @ noise_coef.T
        n_ahead = np.sum(scores > scores[every, leader][:, np.newaxis], axis=1)
        # At the boundary rounding can have the leader ahead.
        votes = np.where(n_ahead > 0, np.argmax(scores, axis=1), ahead)
        return np.where(kept * np.maximum(n_ahead, 1) < 1, votes, leader)

    def _fill(self, batch, rows, streams, parts):
        draw_normals(streams, parts, batch)

    def _scores_of(self, batch, rows, parts):
        """Scores of votes, one line per class.

        The largest one and its class are then found in long loops without a branch.
        """
        scores = self._source.space.noise_coef @ batch.T
        ends = np.cumsum(parts)
        starts = ends - parts
        for row, start, end in zip(rows, starts, ends, strict=True):
            scores[:, start:end] += self._scores[row][:, np.newaxis]
        return scores

    def _vote(self, batch, rows, parts):
        return np.argmax(self._scores_of(batch, rows, parts), axis=0)

    def _count(self, batch, rows, parts):
        scores = self._scores_of(batch, rows, parts)
        starts = np.cumsum(parts) - parts
        wins = (scores == scores.max(axis=0)).view(np.uint8)
        counts = np.add.reduceat(wins, starts, axis=1, dtype=np.int32).T
        if counts.sum() > len(batch):  # a tie, which is the first one's
            counts = self._tally(np.argmax(scores, axis=0), parts)
        return counts
