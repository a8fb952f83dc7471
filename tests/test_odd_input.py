# SPDX-License-Identifier: BSD-3-Clause
"""Input that is read by its names, in any type of number, or refused by name."""

import copy
import dataclasses
import pickle
import re
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV, recertify
from sksmooth.certificates import resolve_vote_weights
from sksmooth.conformal import RobustConformalClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.metrics import abstention_rate, certified_accuracy_score, classwise_report
from sksmooth.noise import LAWS
from sksmooth.shrinkage import (
    ball_certified_radius,
    ball_smoothed_radius,
    ball_vote_probability,
    box_smoothed_halfwidths,
    cone_vote_probability,
    half_space_vote_probability,
    shrinkage_curve,
    slab_smoothed_halfwidth,
    slab_vote_probability,
)
from sksmooth.training import (
    NoiseAugmentedClassifier,
    ParzenClassifier,
    ReweightedNoiseClassifier,
)

rng = np.random.default_rng(0)
Y = np.arange(45) % 3
X = rng.normal(size=(45, 3)) + Y[:, np.newaxis]
NAMES = ["width", "height", "depth"]
FRAME = pd.DataFrame(X, columns=NAMES, index=[f"s{at}" for at in range(45)])


def smoothed(base=None, **params):
    params = {"random_state": 0, "method": "monte_carlo", "n_certify": 200} | params
    return SmoothedClassifier(base or GaussianNB(), **params)


@pytest.fixture(scope="module")
def plain():
    return smoothed().fit(X, Y).certify(X[:9])


@pytest.fixture(scope="module")
def named():
    clf = smoothed(feature_scale={"width": 1, "height": 2, "depth": 0.5})
    return clf.fit(FRAME, Y).certify(FRAME[:9])


# -- changes of samples ----------------------------------------------------------------


def changes_near(certificates):
    """A change of each sample, some within its radius and some beyond."""
    direction = rng.normal(size=(len(certificates), 3))
    size = np.linalg.norm(direction / (certificates.scale or 1.0), axis=1)
    part = np.linspace(0.5, 1.5, len(certificates)) * certificates.radius / size
    return direction * part[:, np.newaxis]


def test_changes_are_read_by_the_names_of_features(named):
    """However they come: a wrong unit for a change would be a wrong certificate."""
    changes = changes_near(named)
    holds = named.holds_for(changes)
    assert holds.any()
    assert not holds.all()
    frame = pd.DataFrame(changes, columns=NAMES, index=named.index)
    columns = dict(zip(NAMES, changes.T, strict=True))
    for given in (
        frame,
        frame[NAMES[::-1]],
        frame.reset_index(drop=True),
        columns,
        dict(reversed(columns.items())),
        {0: changes[:, 0], -1: changes[:, 2], "height": changes[:, 1]},
    ):
        assert np.array_equal(named.holds_for(given), holds)
    for one in (frame.iloc[4], frame.iloc[4][NAMES[::-1]], frame.iloc[4].to_dict()):
        assert np.array_equal(named.holds_for(one), named.holds_for(changes[4]))
    alone = frame[["height"]].iloc[[4]]
    assert np.array_equal(
        named.holds_for(alone), named.holds_for([0, changes[4, 1], 0])
    )


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda f: f[::-1], "certificates.index"),
        (lambda f: f.rename(index={"s0": "t0"}), "certificates.index"),
        (lambda f: f.rename(columns={"width": "breadth"}), "'breadth'"),
        (lambda f: f[["width", "width"]], "'width' more than once"),
        (lambda f: f.iloc[:5].to_numpy(), "(5, 3)"),
        (lambda f: f.assign(width="wide"), "real numbers"),
        (lambda f: f.assign(width=pd.array([pd.NA] * 9, "Float64")), "missing"),
        (lambda f: {"width": 0.1, 0: 0.1}, "more than once"),
        (lambda f: {3: 0.1}, "feature=3"),
        (lambda f: {True: 0.1}, "feature=True"),
    ],
    ids=range(10),
)
def test_changes_of_other_samples_or_features(named, change, part):
    frame = pd.DataFrame(changes_near(named), columns=NAMES, index=named.index)
    with pytest.raises(ValueError, match=re.escape(part)):
        named.holds_for(change(frame))


@pytest.mark.parametrize(
    "delta",
    [
        0,
        [0.1],
        [0.1, 0.1],
        [],
        [[]],
        np.zeros((9, 4)),
        np.zeros((9, 3, 1)),
        {9: 0.1},
        {"width": 0.1},
        pd.DataFrame([[0.0, 0.0, 0.0]], columns=NAMES),
        ["0", "0", "0"],
        [0, 0, "0"],
        [None, 0, 0],
        [0j, 0, 0],
        [np.nan, 0, 0],
        [10**400, 0, 0],
        np.ma.masked_array([9.0, 0, 0], mask=[1, 0, 0]),
        "near",
        None,
    ],
    ids=str,
)
def test_changes_without_names(plain, delta):
    with pytest.raises(ValueError, match=r"delta|feature="):
        plain.holds_for(delta)


def test_a_position_is_one_of_the_features(plain):
    for position in (3, -4, True, "width", None, 1.0, [0], np.array([0, 1])):
        with pytest.raises(ValueError, match="feature="):
            plain.feature_radius(position)
    assert np.array_equal(plain.feature_radius(-1), plain.feature_radius(2))


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("scale", [None, (1.0, 4.0, 1.0)])
def test_no_change_is_too_small_or_too_large(plain, norm, scale):
    """Squares underflow and overflow, as quotients do; a change is no zero by that."""
    radius = np.zeros(len(plain))
    none = dataclasses.replace(
        plain, radius=radius, abstained=radius > 0, norm=norm, scale=scale
    )
    for size in (5e-324, 1e-300, 1e-170, 1.0, 1e170, 1e308):
        assert not none.holds_for([0, size, 0]).any()
        assert not none.holds_for([0, -size, -size]).any()
    assert none.holds_for([0, -0.0, 0]).all()


# -- weights ---------------------------------------------------------------------------


def test_weights_of_a_series_belong_to_its_index():
    """As in ``1 / y.value_counts()``, whose order is that of the counts."""
    classes = np.array(["ant", "bee", "cow"])
    y = pd.Series(["cow"] * 2 + ["ant"] * 4 + ["bee"] * 1)
    weights = 1 / y.value_counts()
    expected = resolve_vote_weights(weights.to_dict(), classes)
    assert expected.tolist() == [0.25, 1.0, 0.5]
    for series in (weights, weights[::-1], weights.astype(object)):
        assert np.array_equal(resolve_vote_weights(series, classes), expected)
    numbers = pd.Series([3.0, 2.0, 1.0], index=[2, 1, 0])
    assert resolve_vote_weights(numbers, np.arange(3)).tolist() == [1 / 3, 2 / 3, 1]


@pytest.mark.parametrize(
    ("index", "part"),
    [([0, 1, 2], "class 0"), (["ant", "ant", "cow"], "more than once")],
)
def test_weights_of_a_series_without_the_classes(index, part):
    series = pd.Series([1.0, 2.0, 3.0], index=index)
    with pytest.raises(ValueError, match=f"vote_weights.*{part}"):
        resolve_vote_weights(series, np.array(["ant", "bee", "cow"]))


def test_sample_weights_have_no_size(plain):
    """Only their ratios matter; sums of large ones overflow."""
    weight = 1.0 + Y[:9]
    for size in (1e-320, 1e-300, 1e300, 5e307):
        for score in (certified_accuracy_score, abstention_rate):
            result = score(Y[:9], plain, sample_weight=size * weight)
            expected = score(Y[:9], plain, sample_weight=weight)
            assert result == pytest.approx(expected, rel=1e-3)


# -- numbers of any type ---------------------------------------------------------------


@pytest.mark.parametrize("noise", LAWS)
@pytest.mark.parametrize(
    "sigma", [np.float16(0.3), np.float32(0.3), np.longdouble(0.3), Fraction(3, 10)]
)
def test_sigma_of_any_type_is_its_value(noise, sigma):
    """In half precision, the width of a cell and of a radius would be rounded."""
    certificates, expected = (
        smoothed(noise=noise, sigma=value).fit(X, Y).certify(X[:5])
        for value in (sigma, float(sigma))
    )
    assert certificates == expected
    assert type(certificates.sigma) is float


@pytest.mark.parametrize("count", [np.uint8(200), np.uint64(200), np.int16(200)])
def test_counts_of_any_type_are_their_values(count):
    settings = dict.fromkeys(("n_predict", "n_certify", "batch_size"), count)
    clf = smoothed(**settings).fit(X, Y)
    expected = smoothed(**dict.fromkeys(settings, 200)).fit(X, Y)
    assert clf.certify(X[:5]) == expected.certify(X[:5])
    assert clf.certify(X[:5], radii=[0.1]) == expected.certify(X[:5], radii=[0.1])
    assert np.array_equal(clf.predict_proba(X[:5]), expected.predict_proba(X[:5]))
    assert np.array_equal(clf.predict(X[:5]), expected.predict(X[:5]))


def test_alpha_and_norm_of_any_type_are_their_values(plain):
    settings = {"alpha": Fraction(1, 8), "norm": np.float16(1)}
    certificates = smoothed(**settings).fit(X, Y).certify(X[:5])
    assert certificates == smoothed(alpha=0.125, norm=1).fit(X, Y).certify(X[:5])
    assert type(certificates.norm) is int
    assert recertify(plain, alpha=Fraction(1, 8)) == recertify(plain, alpha=0.125)


def test_one_vote_counted_by_a_bool():
    assert smoothed(n_predict=True).fit(X, Y).predict_proba(X[:3]).max() == 1.0


@pytest.mark.parametrize("sigma", [10**400, Fraction(10**400), Fraction(1, 10**400)])
def test_a_sigma_that_no_float_holds(sigma):
    with pytest.raises(ValueError, match="sigma"):
        smoothed(sigma=sigma).fit(X, Y).certify(X[:2])


def test_texts_are_no_radii(plain):
    with pytest.raises(TypeError, match="radii must be a sequence of numbers"):
        classwise_report(Y[:9], plain, radii=b"12")


# -- what is missing, and what is no number --------------------------------------------

CLASSIFIERS = {
    "smoothed": smoothed(),
    "some features": smoothed(noise_features=[0]),
    "augmented": NoiseAugmentedClassifier(GaussianNB(), sigma=0.3, random_state=0),
    "reweighted": ReweightedNoiseClassifier(
        GaussianNB(), sigma=0.3, n_rounds=1, cv=2, random_state=0
    ),
    "kernel density": ParzenClassifier(sigma=0.3),
    "tuned": TunedVoteClassifierCV(smoothed(), cv=2),
    "sets": RobustConformalClassifier(GaussianNB(), sigma=0.3),
}


@pytest.mark.parametrize("clf", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_labels_that_are_missing_or_of_several_types(clf):
    texts = np.array(["ant", "bee", "cow"])[Y]
    for y, part in (
        (np.ma.masked_array(Y, mask=Y == 2), "masked"),
        (np.where(Y == 2, None, texts.astype(object)), "missing"),
        (pd.Series(texts, dtype="string").mask(Y == 2), "missing"),
        (pd.Series(texts, dtype="category").mask(Y == 2), "missing"),
        (pd.Series(Y, dtype="Int64").mask(Y == 2), "NaN|missing"),
        ([1 if at else "1" for at in Y], "several types"),
        ([None if at else "bee" for at in Y], "missing"),
    ):
        with pytest.raises(ValueError, match=f"y (has|contains).*({part})"):
            clf.fit(X, y)


@pytest.mark.parametrize("clf", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_labels_of_a_list_that_numpy_would_change(clf):
    """Two classes would become one."""
    for labels in (["a", "a\0", "b"], [b"a", b"a\0", b"b"], [2**53, 2**53 + 1, 1.0]):
        with pytest.raises(ValueError, match=r"y has the label .* which becomes"):
            clf.fit(X, [labels[at] for at in Y])


def test_true_labels_that_numpy_would_change(plain):
    texts = dataclasses.replace(
        plain, classes=np.array(["a", "b", "c"]), label=np.array(["a"] * 9)
    )
    assert certified_accuracy_score(["a"] * 9, texts) > 0.5
    with pytest.raises(ValueError, match="y_true holds the classes"):
        certified_accuracy_score(["a\0"] * 9, texts)


@pytest.mark.parametrize("clf", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_samples_that_are_masked(clf):
    """What is under a mask is no value, and not used as one."""
    masked = np.ma.masked_array(X, mask=X > 2)
    with pytest.raises(ValueError, match=r"X has .* masked values"):
        clf.fit(masked, Y)
    none = np.ma.masked_array(X, mask=False)
    assert np.array_equal(clf.fit(none, Y).predict(none), clf.fit(X, Y).predict(X))
    with pytest.raises(ValueError, match=r"X has .* masked values"):
        clf.predict(masked)


@pytest.mark.parametrize("dtype", ["M8[s]", "m8[D]"])
def test_dates_are_no_numbers(dtype):
    with pytest.raises(ValueError, match="X is an array of dates or times"):
        smoothed().fit(X.astype(dtype), Y)


def test_records_are_no_numbers():
    with pytest.raises(ValueError, match="X is an array of records"):
        smoothed().fit(np.rec.fromarrays(X.T), Y)


def test_true_labels_that_are_masked(plain):
    masked = np.ma.masked_array(Y[:9], mask=Y[:9] == 2)
    for score in (certified_accuracy_score, classwise_report):
        with pytest.raises(ValueError, match="y_true has 3 masked values"):
            score(masked, plain)
    with pytest.raises(ValueError, match="y has 3 masked values"):
        smoothed().fit(X, Y).classwise_score(X[:9], masked)
    sets = RobustConformalClassifier(GaussianNB(), sigma=0.3).fit(X, Y)
    with pytest.raises(ValueError, match="y has 3 masked values"):
        sets.conformalize(X[:9], masked)


@pytest.mark.parametrize(
    "name", ["_noise_key", "_may_miss", "_denoiser_of", "_scale_of", "denoiser_"]
)
def test_what_another_version_has_fitted(name):
    """It has not all that `fit` leaves now; what is missing cannot be made up."""
    clf = pickle.loads(pickle.dumps(smoothed().fit(X, Y)))
    delattr(clf, name)
    for use in (clf.predict, clf.predict_proba, clf.certify, clf.vote_source):
        with pytest.raises(NotFittedError, match=f"lacks {name}, .*Fit again"):
            use(X[:2])
    assert len(clf.fit(X, Y).certify(X[:2])) == 2


def test_no_more_jobs_than_samples():
    """The others would be started for nothing, each of them a process."""
    clf = smoothed(KNeighborsClassifier()).fit(X, Y)
    expected = clf.certify(X[:3])
    with parallel_config(backend="threading"):
        assert clf.set_params(n_jobs=10**6).certify(X[:3]) == expected


# -- closed forms ----------------------------------------------------------------------

CONE = {"axial": 1.0, "radial": 0.2, "half_angle": 0.5}
NO_NUMBERS = ["1", None, 1j, [1, None], np.ma.masked_array([1.0, 2], mask=[0, 1])]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 10**400, ["1", "2"]], ids=repr)
def test_closed_forms_take_numbers(value):
    """A text that reads as a number is none, and what is masked is not there."""
    for function, name, others in (
        (ball_smoothed_radius, "radius", {"sigma": 0.5, "n_features": 3}),
        (ball_certified_radius, "sigma", {"distance": 0, "radius": 1, "n_features": 3}),
        (box_smoothed_halfwidths, "halfwidths", {"sigma": 0.5}),
        (cone_vote_probability, "n_features", {**CONE, "sigma": 0.5}),
        (slab_smoothed_halfwidth, "sigma", {"halfwidth": 1.0}),
    ):
        with pytest.raises((TypeError, ValueError), match=name):
            function(**others, **{name: value})


@pytest.mark.parametrize("size", [1e200, 1e300, 10**200])
def test_closed_forms_refuse_sizes_whose_squares_overflow(size):
    with pytest.raises(ValueError, match="radius must be of a size up to"):
        ball_vote_probability(0.0, size, 0.5, 3)
    with pytest.raises(ValueError, match="n_features must be"):
        cone_vote_probability(**CONE, sigma=0.5, n_features=size)


@pytest.mark.parametrize("value", ["no", None, 2, np.nan])
def test_a_complement_is_true_or_false(value):
    for vote_probability in (
        partial(ball_vote_probability, 0.0, 1.0, 0.5, 3),
        partial(cone_vote_probability, **CONE, sigma=0.5, n_features=3),
        partial(slab_vote_probability, 0.0, 1.0, 0.5),
        partial(half_space_vote_probability, 0.0, 0.5),
    ):
        with pytest.raises(TypeError, match="complement must be True or False"):
            vote_probability(complement=value)
        assert vote_probability(complement=True) + vote_probability() == pytest.approx(
            1.0
        )


@pytest.mark.parametrize("sigmas", ["0.5", ["0.5"], [10**400], iter([0.5]), [1j], None])
def test_sigmas_of_a_curve_are_numbers(sigmas):
    base = GaussianNB().fit(X, Y)
    with pytest.raises((TypeError, ValueError), match="sigmas must be a sequence"):
        shrinkage_curve(base, X, Y, sigmas)


@pytest.mark.parametrize("scale", [10**400, [1, 1, 10**400], {0: 10**400}])
def test_a_scale_that_no_float_holds(scale):
    with pytest.raises(ValueError, match="feature_scale"):
        smoothed(feature_scale=scale).fit(X, Y)


# -- certificates as a container -------------------------------------------------------


def test_samples_are_chosen_by_a_mask_of_their_own(named):
    mask = pd.Series(named.radius > np.median(named.radius), index=named.index)
    assert named[mask] == named[mask.to_numpy()]
    assert named[mask.reset_index(drop=True)] == named[mask.to_numpy()]
    for other in (mask[::-1], mask.rename({"s0": "t0"})):
        with pytest.raises(ValueError, match=r"the mask has other labels of its rows"):
            named[other]
    with pytest.raises(ValueError, match="the mask has 1 masked values"):
        named[np.ma.masked_array(mask.to_numpy(), mask=np.arange(9) == 0)]


@pytest.mark.parametrize("rows", [9, -10, [0, 9], [-10, 0], np.uint8([200])])
def test_samples_that_are_not_there(named, rows):
    number = np.ravel(rows)[np.abs(np.ravel(rows).astype(int)).argmax()]
    with pytest.raises(IndexError, match=f"sample {number} is out of range for 9"):
        named[rows]


def test_certificates_are_no_array(named):
    for use in (np.asarray, np.mean, lambda c: np.concatenate([c, c])):
        with pytest.raises(TypeError, match="Certificates are no array"):
            use(named)
    with pytest.raises(TypeError, match="Certificates are no array"):
        classwise_report(Y[:9], named, y_base=named)


# -- denoisers -------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, "posterior_mean", PosteriorMeanDenoiser()])
def test_another_denoiser_after_fit_is_refused(before):
    """It would be ignored, and named in certificates of the one that was fitted."""
    others = [None, "posterior_mean", PosteriorMeanDenoiser(bandwidth=0.5)]
    for after in others:
        clf = smoothed(denoiser=before).fit(X, Y).set_params(denoiser=after)
        if after == before:
            clf.certify(X[:2])
            continue
        for use in (clf.predict, clf.predict_proba, clf.certify):
            with pytest.raises(ValueError, match=r"denoiser=.* was set after fit"):
                use(X[:2])


def test_the_same_denoiser_after_fit():
    clf = smoothed(denoiser=PosteriorMeanDenoiser(bandwidth=0.5)).fit(X, Y)
    expected = clf.certify(X[:3])
    for same in (
        pickle.loads(pickle.dumps(clf)),
        copy.deepcopy(clf),
        clf.set_params(denoiser=PosteriorMeanDenoiser(bandwidth=0.5)),
    ):
        assert same.certify(X[:3]) == expected
    clf.set_params(denoiser__bandwidth=0.7)
    with pytest.raises(ValueError, match="fit again"):
        clf.certify(X[:3])
    assert clf.fit(X, Y).certify(X[:3]) != expected


@pytest.mark.parametrize("sigma", [np.float16(0.25), Fraction(1, 4), True, np.uint8(1)])
def test_a_denoiser_takes_numbers_of_any_type(sigma):
    settings = {"sigma": sigma, "bandwidth": sigma, "n_prototypes": True}
    found = PosteriorMeanDenoiser(**settings).fit(X).transform(X)
    plain = {"sigma": float(sigma), "bandwidth": float(sigma), "n_prototypes": 1}
    expected = PosteriorMeanDenoiser(**plain).fit(X).transform(X)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("clf", "name"),
    [
        (CLASSIFIERS["kernel density"], "sigma"),
        (CLASSIFIERS["augmented"], "sigma"),
        (CLASSIFIERS["tuned"], "radius"),
        (CLASSIFIERS["sets"], "radius"),
        (PosteriorMeanDenoiser(sigma=0.5), "bandwidth"),
        (PosteriorMeanDenoiser(), "sigma"),
    ],
    ids=["kernel density", "augmented", "tuned", "sets", "bandwidth", "denoiser"],
)
def test_parameters_that_no_float_holds(clf, name):
    with pytest.raises(ValueError, match=f"{name}"):
        clone(clf).set_params(**{name: 10**400}).fit(X, Y).transform(X)


def test_zeros_and_ones_are_no_positions():
    """Whole numbers are no mask; these would name two features of three."""
    for mask in ([1, 0, 0], np.array([0, 0, 1]), pd.Series([1, 0, 1])):
        with pytest.raises(ValueError, match=r"noise_features=.*give True or False"):
            smoothed(noise_features=mask).fit(X, Y)
    for positions in ([1, 0], [0, 0], [0, 1, 2], [1]):
        smoothed(noise_features=positions).fit(X, Y)


def test_parameters_that_are_masked(plain):
    masked = np.ma.masked_array([1.0, 2.0, 3.0], mask=[1, 0, 0])
    for name in ("feature_scale", "vote_weights"):
        with pytest.raises(ValueError, match=f"{name} has 1 masked values"):
            smoothed(**{name: masked}).fit(X, Y)
    with pytest.raises(ValueError, match="noise_features has 1 masked values"):
        smoothed(noise_features=masked > 0).fit(X, Y)
    with pytest.raises(ValueError, match="radii has 1 masked values"):
        smoothed().fit(X, Y).certify(X[:2], radii=masked)
    weight = np.ma.masked_array(np.ones(9), mask=Y[:9] == 0)
    with pytest.raises(ValueError, match="sample_weight has 3 masked values"):
        certified_accuracy_score(Y[:9], plain, sample_weight=weight)


@pytest.mark.parametrize(
    ("frontier", "error"),
    [
        (np.full((9, 2), np.inf), ValueError),
        (np.full((9, 2), "0.5"), TypeError),
        (np.full((9, 2), None), TypeError),
        (np.ones((9, 2), dtype=bool), TypeError),
        (np.tile([0.0, 1.0], (9, 1)), ValueError),
    ],
    ids=["infinite", "texts", "missing", "bools", "increasing"],
)
def test_a_frontier_holds_radii(plain, frontier, error):
    with pytest.raises(error, match="frontier must"):
        dataclasses.replace(plain, frontier=frontier)
