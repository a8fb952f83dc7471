# SPDX-License-Identifier: BSD-3-Clause
"""Class-wise accuracy of smoothed networks on CIFAR-10: what noise does to each class.

    python benchmarks/cifar10.py --images DIR [--epochs 8] [--rows 500]
        [--seeds 0 1 2] [--copies 1 10 25 50 --epochs 50] [--device cuda]

One small residual network is trained on clean images and one with noise augmentation at
each sigma; each is smoothed at its own sigma, the clean one at all of them. The table
gives, for every class and overall, the share of test images that are certified (at
radius 0) and right, the worst and best class, their range, abstentions and the average
certified radius (ACR); then accuracy by the leader of the votes, plain and with vote
weights that were tuned for the worst class on other images. As in Table 3 of "Hidden
Cost of Randomized Smoothing", percentiles over classes follow.

With ``--copies`` networks are also trained on batches that hold that many noisy copies
of each of their images, as in Table 4 of the paper: fewer images a batch and fewer
epochs, so that the number of steps and of noisy images is the same. With several
``--seeds`` everything is trained anew for each, and means with standard deviations over
them are printed at the end.

DIR has folders ``train/<class>/*`` and ``test/<class>/*`` of images; without it, the
data set is fetched from OpenML through scikit-learn. Networks and logs of certificates
are kept in ``--work``: run the same command again to go on after an interruption.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import fetch_openml
from skorch.callbacks import LRScheduler
from torch import nn
from torch.utils.data import default_collate

from sksmooth import CertificateLog, SmoothedClassifier, TunedVoteClassifierCV
from sksmooth.metrics import average_certified_radius_score
from sksmooth.training import NoiseAugmentedNet

PERCENTILES = 1, 25, 50, 75, 100
NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


class SmallResNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            Block(width, 2 * width, 1),
            Block(2 * width, 4 * width, 2),
            Block(4 * width, 8 * width, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8 * width, 10),
        )

    def forward(self, x):
        return self.layers((x - 0.5) / 0.25)


def load_images(folder):
    """Images as float32 in [0, 1] of shape (n, 3, 32, 32), and labels, by split."""
    if folder is None:
        X, y = fetch_openml("CIFAR_10", version=1, return_X_y=True, as_frame=False)
        X = X.reshape(-1, 3, 32, 32).astype(np.float32) / 255
        y = y.astype(np.int64)
        return (X[:50_000], y[:50_000]), (X[50_000:], y[50_000:])
    from PIL import Image

    splits = []
    for split in ("train", "test"):
        paths = [
            (path, label)
            for label, name in enumerate(NAMES)
            for path in sorted((folder / split / name).iterdir())
        ]
        X = np.stack([np.asarray(Image.open(p).convert("RGB")) for p, _ in paths])
        y = np.array([label for _, label in paths], dtype=np.int64)
        order = np.random.default_rng(0).permutation(len(y))
        X = np.ascontiguousarray(X.transpose(0, 3, 1, 2)[order])
        splits.append((X.astype(np.float32) / 255, y[order]))
    return splits


def train(X, y, sigma, args, seed, copies=1):
    """Train a network, or load it from where a run before left it."""
    name = f"net_{sigma}_{args.epochs}_{args.width}_{len(X)}_{seed}_{copies}.pt"
    path = args.work / name
    batch_size, epochs = max(128 // copies, 1), max(args.epochs // copies, 1)
    steps = epochs * -(-len(X) // batch_size)

    def repeated(samples):
        return default_collate([sample for sample in samples for _ in range(copies)])

    net = NoiseAugmentedNet(
        SmallResNet,
        module__width=args.width,
        sigma=sigma or 1e-9,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__nesterov=True,
        optimizer__weight_decay=5e-4,
        lr=0.1,
        max_epochs=epochs,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        iterator_train__collate_fn=repeated,
        train_split=None,
        device=args.device,
        random_state=seed,
        callbacks=[
            LRScheduler(
                torch.optim.lr_scheduler.OneCycleLR,
                max_lr=0.1,
                total_steps=steps,
                step_every="batch",
            )
        ],
        classes=list(range(10)),
    )
    if path.exists():
        net.initialize()
        net.load_params(f_params=path)
    else:
        print(f"training at sigma={sigma}, {copies} copies, seed {seed}", flush=True)
        net.fit(X, y)
        net.save_params(f_params=path)
    return net


def smoothed(net, sigma, args):
    return SmoothedClassifier.from_fitted(
        net.module_.eval(),
        classes=list(range(10)),
        sigma=sigma,
        n_certify=args.votes,
        n_predict=args.tuning_votes,
        batch_size=args.batch_size,
        device=args.device,
        random_state=0,
        verbose=1,
    )


def examine(net, trained, sigma, tuning, test, args, seed):
    """Certify test images and tune weights; a row of the tables."""
    X, y = test
    clf = smoothed(net, sigma, args)
    name = f"log_{trained}_{sigma}_{args.epochs}_{args.votes}_{len(X)}_{seed}.tsv"
    log = args.work / name
    certificates = clf.certify(X, log=CertificateLog(log, y=y))
    right = (certificates.label == y) & ~certificates.abstained
    tuned = TunedVoteClassifierCV(clf, random_state=0).fit(*tuning)
    return {
        "trained": trained,
        "sigma": sigma,
        "right": np.array([right[y == c].mean() for c in range(10)]),
        "overall": right.mean(),
        "abstained": certificates.abstained.mean(),
        "acr": average_certified_radius_score(y, certificates),
        "plain": by_class(clf.predict(X), y),
        "tuned": by_class(tuned.predict(X), y),
    }


def by_class(label, y):
    return np.array([(label[y == c] == c).mean() for c in range(10)])


def show(rows, base):
    print("\nCertified and right at radius 0, % of each class\n")
    head = [name[:5] for name in NAMES]
    print(
        "trained  smoothed "
        + "".join(f"{name:>6}" for name in head)
        + "  overall  worst  best  range  abstain    ACR"
    )
    for trained, accuracy in base.items():
        print(
            f"{trained:>7} {'-':>9} "
            + "".join(f"{100 * share:6.0f}" for share in accuracy)
            + f"{100 * accuracy.mean():9.1f}{100 * accuracy.min():7.0f}"
            f"{100 * accuracy.max():6.0f}{100 * np.ptp(accuracy):7.0f}{'-':>9}{'-':>7}"
        )
    for row in rows:
        right = row["right"]
        print(
            f"{row['trained']:>7} {row['sigma']:>9} "
            + "".join(f"{100 * share:6.0f}" for share in right)
            + f"{100 * row['overall']:9.1f}{100 * right.min():7.0f}"
            f"{100 * right.max():6.0f}{100 * np.ptp(right):7.0f}"
            f"{100 * row['abstained']:9.1f}{row['acr']:7.3f}"
        )
    print("\nAccuracy of the leader of the votes, %: plain, and with tuned weights\n")
    print("trained  smoothed   mean  worst  range      mean  worst  range")
    for row in rows:
        cells = "    ".join(
            f"{100 * a.mean():6.1f}{100 * a.min():7.0f}{100 * np.ptp(a):7.0f}"
            for a in (row["plain"], row["tuned"])
        )
        print(f"{row['trained']:>7} {row['sigma']:>9} {cells}")


def show_percentiles(rows, base):
    print(
        "\nPercentiles over classes of certified accuracy, % (not smoothed: accuracy)\n"
    )
    heads = "".join(f"{q:>6}" for q in PERCENTILES)
    print(f"trained  smoothed {heads}")
    for trained, accuracy in base.items():
        cells = np.percentile(100 * accuracy, PERCENTILES)
        print(f"{trained:>7} {'-':>9} " + "".join(f"{cell:6.0f}" for cell in cells))
    for row in rows:
        cells = np.percentile(100 * row["right"], PERCENTILES)
        print(
            f"{row['trained']:>7} {row['sigma']:>9} "
            + "".join(f"{cell:6.0f}" for cell in cells)
        )


def show_seeds(runs):
    """Mean and standard deviation over seeds."""
    if len(runs) == 1:
        return
    print(f"\n{len(runs)} seeds: certified accuracy, %, mean (std)\n")
    print(f"trained  smoothed {'overall':>14}{'worst':>14}{'best':>14}{'range':>14}")
    for same in zip(*runs, strict=True):
        right = 100 * np.array([row["right"] for row in same])
        columns = (right.mean(1), right.min(1), right.max(1), np.ptp(right, axis=1))
        cells = [f"{x.mean():.1f} ({x.std(ddof=1):.1f})" for x in columns]
        print(
            f"{same[0]['trained']:>7} {same[0]['sigma']:>9} "
            + "".join(f"{cell:>14}" for cell in cells)
        )


def show_copies(train_set, test, args):
    print("\nCopies of an image in a batch: worst and best class of the votes, %\n")
    print("  sigma" + "".join(f"{copies:>16}" for copies in args.copies))
    for sigma in args.sigmas:
        print(f"{sigma:>7}", end="")
        for copies in args.copies:
            accuracies = []
            for seed in args.seeds:
                net = train(*train_set, sigma, args, seed, copies)
                label = smoothed(net, sigma, args).predict(test[0])
                accuracies.append(100 * by_class(label, test[1]))
            worst, best = np.min(accuracies, 1).mean(), np.max(accuracies, 1).mean()
            print(f"{f'{worst:.0f}-{best:.0f}':>16}", end="", flush=True)
        print()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, help="folder with train/ and test/")
    parser.add_argument("--work", type=Path, default=Path("cifar10_output"))
    parser.add_argument("--sigmas", type=float, nargs="+", default=[0.12, 0.25, 0.5, 1])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--rows", type=int, default=500, help="test images")
    parser.add_argument("--tuning-rows", type=int, default=500)
    parser.add_argument("--votes", type=int, default=1000, help="cap of certify")
    parser.add_argument("--tuning-votes", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--copies", type=int, nargs="*", default=[])
    parser.add_argument("--device", default="cpu", help="of networks, such as cuda")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)

    train_set, (X, y) = load_images(args.images)
    test = X[: args.rows], y[: args.rows]
    tuning = tuple(part[args.rows : args.rows + args.tuning_rows] for part in (X, y))
    runs = []
    for seed in args.seeds:
        clean = train(*train_set, 0.0, args, seed)
        base = {"clean": by_class(clean.predict(test[0]), test[1])}
        rows = [
            examine(clean, "clean", sigma, tuning, test, args, seed)
            for sigma in args.sigmas
        ]
        for sigma in args.sigmas:
            net = train(*train_set, sigma, args, seed)
            base[f"{sigma}"] = by_class(net.predict(test[0]), test[1])
            rows.append(examine(net, f"{sigma}", sigma, tuning, test, args, seed))
        print(f"\nSeed {seed}")
        show(rows, base)
        show_percentiles(rows, base)
        runs.append(rows)
    show_seeds(runs)
    if args.copies:
        show_copies(train_set, test, args)


if __name__ == "__main__":
    main()
