# SPDX-License-Identifier: BSD-3-Clause
"""Multi-layer perceptrons, whole or split behind the affine map of the first layer."""

import numpy as np

from sksmooth.votes._source import Declined
from sksmooth.votes.exact._rounding import UNIT
from sksmooth.votes.fast._dense_layers import ACTIVATIONS, DenseLayers
from sksmooth.votes.fast._first_layer import first_layer
from sksmooth.votes.fast._predictor import (
    FastPredictor,
    by_tiers,
    fast_predictor,
    rows_at_once,
    surely_first,
)

# Outputs of a layer that are held at a time, so that they stay in the cache.
_MOST_VALUES = 2**16
# Outputs that are no farther apart may be equal behind the softmax, whose exponentials
# and quotients have a few roundings; behind the logistic function an output no larger
# may be at 1/2.
_EQUAL_BEHIND = 64 * UNIT


def layers_of(estimator):
    """Return the activation, the weights and the biases of a perceptron.

    Parameters
    ----------
    estimator : MLPClassifier

    Returns
    -------
    activation : str
    weights, biases : list of ndarray of float64
        Copies.

    Raises
    ------
    Declined
        If they do not say all that `predict` computes.
    """
    weights, biases = estimator.coefs_, estimator.intercepts_
    if any(part.dtype != np.float64 for part in (*weights, *biases)):
        raise Declined("it was fitted on float32")
    one_label = {"softmax": len(estimator.classes_), "logistic": 1}
    if one_label.get(estimator.out_activation_) != estimator.n_outputs_:
        raise Declined("it predicts several labels for a sample")
    if estimator.activation not in ACTIVATIONS:
        raise Declined(f"its activation is {estimator.activation!r}")
    weights, biases = (list(map(np.array, parts)) for parts in (weights, biases))
    return estimator.activation, weights, biases


@first_layer("sklearn.neural_network", "MLPClassifier")
def split_mlp(estimator):
    """Weights and biases of the first layer, and the layers behind it."""
    activation, weights, biases = layers_of(estimator)
    tail = MLPTail(activation, weights[1:], biases[1:])
    return weights[0].T.copy(), biases[0], tail


class MLPTail:
    """The layers of a perceptron behind the first one.

    The class with the largest output is predicted, before the softmax as behind it; of
    two classes, which have one output, the second one where it is positive.

    Parameters
    ----------
    activation : {"identity", "logistic", "relu", "tanh"}
    weights : list of ndarray of shape (n_in, n_out)
    biases : list of ndarray of shape (n_out,)
    """

    def __init__(self, activation, weights, biases):
        self.activation = activation
        self.weights = weights
        self.biases = biases

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return rows_in_cache(self.weights)

    def positions(self, outputs):
        """Positions of labels, from outputs of the first layer, which are written to.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_units)

        Returns
        -------
        ndarray of intp of shape (n_samples,)
        """
        apply = ACTIVATIONS[self.activation]
        for weights, biases in zip(self.weights, self.biases, strict=True):
            outputs = apply(outputs) @ weights
            outputs += biases
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0).astype(np.intp)
        return np.argmax(outputs, axis=1)


@fast_predictor("sklearn.neural_network", "MLPClassifier")
class MLPPredictor(FastPredictor):
    """The class with the largest output, from layers with a bound on their rounding.

    In float32 the products take half the time, with an error that leaves few rows open;
    these are computed in float64. Rows whose largest outputs are closer than the
    rounding of this computation and that of `predict`, which is in float64, together
    are left to `predict`.

    Parameters
    ----------
    estimator : MLPClassifier
    """

    takes_float32 = True  # predict multiplies them in float64

    def __init__(self, estimator):
        activation, weights, biases = layers_of(estimator)
        super().__init__(len(weights[0]))
        # Most is computed in float32, of which twice as many stay there.
        self._n_rows = rows_in_cache(weights, 2 * _MOST_VALUES)
        self._n_products = sum(part.size for part in weights)
        single, of_predict = (
            DenseLayers(activation, weights, biases, dtype)
            for dtype in (np.float32, np.float64)
        )
        if not of_predict.is_finite:
            raise Declined("it has parameters that are not finite, or too large")
        tiers = [layers for layers in (single, of_predict) if layers.is_finite]
        self.tiers = [_Tier(part, of_predict, self.n_features) for part in tiers]

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        return self._n_rows

    @property
    def votes_at_once(self):
        """Number of rows that take hardly longer than one."""
        return rows_at_once(self._n_products)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        return by_tiers(self.tiers, lambda rows, tier: tier.positions(rows), X)


class _Tier:
    """Labels from layers in one precision, where they are sure to be those of others.

    Parameters
    ----------
    layers, others : DenseLayers
    n_features : int
    """

    def __init__(self, layers, others, n_features):
        self.layers = layers
        self._per_norm = layers.per_norm + others.per_norm
        self._constant = layers.constant + others.constant + _EQUAL_BEHIND
        self._largest_norm = min(layers.largest_norm, others.largest_norm)
        # A norm is computed in the same precision: a sum of squares with its rounding,
        # and what underflows.
        info = np.finfo(layers.dtype)
        self._constant += self._per_norm * float(np.sqrt(n_features * info.tiny))
        self._per_norm *= 1 + (n_features + 8) * float(info.eps)

    def positions(self, X):
        """Compute labels; see `FastPredictor.positions`."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            rows = X.astype(self.layers.dtype, copy=False)
            outputs = self.layers.outputs(rows)
            error = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            too_large = ~(error <= self._largest_norm)  # not `>`, so that nan is
            error *= self._per_norm
            error += self._constant
            error[too_large] = np.inf
        if outputs.shape[1] == 1:
            output = outputs[:, 0]
            return (output > 0).astype(np.intp), ~(np.abs(output) > error)
        return surely_first(outputs, error)


def rows_in_cache(weights, n_values=_MOST_VALUES):
    """Number of rows for which the outputs of each layer are so many values."""
    widest = max(max(part.shape) for part in weights)
    return min(1024, max(64, n_values // widest))
