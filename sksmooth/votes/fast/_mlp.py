# SPDX-License-Identifier: BSD-3-Clause
"""Multi-layer perceptrons, split behind the affine map of their first layer."""

import numpy as np
from scipy.special import expit

from sksmooth.votes._source import Declined
from sksmooth.votes.fast._first_layer import first_layer

# What each activation does in place.
_ACTIVATIONS = {
    "identity": lambda Z: Z,
    "logistic": lambda Z: expit(Z, out=Z),
    "relu": lambda Z: np.maximum(Z, 0.0, out=Z),
    "tanh": lambda Z: np.tanh(Z, out=Z),
}

# Outputs of a layer that are held at a time, so that they stay in the cache.
_MOST_VALUES = 2**16


@first_layer("sklearn.neural_network", "MLPClassifier")
def split_mlp(estimator):
    """Weights and biases of the first layer, and the layers behind it."""
    weights, biases = estimator.coefs_, estimator.intercepts_
    if any(part.dtype != np.float64 for part in (*weights, *biases)):
        raise Declined("it was fitted on float32")
    one_label = {"softmax": len(estimator.classes_), "logistic": 1}
    if one_label.get(estimator.out_activation_) != estimator.n_outputs_:
        raise Declined("it predicts several labels for a sample")
    if estimator.activation not in _ACTIVATIONS:
        raise Declined(f"its activation is {estimator.activation!r}")
    tail = MLPTail(estimator.activation, weights[1:], biases[1:])
    return np.array(weights[0].T), np.array(biases[0]), tail


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
        self.weights = [np.array(part) for part in weights]
        self.biases = [np.array(part) for part in biases]

    @property
    def n_rows(self):
        """Number of rows for which all that is computed stays in the cache."""
        widest = max(max(part.shape) for part in self.weights)
        return min(1024, max(64, _MOST_VALUES // widest))

    def positions(self, outputs):
        """Positions of labels, from outputs of the first layer, which are written to.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_units)

        Returns
        -------
        ndarray of intp of shape (n_samples,)
        """
        apply = _ACTIVATIONS[self.activation]
        for weights, biases in zip(self.weights, self.biases, strict=True):
            outputs = apply(outputs) @ weights
            outputs += biases
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0).astype(np.intp)
        return np.argmax(outputs, axis=1)
