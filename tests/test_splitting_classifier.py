# SPDX-License-Identifier: BSD-3-Clause
"""Splitting noise through `SmoothedClassifier`: exact on whole numbers."""

import itertools

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import CertificateLog, SmoothedClassifier, read_certificates, recertify
from sksmooth.metrics import classwise_report
from sksmooth.noise import Splitting

SIGMA = 5 / (2 * 3**0.5)
DOMAIN = np.array(list(itertools.product(range(5), repeat=3)), float)
DISTANCES = np.abs(DOMAIN[:, np.newaxis] - DOMAIN).sum(axis=2)


def random_function(seed):
    rng = np.random.default_rng(seed)
    hidden, output = rng.normal(size=(3, 8)), rng.normal(size=(8, 3))
    return lambda X: np.argmax(np.tanh(np.asarray(X) @ hidden) @ output, axis=1)


def smooth(seed=0, **params):
    params = {"noise": "splitting", "sigma": SIGMA, "random_state": 0} | params
    return SmoothedClassifier.from_fitted(
        random_function(seed), classes=[0, 1, 2], **params
    )


@pytest.fixture(scope="module")
def fitted():
    y = random_function(1)(DOMAIN)
    clf = SmoothedClassifier(
        GaussianNB(), noise="splitting", sigma=SIGMA, random_state=0
    )
    return clf.fit(DOMAIN, y)


@pytest.mark.parametrize("weights", [None, {1: 0.7, 2: 2.3}])
def test_no_whole_sample_within_the_radius_has_another_label(weights):
    n_tight = 0
    for seed in range(20):
        clf = smooth(seed, vote_weights=weights)
        certificates = clf.certify(DOMAIN)
        assert (certificates.method, certificates.alpha) == ("exact", 0.0)
        assert (certificates.norm, certificates.slack) == (1, 0.0)
        assert not certificates.abstained.any()
        other = certificates.label[:, np.newaxis] != certificates.label
        nearest = np.where(other, DISTANCES, np.inf).min(axis=1)
        assert (nearest > certificates.radius).all()
        n_tight += np.sum(nearest == certificates.radius + 1)
        assert (clf.predict(DOMAIN) == certificates.label).all()
    assert n_tight > 200


def test_certificates_on_whole_numbers_say_so(fitted):
    certificates = fitted.certify(DOMAIN[:20])
    assert "whole steps" in repr(certificates)
    report = classwise_report(fitted.predict(DOMAIN[:20]), certificates)
    assert "of which samples are whole multiples" in " ".join(str(report).split())
    assert certificates.holds_for([0.0, 0.0, 0.0]).all()
    one = certificates.holds_for([1.0, 0.0, 0.0])
    np.testing.assert_array_equal(one, certificates.radius >= 1)
    with pytest.raises(ValueError, match="parts of a unit"):
        certificates.holds_for([0.5, 0.0, 0.0])


def test_multiples_of_a_unit_are_whole_in_units_of_feature_scale():
    unit = np.array([0.1, 1 / 16, 3.0])
    base = make_pipeline(StandardScaler(), GaussianNB())
    clf = SmoothedClassifier(base, noise="splitting", sigma=SIGMA)
    y = random_function(1)(DOMAIN)
    expected = clf.fit(DOMAIN, y).certify(DOMAIN)
    clf.set_params(feature_scale=unit).fit(DOMAIN * unit, y)
    found = clf.certify(DOMAIN * unit)
    assert found.method == "exact"
    np.testing.assert_array_equal(found.radius, expected.radius)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(
        found.holds_for(unit * [1, 0, 0]), expected.holds_for([1, 0, 0])
    )


def test_sampled_certificates_claim_no_more_than_exact_ones(fitted):
    exact = fitted.certify(DOMAIN)
    fitted.set_params(method="monte_carlo", n_certify=500)
    sampled = fitted.certify(DOMAIN)
    fitted.set_params(method="auto", n_certify=10_000)
    assert sampled.method == "monte_carlo"
    shown = ~sampled.abstained
    # Each may fail with probability 0.001: more than 3 of 125 do with 1e-5.
    wrong = shown & (sampled.label != exact.label)
    # Between whole radii nothing changes, and ties at the exact one are for the label.
    wrong |= shown & (np.floor(sampled.radius) > exact.radius)
    assert wrong.sum() <= 3
    assert shown.mean() > 0.7
    again = recertify(sampled, alpha=0.01)
    assert (again.radius >= sampled.radius).all()


def test_values_between_are_sampled_where_the_training_samples_have_them():
    X = DOMAIN + 0.25
    clf = SmoothedClassifier(GaussianNB(), noise="splitting", sigma=SIGMA)
    clf.fit(X, random_function(1)(DOMAIN))
    assert clf.vote_source(X).method == "monte_carlo"
    with pytest.raises(ValueError, match="feature_scale"):
        clf.set_params(method="exact").certify(X)


def test_values_between_are_refused_where_training_samples_are_whole(fitted):
    with pytest.raises(ValueError, match=r"0\.5, which is not a whole multiple"):
        fitted.certify([[0.5, 1.0, 2.0]])


def test_where_nothing_was_learned_the_method_says_what_samples_are():
    whole, between = [1.0, 2.0, 3.0], [1.5, 2.0, 3.0]
    clf = smooth(n_certify=200)
    assert clf.certify([whole]).method == "exact"
    for X in ([between], [whole, between]):
        with pytest.raises(ValueError, match=r"Sample \d of X is not .*monte_carlo"):
            clf.certify(X)
    halves = FrozenEstimator(GaussianNB().fit(DOMAIN, random_function(1)(DOMAIN)))
    halves = SmoothedClassifier.from_fitted(
        halves, noise="splitting", sigma=SIGMA, feature_scale=[0.5, 0.5, 0.5]
    )
    assert halves.certify([whole, between]).method == "exact"
    clf = smooth(n_certify=200, method="monte_carlo")
    both = clf.certify([whole, between])
    assert both.method == "monte_carlo"
    assert clf.certify([whole]) == both[[0]]
    assert clf.certify([between]) == both[[1]]


def test_cells_of_less_than_two_units_are_refused():
    with pytest.raises(ValueError, match=r"sigma >= 0\.577"):
        smooth(sigma=0.4).certify(DOMAIN[:2])


def test_neither_the_batch_nor_other_samples_matter(fitted):
    whole = fitted.certify(DOMAIN)
    fitted.set_params(batch_size=3, n_jobs=2)
    some = fitted.certify(DOMAIN[::-7])
    fitted.set_params(batch_size=8192, n_jobs=None)
    assert some == whole[np.arange(len(DOMAIN))[::-7]]


def test_radii_asked_for(fitted):
    radius = fitted.certify(DOMAIN).radius
    asked = fitted.certify(DOMAIN, radii=[0.0, 1.0, 1.5])
    np.testing.assert_array_equal(
        asked.radius, np.select([radius >= 1.5, radius >= 1], [1.5, 1.0], 0.0)
    )
    assert asked.abstained.sum() == 0


def test_a_log_goes_on_and_is_read_back(fitted, tmp_path):
    log = CertificateLog(tmp_path / "log.tsv", y=random_function(1)(DOMAIN))
    certificates = fitted.certify(DOMAIN, log=log)
    text = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(text[:40]))
    assert fitted.certify(DOMAIN, log=log) == certificates
    assert log.path.read_text() == "".join(text)
    found, _ = read_certificates(log.path)
    assert found == certificates
    law = Splitting(SIGMA, whole=True)
    np.testing.assert_array_equal(
        law.counted_radius(found.counts, found.label), found.radius
    )
