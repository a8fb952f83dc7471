# SPDX-License-Identifier: BSD-3-Clause
"""
==========================
A table with mixed columns
==========================

What could somebody change about a row of a census, and by how much until a classifier
of incomes changes its label? Noise goes to the columns that could change, in units of
dollars and hours. All others, categories and holes among them, are held fixed.
"""

# %%
# The table
# ---------
# It is generated, by ``_adult_like.py`` beside this script, and shaped like the Adult
# census data. For the data themselves, replace the two lines by
# ``fetch_openml("adult", version=2, as_frame=True, return_X_y=True)``.

from _adult_like import adult_like

X, y = adult_like(1800, random_state=0)
X = X.astype({"sex": "category"})
X_train, y_train, X_test, y_test = X[:1200], y[:1200], X[1200:], y[1200:]
print(X.head(3).to_string())
print(y.value_counts(normalize=True).round(2).to_dict())

# %%
# What could change
# -----------------
# Sex and age are in a register. Hours of work and gains of capital are what a person
# says they are. Errors of ten hours and of 2000 dollars shall count as equal: these are
# the units of the radius. The classifier is trained on the table as it is.

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from sksmooth import SmoothedClassifier

base = HistGradientBoostingClassifier(
    categorical_features="from_dtype", max_iter=30, random_state=0
)
claimed = SmoothedClassifier(
    base,
    sigma=0.5,
    noise_features=["hours-per-week", "capital-gain"],
    feature_scale={"hours-per-week": 10.0, "capital-gain": 2000.0},
    n_certify=500,
    random_state=0,
).fit(X_train, y_train)
certificates = claimed.certify(X_test)
units = zip(certificates.features, certificates.scale, strict=True)
print({name: float(unit) for name, unit in units if unit})
print(f"{certificates.abstained.mean():.3f} of the samples abstain")

# %%
# A radius in hours and dollars
# -----------------------------
# Within the radius everything may change together. How far may one column change
# alone? And does the label hold if a person works five hours less *and* has 500 dollars
# more of gains?

import numpy as np

for name, unit in (("hours-per-week", "hours"), ("capital-gain", "dollars")):
    alone = certificates.feature_radius(name)
    print(f"{name:15} median {np.median(alone):7.1f} {unit}")

holds = certificates.holds_for({"hours-per-week": -5, "capital-gain": 500})
print(f"holds for both at once: {holds.mean():.3f} of the samples")

# %%
# If age and years of education were in doubt as well, one ellipsoid has to cover four
# columns, and less is certified about each.

doubtful = SmoothedClassifier(
    base,
    sigma=0.5,
    noise_features=["age", "education-num", "hours-per-week", "capital-gain"],
    feature_scale={
        "age": 5.0,
        "education-num": 2.0,
        "hours-per-week": 10.0,
        "capital-gain": 2000.0,
    },
    n_certify=500,
    random_state=0,
).fit(X_train, y_train)
more = doubtful.certify(X_test)
for name, unit in (("age", "years"), ("capital-gain", "dollars")):
    print(f"{name:15} median {np.median(more.feature_radius(name)):7.1f} {unit}")

# %%
# Which class loses most
# ----------------------
# Higher incomes are the rarer class here. The report has both, at radii in the units
# above.

from sksmooth.inspection import ClasswiseAccuracyDisplay
from sksmooth.metrics import ClasswiseScorer, classwise_report

print(classwise_report(y_test, more, radii=[0.0, 0.5]))
_ = ClasswiseAccuracyDisplay.from_estimator(doubtful, X_test, y_test, radius=0.5)

# %%
# Sigma with a floor for the worst class
# --------------------------------------
# More noise certifies larger changes, until the smaller class falls. The search takes
# the sigma that certifies most samples within 0.5 (five hours, or 1000 dollars, or two
# and a half years of age), of those that leave the worst class at or above the floor.

from sklearn.model_selection import GridSearchCV

RADIUS, FLOOR = 0.5, 0.68
OVERALL = f"mean_test_certified_accuracy_at_{RADIUS}"
WORST = "mean_test_certified_accuracy_at_0_worst"


def best_above_floor(results):
    """Position of the best overall score, where the worst class is at the floor."""
    allowed = results[WORST] >= FLOOR
    if not allowed.any():
        raise ValueError(f"no sigma keeps the worst class at {FLOOR}")
    return int(np.where(allowed, results[OVERALL], -np.inf).argmax())


search = GridSearchCV(
    doubtful,
    {"sigma": [0.3, 0.5, 1.0, 2.0]},
    scoring=ClasswiseScorer(radii=[0, RADIUS]),
    refit=best_above_floor,
    cv=2,
).fit(X_train, y_train)
results = search.cv_results_
best_average = results[OVERALL].argmax()
print("sigma   within 0.5   worst class")
for i, sigma in enumerate(results["param_sigma"]):
    note = "   best average" if i == best_average else ""
    note = "   best above the floor" if i == search.best_index_ else note
    within, worst = results[OVERALL][i], results[WORST][i]
    print(f"{sigma:5.2f}   {within:10.3f}   {worst:11.3f}{note}")

# %%
# Without sampling
# ----------------
# Behind one-hot encoding, a linear classifier has certificates in closed form: the
# distance to its hyperplane over the columns that may change, at no votes and no
# ``alpha``.

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["hours-per-week", "capital-gain"]
columns = make_column_transformer(
    (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
    (StandardScaler(), NUMBERS),
    (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "education-num"]),
)
known = X_train["hours-per-week"].notna()
linear = SmoothedClassifier(
    make_pipeline(columns, LogisticRegression()),
    noise_features=NUMBERS,
    feature_scale=claimed.feature_scale,
).fit(X_train[known], y_train[known])
rows = X_test["hours-per-week"].notna()
exact = linear.certify(X_test[rows])
print(f"method={exact.method}, {exact.n_evaluations.sum()} evaluations")
print(f"accuracy {np.mean(exact.label == y_test[rows]):.3f}")
print(f"median {np.median(exact.feature_radius('capital-gain')):.0f} dollars")

# %%
# What was learned
# ----------------
# Categories and missing values that are held fixed are no obstacle: half of the samples
# keep their label under a misstatement of ten hours or of 2100 dollars. The higher
# income loses most: with age and education in doubt too, 0.722 of its samples are
# right and certified at all and 0.481 within 0.5, against 0.930 and 0.810. By the
# average, ``sigma=0.5`` was best; a floor of 0.68 under the worst class took
# ``sigma=0.3``, at a cost of 0.019 in that average.
