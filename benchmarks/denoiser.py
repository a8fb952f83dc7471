# SPDX-License-Identifier: BSD-3-Clause
"""What a vote costs behind the posterior mean, and what prototypes cost in accuracy.

    python benchmarks/denoiser.py            CPU time on one thread, and ratios
    python benchmarks/denoiser.py --memory   peak memory by size of the training set
    python benchmarks/denoiser.py --prototypes [--splits 5] [--sigmas 0.5] [--prior 0]
    python benchmarks/denoiser.py --labels   labels that float32 changes, of 100,000

Times are CPU microseconds for one noisy sample, per 1,000 training samples: the least
of several runs, each kind in turn, so that load on the machine falls on all of them.
`product` is one float32 matrix product of that size, `plain` the definition in float64
with two products and one exponential. With ``--prior`` the denoiser is given so many
samples: the training samples and mixtures of two of one class.
"""

import argparse
import time
import tracemalloc
import warnings
from collections import defaultdict
from functools import partial
from unittest.mock import patch

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.denoising._products import one_blas_thread
from sksmooth.metrics import average_certified_radius_score, certified_accuracy_score

N_PROTOTYPES = (None, 400, 200, 100, 50)


def plain(Z, X, sigma):
    log_weights = (Z @ X.T - 0.5 * np.einsum("ij,ij->i", X, X)) / sigma**2
    log_weights -= log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights, out=log_weights)
    return weights @ X / weights.sum(axis=1, keepdims=True)


def least_times(functions, repeats=7):
    """Least CPU seconds of each function, all of them in turn."""
    times = dict.fromkeys(functions, np.inf)
    for _ in range(repeats):
        for name, function in functions.items():
            began = time.process_time()
            function()
            times[name] = min(times[name], time.process_time() - began)
    return times


def images(n, rng):
    """Digits, and mixtures of two of one class where more are wanted."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    return X[rng.permutation(len(X))[:n]] if n <= len(X) else mixtures(X, y, n, rng)


def mixtures(X, y, n, rng):
    """Mixtures of two samples of one class."""
    first = rng.integers(len(X), size=n)
    second = np.array([rng.choice(np.flatnonzero(y == y[i])) for i in first])
    share = rng.uniform(size=(n, 1))
    return share * X[first] + (1 - share) * X[second]


def cost():
    rng = np.random.default_rng(0)
    print(f"{'samples':>8}{'sigma':>7}{'denoiser':>10}{'product':>9}{'plain':>8}")
    for n in (1000, 10_000):
        X = images(n, rng)
        for sigma in (0.1, 0.25, 0.5, 1.0):
            cost_of(X, sigma, rng)


def cost_of(X, sigma, rng):
    Z = np.repeat(X[:2], 512, axis=0)
    Z = Z + sigma * rng.standard_normal(Z.shape)
    denoiser = PosteriorMeanDenoiser(sigma=sigma).fit(X)
    narrow, keys = Z[:128].astype(np.float32), X.T.astype(np.float32)
    with one_blas_thread():
        times = least_times(
            {
                "denoiser": lambda: denoiser.transform(Z),
                "product": lambda: [narrow @ keys for _ in range(8)],
                "plain": lambda: plain(Z, X, sigma),
            }
        )
    unit = 1e9 / len(Z) / len(X)
    print(
        f"{len(X):8}{sigma:7}{unit * times['denoiser']:10.2f}"
        f"{unit * times['product']:9.2f}{unit * times['plain']:8.2f}",
        flush=True,
    )


def memory():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((8192, 64))
    for n in (1000, 10_000, 100_000):
        denoiser = PosteriorMeanDenoiser(sigma=0.5).fit(rng.standard_normal((n, 64)))
        denoiser.transform(Z[:1])
        tracemalloc.start()
        denoiser.transform(Z if n <= 10_000 else Z[:1024])
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(f"{n:8} training samples: {peak:.1f} MiB while it transforms")


def prototypes(splits, sigmas, n_prior):
    """Accuracy behind prototypes, and what they cost for 1,000 training samples."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    X = X / 16
    print(
        "means over splits, and the least: worst certified accuracy at 0, ACR; CPU us "
        "of a copy per 1,000 training samples"
    )
    for sigma in sigmas:
        rows, times = defaultdict(list), defaultdict(list)
        for split in range(1, splits + 1):
            A, T, a, t = train_test_split(
                X, y, test_size=0.4, random_state=split, stratify=y
            )
            models = {
                "forest": RandomForestClassifier(50, random_state=0).fit(A, a),
                "MLP": MLPClassifier((64,), max_iter=100, random_state=0).fit(A, a),
            }
            more = max(0, n_prior - len(A))
            prior = np.concatenate(
                [A, mixtures(A, a, more, np.random.default_rng(split))]
            )
            denoisers = {
                n_prototypes: PosteriorMeanDenoiser(
                    n_prototypes=n_prototypes, sigma=sigma, random_state=0
                ).fit(prior)
                for n_prototypes in N_PROTOTYPES
            }
            Z = np.repeat(T[:4], 512, axis=0)
            Z = Z + sigma * np.random.default_rng(0).normal(size=Z.shape)
            found = least_times(
                {n: partial(d.transform, Z) for n, d in denoisers.items()}
            )
            for n_prototypes, denoiser in denoisers.items():
                each = 1e9 * found[n_prototypes] / len(Z)
                times[n_prototypes].append(each / len(prior))
                for name, model in models.items():
                    certificates = SmoothedClassifier.from_fitted(
                        make_pipeline(denoiser, model),
                        sigma=sigma,
                        n_certify=500,
                        random_state=0,
                    ).certify(T[:250])
                    rows[n_prototypes, name].append(
                        [
                            certified_accuracy_score(
                                t[:250], certificates, average="worst"
                            ),
                            average_certified_radius_score(t[:250], certificates),
                        ]
                    )
        for (n_prototypes, name), values in rows.items():
            (worst, acr), (low, low_acr) = (
                np.mean(values, axis=0),
                np.min(values, axis=0),
            )
            print(
                f"sigma {sigma:<5}{n_prototypes or 'all'!s:>5} prototypes, {name:7}"
                f"worst {worst:.3f} ({low:.3f}), ACR {acr:.3f} ({low_acr:.3f})   "
                f"{np.median(times[n_prototypes]):.2f}",
                flush=True,
            )


def labels():
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    A, T, a, _ = train_test_split(X / 16, y, test_size=0.4, random_state=1, stratify=y)
    models = [
        RandomForestClassifier(50, random_state=0).fit(A, a),
        MLPClassifier((64,), max_iter=100, random_state=0).fit(A, a),
    ]
    rng = np.random.default_rng(0)
    clean = T[rng.integers(len(T), size=100_000)]
    print("sigma, largest difference of a mean, other labels of a forest and a network")
    for sigma in (0.25, 0.5, 1.0):
        Z = clean + sigma * rng.standard_normal(clean.shape)
        denoiser = PosteriorMeanDenoiser(sigma=sigma).fit(A)
        narrow = denoiser.transform(Z)
        with patch("sksmooth.denoising._posterior._ERROR", -1.0):
            exact = denoiser.transform(Z)
        other = [(m.predict(narrow) != m.predict(exact)).sum() for m in models]
        print(f"{sigma:5}{np.abs(narrow - exact).max():10.1e}", *other, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--prototypes", action="store_true")
    parser.add_argument("--labels", action="store_true")
    parser.add_argument("--prior", type=int, default=0)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--sigmas", type=float, nargs="+", default=[0.5])
    options = parser.parse_args()
    if options.memory:
        memory()
    elif options.prototypes:
        prototypes(options.splits, options.sigmas, options.prior)
    elif options.labels:
        labels()
    else:
        cost()


if __name__ == "__main__":
    main()
