# SPDX-License-Identifier: BSD-3-Clause
"""Votes of a classifier behind an affine map to fewer dimensions, noise drawn there."""

import numpy as np
from scipy.linalg.blas import dtrmm

from sksmooth.samples import unit_values_of
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT, Rounded
from sksmooth.votes.sampled._monte_carlo import MonteCarloVotes, VoteStreams

_EPS = np.finfo(np.float64).eps
# How far rounding may move a noisy copy, in units of sigma: a vote then differs from
# that of exact arithmetic with a probability of about that for each boundary.
_MOST_ROUNDING = 1e-8
# In units of sigma, what no noise exceeds.
_REACH = 40.0
# Largest ratio of singular values; beyond it rounding is not small beside the noise.
_MOST_SPREAD = 1e6
# Share of the directions up to which products with them cost less than they save.
_MOST_DIRECTIONS = 0.75
# For the rounding of the bounds themselves, and of a least singular value.
_SLACK = 1.01


class ReducedSpace:
    """Coordinates in which an affine map of low rank is seen.

    With V an orthonormal basis of the row space of a matrix A, ``A @ (x - center) + b``
    is ``B @ y + b``, where ``y = V.T @ (x - center)`` and ``B = A @ V``. If A selects
    features, coordinates are those features, and B is diagonal.

    Parameters
    ----------
    matrix : ndarray or Rounded of shape (n_out, n_features)
    shift : ndarray or Rounded of shape (n_out,)
    center : ndarray of shape (n_features,) or None

    Raises
    ------
    Declined
        If the rank is not smaller than the number of features, so that nothing would be
        gained, or not clear.

    Notes
    -----
    Rounding moves output j by an amount relative to the norm of row j of A, however
    small that is. So the outputs are divided by powers of two that bring all rows to
    norms between 1/2 and 1, which changes no digit of a product; a hat denotes what is
    divided. With u the unit roundoff, r the rank and n the number of features, it is
    from what they are in exact arithmetic that

    - outputs here are apart by at most ``gamma(r + 1) * |y| * norm(B_hat)``: a sum of
      r products and a shift, in any order (N. J. Higham, "Accuracy and Stability of
      Numerical Algorithms", 2nd edition, 2002, section 3.1), and ``u * |b_hat|``;
    - B and V are apart from A by the residual ``A_hat - B_hat @ V.T``, which is
      measured, with at most ``gamma(r + 1) * norm(B_hat) * norm(V)`` of rounding of its
      own, and by the bound that A and b come with, if they are products themselves;
    - outputs of the map applied to a row are apart by at most ``gamma(n + 2) * |x -
      center| * norm(A_hat)``, and ``u * |b_hat|``.

    A move of x along V by ``e`` moves ``A_hat @ x`` by at least the least singular
    value of A_hat times ``|e|``, so that errors are divided by it to be seen as moves.
    It is that of rows of equal norms: a unit of a network that has shrunk in training
    does not count as a direction in which little can be told apart.
    """

    def __init__(self, matrix, shift, center):
        matrix, shift = Rounded.of(matrix), Rounded.of(shift)
        n_features = matrix.value.shape[1]
        if not all(np.isfinite(part).all() for part in (*matrix.parts, *shift.parts)):
            raise Declined("the map before it has parameters that are not finite")
        # Of the maximum first, as squares may overflow or underflow.
        unit = _power_of_two(np.abs(matrix.value).max(axis=1, initial=0.0))
        unit *= _power_of_two(
            np.linalg.norm(matrix.value / unit[:, np.newaxis], axis=1)
        )
        even = matrix.value / unit[:, np.newaxis]
        self.center = center
        selected = _selected_basis(even)
        self._is_selection = selected is not None
        self.basis, sizes = selected or _turned_basis(even)
        rank = self.rank
        spread = sizes[0] / sizes[-1]
        if spread > _MOST_SPREAD:
            raise Declined(f"its directions differ in size by a factor of {spread:.1g}")
        seen = even @ self.basis
        self._is_triangle = len(even) == rank
        if self._is_triangle:
            seen = np.tril(seen)
        self.matrix = np.asfortranarray((unit[:, np.newaxis] * seen).T)
        self.shift = shift.value
        # What the distance of two samples may grow by, relative to it.
        gram = self.basis.T @ self.basis - np.eye(rank)
        self.stretch = np.linalg.norm(gram)
        if not self._is_selection:  # its products are exact
            self.stretch += _SLACK * n_features * rank * UNIT
        self._per_norm = (n_features + 16) * _EPS * np.sqrt(rank)
        size, least = np.linalg.norm(seen), sizes[-1]
        apart = np.linalg.norm(even - seen @ self.basis.T)
        apart += np.linalg.norm(matrix.error / unit[:, np.newaxis])
        n_terms = (rank + 4) * (1 + np.sqrt(rank)) + n_features + 4
        self._per_output = _SLACK * (apart + n_terms * UNIT * size) / least
        constant = np.linalg.norm((2 * UNIT * np.abs(self.shift) + shift.error) / unit)
        self._constant = _SLACK * constant / least

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
        if self._is_selection:
            outputs = coordinates * self.matrix.diagonal()
        elif self._is_triangle and len(coordinates):
            outputs = dtrmm(1.0, self.matrix, coordinates.T, trans_a=1).T
        else:
            outputs = coordinates @ self.matrix
        outputs += self.shift
        return outputs

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


def _selected_basis(even):
    """A basis of rows that are multiples of different unit vectors, else None.

    Returns
    -------
    basis : ndarray of shape (n_features, rank)
    sizes : ndarray of shape (rank,)
        Singular values, the largest first.
    """
    is_seen = even != 0
    if not (is_seen.sum(axis=1) == 1).all() or (is_seen.sum(axis=0) > 1).any():
        return None
    _refuse_rank(len(even), even.shape[1] - 1, even)
    return is_seen.T.astype(np.float64), np.sort(np.abs(even).sum(axis=1))[::-1]


def _turned_basis(even):
    """Of all orthonormal bases of the rows one in which they begin with a triangle.

    See `_selected_basis`.
    """
    _, sizes, right = np.linalg.svd(even, full_matrices=False)
    rank = int(np.sum(sizes > sizes[0] * _EPS * max(even.shape)))
    _refuse_rank(rank, _MOST_DIRECTIONS * even.shape[1], even)
    seen = even @ right[:rank].T
    turn, _ = np.linalg.qr(seen.T)
    return np.ascontiguousarray(right[:rank].T @ turn), sizes[:rank]


def _refuse_rank(rank, most, even):
    if not 0 < rank <= most:
        raise Declined(f"it looks at {rank} directions of {even.shape[1]} features")


def _power_of_two(sizes):
    """Powers of two above sizes, at most twice as large; 1 where a size is 0."""
    return np.where(sizes > 0, np.ldexp(1.0, np.frexp(sizes)[1]), 1.0)


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
        From outputs of the map to positions of labels, of shape (n_samples,). Its
        attribute ``n_rows`` is the number of rows that it takes best, or None for any.
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
        step = self.head.n_rows or max(1, len(noisy))
        pieces = [
            self.head.positions(self.space.outputs(noisy[start : start + step]))
            for start in range(0, len(noisy), step)
        ]
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.intp)


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
