# SPDX-License-Identifier: BSD-3-Clause
"""A generated table that is shaped like the Adult census data.

It needs no download. The data themselves come from OpenML::

    from sklearn.datasets import fetch_openml
    X, y = fetch_openml("adult", version=2, as_frame=True, return_X_y=True)
"""

import numpy as np
import pandas as pd

_WORK = ["Private", "Self-employed", "Government"]
_OCCUPATION = ["Craft", "Clerical", "Manager", "Professional", "Sales", "Service"]
_PAYS = np.array([0.0, -0.3, 1.0, 0.9, 0.2, -0.9])


def adult_like(n_samples=2000, random_state=0):
    """Generate numbers in different units, categories, strings and missing values.

    Parameters
    ----------
    n_samples : int, default=2000
    random_state : int, default=0

    Returns
    -------
    X : DataFrame of shape (n_samples, 8)
        Columns "age" in years, "workclass", "education-num", "marital-status",
        "occupation", "sex", "capital-gain" in dollars and "hours-per-week".
    y : Series of shape (n_samples,)
        "<=50K" or ">50K"; about a quarter has the higher income.
    """
    rng = np.random.default_rng(random_state)
    age = rng.gamma(5.0, 4.5, n_samples).round() + 17
    education = rng.normal(10, 2.5, n_samples).round().clip(1, 16)
    hours = rng.normal(40, 10, n_samples).round().clip(1, 99)
    gains = rng.random(n_samples) < 0.08
    gain = np.where(gains, rng.lognormal(8.7, 0.8, n_samples).round(), 0.0)
    occupation = rng.integers(len(_OCCUPATION), size=n_samples)
    married = rng.random(n_samples) < 0.2 + 0.5 * (age > 28)
    score = (
        1.2 * (age - 38) / 13
        + 1.3 * (education - 10) / 2.5
        + 0.6 * (hours - 40) / 10
        + 1.8 * married
        + _PAYS[occupation]
        + gain / 3000
        - 3.2
    )
    X = pd.DataFrame(
        {
            "age": age.astype(int),
            "workclass": pd.Categorical(
                rng.choice(_WORK, n_samples, p=[0.75, 0.1, 0.15])
            ),
            "education-num": education.astype(int),
            "marital-status": pd.Categorical(np.where(married, "Married", "Single")),
            "occupation": pd.Categorical(np.array(_OCCUPATION)[occupation]),
            "sex": rng.choice(["Female", "Male"], n_samples),
            "capital-gain": gain,
            "hours-per-week": hours,
        }
    )
    X.loc[rng.random(n_samples) < 0.06, ["workclass", "occupation"]] = None
    X.loc[rng.random(n_samples) < 0.03, "hours-per-week"] = np.nan
    y = np.where(score + rng.logistic(0, 0.5, n_samples) > 0, ">50K", "<=50K")
    return X, pd.Series(y, name="class")
