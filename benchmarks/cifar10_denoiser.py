# SPDX-License-Identifier: BSD-3-Clause
"""A small denoising network in front of a clean classifier on CIFAR-10, by class.

    python benchmarks/cifar10_denoiser.py --images DIR --device cuda [--seeds 0 1 2]

The networks are those of `cifar10.py`: one trained on clean images, and one with noise
augmentation at each sigma. In front of the clean one, which is left as it is, stands a
residual network that was trained to remove noise of that sigma, as in "Denoised
Smoothing" (Salman et al., NeurIPS 2020):

- `mse`: with the squared error against the clean image as its loss;
- `stability`: then trained further so that the classifier gives the denoised image the
  class that it gives the clean one;
- `behind`: the classifier trained further on the images that the `mse` denoiser leaves.

All are smoothed at the same sigma. For each: images that are certified and right, in
percent of each class; overall, worst class and range; overall and worst class at radius
sigma / 2; average certified radius (ACR) and that of the worst class. An abstention is
an error. With several seeds, means and standard deviations follow.
"""

import argparse
import time
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from cifar10 import NAMES, by_class, certify, load_images, number, smoothed, train
from torch import nn
from torch.nn import functional as F

from sksmooth.metrics import average_certified_radius_score, certified_accuracy_score

SCORES = ("overall", "worst", "range", "at s/2", "worst", "ACR", "worst")


class Denoiser(nn.Module):
    """What is added to an image: convolutions on its quarters of the resolution."""

    def __init__(self, width, depth):
        super().__init__()
        layers = [nn.PixelUnshuffle(2), nn.Conv2d(12, width, 3, 1, 1), nn.ReLU()]
        for _ in range(depth):
            layers += [
                nn.Conv2d(width, width, 3, 1, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        layers += [nn.Conv2d(width, 12, 3, 1, 1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x)


def optimise(module, loss, X, y, sigma, epochs, rate, args, seed):
    """Train a module; ``loss(noisy, clean, labels)`` is what it makes small."""
    generator = torch.Generator(args.device).manual_seed(seed)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    n_batches = -(-len(X) // args.denoiser_batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=epochs * n_batches
    )
    module.train()
    for _ in range(epochs):
        order = torch.randperm(len(X), device=args.device, generator=generator)
        for rows in order.split(args.denoiser_batch):
            clean = X[rows]
            noise = torch.randn(clean.shape, device=args.device, generator=generator)
            optimizer.zero_grad()
            loss(clean + sigma * noise, clean, y[rows]).backward()
            optimizer.step()
            schedule.step()
    return module.eval()


def kept(name, module, fit, args):
    """A trained module, loaded from where a run before left it."""
    path = args.work / f"{name}.pt"
    if path.exists():
        module.load_state_dict(torch.load(path, map_location=args.device))
    else:
        began = time.perf_counter()
        fit(module)
        torch.save(module.state_dict(), path)
        print(f"{name}: trained in {time.perf_counter() - began:.0f} s", flush=True)
    return module.eval()


def settings(args):
    """Those of denoisers, in the names of files."""
    width, depth = args.denoiser_width, args.denoiser_depth
    return f"{args.denoiser_epochs}_{args.tuning_epochs}_{width}x{depth}"


def denoised_networks(classifier, X, y, sigma, args, seed):
    """The classifier behind denoisers, by the name of how they were trained."""
    torch.manual_seed(seed)
    name = f"{sigma}_{args.epochs}_{args.width}_{seed}_{len(X)}_{settings(args)}"

    def squares(noisy, clean, _):
        return F.mse_loss(denoiser(noisy), clean)

    def stability(noisy, clean, _):
        with torch.no_grad():
            target = classifier(clean).argmax(1)
        return F.cross_entropy(classifier(stable(noisy)), target)

    def error(noisy, clean, labels):
        with torch.no_grad():
            seen = denoiser(noisy)
        return F.cross_entropy(behind(seen), labels)

    def fit(loss, epochs, rate):
        return lambda module: optimise(
            module, loss, X, y, sigma, epochs, rate, args, seed
        )

    denoiser = Denoiser(args.denoiser_width, args.denoiser_depth).to(args.device)
    kept(f"mse_{name}", denoiser, fit(squares, args.denoiser_epochs, 2e-3), args)
    stable = deepcopy(denoiser)
    classifier.requires_grad_(False)
    kept(f"stability_{name}", stable, fit(stability, args.tuning_epochs, 5e-4), args)
    behind = deepcopy(classifier).requires_grad_(True)
    kept(f"behind_{name}", behind, fit(error, args.tuning_epochs, 5e-4), args)
    return {
        "mse": nn.Sequential(denoiser, classifier),
        "stability": nn.Sequential(stable, classifier),
        "behind": nn.Sequential(denoiser, behind),
    }


def examine(module, name, sigma, test, args, seed):
    """Shares of each class, and the scores of the table."""
    y = test[1]
    clf = smoothed(SimpleNamespace(module_=module), sigma, args)
    found, right = certify(clf, f"{name}_{settings(args)}", test, args, seed)
    shares = by_class(right, y)
    half = [
        certified_accuracy_score(y, found, radius=sigma / 2, average=average)
        for average in ("micro", "worst")
    ]
    radii = [
        average_certified_radius_score(y, found, average=average)
        for average in ("micro", "worst")
    ]
    scores = [right.mean(), shares.min(), np.ptp(shares), *half]
    return np.array([*(100 * shares), *(100 * np.array(scores)), *radii])


def show(results):
    """Means over seeds, and their standard deviations where there are several."""
    heads = [*(name[:5] for name in NAMES), *SCORES]
    print("\nsigma network     " + "".join(f"{head:>9}" for head in heads))
    for (sigma, name), rows in results.items():
        rows = np.array(rows)
        digits = [1] * (len(heads) - 2) + [3] * 2
        means = zip(rows.mean(axis=0), digits, strict=True)
        print(f"{sigma:<6}{name:12}" + "".join(f"{v:9.{d}f}" for v, d in means))
        if len(rows) > 1:
            deviations = zip(rows.std(axis=0, ddof=1), digits, strict=True)
            cells = [f"({v:.{d}f})" for v, d in deviations]
            print(" " * 18 + "".join(f"{cell:>9}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, help="folder with train/ and test/")
    parser.add_argument("--work", type=Path, default=Path("cifar10_denoiser_output"))
    parser.add_argument("--sigmas", type=number, nargs="+", default=[0.25, 0.5, 1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=30, help="of the classifiers")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--denoiser-epochs", type=int, default=30)
    parser.add_argument("--tuning-epochs", type=int, default=10)
    parser.add_argument("--denoiser-width", type=int, default=96)
    parser.add_argument("--denoiser-depth", type=int, default=6)
    parser.add_argument("--denoiser-batch", type=int, default=256)
    parser.add_argument("--images-trained", type=int, help="fewer training images")
    parser.add_argument("--rows", type=int, default=1000, help="test images")
    parser.add_argument("--votes", type=int, default=500, help="cap of certify")
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--device", default="cpu", help="of networks, such as cuda")
    args = parser.parse_args()
    args.tuning_votes = 100
    args.work.mkdir(parents=True, exist_ok=True)

    (X, y), (X_test, y_test) = load_images(args.images)
    X, y = X[: args.images_trained], y[: args.images_trained]
    test = X_test[: args.rows], y_test[: args.rows]
    on_device = [torch.as_tensor(part, device=args.device) for part in (X, y)]
    results = {}
    began = time.perf_counter()
    for seed in args.seeds:
        clean = train(X, y, 0.0, args, seed)
        right = clean.predict(test[0]) == test[1]
        print(f"seed {seed}: clean network {100 * right.mean():.1f} %, not smoothed")
        for sigma in args.sigmas:
            classifier = clean.module_.eval()
            networks = {
                "clean": classifier,
                "noise": train(X, y, sigma, args, seed).module_.eval(),
                **denoised_networks(classifier, *on_device, sigma, args, seed),
            }
            for name, module in networks.items():
                scores = examine(module, name, sigma, test, args, seed)
                results.setdefault((sigma, name), []).append(scores)
            print(f"{time.perf_counter() - began:.0f} s", flush=True)
            show(results)


if __name__ == "__main__":
    main()
