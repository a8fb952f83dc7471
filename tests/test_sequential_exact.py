# SPDX-License-Identifier: BSD-3-Clause
"""The sequential procedures, exactly: no simulation, every probability is computed.

Two ways. Over the decision tables, dynamic programming carries the law of a count from
look to look. And the procedures themselves are run once on every way in which a small
number of votes can fall out; that run is then weighted by the law of the votes.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.signal import fftconvolve
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import binom

from sksmooth.bounds import ThresholdTest, geometric_looks
from sksmooth.noise import Gaussian, Stage
from sksmooth.questions import (
    CertifyAtRadii,
    CertifyRadius,
    DecideLabel,
    VoteRadius,
    _certify_at_radii,
)
from sksmooth.votes import run
from tests.known_votes import compositions, multinomial_law

Z = (0, 0.25, 0.5, 1, 2, 3)
CAPS = (10**4, 10**5)
# What the Fourier transforms of the recursion add to a probability, with room to spare.
ROUNDING = 1e-11


# Over the tables


def run_table(test, p, n_classes):
    """Probability to be shown, per class, and expected number of votes.

    Parameters
    ----------
    test : ThresholdTest
        With a single threshold.
    p : float
        Probability of class 0.
    n_classes : {1, 2}
        With 2, the law of `CertifyAtRadii` for two classes: it asks about the leader.
        With 1, class 0 is asked about at every look, whether it leads or not.
    """
    law, drawn, expected, shown = np.ones(1), 0, 0.0, np.zeros(2)
    for look, accept, hopeless in zip(
        test.looks, test.accept, test.hopeless, strict=True
    ):
        size = look - drawn
        expected += size * law.sum()
        step = binom.pmf(np.arange(size + 1), size, p)
        law = np.maximum(fftconvolve(law, step), 0)
        count = np.arange(look + 1)
        leader = count if n_classes == 1 else np.maximum(count, look - count)
        accepted = leader >= accept
        shown[0] += law[accepted & (count == leader)].sum()
        shown[1] += law[accepted & (count != leader)].sum()
        law[accepted | (leader <= hopeless)] = 0
        drawn = look
    return shown, expected


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("z", Z)
def test_a_class_at_the_threshold_is_shown_within_its_budget(z, alpha, cap):
    """Within alpha * q, not only alpha: that is what makes the choice of class free."""
    q = ndtr(z)
    test = ThresholdTest.build(ndtr(-z), cap, alpha, 0.0)
    shown, _ = run_table(test, q, 1)
    assert shown.sum() <= alpha * q + ROUNDING
    assert shown.sum() > 0.2 * alpha * q  # the level is used
    # Giving up early can only help.
    hurried = ThresholdTest.build(ndtr(-z), cap, alpha, 0.05)
    np.testing.assert_array_equal(hurried.accept, test.accept)
    assert run_table(hurried, q, 1)[0].sum() <= shown.sum() + ROUNDING


@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("z", Z)
def test_a_class_below_the_threshold_is_shown_within_its_share_of_alpha(z, alpha):
    """At most alpha * p for every p <= q, so that the classes' failures sum to alpha.

    Also below 1/2, where weights put thresholds.
    """
    for q in (ndtr(z), ndtr(-z)):
        test = ThresholdTest.build(1 - q, 10**4, alpha, 0.0)
        for share in (1, 0.999, 0.99, 0.95, 0.9, 0.75, 0.5, 0.1):
            shown, _ = run_table(test, share * q, 1)
            assert shown.sum() <= alpha * share * q + ROUNDING


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("z", Z)
def test_two_classes_that_tie_or_sit_at_the_threshold(z, alpha, cap):
    """The procedure for two classes: at a tie both labels are wrong."""
    test = ThresholdTest.build(ndtr(-z), cap, alpha, 0.0)
    shown, _ = run_table(test, ndtr(z), 2)
    assert shown.sum() <= alpha + ROUNDING


# Threshold and probability of the leader.
PAIRS = ((0.5, 0.62), (0.69, 0.79), (0.841, 0.903), (0.977, 0.989))


def information_limit(q, p, alpha):
    """No test of p <= q with error alpha needs fewer votes in the mean."""
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return np.log(1 / alpha) / divergence


@pytest.mark.parametrize("beta", [0.0, 0.05])
@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize(("q", "p"), PAIRS)
def test_expected_votes_are_close_to_the_information_limit(q, p, cap, beta):
    """At the default alpha; it hardly matters whether hopeless rows are given up."""
    alpha = 0.001
    test = ThresholdTest.build(1 - q, cap, alpha, beta)
    shown, expected = run_table(test, p, 2)
    assert shown[0] > 0.99
    assert expected <= 1.6 * information_limit(q, p, alpha)


@pytest.mark.parametrize("q", [0.5, 0.841])
def test_the_table_is_what_the_procedure_follows(q):
    """Votes spent by `CertifyAtRadii` on two classes have the expected mean."""
    p, cap, alpha, n_rows = {0.5: 0.53, 0.841: 0.86}[q], 10**4, 0.01, 20_000
    test = ThresholdTest.build(1 - q, cap, alpha, 0.05)
    shown, expected = run_table(test, p, 2)
    rng = np.random.default_rng(0)
    found = run(
        CertifyAtRadii(
            radii=np.array([ndtri(q)]),
            law=Gaussian(1.0),
            n_max=cap,
            alpha=alpha,
            bound="binary",
            weights=None,
            slack=0.0,
            beta=0.05,
        ).from_votes(n_rows, 2),
        SimulatedVotes(np.array([p, 1 - p]), rng),
        n_rows,
    )
    votes = found.n_evaluations
    error = votes.std() / np.sqrt(n_rows)
    assert abs(votes.mean() - expected) < 5 * error
    held = ~found.abstained & (found.label == 0)
    error = np.sqrt(shown[0] * (1 - shown[0]) / n_rows)
    assert abs(held.mean() - shown[0]) < 5 * error


class SimulatedVotes:
    """Votes of rows with probabilities p, of shape (n_classes,) or one line per row."""

    def __init__(self, p, rng):
        self.p, self.rng = p, rng

    def draw(self, rows, sizes, stage):
        return self.rng.multinomial(sizes, self.p[rows] if self.p.ndim > 1 else self.p)


# Over every path


class EveryPath:
    """Rows that between them see every outcome of votes drawn in given portions.

    The law of a row is the product of the laws of its portions, so one run of a
    procedure serves every vector of vote probabilities.
    """

    def __init__(self, portions, n_classes):
        self._portions = portions
        self._outcomes = [compositions(n, n_classes) for n in portions]
        shape = [len(outcomes) for outcomes in self._outcomes]
        self._index = np.indices(shape).reshape(len(portions), -1)
        self.n_rows = self._index.shape[1]
        self._round = 0

    def draw(self, rows, sizes, stage):
        assert np.all(sizes == self._portions[self._round])
        votes = self._outcomes[self._round][self._index[self._round, rows]]
        self._round += 1
        return votes

    def probability(self, event, p):
        """Probability of the rows where `event` is true, for each p."""
        laws = [multinomial_law(outcomes, p) for outcomes in self._outcomes]
        # From the last portion on: how likely, given the portions before.
        left = event.reshape(-1, laws[-1].shape[1]).astype(float) @ laws[-1].T
        for law in reversed(laws[:-1]):
            left = np.einsum("rop,po->rp", left.reshape(-1, law.shape[1], len(p)), law)
        return left[0]


def claim_is_false(p, weights, label, radius):
    """Whether some base classifier with vote probabilities p voids the claim.

    Moved by `radius` at sigma 1, the class keeps no less than the left side and another
    gains no more than the right side; half-spaces attain both. A tie voids it.
    """
    with np.errstate(divide="ignore"):
        probit = ndtri(p)
    kept = weights[label] * ndtr(probit[:, label] - radius)
    gained = weights * ndtr(probit + radius)
    gained[:, label] = -1.0
    return kept * (1 - 1e-12) <= gained.max(axis=1)


def threatening_votes(n_classes, weights, radii):
    """Vote probabilities where a claim is just false, and a grid of the simplex."""
    found = [compositions(10, n_classes) / 10]
    for radius in radii:
        for a, b in itertools.permutations(range(n_classes), 2):
            v, w = weights[a], weights[b]
            # What both come to at the far end of the radius, up to all there is.
            level = np.append(np.linspace(0.02, 0.98, 15), v / (v + w))
            level = level[w * level / v < 1]
            top = ndtr(ndtri(w * level / v) + radius)
            other = ndtr(ndtri(level) - radius)
            rest = 1 - top - other
            p = np.zeros((len(level), n_classes))
            p[:, a], p[:, b] = top, other
            unused = [c for c in range(n_classes) if c not in (a, b)]
            if unused:
                p[:, unused] = rest[:, np.newaxis] / len(unused)
            else:
                rest = np.where(level == v / (v + w), 0, -1)
            found.append(p[rest >= -1e-12])
    p = np.clip(np.vstack(found), 0, None)
    return p / p.sum(axis=1, keepdims=True)


SETTINGS = [
    # n_classes, most votes, weights
    (2, 54, None),
    (2, 54, (1.0, 4.0)),
    (3, 30, None),
    (3, 24, (1.0, 1.0, 3.0)),
    (3, 24, (4.0, 1.0, 0.3)),
]


@pytest.mark.parametrize("alpha", [0.05, 0.3])
@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize(("n_classes", "n_max", "weights"), SETTINGS)
def test_certify_at_radii_fails_with_probability_at_most_alpha(
    n_classes, n_max, weights, bound, alpha
):
    """Whatever the vote probabilities, whatever the votes: all paths are summed."""
    radii = np.array([0.0, 0.1, 0.4, 0.7])
    paths = EveryPath(np.diff(geometric_looks(n_max), prepend=0), n_classes)
    used = None if weights is None else np.array(weights)
    procedure = CertifyAtRadii(
        radii=radii,
        law=Gaussian(1.0),
        n_max=n_max,
        alpha=alpha,
        bound=bound,
        weights=used,
        slack=0.0,
        beta=0.0,
    ).from_votes(paths.n_rows, n_classes)
    found = run(procedure, paths, paths.n_rows)
    used = np.ones(n_classes) if weights is None else used
    p = threatening_votes(n_classes, used, radii)
    failure = np.zeros(len(p))
    for label, radius in itertools.product(range(n_classes), radii):
        claimed = ~found.abstained & (found.label == label)
        claimed &= found.radius == radius
        false = claim_is_false(p, used, label, radius)
        if claimed.any() and false.any():
            failure[false] += paths.probability(claimed, p[false])
    assert failure.max() <= alpha * (1 + 1e-9)
    assert failure.max() > alpha / 10  # the probabilities tried are a threat


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("n_max", [1, 30, 10**4])
def test_at_radii_the_tests_spend_alpha_and_no_more(
    monkeypatch, n_max, n_classes, bound
):
    """By the union bound of the proof, which is too loose to see it in any failure."""
    spent = []

    class Counted(VoteRadius):
        def __init__(self, law, alpha_top, alpha_other, weights):
            spent.append(n_classes * alpha_top + 2 * alpha_other)
            super().__init__(law, alpha_top, alpha_other, weights)

    class CountedTest(ThresholdTest):
        @classmethod
        def build(cls, miss, n_max, alpha, beta):
            spent.append(alpha)
            return super().build(miss, n_max, alpha, beta)

    monkeypatch.setattr(_certify_at_radii, "VoteRadius", Counted)
    monkeypatch.setattr(_certify_at_radii, "ThresholdTest", CountedTest)
    procedure = CertifyAtRadii(
        radii=np.array([0.0, 0.5]),
        law=Gaussian(1.0),
        n_max=n_max,
        alpha=0.05,
        bound=bound,
        weights=None,
        slack=0.0,
        beta=0.05,
    ).from_votes(1, n_classes)
    run(procedure, SimulatedVotes(np.eye(n_classes)[0], np.random.default_rng(0)), 1)
    one_look = n_max == 1 and len(spent) > 1  # of the pairs only the last look's half
    assert sum(spent) == pytest.approx(0.05 * (0.875 if one_look else 1))


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize(("n_classes", "n_max", "weights"), SETTINGS)
def test_at_radii_slack_is_asked_for_on_top_of_each_radius(
    n_classes, n_max, weights, bound
):
    """But not of radius 0, which speaks of the row alone."""
    found = []
    n_max = min(n_max, 18)  # an identity: as true of few votes as of many
    for radii, slack in (([0.0, 0.125, 0.5], 0.25), ([0.0, 0.375, 0.75], 0.0)):
        paths = EveryPath(np.diff(geometric_looks(n_max), prepend=0), n_classes)
        procedure = CertifyAtRadii(
            radii=np.array(radii),
            law=Gaussian(1.0),
            n_max=n_max,
            alpha=0.3,
            bound=bound,
            weights=None if weights is None else np.array(weights),
            slack=slack,
            beta=0.05,
        ).from_votes(paths.n_rows, n_classes)
        result = run(procedure, paths, paths.n_rows)
        found.append(replace(result, radius=np.searchsorted(radii, result.radius)))
    given, added = found
    for name, values in vars(given).items():
        np.testing.assert_array_equal(values, getattr(added, name))
    assert set(given.radius) == {0, 1, 2}


@pytest.mark.parametrize("alpha", [0.05, 0.3])
@pytest.mark.parametrize(("n_classes", "n_max", "weights"), SETTINGS)
def test_predict_stops_wrongly_with_probability_at_most_alpha(
    n_classes, n_max, weights, alpha
):
    """Where classes tie one of them is right, whichever, and the others are wrong.

    Without weights the level is kept even if all that tie count as wrong.
    """
    paths = EveryPath(np.diff(geometric_looks(n_max), prepend=0), n_classes)
    used = None if weights is None else np.array(weights)
    procedure = DecideLabel(n_max=n_max, alpha=alpha, weights=used).from_votes(
        paths.n_rows, n_classes
    )
    found = run(procedure, paths, paths.n_rows)
    used = np.ones(n_classes) if weights is None else used
    p = threatening_votes(n_classes, used, [0.0])
    stopped = found.n_evaluations < n_max
    decided = np.transpose(
        [
            paths.probability(stopped & (found.label == label), p)
            for label in range(n_classes)
        ]
    )
    score = used * p
    best = score >= score.max(axis=1, keepdims=True) * (1 - 1e-9)
    if weights is None:
        unique = best & (best.sum(axis=1) == 1)[:, np.newaxis]
        failure = (decided * ~unique).sum(axis=1)
    else:
        others = decided.sum(axis=1, keepdims=True) - decided
        failure = (others * best).max(axis=1)
    assert failure.max() <= alpha * (1 + 1e-9)
    assert failure.max() > alpha / 10


class EveryEstimate:
    """Every outcome of a pilot, and of the votes that follow it, however many."""

    def __init__(self, n_pilot, n_max, n_classes):
        self._n_classes = n_classes
        self.pilots = compositions(n_pilot, n_classes)
        n_estimates = len(compositions(n_max, n_classes))
        shape = (len(self.pilots), n_estimates)
        self.pilot_index, self._estimate_index = np.indices(shape).reshape(2, -1)
        self.n_rows = len(self.pilot_index)
        # A row too many for the votes that its pilot plans; or none are planned.
        self.exists = self._estimate_index == 0

    def draw(self, rows, sizes, stage):
        if stage == Stage.PILOT:
            assert np.all(sizes == self.pilots[0].sum())
            return self.pilots[self.pilot_index[rows]]
        votes = np.zeros((len(rows), self._n_classes), dtype=int)
        for size in np.unique(sizes):
            outcomes = compositions(size, self._n_classes)
            at = np.flatnonzero(sizes == size)
            index = self._estimate_index[rows[at]]
            self.exists[rows[at]] = index < len(outcomes)
            votes[at] = outcomes[np.minimum(index, len(outcomes) - 1)]
        return votes


def largest_true_radius(p, weights, label):
    """Root of what `claim_is_false` asks; negative where the class is not ahead."""
    with np.errstate(divide="ignore"):
        probit = np.clip(ndtri(p), -30, 30)

    def lead(radius, c):
        kept = np.log(weights[label]) + log_ndtr(probit[label] - radius)
        return kept - np.log(weights[c]) - log_ndtr(probit[c] + radius)

    others = [c for c in range(len(p)) if c != label]
    return min(brentq(lead, -200, 200, args=(c,), xtol=1e-13) for c in others)


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize(
    ("n_classes", "n_max", "tol", "weights"),
    [
        (2, 300, 0.05, None),
        (2, 300, 0.05, (1.0, 4.0)),
        (2, 200, 0.0, None),
        (3, 14, 0.05, None),
        (3, 14, 0.05, (1.0, 1.0, 3.0)),
    ],
)
def test_certify_fails_with_probability_at_most_alpha(
    n_classes, n_max, tol, weights, bound
):
    """Pilot and estimate together, over all of their outcomes."""
    alpha = 0.05
    paths = EveryEstimate(32 if tol > 0 else 100, n_max, n_classes)
    used = None if weights is None else np.array(weights)
    procedure = CertifyRadius(
        law=Gaussian(1.0),
        n_max=n_max,
        alpha=alpha,
        bound=bound,
        weights=used,
        slack=0.0,
        tol=tol,
        beta=0.0,
    ).from_votes(paths.n_rows, n_classes)
    found = run(procedure, paths, paths.n_rows)
    counts, exists = found.counts, paths.exists
    assert counts.sum(axis=1)[exists].min() > 0
    used = np.ones(n_classes) if weights is None else used
    p = threatening_votes(n_classes, used, [0.0, 0.3])
    if n_classes == 2:
        # Just below a bound that the votes may come to.
        reported = np.unique(found.p_lower[exists])
        reported = reported[reported > 0.05][::7] - 1e-9
        p = np.vstack([p, np.transpose([reported, 1 - reported])])
    failure = np.zeros(len(p))
    below = np.zeros(len(p))
    rows = np.flatnonzero(exists)
    label, radius = found.label[rows], found.radius[rows]
    lower, certified = found.p_lower[rows], ~found.abstained[rows]
    outcomes, at = np.unique(
        counts[rows] @ 1000 ** np.arange(n_classes), return_inverse=True
    )
    outcomes = outcomes[:, np.newaxis] // 1000 ** np.arange(n_classes) % 1000
    pilot_laws = multinomial_law(paths.pilots, p)
    for i, vote in enumerate(p):
        law = pilot_laws[i][paths.pilot_index[rows]]
        law *= multinomial_law(outcomes, vote[np.newaxis])[0][at]
        assert law.sum() == pytest.approx(1)
        true = np.array([largest_true_radius(vote, used, c) for c in range(n_classes)])
        failure[i] = law[certified & (radius >= true[label])].sum()
        below[i] = law[lower > vote[label]].sum()
    assert failure.max() <= alpha * (1 + 1e-6)
    assert below.max() <= alpha * (1 + 1e-6)
    assert failure.max() > alpha / 10


@pytest.mark.parametrize("weights", [None, (1.0, 1.0, 3.0)])
def test_slack_is_taken_off_each_radius(weights):
    """A row whose whole radius it takes still has its label."""
    found = []
    for slack in (0.0, 0.2):
        rng = np.random.default_rng(0)
        procedure = CertifyRadius(
            law=Gaussian(1.0),
            n_max=500,
            alpha=0.05,
            bound="multiclass",
            weights=None if weights is None else np.array(weights),
            slack=slack,
            tol=0.05,
            beta=0.05,
        ).from_votes(300, 3)
        p = rng.dirichlet([1, 1, 1], 300)
        found.append(run(procedure, SimulatedVotes(p, rng), 300))
    without, with_slack = found
    radius = with_slack.radius
    np.testing.assert_array_equal(radius, np.maximum(without.radius - 0.2, 0.0))
    for name, values in vars(replace(without, radius=radius)).items():
        np.testing.assert_array_equal(values, getattr(with_slack, name))
    assert np.any(~without.abstained & (radius == 0))
    assert np.any(radius > 0)
