# SPDX-License-Identifier: BSD-3-Clause
"""Laws of the scores: what they must agree with, and what they must refuse."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from sksmooth.certificates import Certificates
from sksmooth.metrics import (
    ClassTally,
    abstention_rate,
    average_certified_radius_score,
    certified_accuracy_score,
)

SCORES = [certified_accuracy_score, average_certified_radius_score, abstention_rate]
CLASSES = np.array(["cat", "dog", "owl"])
AVERAGES = ["micro", "macro", "worst", "range", "gini", None]


def make(y_true, *, right=0.8, abstains=0.2, seed=0, radii=None, classes=CLASSES):
    """Return random certificates that are right for about that share of the rows."""
    rng = np.random.default_rng(seed)
    y_true = np.asarray(y_true)
    n_rows = len(y_true)
    label = np.where(rng.random(n_rows) < right, y_true, rng.choice(classes, n_rows))
    abstained = rng.random(n_rows) < abstains
    return Certificates(
        label=label,
        radius=np.where(abstained, 0.0, rng.random(n_rows)),
        abstained=abstained,
        p_lower=np.full(n_rows, 0.7),
        counts=np.zeros((n_rows, len(classes)), int),
        n_evaluations=np.zeros(n_rows, int),
        classes=classes,
        sigma=0.5,
        noise="gaussian",
        norm=2,
        alpha=0.001,
        method="exact",
        radii=radii,
    )


@pytest.fixture
def y_true():
    rng = np.random.default_rng(7)
    return rng.choice(CLASSES, 300, p=[0.6, 0.3, 0.1])


@pytest.fixture
def certificates(y_true):
    return make(y_true)


def test_every_case_of_the_definition_by_hand():
    y_true = ["cat", "cat", "cat", "dog", "dog"]
    certificates = dataclasses.replace(
        make(y_true),
        label=["cat", "cat", "dog", "dog", "dog"],  # third wrong
        radius=[0.4, 0.1, 0.9, 0.0, 0.0],  # fourth certified at 0 only
        abstained=[False, False, False, False, True],  # fifth right, not certified
    )
    score = certified_accuracy_score(y_true, certificates, average=None)
    np.testing.assert_allclose(score, [2 / 3, 1 / 2, np.nan])
    score = certified_accuracy_score(y_true, certificates, radius=0.1, average=None)
    np.testing.assert_allclose(score, [2 / 3, 0, np.nan])
    score = certified_accuracy_score(y_true, certificates, radius=0.2, average=None)
    np.testing.assert_allclose(score, [1 / 3, 0, np.nan])
    score = average_certified_radius_score(y_true, certificates, average=None)
    np.testing.assert_allclose(score, [0.5 / 3, 0, np.nan])
    score = abstention_rate(y_true, certificates, average=None)
    np.testing.assert_allclose(score, [0, 1 / 2, np.nan])


def test_at_zero_it_is_the_accuracy_sklearn_sees_with_abstentions_as_errors(
    y_true, certificates
):
    labels = certificates.to_labels()
    recall = recall_score(y_true, labels, labels=CLASSES, average=None)
    by_class = certified_accuracy_score(y_true, certificates, average=None)
    np.testing.assert_allclose(by_class, recall)
    micro = certified_accuracy_score(y_true, certificates)
    assert micro == pytest.approx((y_true == labels).mean())
    # The label of abstentions is in no y_true, which balanced_accuracy_score warns of.
    with pytest.warns(UserWarning, match="not in y_true"):
        balanced = balanced_accuracy_score(y_true, labels)
    macro = certified_accuracy_score(y_true, certificates, average="macro")
    assert macro == pytest.approx(balanced)


def test_abstaining_never_helps(y_true):
    scores = [
        certified_accuracy_score(y_true, make(y_true, abstains=share))
        for share in (0.0, 0.3, 0.6, 1.0)
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0


def test_the_area_under_certified_accuracy_over_the_radius_is_the_acr(
    y_true, certificates
):
    steps = np.unique(np.append(certificates.radius, 0.0))
    accuracies = [
        certified_accuracy_score(y_true, certificates, radius=r, average=None)
        for r in steps[1:]
    ]
    area = np.diff(steps) @ np.array(accuracies)  # constant up to each step
    acr = average_certified_radius_score(y_true, certificates, average=None)
    np.testing.assert_allclose(area, acr)


def test_certified_accuracy_falls_with_the_radius(y_true, certificates):
    scores = [
        certified_accuracy_score(y_true, certificates, radius=r)
        for r in np.linspace(0, 1, 21)
    ]
    assert (np.diff(scores) <= 0).all()
    assert scores[0] > 0.5
    assert scores[-1] == 0


@pytest.mark.parametrize("score", SCORES)
class TestEveryScore:
    def test_averages_are_of_the_classes(self, score, y_true, certificates):
        by_class = score(y_true, certificates, average=None)
        support = (y_true[:, None] == CLASSES).sum(axis=0)
        expected = {
            "micro": np.average(by_class, weights=support),
            "macro": by_class.mean(),
            "worst": by_class.max() if score is abstention_rate else by_class.min(),
            "range": np.ptp(by_class),
            "gini": np.abs(by_class[:, None] - by_class).mean() / 2 / by_class.mean(),
        }
        for average, value in expected.items():
            result = score(y_true, certificates, average=average)
            assert type(result) is float
            assert result == pytest.approx(value)
        assert score(y_true, certificates) == pytest.approx(expected["micro"])

    def test_order_of_rows_does_not_matter(self, score, y_true, certificates):
        order = np.random.default_rng(1).permutation(len(y_true))
        np.testing.assert_allclose(
            score(y_true[order], certificates[order], average=None),
            score(y_true, certificates, average=None),
        )

    @pytest.mark.parametrize("names", [[5, 0, 3], [2.0, 0.0, 1.0], list("zab")])
    def test_names_of_classes_do_not_matter(self, score, y_true, certificates, names):
        names = np.array(names)

        def rename(labels):
            return names[np.searchsorted(CLASSES, labels)]

        renamed = dataclasses.replace(
            certificates, label=rename(certificates.label), classes=names
        )
        np.testing.assert_allclose(
            score(rename(y_true), renamed, average=None),
            score(y_true, certificates, average=None),
        )

    @pytest.mark.parametrize("average", AVERAGES)
    def test_a_weight_is_a_repetition(self, score, average, y_true, certificates):
        weight = np.random.default_rng(2).integers(0, 4, len(y_true))
        rows = np.repeat(np.arange(len(y_true)), weight)
        np.testing.assert_allclose(
            score(y_true, certificates, average=average, sample_weight=weight),
            score(y_true[rows], certificates[rows], average=average),
        )

    def test_an_absent_class_is_nan_and_left_out(self, score, y_true, certificates):
        present = y_true != "dog"
        y_true, certificates = y_true[present], certificates[present]
        by_class = score(y_true, certificates, average=None)
        assert np.isnan(by_class).tolist() == [False, True, False]
        seen = by_class[[0, 2]]
        macro = score(y_true, certificates, average="macro")
        assert macro == pytest.approx(seen.mean())
        width = score(y_true, certificates, average="range")
        assert width == pytest.approx(np.ptp(seen))
        assert score(y_true, certificates, average="worst") in seen

    def test_labels_choose_and_order(self, score, y_true, certificates):
        by_class = score(y_true, certificates, average=None)
        chosen = score(y_true, certificates, average=None, labels=["owl", "cat"])
        np.testing.assert_allclose(chosen, by_class[[2, 0]])
        kept = y_true != "dog"
        micro = score(y_true, certificates, labels=["owl", "cat"])
        assert micro == pytest.approx(score(y_true[kept], certificates[kept]))

    def test_a_class_without_rows_alone_is_nan(self, score, y_true, certificates):
        kept = y_true != "dog"
        for average in AVERAGES:
            result = score(
                y_true[kept], certificates[kept], average=average, labels=["dog"]
            )
            assert np.isnan(result).all()

    def test_a_class_unknown_to_the_certificates_is_named(
        self, score, y_true, certificates
    ):
        y_true = y_true.astype("U5")
        y_true[3] = "tiger"
        with pytest.raises(ValueError, match=r"y_true.*tiger"):
            score(y_true, certificates)
        # Unless the caller says that it is meant; then its rows are errors.
        by_class = score(y_true, certificates, average=None, labels=[*CLASSES, "tiger"])
        assert len(by_class) == 4
        if score is not abstention_rate:
            assert by_class[3] == 0

    def test_numbers_are_not_strings(self, score):
        y_true = np.array(["0", "1"] * 5)
        certificates = make(y_true, classes=np.array(["0", "1"]))
        with pytest.raises(ValueError, match=r"y_true holds the classes \[0, 1\]"):
            score(y_true.astype(int), certificates)

    def test_a_column_is_a_vector(self, score, y_true, certificates):
        column = y_true[:, None]
        assert score(column, certificates) == score(y_true, certificates)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"average": "weighted"}, "average.*'weighted'"),
            ({"labels": ["cat", "cow"]}, "labels.*cow"),
            ({"labels": ["cat", "cat"]}, "labels.*distinct"),
            ({"labels": []}, "labels"),
            ({"sample_weight": [1.0]}, r"sample_weight.*\(1,\)"),
            ({"sample_weight": np.full(300, -1.5)}, "sample_weight.*got -1.5"),
            ({"sample_weight": np.full(300, np.nan)}, "sample_weight.*got nan"),
            ({"sample_weight": np.zeros(300)}, "sample_weight is zero"),
        ],
    )
    def test_bad_options_are_named(self, score, change, match, y_true, certificates):
        with pytest.raises(ValueError, match=match):
            score(y_true, certificates, **change)

    def test_bad_rows_are_named(self, score, y_true, certificates):
        with pytest.raises(ValueError, match=r"299 samples and certificates 300"):
            score(y_true[:-1], certificates)
        with pytest.raises(ValueError, match="multi-output"):
            score(np.column_stack([y_true, y_true]), certificates)
        with pytest.raises(ValueError, match="empty"):
            score([], certificates[:0])
        with pytest.raises(TypeError, match=r"certify returns.*ndarray"):
            score(y_true, certificates.label)


@pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf])
def test_a_bad_radius_is_refused(radius, y_true, certificates):
    with pytest.raises(ValueError, match="radius"):
        certified_accuracy_score(y_true, certificates, radius=radius)


def test_a_radius_that_was_not_asked_is_refused(y_true):
    certificates = make(y_true, radii=(0.25, 0.5))
    certified_accuracy_score(y_true, certificates, radius=0.5)
    for radius in (0.0, 0.3, 0.75):  # would be too low, or 0, and look like a result
        with pytest.raises(ValueError, match="was not requested"):
            certified_accuracy_score(y_true, certificates, radius=radius)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.3, 1.0])
def test_equal_classes_have_a_gini_of_exactly_zero(level):
    tally = ClassTally(np.full(7, 10 * level), np.full(7, 10))
    assert tally.gini == 0


def test_gini_of_one_class_that_has_all_is_the_share_of_the_others():
    for n_classes in (1, 2, 10):
        hits = np.eye(n_classes, dtype=int)[0]
        tally = ClassTally(hits, np.ones(n_classes, dtype=int))
        assert tally.gini == pytest.approx(1 - 1 / n_classes)


@pytest.mark.parametrize("seed", range(10))
def test_a_tally_of_several_statements_is_the_tally_of_each(seed):
    rng = np.random.default_rng(seed)
    support = rng.integers(0, 9, size=5)
    hits = rng.integers(0, support + 1, size=(3, 4, 5))
    many = ClassTally(hits, support, higher_is_better=bool(seed % 2))
    names = ("share", "overall", "macro", "worst", "best", "range", "gini")
    for at in np.ndindex(3, 4):
        one = ClassTally(hits[at], support, higher_is_better=bool(seed % 2))
        for name in names:
            np.testing.assert_allclose(getattr(many, name)[at], getattr(one, name))
        for name in ("interval", "overall_interval"):
            for end_of_many, end in zip(
                getattr(many, name), getattr(one, name), strict=True
            ):
                np.testing.assert_array_equal(end_of_many[at], end)


def test_intervals_hold_the_shares_and_are_nan_where_they_are():
    tally = ClassTally([0, 3, 8, 0], [8, 8, 8, 0])
    low, high = tally.interval
    share = tally.share
    assert ((low <= share) & (share <= high))[:3].all()
    assert np.isnan([low[3], high[3], share[3]]).all()
    low, high = tally.overall_interval
    assert low < tally.overall == 11 / 24 < high


def test_a_tally_without_samples_is_nan():
    tally = ClassTally([0, 0], [0, 0])
    for name in ("overall", "macro", "worst", "best", "range", "gini"):
        assert np.isnan(getattr(tally, name))


def test_a_tally_cannot_be_changed_and_does_not_follow_its_arrays():
    hits = np.array([1, 2])
    tally = ClassTally(hits, [3, 3])
    hits[0] = 3
    assert tally.hits[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        tally.support[0] = 5
    with pytest.raises(ValueError, match=r"shape \(2,\) and support of shape \(3,\)"):
        ClassTally([1, 2], [3, 3, 3])
