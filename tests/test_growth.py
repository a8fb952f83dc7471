# SPDX-License-Identifier: BSD-3-Clause
"""A new law, source, question or display enters by one file: here is one of each.

Each is put where the `__init__` of its room would put it. Everything else in the
package serves it unchanged.
"""

import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import expit, log_ndtr, logit, ndtr, ndtri_exp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksmooth import SmoothedClassifier, TunedVoteClassifierCV, recertify
from sksmooth.certificates import Answers
from sksmooth.inspection._display import _DisplayBase
from sksmooth.noise import LAWS, Stage
from sksmooth.noise._shift import ShiftLaw
from sksmooth.questions import Question
from sksmooth.votes import Declined, ExactSource, MonteCarloVotes, VoteRequest
from sksmooth.votes import _registry as registry
from sksmooth.votes.exact import closed_form
from tests.law_case import LawCase

X, y = load_iris(return_X_y=True)
X = X.astype(float)


# A law -------------------------------------------------------------------------------


# What gives the logistic distribution the standard deviation 1.
STANDARD = np.sqrt(3) / np.pi


@dataclass(frozen=True)
class Logistic(ShiftLaw):
    """Noise with the density of the logistic distribution, which is log-concave."""

    name: ClassVar[str] = "logistic"
    norms: ClassVar[tuple[float, ...]] = (1,)
    _reach = 54 * np.log(2)
    _quantile_error = 8 * np.finfo(float).eps

    def draw(self, stream, out):
        stream.random(out=out)
        np.clip(out, 2.0**-54, None, out=out)
        out[...] = logit(out) * STANDARD

    @staticmethod
    def from_uniforms(u, v, xp=np):
        return tuple(STANDARD * (xp.log(w) - xp.log1p(-w)) for w in (u, v))

    def quantile(self, probit):
        probit = np.asarray(probit, dtype=float)
        return STANDARD * (log_ndtr(probit) - log_ndtr(-probit))

    def probit(self, t):
        t = np.asarray(t, dtype=float) / STANDARD
        return -np.sign(t) * ndtri_exp(-np.logaddexp(0, np.abs(t)))

    def log_tail(self, z):
        return -np.logaddexp(0, np.asarray(z, dtype=float) / STANDARD)


@pytest.fixture
def logistic(monkeypatch):
    monkeypatch.setitem(LAWS, Logistic.name, Logistic)


@pytest.mark.usefixtures("logistic")
class TestLogistic(LawCase):
    law = Logistic(0.7, n_features=3)

    def test_its_distribution_function(self):
        t = np.linspace(-30, 30, 13)
        expected = expit(t / STANDARD)
        np.testing.assert_allclose(ndtr(self.law.probit(t)), expected, rtol=1e-12)


def of_logistic(**settings):
    settings = {"sigma": 0.4, "n_certify": 500, "random_state": 0} | settings
    return SmoothedClassifier(KNeighborsClassifier(), noise="logistic", **settings)


def test_a_law_serves_the_estimator(logistic):
    clf = of_logistic().fit(X, y)
    rows = X[::15]
    assert np.mean(clf.predict(rows) == y[::15]) > 0.8
    certificates = clf.certify(rows)
    assert (certificates.noise, certificates.norm) == ("logistic", 1)
    assert certificates.radius.max() > 0.4
    radii = [0.0, 0.2, 0.4]
    held = clf.certify(rows, radii=radii)
    assert set(held.radius) <= {0.0, 0.2, 0.4}
    assert (held.radius == 0.4).any()


def test_a_law_serves_vote_weights_and_kept_votes(logistic):
    weights = {0: 1.0, 1: 2.0, 2: 1.0}
    plain = of_logistic().fit(X, y).certify(X[::15])
    weighted = of_logistic(vote_weights=weights).fit(X, y).certify(X[::15])
    both = ~plain.abstained & ~weighted.abstained & (plain.label == weighted.label)
    ahead = plain.label == 1
    assert (weighted.radius > plain.radius)[both & ahead].all()
    stricter = recertify(plain, alpha=1e-6)
    assert (stricter.radius <= plain.radius).all()
    assert (stricter.radius < plain.radius).any()


def test_a_law_serves_tuned_votes(logistic):
    tuned = TunedVoteClassifierCV(of_logistic(n_predict=50), cv=2).fit(X[::2], y[::2])
    assert tuned.estimator_.certify(X[:3]).noise == "logistic"


# A closed form -----------------------------------------------------------------------


class Threshold(ClassifierMixin, BaseEstimator):
    """The second class where a feature is larger than its median."""

    def __init__(self, feature=0):
        self.feature = feature

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.threshold_ = np.median(X[:, self.feature])
        return self

    def predict(self, X):
        return self.classes_[(X[:, self.feature] > self.threshold_).astype(int)]


class ThresholdSource(ExactSource):
    def __init__(self, estimator, affine):
        super().__init__(estimator.classes_, affine, 1e-8)
        self._feature, self._threshold = estimator.feature, estimator.threshold_

    def cost_per_row(self, n_rows=1):
        return 1e-8

    def _probits(self, X, scale):
        above = (X[:, self._feature] - self._threshold) / scale[self._feature]
        probits = np.stack([-above, above], axis=1)
        return probits, probits

    def _positions(self, X):
        return (X[:, self._feature] > self._threshold).astype(int)


@pytest.fixture
def threshold_source(monkeypatch):
    monkeypatch.setattr(closed_form, "_entries", dict(closed_form._entries))
    closed_form(__name__, "Threshold")(ThresholdSource)


def test_a_closed_form_serves_the_estimator(threshold_source):
    clf = SmoothedClassifier(Threshold(2), sigma=0.5).fit(X, y > 0)
    certificates = clf.certify(X)
    assert certificates.method == "exact"
    distance = np.abs(X[:, 2] - np.median(X[:, 2]))
    np.testing.assert_allclose(certificates.radius, distance, atol=1e-9)


def test_a_closed_form_serves_pipelines(threshold_source):
    model = make_pipeline(StandardScaler(), Threshold(2))
    certificates = SmoothedClassifier(model, sigma=0.5).fit(X, y > 0).certify(X)
    assert certificates.method == "exact"
    distance = np.abs(X[:, 2] - np.median(X[:, 2]))
    np.testing.assert_allclose(certificates.radius, distance, atol=1e-6)


def test_a_closed_form_that_is_not_registered_is_not_used():
    clf = SmoothedClassifier(Threshold(2), sigma=0.5, n_certify=100).fit(X, y > 0)
    assert clf.certify(X[:2]).method == "monte_carlo"


# A sampled source --------------------------------------------------------------------


class ThresholdVotes(MonteCarloVotes):
    """Votes without `predict`."""

    def vote(self, noisy, X, owner):
        inner = self.estimator
        return (noisy[:, inner.feature] > inner.threshold_).astype(np.intp)


def find_threshold_votes(model, X):
    if type(model.estimator) is not Threshold:
        raise Declined(f"{type(model.estimator).__name__} is no Threshold")
    return ThresholdVotes(model)


def test_a_sampled_source_serves_the_estimator(monkeypatch):
    settings = {"sigma": 0.5, "n_certify": 300, "random_state": 0}
    clf = SmoothedClassifier(Threshold(2), **settings).fit(X, y > 0)
    before = clf.certify(X[::10])
    assert clf.vote_source(X).name == "MonteCarloVotes"
    finder = (("auto", "monte_carlo"), find_threshold_votes)
    monkeypatch.setattr(registry, "_FINDERS", (finder, *registry._FINDERS))
    assert clf.vote_source(X).name == "ThresholdVotes"
    after = clf.certify(X[::10])
    np.testing.assert_array_equal(after.counts, before.counts)
    np.testing.assert_array_equal(after.radius, before.radius)
    other = SmoothedClassifier(KNeighborsClassifier()).fit(X, y)
    assert other.vote_source(X).name == "MonteCarloVotes"


# A question --------------------------------------------------------------------------


@dataclass(frozen=True)
class Entropies(Answers):
    entropy: np.ndarray
    n_evaluations: np.ndarray


@dataclass(frozen=True)
class Entropy(Question):
    """Entropy of the votes; twice as many where the first half differ."""

    n_votes: int
    task: ClassVar[str] = "entropy"

    @property
    def expected_votes(self):
        return self.n_votes

    def from_votes(self, n_samples, n_classes):
        rows = np.arange(n_samples)
        counts = yield VoteRequest(rows, self.n_votes, Stage.ESTIMATE)
        open_ = np.flatnonzero(counts.max(axis=1) < self.n_votes)
        finished = n_samples - len(open_)
        counts = counts.copy()
        counts[open_] += yield VoteRequest(
            open_, self.n_votes, Stage.ESTIMATE, finished
        )
        n = counts.sum(axis=1)
        return Entropies(entropy_of(counts / n[:, np.newaxis]), n)

    def from_enumeration(self, counts, law):
        n = counts.sum(axis=1)
        return Entropies(entropy_of(counts / n[:, np.newaxis]), n)

    def from_probabilities(self, probits):
        shares = ndtr((probits[0] + probits[1]) / 2)
        return Entropies(entropy_of(shares), np.zeros(len(shares), dtype=int))


def entropy_of(shares):
    return -np.sum(shares * np.log(np.maximum(shares, 1e-300)), axis=1)


def test_a_question_is_answered_by_every_kind_of_source(threshold_source):
    settings = {"sigma": 0.5, "random_state": 0}
    question, n = Entropy(2000), 4000
    by_method = {}
    for method in ("exact", "monte_carlo"):
        clf = SmoothedClassifier(Threshold(2), method=method, **settings)
        by_method[method] = clf.fit(X, y > 0)._answer(question, X[::10])
    sampled, exact = by_method["monte_carlo"], by_method["exact"]
    assert set(sampled.n_evaluations) == {2000, n}
    assert not exact.n_evaluations.any()
    # The entropy changes by at most log(1/p) for each unit of a share, and by half of
    # the squared error over p beyond that.
    share = ndtr(np.abs(X[::10, 2] - np.median(X[:, 2])) / 0.5)
    p = np.clip(1 - share, 1 / n, 0.5)
    error = np.sqrt(p * (1 - p) / n)
    tolerance = 5 * error * np.log(1 / p) + 25 * error**2 / p
    assert (np.abs(sampled.entropy - exact.entropy) <= tolerance).all()


def test_a_question_is_answered_by_several_jobs():
    clf = SmoothedClassifier(KNeighborsClassifier(), random_state=0).fit(X, y)
    whole = clf._answer(Entropy(100), X)
    from joblib import parallel_config

    with parallel_config(backend="threading"):
        parts = clf.set_params(n_jobs=2, batch_size=50)._answer(Entropy(100), X)
    np.testing.assert_array_equal(whole.entropy, parts.entropy)


# A display ---------------------------------------------------------------------------


class SortedRadiiDisplay(_DisplayBase):
    """Certified radii from the largest on."""

    def __init__(self, *, radius, sigma=np.nan, name=None):
        self.radius = radius
        self.sigma = sigma
        self.name = name

    @classmethod
    def from_certificates(cls, certificates, *, name=None, ax=None):
        radius = np.sort(certificates.radius)[::-1]
        return cls(radius=radius, sigma=certificates.sigma, name=name).plot(ax)

    def plot(self, ax=None, *, name=None, despine=True):
        ax = self._open(ax)
        (self.line_,) = ax.plot(self.radius, label="certified radius of a sample")
        self.legend_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        title = self._title(name, self.sigma)
        return self._close(ax, despine=despine, title=title, beside=[self.legend_])


def test_a_display_has_title_axes_and_room_for_its_legend(threshold_source):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    clf = SmoothedClassifier(Threshold(2), sigma=0.5).fit(X, y > 0)
    certificates = clf.certify(X[::10])
    figure = Figure()
    ax = figure.subplots()
    width = ax.get_position().width
    display = SortedRadiiDisplay.from_certificates(certificates, name="toy", ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert ax.get_title().startswith("toy, ")
    assert "0.5" in ax.get_title()
    assert not ax.spines["top"].get_visible()
    np.testing.assert_array_equal(
        display.line_.get_ydata(), sorted(certificates.radius, reverse=True)
    )
    # The legend stands beside the data, in the space that the axes were given.
    legend = display.legend_.get_window_extent()
    assert legend.x0 >= ax.get_window_extent().x1
    assert legend.x1 <= figure.bbox.x1
    assert 0.2 * width < ax.get_position().width < width


def test_a_display_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"SortedRadiiDisplay.*sksmooth\[plot\]"):
        SortedRadiiDisplay(radius=np.zeros(3)).plot()
