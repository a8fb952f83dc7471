# SPDX-License-Identifier: BSD-3-Clause
"""Which fitted classifiers are networks whose module may be called directly."""

import sys
from functools import partial

import numpy as np
import torch

from sksmooth._estimators import layers
from sksmooth.samples import shown, values_of
from sksmooth.votes._source import Declined
from sksmooth.votes.torch._channels_last import find_channels_last
from sksmooth.votes.torch._module_classifier import ModuleClassifier
from sksmooth.votes.torch._network import (
    Network,
    is_out_of_memory,
    lead_of_scores,
    modes_kept,
)
from sksmooth.votes.torch._piece import WidestLayer
from sksmooth.votes.torch._sources import TorchVotes, check_no_nan

# What stands between a sample and its label in skorch.
_PATH = (
    "predict",
    "predict_proba",
    "forward_iter",
    "get_dataset",
    "get_iterator",
    "evaluation_step",
    "infer",
)
# Options of a DataLoader that change how samples are loaded, not which.
_LOADING = {
    "batch_size",
    "in_order",
    "multiprocessing_context",
    "num_workers",
    "persistent_workers",
    "pin_memory",
    "pin_memory_device",
    "prefetch_factor",
    "timeout",
    "worker_init_fn",
}
_N_PROBES = 4
# Change of an output with the batch, against the largest output, that is rounding. On
# GPUs, convolutions of float32 round to 10 bits, in ways that change with the batch.
_TOLERANCE, _LOOSE_TOLERANCE = 1e-3, 0.05


def find_votes(model, X):
    """See `find_torch_votes`."""
    steps, last = layers(model.estimator, exact=True)
    network = _network_of(last, len(model.classes), model.device)
    if len(X):
        rows = _noisy(X[:_N_PROBES], model)
        _check_against_predict(network, steps, last, rows)
    return TorchVotes(network, steps, model)


def _network_of(last, n_classes, device):
    if isinstance(last, ModuleClassifier):
        return last.network(device)
    name = type(last).__name__
    skorch = sys.modules.get("skorch")
    kinds = (
        (skorch.NeuralNetClassifier, skorch.NeuralNetBinaryClassifier) if skorch else ()
    )
    kind = next((k for k in kinds if isinstance(last, k)), None)
    if kind is None:
        raise Declined(f"{name} is not a classifier of skorch")
    if "forward_iter" in vars(last):
        raise ValueError(
            "the net is being scored with cached predictions, which know nothing of "
            "noise. Use EpochScoring(..., use_caching=False)."
        )
    own = [
        method
        for method in _PATH
        if method in vars(last)
        or getattr(type(last), method) is not getattr(kind, method)
    ]
    if own:
        raise Declined(f"{name} has its own {', '.join(own)}")
    if last.iterator_valid is not torch.utils.data.DataLoader:
        raise Declined(f"{name} has its own iterator_valid")
    loading = last.get_params_for("iterator_valid")
    if loading.keys() - _LOADING:
        option = min(loading.keys() - _LOADING)
        raise Declined(f"{name} has the parameter iterator_valid__{option}")
    if last.dataset is not skorch.dataset.Dataset or last.get_params_for("dataset"):
        raise Declined(f"{name} has its own dataset")
    nonlinearity = last._get_predict_nonlinearity()
    if kind is skorch.NeuralNetBinaryClassifier:
        leader = partial(_lead_of_probability, nonlinearity, last.threshold)
    else:
        leader = partial(lead_of_scores, n_classes=n_classes)
        if not _keeps_order(nonlinearity):
            leader = partial(_lead_behind, nonlinearity, leader)
    return Network(last.module_, leader, n_classes, device=device)


def _keeps_order(nonlinearity):
    """Whether the leading score surely leads behind it too, rounding aside."""
    # A softmax over few classes takes as long as a small network.
    return getattr(nonlinearity, "func", None) is torch.softmax


def _lead_behind(nonlinearity, leader, outputs):
    return leader(nonlinearity(outputs))


def _lead_of_probability(nonlinearity, threshold, outputs):
    if outputs.dim() > 2 or (outputs.dim() == 2 and outputs.shape[1] != 1):
        raise ValueError(
            f"the network gives outputs of shape {tuple(outputs.shape)}; a binary "
            "net gives one logit for each sample."
        )
    proba = nonlinearity(outputs.reshape(-1))
    if proba.dim() != 2:
        raise Declined(
            "the binary net has no probabilities of two classes: its criterion is "
            "neither BCEWithLogitsLoss nor BCELoss"
        )
    return (proba[:, 1] > threshold).long(), proba[:, 1]


def _noisy(X, model):
    """Noisy copies of a few samples, as `predict` is to see them."""
    rng = np.random.default_rng(0)
    owner = np.tile(np.arange(len(X)), 3)
    values = values_of(X)[owner]
    values = values + model.law.deviation * rng.standard_normal(values.shape)
    return shown(values, X, owner, model.as_frame)


def _check_against_predict(network, steps, last, rows):
    """Compare the network and `predict` of the net on a few samples.

    On a CPU, the network also learns how many rows to take at a time, and in which
    layout.

    Raises
    ------
    Declined
        If they disagree, or if the network is not given arrays.
    ValueError
        If the network fails, or its output for a sample is not fixed.
    """
    for step in steps:
        rows = step.transform(rows)
    if not isinstance(rows, np.ndarray):
        raise Declined(f"the network gets a {type(rows).__name__}, not an array")
    rows = rows.astype(np.float64 if network.dtype == torch.float64 else np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(rows))
    # At least two samples each: batch-norm refuses to take statistics of one.
    part = len(rows) * 2 // 3
    widest = WidestLayer()
    with network.evaluating():
        try:
            with widest.of(network.module):
                found = network.outputs(tensor)
            outputs = found.cpu().double()
            alone = network.outputs(tensor[:part].flip(0)).flip(0).cpu().double()
        except (RuntimeError, TypeError, IndexError) as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"the network fails on samples of shape {rows.shape[1:]}, given as "
                f"{network.dtype} on {network.device}: {error}"
            ) from error
        votes = network.read(found).cpu().numpy()
        network.layout = find_channels_last(network, tensor, found)
    check_no_nan((votes == network.n_classes).sum())
    if network.device.type == "cpu":
        network.limit = widest.rows(network.module, tensor[0].numel())
    tolerance = _TOLERANCE if network.is_exact else _LOOSE_TOLERANCE
    change = (outputs[:part] - alone).abs()
    if (change > tolerance * outputs.abs().max()).any():
        raise ValueError(
            "the network's outputs for the same samples differ when they are in "
            "another batch: dropout, or statistics of the batch, are at work in eval "
            "mode. The output for a sample has to be fixed to be certified."
        )
    if isinstance(last, ModuleClassifier):
        return  # which has no other predict
    # It predicts the position of a label, whatever its classes are.
    with modes_kept(last.module_):
        positions = last.predict(rows)
    n_ties = 0 if network.is_exact else 1
    agree = positions.shape == votes.shape
    if not agree or np.count_nonzero(positions != votes) > n_ties:
        raise Declined("the network's module and its predict disagree")
