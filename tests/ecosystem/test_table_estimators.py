# SPDX-License-Identifier: BSD-3-Clause
"""Tables with categories and missing values, with classifiers of other libraries."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV

from sksmooth import CertificateLog, SmoothedClassifier, read_certificates
from sksmooth.metrics import CertifiedScorer
from sksmooth.training import NoiseAugmentedClassifier
from tests.ecosystem.estimators import ESTIMATORS, NUMBERS, hgb, one_hot, table_for

# What other libraries warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")


def as_polars(X):
    """A frame of polars; categories become strings."""
    columns = {
        name: [None if value != value else value for value in X[name].tolist()]
        for name in X.columns
    }
    return pl.DataFrame(columns)


def smoothed(base, **settings):
    settings = {
        "sigma": 0.25,
        "noise_features": NUMBERS,
        "feature_scale": "std",
        "n_predict": 200,
        "n_certify": 300,
        "random_state": 0,
    } | settings
    return SmoothedClassifier(base, **settings)


@pytest.mark.parametrize("make", ESTIMATORS)
def test_fit_predict_certify_search_log_and_resume(make, tmp_path):
    X, y = table_for(make)
    clf = smoothed(make()).fit(X[:350], y[:350])
    test, y_test = X[350:], y[350:]
    labels = clf.predict(test)
    assert accuracy_score(y_test, labels) > 0.7
    certificates = clf.certify(test)
    sure = ~certificates.abstained
    assert (certificates.label == labels)[sure].mean() > 0.95
    assert certificates.radius.mean() > 0.1
    assert certificates.feature_radius("workclass").max() == 0

    search = GridSearchCV(
        smoothed(make()),
        {"sigma": [0.1, 0.5]},
        scoring=CertifiedScorer(radius=0.1),
        cv=2,
    ).fit(X[:200], y[:200])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    log = CertificateLog(tmp_path / "log.tsv", y=y_test[:20])
    first = clf.certify(test[:20], log=log)
    text = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(text[:10]))
    assert clf.certify(test[:20], log=log) == first
    assert log.path.read_text().splitlines(keepends=True) == text
    again, _ = read_certificates(log.path)
    assert again.scale == first.scale


@pytest.mark.parametrize("make", [one_hot, hgb])
def test_polars_and_pandas_have_the_same_certificates(make):
    X, y = table_for(make)
    names = X.columns.drop(["workclass", "occupation"])
    if make is hgb:
        names = names.drop("marital-status")
        base = make().set_params(categorical_features=None)
    else:
        base = make()
        base[0].transformers[0] = (*base[0].transformers[0][:2], ["marital-status"])
    X = X[names]
    frame = as_polars(X)
    one, other = (
        smoothed(base).fit(rows[:350], y[:350]).certify(rows[350:])
        for rows in (X, frame)
    )
    assert np.mean(one.label == other.label) > 0.95
    np.testing.assert_allclose(one.scale, other.scale)


def test_training_with_noise_keeps_columns_of_polars():
    X, y = table_for(hgb)
    frame = as_polars(X)
    seen = []

    class Recorder(type(hgb())):
        def fit(self, X, y):
            seen.append(X)
            self.classes_ = np.unique(y)
            return self

    NoiseAugmentedClassifier(Recorder(), noise_features=["age"], n_copies=2).fit(
        frame, y
    )
    (copies,) = seen
    held = [name for name in frame.columns if name != "age"]
    assert copies[held].equals(pl.concat([frame, frame])[held])
    assert copies["age"].dtype == pl.Float64
