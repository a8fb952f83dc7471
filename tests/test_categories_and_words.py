# SPDX-License-Identifier: BSD-3-Clause
"""Categories drawn anew and words deleted, through `SmoothedClassifier`."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.special import ndtr
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier, certify, read_certificates, recertify
from sksmooth.noise import Resample, TokenDeletion

N = 300


class RandomTable(ClassifierMixin, BaseEstimator):
    """Any labels, as a function of three small whole numbers."""

    def __init__(self, seed=0, n_values=3):
        self.seed = seed
        self.n_values = n_values

    def fit(self, X, y):
        self.classes_ = np.arange(2)
        self.n_features_in_ = 3
        rng = np.random.default_rng(self.seed)
        self.table_ = rng.integers(2, size=(self.n_values,) * 3)
        # Mostly one class, so that some labels hold far away.
        self.table_[rng.random(self.table_.shape) < 0.7] = 1
        return self

    def predict(self, X):
        X = np.asarray(X.toarray() if hasattr(X, "toarray") else X)
        return self.table_[tuple(np.rint(X).astype(int).T)]


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "color": rng.choice(["red", "green", "blue"], N),
            "size": pd.Categorical(rng.choice(["s", "m"], N), ["m", "s", "xl"]),
            "a": rng.normal(size=N),
            "b": rng.normal(size=N),
        }
    )
    return X, ((X.color == "red") * 1.5 + X.a - (X["size"] == "s") > 0.4).to_numpy(int)


def one_hot(*columns):
    encode = make_column_transformer(
        (OneHotEncoder(), list(columns)), remainder="passthrough"
    )
    return make_pipeline(encode, LogisticRegression())


@pytest.fixture(scope="module")
def fitted(mixed):
    base = one_hot("color", "size")
    return SmoothedClassifier(
        base, noise=Resample(0.4), sigma=0.5, n_certify=2000, random_state=0
    ).fit(*mixed)


@pytest.fixture(scope="module")
def certificates(fitted, mixed):
    return fitted.certify(mixed[0][:60], changes=(0, 1, 2, 3))


# Categories


def test_no_sample_with_so_few_changed_categories_has_another_label():
    domain = np.array(list(itertools.product(range(3), repeat=3)), float)
    same = domain[:, np.newaxis] == domain
    distance = (~same).sum(axis=2)
    # A category is kept with 1 - b + b/C, and becomes each other one with b/C.
    kept = np.where(same, 0.3 + 0.7 / 3, 0.7 / 3).prod(axis=2)
    n_wrong = n_far = 0
    for seed in range(5):
        clf = SmoothedClassifier(
            RandomTable(seed), noise=Resample(0.7, [0, 1, 2]), random_state=seed
        )
        certificates = clf.fit(domain, np.arange(27) % 2).certify(domain)
        assert certificates.norm == 0
        label = (kept @ clf.estimator_.predict(domain) > 0.5).astype(int)
        other = np.where(label != certificates.label[:, np.newaxis], distance, 9)
        wrong = other.min(axis=1) <= certificates.radius
        n_wrong += np.sum(wrong & ~certificates.abstained)
        n_far += np.sum(certificates.radius >= 1)
        assert (certificates.radius == np.floor(certificates.radius)).all()
    # 135 certificates, each wrong with probability 0.001: more than 2 with 0.0003.
    assert n_wrong <= 2
    assert n_far > 30


def test_the_frontier_is_the_radius_beside_changed_categories(certificates, fitted):
    frontier = certificates.frontier
    assert frontier.shape == (60, 4)
    shown = ~certificates.abstained
    np.testing.assert_array_equal(frontier[shown, 0], certificates.radius[shown])
    assert np.isnan(frontier[~shown]).all()
    steps = np.nan_to_num(frontier, nan=-1)
    assert (np.diff(steps, axis=1) <= 0).all()
    assert 0 < np.mean(frontier[:, 1] > 0) < np.mean(frontier[:, 0] > 0)
    # There are two categories, and three of them cannot change.
    np.testing.assert_array_equal(frontier[:, 2], frontier[:, 3])
    np.testing.assert_array_equal(
        certificates.holds(0.1, changes=1), np.nan_to_num(frontier[:, 1], nan=-1) >= 0.1
    )
    np.testing.assert_array_equal(
        certificates.holds_for([1, 0, 0.1, 0]), certificates.holds(0.1, changes=1)
    )
    np.testing.assert_array_equal(
        certificates.holds_for([0, 0, 0, 0.2]), certificates.holds(0.2)
    )


def test_the_frontier_takes_no_votes_and_stays_with_its_samples(
    certificates, fitted, mixed
):
    plain = fitted.certify(mixed[0][:60])
    assert plain.frontier is None
    np.testing.assert_array_equal(plain.counts, certificates.counts)
    assert pickle.loads(pickle.dumps(certificates)) == certificates
    assert certificates[[3, 1]].frontier.shape == (2, 4)
    again = recertify(plain, changes=(0, 1, 2, 3))
    assert again == certificates
    looser = recertify(certificates, alpha=0.1).frontier
    known = ~np.isnan(certificates.frontier)
    assert (looser[known] >= certificates.frontier[known]).all()
    assert "radius_changes_3" in certificates.to_frame()
    assert "probability=0.4" in repr(certificates)
    with pytest.raises(ValueError, match="changes=1 was not requested"):
        plain.holds(0.1, changes=1)


def test_parameters_of_the_noise_are_searched_cloned_and_pickled(mixed, certificates):
    X, y = mixed
    clf = SmoothedClassifier(
        one_hot("color", "size"), noise=Resample(0.9), sigma=0.5, n_certify=2000,
        random_state=0, n_predict=50,
    )  # fmt: skip
    search = GridSearchCV(clf, {"noise__probability": [0.4, 0.95]}, cv=2).fit(X, y)
    assert search.best_params_ == {"noise__probability": 0.4}
    assert clf.noise == Resample(0.9)
    best = pickle.loads(pickle.dumps(clone(search.best_estimator_).fit(X, y)))
    found = certify(best, X[:60], changes=(0, 1, 2, 3))
    assert found == certificates


def test_neither_the_batch_nor_other_samples_matter(fitted, mixed, certificates):
    other = clone(fitted).set_params(batch_size=300).fit(*mixed)
    some = [40, 3, 17]
    found = other.certify(mixed[0].iloc[some], changes=(3,))
    assert replace(found, frontier=None) == replace(certificates[some], frontier=None)
    # Up to the rounding of sums, whose order depends on the number of samples.
    np.testing.assert_allclose(found.frontier, certificates.frontier[some], rtol=1e-12)


def test_numbers_are_held_fixed_where_only_categories_are_drawn(mixed):
    X, y = mixed
    clf = SmoothedClassifier(
        one_hot("color", "size"), noise=Resample(0.6), noise_features=[],
        n_certify=1000, random_state=0,
    )  # fmt: skip
    certificates = clf.fit(X, y).certify(X[:40], changes=(0, 1, 2))
    assert certificates.norm == 0
    assert certificates.scale == (1.0, 1.0, 0.0, 0.0)
    assert set(certificates.radius) <= {0.0, 1.0, 2.0}
    radius = np.where(certificates.abstained, -1, certificates.radius)
    for k in range(3):
        left = np.where(radius >= k, radius - k, np.nan)
        np.testing.assert_array_equal(certificates.frontier[:, k], left)
        np.testing.assert_array_equal(certificates.holds(0, changes=k), radius >= k)
    np.testing.assert_array_equal(certificates.holds_for([1, 1, 0, 0]), radius >= 2)
    with pytest.raises(ValueError, match="held fixed"):
        certificates.holds_for([0, 0, 0.1, 0])
    asked = clf.certify(X[:40], radii=[0, 1, 2])
    # Votes of one test and of the other are alike, but for a step here and there.
    assert (np.abs(asked.radius - certificates.radius) <= 1).mean() > 0.9


@pytest.mark.parametrize("weights", [{0: 1.0, 1: 2.0}])
def test_vote_weights_count(mixed, certificates, weights, fitted):
    heavier = clone(fitted).set_params(vote_weights=weights).fit(*mixed)
    found = heavier.certify(mixed[0][:60], changes=(0, 1))
    both = ~found.abstained & ~certificates.abstained
    both &= found.label == certificates.label
    more = found.radius > certificates.radius
    assert more[both & (found.label == 1)].mean() > 0.9
    assert not more[both & (found.label == 0)].any()


def test_a_log_keeps_what_the_frontier_is_computed_from(
    fitted, mixed, certificates, tmp_path
):
    path = tmp_path / "log.tsv"
    first = fitted.certify(mixed[0][:60], log=path, changes=(0, 1, 2, 3))
    assert first == certificates
    assert fitted.certify(mixed[0][:60], log=path, changes=(0, 1, 2, 3)) == first
    found, _ = read_certificates(path)
    assert recertify(found, changes=(0, 1, 2, 3)) == certificates


@pytest.mark.parametrize("dtype", [object, float])
def test_arrays_with_named_columns(dtype):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(3, size=N), rng.normal(size=(N, 2))]).astype(
        dtype
    )
    y = (X[:, 0] == 1).astype(int)
    base = make_pipeline(
        make_column_transformer((OneHotEncoder(), [0]), remainder="passthrough"),
        LogisticRegression(),
    )
    clf = SmoothedClassifier(
        base, noise=Resample(0.3, [0]), sigma=0.5, n_certify=500, random_state=0
    )
    found = clf.fit(X, y).certify(X[:20], changes=(0, 1))
    assert (found.label == y[:20]).mean() > 0.8
    assert found.law["cardinalities"] == [3, 0, 0]


def test_missing_categories_are_a_category_and_constant_ones_are_held(mixed):
    X = mixed[0].assign(color=mixed[0].color.where(mixed[0].color != "blue"), k="x")
    clf = SmoothedClassifier(
        one_hot("color", "size", "k"),
        noise=Resample(0.3),
        n_certify=300,
        random_state=0,
    )
    found = clf.fit(X, mixed[1]).certify(X[:10])
    assert found.law["cardinalities"] == [3, 2, 0, 0]
    assert found.scale == (1.0, 1.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": Resample(1.5)}, "probability=1.5"),
        ({"noise": Resample(0.3, ["shade"])}, "categorical_features has 'shade'"),
        ({"noise": Resample(0.3, None)}, "categorical_features=None must be"),
        ({"noise": Resample(0.3, list)}, "categorical_features=<class 'list'> must be"),
        ({"noise": Resample(10**400)}, "probability=1000"),
        ({"noise": Resample(0.3), "noise_features": ["color"]}, r"\['color'\]"),
        ({"noise": Resample(0.3), "norm": 1}, "norm=1"),
        ({"noise": Resample(0.3, ["size"])}, "color"),
        (
            {"noise": TokenDeletion(0.5), "noise_features": ["a"]},
            "words of all columns",
        ),
        ({"noise": "gaussian", "noise_features": ["a", "b"], "norm": 0}, "norm=0"),
    ],
)
def test_bad_settings_are_refused_by_name(mixed, change, message):
    clf = SmoothedClassifier(one_hot("color", "size"), **change)
    with pytest.raises(ValueError, match=message):
        clf.fit(*mixed).certify(mixed[0][:2])


def test_lists_are_no_categories(mixed):
    X = mixed[0].assign(color=[["red"]] * len(mixed[0]))
    with pytest.raises(ValueError, match=r"X holds \['red'\] in a column of categ"):
        SmoothedClassifier(one_hot("color", "size"), noise=Resample(0.3)).fit(
            X, mixed[1]
        )


@pytest.mark.parametrize("weights", [None, {0: 1.0, 1: 2.0}])
def test_radii_are_tested_beside_changes(fitted, mixed, weights):
    X, radii = mixed[0][:40], [0.0, 0.1, 0.5, 1.0]
    clf = replaced(fitted, vote_weights=weights)
    asked = clf.certify(X, radii=radii, changes=(0, 1, 3))
    planned = clf.certify(X, changes=(0, 1, 3), tol=0.0)
    assert asked.frontier.shape == (40, 4)
    assert asked.n_evaluations.sum() < 0.7 * planned.n_evaluations.sum()
    shown = ~asked.abstained
    np.testing.assert_array_equal(asked.frontier[shown, 0], asked.radius[shown])
    assert np.isnan(asked.frontier[~shown]).all()
    np.testing.assert_array_equal(asked.frontier[:, 2], asked.frontier[:, 3])
    assert np.isin(asked.frontier[~np.isnan(asked.frontier)], radii).all()
    # As many radii as those that many votes prove, but for a few close calls.
    reach = np.nan_to_num(planned.frontier, nan=-1.0)
    expected = np.append(-1.0, radii)[np.searchsorted(radii, reach, side="right")]
    found = np.nan_to_num(asked.frontier, nan=-1.0)
    assert np.mean(found == expected) > 0.9
    assert 0.05 < np.mean(found[:, 1] > 0) < 0.95
    # The same claims without changes.
    plain = clf.certify(X, radii=radii)
    assert np.mean(plain.radius == asked.radius) > 0.9


def replaced(clf, **params):
    """The same fitted classifier, with other parameters."""
    return pickle.loads(pickle.dumps(clf)).set_params(**params)


def test_added_words_are_tested_beside_deleted_ones():
    rng = np.random.default_rng(0)
    X = csr_array(rng.poisson(0.6, (60, 30)))
    y = (X[:, :10].sum(axis=1) > X[:, 10:20].sum(axis=1)).astype(int)
    clf = SmoothedClassifier(
        MultinomialNB(), noise=TokenDeletion(0.8), n_certify=1000, random_state=0
    ).fit(X, y)
    asked = clf.certify(X[:20], radii=[0, 1, 2], changes=(0, 1, 2))
    # With k deleted words among them, radii count r - k added ones.
    for k in range(3):
        beside = np.nan_to_num(asked.frontier[:, k], nan=-1.0)
        held = ~asked.abstained
        assert (beside + k >= asked.radius)[held].all()
    assert (asked.radius > 0).any()
    planned = clf.certify(X[:20], changes=(0, 1, 2), tol=0.0)
    reach = np.minimum(np.nan_to_num(planned.frontier, nan=-1.0), 2)
    assert np.mean(np.nan_to_num(asked.frontier, nan=-1.0) == reach) > 0.85


def test_bad_calls_are_refused_by_name(fitted, mixed):
    X = mixed[0][:2]
    with pytest.raises(ValueError, match=r"category 'pink' in column 'color'"):
        fitted.certify(X.assign(color="pink"))
    with pytest.raises(ValueError, match="has no place for what holds beside changes"):
        fitted.certify(X, radii=[0.1], changes=(0, 1), log="log.tsv")
    with pytest.raises(TypeError, match="changes=1"):
        fitted.certify(X, changes=1)
    with pytest.raises(ValueError, match=r"changes=\[-1\]"):
        fitted.certify(X, changes=(-1,))
    with pytest.raises(ValueError, match="1000000000 is more than 10000"):
        fitted.certify(X, changes=(0, 10**9))
    with pytest.raises(ValueError, match="FrozenEstimator"):
        SmoothedClassifier.from_fitted(fitted.estimator_, noise=Resample(0.3))
    frozen = FrozenEstimator(fitted.estimator_)
    moved = SmoothedClassifier(frozen, noise_features=["a", "b"]).fit(*mixed)
    with pytest.raises(ValueError, match="changes categories or words"):
        moved.certify(X, changes=(0, 1))
    with pytest.raises(ValueError, match="fit again"):
        moved.set_params(noise=Resample(0.3), noise_features=None).certify(X)


class Strips(ClassifierMixin, BaseEstimator):
    """Three classes on intervals of a number, others for each of three categories."""

    def fit(self, X, y=None):
        self.classes_ = np.arange(3)
        self.n_features_in_ = X.shape[1]
        rng = np.random.default_rng(0)
        self.edges_ = np.sort(rng.normal(0, 1.5, (3, 3)), axis=1)
        self.labels_ = np.array([[0, 0, 1, 1], [2, 0, 1, 1], [0, 0, 2, 1]])
        return self

    def predict(self, X):
        kind = np.searchsorted(["a", "b", "c"], X["kind"].to_numpy(str))
        past = X["x"].to_numpy()[:, np.newaxis] > self.edges_[kind]
        return self.labels_[kind, past.sum(axis=1)]

    def shares(self, kind, x, probability):
        """Probabilities of the classes at numbers x, under noise of deviation 1."""
        edges = np.pad(self.edges_, ((0, 0), (1, 1)), constant_values=np.inf)
        edges[:, 0] = -np.inf
        inside = np.diff(ndtr(edges[:, np.newaxis] - x[:, np.newaxis]), axis=2)
        by_kind = np.array(
            [p @ np.eye(3)[c] for p, c in zip(inside, self.labels_, strict=True)]
        )
        drawn = np.full(3, probability / 3)
        drawn[kind] += 1 - probability
        return np.tensordot(drawn, by_kind, 1)


def test_no_move_beside_a_changed_category_has_another_label():
    rng, weights = np.random.default_rng(0), np.array([1.0, 0.8, 1.7])
    X = pd.DataFrame({"x": rng.normal(0, 3, 100), "kind": rng.choice([*"abc"], 100)})
    clf = SmoothedClassifier(
        Strips(), noise=Resample(0.9), sigma=1.0, n_certify=1000, random_state=0,
        vote_weights=dict(enumerate(weights)),
    ).fit(X, np.arange(100) % 3)  # fmt: skip
    found = clf.certify(X, changes=(0, 1))
    moves, n_wrong, n_lost = np.linspace(-1, 1, 21), 0, 0
    for i in np.flatnonzero(~found.abstained):
        own, wrong = "abc".index(X.kind[i]), False
        for kind in range(3):
            far = found.frontier[i, int(kind != own)]
            if np.isnan(far):
                continue
            label, beyond = (
                clf.estimator_.shares(kind, X.x[i] + r * moves, 0.9) * weights
                for r in (far, far + 1)
            )
            wrong |= (label.argmax(axis=1) != found.label[i]).any()
            n_lost += (beyond.argmax(axis=1) != found.label[i]).any()
        n_wrong += wrong
    assert n_wrong <= 2  # each with probability 0.001
    assert n_lost > 15  # other labels are near
    assert (found.frontier[:, 1] > 0).sum() > 15


# Words


def thinned(counts, domain, probability):
    """Probability of each of some counts once words of `counts` are deleted."""
    kept = binom.pmf(domain, counts, 1 - probability)
    return kept.prod(axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_no_text_with_so_few_added_and_deleted_words_has_another_label(seed):
    domain = np.array(list(itertools.product(range(5), repeat=3)))
    clf = SmoothedClassifier(
        RandomTable(seed, 5), noise=TokenDeletion(0.8), random_state=seed
    )
    clf.fit(csr_array(domain), np.arange(125) % 2)
    certificates = clf.certify(csr_array(domain), changes=(0, 1, 2))
    votes = clf.estimator_.predict(domain)
    label = np.array([thinned(x, domain, 0.8) @ votes > 0.5 for x in domain])
    change = domain - domain[:, np.newaxis]
    added, deleted = np.maximum(change, 0).sum(2), np.maximum(-change, 0).sum(2)
    other = label != certificates.label[:, np.newaxis]
    wrong = (other & (added + deleted <= certificates.radius[:, np.newaxis])).any(
        axis=1
    )
    for k in range(3):
        within = (deleted <= k) & (added <= certificates.frontier[:, [k]])
        wrong |= (other & within).any(axis=1)
    assert (wrong & ~certificates.abstained).sum() <= 2
    assert (certificates.radius >= 2).any()
    for c in (0, 1):  # of two classes, the other one is all others
        mine = certificates.label != c
        against = certificates.radius_against([c])
        assert (against == np.where(mine, certificates.radius, 0.0)).all()


TEXTS = {
    "weather": "rain sun wind cloud storm snow heat frost fog sky",
    "music": "song drum bass chord tune choir verse beat horn flute",
}


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    words = [text.split() for text in TEXTS.values()]
    y = np.arange(80) % 2
    joined = [
        " ".join([*rng.choice(words[k], 25), *rng.choice(words[1 - k], 4)]) for k in y
    ]
    return joined, np.array(list(TEXTS))[y]


@pytest.fixture(scope="module")
def reader(texts):
    smoothed = SmoothedClassifier(
        make_pipeline(TfidfTransformer(), LogisticRegression()),
        noise=TokenDeletion(0.8), n_certify=1000, random_state=0,
    )  # fmt: skip
    return make_pipeline(CountVectorizer(), smoothed).fit(texts[0][:60], texts[1][:60])


def test_texts_behind_a_vectorizer(reader, texts):
    held_out = texts[0][60:]
    found = certify(reader, held_out, changes=(0, 4))
    assert (found.label == texts[1][60:]).all()
    assert np.median(found.radius) >= 2
    assert (found.frontier[:, 0] >= found.radius).all()
    counts, smoothed = reader[0].transform(held_out), reader[1]
    assert smoothed.certify(counts.toarray(), changes=(0, 4)) == found
    assert smoothed.certify(counts.astype(np.float64), changes=[4]) == found
    again = smoothed.set_params(batch_size=100).certify(counts[::-1], changes=[4])
    smoothed.set_params(batch_size=8192)
    assert again == found[np.arange(len(found))[::-1]]
    np.testing.assert_array_equal(
        found.holds_for(np.eye(counts.shape[1])[0] * -2), found.holds(2)
    )
    asked = certify(reader, held_out, radii=[0, 1, 2])
    assert (np.abs(asked.radius - found.radius) <= 1).all()
    assert (reader.predict(held_out) == texts[1][60:]).all()


def test_classifiers_that_take_small_indices_only(texts, reader):
    counts = reader[0].transform(texts[0])
    clf = SmoothedClassifier(
        SVC(kernel="linear"), noise=TokenDeletion(0.5), n_predict=50, random_state=0
    )
    assert clf.fit(counts, texts[1]).score(counts[:10], texts[1][:10]) == 1


def test_a_log_of_texts(reader, texts, tmp_path):
    counts = reader[0].transform(texts[0][60:])
    first = reader[1].certify(counts, log=tmp_path / "log.tsv")
    assert reader[1].certify(counts, log=tmp_path / "log.tsv") == first
    found, _ = read_certificates(tmp_path / "log.tsv")
    assert found == first
    assert (recertify(found, alpha=0.1).radius >= found.radius).all()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.uint64, np.float16])
def test_a_text_has_one_certificate_in_any_dtype(dtype):
    X = np.random.default_rng(0).poisson(1.0, (40, 5))
    X = X > 0 if dtype is bool else X
    clf = SmoothedClassifier(
        MultinomialNB(), noise=TokenDeletion(0.7), n_certify=100, random_state=0
    )
    y = np.arange(40) % 2
    expected = clf.fit(X.astype(np.int64), y).certify(X[:5].astype(np.int64))
    assert clf.fit(X.astype(dtype), y).certify(X[:5].astype(dtype)) == expected
    if dtype != np.float16:
        assert clf.certify(csr_array(X[:5].astype(dtype))) == expected


def test_counts_of_a_word_in_parts_are_their_sum():
    parts = csr_array(
        (np.array([200, 0, 100], np.uint8), [2, 0, 2], [0, 3]), shape=(1, 4)
    )
    X = np.random.default_rng(0).poisson(1.0, (40, 4))
    clf = SmoothedClassifier(
        MultinomialNB(), noise=TokenDeletion(0.7), n_certify=100, random_state=0
    ).fit(X, np.arange(40) % 2)
    assert clf.certify(parts) == clf.certify([[0, 0, 300, 0]])
    assert parts.nnz == 3  # it is left as it was


def test_what_is_no_count_is_refused(reader, texts):
    counts = reader[0].transform(texts[0][:4])
    for wrong in (counts * 0.5, -counts):
        with pytest.raises(ValueError, match="no count of words"):
            reader[1].certify(wrong)
    plain = SmoothedClassifier(LogisticRegression())
    with pytest.raises(TypeError, match="for X, and noise='gaussian' would"):
        plain.fit(counts, texts[1][:4])
    with pytest.raises(ValueError, match="no closed form"):
        clone(reader[1]).set_params(method="exact").fit(counts, texts[1][:4]).predict(
            counts
        )
