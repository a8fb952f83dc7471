# SPDX-License-Identifier: BSD-3-Clause
"""Dense layers of a network in a chosen precision, with bounds on their rounding."""

import numpy as np
from scipy.special import expit

from sksmooth.votes.exact._rounding import UNIT

# What each activation does in place.
ACTIVATIONS = {
    "identity": lambda Z: Z,
    "logistic": lambda Z: expit(Z, out=Z),
    "relu": lambda Z: np.maximum(Z, 0.0, out=Z),
    "tanh": lambda Z: np.tanh(Z, out=Z),
}
# How much an activation can stretch a difference. The outputs of those that are bounded
# are at most 1, and computed with an error of at most so many units of roundoff.
_STRETCH = {"identity": 1.0, "logistic": 0.25, "relu": 1.0, "tanh": 1.0}
_BOUNDED = {"logistic", "tanh"}
_FUNCTION = 16
# For the rounding of the bounds themselves.
_SLACK = 1.01
# The largest norm of a row whose square is sure to be finite.
_LARGEST_NORM = 1e150


class DenseLayers:
    """Outputs of a perceptron, before the function behind its last layer.

    The bias b of a layer with the activation relu is not added to its sums z: as
    ``relu(z + b) = max(z, -b) + b``, what is added behind it can be left to the bias of
    the next layer. That saves a pass over the outputs.

    Parameters
    ----------
    activation : {"identity", "logistic", "relu", "tanh"}
    weights : list of ndarray of float64 of shape (n_in, n_out)
    biases : list of ndarray of float64 of shape (n_out,)
    dtype : {numpy.float32, numpy.float64}
        What they are computed in. Rows are rounded to it first.

    Attributes
    ----------
    per_norm, constant : float
        The difference of any two outputs, or a single output if there is one, is
        computed with an error of at most ``per_norm * norm + constant`` for a row of
        that norm.
    largest_norm : float
        Norm of a row up to which no sum can overflow.
    is_finite : bool
        Whether there are such rows, and these bounds are finite.

    Notes
    -----
    Errors are bounded in the l2 norm, layer by layer, as ``p * |x| + c`` for a row x.
    Let u be the unit roundoff, and let a layer of n inputs have weights W and biases b,
    rounded to W' and b', and be given inputs of norm s with an error of norm e. A sum
    of n products and a bias has a rounding error of at most ``gamma(n + 1)`` times the
    sum of the absolute values of its terms, in any order (N. J. Higham, "Accuracy and
    Stability of Numerical Algorithms", 2nd edition, 2002, section 3.1). So the error of
    all sums of the layer has at most the norm ::

        |W| * e + gamma(n + 1) * (|W'| * (s + e) + |b'|) + |W - W'| * (s + e) + |b - b'|

    with Frobenius norms, and what underflows: less than the least normal number for
    each product. An activation stretches no difference by more than its Lipschitz
    constant. The error of the difference of two outputs depends on the difference of
    their weights, whose norm is at most twice the distance from their mean.
    """

    def __init__(self, activation, weights, biases, dtype):
        self.dtype = dtype
        self._has_floor = activation == "relu"
        self._apply = ACTIVATIONS[activation]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            self._weights = [part.astype(dtype) for part in weights]
            # What is added to the sums of each layer, and a bound on its error.
            self._biases, errors = [], []
            left = np.zeros(len(weights[0]))
            for W, b in zip(weights, biases, strict=True):
                bias = b + left @ W
                error = np.abs(b) + np.abs(left) @ np.abs(W)
                error *= (len(W) + 2) * UNIT * _SLACK
                self._biases.append(bias.astype(dtype))
                errors.append(error + np.abs(self._biases[-1] - bias))
                if self._has_floor:
                    left = self._biases[-1].astype(np.float64)
                else:
                    left = np.zeros(len(b))
            self._bound(activation, weights, biases, errors)
        self._floors = [-bias for bias in self._biases[:-1]]

    def _bound(self, activation, weights, biases, errors):
        info = np.finfo(self.dtype)
        unit, tiny = float(info.eps) / 2, float(info.tiny)
        n_features = len(weights[0])
        # Of each pair of numbers the first is for a norm of 1, the second is constant.
        size = largest = np.array([1.0, 0.0])
        error = np.zeros(2)
        if self.dtype != np.float64:
            error += unit, np.sqrt(n_features) * tiny
        left = 0.0  # norm of what is not added to the inputs yet
        last = len(weights) - 1
        for at, (W, b) in enumerate(zip(weights, biases, strict=True)):
            n_in, n_out = W.shape
            gamma = (n_in + 1) * unit / (1 - (n_in + 1) * unit)
            # Norms of all sums; of the last layer, the largest of a single sum.
            norm = np.linalg.norm if at < last else _largest_norm
            moved = norm(self._weights[at] - W)
            inputs = size + error + [0.0, left]
            bias = norm(self._biases[at].astype(np.float64)[np.newaxis])
            own = (gamma * (norm(W) + moved) + moved) * inputs
            own[1] += gamma * bias + norm(errors[at][np.newaxis])
            own[1] += (n_in + 1) * np.sqrt(n_out) * tiny
            size = norm(W) * size + [0.0, norm(b[np.newaxis])]
            largest = np.maximum(largest, norm(W) * inputs + [0.0, bias])
            if at == last:
                error = _distance(W) * error + min(2, n_out) * own
                break
            error = _STRETCH[activation] * (norm(W) * error + own)
            if activation in _BOUNDED:
                size = np.array([0.0, np.sqrt(n_out)])
                error[1] += _FUNCTION * unit * size[1]
            left = bias if self._has_floor else 0.0
        self.per_norm, self.constant = (_SLACK * error).tolist()
        room = float(info.max) / 16 - largest[1]
        self.largest_norm = float(min(room / largest[0], _LARGEST_NORM))
        bounds = self.per_norm, self.constant, self.largest_norm
        self.is_finite = bool(np.isfinite(bounds).all() and room > 0)

    def outputs(self, X):
        """Compute outputs.

        Parameters
        ----------
        X : ndarray of `dtype` of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        outputs = X
        for at, floor in enumerate(self._floors):
            outputs = outputs @ self._weights[at]
            if self._has_floor:
                np.maximum(outputs, floor, out=outputs)
            else:
                outputs += self._biases[at]
                outputs = self._apply(outputs)
        outputs = outputs @ self._weights[-1]
        outputs += self._biases[-1]
        return outputs


def _largest_norm(W):
    """The largest norm of a column."""
    return np.linalg.norm(W, axis=0).max()


def _distance(W):
    """Bound on the norm of the difference of any two columns; of one, of itself."""
    if W.shape[1] == 1:
        return np.linalg.norm(W)
    return 2 * _largest_norm(W - W.mean(axis=1, keepdims=True))
