# SPDX-License-Identifier: BSD-3-Clause
"""How many rows a network on a CPU is given at a time."""

from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

# What the widest layer of a piece reads and writes, 8 MiB of float32. On a CPU a
# forward pass is fastest while this stays in cache; of small networks smaller pieces
# take longer a row, as noise has taken the caches in between.
_VALUES = 2**21
_FEWEST, _MOST = 64, 2048

# Just less than 32 MiB, the largest block from which malloc of glibc learns.
_LARGEST_BLOCK = 2**25 - 2**16


@cache
def keep_memory_mapped():
    """Have memory that layers free kept for the next pass, once in a process.

    The malloc of glibc gives memory back to the system where more than twice the
    largest block that was ever mapped and freed is free. The outputs of layers would be
    mapped anew in each pass, which can take longer than the pass. A block that is freed
    at once, and never written to, raises that to 64 MiB. See ``M_TRIM_THRESHOLD`` and
    ``M_MMAP_THRESHOLD`` in `mallopt(3)
    <https://man7.org/linux/man-pages/man3/mallopt.3.html>`_; elsewhere it does nothing.
    """
    np.empty(_LARGEST_BLOCK, dtype=np.uint8)


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
