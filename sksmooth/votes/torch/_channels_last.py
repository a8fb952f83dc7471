# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions on a CPU with channels last in memory, which takes less time."""

import torch
from torch import nn
from torch.func import functional_call

from sksmooth.votes.torch._network import is_out_of_memory

# Convolutions of fewer channels do not gain from it, nor does a single one, as samples
# are laid out anew before it and after it. Pooling of the largest gains always.
_FEWEST_CHANNELS, _FEWEST_CONVOLUTIONS = 16, 2
# Laying out weights takes about as long as a forward pass of one row.
_FEWEST_ROWS = 16
# Scores differ between the two layouts by rounding: by some 1e-6 of the largest score.
# Scores of two classes that differ by less than `_LEAST_MARGIN` of it, or than so many
# times the change that was measured, are computed in the usual layout again.
_LEAST_MARGIN, _CHANGES_OF_MARGIN = 1e-5, 32
# More than this is not mere rounding.
_LARGEST_CHANGE = 1e-4
# Passes that may be made again, and one in so many more.
_FEW_AGAIN, _SHARE_AGAIN = 2, 8


class ChannelsLast:
    """Votes of a network whose weights of convolutions have channels last.

    The weights are the same numbers in another order, the layers are those of the
    module, and oneDNN adds up the same products in another order. Where that could
    change a vote, or a layer does not work in this layout, votes are those of the usual
    forward pass. The module itself stays as it is.

    Parameters
    ----------
    network : Network
    margin : float
        Least lead of a score, relative to the largest, that is beyond rounding.
    scale : float
        Largest score of a few samples.
    """

    def __init__(self, network, margin, scale):
        self._network = network
        self._margin = margin
        self._scale = scale
        self._weights = None
        self._n_passes = self._n_again = 0
        self.is_used = True

    def takes(self, n_rows):
        """Whether so many samples are to be passed in this layout."""
        return self.is_used and n_rows >= _FEWEST_ROWS

    def forget(self):
        """Let go of the weights; before the next votes they may have changed."""
        self._weights = None

    def votes(self, rows):
        """Votes as of the usual forward pass, or None: then they are to come from it.

        Parameters
        ----------
        rows : tensor
        """
        network = self._network
        if self._weights is None:
            self._weights = _laid_out(network.module)
        outputs = _outputs(network, rows, self._weights)
        if outputs is None:
            self.is_used = False
            return None
        self._n_passes += 1
        if self._has_near_tie(outputs):
            self._n_again += 1
            allowed = _FEW_AGAIN + self._n_passes // _SHARE_AGAIN
            self.is_used = self._n_again <= allowed
            return None
        return network.read(outputs)

    def _has_near_tie(self, outputs):
        first, second = outputs.topk(2, dim=1).values.unbind(dim=1)
        least = self._margin * outputs.abs().amax(dim=1).clamp(min=self._scale)
        # A NaN is no lead.
        return not bool((first - second > least).all())


def find_channels_last(network, rows, outputs):
    """Find out whether a network gains from channels last and gives the same scores.

    Parameters
    ----------
    network : Network
        In eval mode.
    rows : tensor
        Some samples.
    outputs : tensor
        What the network gives for them.

    Returns
    -------
    ChannelsLast or None
    """
    is_simple = network.device.type == "cpu" and network.autocast is None
    is_plain = network.dtype == torch.float32 and not network.channels_last
    is_argmax = network.is_argmax and outputs.dim() == 2 and outputs.shape[1] > 1
    if not (is_simple and is_plain and is_argmax and _gains(network.module)):
        return None
    found = _outputs(network, rows, _laid_out(network.module))
    if found is None or found.shape != outputs.shape:
        return None
    scale = float(outputs.abs().max())
    change = float((found - outputs).abs().max())
    if not change <= _LARGEST_CHANGE * scale:
        return None
    margin = max(_LEAST_MARGIN, _CHANGES_OF_MARGIN * change / max(scale, 1e-30))
    return ChannelsLast(network, margin, scale)


def _gains(module):
    """Whether a module has convolutions that take less time with channels last."""
    if any(hasattr(part, "_orig_mod") for part in module.modules()):
        return False  # it would be compiled again
    weights = _weights(module).values()
    n_wide = sum(weight.shape[1] >= _FEWEST_CHANNELS for weight in weights)
    has_pooling = any(isinstance(part, nn.MaxPool2d) for part in module.modules())
    is_last = all(weight.stride() == _with_last(weight).stride() for weight in weights)
    return (n_wide >= _FEWEST_CONVOLUTIONS or has_pooling) and not is_last


def _weights(module):
    """Weights of the convolutions over images, by name."""
    weights = dict(module.named_parameters())
    names = [
        f"{name}.weight" if name else "weight"
        for name, part in module.named_modules()
        if isinstance(part, nn.Conv2d)
    ]
    return {name: weights[name] for name in names if name in weights}


def _laid_out(module):
    return {
        name: _with_last(weight).copy_(weight.detach())
        for name, weight in _weights(module).items()
    }


def _with_last(weight):
    """Room for a weight with channels last.

    `contiguous` would leave weights of one channel alone, whose memory is the same in
    both layouts; but their strides tell the layout of what a convolution returns.
    """
    return torch.empty_like(
        weight, memory_format=torch.channels_last, requires_grad=False
    )


def _outputs(network, rows, weights):
    """Outputs with other weights; None if the network fails on the new layout."""
    try:
        return network.outputs(
            rows, lambda rows: functional_call(network.module, weights, (rows,))
        )
    except Exception as error:
        # Such as of `view`, which needs the usual layout. What is wrong with the
        # network itself, the usual forward pass tells.
        if is_out_of_memory(error):
            raise
        return None
