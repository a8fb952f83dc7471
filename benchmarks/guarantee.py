# SPDX-License-Identifier: BSD-3-Clause
"""Count false certificates: they may not be more than alpha of all.

Each certificate is made by `SmoothedClassifier.certify`. The base classifiers are
intervals of one feature, whose smoothing is known in closed form, so that the true
radius of each sample is known. A second feature is held fixed: it only tells samples
apart, so that each has noise of its own. Samples stand where a class is just ahead, and
requested radii just beyond the true one: there the probability of a false certificate
comes closest to alpha.

A line of output is a setting: the number of certificates, how many are false, their
rate, and the one-sided p-value of the hypothesis that the rate is at most alpha.

    python benchmarks/guarantee.py                 # 500,000 certificates
    python benchmarks/guarantee.py --rows 1000     # a quick look
    python benchmarks/guarantee.py --remedies      # 50,000 denoised, 50,000 re-weighted
    python benchmarks/guarantee.py --laws          # 20,000 a setting, of each law
    python benchmarks/guarantee.py --laws laplace resample --seed 7  # a part of them

Of each law, the base classifier is the one that its certificates are tight for: that of
its tests. Its last columns are the share of votes that the class has where it must have
lost its lead, 1.01 times the true radius away (or the first number of changes that does
not hold), and the share at which it loses it. Runs with other seeds are independent.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.training import ReweightedNoiseClassifier

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for the tests

from tests import test_laws, test_laws_of_changes

SIGMA = 1.0


class Intervals(ClassifierMixin, BaseEstimator):
    """Predicts by the interval of the first feature."""

    def __init__(self, edges, labels):
        self.edges = edges
        self.labels = labels

    def fit(self, X=None, y=None):
        self.classes_ = np.unique(self.labels)
        self.n_features_in_ = 2
        return self

    def predict(self, X):
        return np.asarray(self.labels)[np.searchsorted(self.edges, X[:, 0])]

    def scores(self, x, weights):
        """Weighted probabilities of the classes under noise, at points x."""
        edges = np.concatenate([[-np.inf], self.edges, [np.inf]])
        mass = np.diff(ndtr((edges - np.asarray(x)[..., np.newaxis]) / SIGMA), axis=-1)
        shares = mass @ (np.asarray(self.labels)[:, np.newaxis] == self.classes_)
        return shares * weights


def true_radius(base, x, weights):
    """Label of the smoothed classifier at x, and how far it holds."""

    def lead(t, label):
        score = base.scores(x + t, weights)
        return score[..., label] - np.delete(score, label, axis=-1).max(axis=-1)

    label = int(np.argmax(base.scores(x, weights)))
    if lead(0.0, label) < 1e-12:
        return label, -1.0  # level: a certificate for either class is false
    distances = []
    for sign in (-1, 1):
        steps = sign * np.linspace(0, 8, 4001)
        lost = np.flatnonzero(lead(steps, label) <= 0)
        if lost.size:
            a, b = steps[lost[0] - 1], steps[lost[0]]
            distances.append(abs(brentq(lead, a, b, args=(label,))))
    return label, min(distances, default=np.inf)


def settings(n_classes):
    """Base classifiers of so many classes, vote weights and samples to certify."""
    half = Intervals([0.0], [0, 1]).fit()
    strips = Intervals(
        list(np.linspace(-1.5, 1.5, n_classes - 1)), list(range(n_classes))
    ).fit()
    for base in (half, strips)[: 1 + (n_classes > 2)]:
        k = len(base.classes_)
        for weights in (None, np.geomspace(1, 1000, k), np.linspace(1, 1.5, k)):
            w = np.ones(k) if weights is None else weights / weights.max()
            score = base.scores(np.linspace(-4, 4, 801), w)
            leader = score.argmax(axis=1)
            turns = np.linspace(-4, 4, 801)[np.flatnonzero(np.diff(leader))]
            middle = turns[len(turns) // 2] if len(turns) else 0.0
            yield base, weights, w, (middle + 0.05, middle + 0.5)


def count(base, weights, w, x, alpha, bound, asked, n_rows, denoiser=None, clf=None):
    label, radius = true_radius(base, x, w)
    X = np.column_stack([np.full(n_rows, x), np.arange(n_rows)])
    smoothed = SmoothedClassifier.from_fitted(
        base if clf is None else clf,
        sigma=SIGMA,
        noise_features=[0],
        denoiser=denoiser,
        vote_weights=weights,
        bound=bound,
        alpha=alpha,
        n_certify=200,
        method="monte_carlo",
        random_state=0,
    )
    radii = None
    if asked:
        radii = [0.0, *(radius * np.array([0.5, 1 + 1e-5]) if radius > 0 else [])]
    certificates = smoothed.certify(X, radii=radii, tol=0.05, beta=0.0)
    wrong = (certificates.label != label) | (certificates.radius > radius)
    return int(np.sum(~certificates.abstained & wrong))


def report(name, false, n, alpha, more=""):
    p = binomtest(int(false), n, alpha, alternative="greater").pvalue
    print(f"{name:58} {n:8d} {false:7d} {false / n:8.4f} {p:9.2g}{more}", flush=True)
    return n, p


def near_a_turn(base, weights):
    """Samples near the first point where another class takes the lead."""
    line = np.linspace(-4, 6, 2001)
    leader = base.scores(line, weights).argmax(axis=1)
    turn = line[np.flatnonzero(np.diff(leader))[0]]
    return turn + 0.05, turn + 0.3


def line_behind_denoiser(n_rows):
    """Three points on a line, classes outer, middle, outer, behind the denoiser."""
    points = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    clean = Intervals([-0.5, 0.5], [0, 1, 0]).fit()
    denoiser = PosteriorMeanDenoiser(noise_features=[0]).fit(points)
    told = PosteriorMeanDenoiser(sigma=SIGMA, noise_features=[0]).fit(points)

    def excess(z):
        return told.transform(np.array([[z, 0.0]]))[0, 0] - 0.5

    edge = brentq(excess, 0.0, 5.0)
    behind = Intervals([-edge, edge], [0, 1, 0]).fit()
    weight = np.ones(2)
    for x, asked in itertools.product(near_a_turn(behind, weight), (False, True)):
        false = count(
            behind, None, weight, x, 0.05, "multiclass", asked, n_rows,
            denoiser, clean,
        )  # fmt: skip
        report(f"denoised line, x={x:.3f}, radii={'asked' if asked else 'none'}", false,
               n_rows, 0.05)  # fmt: skip


def first_column(X):
    return X[:, :1]


def reweighted_line(n_rows):
    """A tree on one feature, trained with noise and re-weighted classes."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 20, 60])
    X = np.column_stack([2.0 * y + rng.normal(0, 0.5, 140), np.zeros(140)])
    tree = make_pipeline(
        FunctionTransformer(first_column), DecisionTreeClassifier(max_leaf_nodes=6)
    )
    fitted = ReweightedNoiseClassifier(
        tree, sigma=SIGMA, n_rounds=3, cv=2, significance=None, random_state=0
    ).fit(X, y)
    nodes = fitted.estimator_[-1].tree_
    edges = np.sort(nodes.threshold[nodes.feature == 0])
    inside = np.concatenate([[edges[0] - 1], (edges[1:] + edges[:-1]) / 2, [99.0]])
    labels = fitted.predict(np.column_stack([inside, np.zeros(len(inside))]))
    behind = Intervals(edges, labels).fit()
    weight = np.ones(len(behind.classes_))
    for x, asked in itertools.product(near_a_turn(behind, weight), (False, True)):
        false = count(
            behind, None, weight, x, 0.05, "multiclass", asked, n_rows, clf=fitted
        )
        report(
            f"re-weighted tree, x={x:.3f}, radii={'asked' if asked else 'none'}",
            false, n_rows, 0.05,
        )  # fmt: skip


LAWS = {
    "gaussian": test_laws.TestGaussian,
    "gaussian-l1": test_laws.TestGaussianL1,
    "gaussian-linf": test_laws.TestGaussianLinf,
    "laplace": test_laws.TestLaplace,
    "uniform": test_laws.TestUniform,
    "uniform-linf": test_laws.TestUniformLinf,
    "splitting": test_laws.TestSplitting,
    "resample": test_laws_of_changes.TestResample,
    "resample-beside-numbers": test_laws_of_changes.TestResampleBesideNumbers,
    "erase": test_laws_of_changes.TestErase,
    "erase-beside-numbers": test_laws_of_changes.TestEraseBesideNumbers,
    "token-deletion": test_laws_of_changes.TestWords,
    "added-beside-deleted": test_laws_of_changes.TestAddedBesideDeletedWords,
}
WEIGHTS = [(1.0, 1.0), (1.0, 3.0), (3.0, 1.0)]


def beyond_a_distance(case, weights, asked, n_rows, seed, share=0.9):
    """False certificates of a law of distances, and share of votes at 1.01 times r."""
    true = float(case.law.radius(ndtri(share), -ndtri(share), *weights))
    clf, X = case.certificates(share, n_rows, weights, alpha=ALPHA, random_state=seed)
    clf.set_params(n_certify=500)
    radii = [0.0, true / 2, true * (1 + 1e-5)] if asked else None
    found = clf.certify(X, radii=radii, tol=0.0, beta=0.0)
    false = ~found.abstained & ((found.label != 1) | (found.radius > true))
    base, away = case.worst_case(share, weights)
    moved = -1.01 * true * case.direction + 100.0 * seed * away
    return false.sum(), base.predict(case.noisy(moved, N_BEYOND)).mean()


def beyond_changes(case, weights, asked, n_rows, seed):
    """False certificates of a law of changes, and share of votes at the first false."""
    false = case.false_certificates(
        weights, n_rows, asked=asked, alpha=ALPHA, random_state=seed
    )
    event, _, neighbor, _ = case.worst_case(weights[1] / sum(weights))
    neighbor = np.asarray(neighbor, dtype=float)[: len(case.row)]
    if case.law.norm == 2:
        neighbor[0] *= 1.01  # the number beside the categories
    return false.sum(), event(case.noisy(neighbor, N_BEYOND, parts=10)).mean()


ALPHA, N_BEYOND = 0.05, 1_000_000


def laws(names, n_rows, seed):
    """The worst case of each law, with each pair of vote weights."""
    total, lowest = 0, 1.0
    for name, weights in itertools.product(names, WEIGHTS):
        case = LAWS[name]()
        by_changes = isinstance(case, test_laws_of_changes.ChangesLawCase)
        count_false = beyond_changes if by_changes else beyond_a_distance
        frontier = getattr(case, "n_changes", None) is not None
        for asked in (False, True):
            # Noise of its own for each setting.
            state = 6 * seed + 2 * WEIGHTS.index(weights) + asked
            false, share = count_false(case, weights, asked, n_rows, state)
            kind = "radii" if asked else "radius"
            kind = f"frontier, {kind}" if frontier else kind
            heavy = "none" if weights[0] == weights[1] else "{:g}:{:g}".format(*weights)
            n, p = report(
                f"{name}, weights {heavy}, {kind}, alpha={ALPHA}", false, n_rows, ALPHA,
                f" {share:8.4f} {weights[1] / sum(weights):5.2f}",
            )  # fmt: skip
            total, lowest = total + n, min(lowest, p)
    print(f"{total} certificates, smallest p-value {lowest:.2g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=None, help="samples per setting")
    parser.add_argument(
        "--remedies", action="store_true", help="denoised and re-weighted ones alone"
    )
    parser.add_argument("--laws", nargs="*", metavar="LAW", help=", ".join(LAWS))
    parser.add_argument("--seed", type=int, default=0, help="of the noise of laws")
    options = parser.parse_args()
    head = f"{'setting':58} {'number':>8} {'false':>7} {'rate':>8} {'p-value':>9}"
    if options.laws is not None:
        if unknown := set(options.laws) - set(LAWS):
            parser.error(f"--laws knows {', '.join(LAWS)}, not {', '.join(unknown)}")
        print(head + f" {'beyond':>8} {'lost':>5}")
        laws(options.laws or LAWS, options.rows or 20_000, options.seed)
        return
    print(head)
    if not options.remedies:
        intervals(options.rows)
    line_behind_denoiser(options.rows or 12_500)
    reweighted_line(options.rows or 12_500)


def intervals(rows):
    """The base classifiers of `settings`, at each alpha, bound and kind of radii."""
    cases = [
        (k, *case, alpha, bound, asked)
        for k in (2, 3, 10)
        for case in settings(k)
        for alpha in (0.05, 0.1, 0.3)
        for bound in ("multiclass", "binary")
        for asked in (False, True)
    ]
    n_rows = rows or -(-500_000 // (2 * len(cases)))
    total, lowest = 0, 1.0
    for k, base, weights, w, points, alpha, bound, asked in cases:
        heavy = "none" if weights is None else f"1:{weights.max():g}"
        for x in points:
            false = count(base, weights, w, x, alpha, bound, asked, n_rows)
            name = f"K={k}, {len(base.labels)} strips, weights {heavy}, {bound}"
            name += f", {'radii' if asked else 'radius'}, alpha={alpha}"
            n, p = report(name, false, n_rows, alpha)
            total, lowest = total + n, min(lowest, p)
    print(f"{total} certificates, smallest p-value {lowest:.2g}")


if __name__ == "__main__":
    main()
