# SPDX-License-Identifier: BSD-3-Clause
"""Bad input raises at once, and says which parameter, which value and what to do."""

import re
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.sparse import coo_array, csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.metrics import (
    ClasswiseScorer,
    average_certified_radius_score,
    certified_accuracy_score,
    classwise_report,
)
from sksmooth.noise import TokenDeletion
from sksmooth.training import NoiseAugmentedClassifier

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.arange(60) % 3


@contextmanager
def complains(error, *parts):
    """Expect an error whose message holds all of the parts."""
    with pytest.raises(error) as caught:
        yield caught
    missing = [part for part in parts if part not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


def smoothed(base=None, **params):
    params = {"random_state": 0, "method": "monte_carlo"} | params
    return SmoothedClassifier(base or KNeighborsClassifier(), **params)


class Says(ClassifierMixin, BaseEstimator):
    """Predict `labels`, whatever the samples are; count the calls."""

    def __init__(self, labels=(0,), classes=(0, 1, 2)):
        self.labels = labels
        self.classes = classes

    def fit(self, X, y):
        self.classes_ = np.asarray(self.classes)
        self.n_asked_ = 0
        return self

    def predict(self, X):
        self.n_asked_ += len(X)
        labels = np.asarray(self.labels)
        return np.resize(labels, (len(X), *labels.shape[1:]))


@pytest.fixture(scope="module")
def fitted():
    return smoothed(DecisionTreeClassifier(random_state=0)).fit(X, Y)


@pytest.fixture
def untouched():
    """Fitted on a classifier that must not be called: bad input costs no votes."""
    clf = smoothed(Says()).fit(X, Y)
    n_probes = clf.estimator_.n_asked_
    yield clf
    assert clf.estimator_.n_asked_ == n_probes


# -- parameters of the constructor -----------------------------------------------------

BAD_PARAMETERS = [
    ("sigma", 0, "(0.0, inf)"),
    ("sigma", -0.25, "(0.0, inf)"),
    ("sigma", np.inf, "(0.0, inf)"),
    ("sigma", np.nan, "(0.0, inf)"),
    ("sigma", "wide", "(0.0, inf)"),
    ("sigma", None, "(0.0, inf)"),
    ("alpha", 0, "(0.0, 1.0)"),
    ("alpha", 1, "(0.0, 1.0)"),
    ("alpha", -0.1, "(0.0, 1.0)"),
    ("alpha", 1.5, "(0.0, 1.0)"),
    ("alpha", np.nan, "(0.0, 1.0)"),
    ("noise", "cauchy", "'gaussian'"),
    ("norm", 3, "norm"),
    ("method", "guess", "'monte_carlo'"),
    ("bound", "tight", "'multiclass'"),
    ("n_predict", 0, "[1, inf)"),
    ("n_predict", 10.5, "[1, inf)"),
    ("n_certify", -1, "[1, inf)"),
    ("n_certify", 1e4, "[1, inf)"),
    ("batch_size", 0, "[1, inf)"),
    ("n_jobs", "all", "int"),
    ("random_state", "seed", "int"),
    ("verbose", -1, "bool"),
    ("vote_weights", 3, "array-like"),
    ("vote_weights", "heavy", "array-like"),
    ("estimator", "svc", "'fit'"),
    ("estimator", None, "'fit'"),
]


@pytest.mark.parametrize(("name", "value", "fix"), BAD_PARAMETERS)
def test_parameter(name, value, fix):
    parts = (f"'{name}' parameter", repr(value), fix)
    clf = smoothed(Says()).set_params(**{name: value})
    with complains(ValueError, *parts):
        clf.fit(X, Y)
    if name != "estimator":
        base = KNeighborsClassifier().fit(X, Y)
        with complains(ValueError, *parts):
            SmoothedClassifier.from_fitted(base, **{name: value})


@pytest.mark.parametrize("task", ["predict", "predict_proba", "certify"])
@pytest.mark.parametrize(("name", "value", "fix"), BAD_PARAMETERS[::4])
def test_parameter_set_after_fit(untouched, task, name, value, fix):
    untouched.set_params(**{name: value})
    with complains(ValueError, f"'{name}' parameter", repr(value), fix):
        getattr(untouched, task)(X)


def test_a_sigma_beyond_floating_point():
    """Its noise overflows, and votes on rows of nan would all agree."""
    clf = smoothed(DecisionTreeClassifier(), sigma=1e300, n_certify=100)
    with complains(ValueError, "sigma", "1e+300"):
        clf.fit(X, Y).certify(X[:2])


def test_an_unknown_parameter():
    with complains(TypeError, "sgima"):
        SmoothedClassifier.from_fitted(KNeighborsClassifier().fit(X, Y), sgima=1)


@pytest.mark.parametrize(
    ("weights", "error", "parts"),
    [
        ({"ant": 2}, ValueError, ("'ant'", "[0, 1, 2]")),
        ({3: 2}, ValueError, ("3", "[0, 1, 2]")),
        ({1: 0}, ValueError, ("class 1 the weight 0.0", "positive and finite")),
        ({1: -2}, ValueError, ("class 1 the weight -2.0", "positive and finite")),
        ({1: np.inf}, ValueError, ("class 1 the weight inf", "positive and finite")),
        ({1: np.nan}, ValueError, ("class 1 the weight nan", "positive and finite")),
        ({1: "heavy"}, (TypeError, ValueError), ("'heavy'",)),
        ([1, 2], ValueError, ("(2,)", "3 classes", "classes_")),
        ([[1, 2, 3]], ValueError, ("(1, 3)", "3 classes", "classes_")),
        ([1, 2, 0], ValueError, ("class 2 the weight 0.0", "positive and finite")),
        (["a", "b", "c"], (TypeError, ValueError), ("'a'",)),
    ],
    ids=str,
)
def test_vote_weights(untouched, weights, error, parts):
    with complains(error, "vote_weights", *parts):
        smoothed(vote_weights=weights).fit(X, Y)
    untouched.set_params(vote_weights=weights)
    for ask in (untouched.predict, untouched.certify):
        with complains(error, "vote_weights", *parts):
            ask(X)


def test_exact_is_refused_where_there_is_no_closed_form():
    """Never a silent fallback to sampling."""
    clf = smoothed(KNeighborsClassifier(), method="exact", n_certify=100).fit(X, Y)
    with complains(ValueError, "method='exact'", "KNeighborsClassifier"):
        clf.certify(X[:2])


# -- rows ------------------------------------------------------------------------------


def with_entry(value):
    rows = X.copy()
    rows[4, 1] = value
    return rows


BAD_ROWS = {
    "nan": (with_entry(np.nan), ValueError, ("X contains NaN", "imputer")),
    "inf": (with_entry(np.inf), ValueError, ("X contains infinity",)),
    "-inf": (with_entry(-np.inf), ValueError, ("X contains infinity",)),
    "csr": (csr_matrix(X), TypeError, ("sparse", "X", ".toarray()")),
    "coo": (coo_array(X), TypeError, ("sparse", "X", ".toarray()")),
    "one row": (X[0], ValueError, ("1D array", "reshape(1, -1)")),
    "no rows": (X[:0], ValueError, ("0 sample(s)", "(0, 3)", "minimum of 1")),
    "text": (X.astype(str).astype(object) + "?", ValueError, ("convert", "?")),
    "complex": (X + 1j, ValueError, ("Complex",)),
}


@pytest.mark.parametrize(("rows", "error", "parts"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_rows(untouched, rows, error, parts):
    with complains(error, *parts):
        smoothed().fit(rows, Y[: rows.shape[0]])
    for task in ("predict", "predict_proba", "certify"):
        with complains(error, *parts):
            getattr(untouched, task)(rows)
    with complains(error, *parts):
        untouched.classwise_score(rows, Y[: rows.shape[0]])


@pytest.mark.parametrize("task", ["predict", "predict_proba", "certify"])
def test_a_wrong_number_of_features(untouched, task):
    for wrong in (X[:, :2], np.c_[X, X]):
        with complains(ValueError, f"X has {wrong.shape[1]} features", "expecting 3"):
            getattr(untouched, task)(wrong)


class TestFrames:
    frame = pd.DataFrame(X, columns=["width", "height", "depth"])

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series(["red", "blue", "green"] * 20),
            pd.Series(["red", "blue", "green"] * 20, dtype=object),
            pd.Series(["red", "blue", "green"] * 20, dtype="category"),
            pd.Series(["1.5", "2,5", "3"] * 20, dtype=object),
        ],
        ids=["str", "object", "category", "numbers as text"],
    )
    def test_text_columns_are_named(self, untouched, column):
        mixed = self.frame.assign(colour=column)
        parts = ("X", "['colour']", "not numbers", "noise_features", "Pipeline")
        with complains(ValueError, *parts):
            smoothed().fit(mixed, Y)
        clf = SmoothedClassifier.from_fitted(DummyClassifier().fit(mixed, Y))
        with complains(ValueError, *parts):
            clf.certify(mixed)

    @pytest.mark.parametrize("container", [list, tuple, np.array, pd.Series])
    @pytest.mark.parametrize("noise", ["gaussian", TokenDeletion(probability=0.8)])
    def test_texts_have_to_be_counted_first(self, container, noise):
        clf = SmoothedClassifier(LogisticRegression(), noise=noise)
        texts = container(["rain and wind", "drum and bass"] * 5)
        with pytest.raises(ValueError, match=r"holds texts.*CountVectorizer"):
            clf.fit(texts, [0, 1] * 5)

    def test_missing_values_are_not_mistaken_for_text(self):
        missing = self.frame.assign(width=np.nan)
        with complains(ValueError, "X contains NaN"):
            smoothed().fit(missing, Y)

    def test_missing_values_beside_numbers_held_as_objects(self):
        """A column of dtype object may hold numbers; it is not what is wrong here."""
        objects = self.frame["depth"].astype(object)
        missing = self.frame.assign(width=np.nan, depth=objects)
        with complains(ValueError, "X contains NaN"):
            smoothed().fit(missing, Y)

    def test_other_columns(self):
        clf = smoothed().fit(self.frame, Y)
        with complains(ValueError, "feature names", "depth"):
            clf.predict(self.frame[["width", "height"]])
        with complains(ValueError, "feature names", "colour"):
            clf.predict(self.frame.rename(columns={"depth": "colour"}))


@pytest.mark.parametrize("task", ["predict", "predict_proba", "certify"])
def test_rows_that_are_huge_against_sigma(fitted, task):
    """Their sum with the noise would not be exact, and the guarantee void."""
    huge = with_entry(-3e12)
    parts = ("X", "3e+12", "sigma=0.25", "larger sigma", "Scale")
    clf = SmoothedClassifier.from_fitted(
        fitted.estimator_, sigma=0.25, method="monte_carlo"
    )
    with complains(ValueError, *parts):
        getattr(clf, task)(huge)
    with complains(ValueError, *parts), parallel_config(backend="threading", n_jobs=2):
        getattr(clf, task)(huge)
    # What the message advises.
    assert len(getattr(clf, task)(huge / 1e6)) == 60
    assert len(getattr(clf.set_params(sigma=1e4), task)(huge)) == 60


# -- labels ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "parts"),
    [
        (np.c_[Y, Y], ("y", "1d array", "(60, 2)")),
        (X[:, 0], ("label type", "continuous")),
        (Y[:-1], ("60", "59")),
        (None, ("y", "None")),
        (np.where(Y == 1, np.nan, Y), ("y contains NaN",)),
    ],
    ids=["multi-output", "continuous", "too few", "none", "nan"],
)
def test_labels_in_fit(y, parts):
    with complains(ValueError, *parts):
        smoothed().fit(X, y)


class TestClasswiseScore:
    @pytest.mark.parametrize(
        ("y", "unknown"),
        [
            (Y + 1, "[3]"),
            (Y.astype(str), "['0', '1', '2']"),
            (Y - 0.5, "[-0.5, 0.5, 1.5]"),
        ],
        ids=["3", "text", "halves"],
    )
    def test_an_unknown_class(self, fitted, y, unknown):
        with complains(ValueError, "y", f"classes {unknown}", "[0, 1, 2]"):
            fitted.classwise_score(X, y)

    @pytest.mark.parametrize(
        ("y", "parts"),
        [
            (Y[:-1], ("59", "60")),
            (np.c_[Y, Y], ("y", "1d array", "(60, 2)")),
        ],
        ids=["too few", "two columns"],
    )
    def test_labels_of_another_shape(self, fitted, y, parts):
        with complains(ValueError, *parts):
            fitted.classwise_score(X, y)

    @pytest.mark.parametrize(
        "y", [Y + 1, Y[:-1], np.c_[Y, Y]], ids=["unknown", "too few", "two columns"]
    )
    def test_labels_are_checked_before_votes_are_paid_for(self, y):
        clf = smoothed(Says()).fit(X, Y)
        n_probes = clf.estimator_.n_asked_
        with pytest.raises(ValueError, match=r"y|samples"):
            clf.classwise_score(X, y)
        assert clf.estimator_.n_asked_ == n_probes

    @pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf, "far", [0.1], True])
    def test_radius(self, untouched, radius):
        with complains((TypeError, ValueError), repr(radius)):
            untouched.classwise_score(X, Y, radius=radius)

    @pytest.mark.parametrize("radius", [-0.1, "far"])
    def test_radius_goes_by_its_own_name(self, untouched, radius):
        """There is no parameter `radii` that the user could look for."""
        with pytest.raises((TypeError, ValueError), match=r"^radius"):
            untouched.classwise_score(X, Y, radius=radius)


@pytest.mark.parametrize(
    "score",
    [
        certified_accuracy_score,
        average_certified_radius_score,
        classwise_report,
    ],
)
def test_classes_that_certificates_do_not_know(fitted, score):
    with complains(ValueError, "y_true", "3", "[0, 1, 2]"):
        score(Y + 1, fitted.certify(X))


def test_a_scorer_with_classes_that_the_classifier_does_not_know(fitted):
    # Inside a search they are errors, as of the accuracy, and not the end of it.
    with pytest.warns(UserWarning, match=r"y_true .*\[3\].*\[0, 1, 2\]"):
        scores = ClasswiseScorer()(fitted, X, Y + 1)
    assert scores["certified_accuracy_3"] == 0


@pytest.mark.parametrize("radius", [-0.1, np.nan])
def test_a_negative_radius(fitted, radius):
    certificates = fitted.certify(X)
    for ask in (
        certificates.holds,
        lambda r: certified_accuracy_score(Y, certificates, radius=r),
    ):
        with complains(ValueError, "radius", repr(radius), ">= 0"):
            ask(radius)
    for ask in (
        lambda r: classwise_report(Y, certificates, radii=[r]),
        lambda r: ClasswiseScorer(radii=[r]),
    ):
        with complains(ValueError, "radii", repr(radius), ">= 0"):
            ask(radius)


# -- arguments of certify --------------------------------------------------------------


@pytest.mark.parametrize(
    ("radii", "error", "parts"),
    [
        ([-0.1], ValueError, ("-0.1", "finite and >= 0")),
        ([0.1, -1], ValueError, ("-1", "finite and >= 0")),
        ([np.nan], ValueError, ("nan", "finite and >= 0")),
        ([0.0, np.inf], ValueError, ("inf", "finite and >= 0")),
        ([10**400], ValueError, ("1000", "finite and >= 0")),
        ([], ValueError, ("empty", "at least one")),
        (np.array([]), ValueError, ("empty", "at least one")),
        ([0.1, 0.2, 0.1], ValueError, ("[0.1, 0.2, 0.1]", "distinct")),
        (0.25, TypeError, ("0.25", "sequence of numbers")),
        ("0.25", TypeError, ("'0.25'", "sequence of numbers")),
        (["far"], TypeError, ("'far'", "number")),
        ([None], TypeError, ("None", "number")),
        ([True], TypeError, ("True", "number")),
        ([[0.1, 0.2]], TypeError, ("[0.1, 0.2]", "number")),
    ],
    ids=str,
)
def test_radii(untouched, radii, error, parts):
    with complains(error, "radii", *parts):
        untouched.certify(X, radii=radii)


def test_radii_may_come_in_any_order(fitted):
    certificates = fitted.certify(X, radii=[0.3, 0.0, 0.1])
    assert certificates == fitted.certify(X, radii=(0.0, 0.1, 0.3))
    assert certificates == fitted.certify(X, radii=np.array([0.1, 0.3, 0.0]))
    assert certificates.radii == (0.0, 0.1, 0.3)


@pytest.mark.parametrize("value", [-0.01, np.nan, np.inf, "5%", None, [0.1]])
def test_tol(untouched, value):
    with complains(ValueError, f"tol={value!r}", "finite number, zero or more"):
        untouched.certify(X, tol=value)


@pytest.mark.parametrize("value", [-0.01, 0.5, 1, np.nan, "5%", None, [0.1]])
def test_beta(untouched, value):
    with complains(ValueError, f"beta={value!r}", "number in [0, 0.5)"):
        untouched.certify(X, beta=value)


# -- questions that no votes could decide ----------------------------------------------


def constant(n_classes, **params):
    """Smooth a classifier that always predicts the label best to certify."""
    labels = np.arange(60) % n_classes
    base = DummyClassifier(strategy="constant", constant=0).fit(X, labels)
    return SmoothedClassifier.from_fitted(
        base, random_state=0, method="monte_carlo", **params
    )


@pytest.mark.parametrize("radii", [None, [0.0], [0.0, 0.01]], ids=str)
@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("alpha", [0.3, 0.001, 1e-12])
@pytest.mark.parametrize("weights", [None, {0: 1.5}], ids=["plain", "weighted"])
def test_the_n_certify_that_is_advised_works(weights, alpha, n_classes, bound, radii):
    clf = constant(n_classes, alpha=alpha, bound=bound, vote_weights=weights)
    clf.set_params(n_certify=1)
    with complains(ValueError, "n_certify=1 ", f"alpha={alpha:g}") as caught:
        clf.certify(X, radii=radii)
    enough = int(re.search(r"use n_certify >= (\d+)", str(caught.value))[1])
    assert enough > 1
    with pytest.raises(ValueError, match=f"n_certify={enough - 1} "):
        clf.set_params(n_certify=enough - 1).certify(X, radii=radii)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The radii .* out of reach", UserWarning)
        # It is enough for the heavier class; the lighter one takes more.
        warnings.filterwarnings("ignore", ".* can never be certified", UserWarning)
        certificates = clf.set_params(n_certify=enough).certify(X[:3], radii=radii)
    assert not certificates.abstained.any()


def test_too_few_votes_to_certify_anything_within_a_radius():
    """With 5 votes at alpha=0.001 not even the label can be certified."""
    clf = constant(2, n_certify=5)
    with complains(ValueError, "n_certify=5", "alpha=0.001", "n_certify >= "):
        clf.certify(X, radii=[0.25])


@pytest.mark.parametrize("radii", [None, [0.1]])
def test_classes_that_no_votes_certify_beside_a_heavier_one_are_told(radii):
    ratio, alpha = 100.0, 0.01
    enough = np.log(1 / alpha) / np.log1p(1 / ratio)

    def certify(n_certify):
        clf = smoothed(
            vote_weights=[1.0, ratio, ratio], alpha=alpha, n_certify=n_certify
        )
        return clf.fit(X, Y).certify(X[:20], radii=radii)

    with pytest.warns(
        UserWarning, match="1 of 3 classes can never be certified.*n_certify > 463"
    ):
        found = certify(int(enough))
    assert found.abstained[found.label == 0].all()
    certify(int(enough) + 1)  # no warning, which would be an error


def test_a_message_stays_short_with_thousands_of_values_to_name():
    many = np.arange(3000)
    clf = constant(2, sigma=0.25, n_certify=1000)
    base = Says(classes=many).fit(X, Y)
    found = SmoothedClassifier.from_fitted(base, n_certify=100).certify(X[:4])
    frame = pd.DataFrame({f"t{at}": ["a", "b"] for at in many})
    frame["x"] = 0.0
    with pytest.warns(UserWarning, match=r"in all\) are out of reach") as record:
        clf.certify(X[:1], radii=1.0 + 1e-6 * many)
    tries = [
        lambda: clf.certify(X[:1], radii=np.repeat(many, 2)),
        lambda: certified_accuracy_score(many[:4] + 0.5, found),
        lambda: certified_accuracy_score(many[:4], found, labels=[-1, *many]),
        lambda: certified_accuracy_score(many[:4], found, labels=np.repeat(many, 2)),
        lambda: smoothed().fit(frame, [0, 1]),
    ]
    texts = [str(warning.message) for warning in record]
    for call in tries:
        with pytest.raises(ValueError, match=r"\.\.\.\] \([36],\d+ in all\)") as caught:
            call()
        texts.append(str(caught.value))
    assert max(map(len, texts)) < 800


@pytest.mark.parametrize("bound", ["binary", "multiclass"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_warns_of_exactly_the_radii_that_do_not_hold(n_classes, bound):
    """Unanimous votes show all radii but those in the warning."""
    grid = np.linspace(0, 1.2, 13)
    clf = constant(n_classes, bound=bound, sigma=0.25, n_certify=1000)
    with pytest.warns(UserWarning, match="out of reach of n_certify=1000") as record:
        certificates = clf.certify(X[:4], radii=grid)
    (warning,) = record
    text = str(warning.message)
    assert warning.filename == __file__
    assert "alpha=0.001" in text
    assert "sigma=0.25" in text
    assert "Use more votes, a larger sigma, or smaller radii" in text

    unreachable = [float(r) for r in re.search(r"\[(.*)\]", text)[1].split(",")]
    reached = grid[~np.isin(grid, unreachable)]
    assert len(unreachable) + len(reached) == len(grid)
    assert (certificates.radius == reached.max()).all()
    # "unanimous votes prove about ...": at most that, and not much less.
    farthest = float(re.search(r"prove about ([\d.]+\d)", text)[1])
    step = grid[1]
    assert reached.max() <= farthest < reached.max() + 2 * step
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (clf.certify(X[:4], radii=reached).radius == reached.max()).all()


# -- base classifiers that break their word --------------------------------------------

BAD_ANSWERS = {
    "int": ([7], (0, 1, 2), ("7", "[0, 1, 2]")),
    "negative": ([-1], (0, 1, 2), ("-1", "[0, 1, 2]")),
    "one of many": ([0, 1, 2, 1, 7], (0, 1, 2), ("7", "[0, 1, 2]")),
    "between": ([1.5], (0, 1, 2), ("1.5", "[0, 1, 2]")),
    "str": (["dog"], ("ant", "bee"), ("dog", "['ant', 'bee']")),
    "longer str": (["antelope"], ("ant", "bee"), ("antelope", "['ant', 'bee']")),
    "int for str": ([0], ("ant", "bee"), ("0", "['ant', 'bee']")),
    "str for int": (["1"], (0, 1, 2), ("'1'", "[0, 1, 2]")),
    "nan": ([np.nan], (0.0, 1.0), ("nan", "[0.0, 1.0]")),
    "None": ([None], (0, 1, 2), ("None", "[0, 1, 2]")),
    "two columns": ([[0, 1]], (0, 1, 2), ("(", ", 2)", "multi-output")),
    "a column of a stranger": ([[3]], (0, 1, 2), ("3", "[0, 1, 2]")),
}


@pytest.mark.parametrize(
    ("labels", "classes", "parts"), BAD_ANSWERS.values(), ids=BAD_ANSWERS
)
def test_answers_of_the_base_classifier(labels, classes, parts):
    clf = smoothed(Says(labels, classes)).fit(X, Y)
    for task in ("predict", "predict_proba", "certify"):
        with complains(ValueError, "estimator.predict returned", *parts):
            getattr(clf, task)(X)


@pytest.mark.parametrize("extra", [-1, 1, "a single one"])
def test_a_wrong_number_of_answers(extra):
    class Miscounts(Says):
        def predict(self, X):
            return np.zeros(1 if extra == "a single one" else len(X) + extra, int)

    clf = smoothed(Miscounts(), n_predict=50).fit(X, Y)
    with complains(ValueError, "estimator.predict returned"):
        clf.predict_proba(X[:2])


def test_an_error_of_the_base_classifier_is_not_swallowed():
    class Breaks(Says):
        def predict(self, X):
            raise ZeroDivisionError("inside predict")

    clf = smoothed(Breaks()).fit(X, Y)
    for n_jobs in (1, 2):
        with (
            complains(ZeroDivisionError, "inside predict"),
            parallel_config(backend="threading", n_jobs=n_jobs),
        ):
            clf.predict(X)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_a_multi_output_classifier_is_refused(n_labels):
    """Also when its numbers of classes differ, and before any vote."""
    base = KNeighborsClassifier().fit(X, np.c_[Y, np.arange(60) % n_labels])
    with complains((TypeError, ValueError), "KNeighborsClassifier", "multi-output"):
        SmoothedClassifier.from_fitted(base)


def test_the_base_classifier_is_fitted_only_when_all_is_well():
    class Counts(Says):
        n_fits = 0

        def fit(self, X, y):
            Counts.n_fits += 1
            return super().fit(X, y)

    with pytest.raises(ValueError, match="sigma"):
        smoothed(Counts(), sigma=-1).fit(X, Y)
    with pytest.raises(TypeError, match="sparse"):
        smoothed(Counts()).fit(csr_matrix(X), Y)
    with pytest.raises(ValueError, match="1d array"):
        smoothed(Counts()).fit(X, np.c_[Y, Y])
    assert Counts.n_fits == 0
    smoothed(Counts()).fit(X, Y)
    assert Counts.n_fits == 1


@pytest.mark.parametrize("alpha", [5e-324, 1e-300, 1e-201])
def test_an_alpha_that_floating_point_cannot_split(untouched, alpha):
    untouched.set_params(alpha=alpha)
    for ask in (untouched.predict, untouched.predict_proba, untouched.certify):
        with complains(ValueError, f"alpha={alpha!r}", "1e-200"):
            ask(X)


@pytest.mark.parametrize("name", ["n_predict", "n_certify"])
@pytest.mark.parametrize("votes", [2**53 + 1, 10**19, 10**400])
def test_more_votes_than_can_be_counted(untouched, name, votes):
    untouched.set_params(**{name: votes})
    for ask in (untouched.predict, untouched.predict_proba, untouched.certify):
        with complains(ValueError, f"{name}={votes}", "9007199254740992"):
            ask(X)


@pytest.mark.parametrize("radii", [None, [0.0, 0.02]])
def test_the_smallest_alpha_and_beta_work_or_name_the_votes_they_need(radii):
    clf = smoothed(alpha=1e-200, n_certify=1000, sigma=0.1, bound="binary").fit(X, Y)
    for beta in (0.0, 5e-324, 1e-300, 1e-100):
        certificates = clf.certify(X[:8], radii=radii, beta=beta)
        assert (certificates.n_evaluations > 0).all()
    # At sigma 0.1 the neighbors of a row hardly change.
    assert not certificates.abstained.all()
    clf.set_params(n_certify=400)
    with complains(ValueError, "n_certify=400", "alpha=1e-200", "n_certify >= "):
        clf.certify(X, radii=radii)


def test_vote_weights_too_far_apart():
    with complains(ValueError, "vote_weights", "1e+17"):
        smoothed(vote_weights=[1e17, 1, 1]).fit(X, Y)


@pytest.mark.parametrize(
    "clf", [smoothed(), NoiseAugmentedClassifier(KNeighborsClassifier())]
)
def test_a_parameter_that_fit_does_not_pass_on(clf):
    with complains(ValueError, type(clf).__name__, "['groups']", "metadata routing"):
        clf.fit(X, Y, groups=Y, sample_weight=None)
