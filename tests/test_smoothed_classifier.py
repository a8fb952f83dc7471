# SPDX-License-Identifier: BSD-3-Clause
"""SmoothedClassifier among the other estimators: what goes in, around and out of it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import beta, binom
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from sksmooth import SmoothedClassifier
from sksmooth.metrics import ClasswiseScorer, certified_accuracy_score


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(
        150, centers=[[0, 0], [3, 0], [0, 3]], cluster_std=1.0, random_state=0
    )


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def smoothed(base=None, **params):
    """Build a cheap and repeatable one that samples its votes."""
    params = {
        "sigma": 0.5,
        "n_predict": 100,
        "n_certify": 500,
        "random_state": 0,
        "method": "monte_carlo",
    } | params
    base = base or DecisionTreeClassifier(max_depth=4, random_state=0)
    return SmoothedClassifier(base, **params)


class LooksAt(ClassifierMixin, BaseEstimator):
    """Answer by the sign of one feature, with the classes in the order given."""

    def __init__(self, classes=(0, 1), feature=0):
        self.classes = classes
        self.feature = feature

    def fit(self, X, y=None):
        self.classes_ = np.asarray(self.classes)
        return self

    def predict(self, X):
        column = np.asarray(X).reshape(len(X), -1)[:, self.feature]
        return self.classes_[(column > 0).astype(int)]


# -- the space that the radius lives in ------------------------------------------------


class TestUnits:
    """The radius of a linear classifier is its distance to the hyperplane."""

    @pytest.fixture(scope="class")
    @staticmethod
    def raw():
        X, y = make_blobs(200, centers=[[0, 0], [4, 4]], random_state=0)
        # MinMaxScaler divides all features of this by the same number.
        X = np.clip((X + 3) / 10, 0, 1)
        X[:2] = [[0, 0], [1, 1]]
        return 5000 * X + 300, y

    @pytest.mark.parametrize("method", ["monte_carlo", "exact"])
    @pytest.mark.parametrize("inside", [True, False])
    def test_pipeline_inside_certifies_raw_units_and_outside_scaled_ones(
        self, raw, inside, method
    ):
        X, y = raw
        scale = 5000 if inside else 1
        params = {"sigma": 0.2 * scale, "n_certify": 5000, "random_state": 0}
        params["method"] = method
        if inside:
            clf = SmoothedClassifier(
                make_pipeline(MinMaxScaler(), LinearSVC()), **params
            ).fit(X, y)
            base, last = clf.estimator_, clf
            rows = X[:20]
        else:
            clf = make_pipeline(
                MinMaxScaler(), SmoothedClassifier(LinearSVC(), **params)
            ).fit(X, y)
            base = make_pipeline(clf[0], clf[-1].estimator_)
            last = clf[-1]
            rows = clf[:-1].transform(X[:20])
        certificates = last.certify(rows)
        gap = np.abs(base.decision_function(X[:20]))
        distance = scale * gap / np.linalg.norm(base[-1].coef_)

        assert certificates.sigma == params["sigma"]
        assert (clf.predict(X[:20]) == certificates.label).all()
        if method == "exact":
            assert certificates.radius == pytest.approx(distance, rel=1e-6)
            return
        # alpha is 0.001 for each of 20 rows.
        assert np.sum(certificates.radius > distance) <= binom.ppf(0.999, 20, 0.001)
        # 5000 votes reach three sigmas; at a distance of one to two, they prove most.
        clear = (distance > params["sigma"]) & (distance < 2 * params["sigma"])
        assert clear.sum() >= 5
        assert (certificates.radius[clear] > 0.85 * distance[clear]).all()

    def test_noise_is_added_to_what_the_smoothed_classifier_receives(self):
        seen = []

        class Spy(LooksAt):
            def predict(self, X):
                seen.append(X.copy())
                return super().predict(X)

        X = np.array([[10.0, -10.0]])
        clf = smoothed(Spy(), sigma=0.5, n_predict=20_000).fit(
            [[0.0, 1], [1, 0]], [0, 1]
        )
        seen.clear()  # of what fit probes the classifier with
        clf.predict_proba(X)
        noise = np.vstack(seen) - X
        n = noise.size
        assert n == 40_000
        assert abs(noise.mean()) < 4.5 * 0.5 / np.sqrt(n)
        assert abs(noise.std() / 0.5 - 1) < 4.5 / np.sqrt(2 * n)


# -- DataFrames and arrays of any shape ------------------------------------------------


class TestDataFrames:
    """Warnings are errors here: a feature-name warning would fail each test."""

    @pytest.fixture(scope="class")
    @staticmethod
    def frame(blobs):
        X, y = blobs
        frame = pd.DataFrame(
            {"width": X[:, 0], "height": X[:, 1], "constant": np.full(len(X), 7)}
        )
        return frame, y

    @pytest.fixture(scope="class")
    @staticmethod
    def by_name():
        """It needs the names: it drops a column and swaps the others."""
        columns = ColumnTransformer(
            [("h", StandardScaler(), ["height"]), ("w", "passthrough", ["width"])]
        )
        return make_pipeline(columns, DecisionTreeClassifier(random_state=0))

    def test_column_transformer_by_name(self, frame, by_name):
        X, y = frame
        clf = smoothed(by_name).fit(X, y)
        assert clf.feature_names_in_.tolist() == ["width", "height", "constant"]
        assert clf.n_features_in_ == 3
        assert clf.score(X, y) > 0.85
        # The same by position. The noise is that of all three columns, so it is equal.
        columns = ColumnTransformer(
            [("h", StandardScaler(), [1]), ("w", "passthrough", [0])]
        )
        tree = DecisionTreeClassifier(random_state=0)
        by_position = smoothed(make_pipeline(columns, tree)).fit(X.to_numpy(), y)
        assert clf.certify(X) == by_position.certify(X.to_numpy())

    def test_the_base_classifier_is_fitted_on_the_frame_itself(self, frame):
        """Columns keep their dtypes in `fit`; only votes turn them into floats."""
        X, y = frame

        class Spy(LooksAt):
            def fit(self, X, y):
                self.dtypes_ = X.dtypes.to_dict()
                return super().fit(X, y)

        clf = smoothed(Spy(classes=(0, 1, 2))).fit(X, y)
        assert clf.estimator_.dtypes_ == X.dtypes.to_dict()

    def test_columns_in_another_order_are_refused(self, frame, by_name):
        X, y = frame
        clf = smoothed(by_name).fit(X, y)
        with pytest.raises(ValueError, match="feature names should match"):
            clf.predict(X[["height", "width", "constant"]])

    def test_from_fitted_on_a_frame(self, frame, by_name):
        X, y = frame
        by_name = clone(by_name).fit(X, y)
        clf = SmoothedClassifier.from_fitted(by_name, sigma=0.5, random_state=0)
        assert clf.feature_names_in_.tolist() == ["width", "height", "constant"]
        assert clf.score(X, y) > 0.85
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            without_names = clf.predict(X.to_numpy())
        assert (without_names == clf.predict(X)).all()

    def test_a_frame_and_its_values_get_the_same_noise(self, frame):
        X, y = frame
        named = smoothed().fit(X, y)
        plain = smoothed().fit(X.to_numpy(), y)
        assert not hasattr(plain, "feature_names_in_")
        assert named.certify(X[:20]) == plain.certify(X[:20].to_numpy())

    def test_names_after_a_transformer_with_pandas_output(self, frame):
        X, y = frame
        clf = make_pipeline(StandardScaler().set_output(transform="pandas"), smoothed())
        assert clf.fit(X, y).score(X, y) > 0.85

    def test_labels_as_a_series(self, frame):
        X, y = frame
        names = pd.Series(np.array(["ant", "bee", "cow"])[y])
        clf = smoothed().fit(X, names)
        assert set(clf.predict(X)) == {"ant", "bee", "cow"}
        assert clf.classwise_score(X, names).keys() == {"ant", "bee", "cow"}


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 3, 5)])
def test_rows_of_any_number_of_dimensions(shape):
    seen = set()

    class Spy(LooksAt):
        def predict(self, X):
            seen.add(X.shape[1:])
            return super().predict(X)

    X = np.random.default_rng(0).normal(size=(30, *shape))
    y = (X.reshape(30, -1)[:, 0] > 0).astype(int)
    clf = smoothed(Spy()).fit(X, y)
    flat = smoothed(LooksAt()).fit(X.reshape(30, -1), y)
    assert (clf.predict_proba(X) == flat.predict_proba(X.reshape(30, -1))).all()
    assert clf.certify(X) == flat.certify(X.reshape(30, -1))
    assert clf.score(X, y) > 0.8
    assert seen == {shape}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_base_classifier_sees_the_dtype_it_would_see_without_noise(dtype):
    seen = set()

    class Spy(LooksAt):
        def predict(self, X):
            seen.add(X.dtype)
            return super().predict(X)

    X = np.linspace(-1, 1, 12).reshape(6, 2).astype(dtype)
    smoothed(Spy()).fit(X, [0, 1] * 3).predict(X)
    assert seen == {np.dtype(dtype)}


# -- labels ----------------------------------------------------------------------------

LABELS = {
    "int": [0, 1, 2],
    "int with gaps": [-5, 7, 100],
    "str": ["ant", "b", "cow"],
    "object": np.array(["ant", "b", "cow"], dtype=object),
    "float": [1.0, 2.0, 3.0],
    "bool": [False, True],
    "uint8": np.array([0, 200, 255], dtype=np.uint8),
}


@pytest.mark.parametrize("names", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind(blobs, names):
    X, y = blobs
    names = np.asarray(names)
    keep = y < len(names)
    X, y = X[keep], y[keep]
    clf = smoothed().fit(X, names[y])
    plain = smoothed().fit(X, y)
    certificates, expected = clf.certify(X), plain.certify(X)

    assert clf.classes_.dtype == names.dtype
    assert clf.classes_.tolist() == names.tolist()
    for labels in (clf.predict(X), certificates.label):
        assert labels.dtype == names.dtype
    assert (clf.predict(X) == names[plain.predict(X)]).all()
    assert (certificates.label == names[expected.label]).all()
    assert (certificates.radius == expected.radius).all()
    assert (clf.predict_proba(X) == plain.predict_proba(X)).all()
    assert list(clf.classwise_score(X, names[y])) == names.tolist()


@pytest.mark.parametrize("classes", [("b", "a"), (7, -3), (True, False)])
def test_classes_of_a_frozen_classifier_keep_their_order(classes):
    """Columns and weights follow `classes_`, sorted or not."""
    base = LooksAt(classes).fit(None)
    X = np.array([[-0.1], [0.2]])
    clf = SmoothedClassifier.from_fitted(base, n_predict=10_000, random_state=0)
    clf.set_params(method="monte_carlo")
    proba = clf.predict_proba(X)
    assert clf.classes_.tolist() == list(classes)
    # P(x + N(0, 0.25**2) > 0) is 0.345 and 0.788.
    assert proba[:, 1] == pytest.approx([0.3446, 0.7881], abs=4.5 * 0.5 / 100)
    assert clf.predict(X).tolist() == list(classes)
    assert clf.certify(X).label.tolist() == list(classes)
    assert (clf.certify(X).counts.argmax(axis=1) == [0, 1]).all()
    heavy_second = clf.set_params(vote_weights=[1, 10])
    assert heavy_second.predict(X).tolist() == [classes[1]] * 2
    assert clf.set_params(vote_weights={classes[1]: 10}).predict(X)[0] == classes[1]


def test_a_single_class():
    X = np.arange(10.0).reshape(5, 2)
    clf = smoothed(DecisionTreeClassifier()).fit(X, ["only"] * 5)
    assert set(clf.predict(X)) == {"only"}
    assert (clf.predict_proba(X) == 1).all()
    assert not clf.certify(X, radii=[0.0, 0.5]).abstained.any()
    assert (clf.certify(X, tol=0).radius > 0.5).all()
    assert (clf.certify(X).radius > 0.5).all()


# -- classifiers that are fitted already -----------------------------------------------


class TestFitted:
    def test_from_fitted_is_the_frozen_estimator_fitted(self, blobs):
        X, y = blobs
        base = KNeighborsClassifier(3).fit(X, y)
        params = {"sigma": 0.7, "random_state": 5, "n_certify": 500}
        one = SmoothedClassifier.from_fitted(base, **params)
        other = SmoothedClassifier(FrozenEstimator(base), **params).fit(X, y)
        assert one.certify(X) == other.certify(X)
        assert (one.predict_proba(X) == other.predict_proba(X)).all()
        assert one.n_features_in_ == other.n_features_in_ == 2
        assert one.get_params()["sigma"] == 0.7

    def test_fit_leaves_a_frozen_estimator_alone(self, blobs):
        X, y = blobs
        base = LogisticRegression().fit(X, y)
        before = base.coef_.copy()
        clf = smoothed(FrozenEstimator(base)).fit(X[:50] * 9, 2 - y[:50])
        assert clf.estimator_.estimator is base
        assert (base.coef_ == before).all()

    def test_from_fitted_takes_a_frozen_estimator_and_a_pipeline(self, blobs):
        X, y = blobs
        base = make_pipeline(StandardScaler(), KNeighborsClassifier(3)).fit(X, y)
        plain = SmoothedClassifier.from_fitted(base, random_state=0)
        frozen = SmoothedClassifier.from_fitted(FrozenEstimator(base), random_state=0)
        assert (plain.predict_proba(X) == frozen.predict_proba(X)).all()

    def test_from_fitted_takes_a_search(self, blobs):
        X, y = blobs
        search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=2)
        clf = SmoothedClassifier.from_fitted(search.fit(X, y), random_state=0)
        assert clf.score(X, y) > 0.85

    def test_not_fitted(self):
        with pytest.raises(NotFittedError, match=r"LogisticRegression\(\).*Fit it"):
            SmoothedClassifier.from_fitted(LogisticRegression())

    @pytest.mark.parametrize("other", [LinearRegression, lambda: KMeans(2, n_init=1)])
    def test_not_a_classifier(self, blobs, other):
        other = other().fit(*blobs)
        name = type(other).__name__
        with pytest.raises(TypeError, match=rf"^clf={name}.* not a classifier"):
            SmoothedClassifier.from_fitted(other)
        with pytest.raises(TypeError, match=rf"^estimator={name}.* not a classifier"):
            SmoothedClassifier(other).fit(*blobs)

    @pytest.mark.parametrize("other", [None, "svc", object()])
    def test_not_an_estimator(self, other):
        with pytest.raises(TypeError, match=r"^clf=.* is not a classifier"):
            SmoothedClassifier.from_fitted(other)

    def test_an_estimator_without_classes(self):
        class Silent(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.fitted_ = True
                return self

            def predict(self, X):
                return np.zeros(len(X))

        with pytest.raises(TypeError, match=r"Silent\(\).*classes_"):
            smoothed(Silent()).fit([[0.0], [1.0]], [0, 1])

    def test_methods_ask_for_fit(self):
        for call in (
            lambda clf: clf.predict([[0.0]]),
            lambda clf: clf.predict_proba([[0.0]]),
            lambda clf: clf.certify([[0.0]]),
            lambda clf: clf.score([[0.0]], [0]),
            lambda clf: clf.classwise_score([[0.0]], [0]),
        ):
            with pytest.raises(NotFittedError):
                call(SmoothedClassifier(LogisticRegression()))

    def test_it_can_be_a_base_classifier_of_others(self, blobs):
        X, y = blobs
        calibrated = CalibratedClassifierCV(smoothed(), cv=2).fit(X, y)
        assert calibrated.predict_proba(X[:5]).shape == (5, 3)


# -- parameters ------------------------------------------------------------------------


class TestParameters:
    def test_sigma_changes_without_another_fit(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=0.2).fit(X, y)
        base, small = clf.estimator_, clf.certify(X)
        clf.set_params(sigma=2.0)
        assert clf.estimator_ is base
        assert clf.certify(X) == smoothed(sigma=2.0).fit(X, y).certify(X)
        assert clf.certify(X).sigma == 2.0
        assert small.sigma == 0.2
        # The largest radius that n votes prove is a multiple of sigma.
        assert clf.certify(X).radius.max() > small.radius.max()
        clf.set_params(sigma=0.2)
        assert clf.certify(X) == small

    @pytest.mark.parametrize(
        "change",
        [
            {"n_predict": 37},
            {"n_certify": 100},
            {"alpha": 0.2},
            {"bound": "binary"},
            {"vote_weights": {2: 5.0}},
        ],
        ids=str,
    )
    def test_so_do_the_others(self, blobs, change):
        X, y = blobs
        later = smoothed(sigma=1.0).fit(X, y)
        at_once = smoothed(sigma=1.0, **change).fit(X, y)
        before = later.predict_proba(X), later.certify(X)
        later.set_params(**change)
        assert later.certify(X) == at_once.certify(X)
        assert (later.predict(X) == at_once.predict(X)).all()
        assert (later.predict_proba(X) == at_once.predict_proba(X)).all()
        changed = later.certify(X) != before[1]
        assert changed or not np.array_equal(later.predict_proba(X), before[0])

    def test_fit_leaves_parameters_alone(self, blobs):
        X, y = blobs
        base = DecisionTreeClassifier()
        clf = smoothed(base, vote_weights={0: 2})
        before = clf.get_params()
        clf.fit(X, y).certify(X[:3])
        assert clf.get_params() == before
        assert clf.estimator is base
        assert base.random_state is None
        assert not hasattr(base, "tree_")

    def test_clone_forgets_the_fit_and_keeps_the_rest(self, blobs):
        X, y = blobs
        clf = smoothed(vote_weights=[1, 2, 3]).fit(X, y)
        copy = clone(clf)
        assert not hasattr(copy, "estimator_")
        with pytest.raises(NotFittedError):
            copy.predict(X)
        assert copy.get_params(deep=False).keys() == clf.get_params(deep=False).keys()
        assert copy.get_params()["estimator__max_depth"] == 4
        assert copy.fit(X, y).certify(X[:20]) == clf.certify(X[:20])

    def test_parameters_of_the_base_classifier_can_be_set(self, blobs):
        clf = smoothed().set_params(estimator__max_depth=2).fit(*blobs)
        assert clf.estimator_.max_depth == 2

    def test_pickle(self, blobs):
        X, y = blobs
        clf = smoothed().fit(X, y)
        expected = clf.certify(X)
        copy = pickle.loads(pickle.dumps(clf))
        assert copy.certify(X) == expected
        assert (copy.predict(X) == clf.predict(X)).all()
        assert pickle.loads(pickle.dumps(expected)) == expected

    def test_tags_are_those_of_the_base_classifier_less_sparse(self):
        class TakesAll(DecisionTreeClassifier):
            def __sklearn_tags__(self):
                tags = super().__sklearn_tags__()
                tags.input_tags.sparse = tags.input_tags.allow_nan = True
                return tags

        tags = get_tags(SmoothedClassifier(TakesAll()))
        assert not tags.input_tags.sparse
        assert tags.input_tags.allow_nan
        assert tags.classifier_tags.multi_class
        assert tags.estimator_type == "classifier"


class TestRandomState:
    def test_a_number_repeats_itself(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=1.5)
        expected = clf.fit(X, y).certify(X)
        assert clf.fit(X, y).certify(X) == expected
        other = smoothed(sigma=1.5, random_state=1).fit(X, y)
        assert other.certify(X) != expected

    def test_none_draws_a_key_in_each_fit_but_keeps_it(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=1.5, random_state=None).fit(X, y)
        first = clf.certify(X)
        assert clf.certify(X) == first
        assert clf.fit(X, y).certify(X) != first

    def test_an_instance_advances(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=1.5, random_state=np.random.RandomState(0))
        first = clf.fit(X, y).certify(X)
        assert clf.certify(X) == first
        assert clf.fit(X, y).certify(X) != first

    def test_it_seeds_what_the_user_left_unseeded(self):
        """One seed fixes all, and a seed that the user gave is kept."""
        X = np.random.default_rng(0).normal(size=(60, 8))
        y = np.arange(60) % 2
        base = DecisionTreeClassifier(max_features=1)
        trees = [smoothed(base).fit(X, y).estimator_ for _ in range(2)]
        assert (trees[0].tree_.feature == trees[1].tree_.feature).all()
        assert trees[0].random_state is not None
        piped = smoothed(make_pipeline(StandardScaler(), base)).fit(X, y)
        assert piped.estimator_[-1].random_state is not None
        given = smoothed(clone(base).set_params(random_state=7)).fit(X, y)
        assert given.estimator_.random_state == 7
        free = smoothed(base, random_state=None).fit(X, y)
        assert free.estimator_.random_state is None

    def test_certificates_do_not_use_the_votes_of_predict(self, blobs):
        """Choosing rows by predict_proba must not bias what certify then says."""
        X, y = blobs
        clf = smoothed(sigma=1.5, n_predict=500, n_certify=500).fit(X, y)
        shares = clf.predict_proba(X)
        counts = clf.certify(X, tol=0, beta=0).counts
        unsure = (shares > 0.1) & (shares < 0.9)
        # Equal streams would give equal counts everywhere.
        assert (counts[unsure] == 500 * shares[unsure]).mean() < 0.2


# -- sample weights --------------------------------------------------------------------


class TestSampleWeight:
    @pytest.fixture(scope="class")
    @staticmethod
    def weight(blobs):
        return np.where(blobs[1] == 0, 50.0, 0.02)

    def test_it_reaches_the_base_classifier(self, blobs, weight):
        X, y = blobs
        clf = smoothed(LogisticRegression()).fit(X, y, sample_weight=weight)
        base = LogisticRegression().fit(X, y, sample_weight=weight)
        assert clf.estimator_.coef_ == pytest.approx(base.coef_)
        plain = smoothed(LogisticRegression()).fit(X, y)
        assert clf.estimator_.coef_ != pytest.approx(plain.estimator_.coef_, rel=0.1)

    @pytest.mark.usefixtures("routing")
    def test_it_is_routed_when_asked_for(self, blobs, weight):
        X, y = blobs
        base = LogisticRegression().set_fit_request(sample_weight=True)
        clf = smoothed(base).fit(X, y, sample_weight=weight)
        base = LogisticRegression().fit(X, y, sample_weight=weight)
        assert clf.estimator_.coef_ == pytest.approx(base.coef_)

    @pytest.mark.usefixtures("routing")
    def test_it_is_refused_when_not_asked_for(self, blobs, weight):
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            smoothed(LogisticRegression()).fit(*blobs, sample_weight=weight)

    @pytest.mark.usefixtures("routing")
    def test_it_is_dropped_by_a_base_classifier_that_declines(self, blobs, weight):
        X, y = blobs
        base = LogisticRegression().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True), smoothed(base)
        )
        pipeline.fit(X, y, sample_weight=weight)
        scaled = pipeline[:-1].transform(X)
        base = LogisticRegression().fit(scaled, y)
        assert pipeline[-1].estimator_.coef_ == pytest.approx(base.coef_)

    def test_other_fit_parameters_need_routing(self, blobs):
        with pytest.raises(ValueError, match="groups"):
            smoothed(LogisticRegression()).fit(*blobs, groups=blobs[1])

    def test_through_a_pipeline_by_its_name(self, blobs, weight):
        X, y = blobs
        clf = make_pipeline(smoothed(LogisticRegression()))
        clf.fit(X, y, smoothedclassifier__sample_weight=weight)
        base = LogisticRegression().fit(X, y, sample_weight=weight)
        assert clf[-1].estimator_.coef_ == pytest.approx(base.coef_)

    def test_in_the_score(self, blobs, weight):
        X, y = blobs
        clf = smoothed(sigma=2.0).fit(X, y)
        expected = accuracy_score(y, clf.predict(X), sample_weight=weight)
        assert clf.score(X, y, sample_weight=weight) == pytest.approx(expected)
        assert clf.score(X, y) != pytest.approx(expected)


# -- predictions and scores ------------------------------------------------------------


class TestVotes:
    @pytest.mark.parametrize("n_predict", [1, 7, 100])
    def test_shares_are_of_n_predict_votes(self, blobs, n_predict):
        X, y = blobs
        clf = smoothed(sigma=2.0, n_predict=n_predict).fit(X, y)
        proba = clf.predict_proba(X)
        counts = np.rint(proba * n_predict)
        assert proba.shape == (len(X), 3)
        assert (counts / n_predict == proba).all()
        assert (counts.sum(axis=1) == n_predict).all()

    def test_shares_estimate_the_probability(self):
        X = np.linspace(-1, 1, 9)[:, np.newaxis]
        clf = smoothed(LooksAt(), sigma=0.5, n_predict=10_000).fit(X, X[:, 0] > 0)
        error = clf.predict_proba(X)[:, 1] - ndtr(X[:, 0] / 0.5)
        assert np.abs(error).max() < 4.5 * 0.5 / 100

    @pytest.mark.parametrize("weights", [None, {0: 2.0, 2: 0.5}], ids=str)
    def test_predict_is_the_leader_of_all_votes(self, blobs, weights):
        """It stops early, and differs in about alpha of the rows at most."""
        X = np.random.default_rng(1).uniform(-2, 5, size=(400, 2))
        clf = smoothed(n_predict=1000, sigma=1.0, alpha=0.01, vote_weights=weights)
        clf.fit(*blobs)
        weight = np.array([1.0, 1, 1] if weights is None else [2.0, 1, 0.5])
        leader = np.argmax(clf.predict_proba(X) * weight, axis=1)
        assert np.sum(clf.predict(X) != leader) <= binom.ppf(0.999, len(X), 0.01)
        assert len(set(leader)) == 3

    def test_predict_always_answers(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=50.0, n_predict=10).fit(X, y)
        assert clf.certify(X).abstained.any()
        assert set(clf.predict(X)) <= set(clf.classes_)

    def test_score(self, blobs):
        X, y = blobs
        clf = smoothed(sigma=1.0).fit(X, y)
        assert clf.score(X, y) == np.mean(clf.predict(X) == y)
        assert 0.5 < clf.score(X, y) < 1

    @pytest.mark.parametrize("radius", [0.0, 0.3])
    def test_classwise_score(self, blobs, radius):
        X, y = blobs
        clf = smoothed().fit(X, y)
        scores = clf.classwise_score(X, y, radius=radius)
        expected = certified_accuracy_score(
            y, clf.certify(X, radii=[radius]), radius=radius, average=None
        )
        assert list(scores) == clf.classes_.tolist()
        assert list(scores.values()) == expected.tolist()
        assert all(type(score) is float for score in scores.values())
        if radius:
            at_row = clf.classwise_score(X, y)
            assert all(scores[label] <= at_row[label] for label in scores)
            assert scores != at_row

    def test_classwise_score_of_an_absent_class_is_nan(self, blobs):
        X, y = blobs
        clf = smoothed().fit(X, y)
        scores = clf.classwise_score(X[y != 1], y[y != 1])
        assert np.isnan(scores[1])
        assert scores[0] > 0.5
        assert scores[2] > 0.5

    def test_weights_move_the_answer_and_the_certificate(self):
        """With weights v and w the boundary lies where v P(A) = w P(B)."""
        X = np.array([[-0.25], [-0.1], [0.1]])
        clf = smoothed(LooksAt(), sigma=0.5, n_certify=5000).fit(X, [0, 1, 1])
        assert clf.certify(X).label.tolist() == [0, 0, 1]
        # P(class 1) is 0.31 and 0.42: three times its votes win.
        clf.set_params(vote_weights={1: 3.0})
        certificates = clf.certify(X)
        assert certificates.label.tolist() == [1, 1, 1]
        boundary = 0.5 * -0.6744897501960817  # 3 Phi(x / sigma) = 1 - Phi(x / sigma)
        assert not certificates.abstained.any()
        assert (certificates.radius <= X[:, 0] - boundary).all()
        assert (certificates.radius[1:] >= 0.75 * (X[1:, 0] - boundary)).all()

    @pytest.mark.parametrize("bound", ["binary", "multiclass"])
    def test_the_radius_is_that_of_cohen_et_al(self, blobs, bound):
        """Theorem 1 at Clopper-Pearson bounds, less the slack of the grid."""
        X, y = blobs
        found = smoothed(sigma=1.0, bound=bound).fit(X, y).certify(X)
        n, top = found.counts.sum(axis=1), found.counts.max(axis=1)
        runner_up = np.sort(found.counts, axis=1)[:, -2]
        alpha = found.alpha if bound == "binary" else found.alpha / 2
        lower = beta.ppf(alpha, top, n - top + 1)
        other = 1 - lower
        if bound == "multiclass":
            other = np.fmin(other, beta.ppf(1 - alpha, runner_up + 1, n - runner_up))
        radius = (ndtri(lower) - ndtri(other)) / 2 - found.slack
        certified = ~found.abstained
        assert certified.sum() > 100
        np.testing.assert_allclose(found.radius[certified], radius[certified], 1e-9)
        np.testing.assert_allclose(found.p_lower[certified], lower[certified], 1e-9)

    @pytest.mark.parametrize("n_classes", [2, 10, 100, 1000])
    @pytest.mark.parametrize("bound", ["binary", "multiclass"])
    def test_unanimous_votes_certify_however_many_classes_there_are(
        self, bound, n_classes
    ):
        """A class that nobody votes for must not cost the others their certificate."""
        base = DummyClassifier(strategy="constant", constant=1)
        base.fit(np.zeros((n_classes, 2)), np.arange(n_classes))
        for n_certify in (100, 1000, 10_000):
            clf = SmoothedClassifier.from_fitted(
                base,
                bound=bound,
                n_certify=n_certify,
                random_state=0,
                method="monte_carlo",
            )
            certificates = clf.certify(np.zeros((1, 2)))
            assert not certificates.abstained.any()
            # Pilot votes plan for fewer than n_certify, which costs a little radius.
            most = clf.certify(np.zeros((1, 2)), tol=0).radius
            assert certificates.radius > 0.85 * most

    def test_progress(self, blobs, capsys):
        X, y = blobs
        clf = smoothed(verbose=1).fit(X, y)
        clf.certify(X[:30])
        shown = capsys.readouterr().err
        assert "certify" in shown
        assert "30/30" in shown
        clf.set_params(verbose=0).certify(X[:30])
        assert capsys.readouterr().err == ""


# -- searches --------------------------------------------------------------------------


class TestSearches:
    SIGMAS = (0.2, 0.6, 1.5)

    @pytest.fixture
    @staticmethod
    def certified(monkeypatch):
        """Count the calls of certify: the number of rows and sigma of each."""
        calls = []
        certify = SmoothedClassifier.certify

        def counting(self, X, **kwargs):
            calls.append((len(X), self.sigma))
            return certify(self, X, **kwargs)

        monkeypatch.setattr(SmoothedClassifier, "certify", counting)
        return calls

    @pytest.fixture(scope="class")
    @staticmethod
    def data(blobs):
        X, y = blobs
        return X, np.array(["ant", "bee", "cow"])[y]

    def search(self, estimator, prefix="", scorer=None, **params):
        return GridSearchCV(
            estimator,
            {f"{prefix}sigma": self.SIGMAS},
            scoring=scorer or ClasswiseScorer(radii=(0.0, 0.25)),
            refit="certified_accuracy_at_0.25_worst",
            cv=StratifiedKFold(3),
            error_score="raise",
            **params,
        )

    def check(self, search, calls):
        """Once per fold and candidate: 3 folds of 50 rows for each of 3 sigmas."""
        expected = [(50, sigma) for sigma in self.SIGMAS for _ in range(3)]
        assert calls == expected
        results = search.cv_results_
        for name in ("ant", "bee", "cow", "worst", "macro"):
            scores = results[f"mean_test_certified_accuracy_at_0.25_{name}"]
            assert scores.shape == (3,)
            assert ((scores >= 0) & (scores <= 1)).all()
        worst = results["mean_test_certified_accuracy_at_0.25_worst"]
        assert search.best_index_ == np.argmax(worst)
        assert len(set(worst)) > 1

    def test_bare(self, data, certified):
        search = self.search(smoothed(LogisticRegression())).fit(*data)
        self.check(search, certified)
        assert search.best_estimator_.sigma == search.best_params_["sigma"]

    def test_bare_with_sample_weight(self, data, certified):
        X, y = data
        weight = np.where(y == "ant", 9.0, 0.5)
        search = self.search(smoothed(LogisticRegression()))
        search.fit(X, y, sample_weight=weight)
        self.check(search, certified)
        base = LogisticRegression().fit(X, y, sample_weight=weight)
        assert search.best_estimator_.estimator_.coef_ == pytest.approx(base.coef_)

    def test_at_the_end_of_a_pipeline(self, data, certified):
        pipeline = make_pipeline(StandardScaler(), smoothed(LogisticRegression()))
        search = self.search(pipeline, "smoothedclassifier__").fit(*data)
        self.check(search, certified)

    def test_at_the_end_of_a_pipeline_with_sample_weight(self, data, certified):
        X, y = data
        weight = np.where(y == "ant", 9.0, 0.5)
        pipeline = make_pipeline(StandardScaler(), smoothed(LogisticRegression()))
        search = self.search(pipeline, "smoothedclassifier__")
        search.fit(X, y, smoothedclassifier__sample_weight=weight)
        self.check(search, certified)
        scaled = StandardScaler().fit_transform(X)
        base = LogisticRegression().fit(scaled, y, sample_weight=weight)
        fitted = search.best_estimator_[-1].estimator_
        assert fitted.coef_ == pytest.approx(base.coef_)

    @pytest.mark.usefixtures("routing")
    @pytest.mark.parametrize("piped", [False, True])
    def test_with_sample_weight_routed(self, data, certified, piped):
        X, y = data
        weight = np.where(y == "ant", 9.0, 0.5)
        scorer = ClasswiseScorer((0.0, 0.25)).set_score_request(sample_weight=True)
        estimator = smoothed(LogisticRegression().set_fit_request(sample_weight=True))
        prefix = ""
        if piped:
            scaler = StandardScaler().set_fit_request(sample_weight=True)
            estimator = make_pipeline(scaler, estimator)
            prefix = "smoothedclassifier__"
        search = self.search(estimator, prefix, scorer)
        search.fit(X, y, sample_weight=weight)
        self.check(search, certified)
        # The scores count the weights too.
        names, results = ["ant", "bee", "cow"], search.cv_results_
        for fold, (_, test) in enumerate(StratifiedKFold(3).split(X, y)):
            key = f"split{fold}_test_certified_accuracy_at_0.25"
            by_class = np.array([results[f"{key}_{name}"] for name in names])
            total = np.array([weight[test][y[test] == name].sum() for name in names])
            assert results[key] == pytest.approx(total @ by_class / total.sum())

    def test_over_base_classifiers_that_are_fitted(self, data, certified):
        X, y = data
        frozen = [FrozenEstimator(KNeighborsClassifier(k).fit(X, y)) for k in (1, 3, 9)]
        search = GridSearchCV(
            smoothed(),
            {"estimator": frozen},
            scoring=ClasswiseScorer(),
            refit="certified_accuracy_worst",
            cv=2,
        ).fit(X, y)
        assert len(certified) == 6
        assert search.best_estimator_.estimator_.estimator is (
            search.best_params_["estimator"].estimator
        )

    def test_plain_accuracy_certifies_nothing(self, data, certified):
        scores = cross_val_score(smoothed(), *data, cv=3)
        assert (scores > 0.8).all()
        assert certified == []

    def test_a_fold_may_lack_a_class_of_a_fitted_classifier(self, blobs, certified):
        """Columns are those of the fitted classifier, whatever a fold holds."""
        X, y = blobs
        order = np.argsort(y, kind="stable")
        X, y = X[order], y[order]
        frozen = FrozenEstimator(KNeighborsClassifier(3).fit(X, y))
        folds = KFold(3)  # fold k tests class k, and trains on the other two
        results = cross_validate(
            smoothed(frozen),
            X,
            y,
            cv=folds,
            scoring=ClasswiseScorer(),
            return_estimator=True,
            error_score="raise",
        )
        for k, clf in enumerate(results["estimator"]):
            assert clf.classes_.tolist() == [0, 1, 2]
            assert clf.predict_proba(X[:4]).shape == (4, 3)
            for label in range(3):
                score = results[f"test_certified_accuracy_{label}"][k]
                assert np.isnan(score) == (label != k)
                assert label != k or score > 0.5


def test_an_encoder_for_text_columns_stands_before_it():
    """What the error about text columns advises."""
    X = pd.DataFrame(
        {"colour": ["red", "blue"] * 20, "size": np.repeat([0.0, 5.0], 20)}
    )
    y = np.repeat([0, 1], 20)
    encode = ColumnTransformer(
        [("c", OneHotEncoder(sparse_output=False), ["colour"])], remainder="passthrough"
    )
    clf = make_pipeline(encode, smoothed()).fit(X, y)
    assert clf.score(X, y) == 1.0


def test_a_function_as_estimator_is_told_of_from_fitted():
    with pytest.raises(TypeError, match="from_fitted"):
        SmoothedClassifier(lambda X: X[:, 0] > 0).fit([[0.0], [1.0]], [False, True])
