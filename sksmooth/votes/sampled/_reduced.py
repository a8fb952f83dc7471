# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a classifier behind an affine map to fewer dimensions, noise drawn there."""

import numpy as np

from sksmooth.samples import unit_values_of
from sksmooth.votes._source import Declined
from sksmooth.votes.sampled._monte_carlo import MonteCarloVotes, VoteStreams

_EPS = np.finfo(np.float64).eps
# How far rounding may move a noisy copy, in units of sigma: a vote then differs from
# that of exact arithmetic with a probability of about that for each boundary.
_MOST_ROUNDING = 1e-8
# In units of sigma, what no noise exceeds.
_REACH = 40.0
# Largest ratio of singular values; beyond it rounding is not small beside the noise.
_MOST_SPREAD = 1e6


class ReducedSpace:
    """Coordinates in which an affine map of low rank is seen.

    With V an orthonormal basis of the row space of a matrix A, ``A @ (x - center) + b``
    is ``B @ y + b``, where ``y = V.T @ (x - center)`` and ``B = A @ V``.

    Parameters
    ----------
    matrix : ndarray of shape (n_out, n_features)
    shift : ndarray of shape (n_out,)
    center : ndarray of shape (n_features,) or None

    Raises
    ------
    Declined
        If the rank is not smaller than the number of features, so that nothing would be
        gained, or not clear.
    """

    def __init__(self, matrix, shift, center):
        n_features = matrix.shape[1]
        if not (np.isfinite(matrix).all() and np.isfinite(shift).all()):
            raise Declined("the map before it has parameters that are not finite")
        _, sizes, right = np.linalg.svd(matrix, full_matrices=False)
        rank = int(np.sum(sizes > sizes[0] * _EPS * max(matrix.shape)))
        if not 0 < rank <= 0.75 * n_features:
            raise Declined(f"it looks at {rank} directions of {n_features} features")
        spread = sizes[0] / sizes[rank - 1]
        if spread > _MOST_SPREAD:
            raise Declined(f"its directions differ in size by a factor of {spread:.1g}")
        self.center = center
        self.basis = np.ascontiguousarray(right[:rank].T)
        self.matrix = np.ascontiguousarray((matrix @ self.basis).T)
        self.shift = shift
        # What the distance of two samples may grow by, relative to it.
        gram = self.basis.T @ self.basis - np.eye(rank)
        self.stretch = np.linalg.norm(gram) + n_features * _EPS
        self._per_norm = (n_features + 16) * _EPS * np.sqrt(rank)
        # What the matrix here differs by, and sums of rank products.
        size, least = np.linalg.norm(self.matrix), sizes[rank - 1]
        apart = np.linalg.norm(matrix - self.matrix.T @ self.basis.T)
        self._per_output = (apart + 2 * (rank + 4) * _EPS * size) / least
        self._constant = 2 * _EPS * np.linalg.norm(shift) / least

    @property
    def rank(self):
        """Number of coordinates."""
        return self.basis.shape[1]

    def centered(self, X):
        """Return rows relative to the center."""
        return X if self.center is None else X - self.center

    def coordinates(self, X):
        """Return coordinates of rows, of shape (n_samples, rank)."""
        return self.centered(X) @ self.basis

    def outputs(self, coordinates):
        """Return what the map gives, of shape (n_samples, n_out)."""
        return coordinates @ self.matrix + self.shift

    def rounding(self, norms, reach):
        """Bounds on rounding, as moves of a row, by norms of rows from the center.

        Parameters
        ----------
        norms : ndarray of shape (n_samples,)
        reach : float
            How far noise goes.

        Returns
        -------
        of_coordinates : ndarray of shape (n_samples,)
            Of the coordinates of a row.
        of_outputs : ndarray of shape (n_samples,)
            Of the outputs at noisy copies, here and where the map is applied to a row.
        """
        of_outputs = self._per_output * (norms + reach) + self._constant
        return self._per_norm * norms, of_outputs


class ReducedNoiseVotes(MonteCarloVotes):
    """A source of votes that draws noise in the space that the classifier looks at.

    A classifier behind an affine map, such as a PCA, a selection of features or the
    first layer of a network, only depends on the coordinates of a sample in an
    orthonormal basis of the row space of the map. Gaussian noise has there the same
    sigma and is independent, so votes have the law that they have in the space of the
    samples, and fewer numbers are drawn and multiplied.

    Samples are rounded to the grid of the noise there, on which sums are exact. Two
    samples are not further apart there than they are in their own space, so radii hold
    with the slack of that grid, which is less than the one they are reduced by; the
    rounding of coordinates is covered by the difference. Samples for which it is not,
    or for which rounding could move a vote by more than 1e-8 sigma, are left to
    `predict`, as `MonteCarloVotes` does.

    Parameters
    ----------
    space : ReducedSpace
    head : object with a method ``positions(outputs)``
        From outputs of the map to positions of labels, of shape (n_samples,).
    model : Model
    """

    def __init__(self, space, head, model):
        law, rank = model.law, space.rank
        super().__init__(model.in_units())
        self.space = space
        self.head = head
        self.votes_of_predict = MonteCarloVotes(model)
        n_features = len(space.basis)
        given_up = law.change_size(law.grid, n_features, 2)
        self._spare = given_up - self.law.change_size(self.law.grid, rank, 2)
        self._spare -= _REACH * law.sigma * space.stretch
        self._spare /= 2  # for each of two samples
        if not self._spare > 0:
            raise Declined("the grid of its samples is finer than that of coordinates")

    def open(self, X):
        """Open the streams of rows; see `MonteCarloVotes.open`."""
        return _ReducedStreams(self, X)

    def is_far(self, X):
        """Whether rounding is not small, by row of coordinates from the center."""
        norms = np.linalg.norm(self.space.centered(unit_values_of(X)), axis=1)
        sigma = self.law.sigma
        # Longer noise has a probability of less than 1e-21.
        reach = sigma * (10 + np.sqrt(len(self.space.basis)))
        of_coordinates, of_outputs = self.space.rounding(norms, reach)
        near = (of_coordinates < self._spare) & (of_outputs < _MOST_ROUNDING * sigma)
        return ~near

    def coordinates(self, X):
        """Rows in the basis, of shape (n_samples, rank)."""
        return self.space.coordinates(unit_values_of(X))

    def vote(self, noisy, X, owner):
        """Position of the class that each noisy copy votes for.

        Parameters
        ----------
        noisy : ndarray of float64 of shape (n_votes, rank)
            Coordinates.
        X, owner
            Not used: coordinates are all that the classifier looks at.
        """
        return self.head.positions(self.space.outputs(noisy))


class _ReducedStreams(VoteStreams):
    """Votes in coordinates, and those of `predict` for samples far away."""

    def __init__(self, source, X):
        self._far = source.is_far(X)
        self._asked = source.votes_of_predict.open(X) if self._far.any() else None
        super().__init__(source, X)

    def _coordinates(self):
        # Those of samples far away are not used, and may be beyond the grid.
        coordinates = super()._coordinates()
        coordinates[self._far] = 0.0
        return coordinates

    def draw(self, rows, sizes, stage):
        """Draw votes; see `VoteStreams.draw`."""
        far = self._far[rows]
        if not far.any():
            return super().draw(rows, sizes, stage)
        counts = np.empty((len(rows), len(self._source.classes)), dtype=np.int64)
        counts[far] = self._asked.draw(rows[far], sizes[far], stage)
        counts[~far] = super().draw(rows[~far], sizes[~far], stage)
        return counts
