# SPDX-License-Identifier: BSD-3-Clause
"""A denoiser between the noise and a classifier that was trained without noise."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sksmooth import (
    CertificateLog,
    SmoothedClassifier,
    TunedVoteClassifierCV,
    read_certificates,
    recertify,
)
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.metrics import CertifiedScorer, classwise_report
from sksmooth.shrinkage import (
    denoised_line_vanishing_sigma,
    denoised_line_vote_probability,
    shrinkage_curve,
)
from sksmooth.training import ReweightedNoiseClassifier
from tests.estimator_checks import each_check

X, Y = load_iris(return_X_y=True)
LINE = np.array([[-1.0], [0.0], [1.0]])


def smoothed(base=None, **settings):
    base = DecisionTreeClassifier(random_state=0) if base is None else base
    settings = {"denoiser": "posterior_mean", "n_certify": 200, "n_predict": 100} | {
        "random_state": 0,
        **settings,
    }
    return SmoothedClassifier(base, **settings)


def on_the_line(sigma, **settings):
    base = KNeighborsClassifier(1).fit(LINE, ["outer", "middle", "outer"])
    denoiser = PosteriorMeanDenoiser().fit(LINE)
    return SmoothedClassifier.from_fitted(
        base, sigma=sigma, denoiser=denoiser, random_state=0, **settings
    )


@pytest.mark.parametrize("sigma", [0.4, 0.69832, 1.0])
def test_three_points_on_a_line_have_the_shares_of_the_closed_form(sigma):
    n = 40_000
    share = on_the_line(sigma, n_predict=n).predict_proba([[0.0]])[0, 0]
    true = denoised_line_vote_probability(0.0, [-1, 0, 1], sigma)[1]
    assert abs(share - true) < 5 * np.sqrt(0.25 / n)
    if sigma == 0.69832:
        assert true == pytest.approx(0.63074, abs=5e-6)


def test_all_classes_live_until_the_sigma_of_the_closed_form():
    vanishes = denoised_line_vanishing_sigma([-1, 0, 1], [0, 1, 0])[0]
    assert vanishes == pytest.approx(1.03111, abs=5e-6)
    for factor, alive in ((0.95, True), (1.05, False)):
        clf = on_the_line(factor * vanishes, n_predict=20_000)
        assert clf.predict([[0.0]]) == ["middle"]
        assert (clf.predict([[1.0]]) == ["outer"]) == alive


def test_what_is_smoothed_is_the_pipeline_of_both():
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    denoiser = PosteriorMeanDenoiser(sigma=0.5, noise="gaussian").fit(X)
    settings = {"sigma": 0.5, "n_certify": 200, "random_state": 0}
    one = SmoothedClassifier.from_fitted(tree, denoiser=denoiser, **settings)
    pipeline = make_pipeline(denoiser, FrozenEstimator(tree))
    other = SmoothedClassifier.from_fitted(pipeline, **settings)
    a, b = one.certify(X[::10]), other.certify(X[::10])
    for name in ("label", "radius", "abstained", "counts"):
        assert np.array_equal(getattr(a, name), getattr(b, name))


def test_its_sigma_follows():
    clf = smoothed(sigma=0.3).fit(X, Y)
    clf.set_params(sigma=0.8)
    fresh = smoothed(sigma=0.8).fit(X, Y)
    assert clf.certify(X[::15]) == fresh.certify(X[::15])


def test_a_sigma_of_its_own_stays():
    own = smoothed(denoiser=PosteriorMeanDenoiser(sigma=0.2), sigma=0.8).fit(X, Y)
    assert own.denoiser_.sigma == 0.2
    assert own._base()[0].sigma == 0.2
    followed = smoothed(sigma=0.8).fit(X, Y)
    assert followed._base()[0].sigma == 0.8


def test_searches_tune_one_scalar():
    search = GridSearchCV(
        smoothed(LogisticRegression(max_iter=500)),
        {"sigma": [0.25, 0.5], "denoiser": [None, "posterior_mean"]},
        scoring=CertifiedScorer(radius=0.2),
        cv=2,
    ).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("batch_size", [1, 33])
def test_a_sample_gets_the_same_in_any_company(batch_size):
    clf = smoothed(sigma=0.5).fit(X, Y)
    together = clf.certify(X[:4])
    clf.set_params(batch_size=batch_size)
    assert clf.certify(X[:4][::-1])[::-1] == together
    assert clf.certify(X[2:3]) == together[2:3]


def test_certificates_logs_and_reports_say_so(tmp_path):
    clf = smoothed(sigma=0.5).fit(X, Y)
    log = CertificateLog(tmp_path / "log.tsv", y=Y[:20])
    certificates = clf.certify(X[:20], log=log)
    assert certificates.denoiser == "'posterior_mean'"
    again, y_true = read_certificates(log.path)
    assert again == certificates
    assert "posterior_mean" in str(classwise_report(y_true, again))
    assert "posterior_mean" in repr(certificates)
    stricter = recertify(certificates, alpha=1e-4)
    assert stricter.denoiser == certificates.denoiser
    without = smoothed(sigma=0.5, denoiser=None, method="monte_carlo").fit(X, Y)
    with pytest.raises(ValueError, match="another run"):
        without.certify(X[:20], log=log)


def test_closed_forms_decline():
    clf = smoothed(method="exact").fit(X, Y)
    with pytest.raises(ValueError, match=r"PosteriorMeanDenoiser.*affine"):
        clf.certify(X[:3])


def test_tuned_weights_and_curves_see_it():
    tuned = TunedVoteClassifierCV(smoothed(sigma=0.5), cv=2).fit(X, Y)
    assert tuned.estimator_.denoiser_ is not None
    curve = shrinkage_curve(smoothed(sigma=0.5).fit(X, Y), X[::9], Y[::9], [0.3, 0.6])
    assert curve.summary()["overall"][0] > 0.8


def test_a_mixed_frame_to_a_report_in_one_call():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    frame["kind"] = pd.Categorical(rng.choice(["u", "v"], len(X)))
    frame.loc[::7, "kind"] = None
    base = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    clf = smoothed(base, noise_features=list("abcd"), feature_scale="std", sigma=0.3)
    certificates = clf.fit(frame, Y).certify(frame[::5])
    text = str(classwise_report(Y[::5], certificates))
    assert "4 of 5 features" in text and "posterior_mean" in text
    assert np.mean(certificates.to_labels() == Y[::5]) > 0.8


class Halver(TransformerMixin, BaseEstimator):
    """Any transformer may take the place of the posterior mean."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X / 2


def test_any_transformer_can_denoise():
    base = KNeighborsClassifier().fit(X / 2, Y)
    clf = SmoothedClassifier(
        FrozenEstimator(base), denoiser=Halver(), sigma=0.3, random_state=0
    ).fit(X, Y)
    assert (clf.predict(X[::10]) == Y[::10]).mean() > 0.9


def test_from_fitted_needs_a_fitted_one():
    tree = DecisionTreeClassifier().fit(X, Y)
    for denoiser in ("posterior_mean", PosteriorMeanDenoiser()):
        with pytest.raises(NotFittedError, match="fit"):
            SmoothedClassifier.from_fitted(tree, denoiser=denoiser)


@pytest.mark.parametrize("denoiser", ["mean", 3, LogisticRegression()])
def test_what_is_no_denoiser_is_refused(denoiser):
    with pytest.raises(ValueError, match="'denoiser' parameter"):
        smoothed(denoiser=denoiser).fit(X, Y)


def test_it_clones():
    params = clone(smoothed(denoiser=PosteriorMeanDenoiser(bandwidth=0.1))).get_params()
    assert params["denoiser__bandwidth"] == 0.1


@each_check([smoothed(LogisticRegression(), n_predict=50)])
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("noise", ["gaussian", "laplace"])
def test_no_change_within_the_radius_is_found(noise):
    """Ends of random directions inside the balls, and steps towards other classes."""
    norm = {"gaussian": 2, "laplace": 1}[noise]
    clf = smoothed(sigma=0.5, noise=noise, n_certify=300).fit(X, Y)
    samples = X[::15]
    found = clf.certify(samples)
    clean, radius = samples[~found.abstained], found.radius[~found.abstained]
    label = found.label[~found.abstained]
    rng = np.random.default_rng(0)
    centers = np.array([X[c == Y].mean(axis=0) for c in clf.classes_])
    worst = np.argsort(((clean[:, None] - centers) ** 2).sum(axis=2), axis=1)[:, 1]
    directions = [centers[worst] - clean, *rng.normal(size=(3, *clean.shape))]
    for direction in directions:
        size = np.linalg.norm(direction, ord=norm, axis=1, keepdims=True)
        moved = clean + 0.999 * radius[:, None] * direction / size
        there = clf.certify(moved)
        assert not (~there.abstained & (there.label != label)).any()
    # Steps that are too long do find changes.
    far = clean + 8 * radius[:, None] * directions[0] / np.abs(directions[0]).max()
    there = clf.certify(far)
    assert (~there.abstained & (there.label != label)).any()


@pytest.mark.parametrize("kind", ["reweighted", "denoised"])
def test_jobs_change_nothing(kind):
    base = DecisionTreeClassifier(random_state=0)
    if kind == "reweighted":
        base = ReweightedNoiseClassifier(
            base, sigma=0.5, n_rounds=2, n_copies=2, cv=2, n_predict=30, random_state=0
        )
    denoiser = "posterior_mean" if kind == "denoised" else None
    clf = smoothed(base, sigma=0.5, denoiser=denoiser).fit(X, Y)
    one = clf.certify(X[::30])
    order = [4, 2, 0, 1, 3]
    with parallel_config("threading"):  # processes take long to start
        two = clf.set_params(n_jobs=2, batch_size=50).certify(X[::30][order])
    assert two == one[order]
