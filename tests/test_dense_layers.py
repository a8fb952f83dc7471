# SPDX-License-Identifier: BSD-3-Clause
"""Rounding of dense layers stays within its bound, whatever their parameters."""

from itertools import pairwise

import numpy as np
import pytest

from sksmooth.votes.fast._dense_layers import DenseLayers

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": lambda z: (1 + np.tanh(z / 2)) / 2,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
}


def exact_outputs(activation, weights, biases, X):
    """Outputs with 11 bits more than float64."""
    outputs = X.astype(np.longdouble)
    for at, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if at:
            outputs = ACTIVATIONS[activation](outputs)
        outputs = outputs @ W.astype(np.longdouble) + b
    return outputs


def network(rng, sizes, of_weights, of_biases):
    shapes = list(pairwise(sizes))
    weights = [of_weights * rng.standard_normal(shape) for shape in shapes]
    return weights, [of_biases * rng.standard_normal(size) for size in sizes[1:]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_outputs_are_within_their_bound(activation, dtype):
    rng = np.random.default_rng(0)
    largest = 0.0
    for sizes in ((3, 1), (20, 30, 4), (5, 50, 40, 3), (300, 8, 1)):
        for of_weights, of_biases in ((0.2, 0.1), (3.0, 0.0), (1e-3, 30.0)):
            weights, biases = network(rng, sizes, of_weights, of_biases)
            layers = DenseLayers(activation, weights, biases, dtype)
            scale = 10.0 ** rng.uniform(-3, 3, (64, 1))
            X = scale * rng.standard_normal((64, sizes[0]))
            error = layers.outputs(X.astype(dtype))
            error = error - exact_outputs(activation, weights, biases, X)
            error = np.column_stack([error, np.zeros(64)])  # of a single output itself
            apart = np.ptp(error[:, :-1] if sizes[-1] > 1 else error, axis=1)
            norms = np.linalg.norm(X, axis=1)
            assert (norms <= layers.largest_norm).all()
            bound = layers.per_norm * norms + layers.constant
            largest = max(largest, float((apart / bound).max()))
    assert 1e-3 < largest <= 1  # and the bound is no larger than it has to be


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_bound_of_biases_that_float32_rounds(activation):
    # Sums of few exact products: all of the error is that of the bias.
    weights, biases = [np.eye(2), np.eye(2)], [np.full(2, 0.1), np.array([0.3, -0.3])]
    layers = DenseLayers(activation, weights, biases, np.float32)
    error = layers.outputs(np.zeros((1, 2), dtype=np.float32))
    error = error - exact_outputs(activation, weights, biases, np.zeros((1, 2)))
    assert 0 < np.ptp(error) <= layers.constant


def test_no_sum_overflows_up_to_the_largest_norm():
    rng = np.random.default_rng(0)
    for scale in (1.0, 1e10, 1e30):
        weights, biases = network(rng, (4, 6, 3), scale, 1.0)
        layers = DenseLayers("relu", weights, biases, np.float32)
        if not layers.is_finite:
            assert scale == 1e30
            continue
        X = rng.standard_normal((64, 4))
        X *= 0.99 * layers.largest_norm / np.linalg.norm(X, axis=1, keepdims=True)
        assert np.isfinite(layers.outputs(X.astype(np.float32))).all()
