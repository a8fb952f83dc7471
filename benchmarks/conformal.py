# SPDX-License-Identifier: BSD-3-Clause
"""Coverage and size of robust prediction sets, class by class; and MAPIE at radius 0.

    python benchmarks/conformal.py
    python benchmarks/conformal.py --mapie        (needs mapie)
    python benchmarks/conformal.py --denoised

A network trained with noise on 40 % of the digits is calibrated on half of the rest,
and its sets are made for the other half, for each radius; means over splits. With
--mapie, MAPIE's split conformal classifier gets noisy copies of the same samples as
plain data, with the same score: at radius 0 the two are the same method. With
--denoised the network is trained without noise, and the posterior mean of the training
samples stands in front of it.
"""

import argparse
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sksmooth.conformal import RobustConformalClassifier, prediction_set_report
from sksmooth.denoising import PosteriorMeanDenoiser
from sksmooth.training import NoiseAugmentedClassifier


def splits(options):
    """Fitted network, calibration samples and test samples of each split."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = MLPClassifier((64,), max_iter=options.passes, random_state=0)
    for split in range(options.splits):
        X_fit, X_rest, y_fit, y_rest = train_test_split(
            X, y, test_size=0.6, stratify=y, random_state=split
        )
        if options.denoised:
            denoiser = PosteriorMeanDenoiser(sigma=options.sigma).fit(X_fit)
            fitted = make_pipeline(denoiser, clone(network).fit(X_fit, y_fit))
        else:
            fitted = NoiseAugmentedClassifier(
                network, sigma=options.sigma, random_state=0
            ).fit(X_fit, y_fit)
        rest = train_test_split(X_rest, y_rest, test_size=0.5, random_state=split)
        yield split, fitted, X_fit, y_fit, *rest


def mapie_sets(fitted, X_cal, y_cal, X_test, sigma, level, seed):
    from mapie.classification import SplitConformalClassifier

    rng = np.random.default_rng(seed)
    noisy = [X + sigma * rng.standard_normal(X.shape) for X in (X_cal, X_test)]
    mapie = SplitConformalClassifier(
        fitted, confidence_level=level, conformity_score="lac", prefit=True
    ).conformalize(noisy[0], y_cal)
    return mapie.predict_set(noisy[1])[1][:, :, 0]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sigma", type=float, default=0.5)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--radii", type=float, nargs="+", default=(0.0, 0.25, 0.5))
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--mapie", action="store_true")
    parser.add_argument(
        "--denoised", action="store_true", help="trained clean, behind the denoiser"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    found: dict = {}
    for split, fitted, X_fit, y_fit, X_cal, X_test, y_cal, y_test in splits(options):
        sets = {}
        for radius in options.radii:
            clf = RobustConformalClassifier(
                FrozenEstimator(fitted),
                sigma=options.sigma,
                radius=radius,
                confidence_level=options.level,
                random_state=split,
            )
            clf.fit(X_fit, y_fit).conformalize(X_cal, y_cal)
            sets[f"r={radius:g}"] = clf.predict_set(X_test)
        if options.mapie:
            sets["MAPIE"] = mapie_sets(
                fitted, X_cal, y_cal, X_test, options.sigma, options.level, split
            )
        for name, made in sets.items():
            report = prediction_set_report(y_test, made, clf.classes_, output="dict")
            rows = [report["overall"], *report["by_class"].values()]
            found.setdefault(name, []).append(
                [[row["coverage"], row["set_size"]] for row in rows]
            )

    print(f"{'':8}coverage  worst class   set size  smallest  largest (of a class)")
    for name, values in found.items():
        (coverage, size), *by_class = np.mean(values, axis=0)
        coverages, sizes = np.transpose(by_class)
        print(
            f"{name:8}{coverage:8.3f}{coverages.min():13.3f}{size:11.2f}"
            f"{sizes.min():10.2f}{sizes.max():9.2f}"
        )


if __name__ == "__main__":
    main()
