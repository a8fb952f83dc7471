# SPDX-License-Identifier: BSD-3-Clause
"""How votes are cut into batches, counted, and left to `predict` or to rounding."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from scipy.stats import binom, chi2

from sksmooth.noise import LAWS, DeletedWords, Gaussian, Stage
from sksmooth.noise._copies import fill_copies
from sksmooth.questions import CountVotes
from sksmooth.samples import Counts, Table
from sksmooth.votes import Declined, Model, MonteCarloVotes, VoteRequest
from sksmooth.votes.exact import ExactVotes
from sksmooth.votes.sampled import (
    ProjectedLinearVotes,
    ReducedNoiseVotes,
    ReducedSpace,
    ScoreSpace,
)
from sksmooth.votes.sampled._counted_words import WordVotes, find_word_votes
from sksmooth.votes.sampled._monte_carlo import batches
from sksmooth.votes.sampled._read_ahead import ReadAhead
from sksmooth.votes.sampled._run import run

KEY = bytes(32)


# Batches


@pytest.mark.parametrize("capacity", [1, 3, 7, 100])
def test_batches_hold_each_vote_once_and_in_order(capacity):
    sizes = np.array([5, 0, 1, 12, 3])
    found = list(batches(sizes, capacity))
    votes = [np.repeat(owners, parts) for owners, parts in found]
    assert_array_equal(np.concatenate(votes), np.repeat(np.arange(5), sizes))
    assert all(len(batch) == capacity for batch in votes[:-1])
    assert all((parts > 0).all() for _, parts in found)
    assert list(batches(np.zeros(0, int), capacity)) == []
    assert list(batches(np.zeros(3, int), capacity)) == []


@pytest.mark.parametrize("scale", [None, [1.0, 0.3]])
@pytest.mark.parametrize("n_samples", [1, 7, 40])
@pytest.mark.parametrize("law", LAWS.values())
def test_copies_of_many_samples_are_those_of_each(law, n_samples, scale):
    """However few of each: noise added to several samples at once is the same."""
    law = law(0.5, scale=scale)
    rng = np.random.default_rng(0)
    points = law.snap(rng.normal(size=(n_samples, 2)))
    for most in (2, 1000, 6000):
        parts = rng.integers(1, most, n_samples)
        streams = [np.random.default_rng(seed) for seed in range(n_samples)]
        found = np.empty((parts.sum(), 2))
        fill_copies(law, points, streams, parts, found)
        for seed, copies in enumerate(np.split(found, np.cumsum(parts)[:-1])):
            alone = np.empty(copies.shape)
            law.perturb(points[seed], np.random.default_rng(seed), alone)
            assert_array_equal(copies, alone)


def test_a_run_tells_of_samples_as_they_finish():
    def procedure():
        first = yield VoteRequest(np.arange(4), 3, Stage.PILOT)
        second = yield VoteRequest(np.array([1, 3]), np.array([2, 5]), Stage.PREDICT, 2)
        third = yield VoteRequest(np.array([3]), 1, Stage.PREDICT, 3)
        return first, second, third

    drawn, finished = [], []

    class Streams:
        def draw(self, rows, sizes, stage):
            drawn.append((rows.tolist(), sizes.tolist(), stage))
            return len(drawn)

    assert run(procedure(), Streams(), 4, finished.append) == (1, 2, 3)
    assert drawn == [
        ([0, 1, 2, 3], [3, 3, 3, 3], Stage.PILOT),
        ([1, 3], [2, 5], Stage.PREDICT),
        ([3], [1], Stage.PREDICT),
    ]
    assert finished == [0, 2, 1, 1]
    drawn.clear()
    assert run(procedure(), Streams(), 4) == (1, 2, 3)


class Sign:
    """The class by the sign of the first feature; it keeps what it is given."""

    def __init__(self):
        self.seen = []

    def predict(self, X):
        self.seen.append(np.array(X))
        return np.where(X[:, 0] > 0, "up", "down")


def of_sign(**settings):
    settings = {"classes": np.array(["down", "up"]), "batch_size": 7} | settings
    return MonteCarloVotes(Model(Sign(), law=Gaussian(0.5), key=KEY, **settings))


def test_votes_are_labels_of_noisy_copies_of_their_sample():
    X = np.array([[-50.0, 0.0], [50.0, 1.0], [0.0, 2.0]])
    source = of_sign()
    counts = source.open(X).draw(np.arange(3), np.array([4, 9, 200]), Stage.PREDICT)
    assert counts[:2].tolist() == [[4, 0], [0, 9]] and counts[2].sum() == 200
    seen = np.concatenate(source.estimator.seen)
    assert max(map(len, source.estimator.seen)) == 7
    owner = np.repeat([0, 1, 2], [4, 9, 200])
    assert (np.abs(seen - X[owner]) < 10 * 0.5).all()
    assert_array_equal(counts[2, 1], np.sum(seen[owner == 2, 0] > 0))
    # One by one they are the same, in the order of the stream.
    votes = of_sign().open(X).votes(np.arange(3), np.array([4, 9, 200]), Stage.PREDICT)
    assert_array_equal(votes, (seen[:, 0] > 0).astype(int))


def test_some_of_the_first_copies_and_of_the_largest_batch_are_kept():
    X = np.array([[0.0], [3.0]])
    source = of_sign(batch_size=5000)
    source.is_probed = True
    source.probe(X)  # as for certificates, whose votes are checked at the end
    streams = source.open(X)
    sizes = [60, 100, 240, 700]
    for size in sizes:
        streams.draw(np.arange(2), np.array([size, size]), Stage.ESTIMATE)
    assert streams.n_drawn == 2 * sum(sizes)
    first, largest = streams.kept
    for at, (copies, owner, votes) in ((0, first), (3, largest)):
        assert copies.shape == (48, 1) and set(owner) == {0, 1}
        assert_array_equal(votes, (copies[:, 0] > 0).astype(int))
        batch = source.estimator.seen[at]
        assert np.isin(copies, batch).all()
        assert copies[0] == batch[0] and copies[-1] == batch[-1]


class Turns(Sign):
    """The other class after so many calls."""

    def predict(self, X):
        labels = super().predict(X)
        return labels if len(self.seen) <= 8 else np.where(labels == "up", "down", "up")


def test_labels_that_change_are_refused_where_they_certify():
    """From ten times as many votes on as are predicted a second time, which are 96."""
    X = np.array([[0.0, 1.0], [0.3, 2.0]])
    for certifies, n_votes, refused in [
        (False, 480, False),
        (True, 479, False),
        (True, 480, True),
    ]:
        source = of_sign(batch_size=1000)
        source.estimator = Turns()
        source.is_probed = True
        if certifies:
            source.probe(X)
        source.estimator.seen.extend([None] * 7)
        if refused:
            with pytest.raises(ValueError, match=r"Turns.predict gives 48 of 48 noisy"):
                source.answer(CountVotes(n_votes), X)
        else:
            source.answer(CountVotes(n_votes), X)


class NeedsPositive(Sign):
    def predict(self, X):
        if (X < 0).any():
            raise KeyError("a negative value")
        return super().predict(X)


def test_an_error_of_noisy_values_says_that_noise_gave_them():
    source = of_sign()
    source.estimator = NeedsPositive()
    rows, sizes = np.arange(1), np.array([300])
    with pytest.raises(ValueError, match="KeyError: 'a negative value'") as caught:
        source.open(np.array([[0.1, 0.1]])).draw(rows, sizes, Stage.PREDICT)
    assert isinstance(caught.value.__cause__, KeyError)
    assert "clips" in str(caught.value)
    # A sample that cannot be predicted at all has its own error.
    with pytest.raises(KeyError, match="a negative value"):
        source.open(np.array([[-0.1, 0.1]])).draw(rows, sizes, Stage.PREDICT)


def test_votes_that_take_hardly_longer_are_computed_together_and_kept():
    asked = []

    class Streams:
        def votes(self, rows, sizes, stage):
            asked.append(("votes", rows.tolist(), sizes.tolist()))
            return np.zeros(sizes.sum(), dtype=int)

        def draw(self, rows, sizes, stage):
            asked.append(("draw", rows.tolist(), sizes.tolist()))
            return np.column_stack([sizes, 0 * sizes])

    ahead, row = ReadAhead(Streams(), 20, 2), np.array([4])
    for size in (6, 6, 8, 25):
        counts = ahead.draw(row, np.array([size]), Stage.PILOT)
        assert counts.tolist() == [[size, 0]]
    assert asked == [("votes", [4], [20]), ("draw", [4], [25])]


def test_a_fast_path_says_how_many_votes_it_takes_at_once():
    model = Model(Sign(), np.arange(2), Gaussian(0.5), KEY, None)
    fast = SimpleNamespace(predictor=SimpleNamespace(votes_at_once=33))
    assert MonteCarloVotes(model, fast).votes_at_once == 33
    # A call of `predict` gets no vote in vain.
    assert MonteCarloVotes(model).votes_at_once == 1


# Coordinates of an affine map


@pytest.mark.parametrize("n_out", [1, 3])
def test_outputs_that_are_multiples_of_one_are_a_single_direction(n_out):
    row = np.random.default_rng(0).normal(size=10)
    matrix = np.array([1.0, 1 / 7, -3e5])[:n_out, np.newaxis] * row
    space = ReducedSpace(matrix, np.arange(n_out) + 0.5, None)
    assert space.rank == 1
    X = np.random.default_rng(1).normal(size=(5, 10))
    outputs = space.outputs(space.coordinates(X))
    assert_allclose(outputs, X @ matrix.T + np.arange(n_out) + 0.5, rtol=1e-9)


def test_the_error_of_a_shift_is_a_longer_move_where_outputs_are_alike():
    """Two outputs that differ little are told apart by long moves only."""
    matrix = np.zeros((2, 10))
    matrix[:, 0], matrix[1, 1] = 1.0, 1e-3
    shift = np.array([3e4, 3e4])
    _, of_shift = ReducedSpace(matrix, shift, None).rounding(np.zeros(1), 0.0)
    _, of_none = ReducedSpace(matrix, 0 * shift, None).rounding(np.zeros(1), 0.0)
    assert of_none[0] == 0.0
    least = np.linalg.svd(matrix)[1][1]
    # Units of the rows are powers of two, at most twice their norms.
    assert of_shift[0] >= 2.0**-53 * np.linalg.norm(shift / 2) / least


def test_noise_is_taken_to_be_as_long_as_it_can_be():
    law, seen = Gaussian(0.5), []
    space = ReducedSpace(np.eye(2, 12), np.zeros(2), None)
    source = ReducedNoiseVotes(space, None, Model(None, np.arange(2), law, KEY, None))

    def rounding(norms, reach):
        seen.append((norms, reach))
        return np.zeros(len(norms)), np.zeros(len(norms))

    space.rounding = rounding
    assert not source.is_far(np.full((3, 12), 2.0)).any()
    ((norms, reach),) = seen
    assert_allclose(norms, 2.0 * np.sqrt(12))
    # Its mean square is 12, and longer noise has a probability below 1e-21.
    assert reach >= 0.5 * np.sqrt(chi2.isf(1e-21, 12))


# Scores in few directions


@pytest.mark.parametrize("n_classes", [2, 30])
def test_numbers_that_decide_about_misses_are_held_in_large_batches(n_classes):
    coef = np.random.default_rng(0).normal(size=(n_classes, 40))
    for batch_size in (7, None):
        model = Model(None, np.arange(n_classes), Gaussian(0.5), KEY, batch_size)
        most = ProjectedLinearVotes(space_of(coef), model).numbers_at_once()
        if batch_size is None:
            assert 1000 < most and 0.2 * most * n_classes <= 2**17
        else:
            assert most <= batch_size


def space_of(coef, intercept=None, held=None):
    coef = np.asarray(coef, dtype=float)
    intercept = np.zeros(len(coef)) if intercept is None else np.asarray(intercept)
    return ScoreSpace(coef, intercept, 0.5, held)


def of_scores(space, inputs=None):
    classes = np.arange(len(space.coef))
    return ProjectedLinearVotes(
        space, Model(None, classes, Gaussian(0.5), KEY, 1000), inputs
    )


def test_a_common_vector_adds_no_direction():
    rng = np.random.default_rng(0)
    coef = rng.normal(size=(3, 6))
    plain, moved = space_of(coef), space_of(coef + rng.normal(size=6))
    assert plain.basis.shape == moved.basis.shape == (6, 2)
    # Both bases are of the same plane.
    assert_allclose(
        plain.basis @ plain.basis.T, moved.basis @ moved.basis.T, atol=1e-14
    )
    differences = coef[:, np.newaxis] - coef
    deviations = 0.5 * np.linalg.norm(differences, axis=2)
    assert_allclose(plain.deviations, deviations, atol=1e-14)
    assert plain.least_deviation == pytest.approx(deviations[deviations > 0].min())


def test_features_without_noise_add_to_the_scores():
    rng = np.random.default_rng(1)
    coef, intercept = rng.normal(size=(3, 5)), rng.normal(size=3)
    held = np.array([True, False, False, True, False])
    space = space_of(coef, intercept, held)
    assert space.basis.shape == (3, 2)
    assert_array_equal(space.held, held)
    assert space_of(coef, intercept, np.zeros(5, bool)).held is None
    X = rng.normal(size=(4, 5))
    inputs = SimpleNamespace(of=lambda rows: X)
    source = of_scores(space, inputs)
    scores = source.scores(source.coordinates(X[:, ~held])) + source.held_scores(X)
    expected = X @ coef.T + intercept
    # But for a number that all scores have in common.
    assert_allclose(scores - scores[:, :1], expected - expected[:, :1], atol=1e-13)
    with pytest.raises(Declined, match="do not depend on the columns that take noise"):
        space_of(
            np.column_stack([[1.0, 2.0], [3.0, 3.0]]), None, np.array([True, False])
        )


def test_a_tie_is_a_vote_for_the_first_class():
    source = of_scores(space_of([[1.0, 0.0], [-1.0, 0.0], [0.0, -9.0]]))
    streams = source.open(np.array([[0.0, 5.0], [0.5, 5.0]]))
    # As they would be without rounding of the basis.
    streams._scores = np.array([[0.0, 0.0, -45.0], [0.5, -0.5, -45.0]])
    counts = streams._count(np.zeros((7, 2)), np.array([0, 1]), np.array([3, 4]))
    assert counts.tolist() == [[3, 0, 0], [4, 0, 0]]
    votes = streams._vote(np.zeros((7, 2)), np.array([0, 1]), np.array([3, 4]))
    assert not votes.any()


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e6])
def test_samples_are_left_to_predict_where_rounding_could_move_a_boundary(size):
    """By 1e-9 sigma, of a class that the noise can bring ahead."""
    source = of_scores(space_of(size * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])))
    least = source.space.least_deviation
    streams = source.open(np.zeros((3, 2)))
    deviations = np.full((3, 3), least)
    leader = np.arange(3) == streams._leader[:, np.newaxis]
    deviations[leader] = 0.0
    near, behind = np.full((3, 3), 3 * least), np.full((3, 3), 50 * least)
    near[leader] = behind[leader] = 0.0
    for rounding, expected in ((0.4e-9 * least, False), (0.6e-9 * least, True)):
        of_all = np.full((3, 3), rounding)
        assert (streams._is_far(of_all, near, deviations) == expected).all()
        of_rivals = np.where(leader, 0.0, of_all)
        assert (streams._is_far(of_rivals, near, deviations) == expected).all()
        # No noise is as long as to bring the others ahead.
        assert not streams._is_far(of_all, behind, deviations).any()
        assert not streams._is_far(of_rivals, behind, deviations).any()
    # Scores of two classes that the noise moves alike, one of them not clearly ahead.
    alike = np.zeros((3, 3))
    assert streams._is_far(np.zeros((3, 3)), alike, alike).all()


# Closed forms


def test_bounds_of_a_table_cover_the_rounding_of_its_units():
    """Half a unit in the last place of each value, as a move of the sample."""
    sigma, scale = 0.5, np.array([3.0, 7.0])
    values = np.array([[1.0, 2.0], [300.0, -500.0], [0.0, 0.0]])

    class Form:
        def probits(self, X, sigma):
            return X / sigma, X / sigma + 0.125

    inputs = SimpleNamespace(of=lambda table: table.values / table.scale)
    source = ExactVotes(Form(), Gaussian(sigma), inputs, 1.0)
    table = Table(values, np.arange(2), scale)
    lower, upper = source.probits(table)
    quotient = values / scale
    move = 2.0**-53 * np.linalg.norm(quotient, axis=1, keepdims=True) / sigma
    # Numbers of size 200 have a spacing of 2.8e-14, in which both ends are rounded.
    error = 2 * np.spacing(np.abs(quotient / sigma) + 1)
    for width in (quotient / sigma - lower, upper - (quotient / sigma + 0.125)):
        assert (width >= move - error).all() and (width <= 1.02 * move + error).all()
    assert (lower[1] < quotient[1] / sigma).all()
    # Arrays are taken as they are.
    lower, upper = source.probits(quotient)
    assert_array_equal(lower, quotient / sigma)
    assert_array_equal(upper, quotient / sigma + 0.125)


# Counts of words


class MostlyFirst:
    """Class 1 where the first word occurs more often than the second."""

    def __init__(self):
        self.seen = []

    def predict(self, rows):
        self.seen.append(rows)
        dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
        return (dense[:, 0] > dense[:, 1]).astype(int)


class OfTheBatch(MostlyFirst):
    def predict(self, rows):
        own = super().predict(rows)
        return own if len(own) > 40 else 1 - own


class OfItsPlace(MostlyFirst):
    def predict(self, rows):
        own = super().predict(rows)
        return own ^ (np.arange(len(own)) % 2 if len(own) > 1 else 0)


COUNTS = np.array([[30, 2, 5], [1, 40, 0], [6, 5, 300], [0, 0, 0]])


def words_of(classifier, **settings):
    law = DeletedWords(1.0, probability=0.6)
    settings = {"batch_size": 1000} | settings
    return Model(classifier, np.arange(2), law, KEY, **settings)


@pytest.mark.parametrize("kind", [csr_array, csr_matrix, np.asarray])
def test_votes_on_words_are_those_of_thinned_texts(kind):
    X = Counts(kind(COUNTS))
    source = find_word_votes(words_of(MostlyFirst()), X)
    assert isinstance(source, WordVotes) and source.is_probed
    rows, sizes = np.arange(4), np.array([50, 60, 2000, 7])
    source.estimator.seen.clear()
    counts = source.open(X).draw(rows, sizes, Stage.ESTIMATE)
    assert_array_equal(counts.sum(axis=1), sizes)
    assert counts[0, 1] > 45 and counts[1, 0] == 60 and counts[3, 0] == 7
    # Of the third text, 6 and 5 words of which 0.4 are left: by binomial laws.
    first, second = binom.pmf(np.arange(7), 6, 0.4), binom.pmf(np.arange(7), 5, 0.4)
    share = np.tril(np.outer(first, second), -1).sum()
    error = np.sqrt(share * (1 - share) / 2000)
    assert abs(counts[2, 1] / 2000 - share) < 5 * error
    seen = source.estimator.seen
    assert sum(batch.shape[0] for batch in seen) == sizes.sum()
    assert all(type(batch) is type(X.rows) for batch in seen)


@pytest.mark.parametrize("batch_size", [5, 13, 100_000])
def test_votes_on_words_do_not_depend_on_batches_or_parts(batch_size):
    X, rows = Counts(csr_array(COUNTS)), np.arange(4)
    expected = (
        WordVotes(words_of(MostlyFirst()))
        .open(X)
        .draw(rows, np.full(4, 90), Stage.PILOT)
    )
    source = WordVotes(words_of(MostlyFirst(), batch_size=batch_size))
    streams = source.open(X)
    parts = [streams.draw(rows, np.full(4, size), Stage.PILOT) for size in (20, 69, 1)]
    assert_array_equal(sum(parts), expected)
    assert max(batch.shape[0] for batch in source.estimator.seen) <= batch_size
    # Nor on the other texts.
    alone = source.open(X[[2]]).draw(np.array([0]), np.array([90]), Stage.PILOT)
    assert_array_equal(alone[0], expected[2])
    some = source.open(X).draw(np.array([3, 1]), np.array([90, 90]), Stage.PILOT)
    assert_array_equal(some, expected[[3, 1]])


@pytest.mark.parametrize("kind", [OfTheBatch, OfItsPlace])
def test_labels_of_texts_that_depend_on_their_batch_are_refused(kind):
    X = Counts(csr_array(np.tile(COUNTS, (20, 1))))
    with pytest.raises(ValueError, match=f"{kind.__name__}.predict gives noisy copies"):
        find_word_votes(words_of(kind()), X)
    assert find_word_votes(words_of(kind()), X[:0]).is_probed
    with pytest.raises(Declined, match="no counts of words"):
        find_word_votes(words_of(MostlyFirst()), COUNTS)
