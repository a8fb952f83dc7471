# SPDX-License-Identifier: BSD-3-Clause
"""What the questions of `certify` conclude from votes that a test sends them."""

import re
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import beta as beta_law

from sksmooth.bounds import ThresholdTest
from sksmooth.noise import (
    Gaussian,
    ResampledGaussian,
    Stage,
    Uniform,
    row_digests,
    row_stream,
)
from sksmooth.questions import CountVotes, DecideLabel
from sksmooth.questions._certify_at_radii import (
    CertifyAtRadii,
    _AgainstEach,
    _OwnShare,
    _Tables,
)
from sksmooth.questions._certify_frontier import CertifyFrontier, _Claims
from sksmooth.questions._certify_radius import CertifyRadius, _candidate_sizes
from sksmooth.questions._exact_radius import exact_frontier, exact_radius
from sksmooth.questions._futility import (
    lowered_shares,
    optimistic_shares,
    vote_shares,
)
from sksmooth.questions._vote_radius import VoteRadius, heaviest_other

SIGMA = 0.5
LAW = Gaussian(SIGMA)
COMMON = {"law": LAW, "weights": None, "beta": 0.0}


def answers_to(question, votes, n_classes):
    """Answers about samples whose votes at each request come from a function.

    `votes` maps a request and the number of votes drawn so far to counts, of shape
    (len(request.rows), n_classes).
    """
    run = question.from_votes(len(votes(None, 0)), n_classes)
    requests, drawn = [], 0
    try:
        request = next(run)
        while True:
            requests.append(request)
            counts = np.asarray(votes(request, drawn))
            drawn += np.max(request.sizes)
            request = run.send(counts)
    except StopIteration as stop:
        return stop.value, requests


# certify(X)


def two_stages(slack=0.0, bound="multiclass", alpha=0.01):
    """Certify one sample whose pilot is 80:15:5 and whose estimate is 700:200:100."""
    question = CertifyRadius(
        **COMMON, n_max=1000, alpha=alpha, bound=bound, slack=slack, tol=0.0
    )
    pilot, estimate = [[80, 15, 5]], [[700, 200, 100]]

    def votes(request, drawn):
        return pilot if request is None or request.stage == Stage.PILOT else estimate

    answers, requests = answers_to(question, votes, 3)
    assert [request.stage for request in requests] == [Stage.PILOT, Stage.ESTIMATE]
    return answers


def test_votes_of_the_pilot_are_not_among_those_that_are_counted():
    answers = two_stages()
    np.testing.assert_array_equal(answers.counts, [[700, 200, 100]])
    assert answers.n_evaluations == [1100]
    # The bounds of 700 and of 200 among 1000, at half of alpha each.
    top = beta_law.ppf(0.005, 700, 301)
    other = beta_law.ppf(0.995, 201, 800)
    normal = mpmath.mpf(0)
    for p, sign in ((top, 1), (other, -1)):
        normal += sign * mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(p) - 1)
    assert answers.radius[0] == pytest.approx(float(SIGMA / 2 * normal), rel=1e-9)
    assert answers.p_lower[0] == pytest.approx(top, rel=1e-12)


def test_a_pilot_doubles_until_it_is_a_fair_part_of_what_is_planned():
    question = CertifyRadius(
        **COMMON, n_max=100_000, alpha=0.01, bound="multiclass", slack=0.0, tol=0.01
    )
    _, requests = answers_to(question, in_proportion([0.55, 0.45]), 2)
    *pilot, estimate = [np.max(request.sizes) for request in requests]
    assert len(pilot) > 2
    np.testing.assert_array_equal(np.cumsum(pilot), 32 * 2 ** np.arange(len(pilot)))
    assert estimate <= 8 * sum(pilot) or 16 * sum(pilot) > question.n_max


def test_the_slack_is_taken_off_every_radius():
    plain, reduced = two_stages().radius, two_stages(slack=0.05).radius
    np.testing.assert_allclose(reduced, plain - 0.05, rtol=1e-14)
    # A class that leads stays certified, within nothing.
    answers = two_stages(slack=5.0)
    assert answers.radius == [0.0] and not answers.abstained[0]


# The error probability and its parts


@pytest.mark.parametrize("alpha", [0.2, 1e-3])
def test_parts_of_alpha_add_up_to_alpha(alpha):
    split = VoteRadius.at(alpha, "multiclass", 5, LAW)
    assert split.alpha_top + split.alpha_other == pytest.approx(alpha, rel=1e-15)
    for whole in (
        VoteRadius.at(alpha, "binary", 5, LAW),
        VoteRadius.at(alpha, "multiclass", 2, LAW),
    ):
        assert whole.alpha_top == alpha and whole.alpha_other is None
    looks = np.array([16, 31, 60, 100])
    for n_classes in (3, 7):
        each = _AgainstEach([0.1], LAW, looks, alpha, n_classes, None, 0.05)
        lower = sum(part.alpha_top for part in each._proves)
        upper = sum(part.alpha_other for part in each._proves)
        # As many lower bounds as classes and two upper ones may fail.
        spent = n_classes * lower + 2 * upper
        assert spent == pytest.approx(alpha, rel=1e-14)
    assert each._proves[-1].alpha_top == alpha / 2 / (2 * n_classes)


def test_each_bound_is_used_at_its_own_level():
    counts, leader = np.array([[60, 25, 15]]), np.array([0])
    for top, other in ((0.01, 0.04), (0.04, 0.01)):
        radius, miss = VoteRadius(LAW, top, other)(counts, leader)
        lower = beta_law.ppf(top, 60, 41)
        upper = beta_law.ppf(1 - other, 26, 75)
        assert miss[0] == pytest.approx(1 - lower, rel=1e-10)
        gap = mpmath.erfinv(2 * lower - 1) - mpmath.erfinv(2 * upper - 1)
        expected = float(SIGMA / 2 * mpmath.sqrt(2) * gap)
        assert radius[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "weights", [[1.0, 2.0], [3.0, 1.0, 2.0], [2.0, 2.0, 1.0], [0.1, 5.0, 4.0, 4.5]]
)
def test_the_heaviest_other_class(weights):
    weights = np.array(weights)
    expected = [np.delete(weights, k).max() for k in range(len(weights))]
    np.testing.assert_array_equal(heaviest_other(weights), expected)


@pytest.mark.parametrize("weights", [[1.0, 3.0, 2.0], [4.0, 1.0, 2.0]])
def test_what_the_leader_leaves_over_may_be_all_of_the_heaviest_class(weights):
    weights = np.array(weights)
    counts = np.full((3, 3), 3) + 91 * np.eye(3, dtype=int)
    for leader in range(3):
        proves = VoteRadius(LAW, 0.01, None, weights)
        radius, miss = proves(counts[[leader]], np.array([leader]))
        rest = np.delete(weights, leader).max()
        with mpmath.workdps(30):
            top = mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * mpmath.mpf(float(miss[0])))
            at = mpmath.mpf(float(radius[0])) / SIGMA
            gap = weights[leader] * mpmath.ncdf(top - at) - rest * mpmath.ncdf(at - top)
            assert abs(gap) < 1e-10


# certify(X, radii=...)


def at_radii(radii, n_max=400, alpha=0.1):
    return CertifyAtRadii(
        **COMMON, n_max=n_max, alpha=alpha, bound="binary", slack=0.0,
        radii=np.asarray(radii),
    )  # fmt: skip


def test_a_label_stays_with_the_radius_that_was_shown_for_it():
    """Later another class leads, and nothing more is shown for that one."""

    def votes(request, drawn):
        if request is None:
            return [[0, 0]]
        return [[request.sizes, 0]] if drawn < 31 else [[0, request.sizes]]

    # Out of reach of 1 in 2 of all votes, so that the sample stays undecided.
    answers, requests = answers_to(at_radii([0.0, 1.2]), votes, 2)
    assert sum(np.max(request.sizes) for request in requests) == 400
    assert answers.counts[0, 1] > answers.counts[0, 0]
    assert answers.label == [0]
    assert answers.radius == [0.0] and not answers.abstained[0]
    # The votes that showed it are those before the other class came.
    assert answers.label_counts[0, 1] == 0 < answers.label_counts[0, 0] <= 31


def test_until_something_is_shown_the_label_is_that_of_the_leader():
    def votes(request, drawn):
        if request is None:
            return [[0, 0]]
        half = request.sizes // 2
        more = request.sizes - half
        return [[more, half]] if drawn < 31 else [[half, more + 0]]

    answers, _ = answers_to(at_radii([0.5]), votes, 2)
    assert answers.abstained[0]
    assert answers.label == [np.argmax(answers.counts[0])]


def in_proportion(shares):
    """Votes of one sample for `answers_to`, in these shares up to rounding."""
    cumulative = np.append(0.0, np.cumsum(shares))

    def votes(request, drawn):
        size = 1 if request is None else np.max(request.sizes)
        after, before = (
            np.rint(cumulative * (drawn + size)),
            np.rint(cumulative * drawn),
        )
        return [np.diff(after - before).astype(int)]

    return votes


def test_with_many_classes_a_leader_without_a_majority_is_certified():
    """Not by what it leaves over, which is more than half, but against each class."""
    votes = in_proportion([0.45, 0.28, 0.27])
    found = {}
    for bound in ("binary", "multiclass"):
        # Giving up early, as beta allows, is left to the comparison too.
        question = replace(at_radii([0.0, 0.02], n_max=4000), bound=bound, beta=0.05)
        found[bound], _ = answers_to(question, votes, 3)
    assert found["binary"].abstained[0]
    assert found["multiclass"].radius == [0.02]
    # Two classes have nothing to compare.
    for n_classes, part in ((1, 0.0), (2, 0.0), (3, 0.25), (10, 0.25)):
        assert question.paired_part(n_classes) == part


@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 2.0]])
@pytest.mark.parametrize("bound", ["binary", "multiclass"])
def test_the_radii_within_reach_are_those_that_unanimous_votes_show(weights, bound):
    """Of the class that is best placed."""
    weights = None if weights is None else np.array(weights)
    grid = np.linspace(0.0, 2.0, 81)
    question = replace(at_radii(grid), bound=bound, weights=weights)

    def votes(request, drawn):
        every = np.eye(3, dtype=int)
        return every if request is None else request.sizes * every[request.rows]

    answers, _ = answers_to(question, votes, 3)
    reachable = question.reachable(grid, question.n_max, 3)
    np.testing.assert_array_equal(reachable, grid <= answers.radius.max())
    assert reachable.any() and not reachable.all()


def test_a_radius_out_of_reach_is_named_with_the_one_that_votes_can_prove():
    n_max, alpha = 400, 0.1
    with pytest.warns(UserWarning, match="unanimous votes prove about") as record:
        at_radii([0.1, 2.0], n_max, alpha).check(2)
    text = str(record[0].message)
    assert "The radii [2.0] are out of reach" in text
    with mpmath.workdps(30):
        share = mpmath.mpf(alpha) ** (mpmath.mpf(1) / n_max)
        exact = SIGMA * mpmath.sqrt(2) * mpmath.erfinv(2 * share - 1)
    named = float(re.search(r"prove about ([\d.]+\d)", text)[1])
    assert named == pytest.approx(float(exact), rel=5e-3)


@pytest.mark.parametrize(
    ("weights", "distance"),
    [(None, 1 / 2), ([1.0, 3.0], 3 / 4), ([1.0, 3.0, 2.0], 3 / 5)],
)
def test_a_radius_that_no_votes_can_show_is_told_from_one_that_takes_more(
    weights, distance
):
    """No votes show more than the heaviest class, certain at the sample itself, keeps.

    At a total variation distance d it keeps 1 - d, and its heaviest rival gains d.
    """
    law = Uniform(0.5)
    limit = 2 * law.largest_noise * distance
    n_classes = 2 if weights is None else len(weights)
    weights = None if weights is None else np.array(weights)
    radii = np.array([0.1, 0.99 * limit, 1.01 * limit])
    question = replace(at_radii(radii, n_max=30), law=law, weights=weights)
    with pytest.warns(UserWarning) as record:
        question.check(n_classes)
    texts = [str(warning.message) for warning in record]
    (never,) = [text for text in texts if "whatever the votes" in text]
    (more,) = [text for text in texts if "out of reach of n_certify=30" in text]
    assert f"{radii[2]} cannot hold" in never.replace("[", "").replace("]", "")
    assert str(radii[1]) in more and str(radii[2]) not in more
    question = replace(question, n_max=3000)
    np.testing.assert_array_equal(
        question.reachable(radii, 3000, n_classes), [True, True, False]
    )


def test_equal_questions_share_their_tables():
    """And no others do, whatever differs."""
    question = at_radii([0.1, 0.2])
    tables = question._tables(3)
    assert at_radii([0.1, 0.2])._tables(3) is tables
    assert question._tables(4) is not tables
    changes = {
        "radii": np.array([0.1, 0.3]),
        "law": Gaussian(0.4),
        "n_max": 401,
        "alpha": 0.2,
        "bound": "multiclass",
        "weights": np.array([1.0, 2.0, 1.0]),
        "slack": 0.01,
        "beta": 0.05,
    }
    assert set(changes) == set(vars(question))
    for name, value in changes.items():
        assert replace(question, **{name: value})._tables(3) is not tables


def test_where_no_radius_is_shown_the_share_of_the_leader_is_not_bounded():
    own = at_radii([0.0, 0.5])._tables(3).own_share
    votes = np.array([[6, 5, 5], [16, 0, 0]])
    holds, lower = own.decide(len(own.looks) - 1, votes, np.array([0, 0]))
    assert holds.tolist() == [0, 0] and lower.tolist() == [0.0, 0.0]


def test_a_larger_radius_never_takes_fewer_votes():
    """Their critical counts can: fewer looks can decide it, which share its alpha."""
    radii = np.linspace(0.0, 1.5, 400)
    shown_earlier = 0
    for alpha in (0.3, 0.1, 1e-3):
        for n_max in (60, 400, 3000):
            own = _OwnShare(radii, LAW, n_max, alpha, None, 0.05)
            assert (np.diff(own._accept, axis=-1) >= 0).all()
            plain = ThresholdTest.build(
                np.array([_miss(radius) for radius in radii]), n_max, alpha, 0.05
            )
            shown_earlier += (np.diff(plain.accept, axis=-1) < 0).sum()
            assert (own._accept[:, 0] >= plain.accept).all()
    assert shown_earlier > 0


@pytest.mark.parametrize("bound", ["multiclass", "binary"])
def test_the_class_that_is_certified_leads_in_weighted_votes(bound):
    question = replace(
        at_radii([0.0, 0.1], n_max=2000), bound=bound, weights=np.array([3.0, 1.0])
    )
    answers, _ = answers_to(question, in_proportion([0.4, 0.6]), 2)
    assert (answers.label, answers.radius, answers.abstained) == (0, 0.1, False)
    # The share that was shown is that of class 0.
    assert 0.25 < answers.p_lower[0] < 0.4


@pytest.mark.parametrize(
    ("bound", "weights"),
    [("multiclass", None), ("binary", np.array([1.0, 0.5, 0.8, 0.9]))],
)
def test_looks_that_change_nothing_are_told_apart(bound, weights, monkeypatch):
    """A sample that stops at a look, or is shown a radius there, is not passed over."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([6.0, 1.0, 0.5, 0.5], size=25)
    question = CertifyAtRadii(
        law=LAW,
        n_max=2000,
        alpha=0.01,
        bound=bound,
        weights=weights,
        slack=0.0,
        beta=0.05,
        radii=np.array([0.3, 0.6]),
    )

    def votes_of(sample):
        stream = np.random.default_rng(sample)

        def votes(request, drawn):
            n_votes = 0 if request is None else request.sizes
            return stream.multinomial(n_votes, shares[sample])[np.newaxis]

        return votes

    def all_answers():
        answers = [answers_to(question, votes_of(k), 4)[0] for k in range(25)]
        return {key: [vars(one)[key] for one in answers] for key in vars(answers[0])}

    found, passed = all_answers(), []
    tell = _Tables.changes_nothing
    monkeypatch.setattr(
        _Tables, "changes_nothing", lambda *args: passed.append(tell(*args)) and False
    )
    for key, values in all_answers().items():
        np.testing.assert_array_equal(found[key], values, key)
    # Where it is not told, nothing is gained.
    assert 0.2 < np.mean(passed) < 0.95


@pytest.mark.parametrize("weights", [[1.0, 3.0, 2.0], [1000.0, 1.0, 30.0]])
def test_the_threshold_of_a_class_is_where_its_heaviest_rival_is_level(weights):
    """All that the class leaves over goes to its heaviest rival, at the radius."""
    weights, radius = np.array(weights), 0.3
    own = _OwnShare(np.array([radius]), LAW, 400, 0.1, weights, 0.0)
    for label, weight in enumerate(weights):
        rival = np.delete(weights, label).max()
        with mpmath.workdps(30):
            share = mpmath.mpf(own._threshold[label, 1])
            probit = mpmath.sqrt(2) * mpmath.erfinv(2 * share - 1)
            kept = mpmath.ncdf(probit - mpmath.mpf(radius) / SIGMA)
            assert abs(weight * kept / (rival * (1 - kept)) - 1) < 1e-9


@pytest.mark.parametrize("factor", [1, 1.15**9])
def test_samples_with_the_same_weighted_votes_share_what_is_computed(factor):
    """Results for a sample do not depend on the other samples, for any class."""
    rng = np.random.default_rng(0)
    counts = factor * rng.multinomial(20, [0.8, 0.15, 0.05], 100)
    leader = rng.integers(0, 3, 100)
    proves = VoteRadius.at(0.01, "multiclass", 3, LAW, np.array([0.4, 1.0, 0.7]))
    alone = [
        np.concatenate(proves(counts[at : at + 1], leader[at : at + 1]))
        for at in range(100)
    ]
    assert 20 < len(np.unique(alone, axis=0)) < 90
    np.testing.assert_array_equal(np.transpose(proves(counts, leader)), alone)


def _miss(radius):
    return float(mpmath.ncdf(-mpmath.mpf(radius) / SIGMA))


def test_a_radius_that_is_just_reached_does_not_count():
    """What is proved holds inside of the radius, not on its boundary."""
    looks = np.array([16, 100])
    votes, leader = np.array([[90, 6, 4]]), np.array([0])
    proved, _ = _AgainstEach([0.1], LAW, looks, 0.1, 3, None, 0.0)._proves[1](
        votes, leader
    )
    assert proved[0] > 0
    below = np.nextafter(proved[0], 0.0)
    each = _AgainstEach(np.array([below, proved[0]]), LAW, looks, 0.1, 3, None, 0.0)
    holds, _ = each.decide(1, votes, leader)
    assert holds == [1]


# Closed forms: a class that is level with another is not ahead


def probits_with_radius_zero():
    """Probits whose radius is the smallest positive number, rounded down."""
    least = 5e-324
    lower = np.array([[4 * least, -1.0], [1.0, -1.0]])
    upper = np.array([[4 * least, 0.0], [1.0, -1.0]])
    assert LAW.radius(lower[0, 0], upper[0, 1]) == 0.0
    return lower, upper


@pytest.mark.parametrize("radii", [None, [0.0], [0.0, 0.2]])
def test_a_radius_of_zero_in_closed_form_is_no_certificate(radii):
    if radii is None:
        question = CertifyRadius(
            **COMMON, n_max=100, alpha=0.1, bound="binary", slack=0.0, tol=0.0
        )
    else:
        question = at_radii(radii)
    answers = question.from_probabilities(probits_with_radius_zero())
    assert answers.abstained.tolist() == [True, False]
    assert answers.radius[0] == 0.0 and answers.radius[1] >= (radii or [0.4])[-1]


# Radii are rounded down; noise has a key


def test_radii_are_not_larger_than_those_of_exact_arithmetic():
    rng = np.random.default_rng(0)
    top, other = rng.normal(size=(2, 2000))
    for sigma in (0.1, 0.25, 0.7):
        radius = Gaussian(sigma).radius(top, other)
        for a, b, r in zip(top, other, radius, strict=True):
            exact = Fraction(sigma) * (Fraction(a) - Fraction(b)) / 2
            assert Fraction(r) <= exact
            assert Fraction(r) >= exact - Fraction(1e-15) * (1 + abs(exact))


def test_weighted_radii_are_not_larger_than_those_of_exact_arithmetic():
    rng = np.random.default_rng(1)
    top, other = rng.uniform(0.0, 3.0, 300), rng.uniform(-3.0, 0.0, 300)
    weight = rng.choice([0.3, 2.0, 7.0, 1e3], 300)
    radius = Gaussian(0.7).radius(top, other, weight, 1.0)
    larger = 0
    with mpmath.workdps(40):
        for a, b, v, r in zip(top, other, weight, radius, strict=True):
            t = mpmath.mpf(r) / mpmath.mpf(0.7)
            left = mpmath.mpf(v) * mpmath.ncdf(mpmath.mpf(a) - t)
            right = mpmath.ncdf(mpmath.mpf(b) + t)
            larger += left < right
    assert larger == 0


def test_stages_of_a_row_have_noise_of_their_own():
    (digest,) = row_digests(np.ones((1, 3)), bytes(32))
    first = {
        stage: row_stream(digest, stage).normal()
        for stage in Stage.__members__.values()
    }
    assert len(first) == len(set(first.values())) == 4


def test_the_noise_of_a_row_depends_on_the_key():
    X = np.random.default_rng(0).normal(size=(4, 3))
    keys = [bytes(32), bytes([1]) + bytes(31), bytes(31) + bytes([1])]
    digests = [digest for key in keys for digest in row_digests(X, key)]
    assert len(set(digests)) == 12
    assert row_digests(X, keys[1]) == digests[4:8]


# How many votes, and when to give up


@pytest.mark.parametrize("tol", [0.01, 0.05, 1.0])
def test_the_fewest_votes_are_planned_that_lose_little_of_the_radius(tol):
    """The tolerance, in units of the law, though at most a fortieth of the radius."""
    question = CertifyRadius(
        **COMMON, n_max=20_000, alpha=0.01, bound="multiclass", slack=0.0, tol=tol
    )
    pilot = np.array([[60, 3, 1], [40, 14, 10], [34, 30, 0], [64, 0, 0]])
    vote_radius, leader = question._vote_radius(3), np.zeros(4, dtype=int)
    planned = question._plan(pilot, vote_radius, tol * LAW.unit)

    def expected(n):
        return vote_radius(n * vote_shares(pilot), leader)[0]

    most = expected(question.n_max)
    assert (most > 0).all()
    enough = most - np.minimum(tol * LAW.unit, most / 40)
    assert (expected(planned[:, np.newaxis]) >= enough).all()
    sizes = _candidate_sizes(question.n_max)
    fewer = sizes[np.maximum(np.searchsorted(sizes, planned) - 1, 0)]
    assert (expected(fewer[:, np.newaxis]) < enough)[planned > sizes[0]].all()
    assert (planned < question.n_max).any()


def test_sizes_to_plan_with_rise_to_the_most_votes_there_are():
    for n_max in (1, 20, 33, 1000, 10**6):
        sizes = _candidate_sizes(n_max)
        assert sizes[-1] == n_max and sizes.dtype.kind == "i"
        assert (np.diff(sizes) > 0).all()
        assert sizes[0] <= 32
        assert (sizes[1:] <= 1.2 * sizes[:-1] + 1).all()


def test_shares_for_plans_are_shares():
    counts = np.array([[5, 0, 0], [0, 2, 2], [0, 0, 0]])
    shares = vote_shares(counts)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-15)
    assert ((0 < shares) & (shares < 1)).all()
    leader = counts.argmax(axis=1)
    raised = optimistic_shares(counts, leader, 0.1)
    np.testing.assert_allclose(raised.sum(axis=1), 1.0, rtol=1e-15)
    every = np.arange(3)
    assert (raised[every, leader] >= counts[every, leader] / [5, 4, 1]).all()


def test_lowered_shares_are_two_standard_errors_of_the_votes_lower():
    shares = np.array([[0.8, 0.15, 0.05], [0.2, 0.5, 0.3], [0.02, 0.01, 0.97]])
    leader, n_votes = np.array([0, 1, 0]), 100
    lowered = lowered_shares(shares, leader, n_votes)
    np.testing.assert_allclose(lowered.sum(axis=1), 1.0, rtol=1e-15)
    # 0.8 - 2 * 0.04 and 0.5 - 2 * 0.05; less than nothing is nothing.
    every = np.arange(3)
    np.testing.assert_allclose(lowered[every, leader], [0.72, 0.4, 0.0], rtol=1e-12)
    np.testing.assert_allclose(lowered[0, 1] / lowered[0, 2], 3.0, rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_a_tie_is_given_up_before_all_votes_are_drawn_unless_beta_is_0(beta):
    """The three classes share the votes, so that no radius of the grid can hold."""
    settings = COMMON | {"beta": beta}
    question = CertifyAtRadii(
        **settings, n_max=3000, alpha=0.01, bound="multiclass", slack=0.0,
        radii=np.array([0.1, 0.2]),
    )  # fmt: skip

    def votes(request, drawn):
        size = 3 if request is None else np.max(request.sizes)
        return [np.diff(np.arange(4) * (drawn + size) // 3 - np.arange(4) * drawn // 3)]

    answers, _ = answers_to(question, votes, 3)
    assert answers.abstained.all()
    assert (answers.n_evaluations[0] < 3000) == (beta > 0)


def test_lower_bounds_of_shares_are_rounded_down():
    counts, leader = np.array([[90, 6, 4]]), np.array([0])
    looks = np.array([50, 100])
    each = _AgainstEach(np.array([0.1]), LAW, looks, 0.01, 3, None, 0.05)
    _, lower = each.decide(1, counts, leader)
    _, miss = each._proves[1](counts, leader)
    assert lower < 1.0 - miss


# Probabilities in closed form


def test_the_exact_radius_of_weighted_classes_is_where_their_scores_meet():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    weights = np.array([1.0, 2.0, 0.5])
    probits = ndtri(probabilities)
    label, radius = exact_radius((probits, probits), LAW, weights)
    np.testing.assert_array_equal(label, np.argmax(probabilities * weights, axis=1))
    every, shift = np.arange(2), radius[:, np.newaxis] / SIGMA
    own = weights[label] * ndtr(probits - shift)[every, label]
    others = weights * ndtr(probits + shift)
    others[every, label] = 0.0
    np.testing.assert_allclose(others.max(axis=1), own, rtol=1e-9)
    assert (radius > 0.01).all()


# Shares and labels


def test_shares_are_those_of_the_votes_or_of_all_copies():
    votes = np.array([[7, 2, 1], [0, 10, 0]])
    question = CountVotes(10)
    answers, requests = answers_to(question, lambda request, drawn: votes, 3)
    assert [request.sizes for request in requests] == [10]
    expected = [[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]]
    np.testing.assert_allclose(answers.shares, expected, rtol=1e-15)
    # The copies may be of another number than the votes.
    enumerated = question.from_enumeration(3 * votes, LAW)
    np.testing.assert_allclose(enumerated.shares, expected, rtol=1e-15)
    # Bounds of a probability stand for the one in the middle.
    shares = np.array([[0.7, 0.2, 0.1]])
    probits = ndtri(shares - 0.01), ndtri(shares + 0.01)
    exact = question.from_probabilities(probits)
    np.testing.assert_allclose(exact.shares, shares, rtol=1e-12)


def test_labels_without_votes_have_counts_of_zero():
    question = DecideLabel(100, 0.01)
    label = np.array([2, 0])
    probits = np.array([[-1.0, 0.0, 1.0], [0.5, 0.0, -1.0]])
    for answers in (
        question.from_margins(label, np.array([0.1, 0.2]), 3),
        question.from_probabilities((probits, probits)),
    ):
        np.testing.assert_array_equal(answers.label, label)
        for values, shape in ((answers.counts, (2, 3)), (answers.n_evaluations, (2,))):
            assert values.dtype == np.int64 and values.shape == shape
            assert not values.any()


@pytest.mark.parametrize("weights", [None, np.array([1.0, 4.0, 1.0])])
def test_the_label_of_all_copies_is_the_class_ahead_in_weighted_votes(weights):
    counts = np.array([[60, 30, 10], [80, 15, 5], [0, 0, 100]])
    answers = DecideLabel(10, 0.01, weights).from_enumeration(counts, LAW)
    expected = [0, 0, 2] if weights is None else [1, 0, 2]
    np.testing.assert_array_equal(answers.label, expected)
    np.testing.assert_array_equal(answers.counts, counts)
    np.testing.assert_array_equal(answers.n_evaluations, [100, 100, 100])


# Radii beside changes


CHANGES = ResampledGaussian(0.5, probability=0.8, cardinalities=(0, 3, 3))
GRID = np.array([0.0, 0.3, 0.7, 0.78, 0.82])


def frontier_question(weights=None, **settings):
    defaults = {"n_max": 500, "alpha": 0.05, "bound": "binary", "slack": 0.0}
    return CertifyFrontier(
        law=CHANGES, radii=GRID, weights=weights, beta=0.0, changes=3,
        **(defaults | settings),
    )  # fmt: skip


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_the_frontier_of_probabilities_is_that_of_the_law(weights):
    probabilities = np.array([[0.9, 0.06, 0.04], [0.2, 0.5, 0.3], [0.01, 0.98, 0.01]])
    probits = ndtri(probabilities), ndtri(probabilities)
    weights = None if weights is None else np.array(weights)
    exact = exact_frontier(probits, CHANGES, weights, 2)
    label, _ = exact_radius(probits, CHANGES, weights)
    used = np.ones(3) if weights is None else weights
    for at, own in enumerate(label):
        others = [k for k in range(3) if k != own]
        each = [
            CHANGES.frontier(
                probits[0][at, own], probits[1][at, k], used[own], used[k], changes=2
            )
            for k in others
        ]
        least = np.min(np.nan_to_num(each, nan=-1.0), axis=0)
        np.testing.assert_array_equal(np.nan_to_num(exact[at], nan=-1.0), least)
    assert (exact > 0.1).any() and np.isnan(exact).any() == (weights is None)
    # Of the radii of a grid, the largest one that holds; a third change is no more.
    answers = frontier_question(weights).from_probabilities(probits)
    for column in range(4):
        known = np.nan_to_num(exact[:, min(column, 2)], nan=-1.0)
        largest = [max(GRID[GRID <= r], default=np.nan) for r in known]
        np.testing.assert_array_equal(answers.frontier[:, column], largest)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_unanimous_votes_show_all_of_the_frontier_that_is_within_reach(weights):
    weights = None if weights is None else np.array(weights)
    question = frontier_question(weights, n_max=60)

    def votes(request, drawn):
        every = np.eye(3, dtype=int)
        return every if request is None else request.sizes * every[request.rows]

    answers, _ = answers_to(question, votes, 3)
    used = np.ones(3) if weights is None else weights
    share = heaviest_other(used) / (used + heaviest_other(used))
    for label in range(3):
        for changes in range(4):
            law = CHANGES.with_changes(min(changes, 2))
            needed = law.threshold(GRID, share[label])
            shown = GRID[ThresholdTest.can_accept(ndtr(-needed), 60, 0.05)]
            np.testing.assert_array_equal(
                answers.frontier[label, changes], max(shown, default=np.nan)
            )
    assert (np.diff(answers.frontier, axis=1) < 0).any()


def test_claims_are_shown_in_the_order_of_the_shares_that_they_take():
    laws = (CHANGES, CHANGES.with_changes(1), CHANGES.with_changes(2))
    claims = _Claims(laws, tuple(GRID.tolist()), 0.0)
    numbers = np.arange(1, 16)
    shares = np.array([0.5, 1 / 3, 0.8])[:, np.newaxis]
    plain = claims.threshold(numbers)
    assert (np.diff(plain) >= 0).all()
    np.testing.assert_array_equal(claims.threshold(numbers, 0.5), plain)
    weighted = claims.threshold(numbers, shares)
    assert weighted.shape == (3, 15)
    np.testing.assert_array_equal(weighted[0], plain)
    each = [law.threshold(GRID, share) for share in shares for law in laws]
    for found, expected in zip(weighted, np.reshape(each, (3, 15)), strict=True):
        np.testing.assert_array_equal(np.sort(found), np.sort(expected))
    # As many as hold one after the other, and a half.
    top, other = np.array([1.0, 2.0, 4.0]), np.array([-1.2, -2.0, -4.5])
    for weight in (1.0, 2.0):
        radius = claims.radius(top, other, weight, 1.0)
        of_law = np.stack([law.radius(top, other, weight, 1.0) for law in laws])
        for at, count in enumerate(radius - 0.5):
            holds = (GRID < of_law[:, [at]]).ravel()[claims.order]
            assert count == np.argmin(np.append(holds, False))
    np.testing.assert_array_equal(
        claims.radius(top, other), claims.radius(top, other, 1.0, 1.0)
    )
