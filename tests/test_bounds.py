# SPDX-License-Identifier: BSD-3-Clause
"""What counts of votes prove: bounds and critical counts against exact arithmetic."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.special import betainc, betaincc, ndtr
from scipy.stats import binom

from sksmooth.bounds import (
    SMALLEST_ALPHA,
    ThresholdTest,
    binomial_lower,
    binomial_upper,
    check_alpha,
    clopper_pearson_lower,
    clopper_pearson_upper,
    geometric_looks,
    leader_is_decided,
    share_interval,
)
from sksmooth.bounds._clopper_pearson import _log_upper_tail
from tests.known_votes import compositions, multinomial_law

ALPHAS = (1e-12, 1e-6, 1e-3, 0.05)


# Clopper-Pearson


def at_least(k, n, p):
    """P(Bin(n, p) >= k) for an mpmath number p: first term exact, then its ratios."""
    with mpmath.workdps(40):
        log_first = (
            mpmath.loggamma(n + 1)
            - mpmath.loggamma(k + 1)
            - mpmath.loggamma(n - k + 1)
            + k * mpmath.log(p)
            + (n - k) * mpmath.log(1 - p)
        )
        odds = float(p / (1 - p))
        j = np.arange(min(n - k, 20_000))  # 20 standard deviations at n = 1e6
        rest = np.cumprod((n - k - j) / (k + 1.0 + j) * odds).sum()
        return float(mpmath.exp(log_first) * (1 + rest))


def counts_of(n):
    """Counts at both ends and in between."""
    wanted = {1, 2, 5, n // 1000, n // 10, n // 2, n - n // 10, n - n // 1000}
    wanted |= {n - 5, n - 2, n - 1}
    return sorted(k for k in wanted if 0 < k < n)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [2, 10, 100, 10_000, 1_000_000])
def test_clopper_pearson_leaves_exactly_alpha_in_the_tail(n, alpha):
    """At the bound, what was seen or more extreme has probability alpha."""
    for k in counts_of(n):
        lower = clopper_pearson_lower(k, n, alpha)
        upper = clopper_pearson_upper(k, n, alpha)
        assert 0 < lower < k / n < upper
        # A bound that is all but 1 cannot hold these digits: it is its complement
        # that does, see the next test.
        if k <= n / 2:
            in_tail = at_least(n - k, n, 1 - mpmath.mpf(float(upper)))
            assert in_tail == pytest.approx(alpha, rel=2e-6)
        if 1 - lower > 1e-3:
            in_tail = at_least(k, n, mpmath.mpf(float(lower)))
            assert in_tail == pytest.approx(alpha, rel=2e-6)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [1, 10, 1000, 1_000_000])
def test_clopper_pearson_bounds_are_each_others_complement(n, alpha):
    k = np.array([0, *counts_of(n), n])
    np.testing.assert_allclose(
        clopper_pearson_lower(k, n, alpha),
        1 - clopper_pearson_upper(n - k, n, alpha),
        rtol=1e-9,
        atol=2e-16,
    )


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [1, 7, 1000, 1_000_000])
def test_clopper_pearson_where_votes_are_unanimous(n, alpha):
    """No miss in n votes: the miss probability e has (1 - e)^n = alpha."""
    exact = -mpmath.expm1(mpmath.log(mpmath.mpf(alpha)) / n)
    assert clopper_pearson_upper(0, n, alpha) == pytest.approx(float(exact), rel=1e-14)
    assert clopper_pearson_lower(n, n, alpha) == pytest.approx(
        float(1 - exact), rel=1e-14
    )
    assert clopper_pearson_lower(0, n, alpha) == 0
    assert clopper_pearson_upper(n, n, alpha) == 1


def test_clopper_pearson_of_no_votes_says_nothing():
    assert clopper_pearson_lower(0, 0, 0.05) == 0
    assert clopper_pearson_upper(0, 0, 0.05) == 1


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [3, 100, 20_000])
def test_clopper_pearson_increases_with_the_count(n, alpha):
    """For every k: the largest other count has the largest upper bound."""
    k = np.arange(n + 1)
    for bound in (clopper_pearson_lower, clopper_pearson_upper):
        steps = np.diff(bound(k, n, alpha))
        assert (steps >= 0).all()
        assert (steps[: n // 2] > 0).all()
    # A smaller alpha is a weaker bound.
    assert (
        clopper_pearson_lower(k, n, alpha / 2) <= clopper_pearson_lower(k, n, alpha)
    ).all()
    assert (
        clopper_pearson_upper(k, n, alpha / 2) >= clopper_pearson_upper(k, n, alpha)
    ).all()


@pytest.mark.parametrize("n", [1, 5, 60])
def test_clopper_pearson_fails_with_probability_at_most_alpha(n):
    """Exact coverage over a grid of p that holds the bounds themselves."""
    alpha, k = 0.05, np.arange(n + 1)
    lower = clopper_pearson_lower(k, n, alpha)
    upper = clopper_pearson_upper(k, n, alpha)
    # Just beyond a bound is where its failure is most likely.
    p = np.unique(np.clip([*lower, *(lower - 1e-9), *upper, *(upper + 1e-9)], 0, 1))
    law = binom.pmf(k, n, p[:, np.newaxis])
    below = (law * (lower > p[:, np.newaxis])).sum(axis=1)
    above = (law * (upper < p[:, np.newaxis])).sum(axis=1)
    assert below.max() <= alpha * (1 + 1e-6)
    assert above.max() <= alpha * (1 + 1e-6)
    assert below.max() > 0.9 * alpha  # not by being useless


def test_clopper_pearson_broadcasts():
    k = np.array([[0, 2], [3, 9]])
    assert clopper_pearson_lower(k, 10, 0.01).shape == (2, 2)
    assert clopper_pearson_upper(k[:, :1], [10, 20, 30], 0.01).shape == (2, 3)


@pytest.mark.parametrize("alpha", [0.01, 1e-250])
def test_bounds_of_expected_counts_are_between_those_of_their_neighbors(alpha):
    k = np.array([[0.5, 2.25], [3.0, 9.75]])
    for expected, whole in (
        (binomial_lower, clopper_pearson_lower),
        (binomial_upper, clopper_pearson_upper),
    ):
        bound = expected(k, 10, alpha)
        assert (bound >= whole(np.floor(k), 10, alpha) * (1 - 1e-14)).all()
        assert (bound <= whole(np.floor(k) + 1, 10, alpha) * (1 + 1e-14)).all()
        np.testing.assert_array_equal(
            expected(np.arange(11), 10, alpha), whole(np.arange(11), 10, alpha)
        )


def log_at_least(k, n, p):
    """``log P(Bin(n, p) >= k)`` for an mpmath number p below k / n."""
    log_first = mpmath.log(mpmath.binomial(n, k))
    log_first += k * mpmath.log(p) + (n - k) * mpmath.log(1 - p)
    total = term = mpmath.mpf(1)
    for j in range(n - k):
        term *= mpmath.mpf(n - k - j) / (k + 1 + j) * p / (1 - p)
        total += term
        if term < total * mpmath.mpf(10) ** -30:
            break
    return log_first + mpmath.log(total)


@pytest.mark.parametrize("alpha", [5e-324, 1e-320, 1e-300, 1e-200, 1e-101, 1e-99])
@pytest.mark.parametrize("n", [2, 10, 1000, 1_000_000])
def test_clopper_pearson_at_tiny_alpha_against_high_precision(n, alpha):
    checked = 0
    with mpmath.workdps(50):
        log_alpha = mpmath.log(mpmath.mpf(alpha))
        for k in counts_of(n):
            lower = mpmath.mpf(float(clopper_pearson_lower(k, n, alpha)))
            upper = mpmath.mpf(float(clopper_pearson_upper(k, n, alpha)))
            assert 0 <= lower < mpmath.mpf(k) / n < upper <= 1
            # Of a bound next to 0 or 1, too few digits are left to tell its tail.
            if 1e-307 < lower < 0.9:
                assert abs(log_at_least(k, n, lower) - log_alpha) < 1e-6
                checked += 1
            if upper < 0.9:
                assert abs(log_at_least(n - k, n, 1 - upper) - log_alpha) < 1e-6
                checked += 1
    assert checked or n == 2


@pytest.mark.parametrize("alpha", [5e-324, 1e-300, 1e-150])
@pytest.mark.parametrize("n", [1, 10, 10**5, 10**8, 10**12])
def test_clopper_pearson_at_tiny_alpha_is_ordered(n, alpha):
    k = np.clip([0, 1, 2, 10, n // 3, n // 2, n - 10, n - 2, n - 1, n], 0, n)
    k = np.unique(k)
    lower, upper = (
        clopper_pearson_lower(k, n, alpha),
        clopper_pearson_upper(k, n, alpha),
    )
    for bound in (lower, upper):
        assert (np.diff(bound) >= 0).all()
    assert (lower <= k / n).all() and (k / n <= upper).all()
    assert (lower >= 0).all() and (upper <= 1).all()


def test_an_interval_of_a_share_leaves_a_fortieth_in_each_tail():
    hits = np.array([0, 1, 7, 40, 40, 3, 0, 1])
    n = np.array([5, 9, 30, 41, 40, 3, 0, 1])
    low, high = share_interval(hits, n)
    some, none = n > 0, n == 0
    assert np.isnan(low[none]).all() and np.isnan(high[none]).all()
    for k, m, a, b in zip(*(v[some] for v in (hits, n, low, high)), strict=True):
        assert a == 0 if k == 0 else binom.sf(k - 1, m, a) == pytest.approx(0.025)
        assert b == 1 if k == m else binom.cdf(k, m, b) == pytest.approx(0.025)
    # A number of samples for all shares.
    np.testing.assert_array_equal(share_interval([[2, 7]], 30)[0][0, 1], low[2])


@pytest.mark.parametrize("bound", [clopper_pearson_lower, clopper_pearson_upper])
@pytest.mark.parametrize(
    ("k", "n", "alpha", "message"),
    [
        (1, 10, 0.0, "alpha=0.0 must be strictly between 0 and 1"),
        (1, 10, 1.0, "alpha=1.0 must"),
        (1, 10, -0.1, "alpha=-0.1 must"),
        (1, 10, math.nan, "alpha=nan must"),
        (11, 10, 0.05, "k=11 must lie between 0 and n=10"),
        ([3, -1], 10, 0.05, "k=-1 must lie between 0 and n=10"),
        (1, 10, "0.05", "alpha='0.05' must"),
        (1, 10, None, "alpha=None must"),
        (1.5, 10, 0.05, "k=1.5 must be a whole number"),
        ([1, 2.25], 10, 0.05, "k=2.25 must be a whole number"),
        (1, 10.5, 0.05, "n=10.5 must be a whole number"),
        ("1", 10, 0.05, "k='1' must be a whole number"),
        (1, "10", 0.05, "n='10' must be a whole number"),
        (["1"], 10, 0.05, r"k=\['1'\] must be a whole number"),
        (True, 10, 0.05, "k=True must be a whole number"),
        ([False, True], 10, 0.05, "k=.* must be a whole number"),
        (math.nan, 10, 0.05, "k=nan must be a whole number"),
        (1, math.nan, 0.05, "n=nan must be a whole number"),
        (1, math.inf, 0.05, "n=inf must be a whole number"),
        (1, 10**16, 0.05, r"n=1e\+16 is more than 9007199254740992"),
        (1, 10**400, 0.05, "n is beyond any float"),
        (1j, 10, 0.05, "k=1j must be a whole number"),
        (None, 10, 0.05, "k=None must be a whole number"),
        (np.datetime64("2020"), 10, 0.05, "k=.* must be a whole number"),
    ],
)
def test_clopper_pearson_refuses(bound, k, n, alpha, message):
    with pytest.raises(ValueError, match=message):
        bound(k, n, alpha)


@pytest.mark.parametrize("bound", [binomial_lower, binomial_upper])
def test_bounds_of_expected_counts_name_the_count_that_is_none(bound):
    with pytest.raises(ValueError, match=r"^k='1' must"):
        bound("1", 10, 0.05)
    with pytest.raises(ValueError, match=r"^n='10' must"):
        bound(1, "10", 0.05)


def test_the_largest_count_that_is_exact_is_taken():
    bound = clopper_pearson_upper(0, 2**53, 0.05)
    assert bound == pytest.approx(-math.log(0.05) / 2**53, rel=1e-14)


@pytest.mark.parametrize("n", [2, 7, 50, 2000])
def test_the_log_of_a_tail_is_that_of_the_incomplete_beta_function(n):
    """Also close to k / n, where many terms of the continued fraction count."""
    k = np.unique(np.array([1, 2, n // 3, n // 2, n - 2, n - 1]).clip(1, n - 1))
    for share in (0.1, 0.5, 0.9, 0.99):
        p = share * k / n
        tail = betainc(k, n - k + 1.0, p)
        some = tail > 1e-280
        log_odds = np.log(p) - np.log1p(-p)
        found = _log_upper_tail(k[some] * 1.0, n * 1.0, log_odds[some])
        np.testing.assert_allclose(found, np.log(tail[some]), rtol=1e-11, atol=1e-11)
        assert some.any()


def test_clopper_pearson_takes_whole_numbers_of_any_type():
    wanted = clopper_pearson_lower(3, 10, 0.05)
    for k in (3.0, np.int8(3), np.uint64(3), np.float32(3), np.array(3, dtype=object)):
        assert clopper_pearson_lower(k, 10, 0.05) == wanted


@pytest.mark.parametrize("alpha", [0.0, 5e-324, 1e-201, 1.0, math.nan, "0.1", None])
def test_an_alpha_that_cannot_be_split_is_refused(alpha):
    message = f"alpha={alpha!r} must be a number below 1, of 1e-200 or more"
    with pytest.raises(ValueError, match=message):
        check_alpha(alpha)
    with pytest.raises(ValueError, match=message):
        ThresholdTest.build([0.5], 100, alpha, 0.05)
    assert check_alpha(SMALLEST_ALPHA) == SMALLEST_ALPHA


# Looks


@pytest.mark.parametrize("n_max", [1, 2, 15, 16, 17, 23, 24, 25, 1000, 10**4, 10**6])
def test_looks_grow_geometrically_up_to_the_last(n_max):
    looks = geometric_looks(n_max)
    assert looks[-1] == n_max
    assert looks[0] >= 1
    assert (np.diff(looks) > 0).all()
    assert looks[0] == min(n_max, geometric_looks(10**6)[0])
    # A row is never given many more votes than it needs.
    assert (looks[1:] <= 1.6 * looks[:-1] + 1).all()
    # All but the last are the same whatever the cap, so that a cap only cuts off.
    assert set(looks[:-1]) <= set(geometric_looks(10**6))


# Critical counts


def exact_tails(n, q):
    """P(Bin(n, q) >= c) for c = 0, ..., n + 1, as fractions."""
    pmf = [math.comb(n, c) * q**c * (1 - q) ** (n - c) for c in range(n + 1)]
    tails = [Fraction(0)]
    for term in reversed(pmf):
        tails.append(tails[-1] + term)
    return tails[::-1]


def brute_force_accept(q, looks, alpha):
    """The definition of `ThresholdTest.accept`, word for word, in exact arithmetic."""
    for first in range(len(looks) + 1):
        deciding = looks[first:]
        if not deciding or q ** deciding[0] <= alpha * q / len(deciding):
            break
    accept = [n + 1 for n in looks[:first]]
    for n in deciding:
        tails = exact_tails(n, q)
        level = alpha * q / len(deciding)
        accept.append(min(c for c in range(n + 2) if tails[c] <= level))
    return accept


THRESHOLDS = [Fraction(f) for f in ("1/50", "1/3", "1/2", "7/10", "19/20", "199/200")]


@pytest.mark.parametrize("alpha", [Fraction(1, 5), Fraction(1, 20), Fraction(1, 1000)])
@pytest.mark.parametrize("n_max", [1, 9, 40, 130])
def test_critical_counts_are_those_of_exact_arithmetic(n_max, alpha):
    miss = [float(1 - q) for q in THRESHOLDS]
    test = ThresholdTest.build(miss, n_max, float(alpha), 0.05)
    for column, q in enumerate(THRESHOLDS):
        wanted = brute_force_accept(q, test.looks.tolist(), alpha)
        assert test.accept[:, column].tolist() == wanted
    assert test.accept.dtype.kind == test.hopeless.dtype.kind == "i"


def test_a_threshold_of_one_may_be_written_as_a_whole_number():
    whole, real = (ThresholdTest.build([zero], 40, 0.05, 0.05) for zero in (0, 0.0))
    np.testing.assert_array_equal(whole.accept, real.accept)
    assert (real.accept[:, 0] == real.looks + 1).all()
    assert (real.hopeless[:, 0] == real.looks).all()


@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-6])
@pytest.mark.parametrize("n_max", [30, 10**4, 10**5])
def test_critical_counts_meet_the_conditions_of_the_proof(n_max, alpha):
    """The spent levels sum to at most alpha q; the density lemma applies."""
    q = np.array([1e-3, 0.1, 0.5, 0.6, 0.69, 0.841, 0.933, 0.977, 0.9987])
    test = ThresholdTest.build(1 - q, n_max, alpha, 0.05)
    looks = test.looks[:, np.newaxis]
    decides = test.accept <= looks
    assert (test.accept >= 1).all()
    assert (test.accept <= looks + 1).all()
    spent = np.where(decides, binom.sf(test.accept - 1, looks, q), 0).sum(axis=0)
    assert (spent <= alpha * q * (1 + 1e-6)).all()
    assert (spent[decides.any(axis=0)] > 0).all()
    assert (test.accept >= q * (looks - 1) + 1 - 1e-9)[decides].all()
    # P(Bin(n, p) >= c) <= p / q P(Bin(n, q) >= c) for p < q, the lemma itself.
    for share in (0.99, 0.9, 0.5, 0.1):
        at_p = binom.sf(test.accept - 1, looks, share * q)
        at_q = binom.sf(test.accept - 1, looks, q)
        assert (at_p <= share * at_q * (1 + 1e-6))[decides].all()


@pytest.mark.parametrize("alpha", [0.9, 0.999, 1 - 1e-9])
def test_the_density_lemma_applies_also_where_alpha_is_close_to_1(alpha):
    """There a tail of level alpha q alone would ask for fewer than q (n - 1) + 1."""
    q = np.concatenate([np.geomspace(1e-6, 0.5, 60), np.linspace(0.5, 0.999, 40)])
    clipped = 0
    for n_max in (1, 2, 20, 300, 10**4):
        test = ThresholdTest.build(1 - q, n_max, alpha, 0.0)
        looks = test.looks[:, np.newaxis]
        decides = test.accept <= looks
        assert (test.accept >= q * (looks - 1) + 1 - 1e-9)[decides].all()
        level = alpha * q / np.maximum(decides.sum(axis=0), 1)
        clipped += (binom.sf(test.accept - 2, looks, q) <= level)[decides].sum()
    assert clipped > 0  # the tail alone would have been less


def slow_critical_counts(miss, looks, alpha, beta):
    """`ThresholdTest.accept` and `hopeless` of one threshold, by plain bisection."""

    def spread(log_extreme, total):
        for first in range(len(looks)):
            level = total / (len(looks) - first)
            if looks[first] * log_extreme <= math.log(level):
                return level, first
        return total, len(looks)

    def most(p, n, level):
        low, high = 0, n
        while high - low > 1:
            middle = (low + high) // 2
            if betaincc(middle + 1.0, n - middle, p) <= level:
                low = middle
            else:
                high = middle
        return low

    level, first = spread(math.log1p(-miss), alpha * (1.0 - miss))
    accept = [n + 1 for n in looks[:first]]
    for n in looks[first:]:
        accept.append(n - min(most(miss, n, level), math.floor(miss * (n - 1))))
    needed = accept[-1] / looks[-1]
    if beta == 0:
        return accept, [-1] * len(looks)
    if needed >= 1:
        return accept, [n - (needed == 1) for n in looks]
    level, first = spread(math.log1p(-needed), beta)
    hopeless = [-1] * len(looks)  # and so at the last look
    hopeless[first:-1] = [most(needed, n, level) for n in looks[first:-1]]
    return accept, hopeless


@pytest.mark.parametrize("beta", [0.0, 0.05, 1e-6])
@pytest.mark.parametrize("alpha", [0.5, 2.0**-10, 1e-3, 1e-12, 1 - 1e-9])
@pytest.mark.parametrize("n_max", [1, 16, 333, 20_000])
def test_many_thresholds_at_once_have_the_critical_counts_of_each(n_max, alpha, beta):
    rng = np.random.default_rng(n_max)
    q = np.concatenate([ndtr(rng.uniform(-3, 6, 12)), 2.0 ** -np.arange(1, 5), [0.75]])
    miss = np.append(1 - q, [ndtr(-7.5), ndtr(-7.5), 0.5]).reshape(4, 5)
    test = ThresholdTest.build(miss, n_max, alpha, beta)
    for at in np.ndindex(miss.shape):
        accept, hopeless = slow_critical_counts(
            miss[at], test.looks.tolist(), alpha, beta
        )
        assert test.accept[(..., *at)].tolist() == accept
        assert test.hopeless[(..., *at)].tolist() == hopeless


def test_the_smallest_beta_gives_up_only_on_what_all_but_never_happens():
    test = ThresholdTest.build([0.5, 0.3], 10**4, 1e-3, 5e-324)
    needed = test.accept[-1] / test.looks[-1]
    looks = test.looks[:, np.newaxis]
    assert (test.hopeless >= 0).any()
    assert binom.logcdf(test.hopeless, looks, needed).max() < np.log(1e-300)


def test_critical_counts_of_a_fine_grid_are_those_of_a_coarse_one():
    fine = np.linspace(0.001, 0.6, 4001)
    at_once = ThresholdTest.build(fine, 10**4, 1e-3, 0.05)
    some = ThresholdTest.build(fine[::-97], 10**4, 1e-3, 0.05)
    np.testing.assert_array_equal(at_once.accept[:, ::-97], some.accept)
    np.testing.assert_array_equal(at_once.hopeless[:, ::-97], some.hopeless)
    empty = ThresholdTest.build(np.zeros((2, 0)), 100, 0.1, 0.1)
    assert empty.accept.shape == (len(empty.looks), 2, 0)


@pytest.mark.parametrize("n_max", [1, 7, 30, 10**4])
@pytest.mark.parametrize("alpha", [SMALLEST_ALPHA, 1e-3, 0.7])
def test_can_accept_says_whether_unanimous_votes_would_do(n_max, alpha):
    miss = np.r_[0.0, np.geomspace(1e-12, 1 - 1e-12, 301)].reshape(2, 151)
    test = ThresholdTest.build(miss, n_max, alpha, 0.05)
    told = ThresholdTest.can_accept(miss, n_max, alpha)
    np.testing.assert_array_equal(told, test.accept[-1] <= n_max)
    with pytest.raises(ValueError, match="alpha"):
        ThresholdTest.can_accept(miss, n_max, 1.0)


@pytest.mark.parametrize("n_max", [30, 10**4])
def test_giving_up_is_rare_where_the_last_look_accepts_half_of_the_time(n_max):
    alpha, beta = 0.01, 0.05
    q = np.array([0.2, 0.5, 0.69, 0.841, 0.977])
    test = ThresholdTest.build(1 - q, n_max, alpha, beta)
    looks = test.looks[:, np.newaxis]
    reachable = test.accept[-1] < n_max
    assert reachable.any()
    assert (test.hopeless < test.accept).all()
    needed = (test.accept[-1] / n_max)[reachable]
    given_up = binom.cdf(test.hopeless[:, reachable], looks, needed).sum(axis=0)
    assert (given_up <= beta * (1 + 1e-6)).all()
    assert (given_up > 0).all()
    assert (ThresholdTest.build(1 - q, n_max, alpha, 0.0).hopeless == -1).all()


def test_what_the_last_look_cannot_show_is_hopeless_at_once():
    test = ThresholdTest.build([0.001], 100, 0.001, 0.05)
    assert (test.accept[:, 0] == test.looks + 1).all()
    assert (test.hopeless[:, 0] == test.looks).all()


# The leader of a vote


def votes_to_try(n_classes, weights):
    """Vote probabilities on a grid of the simplex, and ties of weighted ones."""
    grid = compositions(12, n_classes) / 12
    size = np.arange(2, n_classes + 1)
    ties = (np.arange(n_classes) < size[:, np.newaxis]) / weights
    ties = np.vstack([ties, ties[:, ::-1] * weights[::-1] / weights])
    # Ties with something left over for the others.
    ties = ties / ties.sum(axis=1, keepdims=True)
    mixed = [(1 - s) * ties + s * np.eye(n_classes)[-1] for s in (0.05, 0.2)]
    return np.vstack([grid, ties, *mixed])


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize(
    ("n_classes", "n", "weights"),
    [
        (2, 8, None),
        (2, 60, None),
        (3, 40, None),
        (4, 20, None),
        (5, 12, None),
        (2, 60, [1.0, 3.0]),
        (3, 40, [1.0, 1.0, 4.0]),
        (3, 40, [0.2, 5.0, 1.0]),
        (4, 20, [1.0, 2.0, 3.0, 0.1]),
    ],
)
def test_a_wrong_leader_is_decided_with_probability_at_most_alpha(
    n_classes, n, weights, alpha
):
    """Exact, over all outcomes of n votes and a grid of vote probabilities.

    Where classes tie, one of them is the answer of the smoothed classifier and the
    others are wrong, whichever that is. Without weights the level is kept even if
    all of them count as wrong.
    """
    counts = compositions(n, n_classes)
    used = np.ones(n_classes) if weights is None else np.array(weights)
    decided = leader_is_decided(counts, alpha, None if weights is None else used)
    leader = np.argmax(counts * used, axis=1)
    p = votes_to_try(n_classes, used)
    score = p * used
    law = multinomial_law(counts, p)
    decided_for = np.array(
        [law[:, decided & (leader == c)].sum(axis=1) for c in range(n_classes)]
    ).T
    ahead = score[:, :, np.newaxis] <= score[:, np.newaxis, :] * (1 + 1e-9)
    ahead &= ~np.eye(n_classes, dtype=bool)
    if weights is None:
        failure = (decided_for * ahead.any(axis=2)).sum(axis=1)
    else:
        best = score >= score.max(axis=1, keepdims=True) * (1 - 1e-9)
        failure = np.where(
            best, decided_for.sum(axis=1, keepdims=True) - decided_for, 0
        ).max(axis=1)
    assert failure.max() <= alpha * (1 + 1e-9)
    assert failure.max() > alpha / 20  # the grid is a threat
    # Only clear votes decide.
    assert decided.any()
    assert not decided.all()


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.3])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.4]])
def test_a_leader_is_decided_just_where_the_test_of_a_coin_rejects(weights, alpha):
    counts = compositions(25, 3)
    score = counts if weights is None else counts * weights
    rows, leader = np.arange(len(counts)), np.argmax(score, axis=1)
    fair = np.full((len(counts), 3), 0.5)
    level = alpha / 2  # two sides of one coin, or one side of each of two
    if weights is not None:
        fair = weights / (weights + np.take(weights, leader)[:, np.newaxis])
    votes = counts[rows, leader][:, np.newaxis]
    tails = binom.sf(votes - 1, votes + counts, fair)
    tails[rows, leader] = 0.0
    decided = leader_is_decided(counts, alpha, weights and np.array(weights))
    np.testing.assert_array_equal(decided, tails.max(axis=1) <= level)
    assert 0 < decided.sum() < len(decided)


@pytest.mark.parametrize("alpha", [0.03, 0.15, 0.7])
def test_a_leader_of_few_votes_is_decided_as_by_exact_sums(alpha):
    weights = np.array([9.0, 1.0])
    counts = np.array([(a, b) for a in range(5) for b in range(5)])
    for votes, decided in zip(
        counts, leader_is_decided(counts, alpha, weights), strict=True
    ):
        leader = int(np.argmax(votes * weights))
        p, least, n = Fraction([1, 9][leader], 10), int(votes[leader]), int(votes.sum())
        tail = sum(
            math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(least, n + 1)
        )
        assert decided == (tail <= alpha)


def test_a_clear_leader_is_decided_and_a_tie_is_not():
    counts = np.array([[60, 0, 0], [0, 5, 0], [10, 10, 1], [60, 20, 20], [0, 0, 0]])
    decided = leader_is_decided(counts, 0.001)
    assert decided.tolist() == [True, False, False, True, False]
    # Against the weights, the same votes show less.
    heavy = np.array([1.0, 5.0, 5.0])
    assert leader_is_decided(counts, 0.001, heavy).tolist() == [
        True, False, False, False, False,
    ]  # fmt: skip


def test_the_only_class_is_decided():
    assert leader_is_decided(np.array([[3], [0]]), 0.05).all()


def test_a_leader_is_decided_where_the_tail_is_alpha_itself():
    """A test of level alpha: n votes to none have the tail 2**-n on either side."""
    votes = np.array([[5, 0], [4, 0]])
    both = leader_is_decided(votes, 2.0**-4)
    assert both.tolist() == [True, False]
    one = leader_is_decided(votes, 2.0**-5, np.ones(2))
    assert one.tolist() == [True, False]
    alone = leader_is_decided(votes[:, :1], 0.05)
    assert alone.dtype == bool and alone.all()
