# SPDX-License-Identifier: BSD-3-Clause
"""Trees under noise that draws categories anew, beside Gaussian noise on numbers.

Features are independent: a leaf, a cell or a term of a sum is a set of categories of
some columns and an interval of some numbers, and its mass is the product of theirs.
"""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sksmooth._compat import hist_boosting_encoder, hist_boosting_trees
from sksmooth._estimators import has_own_predict, layers
from sksmooth.votes.exact._additive import AdditiveSource, terms_per_feature
from sksmooth.votes.exact._boxes import (
    AxisIntervals,
    boxes_of_tree,
    cell_intervals,
)
from sksmooth.votes.exact._by_type import ByType
from sksmooth.votes.exact._category_inputs import CategoryInputs
from sksmooth.votes.exact._category_sides import (
    CodeSides,
    SetsAndIntervals,
    read_code_ensemble,
    read_code_tree,
)
from sksmooth.votes.exact._cells import MAX_CELLS, CellSource, CellTable
from sksmooth.votes.exact._numerics import clipped
from sksmooth.votes.exact._registry import check_form
from sksmooth.votes.exact._self_check import ask
from sksmooth.votes.exact._source import Declined, ExactSource
from sksmooth.votes.exact._structure import Ensemble
from sksmooth.votes.exact._tree import TreeSource
from sksmooth.votes.exact._votes import ROUNDING, ExactVotes
from sksmooth.votes.probes import REPLACED

# A table of up to this many cells is preferred to a dynamic program.
_SMALL_TABLE = 50_000
# Seconds to draw a category and to encode it, with scikit-learn 1.9 and pandas.
_CATEGORY_COST = 1e-6
# From a fitted classifier, `CategoryInputs` and a law to an `ExactSource`.
_category_form = ByType()


def find_category_form(estimator, X_sample, sigma, law):
    """The closed form of a fitted classifier's votes where categories are drawn anew.

    Parameters
    ----------
    estimator : fitted classifier
        A tree, or an ensemble of trees; behind a `ColumnTransformer` or encoders too.
    X_sample : Table
        Samples near which the closed form is compared with `estimator.predict`.
    sigma : float
        Noise of that comparison.
    law : Law
        How categories are drawn. The form holds under this law, for any sigma.

    Returns
    -------
    form : ExactSource
    inputs : CategoryInputs
        The numbers and codes that it is a function of.

    Raises
    ------
    Declined
        If there is none; the message is the reason. `SelfCheckFailed` if there is one
        and `predict` contradicts it.
    """
    transformers, final = layers(estimator, exact=True)
    if has_own_predict(final):
        raise Declined(REPLACED)
    build = _category_form.get(final)
    if build is None:
        raise Declined(
            f"{type(final).__name__} has none where noise draws categories anew; trees "
            "have"
        )
    check_is_fitted(estimator)
    inputs = CategoryInputs(transformers, _encoder_of(final), X_sample)
    X_sample = inputs.complete(X_sample)
    if inputs.n_features != final.n_features_in_:
        raise Declined(
            f"{type(final).__name__} was fitted on {final.n_features_in_} features, "
            f"and is given {inputs.n_features}"
        )
    form = build(final, inputs, law)
    check_form(estimator, form.disagrees, inputs, X_sample, sigma)
    return form, inputs


def may_have_category_form(final):
    """Whether a fitted classifier, taken out of its wrappers, is of such a type."""
    return _category_form.get(final) is not None


def _encoder_of(final):
    is_hist = type(final).__name__ == "HistGradientBoostingClassifier"
    return hist_boosting_encoder(final) if is_hist else None


def _predict_cost(ensemble, inputs):
    return ensemble.visit_cost() + _CATEGORY_COST * len(inputs.n_categories)


class CategoryVotes(ExactVotes):
    """A source that computes the probabilities of classes where categories change."""

    def probits(self, X):
        """Bounds on the probabilities of the classes; see `ExactSource.probits`."""
        lower, upper = self.form.probits(self.inputs.of(X), self.law.sigma)
        moved = ROUNDING * self.inputs.norms(X)[:, np.newaxis] / self.law.sigma
        return clipped(lower - moved, upper + moved)


@_category_form("sklearn.tree", "DecisionTreeClassifier", "ExtraTreeClassifier")
class CategoryTree(TreeSource):
    """A single tree: sums over its leaves of products of masses.

    Parameters
    ----------
    estimator : DecisionTreeClassifier or ExtraTreeClassifier, fitted
    inputs : CategoryInputs
    law : Law
    """

    def __init__(self, estimator, inputs, law):
        tree = read_code_tree(estimator, inputs)
        cost = _predict_cost(Ensemble([tree], True), inputs)
        ExactSource.__init__(self, estimator.classes_, inputs.affine, cost)
        labels = np.argmax(tree.value, axis=1)
        sides = CodeSides(inputs, law)
        self._boxes = boxes_of_tree(tree, labels, len(self.classes), sides)


@_category_form(
    "sklearn.ensemble",
    "BaggingClassifier",
    "ExtraTreesClassifier",
    "RandomForestClassifier",
)
class CategoryCells(CellSource):
    """An ensemble of trees on few features: one prediction per cell.

    Cells are intervals of numbers and sets of categories that no tree tells apart.

    Parameters
    ----------
    estimator : fitted ensemble
    inputs : CategoryInputs
    law : Law
    max_cells : int
        Largest table.
    """

    def __init__(self, estimator, inputs, law, max_cells=MAX_CELLS):
        if _encoder_of(estimator) is not None:
            raise Declined("it encodes categories itself, and its trees are no stumps")
        ensemble = read_code_ensemble(estimator, inputs)
        cost = _predict_cost(ensemble, inputs)
        ExactSource.__init__(self, estimator.classes_, inputs.affine, cost)
        self._law, self._encoded = law, inputs.encoded
        self._n_features = inputs.n_features
        self._groups = {
            c: group
            for c, size in enumerate(inputs.n_categories)
            if (group := _told_apart(ensemble, inputs.n_features + c, size)).any()
        }
        sizes = [int(group.max()) + 1 for group in self._groups.values()]
        self._lay_out(estimator, ensemble, inputs.n_features, sizes, max_cells)

    def _table_of(self, labels):
        table = CellTable(self._axes, self._thresholds, labels, len(self.classes))
        feature, sets, ends = [], [], [0]
        for c, group in self._groups.items():
            sets += [group == at for at in range(int(group.max()) + 1)]
            ends.append(len(sets))
            feature += [self._n_features + c] * (ends[-1] - ends[-2])
        table.put_first(
            SetsAndIntervals(table.intervals, feature, sets, self._law), ends
        )
        return table

    def _points(self, cells):
        n_sets = len(self._groups)
        X = np.zeros((len(cells[0]), self._n_features))
        numbers = zip(self._axes, self._values, cells[n_sets:], strict=True)
        for axis, values, at in numbers:
            X[:, axis] = values[at]
        # Last, as an axis with one cell stands for no number.
        for (c, group), at in zip(self._groups.items(), cells[:n_sets], strict=True):
            features, values = self._encoded[c]
            _, first = np.unique(group, return_index=True)
            X[:, features] = values[first[at]][:, features]
        return X

    def _cells_of(self, X):
        codes = X[:, self._n_features :].astype(np.intp)
        groups = [group[codes[:, c]] for c, group in self._groups.items()]
        return groups + super()._cells_of(X)


def _told_apart(ensemble, feature, n_categories):
    """Which categories any tree tells apart, as numbers of groups from 0 on."""
    splits = [
        tree.goes_left[tree.feature == feature, :n_categories]
        for tree in ensemble.trees
    ]
    splits = np.concatenate([*splits, np.ones((1, n_categories), dtype=bool)])
    _, group = np.unique(splits, axis=1, return_inverse=True)
    return group.ravel()


class CategoryStumps(AdditiveSource):
    """Boosted trees that look at one column each, for two classes.

    Parameters
    ----------
    estimator : fitted AdaBoost, gradient boosting or histogram gradient boosting
    inputs : CategoryInputs
    law : Law
    n_bins : int, default=None
        See `AdditiveSource`.
    """

    def __init__(self, estimator, inputs, law, n_bins=None):
        if len(estimator.classes_) != 2:
            raise Declined("a sum over features is only worked out for two classes")
        ensemble = read_code_ensemble(estimator, inputs)
        cost = _predict_cost(ensemble, inputs)
        ExactSource.__init__(self, estimator.classes_, inputs.affine, cost)
        self.single_precision = ensemble.single_precision
        n_numbers, sizes = inputs.n_features, inputs.n_categories
        numbers = ensemble.thresholds(n_numbers)
        codes = [np.arange(size, dtype=np.float64) for size in sizes]
        terms, size = terms_per_feature(
            ensemble,
            [*numbers, *(of[:-1] for of in codes)],
            [*(np.append(cuts, np.inf) for cuts in numbers), *codes],
        )
        of_codes = [term for term in terms if term[0] >= n_numbers]
        of_numbers = [term for term in terms if term[0] < n_numbers]
        self._terms = of_codes + of_numbers
        self._bias = 0.0
        self._bias = self._start(estimator, inputs)
        intervals, offsets = AxisIntervals([], [], [], []), np.zeros(1, dtype=np.intp)
        if of_numbers:
            axes, thresholds, _ = zip(*of_numbers, strict=True)
            intervals, offsets = cell_intervals(axes, thresholds)
        feature, sets, ends = [], [], [0]
        for axis, _, term in of_codes:
            sets += list(np.eye(len(term), dtype=bool))
            feature += [axis] * len(term)
            ends.append(len(sets))
        self._intervals = SetsAndIntervals(intervals, feature, sets, law)
        self._offsets = np.append(ends[:-1], ends[-1] + offsets).astype(np.intp)
        self._bound_rounding(len(ensemble.trees), size)
        self._lay_grid_of(n_bins)

    def _start(self, estimator, inputs):
        """What the terms leave over, which is constant."""
        if _encoder_of(estimator) is not None:
            start, _ = hist_boosting_trees(estimator)
            return float(start[0])
        given = np.zeros((1, inputs.n_features))
        for features, values in inputs.encoded:
            given[:, features] = values[0, features]
        total = ask(estimator.decision_function, given)
        codes = np.zeros((1, len(inputs.encoded)))
        return float(total[0] - self._score(np.column_stack([given, codes]))[0])


@_category_form(
    "sklearn.ensemble",
    "AdaBoostClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
)
def _boosted(estimator, inputs, law):
    """A small table, else a sum over columns, else a large table."""
    reasons = []
    for build in (
        lambda: CategoryCells(estimator, inputs, law, _SMALL_TABLE),
        lambda: CategoryStumps(estimator, inputs, law),
        lambda: CategoryCells(estimator, inputs, law),
    ):
        try:
            return build()
        except Declined as declined:
            reasons.append(str(declined))
    raise Declined("; ".join(dict.fromkeys(reasons[1:])))
