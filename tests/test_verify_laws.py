# SPDX-License-Identifier: BSD-3-Clause
"""Logs under every law of noise are recomputed from their votes."""

import json
import re
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from sksmooth import SmoothedClassifier
from sksmooth.logs._line_format import COLUMNS
from sksmooth.noise import Erase, Resample, TokenDeletion
from sksmooth.verification import verify_log
from tests.logged_runs import forged, logged_rows

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(16, 3))
WHOLE = RNG.integers(4, size=(16, 3)).astype(float)


class Ladder(ClassifierMixin, BaseEstimator):
    """Three classes by the sum of the features."""

    def fit(self, X, y):
        self.classes_ = np.array(["low", "middle", "top"])
        self.n_features_in_ = X.shape[1]
        self.cuts_ = np.quantile(X.sum(axis=1), [0.3, 0.7])
        return self

    def predict(self, X):
        return self.classes_[np.searchsorted(self.cuts_, X.sum(axis=1))]


SETTINGS = {
    "gaussian, linf": (NUMBERS, {"norm": np.inf}),
    "laplace": (NUMBERS, {"noise": "laplace", "feature_scale": [1.0, 0.3, 2.0]}),
    "uniform, l1": (NUMBERS, {"noise": "uniform", "sigma": 0.6}),
    "uniform, linf": (NUMBERS, {"noise": "uniform", "norm": np.inf, "sigma": 0.6}),
    "splitting": (NUMBERS, {"noise": "splitting", "feature_scale": [1.0, 0.3, 2.0]}),
    "splitting, whole": (WHOLE, {"noise": "splitting", "sigma": 3.0}),
    "splitting, whole, sampled": (
        WHOLE, {"noise": "splitting", "sigma": 3.0, "method": "monte_carlo"}
    ),
    "categories": (WHOLE, {"noise": Resample(0.5, [0, 1, 2])}),
    "categories and numbers": (
        np.c_[WHOLE[:, :1], NUMBERS[:, :2]], {"noise": Resample(0.5, [0])}
    ),
    "erased": (WHOLE, {"noise": Erase(0.8, [0, 1, 2])}),
    "erased beside numbers": (
        np.c_[WHOLE[:, :1], NUMBERS[:, :2]], {"noise": Erase(0.8, [0])}
    ),
    "words": (WHOLE + 1, {"noise": TokenDeletion(0.7)}),
}  # fmt: skip
WEIGHTS = {"low": 1.0, "middle": 2.5, "top": 0.7}
ASKED = {"planned": None, "at radii": [0.0, 0.2, 1.0, 2.0, 50.0]}


@pytest.fixture(scope="module", params=SETTINGS)
def logs(request, tmp_path_factory):
    X, params = SETTINGS[request.param]
    params = {"sigma": 0.5, "n_certify": 400, "alpha": 0.01, "random_state": 0} | params
    clf = SmoothedClassifier(Ladder(), **params).fit(X, np.arange(len(X)) % 3)
    texts = []
    for weights in (None, WEIGHTS):
        clf.set_params(vote_weights=weights)
        for radii in ASKED.values():
            path = tmp_path_factory.mktemp("logs") / "log.tsv"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of radii that are out of reach
                clf.certify(X, radii=radii, log=path)
            texts.append(path.read_bytes())
    return texts


def test_true_logs_stand_and_raised_radii_are_found(logs, tmp_path):
    path = tmp_path / "log.tsv"
    for text in logs:
        path.write_bytes(text)
        found = verify_log(path)
        assert found.holds, found.text
        assert ": true: all 16 rows hold" in found.text
        radii = re.search(rb'"radii": (\[.*?\]|null)', text)[1]
        steps = json.loads(radii) or []
        n_raised = 0
        for at, row in list(enumerate(logged_rows(text)))[::4]:
            radius = row.found["radius"]
            larger = [step for step in steps if step > radius]
            if not steps:
                larger = [radius * (1 + 1e-9) + 1e-9]
            for claim in larger[:1]:
                path.write_bytes(forged(text, at + 4, partial(claimed, claim)))
                assert not verify_log(path).holds
                n_raised += 1
        assert n_raised


def test_another_grid_is_found_beside_each_law_of_numbers(logs, tmp_path):
    path = tmp_path / "log.tsv"
    settings = json.loads(logs[0].split(b"\n")[1].split(b"\t")[0].lstrip(b"# "))
    if settings["norm"] == 0:  # counts of changes have no grid
        return
    grid = np.array(settings["grid"]) / 2

    def change(head):
        return json.dumps(json.loads(head) | {"grid": grid.tolist()})

    path.write_bytes(forged(logs[0], 2, change))
    found = verify_log(path)
    assert not found.holds
    assert "grid=" in found.text


def claimed(radius, cells):
    """Cells of a line that claims another radius."""
    changed = dict(zip(COLUMNS, cells, strict=False))
    return list((changed | {"radius": repr(radius), "abstained": "0"}).values())
