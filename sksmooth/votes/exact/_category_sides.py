# SPDX-License-Identifier: BSD-3-Clause
"""Trees over numbers and codes of categories, and the masses of their leaves' sides."""

from dataclasses import dataclass

import numpy as np

from sksmooth._compat import hist_boosting_trees
from sksmooth.votes._source import Declined
from sksmooth.votes.exact._boxes import AxisIntervals, TreeSides
from sksmooth.votes.exact._structure import Ensemble, Tree, read_ensemble, read_tree


@dataclass(frozen=True)
class CodeTree(Tree):
    """A tree that splits on numbers and on categories.

    Attributes
    ----------
    n_numbers : int
        Features from this one on are codes of categories.
    goes_left : ndarray of bool of shape (n_nodes, most_categories)
        Which codes go left, at nodes that split on a category.
    """

    n_numbers: int
    goes_left: np.ndarray

    def leaf_of(self, X):
        """Leaf that each sample falls into."""
        node = np.zeros(len(X), dtype=np.intp)
        rows = np.arange(len(X))
        while np.any(inner := self.feature[node] >= 0):
            value = X[rows, self.feature[node]]
            of_code = inner & (self.feature[node] >= self.n_numbers)
            goes_left = value <= self.threshold[node]
            code = value[of_code].astype(np.intp)
            goes_left[of_code] = self.goes_left[node[of_code], code]
            child = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, child, node)
        return node


def read_code_tree(estimator, inputs):
    """A fitted decision tree of scikit-learn as a `CodeTree`."""
    return _with_codes(read_tree(estimator), inputs, True)


def read_code_ensemble(estimator, inputs):
    """The trees of a fitted ensemble as those over numbers and codes.

    Parameters
    ----------
    estimator : fitted ensemble
    inputs : CategoryInputs

    Returns
    -------
    Ensemble of CodeTree

    Raises
    ------
    Declined
        If it is made of anything but axis-aligned trees.
    """
    if type(estimator).__name__ == "HistGradientBoostingClassifier":
        _, trees = hist_boosting_trees(estimator)
        return Ensemble([_of_hist_tree(tree, inputs) for tree in trees], False)
    ensemble = read_ensemble(estimator)
    single = ensemble.single_precision
    trees = [_with_codes(tree, inputs, single) for tree in ensemble.trees]
    return Ensemble(trees, single)


def _with_codes(tree, inputs, single_precision):
    def goes_left(node, values):
        if np.isnan(values).any():
            raise Declined("it encodes a category as a missing value")
        values = values.astype(np.float32 if single_precision else np.float64)
        return values <= tree.threshold[node]

    return _code_tree(tree, inputs, goes_left)


def _of_hist_tree(hist, inputs):
    nodes = hist.nodes
    leaf = nodes["is_leaf"].astype(bool)
    is_code = nodes["is_categorical"].astype(bool) & ~leaf
    tree = Tree(
        feature=np.where(leaf, -1, nodes["feature_idx"]),
        threshold=np.where(leaf | is_code, 0.0, nodes["num_threshold"]),
        left=nodes["left"].astype(np.intp),
        right=nodes["right"].astype(np.intp),
        value=nodes["value"][:, np.newaxis],
    )

    def goes_left(node, values):
        missing = np.isnan(values)
        if is_code[node]:
            missing |= values < 0
            code = np.where(missing, 0.0, values).astype(np.uint8)
            left = hist.left_codes[node, code]
        else:
            left = values <= tree.threshold[node]
        return np.where(missing, nodes["missing_go_to_left"][node] > 0, left)

    found = _code_tree(tree, inputs, goes_left)
    if np.any(is_code & (found.feature < inputs.n_features)):
        raise Declined("it splits on a category that is held fixed")
    return found


def _code_tree(tree, inputs, goes_left):
    """A tree whose features that are functions of a category are its code instead."""
    feature = np.array(tree.feature, dtype=np.intp)
    left = np.zeros((len(feature), max(inputs.n_categories)), dtype=bool)
    for c, (features, values) in enumerate(inputs.encoded):
        for node in np.flatnonzero(np.isin(tree.feature, features)):
            left[node, : len(values)] = goes_left(node, values[:, tree.feature[node]])
            feature[node] = inputs.n_features + c
    return CodeTree(
        feature,
        tree.threshold,
        tree.left,
        tree.right,
        tree.value,
        inputs.n_features,
        left,
    )


class SetsAndIntervals(AxisIntervals):
    """Sets of categories, and behind them intervals of numbers.

    Parameters
    ----------
    intervals : AxisIntervals
    feature : sequence of int of shape (n_sets,)
        Where the code of the category of each set is among the features.
    sets : list of ndarray of bool of shape (n_categories,)
    law : Law
        Tells how probable sets are, see `ResampledGaussian.set_masses`.

    Notes
    -----
    The relative error of the mass of a set is a few units of the last place, less than
    `mass_error` allows for a side of a box.
    """

    def __init__(self, intervals, feature, sets, law):
        vars(self).update(vars(intervals))
        self._intervals = intervals
        self._codes_at = np.array(feature, dtype=np.intp)
        shape = len(sets), max(map(len, sets), default=1)
        self._contains, self._masses = np.zeros(shape), np.zeros(shape)
        for at, contains in enumerate(sets):
            self._contains[at, : len(contains)] = contains
            self._masses[at, : len(contains)] = law.set_masses(contains)
        with np.errstate(divide="ignore"):
            self._log_masses = np.log(self._masses)

    def __len__(self):
        return len(self._codes_at) + len(self._intervals)

    @property
    def n_floats(self):
        """Floats of work space per sample, at most."""
        return self._intervals.n_floats + len(self) + 2 * len(self._codes_at)

    @property
    def n_operations(self):
        """Elementary operations per sample."""
        return self._intervals.n_operations + 8 * len(self._codes_at)

    def masses(self, X, scale, narrow):
        """Probabilities that noise ends in each of them; see `AxisIntervals.masses`."""
        return self._join(X, self._masses, self._intervals.masses(X, scale, narrow))

    def log_masses(self, X, scale, narrow):
        """Logarithm of `masses`."""
        return self._join(
            X, self._log_masses, self._intervals.log_masses(X, scale, narrow)
        )

    def contains(self, X):
        """Whether each of them contains x, as 0.0 or 1.0."""
        return self._join(X, self._contains, self._intervals.contains(X))

    def reached(self, X, scale):
        """Whether noise reaches each of them at all, as 0.0 or 1.0."""
        return self._join(X, self._masses > 0, self._intervals.reached(X, scale))

    def _join(self, X, by_code, of_intervals):
        codes = X.T[self._codes_at].astype(np.intp)
        of_sets = by_code[np.arange(len(codes))[:, np.newaxis], codes]
        return np.concatenate([of_sets, of_intervals])


class CodeSides(TreeSides):
    """Sides of the boxes of a `CodeTree`: intervals of numbers, sets of categories.

    Parameters
    ----------
    inputs : CategoryInputs
    law : Law
    """

    def __init__(self, inputs, law):
        super().__init__()
        self._n_numbers = inputs.n_features
        self._n_categories = inputs.n_categories
        self._law = law

    def split(self, tree, node, bounds):
        """Sides of the boxes of both children; see `TreeSides.split`."""
        feature = int(tree.feature[node])
        if feature < self._n_numbers:
            return super().split(tree, node, bounds)
        n_categories = self._n_categories[feature - self._n_numbers]
        left = tree.goes_left[node, :n_categories]
        within = np.ones(n_categories, dtype=bool)
        if feature in bounds:
            within = np.frombuffer(bounds[feature], dtype=bool)
        return tuple(
            bounds | {feature: part.tobytes()} if part.any() else None
            for part in (within & left, within & ~left)
        )

    def collected(self, boxes):
        """Sides of all boxes, and where those of each are among them."""
        found = {}
        of_sets = [
            [found.setdefault(side, len(found)) for side in box if self._is_set(side)]
            for box in boxes
        ]
        intervals, of_intervals = super().collected(
            [[side for side in box if not self._is_set(side)] for box in boxes]
        )
        sets = [np.frombuffer(codes, dtype=bool) for _, codes in found]
        sides = SetsAndIntervals(intervals, [at for at, _ in found], sets, self._law)
        places = [
            [*first, *(len(found) + place for place in then)]
            for first, then in zip(of_sets, of_intervals, strict=True)
        ]
        return sides, places

    def _is_set(self, side):
        return side[0] >= self._n_numbers
