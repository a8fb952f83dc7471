# SPDX-License-Identifier: BSD-3-Clause
"""A network that votes: which output leads, in eval mode, in pieces that fit."""

import threading
import warnings
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

# Two threads that vote with one module would undo each other's eval mode.
_ONE_AT_A_TIME = threading.RLock()


class Network:
    """A module and how its outputs are read as votes.

    Parameters
    ----------
    module : torch.nn.Module
        Its training mode is left as it was found.
    leader : callable
        From outputs to the position of the leading class and the score that leads,
        both of shape (n,).
    n_classes : int
    device : str or torch.device, default=None
        Where to vote. The module itself is not moved: a copy votes elsewhere.
    autocast : torch.dtype, default=None
        Precision of the forward pass, as for `torch.autocast`.
    channels_last : bool, default=False
        Whether images are laid out with channels last.

    Attributes
    ----------
    limit : int or None
        Most samples in one call; None is all. It falls when memory is short.
    is_exact : bool
        Whether outputs depend on the batch by no more than rounding of float32.
    is_argmax : bool
        Whether the class of the largest output leads.
    layout : ChannelsLast or None
        Another way to the same votes, which takes less time.
    """

    def __init__(
        self,
        module,
        leader,
        n_classes,
        *,
        device=None,
        autocast=None,
        channels_last=False,
    ):
        weights = [*module.parameters(), *module.buffers()]
        found = weights[0].device if weights else torch.device("cpu")
        device = _checked_device(device, found)
        if device != found:
            module = deepcopy(module).to(device)
        self.module = module
        self.device = device
        self.dtype = next(
            (w.dtype for w in weights if w.is_floating_point()), torch.float32
        )
        self.n_classes = n_classes
        self.autocast = autocast
        self.channels_last = channels_last
        self.limit = None
        self.is_exact = (
            device.type == "cpu"
            and autocast is None
            and self.dtype in (torch.float32, torch.float64)
        )
        scores = (lead_of_scores, lead_of_scores_or_logit)
        self.is_argmax = getattr(leader, "func", None) in scores
        self.layout = None
        self._leader = leader
        self._is_evaluating = False

    @contextmanager
    def evaluating(self):
        """Vote in eval mode; every submodule gets its own mode back at the end.

        Raises
        ------
        ValueError
            If a submodule is random, or depends on the other samples, even in eval
            mode.
        """
        with _ONE_AT_A_TIME:
            if self._is_evaluating:
                yield
                return
            with modes_kept(self.module), torch.inference_mode():
                self.module.eval()
                _check_fixed(self.module)
                self._is_evaluating = True
                try:
                    yield
                finally:
                    self._is_evaluating = False
                    if self.layout is not None:
                        self.layout.forget()

    def outputs(self, rows, forward=None):
        """Output of the module for samples; the first of several outputs.

        Parameters
        ----------
        rows : tensor
        forward : callable, default=None
            Called instead of the module.
        """
        # In this order: not every device knows every dtype.
        rows = rows.to(self.dtype).to(self.device)
        if self.channels_last and rows.dim() == 4:
            rows = rows.contiguous(memory_format=torch.channels_last)
        with self._precision():
            found = (forward or self.module)(rows)
        found = found[0] if isinstance(found, tuple) and found else found
        if not isinstance(found, torch.Tensor):
            _refuse_outputs(found)
        return found

    def votes(self, rows):
        """Position of the class that each sample votes for; `n_classes` for a NaN."""
        votes = None
        if self.layout is not None and self.layout.takes(len(rows)):
            votes = self.layout.votes(rows)
        return self.read(self.outputs(rows)) if votes is None else votes

    def read(self, outputs):
        """Votes of outputs; see `votes`."""
        position, score = self._leader(outputs)
        return torch.where(score.isnan(), self.n_classes, position)

    def votes_in_pieces(self, rows):
        """Votes for samples on the host, in pieces that fit in memory."""
        found = []
        self.in_pieces(
            len(rows),
            lambda start, stop: found.append(self.votes(rows[start:stop]).cpu()),
        )
        if len(found) == 1:  # mostly
            return found[0]
        return torch.cat(found) if found else torch.empty(0, dtype=torch.int64)

    def in_pieces(self, n_rows, work):
        """Call ``work(start, stop)`` over all samples, in pieces that fit in memory.

        A piece that does not fit is halved and tried again; what is done stays done.

        Raises
        ------
        RuntimeError
            If even one sample does not fit.
        """
        start = 0
        while start < n_rows:
            size = min(self.limit or n_rows, n_rows - start)
            try:
                work(start, start + size)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise RuntimeError(
                        f"one noisy sample does not fit in memory of {self.device}; "
                        "free some of it or choose another device."
                    ) from error
            else:
                start += size
                continue
            # Outside of the handler, where the error no longer holds on to tensors.
            self.limit = size // 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            warnings.warn(
                f"{size} noisy samples do not fit in memory of {self.device}: going "
                f"on with {self.limit} at a time. batch_size={self.limit} avoids the "
                "failed tries.",
                stacklevel=2,
            )

    def _precision(self):
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast)


@contextmanager
def modes_kept(module):
    """Give every submodule its training mode back at the end."""
    with _ONE_AT_A_TIME:
        modes = [(part, part.training) for part in module.modules()]
        try:
            yield
        finally:
            for part, mode in modes:
                part.training = mode


def lead_of_scores(outputs, *, n_classes):
    """Read votes off one score per class; the first of equal scores leads."""
    if outputs.dim() != 2 or outputs.shape[1] != n_classes:
        raise ValueError(
            f"the network gives outputs of shape {tuple(outputs.shape)} for "
            f"{n_classes} classes, and needs one for each class. If the training data "
            "lack a class, as in a fold, pass all to NeuralNetClassifier(classes=[...])"
            " in the order of the outputs; for a bare module, to from_fitted."
        )
    score, position = outputs.max(dim=1)
    return position, score


def lead_of_scores_or_logit(outputs, *, n_classes):
    """Take one output for two classes too: above 0 it votes for the second."""
    is_one = outputs.dim() == 1 or (outputs.dim() == 2 and outputs.shape[1] == 1)
    if n_classes == 2 and is_one:
        outputs = outputs.reshape(-1)
        return (outputs > 0).long(), outputs
    return lead_of_scores(outputs, n_classes=n_classes)


def _refuse_outputs(found):
    kind = type(found).__name__
    if isinstance(found, Mapping):
        kind += f" with the keys {list(found)}"
    raise ValueError(
        f"the network returns a {kind}; a tensor with one score for each class is "
        "needed. Wrap it in a module that returns the scores, such as\n"
        "class Scores(torch.nn.Module):\n"
        "    def __init__(self, model): super().__init__(); self.model = model\n"
        "    def forward(self, X): return self.model(X)['logits']"
    )


def _checked_device(device, found):
    if device is None:
        return found
    try:
        device = torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device={device!r} cannot be used: {error}. Use None to vote where the "
            f"network is ({found})."
        ) from error
    return device


def _check_fixed(module):
    for name, part in module.named_modules():
        where = f"the network's part {name!r} ({type(part).__name__})"
        if part.training and isinstance(part, (_BatchNorm, _DropoutNd)):
            raise ValueError(
                f"{where} stays in training mode after eval(): its output for a sample "
                "is random or depends on the other samples, and cannot be certified. "
                "Let it follow eval()."
            )
        if isinstance(part, _BatchNorm) and part.running_mean is None:
            raise ValueError(
                f"{where} has no running statistics and normalises by the samples of a "
                "batch: the output for a sample depends on the others, and cannot be "
                "certified. Use track_running_stats=True."
            )


def is_out_of_memory(error):
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text
