# SPDX-License-Identifier: BSD-3-Clause
"""A denoiser in front of a classifier, with frames of polars."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sksmooth import SmoothedClassifier
from sksmooth.denoising import PosteriorMeanDenoiser

RNG = np.random.default_rng(0)
COLUMNS = {"a": RNG.normal(size=80), "b": RNG.normal(size=80)}
Y = (COLUMNS["a"] > 0).astype(int)
MIXED = {**COLUMNS, "job": RNG.choice(["clerk", "cook"], 80)}


@pytest.mark.parametrize(
    "settings", [{}, {"noise_features": ["a"]}, {"feature_scale": "std"}]
)
def test_certificates_are_those_of_pandas_without_a_warning(settings):
    certificates = []
    for frame in (pl.DataFrame(COLUMNS), pd.DataFrame(COLUMNS)):
        clf = SmoothedClassifier(
            LogisticRegression(),
            denoiser="posterior_mean",
            n_certify=300,
            random_state=0,
            **settings,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            certificates.append(clf.fit(frame, Y).certify(frame[:10]))
    assert_array_equal(certificates[0].counts, certificates[1].counts)


@pytest.mark.parametrize("output", ["most_probable", "probabilities"])
def test_denoiser_keeps_frames_of_polars(output):
    denoiser = PosteriorMeanDenoiser(
        sigma=0.5,
        noise_features=["b"],
        categorical_features=["job"],
        resample_probability=0.2,
        category_output=output,
    )
    expected = denoiser.fit(pd.DataFrame(MIXED)).transform(pd.DataFrame(MIXED))
    found = denoiser.fit(pl.DataFrame(MIXED)).transform(pl.DataFrame(MIXED))
    assert isinstance(found, pl.DataFrame)
    assert found.columns == list(expected.columns)
    assert_array_equal(found["a"].to_numpy(), COLUMNS["a"])
    for name in found.columns:
        if name == "job":
            assert found[name].to_list() == expected[name].tolist()
        else:
            assert_allclose(found[name].to_numpy(), expected[name])
