# SPDX-License-Identifier: BSD-3-Clause
"""Certificates at another alpha, from votes that were kept."""

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sksmooth import (
    CertificateLog,
    Certificates,
    SmoothedClassifier,
    read_certificates,
    recertify,
    write_field_tsv,
)
from tests.known_votes import Strips, assert_at_most
from tests.logged_runs import rows, smoothed

X, _ = rows(60)
ALPHAS = (0.3, 0.05, 0.001, 1e-6)
HEAVY = (2.0, 0.5, 1.0)


@cache
def certified(weights=None, alpha=0.001, **asked):
    """Certificates of all rows; the batch size changes none of them."""
    clf = smoothed(vote_weights=weights, alpha=alpha, n_certify=500, batch_size=2**14)
    return clf.certify(X, **asked)


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("weights", [None, HEAVY])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_it_says_what_certify_says_of_the_same_votes(bound, weights, alpha):
    """With tol=0 the pilot and the number of votes do not depend on alpha."""
    certificates = certified(weights, tol=0)
    asked = smoothed(
        vote_weights=weights, n_certify=500, bound=bound, alpha=alpha, batch_size=2**14
    ).certify(X, tol=0)
    by_class = None if weights is None else {0: 2.0, 1: 0.5}
    again = recertify(certificates, alpha=alpha, bound=bound, vote_weights=by_class)
    assert again == asked


def test_with_nothing_changed_nothing_changes():
    certificates = certified()
    assert recertify(certificates) == certificates


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("weights", [None, [1.0, 3.0, 1.0]])
def test_less_risk_is_less_radius(bound, weights):
    certificates = certified()
    again = [
        recertify(certificates, alpha=alpha, bound=bound, vote_weights=weights)
        for alpha in ALPHAS
    ]
    for looser, stricter in itertools.pairwise(again):
        assert (looser.radius >= stricter.radius).all()
        assert (looser.p_lower >= stricter.p_lower).all()
        assert (looser.abstained <= stricter.abstained).all()
        assert stricter.radius.sum() < looser.radius.sum()


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 1.0]])
@pytest.mark.parametrize("tol", [0.0, 0.1])
def test_it_fails_no_more_often_than_alpha(weights, tol):
    """Certified at 0.001, with the plain vote; then certified at 0.2, with weights."""
    base = Strips(edges=np.array([-0.4, 0.6]), labels=np.array([0, 1, 2])).fit()
    alpha, n_rows = 0.2, 1000
    for x in (-0.65, 0.1, 0.45):
        clf = SmoothedClassifier.from_fitted(
            base, sigma=1.0, n_certify=400, random_state=0, method="monte_carlo"
        )
        certificates = clf.certify(base.rows(x, n_rows), tol=tol, beta=0)
        again = recertify(certificates, alpha=alpha, vote_weights=weights)
        label, radius = base.truth(x, weights=1.0 if weights is None else weights)
        wrong = ~again.abstained & ((again.label != label) | (again.radius > radius))
        assert_at_most(wrong.sum(), n_rows, alpha)
        assert not again.abstained.all()


def test_rows_that_were_given_up_abstain_again():
    certificates = certified(beta=0.4)
    given_up = ~certificates.counts.any(axis=1)
    assert given_up.any()
    again = recertify(certificates, alpha=0.4)
    assert again.abstained[given_up].all()
    assert (again.radius[given_up] == 0).all()
    assert len(recertify(certificates[given_up])) == given_up.sum()


def test_a_log_can_be_asked_again(tmp_path):
    path = tmp_path / "log.tsv"
    certificates = smoothed().certify(X, log=path)
    read, _ = read_certificates(path)
    asked = {"alpha": 0.01, "bound": "binary", "vote_weights": {2: 1.5}}
    assert recertify(read, **asked) == recertify(certificates, **asked)


def test_what_no_votes_can_answer_is_refused(tmp_path):
    at_radii = smoothed().certify(X[:5], radii=[0.1, 0.2])
    with pytest.raises(ValueError, match=r"drawn for radii=\(0\.1, 0\.2\) and stopped"):
        recertify(at_radii, alpha=0.1)

    path = tmp_path / "field.tsv"
    write_field_tsv(path, smoothed().certify(X[:5]), [0, 1, 2, 0, 1])
    published, _ = read_certificates(path, sigma=0.4, alpha=0.001)
    with pytest.raises(ValueError, match="a published file keeps only"):
        recertify(published, alpha=0.1)

    exact = Certificates(
        label=[0], radius=[1.0], abstained=[False], p_lower=[0.9],
        counts=[[0, 0]], n_evaluations=[0], classes=[0, 1], sigma=0.5,
        noise="gaussian", norm=2, alpha=0.0, method="exact",
    )  # fmt: skip
    with pytest.raises(ValueError, match="method='exact' drew no votes"):
        recertify(exact, alpha=0.1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": 0.0}, "alpha=0.0 must be"),
        ({"alpha": 1.0}, "alpha=1.0 must be"),
        ({"alpha": "0.1"}, "alpha='0.1' must be"),
        ({"bound": "other"}, "bound must be one of .* got 'other'"),
        ({"vote_weights": [1, 2]}, "vote_weights has shape"),
        ({"vote_weights": {9: 1}}, "vote_weights names the class 9"),
    ],
)
def test_bad_questions_are_refused(given, message, tmp_path):
    certificates = smoothed().certify(X[:3], log=CertificateLog(tmp_path / "log.tsv"))
    with pytest.raises(ValueError, match=message):
        recertify(certificates, **given)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("run.tsv", "read_certificates"),
        (Path("run.tsv"), "read_certificates"),
        ("pair", "its first part"),
        (None, "NoneType"),
        (np.zeros(3), "ndarray"),
    ],
    ids=["name", "path", "pair", "none", "array"],
)
def test_what_is_no_certificates_is_named_with_the_way_to_some(value, hint):
    if isinstance(value, str) and value == "pair":
        value = smoothed().certify(X[:2]), None
    with pytest.raises(TypeError, match=rf"certificates must be .* got .*{hint}"):
        recertify(value, alpha=0.01)
