# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of several libraries that take tables with categories as they are."""

from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from examples.tables._adult_like import adult_like

NUMBERS = ["age", "education-num", "capital-gain", "hours-per-week"]
CATEGORIES = ["workclass", "marital-status", "occupation"]


def table(n_samples=500):
    """Samples with categories and missing values, and labels 0 and 1."""
    X, y = adult_like(n_samples)
    return X.drop(columns="sex"), (y == ">50K").to_numpy().astype(int)


def table_for(make):
    """The table; without missing values where the classifier takes none."""
    X, y = table()
    if make in (catboost, ebm, imblearn_pipeline, one_hot):
        y = y[X.notna().all(axis=1)]
        X = X.dropna()
    return X, y


def encoded():
    """Preprocessing inside the base classifier."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
        (numbers, NUMBERS),
    )


def xgboost(rounds=30):
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=rounds, enable_categorical=True, tree_method="hist", n_jobs=1
    )


def lightgbm(rounds=30):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=rounds, n_jobs=1, verbose=-1)


def catboost(rounds=30):
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=rounds,
        cat_features=tuple(CATEGORIES),  # scikit-learn cannot clone it with a list
        verbose=False,
        thread_count=1,
        allow_writing_files=False,
    )


def ebm(rounds=30):
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(interactions=0, max_rounds=rounds, n_jobs=1)


def imblearn_pipeline():
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline as make_imblearn_pipeline

    return make_imblearn_pipeline(
        encoded(), RandomOverSampler(random_state=0), LogisticRegression(max_iter=500)
    )


def hgb(rounds=30):
    return HistGradientBoostingClassifier(
        max_iter=rounds, categorical_features="from_dtype", random_state=0
    )


def one_hot():
    return make_pipeline(encoded(), LogisticRegression(max_iter=500))


ESTIMATORS = [hgb, one_hot, xgboost, lightgbm, catboost, ebm, imblearn_pipeline]
BOOSTED = [hgb, xgboost, lightgbm, catboost, ebm]
