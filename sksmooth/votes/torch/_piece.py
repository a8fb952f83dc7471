# SPDX-License-Identifier: BSD-3-Clause
"""How many rows a network on a CPU is given at a time."""

from contextlib import contextmanager

import torch

# What the widest layer of a piece reads and writes, 2 MiB of float32. On a CPU a
# forward pass is fastest while this stays in cache and in memory that is mapped
# already: of larger pieces the outputs of layers are mapped anew in each pass, which
# can make a convolution ten times slower a row; so do smaller pieces of small networks.
_VALUES = 2**19
_FEWEST, _MOST = 64, 2048


class WidestLayer:
    """Most values that a layer of a module reads and writes for one row.

    Attributes
    ----------
    n_values : int
    """

    def __init__(self):
        self.n_values = 0

    @contextmanager
    def of(self, module):
        """Watch the forward passes of a module."""
        layers = [part for part in module.modules() if not any(part.children())]
        if hasattr(module, "_orig_mod"):  # a hook would have it compiled again
            layers = []
        hooks = []
        try:
            for layer in layers:
                hooks.append(layer.register_forward_hook(self._note))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def rows(self, module, n_features):
        """Rows of a piece, of a module that takes so many features."""
        # Layers that are mere functions are not seen; those of images are wide.
        is_dense = all(weight.dim() <= 2 for weight in module.parameters())
        widest = max(self.n_values, n_features * (1 if is_dense else 4), 1)
        return max(_FEWEST, min(_VALUES // widest, _MOST))

    def _note(self, layer, inputs, output):
        sizes = [
            value[0].numel()
            for value in (*inputs, output)
            if isinstance(value, torch.Tensor) and value.dim() and len(value)
        ]
        self.n_values = max(self.n_values, sum(sizes))
