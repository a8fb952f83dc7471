# SPDX-License-Identifier: BSD-3-Clause
"""Laws of `Certificates`: consistent, immutable, abstention out of band."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from sksmooth.certificates import Certificates


def make(classes=("cat", "dog", "owl"), n_rows=40, seed=0, **changes):
    rng = np.random.default_rng(seed)
    classes = np.asarray(classes)
    index = rng.integers(len(classes), size=n_rows)
    abstained = rng.random(n_rows) < 0.3
    counts = rng.multinomial(100, np.full(len(classes), 1 / len(classes)), n_rows)
    fields = {
        "label": classes[index],
        "radius": np.where(abstained, 0.0, rng.random(n_rows)),
        "abstained": abstained,
        "p_lower": rng.random(n_rows),
        "counts": counts,
        "n_evaluations": np.full(n_rows, 110),
        "classes": classes,
        "sigma": 0.25,
        "noise": "gaussian",
        "norm": 2,
        "alpha": 0.001,
        "method": "monte_carlo",
        "radii": None,
    }
    return Certificates(**{**fields, **changes})


ROWS = ("label", "radius", "abstained", "p_lower", "counts", "n_evaluations")


def test_fields_are_the_binding_ones_in_order():
    names = [field.name for field in dataclasses.fields(Certificates)]
    assert names == [
        *ROWS,
        *("classes", "sigma", "noise", "norm", "alpha", "method", "radii", "slack"),
        *("scale", "features", "denoiser", "index", "law", "vote_weights", "p_upper"),
        "frontier",
    ]


def test_dtypes_are_normalised():
    certificates = make(
        radius=np.zeros(40, np.float32), counts=np.zeros((40, 3), np.int32)
    )
    assert certificates.label.dtype == certificates.classes.dtype
    assert certificates.radius.dtype == certificates.p_lower.dtype == np.float64
    assert certificates.counts.dtype == certificates.n_evaluations.dtype == np.int64
    assert certificates.abstained.dtype == bool


def test_nothing_can_be_changed_from_outside():
    certificates = make()
    given = {name: getattr(certificates, name).copy() for name in (*ROWS, "classes")}
    certificates = dataclasses.replace(certificates, **given)
    for array in given.values():
        array[:] = array[::-1].copy()  # still the caller's own to write
    assert certificates == make()
    for name in (*ROWS, "classes"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(certificates, name)[0] = getattr(certificates, name)[1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        certificates.sigma = 1.0


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("label", ["fox"] * 40, ValueError),
        ("label", [1] * 40, ValueError),
        ("label", [["cat"]] * 40, ValueError),
        ("radius", np.full(40, -0.1), ValueError),
        ("radius", np.full(40, np.nan), ValueError),
        ("radius", np.full(40, np.inf), ValueError),
        ("radius", np.full(40, 0.5), ValueError),  # some rows abstained
        ("radius", np.zeros(39), ValueError),
        ("radius", ["a"] * 40, TypeError),
        ("abstained", np.zeros(40, int), TypeError),
        ("abstained", np.zeros(41, bool), ValueError),
        ("p_lower", np.full(40, 1.5), ValueError),
        ("p_lower", np.full(40, np.nan), ValueError),
        ("counts", np.zeros((40, 2), int), ValueError),
        ("counts", np.full((40, 3), -1), ValueError),
        ("counts", np.zeros((40, 3)), TypeError),
        ("n_evaluations", np.zeros(3, int), ValueError),
        ("classes", ["cat", "dog", "dog", "owl"], ValueError),
        ("classes", [], ValueError),
        ("sigma", 0.0, ValueError),
        ("sigma", np.inf, ValueError),
        ("sigma", "0.25", TypeError),
        ("norm", 0.5, ValueError),
        ("alpha", 1.0, ValueError),
        ("alpha", -0.1, ValueError),
        ("noise", 2, TypeError),
        ("method", None, TypeError),
        ("radii", (0.0, -1.0), ValueError),
        ("radii", (), ValueError),
        ("radii", (0.5, 0.5), ValueError),
        ("radii", 0.5, TypeError),
    ],
)
def test_a_bad_field_is_named(field, value, error):
    with pytest.raises(error, match=f"^(each of )?{field} "):
        dataclasses.replace(make(), **{field: value})


def test_a_number_is_no_string_of_it():
    with pytest.raises(ValueError, match="label holds"):
        make(classes=["0", "1"], label=[0] * 40)


def test_holds_is_certified_at_that_radius():
    certificates = make()
    asked = float(certificates.radius.max())
    np.testing.assert_array_equal(certificates.holds(0.0), ~certificates.abstained)
    assert certificates.holds(asked).sum() == 1
    assert not certificates.holds(np.nextafter(asked, 2)).any()


def test_an_abstained_row_holds_nothing_and_a_radius_of_zero_may_hold():
    certificates = make(
        n_rows=2,
        label=["cat", "dog"],
        radius=[0.0, 0.0],
        abstained=[False, True],
    )
    assert certificates.holds(0.0).tolist() == [True, False]


@pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf])
def test_holds_refuses_a_bad_radius(radius):
    with pytest.raises(ValueError, match="radius"):
        make().holds(radius)


@pytest.mark.parametrize("radius", ["0.5", None, True, [0.5]])
def test_holds_refuses_what_is_no_number(radius):
    with pytest.raises(TypeError, match="radius"):
        make().holds(radius)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([0, 1, 2], -1),
        ([-1, 1], -2),
        (np.array([0, 200], np.uint8), -1),
        (np.array([-128, -1], np.int8), -129),
        (np.array([0, 3], np.uint64), -1),
        (["a", "b"], "abstain"),
        (np.array(["a", "b"], object), "abstain"),
        (np.array([1, 2], object), -1),
        ([False, True], -1),
        ([0.0, 1.0], -1.0),
        ([-1.5, -1.0], -3.0),
    ],
)
def test_to_labels_by_default_invents_a_label(classes, expected):
    certificates = make(classes)
    labels = certificates.to_labels()
    assert expected not in certificates.classes.tolist()
    assert set(labels[certificates.abstained].tolist()) == {expected}
    kept = ~certificates.abstained
    assert labels[kept].tolist() == certificates.label[kept].tolist()


@pytest.mark.parametrize(
    "classes", [[0, 1, 2], [-1, 1], ["a", "b"], [False, True], [0.0, 1.0]], ids=str
)
def test_sklearn_counts_an_abstention_in_to_labels_as_an_error(classes):
    certificates = make(classes)
    # The labels themselves as truth, so that only abstentions can be wrong.
    accuracy = accuracy_score(certificates.label, certificates.to_labels())
    assert accuracy == pytest.approx((~certificates.abstained).mean())


def test_to_labels_takes_the_given_label_whole():
    labels = make(classes=["a", "b"]).to_labels("no certificate")
    assert "no certificate" in labels.tolist()


@pytest.mark.parametrize(
    ("classes", "abstain_label"),
    [
        ([-1, 1], -1),
        ([0, 1], 0.5),
        ([0, 1], "abstain"),
        (["a", "b"], "a"),
        (["a", "b"], -1),
        (["a", "abstain"], None),
        ([0.0, 1.0], np.nan),
        ([0.0, 1.0], 1),
        ([False, True], True),
        (np.array([0, 2**64 - 1], np.uint64), None),
        (np.array([None, "a"], object), None),
    ],
)
def test_to_labels_refuses_a_label_that_would_mislead(classes, abstain_label):
    with pytest.raises(ValueError, match="abstain_label"):
        make(classes).to_labels(abstain_label)


@pytest.mark.parametrize(
    "rows",
    [
        slice(3, 20, 2),
        slice(0, 0),
        np.arange(40) % 3 == 0,
        np.zeros(40, bool),
        [5, 5, -1],
        np.array([], int),
    ],
)
def test_slicing_takes_the_same_rows_of_every_array(rows):
    certificates = make(radii=(0.0, 0.5))
    part = certificates[rows]
    chosen = np.arange(40)[rows]
    assert len(part) == len(chosen)
    for name in ROWS:
        np.testing.assert_array_equal(
            getattr(part, name), getattr(certificates, name)[chosen]
        )
    for field in dataclasses.fields(Certificates)[len(ROWS) :]:
        np.testing.assert_array_equal(
            getattr(part, field.name), getattr(certificates, field.name)
        )


def test_an_int_gives_one_certificate_and_iteration_ends():
    certificates = make()
    assert certificates[-1] == certificates[39:40] == certificates[np.int64(39)]
    assert [len(one) for one in certificates] == [1] * 40
    with pytest.raises(IndexError, match="40"):
        certificates[40]
    assert len(certificates[[]]) == 0


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ("radius", TypeError),
        (0.5, TypeError),
        (True, TypeError),
        ((0, 1, 2.0), TypeError),
        (np.zeros((2, 2), int), TypeError),
        (np.ones(39, bool), IndexError),
    ],
)
def test_other_indices_are_refused(rows, error):
    with pytest.raises(error):
        make()[rows]


def test_equality_is_of_every_field():
    certificates = make()
    assert certificates == make()
    assert certificates != make(seed=1)
    assert certificates != certificates[:-1]
    for name, value in {
        "sigma": 0.5,
        "alpha": 0.01,
        "method": "exact",
        "radii": (0.0,),
        "counts": np.zeros((40, 3), int),
    }.items():
        assert certificates != dataclasses.replace(certificates, **{name: value})
    assert make(classes=["0", "1", "2"]) != make(classes=[0, 1, 2])
    assert certificates != "certificates"


@pytest.mark.parametrize(
    "again", [lambda c: pickle.loads(pickle.dumps(c)), copy.copy, copy.deepcopy]
)
def test_copies_are_equal_and_read_only(again):
    certificates = make(radii=(0.0, 0.5))
    restored = again(certificates)
    assert restored == certificates
    assert not restored.radius.flags.writeable


def test_repr_is_short_and_says_what_matters():
    certificates = make(
        abstained=np.arange(40) < 10, radius=0.5 * (np.arange(40) >= 10)
    )
    text = repr(certificates)
    assert len(text) < 150
    for part in ("n=40", "abstained=25.0%", "mean_radius=0.375", "sigma=0.25"):
        assert part in text
    assert "monte_carlo" in text
    assert "n=0" in repr(certificates[:0])
    assert "radii=(0.0, 0.5)" in repr(make(radii=(0, 0.5)))


def test_to_frame_has_a_line_per_row():
    pytest.importorskip("pandas")
    certificates = make()
    frame = certificates.to_frame()
    assert len(frame) == len(certificates)
    np.testing.assert_array_equal(frame["radius"], certificates.radius)
    np.testing.assert_array_equal(frame["count_dog"], certificates.counts[:, 1])
    assert frame.attrs["sigma"] == 0.25
    frame.loc[0, "radius"] = 9.0  # the frame is the user's own
    assert certificates.radius.max() < 1
