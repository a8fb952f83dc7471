# SPDX-License-Identifier: BSD-3-Clause
"""Votes of classifiers behind affine maps, with noise in fewer dimensions."""

from dataclasses import replace
from functools import partial

import numpy as np

from sksmooth._estimators import Layers, frames_of, has_own_predict
from sksmooth.samples import Table, unit_values_of
from sksmooth.votes._cache import Found, FoundCache
from sksmooth.votes._fast_votes import check_against_predict, find_fast_votes
from sksmooth.votes._source import Declined
from sksmooth.votes.exact import AffineMap, fold_steps, is_foldable
from sksmooth.votes.fast import UsedFeatures, first_layer
from sksmooth.votes.sampled import MonteCarloVotes, ReducedNoiseVotes, ReducedSpace

# Near which labels of the classifier proper are compared with those of its predict.
_N_SAMPLES = 16

# By transformers alone: the classifier behind them may be of any library.
_of_transformers = FoundCache()


def find_reduced_votes(model, X, found=None):
    """Votes with noise in the coordinates that an affine map leaves of a sample.

    Parameters
    ----------
    model : Model
        Its noise is Gaussian, and all of a sample takes noise.
    X : ndarray of shape (n_samples, ...) or Table
        Samples near which labels are compared with those of `predict`.
    found : Found, default=None
        What was found for the classifier before.

    Returns
    -------
    ReducedNoiseVotes

    Raises
    ------
    Declined
        If the classifier has no affine map before it, or one that keeps the dimension;
        the message is the reason.
    """
    found = Found(model.estimator) if found is None else found
    transformers, core = found.parts
    split = first_layer.get(core)
    if split is not None and has_own_predict(core):
        raise Declined("its method predict was replaced")
    if not all(map(is_foldable, transformers)) or not (transformers or split):
        raise Declined(f"{type(core).__name__} is not behind an affine map")
    like = X.rows if isinstance(X, Table) else X
    if len(like.shape) != 2 or getattr(like, "dtype", np.float64) != np.float64:
        raise Declined("its samples are not vectors of float64")
    layer = None
    if split is not None:
        try:
            layer = found.of_core().get(first_layer, partial(split, core))
        except Declined:
            if not transformers:
                raise
    if layer is None:  # the classifier proper is not looked into
        parts = Layers(transformers[:-1], transformers[-1])
        found = Found(model.estimator, parts, _of_transformers)
    scale = model.law.scale
    units = unit_values_of(X)
    unit = 1.0 if scale is None else np.array(scale)

    def find():
        scales = np.broadcast_to(unit, units.shape[1])
        start = AffineMap.scaling(scales, np.zeros(units.shape[1]))
        affine = fold_steps(transformers, start)
        n_out = affine.n_features_out
        matrix, shift, _ = layer or (np.eye(n_out), np.zeros(n_out), None)
        matrix, shift = affine.fold(matrix, shift)
        space = ReducedSpace(matrix, shift, affine.center)
        source = _votes(space, layer, model, core, units)
        check_against_predict(
            lambda noisy, *_: source.vote(space.coordinates(noisy / unit), X, None),
            MonteCarloVotes(model).vote,
            model.law,
            X,
        )
        return space

    space = found.get(find_reduced_votes, find, scale)
    source = _votes(space, layer, model, core, units)
    if source.is_far(X).all():
        raise Declined("rounding is not small beside the noise")
    return source


def _votes(space, layer, model, core, units):
    if layer is None:
        some = units[np.linspace(0, len(units) - 1, _N_SAMPLES).round().astype(int)]
        head = _Predicted(model, core, space.outputs(space.coordinates(some)))
    else:
        *_, head = layer
        if isinstance(head, UsedFeatures):
            head = _PredictedIfUnsure(model, core, head)
    return ReducedNoiseVotes(space, head, model)


class _Predicted:
    """A classifier proper, as what predicts from outputs of the map before it."""

    n_rows = None  # what computes its labels sees to that

    def __init__(self, model, core, outputs):
        own = _own_model(model, core)
        self._votes = MonteCarloVotes(own)
        self._like = outputs[:0]
        try:
            self._votes = find_fast_votes(self._votes, own, outputs)
        except Declined:
            pass

    def positions(self, outputs):
        """Positions of labels, from outputs of the map."""
        return self._votes.vote(outputs, self._like, None)


class _PredictedIfUnsure:
    """Trees over the features that they compare, with their `predict` for ties."""

    def __init__(self, model, core, trees):
        self._votes = MonteCarloVotes(_own_model(model, core))
        self._trees = trees
        self.n_rows = trees.predictor.n_rows

    def positions(self, outputs):
        """Positions of labels, from outputs of the map."""
        return self._trees.positions(outputs, self._predicted)

    def _predicted(self, rows):
        return self._votes.vote(rows, rows, None)


def _own_model(model, core):
    """The model of a classifier proper, without what is before it."""
    return replace(model.in_units(), estimator=core, as_frame=frames_of(core))
