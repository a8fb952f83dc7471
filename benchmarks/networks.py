# SPDX-License-Identifier: BSD-3-Clause
"""Votes of networks: certify against pure forward passes and the ways around it.

    python benchmarks/networks.py [--device cuda] [--clock cpu] [--rounds 3]
    python benchmarks/networks.py --clock cpu --compiled
    python benchmarks/networks.py --device cuda --large

For each network, every row gets the same fixed number of votes in one of four ways:

- forward: the module on noise that is made already, in batches of the best size. No
  noise, no counting: in the same layout, nothing can be faster.
- certify: `SmoothedClassifier.certify` with ``tol=0`` and ``beta=0``; on a CPU, also
  with all convolutions in the usual layout.
- loader: the same through the net's `predict`, that is a DataLoader.
- loop: the usual research code, written afresh here: one row at a time, noise of
  float32, and after each batch a transfer and a count in Python; in batches of the best
  size.

The table has microseconds a vote, and times relative to the forward passes, medians
over rounds in which all ways take turns. On a GPU, precision, layout, compilation and
batch size of `certify` are varied too. With ``--clock cpu`` and ``OMP_NUM_THREADS=1``
the time is that of the process, which other processes disturb less. ``--compiled`` has
noise drawn by numba, if installed, from the first vote on, as else it is after
134,000,000 values. ``--large`` takes ResNet-18 and ResNet-50 for images of 224 pixels,
and needs torchvision and a GPU.
"""

import argparse
import time
import warnings
from functools import partial
from unittest.mock import patch

import numpy as np
import skorch
import torch
from scipy.ndimage import zoom
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn

from sksmooth import SmoothedClassifier
from sksmooth.noise import _compiled
from sksmooth.votes.torch import _dispatch

SIGMA = 0.25
LOOP_BATCHES = (100, 400, 1000)  # the usual scripts take 400
FORWARD_BATCHES = {
    "cpu": (64, 256, 1024, 4096),
    "cuda": (64, 256, 1024, 4096, 16_384, 65_536),
}
CERTIFY_BATCHES = (256, 1024, 4096, 8192, 32_768)
LARGEST_BATCH = 2**30  # values


class ThroughPredict(skorch.NeuralNetClassifier):
    """Has a `predict` of its own, so votes come from it."""

    def predict(self, X):
        return super().predict(X)


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.skip = nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, images):
        return torch.relu(self.body(images) + self.skip(images))


def residual_net(width=16):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        Block(width, width, 1),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )


def digits_net():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2048, 10),
    )


def tiny_net():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(784, 10),
    )


def pooled_net():
    """LeNet-5, with pooling of the largest."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 100), nn.ReLU(), nn.Linear(100, n_out))


def tasks():
    """Name, module, rows and labels; (rows, votes) on a CPU and on a GPU."""
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    yield "MLP, 30 features", mlp(30, 2), X, y, (100, 1000), (500, 10_000)
    X, y = load_digits(return_X_y=True)
    yield "MLP, 8x8 digits", mlp(64, 10), X / 16, y, (100, 1000), (500, 10_000)
    yield "conv, 8x8 digits", digits_net(), X / 16, y, (20, 4000), (500, 10_000)
    X = zoom(X.reshape(-1, 1, 8, 8) / 16, (1, 1, 3.5, 3.5), order=1)
    yield "tiny conv, 28x28 digits", tiny_net(), X, y, (4, 4000), (500, 10_000)
    yield "pooled conv, 28x28 digits", pooled_net(), X, y, (4, 1000), (500, 10_000)
    # Images of noise: the cost is that of any.
    rng = np.random.default_rng(0)
    X = rng.random((200, 3, 32, 32))
    y = rng.integers(10, size=200)
    yield "residual, 32x32x3", residual_net(), X, y, (4, 500), (64, 10_000)


def large_tasks():
    """The same for networks of ImageNet's size, for a GPU only."""
    from torchvision.models import resnet18, resnet50

    rng = np.random.default_rng(0)
    X = rng.random((64, 3, 224, 224), dtype=np.float32)
    y = rng.integers(1000, size=64)
    y[0] = 999  # the last of 1,000 classes
    for network in (resnet18, resnet50):
        name = f"{network.__name__}, 224x224x3"
        yield name, network(), X, y, None, (2, 4000)


def trained(module, X, y, device):
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=3,
        lr=1e-3,
        train_split=None,
        verbose=0,
        device=device,
        classes=np.arange(y.max() + 1),
    )
    return net.fit(X.astype(np.float32), y.astype(np.int64))


def smoothed(clf, n_votes, **params):
    return SmoothedClassifier.from_fitted(
        clf, sigma=SIGMA, n_certify=n_votes - 100, random_state=0, **params
    )


def fitting(batches, X):
    """Those batch sizes that a device has memory for."""
    return [size for size in batches if size * X[0].size <= LARGEST_BATCH]


def certify(clf, X):
    certificates = clf.certify(X, tol=0, beta=0)
    assert certificates.n_evaluations.sum() == len(X) * (clf.n_certify + 100)
    return certificates


def certify_as_laid_out(clf, X):
    with patch.object(_dispatch, "find_channels_last", return_value=None):
        return certify(clf, X)


def forward(module, X, n_votes, batch, device, autocast=None, channels_last=False):
    """Pure forward passes over noise that is there."""
    noise = torch.randn(batch, *X.shape[1:], device=device)
    if channels_last and noise.dim() == 4:
        noise = noise.contiguous(memory_format=torch.channels_last)
    with (
        torch.inference_mode(),
        torch.autocast(device, dtype=autocast, enabled=autocast is not None),
    ):
        for start in range(0, len(X) * n_votes, batch):
            out = module(noise[: len(X) * n_votes - start])
        out.sum().item()


def loop(module, X, n_votes, device, batch):
    """The usual loop over rows and batches."""
    rows = torch.from_numpy(X.astype(np.float32)).to(device)
    with torch.no_grad():
        n_classes = module(rows[:1]).shape[1]
        for row in rows:
            counts = np.zeros(n_classes, dtype=int)
            left = n_votes
            while left > 0:
                size = min(batch, left)
                left -= size
                noisy = row.repeat(size, *[1] * row.dim())
                noisy = noisy + SIGMA * torch.randn_like(noisy)
                for vote in module(noisy).argmax(1).cpu().numpy():
                    counts[vote] += 1


def measure(ways, rounds, clock):
    """Seconds of each way in each round, after a warm-up."""
    seconds = {name: [] for name in ways}
    for n in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            way()
            if n:
                seconds[name].append(clock() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def best(seconds, way):
    """Name of the fastest batch size of a way."""
    keys = [key for key in seconds if key.startswith(way)]
    return min(keys, key=lambda key: np.median(seconds[key]))


def show(label, seconds, n_votes, floor):
    micro = np.median(seconds) / n_votes * 1e6
    print(f"  {label:<34}{micro:12.2f}{np.median(seconds / floor):12.2f}", flush=True)


def benchmark(name, module, X, y, size, args, clock):
    n_rows, n_votes = size
    net = trained(module, X, y, args.device)
    X = X[:n_rows].astype(np.float32)
    module = net.module_.to(args.device).eval()
    slow = ThroughPredict(**net.get_params(deep=False) | {"device": args.device})
    slow.initialize()
    slow.module_ = module
    slow.classes_inferred_ = net.classes_

    def pure(batch, **how):
        return lambda: forward(module, X, n_votes, batch, args.device, **how)

    classes = net.classes_
    fast = smoothed(module, n_votes, classes=classes)
    through_loader = smoothed(slow, n_votes)
    ways = {
        f"forward, batch {batch}": pure(batch)
        for batch in fitting(FORWARD_BATCHES[args.device], X)
    }
    ways |= {
        "certify": lambda: certify(fast, X),
        "loader": lambda: certify(through_loader, X),
    }
    if args.device == "cpu":
        ways["certify, usual layout"] = lambda: certify_as_laid_out(fast, X)
    ways |= {
        f"loop, batch {batch}": partial(loop, module, X, n_votes, args.device, batch)
        for batch in LOOP_BATCHES
    }
    seconds = measure(ways, args.rounds, clock)
    total = n_rows * n_votes
    forward_key, loop_key = (best(seconds, way) for way in ("forward", "loop"))
    floor = seconds[forward_key]
    print(f"{name}: {n_rows} rows, {n_votes} votes each")
    for key in (forward_key, "certify", "certify, usual layout", "loader", loop_key):
        if key in seconds:
            show(key, seconds[key], total, floor)
    if args.device == "cpu":
        ours, theirs = certify(fast, X).counts, certify(through_loader, X).counts
        differ = np.count_nonzero((ours != theirs).any(axis=1))
        print(f"  rows whose votes differ from those of predict: {differ}")
    else:
        variants(module, X, n_votes, classes, args, clock)


def variants(module, X, n_votes, classes, args, clock):
    """Precision, layout, compilation and batch size of certify on a GPU."""
    batch = fitting(FORWARD_BATCHES["cuda"], X)[-1]
    low = {"autocast": torch.bfloat16}
    is_image = X.ndim == 4
    settings = {"bf16": (module, low)}
    if is_image:
        layout = module.to(memory_format=torch.channels_last)
        settings["bf16, channels last"] = (layout, low | {"channels_last": True})
    settings["bf16, compiled"] = (torch.compile(module), low)
    for label, (network, how) in settings.items():
        clf = smoothed(network, n_votes, classes=classes, batch_size=batch, **how)
        ways = {
            "forward": lambda net=network, how=how: forward(
                net, X, n_votes, batch, args.device, **how
            ),
            "certify": lambda clf=clf: certify(clf, X),
        }
        seconds = measure(ways, args.rounds, clock)
        floor, total = seconds["forward"], len(X) * n_votes
        show(f"forward, {label}", floor, total, floor)
        show(f"certify, {label}", seconds["certify"], total, floor)
    for size in fitting(CERTIFY_BATCHES, X):
        clf = smoothed(module, n_votes, classes=classes, batch_size=size, **low)
        seconds = measure({"certify": lambda clf=clf: certify(clf, X)}, 1, clock)
        micro = seconds["certify"][0] / (len(X) * n_votes) * 1e6
        print(f"  certify, bf16, batch_size={size:<10}{micro:12.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--clock", default="wall", choices=("wall", "cpu"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="tasks with this in their name")
    parser.add_argument("--large", action="store_true", help="ResNets, on a GPU")
    parser.add_argument("--compiled", action="store_true")
    args = parser.parse_args()
    if args.compiled:
        _compiled._VALUES_WORTH_COMPILING = 0
    clock = time.process_time if args.clock == "cpu" else time.perf_counter
    where = torch.cuda.get_device_name() if args.device == "cuda" else "CPU"
    print(f"torch {torch.__version__}, {where}, {torch.get_num_threads()} threads")
    print(f"  {'':<34}{'us a vote':>12}{'x forward':>12}")
    warnings.filterwarnings("ignore", "Votes come from `predict`")
    for name, module, X, y, on_cpu, on_gpu in (large_tasks if args.large else tasks)():
        if args.only in name:
            size = on_cpu if args.device == "cpu" else on_gpu
            benchmark(name, module, X, y, size, args, clock)


if __name__ == "__main__":
    main()
