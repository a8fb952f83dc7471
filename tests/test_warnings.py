# SPDX-License-Identifier: BSD-3-Clause
"""Warnings are ignored in one thread alone, and filters are left as they were."""

import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.parallel import Parallel, delayed

from sksmooth import SmoothedClassifier
from sksmooth._estimators import takes_frame
from sksmooth._warnings import ignore_warnings

X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])


def say(message="told", category=UserWarning):
    warnings.warn(message, category, stacklevel=1)


class Telling:
    """A classifier that warns in each call, without any code of other libraries."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def predict(self, X):
        say("told by predict")
        return (X[:, 0] > 0).astype(int)


@pytest.fixture
def filters():
    """The filters of this test, which it has to leave as they are."""
    before = list(warnings.filters)
    yield before
    assert warnings.filters == before


@pytest.fixture
def often():
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(work, n=8):
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, range(n)))


def test_only_what_matches_is_ignored(filters):
    with ignore_warnings("told|said") as messages:
        say()
        say("TOLD twice")
        with pytest.raises(UserWarning, match="not told"):
            say("not told")
    with pytest.raises(UserWarning, match="told"):
        say()
    with ignore_warnings(category=RuntimeWarning):
        say(category=RuntimeWarning)
        with pytest.raises(UserWarning, match="told"):
            say()
    assert messages == ["told", "TOLD twice"]


def test_filters_are_left_as_they_were_after_an_error(filters):
    with pytest.raises(KeyError), ignore_warnings():
        raise KeyError
    with ignore_warnings(), ignore_warnings("told"):
        say()


def test_other_threads_are_not_concerned(filters):
    inside, told = threading.Event(), threading.Event()

    def ignoring(_):
        with ignore_warnings() as messages:
            inside.set()
            assert told.wait(10)
            say()
        return messages

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(ignoring, None)
        assert inside.wait(10)
        with pytest.raises(UserWarning, match="told"):
            say()
        told.set()
        assert found.result() == ["told"]


def test_filters_that_were_restored_out_of_turn_ignore_nothing():
    """Another thread may leave a copy behind of the filters that it found."""
    with warnings.catch_warnings():
        with ignore_warnings():
            copy = list(warnings.filters)
        warnings.filters[:] = copy
        with pytest.raises(UserWarning, match="told"):
            say()


def test_filters_that_are_replaced_inside_are_left_as_they_were(filters):
    with warnings.catch_warnings():
        with ignore_warnings():
            warnings.filters = list(warnings.filters)
            say()
        assert warnings.filters == filters


def test_jobs_of_an_estimator_ignore_what_their_caller_does(filters):
    jobs = Parallel(n_jobs=2, backend="threading")
    with ignore_warnings():
        jobs(delayed(say)() for _ in range(4))
        assert pickle.loads(pickle.dumps(warnings.filters[0][1])).pattern == ""
    with pytest.raises(UserWarning, match="told"):
        jobs(delayed(say)() for _ in range(4))


def test_many_threads_certify_at_once(often):
    """Each with probes before it, whose warnings are ignored."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)

        def work(seed):
            for _ in range(4):
                clf = SmoothedClassifier.from_fitted(
                    Telling(), sigma=0.5, n_certify=200, random_state=seed
                )
                clf.certify(X[:2])
            return True

        assert all(in_threads(work))
        assert warnings.filters == before
        n_caught = len(caught)
        say("told by predict")
        assert len(caught) == n_caught + 1


@pytest.mark.parametrize("columns", [{}, {"noise_features": [0, 1]}])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_arrays_without_the_names_of_fit_are_warned_of_once(columns, n_jobs, filters):
    """Whatever votes come from, and in however many batches and threads."""
    options = columns | {
        "n_certify": 100,
        "batch_size": 32,
        "n_jobs": n_jobs,
        "random_state": 0,
    }
    for base in (LogisticRegression(), SVC()):
        fitted = base.fit(FRAME, y)
        for clf in (
            SmoothedClassifier(base, **options).fit(FRAME, y),
            SmoothedClassifier.from_fitted(fitted, method="monte_carlo", **options),
        ):
            with parallel_config("threading"):
                expected = clf.certify(FRAME[:6])
                with pytest.warns(UserWarning, match="valid feature names") as caught:
                    assert clf.certify(X[:6]) == expected
            assert len(caught) == 1
            assert "but SmoothedClassifier was fitted" in str(caught[0].message)
    # One that is told nothing of names takes arrays as it is given them.
    clf = SmoothedClassifier(FrozenEstimator(fitted), **options).fit(X, y)
    with parallel_config("threading"):
        clf.certify(X[:6])


def test_arrays_by_a_classifier_of_named_columns():
    """Columns that are held fixed are found by their names in an array as well."""
    table = FRAME.assign(c=np.where(FRAME["c"] > 0, "x", "z"))
    columns = make_column_transformer(
        (OneHotEncoder(), ["c"]), remainder=StandardScaler()
    )
    clf = SmoothedClassifier(
        make_pipeline(columns, LogisticRegression()),
        noise_features=["a", "b"],
        n_certify=100,
        random_state=0,
    ).fit(table, y)
    for method in ("auto", "monte_carlo"):
        clf.set_params(method=method)
        expected = clf.certify(table[:9])
        with pytest.warns(UserWarning, match="valid feature names"):
            assert clf.certify(table[:9].to_numpy()) == expected


def test_a_warning_that_was_shown_before_is_found_again(filters):
    """Python shows a warning once for each line of code, by default."""
    clf = SimpleNamespace(predict=lambda _: say("X has feature names"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            clf.predict(FRAME)
        assert len(caught) == 1
        assert not takes_frame(clf, FRAME)
