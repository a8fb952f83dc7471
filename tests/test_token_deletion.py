# SPDX-License-Identifier: BSD-3-Clause
"""Words deleted at random: exact Neyman-Pearson on short texts, and radii."""

import json

import numpy as np
import pytest
from scipy import sparse
from scipy.special import ndtr, ndtri
from sklearn.base import clone

from sksmooth.noise import DeletedWords, TokenDeletion
from tests.most_powerful import largest_probability

P = np.array([1e-6, 1e-3, 0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
GRID = [(a, d) for a in range(3) for d in range(3)]


def distribution(present, b):
    """Probabilities of which words are seen, for words that a text has or has not."""
    result = np.ones(1)
    for has in present:
        result = np.multiply.outer(result, [b, 1 - b] if has else [1.0, 0.0]).ravel()
    return result


@pytest.mark.parametrize("b", [0.3, 0.8, 0.95])
@pytest.mark.parametrize(("added", "deleted"), GRID)
def test_growth_is_exact(b, added, deleted):
    here = distribution([1, 1] + [0] * added + [1] * deleted, b)
    there = distribution([1, 1] + [1] * added + [0] * deleted, b)
    grown = ndtr(TokenDeletion(b).grow(ndtri(P), added, deleted))
    largest = largest_probability(here, there, P)
    np.testing.assert_allclose(grown, largest, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0), (3.0, 1.0)])
def test_counts_of_words_are_the_largest_that_growth_allows(weights):
    v, w = weights
    rng = np.random.default_rng(0)
    top = rng.uniform(0, 4, 200)
    other = -top - rng.exponential(0.3, 200)
    for b in (0.5, 0.8, 0.95):
        law = TokenDeletion(b)

        def ahead(added, deleted):
            kept = ndtr(-law.grow(-top, added, deleted))  # noqa: B023
            return v * kept > w * ndtr(law.grow(other, added, deleted)) + 1e-12  # noqa: B023

        frontier = law.frontier(top, other, v, w, deleted=40)
        assert np.array_equal(frontier[:, 0], law.added(top, other, v, w))
        for deleted in (0, 1, 5, 40):
            added = frontier[:, deleted]
            assert (ahead(np.maximum(added, 0), deleted) | (added < 0)).all()
            assert not ahead(added + 1, deleted).any()
        deleted = law.deleted(top, other, v, w)
        assert (ahead(0, np.maximum(deleted, 0)) | (deleted < 0)).all()
        assert not ahead(0, deleted + 1).any()
        assert (frontier[deleted >= 40, 40] >= 0).all()
        assert (frontier[(deleted >= 0) & (deleted < 40), 40] < 0).all()


@pytest.mark.parametrize(
    ("b", "p", "added", "deleted"),
    [
        (0.5, 0.99, 0, 5),
        (0.8, 0.99, 3, 17),
        (0.9, 0.99, 6, 37),
        (0.95, 0.99, 13, 76),
        (0.99, 0.99, 67, 389),
        (0.9, 0.9, 5, 15),
        (0.95, 0.9, 11, 31),
    ],
)
def test_numbers_of_words_of_two_classes(b, p, added, deleted):
    law = TokenDeletion(b)
    assert law.added(ndtri(p), -ndtri(p)) == added
    assert law.deleted(ndtri(p), -ndtri(p)) == deleted


@pytest.mark.parametrize("share", [0.5, 0.25, 0.75])
@pytest.mark.parametrize(("added", "deleted"), [(0, 0), (1, 0), (0, 4), (3, 7)])
def test_the_threshold_is_where_the_lead_ends(share, added, deleted):
    law = TokenDeletion(0.95)
    threshold = float(law.threshold(added, deleted, share))
    v, w = 1 - share, share
    for sign in (1, -1):
        top = threshold + sign * 1e-6
        kept = ndtr(-law.grow(-top, added, deleted))
        lead = v * kept - w * ndtr(law.grow(-top, added, deleted))
        assert sign * lead > 0


def test_no_votes_prove_what_is_out_of_reach():
    law = TokenDeletion(0.5)
    assert law.threshold(added=1) == np.inf
    assert law.added(40.0, -40.0) == 0
    assert law.added(-1.0, 1.0) == law.deleted(-1.0, 1.0) == -1


def counts(as_sparse):
    X = np.array([[3, 0, 1, 120, 0, 7]])
    return sparse.csr_array(X) if as_sparse else X


@pytest.mark.parametrize("as_sparse", [False, True])
def test_copies_are_binomial(as_sparse):
    law, n = TokenDeletion(0.7), 20_000
    X = law.snap(counts(as_sparse))
    noisy = law.thin(X, np.random.default_rng(0), n)
    assert sparse.issparse(noisy) == as_sparse and noisy.dtype == X.dtype
    if as_sparse:
        assert (noisy.data > 0).all() and noisy.format == "csr"
        noisy = noisy.toarray()
    mean, variance = 0.3 * counts(False)[0], 0.21 * counts(False)[0]
    assert (abs(noisy.mean(axis=0) - mean) <= 5 * np.sqrt(variance / n)).all()
    assert (abs(noisy.var(axis=0) - variance) <= 0.05 * variance).all()


def test_sparse_and_dense_copies_are_the_same():
    law = TokenDeletion(0.7)
    dense = law.thin(counts(False), np.random.default_rng(0), 50)
    thinned = law.thin(counts(True), np.random.default_rng(0), 50)
    assert np.array_equal(thinned.toarray(), dense)
    rng = np.random.default_rng(0)
    parts = [law.thin(counts(False), rng, m) for m in (7, 1, 42)]
    assert np.array_equal(np.concatenate(parts), dense)


def test_an_empty_text_has_empty_copies():
    empty = sparse.csr_array((1, 4), dtype=np.int64)
    copies = TokenDeletion(0.5).thin(empty, np.random.default_rng(0), 3)
    assert copies.shape == (3, 4) and copies.nnz == 0


@pytest.mark.parametrize("value", [-1.0, 0.5, np.nan, np.inf])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_what_is_no_count_is_refused(value, as_sparse):
    X = np.array([[1.0, value]])
    with pytest.raises(ValueError, match="which is no count of words"):
        TokenDeletion(0.5).snap(sparse.csr_array(X) if as_sparse else X)


def test_words_are_counted_in_float64_whatever_the_probits_are():
    """Where a word more is lost by a billionth, which float32 would not tell."""
    for top, other in np.float32([[2.3, -2.1], [1.7, -1.9], [2.9, -2.2], [3.3, -2.7]]):
        needed = ndtr(-float(top)) + ndtr(float(other))
        for change, count in ((-1e-9, 4), (1e-9, 5)):
            law = TokenDeletion(needed ** (1 / 5) * (1 + change))
            assert law.deleted(float(top), float(other)) == count
            for pair in ((top, other), (float(top), other), (top, float(other))):
                assert law.deleted(*pair) == count


def test_more_words_than_can_be_counted_are_refused():
    law = TokenDeletion(0.5)
    with pytest.raises(ValueError, match=r"X holds 2\.14748e\+09, which is no count"):
        law.snap(np.array([[2**31]]))
    assert law.snap(np.array([[2**31 - 1]])) == 2**31 - 1


def test_vocabularies_beyond_32_bits_keep_their_columns():
    shape = (1, 2**31 + 7)
    X = sparse.csr_array(
        (np.array([5, 9]), np.array([3, 2**31 + 4]), np.array([0, 2])), shape=shape
    )
    copies = TokenDeletion(0.1).thin(X, np.random.default_rng(0), 4)
    assert copies.shape == (4, shape[1]) and copies.indices.dtype == np.int64
    assert set(copies.indices.tolist()) == {3, 2**31 + 4}


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.5, "half", np.nan])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(ValueError, match="probability="):
        TokenDeletion(probability).added(1.0, -1.0)


def test_it_is_a_parameter_that_grids_know():
    law = TokenDeletion(probability=0.9)
    assert clone(law) == law
    assert json.loads(json.dumps(law.described())) == law.described()


def test_very_many_words_are_out_of_reach_and_take_no_memory():
    law = DeletedWords(1.0, probability=0.9)
    assert law.grow(-30.0, 1e12) == np.inf
    assert law.threshold(1e12, 1e-9) == np.inf
    assert (TokenDeletion(0.9).grow([-30.0, 30.0], 0, 10_000) == np.inf).all()
    assert (law.deletion.frontier(30.0, -30.0, deleted=10_000)[-3:] == -1).all()


def test_copies_drawn_in_blocks_are_those_drawn_at_once(monkeypatch):
    counts, law = np.array([[3, 0, 5]]), TokenDeletion(0.6)
    whole = law.thin(counts, np.random.default_rng(0), 50)
    monkeypatch.setattr("sksmooth.noise._token_deletion._MOST_AT_ONCE", 20)
    np.testing.assert_array_equal(law.thin(counts, np.random.default_rng(0), 50), whole)
