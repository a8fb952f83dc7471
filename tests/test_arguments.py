# SPDX-License-Identifier: BSD-3-Clause
"""A value of the wrong kind is refused by the name of the parameter, whatever it is."""

import importlib
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB

from sksmooth import Certificates, SmoothedClassifier, TunedVoteClassifierCV, recertify
from sksmooth._arguments import real_numbers
from sksmooth.conformal import prediction_set_report
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.metrics import (
    CertifiedScorer,
    ClasswiseScorer,
    certified_accuracy_score,
    classwise_lower_bounds,
    classwise_report,
)
from sksmooth.noise import Gaussian, Laplace, Splitting, Uniform
from sksmooth.shrinkage import (
    ShrinkageCurve,
    half_space_vote_probability,
    region_volume,
    shrinkage_curve,
    vanishing_sigma,
)
from sksmooth.training import (
    NoiseAugmentedClassifier,
    ParzenClassifier,
    ReweightedNoiseClassifier,
)

X = np.linspace(-1, 1, 24).reshape(12, 2)
Y = np.arange(12) % 2
BASE = DummyClassifier().fit(X, Y)
VOTES = {"n_predict": 20, "n_certify": 20, "alpha": 0.1, "random_state": 0}
CERTIFICATES = Certificates(
    label=Y, radius=np.full(12, 0.5), abstained=Y > 2, p_lower=np.full(12, 0.9),
    counts=np.full((12, 2), 50), n_evaluations=np.full(12, 100), classes=[0, 1],
    sigma=0.25, noise="gaussian", norm=2, alpha=0.001, method="monte_carlo",
)  # fmt: skip

NO_NUMBERS = {
    "text": "a",
    "number as text": "0.5",
    "bytes": b"1",
    "complex": 1j,
    "array of complex": np.array([1j, 1j]),
    "beyond floats": 10**400,
    "dict": {"a": 1},
    "generator": (value for value in [1]),
    "function": len,
    "class": float,
    "missing": pd.NA,
    "date": pd.Timestamp("2020"),
    "dates": np.array(["2020", "2021"], dtype="M8[D]"),
    "texts": ["0.5", "1"],
    "texts as objects": np.array(["0.5", "1"], dtype=object),
    "with None": [0.5, None],
    "with a missing value": pd.array([0.5, None], dtype="Float64"),
    "masked": np.ma.masked_array([0.5, 1.0], mask=[True, False]),
    "ragged": [[1.0], [1.0, 2.0]],
}
NO_OPTIONS = {
    **NO_NUMBERS,
    "array": np.ones((2, 2)),
    "texts in an array": np.array(["micro", "text"]),
    "number": 3,
    "list": ["micro"],
}


def refuses(name, call, values):
    for title, value in values.items():
        with (
            warnings.catch_warnings(),
            pytest.raises((TypeError, ValueError)) as caught,
        ):
            warnings.simplefilter("error")
            call(**{name: value})
        named = re.search(rf"\b{name}\b", str(caught.value))
        assert named, f"{title}: {caught.value}"


def display(name, method, *args):
    inspection = pytest.importorskip("sksmooth.inspection")
    pytest.importorskip("matplotlib")
    return partial(getattr(getattr(inspection, name), method), *args)


NUMBERS = {
    "weights of a score": ("sample_weight", certified_accuracy_score, Y, CERTIFICATES),
    "weights of fit": ("sample_weight", SmoothedClassifier(GaussianNB()).fit, X, Y),
    "weights of copies": (
        "sample_weight",
        NoiseAugmentedClassifier(GaussianNB(), sigma=0.3).fit,
        X,
        Y,
    ),
    "weights of a density": ("sample_weight", ParzenClassifier().fit, X, Y),
    "weights of a prior": ("sample_weight", PosteriorMeanDenoiser(sigma=1.0).fit, X),
    "box": ("bounds", partial(region_volume, BASE, n_points=8, **VOTES)),
    "sigmas": ("sigmas", partial(shrinkage_curve, BASE, X, Y, **VOTES)),
    "range": ("sigma_range", partial(vanishing_sigma, BASE, X, Y, **VOTES)),
    "bracket": ("tol", partial(vanishing_sigma, BASE, X, Y, **VOTES)),
    "points": ("n_points", partial(region_volume, BASE, (0, 1), **VOTES)),
    "scrambles": ("n_scrambles", partial(region_volume, BASE, (0, 1), **VOTES)),
    "scales of a law": ("scale", partial(Gaussian, 0.3)),
    "features of a law": ("n_features", partial(Laplace, 0.3)),
    "norm of a law": ("norm", partial(Uniform, 0.3)),
    "ends": ("low", partial(Splitting, 0.3)),
    "closed form": ("distance", partial(half_space_vote_probability, sigma=0.5)),
    "tolerance": (
        "tol",
        SmoothedClassifier.from_fitted(BASE, **VOTES).certify,
        X,
    ),
    "confidence": ("confidence", classwise_lower_bounds, Y, CERTIFICATES),
}


@pytest.mark.parametrize(
    ("name", "call", "args"), [(n, f, a) for n, f, *a in NUMBERS.values()], ids=NUMBERS
)
def test_no_numbers(name, call, args):
    refuses(name, partial(call, *args), NO_NUMBERS)


OPTIONS = {
    "average": ("average", certified_accuracy_score, Y, CERTIFICATES),
    "output": ("output", classwise_report, Y, CERTIFICATES),
    "output of bounds": ("output", classwise_lower_bounds, Y, CERTIFICATES),
    "correction": ("correction", classwise_lower_bounds, Y, CERTIFICATES),
    "output of sets": ("output", prediction_set_report, [0], [[True, True]], [0, 1]),
    "bound": ("bound", recertify, CERTIFICATES),
    "metric": ("metric", CertifiedScorer),
    "average of a scorer": ("average", CertifiedScorer),
    "whole": ("whole", partial(Splitting, 0.3)),
    "acr": ("acr", partial(shrinkage_curve, BASE, X, Y, [0.5], **VOTES)),
}


@pytest.mark.parametrize(
    ("name", "call", "args"), [(n, f, a) for n, f, *a in OPTIONS.values()], ids=OPTIONS
)
def test_no_options(name, call, args):
    refuses(name, partial(call, *args), NO_OPTIONS)


def test_no_classes():
    """A single label is no list of them, and what is masked is none."""
    values = {t: v for t, v in NO_NUMBERS.items() if t not in ("masked", "ragged")}
    single = {t: v for t, v in values.items() if np.ndim(v) == 0}
    refuses("classes", partial(prediction_set_report, [0], [[True, True]]), single)
    refuses("classes", ClasswiseScorer, single)
    masked = np.ma.masked_array([0, 1], mask=[True, False])
    with pytest.raises(ValueError, match="y_true has 1 masked"):
        prediction_set_report(masked, np.ones((2, 2), dtype=bool), [0, 1])
    sets = np.ma.masked_array(np.ones((2, 2), dtype=bool), mask=np.eye(2))
    with pytest.raises(ValueError, match="prediction_sets has 2 masked"):
        prediction_set_report([0, 1], sets, [0, 1])


@pytest.mark.parametrize("name", ["ax", "name", "legend", "despine", "classes"])
@pytest.mark.parametrize(
    "kind", ["CertifiedAccuracyDisplay", "ClasswiseAccuracyDisplay"]
)
def test_no_display(kind, name):
    call = display(kind, "from_certificates", Y, CERTIFICATES)
    plt = pytest.importorskip("matplotlib.pyplot")
    texts = ("text", "number as text", "bytes", "masked")
    skipped = {"name": texts[:2], "classes": (*texts, "ragged")}.get(name, ())
    refuses(name, call, {t: v for t, v in NO_OPTIONS.items() if t not in skipped})
    plt.close("all")


def regions(estimator=BASE, X=X, y=None, **params):
    params = {"sigmas": 0.3, "grid_resolution": 8, **VOTES} | params
    draw = display("DecisionRegionDisplay", "from_estimator")
    return draw(estimator, X, y, **params)


FRAME = pd.DataFrame(X, columns=["a", "b"])
NO_SAMPLES = {
    **NO_NUMBERS,
    "nan": np.where(X > 0.5, np.nan, X),
    "infinity": np.where(X > 0.5, np.inf, X),
    "number": 1.0,
    "one axis": np.ones(4),
    "one feature": np.ones((4, 1)),
    "three features": np.ones((4, 3)),
    "no samples": np.ones((0, 2)),
    "masked samples": np.ma.masked_array(X, mask=X > 0.5),
    "texts of numbers": X.astype(str),
    "categories": FRAME.assign(a=pd.Categorical(["u"] * 12)),
    "dates of samples": FRAME.assign(a=pd.Timestamp("2020")),
    "missing values": FRAME.astype("Float64").mask(FRAME > 0.5),
}
NO_NAMES = {
    "other names": FRAME.rename(columns={"a": "z"}),
    "another order": FRAME[["b", "a"]],
    "equal names": FRAME.set_axis(["a", "a"], axis=1),
}
NO_LABELS = {
    **{t: v for t, v in NO_NUMBERS.items() if t != "missing"},
    "unknown": Y + 7,
    "fewer": Y[:5],
    "more": np.r_[Y, Y],
    "two axes": np.c_[Y, Y],
    "halves": Y + 0.5,
    "texts of numbers": Y.astype(str),
    "masked labels": np.ma.masked_array(Y, mask=Y > 0),
    "missing labels": np.where(Y > 0, np.nan, Y),
    "nothing": [],
}


def test_no_regions():
    pytest.importorskip("matplotlib")
    named = GaussianNB().fit(FRAME, Y)
    refuses("X", regions, NO_SAMPLES)
    refuses("points", regions, NO_SAMPLES)
    # Columns by position would be drawn at the wrong place, without a word.
    refuses("X", partial(regions, named), NO_NAMES)
    refuses("points", partial(regions, named, FRAME), NO_NAMES)
    refuses("y", regions, NO_LABELS)
    beyond = {"nothing": [], "zero": 0.0, "nan": np.nan, "infinity": np.inf}
    refuses("sigmas", regions, NO_NUMBERS | beyond | {"two axes": [[0.3]]})
    for sigma in (1e308, 1e-300, 5e-324):
        with pytest.raises(ValueError, match=r"sigma=.* floating point cannot hold"):
            regions(sigmas=sigma)
    refuses(
        "estimator", partial(regions, X=X), {"no classifier": 3, "class": GaussianNB}
    )


def test_no_bounds_of_a_picture():
    pytest.importorskip("matplotlib")
    values = {
        "reversed": ((1, 0), (0, 1)),
        "one feature": ((0, 1),),
        "flat": ((0, 0), (0, 1)),
        "infinity": ((0, np.inf), (0, 1)),
        "nan": ((0, np.nan), (0, 1)),
        "too wide": ((-1e308, 1e308), (0, 1)),
        "too narrow": ((1, np.nextafter(1, 2)), (0, 1)),
        "below floats": ((0, 1e-320), (0, 1)),
        "too far": ((1e17, 1e17 + 100), (0, 100)),
        "texts of numbers": (("0", "1"), ("0", "1")),
        "masked limits": np.ma.masked_array(np.array([[0, 1], [0, 1]]), mask=np.eye(2)),
    }
    refuses("bounds", regions, NO_NUMBERS | values)


def test_no_axes_of_a_picture():
    plt = pytest.importorskip("matplotlib.pyplot")
    one, other = plt.subplots(1, 2)[1]
    round_axes = plt.figure().add_subplot(projection="polar")
    wrong = {"figure": one.figure, "polar": round_axes}
    lists = {"none": [one, None], "twice": [one, one], "one": [one], "text": ["a", one]}
    refuses("ax", regions, {t: [one, v] for t, v in wrong.items()} | lists | {"1": 1})
    refuses("ax", partial(regions, kind="contours"), wrong)
    assert len(regions(ax=[one, other]).axes_) == 2
    probabilities = display("ProbabilityDisplay", "from_certificates", Y, CERTIFICATES)
    refuses("ax", probabilities, NO_NUMBERS | wrong)
    plt.close("all")


def test_no_probabilities():
    pytest.importorskip("matplotlib")
    votes = SmoothedClassifier.from_fitted(BASE, **VOTES)
    draw = display("ProbabilityDisplay", "from_estimator", votes)
    refuses("y", partial(draw, X), NO_LABELS)
    refuses("X", partial(draw, y=Y), {"number": 1.0, "none": None, "fewer": X[:3]})
    draw = display("ProbabilityDisplay", "from_certificates")
    refuses("y_true", partial(draw, certificates=CERTIFICATES), NO_LABELS)
    refuses("certificates", partial(draw, Y), NO_OPTIONS | {"fewer": CERTIFICATES[:3]})
    values = {t: v for t, v in NO_NUMBERS.items() if t != "missing"}
    refuses("classes", partial(draw, Y, CERTIFICATES), values | {"unknown": [7]})
    for name in ("name", "despine", "legend"):
        values = {
            t: v for t, v in NO_OPTIONS.items() if name != "name" or "text" not in t
        }
        refuses(name, partial(draw, Y, CERTIFICATES), values)


def test_no_certificates_of_a_curve():
    for value in (None, 1, len, np.array(1.0), pd.NA):
        with pytest.raises(TypeError, match="certificates must be"):
            ShrinkageCurve.from_certificates(Y, value)


def test_numbers_of_any_type():
    """What is a number stays one."""
    for value in (
        [True, False],
        np.float16([1, 0]),
        np.array([1, 0], dtype=">f4"),
        [Fraction(1), 0],
        [Decimal(1), Decimal(0)],
        pd.Series([1, 0], dtype="Int64"),
        np.array([1, 0.0], dtype=object),
        np.ma.masked_array([1, 0], mask=False),
    ):
        found = real_numbers("value", value)
        assert found.dtype == np.float64
        assert found.tolist() == [1.0, 0.0]


def test_a_bracket_that_has_no_float_inside():
    """It would be halved without end."""
    for tol in (5e-324, 1e-300, 1e-17, 0.0, -1.0, np.nan, True):
        with pytest.raises(ValueError, match="tol="):
            vanishing_sigma(BASE, X, Y, tol=tol, **VOTES)
    for tol in (1e300, Fraction(1, 10), np.float32(0.5)):
        assert vanishing_sigma(BASE, X, Y, tol=tol, **VOTES).tol == float(tol)


def fit_copies(estimator=None, n_copies=2, **params):
    estimator = LogisticRegression() if estimator is None else estimator
    clf = NoiseAugmentedClassifier(estimator, n_copies=n_copies, random_state=0)
    return clf.set_params(**params).fit(X, Y)


def fit_weights(**params):
    params = {"n_rounds": 1, "n_copies": 1, "n_predict": 10, "cv": 2} | params
    return ReweightedNoiseClassifier(LogisticRegression(), sigma=0.3, **params).fit(
        X, Y
    )


def fit_votes(**params):
    return SmoothedClassifier(GaussianNB(), **(VOTES | params)).fit(X, Y)


def fit_net(kind, **params):
    torch = pytest.importorskip("torch")
    pytest.importorskip("skorch")
    net = getattr(importlib.import_module("sksmooth.training"), kind)
    net = net(torch.nn.Linear(2, 2), sigma=0.3, max_epochs=1, verbose=0, **params)
    return net.fit(X.astype(np.float32), Y)


WHOLE = {
    "copies": ("n_copies", fit_copies),
    "copies of a pass": ("n_copies", partial(fit_copies, SGDClassifier())),
    "copies of a round": ("n_copies", fit_weights),
    "rounds": ("n_rounds", fit_weights),
    "votes of a round": ("n_predict", fit_weights),
    "votes": ("n_predict", fit_votes),
    "most votes": ("n_certify", fit_votes),
    "points": ("n_points", partial(region_volume, BASE, (0, 1), **VOTES)),
    "scrambles": ("n_scrambles", partial(region_volume, BASE, (0, 1), **VOTES)),
    "features of a law": ("n_features", partial(Laplace, 0.3)),
    "features of a grid": ("n_features", Gaussian(0.3).grid_slack),
    "draws": ("n_noise", partial(fit_net, "ConsistencyNet")),
    "draws of radii": ("n_noise", partial(fit_net, "MACERNet")),
    "draws of an attack": ("n_noise", partial(fit_net, "SmoothAdvNet")),
    "steps": ("n_steps", partial(fit_net, "SmoothAdvNet")),
    "epochs": ("warmup_epochs", partial(fit_net, "SmoothAdvNet")),
}
NO_WHOLE = {
    "beyond 64 bits": 10**400,
    "not exact as a float": 2**53 + 1,
    "of numpy": np.uint64(10**18),
    "float": 3.0,
    "negative": -1,
}


@pytest.mark.parametrize(("name", "call"), WHOLE.values(), ids=WHOLE)
def test_no_whole_number(name, call):
    refuses(name, call, NO_WHOLE)


def test_no_resolution():
    draw = display("DecisionRegionDisplay", "from_estimator", BASE, X)
    refuses("grid_resolution", draw, NO_WHOLE | {"one": 1, "too many": 2**52})


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("n_copies", fit_copies),
        ("n_copies", fit_weights),
        ("n_noise", partial(fit_net, "ConsistencyNet")),
        ("n_noise", partial(fit_net, "MACERNet")),
        ("n_noise", partial(fit_net, "SmoothAdvNet")),
    ],
)
def test_more_than_the_memory_holds(name, call):
    """It says so before anything is computed, and what to do."""
    with pytest.raises(ValueError, match=rf"{name}=4503599627370496 takes .* GiB.*use"):
        call(**{name: 2**52})


class Interrupted(SGDClassifier):
    """A classifier that is interrupted in its third pass."""

    def __init__(self, swallowed=False):
        super().__init__()
        self.swallowed = swallowed

    def partial_fit(self, X, y, classes=None):
        self.n_passes = getattr(self, "n_passes", 0) + 1
        super().partial_fit(X, y, classes=classes)
        if self.n_passes == 3 and not self.swallowed:
            raise KeyboardInterrupt
        if self.n_passes == 3:  # as MLPClassifier does
            warnings.warn("Training interrupted by user.", stacklevel=1)
        assert self.n_passes <= 3
        return self


@pytest.mark.parametrize("swallowed", [False, True])
def test_many_passes_take_no_memory_and_can_be_interrupted(swallowed):
    with pytest.raises(KeyboardInterrupt):
        fit_copies(Interrupted(swallowed), 2**53)


def test_passes_of_an_estimator_that_never_end():
    with pytest.raises(ValueError, match=r"max_iter of the estimator=1000"):
        fit_copies(SGDClassifier(max_iter=10**400))


def test_more_jobs_than_folds():
    """The others are not started, however many they are."""
    for n_jobs in (10**9, 10**400):
        clf = SmoothedClassifier(GaussianNB(), **VOTES)
        tuned = TunedVoteClassifierCV(clf, cv=2, n_jobs=n_jobs, random_state=0)
        with parallel_config("threading"):
            assert len(tuned.fit(X, Y).vote_weights_) == 2
            fit_weights(n_jobs=n_jobs, n_rounds=2)


def test_a_number_of_changes_that_was_not_requested():
    """However large: it is not counted up to in the message."""
    for changes in (1, 10**9, 10**400):
        with pytest.raises(ValueError, match=r"changes=1.* was not requested"):
            CERTIFICATES.holds(0.1, changes)
    for changes in (True, -1, 1.0, "1"):
        with pytest.raises(ValueError, match=r"changes=.* must be a whole number"):
            CERTIFICATES.holds(0.1, changes)


@pytest.mark.parametrize("cv", [{}, [], b"1", [0.5], np.ones((2, 2)), [(1,)], "half"])
def test_no_folds(cv):
    clf = TunedVoteClassifierCV(SmoothedClassifier(GaussianNB(), **VOTES), cv=cv)
    with pytest.raises((TypeError, ValueError), match=r"cv|'cv'"):
        clf.fit(X, Y)


@pytest.mark.parametrize("choose", [float, len, lambda X: 1 / 0, lambda X: X["none"]])
def test_functions_that_choose_no_features(choose):
    with pytest.raises(ValueError, match="noise_features"):
        SmoothedClassifier(GaussianNB(), noise_features=choose).fit(X, Y)
