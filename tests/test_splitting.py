# SPDX-License-Identifier: BSD-3-Clause
"""Splitting noise: all copies listed, certificates by brute force."""

import itertools
from collections import Counter

import numpy as np
import pytest

from sksmooth import Certificates
from sksmooth.noise import Gaussian, Splitting
from sksmooth.questions import CertifyAtRadii, CertifyRadius, CountVotes, DecideLabel
from sksmooth.votes import Declined, Model
from sksmooth.votes.exact._enumerated import EnumeratedVotes

TOP, N_FEATURES, WIDTH = 4, 3, 5
DOMAIN = np.array(list(itertools.product(range(TOP + 1), repeat=N_FEATURES)), float)
DISTANCES = np.abs(DOMAIN[:, np.newaxis] - DOMAIN).sum(axis=2)
LAW = Splitting.of_width(
    WIDTH, low=[0.0] * N_FEATURES, high=[float(TOP)] * N_FEATURES, whole=True
)


class RandomClassifier:
    """Any labels, as a function of the noisy copy."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.hidden = rng.normal(size=(N_FEATURES, 8))
        self.output = rng.normal(size=(8, 3))
        self.classes_ = np.arange(3)

    def predict(self, X):
        return np.argmax(np.tanh(X @ self.hidden) @ self.output, axis=1)


def source(seed=0, law=LAW, batch_size=64):
    classifier = RandomClassifier(seed)
    return EnumeratedVotes(Model(classifier, np.arange(3), law, bytes(32), batch_size))


def certify(seed=0, weights=None, **settings):
    settings = {
        "n_max": 1, "alpha": 0.1, "bound": "multiclass", "slack": 0.0, "beta": 0.0,
    } | settings  # fmt: skip
    if "radii" in settings:
        return CertifyAtRadii(law=LAW, weights=weights, **settings)
    return CertifyRadius(law=LAW, weights=weights, tol=0.05, **settings)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.7, 2.3])])
def test_no_sample_within_the_radius_has_another_label(weights):
    n_tight = 0
    for seed in range(60):
        answers = source(seed).answer(certify(weights=weights), DOMAIN)
        other = answers.label[:, np.newaxis] != answers.label
        nearest = np.where(other, DISTANCES, np.inf).min(axis=1)
        assert (nearest > answers.radius).all()
        n_tight += np.sum(nearest == answers.radius + 1)
        assert not answers.abstained.any()
    # The bound on the change of votes is met by a good part of these few samples.
    assert n_tight > 1000


@pytest.mark.parametrize("weights", [None, (1.0, 0.7, 2.3)])
@pytest.mark.parametrize("against", [[0], [1]])
def test_no_sample_within_the_radius_against_classes_has_one_of_them(weights, against):
    n_gained = 0
    for seed in range(20):
        factor = None if weights is None else np.array(weights)
        answers = vars(source(seed).answer(certify(weights=factor), DOMAIN))
        del answers["label_counts"]
        certificates = Certificates(
            **answers, classes=[0, 1, 2], sigma=LAW.sigma, noise="splitting", norm=1,
            alpha=0.0, method="exact", vote_weights=weights,
        )  # fmt: skip
        radius = certificates.radius_against(against)
        bad = np.isin(certificates.label, against)
        nearest = np.where(bad, DISTANCES, np.inf).min(axis=1)
        assert (nearest[~bad] > radius[~bad]).all()
        assert not radius[bad].any()
        assert (radius[~bad] >= certificates.radius[~bad]).all()
        n_gained += np.sum(radius > certificates.radius)
    assert n_gained > 0


def test_a_step_of_one_unit_changes_at_most_one_copy():
    copies = [Counter(map(bytes, LAW.enumerate(row))) for row in DOMAIN]
    n_changed = 0
    for a, b in np.argwhere(DISTANCES == 1):
        kept = sum((copies[a] & copies[b]).values())
        assert kept >= WIDTH - 1
        n_changed += kept < WIDTH
    assert n_changed > 0


def test_the_radius_is_the_largest_that_counts_allow():
    rng = np.random.default_rng(0)
    counts = rng.multinomial(WIDTH * 4, [0.6, 0.3, 0.1], size=200)
    for weights in (None, np.array([1.0, 3.0, 0.5]), np.array([0.1, 0.3, 0.3])):
        factor = np.ones(3) if weights is None else weights
        label = np.argmax(counts * factor, axis=1)
        radius = LAW.counted_radius(counts, label, weights)
        for row, a, r in zip(counts, label, radius, strict=True):
            for extra, stays in ((0, True), (1, False)):
                worst = row + r + extra
                worst[a] = row[a] - r - extra
                assert (np.argmax(worst * factor) == a) == stays


def test_equal_votes_go_to_the_first_class():
    counts = np.array([[3, 3, 0], [4, 3, 0], [3, 4, 0], [5, 3, 0], [3, 5, 0]])
    label = np.argmax(counts, axis=1)
    assert LAW.counted_radius(counts, label).tolist() == [0, 0, 0, 1, 0]


def test_radii_that_are_given_are_shown_or_not():
    within = source().answer(certify(), DOMAIN).radius
    answers = source().answer(certify(radii=np.array([0.5, 1.0, 2.0])), DOMAIN)
    expected = np.where(within >= 2, 2.0, np.where(within >= 1, 1.0, 0.0))
    assert np.array_equal(answers.radius, expected)
    assert np.array_equal(answers.abstained, within < 0.5)


def test_labels_and_shares_are_those_of_all_copies():
    counts = source().count(DOMAIN)
    assert (counts.sum(axis=1) == WIDTH).all()
    labels = source().answer(DecideLabel(10, 0.1), DOMAIN)
    assert np.array_equal(labels.label, np.argmax(counts, axis=1))
    shares = source().answer(CountVotes(10), DOMAIN)
    assert np.array_equal(shares.shares, counts / WIDTH)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10_000])
def test_batches_do_not_matter(batch_size):
    finished = []
    counts = source(batch_size=batch_size).count(DOMAIN, finished.append)
    assert np.array_equal(counts, source().count(DOMAIN))
    assert sum(finished) == len(DOMAIN)


def test_sampled_votes_are_of_the_same_copies():
    row = np.array([1.0, 4.0, 2.0])
    out = np.empty((2000, 3))
    LAW.perturb(row, np.random.default_rng(0), out)
    every = {bytes(copy) for copy in LAW.enumerate(row)}
    assert {bytes(copy) for copy in out} == every


def test_units_scale_everything():
    unit = np.array([1 / 16, 0.1, 3.0])
    law = Splitting.of_width(
        WIDTH, scale=unit, low=[0.0] * 3, high=(TOP * unit).tolist(), whole=True
    )
    for row in DOMAIN[::7]:
        snapped = law.snap(row * unit)
        expected = LAW.enumerate(row) * unit
        np.testing.assert_allclose(law.enumerate(snapped), expected, rtol=1e-15)


def test_values_outside_the_range_count_as_its_ends():
    inside, outside = [0.0, 4.0, 2.0], [-3.0, 9.0, 2.0]
    assert np.array_equal(LAW.enumerate(inside), LAW.enumerate(outside))


@pytest.mark.parametrize(("end", "outside"), [("low", -3.0), ("high", 9.0)])
def test_a_range_may_have_one_end(end, outside):
    law = Splitting(WIDTH, n_features=1, whole=True, **{end: [2.0]})
    assert np.array_equal(law.enumerate([2.0]), law.enumerate([outside]))
    assert not np.array_equal(law.enumerate([2.0]), law.enumerate([4.0 - outside]))


def test_copies_of_real_samples_differ_with_the_stated_probability():
    law = Splitting(0.3, n_features=3, low=[0.0] * 3, high=[1.0] * 3)
    rng = np.random.default_rng(0)
    n = 4000
    for _ in range(30):
        here = rng.random(3)
        there = np.clip(here + 0.3 * rng.dirichlet(np.ones(3)), 0, 1)
        here, there = law.snap(here), law.snap(there)
        copies = np.empty((2, n, 3))
        for row, out in zip((here, there), copies, strict=True):
            law.perturb(row, np.random.default_rng(1), out)
        differ = np.any(copies[0] != copies[1], axis=1).mean()
        bound = law.distance(np.abs(here - there).sum())
        assert differ <= bound + 5 * np.sqrt(bound * (1 - bound) / n)
    assert (copies >= 0).all() and (copies <= 1).all()


def test_a_value_that_is_not_whole_is_refused():
    with pytest.raises(ValueError, match=r"0\.3, which is not a whole multiple"):
        LAW.snap([[1.0, 0.3, 2.0]])


def test_cells_of_one_unit_are_refused():
    with pytest.raises(ValueError, match="less than two units"):
        Splitting(0.25, whole=True)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([0.0], [1.0, 2.0], "low has 1 values and high has 2"),
        ([0.0, 3.0], [1.0, 2.0], "low=3 exceeds high=2 at feature 1"),
        ([np.nan], [1.0], "low=.* must be a list of numbers"),
        (0.0, 1.0, "low=0.0 must be a list of numbers"),
    ],
)
def test_a_range_that_is_none_is_refused(low, high, message):
    with pytest.raises(ValueError, match=message):
        Splitting(1.0, low=low, high=high)


@pytest.mark.parametrize("law", [Gaussian(1.0), Splitting(1.0)])
def test_other_laws_have_too_many_copies(law):
    with pytest.raises(Declined, match="more noisy copies"):
        source(law=law)
    with pytest.raises(TypeError, match="more noisy copies"):
        law.enumerate(np.zeros(3))
