# SPDX-License-Identifier: BSD-3-Clause
"""Gradient boosting, of both kinds: sums of the values of regression trees."""

from copy import copy
from functools import partial
from itertools import pairwise

import numpy as np

from sksmooth._compat import (
    build_tree,
    gradient_boosting_start,
    hist_boosting_parts,
    predict_stages,
)
from sksmooth.votes._source import Declined
from sksmooth.votes.fast._cuts import Cuts, find_cuts
from sksmooth.votes.fast._forests import beyond_float32
from sksmooth.votes.fast._predictor import fast_predictor, surely_largest
from sksmooth.votes.fast._tree_sums import TreePredictor, TreeSums

# Some versions of scikit-learn compare probabilities, and rounding can make those of
# different scores the same: only where scores differ by less than a few ulps of 1.
_PROBABILITY_TIE = 1e-9
# Shares of the trees behind which rows are left out whose label the other trees do not
# change, and the number of trees from which on that saves time.
_SHARES, _MANY_TREES = (0.5, 0.65, 0.8), 20
_EPS = float(np.finfo(np.float64).eps)


class BoostedTrees(TreePredictor):
    """The class with the largest sum of leaf values, or the sign of the only sum.

    Values are added in the order in which `predict` adds them. Where products and sums
    are not contracted by its compiler, sums are the same to the last bit; labels that
    rounding could change otherwise are left to `predict`.

    With one score, a row is left out once the least and the most that the other trees
    could add leave its sign as it is, which saves up to a third of the time. Several
    scores are seldom that far apart, and where rows are not walked down the trees there
    is nothing to gain.

    Parameters
    ----------
    n_features : int
    start : ndarray of shape (n_scores,)
        What is added to first.
    trees : list
        Of each iteration, one for each score, as `sums` takes them.
    values : list of ndarray of float64 of shape (n_nodes,)
    sums : callable
        Makes the `TreeSums` of trees, values and columns.
    """

    takes_float32 = True

    def __init__(self, n_features, start, trees, values, sums):
        super().__init__(n_features)
        n_scores = len(start)
        columns = [t % n_scores for t in range(len(trees))]
        self._start = start
        self._sums = sums(trees, [of[:, np.newaxis] for of in values], columns)
        largest = np.array([np.abs(of).max(initial=0.0) for of in values])
        size = np.abs(start).max() + largest.sum()
        self._error = 2 * (len(trees) + 4) * _EPS * size + _PROBABILITY_TIE
        if not np.isfinite(self._error):
            raise Declined("a value of it is not finite")
        shares = _SHARES if n_scores == 1 and len(trees) >= _MANY_TREES else ()
        ends = [int(share * len(trees)) for share in shares]
        self._parts = [slice(*of) for of in pairwise([0, *ends, len(trees)])]
        # What the trees behind each part add at least, and at most.
        leaves = [
            of[tree.children_left < 0]
            for tree, of in zip(self._sums.trees, values, strict=True)
        ]
        least, most = (np.array([f(of) for of in leaves]) for f in (np.min, np.max))
        self._rest = [(least[end:].sum(), most[end:].sum()) for end in ends]

    def scores(self, X):
        """Sums for rows, of shape (n_samples, n_scores).

        Of a row that is left out, the value nearest to zero that the sum could have.
        """
        scores = np.tile(self._start, (len(X), 1))
        add = self._sums.quicker_than_walking(len(X))
        if add is not None:
            add(X, scores)
            return scores
        rows = self._sums.rows(X)
        at, sums = np.arange(len(rows)), scores
        first, *others = self._parts
        self._sums.add_walked(rows, sums, first)
        for part, (least, most) in zip(others, self._rest, strict=True):
            nearest = np.maximum(sums + least, 0.0) + np.minimum(sums + most, 0.0)
            is_open = np.abs(nearest[:, 0]) <= self._error
            sums = sums[is_open]  # a copy, as scores are written to
            scores[at] = nearest
            at, rows = at[is_open], rows[is_open]
            self._sums.add_walked(rows, sums, part)
        scores[at] = sums
        return scores

    def surely(self, scores):
        """Labels by scores, and whether they are unsure."""
        if scores.shape[1] > 1:
            return surely_largest(scores, self._error)
        score = scores[:, 0]
        return (score > 0).astype(np.intp), np.abs(score) <= self._error


@fast_predictor("sklearn.ensemble", "GradientBoostingClassifier")
class GradientBoosting(BoostedTrees):
    """`GradientBoostingClassifier` that starts from class frequencies or from zero.

    Parameters
    ----------
    estimator : GradientBoostingClassifier
    """

    def __init__(self, estimator):
        start = gradient_boosting_start(estimator)
        if start is None:
            raise Declined("it starts from the scores of another estimator")
        trees = [member.tree_ for member in estimator.estimators_.ravel()]
        super().__init__(
            estimator.n_features_in_,
            start,
            trees,
            [estimator.learning_rate * tree.value[:, 0, 0] for tree in trees],
            partial(_StageSums, estimator.estimators_, estimator.learning_rate),
        )

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        positions, unsure = self.surely(self.scores(X))
        return positions, unsure | beyond_float32(X)


class _StageSums(TreeSums):
    """Sums of trees that scikit-learn adds at once, quicker than one by one."""

    def __init__(self, members, rate, *parts):
        super().__init__(*parts)
        self._members, self._rate = members, rate

    def add_walked(self, rows, totals, part=slice(None)):
        """Add the values of a part of the trees; see `TreeSums.add_walked`.

        With several scores there is one part.
        """
        predict_stages(self._members[part], rows, self._rate, totals)


@fast_predictor("sklearn.ensemble", "HistGradientBoostingClassifier")
class HistGradientBoosting(BoostedTrees):
    """`HistGradientBoostingClassifier` of numbers.

    Parameters
    ----------
    estimator : HistGradientBoostingClassifier
    """

    def __init__(self, estimator):
        start, nodes = hist_boosting_parts(estimator)
        if nodes is None or any(of["is_categorical"].any() for of in nodes):
            raise Declined("it has categorical features")
        super().__init__(
            estimator.n_features_in_,
            start,
            nodes,
            [of["value"] for of in nodes],
            _CodeSums,
        )

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        positions, unsure = self.surely(self.scores(X))
        return positions, unsure | np.isnan(X.min(axis=1, initial=np.inf))


class _CodeSums(TreeSums):
    """Sums of trees that compare float64 as it is, by their codes; see `Cuts`.

    float32 holds a code, so that the trees of scikit-learn over codes take the branches
    that these trees take over values.
    """

    def __init__(self, nodes, values, columns):
        inner = [of[of["is_leaf"] == 0] for of in nodes]
        feature, threshold = (
            np.concatenate([of[name] for of in inner])
            for name in ("feature_idx", "num_threshold")
        )
        self._found = cuts, place, code = find_cuts(feature, threshold)
        ends = np.cumsum([len(of) for of in inner])[:-1]
        parts = nodes, np.split(place, ends), np.split(code, ends)
        trees = [_tree(*of, len(cuts.used)) for of in zip(*parts, strict=True)]
        super().__init__(trees, values, columns)

    def narrowed(self):
        """Return the features that are compared, and the sums of trees over these."""
        cuts, place, code = self._found
        used = np.sort(cuts.used)
        narrow = copy(self)
        places = np.searchsorted(used, cuts.used)
        narrow._found = Cuts(places, cuts.cuts), place, code
        return used, narrow

    def rows(self, X):
        """Codes as the trees take them."""
        codes = self._found[0].codes(X)
        return np.ascontiguousarray(codes.T, dtype=np.float32)

    def _find_cuts(self):
        return self._found

    def _compared(self, X):
        return X

    def _compiled_rows(self, X):
        from sksmooth.votes.fast import _numba

        cuts = self._found[0]
        ends = np.cumsum([0, *map(len, cuts.cuts)])
        codes = np.empty((len(X), len(cuts.used)), dtype=np.float32)
        _numba.count_below(X, cuts.used, np.concatenate(cuts.cuts), ends, codes)
        return codes


def _tree(nodes, place, code, n_features):
    """A tree of scikit-learn over codes."""
    is_leaf = nodes["is_leaf"] == 1
    feature, threshold = np.full(len(nodes), -2), np.zeros(len(nodes))
    feature[~is_leaf], threshold[~is_leaf] = place, code + 0.5
    return build_tree(
        np.where(is_leaf, -1, nodes["left"].astype(np.intp)),
        np.where(is_leaf, -1, nodes["right"].astype(np.intp)),
        feature,
        threshold,
        n_features=max(1, n_features),
        max_depth=int(nodes["depth"].max()),
    )
