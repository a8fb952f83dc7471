# SPDX-License-Identifier: BSD-3-Clause
"""A result depends on its sample: nothing else about a call may change it.

Neither how many noisy rows are held at a time, nor who works on them, nor which other
rows come along. A tree answers a row the same in any batch, so equality is exact.
"""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier

X, Y = make_blobs(
    120, centers=[[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]], random_state=0
)
ROWS = X[:24] + 0.3  # some clear, some close to a boundary

TASKS = {
    "predict": lambda clf, rows: clf.predict(rows),
    "predict_proba": lambda clf, rows: clf.predict_proba(rows),
    "certify(tol=0)": lambda clf, rows: clf.certify(rows, tol=0),
    "certify()": lambda clf, rows: clf.certify(rows),
    "certify(radii)": lambda clf, rows: clf.certify(rows, radii=[0.0, 0.3, 0.6]),
}
by_task = pytest.mark.parametrize("ask", TASKS.values(), ids=TASKS)


def equal(one, other):
    """Whether two results are equal in every bit."""
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


@pytest.fixture(scope="module")
def clf():
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    return SmoothedClassifier(
        tree,
        sigma=0.8,
        n_predict=150,
        n_certify=400,
        random_state=0,
        method="monte_carlo",
    ).fit(X, Y)


def with_params(clf, **params):
    return pickle.loads(pickle.dumps(clf)).set_params(**params)


def test_there_is_something_to_compare(clf):
    """Rows of all kinds: certified and not, clear and close, stopped early and late."""
    certificates = clf.certify(ROWS)
    assert 0 < certificates.abstained.sum() < len(ROWS)
    assert len(set(certificates.n_evaluations)) > 1
    assert len(set(clf.certify(ROWS, radii=[0.0, 0.3, 0.6]).n_evaluations)) > 2
    assert len(set(clf.predict(ROWS))) == 4
    assert not equal(certificates, with_params(clf, sigma=0.7).certify(ROWS))
    assert not equal(certificates, clf.certify(ROWS, tol=0))


@by_task
@pytest.mark.parametrize("batch_size", [1, 17, 8192, 10**9])
def test_batch_size(clf, ask, batch_size):
    rows = ROWS[:4] if batch_size == 1 else ROWS
    other = with_params(clf, batch_size=batch_size)
    assert equal(ask(other, rows), ask(clf, rows))


@by_task
@pytest.mark.parametrize("batch_size", [17, 8192])
def test_threads(clf, ask, batch_size):
    other = with_params(clf, batch_size=batch_size)
    with parallel_config(backend="threading", n_jobs=2):
        assert equal(ask(other, ROWS), ask(clf, ROWS))
    with parallel_config(backend="threading"):
        assert equal(ask(other.set_params(n_jobs=3), ROWS), ask(clf, ROWS))


@by_task
def test_processes(clf, ask):
    other = with_params(clf, n_jobs=2)
    with parallel_config(backend="loky"):
        assert equal(ask(other, ROWS), ask(clf, ROWS))


@by_task
def test_order_of_rows(clf, ask):
    order = np.random.default_rng(0).permutation(len(ROWS))
    for some in (order, slice(None, None, -1)):
        assert equal(ask(clf, ROWS[some]), ask(clf, ROWS)[some])


@by_task
def test_subsets_of_rows(clf, ask):
    whole = ask(clf, ROWS)
    for some in (slice(3, 4), slice(None, None, 5), np.arange(len(ROWS)) % 3 == 1):
        assert equal(ask(clf, ROWS[some]), whole[some])


@by_task
def test_rows_one_by_one(clf, ask):
    whole = ask(clf, ROWS)
    for i in range(0, len(ROWS), 4):
        assert equal(ask(clf, ROWS[i : i + 1]), whole[i : i + 1])


@by_task
def test_duplicates_agree_and_change_nothing(clf, ask):
    twice = np.array([5, 0, 5, 1, 0, 5])
    assert equal(ask(clf, ROWS[twice]), ask(clf, ROWS)[twice])


@by_task
def test_repetition(clf, ask):
    """No call leaves a trace that another would see."""
    first = ask(clf, ROWS)
    for other in TASKS.values():
        other(clf, ROWS)
    assert equal(ask(clf, ROWS), first)


@by_task
def test_pickling_in_between(clf, ask):
    halves = [ask(clf, ROWS[:10]), ask(pickle.loads(pickle.dumps(clf)), ROWS[10:])]
    whole = ask(clf, ROWS)
    assert equal(halves[0], whole[:10])
    assert equal(halves[1], whole[10:])


@by_task
def test_layout_and_dtype_of_rows(clf, ask):
    narrow = ROWS.astype(np.float32)
    expected = ask(clf, narrow.astype(np.float64))
    # A tree looks at float32 only, so it votes alike; others might not.
    assert equal(ask(clf, narrow), expected)
    assert equal(ask(clf, np.asfortranarray(narrow)), expected)
    wide = np.zeros((24, 6), dtype=np.float32)
    wide[:, ::2] = narrow
    assert equal(ask(clf, wide[:, ::2]), expected)
    assert equal(ask(clf, narrow.tolist()), expected)


@by_task
def test_rows_are_not_changed(clf, ask):
    rows = ROWS.copy()
    rows.setflags(write=False)
    ask(clf, rows)
    assert np.array_equal(rows, ROWS)


@by_task
def test_fitting_again_with_the_same_seed(clf, ask):
    assert equal(ask(clone(clf).fit(X, Y), ROWS), ask(clf, ROWS))


@by_task
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_frames(clf, ask, n_jobs):
    names = ["a", "b", "c"]
    named = clone(clf).fit(pd.DataFrame(X, columns=names), Y)
    with parallel_config(backend="threading", n_jobs=n_jobs):
        frame = pd.DataFrame(ROWS, columns=names)
        assert equal(ask(named, frame), ask(clf, ROWS))
        some = frame.sample(frac=0.5, random_state=0)
        assert equal(ask(named, some), ask(clf, ROWS)[some.index.to_numpy()])


@by_task
@pytest.mark.parametrize(
    "base",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda base: type(base).__name__,
)
@pytest.mark.parametrize(
    "weights", [None, [1.0, 2.0, 1.0, 0.5]], ids=["plain", "weighted"]
)
@pytest.mark.parametrize("method", ["auto", "monte_carlo"])
def test_other_classifiers(ask, base, weights, method):
    """In whatever way their votes are computed.

    Sums in another order may move a score's last bit, and with it a vote that is a tie
    to 15 digits; there is none among these.
    """
    clf = SmoothedClassifier(
        base,
        sigma=0.8,
        n_predict=60,
        n_certify=150,
        alpha=0.01,
        vote_weights=weights,
        random_state=0,
        method=method,
    ).fit(X, Y)
    whole = ask(clf, ROWS)
    some = np.random.default_rng(1).permutation(len(ROWS))[:9]
    assert equal(ask(with_params(clf, batch_size=17), ROWS[some]), whole[some])
    with parallel_config(backend="threading", n_jobs=2):
        assert equal(ask(clf, ROWS), whole)


def test_rows_in_front_of_which_a_pipeline_scales(clf):
    """The scaled row may differ in its last bit with the batch; its noise must not."""
    pipeline = make_pipeline(StandardScaler(), clone(clf)).fit(X, Y)
    whole = pipeline.predict_proba(X)
    alone = np.vstack([pipeline.predict_proba(row[np.newaxis]) for row in X])
    assert np.array_equal(alone, whole)


@by_task
@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize(
    "base",
    [DecisionTreeClassifier(max_depth=4, random_state=0), LogisticRegression()],
    ids=["tree", "linear"],
)
def test_closed_forms(ask, base, n_classes):
    """How they are had may not depend on the rows; the last bits of a sum may."""
    some = n_classes > Y
    clf = SmoothedClassifier(base, sigma=0.8, n_certify=150, random_state=0)
    clf.fit(X[some], Y[some])
    whole = ask(clf, ROWS)
    parts = [(slice(k, k + 1), ask(clf, ROWS[k : k + 1])) for k in (0, 7)]
    again = np.arange(len(ROWS)) % 5 == 2
    parts.append((again, ask(with_params(clf, batch_size=7), ROWS[again])))
    for rows, part in parts:
        if isinstance(part, np.ndarray):
            assert part == pytest.approx(whole[rows], rel=1e-9)
            continue
        assert part.method == whole.method
        assert np.array_equal(part.label, whole[rows].label)
        assert np.array_equal(part.abstained, whole[rows].abstained)
        assert np.array_equal(part.n_evaluations, whole[rows].n_evaluations)
        assert part.radius == pytest.approx(whole[rows].radius, rel=1e-9)
        assert part.p_lower == pytest.approx(whole[rows].p_lower, rel=1e-9)
